"""Bad input to every public function: ValueError or TypeError that names the argument."""

import inspect
from decimal import Decimal
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import ncl_lib
from ncl_lib import (
    CosineMatrices,
    CosineModes,
    L2Encoders,
    L2Matrices,
    L2Modes,
    LinearNetwork,
    Norms,
    Outcome,
    Setting,
    SixthOrderFlow,
    ThirdOrderFlow,
    UnequalDecays,
    alignment,
    asymmetry,
    balance,
    classify,
    clock,
    collapse,
    commutator,
    cosine_matrices,
    cosine_modes,
    critical_ratio,
    data,
    deep,
    eigenmodes,
    features,
    gradient_error,
    grid,
    images,
    invasion_threshold,
    losses,
    noise,
    norm_spread,
    participation_ratio,
    plots,
    processes,
    regimes_of,
    relative_error,
    sampled_matrices,
    sampled_modes,
    sampled_pushes,
    settled_modes,
    summarise,
    surviving_modes,
    sweep,
    table,
    time_of,
    train,
    travel_time,
    universal_coordinates,
    violations,
)
from ncl_lib.images import Images

SETTING = Setting(0.5, 0.05)
FLOW, MODES, MATRICES = ThirdOrderFlow(SETTING), L2Modes(SETTING), L2Matrices(SETTING)
EYE, TIMES = np.eye(2), [0.0, 1.0]
NORMS = Norms(1.0, 1.0, 1.0)
START = LinearNetwork(np.eye(2, 3), EYE)
CLASSES = data.LatentClasses([1.0, 1.0], [1.0, 1.0])
VICREG = features.FeatureMatrices.vicreg(SETTING)


def fresh():
    return np.random.default_rng(0)


def deeply(**options):
    start = dict(
        encoder=deep.linear_encoder(2, 1, 0),
        source=lambda n, rng: np.ones((n, 2)),
        augmentation=deep.Augmentation(noise=1.0),
    )
    return deep.train_deep(**{**start, "rho": 0.1, "steps": 1, "batch": 2, "seed": 0, **options})


def files_or_type(load):
    """A loader whose missing files count as a bad value here."""

    def call(folder):
        try:
            return load(folder)
        except FileNotFoundError as error:
            raise ValueError(str(error)) from error

    return call


def training(**options):
    return train(**{"network": START, "setting": SETTING, "steps": 2, "rng": fresh(), **options})


def pushes(**options):
    return sampled_pushes(**{"network": START, "setting": SETTING, "batch": 4, "count": 2, "rng": fresh(), **options})


not_finite = st.sampled_from([np.nan, np.inf, -np.inf])
negative = st.floats(max_value=-1e-300, allow_nan=False)
not_numbers = st.sampled_from(
    ["0.1", None, 1j, [0.1], True, {}, Decimal("0.1"), np.ma.masked, 10**400, pd.Series([0.1])]
)
# What looks like numbers and is not, or would lose its meaning as such: drawn for every argument that is an array.
no_array = st.sampled_from(
    [
        np.ma.masked_array([1.0, 2.0], [0, 1]),
        np.ma.masked_array(np.eye(2), np.eye(2) > 0),
        sparse.eye(2),
        np.array([Fraction(1, 2), Decimal("0.5")], dtype=object),
        np.array([True, False]),
        np.eye(2) > 0,
        np.array([1 + 0j, 2.0]),
        [10**400, 1.0],
        [np.ones(2), np.ones(3)],
        pd.DataFrame({"a": [1.0], "b": ["x"]}),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
    ]
)
bad_decay = st.one_of(not_finite, negative, not_numbers)
bad_array = st.one_of(
    st.sampled_from([[], [np.nan, 1.0], [np.inf, 1.0], "ab", [None, 1.0], [1j, 1.0], [[1.0], [1.0, 2.0]]]), no_array
)
bad_matrix = st.one_of(
    st.sampled_from([np.ones((2, 3)), np.ones(2), [[np.nan, 0], [0, 1.0]], np.ones((0, 0)), "W", [[1j]]]), no_array
)
bad_features = st.one_of(bad_matrix, st.sampled_from([[[1.0, 2.0], [0.0, 1.0]], [[-1.0, 0.0], [0.0, 1.0]], np.eye(3)]))
bad_count = st.one_of(st.integers(max_value=0), st.sampled_from([1.5, "3", np.nan, True]))
bad_times = st.one_of(
    st.sampled_from([[], [0.0, 0.0], [1.0, 0.5], [0.0, np.nan], [[0.0, 1.0]], "t", [0.0, np.inf]]), no_array
)
bad_positive = st.one_of(st.just(0), bad_decay)
bad_tolerance = st.one_of(bad_positive, st.sampled_from([1e-13, 0.1]))
bad_target_ratio = bad_decay
bad_fraction = st.one_of(bad_decay.filter(lambda x: x is not None), st.sampled_from([1, 1.5]))

# argument it must name, strategy of bad values, call; one row an argument of every public callable


def resting(call):
    """Rows of the laws that take a width, inputs, a rate and a batch."""
    return [
        ("h", st.one_of(bad_count, st.just(9)), lambda x: call(SETTING, x, 8, 0.1, 16)),
        ("d", bad_count, lambda x: call(SETTING, 4, x, 0.1, 16)),
        ("learning_rate", bad_positive, lambda x: call(SETTING, 4, 4, x, 16)),
        ("batch", bad_count, lambda x: call(SETTING, 4, 4, 0.1, x)),
    ]


