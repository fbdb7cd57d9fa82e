"""Who survives under the cosine loss: water-filling against its definition and against exact runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ellipe, ellipkm1, hyp2f1

from ncl_lib import CosineModes, Setting, cosine_modes, invasion_threshold, settled_modes, surviving_modes

SETTING = Setting(0.5, 0.0)


def start(rng, h):
    return 0.5 * rng.standard_normal(h), rng.uniform(0.2, 1.5, h)


def lone_survivor(w, f, gain):
    """Whether water, poured by bisection, covers one of several modes that are fit to live."""
    c = f - w**2
    able = (c > 0) | (w > 0)
    volume = np.sum(w**2) + np.sum(np.minimum(c, 0)[~able])
    low, high = 0.0, volume / np.min(gain) ** 2 + 1
    for _ in range(200):
        middle = (low + high) / 2
        over = np.sum(np.maximum(middle * gain**2, -c)[able]) > volume
        low, high = (low, middle) if over else (middle, high)
    return able.sum() > 1 and np.sum(able & (low * gain**2 > -c)) == 1


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.booleans())
def test_water_fills_to_one_level(seed, h, anisotropic):
    rng = np.random.default_rng(seed)
    w, f = start(rng, h)
    setting = Setting(0.5, 0.0, rng.uniform(0.2, 3, h)) if anisotropic else SETTING
    gain = np.broadcast_to(setting.spectrum / setting.s, h)
    c = f - w**2
    able = (c > 0) | (w > 0)
    alive = surviving_modes(w, f, setting)
    if not able.any():
        assert alive.sum() == 1
        return
    if lone_survivor(w, f, gain):
        assert alive.sum() > 1
        return
    # The level that the survivors imply fills the volume, covers them, and leaves the others dry.
    dry = able & ~alive
    level = (np.sum(w**2) + c[~able].sum() + c[dry].sum()) / np.sum(gain[alive] ** 2)
    assert np.all(level * gain[alive] ** 2 > -c[alive] - 1e-12)
    assert np.all(level * gain[dry] ** 2 <= -c[dry] + 1e-12)
    assert not np.any(alive & ~able)


@pytest.mark.parametrize(("h", "starts", "share"), [(6, 8, 0.9), (16, 4, 1.0), (64, 1, 1.0)])
def test_rule_agrees_with_exact_runs(h, starts, share):
    # At small h the rule errs for modes close to the water; how often is measured, not promised.
    rng, right = np.random.default_rng(h), []
    for _ in range(starts):
        w, f = start(rng, h)
        end = CosineModes(SETTING).solve(w, f, [0.0, 1e5], tolerance=1e-6).shape_f[-1]
        right.append((end > 1e-3 * end.max()) == surviving_modes(w, f, SETTING))
    assert np.mean(right) >= share


def test_on_the_parabola_exactly_the_positive_modes_survive(rng):
    w = rng.standard_normal(10)
    assert np.array_equal(surviving_modes(w, w**2, SETTING), w > 0)


def test_when_nobody_is_fit_features_condense_on_the_most_negative_mode():
    w = np.array([-0.9, -0.6, -0.4])
    f = w**2 * np.array([0.9, 0.8, 0.9])
    alive = surviving_modes(w, f, SETTING)
    assert alive.tolist() == [True, False, False]
    end = CosineModes(SETTING).solve(w, f, [0.0, 1e4])
    assert np.argmax(end.shape_f[-1]) == 0 and end.shape_f[-1, 1:].max() < 1e-2 * end.shape_f[-1, 0]
    assert end.shape_w[-1, 0] < 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.booleans())
def test_settled_modes_keep_what_the_clock_conserves(seed, h, anisotropic):
    rng = np.random.default_rng(seed)
    w0, f0 = start(rng, h)
    setting = Setting(0.5, 0.0, rng.uniform(0.2, 3, h)) if anisotropic else SETTING
    w, f = settled_modes(w0, f0, setting)
    np.testing.assert_array_equal(f > 0, surviving_modes(w0, f0, setting))
    np.testing.assert_allclose(f - w**2, f0 - w0**2, atol=1e-12)
    assert np.sum(w**2) == pytest.approx(np.sum(w0**2), rel=1e-12)
    gain = np.broadcast_to(setting.spectrum / setting.s, h)
    if np.sum(f > 0) > 1 and not lone_survivor(w0, f0, gain):
        assert np.ptp(w[f > 0] / gain[f > 0]) < 1e-12


def test_settled_modes_are_where_exact_runs_settle(rng):
    w0, f0 = start(rng, 64)
    w, f = settled_modes(w0, f0, SETTING)
    end = CosineModes(SETTING).solve(w0, f0, [0.0, 1e6], tolerance=1e-6)
    assert np.abs(end.shape_w[-1] - w).max() < 0.05 and np.abs(end.shape_f[-1] - f).max() < 0.05


@pytest.mark.parametrize(
    ("w0", "f0", "survivor"),
    [
        ([-1.0, -0.9, -0.5], [0.01, 0.8, 0.24], 1),  # the most negative head has next to no features
        ([-1.0, -0.5, -0.4], [1.5, 0.2, 0.1], 0),  # the only mode that is fit to live keeps its negative head
        ([-0.9, -0.6, -0.4], [0.729, 0.288, 0.144], 0),
    ],
)
def test_a_single_survivor_may_keep_a_negative_head(w0, f0, survivor):
    w, f = settled_modes(w0, f0, SETTING)
    assert surviving_modes(w0, f0, SETTING).tolist() == [k == survivor for k in range(3)]
    end = CosineModes(SETTING).solve(w0, f0, [0.0, 1e5])
    assert w[survivor] < 0
    np.testing.assert_allclose(end.shape_w[-1], w, atol=1e-2)
    np.testing.assert_allclose(end.shape_f[-1], f, atol=1e-2)


def test_settled_modes_without_anybody_fit_condense():
    w0 = np.array([-0.9, -0.6, -0.4])
    w, f = settled_modes(w0, w0**2 * np.array([0.9, 0.8, 0.9]), SETTING)
    end = CosineModes(SETTING).solve(w0, w0**2 * np.array([0.9, 0.8, 0.9]), [0.0, 1e5])
    np.testing.assert_allclose(end.shape_w[-1], w, atol=1e-2)
    assert np.count_nonzero(f) == 1 and f.sum() == pytest.approx(np.sum(w0**2 * [0.9, 0.8, 0.9]))


def test_a_lone_survivor_keeps_nobody_down():
    # Each start drowns all modes but one; the exact run keeps a second one in all of them.
    rng, starts = np.random.default_rng(3), []
    one = np.ones(2)
    quoted = np.array([0.04003673392309687, 0.6829831386189756]), np.array([0.6168794316067117, 0.05022178762488757])
    while len(starts) < 3:
        w, f = 0.5 * rng.standard_normal(2), rng.uniform(0.05, 0.8, 2)
        if lone_survivor(w, f, one):
            starts.append((w, f))
    for w, f in [quoted, *starts]:
        assert surviving_modes(w, f, SETTING).all()
        times = np.array([0.0, 1e6, 1e9]) * (w @ w)
        run = CosineModes(SETTING, "exact").solve(w, f, times)
        assert run.shape_f[-1].min() > 1e-12 and np.allclose(run.shape_f[1], run.shape_f[2], rtol=1e-6)
        np.testing.assert_allclose(settled_modes(w, f, SETTING)[1], run.shape_f[-1], rtol=1e-6)
    assert CosineModes(SETTING).solve(*quoted, [0.0, 1e6]).shape_f[-1, 1] == pytest.approx(0.00196, abs=1e-5)


def test_beside_a_lone_survivor_a_third_mode_may_die():
    for depth, lives in ((0.5, True), (10.0, False)):
        w = np.array([0.3, 0.6, np.sqrt(depth) + 0.02])
        f = np.array([0.99, 0.01, w[2] ** 2 - depth])
        assert lone_survivor(w, f, np.ones(3))
        end = CosineModes(SETTING).solve(w, f, np.array([0.0, 1e9, 1e12]) * (w @ w)).shape_f
        assert (end[-1, 2] > 1e-3 and np.isclose(end[-1, 2], end[-2, 2])) == lives and (end[-1, 2] < 1e-30) != lives
        assert surviving_modes(w, f, SETTING).tolist() == [True, True, lives]


def test_without_noise_a_lone_survivor_keeps_the_others_down(rng):
    # By the definition, sampled: the pull on a fading mode changes sign where its head is the survivor's.
    u = rng.standard_normal((1_000_000, 2)) * [1.0, 1e-2]
    for head, grows in ((0.9, True), (1.1, False)):
        p = u * [1.0, head]
        size, length = np.linalg.norm(p, axis=1), np.linalg.norm(u, axis=1)
        pull = (u[:, 1] - p[:, 1] * np.sum(p * u, axis=1) / size**2) / size / length * u[:, 1] / 1e-4
        assert (pull.mean() > 0) == grows and abs(pull.mean()) > 5 * pull.std() / 1e3
    clear = Setting(0.0, 0.0)
    for depth in (0.36, 2.0):
        w = np.array([0.3, np.sqrt(depth) + 0.02])
        f = np.array([0.99, w[1] ** 2 - depth])
        assert surviving_modes(w, f, clear).tolist() == [True, False]
        assert CosineModes(clear).solve(w, f, [0.0, 1e6]).shape_f[-1, 1] < 1e-12


def test_a_silent_mode_beside_a_lone_survivor_keeps_its_features():
    setting = Setting(0.5, 0.0, [1.0, 1.0, 0.0])
    w, f = np.array([0.3, 0.9, 0.1]), np.array([0.99, 0.05, 0.2])
    end = CosineModes(setting).solve(w, f, [0.0, 1e8]).shape_f[-1]
    assert surviving_modes(w, f, setting).all() and end[2] == pytest.approx(0.19, abs=1e-9)
    np.testing.assert_allclose(settled_modes(w, f, setting)[1], end, rtol=1e-6)


@pytest.mark.parametrize(
    ("w0", "f0"),
    [([0.5, 0.3, 0.2], [0.3, 0.3, 0.1]), ([0.5, 0.3, -0.4], [0.3, 0.3, 0.1]), ([-0.5, -0.6, 0.2], [0.2, 0.2, 0.1])],
)
def test_a_mode_without_signal_lives_on_its_imbalance(w0, f0):
    setting = Setting(0.5, 0.0, [1.0, 1.0, 0.0])
    w, f = settled_modes(w0, f0, setting)
    end = CosineModes(setting).solve(w0, f0, [0.0, 1e6])
    assert (f > 1e-9).tolist() == (end.shape_f[-1] > 1e-9).tolist() == surviving_modes(w0, f0, setting).tolist()
    np.testing.assert_allclose(f - np.square(w), np.array(f0) - np.square(w0), atol=1e-9)
    assert f[2] == pytest.approx(end.shape_f[-1, 2], abs=1e-9)


def test_without_any_signal_nothing_moves_and_without_predictions_nothing_is_said():
    w, f = settled_modes([0.5, -0.3], [0.3, 0.2], Setting(0.5, 0.0, 0.0))
    assert np.allclose(w, [0.5, -0.3], rtol=1e-15) and np.allclose(f, [0.3, 0.2], rtol=1e-15)
    for w0, f0 in (([0.0, 0.0], [1.0, 1.0]), ([0.0, 1.0], [1.0, 0.0])):
        with pytest.raises(ValueError, match=r"^w0: all predictions are 0"):
            settled_modes(w0, f0, SETTING)


def test_modes_without_features_do_not_survive():
    assert surviving_modes([0.5, 0.9], [0.3, 0.0], SETTING).tolist() == [True, False]
    assert surviving_modes([0.5, -0.9], [0.0, 0.3], SETTING).tolist() == [False, True]


def test_invasion_thresholds_are_the_quoted_ones_and_tend_to_one():
    quoted = {2: 1.8637, 3: 1.3930, 4: 1.2458, 8: 1.0930, 16: 1.0402, 64: 1.0090}
    for n, value in quoted.items():
        assert invasion_threshold(n, SETTING) == pytest.approx(value, abs=5e-5)
    n = np.array([64, 128, 256, 512])
    excess = np.array([invasion_threshold(int(k), SETTING) for k in n]) - 1
    np.testing.assert_allclose(excess * n, 1 - 1 / 1.5**2, rtol=0.1)
    rest = excess - (1 - 1 / 1.5**2) / n
    assert np.polyfit(np.log(n), np.log(rest), 1)[0] == pytest.approx(-2, abs=0.1)


def test_invasion_threshold_has_a_closed_form():
    # A second way: both averages are hypergeometric, and for n = 2 elliptic, which keeps the digits of little noise.
    for sigma2 in (1e-3, 0.5, 10.0, 1e6):
        for n in (2, 3, 4, 7, 64, *((1000, 10_000) if sigma2 > 0.1 else ())):  # where SciPy knows them
            x = (1 + sigma2) ** -2
            ratio = hyp2f1(0.5, 0.5, n / 2, x) / hyp2f1(0.5, 1.5, n / 2 + 1, x)
            assert invasion_threshold(n, Setting(sigma2, 0.0)) == pytest.approx(n / (n - 1) * ratio, rel=3e-14)
    for sigma2 in (1e-15, 1e-12, 1e-6):
        x = (1 + sigma2) ** -2
        rest = sigma2 * (2 + sigma2) / (1 + sigma2) ** 2
        K, E = ellipkm1(rest), ellipe(x)
        assert invasion_threshold(2, Setting(sigma2, 0.0)) == pytest.approx(x * K / (K - E), rel=1e-13)


def test_one_survivor_has_no_invasion_threshold_and_no_noise_none_but_one():
    assert invasion_threshold(1, SETTING) == np.inf
    assert [invasion_threshold(n, Setting(0.0, 0.0)) for n in (1, 2, 5)] == [1.0, 1.0, 1.0]
    # The rate of a mode beside a lone survivor grows as its features fall, without bound.
    rates = [cosine_modes([0.5, 5.0], [1.0, f], SETTING).drive[1] / f for f in 10.0 ** -np.arange(4.0, 64, 10)]
    assert rates[0] < 0 < rates[-1]
    assert np.all(np.diff(rates) > 0)
    np.testing.assert_allclose(np.diff(rates, 2), np.diff(rates, 2)[-1], rtol=1e-2)  # as the square of a logarithm


def test_invasion_threshold_is_where_the_exact_drive_on_a_small_mode_changes_sign():
    for n in (3, 8):
        kappa = invasion_threshold(n, SETTING)
        for factor, grows in ((0.99, True), (1.01, False)):
            # df/dt = 2 w G, so a positive head without features gains some where G > 0.
            G = cosine_modes([*np.full(n, 0.5), 0.5 * kappa * factor], [*np.full(n, 1.0), 1e-9], SETTING).drive[-1]
            assert (G > 0) == grows


def test_scale_of_signal_and_noise_together_does_not_matter():
    assert invasion_threshold(4, Setting(1.0, 0.0, 2.0)) == pytest.approx(invasion_threshold(4, SETTING), rel=1e-12)
