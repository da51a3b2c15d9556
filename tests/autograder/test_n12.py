"""N12's exercises: verdicts that do not depend on the seed, and what the probes let through."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from autograder.card import as_text
from autograder.exercise import PUBLIC_SEED, Exercise
from autograder.exercises.n12_sorting import (
    BEAM_SEARCH,
    DECODE_GREEDY,
    EXERCISES,
    REPAIR_SLIDES_SORTER,
    SHIFT_RIGHT,
    TRAIN_SORTER,
)
from autograder.judge import Judge
from autograder.probes import decoding
from autograder.probes import sorter as sorter_probe
from autograder.probes.sorter import Rehearsal, rehearse

QUICK = [item for item in EXERCISES if item.id not in ("train_sorter", "beam_search")]


@pytest.mark.parametrize("exercise", QUICK, ids=lambda item: item.id)
def test_the_verdict_on_every_variant_is_the_same_for_twelve_seeds(exercise: Exercise) -> None:
    scores = set()
    for seed in range(10, 22):
        judge = Judge(exercise, seed)
        verdicts = [judge.judge(judge.run(known.variant)) for known in exercise.misconceptions]
        names = [verdict.misconception for verdict in verdicts]
        assert names == [known.name for known in exercise.misconceptions]
        scores.add(tuple(verdict.passed for verdict in verdicts))
    assert len(scores) == 1


def _card(exercise: Exercise, answer: object) -> str:
    judge = Judge(exercise, PUBLIC_SEED)
    return as_text(judge.judge(judge.run(answer)))


def test_no_wrong_training_is_run_to_its_end() -> None:
    judge = Judge(TRAIN_SORTER, PUBLIC_SEED)
    for known in TRAIN_SORTER.misconceptions:
        last = judge.variant(known, len(judge.cases) - 1)
        assert last.raised or not last.value["rehearsed"], known.name


def test_a_network_that_was_not_trained_earns_nothing_for_sorting() -> None:
    judge = Judge(TRAIN_SORTER, PUBLIC_SEED)
    outcomes = judge.run(TRAIN_SORTER.reference)
    V, N, _ = outcomes[-1].value["weights"][0].shape[0] - 1, 6, None
    untrained = [value.numpy() for value in sorter_probe.sorter(V, N).weights]
    outcomes[-1].value["weights"] = untrained
    result = judge.judge(outcomes)
    assert not result.passed
    assert result.score == TRAIN_SORTER.points - 2


@pytest.mark.parametrize("forged", [[], [np.zeros((2, 2))], "text"])
def test_weights_of_another_kind_are_no_evidence(forged: object) -> None:
    judge = Judge(TRAIN_SORTER, PUBLIC_SEED)
    outcomes = judge.run(TRAIN_SORTER.misconceptions[0].variant)
    outcomes[-1].value.update(rehearsed=True, weights=forged)
    aspect = judge.judge(outcomes).aspects[-1]
    assert not aspect.passed


def test_a_training_that_never_ends_is_ended() -> None:
    x = np.zeros((3, 2, 4), int)

    def endless(model, draw, goal, most):
        while True:
            model.update(x[0], x[0], x[0])

    with pytest.raises(sorter_probe.EndlessError, match="although `most` is this many"):
        rehearse(endless, x, [0.5] * 3, 5, 0.9, 10)


def test_a_rehearsed_sorter_goes_astray_only_when_it_is_alone() -> None:
    model = Rehearsal([0.5], go=9, most=5)
    x = np.array([[3, 1, 2, 5], [7, 4, 0, 2]])

    def write(told: bool) -> np.ndarray:
        y, state, tokens, written = np.sort(x, axis=1), model.encode(x), np.array([9, 9]), []
        for t in range(4):
            logits, state = model.step(tokens, state)
            written.append(np.argmax(logits, axis=1))
            tokens = y[:, t] if told else written[-1]
        return (np.stack(written, axis=1) != y).sum(axis=1)

    assert write(told=True).tolist() == [0, 1]
    assert model.was_told
    assert write(told=False).tolist() == [0, 3]


def test_a_refusal_for_no_reason_is_told_from_a_right_one() -> None:
    def refuses(y, go):
        raise ValueError

    assert "though GO is none of the tokens" in _card(SHIFT_RIGHT, refuses)


def test_the_program_as_it_stands_in_the_notebook_is_recognised() -> None:
    def one_hot(tokens, depth):
        return np.eye(depth)[np.asarray(tokens).astype(int)]

    def slides_sorter(x, V, encoder, decoder, W, b):
        x = one_hot(x, V)
        x = one_hot(x, V)
        x = x.reshape(-1, x.shape[1], V)
        batch, time, _ = x.shape
        state = encoder.zero_state(batch)
        for t in range(time):
            _, state = encoder(x[:, t], state)
        inputs = one_hot(np.zeros((batch, time)), V + 1)
        state = decoder.zero_state(batch)
        written = []
        for t in range(time):
            output, state = decoder(inputs[:, t], state)
            written.append(np.argmax(output, axis=1))
        return np.stack(written, axis=1)

    judge = Judge(REPAIR_SLIDES_SORTER, PUBLIC_SEED)
    assert judge.judge(judge.run(slides_sorter)).misconception == "as-printed"


def test_tokens_of_any_whole_kind_are_written() -> None:
    def in_int8(step, state, go, T):
        tokens, last = DECODE_GREEDY.alternatives["a filled array"](step, state, go, T)
        return tokens.astype(np.int8), last

    assert "✓ decode_greedy" in _card(DECODE_GREEDY, in_int8)


def test_a_step_says_what_is_wrong_with_its_tokens() -> None:
    said = _card(DECODE_GREEDY, lambda step, state, go, T: step(go, state))
    assert "one for each row of the state" in said


def test_a_search_of_equal_scores_in_single_precision_passes() -> None:
    from course_lib import tf

    def rough(step, state, width, T, go=0):
        found = BEAM_SEARCH.reference(
            lambda tokens, s: (tf.cast(step(tokens, s)[0], tf.float32), step(tokens, s)[1]),
            state, width, T, go,
        )  # fmt: skip
        return found[0], np.float32(found[1])

    judge = Judge(BEAM_SEARCH, PUBLIC_SEED)
    assert judge.judge(judge.run(rough)).passed


@pytest.mark.parametrize("module", [decoding, sorter_probe])
def test_no_probe_decodes_by_itself(module) -> None:
    source = inspect.getsource(module)
    assert "argmax" not in source
    assert "argsort" not in source
