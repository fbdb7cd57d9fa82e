"""Explorables: their model against the library on golden values that are made here, not typed in."""

import gzip
import html
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import traitlets

from ncl_lib import (
    CosineModes,
    Norms,
    Regime,
    Setting,
    SixthOrderFlow,
    ThirdOrderFlow,
    classify,
    critical_ratio,
    noise,
    participation_ratio,
    settled_modes,
    surviving_modes,
)
from ncl_lib import widgets as widgets_module
from ncl_lib.noise.features import SAFE, _CosineNoise
from ncl_lib.widgets import (
    Clock,
    PhaseDiagram,
    PhaseLine,
    RegimeShift,
    SGDAtRest,
    Survival,
    model_script,
    page_script,
)
from ncl_lib.widgets._image import PICTURES
from ncl_lib.widgets.parameters import PARAMETERS, page_name
from ncl_lib.widgets.stored import runs_at_rest, stored_module


@pytest.fixture(scope="module")
def model(browser):
    """Evaluate an expression of x in JavaScript, with the functions of the model, for each x of a list."""
    page = browser.new_page()
    page.add_script_tag(content=model_script())
    yield lambda expression, cases: page.evaluate(f"cases => cases.map(x => {expression})", cases)
    page.close()


def compare(found, expected, tolerance):
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    assert found.shape == expected.shape
    size = np.maximum(np.abs(expected).max(axis=-1, keepdims=True), 1e-300) if expected.ndim else 1.0
    assert np.max(np.abs(found - expected) / size) < tolerance


def listed(flow):
    return [[e.w, e.kind] for e in flow.equilibria()]


def test_cubic_flow(model, rng):
    cases = [{"sigma2": s, "rho": r, "w": list(w)} for s, r, w in zip(*settings(rng, 2000), strict=True)]
    # At the threshold itself the two positive equilibria are one.
    cases += [
        {"sigma2": s, "rho": ThirdOrderFlow(Setting(s, 0.0)).critical_decay(), "w": [0.1]} for s in (0.0, 0.5, 1.7)
    ]
    found = model("{const f = cubic(x.sigma2, x.rho); return [x.w.map(f.velocity), f.equilibria, f.critical]}", cases)
    for case, (velocity, equilibria, critical) in zip(cases, found, strict=True):
        flow = ThirdOrderFlow(Setting(case["sigma2"], case["rho"]))
        compare(velocity, flow.velocity(case["w"]), 1e-9)
        assert [e["kind"] for e in equilibria] == [kind for _, kind in listed(flow)]
        compare([e["w"] for e in equilibria], [w for w, _ in listed(flow)], 1e-9)
        assert critical == pytest.approx(flow.critical_decay(), rel=1e-12)


def settings(rng, n):
    return rng.uniform(0, 2, n), rng.uniform(0, 0.4, n), rng.uniform(-1, 1.5, (n, 5))


def test_sixth_order_flow(model, rng):
    cases = []
    for s, r, w in zip(*settings(rng, 2000), strict=True):
        norms = {"phi": 10 ** rng.uniform(-1, 1), "psi": 10 ** rng.uniform(-1, 1), "cross": 5 * rng.normal()}
        cases.append({"sigma2": s, "rho": 10 * r, "w": list(w), "norms": norms})
    expression = """{const f = sextic(x.sigma2, x.rho, x.norms);
        return [x.w.map(f.velocity), f.equilibria, f.critical, x.w.map(w => classify(w / f.scale, f.beta, f.ratio))]}"""
    for case, (velocity, equilibria, critical, regimes) in zip(cases, model(expression, cases), strict=True):
        flow = SixthOrderFlow(Setting(case["sigma2"], case["rho"]), Norms(**case["norms"]))
        compare(velocity, flow.velocity(case["w"]), 1e-9)
        assert [e["kind"] for e in equilibria] == [kind for _, kind in listed(flow)]
        for e, (w, _) in zip(equilibria, listed(flow), strict=True):
            assert e["w"] == pytest.approx(w, rel=1e-9)
        assert critical == pytest.approx(flow.critical_decay(), rel=1e-9)
        assert regimes == [regime.value for regime in flow.regime(case["w"])]


