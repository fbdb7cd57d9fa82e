"""How batches are drawn: in parts on all cores, or by their second moments; always one law, and the same bits."""

import dataclasses
import os

import numpy as np
import pytest
from scipy.stats import ks_2samp

from ncl_lib import LinearNetwork, Setting, train
from ncl_lib.losses import COSINE, ISO, L2, barlow_twins
from ncl_lib.views import Moments, Views

SETTING = Setting(0.5, 0.1)
UNEQUAL = Setting(0.5, 0.1, np.array([0.3, 1.0, 2.0]))
SWITCHES = [{}, {"stop_gradient": False}, {"head": False}, {"target_momentum": 0.5}, {"loss": "iso"}, {"head_rate": 2}]


def start(d=3, h=2):
    return LinearNetwork.random(d, h, np.random.default_rng(0))


def one_step(seed, network=None, **options):
    """Encoder and head after one step, as one vector."""
    run = train(network or start(), learning_rate=1.0, steps=1, rng=np.random.default_rng(seed), **options)
    return np.concatenate([run.network.Phi.ravel(), run.network.W.ravel(), run.loss[:1]])


# ---- In parts ----


@pytest.mark.parametrize("loss", [L2, COSINE, ISO, barlow_twins()], ids=lambda loss: loss.name)
def test_the_same_bits_on_any_number_of_cores(loss, monkeypatch):
    ends = []
    for cores in ({0}, {0, 1}, set(range(7))):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid, cores=cores: cores, raising=False)
        ends.append(one_step(1, setting=SETTING, loss=loss, batch=100_000))
    assert np.array_equal(ends[0], ends[1]) and np.array_equal(ends[0], ends[2])


@pytest.mark.parametrize("loss", [L2, COSINE, ISO], ids=lambda loss: loss.name)
@pytest.mark.parametrize("switches", [{}, {"stop_gradient": False}])
def test_parts_add_up_to_the_batch(loss, switches):
    whole = dataclasses.replace(loss, separable=False)
    options = dict(setting=UNEQUAL, batch=100_000, **switches)
    np.testing.assert_allclose(one_step(1, loss=loss, **options), one_step(1, loss=whole, **options), rtol=1e-9)


@pytest.mark.parametrize("loss", [L2, COSINE], ids=lambda loss: loss.name)
def test_what_is_pushed_on_held_targets_is_what_is_pushed_on_all(loss, rng):
    u, v, W = rng.standard_normal((9, 3)), rng.standard_normal((9, 3)), rng.standard_normal((3, 3))
    for held, free in zip(loss.held(u, v, W)[::3], loss.pushes(u, v, W)[::3], strict=True):
        np.testing.assert_array_equal(held, free)
    np.testing.assert_array_equal(loss.held(u, v, W)[1], loss.pushes(u, v, W)[1])


def test_a_small_batch_is_drawn_from_the_generator_itself_and_a_large_one_is_not_drawn_twice():
    views = Views(SETTING, 50, 2, 3, np.random.default_rng(3), whole=True)
    views.draw()
    assert np.array_equal(views.z, np.random.default_rng(3).standard_normal((50, 3)))
    large = Views(SETTING, 100_000, 2, 3, np.random.default_rng(3), whole=True)
    large.sample(np.eye(2, 3), np.eye(2, 3))
    assert len(large.parts) > 5 and sum(part.count for part in large.parts) == 100_000
    assert len(np.unique(large.z)) + len(np.unique(large.xi)) > 0.999 * 600_000
    before = large.z.copy()
    large.sample(np.eye(2, 3), np.eye(2, 3))
    assert not np.any(before == large.z)


# ---- By second moments ----


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
@pytest.mark.parametrize("setting", [SETTING, UNEQUAL], ids=["equal", "unequal"])
def test_moments_give_steps_the_law_that_batches_give(setting, switches):
    draws = 1500
    runs = [
        np.array([one_step([k, m], setting=setting, batch=8, moments=m, **switches) for k in range(draws)])
        for m in (False, True)
    ]
    runs = [run[:, run.std(axis=0) > 1e-12] for run in runs]
    a, b = ((run - runs[0].mean(axis=0)) / runs[0].std(axis=0) for run in runs)
    # Of some ten means and a hundred covariances the largest: 5 standard errors.
    assert np.all(np.abs(b.mean(axis=0)) < 5 * np.sqrt(2 / draws))
    pairs = [x[:, :, None] * x[:, None, :] for x in (a, b)]
    off = pairs[0].mean(axis=0) - pairs[1].mean(axis=0)
    error = np.sqrt(sum(pair.var(axis=0) for pair in pairs) / draws)
    assert np.all(np.abs(off) < 5 * error)
    # Entries beyond the first two moments, a direction that mixes all, and the value of the loss.
    mixed = np.random.default_rng(5).standard_normal(a.shape[1])
    for x, y in ((a @ mixed, b @ mixed), (a[:, 0], b[:, 0]), (a[:, -1], b[:, -1])):
        assert ks_2samp(x, y).pvalue > 1e-3


