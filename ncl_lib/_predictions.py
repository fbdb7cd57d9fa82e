"""Pushes of losses of predictions; functions of a module, bound to their numbers, so that losses can be pickled."""

from __future__ import annotations

import numpy as np


def of_predictions(gradient, u, v, W):
    """Pushes of a loss of predictions."""
    value, on_p, on_v = gradient(u @ W.T, v)
    return value, on_p @ W, on_v, on_p.T @ u


def of_held(gradient, u, v, W):
    """The same for targets that are held fixed, from the value and minus n times the gradient in p."""
    value, on_p = gradient(u @ W.T, v)
    return value, on_p @ W, None, on_p.T @ u


def l2_held(p, v):
    towards = v - p
    return np.vdot(towards, towards) / (2 * len(p)), towards


def l2(p, v):
    value, towards = l2_held(p, v)
    return value, towards, -towards


def _cosines(p, v):
    """Cosine of each pair, and both lengths."""
    size_p, size_v = np.sqrt(np.vecdot(p, p)), np.sqrt(np.vecdot(v, v))
    return np.vecdot(p, v) / size_p / size_v, size_p, size_v


def _towards(v, p, cosines, size_v, size_p):
    """Minus the gradient in p of minus the cosine of (p, v), in one pass less than from unit vectors."""
    g = v * (1 / size_v / size_p)[:, None]
    g -= p * (cosines / size_p / size_p)[:, None]
    return g


@np.errstate(divide="ignore", invalid="ignore")  # features that vanish show in the value
def cosine_held(p, v):
    cosines, size_p, size_v = _cosines(p, v)
    return -cosines.sum() / len(p), _towards(v, p, cosines, size_v, size_p)


@np.errstate(divide="ignore", invalid="ignore")
def cosine(p, v):
    cosines, size_p, size_v = _cosines(p, v)
    on_p, on_v = _towards(v, p, cosines, size_v, size_p), _towards(p, v, cosines, size_p, size_v)
    return -cosines.sum() / len(p), on_p, on_v


def iso(u, v, W):
    value, towards, back = l2(u @ W.T, v)
    return value, towards, back, towards.T @ u
