"""The closure that keeps all terms of relative order 1/h."""

from __future__ import annotations

import numpy as np


def corrected_rate(w, f, s, signal):
    """Drive per feature with all terms of relative order 1/h: norms expanded to second order around their means."""
    a, b = s * f, signal * f
    phi2, psi2, cross = (np.sum(x, axis=-1, keepdims=True) for x in (a, w**2 * a, w * b))
    if np.any(phi2 == 0) or np.any(psi2 == 0):
        raise ValueError("w, f: features or predictions are all 0; the cosine loss is not defined there")
    V_A, V_B, V_cross = (2 * np.sum(x, axis=-1, keepdims=True) for x in (a**2, w**4 * a**2, w**2 * b**2))
    first = signal * (
        1 + 3 * V_A / (8 * phi2**2) + 3 * V_B / (8 * psi2**2) + V_cross / (4 * phi2 * psi2) - a / phi2 - w**2 * a / psi2
    )
    second = (
        s * cross * (1 + 3 * V_A / (8 * phi2**2) + 15 * V_B / (8 * psi2**2) + 3 * V_cross / (4 * phi2 * psi2))
        + 2 * w * s * b
        - (cross * signal * b + s * np.sum(w * b * a, axis=-1, keepdims=True)) / phi2
        - 3 * (cross * w**2 * s * a + s * np.sum(w**3 * b * a, axis=-1, keepdims=True)) / psi2
    )
    return (first - w * second / psi2) / np.sqrt(phi2 * psi2)