def test_universal_diagram(model, rng):
    v, beta, ratio = rng.uniform(-0.5, 2, 5000), 3 * rng.normal(size=5000), rng.uniform(0, 1, 5000)
    cases = np.stack([v, beta, ratio], axis=1).tolist()
    assert model("classify(...x)", cases) == [regime.value for regime in classify(v, beta, ratio)]
    assert {Regime(name) for name in model("classify(...x)", cases)} == set(Regime)
    compare(model("criticalRatio(x)", beta.tolist()), critical_ratio(beta), 1e-12)


def test_normal_form(model, rng):
    cases = [
        {"beta": beta, "ratio": ratio, "v": list(v)}
        for beta, ratio, v in zip(
            rng.uniform(-2, 4, 2000), rng.uniform(0, 1.5, 2000), rng.uniform(-1, 1.5, (2000, 5)), strict=True
        )
    ]
    expression = """{const f = normalForm(x.beta, x.ratio);
        return [x.v.map(f.velocity), f.equilibria, f.critical]}"""
    for case, (velocity, equilibria, critical) in zip(cases, model(expression, cases), strict=True):
        # With these norms the units of the flow are those of its normal form.
        flow = SixthOrderFlow(Setting(0.0, case["ratio"]), Norms(0.5**0.5, 2**0.5, 2 * case["beta"]))
        compare(velocity, flow.velocity(case["v"]), 1e-9)
        assert [e["kind"] for e in equilibria] == [kind for _, kind in listed(flow)]
        compare([e["w"] for e in equilibria], [w for w, _ in listed(flow)], 1e-9)
        assert critical == pytest.approx(flow.critical_decay(), rel=1e-9)


def test_mode_over_time(model, rng):
    times = np.linspace(0, 30, 16)
    cases = [{"sigma2": s, "rho": r, "w": w[0]} for s, r, w in zip(*settings(rng, 200), strict=True)]
    norms = Norms(3.0, 2.0, 1.0)
    flows = {
        "cubic(x.sigma2, x.rho)": lambda setting: ThirdOrderFlow(setting),
        "sextic(x.sigma2, x.rho, {phi: 3, psi: 2, cross: 1})": lambda setting: SixthOrderFlow(setting, norms),
    }
    for expression, flow in flows.items():
        found = model(f"modeOverTime({expression}, x.w, {times.tolist()})", cases)
        for case, path in zip(cases, found, strict=True):
            run = flow(Setting(case["sigma2"], case["rho"])).solve(case["w"], times)
            assert len(path) == len(run.t)
            assert np.max(np.abs(np.array(path) - run.w[:, 0]) / np.maximum(np.abs(run.w[:, 0]), 1e-3)) < 1e-6


def starts(rng, n, parabola=False):
    for _ in range(n):
        h = int(rng.integers(4, 17))
        w = 0.5 * rng.standard_normal(h)
        f = w**2 if parabola else rng.uniform(0.2, 1.5, h)
        yield {"w": w.tolist(), "f": f.tolist(), "sigma2": rng.uniform(0.1, 1.5), "rho": rng.uniform(0, 1)}


@pytest.mark.parametrize("closure", ["leading", "sixth-order", "exact"])
def test_drives(model, rng, closure):
    cases = list(starts(rng, 60 if closure == "exact" else 1000))
    found = model(f"drive(x.w, x.f, x.sigma2, '{closure}')", cases)
    for case, drive in zip(cases, found, strict=True):
        modes = CosineModes(Setting(case["sigma2"], 0.0), closure)
        compare(drive, modes.drive(case["w"], case["f"]), 1e-9)


def over_time(closure, times, picture=False):
    """Modes over time in JavaScript, for a case x."""
    return f"fading(shapeOf(x.w, x.f, x.sigma2, '{closure}', {str(picture).lower()}), x.rho, {times})"


@pytest.mark.parametrize("closure", ["leading", "exact"])
def test_trajectories(model, rng, closure):
    cases = list(starts(rng, 6 if closure == "exact" else 40))
    times = np.linspace(0, 3, 7)
    expression = over_time(closure, times.tolist())
    for case, found in zip(cases, model(expression, cases), strict=True):
        run = CosineModes(Setting(case["sigma2"], case["rho"]), closure).solve(case["w"], case["f"], times)
        compare(found["w"], run.w, 1e-6)
        compare(found["f"], run.f, 1e-6)


