"""Rung 2: eigenmodes, for a symmetric head that commutes with the feature matrix."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from . import _checks
from ._solve import Status, integrate
from .clock import on_clock
from .expectations import modes_rate
from .flows import SixthOrderFlow
from .norms import Norms, norms_of_modes
from .regimes import classify, universal_coordinates
from .setting import Setting, mode_arrays


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

    def solve(self, w0, f0, times, tolerance=1e-10):
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
        >>> run = L2Modes(Setting(sigma2=0.5, rho=0.05)).solve([0.3, -0.3], [0.09, 0.09], [0.0, 400.0])
        >>> abs(run.w[-1]).round(4)
        array([0.6122, 0.    ])
        """
        w0, f0 = mode_arrays(w0, f0, self.setting)
        if w0.ndim != 1:
            raise ValueError(f"w0: has shape {w0.shape}; expected shape (h,)")
        tolerance = _checks.tolerance(tolerance)
        with np.errstate(over="ignore"):  # too large a start is refused below, in words
            c0, dead = f0 - w0**2, f0 == 0

        def features(elapsed, w):
            # f cannot be negative; w^2 + c can, by rounding, where features have died.
            return np.where(dead, 0.0, np.maximum(w**2 + c0 * np.exp(-2 * self.setting.rho * elapsed), 0.0))

        def velocity(elapsed, w):
            return self._drive(w, features(elapsed, w)) - self.setting.rho * w

        # Modes do not act on each other, with this loss or with frozen norms: the matrix of slopes is diagonal.
        t, w, status = integrate(velocity, w0, times, stiff=True, tolerance=tolerance, lband=0, uband=0)
        return ModeTrajectory(self.setting, t, w, features((t - t[0])[:, None], w), status)


