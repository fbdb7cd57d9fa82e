"""Stochastic gradient descent on an encoder and a linear head."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from .. import _checks, _progress
from .._solve import Status
from .augment import drawn, view
from .checkpoint import restore, store
from .encoders import Encoder, checked_seed
from .record import DeepRun, about_mean, measure


def loss_of(kind, p, v):
    """Loss on predictions and fixed targets."""
    v = jax.lax.stop_gradient(v)
    if kind == "l2":
        return jnp.mean(jnp.sum((p - v) ** 2, axis=1)) / 2
    # The root of 0 has no derivative; features that vanish are caught by the caller, in the value.
    return -jnp.mean(jnp.sum(p * v, axis=1) / (jnp.linalg.norm(p, axis=1) * jnp.linalg.norm(v, axis=1)))


def _optimiser(rho, learning_rate, momentum):
    return optax.chain(optax.add_decayed_weights(rho), optax.sgd(learning_rate, momentum))


@eqx.filter_jit
def _step(model, memory, x0, key, k, augmentation, kind, biased, centred, rho, learning_rate, momentum):
    """Step `k` of gradient descent, on one batch."""
    one, other = jax.random.split(jax.random.fold_in(key, 3 + k))
    x, x2 = augmentation(one, x0), augmentation(other, x0)

    def value(model):
        u, v = (about_mean(jax.vmap(model["encoder"])(views), centred) for views in (x, x2))
        return loss_of(kind, u @ model["W"].T + model["bias"], v)

    loss, slope = eqx.filter_value_and_grad(value)(model)
    if not biased:
        slope = {**slope, "bias": jnp.zeros_like(slope["bias"])}
    weights = eqx.filter(model, eqx.is_array)
    change, memory = _optimiser(rho, learning_rate, momentum).update(slope, memory, weights)
    return eqx.apply_updates(model, change), memory, loss


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
    >>> from ncl_lib.deep import Augmentation, mlp_encoder
    >>> source = lambda n, rng: rng.standard_normal((n, 6))
    >>> noise = Augmentation(noise=0.5)
    >>> run = train_deep(mlp_encoder(6, 3, seed=0), source, noise, rho=0.01, steps=10, batch=32, seed=1)
    >>> run.features(np.ones((2, 6))).shape
    (2, 3)
    """
    _checks.instance("encoder", encoder, Encoder)
    _checked_calls(source, augmentation, loss, head_bias, centred)
    rho, eta = _checks.number("rho", rho, minimum=0), _checks.number("learning_rate", learning_rate, above=0)
    momentum = _checked_momentum(momentum)
    steps, batch = _checks.integer("steps", steps, minimum=1), _checks.integer("batch", batch, minimum=1)
    if centred and batch == 1:
        raise ValueError("batch=1: the mean of one sample leaves nothing; take batch >= 2, or centred=False")
    seed, pairs = checked_seed(seed), _checks.integer("pairs", pairs, minimum=2)
    head_scale = _checks.number("head_scale", head_scale, above=0)
    record_every = max(1, steps // 50) if record_every is None else record_every
    record_every = _checks.integer("record_every", record_every, minimum=1)
    checkpoint_every = _checks.integer("checkpoint_every", checkpoint_every, minimum=1)
    path = None if checkpoint is None else Path(_checks.instance("checkpoint", checkpoint, (str, Path)))
    key = jax.random.key(seed)
    model = _start(encoder, jax.random.fold_in(key, 0), head_scale)
    memory = _optimiser(rho, eta, momentum).init(eqx.filter(model, eqx.is_array))
    x, x2 = _pairs(encoder, source, augmentation, key, seed, pairs)
    # What a checkpoint has to belong to: these numbers, this start, and these data.
    what = dict(rho=rho, loss=loss, learning_rate=eta, momentum=momentum, batch=batch, seed=seed, head_bias=head_bias)
    what |= dict(centred=centred, pairs=pairs)
    what["start, source or augmentation"] = _fingerprint(model, x, x2)
    model, memory, records, k = _begin(path, model, memory, what, steps)

    # As arrays, or every value of them would be compiled anew.
    numbers = [jnp.asarray(value) for value in (rho, eta, momentum)]

    def step(model, memory, k):
        x0 = drawn(source, batch, np.random.default_rng((seed, 1, k)))
        return _step(model, memory, x0, key, jnp.asarray(k), augmentation, loss, head_bias, centred, *numbers)

    def keep(model, memory, k):
        if path is not None:
            store(path, model, memory, records, k, what)

    run = _Run(model, memory, k, records, step, keep, lambda model: measure(model, x, x2, loss, centred))
    pace = eta / (1 - momentum)  # a heavy ball goes so far in the time of a step
    status = run.go(steps, record_every, checkpoint_every, pace, progress)
    arrays = {name: np.array([record[name] for record in records]) for name in records[0]}
    return DeepRun(rho, loss, t=arrays["step"] * pace, **arrays, encoder=run.sound, status=status)


def _checked_calls(source, augmentation, loss, head_bias, centred):
    for name, value in (("source", source), ("augmentation", augmentation)):
        if not callable(value):
            raise TypeError(f"{name}={value!r}: expected a callable")
    _checks.choice("loss", loss, ("cosine", "l2"))
    for name, value in (("head_bias", head_bias), ("centred", centred)):
        _checks.instance(name, value, bool)


def _checked_momentum(momentum):
    momentum = _checks.number("momentum", momentum, minimum=0)
    if momentum >= 1:
        raise ValueError(f"momentum={momentum!r}: must be < 1")
    return momentum


def _start(encoder, key, head_scale):
    """The model as it starts."""
    h = encoder.last.shape[0]
    W = jax.random.normal(key, (h, h)) * head_scale / math.sqrt(h)
    return {"encoder": encoder, "W": W, "bias": jnp.zeros(h)}


def _begin(path, model, memory, what, steps):
    """State at the start, or as the checkpoint has it: model, memory of the optimiser, records, steps done."""
    if path is None:
        return model, memory, [], 0
    if not path.exists():
        store(path, model, memory, [], 0, what)  # a file that cannot be written should not cost a run
        return model, memory, [], 0
    model, memory, records, k = restore(path, model, memory, what)
    if k > steps:
        raise ValueError(f"steps={steps}: the checkpoint {str(path)!r} has {k} already; take as many or more")
    return model, memory, records, k


def _pairs(encoder, source, augmentation, key, seed, pairs):
    """The pairs of views on which is measured, from streams of their own; raises where the parts do not fit."""
    x0 = drawn(source, pairs, np.random.default_rng((seed, 0)))
    x, x2 = (view(augmentation, jax.random.fold_in(key, k), x0) for k in (1, 2))
    try:
        shape = jax.eval_shape(jax.vmap(encoder), x).shape
    except TypeError as error:
        made = "source: drew data" if x.shape == x0.shape else f"augmentation: made of data of {x0.shape[1:]} views"
        raise ValueError(f"{made} of shape {x.shape[1:]}, which the encoder does not take ({error})") from error
    h = encoder.last.shape[0]
    if shape != (pairs, h):
        raise ValueError(f"encoder: makes features of shape {shape[1:]}; its last layer says ({h},)")
    return x, x2


def _fingerprint(*parts):
    """Short for all arrays in these."""
    leaves = jax.tree_util.tree_leaves(eqx.filter(parts, eqx.is_array))
    return hashlib.sha256(b"".join(np.asarray(leaf).tobytes() for leaf in leaves)).hexdigest()


class _Run:
    """A run on its way: it takes steps, measures and keeps what is due, and knows how it ended."""

    def __init__(self, model, memory, k, records, step, keep, measure):
        self.model, self.memory, self.k, self.records = model, memory, k, records
        self.step, self.keep, self.measure = step, keep, measure
        self.sound = model["encoder"]  # as it was when last all was finite

    def record(self):
        """Write down what is measured now; what is not finite ends the run, and is named."""
        found = self.measure(self.model)
        if all(np.all(np.isfinite(value)) for value in found.values()):
            self.records.append({"step": self.k, **found})
            self.sound = self.model["encoder"]
            return None
        return "singular" if float(np.trace(found["covariance"])) == 0 else "blow-up"

    def go(self, steps, record_every, checkpoint_every, pace, progress):
        """Go on to the last step; the status at the end."""
        broken = None
        try:
            with _progress.bar(steps, "step", progress, initial=self.k) as bar:
                while True:
                    due = self.k % record_every == 0 or self.k == steps
                    if due and (not self.records or self.records[-1]["step"] < self.k):
                        broken = self.record()
                    if self.k >= steps or broken is not None:
                        break
                    self.model, self.memory, value = self.step(self.model, self.memory, self.k)
                    self.k += 1
                    bar.update()
                    if self.k % checkpoint_every == 0 and np.isfinite(value):
                        self.keep(self.model, self.memory, self.k)
        except KeyboardInterrupt:
            broken = "interrupted"
            if not self.records:
                raise
        if not self.records:
            raise ValueError(
                "encoder: its loss is not finite at the start; the features or predictions vanish or overflow"
            )
        if broken in (None, "interrupted"):
            self.keep(self.model, self.memory, self.k)
        return Status("ok") if broken is None else Status(broken, time=self.k * pace)
