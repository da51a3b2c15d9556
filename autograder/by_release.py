"""Grade each submission against the release that it was made from."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder.archived import Archive
from autograder.course import Course, CourseError
from autograder.engine import Engine
from autograder.jury import Jury
from autograder.limits import Limits
from autograder.notices import distinct
from autograder.rebuild import Unreadable, read_submission
from autograder.submission import Assignment, Graded, grade, recorded
from autograder.verdict import Incident
from autograder.versions import Release, of_version, release_of, releases, unpacked


@dataclass
class ByRelease:
    """Grades the submissions of one run.

    Attributes:
        course: whose releases.
        limits: of each submission.
        engine: which kernel runs them.
    """

    course: Course
    limits: Limits
    engine: Engine
    _archives: dict[Path, Archive] = field(default_factory=dict)

    async def grade(
        self,
        today: Assignment,
        student: str,
        path: Path,
        *,
        turn: asyncio.Semaphore | None = None,
        jury: Jury | None = None,
    ) -> Graded:
        """Grade one submission.

        Args:
            today: the assignment as it is released now.
            student: whose it is.
            path: the submitted file.
            turn: what the student's code waits for before it runs.
            jury: judges what came back of today's release; an older one has its own.
        """
        release = release_of(self.course, today.name, path)
        graded = await self.grade_against(release, today, student, path, turn=turn, jury=jury)
        noticed = self._of_version(release, path)
        if not release.older and not noticed:
            return graded
        result = replace(
            graded.result,
            incidents=distinct([*graded.result.incidents, *noticed]),
            older_release=release.version if release.older else "",
        )
        return Graded(result, recorded(graded.notebook, result))

    async def grade_against(
        self,
        release: Release,
        today: Assignment,
        student: str,
        path: Path,
        *,
        turn: asyncio.Semaphore | None = None,
        jury: Jury | None = None,
    ) -> Graded:
        """Grade one submission against a release, whatever it was made from.

        Raises:
            CourseError: when that release has other exercises than the gradebook.
        """
        if release.archive is None:
            return await grade(today, student, path, self.limits, self.engine, turn=turn, jury=jury)
        theirs = {
            cell.metadata.nbgrader.grade_id.removeprefix("check-")
            for cell in release.notebook.cells
            if cell.metadata.get("nbgrader", {}).get("grade")
        }
        if theirs != set(today.judges):
            others = ", ".join(sorted(theirs ^ set(today.judges)))
            raise CourseError(
                f"it was made from the older release {release.version}, which has other exercises ({others}); "
                "one gradebook cannot hold both. Grade it in the course as it was bundled then: "
                f"unpack releases/{release.archive.name}"
            )
        if release.archive not in self._archives:
            self._archives[release.archive] = Archive(unpacked(self.course, release.archive))
        archive = self._archives[release.archive]
        async with turn or nullcontext():
            return await archive.grade(
                today.name, student, path, today.seed, self.limits, self.engine
            )

    def _of_version(self, release: Release, path: Path) -> list[Incident]:
        known = releases(self.course, release.assignment)
        if len(known) == 1:
            return []
        try:
            return of_version(read_submission(path), release, known)
        except Unreadable:
            return []

    async def close(self) -> None:
        """End what was started for it."""
        for archive in self._archives.values():
            await archive.close()
        self._archives.clear()
