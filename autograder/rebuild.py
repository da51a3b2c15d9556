"""A submission becomes the release with the student's own code in it, and nothing else of theirs.

From the submitted file only the *sources* of the student's own cells are taken: solution cells, and cells
that they added. Locked cells, metadata, tags, outputs and everything else come from the release. So a
changed check, a tag, a forged output or a strange piece of metadata has no effect at all.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder import notices
from autograder.verdict import Incident

MAX_FILE_BYTES = 20 * 2**20
MAX_CELLS = 1_000
MAX_SOURCE_CHARACTERS = 1_000_000
_SURROGATE = re.compile("[\ud800-\udfff]")
DELETED = "# The student deleted this cell."
REJECTED = "unrolled_rejected"
"""Notebook metadata of a submission that could not be read: the reason."""


class Unreadable(Exception):
    """A submitted file that is no notebook; the message says why."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The notebook to run, and what was noticed while it was put together.

    Attributes:
        deleted: ids of exercises whose solution cell is gone from the submission.
        unchanged: ids of exercises whose solution cell is as it was released.
        answered: ids of exercises whose solution cell holds something else.
        extras: how many cells the student added.
    """

    notebook: NotebookNode
    incidents: tuple[Incident, ...]
    deleted: frozenset[str]
    unchanged: frozenset[str]
    answered: frozenset[str]
    extras: int


def read_submission(path: Path) -> NotebookNode:
    """The submitted notebook, upgraded to the format of today.

    Raises:
        Unreadable: with a sentence for the report.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise Unreadable(
                f"the file has {size / 2**20:.0f} MB; at most {MAX_FILE_BYTES // 2**20} MB are read. "
                "Clear the outputs (Edit, Clear Outputs of All Cells), save and hand in again"
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Unreadable(f"the file cannot be opened ({error.strerror})") from None
    except UnicodeDecodeError:
        raise Unreadable("the file is not text, so it is no notebook") from None
    return parse_submission(text)


def parse_submission(text: str) -> NotebookNode:
    """The notebook in ``text``; see ``read_submission``."""
    if not text.strip():
        raise Unreadable("the file is empty")
    try:
        notebook = nbformat.reads(text, as_version=4)
    except RecursionError:
        raise Unreadable("the file is nested too deep to be a notebook") from None
    except Exception as error:
        kind = type(error).__name__
        raise Unreadable(f"the file is no notebook that Jupyter can read ({kind})") from None
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(_is_cell(cell) for cell in cells):
        raise Unreadable("the file is no notebook: it has no list of cells with sources")
    if len(cells) > MAX_CELLS:
        raise Unreadable(f"the notebook has {len(cells)} cells; at most {MAX_CELLS} are read")
    if any(_SURROGATE.search(cell.source) for cell in cells):
        raise Unreadable("a cell holds half a character (a lone surrogate), which no editor writes")
    if sum(len(cell.source) for cell in cells) > MAX_SOURCE_CHARACTERS:
        raise Unreadable("the cells hold more than a million characters")
    return notebook


def _is_cell(cell: Any) -> bool:
    return (
        isinstance(cell, dict)
        and cell.get("cell_type") in ("code", "markdown", "raw")
        and isinstance(cell.get("source"), str)
        and isinstance(cell.get("metadata", {}), dict)
    )


def rebuild(
    release: NotebookNode, submitted: NotebookNode, *, for_student: bool = False
) -> Rebuilt:
    """The release with the student's sources.

    A cell of the submission belongs to a cell of the release when it has its grade id, or its cell id
    with no other grade id, or (from editors that keep neither) its exact source. What belongs to none
    is the student's own. Cells run in the order in which they were handed in, as they did for the
    student. Of two copies of a solution cell the last one counts.

    Args:
        release: what students were given.
        submitted: what came back.
        for_student: make a notebook to work on: text cells of the student's own are kept, a deleted
            solution cell is there again, and no cell is marked.
    """
    by_grade_id = {_grade_id(cell): cell for cell in release.cells if _grade_id(cell)}
    by_id = {cell.id: cell for cell in release.cells}
    by_source = {(cell.cell_type, cell.source.strip()): cell for cell in release.cells}

    def owner(cell: NotebookNode) -> NotebookNode | None:
        marked = by_grade_id.get(_grade_id(cell))
        if marked is not None:
            return marked
        same_source = by_source.get((cell.cell_type, cell.source.strip()))
        return by_id.get(cell.get("id")) or same_source

    mine = [(owner(cell), cell) for cell in submitted.cells]
    own_cells = {"code", "markdown", "raw"} if for_student else {"code"}
    order: list[NotebookNode] = []  # cells of the release and the student's own, as handed in
    answers: dict[str, str] = {}
    copies: Counter[str] = Counter()
    for released, cell in mine:
        if released is None:
            if cell.cell_type in own_cells and cell.source.strip():
                order.append(cell)
            continue
        if _is_solution(released) and cell.cell_type == "code":
            copies[released.id] += 1
            answers[released.id] = cell.source
            order = [other for other in order if other is not released]  # the last one counts
        if not any(other is released for other in order):
            order.append(released)
    noticed = () if for_student else tuple(notices.of_file(release, submitted, mine))
    built = _assemble(_completed(order, release), release, answers, copies, for_student)
    return replace(built, incidents=(*built.incidents, *noticed))


def _completed(order: list[NotebookNode], release: NotebookNode) -> list[NotebookNode]:
    """``order`` with what the student deleted, and no check before what it checks.

    A deleted cell comes back behind the cell that it followed; a check behind what the student wrote
    there in its stead.
    """

    def place(wanted: NotebookNode) -> int:
        return next((n for n, cell in enumerate(order) if cell is wanted), -1)

    released = set(map(id, release.cells))
    before: NotebookNode | None = None
    solutions = {_grade_id(cell): cell for cell in release.cells if _is_solution(cell)}
    for cell in release.cells:
        if place(cell) < 0:
            at = 0 if before is None else place(before) + 1
            while _is_check(cell) and at < len(order) and id(order[at]) not in released:
                at += 1
            order.insert(at, cell)
        before = cell
    for cell in [cell for cell in order if _is_check(cell)]:
        solution = solutions.get(_grade_id(cell).removeprefix("check-"))
        if solution is not None and place(cell) < place(solution):
            order.remove(cell)
            order.insert(place(solution) + 1, cell)
    return order


def _assemble(
    order: list[NotebookNode],
    release: NotebookNode,
    answers: dict[str, str],
    copies: Counter[str],
    for_student: bool,
) -> Rebuilt:
    released = set(map(id, release.cells))
    makers = {
        "code": nbformat.v4.new_code_cell,
        "markdown": nbformat.v4.new_markdown_cell,
        "raw": nbformat.v4.new_raw_cell,
    }
    cells: list[NotebookNode] = []
    deleted, unchanged, answered, added = set(), set(), set(), 0
    for original in order:
        if id(original) not in released:
            new = makers[original.cell_type](original.source, id=f"extra-{added}")
            cells.append(_owned(new, for_student))
            added += 1
            continue
        cell = copy.deepcopy(original)
        if _is_solution(cell):
            grade_id = _grade_id(cell)
            if cell.id not in answers:
                deleted.add(grade_id)
                cell.source = cell.source if for_student else DELETED
            elif answers[cell.id].strip() == cell.source.strip():
                unchanged.add(grade_id)
            else:
                answered.add(grade_id)
                cell.source = answers[cell.id]
            _owned(cell, for_student)
        cells.append(cell)
    notebook = nbformat.from_dict({**release, "cells": cells})
    incidents = [
        Incident(
            "copied-cell",
            f"the cell of {cell_id} is there {count} times; the last one counts",
        )
        for cell_id, count in copies.items()
        if count > 1
    ]
    return Rebuilt(
        notebook,
        tuple(incidents),
        frozenset(deleted),
        frozenset(unchanged),
        frozenset(answered),
        added,
    )


def _owned(cell: NotebookNode, for_student: bool) -> NotebookNode:
    """Mark a cell whose source is the student's, so that the student's limits hold for it."""
    if not for_student:
        cell.metadata.unrolled = {"owner": "student"}
    return cell


def without_answers(release: NotebookNode, reason: str) -> NotebookNode:
    """What stands in for a submission that cannot be read: the release, marked with the reason."""
    notebook = copy.deepcopy(release)
    notebook.metadata[REJECTED] = reason
    return notebook


def _grade_id(cell: NotebookNode) -> str:
    marks = cell.get("metadata", {}).get("nbgrader", {})
    found = marks.get("grade_id", "") if isinstance(marks, dict) else ""
    return found if isinstance(found, str) else ""


def _is_check(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def _is_solution(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))
