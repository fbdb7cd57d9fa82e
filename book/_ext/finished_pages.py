"""What happens to the site once its pages are written, in one pass and in this order.

1. MathJax goes into the site, so that maths needs no network.
2. Notebooks offered for download get the outputs that the cache holds.
3. Each page is mended for assistive technology, and loses a script of icons.
4. The theme's style sheets and fonts keep only those icons that the site shows.
5. The whole site goes into one archive.
6. The guard reads every page as readers get it, and stops the build at what should not be there.
"""

import gc
import re
import shutil
import zipfile
from html.parser import HTMLParser
from importlib.metadata import files
from pathlib import Path

import nbformat
from fontTools import subset, ttLib
from jupyter_cache import get_cache
from sphinx.errors import ExtensionError

ARCHIVE = "why-it-does-not-collapse.zip"


def finish(app, exception):
    """Do all of it, if there is a site."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    copy_mathjax(site / "_static" / "mathjax")
    complete_notebooks(site / "_sources", site.parent / ".jupyter_cache")
    pages = {path: mend(path) for path in sorted(site.rglob("*.html"))}
    lighten(site / "_static", set().union(*map(icons, pages.values())))
    archive(site)
    check(site, pages)


# ---- 1. MathJax ----------------------------------------------------------------------------------------------------

# What `mathjax3_config` in _config.yml loads, and what that loads in turn.
PARTS = [
    "startup.js",
    "core.js",
    "input/tex-base.js",
    "input/tex/extensions/ams.js",
    "output/chtml.js",
    "output/chtml/fonts/tex.js",
    "a11y/assistive-mml.js",
]
FONTS = Path("output", "chtml", "fonts", "woff-v2")


def copy_mathjax(target):
    """Copy scripts and fonts out of the installed package sphinx-mathjax-offline."""
    script = next(file for file in files("sphinx-mathjax-offline") if file.name == "tex-chtml.js")
    source = Path(script.locate()).parent
    for part in PARTS:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / part, target / part)
    shutil.copytree(source / FONTS, target / FONTS, dirs_exist_ok=True)


# ---- 2. Notebooks --------------------------------------------------------------------------------------------------


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


# ---- 3. Pages ------------------------------------------------------------------------------------------------------

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


# ---- 4. Icons ------------------------------------------------------------------------------------------------------

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
