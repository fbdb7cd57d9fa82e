"""Flows on a line, their diagrams, and the plane of one mode."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from .. import _checks
from .._line import Trajectory
from ..flows import SixthOrderFlow, ThirdOrderFlow
from ..modes import L2Modes
from ..regimes import Regime, critical_ratio
from .style import BLUE, CYCLE, GREEN, GREY, RED, STROKES, own_axes, tidy

_FLOWS = (ThirdOrderFlow, SixthOrderFlow)
_FILL = {"stable": "full", "unstable": "none", "half-stable": "left"}


@tidy
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
    flows = [_checks.instance("flows", flow, _FLOWS) for flow in flows]
    if not flows:
        raise ValueError("flows: is empty; at least one flow is needed")
    if labels is not None:
        _checks.same_length(flows=flows, labels=labels)
    ax = own_axes(ax)
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


@tidy
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
    ax = own_axes(ax)
    critical = ThirdOrderFlow(setting).critical_decay()
    decays = np.linspace(0, 1.3 * critical, 400) if decays is None else _checks.array("decays", decays, ndim=1)
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


@tidy
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
    _checks.instance("trajectory", trajectory, Trajectory, hint=", the result of flow.solve")
    if flow is not None:
        _checks.instance("flow", flow, _FLOWS)
    ax = own_axes(ax)
    if flow is None:
        alive = np.isinf(trajectory.status.collapsed_at)
    else:
        # A solution on a line cannot cross an equilibrium: where it stands at the end tells its fate.
        alive = flow.regime(trajectory.w[-1]) == Regime.STABLE
    for j, survives in enumerate(alive):
        ax.plot(trajectory.t, trajectory.w[:, j], color=GREEN if survives else BLUE, lw=1.2)
    if flow is not None:
        for e in flow.equilibria():
            ax.axhline(e.w, color=RED if e.kind == "unstable" else "black", ls="--" if e.kind == "unstable" else ":")
    ax.set(xlabel="time t", ylabel="head eigenvalue w")
    return ax


@tidy
def phase_diagram(paths=None, beta=(-1.0, 4.0), ratio=(1e-3, 10.0), ax=None):
    """Draw the universal phase diagram of the sixth-order flow, and paths through it.

    Above the curve r_c no positive equilibrium exists (Collapse); below it one does, and a mode is Acute or Stable by
    its size.

    Parameters
    ----------
    paths : mapping of label to (beta, ratio), optional
        Each a pair of arrays of shape (T,), as :func:`universal_coordinates` gives along a run; a dot marks the start.
    beta, ratio : pair of float, optional
        Ranges of the axes; that of `ratio` is logarithmic.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> phase_diagram({"run": ([1.0, 1.1], [1.0, 0.1])}).get_yscale()
    'log'
    """
    paths = {} if paths is None else _checks.instance("paths", paths, Mapping)
    ax = own_axes(ax)
    grid = np.linspace(*_checks.array("beta", beta, ndim=1), 300)
    low, high = _checks.array("ratio", ratio, ndim=1, nonnegative=True)
    boundary = critical_ratio(grid)
    ax.fill_between(grid, boundary, high, color=BLUE, alpha=0.15, lw=0)
    ax.fill_between(grid, low, boundary, color=GREEN, alpha=0.15, lw=0)
    ax.plot(grid, boundary, color="black", label=r"$r_c(\beta)$")
    for k, (label, (x, y)) in enumerate(paths.items()):
        x, y = (_checks.array(f"paths[{label!r}]", values, ndim=1) for values in (x, y))
        color = CYCLE[k % len(CYCLE)]
        ax.plot(x, y, color=color, lw=1.4, ls=STROKES[k % len(STROKES)], label=label)
        ax.plot(x[0], y[0], "o", color=color, ms=5)
    ax.text(grid[-1], high * 0.8, "no positive equilibrium  ", ha="right", va="top")
    ax.text(grid[-1], low * 1.3, "a stable one exists  ", ha="right", va="bottom")
    ax.set(xlabel="coupling β", ylabel="decay ratio r", yscale="log", xlim=(grid[0], grid[-1]), ylim=(low, high))
    ax.legend(loc="lower left")
    return ax


@tidy
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
    _checks.instance("modes", modes, L2Modes)
    ax = own_axes(ax)
    w, f = np.meshgrid(np.linspace(*extent[:2], 33), np.linspace(*extent[2:], 31))
    dw, df = (v[..., 0] for v in modes.velocity(w[..., None], f[..., None]))
    ax.streamplot(w, f, dw, df, color="#bbbbbb", linewidth=0.7, density=1.1, arrowsize=0.8)
    for w0, f0 in starts:
        run = modes.solve([w0], [f0], np.linspace(*times, 600))
        color = GREEN if _lives(modes, [w0], [f0])[0] else BLUE
        ax.plot(run.w[:, 0], run.f[:, 0], color=color)
        ax.plot(w0, f0, "o", color=color, ms=4)
    _parabola(ax, modes, extent)
    ax.set(xlabel="head eigenvalue w", ylabel="feature eigenvalue f")
    return ax


@tidy
def basins(modes, extent=(-0.6, 1.0, 0.0, 1.0), resolution=81, ax=None):
    """Which starts in the (w, f) plane of one mode live (green) and which die (blue).

    Each point of a grid is solved for; since L2 modes do not act on each other, the grid is one run.

    Parameters
    ----------
    modes : L2Modes
        With one eigenvalue `spectrum`.
    extent : (w min, w max, f min, f max)
    resolution : int, optional
        Grid points a side.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import Setting
    >>> basins(L2Modes(Setting(sigma2=0.5, rho=0.05)), resolution=5).get_xlabel()
    'start of the head eigenvalue w'
    """
    _checks.instance("modes", modes, L2Modes)
    resolution = _checks.integer("resolution", resolution, minimum=2)
    w, f = np.meshgrid(np.linspace(*extent[:2], resolution), np.linspace(*extent[2:], resolution))
    lives = _lives(modes, w.ravel(), f.ravel()).reshape(w.shape)
    ax = own_axes(ax)
    ax.contourf(w, f, lives.astype(float), levels=[-0.5, 0.5, 1.5], colors=[BLUE, GREEN], alpha=0.25)
    if lives.any() and not lives.all():
        ax.contour(w, f, lives.astype(float), levels=[0.5], colors="black", linewidths=1)
    _parabola(ax, modes, extent)
    ax.set(xlabel="start of the head eigenvalue w", ylabel="start of the feature eigenvalue f")
    return ax


def _lives(modes, w, f):
    """Which starts end at the stable positive equilibrium, each taken as a mode of its own."""
    late = 500.0 + 20 / max(modes.setting.rho, 1e-2)
    end = modes.solve(w, f, [0.0, late]).w[-1]
    return ThirdOrderFlow(modes.setting, modes.target_ratio).regime(end) == Regime.STABLE


def _parabola(ax, modes, extent):
    """Draw the invariant parabola and the equilibria on it, and fix the limits."""
    edge = np.linspace(*extent[:2], 200)
    ax.plot(edge, edge**2, color="black", ls="--", lw=1.2, label="parabola $f = w^2$")
    for e in ThirdOrderFlow(modes.setting, modes.target_ratio).equilibria():
        _mark(ax, e.w, e.w**2, e.kind, "black")
    ax.set(xlim=extent[:2], ylim=extent[2:])
    ax.legend(loc="upper left")


def _mark(ax, x, y, kind, color):
    ax.plot(x, y, "o", ms=8, color=color, fillstyle=_FILL[kind], markerfacecoloralt="white", zorder=3, clip_on=False)
