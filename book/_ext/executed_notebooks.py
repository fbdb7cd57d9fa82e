"""Offer notebooks for download with their outputs, also when these come from the cache.

MyST-NB puts cached outputs into the page, and not into the notebook that it offers for download.
"""

from pathlib import Path

import nbformat
from jupyter_cache import get_cache


def complete(app, exception):
    """Merge the outputs of the cache into notebooks that have none."""
    cache_folder = Path(app.outdir).parent / ".jupyter_cache"
    if exception is not None or app.builder.format != "html" or not cache_folder.exists():
        return
    cache = get_cache(cache_folder)
    for path in Path(app.outdir, "_sources").rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        if any(cell.get("outputs") for cell in notebook.cells):
            continue
        try:
            _, merged = cache.merge_match_into_notebook(notebook)
        except KeyError:  # a page without code is not in the cache
            continue
        nbformat.write(merged, path)


def setup(app):
    """Register with Sphinx."""
    app.connect("build-finished", complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
