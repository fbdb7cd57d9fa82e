"""Make the assignments of the course: student versions, autograders and archives, from one master each.

``make course`` runs this. A master is a MyST notebook with solutions and all tests, in the format of Otter Assign. What
comes out of it, in ``_build/course``:

- ``student/NAME/`` and ``student/NAME.zip``: notebook without solutions, public tests, and the library;
- ``autograder/NAME.zip``: what Gradescope or ``course/grade.py`` takes; it holds hidden tests;
- ``solutions/NAME.ipynb``.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jupytext
import nbformat

HERE = Path(__file__).parent
MASTERS = sorted(HERE.glob("[0-9]-*.md"))
README = """Assignment {name} of "Why It Does Not Collapse".

Unpack this folder, and in it:

    python -m pip install otter-grader numpy scipy matplotlib tqdm threadpoolctl jupyterlab
    python -m jupyter lab {name}.ipynb

The library of the book, ncl_lib, lies beside the notebook. Each question is followed by a check that tells you in
words what is wrong. Hand in the notebook.
"""


def build(out):
    """Make everything anew in three folders of `out`; returns the names of the assignments."""
    for kind in ("student", "autograder", "solutions"):
        shutil.rmtree(out / kind, ignore_errors=True)
        (out / kind).mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda master: make(master, out), MASTERS))


def make(master, out):
    """Make one assignment."""
    name = master.stem
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copytree(HERE.parent / "ncl_lib", work / "ncl_lib", ignore=shutil.ignore_patterns("__pycache__"))
        jupytext.write(jupytext.read(master), work / f"{name}.ipynb")
        command = [sys.executable, "-m", "otter", "assign", f"{name}.ipynb", "made"]
        # Runs the solutions against all tests, and fails if they do not pass.
        done = subprocess.run(command, cwd=work, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{master.name}:\n{done.stdout}\n{done.stderr}")
        student, grader = work / "made" / "student", work / "made" / "autograder"
        (student / "README.txt").write_text(README.format(name=name), encoding="utf-8")
        clear(student / f"{name}.ipynb")
        clear(grader / f"{name}.ipynb")
        for path in [*student.rglob("__pycache__"), *grader.rglob("__pycache__")]:
            shutil.rmtree(path)
        pack(student, out / "student" / f"{name}.zip", name)
        shutil.copytree(student, out / "student" / name)
        shutil.copy(next(grader.glob("*.zip")), out / "autograder" / f"{name}.zip")
        shutil.copy(grader / f"{name}.ipynb", out / "solutions" / f"{name}.ipynb")
    return name


def clear(path):
    """Drop outputs, and cell identifiers that would differ from run to run."""
    notebook = nbformat.read(path, as_version=4)
    for k, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{k}"
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, path)


def pack(folder, archive, root):
    """Zip a folder, the same bytes for the same files."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(f"{root}/{path.relative_to(folder).as_posix()}", (2026, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                made.writestr(entry, path.read_bytes())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=HERE.parent / "_build" / "course")
    print("made", ", ".join(build(parser.parse_args().out)))
