"""The built site in a real browser: every page, from http and from disk, light and dark, wide and narrow."""

import functools
import inspect
import re
import xml.etree.ElementTree as ET
import zipfile

import pytest
from axe_playwright_python.sync_playwright import Axe
from visits import LOOKS, PAGES, SITE, WIDE, Visit

import ncl_lib
import ncl_lib.course
import ncl_lib.deep
import ncl_lib.widgets


@functools.cache
def text_of(path):
    return (SITE / path).read_text(encoding="utf-8")


def test_site_was_built():
    assert len(PAGES) > 12, "run `make book` first"


# Of links in pictures the address is an object.
LINKS = "[...document.querySelectorAll('a[href]')].map(a => new URL(a.getAttribute('href'), document.baseURI).href)"


def links_to_nowhere(page, base):
    """Links within the site whose page or anchor is not there."""
    missing = []
    for link in page.evaluate(LINKS):
        if link.startswith(base):
            target, _, anchor = link.removeprefix(base).partition("#")
            file = SITE / (target.partition("?")[0] or "index.html")
            if not file.is_file() or (anchor and file.suffix == ".html" and f'id="{anchor}"' not in text_of(file)):
                missing.append(link)
    return missing


MATH_FONT = """() => document.fonts.load('1em "Book Math"')
    .then(() => [...document.fonts].filter(face => face.family.includes("Book Math")).map(face => face.status))"""


def formulas_are_set(page, path):
    """All maths of the page is MathML that the browser has read as such, in the font that comes with it."""
    formulas = text_of(path).count("<math")
    assert page.locator("math").count() == formulas
    assert page.locator("merror").count() == 0, "broken maths"
    if formulas:
        assert page.evaluate(MATH_FONT) == ["loaded"]


# Buttons fade from one theme to the other, in a moment; a fade that is out of sight may never end.
FADED = """() => Promise.race([
    Promise.allSettled(document.getAnimations().map(animation => animation.finished)),
    new Promise(resolve => setTimeout(resolve, 1000)),
])"""


def looks_right(page, theme):
    """Theme as the reader's system has it, all images there, nothing beyond the edge."""
    page.evaluate("document.fonts.ready")
    page.wait_for_function("theme => [theme, undefined].includes(document.documentElement.dataset.theme)", arg=theme)
    page.evaluate(FADED)
    broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
    assert page.evaluate(broken) == []
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(sideways) <= 0, "scrolls sideways"


def serious(page, **options):
    """What Axe finds that keeps a reader out."""
    found = [v for v in Axe().run(page, **options).response["violations"] if v["impact"] in ("serious", "critical")]
    return [(v["id"], n["target"]) for v in found for n in v["nodes"]]


# With the colour of the text around it a formula has its contrast; of a dark page Axe need not ask more than that.
FOREIGN_INK = """() => [...document.querySelectorAll("math, math *")]
    .filter(e => getComputedStyle(e).color !== getComputedStyle(e.parentElement).color).length"""
CONTRAST = dict(context={"exclude": [["math"]]}, options={"runOnly": ["color-contrast"]})


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("kind", "looks"), LOOKS.items())
def test_page(browser, bases, path, kind, looks):
    with Visit(browser, bases[kind], path, *looks[0]) as visit:
        page = visit.page
        if path == "index.html":  # that one only leads on to the first page
            page.wait_for_url("**/intro.html")
        else:
            formulas_are_set(page, path)
        # To load and set a page takes longer than to look at it, so the same one is looked at twice.
        for theme, viewport in looks:
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=theme)
            looks_right(page, theme)
            assert visit.elsewhere == [] and visit.complaints == [], (theme, viewport)
            if viewport is not WIDE or path == "index.html":
                continue
            assert links_to_nowhere(page, bases[kind]) == []
            if theme == "light":
                assert serious(page) == []
            else:
                assert serious(page, **CONTRAST) == [] and page.evaluate(FOREIGN_INK) == 0
            visit.complaints.clear()  # Axe asks for style sheets once more, and for one in vain


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


MADE_BY_SPHINX = ("index.html", "search.html", "genindex.html", "prf-prf.html", "py-modindex.html")


# ---- Reference, glossary, indexes, copies --------------------------------------------------------------------------


