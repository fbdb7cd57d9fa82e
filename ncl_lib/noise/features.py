"""Losses that are blind to scale: what noise leaves of the features once the norms are at rest."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, hyp2f1

from ..regimes import critical_ratio, universal
from ..setting import Setting
from .rest import cosine_rest, mean_squared_sine

#: Up to this share of noise in the head no direction was seen to die.
SAFE = 0.11


@dataclass(frozen=True)
class FeaturesAtRest:
    r"""What noise leaves of the features at rest, as predicted.

    Attributes
    ----------
    signal : float
        Share :math:`\mathcal{S}` of :math:`|W|_F^2` that the mean head has, the rest being noise (dimensionless); nan
        where steps are so long that no head holds.
    effective_rank : float
        Participation ratio of the features, from 1 to h; nan where none is predicted.
    ratio : float
        Decay ratio of the universal diagram over its critical value, at the norms of this state (dimensionless).
    return_rate : float
        :math:`\mathcal{R}`: at rest imbalances fade as :math:`e^{-2 \rho \mathcal{R} t}`; in gradient flow as
        :math:`e^{-2 \rho t}`; nan where norms do not come to rest.
    survive : bool
        Whether noise is at most 0.11 of the head. Beyond, directions die one after the other, and do not come back.

    Examples
    --------
    >>> from ncl_lib import Setting
    >>> features_at_rest(Setting(sigma2=0.5, rho=1.0), 8, 32, 0.16, 4).survive
    False
    """

    signal: float
    effective_rank: float
    ratio: float
    return_rate: float
    survive: bool


def features_at_rest(setting, h, d, learning_rate, batch):
    r"""Will the features survive? Effective rank of h modes under the cosine loss, once norms are at rest.

    Of the head, the share :math:`\mathcal{S}` is signal, the rest noise. With :math:`\varrho = \lambda / s`, the mean
    cosine :math:`\mathcal{C}` of equal modes, and :math:`\delta = |\Phi|^2 / |W|^2` and :math:`J_W^2` of
    :func:`cosine_rest`, the latter at :math:`\varrho^2 \to \mathcal{S} \varrho^2`,

    .. math::
        \frac{1 - \mathcal{S}}{\sqrt{\mathcal{S}}} = \frac{h + 1}{h}\, \frac{\rho |W|^2}{\mathcal{C}} , \qquad
        |W|^4 = \frac{\eta J_W^2}{2 \rho}
        \Bigl( 1 - \frac{\eta\rho}{2}\, \frac{1 - \mathcal{S} + \mathcal{S}^2}{1 - \mathcal{S}} \Bigr)^{-1} .

    Unequal features become equal again at the rate :math:`2 \rho \mathcal{R}`,

    .. math::
        \mathcal{R} = \frac{\mathcal{N}}{\mathcal{Q}} , \quad
        \mathcal{N} = 1 - \mathcal{T}_\Phi \Bigl( 1 - (1 - \mathcal{S}) \bigl( 1 + \frac 2\delta \bigr) \Bigr)
        + \frac{\mathcal{T}_W}{\delta} - 2 \mathcal{H} \Bigl( 1 + \frac{\mathcal{S}}{\delta} \Bigr) , \quad
        \mathcal{Q} = 1 - \frac{2 \mathcal{H} \mathcal{S}}{\delta} ,

    with :math:`\mathcal{H} = 1 - \mathcal{S} - \frac{1 - \varrho^2}{h + 2}`,
    :math:`\mathcal{T}_\Phi = 1 - \frac{4 - 2 \varrho^2}{h + 2}` and
    :math:`\mathcal{T}_W = 1 - \frac{2 + 2 \varrho^2}{h + 2}`, while noise makes them unequal. The effective rank is
    :math:`h / (1 + \mathcal{D})`,

    .. math::
        \mathcal{D} = \frac{h + 2}{h + 1}\, \frac{1 - \mathcal{S}^2}{\delta^2}
        + \frac{8 \mathcal{K}}{\delta \mathcal{Q}} (1 - \mathcal{S})^2 + \frac{1}{\mathcal{N} \mathcal{Q}}
        \Bigl[ \eta\rho\, h \Bigl( \frac{1 + \delta^{-2}}{B} + \frac 2d \Bigr)
        + 4 \mathcal{K}^2 (1 - \mathcal{S})^2 \Bigr] , \qquad
        \mathcal{K} = 1 + \frac{\mathcal{S}}{\delta} \bigl( \mathcal{T}_\Phi - \frac{\mathcal{T}_W}{\delta} \bigr) .

    Parameters
    ----------
    setting : Setting
        One number for the spectrum, rho > 0.
    h, d : int
        Width of features, at least 3, and of inputs, h <= d.
    learning_rate : float
        :math:`\eta > 0`; only :math:`\eta\rho` counts.
    batch : int
        B, pairs in a batch.

    Returns
    -------
    FeaturesAtRest

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds; see :func:`cosine_rest`.

    Notes
    -----
    Ours; finite steps, leading order in the noise and in 1/h, for SGD without momentum. From a start at which all modes
    live. That directions begin to die where noise takes about an eighth of the head is measured: with h from 8 to 64,
    d / h from 1 to 16, and views with a variance of the noise from 0.1 to 2, none was lost below 0.115, and some were
    in all networks above 0.17. What has died stays dead, so that from there on the rank depends on time.

    Examples
    --------
    Four times as many inputs as features, and batches of 256, 16 and 4:

    >>> from ncl_lib import Setting
    >>> setting = Setting(sigma2=0.5, rho=0.1)
    >>> [round(features_at_rest(setting, 8, 32, 0.1, batch).effective_rank, 1) for batch in (256, 16, 4)]
    [7.9, 7.3, 6.1]
    """
    level = cosine_rest(setting, h, d, learning_rate, batch)
    if level.head == 0:  # without noise of the views weights and features shrink for ever, and equal ones stay equal
        return FeaturesAtRest(1.0, float(h), 0.0, math.nan, True)
    law = _CosineNoise(setting, h, d, learning_rate * setting.rho, batch, (level.encoder / level.head) ** 2)
    x = law.signal()
    if math.isnan(x):
        return FeaturesAtRest(x, math.nan, math.nan, math.nan, False)
    held, slowed = law.restoring(x)
    rank = max(1.0, h / (1 + law.spread(x))) if held > 0 else math.nan
    return FeaturesAtRest(x, rank, law.ratio(x), held / slowed, 1 - x <= SAFE)


def networks_at_rest():
    """Read what networks at rest showed that ``experiments/at_rest.py`` trained, a row each; all modes lived at first.

    Returns
    -------
    dict of array
        `h`, `d`, `batch`, `turn` (learning rate times decay) and `sigma2`; then averages over time and five seeds:
        effective `rank` and its standard error `rank_error`, `signal` in the head, squared norms of `head` and
        `encoder` at a decay of 1, and decay over its critical value, `ratio` (all dimensionless).

    Examples
    --------
    >>> points = networks_at_rest()
    >>> len(points["rank"]) > 100, bool(np.all(points["rank"] < points["h"]))
    (True, True)
    """
    names, *rows = json.loads((files(__package__) / "at_rest.json").read_text(encoding="utf-8"))
    return dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))


def mean_cosine(h, correlation):
    """Mean cosine between two normal vectors of h numbers with this correlation."""
    log_ratio = gammaln((h + 1) / 2) - gammaln(h / 2)
    return 2 / h * math.exp(2 * log_ratio) * correlation * hyp2f1(0.5, 0.5, h / 2 + 1, correlation**2)


class _CosineNoise:
    """The law of :func:`features_at_rest`; decay is 1, since only its product with the learning rate counts."""

    def __init__(self, setting, h, d, turn, batch, delta):
        self.setting, self.h, self.d, self.turn, self.batch, self.delta = setting, h, d, turn, batch, delta
        self.share = (setting.spectrum / setting.s) ** 2
        self.cosine = mean_cosine(h, setting.spectrum / setting.s)
        self.of_encoder, self.of_head = 1 - (4 - 2 * self.share) / (h + 2), 1 - (2 + 2 * self.share) / (h + 2)

    def head(self, x):
        """Squared norm of the head at rest; inf where steps are too long for one."""
        pushed = self.h / self.batch * mean_squared_sine(self.h, 1, x * self.share)
        held = 2 - self.turn - self.turn * x * x / (1 - x)
        return math.sqrt(self.turn * pushed / held) if held > 0 else math.inf

    def excess(self, x):
        """How far the share of noise is above the one at rest, relative to it."""
        return (1 - x) * (1 + self.h * self.cosine * math.sqrt(x) / ((self.h + 1) * self.head(x))) - 1

    def signal(self):
        """Share of the signal in the head; nan where none holds."""
        least, most = 1e-9, 1 - 1e-9
        if self.excess(least) <= 0:
            return math.nan
        if self.excess(most) >= 0:
            return most
        return brentq(self.excess, least, most, xtol=1e-15, rtol=1e-14)

    def restoring(self, x):
        """What makes features equal again, and what slows it down."""
        moved = 1 - x - (1 - self.share) / (self.h + 2)
        # Noise of the encoder that has passed through the noise of the head is the same for all features.
        diluted = self.of_encoder * (1 - (1 - x) * (1 + 2 / self.delta))
        held = 1 - diluted + self.of_head / self.delta - 2 * moved * (1 + x / self.delta)
        return held, 1 - 2 * moved * x / self.delta

    def spread(self, x):
        """Relative variance of the eigenvalues of the features."""
        held, slowed = self.restoring(x)
        by_head = (self.h + 2) / (self.h + 1) * (1 - x * x) / self.delta**2
        steps = self.turn * self.h * ((1 + self.delta**-2) / self.batch + 2 / self.d)
        shaken = 2 * (1 - x) * (1 + x / self.delta * (self.of_encoder - self.of_head / self.delta))
        together = 4 * (1 - x) * shaken / (self.delta * slowed)
        return by_head + together + (steps + shaken**2) / (held * slowed)

    def ratio(self, x):
        """Decay ratio over its critical value: the norms are those of equal modes, the head having noise beside."""
        head = self.head(x)
        s, lam, encoder = self.setting.s, self.setting.spectrum, self.delta * head
        mean = math.sqrt(x * head / self.h)
        psi = math.sqrt(s * head * encoder / self.h)
        unit = Setting(self.setting.sigma2, 1.0, lam)
        _, beta, ratio = universal(math.sqrt(s * encoder), psi, lam * mean * encoder, unit)
        return float(ratio / critical_ratio(beta))
