"""``course grade``: a class, several submissions at once, each its own transaction, resumable.

    discover -> run and judge (parallel, one kernel each) -> record -> nbgrader's converter -> gradebook

A record (``autograder.store``) is written before the gradebook hears of a result; nbgrader's converter finds
it there. Interrupt at any moment and run again: what was recorded is not run again, and what the gradebook
lacks is entered.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from autograder.build import quiet_nbgrader
from autograder.course import Course, CourseError
from autograder.engine import Engine
from autograder.gradebook import default_url, holds, open_gradebook, prepare, write_zero
from autograder.limits import Limits
from autograder.store import Store, digest
from autograder.submission import (
    Assignment,
    Graded,
    grade,
    nothing_handed_in,
    without_evidence,
)
from autograder.verdict import SubmissionResult


class NotEntered(Exception):
    """nbgrader's converter failed on a graded submission; the message is its log."""

    def __str__(self) -> str:
        said = [line for line in str(self.args[0]).splitlines() if "Error" in line]
        return f"nbgrader could not enter it: {said[-1].strip()}" if said else str(self.args[0])


@dataclass(frozen=True, slots=True)
class Item:
    """One submission to grade."""

    student: str
    assignment: str
    folder: Path

    @property
    def notebook(self) -> Path:
        """The file that should have been handed in."""
        return self.folder / f"{self.assignment}.ipynb"


@dataclass(frozen=True)
class Options:
    """What a person asked for on the command line."""

    directory: Path
    assignments: tuple[str, ...] = ()
    jobs: int = 0
    gradebook: str = ""
    limits: Limits = field(default_factory=Limits)
    engine: Engine = field(default_factory=Engine)
    seed: int | None = None
    force: bool = False


@dataclass
class ClassResult:
    """What a run of the grader found.

    Attributes:
        unchanged: how many results stood from an earlier run.
        problems: sentences on what was passed over, or failed by the grader's own fault.
        interrupted: whether someone stopped it; the results so far are complete and kept.
    """

    seed: int
    results: list[SubmissionResult] = field(default_factory=list)
    unchanged: int = 0
    problems: list[str] = field(default_factory=list)
    interrupted: bool = False


Listener = Callable[[SubmissionResult, bool], None]
"""Called for each result; the second argument is whether it stood from an earlier run."""


def discover(course: Course, options: Options) -> tuple[list[Item], list[str]]:
    """The submissions below ``DIR/<student>/<assignment>/``, and what there was passed over.

    Raises:
        CourseError: for a folder that is no class, or an assignment that does not exist.
    """
    directory, known = options.directory, course.assignments
    for name in options.assignments:
        if name not in known:
            raise CourseError(f"there is no assignment {name!r}{_near(name, known)}")
    if not directory.is_dir():
        raise CourseError(
            f"{directory} is no folder. Name the one that holds <student>/<assignment>/<notebook>.ipynb"
        )
    wanted = options.assignments or tuple(known)
    items, problems = [], []
    for student in sorted(path for path in directory.iterdir() if path.is_dir()):
        if student.name.startswith("."):
            continue
        for folder in sorted(path for path in student.iterdir() if path.is_dir()):
            if folder.name in wanted:
                items.append(Item(student.name, folder.name, folder))
            elif folder.name not in known and not folder.name.startswith("."):
                problems.append(
                    f"{student.name}/{folder.name}: there is no such assignment"
                    f"{_near(folder.name, known)}; passed over"
                )
    if not items:
        raise CourseError(
            f"{directory} holds no submission: expected <student>/<assignment>/<assignment>.ipynb "
            f"below it, with an assignment of: {', '.join(wanted)}"
        )
    return items, problems


def _near(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(known)}"


