r"""Exact Gaussian expectations for the cosine loss, at finite width, with no limit taken.

With :math:`1/|v| = \frac{2}{\sqrt\pi} \int_0^\infty e^{-t^2 |v|^2} dt` for both norms, each expectation becomes a
two-dimensional integral of Gaussian moments under a tilted covariance, over :math:`t_1` for the target and
:math:`t_2` for the prediction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from . import _checks
from ._quadrature import rules
from .clock import above_noise
from .setting import Setting, mode_arrays

_LEAST = 1e-280  # the second largest variance of predictions, relative to the largest, that is not 0
_ACCURACY = 1e-13  # what may be cut off, relative to the integral; the rule itself misses a tenth of that
_IN_A_FLOW = 1e-11  # more would only slow down steps that are no better


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
        Quadrature nodes for each of the two variables, >= 2; by default as many as an error near 1e-12 of what
        cancels in the drive needs: some ten for many modes, some hundred where few predictions are left.
    error : bool, optional
        Estimate the error too, by a finer rule; about three times the work.

    Returns
    -------
    Expectation

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds; if features or predictions vanish, where the loss is
        not defined; or if one mode alone has a prediction, where the drive on the others is infinite.

    Notes
    -----
    Ours; the paper takes the limit of infinite width. With two predictions left, the drive on the weaker mode grows as
    the logarithm of their ratio.

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
    _checks.instance("error", error, bool)

    def integral(**rule):
        rate, *others = _modes(w, f, setting, **rule)
        return f / f.max() * rate, *others

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
    W, f, _ = _eigenbasis(*_checked_pair(W, F, setting, "alignment"))
    return _matrices(W, f, setting, driven=False)[1]


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
        If a matrix is not square, shapes differ, F is not symmetric positive semi-definite, the data are not isotropic,
        features or predictions vanish, or predictions lie on one line and features do not, where the drive is infinite.

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
    W, F = _checked_pair(W, F, setting, "cosine_matrices")
    if nodes is not None:
        nodes = _checks.integer("nodes", nodes, minimum=2)
    _checks.instance("error", error, bool)
    W, f, Q = _eigenbasis(W, F)

    def integral(**rule):
        half, alignment, used, terms = _matrices(W, f, setting, **rule)
        return half * np.sqrt(f), alignment, used, terms * np.sqrt(f)

    result = _with_error(integral, nodes, error)
    return Expectation(Q @ result.drive @ Q.T, result.alignment, result.error)


def _checked_pair(W, F, setting, who):
    """Head and features, checked."""
    _checks.instance("setting", setting, Setting).isotropic(who)
    W, F = _checks.one_matrix("W", _checks.matrix("W", W)), _checks.feature_matrix("F", F)
    _checks.same_shape(W=W, F=F)
    return W, F


def _eigenbasis(W, F):
    """Head in the eigenbasis of the features, their eigenvalues and the basis."""
    f, Q = np.linalg.eigh((F + F.T) / 2)
    f = np.where(f > 1e-14 * f[-1], f, 0.0) if f[-1] > 0 else np.zeros_like(f)
    return Q.T @ W @ Q, f, Q


def matrices_drive(W, F, setting):
    """Drive G on matrices that have been checked."""
    W, f, Q = _eigenbasis(W, F)
    return Q @ (_matrices(W, f, setting)[0] * np.sqrt(f)) @ Q.T


def matrices_push(W, A, setting):
    """Drive G for ``F = A A^T``, and what it makes of the factor, both without check.

    The factor moves as little as the features allow, ``dA = Z A`` with ``Z F + F Z = dF``: a turn of A that leaves F
    alone would cost steps. In a flow that runs on to one prediction, the drive grows up to what double precision can
    tell from infinite.
    """
    Q, root, turn = np.linalg.svd(A)
    held = np.maximum(root, 1e-7 * root[0])
    W = Q.T @ W @ Q
    half, _, _, terms = _matrices(W, held**2, setting, driven=False)
    half = above_noise(half, 1e-12 * np.linalg.norm(terms, axis=0)) * (root / held)
    f = np.maximum(root, 1e-150) ** 2
    drive = half * root
    # <W, G> = 0 exactly: left to itself, what is missing would move balance on a long clock.
    drive = drive - W * f * (np.vdot(W, drive) / np.vdot(W, W * f))
    change = W.T @ drive
    Z = (change + change.T) / (f[:, None] + f)
    return Q @ drive @ Q.T, Q @ (Z * root) @ turn


def modes_rate(w, f, setting, driven=False):
    """Drive per feature, G max(f) / f, on modes that have been checked; finite for a mode without features.

    Unless `driven`, it serves a flow that may run on to one prediction: see :func:`matrices_push`.
    """
    return _modes(w, f, setting, None, _ACCURACY if driven else _IN_A_FLOW, driven)[0]


def _with_error(integral, nodes, error):
    """Evaluate; where asked for, add twice the distance to a finer rule that is cut off later, and rounding."""
    drive, alignment, used, _ = integral(nodes=nodes)
    if not error:
        return Expectation(drive, alignment)
    reference, _, _, terms = integral(nodes=3 * max(used) // 2 + 4, accuracy=1e-2 * _ACCURACY)
    # What cancels in the drive leaves its rounding behind: in a sum of n terms about sqrt(n) of the last digit.
    rounding = 4 * np.finfo(float).eps * math.sqrt(max(used)) * np.max(terms)
    return Expectation(drive, alignment, float(2 * np.max(np.abs(drive - reference)) + rounding))


def _modes(w, f, setting, nodes=None, accuracy=_ACCURACY, driven=True):
    """Drive per feature G max(f) / f, alignment, the nodes used, and the size of what cancels in the drive.

    Unless `driven`, the drive need not be finite: it is cut off as if the second prediction were the least there is.
    """
    if not np.any(f > 0):
        raise ValueError("f: all features are 0; the cosine loss is not defined there")
    if not np.any(w[f > 0]):
        raise ValueError("w: all predictions are 0; the cosine loss is not defined there")
    # In units of the largest head and feature, so that no size of the weights over- or underflows.
    unit_w, unit_f = np.max(np.abs(w[f > 0])), np.max(f)
    w, f = w / unit_w, f / unit_f
    s, (correlation, own) = setting.s, _correlation(setting)
    a = s * f
    unit_a = np.max(a)
    a = a / unit_a
    if np.count_nonzero(a) == 1:
        # On a line both directions are signs, which no small change of the weights moves.
        (k,) = np.flatnonzero(a)
        here = np.broadcast_to(correlation, a.shape)[k]
        return np.zeros_like(w), float(np.sign(w[k]) * 2 / np.pi * np.arcsin(here)), (2, 2), np.zeros_like(w)
    prediction = w**2 * a
    predictions = np.sort(prediction[a > 0])
    if driven and predictions[-2] < _LEAST * predictions[-1]:
        k = int(np.argmax(prediction))
        raise ValueError(
            f"w: only mode {k} has a prediction that is not 0, and then the drive on the others is infinite"
        )
    predictions[-2] = max(predictions[-2], _LEAST * predictions[-1])
    (x, p, n1), (y, q, n2) = rules(a[a > 0], predictions, nodes, accuracy)
    x, y, weight = np.repeat(x, n2), np.tile(y, n1), np.outer(p, q).ravel()
    # det is linear in x = t1^2, y = t2^2 and x y: one matrix product for all modes and nodes.
    rest = a * own
    inverse = 1 / (1 + np.stack([2 * a, 2 * prediction, 4 * prediction * rest], axis=1) @ np.stack([x, y, x * y]))
    # Where so many factors underflow, nothing is left of the integrand.
    P = weight * np.sqrt(np.prod(inverse, axis=0))
    cross = (w * correlation * a) @ inverse
    yP = y * P
    first, second, third = np.stack([P, yP * cross, x * yP * cross]) @ inverse.T
    fourth, fifth = np.stack([yP, x * yP]) @ (inverse**2).T
    pull = 4 / np.pi * correlation * first
    pushed = second + 2 * rest * third + 2 * w * correlation * a * (fourth + 2 * rest * fifth)
    rate = pull - 8 / np.pi * w * pushed
    # w . G = 0 exactly: what rounding and quadrature leave of it is taken from where the terms are largest.
    weight = (a * pull) ** 2 * w
    if np.any(weight):
        rate = rate - weight / np.where(a > 0, a, 1.0) * ((w * a) @ rate) / (weight @ w)
    # Back to the units of before: the drive is of degree -1 in the head, and of degree 0 in the units of features.
    unit = s / unit_a / unit_w
    return rate * unit, float(4 / np.pi * (P @ cross)), (n1, n2), f * pull * unit


def _matrices(W, f, setting, nodes=None, accuracy=_ACCURACY, driven=True):
    """The same in the eigenbasis of F, of eigenvalues `f`: ``G F^(-1/2)``, finite in directions without features."""
    if not np.any(f > 0):
        raise ValueError("F: is 0; the cosine loss is not defined there")
    if not np.any(W[:, f > 0]):
        raise ValueError("W: all predictions are 0; the cosine loss is not defined there")
    correlation, own = _correlation(setting)
    unit_f, unit_w = np.max(f), np.max(np.abs(W[:, f > 0]))
    a, W = f / unit_f, W / unit_w
    if np.count_nonzero(a) == 1:
        k = int(np.argmax(a))
        share = W[k, k] / np.linalg.norm(W[:, k])
        cosine = 2 / np.pi * np.arcsin(correlation)
        drive = _line(W, k, share) * cosine / unit_w / np.sqrt(unit_f)
        return drive, float(share * cosine), (2, 2), np.abs(drive)
    size = np.linalg.svd(W * np.sqrt(a), compute_uv=False)
    least = len(a) * np.finfo(float).eps * size[0]
    if driven and size[1] <= least:
        raise ValueError("W: all predictions lie on one line, and then the drive is infinite")
    size[1] = max(size[1], least)
    (x, p, n1), (y, q, n2) = rules(
        a[a > 0], np.where(size >= least, size, 0.0)[: np.count_nonzero(a)] ** 2, nodes, accuracy
    )
    x = x[:, None]
    # u, once v has been tilted: its standard deviation, in units of what it was, and the slope of v on u.
    shrink, widened = 1 + 2 * a * x, 1 + 2 * x * a * own
    slope, ratio = correlation / widened, np.sqrt(widened / shrink)
    root = np.sqrt(a) * ratio
    m, Q = _principal(W * root[:, None, :], squares=y[-1] * size[0] ** 2 < 1e5)
    basis, half_basis = root[..., None] * Q, ratio[..., None] * Q
    Z = basis.mT @ (W.T * slope[:, None, :]) @ basis
    e = 1 / (1 + 2 * y[:, None] * m[:, None, :])
    P = p[:, None] * q * np.exp(0.5 * np.sum(np.log(e), axis=2) - 0.5 * np.sum(np.log(shrink), axis=1)[:, None])
    traces = np.matvec(e, np.diagonal(Z, axis1=1, axis2=2))
    first = np.sum(slope[..., None] * ((basis * np.matvec(e.mT, P)[:, None, :]) @ half_basis.mT), axis=0)
    middle = (e.mT * (y * P)[:, None, :]) @ e * Z
    middle = middle + middle.mT
    diagonal = np.arange(len(a))
    middle[:, diagonal, diagonal] += np.matvec(e.mT, y * P * traces)
    inner = np.sum(basis @ middle @ half_basis.mT, axis=0)
    pull = 4 / np.pi * first
    # G is of degree 0 in the units of features, so G F^(-1/2) is of degree -1 in those of their roots.
    unit = 1 / unit_w / np.sqrt(unit_f)
    drive = (pull - 8 / np.pi * W @ inner) * unit
    return drive, float(4 / np.pi * np.sum(P * traces)), (n1, n2), np.abs(pull) * unit


def _correlation(setting):
    """Correlation of two views in each direction, and what is left of 1 beside its square."""
    correlation = setting.spectrum / setting.s
    return correlation, setting.sigma2 / setting.s * (1 + correlation)  # 1 - correlation^2 loses a small sigma2


def _principal(M, squares):
    """Squared singular values of the matrices `M`, and their right singular vectors.

    From the squares of `M` it takes half the time, and the small ones lose their digits.
    """
    if squares:
        m, Q = np.linalg.eigh(M.mT @ M)
        return np.maximum(m, 0), Q
    _, size, turn = np.linalg.svd(M)
    return size**2, turn.mT


def _line(W, k, share):
    """Drive for features on the line k: the target is a sign, and only the direction of the column k can turn."""
    size = np.linalg.norm(W[:, k])
    drive = np.zeros_like(W)
    # E[sign(u) sign(v)] is the same for all lengths; u^T contributes |u| / |u| = 1.
    drive[:, k] = -share * W[:, k] / size
    drive[k, k] += 1.0
    return drive / size
