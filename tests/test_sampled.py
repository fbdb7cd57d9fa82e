"""Sampled averages against exact ones, and their standard errors against their own spread."""

import numpy as np
import pytest

from ncl_lib import (
    L2Matrices,
    LinearNetwork,
    Setting,
    cosine_matrices,
    cosine_modes,
    sampled_matrices,
    sampled_modes,
    sampled_pushes,
    train,
)
from ncl_lib.data import HeavyTails

SETTING = Setting(0.5, 0.0)


def test_standard_errors_cover_the_exact_drive():
    # Deviations over standard errors of twenty batches follow Student's law with 19 degrees: mean square 19 / 17.
    w, f = np.linspace(-0.5, 0.9, 8), np.linspace(0.2, 1.5, 8)
    exact, scores = cosine_modes(w, f, SETTING), []
    for seed in range(40):
        found = sampled_modes(w, f, SETTING, 2000, np.random.default_rng(seed))
        scores.append((found.drive - exact.drive) / found.error)
        assert abs(found.alignment - exact.alignment) < 6 * found.alignment_error
    scores = np.array(scores)
    # 320 squares that hang together somewhat, each with variance about 3.6: a fifth is some four standard errors.
    assert np.mean(scores**2) == pytest.approx(19 / 17, abs=0.45)
    # And they are no wider than they must be: a drive that is off by four of them is seen.
    assert np.mean((scores + 4) ** 2) > 10


def test_matrices_under_both_losses(rng):
    network = LinearNetwork.random(8, 3, rng)
    for loss, exact in (
        ("cosine", cosine_matrices(network.W, network.F, SETTING).drive),
        ("l2", L2Matrices(SETTING).drive(network.W, network.F)),
    ):
        found = sampled_matrices(network, SETTING, 40_000, rng, loss=loss)
        assert np.all(np.abs(found.drive - exact) < 5 * found.error)
        assert np.all(found.error < 0.1 * np.abs(exact).max())


def test_data_of_ones_own_are_used(rng):
    # Elliptical tails slow the drive down: 28 per cent at three degrees of freedom.
    w, f = np.linspace(0.2, 0.8, 16), np.linspace(0.3, 1.2, 16)
    tails = sampled_modes(w, f, SETTING, 160_000, rng, data=HeavyTails(16, 3.0))
    exact = cosine_modes(w, f, SETTING).drive
    assert 0.6 < (tails.drive @ exact) / (exact @ exact) < 0.8


def test_pushes_are_the_steps_of_training():
    network, eta = LinearNetwork.random(8, 4, np.random.default_rng(0)), 0.1
    for loss in ("l2", "cosine"):
        pushes = sampled_pushes(network, SETTING, loss=loss, batch=16, count=1, rng=np.random.default_rng(5))
        after = train(
            network, SETTING, loss=loss, learning_rate=eta, steps=1, batch=16, rng=np.random.default_rng(5)
        ).network
        np.testing.assert_allclose(after.W, network.W + eta * pushes.W[0], rtol=1e-13)
        np.testing.assert_allclose(after.Phi, network.Phi + eta * pushes.Phi[0], rtol=1e-12, atol=1e-14)
        assert pushes.squared[0] == pytest.approx(np.sum(pushes.W[0] ** 2))


def test_predictions_that_vanish_have_a_drive_under_the_l2_loss_alone(rng):
    found = sampled_modes([0.0, 0.0], [1.0, 2.0], SETTING, 4000, rng, loss="l2")
    assert np.all(np.abs(found.drive - [1.0, 2.0]) < 5 * found.error) and np.isnan(found.alignment)
    with pytest.raises(ValueError, match="loss='cosine': is not defined"):
        sampled_modes([0.0, 0.0], [1.0, 2.0], SETTING, 4000, rng)
