"""``course grade``: a class, several submissions at once, each its own transaction, resumable.

    discover -> run and judge (parallel, one kernel each) -> record -> nbgrader's converter -> gradebook

A record (``autograder.store``) is written before the gradebook hears of a result; nbgrader's converter finds
it there. Interrupt at any moment, kill it, fill its disk, and run again: what was recorded is not run again,
and what the gradebook lacks is entered. Whoever works on a submission has claimed it, so two graders share a
class and do not meet.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from autograder.by_release import ByRelease
from autograder.course import Course, CourseError, near
from autograder.engine import Engine
from autograder.exercises import needs_tensorflow
from autograder.files import temporary_files_of_one_run
from autograder.gradebook import (
    Entering,
    Marks,
    Patience,
    Stopped,
    address,
    default_url,
    holds,
    is_busy,
    open_gradebook,
    prepare,
    read_marks,
    whats_in_the_way,
    write_zero,
)
from autograder.jury import Jury
from autograder.limits import Limits
from autograder.store import Store, digest
from autograder.submission import (
    Assignment,
    Graded,
    nothing_handed_in,
    without_evidence,
)
from autograder.verdict import SubmissionResult

_LOOK_AGAIN_SECONDS = 0.25
"""How often to see whether another grader has done with a submission."""


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
    patience: float = 30.0
    """Seconds to wait for a gradebook that another program has locked."""


@dataclass
class ClassResult:
    """What a run of the grader found.

    Attributes:
        results: in the points of this term, before a late penalty.
        unchanged: how many results stood from an earlier run.
        late: the marks of the late submissions, by student and assignment.
        problems: sentences on what was passed over, or failed by the grader's own fault.
        notes: sentences on what a person may want to know, and need do nothing about.
        interrupted: whether someone stopped it; the results so far are complete and kept.
        stopped: a sentence on what stopped it: no room left, a gradebook that stays locked.
    """

    seed: int
    results: list[SubmissionResult] = field(default_factory=list)
    unchanged: int = 0
    late: dict[tuple[str, str], Marks] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False
    stopped: str = ""


Listener = Callable[[SubmissionResult, bool], None]
"""Called for each result; the second argument is whether it stood from an earlier run."""


def discover(course: Course, options: Options) -> tuple[list[Item], list[str]]:
    """The submissions below ``DIR/<student>/<assignment>/``, and what there was passed over.

    Raises:
        CourseError: for a folder that is no class, or an assignment that does not exist.
    """
    directory, known = options.directory.absolute(), course.assignments
    course.require(options.assignments)
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
            elif folder.name not in course.released and not folder.name.startswith("."):
                problems.append(
                    f"{student.name}/{folder.name}: there is no such assignment"
                    f"{near(folder.name, known)}; passed over"
                )
    if not items:
        raise CourseError(
            f"{directory} holds no submission: expected <student>/<assignment>/<assignment>.ipynb "
            f"below it, with an assignment of: {', '.join(wanted)}"
        )
    return items, problems


def who_is_nobody(course: Course, items: Sequence[Item]) -> list[str]:
    """A sentence on each extension in ``course.toml`` for somebody whose name nearly is another's."""
    present = sorted({item.student for item in items})
    named = {name for terms in course.term.notebooks.values() for name in terms.extensions}
    close = {name: get_close_matches(name, present, n=1) for name in sorted(named - {*present})}
    return [
        f"course.toml gives {name!r} an extension, who handed nothing in; did you mean {meant[0]!r}?"
        for name, meant in close.items()
        if meant
    ]


def _not_of_this_term(course: Course, options: Options) -> list[str]:
    others = set(course.released) - {*course.assignments}
    found = sorted({path.name for path in options.directory.glob("*/*") if path.name in others})
    return [f"passed over, not in course.toml: {', '.join(found)}"] if found else []


