"""Releases that students have: kept when they are bundled, recognised when they come back.

``course bundle`` keeps what it made in ``releases/``: the notebooks, and the definitions, checks and library
that judge them. A released notebook says in its metadata which version it is, a digest of its content. A
submission to an older version is graded against that one, by its own definitions (``autograder.archived``). A
student can write any version into a file, but only choose among those that were handed out, and it is told when
the locked cells say otherwise.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.bundle import FOLDER
from autograder.course import Course, CourseError
from autograder.files import write_atomically
from autograder.rebuild import Unreadable, read_submission
from autograder.verdict import Incident

KEY = "unrolled"
"""Notebook metadata of a release: ``{"version": "..."}``."""

ACCEPTED = "accepted.json"


@dataclass(frozen=True)
class Release:
    """One version of one notebook.

    Attributes:
        version: the digest of its content.
        archive: what it was kept in; ``None`` for the version of today.
    """

    assignment: str
    version: str
    archive: Path | None
    notebook: NotebookNode

    @property
    def older(self) -> bool:
        """Whether it is not the version of today."""
        return self.archive is not None

    @cached_property
    def given(self) -> frozenset[tuple[str, str]]:
        """What a student does not write: kind and source of every cell but the solutions'."""
        return _sources(
            cell
            for cell in self.notebook.cells
            if not cell.metadata.get("nbgrader", {}).get("solution")
        )


def version_of(release: NotebookNode) -> str:
    """Stands for the content of a released notebook.

    >>> version_of(nbformat.v4.new_notebook()) == version_of(nbformat.v4.new_notebook())
    True
    """
    told = [[cell.cell_type, cell.get("id"), cell.source, cell.metadata] for cell in release.cells]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def claimed_version(notebook: NotebookNode) -> str:
    """What a notebook says its version is; "" when it says nothing of the kind."""
    told = notebook.metadata.get(KEY, {})
    version = told.get("version", "") if isinstance(told, dict) else ""
    return version if isinstance(version, str) else ""


# ---- keeping


def keep(course: Course, bundle: Path) -> Path:
    """Keep what students get, once; returns where.

    Args:
        course: whose it is.
        bundle: as ``autograder.bundle.make_bundle`` wrote it.
    """
    folder = course.root / "releases"
    content = bundle.read_bytes()
    digest = _digest(content)
    kept = sorted(folder.glob(f"*-{digest}.zip"))
    if kept:
        return kept[0]
    path = folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}-{digest}.zip"
    write_atomically(path, content)
    return path


def unpacked(course: Course, archive: Path) -> Path:
    """The course as it was kept, as files; unpacked once.

    Raises:
        CourseError: when the archive is not what it was.
    """
    content = archive.read_bytes()
    digest = _digest(content)
    if not archive.stem.endswith(f"-{digest}"):
        raise CourseError(
            f"{archive} is not what it was when it was kept: its name and its content do not agree. Bring the "
            "file back, or remove it."
        )
    target = course.state / "releases" / digest
    if not (target / ".complete").is_file():
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                place = Path(entry.filename)
                if not entry.is_dir() and place.parts[0] == FOLDER and ".." not in place.parts:
                    write_atomically(target.joinpath(*place.parts[1:]), packed.read(entry))
        write_atomically(target / ".complete", "")
    return target


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


# ---- recognising


def releases(course: Course, assignment: str) -> list[Release]:
    """Every version of one notebook that students may have: today's, then the newest first."""
    stat = course.release(assignment).stat()
    return _releases(course, assignment, tuple(_archives(course)), stat.st_mtime_ns, stat.st_size)


def _archives(course: Course) -> list[Path]:
    return sorted((course.root / "releases").glob("[0-9]*-*.zip"), reverse=True)


@lru_cache(maxsize=64)
def _releases(
    course: Course, assignment: str, archives: tuple[Path, ...], *_: object
) -> list[Release]:
    today = nbformat.read(course.release(assignment), as_version=4)
    found = [Release(assignment, version_of(today), None, today)]
    name = f"{FOLDER}/notebooks/{assignment}/{assignment}.ipynb"
    for archive in archives:
        try:
            with zipfile.ZipFile(archive) as packed:
                text = packed.read(name).decode("utf-8")
        except KeyError:
            continue  # it was not in that bundle
        except (zipfile.BadZipFile, OSError) as error:
            raise CourseError(f"{archive} cannot be read: {error}") from None
        notebook = nbformat.reads(text, as_version=4)
        version = version_of(notebook)
        if all(version != one.version for one in found):
            found.append(Release(assignment, version, archive, notebook))
    return found


