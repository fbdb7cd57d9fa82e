"""Put the whole site into one archive, for those who want to keep it or read it without a network."""

import zipfile
from pathlib import Path

NAME = "why-it-does-not-collapse.zip"


def archive(app, exception):
    """Write the archive into the site itself."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    files = sorted(path for path in site.rglob("*") if path.is_file() and path.name not in (NAME, ".buildinfo"))
    with zipfile.ZipFile(site / NAME, "w", zipfile.ZIP_DEFLATED) as made:
        for path in files:
            entry = zipfile.ZipInfo(f"{Path(NAME).stem}/{path.relative_to(site).as_posix()}", (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, path.read_bytes())


def setup(app):
    """Register with Sphinx."""
    app.connect("build-finished", archive, priority=990)  # after all that still changes files
    return {"parallel_read_safe": True, "parallel_write_safe": True}
