r"""Exact Gaussian expectations for the cosine loss, at finite width, with no limit taken.

With :math:`1/|v| = \frac{2}{\sqrt\pi} \int_0^\infty e^{-t^2 |v|^2} dt` for both norms, each expectation becomes a
two-dimensional integral of Gaussian moments under a tilted covariance, over :math:`t_1` for the target and
:math:`t_2` for the prediction.

Quadrature. The integrands are even in both variables, so that one half of a symmetric Gauss-Legendre rule with 2 n
nodes does the work of all. The map :math:`t = t_\ast \sinh y` is nearly linear where the integrand is nearly
Gaussian (many equal modes) and exponential where its tail is a power law (few modes): :math:`t_\ast` is the distance of
the nearest singularity from the real axis, and y ends where the tail is negligible.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from . import _checks
from .flows import mode_arrays
from .setting import Setting

_TAIL = 1e-13  # what may be cut off, relative to the integral
_CONVERGED = 1e-13
_FEWEST, _MOST = 24, 96


@dataclass(frozen=True, eq=False)
class Expectation:
    """Drive and alignment of the cosine loss.

    Attributes
    ----------
    drive : array
        The G of the theory: shape (h,) for modes, (h, h) for matrices (dimensionless).
    alignment : float
        Mean cosine between prediction and target, minus the loss.
    error : float or None
        Estimate of the largest absolute error of the drive, if it was asked for.

    Examples
    --------
    >>> result = cosine_modes([0.5, 0.5], [1.0, 1.0], Setting(sigma2=0.0, rho=0.0))
    >>> round(result.alignment, 6)
    1.0
    """

    drive: np.ndarray
    alignment: float
    error: float | None = None


def cosine_modes(w, f, setting, nodes=None, error=False):
    r"""Exact drive and alignment of the cosine loss on eigenmodes.

    .. math::
        G_j = \frac4\pi \iint P\, \mathit{uv}_j - w_j \frac8\pi \iint t_2^2\, P\, \mathit{uu}_j
        \Bigl( \sum_k w_k \mathit{uv}_k + 2 w_j \mathit{uv}_j \Bigr), \qquad
        E \cos = \frac4\pi \iint P \sum_k w_k \mathit{uv}_k ,

    with :math:`a = (\lambda + \sigma^2) f`, :math:`b = \lambda f`, :math:`P = \prod_k \det_k^{-1/2}`,
    :math:`\det = (1 + 2 a t_1^2)(1 + 2 a w^2 t_2^2) - 4 b^2 w^2 t_1^2 t_2^2`,
    :math:`\mathit{uv} = b / \det` and :math:`\mathit{uu} = (a + 2 t_1^2 (a^2 - b^2)) / \det`.

    Parameters
    ----------
    w, f : array of shape (h,)
        Head and feature eigenvalues (dimensionless), f >= 0.
    setting : Setting
    nodes : int, optional
        Quadrature nodes for each of the two variables, >= 2; by default as many as an error near 1e-10 of the largest
        drive needs, at most 96.
    error : bool, optional
        Estimate the error too, by a finer rule; about three times the work.

    Returns
    -------
    Expectation

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds, or if features or predictions vanish, where the loss is
        not defined.

    Notes
    -----
    Ours; the paper takes the limit of infinite width.

    Examples
    --------
    >>> w, f = np.array([0.5, 0.8, -0.2]), np.array([1.0, 0.3, 0.6])
    >>> result = cosine_modes(w, f, Setting(sigma2=0.5, rho=0.0), error=True)
    >>> bool(abs(w @ result.drive) < 1e-9), bool(result.error < 1e-8)
    (True, True)
    """
    w, f = mode_arrays(w, f, setting)
    if w.ndim != 1:
        raise ValueError(f"w: has shape {w.shape}; expected shape (h,)")
    if nodes is not None:
        nodes = _checks.integer("nodes", nodes, minimum=2)
    signal = setting.spectrum
    if not np.any(f > 0):
        raise ValueError("f: all features are 0; the cosine loss is not defined there")
    if not np.any(w[f > 0]):
        raise ValueError("w: all predictions are 0; the cosine loss is not defined there")

    def integral(**rule):
        rate, alignment, used = _modes(w, f, setting.s, signal, **rule)
        return f / f.max() * rate, alignment, used

    return _with_error(integral, nodes, error)


def alignment(W, F, setting):
    r"""Mean cosine between prediction and target, exactly: :math:`E \frac{\langle W u, v \rangle}{|W u| |v|}`.

    Parameters
    ----------
    W, F : array of shape (h, h)
        Head, and symmetric positive semi-definite feature matrix (dimensionless).
    setting : Setting
        With one eigenvalue `spectrum`.

    Returns
    -------
    float
        Between -1 and 1; minus the cosine loss.

    Raises
    ------
    TypeError, ValueError
        If a matrix is not square, shapes differ, F is not symmetric positive semi-definite, features or predictions
        vanish, or the data are not isotropic.

    Examples
    --------
    >>> round(alignment(np.eye(3), np.eye(3), Setting(sigma2=0.0, rho=0.0)), 9)
    1.0
    """
    return cosine_matrices(W, F, setting).alignment


def cosine_matrices(W, F, setting, nodes=None, error=False):
    r"""Exact drive and alignment of the cosine loss on head and feature matrix, nothing assumed about W.

    .. math::
        G = \frac4\pi \iint P \tilde K_{vu}
        - W \frac8\pi \iint t_2^2 P \bigl[ \operatorname{tr}(W^\top \tilde K_{vu}) \tilde K_{uu}
        + \tilde K_{uu} W^\top \tilde K_{vu} + (\tilde K_{uu} W^\top \tilde K_{vu})^\top \bigr] ,

    with the covariance :math:`\tilde K` of (u, v) tilted by :math:`\exp(-t_1^2 |v|^2 - t_2^2 |W u|^2)`, and P its
    normalisation. For each :math:`t_1` one eigendecomposition of size h serves all :math:`t_2`.

    Parameters
    ----------
    W, F : array of shape (h, h)
        Head, and symmetric positive semi-definite feature matrix (dimensionless).
    setting : Setting
        With one eigenvalue `spectrum`.
    nodes, error
        As for :func:`cosine_modes`.

    Returns
    -------
    Expectation

    Raises
    ------
    TypeError, ValueError
        If a matrix is not square, shapes differ, F is not symmetric positive semi-definite, features or predictions
        vanish, or the data are not isotropic.

    Notes
    -----
    Ours; the paper takes the limit of infinite width.

    Examples
    --------
    >>> setting = Setting(sigma2=0.5, rho=0.0)
    >>> W, F = np.array([[0.5, 0.3], [-0.1, 0.4]]), np.diag([1.0, 0.5])
    >>> result = cosine_matrices(W, F, setting)
    >>> bool(abs(np.vdot(W, result.drive)) < 1e-9)
    True
    """
    signal = _checks.instance("setting", setting, Setting).isotropic("cosine_matrices")
    W, F = _checks.matrix("W", W), _checks.feature_matrix("F", F)
    if W.ndim != 2:
        raise ValueError(f"W: has shape {W.shape}; expected one matrix, shape (h, h)")
    _checks.same_shape(W=W, F=F)
    if nodes is not None:
        nodes = _checks.integer("nodes", nodes, minimum=2)
    f, Q = np.linalg.eigh((F + F.T) / 2)
    f = np.where(f > 1e-14 * f[-1], f, 0.0) if f[-1] > 0 else np.zeros_like(f)

    def integral(**rule):
        half, alignment, used = _matrices(*_defined(Q.T @ W @ Q, f), setting.s, signal, **rule)
        return half * np.sqrt(f), alignment, used

    result = _with_error(integral, nodes, error)
    return Expectation(Q @ result.drive @ Q.T, result.alignment, result.error)


def matrices_push(W, A, s, signal):
    """Drive G for ``F = A A^T``, and what it makes of the factor, ``W^T G F^-1 A``, both without check."""
    Q, root, turn = np.linalg.svd(A)
    half = _matrices(*_defined(Q.T @ W @ Q, root**2), s, signal, None, _TAIL)[0]
    return (Q @ (half * root)) @ Q.T, W.T @ (Q @ half @ turn)


def _defined(W, f):
    """Head in the eigenbasis of the features, and their eigenvalues, or raise where the loss is not defined."""
    if not np.any(f > 0):
        raise ValueError("F: is 0; the cosine loss is not defined there")
    if not np.any(W[:, f > 0]):
        raise ValueError("W: all predictions are 0; the cosine loss is not defined there")
    return W, f


def modes_rate(w, f, s, signal):
    """Drive per feature, G max(f) / f, on modes that have been checked; finite for a mode without features."""
    if not np.any(w[f > 0]):
        raise ValueError("w, f: features or predictions are all 0; the cosine loss is not defined there")
    return _modes(w, f, s, signal, None, _TAIL)[0]


def _with_error(integral, nodes, error):
    """Evaluate; where asked for, add twice the distance to a finer rule that is cut off later, and rounding."""
    drive, alignment, used = integral(nodes=nodes, tail=_TAIL)
    if not error:
        return Expectation(drive, alignment)
    reference, _, _ = integral(nodes=3 * max(used) // 2 + 4, tail=1e-2 * _TAIL)
    floor = 1e-14 * (np.max(np.abs(reference)) + alignment**2)
    return Expectation(drive, alignment, float(2 * np.max(np.abs(drive - reference)) + floor))


def _modes(w, f, s, signal, nodes, tail):
    """Drive per feature, alignment, and the nodes used, for variances ``a = s f`` and covariances ``b = signal f``.

    Features count in units of the largest.
    """
    # In units of the largest feature and head, so that no size of the weights over- or underflows.
    unit_w = np.max(np.abs(w[f > 0]))
    f, w = f / f.max(), w / unit_w
    a, b = s * f, signal * f
    if np.count_nonzero(a) == 1:
        # On a line both directions are signs, which no small change of the weights moves.
        (k,) = np.flatnonzero(a)
        return np.zeros_like(w), float(np.sign(w[k]) * 2 / np.pi * np.arcsin(b[k] / a[k])), (2, 2)
    prediction = w**2 * a
    (x, p, n1), (y, q, n2) = _rules(a, prediction, nodes, tail)
    x, y, weight = np.repeat(x, n2), np.tile(y, n1), np.outer(p, q).ravel()
    # det is linear in x = t1^2, y = t2^2 and x y: one matrix product for all nodes and modes.
    spread = a**2 - b**2
    powers = np.stack([x, y, x * y], axis=1)
    inverse = 1 / (1 + powers @ np.stack([2 * a, 2 * prediction, 4 * w**2 * spread]))
    P = weight * np.exp(0.5 * np.log(inverse).sum(axis=1))
    cross = inverse @ (w * b)
    yP = y * P
    first, second, third = np.stack([P, yP * cross, x * yP * cross]) @ inverse
    fourth, fifth = np.stack([yP, x * yP]) @ inverse**2
    pushed = s * second + 2 * f * (s**2 - signal**2) * third + 2 * w * signal * (a * fourth + 2 * spread * fifth)
    # One factor 1/unit_w: the drive is of degree -1 in the head, and of degree 0 in the units of features.
    rate = (4 / np.pi * signal * first - 8 / np.pi * w * pushed) / unit_w
    return rate, float(4 / np.pi * (P @ cross)), (n1, n2)


def _matrices(W, f, s, signal, nodes, tail):
    """The same in the eigenbasis of F, of eigenvalues `f`: ``G F^(-1/2)``, finite in directions without features."""
    unit_u = np.sqrt(np.max(s * f))
    a, b = s * f / unit_u**2, signal * f / unit_u**2
    unit_w = np.sqrt(np.max(np.sum(W**2 * a, axis=0)))
    W = W / unit_w
    if np.count_nonzero(a) == 1:
        k = int(np.argmax(a))
        column = W[:, k]
        share = column[k] / np.linalg.norm(column)
        drive = _line(W, a, b, k, share) / unit_w / np.sqrt(f[k])
        return drive, float(share * 2 / np.pi * np.arcsin(b[k] / a[k])), (2, 2)
    predictions = np.linalg.svd(W * np.sqrt(a), compute_uv=False) ** 2
    (x, p, n1), (y, q, n2) = _rules(a, predictions, nodes, tail)
    drive, alignment = np.zeros_like(W), 0.0
    inner = np.zeros_like(W)
    gram = W.T @ W
    correlation = signal / s if s > 0 else 0.0
    for t2, weight in zip(x, p, strict=True):
        shrink = 1 + 2 * a * t2
        # u, once v has been tilted: its standard deviation, in units of what it was, and the slope of v on u.
        widened = 1 + 2 * t2 * a * (1 - correlation**2)
        slope = correlation / widened
        ratio = np.sqrt(widened / shrink)
        root = np.sqrt(a) * ratio
        m, Q = np.linalg.eigh(root[:, None] * gram * root)
        m = np.maximum(m, 0)
        basis, half_basis = root[:, None] * Q, ratio[:, None] * Q
        Z = basis.T @ (W.T * slope) @ basis
        z = np.diagonal(Z)
        e = 1 / (1 + 2 * np.outer(y, m))
        P = weight * q * np.exp(0.5 * np.sum(np.log(e), axis=1) - 0.5 * np.sum(np.log(shrink)))
        traces = e @ z
        drive += slope[:, None] * ((basis * (P @ e)) @ half_basis.T)
        pairs = (e.T * (y * P)) @ e * Z
        middle = pairs + pairs.T + np.diag((y * P * traces) @ e)
        inner += basis @ middle @ half_basis.T
        alignment += P @ traces
    drive = (4 / np.pi * drive - 8 / np.pi * W @ inner) / unit_w
    return drive * (np.sqrt(s) / unit_u), float(4 / np.pi * alignment), (n1, n2)


def _line(W, a, b, k, share):
    """Drive for features on the line k: the target is a sign, and only the direction of the column k can turn."""
    column = W[:, k]
    size = np.linalg.norm(column)
    target = np.zeros_like(column)
    target[k] = 1.0
    drive = np.zeros_like(W)
    # E[sign(u) sign(v)] is the same for all lengths; u^T contributes |u| / |u| = 1.
    drive[:, k] = 2 / np.pi * np.arcsin(b[k] / a[k]) * (target - share * column / size) / size
    return drive


def _rules(features, predictions, nodes, tail):
    """For both variables squared nodes t^2, weights, and their number.

    The integrand has singularities at t^2 = -1/(2 a) over the variances a of features or predictions.
    """
    variances = np.stack([features, predictions])
    lengths = 1 / np.sqrt(2 * variances.max(axis=1))
    ends = np.arcsinh(_ends(variances, tail) / lengths)
    found = []
    for length, end in zip(lengths.tolist(), ends.tolist(), strict=True):
        # The rule with 2 n nodes converges as exp(-4 n ellipse).
        ellipse = math.asinh(0.5 * math.pi / end)
        enough = math.ceil(6 - math.log(_CONVERGED) / (4 * ellipse))
        number = min(max(enough, _FEWEST), _MOST) if nodes is None else nodes
        roots, weights = _half_rule(number)
        t = length * np.sinh(end * roots)
        found.append((t**2, weights * length * end * np.cosh(end * roots), number))
    return found


@cache
def _half_rule(n):
    """Positive nodes and their weights of the Gauss-Legendre rule with 2 n nodes on [-1, 1]."""
    roots, weights = np.polynomial.legendre.leggauss(2 * n)
    return roots[n:], weights[n:]


_GRID = np.geomspace(1, 1e9, 49)
_LOG_GRID = np.log(_GRID)
_POWERS = np.array([[1.0], [3.0]])  # the tails are t P uv for the target, t^3 P uu uv for the prediction


def _ends(variances, tail):
    """Where what is left of each integral is negligible; continuous, as the flow's solver wants it."""
    widths = 1 / np.sqrt(2 * variances.sum(axis=1, keepdims=True))
    t = widths * _GRID
    logs = np.log1p(2 * (t**2)[..., None] * variances[:, None, :])
    with np.errstate(divide="ignore"):
        relative = np.log(variances / variances.max(axis=1, keepdims=True))
    strongest = np.max(relative[:, None, :] - logs, axis=2)
    left = _POWERS * _LOG_GRID - 0.5 * logs.sum(axis=2) + (_POWERS + 1) / 2 * strongest - math.log(tail)
    ends = []
    for here, at in zip(left, t, strict=True):
        k = int(np.argmax(here < 0)) or len(at) - 1
        share = min(max(here[k - 1] / max(here[k - 1] - here[k], 1e-300), 0.0), 1.0)
        ends.append(at[k - 1] * (at[k] / at[k - 1]) ** share)
    return np.array(ends)
