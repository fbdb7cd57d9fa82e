"""Losses that are blind to scale: noise lengthens the weights until they come to rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import hyp2f1

from .. import _checks
from ..runs import Run
from ..setting import Setting

_BLOCKS = 10  # for standard errors of averages over time: their means hardly hang together


@dataclass(frozen=True)
class RestNorms:
    """Frobenius norms of head and encoder, as averages over the end of a run.

    Attributes
    ----------
    head, encoder : float
        Fourth roots of the mean fourth powers.
    head_error, encoder_error : float
        Their standard errors, from the means of ten stretches of time.

    Examples
    --------
    >>> RestNorms(1.0, 2.0, 0.1, 0.1).head
    1.0
    """

    head: float
    encoder: float
    head_error: float
    encoder_error: float


def rest_norms(run, since=None):
    """Norms at which head and encoder of a run rest.

    Parameters
    ----------
    run : Run
        With at least twenty records after `since`.
    since : float, optional
        Gradient-flow time from which the norms are at rest; by default half of the last time. A norm comes to rest as
        exp(-4 rho t), from a start that is far above later than about :func:`freezing_time`.

    Returns
    -------
    RestNorms

    Raises
    ------
    TypeError, ValueError
        If `run` is not a Run, or has too few records after `since`.

    Examples
    --------
    >>> from ncl_lib import LinearNetwork, train
    >>> rng = np.random.default_rng(0)
    >>> start, setting = LinearNetwork.random(8, 4, rng), Setting(sigma2=0.5, rho=0.5)
    >>> run = train(start, setting, loss="cosine", learning_rate=0.02, steps=1000, batch=16, rng=rng)
    >>> rest_norms(run).head < 0.5
    True
    """
    _checks.instance("run", run, Run)
    since = run.t[-1] / 2 if since is None else _checks.number("since", since, minimum=0)
    late = run.t >= since
    if np.count_nonzero(late) < 2 * _BLOCKS:
        raise ValueError(
            f"since={since}: leaves {np.count_nonzero(late)} records; {2 * _BLOCKS} are needed, so record more often"
        )
    squares = np.sum(run.W[late] ** 2, axis=(1, 2)), np.trace(run.F[late], axis1=1, axis2=2)
    found = [_fourth_root(square**2) for square in squares]
    return RestNorms(found[0][0], found[1][0], found[0][1], found[1][1])


def _fourth_root(fourths):
    """Fourth root of the mean of a record, and its standard error."""
    blocks = np.array([part.mean() for part in np.array_split(fourths, _BLOCKS)])
    mean = blocks.mean()
    error = blocks.std(ddof=1) / math.sqrt(_BLOCKS)
    return float(mean**0.25), float(error / (4 * mean**0.75))


def angle(learning_rate, rho, momentum=0.0, optimiser="sgd"):
    r"""Angle by which a step turns the weights once their norm is at rest, for any loss that is blind to scale.

    .. math::
        \sqrt{\frac{2 \eta\rho}{1 + \alpha}} \ \text{(SGD with heavy-ball momentum } \alpha\text{)}, \qquad
        \sqrt{2 \eta\rho\, \frac{1 - \beta_1}{1 + \beta_1}} \ \text{(AdamW)}

    Parameters
    ----------
    learning_rate : float
        :math:`\eta > 0`.
    rho : float
        Weight decay, >= 0; decoupled for AdamW.
    momentum : float, optional
        :math:`0 \le \alpha < 1`; for AdamW it is :math:`\beta_1`.
    optimiser : {"sgd", "adamw"}, optional

    Returns
    -------
    float
        In radians.

    Raises
    ------
    TypeError, ValueError
        If a number is out of bounds or the optimiser is unknown.

    Notes
    -----
    Plain SGD: each push G is at right angles to W, so that at a norm that stays,
    :math:`|W|^2 = (1 - \eta\rho)^2 |W|^2 + \eta^2 |G|^2`, and the cosine between a step and the next is
    :math:`1 - \eta\rho` exactly; the formula is its leading order in :math:`\eta\rho`. With momentum it is leading
    order too. For AdamW it is an approximation, seen to be some six per cent off.

    References
    ----------
    van Laarhoven, arXiv 1706.05350; Wan et al., arXiv 2006.08419; Kosson et al., arXiv 2305.17212.

    Examples
    --------
    >>> round(angle(0.1, 0.05), 4), round(angle(0.1, 0.05, momentum=0.9), 4)
    (0.1, 0.0725)
    """
    eta = _checks.number("learning_rate", learning_rate, above=0)
    rho = _checks.number("rho", rho, minimum=0)
    momentum = _checks.number("momentum", momentum, minimum=0)
    if momentum >= 1:
        raise ValueError(f"momentum={momentum!r}: must be < 1")
    _checks.choice("optimiser", optimiser, ("sgd", "adamw"))
    slower = 1 / (1 + momentum) if optimiser == "sgd" else (1 - momentum) / (1 + momentum)
    return math.sqrt(2 * eta * rho * slower)


@dataclass(frozen=True)
class RestLevels:
    r"""Norms at rest of h equal modes under the cosine loss, as predicted.

    Attributes
    ----------
    head, encoder : float
        :math:`|W|_F` and :math:`|\Phi|_F` (dimensionless).
    head_push, encoder_push : float
        :math:`J^2 = |W|^2\, E|G|^2` over batches, and the same for the encoder (dimensionless).

    Examples
    --------
    >>> cosine_rest(Setting(sigma2=0.5, rho=0.1), 8, 8, 0.01, 64).head_push.__class__
    <class 'float'>
    """

    head: float
    encoder: float
    head_push: float
    encoder_push: float


def cosine_rest(setting, h, d, learning_rate, batch):
    r"""Where the norms rest under the cosine loss, if all h modes are equal.

    With :math:`W = w I` and :math:`F = f I` the exact drive vanishes, a pair pushes the head with
    :math:`|g u^\top|^2 = (1 - \cos^2) / w^2` and the encoder with :math:`(1 - \cos^2) |x|^2 / |u|^2`, and

    .. math::
        J_W^2 = \frac hB\, E[1 - \cos^2] , \qquad
        J_\Phi^2 = \frac hB \Bigl( E[1 - \cos^2] + (d - h)\, s f\, E \frac{1 - \cos^2}{|u|^2} \Bigr) , \qquad
        |W|^4 = \frac{\eta^2 J_W^2}{2 \eta\rho - \eta^2\rho^2} .

    With :math:`\varrho = \lambda / s` the averages are closed, a = 1 for the first one, and a = 2 for the second times
    :math:`(h - 2) s f`:

    .. math::
        \frac{h - 1}{h} (1 - \varrho^2)\, {}_2F_1 \bigl( a, 1; \tfrac h2 + 1; \varrho^2 \bigr) .

    Parameters
    ----------
    setting : Setting
        One number for the spectrum, rho > 0.
    h, d : int
        Width of features, at least 3, and of inputs, h <= d.
    learning_rate : float
        :math:`\eta > 0`.
    batch : int
        B, pairs in a batch.

    Returns
    -------
    RestLevels
        Their squares have the ratio :math:`\sqrt{J_\Phi^2 / J_W^2}`, about :math:`\sqrt{d / h}`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds, h < 3 (one direction is not pushed at all, and with two
        the mean square of the encoder's push is infinite), or :math:`\eta\rho \ge 2`.

    Notes
    -----
    The averages are exact for equal modes; that modes are equal at rest holds for small :math:`\eta\rho`. Ours; the
    level of a norm with given pushes is van Laarhoven's, arXiv 1706.05350.

    Examples
    --------
    >>> rest = cosine_rest(Setting(sigma2=0.5, rho=0.2), 8, 24, 0.01, 64)
    >>> round(rest.head, 3), round((rest.encoder / rest.head) ** 2, 2)
    (0.202, 1.99)
    """
    _checks.instance("setting", setting, Setting)
    lam, s = float(setting.isotropic("cosine_rest")), float(setting.s)
    h, d = _checks.integer("h", h, minimum=1), _checks.integer("d", d, minimum=1)
    if not 3 <= h <= d:
        raise ValueError(f"h={h}: must be >= 3 and <= d={d}")
    eta = _checks.number("learning_rate", learning_rate, above=0)
    batch = _checks.integer("batch", batch, minimum=1)
    turn = eta * setting.rho
    if not 0 < turn < 2:
        raise ValueError(
            f"setting.rho={setting.rho}: learning rate times rho is {turn:.3g}; norms rest between 0 and 2"
        )
    share = (lam / s) ** 2
    one, inverse = (mean_squared_sine(h, a, share) for a in (1, 2))
    head = h / batch * one
    encoder = h / batch * (one + (d - h) * inverse / (h - 2))
    scale = eta * eta / (2 * turn - turn * turn)
    return RestLevels(float((scale * head) ** 0.25), float((scale * encoder) ** 0.25), float(head), float(encoder))


def mean_squared_sine(h, a, share):
    """Mean squared sine between two correlated normal vectors of h numbers; a = 2: over the square of one's length.

    The latter in units of its own mean, 1 / (h - 2); `share` is the squared correlation.
    """
    if share == 1:
        return 0.0
    return (h - 1) / h * (1 - share) * hyp2f1(a, 1, h / 2 + 1, share)


def freezing_time(W, F, setting, learning_rate, batch, d):
    r"""Time at which the norm of the head comes to rest, and with it the clock of the cosine loss.

    .. math:: t^* = \frac{1}{4 \rho} \ln \frac{|W_0|_F^4}{|W_{\mathrm{rest}}|_F^4}

    Parameters
    ----------
    W, F : array of shape (h, h)
        Head and feature matrix at the start; of F only its rank counts: where it has none, nothing is pushed.
    setting : Setting
        One number for the spectrum, rho > 0.
    learning_rate : float
    batch : int
    d : int
        Inputs, >= h.

    Returns
    -------
    float
        0 for a start at or below its level, inf where views without noise push nothing at rest.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds; see :func:`cosine_rest`.

    Notes
    -----
    The deviation of :math:`|W|^4` from its level falls as :math:`e^{-4 \rho t}`, so that at :math:`t^*` it is as large
    as the level. That is the one of equal modes, :func:`cosine_rest`. Ours, at leading order in :math:`\eta\rho`.

    Examples
    --------
    >>> start = 0.5 * np.eye(8)
    >>> round(freezing_time(start, start @ start, Setting(sigma2=0.5, rho=0.2), 0.01, 64, 24), 2)
    9.72
    """
    W, F = _checks.one_matrix("W", _checks.matrix("W", W)), _checks.one_matrix("F", _checks.feature_matrix("F", F))
    _checks.same_shape(W=W, F=F)
    if not np.any(W) or not np.any(F):
        raise ValueError("W, F: one of them is 0; nothing is predicted, and nothing pushed")
    level = cosine_rest(setting, len(W), d, learning_rate, batch).head
    if level == 0:
        return math.inf
    return max(0.0, math.log(np.linalg.norm(W) / level) / setting.rho)
