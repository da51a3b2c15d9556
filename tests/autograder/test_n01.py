"""Notebook 1: what its students really write is recognised, and its hints point somewhere."""

from __future__ import annotations

import re

import numpy as np
import pytest

from autograder.course import Course
from autograder.exercise import PUBLIC_SEED
from autograder.exercises import find
from autograder.exercises.n01_unrolling_by_hand import EXERCISES
from autograder.judge import Judge
from autograder.probes import observe
from autograder.verdict import ExerciseResult
from course_lib.quiet import tf


def judged(exercise_id: str, answer: object) -> ExerciseResult:
    judge = Judge(find(exercise_id), PUBLIC_SEED)
    return judge.judge(judge.run(answer))


def test_every_heading_that_a_hint_points_to_is_in_the_notebook() -> None:
    text = Course.find().source("01_unrolling_by_hand").read_text(encoding="utf-8")
    headings = set(re.findall(r"^# #+ (.+)$", text, flags=re.MULTILINE))
    pointers = [item.pointer for item in EXERCISES]
    pointers += [known.pointer for item in EXERCISES for known in item.misconceptions]
    for pointer in pointers:
        assert set(re.findall("“(.+?)”", pointer)) <= headings, pointer


@pytest.mark.parametrize(
    "solve",
    [
        lambda x0, a: np.linalg.lstsq(x0, a, rcond=None)[0],
        lambda x0, a: np.linalg.pinv(x0) @ a,
        lambda x0, a: np.linalg.inv(x0.T @ x0) @ x0.T @ a,
        lambda x0, a: np.stack([np.linalg.lstsq(x0, c, rcond=None)[0] for c in a.T], axis=1),
    ],
    ids=["least squares", "pseudo-inverse", "normal equations", "neuron by neuron"],
)
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_saturated_entries_are_named_whichever_way_the_system_is_solved(solve) -> None:
    result = judged("recover_wx", lambda x0, y0: solve(x0, np.arctanh(y0)))
    assert result.misconception == "keeps-saturated"


@pytest.mark.parametrize("margin", [1e-4, 3e-5, 1e-6, 5e-7])
def test_any_sensible_threshold_earns_full_marks(margin) -> None:
    def answer(x0, y0):
        columns = []
        for y in y0.T:
            kept = 1 - np.abs(y) > margin
            columns.append(np.linalg.lstsq(x0[kept], np.arctanh(y[kept]), rcond=None)[0])
        return np.array(columns).T

    assert judged("recover_wx", answer).passed


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h @ Wh + b),
        lambda x, h, Wx, Wh, b: tf.constant(np.tanh(np.asarray(x) @ Wx + np.asarray(h) @ Wh + b)),
        lambda x, h, Wx, Wh, b: tf.tanh((x @ Wx + h @ Wh + b).numpy()),
    ],
    ids=["tanh only", "wrapped again", "by .numpy()"],
)
def test_numpy_inside_is_named_wherever_it_stands(answer) -> None:
    result = judged("rnn_step_tf", answer)
    assert result.misconception == "numpy-inside"
    assert result.score == 2.5


def test_memory_in_python_is_named_however_often_and_in_whichever_order_cases_run() -> None:
    exercise = find("rnn_step_tf")
    known = next(item for item in exercise.misconceptions if item.name == "python-side-state")
    judge = Judge(exercise, PUBLIC_SEED)
    for case in judge.cases[:1] * 3 + judge.cases[1:]:  # what a hurried judge may do
        observe(exercise.probe, known.variant, case.inputs)
    for _ in range(2):
        result = judge.judge(judge.run(known.variant))
        assert result.misconception == "python-side-state"
        failed = {aspect.name for aspect in result.aspects if not aspect.passed}
        assert "nothing remembered between calls" in failed
