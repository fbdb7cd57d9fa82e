"""The built site in a real browser: every page, from http and from disk, light and dark, wide and narrow."""

import re

import pytest
from visits import PAGES, SITE, VARIANTS, Visit


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
