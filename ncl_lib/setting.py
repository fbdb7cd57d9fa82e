"""The setting every rung of the ladder shares: how noisy the views are, and how strong weight decay is."""

from __future__ import annotations

import numbers
from dataclasses import dataclass

import numpy as np

from . import _checks


@dataclass(frozen=True, eq=False)
class Setting:
    r"""Gaussian data, Gaussian augmentation, and weight decay.

    A datum is :math:`x_0 \sim N(0, \Lambda)`; its two views are :math:`x = x_0 + \varepsilon` and
    :math:`x' = x_0 + \varepsilon'` with independent :math:`\varepsilon, \varepsilon' \sim N(0, \sigma^2 I)`. Then

    .. math:: \operatorname{Cov}(x) = \Lambda + \sigma^2 I, \qquad \operatorname{Cov}(x, x') = \Lambda .

    Parameters
    ----------
    sigma2 : float
        Variance :math:`\sigma^2 \ge 0` of the augmentation noise (dimensionless).
    rho : float
        Weight decay :math:`\rho \ge 0` on both matrices, one over gradient-flow time.
    spectrum : float or array of shape (h,), optional
        Eigenvalues :math:`\lambda_k \ge 0` of the data covariance along the modes. The paper's isotropic data is 1.

    Attributes
    ----------
    s : float or array of shape (h,)
        Variance of a view along each mode, ``spectrum + sigma2``; ``1 + sigma2`` for isotropic data.

    Raises
    ------
    TypeError
        If an argument is not made of real numbers.
    ValueError
        If one is negative, nan or infinite, or if a view would have no variance at all.

    References
    ----------
    Bao, arXiv 2309.16109, section 3 (isotropic case).

    Examples
    --------
    >>> setting = Setting(sigma2=0.5, rho=0.05)
    >>> setting.s
    1.5
    """

    sigma2: float
    rho: float
    spectrum: float | np.ndarray = 1.0

    def __post_init__(self):
        hint = "; a variance cannot be negative"
        object.__setattr__(self, "sigma2", _checks.number("sigma2", self.sigma2, minimum=0, hint=hint))
        hint = "; weight decay cannot be negative"
        object.__setattr__(self, "rho", _checks.number("rho", self.rho, minimum=0, hint=hint))
        if isinstance(self.spectrum, (numbers.Number, str, type(None))) or np.ndim(self.spectrum) == 0:
            spectrum = _checks.number("spectrum", self.spectrum, minimum=0)
        else:
            spectrum = _checks.array("spectrum", self.spectrum, ndim=1, nonnegative=True)
            spectrum.flags.writeable = False
        object.__setattr__(self, "spectrum", spectrum)
        if np.any(self.s == 0):
            raise ValueError("spectrum and sigma2: a view must vary; spectrum + sigma2 must be > 0 in every direction")

    @property
    def s(self):
        """Variance of a view along each mode, ``spectrum + sigma2`` (dimensionless).

        Examples
        --------
        >>> Setting(sigma2=0.25, rho=0.0).s
        1.25
        """
        return self.spectrum + self.sigma2

    def __eq__(self, other):
        if not isinstance(other, Setting):
            return NotImplemented
        return (self.sigma2, self.rho) == (other.sigma2, other.rho) and np.array_equal(self.spectrum, other.spectrum)

    def __hash__(self):
        return hash((self.sigma2, self.rho, np.asarray(self.spectrum).tobytes()))

    def isotropic(self, who):
        """Return the spectrum as one number, or raise on behalf of `who`, which has no law for several."""
        if np.ndim(self.spectrum) != 0:
            raise ValueError(
                f"spectrum: {who} needs one eigenvalue, got {np.size(self.spectrum)}; pass spectrum=<a single number>"
            )
        return self.spectrum

    def fits_inputs(self, d):
        """Raise unless the spectrum is one number, or one for each of d input coordinates."""
        if np.ndim(self.spectrum) and np.size(self.spectrum) != d:
            raise ValueError(f"setting.spectrum has {np.size(self.spectrum)} entries; one number or d={d} are needed")


def mode_start(w0, f0, setting):
    """Return a start of modes checked: as :func:`mode_arrays`, of shape (h,)."""
    w0, f0 = mode_arrays(w0, f0, setting)
    if w0.ndim != 1:
        raise ValueError(f"w0: has shape {w0.shape}; expected shape (h,)")
    return w0, f0


def mode_arrays(w, f, setting):
    """Return `w` and `f` checked: finite, of one shape (..., h), f >= 0, h that of the spectrum."""
    _checks.instance("setting", setting, Setting)
    w, f = _checks.array("w", w), _checks.array("f", f, nonnegative=True)
    if w.ndim == 0:
        raise ValueError("w: is a single number; expected shape (h,), so write [w] for one mode")
    _checks.same_shape(w=w, f=f)
    if np.ndim(setting.spectrum) and w.shape[-1] != np.size(setting.spectrum):
        raise ValueError(
            f"w has {w.shape[-1]} modes and setting.spectrum has {np.size(setting.spectrum)}; they must be equal"
        )
    return w, f
