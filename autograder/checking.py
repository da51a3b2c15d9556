"""``check`` in a student's own kernel: judge the public cases, show a card, remember what passed."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

from autograder.card import show
from autograder.exercise import PUBLIC_SEED
from autograder.exercises import find
from autograder.judge import Judge
from autograder.progress import record
from autograder.verdict import ExerciseResult


class CheckFailed(AssertionError):
    """Something is not right yet. Jupyter shows one line of it: the card has said the rest."""

    def _render_traceback_(self) -> list[str]:
        return [f"CheckFailed: {self}"]


@lru_cache(maxsize=64)
def _public_judge(exercise_id: str) -> Judge:
    return Judge(find(exercise_id), PUBLIC_SEED)


def judge_here(exercise_id: str, answer: Any) -> ExerciseResult:
    """The result of an answer on the public cases, run in this process."""
    judge = _public_judge(exercise_id)
    return judge.judge(judge.run(answer))


def check_here(exercise_id: str, answer: Any) -> None:
    """Judge, show and record; see ``autograder.check``."""
    result = judge_here(exercise_id, answer)
    sys.stdout.flush()
    show(result)
    record(result)
    if not result.passed:
        waiting = "not written yet" if result.status == "missing" else "not right yet"
        raise CheckFailed(f"{exercise_id} is {waiting}; the card above says what was found.")
