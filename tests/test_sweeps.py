"""Sweeps: every point accounted for, in order, whatever executes them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from distributed import Client, LocalCluster
from threadpoolctl import threadpool_info

from ncl_lib import LinearNetwork, Setting, Summary, grid, processes, summarise, sweep, table, train


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


def test_a_grid_is_all_combinations_and_the_last_name_runs_fastest():
    points = grid(loss=["l2", "cosine"], rho=(0.1, 0.2, 0.3), seed=range(2))
    assert len(points) == 12 and len({tuple(point.values()) for point in points}) == 12
    assert [point["seed"] for point in points[:4]] == [0, 1, 0, 1] and points[-1]["rho"] == 0.3


def test_summaries_are_means_and_standard_errors_of_groups():
    values = {(scale, seed): scale * np.array([seed, seed**2], float) for scale in (1.0, 3.0) for seed in range(5)}
    outcomes = sweep(lambda scale, seed: values[scale, seed], grid(scale=[1.0, 3.0], seed=range(5)))
    found = summarise(outcomes, by="scale")
    for scale, summary in found.items():
        group = np.array([values[scale, seed] for seed in range(5)])
        np.testing.assert_allclose(summary.mean, group.mean(axis=0))
        np.testing.assert_allclose(summary.error, group.std(axis=0, ddof=1) / np.sqrt(5))
        assert summary.count == 5
    assert summarise(outcomes, by=("scale", "seed"))[3.0, 4].mean[1] == 48
    whole = summarise(outcomes, value=np.sum)
    assert whole.count == 10 and whole.mean == pytest.approx(np.mean([v.sum() for v in values.values()]))


def test_the_standard_error_is_that_of_the_mean():
    # Over many experiments of six normal numbers its square averages to 1 / 6; with 2000, to 1.4 per cent.
    draws = np.random.default_rng(0).standard_normal((2000, 6))
    squares = [summarise(sweep(lambda x: x, [{"x": x} for x in row], progress=False)).error ** 2 for row in draws]
    assert np.mean(squares) == pytest.approx(1 / 6, rel=0.05)


def test_one_value_has_no_standard_error_and_a_failed_point_is_not_averaged_away():
    assert np.isnan(summarise(sweep(float, [{}])).error)
    with pytest.raises(ValueError, match=r"rho=-0\.1"):
        summarise(sweep(final_size, POINTS), by="rho")


def test_tables_show_what_they_are_given():
    columns = {"loss": ["l2", "cosine"], "h": [8, 16], "rank": [Summary(3.14159, 0.01, 5)] * 2, "off": [0.5, None]}
    shown = table(columns, {"rank": ".2f"})
    assert shown.rows[1] == ("cosine", "16", "3.14 ± 0.01", "None")
    lines = repr(shown).splitlines()
    assert len(lines) == 3 and lines[0].split() == ["loss", "h", "rank", "off"]
    assert [row[0] for row in table({"t": [0.0, 300.0, 1234.5, 1e9]}, digits=2).rows] == ["0", "300", "1234", "1e+09"]
    page = table({"<b>": ["a & b"]})._repr_html_()
    assert "&lt;b&gt;" in page and "a &amp; b" in page and "<b>" not in page
    assert page.count("scope=col") == 1
