"""Closures of the cosine loss on modes: drives per feature, G / f, of arrays of shape (h,) that have been checked.

They are what a flow evaluates at each of its steps: no unit is taken out, so heads and features have to be near 1.
"""

from __future__ import annotations

import math
from functools import partial


def frozen_rate(w, f, setting, phi, psi, cross, sixth):
    """Drive at norms that are given: leading order, or with the paper's term beside it, the `sixth` order."""
    s, signal = setting.s, setting.spectrum
    along = cross + 2 * signal * (w * f) if sixth else cross
    return (signal - along * s / psi**2 * w) / (phi * psi)


def own_rate(w, f, setting, sixth):
    """The same at the norms that the modes themselves have."""
    a, b = setting.s * f, setting.spectrum * f
    phi2, psi2 = a.sum(), w @ (w * a)
    defined(phi2, psi2)
    return frozen_rate(w, f, setting, math.sqrt(phi2), math.sqrt(psi2), w @ b, sixth)


def corrected_rate(w, f, setting):
    """Drive with all terms of relative order 1/h: norms expanded to second order around their means."""
    s, signal = setting.s, setting.spectrum
    a, b = s * f, signal * f
    wa, wb = w * a, w * b
    w2a = w * wa
    phi2, psi2, cross = a.sum(), w2a.sum(), wb.sum()
    defined(phi2, psi2)
    # A quarter of the variances of the squared norms over their squares, and of their covariance.
    V_A, V_B, V_cross = (a @ a) / phi2**2 / 4, (w2a @ w2a) / psi2**2 / 4, (wb @ wb) / (phi2 * psi2) / 2
    first = signal * (1 + 3 * (V_A + V_B) + V_cross - a / phi2 - w2a / psi2)
    second = (
        s * (cross * (1 + 3 * V_A + 15 * V_B + 3 * V_cross) - (wb @ a) / phi2 - 3 * (wb @ w2a) / psi2)
        + 2 * s * wb
        - cross * (signal * b / phi2 + 3 * s * w2a / psi2)
    )
    return (first - w * second / psi2) / math.sqrt(phi2 * psi2)


def defined(phi2, psi2):
    """Raise where features or predictions have vanished."""
    if phi2 <= 0 or psi2 <= 0:
        raise ValueError("w, f: features or predictions are all 0; the cosine loss is not defined there")


RATES = {
    "leading": partial(own_rate, sixth=False),
    "sixth-order": partial(own_rate, sixth=True),
    "corrected": corrected_rate,
}
