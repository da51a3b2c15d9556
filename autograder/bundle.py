"""``course bundle``: what students download, as one zip: notebooks, the library, the checks; no solutions.

Of the notebooks those of the term (``course.toml``).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from autograder.build import index_bytes
from autograder.course import Course, CourseError
from autograder.overview import INDEX

FOLDER = "unrolled"
"""The folder that the archive unpacks to."""

_FILES = (
    "LICENSE",
    "Makefile",
    "environment.yml",
    "nbgrader_config.py",
    "pyproject.toml",
    "requirements.lock",
)
_PACKAGES = ("autograder", "course_lib", "notebooks")
_LEFT_OUT = {"__pycache__", ".ipynb_checkpoints"}
_EPOCH = (1980, 1, 1, 0, 0, 0)


def contents(course: Course) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of the bundle, in order.

    Raises:
        CourseError: when this copy of the course is no complete one.
    """
    for name in _FILES:
        path = course.root / name
        if not path.is_file():
            raise CourseError(f"{path} is missing: a bundle is made from a clone of the course")
        yield name, path.read_bytes()
    # pyproject.toml names a README; the students' own words are the right ones for them
    yield "README.md", (course.root / "docs" / "students.md").read_bytes()
    # course.toml stays here: it says who has an extension
    wanted = {*course.assignments, INDEX}
    term_index = index_bytes(course, course.assignments)
    for package in _PACKAGES:
        for path in sorted((course.root / package).rglob("*")):
            if not path.is_file() or _LEFT_OUT & set(path.parts) or path.suffix == ".pyc":
                continue
            place = path.relative_to(course.root)
            if place.parts[0] == "notebooks" and place.parts[1] not in wanted:
                continue
            is_index = place == Path("notebooks", INDEX)
            yield place.as_posix(), term_index if is_index else path.read_bytes()


def make_bundle(course: Course, path: Path) -> int:
    """Write the bundle; the same course gives the same bytes.

    Returns:
        How many files are in it.
    """
    files = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents(course):
            info = zipfile.ZipInfo(f"{FOLDER}/{name}", _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
            files += 1
    return files
