"""How fast a class is graded, beside stock nbgrader: `python -m benchmarks.grading`.

A class hands in one TensorFlow notebook. Two graders take turns on this machine, so that whatever
else it does falls on both:

*Ours* is `course grade` on the whole class, from an empty course: starting Python, importing
TensorFlow, making a new gradebook, and as many confined kernels at once as there are cores.

*Stock* is what an instructor would use instead: `nbgrader autograde` with nbgrader's own defaults
(its preprocessors, an ordinary ipykernel a submission, one after the other, for it knows no other
way) on an equal assignment. Equal means: the same cells, the same students' answers, and in place
of each check a hidden test that runs the same probe on the same inputs and compares with numbers
that stand in the test. That is less work than most hidden tests do, since nothing is computed for
comparison. It need not confine anything, tell no misconception apart, and write no report; ours
does all of that.

Stock nbgrader runs a notebook as it was handed in, with the cells that only show something (tagged
`demo`: figures, timings), which ours leaves out on purpose. That is the comparison that a class is
graded by. Beside it stands the stricter one, in which they are taken out of stock's notebooks, too.

Stock works on a part of the class in each round, and its own start (measured with a student who
does not exist) counts in the first round only. A round's ratio is between neighbours in time.

*A student's own computing* is measured without any grader: a process that has imported TensorFlow
forks, and the child runs the notebook's cells and the probes. What `course grade --jobs 1` takes
beyond that, its start included, is the overhead.

*Processor time* of each is what Linux counted for the command and all that it started; beside the
clock, it says what a busy machine hides.

    python -m benchmarks.grading --submissions 60 --rounds 3 --json grading.json
"""

from __future__ import annotations

import argparse
import base64
import copy
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.course import Course
from autograder.exercises import assignments
from autograder.kernels import TENSORFLOW_KERNEL, require_confinement
from autograder.submission import Assignment
from autograder.values import encode
from benchmarks.kernels import make_known, measure

COURSE = Course(Path(__file__).resolve().parents[1])
ASSIGNMENT = "02_static_unrolling"
SEED = 4
LEFT_OUT = 4  # every so many students hand in without the last exercise

MARKS = {"ratio": 15.0, "overhead": 0.3, "memory": 150.0}

HIDDEN_TEST = """\
### BEGIN HIDDEN TESTS
import base64 as _base64
import numpy as _np
from autograder.probes import answer_request as _answer
from autograder.values import decode as _decode

def _close(a, b):
    if isinstance(b, dict):
        return a.keys() == b.keys() and all(_close(a[key], b[key]) for key in b)
    if isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_close, a, b))
    if isinstance(b, (_np.ndarray, float)):
        return _np.shape(a) == _np.shape(b) and _np.allclose(a, b, 1e-4, 1e-5)
    return a == b

_found = _decode(_answer(_base64.b64decode("{request}").decode(), globals()))
_expected = _decode(_base64.b64decode("{expected}").decode())
assert _found["defined"], "there is no {name}"
assert _close([one["value"] for one in _found["outcomes"]], _expected)
### END HIDDEN TESTS"""

OWN_COMPUTING = """\
import json, os, sys, time
from course_lib.quiet import load_tensorflow
import keras, matplotlib.pyplot, numpy, ipykernel.zmqshell
from IPython.core.interactiveshell import InteractiveShell
import autograder.probes
load_tensorflow()
cells = json.load(open(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    sys.stdout.flush()
    if os.fork() == 0:
        shell = InteractiveShell.instance()
        started = time.perf_counter()
        with open(os.devnull, "w") as nothing:
            out, sys.stdout = sys.stdout, nothing
            results = [shell.run_cell(cell) for cell in cells]
            sys.stdout = out
        seconds = time.perf_counter() - started
        failed = [r for r in results if not r.success]
        print(json.dumps({"seconds": seconds, "failed": len(failed)}), flush=True)
        os._exit(0)
    os.wait()
"""


