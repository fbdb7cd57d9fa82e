"""Explorables on the built pages: by keyboard, mouse and touch, and against what ncl_lib finds for the same state."""

import itertools
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from visits import NARROW, VARIANTS, Visit

from ncl_lib import (
    CosineModes,
    Norms,
    Regime,
    Setting,
    SixthOrderFlow,
    ThirdOrderFlow,
    clock,
    noise,
    participation_ratio,
    settled_modes,
    surviving_modes,
)
from ncl_lib.widgets import Clock, PhaseDiagram, PhaseLine, RegimeShift, SGDAtRest, Survival
from ncl_lib.widgets.parameters import PARAMETERS
from ncl_lib.widgets.stored import runs_at_rest

FIGURES = {
    "phase-line": ("l2/cubic-flow.html", PhaseLine),
    "phase-diagram": ("cosine/sixth-order-flow.html", PhaseDiagram),
    "regime-shift": ("cosine/regimes.html", RegimeShift),
    "clock": ("past/clock.html", Clock),
    "survival": ("past/survival.html", Survival),
    "sgd-at-rest": ("steps/regimes-come-true.html", SGDAtRest),
}
every_figure = pytest.mark.parametrize("name", FIGURES)


class Explorable:
    """An explorable on an open page, and what it says."""

    def __init__(self, page, name):
        self.page, self.name = page, name
        self.root = page.locator(f"div.explorable[data-explorable={name}]")
        self.root.locator(".summary").wait_for()
        self.root.scroll_into_view_if_needed()

    def slider(self, name):
        return self.root.locator(f"[data-parameter={name}]")

    def sliders(self):
        return self.root.locator("input[type=range]").all()

    def give_effect(self, slider):
        """Choose the other option where a slider has no effect as things are."""
        if slider.is_disabled():
            choice = self.root.locator("select")
            choice.select_option(index=1 - choice.evaluate("s => s.selectedIndex"))
            assert slider.is_enabled()

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    def state(self):
        return self.root.evaluate("e => ({ ...e.state })")

    def summary(self):
        return self.root.locator(".summary").inner_text()

    def move_to(self, **values):
        """Set sliders at once, as a hand does one after the other."""
        self.root.evaluate(
            """(e, values) => Object.entries(values).forEach(([name, value]) => {
                const input = e.querySelector(`[data-parameter=${name}]`);
                input.value = value;
                input.dispatchEvent(new Event("input", { bubbles: true }));
            })""",
            values,
        )

    def handle(self, view, k=0):
        """Centre of a handle in the window, its view in sight."""
        self.root.locator(f"[data-view={view}]").scroll_into_view_if_needed()
        box = self.root.locator(f"[data-view={view}] .handle").nth(k).bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, view, dx, dy=0, k=0):
        x, y = self.handle(view, k)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx, y + dy, steps=4)
        self.page.mouse.up()

    def drag_by_touch(self, view, dx, dy=0, k=0):
        x, y = self.handle(view, k)
        touch = self.page.context.new_cdp_session(self.page)
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for share in (0.25, 0.5, 0.75, 1.0):
            point = {"x": x + share * dx, "y": y + share * dy}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def agrees(self):
        SAYS[self.name](self.state(), self.summary())


def listed(flow):
    return ", ".join(f"{e.w:.3f} ({e.kind})" for e in flow.equilibria())


def phase_line(state, said):
    setting = Setting(state["sigma2"], state["rho"])
    if state["loss"] == "L2":
        flow = ThirdOrderFlow(setting)
    else:
        w = np.full(8, state["size"])
        flow = SixthOrderFlow(setting, Norms.of_modes(w, w**2, setting))
    assert f"Equilibria: {listed(flow)}." in said
    assert said.lower().startswith(flow.regime(state["w"]).value)
    assert f"Critical decay {flow.critical_decay():.4f}." in said
    run = flow.solve(state["w"], np.linspace(0, 60, 121))
    at = round(state["time"] * 2)
    if at >= len(run.t):
        assert "it has run away" in said
    else:
        assert float(re.search(r"it is at (-?[\d.]+)\. ", said)[1]) == pytest.approx(run.w[at, 0], abs=6e-4)


def phase_diagram(state, said):
    # Norms for which the units of the flow are those of the diagram.
    norms = Norms(phi=0.5**0.5, psi=2**0.5, cross=2 * state["beta"])
    flow = SixthOrderFlow(Setting(0.0, state["ratio"]), norms)
    assert flow.scale == pytest.approx(1)
    assert said.lower().startswith(flow.regime(state["scaled"]).value)
    assert f"border at {flow.critical_decay():.4f}." in said
    assert f"Equilibria in units of the flow's scale: {listed(flow)}." in said


