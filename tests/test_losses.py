"""Losses: gradients against differences, invariances, and the laws of the features against trained networks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncl_lib import LinearNetwork, Setting, ThirdOrderFlow, gradient_error, train
from ncl_lib.features import FeatureMatrices, FeatureModes
from ncl_lib.losses import COSINE, ISO, L2, FeatureHead, Loss, barlow_twins, swav, vicreg

LOSSES = {
    "l2": L2,
    "cosine": COSINE,
    "barlow": barlow_twins(0.3),
    "vicreg": vicreg(0.7, 1.3, 0.4, hinge=0.8),
    "swav": swav(),
}
BLIND = ("cosine", "barlow", "swav")  # to the scale of all features


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "swav"])
def test_pushes_are_gradients(name, rng):
    assert gradient_error(LOSSES[name], rng, n=7) < 1e-6


def test_pushes_of_swav_are_gradients_with_assignments_held_fixed(rng):
    """The assignments are constants: a small temperature of balancing makes them so for small changes."""
    # Assignments are then all equal, whatever the features are.
    assert gradient_error(swav(temperature=0.5, sharpness=1e6), rng, n=7) < 1e-5


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_wrong_push_is_seen(which, rng):
    def pushes(u, v, W):
        value, *right = L2.pushes(u, v, W)
        right[which] = right[which] + 1e-3
        return value, *right

    assert 1e-5 < gradient_error(Loss("wrong", pushes), rng) < 1e-2  # right ones are off by some 1e-9


def test_assignments_of_swav_are_balanced(rng):
    """With the same features in both views, one sharp prototype each is best, and equal shares are forced."""
    u = np.repeat(np.eye(3), [8, 1, 1], axis=0) + 0.01 * rng.standard_normal((10, 3))
    _, on_u, _, _ = swav(sharpness=0.5, rounds=50).pushes(u, u, np.eye(3))
    # Eight of ten look alike, but each prototype takes a third: some of them are pushed off theirs.
    assert np.linalg.norm(on_u[:8]) > 0.1


@pytest.mark.parametrize("name", LOSSES)
def test_blindness_to_scale(name, rng):
    loss, (u, v), W = LOSSES[name], rng.standard_normal((2, 9, 3)), rng.standard_normal((3, 3))
    W = W if loss.head else np.eye(3)
    value, on_u, _, _ = loss.pushes(u, v, W)
    scaled = loss.pushes(3.0 * u, v, W)[0]
    if name in BLIND:
        assert scaled == pytest.approx(value) and abs(np.sum(u * on_u)) < 1e-12
    else:
        assert abs(scaled - value) > 0.01


def test_isoloss_pushes_features_by_the_error_itself(rng):
    (u, v), W = rng.standard_normal((2, 5, 3)), rng.standard_normal((3, 3))
    value, on_u, _, on_W = ISO.pushes(u, v, W)
    assert value == L2.pushes(u, v, W)[0] and on_u == pytest.approx(v - u @ W.T)
    assert on_W == pytest.approx(L2.pushes(u, v, W)[3])


@pytest.mark.parametrize("name", BLIND)
def test_norms_follow_the_clock_whatever_the_loss_if_blind_to_scale(name, rng):
    start = LinearNetwork.random(6, 3, rng)
    run = train(start, Setting(0.5, 0.2), loss=LOSSES[name], learning_rate=1e-3, steps=1500, batch=64, rng=rng)
    fall = np.sqrt(np.trace(run.F[-1]) / np.trace(run.F[0]))
    # A step adds eta^2 |push|^2: first order in the rate.
    assert fall == pytest.approx(np.exp(-0.2 * 1.5), rel=0.01)


def test_feature_head_is_a_power(rng):
    A = rng.standard_normal((4, 4))
    F = A @ A.T
    W = FeatureHead(0.5)(F)
    assert pytest.approx(F) == W @ W and pytest.approx(W.T) == W
    assert FeatureHead(1.0, shift=0.3)(F) == pytest.approx(F + 0.3 * np.eye(4))
    assert FeatureHead(2.0)(F) == pytest.approx(F @ F)


@pytest.mark.parametrize(
    ("loss", "options", "law"),
    [
        ("l2", {"head": FeatureHead(1.0)}, {}),
        ("l2", {"head": FeatureHead(0.5)}, {"alpha": 0.5}),
        ("iso", {"head": FeatureHead(1.0)}, {"loss": "iso"}),
        ("cosine", {"head": FeatureHead(1.0)}, {"loss": "cosine"}),
        ("l2", {"head": FeatureHead(1.0), "stop_gradient": False}, {"stop_gradient": False}),
        ("l2", {"head": False}, {"alpha": 0.0}),
    ],
)
def test_networks_follow_the_laws_of_set_heads(loss, options, law, rng):
    setting = Setting(0.3, 0.05)
    start = LinearNetwork.random(8, 4, rng)
    run = train(start, setting, loss=loss, learning_rate=0.005, steps=800, batch=1024, rng=rng, **options)
    f = FeatureModes(setting, **law).solve(np.linalg.eigvalsh(start.F), run.t).f
    # The largest eigenvalue starts at 2.6 and falls there at a rate of up to 30: a step is off by 30^2 eta^2 / 2,
    # for the few steps that it lasts; batch noise is below that.
    assert np.abs(np.linalg.eigvalsh(run.F) - np.sort(f, axis=1)).max() < 0.04


@given(st.floats(0.1, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 0.8))
def test_isoloss_is_logistic_growth(f0, sigma2, rho):
    s, times = 1 + sigma2, np.array([0.0, 0.5, 2.0])
    top = (1 - rho) / s
    exact = top / (1 + (top / f0 - 1) * np.exp(-2 * (1 - rho) * times))
    run = FeatureModes(Setting(sigma2, rho), loss="iso").solve([f0], times)
    assert run.f[:, 0] == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_set_heads_rest_where_trained_ones_do(alpha):
    setting = Setting(0.5, 0.1)
    unstable, upper = (e.w for e in ThirdOrderFlow(setting).equilibria()[1:])
    modes = FeatureModes(setting, alpha)
    assert np.abs(modes.velocity(np.array([unstable, upper]) ** (1 / alpha))).max() < 1e-12
    end = modes.solve(np.array([0.9, 1.1]) ** (1 / alpha) * unstable ** (1 / alpha), [0.0, 400.0])
    assert end.w[-1] == pytest.approx([0.0, upper], abs=1e-5)


def test_vicreg_settles_at_its_level_at_any_decay():
    for rho in (0.0, 1.0, 100.0):
        for hinge in (0.1, 1.0):
            level = min(hinge / np.sqrt(1.5), np.sqrt(1.5) / (2 + rho))
            flow = FeatureMatrices.vicreg(Setting(0.5, rho), hinge=hinge, rounding=1e-4)
            end = flow.solve(np.diag([1e-8, 1.0]), [0.0, 60.0]).F[-1]
            assert np.sqrt(np.diag(end)) == pytest.approx([level, level], abs=2e-3)


def test_barlow_twins_leaves_variances_to_the_clock_and_removes_correlations(rng):
    A = rng.standard_normal((4, 6)) / 2
    F, setting = A @ A.T, Setting(0.5, 0.1)
    run = FeatureMatrices.barlow_twins(setting, 1.0).solve(F, np.array([0.0, 5.0]))
    assert np.diag(run.F[-1]) == pytest.approx(np.exp(-1.0) * np.diag(F), rel=1e-6)
    shape = FeatureMatrices.barlow_twins(setting, 1.0).solve(np.diag(np.diag(F)), np.array([0.0, 5.0])).F[-1]
    assert shape == pytest.approx(np.exp(-1.0) * np.diag(np.diag(F)), abs=1e-6)
    # Small correlations: the linear rate of the theorem.
    small = np.diag([1.0, 2.0])
    small[0, 1] = small[1, 0] = 1e-6
    velocity = FeatureMatrices.barlow_twins(setting, 1.0).velocity(small)[0, 1]
    assert velocity / 1e-6 == pytest.approx(-4 * (1 / 1.5) ** 2 * (1 + 0.5) - 0.2, rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "law"),
    [
        (vicreg(covariance=0.5), lambda setting: FeatureMatrices.vicreg(setting, covariance=0.5)),
        (barlow_twins(0.5), lambda setting: FeatureMatrices.barlow_twins(setting, 0.5)),
    ],
)
def test_networks_follow_the_matrix_flow_of_losses_without_head(loss, law, rng):
    setting, start = Setting(0.5, 0.1), LinearNetwork.random(8, 4, rng)
    run = train(start, setting, loss=loss, learning_rate=0.005, steps=800, batch=2048, rng=rng)
    assert np.abs(run.F - law(setting).solve(start.F, run.t).F).max() < 0.02 * np.abs(run.F).max()


def test_a_loss_of_ones_own_is_trained(rng):
    """The L2 loss written anew gives the same bits."""

    def squares(p, v):
        return np.sum((v - p) ** 2) / (2 * len(p)), v - p, p - v

    start = LinearNetwork.random(6, 3, rng)
    ends = []
    for loss in ("l2", Loss.of_predictions("squares", squares)):
        same = np.random.default_rng(5)
        ends.append(train(start, Setting(0.5, 0.1), loss=loss, steps=50, batch=16, rng=same).W[-1])
    assert ends[0] == pytest.approx(ends[1], abs=1e-14)


def test_a_loss_that_returns_the_wrong_shapes_is_named(rng):
    start = LinearNetwork.random(6, 3, rng)
    for pushes in (lambda u, v, W: (0.0, u[:, 0], v, W), lambda u, v, W: (0.0, u, v, 1.0)):
        with pytest.raises(ValueError, match=r"loss='mine': its on_[uW] has shape"):
            train(start, Setting(0.5, 0.0), loss=Loss("mine", pushes), steps=2, rng=rng)
    with pytest.raises(ValueError, match="head=True: the loss 'vicreg' has no head"):
        train(start, Setting(0.5, 0.0), loss=vicreg(), head=True, steps=2, rng=rng)


def test_features_that_blow_up_under_a_set_head_are_reported(rng):
    start = LinearNetwork.random(6, 3, rng)
    run = train(start, Setting(0.5, 0.0), head=FeatureHead(2.0), learning_rate=50.0, steps=200, batch=16, rng=rng)
    assert run.status == "blow-up" and np.all(np.isfinite(run.F))


def test_single_precision_stays_single(rng):
    u, v = rng.standard_normal((2, 9, 3)).astype(np.float32)
    for loss in LOSSES.values():
        value, on_u, _, _ = loss.pushes(u, v, np.eye(3, dtype=np.float32))
        assert on_u.dtype == np.float32 and np.isfinite(value)


def test_laws_hold_far_into_collapse(rng):
    """Features of 1e-300, singular F, and long clocks: no status but "ok", no eigenvalue below 0."""
    assert FeatureModes(Setting(0.5, 1.0)).solve([0.3, 0.1], [0.0, 380.0]).status == "ok"
    run = FeatureModes(Setting(0.5, 1.0), loss="cosine").solve([0.05, 0.3], [0.0, 20.0])
    assert run.f[-1] == pytest.approx(np.exp(-40.0) * np.array([0.175, 0.175]), rel=1e-6)
    A = rng.standard_normal((4, 2))
    for law in (FeatureMatrices.vicreg(Setting(0.5, 0.1)), FeatureMatrices.barlow_twins(Setting(0.5, 1.0))):
        run = law.solve(A @ A.T, [0.0, 10.0, 30.0])
        assert run.status == "ok" and np.linalg.eigvalsh(run.F[-1])[0] > -1e-12 * np.trace(run.F[-1])
        if law._blind:
            assert np.diag(run.F[-1]) == pytest.approx(np.exp(-60.0) * np.diag(A @ A.T), rel=1e-6)
    with pytest.raises(ValueError, match="Barlow Twins needs all > 0"):
        FeatureMatrices.barlow_twins(Setting(0.5, 1.0)).solve(np.diag([1.0, 0.0]), [0.0, 1.0])


def test_features_that_vanish_are_reported():
    for loss in (barlow_twins(), swav()):
        run = train(
            LinearNetwork([[0.0, 0.0]], [[1.0]]),
            Setting(0.5, 0.0),
            loss=loss,
            steps=3,
            batch=8,
            rng=np.random.default_rng(0),
        )
        assert run.status == "singular"
