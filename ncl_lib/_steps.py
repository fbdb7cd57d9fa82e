"""How a step moves a matrix: the rules of optimisers, each with what it remembers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import _checks


@dataclass(frozen=True)
class Optimiser:
    """A rule with its numbers: for SGD `momentum` is that of the heavy ball, for AdamW the first of its two."""

    name: str
    momentum: float
    second_momentum: float | None = None
    epsilon: float | None = None

    @classmethod
    def checked(cls, name, momentum, second_momentum, epsilon, dtype):
        """The optimiser that was asked for, None standing for its defaults; or raise."""
        _checks.choice("optimiser", name, ("sgd", "adamw"))
        if name == "sgd":
            for given, value in (("second_momentum", second_momentum), ("epsilon", epsilon)):
                if value is not None:
                    raise ValueError(f"{given}={value!r}: SGD has none; leave it out, or take optimiser='adamw'")
            return cls(name, _below_one("momentum", 0.0 if momentum is None else momentum))
        momentum = _below_one("momentum", 0.9 if momentum is None else momentum)
        second_momentum = _below_one("second_momentum", 0.999 if second_momentum is None else second_momentum)
        epsilon = _checks.number("epsilon", 1e-8 if epsilon is None else epsilon, above=0)
        # An entry that is never pushed is divided by it.
        if np.dtype(dtype).type(epsilon) == 0:
            raise ValueError(f"epsilon={epsilon!r}: is 0 in {np.dtype(dtype).name}; must be > 0")
        return cls(name, momentum, second_momentum, epsilon)

    def pace(self, rate):
        """Gradient-flow time of a step: a heavy ball goes further, AdamW is timed by its decay."""
        return rate / (1 - self.momentum) if self.name == "sgd" else rate

    def rule(self, M, rate, fade, count):
        """What moves `M`, in place, by pushes that are sums over `count` pairs; `fade` is the decay of a step."""
        if self.name == "adamw":
            return AdamW(M, rate, fade, count, self.momentum, self.second_momentum, self.epsilon)
        if self.momentum == 0:
            return Plain(M, rate, fade, count)
        return HeavyBall(M, rate, fade, count, self.momentum)


def _below_one(name, value):
    value = _checks.number(name, value, minimum=0)
    if value >= 1:
        raise ValueError(f"{name}={value!r}: must be < 1")
    return value


class Plain:
    r"""Gradient descent: :math:`M \leftarrow (1 - \eta\rho) M + \eta G`."""

    def __init__(self, M, rate, fade, count):
        self.M, self.rate, self.keep = M, rate / count, 1 - fade

    def move(self, push):
        """Take a step."""
        self.M *= self.keep
        self.M += self.rate * push


class HeavyBall:
    r"""First :math:`v \leftarrow \alpha v + G - \rho M`, then :math:`M \leftarrow M + \eta v`; kept is eta v."""

    def __init__(self, M, rate, fade, count, momentum):
        self.M, self.rate, self.fade, self.momentum = M, rate / count, fade, momentum
        self.velocity, self.room = np.zeros_like(M), np.empty_like(M)

    def move(self, push):
        """Take a step."""
        M, velocity, room = self.M, self.velocity, self.room
        velocity *= self.momentum
        velocity += np.multiply(push, self.rate, out=room)
        velocity -= np.multiply(M, self.fade, out=room)
        M += velocity


class AdamW:
    r"""Decoupled decay, :math:`M \leftarrow (1 - \eta\rho) M + \eta \hat m / (\sqrt{\hat v} + \epsilon)`.

    The averages :math:`\hat m, \hat v` of pushes and of their squares are weighted sums over the past over the sum of
    their weights, 1 for the last push and less by a factor for each before it. Sums are kept: a division by that of the
    weights is all of the correction of bias, and what scales all entries alike is put into one number.
    """

    def __init__(self, M, rate, fade, count, momentum, second_momentum, epsilon):
        self.M, self.rate, self.keep = M, rate, 1 - fade
        self.momentum, self.second_momentum = momentum, second_momentum
        self.epsilon = epsilon * count  # pushes are sums, which it is compared with
        self.pushes, self.squares, self.room = np.zeros_like(M), np.zeros_like(M), np.empty_like(M)
        self.weight = self.second_weight = 0.0

    def move(self, push):
        """Take a step."""
        M, pushes, squares, room = self.M, self.pushes, self.squares, self.room
        self.weight = 1 + self.momentum * self.weight
        self.second_weight = 1 + self.second_momentum * self.second_weight
        root = self.second_weight**0.5
        pushes *= self.momentum
        pushes += push
        squares *= self.second_momentum
        squares += np.multiply(push, push, out=room)
        np.sqrt(squares, out=room)
        room += self.epsilon * root
        np.divide(pushes, room, out=room)
        room *= self.rate * root / self.weight
        M *= self.keep
        M += room
