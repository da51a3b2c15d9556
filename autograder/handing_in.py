"""From a student's notebook to ``submitted/``: ``course submit`` on one side, ``course collect`` on the other.

``submit`` makes a zip with the notebook and a receipt: a short code that stands for exactly this content.
``collect`` takes such zips, plain notebooks, and the archives that Canvas and Moodle make of a whole class.
What comes out of an archive is never used as a path, and nothing in it is believed: a name is looked up in the
roster, an assignment is recognised by the exercises in the notebook.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import nbformat

from autograder.course import Course, CourseError
from autograder.exercises import assignments
from autograder.files import write_atomically
from autograder.hand_in_times import (
    HandInTime,
    Times,
    claimed_in,
    moodles_times,
    note_time,
    read_times,
)
from autograder.rebuild import MAX_FILE_BYTES, Unreadable, parse_submission, rebuild

RECEIPT = "receipt.json"
MAX_FILES = 20_000

_CANVAS = re.compile(
    r"(?P<name>[^_/]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<submission>\d+)_(?P<file>.+?)(?:-(?P<again>\d+))?(?P<end>\.\w+)"
)
_MOODLE = re.compile(r"(?P<name>[^/]+)_(?P<id>\d+)_assignsubmission_file_?/?(?P<file>[^/]*)")
_NOT_IN_A_FOLDERS_NAME = re.compile(r"[^\w.@+-]+")


# ---- the student's side


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a student keeps: which content was packed, and when."""

    assignment: str
    sha256: str
    packed: str
    written: int
    exercises: int

    @property
    def code(self) -> str:
        """Short enough to be read out: equal codes mean equal content."""
        return "-".join(self.sha256[n : n + 4] for n in (0, 4, 8))


def submit(course: Course, name: str, target: Path) -> Receipt:
    """Pack one notebook of ``work/`` for handing in.

    Args:
        course: the student's copy.
        name: of the assignment.
        target: the zip to write.

    Raises:
        CourseError: when there is no such notebook, or Jupyter could not read it.
    """
    notebook = course.root / "work" / name / f"{name}.ipynb"
    if not notebook.is_file():
        raise CourseError(f"{notebook} is not there: open the course once with `course lab`")
    content = notebook.read_bytes()
    release = nbformat.read(course.release(name), as_version=4)
    try:
        answered = rebuild(release, parse_submission(content.decode("utf-8-sig"))).answered
    except (Unreadable, UnicodeDecodeError) as problem:
        raise CourseError(f"{notebook} cannot be handed in: {problem}") from None
    receipt = Receipt(
        assignment=name,
        sha256=hashlib.sha256(content).hexdigest(),
        packed=datetime.now(UTC).isoformat(timespec="seconds"),
        written=len(answered),
        exercises=len(assignments()[name]),
    )
    told = {"schema": 1, "code": receipt.code}
    told |= {key: getattr(receipt, key) for key in receipt.__slots__}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.ipynb", content)
        archive.writestr(RECEIPT, json.dumps(told, indent=1) + "\n")
    return receipt


# ---- the instructor's side


@dataclass(frozen=True, slots=True)
class HandedIn:
    """One file of one person.

    Attributes:
        person: what the archive calls them: a login, a number, a display name.
        where: its name there, for messages.
        order: later hand-ins of the same person have larger ones.
        claimed: when its receipt says that it was packed.
        marked_late: whether the archive's name for it says that it was late.
    """

    person: str
    where: str
    content: bytes
    order: int = 0
    claimed: datetime | None = None
    marked_late: bool = False


