"""Results on disk, so that long work resumes and nothing unchanged is graded twice.

A record is valid for exactly one content of submission, release and grader (their digest). It is written
atomically after a submission was judged and before the gradebook hears of it: whatever interrupts the
grader, a later run finds the record, or grades again, and tells the gradebook. A mark beside the record
says that one gradebook has heard all of it. Who works on a submission claims it first, so two graders at
once share a class.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nbformat

import autograder
import course_lib
from autograder.course import Course
from autograder.files import claimed, write_atomically
from autograder.submission import Graded
from autograder.verdict import SubmissionResult
from autograder.versions import release_of


@lru_cache(maxsize=1)
def grader_digest() -> str:
    """Changes whenever the code that grades changes."""
    total = hashlib.sha256()
    for package in (autograder, course_lib):
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            total.update(path.relative_to(folder).as_posix().encode())
            total.update(path.read_bytes())
    return total.hexdigest()


def digest(course: Course, assignment: str, submission: Path) -> str:
    """Stands for the content of a submission, of its release and of the grader.

    Of a submission to an older release these are what was kept with it, and change no more.
    """
    release = release_of(course, assignment, submission)
    if release.archive:
        total = hashlib.sha256(release.archive.name.encode())
        paths = [submission]
    else:
        total = hashlib.sha256(grader_digest().encode())
        paths = [course.release(assignment), submission]
    for path in paths:
        try:
            content = hashlib.sha256(path.read_bytes()).digest()
        except OSError:
            content = b"unreadable"
        total.update(content)
    return total.hexdigest()


@dataclass(frozen=True, slots=True)
class Store:
    """The records of one course, below ``.course/results``."""

    course: Course

    def _path(self, student: str, assignment: str) -> Path:
        return self.course.state / "results" / student / f"{assignment}.json"

    def load(self, student: str, assignment: str, key: str) -> Graded | None:
        """The record, when there is one for exactly this content."""
        return _read(self._path(student, assignment), key)

    def everything(self) -> list[Graded]:
        """The last result of every submission, by assignment and student."""
        paths = (self.course.state / "results").glob("*/*.json")
        found = [graded for path in sorted(paths) if (graded := _read(path))]
        return sorted(found, key=lambda graded: (graded.result.assignment, graded.result.student))

    def save(self, graded: Graded, key: str) -> None:
        """Keep a result, replacing an older one of the same student and assignment."""
        result = graded.result
        record = {"digest": key, "result": result.to_json(), "notebook": graded.notebook}
        write_atomically(self._path(result.student, result.assignment), json.dumps(record))

    def claim(self, student: str, assignment: str) -> AbstractContextManager[bool]:
        """Whether this process may work on a submission now: no other one does."""
        return claimed(self._beside(student, assignment, "lock"))

    def entered(self, student: str, assignment: str, key: str, gradebook: str) -> bool:
        """Whether the record for this content was entered to its end into this gradebook."""
        try:
            found = self._beside(student, assignment, "entered").read_text(encoding="utf-8")
        except OSError:
            return False
        return found == _mark(key, gradebook)

    def mark_entered(self, student: str, assignment: str, key: str, gradebook: str) -> None:
        """Note that it was. Written last of all."""
        write_atomically(self._beside(student, assignment, "entered"), _mark(key, gradebook))

    def _beside(self, student: str, assignment: str, kind: str) -> Path:
        return self._path(student, assignment).with_name(f".{assignment}.{kind}")


def _mark(key: str, gradebook: str) -> str:
    return hashlib.sha256(
        f"{key} {gradebook}".encode()
    ).hexdigest()  # an address may hold a password


def _read(path: Path, key: str | None = None) -> Graded | None:
    """The record in a file; with a ``key`` only when it is for exactly that content."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if key is not None and record["digest"] != key:
            return None
        notebook = nbformat.from_dict(record["notebook"])
        return Graded(SubmissionResult.from_json(record["result"]), notebook)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # never written, or by an older version: grade again
