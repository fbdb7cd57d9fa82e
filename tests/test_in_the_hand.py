"""The site as a finger, a mouse and a printer use it: menus, drags, links to a state, reset, play, paper."""

import re

import pytest
from visits import SITE, Visit

PHONE, TABLET, DESK = ({"width": width, "height": 844} for width in (390, 768, 1440))
CHAPTER = "l2/cubic-flow.html"
TOUCH = {"has_touch": True, "is_mobile": True}


def figure(page, name):
    root = page.locator(f'.explorable[data-explorable="{name}"]')
    root.locator("svg[data-view]").first.wait_for()
    return root


def state(root, parameter):
    return root.evaluate("(e, key) => e.state[key]", parameter)


@pytest.mark.parametrize("viewport", [PHONE, TABLET], ids=["390", "768"])
@pytest.mark.parametrize("kind", ["http", "file"])
def test_menus_open_under_a_finger_and_lead_on(browser, bases, kind, viewport):
    with Visit(browser, bases[kind], CHAPTER, viewport=viewport, **TOUCH) as visit:
        page = visit.page
        page.locator(".primary-toggle:visible").first.tap()
        menu = page.locator("dialog#pst-primary-sidebar-modal[open]")
        menu.wait_for()
        link = menu.locator("a[href$='model.html']").first
        assert link.is_visible()
        page.keyboard.press("Escape")
        menu.wait_for(state="detached") if menu.count() else None
        assert page.locator("dialog[open]").count() == 0
        page.locator(".secondary-toggle:visible").first.tap()
        contents = page.locator("dialog#pst-secondary-sidebar-modal[open]")
        contents.wait_for()
        assert contents.locator("a.nav-link:visible").count() > 3
        page.keyboard.press("Escape")
        page.locator(".primary-toggle:visible").first.tap()
        page.locator("dialog[open] a[href$='model.html']").first.tap()
        page.wait_for_url("**/l2/model.html")
        assert visit.complaints == []


def test_the_side_bar_can_be_put_away_on_a_wide_screen(browser, bases):
    with Visit(browser, bases["http"], CHAPTER, viewport=DESK) as visit:
        side, button = visit.page.locator("#pst-primary-sidebar"), visit.page.locator(".primary-toggle:visible").first
        gone = "e => e.getBoundingClientRect().right <= 0 || getComputedStyle(e).visibility === 'hidden'"
        assert not side.evaluate(gone)
        button.click()
        visit.page.wait_for_function(f"({gone})(document.querySelector('#pst-primary-sidebar'))")
        button.click()
        visit.page.wait_for_function(f"!({gone})(document.querySelector('#pst-primary-sidebar'))")


@pytest.mark.parametrize("viewport", [PHONE, TABLET, DESK], ids=["390", "768", "1440"])
def test_titles_are_larger_than_what_they_head(browser, bases, viewport):
    size = "s => parseFloat(getComputedStyle(document.querySelector(`.bd-article ${s}`)).fontSize)"
    with Visit(browser, bases["http"], CHAPTER, viewport=viewport) as visit:
        sizes = [visit.page.evaluate(size, level) for level in ("h1", "h2", "h3", "p") if level != "h3"]
        assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == len(sizes)


@pytest.mark.parametrize("direction", [(0, 1), (0, -1), (1, 0), (-0.7, 0.7)])
@pytest.mark.parametrize(
    ("path", "name", "view", "across", "up"),
    [
        ("cosine/sixth-order-flow.html", "phase-diagram", "diagram", "beta", "ratio"),
        ("steps/regimes-come-true.html", "sgd-at-rest", "plane", "turn", "batch"),
    ],
    ids=["phase-diagram", "sgd-at-rest"],
)
def test_a_finger_drags_a_handle_in_every_direction(browser, bases, path, name, view, across, up, direction):
    with Visit(browser, bases["http"], path, viewport=PHONE, **TOUCH) as visit:
        page, root = visit.page, figure(visit.page, name)
        handle = root.locator(f'svg[data-view="{view}"] .handle')
        handle.scroll_into_view_if_needed()
        page.evaluate("scrollBy(0, 60)")
        box, top = handle.bounding_box(), page.evaluate("scrollY")
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        client = page.context.new_cdp_session(page)

        def touch(kind, *points):
            client.send(
                "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]}
            )

        touch("touchStart", (x, y))
        before, seen = (state(root, across), state(root, up)), []
        for step in range(1, 13):
            touch("touchMove", (x + 4 * step * direction[0], y + 4 * step * direction[1]))
            page.evaluate("new Promise(requestAnimationFrame)")
            seen.append((state(root, across), state(root, up)))
        touch("touchEnd")
        client.detach()
        assert len(set(seen)) >= 10, "the drag broke off"
        went_right, went_up = seen[-1][0] - before[0], seen[-1][1] - before[1]
        assert went_right * direction[0] > 0 or direction[0] == 0
        assert went_up * -direction[1] > 0 or direction[1] == 0
        assert page.evaluate("scrollY") == top, "the page scrolled away under the finger"


