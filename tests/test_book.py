"""What every chapter promises its readers, read off its source; and the guard that reads the built pages."""

import re
import statistics
from pathlib import Path

import pytest
import yaml
from scripts import script

ROOT = Path(__file__).parent.parent
BOOK = ROOT / "book"
TOC = yaml.safe_load((BOOK / "_toc.yml").read_text())
CHAPTERS = [entry["file"] for part in TOC["parts"] if part.get("numbered") for entry in part["chapters"]]


def source(name):
    return (BOOK / f"{name}.md").read_text(encoding="utf-8")


def cells(text):
    """Code cells, each as (options, code)."""
    found = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", text, re.S | re.M)
    return [re.fullmatch(r"(---\n.*?\n---\n|(?::[^\n]*\n)*)(.*)", cell, re.S).groups() for cell in found]


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_has_all_its_parts(name):
    text = source(name)
    title, promise = re.search(r"^# (.+)\n\n(.+)", text, re.M).groups()
    assert len(promise) > 60, f"{title} opens with a promise"
    for part in ("After this chapter you can", "## Exercises", "## What to remember", "## Further reading"):
        assert part in text
    assert "{cite" in text.split("## Further reading")[1]
    assert text.count("```{margin}") >= 1


@pytest.mark.parametrize("name", CHAPTERS)
def test_quick_checks_have_one_right_answer_and_say_why_the_others_are_not(name):
    checks = re.findall(r"^::::\{admonition\} Quick check\n(.*?)^::::$", source(name), re.S | re.M)
    assert len(checks) >= 2
    for check in checks:
        answers = re.findall(r"^:::\{dropdown\} [^\n]+\n(.*?)^:::$", check, re.S | re.M)
        assert len(answers) >= 2
        assert sum(answer.startswith("**Right.**") for answer in answers) == 1
        assert all(len(answer) > 40 for answer in answers), "feedback says why"


@pytest.mark.parametrize("name", CHAPTERS)
def test_each_exercise_has_a_solution(name):
    text = source(name)
    exercises = re.findall(r"^```\{exercise\}.*\n:label: (\S+)", text, re.M)
    solutions = re.findall(r"^`{3,}\{solution-start\} (\S+)\n:class: dropdown", text, re.M)
    assert exercises == solutions
    levels = re.findall(r"^```\{exercise\} [^★\n]+ (★+)$", text, re.M)
    assert len(levels) == len(exercises) and set(levels) == {"★", "★★", "★★★"}


@pytest.mark.parametrize("name", [*CHAPTERS, "intro"])
def test_figures_are_folded_captioned_and_described(name):
    figures = 0
    for options, code in cells(source(name)):
        if "plots." not in code.replace("plots.use_book_style()", ""):
            continue
        figures += 1
        options = yaml.safe_load(options.strip("-\n"))
        assert set(options["tags"]) & {"hide-input", "remove-input"}
        assert options["mystnb"]["figure"]["caption"]
        assert len(options["mystnb"]["image"]["alt"]) > 60
    assert figures >= 1


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_asserts_what_it_claims(name):
    code = "\n".join(code for _, code in cells(source(name)))
    assert len(re.findall(r"^\s*assert ", code, re.M)) >= 5
    assert "np.random.seed" not in code
    assert not re.search(r"default_rng\(\)", code), "every generator has a seed"


def visible(name):
    """Code that readers see without unfolding anything."""
    shown = [code for options, code in cells(source(name)) if not re.search(r"(hide|remove)-(input|cell)", options)]
    return [[line for line in code.splitlines() if line.strip()] for code in shown]


@pytest.mark.parametrize("name", CHAPTERS)
def test_what_is_shown_is_an_idea_and_a_call(name):
    shown = visible(name)
    assert max(map(len, shown)) <= 12
    assert not any(line.lstrip().startswith("assert ") for cell in shown for line in cell), "checks are folded"
    text = re.sub(r"^```\{code-cell\}.*?^```$", "", source(name), flags=re.S | re.M)
    words = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " x ", text, flags=re.S).split()
    assert len(words) <= 3000, "a longer chapter is two"


def test_half_of_all_cells_have_at_most_six_lines():
    assert statistics.median(len(cell) for name in CHAPTERS for cell in visible(name)) <= 6


def finished_pages():
    return script("book/_ext/finished_pages.py")


