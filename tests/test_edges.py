"""The library at its edges: what is sent to other processes, what breaks off, and what is refused in words."""

import json
import pickle
import sys
import tracemalloc
import types

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scripts import script

from ncl_lib import (
    CosineModes,
    LinearNetwork,
    Setting,
    ThirdOrderFlow,
    cosine_matrices,
    cosine_modes,
    losses,
    plots,
    sweep,
    train,
)
from ncl_lib.features import FeatureMatrices, FeatureModes
from ncl_lib.images import linear_probe
from ncl_lib.sweeps import processes
from ncl_lib.views import Views
from ncl_lib.widgets import Clock, PhaseDiagram, PhaseLine, RegimeShift, SGDAtRest, Survival

SETTING = Setting(0.5, 0.1)
EVERY_LOSS = [losses.L2, losses.COSINE, losses.ISO, losses.barlow_twins(), losses.vicreg(), losses.swav()]


def start(seed=0, d=6, h=3):
    return LinearNetwork.random(d, h, np.random.default_rng(seed))


def final_features(loss, seed):
    run = train(start(), SETTING, loss=loss, steps=5, batch=16, rng=np.random.default_rng(seed))
    return run.F[-1]


# ---- Other processes ----


@pytest.mark.parametrize("loss", EVERY_LOSS, ids=lambda loss: loss.name)
def test_losses_survive_the_way_to_another_process(loss):
    there = pickle.loads(pickle.dumps(loss))
    np.testing.assert_array_equal(final_features(there, 1), final_features(loss, 1))


def test_losses_are_swept_in_processes():
    points = [{"loss": loss, "seed": 1} for loss in EVERY_LOSS]
    with processes(2) as pool:
        outcomes = sweep(final_features, points, executor=pool)
    for point, outcome in zip(points, outcomes, strict=True):
        assert outcome.error is None, (point["loss"].name, outcome.error)
        np.testing.assert_allclose(outcome.value, final_features(**point), rtol=1e-12)


@pytest.mark.parametrize("law", [FeatureMatrices.vicreg(SETTING), FeatureMatrices.barlow_twins(SETTING)])
def test_laws_of_features_survive_the_way_to_another_process(law):
    F = np.array([[1.0, 0.3], [0.3, 0.5]])
    there = pickle.loads(pickle.dumps(law))
    np.testing.assert_array_equal(there.velocity(F), law.velocity(F))
    np.testing.assert_array_equal(there.solve(F, [0.0, 1.0]).F, law.solve(F, [0.0, 1.0]).F)


def leave(seed):
    if seed == 1:
        sys.exit("this point gives up")
    return seed


def test_a_point_that_leaves_the_interpreter_costs_only_itself():
    points = [{"seed": k} for k in range(3)]
    with processes(2) as pool:
        for outcomes in (sweep(leave, points), sweep(leave, points, executor=pool)):
            assert [outcome.value for outcome in outcomes] == [0, None, 2]
            assert isinstance(outcomes[1].error, SystemExit)


# ---- Runs that break off ----


def test_a_decay_that_throws_weights_about_is_a_blow_up():
    run = train(
        start(), Setting(0.5, 5.0), loss="cosine", learning_rate=1.0, steps=1000, batch=8, rng=np.random.default_rng(0)
    )
    assert run.status == "blow-up" and np.all(np.isfinite(run.F))


@pytest.mark.parametrize("push", [1, 3])
def test_a_push_that_is_not_a_number_keeps_what_was_reached(push):
    calls = []

    def pushes(u, v, W):
        calls.append(None)
        value, *on = losses.L2.pushes(u, v, W)
        if len(calls) > 30:
            on[push - 1] = np.full_like(on[push - 1], np.nan)
        return value, *on

    loss = losses.Loss("breaks", pushes)
    run = train(start(), SETTING, loss=loss, steps=100, batch=8, rng=np.random.default_rng(0), learning_rate=0.1)
    assert run.status == "blow-up" and run.status.time == pytest.approx(3.0)
    assert run.t[-1] == pytest.approx(3.0) and np.all(np.isfinite(run.W)) and np.all(np.isfinite(run.network.Phi))