def test_a_finger_beside_the_handles_scrolls_the_page(browser, bases):
    with Visit(browser, bases["http"], "cosine/sixth-order-flow.html", viewport=PHONE, **TOUCH) as visit:
        page, root = visit.page, figure(visit.page, "phase-diagram")
        picture = root.locator('svg[data-view="diagram"]')
        picture.scroll_into_view_if_needed()
        box, top, before = picture.bounding_box(), page.evaluate("scrollY"), state(root, "ratio")
        client = page.context.new_cdp_session(page)
        x, y = box["x"] + 0.3 * box["width"], box["y"] + 0.8 * box["height"]
        assert 0 < y < 844
        client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 21):
            client.send(
                "Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y - 10 * step}]}
            )
            page.evaluate("new Promise(requestAnimationFrame)")
        client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        client.detach()
        page.wait_for_timeout(300)
        assert page.evaluate("scrollY") > top + 100 and state(root, "ratio") == before


@pytest.mark.parametrize("kind", ["http", "file"])
def test_a_link_to_a_state_arrives_there_and_so_does_the_next(browser, bases, kind):
    first = "l2/cubic-flow.html#explorable=phase-line&rho=0.123&w=0.4&loss=L2"
    with Visit(browser, bases[kind], first, viewport=PHONE) as visit:
        page, root = visit.page, figure(visit.page, "phase-line")
        page.wait_for_load_state("load")
        inside = "e => { const t = e.getBoundingClientRect().top; return t > -20 && t < innerHeight / 2; }"
        page.wait_for_function(f"({inside})(document.querySelector('.explorable'))")
        assert (state(root, "rho"), state(root, "w")) == (0.123, 0.4)
        page.evaluate("scrollTo(0, 0)")
        page.evaluate("location.hash = 'explorable=phase-line&rho=0.3&w=0.7'")
        page.wait_for_function("document.querySelector('.explorable').state.rho === 0.3")
        page.wait_for_function(f"({inside})(document.querySelector('.explorable'))")
        page.go_back()
        page.wait_for_function("document.querySelector('.explorable').state.rho === 0.123")
        assert visit.complaints == []


def test_a_link_has_rounded_numbers_and_an_old_one_still_works(browser, bases):
    with Visit(browser, bases["http"], "cosine/sixth-order-flow.html#explorable=phase-diagram&v=0.31&beta=2") as visit:
        root = figure(visit.page, "phase-diagram")
        assert (state(root, "scaled"), state(root, "beta")) == (0.31, 2)
        box = root.locator('svg[data-view="diagram"]').bounding_box()
        visit.page.mouse.move(box["x"] + 140, box["y"] + 90)
        visit.page.mouse.down()
        visit.page.mouse.move(box["x"] + 147.3, box["y"] + 81.7)
        visit.page.mouse.up()
        root.get_by_role("button", name="Link to this state").click()
        numbers = re.findall(r"=(-?[\d.]+)(?:&|$)", visit.page.url.partition("#")[2])
        assert len(numbers) == 3 and all(len(number.partition(".")[2]) <= 3 for number in numbers)


