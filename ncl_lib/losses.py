r"""Losses that `train` takes, behind one small interface, and heads that are set from the features.

A loss is a function of the online features u, the target features v (both of shape (n, h)) and the head W, and says how
hard it pushes on each of the three. Whoever has written such a function has a :class:`Loss`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from . import _checks
from ._predictions import cosine, cosine_held, iso, l2, l2_held, of_held, of_predictions


@dataclass(frozen=True)
class Loss:
    r"""A loss, by its pushes: what gradient descent would add.

    Attributes
    ----------
    name : str
    pushes : callable
        ``pushes(u, v, W)`` returns ``value, on_u, on_v, on_W``: the loss on a batch of n pairs, and *minus n times* its
        gradient in u and v, of shape (n, h), and in W, (h, h). Means over a batch then have terms of the size of one
        sample. Without a head W is the identity, and `on_W` is not used.
    head : bool
        Whether the loss comes with a head that is trained. Prototypes are one too.
    stop_gradient : bool
        Whether targets are held fixed: `on_v` is then not used.
    failure : {"blow-up", "singular"}
        What it means when the value is not finite: weights too large, or features that vanish.
    separable : bool
        Whether each pair contributes for itself, so that the value is a mean over pairs and a large batch may be pushed
        in parts.
    held : callable, optional
        The same as `pushes`, with None for `on_v`: for targets that are held fixed, where that is cheaper.

    Examples
    --------
    >>> L2.name, L2.head, L2.stop_gradient
    ('l2', True, True)
    """

    name: str
    pushes: Callable
    head: bool = True
    stop_gradient: bool = True
    failure: str = "blow-up"
    separable: bool = False
    held: Callable | None = None

    def __post_init__(self):
        if not isinstance(self.name, str):
            raise TypeError(f"name={self.name!r}: expected a str")
        if not callable(self.pushes):
            raise TypeError(f"pushes={self.pushes!r}: expected a function of (u, v, W)")
        if not (self.held is None or callable(self.held)):
            raise TypeError(f"held={self.held!r}: expected a function of (u, v, W)")
        for name in ("head", "stop_gradient", "separable"):
            _checks.instance(name, getattr(self, name), bool)
        _checks.choice("failure", self.failure, ("blow-up", "singular"))

    @classmethod
    def of_predictions(cls, name, gradient, **options):
        r"""Make a loss of predictions :math:`p = W u` and targets v.

        Parameters
        ----------
        name : str
        gradient : callable
            ``gradient(p, v)`` returns the value, and minus n times its gradient in p and in v.
        **options
            The other attributes of the loss.

        Returns
        -------
        Loss

        Examples
        --------
        >>> def absolute(p, v):
        ...     towards = np.sign(v - p)
        ...     return np.abs(v - p).sum() / len(p), towards, -towards
        >>> loss = Loss.of_predictions("absolute", absolute)
        >>> loss.pushes(np.ones((1, 2)), np.zeros((1, 2)), np.eye(2))[1]
        array([[-1., -1.]])
        """
        if not callable(gradient):
            raise TypeError(f"gradient={gradient!r}: expected a function of (p, v)")
        return cls(name, partial(of_predictions, gradient), **options)

    @classmethod
    def of(cls, loss):
        """Return a loss as it is, or the one of this name: "l2", "cosine" or "iso".

        Examples
        --------
        >>> Loss.of("cosine") is COSINE, Loss.of(COSINE) is COSINE
        (True, True)
        """
        return loss if isinstance(loss, cls) else _NAMED[_checks.choice("loss", loss, tuple(_NAMED))]


def _log_sum(x, axis):
    """Logarithm of a sum of exponentials; scipy.special.logsumexp takes most of a step's time on such small arrays."""
    top = x.max(axis=axis, keepdims=True)
    return top + np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True))


L2 = Loss.of_predictions("l2", l2, separable=True, held=partial(of_held, l2_held))
COSINE = Loss.of_predictions("cosine", cosine, failure="singular", separable=True, held=partial(of_held, cosine_held))
#: The pull on features is the error of the prediction itself, not what the head makes of it (Halvagal et al., 2023).
ISO = Loss("iso", iso, separable=True)
#: Of these a batch is known by its second moments: pushes are linear in features, values quadratic.
QUADRATIC = (L2, ISO)
_NAMED = {loss.name: loss for loss in (L2, COSINE, ISO)}


