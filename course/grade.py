"""Grade submissions on this machine, each with a limit on time and memory, and write a table and a report each.

    python course/grade.py _build/course/autograder/1-cubic-flow.zip submissions/*.ipynb --out grades

A submission that does not end, takes all memory or cannot be read is stopped and marked; the others are graded. The
limits are a fence against mistakes, not against malice: grade strangers' code in a container, as Gradescope does.
"""

import argparse
import contextlib
import csv
import importlib
import json
import math
import os
import resource
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import psutil


@dataclass
class Grade:
    """What became of a submission: points, and for each test that failed what it said."""

    name: str
    status: str
    score: float = 0.0
    possible: float = 0.0
    messages: list[str] = field(default_factory=list)


def grade(autograder, submission, timeout=120.0, memory=4.0):
    """Grade one notebook; `timeout` in seconds, `memory` in gigabytes."""
    (made,) = grade_all(autograder, [submission], timeout, memory, workers=1)
    return made


def grade_all(autograder, submissions, timeout=120.0, memory=4.0, workers=2):
    """Grade many, in their order; files of one name in several folders are told apart by their folders."""
    paths = [Path(path) for path in submissions]
    again = {path.name for k, path in enumerate(paths) if path.name in {other.name for other in paths[:k]}}
    names = [f"{path.resolve().parent.name}-{path.name}" if path.name in again else path.name for path in paths]
    # Loading Otter takes longer than grading. A worker loads it once, and forks a process for each submission; it has
    # no threads that a fork would break.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_load) as pool:
        waiting = [
            pool.submit(_grade, Path(autograder).resolve(), path.resolve(), timeout, memory, name)
            for path, name in zip(paths, names, strict=True)
        ]
        return [future.result() for future in waiting]


def _load():
    os.environ.update(OPENBLAS_NUM_THREADS="1", MPLBACKEND="agg")
    importlib.import_module("otter.run")


def _grade(autograder, submission, timeout, memory, name):
    """Grade one in a process of its own. Whatever goes wrong is said in the grade, so that the others go on."""
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            return _grade_in(Path(folder), autograder, submission, timeout, memory, name)
    except (OSError, ValueError, KeyError) as error:
        return Grade(name, "could not be run", messages=[f"{type(error).__name__}: {error}"])


def _grade_in(folder, autograder, submission, timeout, memory, name):
    out, log = folder / "out", folder / "log"
    out.mkdir()
    shutil.copy(submission, folder / "submission.ipynb")
    process = get_context("fork").Process(target=_run, args=(folder, autograder, out, log, timeout, memory))
    process.start()
    process.join(timeout)
    if process.is_alive():
        # The kernel is a child in a session of its own, and may be too busy to see that its parent is gone.
        for one in [*psutil.Process(process.pid).children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.join()
        return Grade(name, f"stopped after {timeout:g} s")
    results = out / "results.json"
    if process.exitcode != 0 or not results.exists():
        words = log.read_text(encoding="utf-8", errors="replace")
        return Grade(name, "could not be run", messages=[words[-2000:]])
    made = Grade(name, "graded")
    for test in json.loads(results.read_text(encoding="utf-8"))["tests"]:
        score, possible = test.get("score") or 0.0, test.get("max_score") or 0.0
        made.score += score
        made.possible += possible
        if score < possible:
            made.messages.append(f"{test['name']}: {test.get('output', '')}")
    return made


def _run(folder, autograder, out, log, timeout, memory):
    """Become the grader of one submission; its kernel inherits the limits."""
    limit, seconds = int(memory * 2**30), math.ceil(timeout)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    with log.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.chdir(folder)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    importlib.import_module("otter.run").main("submission.ipynb", autograder=str(autograder), output_dir=str(out))


def write(grades, folder):
    """Write ``grades.csv``, and a report for each submission with what its failing tests said."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "grades.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["submission", "status", "score", "possible"])
        for made in grades:
            table.writerow([made.name, made.status, f"{made.score:g}", f"{made.possible:g}"])
            report = "\n\n".join([f"{made.name}: {made.status}, {made.score:g} of {made.possible:g}", *made.messages])
            (folder / f"{made.name}.txt").write_text(f"{report}\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("autograder", type=Path)
    parser.add_argument("submissions", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("grades"))
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for one submission")
    parser.add_argument("--memory", type=float, default=4.0, help="gigabytes for one submission")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    grades = grade_all(given.autograder, given.submissions, given.timeout, given.memory, given.workers)
    write(grades, given.out)
    for made in grades:
        print(f"{made.name:>40} {made.score:6g} of {made.possible:g}  {made.status}")
