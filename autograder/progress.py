"""What a student has solved so far, kept in their own copy of the course.

``work/.course/progress.json`` is written by ``check`` in notebooks below ``work/``. Elsewhere (in a
build, in tests, in someone's own folder) nothing is written.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder.files import write_atomically
from autograder.verdict import ExerciseResult

Solved = dict[str, dict[str, Any]]
"""Exercise id to its best result so far: ``score``, ``max_score`` and ``passed``."""

FOLDER = ".course"
FILE = "progress.json"


def progress_file(start: Path | None = None) -> Path | None:
    """The progress file of the copy of the course that ``start`` lies in, if it lies in one."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / FOLDER).is_dir():
            return folder / FOLDER / FILE
    return None


def load(path: Path) -> Solved:
    """The best results so far; empty when nothing readable is there."""
    try:
        exercises = json.loads(path.read_text(encoding="utf-8"))["exercises"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    if not isinstance(exercises, dict):
        return {}
    return {name: best for name, best in exercises.items() if isinstance(best, dict)}


def record(result: ExerciseResult, start: Path | None = None) -> None:
    """Remember a result when it is the best so far. Being unable to write stops nobody."""
    path = progress_file(start)
    if path is None or result.status == "missing":
        return
    exercises = load(path)
    best = exercises.get(result.id, {})
    if best.get("score", -1.0) >= result.score:
        return
    exercises[result.id] = {
        "score": result.score,
        "max_score": result.max_score,
        "passed": result.passed,
    }
    try:
        write_atomically(path, json.dumps({"schema": 1, "exercises": exercises}, indent=1))
    except OSError:
        return


def show_progress() -> None:
    """Show how far the reader of this copy of the course is: a line a notebook, and what is next.

    It works in the page beside the notebooks and inside each of them. A notebook that is run outside
    of any copy of the course shows the course that this package belongs to, with nothing solved.
    """
    from IPython.display import Markdown, display

    from autograder.course import Course, CourseError
    from autograder.overview import INDEX, chapters, progress_report

    try:
        course = Course.find()
    except CourseError:
        course = Course(Path(__file__).resolve().parents[1])
        if not course.notebooks.is_dir():
            display(Markdown("Your progress is counted in a copy of the course: `course lab`."))
            return
    path = progress_file()
    report = progress_report(chapters(course), load(path) if path else {})
    if not (Path.cwd() / INDEX).is_file():  # one folder deeper than the page
        report = report.replace("](", "](../")
    display(Markdown(report))
