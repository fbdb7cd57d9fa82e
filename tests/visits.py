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
# The same, two to a visit: as the page is loaded, and as it is then without being loaded anew.
LOOKS = {kind: [variant[1:] for variant in VARIANTS if variant[0] == kind] for kind in ("http", "file")}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and keeps silent about it."""

    def log_message(self, *args):
        pass


TABS = {}  # open and free, by what they were opened with; the fixture `browser` empties it


class Visit:
    """One page, open, with what it asked for and what it complained about.

    Visits follow one another in one tab, as a reader's do: a fresh one loads and compiles every script and font anew.
    """

    def __init__(self, browser, base, path, theme="light", viewport=WIDE, **options):
        self.kind = (base, *options.items())
        self.page = TABS.pop(self.kind, None) or browser.new_context(**options).new_page()
        self.complaints, self.elsewhere = [], []
        self.heard = {
            "console": lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None,
            "pageerror": lambda error: self.complaints.append(str(error)),
            "requestfailed": lambda request: self.complaints.append(f"failed: {request.url}"),
            "request": lambda request: self.note(request.url, base),
        }
        for event, handler in self.heard.items():
            self.page.on(event, handler)
        self.page.set_viewport_size(viewport)
        self.page.emulate_media(color_scheme=theme, media="null")
        self.page.goto(base + path)

    def note(self, url, base):
        if not url.startswith((base, "data:", "blob:")):
            self.elsewhere.append(url)

    def __enter__(self):
        return self

    def __exit__(self, kind, *error):
        if kind is not None:  # nobody knows what state it is in
            self.page.context.close()
            return
        for event, handler in self.heard.items():
            self.page.remove_listener(event, handler)
        self.page.evaluate("localStorage.clear(), sessionStorage.clear()")
        self.page.mouse.move(0, 0)
        self.page.goto("about:blank")
        TABS[self.kind] = self.page
