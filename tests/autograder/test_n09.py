"""N09's exercises: verdicts that do not depend on the seed, and what the probes let through."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.card import as_text
from autograder.exercise import PUBLIC_SEED, Exercise
from autograder.exercises.n09_stacking import (
    DESCRIBE_STATES,
    EXERCISES,
    MAKE_MULTI_CELL,
    TRAIN_DEEP_ECHO,
)
from autograder.judge import Judge
from autograder.probes.stacked import rehearse

QUICK = [item for item in EXERCISES if item.id not in ("make_multi_cell", "train_deep_echo")]


@pytest.mark.parametrize("exercise", QUICK, ids=lambda item: item.id)
def test_the_verdict_on_every_variant_is_the_same_for_thirty_seeds(exercise: Exercise) -> None:
    scores = set()
    for seed in range(30):
        judge = Judge(exercise, seed)
        verdicts = [judge.judge(judge.run(known.variant)) for known in exercise.misconceptions]
        names = [verdict.misconception for verdict in verdicts]
        assert names == [known.name for known in exercise.misconceptions]
        scores.add(tuple(verdict.score for verdict in verdicts))
    assert len(scores) == 1


def test_no_wrong_training_is_run_to_its_end() -> None:
    for known in TRAIN_DEEP_ECHO.misconceptions:
        judge = Judge(TRAIN_DEEP_ECHO, PUBLIC_SEED)
        last = judge.variant(known, len(judge.cases) - 1)
        assert last.raised or not last.value["rehearsed"], known.name


def test_spaces_between_columns_do_not_matter() -> None:
    judge = Judge(DESCRIBE_STATES, PUBLIC_SEED)
    right = DESCRIBE_STATES.alternatives["f-strings, no padding"]
    wide = judge.judge(judge.run(lambda states: right(states).replace("  ", " \t  ") + "\n"))
    assert wide.passed


def test_one_cell_in_every_place_is_named_on_the_card() -> None:
    known = MAKE_MULTI_CELL.misconceptions[0]
    judge = Judge(MAKE_MULTI_CELL, PUBLIC_SEED)
    assert "there are 1 different cells in it" in as_text(judge.judge(judge.run(known.variant)))


def test_a_training_without_windows_ends() -> None:
    def endless(model, draw, goal, most):
        while True:
            draw()

    with pytest.raises(Exception, match="nothing is trained"):
        rehearse(endless, [0.5] * 5, 2, 3, 31, 0.1, 20)


def test_a_rehearsal_knows_memory_that_was_lost() -> None:
    def wiped(model, draw, goal, most):
        x, y = draw()
        zero = model.zero_state(len(x))
        return [model.train_window(x[:, t : t + 5], y[:, t : t + 5], zero)[0] for t in (0, 5)]

    seen = rehearse(wiped, [0.5] * 5, 2, 3, 10, 0.1, 20)
    assert not seen["all carried"]
    assert np.array_equal(seen["windows"][:, 1], [5, 5])
