"""Speed, as ratios side by side in one run: ``make bench``.

Training is compared with the same step written plainly in PyTorch, when PyTorch is installed.
"""

import importlib.util
import time

import numpy as np

from ncl_lib import CosineModes, L2Matrices, LinearNetwork, Setting, classify, cosine_modes, train

SETTING = Setting(sigma2=0.5, rho=0.05)
RATE = 0.01
SHAPES = [(128, 128, 128), (512, 64, 512), (32, 16, 512)]  # d, h, batch
REPEATS = 5


def library_steps(d, h, batch, steps, loss, dtype):
    """Seconds that `steps` steps of `train` take."""
    rng = np.random.default_rng(0)
    network = LinearNetwork.random(d, h, rng)
    began = time.perf_counter()
    options = dict(loss=loss, learning_rate=RATE, steps=steps, batch=batch, rng=rng, dtype=getattr(np, dtype))
    train(network, SETTING, record_every=steps, progress=False, **options)
    return time.perf_counter() - began


def torch_steps(d, h, batch, steps, loss, dtype):
    """Seconds that the same steps take in PyTorch: sample two views, loss with a detached target, backward, SGD."""
    import torch

    torch.manual_seed(0)
    kind = getattr(torch, dtype)
    Phi = (torch.randn(h, d, dtype=kind) / d**0.5).requires_grad_()
    W = (torch.randn(h, h, dtype=kind) / h**0.5).requires_grad_()
    optimiser = torch.optim.SGD([Phi, W], lr=RATE, weight_decay=SETTING.rho)
    noise = SETTING.sigma2**0.5
    began = time.perf_counter()
    for _ in range(steps):
        x0 = torch.randn(batch, d, dtype=kind)
        x = x0 + noise * torch.randn(batch, d, dtype=kind)
        other = x0 + noise * torch.randn(batch, d, dtype=kind)
        prediction, target = x @ Phi.T @ W.T, (other @ Phi.T).detach()
        if loss == "l2":
            value = 0.5 * (prediction - target).square().sum(dim=1).mean()
        else:
            value = -torch.nn.functional.cosine_similarity(prediction, target, dim=1).mean()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    return time.perf_counter() - began


def matrix_flow():
    """Seconds to solve the matrix flow at h = 64 from a random start to t = 100."""
    network = LinearNetwork.random(128, 64, np.random.default_rng(0))
    began = time.perf_counter()
    L2Matrices(SETTING).solve(network.W, network.F, np.linspace(0, 100, 101))
    return time.perf_counter() - began


def seconds(call, repeats=5):
    """The best of several times."""
    best = np.inf
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - began)
    return best


def compare_training(has_torch):
    """Print a table of steps. The sides take turns, so that a busy moment hits both; best of five."""
    print("One step of SGD, microseconds" + ("" if has_torch else " (PyTorch is not installed: not compared)"))
    print(
        f"{'loss':>7} {'precision':>9} {'d, h, batch':>14} {'ncl_lib':>8}" + f" {'torch':>7} {'ratio':>6}" * has_torch
    )
    for loss in ("l2", "cosine"):
        for dtype in ("float64", "float32"):
            for d, h, batch in SHAPES:
                steps = max(20, int(3e8 / (d * h * batch + 100 * d * batch)))
                ours = theirs = np.inf
                for _ in range(REPEATS):
                    ours = min(ours, library_steps(d, h, batch, steps, loss, dtype))
                    if has_torch:
                        theirs = min(theirs, torch_steps(d, h, batch, steps, loss, dtype))
                row = f"{loss:>7} {dtype:>9} {f'{d}, {h}, {batch}':>14} {ours / steps * 1e6:8.0f}"
                print(row + f" {theirs / steps * 1e6:7.0f} {theirs / ours:6.2f}" * has_torch)


def exact_drive():
    """Print the cost of one exact drive, and of a Monte Carlo estimate as accurate as it."""
    rng, h, draws = np.random.default_rng(0), 64, 20_000
    w, f = 0.5 * rng.standard_normal(h), rng.uniform(0.5, 1.5, h)
    result = cosine_modes(w, f, SETTING, nodes=24, error=True)
    exact = seconds(lambda: cosine_modes(w, f, SETTING, nodes=24))

    def sample():
        x0 = rng.standard_normal((draws, h))
        u, v = ((x0 + SETTING.sigma2**0.5 * rng.standard_normal((draws, h))) * np.sqrt(f) for _ in range(2))
        p = u * w
        size = np.linalg.norm(p, axis=1, keepdims=True)
        omega, z = p / size, v / np.linalg.norm(v, axis=1, keepdims=True)
        g = (z - np.sum(omega * z, axis=1, keepdims=True) * omega) / size * u
        return g.std(axis=0).max() / draws**0.5

    error, cost = sample(), seconds(sample, 3)
    # Monte Carlo needs the square of the ratio of errors in draws.

    def times_as_long(wanted):
        """Cost of an error `wanted` by sampling, in exact drives: draws grow as its inverse square."""
        return cost * (error / wanted) ** 2 / exact

    print(f"\nExact drive, h = 64, 24 x 24 nodes: {exact * 1e3:.2f} ms, estimated error {result.error:.0e}")
    print(
        f"Monte Carlo: error {error:.0e} in {cost * 1e3:.0f} ms; as accurate, {times_as_long(result.error):.0e} as long"
    )
    largest = np.abs(result.drive).max()
    print(f"Monte Carlo to 1e-3 of the largest drive: {times_as_long(1e-3 * largest):.0f} times as long")


def main():
    """Print all measurements."""
    compare_training(importlib.util.find_spec("torch") is not None)
    exact_drive()
    rng = np.random.default_rng(1)
    w, f = 0.5 * rng.standard_normal(64), rng.uniform(0.2, 1.5, 64)
    modes = seconds(lambda: CosineModes(Setting(0.5, 0.0)).solve(w, f, [0.0, 1000.0]), 3)
    print(f"Exact modes, h = 64, to tau = 1000: {modes:.2f} s")
    v, beta, ratio = rng.uniform(0, 2, 10**6), 3 * rng.standard_normal(10**6), rng.uniform(0, 1, 10**6)
    print(f"Phase diagram, 10^6 points: {seconds(lambda: classify(v, beta, ratio), 3):.2f} s")
    print(f"Matrix flow of the L2 loss, h = 64, to t = 100: {min(matrix_flow() for _ in range(3)):.2f} s")


if __name__ == "__main__":
    main()
