"""A student's feedback: their own cells with each exercise's result, hints and a picture of the difference.

nbgrader's ``generate_feedback``, formgrader's button and ``course feedback`` all make this page: it is the
exporter that they use (``autograder.nbgrader.exporter.FeedbackExporter``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from nbformat import NotebookNode

from autograder.card import as_html
from autograder.gradebook import Marks
from autograder.outputs import harmless
from autograder.reports.page import render
from autograder.term import Term
from autograder.verdict import ExerciseResult, SubmissionResult

WORDS = {
    "passed": ("✓", "right"),
    "failed": ("✗", "not right yet"),
    "error": ("✗", "raises an exception"),
    "missing": ("–", "not written"),
    "timeout": ("✗", "took too long"),
    "memory": ("✗", "used too much memory"),
    "crashed": ("✗", "ended the kernel"),
}
_FOR_STUDENTS = {
    *("copied-cell", "timeout", "killed", "memory", "processes", "disk", "output", "crashed"),
    *("unreadable", "no-file", "grader"),
}
"""Incidents that a student is told of; a person has to look at the others first."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One row of the table."""

    result: ExerciseResult
    score: float
    shown: bool

    @property
    def mark(self) -> str:
        return WORDS[self.result.status][0]

    @property
    def word(self) -> str:
        if self.result.status == "failed" and self.result.score:
            return "partly right"
        return WORDS[self.result.status][1]

    @property
    def by_hand(self) -> bool:
        return self.score != self.result.score


def feedback_page(
    result: SubmissionResult,
    notebook: NotebookNode | None,
    marks: Marks | None = None,
    term: Term | None = None,
) -> str:
    """The page, complete in itself.

    Args:
        result: what the grader found, in the term's points.
        notebook: the graded notebook; ``None`` when there was nothing to grade.
        marks: what the gradebook adds.
        term: for words on lateness.
    """
    marks = marks or Marks()
    term = term or Term({})
    rejected = _why_rejected(result)
    cells = [] if notebook is None or rejected else notebook.cells
    shown = {_grade_id(cell) for cell in cells}
    items = [
        _Item(item, marks.scores.get(item.id, item.score), f"check-{item.id}" in shown)
        for item in result.exercises
    ]
    return render(
        "feedback.html",
        title=_title(notebook) or result.assignment,
        student=result.student,
        score=marks.total(result),
        max_score=result.max_score,
        late_penalty=marks.late_penalty,
        late=term.late_words(marks.late, marks.late_penalty) if marks.late else "",
        rejected=rejected,
        items=items,
        incidents=[
            seen for seen in result.incidents if not rejected and seen.kind in _FOR_STUDENTS
        ],
        parts=list(_parts(cells, {item.result.id: item for item in items}, marks)),
        seed=result.seed,
    )


def _why_rejected(result: SubmissionResult) -> str:
    if result.status == "graded":
        return ""
    return "; ".join(seen.detail for seen in result.incidents) or result.status


def _title(notebook: NotebookNode | None) -> str:
    for cell in notebook.cells if notebook else []:
        for line in cell.source.splitlines():
            if cell.cell_type == "markdown" and line.startswith("# "):
                return str(line[2:].strip())
    return ""


def _parts(
    cells: Sequence[NotebookNode], items: dict[str, _Item], marks: Marks
) -> Iterator[dict[str, Any]]:
    """The notebook in its order: the lesson folded under its last heading, the student's code, cards."""
    lesson: list[NotebookNode] = []
    heading = ""
    for cell in cells:
        item = items.get(_grade_id(cell).removeprefix("check-"))
        is_check = item is not None and _grade_id(cell).startswith("check-")
        mine = cell.metadata.get("unrolled", {}).get("owner") == "student"
        if not is_check and not mine:
            heading = _heading(cell) or heading
            lesson += [cell] if cell.source.strip() else []
            continue
        if lesson:
            yield {"kind": "lesson", "heading": heading, "cells": lesson}
            lesson = []
        if is_check and item is not None:
            card = Markup(as_html(item.result))  # the card escapes
            yield {"kind": "card", "item": item, "card": card}
        else:
            yield _code(cell, marks)
    if lesson:
        yield {"kind": "lesson", "heading": "The end of the lesson", "cells": lesson}


def _heading(cell: NotebookNode) -> str:
    first = cell.source.lstrip().split("\n", 1)[0]
    is_heading = cell.cell_type == "markdown" and first.startswith("#")
    return str(first.lstrip("#").strip().replace("`", "").replace("$", "")) if is_heading else ""


def _code(cell: NotebookNode, marks: Marks) -> dict[str, Any]:
    name = _grade_id(cell)
    return {
        "kind": "code",
        "label": f"Your {name}" if name else "A cell that you added",
        "source": cell.source,
        "outputs": [_shown(output) for output in map(harmless, cell.get("outputs", [])) if output],
        "comment": marks.comments.get(name, ""),
    }


def _shown(output: NotebookNode) -> dict[str, str]:
    if output.output_type == "stream":
        return {"image": "", "text": output.text}
    if output.output_type == "error":
        lines = "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
        return {"image": "", "text": lines}
    for kind in ("image/png", "image/jpeg"):
        if kind in output.data:
            return {"image": f"data:{kind};base64,{''.join(output.data[kind].split())}", "text": ""}
    return {"image": "", "text": output.data.get("text/plain", "")}


def _grade_id(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
