"""Runs that an explorable shows beside its law, from the file of ``experiments/at_rest.py`` in ``ncl_lib.noise``."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

_SHOWN = ("turn", "batch", "rank", "ratio")


@cache
def runs_at_rest():
    """Rows of `_SHOWN` by shape, which is (features, inputs, noise of the views)."""
    names, *rows = json.loads((files("ncl_lib.noise") / "at_rest.json").read_text(encoding="utf-8"))
    found = {}
    for row in rows:
        run = dict(zip(names, row, strict=True))
        found.setdefault((run["h"], run["d"], run["sigma2"]), []).append([run[name] for name in _SHOWN])
    return found


def stored_module():
    """The same as a front-end module; shapes are as JavaScript writes them."""
    rows = {",".join(f"{number:g}" for number in shape): runs for shape, runs in runs_at_rest().items()}
    return f"export const STORED = {json.dumps(rows, separators=(',', ':'))};\n"
