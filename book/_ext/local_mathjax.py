"""Put MathJax into the site itself, so that maths needs no network; of its parts only those that the book uses."""

import shutil
from importlib.metadata import files
from pathlib import Path

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


def copy_mathjax(app, exception):
    """Copy scripts and fonts out of the installed package sphinx-mathjax-offline."""
    if exception is not None or app.builder.format != "html":
        return
    script = next(file for file in files("sphinx-mathjax-offline") if file.name == "tex-chtml.js")
    source, target = Path(script.locate()).parent, Path(app.outdir, "_static", "mathjax")
    for part in PARTS:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / part, target / part)
    shutil.copytree(source / FONTS, target / FONTS, dirs_exist_ok=True)


def setup(app):
    """Register with Sphinx."""
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
