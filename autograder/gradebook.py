"""nbgrader's own gradebook: open it, check that it is ours, prepare it, ask what it holds."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import nbformat

from autograder.build import quiet_nbgrader
from autograder.course import COURSE_ID, Course, CourseError
from autograder.files import CANNOT_WRITE, claimed
from autograder.marking import lateness, set_extension, set_scores, set_terms
from autograder.nbgrader.configuration import put_environment_on_path
from autograder.term import Lateness, Term, defined
from autograder.verdict import SubmissionResult

if TYPE_CHECKING:
    from autograder.submission import Graded


@dataclass(frozen=True, slots=True)
class Marks:
    """What the gradebook says of one submission, where a person may have changed it.

    Attributes:
        scores: points by exercise, as they stand after manual grading.
        comments: an instructor's comments by exercise.
        late_penalty: points taken off.
        late: when it was due and came, when it was late.
        late_days: how many days of that count.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    late_penalty: float = 0.0
    late: Lateness | None = None
    late_days: int = 0

    def total(self, result: SubmissionResult) -> float:
        """The points of a submission as they stand."""
        earned = sum(self.scores.get(item.id, item.score) for item in result.exercises)
        return max(0.0, round(earned - self.late_penalty, 4))


_OURS = {COURSE_ID, "default_course"}
"""nbgrader's preprocessors open every gradebook as "default_course" too, which adds that row."""

_AT_A_TIME = "0.25"
"""Seconds that one statement waits for another program's lock; kernels are listened to in between."""

_BUSY = (
    "locked",
    "lock timeout",
    "could not obtain lock",
    "deadlock detected",
    "could not serialize access",
)

_FULL = ("full", "No space left", "could not extend file", "readonly database", "disk I/O error")

Done = TypeVar("Done")


class Stopped(CourseError):
    """The work cannot go on, for nobody's submission; what was graded is kept."""

    exit_code = 1


def default_url(course: Course) -> str:
    """The embedded gradebook: one file at the course's root."""
    return f"sqlite:///{course.root / 'gradebook.db'}"


def address(url: str) -> str:
    """A gradebook's address in full, with a bound on how long a statement waits for a lock.

    Raises:
        CourseError: when it is no address of a database.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        made = make_url(url)
    except ArgumentError as error:
        raise CourseError(_no_address(url, error)) from None
    if made.get_backend_name() == "sqlite":
        if made.database and made.database != ":memory:":  # nbgrader changes folders as it works
            made = made.set(database=str(Path(made.database).absolute()))
        made = made.update_query_dict({"timeout": _AT_A_TIME})
    elif made.get_backend_name() == "postgresql" and "options" not in made.query:
        milliseconds = int(1000 * float(_AT_A_TIME))
        made = made.update_query_dict({"options": f"-c lock_timeout={milliseconds}"})
    return made.render_as_string(hide_password=False)


def _no_address(url: str, error: object) -> str:
    return (
        f"{url!r} is no address of a database ({error}). Use sqlite:///FILE or "
        "postgresql://USER@HOST/NAME."
    )


def shown(url: str) -> str:
    """A gradebook for a sentence: the file, or the address without its password."""
    from sqlalchemy.engine import make_url

    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        return str(made.database)
    return made.set(query={}).render_as_string(hide_password=True)


# ---- what is in the way


def is_busy(error: BaseException) -> bool:
    """Whether another program has the gradebook at this moment, or has just changed it."""
    from sqlalchemy.exc import IntegrityError

    return any(
        isinstance(one, IntegrityError) or any(word in str(one.orig) for word in _BUSY)
        for one in _database_errors(error)
    )


def whats_in_the_way(error: BaseException, url: str) -> str:
    """A sentence on what keeps everybody's grades from being written; "" for anything else."""
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in CANNOT_WRITE:
            named = one.filename or "a file"
            return (
                f"{named} could not be written: {one.strerror}. Make room there; then run the same "
                "command again. What was graded is kept."
            )
    for one in _database_errors(error):
        said = " ".join(str(one.orig).split())
        if any(word in said for word in _FULL):
            return (
                f"the gradebook {shown(url)} could not be written: {said}. Make room there; then run "
                "the same command again. What was graded is kept."
            )
        return (
            f"the gradebook {shown(url)} did not take a grade: {said}. What was graded is kept; when "
            "the gradebook is well again, run the same command."
        )
    return ""


