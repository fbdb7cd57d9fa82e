r"""One rung above the ladder: encoders that need not be linear, watched with the instruments of the theory.

The encoder is a trunk, which may be anything, and a last linear layer without bias. JAX differentiates, Equinox holds
the layers, Optax steps; the three are optional to install (``pip install 'ncl-lib[images]'``).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from . import _checks, _progress, diagnostics
from ._solve import Status
from .flows import SixthOrderFlow, ThirdOrderFlow
from .norms import Norms
from .regimes import Regime
from .setting import Setting


class Encoder(eqx.Module):
    r"""A trunk and a last linear layer: :math:`u = \Phi x` with the activations :math:`x`.

    Attributes
    ----------
    trunk : callable
        Maps one datum to activations x of shape (width,).
    last : array of shape (h, width)
        The :math:`\Phi`.

    Examples
    --------
    >>> import jax
    >>> encoder = linear_encoder((8, 8, 1), 4, seed=0)
    >>> encoder(np.zeros((8, 8, 1))).shape
    (4,)
    """

    trunk: eqx.Module
    last: jax.Array

    def __call__(self, x):
        """Features of one datum, shape (h,).

        Examples
        --------
        >>> linear_encoder(3, 2, seed=0)(np.zeros(3)).tolist()
        [0.0, 0.0]
        """
        return self.last @ self.trunk(x)


class _Flat(eqx.Module):
    """The trunk of a linear encoder."""

    def __call__(self, x):
        return jnp.ravel(x)


class _Layers(eqx.Module):
    """Layers one after the other, each followed by a rectifier."""

    layers: list
    flat: bool = eqx.field(static=True)

    def __call__(self, x):
        # Equinox wants channels first.
        x = jnp.ravel(x) if self.flat else jnp.moveaxis(x, -1, 0)
        for layer in self.layers:
            x = jax.nn.relu(layer(x))
        return jnp.ravel(x) if self.flat else jnp.mean(x, axis=(1, 2))


def linear_encoder(shape, h, seed, scale=1.0):
    r"""Make a linear encoder, entries :math:`N(0, 1 / d)` times a scale.

    Parameters
    ----------
    shape : int or tuple of int
        Of one datum; d is their product.
    h : int
        Number of features.
    seed : int
    scale : float, optional
        That scale, > 0.

    Returns
    -------
    Encoder

    Raises
    ------
    TypeError, ValueError
        If a number is out of bounds.

    Examples
    --------
    >>> linear_encoder((8, 8, 1), 4, seed=0).last.shape
    (4, 64)
    """
    d = math.prod(_shape(shape))
    return _with_last(_Flat(), d, h, _keys(seed, 1)[0], scale)


def mlp_encoder(shape, h, seed, width=128, depth=1, scale=1.0):
    """Make an encoder with `depth` hidden layers of rectifiers, no biases.

    Parameters
    ----------
    shape : int or tuple of int
        Of one datum.
    h : int
        Number of features.
    seed : int
    width, depth : int, optional
        Units a hidden layer, and how many of those.
    scale : float, optional
        Of the last layer, as for :func:`linear_encoder`.

    Returns
    -------
    Encoder

    Raises
    ------
    TypeError, ValueError
        If a number is out of bounds.

    Examples
    --------
    >>> mlp_encoder((8, 8, 1), 4, seed=0, width=16).last.shape
    (4, 16)
    """
    d, width = math.prod(_shape(shape)), _checks.integer("width", width, minimum=1)
    keys = _keys(seed, 1 + _checks.integer("depth", depth, minimum=1))
    sizes = [d] + [width] * depth
    layers = [
        _rectified(eqx.nn.Linear(m, n, use_bias=False, key=key))
        for (m, n), key in zip(itertools.pairwise(sizes), keys[1:], strict=True)
    ]
    return _with_last(_Layers(layers, True), width, h, keys[0], scale)


def conv_encoder(shape, h, seed, channels=(16, 32), scale=1.0):
    """Make a convolutional encoder: 3 x 3 filters of stride 2, rectifiers, no biases, a mean over places at the end.

    Parameters
    ----------
    shape : tuple of int
        Height, width, channels of one image.
    h : int
        Number of features.
    seed : int
    channels : sequence of int, optional
        Of each layer.
    scale : float, optional
        Of the last layer, as for :func:`linear_encoder`.

    Returns
    -------
    Encoder

    Raises
    ------
    TypeError, ValueError
        If a number is out of bounds, or `shape` is not that of an image.

    Examples
    --------
    >>> conv_encoder((8, 8, 1), 4, seed=0)(np.ones((8, 8, 1))).shape
    (4,)
    """
    shape = _shape(shape)
    if len(shape) != 3:
        raise ValueError(f"shape={shape}: expected (height, width, channels)")
    if not np.iterable(channels):
        raise TypeError(f"channels={channels!r}: expected a sequence of whole numbers")
    channels = [_checks.integer("channels", c, minimum=1) for c in channels]
    if not channels:
        raise ValueError("channels: is empty; at least one layer is needed")
    keys = _keys(seed, 1 + len(channels))
    sizes = [shape[-1], *channels]
    layers = [
        _rectified(eqx.nn.Conv2d(m, n, 3, stride=2, padding=1, use_bias=False, key=key))
        for (m, n), key in zip(itertools.pairwise(sizes), keys[1:], strict=True)
    ]
    return _with_last(_Layers(layers, False), channels[-1], h, keys[0], scale)


def _rectified(layer):
    """The same layer with the weights that keep the size of signals through rectifiers: variance 2 / inputs."""
    # Equinox draws uniformly within 1 / sqrt(inputs), that is with variance 1 / (3 inputs).
    return eqx.tree_at(lambda layer: layer.weight, layer, layer.weight * math.sqrt(6))


def _with_last(trunk, m, h, key, scale):
    h, scale = _checks.integer("h", h, minimum=1), _checks.number("scale", scale, above=0)
    return Encoder(trunk, jax.random.normal(key, (h, m)) * scale / math.sqrt(m))


def _shape(shape):
    shape = shape if isinstance(shape, tuple) else (shape,)
    return tuple(_checks.integer("shape", side, minimum=1) for side in shape)


def _checked_seed(seed):
    seed = _checks.integer("seed", seed, minimum=0)
    if seed >= 2**32:  # JAX would cut it off, and two seeds would be one
        raise ValueError(f"seed={seed}: must be < 2^32")
    return seed


def _keys(seed, n):
    return jax.random.split(jax.random.key(_checked_seed(seed)), n)


@dataclass(frozen=True)
class Augmentation:
    """What makes two views of one image: moved, made brighter or darker, noisy, mirrored.

    Parameters
    ----------
    shift : int, optional
        At most so many pixels in each direction; what enters is the border, repeated.
    brightness : float, optional
        Standard deviation of the logarithm of a factor, >= 0.
    noise : float, optional
        Standard deviation of noise on every pixel, >= 0.
    mirror : bool, optional
        Swap left and right in half of the views.

    Raises
    ------
    TypeError, ValueError
        If a number is out of bounds.

    Examples
    --------
    >>> Augmentation(shift=1).noise
    0.0
    """

    shift: int = 0
    brightness: float = 0.0
    noise: float = 0.0
    mirror: bool = False

    def __post_init__(self):
        _checks.integer("shift", self.shift, minimum=0)
        _checks.number("brightness", self.brightness, minimum=0)
        _checks.number("noise", self.noise, minimum=0)
        _checks.instance("mirror", self.mirror, bool)

    def __call__(self, key, x):
        """One view of each datum, the same shape as `x`: (n, height, width, channels), or (n, d) for noise alone.

        Examples
        --------
        >>> import jax
        >>> Augmentation(shift=1, mirror=True)(jax.random.key(0), np.ones((2, 8, 8, 1))).shape
        (2, 8, 8, 1)
        """
        x, n = jnp.asarray(x), len(x)
        if (self.shift or self.mirror) and x.ndim != 4:
            raise ValueError(f"x: has shape {x.shape}; to shift or mirror it takes (n, height, width, channels)")
        moves, flips, lights, noise = jax.random.split(key, 4)
        if self.shift:
            s = self.shift
            padded = jnp.pad(x, ((0, 0), (s, s), (s, s), (0, 0)), mode="edge")
            corner = jax.random.randint(moves, (n, 2), 0, 2 * s + 1)
            x = jax.vmap(lambda image, c: jax.lax.dynamic_slice(image, (c[0], c[1], 0), x.shape[1:]))(padded, corner)
        if self.mirror:
            flipped = jax.random.bernoulli(flips, shape=(n, 1, 1, 1))
            x = jnp.where(flipped, x[:, :, ::-1], x)
        if self.brightness:
            x = x * jnp.exp(self.brightness * jax.random.normal(lights, (n,) + (1,) * (x.ndim - 1)))
        if self.noise:
            x = x + self.noise * jax.random.normal(noise, x.shape)
        return x


@dataclass(frozen=True, eq=False)
class DeepRun:
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
    last : array of shape (T, h, h)
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
    last: np.ndarray
    covariance: np.ndarray
    cross: np.ndarray
    norm_spread: np.ndarray
    alignment: np.ndarray
    loss: np.ndarray
    encoder: Encoder = field(repr=False)
    status: Status

    @property
    def effective_rank(self):
        """Participation ratio of the second moments of the features, shape (T,); nan where features vanish.

        Examples
        --------
        >>> source = lambda n, rng: rng.standard_normal((n, 6))
        >>> noise = Augmentation(noise=0.5)
        >>> run = train_deep(linear_encoder(6, 3, seed=0), source, noise, rho=0.05, steps=2, batch=32, seed=1)
        >>> bool(np.all(run.effective_rank > 1))
        True
        """
        sizes = np.trace(self.covariance, axis1=1, axis2=2)
        return np.array(
            [
                diagnostics.participation_ratio(C) if size > 0 else np.nan
                for C, size in zip(self.covariance, sizes, strict=True)
            ]
        )

    @property
    def commutator(self):
        """Relative commutator of head and second moments, shape (T,).

        Examples
        --------
        >>> source = lambda n, rng: rng.standard_normal((n, 6))
        >>> noise = Augmentation(noise=0.5)
        >>> run = train_deep(linear_encoder(6, 3, seed=0), source, noise, rho=0.05, steps=2, batch=32, seed=1)
        >>> run.commutator.shape
        (3,)
        """
        return diagnostics.commutator(self.W, self.covariance)

    @property
    def heads(self):
        """Eigenvalues of the symmetric part of the head, ascending, shape (T, h).

        Examples
        --------
        >>> source = lambda n, rng: rng.standard_normal((n, 6))
        >>> noise = Augmentation(noise=0.5)
        >>> run = train_deep(linear_encoder(6, 3, seed=0), source, noise, rho=0.05, steps=2, batch=32, seed=1)
        >>> run.heads.shape
        (3, 3)
        """
        return np.linalg.eigvalsh((self.W + self.W.mT) / 2)

    @property
    def balance(self):
        r"""Imbalance :math:`\Phi \Phi^\top - W^\top W` of last layer and head, shape (T, h, h).

        Examples
        --------
        >>> source = lambda n, rng: rng.standard_normal((n, 6))
        >>> noise = Augmentation(noise=0.5)
        >>> run = train_deep(linear_encoder(6, 3, seed=0), source, noise, rho=0.05, steps=2, batch=32, seed=1)
        >>> run.balance.shape
        (3, 3, 3)
        """
        return self.last - self.W.mT @ self.W

    @property
    def regimes(self):
        r"""Regime of each head eigenvalue, in the flow of the theory with the numbers of that moment, shape (T, h).

        Signal and noise are measured per unit of the last layer, :math:`\lambda = \operatorname{tr} E[v u^\top] /
        \operatorname{tr} F` and :math:`\lambda + \sigma^2 = \operatorname{tr} E[u u^\top] / \operatorname{tr} F`; the
        norms are the root-mean-square lengths of target and prediction. COLLAPSE where there is no signal.

        Examples
        --------
        >>> source = lambda n, rng: rng.standard_normal((n, 6))
        >>> noise = Augmentation(noise=0.5)
        >>> run = train_deep(linear_encoder(6, 3, seed=0), source, noise, rho=0.05, steps=2, batch=32, seed=1)
        >>> run.regimes.shape
        (3, 3)
        """
        found = []
        for w, W, F, C, B in zip(self.heads, self.W, self.last, self.covariance, self.cross, strict=True):
            size, total, signal = np.trace(F), np.trace(C), np.trace(B)
            if not (signal > 0 and total >= signal):
                found.append(np.full(len(w), Regime.COLLAPSE))
                continue
            setting = Setting(float(total - signal) / size, self.rho, float(signal / size))
            if self.loss_name == "l2":
                found.append(ThirdOrderFlow(setting).regime(w))
            else:
                norms = Norms(math.sqrt(total), math.sqrt(np.trace(W @ C @ W.T)), float(np.trace(W @ B)))
                found.append(SixthOrderFlow(setting, norms).regime(w))
        return np.array(found)

    def features(self, x):
        """Features of data `x` by the trained encoder, shape (n, h), double precision.

        Examples
        --------
        >>> source = lambda n, rng: rng.standard_normal((n, 6))
        >>> noise = Augmentation(noise=0.5)
        >>> run = train_deep(linear_encoder(6, 3, seed=0), source, noise, rho=0.05, steps=2, batch=32, seed=1)
        >>> run.features(np.ones((5, 6))).shape
        (5, 3)
        """
        # In pieces, so that a large data set needs no more memory than a batch.
        pieces = [np.asarray(_features(self.encoder, jnp.asarray(x[k : k + 2048]))) for k in range(0, len(x), 2048)]
        return np.concatenate(pieces).astype(float)


def images_source(images):
    """Draw images at random from an array: what :func:`train_deep` calls a source.

    Parameters
    ----------
    images : array of shape (n, ...)

    Returns
    -------
    callable

    Examples
    --------
    >>> images_source(np.zeros((10, 8, 8, 1)))(4, np.random.default_rng(0)).shape
    (4, 8, 8, 1)
    """
    images = np.asanyarray(images)
    if images.ndim < 2 or len(images) == 0:
        raise ValueError(f"images: has shape {images.shape}; expected (n, ...) with n >= 1")
    return lambda n, rng: images[rng.integers(len(images), size=n)]


_features = eqx.filter_jit(jax.vmap(lambda encoder, x: encoder(x), in_axes=(None, 0)))


def _loss(kind, p, v):
    """Loss on predictions and fixed targets."""
    v = jax.lax.stop_gradient(v)
    if kind == "l2":
        return jnp.mean(jnp.sum((p - v) ** 2, axis=1)) / 2
    # The root of 0 has no derivative; features that vanish are caught by the caller, in the value.
    return -jnp.mean(jnp.sum(p * v, axis=1) / (jnp.linalg.norm(p, axis=1) * jnp.linalg.norm(v, axis=1)))


def _about_mean(u, centred):
    return u - u.mean(axis=0) if centred else u


def _optimiser(rho, learning_rate, momentum):
    return optax.chain(optax.add_decayed_weights(rho), optax.sgd(learning_rate, momentum))


@eqx.filter_jit
def _step(model, memory, x0, key, k, augmentation, kind, biased, centred, rho, learning_rate, momentum):
    """Step `k` of gradient descent, on one batch."""
    one, other = jax.random.split(jax.random.fold_in(key, 3 + k))
    x, x2 = augmentation(one, x0), augmentation(other, x0)

    def value(model):
        u, v = (_about_mean(jax.vmap(model["encoder"])(views), centred) for views in (x, x2))
        return _loss(kind, u @ model["W"].T + model["bias"], v)

    loss, slope = eqx.filter_value_and_grad(value)(model)
    if not biased:
        slope = {**slope, "bias": jnp.zeros_like(slope["bias"])}
    weights = eqx.filter(model, eqx.is_array)
    change, memory = _optimiser(rho, learning_rate, momentum).update(slope, memory, weights)
    return eqx.apply_updates(model, change), memory, loss


def _measure(model, x, x2, kind, centred):
    """What is recorded, on fixed pairs of views; sums in double precision."""
    u, v = (_about_mean(np.asarray(_features(model["encoder"], views), float), centred) for views in (x, x2))
    W, bias, last = (np.asarray(part, float) for part in (model["W"], model["bias"], model["encoder"].last))
    p, n, sizes = u @ W.T + bias, len(u), np.sum(v * v, axis=1)
    with np.errstate(all="ignore"):
        cosine = np.mean(np.sum(p * v, axis=1) / np.sqrt(np.sum(p * p, axis=1) * sizes))
        loss = np.mean(np.sum((p - v) ** 2, axis=1)) / 2 if kind == "l2" else -cosine
        moments = dict(covariance=(u.T @ u + v.T @ v) / (2 * n), cross=(v.T @ u + u.T @ v) / (2 * n))
        spread = np.std(sizes) / np.mean(sizes)
    return dict(W=W, bias=bias, last=last @ last.T, **moments, norm_spread=spread, alignment=cosine, loss=loss)


def train_deep(
    encoder,
    source,
    augmentation,
    *,
    rho,
    loss="cosine",
    learning_rate=0.05,
    momentum=0.0,
    steps,
    batch=128,
    seed,
    head_scale=1.0,
    head_bias=False,
    centred=True,
    pairs=1024,
    record_every=None,
    checkpoint=None,
    checkpoint_every=1000,
    progress=None,
):
    r"""Train an encoder and a linear head by stochastic gradient descent.

    Loss and decay are those of :func:`~ncl_lib.train`.

    Parameters
    ----------
    encoder : Encoder
        The start; it is left as it is.
    source : callable
        ``source(n, rng)`` draws n data, an array whose first axis is n; see :func:`images_source`.
    augmentation : Augmentation or callable
        ``augmentation(key, x)`` makes one view of each.
    rho : float
        Weight decay on all weights, >= 0.
    loss : {"cosine", "l2"}
    learning_rate, momentum : float, optional
        Step size > 0, and heavy-ball momentum, 0 <= momentum < 1.
    steps, batch : int
    seed : int
        Of everything drawn: batch k is a function of `seed` and k, so that a resumed run is the same bit for bit.
    head_scale : float, optional
        The head starts as this number, > 0, times :math:`N(0, 1 / h)`.
    head_bias : bool, optional
        Train a bias in the head too; it starts at 0.
    centred : bool, optional
        Take the mean of the batch out of the features, before the head and before the loss. The theory is about
        features of mean zero; rectifiers make others, and then the mean is what is learned.
    pairs : int, optional
        Pairs of views on which is measured.
    record_every : int, optional
        By default about 50 records; the first and last step are always recorded.
    checkpoint : str or pathlib.Path, optional
        File to keep the state in. If it exists, the run goes on from there: on a processor bit for bit, on a GPU up to
        what its kernels do not repeat.
    checkpoint_every : int, optional
        Steps between two writings of it; it is also written at the end and on Ctrl-C.
    progress : bool, optional
        Show a progress bar; by default only when the run lasts more than two seconds.

    Returns
    -------
    DeepRun
        Blow-up and Ctrl-C end it early; what was recorded is returned, and ``.status`` says so.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds, or a checkpoint belongs to another run.

    Examples
    --------
    >>> source = lambda n, rng: rng.standard_normal((n, 6))
    >>> noise = Augmentation(noise=0.5)
    >>> run = train_deep(mlp_encoder(6, 3, seed=0), source, noise, rho=0.01, steps=10, batch=32, seed=1)
    >>> run.features(np.ones((2, 6))).shape
    (2, 3)
    """
    _checks.instance("encoder", encoder, Encoder)
    for name, value in (("source", source), ("augmentation", augmentation)):
        if not callable(value):
            raise TypeError(f"{name}={value!r}: expected a callable")
    _checks.choice("loss", loss, ("cosine", "l2"))
    rho, eta = _checks.number("rho", rho, minimum=0), _checks.number("learning_rate", learning_rate, above=0)
    momentum = _checks.number("momentum", momentum, minimum=0)
    if momentum >= 1:
        raise ValueError(f"momentum={momentum!r}: must be < 1")
    steps, batch = _checks.integer("steps", steps, minimum=1), _checks.integer("batch", batch, minimum=1)
    if centred and batch == 1:
        raise ValueError("batch=1: the mean of one sample leaves nothing; take batch >= 2, or centred=False")
    seed, pairs = _checked_seed(seed), _checks.integer("pairs", pairs, minimum=2)
    head_scale = _checks.number("head_scale", head_scale, above=0)
    for name, value in (("head_bias", head_bias), ("centred", centred)):
        _checks.instance(name, value, bool)
    record_every = (
        max(1, steps // 50) if record_every is None else _checks.integer("record_every", record_every, minimum=1)
    )
    checkpoint_every = _checks.integer("checkpoint_every", checkpoint_every, minimum=1)
    path = None if checkpoint is None else Path(_checks.instance("checkpoint", checkpoint, (str, Path)))

    key = jax.random.key(seed)
    h = encoder.last.shape[0]
    W = jax.random.normal(jax.random.fold_in(key, 0), (h, h)) * head_scale / math.sqrt(h)
    model = {"encoder": encoder, "W": W, "bias": jnp.zeros(h)}
    memory = _optimiser(rho, eta, momentum).init(eqx.filter(model, eqx.is_array))
    # Streams of their own for what is measured and for each step.
    x0 = _drawn(source, pairs, np.random.default_rng((seed, 0)))
    x, x2 = (_view(augmentation, jax.random.fold_in(key, k), x0) for k in (1, 2))
    try:
        shape = jax.eval_shape(jax.vmap(encoder), x).shape
    except TypeError as error:
        made = "source: drew data" if x.shape == x0.shape else f"augmentation: made of data of {x0.shape[1:]} views"
        raise ValueError(f"{made} of shape {x.shape[1:]}, which the encoder does not take ({error})") from error
    if shape != (pairs, h):
        raise ValueError(f"encoder: makes features of shape {shape[1:]}; its last layer says ({h},)")
    what = dict(rho=rho, loss=loss, learning_rate=eta, momentum=momentum, batch=batch, seed=seed)
    # What a checkpoint has to belong to: these numbers, this start, and these data.
    what |= dict(head_bias=head_bias, centred=centred, pairs=pairs)
    leaves = jax.tree_util.tree_leaves(eqx.filter((model, x, x2), eqx.is_array))
    start = hashlib.sha256(b"".join(np.asarray(leaf).tobytes() for leaf in leaves)).hexdigest()
    what["start, source or augmentation"] = start
    records, k, status = [], 0, Status("ok")
    if path is not None and path.exists():
        model, memory, records, k = _restore(path, model, memory, what)
        if k > steps:
            raise ValueError(f"steps={steps}: the checkpoint {str(path)!r} has {k} already; take as many or more")
    elif path is not None:
        _store(path, model, memory, records, k, what)  # a file that cannot be written should not cost a run
    sound = model["encoder"]  # as it was when last all was finite

    # As arrays, or every value of them would be compiled anew.
    numbers = [jnp.asarray(value) for value in (rho, eta, momentum)]
    # A heavy ball goes 1 / (1 - momentum) times as far as its steps.
    pace = eta / (1 - momentum)
    try:
        with _progress.bar(steps, "step", progress, initial=k) as bar:
            while True:
                if (k % record_every == 0 or k == steps) and (not records or records[-1]["step"] < k):
                    record = _measure(model, x, x2, loss, centred)
                    if not all(np.all(np.isfinite(value)) for value in record.values()):
                        status = Status(
                            "singular" if float(np.trace(record["covariance"])) == 0 else "blow-up", time=k * pace
                        )
                        break
                    records.append({"step": k, **record})
                    sound = model["encoder"]
                if k >= steps:
                    break
                batch_of = _drawn(source, batch, np.random.default_rng((seed, 1, k)))
                options = augmentation, loss, head_bias, centred
                model, memory, value = _step(model, memory, batch_of, key, jnp.asarray(k), *options, *numbers)
                k += 1
                bar.update()
                if path is not None and k % checkpoint_every == 0 and np.isfinite(value):
                    _store(path, model, memory, records, k, what)
    except KeyboardInterrupt:
        status = Status("interrupted", time=k * pace)
        if not records:
            raise
    if not records:
        raise ValueError("encoder: its loss is not finite at the start; the features or predictions vanish or overflow")
    if path is not None and status in ("ok", "interrupted"):
        _store(path, model, memory, records, k, what)
    arrays = {name: np.array([record[name] for record in records]) for name in records[0]}
    return DeepRun(rho, loss, t=arrays["step"] * pace, **arrays, encoder=sound, status=status)


def _view(augmentation, key, x0):
    """What the augmentation makes, checked."""
    x = jnp.asarray(augmentation(key, x0))
    if x.ndim < 2 or len(x) != len(x0):
        raise ValueError(f"augmentation: made shape {x.shape} of {x0.shape}; expected one view of each datum")
    if not bool(jnp.all(jnp.isfinite(x))):
        raise ValueError("augmentation: made entries that are nan or infinite; all must be finite")
    return x


def _drawn(source, n, rng):
    """What the source draws, checked."""
    x = np.asarray(source(n, rng))
    if x.ndim < 2 or len(x) != n or x.dtype.kind not in "fiu":
        raise ValueError(f"source: drew shape {x.shape} of {x.dtype}; expected real numbers of shape ({n}, ...)")
    x = x.astype(np.float32)
    if not np.all(np.isfinite(x)):
        raise ValueError("source: drew entries that are nan or infinite; all must be finite")
    return jnp.asarray(x)


def _store(path, model, memory, records, k, what):
    """Write the state of a run; whoever is killed while writing keeps the previous one."""
    partial = path.with_name(path.name + ".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(partial, "w") as archive:
        with archive.open("weights", "w") as file:
            eqx.tree_serialise_leaves(file, (model, memory))
        columns = {name: np.array([record[name] for record in records]) for name in (records[0] if records else ())}
        with archive.open("records.npz", "w") as file:
            np.savez(file, **columns)
        archive.writestr("state", json.dumps({"k": k, **what}))
    os.replace(partial, path)


def _restore(path, model, memory, what):
    """Read it back: model, memory of the optimiser, records, steps done."""
    name = f"checkpoint={str(path)!r}"
    try:
        with zipfile.ZipFile(path) as archive:
            state = json.loads(archive.read("state"))
            k = state.pop("k")
            differ = [key for key in what if state.get(key) != what[key]]
            if not differ:
                with archive.open("weights") as file:
                    model, memory = eqx.tree_deserialise_leaves(file, (model, memory))
                with archive.open("records.npz") as file:
                    columns = dict(np.load(file))
    except Exception as error:  # whatever a damaged file makes the readers raise
        raise ValueError(f"{name}: is not a checkpoint of train_deep, or damaged ({error!r})") from error
    if differ:
        raise ValueError(f"{name}: belongs to a run with another {', '.join(differ)}")
    count = len(columns["step"]) if columns else 0
    records = [{name: column[j] for name, column in columns.items()} for j in range(count)]
    return model, memory, [{**record, "step": int(record["step"])} for record in records], k
