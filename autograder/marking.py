"""A term in nbgrader's gradebook: points of cells, deadlines, extensions, scores and late penalties.

The gradebook holds the term's points, so that formgrader, nbgrader's own commands and ours say the same. A
person's marks and comments are never changed: where points change below them, the cell is flagged for that
person to look at again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from autograder.term import Lateness, Term, defined
from autograder.verdict import SubmissionResult


def set_terms(gradebook: Any, term: Term, assignment: str) -> list[str]:
    """Enter what cells are worth, and with a course file the deadline.

    Returns:
        The exercises whose points changed below a mark that a person had set.
    """
    row = gradebook.find_assignment(assignment)
    if term.written:
        _set(row, "duedate", _naive(term.notebooks[assignment].due))
    worth = term.points(assignment, defined(assignment))
    look_again = []
    for cell in gradebook.find_notebook(assignment, assignment).grade_cells:
        name = cell.name.removeprefix("check-")
        if worth.get(name, cell.max_score) == cell.max_score:
            continue
        cell.max_score = worth[name]
        by_hand = [grade for grade in cell.grades if grade.manual_score is not None]
        for grade in by_hand:
            grade.needs_manual_grade = True
        look_again += [name] if by_hand else []
    gradebook.db.commit()
    return look_again


def set_extension(term: Term, submission: Any) -> None:
    """Put a student's extension into the row of a submission, or that there is none.

    Without a course file nothing is changed.
    """
    terms = term.notebooks.get(submission.name)
    if not term.written or terms is None:
        return
    theirs = terms.extensions.get(submission.student_id)
    extension = theirs - terms.due if theirs and terms.due else None
    _set(submission, "extension", extension)


def set_scores(notebook: Any, term: Term, result: SubmissionResult) -> None:
    """Put a result into the rows of a submitted notebook, in the term's points."""
    results = {item.id: item for item in term.marked(result).exercises}
    for saved in notebook.grades:
        found = results.get(saved.name.removeprefix("check-"))
        _set(saved, "auto_score", found.score if found else 0.0)


def remark(gradebook: Any, term: Term, results: Iterable[SubmissionResult]) -> None:
    """Bring the marks of graded submissions up to the course file, without running or converting them.

    What has not changed is not written, so that nobody waits for a gradebook that is only read.
    """
    from nbgrader.api import MissingEntry

    gradebook.db.rollback()  # what an attempt before this one left, while it was locked
    settled: set[str] = set()
    for result in results:
        name, student = result.assignment, result.student
        try:
            notebook = gradebook.find_submission_notebook(name, name, student)
        except MissingEntry:
            continue
        if name not in settled:
            set_terms(gradebook, term, name)
            settled.add(name)
            gradebook.db.refresh(notebook)
        set_extension(term, notebook.assignment)
        set_scores(notebook, term, result)
        gradebook.db.commit()
        if term.late is not None:
            late = lateness(notebook.assignment)
            possible = sum(grade.max_score for grade in notebook.grades)
            earned = sum(grade.score for grade in notebook.grades)
            penalty = late and term.late.penalty(late.seconds, earned=earned, possible=possible)
            _set(notebook, "late_submission_penalty", penalty)
            gradebook.db.commit()


def lateness(submission: Any) -> Lateness | None:
    """How late a submission was as the gradebook knows it; ``None`` when it was not."""
    if not submission.total_seconds_late:
        return None
    extended = submission.extension is not None and submission.extension.total_seconds() > 0
    return Lateness(_aware(submission.timestamp), _aware(submission.duedate), extended)


def _set(row: Any, name: str, value: Any) -> None:
    if getattr(row, name) != value:
        setattr(row, name, value)


def _naive(moment: datetime | None) -> datetime | None:
    """As nbgrader keeps moments: in UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
