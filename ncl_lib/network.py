"""Rung 4: the linear network itself, trained by stochastic gradient descent on freshly sampled views."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from . import _checks, _progress
from ._solve import BLOW_UP_FACTOR, Status
from ._steps import Optimiser
from ._weights import Weights
from .losses import QUADRATIC, Loss
from .runs import Records, Run
from .setting import Setting
from .views import views_of


@dataclass(frozen=True, eq=False)
class LinearNetwork:
    r"""A linear encoder :math:`\Phi` and a linear head :math:`W`: :math:`u = \Phi x`, prediction :math:`W u`.

    Parameters
    ----------
    Phi : array of shape (h, d)
        Encoder, h <= d (dimensionless).
    W : array of shape (h, h)
        Head (dimensionless).

    Raises
    ------
    TypeError, ValueError
        If an array is not finite and real, shapes do not fit, or h > d.

    Examples
    --------
    >>> network = LinearNetwork(np.eye(2, 3), 0.5 * np.eye(2))
    >>> network.F
    array([[1., 0.],
           [0., 1.]])
    """

    Phi: np.ndarray
    W: np.ndarray

    def __post_init__(self):
        Phi = _checks.array("Phi", self.Phi, ndim=2)
        W = _checks.array("W", self.W, ndim=2)
        h, d = Phi.shape
        if h > d:
            raise ValueError(f"Phi: has shape {Phi.shape}; expected (h, d) with h <= d")
        if W.shape != (h, h):
            raise ValueError(f"W: has shape {W.shape}; Phi of shape {Phi.shape} needs a head of shape ({h}, {h})")
        object.__setattr__(self, "Phi", Phi)
        object.__setattr__(self, "W", W)

    @property
    def F(self):
        r"""Feature matrix :math:`F = \Phi \Phi^\top`, shape (h, h).

        Examples
        --------
        >>> LinearNetwork([[3.0, 4.0]], [[1.0]]).F
        array([[25.]])
        """
        return self.Phi @ self.Phi.T

    @classmethod
    def random(cls, d, h, rng, encoder_scale=1.0, head_scale=1.0):
        r"""Gaussian start, up to two scales: :math:`\Phi_{ij} \sim N(0, 1/d)` and :math:`W_{ij} \sim N(0, 1/h)`.

        Parameters
        ----------
        d, h : int
            Input and feature dimension, h <= d.
        rng : numpy.random.Generator
        encoder_scale, head_scale : float, optional
            Factors in front of both, >= 0 (dimensionless).

        Returns
        -------
        LinearNetwork
            The head is not symmetric.

        Raises
        ------
        TypeError, ValueError
            If a dimension is not a whole number >= 1, h > d, or a scale is negative.

        Examples
        --------
        >>> LinearNetwork.random(8, 4, np.random.default_rng(0)).Phi.shape
        (4, 8)
        """
        d, h = _checks.integer("d", d, minimum=1), _checks.integer("h", h, minimum=1)
        if h > d:
            raise ValueError(f"h={h}: must be <= d={d}")
        encoder_scale = _checks.number("encoder_scale", encoder_scale, minimum=0)
        head_scale = _checks.number("head_scale", head_scale, minimum=0)
        rng = _checks.generator(rng)
        Phi = rng.standard_normal((h, d)) * encoder_scale / math.sqrt(d)
        return cls(Phi, rng.standard_normal((h, h)) * head_scale / math.sqrt(h))

    @classmethod
    def from_modes(cls, w, f, d, rng):
        """Network whose head and feature matrix share a random eigenbasis, with eigenvalues `w` and `f`.

        Parameters
        ----------
        w, f : array of shape (h,)
            Eigenvalues of W and of F (dimensionless), f >= 0.
        d : int
            Input dimension, >= h.
        rng : numpy.random.Generator

        Returns
        -------
        LinearNetwork

        Raises
        ------
        TypeError, ValueError
            If `w` or `f` is not a finite array of shape (h,), some f < 0, or d < h.

        Examples
        --------
        >>> network = LinearNetwork.from_modes([0.1, 0.2], [1.0, 2.0], 5, np.random.default_rng(0))
        >>> np.linalg.eigvalsh(network.F).round(9), np.linalg.eigvalsh(network.W).round(9)
        (array([1., 2.]), array([0.1, 0.2]))
        """
        w, f = _checks.array("w", w, ndim=1), _checks.array("f", f, ndim=1, nonnegative=True)
        _checks.same_shape(w=w, f=f)
        d = _checks.integer("d", d, minimum=len(w))
        rng = _checks.generator(rng)
        # QR with positive diagonal makes the bases uniform on the orthogonal group.
        Q, R = np.linalg.qr(rng.standard_normal((len(w), len(w))))
        Q = Q * np.sign(np.diag(R))
        V, R = np.linalg.qr(rng.standard_normal((d, len(w))))
        V = V * np.sign(np.diag(R))
        return cls((Q * np.sqrt(f)) @ V.T, (Q * w) @ Q.T)


def train(
    network,
    setting,
    *,
    loss="l2",
    learning_rate=0.01,
    steps,
    batch=128,
    rng,
    record_every=None,
    progress=None,
    stop_gradient=None,
    head=None,
    target_momentum=None,
    head_rate=1.0,
    head_decay=None,
    data=None,
    dtype=np.float64,
    moments=False,
    optimiser="sgd",
    momentum=None,
    second_momentum=None,
    epsilon=None,
):
    r"""Train a linear network by stochastic gradient descent or AdamW, each batch freshly sampled.

    .. math::
        L_2 = \tfrac12 E |W \Phi x - \mathrm{SG}(\Phi x')|^2 , \qquad
        L_{\cos} = - E \Bigl\langle \frac{W \Phi x}{|W \Phi x|}, \mathrm{SG} \frac{\Phi x'}{|\Phi x'|} \Bigr\rangle ,

    or any other :class:`~ncl_lib.losses.Loss`, plus weight decay :math:`\tfrac{\rho}{2} (|\Phi|_F^2 + |W|_F^2)`.

    Each step of size :math:`\eta` advances gradient-flow time by :math:`\eta`, and with a heavy ball by
    :math:`\eta / (1 - \alpha)`.

    Parameters
    ----------
    network : LinearNetwork
        The start; it is left as it is.
    setting : Setting
        `spectrum` may be one number or one for each of the d input coordinates.
    loss : {"l2", "cosine", "iso"} or Loss
    learning_rate : float
        Step size :math:`\eta > 0`, in units of gradient-flow time.
    steps, batch : int
        Number of steps, and pairs of views in each.
    rng : numpy.random.Generator
        The same generator state gives the same run, bit for bit.
    record_every : int, optional
        Steps between records; by default about 200 records. First and last step are always recorded.
    progress : bool, optional
        Show a progress bar; by default only when the run lasts more than two seconds.
    stop_gradient : bool, optional
        If False, the loss is differentiated through the target branch too. By default as the loss has it.
    head : bool or callable, optional
        If False, the head is the identity and is not trained. A callable, such as :class:`~ncl_lib.losses.FeatureHead`,
        sets it at every step from the feature matrix F. By default as the loss has it.
    target_momentum : float, optional
        With :math:`m \in [0, 1]`, targets come from a moving average of the encoder,
        :math:`\Phi_t \leftarrow m \Phi_t + (1 - m) \Phi`, which starts at :math:`\Phi`; needs the stop-gradient.
    head_rate : float, optional
        Learning rate of the head in units of that of the encoder, > 0; its decay is not multiplied by it.
    head_decay : float, optional
        Weight decay of the head, >= 0; by default that of the setting, which otherwise holds for the encoder alone.
    data : callable, optional
        ``data(n, rng)`` draws n data, shape (n, d), in place of Gaussian ones; views still add Gaussian noise of
        variance `sigma2`. The spectrum of the setting is then not used.
    dtype : {numpy.float64, numpy.float32}, optional
        Precision of the steps; records are kept in double precision either way.
    moments : bool, optional
        Draw of each batch its second moments, which is all that the "l2" and "iso" losses know of Gaussian data, by
        Bartlett's decomposition: runs have the same distribution, and a step costs no more for a larger batch.
    optimiser : {"sgd", "adamw"}, optional
        How pushes move weights, see below.
    momentum : float, optional
        In [0, 1): that of a heavy ball, :math:`\alpha`, by default 0; for AdamW :math:`\beta_1`, by default 0.9.
    second_momentum, epsilon : float, optional
        For AdamW alone: :math:`\beta_2` in [0, 1), by default 0.999, and :math:`\epsilon > 0`, by default 1e-8.

    Returns
    -------
    Run
        Ctrl-C and blow-up end the run early; what was recorded is returned, and ``.status`` says so.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds; the message names it.

    Notes
    -----
    Views are Gaussian, so :math:`x'` given :math:`x` is
    :math:`\frac{\lambda}{s} x + \sqrt{s - \lambda^2/s}\, \xi` with :math:`\xi \sim N(0, I)`. The batch is drawn that
    way, and where only :math:`\Phi x'` is needed, h numbers a sample are drawn in place of d if that pays: the
    distribution is the same, the cost is not. A large batch is drawn in parts, on all cores; which parts, and what is
    drawn in each, depends on the generator and on shapes alone.

    Of the push G, minus the gradient of the loss over the batch, a step makes, for M either of the two matrices,

    .. math::
        v \leftarrow \alpha v + k G - \rho M, \quad M \leftarrow M + \eta v \quad \text{(SGD)}, \qquad
        M \leftarrow M + \eta \Bigl( k \frac{\hat m}{\sqrt{\hat v} + \epsilon} - \rho M \Bigr) \quad
        \text{(AdamW)} ,

    where :math:`\hat m` and :math:`\hat v` are the averages of G and of its squares with :math:`\beta_1` and
    :math:`\beta_2`, corrected for their start at 0; for the encoder k = 1, and for the head k is `head_rate`, and
    `head_decay` stands for :math:`\rho`. These are the steps of ``optax.sgd`` after ``optax.add_decayed_weights``, and
    of ``optax.adamw``. What is remembered starts anew in each call: a run that goes on from ``run.network`` is not
    the longer run.

    References
    ----------
    Kingma and Ba, arXiv 1412.6980; Loshchilov and Hutter, arXiv 1711.05101.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> start = LinearNetwork.from_modes([0.5], [0.25], 1, rng)
    >>> run = train(start, Setting(sigma2=0.5, rho=0.05), steps=4000, batch=256, rng=rng)
    >>> bool(abs(run.W[-1, 0, 0] - 0.6122) < 0.02)
    True
    >>> str(train(start, run.setting, optimiser="adamw", steps=100, rng=rng).status)
    'ok'
    """
    _checks.instance("network", network, LinearNetwork)
    _checks.instance("setting", setting, Setting)
    h, d = network.Phi.shape
    setting.fits_inputs(d)
    loss, head, stop_gradient, target_momentum = _checked_loss(loss, head, stop_gradient, target_momentum)
    if dtype not in (np.float64, np.float32):
        raise ValueError(f"dtype={dtype!r}: must be numpy.float64 or numpy.float32")
    eta = _checks.number("learning_rate", learning_rate, above=0)
    steps = _checks.integer("steps", steps, minimum=1)
    batch = _checks.integer("batch", batch, minimum=1)
    rng = _checks.generator(rng)
    if record_every is None:
        record_every = max(1, steps // 200)
    record_every = _checks.integer("record_every", record_every, minimum=1)
    head_rate = _checks.number("head_rate", head_rate, above=0)
    head_decay = setting.rho if head_decay is None else _checks.number("head_decay", head_decay, minimum=0)
    if _checks.instance("moments", moments, bool) and (loss not in QUADRATIC or data is not None):
        drawn = f"the loss {loss.name!r}" if data is None else "data that are drawn elsewhere"
        raise ValueError(f"moments=True: {drawn} needs whole batches; only 'l2' and 'iso' on Gaussian data do not")
    optimiser = Optimiser.checked(optimiser, momentum, second_momentum, epsilon, dtype)
    views = views_of(network, setting, batch, rng, data, whole=not stop_gradient, dtype=dtype, moments=moments)
    rates = (eta, eta * setting.rho), (eta * head_rate, eta * head_decay)
    weights = Weights(network, loss, head, stop_gradient, target_momentum, views, optimiser, rates, dtype)
    records = Records(h, 2 + steps // record_every)
    return _descend(weights, records, setting, steps, record_every, progress)


def _checked_loss(loss, head, stop_gradient, target_momentum):
    """The loss, and what was chosen in place of its own."""
    loss = Loss.of(loss)
    head = loss.head if head is None else head
    stop_gradient = loss.stop_gradient if stop_gradient is None else stop_gradient
    if not (callable(head) or isinstance(head, bool)):
        raise TypeError(f"head={head!r}: expected True, False, or a function of F")
    if head is not False and not loss.head:
        raise ValueError(f"head={head!r}: the loss {loss.name!r} has no head; leave it out")
    _checks.instance("stop_gradient", stop_gradient, bool)
    if target_momentum is not None:
        target_momentum = _checks.number("target_momentum", target_momentum, minimum=0)
        if target_momentum > 1:
            raise ValueError(f"target_momentum={target_momentum!r}: must be <= 1")
        if not stop_gradient:
            raise ValueError("stop_gradient=False: a moving-average target is not differentiated; leave one of the two")
    return loss, head, stop_gradient, target_momentum


def _descend(weights, records, setting, steps, record_every, progress):
    """Take the steps, and write down what is due."""
    status, k, pace = Status("ok"), 0, weights.pace
    limit = BLOW_UP_FACTOR * max(1.0, weights.size())
    try:
        with _progress.bar(steps, "step", progress) as bar, np.errstate(over="ignore", invalid="ignore"):
            for k in range(steps + 1):
                finite = weights.draw(first=k == 0)
                # The start is recorded whatever its loss.
                if k == 0 or (finite and (k % record_every == 0 or k == steps)):
                    records.add(k, weights.Phi, weights.W, weights.target, weights.value)
                # A push is looked at before it reaches the weights, which would be lost.
                if not finite or (k < steps and not weights.pushed()):
                    kind = weights.loss.failure if weights.size() < limit else "blow-up"
                    status = Status(kind, time=k * pace)
                    break
                if k < steps:
                    weights.step()
                    bar.update()
    except KeyboardInterrupt:
        status = Status("interrupted", time=k * pace)
        if records.count == 0:
            raise
    k, Ws, Fs, values, ratios = records.arrays()
    trained = LinearNetwork(records.Phi, weights.start_W if weights.head is False else Ws[-1])
    return Run(setting, k * pace, Ws, Fs, values, ratios, trained, weights.loss.name, status)
