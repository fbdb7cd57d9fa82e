"""What to look at during training. Each function takes one matrix or a stack of them, and stacks its answers."""

from __future__ import annotations

import enum
from typing import NamedTuple

import numpy as np

from . import _checks


class CollapseKind(enum.Enum):
    """The three ways features can end.

    References
    ----------
    Jing, Vincent, LeCun and Tian, arXiv 2110.09348, for dimensional collapse.

    Examples
    --------
    >>> CollapseKind.DIMENSIONAL.value
    'dimensional'
    """

    NONE = "none"  #: every direction of feature space carries variance
    DIMENSIONAL = "dimensional"  #: some directions carry none
    COMPLETE = "complete"  #: no direction carries any: all inputs map to one point


def balance(W, F):
    r"""Imbalance of head and encoder, :math:`F - W^\top W`; under gradient flow it decays as :math:`e^{-2 \rho t}`.

    Parameters
    ----------
    W, F : array of shape (..., h, h)
        Head, and symmetric positive semi-definite feature matrix (dimensionless).

    Returns
    -------
    array of shape (..., h, h)

    Raises
    ------
    TypeError, ValueError
        If a matrix is not square, shapes differ, or F is not symmetric positive semi-definite.

    References
    ----------
    Tian, Chen and Ganguli, arXiv 2102.06810, theorem 1, for the law.

    Examples
    --------
    >>> balance([[2.0]], [[5.0]])
    array([[1.]])
    """
    W, F = _checks.matrix("W", W), _checks.feature_matrix("F", F)
    _checks.same_shape(W=W, F=F)
    return F - np.swapaxes(W, -1, -2) @ W


def commutator(W, F):
    r"""Relative commutator :math:`|W F - F W|_F / (|W|_F |F|_F)`, between 0 and sqrt 2.

    It is 0 if and only if the two commute; with W symmetric, they then share an eigenbasis.

    Parameters
    ----------
    W, F : array of shape (..., h, h)
        Head, and symmetric positive semi-definite feature matrix (dimensionless).

    Returns
    -------
    float or array of shape (...)

    Raises
    ------
    TypeError, ValueError
        If a matrix is not square, is 0, shapes differ, or F is not symmetric positive semi-definite.

    Examples
    --------
    >>> round(commutator([[1.0, 0.0], [0.0, -1.0]], [[1.0, 1.0], [1.0, 1.0]]), 9)
    1.0
    """
    W, F = _checks.matrix("W", W), _checks.feature_matrix("F", F)
    _checks.same_shape(W=W, F=F)
    W, F = W / _nonzero("W", W)[..., None, None], F / _nonzero("F", F)[..., None, None]
    return _checks.plain(_frobenius(W @ F - F @ W))


def asymmetry(W):
    r"""Relative asymmetry :math:`|W - W^\top|_F / (2 |W|_F)`: 0 for symmetric, 1 for antisymmetric matrices.

    Parameters
    ----------
    W : array of shape (..., h, h)
        Head (dimensionless).

    Returns
    -------
    float or array of shape (...)

    Raises
    ------
    TypeError, ValueError
        If W is not square or is 0.

    Examples
    --------
    >>> asymmetry([[0.0, 1.0], [-1.0, 0.0]])
    1.0
    """
    W = _checks.matrix("W", W)
    return _checks.plain(_frobenius(W - np.swapaxes(W, -1, -2)) / (2 * _nonzero("W", W)))


def participation_ratio(F):
    r"""Participation ratio :math:`(\operatorname{tr} F)^2 / \operatorname{tr} F^2`: the effective rank of the features.

    It is h when all eigenvalues are equal and 1 when one of them holds everything.

    Parameters
    ----------
    F : array of shape (..., h, h)
        Symmetric positive semi-definite feature matrix (dimensionless).

    Returns
    -------
    float or array of shape (...)

    Raises
    ------
    TypeError, ValueError
        If F is not a symmetric positive semi-definite matrix, or is 0.

    Examples
    --------
    >>> participation_ratio([[2.0, 0.0], [0.0, 2.0]])
    2.0
    """
    F = _checks.feature_matrix("F", F)
    # Scaled first, so that features of size 1e-200 do not square to 0.
    F = F / _nonzero("F", F)[..., None, None]
    return _checks.plain(np.trace(F, axis1=-2, axis2=-1) ** 2 / np.sum(F * F, axis=(-2, -1)))


