"""Mend what assistive technology trips over in the pages that docutils and the theme make."""

import re
from pathlib import Path

# A list of citations whose members are no list items, and two roles that have been withdrawn.
WRONG_ROLES = re.compile(r' role="(?:list(?=" class="citation-list")|doc-biblioentry|doc-backlink)"')
# The button that opens a branch of the menu has a picture and no name.
NAMELESS = '<summary><span class="toctree-toggle" role="presentation">'
NAMED = '<summary aria-label="Pages below this one"><span class="toctree-toggle" role="presentation">'


def mend(app, exception):
    """Drop roles that are wrong, and name what has none."""
    if exception is not None or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        mended = WRONG_ROLES.sub("", text).replace(NAMELESS, NAMED)
        if mended != text:
            path.write_text(mended, encoding="utf-8")


def setup(app):
    """Register with Sphinx."""
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