def handed_in(name: str, student: int) -> NotebookNode:
    """One student's notebook: the solution, with something of their own, and gaps now and then."""
    notebook = nbformat.read(COURSE.solution(name), as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    if student % LEFT_OUT == LEFT_OUT - 1:
        last = assignments()[name][-1].id
        (answer,) = (cell for cell in notebook.cells if cell.id == last)
        answer.source = "# YOUR CODE HERE\nraise NotImplementedError"
    own = nbformat.v4.new_code_cell(
        f"# {student}\nmine = sum(range({student}))", id=f"own-{student}"
    )
    notebook.cells.append(own)
    return notebook


def students(count: int, rounds: int, for_stock: int) -> list[str]:
    """Their names; a name begins with the round in which stock nbgrader grades it, if it does."""
    return [
        f"round{number % rounds}-student{number:03}" if number < for_stock else f"rest-{number:03}"
        for number in range(count)
    ]


def is_demo(cell: NotebookNode) -> bool:
    """Whether the cell is for looking at only."""
    return "demo" in cell.metadata.get("tags", [])


def hidden_tests(assignment: Assignment) -> dict[str, str]:
    """For each check cell the hidden test that asks the same of an answer."""
    tests = {}
    for judge in assignment.judges.values():
        question = assignment.questions[f"check-{judge.exercise.id}"]
        request = encode(
            {
                "name": question.name,
                "probe": question.probe,
                "cases": list(question.cases),
                "asks": False,
            }
        )
        expected = encode([outcome.value for outcome in judge.expected])
        tests[f"check-{judge.exercise.id}"] = HIDDEN_TEST.format(
            name=question.name,
            request=base64.b64encode(request.encode()).decode(),
            expected=base64.b64encode(expected.encode()).decode(),
        )
    return tests


# ---- the two graders


class Ours:
    """`course grade`, each time on the whole class in a new course."""

    def __init__(self, folder: Path, name: str, everybody: list[str]) -> None:
        self.folder, self.name = folder, name
        for number, student in enumerate(everybody):
            path = folder / "class" / student / name / f"{name}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(handed_in(name, number), path)

    def grade(self, *options: str) -> tuple[float, dict[str, float]]:
        """Seconds for the whole class, and every score."""
        course = self.folder / "course"
        shutil.rmtree(course, ignore_errors=True)
        course.mkdir()
        shutil.copy(COURSE.root / "nbgrader_config.py", course)
        shutil.copytree(COURSE.notebooks, course / "notebooks")
        started = time.perf_counter()
        run(
            [
                *(sys.executable, "-m", "autograder.cli", "grade", str(self.folder / "class")),
                *("--seed", str(SEED), "--json", str(course / "grades.json"), *options),
            ],
            course,
        )
        seconds = time.perf_counter() - started
        report = json.loads((course / "grades.json").read_text(encoding="utf-8"))
        return seconds, {one["student"]: one["score"] for one in report["submissions"]}


class Stock:
    """nbgrader as it comes, on an equal assignment."""

    def __init__(
        self, folder: Path, assignment: Assignment, everybody: list[str], *, with_demos: bool
    ) -> None:
        self.folder, self.name, self.with_demos = folder, assignment.name, with_demos
        self.tests = hidden_tests(assignment)
        source = nbformat.read(COURSE.solution(self.name), as_version=4)
        self._write(folder / "source" / self.name, self._equal(source))
        self.nbgrader("generate_assignment", self.name)
        release = nbformat.read(folder / "release" / self.name / f"{self.name}.ipynb", as_version=4)
        checks = {cell.id: cell for cell in release.cells if cell.id in self.tests}
        for number, student in enumerate(everybody):
            notebook = self._equal(handed_in(self.name, number))
            for position, cell in enumerate(notebook.cells):
                if cell.id in checks:
                    notebook.cells[position] = copy.deepcopy(checks[cell.id])
            self._write(folder / "submitted" / student / self.name, notebook)

    def _equal(self, notebook: NotebookNode) -> NotebookNode:
        """The notebook with its checks exchanged for hidden tests."""
        if not self.with_demos:
            notebook.cells = [cell for cell in notebook.cells if not is_demo(cell)]
        for cell in notebook.cells:
            cell.source = self.tests.get(cell.id, cell.source)
        return notebook

    def _write(self, folder: Path, notebook: NotebookNode) -> None:
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{self.name}.ipynb")

    def nbgrader(self, *arguments: str, check: bool = True) -> float:
        """Seconds that one of nbgrader's commands took."""
        started = time.perf_counter()
        run([sys.executable, "-m", "nbgrader", *arguments], self.folder, check=check)
        return time.perf_counter() - started

    def start(self) -> float:
        """Seconds that the command takes when there is nothing to do."""
        return self.nbgrader("autograde", self.name, "--student=nobody", check=False)

    def grade(self, number: int) -> float:
        """Seconds for the students of one round."""
        return self.nbgrader("autograde", self.name, f"--student=round{number}-*")

    def scores(self) -> dict[str, float]:
        """What stands in its gradebook."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}") as gradebook:
            submissions = gradebook.assignment_submissions(self.name)
            return {one.student.id: one.score for one in submissions}


def run(command: list[str], folder: Path, *, check: bool = True) -> None:
    """Run a command in a course; say what it said when it fails."""
    scripts = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")])}
    environment.pop("UNROLLED_COURSE", None)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if check and done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def processor_seconds() -> float:
    """What every command that has ended so far used, with all that it started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def own_computing(assignment: Assignment, folder: Path, runs: int) -> list[float]:
    """Seconds of the notebook's cells and the probes, in a fork of a process with TensorFlow."""
    tests = hidden_tests(assignment)
    notebook = handed_in(assignment.name, 0)
    cells = [
        tests.get(cell.id, cell.source)
        for cell in notebook.cells
        if cell.cell_type == "code" and not is_demo(cell)
    ]
    path = folder / "cells.json"
    path.write_text(json.dumps(cells), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", OWN_COMPUTING, str(path), str(runs + 1)],
        cwd=COURSE.root,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "UNROLLED_GRADING": "1"},
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    if any(one["failed"] for one in found):
        raise SystemExit(f"a cell failed:\n{done.stderr[-4000:]}")
    return [one["seconds"] for one in found[1:]]


# ---- the comparison


def spread(values: Sequence[float]) -> str:
    """The median, and from where to where."""
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def machine() -> str:
    """In general words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB of memory"


def main() -> int:
    """Measure, print, compare with the marks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=60, help="size of the class")
    parser.add_argument("--stock", type=int, help="how many of them stock grades too (all)")
    parser.add_argument("--rounds", type=int, default=3, help="how often the graders take turns")
    parser.add_argument("--assignment", default=ASSIGNMENT, help="which notebook")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    arguments = parser.parse_args()
    require_confinement()
    count = arguments.submissions
    for_stock = min(arguments.stock or count, count)
    rounds = min(arguments.rounds, for_stock)
    with tempfile.TemporaryDirectory(prefix="bench-grading-") as directory:
        folder = Path(directory)
        figures = compare(folder, arguments.assignment, count, rounds, for_stock)
    report(figures, count)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    missed = [
        *(["ratio"] if figures["ratio"] < MARKS["ratio"] else []),
        *(name for name in ("overhead", "memory") if figures[name] > MARKS[name]),
    ]
    print("every mark is met" if not missed else f"missed: {', '.join(missed)}")
    return 1 if missed else 0


