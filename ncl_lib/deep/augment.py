"""What makes two views of one datum, and what draws the data."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .encoders import checked_seed


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


def view(augmentation, key, x0):
    """What the augmentation makes, checked."""
    x = jnp.asarray(augmentation(key, x0))
    if x.ndim < 2 or len(x) != len(x0):
        raise ValueError(f"augmentation: made shape {x.shape} of {x0.shape}; expected one view of each datum")
    if not bool(jnp.all(jnp.isfinite(x))):
        raise ValueError("augmentation: made entries that are nan or infinite; all must be finite")
    return x


def drawn(source, n, rng):
    """What the source draws, checked."""
    x = np.asarray(source(n, rng))
    if x.ndim < 2 or len(x) != n or x.dtype.kind not in "fiu":
        raise ValueError(f"source: drew shape {x.shape} of {x.dtype}; expected real numbers of shape ({n}, ...)")
    x = x.astype(np.float32)
    if not np.all(np.isfinite(x)):
        raise ValueError("source: drew entries that are nan or infinite; all must be finite")
    return jnp.asarray(x)


def view_moments(augmentation, x, seed, copies=4):
    """Second moments of pairs of views of the same data, pixels in a row, each about its mean.

    Parameters
    ----------
    augmentation : Augmentation or callable
        ``augmentation(key, x)`` makes one view of each.
    x : array of shape (n, ...)
        Data.
    seed : int
    copies : int, optional
        Pairs of views of each datum.

    Returns
    -------
    total, cross : arrays of shape (d, d)
        Covariance of a view, and of one view with the other, symmetrised.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of bounds.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((4000, 3))
    >>> total, cross = view_moments(Augmentation(noise=1.0), x, seed=0)
    >>> np.diag(total - cross).round(1)
    array([1., 1., 1.])
    """
    if not callable(augmentation):
        raise TypeError(f"augmentation={augmentation!r}: expected a callable")
    x = np.asanyarray(x)
    if x.ndim < 2 or len(x) == 0 or x.dtype.kind not in "fiu":
        raise ValueError(f"x: has shape {x.shape}, {x.dtype}; expected real numbers of shape (n, ...) with n >= 1")
    copies = _checks.integer("copies", copies, minimum=1)
    key, many = jax.random.key(checked_seed(seed)), np.repeat(x, copies, axis=0)
    views = [np.asarray(view(augmentation, jax.random.fold_in(key, k), many), float) for k in (1, 2)]
    one, two = (v.reshape(len(v), -1) - v.reshape(len(v), -1).mean(axis=0) for v in views)
    cross = one.T @ two / len(one)
    return (one.T @ one + two.T @ two) / (2 * len(one)), (cross + cross.T) / 2
