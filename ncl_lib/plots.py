"""The figures of the book. Each function takes objects of the ladder and an optional `ax`, and returns the `ax`."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np

from . import _checks
from ._line import Trajectory
from .diagnostics import asymmetry, commutator
from .flows import SixthOrderFlow, ThirdOrderFlow
from .matrices import MatrixTrajectory
from .modes import CosineModeTrajectory, L2Modes, ModeTrajectory
from .network import Run
from .norms import Norms
from .regimes import Regime, critical_ratio, regimes_of
from .setting import Setting
from .survival import settled_modes

# Colours of Okabe and Ito: told apart by readers with any colour vision, and on light and dark grounds.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#777777"
CYCLE = (BLUE, RED, GREEN, PURPLE, ORANGE, "#56B4E9", GREY)
STROKES = ("-", "--", "-.", ":")  # so that curves can be told apart without colour
# Dark enough beside each other to be told apart in grey: collapse darkest.
REGIME_COLOURS = {Regime.COLLAPSE: BLUE, Regime.ACUTE: ORANGE, Regime.STABLE: GREEN}
_FLOWS = (ThirdOrderFlow, SixthOrderFlow)
_FILL = {"stable": "full", "unstable": "none", "half-stable": "left"}


def use_book_style():
    """Set matplotlib's defaults to the book's: open axes, readable type, colours safe for any eye; SVG in notebooks.

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
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        # Sharp at any zoom, and the same bytes for the same figure.
        shell.run_line_magic("config", "InlineBackend.figure_formats = ['svg']")
        shell.run_line_magic("config", "InlineBackend.print_figure_kwargs = {'metadata': {'Date': None}}")


def _tidy(draw):
    """Close the figures that `draw` has opened if it raises: nobody would ever see them."""

    @functools.wraps(draw)
    def drawn(*args, **options):
        before = plt.get_fignums()
        try:
            return draw(*args, **options)
        except BaseException:
            for number in set(plt.get_fignums()).difference(before):
                plt.close(number)
            raise

    return drawn


@_tidy
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


@_tidy
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


@_tidy
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
    ax = _axes(ax)
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


@_tidy
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
    ax = _axes(ax)
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


@_tidy
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
    ax = _axes(ax)
    ax.contourf(w, f, lives.astype(float), levels=[-0.5, 0.5, 1.5], colors=[BLUE, GREEN], alpha=0.25)
    if lives.any() and not lives.all():
        ax.contour(w, f, lives.astype(float), levels=[0.5], colors="black", linewidths=1)
    _parabola(ax, modes, extent)
    ax.set(xlabel="start of the head eigenvalue w", ylabel="start of the feature eigenvalue f")
    return ax


@_tidy
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
    ax = _axes(ax)
    for j, column in enumerate(values.T):
        ax.plot(t, column, color=CYCLE[j % len(CYCLE)], lw=3.2, alpha=0.45, label="network" if j == 0 else None)
    if theory is not None:
        for j, column in enumerate(theory.T):
            ax.plot(t, column, color="black", ls="--", lw=1.1, label="theory" if j == 0 else None)
        ax.legend()
    ax.set(xlabel="time t", ylabel=label)
    return ax


@_tidy
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
    runs = [_checks.instance("runs", run, (Run, MatrixTrajectory)) for run in runs]
    _checks.same_length(runs=runs, labels=labels)
    ax = _axes(ax)
    for k, (run, label) in enumerate(zip(runs, labels, strict=True)):
        ax.semilogy(run.t, commutator(run.W, run.F), color=CYCLE[k], label=f"{label}: commutator")
        ax.semilogy(run.t, asymmetry(run.W), color=CYCLE[k], ls="--", label=f"{label}: asymmetry")
    ax.set(xlabel="time t", ylabel="relative size")
    ax.legend()
    return ax


@_tidy
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
    ax = _axes(ax)
    for k, (label, run) in enumerate(runs.items()):
        ax.semilogy(run.t, np.trace(run.F, axis1=1, axis2=2), color=CYCLE[k], ls=STROKES[k % len(STROKES)], label=label)
    ax.set(xlabel="time t", ylabel="size of the features, tr F")
    ax.legend()
    return ax


