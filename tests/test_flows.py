"""Rung 1: the cubic flow against closed forms, brute force, and its own bifurcation theory."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq

from ncl_lib import Norms, Regime, Setting, ThirdOrderFlow, travel_time
from ncl_lib._solve import integrate

sigma2s = st.floats(0, 4)
decays = st.floats(1e-4, 1)
heads = st.floats(-3, 3)


def brute_force_equilibria(flow):
    """Real roots of the velocity, by companion matrix."""
    roots = np.roots([-flow.setting.s, flow.gain, -flow.setting.rho, 0])
    return np.sort(roots[np.abs(roots.imag) < 1e-9].real)


def test_quoted_equilibria():
    flow = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.05))
    zero, unstable, stable = flow.equilibria()
    assert zero.w == 0 and zero.kind == "stable"
    assert unstable.w == pytest.approx(0.0544467, abs=5e-8) and unstable.kind == "unstable"
    assert stable.w == pytest.approx(0.6122200, abs=5e-8) and stable.kind == "stable"


@given(sigma2s, decays, st.floats(0.2, 2), st.floats(0.2, 2))
def test_equilibria_are_the_roots_with_the_signs_of_the_slope(sigma2, rho, spectrum, ratio):
    flow = ThirdOrderFlow(Setting(sigma2, rho, spectrum), target_ratio=ratio)
    assume(abs(flow.discriminant) > 1e-6)  # brute force cannot resolve a double root
    equilibria = flow.equilibria()
    assert [e.w for e in equilibria] == pytest.approx(brute_force_equilibria(flow), abs=1e-8)
    for e in equilibria:
        assert (flow.jacobian(e.w) < 0) == (e.kind == "stable")


@given(sigma2s, st.floats(0.1, 3))
def test_at_the_threshold_the_pair_is_one_half_stable_equilibrium(sigma2, spectrum):
    rho = ThirdOrderFlow(Setting(sigma2, 0, spectrum)).critical_decay()
    flow = ThirdOrderFlow(Setting(sigma2, rho, spectrum))
    zero, fold = flow.equilibria()
    assert (zero.kind, fold.kind) == ("stable", "half-stable")
    assert fold.w == pytest.approx(spectrum / (2 * (spectrum + sigma2)))
    assert flow.jacobian(fold.w) == pytest.approx(0, abs=1e-12)
    # Pushed down on both sides: attracts from above, lets go below.
    assert flow.velocity(fold.w * 0.9) < 0 and flow.velocity(fold.w * 1.1) < 0


def test_without_decay_zero_attracts_from_below_only():
    flow = ThirdOrderFlow(Setting(sigma2=1.0, rho=0.0))
    assert [(e.w, e.kind) for e in flow.equilibria()] == [(0.0, "half-stable"), (0.5, "stable")]
    assert flow.velocity(-0.1) > 0 and flow.velocity(0.1) > 0
    assert flow.regime([-0.1, 0.1]).tolist() == [Regime.ACUTE, Regime.STABLE]


def test_without_signal_everything_collapses():
    flow = ThirdOrderFlow(Setting(sigma2=1.0, rho=0.1, spectrum=0.0))
    assert [e.w for e in flow.equilibria()] == [0.0]
    assert flow.regime(1.0) is Regime.COLLAPSE
    assert flow.solve(1.0, [0, 300]).w[-1, 0] == pytest.approx(0, abs=1e-8)
    with pytest.raises(ValueError, match="flow"):
        travel_time(flow, 1.0, 0.5)


@pytest.mark.parametrize("sigma2", [0.0, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("factor", [0.9, 0.99, 1.01, 1.1])
def test_collapse_exactly_beyond_the_threshold(sigma2, factor):
    rho = factor * ThirdOrderFlow(Setting(sigma2, 0)).critical_decay()
    flow = ThirdOrderFlow(Setting(sigma2, rho))
    starts = np.array([0.6, 1.0, 2.0]) / flow.setting.s  # all above the fold at 1/(2 s)
    run = flow.solve(starts, [0.0, 2000.0])
    collapsed = np.isfinite(run.status.collapsed_at)
    assert np.all(collapsed == (factor > 1))
    if factor < 1:
        assert run.w[-1] == pytest.approx(np.full(3, flow.equilibria()[-1].w), abs=1e-8)


@given(st.floats(0, 2), st.floats(0.01, 0.4), heads)
def test_regime_tells_where_the_solution_goes(sigma2, rho, w0):
    flow = ThirdOrderFlow(Setting(sigma2, rho))
    # The passage near a fold or a start on the boundary takes longer than any fixed time.
    assume(abs(flow.discriminant) > 1e-2)
    assume(all(abs(w0 - e.w) > 1e-3 for e in flow.equilibria() if e.kind == "unstable"))
    end = flow.solve(w0, [0.0, 20 / rho + 400]).w[-1, 0]
    expected = flow.equilibria()[-1].w if flow.regime(w0) is Regime.STABLE else 0.0
    assert end == pytest.approx(expected, abs=1e-5)


@given(sigma2s, st.floats(0.02, 0.5), st.floats(0.1, 3), st.floats(0.2, 1.8))
@example(1.0, 0.125, 2.0, 1.0)
def test_solution_equals_closed_form(sigma2, rho, w0, target_ratio):
    flow = ThirdOrderFlow(Setting(sigma2, rho), target_ratio)
    times = np.array([0.0, 0.7, 3.0, 11.0])
    run = flow.solve(w0, times)
    walls = [e.w for e in flow.equilibria()]
    assume(all(abs(w0 - wall) > 1e-6 for wall in walls))
    for t, w in zip(times[1:], run.w[1:, 0], strict=True):
        # Invert t(w) between the start and the equilibrium it heads for.
        ahead = [x for x in walls if x < w0] if flow.velocity(w0) < 0 else [x for x in walls if x > w0]
        end = max(ahead) if flow.velocity(w0) < 0 else min(ahead)
        near_end = end + (w0 - end) * 1e-10
        if not np.isfinite(travel_time(flow, w0, near_end)) or travel_time(flow, w0, near_end) < t:
            exact = end
        else:
            exact = brentq(lambda x, t=t: travel_time(flow, w0, x) - t, w0, near_end, xtol=1e-15, rtol=1e-14)
        assert w == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("rho", [0.0, 0.05, 0.1249999999, 0.125, 0.1250000001, 0.3])
@pytest.mark.parametrize("pair", [(0.05, 0.051), (0.6, 0.55), (-0.5, -0.1), (2.0, 0.7), (0.2, 0.21)])
def test_travel_time_is_the_quadrature_of_one_over_velocity(rho, pair):
    flow = ThirdOrderFlow(Setting(sigma2=1.0, rho=rho))
    w0, w = pair
    time = travel_time(flow, w0, w)
    if any(min(pair) < e.w < max(pair) for e in flow.equilibria()):
        assert time == np.inf
    else:
        expected, _ = quad(lambda x: 1 / flow.velocity(x), w0, w, epsabs=0, epsrel=1e-12)
        assert time == pytest.approx(expected, rel=1e-7)


def test_travel_time_loses_nothing_to_little_decay():
    # From the limit without decay it departs at first order; the integrand's first order is integrated beside it.
    free = travel_time(ThirdOrderFlow(Setting(0.5, 0.0)), 0.1, 0.5)
    slope, _ = quad(lambda w: 1 / (w * (1 - 1.5 * w) ** 2 * w * w), 0.1, 0.5, epsrel=1e-12)
    for rho in 10.0 ** -np.arange(6, 19):
        time = travel_time(ThirdOrderFlow(Setting(0.5, rho)), 0.1, 0.5)
        assert time - free == pytest.approx(slope * rho, rel=1e-3 + 10 * rho, abs=2e-14)
    assert free == pytest.approx(12.25, abs=1e-3)


@pytest.mark.parametrize("rho", [0.05, 1e-8])
def test_travel_time_from_next_to_an_equilibrium(rho):
    # Beside an unstable equilibrium every factor of distance costs its logarithm over the rate of escape.
    flow = ThirdOrderFlow(Setting(0.5, rho))
    lower, upper = (e.w for e in flow.equilibria()[1:])
    eps = np.finfo(float).eps
    for side, end in ((1, 0.5 * (lower + upper)), (-1, 0.5 * lower)):
        far = travel_time(flow, lower * (1 + side * 1e-4), end)
        for distance in (1e-6, 1e-9, 1e-12):
            near = travel_time(flow, lower * (1 + side * distance), end)
            expected = far + np.log(1e-4 / distance) / flow.jacobian(lower)
            # To the digits that a start so near has, and to the curvature of the velocity.
            assert near == pytest.approx(expected, rel=0, abs=(4 * eps / distance + 4e-4) / flow.jacobian(lower))


def test_travel_time_is_additive_and_reverses():
    flow = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.05))
    there = travel_time(flow, 0.1, 0.3) + travel_time(flow, 0.3, 0.6)
    assert there == pytest.approx(travel_time(flow, 0.1, 0.6))
    assert travel_time(flow, 0.6, 0.1) == pytest.approx(-there)
    assert travel_time(flow, 0.2, 0.2) == 0
    assert travel_time(flow, 0.1, flow.equilibria()[-1].w) == np.inf


def test_slow_passage_near_the_fold_scales_as_the_inverse_root():
    """Bottleneck: time through the ghost of a saddle-node grows as (rho - rho_c)^(-1/2)."""
    excess = np.array([1e-4, 1e-5, 1e-6])
    times = [travel_time(ThirdOrderFlow(Setting(1.0, 0.125 * (1 + e))), 0.5, 0.1) for e in excess]
    slope = np.polyfit(np.log(excess), np.log(times), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.02)


def test_collapse_time_is_the_closed_form():
    flow = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.3))
    run = flow.solve([0.5, 1.0, 1e-9], [0.0, 100.0], collapse_below=1e-4)
    assert run.status.collapsed_at[:2] == pytest.approx(travel_time(flow, [0.5, 1.0], [1e-4, 1e-4]), rel=1e-7)
    assert run.status.collapsed_at[2] == 0
    assert flow.solve(1.0, [0.0, 1.0]).status.collapsed_at[0] == np.inf


def test_negative_starts_return_to_zero():
    """On w < 0 both terms of the cubic push up: the L2 flow has no forward blow-up."""
    run = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.0)).solve([-1.0, -10.0, -50.0], [0.0, 1e4])
    assert run.status == "ok"
    assert np.all((run.w[-1] < 0) & (run.w[-1] > -2e-4))
    assert np.all(np.diff(run.w, axis=0) > 0)


def test_blow_up_is_a_status_with_its_time():
    """dy/dt = y^2 from 1 blows up at t = 1."""
    t, y, status = integrate(lambda t, y: y**2, np.array([1.0]), [0.0, 0.5, 0.9, 1.5, 2.0])
    assert status == "blow-up" and status.time == pytest.approx(1.0, abs=1e-7)
    assert t.tolist() == [0.0, 0.5, 0.9]
    assert y[:, 0] == pytest.approx([1.0, 2.0, 10.0], rel=1e-8)


def test_single_time_returns_the_start():
    run = ThirdOrderFlow(Setting(0.5, 0.1)).solve([0.3, 0.0], [5.0])
    assert run.w.tolist() == [[0.3, 0.0]] and run.status.collapsed_at.tolist() == [np.inf, 5.0]


@given(heads, sigma2s, decays)
def test_jacobian_is_the_derivative_of_the_velocity(w, sigma2, rho):
    flow = ThirdOrderFlow(Setting(sigma2, rho))
    step = 1e-5
    slope = (flow.velocity(w + step) - flow.velocity(w - step)) / (2 * step)
    assert flow.jacobian(w) == pytest.approx(slope, abs=1e-7)


def test_shapes_follow_the_argument():
    flow = ThirdOrderFlow(Setting(0.5, 0.05))
    grid = np.ones((2, 3))
    assert flow.velocity(grid).shape == flow.jacobian(grid).shape == flow.regime(grid).shape == (2, 3)
    assert isinstance(flow.velocity(1.0), float) and isinstance(flow.regime(1.0), Regime)
    assert "sigma2=0.5" in repr(flow)


def test_norms_of_modes_and_matrices_agree(rng):
    setting = Setting(0.7, 0.0)
    w, f = rng.normal(size=5), rng.uniform(size=5)
    Q, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    by_modes = Norms.of_modes(w, f, setting)
    by_matrices = Norms.of_matrices((Q * w) @ Q.T, (Q * f) @ Q.T, setting)
    for name in ("phi", "psi", "cross"):
        assert getattr(by_modes, name) == pytest.approx(getattr(by_matrices, name))


def test_norms_are_second_moments_of_features(rng):
    """Against 200 000 samples: tr Cov(v), tr Cov(Wu), tr W Cov(u, v), within four standard errors."""
    setting = Setting(0.7, 0.0)
    W, A = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    x0, n1, n2 = rng.normal(size=(3, 200_000, 3))
    u, v = (x0 + np.sqrt(0.7) * n1) @ A.T, (x0 + np.sqrt(0.7) * n2) @ A.T
    norms = Norms.of_matrices(W, A @ A.T, setting)
    Wu = u @ W.T
    for samples, exact in [
        ((v**2).sum(1), norms.phi**2),
        ((Wu**2).sum(1), norms.psi**2),
        ((Wu * v).sum(1), norms.cross),
    ]:
        assert abs(samples.mean() - exact) < 4 * samples.std() / np.sqrt(len(samples))