@pytest.mark.parametrize("loss", ["l2", "iso"])
def test_features_that_are_nowhere_stay_nowhere(loss):
    run = FeatureModes(SETTING, loss=loss).solve([0.0, 0.0], [0.0, 1.0])
    assert run.status == "ok" and run.f.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_records_take_their_own_memory_once(monkeypatch):
    network = LinearNetwork.random(64, 64, np.random.default_rng(0))
    tracemalloc.start()
    run = train(network, SETTING, steps=200, batch=4, rng=np.random.default_rng(0), record_every=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(run.t) == 201 and peak < 1.3 * (run.W.nbytes + run.F.nbytes)


def test_the_narrow_draw_is_taken_where_it_pays():
    # Of many samples h numbers each, of few all d, rather than a factor of an h x h matrix; and both are the same law.
    shapes = {
        batch: Views(SETTING, batch, 64, 128, np.random.default_rng(0), whole=False).xi.shape[1] for batch in (2, 2000)
    }
    assert shapes == {2: 128, 2000: 64}
    Phi = np.random.default_rng(1).standard_normal((2, 6))
    for whole in (True, False):
        views = Views(SETTING, 40_000, 2, 6, np.random.default_rng(2), whole=whole)
        _, u, v, _ = views.sample(Phi, Phi)
        for sampled, exact in ((u.T @ u, 1.5), (v.T @ v, 1.5), (v.T @ u, 1.0)):
            spread = 1.5 * np.max(np.diag(Phi @ Phi.T)) * np.sqrt(2 / len(u))
            np.testing.assert_allclose(sampled / len(u), exact * Phi @ Phi.T, atol=5 * spread)


# ---- Refused in words ----


@pytest.mark.parametrize("error", ["no", 1, None])
def test_error_is_yes_or_no(error):
    with pytest.raises(TypeError, match=r"^error="):
        cosine_modes([0.5, 0.3], [1.0, 1.0], SETTING, error=error)
    with pytest.raises(TypeError, match=r"^error="):
        cosine_matrices(np.eye(2), np.eye(2), SETTING, error=error)


@pytest.mark.parametrize("progress", ["no", 1, []])
def test_progress_is_yes_or_no(progress):
    with pytest.raises(TypeError, match=r"^progress="):
        train(start(), SETTING, steps=1, batch=2, rng=np.random.default_rng(0), progress=progress)
    with pytest.raises(TypeError, match=r"^progress="):
        sweep(leave, [{"seed": 0}], progress=progress)


@pytest.mark.parametrize("make", [lambda x: x + 0j, lambda x: x.astype(str), lambda x: x.astype(object)])
def test_data_are_real_numbers(make):
    with pytest.raises(ValueError, match=r"^data: drew .*; expected real numbers"):
        train(
            start(),
            SETTING,
            steps=1,
            batch=2,
            rng=np.random.default_rng(0),
            data=lambda n, rng: make(rng.standard_normal((n, 6))),
        )


def test_labels_are_labels(rng):
    x = rng.standard_normal((4, 2))
    with pytest.raises(ValueError, match=r"^labels: has entries that are nan"):
        linear_probe(x, [0.0, np.nan, 1.0, 1.0], x, [0, 1, 0, 1])
    with pytest.raises(ValueError, match=r"^test_labels: has shape \(4, 1\)"):
        linear_probe(x, [0, 1, 0, 1], x, [[0], [1], [0], [1]])
    assert 0 <= linear_probe(x, ["a", "b", "a", "b"], x, ["a", "b", "a", "b"]) <= 1


@pytest.mark.parametrize("figure", [Clock, PhaseDiagram, PhaseLine, RegimeShift, SGDAtRest, Survival])
def test_explorables_know_their_parameters(figure):
    with pytest.raises(TypeError, match=r"^rhoo: no such parameter; there are "):
        figure(rhoo=1)


def test_the_augmentation_is_blamed_for_what_it_makes():
    deep = pytest.importorskip("ncl_lib.deep")
    encoder, source = deep.linear_encoder(6, 3, seed=0), lambda n, rng: rng.standard_normal((n, 6))
    options = dict(rho=0.1, steps=1, batch=4, seed=0)
    for augmentation, said in (
        (lambda key, x: x[:, :5], r"^augmentation: made of data of \(6,\) views of shape \(5,\)"),
        (lambda key, x: x[1:], r"^augmentation: made shape"),
        (lambda key, x: x * np.nan, r"^augmentation: made entries that are nan"),
    ):
        with pytest.raises(ValueError, match=said):
            deep.train_deep(encoder, source, augmentation, **options)
    with pytest.raises(ValueError, match=r"^source: drew data of shape \(5,\)"):
        deep.train_deep(encoder, lambda n, rng: rng.standard_normal((n, 5)), lambda key, x: x, **options)


RUN = CosineModes(SETTING).solve([0.3, 0.5], [0.1, 0.3], [0.0, 1.0])
LINE = ThirdOrderFlow(SETTING)
BROKEN = {
    "velocity_curves": lambda: plots.velocity_curves([LINE], labels=["a", "b"], w=[0.0, 1.0]),
    "bifurcation_diagram": lambda: plots.bifurcation_diagram(SETTING, decays="no"),
    "line_trajectories": lambda: plots.line_trajectories(LINE.solve(0.5, [0.0, 1.0]), flow="no"),
    "phase_plane": lambda: plots.phase_plane(None),
    "basins": lambda: plots.basins(None),
    "mode_trajectories": lambda: plots.mode_trajectories([0.0, 1.0], np.zeros((3, 2))),
    "alignment_of_matrices": lambda: plots.alignment_of_matrices([None], ["a"]),
    "feature_sizes": lambda: plots.feature_sizes({"a": None}),
    "matrices": lambda: plots.matrices([np.eye(2), "no"], ["a", "b"]),
    "norm_histograms": lambda: plots.norm_histograms({"a": ["no"]}),
    "scaling": lambda: plots.scaling([1.0, 2.0], [1.0], [1.0, 1.0], -1),
    "curves": lambda: plots.curves({"a": ([1.0, 2.0], [1.0, 2.0, 3.0])}, "x", "y"),
    "phase_diagram": lambda: plots.phase_diagram(paths={"a": "no"}),
    "regime_shift": lambda: plots.regime_shift(RUN, 0, norms="no"),
    "loss_fields": lambda: plots.loss_fields(target=(0.0, 0.0)),
    "fates": lambda: plots.fates([0.5, 0.3], [0.1, 0.2], [True]),
    "rest_map": lambda: plots.rest_map(SETTING, 9, 4),
    "water": lambda: plots.water([0.5, 0.3], [0.1, 0.2, 0.3], SETTING),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_plot_that_raises_leaves_no_figure_open(name):
    plt.close("all")
    mine = plt.figure()
    with pytest.raises((ValueError, TypeError, AttributeError)):
        BROKEN[name]()
    assert plt.get_fignums() == [mine.number]
    plt.close("all")


# ---- The long script ----


def test_the_script_says_what_is_damaged(tmp_path, capsys):
    images = script("experiments/images.py")
    table, options = tmp_path / "results.jsonl", tmp_path / "options.json"
    assert images.finished(table) == []
    table.write_text('{"a": 1}\n{"a": 2}\n{"a": ')
    assert images.finished(table) == [{"a": 1}, {"a": 2}] and "cut off" in capsys.readouterr().out
    assert table.read_text() == '{"a": 1}\n{"a": 2}\n'
    table.write_text('{"a": \n{"a": 2}\n')
    with pytest.raises(SystemExit, match="line 1 is damaged"):
        images.finished(table)
    choices = types.SimpleNamespace(out=tmp_path, batch=4)
    options.write_text("")
    with pytest.raises(SystemExit, match=r"options\.json: is damaged"):
        images.remember(choices)
    options.unlink()
    images.remember(choices)
    assert json.loads(options.read_text()) == {"batch": 4} and not list(tmp_path.glob("*.partial"))
    with pytest.raises(SystemExit, match="another batch"):
        images.remember(types.SimpleNamespace(out=tmp_path, batch=5))
