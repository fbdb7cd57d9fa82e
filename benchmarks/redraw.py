"""How long each explorable takes to answer, and how soon a page can be read: part of ``make bench``."""

import gzip
import re
import statistics

from page_weight import SITE, browser
from playwright.sync_api import sync_playwright

from ncl_lib.widgets import page_script

# Each slider goes over its whole range, in jumps, as a hand would not.
MOVE = """root => Object.fromEntries([...root.querySelectorAll("input[type=range]")].map(input => {
    const [low, high, start] = [+input.min, +input.max, input.value];
    const times = [];
    const move = value => { input.value = value; input.dispatchEvent(new Event("input", { bubbles: true })); };
    for (let k = 0; k <= 100; k++) { move(low + (high - low) * ((k * 37) % 101) / 100); times.push(root.lastRedraw); }
    move(start);
    return [input.dataset.parameter, times];
}))"""
READY = """(async () => {
    await document.fonts.ready;
    return [performance.getEntriesByType("paint")[0].startTime, performance.now()];
})()"""


def main():
    """Open each page from disk, move everything, and print medians, 95th percentiles and the worst."""
    found = browser()
    figures = {}  # each with a page that it is on
    for path in sorted(SITE.glob("*/*.html")):
        for name in re.findall(r'data-explorable="([^"]+)"', path.read_text(encoding="utf-8")):
            figures[name] = path
    print(f"code of all explorables: {len(gzip.compress(page_script().encode())) / 1000:.1f} kB compressed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--headless", "--no-sandbox"])
        print(f"{'figure':>14} {'redraw ms':>10} {'95 %':>6} {'worst':>6}   slowest slider, median")
        for name, path in figures.items():
            page = chromium.new_page()
            page.goto(path.as_uri())
            root = page.locator(f"[data-explorable={name}]")
            root.locator(".summary").wait_for()
            page.wait_for_timeout(1500)
            times = root.evaluate(MOVE)
            every = [time for column in times.values() for time in column]
            slowest = max(times, key=lambda key: statistics.median(times[key]))
            print(
                f"{name:>14} {statistics.median(every):10.1f} {statistics.quantiles(every, n=20)[-1]:6.1f} "
                f"{max(every):6.1f}   "
                f"{slowest} {statistics.median(times[slowest]):.1f}"
            )
            page.close()
        print(f"{'page':>28} {'text ms':>8} {'maths ms':>8}  (medians of 5)")
        for path in figures.values():
            seen = []
            for _ in range(5):
                context = chromium.new_context()
                page = context.new_page()
                page.goto(path.as_uri(), wait_until="commit")
                page.wait_for_load_state("domcontentloaded")
                seen.append(page.evaluate(READY))
                context.close()
            text, maths = map(statistics.median, zip(*seen, strict=True))
            print(f"{path.relative_to(SITE)!s:>28} {text:8.0f} {maths:8.0f}")


if __name__ == "__main__":
    main()
