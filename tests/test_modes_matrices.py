"""Rungs 2 and 3: conservation laws, each rung against the next, and theory of the (w, f) plane."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from ncl_lib import (
    L2Matrices,
    L2Modes,
    LinearNetwork,
    Setting,
    ThirdOrderFlow,
    asymmetry,
    balance,
    commutator,
)


def plain_solution(velocity, y0, times):
    """Both halves of the state integrated, nothing conserved by construction."""
    run = solve_ivp(lambda t, y: velocity(y), times[[0, -1]], y0, t_eval=times, rtol=1e-11, atol=1e-13, method="DOP853")
    return run.y.T


def random_pair(rng, h, head_scale=1.0):
    network = LinearNetwork.random(h + 4, h, rng, head_scale=head_scale)
    return network.W, network.F


@given(st.floats(-2, 2), st.floats(0, 2), st.floats(0, 1), st.floats(0, 2), st.floats(0.1, 2))
def test_balance_law_of_modes_holds_in_the_velocities(w, f, rho, sigma2, spectrum):
    """d(f - w^2)/dt = -2 rho (f - w^2), term by term, at any point."""
    dw, df = L2Modes(Setting(sigma2, rho, spectrum)).velocity([w], [f])
    assert df - 2 * w * dw == pytest.approx(-2 * rho * (f - w**2), abs=1e-12)


def test_balance_of_modes_decays_without_being_built_in(rng):
    setting, times = Setting(0.5, 0.05), np.linspace(0, 40, 9)
    modes, w0, f0 = L2Modes(setting), rng.normal(size=6), rng.uniform(0, 2, size=6)
    y = plain_solution(lambda y: np.concatenate(modes.velocity(y[:6], np.maximum(y[6:], 0))), np.r_[w0, f0], times)
    w, f = y[:, :6], y[:, 6:]
    assert f - w**2 == pytest.approx(np.exp(-0.1 * times)[:, None] * (f0 - w0**2), abs=1e-8)
    run = modes.solve(w0, f0, times)
    # One mode comes so close to f = 0 on its way that errors are amplified by 10^4.
    assert run.w == pytest.approx(w, abs=1e-6) and run.f == pytest.approx(f, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_balance_of_matrices_decays_from_non_symmetric_starts(seed):
    setting, times = Setting(0.5, 0.05), np.linspace(0, 40, 9)
    W0, F0 = random_pair(np.random.default_rng(seed), 7)
    run = L2Matrices(setting).solve(W0, F0, times)
    assert asymmetry(W0) > 0.1 and commutator(W0, F0) > 0.1
    assert run.balance == pytest.approx(np.exp(-0.1 * times)[:, None, None] * balance(W0, F0), abs=1e-8)


def test_the_transposed_balance_is_not_conserved(rng):
    """Negative case: F - W W^T obeys no such law away from symmetry."""
    W0, F0 = random_pair(rng, 4)
    run = L2Matrices(Setting(0.5, 0.0)).solve(W0, F0, [0.0, 5.0])
    other = run.F - run.W @ np.swapaxes(run.W, 1, 2)
    assert np.abs(other[1] - other[0]).max() > 1e-2


def test_matrices_reproduce_modes_on_commuting_starts(rng):
    setting, times = Setting(0.5, 0.05), np.linspace(0, 60, 13)
    w0, f0 = rng.normal(size=5), rng.uniform(0.1, 2, size=5)
    Q, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    matrices = L2Matrices(setting).solve((Q * w0) @ Q.T, (Q * f0) @ Q.T, times)
    modes = L2Modes(setting).solve(w0, f0, times)
    assert np.einsum("ij,tik,kj->tj", Q, matrices.W, Q) == pytest.approx(modes.w, abs=1e-8)
    assert np.einsum("ij,tik,kj->tj", Q, matrices.F, Q) == pytest.approx(modes.f, abs=1e-8)
    assert commutator(matrices.W, matrices.F) == pytest.approx(np.zeros(13), abs=1e-7)


def test_symmetry_alone_is_not_preserved(rng):
    """Negative case: a symmetric head that does not commute with F becomes non-symmetric."""
    W0, F0 = random_pair(rng, 4)
    run = L2Matrices(Setting(0.5, 0.05)).solve(W0 + W0.T, F0, [0.0, 0.5])
    assert asymmetry(run.W[0]) < 1e-15 and asymmetry(run.W[1]) > 1e-3


def test_modes_reproduce_the_cubic_flow_on_the_parabola():
    setting, times = Setting(0.5, 0.05), np.linspace(0, 100, 21)
    w0 = np.array([0.05, 0.06, 0.5, 1.2, -0.7])
    modes = L2Modes(setting).solve(w0, w0**2, times)
    assert modes.w == pytest.approx(ThirdOrderFlow(setting).solve(w0, times).w, abs=1e-8)
    assert modes.balance == pytest.approx(np.zeros((21, 5)), abs=1e-15)


def test_target_ratio_agrees_between_rungs():
    setting, times = Setting(0.5, 0.05), np.linspace(0, 100, 5)
    modes = L2Modes(setting, target_ratio=0.8).solve([0.5], [0.25], times)
    assert modes.w == pytest.approx(ThirdOrderFlow(setting, target_ratio=0.8).solve(0.5, times).w, abs=1e-8)


@given(st.floats(0.3, 2), st.floats(0, 3))
def test_the_parabola_attracts_every_surviving_mode(w0, f0):
    setting = Setting(0.5, 0.05)
    run = L2Modes(setting).solve([w0], [f0], [0.0, 200.0])
    if run.w[-1, 0] > 1e-2:
        assert run.f[-1, 0] / run.w[-1, 0] ** 2 == pytest.approx(1, abs=1e-6)


def test_off_the_parabola_the_basin_boundary_is_not_the_unstable_equilibrium():
    """A head below w_- survives when it starts with large features."""
    setting = Setting(0.5, 0.05)
    barrier = ThirdOrderFlow(setting).equilibria()[1].w
    w0 = np.array([barrier / 2, barrier / 2, -0.3])
    run = L2Modes(setting).solve(w0, [w0[0] ** 2, 0.5, 0.5], [0.0, 400.0])
    assert run.w[-1] == pytest.approx([0, 0.61222, 0.61222], abs=1e-5)


def test_features_that_are_zero_stay_zero():
    run = L2Modes(Setting(0.5, 0.05)).solve([1.0, 0.5], [0.0, 1.0], [0.0, 10.0, 1000.0])
    assert np.all(run.f[:, 0] == 0)
    assert run.w[:, 0] == pytest.approx(np.exp(-0.05 * run.t), abs=1e-9)


def test_dying_features_stay_nonnegative_on_the_clock():
    """Rho = 0 and c < 0, w < 0: f -> 0 and w -> -sqrt(-c)."""
    run = L2Modes(Setting(0.5, 0.0)).solve([-1.0], [0.5], np.linspace(0, 200, 50))
    assert np.all(run.f >= 0)
    assert run.w[-1, 0] == pytest.approx(-np.sqrt(0.5), abs=1e-8)


def test_anisotropic_equilibrium_on_the_parabola():
    """Each direction ends at its own root, or at 0 where rho > lambda^2 / (4 (lambda + sigma2))."""
    spectrum = np.array([0.2, 0.4, 1.0, 3.0])
    setting = Setting(0.5, 0.06, spectrum)
    run = L2Modes(setting).solve(np.ones(4), np.ones(4), [0.0, 3000.0])
    root = np.sqrt(np.maximum(spectrum**2 - 4 * 0.06 * setting.s, 0))
    expected = np.where(spectrum**2 / (4 * setting.s) < 0.06, 0, (spectrum + root) / (2 * setting.s))
    assert np.count_nonzero(expected) == 2
    assert run.w[-1] == pytest.approx(expected, abs=1e-6)


def test_matrix_norms_and_modes_norms_agree_along_a_run(rng):
    setting, times = Setting(0.5, 0.05), [0.0, 1.0, 2.0]
    w0, f0 = rng.uniform(0.2, 1, size=(2, 4))
    by_modes = L2Modes(setting).solve(w0, f0, times).norms
    by_matrices = L2Matrices(setting).solve(np.diag(w0), np.diag(f0), times).norms
    assert by_modes.psi == pytest.approx(by_matrices.psi, abs=1e-8)
    assert by_modes.cross == pytest.approx(by_matrices.cross, abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_commutator_and_asymmetry_vanish_and_modes_reach_the_roots(seed):
    """The paper's assumptions 1 and 6 become true by themselves under weight decay."""
    network = LinearNetwork.random(12, 8, np.random.default_rng(seed))
    run = L2Matrices(Setting(sigma2=0.25, rho=0.05)).solve(network.W, network.F, [0.0, 200.0, 400.0])
    com, asym = commutator(run.W, run.F), asymmetry(run.W)
    assert com[0] / com[1] > 1e4 and asym[0] / asym[1] > 1e4
    ends = np.linalg.eigvals(run.W[2])
    distance = np.minimum(np.abs(ends), np.abs(ends - 0.7464102))
    assert np.all(distance < 1e-6)
    assert np.abs(np.linalg.eigvals(run.W[1])[:, None] - [0, 0.7464102]).min(axis=1).max() < 2e-4
