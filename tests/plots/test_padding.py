"""The figures of N03: what stands in them, without looking at pixels."""

import numpy as np
import pytest

from course_lib.plots import new_figure
from course_lib.plots.figure import png
from course_lib.plots.padding import draw_batch, draw_lines, draw_states, draw_totals


@pytest.fixture
def axes():
    return new_figure()[1]


def test_every_number_of_a_batch_is_written_into_its_square(axes):
    draw_batch(axes, np.array([[1.0, 2.0], [3.0, 0.0]]), [2, 1])
    written = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    assert written == {(0, 0): "1", (1, 0): "2", (0, 1): "3", (1, 1): "0"}


def test_padding_is_hatched_and_nothing_else(axes):
    draw_batch(axes, np.ones((3, 4)), [4, 1, 0])
    boxes = [(patch.get_xy(), patch.get_width(), patch.get_hatch()) for patch in axes.patches]
    assert boxes == [((0.5, 0.54), 3, "///"), ((-0.5, 1.54), 4, "///")]


def test_a_batch_of_zeros_is_drawn(axes):
    draw_batch(axes, np.zeros((1, 2)), [0])
    assert png(axes.figure)


def test_lines_are_told_apart_without_colour(axes):
    draw_lines(axes, [1, 2], {"one": [1, 2], "two": [2, 1]}, level=("three", 1.5))
    one, two, three = axes.lines
    assert len({line.get_marker() for line in (one, two, three)}) == 3
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "two", "three"]


def test_the_shade_covers_the_steps_after_the_end(axes):
    draw_states(axes, np.zeros((6, 2)), length=4)
    shade = axes.patches[0]
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (3.5, 5.5)


def test_a_total_is_labelled_with_its_last_value(axes):
    draw_totals(axes, {"nodes": np.array([3, 7])}, [5, 9])
    assert [text.get_text() for text in axes.texts] == ["nodes: 7"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["T=5", "T=9"]
