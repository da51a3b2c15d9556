"""nbgrader's own gradebook: open it, check that it is ours, prepare it, ask what it holds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import nbformat

from autograder.build import quiet_nbgrader
from autograder.course import COURSE_ID, Course, CourseError
from autograder.nbgrader.configuration import put_environment_on_path
from autograder.verdict import SubmissionResult


@dataclass(frozen=True, slots=True)
class Marks:
    """What the gradebook says of one submission, where a person may have changed it.

    Attributes:
        scores: points by exercise, as they stand after manual grading.
        comments: an instructor's comments by exercise.
        late_penalty: points taken off.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    late_penalty: float = 0.0

    def total(self, result: SubmissionResult) -> float:
        """The points of a submission as they stand."""
        earned = sum(self.scores.get(item.id, item.score) for item in result.exercises)
        return max(0.0, earned - self.late_penalty)


_OURS = {COURSE_ID, "default_course"}
"""nbgrader's preprocessors open every gradebook as "default_course" too, which adds that row."""


def default_url(course: Course) -> str:
    """The embedded gradebook: one file at the course's root."""
    return f"sqlite:///{course.root / 'gradebook.db'}"


@contextmanager
def open_gradebook(url: str) -> Iterator[Any]:
    """nbgrader's ``Gradebook`` at ``url``, made when it is not there yet.

    Raises:
        CourseError: when it cannot be opened, is no gradebook, or belongs to another course.
    """
    from nbgrader.api import Course as CourseRow
    from nbgrader.api import Gradebook
    from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SAWarning

    put_environment_on_path()
    warnings.simplefilter("ignore", SAWarning)  # nbgrader's own, on each new submission
    try:
        with quiet_nbgrader():
            gradebook = Gradebook(url, COURSE_ID)
    except (ArgumentError, NoSuchModuleError) as error:
        raise CourseError(
            f"{url!r} is no address of a database ({error}). Use sqlite:///FILE or "
            "postgresql://USER@HOST/NAME."
        ) from None
    except DBAPIError as error:
        raise CourseError(f"the gradebook {url} cannot be opened: {error.orig}") from None
    with gradebook:
        others = {row.id for row in gradebook.db.query(CourseRow)} - _OURS
        if others:
            raise CourseError(
                f"the gradebook {url} belongs to another course ({', '.join(sorted(others))}). "
                "Name another one with --gradebook, or move this one away."
            )
        yield gradebook


def prepare(course: Course, gradebook: Any, url: str, assignment: str) -> None:
    """Tell the gradebook of an assignment as it is released now: its cells and their points.

    Raises:
        CourseError: when cells came or went since submissions were graded.
    """
    from nbgrader.api import MissingEntry
    from nbgrader.preprocessors import SaveCells

    release = nbformat.read(course.release(assignment), as_version=4)
    marked = [cell.metadata.nbgrader for cell in release.cells if "nbgrader" in cell.metadata]
    wanted = {marks.grade_id: marks.get("checksum") for marks in marked}
    try:
        known = gradebook.find_notebook(assignment, assignment)
        if {cell.name: cell.checksum for cell in known.source_cells} == wanted:
            return
    except MissingEntry:
        gradebook.update_or_create_assignment(assignment)
    where = {"notebook": assignment, "assignment": assignment, "db_url": url}
    try:
        with quiet_nbgrader():
            SaveCells().preprocess(release, {"nbgrader": where})
    except RuntimeError as error:
        raise CourseError(
            f"the exercises of {assignment} have changed since submissions were graded into {url} "
            f"({error}). Grade into a new gradebook with --gradebook, or bring the old release back."
        ) from None
    gradebook.db.expire_all()


def holds(course: Course, gradebook: Any, result: SubmissionResult) -> bool:
    """Whether the gradebook and the graded notebook already say what ``result`` says."""
    from nbgrader.api import MissingEntry

    name = result.assignment
    graded = course.root / "autograded" / result.student / name / f"{name}.ipynb"
    try:
        notebook = gradebook.find_submission_notebook(name, name, result.student)
    except MissingEntry:
        return False
    saved = {grade.name: grade.auto_score for grade in notebook.grades}
    wanted = {f"check-{item.id}": item.score for item in result.exercises}
    return saved == wanted and (graded.is_file() or not _has_notebook(result))


def _has_notebook(result: SubmissionResult) -> bool:
    return not any(incident.kind == "no-file" for incident in result.incidents)


def write_zero(gradebook: Any, result: SubmissionResult) -> None:
    """Enter a submission that holds no notebook at all, which nbgrader itself passes over."""
    gradebook.update_or_create_student(result.student)
    gradebook.update_or_create_submission(result.assignment, result.student)
    notebook = gradebook.find_submission_notebook(
        result.assignment, result.assignment, result.student
    )
    for grade in notebook.grades:
        grade.auto_score = 0.0
        grade.needs_manual_grade = False
    gradebook.db.commit()


def read_marks(gradebook: Any, student: str, assignment: str) -> Marks:
    """The marks of one submission; empty when the gradebook does not know it."""
    from nbgrader.api import MissingEntry

    try:
        notebook = gradebook.find_submission_notebook(assignment, assignment, student)
    except MissingEntry:
        return Marks()
    return Marks(
        scores={grade.name.removeprefix("check-"): grade.score for grade in notebook.grades},
        comments={c.name: c.manual_comment for c in notebook.comments if c.manual_comment},
        late_penalty=notebook.late_submission_penalty or 0.0,
    )