def norm_spread(F):
    r"""Coefficient of variation of :math:`|v|^2` for Gaussian features: :math:`\sqrt{2 / \mathrm{PR}(F)}`.

    For :math:`v \sim N(0, s F)`,
    :math:`\operatorname{Var}(|v|^2) / (E |v|^2)^2 = 2 \operatorname{tr} F^2 / (\operatorname{tr} F)^2` exactly: norms
    concentrate when the effective rank is large.

    Parameters
    ----------
    F : array of shape (..., h, h)
        Symmetric positive semi-definite feature matrix (dimensionless).

    Returns
    -------
    float or array of shape (...)

    Raises
    ------
    TypeError, ValueError
        If F is not a symmetric positive semi-definite matrix, or is 0.

    Examples
    --------
    >>> norm_spread(np.eye(8))
    0.5
    """
    return _checks.plain(np.sqrt(2 / participation_ratio(F)))


def eigenmodes(W, F, basis=None):
    r"""Read eigenmodes off matrices: :math:`w_j = e_j^\top W e_j` and :math:`f_j = e_j^\top F e_j`.

    Unless they are given, the :math:`e_j` are the eigenvectors of F in ascending order of eigenvalue; for a stack,
    those of its last F, so that a mode keeps its name along a trajectory.

    Parameters
    ----------
    W, F : array of shape (h, h) or (T, h, h)
        Head, and symmetric positive semi-definite feature matrix (dimensionless).
    basis : array of shape (h, h), optional
        Orthogonal matrix whose columns are the :math:`e_j`, for instance the eigenvectors at the start.

    Returns
    -------
    w, f : arrays of shape (h,) or (T, h)

    Raises
    ------
    TypeError, ValueError
        If a matrix is not square, shapes differ, F is not symmetric positive semi-definite, or `basis` not orthogonal.

    Notes
    -----
    The modes tell the whole story only as far as :func:`commutator` and :func:`asymmetry` are small.

    Examples
    --------
    >>> eigenmodes([[0.5, 0.0], [0.0, 0.2]], [[3.0, 0.0], [0.0, 1.0]])
    (array([0.2, 0.5]), array([1., 3.]))
    >>> eigenmodes([[0.5, 0.0], [0.0, 0.2]], [[3.0, 0.0], [0.0, 1.0]], basis=np.eye(2))
    (array([0.5, 0.2]), array([3., 1.]))
    """
    W, F = _checks.matrix("W", W), _checks.feature_matrix("F", F)
    _checks.same_shape(W=W, F=F)
    if basis is None:
        _, Q = np.linalg.eigh(F if F.ndim == 2 else F[-1])
    else:
        Q = _checks.one_matrix("basis", _checks.matrix("basis", basis))
        if Q.shape != F.shape[-2:]:
            raise ValueError(f"basis: has shape {Q.shape}; expected {F.shape[-2:]}")
        if np.abs(Q.T @ Q - np.eye(len(Q))).max() > 1e-8:
            raise ValueError("basis: is not orthogonal; its columns must have length 1 and be at right angles")
    return np.einsum("ij,...ik,kj->...j", Q, W, Q), np.einsum("ij,...ik,kj->...j", Q, F, Q)


def relative_error(value, reference):
    r"""Distance of two arrays over the size of the second, :math:`|x - x_0| / |x_0|` (dimensionless).

    Parameters
    ----------
    value, reference : array of one shape
        The reference is not 0.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If an array is not finite and real, shapes differ, or the reference is 0.

    Examples
    --------
    >>> relative_error([3.0, 4.5], [3.0, 4.0])
    0.1
    """
    value, reference = _checks.array("value", value), _checks.array("reference", reference)
    _checks.same_shape(value=value, reference=reference)
    size = np.max(np.abs(reference))
    if size == 0:
        raise ValueError("reference: is 0; a relative error needs one that is not")
    return float(np.linalg.norm((value - reference) / size) / np.linalg.norm(reference / size))


