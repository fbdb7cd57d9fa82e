"""Networks at rest under the cosine loss: the runs behind the chapter on the paper's regimes and its explorable.

    python experiments/at_rest.py

One line a point goes into ``ncl_lib/noise/at_rest.json``: width of features and of inputs, batch, learning rate times
weight decay, noise of the views; then what five seeds show at rest, averages over time and seeds: effective rank with
its standard error, signal in the head, squared norms of head and encoder times rho, and decay over its critical value.
"""

import json
from pathlib import Path

import numpy as np

from ncl_lib import (
    LinearNetwork,
    Norms,
    Setting,
    critical_ratio,
    grid,
    noise,
    processes,
    sweep,
    train,
    universal_coordinates,
)

POINTS = Path(__file__).parent.parent / "ncl_lib" / "noise" / "at_rest.json"
COLUMNS = ["h", "d", "batch", "turn", "sigma2", "rank", "rank_error", "signal", "head", "encoder", "ratio"]
SHAPES = [(8, 8), (8, 32), (8, 128), (24, 24), (24, 96), (64, 256)]
TURNS, BATCHES = [0.0025, 0.01, 0.04, 0.16], [2, 4, 8, 16, 64, 256]
#: Averages run from the first of these to the second, in units of 1/rho. All modes live at the start.
SINCE, UNTIL = 10.0, 30.0


def resting(h, d, batch, turn, sigma2, seed):
    """What one network shows at rest. Only the product of learning rate and decay counts, so that decay is 1."""
    rng, setting = np.random.default_rng([seed, h, d, batch, round(1e4 * turn)]), Setting(sigma2, 1.0)
    level = noise.cosine_rest(setting, h, d, turn, batch)
    w, f = level.head / h**0.5, level.encoder**2 / h
    start = LinearNetwork.from_modes(np.full(h, w), np.full(h, f), d, rng)
    steps = max(1000, round(UNTIL / turn))
    options = dict(loss="cosine", learning_rate=turn, steps=steps, batch=batch, record_every=max(1, steps // 600))
    run = train(start, setting, rng=rng, progress=False, **options)
    late = run.t > run.t[-1] * SINCE / UNTIL
    W, F = run.W[late], run.F[late]
    traces, squares = np.trace(W, axis1=1, axis2=2), np.sum(W**2, axis=(1, 2))
    norms = Norms.of_matrices(W, F, setting)
    _, beta, ratio = universal_coordinates(traces[:, None] / h, norms, setting)
    return {
        "rank": run.effective_rank[late].mean(),
        "signal": np.mean(traces**2 / h / squares),
        "head": squares.mean(),
        "encoder": np.trace(F, axis1=1, axis2=2).mean(),
        "ratio": np.mean(ratio / critical_ratio(beta)),
    }


def row(point, found):
    """Means over seeds, rounded to what they are worth."""
    ranks = [one["rank"] for one in found]
    means = {name: float(f"{np.mean([one[name] for one in found]):.4g}") for name in found[0]}
    error = float(f"{np.std(ranks, ddof=1) / len(ranks) ** 0.5:.2g}")
    return [({**point, **means, "rank_error": error})[name] for name in COLUMNS]


def points():
    """The grid: six shapes at one noise of the views, and one shape at two more."""
    found = [grid(h=[h], d=[d], batch=BATCHES, turn=TURNS, sigma2=[0.5]) for h, d in SHAPES]
    found.append(grid(h=[8], d=[32], batch=BATCHES, turn=TURNS, sigma2=[0.1, 2.0]))
    return [point for part in found for point in part]


def measured(point, seeds=5):
    """One row."""
    outcomes = sweep(resting, [{**point, "seed": seed} for seed in range(seeds)], progress=False)
    return row(point, [outcome.value for outcome in outcomes])


def main():
    """All rows, a line each."""
    with processes() as pool:
        outcomes = sweep(measured, [{"point": point} for point in points()], pool)
    rows = [outcome.value for outcome in outcomes]
    lines = ",\n".join(map(json.dumps, [COLUMNS, *rows]))
    POINTS.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
