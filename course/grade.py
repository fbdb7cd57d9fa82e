"""Grade submissions on this machine, each with a limit on time and memory, and write a table and a report each.

    python course/grade.py _build/course/autograder/1-cubic-flow.zip submissions/*.ipynb --out grades

A submission that does not end, takes all memory or cannot be read is stopped and marked; the others are graded. The
limits are a fence against mistakes, not against malice: grade strangers' code in a container, as Gradescope does.
"""

import argparse
import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path


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
    submission, autograder = Path(submission).resolve(), Path(autograder).resolve()

    def limit():
        size = int(memory * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (size, size))

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        out.mkdir()
        shutil.copy(submission, folder)
        command = [sys.executable, "-m", "otter", "run", submission.name, "-a", str(autograder), "-o", str(out)]
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=limit,
            start_new_session=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"},
        )
        try:
            log, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # its kernel sees that its parent is gone, and ends too
            process.communicate()
            return Grade(submission.name, f"stopped after {timeout:g} s")
        results = out / "results.json"
        if process.returncode != 0 or not results.exists():
            return Grade(submission.name, "could not be run", messages=[log[-2000:]])
        tests = json.loads(results.read_text(encoding="utf-8"))["tests"]
    made = Grade(submission.name, "graded")
    for test in tests:
        made.score += test.get("score") or 0.0
        made.possible += test.get("max_score") or 0.0
        if (test.get("score") or 0.0) < (test.get("max_score") or 0.0):
            made.messages.append(f"{test['name']}: {test.get('output', '')}")
    return made


def grade_all(autograder, submissions, timeout=120.0, memory=4.0, workers=2):
    """Grade many, in their order."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda path: grade(autograder, path, timeout, memory), submissions))


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
