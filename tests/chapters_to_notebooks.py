"""Turn the chapters (MyST Markdown) into notebooks elsewhere, for nbmake: ``chapters_to_notebooks.py book folder``."""

import sys
from pathlib import Path

import jupytext


def main(book, folder):
    """Write one notebook for each chapter that has a kernel."""
    for chapter in sorted(Path(book).rglob("*.md")):
        if chapter.read_text(encoding="utf-8").startswith("---\njupytext:"):
            notebook = Path(folder, chapter.relative_to(book)).with_suffix(".ipynb")
            notebook.parent.mkdir(parents=True, exist_ok=True)
            jupytext.write(jupytext.read(chapter), notebook)


if __name__ == "__main__":
    main(*sys.argv[1:])
