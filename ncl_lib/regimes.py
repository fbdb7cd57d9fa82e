"""The universal phase diagram of the sixth-order flow, and the regimes that it is made of."""

from __future__ import annotations

import enum

import numpy as np

from . import _checks
from .norms import Norms
from .setting import Setting


class Regime(enum.Enum):
    """Fate of an eigenmode: which stable equilibrium its flow has, and whether it gets there.

    The names are the paper's (Bao, arXiv 2309.16109); the inequalities are made precise here.

    Examples
    --------
    >>> Regime.STABLE.value
    'stable'
    """

    COLLAPSE = "collapse"  #: no positive equilibrium exists
    ACUTE = "acute"  #: one exists, but the mode starts on the wrong side of the unstable one
    STABLE = "stable"  #: the mode goes to the stable positive equilibrium


FOLD_TOLERANCE = 16 * np.finfo(float).eps


def fold_point(beta):
    """The one positive root of ``5 scaled^4 + 2 beta scaled = 1``, elementwise, by Newton's method from above.

    The polynomial is convex for scaled > 0, so that from a point above the root every step stays above it.
    """
    above = 1 / np.maximum(2 * beta, 5**0.25)
    scaled = np.where(beta >= 0, above, np.maximum(0.4**0.25, np.cbrt(0.8 * np.maximum(-beta, 0))))
    for _ in range(50):
        step = (scaled * (5 * scaled**3 + 2 * beta) - 1) / (20 * scaled**3 + 2 * beta)
        scaled = scaled - step
        if np.all(np.abs(step) <= 2 * np.finfo(float).eps * scaled):
            break
    return scaled


def critical_ratio(beta):
    r"""Boundary of the universal phase diagram.

    .. math:: r_c(\beta) = \max_{\tilde w > 0} (\tilde w - \beta \tilde w^2 - \tilde w^5)

    The maximum is where :math:`5 \tilde w^4 + 2 \beta \tilde w = 1`; there it equals
    :math:`(\tilde w + 3 \tilde w^5) / 2`.

    Parameters
    ----------
    beta : float or array
        Of either sign (dimensionless).

    Returns
    -------
    float or array
        Same shape as `beta`; tends to :math:`1 / (4 \beta)` for large `beta`.

    Raises
    ------
    TypeError, ValueError
        If `beta` is not made of finite real numbers.

    Notes
    -----
    Ours.

    Examples
    --------
    >>> round(critical_ratio(0.0), 7)
    0.5349922
    """
    scaled = fold_point(_checks.array("beta", beta))
    return _checks.plain((scaled + 3 * scaled**5) / 2)


def universal_coordinates(w, norms, setting):
    r"""Place modes in the universal phase diagram of the sixth-order flow.

    .. math::
        \tilde w = w / \ell, \quad \ell = (N_\Psi^2 / (2 s))^{1/4}, \qquad
        \beta = \frac{s N_\times \ell}{\lambda N_\Psi^2}, \qquad r = \frac{\rho N_\Phi N_\Psi}{\lambda \ell}

    Parameters
    ----------
    w : array of shape (..., h)
        Head eigenvalues (dimensionless).
    norms : Norms
        With entries of shape (...): one triple for each row of `w`, as along a trajectory.
    setting : Setting
        With one eigenvalue `spectrum`, not 0.

    Returns
    -------
    scaled : array of shape (..., h)
    beta, ratio : float or array of shape (...)

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, `phi` or `psi` is not positive, or shapes do not fit.

    Notes
    -----
    Ours.

    Examples
    --------
    >>> setting, w = Setting(sigma2=0.5, rho=0.1), np.full(8, 0.3)
    >>> scaled, beta, ratio = universal_coordinates(w, Norms.of_modes(w, w**2, setting), setting)
    >>> round(beta**4, 9), round(float(scaled[0]) * beta, 9)  # equal modes: beta = (h/2)^(1/4), scaled = 1/beta
    (4.0, 1.0)
    """
    w = _checks.array("w", w)
    if w.ndim == 0:
        raise ValueError("w: is a single number; expected shape (h,), so write [w] for one mode")
    _checks.instance("norms", norms, Norms, hint=", such as the .norms of a trajectory")
    signal = _checks.instance("setting", setting, Setting).isotropic("universal_coordinates")
    if signal == 0:
        raise ValueError("spectrum=0.0: there is no signal to learn; universal_coordinates needs spectrum > 0")
    phi, psi, cross = (_checks.array(f"norms.{name}", getattr(norms, name)) for name in ("phi", "psi", "cross"))
    for name, value in (("phi", phi), ("psi", psi), ("cross", cross)):
        if value.shape != w.shape[:-1]:
            raise ValueError(f"norms.{name}: has shape {value.shape}; w of shape {w.shape} needs {w.shape[:-1]}")
        if name != "cross" and np.any(value <= 0):
            raise ValueError(f"norms.{name}: smallest entry is {value.min():.6g}; all must be > 0")
    scale, beta, ratio = universal(phi, psi, cross, setting)
    return w / scale[..., None], _checks.plain(beta), _checks.plain(ratio)


