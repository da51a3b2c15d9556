"""A submission that is a link may point into what its student handed in, and nowhere else."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.submission import Assignment, grade
from tests.examples.classroom import COURSE, SUBMITTED

NAME = "01_unrolling_by_hand"
FILE = f"{NAME}.ipynb"


@pytest.fixture
def students(tmp_path: Path) -> Path:
    for student in ("amara", "copycat"):
        (tmp_path / student / NAME).mkdir(parents=True)
    shutil.copy(SUBMITTED / "amara" / NAME / FILE, tmp_path / "amara" / NAME / FILE)
    return tmp_path


def score(path: Path) -> tuple[str, float, list[str]]:
    assignment = Assignment.load(Course(COURSE), NAME, 1)
    result = asyncio.run(grade(assignment, path.parts[-3], path)).result
    return result.status, result.score, [one.kind for one in result.incidents]


def test_a_link_to_another_students_file_is_rejected(students: Path) -> None:
    path = students / "copycat" / NAME / FILE
    path.symlink_to(students / "amara" / NAME / FILE)
    assert score(path) == ("rejected", 0.0, ["unreadable"])


def test_a_folder_that_is_a_link_to_another_students_is_rejected(students: Path) -> None:
    (students / "copycat" / NAME).rmdir()
    (students / "copycat" / NAME).symlink_to(Path("..") / "amara" / NAME)
    assert score(students / "copycat" / NAME / FILE) == ("rejected", 0.0, ["unreadable"])


def test_who_grades_may_link_whole_students(students: Path) -> None:
    (students / "linked").symlink_to(students / "amara")
    status, points, incidents = score(students / "linked" / NAME / FILE)
    assert (status, incidents) == ("graded", [])
    assert points > 0
