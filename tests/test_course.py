"""The assignments: what is generated, and how right, empty, wrong, different and endless submissions are graded.

Needs ``make course`` first, which ``make test`` does.
"""

import re
import zipfile
from multiprocessing import resource_tracker
from pathlib import Path

import nbformat
import numpy as np
import psutil
import pytest
from nbclient import NotebookClient
from scripts import script

import grade as grading
from ncl_lib.course import check_function, check_value

ROOT = Path(__file__).parent.parent
COURSE = ROOT / "_build" / "course"
NAMES = [path.stem for path in sorted((ROOT / "course").glob("[0-9]-*.md"))]


# For each assignment: submissions that are wrong but plausible, as the function that is replaced, its code, and what
# the student is told.
WRONG = {
    "1-cubic-flow": {
        "sign error": (
            "velocity",
            "def velocity(w, sigma2, rho):\n    return w**2 - (1 + sigma2) * w**3 + rho * w",
            "the sign of the decay is wrong",
        ),
        "missing factor": (
            "critical_decay",
            "def critical_decay(sigma2):\n    return 1 / (2 * (1 + sigma2))",
            "a factor 2 is missing",
        ),
        "wrong branch": (
            "equilibria",
            "def equilibria(sigma2, rho):\n    s = 1 + sigma2\n    d = 1 - 4 * s * rho\n"
            "    return np.array([0.0]) if d < 0 else np.array([0.0, (1 - np.sqrt(d)) / (2 * s)])",
            "the branch with the plus sign of the root is missing",
        ),
        "wrong shape": (
            "velocity",
            "def velocity(w, sigma2, rho):\n    return np.sum(w**2 - (1 + sigma2) * w**3 - rho * w)",
            "wrong shape",
        ),
        "hard-coded": (
            "critical_decay",
            "def critical_decay(sigma2):\n    return 0.16666666666666666",
            "it seems to be hard-coded",
        ),
    },
    "2-network-to-modes": {
        "sign error": ("imbalance", "def imbalance(W, F):\n    return W.T @ W - F", "the sign is wrong"),
        "missing factor": (
            "flow",
            "def flow(W, F, sigma2, rho):\n    G = F - (1 + sigma2) * W @ F\n"
            "    return G - rho * W, W.T @ G + G.T @ W - rho * F",
            "the decay of F is 2 rho, a factor 2 is missing",
        ),
        "wrong branch": (
            "modes",
            "def modes(W, F):\n    return np.linalg.eigvalsh(W), np.linalg.eigvalsh(F)",
            "each sorted on their own",
        ),
        "wrong shape": ("imbalance", "def imbalance(W, F):\n    return np.trace(F - W.T @ W)", "wrong shape"),
        "hard-coded": ("commuting", "def commuting(W0, F0, sigma2, rho, end):\n    return 0.01", "hard-coded"),
    },
    "3-sixth-order-flow": {
        "sign error": (
            "border",
            "def border(beta):\n    f = brentq(lambda v: 5 * v**4 - 2 * beta * v - 1, 0, 2 + abs(beta), xtol=1e-14)\n"
            "    return f + beta * f**2 - f**5",
            "the sign of beta is wrong",
        ),
        "missing factor": (
            "coefficients",
            "def coefficients(phi, psi, cross, sigma2):\n    s = 1 + sigma2\n"
            "    return 1 / (phi * psi), s * cross / (phi * psi**3), s / (phi * psi**3)",
            "a factor 2 is missing in q6",
        ),
        "wrong branch": (
            "regime",
            "def regime(v, beta, ratio):\n    if ratio > border(beta):\n        return 'collapse'\n"
            "    return 'stable' if v - beta * v**2 - v**5 > ratio else 'acute'",
            "a mode beyond the stable equilibrium is Stable",
        ),
        "wrong shape": (
            "diagram",
            "def diagram(v, betas, ratios):\n    number = {'collapse': 0, 'acute': 1, 'stable': 2}\n"
            "    return np.array([[number[regime(v, b, r)] for r in ratios] for b in betas])",
            "rows and columns are exchanged",
        ),
        "hard-coded": ("border", "def border(beta):\n    return 0.23049", "it seems to be hard-coded"),
    },
    "4-research-project": {
        "sign error": (
            "one_time",
            "values = np.array([0.0, 0.2, 0.8])\ntimes = -np.random.default_rng(1).uniform(0, 1, (3, 5))\n"
            "result = {'assumption': 'modes start off the parabola by c', 'values': values, 'times': times,\n"
            "          'survives': [True, True, True]}",
            "the sign is wrong",
        ),
        "missing factor": (
            "mean_and_error",
            "def mean_and_error(samples):\n    return np.mean(samples), np.std(samples, ddof=1)",
            "this is the standard deviation, not the standard error",
        ),
        "wrong branch": (
            "shift_time",
            "def shift_time(t, regimes):\n    found = np.flatnonzero(np.asarray(regimes) == Regime.STABLE)\n"
            "    return t[found[0]] if len(found) else None",
            "the mode may leave again",
        ),
        "wrong shape": (
            "one_time",
            "result = {'assumption': 'modes start off the parabola by c', 'values': np.array([0.0, 0.2, 0.8]),\n"
            "          'times': np.ones(3), 'survives': [True, True, True]}",
            "wrong shape",
        ),
        "hard-coded": (
            "one_time",
            "result = {'assumption': 'modes start off the parabola by c', 'values': np.array([0.0, 0.2, 0.8]),\n"
            "          'times': np.array([[1.0] * 5, [2.0] * 5, [3.0] * 5]), 'survives': [True, True, True]}",
            "it seems to be hard-coded",
        ),
    },
}

