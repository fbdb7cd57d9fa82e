"""Flows off the ladder against its rungs, closed forms, and trained networks."""

import numpy as np
import pytest

from ncl_lib import (
    CosineModes,
    L2Encoders,
    L2Matrices,
    L2Modes,
    LinearNetwork,
    Setting,
    UnequalDecays,
    relative_error,
    train,
)

TIMES = [0.0, 1.0, 8.0]


def test_on_isotropic_data_head_and_features_follow_rung_three(rng):
    start, setting = LinearNetwork.random(7, 3, rng), Setting(0.5, 0.1)
    found = L2Encoders(setting).solve(start, TIMES)
    theory = L2Matrices(setting).solve(start.W, start.F, TIMES)
    np.testing.assert_allclose(found.W, theory.W, atol=1e-7)
    np.testing.assert_allclose(found.F, theory.F, atol=1e-7)


def test_aligned_encoders_follow_the_modes_of_their_spectrum(rng):
    setting = Setting(0.5, 0.05, [0.4, 1.0, 2.5])
    w, f = np.array([0.3, 0.5, 0.2]), np.array([0.5, 0.2, 0.9])
    Q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    found = L2Encoders(setting).solve(LinearNetwork(Q * np.sqrt(f), (Q * w) @ Q.T), TIMES)
    theory = L2Modes(setting).solve(w, f, TIMES)
    for k in range(len(TIMES)):
        np.testing.assert_allclose(found.W[k], (Q * theory.w[k]) @ Q.T, atol=1e-7)
        np.testing.assert_allclose(found.F[k], (Q * theory.f[k]) @ Q.T, atol=1e-7)


def test_imbalance_fades_for_any_spectrum_and_only_with_one_decay(rng):
    start, setting = LinearNetwork.random(7, 3, rng), Setting(0.5, 0.2, rng.uniform(0.2, 3, 7))
    for flow, holds in ((L2Encoders(setting), True), (L2Encoders(setting, head_decay=0.5), False)):
        run = flow.solve(start, TIMES)
        off = relative_error(run.balance[-1], np.exp(-0.4 * 8) * run.balance[0])
        assert (off < 1e-6) == holds


def test_velocity_is_minus_the_gradient_of_the_loss(rng):
    # L = E |W Phi x - Phi_t x'|^2 / 2 with the target held, plus decay; in closed form by the moments of the views.
    spectrum, sigma2, decays = np.array([0.5, 1.0, 2.0, 3.0]), 0.5, (0.3, 0.1)
    flow = L2Encoders(Setting(sigma2, decays[1], spectrum), head_decay=decays[0])
    Phi, W, target = rng.normal(size=(2, 4)), rng.normal(size=(2, 2)), rng.normal(size=(2, 4))

    def loss(Phi, W):
        predicted = np.trace(W @ Phi * (spectrum + sigma2) @ Phi.T @ W.T)
        crossed = np.trace(W @ Phi * spectrum @ target.T)
        return predicted / 2 - crossed + decays[0] * np.sum(W**2) / 2 + decays[1] * np.sum(Phi**2) / 2

    dPhi, dW = flow.velocity(Phi, W, target)
    for place in np.ndindex(2, 4):
        step = np.zeros((2, 4))
        step[place] = 1e-6
        assert -(loss(Phi + step, W) - loss(Phi - step, W)) / 2e-6 == pytest.approx(dPhi[place], abs=1e-6)
    for place in np.ndindex(2, 2):
        step = np.zeros((2, 2))
        step[place] = 1e-6
        assert -(loss(Phi, W + step) - loss(Phi, W - step)) / 2e-6 == pytest.approx(dW[place], abs=1e-6)


def test_a_fast_average_is_no_average_and_a_slow_one_is_another_flow(rng):
    start, setting = LinearNetwork.random(6, 2, rng), Setting(0.5, 0.05)
    plain = L2Encoders(setting).solve(start, TIMES).W[-1]
    off = [relative_error(L2Encoders(setting, None, rate).solve(start, TIMES).W[-1], plain) for rate in (1e3, 1e2, 0.1)]
    assert off[0] < 3e-3 < off[2] and off[1] == pytest.approx(10 * off[0], rel=0.2)


def test_networks_with_two_decays_and_a_moving_average_follow_the_flow():
    rng = np.random.default_rng(1)
    start, setting, rate = LinearNetwork.random(6, 2, rng), Setting(0.5, 0.1, [0.3, 0.6, 1.0, 1.5, 2.0, 3.0]), 0.004
    run = train(
        start,
        setting,
        learning_rate=rate,
        steps=1000,
        batch=1024,
        rng=rng,
        head_decay=0.4,
        target_momentum=1 - rate / 2,
    )
    theory = L2Encoders(setting, 0.4, 0.5).solve(start, run.t)
    plain = L2Encoders(setting).solve(start, run.t)
    assert np.abs(run.W - theory.W).max() < 0.03 < 0.2 < np.abs(run.W - plain.W).max()


def test_equal_decays_are_the_modes_and_unequal_ones_have_their_equilibria():
    for modes in (L2Modes(Setting(0.5, 0.05)), CosineModes(Setting(0.5, 0.05))):
        w, f = [0.3, 0.5, -0.1], [0.5, 0.2, 0.9]
        found = UnequalDecays(modes, 0.05).solve(w, f, TIMES)
        np.testing.assert_allclose(found.w, modes.solve(w, f, TIMES).w, atol=2e-7)
    # Living heads are where the encoder's decay puts them; features are larger by the ratio of decays.
    end = UnequalDecays(L2Modes(Setting(0.5, 0.1)), 0.3).solve([0.5], [1.0], [0.0, 2000.0])
    upper = (1 + np.sqrt(1 - 4 * 0.1 * 1.5)) / 3
    assert end.w[-1, 0] == pytest.approx(upper, rel=1e-6) and end.f[-1, 0] == pytest.approx(3 * upper**2, rel=1e-6)


def test_under_the_cosine_loss_each_norm_fades_at_its_own_rate():
    rng = np.random.default_rng(2)
    w, f = rng.uniform(0.2, 0.8, 5), rng.uniform(0.5, 1.2, 5)
    run = UnequalDecays(CosineModes(Setting(0.5, 0.05)), 0.3).solve(w, f, [0.0, 4.0, 12.0])
    fade = np.linalg.norm(run.w, axis=1) / np.linalg.norm(w), run.f.sum(axis=1) / f.sum()
    np.testing.assert_allclose(fade[0], np.exp(-0.3 * run.t), rtol=1e-6)
    np.testing.assert_allclose(fade[1], np.exp(-2 * 0.05 * run.t), rtol=1e-6)
