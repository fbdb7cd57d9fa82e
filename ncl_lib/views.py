"""Drawing batches of views."""

from __future__ import annotations

import math

import numpy as np


class Views:
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
        v += xi @ (spread if xi.shape[1] == spread.shape[1] else factor(spread)).T
        return z, u, v, xi

    def against_x(self, g, z):
        """Sum of g x^T over the batch."""
        return (g.T @ z) * self.root_s

    def against_other(self, g, z, xi):
        """Sum of g x'^T over the batch."""
        return (g.T @ z) * (self.root_s * self.carry) + (g.T @ xi) * self.fresh


class Drawn:
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


def factor(A):
    """A square L with ``L L^T = A A^T``, for A of shape (h, d): Cholesky, or QR where A has lost rank."""
    try:
        return np.linalg.cholesky(A @ A.T)
    except np.linalg.LinAlgError:
        return np.linalg.qr(A.T, mode="r").T
