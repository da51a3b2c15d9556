"""N08's exercises: what a card says, and what the probes let through."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.card import as_text
from autograder.exercise import PUBLIC_SEED, Exercise
from autograder.exercises.n08_carrying_state import (
    EXERCISES,
    MAKE_ECHO,
    REPAIR_TUTORIAL,
    RUN_EPOCH,
    UNPACK_STATE,
    WINDOWS,
)
from autograder.judge import Judge
from autograder.probes.echo_task import StandIn
from course_lib import tf
from course_lib.cells import LSTMStateTuple

QUICK = [item for item in EXERCISES if item.id != "run_epoch"]


@pytest.mark.parametrize("exercise", QUICK, ids=lambda item: item.id)
def test_the_verdict_on_every_variant_is_the_same_for_forty_seeds(exercise: Exercise) -> None:
    scores = set()
    for seed in range(40):
        judge = Judge(exercise, seed)
        verdicts = [judge.judge(judge.run(known.variant)) for known in exercise.misconceptions]
        names = [verdict.misconception for verdict in verdicts]
        assert names == [known.name for known in exercise.misconceptions]
        scores.add(tuple(verdict.score for verdict in verdicts))
    assert len(scores) == 1


def _card(exercise: Exercise, answer: object) -> str:
    judge = Judge(exercise, PUBLIC_SEED)
    return as_text(judge.judge(judge.run(answer)))


def test_an_echo_drawn_in_any_way_passes() -> None:
    def drawn(length, batch, delay, rng):
        x = rng.permutation(np.arange(length) % 2).reshape(batch, -1).astype(np.int8)
        return x, np.hstack([np.zeros((batch, delay), np.int8), x[:, : x.shape[1] - delay]])

    assert "✓ make_echo: 4 of 4" in _card(MAKE_ECHO, drawn)


def test_rows_that_start_with_foreign_labels_are_named() -> None:
    known = {item.name: item.variant for item in MAKE_ECHO.misconceptions}
    said = _card(MAKE_ECHO, known["rolled-before-cut-into-rows"])
    assert "in the rows below row 0 the first labels are not all 0, but the end of the row" in said


def test_a_wrong_echo_is_named_whichever_way_its_bits_are_drawn() -> None:
    def coins(rng, *shape):
        return (rng.random(shape) < 0.5).astype(int)

    def before_the_cut(length, batch, delay, rng):
        x = coins(rng, length)
        y = np.roll(x, delay)
        y[:delay] = 0
        return x.reshape(batch, -1), y.reshape(batch, -1)

    def wrapped(length, batch, delay, rng):
        x = rng.permutation(np.arange(length) % 2).reshape(batch, -1)
        return x, np.roll(x, delay, axis=1)

    def row_0_only(length, batch, delay, rng):
        x = coins(rng, length // batch, batch).T
        y = np.roll(x, delay, axis=1)
        y[0, :delay] = 0
        return x, y

    for seed in range(20):
        judge = Judge(MAKE_ECHO, seed)
        names = [
            judge.judge(judge.run(drawn)).misconception
            for drawn in (before_the_cut, wrapped, row_0_only)
        ]
        assert names == ["rolled-before-cut-into-rows", "wrapped-around", "only-row-0-zeroed"]


def test_the_same_windows_in_any_wrong_order_are_recognised() -> None:
    rng = np.random.default_rng(3)

    def shuffled(x, y, T):
        found = [(x[:, t : t + T], y[:, t : t + T]) for t in range(0, x.shape[1], T)]
        order = rng.permutation(len(found))
        while len(found) > 1 and (np.diff(order) > 0).all():
            order = rng.permutation(len(found))
        return [found[n] for n in order]

    judge = Judge(WINDOWS, PUBLIC_SEED)
    assert judge.judge(judge.run(shuffled)).misconception == "out-of-order"


def test_states_without_names_lose_only_what_names_are_worth() -> None:
    judge = Judge(UNPACK_STATE, PUBLIC_SEED)
    assert judge.judge(judge.run(lambda packed: packed)).score == 1.5


def test_states_in_a_generator_are_refused_for_they_can_be_read_only_once() -> None:
    def in_brackets(packed):
        return (LSTMStateTuple(c=layer[0], h=layer[1]) for layer in packed)

    said = _card(UNPACK_STATE, in_brackets)
    assert "0 of 2" in said
    assert "expected a tuple or a list of states; a generator can be read only once" in said


def test_the_program_as_printed_names_what_is_left() -> None:
    from course_lib.truncation import tutorial_as_printed

    said = _card(REPAIR_TUTORIAL, tutorial_as_printed)
    assert "At least three mistakes are still in" in said


def _weights(rng, hidden):
    layer = {
        "keep_c": 0.9,
        "keep_h": 0.8,
        "into_c": rng.normal(size=(1, hidden)),
        "into_h": rng.normal(size=(hidden, hidden)),
    }
    return [layer], rng.normal(size=(hidden, 2)), np.zeros(2)


def test_the_stand_in_computes_a_window_as_it_computes_its_halves() -> None:
    rng = np.random.default_rng(0)
    model = StandIn(*_weights(rng, 3), 0.0)
    x = rng.integers(0, 2, size=(2, 9))
    whole, end = model(x, model.zero_state(2))
    first, middle = model(x[:, :4], model.zero_state(2))
    second, end_of_halves = model(x[:, 4:], middle)
    np.testing.assert_allclose(whole, tf.concat([first, second], axis=1), rtol=1e-5)
    np.testing.assert_allclose(end[0].c, end_of_halves[0].c, rtol=1e-5)
    np.testing.assert_allclose(end[0].h, end_of_halves[0].h, rtol=1e-5)


def test_a_gradient_that_the_tape_never_saw_is_said_in_words() -> None:
    def closed_too_early(model, x, y, carry):
        state = model.zero_state(len(x))
        with tf.GradientTape() as tape:
            pass
        loss, state = model.loss(x[:, :15], y[:, :15], state)
        model.update(tape.gradient(loss, model.trainable_variables))

    assert "what the tape has not seen has none" in _card(RUN_EPOCH, closed_too_early)
