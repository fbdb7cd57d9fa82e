"""Who survives."""

from __future__ import annotations

import numpy as np

from .. import _checks
from ..setting import Setting
from ..survival import fitness, water_level
from .style import BLUE, GREEN, GREY, RED, own_axes, tidy


@tidy
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
    ax = own_axes(ax)
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


@tidy
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
    w, _, c, gain, able = fitness(w0, f0, setting)
    if not np.any(able):
        raise ValueError("w0, f0: no mode is fit to live, so that there is no water level")
    level = water_level(w, c, gain, able)[0] * gain[0] ** 2
    order = np.flatnonzero(able)[np.argsort(np.maximum(-c[able], 0))]
    floor, place = np.maximum(-c[order], 0), np.arange(len(order))
    ax = own_axes(ax)
    ax.bar(place, floor, width=1, color=GREY, alpha=0.6, label="floor, $\\max(-c_j, 0)$")
    ax.bar(place, np.maximum(level - floor, 0), bottom=floor, width=1, color=BLUE, alpha=0.35, label="water")
    ax.axhline(level, color=BLUE, lw=1.2)
    ax.set(xlabel="modes that are fit to live, by their floor", ylabel="squared head", xlim=(-0.5, len(order) - 0.5))
    ax.legend(loc="upper left")
    return ax
