"""The figures of N11 show what they claim to show."""

from __future__ import annotations

import numpy as np

from course_lib.plots import new_figure
from course_lib.plots.figure import png
from course_lib.plots.writing import (
    LearningView,
    draw_baselines,
    draw_entropy,
    draw_lines,
    draw_loop,
    draw_quality,
    draw_shares,
    draw_surprise,
    draw_windows,
    temperature_slider,
)


def _words(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_each_target_stands_below_its_character_and_line_ends_are_visible() -> None:
    axes = draw_windows(new_figure()[1], [(["AB", "D "], ["BC", " \n"])])
    assert _words(axes) == ["window 0", "A", "B", "B", "C", "D", "␣", "␣", "⏎"]


def test_the_first_draw_follows_the_last_character_of_the_prime() -> None:
    axes = draw_loop(new_figure()[1], "LAT", "IN")
    assert _words(axes).count("step") == 4
    assert _words(axes).count("draw") == 2
    assert _words(axes).count("logits,\nnot used") == 2


def test_only_costly_characters_are_hatched() -> None:
    axes = draw_surprise(new_figure()[1], "AB", np.array([3.0, 0.5, 2.0]))
    assert [bool(bar.get_hatch()) for bar in axes.patches] == [True, False, True]
    assert axes.get_title() == "6 bits in all, 1.8 a character"


def test_lines_that_exist_are_marked_and_long_ones_cut() -> None:
    axes = draw_lines(new_figure()[1], {"cold": ["RED CAT", "A" * 40]}, {"RED CAT"}, width=10)
    assert _words(axes) == ["cold", "✓ RED CAT", "  AAAAAAAAA…"]


def test_curves_have_looks_of_their_own() -> None:
    _, (left, right) = new_figure(columns=2)
    heats = np.geomspace(0.1, 10, 7)
    draw_entropy(left, heats, {"after A": heats / 2, "after B": heats / 3}, 5.3)
    draw_quality(right, heats, {"real": heats, "new": heats / 2})
    for axes in (left, right):
        named = [line for line in axes.lines if line.get_label()[0] != "_"]
        assert len({line.get_marker() for line in named}) == 2


def test_bars_are_labelled() -> None:
    assert _words(draw_baselines(new_figure()[1], {"nothing": 5.29, "table": 1.09})) == [
        "5.29",
        "1.09",
    ]
    panels = new_figure(columns=2)[1]
    draw_shares(panels, "A ", {0.5: np.array([0.9, 0.1]), 2.0: np.array([0.6, 0.4])})
    assert [panel.get_title() for panel in panels] == ["temperature 0.5", "temperature 2"]
    assert [label.get_text() for label in panels[0].get_xticklabels()] == ["A", "␣"]


def test_a_view_of_learning_draws_without_a_screen() -> None:
    view = LearningView({"guessing": 5.3, "table": 1.1}, expected=4, every=2)
    view.sample("XQ")
    for bits in (5.0, 4.0, 3.0):
        view.add(bits)
    view.sample("RED")
    left, right = view.figure().axes
    assert _words(right) == ["   0  XQ", "   3  RED"]
    assert _words(left) == ["guessing, 5.30", "table, 1.10"]
    assert png(view.figure())


def test_without_a_reader_the_slider_says_where_it_works(capsys) -> None:
    temperature_slider(lambda temperature, prime, seed: [], set())
    assert "Run this cell in Jupyter" in capsys.readouterr().out