def _database_errors(error: BaseException) -> Iterator[Any]:
    from sqlalchemy.exc import DBAPIError

    for one in _chain(error):
        if isinstance(one, DBAPIError):
            yield one


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and what led to it: nbgrader wraps what its database says."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class Patience:
    """How long to wait for a gradebook that another program has locked."""

    def __init__(
        self, url: str, seconds: float = 30.0, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.url, self.seconds, self.tell = url, seconds, tell
        self._since: float | None = None

    def pause(self, error: BaseException) -> float:
        """Seconds until the next attempt.

        Raises:
            Stopped: it has taken too long.
        """
        now = time.monotonic()
        if self._since is None:
            self._since = now
            self.tell(
                f"another program has locked the gradebook {shown(self.url)}; waiting for up to "
                f"{self.seconds:g} s"
            )
        if now - self._since > self.seconds:
            raise Stopped(
                f"the gradebook {shown(self.url)} stayed locked by another program for "
                f"{self.seconds:g} s. Close what has it open (formgrader, a database browser, another "
                "grader), then run the same command again. What was graded is kept."
            ) from error
        return 0.25

    def over(self) -> None:
        """It was free: the next wait begins anew."""
        self._since = None

    def wait(self, action: Callable[[], Done]) -> Done:
        """Do something with the gradebook, again and again while it is locked.

        Raises:
            Stopped: it stays locked.
        """
        while True:
            try:
                done = action()
            except Exception as error:
                if not is_busy(error):
                    raise
                time.sleep(self.pause(error))
            else:
                self.over()
                return done


# ---- opening


@contextmanager
def open_gradebook(
    url: str, course: Course | None = None, patience: Patience | None = None
) -> Iterator[Any]:
    """nbgrader's ``Gradebook`` at ``url``, made when it is not there yet.

    Args:
        url: see ``address``.
        course: keeps other graders of this course from making it at the same moment.
        patience: for a gradebook that another program has locked.

    Raises:
        CourseError: when it cannot be opened, is no gradebook, or belongs to another course.
        Stopped: when another program keeps it locked.
    """
    from nbgrader.api import Course as CourseRow
    from nbgrader.api import Gradebook
    from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SAWarning

    patience = patience or Patience(url)
    put_environment_on_path()
    warnings.simplefilter("ignore", SAWarning)  # nbgrader's own, on each new submission
    try:
        with quiet_nbgrader(), _alone(course) if course else nullcontext():
            patience.wait(lambda: _make_tables(url))
            gradebook = patience.wait(lambda: Gradebook(url, COURSE_ID))
            patience.wait(lambda: _complete(gradebook))
    except (ArgumentError, NoSuchModuleError) as error:
        raise CourseError(_no_address(url, error)) from None
    except ModuleNotFoundError as missing:
        raise CourseError(
            f"Python lacks the driver for the gradebook {shown(url)} ({missing.name}). For PostgreSQL: "
            "pip install 'psycopg[binary]'"
        ) from None
    except DBAPIError as error:
        if any(word in str(error.orig) for word in _FULL):
            raise Stopped(whats_in_the_way(error, url)) from None
        raise CourseError(f"the gradebook {shown(url)} cannot be opened: {error.orig}") from None
    with gradebook:
        others = {row.id for row in gradebook.db.query(CourseRow)} - _OURS
        if others:
            raise CourseError(
                f"the gradebook {shown(url)} belongs to another course ({', '.join(sorted(others))}). "
                "Name another one with --gradebook, or move this one away."
            )
        yield gradebook


@contextmanager
def _alone(course: Course) -> Iterator[None]:
    """Keep other graders of this course from making a gradebook at the same moment."""
    while True:
        with claimed(course.state / ".gradebook.lock") as ours:
            if ours:
                yield
                return
        time.sleep(0.1)


def _make_tables(url: str) -> None:
    """Make a new gradebook's tables: nbgrader starts another Python to learn their version first."""
    from nbgrader.api import Base
    from sqlalchemy import create_engine, inspect

    engine = create_engine(url)
    try:
        if not inspect(engine).get_table_names():
            Base.metadata.create_all(engine)
    finally:
        engine.dispose()


def _newest_version() -> str:
    """The version of the tables that nbgrader works with, as its migrations say."""
    import nbgrader
    from alembic.script import ScriptDirectory

    migrations = Path(str(nbgrader.__file__)).parent / "alembic"
    return str(ScriptDirectory(str(migrations)).get_current_head())


def _complete(gradebook: Any) -> None:
    """Note the version of a gradebook's tables when nobody has: a new one, or its maker was killed."""
    from sqlalchemy import inspect, text

    tables = inspect(gradebook.engine).get_table_names()
    if "alembic_version" in tables:
        noted = gradebook.db.execute(text("SELECT version_num FROM alembic_version")).first()
        gradebook.db.rollback()
        if noted:
            return
    else:
        gradebook.db.execute(
            text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        )
    version = {"version": _newest_version()}
    gradebook.db.execute(text("INSERT INTO alembic_version VALUES (:version)"), version)
    gradebook.db.commit()


def prepare(
    course: Course, gradebook: Any, url: str, assignment: str, patience: Patience | None = None
) -> list[str]:
    """Tell the gradebook of an assignment as it is released now: its cells, points and deadline.

    Returns:
        The exercises whose points changed below a mark that a person had set.

    Raises:
        CourseError: when cells came or went since submissions were graded.
        Stopped: when another program keeps the gradebook locked.
    """
    with _alone(course):
        try:
            (patience or Patience(url)).wait(lambda: _prepare(course, gradebook, url, assignment))
            return (patience or Patience(url)).wait(
                lambda: set_terms(gradebook, course.term, assignment)
            )
        except RuntimeError as error:
            raise CourseError(
                f"the exercises of {assignment} have changed since submissions were graded into "
                f"{shown(url)} ({error}). Grade into a new gradebook with --gradebook, or bring the "
                "old release back."
            ) from None


def _prepare(course: Course, gradebook: Any, url: str, assignment: str) -> None:
    from nbgrader.api import MissingEntry
    from nbgrader.preprocessors import SaveCells

    gradebook.db.rollback()
    where = {"notebook": assignment, "assignment": assignment, "db_url": url}
    release = nbformat.read(course.release(assignment), as_version=4)
    marked = [cell.metadata.nbgrader for cell in release.cells if "nbgrader" in cell.metadata]
    wanted = {marks.grade_id: marks.get("checksum") for marks in marked}
    try:
        known = gradebook.find_notebook(assignment, assignment)
        if {cell.name: cell.checksum for cell in known.source_cells} == wanted:
            return
    except MissingEntry:
        with quiet_nbgrader():
            gradebook.update_or_create_assignment(assignment)
    worth = course.term.points(assignment, defined(assignment))
    for marks in marked:
        if marks.grade_id.removeprefix("check-") in worth and marks.get("grade"):
            marks.points = worth[marks.grade_id.removeprefix("check-")]
    with quiet_nbgrader():
        SaveCells().preprocess(release, {"nbgrader": where})
    gradebook.db.expire_all()


# ---- asking and telling


def holds(course: Course, gradebook: Any, result: SubmissionResult) -> bool:
    """Whether the gradebook and the graded notebook already say what ``result`` says."""
    from nbgrader.api import MissingEntry

    name = result.assignment
    graded = course.root / "autograded" / result.student / name / f"{name}.ipynb"
    try:
        notebook = gradebook.find_submission_notebook(name, name, result.student)
    except MissingEntry:
        return False
    saved = {grade.name: grade.auto_score for grade in notebook.grades}
    wanted = {f"check-{item.id}": item.score for item in result.exercises}
    return saved == wanted and (graded.is_file() or not _has_notebook(result))


def _has_notebook(result: SubmissionResult) -> bool:
    return not any(incident.kind == "no-file" for incident in result.incidents)


def write_zero(gradebook: Any, result: SubmissionResult) -> None:
    """Enter a submission that holds no notebook at all, which nbgrader itself passes over."""
    with quiet_nbgrader():
        gradebook.update_or_create_student(result.student)
        gradebook.update_or_create_submission(result.assignment, result.student)
    notebook = gradebook.find_submission_notebook(
        result.assignment, result.assignment, result.student
    )
    for grade in notebook.grades:
        grade.auto_score = 0.0
        grade.needs_manual_grade = False
    gradebook.db.commit()


def read_marks(gradebook: Any, student: str, assignment: str, term: Term | None = None) -> Marks:
    """The marks of one submission; empty when the gradebook does not know it."""
    from nbgrader.api import MissingEntry

    try:
        notebook = gradebook.find_submission_notebook(assignment, assignment, student)
    except MissingEntry:
        return Marks()
    late = lateness(notebook.assignment)
    return Marks(
        scores={grade.name.removeprefix("check-"): grade.score for grade in notebook.grades},
        comments={c.name: c.manual_comment for c in notebook.comments if c.manual_comment},
        late_penalty=notebook.late_submission_penalty or 0.0,
        late=late,
        late_days=(term or Term({})).late_days(late) if late else 0,
    )


def save_verdicts(gradebook: Any, result: SubmissionResult, term: Term) -> None:
    """Write a result's scores, in the term's points, and hints into the gradebook: all of them, or none."""
    verdicts = {item.id: item for item in result.exercises}
    submitted = gradebook.find_submission_notebook(
        result.assignment, result.assignment, result.student
    )
    set_extension(term, submitted.assignment)
    set_scores(submitted, term, result)
    for saved in submitted.grades:
        saved.needs_manual_grade = saved.manual_score is not None
    for comment in submitted.comments:
        found = verdicts.get(comment.name)
        comment.auto_comment = (found.comment if found else "") or None
    gradebook.db.commit()


class Entering:
    """nbgrader's own converter, told to enter one graded submission at a time."""

    def __init__(self, course: Course, submitted: str, url: str) -> None:
        from nbgrader.apps import NbGraderAPI
        from nbgrader.coursedir import CourseDirectory

        config = course.nbgrader_config()
        config.CourseDirectory.submitted_directory = submitted
        config.CourseDirectory.db_url = url
        self._directory = CourseDirectory(config=config)
        self._api = NbGraderAPI(self._directory, config=config)
        self._autograded = course.root / "autograded"
        self._term = course.term

    def enter(self, gradebook: Any, graded: Graded) -> None:
        """Enter one submission, whatever of it was entered before.

        Raises:
            NotEntered: with what its database or the disk says as the cause.
        """
        from autograder.nbgrader.converter import EnterGraded

        student, assignment = graded.result.student, graded.result.assignment
        self._directory.assignment_id, self._directory.student_id = assignment, student
        converter = EnterGraded(coursedir=self._directory, parent=self._api)
        converter.gradebook, converter.graded, converter.term = gradebook, graded, self._term
        converter.force = True
        failures = _Failures(logging.ERROR)
        converter.log.addHandler(failures)
        try:
            with quiet_nbgrader():
                converter.start()
        except (Exception, SystemExit) as error:  # the second is nbgrader's way of giving up
            cause = failures.first or error
            if isinstance(cause, OSError) and cause.filename is None:
                cause.filename = str(self._autograded / student / assignment)
            said = (str(cause).strip().splitlines() or [""])[0]
            raise NotEntered(
                f"nbgrader could not enter it: {type(cause).__name__}: {said}"
            ) from cause
        finally:
            converter.log.removeHandler(failures)


class NotEntered(Exception):
    """nbgrader's converter failed on a graded submission."""


class _Failures(logging.Handler):
    """nbgrader catches what goes wrong with one submission and only logs it: keep the exception."""

    first: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Called while the exception is being handled."""
        self.first = self.first or sys.exc_info()[1]
