"""Exact expectations of the cosine loss: against Monte Carlo, against a finer rule, and against exact identities."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from ncl_lib import CosineModes, Setting, alignment, cosine_matrices, cosine_modes

SETTING = Setting(0.5, 0.0)


def sampled(W, F, sigma2, rng, n=1_000_000, chunk=50_000):
    """Mean and standard error of the drive and of the cosine, from the definition."""
    h = len(W)
    L = np.linalg.cholesky(F)
    total, squares, cosines = np.zeros((h, h)), np.zeros((h, h)), []
    for _ in range(n // chunk):
        x0 = rng.standard_normal((chunk, h))
        u, v = ((x0 + np.sqrt(sigma2) * rng.standard_normal((chunk, h))) @ L.T for _ in range(2))
        p = u @ W.T
        size = np.linalg.norm(p, axis=1, keepdims=True)
        omega, z = p / size, v / np.linalg.norm(v, axis=1, keepdims=True)
        cosine = np.sum(omega * z, axis=1, keepdims=True)
        g = (z - cosine * omega) / size
        total += g.T @ u
        squares += (g**2).T @ u**2
        cosines.append(cosine.ravel())
    mean, cosines = total / n, np.concatenate(cosines)
    return mean, np.sqrt((squares / n - mean**2) / n), cosines.mean(), cosines.std() / np.sqrt(n)


@pytest.mark.parametrize("h", [2, 4, 16, 64])
@pytest.mark.parametrize("commuting", [True, False])
def test_monte_carlo_agrees_in_every_component(h, commuting, rng):
    if commuting:
        w, f = 0.5 * rng.standard_normal(h), rng.uniform(0.3, 1.5, h)
        W, F = np.diag(w), np.diag(f)
        result = cosine_modes(w, f, SETTING)
        exact = np.diag(result.drive)
    else:
        W, A = rng.standard_normal((h, h)), rng.standard_normal((h, 2 * h))
        F = A @ A.T / (2 * h)
        result = cosine_matrices(W, F, SETTING)
        exact = result.drive
    mean, error, cosine, cosine_error = sampled(W, F, 0.5, rng)
    # Four standard errors for few components; for thousands, as far out as the largest of them may lie by chance.
    bound = max(4.0, norm.isf(1e-3 / (2 * h * h)))
    assert np.max(np.abs(mean - exact) / error) < bound
    assert abs(cosine - result.alignment) < 4 * cosine_error


def spectra(h, rng):
    yield "both signs", 0.5 * rng.standard_normal(h), rng.uniform(0.5, 1.5, h)
    w = np.abs(rng.standard_normal(h)) / 2 + 0.1
    yield "one sign", w, w**2
    w = 1 + 0.1 * rng.standard_normal(h)
    yield "near-equal", w, w**2
    yield "six decades", 10 ** rng.uniform(-3, 0, h) * rng.choice([-1, 1], h), 10 ** rng.uniform(-6, 0, h)


def test_the_oracles_agree():
    # One averages over angles and knows two modes only, the other over lengths; both in 80 bits.
    for w, f in (([1.0, 0.9], [1.0, 0.6]), ([0.3, -1e-5], [1.0, 2.0]), ([-2.0, 1e-10], [0.1, 1.0])):
        by_angle, by_length = oracles.two_modes(w, f, 0.5), oracles.modes(w, f, 0.5)
        np.testing.assert_allclose(by_length, by_angle, atol=1e-13 * np.abs(by_angle).max())
    # Coarser steps give the same: the rules have converged.
    coarse, fine = (oracles.modes([1.0, 0.4, 0.0], [1.0, 0.5, 0.7], 0.5, step=step) for step in (0.25, 0.15))
    np.testing.assert_allclose(coarse, fine, rtol=1e-12)


@pytest.mark.parametrize("h", [4, 8, 64])
def test_default_rule_is_accurate_to_eleven_digits(h, rng):
    for name, w, f in spectra(h, rng):
        oracle = oracles.modes(w, f, 0.5)
        # In units of what cancels: heads near 1 / s leave a small difference of terms of this size.
        terms = np.max(f) / np.sqrt(np.sum(f) * np.sum(w**2 * f))
        modes = cosine_modes(w, f, SETTING)
        np.testing.assert_allclose(modes.drive, oracle, atol=1e-11 * terms, err_msg=name)
        matrices = cosine_matrices(np.diag(w), np.diag(f), SETTING)
        np.testing.assert_allclose(np.diag(matrices.drive), oracle, atol=1e-11 * terms, err_msg=name)


@pytest.mark.parametrize("exponent", range(13))
def test_drive_stays_accurate_as_a_head_fades(exponent):
    w, f = [1.0, 0.9 * 10.0**-exponent], [1.0, 1.0]
    oracle = oracles.two_modes(w, f, 0.5)
    largest = np.abs(oracle).max()
    modes = cosine_modes(w, f, SETTING, error=True)
    assert np.abs(modes.drive - oracle).max() < min(3e-13 * largest, modes.error + 3e-14 * largest)
    matrices = cosine_matrices(np.diag(w), np.diag(f), SETTING)
    assert np.abs(np.diag(matrices.drive) - oracle).max() < 3e-12 * largest


def test_drive_on_a_mode_without_prediction_is_accurate():
    for w, f in (([0.5, 0.3, 0.0], [1.0, 0.5, 0.7]), ([0.0, 1.0, 0.0, -2.0], [1.0, 1e-3, 1e-6, 0.5])):
        oracle = oracles.modes(w, f, 0.5)
        np.testing.assert_allclose(cosine_modes(w, f, SETTING).drive, oracle, atol=1e-12 * np.abs(oracle).max())
        drive = cosine_matrices(np.diag(w), np.diag(f), SETTING).drive
        np.testing.assert_allclose(np.diag(drive), oracle, atol=1e-12 * np.abs(oracle).max())


def test_rates_of_features_that_fade_are_accurate_one_by_one():
    # Also where the drive on a mode is 1e-12 of the largest: its sign decides whether the mode dies.
    w, f = [0.5, 0.9, 0.2, 0.6], [1.0, 1e-12, 1e-5, 0.3]
    np.testing.assert_allclose(cosine_modes(w, f, SETTING).drive, oracles.modes(w, f, 0.5), rtol=1e-9)


def test_little_noise_is_not_lost_beside_one():
    # 1 - (lambda / s)^2 decides how often two features are both short.
    for sigma2 in (1e-6, 1e-12, 1e-15):
        w, f = [0.7, 0.3], [1.0, 0.8]
        oracle = oracles.modes(w, f, sigma2)
        np.testing.assert_allclose(cosine_modes(w, f, Setting(sigma2, 0.0)).drive, oracle, rtol=1e-9)


def test_one_prediction_alone_has_an_infinite_drive():
    # It grows as the logarithm of the second prediction, without bound; the alignment is finite all the same.
    grown = [cosine_modes([1.0, 10.0**-k], [1.0, 1.0], SETTING).drive[1] for k in (20, 40, 60)]
    np.testing.assert_allclose(np.diff(grown, 2), 0, atol=1e-9 * grown[0])
    assert grown[1] > 1.5 * grown[0]
    for w, f in (([1.0, 0.0], [1.0, 1.0]), ([0.0, 0.0, -3.0], [1.0, 2.0, 1e-3])):
        with pytest.raises(ValueError, match=r"^w: only mode . has a prediction"):
            cosine_modes(w, f, SETTING)
        with pytest.raises(ValueError, match=r"^W: all predictions lie on one line"):
            cosine_matrices(np.diag(w), np.diag(f), SETTING)
        with pytest.raises(ValueError, match="infinite"):
            CosineModes(SETTING).solve(w, f, [0.0, 1.0])
        assert abs(alignment(np.diag(w), np.diag(f), SETTING)) < 1
    rng = np.random.default_rng(0)
    u, v = rng.standard_normal((2, 400_000, 2)) * np.sqrt(0.5) + rng.standard_normal((400_000, 2))
    cosines = np.sign(u[:, 0]) * v[:, 0] / np.linalg.norm(v, axis=1)
    found = alignment(np.diag([1.0, 0.0]), np.eye(2), SETTING)
    assert abs(found - cosines.mean()) < 4 * cosines.std() / np.sqrt(len(cosines))


def test_error_estimate_covers_the_error(rng):
    covered = []
    for _ in range(60):
        h = int(rng.choice([2, 3, 4, 6]))
        _, w, f = list(spectra(h, rng))[rng.integers(4)]
        nodes = None if rng.uniform() < 0.5 else int(rng.integers(8, 40))
        result = cosine_modes(w, f, SETTING, nodes=nodes, error=True)
        oracle = oracles.modes(w, f, 0.5)
        # The oracle's own digits end some 1e-14 below its largest term.
        floor = 2e-14 * np.max(f) / np.sqrt(np.sum(f) * np.sum(w**2 * f))
        covered.append(np.max(np.abs(result.drive - oracle)) <= result.error + floor)
    assert np.mean(covered) >= 0.95


def test_error_estimate_has_the_units_of_the_drive():
    # Of degree -1 in the head: what rounding leaves of heads of 1e-8 is 1e8 times larger.
    w, f = np.array([0.5, 0.8, -0.2]), np.array([1.0, 0.3, 0.6])
    here, there = (cosine_modes(size * w, f, SETTING, error=True).error for size in (1.0, 1e-8))
    assert there == pytest.approx(1e8 * here, rel=0.1)


@pytest.mark.parametrize("h", [1, 2, 3, 16, 48])
def test_general_equals_commuting_on_commuting_input(h, rng):
    w, f = rng.standard_normal(h), rng.uniform(0.1, 2, h)
    f[1:3] = 0.0
    Q = np.linalg.qr(rng.standard_normal((h, h)))[0]
    modes = cosine_modes(w, f, SETTING)
    matrices = cosine_matrices((Q * w) @ Q.T, (Q * f) @ Q.T, SETTING)
    np.testing.assert_allclose(matrices.drive, (Q * modes.drive) @ Q.T, atol=1e-10 * max(np.abs(modes.drive).max(), 1))
    assert matrices.alignment == pytest.approx(modes.alignment, abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.floats(-40, 40), st.floats(-40, 40))
def test_scale_invariance(seed, h, scale_u, scale_w):
    rng = np.random.default_rng(seed)
    w, f = rng.standard_normal(h), rng.uniform(0.1, 2, h)
    base = cosine_modes(w, f, SETTING)
    assert abs(w @ base.drive) < 1e-8 * np.abs(w * base.drive).sum() + 1e-12
    scaled = cosine_modes(w * 10.0**scale_w, f * 10.0**scale_u, SETTING)
    np.testing.assert_allclose(scaled.drive * 10.0**scale_w, base.drive, rtol=1e-9, atol=1e-12)
    assert scaled.alignment == pytest.approx(base.alignment, abs=1e-12)


def test_drive_is_minus_the_gradient_of_the_alignment_in_the_head(rng):
    # The target carries the stop-gradient, and the head enters on the online side only: dE cos/dW = G.
    W, A = rng.standard_normal((3, 3)), rng.standard_normal((3, 5))
    F, step = A @ A.T, 1e-5
    G = cosine_matrices(W, F, SETTING).drive
    for i, j in np.ndindex(3, 3):
        nudge = np.zeros((3, 3))
        nudge[i, j] = step
        slope = (alignment(W + nudge, F, SETTING) - alignment(W - nudge, F, SETTING)) / (2 * step)
        assert G[i, j] == pytest.approx(slope, abs=1e-7)


def test_one_direction_gives_no_drive_and_the_orthant_alignment():
    result = cosine_modes([-0.7], [2.0], SETTING)
    assert result.drive == 0
    assert result.alignment == pytest.approx(-2 / np.pi * np.arcsin(1 / 1.5))
    mixed = cosine_modes([0.3, 5.0], [1.0, 0.0], SETTING)
    assert np.all(mixed.drive == 0) and mixed.alignment == pytest.approx(2 / np.pi * np.arcsin(1 / 1.5))


def test_features_on_a_line_turn_the_head_towards_it(rng):
    W, direction = rng.standard_normal((3, 3)), np.array([1.0, 2.0, 2.0]) / 3
    F = np.outer(direction, direction)
    result = cosine_matrices(W, F, SETTING)
    p = W @ direction
    cosine = p @ direction / np.linalg.norm(p)
    pull = (direction - cosine * p / np.linalg.norm(p)) / np.linalg.norm(p)
    np.testing.assert_allclose(result.drive, 2 / np.pi * np.arcsin(1 / 1.5) * np.outer(pull, direction), atol=1e-12)


def test_a_mode_without_features_is_not_driven_and_does_not_matter(rng):
    w, f = rng.standard_normal(5), rng.uniform(0.5, 1.5, 5)
    with_dead = cosine_modes([*w, 3.0], [*f, 0.0], SETTING)
    without = cosine_modes(w, f, SETTING)
    assert with_dead.drive[-1] == 0
    np.testing.assert_allclose(with_dead.drive[:-1], without.drive, rtol=1e-9)


def test_anisotropic_modes_follow_their_covariances(rng):
    spectrum = np.array([0.3, 1.0, 2.5])
    w, f = np.array([0.4, 0.8, -0.3]), np.array([1.0, 0.5, 0.7])
    n, noise = 400_000, np.sqrt(0.5)
    x0 = rng.standard_normal((n, 3)) * np.sqrt(spectrum)
    u, v = ((x0 + noise * rng.standard_normal((n, 3))) * np.sqrt(f) for _ in range(2))
    p = u * w
    size = np.linalg.norm(p, axis=1, keepdims=True)
    cosine = np.sum(p * v, axis=1, keepdims=True) / size / np.linalg.norm(v, axis=1, keepdims=True)
    g = (v / np.linalg.norm(v, axis=1, keepdims=True) - cosine * p / size) / size
    drive = cosine_modes(w, f, Setting(0.5, 0.0, spectrum)).drive
    assert np.all(np.abs((g * u).mean(axis=0) - drive) < 4 * (g * u).std(axis=0) / np.sqrt(n))


@pytest.mark.parametrize("h", [256, 1024])
def test_many_equal_modes_are_aligned_as_the_limit_says(h):
    # cos tends to 1/s, the correlation of two views; equal modes are driven nowhere.
    result = cosine_modes(np.full(h, 0.3), np.full(h, 0.09), SETTING)
    assert result.alignment == pytest.approx(1 / 1.5, abs=2 / h)
    assert np.abs(result.drive).max() < 1e-9


@pytest.mark.parametrize(("w", "f", "named"), [([1.0, 1.0], [0.0, 0.0], "f"), ([0.0, 1.0], [1.0, 0.0], "w")])
def test_vanishing_features_or_predictions_are_refused(w, f, named):
    with pytest.raises(ValueError, match=rf"^{named}: all .* the cosine loss is not defined"):
        cosine_modes(w, f, SETTING)
    with pytest.raises(ValueError, match=rf"^{named.upper()}: .* the cosine loss is not defined"):
        cosine_matrices(np.diag(w), np.diag(f), SETTING)
