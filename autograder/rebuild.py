"""A submission becomes the release with the student's own code in it, and nothing else of theirs.

From the submitted file only the *sources* of the student's own cells are taken: solution cells, and cells
that they added. Locked cells, metadata, tags, outputs and everything else come from the release. So a
changed check, a tag, a forged output or a strange piece of metadata has no effect at all.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.verdict import Incident

MAX_FILE_BYTES = 20 * 2**20
MAX_CELLS = 1_000
MAX_SOURCE_CHARACTERS = 1_000_000
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
    is the student's own and follows the cell that it follows in the submission. Of two copies of a
    solution cell the last one counts.

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

    answers: dict[str, str] = {}
    extras: dict[str, list[NotebookNode]] = {"": []}
    copies: Counter[str] = Counter()
    anchor = ""
    for cell in submitted.cells:
        mine = owner(cell)
        if mine is None:
            if (cell.cell_type == "code" or for_student) and cell.source.strip():
                extras.setdefault(anchor, []).append(cell)
            continue
        anchor = mine.id
        if _is_solution(mine) and cell.cell_type == "code":
            copies[mine.id] += 1
            answers[mine.id] = cell.source
    return _assemble(release, answers, extras, copies, for_student)


def _assemble(
    release: NotebookNode,
    answers: dict[str, str],
    extras: dict[str, list[NotebookNode]],
    copies: Counter[str],
    for_student: bool,
) -> Rebuilt:
    notebook = copy.deepcopy(release)
    cells: list[NotebookNode] = []
    deleted, unchanged, answered, added = set(), set(), set(), 0
    makers = {
        "code": nbformat.v4.new_code_cell,
        "markdown": nbformat.v4.new_markdown_cell,
        "raw": nbformat.v4.new_raw_cell,
    }

    def add_extras(anchor: str) -> None:
        nonlocal added
        for cell in extras.get(anchor, ()):
            new = makers[cell.cell_type](cell.source, id=f"extra-{added}")
            cells.append(_owned(new, for_student))
            added += 1

    add_extras("")
    for cell in notebook.cells:
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
        add_extras(cell.id)
    notebook.cells = cells
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


def _is_solution(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))
