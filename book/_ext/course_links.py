"""Links that need the address of the repository, which stands in _config.yml alone."""

from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from sphinx.util.docutils import SphinxRole


class Binder(SphinxRole):
    """{binder}`words <path>`: opens a file of the repository in Binder."""

    def run(self):
        words, _, path = self.text.rstrip(">").partition(" <")
        address = self.config.html_theme_options["repository_url"].removeprefix("https://github.com/")
        url = f"https://mybinder.org/v2/gh/{address}/main?urlpath={quote(f'lab/tree/{path}', safe='')}"
        return [nodes.reference("", words, refuri=url)], []


class Hub(SphinxRole):
    """{hub}`path`: the address by which a JupyterHub pulls the repository and opens a file."""

    def run(self):
        repository = self.config.html_theme_options["repository_url"]
        place = quote(f"lab/tree/{Path(repository).name}/{self.text}", safe="")
        query = f"repo={quote(repository, safe='')}&branch=main&urlpath={place}"
        return [nodes.literal("", f"https://YOUR-HUB/hub/user-redirect/git-pull?{query}")], []


def setup(app):
    """Register with Sphinx."""
    app.add_role("binder", Binder())
    app.add_role("hub", Hub())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