def barlow_twins(off_diagonal=0.05):
    r"""Barlow Twins: the cross-correlation of two views should be the identity.

    .. math::
        L = \sum_i (1 - \operatorname{Corr}(u_i, v_i))^2 + \mu \sum_{i \ne j} \operatorname{Corr}(u_i, v_j)^2, \qquad
        \operatorname{Corr}(u_i, v_j)
        = \frac{\operatorname{Cov}(u_i, v_j)}{\sqrt{\operatorname{Var}(u_i) \operatorname{Var}(v_j)}} .

    Parameters
    ----------
    off_diagonal : float, optional
        The weight :math:`\mu \ge 0` (dimensionless).

    Returns
    -------
    Loss
        Without head, without stop-gradient; statistics are those of the batch.

    Raises
    ------
    TypeError, ValueError
        If `off_diagonal` is not a number >= 0.

    References
    ----------
    Zbontar et al., arXiv 2103.03230.

    Examples
    --------
    >>> u = np.random.default_rng(0).standard_normal((100, 3))
    >>> value, on_u, on_v, _ = barlow_twins().pushes(u, u, np.eye(3))
    >>> bool(value < 0.01), bool(abs(np.sum(u * on_u)) < 1e-9)
    (True, True)
    """
    weight = _checks.number("off_diagonal", off_diagonal, minimum=0)

    return Loss("barlow twins", partial(_barlow_twins, weight), head=False, stop_gradient=False, failure="singular")


def _barlow_twins(weight, u, v, W):
    n, h = u.shape
    centred = [x - x.mean(axis=0) for x in (u, v)]
    spreads = [np.sqrt(np.mean(x * x, axis=0)) for x in centred]
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (x / spread for x, spread in zip(centred, spreads, strict=True))
        C = a.T @ b / n
        one = np.eye(h, dtype=u.dtype)
        miss = C - one
        # Derivative of the loss in C, and from there through standardisation, which takes out mean and scale.
        M = 2 * miss * (one + weight * (1 - one))
        on_a, on_b = -b @ M.T, -a @ M
        on_u, on_v = (
            (g - g.mean(axis=0) - x * np.mean(g * x, axis=0)) / spread
            for g, x, spread in ((on_a, a, spreads[0]), (on_b, b, spreads[1]))
        )
    return np.sum(miss**2 * (one + weight * (1 - one))), on_u, on_v, None


def _checked_vicreg(invariance, variance, covariance, hinge):
    """The numbers of VICReg, checked: for the loss and for its law."""
    weights = dict(invariance=invariance, variance=variance, covariance=covariance)
    return *(_checks.number(name, x, minimum=0) for name, x in weights.items()), _checks.number("hinge", hinge, above=0)


def vicreg(invariance=1.0, variance=1.0, covariance=1.0, hinge=1.0):
    r"""VICReg: views agree, every feature keeps a variance, features are uncorrelated.

    .. math::
        L = \mu_{inv} E |u - v|^2 + \frac{1}{2} \sum_{x \in \{u, v\}} \Bigl[ \mu_{var} \sum_i
        \max\bigl(0, \mathit{hinge} - \operatorname{sd}(x_i)\bigr)
        + \mu_{cov} \sum_{i \ne j} \operatorname{Cov}(x_i, x_j)^2 \Bigr] .

    Sums over features, not means; no constant under the root of the standard deviation.

    Parameters
    ----------
    invariance, variance, covariance : float, optional
        The three weights :math:`\mu \ge 0` (dimensionless).
    hinge : float, optional
        The standard deviation > 0 that is enough.

    Returns
    -------
    Loss
        Without head, without stop-gradient; statistics are those of the batch.

    Raises
    ------
    TypeError, ValueError
        If a weight is not a number >= 0, or the hinge not > 0.

    References
    ----------
    Bardes, Ponce and LeCun, arXiv 2105.04906.

    Examples
    --------
    >>> u = np.random.default_rng(0).standard_normal((100, 3))
    >>> value, on_u, on_v, _ = vicreg(covariance=0.0, hinge=0.1).pushes(u, u, np.eye(3))
    >>> float(value)
    0.0
    """
    invariance, variance, covariance, hinge = _checked_vicreg(invariance, variance, covariance, hinge)

    return Loss("vicreg", partial(_vicreg, invariance, variance, covariance, hinge), head=False, stop_gradient=False)


def _vicreg(invariance, variance, covariance, hinge, u, v, W):
    n = len(u)
    apart = u - v
    value = invariance * np.vdot(apart, apart) / n
    on = [-2 * invariance * apart, 2 * invariance * apart]
    for k, x in enumerate((u, v)):
        centred = x - x.mean(axis=0)
        C = centred.T @ centred / n
        spread = np.sqrt(np.diag(C))
        short = spread < hinge
        off = C - np.diag(np.diag(C))
        value += variance / 2 * np.sum((hinge - spread)[short]) + covariance / 2 * np.vdot(off, off)
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = np.where(short & (spread > 0), variance / (2 * spread), 0.0).astype(x.dtype)
        on[k] += centred * pull - 2 * covariance * centred @ off
    return value, *on, None


