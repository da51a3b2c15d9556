"""What an instructor may want to know of a submitted file, though none of it has any effect.

The grader takes the student's own sources from a file and nothing else; here it is noted what else was
changed. All of it can be told from the file alone, and nothing of it costs points. A submission to an
older release is no edited one: nbgrader's checksum in a cell tells them apart.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nbformat import NotebookNode

from autograder.verdict import Incident

OURS = ("unrolled_rejected", "unrolled_result")
"""Metadata of a notebook that only the grader writes."""

TAGS = frozenset({"skip-execution", "demo", "remove-cell", "remove-input", "remove-output"})
"""Tags that mean something to a program which runs or shows a notebook."""

_MARKS = ("grade", "solution", "locked", "task", "cell_type")
_ACTIVE = re.compile(
    r"<\s*(?:script|iframe|object|embed|meta|base|form|link)\b"
    r"|<[^>]*[\s/\"']on[a-z]+\s*="
    r"|(?:javascript|vbscript)\s*:"
    r"|data:text/html|\bsrcdoc\s*=|<style\b|expression\s*\(",
    re.IGNORECASE,
)
_SHOWN_AS_HTML = ("text/html", "text/markdown", "image/svg+xml", "text/latex")
_CODE = (".py", ".pyc", ".so", ".pth", ".pyd", ".pyi", ".cfg", ".ini", ".toml")

Pairs = Sequence[tuple[NotebookNode | None, NotebookNode]]
"""Cells as they were handed in, each with the cell of the release that it belongs to, if any."""


def of_file(release: NotebookNode, submitted: NotebookNode, pairs: Pairs) -> Iterator[Incident]:
    """What was changed in a submitted notebook besides the student's own cells: one notice a kind."""
    edited = [*_edited_cells(release, pairs)]
    if edited:
        yield Incident("edited-cell", _several(edited) + "; what was released is used")
    metadata = [f"the notebook holds {key}" for key in OURS if key in submitted.metadata]
    for released, cell in pairs:
        metadata += _metadata(released, cell, _name(cell, released))
    if metadata:
        yield Incident("edited-metadata", _several(metadata) + "; none of it has an effect")
    active = [
        _name(cell, released)
        for released, cell in pairs
        if cell.cell_type != "code"
        and (released is None or released.source != cell.source)
        and (_ACTIVE.search(cell.source) or _holds_active_attachment(cell))
    ]
    if active:
        yield Incident("active-content", f"markup that runs or loads something: {_several(active)}")


def _several(found: Sequence[str]) -> str:
    most = 6
    left = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + left


def _edited_cells(release: NotebookNode, pairs: Pairs) -> Iterator[str]:
    for released, cell in pairs:
        if released is not None and _is_check(released) and _source_was_edited(released, cell):
            yield f"{released.id} was edited"
    counts = Counter(id(released) for released, _ in pairs if released is not None)
    solutions = {
        cell.metadata.nbgrader.grade_id: cell
        for cell in release.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    for check in filter(_is_check, release.cells):
        solution = solutions.get(check.metadata.nbgrader.grade_id.removeprefix("check-"))
        if counts[id(check)] > 1:
            yield f"{check.id} is there {counts[id(check)]} times"
        elif not counts[id(check)] and solution is not None and counts[id(solution)]:
            yield f"{check.id} was deleted"


def of_run(cells: Iterable[NotebookNode]) -> Iterator[Incident]:
    """What cells displayed that a browser would run."""
    active = [str(cell.id) for cell in cells if any(map(_is_active, cell.get("outputs", [])))]
    if active:
        yield Incident(
            "active-content", f"displayed markup that runs something: {_several(active)}"
        )


def _is_active(output: NotebookNode) -> bool:
    data = output.get("data", {})
    texts = [str(data[kind]) for kind in _SHOWN_AS_HTML if kind in data]
    return "application/javascript" in data or any(map(_ACTIVE.search, texts))


def of_folder(notebook: Path) -> Iterator[Incident]:
    """Code beside the notebook, which a kernel in that folder would import."""
    try:
        beside = sorted(notebook.parent.iterdir())
    except OSError:
        return
    for path in beside:
        if path.stem == notebook.stem:  # itself, or the text that Jupytext keeps with it
            continue
        if path.suffix in _CODE or path.is_symlink() or (path / "__init__.py").is_file():
            yield Incident(
                "extra-file", f"{path.name[:80]} lies beside the notebook; it is not used"
            )


def _metadata(released: NotebookNode | None, cell: NotebookNode, name: str) -> Iterator[str]:
    metadata = cell.get("metadata", {})
    if "unrolled" in metadata:
        yield f"{name} has marks that are the grader's"
    tags = metadata.get("tags", [])
    given = released.metadata.get("tags", []) if released is not None else []
    if isinstance(tags, list):
        for tag in sorted(TAGS & {tag for tag in tags if isinstance(tag, str)} - {*given}):
            yield f"{name} is tagged {tag}"
    if "nbgrader" not in metadata:
        return
    marks = metadata["nbgrader"]
    if not isinstance(marks, dict):
        yield f"the marks of {name} are no marks"
        return
    wanted = released.metadata.get("nbgrader", {}) if released is not None else {}
    if not wanted:
        if not _is_as_released(cell) and any(marks.get(key) for key in ("grade", "solution")):
            yield f"{name} claims to be part of the release"
        return
    changed = any(key in marks and marks[key] != wanted.get(key) for key in _MARKS)
    if changed or marks.get("grade_id") != wanted.get("grade_id"):
        yield f"the marks of {name} were changed"
    elif "points" in marks and marks["points"] != wanted.get("points"):
        if not _is_as_released(cell):
            yield f"the points of {name} were changed"
    elif "schema_version" in marks and marks["schema_version"] not in (1, 2, 3):
        yield f"the marks of {name} were changed"


def _source_was_edited(released: NotebookNode, cell: NotebookNode) -> bool:
    if cell.cell_type != released.cell_type:
        return True
    return cell.source.strip() != released.source.strip() and not _is_as_released(cell)


def _is_as_released(cell: NotebookNode) -> bool:
    """Whether the cell is what nbgrader once wrote, in this release or in an older one."""
    from nbgrader.utils import compute_checksum

    try:
        return bool(cell.metadata.nbgrader["checksum"] == compute_checksum(cell))
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def _holds_active_attachment(cell: NotebookNode) -> bool:
    attachments = cell.get("attachments", {})
    if not isinstance(attachments, dict):
        return True
    kinds = [kind for files in attachments.values() if isinstance(files, dict) for kind in files]
    passive = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"}
    return any(kind not in passive for kind in kinds) or bool(_ACTIVE.search(" ".join(attachments)))


def _is_check(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def _name(cell: NotebookNode, released: NotebookNode | None) -> str:
    if released is not None:
        return str(released.id)
    return f"the cell {str(cell.get('id', ''))[:40]!r}"


def distinct(incidents: Iterable[Incident], most: int = 5) -> tuple[Incident, ...]:
    """Each once, in order, and of each kind no more than a person reads."""
    counts: Counter[str] = Counter()
    found = []
    for incident in dict.fromkeys(incidents):
        counts[incident.kind] += 1
        if counts[incident.kind] <= most:
            found.append(incident)
    return tuple(found)
