"""Where things stand in the repository: folders, assignments, nbgrader's configuration."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.term import Term

COURSE_ID = "unrolled"
CONFIG = "nbgrader_config.py"


class CourseError(Exception):
    """Wrong use or a broken course folder; the message says what, where and what to do."""

    exit_code = 2


@dataclass(frozen=True)
class Course:
    """A course folder: the one that holds ``nbgrader_config.py``, ``solutions`` and ``notebooks``."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Course:
        """The course that ``start`` (the current folder by default) lies in.

        ``UNROLLED_COURSE`` names another one.

        Raises:
            CourseError: when there is none.
        """
        told = os.environ.get("UNROLLED_COURSE")
        here = Path(told) if told else (start or Path.cwd())
        for folder in (here.resolve(), *here.resolve().parents):
            if (folder / CONFIG).is_file() and (folder / "notebooks").is_dir():
                return cls(folder)
        raise CourseError(
            f"{here.resolve()} is not inside a course: no folder above it holds {CONFIG} and "
            "notebooks/. Change into your copy of the course, or set UNROLLED_COURSE to it."
        )

    @property
    def solutions(self) -> Path:
        """Sources and executed solutions: the trusted side only."""
        return self.root / "solutions"

    @property
    def notebooks(self) -> Path:
        """What students get."""
        return self.root / "notebooks"

    @property
    def state(self) -> Path:
        """Records of the commands; nothing in it is needed to read the grades."""
        return self.root / ".course"

    @cached_property
    def released(self) -> list[str]:
        """The names of all released notebooks, in order."""
        return sorted(
            folder.name
            for folder in self.notebooks.iterdir()
            if (folder / f"{folder.name}.ipynb").is_file()
        )

    @cached_property
    def term(self) -> Term:
        """What ``course.toml`` says of this term.

        Raises:
            CourseError: when it says something that cannot be meant.
        """
        from autograder.course_file import read_term

        return read_term(self.root, self.released)

    @property
    def assignments(self) -> list[str]:
        """The names of the assignments of this term, in order: all that are released, or fewer."""
        return list(self.term.notebooks)

    def require(self, names: Iterable[str]) -> None:
        """Make sure that there are assignments of these names.

        Raises:
            CourseError: with the nearest name, or with where it was left out.
        """
        for name in names:
            if name in self.released and name not in self.assignments:
                raise CourseError(
                    f"{name} does not belong to this term: course.toml lists "
                    f"{', '.join(self.assignments)}"
                )
            if name not in self.assignments:
                raise CourseError(f"there is no assignment {name!r}{near(name, self.assignments)}")

    def source(self, name: str) -> Path:
        """The source of truth of one assignment."""
        return self.solutions / name / f"{name}.py"

    def solution(self, name: str) -> Path:
        """The executed solution."""
        return self.solutions / name / f"{name}.ipynb"

    def release(self, name: str) -> Path:
        """The released notebook."""
        return self.notebooks / name / f"{name}.ipynb"

    def nbgrader_config(self) -> Any:
        """This course's nbgrader configuration, as nbgrader itself would load it."""
        from traitlets.config import Config
        from traitlets.config.loader import PyFileConfigLoader

        config: Config = PyFileConfigLoader(CONFIG, path=str(self.root)).load_config()
        config.CourseDirectory.root = str(self.root)
        return config


def near(name: str, known: Iterable[str], cutoff: float = 0.4) -> str:
    """How a sentence about a name that is none goes on: with the nearest one, or with all.

    >>> near("01_unroling", ["01_unrolling", "02_loops"]), near("x", ["01_unrolling"])
    ("; did you mean '01_unrolling'?", '; there are: 01_unrolling')
    """
    several = list(known)
    close = get_close_matches(name, several, n=1, cutoff=cutoff)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(several)}"