class Grader:
    """Grades one class. One coordinator writes; kernels compute."""

    def __init__(
        self, course: Course, options: Options, listener: Listener, tell: Callable[[str], None]
    ) -> None:
        self.course, self.options, self.listener, self.tell = course, options, listener, tell
        self.store, self.term = Store(course), course.term
        self.by_release = ByRelease(course, options.limits, options.engine)
        self.url = address(options.gradebook or default_url(course))
        self.patience = Patience(self.url, options.patience, self._note)
        self.assignments: dict[str, Assignment] = {}
        self.jobs = options.jobs or os.cpu_count() or 1
        self.turns = asyncio.Semaphore(self.jobs)
        seed = secrets.randbits(32) if options.seed is None else options.seed
        self.found = ClassResult(seed)

    def run(self, items: Sequence[Item]) -> ClassResult:
        """Grade ``items``; see ``ClassResult`` for what comes back."""
        self.options.engine.require()
        try:
            with temporary_files_of_one_run():
                self._warm_up(items)
                with open_gradebook(self.url, self.course, self.patience) as gradebook:
                    self._grade(gradebook, items)
        except KeyboardInterrupt:
            self.found.interrupted = True
        except Stopped as stopped:
            self.found.stopped = str(stopped)
        except CourseError:
            raise
        except Exception as error:
            if not (why := whats_in_the_way(error, self.url)):
                raise
            self.found.stopped = why
        return self.found

    def _warm_up(self, items: Sequence[Item]) -> None:
        """Have TensorFlow imported for the kernels while we go on, if anything is to be run."""
        fresh = {item.assignment for item in items if self._recorded(item) is None}
        for tensorflow in sorted({needs_tensorflow(name) for name in fresh}, reverse=True):
            self.options.engine.warm_up(tensorflow=tensorflow)

    def _grade(self, gradebook: Any, items: Sequence[Item]) -> None:
        for name in sorted({item.assignment for item in items}):
            for exercise in prepare(self.course, gradebook, self.url, name, self.patience):
                self._note(
                    f"{name}: {exercise} is worth other points now, and somebody's were set by hand; "
                    "formgrader lists them under Manual Grading"
                )
            self.assignments[name] = Assignment.load(self.course, name, self.found.seed)
        gradebook.db.remove()  # from here on another thread writes
        submitted = str(self.options.directory.resolve())
        self.entering = Entering(self.course, submitted, self.url)
        with ThreadPoolExecutor(1, "gradebook") as self.writer:
            asyncio.run(self._grade_all(gradebook, items))

    def _recorded(self, item: Item) -> Graded | None:
        """What an earlier run, or another grader, found for exactly this content."""
        if self.options.force:
            return None
        return self.store.load(item.student, item.assignment, self._key(item))

    def _key(self, item: Item) -> str:
        return digest(self.course, item.assignment, item.notebook)

    async def _grade_all(self, gradebook: Any, items: Sequence[Item]) -> None:
        waiting = [item for item in items if not await self._stands(gradebook, item)]
        # One more than run at once: while they run, a kernel starts, or a grade is written.
        slots = asyncio.Semaphore(self.jobs + 1)
        try:
            async with Jury(self.options.engine) as self.jury, asyncio.TaskGroup() as group:
                for item in waiting:
                    group.create_task(self._grade_one(gradebook, item, slots))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        finally:
            await self.by_release.close()

    async def _stands(self, gradebook: Any, item: Item) -> bool:
        """Whether an earlier run's result still holds; enter it where the gradebook lacks it."""
        if self._recorded(item) is None:
            return False
        with self.store.claim(item.student, item.assignment) as ours:
            return ours and await self._take_over(gradebook, item)

    async def _take_over(self, gradebook: Any, item: Item) -> bool:
        graded = self._recorded(item)
        if graded is None:
            return False
        try:
            await self._enter_where_missing(gradebook, item, graded)
        except Exception as error:
            self._concerns_one(item, error)
        else:
            self.found.unchanged += 1
            self._report(graded.result, standing=True)
        return True

    async def _grade_one(self, gradebook: Any, item: Item, slots: asyncio.Semaphore) -> None:
        while True:
            async with slots:
                with self.store.claim(item.student, item.assignment) as ours:
                    if ours:
                        await self._grade_claimed(gradebook, item)
                        return
            self._note("another grader is at work on this class; the two share it")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _grade_claimed(self, gradebook: Any, item: Item) -> None:
        if await self._take_over(gradebook, item):  # another grader has done it meanwhile
            return
        try:
            key = self._key(item)
            graded = await self._judge(item)
            self.store.save(graded, key)
            await self._enter(gradebook, item, graded)
        except Exception as error:
            self._concerns_one(item, error)
        else:
            self._report(graded.result)

    def _concerns_one(self, item: Item, error: Exception) -> None:
        """One submission never stops the others; what is in everybody's way does."""
        if isinstance(error, Stopped):
            raise error
        if why := whats_in_the_way(error, self.url):
            raise Stopped(why) from error
        self._own_fault(item, error)

    async def _judge(self, item: Item) -> Graded:
        assignment = self.assignments[item.assignment]
        if item.notebook.is_file():
            return await self.by_release.grade(
                assignment, item.student, item.notebook, turn=self.turns, jury=self.jury
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
        advice = f". In full: {log}. Run again to retry."
        if isinstance(error, CourseError):  # no failure, but something for a person to do
            reason, advice = str(error), ""
        self.found.problems.append(f"{item.student}/{item.assignment}: {reason}{advice}")
        self._report(without_evidence(assignment, item.student, "error", "grader", reason))

    def _missing_file(self, item: Item) -> str:
        others = sorted(path.name for path in item.folder.glob("*.ipynb"))
        seen = f"; it holds {', '.join(others)}" if others else ""
        return f"the folder holds no {item.notebook.name}{seen}"

    async def _enter_where_missing(self, gradebook: Any, item: Item, graded: Graded) -> None:
        key = self._mark(item)
        if self.store.entered(item.student, item.assignment, key, self.url):
            marked = self.term.marked(graded.result)
            there = await self._patiently(gradebook, lambda: holds(self.course, gradebook, marked))
            if there:
                await self._see_whether_late(gradebook, item)
                return
        await self._enter(gradebook, item, graded)

    async def _enter(self, gradebook: Any, item: Item, graded: Graded) -> None:
        """Have nbgrader convert the submission: graded notebook, grades, comments, late penalty."""
        key = self._mark(item)

        def enter() -> None:
            if item.notebook.is_file():
                self.entering.enter(gradebook, graded)
            else:
                write_zero(gradebook, graded.result)

        await self._patiently(gradebook, enter)
        self.store.mark_entered(item.student, item.assignment, key, self.url)
        await self._see_whether_late(gradebook, item)

    def _mark(self, item: Item) -> str:
        """Stands for all that the gradebook is told of a submission."""
        came = item.folder / "timestamp.txt"
        when = came.read_text(encoding="utf-8", errors="replace") if came.is_file() else ""
        return f"{self._key(item)}{self.term.digest(item.student, item.assignment)}{when}"

    async def _see_whether_late(self, gradebook: Any, item: Item) -> None:
        def read() -> Marks:
            return read_marks(gradebook, item.student, item.assignment, self.term)

        if self.term.due(item.student, item.assignment):
            marks = await self._patiently(gradebook, read)
            if marks.late:
                self.found.late[item.student, item.assignment] = marks

    async def _patiently(self, gradebook: Any, action: Callable[[], Any]) -> Any:
        """``Patience.wait``, in the one thread that writes; running kernels are listened to."""

        def attempt() -> Any:
            gradebook.db.rollback()  # what was read before may have changed
            try:
                return action()
            finally:
                gradebook.db.remove()  # leaves the database free for others

        while True:
            try:
                done = await asyncio.get_running_loop().run_in_executor(self.writer, attempt)
            except Exception as error:
                if not is_busy(error):
                    raise
                await asyncio.sleep(self.patience.pause(error))
            else:
                self.patience.over()
                return done

    def _note(self, sentence: str) -> None:
        if sentence not in self.found.notes:
            self.found.notes.append(sentence)
            self.tell(sentence)

    def _report(self, result: SubmissionResult, *, standing: bool = False) -> None:
        marked = self.term.marked(result)
        self.found.results.append(marked)
        self.listener(marked, standing)


def grade_class(
    course: Course,
    options: Options,
    listener: Listener,
    tell: Callable[[str], None] = lambda _: None,
) -> ClassResult:
    """Grade every submission below a folder; see ``Grader``. ``tell`` is called for a note at once."""
    items, problems = discover(course, options)
    grader = Grader(course, options, listener, tell)
    grader.found.problems += problems
    for sentence in (*who_is_nobody(course, items), *_not_of_this_term(course, options)):
        grader._note(sentence)
    return grader.run(items)
