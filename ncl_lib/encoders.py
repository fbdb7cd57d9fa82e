"""Between rungs 3 and 4: encoder and head in the population limit, for data of any spectrum and any alignment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import _checks, diagnostics
from ._solve import Status, integrate
from .network import LinearNetwork
from .setting import Setting


@dataclass(frozen=True, eq=False)
class EncoderTrajectory:
    r"""Encoder and head over time.

    Attributes
    ----------
    setting : Setting
    t : array of shape (T,)
        Gradient-flow times.
    Phi : array of shape (T, h, d)
        Encoder (dimensionless).
    W : array of shape (T, h, h)
        Head (dimensionless).
    status : Status
        ``"ok"`` or ``"blow-up"``, ``"stalled"`` or ``"interrupted"``, with the time at which the arrays end.

    Examples
    --------
    >>> start = LinearNetwork(np.eye(1, 2), [[0.6]])
    >>> run = L2Encoders(Setting(sigma2=0.5, rho=0.05)).solve(start, [0.0, 400.0])
    >>> run.W[-1].round(4), run.F[-1].round(4)
    (array([[0.6122]]), array([[0.3748]]))
    """

    setting: Setting
    t: np.ndarray
    Phi: np.ndarray
    W: np.ndarray
    status: Status

    @property
    def F(self):
        r"""Feature matrix :math:`\Phi \Phi^\top` along the run, shape (T, h, h).

        Examples
        --------
        >>> start = LinearNetwork(np.eye(1, 2), [[0.6]])
        >>> L2Encoders(Setting(sigma2=0.5, rho=0.05)).solve(start, [0.0, 1.0]).F[0]
        array([[1.]])
        """
        return self.Phi @ self.Phi.mT

    @property
    def balance(self):
        r"""Imbalance :math:`F - W^\top W` along the run, shape (T, h, h).

        Examples
        --------
        >>> start = LinearNetwork(np.eye(1, 2), [[0.5]])
        >>> L2Encoders(Setting(sigma2=0.5, rho=0.05)).solve(start, [0.0, 1.0]).balance[0]
        array([[0.75]])
        """
        return diagnostics.balance(self.W, self.F)

    def directions(self, least=0.02):
        """How much of each direction of the data lies in the span of the encoder's rows in the end, shape (d,).

        Rows shorter than `least` of the longest singular value do not count.

        Examples
        --------
        >>> start = LinearNetwork(np.eye(1, 2), [[0.6]])
        >>> L2Encoders(Setting(sigma2=0.5, rho=0.05)).solve(start, [0.0, 1.0]).directions().round(9)
        array([1., 0.])
        """
        least = _checks.number("least", least, minimum=0)
        _, sizes, rows = np.linalg.svd(self.Phi[-1], full_matrices=False)
        return np.sum(rows[sizes > least * sizes[0]] ** 2, axis=0)


class L2Encoders:
    r"""Gradient flow of encoder and head under the L2 loss, as long as the views have the moments of the setting.

    .. math::
        \dot\Phi = W^\top M - \rho \Phi , \qquad \dot W = M \Phi^\top - \rho_W W , \qquad
        M = \Phi_t \Lambda - W \Phi (\Lambda + \sigma^2 I) ,

    with :math:`\Lambda` the covariance of the data and :math:`\Phi_t = \Phi`, or its moving average,
    :math:`\dot\Phi_t = \gamma (\Phi - \Phi_t)`. Exact for every distribution with these second moments.

    Parameters
    ----------
    setting : Setting
        `spectrum` may be one number or one for each of the d input coordinates; `rho` is the decay of the encoder.
    head_decay : float, optional
        :math:`\rho_W \ge 0`; by default that of the encoder.
    target_rate : float, optional
        :math:`\gamma > 0`, in units of 1 / gradient-flow time; by default the target is the encoder itself.

    Raises
    ------
    TypeError, ValueError
        If `setting` is not a Setting, or a number is out of bounds.

    References
    ----------
    Tian, Chen and Ganguli, arXiv 2102.06810, section 3, for the flow.

    Examples
    --------
    >>> flow = L2Encoders(Setting(sigma2=0.5, rho=0.1, spectrum=[1.0, 2.0]))
    >>> [part.shape for part in flow.velocity(np.eye(1, 2), [[0.5]])]
    [(1, 2), (1, 1)]
    """

    def __init__(self, setting, head_decay=None, target_rate=None):
        self.setting = _checks.instance("setting", setting, Setting)
        self.head_decay = setting.rho if head_decay is None else _checks.number("head_decay", head_decay, minimum=0)
        self.target_rate = None if target_rate is None else _checks.number("target_rate", target_rate, above=0)

    def velocity(self, Phi, W, target=None):
        """Velocities of encoder and head.

        Parameters
        ----------
        Phi : array of shape (h, d)
        W : array of shape (h, h)
        target : array of shape (h, d), optional
            Moving average of the encoder; by default the encoder.

        Returns
        -------
        dPhi : array of shape (h, d)
        dW : array of shape (h, h)

        Raises
        ------
        TypeError, ValueError
            If an array is not finite and real, or shapes do not fit.

        Examples
        --------
        >>> L2Encoders(Setting(sigma2=0.5, rho=0.0)).velocity([[1.0]], [[0.0]])
        (array([[0.]]), array([[1.]]))
        """
        network = LinearNetwork(Phi, W)
        self.setting.fits_inputs(network.Phi.shape[1])
        target = network.Phi if target is None else _checks.array("target", target, ndim=2)
        _checks.same_shape(Phi=network.Phi, target=target)
        return self._velocity(network.Phi, network.W, target)

    def _velocity(self, Phi, W, target):
        setting = self.setting
        M = target * setting.spectrum - W @ (Phi * setting.s)
        return W.T @ M - setting.rho * Phi, M @ Phi.T - self.head_decay * W

    def solve(self, start, times, tolerance=1e-9):
        """Integrate encoder and head; a moving average starts at the encoder.

        Parameters
        ----------
        start : LinearNetwork
            Encoder and head at ``times[0]``.
        times : array of shape (T,)
            Strictly increasing gradient-flow times.
        tolerance : float, optional
            Relative error of a step, between 1e-12 and 1e-2.

        Returns
        -------
        EncoderTrajectory

        Raises
        ------
        TypeError, ValueError
            If `start` is not a LinearNetwork or does not fit the spectrum, `times` are not sorted, or `tolerance` is
            out of bounds.

        Examples
        --------
        >>> start = LinearNetwork([[0.8, 0.01]], [[0.6]])
        >>> run = L2Encoders(Setting(sigma2=0.5, rho=0.0, spectrum=[1.0, 2.0])).solve(start, [0.0, 100.0])
        >>> bool(abs(run.W[-1, 0, 0] - 0.8) < 1e-3)  # the gain of the stronger direction
        True
        """
        network, tolerance = _checks.instance("start", start, LinearNetwork), _checks.tolerance(tolerance)
        shape, n = network.Phi.shape, network.Phi.size
        self.setting.fits_inputs(shape[1])
        averaged = self.target_rate is not None

        def parts(y):
            Phi, W = y[:n].reshape(shape), y[n : n + shape[0] ** 2].reshape(shape[0], shape[0])
            return Phi, W, y[-n:].reshape(shape) if averaged else Phi

        def velocity(t, y):
            Phi, W, target = parts(y)
            moves = self._velocity(Phi, W, target)
            if averaged:
                moves += (self.target_rate * (Phi - target),)
            return np.concatenate([move.ravel() for move in moves])

        y0 = [network.Phi, network.W, *([network.Phi] if averaged else [])]
        y0 = np.concatenate([part.ravel() for part in y0])
        t, y, status = integrate(velocity, y0, times, name="start", stiff=True, tolerance=tolerance)
        Phi, W = (np.array(column) for column in zip(*(parts(row)[:2] for row in y), strict=True))
        return EncoderTrajectory(self.setting, t, Phi, W, status)
