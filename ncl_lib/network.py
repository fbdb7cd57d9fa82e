"""Rung 4: the linear network itself, trained by stochastic gradient descent on freshly sampled views."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from . import _checks, _progress, diagnostics
from ._solve import BLOW_UP_FACTOR, Status
from .expectations import alignment
from .losses import _NAMED, Loss
from .norms import Norms
from .setting import Setting


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
        >>> rng = np.random.default_rng(0)
        >>> start = LinearNetwork(np.eye(2), np.eye(2))
        >>> train(start, Setting(sigma2=0.0, rho=0.0), steps=1, batch=8, rng=rng).alignment.round(6)
        array([1., 1.])
        """
        return np.array([alignment(W, F, self.setting) for W, F in zip(self.W, self.F, strict=True)])


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
):
    r"""Train a linear network by plain stochastic gradient descent, each batch freshly sampled.

    .. math::
        L_2 = \tfrac12 E |W \Phi x - \mathrm{SG}(\Phi x')|^2 , \qquad
        L_{\cos} = - E \Bigl\langle \frac{W \Phi x}{|W \Phi x|}, \mathrm{SG} \frac{\Phi x'}{|\Phi x'|} \Bigr\rangle ,

    or any other :class:`~ncl_lib.losses.Loss`, plus weight decay :math:`\tfrac{\rho}{2} (|\Phi|_F^2 + |W|_F^2)`.

    Each step of size :math:`\eta` advances gradient-flow time by :math:`\eta`.

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
    distribution is the same, the cost is not.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> start = LinearNetwork.from_modes([0.5], [0.25], 1, rng)
    >>> run = train(start, Setting(sigma2=0.5, rho=0.05), steps=4000, batch=256, rng=rng)
    >>> bool(abs(run.W[-1, 0, 0] - 0.6122) < 0.02)
    True
    """
    _checks.instance("network", network, LinearNetwork)
    _checks.instance("setting", setting, Setting)
    h, d = network.Phi.shape
    if np.ndim(setting.spectrum) and np.size(setting.spectrum) != d:
        raise ValueError(f"setting.spectrum has {np.size(setting.spectrum)} entries; one number or d={d} are needed")
    if not isinstance(loss, Loss):
        loss = _NAMED[_checks.choice("loss", loss, tuple(_NAMED))]
    head = loss.head if head is None else head
    stop_gradient = loss.stop_gradient if stop_gradient is None else stop_gradient
    if not (callable(head) or isinstance(head, bool)):
        raise TypeError(f"head={head!r}: expected True, False, or a function of F")
    if head is not False and not loss.head:
        raise ValueError(f"head={head!r}: the loss {loss.name!r} has no head; leave it out")
    _checks.instance("stop_gradient", stop_gradient, bool)
    if dtype not in (np.float64, np.float32):
        raise ValueError(f"dtype={dtype!r}: must be numpy.float64 or numpy.float32")
    eta = _checks.number("learning_rate", learning_rate, above=0)
    steps = _checks.integer("steps", steps, minimum=1)
    batch = _checks.integer("batch", batch, minimum=1)
    rng = _checks.generator(rng)
    if record_every is None:
        record_every = max(1, steps // 200)
    record_every = _checks.integer("record_every", record_every, minimum=1)
    if target_momentum is not None:
        target_momentum = _checks.number("target_momentum", target_momentum, minimum=0)
        if target_momentum > 1:
            raise ValueError(f"target_momentum={target_momentum!r}: must be <= 1")
        if not stop_gradient:
            raise ValueError("stop_gradient=False: a moving-average target is not differentiated; leave one of the two")
    head_rate = _checks.number("head_rate", head_rate, above=0)
    head_decay = setting.rho if head_decay is None else _checks.number("head_decay", head_decay, minimum=0)
    if data is not None and not callable(data):
        raise TypeError(f"data={data!r}: expected a function of (n, rng) that draws n data")

    def set_head(Phi):
        W = np.asarray(head(Phi @ Phi.T), dtype)
        if W.shape != (h, h):
            raise ValueError(f"head: made a matrix of shape {W.shape}; expected ({h}, {h})")
        return W

    Phi = network.Phi.astype(dtype)
    W = set_head(Phi) if callable(head) else network.W.astype(dtype) if head else np.eye(h, dtype=dtype)
    target = Phi.copy() if target_momentum is not None else Phi
    if data is None:
        views = _Views(setting, batch, h, d, rng, whole=not stop_gradient, dtype=dtype)
    else:
        views = _Drawn(setting, batch, d, rng, data, dtype)
    records, status = _Records(h, 2 + steps // record_every), Status("ok")
    k, shrink, shrink_head = 0, 1 - eta * setting.rho, 1 - eta * head_decay
    limit = BLOW_UP_FACTOR * max(1.0, np.max(np.abs(Phi)), np.max(np.abs(W)))
    try:
        with _progress.bar(steps, "step", progress) as bar, np.errstate(over="ignore", invalid="ignore"):
            for k in range(steps + 1):
                z, u, v, xi = views.sample(Phi, target)
                value, on_u, on_v, on_W = loss.pushes(u, v, W)
                if k == 0:
                    _check_pushes(loss, on_u, on_v, on_W, u, W, head, stop_gradient)
                finite = math.isfinite(value)
                # The start is recorded whatever its loss.
                if k == 0 or (finite and (k % record_every == 0 or k == steps)):
                    records.add(k, Phi, W, target, value)
                if finite and k < steps:
                    push = views.against_x(on_u, z) / batch
                    if not stop_gradient:
                        push += views.against_other(on_v, z, xi) / batch
                    # Seen before it reaches the weights, which would be lost.
                    finite = math.isfinite(push.sum() + (on_W.sum() if head is True else 0.0))
                if not finite:
                    size = max(np.max(np.abs(Phi)), np.max(np.abs(W)))
                    status = Status(loss.failure if size < limit else "blow-up", time=k * eta)
                if k == steps or not finite:
                    break
                if head is True:
                    W *= shrink_head
                    W += (eta * head_rate / batch) * on_W
                Phi *= shrink  # in place: without a moving average the target is the encoder
                Phi += eta * push
                if callable(head):
                    W = set_head(Phi)
                if target_momentum is not None:
                    target += (1 - target_momentum) * (Phi - target)
                bar.update()
    except KeyboardInterrupt:
        status = Status("interrupted", time=k * eta)
        if records.count == 0:
            raise
    k, Ws, Fs, values, ratios = records.arrays()
    trained = LinearNetwork(records.Phi, Ws[-1] if head else network.W)
    return Run(setting, k * eta, Ws, Fs, values, ratios, trained, status)


class _Records:
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


def _check_pushes(loss, on_u, on_v, on_W, u, W, head, stop_gradient):
    """Raise if a loss of someone's own does not return what it should: shapes that broadcast would go unnoticed."""
    used = {"on_u": (on_u, u), "on_v": (on_v, u), "on_W": (on_W, W)}
    for name, (push, like) in used.items():
        needed = name == "on_u" or (name == "on_v" and not stop_gradient) or (name == "on_W" and head is True)
        if needed and np.shape(push) != like.shape:
            raise ValueError(f"loss={loss.name!r}: its {name} has shape {np.shape(push)}; expected {like.shape}")


class _Views:
    """Draws batches of views, and forms the sums over a batch that involve them.

    Views are kept whitened, ``x = root_s * z``: scaling (h, d) matrices costs less than scaling (batch, d) ones.
    """

    def __init__(self, setting, batch, h, d, rng, whole, dtype=np.float64):
        self.rng, self.dtype = rng, dtype
        carry = setting.spectrum / setting.s
        # With lambda^2/s subtracted as lambda * carry, noiseless views leave exactly 0 here, or rounding.
        fresh = np.sqrt(np.maximum(setting.s - setting.spectrum * carry, 0.0))
        # In the precision of the steps, or every product with them would be in double.
        self.root_s, self.carry, self.fresh = (np.asarray(x, dtype)[()] for x in (np.sqrt(setting.s), carry, fresh))
        self.z = np.empty((batch, d), dtype)
        # The features of the fresh part are h numbers a sample, at the price of a factor of their covariance. A normal
        # number takes about as long to draw as a hundred products.
        narrow = h * h * d + h**3 // 3 + batch * h * (h + 100)
        whole = whole or h == d or narrow > batch * d * (h + 100)
        self.xi = np.empty((batch, d if whole else h), dtype)

    def sample(self, Phi, target):
        """Whitened online views z, their features u, target features v, and the fresh part xi of the other view."""
        z = self.rng.standard_normal(out=self.z, dtype=self.dtype)
        xi = self.rng.standard_normal(out=self.xi, dtype=self.dtype)
        u = z @ (Phi * self.root_s).T
        if target is Phi and np.ndim(self.carry) == 0:
            v = self.carry * u
        else:
            v = z @ (target * (self.carry * self.root_s)).T
        spread = target * self.fresh
        v += xi @ (spread if xi.shape[1] == spread.shape[1] else _factor(spread)).T
        return z, u, v, xi

    def against_x(self, g, z):
        """Sum of g x^T over the batch."""
        return (g.T @ z) * self.root_s

    def against_other(self, g, z, xi):
        """Sum of g x'^T over the batch."""
        return (g.T @ z) * (self.root_s * self.carry) + (g.T @ xi) * self.fresh


class _Drawn:
    """The same for data that someone else draws: both views whole, with fresh noise on each."""

    def __init__(self, setting, batch, d, rng, data, dtype):
        self.noise, self.batch, self.d, self.rng = math.sqrt(setting.sigma2), batch, d, rng
        self.data, self.dtype = data, dtype

    def sample(self, Phi, target):
        """Online views, their features, target features, and the other views."""
        x0 = np.asarray(self.data(self.batch, self.rng))
        if x0.dtype.kind not in "fiu":
            raise ValueError(f"data: drew {x0.dtype}; expected real numbers")
        x0 = x0.astype(self.dtype)
        if x0.shape != (self.batch, self.d):
            raise ValueError(f"data: drew shape {x0.shape}; expected ({self.batch}, {self.d})")
        if not np.all(np.isfinite(x0)):
            raise ValueError("data: drew entries that are nan or infinite; all must be finite")
        x, other = (x0 + self.noise * self.rng.standard_normal(x0.shape, dtype=self.dtype) for _ in range(2))
        return x, x @ Phi.T, other @ target.T, other

    def against_x(self, g, x):
        """Sum of g x^T over the batch."""
        return g.T @ x

    def against_other(self, g, x, other):
        """Sum of g x'^T over the batch."""
        return g.T @ other


def _factor(A):
    """A square L with ``L L^T = A A^T``, for A of shape (h, d): Cholesky, or QR where A has lost rank."""
    try:
        return np.linalg.cholesky(A @ A.T)
    except np.linalg.LinAlgError:
        return np.linalg.qr(A.T, mode="r").T
