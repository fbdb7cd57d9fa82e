"""Features at rest under the cosine loss: law against the exact drive, against sampling, and against stored runs."""

import json
from pathlib import Path

import numpy as np
import pytest
from scripts import script

from ncl_lib import LinearNetwork, Setting, alignment, cosine_matrices, cosine_modes, noise, train
from ncl_lib.noise.features import _CosineNoise, mean_cosine

ROOT = Path(__file__).parent.parent
COLUMNS, *ROWS = json.loads((ROOT / "ncl_lib" / "noise" / "at_rest.json").read_text(encoding="utf-8"))
POINTS = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def law_at(point):
    return noise.features_at_rest(Setting(point["sigma2"], 1.0), point["h"], point["d"], point["turn"], point["batch"])


@pytest.mark.parametrize("h", [3, 8, 17])
def test_mean_cosine_of_equal_modes_is_the_exact_alignment(h):
    setting = Setting(0.5, 0.0)
    assert mean_cosine(h, 1 / 1.5) == pytest.approx(alignment(0.7 * np.eye(h), 0.3 * np.eye(h), setting), rel=1e-9)
    assert mean_cosine(h, 1.0) == pytest.approx(1.0)


@pytest.mark.parametrize("h", [3, 6, 12])
def test_heads_are_pulled_back_at_the_rates_of_the_proof(h, rng):
    """Symmetric and antisymmetric disturbances of a head with equal modes, by the exact drive."""
    setting, w, f = Setting(0.8, 0.0), 0.6, 1.3
    A = rng.standard_normal((h, h))
    even, odd = (A + A.T) / 2 - np.trace(A) / h * np.eye(h), (A - A.T) / 2
    for A, rate in ((even, h + 2), (odd, h)):
        step = 1e-5 * A / np.linalg.norm(A)
        ends = (w * np.eye(h) + sign * step for sign in (1, -1))
        ahead, behind = (cosine_matrices(W, f * np.eye(h), setting).drive for W in ends)
        pull = -mean_cosine(h, 1 / 1.8) / (rate * w * w)
        np.testing.assert_allclose((ahead - behind) / 2, pull * step, atol=1e-3 * abs(pull) * 1e-5)