CASES = {
    "Setting": [
        ("sigma2", bad_decay, lambda x: Setting(x, 0.05)),
        ("rho", bad_decay, lambda x: Setting(0.5, x)),
        (
            "spectrum",
            st.one_of(not_finite, negative, st.sampled_from(["1", None, [], [1, -1.0], [[1.0]], [np.nan]])),
            lambda x: Setting(0.5, 0.05, x),
        ),
        ("spectrum", st.just(0.0), lambda x: Setting(0.0, 0.05, x)),
    ],
    "ThirdOrderFlow": [
        ("setting", st.sampled_from([None, 0.5, "s"]), ThirdOrderFlow),
        ("spectrum", st.just([1.0, 2.0]), lambda x: ThirdOrderFlow(Setting(0.5, 0.05, x))),
        ("target_ratio", bad_target_ratio, lambda x: ThirdOrderFlow(SETTING, x)),
        ("w", bad_array, FLOW.velocity),
        ("w", bad_array, FLOW.jacobian),
        ("w", bad_array, FLOW.regime),
        ("w0", bad_array, lambda x: FLOW.solve(x, [0.0, 1.0])),
        ("w0", st.just(EYE), lambda x: FLOW.solve(x, [0.0, 1.0])),
        ("times", bad_times, lambda x: FLOW.solve(0.5, x)),
        ("collapse_below", bad_positive, lambda x: FLOW.solve(0.5, [0.0, 1.0], x)),
        ("tolerance", bad_tolerance, lambda x: FLOW.solve(0.5, [0.0, 1.0], tolerance=x)),
    ],
    "SixthOrderFlow": [
        ("setting", st.sampled_from([None, 0.5]), lambda x: SixthOrderFlow(x, NORMS)),
        ("norms", st.sampled_from([None, 1.0, (1.0, 1.0, 1.0)]), lambda x: SixthOrderFlow(SETTING, x)),
        ("norms.phi", bad_positive, lambda x: SixthOrderFlow(SETTING, Norms(x, 1.0, 1.0))),
        ("norms.psi", bad_positive, lambda x: SixthOrderFlow(SETTING, Norms(1.0, x, 1.0))),
        ("norms.cross", st.one_of(not_finite, not_numbers), lambda x: SixthOrderFlow(SETTING, Norms(1.0, 1.0, x))),
        ("spectrum", st.sampled_from([0.0, [1.0, 2.0]]), lambda x: SixthOrderFlow(Setting(0.5, 0.05, x), NORMS)),
        ("w", bad_array, SixthOrderFlow(SETTING, NORMS).regime),
        ("w0", bad_array, lambda x: SixthOrderFlow(SETTING, NORMS).solve(x, [0.0, 1.0])),
    ],
    "critical_ratio": [("beta", bad_array, critical_ratio)],
    "classify": [
        ("scaled", bad_array, lambda x: classify(x, 0.0, 0.1)),
        ("beta", bad_array, lambda x: classify(0.5, x, 0.1)),
        ("ratio", st.one_of(bad_array, st.just([-0.1])), lambda x: classify(0.5, 0.0, x)),
        ("ratio", st.just([0.1, 0.2, 0.3]), lambda x: classify([0.1, 0.2], 0.0, x)),
    ],
    "travel_time": [
        ("flow", st.sampled_from([None, SETTING]), lambda x: travel_time(x, 0.1, 0.2)),
        ("w0", bad_array, lambda x: travel_time(FLOW, x, 0.2)),
        ("w", bad_array, lambda x: travel_time(FLOW, 0.1, x)),
    ],
    "Norms": [
        ("setting", st.sampled_from([None, 0.5]), lambda x: Norms.of_modes([1.0], [1.0], x)),
        ("setting", st.sampled_from([None, 0.5]), lambda x: Norms.of_matrices(EYE, EYE, x)),
        ("w", bad_array, lambda x: Norms.of_modes(x, [1.0, 1.0], SETTING)),
        ("f", bad_array, lambda x: Norms.of_modes([1.0, 1.0], x, SETTING)),
        ("f", st.just([-1.0, 1.0]), lambda x: Norms.of_modes([1.0, 1.0], x, SETTING)),
        ("W", bad_matrix, lambda x: Norms.of_matrices(x, EYE, SETTING)),
        ("F", bad_features, lambda x: Norms.of_matrices(EYE, x, SETTING)),
        ("spectrum", st.just([1.0, 2.0]), lambda x: Norms.of_matrices(EYE, EYE, Setting(0.5, 0.0, x))),
    ],
    "L2Modes": [
        ("setting", st.sampled_from([None, 0.5]), L2Modes),
        ("target_ratio", bad_target_ratio, lambda x: L2Modes(SETTING, x)),
        ("w", bad_array, lambda x: MODES.drive(x, [1.0, 1.0])),
        ("f", bad_array, lambda x: MODES.drive([1.0, 1.0], x)),
        ("f", st.sampled_from([[-1.0, 1.0], [1.0]]), lambda x: MODES.velocity([1.0, 1.0], x)),
        ("w", st.just(1.0), lambda x: MODES.velocity(x, x)),
        ("spectrum", st.just([1.0]), lambda x: L2Modes(Setting(0.5, 0.0, x)).drive([1.0, 1.0], [1.0, 1.0])),
        ("f", st.sampled_from([[-1.0, 1.0], [np.nan, 1.0], [1.0]]), lambda x: MODES.solve([1.0, 1.0], x, [0.0])),
        ("w0", st.just(EYE), lambda x: MODES.solve(x, EYE, [0.0])),
        ("times", bad_times, lambda x: MODES.solve([1.0], [1.0], x)),
        ("tolerance", bad_tolerance, lambda x: MODES.solve([1.0], [1.0], [0.0, 1.0], x)),
    ],
    "CosineModes": [
        ("setting", st.sampled_from([None, 0.5]), CosineModes),
        ("closure", st.sampled_from(["", "cubic", "Exact", None]), lambda x: CosineModes(SETTING, x)),
        ("norms", st.just(1.0), lambda x: CosineModes(SETTING, "leading", norms=x)),
        ("norms", st.sampled_from(["exact", "corrected"]), lambda x: CosineModes(SETTING, x, norms=NORMS)),
        ("w", bad_array, lambda x: CosineModes(SETTING).drive(x, [1.0, 1.0])),
        ("f", st.one_of(bad_array, st.just([-1.0, 1.0])), lambda x: CosineModes(SETTING).velocity([1.0, 1.0], x)),
        ("w0", st.just(EYE), lambda x: CosineModes(SETTING).solve(x, EYE, [0.0, 1.0])),
        ("times", bad_times, lambda x: CosineModes(SETTING).solve([1.0, 0.5], [1.0, 1.0], x)),
        ("tolerance", bad_tolerance, lambda x: CosineModes(SETTING).solve([1.0, 0.5], [1.0, 1.0], [0.0, 1.0], x)),
        ("times", st.just([0.0, 1e5]), lambda x: CosineModes(SETTING).solve([1.0, 0.5], [1.0, 1.0], x)),
    ],
    "CosineMatrices": [
        ("setting", st.sampled_from([None, 0.5]), CosineMatrices),
        ("spectrum", st.just([1.0, 2.0]), lambda x: CosineMatrices(Setting(0.5, 0.05, x))),
        ("closure", st.sampled_from(["", "corrected", None]), lambda x: CosineMatrices(SETTING, x)),
        ("W", bad_matrix, lambda x: CosineMatrices(SETTING).drive(x, EYE)),
        ("F", bad_features, lambda x: CosineMatrices(SETTING).velocity(EYE, x)),
        ("W0", bad_matrix, lambda x: CosineMatrices(SETTING).solve(x, EYE, [0.0, 1.0])),
        ("times", bad_times, lambda x: CosineMatrices(SETTING).solve(EYE, EYE, x)),
        ("tolerance", bad_tolerance, lambda x: CosineMatrices(SETTING).solve(EYE, EYE, [0.0, 1.0], x)),
    ],
    "surviving_modes": [
        ("w", bad_array, lambda x: surviving_modes(x, [1.0, 1.0], SETTING)),
        ("f", st.one_of(bad_array, st.just([-1.0, 1.0])), lambda x: surviving_modes([1.0, 1.0], x, SETTING)),
        ("w0", st.just(EYE), lambda x: surviving_modes(x, EYE, SETTING)),
        ("f0", st.just([0.0, 0.0]), lambda x: surviving_modes([1.0, 1.0], x, SETTING)),
        ("w0", st.just([0.0, 0.0]), lambda x: surviving_modes(x, [1.0, 1.0], SETTING)),
        ("setting", st.sampled_from([None, 0.5]), lambda x: surviving_modes([1.0], [1.0], x)),
    ],
    "settled_modes": [
        ("w", bad_array, lambda x: settled_modes(x, [1.0, 1.0], SETTING)),
        ("f", st.one_of(bad_array, st.just([-1.0, 1.0])), lambda x: settled_modes([1.0, 1.0], x, SETTING)),
        ("w0", st.just(EYE), lambda x: settled_modes(x, EYE, SETTING)),
        ("setting", st.sampled_from([None, 0.5]), lambda x: settled_modes([1.0], [1.0], x)),
    ],
    "universal_coordinates": [
        ("w", st.one_of(bad_array, st.just(1.0)), lambda x: universal_coordinates(x, NORMS, SETTING)),
        ("norms", st.sampled_from([None, 1.0]), lambda x: universal_coordinates([1.0], x, SETTING)),
        ("norms.phi", st.just([1.0]), lambda x: universal_coordinates([1.0], Norms(x, 1.0, 1.0), SETTING)),
        (
            "norms.psi",
            st.sampled_from([0.0, -1.0, np.nan]),
            lambda x: universal_coordinates([1.0], Norms(1.0, x, 1.0), SETTING),
        ),
        ("setting", st.sampled_from([None, 0.5]), lambda x: universal_coordinates([1.0], NORMS, x)),
        ("spectrum", st.just(0.0), lambda x: universal_coordinates([1.0], NORMS, Setting(0.5, 0.0, x))),
    ],
    "invasion_threshold": [
        ("n", bad_count, lambda x: invasion_threshold(x, SETTING)),
        ("setting", st.sampled_from([None, 0.5]), lambda x: invasion_threshold(3, x)),
        ("spectrum", st.sampled_from([0.0, [1.0, 2.0]]), lambda x: invasion_threshold(3, Setting(0.5, 0.0, x))),
    ],
    "sweep": [
        ("function", st.sampled_from([None, 1.0]), lambda x: sweep(x, [{}])),
        ("points", st.sampled_from([[], [None], [1.0]]), lambda x: sweep(dict, x)),
        ("executor", st.sampled_from([1, "pool"]), lambda x: sweep(dict, [{}], executor=x)),
    ],
    "grid": [
        ("rho", st.sampled_from([[], (), range(0)]), lambda x: grid(seed=[1], rho=x)),
        ("rho", st.sampled_from(["l2", b"l2", None, 0.5]), lambda x: grid(rho=x)),
        ("grid", st.just({}), lambda x: grid(**x)),
    ],
    "summarise": [
        ("outcomes", st.sampled_from([[], [0.5], [None]]), summarise),
        ("by", st.sampled_from(["rho", ("seed", "rho")]), lambda x: summarise(sweep(dict, [{"seed": 1}]), x)),
        ("by", st.just([1.0]), lambda x: summarise([Outcome({"rho": x}, 1.0)], "rho")),
        ("value", st.sampled_from([0.5, "rank"]), lambda x: summarise(sweep(dict, [{}]), value=x)),
    ],
    "table": [
        ("columns", st.sampled_from([None, {}, [1.0], {"a": [1], "b": [1, 2]}]), table),
        ("formats", st.sampled_from([{"b": ".1f"}, "b"]), lambda x: table({"a": [1.0]}, x)),
        ("digits", bad_count, lambda x: table({"a": [1.0]}, digits=x)),
    ],
    "L2Encoders": [
        ("setting", st.sampled_from([None, 0.5]), L2Encoders),
        ("head_decay", bad_decay.filter(lambda x: x is not None), lambda x: L2Encoders(SETTING, x)),
        ("target_rate", bad_positive.filter(lambda x: x is not None), lambda x: L2Encoders(SETTING, None, x)),
        ("Phi", bad_array, lambda x: L2Encoders(SETTING).velocity(x, [[1.0]])),
        ("W", bad_matrix, lambda x: L2Encoders(SETTING).velocity(np.eye(2, 3), x)),
        ("target", st.sampled_from([np.eye(2), "Phi"]), lambda x: L2Encoders(SETTING).velocity(np.eye(2, 3), EYE, x)),
        ("start", st.sampled_from([None, EYE]), lambda x: L2Encoders(SETTING).solve(x, [0.0, 1.0])),
        ("spectrum", st.just([1.0, 2.0]), lambda x: L2Encoders(Setting(0.5, 0.0, x)).solve(START, [0.0, 1.0])),
        ("times", bad_times, lambda x: L2Encoders(SETTING).solve(START, x)),
        ("tolerance", bad_tolerance, lambda x: L2Encoders(SETTING).solve(START, [0.0, 1.0], x)),
    ],
    "UnequalDecays": [
        ("modes", st.sampled_from([None, FLOW, SETTING]), lambda x: UnequalDecays(x, 0.1)),
        ("head_decay", bad_decay, lambda x: UnequalDecays(MODES, x)),
        ("w", bad_array, lambda x: UnequalDecays(MODES, 0.1).solve(x, [1.0, 1.0], [0.0, 1.0])),
        (
            "f",
            st.one_of(bad_array, st.just([-1.0, 1.0])),
            lambda x: UnequalDecays(MODES, 0.1).solve(EYE[0], x, TIMES),
        ),
        ("times", bad_times, lambda x: UnequalDecays(MODES, 0.1).solve([1.0], [1.0], x)),
        ("tolerance", bad_tolerance, lambda x: UnequalDecays(MODES, 0.1).solve([1.0], [1.0], [0.0, 1.0], x)),
    ],
    "relative_error": [
        ("value", bad_array, lambda x: relative_error(x, [1.0, 1.0])),
        ("reference", st.one_of(bad_array, st.just([0.0, 0.0])), lambda x: relative_error([1.0, 1.0], x)),
    ],
    "violations": [("run", st.sampled_from([None, 0.5, MODES]), violations)],
    "sampled_modes": [
        ("w", bad_array, lambda x: sampled_modes(x, [1.0, 1.0], SETTING, 40, fresh())),
        ("f", st.one_of(bad_array, st.just([-1.0, 1.0])), lambda x: sampled_modes([1.0, 1.0], x, SETTING, 40, fresh())),
        ("setting", st.sampled_from([None, 0.5]), lambda x: sampled_modes([1.0], [1.0], x, 40, fresh())),
        ("draws", st.one_of(bad_count, st.just(19)), lambda x: sampled_modes([1.0], [1.0], SETTING, x, fresh())),
        ("rng", st.sampled_from([None, 0]), lambda x: sampled_modes([1.0], [1.0], SETTING, 40, x)),
        ("data", st.just(1.0), lambda x: sampled_modes([1.0], [1.0], SETTING, 40, fresh(), data=x)),
        (
            "loss",
            st.sampled_from(["mse", None, losses.vicreg()]),
            lambda x: sampled_modes([1.0], [1.0], SETTING, 40, fresh(), loss=x),
        ),
    ],
    "sampled_matrices": [
        ("network", st.sampled_from([None, EYE]), lambda x: sampled_matrices(x, SETTING, 40, fresh())),
        ("setting", st.sampled_from([None, 0.5]), lambda x: sampled_matrices(START, x, 40, fresh())),
        ("spectrum", st.just(Setting(0.5, 0.0, [1.0, 2.0])), lambda x: sampled_matrices(START, x, 40, fresh())),
        ("draws", st.one_of(bad_count, st.just(19)), lambda x: sampled_matrices(START, SETTING, x, fresh())),
    ],
    "gradient_error": [
        ("loss", st.sampled_from([None, "l2"]), lambda x: gradient_error(x, fresh())),
        ("rng", st.sampled_from([None, 0]), lambda x: gradient_error(losses.L2, x)),
        ("n", bad_count, lambda x: gradient_error(losses.L2, fresh(), n=x)),
        ("h", bad_count, lambda x: gradient_error(losses.L2, fresh(), h=x)),
        ("step", bad_positive, lambda x: gradient_error(losses.L2, fresh(), step=x)),
    ],
    "sampled_pushes": [
        ("network", st.sampled_from([None, EYE]), lambda x: pushes(network=x)),
        ("batch", bad_count, lambda x: pushes(batch=x)),
        ("count", bad_count, lambda x: pushes(count=x)),
        ("loss", st.sampled_from(["mse", losses.vicreg()]), lambda x: pushes(loss=x)),
    ],
    "processes": [("count", bad_count, processes)],
    "clock": [
        ("times", bad_times, lambda x: clock(x, 0.1)),
        ("rho", bad_decay, lambda x: clock([0.0, 1.0], x)),
    ],
    "time_of": [
        ("tau", st.one_of(bad_array, st.just([0.0, -1.0])), lambda x: time_of(x, 0.1)),
        ("rho", bad_decay, lambda x: time_of(1.0, x)),
    ],
    "regimes_of": [
        ("w", bad_array, lambda x: regimes_of(x, Norms(1.0, 1.0, 1.0), SETTING)),
        ("norms", st.sampled_from([None, (1.0, 1.0, 1.0)]), lambda x: regimes_of([0.1], x, SETTING)),
        ("norms.phi", st.sampled_from([0.0, -1.0, np.nan]), lambda x: regimes_of([0.1], Norms(x, 1.0, 1.0), SETTING)),
        ("setting", st.sampled_from([None, 0.5]), lambda x: regimes_of([0.1], Norms(1.0, 1.0, 1.0), x)),
    ],
    "L2Matrices": [
        ("setting", st.sampled_from([None, 0.5]), L2Matrices),
        ("spectrum", st.just([1.0, 2.0]), lambda x: L2Matrices(Setting(0.5, 0.05, x))),
        ("W", bad_matrix, lambda x: MATRICES.drive(x, EYE)),
        ("F", bad_features, lambda x: MATRICES.drive(EYE, x)),
        ("W", st.just(np.ones((3, 2, 2))), lambda x: MATRICES.velocity(x, EYE)),
        ("F", bad_features, lambda x: MATRICES.velocity(EYE, x)),
        ("W0", bad_matrix, lambda x: MATRICES.solve(x, EYE, [0.0, 1.0])),
        ("F0", bad_features, lambda x: MATRICES.solve(EYE, x, [0.0, 1.0])),
        ("times", bad_times, lambda x: MATRICES.solve(EYE, EYE, x)),
        ("tolerance", bad_tolerance, lambda x: MATRICES.solve(EYE, EYE, [0.0, 1.0], x)),
    ],
    "LinearNetwork": [
        ("Phi", bad_array, lambda x: LinearNetwork(x, EYE)),
        ("Phi", st.just(np.ones((3, 2))), lambda x: LinearNetwork(x, np.eye(3))),
        ("W", st.one_of(bad_array, st.just(np.eye(3))), lambda x: LinearNetwork(np.eye(2, 3), x)),
        ("d", bad_count, lambda x: LinearNetwork.random(x, 1, fresh())),
        ("h", st.one_of(bad_count, st.just(5)), lambda x: LinearNetwork.random(4, x, fresh())),
        ("rng", st.sampled_from([None, 0, np.random]), lambda x: LinearNetwork.random(4, 2, x)),
        ("encoder_scale", bad_decay, lambda x: LinearNetwork.random(4, 2, fresh(), encoder_scale=x)),
        ("head_scale", bad_decay, lambda x: LinearNetwork.random(4, 2, fresh(), head_scale=x)),
        ("w", bad_array, lambda x: LinearNetwork.from_modes(x, [1.0, 1.0], 4, fresh())),
        ("f", st.one_of(bad_array, st.just([-1.0, 1.0])), lambda x: LinearNetwork.from_modes([1, 1], x, 4, fresh())),
        ("d", st.one_of(bad_count, st.just(1)), lambda x: LinearNetwork.from_modes([1.0, 1.0], [1.0, 1.0], x, fresh())),
        ("rng", st.sampled_from([None, 0]), lambda x: LinearNetwork.from_modes([1.0], [1.0], 4, x)),
    ],
    "train": [
        ("head", st.sampled_from([0, 1, "yes", 0.5]), lambda x: training(head=x)),
        ("stop_gradient", st.sampled_from([0, 1, "yes"]), lambda x: training(stop_gradient=x)),
        ("head_rate", bad_positive, lambda x: training(head_rate=x)),
        ("head_decay", bad_decay.filter(lambda x: x is not None), lambda x: training(head_decay=x)),
        ("data", st.sampled_from([1.0, EYE]), lambda x: training(data=x)),
        ("network", st.sampled_from([None, EYE]), lambda x: training(network=x)),
        ("setting", st.sampled_from([None, 0.5]), lambda x: training(setting=x)),
        ("spectrum", st.just([1.0, 2.0]), lambda x: training(setting=Setting(0.5, 0.0, x))),
        ("loss", st.sampled_from(["mse", "", "L2", None]), lambda x: training(loss=x)),
        ("learning_rate", bad_positive, lambda x: training(learning_rate=x)),
        ("steps", bad_count, lambda x: training(steps=x)),
        ("batch", bad_count, lambda x: training(batch=x)),
        ("rng", st.sampled_from([None, 0, "seed"]), lambda x: training(rng=x)),
        ("record_every", bad_count, lambda x: training(record_every=x)),
        (
            "target_momentum",
            st.one_of(bad_decay.filter(lambda x: x is not None), st.just(1.1)),
            lambda x: training(target_momentum=x),
        ),
        ("dtype", st.sampled_from([np.float16, int, "double", None]), lambda x: training(dtype=x)),
        ("moments", st.sampled_from([0, 1, None, "yes"]), lambda x: training(moments=x)),
        ("optimiser", st.sampled_from(["adam", "SGD", "", None, True]), lambda x: training(optimiser=x)),
        *(
            (name, given, lambda x, name=name, options=options: training(**{name: x}, **options))
            for name, given, options in (
                ("momentum", bad_fraction, {}),
                ("momentum", bad_fraction, {"optimiser": "adamw"}),
                ("second_momentum", bad_fraction, {"optimiser": "adamw"}),
                ("epsilon", bad_positive.filter(lambda x: x is not None), {"optimiser": "adamw"}),
                ("epsilon", st.just(1e-60), {"optimiser": "adamw", "dtype": np.float32}),
                ("second_momentum", st.sampled_from([0.0, 0.999]), {}),
                ("epsilon", st.just(1e-8), {"momentum": 0.9}),
            )
        ),
        ("moments", st.just(True), lambda x: training(loss="cosine", moments=x)),
        ("stop_gradient", st.just(False), lambda x: training(stop_gradient=x, target_momentum=0.9)),
    ],
    "cosine_modes": [
        ("w", bad_array, lambda x: cosine_modes(x, [1.0, 1.0], SETTING)),
        ("w", st.just(EYE), lambda x: cosine_modes(x, EYE, SETTING)),
        ("f", st.one_of(bad_array, st.just([-1.0, 1.0])), lambda x: cosine_modes([1.0, 1.0], x, SETTING)),
        ("setting", st.sampled_from([None, 0.5]), lambda x: cosine_modes([1.0, 1.0], [1.0, 1.0], x)),
        ("nodes", st.one_of(bad_count, st.just(1)), lambda x: cosine_modes([1.0, 1.0], [1.0, 1.0], SETTING, nodes=x)),
    ],
    "cosine_matrices": [
        ("W", bad_matrix, lambda x: cosine_matrices(x, EYE, SETTING)),
        ("W", st.just(np.ones((2, 2, 2))), lambda x: cosine_matrices(x, np.stack([EYE, EYE]), SETTING)),
        ("F", bad_features, lambda x: cosine_matrices(EYE, x, SETTING)),
        ("setting", st.sampled_from([None, 0.5]), lambda x: cosine_matrices(EYE, EYE, x)),
        ("spectrum", st.just([1.0, 2.0]), lambda x: cosine_matrices(EYE, EYE, Setting(0.5, 0.0, x))),
        ("nodes", st.one_of(bad_count, st.just(1)), lambda x: cosine_matrices(EYE, EYE, SETTING, nodes=x)),
    ],
    "alignment": [
        ("W", bad_matrix, lambda x: alignment(x, EYE, SETTING)),
        ("F", bad_features, lambda x: alignment(EYE, x, SETTING)),
    ],
    "asymmetry": [("W", st.one_of(bad_matrix, st.just(0 * EYE)), asymmetry)],
    "participation_ratio": [
        (
            "F",
            st.one_of(bad_features.filter(lambda x: getattr(x, "shape", None) != (3, 3)), st.just(0 * EYE)),
            participation_ratio,
        )
    ],
    "norm_spread": [
        (
            "F",
            st.one_of(bad_features.filter(lambda x: getattr(x, "shape", None) != (3, 3)), st.just(0 * EYE)),
            norm_spread,
        )
    ],
    "balance": [
        ("W", bad_matrix, lambda x: balance(x, EYE)),
        ("F", bad_features, lambda x: balance(EYE, x)),
    ],
    "commutator": [
        ("W", st.one_of(bad_matrix, st.just(0 * EYE)), lambda x: commutator(x, EYE)),
        ("F", st.one_of(bad_features, st.just(0 * EYE)), lambda x: commutator(EYE, x)),
    ],
    "eigenmodes": [
        ("W", bad_matrix, lambda x: eigenmodes(x, EYE)),
        ("F", bad_features, lambda x: eigenmodes(EYE, x)),
        (
            "basis",
            st.one_of(bad_matrix, st.sampled_from([np.eye(3), 2 * EYE, np.ones((2, 2))])),
            lambda x: eigenmodes(EYE, EYE, x) if x is not None else eigenmodes(EYE, EYE, "ab"),
        ),
    ],
    "collapse": [
        (
            "F",
            st.one_of(bad_features.filter(lambda x: getattr(x, "shape", None) != (3, 3)), st.just(np.ones((2, 2, 2)))),
            collapse,
        ),
        ("reference", bad_positive, lambda x: collapse(EYE, reference=x)),
        ("tolerance", bad_positive, lambda x: collapse(EYE, tolerance=x)),
    ],
    "plots.velocity_curves": [
        ("flows", st.sampled_from([[], [None], [SETTING]]), plots.velocity_curves),
        ("labels", st.just(["a", "b"]), lambda x: plots.velocity_curves([FLOW], labels=x)),
    ],
    "plots.bifurcation_diagram": [
        ("setting", st.sampled_from([None, 0.5]), plots.bifurcation_diagram),
        ("decays", bad_array, lambda x: plots.bifurcation_diagram(SETTING, x)),
    ],
    "plots.line_trajectories": [
        ("trajectory", st.sampled_from([None, EYE]), plots.line_trajectories),
        ("flow", st.just(SETTING), lambda x: plots.line_trajectories(FLOW.solve(0.5, [0.0, 1.0]), x)),
    ],
    "plots.phase_plane": [("modes", st.sampled_from([None, FLOW]), plots.phase_plane)],
    "plots.basins": [
        ("modes", st.sampled_from([None, FLOW]), plots.basins),
        ("resolution", bad_count, lambda x: plots.basins(MODES, resolution=x)),
    ],
    "plots.mode_trajectories": [
        ("t", bad_array, lambda x: plots.mode_trajectories(x, EYE)),
        ("values", st.one_of(bad_array, st.just(np.eye(3))), lambda x: plots.mode_trajectories([0.0, 1.0], x)),
        ("theory", st.one_of(bad_array, st.just(np.eye(3))), lambda x: plots.mode_trajectories([0.0, 1.0], EYE, x)),
    ],
    "plots.alignment_of_matrices": [
        ("runs", st.sampled_from([[None], [EYE]]), lambda x: plots.alignment_of_matrices(x, ["a"])),
        ("labels", st.just(["a"]), lambda x: plots.alignment_of_matrices([], x)),
    ],
    "plots.feature_sizes": [("runs", st.sampled_from([None, [EYE], {"a": EYE}]), plots.feature_sizes)],
    "plots.matrices": [
        ("stack", st.sampled_from([[[]], [[np.nan]], [np.ones(3)]]), lambda x: plots.matrices(x, ["a"])),
        ("titles", st.just(["a", "b"]), lambda x: plots.matrices([EYE], x)),
    ],
    "plots.norm_histograms": [
        ("samples", st.sampled_from([None, [1.0], {"a": []}, {"a": [np.nan]}]), plots.norm_histograms),
        ("upper", bad_positive, lambda x: plots.norm_histograms({"a": [1.0]}, x)),
    ],
    "plots.scaling": [
        ("x", bad_array, lambda x: plots.scaling(x, [1.0, 1.0], [1.0, 1.0], 1)),
        ("y", bad_array, lambda x: plots.scaling([1.0, 1.0], x, [1.0, 1.0], 1)),
        ("error", st.one_of(bad_array, st.just([1.0])), lambda x: plots.scaling([1.0, 1.0], [1.0, 1.0], x, 1)),
    ],
    "plots.collapse_probability": [
        ("decays", bad_array, lambda x: plots.collapse_probability(x, EYE == 1)),
        (
            "collapsed",
            st.sampled_from([[True], EYE, [[True]] * 3, np.ones((2, 0), bool)]),
            lambda x: plots.collapse_probability([0.1, 0.2], x),
        ),
    ],
    "plots.curves": [
        (
            "lines",
            st.sampled_from([None, [1.0], {"a": ([], [])}, {"a": ([1.0], [np.nan])}, {"a": ([1.0, 2.0], [1.0])}]),
            lambda x: plots.curves(x, "x", "y"),
        )
    ],
    "plots.phase_diagram": [
        ("paths", st.sampled_from([[1.0], {"a": ([], [])}, {"a": ([np.nan], [1.0])}]), plots.phase_diagram),
        ("beta", bad_array, lambda x: plots.phase_diagram(beta=x)),
        ("ratio", st.one_of(bad_array, st.just([-1.0, 1.0])), lambda x: plots.phase_diagram(ratio=x)),
    ],
    "plots.regime_map": [("run", st.sampled_from([None, MODES]), plots.regime_map)],
    "plots.regime_shift": [
        ("run", st.sampled_from([None, MODES]), lambda x: plots.regime_shift(x, 0)),
        (
            "upper",
            bad_positive.filter(lambda x: x is not None),
            lambda x: plots.regime_shift(CosineModes(SETTING).solve([0.3, 0.5], [0.1, 0.3], [0.0, 1.0]), 0, upper=x),
        ),
        (
            "norms",
            st.sampled_from([1.0, (1.0, 1.0, 1.0)]),
            lambda x: plots.regime_shift(CosineModes(SETTING).solve([0.3, 0.5], [0.1, 0.3], [0.0, 1.0]), 0, x),
        ),
        (
            "mode",
            st.sampled_from([-1, 2, 1.5, None]),
            lambda x: plots.regime_shift(CosineModes(SETTING).solve([0.3, 0.5], [0.1, 0.3], [0.0, 1.0]), x),
        ),
    ],
    "plots.loss_fields": [
        ("target", st.one_of(bad_array, st.sampled_from([[0.0, 0.0], [1.0]])), plots.loss_fields),
        ("extent", bad_positive, lambda x: plots.loss_fields(extent=x)),
    ],
    "plots.training": [
        ("run", st.sampled_from([None, 0.5]), plots.training),
        ("loss_name", st.just(losses.swav()), lambda x: plots.training(training(loss=x))),
    ],
    "plots.water": [
        ("w", bad_array, lambda x: plots.water(x, [1.0, 1.0], SETTING)),
        ("f", st.one_of(bad_array, st.just([-1.0, 1.0])), lambda x: plots.water([1.0, 1.0], x, SETTING)),
        ("w0, f0", st.just([-1.0, -2.0]), lambda x: plots.water(x, [0.1, 0.1], SETTING)),
        ("setting", st.sampled_from([None, 0.5]), lambda x: plots.water([1.0], [1.0], x)),
        ("spectrum", st.just([1.0, 2.0]), lambda x: plots.water([1.0, 1.0], [1.0, 1.0], Setting(0.5, 0.0, x))),
    ],
    "plots.rest_map": [
        (
            "setting",
            st.sampled_from([None, 0.5, Setting(0.0, 1.0), Setting(0.5, 1.0, 0.0)]),
            lambda x: plots.rest_map(x, 4, 8),
        ),
        ("spectrum", st.just([1.0, 2.0]), lambda x: plots.rest_map(Setting(0.5, 0.0, x), 4, 8)),
        ("h", st.one_of(bad_count, st.sampled_from([2, 9])), lambda x: plots.rest_map(SETTING, x, 8)),
        ("d", bad_count, lambda x: plots.rest_map(SETTING, 4, x)),
        (
            "runs",
            st.one_of(bad_array.filter(lambda x: x is not None), st.just([[0.1, 16]])),
            lambda x: plots.rest_map(SETTING, 4, 8, x),
        ),
    ],
    "plots.fates": [
        ("w0", bad_array, lambda x: plots.fates(x, [1.0, 1.0], [True, False])),
        ("f0", st.one_of(bad_array, st.just([-1.0, 1.0])), lambda x: plots.fates([1.0, 1.0], x, [True, False])),
        ("lives", st.sampled_from([[1, 0], [True]]), lambda x: plots.fates([1.0, 1.0], [1.0, 1.0], x)),
        (
            "predicted",
            st.sampled_from([[1, 0], [True]]),
            lambda x: plots.fates([1.0, 1.0], [1.0, 1.0], [True, False], x),
        ),
    ],
    "plots.features_before_and_after": [
        ("before", bad_array, lambda x: plots.features_before_and_after(x, EYE)),
        ("after", bad_array, lambda x: plots.features_before_and_after(EYE, x)),
    ],
    "data.Mixture": [
        ("d", bad_count, lambda x: data.Mixture(x, 0.5)),
        ("share", st.one_of(bad_decay, st.just(1.1)), lambda x: data.Mixture(2, x)),
        ("n", bad_count, lambda x: data.Mixture(2, 0.5)(x, fresh())),
        ("rng", st.sampled_from([None, 0]), lambda x: data.Mixture(2, 0.5)(3, x)),
    ],
    "data.HeavyTails": [
        ("d", bad_count, lambda x: data.HeavyTails(x, 5.0)),
        ("degrees", st.one_of(bad_positive, st.just(2)), lambda x: data.HeavyTails(2, x)),
        ("elliptical", st.sampled_from([None, 1, "yes"]), lambda x: data.HeavyTails(2, 5.0, x)),
        ("n", bad_count, lambda x: data.HeavyTails(2, 5.0)(x, fresh())),
        ("rng", st.sampled_from([None, 0]), lambda x: data.HeavyTails(2, 5.0)(3, x)),
    ],
    "data.LatentClasses": [
        (
            "means",
            st.one_of(bad_array, st.sampled_from([[-1.0, 1.0], EYE])),
            lambda x: data.LatentClasses(x, [1.0, 1.0]),
        ),
        ("means", st.just(np.ones(13)), lambda x: data.LatentClasses(x, np.ones(13))),
        (
            "residual",
            st.one_of(bad_array, st.sampled_from([[0.0, 1.0], [1.0]])),
            lambda x: data.LatentClasses([1, 1], x),
        ),
        ("n", bad_count, lambda x: CLASSES(x, fresh())),
        ("rng", st.sampled_from([None, 0]), lambda x: CLASSES.labelled(3, x)),
        ("Phi", st.one_of(bad_array, st.just(np.eye(3))), CLASSES.probe_accuracy),
        ("ridge", bad_decay, lambda x: CLASSES.probe_accuracy(EYE, x)),
        ("Phi", st.one_of(bad_array, st.just(np.eye(3))), lambda x: CLASSES.fitted_accuracy(x, fresh())),
        ("rng", st.sampled_from([None, 0]), lambda x: CLASSES.fitted_accuracy(EYE, x)),
        ("resolution", bad_decay, lambda x: CLASSES.fitted_accuracy(EYE, fresh(), x)),
        ("relative", st.sampled_from([None, 1]), lambda x: CLASSES.fitted_accuracy(EYE, fresh(), 0.1, x)),
        ("train", bad_count, lambda x: CLASSES.fitted_accuracy(EYE, fresh(), train=x)),
        ("test", bad_count, lambda x: CLASSES.fitted_accuracy(EYE, fresh(), test=x)),
    ],
    "features.FeatureModes": [
        ("setting", st.sampled_from([None, 0.5]), features.FeatureModes),
        ("alpha", bad_decay, lambda x: features.FeatureModes(SETTING, x)),
        ("loss", st.sampled_from(["mse", None]), lambda x: features.FeatureModes(SETTING, loss=x)),
        ("stop_gradient", st.sampled_from([None, 0]), lambda x: features.FeatureModes(SETTING, stop_gradient=x)),
        ("stop_gradient", st.just("iso"), lambda x: features.FeatureModes(SETTING, loss=x, stop_gradient=False)),
        ("f", st.one_of(bad_array, st.sampled_from([[-1.0], EYE])), features.FeatureModes(SETTING).velocity),
        ("f0", st.one_of(bad_array, st.just([-1.0])), lambda x: features.FeatureModes(SETTING).solve(x, [0.0, 1.0])),
        ("times", bad_times, lambda x: features.FeatureModes(SETTING).solve([1.0], x)),
        *(
            (
                "tolerance",
                bad_tolerance.filter(lambda x: x is not None),
                lambda x, loss=loss: features.FeatureModes(SETTING, loss=loss).solve([1.0, 0.5], [0.0, 1.0], x),
            )
            for loss in ("l2", "cosine")
        ),
        ("spectrum", st.just([1.0, 2.0]), lambda x: features.FeatureModes(Setting(0.5, 0.0, x)).velocity([1.0])),
    ],
    "features.FeatureMatrices": [
        ("setting", st.sampled_from([None, 0.5]), lambda x: features.FeatureMatrices(x, np.zeros_like)),
        ("spectrum", st.just([1.0, 2.0]), lambda x: features.FeatureMatrices(Setting(0.5, 0.0, x), np.zeros_like)),
        ("gradient", st.sampled_from([None, 1.0]), lambda x: features.FeatureMatrices(SETTING, x)),
        ("F", st.one_of(bad_matrix, st.just([[1.0, 2.0], [0.0, 1.0]])), VICREG.velocity),
        ("F0", st.one_of(bad_matrix, st.just(np.ones((2, 1, 1)))), lambda x: VICREG.solve(x, [0.0, 1.0])),
        ("times", bad_times, lambda x: VICREG.solve(EYE, x)),
        ("tolerance", bad_tolerance, lambda x: VICREG.solve(EYE, [0.0, 1.0], x)),
        *(
            (name, bad, lambda x, name=name: features.FeatureMatrices.vicreg(SETTING, **{name: x}))
            for name, bad in (("invariance", bad_decay), ("variance", bad_decay), ("covariance", bad_decay))
        ),
        ("hinge", bad_positive, lambda x: features.FeatureMatrices.vicreg(SETTING, hinge=x)),
        ("rounding", bad_positive, lambda x: features.FeatureMatrices.vicreg(SETTING, rounding=x)),
        ("off_diagonal", bad_decay, lambda x: features.FeatureMatrices.barlow_twins(SETTING, x)),
    ],
    "images.Images": [("train", st.sampled_from([EYE, np.zeros((0, 1, 1, 1))]), lambda x: Images(x, [0], x, [0], ()))],
    "images.load_cifar10": [("folder", st.sampled_from([None, 1, "/nowhere"]), files_or_type(images.load_cifar10))],
    "images.load_image_folder": [
        ("folder", st.sampled_from([None, 1, "/nowhere"]), files_or_type(images.load_image_folder)),
        ("size", bad_count, lambda x: images.load_image_folder("/nowhere", size=x)),
        ("most", bad_count.filter(lambda x: x is not None), lambda x: images.load_image_folder("/nowhere", most=x)),
    ],
    "images.linear_probe": [
        ("features", bad_array, lambda x: images.linear_probe(x, [0, 1], EYE, [0, 1])),
        (
            "test_features",
            st.one_of(bad_array, st.just(np.eye(3))),
            lambda x: images.linear_probe(EYE, [0, 1], x, [0, 1]),
        ),
        ("labels", st.just([0]), lambda x: images.linear_probe(EYE, x, EYE, [0, 1])),
        ("test_labels", st.just([0]), lambda x: images.linear_probe(EYE, [0, 1], EYE, x)),
        ("ridge", bad_positive, lambda x: images.linear_probe(EYE, [0, 1], EYE, [0, 1], ridge=x)),
    ],
    "losses.Loss": [
        ("name", st.sampled_from([None, 1]), lambda x: losses.Loss(x, max)),
        ("pushes", st.sampled_from([None, 1]), lambda x: losses.Loss("x", x)),
        ("gradient", st.sampled_from([None, 1]), lambda x: losses.Loss.of_predictions("x", x)),
        ("head", st.sampled_from([None, 1]), lambda x: losses.Loss("x", max, head=x)),
        ("stop_gradient", st.sampled_from([None, 1]), lambda x: losses.Loss("x", max, stop_gradient=x)),
        ("separable", st.sampled_from([None, 1]), lambda x: losses.Loss("x", max, separable=x)),
        ("held", st.sampled_from([True, 1]), lambda x: losses.Loss("x", max, held=x)),
        ("failure", st.sampled_from([None, "nan"]), lambda x: losses.Loss("x", max, failure=x)),
    ],
    "losses.barlow_twins": [("off_diagonal", bad_decay, losses.barlow_twins)],
    "losses.vicreg": [
        *((name, bad_decay, lambda x, name=name: losses.vicreg(**{name: x})) for name in ("invariance", "variance")),
        ("covariance", bad_decay, lambda x: losses.vicreg(covariance=x)),
        ("hinge", bad_positive, lambda x: losses.vicreg(hinge=x)),
    ],
    "losses.swav": [
        ("temperature", bad_positive, losses.swav),
        ("sharpness", bad_positive, lambda x: losses.swav(sharpness=x)),
        ("rounds", bad_count, lambda x: losses.swav(rounds=x)),
    ],
    "losses.FeatureHead": [
        ("alpha", bad_positive, losses.FeatureHead),
        ("shift", bad_decay, lambda x: losses.FeatureHead(1.0, x)),
    ],
    "deep.linear_encoder": [
        ("shape", st.sampled_from([0, -1, (2, 0), "2", 1.5, ("a",)]), lambda x: deep.linear_encoder(x, 2, 0)),
        ("h", bad_count, lambda x: deep.linear_encoder(3, x, 0)),
        ("seed", st.sampled_from([None, -1, 0.5]), lambda x: deep.linear_encoder(3, 2, x)),
        ("scale", bad_positive, lambda x: deep.linear_encoder(3, 2, 0, scale=x)),
    ],
    "deep.mlp_encoder": [
        ("shape", st.sampled_from([0, "2"]), lambda x: deep.mlp_encoder(x, 2, 0)),
        ("h", bad_count, lambda x: deep.mlp_encoder(3, x, 0, width=2)),
        ("width", bad_count, lambda x: deep.mlp_encoder(3, 2, 0, width=x)),
        ("depth", bad_count, lambda x: deep.mlp_encoder(3, 2, 0, width=2, depth=x)),
    ],
    "deep.conv_encoder": [
        ("shape", st.sampled_from([8, (8, 8), (8, 8, 0)]), lambda x: deep.conv_encoder(x, 2, 0)),
        ("channels", st.sampled_from([[], [0], [1.5]]), lambda x: deep.conv_encoder((8, 8, 1), 2, 0, channels=x)),
    ],
    "deep.Augmentation": [
        ("shift", st.sampled_from([-1, 0.5, None]), lambda x: deep.Augmentation(shift=x)),
        ("brightness", bad_decay, lambda x: deep.Augmentation(brightness=x)),
        ("noise", bad_decay, lambda x: deep.Augmentation(noise=x)),
        ("mirror", st.sampled_from([None, 1]), lambda x: deep.Augmentation(mirror=x)),
    ],
    "deep.images_source": [("images", st.sampled_from([1.0, [1.0], np.zeros((0, 2))]), deep.images_source)],
    "noise.l2_rest": [
        ("setting", st.sampled_from([None, 0.5]), lambda x: noise.l2_rest(x, 1, 1, 0.1, 16)),
        ("spectrum", st.just([1.0, 2.0]), lambda x: noise.l2_rest(Setting(0.5, 0.1, x), 1, 1, 0.1, 16)),
        *resting(noise.l2_rest),
    ],
    "noise.cosine_rest": [
        ("setting", st.sampled_from([None, 0.5]), lambda x: noise.cosine_rest(x, 4, 4, 0.1, 16)),
        ("spectrum", st.just([1.0, 2.0]), lambda x: noise.cosine_rest(Setting(0.5, 0.1, x), 4, 4, 0.1, 16)),
        ("rho", st.sampled_from([0.0, 20.0]), lambda x: noise.cosine_rest(Setting(0.5, x), 4, 4, 0.1, 16)),
        ("h", st.sampled_from([1, 2]), lambda x: noise.cosine_rest(SETTING, x, 4, 0.1, 16)),
        *resting(noise.cosine_rest),
    ],
    "noise.features_at_rest": [
        ("setting", st.sampled_from([None, 0.5]), lambda x: noise.features_at_rest(x, 4, 4, 0.1, 16)),
        ("spectrum", st.just([1.0, 2.0]), lambda x: noise.features_at_rest(Setting(0.5, 0.1, x), 4, 4, 0.1, 16)),
        ("rho", st.sampled_from([0.0, 20.0]), lambda x: noise.features_at_rest(Setting(0.5, x), 4, 4, 0.1, 16)),
        ("h", st.sampled_from([1, 2]), lambda x: noise.features_at_rest(SETTING, x, 4, 0.1, 16)),
        *resting(noise.features_at_rest),
    ],
    "noise.rest_norms": [
        ("run", st.sampled_from([None, 0.5]), noise.rest_norms),
        (
            "since",
            st.one_of(bad_decay, st.just(1e9)).filter(lambda x: x is not None),
            lambda x: noise.rest_norms(training(), x),
        ),
    ],
    "noise.angle": [
        ("learning_rate", bad_positive, lambda x: noise.angle(x, 0.1)),
        ("rho", bad_decay, lambda x: noise.angle(0.1, x)),
        ("momentum", st.one_of(bad_decay, st.just(1.0)), lambda x: noise.angle(0.1, 0.1, x)),
        ("optimiser", st.sampled_from(["adam", None]), lambda x: noise.angle(0.1, 0.1, 0.0, x)),
    ],
    "noise.freezing_time": [
        (
            "W",
            st.one_of(bad_matrix, st.just(np.zeros((3, 3)))),
            lambda x: noise.freezing_time(x, np.eye(3), SETTING, 0.1, 16, 3),
        ),
        (
            "F",
            st.sampled_from([np.ones(3), np.zeros((3, 3)), -np.eye(3), "F"]),
            lambda x: noise.freezing_time(np.eye(3), x, SETTING, 0.1, 16, 3),
        ),
    ],
    "deep.view_moments": [
        ("augmentation", st.sampled_from([None, 0.5]), lambda x: deep.view_moments(x, EYE, 0)),
        (
            "x",
            st.sampled_from([1.0, [1.0], np.zeros((0, 2)), [["a"]]]),
            lambda x: deep.view_moments(deep.Augmentation(), x, 0),
        ),
        ("seed", st.sampled_from([None, -1, 0.5]), lambda x: deep.view_moments(deep.Augmentation(), EYE, x)),
        ("copies", bad_count, lambda x: deep.view_moments(deep.Augmentation(), EYE, 0, x)),
    ],
    "deep.train_deep": [
        ("encoder", st.sampled_from([None, START]), lambda x: deeply(encoder=x)),
        ("source", st.sampled_from([None, EYE]), lambda x: deeply(source=x)),
        ("augmentation", st.sampled_from([None, 0.5]), lambda x: deeply(augmentation=x)),
        ("rho", bad_decay, lambda x: deeply(rho=x)),
        ("loss", st.sampled_from(["iso", None]), lambda x: deeply(loss=x)),
        ("learning_rate", bad_positive, lambda x: deeply(learning_rate=x)),
        ("momentum", st.one_of(bad_decay, st.just(1.0)), lambda x: deeply(momentum=x)),
        *((name, bad_count, lambda x, name=name: deeply(**{name: x})) for name in ("steps", "batch", "pairs")),
        ("seed", st.sampled_from([None, -1, 0.5]), lambda x: deeply(seed=x)),
        ("head_scale", bad_positive, lambda x: deeply(head_scale=x)),
        ("head_bias", st.sampled_from([None, 1]), lambda x: deeply(head_bias=x)),
        ("centred", st.sampled_from([None, 1]), lambda x: deeply(centred=x)),
        ("record_every", bad_count, lambda x: deeply(record_every=x)),
        ("checkpoint", st.sampled_from([1, True]), lambda x: deeply(checkpoint=x)),
        ("checkpoint_every", bad_count, lambda x: deeply(checkpoint_every=x)),
    ],
}
# Records that the library makes, and things that take no input.
RESULTS = {
    "noise.FeaturesAtRest",
    "noise.NoiseRest",
    "noise.networks_at_rest",
    "noise.RestLevels",
    "noise.RestNorms",
    "EncoderTrajectory",
    "deep.DeepRun",
    "deep.Encoder",
    "images.load_digits",
    "CosineMatrixTrajectory",
    "CosineModeTrajectory",
    "CollapseKind",
    "Equilibrium",
    "Expectation",
    "MatrixTrajectory",
    "ModeTrajectory",
    "Outcome",
    "Regime",
    "Run",
    "Status",
    "Summary",
    "Trajectory",
}
ROWS = [(name, *row) for name, rows in CASES.items() for row in rows]


