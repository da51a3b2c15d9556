"""``course regrade``: what today's version of a notebook would change for those who answered an older one.

Nothing changes unless that is accepted: for those who gain, or for all. Then ``course grade`` grades these
submissions against today's version, as long as they stay as they are.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from autograder.by_release import ByRelease
from autograder.course import Course
from autograder.grading import Item, Options, discover
from autograder.store import Store, digest
from autograder.submission import Assignment, Graded
from autograder.verdict import SubmissionResult
from autograder.versions import Release, accept, release_of, releases

Accept = Literal["", "gains", "all"]


@dataclass(frozen=True, slots=True)
class Compared:
    """One submission to an older release: its result as it stands, and under today's version.

    Both are in the term's points, before a late penalty and without points set by hand.
    """

    release: str
    now: SubmissionResult
    then: SubmissionResult

    @property
    def change(self) -> float:
        """Points gained, or lost when negative."""
        return round(self.then.score - self.now.score, 4)

    @property
    def exercises(self) -> list[tuple[str, float, float]]:
        """The exercises whose score would change: id, points now, points then."""
        now = {item.id: item.score for item in self.now.exercises}
        return [
            (item.id, now.get(item.id, 0.0), item.score)
            for item in self.then.exercises
            if item.score != now.get(item.id, 0.0)
        ]

    def to_json(self) -> dict[str, Any]:
        """As it stands in the documented format."""
        return {
            "student": self.now.student,
            "assignment": self.now.assignment,
            "release": self.release,
            "score": self.now.score,
            "new_score": self.then.score,
            "max_score": self.then.max_score,
            "exercises": [
                {"id": name, "score": now, "new_score": then} for name, now, then in self.exercises
            ],
        }


@dataclass(frozen=True, slots=True)
class Regraded:
    """What a comparison found.

    Attributes:
        compared: every submission to an older release.
        accepted: how many of them are graded against today's version from now on.
        problems: sentences on what could not be compared.
    """

    compared: tuple[Compared, ...]
    accepted: int
    problems: tuple[str, ...]


def regrade(
    course: Course,
    options: Options,
    accepting: Accept = "",
    listener: Callable[[Compared], None] = lambda _: None,
) -> Regraded:
    """Compare, and accept what is to be accepted.

    Args:
        course: whose releases.
        options: as for ``course grade``: which submissions, how many at once, in which kernels.
        accepting: whose new score counts: nobody's, that of those who gain, or everybody's.
        listener: called for each submission that was compared.
    """
    items, _ = discover(course, options)
    older = [item for item in items if _older(course, item)]
    if older:
        options.engine.require()
    return asyncio.run(_Regrading(course, options, accepting, listener).run(older))


def _older(course: Course, item: Item) -> bool:
    return item.notebook.is_file() and release_of(course, item.assignment, item.notebook).older


class _Regrading:
    def __init__(
        self,
        course: Course,
        options: Options,
        accepting: Accept,
        listener: Callable[[Compared], None],
    ) -> None:
        self.course, self.accepting, self.listener = course, accepting, listener
        self.store = Store(course)
        self.by_release = ByRelease(course, options.limits, options.engine)
        self.slots = asyncio.Semaphore(options.jobs or os.cpu_count() or 1)
        self.loaded: dict[tuple[str, int], Assignment] = {}
        self.problems: list[str] = []
        self.accepted = 0

    async def run(self, items: Sequence[Item]) -> Regraded:
        try:
            found = await asyncio.gather(*map(self._one, items))
        finally:
            await self.by_release.close()
        compared = tuple(one for one in found if one)
        return Regraded(compared, self.accepted, tuple(self.problems))

    async def _one(self, item: Item) -> Compared | None:
        release = release_of(self.course, item.assignment, item.notebook)
        key = digest(self.course, item.assignment, item.notebook)
        record = self.store.load(item.student, item.assignment, key)
        if record is None or record.result.status == "error":
            self.problems.append(
                f"{item.student}/{item.assignment} has not been graded: first run course grade"
            )
            return None
        async with self.slots:
            graded = await self._under_todays(item, record.result.seed)
        marked = self.course.term.marked
        compared = Compared(release.version, marked(record.result), marked(graded.result))
        self.listener(compared)
        if self.accepting == "all" or (self.accepting == "gains" and compared.change > 0):
            self._accept(item, graded)
        return compared

    async def _under_todays(self, item: Item, seed: int) -> Graded:
        place = item.assignment, seed
        if place not in self.loaded:
            self.loaded[place] = Assignment.load(self.course, *place)
        today = self.loaded[place]
        return await self.by_release.grade_against(
            self._today(item), today, item.student, item.notebook
        )

    def _accept(self, item: Item, graded: Graded) -> None:
        version = self._today(item).version
        accept(self.course, item.student, item.assignment, item.notebook, version)
        key = digest(self.course, item.assignment, item.notebook)
        self.store.save(graded, key)
        self.accepted += 1

    def _today(self, item: Item) -> Release:
        return releases(self.course, item.assignment)[0]
