"""What is recorded of a deep run, and what the theory sees in it."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np

from .._solve import Status
from ..flows import SixthOrderFlow, ThirdOrderFlow
from ..norms import Norms
from ..regimes import Regime
from ..runs import Recorded
from ..setting import Setting
from .encoders import Encoder, features_of


@dataclass(frozen=True, eq=False)
class DeepRun(Recorded):
    r"""A record of training, with what the theory looks at.

    Attributes
    ----------
    rho : float
    loss_name : str
    step, t : array of shape (T,)
        Steps, and the gradient-flow times that they make.
    W : array of shape (T, h, h)
        Head.
    bias : array of shape (T, h)
        Its bias, 0 if it has none.
    F : array of shape (T, h, h)
        :math:`F = \Phi \Phi^\top` of the last layer.
    covariance, cross : array of shape (T, h, h)
        :math:`E[u u^\top]` and :math:`E[v u^\top]` on pairs of views that are drawn once; of centred features, unless
        the run was not centred.
    norm_spread : array of shape (T,)
        Standard deviation of :math:`|v|^2` over its mean.
    alignment : array of shape (T,)
        Mean cosine between prediction and target.
    loss : array of shape (T,)
        On the same pairs, weight decay left out.
    encoder : Encoder
        As it was at the last record.
    status : Status
        ``"ok"``, ``"blow-up"``, ``"singular"`` (features vanished) or ``"interrupted"``, with the time at which it
        broke off; the arrays end with the last record before that.

    Examples
    --------
    >>> from ncl_lib.deep import Augmentation, linear_encoder, train_deep
    >>> source = lambda n, rng: rng.standard_normal((n, 6))
    >>> noise = Augmentation(noise=0.5)
    >>> run = train_deep(linear_encoder(6, 3, seed=0), source, noise, rho=0.05, steps=20, batch=32, seed=1)
    >>> run.W.shape, str(run.status)
    ((21, 3, 3), 'ok')
    """

    rho: float
    loss_name: str
    step: np.ndarray
    t: np.ndarray
    W: np.ndarray
    bias: np.ndarray
    F: np.ndarray
    covariance: np.ndarray
    cross: np.ndarray
    norm_spread: np.ndarray
    alignment: np.ndarray
    loss: np.ndarray
    encoder: Encoder = field(repr=False)
    status: Status

    @property
    def moments(self):
        """Second moments of features, shape (T, h, h), the same as `covariance`.

        Examples
        --------
        >>> from ncl_lib.deep import Augmentation, linear_encoder, train_deep
        >>> source = lambda n, rng: rng.standard_normal((n, 6))
        >>> noise = Augmentation(noise=0.5)
        >>> run = train_deep(linear_encoder(6, 3, seed=0), source, noise, rho=0.05, steps=2, batch=32, seed=1)
        >>> run.moments is run.covariance
        True
        """
        return self.covariance

    @property
    def norms(self):
        r"""Root-mean-square lengths of features and predictions, and their mean product, from the recorded moments.

        Examples
        --------
        >>> from ncl_lib.deep import Augmentation, linear_encoder, train_deep
        >>> source = lambda n, rng: rng.standard_normal((n, 6))
        >>> noise = Augmentation(noise=0.5)
        >>> run = train_deep(linear_encoder(6, 3, seed=0), source, noise, rho=0.05, steps=2, batch=32, seed=1)
        >>> run.norms.phi.shape
        (3,)
        """
        squares = (np.einsum("tii->t", M) for M in (self.covariance, self.W @ self.covariance @ self.W.mT))
        phi, psi = (np.sqrt(np.maximum(square, 0.0)) for square in squares)
        return Norms(phi, psi, np.einsum("tij,tji->t", self.W, self.cross))

    @property
    def regimes(self):
        r"""Regime of each head eigenvalue, in the flow of the theory with the numbers of that moment, shape (T, h).

        Signal and noise are measured per unit of the last layer, :math:`\lambda = \operatorname{tr} E[v u^\top] /
        \operatorname{tr} F` and :math:`\lambda + \sigma^2 = \operatorname{tr} E[u u^\top] / \operatorname{tr} F`; the
        norms are the root-mean-square lengths of target and prediction. COLLAPSE where there is no signal.

        Examples
        --------
        >>> from ncl_lib.deep import Augmentation, linear_encoder, train_deep
        >>> source = lambda n, rng: rng.standard_normal((n, 6))
        >>> noise = Augmentation(noise=0.5)
        >>> run = train_deep(linear_encoder(6, 3, seed=0), source, noise, rho=0.05, steps=2, batch=32, seed=1)
        >>> run.regimes.shape
        (3, 3)
        """
        found = []
        norms = self.norms
        for k, w in enumerate(self.heads):
            size, total, signal = (np.trace(M[k]) for M in (self.F, self.covariance, self.cross))
            if not (signal > 0 and total >= signal):
                found.append(np.full(len(w), Regime.COLLAPSE))
                continue
            setting = Setting(float(total - signal) / size, self.rho, float(signal / size))
            if self.loss_name == "l2":
                found.append(ThirdOrderFlow(setting).regime(w))
            else:
                now = Norms(*(float(values[k]) for values in (norms.phi, norms.psi, norms.cross)))
                found.append(SixthOrderFlow(setting, now).regime(w))
        return np.array(found)

    def features(self, x):
        """Features of data `x` by the trained encoder, shape (n, h), double precision.

        Examples
        --------
        >>> from ncl_lib.deep import Augmentation, linear_encoder, train_deep
        >>> source = lambda n, rng: rng.standard_normal((n, 6))
        >>> noise = Augmentation(noise=0.5)
        >>> run = train_deep(linear_encoder(6, 3, seed=0), source, noise, rho=0.05, steps=2, batch=32, seed=1)
        >>> run.features(np.ones((5, 6))).shape
        (5, 3)
        """
        # In pieces, so that a large data set needs no more memory than a batch.
        pieces = [np.asarray(features_of(self.encoder, jnp.asarray(x[k : k + 2048]))) for k in range(0, len(x), 2048)]
        return np.concatenate(pieces).astype(float)


def about_mean(u, centred):
    """Return features about their mean over the batch, or as they are."""
    return u - u.mean(axis=0) if centred else u


def measure(model, x, x2, kind, centred):
    """What is recorded, on fixed pairs of views; sums in double precision."""
    u, v = (about_mean(np.asarray(features_of(model["encoder"], views), float), centred) for views in (x, x2))
    W, bias, last = (np.asarray(part, float) for part in (model["W"], model["bias"], model["encoder"].last))
    p, n, sizes = u @ W.T + bias, len(u), np.sum(v * v, axis=1)
    with np.errstate(all="ignore"):
        cosine = np.mean(np.sum(p * v, axis=1) / np.sqrt(np.sum(p * p, axis=1) * sizes))
        loss = np.mean(np.sum((p - v) ** 2, axis=1)) / 2 if kind == "l2" else -cosine
        moments = dict(covariance=(u.T @ u + v.T @ v) / (2 * n), cross=(v.T @ u + u.T @ v) / (2 * n))
        spread = np.std(sizes) / np.mean(sizes)
    return dict(W=W, bias=bias, F=last @ last.T, **moments, norm_spread=spread, alignment=cosine, loss=loss)
