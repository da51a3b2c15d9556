"""The figures of N14 show what they claim to show."""

from __future__ import annotations

import numpy as np

from course_lib.patients import admit
from course_lib.plots import new_figure
from course_lib.plots.figure import png
from course_lib.plots.speed import (
    PLACES,
    ROADS,
    draw_confusion,
    draw_map,
    draw_nodes,
    draw_race,
    draw_schedule,
    draw_signs,
    patient_chooser,
)


def _words(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_hoisting_takes_the_inputs_products_out_of_the_steps() -> None:
    _, (left, right) = new_figure(rows=2)
    apart = _words(draw_schedule(left, 3, hoisted=False))
    together = _words(draw_schedule(right, 3, hoisted=True))
    assert sum(word.startswith("$x_") for word in apart) == 3
    assert sum(word.startswith("$x_") for word in together) == 0
    assert apart.count("$h R$") == together.count("$h R$") == 3


def test_the_first_contestant_stands_on_top_also_on_shared_axes() -> None:
    figure, panels = new_figure(columns=2, sharey=True)
    for axes in panels:
        draw_race(axes, {"slow": 120.0, "fast": 1.5})
        low, high = axes.get_ylim()
        assert low > high
    assert _words(panels[0]) == ["120", "1.5"]
    assert png(figure)


def test_bars_of_nodes_carry_their_numbers() -> None:
    axes = draw_nodes(new_figure()[1], {"looped": (67, 233), "unrolled": (563, 1032)})
    assert set(_words(axes)) == {"67", "233", "563", "1032"}


def test_a_healthy_patient_reads_a_triangle_and_one_that_ignores_lengths_reads_padding() -> None:
    read = {}
    for name in ("healthy", "padding-read"):
        panels = draw_signs(new_figure(columns=4)[1], admit(name, 4))
        read[name] = np.asarray(panels[0].images[0].get_array())
    assert np.array_equal(read["healthy"][:3, :3], np.tri(3))
    assert not read["healthy"][:, 3:].any()
    assert np.array_equal(read["padding-read"], np.tri(5))


def test_other_words_get_a_column_of_their_own() -> None:
    axes = draw_confusion(new_figure()[1], np.array([[2, 0, 1], [0, 3, 0]]), ["a", "b"])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "another word"]
    assert sorted(_words(axes)) == ["1", "2", "3"]


def test_every_road_of_the_map_has_a_place_and_a_name() -> None:
    assert PLACES.keys() == ROADS.keys()
    assert set(ROADS) <= set(_words(draw_map(new_figure()[1])))


def test_where_nobody_looks_a_line_stands_for_the_list_of_troubles(capsys, monkeypatch) -> None:
    monkeypatch.setattr("course_lib.plots.speed.somebody_looks", lambda: False)
    patient_chooser(admit, ["healthy"])
    assert "troubles" in capsys.readouterr().out
