"""The shape of the library: the map of its modules, their size, and what an import costs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "ncl_lib"
MAP = re.search(r"^\| modules \| hold \|\n.*?\n\n", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.S | re.M)[0]
ORDER = re.findall(r"`(\w+)`", MAP)
FILES = sorted(LIBRARY.rglob("*.py"))


def home(path):
    """Module of the map to which a file belongs."""
    return path.relative_to(LIBRARY).with_suffix("").parts[0]


def imported(path):
    """Modules of the library that a file imports when it is loaded or when it runs, types aside."""
    tree = ast.parse(path.read_text("utf-8"))
    typing = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    skipped = {id(node) for block in typing for node in ast.walk(block)}
    depth = len(path.relative_to(LIBRARY).parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and id(node) not in skipped:
            if node.level < depth:
                continue  # within a package
            yield from [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]


def test_the_map_names_every_module():
    assert len(ORDER) == len(set(ORDER))
    assert set(ORDER) == {home(path) for path in FILES} - {"__init__"}


@pytest.mark.parametrize("path", [path for path in FILES if home(path) != "__init__"], ids=lambda path: path.stem)
def test_imports_run_down_the_map(path):
    here = ORDER.index(home(path))
    assert all(ORDER.index(module) < here for module in imported(path) if module != home(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.relative_to(LIBRARY).parts))
def test_modules_and_functions_are_short(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            words = ast.get_docstring(node, clean=False) or ""
            assert node.end_lineno - node.lineno - words.count("\n") <= 60, node.name


def test_an_import_draws_nothing():
    code = "import sys, ncl_lib; print('matplotlib.pyplot' in sys.modules, callable(ncl_lib.plots.curves))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
