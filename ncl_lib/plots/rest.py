"""Where finite steps come to rest."""

from __future__ import annotations

import numpy as np

from .. import _checks
from ..noise.features import SAFE, features_at_rest
from ..setting import Setting
from .style import BLUE, GREEN, own_axes, tidy

_TURNS, _BATCHES = np.geomspace(10**-3.5, 10**-0.5, 31), 2 ** np.arange(11)
_HALF, _WHOLE = 0.5, 0.9  # parts of the width, between which effective ranks are told apart


@tidy
def rest_map(setting, h, d, runs=None, ax=None):
    """Draw where noise leaves features at rest under the cosine loss, by learning rate times decay and by batch.

    Below the border noise takes more than 0.11 of the head, and directions die, by
    :func:`ncl_lib.noise.features_at_rest`. A second line stands where the effective rank is predicted to be 0.9 h.

    Parameters
    ----------
    setting : Setting
        One number for the spectrum, not 0, and noisy views; its rho does not count.
    h, d : int
        Width of features, at least 3, and of inputs, h <= d.
    runs : array of shape (n, 3), optional
        Runs to mark: learning rate times decay, pairs in a batch, and the effective rank that they have shown.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import Setting
    >>> rest_map(Setting(sigma2=0.5, rho=1.0), 8, 32, [(0.01, 16, 7.4)]).get_ylabel()
    'batch over features, B/h'
    """
    spectrum = _checks.instance("setting", setting, Setting).isotropic("plots.rest_map")
    if spectrum == 0 or setting.sigma2 == 0:
        raise ValueError(f"setting={setting!r}: there must be signal and noise of the views, else there is no border")
    if runs is not None:
        runs = _checks.array("runs", runs, ndim=2)
        if runs.shape[1] != 3:
            raise ValueError(f"runs: has shape {runs.shape}; expected (n, 3)")
    unit = Setting(setting.sigma2, 1.0, spectrum)
    laws = [[features_at_rest(unit, h, d, turn, int(batch)) for batch in _BATCHES] for turn in _TURNS]
    signal, ranks = ([[getattr(law, key) for law in row] for row in laws] for key in ("signal", "effective_rank"))
    ax = own_axes(ax)
    border = _line(ax, h, np.nan_to_num(signal), 1 - SAFE, color="black", ls="-", label="border: directions die")
    ax.fill_between(_TURNS, _BATCHES[0] / h, border, color=BLUE, alpha=0.15, lw=0)
    _line(ax, h, np.nan_to_num(ranks), _WHOLE * h, color=GREEN, ls="-.", label="rank 0.9 h")
    if runs is not None:
        _mark(ax, h, *runs.T)
    ax.set(xlabel="learning rate × decay, ηρ", ylabel="batch over features, B/h", xscale="log", yscale="log")
    ax.set(xlim=_TURNS[[0, -1]], ylim=_BATCHES[[0, -1]] / h)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
    return ax


def _line(ax, h, values, level, **style):
    """Where what rises with the batch has this value: the line, held at the ends of the range, drawn in between."""
    batch = np.array([2 ** np.interp(level, row, np.log2(_BATCHES)) for row in values])
    inside = np.array([row[0] <= level <= row[-1] for row in values])
    inside[1:] |= inside[:-1].copy()  # on to the frame
    inside[:-1] |= inside[1:].copy()
    ax.plot(_TURNS, np.where(inside, batch, np.nan) / h, lw=1.6, **style)
    return batch / h


def _mark(ax, h, turns, batches, ranks):
    """Runs, by what they have shown."""
    part = ranks / h
    kinds = {
        "run, rank above 0.9 h": (part >= _WHOLE, dict(marker="o")),
        "above h / 2": ((part >= _HALF) & (part < _WHOLE), dict(marker="o", fillstyle="none")),
        "below": (part < _HALF, dict(marker="x")),
    }
    for label, (seen, style) in kinds.items():
        if seen.any():
            ax.plot(turns[seen], batches[seen] / h, ls="none", color="black", ms=6, label=label, **style)