def test_pictures_are_as_accurate_as_a_line_is_thick(model, rng):
    """What figures draw: an implicit method of low order that stiff modes do not slow down."""
    cases = list(starts(rng, 30))
    times = [0.0, *np.geomspace(0.1, 1e3, 60).tolist()]
    still = [case | {"rho": 0.0} for case in cases]
    for case, found in zip(cases, model(over_time("exact", times, picture=True), still), strict=True):
        run = CosineModes(Setting(case["sigma2"], 0.0)).solve(case["w"], case["f"], times, tolerance=1e-6)
        compare(found["w"], run.w, 0.01)


def test_effective_rank(model, rng):
    cases = rng.uniform(0, 1, (200, 7))
    compare(model("participationRatio(x)", cases.tolist()), [participation_ratio(np.diag(f)) for f in cases], 1e-12)


def test_trajectories_with_frozen_norms(model, rng):
    cases = list(starts(rng, 40, parabola=True))
    times = np.linspace(0, 3, 7)
    expression = f"frozenModes(x.w, x.sigma2, x.rho, {times.tolist()}, normsOf(x.w, x.f, x.sigma2))"
    for case, found in zip(cases, model(expression, cases), strict=True):
        setting = Setting(case["sigma2"], case["rho"])
        norms = Norms.of_modes(case["w"], case["f"], setting)
        run = SixthOrderFlow(setting, norms).solve(case["w"], times)
        compare(found["w"][: len(run.t)], run.w, 1e-6)


def test_run_ends_where_its_predictions_vanish(model):
    """The closure of sixth order lets heads die in finite time; both hosts say when, to the digits of either."""
    times = np.linspace(0, 40, 401)
    cases = [
        {"w": [size] * h, "f": [size * size] * h, "sigma2": sigma2, "rho": rho}
        for h, size, sigma2, rho in [(8, 0.6, 0.5, 0.0), (8, 0.6, 0.5, 0.1), (4, 0.3, 1.5, 0.02), (3, 1.1, 0.2, 0.0)]
    ]
    expression = """{const end = shapeOf(x.w, x.f, x.sigma2, 'sixth-order').ended();
        return [end.status, timeOf(end.tau, x.rho)]}"""
    found = model(expression, cases)
    drawn = model(over_time("sixth-order", times.tolist()), cases)
    for case, (status, end), path in zip(cases, found, drawn, strict=True):
        run = CosineModes(Setting(case["sigma2"], case["rho"]), "sixth-order").solve(case["w"], case["f"], times)
        assert (status, run.status) == ("singular", "singular")
        assert end == pytest.approx(run.status.time, rel=1e-6)
        assert path["t"] == run.t.tolist() and 2 < len(run.t) < 401


def test_flow_on_a_line_has_run_away_where_the_library_says_so(model):
    """The last of the times before an end are kept, and no later ones."""
    times = np.linspace(0, 0.3, 3001)
    cases = [{"sigma2": s, "rho": r, "w": -1.5} for s, r in [(0.0, 0.0), (0.5, 0.1), (2.0, 0.3)]]
    norms = Norms(1.0, 1.0, -1.0)
    flow = "sextic(x.sigma2, x.rho, {phi: 1, psi: 1, cross: -1})"
    found = model(f"modeOverTime({flow}, x.w, {times.tolist()})", cases)
    for case, path in zip(cases, found, strict=True):
        run = SixthOrderFlow(Setting(case["sigma2"], case["rho"]), norms).solve(case["w"], times)
        assert run.status == "blow-up" and 1 < len(path) == len(run.t) < 3001


def test_shapes_are_held_once_they_have_settled(model, rng):
    """Beyond e^30 |w|^2 on the clock, as in the library: no later reading changes them."""
    cases = [case for case in starts(rng, 30) if sum(x > 0 for x in case["w"]) > 1]
    expression = """{const s = shapeOf(x.w, x.f, x.sigma2, 'leading', true);
        const end = Math.exp(30.01) * x.w.reduce((sum, w) => sum + w * w, 0);
        return [s.ended().status, s.at(end).w, s.at(1e300).w, s.at(Infinity).w]}"""
    for case, (status, at_end, later, last) in zip(cases, model(expression, cases), strict=True):
        run = CosineModes(Setting(case["sigma2"], 0.0), "leading").solve(case["w"], case["f"], [0.0, 1e15])
        assert status == run.status == "ok" and at_end == later == last
        compare(last, run.shape_w[-1], 0.02)


