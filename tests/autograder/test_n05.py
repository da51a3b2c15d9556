"""Notebook 5: what its students really write is recognised, and its hints point somewhere."""

from __future__ import annotations

import re

import numpy as np
import pytest

from autograder.course import Course
from autograder.exercise import PUBLIC_SEED
from autograder.exercises.n05_lstm_internals import EXERCISES
from autograder.judge import Judge
from autograder.verdict import ExerciseResult
from course_lib.cells.lstm import lstm_step

BY_ID = {item.id: item for item in EXERCISES}


def judged(exercise_id: str, answer: object) -> ExerciseResult:
    judge = Judge(BY_ID[exercise_id], PUBLIC_SEED)
    return judge.judge(judge.run(answer))


def failed(result: ExerciseResult) -> set[str]:
    return {aspect.name for aspect in result.aspects if not aspect.passed}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_every_heading_that_a_hint_points_to_is_in_the_notebook() -> None:
    text = Course.find().source("05_lstm_internals").read_text(encoding="utf-8")
    headings = set(re.findall(r"^# #+ (.+)$", text, flags=re.MULTILINE))
    pointers = [item.pointer for item in EXERCISES]
    pointers += [known.pointer for item in EXERCISES for known in item.misconceptions]
    for pointer in pointers:
        assert set(re.findall("“(.+?)”", pointer)) <= headings, pointer


def test_the_points_of_an_exercise_are_a_whole_number() -> None:
    assert [item.points for item in EXERCISES] == [5, 3, 4, 5, 6, 3]


def test_a_forget_gate_on_h_is_right_at_the_first_step_and_wrong_afterwards() -> None:
    def answer(x, h, c, kernel, recurrent_kernel, bias):
        i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
        c = sigmoid(f) * h + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    result = judged("lstm_step", answer)
    assert result.misconception == "forget-gate-on-hidden-state"
    assert result.score == 1.5
    assert "cell state, first step" not in failed(result)


def test_a_state_tuple_in_place_of_two_results_is_named() -> None:
    from course_lib.cells.state import LSTMStateTuple

    def answer(*arguments):
        h, c = lstm_step(*arguments)
        return LSTMStateTuple(c, h)

    assert judged("lstm_step", answer).misconception == "h-and-c-swapped"


@pytest.mark.parametrize("wrong", ["forget-gate-on-hidden-state", "candidate-last"])
def test_a_right_loop_around_a_wrong_step_sends_back_to_the_step(wrong) -> None:
    step = {known.name: known.variant for known in BY_ID["lstm_step"].misconceptions}[wrong]

    def answer(x, h, c, *weights):
        outputs = []
        for t in range(x.shape[1]):
            h, c = step(x[:, t], h, c, *weights)
            outputs.append(h)
        return np.stack(outputs, axis=1), h, c

    result = judged("lstm_sequence", answer)
    assert result.misconception == f"built-on-{wrong}"
    assert "lstm_step" in result.hints[1]


def test_a_half_repaired_cell_that_keeps_its_state_holds_it_only_where_no_bias_is_needed() -> None:
    known = {item.name: item.variant for item in BY_ID["repair_slide_lstm"].misconceptions}
    result = judged("repair_slide_lstm", known["state-kept-only"])
    held = next(a for a in result.aspects if a.name == "a state held for sixty steps")
    assert held.difference.startswith("sixty steps, forget gates opened by the bias")


def test_a_backward_pass_that_is_not_finished_earns_what_is_there() -> None:
    def answer(dh, dc, cache):
        x, h_prev, _, _, f, _, o, c, kernel, recurrent_kernel = cache
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)
        rest = (kernel, recurrent_kernel, np.zeros(kernel.shape[1]))
        return x * 0, h_prev * 0, dc * f, *(part * 0 for part in rest)

    result = judged("lstm_step_backward", answer)
    assert result.score == 2.0
    assert {"output gate", "the other three gates", "weights"} <= failed(result)


def test_only_the_output_gate_wrong_costs_its_own_aspect_among_the_gates() -> None:
    known = {item.name: item.variant for item in BY_ID["lstm_step_backward"].misconceptions}
    missing = failed(judged("lstm_step_backward", known["dc-for-the-output-gate"]))
    assert "output gate" in missing
    assert not {"the other three gates", "dc_prev, the belt"} & missing


def test_a_result_of_the_wrong_length_breaks_nothing() -> None:
    for exercise_id in BY_ID:
        assert judged(exercise_id, lambda *_: (np.zeros(3),)).score == 0.0


def test_a_loop_over_the_batch_is_named_with_a_step_that_checks_no_shapes() -> None:
    def step(x, h, c, kernel, recurrent_kernel, bias):
        i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    def answer(x, h, c, *weights):
        outputs = []
        for t in range(len(x)):
            h, c = step(x[t], h, c, *weights)
            outputs.append(h)
        return np.stack(outputs, axis=1), h, c

    assert judged("lstm_sequence", answer).misconception == "loops-over-the-batch"


def test_gradients_glued_in_the_order_in_which_one_thinks_of_them_are_named() -> None:
    def answer(dh, dc, cache):
        x, h_prev, c_prev, i, f, g, o, c, kernel, recurrent_kernel = cache
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)
        df, di, dg = dc * c_prev * f * (1 - f), dc * g * i * (1 - i), dc * i * (1 - g**2)
        dz = np.concatenate([df, di, dg, dh * np.tanh(c) * o * (1 - o)], axis=1)
        to_inputs = (dz @ kernel.T, dz @ recurrent_kernel.T, dc * f)
        return *to_inputs, x.T @ dz, h_prev.T @ dz, dz.sum(axis=0)

    assert judged("lstm_step_backward", answer).misconception == "blocks-with-f-first"