def test_noise_of_unequal_features_depends_on_them_as_said(rng):
    """Responses of the two noises are the leading order in 1/h: four times as wide, a sixteenth of the error."""
    errors = []
    for h in (8, 32):
        law = _CosineNoise(Setting(0.5, 1.0), h, 2 * h, 0.01, 16, 1.4)
        found, a, n = [], 0.1, 200_000
        tilt = np.where(np.arange(h) < h // 2, a, -a)
        for _ in range(4):
            xi = rng.standard_normal((n, h))
            zeta = law.share**0.5 * xi + (1 - law.share) ** 0.5 * rng.standard_normal((n, h))
            logs = []
            for sign in (1, -1):  # the same draws, so that the difference is known well
                u, v = np.sqrt(1 + sign * tilt) * xi, np.sqrt(1 + sign * tilt) * zeta
                size = np.linalg.norm(u, axis=1, keepdims=True)
                omega, z = u / size, v / np.linalg.norm(v, axis=1, keepdims=True)
                g = (z - np.sum(z * omega, axis=1, keepdims=True) * omega) / size
                on_encoder, on_head = np.mean(g * g, axis=0), np.mean(u * u * np.sum(g * g, axis=1)[:, None], axis=0)
                logs.append([np.log(m[: h // 2].mean() / m[h // 2 :].mean()) for m in (on_encoder, on_head)])
            found.append((np.array(logs[0]) - logs[1]) / (4 * a))
        error = np.std(found, axis=0, ddof=1) / 2
        seen = np.mean(found, axis=0)
        assert np.all(5 * error < 0.3 * (1 - seen))  # a response of 1 would fail
        errors.append(np.abs(seen - [law.of_encoder, law.of_head]) + 5 * error)
    assert np.all(errors[0] < 0.03) and np.all(errors[1] < 0.01)


@pytest.mark.parametrize("sigma2", [0.1, 0.5, 2.0])
def test_heads_lean_away_from_large_features_as_said(sigma2):
    """Where the exact drive vanishes if features differ: leading order in 1/h."""
    errors = []
    for h in (8, 32):
        setting, w, share = Setting(sigma2, 0.0), 0.6, 1 / (1 + sigma2) ** 2
        tilt = 1e-4 * np.where(np.arange(h) < h // 2, 1, -1)
        drive = cosine_modes(np.full(h, w), 1 + tilt, setting).drive
        moved = np.mean(drive / tilt) * (h + 2) * w / mean_cosine(h, share**0.5)
        errors.append(abs(moved + (1 - share) / (h + 2)))
    assert errors[1] < errors[0] / 6 and errors[1] < 0.001


@pytest.mark.parametrize(("h", "d", "batch"), [(8, 8, 64), (8, 32, 64), (8, 128, 64), (8, 32, 1), (24, 96, 2)])
def test_imbalance_fades_at_the_predicted_rate_once_norms_rest(h, d, batch):
    """In gradient flow the rate would be 2 rho for every d; the last two have noise in a tenth of the head."""
    turn, setting = 0.001, Setting(0.5, 1.0)
    level = noise.cosine_rest(setting, h, d, turn, batch)
    faded = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        f = level.encoder**2 / h * (1 + 0.3 * np.array([1, -1] * (h // 2)))
        start = LinearNetwork.from_modes(np.full(h, level.head / np.sqrt(h)), f, d, rng)
        options = dict(loss="cosine", learning_rate=turn, steps=1000, batch=batch, record_every=1000)
        C = train(start, setting, rng=rng, **options).balance
        first, last = C - np.trace(C, axis1=1, axis2=2)[:, None, None] / h * np.eye(h)
        faded.append(np.sum(first * last) / np.sum(first**2))
    rate = -np.log(np.mean(faded))
    error = np.std(faded, ddof=1) / np.sqrt(6) / np.mean(faded)
    predicted = 2 * noise.features_at_rest(setting, h, d, turn, batch).return_rate
    # Seen are some ten per cent more than predicted, of the next order in 1/h.
    assert rate == pytest.approx(predicted, abs=3 * error + 0.12 * predicted)
    if d > h:
        assert rate < 2.0


def test_the_law_holds_where_it_says_it_does():
    """Where at least seven tenths of the modes are left, and a step is short: within 6 per cent, 2 on average."""
    close = [p for p in POINTS if p["rank"] > 0.7 * p["h"] and p["turn"] < 0.03]
    laws = [law_at(p) for p in close]
    ranks = np.array([law.effective_rank / p["rank"] - 1 for law, p in zip(laws, close, strict=True)])
    lost = np.array([(1 - law.signal) / (1 - p["signal"]) - 1 for law, p in zip(laws, close, strict=True)])
    assert len(close) >= 60 and {p["d"] / p["h"] for p in close} == {1, 4, 16}
    assert np.abs(ranks).max() < 0.07 and np.sqrt(np.mean(ranks**2)) < 0.02
    assert np.abs(lost).max() < 0.2 and abs(np.mean(lost)) < 0.05
    # A constant would not do: ranks go from seven tenths of the width to all of it.
    assert np.std([p["rank"] / p["h"] for p in close]) > 3 * np.sqrt(np.mean(ranks**2))


def test_border_tells_ruin_from_features_that_live():
    for p in POINTS:
        law = law_at(p)
        if law.survive and p["turn"] < 0.1:
            assert p["rank"] > 0.65 * p["h"], p
        elif 1 - law.signal > 0.2:
            assert p["rank"] < 0.6 * p["h"], p
    assert 40 < sum(law_at(p).survive for p in POINTS) < len(POINTS) - 40


def living(h, d, batch, turn, sigma2, seed):
    """Directions of the features that are left after three hundred times the relaxation of the norms."""
    rng, setting = np.random.default_rng(seed), Setting(sigma2, 1.0)
    level = noise.cosine_rest(setting, h, d, turn, batch)
    start = LinearNetwork.from_modes(np.full(h, level.head / h**0.5), np.full(h, level.encoder**2 / h), d, rng)
    options = dict(loss="cosine", learning_rate=turn, steps=round(300 / turn), batch=batch, record_every=10_000)
    f = np.linalg.eigvalsh(train(start, setting, rng=rng, **options).F[-1])
    return np.sum(f > 1e-5 * f.mean())


@pytest.mark.parametrize(
    ("d", "batch", "sigma2", "all_live"),
    [
        (8, 8, 0.5, True),
        (8, 2, 0.5, False),
        (32, 6, 0.5, True),
        (32, 2, 0.5, False),
        (8, 2, 0.1, True),
        (8, 10, 2.0, False),
    ],
)
def test_directions_die_where_noise_takes_more_than_an_eighth_of_the_head(d, batch, sigma2, all_live):
    law = noise.features_at_rest(Setting(sigma2, 1.0), 8, d, 0.01, batch)
    left = [living(8, d, batch, 0.01, sigma2, seed) for seed in range(2)]
    assert law.survive == all_live == (left == [8, 8]) and (all_live or max(left) < 8)
    assert all_live or 1 - law.signal > 0.15


def test_only_rate_times_decay_and_rate_over_batch_count():
    one = noise.features_at_rest(Setting(0.5, 0.1), 8, 32, 0.1, 16)
    assert noise.features_at_rest(Setting(0.5, 1.0), 8, 32, 0.01, 16).effective_rank == pytest.approx(
        one.effective_rank
    )
    assert noise.features_at_rest(Setting(1.0, 0.1, 2.0), 8, 32, 0.1, 16).effective_rank == pytest.approx(
        one.effective_rank
    )
    # Short steps: only their product with the decay over the batch is left, but for two terms that do not know it.
    long, short = (noise.features_at_rest(Setting(0.5, 1.0), 8, 8, 1e-5 * k, k) for k in (1, 4))
    assert long.signal == pytest.approx(short.signal, rel=1e-3)


def test_limits_of_the_law():
    weak = noise.features_at_rest(Setting(0.5, 1.0), 8, 32, 1e-9, 256)
    assert weak.effective_rank == pytest.approx(8, abs=1e-3) and weak.ratio < 1e-3 and weak.survive
    clean = noise.features_at_rest(Setting(0.0, 1.0), 8, 32, 0.1, 4)
    assert clean.effective_rank == 8 and clean.ratio == 0 and np.isnan(clean.return_rate)
    nothing = noise.features_at_rest(Setting(0.5, 1.0, 0.0), 8, 32, 0.01, 4)
    assert not nothing.survive and np.isnan(nothing.effective_rank)
    assert not noise.features_at_rest(Setting(0.5, 1.0), 8, 8, 1.5, 4).survive


def test_stored_points_are_what_the_script_finds():
    at_rest = script("experiments/at_rest.py")
    assert at_rest.COLUMNS == COLUMNS
    assert [[p[name] for name in COLUMNS[:5]] for p in at_rest.points()] == [row[:5] for row in ROWS]
    for k in (1, 30, 54, 150):  # no slow ones
        point = dict(zip(COLUMNS[:5], ROWS[k][:5], strict=True))
        again, stored = dict(zip(COLUMNS, at_rest.measured(point), strict=True)), POINTS[k]
        # Rounding elsewhere may differ, and runs with it.
        assert abs(again["rank"] - stored["rank"]) < 6 * np.hypot(again["rank_error"], stored["rank_error"]) + 1e-3
        assert again["signal"] == pytest.approx(stored["signal"], abs=0.05 * (1 - stored["signal"]) + 0.01)