# Correct in another way than ours: each replaces several functions.
DIFFERENT = {
    "1-cubic-flow": {
        "loops": {
            "velocity": "def velocity(w, sigma2, rho):\n    out = np.empty(np.shape(w))\n"
            "    for k, x in np.ndenumerate(np.asarray(w)):\n        out[k] = x * (x * (1 - (1 + sigma2) * x) - rho)\n"
            "    return out",
            "equilibria": "def equilibria(sigma2, rho):\n    r = np.roots([-(1 + sigma2), 1, -rho, 0])\n"
            "    return sorted(float(x.real) for x in r if abs(x.imag) < 1e-9)",
            "survives": "def survives(w0, sigma2, rho):\n"
            "    y = solve_ivp(lambda t, w: velocity(w, sigma2, rho), (0, 3000), [w0], rtol=1e-8, atol=1e-12).y\n"
            "    return y[0, -1] > 0.1",
        },
        "another root finder": {
            "critical_decay": "def critical_decay(sigma2):\n    w = np.linspace(0, 1, 1000001)\n"
            "    return np.max(w - (1 + sigma2) * w**2)",
            "duration": "def duration(start, end, sigma2, rho):\n"
            "    hit = lambda t, w: w[0] - end\n    hit.terminal = True\n"
            "    f = lambda t, w: velocity(w, sigma2, rho)\n"
            "    run = solve_ivp(f, (0, 1e5), [start], events=hit, rtol=1e-9, atol=1e-12)\n"
            "    return run.t_events[0][0]",
        },
    },
    "2-network-to-modes": {
        "loops": {
            "flow": "def flow(W, F, sigma2, rho):\n    h = len(W)\n    G = np.zeros((h, h))\n"
            "    for i in range(h):\n        for j in range(h):\n"
            "            G[i, j] = F[i, j] - (1 + sigma2) * sum(W[i, k] * F[k, j] for k in range(h))\n"
            "    half = W.T @ G - rho * F\n    return [G - rho * W, half + half.T]",
            "imbalance": "def imbalance(W, F):\n    return np.array(F) - np.einsum('ki,kj->ij', W, W)",
        },
        "another method": {
            "commuting": "def commuting(W0, F0, sigma2, rho, end):\n    W, F = np.array(W0), np.array(F0)\n"
            "    n = 4000\n    dt = end / n\n    for _ in range(n):\n        a, b = flow(W, F, sigma2, rho)\n"
            "        c, d = flow(W + dt / 2 * a, F + dt / 2 * b, sigma2, rho)\n        W, F = W + dt * c, F + dt * d\n"
            "    return float(np.sqrt(np.sum((W @ F - F @ W) ** 2)))",
            "modes": "def modes(W, F):\n    w, V = np.linalg.eig(W)\n    k = np.argsort(w)\n    V = V[:, k]\n"
            "    f = [V[:, j] @ F @ V[:, j] / (V[:, j] @ V[:, j]) for j in range(len(w))]\n    return list(w[k]), f",
        },
    },
    "3-sixth-order-flow": {
        "another maximiser": {
            "border": "def border(beta):\n    r = np.roots([5, 0, 0, 2 * beta, -1])\n"
            "    v = max(x.real for x in r if abs(x.imag) < 1e-9)\n    return v - beta * v**2 - v**5",
            "regime": "def regime(v, beta, ratio):\n    r = np.roots([-1, 0, 0, -beta, 1, -ratio])\n"
            "    up = sorted(x.real for x in r if abs(x.imag) < 1e-9 and x.real > 0)\n"
            "    if not up:\n        return 'collapse'\n    return 'stable' if v > up[0] else 'acute'",
        },
        "lists": {
            "coefficients": "def coefficients(phi, psi, cross, sigma2):\n    k = (1 + sigma2) / (phi * psi * psi**2)\n"
            "    return [(phi * psi) ** -1, k * cross, k + k]",
            "diagram": "def diagram(v, betas, ratios):\n    rows = []\n    for r in ratios:\n        row = []\n"
            "        for b in betas:\n            row.append(['collapse', 'acute', 'stable'].index(regime(v, b, r)))\n"
            "        rows.append(row)\n    return rows",
        },
    },
    "4-research-project": {
        "loops": {
            "shift_time": "def shift_time(t, regimes):\n    answer = None\n    for time, regime in zip(t, regimes):\n"
            "        if regime != Regime.STABLE:\n            answer = None\n        elif answer is None:\n"
            "            answer = float(time)\n    return answer",
        },
        "another experiment": {
            "mean_and_error": "def mean_and_error(x):\n    m = sum(x) / len(x)\n"
            "    return [m, (sum((y - m) ** 2 for y in x) / (len(x) - 1) / len(x)) ** 0.5]",
            "one_time": "def one(batch, seed):\n    rng = np.random.default_rng(seed)\n    s = Setting(0.5, 1.0)\n"
            "    start = LinearNetwork.from_modes(np.full(4, 0.8), np.full(4, 0.64), 8, rng)\n"
            "    run = train(start, s, loss='cosine', learning_rate=0.02, steps=120, batch=batch, rng=rng,\n"
            "                record_every=4)\n    regimes = []\n    for W, F in zip(run.W, run.F):\n"
            "        flow = SixthOrderFlow(s, Norms.of_matrices(W, F, s))\n"
            "        regimes.append(flow.regime(np.linalg.eigvalsh((W + W.T) / 2)[0]))\n"
            "    time = shift_time(run.t, np.array(regimes, dtype=object))\n"
            "    return np.nan if time is None else time\n"
            "batches = [256, 32, 4]\ntimes = [[one(b, seed) for seed in range(5)] for b in batches]\n"
            "result = dict(assumption='Batches are small, so that the flow is noisy', values=batches, times=times,\n"
            "              survives=[bool(np.isfinite(row).mean() > 0.5) for row in times])",
        },
    },
}


