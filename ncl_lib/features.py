"""Laws in which the features move alone: a head that is set from them, or none."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import softmax

from . import _checks
from ._gradients import barlow_twins_gradient, vicreg_gradient
from ._solve import RELATIVE_TOLERANCE, Status, integrate
from .clock import above_noise, fade, on_clock
from .losses import _checked_vicreg
from .matrices import MatrixTrajectory
from .modes import CosineModes, ModeTrajectory
from .setting import Setting, mode_arrays


class FeatureModes:
    r"""Eigenmodes of the features under a head that is set from them, :math:`w = f^\alpha`.

    With :math:`a = (\lambda + \sigma^2) f` and :math:`b = \lambda f`,

    .. math:: \frac{df}{dt} = 2\, \mathit{pull} - 2 \rho f , \qquad \mathit{pull} = \begin{cases}
        w\, (b - w a) & \text{L2} \\ b - w a & \text{IsoLoss} \\ w\, G(w, f) & \text{cosine, exact} \end{cases}

    and for the L2 loss without stop-gradient :math:`\mathit{pull} = w\, (b - w a) + (w b - a)`. No head is
    :math:`\alpha = 0`.

    Parameters
    ----------
    setting : Setting
    alpha : float, optional
        Power, >= 0.
    loss : {"l2", "iso", "cosine"}
    stop_gradient : bool, optional
        False for the L2 loss only.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds, or the stop-gradient is left out of another loss.

    References
    ----------
    Halvagal, Laborieux and Zenke, arXiv 2212.04858, for the laws at :math:`\alpha = 1` with noise on one view; Tian,
    Chen and Ganguli, arXiv 2102.06810. Noise on both views, decay and anisotropy are ours.

    Examples
    --------
    >>> setting = Setting(sigma2=0.0, rho=0.0)
    >>> f = np.array([0.1, 0.5])
    >>> FeatureModes(setting).velocity(f), FeatureModes(setting, loss="iso").velocity(f)
    (array([0.018, 0.25 ]), array([0.18, 0.5 ]))
    """

    def __init__(self, setting, alpha=1.0, loss="l2", stop_gradient=True):
        self.setting = _checks.instance("setting", setting, Setting, hint=", such as Setting(sigma2=0.5, rho=0.05)")
        self.alpha = _checks.number("alpha", alpha, minimum=0)
        self.loss = _checks.choice("loss", loss, ("l2", "iso", "cosine"))
        self.stop_gradient = _checks.instance("stop_gradient", stop_gradient, bool)
        if not stop_gradient and loss != "l2":
            raise ValueError(f"stop_gradient=False: there is a law for loss='l2' only, not for {loss!r}")
        self._cosine = CosineModes(setting)

    def velocity(self, f):
        """Velocity df/dt.

        Parameters
        ----------
        f : array of shape (h,)
            Feature eigenvalues (dimensionless), >= 0.

        Returns
        -------
        array of shape (h,)

        Raises
        ------
        TypeError, ValueError
            If `f` is not a finite real array of shape (h,), or negative somewhere.

        Examples
        --------
        >>> FeatureModes(Setting(sigma2=0.5, rho=0.1), alpha=0.0).velocity([1.0])
        array([-1.2])
        """
        return self._velocity(self._modes("f", f))

    def _modes(self, name, f):
        f = _checks.array(name, f, ndim=1, nonnegative=True)
        mode_arrays(f, f, self.setting)  # as many as the spectrum has
        return f

    def _velocity(self, f):
        w, a, b = f**self.alpha, self.setting.s * f, self.setting.spectrum * f
        if self.loss == "cosine":
            pull = w * self._cosine._drive(w, f)
        else:
            pull = b - w * a if self.loss == "iso" else w * (b - w * a)
            if not self.stop_gradient:
                pull = pull + w * b - a
        return 2 * pull - 2 * self.setting.rho * f

    def solve(self, f0, times, tolerance=None):
        """Integrate all modes.

        Parameters
        ----------
        f0 : array of shape (h,)
            Feature eigenvalues at ``times[0]`` (dimensionless), >= 0.
        times : array of shape (T,)
            Strictly increasing gradient-flow times.
        tolerance : float, optional
            Relative error of a step, between 1e-12 and 1e-2; by default 1e-10, and with the cosine loss 1e-7.

        Returns
        -------
        ModeTrajectory
            With the heads ``w = f ** alpha``.

        Raises
        ------
        TypeError, ValueError
            If `f0` is not a finite real array of shape (h,), negative somewhere, `times` are not sorted, or `tolerance`
            is out of bounds.

        Examples
        --------
        >>> FeatureModes(Setting(sigma2=0.25, rho=0.0), loss="iso").solve([0.01, 0.1], [0.0, 20.0]).f[-1].round(4)
        array([0.8, 0.8])
        """
        f0 = self._modes("f0", f0)
        if tolerance is None:
            tolerance = 1e-7 if self.loss == "cosine" else RELATIVE_TOLERANCE
        tolerance = _checks.tolerance(tolerance)
        if self.loss == "cosine":
            return self._solve_on_the_clock(f0, times, tolerance)
        # In logarithms no mode crosses zero, and one that starts there stays.
        alive = f0 > 0
        if not np.any(alive):
            t = _checks.times(times)
            f = np.zeros((len(t), len(f0)))
            return ModeTrajectory(self.setting, t, f**self.alpha, f, Status("ok"))

        def velocity(t, x):
            f = np.zeros_like(f0)
            # A collapsed mode goes on falling at the rate that it has at the smallest normal number.
            f[alive] = np.exp(np.maximum(x, -700.0))
            return self._velocity(f)[alive] / f[alive]

        t, x, status = integrate(velocity, np.log(f0[alive]), times, name="f0", stiff=True, tolerance=tolerance)
        f = np.zeros((len(t), len(f0)))
        f[:, alive] = np.exp(x)
        return ModeTrajectory(self.setting, t, f**self.alpha, f, status)

    def _solve_on_the_clock(self, f0, times, tolerance):
        """Integrate the shape of the features without decay; w G does not change with their scale."""
        alive, scale = f0 > 0, f0.sum()
        self._cosine._drive(f0**self.alpha, f0)  # raises where the loss is not defined

        def shape(y):
            # The sum of all is conserved.
            f = np.zeros((*y.shape[:-1], len(f0)))
            f[..., alive] = scale * softmax(y, axis=-1)
            return f

        def velocity(y):
            f = shape(y)
            w = f**self.alpha
            pull = w * (f / f.max() * self._cosine._rate(w, f))
            pull = above_noise(pull, 1e-8 * w * f / np.sqrt(f.sum() * np.sum(w * w * f)))
            return scale * 2 * pull[alive] / f[alive]

        times, _, y, status = on_clock(
            velocity,
            np.log(f0[alive]),
            times,
            self.setting.rho,
            np.sqrt(scale),
            name="f0",
            stiff=True,
            tolerance=tolerance,
        )
        f = shape(y) * fade(times, self.setting.rho)[:, None] ** 2
        return ModeTrajectory(self.setting, times, f**self.alpha, f, status)


class FeatureMatrices:
    r"""Feature matrix under a loss without head or stop-gradient that depends on F alone, :math:`L(F)`.

    .. math:: \frac{dF}{dt} = -2 (L_F F + F L_F) - 2 \rho F ,

    with the symmetric gradient :math:`L_F`, :math:`dL = \operatorname{tr}(L_F\, dF)`. Exact for all data with an
    isotropic covariance, Gaussian or not, if the loss depends on second moments only.

    Parameters
    ----------
    setting : Setting
        With one eigenvalue `spectrum`.
    gradient : callable
        Maps F of shape (h, h) to :math:`L_F`.

    Raises
    ------
    TypeError, ValueError
        If `setting` is not a Setting with one eigenvalue, or `gradient` not callable.

    Notes
    -----
    Ours; see :func:`~ncl_lib.losses.vicreg` and :func:`~ncl_lib.losses.barlow_twins` for the losses themselves.

    Examples
    --------
    >>> setting = Setting(sigma2=0.5, rho=0.0)
    >>> agreement = FeatureMatrices(setting, lambda F: setting.sigma2 * np.eye(len(F)))  # no head: E|u - v|^2 / 2
    >>> agreement.velocity([[1.0]])
    array([[-2.]])
    """

    def __init__(self, setting, gradient):
        self.setting = _checks.instance("setting", setting, Setting, hint=", such as Setting(sigma2=0.5, rho=0.05)")
        setting.isotropic(type(self).__name__)
        if not callable(gradient):
            raise TypeError(f"gradient={gradient!r}: expected a function of F")
        self.gradient = gradient
        self._blind = False  # to the scale of F: then decay is a clock

    @classmethod
    def vicreg(cls, setting, invariance=1.0, variance=1.0, covariance=1.0, hinge=1.0, rounding=1e-3):
        r"""VICReg.

        .. math::
            L = 2 \sigma^2 \mu_{inv} \operatorname{tr} F + \mu_{var} \sum_i (\mathit{hinge} - \sqrt{s F_{ii}})_+
            + \mu_{cov} s^2 \sum_{i \ne j} F_{ij}^2

        Parameters
        ----------
        setting : Setting
            With one eigenvalue `spectrum`.
        invariance, variance, covariance, hinge : float, optional
            As for :func:`~ncl_lib.losses.vicreg`.
        rounding : float, optional
            Width, > 0, over which the corner of the hinge is rounded: a flow cannot be integrated across a jump.

        Returns
        -------
        FeatureMatrices

        Raises
        ------
        TypeError, ValueError
            If a number is out of bounds.

        Examples
        --------
        >>> VICReg = FeatureMatrices.vicreg(Setting(sigma2=0.5, rho=0.1), invariance=1.0, variance=1.0)
        >>> VICReg.solve(np.diag([1e-6, 0.5]), [0.0, 40.0]).F[-1].round(4)
        array([[0.3401, 0.    ],
               [0.    , 0.3401]])
        """
        invariance, variance, covariance, hinge = _checked_vicreg(invariance, variance, covariance, hinge)
        rounding = _checks.number("rounding", rounding, above=0)
        return cls(setting, partial(vicreg_gradient, setting, invariance, variance, covariance, hinge, rounding))

    @classmethod
    def barlow_twins(cls, setting, off_diagonal=0.05):
        r"""Barlow Twins, :math:`L = \mu (\lambda / s)^2 \sum_{i \ne j} F_{ij}^2 / (F_{ii} F_{jj})` and a constant.

        Parameters
        ----------
        setting : Setting
            With one eigenvalue `spectrum`.
        off_diagonal : float, optional
            The weight :math:`\mu \ge 0` (dimensionless).

        Returns
        -------
        FeatureMatrices

        Raises
        ------
        TypeError, ValueError
            If `off_diagonal` is not a number >= 0.

        Examples
        --------
        >>> F = np.array([[1.0, 0.5], [0.5, 2.0]])
        >>> run = FeatureMatrices.barlow_twins(Setting(sigma2=0.5, rho=0.1)).solve(F, [0.0, 1.0])
        >>> bool(np.allclose(np.diag(run.F[-1]), np.exp(-0.2) * np.diag(F)))
        True
        """
        weight = _checks.number("off_diagonal", off_diagonal, minimum=0)
        made = cls(setting, partial(barlow_twins_gradient, setting, weight))
        made._blind = True
        return made

    def velocity(self, F):
        """Velocity dF/dt.

        Parameters
        ----------
        F : array of shape (h, h)
            Symmetric positive semi-definite feature matrix (dimensionless).

        Returns
        -------
        array of shape (h, h)

        Raises
        ------
        TypeError, ValueError
            If F is not one symmetric positive semi-definite matrix.

        Examples
        --------
        >>> FeatureMatrices.vicreg(Setting(sigma2=0.0, rho=1.0), variance=0.0).velocity(np.eye(2))
        array([[-2., -0.],
               [-0., -2.]])
        """
        return self._velocity(_checks.one_matrix("F", _checks.feature_matrix("F", F)))

    def _velocity(self, F):
        slope = self._gradient(F) @ F
        return -2 * (slope + slope.T) - 2 * self.setting.rho * F

    def _gradient(self, F):
        slope = np.asarray(self.gradient(F))
        if slope.shape != F.shape or not np.all(np.isfinite(slope)):
            raise ValueError(
                f"gradient: gave shape {slope.shape} for F of shape {F.shape}, or entries that are not finite; "
                "the loss must be defined there"
            )
        return slope

    def solve(self, F0, times, tolerance=1e-9):
        """Integrate the feature matrix.

        Parameters
        ----------
        F0 : array of shape (h, h)
            Feature matrix at ``times[0]`` (dimensionless).
        times : array of shape (T,)
            Strictly increasing gradient-flow times.
        tolerance : float, optional
            Relative error of a step, between 1e-12 and 1e-2.

        Returns
        -------
        MatrixTrajectory
            Its head is the identity.

        Raises
        ------
        TypeError, ValueError
            If F0 is not one symmetric positive semi-definite matrix, `times` are not sorted, or `tolerance` is out of
            bounds.

        Examples
        --------
        >>> free = FeatureMatrices(Setting(sigma2=0.5, rho=0.0), np.zeros_like)
        >>> free.solve(np.eye(2), [0.0, 1.0]).F[-1]
        array([[1., 0.],
               [0., 1.]])
        """
        F0 = _checks.one_matrix("F0", _checks.feature_matrix("F0", F0))
        tolerance = _checks.tolerance(tolerance)
        h = len(F0)
        self._gradient(F0)  # raises where the loss is not defined
        f, Q = np.linalg.eigh(F0)
        root = Q * np.sqrt(np.maximum(f, 0.0))

        # A factor is integrated, F = A A^T, so that F stays positive semi-definite whatever rounding does.
        def velocity(A, rho):
            return (-2 * self._gradient(A @ A.T) @ A - rho * A).ravel()

        times, rho = _checks.times(times), self.setting.rho
        if not self._blind:
            t, y, status = integrate(
                lambda t, y: velocity(y.reshape(h, h), rho), root.ravel(), times, stiff=True, tolerance=tolerance
            )
            A = y.reshape(-1, h, h)
        else:
            scale = np.trace(F0) / h
            t, _, y, status = on_clock(
                lambda y: scale * velocity(y.reshape(h, h), 0.0),
                root.ravel(),
                times,
                rho,
                np.sqrt(scale),
                longest=20.0,  # features of less than full rank are moved by rounding alone after that
                stiff=True,
                tolerance=tolerance,
            )
            A = y.reshape(-1, h, h) * fade(t, rho)[:, None, None]
        F = A @ A.mT
        return MatrixTrajectory(self.setting, t, np.broadcast_to(np.eye(h), F.shape), F, status)
