"""Speed, as ratios side by side in one run: ``make bench``."""

import time

import numpy as np

from ncl_lib import (
    CosineMatrices,
    CosineModes,
    L2Matrices,
    LinearNetwork,
    Setting,
    classify,
    cosine_matrices,
    cosine_modes,
    sampled_matrices,
    train,
)

SETTING, FREE = Setting(sigma2=0.5, rho=0.05), Setting(sigma2=0.5, rho=0.0)
RATE = 0.01
SHAPES = [(32, 8, 64), (128, 64, 256), (15, 10, 50_000)]  # d, h, batch
REPEATS = 7


def seconds(call, repeats=5):
    """The best of several times."""
    best = np.inf
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - began)
    return best


# ---- Training ----


def library_steps(network, batch, steps, loss, dtype, **options):
    """Take `steps` steps of `train`."""
    rng = np.random.default_rng(0)
    options |= dict(loss=loss, learning_rate=RATE, steps=steps, batch=batch, rng=rng, dtype=dtype, progress=False)
    train(network, SETTING, record_every=steps, **options)


def textbook_steps(network, batch, steps, loss, dtype):
    """The same steps as a textbook writes them: draw data and two noises, and follow the gradient of the batch."""
    rng, noise, rho = np.random.default_rng(0), dtype(SETTING.sigma2**0.5), dtype(SETTING.rho)
    Phi, W = network.Phi.astype(dtype), network.W.astype(dtype)
    for _ in range(steps):
        x0, one, two = (rng.standard_normal((batch, Phi.shape[1]), dtype=dtype) for _ in range(3))
        x, other = x0 + noise * one, x0 + noise * two
        u, v = x @ Phi.T, other @ Phi.T
        p = u @ W.T
        if loss == "l2":
            g = v - p
            _value = 0.5 * np.mean(np.sum(g**2, axis=1))
        else:
            size = np.linalg.norm(p, axis=1, keepdims=True)
            omega, z = p / size, v / np.linalg.norm(v, axis=1, keepdims=True)
            cosine = np.sum(omega * z, axis=1, keepdims=True)
            _value = -cosine.mean()
            g = (z - cosine * omega) / size
        on_W, on_Phi = g.T @ u / batch, W.T @ (g.T @ x) / batch
        W, Phi = W + RATE * (on_W - rho * W), Phi + RATE * (on_Phi - rho * Phi)


def compared(loss, options, dtype, shape):
    """Seconds a step of both sides, which take turns, so that a busy moment hits both; the best of several."""
    d, h, batch = shape
    network = LinearNetwork.random(d, h, np.random.default_rng(0))
    steps = max(4, int(1e8 / (d * h * batch + 100 * d * batch)))
    ours = theirs = np.inf
    for _ in range(REPEATS):
        ours = min(ours, seconds(lambda: library_steps(network, batch, steps, loss, dtype, **options), 1))
        theirs = min(theirs, seconds(lambda: textbook_steps(network, batch, steps, loss, dtype), 1))
    return ours / steps, theirs / steps


def compare_training():
    """Print a table of steps."""
    print("One step of SGD, microseconds")
    print(f"{'loss':>12} {'precision':>9} {'d, h, batch':>15} {'ncl_lib':>8} {'textbook':>8} {'ratio':>6}")
    for loss, options in (("l2", {}), ("cosine", {}), ("l2", {"moments": True})):
        for dtype in (np.float64, np.float32):
            for shape in SHAPES:
                ours, theirs = compared(loss, options, dtype, shape)
                row = f"{' '.join([loss, *options]):>12} {dtype.__name__:>9} {str(shape)[1:-1]:>15}"
                print(f"{row} {ours * 1e6:8.0f} {theirs * 1e6:8.0f} {theirs / ours:6.2f}", flush=True)


# ---- Exact drives ----


