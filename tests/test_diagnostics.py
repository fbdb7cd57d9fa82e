"""Diagnostics against their definitions, invariances, and Monte Carlo."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ncl_lib
from ncl_lib import (
    CollapseKind,
    CosineMatrices,
    L2Matrices,
    LinearNetwork,
    Setting,
    asymmetry,
    balance,
    collapse,
    commutator,
    eigenmodes,
    norm_spread,
    participation_ratio,
    train,
    violations,
)

seeds = st.integers(0, 2**32 - 1)
scales = st.floats(-80, 80).map(lambda x: 10.0**x)


def pair(seed, h=4):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(h, h + 2))
    return rng.normal(size=(h, h)), A @ A.T


@given(seeds, scales, scales)
def test_relative_measures_ignore_scale(seed, a, b):
    W, F = pair(seed)
    assert commutator(a * W, b * F) == pytest.approx(commutator(W, F))
    assert asymmetry(a * W) == pytest.approx(asymmetry(W))
    assert participation_ratio(b * F) == pytest.approx(participation_ratio(F))


@given(seeds)
def test_relative_measures_ignore_rotation(seed):
    W, F = pair(seed)
    Q, _ = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(4, 4)))
    assert commutator(Q @ W @ Q.T, Q @ F @ Q.T) == pytest.approx(commutator(W, F))
    assert asymmetry(Q @ W @ Q.T) == pytest.approx(asymmetry(W))
    assert norm_spread(Q @ F @ Q.T) == pytest.approx(norm_spread(F))


@given(seeds)
def test_bounds(seed):
    W, F = pair(seed)
    assert 0 <= commutator(W, F) <= np.sqrt(2)
    assert 0 <= asymmetry(W) <= 1
    assert 1 <= participation_ratio(F) <= 4


def test_extremes():
    eye = np.eye(3)
    assert commutator(eye, np.diag([1.0, 2.0, 3.0])) == 0
    assert participation_ratio(np.diag([5.0, 0, 0])) == pytest.approx(1)
    assert participation_ratio(eye) == pytest.approx(3)
    assert asymmetry(np.triu(np.ones((2, 2)), 1)) == pytest.approx(1 / np.sqrt(2))
    assert np.all(balance(eye, eye) == 0)


def test_balance_takes_the_inner_gram_of_the_head():
    W = np.array([[0.0, 2.0], [0.0, 0.0]])
    assert balance(W, np.zeros((2, 2))).tolist() == [[0, 0], [0, -4]]


@pytest.mark.parametrize("spectrum", [np.ones(8), np.arange(1.0, 9.0), 2.0 ** -np.arange(8)])
def test_norm_spread_against_sampling(spectrum, rng):
    """Coefficient of variation of |v|^2 over 400 000 draws, within four standard errors of an estimated variance."""
    n = 400_000
    squares = (rng.normal(size=(n, 8)) ** 2 * spectrum).sum(axis=1)
    ratio = squares.var() / squares.mean() ** 2
    centred = (squares - squares.mean()) ** 2
    error = centred.std() / np.sqrt(n) / squares.mean() ** 2 + 2 * ratio * squares.std() / np.sqrt(n) / squares.mean()
    assert abs(norm_spread(np.diag(spectrum)) ** 2 - ratio) < 4 * error


def test_gaussian_encoder_at_h_64_d_512_spreads_by_a_fifth():
    """2/PR is about 2 (1/h + 1/d): the figure 0.19 that the book quotes."""
    network = ncl_lib.LinearNetwork.random(512, 64, np.random.default_rng(0))
    assert norm_spread(network.F) == pytest.approx(np.sqrt(2 * (1 / 64 + 1 / 512)), abs=0.004)
    assert round(norm_spread(network.F), 2) == 0.19


def test_stacks_give_stacks():
    W, F = (np.array(x) for x in zip(*map(pair, range(5)), strict=True))
    assert commutator(W, F).shape == asymmetry(W).shape == participation_ratio(F).shape == norm_spread(F).shape == (5,)
    assert commutator(W, F)[3] == pytest.approx(commutator(W[3], F[3]))
    w, f = eigenmodes(W, F)
    assert w.shape == f.shape == (5, 4)
    assert f[-1] == pytest.approx(np.linalg.eigvalsh(F[-1]))


def test_eigenmodes_recover_a_commuting_pair(rng):
    network = ncl_lib.LinearNetwork.from_modes([0.3, -0.2, 0.9], [0.5, 1.0, 2.0], 7, rng)
    w, f = eigenmodes(network.W, network.F)
    assert w == pytest.approx([0.3, -0.2, 0.9]) and f == pytest.approx([0.5, 1.0, 2.0])


def test_kinds_of_collapse():
    assert collapse(np.diag([1.0, 0.5])) is CollapseKind.NONE
    assert collapse(np.diag([1.0, 1e-9])) is CollapseKind.DIMENSIONAL
    assert collapse(np.diag([1e-8, 1e-9])) is CollapseKind.COMPLETE
    # Judged on shape alone, equal eigenvalues are healthy however small.
    tiny = np.diag([1e-12, 0.9e-12])
    assert collapse(tiny, reference=1e-12) is CollapseKind.NONE


def test_collapsed_features_have_no_relative_measure():
    with pytest.raises(ValueError, match="F: is 0"):
        participation_ratio(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="W: is 0"):
        asymmetry(np.zeros((2, 2)))


def test_violations_vanish_along_exact_flows_and_only_where_a_law_holds(rng):
    start, setting, times = LinearNetwork.random(8, 4, rng), Setting(0.5, 0.3), [0.0, 1.0, 4.0]
    assert violations(CosineMatrices(setting).solve(start.W, start.F, times)).largest < 1e-7
    of_l2 = violations(L2Matrices(setting).solve(start.W, start.F, times))
    # Balance is a law of both losses; that norms fade on their own is one of the cosine loss alone.
    assert np.abs(of_l2.balance).max() < 1e-7 and np.abs(of_l2.head[1:]).min() > 0.05
    assert violations(CosineMatrices(setting).solve(np.eye(4), np.eye(4), times)).largest < 1e-7  # balanced


def test_violations_of_a_trained_network_are_proportional_to_the_step():
    found = []
    for rate in (0.04, 0.01):
        start = LinearNetwork.random(8, 4, np.random.default_rng(3))
        options = dict(loss="cosine", learning_rate=rate, steps=round(8 / rate), batch=32, rng=np.random.default_rng(4))
        found.append(np.abs(np.array(violations(train(start, Setting(0.5, 0.05), **options)))).max(axis=1))
    # A quarter, and as much again for chance.
    assert np.all(found[1] < 0.5 * found[0]) and np.all(found[0] > 1e-3)


@given(seeds)
def test_eigenmodes_in_a_given_basis_are_its_diagonals(seed):
    W, F = pair(seed)
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))[0]
    w, f = eigenmodes(np.array([W, 2 * W]), np.array([F, 3 * F]), basis=Q)
    np.testing.assert_allclose(w[1], 2 * np.diag(Q.T @ W @ Q), atol=1e-12)
    np.testing.assert_allclose(f[1], 3 * np.diag(Q.T @ F @ Q), atol=1e-12)
    np.testing.assert_allclose(eigenmodes(W, F, np.linalg.eigh(F)[1]), eigenmodes(W, F))
