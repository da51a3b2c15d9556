"""Judging in another process says what judging here says, and survives its end."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.engine import Engine, NotSafeHere
from autograder.exercises import of_assignment
from autograder.judge import BrokenExercise, Judge
from autograder.jury import Jury
from autograder.probes import observe
from autograder.running import Reply
from autograder.values import encode
from autograder.verdict import ExerciseResult

COURSE = Course(Path(__file__).parents[2])
NAME = "02_static_unrolling"
SEED = 11


@pytest.fixture(scope="module")
def engine() -> Engine:
    try:
        return Engine.choose()
    except NotSafeHere as why:
        if os.environ.get("UNROLLED_NO_CONFINEMENT"):
            pytest.skip(str(why))
        raise


def judges() -> list[Judge]:
    return [Judge(exercise, SEED) for exercise in of_assignment(NAME)]


def reply_of(judge: Judge, answer: Any) -> Reply:
    """What a student's kernel would send back."""
    outcomes = [observe(judge.exercise.probe, answer, case.inputs) for case in judge.cases]
    parts = [
        {key: getattr(outcome, key) for key in ("value", "raised", "detail", "unchanged")}
        for outcome in outcomes
    ]
    return Reply("answered", tuple(outcomes), text=encode({"defined": True, "outcomes": parts}))


def test_right_and_wrong_answers_get_the_same_verdict_here_and_there(engine: Engine) -> None:
    asked = [
        (judge, reply_of(judge, answer))
        for judge in judges()
        for answer in (
            judge.exercise.reference,
            *(known.variant for known in judge.exercise.misconceptions[:2]),
            lambda *_: None,
        )
    ]

    async def there() -> list[ExerciseResult]:
        async with Jury(engine) as jury:
            return [await jury.judge(NAME, judge, reply) for judge, reply in asked]

    here = [judge.judge(reply.outcomes) for judge, reply in asked]
    assert asyncio.run(there()) == here
    assert {result.status for result in here} >= {"passed", "failed"}
    assert any(result.picture for result in here)
    assert any(result.misconception for result in here)


def test_another_process_takes_the_place_of_one_that_was_killed(engine: Engine) -> None:
    judge, *_ = judges()
    reply = reply_of(judge, judge.exercise.reference)

    async def twice() -> list[ExerciseResult]:
        async with Jury(engine) as jury:
            before = await jury.judge(NAME, judge, reply)
            os.kill(jury._manager.provisioner.supervisor_pid, signal.SIGKILL)
            return [before, await jury.judge(NAME, judge, reply)]

    before, after = asyncio.run(twice())
    assert before == after
    assert before.passed


def test_nothing_of_it_is_left_behind(engine: Engine, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    judge, *_ = judges()
    reply = reply_of(judge, judge.exercise.reference)

    async def once() -> int:
        async with Jury(engine) as jury:
            await jury.judge(NAME, judge, reply)
            assert list(tmp_path.iterdir())
            return jury._manager.provisioner.supervisor_pid

    supervisor = asyncio.run(once())
    assert not list(tmp_path.iterdir())
    assert not Path(f"/proc/{supervisor}/exe").exists()  # the zygote may not have buried it yet


def test_an_ordinary_engine_judges_in_this_process() -> None:
    judge, *_ = judges()

    async def once() -> ExerciseResult:
        jury = Jury(Engine())
        result = await jury.judge(NAME, judge, reply_of(judge, judge.exercise.reference))
        assert jury._manager is None
        return result

    assert asyncio.run(once()).passed


def test_a_reply_with_the_wrong_number_of_outcomes_is_not_judged(engine: Engine) -> None:
    judge, *_ = judges()
    reply = Reply("answered", text=encode({"defined": True, "outcomes": []}))

    async def once() -> None:
        async with Jury(engine) as jury:
            with pytest.raises((RuntimeError, BrokenExercise), match="NotPlain"):
                await jury.judge(NAME, judge, reply)

    asyncio.run(once())
