"""Runs of training, as they grow."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from .. import _checks
from ..flows import ThirdOrderFlow
from ..regimes import regimes_of
from ..runs import Run
from .measured import curves
from .modes import mode_trajectories
from .style import BLUE, GREEN, PURPLE, RED, REGIME_COLOURS, tidy


@tidy
def training(run, loss, axes=None):
    """Draw a run as it grows: head eigenvalues, norms, how many modes are in which regime, and the effective rank.

    Regimes are those of the eigenvalues of the symmetric part of W, under the cubic flow for the L2 loss, and for the
    cosine loss under the sixth-order flow with the norms of each moment.

    Parameters
    ----------
    run : Run
    loss : {"l2", "cosine"}
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
    >>> [ax.get_ylabel() for ax in training(run, "l2")]
    ['head eigenvalue', 'norm', 'modes', 'effective rank']
    """
    _checks.instance("run", run, Run)
    _checks.choice("loss", loss, ("l2", "cosine"))
    axes = plt.subplots(2, 2, figsize=(9.0, 6.0))[1] if axes is None else axes
    heads, norms_ax, regimes_ax, rank = axes = np.ravel(axes)
    w, norms, setting = np.linalg.eigvalsh((run.W + run.W.mT) / 2), run.norms, run.setting
    mode_trajectories(run.t, w, label="head eigenvalue", ax=heads)
    sizes = {"features": norms.phi, "predictions": norms.psi, "cross": np.abs(norms.cross)}
    curves({words: (run.t, size) for words, size in sizes.items()}, "time t", "norm", logy=True, ax=norms_ax)
    if loss == "l2":
        regimes = ThirdOrderFlow(setting).regime(w)
    else:
        regimes = regimes_of(w, norms, setting)
    _regime_counts(regimes_ax, run.t, regimes)
    rank.plot(run.t, run.effective_rank, color=BLUE)
    rank.set_ylim(0, w.shape[1] * 1.05)
    for ax, label in zip(axes, ("head eigenvalue", "norm", "modes", "effective rank"), strict=True):
        ax.set(xlabel="time t", ylabel=label)
    return axes


@tidy
def deep_training(run, axes=None):
    """Draw a run of :func:`ncl_lib.deep.train_deep`: heads, regimes, effective rank with norm spread, and commutator.

    The norm spread is drawn as a multiple of what Gaussian features of the same effective rank would have.

    Parameters
    ----------
    run : ncl_lib.deep.DeepRun
    axes : array of four matplotlib.axes.Axes, optional

    Returns
    -------
    array of four matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib.deep import Augmentation, linear_encoder, train_deep
    >>> source = lambda n, rng: rng.standard_normal((n, 6))
    >>> noise = Augmentation(noise=0.5)
    >>> run = train_deep(linear_encoder(6, 3, seed=0), source, noise, rho=0.05, steps=2, batch=32, seed=1)
    >>> [ax.get_ylabel() for ax in deep_training(run)]
    ['head eigenvalue', 'heads', 'effective rank', 'relative size']
    """
    if not all(hasattr(run, name) for name in ("heads", "regimes", "covariance")):
        raise TypeError(f"run={run!r}: expected a DeepRun, the result of train_deep")
    axes = plt.subplots(2, 2, figsize=(9.0, 6.0))[1] if axes is None else axes
    heads, regimes_ax, rank, relative = axes = np.ravel(axes)
    h = run.W.shape[1]
    mode_trajectories(run.t, run.heads, label="head eigenvalue", ax=heads)
    _regime_counts(regimes_ax, run.t, run.regimes)
    rank.plot(run.t, run.effective_rank, color=BLUE)
    rank.set_ylim(0, h * 1.05)
    gaussian = np.sqrt(2 / run.effective_rank)
    relative.plot(run.t, run.norm_spread / gaussian, color=RED, label="norm spread / Gaussian")
    relative.plot(run.t, run.commutator, color=PURPLE, ls="--", label="commutator")
    relative.plot(run.t, run.alignment, color=GREEN, ls=":", label="alignment")
    relative.legend(fontsize="small")
    labels = ("head eigenvalue", "heads", "effective rank", "relative size")
    for ax, label in zip(axes, labels, strict=True):
        ax.set(xlabel="time t", ylabel=label)
    return axes


def _regime_counts(ax, t, regimes):
    """How many modes are in which regime, as bands over time."""
    counts = [np.count_nonzero(regimes == regime, axis=1) for regime in REGIME_COLOURS]
    names = [regime.value.capitalize() for regime in REGIME_COLOURS]
    ax.stackplot(t, counts, labels=names, colors=list(REGIME_COLOURS.values()), alpha=0.75, step="post")
    ax.set_ylim(0, regimes.shape[1])
    ax.legend(loc="center right", frameon=True)
