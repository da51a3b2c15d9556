"""``course bundle``: what students download, as one zip: notebooks, the library, the checks; no solutions."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from autograder.course import Course, CourseError

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
    for package in _PACKAGES:
        for path in sorted((course.root / package).rglob("*")):
            if path.is_file() and not _LEFT_OUT & set(path.parts) and path.suffix != ".pyc":
                yield path.relative_to(course.root).as_posix(), path.read_bytes()


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
