"""The figures of N12 show what they claim to show."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.plots import new_figure
from course_lib.plots.figure import png
from course_lib.plots.sorting import (
    Watched,
    draw_beams,
    draw_errors,
    draw_sorter,
    draw_written,
    numbers_in,
    typing_box,
)


def test_a_decoder_without_a_state_has_no_arrow_to_it() -> None:
    def words(**options: bool) -> list[str]:
        axes = draw_sorter(new_figure()[1], [5, 2], ["GO", "2"], ["2", "5"], **options)
        return [text.get_text() for text in axes.texts]

    assert words().count("state") == 1
    assert words(state=False).count("state") == 0
    assert len(words(fed_back=True)) == len(words()) + 1


def test_a_wrong_token_has_a_cross_and_the_title_says_so() -> None:
    p = np.eye(5)[[1, 2, 4]]
    right = draw_written(new_figure()[1], [4, 1, 2], p)
    wrong = draw_written(new_figure()[1], [4, 1, 3], p)
    assert (len(right.texts), len(wrong.texts)) == (0, 1)
    assert right.get_title().endswith("right")
    assert wrong.get_title().endswith("with a mistake")


def test_decoders_are_told_apart_by_more_than_colour() -> None:
    class Seen:
        errors = np.array([0.1, 0.2])

    axes = draw_errors(new_figure()[1], {name: Seen() for name in "abcd"})
    assert len({line.get_marker() for line in axes.lines}) == 4


def test_what_a_beam_keeps_is_framed_in_another_way() -> None:
    p = {"a": 0.6, "b": 0.4, "aa": 0.3, "ab": 0.3, "ba": 0.1, "bb": 0.3}
    figure, axes = new_figure()
    draw_beams(axes, ["a", "b"], p, kept={"", "a", "bb"})
    widths = [text.get_bbox_patch().get_linewidth() for text in axes.texts if text.get_text()]
    assert sorted(set(widths)) == [0.8, 2.2]
    assert png(figure)


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("5, 3;1", [5, 3, 1]),
        ("  7 ", [7]),
        ("1 -2", "“-2” is no whole number."),
        ("1 2.5", "“2.5” is no whole number."),
        ("3 99", "99 is not between 0 and 9; the network knows no other numbers."),
        ("", "Type a few numbers between 0 and 9."),
        ("1 2 3 4 5", "5 numbers are too many for this picture; type at most 4."),
    ],
)
def test_what_somebody_types_is_understood_or_answered(typed: str, understood: object) -> None:
    assert numbers_in(typed, 10, 4) == understood


def test_where_nobody_looks_a_line_stands_for_the_box(capsys, monkeypatch) -> None:
    monkeypatch.setattr("course_lib.plots.sorting.somebody_looks", lambda: False)
    typing_box(lambda x: np.eye(10)[list(x)], 10, "1 2")
    assert "your own numbers" in capsys.readouterr().out


def test_a_training_nobody_watches_is_noted_and_not_shown(capsys, monkeypatch) -> None:
    monkeypatch.setattr("course_lib.plots.sorting.somebody_looks", lambda: False)
    watched = Watched(["a", "b"])
    watched.of("b")(25, 0.5)
    assert watched.seen == {"a": ([], []), "b": ([25], [0.5])}
    assert capsys.readouterr().out == ""
