"""Public functions check their arguments once; what is called at each step of a flow or of training checks none."""

import inspect

import numpy as np
import pytest

from ncl_lib import (
    CosineMatrices,
    CosineModes,
    L2Matrices,
    L2Modes,
    LinearNetwork,
    Norms,
    Setting,
    SixthOrderFlow,
    ThirdOrderFlow,
    _checks,
    losses,
    settled_modes,
    train,
)
from ncl_lib.features import FeatureMatrices, FeatureModes

SETTING = Setting(0.5, 0.1)
NORMS = Norms(2.0, 1.0, 0.5)
W, F = np.array([[0.5, 0.2], [-0.1, 0.4]]), np.diag([1.0, 0.6])


def modes(model):
    return lambda end: model.solve([0.3, 0.5], [0.3, 0.2], [0.0, end])


def matrices(model):
    return lambda end: model.solve(W, F, [0.0, end])


def training(**options):
    start = LinearNetwork.random(4, 2, np.random.default_rng(0))
    return lambda end: train(start, SETTING, steps=int(10 * end), batch=8, rng=np.random.default_rng(0), **options)


LOOPS = {
    "third order": lambda end: ThirdOrderFlow(SETTING).solve(0.5, [0.0, end]),
    "sixth order": lambda end: SixthOrderFlow(SETTING, NORMS).solve(0.5, [0.0, end]),
    "L2 modes": modes(L2Modes(SETTING)),
    "L2 matrices": matrices(L2Matrices(SETTING)),
    "frozen norms": modes(CosineModes(SETTING, "sixth-order", norms=NORMS)),
    **{f"{c} modes": modes(CosineModes(SETTING, c)) for c in ("exact", "leading", "sixth-order", "corrected")},
    **{f"{c} matrices": matrices(CosineMatrices(SETTING, c)) for c in ("exact", "leading", "sixth-order")},
    **{
        f"features, {loss}": lambda end, loss=loss: FeatureModes(SETTING, loss=loss).solve([0.1, 0.5], [0.0, end])
        for loss in ("l2", "iso", "cosine")
    },
    "vicreg": lambda end: FeatureMatrices.vicreg(SETTING).solve(F, [0.0, end]),
    "barlow twins": lambda end: FeatureMatrices.barlow_twins(SETTING).solve(F + 0.1, [0.0, end]),
    **{
        f"train, {loss.name}": training(loss=loss)
        for loss in (losses.L2, losses.COSINE, losses.ISO, losses.barlow_twins(), losses.vicreg(), losses.swav())
    },
    "train, moving average": training(target_momentum=0.9),
    "train, head of features": training(head=losses.FeatureHead(0.5)),
    "train, moments": training(moments=True),
    "train, heavy ball": training(momentum=0.9),
    "train, AdamW": training(optimiser="adamw"),
}


@pytest.fixture
def counted(monkeypatch):
    """How often a function of `_checks` has been called."""
    calls = []
    for name, check in inspect.getmembers(_checks, inspect.isfunction):

        def counting(*args, check=check, **kwargs):
            calls.append(check.__name__)
            return check(*args, **kwargs)

        monkeypatch.setattr(_checks, name, counting)
    return calls


@pytest.mark.parametrize("name", LOOPS)
def test_checks_do_not_grow_with_the_length_of_a_run(name, counted):
    numbers = []
    for end in (0.5, 5.0):
        counted.clear()
        assert LOOPS[name](end).status in ("ok", "singular")
        numbers.append(len(counted))
    assert numbers[0] == numbers[1] > 0, counted


def test_water_is_filled_with_as_many_checks_whatever_it_follows(counted):
    numbers = []
    for w in ([0.5, 0.1, -0.4], [-0.5, -0.1, -0.4]):  # the second has nobody able to live, and a flow is followed
        counted.clear()
        settled_modes(w, [0.2, 0.008, 0.1], SETTING)
        numbers.append(len(counted))
    assert max(numbers) < 80