def compare(folder: Path, name: str, count: int, rounds: int, for_stock: int) -> dict[str, Any]:
    """All figures."""
    make_known(str(folder / "kernels"))
    assignment = Assignment.load(COURSE, name, SEED)
    everybody = students(count, rounds, for_stock)
    ours = Ours(folder / "ours", name, everybody)
    part = everybody[:for_stock]
    stock = Stock(folder / "stock", assignment, part, with_demos=True)
    bare = Stock(folder / "bare", assignment, part, with_demos=False)
    own = statistics.median(own_computing(assignment, folder, 5))
    start = statistics.median(stock.start() for _ in range(3))
    ours_rates, stock_rates, ratios = [], [], []
    bare_rates, bare_ratios = [], []
    ours_cpu, stock_cpu = 0.0, 0.0
    for number in range(rounds):
        before = processor_seconds()
        seconds, scores = ours.grade()
        ours_cpu += processor_seconds() - before
        ours_rates.append(60 * count / seconds)
        before = processor_seconds()
        share = 60 * len(part[number::rounds])
        own_start = start if number else 0.0
        stock_rates.append(share / (stock.grade(number) - own_start))
        stock_cpu += processor_seconds() - before
        ratios.append(ours_rates[-1] / stock_rates[-1])
        bare_rates.append(share / (bare.grade(number) - own_start))
        bare_ratios.append(ours_rates[-1] / bare_rates[-1])
        print(f"round {number + 1}: {ratios[-1]:.1f} times as many", file=sys.stderr, flush=True)
    for grader in (stock, bare):
        same_verdicts(assignment, everybody, scores, grader.scores())
    one_by_one, _ = ours.grade("--jobs", "1")
    memory = measure(TENSORFLOW_KERNEL, cells_for_memory(name), 5).memory
    return {
        "machine": machine(),
        "assignment": name,
        "submissions": count,
        "by_stock": for_stock,
        "ours": ours_rates,
        "stock": stock_rates,
        "ratios": ratios,
        "ratio": statistics.median(ratios),
        "stock_without_demos": bare_rates,
        "ratios_without_demos": bare_ratios,
        "own": own,
        "ours_cpu": ours_cpu / (count * rounds),
        "stock_cpu": stock_cpu / for_stock,
        "one_by_one": one_by_one / count,
        "overhead": one_by_one / count - own,
        "stock_overhead": 60 / statistics.median(bare_rates) - own,
        "memory": statistics.median(memory),
    }


