"""The training panel, driven through its widgets as a reader drives it."""

import html
import time

import numpy as np
import pytest

from ncl_lib import LinearNetwork, Setting, train
from ncl_lib.widgets import TrainingPanel, training
from ncl_lib.widgets._image import PICTURES

SMALL = dict(d=8, h=3, batch=16, steps=200)


def press(button):
    button.click()  # what the front end sends


@pytest.fixture
def not_rendered(monkeypatch):
    """Figures are made, but not as pixels, which takes longer than the training; for tests that look at none."""
    monkeypatch.setattr(training, "image", lambda figure, alt, kind: f'<img alt="{html.escape(alt)}">')


def test_start_trains_with_the_values_of_the_form():
    panel = TrainingPanel(**SMALL)
    panel.controls["loss"].value = "l2"
    panel.controls["rho"].value = 0.4
    press(panel.start_button)
    panel.wait()
    assert panel.run.setting == Setting(0.5, 0.4)
    assert panel.run.W.shape[1:] == (3, 3) and panel.run.status == "ok"
    assert panel.progress.value == panel.progress.max
    assert "L2 loss at time 4.00" in panel.message.value
    assert "<img" in panel.picture.value and "alt=" in panel.picture.value


def test_run_is_one_run(not_rendered):
    """Parts laid end to end: times go on, weights are continuous, and the laws of the loss hold across seams."""
    panel = TrainingPanel(loss="cosine", rho=0.0, sigma2=0.5, learning_rate=1e-4, **SMALL)
    press(panel.start_button)
    panel.wait()
    run = panel.run
    assert np.all(np.diff(run.t) > 0) and run.t[-1] == pytest.approx(200e-4)
    # Without decay the cosine loss leaves |W| and |Phi| alone, up to the square of the step.
    for norm in (np.sum(run.W**2, axis=(1, 2)), np.trace(run.F, axis1=1, axis2=2)):
        assert np.ptp(norm) / norm[0] < 1e-4
    assert np.array_equal(run.network.F, run.F[-1])


def test_same_seed_same_run(not_rendered):
    runs = []
    for seed in (3, 3, 4):
        panel = TrainingPanel(seed=seed, **SMALL)
        press(panel.start_button)
        panel.wait()
        runs.append(panel.run.W)
    assert np.array_equal(runs[0], runs[1]) and not np.array_equal(runs[0], runs[2])


def test_starts_where_the_library_starts(not_rendered):
    panel = TrainingPanel(seed=5, **SMALL)
    press(panel.start_button)
    panel.wait()
    start = LinearNetwork.random(8, 3, np.random.default_rng(5))
    assert np.array_equal(panel.run.W[0], start.W) and np.allclose(panel.run.F[0], start.F)


def test_stop_keeps_what_there_is_and_values_can_be_changed():
    panel = TrainingPanel(d=32, h=8, batch=128, steps=100_000)
    press(panel.start_button)
    assert panel.start_button.disabled and not panel.stop_button.disabled
    assert all(control.disabled for control in panel.controls.values())
    press(panel.start_button)  # a second start changes nothing
    deadline = time.monotonic() + 60
    while panel.run is None and time.monotonic() < deadline:
        time.sleep(0.01)
    press(panel.stop_button)
    panel.wait()
    assert panel.run.status == "interrupted" and panel.run.status.time == panel.run.t[-1] > 0
    assert "ended early: interrupted" in panel.message.value
    assert 0 < panel.progress.value < panel.progress.max
    assert not panel.start_button.disabled and panel.stop_button.disabled
    assert not any(control.disabled for control in panel.controls.values())
    for name, value in dict(steps=100, h=2).items():
        panel.controls[name].value = value
    press(panel.start_button)
    panel.wait()
    assert panel.run.status == "ok" and panel.run.W.shape[1:] == (2, 2)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("rho", -0.1, "rho=-0.1"),
        ("sigma2", float("nan"), "sigma2=nan"),
        ("sigma2", -1.0, "sigma2=-1.0"),
        ("d", 0, "d=0"),
        ("d", 4096, "d=4096: must be <= 2048"),
        ("h", 9, "h=9: must be <= d=8"),
        ("h", 0, "h=0"),
        ("learning_rate", 0.0, "learning_rate=0.0"),
        ("learning_rate", -1.0, "learning_rate=-1.0"),
        ("batch", 0, "batch=0"),
        ("steps", 10, "steps=10: must be >= 50"),
        ("seed", -1, "seed=-1"),
    ],
)
def test_a_bad_value_is_named_and_nothing_starts(not_rendered, name, value, says):
    panel = TrainingPanel(**SMALL)
    panel.controls[name].value = value
    press(panel.start_button)
    assert 'role="alert"' in panel.message.value and says in html.unescape(panel.message.value)
    assert panel.run is None and not panel.start_button.disabled
    # And after putting it right it starts.
    panel.controls[name].value = (SMALL | dict(rho=0.1, sigma2=0.5, learning_rate=0.01, seed=0))[name]
    press(panel.start_button)
    panel.wait()
    assert panel.run.status == "ok" and "alert" not in panel.message.value


def test_blow_up_is_said():
    panel = TrainingPanel(loss="l2", rho=0.0, learning_rate=5.0, **SMALL)
    press(panel.start_button)
    panel.wait()
    assert panel.run.status == "blow-up" and "ended early: blow-up" in panel.message.value
    assert 0 <= panel.run.status.time < 1000 and np.all(np.isfinite(panel.run.W))
    alone = train(
        LinearNetwork.random(8, 3, np.random.default_rng(0)),
        Setting(0.5, 0.0),
        learning_rate=5.0,
        steps=200,
        batch=16,
        rng=np.random.default_rng(1),
    )
    assert alone.status == "blow-up"


@pytest.mark.parametrize("values", [dict(loss="l2", learning_rate=0.5, rho=2.0), dict(learning_rate=1.0, rho=1.0)])
def test_features_that_vanish_altogether_are_said(values):
    panel = TrainingPanel(**{**SMALL, "steps": 100}, **values)
    press(panel.start_button)
    panel.wait()
    told = html.unescape(panel.message.value)
    assert 'role="alert"' in told and ("must be > 0" in told or "is 0" in told)
    assert not panel.start_button.disabled and np.all(np.isfinite(panel.run.W))


def test_unknown_parameter_is_named():
    with pytest.raises(TypeError, match="width"):
        TrainingPanel(width=3)


def test_page_without_a_kernel_gets_a_picture(monkeypatch):
    monkeypatch.setenv(PICTURES, "1")
    data = TrainingPanel(**SMALL)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "With a kernel" in data["text/html"] and "<img" in data["text/html"]


def test_a_panel_in_a_kernel_trains_only_when_asked(monkeypatch):
    monkeypatch.delenv(PICTURES, raising=False)
    monkeypatch.setattr(training, "train", lambda *_, **__: pytest.fail("trained, and nobody had asked"))
    panel = TrainingPanel(**SMALL)
    data = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "With a kernel" in data["text/html"] and "<img" not in data["text/html"]
    assert panel.run is None
