"""The figures of N06: what stands in them, without looking at pixels."""

import sys

import numpy as np
import pytest

from course_lib.plots import cell_zoo, new_figure
from course_lib.plots.figure import png


@pytest.fixture
def axes():
    return new_figure()[1]


def test_a_steep_unit_rests_at_two_points_that_attract_and_one_that_repels(axes):
    h = np.linspace(-1, 1, 801)
    points = cell_zoo.resting_points(h, np.tanh(2.5 * h))
    assert [abs(slope) < 1 for _, slope in points] == [True, False, True]
    assert points[1][0] == pytest.approx(0, abs=1e-6)


def test_a_unit_that_holds_has_no_single_point_of_rest():
    h = np.linspace(-1, 1, 801)
    assert cell_zoo.resting_points(h, cell_zoo.one_unit(h, z=1.0, r=0.0, w=1.0, x=0.5)) == []


def test_the_update_gate_moves_no_point_of_rest():
    h = np.linspace(-1, 1, 801)
    places = [
        [place for place, _ in cell_zoo.resting_points(h, cell_zoo.one_unit(h, z, 1.0, 3.0, 0.3))]
        for z in (0.0, 0.8)
    ]
    np.testing.assert_allclose(*places, atol=1e-3)


def test_attracting_points_are_filled_and_repelling_ones_open(axes):
    cell_zoo.one_unit_map(axes, lambda h: np.tanh(2.5 * h))
    circles = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_markerfacecolor() for line in circles] == ["#222222", "white", "#222222"]


def test_bars_are_labelled_with_their_totals_and_told_apart_without_colour(axes):
    cell_zoo.parameter_bars(axes, {"a": {"kernel": 20, "biases": 5}, "b": {"kernel": 60}})
    assert [text.get_text().strip() for text in axes.texts] == ["25", "60"]
    assert len({patch.get_hatch() for patch in axes.patches}) == 2


def test_curves_are_told_apart_without_colour(axes):
    cell_zoo.draw_curves(axes, [1, 2], {"one": [1, 2], "two": [2, 1]}, levels={"three": 1.5})
    assert len({line.get_linestyle() for line in axes.lines[:2]}) == 2
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "two", "three"]


def test_means_stand_at_the_edges_of_a_table():
    _, axes = new_figure(columns=2)
    cell_zoo.which_way(axes, {"a": np.array([[1.0, 3.0]]), "b": np.array([[0.0, 0.0]])})
    written = [text.get_text() for text in axes[0].texts]
    assert written.count("2.0") == 1
    assert [text.get_text() for text in axes[1].texts].count("0.0") == 5


def test_the_parts_of_each_cell_add_up():
    totals = [sum(parts.values()) for parts in cell_zoo.parameter_parts(4, 5).values()]
    assert totals == [50, 150, 165, 200, 215, 250]


def test_every_other_figure_can_be_drawn():
    x = np.array([[0.5, 1.0], [-0.2, 0.0]])
    _, axes = new_figure(rows=2)
    cell_zoo.two_resets(axes)
    assert png(axes[0].figure)
    _, axes = new_figure(rows=3)
    cell_zoo.draw_stream(axes[0], x, {"held": np.array([0.5, 0.5])})
    cell_zoo.draw_gates(axes[1], x, {"z": np.array([0.1, 0.9])})
    cell_zoo.saturation(axes[2], {"plain": np.array([0.1, 0.9])}, [1, 2])
    assert png(axes[0].figure)


def test_sliders_appear_only_where_somebody_looks(monkeypatch, capsys):
    for name in [
        name for name in __import__("os").environ if name.startswith(("VSCODE_", "COLAB_"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert not cell_zoo.somebody_looks()
    monkeypatch.setitem(sys.modules, "ipywidgets", None)  # an import would fail
    cell_zoo.one_unit_explorer()
    assert "Sliders appear here" in capsys.readouterr().out
    monkeypatch.setenv("JPY_SESSION_NAME", "notebook.ipynb")
    assert cell_zoo.somebody_looks()


def test_the_picture_below_the_sliders_is_an_image_of_its_own_size(monkeypatch, capsys):
    monkeypatch.setenv("JPY_SESSION_NAME", "notebook.ipynb")
    cell_zoo.one_unit_explorer()
    # An image widget is stretched to the width of the page; an image is not.
    assert "IPython.core.display.Image object" in capsys.readouterr().out


def test_a_live_figure_is_silent_outside_a_notebook(axes):
    cell_zoo.LiveFigure("nothing").update(axes.figure)