def submission(name, folder, label, changes):
    """Our solution with other code for some functions, as a notebook in `folder`."""
    notebook = nbformat.read(COURSE / "solutions" / f"{name}.ipynb", as_version=4)
    for function, code in changes.items():
        (cell,) = [c for c in notebook.cells if c.cell_type == "code" and f"def {function}(" in c.source]
        cell.source = code
    path = folder / f"{label.replace(' ', '-')}.ipynb"
    nbformat.write(notebook, path)
    return path


def test_everything_was_generated():
    assert NAMES == sorted(WRONG) == sorted(DIFFERENT) and len(NAMES) == 4
    for name in NAMES:
        for path in (f"student/{name}.zip", f"autograder/{name}.zip", f"solutions/{name}.ipynb"):
            assert (COURSE / path).is_file(), "run `make course` first"


@pytest.mark.parametrize("name", NAMES)
def test_grades(name, tmp_path):
    papers = {"solution": submission(name, tmp_path, "solution", {})}
    student = COURSE / "student" / name / f"{name}.ipynb"
    papers["empty"] = tmp_path / "empty.ipynb"
    papers["empty"].write_bytes(student.read_bytes())
    for label, (function, code, _) in WRONG[name].items():
        papers[label] = submission(name, tmp_path, label, {function: code})
    for label, changes in DIFFERENT[name].items():
        papers[label] = submission(name, tmp_path, label, changes)
    grades = dict(zip(papers, grading.grade_all(COURSE / "autograder" / f"{name}.zip", papers.values()), strict=True))
    assert {made.status for made in grades.values()} == {"graded"}
    full = grades["solution"].possible
    assert grades["solution"].score == full >= 8, grades["solution"].messages
    assert grades["empty"].score == 0 and grades["empty"].possible == full
    assert not any("Traceback" in message for message in grades["empty"].messages)
    for label, (_, _, told) in WRONG[name].items():
        assert 0 < grades[label].score < full, label
        assert told in "\n".join(grades[label].messages), (label, grades[label].messages)
    for label in DIFFERENT[name]:
        assert grades[label].score == full, (label, grades[label].messages)


