"""Rung 2: eigenmodes, for a symmetric head that commutes with the feature matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import _checks
from ._solve import Status, integrate
from .flows import Norms, mode_arrays
from .setting import Setting


@dataclass(frozen=True)
class ModeTrajectory:
    r"""Eigenmodes over time.

    Attributes
    ----------
    setting : Setting
    t : array of shape (T,)
        Gradient-flow times.
    w, f : array of shape (T, h)
        Head and feature eigenvalues (dimensionless).
    status : Status
        ``"ok"``, ``"blow-up"`` or ``"singular"``, with the time at which the arrays end.

    Examples
    --------
    >>> run = L2Modes(Setting(sigma2=0.5, rho=0.05)).solve([0.3], [0.5], [0.0, 50.0])
    >>> bool(abs(run.balance[-1, 0] / run.balance[0, 0] - np.exp(-2 * 0.05 * 50)) < 1e-9)
    True
    """

    setting: Setting
    t: np.ndarray
    w: np.ndarray
    f: np.ndarray
    status: Status

    @property
    def norms(self):
        """The three norms of the cosine loss along the run, a :class:`Norms` of arrays of shape (T,).

        Examples
        --------
        >>> run = L2Modes(Setting(sigma2=0.0, rho=0.0)).solve([1.0], [1.0], [0.0, 1.0])
        >>> run.norms.phi
        array([1., 1.])
        """
        return Norms.of_modes(self.w, self.f, self.setting)

    @property
    def balance(self):
        r"""Imbalance :math:`c_j = f_j - w_j^2` along the run, shape (T, h); it decays as :math:`e^{-2 \rho t}`.

        Examples
        --------
        >>> run = L2Modes(Setting(sigma2=0.0, rho=0.0)).solve([1.0], [1.5], [0.0, 1.0])
        >>> run.balance.ravel().round(12)
        array([0.5, 0.5])
        """
        return self.f - self.w**2


class _Modes:
    """What the losses share: the flow that a drive makes, and solving it."""

    def __init__(self, setting):
        self.setting = _checks.instance("setting", setting, Setting, hint=", such as Setting(sigma2=0.5, rho=0.05)")

    def drive(self, w, f):
        """Drive G on each mode: what the loss alone adds to dw/dt.

        Parameters
        ----------
        w, f : array of shape (..., h)
            Head and feature eigenvalues (dimensionless), f >= 0.

        Returns
        -------
        array of shape (..., h)

        Raises
        ------
        TypeError, ValueError
            If `w` or `f` is not a finite real array, shapes differ, or some f < 0.

        Examples
        --------
        >>> L2Modes(Setting(sigma2=0.5, rho=0.05)).drive([0.5], [1.0])
        array([0.25])
        """
        return self._drive(*mode_arrays(w, f, self.setting))

    def velocity(self, w, f):
        r"""Velocities :math:`dw/dt = G - \rho w` and :math:`df/dt = 2 w G - 2 \rho f`.

        Parameters
        ----------
        w, f : array of shape (..., h)
            Head and feature eigenvalues (dimensionless), f >= 0.

        Returns
        -------
        tuple of two arrays of shape (..., h)

        Raises
        ------
        TypeError, ValueError
            If `w` or `f` is not a finite real array, shapes differ, or some f < 0.

        Examples
        --------
        >>> dw, df = L2Modes(Setting(sigma2=0.5, rho=0.1)).velocity([0.5], [1.0])
        >>> dw.round(12), df.round(12)
        (array([0.2]), array([0.05]))
        """
        w, f = mode_arrays(w, f, self.setting)
        G = self._drive(w, f)
        return G - self.setting.rho * w, 2 * w * G - 2 * self.setting.rho * f

    def solve(self, w0, f0, times):
        r"""Integrate all modes.

        The imbalance :math:`c_j = f_j - w_j^2` obeys :math:`c_j(t) = e^{-2 \rho t} c_j(0)` exactly, so only `w` is
        integrated, with f = w^2 + c; rounding then cannot move a mode off its curve. A mode without features
        (f = 0) keeps none.

        Parameters
        ----------
        w0, f0 : array of shape (h,)
            Eigenvalues at ``times[0]`` (dimensionless), f0 >= 0.
        times : array of shape (T,)
            Strictly increasing gradient-flow times.

        Returns
        -------
        ModeTrajectory

        Raises
        ------
        TypeError, ValueError
            If `w0` or `f0` is not a finite real array of shape (h,), some f0 < 0, or `times` are not sorted.

        Examples
        --------
        >>> run = L2Modes(Setting(sigma2=0.5, rho=0.05)).solve([0.3, -0.3], [0.09, 0.09], [0.0, 400.0])
        >>> abs(run.w[-1]).round(4)
        array([0.6122, 0.    ])
        """
        w0, f0 = mode_arrays(w0, f0, self.setting)
        if w0.ndim != 1:
            raise ValueError(f"w0: has shape {w0.shape}; expected shape (h,)")
        c0, dead, start = f0 - w0**2, f0 == 0, np.ravel(times)[0] if np.size(times) else 0.0

        def features(t, w):
            # f cannot be negative; w^2 + c can, by rounding, where features have died.
            return np.where(dead, 0.0, np.maximum(w**2 + c0 * np.exp(-2 * self.setting.rho * (t - start)), 0.0))

        def velocity(t, w):
            return self._drive(w, features(t, w)) - self.setting.rho * w

        t, w, status = integrate(velocity, w0, times)
        return ModeTrajectory(self.setting, t, w, features(t[:, None], w), status)


class L2Modes(_Modes):
    r"""L2 loss on eigenmodes.

    .. math::
        \frac{dw}{dt} = G - \rho w, \qquad \frac{df}{dt} = 2 w G - 2 \rho f, \qquad G = \tau b - w a ,

    with :math:`a = (\lambda + \sigma^2) f` and :math:`b = \lambda f`; for isotropic data :math:`G = f (\tau - s w)`.
    The modes do not act on each other.

    Parameters
    ----------
    setting : Setting
    target_ratio : float, optional
        Quasi-static ratio :math:`\tau \ge 0` of target to online features, 1 without a moving-average target.

    Raises
    ------
    TypeError, ValueError
        If `setting` is not a Setting, or `target_ratio` is negative or not finite.

    References
    ----------
    Tian, Chen and Ganguli, arXiv 2102.06810; Bao, arXiv 2309.16109, section 3. The anisotropic form is ours.

    Examples
    --------
    >>> modes = L2Modes(Setting(sigma2=0.5, rho=0.05))
    >>> modes.drive([0.5, 1.0], [1.0, 2.0])
    array([ 0.25, -1.  ])
    """

    def __init__(self, setting, target_ratio=1.0):
        super().__init__(setting)
        self.target_ratio = _checks.number("target_ratio", target_ratio, minimum=0)

    def _drive(self, w, f):
        return f * (self.target_ratio * self.setting.spectrum - self.setting.s * w)