@_tidy
def matrices(stack, titles, axes=None):
    """Heat maps of matrices side by side, on one scale of colours: blue below 0, red above.

    Parameters
    ----------
    stack : sequence of arrays of shape (h, h)
    titles : sequence of str
    axes : sequence of matplotlib.axes.Axes, optional

    Returns
    -------
    sequence of matplotlib.axes.Axes

    Examples
    --------
    >>> len(matrices([np.eye(2), np.ones((2, 2))], ["identity", "ones"]))
    2
    """
    stack = [_checks.array("stack", M, ndim=2) for M in stack]
    _checks.same_length(stack=stack, titles=titles)
    if axes is None:
        axes = plt.subplots(1, len(stack), figsize=(3.1 * len(stack), 3.4), squeeze=False)[1][0]
    size = max(np.abs(M).max() for M in stack) or 1.0
    for ax, M, title in zip(axes, stack, titles, strict=True):
        image = ax.imshow(M, cmap="RdBu_r", vmin=-size, vmax=size)
        ax.set(xticks=[], yticks=[])
        ax.set_title(title, fontsize="small")
    axes[0].figure.colorbar(image, ax=list(axes), shrink=0.7, label="entry")
    return axes


@_tidy
def norm_histograms(samples, upper=3.0, ax=None):
    """Outlined histograms of squared norms over their mean, one for each entry.

    Parameters
    ----------
    samples : mapping of label to array of shape (n,)
        Squared norms divided by their mean (dimensionless).
    upper : float, optional
        Right end of the axis.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> norm_histograms({"h = 1": [0.5, 1.5]}).get_ylabel()
    'density'
    """
    _checks.instance("samples", samples, Mapping)
    upper = _checks.number("upper", upper, above=0)
    ax = _axes(ax)
    edges = np.linspace(0, upper, 151)
    for k, (label, values) in enumerate(samples.items()):
        values = _checks.array("samples", values, ndim=1)
        density = np.histogram(values, edges)[0] / (len(values) * np.diff(edges))
        ax.stairs(density, edges, color=CYCLE[k], ls=STROKES[k % len(STROKES)], lw=1.5, label=label)
    ax.axvline(1, color=GREY, lw=0.8)
    ax.set(xlabel="squared norm / its mean", ylabel="density", xlim=(0, upper))
    ax.legend()
    return ax


@_tidy
def scaling(x, y, error, exponent, xlabel="x", ylabel="y", ax=None):
    """Measurements with standard errors on logarithmic axes, and a power law through their centre.

    Parameters
    ----------
    x, y, error : array of shape (n,)
    exponent : float
        Of the power law to compare with.
    xlabel, ylabel : str, optional
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> scaling([1, 4], [1.0, 0.5], [0.1, 0.1], exponent=-0.5).get_xscale()
    'log'
    """
    x, y, error = (_checks.array(name, value, ndim=1) for name, value in (("x", x), ("y", y), ("error", error)))
    _checks.same_length(x=x, y=y, error=error)
    ax = _axes(ax)
    ax.errorbar(x, y, yerr=error, fmt="o", capsize=3, color=BLUE, label="measured")
    law = np.exp(np.mean(np.log(y)) + exponent * (np.log(x) - np.mean(np.log(x))))
    ax.plot(x, law, color="black", ls="--", label=f"slope {exponent:g}")
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log", yscale="log")
    ax.legend()
    return ax


@_tidy
def collapse_probability(decays, collapsed, threshold=None, theory=None, ax=None):
    """Share of seeds that collapsed against weight decay, with one binomial standard error.

    Parameters
    ----------
    decays : array of shape (n,)
    collapsed : boolean array of shape (n, seeds)
    threshold : float, optional
        Theory's threshold, drawn as a vertical line.
    theory : pair of arrays, optional
        Decays and predicted probabilities, drawn as a line.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> collapse_probability([0.1, 0.2], [[False, False], [True, True]], threshold=0.15).get_ylabel()
    'share collapsed, 2 seeds'
    """
    decays, collapsed = _checks.array("decays", decays, ndim=1), np.asarray(collapsed)
    if collapsed.dtype != bool or collapsed.ndim != 2 or collapsed.size == 0:
        raise ValueError(f"collapsed: has shape {collapsed.shape} of {collapsed.dtype}; expected booleans, (n, seeds)")
    _checks.same_length(decays=decays, collapsed=collapsed)
    share, seeds = collapsed.mean(axis=1), collapsed.shape[1]
    # Laplace's estimate keeps the bar from vanishing at 0 and 1.
    smooth = (collapsed.sum(axis=1) + 1) / (seeds + 2)
    ax = _axes(ax)
    ax.errorbar(decays, share, yerr=np.sqrt(smooth * (1 - smooth) / seeds), fmt="o", capsize=3, color=BLUE)
    if threshold is not None:
        ax.axvline(threshold, color=RED, ls="--", label=rf"theory: $\rho_c$ = {threshold:.4g}")
    if theory is not None:
        ax.plot(*theory, color="black", label="theory: probability")
    if ax.get_legend_handles_labels()[1]:
        ax.legend(loc="upper left")
    ax.set(xlabel="weight decay ρ", ylabel=f"share collapsed, {seeds} seeds", ylim=(-0.05, 1.05))
    return ax


