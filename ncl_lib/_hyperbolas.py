"""Where eigenmodes may be: on curves of constant imbalance."""

from __future__ import annotations

import numpy as np


class Hyperbolas:
    r"""Curves of constant imbalance, :math:`p^2 - w^2 = c` with :math:`p^2 = f`, and the angle along them.

    :math:`(p, \pm w)` is :math:`\sqrt{c} (\cosh \theta, \sinh \theta)` for c > 0,
    :math:`\sqrt{-c} (\sinh \theta, \cosh \theta)` for c < 0 and :math:`(e^\theta, e^\theta)` for c = 0, and always
    :math:`\dot\theta = \pm (G / f)\, p`. No error of a step leads off the curve, or a dying mode (c < 0, p -> 0) past
    its end: p and -p are the same mode.
    """

    def __init__(self, w, f):
        self.alive = f > 0  # a mode without features keeps none, and its head
        self.head = w
        w, p = w[self.alive], np.sqrt(f[self.alive])
        self.sign = np.where(w < 0, -1.0, 1.0)
        c = f[self.alive] - w**2
        self.above, self.below, self.size = c > 0, c < 0, np.sqrt(np.abs(c))
        shorter = np.where(self.above, np.abs(w), p)
        self.start = np.where(c == 0, np.log(p), np.arcsinh(shorter / np.where(c == 0, 1.0, self.size)))

    def place(self, angle):
        """Head w and amplitude p of the living, from their angles."""
        angle = np.clip(angle, -300.0, 300.0)  # a trial step may be long
        long, short, equal = self.size * np.cosh(angle), self.size * np.sinh(angle), np.exp(angle)
        w = np.where(self.above, short, np.where(self.below, long, equal))
        p = np.where(self.above, long, np.where(self.below, short, equal))
        return self.sign * w, p

    def living(self, modes):
        return modes[self.alive]

    def state(self, w, p):
        """Heads and features of all modes."""
        shape = (*w.shape[:-1], len(self.alive))
        heads, features = np.broadcast_to(self.head, shape).copy(), np.zeros(shape)
        heads[..., self.alive], features[..., self.alive] = w, p**2
        return heads, features

    def on_the_sphere(self, angle, size):
        """Nearby angles at which the sum of all w^2 is `size`, by Newton's method."""
        dead = np.sum(self.head[~self.alive] ** 2)
        for _ in range(20):
            w, p = self.place(angle)
            along = self.sign * w * p
            off = size - dead - np.sum(w**2, axis=-1, keepdims=True)
            if np.all(np.abs(off) <= 4e-16 * size):
                break
            angle = angle + along * off / (2 * np.sum(along**2, axis=-1, keepdims=True))
        return angle
