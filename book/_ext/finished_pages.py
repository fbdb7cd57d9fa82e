"""What happens to the site once its pages are written, in one pass and in this order.

1. Notebooks offered for download get the outputs that the cache holds.
2. Each page is mended for assistive technology, and loses a script of icons.
3. The theme's style sheets and fonts keep only those icons that the site shows.
4. The font of formulas keeps only the characters that they show.
5. The whole site goes into one archive.
6. The guard reads every page as readers get it, and stops the build at what should not be there.
"""

import gc
import re
import zipfile
from html import unescape
from html.parser import HTMLParser
from importlib.metadata import files
from pathlib import Path
from unicodedata import decomposition, name

import nbformat
from fontTools import subset, ttLib
from jupyter_cache import get_cache
from sphinx.errors import ExtensionError

from maths import FONT

ARCHIVE = "why-it-does-not-collapse.zip"


def finish(app, exception):
    """Do all of it, if there is a site."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    complete_notebooks(site / "_sources", site.parent / ".jupyter_cache")
    pages = {path: mend(path) for path in sorted(site.rglob("*.html"))}
    lighten(site / "_static", set().union(*map(icons, pages.values())))
    cut_font(site / "_static" / FONT, pages.values())
    archive(site)
    check(site, pages)


# ---- 1. Notebooks --------------------------------------------------------------------------------------------------


def complete_notebooks(sources, cache_folder):
    """Merge the outputs of the cache into notebooks that have none.

    MyST-NB puts cached outputs into the page, and not into the notebook that it offers for download.
    """
    if not cache_folder.exists():
        return
    cache = get_cache(cache_folder)
    for path in sources.rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        if any(cell.get("outputs") for cell in notebook.cells):
            continue
        try:
            _, merged = cache.merge_match_into_notebook(notebook)
        except KeyError:  # a page without code is not in the cache
            continue
        nbformat.write(merged, path)


# ---- 2. Pages ------------------------------------------------------------------------------------------------------

# A list of citations whose members are no list items, and two roles that have been withdrawn.
WRONG_ROLES = re.compile(r' role="(?:list(?=" class="citation-list")|doc-biblioentry|doc-backlink)"')
# The button that opens a branch of the menu has a picture and no name.
NAMELESS = '<summary><span class="toctree-toggle" role="presentation">'
NAMED = '<summary aria-label="Pages below this one"><span class="toctree-toggle" role="presentation">'
# A cell that is folded whole is a check of what the page says.
FOLDED = re.compile(r'(<div class="cell tag_hide-cell.*?<p class="expanded admonition-title">)[^<]*', re.S)
# Every icon there is, as a script of 1.5 MB; the style sheet needs only the fonts.
ICON_SCRIPT = re.compile(
    r"<script[^>]*scripts/fontawesome\.js[^>]*></script>\s*|<link[^>]*scripts/fontawesome\.js[^>]*>\s*"
)


def mend(path):
    """Drop roles that are wrong, name what has no name, drop the script of icons; the text of the page after that."""
    text = path.read_text(encoding="utf-8")
    mended = FOLDED.sub(named_as_check, ICON_SCRIPT.sub("", WRONG_ROLES.sub("", text).replace(NAMELESS, NAMED)))
    if mended != text:
        path.write_text(mended, encoding="utf-8")
    return mended


def named_as_check(cell):
    """The two prompts of a folded cell, in words of its own."""
    return re.sub(r'(<p class="collapsed admonition-title">)[^<]*', r"\1Show the check", cell[1]) + "Hide the check"


# ---- 3. Icons ------------------------------------------------------------------------------------------------------

ICON = re.compile(r"\bfa-[a-z0-9-]+")
# One rule: its selectors, and the character it shows.
SHOWN = re.compile(r'([^{}]*)\{content:\s*"\\([0-9a-f]{2,5})";?\}')


def icons(text):
    """Names of icons in a text."""
    return set(ICON.findall(text))


def lighten(static, names):
    """Strip rules and glyphs of icons other than `names` and those that scripts show."""
    for path in [*static.glob("scripts/*.js"), *static.glob("*.js")]:
        if path.name != "fontawesome.js":
            names |= icons(path.read_text(encoding="utf-8"))
    sheet = static / "styles" / "pydata-sphinx-theme.css"

    def needed(rule):
        return not all(".fa-" in selector for selector in rule[1].split(",")) or names & icons(rule[1])

    css = SHOWN.sub(lambda rule: rule[0] if needed(rule) else "", sheet.read_text(encoding="utf-8"))
    css = re.sub(r',url\([^)]*\.ttf\) format\("truetype"\)', "", css)
    sheet.write_text(css.replace('.woff2) format("woff2")', '.woff) format("woff")'), encoding="utf-8")

    # Every character of the private use area that some rule shows.
    sheets = [path.read_text(encoding="utf-8") for path in static.rglob("*.css")]
    wanted = {int(code, 16) for text in sheets for code in re.findall(r"\\([ef][0-9a-f]{3})\b", text)}
    for font in (static / "vendor").rglob("*.ttf"):
        made = ttLib.TTFont(font, recalcTimestamp=False)  # the same bytes from every build
        cutter = subset.Subsetter(subset.Options(hinting=False, layout_features=[]))
        cutter.populate(unicodes=wanted)
        cutter.subset(made)
        made.flavor = "woff"
        made.save(font.with_suffix(".woff"))
        font.unlink()
        font.with_suffix(".woff2").unlink()
    for path in {*static.glob("scripts/fontawesome.js*"), *static.rglob("*.map")}:
        path.unlink()


# ---- 4. Font of formulas -------------------------------------------------------------------------------------------

FORMULA, LETTER = re.compile(r"<math\b.*?</math>", re.S), re.compile(r"<mi>([^&<])</mi>")
# By the letter, what a browser shows of one that stands alone.
SLANTED = {
    chr(int(decomposition(slanted).split()[1], 16)): slanted
    for slanted in map(chr, range(0x1D434, 0x1D71C))
    if name(slanted, "").startswith("MATHEMATICAL ITALIC")
} | {"h": "ℎ"}


def cut_font(target, pages):
    """Write the font with the characters that formulas show; its licence, SIL OFL 1.1, goes along inside."""
    shown = set()
    for formula in {formula for page in pages for formula in FORMULA.findall(page)}:
        shown.update(unescape(re.sub(r"<[^>]*>", "", formula)))
        shown.update(SLANTED.get(letter, "") for letter in LETTER.findall(formula))
        shown.update("√" * ("<msqrt" in formula or "<mroot" in formula))  # which no element holds
    source = next(file for file in files("ziamath") if file.name == "STIXTwoMath-Regular.ttf")
    made = ttLib.TTFont(source.locate(), recalcTimestamp=False)
    # Primes that are drawn to be set as exponents, which Chromium does not look for.
    primes = {prime: f"{made.getBestCmap()[prime]}.ssty" for prime in map(ord, "′″")}
    for table in made["cmap"].tables:
        if table.format != 14:
            table.cmap.update(primes)
    cutter = subset.Subsetter(subset.Options(hinting=False, layout_features=[], name_IDs=[0, 1, 2, 7, 13, 14]))
    cutter.populate(text="".join(shown))
    cutter.subset(made)
    narrow_roots(made)
    made.flavor = "woff2"
    made.save(target)


def narrow_roots(font):
    """Make tall signs of roots as wide as the plain one: Chromium leaves room for the widest behind every root."""
    variants, plain = font["MATH"].table.MathVariants, font.getBestCmap().get(ord("√"))
    if plain is None:
        return
    tall = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(plain)]
    width = font["hmtx"][plain][0]
    parts = {part.VariantGlyph for part in tall.MathGlyphVariantRecord} - {plain}
    for part in parts | {part.glyph for part in tall.GlyphAssembly.PartRecords}:
        drawn = font["glyf"][part]
        drawn.coordinates.scale((width / font["hmtx"][part][0], 1))
        drawn.coordinates.toInt()
        drawn.recalcBounds(font["glyf"])
        font["hmtx"][part] = (width, drawn.xMin)


# ---- 5. Archive ----------------------------------------------------------------------------------------------------


def archive(site):
    """Put the whole site into one archive, for those who want to keep it or read it without a network."""
    paths = sorted(path for path in site.rglob("*") if path.is_file() and path.name not in (ARCHIVE, ".buildinfo"))
    with zipfile.ZipFile(site / ARCHIVE, "w", zipfile.ZIP_DEFLATED) as made:
        for path in paths:
            entry = zipfile.ZipInfo(f"{Path(ARCHIVE).stem}/{path.relative_to(site).as_posix()}", (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, path.read_bytes())


# ---- 6. Guard ------------------------------------------------------------------------------------------------------

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


# The tags that it looks at, which are few: to parse whole pages takes ten times as long.
TAGS = re.compile(rf"""<(?:link|{"|".join(LOADED)})\b(?:"[^"]*"|'[^']*'|[^'">])*>""", re.I)


class Page(HTMLParser):
    """Collects what is wrong with one page: calls to a third party, figures that say nothing to who cannot see them."""

    CDATA_CONTENT_ELEMENTS = ()  # no tag is the inside of another

    def __init__(self, text):
        super().__init__()
        self.faults = []
        self.feed("".join(TAGS.findall(text)))

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


def check(site, pages):
    """Stop the build if a page has a fault."""
    faults = [
        f"{path.relative_to(site)}: {fault}"
        for path, text in pages.items()
        if "_static" not in path.parts
        for fault in Page(text).faults
    ]
    if faults:
        raise ExtensionError("\n".join(faults))


def setup(app):
    """Register with Sphinx, after all others that still write."""
    # Sphinx reads and copies trees of a million nodes, nearly all of which live: to search them for garbage as often as
    # Python does took more than half of a build with nothing to run.
    gc.freeze()
    gc.set_threshold(100_000)
    app.connect("build-finished", finish, priority=990)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
