"""The figures of the book. Each function takes objects of the ladder and an optional `ax`, and returns the `ax`."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import numpy as np

from . import _checks
from .diagnostics import asymmetry, commutator
from .flows import ThirdOrderFlow, Trajectory, travel_time
from .modes import L2Modes

# Colours of Okabe and Ito: told apart by readers with any colour vision, and on light and dark grounds.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#777777"
CYCLE = (BLUE, RED, GREEN, PURPLE, ORANGE, "#56B4E9", GREY)
_FILL = {"stable": "full", "unstable": "none", "half-stable": "left"}


def use_book_style():
    """Set matplotlib's defaults to the book's: open axes, readable type, colours safe for any eye.

    Examples
    --------
    >>> use_book_style()
    """
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=CYCLE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "figure.figsize": (6.4, 3.9),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "font.size": 10.5,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "svg.hashsalt": "ncl_lib",
        }
    )


def velocity_curves(flows, w=None, labels=None, ax=None):
    """Velocity dw/dt against w for several flows on a line, with equilibria marked.

    Filled circles are stable, open ones unstable, half-filled ones half-stable.

    Parameters
    ----------
    flows : sequence of flows
    w : array, optional
        Where to draw; by default a little past the equilibria.
    labels : sequence of str, optional
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import Setting
    >>> ax = velocity_curves([ThirdOrderFlow(Setting(sigma2=0.5, rho=0.05))])
    >>> ax.get_xlabel()
    'head eigenvalue w'
    """
    ax = _axes(ax)
    if w is None:
        reach = max(max(e.w for e in flow.equilibria()) for flow in flows) or 1.0
        w = np.linspace(-0.15 * reach, 1.2 * reach, 400)
    ax.axhline(0, color=GREY, lw=0.8)
    for k, flow in enumerate(flows):
        label = f"ρ = {flow.setting.rho:g}" if labels is None else labels[k]
        (line,) = ax.plot(w, flow.velocity(w), color=CYCLE[k % len(CYCLE)], label=label)
        for e in flow.equilibria():
            _mark(ax, e.w, 0.0, e.kind, line.get_color())
    ax.set(xlabel="head eigenvalue w", ylabel="velocity dw/dt")
    ax.legend()
    return ax


def bifurcation_diagram(setting, decays=None, ax=None):
    """Equilibria of the cubic flow against weight decay: stable branches solid, unstable dashed, fold marked.

    Parameters
    ----------
    setting : Setting
        Its `rho` is not used.
    decays : array, optional
        Range of weight decay, by default 0 to 1.3 times the threshold.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import Setting
    >>> bifurcation_diagram(Setting(sigma2=0.5, rho=0.0)).get_ylabel()
    'equilibrium w'
    """
    ax = _axes(ax)
    critical = ThirdOrderFlow(setting).critical_decay()
    if decays is None:
        decays = np.linspace(0, 1.3 * critical, 400)
    inside = np.unique(np.append(decays[decays < critical], critical))
    flows = [ThirdOrderFlow(dataclasses.replace(setting, rho=float(rho))) for rho in inside]
    upper = [flow.equilibria()[-1].w for flow in flows]
    lower = [0.0 if flow.setting.rho == 0 else flow.equilibria()[1].w for flow in flows]
    ax.plot(decays, np.zeros_like(decays), color=BLUE, label="stable: collapse")
    ax.plot(inside, upper, color=GREEN, label="stable: $w_+$")
    ax.plot(inside, lower, color=RED, ls="--", label="unstable: $w_-$")
    _mark(ax, critical, upper[-1], "half-stable", "black")
    ax.annotate(
        rf"fold at $\rho_c$ = {critical:.4g}",
        (critical, upper[-1]),
        xytext=(-12, 0),
        textcoords="offset points",
        ha="right",
        va="center",
    )
    ax.set(xlabel="weight decay ρ", ylabel="equilibrium w", xlim=(decays[0], decays[-1]))
    ax.legend(loc="upper right")
    return ax


def line_trajectories(trajectory, flow=None, ax=None):
    """Solutions of a flow on a line over time, with the equilibria of `flow` as horizontal lines.

    Parameters
    ----------
    trajectory : Trajectory
    flow : flow, optional
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import Setting
    >>> flow = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.05))
    >>> line_trajectories(flow.solve([0.1, 0.5], [0.0, 1.0]), flow).get_xlabel()
    'time t'
    """
    if not isinstance(trajectory, Trajectory):
        raise TypeError(f"trajectory={trajectory!r}: expected the result of flow.solve")
    ax = _axes(ax)
    alive = np.isinf(trajectory.status.collapsed_at)
    for j, survives in enumerate(alive):
        ax.plot(trajectory.t, trajectory.w[:, j], color=GREEN if survives else BLUE, lw=1.2)
    if flow is not None:
        for e in flow.equilibria():
            ax.axhline(e.w, color=RED if e.kind == "unstable" else "black", ls="--" if e.kind == "unstable" else ":")
    ax.set(xlabel="time t", ylabel="head eigenvalue w")
    return ax


def phase_plane(modes, starts=(), times=(0.0, 60.0), extent=(-0.6, 1.0, 0.0, 1.0), ax=None):
    """The (w, f) plane of one mode: flow lines, the parabola f = w^2, and solutions from `starts`.

    Parameters
    ----------
    modes : L2Modes
    starts : sequence of (w, f)
    times : pair of float
        Time span of the solutions.
    extent : (w min, w max, f min, f max)
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import Setting
    >>> phase_plane(L2Modes(Setting(sigma2=0.5, rho=0.05)), [(0.3, 0.6)]).get_ylabel()
    'feature eigenvalue f'
    """
    if not isinstance(modes, L2Modes):
        raise TypeError(f"modes={modes!r}: expected L2Modes")
    ax = _axes(ax)
    w, f = np.meshgrid(np.linspace(*extent[:2], 33), np.linspace(*extent[2:], 31))
    dw, df = (v[..., 0] for v in modes.velocity(w[..., None], f[..., None]))
    ax.streamplot(w, f, dw, df, color="#bbbbbb", linewidth=0.7, density=1.1, arrowsize=0.8)
    edge = np.linspace(*extent[:2], 200)
    ax.plot(edge, edge**2, color="black", ls="--", lw=1.2, label="parabola $f = w^2$")
    for w0, f0 in starts:
        run = modes.solve([w0], [f0], np.linspace(*times, 600))
        dies = run.f[-1, 0] < 1e-2 * max(f0, 1e-12) and run.w[-1, 0] < 0.1
        ax.plot(run.w[:, 0], run.f[:, 0], color=BLUE if dies else GREEN)
        ax.plot(w0, f0, "o", color=BLUE if dies else GREEN, ms=4)
    for e in ThirdOrderFlow(modes.setting, modes.target_ratio).equilibria():
        _mark(ax, e.w, e.w**2, e.kind, "black")
    ax.set(xlabel="head eigenvalue w", ylabel="feature eigenvalue f", xlim=extent[:2], ylim=extent[2:])
    ax.legend(loc="upper left")
    return ax


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
    ax = _axes(ax)
    for j, column in enumerate(values.T):
        ax.plot(t, column, color=CYCLE[j % len(CYCLE)], lw=3.2, alpha=0.45, label="network" if j == 0 else None)
    if theory is not None:
        for j, column in enumerate(_checks.array("theory", theory, ndim=2).T):
            ax.plot(t, column, color="black", ls="--", lw=1.1, label="theory" if j == 0 else None)
        ax.legend()
    ax.set(xlabel="time t", ylabel=label)
    return ax


def alignment_of_matrices(runs, labels, ax=None):
    """Commutator (solid) and asymmetry (dashed) over time, on a logarithmic axis.

    Parameters
    ----------
    runs : sequence of Run or MatrixTrajectory
    labels : sequence of str
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import L2Matrices, Setting
    >>> W = [[0.5, 0.3], [0.1, 0.5]]
    >>> run = L2Matrices(Setting(sigma2=0.5, rho=0.05)).solve(W, [[1.0, 0.0], [0.0, 2.0]], [0.0, 1.0])
    >>> alignment_of_matrices([run], ["flow"]).get_yscale()
    'log'
    """
    ax = _axes(ax)
    for k, (run, label) in enumerate(zip(runs, labels, strict=True)):
        ax.semilogy(run.t, commutator(run.W, run.F), color=CYCLE[k], label=f"{label}: commutator")
        ax.semilogy(run.t, asymmetry(run.W), color=CYCLE[k], ls="--", label=f"{label}: asymmetry")
    ax.set(xlabel="time t", ylabel="relative size")
    ax.legend()
    return ax


def escape_times(flow, starts, level, ax=None):
    """Closed-form time from each start down to `level`, on a logarithmic axis.

    Parameters
    ----------
    flow : ThirdOrderFlow
    starts : array
        Heads above `level`.
    level : float
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import Setting
    >>> escape_times(ThirdOrderFlow(Setting(sigma2=0.5, rho=0.2)), np.linspace(0.2, 1, 9), 0.1).get_yscale()
    'log'
    """
    ax = _axes(ax)
    ax.semilogy(starts, travel_time(flow, starts, level), label=f"ρ = {flow.setting.rho:.4g}")
    ax.set(xlabel="start w(0)", ylabel=f"time to reach w = {level:g}")
    ax.legend()
    return ax


def collapse_probability(decays, collapsed, threshold=None, ax=None):
    """Share of seeds that collapsed against weight decay, with one binomial standard error.

    Parameters
    ----------
    decays : array of shape (n,)
    collapsed : boolean array of shape (n, seeds)
    threshold : float, optional
        Theory's threshold, drawn as a vertical line.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> collapse_probability([0.1, 0.2], [[False, False], [True, True]], threshold=0.15).get_ylabel()
    'share collapsed, 2 seeds'
    """
    collapsed = np.asarray(collapsed, dtype=bool)
    share, seeds = collapsed.mean(axis=1), collapsed.shape[1]
    # Laplace's estimate keeps the bar from vanishing at 0 and 1.
    smooth = (collapsed.sum(axis=1) + 1) / (seeds + 2)
    ax = _axes(ax)
    ax.errorbar(decays, share, yerr=np.sqrt(smooth * (1 - smooth) / seeds), fmt="o-", capsize=3, color=BLUE)
    if threshold is not None:
        ax.axvline(threshold, color=RED, ls="--", label=rf"theory: $\rho_c$ = {threshold:.4g}")
        ax.legend(loc="upper left")
    ax.set(xlabel="weight decay ρ", ylabel=f"share collapsed, {seeds} seeds", ylim=(-0.05, 1.05))
    return ax


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
    ax = _axes(ax)
    for points, color, label in ((before, BLUE, "before training"), (after, RED, "after training")):
        points = _checks.array(label, points, ndim=2)
        ax.scatter(*points.T, s=7, alpha=0.5, color=color, label=label, edgecolors="none")
    ax.set(xlabel="first feature", ylabel="second feature", aspect="equal")
    ax.legend(loc="upper right")
    return ax


def _axes(ax):
    return plt.subplots()[1] if ax is None else ax


def _mark(ax, x, y, kind, color):
    ax.plot(x, y, "o", ms=8, color=color, fillstyle=_FILL[kind], markerfacecoloralt="white", zorder=3, clip_on=False)
