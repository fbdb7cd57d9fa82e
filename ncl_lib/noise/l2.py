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
        \dot w &= f (\lambda - s w) - \rho w - s (h + 1) V_{WF} , \\
        \dot f &= 2 f (\lambda w - s w^2 - s V_W) - 2 \rho f - 2 (h + 1) (2 s w - \lambda) V_{WF}
        + \frac{\eta d}{B} s w^2 f q ,

    with :math:`q = s - 2 \lambda w + s w^2`, so that a push on a prediction has the mean square f q. Noise scatters the
    entries of head and features; :math:`V_{WF}` is the covariance of two that belong together, and :math:`V_W` what the
    scatter of the head adds to :math:`(W^\top W)_{jj}`:

    .. math::
        V_{WF} = \frac{\eta}{2 B} \frac{s w^2 f q}{2 s w - \lambda} , \qquad
        V_W = \frac{1}{s f + \rho} \Bigl( \frac{\eta h}{2 B} s f^2 q + (h + 1) (\lambda - s w) V_{WF} \Bigr) .

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
        The living state of largest w that attracts; at rho = 0 the limit of weak decay.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds, or h > d.

    Notes
    -----
    First order in :math:`\eta / B`, for steps that are short against the head's relaxation, :math:`\eta s f \ll 1`, and
    pushes whose mean is small beside their scatter; ours. The d - h directions outside the encoder's row space are
    neutral, since isotropic data do not see a rotation of the inputs, so that noise accumulates there and enlarges the
    features. Near the threshold, where :math:`2 s w \to \lambda`, scatter grows without bound, and the expansion fails.

    Examples
    --------
    At d = h noise makes features a little smaller, with many more inputs than features larger.

    >>> setting = Setting(sigma2=0.5, rho=0.05)
    >>> [round(l2_rest(setting, 1, d, 0.1, 16).f, 3) for d in (1, 8, 16)]
    [0.371, 0.485, 0.73]
    """
    law = _L2Noise(setting, h, d, learning_rate, batch)
    top = law.free_head()
    if top is not None and law.rho == 0:
        return NoiseRest(top, law.free_features(top), law.effective_decay(top), True)
    if top is not None:
        heads = _below(top, law.lam / (2 * law.s))
        heads = heads[law.pull(heads) > 0]  # where features f > 0 hold them
        growth = law.growth(heads)
        for k in np.flatnonzero((growth[:-1] > 0) & (growth[1:] <= 0))[::-1]:
            w = brentq(law.growth, heads[k], heads[k + 1], xtol=1e-15, rtol=1e-14)
            f = law.features(w)
            if law.attracts(w, f):
                return NoiseRest(w, f, law.effective_decay(w), True)
    return NoiseRest(0.0, 0.0, law.effective_decay(0.0), False)


def _below(top, low):
    """Heads between `low` and `top`, ascending, close together near the top: signs there tell where roots are."""
    return top - (top - low) * np.geomspace(1, 1e-9, 4001)[1:]


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
        """Mean square of a push on a prediction, over f."""
        return self.s - 2 * self.lam * w + self.s * w * w

    def covariance(self, w):
        """Covariance of entries of head and features, over f."""
        return self.step * self.s * w * w * self.square(w) / (2 * (2 * self.s * w - self.lam))

    def pull(self, w):
        """What draws the head up, over f: without decay it vanishes at rest."""
        return self.lam - self.s * w - self.s * (self.h + 1) * self.covariance(w)

    def features(self, w):
        """Features with which a head w rests."""
        return self.rho * w / self.pull(w)

    def scatter(self, w, f):
        """What the scatter of the head adds to the diagonal of W^T W."""
        beside = (self.h + 1) * (self.lam - self.s * w) * self.covariance(w) * f
        return (self.step * self.h * self.s * f * f * self.square(w) / 2 + beside) / (self.s * f + self.rho)

    def log_growth(self, w, f):
        """Half the logarithmic growth of features."""
        drawn = self.lam * w - self.s * w * w - self.s * self.scatter(w, f) - self.rho
        held = (self.h + 1) * (2 * self.s * w - self.lam) * self.covariance(w)
        return drawn - held + self.step * self.d * self.s * w * w * self.square(w) / 2

    def growth(self, w):
        """The same where the head rests."""
        return self.log_growth(w, self.features(w))

    def free_head(self):
        """Head at rest without decay; None where noise leaves none."""
        top = self.lam / self.s
        if top == 0 or self.pull(top) == 0:  # nothing to learn; or noiseless views, which scatter nothing there
            return top or None
        heads = _below(top, top / 2)
        drawn = np.flatnonzero(self.pull(heads) > 0)
        if len(drawn) == 0:
            return None
        above = heads[drawn[-1] + 1] if drawn[-1] + 1 < len(heads) else top
        return brentq(self.pull, heads[drawn[-1]], above, xtol=1e-15, rtol=1e-14)

    def free_features(self, w):
        """Features at rest without decay: growth is linear in them, since scatter is."""
        if self.square(w) <= 1e-12 * self.s:
            return w * w
        at_one, at_two = self.log_growth(w, 1.0), self.log_growth(w, 2.0)
        return 1.0 + at_one / (at_one - at_two)

    def velocity(self, w, f):
        """Both velocities."""
        return np.array([f * self.pull(w) - self.rho * w, 2 * f * self.log_growth(w, f)])

    def attracts(self, w, f, step=1e-6):
        """Whether both eigenvalues of the slopes at rest have negative real parts."""
        dw, df = step * w, step * f
        slopes = [
            (self.velocity(w + dw, f) - self.velocity(w - dw, f)) / (2 * dw),
            (self.velocity(w, f + df) - self.velocity(w, f - df)) / (2 * df),
        ]
        return bool(np.all(np.linalg.eigvals(np.transpose(slopes)).real < 0))

    def effective_decay(self, w):
        """Decay that a flow without noise would need, but for what scatter does beside."""
        return self.rho - self.step * (self.d - self.h) * self.s * w * w * self.square(w) / 2
