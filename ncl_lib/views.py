"""Drawing batches of views."""

from __future__ import annotations

import copy
import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

# A batch of more numbers than the first is drawn in parts of about the second, which stay in the cache of a core.
_LARGE, _PART = 1 << 18, 1 << 15


class Views:
    """Draws batches of views, and forms the sums over a batch that involve them.

    Views are kept whitened, ``x = root_s * z``: scaling (h, d) matrices costs less than scaling (batch, d) ones.
    `count` is how many pairs the sums are over.
    """

    def __init__(self, setting, batch, h, d, rng, whole, dtype=np.float64):
        self.rng, self.dtype, self.count = rng, dtype, batch
        carry = setting.spectrum / setting.s
        # With lambda^2/s subtracted as lambda * carry, noiseless views leave exactly 0 here, or rounding.
        fresh = np.sqrt(np.maximum(setting.s - setting.spectrum * carry, 0.0))
        # In the precision of the steps, or every product with them would be in double.
        self.root_s, self.carry, self.fresh = (np.asarray(x, dtype)[()] for x in (np.sqrt(setting.s), carry, fresh))
        # The features of the fresh part are h numbers a sample, at the price of a factor of their covariance. A normal
        # number takes about as long to draw as a hundred products.
        narrow = h * h * d + h**3 // 3 + batch * h * (h + 100)
        whole = whole or h == d or narrow > batch * d * (h + 100)
        self.z, self.xi = self.room(batch, d, d if whole else h)
        self.parts = self.split(max(1, _PART // d)) if batch * d > _LARGE else [self]
        self.map = in_threads(len(self.parts))

    def room(self, batch, d, width):
        """Where whitened views and fresh parts are drawn."""
        return np.empty((batch, d), self.dtype), np.empty((batch, width), self.dtype)

    def split(self, rows):
        """Parts of `rows` samples, each with a generator of its own: what is drawn does not depend on who draws it."""
        parts, seed = [], np.random.SeedSequence(self.rng.integers(1 << 32, size=4).tolist())
        for first in range(0, self.count, rows):
            part = copy.copy(self)
            part.z, part.xi = self.z[first : first + rows], self.xi[first : first + rows]
            part.count, part.rng = len(part.z), np.random.Generator(np.random.SFC64(seed.spawn(1)[0]))
            part.parts = [part]
            parts.append(part)
        return parts

    def draw(self):
        """Draw whitened online views z, and the fresh part xi of the other views."""
        self.rng.standard_normal(out=self.z, dtype=self.dtype)
        self.rng.standard_normal(out=self.xi, dtype=self.dtype)

    def sample(self, Phi, target):
        """Whitened online views z, their features u, target features v, and the fresh part xi of the other view."""
        if len(self.parts) == 1:
            self.draw()
        else:
            list(self.map(Views.draw, self.parts))
        z, xi = self.z, self.xi
        u = z @ (Phi * self.root_s).T
        if target is Phi and np.ndim(self.carry) == 0:
            v = self.carry * u
        else:
            v = z @ (target * (self.carry * self.root_s)).T
        spread = target * self.fresh
        v += xi @ (spread if xi.shape[1] == spread.shape[1] else factor(spread)).T
        return z, u, v, xi

    def against_x(self, g, z):
        """Sum of g x^T over the batch."""
        return (g.T @ z) * self.root_s

    def against_other(self, g, z, xi):
        """Sum of g x'^T over the batch."""
        return (g.T @ z) * (self.root_s * self.carry) + (g.T @ xi) * self.fresh


class Moments(Views):
    r"""The same for a loss that knows a batch by its second moments alone.

    These follow Wishart's law, so that by Bartlett's decomposition the batch may be replaced by as many rows as a pair
    has numbers, whatever the batch: above the diagonal normal numbers, on it the roots of :math:`\chi^2` of as many
    degrees of freedom as there are samples, one fewer in each row. A batch that has fewer samples than that is drawn.
    """

    def room(self, batch, d, width):
        """A square, upper triangular; or a smaller batch as it is."""
        size = d + width
        self.whole = batch < size
        if self.whole:
            return super().room(batch, d, width)
        self.square = np.zeros((size, size), self.dtype)
        self.above = np.flatnonzero(np.triu(np.ones((size, size), bool), 1))
        self.freedom = batch - np.arange(size)
        return self.square[:, :d], self.square[:, d:]

    def split(self, rows):
        """In one part: few rows are drawn."""
        return [self]

    def draw(self):
        """Draw the rows that stand for the batch."""
        if self.whole:
            return super().draw()
        flat = self.square.reshape(-1)
        flat[self.above] = self.rng.standard_normal(len(self.above), dtype=self.dtype)
        flat[:: len(self.square) + 1] = np.sqrt(self.rng.chisquare(self.freedom))


class Drawn:
    """The same for data that someone else draws: both views whole, with fresh noise on each."""

    def __init__(self, setting, batch, d, rng, data, dtype):
        self.count, self.parts, self.map = batch, [self], map
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


def views_of(network, setting, batch, rng, data, *, whole, dtype=np.float64, moments=False):
    """What draws batches for a network: Gaussian views, their moments, or `data` that someone else draws; or raise."""
    h, d = network.Phi.shape
    if data is not None:
        if not callable(data):
            raise TypeError(f"data={data!r}: expected a function of (n, rng) that draws n data")
        return Drawn(setting, batch, d, rng, data, dtype)
    return (Moments if moments else Views)(setting, batch, h, d, rng, whole=whole, dtype=dtype)


def in_threads(count):
    """A `map` of `count` parts, in order, with as many threads as there are cores for them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return map if min(count, cores) == 1 else ThreadPoolExecutor(min(count, cores)).map


def factor(A):
    """A square L with ``L L^T = A A^T``, for A of shape (h, d): Cholesky, or QR where A has lost rank."""
    try:
        return np.linalg.cholesky(A @ A.T)
    except np.linalg.LinAlgError:
        return np.linalg.qr(A.T, mode="r").T
