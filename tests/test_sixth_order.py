"""Rung 1 for the cosine loss: the sixth-order flow against brute force, scaling, and its limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncl_lib import Norms, Regime, Setting, SixthOrderFlow, classify, critical_ratio, universal_coordinates

sizes = st.floats(-2, 2).map(lambda x: 10.0**x)
crossings = st.floats(-30, 30)
decays = st.floats(-6, 1).map(lambda x: 10.0**x)


def flow_of(rho, phi, psi, cross, sigma2=0.5):
    return SixthOrderFlow(Setting(sigma2, rho), Norms(phi, psi, cross))


def positive_roots(beta, ratio):
    """Real positive roots of v - beta v^2 - v^5 = r for arrays, as eigenvalues of companion matrices; nan elsewhere."""
    companions = np.zeros((len(beta), 5, 5))
    companions[:, np.arange(1, 5), np.arange(4)] = 1
    # v^5 + beta v^2 - v + r = 0
    companions[:, 0, 4], companions[:, 1, 4], companions[:, 2, 4] = -ratio, 1, -beta
    roots = np.linalg.eigvals(companions)
    return np.sort(np.where((np.abs(roots.imag) < 1e-6 * np.abs(roots)) & (roots.real > 0), roots.real, np.nan), axis=1)


@given(decays, sizes, sizes, crossings)
def test_velocity_is_the_quoted_polynomial_and_jacobian_its_slope(rho, phi, psi, cross):
    flow, s = flow_of(rho, phi, psi, cross), 1.5
    w = np.linspace(-1, 1, 9) * flow.scale
    a, b, c = 2 * s / (phi * psi**3), s * cross / (phi * psi**3), 1 / (phi * psi)
    terms = np.array([-a * w**6, -b * w**3, c * w**2, -rho * w])
    np.testing.assert_allclose(flow.velocity(w), terms.sum(axis=0), atol=1e-13 * np.abs(terms).max())
    slopes = np.array([-6 * a * w**5, -3 * b * w**2, 2 * c * w, -rho + 0 * w])
    np.testing.assert_allclose(flow.jacobian(w), slopes.sum(axis=0), atol=1e-13 * np.abs(slopes).max())


@given(decays, sizes, sizes, crossings)
def test_equilibria_rest_alternate_and_start_unstable(rho, phi, psi, cross):
    flow = flow_of(rho, phi, psi, cross)
    found = flow.equilibria()
    kinds = [e.kind for e in found]
    assert kinds[:2] == ["unstable", "stable"] and found[1].w == 0 and found[0].w < 0
    assert len(found) == (4 if rho < flow.critical_decay() else 2)
    for e in found:
        slope = flow.jacobian(e.w)
        assert (slope < 0) == (e.kind == "stable")
        # A step of Newton's method does not move it.
        assert abs(flow.velocity(e.w) / slope) <= 1e-9 * max(abs(e.w), 1e-300)


@given(sizes, sizes, crossings)
def test_fold_merges_the_positive_equilibria(phi, psi, cross):
    critical = flow_of(0.0, phi, psi, cross).critical_decay()
    at = flow_of(critical, phi, psi, cross)
    assert [e.kind for e in at.equilibria()] == ["unstable", "stable", "half-stable"]
    assert at.equilibria()[-1].w == pytest.approx(at.fold)
    assert abs(at.jacobian(at.fold)) <= 1e-9 * critical
    below = flow_of(critical * (1 - 1e-9), phi, psi, cross).equilibria()
    assert len(below) == 4 and below[2].w < at.fold < below[3].w
    assert below[3].w - below[2].w < 1e-3 * at.fold
    assert len(flow_of(critical * (1 + 1e-9), phi, psi, cross).equilibria()) == 2


@given(sizes, sizes, crossings)
def test_without_decay_zero_is_half_stable(phi, psi, cross):
    assert [e.kind for e in flow_of(0.0, phi, psi, cross).equilibria()] == ["unstable", "half-stable", "stable"]


def test_critical_ratio_limits_and_definition(rng):
    assert critical_ratio(0.0) == pytest.approx(0.8 * 5**-0.25, rel=1e-15)
    assert critical_ratio(0.0) == pytest.approx(0.5349922, abs=5e-8)
    betas = np.array([1e3, 1e6, 1e12])
    np.testing.assert_allclose(critical_ratio(betas) * betas, 0.25, atol=1e-10)
    for beta in rng.normal(size=20) * 5:
        v = np.linspace(0, 3 + abs(beta) ** (1 / 3), 400_001)
        brute = np.max(v - beta * v**2 - v**5)
        assert critical_ratio(beta) == pytest.approx(brute, rel=1e-8)


def test_critical_ratio_is_stationary_at_extreme_beta():
    for beta in (-1e9, -1e3, -1e-12, 1e-12, 1e9):
        r = critical_ratio(beta)
        assert classify(0.0, beta, r * (1 + 1e-12)) == Regime.COLLAPSE
        assert classify(0.0, beta, r * (1 - 1e-12)) == Regime.ACUTE


def test_regimes_agree_with_root_finding_on_many_parameters(rng):
    n = 100_000
    beta = rng.normal(size=n) * 10.0 ** rng.uniform(-2, 1, size=n)
    critical = critical_ratio(beta)
    # A third anywhere, a third near the fold, a third within 1e-9 of it.
    offset = np.array([1, 1e-4, 1e-9])[np.arange(n) % 3] * rng.choice([-1, 1], size=n) * rng.uniform(0.5, 1, size=n)
    ratio = critical * np.where(np.arange(n) % 3 == 0, rng.uniform(0.01, 3, size=n), 1 + offset)
    v = rng.uniform(-0.5, 2.5, size=n)
    roots = positive_roots(beta, ratio)
    saddle, stable = roots[:, 0], roots[:, 1]
    exists = np.isfinite(stable)
    expected = np.where(exists, np.where(v > saddle, Regime.STABLE, Regime.ACUTE), Regime.COLLAPSE)
    # Companion roots near a double root are good to 1e-7; leave out modes that sit on the saddle that closely.
    decided = ~exists | (np.abs(v - np.where(exists, saddle, 0)) > 1e-6 * np.abs(v))
    assert decided.mean() > 0.999
    assert np.array_equal(classify(v, beta, ratio)[decided], expected[decided])
    assert len(set(expected)) == 3


@given(decays, sizes, sizes, crossings, st.floats(0.01, 3))
def test_flow_and_universal_diagram_agree(rho, phi, psi, cross, v):
    flow = flow_of(rho, phi, psi, cross)
    assert flow.regime(v * flow.scale) == classify(v * flow.scale / flow.scale, flow.beta, flow.ratio)
    rate = flow.critical_decay() / critical_ratio(flow.beta)
    expected = rate * v * flow.scale * (v - flow.beta * v**2 - v**5 - flow.ratio)
    size = rate * v * flow.scale * max(v, abs(flow.beta) * v**2, v**5, flow.ratio)
    assert flow.velocity(v * flow.scale) == pytest.approx(expected, abs=1e-12 * size)


def test_equal_modes_sit_where_theory_puts_them():
    for h in (2, 16, 128):
        setting, w = Setting(0.5, 0.0), np.full(h, 0.7)
        flow = SixthOrderFlow(setting, Norms.of_modes(w, w**2, setting))
        assert flow.beta == pytest.approx((h / 2) ** 0.25)
        assert w[0] / flow.scale == pytest.approx(1 / flow.beta)


def test_solutions_reach_the_fate_that_the_regime_predicts():
    flow = flow_of(0.02, 3.0, 2.0, 1.0)
    lowest, _, saddle, stable = (e.w for e in flow.equilibria())
    starts = np.array([0.9 * lowest, 0.5 * saddle, 0.99 * saddle, 1.01 * saddle, 1.5 * stable])
    end = flow.solve(starts, [0.0, 3000.0]).w[-1]
    np.testing.assert_allclose(end, np.where(flow.regime(starts) == Regime.STABLE, stable, 0), atol=1e-8)


def test_beyond_the_negative_equilibrium_the_flow_runs_away_in_finite_time():
    flow = flow_of(0.02, 3.0, 2.0, 1.0)
    run = flow.solve(1.05 * flow.equilibria()[0].w, np.linspace(0, 1000, 50))
    assert run.status == "blow-up" and 0 < run.status.time < 1000
    assert np.all(run.t <= run.status.time) and np.all(np.isfinite(run.w))


def test_spectrum_scales_signal_but_not_noise():
    # With data of variance 4 and noise 2, a mode is that of data 1 and noise 0.5, in weights twice as small.
    norms = Norms(3.0, 2.0, 1.0)
    flow = SixthOrderFlow(Setting(2.0, 0.05, 4.0), norms)
    w = np.linspace(-1, 1, 11)
    a, b, c = 2 * 6 * 4 / (3 * 8), 6 * 1 / (3 * 8), 4 / 6
    np.testing.assert_allclose(flow.velocity(w), -a * w**6 - b * w**3 + c * w**2 - 0.05 * w, atol=1e-14)


def test_universal_coordinates_are_those_of_the_flow_at_each_time(rng):
    setting, w = Setting(0.5, 0.3), rng.uniform(-1, 1, (5, 4))
    norms = Norms.of_modes(w, w**2, setting)
    v, beta, ratio = universal_coordinates(w, norms, setting)
    for k in range(5):
        flow = SixthOrderFlow(setting, Norms(norms.phi[k], norms.psi[k], norms.cross[k]))
        np.testing.assert_allclose(v[k], w[k] / flow.scale, rtol=1e-14)
        assert (beta[k], ratio[k]) == pytest.approx((flow.beta, flow.ratio), rel=1e-14)
        # The velocity is that of the universal form, up to the unit of time.
        u, unit = v[k], flow.setting.rho / ratio[k] * flow.scale
        universal = u * (u - beta[k] * u**2 - u**5 - ratio[k]) * unit
        np.testing.assert_allclose(flow.velocity(w[k]), universal, rtol=1e-9, atol=1e-12)
