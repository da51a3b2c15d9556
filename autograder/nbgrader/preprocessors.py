"""The judge inside nbgrader: three preprocessors that stand in for sanitising, executing and saving.

``nbgrader autograde``, formgrader's button and ``course grade`` all come through here.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import secrets
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Float, Integer

from autograder.by_release import ByRelease
from autograder.course import Course
from autograder.engine import Engine
from autograder.gradebook import save_verdicts
from autograder.limits import Limits
from autograder.marking import set_terms
from autograder.rebuild import REJECTED, rebuild
from autograder.store import Store, digest
from autograder.submission import Assignment, Graded, with_cards
from autograder.versions import KEY, release_of, version_of

RESULT = "unrolled_result"
"""Key under which the result travels from the judge to the one that saves it."""


def _course(preprocessor: Any) -> Any:
    """The converter's course folder: a preprocessor's parent is the exporter, whose parent it is."""
    return preprocessor.parent.parent.coursedir


def _submitted(preprocessor: Any, where: Any) -> Path:
    """The file that was handed in."""
    directories = _course(preprocessor)
    name, student = where["assignment"], where["student"]
    folder = directories.format_path(directories.submitted_directory, student, name)
    return Path(folder) / f"{where['notebook']}.ipynb"


class StampVersion(NbGraderPreprocessor):
    """Have a released notebook say which version of itself it is."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Add the digest of its content to its metadata."""
        nb.metadata[KEY] = {"version": version_of(nb)}
        return nb, resources


class RebuildFromRelease(NbGraderPreprocessor):
    """Put the student's sources into the released notebook; drop everything else of theirs."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Replace the submitted notebook by the rebuilt one."""
        if REJECTED in nb.metadata:
            return nb, resources
        course = Course(Path(_course(self).root))
        where = resources["nbgrader"]
        release = release_of(course, where["assignment"], _submitted(self, where))
        return rebuild(release.notebook, nb).notebook, resources


class JudgeSubmission(NbGraderPreprocessor):
    """Run the submission and judge it, unless exactly this content has been judged before."""

    sandbox = Bool(
        True, help="Confine submissions; False runs them with the rights of who grades."
    ).tag(config=True)
    seed = Integer(
        None, allow_none=True, help="Seed of the inputs; drawn for each run when not set."
    ).tag(config=True)
    cell_seconds = Float(20.0, help="Wall clock of one cell of a student's.").tag(config=True)
    memory_mb = Integer(4096, help="Resident memory of one submission.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Replace the notebook by the executed one, with a card at each test cell."""
        where = resources["nbgrader"]
        name, student = where["assignment"], where["student"]
        course = Course(Path(_course(self).root))
        path = _submitted(self, where)
        store, key = Store(course), digest(course, name, path)
        graded = store.load(student, name, key)
        if graded is None:
            graded = self._grade(course, name, student, path)
            store.save(graded, key)
        resources[RESULT] = graded.result
        return with_cards(graded.notebook, course.term.marked(graded.result)), resources

    def _grade(self, course: Course, name: str, student: str, path: Path) -> Graded:
        seed = secrets.randbits(32) if self.seed is None else self.seed
        limits = Limits(cell_seconds=self.cell_seconds, memory_mb=self.memory_mb)
        assignment = Assignment.load(course, name, seed)
        engine = Engine.choose(sandbox=self.sandbox)

        async def work() -> Graded:
            by_release = ByRelease(course, limits, engine)
            try:
                return await by_release.grade(assignment, student, path)
            finally:
                await by_release.close()

        # formgrader calls this from inside its own event loop, so the work gets a thread of its own
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, work()).result()


class SaveVerdicts(NbGraderPreprocessor):
    """Write the judge's scores and hints to the gradebook. Cell outputs are never read for it."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Save one submission's grades and comments: all of them, or none."""
        term = Course(Path(_course(self).root)).term
        with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
            set_terms(gradebook, term, resources["nbgrader"]["assignment"])
            save_verdicts(gradebook, resources[RESULT], term)
        return nb, resources
