"""The figures of N05 show what they claim to show."""

from __future__ import annotations

import numpy as np

from course_lib import lstm_sequence
from course_lib.plots import lstm_internals as plots
from course_lib.plots import new_figure
from course_lib.plots.figure import png
from course_lib.recall import recall_batch, train_recall


def _words(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_the_cell_has_four_networks_two_states_and_three_products() -> None:
    figure, axes = new_figure()
    words = _words(plots.cell_diagram(axes))
    assert {"f: σ", "i: σ", "g: tanh", "o: σ", "$c_{t-1}$", "$h_t$"} <= set(words)
    assert (words.count("×"), words.count("+"), words.count("tanh")) == (3, 1, 1)
    assert png(figure)


def test_every_array_has_its_blocks_in_the_order_of_the_course() -> None:
    figure, axes = new_figure()
    letters = [word for word in _words(plots.layout_blocks(axes, 2, 3)) if len(word) == 1]
    assert letters == list("ifgo") * 3
    assert png(figure)


def test_the_candidate_is_hatched_whatever_it_is_called() -> None:
    _, axes = new_figure()
    plots.gate_orders(axes, {"one": "ijfo", "two": "iofc"})
    assert [bool(patch.get_hatch()) for patch in axes.patches] == [
        letter in "jc" for letter in "ijfoiofc"
    ]


def test_constant_gates_copy_add_up_and_forget() -> None:
    g = np.array([0.5, -0.25, 1.0])
    np.testing.assert_allclose(plots.constant_gates(1, 0, 1, g)[0], g)
    np.testing.assert_allclose(plots.constant_gates(1, 1, 1, g)[0], np.cumsum(g))
    assert not plots.constant_gates(0, 1, 1, g)[0].any()
    assert not plots.constant_gates(1, 1, 0, g)[1].any()


def test_with_nobody_at_the_screen_there_is_a_line_in_place_of_the_sliders(capsys) -> None:
    plots.gate_sliders(np.array([0.5, -0.5]))
    assert "Jupyter" in capsys.readouterr().out


def test_recorded_gates_are_those_of_the_cell() -> None:
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(5, 2)), [rng.normal(size=s) for s in [(2, 12), (3, 12), (12,)]]
    seen = plots.record_gates(x, *weights)
    outputs, h, c = lstm_sequence(x[None], np.zeros((1, 3)), np.zeros((1, 3)), *weights)
    np.testing.assert_allclose(seen["h"], outputs[0])
    np.testing.assert_allclose((seen["h"][-1], seen["c"][-1]), (h[0], c[0]))
    np.testing.assert_allclose(seen["h"], seen["o"] * np.tanh(seen["c"]))


def test_every_value_is_written_into_its_square() -> None:
    figure, axes = new_figure()
    plots.draw_gates(axes, {"a": np.array([1.0, -0.04]), "b": np.array([0.5, -0.5])})
    assert _words(axes) == ["1.0", "0.0", "0.5", "-0.5"]
    assert png(figure)


def test_curves_are_told_apart_without_colour() -> None:
    figure, axes = new_figure()
    plots.draw_curves(axes, {str(n): np.arange(9.0) + n for n in range(5)})
    assert len({line.get_marker() for line in axes.lines}) == 5
    assert png(figure)


def test_a_gradient_survives_where_the_forget_gates_are_open() -> None:
    shut, half, opened = (plots.gradient_norms_back(16, 60, bias)[-1] for bias in (-3, 0, 3))
    assert shut < half < 1e-6 < 0.1 < opened
    assert plots.rnn_gradient_norms_back(16, 60)[-1] < 1e-6


def test_the_baseline_of_the_recall_task_is_one_third() -> None:
    x, y = recall_batch(20_000, 2, np.random.default_rng(0))
    assert abs(np.mean(y**2) - 1 / 3) < 0.01
    assert (x[:, 0, 0] == y).all()


def test_with_an_open_forget_gate_a_short_recall_is_learned_and_repeats_exactly() -> None:
    run, again = (train_recall(1.0, seed=0, time=5, updates=100) for _ in range(2))
    assert run.losses[-10:].mean() < 0.1
    np.testing.assert_array_equal(run.losses, again.losses)


def test_training_curves_stand_beside_their_baseline() -> None:
    figure, axes = new_figure()
    plots.draw_training(axes, {"one": [np.ones(30)], "two": [np.zeros(30)]}, baseline=1 / 3)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["one", "two", "always saying 0"]
    assert png(figure)