class L2Modes(_Modes):
    r"""L2 loss on eigenmodes.

    .. math::
        \frac{dw}{dt} = G - \rho w, \qquad \frac{df}{dt} = 2 w G - 2 \rho f, \qquad G = \chi b - w a ,

    with :math:`a = (\lambda + \sigma^2) f` and :math:`b = \lambda f`; for isotropic data :math:`G = f (\chi - s w)`.
    The modes do not act on each other.

    Parameters
    ----------
    setting : Setting
    target_ratio : float, optional
        Quasi-static ratio :math:`\chi \ge 0` of target to online features, 1 without a moving-average target.

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
    >>> run = CosineModes(Setting(sigma2=0.5, rho=10.0)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 3.0])
    >>> bool(run.w[-1].max() < 1e-12), run.shape_w[-1].round(3)
    (True, array([0.412, 0.412]))
    """

    tau: np.ndarray = None
    shape_w: np.ndarray = None
    shape_f: np.ndarray = None

    @property
    def fade(self):
        r"""What decay has left of the weights, :math:`e^{-\rho (t - t_0)}`, shape (T,).

        Examples
        --------
        >>> run = CosineModes(Setting(sigma2=0.5, rho=1.0)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 2.0])
        >>> run.fade.round(4)
        array([1.    , 0.1353])
        """
        return np.exp(-self.setting.rho * (self.t - self.t[0]))

    @property
    def norms(self):
        """The three norms of the cosine loss along the run, a :class:`Norms` of arrays of shape (T,).

        From the shape, so that they keep their digits where weights are too small to be squared.

        Examples
        --------
        >>> run = CosineModes(Setting(sigma2=0.5, rho=1.0)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 2.0])
        >>> bool(np.allclose(run.norms.phi, run.norms.phi[0] * run.fade))
        True
        """
        shape = Norms.of_modes(self.shape_w, self.shape_f, self.setting)
        return Norms(shape.phi * self.fade, shape.psi * self.fade**2, shape.cross * self.fade**3)

    def frozen(self):
        """Sixth-order flows with the norms of each moment, for the *shape* of the modes, a list of length T.

        The flow of the weights themselves is the same in units of :attr:`fade`; see :attr:`regimes`.

        Examples
        --------
        >>> run = CosineModes(Setting(sigma2=0.5, rho=1.0)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 300.0])
        >>> [len(flow.equilibria()) for flow in run.frozen()]
        [2, 4]
        """
        shape = Norms.of_modes(self.shape_w, self.shape_f, self.setting)
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
        >>> run = CosineModes(Setting(sigma2=0.5, rho=1.0)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 3.0])
        >>> [[regime.name for regime in row] for row in run.regimes]
        [['COLLAPSE', 'COLLAPSE'], ['STABLE', 'STABLE']]
        """
        shape = Norms.of_modes(self.shape_w, self.shape_f, self.setting)
        scaled, beta, ratio = universal_coordinates(self.shape_w, shape, self.setting)
        return classify(scaled, beta[:, None], (ratio * self.fade**2)[:, None])


class CosineModes(_Modes):
    r"""Cosine loss on eigenmodes, with a choice of how its averages are closed.

    With :math:`a = (\lambda + \sigma^2) f`, :math:`b = \lambda f` and the three norms:

    - ``"leading"``: :math:`G = \frac{1}{N_\Phi N_\Psi} \bigl( b - \frac{N_\times}{N_\Psi^2} w a \bigr)`;
    - ``"sixth-order"``: the paper's,
      :math:`G = \frac{1}{N_\Phi N_\Psi} \bigl( b - \frac{1}{N_\Psi^2} (2 w^2 a b + N_\times w a) \bigr)`;
    - ``"corrected"``: all terms of relative order 1/h;
    - ``"exact"``: no limit taken, :func:`cosine_modes`.

    Parameters
    ----------
    setting : Setting
    closure : {"exact", "leading", "sixth-order", "corrected"}
    norms : Norms, optional
        Keep the norms frozen at these three numbers, as the paper does; for "leading" and "sixth-order" only.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, the closure is unknown, or norms are frozen in another closure.

    References
    ----------
    Bao, arXiv 2309.16109, section 4, for the sixth-order closure; the others are ours.

    Examples
    --------
    >>> setting = Setting(sigma2=0.5, rho=0.0)
    >>> w, f = np.full(64, 0.5), np.full(64, 0.25)
    >>> for closure in ("leading", "sixth-order", "corrected", "exact"):
    ...     print(f"{closure:12} {abs(CosineModes(setting, closure).drive(w, f)[0]):.5f}")
    leading      0.00000
    sixth-order  0.00065
    corrected    0.00000
    exact        0.00000
    """

    def __init__(self, setting, closure="exact", norms=None):
        super().__init__(setting)
        self.closure = _checks.choice("closure", closure, ("exact", "leading", "sixth-order", "corrected"))
        self.norms = norms
        if norms is not None:
            _checks.instance("norms", norms, Norms)
            if closure not in ("leading", "sixth-order"):
                raise ValueError(f"norms: cannot be frozen in closure={closure!r}; use 'leading' or 'sixth-order'")

    def _drive(self, w, f):
        if w.ndim > 1:
            return np.stack([self._drive(*pair) for pair in zip(w, f, strict=True)])
        unit = np.max(f) or 1.0
        return f / unit * self._rate(w, f, driven=True)

    def _rate(self, w, f, driven=False):
        """Drive per feature, G max(f) / f: finite where a mode has none."""
        if self.closure == "exact":
            return modes_rate(w, f, self.setting, driven)
        s, signal = self.setting.s, self.setting.spectrum
        unit = np.max(f)
        if self.closure == "corrected":
            return unit * _corrected(w, f, s, signal)
        if self.norms is None:
            phi, psi, cross = norms_of_modes(w, s * f, signal * f)
        else:
            phi, psi, cross = self.norms.phi, self.norms.psi, self.norms.cross
        if np.any(phi == 0) or np.any(psi == 0):
            raise ValueError("w, f: features or predictions are all 0; the cosine loss is not defined there")
        fluctuation = 2 * w**2 * s * signal * f if self.closure == "sixth-order" else 0.0
        return unit * (signal - (fluctuation + cross * w * s) / psi**2) / (phi * psi)

    def solve(self, w0, f0, times, tolerance=1e-9):
        r"""Integrate all modes.

        The shape :math:`e^{\rho t} w` is integrated on the clock of weight decay, along the hyperbolas
        :math:`f - w^2 = c` on which its modes move; so decay costs no digits, however small the weights become, and
        imbalance, :math:`|w|` and :math:`\sum f` are conserved to rounding whatever the tolerance (the "sixth-order"
        closure conserves imbalance alone). With frozen norms there is no such clock, and the modes are integrated in
        time. Beyond :math:`\tau = 10^{13} |w|^2` the shape is held.

        Parameters
        ----------
        w0, f0 : array of shape (h,)
            Eigenvalues at ``times[0]`` (dimensionless), f0 >= 0.
        times : array of shape (T,)
            Strictly increasing gradient-flow times.
        tolerance : float, optional
            Relative error of a step, between 1e-12 and 1e-2. Below 1e-9 it may hunt the quadrature error of a drive on
            very few modes, at no gain.

        Returns
        -------
        CosineModeTrajectory
            ``.status`` is "singular" with its time where a closure lets the head die in finite time. With frozen norms
            a ModeTrajectory.

        Raises
        ------
        TypeError, ValueError
            If `w0` or `f0` is not a finite real array of shape (h,), some f0 < 0, features or predictions vanish, or
            `times` are not sorted, or `tolerance` is out of bounds.

        Examples
        --------
        >>> run = CosineModes(Setting(sigma2=0.5, rho=0.1)).solve([0.3, 0.5], [0.09, 0.25], [0.0, 5.0])
        >>> bool(abs(np.linalg.norm(run.w[-1]) / np.linalg.norm(run.w[0]) - np.exp(-0.5)) < 1e-8)
        True
        """
        if self.norms is not None:
            return super().solve(w0, f0, times, tolerance)
        tolerance = _checks.tolerance(tolerance)
        w0, f0 = mode_arrays(w0, f0, self.setting)
        if w0.ndim != 1:
            raise ValueError(f"w0: has shape {w0.shape}; expected shape (h,)")
        self.drive(w0, f0)  # raises where the loss is not defined
        # In units of the start: the drive is of degree -1, and no size of the weights over- or underflows.
        unit = np.max(np.abs(w0))
        curve = _Hyperbolas(w0 / unit, f0 / unit / unit)
        conserving = self.closure != "sixth-order"  # all closures but the paper's leave |w| alone

        def velocity(angle):
            w, p = curve.place(angle)
            # Beside a lone survivor the rate of a dying mode grows without bound, too rough for finite differences.
            largest = np.max(np.abs(p))
            rate = self._rate(*curve.state(w, np.maximum(np.abs(p), 1e-7 * largest)))
            turn = curve.sign * curve.living(rate) * (p / largest) / largest
            if conserving:
                # Exactly so, where on a long clock rounding and quadrature would not.
                along = curve.sign * w * p
                turn = turn - along * (along @ turn) / (along @ along)
            return scale * turn

        def predictions(angle):
            w, f = curve.state(*curve.place(angle))
            return np.sqrt(np.sum(self.setting.s * w**2 * f))

        scale = curve.head @ curve.head
        times, tau, angle, status = on_clock(
            velocity,
            curve.start,
            times,
            self.setting.rho,
            unit * np.sqrt(scale),
            vanishing=predictions,
            stiff=True,
            tolerance=tolerance,
        )
        if conserving:
            angle = curve.on_the_sphere(angle, scale)
        w, f = curve.state(*curve.place(angle))
        w, f = unit * w, f * unit * unit
        fade = np.exp(-self.setting.rho * (times - times[0]))[:, None]
        return CosineModeTrajectory(self.setting, times, w * fade, f * fade**2, status, tau, w, f)


class _Hyperbolas:
    r"""Curves of constant imbalance, :math:`p^2 - w^2 = c` with :math:`p^2 = f`, and the angle along them.

    :math:`(p, \pm w)` is :math:`\sqrt{c} (\cosh \theta, \sinh \theta)` for c > 0,
    :math:`\sqrt{-c} (\sinh \theta, \cosh \theta)` for c < 0 and :math:`(e^\theta, e^\theta)` for c = 0, and always
    :math:`\dot\theta = \pm (G / f)\, p`. No error of a step leads off the curve, or a dying mode (c < 0, p -> 0) past
    its end: p and -p are the same mode.
    """

    def __init__(self, w, f):
        self.alive = f > 0  # a mode without features keeps none, and its head
        self.head = w
        w, p = w[self.alive], np.sqrt(f[self.alive])
        self.sign = np.where(w < 0, -1.0, 1.0)
        c = f[self.alive] - w**2
        self.above, self.below, self.size = c > 0, c < 0, np.sqrt(np.abs(c))
        shorter = np.where(self.above, np.abs(w), p)
        self.start = np.where(c == 0, np.log(p), np.arcsinh(shorter / np.where(c == 0, 1.0, self.size)))

    def place(self, angle):
        """Head w and amplitude p of the living, from their angles."""
        angle = np.clip(angle, -300.0, 300.0)  # a trial step may be long
        long, short, equal = self.size * np.cosh(angle), self.size * np.sinh(angle), np.exp(angle)
        w = np.where(self.above, short, np.where(self.below, long, equal))
        p = np.where(self.above, long, np.where(self.below, short, equal))
        return self.sign * w, p

    def living(self, modes):
        return modes[self.alive]

    def state(self, w, p):
        """Heads and features of all modes."""
        shape = (*w.shape[:-1], len(self.alive))
        heads, features = np.broadcast_to(self.head, shape).copy(), np.zeros(shape)
        heads[..., self.alive], features[..., self.alive] = w, p**2
        return heads, features

    def on_the_sphere(self, angle, size):
        """Nearby angles at which the sum of all w^2 is `size`, by Newton's method."""
        dead = np.sum(self.head[~self.alive] ** 2)
        for _ in range(20):
            w, p = self.place(angle)
            along = self.sign * w * p
            off = size - dead - np.sum(w**2, axis=-1, keepdims=True)
            if np.all(np.abs(off) <= 4e-16 * size):
                break
            angle = angle + along * off / (2 * np.sum(along**2, axis=-1, keepdims=True))
        return angle


