"""One submission from file to result: read, rebuild, run, judge.

Everything a student handed in passes through ``grade`` and nowhere else: ``course grade``, ``course check`` and
nbgrader's own commands all call it.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder import notices
from autograder.card import as_html, as_text
from autograder.course import Course
from autograder.engine import Engine
from autograder.exercises import needs_tensorflow, of_assignment, shown
from autograder.judge import Judge
from autograder.jury import Jury
from autograder.limits import Limits
from autograder.outputs import clean
from autograder.readymade import ready_made
from autograder.rebuild import Rebuilt, Unreadable, read_submission, rebuild
from autograder.running import Question, Run, run_submission
from autograder.values import Disguised
from autograder.verdict import ExerciseResult, Incident, SubmissionResult, SubmissionStatus

RECORD = "unrolled_result"
"""Notebook metadata of a graded notebook: its result, as in the JSON format."""


@dataclass
class Assignment:
    """One assignment, ready to grade: its release, and a judge for each exercise."""

    name: str
    release: NotebookNode
    judges: Mapping[str, Judge]
    seed: int

    @classmethod
    def load(cls, course: Course, name: str, seed: int) -> Assignment:
        """The assignment as this course releases it, with the inputs of one seed."""
        release = nbformat.read(course.release(name), as_version=4)
        return cls(name, release, {e.id: Judge(e, seed) for e in of_assignment(name)}, seed)

    @property
    def questions(self) -> dict[str, Question]:
        """What each test cell asks, by the cell's grade id."""
        return {
            f"check-{judge.exercise.id}": Question(
                judge.exercise.id,
                judge.exercise.probe,
                [case.inputs for case in judge.cases],
                judge.exercise.seconds,
                judge.desk,
            )
            for judge in self.judges.values()
        }

    @property
    def max_score(self) -> float:
        """What a perfect submission earns."""
        return sum(judge.exercise.points for judge in self.judges.values())


@dataclass(frozen=True, slots=True)
class Graded:
    """A result, and the notebook as it was run, with a card at each test cell."""

    result: SubmissionResult
    notebook: NotebookNode


async def grade(
    assignment: Assignment,
    student: str,
    path: Path,
    limits: Limits | None = None,
    engine: Engine | None = None,
    *,
    turn: asyncio.Semaphore | None = None,
    jury: Jury | None = None,
) -> Graded:
    """Grade one submitted notebook. A bad file is a verdict, never an exception.

    Args:
        assignment: what is graded, with its seed.
        student: whose it is.
        path: the submitted file.
        limits: what it may use while it runs.
        engine: which kernel runs it.
        turn: what the student's code waits for before it runs; its kernel may start before.
        jury: judges what came back; without one it is done here.
    """
    engine = engine or Engine()
    try:
        _require_own_file(path)
        rebuilt = rebuild(assignment.release, read_submission(path))
    except Unreadable as problem:
        return _rejected(assignment, student, str(problem))
    run = await run_submission(
        rebuilt.notebook,
        assignment.questions,
        limits,
        engine,
        shown(assignment.name),
        tensorflow=needs_tensorflow(assignment.name),
        turn=turn,
    )
    seen = [
        *rebuilt.incidents,
        *ready_made(rebuilt.notebook, (judge.exercise for judge in assignment.judges.values())),
        *notices.of_folder(path),
        *run.incidents,
        *_disguises(run),
    ]
    clean(run.notebook)
    exercises = tuple(
        [
            await _result(assignment, exercise_id, run, rebuilt, jury or Jury())
            for exercise_id in assignment.judges
        ]
    )
    result = SubmissionResult(
        student=student,
        assignment=assignment.name,
        status="graded",
        score=sum(item.score for item in exercises),
        max_score=assignment.max_score,
        seconds=round(run.seconds, 2),
        seed=assignment.seed,
        exercises=exercises,
        incidents=notices.distinct(seen),
        sandboxed=engine.confined,
    )
    return Graded(result, recorded(run.notebook, result))


