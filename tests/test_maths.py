"""Formulas on the pages: MathML from the build, without a script; and what the extension makes of single ones."""

import html
import io
import re
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from scripts import script
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from test_notation import CHAPTERS, formulas
from visits import PAGES, SITE, Visit

EXTENSIONS = Path(__file__).parent.parent / "book" / "_ext"
MOST = ["cosine/derivation.html", "past/survival.html", "steps/regimes-come-true.html", "notation.html"]
PHONE = {"width": 390, "height": 844}


MATHS = script("book/_ext/maths.py")


def text_of(path):
    return (SITE / path).read_text(encoding="utf-8")


# ---- Single formulas -----------------------------------------------------------------------------------------------


def test_lines_of_a_display_stand_below_one_another():
    assert MATHS.lines("a = b\n") == "a = b"
    assert MATHS.lines(r"a &= b \\ c &= d") == r"\begin{aligned}a &= b \\ c &= d\end{aligned}"
    table = r"\begin{aligned} a &= b \\ c &= d \end{aligned}"
    assert MATHS.lines(table) == table
    assert MATHS.lines("a\n\nb") == r"\begin{aligned}a\\b\end{aligned}"


def test_an_exponent_belongs_to_all_between_large_brackets():
    made = MATHS.mathml(r"x \Bigl( \bigl| y \bigr| + z \Bigr)^2")
    assert re.fullmatch(r"<math><mi>x</mi><msup><mrow><mo[^>]*>\(<.*>\)</mo></mrow><mn>2</mn></msup></math>", made)
    assert "<msup>" not in MATHS.mathml(r"\bigl( y \bigr)")


@pytest.mark.parametrize(
    ("tex", "words"),
    [
        (r"\dot w = w^2 - s w^3 - \rho w", "ẇ = w^2 − s w^3 − ρ w"),
        (r"t_{\mathrm{rest}}", "t_(rest)"),
        (r"\frac{1}{\sqrt{2 h}}", "1/(√(2 h))"),
        (r"x' + x_j'", "x′ + x_j′"),
        (r"\operatorname{tr} \overline{F}", "tr F̅"),
    ],
)
def test_a_formula_is_one_line_of_words_for_search_and_descriptions(tex, words):
    assert MATHS.words(MATHS.mathml(tex)) == words


