"""The built site in a real browser: every page, from http and from disk, light and dark, wide and narrow."""

import functools
import http.server
import itertools
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from ncl_lib import CosineModes, Norms, Setting, SixthOrderFlow, ThirdOrderFlow
from ncl_lib.widgets import RegimeShift

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


@pytest.fixture(scope="module")
def bases():
    handler = functools.partial(Quiet, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"http": f"http://127.0.0.1:{server.server_port}/", "file": f"{SITE.as_uri()}/"}
        server.shutdown()


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


def test_site_was_built():
    assert len(PAGES) > 12, "run `make book` first"


@pytest.mark.parametrize("path", PAGES)
def test_page(browser, bases, path):
    formulas = re.findall(r'class="[^"]*\bmath\b[^"]*"', (SITE / path).read_text(encoding="utf-8"))
    for kind, theme, viewport in VARIANTS:
        case = f"{path} from {kind}, {theme}, {viewport['width']} px"
        with Visit(browser, bases[kind], path, theme, viewport) as visit:
            page = visit.page
            if formulas:
                page.wait_for_function("window.MathJax && MathJax.startup && MathJax.startup.document")
                page.evaluate("MathJax.startup.promise")
                assert page.locator("mjx-container").count() >= len(formulas), f"unset maths: {case}"
                assert page.locator("mjx-merror").count() == 0, f"broken maths: {case}"
            if path == "index.html":
                page.wait_for_url("**/intro.html")
            page.evaluate("document.fonts.ready")
            assert visit.elsewhere == [], case
            assert visit.complaints == [], case
            assert page.evaluate("document.documentElement.dataset.theme") in (theme, None), case
            broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
            assert page.evaluate(broken) == [], case
            sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(sideways) <= 0, f"scrolls sideways: {case}"


@pytest.mark.parametrize("kind", ["http", "file"])
def test_search_finds_a_theorem(browser, bases, kind):
    with Visit(browser, bases[kind], "search.html?q=saddle") as visit:
        visit.page.wait_for_selector("#search-results li a")
        assert visit.page.locator("#search-results a", has_text="flow").count() > 0
        assert visit.complaints == []


def test_theme_is_switched_by_keyboard_and_kept(browser, bases):
    with Visit(browser, bases["http"], "l2/cubic-flow.html") as visit:
        page = visit.page
        button = page.locator("button.theme-switch-button:visible").first
        seen = set()
        for _ in range(3):
            button.focus()
            page.keyboard.press("Enter")
            seen.add(page.evaluate("document.documentElement.dataset.theme"))
        assert seen == {"light", "dark"}
        while page.evaluate("document.documentElement.dataset.theme") != "dark":
            button.click()
        page.goto(bases["http"] + "l2/model.html")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_quick_check_answers_by_keyboard_and_mouse(browser, bases):
    with Visit(browser, bases["http"], "l2/cubic-flow.html") as visit:
        answers = visit.page.locator(".quick-check").first.locator("details")
        assert not answers.nth(0).evaluate("e => e.open")
        answers.nth(0).locator("summary").focus()
        visit.page.keyboard.press("Enter")
        assert answers.nth(0).evaluate("e => e.open")
        answers.nth(2).locator("summary").click()
        assert answers.nth(2).get_by_text("Right.").is_visible()


def test_quick_check_and_folded_code_work_without_scripts(browser, bases):
    with Visit(browser, bases["file"], "l2/cubic-flow.html", java_script_enabled=False) as visit:
        answer = visit.page.locator(".quick-check details").nth(2)
        answer.locator("summary").click()
        assert answer.get_by_text("Right.").is_visible()
        code = visit.page.locator("details.hide").first
        code.locator("summary").click()
        assert code.locator("pre").first.is_visible()


def test_chapter_can_be_downloaded_and_opened_in_binder(browser, bases):
    with Visit(browser, bases["http"], "l2/cubic-flow.html") as visit:
        page = visit.page
        binder = page.locator("a[href*='mybinder.org']").first.get_attribute("href")
        assert binder.endswith("book/l2/cubic-flow.md")
        notebook = page.locator("a[href$='.ipynb']").first.get_attribute("href")
        answer = page.request.get(page.evaluate("h => new URL(h, document.baseURI).href", notebook))
        assert answer.ok
        cells = answer.json()["cells"]
        assert any(cell.get("outputs") for cell in cells), "the notebook is an executed one"


