"""The figures of N09 show what they claim to show."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.plots import new_figure
from course_lib.plots.figure import png
from course_lib.plots.stacking import (
    draw_depth,
    draw_losses,
    draw_order,
    draw_owners,
    draw_stack,
    order_of,
    order_slider,
)


@pytest.mark.parametrize("way", ["layer by layer", "step by step", "diagonal"])
def test_every_cell_comes_after_its_left_neighbour_and_the_one_below(way: str) -> None:
    order = order_of(3, 5, way)
    assert (np.diff(order, axis=0) > 0).all()
    assert (np.diff(order, axis=1) > 0).all()


def test_every_cell_of_a_stack_is_drawn_and_memory_stays_in_its_row() -> None:
    words = [text.get_text() for text in draw_stack(new_figure()[1], 3, 4).texts]
    assert words.count("cell 1") == words.count("cell 3") == 4
    assert words.count("c, h") == 3 * 3


def test_turns_to_come_are_left_empty() -> None:
    axes = draw_order(new_figure()[1], order_of(2, 3, "step by step"), until=4)
    assert sorted(text.get_text() for text in axes.texts) == ["1", "2", "3", "4"]


def test_curves_have_looks_of_their_own() -> None:
    figure, (left, right) = new_figure(columns=2)
    falling = {"deep": np.linspace(0.7, 0.01, 50), "flat": np.linspace(0.7, 0.2, 50)}
    draw_losses(left, falling, levels={"a coin": 0.69})
    draw_depth(right, [1, 2, 4], {"plain": [1, 0.1, 0.01], "residual": [1, 1, 1]})
    for axes in (left, right):
        assert len({line.get_marker() for line in axes.lines if line.get_label()[0] != "_"}) == 2
    assert png(figure)


def test_one_kernel_a_layer_is_drawn() -> None:
    panels = new_figure(rows=3)[1]
    draw_owners(panels, [np.eye(4)] * 3)
    assert [axes.get_ylabel() for axes in panels] == ["layer 1", "layer 2", "layer 3"]


def test_where_nobody_looks_a_line_stands_for_the_slider(capsys, monkeypatch) -> None:
    monkeypatch.setattr("course_lib.plots.stacking.somebody_looks", lambda: False)
    order_slider(2, 3)
    assert "slider" in capsys.readouterr().out
