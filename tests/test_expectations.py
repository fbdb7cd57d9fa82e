"""Exact expectations of the cosine loss: against Monte Carlo, against a finer rule, and against exact identities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from ncl_lib import Setting, alignment, cosine_matrices, cosine_modes
from ncl_lib.expectations import _modes

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


@pytest.mark.parametrize("h", [4, 8, 64, 256])
def test_default_rule_is_accurate_to_eight_digits(h, rng):
    for name, w, f in spectra(h, rng):
        drive = cosine_modes(w, f, SETTING).drive
        oracle = f / f.max() * _modes(w, f, 1.5, 1.0, nodes=96, tail=1e-16)[0]
        assert np.max(np.abs(drive - oracle)) < 1e-8 * np.max(np.abs(oracle)), name


def test_error_estimate_covers_the_error(rng):
    covered = []
    for _ in range(200):
        h = int(rng.choice([2, 3, 4, 6, 16, 64]))
        _, w, f = list(spectra(h, rng))[rng.integers(4)]
        nodes = None if rng.uniform() < 0.5 else int(rng.integers(8, 40))
        result = cosine_modes(w, f, SETTING, nodes=nodes, error=True)
        oracle = f / f.max() * _modes(w, f, 1.5, 1.0, nodes=128, tail=1e-16)[0]
        covered.append(np.max(np.abs(result.drive - oracle)) <= result.error)
    assert np.mean(covered) >= 0.95


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