def test_cells_that_are_folded_whole_are_called_checks():
    pages = finished_pages()
    prompts = '<p class="collapsed admonition-title">Show</p><p class="expanded admonition-title">Hide</p>'
    page = "".join(f'<div class="cell tag_{kind} docutils">{prompts}</div>' for kind in ("hide-input", "hide-cell"))
    named = pages.FOLDED.sub(pages.named_as_check, page)
    before, after = named.split("hide-cell")
    assert "check" not in before and ">Show the check</p>" in after and ">Hide the check</p>" in after


def test_guard_finds_third_parties_and_silent_figures():
    page = finished_pages().Page
    text = "A sentence that says what the figure shows"
    assert not page(f'<script src="a.js"></script><img src="b.svg" alt="{text}"><a href="https://x.org">x</a>').faults
    assert page('<script src="https://x.org/a.js"></script>').faults
    assert page('<link rel="stylesheet" href="//x.org/a.css">').faults
    assert page(f'<img src="https://x.org/b.png" alt="{text}">').faults
    assert page('<img src="b.svg">').faults
    assert page('<img src="b.svg" alt="Figure 1">').faults
    assert not page('<img src="../_static/logo.svg" alt="Logo">').faults
    assert page('<img src="../_static/logo.svg">').faults


def test_repository_address_stands_in_one_place():
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    owner = address.removeprefix("https://")
    kept = [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and path.suffix in {".md", ".yml", ".toml", ".cff", ".py", ".txt"}
        and not {".venv", "_build", "_notebooks", ".git"} & set(path.relative_to(ROOT).parts)
        and owner in path.read_text(encoding="utf-8")
    ]
    assert [path.name for path in kept] == ["_config.yml"]


CLAIM = re.compile(r"^:::\{prf:(?:theorem|proposition|lemma|corollary|law)\}[^\n]*\n((?::[a-z]+:[^\n]*\n)*)", re.M)


def test_every_theorem_names_its_standing_and_its_owner():
    marks = script("book/_ext/claims.py")
    for name in CHAPTERS:
        for options in CLAIM.findall(source(name)):
            named = re.search(r"^:class: (\S+) (\S+)$", options, re.M)
            assert named and named[1] in marks.STANDINGS and named[2] in marks.OWNERS, (name, options)
    assert sum(len(CLAIM.findall(source(name))) for name in CHAPTERS) > 60


@pytest.mark.parametrize("name", [*CHAPTERS, "intro"])
def test_every_figure_ends_with_its_standing(name):
    words = "|".join(script("book/_ext/claims.py").STANDINGS.values())
    captions = re.findall(r"    caption: \|\n((?:      [^\n]*\n)+)", source(name))
    assert all(re.search(rf"\*({words})\*$", caption.rstrip()) for caption in captions)


def test_map_of_results_knows_who_rests_on_whom():
    page = (ROOT / "_build" / "html" / "results.html").read_text(encoding="utf-8")
    items = re.findall(r"<li>.*?</li>", page, re.S)
    step = next(item for item in items if "One step of stochastic gradient descent" in item)
    assert "../" not in step and 'href="cosine/normalisation.html#thm-fade"' in step and "exact · textbook" in step
    claims = sum(len(CLAIM.findall(source(name))) for name in CHAPTERS)
    assert len(re.findall(r'<a href="[^"]+#[^"]+" aria-label="[^"]+"><title>', page)) == claims
    curves = re.findall(r'<path d="M\d+ \d+C', page)
    assert len(curves) > 20


def test_each_part_opens_with_what_it_assumes_shows_and_leaves_open():
    parts = [part["chapters"][0]["file"] for part in TOC["parts"] if part.get("numbered")]
    for number, name in enumerate(parts, 1):
        box = re.search(
            rf"\{{admonition\}} Part {number} in three lines\n:class: part\n(.*?)^:::$", source(name), re.S | re.M
        )
        assert box and all(f"- *It {word}*" in box[1] for word in ("assumes", "shows", "does not decide"))


def test_index_of_figures_shows_every_figure_of_the_chapters():
    page = (ROOT / "_build" / "html" / "figures.html").read_text(encoding="utf-8")
    named = sum(source(name).count("    name: fig-") for name in CHAPTERS)
    shown = re.findall(r'<img alt="[^"]{20,}" class="small" loading="lazy" src="_images/', page)
    assert len(shown) >= named > 60
