"""Explorables: their model against the library on golden values that are made here, not typed in."""

import gzip
import html
import json
import re

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
    participation_ratio,
    settled_modes,
    surviving_modes,
)
from ncl_lib.widgets import Clock, PhaseDiagram, PhaseLine, RegimeShift, Survival, model_script, page_script


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


@pytest.mark.parametrize("closure", ["leading", "exact"])
def test_trajectories(model, rng, closure):
    cases = list(starts(rng, 6 if closure == "exact" else 40))
    times = np.linspace(0, 3, 7)
    expression = f"solveModes(x.w, x.f, x.sigma2, x.rho, {times.tolist()}, '{closure}')"
    for case, found in zip(cases, model(expression, cases), strict=True):
        run = CosineModes(Setting(case["sigma2"], case["rho"]), closure).solve(case["w"], case["f"], times)
        compare(found["w"], run.w, 1e-6)
        compare(found["f"], run.f, 1e-6)


def test_pictures_are_as_accurate_as_a_line_is_thick(model, rng):
    """What figures draw: an implicit method of low order that stiff modes do not slow down."""
    cases = list(starts(rng, 30))
    times = [0.0, *np.geomspace(0.1, 1e3, 60)]
    expression = f"solveModes(x.w, x.f, x.sigma2, 0, {[float(t) for t in times]}, 'exact', null, true)"
    for case, found in zip(cases, model(expression, cases), strict=True):
        run = CosineModes(Setting(case["sigma2"], 0.0)).solve(case["w"], case["f"], times, tolerance=1e-6)
        compare(found["w"], run.w, 0.02)


def test_effective_rank(model, rng):
    cases = rng.uniform(0, 1, (200, 7))
    compare(model("participationRatio(x)", cases.tolist()), [participation_ratio(np.diag(f)) for f in cases], 1e-12)


def test_trajectories_with_frozen_norms(model, rng):
    cases = list(starts(rng, 40, parabola=True))
    times = np.linspace(0, 3, 7)
    expression = f"""solveModes(x.w, x.f, x.sigma2, x.rho, {times.tolist()}, 'sixth-order',
        normsOf(x.w, x.f, x.sigma2))"""
    for case, found in zip(cases, model(expression, cases), strict=True):
        setting = Setting(case["sigma2"], case["rho"])
        norms = Norms.of_modes(case["w"], case["f"], setting)
        run = SixthOrderFlow(setting, norms).solve(case["w"], times)
        compare(found["w"][: len(run.t)], run.w, 1e-6)


def test_coupled_sixth_order_run_ends_where_its_predictions_vanish(model):
    w, times = [0.6] * 8, np.linspace(0, 12, 25).tolist()
    (found,) = model(f"solveModes(x, x.map(v => v * v), 0.5, 0, {times}, 'sixth-order')", [w])
    run = CosineModes(Setting(0.5, 0.0), "sixth-order").solve(w, np.square(w), times)
    assert run.status == "singular" and found["t"] == run.t.tolist()


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


FIGURES = {
    PhaseLine: "// Phase line",
    PhaseDiagram: "// Phase diagram",
    RegimeShift: "// Regime shift",
    Clock: "// Clock",
    Survival: "// Survival",
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
def test_page_without_a_kernel_gets_the_state_and_a_picture_with_words(figure):
    data, _ = figure()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    state = json.loads(html.unescape(re.search(r'data-state="([^"]*)"', data["text/html"])[1]))
    assert state == {name: getattr(figure(), name) for name in figure.class_own_traits(sync=True)}
    assert len(re.search(r' alt="([^"]*)"', data["text/html"])[1]) > 60


def test_picture_is_drawn_whatever_the_state():
    for made in (Survival(f=[0.0] * 6), Survival(w=[-0.5] * 6, f=[0.1] * 6), Clock(rho1=0.5, rho2=0.5, rho3=0.5)):
        assert "<img" in made._repr_mimebundle_()[0]["text/html"]


@pytest.mark.parametrize("figure", FIGURES)
def test_both_hosts_run_the_same_code(figure):
    module = figure()._esm
    assert module.rstrip().endswith("export default { render };")
    assert "\nimport " not in module and "https://" not in module
    code = module[module.index(FIGURES[figure]) : module.rindex("export default")]
    assert code.strip() in page_script()


def test_code_is_light():
    assert len(gzip.compress(page_script().encode())) < 30_000