def test_internal_links_lead_somewhere(browser, bases):
    with Visit(browser, bases["http"], "intro.html") as visit:
        page, missing = visit.page, set()
        for path in set(PAGES) - {"index.html"}:  # that one only leads on to the first page
            page.goto(bases["http"] + path, wait_until="domcontentloaded")
            for link in page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.href)"):
                if link.startswith(bases["http"]):
                    target, _, anchor = link.removeprefix(bases["http"]).partition("#")
                    file = SITE / (target.partition("?")[0] or "index.html")
                    if not file.is_file() or (
                        anchor and file.suffix == ".html" and f'id="{anchor}"' not in file.read_text(encoding="utf-8")
                    ):
                        missing.add((path, link))
        assert missing == set()


class Explorable:
    """The first explorable of a page, and what it says."""

    def __init__(self, page):
        self.page, self.root = page, page.locator("div.explorable").first
        self.root.locator(".summary").wait_for()
        self.root.scroll_into_view_if_needed()

    def slider(self, name):
        return self.root.locator(f"[data-parameter={name}]")

    def state(self):
        values = """e => Object.fromEntries(
            [...e.querySelectorAll('[data-parameter]')].map(i => [i.dataset.parameter, i.value]))"""
        return {key: value if key == "loss" else float(value) for key, value in self.root.evaluate(values).items()}

    def summary(self):
        return self.root.locator(".summary").inner_text()

    def agrees(self):
        """The summary states the equilibria and the regime that the library finds."""
        state = self.state()
        setting = Setting(state["sigma2"], state["rho"])
        if state["loss"] == "L2":
            flow = ThirdOrderFlow(setting)
        else:
            w = np.full(8, state["size"])
            flow = SixthOrderFlow(setting, Norms.of_modes(w, w**2, setting))
        listed = ", ".join(f"{e.w:.3f} ({e.kind})" for e in flow.equilibria())
        said = self.summary()
        assert f"Equilibria: {listed}." in said
        assert said.lower().startswith(flow.regime(state["w"]).value)
        assert f"Critical decay {flow.critical_decay():.4f}." in said


@pytest.mark.parametrize(("kind", "theme", "viewport"), VARIANTS)
def test_explorable_answers_keyboard_and_mouse(browser, bases, kind, theme, viewport):
    with Visit(browser, bases[kind], "l2/cubic-flow.html", theme, viewport) as visit:
        page, figure = visit.page, Explorable(visit.page)
        figure.agrees()
        before = figure.state()
        figure.slider("rho").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        assert figure.state()["rho"] == pytest.approx(before["rho"] + 0.003)
        figure.agrees()
        for name in ("Collapse", "Acute", "Stable"):
            figure.root.get_by_role("button", name=name).click()
            assert figure.summary().startswith(name)
            figure.agrees()
        figure.slider("loss").select_option("cosine")
        figure.agrees()
        # The handle of the left picture, dragged to the right, takes the mode along.
        box = figure.root.locator(".handle").first.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        before = figure.state()["w"]
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 40, y, steps=4)
        page.mouse.up()
        assert figure.state()["w"] > before + 0.05
        figure.agrees()
        figure.root.get_by_role("button", name="Reset").click()
        assert figure.state() == {"loss": "L2", "sigma2": 0.5, "rho": 0.05, "w": 0.2, "size": 0.7}
        assert visit.complaints == [] and visit.elsewhere == []


def test_explorable_bears_all_extremes_at_once(browser, bases):
    with Visit(browser, bases["http"], "cosine/sixth-order-flow.html", viewport=NARROW) as visit:
        figure = Explorable(visit.page)
        sliders = [figure.slider(name) for name in ("sigma2", "rho", "w", "size")]
        for loss in ("L2", "cosine"):
            figure.slider("loss").select_option(loss)
            for ends in itertools.product(("Home", "End"), repeat=4):
                for slider, key in zip(sliders, ends, strict=True):
                    slider.press(key)
                figure.agrees()
                assert "NaN" not in figure.root.inner_html() and "Infinity" not in figure.root.inner_html()
        outside = """e => [...e.querySelectorAll('svg')].some(svg => {
            const frame = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('circle, text')].some(mark => {
                const box = mark.getBoundingClientRect();
                return box.right > frame.right + 1 || box.left < frame.left - 1;
            });
        })"""
        assert not figure.root.evaluate(outside)
        assert figure.root.evaluate("e => e.scrollWidth <= e.clientWidth")
        assert visit.complaints == []


