"""A term: which notebooks belong to it, their points, deadlines, late penalties and extensions.

``autograder.course_file`` reads it from ``course.toml``, which is the instructor's and optional: without one
every notebook counts, with its own points and no deadline. Nothing that is generated is ever changed for it.
What a judge found stays in the points of the exercises' definitions (``autograder.store``); ``Term.marked``
turns it into the term's points on the way to the gradebook and to people. So a change of the file changes
marks and runs nobody's code again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Literal
from zoneinfo import ZoneInfo

from autograder.verdict import ExerciseResult, SubmissionResult

DAY_SECONDS = 86_400

Of = Literal["earned", "possible"]


@dataclass(frozen=True, slots=True)
class LateRule:
    """What lateness costs.

    Attributes:
        percent_per_day: taken off for each day of 24 hours that was begun.
        at_most: per cent that are taken off in the end.
        grace_minutes: lateness up to here costs nothing; beyond it the time counts from the deadline.
        of: what the per cent are of: the points ``earned``, or those ``possible``.

    >>> LateRule(percent_per_day=10, at_most=50).penalty(25 * 3600, earned=20, possible=22)
    4.0
    """

    percent_per_day: float = 0.0
    at_most: float = 100.0
    grace_minutes: float = 0.0
    of: Of = "earned"

    def days(self, seconds: float) -> int:
        """Days that count for somebody who was ``seconds`` late."""
        if seconds <= 60 * self.grace_minutes:
            return 0
        return math.ceil(seconds / DAY_SECONDS)

    def percent(self, seconds: float) -> float:
        """Per cent that are taken off."""
        return min(self.at_most, self.percent_per_day * self.days(seconds))

    def penalty(self, seconds: float, *, earned: float, possible: float) -> float:
        """Points that are taken off; never more than were earned."""
        base = earned if self.of == "earned" else possible
        return max(0.0, min(earned, round(base * self.percent(seconds) / 100, 4)))


@dataclass(frozen=True, slots=True)
class Terms:
    """What a term says of one notebook.

    Attributes:
        points: what all of it is worth; ``None``: the sum over its exercises.
        exercises: what single exercises are worth, where that differs from their definition.
        due: the deadline, in UTC.
        extensions: the deadline of single students, in UTC.
    """

    points: float | None = None
    exercises: Mapping[str, float] = field(default_factory=dict)
    due: datetime | None = None
    extensions: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lateness:
    """When a late submission was handed in, and when it was due; both in UTC."""

    handed_in: datetime
    due: datetime
    extended: bool = False

    @property
    def seconds(self) -> float:
        """How late it was."""
        return (self.handed_in - self.due).total_seconds()


@dataclass(frozen=True, slots=True)
class Term:
    """A whole course file.

    Attributes:
        notebooks: the term's notebooks in order, each with what holds for it.
        title: what the course is called on its pages.
        zone: of its clock.
        late: what lateness costs; without it nbgrader's own settings say.
        written: whether there is a course file at all.
    """

    notebooks: Mapping[str, Terms]
    title: str = ""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    late: LateRule | None = None
    written: bool = False

    def points(self, assignment: str, own: Mapping[str, float]) -> dict[str, float]:
        """What each exercise is worth in this term, given its definition's ``own`` points.

        Scaled points are whole hundredths and add up to exactly what the file says.
        """
        terms = self.notebooks.get(assignment, Terms())
        worth = {name: terms.exercises.get(name, points) for name, points in own.items()}
        if terms.points is None or not sum(worth.values()):
            return worth
        return shared_out(terms.points, worth)

    def marked(self, result: SubmissionResult) -> SubmissionResult:
        """A result in the points of this term.

        What was graded against an older release earns the same share of what its exercises are worth today.
        """
        today = defined(result.assignment)
        own = {item.id: item.max_score for item in result.exercises} or today
        worth = self.points(result.assignment, {name: today.get(name, own[name]) for name in own})
        if worth == own:
            return result
        exercises = tuple(_worth(item, worth[item.id]) for item in result.exercises)
        return replace(
            result,
            exercises=exercises,
            score=_tidy(sum(item.score for item in exercises)),
            max_score=_tidy(sum(worth.values())),
        )

    def due(self, student: str, assignment: str) -> datetime | None:
        """The deadline of one student, in UTC."""
        terms = self.notebooks.get(assignment, Terms())
        return terms.extensions.get(student, terms.due)

    def digest(self, student: str, assignment: str) -> str:
        """Changes whenever the marks of one submission may; "" without a course file."""
        if not self.written:
            return ""
        terms = self.notebooks.get(assignment, Terms())
        said = (terms.points, sorted(terms.exercises.items()), terms.due)
        said_of_one = (self.due(student, assignment), self.late)
        return sha256(repr((said, said_of_one)).encode()).hexdigest()

    def late_words(self, lateness: Lateness, penalty: float) -> str:
        """Lateness for the student, in sentences.

        >>> from datetime import UTC, timedelta
        >>> due = datetime(2026, 10, 16, 22, tzinfo=UTC)
        >>> rule = LateRule(percent_per_day=10)
        >>> Term({}, late=rule).late_words(Lateness(due + timedelta(hours=30), due), 4.0)
        'It was due on 16 October 2026 at 22:00 and was handed in on 18 October 2026 at 04:00, 1 day and 6 \
hours later. That counts as 2 days: 20 % of the points earned are taken off, 4 points.'
        """
        due, came = (self.local(moment) for moment in (lateness.due, lateness.handed_in))
        extension = " (your extended deadline)" if lateness.extended else ""
        told = f"It was due on {due}{extension} and was handed in on {came}, "
        told += f"{how_long(lateness.seconds)} later."
        if self.late is None:
            return told + (f" {penalty:g} points are taken off." if penalty else "")
        days = self.late.days(lateness.seconds)
        if not days:
            return told + " That is within the time of grace; nothing is taken off."
        told += f" That counts as {counted(days, 'day')}:"
        if self.late.of == "earned":
            share = (
                f" {self.late.percent(lateness.seconds):g} % of the points earned are taken off,"
            )
            return f"{told}{share} {penalty:g} points."
        return f"{told} {penalty:g} points are taken off."

    def late_days(self, lateness: Lateness) -> int:
        """Days that count."""
        return (self.late or LateRule()).days(lateness.seconds)

    def local(self, moment: datetime) -> str:
        """A moment as a clock in the course's time zone showed it."""
        there = moment.astimezone(self.zone)
        return f"{there.day} {there:%B %Y} at {there:%H:%M}"


