"""What is installed for whom: pins that agree, and a Binder that runs every chapter but those that call JAX."""

import ast
import re
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from scripts import script

ROOT = Path(__file__).parent.parent
BY_ITSELF = {"otter-grader", "fica"}  # installed without what they ask for


def pins(path):
    found = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / path).read_text(encoding="utf-8"), re.M)
    return {canonicalize_name(name): version for name, version in found}


ALL, BOOK, BINDER = map(pins, ("requirements-tests.txt", "requirements.txt", ".binder/requirements.txt"))


EXECUTE = script("book/execute.py")


def test_small_sets_are_parts_of_the_whole():
    assert BINDER.items() <= BOOK.items() <= ALL.items() and len(BINDER) < len(BOOK) < len(ALL)
    assert not BINDER.keys() & {"jax", "jaxlib", "sphinx", "jupyter-book", "dask", "playwright"}
    assert not BOOK.keys() & {"dask", "playwright", "axe-playwright-python", "pytest", "ruff"}
    assert ALL.keys() >= BY_ITSELF and not BOOK.keys() & BY_ITSELF


@pytest.mark.parametrize("wanted", [ALL, BOOK, BINDER], ids=["all", "book", "Binder"])
def test_a_set_holds_what_its_packages_ask_for(wanted):
    for name in wanted:
        for words in requires(name) or []:
            need = Requirement(words)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                assert canonicalize_name(need.name) in wanted, f"{name} asks for {need}"


def imported(code):
    """Packages that a piece of code imports, now or later, but for the standard library and ours."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_optional":
            found.add(node.args[0].value.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"ncl_lib"}


def needed(notebook):
    """Packages that a chapter and the modules of the library under it import."""
    code = [re.sub(r"^[%!].*$", "", cell.source, flags=re.M) for cell in notebook.cells if cell.cell_type == "code"]
    files = [path for module in EXECUTE.used(notebook) for path in EXECUTE.files_of(module) if path.suffix == ".py"]
    code += [path.read_text(encoding="utf-8") for path in files]
    homes = packages_distributions()
    return {canonicalize_name(homes[package][0]) for text in code for package in imported(text)}


@pytest.mark.parametrize("name", EXECUTE.chapters())
def test_a_chapter_runs_in_binder_or_says_what_to_add(name):
    path = EXECUTE.chapters()[name]
    lacking = needed(EXECUTE.read(path)) - BINDER.keys()
    told = re.search(r"%pip install -c \.\./\.\./requirements\.txt ([^`]+)`", path.read_text(encoding="utf-8"))
    assert lacking <= set(told[1].split() if told else []) and lacking <= BOOK.keys(), lacking
    assert bool(told) == ("jax" in lacking)