def build(folder, text):
    """A page by itself, through Sphinx; its HTML."""
    (folder / "index.rst").write_text(f"Title\n=====\n\n{text}\n", encoding="utf-8")
    settings = {"extensions": ["maths"], "html_math_renderer": "mathml"}
    quiet = {"status": None, "warning": io.StringIO()}
    Sphinx(folder, None, folder / "out", folder / "out" / ".trees", "html", settings, **quiet).build()
    return (folder / "out" / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def extensions(monkeypatch):
    monkeypatch.syspath_prepend(str(EXTENSIONS))


def test_punctuation_sticks_to_a_formula(extensions, tmp_path):
    page = build(tmp_path, "So it is (:math:`x`), and :math:`y`-th; but :math:`z` too.")
    assert '<span class="math">(<math><mi>x</mi></math>),</span> and ' in page
    assert '<math><mi>y</mi></math>-th;</span> but <span class="math"><math><mi>z</mi></math></span> too.' in page


@pytest.mark.parametrize("text", [r"It is :math:`\nosuch{x}`.", ".. math:: a & b", r".. math:: \left( x"])
def test_a_formula_that_cannot_be_set_stops_the_build_and_is_named(extensions, tmp_path, text):
    with pytest.raises(ExtensionError) as stopped:
        build(tmp_path, text)
    assert "index.rst:4" in str(stopped.value) and re.search(r"nosuch|a & b|left", str(stopped.value))


# ---- All pages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_formula_of_a_chapter_is_on_its_page(chapter):
    written = len(formulas(chapter.read_text(encoding="utf-8")))
    page = text_of(f"{chapter.parent.name}/{chapter.stem}.html")
    assert page.count("<math") >= written > 0


@pytest.mark.parametrize("path", PAGES)
def test_no_page_shows_tex_or_asks_for_mathjax(path):
    page = text_of(path)
    assert not re.search(r"<(?:script|link)[^>]*mathjax", page, re.I)
    page = re.sub(r"<(script|style|pre|code)\b.*?</\1>", "", page, flags=re.S)
    said = [*re.findall(r'(?:alt|content|title|aria-label)="([^"]*)"', page), re.sub(r"<[^>]*>", "", page)]
    assert re.findall(r".{,20}(?:\\[a-zA-Z(\[]|\$).{,20}", "\n".join(said)) == []


def test_mathjax_is_not_on_the_site():
    assert [path for path in SITE.rglob("*") if "mathjax" in path.name.lower()] == []


def test_the_font_has_every_character_of_every_formula():
    font = TTFont(SITE / "_static" / "book-math.woff2").getBestCmap()
    shown, letters = set(), set()
    for page in PAGES:
        for formula in re.findall(r"<math\b.*?</math>", text_of(page), re.S):
            shown.update(html.unescape(re.sub(r"<[^>]*>", "", formula)))
            letters.update(re.findall(r"<mi>(\w)</mi>", formula))
    invisible = {"\u2061", "\u2063", "\ufe00", "\xa0"}
    assert {c for c in shown - invisible if ord(c) not in font} == set() and ord("√") in font
    assert {"w", "h", "ρ"} <= letters and {ord("ℎ"), ord("𝑤"), ord("𝜌"), ord("𝜆")} <= font.keys()
    assert (SITE / "_static" / "book-math.woff2").stat().st_size < 40_000


@pytest.mark.parametrize("kind", ["http", "file"])
def test_formulas_are_there_without_scripts(browser, bases, kind):
    with Visit(browser, bases[kind], MOST[0], java_script_enabled=False) as visit:
        page = visit.page
        fraction = page.locator("div.math mfrac").first
        assert fraction.is_visible() and fraction.bounding_box()["height"] > 20
        over, under = (fraction.locator("> *").nth(k).bounding_box() for k in (0, 1))
        assert over["y"] + over["height"] <= under["y"] + 2, "a fraction is two-storeyed"
        assert visit.elsewhere == []


def test_formulas_are_in_the_font_of_the_site(browser, bases):
    with Visit(browser, bases["http"], MOST[0]) as visit:
        page = visit.page
        page.evaluate("document.fonts.ready")
        width = "document.querySelector('div.math math').getBoundingClientRect().height"
        ours = page.evaluate(width)
        page.add_style_tag(content="math { font-family: monospace !important }")
        assert page.evaluate(width) != ours


def test_a_link_to_an_equation_says_its_number_and_arrives_there(browser, bases):
    with Visit(browser, bases["http"], MOST[0]) as visit:
        page = visit.page
        numbers = page.evaluate(
            """() => [...document.querySelectorAll(".bd-article a[href^='#equation-']:not(.headerlink)")].map(link => [
            link.textContent, document.querySelector(link.hash).querySelector(".eqno").firstChild.textContent])"""
        )
        assert len(numbers) > 5 and all(said == there != "" for said, there in numbers)
        places = page.evaluate(
            """() => [...document.querySelectorAll("div.math:has(.eqno)")].filter(e => e.offsetParent).map(box => {
            const [all, formula, number] = [box, ...box.children].map(e => e.getBoundingClientRect());
            return [all.right - number.right, number.left - formula.right,
                    (number.top + number.bottom) / 2 - (all.top + all.bottom) / 2]; })"""
        )
        assert all(abs(right) < 2 and beside >= 0 and abs(middle) < 3 for right, beside, middle in places)


WIDE = """() => [...document.querySelectorAll(".bd-article .formula, .bd-article span.math.long")]
    .filter(box => box.offsetParent && box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX === "auto")
    .map(box => box.tabIndex)"""
ORPHANS = """() => [...document.querySelectorAll(".bd-article span.math")].filter(span => {
    const text = span.lastChild, math = span.querySelector("math").getBoundingClientRect();
    if (text.nodeType !== Node.TEXT_NODE || !math.width) return false;
    const range = document.createRange();
    range.selectNodeContents(text);
    return range.getBoundingClientRect().top > math.bottom;
}).map(span => span.textContent)"""


@pytest.mark.parametrize("path", MOST)
def test_on_a_telephone_wide_formulas_scroll_and_punctuation_stays(browser, bases, path):
    with Visit(browser, bases["http"], path, viewport=PHONE) as visit:
        page = visit.page
        page.wait_for_load_state("load")
        page.evaluate("document.fonts.ready")
        page.wait_for_function(f"({WIDE})().every(index => index === 0)")
        assert len(page.evaluate(WIDE)) > 0 or path == "notation.html"
        assert page.evaluate(ORPHANS) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