def regime_shift(state, said):
    w, times = RegimeShift(**state).start(), np.linspace(0, 3 / state["rho"], 81)
    setting, mode = Setting(state["sigma2"], state["rho"]), state["mode"] - 1
    exact = CosineModes(setting).solve(w, w**2, times, tolerance=1e-6).regimes[:, mode]
    coupled = CosineModes(setting, "leading").solve(w, w**2, times).regimes[:, mode]
    frozen = SixthOrderFlow(setting, Norms.of_modes(w, w**2, setting))
    alone = frozen.regime(frozen.solve(w, times).w[:, mode])
    for words, regimes in (("exact", exact), ("norms coupled", coupled), ("norms frozen", alone)):
        path = [regimes[0].value] + [b.value for a, b in itertools.pairwise(regimes) if a != b]
        now = regimes[min(round(state["moment"] * 80), len(regimes) - 1)].value
        assert f"{words}: {now} at this moment ({', then '.join(path)})" in said


def three_clocks(state, said):
    start = Clock(spread=state["spread"]).start()
    found = re.findall(
        r"under ρ = ([\d.]+) the clock reads ([\d.]+), the head is (-?[\d.]+), its shape (-?[\d.]+), "
        r"the effective rank (\d+\.\d+)",
        said,
    )
    assert [float(rho) for rho, *_ in found] == [state["rho1"], state["rho2"], state["rho3"]]
    for words in found:
        rho, tau, head, shape, rank = map(float, words)
        run = CosineModes(Setting(state["sigma2"], rho)).solve(*start, [0.0, max(state["time"], 1e-9)], tolerance=1e-6)
        j = state["mode"] - 1
        assert tau == pytest.approx(clock([0.0, max(state["time"], 1e-9)], rho)[-1], rel=2e-3, abs=2e-9)
        assert head == pytest.approx(run.w[-1, j], abs=6e-3)
        assert shape == pytest.approx(run.shape_w[-1, j], abs=6e-3)
        assert rank == pytest.approx(participation_ratio(np.diag(run.f[-1])), abs=0.05)


def numbers(alive, wanted):
    return ", ".join(str(k + 1) for k in np.flatnonzero(np.asarray(alive) == wanted)) or "none"


def survival(state, said):
    w, f, setting = state["w"], state["f"], Setting(state["sigma2"], 0.0)
    end = CosineModes(setting).solve(w, f, [0.0, 1e14], tolerance=1e-7).shape_f[-1]
    lives = end > 1e-6 * end.max()
    if not np.any((end > 1e-8 * end.max()) & (end < 1e-4 * end.max())):  # else a picture need not see it
        assert f"In the exact run: {numbers(lives, True)} live, {numbers(lives, False)} die." in said
    alive = surviving_modes(w, f, setting)
    able = np.flatnonzero((np.asarray(f) > 0) & ((f > np.square(w)) | (np.asarray(w) > 0)))
    if len(able) == 0 or (len(able) == 1 and w[able[0]] <= 0):
        assert said.startswith(f"Only mode {able[0] + 1} is fit" if len(able) else "Nobody is fit to live")
        return
    if "a lone survivor" in said:
        assert alive.sum() > 1
        return
    level = settled_modes(w, f, setting)[0][alive].max()
    assert f"Water rises to {level**2:.3f}, heads of the living to {level:.3f};" in said
    assert f"by the level {numbers(alive, True)} live, {numbers(alive, False)} die." in said


def at_rest(state, said):
    turn, batch, h = 10 ** state["turn"], round(2 ** state["batch"]), state["h"]
    law = noise.features_at_rest(Setting(state["sigma2"], 1.0), h, h * state["inputs"], turn, batch)
    if law.survive:
        rank, verb, rate = re.search(
            r"^Features survive: effective rank ([\d.]+) of \d+ .* (fades|grows) ([\d.]+) times", said
        ).groups()
        assert float(rank) == pytest.approx(law.effective_rank, abs=0.0051)
        assert (verb == "fades") == (law.return_rate > 0)
        assert float(rate) == pytest.approx(abs(law.return_rate), abs=0.0051)
    else:
        assert said.startswith("Features do not all survive: directions die one after the other")
    lost, excess = re.search(r"Noise is ([\d.]+) % .* r/r_c, is ([\d.e+-]+): ", said).groups()
    assert float(lost) == pytest.approx(100 * (1 - law.signal), abs=0.051)
    assert float(excess) == pytest.approx(law.ratio, rel=0.0051)
    assert f"features would {'collapse' if law.ratio > 1 else 'live'}." in said
    assert f"in batches of {batch}." in said
    stored = len(runs_at_rest().get((h, h * state["inputs"], state["sigma2"]), []))
    assert (f"{stored} stored runs have this shape" if stored else "No stored run has this shape") in said


