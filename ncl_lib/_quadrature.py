r"""The rule by which the exact averages of the cosine loss are integrated.

The map :math:`t = t_\ast \sinh y` is nearly linear where the integrand is nearly Gaussian (many equal modes) and
exponential where its tail is a power law (few modes). With :math:`t_\ast` the distance of the nearest singularity from
the real axis, all singularities come to lie on the lines :math:`\operatorname{Im} y = \pm \pi / 2`, so that the
trapezoidal rule in y, on half the line since the integrands are even, converges geometrically. Its step follows from
the growth of the integrand off the axis, its end from the tail of the slowest integrand.
"""

from __future__ import annotations

import math

import numpy as np


def rules(features, predictions, nodes, accuracy):
    """For both variables squared nodes t^2, weights, and their number."""
    variances = np.stack([features, predictions])
    largest = variances.max(axis=1)
    shares, lengths = variances / largest[:, None], 1 / np.sqrt(2 * largest)
    ends = np.arcsinh(_ends(shares, accuracy))
    numbers = np.ceil(ends / _steps(shares, 0.1 * accuracy)).astype(int) if nodes is None else (nodes, nodes)
    found = []
    for length, end, number in zip(lengths.tolist(), ends.tolist(), numbers, strict=True):
        y = (np.arange(number) + 0.5) * (end / number)
        found.append(((length * np.sinh(y)) ** 2, end / number * length * np.cosh(y), int(number)))
    return found


# Where the growth of the integrand off the real axis is looked at: y = x + i angle, and t^2 there.
_ANGLES = np.array([0.2, 0.4, 0.7, 1.0, 1.2, 1.35])
_REAL = np.array([[0.0], [0.4], [0.8], [1.4], [2.2], [3.5], [5.0], [8.0], [12.0], [20.0]])
_SQUARES = (np.sinh(_REAL + 1j * _ANGLES) ** 2).reshape(-1, 1)
_TWICE, _MODULUS = 2 * _SQUARES.real, np.abs(_SQUARES) ** 2


def _steps(shares, missed):
    """Largest steps in y for which the trapezoidal rule errs by less than `missed`.

    It errs by exp(-2 pi angle / step) times the growth of the integrand up to that angle, whichever angle is best; two
    powers of 1 / cos stand for what comes beside P.
    """
    shares = shares[:, None, :]
    growth = -0.25 * np.log(1 + shares * (_TWICE + shares * _MODULUS)).sum(axis=2)
    growth = growth.reshape(2, len(_REAL), len(_ANGLES)).max(axis=1) - 2 * np.log(np.cos(_ANGLES))
    return np.max(2 * np.pi * _ANGLES / (np.maximum(growth, 0.0) - math.log(missed)), axis=1)


_GRID = np.concatenate([np.geomspace(0.3, 1e4, 13), np.geomspace(1e5, 1e153, 9)])
_WITHIN = np.linspace(0, 1, 17)


def _ends(shares, accuracy):
    """The t, in units of the lengths, beyond which all integrals are negligible; continuous, as solvers want it.

    For the target the slowest is that of P uv_j for the weakest mode j, and for the prediction this one or that of
    t^2 P uu_j uv_k for the strongest pair.
    """
    weakest = shares.min(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        sizes = 0.5 * np.log(shares[1])

    def left(t):
        logs = np.log1p(t[..., None] ** 2 * shares[:, None, :])
        weight = np.log(t) - 0.5 * logs.sum(axis=2)
        slowest = weight - np.log1p(t**2 * weakest)
        slowest[1] = np.maximum(slowest[1], weight[1] + 2 * np.log(t[1]) + 2 * np.max(sizes - logs[1], axis=1))
        return slowest, weight - np.log1p(t**2)

    t = _GRID / np.sqrt(shares.sum(axis=1, keepdims=True))
    slowest, strongest = left(t)
    wanted = strongest.max(axis=1) + math.log(accuracy)
    above = [min(np.flatnonzero(row > bound)[-1], len(_GRID) - 2) for row, bound in zip(slowest, wanted, strict=True)]
    low, high = t[[0, 1], above], t[[0, 1], np.array(above) + 1]
    t = low[:, None] * (high / low)[:, None] ** _WITHIN
    slowest = left(t)[0] - wanted[:, None]
    ends = []
    for here, at in zip(slowest, t, strict=True):
        j = max(int(np.argmax(here < 0)), 1) if here[-1] < 0 else len(at) - 1
        share = min(max(here[j - 1] / (here[j - 1] - here[j]), 0.0), 1.0)
        ends.append(at[j - 1] * (at[j] / at[j - 1]) ** share)
    return np.array(ends)
