"""How a test opens a page of the built site in a real browser."""

import http.server
from pathlib import Path

SITE = Path(__file__).parent.parent / "_build" / "html"
PAGES = sorted(
    str(path.relative_to(SITE))
    for path in SITE.rglob("*.html")
    if "_static" not in path.parts and "_sources" not in path.parts
)
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 780}
# Every pair of (address, theme, width) occurs.
VARIANTS = [("http", "light", WIDE), ("http", "dark", NARROW), ("file", "light", NARROW), ("file", "dark", WIDE)]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and keeps silent about it."""

    def log_message(self, *args):
        pass


class Visit:
    """One page, open, with what it asked for and what it complained about."""

    def __init__(self, browser, base, path, theme="light", viewport=WIDE, **options):
        self.context = browser.new_context(viewport=viewport, color_scheme=theme, **options)
        self.page = self.context.new_page()
        self.complaints, self.elsewhere = [], []
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        self.page.on("request", lambda request: self.note(request.url, base))
        self.page.goto(base + path)

    def note(self, url, base):
        if not url.startswith((base, "data:", "blob:")):
            self.elsewhere.append(url)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.context.close()
