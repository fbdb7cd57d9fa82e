"""The three norms that the cosine loss sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import _checks
from .setting import Setting, mode_arrays


@dataclass(frozen=True, eq=False)
class Norms:
    r"""The three norms that the cosine loss sees.

    .. math::
        N_\Phi = \sqrt{\operatorname{tr}\operatorname{Cov}(v)}, \quad
        N_\Psi = \sqrt{\operatorname{tr}\operatorname{Cov}(W u)}, \quad
        N_\times = \operatorname{tr}(W \operatorname{Cov}(u, v)) .

    For isotropic data these are :math:`\sqrt{s}\,|\Phi|_F`, :math:`\sqrt{s}\,|W\Phi|_F` and
    :math:`\operatorname{tr}(\Phi^\top W \Phi)`.

    Attributes
    ----------
    phi, psi, cross : float or array
        :math:`N_\Phi`, :math:`N_\Psi`, :math:`N_\times` (dimensionless); arrays along a trajectory.

    References
    ----------
    Bao, arXiv 2309.16109, section 4.

    Examples
    --------
    >>> Norms.of_modes([1.0, 2.0], [1.0, 4.0], Setting(sigma2=0.0, rho=0.0)).cross
    9.0
    """

    phi: float | np.ndarray
    psi: float | np.ndarray
    cross: float | np.ndarray

    def __eq__(self, other):
        if not isinstance(other, Norms):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in ("phi", "psi", "cross"))

    def __hash__(self):
        return hash(tuple(np.asarray(norm, dtype=float).tobytes() for norm in (self.phi, self.psi, self.cross)))

    @classmethod
    def of_modes(cls, w, f, setting):
        r"""Norms of eigenmodes: :math:`N_\Phi^2 = \sum a`, :math:`N_\Psi^2 = \sum w^2 a`, :math:`N_\times = \sum w b`.

        Here :math:`a = (\lambda + \sigma^2) f` and :math:`b = \lambda f`.

        Parameters
        ----------
        w, f : array of shape (..., h)
            Head and feature eigenvalues (dimensionless).
        setting : Setting

        Returns
        -------
        Norms
            With entries of shape (...).

        Raises
        ------
        TypeError, ValueError
            If `w` or `f` is not a finite real array, shapes differ, or some f < 0.

        Examples
        --------
        >>> Norms.of_modes([1.0], [4.0], Setting(sigma2=0.0, rho=0.0)).phi
        2.0
        """
        w, f = mode_arrays(w, f, setting)
        return cls(*map(_checks.plain, norms_of_modes(w, setting.s * f, setting.spectrum * f)))

    @classmethod
    def of_matrices(cls, W, F, setting):
        r"""Norms of matrices, for isotropic data.

        .. math:: N_\Phi^2 = s \operatorname{tr} F, \quad N_\Psi^2 = s \operatorname{tr}(W F W^\top), \quad
            N_\times = \lambda \operatorname{tr}(W F)

        Parameters
        ----------
        W, F : array of shape (..., h, h)
            Head and feature matrix (dimensionless).
        setting : Setting
            With one eigenvalue `spectrum`.

        Returns
        -------
        Norms
            With entries of shape (...).

        Raises
        ------
        TypeError, ValueError
            If a matrix is not square, shapes differ, F is not symmetric positive semi-definite, or the data are not
            isotropic.

        Examples
        --------
        >>> Norms.of_matrices([[0.5]], [[4.0]], Setting(sigma2=0.0, rho=0.0)).psi
        1.0
        """
        signal = _checks.instance("setting", setting, Setting).isotropic("Norms.of_matrices")
        W, F = _checks.matrix("W", W), _checks.feature_matrix("F", F)
        _checks.same_shape(W=W, F=F)
        phi = np.sqrt(setting.s * np.trace(F, axis1=-2, axis2=-1))
        # In units of the entries, whose squares may underflow. Rounding may leave dead features a hair below 0.
        unit_w, unit_f = (np.maximum(np.max(np.abs(M), axis=(-2, -1), keepdims=True), 1e-300) for M in (W, F))
        squares = np.einsum("...ij,...jk,...ik->...", W / unit_w, F / unit_f, W / unit_w)
        psi = (unit_w * np.sqrt(setting.s * unit_f))[..., 0, 0] * np.sqrt(np.maximum(squares, 0))
        return cls(_checks.plain(phi), _checks.plain(psi), _checks.plain(signal * np.einsum("...ij,...ji->...", W, F)))


def norms_of_modes(w, a, b):
    """The three norms of modes that have been checked, from their variances and covariances."""
    # In units of the largest, whose squares may underflow.
    unit_w, unit_a = (np.maximum(np.max(np.abs(x), axis=-1, keepdims=True), 1e-300) for x in (w, a))
    psi = (unit_w * np.sqrt(unit_a))[..., 0] * np.sqrt(np.sum((w / unit_w) ** 2 * (a / unit_a), axis=-1))
    return np.sqrt(a.sum(axis=-1)), psi, (w * b).sum(axis=-1)
