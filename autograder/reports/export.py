"""``course export``: the gradebook in the formats that other systems read.

- ``csv``: a line for each student and assignment, for a spreadsheet.
- ``canvas``: Canvas' gradebook file. Give the file that Canvas exports as roster: its rows and columns stay as
  they are, and only our assignments are filled in.
- ``moodle``: Moodle's *grading worksheet* of one assignment when that is given as roster, with feedback
  comments; without one, a table for Moodle's gradebook import.
- ``gradescope``: ``results.json`` for each submission, as Gradescope's autograder reads it.

A student's folder name is matched with every column of a roster that can name a person (login, e-mail address,
number), never with a display name alone, which two people can share.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.card import headline, number
from autograder.course import Course, CourseError
from autograder.reports.class_report import class_numbers
from autograder.reports.classroom import AssignmentNumbers, Row

FORMATS = ("csv", "canvas", "moodle", "gradescope")

_CANVAS_KEYS = ("SIS Login ID", "SIS User ID", "ID")
_CANVAS_HEAD = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_MOODLE_KEYS = ("Username", "ID number", "Email address", "Identifier")
_CANVAS_COLUMN = re.compile(r"(?P<title>.*?)\s*(\(\d+\))?\s*")


@dataclass
class Exported:
    """What an export wrote, and what it could not place."""

    files: dict[Path, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def export(
    course: Course,
    kind: str,
    target: Path,
    *,
    assignments: Sequence[str] = (),
    titles: Mapping[str, str],
    roster: Path | None = None,
    gradebook: str = "",
) -> Exported:
    """The files of one export, by path; nothing is written here.

    Args:
        course: whose grades.
        kind: one of ``FORMATS``.
        target: the file, or for ``gradescope`` the folder, to write to.
        assignments: which; all that have been graded when empty.
        titles: what the other system calls an assignment, by its name here.
        roster: a file that the other system exported.
        gradebook: its address, when it is not the course's own.

    Raises:
        CourseError: for a roster that cannot be read or is of another kind.
    """
    found = class_numbers(course, assignments, gradebook)
    make: dict[str, Callable[[], Exported]] = {
        "csv": lambda: Exported({target: _plain(found)}),
        "canvas": lambda: _canvas(found, target, titles, roster),
        "moodle": lambda: _moodle(found, target, titles, roster),
        "gradescope": lambda: _gradescope(found, target),
    }
    return make[kind]()


def _plain(found: Sequence[AssignmentNumbers]) -> str:
    rows = [
        {
            "student": _harmless(row.result.student),
            "assignment": one.name,
            "score": number(row.score),
            "max_score": number(one.max_score),
            "late_penalty": number(row.marks.late_penalty),
            "late_days": str(row.marks.late_days),
            "status": row.result.status,
        }
        for one in found
        for row in one.rows
    ]
    return _table(list(rows[0]), rows)


def _canvas(
    found: Sequence[AssignmentNumbers],
    target: Path,
    titles: Mapping[str, str],
    roster: Path | None,
) -> Exported:
    separator = ","
    if roster is None:
        columns, people = list(_CANVAS_HEAD), []
        for student in sorted({row.result.student for one in found for row in one.rows}):
            person = dict.fromkeys(_CANVAS_HEAD, "")
            shown = _harmless(student)
            people.append({**person, "Student": shown, "SIS Login ID": shown})
        points = dict.fromkeys(_CANVAS_HEAD, "") | {"Student": "    Points Possible"}
        people.insert(0, points)
    else:
        columns, people, separator = _read_table(roster)
        if not set(_CANVAS_HEAD[:2]) <= set(columns):
            raise CourseError(
                f"{roster} is no gradebook of Canvas: it has no columns Student and ID. In Canvas: "
                "Grades, Export, Export Entire Gradebook."
            )
    made = Exported()
    for one in found:
        column = _canvas_column(columns, titles[one.name])
        if column not in columns:
            columns.append(column)
        _fill(people, one, _CANVAS_KEYS, column, made)
        for person in people:
            if person["Student"].strip() == "Points Possible" and not person.get(column):
                person[column] = number(one.max_score)
    made.files[target] = _table(columns, people, separator)
    return made


def _canvas_column(columns: Iterable[str], title: str) -> str:
    """Canvas adds its own number to a title: "Unrolling by hand (4711)"."""
    for column in columns:
        match = _CANVAS_COLUMN.fullmatch(column)
        if match and match["title"] == title:
            return column
    return title


def _moodle(
    found: Sequence[AssignmentNumbers],
    target: Path,
    titles: Mapping[str, str],
    roster: Path | None,
) -> Exported:
    if roster is None:
        rows: dict[str, dict[str, str]] = {}
        for one in found:
            for row in one.rows:
                shown = _harmless(row.result.student)
                line = rows.setdefault(shown, {"Username": shown})
                line[titles[one.name]] = number(row.score)
        columns = ["Username", *(titles[one.name] for one in found)]
        return Exported({target: _table(columns, list(rows.values()))})
    columns, people, separator = _read_table(roster)
    if not {"Identifier", "Grade"} <= set(columns):
        raise CourseError(
            f"{roster} is no grading worksheet of Moodle: it has no columns Identifier and Grade. In "
            "Moodle: the assignment, View all submissions, Download grading worksheet."
        )
    if len(found) != 1:
        raise CourseError(
            "a grading worksheet of Moodle is for one assignment: name it with --assignment"
        )
    made = Exported()
    placed = _fill(people, found[0], _MOODLE_KEYS, "Grade", made)
    if "Feedback comments" in columns:
        for person, row in placed:
            person["Feedback comments"] = "; ".join(headline(item) for item in row.result.exercises)
    made.files[target] = _table(columns, people, separator)
    return made


def _fill(
    people: Sequence[dict[str, str]],
    one: AssignmentNumbers,
    keys: Sequence[str],
    column: str,
    made: Exported,
) -> list[tuple[dict[str, str], Row]]:
    """Write each student's score into their line; name those who have none, or more than one."""
    placed = []
    for row in one.rows:
        mine = {name.casefold() for name in (row.result.student, _harmless(row.result.student))}
        lines = [person for person in people if mine & _names(person, keys)]
        if len(lines) == 1:
            lines[0][column] = number(row.score)
            placed.append((lines[0], row))
        else:
            why = "is nobody in the roster" if not lines else "is more than one in the roster"
            problem = f"{row.result.student} {why}; left out"
            made.problems += [] if problem in made.problems else [problem]
    return placed


