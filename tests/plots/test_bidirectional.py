"""The figures of N10 show what they claim to show."""

from __future__ import annotations

import numpy as np

from course_lib.plots import new_figure
from course_lib.plots.bidirectional import (
    draw_accuracies,
    draw_letters,
    draw_reach,
    draw_reading,
    draw_two_readers,
    reach_slider,
)
from course_lib.plots.figure import png


def test_both_readers_meet_every_word_and_arrows_lead_both_ways() -> None:
    axes = draw_two_readers(new_figure()[1], ["a", "b", "c"])
    words = [text.get_text() for text in axes.texts]
    assert words.count("fw") == words.count("bw") == 3
    moves = [text.xy[0] - text.xyann[0] for text in axes.texts if text.get_text() == ""]
    assert sum(move > 0.5 for move in moves) == sum(move < -0.5 for move in moves)


def test_letters_stand_where_they_are_and_padding_is_hatched() -> None:
    axes = draw_letters(new_figure()[1], ["ab·", "c··"], [2, 1], "a batch")
    letters = {(*text.get_position(), text.get_text()) for text in axes.texts}
    assert letters == {(0, 0, "a"), (1, 0, "b"), (0, 1, "c")}
    assert sum(patch.get_hatch() is not None for patch in axes.patches) == 3


def test_the_row_that_is_pointed_at_is_the_one_that_stands_out() -> None:
    axes = draw_reach(new_figure()[1], np.tri(3, dtype=bool), "forward", row=1)
    squares = axes.patches[:9]
    assert [patch.get_alpha() for patch in squares] == [0.3] * 3 + [1.0] * 3 + [0.3] * 3


def test_curves_have_looks_of_their_own() -> None:
    figure, (left, right) = new_figure(columns=2)
    draw_accuracies(left, {"a": ([0, 20], [0.2, 0.9]), "b": ([0, 20], [0.2, 0.3])}, "texts")
    draw_reading(right, {"a": np.linspace(1, 0, 30), "b": np.linspace(0, 1, 30)}, "half")
    for axes in (left, right):
        named = [line for line in axes.lines if line.get_label() in ("a", "b")]
        assert len({line.get_marker() for line in named}) == len(named) == 2
    assert png(figure)


def test_where_nobody_looks_a_line_stands_for_the_slider(capsys, monkeypatch) -> None:
    monkeypatch.setattr("course_lib.plots.bidirectional.somebody_looks", lambda: False)
    reach_slider({"forward": np.tri(3, dtype=bool)})
    assert "slider" in capsys.readouterr().out
