"""A small class, the real command in a process of its own, and all that it leaves."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from sqlalchemy import create_engine, text

COURSE = Path(__file__).parents[2]
ASSIGNMENT = "04_backprop_through_time"  # by hand in NumPy: a submission takes half a second
OTHER = "06_gru_and_the_cell_zoo"
SEED = 20170601
SECONDS = 300.0
"""What a run may take on a busy machine before a test calls it hanging."""


def new_course(root: Path, *assignments: str) -> Path:
    """What an instructor needs to grade these assignments."""
    root.mkdir(parents=True)
    shutil.copy(COURSE / "nbgrader_config.py", root)
    for name in assignments or (ASSIGNMENT,):
        shutil.copytree(COURSE / "notebooks" / name, root / "notebooks" / name)
    return root


def new_class(folder: Path, assignment: str = ASSIGNMENT) -> Path:
    """Right, half right, not begun, unreadable, and a folder without a notebook."""

    def hand_in(student: str) -> Path:
        path = folder / student / assignment / f"{assignment}.ipynb"
        path.parent.mkdir(parents=True)
        return path

    solution = COURSE / "solutions" / assignment / f"{assignment}.ipynb"
    shutil.copy(solution, hand_in("anouk"))
    half = nbformat.read(solution, as_version=4)
    answers = [cell for cell in half.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    for cell in answers[::2]:
        cell.source = "raise NotImplementedError"
    nbformat.write(half, hand_in("bao"))
    shutil.copy(COURSE / "notebooks" / assignment / f"{assignment}.ipynb", hand_in("chen"))
    hand_in("dina").write_text("{")
    hand_in("eskil")
    return folder


STUDENTS = ("anouk", "bao", "chen", "dina", "eskil")


@dataclass
class Run:
    """How a run ended."""

    code: int
    printed: str
    errors: str


@dataclass
class Bench:
    """One course with its class, and a private folder for temporary files."""

    root: Path
    assignment: str = ASSIGNMENT
    students: Path = field(init=False)
    temporary: Path = field(init=False)
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.students = self.root.parent / f"{self.root.name}-class"
        # Short, since sockets lie in it; the same whenever this course is looked at.
        name = hashlib.sha256(str(self.root).encode()).hexdigest()[:12]
        self.temporary = Path(tempfile.gettempdir(), f"e-{name}")

    @classmethod
    def make(cls, root: Path) -> Bench:
        """A new course with a new class."""
        bench = cls(new_course(root))
        new_class(bench.students)
        bench.temporary.mkdir(exist_ok=True)
        return bench

    @property
    def report(self) -> Path:
        return self.root / "grades.json"

    def command(self, *options: str) -> list[str]:
        return [
            *(sys.executable, "-m", "autograder.cli", "grade", str(self.students)),
            *("--seed", str(SEED), "--json", str(self.report)),
            *self.options,
            *options,
        ]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if "UNROLLED" not in key}
        return {**kept, "TMPDIR": str(self.temporary), "COLUMNS": "200", **more}

    def start(self, *options: str, **more: Any) -> subprocess.Popen[str]:
        """Start the command in a process group of its own."""
        return subprocess.Popen(
            self.command(*options),
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **more,
        )

    def finish(self, process: subprocess.Popen[str]) -> Run:
        """Wait for its end."""
        printed, errors = process.communicate(timeout=SECONDS)
        return Run(process.returncode, printed, errors)

    def grade(self, *options: str) -> Run:
        """Run the command to its end."""
        return self.finish(self.start(*options))


# ---- what a course holds in the end


@dataclass(frozen=True)
class Evidence:
    """All that can be said about the grades, without times and names that are drawn at random."""

    report: Mapping[str, Any]
    gradebook: list[tuple[Any, ...]]
    comments: list[tuple[Any, ...]]
    records: Mapping[str, Any]
    graded: Mapping[str, Any]


def evidence(bench: Bench, url: str = "") -> Evidence:
    """Read a course's results, wherever they stand."""
    report = json.loads(bench.report.read_text(encoding="utf-8"))
    rows, comments = gradebook(url or f"sqlite:///{bench.root / 'gradebook.db'}")
    records = {
        path.relative_to(bench.root).as_posix(): timeless(json.loads(path.read_text("utf-8")))
        for path in bench.root.glob(".course/results/*/[!.]*.json")
    }
    graded = {
        path.relative_to(bench.root).as_posix(): _notebook(path)
        for path in bench.root.glob("autograded/*/*/*.ipynb")
    }
    return Evidence(
        {f"{one['student']}/{one['assignment']}": timeless(one) for one in report["submissions"]},
        rows,
        comments,
        records,
        graded,
    )


def _notebook(path: Path) -> Any:
    try:
        return timeless(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        return "half of a notebook"


def timeless(value: Any) -> Any:
    """The same without what a stopwatch said."""
    if isinstance(value, dict):
        return {key: timeless(one) for key, one in value.items() if key != "seconds"}
    if isinstance(value, list):
        return [timeless(one) for one in value]
    return value


SCORES = """
    SELECT student.id, assignment.name, base_cell.name, grade.auto_score, grade.manual_score,
           grade.needs_manual_grade, submitted_notebook.late_submission_penalty
    FROM grade
    JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN student ON student.id = submitted_assignment.student_id
    JOIN assignment ON assignment.id = submitted_assignment.assignment_id
    JOIN base_cell ON base_cell.id = grade.cell_id
"""
COMMENTS = """
    SELECT student.id, assignment.name, base_cell.name, comment.auto_comment, comment.manual_comment
    FROM comment
    JOIN submitted_notebook ON submitted_notebook.id = comment.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN student ON student.id = submitted_assignment.student_id
    JOIN assignment ON assignment.id = submitted_assignment.assignment_id
    JOIN base_cell ON base_cell.id = comment.cell_id
"""


def gradebook(url: str) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Every grade and every comment: one row each, so that a doubled one shows."""
    engine = create_engine(url)
    with engine.connect() as database:
        if engine.name == "sqlite":
            assert database.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert len(database.execute(text("SELECT version_num FROM alembic_version")).all()) == 1
        grades = [tuple(row) for row in database.execute(text(SCORES))]
        comments = [tuple(row) for row in database.execute(text(COMMENTS))]
    engine.dispose()
    return sorted(grades, key=repr), sorted(comments, key=repr)


def left_behind(bench: Bench) -> list[str]:
    """Files of the grader's that should not be there."""
    expected = {
        ".course", "autograded", "gradebook.db", "grades.json", "nbgrader_config.py", "notebooks",
    }  # fmt: skip
    found = [path for path in bench.root.iterdir() if path.name not in expected]
    if bench.temporary.is_dir():
        found += bench.temporary.iterdir()
    for folder in bench.root.glob(".course/results/*"):
        for path in folder.iterdir():
            if path.suffix not in (".json", ".entered", ".lock") or path.name.count(".") > 2:
                found.append(path)
    return [str(path) for path in found]
