"""The L2 loss: noise feeds the features of an encoder that has more inputs than outputs, and so works against decay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from .. import _checks
from ..setting import Setting


@dataclass(frozen=True)
class NoiseRest:
    r"""Where equal modes rest under the L2 loss, with the noise of batches.

    Attributes
    ----------
    w, f : float
        Head and feature eigenvalue (dimensionless); 0 where nothing lives.
    effective_decay : float
        :math:`\rho - \frac{\eta (d - h)}{2 B} s w^2 q`, the decay of a flow without noise that rests there, but for the
        noise of the head.
    stable : bool
        Whether there is a living state that attracts.

    Examples
    --------
    >>> l2_rest(Setting(sigma2=0.5, rho=0.2), 1, 1, 0.1, 16).stable
    False
    """

    w: float
    f: float
    effective_decay: float
    stable: bool


def l2_rest(setting, h, d, learning_rate, batch):
    r"""Living state of h equal modes under the L2 loss, trained with finite steps on finite batches.

    .. math::
        \dot w = f (\lambda - s w) - \rho w , \qquad
        \dot f = 2 f (\lambda w - s w^2 - s V) - 2 \rho f + \frac{\eta d}{B} s w^2 f q ,

    with :math:`q = s - 2 \lambda w + s w^2`, so that a push on a prediction has the mean square f q, and the variance
    :math:`V = \eta h s f^2 q / (2 B (s f + \rho))` that noise puts into the head.

    Parameters
    ----------
    setting : Setting
        One number for the spectrum.
    h, d : int
        Width of features and of inputs, h <= d.
    learning_rate : float
        :math:`\eta > 0`.
    batch : int
        B, pairs in a batch.

    Returns
    -------
    NoiseRest
        The living state of largest w that attracts.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds, or h > d.

    Notes
    -----
    At leading order in :math:`\eta / B`; ours. The d - h directions outside the encoder's row space are neutral, since
    isotropic data do not see a rotation of the inputs, so that noise accumulates there and enlarges the features.

    Examples
    --------
    At d = h noise hardly moves features; with many more inputs than features it makes them larger.

    >>> setting = Setting(sigma2=0.5, rho=0.05)
    >>> [round(l2_rest(setting, 1, d, 0.1, 16).f, 3) for d in (1, 8, 16)]
    [0.376, 0.492, 0.746]
    """
    law = _L2Noise(setting, h, d, learning_rate, batch)
    # Inside (0, lambda / s), where dw/dt = 0 has a solution f > 0: signs on a fine grid, then the roots between.
    top = law.lam / law.s
    grid = top * (1 - np.geomspace(1, 1e-6, 4001)[1:])
    growth = law.growth(grid)
    falls = np.flatnonzero((growth[:-1] > 0) & (growth[1:] <= 0))
    for k in falls[::-1]:
        w = brentq(law.growth, grid[k], grid[k + 1], xtol=1e-15, rtol=1e-14)
        f = law.features(w)
        if law.attracts(w, f):
            return NoiseRest(float(w), float(f), float(law.effective_decay(w)), True)
    return NoiseRest(0.0, 0.0, float(law.effective_decay(0.0)), False)


class _L2Noise:
    """The pair of equations of :func:`l2_rest`."""

    def __init__(self, setting, h, d, learning_rate, batch):
        _checks.instance("setting", setting, Setting)
        self.lam, self.s, self.rho = float(setting.isotropic("l2_rest")), float(setting.s), setting.rho
        self.h, self.d = _checks.integer("h", h, minimum=1), _checks.integer("d", d, minimum=1)
        if self.h > self.d:
            raise ValueError(f"h={h}: must be <= d={d}")
        eta = _checks.number("learning_rate", learning_rate, above=0)
        self.step = eta / _checks.integer("batch", batch, minimum=1)

    def square(self, w):
        return self.s - 2 * self.lam * w + self.s * w * w

    def features(self, w):
        """Features with which a head w rests."""
        return self.rho * w / (self.lam - self.s * w)

    def log_growth(self, w, f):
        """Half the logarithmic growth of features."""
        q = self.square(w)
        V = self.step * self.h * self.s * f * f * q / (2 * (self.s * f + self.rho))
        pull = self.lam * w - self.s * w * w - self.s * V
        return pull - self.rho + self.step * self.d * self.s * w * w * q / 2

    def growth(self, w):
        return self.log_growth(w, self.features(w))

    def velocity(self, w, f):
        return np.array([f * (self.lam - self.s * w) - self.rho * w, 2 * f * self.log_growth(w, f)])

    def attracts(self, w, f, step=1e-6):
        """Whether both eigenvalues of the slopes at rest have negative real parts."""
        dw, df = step * max(w, 1e-3), step * max(f, 1e-6)
        slopes = [
            (self.velocity(w + dw, f) - self.velocity(w - dw, f)) / (2 * dw),
            (self.velocity(w, f + df) - self.velocity(w, f - df)) / (2 * df),
        ]
        return bool(np.all(np.linalg.eigvals(np.transpose(slopes)).real < 0))

    def effective_decay(self, w):
        return self.rho - self.step * (self.d - self.h) * self.s * w * w * self.square(w) / 2
