"""Put MathJax into the site itself, so that maths needs no network."""

import shutil
from importlib.metadata import files
from pathlib import Path

SCRIPT = "tex-chtml.js"


def copy_mathjax(app, exception):
    """Copy the script and its fonts out of the installed package sphinx-mathjax-offline."""
    if exception is not None or app.builder.format != "html":
        return
    script = next(file for file in files("sphinx-mathjax-offline") if file.name == SCRIPT)
    source, target = Path(script.locate()).parent, Path(app.outdir, "_static", "mathjax")
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(source / SCRIPT, target / SCRIPT)
    fonts = Path("output", "chtml", "fonts", "woff-v2")
    shutil.copytree(source / fonts, target / fonts, dirs_exist_ok=True)


def setup(app):
    """Register with Sphinx."""
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
