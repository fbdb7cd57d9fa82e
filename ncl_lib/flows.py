"""Rung 1: one eigenmode on the invariant parabola, a flow on a line."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from . import _checks
from ._solve import Status, integrate
from .setting import Setting


class Regime(enum.Enum):
    """Fate of an eigenmode: which stable equilibrium its flow has, and whether it gets there.

    The names are the paper's (Bao, arXiv 2309.16109); the inequalities are made precise here.

    Examples
    --------
    >>> Regime.STABLE.value
    'stable'
    """

    COLLAPSE = "collapse"  #: no positive equilibrium exists
    ACUTE = "acute"  #: one exists, but the mode starts on the wrong side of the unstable one
    STABLE = "stable"  #: the mode goes to the stable positive equilibrium


@dataclass(frozen=True)
class Equilibrium:
    """A zero of a flow on a line.

    Attributes
    ----------
    w : float
        Where it is (dimensionless).
    kind : str
        ``"stable"`` (attracts from both sides), ``"unstable"`` (repels on both), or ``"half-stable"`` (one of each).

    Examples
    --------
    >>> Equilibrium(0.0, "stable").kind
    'stable'
    """

    w: float
    kind: str


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


class _LineFlow:
    """What the flows on a line share."""

    def velocity(self, w):
        """Velocity dw/dt at `w`, elementwise.

        Parameters
        ----------
        w : float or array
            Head eigenvalue (dimensionless).

        Returns
        -------
        float or array
            Same shape as `w`.

        Raises
        ------
        TypeError, ValueError
            If `w` is not made of finite real numbers.

        Examples
        --------
        >>> ThirdOrderFlow(Setting(sigma2=0.5, rho=0.125)).velocity(0.5)
        0.0
        """
        return _checks.plain(self._velocity(_checks.array("w", w)))

    def jacobian(self, w):
        """Slope of the velocity, elementwise.

        Negative at an equilibrium means stable; its size is the rate of return (one over time).

        Parameters
        ----------
        w : float or array
            Head eigenvalue (dimensionless).

        Returns
        -------
        float or array
            Same shape as `w`.

        Raises
        ------
        TypeError, ValueError
            If `w` is not made of finite real numbers.

        Examples
        --------
        >>> ThirdOrderFlow(Setting(sigma2=0.5, rho=0.1)).jacobian(0.0)
        -0.1
        """
        return _checks.plain(self._jacobian(_checks.array("w", w)))

    def regime(self, w):
        """Regime of a mode at `w`, elementwise.

        Collapse above the critical decay; up to it Stable for `w` above the unstable equilibrium, else Acute.

        Parameters
        ----------
        w : float or array
            Head eigenvalue (dimensionless).

        Returns
        -------
        Regime or array of Regime
            Same shape as `w`.

        Raises
        ------
        TypeError, ValueError
            If `w` is not made of finite real numbers.

        Examples
        --------
        >>> flow = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.05))
        >>> [r.name for r in flow.regime([0.01, 0.1])]
        ['ACUTE', 'STABLE']
        """
        return _plain_object(np.asarray(self._regime(_checks.array("w", w))))

    def solve(self, w0, times, collapse_below=1e-6):
        r"""Integrate the flow from one or many starts.

        Parameters
        ----------
        w0 : float or array of shape (n,)
            Starts (dimensionless).
        times : array of shape (T,)
            Strictly increasing gradient-flow times; ``times[0]`` is the time of `w0`.
        collapse_below : float, optional
            A start counts as collapsed from the moment that \\|w\\| is below this.

        Returns
        -------
        Trajectory
            ``.status.collapsed_at`` holds the time of collapse of each start, inf for survivors.

        Raises
        ------
        TypeError, ValueError
            If `w0` is not finite, `times` are not sorted, or `collapse_below` is not positive.

        Examples
        --------
        >>> flow = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.05))
        >>> flow.solve([0.05, 0.06], [0.0, 1000.0]).w[-1].round(4) + 0.0
        array([0.    , 0.6122])
        """
        return solve_line(self._velocity, w0, times, collapse_below)


class ThirdOrderFlow(_LineFlow):
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


class SixthOrderFlow(_LineFlow):
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
        self.scale, self.beta, self.ratio = (float(x) for x in _universal(phi, psi, cross, setting))

    def __repr__(self):
        return f"SixthOrderFlow({self.setting!r}, {self.norms!r})"

    def _velocity(self, w):
        scaled = w / self.scale
        return self._rate * scaled * (scaled * (1 - scaled * (self.beta + scaled**3)) - self.ratio)

    def _jacobian(self, w):
        scaled = w / self.scale
        return self._rate / self.scale * (scaled * (2 - scaled * (3 * self.beta + 6 * scaled**3)) - self.ratio)

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
        return self.scale * float(_fold(np.asarray(self.beta)))

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
        beta, ratio, fold = self.beta, self.ratio, float(_fold(np.asarray(self.beta)))

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
        if abs(excess) <= _FOLD_TOLERANCE * ratio:
            return (*found, Equilibrium(0.0, "stable"), Equilibrium(self.fold, "half-stable"))
        if excess > 0:
            return (*found, Equilibrium(0.0, "stable"))
        upper = Equilibrium(root(fold, size), "stable")
        if ratio == 0:
            return (*found, Equilibrium(0.0, "half-stable"), upper)
        return (*found, Equilibrium(0.0, "stable"), Equilibrium(root(0.0, fold), "unstable"), upper)


_FOLD_TOLERANCE = 16 * np.finfo(float).eps


def _fold(beta):
    """The one positive root of ``5 scaled^4 + 2 beta scaled = 1``, elementwise, by Newton's method from above.

    The polynomial is convex for scaled > 0, so that from a point above the root every step stays above it.
    """
    above = 1 / np.maximum(2 * beta, 5**0.25)
    scaled = np.where(beta >= 0, above, np.maximum(0.4**0.25, np.cbrt(0.8 * np.maximum(-beta, 0))))
    for _ in range(50):
        step = (scaled * (5 * scaled**3 + 2 * beta) - 1) / (20 * scaled**3 + 2 * beta)
        scaled = scaled - step
        if np.all(np.abs(step) <= 2 * np.finfo(float).eps * scaled):
            break
    return scaled


def critical_ratio(beta):
    r"""Boundary of the universal phase diagram.

    .. math:: r_c(\beta) = \max_{\tilde w > 0} (\tilde w - \beta \tilde w^2 - \tilde w^5)

    The maximum is where :math:`5 \tilde w^4 + 2 \beta \tilde w = 1`; there it equals
    :math:`(\tilde w + 3 \tilde w^5) / 2`.

    Parameters
    ----------
    beta : float or array
        Of either sign (dimensionless).

    Returns
    -------
    float or array
        Same shape as `beta`; tends to :math:`1 / (4 \beta)` for large `beta`.

    Raises
    ------
    TypeError, ValueError
        If `beta` is not made of finite real numbers.

    Notes
    -----
    Ours.

    Examples
    --------
    >>> round(critical_ratio(0.0), 7)
    0.5349922
    """
    scaled = _fold(_checks.array("beta", beta))
    return _checks.plain((scaled + 3 * scaled**5) / 2)


def universal_coordinates(w, norms, setting):
    r"""Place modes in the universal phase diagram of the sixth-order flow.

    .. math::
        \tilde w = w / \ell, \quad \ell = (N_\Psi^2 / (2 s))^{1/4}, \qquad
        \beta = \frac{s N_\times \ell}{\lambda N_\Psi^2}, \qquad r = \frac{\rho N_\Phi N_\Psi}{\lambda \ell}

    Parameters
    ----------
    w : array of shape (..., h)
        Head eigenvalues (dimensionless).
    norms : Norms
        With entries of shape (...): one triple for each row of `w`, as along a trajectory.
    setting : Setting
        With one eigenvalue `spectrum`, not 0.

    Returns
    -------
    scaled : array of shape (..., h)
    beta, ratio : float or array of shape (...)

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, `phi` or `psi` is not positive, or shapes do not fit.

    Notes
    -----
    Ours.

    Examples
    --------
    >>> setting, w = Setting(sigma2=0.5, rho=0.1), np.full(8, 0.3)
    >>> scaled, beta, ratio = universal_coordinates(w, Norms.of_modes(w, w**2, setting), setting)
    >>> round(beta**4, 9), round(float(scaled[0]) * beta, 9)  # equal modes: beta = (h/2)^(1/4), scaled = 1/beta
    (4.0, 1.0)
    """
    w = _checks.array("w", w)
    if w.ndim == 0:
        raise ValueError("w: is a single number; expected shape (h,), so write [w] for one mode")
    _checks.instance("norms", norms, Norms, hint=", such as the .norms of a trajectory")
    signal = _checks.instance("setting", setting, Setting).isotropic("universal_coordinates")
    if signal == 0:
        raise ValueError("spectrum=0.0: there is no signal to learn; universal_coordinates needs spectrum > 0")
    phi, psi, cross = (_checks.array(f"norms.{name}", getattr(norms, name)) for name in ("phi", "psi", "cross"))
    for name, value in (("phi", phi), ("psi", psi), ("cross", cross)):
        if value.shape != w.shape[:-1]:
            raise ValueError(f"norms.{name}: has shape {value.shape}; w of shape {w.shape} needs {w.shape[:-1]}")
        if name != "cross" and np.any(value <= 0):
            raise ValueError(f"norms.{name}: smallest entry is {value.min():.6g}; all must be > 0")
    scale, beta, ratio = _universal(phi, psi, cross, setting)
    return w / scale[..., None], _checks.plain(beta), _checks.plain(ratio)


def _universal(phi, psi, cross, setting):
    """The scale of modes, and the two numbers that decide."""
    scale = np.sqrt(psi) / (2 * setting.s) ** 0.25
    beta = setting.s / setting.spectrum * (cross / psi) * (scale / psi)
    return scale, beta, setting.rho / setting.spectrum * phi * (psi / scale)


def classify(scaled, beta, ratio):
    r"""Regime in the universal phase diagram of the sixth-order flow, elementwise.

    Collapse where :math:`r > r_c(\beta)`. Otherwise Stable beyond the fold point, and below it where
    :math:`\tilde w - \beta \tilde w^2 - \tilde w^5 > r`; Acute elsewhere.

    Parameters
    ----------
    scaled : float or array
        Modes :math:`w / \ell` (dimensionless).
    beta : float or array
        The :math:`\beta` of :class:`SixthOrderFlow`, of either sign.
    ratio : float or array
        Its :math:`r \ge 0`.

    Returns
    -------
    Regime or array of Regime
        Of the shape to which the arguments broadcast.

    Raises
    ------
    TypeError, ValueError
        If an argument is not made of finite real numbers, some `ratio` is negative, or shapes do not fit.

    Notes
    -----
    Ours. No root is searched for, so that a whole diagram is one call.

    Examples
    --------
    >>> [r.name for r in classify([0.5, 0.05, 0.5], beta=[0.0, 0.0, 0.0], ratio=[0.1, 0.1, 0.9])]
    ['STABLE', 'ACUTE', 'COLLAPSE']
    """
    scaled, beta = _checks.array("scaled", scaled), _checks.array("beta", beta)
    ratio = _checks.array("ratio", ratio, nonnegative=True)
    fold = _fold(beta)
    try:
        np.broadcast_shapes(scaled.shape, beta.shape, ratio.shape)
    except ValueError as error:
        raise ValueError(
            f"scaled, beta, ratio: shapes {scaled.shape}, {beta.shape}, {ratio.shape} do not broadcast"
        ) from error
    exists = ratio <= (fold + 3 * fold**5) / 2 * (1 + _FOLD_TOLERANCE)
    escapes = (scaled > fold) | ((scaled > 0) & (scaled * (1 - scaled * (beta + scaled**3)) > ratio))
    return _plain_object(np.where(exists, np.where(escapes, Regime.STABLE, Regime.ACUTE), Regime.COLLAPSE))


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Solutions of a flow on a line.

    Attributes
    ----------
    t : array of shape (T,)
        Gradient-flow times.
    w : array of shape (T, n)
        Solutions, one column a start (dimensionless).
    status : Status
        ``"ok"``, or ``"blow-up"`` with its time, where the arrays end.

    Examples
    --------
    >>> run = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.3)).solve(0.5, [0.0, 100.0])
    >>> str(run.status), run.status.collapsed_at.round(2)
    ('ok', array([49.67]))
    """

    t: np.ndarray
    w: np.ndarray
    status: Status


def solve_line(velocity, w0, times, collapse_below):
    """Integrate independent copies of one flow on a line."""
    w0 = np.atleast_1d(_checks.array("w0", w0))
    if w0.ndim != 1:
        raise ValueError(f"w0: has shape {w0.shape}; expected one number or shape (n,)")
    collapse_below = _checks.number("collapse_below", collapse_below, above=0)
    # Copies do not act on each other: the matrix of slopes is diagonal.
    return Trajectory(
        *integrate(lambda t, w: velocity(w), w0, times, collapse_below=collapse_below, stiff=True, lband=0, uband=0)
    )


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


def _plain_object(values):
    """A 0-d array of objects as the object; any other array as it is."""
    return values if values.ndim else values.item()
