"""Encoders: a trunk, which may be anything, and a last linear layer without bias."""

from __future__ import annotations

import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks


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
    return _with_last(_Flat(), d, h, keys_of(seed, 1)[0], scale)


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
    keys = keys_of(seed, 1 + _checks.integer("depth", depth, minimum=1))
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
    keys = keys_of(seed, 1 + len(channels))
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


def checked_seed(seed):
    """Return `seed` if JAX takes it as it is, or raise."""
    seed = _checks.integer("seed", seed, minimum=0)
    if seed >= 2**32:  # JAX would cut it off, and two seeds would be one
        raise ValueError(f"seed={seed}: must be < 2^32")
    return seed


def keys_of(seed, n):
    """Return n keys of JAX."""
    return jax.random.split(jax.random.key(checked_seed(seed)), n)


features_of = eqx.filter_jit(jax.vmap(lambda encoder, x: encoder(x), in_axes=(None, 0)))
