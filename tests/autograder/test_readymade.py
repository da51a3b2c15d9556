"""A ready-made layer where the text asks for one by hand is found in the source, and only there."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.exercises import assignments
from autograder.readymade import ready_made
from autograder.rebuild import rebuild

ROOT = Path(__file__).parents[2]
EXERCISES = {e.id: e for several in assignments().values() for e in several}


def found(source: str, grade_id: str = "", *exercises: str) -> list[str]:
    cell = new_code_cell(source)
    cell.metadata.unrolled = {"owner": "student"}
    if grade_id:
        cell.metadata.nbgrader = {"grade_id": grade_id}
    asked = [EXERCISES[name] for name in (exercises or (grade_id or "rnn_step",))]
    return [seen.detail for seen in ready_made(new_notebook(cells=[cell]), asked)]


@pytest.mark.parametrize(
    "source",
    [
        "def rnn_step(x, h, Wx, Wh, b):\n    cell = tf.keras.layers.SimpleRNNCell(5)\n",
        "from keras.layers import SimpleRNNCell as harmless",
        "cell = getattr(tf.keras.layers, 'SimpleRNNCell')(5)",
    ],
)
def test_each_way_to_take_a_layer_out_of_keras_is_seen(source: str) -> None:
    told = found(source, "rnn_step")
    assert len(told) == 1
    assert told[0].startswith("rnn_step uses SimpleRNNCell (line ")


@pytest.mark.parametrize(
    "source",
    [
        "# SimpleRNNCell would do it",
        "class SimpleRNNCell:\n    pass\ncell = SimpleRNNCell()",
        "def dynamic_rnn(step, x):\n    pass\ndynamic_rnn(1, 2)",
        "title = 'LSTM'",
        "def broken(:",
    ],
)
def test_words_own_classes_and_broken_code_raise_no_alarm(source: str) -> None:
    assert found(source, "rnn_step") == []


def test_a_cell_that_the_student_added_is_held_to_every_exercise() -> None:
    told = found("g = tf.GradientTape()", "", "rnn_step", "rnn_backward")
    assert told == [
        "a cell that the student added uses GradientTape (line 1), which the text asks to write by hand"
    ]


def test_the_ready_made_function_of_the_same_name_is_seen() -> None:
    assert found("tf.clip_by_global_norm(grads, 1.0)", "clip_by_global_norm")


@pytest.mark.parametrize("name", sorted(assignments()))
def test_no_solution_raises_an_alarm(name: str) -> None:
    release, solution = (
        nbformat.read(ROOT / folder / name / f"{name}.ipynb", as_version=4)
        for folder in ("notebooks", "solutions")
    )
    assert ready_made(rebuild(release, solution).notebook, assignments()[name]) == []
