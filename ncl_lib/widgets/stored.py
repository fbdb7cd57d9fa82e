"""Runs that an explorable shows beside its law: :func:`ncl_lib.noise.networks_at_rest`, by shape."""

from __future__ import annotations

import json
from functools import cache

import numpy as np

from ..noise import networks_at_rest

_SHOWN = ("turn", "batch", "rank", "ratio")


@cache
def runs_at_rest():
    """Rows of `_SHOWN` by shape, which is (features, inputs, noise of the views)."""
    points, found = networks_at_rest(), {}
    shapes = zip(*(points[name].tolist() for name in ("h", "d", "sigma2")), strict=True)
    for shape, run in zip(shapes, np.transpose([points[name] for name in _SHOWN]).tolist(), strict=True):
        found.setdefault(shape, []).append(run)
    return found


def stored_module():
    """The same as a front-end module; shapes are as JavaScript writes them."""
    rows = {",".join(f"{number:g}" for number in shape): runs for shape, runs in runs_at_rest().items()}
    return f"export const STORED = {json.dumps(rows, separators=(',', ':'))};\n"
