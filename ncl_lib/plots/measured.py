"""What is measured, against what is predicted; matrices; losses."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np

from .. import _checks
from ..diagnostics import asymmetry, commutator
from ..matrices import MatrixTrajectory
from ..runs import Run
from .style import BLUE, CYCLE, GREY, RED, STROKES, own_axes, tidy


@tidy
def curves(lines, xlabel, ylabel, logx=False, logy=False, markers=False, ax=None):
    """Several curves, told apart by colour and by stroke.

    Parameters
    ----------
    lines : mapping of label to (x, y) or (x, y, error)
        Arrays of shape (n,); with errors, a band of one of them on both sides.
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
    ax = own_axes(ax)
    for k, (label, line) in enumerate(lines.items()):
        if len(line) not in (2, 3):
            raise ValueError(f"lines[{label!r}]: has {len(line)} parts; expected (x, y) or (x, y, error)")
        x, y, *error = (_checks.array(f"lines[{label!r}]", values, ndim=1) for values in line)
        _checks.same_length(**dict(zip(("lines: x", "lines: y", "lines: error"), (x, y, *error), strict=False)))
        style = dict(color=CYCLE[k % len(CYCLE)], ls=STROKES[k % len(STROKES)])
        ax.plot(x, y, marker="osDv^"[k % 5] if markers else None, ms=5, label=label, **style)
        if error:
            ax.fill_between(x, y - error[0], y + error[0], color=style["color"], alpha=0.2, lw=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log" if logx else "linear", yscale="log" if logy else "linear")
    ax.legend()
    return ax


@tidy
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
    ax = own_axes(ax)
    ax.errorbar(x, y, yerr=error, fmt="o", capsize=3, color=BLUE, label="measured")
    law = np.exp(np.mean(np.log(y)) + exponent * (np.log(x) - np.mean(np.log(x))))
    ax.plot(x, law, color="black", ls="--", label=f"slope {exponent:g}")
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log", yscale="log")
    ax.legend()
    return ax


@tidy
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
    ax = own_axes(ax)
    ax.errorbar(decays, share, yerr=np.sqrt(smooth * (1 - smooth) / seeds), fmt="o", capsize=3, color=BLUE)
    if threshold is not None:
        ax.axvline(threshold, color=RED, ls="--", label=rf"theory: $\rho_c$ = {threshold:.4g}")
    if theory is not None:
        ax.plot(*theory, color="black", label="theory: probability")
    if ax.get_legend_handles_labels()[1]:
        ax.legend(loc="upper left")
    ax.set(xlabel="weight decay ρ", ylabel=f"share collapsed, {seeds} seeds", ylim=(-0.05, 1.05))
    return ax


@tidy
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
    ax = own_axes(ax)
    edges = np.linspace(0, upper, 151)
    for k, (label, values) in enumerate(samples.items()):
        values = _checks.array("samples", values, ndim=1)
        density = np.histogram(values, edges)[0] / (len(values) * np.diff(edges))
        ax.stairs(density, edges, color=CYCLE[k], ls=STROKES[k % len(STROKES)], lw=1.5, label=label)
    ax.axvline(1, color=GREY, lw=0.8)
    ax.set(xlabel="squared norm / its mean", ylabel="density", xlim=(0, upper))
    ax.legend()
    return ax


@tidy
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
    ax = own_axes(ax)
    for k, (run, label) in enumerate(zip(runs, labels, strict=True)):
        ax.semilogy(run.t, commutator(run.W, run.F), color=CYCLE[k], label=f"{label}: commutator")
        ax.semilogy(run.t, asymmetry(run.W), color=CYCLE[k], ls="--", label=f"{label}: asymmetry")
    ax.set(xlabel="time t", ylabel="relative size")
    ax.legend()
    return ax


@tidy
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


@tidy
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
