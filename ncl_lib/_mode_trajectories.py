"""Eigenmodes over time."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ._solve import Status
from .clock import fade
from .flows import SixthOrderFlow
from .norms import Norms
from .regimes import classify, universal_coordinates
from .setting import Setting


@dataclass(frozen=True, eq=False)
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
    >>> from ncl_lib import L2Modes, Setting
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
        >>> from ncl_lib import L2Modes, Setting
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
        >>> from ncl_lib import L2Modes, Setting
        >>> run = L2Modes(Setting(sigma2=0.0, rho=0.0)).solve([1.0], [1.5], [0.0, 1.0])
        >>> run.balance.ravel().round(12)
        array([0.5, 0.5])
        """
        return self.f - self.w**2

    @property
    def alive(self):
        """Which modes have features above a thousandth of the largest, shape (T, h), boolean.

        Examples
        --------
        >>> from ncl_lib import L2Modes, Setting
        >>> L2Modes(Setting(sigma2=0.5, rho=0.1)).solve([0.5, 0.01], [0.5, 0.01], [0.0, 100.0]).alive[-1]
        array([ True, False])
        """
        return _alive(self.f)


@dataclass(frozen=True, eq=False)
class CosineModeTrajectory(ModeTrajectory):
    r"""Eigenmodes over time under the cosine loss, with their shape on the clock of weight decay.

    Attributes
    ----------
    setting, t, w, f, status
        As for :class:`ModeTrajectory`.
    tau : array of shape (T,)
        Clock :math:`\tau = (e^{2 \rho t} - 1) / (2 \rho)`, from the first time.
    shape_w, shape_f : array of shape (T, h)
        Weights with the decay taken out, :math:`e^{\rho t} w` and :math:`e^{2 \rho t} f`.

    Examples
    --------
    >>> from ncl_lib import CosineModes, Setting
    >>> run = CosineModes(Setting(sigma2=0.5, rho=10.0)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 3.0])
    >>> bool(run.w[-1].max() < 1e-12), run.shape_w[-1].round(3)
    (True, array([0.412, 0.412]))
    """

    tau: np.ndarray = None
    shape_w: np.ndarray = None
    shape_f: np.ndarray = None

    @property
    def alive(self):
        """Which modes have features above a thousandth of the largest, shape (T, h), boolean.

        Examples
        --------
        >>> from ncl_lib import CosineModes, Setting
        >>> CosineModes(Setting(sigma2=0.5, rho=0.1)).solve([0.5, -0.5], [0.5, 0.1], [0.0, 100.0]).alive[-1]
        array([ True, False])
        """
        return _alive(self.shape_f)

    @property
    def _shape_norms(self):
        return Norms.of_modes(self.shape_w, self.shape_f, self.setting)

    @property
    def fade(self):
        r"""What decay has left of the weights, :math:`e^{-\rho (t - t_0)}`, shape (T,).

        Examples
        --------
        >>> from ncl_lib import CosineModes, Setting
        >>> run = CosineModes(Setting(sigma2=0.5, rho=1.0)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 2.0])
        >>> run.fade.round(4)
        array([1.    , 0.1353])
        """
        return fade(self.t, self.setting.rho)

    @property
    def norms(self):
        """The three norms of the cosine loss along the run, a :class:`Norms` of arrays of shape (T,).

        From the shape, so that they keep their digits where weights are too small to be squared.

        Examples
        --------
        >>> from ncl_lib import CosineModes, Setting
        >>> run = CosineModes(Setting(sigma2=0.5, rho=1.0)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 2.0])
        >>> bool(np.allclose(run.norms.phi, run.norms.phi[0] * run.fade))
        True
        """
        shape = self._shape_norms
        return Norms(shape.phi * self.fade, shape.psi * self.fade**2, shape.cross * self.fade**3)

    def frozen(self):
        """Sixth-order flows with the norms of each moment, for the *shape* of the modes, a list of length T.

        The flow of the weights themselves is the same in units of :attr:`fade`; see :attr:`regimes`.

        Examples
        --------
        >>> from ncl_lib import CosineModes, Setting
        >>> run = CosineModes(Setting(sigma2=0.5, rho=1.0)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 300.0])
        >>> [len(flow.equilibria()) for flow in run.frozen()]
        [2, 4]
        """
        shape = self._shape_norms
        # As weights shrink by a factor, decay counts by its square less.
        return [
            SixthOrderFlow(dataclasses.replace(self.setting, rho=rho), Norms(*map(float, triple)))
            for rho, *triple in zip(self.setting.rho * self.fade**2, shape.phi, shape.psi, shape.cross, strict=True)
        ]

    @property
    def regimes(self):
        """Regime of each mode in the sixth-order flow with the norms of that moment, shape (T, h).

        Examples
        --------
        >>> from ncl_lib import CosineModes, Setting
        >>> run = CosineModes(Setting(sigma2=0.5, rho=1.0)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 3.0])
        >>> [[regime.name for regime in row] for row in run.regimes]
        [['COLLAPSE', 'COLLAPSE'], ['STABLE', 'STABLE']]
        """
        shape = self._shape_norms
        scaled, beta, ratio = universal_coordinates(self.shape_w, shape, self.setting)
        return classify(scaled, beta[:, None], (ratio * self.fade**2)[:, None])


def _alive(f):
    """Sizes of features above a thousandth of the largest of their time."""
    return f > 1e-3 * np.max(f, axis=-1, keepdims=True)
