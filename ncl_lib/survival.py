"""Which eigenmodes survive under the cosine loss: water-filling, and the threshold that corrects it at small width."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from . import _checks
from .modes import CosineModes
from .setting import Setting, mode_arrays


def surviving_modes(w0, f0, setting):
    r"""Modes that keep features under the cosine loss, to leading order in 1/h, whatever the weight decay.

    On the clock of weight decay each imbalance :math:`c_j = f_j - w_j^2` and the norm :math:`|w|` are conserved,
    living heads end at :math:`\zeta_\ast^{-1}\, \Gamma_j` with the gain
    :math:`\Gamma_j = \lambda_j / (\lambda_j + \sigma^2)`, and dead ones at :math:`w_j^2 = -c_j`. So
    :math:`\zeta_\ast^{-2}` is the level to which

    .. math::
        \sum_{j \text{ not forced dead}} \max(\zeta_\ast^{-2} \Gamma_j^2, -c_j)
        = |w_0|^2 + \sum_{j \text{ forced dead}} c_j

    fills, where a mode with :math:`c_j \le 0` and :math:`w_j(0) \le 0` is forced dead. A mode survives if it is not
    forced dead and :math:`\zeta_\ast^{-2} \Gamma_j^2 > -c_j`. If that leaves none, features condense on one mode,
    which is found by following the flow at leading order. If it leaves one, another is not forced dead, and views are
    noisy, the rule is wrong: a lone survivor keeps nobody down (:func:`invasion_threshold` is infinite), and the exact
    flow is followed. A mode without signal lives where :math:`c_j > 0`, and its head fades.

    Parameters
    ----------
    w0, f0 : array of shape (h,)
        Head and feature eigenvalues at the start (dimensionless), f0 >= 0.
    setting : Setting
        Its `rho` has no influence.

    Returns
    -------
    boolean array of shape (h,)

    Raises
    ------
    TypeError, ValueError
        If `w0` or `f0` is not a finite real array of shape (h,), some f0 < 0, or all features or predictions are 0.

    Notes
    -----
    Ours. An approximation: it takes the width to infinity and presumes :math:`N_\times > 0` in the end. At small h
    living heads disagree and a mode is admitted a little above the water, see :func:`invasion_threshold`. Beside a
    lone survivor the next mode holds features however deep it lies, but by orders of magnitude fewer the deeper.

    Examples
    --------
    >>> surviving_modes([0.5, 0.1, -0.4], [0.25, 0.4, 0.1], Setting(sigma2=0.5, rho=0.0))
    array([ True,  True, False])
    """
    return _settle(w0, f0, setting)[0]


def settled_modes(w0, f0, setting):
    r"""Where modes settle on the clock of weight decay, to leading order in 1/h: the water-filled state.

    Survivors share one head up to their gain, :math:`w_j = \zeta_\ast^{-1}\, \Gamma_j`, dead heads end at
    :math:`\pm\sqrt{-c_j}`, and :math:`f_j = w_j^2 + c_j` for all; see :func:`surviving_modes`. A single survivor may
    keep a negative head: if nobody is fit to live, or only one mode that starts with a negative head. Which it is, and
    with which sign, is found by following the flow at leading order. Where water leaves one survivor of several modes
    that are fit, this is the end of the exact flow.

    Parameters
    ----------
    w0, f0 : array of shape (h,)
        Head and feature eigenvalues at the start (dimensionless), f0 >= 0.
    setting : Setting
        Its `rho` has no influence.

    Returns
    -------
    w, f : arrays of shape (h,)
        Shapes, that is with the decay taken out (dimensionless).

    Raises
    ------
    TypeError, ValueError
        As for :func:`surviving_modes`.

    Notes
    -----
    Ours; to leading order in 1/h.

    Examples
    --------
    >>> w, f = settled_modes([0.5, 0.1, -0.4], [0.25, 0.4, 0.1], Setting(sigma2=0.5, rho=0.0))
    >>> w.round(4), f.round(4) + 0.0
    (array([ 0.4243,  0.4243, -0.2449]), array([0.18, 0.57, 0.  ]))
    """
    return _settle(w0, f0, setting)[1:]


def fitness(w0, f0, setting):
    """A start, checked: heads, features, imbalances, gains, and who is able to live, that is not forced dead."""
    w, f = mode_arrays(w0, f0, setting)
    if w.ndim != 1:
        raise ValueError(f"w0: has shape {w.shape}; expected shape (h,)")
    if not np.any(f > 0):
        raise ValueError("f0: all features are 0; no mode can survive")
    if not np.any(w[f > 0]):
        raise ValueError("w0: all predictions are 0; the cosine loss is not defined there")
    c = f - w**2
    gain = np.broadcast_to(setting.spectrum / setting.s, f.shape)
    return w, f, c, gain, (f > 0) & (gain > 0) & ((c > 0) | (w > 0))


def _settle(w0, f0, setting):
    """Who lives, and where heads and features settle."""
    w, f, c, gain, able = fitness(w0, f0, setting)
    silent = (f > 0) & (gain == 0) & (c > 0)  # nothing pulls at the head, which fades and leaves f = c
    settled = np.sign(w) * np.sqrt(np.maximum(-c, 0.0))
    settled[f == 0] = w[f == 0]
    if not np.any(able & ((w > 0) | (np.count_nonzero(able) > 1))):
        end_w, end_f = _followed(w, f, setting, "leading", 1e4)
        if np.any(silent) or not np.any(gain):
            return end_f > 1e-6 * end_f.max(), end_w, end_f
        last = int(np.argmax(end_f))
        settled[last] = np.sign(end_w[last]) * np.sqrt(np.sum(w**2) - np.sum(np.delete(settled, last) ** 2))
        alive = np.arange(len(w)) == last
    else:
        level, floors = water_level(w, c, gain, able)
        alive = able & (level > floors)
        settled[alive] = np.sqrt(level) * gain[alive]
        if np.count_nonzero(alive) == 1 and np.any(able & ~alive) and setting.sigma2 > 0:
            end_w, end_f = _followed(w, f, setting, "exact", 1e13)
            if not np.any(silent):
                # The next mode lives by theorem, even if its features are too few to be followed.
                alive[np.argmin(np.where(able & ~alive, floors, np.inf))] = True
            alive |= (able | silent) & (end_f > 1e-12 * end_f.max())
            return alive, np.where(alive, end_w, settled), np.where(alive, end_f, 0.0)
        alive = alive | silent
    return alive, settled, np.where(alive, np.maximum(settled**2 + c, 0.0), 0.0)


def _followed(w, f, setting, closure, clock):
    """Shape at the end of a run without decay, `clock` in units of the start."""
    tolerance = 1e-6 if closure == "leading" else 1e-9
    run = CosineModes(dataclasses.replace(setting, rho=0.0), closure).solve(w, f, [0.0, clock * (w @ w)], tolerance)
    return run.shape_w[-1], run.shape_f[-1]


def water_level(w, c, gain, able):
    """Level to which the water rises, and the floor of every mode, both as squared heads over the squared gain."""
    # Dead heads end at w^2 = -c, or at 0; what remains of |w0|^2 is shared out.
    volume = np.sum(w**2) + np.sum(np.where(able, 0.0, np.minimum(c, 0.0)))
    depth, share = np.maximum(-c[able], 0.0), gain[able] ** 2
    # The filled volume is piecewise linear in the level, with a corner wherever a mode is reached.
    floors = np.full(len(w), np.inf)
    floors[able] = depth / share
    order = np.argsort(floors[able])
    below = np.cumsum(share[order])
    above = depth.sum() - np.cumsum(depth[order])
    levels = (volume - above) / below
    # The level lies in the interval between corners that holds its own solution.
    upper = np.append(floors[able][order][1:], np.inf)
    return levels[np.argmax(levels <= upper)], floors


def invasion_threshold(n, setting):
    r"""Head, relative to n equal survivors, below which a mode without features grows: :math:`\kappa_n`.

    .. math::
        \kappa_n = \frac{E[1 / (|u| |v|)]}{s\, E[\langle u, v \rangle / (|v| |u|^3)]}
        = 1 + \frac{1 - 1/s^2}{n} + O(n^{-2})

    over the n-dimensional features u, v of the survivors (isotropic data; s and the correlation in units of
    :math:`\lambda`). One integral is left of each average:

    .. math::
        \kappa_n = \frac{1}{n - 1} \,
        \frac{\int_0^\infty (1 + x^2)^{-(n-1)/2} (1 + \epsilon x^2)^{-1/2}\, dx}
        {\int_0^\infty x^2 (1 + x^2)^{-(n+1)/2} (1 + \epsilon x^2)^{-1/2}\, dx} , \qquad \epsilon = 1 - 1/s^2 .

    Water-filling says 1. With noise a single survivor keeps nobody down: :math:`\kappa_1 = \infty`.

    Parameters
    ----------
    n : int
        Number of survivors, >= 1.
    setting : Setting
        With one eigenvalue `spectrum` > 0.

    Returns
    -------
    float
        inf for n = 1. Without noise it is 1 for every n (for n = 1 and 2, as the limit of fading features).

    Raises
    ------
    TypeError, ValueError
        If `n` is not a whole number >= 1, or `setting` is not a Setting with one positive eigenvalue.

    Notes
    -----
    Ours.

    Examples
    --------
    >>> [round(invasion_threshold(n, Setting(sigma2=0.5, rho=0.0)), 4) for n in (2, 4, 16)]
    [1.8637, 1.2458, 1.0402]
    """
    n = _checks.integer("n", n, minimum=1)
    signal = _checks.instance("setting", setting, Setting).isotropic("invasion_threshold")
    if signal == 0:
        raise ValueError("spectrum=0.0: there is no signal; invasion_threshold needs spectrum > 0")
    noise = setting.sigma2 / signal
    if noise == 0:
        return 1.0
    if n == 1:
        return math.inf
    # 1 - 1/s^2 would lose the digits of a small sigma2.
    epsilon = noise / (1 + noise) * (1 + 1 / (1 + noise))
    # With x = sinh y both integrands are analytic for |Im y| < pi/2, where the trapezoidal rule converges fast;
    # they fade as cosh^-(n-2), and as one power more beyond 1/sqrt(epsilon).
    end = np.arcsinh(1 / np.sqrt(epsilon)) + 40
    if n > 2:
        fall = 40 / (n - 2)
        end = min(end, fall + np.log1p(np.sqrt(-np.expm1(-2 * fall))))
    count = int(np.ceil(end / 0.2 * np.sqrt(1 + n / 9)))
    y = (np.arange(count) + 0.5) * (end / count)
    x2 = np.sinh(y) ** 2
    both = np.exp((2 - n) / 2 * np.log1p(x2) - 0.5 * np.log1p(epsilon * x2))
    return float(both.sum() / ((n - 1) * np.sum(both * x2 / (1 + x2))))