def test_a_step_by_moments_is_the_gradient_at_those_moments(monkeypatch):
    network, caught, draw = start(), [], Moments.draw

    def catch(self):
        draw(self)
        caught.append(self.square.copy())

    monkeypatch.setattr(Moments, "draw", catch)
    n, s = 100, 1.5
    run = train(
        network, Setting(0.5, 0.0), learning_rate=0.1, steps=1, batch=n, rng=np.random.default_rng(1), moments=True
    )
    M = caught[0].T @ caught[0] / n  # of the whitened view and of the fresh part of the other's features
    Phi, W = network.Phi, network.W
    xx = s * M[:3, :3]
    fresh = np.sqrt(s - 1 / s) * np.linalg.cholesky(Phi @ Phi.T)
    vx = Phi @ xx / s + fresh @ M[3:, :3] * np.sqrt(s)
    assert run.network.Phi == pytest.approx(Phi + 0.1 * W.T @ (vx - W @ Phi @ xx))
    assert pytest.approx(W + 0.1 * (vx - W @ Phi @ xx) @ Phi.T) == run.network.W
    vv = vx @ Phi.T / s + Phi @ M[:3, 3:] @ fresh.T / np.sqrt(s) + fresh @ M[3:, 3:] @ fresh.T
    value = np.trace(vv - 2 * W @ Phi @ vx.T + W @ Phi @ xx @ Phi.T @ W.T) / 2
    assert run.loss[0] == pytest.approx(value)


def test_moments_have_the_first_two_moments_of_wishart():
    n, draws = 7, 20_000
    views = Moments(SETTING, n, 1, 2, np.random.default_rng(0), whole=False)
    found = []
    for _ in range(draws):
        views.draw()
        found.append(views.square.T @ views.square)
    found = np.array(found)
    assert not views.whole and found.shape == (draws, 3, 3)
    spread = np.sqrt(n * (1 + np.eye(3)))
    assert np.all(np.abs(found.mean(axis=0) - n * np.eye(3)) < 4.5 * spread / np.sqrt(draws))
    np.testing.assert_allclose(found.std(axis=0), spread, rtol=0.05)
    np.testing.assert_allclose(np.linalg.det(found).mean(), n * (n - 1) * (n - 2), rtol=0.05)


def test_a_batch_too_small_for_its_moments_is_drawn():
    assert Moments(SETTING, 4, 2, 3, np.random.default_rng(0), whole=False).whole
    assert not Moments(SETTING, 5, 2, 3, np.random.default_rng(0), whole=False).whole
    options = dict(setting=SETTING, batch=4)
    assert np.array_equal(one_step(1, moments=True, **options), one_step(1, moments=False, **options))


@pytest.mark.parametrize("batch", [64, 10**9])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_step_by_moments_keeps_balance_up_to_its_square(batch, dtype):
    eta, network = 0.1, start(8, 4)
    options = dict(learning_rate=eta, steps=1, batch=batch, rng=np.random.default_rng(0))
    run = train(network, SETTING, moments=True, dtype=dtype, **options)
    shrink = 1 - eta * SETTING.rho
    on_Phi, on_W = run.network.Phi - shrink * network.Phi, run.network.W - shrink * network.W
    np.testing.assert_allclose(
        run.balance[1],
        shrink**2 * run.balance[0] + on_Phi @ on_Phi.T - on_W.T @ on_W,
        atol=1e-14 if dtype == np.float64 else 1e-6,
    )


def test_a_step_by_moments_does_not_grow_with_the_batch():
    shapes = {
        batch: Moments(SETTING, batch, 4, 9, np.random.default_rng(0), whole=False).square.shape
        for batch in (13, 10**4, 10**12)
    }
    assert set(shapes.values()) == {(13, 13)}


def test_moments_are_refused_where_they_are_not_all_that_counts():
    options = dict(steps=1, rng=np.random.default_rng(0), moments=True)
    for loss in ("cosine", barlow_twins(), dataclasses.replace(L2, name="mine")):
        with pytest.raises(ValueError, match=r"^moments=True: the loss .* needs whole batches"):
            train(start(), SETTING, loss=loss, **options)
    with pytest.raises(ValueError, match=r"^moments=True: data"):
        train(start(), SETTING, data=lambda n, rng: rng.standard_normal((n, 3)), **options)
