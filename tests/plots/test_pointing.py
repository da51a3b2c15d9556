"""The figures of N13 show what they claim to show."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.plots import new_figure
from course_lib.plots.figure import png
from course_lib.plots.pointing import (
    draw_fits,
    draw_lessons,
    draw_look_back,
    draw_masking,
    draw_pointing,
    draw_scale,
    draw_tempers,
    draw_yardstick,
    floats_in,
    pointing_box,
)


def test_the_thickest_line_leads_to_the_largest_weight() -> None:
    axes = draw_look_back(new_figure()[1], ["a", "b", "c"], [0.1, 0.7, 0.2])
    widths = [line.get_linewidth() for line in axes.lines]
    assert np.argmax(widths) == 1


def test_padding_is_hatched_and_real_keys_are_added_up() -> None:
    panels = new_figure(columns=2)[1]
    ways = {"one": [0.5, 0.25, 0.25], "two": [0.6, 0.4, 0.0]}
    draw_masking(panels, ["a", "b", "pad"], ways, [True, True, False])
    assert [bool(bar.get_hatch()) for bar in panels[0].patches] == [False, False, True]
    assert [axes.get_title() for axes in panels] == [
        "one\nreal keys get 0.75",
        "two\nreal keys get 1.00",
    ]


def test_rings_lie_around_the_argsort_and_wrong_places_are_crossed_out() -> None:
    weights = np.array([[0.0, 0.9, 0.1], [0.0, 0.2, 0.8], [0.1, 0.9, 0.0]])
    axes = draw_pointing(new_figure()[1], [0.5, 0.1, 0.3], weights)
    assert [ring.center for ring in axes.patches] == [(1, 0), (2, 1), (0, 2)]
    assert [text.get_position() for text in axes.texts] == [(1, 2)]


def test_every_line_passes_through_zero_at_the_number_that_is_due() -> None:
    x = np.array([[0.5, 0.1, 0.9]])
    scores = -10 * x[:, np.newaxis].repeat(3, axis=1)
    axes = new_figure()[1]
    draw_tempers([axes], x, scores, (1,), ["step 2"])
    (line,) = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert line.get_xdata().tolist() == [0.1, 0.5, 0.9]
    np.testing.assert_allclose(line.get_ydata(), [4, 0, -4])


def test_curves_have_looks_of_their_own() -> None:
    figure, (left, right) = new_figure(columns=2)
    draw_lessons(left, {"a": ([0, 20], [0.2, 0.9]), "b": ([0, 20], [0.2, 0.3])})
    draw_fits([right], np.linspace(0, 1, 5), {"dot": {"+1": np.arange(5), "-1": -np.arange(5)}})
    assert len({line.get_linestyle() for line in left.lines}) == 2
    assert [
        line.get_xdata()[0] for line in right.lines if line.get_marker() not in ("", "None")
    ] == [
        1.0,
        0.0,
    ]
    assert png(figure)


def test_bars_carry_their_shares() -> None:
    axes = draw_yardstick(new_figure()[1], [5, 10], {"paper": [0.94, 0.57], "ours": [0.946, 0.1]})
    assert [text.get_text() for text in axes.texts] == ["94", "57", "94.6", "10"]


def test_both_panels_of_the_scale_have_all_sizes() -> None:
    panels = new_figure(columns=2)[1]
    draw_scale(panels, [4, 16], {"q·k": {"weight": [0.5, 0.9], "gradient": [0.2, 0.1]}})
    assert [[tick.get_text() for tick in axes.get_xticklabels()] for axes in panels] == [
        ["4", "16"]
    ] * 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.5", "Type two numbers or more, between 0 and 1."),
        ("nan 0.1", "nan does not lie between 0 and 1; the network has seen no others."),
        ("0.1 0.2 0.3 0.4", "4 numbers are too many for this picture; type at most 3."),
    ],
)
def test_what_cannot_be_sorted_is_answered_with_a_sentence(text: str, said: str) -> None:
    assert floats_in(text, 3) == said


def test_where_nobody_looks_a_line_stands_for_the_box(capsys, monkeypatch) -> None:
    monkeypatch.setattr("course_lib.plots.pointing.somebody_looks", lambda: False)
    pointing_box(lambda numbers: np.eye(len(numbers)), "0.1 0.2")
    assert "a line appears here" in capsys.readouterr().out
