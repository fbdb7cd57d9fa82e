"""Rung 2 with two decays: eigenmodes whose head and features decay at rates of their own."""

from __future__ import annotations

import numpy as np

from . import _checks
from ._mode_trajectories import ModeTrajectory
from ._solve import integrate
from .modes import CosineModes, L2Modes
from .setting import mode_start


class UnequalDecays:
    r"""Eigenmodes whose head decays at another rate than the encoder.

    .. math::
        \dot w_j = G_j - \rho_W w_j , \qquad \dot f_j = 2 w_j G_j - 2 \rho_\Phi f_j ,

    with the drive of `modes` and the decay of its setting for :math:`\rho_\Phi`. The imbalance then follows no law, so
    both are integrated. Under the cosine loss each norm fades at its own rate, :math:`|w| \propto e^{-\rho_W t}` and
    :math:`\sum f \propto e^{-2 \rho_\Phi t}`: a run should not be longer than about 10 over the larger decay.

    Parameters
    ----------
    modes : L2Modes or CosineModes
    head_decay : float
        :math:`\rho_W \ge 0`.

    Raises
    ------
    TypeError, ValueError
        If `modes` is neither, or `head_decay` not a number >= 0.

    Examples
    --------
    >>> from ncl_lib import Setting
    >>> flow = UnequalDecays(L2Modes(Setting(sigma2=0.5, rho=0.1)), head_decay=0.5)
    >>> run = flow.solve([0.5], [2.0], [0.0, 400.0])
    >>> run.w[-1].round(3), run.f[-1].round(3)  # f = (0.5 / 0.1) w^2
    (array([0.544]), array([1.481]))
    """

    def __init__(self, modes, head_decay):
        self.modes = _checks.instance("modes", modes, (L2Modes, CosineModes))
        self.head_decay = _checks.number("head_decay", head_decay, minimum=0)

    def solve(self, w0, f0, times, tolerance=1e-9):
        """Integrate all modes.

        Parameters
        ----------
        w0, f0 : array of shape (h,)
            Eigenvalues at ``times[0]`` (dimensionless), f0 >= 0.
        times : array of shape (T,)
            Strictly increasing gradient-flow times.
        tolerance : float, optional
            Relative error of a step, between 1e-12 and 1e-2.

        Returns
        -------
        ModeTrajectory

        Raises
        ------
        TypeError, ValueError
            If `w0` or `f0` is not a finite real array of shape (h,), some f0 < 0, `times` are not sorted, or
            `tolerance` is out of bounds.

        Examples
        --------
        >>> from ncl_lib import Setting
        >>> flow = UnequalDecays(CosineModes(Setting(sigma2=0.5, rho=0.1)), head_decay=0.3)
        >>> run = flow.solve([0.5, 0.3], [0.4, 0.4], [0.0, 5.0])
        >>> bool(abs(np.linalg.norm(run.w[-1]) / np.linalg.norm(run.w[0]) / np.exp(-1.5) - 1) < 1e-6)
        True
        """
        setting = self.modes.setting
        w0, f0 = mode_start(w0, f0, setting)
        tolerance = _checks.tolerance(tolerance)

        def velocity(t, y):
            w, f = np.split(y, 2)
            G = self.modes._drive(w, np.maximum(f, 0.0))
            return np.concatenate([G - self.head_decay * w, 2 * w * G - 2 * setting.rho * f])

        t, y, status = integrate(velocity, np.concatenate([w0, f0]), times, stiff=True, tolerance=tolerance)
        w, f = np.split(y, 2, axis=1)
        return ModeTrajectory(setting, t, w, np.maximum(f, 0.0), status)
