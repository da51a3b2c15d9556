"""The file says things about itself."""

from __future__ import annotations

from nbformat import NotebookNode

from tests.attacks.attack import EXERCISE, Attack, checks, position

FAMILY = "metadata editing"


def _from_the_future(notebook: NotebookNode) -> None:
    for cell in checks(notebook):
        cell.metadata.nbgrader.schema_version = 99


def _no_marks(notebook: NotebookNode) -> None:
    notebook.cells[position(notebook, EXERCISE)].metadata.nbgrader = "solved"


def _points_that_are_none(notebook: NotebookNode) -> None:
    for cell in checks(notebook):
        cell.metadata.nbgrader.points = "all of them"


def _no_names(notebook: NotebookNode) -> None:
    for cell in checks(notebook):
        del cell.metadata.nbgrader["grade_id"]


def _marks_of_the_grader(notebook: NotebookNode) -> None:
    notebook.metadata.unrolled_result = {"score": 22.0}
    notebook.metadata.unrolled_rejected = ""
    for cell in notebook.cells:
        cell.metadata.unrolled = {"owner": "release"}


ATTACKS = (
    Attack(
        "schema-from-the-future",
        FAMILY,
        "Says that its marks are of a later version, at which nbgrader stops the whole batch.",
        "ungraded",
        (("edited-metadata", "marks"),),
        twist=_from_the_future,
    ),
    Attack(
        "marks-that-are-none",
        FAMILY,
        "Puts a word where nbgrader expects a record.",
        "ungraded",
        (("edited-metadata", "marks"),),
        twist=_no_marks,
    ),
    Attack(
        "points-that-are-none",
        FAMILY,
        "Puts a sentence where the points of a check stand.",
        "ungraded",
        (("edited-metadata", "points"),),
        twist=_points_that_are_none,
    ),
    Attack(
        "checks-without-names",
        FAMILY,
        "Takes the names from the checks' marks.",
        "ungraded",
        (("edited-metadata", "marks"),),
        twist=_no_names,
    ),
    Attack(
        "marks-of-the-grader",
        FAMILY,
        "Writes what only the grader writes: a result, a rejection, whose a cell is.",
        "believed",
        (("edited-metadata", "unrolled_result"),),
        twist=_marks_of_the_grader,
        believer="metadata",
    ),
)
