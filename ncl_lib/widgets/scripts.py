"""The code of the explorables, put together from the modules in ``front``: what both hosts run."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from .stored import stored_module

_FIGURES = ("phase_line", "phase_diagram", "regime_shift", "clock", "survival", "sgd_at_rest")

_IMPORT = re.compile(r'^import [^;]*? from "\./(\w+)\.js";\n', re.M)
_EXPORT = re.compile(r"^export (?=const|function|class)", re.M)


@cache
def source(name):
    """Text of a front-end module; `stored` is made from the file of runs, so that they stand in the repository once."""
    if name == "stored":
        return stored_module()
    return (files(__package__) / "front" / f"{name}.js").read_text(encoding="utf-8")


def _needed(*names):
    """Modules that these import, directly or not, each after all that it imports itself."""
    found = {}
    for name in names:
        for module in _IMPORT.findall(source(name)):
            found |= dict.fromkeys([*_needed(module), module])
    return list(found)


def _joined(*names):
    """Modules as one piece of code: their names are distinct, so that imports and exports can be dropped."""
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", source(name))) for name in names)


def figure_script(figure):
    """Code of one explorable as a module that Jupyter loads."""
    return f"{_joined(*_needed(figure), figure)}\nexport default {{ render }};\n"


def model_script():
    """Code of the model alone, as a classic script; what the tests compare with the library.

    Returns
    -------
    str

    Examples
    --------
    >>> "function cubic" in model_script(), "document" in model_script()
    (True, False)
    """
    model = ("lines", "averages", "modes", "water", "rest")
    return _joined(*dict.fromkeys([*_needed(*model), *model]))


def page_script():
    """Code of all explorables as one classic script, which unlike a module also loads from disk.

    Returns
    -------
    str

    Examples
    --------
    >>> "import" in page_script().split("PARTS")[0]
    False
    """
    figures = "".join(f"{{\n{_joined(figure)}\nfigures[name] = {{ render }};\n}}\n" for figure in _FIGURES)
    shared = _joined(*_needed(*_FIGURES))
    return f'(() => {{\n"use strict";\n{shared}\nconst figures = {{}};\n{figures}{source("page")}}})();\n'