def test_strong_decay_fades_a_shape_and_no_more(model, rng):
    """Where weights are too small to be squared, the shape still is what it is without decay."""
    cases = [case | {"rho": 10.0} for case in starts(rng, 6)]
    times = [0.0, 1.0, 30.0]
    for case, found in zip(cases, model(over_time("leading", times, picture=True), cases), strict=True):
        run = CosineModes(Setting(case["sigma2"], 10.0), "leading").solve(case["w"], case["f"], times)
        assert run.w[-1].max() < 1e-100
        compare(found["w"], run.w, 0.01)
        compare(found["f"], run.f, 0.04)


@pytest.mark.parametrize("closure", ["leading", "exact"])
def test_a_mode_without_features_keeps_none_and_its_head(model, closure):
    case = {"w": [0.7, 0.4, -0.5, 0.3], "f": [0.3, 0.0, 0.0, 0.5], "sigma2": 0.5, "rho": 0.0}
    for picture in (False, True):
        (found,) = model(over_time(closure, [0.0, 10.0, 1e3], picture), [case])
        for w, f in zip(found["w"], found["f"], strict=True):
            assert w[1:3] == [0.4, -0.5] and f[1:3] == [0.0, 0.0]
    run = CosineModes(Setting(0.5, 0.0), closure).solve(case["w"], case["f"], [0.0, 10.0, 1e3])
    compare(found["w"], run.w, 0.01)


def test_who_lives_in_a_picture_lives_in_the_library(model, rng):
    """At the end of the exact run, among starts of both signs, above and below the parabola."""
    cases = [
        {"w": rng.uniform(-1, 1, 6).tolist(), "f": rng.uniform(0, 1.2, 6).tolist(), "sigma2": rng.uniform(0.05, 2)}
        for _ in range(25)
    ]
    found = model("living(shapeOf(x.w, x.f, x.sigma2, 'exact', true).at(Infinity).f)", cases)
    several = 0
    for case, alive in zip(cases, found, strict=True):
        run = CosineModes(Setting(case["sigma2"], 0.0)).solve(case["w"], case["f"], [0.0, 1e14], tolerance=1e-7)
        end = run.shape_f[-1] / run.shape_f[-1].max()
        if np.any((end > 1e-8) & (end < 1e-4)):
            continue  # near the border of what counts as dead
        assert alive == (end > 1e-6).tolist(), case
        several += 1
    assert several > 20


def test_water_filling(model, rng):
    cases = [*starts(rng, 300), {"w": [-1.0, -0.5], "f": [0.1, 0.1]}]
    for case, found in zip(cases, model("waterFill(x.w, x.f)", cases), strict=True):
        if found is None:
            assert settled_modes(case["w"], case["f"], Setting(0.5, 0.0))[0].max() <= 0 or len(case["w"]) > 2
            continue
        alive = surviving_modes(case["w"], case["f"], Setting(0.5, 0.0))
        if sum(found["alive"]) == 1 and alive.sum() > 1:
            assert alive[np.argmax(found["alive"])]  # a lone survivor keeps nobody down, and the library says so
            continue
        assert found["alive"] == alive.tolist()
        level = settled_modes(case["w"], case["f"], Setting(0.5, 0.0))[0][alive].max() ** 2
        assert found["level"] == pytest.approx(level, rel=1e-9)


def shapes():
    for h, inputs, sigma2 in itertools.product((3, 4, 17, 64), (1, 4, 16), (0.05, 0.5, 2.5)):
        yield {"h": h, "d": h * inputs, "sigma2": sigma2}


def test_features_at_rest(model):
    cases = [
        {**shape, "turn": turn, "batch": batch}
        for shape in shapes()
        for turn, batch in itertools.product((10**-3.5, 0.01, 10**-0.5, 1.9), (1, 19, 1024))
    ]
    expression = """{const now = restLaw(x.h, x.d, x.sigma2).at(x.turn, x.batch);
        return [now.survive, now.signal, now.returnRate, now.excess, now.ratio / criticalRatio(now.beta), now.rank]}"""
    survived = 0
    for case, (survive, *found) in zip(cases, model(expression, cases), strict=True):
        law = noise.features_at_rest(Setting(case["sigma2"], 1.0), case["h"], case["d"], case["turn"], case["batch"])
        wanted = [law.signal, law.return_rate, law.ratio, law.ratio, law.effective_rank]
        assert survive == law.survive, case
        assert found == pytest.approx(wanted, rel=1e-9, nan_ok=True), case
        survived += survive
    assert 0.2 < survived / len(cases) < 0.8


