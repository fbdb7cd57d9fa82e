"""The record of a run of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import diagnostics
from ._solve import Status
from .expectations import alignment
from .flows import ThirdOrderFlow
from .norms import Norms
from .regimes import regimes_of
from .setting import Setting

if TYPE_CHECKING:
    from .network import LinearNetwork


class Recorded:
    """What can be asked of the record of any run of training, of a linear network or a deep one.

    A run has times `t`, heads `W` and feature matrices `F` of shape (T, h, h), the name of its loss and its `rho`.
    """

    @property
    def heads(self):
        """Eigenvalues of the symmetric part of the head, ascending, shape (T, h).

        Examples
        --------
        >>> from ncl_lib import LinearNetwork, Setting, train
        >>> rng = np.random.default_rng(0)
        >>> start = LinearNetwork(np.eye(2), np.diag([1.0, 0.5]))
        >>> train(start, Setting(sigma2=0.0, rho=0.0), steps=1, batch=8, rng=rng).heads[0]
        array([0.5, 1. ])
        """
        return np.linalg.eigvalsh((self.W + self.W.mT) / 2)

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
        return self.F - self.W.mT @ self.W

    @property
    def commutator(self):
        """Relative commutator of head and second moments of features, shape (T,); nan where one of them vanishes.

        Examples
        --------
        >>> from ncl_lib import LinearNetwork, Setting, train
        >>> rng = np.random.default_rng(0)
        >>> start = LinearNetwork(np.eye(2), np.eye(2))
        >>> train(start, Setting(sigma2=0.0, rho=0.0), steps=1, batch=8, rng=rng).commutator
        array([0., 0.])
        """
        return _where_alive(diagnostics.commutator, self.W, self.moments)

    @property
    def effective_rank(self):
        r"""Participation ratio of the second moments of features, shape (T,); nan where features vanish.

        Examples
        --------
        >>> from ncl_lib import LinearNetwork, Setting, train
        >>> rng = np.random.default_rng(0)
        >>> start = LinearNetwork(np.eye(2), np.eye(2))
        >>> train(start, Setting(sigma2=0.0, rho=0.0), steps=1, batch=8, rng=rng).effective_rank
        array([2., 2.])
        """
        return _where_alive(diagnostics.participation_ratio, self.moments)


def _where_alive(measure, *stacks):
    """A relative measure at each time, nan where a matrix is 0."""
    found = np.full(len(stacks[0]), np.nan)
    there = np.all([np.any(stack, axis=(1, 2)) for stack in stacks], axis=0)
    if np.any(there):
        found[there] = measure(*(stack[there] for stack in stacks))
    return found


@dataclass(frozen=True, eq=False)
class Run(Recorded):
    """A record of training.

    Attributes
    ----------
    setting : Setting
    t : array of shape (T,)
        Gradient-flow times, learning rate x steps; with a heavy ball over 1 - momentum.
    W, F : array of shape (T, h, h)
        Head and feature matrix (dimensionless); the head is the identity in a run without head.
    loss : array of shape (T,)
        Loss on the batch of that step, weight decay left out (dimensionless).
    target_ratio : array of shape (T,)
        <Phi_target, Phi> / <Phi, Phi>: 1 without a moving-average target, inf when Phi is 0.
    network : LinearNetwork
        As training left it.
    loss_name : str
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
    loss_name: str
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
    def rho(self):
        """Weight decay.

        Examples
        --------
        >>> from ncl_lib import LinearNetwork, Setting, train
        >>> rng = np.random.default_rng(0)
        >>> train(LinearNetwork([[1.0]], [[1.0]]), Setting(0.5, 0.1), steps=1, batch=8, rng=rng).rho
        0.1
        """
        return self.setting.rho

    @property
    def moments(self):
        """Second moments of features up to a factor, shape (T, h, h): F, where data are alike in all directions.

        Examples
        --------
        >>> from ncl_lib import LinearNetwork, Setting, train
        >>> rng = np.random.default_rng(0)
        >>> train(LinearNetwork([[1.0]], [[1.0]]), Setting(0.5, 0.1), steps=1, batch=8, rng=rng).moments[0]
        array([[1.]])
        """
        return self.F

    @property
    def regimes(self):
        """Regime of each eigenvalue of the head at each time, shape (T, h).

        Under the cubic flow for the L2 loss; under the sixth-order flow with the norms of that moment for losses that
        are blind to scale. No other loss has any (ValueError).

        Examples
        --------
        >>> from ncl_lib import LinearNetwork, Setting, train
        >>> rng = np.random.default_rng(0)
        >>> start = LinearNetwork(np.eye(2), np.diag([0.6, -0.2]))
        >>> run = train(start, Setting(sigma2=0.5, rho=0.05), steps=1, batch=8, rng=rng)
        >>> [regime.value for regime in run.regimes[0]]
        ['acute', 'stable']
        """
        if self.loss_name == "l2":
            return ThirdOrderFlow(self.setting).regime(self.heads)
        if self.loss_name in ("cosine", "iso"):
            return regimes_of(self.heads, self.norms, self.setting)
        raise ValueError(f"loss_name={self.loss_name!r}: regimes are known for 'l2', 'cosine' and 'iso'")

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