def regimes_of(w, norms, setting):
    """Regime of each mode in the sixth-order flow with these norms.

    Parameters
    ----------
    w, norms, setting
        As for :func:`universal_coordinates`.

    Returns
    -------
    array of Regime
        Of the shape of `w`.

    Raises
    ------
    TypeError, ValueError
        As for :func:`universal_coordinates`.

    Notes
    -----
    The regimes are the paper's (Bao, arXiv 2309.16109): where the flow would go, were the norms frozen now.

    Examples
    --------
    >>> setting, w = Setting(sigma2=0.5, rho=0.1), np.full(8, 0.3)
    >>> regimes_of(w, Norms.of_modes(w, w**2, setting), setting)[0].name
    'STABLE'
    """
    scaled, beta, ratio = universal_coordinates(w, norms, setting)
    return classify(scaled, np.asarray(beta)[..., None], np.asarray(ratio)[..., None])


def universal(phi, psi, cross, setting):
    """The scale of modes, and the two numbers that decide."""
    scale = np.sqrt(psi) / (2 * setting.s) ** 0.25
    beta = setting.s / setting.spectrum * (cross / psi) * (scale / psi)
    return scale, beta, setting.rho / setting.spectrum * phi * (psi / scale)


def classify(scaled, beta, ratio):
    r"""Regime in the universal phase diagram of the sixth-order flow, elementwise.

    Collapse where :math:`r > r_c(\beta)`. Otherwise Stable beyond the fold point, and below it where
    :math:`\tilde w - \beta \tilde w^2 - \tilde w^5 > r`; Acute elsewhere.

    Parameters
    ----------
    scaled : float or array
        Modes :math:`w / \ell` (dimensionless).
    beta : float or array
        The :math:`\beta` of :class:`SixthOrderFlow`, of either sign.
    ratio : float or array
        Its :math:`r \ge 0`.

    Returns
    -------
    Regime or array of Regime
        Of the shape to which the arguments broadcast.

    Raises
    ------
    TypeError, ValueError
        If an argument is not made of finite real numbers, some `ratio` is negative, or shapes do not fit.

    Notes
    -----
    Ours. No root is searched for, so that a whole diagram is one call.

    Examples
    --------
    >>> [r.name for r in classify([0.5, 0.05, 0.5], beta=[0.0, 0.0, 0.0], ratio=[0.1, 0.1, 0.9])]
    ['STABLE', 'ACUTE', 'COLLAPSE']
    """
    scaled, beta = _checks.array("scaled", scaled), _checks.array("beta", beta)
    ratio = _checks.array("ratio", ratio, nonnegative=True)
    fold = fold_point(beta)
    try:
        np.broadcast_shapes(scaled.shape, beta.shape, ratio.shape)
    except ValueError as error:
        raise ValueError(
            f"scaled, beta, ratio: shapes {scaled.shape}, {beta.shape}, {ratio.shape} do not broadcast"
        ) from error
    exists = ratio <= (fold + 3 * fold**5) / 2 * (1 + FOLD_TOLERANCE)
    escapes = (scaled > fold) | ((scaled > 0) & (scaled * (1 - scaled * (beta + scaled**3)) > ratio))
    return _checks.plain_object(np.where(exists, np.where(escapes, Regime.STABLE, Regime.ACUTE), Regime.COLLAPSE))