def cells_for_memory(name: str) -> list[str]:
    """The cells that grading runs."""
    return [
        cell.source
        for cell in handed_in(name, 0).cells
        if cell.cell_type == "code" and not is_demo(cell) and not cell.id.startswith("check-")
    ]


def same_verdicts(
    assignment: Assignment, everybody: list[str], ours: dict[str, float], stock: dict[str, float]
) -> None:
    """Two graders that disagree were not doing the same work."""
    last = assignments()[assignment.name][-1].points
    for number, student in enumerate(everybody):
        gap = last if number % LEFT_OUT == LEFT_OUT - 1 else 0.0
        wanted = assignment.max_score - gap
        found = {"ours": ours[student], "stock": stock.get(student, wanted)}
        if set(found.values()) != {wanted}:
            raise SystemExit(f"{student} should get {wanted:g} from both: {found}")


def report(figures: dict[str, Any], count: int) -> None:
    """The table."""
    print(
        f"{count} submissions of {figures['assignment']} ({figures['by_stock']} by stock too) "
        f"on {figures['machine']}"
    )
    print(f"{'submissions a minute, ours':42}{spread(figures['ours'])}")
    print(f"{'submissions a minute, stock nbgrader':42}{spread(figures['stock'])}")
    print(f"{'times as many':42}{spread(figures['ratios'])}; mark {MARKS['ratio']:g}")
    print(f"{'stock without demonstrations':42}{spread(figures['stock_without_demos'])}")
    print(f"{'times as many as that':42}{spread(figures['ratios_without_demos'])}")
    print(f"{'processor time of a submission, ours':42}{figures['ours_cpu']:.2f} s")
    print(f"{'processor time of a submission, stock':42}{figures['stock_cpu']:.2f} s")
    print(f"{'own computing of a submission':42}{figures['own']:.2f} s")
    print(f"{'a submission with --jobs 1':42}{figures['one_by_one']:.2f} s")
    print(f"{'  beyond its own computing':42}{figures['overhead']:.2f} s; mark {MARKS['overhead']}")
    print(f"{'  stock, beyond its own computing':42}{figures['stock_overhead']:.2f} s")
    print(f"{'memory of a further kernel':42}{figures['memory']:.0f} MB; mark {MARKS['memory']:g}")


if __name__ == "__main__":
    raise SystemExit(main())
