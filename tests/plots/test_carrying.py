"""The figures of N08 show what they claim to show."""

from __future__ import annotations

import numpy as np

from course_lib.plots import new_figure
from course_lib.plots.carrying import (
    Watched,
    draw_against_window,
    draw_echo,
    draw_edges,
    draw_losses,
    draw_places,
    window_slider,
)
from course_lib.plots.figure import png


def _hatched(axes) -> list[int]:
    return [round(p.get_x() + 0.42) for p in axes.patches if p.get_hatch()]


def test_only_labels_whose_bit_lies_before_the_window_are_hatched() -> None:
    x = np.array([1, 0, 1, 1, 0, 0, 1, 0])
    axes = draw_echo(new_figure()[1], x, np.roll(x, 2), 2, window=4)
    assert _hatched(axes) == [4, 5]
    assert _hatched(draw_echo(new_figure()[1], x, np.roll(x, 2), 2)) == []


def test_the_state_crosses_both_edges_and_the_gradient_neither() -> None:
    axes = draw_edges(new_figure()[1])
    words = [text.get_text() for text in axes.texts]
    assert words.count("c and h") == words.count("✗") == 2
    assert words.count("cell") == 12


def test_curves_have_looks_of_their_own() -> None:
    figure, (left, middle, right) = new_figure(columns=3)
    falling = {"carried": np.linspace(0.7, 0.01, 50), "wiped": np.linspace(0.7, 0.2, 50)}
    draw_losses(left, falling, floor=0.14)
    draw_places(middle, {"carried": np.ones(5), "wiped": np.full(5, 0.5)})
    draw_against_window(right, [0.7, 0.6], {"carried": ([1], [0.1]), "wiped": ([1], [0.5])}, 3)
    for axes in (left, middle):
        assert len({line.get_marker() for line in axes.lines if line.get_label()[0] != "_"}) == 2
    assert png(figure)


class _Model:
    """Answers 1 everywhere."""

    trainable_variables: tuple = ()

    def __init__(self):
        self.updates = 0

    def loss(self, x, y, state):
        return 0.5, state

    def predict(self, x, state):
        return np.stack([np.zeros(x.shape), np.ones(x.shape)], axis=2), state

    def update(self, gradients):
        self.updates += 1


def test_a_watched_model_is_trained_as_before_and_draws_without_a_screen() -> None:
    watched = Watched(_Model(), every=2, rows=2)
    bits = np.array([[1, 0, 1], [0, 0, 1]])
    for _ in range(5):
        watched.loss(bits, bits, None)
        watched.update([])
    assert watched.updates == 5
    assert watched.pictures == 2
    titles = [axes.get_title() for axes in watched.draw().axes][:3]
    assert titles == ["loss after 5 windows", "row 0: 1 wrong", "row 1: 2 wrong"]


def test_without_a_reader_the_slider_says_where_it_works(capsys) -> None:
    window_slider(np.zeros(4, int), np.zeros(4, int), 1)
    assert "Run this cell in Jupyter" in capsys.readouterr().out