@_tidy
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
    for points, color, label, size in ((before, BLUE, "before training", 7), (after, RED, "after training", 30)):
        points = _checks.array("before" if color == BLUE else "after", points, ndim=2)
        ax.scatter(*points.T, s=size, alpha=0.6, color=color, label=label, edgecolors="none")
    ax.set(xlabel="first feature", ylabel="second feature", aspect="equal")
    ax.legend(loc="upper right")
    return ax


@_tidy
def curves(lines, xlabel, ylabel, logx=False, logy=False, markers=False, ax=None):
    """Several curves, told apart by colour and by stroke.

    Parameters
    ----------
    lines : mapping of label to (x, y)
        Each a pair of arrays of shape (n,).
    xlabel, ylabel : str
    logx, logy : bool, optional
        Logarithmic axes.
    markers : bool, optional
        Mark the points.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> curves({"a": ([1, 2], [3, 4])}, "x", "y").get_ylabel()
    'y'
    """
    _checks.instance("lines", lines, Mapping)
    ax = _axes(ax)
    for k, (label, pair) in enumerate(lines.items()):
        x, y = (_checks.array(f"lines[{label!r}]", values, ndim=1) for values in pair)
        _checks.same_length(**{"lines: x": x, "lines: y": y})
        style = dict(color=CYCLE[k % len(CYCLE)], ls=STROKES[k % len(STROKES)])
        ax.plot(x, y, marker="osDv^"[k % 5] if markers else None, ms=5, label=label, **style)
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log" if logx else "linear", yscale="log" if logy else "linear")
    ax.legend()
    return ax


@_tidy
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
    ax = _axes(ax)
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


@_tidy
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
    ax = _axes(ax)
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


@_tidy
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
    ax = _axes(ax)
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


@_tidy
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


@_tidy
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


@_tidy
def loss_fields(target=(1.0, 0.0), extent=1.6, axes=None):
    """Draw the push on a prediction in the plane, for the L2 loss (left) and the cosine loss (right).

    Arrows are minus the gradient of the loss in the prediction; those of the cosine loss are tangent to circles.

    Parameters
    ----------
    target : pair of float
        Not 0.
    extent : float, optional
        Half of the width of the window.
    axes : pair of matplotlib.axes.Axes, optional

    Returns
    -------
    pair of matplotlib.axes.Axes

    Examples
    --------
    >>> len(loss_fields())
    2
    """
    target = _checks.array("target", target, ndim=1)
    if len(target) != 2 or not np.any(target):
        raise ValueError(f"target={target}: expected two numbers, not both 0")
    extent = _checks.number("extent", extent, above=0)
    axes = plt.subplots(1, 2, figsize=(8.6, 4.2), sharey=True)[1] if axes is None else axes
    grid = np.linspace(-extent, extent, 12)  # an even number, so that no arrow starts at 0
    p = np.stack(np.meshgrid(grid, grid), axis=-1)
    size = np.linalg.norm(p, axis=-1, keepdims=True)
    z = target / np.linalg.norm(target)
    omega = p / size
    tangential = (z - np.sum(omega * z, axis=-1, keepdims=True) * omega) / size
    for ax, push, title in zip(axes, (target - p, tangential), ("L2 loss", "cosine loss"), strict=True):
        # Drawn an eighth of their length; the longest, next to the origin, would cover the others.
        shown = size[..., 0] > 0.2 * extent
        arrows = np.concatenate([p[shown], push[shown]], axis=1).T
        ax.quiver(*arrows, color=BLUE, angles="xy", scale_units="xy", scale=8, width=0.005)
        ax.plot(*target, "o", color=RED, ms=9, label="target")
        ax.plot(0, 0, "+", color="black", ms=9)
        for radius in (0.5, 1.0, 1.5):
            turn = np.linspace(0, 2 * np.pi, 200)
            ax.plot(radius * np.cos(turn), radius * np.sin(turn), color=GREY, lw=0.6, ls=":")
        ax.set(title=title, xlabel="first coordinate of the prediction", aspect="equal")
        ax.set(xlim=(-extent, extent), ylim=(-extent, extent))
    axes[0].set_ylabel("second coordinate")
    axes[0].legend(loc="upper left")
    return axes