def test_explorable_has_a_link_to_its_state(browser, bases):
    with Visit(browser, bases["http"], "l2/cubic-flow.html") as visit:
        figure = Explorable(visit.page)
        figure.root.get_by_role("button", name="Collapse").click()
        figure.root.get_by_role("button", name="Link").click()
        wanted, address = figure.state(), visit.page.evaluate("location.href")
        visit.page.goto("about:blank")
        visit.page.goto(address)
        assert Explorable(visit.page).state() == wanted


def test_explorable_by_touch(browser, bases):
    with Visit(browser, bases["http"], "l2/cubic-flow.html", viewport=NARROW, has_touch=True) as visit:
        figure = Explorable(visit.page)
        figure.root.get_by_role("button", name="Acute").tap()
        assert figure.summary().startswith("Acute")
        box = figure.slider("w").bounding_box()
        visit.page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
        assert figure.summary().startswith("Stable")
        figure.agrees()


def test_picture_stands_in_for_an_explorable_without_scripts(browser, bases):
    with Visit(browser, bases["file"], "l2/cubic-flow.html", java_script_enabled=False) as visit:
        picture = visit.page.locator("div.explorable img")
        assert picture.is_visible() and "equilibria" in picture.get_attribute("alt")


def test_regime_shift_says_what_the_library_finds(browser, bases):
    with Visit(browser, bases["http"], "cosine/regimes.html") as visit:
        figure = Explorable(visit.page)
        for name in ("Collapse", "Acute", "Stable", "Reset"):
            figure.root.get_by_role("button", name=name).click()
            state = figure.state()
            start = RegimeShift(**{key: int(value) if key == "mode" else value for key, value in state.items()})
            w, times = start.start(), np.linspace(0, 3 / state["rho"], 81)
            setting, mode = Setting(state["sigma2"], state["rho"]), int(state["mode"]) - 1
            exact = CosineModes(setting).solve(w, w**2, times, tolerance=1e-6).regimes[:, mode]
            coupled = CosineModes(setting, "leading").solve(w, w**2, times).regimes[:, mode]
            for words, regimes in (("exact", exact), ("norms coupled", coupled)):
                path = [regimes[0].value] + [b.value for a, b in itertools.pairwise(regimes) if a != b]
                now = regimes[round(state["moment"] * 80)].value
                assert f"{words}: {now} at this moment ({', then '.join(path)})" in figure.summary()
            assert name == "Reset" or f"exact: {name.lower()} at this moment" in figure.summary()
        # The moment is moved by its slider and by dragging the point.
        figure.slider("moment").focus()
        visit.page.keyboard.press("Home")
        assert "at time 0.00." in figure.summary()
        box = figure.root.locator(".handle").last.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        visit.page.mouse.move(x, y)
        visit.page.mouse.down()
        visit.page.mouse.move(x + 60, y, steps=3)
        visit.page.mouse.up()
        assert figure.state()["moment"] > 0.1
        assert visit.complaints == [] and visit.elsewhere == []


def test_regime_shift_bears_all_extremes_at_once(browser, bases):
    with Visit(browser, bases["file"], "cosine/regimes.html", "dark", NARROW) as visit:
        figure = Explorable(visit.page)
        sliders = [figure.slider(name) for name in ("rho", "sigma2", "size", "spread", "mode")]
        for ends in itertools.product(("Home", "End"), repeat=5):
            for slider, key in zip(sliders, ends, strict=True):
                slider.press(key)
            assert "NaN" not in figure.root.inner_html() and "Infinity" not in figure.root.inner_html()
            assert "exact:" in figure.summary()
        assert figure.root.evaluate("e => e.scrollWidth <= e.clientWidth")
        assert visit.complaints == []