def _corrected(w, f, s, signal):
    """Drive per feature with all terms of relative order 1/h: norms expanded to second order around their means."""
    a, b = s * f, signal * f
    phi2, psi2, cross = (np.sum(x, axis=-1, keepdims=True) for x in (a, w**2 * a, w * b))
    if np.any(phi2 == 0) or np.any(psi2 == 0):
        raise ValueError("w, f: features or predictions are all 0; the cosine loss is not defined there")
    V_A, V_B, V_cross = (2 * np.sum(x, axis=-1, keepdims=True) for x in (a**2, w**4 * a**2, w**2 * b**2))
    first = signal * (
        1 + 3 * V_A / (8 * phi2**2) + 3 * V_B / (8 * psi2**2) + V_cross / (4 * phi2 * psi2) - a / phi2 - w**2 * a / psi2
    )
    second = (
        s * cross * (1 + 3 * V_A / (8 * phi2**2) + 15 * V_B / (8 * psi2**2) + 3 * V_cross / (4 * phi2 * psi2))
        + 2 * w * s * b
        - (cross * signal * b + s * np.sum(w * b * a, axis=-1, keepdims=True)) / phi2
        - 3 * (cross * w**2 * s * a + s * np.sum(w**3 * b * a, axis=-1, keepdims=True)) / psi2
    )
    return (first - w * second / psi2) / np.sqrt(phi2 * psi2)