class Grader:
    """Grades one class. One coordinator writes; kernels compute."""

    def __init__(self, course: Course, options: Options, listener: Listener) -> None:
        self.course, self.options, self.listener = course, options, listener
        self.store = Store(course)
        self.url = options.gradebook or default_url(course)
        self.assignments: dict[str, Assignment] = {}
        seed = secrets.randbits(32) if options.seed is None else options.seed
        self.found = ClassResult(seed)

    def run(self, items: Sequence[Item]) -> ClassResult:
        """Grade ``items``; see ``ClassResult`` for what comes back."""
        self.options.engine.require()
        try:
            with open_gradebook(self.url) as gradebook:
                for name in sorted({item.assignment for item in items}):
                    prepare(self.course, gradebook, self.url, name)
                    self.assignments[name] = Assignment.load(self.course, name, self.found.seed)
                waiting = [item for item in items if not self._stands(gradebook, item)]
                if waiting:
                    asyncio.run(self._grade_all(gradebook, waiting))
        except KeyboardInterrupt:
            self.found.interrupted = True
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise CourseError(
                f"no space left on the disk of {self.course.root}. What was graded is kept; make "
                "room and run the same command again."
            ) from None
        return self.found

    def _stands(self, gradebook: Any, item: Item) -> bool:
        """Whether an earlier run's result still holds; enter it where the gradebook lacks it."""
        if self.options.force:
            return False
        graded = self.store.load(item.student, item.assignment, self._key(item))
        if graded is None:
            return False
        if not holds(self.course, gradebook, graded.result):
            try:
                self._enter(gradebook, item, graded.result)
            except NotEntered as error:
                self._own_fault(item, error)
                return True
        self.found.unchanged += 1
        self._report(graded.result, standing=True)
        return True

    def _key(self, item: Item) -> str:
        return digest(self.course, item.assignment, item.notebook)

    async def _grade_all(self, gradebook: Any, items: Sequence[Item]) -> None:
        for name in sorted({item.assignment for item in items}):
            for judge in self.assignments[name].judges.values():
                _ = judge.expected  # once, before anybody's clock runs
        slots = asyncio.Semaphore(self.options.jobs or os.cpu_count() or 1)
        try:
            async with asyncio.TaskGroup() as group:
                for item in items:
                    group.create_task(self._grade_one(gradebook, item, slots))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _grade_one(self, gradebook: Any, item: Item, slots: asyncio.Semaphore) -> None:
        async with slots:
            try:
                key = self._key(item)
                graded = await self._judge(item)
                self.store.save(graded, key)
                self._enter(gradebook, item, graded.result)
            except Exception as error:  # one submission never stops the others ...
                if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                    raise  # ... but a full disk concerns them all
                self._own_fault(item, error)
            else:
                self._report(graded.result)

    async def _judge(self, item: Item) -> Graded:
        assignment, options = self.assignments[item.assignment], self.options
        if item.notebook.is_file():
            return await grade(
                assignment, item.student, item.notebook, options.limits, options.engine
            )
        return nothing_handed_in(assignment, item.student, self._missing_file(item))

    def _own_fault(self, item: Item, error: Exception) -> None:
        """Note a fault of the grader's own: in one line here, in full in the log."""
        assignment = self.assignments[item.assignment]
        log = self.course.state / "grade.log"
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{item.student}/{item.assignment}\n")
            file.writelines(traceback.format_exception(error))
        last = (str(error).strip().splitlines() or [""])[-1]
        reason = f"the grader failed, {type(error).__name__}: {last}"
        self.found.problems.append(
            f"{item.student}/{item.assignment}: {reason}. In full: {log}. Run again to retry."
        )
        self._report(without_evidence(assignment, item.student, "error", "grader", reason))

    def _missing_file(self, item: Item) -> str:
        others = sorted(path.name for path in item.folder.glob("*.ipynb"))
        seen = f"; it holds {', '.join(others)}" if others else ""
        return f"the folder holds no {item.notebook.name}{seen}"

    def _enter(self, gradebook: Any, item: Item, result: SubmissionResult) -> None:
        """Have nbgrader convert the submission: graded notebook, grades, comments, late penalty."""
        if not item.notebook.is_file():
            write_zero(gradebook, result)
            return
        from nbgrader.apps import NbGraderAPI
        from nbgrader.coursedir import CourseDirectory

        config = self.course.nbgrader_config()
        config.CourseDirectory.submitted_directory = str(self.options.directory.resolve())
        config.CourseDirectory.db_url = self.url
        gradebook.db.rollback()  # leaves the database free for nbgrader's own connections
        with quiet_nbgrader():
            api = NbGraderAPI(CourseDirectory(config=config), config=config)
            outcome = api.autograde(item.assignment, item.student)
        gradebook.db.expire_all()
        if not outcome["success"]:
            raise NotEntered(f"{outcome.get('log', '')}\n{outcome.get('error', '')}")

    def _report(self, result: SubmissionResult, *, standing: bool = False) -> None:
        self.found.results.append(result)
        self.listener(result, standing)


def grade_class(course: Course, options: Options, listener: Listener) -> ClassResult:
    """Grade every submission below a folder; see ``Grader``."""
    items, problems = discover(course, options)
    grader = Grader(course, options, listener)
    grader.found.problems += problems
    return grader.run(items)
