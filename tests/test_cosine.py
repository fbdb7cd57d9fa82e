"""Rungs 2 and 3 for the cosine loss: conservation, the clock of weight decay, closures and their orders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from ncl_lib import CosineMatrices, CosineModes, LinearNetwork, Norms, Setting, SixthOrderFlow, clock

CLOSURES = ("leading", "sixth-order", "corrected", "exact")
TIMES = np.linspace(0.0, 3.0, 7)


def start(rng, h=6):
    return 0.5 * rng.standard_normal(h), rng.uniform(0.2, 1.5, h)


def general_start(rng, h=4):
    network = LinearNetwork.random(h + 3, h, rng)
    return network.W, network.F


@pytest.mark.parametrize("closure", ["leading", "corrected", "exact"])
def test_norms_of_modes_fade_exponentially(closure, rng):
    w, f = start(rng)
    run = CosineModes(Setting(0.5, 0.4), closure).solve(w, f, TIMES)
    decay = np.exp(-0.4 * TIMES)
    np.testing.assert_allclose(np.linalg.norm(run.w, axis=1), decay * np.linalg.norm(w), rtol=1e-8)
    np.testing.assert_allclose(run.f.sum(axis=1), decay**2 * f.sum(), rtol=1e-8)


@pytest.mark.parametrize("closure", ["leading", "exact"])
def test_norms_of_matrices_fade_exponentially(closure, rng):
    W, F = general_start(rng)
    run = CosineMatrices(Setting(0.5, 0.4), closure).solve(W, F, TIMES)
    decay = np.exp(-0.4 * TIMES)
    np.testing.assert_allclose(np.linalg.norm(run.W, axis=(1, 2)), decay * np.linalg.norm(W), rtol=1e-8)
    np.testing.assert_allclose(np.trace(run.F, axis1=1, axis2=2), decay**2 * np.trace(F), rtol=1e-8)


@pytest.mark.parametrize("closure", CLOSURES)
def test_weight_decay_is_a_clock_for_modes(closure, rng):
    w, f = start(rng)
    tau = clock([0.0, 3.0], rho=0.4)[-1]
    decayed = CosineModes(Setting(0.5, 0.4), closure).solve(w, f, [0.0, 3.0])
    free = CosineModes(Setting(0.5, 0.0), closure).solve(w, f, [0.0, tau])
    np.testing.assert_allclose(np.exp(0.4 * 3) * decayed.w[-1], free.w[-1], atol=1e-7)
    # And neither is an artefact of how it is solved: integrate the decayed flow in plain time.
    modes = CosineModes(Setting(0.5, 0.4), closure)
    plain = solve_ivp(
        lambda t, y: np.concatenate(modes.velocity(y[:6], np.maximum(y[6:], 0))),
        (0, 3),
        np.concatenate([w, f]),
        rtol=1e-10,
        atol=1e-12,
        method="DOP853",
    )
    np.testing.assert_allclose(plain.y[:6, -1], decayed.w[-1], atol=1e-7)
    np.testing.assert_allclose(plain.y[6:, -1], decayed.f[-1], atol=1e-7)


@pytest.mark.parametrize("closure", ["leading", "sixth-order", "exact"])
def test_weight_decay_is_a_clock_for_matrices_and_balance_holds(closure, rng):
    W, F = general_start(rng)
    mats = CosineMatrices(Setting(0.5, 0.4), closure)
    end = 0.5 if closure == "sixth-order" else 3.0  # the coupled sixth-order system dies not long after
    run = mats.solve(W, F, [0.0, end])
    assert run.status == "ok"

    def plain(t, y):
        dW, dF = mats.velocity(*y.reshape(2, 4, 4))
        return np.concatenate([dW.ravel(), dF.ravel()])

    reference = solve_ivp(plain, (0, end), np.concatenate([W.ravel(), F.ravel()]), rtol=1e-10, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(run.W[-1], reference.reshape(2, 4, 4)[0], atol=1e-7)
    np.testing.assert_allclose(run.F[-1], reference.reshape(2, 4, 4)[1], atol=1e-7)
    np.testing.assert_allclose(run.balance[-1], np.exp(-2 * 0.4 * end) * run.balance[0], atol=1e-9)


@pytest.mark.parametrize("closure", ["leading", "sixth-order", "exact"])
def test_matrices_follow_modes_from_commuting_starts(closure, rng):
    w, f = start(rng, h=4)
    network = LinearNetwork.from_modes(w, f, 6, rng)
    Q = np.linalg.eigh(network.W)[1][:, np.argsort(np.argsort(w))]
    setting = Setting(0.5, 0.2)
    modes = CosineModes(setting, closure).solve(w, f, TIMES)
    matrices = CosineMatrices(setting, closure).solve(network.W, network.F, TIMES)
    for mode, matrix in zip(modes.w, matrices.W, strict=True):
        np.testing.assert_allclose((Q * mode) @ Q.T, matrix, atol=1e-7)


@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.sampled_from(["leading", "corrected"]))
def test_scale_invariant_closures_do_not_drive_the_norm(seed, h, closure):
    rng = np.random.default_rng(seed)
    w, f = start(rng, h)
    G = CosineModes(Setting(0.5, 0.0), closure).drive(w, f)
    assert abs(w @ G) < 1e-12 * np.abs(w * G).sum() + 1e-13


@given(st.integers(0, 2**32 - 1), st.sampled_from(CLOSURES), st.floats(0.1, 10))
def test_drives_are_of_degree_minus_one(seed, closure, m):
    rng = np.random.default_rng(seed)
    w, f = start(rng)
    modes = CosineModes(Setting(0.5, 0.0), closure)
    np.testing.assert_allclose(modes.drive(m * w, m**2 * f) * m, modes.drive(w, f), rtol=1e-8, atol=1e-9)


def test_sixth_order_drive_is_the_papers_formula(rng):
    W, F = general_start(rng)
    s, n_phi2 = 1.5, 1.5 * np.trace(F)
    n_psi2, cross = s * np.trace(W @ F @ W.T), np.trace(W @ F)
    G = (F - s / n_psi2 * W @ (F @ W.T @ F + F @ W @ F + cross * F)) / np.sqrt(n_phi2 * n_psi2)
    np.testing.assert_allclose(CosineMatrices(Setting(0.5, 0.0), "sixth-order").drive(W, F), G, rtol=1e-12)


def test_closures_err_at_their_orders_on_near_equal_modes():
    setting, widths = Setting(0.5, 0.0), np.array([32, 64, 128, 256])
    errors = {closure: [] for closure in CLOSURES[:3]}
    for h in widths:
        draws = {closure: [] for closure in errors}
        for seed in range(12):
            w = 1 + 0.1 * np.random.default_rng([seed, h]).standard_normal(h)
            exact = CosineModes(setting).drive(w, w**2)
            for closure, found in draws.items():
                off = CosineModes(setting, closure).drive(w, w**2) - exact
                found.append(np.linalg.norm(off) / np.linalg.norm(exact))
        for closure, found in draws.items():
            errors[closure].append(np.median(found))
    slopes = {closure: np.polyfit(np.log(widths), np.log(found), 1)[0] for closure, found in errors.items()}
    assert slopes["leading"] == pytest.approx(-1, abs=0.2)
    assert slopes["sixth-order"] == pytest.approx(-1, abs=0.2)
    assert slopes["corrected"] == pytest.approx(-2, abs=0.3)
    assert errors["corrected"][1] == pytest.approx(0.0025, rel=0.5)


def test_coupled_sixth_order_system_dies_in_finite_time_and_the_exact_one_does_not():
    h, w0 = 8, 0.6
    w = np.full(h, w0)
    times = np.linspace(0, 12.0, 25)
    run = CosineModes(Setting(0.5, 0.0), "sixth-order").solve(w, w**2, times, tolerance=1e-10)
    # dw/dt = -2/(s h^2 w): w^2 falls in a straight line.
    end = w0**2 * 1.5 * h**2 / 4
    assert run.status == "singular" and run.status.time == pytest.approx(end, rel=1e-6)
    np.testing.assert_allclose(run.w[:, 0] ** 2, w0**2 - 4 * run.t / (1.5 * h**2), atol=1e-8)
    assert len(run.t) == np.count_nonzero(times < end)
    exact = CosineModes(Setting(0.5, 0.0)).solve(w, w**2, times)
    assert exact.status == "ok"
    np.testing.assert_allclose(exact.w, w0, atol=1e-8)


def test_frozen_norms_on_the_parabola_are_the_flow_on_a_line(rng):
    setting, w = Setting(0.5, 0.05), np.array([0.2, 0.5, 0.9])
    norms = Norms.of_modes(w, w**2, setting)
    run = CosineModes(setting, "sixth-order", norms=norms).solve(w, w**2, TIMES)
    line = SixthOrderFlow(setting, norms).solve(w, TIMES)
    np.testing.assert_allclose(run.w, line.w, atol=1e-8)


def test_a_long_clock_costs_no_digits(rng):
    w, f = start(rng, 8)
    run = CosineModes(Setting(0.5, 1.0)).solve(w, f, [0.0, 5.0, 100.0, 300.0])
    assert run.status == "ok" and np.all(np.isfinite(run.shape_w))
    np.testing.assert_allclose(np.linalg.norm(run.shape_w, axis=1), np.linalg.norm(w), rtol=1e-8)
    np.testing.assert_allclose(run.shape_w[-1], run.shape_w[-2], atol=1e-6)
    free = CosineModes(Setting(0.5, 0.0)).solve(w, f, [0.0, 1e6])
    np.testing.assert_allclose(run.shape_w[-1], free.w[-1], atol=1e-4)


def test_a_mode_without_features_stays_without(rng):
    run = CosineModes(Setting(0.5, 0.1)).solve([0.5, 0.4, 0.3], [0.3, 0.2, 0.0], TIMES)
    assert np.all(run.f[:, 2] == 0)
    np.testing.assert_allclose(run.w[:, 2], 0.3 * np.exp(-0.1 * TIMES), rtol=1e-8)


def test_anisotropic_survivors_learn_the_wiener_gain():
    spectrum = np.linspace(0.4, 2.5, 24)
    setting = Setting(0.5, 0.0, spectrum)
    run = CosineModes(setting).solve(np.full(24, 0.4), np.full(24, 0.8), [0.0, 1e5])
    ratio = run.w[-1] / (spectrum / (spectrum + 0.5))
    assert ratio.std() / ratio.mean() < 0.02


def test_solving_refuses_what_has_no_cosine():
    for closure in CLOSURES:
        modes = CosineModes(Setting(0.5, 0.0), closure)
        with pytest.raises(ValueError, match="not defined"):
            modes.solve([0.5, 0.5], [0.0, 0.0], [0.0, 1.0])
        with pytest.raises(ValueError, match="not defined"):
            modes.drive([0.0, 0.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="not defined"):
        CosineMatrices(Setting(0.5, 0.0), "leading").drive(np.zeros((2, 2)), np.eye(2))


@pytest.mark.parametrize("seed", range(1, 4))
def test_coupled_sixth_order_systems_can_die_with_their_predictions_while_dead_modes_keep_their_heads(seed):
    rng = np.random.default_rng([2, seed])
    w, f = 0.5 * rng.standard_normal(16), rng.uniform(0.1, 1.5, 16)
    run = CosineModes(Setting(0.5, 0.0), "sixth-order").solve(w, f, np.linspace(0.0, 100.0, 2001))
    assert run.status == "singular" and run.t[-1] <= run.status.time < 100
    # Predictions vanish as the square root of the time that is left, features do not vanish at all.
    left, size = run.status.time - run.t[-40:], run.norms.psi[-40:]
    assert np.polyfit(np.log(left), np.log(size), 1)[0] == pytest.approx(0.5, abs=0.15)
    assert run.norms.phi[-1] > 0.1 * run.norms.phi[0]