def swav(temperature=0.1, sharpness=0.05, rounds=3):
    r"""SwAV: predict, from one view, to which prototype the other was assigned; assignments are balanced.

    With unit features and unit prototypes, the rows :math:`W_k` of the head scaled to length 1,

    .. math::
        L = -\frac12 E \Bigl[ \sum_k \mathit{code}_k(v) \log \mathit{share}_k(u)
        + \sum_k \mathit{code}_k(u) \log \mathit{share}_k(v) \Bigr], \qquad
        \mathit{share}_k(u) \propto e^{\langle u, W_k \rangle / (|u| |W_k| \mathit{temperature})} ,

    and the codes by a few rounds of Sinkhorn's balancing of the same with `sharpness` in place of `temperature`:
    every prototype gets an equal share of the batch. No gradient flows through the codes.

    Parameters
    ----------
    temperature, sharpness : float, optional
        As above, > 0 (dimensionless).
    rounds : int, optional
        Rounds of balancing, >= 1.

    Returns
    -------
    Loss
        Its head holds h prototypes; both branches are trained.

    Raises
    ------
    TypeError, ValueError
        If a number is out of bounds.

    References
    ----------
    Caron et al., arXiv 2006.09882.

    Examples
    --------
    >>> u = np.random.default_rng(0).standard_normal((100, 3))
    >>> value, on_u, _, on_W = swav().pushes(u, u, np.eye(3))
    >>> bool(np.abs(np.sum(u * on_u, axis=1)).max() < 1e-9), on_W.shape
    (True, (3, 3))
    """
    temperature = _checks.number("temperature", temperature, above=0)
    sharpness = _checks.number("sharpness", sharpness, above=0)
    rounds = _checks.integer("rounds", rounds, minimum=1)

    return Loss("swav", partial(_swav, temperature, sharpness, rounds), stop_gradient=False, failure="singular")


def _balanced(scores, sharpness, rounds):
    log_q = scores / sharpness
    for _ in range(rounds):
        log_q = log_q - _log_sum(log_q, axis=0) - math.log(scores.shape[1])
        log_q = log_q - _log_sum(log_q, axis=1)
    return np.exp(log_q)


def _swav(temperature, sharpness, rounds, u, v, W):
    n = len(u)
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = [np.linalg.norm(x, axis=1, keepdims=True) for x in (u, v)]
        z = [x / size for x, size in zip((u, v), sizes, strict=True)]
        lengths = np.linalg.norm(W, axis=1, keepdims=True)
        c = W / lengths
        scores = [x @ c.T for x in z]
        codes = [_balanced(x, sharpness, rounds) for x in scores]
        value, on_c, on = 0.0, 0.0, []
        for k in (0, 1):
            logits, code = scores[k] / temperature, codes[1 - k]
            log_p = logits - _log_sum(logits, axis=1)
            value -= np.sum(code * log_p) / (2 * n)
            on_score = (code - np.exp(log_p)) / (2 * temperature)
            on_z = on_score @ c
            on.append((on_z - z[k] * np.sum(on_z * z[k], axis=1, keepdims=True)) / sizes[k])
            on_c = on_c + on_score.T @ z[k]
        on_W = (on_c - c * np.sum(on_c * c, axis=1, keepdims=True)) / lengths
    return value, *on, on_W


@dataclass(frozen=True)
class FeatureHead:
    r"""A head that is set from the features and not trained, :math:`W = (\Phi \Phi^\top)^\alpha` plus a shift.

    With :math:`\alpha = \frac12` this is DirectPred's head, which stays on the parabola; with :math:`\alpha = 1`
    DirectCopy's.

    Parameters
    ----------
    alpha : float
        Power, > 0.
    shift : float, optional
        Added multiple of the identity, >= 0 (dimensionless).

    Raises
    ------
    TypeError, ValueError
        If `alpha` is not a number > 0, or `shift` not one >= 0.

    References
    ----------
    Tian, Chen and Ganguli, arXiv 2102.06810; Wang et al., arXiv 2110.04947.

    Examples
    --------
    >>> FeatureHead(alpha=0.5)(np.diag([4.0, 9.0]))
    array([[2., 0.],
           [0., 3.]])
    """

    alpha: float
    shift: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "alpha", _checks.number("alpha", self.alpha, above=0))
        object.__setattr__(self, "shift", _checks.number("shift", self.shift, minimum=0))

    def __call__(self, F):
        """Head for the feature matrix `F`, symmetric positive semi-definite of shape (h, h); nan if F is not finite.

        Examples
        --------
        >>> FeatureHead(alpha=1.0, shift=0.5)([[2.0]])
        array([[2.5]])
        """
        F = np.asarray(F)
        if F.ndim != 2 or F.shape[0] != F.shape[1]:
            raise ValueError(f"F: has shape {F.shape}; expected a square matrix, shape (h, h)")
        if not np.all(np.isfinite(F)):
            return np.full_like(F, np.nan)  # of features that have blown up there is no power
        if self.alpha == 1.0:
            return F + self.shift * np.eye(len(F), dtype=F.dtype)
        f, Q = np.linalg.eigh(F)
        return (Q * (np.maximum(f, 0.0) ** self.alpha + self.shift)) @ Q.T
