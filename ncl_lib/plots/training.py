"""Runs of training, as they grow."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from .. import _checks
from ..runs import Recorded
from .measured import curves
from .modes import mode_trajectories
from .style import REGIME_COLOURS, tidy


@tidy
def training(run, axes=None):
    """Draw a run as it grows: head eigenvalues, norms, how many modes are in which regime, and relative sizes.

    These are the effective rank over the width and the commutator of head and second moments; for a deep encoder also
    the alignment, and the norm spread as a multiple of what Gaussian features of that effective rank would have.

    Parameters
    ----------
    run : Run or ncl_lib.deep.DeepRun
        Under a loss that has regimes: L2, cosine or IsoLoss; head and features must not have vanished altogether.
    axes : array of four matplotlib.axes.Axes, optional

    Returns
    -------
    array of four matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import LinearNetwork, Setting, train
    >>> rng = np.random.default_rng(0)
    >>> start = LinearNetwork.random(6, 3, rng)
    >>> run = train(start, Setting(sigma2=0.5, rho=0.05), steps=20, batch=32, rng=rng, record_every=10)
    >>> [ax.get_ylabel() for ax in training(run)]
    ['head eigenvalue', 'norm', 'heads', 'relative size']
    """
    _checks.instance("run", run, Recorded)
    regimes, rank, commutator, norms = run.regimes, run.effective_rank, run.commutator, run.norms
    gone = np.isnan(rank) | np.isnan(commutator)
    if np.any(gone):
        raise ValueError(f"run: W or F is 0 at t={run.t[np.argmax(gone)]:g}; relative sizes have no meaning there")
    axes = plt.subplots(2, 2, figsize=(9.0, 6.0))[1] if axes is None else axes
    heads, norms_ax, regimes_ax, relative = axes = np.ravel(axes)
    mode_trajectories(run.t, run.heads, label="head eigenvalue", ax=heads)
    sizes = {"features": norms.phi, "predictions": norms.psi, "cross": np.abs(norms.cross)}
    curves({words: (run.t, size) for words, size in sizes.items()}, "time t", "norm", logy=True, ax=norms_ax)
    _regime_counts(regimes_ax, run.t, regimes)
    shown = {"effective rank / width": rank / run.W.shape[1], "commutator": commutator}
    if hasattr(run, "norm_spread"):
        gaussian = np.sqrt(2 / rank)
        shown |= {"alignment": run.alignment, "norm spread / Gaussian": run.norm_spread / gaussian}
    curves({words: (run.t, size) for words, size in shown.items()}, "time t", "relative size", ax=relative)
    low, high = relative.get_ylim()
    relative.set_ylim(min(0.0, low), high + 0.4 * (high - low))  # room for the names above the curves
    relative.legend(loc="upper left", ncols=2, fontsize="small")
    for ax, label in zip(axes, ("head eigenvalue", "norm", "heads", "relative size"), strict=True):
        ax.set(xlabel="time t", ylabel=label)
    return axes


def _regime_counts(ax, t, regimes):
    """How many modes are in which regime, as bands over time."""
    counts = [np.count_nonzero(regimes == regime, axis=1) for regime in REGIME_COLOURS]
    names = [regime.value.capitalize() for regime in REGIME_COLOURS]
    ax.stackplot(t, counts, labels=names, colors=list(REGIME_COLOURS.values()), alpha=0.75, step="post")
    ax.set_ylim(0, regimes.shape[1])
    ax.legend(loc="center right", frameon=True)
