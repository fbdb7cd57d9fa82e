"""Rung 1: one eigenmode on the invariant parabola, a flow on a line."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq

from . import _checks
from ._line import Equilibrium, LineFlow
from .norms import Norms
from .regimes import FOLD_TOLERANCE, Regime, classify, critical_ratio, fold_point, universal
from .setting import Setting


class ThirdOrderFlow(LineFlow):
    r"""L2 loss, one eigenmode on the parabola :math:`f = w^2`: a cubic flow.

    .. math:: \frac{dw}{dt} = \chi \lambda w^2 - s w^3 - \rho w, \qquad s = \lambda + \sigma^2 .

    The paper's case is :math:`\lambda = \chi = 1`. Besides 0 it has the equilibria
    :math:`w_\mp = (\chi \lambda \mp \sqrt{\chi^2 \lambda^2 - 4 \rho s}) / (2 s)` as long as
    :math:`\rho \le \rho_c = \chi^2 \lambda^2 / (4 s)`.

    Parameters
    ----------
    setting : Setting
        With one eigenvalue `spectrum`.
    target_ratio : float, optional
        Quasi-static ratio :math:`\chi \ge 0` of target to online features, 1 without a moving-average target.

    Raises
    ------
    TypeError, ValueError
        If `setting` is not a Setting with one eigenvalue, or `target_ratio` is negative or not finite.

    References
    ----------
    Bao, arXiv 2309.16109, section 3; Tian, Chen and Ganguli, arXiv 2102.06810, for `target_ratio`.

    Examples
    --------
    >>> flow = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.05))
    >>> [(round(e.w, 7), e.kind) for e in flow.equilibria()]
    [(0.0, 'stable'), (0.0544467, 'unstable'), (0.61222, 'stable')]
    """

    def __init__(self, setting, target_ratio=1.0):
        self.setting = _checks.instance("setting", setting, Setting, hint=", such as Setting(sigma2=0.5, rho=0.05)")
        self.target_ratio = _checks.number("target_ratio", target_ratio, minimum=0)
        self.gain = self.target_ratio * setting.isotropic("ThirdOrderFlow")

    def __repr__(self):
        return f"ThirdOrderFlow({self.setting!r}, target_ratio={self.target_ratio!r})"

    def _velocity(self, w):
        return w * (w * (self.gain - self.setting.s * w) - self.setting.rho)

    def _jacobian(self, w):
        return 2 * self.gain * w - 3 * self.setting.s * w**2 - self.setting.rho

    def critical_decay(self):
        r"""Weight decay :math:`\rho_c = \chi^2 \lambda^2 / (4 s)` beyond which no positive equilibrium exists.

        Returns
        -------
        float
            One over gradient-flow time.

        Examples
        --------
        >>> ThirdOrderFlow(Setting(sigma2=0.25, rho=0.0)).critical_decay()
        0.2
        """
        return self.gain**2 / (4 * self.setting.s)

    @property
    def discriminant(self):
        r"""Discriminant :math:`\chi^2 \lambda^2 - 4 \rho s`: two positive equilibria above 0, one at 0, none below.

        Within rounding of 0 it is 0, so that ``rho=flow.critical_decay()`` is the threshold itself.

        Examples
        --------
        >>> ThirdOrderFlow(Setting(sigma2=0.0, rho=0.25)).discriminant
        0.0
        """
        value = self.gain**2 - 4 * self.setting.rho * self.setting.s
        return 0.0 if abs(value) <= 8 * np.finfo(float).eps * self.gain**2 else value

    def equilibria(self):
        """All equilibria, ascending, with their stability.

        Returns
        -------
        tuple of Equilibrium
            Zero alone above the threshold; zero and a half-stable one at it; three below; two for ``rho = 0``, where
            the unstable one has merged with zero and left it half-stable.

        Examples
        --------
        >>> setting = Setting(sigma2=0.0, rho=0.25)
        >>> ThirdOrderFlow(setting).equilibria()
        (Equilibrium(w=0.0, kind='stable'), Equilibrium(w=0.5, kind='half-stable'))
        """
        gain, s, rho = self.gain, self.setting.s, self.setting.rho
        if gain == 0 or self.discriminant < 0:
            return (Equilibrium(0.0, "stable"),)
        if self.discriminant == 0:
            return Equilibrium(0.0, "stable"), Equilibrium(gain / (2 * s), "half-stable")
        root = np.sqrt(self.discriminant)
        upper = Equilibrium(float((gain + root) / (2 * s)), "stable")
        if rho == 0:
            return Equilibrium(0.0, "half-stable"), upper
        # 2 rho/(gain + root) is (gain - root)/(2 s) without the cancellation at small rho.
        return Equilibrium(0.0, "stable"), Equilibrium(float(2 * rho / (gain + root)), "unstable"), upper

    def _regime(self, w):
        # With no signal the only equilibrium is 0, whatever the decay.
        if self.gain == 0 or self.discriminant < 0:
            return np.full(w.shape, Regime.COLLAPSE)
        barrier = 0.0 if self.setting.rho == 0 else self.equilibria()[1].w
        return np.where(w > barrier, Regime.STABLE, Regime.ACUTE)


class SixthOrderFlow(LineFlow):
    r"""Cosine loss, one eigenmode on the parabola :math:`f = w^2`, norms frozen: a flow of order six.

    .. math::
        \frac{dw}{dt} = -q_6 w^6 - q_3 w^3 + q_2 w^2 - \rho w, \qquad
        q_6 = \frac{2 s \lambda}{N_\Phi N_\Psi^3}, \quad q_3 = \frac{s N_\times}{N_\Phi N_\Psi^3}, \quad
        q_2 = \frac{\lambda}{N_\Phi N_\Psi} .

    The paper's case is :math:`\lambda = 1`. In :math:`\tilde w = w / \ell` with
    :math:`\ell = (N_\Psi^2 / (2 s))^{1/4}` the velocity is proportional to
    :math:`\tilde w (\tilde w - \beta \tilde w^2 - \tilde w^5 - r)`: two numbers decide,
    :math:`\beta = s N_\times \ell / (\lambda N_\Psi^2)` and :math:`r = \rho N_\Phi N_\Psi / (\lambda \ell)`.

    Parameters
    ----------
    setting : Setting
        With one eigenvalue `spectrum`, not 0.
    norms : Norms
        Three numbers; `phi` and `psi` positive, `cross` of either sign.

    Attributes
    ----------
    scale, beta, ratio : float
        The :math:`\ell`, :math:`\beta` and :math:`r` above (dimensionless).

    Raises
    ------
    TypeError, ValueError
        If `setting` or `norms` is of the wrong kind or out of bounds.

    References
    ----------
    Bao, arXiv 2309.16109, section 4, for the flow; the two-number form is ours.

    Examples
    --------
    >>> flow = SixthOrderFlow(Setting(sigma2=0.5, rho=0.01), Norms(phi=4.0, psi=2.0, cross=1.0))
    >>> [(round(e.w, 4), e.kind) for e in flow.equilibria()]
    [(-1.192, 'unstable'), (0.0, 'stable'), (0.0826, 'unstable'), (0.9316, 'stable')]
    """

    def __init__(self, setting, norms):
        self.setting = _checks.instance("setting", setting, Setting, hint=", such as Setting(sigma2=0.5, rho=0.05)")
        self.norms = _checks.instance("norms", norms, Norms, hint=", such as Norms(phi=1.0, psi=1.0, cross=1.0)")
        signal = setting.isotropic("SixthOrderFlow")
        if signal == 0:
            raise ValueError("spectrum=0.0: there is no signal to learn; SixthOrderFlow needs spectrum > 0")
        phi = _checks.number("norms.phi", norms.phi, above=0)
        psi = _checks.number("norms.psi", norms.psi, above=0)
        cross = _checks.number("norms.cross", norms.cross)
        # Velocity and slope in the scaled mode: powers of small norms would underflow.
        self._rate = signal / (math.sqrt(2 * setting.s) * phi)
        self.scale, self.beta, self.ratio = (float(x) for x in universal(phi, psi, cross, setting))

    def __repr__(self):
        return f"SixthOrderFlow({self.setting!r}, {self.norms!r})"

    def _velocity(self, w):
        scaled = w / self.scale
        return self._rate * scaled**2 * (1 - scaled * (self.beta + scaled**3)) - self.setting.rho * w

    def _jacobian(self, w):
        scaled = w / self.scale
        return self._rate / self.scale * scaled * (2 - scaled * (3 * self.beta + 6 * scaled**3)) - self.setting.rho

    def _regime(self, w):
        return classify(w / self.scale, self.beta, self.ratio)

    @property
    def fold(self):
        """Where the positive equilibria merge at the critical decay (dimensionless).

        Examples
        --------
        >>> flow = SixthOrderFlow(Setting(sigma2=0.5, rho=0.0), Norms(phi=1.0, psi=1.0, cross=0.0))
        >>> round(flow.fold / flow.scale - 0.2**0.25, 12) + 0.0
        0.0
        """
        return self.scale * float(fold_point(np.asarray(self.beta)))

    def critical_decay(self):
        r"""Weight decay beyond which no positive equilibrium exists, :math:`\max_{w > 0} (q_2 w - q_3 w^2 - q_6 w^5)`.

        Returns
        -------
        float
            One over gradient-flow time.

        Examples
        --------
        >>> flow = SixthOrderFlow(Setting(sigma2=0.5, rho=0.0), Norms(phi=1.0, psi=1.0, cross=1.0))
        >>> w = np.linspace(0, 1, 100_001)
        >>> bool(abs(flow.critical_decay() - np.max(flow.velocity(w)[1:] / w[1:])) < 1e-9)
        True
        """
        return self._rate / self.scale * critical_ratio(self.beta)

    def equilibria(self):
        """All equilibria, ascending, with their stability.

        Returns
        -------
        tuple of Equilibrium
            Always a negative, unstable one and zero; beyond it the flow runs away. On the positive side two below the
            critical decay, a half-stable one at it, none above. For ``rho = 0`` the lower of the two has merged with
            zero and left it half-stable.

        Examples
        --------
        >>> flow = SixthOrderFlow(Setting(sigma2=0.5, rho=1.0), Norms(phi=4.0, psi=2.0, cross=1.0))
        >>> [e.kind for e in flow.equilibria()]
        ['unstable', 'stable']
        """
        beta, ratio, fold = self.beta, self.ratio, float(fold_point(np.asarray(self.beta)))

        def rest(scaled):
            return scaled * (1 - scaled * (beta + scaled**3)) - ratio

        def root(low, high):
            eps = np.finfo(float).eps
            return float(self.scale * brentq(rest, low, high, xtol=1e-300, rtol=4 * eps, maxiter=1000))

        # On the left the modulus solves x^5 = beta x^2 + x + r: the largest term on the right is at least a third of
        # the fifth power. On the right all is over where the fifth power outweighs both others.
        size = max(3**0.25, np.cbrt(3 * abs(beta)), (3 * ratio) ** 0.2)
        found = [Equilibrium(root(-size, -0.5 / (1 + abs(beta))), "unstable")]
        excess = ratio - critical_ratio(beta)
        if abs(excess) <= FOLD_TOLERANCE * ratio:
            return (*found, Equilibrium(0.0, "stable"), Equilibrium(self.fold, "half-stable"))
        if excess > 0:
            return (*found, Equilibrium(0.0, "stable"))
        upper = Equilibrium(root(fold, size), "stable")
        if ratio == 0:
            return (*found, Equilibrium(0.0, "half-stable"), upper)
        return (*found, Equilibrium(0.0, "stable"), Equilibrium(root(0.0, fold), "unstable"), upper)


def travel_time(flow, w0, w):
    r"""Time that the cubic flow takes from `w0` to `w`, in closed form.

    Separation of variables and partial fractions, with :math:`q(w) = s w^2 - \chi \lambda w + \rho`, its roots
    :math:`w_\mp` and :math:`D = \chi^2 \lambda^2 - 4 \rho s`: up to the threshold, :math:`D \ge 0`,

    .. math::
        t = \frac{1}{\rho} \ln \frac{1 - w_- / w}{1 - w_- / w_0} - \frac{1}{w_+} \int_{w_0}^{w} \frac{dw}{q(w)} ,

    and above it

    .. math::
        t = -\frac{1}{\rho} \left[ \ln |w| - \tfrac12 \ln q(w)
        + \tfrac{\chi \lambda}{2} \int \frac{dw}{q(w)} \right]_{w_0}^{w} .

    The integral is a logarithm for :math:`D > 0`, rational at the threshold, an arctangent above. For
    :math:`\rho = 0`: :math:`t = [-1/(\chi \lambda w) + (s/\chi^2 \lambda^2) \ln |w/(\chi \lambda - s w)|]`.

    Parameters
    ----------
    flow : ThirdOrderFlow
    w0, w : float or array
        Start and end (dimensionless), broadcast against each other.

    Returns
    -------
    float or array
        Gradient-flow time; negative when `w` lies in the past of `w0`, inf when an equilibrium separates them.

    Raises
    ------
    TypeError, ValueError
        If `flow` is not a ThirdOrderFlow with a positive gain, or `w0` or `w` is not made of finite real numbers.

    Notes
    -----
    Ours; the paper does not solve the flow. Written so that the cases join at the threshold, and that small decay and
    starts next to an equilibrium cost no more digits than the roots have.

    Examples
    --------
    >>> flow = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.05))
    >>> t = travel_time(flow, 0.1, 0.5)
    >>> bool(abs(flow.solve(0.1, [0.0, t]).w[-1, 0] - 0.5) < 1e-9)
    True
    """
    _checks.instance("flow", flow, ThirdOrderFlow)
    if flow.gain == 0:
        raise ValueError("flow: has no signal (spectrum or target_ratio is 0); travel_time needs some")
    w0, w = np.broadcast_arrays(_checks.array("w0", w0), _checks.array("w", w))
    gain, s, rho = flow.gain, flow.setting.s, flow.setting.rho
    # Intervals between equilibria: a solution never leaves its own, nor reaches its ends.
    walls = np.array([e.w for e in flow.equilibria()])
    inside = np.searchsorted(walls, w0) == np.searchsorted(walls, w)
    at_wall = np.isin(w0, walls) | np.isin(w, walls)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if rho == 0:
            time = (w - w0) / w / w0 / gain + s / gain**2 * np.log((w / w0) * (gain - s * w0) / (gain - s * w))
        elif flow.discriminant < 0:
            slope0, slope, root = 2 * s * w0 - gain, 2 * s * w - gain, np.sqrt(-flow.discriminant)
            ratio = (slope**2 + root**2) / (slope0**2 + root**2)  # q(w) / q(w0)
            integral = 2 / root * (np.arctan(slope / root) - np.arctan(slope0 / root))
            time = -(np.log(w / w0) - np.log(ratio) / 2 + gain / 2 * integral) / rho
        else:
            root = np.sqrt(flow.discriminant)
            lower, upper = 2 * rho / (gain + root), (gain + root) / (2 * s)
            below, above = (w - lower) / (w0 - lower), (w - upper) / (w0 - upper)
            wait = _log(below * w0 / w, lower * (w - w0) / w / (w0 - lower)) / rho
            if root:
                integral = _log(above / below, (upper - lower) * (w - w0) / (w - lower) / (w0 - upper)) / root
            else:
                integral = (w - w0) / (w - upper) / (w0 - upper) / s
            time = wait - integral / upper
    time = np.where(inside & ~at_wall, time, np.where(w == w0, 0.0, np.inf))
    return _checks.plain(time)


def _log(ratio, excess):
    """Logarithm of `ratio`, given what it is in excess of 1."""
    return np.where(np.abs(excess) < 0.5, np.log1p(excess), np.log(ratio))