SAYS = {
    "phase-line": phase_line,
    "phase-diagram": phase_diagram,
    "regime-shift": regime_shift,
    "clock": three_clocks,
    "survival": survival,
    "sgd-at-rest": at_rest,
}
# One handle to drag in each, by how many pixels, and what must change.
DRAGS = {
    "phase-line": ("velocity", 40, 0, "w"),
    "phase-diagram": ("diagram", 30, 20, "beta"),
    "regime-shift": ("exact", 40, 0, "moment"),
    "clock": ("over", 40, 0, "time"),
    "survival": ("plane", -30, 20, "w"),
    "sgd-at-rest": ("plane", 30, 20, "batch"),
}


@every_figure
def test_words_agree_with_the_library(browser, bases, name, rng):
    page, widget = FIGURES[name]
    with Visit(browser, bases["http"], page) as visit:
        figure = Explorable(visit.page, name)
        figure.agrees()
        buttons = figure.root.locator(".buttons button:not(.play, .reset)").all()[:-1]
        assert len(buttons) >= 3
        for button in buttons:
            button.click()
            figure.agrees()
            said, label = figure.summary(), button.inner_text()
            if label.lower() in {regime.value for regime in Regime}:
                named = f"exact: {label.lower()} at this moment" if name == "regime-shift" else label
                assert named in said
        if name != "regime-shift":  # there the words hang on the very moment at which a border is crossed
            for _ in range(8):
                ranges = "e => [...e.querySelectorAll('input')].map(i => [i.dataset.parameter, +i.min, +i.max])"
                bounds = figure.root.evaluate(ranges)
                figure.move_to(**{key: rng.uniform(low, high) for key, low, high in bounds})
                figure.agrees()
        figure.button("Reset").click()
        start = widget()
        assert figure.state() == {key: getattr(start, key) for key in widget.class_own_traits(sync=True)}
        assert visit.complaints == [] and visit.elsewhere == []


@every_figure
def test_controls_are_what_is_declared(browser, bases, name):
    seen = """e => Object.fromEntries([...e.querySelectorAll(".controls label")].map(label => {
        const input = label.querySelector("[data-parameter]");
        const { min, max, step } = input;
        const options = input.options && [...input.options].map(option => option.value);
        const digits = input.options ? 0 : (label.querySelector("output").value.split(".")[1] || "").length;
        return [input.dataset.parameter, [label.firstChild.textContent, options ?? [+min, +max, +step, digits]]];
    }))"""
    with Visit(browser, bases["http"], FIGURES[name][0]) as visit:
        figure = Explorable(visit.page, name)
        found = figure.root.evaluate(seen)
        assert list(found) == list(PARAMETERS[name])
        for key, parameter in PARAMETERS[name].items():
            wanted = parameter.get("options") or [parameter[part] for part in ("min", "max", "step", "digits")]
            assert found[key] == [parameter["label"], wanted], key


@every_figure
@pytest.mark.parametrize(("kind", "theme", "viewport"), VARIANTS)
def test_every_control_by_keyboard_and_mouse(browser, bases, name, kind, theme, viewport):
    with Visit(browser, bases[kind], FIGURES[name][0], theme, viewport) as visit:
        page, figure = visit.page, Explorable(visit.page, name)
        for slider in figure.sliders():
            figure.give_effect(slider)
            output = slider.locator("xpath=../output")
            before, (value, high, step) = output.inner_text(), slider.evaluate("i => [+i.value, +i.max, +i.step]")
            slider.focus()
            key = "ArrowRight" if value < high else "ArrowLeft"
            for _ in range(3):
                page.keyboard.press(key)
            moved = slider.evaluate("i => +i.value") - value
            assert abs(moved) == pytest.approx(3 * step), slider.get_attribute("data-parameter")
            assert output.inner_text() != before
        view, dx, dy, changes = DRAGS[name]
        figure.button("Reset").click()
        before = figure.state()
        figure.drag(view, dx, dy)
        assert figure.state()[changes] != before[changes]
        figure.agrees()
        for label in figure.root.locator(".buttons button").all():
            label.focus()
            page.keyboard.press("Enter")
        assert figure.root.locator(".play").count() == 1
        assert visit.complaints == [] and visit.elsewhere == []