def test_endless_greedy_and_broken_submissions_do_not_stop_the_others(tmp_path):
    name = "1-cubic-flow"
    other = tmp_path / "other"
    other.mkdir()
    right = "def velocity(w, sigma2, rho):\n    return w**2 - (1 + sigma2) * w**3 - rho * w"
    papers = [
        submission(name, tmp_path, "endless", {"velocity": "while True:\n    pass"}),
        # One call into C, during which the kernel cannot see that it is to stop.
        submission(name, tmp_path, "deaf", {"velocity": "sum(range(10**13))"}),
        # Its answer is right, and it would get there with four times the memory.
        submission(name, tmp_path, "greedy", {"velocity": f"x = [np.empty(2**28, 'i1') for _ in range(64)]\n{right}"}),
        tmp_path / "broken.ipynb",
        tmp_path / "missing.ipynb",
        submission(name, tmp_path, "solution", {}),
        submission(name, other, "solution", {}),
    ]
    papers[3].write_text("{ this is no notebook", encoding="utf-8")
    resource_tracker.ensure_running()  # a process by which Python keeps track of others, once for all
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    grades = grading.grade_all(COURSE / "autograder" / f"{name}.zip", papers, timeout=30, memory=4)
    endless, deaf, greedy, broken, missing, solution, again = grades
    assert endless.score == deaf.score == 0
    # Stopped by the clock, or by the limit on the processor's time.
    assert {endless.status, deaf.status} <= {"stopped after 30 s", "could not be run"}
    assert greedy.score < solution.possible  # its other answers may count
    assert broken.status == missing.status == "could not be run" and broken.score == missing.score == 0
    assert "FileNotFoundError" in missing.messages[0]
    for made in (solution, again):
        assert made.status == "graded" and made.score == made.possible == 12
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before, "nothing is left running"
    grading.write(grades, tmp_path / "grades")
    table = (tmp_path / "grades" / "grades.csv").read_text(encoding="utf-8")
    assert len(table.splitlines()) == 8 and f"{tmp_path.name}-solution.ipynb,graded,12,12" in table
    assert len(list((tmp_path / "grades").glob("*.txt"))) == 7


