"""Give pages that hold an explorable the script that brings it to life, one file for all of them, from ncl_lib."""

import os
from pathlib import Path

from ncl_lib.widgets import page_script
from ncl_lib.widgets._image import PICTURES

SCRIPT = "explorables.js"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"


def write_script(app, config):
    """Write the script into a folder of static files of its own."""
    folder = Path(app.outdir).parent / "explorables"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SCRIPT).write_text(page_script(), encoding="utf-8")
    config.html_static_path.append(str(folder))


def load_script(app, pagename, templatename, context, doctree):
    """Load the script on this page, if there is an explorable on it."""
    if 'class="explorable"' in context.get("body", ""):
        app.add_js_file(SCRIPT, loading_method="defer")
        # What the kernel's widgets were is of no use without one, and holds their code a second time.
        files = context["script_files"]
        files[:] = [file for file in files if getattr(file, "attributes", {}).get("type") != WIDGET_STATE]


def setup(app):
    """Register with Sphinx; a chapter that it runs itself draws pictures for pages without scripts, too."""
    os.environ[PICTURES] = "1"
    app.connect("config-inited", write_script)
    app.connect("html-page-context", load_script, priority=900)  # after the kernel's own scripts
    return {"parallel_read_safe": True, "parallel_write_safe": True}