@every_figure
def test_bears_all_extremes_at_once(browser, bases, name):
    with Visit(browser, bases["file"], FIGURES[name][0], "dark", NARROW) as visit:
        figure = Explorable(visit.page, name)
        wrong = figure.root.evaluate("""root => {
            const wrong = [];
            const inputs = [...root.querySelectorAll("input, select")];
            const outside = () => [...root.querySelectorAll(".views > svg")].some(svg => {
                const frame = svg.getBoundingClientRect();
                return [...svg.querySelectorAll(".dot, .handle, text")].some(mark => {
                    const box = mark.getBoundingClientRect();
                    return box.right > frame.right + 2 || box.left < frame.left - 2
                        || box.bottom > frame.bottom + 2 || box.top < frame.top - 2;
                });
            });
            for (let bits = 0; bits < 2 ** inputs.length; bits++) {
                inputs.forEach((input, k) => {
                    const end = (bits >> k) & 1;
                    input.value = input.tagName === "SELECT" ? input.options[end].value : end ? input.max : input.min;
                    input.dispatchEvent(new Event("input", { bubbles: true }));
                });
                const drawn = [...root.querySelectorAll("svg")].map(svg => svg.innerHTML).join("");
                const said = root.querySelector(".summary").textContent;
                if (/NaN|Infinity/.test(drawn) || /NaN|Infinity|undefined/.test(said) || outside()
                    || root.scrollWidth > root.clientWidth) wrong.push(JSON.stringify(root.state));
            }
            return wrong;
        }""")
        assert wrong == []
        assert visit.complaints == []


@every_figure
def test_by_touch(browser, bases, name):
    with Visit(browser, bases["http"], FIGURES[name][0], viewport=NARROW, has_touch=True) as visit:
        page, figure = visit.page, Explorable(visit.page, name)
        figure.root.locator(".buttons button:not(.play)").first.tap()
        figure.agrees()
        for slider in figure.sliders():
            figure.give_effect(slider)
            slider.scroll_into_view_if_needed()
            box = slider.bounding_box()
            page.touchscreen.tap(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
            share = slider.evaluate("i => (i.value - i.min) / (i.max - i.min)")
            assert share == pytest.approx(0.8, abs=0.12), slider.get_attribute("data-parameter")
        figure.button("Reset").tap()
        view, dx, dy, changes = DRAGS[name]
        before = figure.state()
        figure.drag_by_touch(view, dx, dy)
        assert figure.state()[changes] != before[changes]
        figure.agrees()
        # A finger far from every handle takes none along while it moves.
        before, box = figure.state(), figure.root.locator(f"[data-view={view}]").bounding_box()
        touch = page.context.new_cdp_session(page)
        corner = {"x": box["x"] + 0.3 * box["width"], "y": box["y"] + 0.12 * box["height"]}
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [corner]})
        assert figure.state() == before
        touch.send("Input.dispatchTouchEvent", {"type": "touchCancel", "touchPoints": []})
        assert visit.complaints == []


@every_figure
def test_link_reproduces_the_state(browser, bases, name):
    with Visit(browser, bases["http"], FIGURES[name][0]) as visit:
        figure = Explorable(visit.page, name)
        figure.root.locator(".buttons button:not(.play)").nth(2).click()
        view, dx, dy, _ = DRAGS[name]
        figure.drag(view, dx, dy)
        figure.root.get_by_role("button", name="Link").click()
        wanted, address = figure.state(), visit.page.evaluate("location.href")
        visit.page.goto("about:blank")
        visit.page.goto(address)
        found = Explorable(visit.page, name).state()
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():  # an address gives as many digits as the figure shows, at least two
            assert found[key] == (value if isinstance(value, str) else pytest.approx(value, abs=0.0051)), key


def test_nonsense_in_a_link_is_put_right(browser, bases):
    page, _ = FIGURES["survival"]
    nonsense = "#explorable=survival&mode=2.6&w=a,9,0,0,0,0&f=0.1&sigma2=-1&moment="
    with Visit(browser, bases["http"], page + nonsense) as visit:
        state = Explorable(visit.page, "survival").state()
        start = Survival()
        assert state["mode"] == 3 and state["sigma2"] == 0 and state["w"] == start.w and state["f"] == start.f
        assert visit.complaints == []


