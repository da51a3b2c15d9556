"""The figures of N04: what stands in them, without looking at pixels."""

import numpy as np
import pytest

from course_lib.plots import new_figure
from course_lib.plots.figure import png
from course_lib.plots.gradients import (
    STYLES,
    LiveCurves,
    cliff,
    lines,
    radius_picture,
    radius_slider,
    step_graph,
    through_time,
    two_tasks,
)


@pytest.fixture
def axes():
    return new_figure()[1]


def written(axes) -> set[str]:
    return {text.get_text() for text in axes.texts}


def test_lines_are_told_apart_without_colour() -> None:
    looks = {(style["marker"], style["linestyle"]) for style in STYLES}
    assert len(looks) == len(STYLES)


def test_lines_may_end_early_and_have_holes(axes) -> None:
    lines(axes, np.arange(3), {"short": [1.0, 2.0], "holes": [1.0, np.nan, 2.0]})
    assert [len(line.get_xdata()) for line in axes.lines] == [2, 3]
    assert png(axes.figure)


def test_the_way_back_through_a_step_names_all_gradients(axes) -> None:
    assert {"$dx_t$", "$dh_{t-1}$", "$db$", "$da_t$", "$dh_t$"} <= written(step_graph(axes))


def test_two_gradients_arrive_at_the_inner_states_and_one_at_the_last(axes) -> None:
    texts = written(through_time(axes))
    assert {"$dy_1$", "$dy_2$", "$dy_3$", "$dh_0$"} <= texts
    assert {"from\nstep 2", "from\nstep 3"} <= texts
    assert "from\nstep 4" not in texts


def test_eigenvalues_lie_beside_a_circle() -> None:
    figure = radius_picture(np.diag([0.5, -2.0]), np.array([1.0, 0.5]), "title")
    _, points = figure.axes[0].lines
    assert sorted(points.get_xdata()) == [-2.0, 0.5]
    assert figure.axes[1].get_title() == "title"


def test_without_a_screen_the_slider_says_so_and_measures_nothing(capsys) -> None:
    def measure(*_: object) -> None:
        raise AssertionError

    radius_slider(measure)
    assert "Run this cell in Jupyter" in capsys.readouterr().out


def test_a_live_view_without_a_screen_keeps_its_curves() -> None:
    view = LiveCurves("What it shows.", ("baseline", 0.5), total=20, ylabel="error")
    for update in (10, 20):
        view.add("one", update, 1 / update)
        view.add("two", update, 2 / update)
    one, two, level = view.figure().axes[0].lines
    assert list(one.get_xdata()) == [10, 20]
    assert one.get_marker() != two.get_marker()
    assert level.get_label() == "baseline"


def test_a_step_that_leaves_the_picture_is_not_drawn_as_if_it_ended_inside(axes) -> None:
    weights = np.linspace(0, 1, 11)
    cliff(axes, weights, weights**2, {"far": (0.5, 9.0), "near": (0.5, 0.6)})
    ends = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    assert sorted(ends) == [0.5, 0.6]


def test_marked_numbers_and_symbols_are_written_out() -> None:
    _, (above, below) = new_figure(rows=2)
    values = np.array([[0.25, 1.0], [0.5, 0.0], [0.75, 1.0]])
    two_tasks(above, below, (values, 1.0), (np.array([3, 0, 9, 0]), np.array([0, 0, 0, 3])))
    assert written(above) == {"0.25", "0.75"}
    assert {"3", "?", "input", "target"} <= written(below)
