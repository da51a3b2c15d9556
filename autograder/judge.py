"""From outcomes to a result: which aspects hold, what they earn, and which misconception it is.

Only the trusted side imports this module. It sees outcomes, never the student's code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from autograder.compare import compare_values
from autograder.exercise import Aspect, Case, Comparison, Exercise, Misconception
from autograder.oracles import Desk, Oracle
from autograder.picture import Picture, picture
from autograder.probes import Outcome, observe
from autograder.probes.asking import asking
from autograder.values import Disguised, NotPlain
from autograder.verdict import AspectResult, ExerciseResult, ExerciseStatus


class BrokenExercise(Exception):
    """The definition of an exercise is wrong: the grader's own fault, never the student's."""


@dataclass
class Judge:
    """Judges answers to one exercise on the cases of one seed.

    What is expected is computed once and serves every student of a run; the misconceptions are run
    when the first wrong answer needs them.
    """

    exercise: Exercise
    seed: int

    @cached_property
    def cases(self) -> list[Case]:
        """The inputs, equal for every student of a run."""
        return self.exercise.draw(self.seed)

    @cached_property
    def expected(self) -> list[Outcome]:
        """What the reference does in each case, or what is known without running it."""
        desk = self.desk()
        outcomes = [
            self._observe(self.exercise.reference, place, desk)
            if case.expected is None
            else Outcome(case.expected)
            for place, case in enumerate(self.cases)
        ]
        for case, outcome in zip(self.cases, outcomes, strict=True):
            if outcome.raised:
                raise BrokenExercise(
                    f"{self.exercise.id}: the reference raised {outcome.raised} "
                    f"({outcome.detail}) in the case {case.name!r}"
                )
        return outcomes

    @cached_property
    def _shown(self) -> dict[tuple[str, int], Outcome]:
        """What misconceptions did, by name and case, as far as it was needed."""
        return {}

    def variant(self, known: Misconception, case: int) -> Outcome:
        """What a known misconception does in one case; run once, when first asked for."""
        key = known.name, case
        if key not in self._shown:
            self._shown[key] = self._observe(known.variant, case, self.desk())
        return self._shown[key]

    def run(self, answer: object) -> list[Outcome]:
        """What ``answer`` does in each case, run in this very process: trusted code only."""
        desk = self.desk()
        return [self._observe(answer, case, desk) for case in range(len(self.cases))]

    def desk(self) -> Desk | None:
        """What answers the questions of one look at an answer, in exercises that have an oracle."""
        return Desk(self._oracles) if self.exercise.oracle else None

    @cached_property
    def _oracles(self) -> list[Oracle]:
        make = self.exercise.oracle
        return [make(case.kept) for case in self.cases] if make else []

    def _observe(self, answer: object, case: int, desk: Desk | None) -> Outcome:
        ask = asking(desk.reply, case) if desk else None
        return observe(self.exercise.probe, answer, self.cases[case].inputs, ask)

    def judge(self, outcomes: Sequence[Outcome]) -> ExerciseResult:
        """The result of an answer that showed these outcomes, one a case."""
        if all(outcome.raised == "NotImplementedError" for outcome in outcomes):
            return self.nothing("missing", "not written yet: it raises NotImplementedError")
        pictures: list[Picture] = []
        aspects = self._aspects(outcomes, pictures)
        score = sum(aspect.score for aspect in aspects)
        if all(aspect.passed for aspect in aspects):
            return ExerciseResult(self.exercise.id, "passed", score, self.exercise.points, aspects)
        status: ExerciseStatus = "error" if all(o.raised for o in outcomes) else "failed"
        known = self._diagnose(outcomes)
        reason = next(aspect.difference for aspect in aspects if not aspect.passed)
        return ExerciseResult(
            id=self.exercise.id,
            status=status,
            score=score,
            max_score=self.exercise.points,
            aspects=aspects,
            misconception=known.name if known else "",
            hint=known.explanation if known else self.exercise.nudge,
            reason=reason,
            hints=(
                (known.nudge, known.pointer, known.explanation)
                if known
                else tuple(filter(None, (self.exercise.nudge, self.exercise.pointer)))
            ),
            picture=pictures[0] if pictures else None,
        )

    def nothing(self, status: ExerciseStatus, reason: str) -> ExerciseResult:
        """A result without evidence: no points, and the reason."""
        aspects = tuple(
            AspectResult(aspect.name, False, 0.0, aspect.points, reason)
            for aspect in self.exercise.aspects
        )
        hints = tuple(filter(None, (self.exercise.nudge, self.exercise.pointer)))
        return ExerciseResult(
            self.exercise.id,
            status,
            0.0,
            self.exercise.points,
            aspects,
            hint=self.exercise.nudge,
            reason=reason,
            hints=hints if status in ("missing", "error") else (),
        )

    def _aspects(
        self, outcomes: Sequence[Outcome], pictures: list[Picture]
    ) -> tuple[AspectResult, ...]:
        """The aspects one by one; pictures of what differs are appended to ``pictures``."""
        results: dict[str, AspectResult] = {}
        for aspect in self.exercise.aspects:
            failed_first = [name for name in aspect.needs if not results[name].passed]
            if failed_first:
                difference = f"not looked at before “{failed_first[0]}” is right"
            else:
                difference = self._difference(aspect, outcomes, pictures)
            passed = not difference
            results[aspect.name] = AspectResult(
                aspect.name, passed, aspect.points if passed else 0.0, aspect.points, difference
            )
        return tuple(results.values())

    def _difference(
        self, aspect: Aspect, outcomes: Sequence[Outcome], pictures: list[Picture]
    ) -> str:
        """What is wrong with one aspect, "" when it holds in every case that it is asked of."""
        asked = 0
        for case, expected, actual in zip(self.cases, self.expected, outcomes, strict=True):
            if not aspect.selects(case):
                continue
            asked += 1
            if actual.raised:
                return f"{case.name}: {_word_exception(actual)}"
            seen = Comparison(case, expected, actual, self.exercise.axes, self.exercise.tolerance)
            try:
                found = aspect.test(seen)
            except (TypeError, ValueError, KeyError, IndexError, AttributeError):
                # A test of an aspect met a result of a kind that it was not written for.
                return f"{case.name}: the result is not of the kind that was asked for"
            if found:
                drawn = picture(found, case.name)
                pictures += [drawn] if drawn else []
                return f"{case.name}: {found}"
        if not asked:
            raise BrokenExercise(f"{self.exercise.id}: no case is asked about {aspect.name!r}")
        return ""

    def _diagnose(self, outcomes: Sequence[Outcome]) -> Misconception | None:
        """The misconception that does exactly the same in every case."""
        for known in self.exercise.misconceptions:
            if all(
                agree(self.variant(known, case), outcome, self.exercise.tolerance)
                for case, outcome in enumerate(outcomes)
            ):
                return known
        return None


def agree(left: Outcome, right: Outcome, tolerance: float) -> bool:
    """Whether two answers did the same: equal values, or the same kind of exception."""
    if left.raised or right.raised:
        return left.raised == right.raised
    if left.unchanged != right.unchanged:
        return False
    return compare_values(left.value, right.value, (), tolerance) is None


def _word_exception(outcome: Outcome) -> str:
    if outcome.raised in (NotPlain.__name__, Disguised.__name__):
        return outcome.detail
    if outcome.raised == "NotImplementedError":
        return f"something is not written yet: NotImplementedError {outcome.detail}".strip()
    return f"your code raised {outcome.raised}: {outcome.detail}"