@every_figure
def test_plays_and_pauses(browser, bases, name):
    with Visit(browser, bases["http"], FIGURES[name][0]) as visit:
        page, figure = visit.page, Explorable(visit.page, name)
        play, live = figure.root.locator(".play"), figure.root.locator(".summary")
        before, label = figure.state(), play.inner_text()
        play.click()
        page.wait_for_timeout(400)
        assert play.inner_text() == "Pause" and live.get_attribute("aria-live") == "off"
        play.click()
        moved = figure.state()
        assert moved != before and play.inner_text() == label and live.get_attribute("aria-live") == "polite"
        page.wait_for_timeout(200)
        assert figure.state() == moved
        figure.agrees()


@every_figure
def test_picture_stands_in_without_scripts(browser, bases, name):
    with Visit(browser, bases["file"], FIGURES[name][0], java_script_enabled=False) as visit:
        picture = visit.page.locator(f"div.explorable[data-explorable={name}] img")
        assert picture.is_visible() and len(picture.get_attribute("alt")) > 60


def test_hovering_the_diagram_names_the_regime_and_leaves_the_state(browser, bases):
    with Visit(browser, bases["http"], FIGURES["phase-diagram"][0]) as visit:
        figure = Explorable(visit.page, "phase-diagram")
        before, said = figure.state(), figure.summary()
        curve = "e => e.querySelector('[data-view=velocity] path.curve:not(.thin)').getAttribute('d')"
        drawn = figure.root.evaluate(curve)
        box = figure.root.locator("[data-view=diagram]").bounding_box()
        visit.page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.2 * box["height"])
        hovered = figure.summary()
        assert hovered.startswith("Collapse") and figure.root.evaluate(curve) != drawn
        beta, ratio = map(float, re.search(r"Coupling (-?[\d.]+), decay ratio ([\d.]+),", hovered).groups())
        assert 2 < beta < 3 and 0.3 < ratio < 3
        visit.page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] - 40)
        assert figure.state() == before and figure.summary() == said and figure.root.evaluate(curve) == drawn


