"""What each page of the site weighs, gzipped as a web server would send it: part of ``make bench``."""

import gzip
import shutil
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlparse

from playwright.sync_api import sync_playwright

SITE = Path(__file__).parent.parent / "_build" / "html"


def browser():
    """Where chromium is; ends the program if there is none, or no built site."""
    found = shutil.which("chromium")
    if found is None or not (SITE / "intro.html").exists():
        sys.exit("page weights and redraw times need chromium and a built site (make book): skipped")
    return found


def main():
    """Open every page from disk, and add up what it asked for."""
    sizes = {}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser(), args=["--headless", "--no-sandbox"])
        for path in sorted(SITE.rglob("*.html")):
            if "_static" in path.parts or path.name == "index.html":
                continue
            asked = set()
            page = chromium.new_page()
            page.on("request", lambda request, asked=asked: asked.add(request.url))
            page.goto(path.as_uri())
            page.wait_for_timeout(1500)
            page.close()
            files = {Path(unquote(urlparse(url).path)) for url in asked if url.startswith("file:")}
            sizes[path.relative_to(SITE)] = {file: weigh(file) for file in files if file.is_file()}
    print(f"{'page':>40} {'kB gzipped':>11}")
    for page, files in sizes.items():
        print(f"{page!s:>40} {sum(files.values()) / 1000:11.0f}")
    largest = max(sizes, key=lambda page: sum(sizes[page].values()))
    print(f"\nLargest, {largest}:")
    for file, size in Counter(sizes[largest]).most_common(12):
        print(f"{file.relative_to(SITE)!s:>70} {size / 1000:7.0f}")


def weigh(file):
    """Bytes on the wire: fonts and pictures are compressed already."""
    data = file.read_bytes()
    return len(data) if file.suffix in {".woff", ".woff2", ".png"} else len(gzip.compress(data, 6))


if __name__ == "__main__":
    main()
