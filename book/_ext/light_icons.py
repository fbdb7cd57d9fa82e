"""Keep of the theme's icons only those that the site shows.

The theme brings every icon of Font Awesome three times: as a script, as fonts, and as rules of a style sheet. The style
sheet needs only the fonts, and of these only a few glyphs.
"""

import re
from pathlib import Path

from fontTools import subset, ttLib

SCRIPT = re.compile(r"<script[^>]*scripts/fontawesome\.js[^>]*></script>\s*|<link[^>]*scripts/fontawesome\.js[^>]*>\s*")
ICON = re.compile(r"\bfa-[a-z0-9-]+")
# One rule: its selectors, and the character it shows.
SHOWN = re.compile(r'([^{}]*)\{content:\s*"\\([0-9a-f]{2,5})";?\}')


def lighten(app, exception):
    """Strip script, rules and glyphs that no page needs."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    static = site / "_static"
    names = set()
    for path in [*site.rglob("*.html"), *static.glob("scripts/*.js"), *static.glob("*.js")]:
        if path.name == "fontawesome.js":
            continue
        text = path.read_text(encoding="utf-8")
        names.update(ICON.findall(text))
        if path.suffix == ".html" and SCRIPT.search(text):
            path.write_text(SCRIPT.sub("", text), encoding="utf-8")

    sheet = static / "styles" / "pydata-sphinx-theme.css"
    css = sheet.read_text(encoding="utf-8")

    def needed(rule):
        selectors = rule[1].split(",")
        return not all(".fa-" in selector for selector in selectors) or names.intersection(ICON.findall(rule[1]))

    css = SHOWN.sub(lambda rule: rule[0] if needed(rule) else "", css)
    css = re.sub(r',url\([^)]*\.ttf\) format\("truetype"\)', "", css).replace(
        '.woff2) format("woff2")', '.woff) format("woff")'
    )
    sheet.write_text(css, encoding="utf-8")

    # Every character of the private use area that some rule shows.
    sheets = [path.read_text(encoding="utf-8") for path in static.rglob("*.css")]
    wanted = {int(code, 16) for text in sheets for code in re.findall(r"\\([ef][0-9a-f]{3})\b", text)}
    for font in (static / "vendor").rglob("*.ttf"):
        made = ttLib.TTFont(font)
        cutter = subset.Subsetter(subset.Options(hinting=False, layout_features=[]))
        cutter.populate(unicodes=wanted)
        cutter.subset(made)
        made.flavor = "woff"
        made.save(font.with_suffix(".woff"))
        font.unlink()
        font.with_suffix(".woff2").unlink()
    for path in {*static.glob("scripts/fontawesome.js*"), *static.rglob("*.map")}:
        path.unlink()


def setup(app):
    """Register with Sphinx."""
    app.connect("build-finished", lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
