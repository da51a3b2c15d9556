"""N10's exercises: verdicts that do not depend on the seed, and cards that say who has read what."""

from __future__ import annotations

import re

import numpy as np
import pytest

from autograder.card import as_text
from autograder.exercise import PUBLIC_SEED, Exercise
from autograder.exercises.n10_bidirectional import (
    BIDIRECTIONAL,
    CLASSIFY_BYTES,
    EXERCISES,
    MANY_TO_ONE,
)
from autograder.judge import Judge
from autograder.probes.both_ways import training

QUICK = [item for item in EXERCISES if item.id not in ("bidirectional", "classify_bytes")]


def _card(exercise: Exercise, name: str) -> str:
    judge = Judge(exercise, PUBLIC_SEED)
    (known,) = [item for item in exercise.misconceptions if item.name == name]
    return as_text(judge.judge(judge.run(known.variant)))


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


def test_the_wrong_slice_is_told_what_it_has_read() -> None:
    card = _card(MANY_TO_ONE, "backward-in-the-last-column")
    assert "the backward half depends, for sequence 0, on step 4 of the input" in card
    assert "expected steps 0, 1, 2, 3, 4" in card


def test_a_mean_has_read_everything_and_is_told_so() -> None:
    card = _card(MANY_TO_ONE, "forward-mean")
    assert "✓ what the backward half has read" in card
    assert "✗ values" in card


def test_outputs_that_are_not_turned_back_are_told_what_they_have_read() -> None:
    card = _card(BIDIRECTIONAL, "outputs-not-turned-back")
    assert re.search(r"the backward output depends, for sequence \d, step 0, on step \d of", card)


def test_no_wrong_classifier_is_trained() -> None:
    for known in CLASSIFY_BYTES.misconceptions:
        judge = Judge(CLASSIFY_BYTES, PUBLIC_SEED)
        last = judge.variant(known, len(judge.cases) - 1)
        assert last.raised or not last.value["rehearsed"], known.name


def test_what_a_training_should_come_to_is_known_without_training() -> None:
    judge = Judge(CLASSIFY_BYTES, PUBLIC_SEED)
    inputs = judge.cases[-1].inputs[1]
    assert judge.expected[-1].value == training(CLASSIFY_BYTES.reference, *inputs)


def test_numpy_inside_the_graph_is_named_and_not_taken_for_unwritten() -> None:
    right = CLASSIFY_BYTES.alternatives["step by step"]

    def through_numpy(texts, lengths, *others):
        return right(np.array(texts), lengths, *others)

    judge = Judge(CLASSIFY_BYTES, PUBLIC_SEED)
    card = as_text(judge.judge(judge.run(through_numpy)))
    assert "✓ logits" in card
    assert "it hands a tensor to NumPy" in card


def test_a_network_that_does_not_learn_has_not_learned() -> None:
    judge = Judge(CLASSIFY_BYTES, PUBLIC_SEED)
    inputs = judge.cases[-1].inputs[1]
    rehearsal, refusal, allowed, x, y, lengths, *fresh = inputs
    right = CLASSIFY_BYTES.alternatives["step by step"]
    mixed = np.random.default_rng(0).permutation(y[:2].ravel()).reshape(2, -1)
    seen = training(right, rehearsal, refusal, allowed, x[:2], mixed, lengths[:2], *fresh)
    assert seen == {"rehearsed": True, "learned": False}