def how_long(seconds: float) -> str:
    """A length of time for people, in its two largest units.

    >>> how_long(90061), how_long(3600), how_long(20)
    ('1 day and 1 hour', '1 hour', 'less than a minute')
    """
    minutes = int(seconds // 60)
    units = (("day", minutes // 1440), ("hour", minutes // 60 % 24), ("minute", minutes % 60))
    told = [counted(count, unit) for unit, count in units if count]
    return " and ".join(told[:2]) or "less than a minute"


def counted(count: int, noun: str) -> str:
    """Such as "2 days"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def shared_out(total: float, weights: Mapping[str, float]) -> dict[str, float]:
    """``total`` shared out by weight in whole hundredths that add up to it exactly.

    >>> shared_out(10, {"a": 1, "b": 1, "c": 1})
    {'a': 3.34, 'b': 3.33, 'c': 3.33}
    """
    cents, whole = round(100 * total), sum(weights.values())
    exact = {name: cents * weight / whole for name, weight in weights.items()}
    shares = {name: math.floor(value) for name, value in exact.items()}
    left = cents - sum(shares.values())
    for name in sorted(exact, key=lambda name: shares[name] - exact[name])[:left]:
        shares[name] += 1
    return {name: share / 100 for name, share in shares.items()}


def _worth(item: ExerciseResult, points: float) -> ExerciseResult:
    def scaled(score: float) -> float:
        return _tidy(points * score / item.max_score) if item.max_score else 0.0

    aspects = tuple(
        replace(aspect, score=scaled(aspect.score), max_score=scaled(aspect.max_score))
        for aspect in item.aspects
    )
    return replace(item, score=scaled(item.score), max_score=points, aspects=aspects)


def _tidy(points: float) -> float:
    return round(points, 4)


def defined(assignment: str) -> dict[str, float]:
    """What the exercises of a notebook are worth by their definitions."""
    from autograder.exercises import of_assignment

    try:
        return {exercise.id: exercise.points for exercise in of_assignment(assignment)}
    except ModuleNotFoundError:
        return {}
