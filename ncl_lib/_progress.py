"""A progress bar, made in one way for everything that takes long."""

from __future__ import annotations

from tqdm import tqdm

from . import _checks


def bar(total, unit, progress, initial=0):
    """Progress bar over `total`; with `progress` None it shows only after two seconds, and tqdm's variables decide."""
    if progress is not None:
        _checks.instance("progress", progress, bool)
    shown = {"delay": 2} if progress is None else {"disable": not progress}
    return tqdm(total=total, initial=initial, unit=unit, leave=False, **shown)
