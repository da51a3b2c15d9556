"""What the figures of notebook 1 claim is so."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.detective import recover_wx
from course_lib.plots import new_figure, unrolling
from course_lib.plots.figure import png
from course_lib.seeds_data import X0_BATCH, X1_BATCH, Y0_PRINTED, Y1_PRINTED


def test_with_shared_weights_the_answer_to_a_later_pulse_is_the_same_answer_later() -> None:
    answers = unrolling.pulse_responses((2, 9), 18, shared=True, rng=np.random.default_rng(1))
    np.testing.assert_allclose(answers[2][:11], answers[9][7:])


def test_with_separate_weights_it_is_another_answer() -> None:
    answers = unrolling.pulse_responses((2, 9), 18, shared=False, rng=np.random.default_rng(1))
    assert np.abs(answers[2][:11] - answers[9][7:]).max() > 0.5


def test_two_different_recurrent_matrices_reproduce_the_printed_outputs() -> None:
    Wx = recover_wx(X0_BATCH, Y0_PRINTED)
    one, other = unrolling.two_recurrent_matrices(Wx, X1_BATCH, Y0_PRINTED, Y1_PRINTED)
    for Wh in (one, other):
        again = np.tanh(X1_BATCH @ Wx + Y0_PRINTED @ Wh)
        np.testing.assert_allclose(again, Y1_PRINTED, atol=5e-7)
    assert np.abs(one - other).max() > 0.5
    assert np.abs(one).max() < np.sqrt(6 / 13)  # within the limit of the kernel (8, 5)


def test_saturated_outputs_are_counted_over_both_steps() -> None:
    large = (np.full((3, 5), 9.0), np.zeros((5, 5)), np.zeros(5))
    x = np.ones((4, 3))
    assert unrolling.count_saturated(lambda: large, x, x, times=3).tolist() == [40, 40, 40]


SUMS = np.linspace(-9, 9, 20).reshape(4, 5)


@pytest.mark.parametrize(
    "draw",
    [
        unrolling.folded_network,
        lambda axes: unrolling.unrolled_network(axes, steps=3),
        unrolling.tanh_curve,
        lambda axes: unrolling.sums_by_instance(axes, SUMS, highlight=1),
        lambda axes: unrolling.parameter_growth(axes, 3, 5, 20),
        lambda axes: unrolling.pulse_response(axes, {2: SUMS[0]}, "one pulse"),
        unrolling.precision_of_arctanh,
        lambda axes: unrolling.line_up(axes, SUMS, {"normal": np.inf, "uniform": 0.5}),
        lambda axes: unrolling.matrix(axes, SUMS, "a matrix"),
    ],
)
def test_a_figure_is_drawn_on_the_axes_that_it_is_given_and_returns_them(draw) -> None:
    figure, axes = new_figure()
    assert draw(axes) is axes
    assert png(figure).startswith(b"\x89PNG")
