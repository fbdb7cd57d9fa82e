"""Rung 2: eigenmodes, for a symmetric head that commutes with the feature matrix."""

from __future__ import annotations

import numpy as np

from . import _checks
from ._closures import RATES, frozen_rate
from ._hyperbolas import Hyperbolas
from ._mode_trajectories import CosineModeTrajectory, ModeTrajectory
from ._solve import RELATIVE_TOLERANCE, integrate
from .clock import fade, on_clock
from .expectations import modes_rate
from .norms import Norms
from .setting import Setting, mode_arrays, mode_start


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

    def solve(self, w0, f0, times, tolerance=RELATIVE_TOLERANCE):
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
        w0, f0 = mode_start(w0, f0, self.setting)
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
        if self.norms is not None:
            norms, sixth = self.norms, self.closure == "sixth-order"
            return f * frozen_rate(w, f, self.setting, norms.phi, norms.psi, norms.cross, sixth)
        # In units of the largest: the drive is of degree -1 in the head, and of degree 0 in the units of features.
        unit_w, unit_f = np.max(np.abs(w)) or 1.0, np.max(f) or 1.0
        return f / unit_f * self._rate(w / unit_w, f / unit_f, driven=True) / unit_w

    def _rate(self, w, f, driven=False):
        """Drive per feature, G max(f) / f: finite where a mode has none. Heads and features near 1, and no check."""
        if self.closure == "exact":
            return modes_rate(w, f, self.setting, driven)
        return np.max(f) * RATES[self.closure](w, f, self.setting)

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
        w0, f0 = mode_start(w0, f0, self.setting)
        self._drive(w0, f0)  # raises where the loss is not defined
        # In units of the start: the drive is of degree -1, and no size of the weights over- or underflows.
        unit = np.max(np.abs(w0))
        curve = Hyperbolas(w0 / unit, f0 / unit / unit)
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
        left = fade(times, self.setting.rho)[:, None]
        return CosineModeTrajectory(self.setting, times, w * left, f * left**2, status, tau, w, f)
