"""One rung above the ladder: against the rung below it, its conservation laws, and runs that are broken off."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from ncl_lib import L2Matrices, Regime, Setting
from ncl_lib.deep import (
    Augmentation,
    conv_encoder,
    images_source,
    linear_encoder,
    mlp_encoder,
    train_deep,
    view_moments,
)

ROOT = Path(__file__).parent.parent
NOISE = Augmentation(noise=np.sqrt(0.5))


def gaussian(n, rng):
    return rng.standard_normal((n, 6))


def shifted(n, rng):
    return 1 + rng.standard_normal((n, 6))


def test_a_linear_encoder_follows_the_matrix_flow():
    """Rung 5 to rung 3: plain steps on large batches of Gaussian data."""
    run = train_deep(
        linear_encoder(6, 3, seed=0),
        gaussian,
        NOISE,
        rho=0.1,
        loss="l2",
        learning_rate=0.01,
        steps=200,
        batch=2048,
        seed=1,
        centred=False,
    )
    theory = L2Matrices(Setting(0.5, 0.1)).solve(run.W[0], run.F[0], run.t)
    assert np.abs(run.W - theory.W).max() < 0.03 and np.abs(run.F - theory.F).max() < 0.03
    assert run.covariance[-1] == pytest.approx(1.5 * run.F[-1], abs=0.15 * run.F[-1].max())


@pytest.mark.parametrize(
    "encoder", [linear_encoder(6, 3, seed=0), mlp_encoder(6, 3, seed=0, width=8)], ids=["linear", "mlp"]
)
@pytest.mark.parametrize("loss", ["l2", "cosine"])
def test_balance_of_the_last_layer_is_broken_in_proportion_to_the_step(encoder, loss):
    errors = []
    for rate in (0.04, 0.01):
        run = train_deep(
            encoder, gaussian, NOISE, rho=0.1, loss=loss, learning_rate=rate, steps=round(4 / rate), batch=32, seed=1
        )
        errors.append(np.abs(run.balance[-1] - np.exp(-0.2 * run.t[-1]) * run.balance[0]).max())
    # A quarter, with as much again for the noise of 32 samples.
    assert errors[1] < 0.5 * errors[0] and errors[1] < 0.05


def test_norms_of_the_cosine_loss_fade_on_the_clock():
    run = train_deep(
        mlp_encoder(6, 3, seed=0, width=8), gaussian, NOISE, rho=0.2, learning_rate=0.005, steps=600, batch=32, seed=1
    )
    for name, size in (
        ("W", np.linalg.norm(run.W, axis=(1, 2))),
        ("F", np.sqrt(np.trace(run.F, axis1=1, axis2=2))),
    ):
        assert size[-1] / size[0] == pytest.approx(np.exp(-0.2 * 3), rel=0.02), name


def test_a_bias_shares_the_norm_with_the_head():
    run = train_deep(
        linear_encoder(6, 3, seed=0),
        shifted,
        NOISE,
        rho=0.1,
        learning_rate=0.005,
        steps=600,
        batch=64,
        seed=1,
        head_bias=True,
        centred=False,
    )
    total = np.sum(run.W**2, axis=(1, 2)) + np.sum(run.bias**2, axis=1)
    assert total[-1] / total[0] == pytest.approx(np.exp(-0.6), rel=0.02)
    assert np.sum(run.bias[-1] ** 2) > 0.01 * total[-1]
    plain = train_deep(linear_encoder(6, 3, seed=0), shifted, NOISE, rho=0.1, steps=5, batch=64, seed=1)
    assert np.all(plain.bias == 0)


def test_momentum_goes_as_far_as_the_larger_plain_step():
    ends = []
    # A heavy ball lags by 1 / (1 - momentum) steps, here by 0.04 in time.
    for rate, momentum in ((0.004, 0.0), (0.0004, 0.9)):
        run = train_deep(
            linear_encoder(6, 3, seed=0),
            gaussian,
            NOISE,
            rho=0.1,
            loss="l2",
            learning_rate=rate,
            momentum=momentum,
            steps=1000,
            batch=256,
            seed=1,
        )
        ends.append((run.t[-1], run.W[-1]))
    assert ends[0][0] == pytest.approx(ends[1][0]) and np.abs(ends[0][1] - ends[1][1]).max() < 0.05


def test_encoders_have_the_shapes_they_promise(rng):
    x = rng.standard_normal((5, 8, 8, 3))
    for encoder in (
        linear_encoder((8, 8, 3), 4, 0),
        mlp_encoder((8, 8, 3), 4, 0, width=16, depth=2),
        conv_encoder((8, 8, 3), 4, 0, channels=(8, 8, 8)),
    ):
        assert jax.vmap(encoder)(x).shape == (5, 4)
    # Rectifier weights keep the size of signals: mean squares of the activations stay near those of the data.
    a = jax.vmap(mlp_encoder(400, 4, 0, width=400, depth=3).trunk)(rng.standard_normal((200, 400)))
    assert 0.5 < np.mean(np.asarray(a) ** 2) < 2


def test_views_of_images(rng):
    x = rng.uniform(size=(64, 8, 8, 1)).astype(np.float32)
    assert np.all(Augmentation()(jax.random.key(0), x) == x)
    moved = np.asarray(Augmentation(shift=1)(jax.random.key(0), x))
    inner = [
        np.all(moved[:, 1:-1, 1:-1] == x[:, 1 + a : 7 + a, 1 + b : 7 + b], axis=(1, 2, 3))
        for a in (-1, 0, 1)
        for b in (-1, 0, 1)
    ]
    assert np.all(np.sum(inner, axis=0) == 1), "each is the image moved by at most one pixel"
    assert all(np.any(which) for which in inner)
    mirrored = np.asarray(Augmentation(mirror=True)(jax.random.key(0), x))
    kept, swapped = (np.all(mirrored == other, axis=(1, 2, 3)) for other in (x, x[:, :, ::-1]))
    assert np.all(kept | swapped) and 16 < kept.sum() < 48
    lit = np.asarray(Augmentation(brightness=0.2)(jax.random.key(0), x)) / x
    assert np.allclose(lit.std(axis=(1, 2, 3)), 0, atol=1e-5) and 0.1 < np.log(lit[:, 0, 0, 0]).std() < 0.3
    noisy = np.asarray(Augmentation(noise=0.3)(jax.random.key(0), x)) - x
    # 4096 entries: their standard deviation is known to 1 / sqrt(2 n).
    assert noisy.std() == pytest.approx(0.3, rel=4.5 / np.sqrt(2 * 4096))


def test_the_l2_loss_collapses_beyond_its_threshold_and_the_cosine_loss_does_not():
    ends = {}
    for loss in ("l2", "cosine"):
        run = train_deep(
            linear_encoder(6, 3, seed=0),
            gaussian,
            NOISE,
            rho=0.4,
            loss=loss,
            learning_rate=0.05,
            steps=800,
            batch=128,
            seed=1,
        )
        ends[loss] = np.trace(run.covariance[-1]), run.regimes[-1]
    assert ends["l2"][0] < 1e-6 and np.all(ends["l2"][1] == Regime.COLLAPSE)
    assert ends["cosine"][0] > 0.01 and np.any(ends["cosine"][1] == Regime.STABLE)


def test_same_seed_same_bits_and_another_seed_others():
    runs = [
        train_deep(linear_encoder(6, 3, seed=0), gaussian, NOISE, rho=0.1, steps=20, batch=16, seed=seed)
        for seed in (3, 3, 4)
    ]
    assert np.array_equal(runs[0].W, runs[1].W) and not np.array_equal(runs[0].W, runs[2].W)


def test_blow_up_returns_what_it_has():
    run = train_deep(
        linear_encoder(6, 3, seed=0, scale=30.0),
        gaussian,
        NOISE,
        rho=0.0,
        loss="l2",
        learning_rate=5.0,
        steps=200,
        batch=16,
        seed=1,
        record_every=1,
    )
    assert run.status == "blow-up" and run.status.time > 0
    assert (
        len(run.t) == len(run.W) >= 1
        and np.all(np.isfinite(run.W))
        and np.all(np.isfinite(run.features(np.ones((2, 6)))))
    )


def test_a_start_without_features_is_refused():
    encoder = linear_encoder(6, 3, seed=0)
    with pytest.raises(ValueError, match="its loss is not finite at the start"):
        train_deep(encoder, lambda n, rng: np.zeros((n, 6)), Augmentation(), rho=0.0, steps=2, batch=4, seed=0)


OPTIONS = dict(rho=0.1, batch=16, seed=1, momentum=0.5, record_every=5)


def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path):
    whole = train_deep(mlp_encoder(6, 3, seed=0, width=8), gaussian, NOISE, steps=40, **OPTIONS)
    calls = []

    def interrupted(n, rng):
        calls.append(n)
        if len(calls) == 24:
            raise KeyboardInterrupt
        return gaussian(n, rng)

    file = tmp_path / "deep" / "run.checkpoint"
    encoder = mlp_encoder(6, 3, seed=0, width=8)
    first = train_deep(encoder, interrupted, NOISE, steps=40, checkpoint=file, **OPTIONS)
    assert first.status == "interrupted" and first.step[-1] == 20
    second = train_deep(encoder, gaussian, NOISE, steps=40, checkpoint=file, **OPTIONS)
    assert second.status == "ok" and np.array_equal(second.step, whole.step)
    assert np.array_equal(second.W, whole.W) and np.array_equal(second.covariance, whole.covariance)
    # A finished run is not repeated, and can be prolonged.
    assert np.array_equal(train_deep(encoder, gaussian, NOISE, steps=40, checkpoint=file, **OPTIONS).W, whole.W)
    assert train_deep(encoder, gaussian, NOISE, steps=50, checkpoint=file, **OPTIONS).step[-1] == 50


def test_interruption_before_the_first_record_keeps_nothing(monkeypatch):
    def never(n, rng):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_deep(linear_encoder(6, 3, seed=0), never, NOISE, steps=4, **OPTIONS)


def test_checkpoints_of_other_runs_and_other_files_are_refused(tmp_path):
    file, encoder = tmp_path / "run", linear_encoder(6, 3, seed=0)
    train_deep(encoder, gaussian, NOISE, steps=4, checkpoint=file, **OPTIONS)
    with pytest.raises(ValueError, match="belongs to a run with another rho, seed"):
        train_deep(encoder, gaussian, NOISE, steps=4, checkpoint=file, **{**OPTIONS, "rho": 0.2, "seed": 2})
    others = (
        dict(encoder=linear_encoder(6, 3, seed=9)),
        dict(augmentation=Augmentation(noise=1.0)),
        dict(source=shifted),
    )
    for other in others:
        changed = {"encoder": encoder, "source": gaussian, "augmentation": NOISE, **other}
        with pytest.raises(ValueError, match="another start, source or augmentation"):
            train_deep(**changed, steps=4, checkpoint=file, **OPTIONS)
    with pytest.raises(ValueError, match=r"steps=3: the checkpoint .* has 4 already"):
        train_deep(encoder, gaussian, NOISE, steps=3, checkpoint=file, **OPTIONS)
    whole = file.read_bytes()
    for place in range(100, len(whole), 97):  # damaged anywhere: read as it was, or refused
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        with contextlib.suppress(ValueError):
            assert train_deep(encoder, gaussian, NOISE, steps=4, checkpoint=file, **OPTIONS).step[-1] == 4
    file.write_text("something else")
    with pytest.raises(ValueError, match="is not a checkpoint"):
        train_deep(encoder, gaussian, NOISE, steps=4, checkpoint=file, **OPTIONS)


def test_a_file_that_cannot_be_written_costs_no_run(tmp_path):
    (tmp_path / "file").write_text("")
    drawn = []

    def counted(n, rng):
        drawn.append(n)
        return gaussian(n, rng)

    with pytest.raises(OSError, match="file"):
        train_deep(
            linear_encoder(6, 3, seed=0), counted, NOISE, steps=50, checkpoint=tmp_path / "file" / "run", **OPTIONS
        )
    assert len(drawn) == 1, "no step was taken"


def test_a_run_that_blew_up_is_resumed_from_sound_weights(tmp_path):
    options = dict(
        rho=0.0, loss="l2", learning_rate=5.0, steps=200, batch=16, seed=1, record_every=7, checkpoint_every=1
    )
    encoder = linear_encoder(6, 3, seed=0, scale=30.0)
    for _ in range(2):
        run = train_deep(encoder, gaussian, NOISE, checkpoint=tmp_path / "run", **options)
        assert run.status == "blow-up" and np.all(np.isfinite(run.encoder.last))


def test_sources_that_draw_something_else_are_named():
    encoder = linear_encoder(6, 3, seed=0)
    for draw in (
        lambda n, rng: np.zeros((n + 3, 6)),
        lambda n, rng: np.zeros(n),
        lambda n, rng: np.full((n, 6), np.nan),
        lambda n, rng: np.zeros((n, 5)),
        lambda n, rng: None,
        lambda n, rng: np.zeros((n, 6), complex),
    ):
        with pytest.raises(ValueError, match="source"):
            train_deep(encoder, draw, NOISE, steps=2, **OPTIONS)
    with pytest.raises(ValueError, match="to shift or mirror"):
        train_deep(encoder, gaussian, Augmentation(shift=1), steps=2, **OPTIONS)
    with pytest.raises(ValueError, match="batch=1"):
        train_deep(encoder, gaussian, NOISE, steps=2, **{**OPTIONS, "batch": 1})


def experiment(out, *more):
    command = [
        sys.executable,
        str(ROOT / "experiments" / "images.py"),
        "--data",
        "digits",
        "--encoder",
        "mlp",
        "--width",
        "8",
    ]
    command += [
        "--features",
        "4",
        "--steps",
        "2000",
        "--batch",
        "8",
        "--losses",
        "cosine",
        "--decays",
        "0.01",
        "--seeds",
        "0",
    ]
    command += ["--shift", "1", "--checkpoint-every", "20", "--out", str(out), *more]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "TQDM_DISABLE": "1"}
    )


def test_the_full_size_experiment_survives_being_killed(tmp_path):
    """SIGKILL in the middle of a run; started again, it ends with the same numbers as one that was left alone."""
    killed = experiment(tmp_path / "killed")
    checkpoint = tmp_path / "killed" / "digits-mlp-cosine-0.01-0.checkpoint"
    waited = time.monotonic()
    while not checkpoint.exists():
        assert killed.poll() is None and time.monotonic() - waited < 120, killed.stdout.read()
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed" / "results.jsonl").exists()
    alone = experiment(tmp_path / "alone")
    output, _ = alone.communicate(timeout=240)
    assert alone.returncode == 0 and "accuracy" in output, output
    again = experiment(tmp_path / "killed")
    output, _ = again.communicate(timeout=240)
    assert again.returncode == 0, output
    # With other numbers nothing is mixed.
    other = experiment(tmp_path / "killed", "--noise", "1.5")
    output, _ = other.communicate(timeout=240)
    assert other.returncode != 0 and "another noise" in output and "Traceback" not in output
    lines = [(tmp_path / name / "results.jsonl").read_text() for name in ("alone", "killed")]
    assert lines[0] == lines[1]
    # A third time there is nothing left to do.
    third = experiment(tmp_path / "killed")
    third.communicate(timeout=240)
    assert (tmp_path / "killed" / "results.jsonl").read_text() == lines[1]


def test_the_experiment_says_where_data_are_missing(tmp_path):
    for more, words in (
        (["--data", "cifar10"], "needs --folder"),
        (["--data", "folder", "--folder", str(tmp_path)], "no folder 'train'"),
    ):
        run = experiment(tmp_path / "out", *more)
        output, _ = run.communicate(timeout=120)
        assert run.returncode != 0 and words in output and "Traceback" not in output


def test_images_source_draws_from_all(rng):
    drawn = images_source(np.arange(10)[:, None])(1000, rng)
    assert set(drawn.ravel()) == set(range(10))


def test_moments_of_views_are_signal_and_noise(rng):
    # A factor exp(a) of both views, and noise on each: cross moments E[e^a]^2 S, total E[e^2a] S plus the noise.
    x = rng.standard_normal((50_000, 3)) * [1.0, 2.0, 0.5]
    total, cross = view_moments(Augmentation(brightness=0.3, noise=0.5), x, seed=0, copies=1)
    S = np.diag([1.0, 4.0, 0.25])
    assert (
        np.abs(cross - np.exp(0.09) * S).max() < 0.12
        and np.abs(total - np.exp(0.18) * S - 0.25 * np.eye(3)).max() < 0.12
    )
    np.testing.assert_array_equal(cross, cross.T)
