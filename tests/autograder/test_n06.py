"""N06's exercises: verdicts hold for many seeds, and a card says what an honest reader needs."""

from __future__ import annotations

import re

import numpy as np
import pytest

from autograder.card import as_text
from autograder.course import Course
from autograder.exercise import PUBLIC_SEED, Exercise
from autograder.exercises.n06_gru_and_the_cell_zoo import (
    EXERCISES,
    GRU_STEP,
    LAYER_NORM,
    PEEPHOLE_STEP,
    REPAIR_SLIDE_GRU,
    SLIDE_RNN_CELL,
)
from autograder.judge import Judge
from course_lib import gru_step, peephole_step, slide_rnn_cell


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda item: item.id)
def test_the_verdict_on_every_variant_is_the_same_for_fifty_seeds(exercise: Exercise) -> None:
    scores = set()
    for seed in range(50):
        judge = Judge(exercise, seed)
        verdicts = [judge.judge(judge.run(known.variant)) for known in exercise.misconceptions]
        names = [verdict.misconception for verdict in verdicts]
        assert names == [known.name for known in exercise.misconceptions]
        scores.add(tuple(verdict.score for verdict in verdicts))
    assert len(scores) == 1


def _card(exercise: Exercise, answer: object) -> str:
    judge = Judge(exercise, PUBLIC_SEED)
    return as_text(judge.judge(judge.run(answer)))


def _aspects(exercise: Exercise, answer: object) -> dict[str, bool]:
    judge = Judge(exercise, PUBLIC_SEED)
    return {a.name: a.passed for a in judge.judge(judge.run(answer)).aspects}


def test_one_form_of_the_gru_earns_its_share() -> None:
    def only_before(x, h, kernel, recurrent_kernel, bias, reset_after):
        if reset_after:
            return h
        return gru_step(x, h, kernel, recurrent_kernel, bias, reset_after)

    passed = _aspects(GRU_STEP, only_before)
    assert passed["reset before the product"]
    assert not passed["reset after the product"]


def test_each_repair_of_the_slides_gru_shows_in_an_aspect_of_its_own() -> None:
    known = {item.name: item.variant for item in REPAIR_SLIDE_GRU.misconceptions}
    squash, gates, biases = (
        "the candidate is squashed",
        "each gate does its own work",
        "the biases are added",
    )
    shown = {
        name: {
            aspect for aspect, passed in _aspects(REPAIR_SLIDE_GRU, known[name]).items() if passed
        }
        & {squash, gates, biases}
        for name in (
            "as-printed",
            "only-the-candidate-repaired",
            "only-the-gate-repaired",
            "only-the-biases-repaired",
            "biases-still-missing",
            "r-still-does-both",
            "candidate-still-not-squashed",
        )
    }
    assert shown == {
        "as-printed": set(),
        "only-the-candidate-repaired": {squash},
        "only-the-gate-repaired": {gates},
        "only-the-biases-repaired": {biases},
        "biases-still-missing": {squash, gates},
        "r-still-does-both": {squash, biases},
        "candidate-still-not-squashed": {gates, biases},
    }


def test_every_heading_that_a_hint_points_to_is_in_the_notebook() -> None:
    text = Course.find().source("06_gru_and_the_cell_zoo").read_text(encoding="utf-8")
    headings = set(re.findall(r"^# #+ (.+)$", text, flags=re.MULTILINE))
    pointers = [item.pointer for item in EXERCISES]
    pointers += [known.pointer for item in EXERCISES for known in item.misconceptions]
    for pointer in pointers:
        assert set(re.findall("“(.+?)”", pointer)) <= headings, pointer


def test_one_r_left_in_the_mixture_is_named() -> None:
    def answer(x, output, gates):
        def gate(name, h):
            A, B, b = gates[name]
            return x @ A + h @ B + b

        U, R = (1 / (1 + np.exp(-gate(name, output))) for name in "UR")
        return U * output + (1 - R) * np.tanh(gate("O", R * output))

    assert "One gate decides about both" in _card(REPAIR_SLIDE_GRU, answer)


def test_a_missing_second_result_is_named() -> None:
    said = _card(SLIDE_RNN_CELL, lambda *inputs: slide_rnn_cell(*inputs)[0])
    assert "should return two things" in said
    said = _card(PEEPHOLE_STEP, lambda *inputs: peephole_step(*inputs)[0])
    assert "should return two things" in said


def test_a_sequence_in_place_of_rows_is_told_apart() -> None:
    def second_axis(a, epsilon):
        axis = min(1, a.ndim - 1)
        spread = np.sqrt(a.var(axis=axis, keepdims=True) + epsilon)
        return (a - a.mean(axis=axis, keepdims=True)) / spread

    assert "count from the end" in _card(LAYER_NORM, second_axis)
