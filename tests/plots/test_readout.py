"""The figures of N07 show what they say."""

import numpy as np
import pytest

from course_lib import TRAIN_X, TRAIN_Y
from course_lib.plots import new_figure
from course_lib.plots.readout import (
    TrainingView,
    all_pairs,
    error_bars,
    hand_made,
    hand_made_against,
    targets_and_predictions,
    training_curve,
    valley,
)


def test_weights_of_one_and_one_are_the_rule():
    np.testing.assert_array_equal(hand_made(TRAIN_X, 1.0, 1.0), TRAIN_Y)
    _, axes = new_figure()
    assert hand_made_against(axes, TRAIN_X, TRAIN_Y, 1.0, 1.0) == pytest.approx(0.0)


def test_all_differences_are_written_and_the_wanted_ones_framed():
    _, axes = new_figure()
    all_pairs(axes, np.array([1.0, 3.0]), np.array([[1.0], [3.0]]))
    assert sorted(text.get_text() for text in axes.texts) == ["-2", "0", "0", "2"]
    assert len(axes.patches) == 2


def test_bars_stand_in_the_given_order():
    _, axes = new_figure()
    error_bars(axes, {"a": 1.0, "b": 10.0}, own=["a"])
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert dict(zip(labels, axes.get_yticks(), strict=True)) == {"a": 1, "b": 0}


def test_the_valley_marks_the_best_without_a_memory_near_two():
    _, axes = new_figure()
    valley(axes, TRAIN_X, TRAIN_Y)
    square = next(line for line in axes.lines if line.get_marker() == "s")
    assert 1.9 < square.get_xdata()[0] < 2.2


def test_each_kind_of_prediction_has_one_entry_in_the_legend():
    _, axes = new_figure()
    targets_and_predictions(axes, TRAIN_Y, {"a": TRAIN_Y, "b": TRAIN_Y + 1})
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["a", "b", "target"]


def test_levels_of_a_training_are_labelled():
    _, axes = new_figure()
    training_curve(axes, [0, 5], [80.0, 20.0], {"zero": 75.0, "mean": 13.0})
    assert [text.get_text() for text in axes.texts] == ["zero 75", "mean 13"]


def test_a_view_measures_every_few_updates_and_at_the_end(capsys):
    errors = iter([4.0, 3.0, 2.0])
    view = TrainingView(lambda: next(errors), {"zero": 5.0}, every=2)
    for _ in range(3):
        view.before_update()
    view.end("the curve")
    assert (view.updates, view.errors) == ([0, 2, 3], [4.0, 3.0, 2.0])
