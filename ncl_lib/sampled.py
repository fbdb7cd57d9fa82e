"""Averages by sampling, with their standard errors: what exact averages are checked against, and what they cannot give.

Each value is a mean over batches, and its standard error is read off their spread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from . import _checks
from .losses import Loss
from .network import LinearNetwork
from .setting import Setting
from .views import views_of

_BATCHES = 20  # enough for a standard error that is itself known to a sixth


@dataclass(frozen=True, eq=False)
class Sampled:
    """Drive of a loss, by sampling.

    Attributes
    ----------
    drive : array
        The G of the theory: shape (h,) for modes, (h, h) for matrices (dimensionless).
    error : array
        Its standard errors, of the same shape.
    alignment, alignment_error : float
        Mean cosine between prediction and target, and its standard error; nan where predictions vanish.

    Examples
    --------
    >>> found = sampled_modes([0.5], [1.0], Setting(sigma2=0.0, rho=0.0), 2000, np.random.default_rng(0))
    >>> found.drive.shape, found.error.shape
    ((1,), (1,))
    """

    drive: np.ndarray
    error: np.ndarray
    alignment: float
    alignment_error: float


def sampled_modes(w, f, setting, draws, rng, *, data=None, loss="cosine"):
    r"""Drive on eigenmodes, :math:`G_j = E[g_j u_j]`, by sampling pairs of views.

    Parameters
    ----------
    w, f : array of shape (h,)
        Head and feature eigenvalues (dimensionless), f >= 0.
    setting : Setting
    draws : int
        Pairs of views, >= 20; they are drawn in twenty batches.
    rng : numpy.random.Generator
    data : callable, optional
        ``data(n, rng)`` draws n data of shape (n, h) in place of Gaussian ones, one coordinate a mode; the spectrum of
        the setting is then not used.
    loss : {"l2", "cosine", "iso"} or Loss, optional
        One that has a head.

    Returns
    -------
    Sampled

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds.

    Examples
    --------
    >>> from ncl_lib import cosine_modes
    >>> setting = Setting(sigma2=0.5, rho=0.0)
    >>> found = sampled_modes([0.3, 0.6], [1.0, 0.5], setting, 40_000, np.random.default_rng(0))
    >>> exact = cosine_modes([0.3, 0.6], [1.0, 0.5], setting)
    >>> bool(np.all(np.abs(found.drive - exact.drive) < 5 * found.error))
    True
    """
    w, f = _checks.array("w", w, ndim=1), _checks.array("f", f, ndim=1, nonnegative=True)
    _checks.same_shape(w=w, f=f)
    found, cosines = _batches(LinearNetwork(np.diag(np.sqrt(f)), np.diag(w)), setting, draws, rng, data, loss)
    return _sampled(np.diagonal(found, axis1=1, axis2=2), cosines)


def sampled_matrices(network, setting, draws, rng, *, data=None, loss="cosine"):
    r"""Drive on the head, :math:`G = E[g u^\top]`, of a linear network, by sampling pairs of views.

    Parameters
    ----------
    network : LinearNetwork
    setting : Setting
        `spectrum` may be one number or one for each of the d input coordinates.
    draws : int
        Pairs of views, >= 20; they are drawn in twenty batches.
    rng : numpy.random.Generator
    data : callable, optional
        ``data(n, rng)`` draws n data of shape (n, d) in place of Gaussian ones; the spectrum of the setting is then
        not used.
    loss : {"l2", "cosine", "iso"} or Loss, optional
        One that has a head.

    Returns
    -------
    Sampled

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds.

    Examples
    --------
    >>> from ncl_lib import cosine_matrices
    >>> rng, setting = np.random.default_rng(0), Setting(sigma2=0.5, rho=0.0)
    >>> network = LinearNetwork.random(6, 2, rng)
    >>> found = sampled_matrices(network, setting, 40_000, rng)
    >>> exact = cosine_matrices(network.W, network.F, setting)
    >>> bool(np.all(np.abs(found.drive - exact.drive) < 5 * found.error))
    True
    """
    _checks.instance("network", network, LinearNetwork)
    return _sampled(*_batches(network, setting, draws, rng, data, loss))


@dataclass(frozen=True, eq=False)
class Pushes:
    """Minus the gradients of a loss on single batches.

    Attributes
    ----------
    W : array of shape (n, h, h)
    Phi : array of shape (n, h, d)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = LinearNetwork.random(6, 3, rng)
    >>> pushes = sampled_pushes(network, Setting(sigma2=0.5, rho=0.0), loss="cosine", batch=8, count=5, rng=rng)
    >>> pushes.W.shape, pushes.Phi.shape
    ((5, 3, 3), (5, 3, 6))
    """

    W: np.ndarray
    Phi: np.ndarray

    @property
    def squared(self):
        """Squared lengths of the pushes on the head, shape (n,).

        Examples
        --------
        >>> Pushes(np.ones((1, 2, 2)), np.ones((1, 2, 3))).squared
        array([4.])
        """
        return np.sum(self.W**2, axis=(1, 2))


def sampled_pushes(network, setting, *, loss="cosine", batch, count, rng, data=None):
    r"""How single batches push a network: the steps of :func:`~ncl_lib.train` without decay, over the learning rate.

    Parameters
    ----------
    network : LinearNetwork
    setting : Setting
    loss : {"l2", "cosine", "iso"} or Loss, optional
        One that has a head.
    batch, count : int
        Pairs of views in a batch, and batches.
    rng : numpy.random.Generator
    data : callable, optional
        As in :func:`sampled_matrices`.

    Returns
    -------
    Pushes

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds.

    Examples
    --------
    A loss that is blind to scale pushes at right angles to the weights, on each batch.

    >>> rng = np.random.default_rng(0)
    >>> network = LinearNetwork.random(6, 3, rng)
    >>> pushes = sampled_pushes(network, Setting(sigma2=0.5, rho=0.0), loss="cosine", batch=8, count=5, rng=rng)
    >>> bool(np.abs(np.sum(pushes.W * network.W, axis=(1, 2))).max() < 1e-12)
    True
    """
    _checks.instance("network", network, LinearNetwork)
    count = _checks.integer("count", count, minimum=1)
    views, loss = _drawing(network, setting, batch, rng, data, loss)
    found = Pushes(np.empty((count, *network.W.shape)), np.empty((count, *network.Phi.shape)))
    for k in range(count):
        z, u, v, xi = views.sample(network.Phi, network.Phi)
        _, on_u, on_v, on_W = loss.pushes(u, v, network.W)
        found.W[k] = on_W / len(u)
        found.Phi[k] = views.against_x(on_u, z) / len(u)
        if not loss.stop_gradient:
            found.Phi[k] += views.against_other(on_v, z, xi) / len(u)
    return found


def _drawing(network, setting, batch, rng, data, loss):
    """What draws batches of views, and the loss."""
    _checks.instance("setting", setting, Setting)
    if data is None:
        setting.fits_inputs(network.Phi.shape[1])
    batch, rng, loss = _checks.integer("batch", batch, minimum=1), _checks.generator(rng), Loss.of(loss)
    if not loss.head:
        raise ValueError(f"loss={loss.name!r}: has no head, and so no drive on one")
    return views_of(network, setting, batch, rng, data, whole=not loss.stop_gradient), loss


def _batches(network, setting, draws, rng, data, loss):
    """Drives and mean cosines of twenty batches."""
    draws = _checks.integer("draws", draws, minimum=_BATCHES)
    views, loss = _drawing(network, setting, draws // _BATCHES, rng, data, loss)
    drives, cosines = [], []
    with np.errstate(divide="ignore", invalid="ignore"):  # predictions may vanish, and have no direction then
        for _ in range(_BATCHES):
            _, u, v, _ = views.sample(network.Phi, network.Phi)
            p = u @ network.W.T
            drives.append(loss.pushes(u, v, network.W)[3] / len(u))
            lengths = np.linalg.norm(p, axis=1) * np.linalg.norm(v, axis=1)
            cosines.append(np.mean(np.sum(p * v, axis=1) / lengths))
    if not np.all(np.isfinite(drives)):
        raise ValueError(f"loss={loss.name!r}: is not defined where features or predictions are all 0")
    return np.array(drives), np.array(cosines)


def _sampled(drives, cosines):
    """Means and standard errors over batches."""
    root = math.sqrt(len(drives))
    spread = drives.std(axis=0, ddof=1) / root
    return Sampled(drives.mean(axis=0), spread, float(cosines.mean()), float(cosines.std(ddof=1) / root))


def gradient_error(loss, rng, n=8, h=3, step=1e-6):
    r"""How far the pushes of a loss are from minus its gradient, on random features and a random head.

    Parameters
    ----------
    loss : Loss
    rng : numpy.random.Generator
    n, h : int, optional
        Samples of a batch, and width of the features.
    step : float, optional
        Of the central differences, > 0.

    Returns
    -------
    float
        Largest difference over the largest push on the features: about 1e-8 if the pushes are right. Those on targets
        and head count where the loss has a use for them.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds.

    Examples
    --------
    >>> from ncl_lib.losses import COSINE, Loss
    >>> bool(gradient_error(COSINE, np.random.default_rng(0)) < 1e-7)
    True
    >>> half = Loss.of_predictions("half", lambda p, v: (np.sum((v - p) ** 2) / len(p), v - p, p - v))
    >>> bool(gradient_error(half, np.random.default_rng(0)) > 0.5)  # a factor of 2 is missing
    True
    """
    _checks.instance("loss", loss, Loss)
    rng, n, h = _checks.generator(rng), _checks.integer("n", n, minimum=1), _checks.integer("h", h, minimum=1)
    step = _checks.number("step", step, above=0)
    (u, v), W = rng.standard_normal((2, n, h)), rng.standard_normal((h, h)) if loss.head else np.eye(h)
    points = [u, v, W]
    pushes = dict(enumerate(loss.pushes(u, v, W)[1:]))
    if not loss.head:
        del pushes[2]
    if loss.stop_gradient and pushes[1] is None:
        del pushes[1]
    worst = 0.0
    for k, push in pushes.items():
        for place in np.ndindex(points[k].shape):
            values = []
            for sign in (1, -1):
                moved = [point.copy() for point in points]
                moved[k][place] += sign * step
                values.append(loss.pushes(*moved)[0])
            worst = max(worst, abs(push[place] + n * (values[0] - values[1]) / (2 * step)))
    return float(worst / (np.abs(pushes[0]).max() or 1.0))