def test_reset_goes_back_to_the_state_of_the_page(browser, bases):
    with Visit(browser, bases["http"], "cosine/sixth-order-flow.html#explorable=phase-line&rho=0.3&loss=L2") as visit:
        root = figure(visit.page, "phase-line")
        assert state(root, "loss") == "L2"
        root.get_by_role("button", name="Reset").click()
        given = root.evaluate("e => JSON.parse(e.dataset.state)")
        assert given["loss"] == "cosine"
        assert {key: state(root, key) for key in given} == given


@pytest.mark.parametrize(("path", "name"), [("past/clock.html", "clock"), ("l2/cubic-flow.html", "phase-line")])
def test_play_does_not_move_the_page(browser, bases, path, name):
    with Visit(browser, bases["http"], path, viewport=PHONE) as visit:
        root = figure(visit.page, name)
        visit.page.evaluate("document.fonts.ready")
        root.locator("button.play").click()
        heights, times = root.evaluate(
            """async (e) => { const heights = [], times = [];
            for (let k = 0; k < 30; k++) {
              await new Promise(requestAnimationFrame); heights.push(e.offsetHeight); times.push(e.state.time); }
            return [heights, times]; }"""
        )
        assert len(set(heights)) == 1 and times[-1] > times[0]


def test_a_dotted_line_has_a_dotted_sample(browser, bases):
    with Visit(browser, bases["http"], "past/clock.html") as visit:
        samples = figure(visit.page, "clock").locator(".legend svg")
        assert samples.count() == 4
        for k in range(4):
            assert samples.nth(k).locator("path.curve").count() == 1 and samples.nth(k).locator("circle").count() == 0


def test_survivors_stay_in_the_picture(browser, bases):
    with Visit(browser, bases["http"], "past/survival.html") as visit:
        root = figure(visit.page, "survival")
        for preset in ("All live", "Too deep", "Nobody is fit to live"):
            root.get_by_role("button", name=preset).click()
            assert root.locator('svg[data-view="plane"] .dot.now').count() == 6, preset
            axis, handle = (
                root.locator(f'svg[data-view="heads"] {part}').first.bounding_box() for part in (".axis", ".handle")
            )
            assert axis["y"] < handle["y"] + handle["height"] / 2 < axis["y"] + axis["height"], preset


def test_a_slider_without_effect_is_disabled(browser, bases):
    with Visit(browser, bases["http"], CHAPTER) as visit:
        root = figure(visit.page, "phase-line")
        slider = root.locator('input[data-parameter="size"]')
        assert slider.is_disabled()
        root.locator('select[data-parameter="loss"]').select_option("cosine")
        assert slider.is_enabled()
        root.locator('select[data-parameter="loss"]').select_option("L2")
        assert slider.is_disabled()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", [CHAPTER, "cosine/theory-and-network.html"])
def test_paper_is_white_with_black_ink_and_cuts_nothing(browser, bases, path, theme):
    with Visit(browser, bases["http"], path, theme, {"width": 700, "height": 900}) as visit:
        page = visit.page
        page.emulate_media(media="print", color_scheme=theme)
        look = page.evaluate(
            """() => { const style = (s) => getComputedStyle(document.querySelector(s));
            const rgb = (c) => c.match(/[\\d.]+/g).slice(0, 3).map(Number);
            return { ink: ['.bd-article p', '.bd-article h1', '.bd-article .highlight pre', '.bd-article figcaption p']
                       .map((s) => rgb(style(s).color)),
                     paper: rgb(style('body').backgroundColor), filter: style('.cell_output img').filter,
                     cut: [...document.querySelectorAll('.bd-article pre')]
                       .filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1).length,
                     hidden: [...document.querySelectorAll('.cell_output pre')]
                       .filter((e) => e.offsetParent && e.scrollHeight > e.clientHeight + 2).length }; }"""
        )
        assert all(max(ink) < 110 for ink in look["ink"]), look
        assert min(look["paper"]) > 240 and look["filter"] == "none", look
        assert look["cut"] == look["hidden"] == 0, look


def test_captions_name_no_colour_that_the_dark_theme_turns_round():
    for page in SITE.rglob("*.html"):
        for caption in re.findall(r"<figcaption>.*?</figcaption>", page.read_text(encoding="utf-8"), flags=re.S):
            words = re.sub(r"<[^>]*>", " ", caption)
            assert not re.search(r"\b(black|white)\b", words), f"{page.name}: {words}"
