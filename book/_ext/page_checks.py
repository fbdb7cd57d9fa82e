"""Stop the build where a page would call a third party, or has a figure that says nothing to who cannot see it."""

import re
from html.parser import HTMLParser
from pathlib import Path

from sphinx.errors import ExtensionError

ELSEWHERE = re.compile(r"^(https?:)?//")
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "audio": "src",
    "video": "src",
    "source": "src",
    "embed": "src",
}
LINKS = {"stylesheet", "preload", "modulepreload", "icon", "shortcut icon", "prefetch", "preconnect", "dns-prefetch"}
SHORTEST_ALT = 25


class Page(HTMLParser):
    """Collects what is wrong with one page."""

    def __init__(self, text):
        super().__init__()
        self.faults = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = {name: value or "" for name, value in attrs}
        address = attrs.get(LOADED.get(tag, ""), "")
        if tag == "link" and attrs.get("rel", "") in LINKS:
            address = attrs.get("href", "")
        if ELSEWHERE.match(address):
            self.faults.append(f"asks a third party for {address}")
        logo = "_static/" in address
        if tag == "img" and len(attrs.get("alt", "")) < (1 if logo else SHORTEST_ALT):
            self.faults.append(f"image {attrs.get('src')} has alt text {attrs.get('alt')!r}: say what it shows")


def check_pages(app, exception):
    """Read every page as it was written."""
    if exception is not None or app.builder.format != "html":
        return
    faults = [
        f"{path.relative_to(app.outdir)}: {fault}"
        for path in sorted(Path(app.outdir).rglob("*.html"))
        if "_static" not in path.parts
        for fault in Page(path.read_text(encoding="utf-8")).faults
    ]
    if faults:
        raise ExtensionError("\n".join(faults))


def setup(app):
    """Register with Sphinx."""
    app.connect("build-finished", check_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