@_tidy
def fates(w0, f0, lives, predicted=None, ax=None):
    """Draw starts in the (w, f) plane by what became of them: filled if alive, crosses if dead, rings around surprises.

    Parameters
    ----------
    w0, f0 : array of shape (n,)
        Starts (dimensionless).
    lives : boolean array of shape (n,)
    predicted : boolean array of shape (n,), optional
        Where it differs from `lives`, a ring is drawn.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> fates([0.1, -0.5], [0.2, 0.1], [True, False]).get_ylabel()
    'start of the feature eigenvalue f'
    """
    w0, f0 = _checks.array("w0", w0, ndim=1), _checks.array("f0", f0, ndim=1, nonnegative=True)
    lives = _checks.booleans("lives", lives, w0.shape)
    _checks.same_shape(w0=w0, f0=f0)
    ax = _axes(ax)
    ax.plot(w0[lives], f0[lives], "o", color=GREEN, ms=4, ls="none", label="lives")
    ax.plot(w0[~lives], f0[~lives], "x", color=BLUE, ms=5, ls="none", label="dies")
    if predicted is not None:
        wrong = _checks.booleans("predicted", predicted, w0.shape) != lives
        if wrong.any():
            ax.plot(w0[wrong], f0[wrong], "o", mfc="none", mec=RED, ms=10, ls="none", label="predicted wrongly")
    edge = np.linspace(w0.min(), w0.max(), 200)
    ax.plot(edge, edge**2, color="black", ls="--", lw=1, label="parabola $f = w^2$")
    ax.set(xlabel="start of the head eigenvalue w", ylabel="start of the feature eigenvalue f")
    ax.legend(fontsize="small")
    return ax


@_tidy
def water(w0, f0, setting, ax=None):
    """Draw how water-filling decides who survives: one column a mode, its floor, and the level to which water rises.

    Columns stand in the order of their floors, which are -c_j, or 0 for modes with more features than head; those
    forced dead are left out. Isotropic data.

    Parameters
    ----------
    w0, f0 : array of shape (h,)
        Head and feature eigenvalues at the start (dimensionless).
    setting : Setting
        With one eigenvalue `spectrum`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from ncl_lib import Setting
    >>> water([0.5, 0.9, -0.4], [0.25, 0.4, 0.1], Setting(sigma2=0.5, rho=0.0)).get_ylabel()
    'squared head'
    """
    _checks.instance("setting", setting, Setting).isotropic("plots.water")
    w, f = settled_modes(w0, f0, setting)
    w0, f0 = np.asarray(w0, dtype=float), np.asarray(f0, dtype=float)
    c = f0 - w0**2
    able = (f0 > 0) & ((c > 0) | (w0 > 0))
    if not np.any(able):
        raise ValueError("w0, f0: no mode is fit to live, so that there is no water level")
    level = np.max(w[able & (f > 0)]) ** 2
    order = np.flatnonzero(able)[np.argsort(np.maximum(-c[able], 0))]
    floor, place = np.maximum(-c[order], 0), np.arange(len(order))
    ax = _axes(ax)
    ax.bar(place, floor, width=1, color=GREY, alpha=0.6, label="floor, $\\max(-c_j, 0)$")
    ax.bar(place, np.maximum(level - floor, 0), bottom=floor, width=1, color=BLUE, alpha=0.35, label="water")
    ax.axhline(level, color=BLUE, lw=1.2)
    ax.set(xlabel="modes that are fit to live, by their floor", ylabel="squared head", xlim=(-0.5, len(order) - 0.5))
    ax.legend(loc="upper left")
    return ax


def _axes(ax):
    return plt.subplots()[1] if ax is None else ax


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