def test_stored_runs_are_marked_by_the_rank_that_they_have_shown(browser, bases):
    page, _ = FIGURES["sgd-at-rest"]
    with Visit(browser, bases["http"], page) as visit:
        figure = Explorable(visit.page, "sgd-at-rest")
        for (h, d, sigma2), runs in [*runs_at_rest().items(), ((12, 24, 0.5), [])]:
            figure.move_to(h=h, inputs=d // h, sigma2=sigma2)
            parts = np.array([rank / h for _, _, rank, _ in runs])
            for view in ("plane", "ranks"):
                marks = [
                    figure.root.locator(f"[data-view={view}] {kind}") for kind in (".dot:not(.open)", ".open", ".cross")
                ]
                wanted = [np.sum(parts >= 0.9), np.sum((parts >= 0.5) & (parts < 0.9)), np.sum(parts < 0.5)]
                assert [mark.count() for mark in marks] == wanted, (h, d, sigma2, view)
            figure.agrees()


def test_the_batch_can_be_dragged_along_its_path(browser, bases):
    page, _ = FIGURES["sgd-at-rest"]
    with Visit(browser, bases["http"], page) as visit:
        figure = Explorable(visit.page, "sgd-at-rest")
        for view, dx, dy in (("diagram", 0, -20), ("ranks", 20, 0)):
            figure.button("Reset").click()
            before = figure.state()
            figure.drag(view, dx, dy)
            after = figure.state()
            assert after["batch"] < before["batch"] - 0.5 and {**after, "batch": 4} == before
            figure.agrees()
        # Where a mouse only passes over the plane the words follow, and the state stays.
        before, said = figure.state(), figure.summary()
        x, y = figure.handle("plane")
        visit.page.mouse.move(x + 60, y + 50)
        assert figure.summary() != said and figure.state() == before
        visit.page.mouse.move(x, y - 400)
        assert figure.summary() == said


def test_presets_hold_for_both_losses(browser, bases):
    with Visit(browser, bases["http"], "cosine/sixth-order-flow.html") as visit:
        figure = Explorable(visit.page, "phase-line")
        for loss in ("L2", "cosine"):
            figure.slider("loss").select_option(loss)
            for name in ("Collapse", "Acute", "Stable"):
                figure.button(name).click()
                assert figure.summary().startswith(name) and figure.state()["loss"] == loss
                figure.agrees()


def test_a_hand_stops_the_play(browser, bases):
    with Visit(browser, bases["http"], FIGURES["phase-diagram"][0]) as visit:
        page, figure = visit.page, Explorable(visit.page, "phase-diagram")
        x, y = figure.handle("diagram")  # before it runs away

        def press():
            page.mouse.move(x + 30, y)
            page.mouse.down()
            page.mouse.up()

        for stop in (figure.button("Collapse").click, press, lambda: figure.slider("ratio").press("ArrowRight")):
            figure.root.locator(".play").click()
            page.wait_for_timeout(100)
            stop()
            assert figure.root.locator(".play").inner_text() != "Pause"
            before = figure.state()
            page.wait_for_timeout(200)
            assert figure.state() == before


def test_only_the_first_button_of_a_mouse_drags(browser, bases):
    with Visit(browser, bases["http"], FIGURES["survival"][0]) as visit:
        figure = Explorable(visit.page, "survival")
        before = figure.state()
        x, y = figure.handle("plane")
        visit.page.mouse.move(x + 20, y + 20)
        visit.page.mouse.down(button="right")
        visit.page.mouse.move(x + 40, y + 20)
        visit.page.mouse.up(button="right")
        assert figure.state() == before


def test_time_moves_the_point_on_the_phase_line(browser, bases):
    for name, moves in (("phase-line", {"time": 8}), ("regime-shift", {"moment": 0.9})):
        with Visit(browser, bases["http"], FIGURES[name][0]) as visit:
            figure = Explorable(visit.page, name)
            place = "e => e.querySelector('[data-view=velocity] .dot.now').getAttribute('cx')"
            before = figure.root.evaluate(place)
            figure.move_to(**moves)
            assert figure.root.evaluate(place) != before


# Smallest ratio of luminances between a text and what may lie behind it: its ground, or a coloured area on that.
CONTRAST = """root => {
    const parse = text => {
        const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
        return text.startsWith("color(srgb") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
    };
    const over = ([r, g, b, a], ground) => [r, g, b].map((x, k) => a * x + (1 - a) * ground[k]);
    const luminance = rgb => rgb.map(x => x / 255).map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
        .reduce((sum, x, k) => sum + x * [0.2126, 0.7152, 0.0722][k], 0);
    const ratio = (a, b) => {
        const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
        return (high + 0.05) / (low + 0.05);
    };
    let ground = [255, 255, 255];
    const layers = [];
    for (let e = root; e; e = e.parentElement) layers.unshift(parse(getComputedStyle(e).backgroundColor));
    for (const layer of layers) ground = over(layer, ground);
    const areasOf = (svg, which = ".basin, .doom, .warn, .stone") => [...svg.querySelectorAll(which)].map(area => {
        const style = getComputedStyle(area);
        const colour = parse(style.fill);
        return over([...colour.slice(0, 3), colour[3] * Number(style.fillOpacity)], ground);
    });
    const found = [];
    for (const text of root.querySelectorAll("label, output, button, .summary, .legend span, svg text, select")) {
        const drawn = text.tagName === "text";
        const inFrame = drawn && text.parentElement === text.ownerSVGElement.lastElementChild;
        const colour = parse(getComputedStyle(text)[drawn ? "fill" : "color"]);
        for (const behind of inFrame ? [ground, ...areasOf(text.ownerSVGElement)] : [ground])
            found.push(ratio(over(colour, behind), behind));
    }
    const dots = [...root.querySelectorAll(".dot:not(.open), .handle:not(.dies)")].flatMap(dot => {
        const colour = parse(getComputedStyle(dot).fill);
        const shades = ".basin:not(.strong), .doom:not(.strong), .warn.weak"; // not ribbons and columns
        const grounds = [ground, ...areasOf(dot.ownerSVGElement, shades)];
        return grounds.map(behind => ratio(over(colour, behind), behind));
    });
    return [Math.min(...found), found.length, Math.min(...dots)];
}"""


@every_figure
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible(browser, bases, name, theme):
    with Visit(browser, bases["http"], FIGURES[name][0], theme) as visit:
        figure = Explorable(visit.page, name)
        for button in figure.root.locator(".buttons button:not(.play)").all()[:3]:
            button.click()
            found = Axe().run(visit.page, f"[data-explorable={name}]")
            assert found.violations_count == 0, found.generate_report()
            contrast, count, dots = figure.root.evaluate(CONTRAST)
            assert count > 20 and contrast >= 4.5 and dots >= 3
