"""The numbers behind the class report, from the grader's records and nbgrader's gradebook."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from autograder.exercises import assignments
from autograder.gradebook import Marks
from autograder.reports.alike import Alike, look_alike, program
from autograder.submission import Graded
from autograder.verdict import Incident, SubmissionResult

BINS = 10
"""Bars of the histogram: each stands for a tenth of the points."""


@dataclass(frozen=True, slots=True)
class Row:
    """One submission: what the grader found and what the gradebook says."""

    result: SubmissionResult
    marks: Marks

    @property
    def score(self) -> float:
        """Points as they stand: after manual grading, less the late penalty."""
        return self.marks.total(self.result)

    @property
    def share(self) -> float:
        """Points as a share of what could be had."""
        return self.score / self.result.max_score if self.result.max_score else 0.0


@dataclass(frozen=True, slots=True)
class Mistake:
    """One misconception and how many have it."""

    name: str
    explanation: str
    students: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExerciseNumbers:
    """How a class did in one exercise.

    Attributes:
        tried: how many handed something in.
        solved: how many got full marks.
        share: mean share of the points over all submissions.
        mistakes: the known misconceptions, most frequent first.
        unnamed: how many are wrong in a way that has no name.
        statuses: how many of each status.
        aspects: name to how many passed it.
    """

    id: str
    max_score: float
    tried: int
    solved: int
    share: float
    mistakes: tuple[Mistake, ...]
    unnamed: int
    statuses: dict[str, int]
    aspects: dict[str, int]


@dataclass(frozen=True, slots=True)
class AssignmentNumbers:
    """How a class did in one assignment."""

    name: str
    max_score: float
    rows: tuple[Row, ...]
    histogram: tuple[int, ...]
    exercises: tuple[ExerciseNumbers, ...]
    incidents: tuple[tuple[str, Incident], ...]
    alike: Alike
    median_share: float
    median_seconds: float
    longest_seconds: float

    @property
    def late(self) -> list[Row]:
        """The submissions that were handed in after their deadline."""
        return [row for row in self.rows if row.marks.late]

    @property
    def hardest_first(self) -> list[ExerciseNumbers]:
        """The exercises, those that earned the smallest share first."""
        return sorted(self.exercises, key=lambda one: one.share)


def numbers(name: str, graded: Sequence[tuple[Graded, Marks]]) -> AssignmentNumbers:
    """What a report says of one assignment.

    Args:
        name: of the assignment.
        graded: its submissions, each with what the gradebook adds; at least one.
    """
    rows = tuple(Row(one.result, marks) for one, marks in graded)
    shares = [row.share for row in rows]
    seconds = [row.result.seconds for row in rows if row.result.status == "graded"]
    return AssignmentNumbers(
        name=name,
        max_score=max(row.result.max_score for row in rows),
        rows=tuple(sorted(rows, key=lambda row: row.result.student)),
        histogram=histogram(shares),
        exercises=tuple(_exercise(exercise.id, rows) for exercise in assignments()[name]),
        incidents=tuple(
            (row.result.student, incident) for row in rows for incident in row.result.incidents
        ),
        alike=look_alike({one.result.student: program(one.notebook) for one, _ in graded}),
        median_share=median(shares),
        median_seconds=median(seconds) if seconds else 0.0,
        longest_seconds=max(seconds, default=0.0),
    )


def histogram(shares: Iterable[float]) -> tuple[int, ...]:
    """How many submissions fall into each tenth of the points; full marks are in the last one.

    >>> histogram([0.0, 0.05, 0.5, 1.0])
    (2, 0, 0, 0, 0, 1, 0, 0, 0, 1)
    """
    counts = Counter(min(BINS - 1, max(0, int(share * BINS))) for share in shares)
    return tuple(counts[place] for place in range(BINS))


def _exercise(name: str, rows: Sequence[Row]) -> ExerciseNumbers:
    found = [(row, item) for row in rows for item in row.result.exercises if item.id == name]
    who: dict[str, list[str]] = defaultdict(list)
    why: dict[str, str] = {}
    aspects: Counter[str] = Counter()
    for row, item in found:
        if item.misconception:
            who[item.misconception].append(row.result.student)
            why[item.misconception] = item.hint
        for aspect in item.aspects:
            aspects[aspect.name] += aspect.passed
    mistakes = [Mistake(key, why[key], tuple(students)) for key, students in who.items()]
    wrong = sum(item.status in ("failed", "error") for _, item in found)
    return ExerciseNumbers(
        id=name,
        max_score=max((item.max_score for _, item in found), default=0.0),
        tried=sum(item.status != "missing" for _, item in found),
        solved=sum(item.passed for _, item in found),
        share=mean([_share(row, item) for row, item in found]) if found else 0.0,
        mistakes=tuple(sorted(mistakes, key=lambda one: (-len(one.students), one.name))),
        unnamed=wrong - sum(len(one.students) for one in mistakes),
        statuses=dict(Counter(item.status for _, item in found)),
        aspects=dict(aspects),
    )


def _share(row: Row, item: Any) -> float:
    score = row.marks.scores.get(item.id, item.score)
    return score / item.max_score if item.max_score else 0.0