def _names(person: Mapping[str, str], keys: Sequence[str]) -> set[str]:
    """What may stand for a person as a folder's name."""
    found = {person.get(key, "").strip().casefold() for key in keys}
    found |= {name.partition("@")[0] for name in found}
    found |= {name.removeprefix("participant ").strip() for name in found}
    return found - {""}


def _gradescope(found: Sequence[AssignmentNumbers], folder: Path) -> Exported:
    made = Exported()
    for one in found:
        for row in one.rows:
            text = json.dumps(_gradescope_result(row), indent=1, ensure_ascii=False) + "\n"
            made.files[folder / one.name / row.result.student / "results.json"] = text
    return made


def _gradescope_result(row: Row) -> dict[str, Any]:
    tests = [
        {
            "name": item.id,
            "score": row.marks.scores.get(item.id, item.score),
            "max_score": item.max_score,
            "status": "passed" if item.passed else "failed",
            "output": item.comment,
            "visibility": "visible",
        }
        for item in row.result.exercises
    ]
    return {
        "score": row.score,
        "execution_time": row.result.seconds,
        "output": "; ".join(seen.detail for seen in row.result.incidents),
        "visibility": "visible",
        "tests": tests,
    }


def _read_table(path: Path) -> tuple[list[str], list[dict[str, str]], str]:
    """The columns of a platform's table, its lines, and what stands between two cells."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}") from None
    header = text.partition("\n")[0]
    # Where people write 0,5 for a half, Canvas separates columns by semicolons.
    separator = max(",;", key=lambda mark: len(next(csv.reader([header], delimiter=mark), [])))
    reader = csv.DictReader(io.StringIO(text), restval="", delimiter=separator)
    columns = list(reader.fieldnames or [])
    rows = [{key: value or "" for key, value in row.items() if key is not None} for row in reader]
    if not columns or not rows:
        raise CourseError(f"{path} is no table: it has no header and lines below it")
    return columns, rows, separator


def _table(columns: Sequence[str], rows: Iterable[Mapping[str, str]], separator: str = ",") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", delimiter=separator, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _harmless(value: str) -> str:
    """A spreadsheet runs a cell that begins like a formula; a student chose some of these texts."""
    is_number = re.fullmatch(r"-?\d+(\.\d+)?", value)
    return value if is_number or value[:1] not in tuple("=+-@\t\r") else f"'{value}"