def release_of(course: Course, assignment: str, submission: Path) -> Release:
    """The version that a submission is graded against."""
    known = releases(course, assignment)
    if len(known) == 1 or not submission.is_file():
        return known[0]
    stat = submission.stat()
    accepted = _accepted(course).get(f"{submission.parent.parent.name}/{assignment}", {})
    if accepted and accepted.get("submission") == content_of(submission):
        for one in known:
            if one.version == accepted.get("version"):
                return one
    versions = tuple(one.version for one in known)
    return _recognised(course, assignment, submission, stat.st_mtime_ns, stat.st_size, versions)


@lru_cache(maxsize=4096)
def _recognised(course: Course, assignment: str, submission: Path, *_: object) -> Release:
    known = releases(course, assignment)
    try:
        return recognise(read_submission(submission), known)
    except Unreadable:
        return known[0]


def recognise(submitted: NotebookNode, known: list[Release]) -> Release:
    """The version that a notebook was made from.

    What it claims, when there was such a version; otherwise the one whose given cells it has, today's when
    that does not tell.
    """
    claim = claimed_version(submitted)
    return next((one for one in known if one.version == claim), None) or by_cells(submitted, known)


def by_cells(submitted: NotebookNode, known: list[Release]) -> Release:
    """The version whose given cells a notebook has; the first of ``known`` when that does not tell."""
    present = _sources(submitted.cells)
    best = known[0]
    for other in known[1:]:
        if _speaks_for(other, best, present):
            best = other
    return best


def of_version(submitted: NotebookNode, release: Release, known: list[Release]) -> list[Incident]:
    """What an instructor may want to know of the version that a notebook claims."""
    claim = claimed_version(submitted)
    if claim and claim != release.version and all(claim != one.version for one in known):
        return [
            Incident(
                "version",
                f"it says that it was made from the version {claim[:40]!r}, which was never kept here; graded "
                f"against {release.version}",
            )
        ]
    present = _sources(submitted.cells)
    others = [one for one in known if one is not release and _speaks_for(one, release, present)]
    if claim == release.version and others:
        return [
            Incident(
                "version",
                f"it says that it was made from the version {release.version}, but its locked cells are those "
                f"of {by_cells(submitted, known).version}; graded as it says",
            )
        ]
    return []


def _speaks_for(one: Release, other: Release, present: frozenset[tuple[str, str]]) -> bool:
    """Whether more of what distinguishes ``one`` from ``other`` is there than the other way round."""
    return len(present & (one.given - other.given)) > len(present & (other.given - one.given))


def _sources(cells: Iterable[NotebookNode]) -> frozenset[tuple[str, str]]:
    counted = Counter((cell.cell_type, cell.source.strip()) for cell in cells)
    return frozenset(counted)


# ---- what was accepted


def accept(course: Course, student: str, assignment: str, submission: Path, version: str) -> None:
    """Have one submission graded against another version from now on, as long as it stays as it is."""
    accepted = _accepted(course)
    told = {"submission": content_of(submission), "version": version}
    accepted[f"{student}/{assignment}"] = told
    path = course.root / "releases" / ACCEPTED
    write_atomically(path, json.dumps({"schema": 1, "accepted": accepted}, indent=1) + "\n")


def _accepted(course: Course) -> dict[str, Any]:
    path = course.root / "releases" / ACCEPTED
    try:
        accepted = json.loads(path.read_text(encoding="utf-8"))["accepted"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"{path} cannot be read ({type(error).__name__}): it says which submissions are graded against a "
            "newer version. Bring it back, or remove it to grade each against its own."
        ) from None
    return accepted if isinstance(accepted, dict) else {}


def content_of(submission: Path) -> str:
    """Stands for what was handed in."""
    return hashlib.sha256(submission.read_bytes()).hexdigest()
