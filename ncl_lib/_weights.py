"""The weights of a network in training: what a batch does to them."""

from __future__ import annotations

import math
from functools import partial

import numpy as np


class Weights:
    """Encoder, head and target on their way, and what one batch does to them."""

    def __init__(self, network, loss, head, stop_gradient, target_momentum, views, optimiser, rates, dtype):
        self.loss, self.head, self.stop_gradient, self.views, self.dtype = loss, head, stop_gradient, views, dtype
        self.pushes = loss.held if stop_gradient and loss.held else loss.pushes
        self.parts = views.parts if loss.separable else [views]
        self.target_momentum, self.start_W = target_momentum, network.W
        self.Phi = network.Phi.astype(dtype)
        h = len(self.Phi)
        if callable(head):
            self.W = self.set_head()
        else:
            self.W = network.W.astype(dtype) if head else np.eye(h, dtype=dtype)
        self.target = self.Phi.copy() if target_momentum is not None else self.Phi
        of_encoder, of_head = rates
        self.encoder_rule = optimiser.rule(self.Phi, *of_encoder, views.count)
        self.head_rule = optimiser.rule(self.W, *of_head, views.count) if head is True else None
        self.pace = optimiser.pace(of_encoder[0])

    def set_head(self):
        """Head that follows from the features."""
        W, h = np.asarray(self.head(self.Phi @ self.Phi.T), self.dtype), len(self.Phi)
        if W.shape != (h, h):
            raise ValueError(f"head: made a matrix of shape {W.shape}; expected ({h}, {h})")
        return W

    def size(self):
        """Largest entry."""
        return max(np.max(np.abs(self.Phi)), np.max(np.abs(self.W)))

    def draw(self, first):
        """Draw a batch and sum up how the loss pushes; whether its value is finite."""
        found = list(self.views.map(partial(self.drawn, first=first), self.parts))
        self.value, self.push, self.on_W = found[0]
        for value, push, on_W in found[1:]:
            self.value, self.push = self.value + value, self.push + push
            self.on_W = self.on_W + on_W if self.head is True else None
        return math.isfinite(self.value)

    @np.errstate(over="ignore", invalid="ignore")  # a thread starts without what its caller has set
    def drawn(self, views, first):
        """Draw part of a batch: its share of the value, and the sums of the pushes on encoder and head."""
        z, u, v, xi = views.sample(self.Phi, self.target)
        value, on_u, on_v, on_W = self.pushes(u, v, self.W)
        if first:
            _check_pushes(self.loss, on_u, on_v, on_W, u, self.W, self.head, self.stop_gradient)
        push = views.against_x(on_u, z)
        if not self.stop_gradient:
            push += views.against_other(on_v, z, xi)
        return value * (len(z) / self.views.count), push, on_W

    def pushed(self):
        """Whether all pushes are finite."""
        return math.isfinite(self.push.sum() + (self.on_W.sum() if self.head is True else 0.0))

    def step(self):
        """Move by what was drawn."""
        if self.head is True:
            self.head_rule.move(self.on_W)
        self.encoder_rule.move(self.push)  # in place: without a moving average the target is the encoder
        if callable(self.head):
            self.W = self.set_head()
        if self.target_momentum is not None:
            self.target += (1 - self.target_momentum) * (self.Phi - self.target)


def _check_pushes(loss, on_u, on_v, on_W, u, W, head, stop_gradient):
    """Raise if a loss of someone's own does not return what it should: shapes that broadcast would go unnoticed."""
    used = {"on_u": (on_u, u), "on_v": (on_v, u), "on_W": (on_W, W)}
    for name, (push, like) in used.items():
        needed = name == "on_u" or (name == "on_v" and not stop_gradient) or (name == "on_W" and head is True)
        if needed and np.shape(push) != like.shape:
            raise ValueError(f"loss={loss.name!r}: its {name} has shape {np.shape(push)}; expected {like.shape}")
