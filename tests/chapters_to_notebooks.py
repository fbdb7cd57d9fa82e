"""Turn chapters (MyST Markdown) into notebooks elsewhere, for nbmake.

``chapters_to_notebooks.py book folder`` takes all of them; names of chapters after that take these alone.
"""

import sys
from pathlib import Path

import jupytext


def main(book, folder, *names):
    """Write one notebook for each chapter that has a kernel."""
    wanted = [Path(book, f"{name}.md") for name in names] or sorted(Path(book).rglob("*.md"))
    for chapter in wanted:
        if chapter.read_text(encoding="utf-8").startswith("---\njupytext:"):
            notebook = Path(folder, chapter.relative_to(book)).with_suffix(".ipynb")
            notebook.parent.mkdir(parents=True, exist_ok=True)
            jupytext.write(jupytext.read(chapter), notebook)


if __name__ == "__main__":
    main(*sys.argv[1:])
