"""Sweeps: every point accounted for, in order, whatever executes them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from distributed import Client, LocalCluster
from threadpoolctl import threadpool_info

from ncl_lib import LinearNetwork, Setting, processes, sweep, train


def final_size(rho, seed):
    """Size of the features at the end of a short training run; the unit of work of these tests."""
    rng = np.random.default_rng(seed)
    start = LinearNetwork.random(6, 3, rng)
    return train(start, Setting(0.5, rho), steps=50, batch=16, rng=rng).F[-1].trace()


def threads_of_linear_algebra():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


POINTS = [{"rho": rho, "seed": seed} for rho in (0.1, -0.1, 0.3) for seed in range(3)]


def test_processes_threads_and_no_executor_give_the_same_bits():
    alone = sweep(final_size, POINTS)
    with processes(2) as pool:
        separate = sweep(final_size, POINTS, executor=pool)
    with ThreadPoolExecutor(2) as pool:
        threads = sweep(final_size, POINTS, executor=pool)
    assert [o.value for o in alone] == [o.value for o in separate] == [o.value for o in threads]
    assert [o.point for o in separate] == POINTS


def test_failed_points_are_reported_with_their_parameters_and_the_rest_kept():
    outcomes = sweep(final_size, POINTS)
    failed = [o for o in outcomes if o.error is not None]
    assert [o.point["rho"] for o in failed] == [-0.1] * 3
    assert all("rho=-0.1" in str(o.error) and o.value is None for o in failed)
    assert all(o.value > 0 for o in outcomes if o.error is None)


def test_interruption_returns_what_is_there():
    def work(k):
        if k == 2:
            raise KeyboardInterrupt
        return k

    outcomes = sweep(work, [{"k": k} for k in range(4)])
    assert [o.value for o in outcomes] == [0, 1, None, None]
    assert all(isinstance(o.error, InterruptedError) for o in outcomes[2:])


def test_interruption_cancels_what_an_executor_has_not_begun():
    def work(k):
        if k == 0:
            raise KeyboardInterrupt
        return k

    with ThreadPoolExecutor(1) as pool:
        outcomes = sweep(work, [{"k": k} for k in range(50)], executor=pool)
    assert len(outcomes) == 50 and isinstance(outcomes[0].error, InterruptedError)


def test_progress_on_request(capsys):
    sweep(final_size, POINTS[:1], progress=True)
    assert "point" in capsys.readouterr().err
    sweep(final_size, POINTS[:1])
    assert capsys.readouterr().err == ""


def test_a_local_dask_cluster_gives_the_same_bits():
    alone = sweep(final_size, POINTS)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        # Dask's names for functions do not see the seed's stream; without pure=False equal points would run once.
        outcomes = sweep(final_size, POINTS, executor=client.get_executor(pure=False))
    assert [o.value for o in outcomes] == [o.value for o in alone]
    assert [o.point["rho"] for o in outcomes if o.error is not None] == [-0.1] * 3
    assert all("rho=-0.1" in str(o.error) for o in outcomes if o.error is not None)


def test_processes_have_one_thread_of_linear_algebra_each():
    with processes(1) as pool:
        (outcome,) = sweep(threads_of_linear_algebra, [{}], executor=pool)
    assert outcome.value and set(outcome.value) == {1}
