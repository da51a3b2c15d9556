"""A copy of the course in which the real command grades a class."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COURSE = Path(__file__).parents[2]
EXAMPLES = COURSE / "examples"
SUBMITTED = EXAMPLES / "submitted"
EXPECTED: dict[str, Any] = json.loads((EXAMPLES / "expected.json").read_text(encoding="utf-8"))
SEED = 20180601
LINE = re.compile(r"^\[\d+/\d+\] (\S+): (\w+), \S+ of \S+$", re.MULTILINE)


@dataclass(frozen=True)
class Graded:
    """One run of ``course grade``: where, with what exit code, what it printed and wrote."""

    root: Path
    code: int
    printed: str
    errors: str
    written: dict[str, Any]
    seconds: float

    @property
    def submissions(self) -> dict[str, Any]:
        """The results by "student/assignment"."""
        return {f"{one['student']}/{one['assignment']}": one for one in self.written["submissions"]}

    @property
    def states(self) -> dict[str, str]:
        """What each line of progress says: "graded", "unchanged", ..."""
        return dict(LINE.findall(self.printed))

    @property
    def url(self) -> str:
        """The gradebook's address."""
        return f"sqlite:///{self.root / 'gradebook.db'}"


def new_course(root: Path) -> Path:
    """What an instructor needs to grade: the configuration and the releases."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(COURSE / "nbgrader_config.py", root)
    shutil.copytree(COURSE / "notebooks", root / "notebooks")
    return root


def new_class(folder: Path, *submissions: str) -> Path:
    """Some submissions of the example class, or all of them."""
    for name in submissions or EXPECTED:
        shutil.copytree(SUBMITTED / name, folder / name)
    return folder


def command(root: Path, students: Path, *options: str) -> list[str]:
    """The command that grades ``students`` and writes ``grades.json``."""
    return [
        *(sys.executable, "-m", "autograder.cli", "grade", str(students)),
        *("--timeout", "10", "--json", str(root / "grades.json"), *options),
    ]


def environment() -> dict[str, str]:
    """Ours, with tables wide enough to read their cells in one line."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("UNROLLED_")}
    return {**kept, "COLUMNS": "400"}


def read(root: Path, code: int, printed: str, errors: str, seconds: float) -> Graded:
    """What a finished run left."""
    path = root / "grades.json"
    written = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return Graded(root, code, printed, errors, written, seconds)


def grade(root: Path, students: Path, *options: str) -> Graded:
    """Run the command to its end."""
    started = time.monotonic()
    done = subprocess.run(
        command(root, students, *options),
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return read(root, done.returncode, done.stdout, done.stderr, time.monotonic() - started)


def verdict(result: dict[str, Any]) -> dict[str, Any]:
    """What ``expected.json`` says about a submission, taken from a result of the grader's."""
    return {
        "status": result["status"],
        "score": result["score"],
        "max_score": result["max_score"],
        "exercises": {
            one["id"]: {key: one[key] for key in ("status", "score", "misconception")}
            for one in result["exercises"]
        },
        "incidents": sorted(one["kind"] for one in result["incidents"]),
    }
