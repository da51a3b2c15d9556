"""When something was handed in: the platform's word counts, a student's own where the platform says nothing.

``course collect`` writes nbgrader's ``timestamp.txt`` beside a submission, and in ``.handed-in.json`` whose
word it is. Moodle's grading worksheet has the times; for other platforms there is a table with the columns
``student`` and ``time`` (and ``assignment``, where it holds several).
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from autograder.course import CourseError
from autograder.course_file import in_utc
from autograder.files import write_atomically

Source = Literal["platform", "receipt"]

TIMESTAMP = "timestamp.txt"
NOTE = ".handed-in.json"
_MOODLE_COLUMN = "Last modified (submission)"
_MOODLE_FORMATS = ("%d %B %Y, %I:%M %p", "%d %B %Y, %H:%M")


@dataclass(frozen=True, slots=True)
class HandInTime:
    """A moment, in UTC, and whose word it is."""

    moment: datetime
    source: Source


@dataclass(frozen=True, slots=True)
class Times:
    """What a platform says: the moments by student and assignment ("" stands for any)."""

    moments: Mapping[tuple[str, str], datetime]
    not_understood: tuple[str, ...] = ()

    def of(self, student: str, assignment: str) -> datetime | None:
        """When this student handed this in, as far as it is known."""
        return self.moments.get((student, assignment)) or self.moments.get((student, ""))


def read_times(path: Path, zone: ZoneInfo) -> Times:
    """A table with columns ``student``, ``time`` and perhaps ``assignment``.

    Args:
        path: a CSV file; times as ``2026-10-16 18:03``, with or without an offset from UTC.
        zone: of times without one.

    Raises:
        CourseError: for a file that is no such table, with the line.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}") from None
    if not rows or not {"student", "time"} <= set(rows[0]):
        raise CourseError(
            f"{path} is no table of times: expected a line with the names of its columns, student, time and, "
            "where it holds several, assignment"
        )
    moments = {}
    for number, row in enumerate(rows, 2):
        told = (row["time"] or "").strip()
        try:
            moment = datetime.fromisoformat(told)
        except ValueError:
            raise CourseError(
                f"{path}, line {number}: {told!r} is no time; write it as 2026-10-16 18:03"
            ) from None
        place = (row["student"] or "").strip(), (row.get("assignment") or "").strip()
        moments[place] = moment.astimezone(UTC) if moment.tzinfo else in_utc(moment, zone)
    return Times(moments)


def moodles_times(rows: list[dict[str, str]], names: Mapping[str, str], zone: ZoneInfo) -> Times:
    """The times in Moodle's grading worksheet, which is for one assignment.

    Args:
        rows: of the worksheet.
        names: the number that Moodle gives a person to the name of their folder.
        zone: of the worksheet's clock.
    """
    moments, odd = {}, []
    for row in rows:
        told = (row.get(_MOODLE_COLUMN) or "").strip()
        student = names.get((row.get("Identifier") or "").removeprefix("Participant ").strip(), "")
        if told in ("", "-"):
            continue
        found = _moodles(told)
        if found:
            moments[student, ""] = in_utc(found, zone)
        else:
            odd.append(f"{student}: {told!r}")
    return Times(moments, tuple(odd))


def _moodles(told: str) -> datetime | None:
    """A time as Moodle writes it in English: ``Monday, 2 November 2026, 10:04 AM``."""
    without_weekday = re.sub(r"^[^\W\d]+,\s*", "", told).replace("\u202f", " ")
    for layout in _MOODLE_FORMATS:
        with suppress(ValueError):
            return datetime.strptime(without_weekday, layout)
    return None


def claimed_in(receipt: bytes, content: bytes) -> datetime | None:
    """When a receipt says that ``content`` was packed: its student's word, and no more than that."""
    try:
        told = json.loads(receipt)
        if told["sha256"] != hashlib.sha256(content).hexdigest():
            return None
        moment = datetime.fromisoformat(told["packed"])
    except (ValueError, KeyError, TypeError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def note_time(folder: Path, when: HandInTime | None, *, replaced: bool) -> bool:
    """Write down when what lies in ``folder`` was handed in.

    A claim never replaces what a platform said of the same content; the time of older content never stays.

    Returns:
        Whether what is noted now is a claim.
    """
    timestamp, note = folder / TIMESTAMP, folder / NOTE
    known = _source(note) if timestamp.is_file() and not replaced else None
    if when is None or (when.source == "receipt" and known == "platform"):
        if replaced:
            timestamp.unlink(missing_ok=True)
            note.unlink(missing_ok=True)
        return known == "receipt"
    write_atomically(timestamp, f"{when.moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
    write_atomically(note, json.dumps({"schema": 1, "source": when.source}) + "\n")
    return when.source == "receipt"


def _source(note: Path) -> Source:
    """Whose word a time is; one that was not written here is somebody's who knew."""
    try:
        told = json.loads(note.read_text(encoding="utf-8"))["source"]
    except (OSError, ValueError, KeyError, TypeError):
        return "platform"
    return "receipt" if told == "receipt" else "platform"