@dataclass
class Collected:
    """What was put where, what could not be, and what to know about times."""

    placed: dict[tuple[str, str], str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def collect(
    course: Course,
    sources: list[Path],
    target: Path,
    roster: Path | None,
    times: Path | None = None,
) -> Collected:
    """Put what was handed in below ``target/<student>/<assignment>/``.

    Args:
        course: whose assignments they are.
        sources: archives of Canvas or Moodle, zips of ``course submit``, notebooks, or folders of these.
        target: usually ``submitted/``.
        roster: Canvas' gradebook or Moodle's grading worksheet, to turn numbers into names.
        times: a table of when who handed in; Moodle's worksheet has them anyway.

    Raises:
        CourseError: for a source, roster or table that cannot be read.
    """
    names = read_roster(roster) if roster else {}
    known = read_times(times, course.term.zone) if times else None
    collected = Collected()
    latest: dict[tuple[str, str], HandedIn] = {}
    for source in sources:
        for item in _everything(source, collected.problems):
            student = _student(item.person, names, roster, collected.problems)
            if not student:
                continue
            assignment = recognise(item.content) or _named_in(item.where)
            if not assignment:
                collected.problems.append(f"{item.where}: no notebook of this course; left out")
                continue
            if assignment not in course.assignments:
                collected.notes.append(
                    f"{item.where}: {assignment} is not in course.toml; left out"
                )
                continue
            place = student, assignment
            if place not in latest or latest[place].order <= item.order:
                latest[place] = item
    if known is None and roster is not None:
        known = _of_worksheet(course, roster, names, {place[1] for place in latest}, collected)
    claims, unknown = [], []
    for (student, assignment), item in sorted(latest.items()):
        path = target / student / assignment / f"{assignment}.ipynb"
        same = path.is_file() and path.read_bytes() == item.content
        how = "unchanged" if same else "replaced" if path.exists() else "new"
        collected.placed[student, assignment] = how
        if not same:
            write_atomically(path, item.content)
        when = _when(item, known.of(student, assignment) if known else None)
        if note_time(path.parent, when, replaced=not same):
            claims.append(f"{student}/{assignment}")
        elif item.marked_late and when is None:
            unknown.append(f"{student}/{assignment}")
    has_deadline = any(terms.due for terms in course.term.notebooks.values())
    if claims and has_deadline:
        collected.notes.append(
            "known only from the receipt, which is the student's own word, is when these were handed in: "
            f"{', '.join(claims)}. Moodle's worksheet as --roster, or a table as --times, knows better"
        )
    if unknown:
        collected.notes.append(
            f"Canvas says LATE, but not when, of {', '.join(unknown)}: give the times with --times"
        )
    return collected


def _when(item: HandedIn, known: datetime | None) -> HandInTime | None:
    if known:
        return HandInTime(known, "platform")
    return HandInTime(item.claimed, "receipt") if item.claimed else None


def _of_worksheet(
    course: Course,
    roster: Path,
    names: Mapping[str, str],
    assignments: set[str],
    collected: Collected,
) -> Times | None:
    """The times in Moodle's worksheet, when that is what the roster is."""
    found = moodles_times(_rows(roster), names, course.term.zone)
    if found.not_understood:
        collected.notes.append(
            f"times in {roster.name} that are not understood: {'; '.join(found.not_understood)}. Give them "
            "with --times"
        )
    if found.moments and len(assignments) > 1:
        collected.notes.append(
            f"the times in {roster.name} are for one assignment, and several were collected: not used. "
            "Collect one at a time"
        )
        return None
    return found


def recognise(content: bytes) -> str:
    """The assignment that a notebook answers, by the exercises in it; "" when it is none of ours."""
    try:
        notebook = parse_submission(content.decode("utf-8-sig"))
    except (Unreadable, UnicodeDecodeError):
        return ""
    marks = (cell.get("metadata", {}).get("nbgrader", {}) for cell in notebook.cells)
    ids = {mark.get("grade_id") for mark in marks if isinstance(mark, dict)}
    sources = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    found = {
        name: sum(e.id in ids or f"def {e.id}(" in sources for e in exercises)
        for name, exercises in assignments().items()
    }
    best = max(found, key=lambda name: found[name])
    return best if found[best] else ""


def _named_in(where: str) -> str:
    """The assignment that a file's name speaks of: an unreadable file is handed in all the same."""
    return next((name for name in assignments() if name in where), "")


def read_roster(path: Path) -> Mapping[str, str]:
    """Number in an archive's file names to the name of a student's folder.

    Raises:
        CourseError: for a file that is neither Canvas' gradebook nor Moodle's grading worksheet.
    """
    rows = _rows(path)
    columns = set(rows[0]) if rows else set()
    if {"ID", "SIS Login ID"} <= columns:
        return {
            row["ID"].strip(): folder_name(row["SIS Login ID"] or row["ID"])
            for row in rows
            if (row["ID"] or "").strip()
        }
    if "Identifier" in columns:
        return {
            (row["Identifier"] or "").removeprefix("Participant ").strip(): folder_name(
                row.get("Username")
                or row.get("ID number")
                or row.get("Email address")
                or row["Identifier"]
            )
            for row in rows
        }
    raise CourseError(
        f"{path} is no roster: expected Canvas' gradebook (Grades, Export) or Moodle's grading worksheet "
        "(View all submissions, Download grading worksheet)"
    )


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}") from None