class Violations(NamedTuple):
    """How far a run is from the three laws of gradient flow with one decay, at each of its times; 0 is as they say.

    Attributes
    ----------
    head, encoder : array of shape (T,)
        Norm of the head, and of the encoder, over its start times the fading of decay, minus 1. A law only for losses
        that are blind to scale.
    balance : array of shape (T,)
        Size of the imbalance less its start times the fading, over the size of the start (of F, if that is balanced).

    Examples
    --------
    >>> Violations(np.zeros(2), np.zeros(2), np.zeros(2)).largest
    0.0
    """

    head: np.ndarray
    encoder: np.ndarray
    balance: np.ndarray

    @property
    def largest(self):
        """Largest size of all.

        Examples
        --------
        >>> Violations(np.array([0.0, -0.5]), np.zeros(2), np.zeros(2)).largest
        0.5
        """
        return float(np.max(np.abs(np.array(self))))


def violations(run):
    r"""Measure a run against the laws of gradient flow.

    .. math::
        |W|_F = e^{-\rho t} |W(0)|_F , \qquad |\Phi|_F = e^{-\rho t} |\Phi(0)|_F , \qquad
        F - W^\top W = e^{-2 \rho t} (F - W^\top W)(0)

    Parameters
    ----------
    run : Run, DeepRun, MatrixTrajectory
        Anything with times `t`, heads `W`, feature matrices `F` and the decay, `rho` or ``setting.rho``.

    Returns
    -------
    Violations

    Raises
    ------
    TypeError
        If `run` has not got these.

    References
    ----------
    Tian, Chen and Ganguli, arXiv 2102.06810, for the law of the imbalance.

    Examples
    --------
    >>> from ncl_lib import CosineMatrices, Setting
    >>> run = CosineMatrices(Setting(sigma2=0.5, rho=0.3)).solve([[1.0, 0.2], [0.1, 0.5]], np.eye(2), [0.0, 2.0])
    >>> bool(violations(run).largest < 1e-8)
    True
    """
    if not all(hasattr(run, name) for name in ("t", "W", "F")):
        raise TypeError(f"run={run!r}: expected a run with t, W and F")
    rho = run.setting.rho if hasattr(run, "setting") else run.rho
    fade = np.exp(-rho * run.t)
    lengths = _frobenius(run.W), np.sqrt(np.trace(run.F, axis1=-2, axis2=-1))
    imbalance = run.F - run.W.mT @ run.W
    start = _frobenius(imbalance[0]) or _frobenius(run.F[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        head, encoder = (length / (fade * length[0]) - 1 for length in lengths)
        moved = _frobenius(imbalance - fade[:, None, None] ** 2 * imbalance[0]) / start
    return Violations(head, encoder, moved)


def collapse(F, reference=1.0, tolerance=1e-6):
    r"""Tell no, dimensional and complete collapse apart.

    Complete: every eigenvalue of F is below ``tolerance * reference``. Dimensional: not that, but some eigenvalue is
    below `tolerance` times the largest.

    Parameters
    ----------
    F : array of shape (h, h)
        Symmetric positive semi-definite feature matrix (dimensionless).
    reference : float, optional
        Size of a healthy eigenvalue. Weights have a scale of their own under the L2 loss, where 1 will do; under a
        scale-invariant loss pass the largest eigenvalue itself, since size says nothing there.
    tolerance : float, optional

    Returns
    -------
    CollapseKind

    Raises
    ------
    TypeError, ValueError
        If F is not one symmetric positive semi-definite matrix, or a number is not positive.

    Examples
    --------
    >>> collapse([[1.0, 0.0], [0.0, 1e-9]]).name
    'DIMENSIONAL'
    """
    F = _checks.one_matrix("F", _checks.feature_matrix("F", F))
    reference = _checks.number("reference", reference, above=0)
    tolerance = _checks.number("tolerance", tolerance, above=0)
    eigenvalues = np.linalg.eigvalsh(F)
    if eigenvalues[-1] < tolerance * reference:
        return CollapseKind.COMPLETE
    return CollapseKind.DIMENSIONAL if eigenvalues[0] < tolerance * eigenvalues[-1] else CollapseKind.NONE


def _frobenius(M):
    # In units of the largest entry, or the squares of small ones would underflow.
    size = np.max(np.abs(M), axis=(-2, -1))
    unit = np.where(size > 0, size, 1.0)
    return unit * np.linalg.norm(M / unit[..., None, None], axis=(-2, -1))


def _nonzero(name, M):
    """Frobenius norm of `M`, or raise: a relative measure of 0 is undefined."""
    norm = _frobenius(M)
    if np.any(norm == 0):
        raise ValueError(f"{name}: is 0; a relative measure needs a matrix that is not")
    return norm