@pytest.mark.parametrize(("function", "argument", "values", "call"), ROWS, ids=[f"{r[0]}-{r[1]}" for r in ROWS])
def test_bad_input_is_named(function, argument, values, call):
    @given(values)
    def check(value):
        with pytest.raises((ValueError, TypeError), match=argument):
            call(value)

    check()
    plt.close("all")


def test_every_public_callable_is_covered():
    public = {name for name in ncl_lib.__all__ if not inspect.ismodule(getattr(ncl_lib, name))}
    off_ladder = {
        f"{module.__name__.removeprefix('ncl_lib.')}.{name}"
        for module in (plots, losses, features, data, images, noise, deep)
        for name, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__.startswith(module.__name__)
        and not name.startswith("_")
    }
    assert public | off_ladder - {"plots.use_book_style"} == set(CASES) | RESULTS


def test_messages_say_what_was_given_and_what_is_allowed():
    with pytest.raises(ValueError, match=r"rho=-0\.1: must be >= 0; weight decay cannot be negative"):
        Setting(0.5, -0.1)
    with pytest.raises(ValueError, match=r"f: smallest entry is -2; all must be >= 0"):
        MODES.drive([1.0], [-2.0])
    with pytest.raises(ValueError, match=r"loss='mse': must be one of 'l2', 'cosine'"):
        training(loss="mse")


def test_settings_compare_by_value():
    assert Setting(0.5, 0.1, [1.0, 2.0]) == Setting(0.5, 0.1, np.array([1.0, 2.0]))
    assert hash(Setting(0.5, 0.1, [1.0, 2.0])) == hash(Setting(0.5, 0.1, np.array([1.0, 2.0])))
    assert Setting(0.5, 0.1) != Setting(0.5, 0.2) and Setting(0.5, 0.1) != "setting"
    assert Setting(np.float64(0.5), np.array(0.1)) == Setting(0.5, 0.1)
    with pytest.raises(ValueError, match="read-only"):
        Setting(0.5, 0.1, [1.0, 2.0]).spectrum[0] = 3.0