def compare_drives():
    """Print the cost of one exact population drive, and of a sampled one as accurate as it."""
    print("\nPopulation drive of the cosine loss: exact, and from a batch that would be as accurate")
    print(
        f"{'h':>14} {'exact, ms':>9} {'error':>8} {'20000 draws, ms':>16} {'error':>8} {'to 1e-3':>8} {'as exact':>8}"
    )
    rng, draws = np.random.default_rng(0), 20_000
    for h in (4, 16, 64):
        network = LinearNetwork.random(2 * h, h, rng)
        W, F = network.W, network.F
        result = cosine_matrices(W, F, SETTING, error=True)
        exact = seconds(lambda W=W, F=F: cosine_matrices(W, F, SETTING))
        error = sampled_matrices(network, SETTING, draws, rng).error.max()
        batch = seconds(lambda network=network: sampled_matrices(network, SETTING, draws, rng), 3)
        # Draws grow as the inverse square of the error.
        longer = [batch * (error / e) ** 2 / exact for e in (1e-3 * np.abs(result.drive).max(), result.error)]
        row = f"{f'matrices, {h}':>14} {exact * 1e3:9.2f} {result.error:8.0e} {batch * 1e3:16.0f} {error:8.0e}"
        print(f"{row} {longer[0]:7.0f}x {longer[1]:7.0e}x", flush=True)
    w, f = 0.5 * rng.standard_normal(64), rng.uniform(0.5, 1.5, 64)
    print(f"{'modes, 64':>14} {seconds(lambda: cosine_modes(w, f, SETTING), 20) * 1e3:9.2f}")
    leading = CosineModes(SETTING, "leading")
    print(f"Drive at leading order, h = 64, checks and all: {seconds(lambda: leading.drive(w, f), 50) * 1e6:.0f} us")


# ---- Flows ----


class Counted:
    """A method of a class, with its calls counted."""

    def __init__(self, kind, name):
        self.calls, method = 0, getattr(kind, name)

        def counting(*args, **kwargs):
            self.calls += 1
            return method(*args, **kwargs)

        setattr(kind, name, counting)


def start(h):
    """Random head and features for matrices, and random modes."""
    rng = np.random.default_rng(h)
    network = LinearNetwork.random(2 * h, h, rng)
    return (network.W, network.F), (0.5 * rng.standard_normal(h), rng.uniform(0.2, 1.5, h))


def time_flows():
    """Print what flows cost, few modes and many."""
    print("\nExact cosine flow to tau = 1000")
    print(f"{'':>14} {'seconds':>8} {'drives':>7}")
    rates, pushes = Counted(CosineModes, "_rate"), Counted(CosineMatrices, "_push")
    for kind, count, which, widths in (
        (CosineModes, rates, 1, (2, 3, 4, 8, 16, 64)),
        (CosineMatrices, pushes, 0, (2, 3, 4, 8, 16, 64)),
    ):
        for h in widths:
            count.calls = 0
            spent = seconds(lambda kind=kind, h=h, which=which: kind(FREE).solve(*start(h)[which], [0.0, 1000.0]), 1)
            print(f"{f'{kind.__name__[6:].lower()}, {h}':>14} {spent:8.2f} {count.calls:7}", flush=True)


def main():
    """Print all measurements."""
    compare_training()
    compare_drives()
    time_flows()
    rng = np.random.default_rng(1)
    v, beta, ratio = rng.uniform(0, 2, 10**6), 3 * rng.standard_normal(10**6), rng.uniform(0, 1, 10**6)
    print(f"\nPhase diagram, 10^6 points: {seconds(lambda: classify(v, beta, ratio), 3):.2f} s")
    network, times = LinearNetwork.random(128, 64, np.random.default_rng(0)), np.linspace(0, 100, 101)
    flow = seconds(lambda: L2Matrices(SETTING).solve(network.W, network.F, times), 3)
    print(f"Matrix flow of the L2 loss, h = 64, to t = 100: {flow:.2f} s")


if __name__ == "__main__":
    main()
