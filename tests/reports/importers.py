"""What Canvas and Moodle make of a table, told after their own importers.

    Canvas   lib/gradebook_importer.rb (canvas-lms), as of 2025
    Moodle   mod/assign/feedback/offline/importgradeslib.php and locallib.php (moodle), as of 2025

Both are the platforms' own rules for finding columns and people, in our words; a platform refuses, or silently
leaves out, what does not follow them.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field

_NOT_ASSIGNMENTS = re.compile(r"(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")


@dataclass
class Imported:
    """Grades by column and person, what each column is worth, and which columns cannot be changed."""

    grades: dict[str, dict[str, str]] = field(default_factory=dict)
    points: dict[str, str] = field(default_factory=dict)
    read_only: set[str] = field(default_factory=set)
    comments: dict[str, str] = field(default_factory=dict)


def canvas_imports(text: str) -> Imported:
    """What Canvas reads; a person goes by the number in the column ID, or else by the login.

    Raises:
        ValueError: where Canvas says "Invalid header row".
    """
    first = text.splitlines()[:3]
    fields = {mark: {len(row) for row in csv.reader(first, delimiter=mark)} for mark in ";,"}
    # One number of fields in the first three lines, and the larger of the two.
    alike = {mark: next(iter(n)) if len(n) == 1 else 0 for mark, n in fields.items()}
    rows = list(csv.reader(io.StringIO(text), delimiter=";" if alike[";"] > alike[","] else ","))
    header = rows[0]
    if len(header) < 4 or "Student" not in header[0] or "ID" not in header[1]:
        raise ValueError("Invalid header row")
    before, login = 3, None
    if re.search(r"SIS\s+Login\s+ID", header[2]):
        before, login = 4, 2
    elif re.search(r"SIS\s+User\s+ID", header[2]) and re.search(r"SIS\s+Login\s+ID", header[3]):
        integration = int("Integration ID" in header[4])
        before, login = 5 + integration, 3
        before += "Root Account" in header[4 + integration]
    if "Section" not in header[before - 1]:
        raise ValueError("Invalid header row")
    columns = {
        k: name
        for k, name in enumerate(header)
        if k >= before and not _NOT_ASSIGNMENTS.search(name)
    }
    found = Imported(grades={name: {} for name in columns.values()})
    for row in rows[1:]:
        if "Points Possible" in row[0]:
            found.points = {name: row[k] for k, name in columns.items()}
            found.read_only = {n for n, worth in found.points.items() if "read only" in worth}
        elif any(cell.strip() and not cell.startswith(("Muted", "Manual Posting")) for cell in row):
            person = row[1] or (row[login] if login is not None else "")
            for k, name in columns.items():
                found.grades[name][person] = row[k].strip()
    return found


def moodle_imports(text: str) -> Imported:
    """What Moodle reads from a grading worksheet; a person goes by the number after "Participant ".

    Raises:
        ValueError: where Moodle refuses the file.
    """
    header, *rows = csv.reader(io.StringIO(text))
    for name in ("Identifier", "Grade", "Last modified (grade)"):
        if name not in header:
            raise ValueError(f"Moodle finds no column {name}")
    column = {name: k for k, name in enumerate(header)}
    found = Imported(grades={"Grade": {}})
    for row in rows:
        person = row[column["Identifier"]][len("Participant ") :]
        if not person.isdigit():
            raise ValueError(f"Moodle knows no participant {person!r}")
        found.grades["Grade"][person] = row[column["Grade"]]
        found.comments[person] = row[column["Feedback comments"]]
    return found