def test_lines_in_the_plane_of_steps_and_batches(model):
    """The border is where the law flips, at a batch that need not be whole; contours are where it has these ranks."""
    cases = [{**shape, "turn": turn} for shape in shapes() for turn in (1e-3, 0.02, 0.3)]
    expression = """{const law = restLaw(x.h, x.d, x.sigma2);
        return [law.border(x.turn), law.contour(x.turn, 0.5), law.contour(x.turn, 0.9)]}"""
    beyond = 0
    for case, (border, *contours) in zip(cases, model(expression, cases), strict=True):
        h, d, turn = case["h"], case["d"], case["turn"]
        setting = Setting(case["sigma2"], 1.0)
        level = noise.cosine_rest(setting, h, d, turn, 1)

        def law_at(batch, shape=(setting, h, d, turn, (level.encoder / level.head) ** 2)):
            law = _CosineNoise(*shape[:4], batch, shape[4])
            return law, law.signal()

        def spare(batch, law_at=law_at):
            return law_at(batch)[1] - (1 - SAFE)

        assert not spare(min(border, 1e9) * (1 - 1e-6)) > 0, case  # nan where no head holds
        assert border == np.inf or spare(border * (1 + 1e-6)) > 0
        for part, batch in zip((0.5, 0.9), contours, strict=True):
            law, x = law_at(min(batch, 1e9))
            found = 1 / (1 + law.spread(x)) if law.restoring(x)[0] > 0 else 0.0
            assert found < part if batch == np.inf else found == pytest.approx(part, rel=1e-6)
            beyond += batch == np.inf
    assert 10 < beyond < len(cases)


def test_stored_runs_stand_in_the_repository_once(model):
    names, *rows = json.loads((Path(noise.__file__).parent / "at_rest.json").read_text(encoding="utf-8"))
    runs = runs_at_rest()
    assert sum(map(len, runs.values())) == len(rows)
    row = dict(zip(names, rows[-1], strict=True))
    kept = [row[name] for name in ("turn", "batch", "rank", "ratio")]
    assert runs[row["h"], row["d"], row["sigma2"]][-1] == kept
    (found,) = model(f"{{{stored_module().removeprefix('export ')} return STORED[x]}}", [[8, 32, 2.0]])
    assert found == runs[8, 32, 2.0]
    assert not (Path(widgets_module.__file__).parent / "front" / "stored.js").exists()


FIGURES = {
    PhaseLine: "// Phase line",
    PhaseDiagram: "// Phase diagram",
    RegimeShift: "// Regime shift",
    Clock: "// Clock",
    Survival: "// Survival",
    SGDAtRest: "// SGD at rest",
}


@pytest.mark.parametrize("figure", FIGURES)
def test_every_parameter_is_a_trait_within_bounds_that_can_be_observed(figure):
    made, seen = figure(), []
    made.observe(lambda change: seen.append((change["name"], change["new"])))
    for name, trait in figure.class_own_traits(sync=True).items():
        if isinstance(trait, traitlets.Enum):
            wanted, wrong = trait.values[-1], ["mse", 3]
        elif isinstance(trait, traitlets.List):
            wanted, wrong = [0.5] * 6, [[0.5] * 5, [9.0] * 6, ["much"] * 6, 0.5]
        else:
            wanted, wrong = trait.max, [trait.max + 1, trait.min - 1, "much", None]
            wrong += [0.5] if isinstance(trait, traitlets.Int) else [float("inf"), float("nan")]
        setattr(made, name, trait.min if wanted == getattr(made, name) else wanted)
        assert seen[-1][0] == name
        for value in wrong:
            with pytest.raises(traitlets.TraitError, match=name):
                figure(**{name: value})


@pytest.mark.parametrize("figure", FIGURES)
def test_traits_are_what_is_declared(figure):
    declared, own = PARAMETERS[page_name(figure._figure)], figure.class_own_traits(sync=True)
    assert set(own) == set(declared)
    for name, parameter in declared.items():
        trait = own[name]
        assert (trait.name, trait.help) == (name, parameter["label"].strip())
        assert getattr(figure(), name) == parameter["default"]
        if "options" in parameter:
            assert trait.values == parameter["options"]
            continue
        number = trait._trait if "of" in parameter else trait
        assert (number.min, number.max) == (parameter["min"], parameter["max"])
        assert isinstance(number, traitlets.Int) == (parameter["digits"] == 0)
        assert f"{parameter['min']:g} to {parameter['max']:g}" in figure.__doc__
    assert "{" not in figure.__doc__.partition("Raises")[0]