def test_building_touches_nothing_else_in_its_folder(tmp_path):
    build = script("course/build.py")
    build.MASTERS = []
    (tmp_path / "mine").write_text("keep", encoding="utf-8")
    build.build(tmp_path)
    assert (tmp_path / "mine").read_text(encoding="utf-8") == "keep"


def secrets():
    """Lines of solutions and of hidden tests, of some length, from the masters."""
    found = set()
    for name in NAMES:
        text = (ROOT / "course" / f"{name}.md").read_text(encoding="utf-8")
        parts = re.findall(r"# BEGIN SOLUTION\n(.*?)# END SOLUTION", text, re.S)
        parts += re.findall(r"hidden: true\n.*?END TEST CONFIG\n(.*?)```", text, re.S)
        public = "\n".join(re.findall(r"BEGIN TEST CONFIG\npoints: \d+\n\"\"\".*?\n(.*?)```", text, re.S))
        for part in parts:
            for line in map(str.strip, part.splitlines()):
                code = len(line) > 24 and not line.startswith(("```", "{raw", "from ", "def ", "#"))
                if code and line not in public:
                    found.add(line)
    return found


def test_no_solution_and_no_hidden_test_leaves_the_house():
    wanted = secrets()
    assert len(wanted) > 60
    published = list((COURSE / "student").rglob("*"))
    site = ROOT / "_build" / "html"
    published += [
        path for path in site.rglob("*") if path.suffix in {".html", ".txt", ".md", ".ipynb", ".js", ".py", ".zip"}
    ]
    library = set()  # and chapters: what stands there anyway is no secret
    for path in [*(ROOT / "ncl_lib").rglob("*.py"), *(ROOT / "book").rglob("*.md")]:
        library.update(map(str.strip, path.read_text(encoding="utf-8").splitlines()))
    leaks = []
    for path in published:
        if not path.is_file():
            continue
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                text = "\n".join(archive.read(entry).decode(errors="replace") for entry in archive.namelist())
        else:
            text = path.read_text(encoding="utf-8", errors="replace")
        plain = text.replace('\\"', '"')
        leaks += [(path.name, line) for line in wanted - library if line in plain]
    assert leaks == []
    assert not list(site.rglob("*autograder*")) and not list(site.rglob("*solution*.ipynb"))


def test_the_check_for_leaks_finds_what_it_looks_for():
    name = NAMES[0]
    solution = (COURSE / "solutions" / f"{name}.ipynb").read_text(encoding="utf-8")
    assert any(line in solution.replace('\\"', '"') for line in secrets())
    with zipfile.ZipFile(COURSE / "autograder" / f"{name}.zip") as archive:
        hidden = archive.read("tests/q4.py").decode()
    assert any(line in hidden for line in secrets())


@pytest.mark.parametrize("name", NAMES)
def test_student_version_is_complete(name):
    folder = COURSE / "student" / name
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    questions = re.findall(r"name: (q\d)\n", (ROOT / "course" / f"{name}.md").read_text(encoding="utf-8"))
    graded = [q for q in questions if (folder / "tests" / f"{q}.py").exists()]
    assert len(graded) >= 3
    for question in graded:
        assert f'grader.check("{question}")' in code
        assert "hidden=True" not in (folder / "tests" / f"{question}.py").read_text(encoding="utf-8")
    assert "SOLUTION" not in code and (folder / "ncl_lib" / "course.py").is_file()
    assert (folder / "README.txt").is_file() and not any(cell.get("outputs") for cell in notebook.cells)