def _require_own_file(path: Path) -> None:
    """A link may stay within what its student handed in; who grades may link whole students.

    Raises:
        Unreadable: when it leads to somebody else's file.
    """
    if path.is_symlink() or path.parent.is_symlink():
        student = path.parent.parent.resolve()
        if not path.resolve().is_relative_to(student):
            raise Unreadable("the file is a link to a place outside of what was handed in")


def _disguises(run: Run) -> Iterator[Incident]:
    """What came back that no honest comparison can be made with, and what was displayed."""
    for reply in run.replies.values():
        for outcome in reply.outcomes:
            if outcome.raised == Disguised.__name__:
                yield Incident("disguised-answer", outcome.detail)
    yield from notices.of_run(run.notebook.cells)


async def _result(
    assignment: Assignment, name: str, run: Run, rebuilt: Rebuilt, jury: Jury
) -> ExerciseResult:
    """The result of one exercise from what came back."""
    judge, reply = assignment.judges[name], run.replies[f"check-{name}"]
    if reply.status == "answered":
        return await jury.judge(assignment.name, judge, reply)
    if reply.status == "undefined":
        if name in rebuilt.deleted:
            reason = f"the cell of {name} was deleted, and nothing else defines it"
        elif name in rebuilt.unchanged:
            reason = "the cell is as it was released"
        elif failure := _failure(run.notebook, name):
            return judge.nothing("error", f"the cell of {name} ended with {failure}")
        else:
            reason = f"the notebook defines no {name}: was it renamed?"
        return judge.nothing("missing", reason)
    if reply.status == "malformed":
        return judge.nothing("error", reply.detail)
    return judge.nothing(reply.status, reply.detail)


def _failure(ran: NotebookNode, name: str) -> str:
    """The exception that an exercise's own cell ended with, "" when it came to its end."""
    for cell in ran.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id", "") == name:
            for output in cell.get("outputs", []):
                unwritten = output.get("ename") == "NotImplementedError"
                if output.output_type == "error" and not unwritten:
                    return f"{output.ename}: {output.evalue}"[:300]
    return ""


def recorded(notebook: NotebookNode, result: SubmissionResult) -> NotebookNode:
    """The notebook for the record: a card at each test cell, and the result for the feedback page."""
    notebook.metadata[RECORD] = result.to_json()
    return with_cards(notebook, result)


def with_cards(notebook: NotebookNode, result: SubmissionResult) -> NotebookNode:
    """The notebook with a card of ``result`` at each test cell."""
    cards = {f"check-{item.id}": item for item in result.exercises}
    for cell in notebook.cells:
        item = cards.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        if item:
            data = {"text/plain": as_text(item), "text/html": as_html(item)}
            cell.outputs = [new_output("display_data", data=data)]
    return notebook


def nothing_handed_in(assignment: Assignment, student: str, reason: str) -> Graded:
    """The result of a folder without the notebook."""
    return _rejected(assignment, student, reason, kind="no-file")


def _rejected(
    assignment: Assignment, student: str, reason: str, kind: str = "unreadable"
) -> Graded:
    exercises = tuple(judge.nothing("missing", reason) for judge in assignment.judges.values())
    result = without_evidence(assignment, student, "rejected", kind, reason, exercises)
    return Graded(result, recorded(copy.deepcopy(assignment.release), result))


def without_evidence(
    assignment: Assignment,
    student: str,
    status: SubmissionStatus,
    kind: str,
    reason: str,
    exercises: tuple[ExerciseResult, ...] = (),
) -> SubmissionResult:
    """A result without points, and why."""
    return SubmissionResult(
        student=student,
        assignment=assignment.name,
        status=status,
        score=0.0,
        max_score=assignment.max_score,
        seconds=0.0,
        seed=assignment.seed,
        exercises=exercises,
        incidents=(Incident(kind, reason),),
    )
