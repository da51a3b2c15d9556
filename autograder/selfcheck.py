"""``course check``: a notebook's public checks in a fresh kernel, on a student's own machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from autograder.course import Course, CourseError
from autograder.engine import Engine
from autograder.exercise import PUBLIC_SEED
from autograder.submission import Assignment, Graded, grade


def check_notebook(course: Course, path: Path) -> Graded:
    """Grade one notebook on the cases that it shows.

    Raises:
        CourseError: when there is no such file, or it is no notebook of the course.
    """
    if not path.is_file():
        raise CourseError(f"{path} does not exist")
    name = path.stem
    if name not in course.assignments:
        raise CourseError(
            f"{path.name} is no notebook of this course; there are: {', '.join(course.assignments)}"
        )
    Engine().require()
    return asyncio.run(grade(Assignment.load(course, name, PUBLIC_SEED), "you", path))