def test_a_student_with_the_archive_alone_is_told_what_to_mend_and_gets_the_points(tmp_path):
    """Unpack, run the checks on an empty sheet, answer, run them again, hand in, be graded."""
    name = "1-cubic-flow"
    with zipfile.ZipFile(COURSE / "student" / f"{name}.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / name
    sheet = nbformat.read(folder / f"{name}.ipynb", as_version=4)

    def run(notebook):
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
        outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        return "\n".join(str(output.get("text", output.get("data", {}).get("text/plain", ""))) for output in outputs)

    told = run(sheet)
    assert told.count("returns nothing yet") >= 5 and "All test cases passed" not in told
    solution = nbformat.read(COURSE / "solutions" / f"{name}.ipynb", as_version=4)
    for cell in sheet.cells:
        define = re.match(r"def \w+\(", cell.source)
        if cell.cell_type == "code" and define:
            (cell.source,) = [c.source for c in solution.cells if c.source.startswith(define[0])]
    told = run(sheet)
    assert told.count("passed!") >= 5 and "returns nothing yet" not in told
    nbformat.write(sheet, tmp_path / "handed-in.ipynb")
    made = grading.grade(COURSE / "autograder" / f"{name}.zip", tmp_path / "handed-in.ipynb")
    assert made.status == "graded" and made.score == made.possible == 12


def test_same_masters_same_archives(tmp_path):
    build = script("course/build.py")
    build.MASTERS = build.MASTERS[:1]
    assert build.build(tmp_path / "course") == NAMES[:1]
    made, kept = (folder / "student" / f"{NAMES[0]}.zip" for folder in (tmp_path / "course", COURSE))
    assert made.read_bytes() == kept.read_bytes()


# ---- What students are told ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (None, "no answer yet"),
        (..., "no answer yet"),
        ("0.25", "expected real numbers"),
        (1j, "expected real numbers"),
        ([0.25], "a single number is needed"),
        (float("nan"), "nan or infinity"),
        (0.5, "a factor 2 is missing"),
        (0.3, "you have 0.3, which is not right"),
        (0.2501, "nearly right, but not to the accuracy asked for"),
    ],
)
def test_a_wrong_value_is_named(found, told):
    with pytest.raises(AssertionError, match=told):
        check_value(found, 0.25, "the threshold", mistakes={"a factor 2 is missing": 0.5})


def test_right_values_pass_in_any_form():
    for found in (0.25, np.float32(0.25), np.array(0.25), 0.25 + 1e-8):
        check_value(found, 0.25, "the threshold")
    check_value((1, 2), [1.0, 2.0], "a pair")


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (None, "no such function yet"),
        (4.0, "not a function"),
        (lambda x: None, "returns nothing yet"),
        (lambda x: 1 / 0, "stops with ZeroDivisionError"),
        (lambda x: 1.0, "it seems to be hard-coded"),
        (lambda x: -(x**2), "the sign is wrong"),
        (lambda x: x**2 if x < 2 else 0.0, r"f\(2.0\): you have 0.0"),
        (lambda x: [x], "wrong shape"),
    ],
)
def test_a_wrong_function_is_named(function, told):
    mistakes = {"the sign is wrong": lambda x: -(x**2), "never looked at": lambda x: [x][3]}
    with pytest.raises(AssertionError, match=told):
        check_function(function, lambda x: x**2, [(1.5,), (2.0,)], "f", mistakes=mistakes)


def test_functions_cannot_spoil_the_cases():
    def spoil(x):
        x *= 0
        return x

    case = (np.ones(3),)
    with pytest.raises(AssertionError):
        check_function(spoil, lambda x: x, [case], "f")
    assert np.array_equal(case[0], np.ones(3))


def test_mistakes_have_to_be_named():
    with pytest.raises(TypeError, match="mistakes"):
        check_function(lambda x: 0.0, lambda x: x, [(1.0,), (2.0,)], "f", mistakes=[lambda x: -x])
