"""Which eigenmodes survive under the cosine loss: water-filling, and the threshold that corrects it at small width."""

from __future__ import annotations

import dataclasses

import numpy as np

from . import _checks
from .flows import mode_arrays
from .modes import CosineModes
from .setting import Setting


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
    which is found by following the flow at leading order.

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
        If `w0` or `f0` is not a finite real array of shape (h,), some f0 < 0, or all features are 0.

    Notes
    -----
    Ours. An approximation: it takes the width to infinity and presumes :math:`N_\times > 0` in the end. At small h
    living heads disagree and a mode is admitted a little above the water, see :func:`invasion_threshold`.

    Examples
    --------
    >>> surviving_modes([0.5, 0.1, -0.4], [0.25, 0.4, 0.1], Setting(sigma2=0.5, rho=0.0))
    array([ True,  True, False])
    """
    return _fill(w0, f0, setting)[0]


def settled_modes(w0, f0, setting):
    r"""Where modes settle on the clock of weight decay, to leading order in 1/h: the water-filled state.

    Survivors share one head up to their gain, :math:`w_j = \zeta_\ast^{-1}\, \Gamma_j`, dead heads end at
    :math:`\pm\sqrt{-c_j}`, and :math:`f_j = w_j^2 + c_j` for all; see :func:`surviving_modes`. A single survivor may
    keep a negative head: if nobody is fit to live, or only one mode that starts with a negative head. Which it is, and
    with which sign, is found by following the flow at leading order.

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
    alive, w = _fill(w0, f0, setting)
    w0, f0 = np.asarray(w0, dtype=float), np.asarray(f0, dtype=float)
    return w, np.where(alive, np.maximum(w**2 + f0 - w0**2, 0.0), 0.0)


def _fill(w0, f0, setting):
    """Who lives, and where the heads settle."""
    w, f = mode_arrays(w0, f0, setting)
    if w.ndim != 1:
        raise ValueError(f"w0: has shape {w.shape}; expected shape (h,)")
    if not np.any(f > 0):
        raise ValueError("f0: all features are 0; no mode can survive")
    c = f - w**2
    gain = np.broadcast_to(setting.spectrum / setting.s, f.shape)
    able = (f > 0) & (gain > 0) & ((c > 0) | (w > 0))
    settled = np.sign(w) * np.sqrt(np.maximum(-c, 0.0))
    settled[f == 0] = w[f == 0]
    if not np.any(able & ((w > 0) | (np.count_nonzero(able) > 1))):
        free = dataclasses.replace(setting, rho=0.0)
        end = CosineModes(free, "leading").solve(w, f, [0.0, 1e4 * (w @ w)], tolerance=1e-6)
        last = int(np.argmax(end.shape_f[-1]))
        settled[last] = np.sign(end.shape_w[-1, last]) * np.sqrt(np.sum(w**2) - np.sum(np.delete(settled, last) ** 2))
        return np.arange(len(w)) == last, settled
    # Dead heads end at w^2 = -c, or at 0; what remains of |w0|^2 is shared out.
    volume = np.sum(w**2) + np.sum(np.where(able, 0.0, np.minimum(c, 0.0)))
    depth, share = np.maximum(-c[able], 0.0), gain[able] ** 2
    # The filled volume is piecewise linear in the level, with a corner wherever a mode is reached.
    corner = depth / share
    order = np.argsort(corner)
    below = np.cumsum(share[order])
    above = depth.sum() - np.cumsum(depth[order])
    levels = (volume - above) / below
    # The level lies in the interval between corners that holds its own solution.
    upper = np.append(corner[order][1:], np.inf)
    level = levels[np.argmax(levels <= upper)]
    alive = np.zeros(len(w), dtype=bool)
    alive[able] = level > corner
    settled[alive] = np.sqrt(level) * gain[alive]
    return alive, settled


def invasion_threshold(n, setting):
    r"""Head, relative to n equal survivors, below which a mode without features grows: :math:`\kappa_n`.

    .. math::
        \kappa_n = \frac{E[1 / (|u| |v|)]}{s\, E[\langle u, v \rangle / (|v| |u|^3)]}
        = 1 + \frac{1 - 1/s^2}{n} + O(n^{-2})

    over the n-dimensional features u, v of the survivors (isotropic data; s and the correlation in units of
    :math:`\lambda`). Water-filling says 1.

    Parameters
    ----------
    n : int
        Number of survivors, >= 2.
    setting : Setting
        With one eigenvalue `spectrum` > 0.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If `n` is not a whole number >= 2, or `setting` is not a Setting with one positive eigenvalue.

    Notes
    -----
    Ours.

    Examples
    --------
    >>> [round(invasion_threshold(n, Setting(sigma2=0.5, rho=0.0)), 4) for n in (2, 4, 16)]
    [1.8637, 1.2458, 1.0402]
    """
    n = _checks.integer("n", n, minimum=2)
    signal = _checks.instance("setting", setting, Setting).isotropic("invasion_threshold")
    if signal == 0:
        raise ValueError("spectrum=0.0: there is no signal; invasion_threshold needs spectrum > 0")
    s = setting.s / signal
    # In logarithms of t1 and t2 the integrands are analytic in a strip and fade exponentially on all sides, where the
    # trapezoidal rule converges geometrically; here far beyond double precision.
    x = np.arange(-42, 42, 0.2)
    log_t1, log_t2 = x[:, None], x
    one, two = np.exp(2 * log_t1), np.exp(2 * log_t2)
    log_det = np.log(1 + 2 * s * (one + two) + 4 * (s**2 - 1) * one * two)
    both = np.exp(log_t1 + log_t2 - n / 2 * log_det)
    pull = np.exp(log_t1 + 3 * log_t2 - (n / 2 + 1) * log_det)
    return float(both.sum() / (2 * s * n * pull.sum()))
