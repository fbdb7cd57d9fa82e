"""Speed, as ratios side by side in one run: ``make bench``.

Training is compared with the same step written plainly in PyTorch, when PyTorch is installed.
"""

import importlib.util
import time

import numpy as np

from ncl_lib import L2Matrices, LinearNetwork, Setting, train

SETTING = Setting(sigma2=0.5, rho=0.05)
RATE = 0.01
SHAPES = [(128, 128, 128), (512, 64, 512), (32, 16, 512)]  # d, h, batch
REPEATS = 5


def library_steps(d, h, batch, steps):
    """Seconds that `steps` steps of `train` take."""
    rng = np.random.default_rng(0)
    network = LinearNetwork.random(d, h, rng)
    began = time.perf_counter()
    train(network, SETTING, learning_rate=RATE, steps=steps, batch=batch, rng=rng, record_every=steps, progress=False)
    return time.perf_counter() - began


def torch_steps(d, h, batch, steps, dtype):
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
        loss = 0.5 * (x @ Phi.T @ W.T - (other @ Phi.T).detach()).square().sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return time.perf_counter() - began


def matrix_flow():
    """Seconds to solve the matrix flow at h = 64 from a random start to t = 100."""
    network = LinearNetwork.random(128, 64, np.random.default_rng(0))
    began = time.perf_counter()
    L2Matrices(SETTING).solve(network.W, network.F, np.linspace(0, 100, 101))
    return time.perf_counter() - began


def main():
    """Print both tables. The sides take turns, so that a busy moment hits both, best of five."""
    has_torch = importlib.util.find_spec("torch") is not None
    kinds = ("float64", "float32") if has_torch else ()
    print("One step of SGD, microseconds" + ("" if has_torch else " (PyTorch is not installed: not compared)"))
    print(f"{'d, h, batch':>16} {'ncl_lib':>9}" + "".join(f" {'torch ' + k:>14} {'ratio':>6}" for k in kinds))
    for d, h, batch in SHAPES:
        steps = max(20, int(3e8 / (d * h * batch + 100 * d * batch)))
        best = {"library": np.inf, **dict.fromkeys(kinds, np.inf)}
        for _ in range(REPEATS):
            best["library"] = min(best["library"], library_steps(d, h, batch, steps))
            for kind in kinds:
                best[kind] = min(best[kind], torch_steps(d, h, batch, steps, kind))
        row = f"{f'{d}, {h}, {batch}':>16} {best['library'] / steps * 1e6:9.0f}"
        for kind in kinds:
            row += f" {best[kind] / steps * 1e6:14.0f} {best[kind] / best['library']:6.2f}"
        print(row)
    print(f"\nMatrix flow, h = 64, to t = 100: {min(matrix_flow() for _ in range(3)):.2f} s")


if __name__ == "__main__":
    main()
