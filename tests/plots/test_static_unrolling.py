"""The figures of N02 show what they claim to show."""

from __future__ import annotations

import numpy as np

from course_lib import stack_outputs, static_rnn, tf, to_time_list
from course_lib.plots import new_figure
from course_lib.plots.figure import png
from course_lib.plots.static_unrolling import (
    against_length,
    cut_by_time,
    loop_graph,
    stack_back,
    unrolled_graph,
)


def _words(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def _cards(axes) -> list[str]:
    return [word for word in _words(axes) if len(word) == 2 and word[1].isdigit()]


def test_cutting_puts_one_moment_of_all_sequences_into_a_piece() -> None:
    figure, axes = new_figure(columns=4)
    array, swapped, pieces, reshaped = cut_by_time(axes)
    assert _cards(array)[:4] == ["A0", "A1", "A2", "A3"]
    assert _cards(swapped)[:3] == _cards(pieces)[:3] == ["A0", "B0", "C0"]
    assert _cards(reshaped)[:3] == ["A0", "A1", "A2"]
    assert png(figure)


def test_stacking_ends_where_cutting_began() -> None:
    figure, axes = new_figure(columns=4)
    pieces, stacked, swapped, concatenated = stack_back(axes)
    assert _cards(pieces) == _cards(stacked) == _cards(concatenated)
    assert _cards(swapped)[:5] == ["A0", "A1", "A2", "A3", "B0"]
    assert png(figure)


def _network(x, h0, Wx, Wh, b):
    def step(x_t, h):
        h = tf.tanh(x_t @ Wx + h @ Wh + b)
        return h, h

    return stack_outputs(static_rnn(step, to_time_list(x), h0)[0])


def test_every_node_of_the_traced_graph_is_drawn() -> None:
    for T in (1, 2, 3):
        shapes = [4, T, 3], [4, 5], [3, 5], [5, 5], [5]
        traced = tf.function(_network).get_concrete_function(*map(tf.TensorSpec, shapes))
        nodes = traced.graph.as_graph_def().node
        figure, axes = new_figure()
        unrolled_graph(axes, nodes)
        boxes = [word for word in _words(axes) if word]
        assert len(boxes) + len(axes.lines) == len(nodes)
        assert boxes.count("tanh") == T
        assert png(figure)


def test_the_loop_has_one_body() -> None:
    figure, axes = new_figure()
    words = _words(loop_graph(axes))
    assert words.count("tanh") == 1
    assert words.count("matmul") == 2
    assert png(figure)


def test_every_way_of_unrolling_has_a_look_of_its_own() -> None:
    figure, axes = new_figure()
    names = ["static, forward", "static, gradient", "loop, forward", "loop, gradient"]
    against_length(axes, (2, 20), {name: np.array([1.0, 2.0]) for name in names})
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in axes.lines}
    markers = {line.get_marker() for line in axes.lines}
    assert len(looks) == len(markers) == 4
    assert png(figure)
