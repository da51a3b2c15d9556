"""N13's exercises: verdicts that do not depend on the seed, and what the probes let through."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.card import as_text
from autograder.exercise import PUBLIC_SEED, Exercise
from autograder.exercises.n13_attention_and_pointers import (
    DOT_ATTENTION,
    EXERCISES,
    MASKED_SOFTMAX,
    POINT_ALONE,
    POINTER_LOGITS,
    REPAIR_ATTENTION_STEP,
    TRAIN_POINTER_SORTER,
)
from autograder.judge import Judge
from autograder.probes.pointer import learn, pointer, rehearse

QUICK = [item for item in EXERCISES if item.id != "train_pointer_sorter"]


@pytest.mark.parametrize("exercise", QUICK, ids=lambda item: item.id)
def test_the_verdict_on_every_variant_is_the_same_for_twenty_seeds(exercise: Exercise) -> None:
    scores = set()
    for seed in range(20):
        judge = Judge(exercise, seed)
        verdicts = [judge.judge(judge.run(known.variant)) for known in exercise.misconceptions]
        names = [verdict.misconception for verdict in verdicts]
        assert names == [known.name for known in exercise.misconceptions]
        scores.add(tuple(verdict.score for verdict in verdicts))
    assert len(scores) == 1


def _card(exercise: Exercise, answer: object) -> str:
    judge = Judge(exercise, PUBLIC_SEED)
    return as_text(judge.judge(judge.run(answer)))


def test_the_printed_step_is_named_and_earns_nothing() -> None:
    def attention_step(x, state, memory, lengths, cell, W, b):
        output, _ = cell(x, state)
        scores = np.einsum("bh,bkh->bk", output, memory)
        with np.errstate(all="ignore"):
            powers = np.exp(scores)
            powers = powers * (np.arange(memory.shape[1]) <= lengths[:, np.newaxis])
            weights = powers / powers.sum(axis=0)
            context = (weights[:, :, np.newaxis] * memory).mean(axis=1)
            attended = np.tanh(np.concatenate([context, x], axis=1) @ W + b)
        return attended, state

    judge = Judge(REPAIR_ATTENTION_STEP, PUBLIC_SEED)
    result = judge.judge(judge.run(attention_step))
    assert result.misconception == "as-printed"
    assert result.score == 0


def test_a_softmax_without_a_mask_is_recognised_in_tensorflow_as_well() -> None:
    from course_lib import tf

    judge = Judge(MASKED_SOFTMAX, PUBLIC_SEED)
    found = judge.judge(judge.run(lambda scores, mask: tf.nn.softmax(tf.constant(scores))))
    assert found.misconception == "mask-ignored"


def test_one_result_in_place_of_two_is_described() -> None:
    assert "expected 2 things: (context, weights)" in _card(
        DOT_ATTENTION, lambda q, k, v, mask: np.zeros((len(q), q.shape[1], v.shape[2]))
    )


def test_logits_that_leave_a_chance_say_how_large_it_is() -> None:
    (low,) = [m for m in POINTER_LOGITS.misconceptions if m.name == "as-low-as-the-lowest"]
    assert "a forbidden place still has the probability 0." in _card(POINTER_LOGITS, low.variant)


@pytest.mark.parametrize("low", [-1e4, -1e6, -1e9, -1e30])
def test_any_number_that_is_low_enough_will_do(low: float) -> None:
    assert "4 points" not in _card(POINTER_LOGITS, lambda s, mask: np.where(mask, s, low))
    assert "✓ pointer_logits: 3 of 3" in _card(
        POINTER_LOGITS, lambda s, mask: np.where(mask, s, low)
    )


def test_what_a_step_is_told_wrongly_is_worded() -> None:
    def all_at_once(step, state, x, once):
        step(np.zeros(3), np.zeros(x.shape), state)

    assert "step: values have shape (3,), expected (4,)" in _card(POINT_ALONE, all_at_once)


def test_no_wrong_training_is_waited_for() -> None:
    for known in TRAIN_POINTER_SORTER.misconceptions:
        judge = Judge(TRAIN_POINTER_SORTER, PUBLIC_SEED)
        last = judge.variant(known, len(judge.cases) - 1)
        assert last.raised or not last.value["rehearsed"], known.name


def test_a_pointer_that_learns_nothing_sorts_nothing() -> None:
    judge = Judge(TRAIN_POINTER_SORTER, PUBLIC_SEED)
    *rehearsed, training = judge.run(TRAIN_POINTER_SORTER.reference)
    first = [weights.numpy() for weights in pointer(5).weights]
    training.value["weights"] = first
    result = judge.judge([*rehearsed, training])
    assert not result.passed
    assert "of 500 fresh sequences are sorted, expected over 60%" in result.reason


def test_a_training_that_peeks_at_which_model_it_has_is_judged_by_its_weights() -> None:
    right = TRAIN_POINTER_SORTER.alternatives["NumPy"]

    def only_in_rehearsals(model, draw, goal, most):
        if hasattr(model, "seen"):
            return right(model, draw, goal, most)
        return [0.0], [1.0]

    judge = Judge(TRAIN_POINTER_SORTER, PUBLIC_SEED)
    result = judge.judge(judge.run(only_in_rehearsals))
    assert [item.passed for item in result.aspects] == [True, True, True, True, False]


def test_rehearsals_are_compared_to_within_float32() -> None:
    judge = Judge(TRAIN_POINTER_SORTER, PUBLIC_SEED)
    inputs = judge.cases[0].inputs[1]
    right = TRAIN_POINTER_SORTER.alternatives["lists"]
    seen = rehearse(right, *inputs)
    trained = learn(right, [[inputs, {"inputs": seen["inputs"] + 1e-7}]], 0.5, 10, [5, 64], 1)
    assert trained["rehearsed"]