def test_sliders_can_reach_what_is_declared():
    """Bounds and defaults lie on the steps of a slider, which would else move them, and show in its digits."""
    for parameters in PARAMETERS.values():
        for parameter in parameters.values():
            if "options" in parameter:
                assert parameter["default"] in parameter["options"]
                continue
            low, high, step = parameter["min"], parameter["max"], parameter["step"]
            for value in np.atleast_1d(parameter["default"]).tolist():
                assert low <= value <= high and (value - low) / step == pytest.approx(round((value - low) / step))
            for value in (low, high, step):
                assert float(f"{value:.{parameter['digits']}f}") == pytest.approx(value)


def test_parameters_are_declared_nowhere_else():
    """No other module gives a parameter a label, a bound, a step, digits or a default."""
    assert {page_name(figure._figure) for figure in FIGURES} == set(PARAMETERS)
    widgets = Path(widgets_module.__file__).parent
    python = (widgets / "explorables.py").read_text(encoding="utf-8")
    assert not re.search(r"traitlets\.(Float|Int|Enum|List)|\b(min|max)=[-\d]|[\d.]+ to -?[\d.]+", python)
    scripts = {path.stem: path.read_text(encoding="utf-8") for path in (widgets / "front").glob("*.js")}
    del scripts["parameters"]
    for name, code in {**scripts, "explorables": python}.items():
        assert not re.search(r"\b(min|max|step|digits|default): [-\d]", code), name
        for parameter in (p for parameters in PARAMETERS.values() for p in parameters.values()):
            assert f'"{parameter["label"]}"' not in code, name


@pytest.mark.parametrize("figure", FIGURES)
def test_page_without_a_kernel_gets_the_state_and_a_picture_with_words(figure, monkeypatch):
    monkeypatch.setenv(PICTURES, "1")
    data, _ = figure()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    state = json.loads(html.unescape(re.search(r'data-state="([^"]*)"', data["text/html"])[1]))
    assert state == {name: getattr(figure(), name) for name in figure.class_own_traits(sync=True)}
    assert len(re.search(r' alt="([^"]*)"', data["text/html"])[1]) > 60


@pytest.mark.parametrize("figure", FIGURES)
def test_a_kernel_draws_no_picture_that_nobody_sees(figure, monkeypatch):
    monkeypatch.delenv(PICTURES, raising=False)
    monkeypatch.setattr(figure, "_draw", lambda self: pytest.fail("a picture was drawn"))
    data, _ = figure()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<img" not in data["text/html"] and "data-state=" in data["text/html"]
    assert re.search(r"<p>[^<]{60,}</p>", data["text/html"])


def test_picture_is_drawn_whatever_the_state(monkeypatch):
    monkeypatch.setenv(PICTURES, "1")
    figures = [Survival(f=[0.0] * 6), Survival(w=[-0.5] * 6, f=[0.1] * 6), Clock(rho1=0.5, rho2=0.5, rho3=0.5)]
    figures += [SGDAtRest(h=64, inputs=16, sigma2=0.05), SGDAtRest(turn=-0.5, batch=0.0, h=4, inputs=1, sigma2=2.5)]
    for made in figures:
        assert "<img" in made._repr_mimebundle_()[0]["text/html"]


@pytest.mark.parametrize("figure", FIGURES)
def test_both_hosts_run_the_same_code(figure):
    module = figure()._esm
    assert module.rstrip().endswith("export default { render };")
    assert "\nimport " not in module and "https://" not in module
    code = module[module.index(FIGURES[figure]) : module.rindex("export default")]
    assert code.strip() in page_script()


def test_every_module_loads(browser):
    """As Jupyter loads it; no name in it is declared twice."""
    load = """code => import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })))
        .then(module => typeof module.default.render)"""
    page = browser.new_page()
    assert [page.evaluate(load, figure()._esm) for figure in FIGURES] == ["function"] * len(FIGURES)
    page.close()


def test_code_is_light():
    assert len(gzip.compress(page_script().encode())) < 35_000
