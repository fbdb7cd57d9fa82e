"""A sweep over decays and seeds on several machines, by Dask.

    python experiments/sweep_dask.py                                   # workers on this machine
    python experiments/sweep_dask.py --scheduler tcp://head-node:8786  # on a cluster that runs

A cluster needs ncl_lib and Dask (``pip install 'dask[distributed]'``) on every machine, then ``dask scheduler`` on one
of them and ``dask worker tcp://head-node:8786 --nworkers -1 --nthreads 1`` on each. Clusters with a queue (Slurm, PBS)
start workers through dask-jobqueue; its cluster object takes the place of LocalCluster below, and nothing else changes.
"""

import argparse

import numpy as np
from distributed import Client, LocalCluster

from ncl_lib import LinearNetwork, Setting, sweep, train


def survivors(loss, rho, seed, width, steps):
    """Effective rank of the features at the end of one run; the unit of work that travels to a worker."""
    rng = np.random.default_rng(seed)
    start = LinearNetwork.random(2 * width, width, rng)
    run = train(start, Setting(sigma2=0.5, rho=rho), loss=loss, learning_rate=0.05, steps=steps, batch=64, rng=rng)
    return float(run.effective_rank[-1]), float(np.trace(run.F[-1]))


def main():
    """Run the sweep and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scheduler", help="address of a running scheduler; without it, workers are started here")
    parser.add_argument("--workers", type=int, default=2, help="processes on this machine, without --scheduler")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--steps", type=int, default=2000)
    choices = parser.parse_args()
    decays = (0.01, 0.1, 0.3)
    points = [
        {"loss": loss, "rho": rho, "seed": seed, "width": choices.width, "steps": choices.steps}
        for loss in ("l2", "cosine")
        for rho in decays
        for seed in range(choices.seeds)
    ]
    # One thread a worker: the matrices are small, and threads would get in each other's way.
    cluster = choices.scheduler or LocalCluster(choices.workers, threads_per_worker=1, dashboard_address=None)
    with Client(cluster) as client:
        print(f"{len(points)} runs on {len(client.scheduler_info()['workers'])} workers")
        # pure=False: two points with equal arguments are two runs.
        outcomes = sweep(survivors, points, executor=client.get_executor(pure=False))
    if choices.scheduler is None:
        cluster.close()
    for outcome in outcomes:
        if outcome.error is not None:
            print(f"failed: {outcome.point}: {outcome.error}")
    print("loss     rho   effective rank     size")
    for loss in ("l2", "cosine"):
        for rho in decays:
            done = [o.value for o in outcomes if o.error is None and (o.point["loss"], o.point["rho"]) == (loss, rho)]
            if not done:
                print(f"{loss:7} {rho:4g}   all runs failed")
                continue
            rank, size = np.transpose(done)
            error = rank.std(ddof=1) / np.sqrt(len(rank)) if len(rank) > 1 else np.nan
            print(f"{loss:7} {rho:4g}   {rank.mean():5.2f} ± {error:4.2f}     {np.exp(np.log(size).mean()):.1e}")


if __name__ == "__main__":
    main()