def folder_name(text: str) -> str:
    """``text`` as a folder's name, which leads nowhere else.

    >>> folder_name("ada@example.edu"), folder_name("../../etc"), folder_name("Ada Lovelace")
    ('ada@example.edu', '_.._etc', 'Ada_Lovelace')
    """
    return _NOT_IN_A_FOLDERS_NAME.sub("_", text.strip()).lstrip(".") or "nobody"


def _student(
    person: str, names: Mapping[str, str], roster: Path | None, problems: list[str]
) -> str:
    if person in names:
        return names[person]
    if roster is None or not person.isdigit():
        return folder_name(person)
    problem = f"number {person} is nobody in {roster.name}; left out"
    problems += [] if problem in problems else [problem]
    return ""


def _everything(source: Path, problems: list[str]) -> Iterator[HandedIn]:
    if source.is_dir():
        for path in sorted(source.iterdir()):
            if path.suffix in (".zip", ".ipynb"):
                yield from _everything(path, problems)
    elif not source.is_file():
        raise CourseError(f"{source} is not there")
    elif zipfile.is_zipfile(source):
        yield from _archive(source, problems)
    elif source.stat().st_size > MAX_FILE_BYTES:
        problems.append(f"{source.name}: larger than {MAX_FILE_BYTES // 2**20} MB; left out")
    else:
        yield HandedIn(_person_of(source.stem), source.name, source.read_bytes())


def _archive(path: Path, problems: list[str]) -> Iterator[HandedIn]:
    """The notebooks in an archive of a class, or the one in a student's own zip."""
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MAX_FILES:
            raise CourseError(f"{path} holds {len(entries)} files; at most {MAX_FILES} are read")
        own = any(entry.filename == RECEIPT for entry in entries)
        for entry in entries:
            name = PurePosixPath(entry.filename)
            if name.suffix not in (".ipynb", ".zip") or name.name.startswith("."):
                continue
            content = _read(archive, entry, problems)
            if content is None:
                continue
            person, order = (_person_of(path.stem), 0) if own else _person_in(entry.filename)
            if name.suffix == ".zip":
                found = _inside(content, person, entry.filename, order, problems)
            else:
                where = f"{path.name}/{entry.filename}"
                claimed = _claim(archive, content, problems) if own else None
                found = iter([HandedIn(person, where, content, order, claimed)])
            canvas = _CANVAS.fullmatch(name.name)
            late = bool(canvas and canvas["late"])
            yield from (replace(item, marked_late=late) for item in found)


def _inside(
    content: bytes, person: str, where: str, order: int, problems: list[str]
) -> Iterator[HandedIn]:
    """The notebooks in a zip inside an archive: what ``course submit`` made."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist()[:10]:
                if entry.filename.endswith(".ipynb") and not entry.is_dir():
                    inner = _read(archive, entry, problems)
                    if inner is not None:
                        claimed = _claim(archive, inner, problems)
                        yield HandedIn(person, f"{where}/{entry.filename}", inner, order, claimed)
    except zipfile.BadZipFile:
        problems.append(f"{where}: no zip, whatever its name says; left out")


def _claim(archive: zipfile.ZipFile, content: bytes, problems: list[str]) -> datetime | None:
    """When the receipt in a student's zip says that it was packed."""
    if RECEIPT not in archive.namelist():
        return None
    receipt = _read(archive, archive.getinfo(RECEIPT), problems)
    return claimed_in(receipt, content) if receipt is not None else None


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, problems: list[str]) -> bytes | None:
    """One file, never more of it than a notebook may have, whatever the archive says its size is."""
    try:
        with archive.open(entry) as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
        problems.append(f"{entry.filename}: cannot be unpacked ({error}); left out")
        return None
    if len(content) > MAX_FILE_BYTES:
        problems.append(f"{entry.filename}: larger than {MAX_FILE_BYTES // 2**20} MB; left out")
        return None
    return content


def _person_in(name: str) -> tuple[str, int]:
    """Who handed a file of an archive in, and the how-manieth hand-in it is."""
    moodle = _MOODLE.match(name)
    if moodle:
        return moodle["id"], 0
    canvas = _CANVAS.fullmatch(PurePosixPath(name).name)
    if canvas:
        return canvas["id"], int(canvas["again"] or 0)
    first = PurePosixPath(name).parts[0]
    return (first if "/" in name else _person_of(PurePosixPath(name).stem)), 0


def _person_of(stem: str) -> str:
    """Whose a file is that lies on its own: ``ada-01_unrolling_by_hand`` is ada's."""
    for assignment in assignments():
        if assignment in stem:
            return stem.partition(assignment)[0].rstrip("-_ ") or stem
    return stem
