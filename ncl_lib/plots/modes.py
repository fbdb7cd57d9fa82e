"""Modes over time, and their regimes."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np

from .. import _checks
from ..flows import SixthOrderFlow
from ..matrices import MatrixTrajectory
from ..modes import CosineModeTrajectory, ModeTrajectory
from ..norms import Norms
from ..runs import Run
from .style import BLUE, CYCLE, GREEN, RED, REGIME_COLOURS, STROKES, own_axes, tidy


@tidy
def mode_trajectories(t, values, theory=None, label="eigenvalue", ax=None):
    """Eigenvalues over time, one line a mode; `theory` dashed and dark on top.

    Parameters
    ----------
    t : array of shape (T,)
    values : array of shape (T, h)
        From training, drawn as pale broad lines.
    theory : array of shape (T, h), optional
    label : str, optional
        Name of the vertical axis.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> mode_trajectories([0.0, 1.0], [[0.1, 0.2], [0.3, 0.4]], label="w").get_ylabel()
    'w'
    """
    t, values = _checks.array("t", t, ndim=1), _checks.array("values", values, ndim=2)
    _checks.same_length(t=t, values=values)
    if theory is not None:
        theory = _checks.array("theory", theory, ndim=2)
        _checks.same_length(t=t, theory=theory)
    ax = own_axes(ax)
    for j, column in enumerate(values.T):
        ax.plot(t, column, color=CYCLE[j % len(CYCLE)], lw=3.2, alpha=0.45, label="network" if j == 0 else None)
    if theory is not None:
        for j, column in enumerate(theory.T):
            ax.plot(t, column, color="black", ls="--", lw=1.1, label="theory" if j == 0 else None)
        ax.legend()
    ax.set(xlabel="time t", ylabel=label)
    return ax


@tidy
def regime_shift(run, mode, norms=None, upper=None, ax=None):
    """Draw one mode over time with the equilibria that its flow would have, were the norms frozen at that moment.

    The ribbon below names its regime.

    Parameters
    ----------
    run : ModeTrajectory
        Of a cosine loss.
    mode : int
        Which of the h modes.
    norms : Norms, optional
        Those at which a run with frozen norms was frozen; by default the norms of each moment.
    upper : float, optional
        Upper end of the vertical axis, by default above the stable equilibrium.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import CosineModes, Setting
    >>> run = CosineModes(Setting(sigma2=0.5, rho=1.0)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 1.0, 2.0])
    >>> regime_shift(run, 0).get_ylabel()
    'head eigenvalue w'
    """
    _checks.instance("run", run, ModeTrajectory, hint=", the result of CosineModes(...).solve")
    mode = _checks.integer("mode", mode, minimum=0)
    if mode >= run.w.shape[1]:
        raise ValueError(f"mode={mode}: the run has modes 0 to {run.w.shape[1] - 1}")
    upper = None if upper is None else _checks.number("upper", upper, above=0)
    scale, w = 1.0, run.w[:, mode]
    if norms is not None:
        flows = [SixthOrderFlow(run.setting, norms)] * len(run.t)
    elif isinstance(run, CosineModeTrajectory):
        flows, scale, w = run.frozen(), run.fade, run.shape_w[:, mode]
    else:
        every = zip(run.norms.phi, run.norms.psi, run.norms.cross, strict=True)
        flows = [SixthOrderFlow(run.setting, Norms(*triple)) for triple in every]
    ax = own_axes(ax)
    positive = [[e.w for e in flow.equilibria() if e.w > 0] or [np.nan] for flow in flows]
    saddle, stable = scale * np.array([(found[0], found[-1]) for found in positive]).T
    regimes = np.array([flow.regime(value) for flow, value in zip(flows, w, strict=True)])
    w = scale * w
    ax.plot(run.t, w, color="black", lw=2.2, label="the mode")
    ax.plot(run.t, stable, color=GREEN, label="stable equilibrium")
    ax.plot(run.t, saddle, color=RED, ls="--", label="saddle")
    # The ribbon has a strip of its own below the curves.
    top = 1.15 * np.nanmax(np.append(w, stable)) if upper is None else upper
    low = min(0.0, w.min())
    strip = 0.07 * (top - low)
    for regime, color in REGIME_COLOURS.items():
        here = regimes == regime
        if np.any(here):
            # Each time stands for the interval up to the next.
            where = here | np.append(False, here[:-1])
            ax.fill_between(run.t, low - 1.6 * strip, low - 0.6 * strip, where=where, color=color, lw=0)
            ax.plot([], [], color=color, lw=6, label=regime.value.capitalize())
    ax.set(xlabel="time t", ylabel="head eigenvalue w", xlim=(run.t[0], run.t[-1]), ylim=(low - 2 * strip, top))
    ax.legend(loc="upper right", fontsize="small")
    return ax


@tidy
def regime_map(run, ax=None):
    """Draw the regimes of all modes over time, one row a mode, ordered by their heads at the start.

    Parameters
    ----------
    run : CosineModeTrajectory
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import CosineModes, Setting
    >>> run = CosineModes(Setting(sigma2=0.5, rho=1.0)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 1.0, 2.0])
    >>> regime_map(run).get_xlabel()
    'time t'
    """
    _checks.instance("run", run, CosineModeTrajectory, hint=", the result of CosineModes(...).solve")
    ax = own_axes(ax)
    order, regimes = np.argsort(run.w[0]), run.regimes
    # Each time stands for the interval up to the next.
    for row, mode in enumerate(order):
        changes = np.flatnonzero(regimes[1:, mode] != regimes[:-1, mode]) + 1
        edges = run.t[[0, *changes, -1]]
        colours = [REGIME_COLOURS[regimes[k, mode]] for k in (0, *changes)]
        spans = np.stack([edges[:-1], np.diff(edges)], axis=1)
        ax.broken_barh(spans, (row, 1), facecolors=colours, alpha=0.75, lw=0)
    negative = np.count_nonzero(run.w[0] <= 0)
    if 0 < negative < len(order):
        ax.axhline(negative, color="black", lw=1, ls="--")
    handles = [plt.Line2D([], [], color=color, lw=6) for color in REGIME_COLOURS.values()]
    ax.legend(handles, [regime.value.capitalize() for regime in REGIME_COLOURS], loc="center right", frameon=True)
    ax.set(xlabel="time t", ylabel="mode, by its head at the start", xlim=run.t[[0, -1]], ylim=(0, len(order)))
    return ax


@tidy
def feature_sizes(runs, ax=None):
    """Size of the features, the trace of F, over time on a logarithmic axis.

    Parameters
    ----------
    runs : mapping of label to Run or MatrixTrajectory
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import L2Matrices, Setting
    >>> run = L2Matrices(Setting(sigma2=0.5, rho=0.05)).solve([[0.5]], [[0.3]], [0.0, 1.0])
    >>> feature_sizes({"flow": run}).get_yscale()
    'log'
    """
    _checks.instance("runs", runs, Mapping)
    for run in runs.values():
        _checks.instance("runs", run, (Run, MatrixTrajectory))
    ax = own_axes(ax)
    for k, (label, run) in enumerate(runs.items()):
        ax.semilogy(run.t, np.trace(run.F, axis1=1, axis2=2), color=CYCLE[k], ls=STROKES[k % len(STROKES)], label=label)
    ax.set(xlabel="time t", ylabel="size of the features, tr F")
    ax.legend()
    return ax


@tidy
def features_before_and_after(before, after, ax=None):
    """Two scatters of two-dimensional features: at the start of training and at its end.

    Parameters
    ----------
    before, after : array of shape (n, 2)
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> features_before_and_after(np.eye(2), 0.1 * np.eye(2)).get_aspect()
    1.0
    """
    ax = own_axes(ax)
    for points, color, label, size in ((before, BLUE, "before training", 7), (after, RED, "after training", 30)):
        points = _checks.array("before" if color == BLUE else "after", points, ndim=2)
        ax.scatter(*points.T, s=size, alpha=0.6, color=color, label=label, edgecolors="none")
    ax.set(xlabel="first feature", ylabel="second feature", aspect="equal")
    ax.legend(loc="upper right")
    return ax
