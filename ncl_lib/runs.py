"""The record of a run of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import diagnostics
from ._solve import Status
from .expectations import alignment
from .norms import Norms
from .setting import Setting

if TYPE_CHECKING:
    from .network import LinearNetwork


@dataclass(frozen=True, eq=False)
class Run:
    """A record of training.

    Attributes
    ----------
    setting : Setting
    t : array of shape (T,)
        Gradient-flow times, learning rate x steps.
    W, F : array of shape (T, h, h)
        Head and feature matrix (dimensionless); the head is the identity in a run without head.
    loss : array of shape (T,)
        Loss on the batch of that step, weight decay left out (dimensionless).
    target_ratio : array of shape (T,)
        <Phi_target, Phi> / <Phi, Phi>: 1 without a moving-average target, inf when Phi is 0.
    network : LinearNetwork
        As training left it.
    status : Status
        ``"ok"``; ``"blow-up"``, also where a loss or its pushes are not finite; ``"singular"``, features vanished under
        a loss that divides by them; or ``"interrupted"``; with the time at which it broke off, where the arrays end.

    Examples
    --------
    >>> from ncl_lib import LinearNetwork, Setting, train
    >>> rng = np.random.default_rng(0)
    >>> start = LinearNetwork.random(6, 3, rng)
    >>> run = train(start, Setting(sigma2=0.5, rho=0.05), steps=20, batch=32, rng=rng, record_every=10)
    >>> run.t, run.W.shape, str(run.status)
    (array([0. , 0.1, 0.2]), (3, 3, 3), 'ok')
    """

    setting: Setting
    t: np.ndarray
    W: np.ndarray
    F: np.ndarray
    loss: np.ndarray
    target_ratio: np.ndarray
    network: LinearNetwork
    status: Status

    @property
    def norms(self):
        """The three norms of the cosine loss along the run, a :class:`Norms` of arrays of shape (T,).

        Examples
        --------
        >>> from ncl_lib import LinearNetwork, Setting, train
        >>> rng = np.random.default_rng(0)
        >>> start = LinearNetwork(np.eye(2), np.eye(2))
        >>> train(start, Setting(sigma2=0.0, rho=0.0), steps=1, batch=8, rng=rng).norms.phi[0].round(9)
        np.float64(1.414213562)
        """
        return Norms.of_matrices(self.W, self.F, self.setting)

    @property
    def balance(self):
        r"""Imbalance :math:`F - W^\top W` along the run, shape (T, h, h).

        Examples
        --------
        >>> from ncl_lib import LinearNetwork, Setting, train
        >>> rng = np.random.default_rng(0)
        >>> start = LinearNetwork(np.eye(2), np.eye(2))
        >>> train(start, Setting(sigma2=0.0, rho=0.0), steps=1, batch=8, rng=rng).balance[0]
        array([[0., 0.],
               [0., 0.]])
        """
        return diagnostics.balance(self.W, self.F)

    @property
    def effective_rank(self):
        r"""Participation ratio of the features along the run, shape (T,).

        Examples
        --------
        >>> from ncl_lib import LinearNetwork, Setting, train
        >>> rng = np.random.default_rng(0)
        >>> start = LinearNetwork(np.eye(2), np.eye(2))
        >>> train(start, Setting(sigma2=0.0, rho=0.0), steps=1, batch=8, rng=rng).effective_rank
        array([2., 2.])
        """
        return diagnostics.participation_ratio(self.F)

    @property
    def alignment(self):
        r"""Exact mean cosine between prediction and target along the run, shape (T,); see :func:`alignment`.

        Examples
        --------
        >>> from ncl_lib import LinearNetwork, Setting, train
        >>> rng = np.random.default_rng(0)
        >>> start = LinearNetwork(np.eye(2), np.eye(2))
        >>> train(start, Setting(sigma2=0.0, rho=0.0), steps=1, batch=8, rng=rng).alignment.round(6)
        array([1., 1.])
        """
        return np.array([alignment(W, F, self.setting) for W, F in zip(self.W, self.F, strict=True)])


class Records:
    """What is written down of a run, into arrays made beforehand: a list would need the same memory once more."""

    def __init__(self, h, most):
        self.count, self.Phi = 0, None
        self.columns = np.empty(most, int), *(np.empty((most, h, h)) for _ in "WF"), *(np.empty(most) for _ in "lr")

    def add(self, k, Phi, W, target, value):
        """Write down step `k`."""
        ratio = np.vdot(target, Phi) / size if (size := np.vdot(Phi, Phi)) > 0 else np.inf
        self.Phi = Phi.astype(float)
        row = k, W, self.Phi @ self.Phi.T, value, ratio
        for column, entry in zip(self.columns, row, strict=True):
            column[self.count] = entry
        self.count += 1

    def arrays(self):
        """Steps, heads, feature matrices, losses, target ratios."""
        return [column[: self.count] for column in self.columns]