def public_names():
    names = [f"ncl_lib.{name}" for name in ncl_lib.__all__ if not inspect.ismodule(getattr(ncl_lib, name))]
    for module in (ncl_lib.plots, ncl_lib.losses, ncl_lib.features, ncl_lib.data, ncl_lib.images, ncl_lib.deep):
        own = [name for name, value in vars(module).items() if inspect.isfunction(value) or inspect.isclass(value)]
        own = [name for name in own if getattr(module, name).__module__ == module.__name__]
        names += [f"{module.__name__}.{name}" for name in own if not name.startswith("_")]
    names += [f"ncl_lib.widgets.{name}" for name in ncl_lib.widgets.__all__]
    return names + [f"ncl_lib.course.{name}" for name in ncl_lib.course.__all__]


def test_every_public_name_has_an_entry_with_an_example():
    reference = "".join(text_of(path) for path in PAGES if path.startswith("reference/"))
    assert len(public_names()) > 60
    for name in public_names():
        start = reference.find(f'id="{name}"')
        assert start > 0, name
        following = re.search(r'id="ncl_lib\.(?:\w+\.)?[A-Za-z_]\w+">', reference[start + 10 :])
        entry = reference[start : start + 10 + following.start()] if following else reference[start:]
        if name not in ("ncl_lib.CollapseKind", "ncl_lib.Regime"):
            assert "Example" in entry and "&gt;&gt;&gt;" in entry, name


def test_every_term_of_the_glossary_is_linked_from_a_chapter():
    terms = re.findall(r'<dt id="(term-[^"]+)">', text_of("glossary.html"))
    assert len(terms) >= 25
    chapters = "".join(
        text_of(path) for path in PAGES if path.split("/")[0] in ("puzzle", "l2", "cosine", "past", "steps", "open")
    )
    assert [term for term in terms if f"glossary.html#{term}" not in chapters] == []


def test_index_of_figures_is_complete():
    captions = sum(text_of(path).count('<span class="caption-number">Fig') for path in PAGES)
    link = r'<a class="reference internal[^"]*" href="[^"]*#[^"]+">(?:<img[^>]*>)?Figure[ \d.]*</a>'
    listed = re.findall(link, text_of("figures.html"))
    assert len(listed) == captions > 40


def test_bibliography_has_addresses():
    entries = text_of("bibliography.html").count('class="citation"')
    assert len(re.findall(r'href="https://doi\.org/10\.[^"]+"', text_of("bibliography.html"))) == entries > 15


@pytest.mark.parametrize("path", [path for path in PAGES if path not in MADE_BY_SPHINX])
def test_page_has_description_card_version_and_citation(path):
    text = text_of(path)
    assert len(re.search(r'<meta name="description" content="([^"]*)"', text)[1]) > 20
    card = re.search(r'<meta property="og:image" content="[^"]*/(_images/[^"]*)"', text)[1]
    assert (SITE / card).is_file()
    assert f"Version {ncl_lib.__version__}. To cite:" in text


def test_sitemap_lists_the_pages():
    places = [element.text for element in ET.parse(SITE / "sitemap.xml").iter() if element.tag.endswith("loc")]
    listed = {place.partition("why-it-does-not-collapse/")[2] for place in places}
    assert {path for path in PAGES if "/" in path} <= listed


def test_whole_site_opens_from_its_archive(browser, tmp_path):
    with zipfile.ZipFile(SITE / "why-it-does-not-collapse.zip") as archive:
        archive.extractall(tmp_path)
    base = f"{(tmp_path / 'why-it-does-not-collapse').as_uri()}/"
    with Visit(browser, base, "cosine/sixth-order-flow.html") as visit:
        formulas_are_set(visit.page, "cosine/sixth-order-flow.html")
        assert visit.page.locator("math").count() > 50
        visit.page.locator(".explorable .summary").first.wait_for()
        assert visit.complaints == [] and visit.elsewhere == []


def test_assignments_can_be_downloaded_and_opened_in_binder(browser, bases):
    with Visit(browser, bases["http"], "course/assignments.html") as visit:
        page = visit.page
        for number in "1234":
            link = page.locator(f"a.download[href*='/{number}-']").get_attribute("href")
            answer = page.request.get(page.evaluate("h => new URL(h, document.baseURI).href", link))
            assert answer.ok and answer.body()[:2] == b"PK"
            assert page.locator(f"a[href*='mybinder.org'][href*='assignments%2F{number}-']").count() == 1


@pytest.mark.parametrize("path", ["l2/cubic-flow.html", "cosine/regimes.html", "reference/flows.html"])
def test_page_prints_without_menus(browser, bases, path):
    with Visit(browser, bases["http"], path) as visit:
        page = visit.page
        page.emulate_media(media="print")
        for part in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".explorable .buttons"):
            assert not any(place.is_visible() for place in page.locator(part).all()), part
        assert any(title.is_visible() for title in page.locator("h1").all())
        assert len(page.pdf()) > 50_000
