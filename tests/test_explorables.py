"""Explorables: their model against the library on golden values that are made here, not typed in."""

import gzip

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
    settled_modes,
    surviving_modes,
)
from ncl_lib.widgets import PhaseLine, RegimeShift, model_script, page_script


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
        assert found["alive"] == alive.tolist()
        level = settled_modes(case["w"], case["f"], Setting(0.5, 0.0))[0][alive].max() ** 2
        assert found["level"] == pytest.approx(level, rel=1e-9)


def test_parameters_are_traits_within_bounds_that_can_be_observed():
    figure, seen = PhaseLine(rho=0.1), []
    figure.observe(lambda change: seen.append(change["new"]), "rho")
    figure.rho = 0.2
    assert seen == [0.2]
    for name, value in (("rho", 0.5), ("rho", -0.1), ("sigma2", "much"), ("loss", "mse"), ("w", 2.0), ("size", 0.0)):
        with pytest.raises(traitlets.TraitError, match=name):
            PhaseLine(**{name: value})
    for name, value in (("rho", 0.0), ("mode", 0), ("mode", 17), ("moment", 1.5), ("spread", -0.1)):
        with pytest.raises(traitlets.TraitError, match=name):
            RegimeShift(**{name: value})


def test_page_without_a_kernel_gets_the_state_and_a_picture_with_words():
    data, _ = PhaseLine(loss="cosine", w=0.4)._repr_mimebundle_()
    assert "&quot;loss&quot;: &quot;cosine&quot;" in data["text/html"] and "&quot;w&quot;: 0.4" in data["text/html"]
    assert 'alt="Velocity of a mode' in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data
    data, _ = RegimeShift(mode=3)._repr_mimebundle_()
    assert "&quot;mode&quot;: 3" in data["text/html"] and 'alt="One mode of sixteen' in data["text/html"]


def test_both_hosts_run_the_same_code_and_it_is_light():
    for module, begins in ((PhaseLine()._esm, "// Phase line"), (RegimeShift()._esm, "// Regime shift")):
        assert module.rstrip().endswith("export default { render };")
        assert "\nimport " not in module and "https://" not in module
        figure = module[module.index(begins) : module.rindex("export default")]
        assert figure.strip() in page_script()
    assert len(gzip.compress(page_script().encode())) < 30_000
