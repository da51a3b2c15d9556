"""N02's exercises: verdicts hold for many seeds, and a card says what an honest reader needs."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.card import as_text
from autograder.exercise import PUBLIC_SEED, Exercise
from autograder.exercises.n02_static_unrolling import (
    COUNT_GRAPH_NODES,
    EXERCISES,
    STATIC_RNN,
    TO_TIME_LIST,
)
from autograder.judge import Judge
from autograder.probes.static_unrolling import Cell
from course_lib import tf

QUICK = [item for item in EXERCISES if item.id != "count_graph_nodes"]


@pytest.mark.parametrize("exercise", QUICK, ids=lambda item: item.id)
def test_the_verdict_on_every_variant_is_the_same_for_a_hundred_seeds(exercise: Exercise) -> None:
    scores = set()
    for seed in range(100):
        judge = Judge(exercise, seed)
        verdicts = [judge.judge(judge.run(known.variant)) for known in exercise.misconceptions]
        names = [verdict.misconception for verdict in verdicts]
        assert names == [known.name for known in exercise.misconceptions]
        scores.add(tuple(verdict.score for verdict in verdicts))
    assert len(scores) == 1


def _card(exercise: Exercise, answer: object) -> str:
    judge = Judge(exercise, PUBLIC_SEED)
    return as_text(judge.judge(judge.run(answer)))


def test_one_result_in_place_of_two_is_said_in_words() -> None:
    assert "should return two things" in _card(STATIC_RNN, lambda step, xs, h0: h0)


def test_a_state_of_the_wrong_size_is_named_by_the_step() -> None:
    said = _card(STATIC_RNN, lambda step, xs, h0: ([step(xs[0], h0[:, :1])[0]], h0))
    assert "step was given state of shape (2, 1); expected (batch, 4 hidden units)" in said


def test_a_piece_on_its_side_is_named_by_its_axes() -> None:
    said = _card(TO_TIME_LIST, lambda x: [x[:, t].T for t in range(x.shape[1])])
    assert "the axes batch and features are exchanged" in said


def test_a_fresh_cell_has_the_same_sizes_and_other_weights() -> None:
    weights = {"Wx": np.ones((2, 3)), "Wh": np.ones((3, 3)), "b": np.ones(3), "Wy": np.ones((3, 4))}
    cell = Cell(weights, np.random.default_rng(0))
    first, second = cell.fresh(), cell.fresh()
    assert {k: w.shape for k, w in first.weights.items()} == {
        k: w.shape for k, w in weights.items()
    }
    assert not np.allclose(first.weights["Wx"], second.weights["Wx"])


def test_a_list_of_pairs_is_said_in_words() -> None:
    said = _card(STATIC_RNN, lambda step, xs, h0: ([step(x, h0) for x in xs], h0))
    assert "each entry of your list of outputs is a pair" in said
    assert "a list of 5, expected a list of 5" not in said


def test_an_unknown_number_of_steps_is_said_in_words() -> None:
    def count(fn, T, batch, features):
        spec = tf.TensorSpec([batch, None, features])
        return len(tf.function(fn).get_concrete_function(spec).graph.as_graph_def().node)

    said = _card(COUNT_GRAPH_NODES, count)
    assert "it takes (batch, T, features) with T known, here (3, 2, 4)" in said
