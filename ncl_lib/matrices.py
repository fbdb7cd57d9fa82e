"""Rung 3: head and feature matrices in the population limit, no symmetry assumed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from . import _checks, diagnostics
from ._solve import RELATIVE_TOLERANCE, Status, integrate
from .clock import fade, on_clock
from .expectations import matrices_drive, matrices_push
from .norms import Norms
from .setting import Setting

_IMPLICIT = 12  # width up to which implicit steps, with their matrix of (2 h^2)^2 slopes, pay
_LONGEST = math.log(1e8)  # after that, what moves a shape is what rounding leaves of its drive
_STEPS = 4000  # a head that turns its features round and round does so as often as the clock ticks


@dataclass(frozen=True, eq=False)
class MatrixTrajectory:
    r"""Head and feature matrix over time.

    Attributes
    ----------
    setting : Setting
    t : array of shape (T,)
        Gradient-flow times.
    W, F : array of shape (T, h, h)
        Head and feature matrix (dimensionless).
    status : Status
        ``"ok"``, ``"blow-up"`` or ``"singular"``, with the time at which the arrays end.

    Examples
    --------
    >>> run = L2Matrices(Setting(sigma2=0.5, rho=0.05)).solve(0.3 * np.eye(2), np.eye(2), [0.0, 400.0])
    >>> run.W[-1].round(4)
    array([[0.6122, 0.    ],
           [0.    , 0.6122]])
    """

    setting: Setting
    t: np.ndarray
    W: np.ndarray
    F: np.ndarray
    status: Status

    @property
    def norms(self):
        """The three norms of the cosine loss along the run, a :class:`Norms` of arrays of shape (T,).

        Examples
        --------
        >>> run = L2Matrices(Setting(sigma2=0.0, rho=0.0)).solve([[1.0]], [[1.0]], [0.0, 1.0])
        >>> run.norms.phi
        array([1., 1.])
        """
        return Norms.of_matrices(self.W, self.F, self.setting)

    @property
    def balance(self):
        r"""Imbalance :math:`F - W^\top W` along the run, shape (T, h, h); it decays as :math:`e^{-2 \rho t}`.

        Examples
        --------
        >>> run = L2Matrices(Setting(sigma2=0.0, rho=0.0)).solve([[1.0]], [[1.5]], [0.0, 1.0])
        >>> run.balance.ravel().round(9)
        array([0.5, 0.5])
        """
        return diagnostics.balance(self.W, self.F)


class _Matrices:
    """What the losses share: the flow that a drive makes, and solving it."""

    def __init__(self, setting):
        self.setting = _checks.instance("setting", setting, Setting, hint=", such as Setting(sigma2=0.5, rho=0.05)")
        # Away from isotropy F alone does not determine the covariance of the features.
        setting.isotropic(type(self).__name__)

    def drive(self, W, F):
        r"""Drive :math:`G = E[g u^\top]`: what the loss alone adds to dW/dt.

        Parameters
        ----------
        W, F : array of shape (h, h)
            Head, and symmetric positive semi-definite feature matrix (dimensionless).

        Returns
        -------
        array of shape (h, h)

        Raises
        ------
        TypeError, ValueError
            If a matrix is not square, shapes differ, or F is not symmetric positive semi-definite.

        Examples
        --------
        >>> L2Matrices(Setting(sigma2=0.5, rho=0.0)).drive([[0.5]], [[1.0]])
        array([[0.25]])
        """
        return self._drive(*_pair(W, F))

    def velocity(self, W, F):
        r"""Velocities :math:`dW/dt = G - \rho W` and :math:`dF/dt = W^\top G + G^\top W - 2 \rho F`.

        Parameters
        ----------
        W, F : array of shape (h, h)
            Head, and symmetric positive semi-definite feature matrix (dimensionless).

        Returns
        -------
        tuple of two arrays of shape (h, h)

        Raises
        ------
        TypeError, ValueError
            If a matrix is not square, shapes differ, or F is not symmetric positive semi-definite.

        Examples
        --------
        >>> dW, dF = L2Matrices(Setting(sigma2=0.5, rho=0.0)).velocity([[0.5]], [[1.0]])
        >>> dF
        array([[0.25]])
        """
        return self._velocity(*_pair(W, F))

    def _velocity(self, W, F):
        G = self._drive(W, F)
        WG = W.T @ G
        return G - self.setting.rho * W, WG + WG.T - 2 * self.setting.rho * F

    def solve(self, W0, F0, times, tolerance=RELATIVE_TOLERANCE):
        """Integrate both matrices.

        Parameters
        ----------
        W0, F0 : array of shape (h, h)
            Matrices at ``times[0]`` (dimensionless), F0 symmetric positive semi-definite.
        times : array of shape (T,)
            Strictly increasing gradient-flow times.
        tolerance : float, optional
            Relative error of a step, between 1e-12 and 1e-2.

        Returns
        -------
        MatrixTrajectory

        Raises
        ------
        TypeError, ValueError
            If a matrix is not square, shapes differ, F0 is not symmetric positive semi-definite, `times` are not
            sorted, or `tolerance` is out of bounds.

        Examples
        --------
        >>> run = L2Matrices(Setting(sigma2=0.5, rho=0.3)).solve(np.eye(2), np.eye(2), [0.0, 100.0])
        >>> bool(run.F[-1].max() < 1e-12)
        True
        """
        W0, F0 = _pair(W0, F0, names=("W0", "F0"))
        tolerance = _checks.tolerance(tolerance)
        h = len(W0)

        def velocity(t, y):
            W, F = y.reshape(2, h, h)
            return np.concatenate([part.ravel() for part in self._velocity(W, F)])

        start = np.concatenate([W0.ravel(), F0.ravel()])
        t, y, status = integrate(velocity, start, times, name="W0, F0", tolerance=tolerance)
        W, F = np.moveaxis(y.reshape(-1, 2, h, h), 1, 0)
        return MatrixTrajectory(self.setting, t, W, F, status)


class L2Matrices(_Matrices):
    r"""L2 loss on head and feature matrix, exact for isotropic Gaussian data.

    .. math::
        G = \lambda F - s W F, \qquad \frac{dW}{dt} = G - \rho W, \qquad
        \frac{dF}{dt} = W^\top G + G^\top W - 2 \rho F .

    Parameters
    ----------
    setting : Setting
        With one eigenvalue `spectrum`.

    Raises
    ------
    TypeError, ValueError
        If `setting` is not a Setting with one eigenvalue.

    References
    ----------
    Tian, Chen and Ganguli, arXiv 2102.06810; Bao, arXiv 2309.16109, section 3.

    Examples
    --------
    >>> mats = L2Matrices(Setting(sigma2=0.5, rho=0.05))
    >>> mats.drive(np.eye(2), np.eye(2))
    array([[-0.5,  0. ],
           [ 0. , -0.5]])
    """

    def _drive(self, W, F):
        return self.setting.spectrum * F - self.setting.s * (W @ F)


@dataclass(frozen=True, eq=False)
class CosineMatrixTrajectory(MatrixTrajectory):
    r"""Head and feature matrix over time under the cosine loss, with their shape on the clock of weight decay.

    Attributes
    ----------
    setting, t, W, F, status
        As for :class:`MatrixTrajectory`.
    tau : array of shape (T,)
        Clock :math:`\tau = (e^{2 \rho t} - 1) / (2 \rho)`, from the first time.
    shape_W, shape_F : array of shape (T, h, h)
        Weights with the decay taken out, :math:`e^{\rho t} W` and :math:`e^{2 \rho t} F`.

    Examples
    --------
    >>> run = CosineMatrices(Setting(sigma2=0.5, rho=1.0)).solve(np.eye(2), np.eye(2), [0.0, 1.0])
    >>> run.shape_W[-1].round(6) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """

    tau: np.ndarray = None
    shape_W: np.ndarray = None
    shape_F: np.ndarray = None


class CosineMatrices(_Matrices):
    r"""Cosine loss on head and feature matrix, no symmetry assumed, with a choice of how its averages are closed.

    - ``"leading"``: :math:`G = \frac{1}{N_\Phi N_\Psi} \bigl( \lambda F - \frac{s N_\times}{N_\Psi^2} W F \bigr)`;
    - ``"sixth-order"``: the paper's, :math:`G = \frac{1}{N_\Phi N_\Psi} \bigl[ \lambda F - \frac{s}{N_\Psi^2} W
      (\lambda F W^\top F + \lambda F W F + N_\times F) \bigr]`;
    - ``"exact"``: no limit taken, :func:`cosine_matrices`.

    Parameters
    ----------
    setting : Setting
        With one eigenvalue `spectrum`.
    closure : {"exact", "leading", "sixth-order"}

    Raises
    ------
    TypeError, ValueError
        If `setting` is not a Setting with one eigenvalue, or the closure is unknown.

    References
    ----------
    Bao, arXiv 2309.16109, section 4, for the sixth-order closure; the others are ours.

    Examples
    --------
    >>> CosineMatrices(Setting(sigma2=0.5, rho=0.0), "leading").drive(np.eye(2), np.eye(2)).round(9) + 0.0
    array([[0., 0.],
           [0., 0.]])
    """

    def __init__(self, setting, closure="exact"):
        super().__init__(setting)
        self.closure = _checks.choice("closure", closure, ("exact", "leading", "sixth-order"))

    def _drive(self, W, F):
        if self.closure == "exact":
            return matrices_drive(W, F, self.setting)
        WF = W @ F
        return self._closed(F, WF, np.trace(F), np.vdot(W, WF), np.vdot(W.T, F), lambda: WF @ (WF + W.T @ F))

    def _push(self, W, A):
        """What the loss alone does to the head and to a factor of the features, F = A A^T, without check."""
        if self.closure == "exact":
            return matrices_push(W, A, self.setting)
        WA = W @ A
        traces = np.vdot(A, A), np.vdot(WA, WA), np.vdot(A, WA)
        XA = self._closed(A, WA, *traces, lambda: WA @ (A.T @ (WA + W.T @ A)))
        return XA @ A.T, W.T @ XA

    def _closed(self, Y, WY, features, predictions, cross, sixth):
        """X Y, of the drive G = X F in closed form, from three traces and what the sixth order adds: Y is F or A."""
        s, signal = self.setting.s, self.setting.spectrum
        if features <= 0 or predictions <= 0:
            raise ValueError("W, F: features or predictions are all 0; the cosine loss is not defined there")
        along = cross * WY + sixth() if self.closure == "sixth-order" else cross * WY
        return signal / s * (Y - along / predictions) / math.sqrt(features * predictions)

    def solve(self, W0, F0, times, tolerance=1e-9):
        r"""Integrate both matrices.

        The shape :math:`e^{\rho t} (W, A)` is integrated on the clock of weight decay and on a logarithmic scale, with
        a factor A of the features, :math:`F = A A^\top`; so decay costs no digits, however small the weights become,
        and F stays positive semi-definite. :math:`|W|_F` and :math:`\operatorname{tr} F` are conserved to rounding (but
        in the "sixth-order" closure), imbalance to the tolerance. Beyond :math:`\tau = 10^8 |W|_F^2` the shape is
        held.

        Parameters
        ----------
        W0, F0 : array of shape (h, h)
            Matrices at ``times[0]`` (dimensionless), F0 symmetric positive semi-definite.
        times : array of shape (T,)
            Strictly increasing gradient-flow times. Above h = 12 steps are explicit, and the work grows with the
            clock, that is as exp(2 rho t).
        tolerance : float, optional
            Relative error of a step, between 1e-12 and 1e-2.

        Returns
        -------
        CosineMatrixTrajectory
            ``.status`` is "singular" with its time where a closure lets the head die in finite time.

        Raises
        ------
        TypeError, ValueError
            If a matrix is not square, shapes differ, F0 is not symmetric positive semi-definite, features or
            predictions vanish, `times` are not sorted, or `tolerance` is out of bounds.

        Examples
        --------
        >>> W = np.array([[0.5, 0.2], [0.0, 0.4]])
        >>> run = CosineMatrices(Setting(sigma2=0.5, rho=0.1)).solve(W, np.eye(2), [0.0, 5.0])
        >>> bool(abs(np.linalg.norm(run.W[-1]) / np.linalg.norm(run.W[0]) - np.exp(-0.5)) < 1e-8)
        True
        """
        W0, F0 = _pair(W0, F0, names=("W0", "F0"))
        tolerance = _checks.tolerance(tolerance)
        h = len(W0)
        self._drive(W0, F0)  # raises where the loss is not defined
        # In units of the start: the drive is of degree -1, and no size of the weights over- or underflows.
        unit = np.max(np.abs(W0))
        y0 = np.stack([W0, _factor(F0)]) / unit
        sizes = np.sum(y0**2, axis=(1, 2), keepdims=True)
        conserving = self.closure != "sixth-order"

        def velocity(y):
            y = y.reshape(2, h, h)
            push = np.stack(self._push(*y))
            if conserving:
                # Exactly so, where on a long clock rounding and quadrature would not.
                push = push - y * (np.sum(push * y, axis=(1, 2)) / np.sum(y * y, axis=(1, 2)))[:, None, None]
            return (scale * push).ravel()

        def predictions(y):
            W, A = y.reshape(2, h, h)
            return np.linalg.norm(W @ A)

        scale = float(sizes[0, 0, 0])
        times, tau, y, status = on_clock(
            velocity,
            y0.ravel(),
            times,
            self.setting.rho,
            unit * np.sqrt(scale),
            vanishing=predictions,
            name="W0, F0",
            stiff=h <= _IMPLICIT,
            tolerance=tolerance,
            longest=_LONGEST,
            most=_STEPS if h <= _IMPLICIT else math.inf,
            least=1.0,  # beside the weights a small entry is rounding, which steps would be spent on for ever
        )
        y = y.reshape(-1, 2, h, h)
        if conserving:
            y = y * np.sqrt(sizes / np.sum(y**2, axis=(2, 3), keepdims=True))
        W, F = unit * y[:, 0], unit * (y[:, 1] @ y[:, 1].mT) * unit
        left = fade(times, self.setting.rho)[:, None, None]
        return CosineMatrixTrajectory(self.setting, times, W * left, F * left**2, status, tau, W, F)


def _factor(F):
    """A square A with ``A A^T = F``."""
    f, Q = np.linalg.eigh((F + F.T) / 2)
    return Q * np.sqrt(np.maximum(f, 0.0))


def _pair(W, F, names=("W", "F")):
    """Head and feature matrix, checked."""
    W, F = _checks.matrix(names[0], W), _checks.feature_matrix(names[1], F)
    for name, M in zip(names, (W, F), strict=True):
        _checks.one_matrix(name, M)
    _checks.same_shape(**dict(zip(names, (W, F), strict=True)))
    return W, F
