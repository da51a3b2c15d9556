"""The slides' cells: what is wrong with them as printed, and that the repaired ones are right."""

import numpy as np
import pytest
from hypothesis import given

from course_lib import (
    gru_step,
    lstm_step,
    repair_slide_gru,
    repair_slide_lstm,
    slide_gru_as_printed,
    slide_lstm_as_printed,
    slide_rnn_cell,
)
from course_lib.shapes import ShapeError
from tests.course_lib.witness import seeds, sizes


def draw_gates(names, rng, D, H):
    return {
        name: (rng.normal(size=(D, H)), rng.normal(size=(H, H)), rng.normal(size=H))
        for name in names
    }


def side_by_side(gates, order):
    """The gates' weights as kernel, recurrent kernel and bias."""
    return [np.concatenate([gates[name][part] for name in order], axis=-1) for part in range(3)]


@given(sizes, sizes, sizes, seeds)
def test_the_repaired_lstm_is_the_lstm_of_the_course(B, D, H, seed):
    rng = np.random.default_rng(seed)
    gates = draw_gates("FIOS", rng, D, H)
    x, h, c = rng.normal(size=(B, D)), rng.normal(size=(B, H)), rng.normal(size=(B, H))
    output, state = repair_slide_lstm(x, h, c, gates)
    expected_h, expected_c = lstm_step(x, h, c, *side_by_side(gates, "IFSO"))
    np.testing.assert_allclose(output, expected_h, atol=1e-12)
    np.testing.assert_allclose(state, expected_c, atol=1e-12)


@given(sizes, sizes, sizes, seeds)
def test_the_repaired_gru_is_the_gru_of_the_course(B, D, H, seed):
    rng = np.random.default_rng(seed)
    gates = draw_gates("URO", rng, D, H)
    x, h = rng.normal(size=(B, D)), rng.normal(size=(B, H))
    expected = gru_step(x, h, *side_by_side(gates, "URO"), reset_after=False)
    np.testing.assert_allclose(repair_slide_gru(x, h, gates), expected, atol=1e-12)


def test_the_printed_lstm_cannot_remember(rng):
    gates = draw_gates("FIOS", rng, 2, 3)
    x, h = rng.normal(size=(4, 2)), rng.normal(size=(4, 3))
    one = slide_lstm_as_printed(x, h, np.zeros((4, 3)), gates)
    other = slide_lstm_as_printed(x, h, np.full((4, 3), 99.0), gates)
    np.testing.assert_array_equal(one[1], other[1])
    np.testing.assert_array_equal(one[0], other[0])
    assert np.abs(repair_slide_lstm(x, h, np.full((4, 3), 99.0), gates)[1]).max() > 1


@pytest.mark.parametrize(
    ("cell", "names", "states"),
    [(slide_lstm_as_printed, "FIOS", 2), (slide_gru_as_printed, "URO", 1)],
)
def test_the_printed_cells_ignore_their_biases(rng, cell, names, states):
    gates = draw_gates(names, rng, 2, 3)
    without = {name: (A, B, np.zeros(3)) for name, (A, B, _) in gates.items()}
    arguments = [rng.normal(size=(4, 2))] + [rng.normal(size=(4, 3))] * states
    np.testing.assert_array_equal(cell(*arguments, gates), cell(*arguments, without))


def test_the_printed_gru_never_uses_its_update_gate(rng):
    gates = draw_gates("URO", rng, 2, 3)
    x, h = rng.normal(size=(4, 2)), rng.normal(size=(4, 3))
    other = gates | draw_gates("U", rng, 2, 3)
    np.testing.assert_array_equal(
        slide_gru_as_printed(x, h, gates), slide_gru_as_printed(x, h, other)
    )


def test_the_basic_cell_puts_out_relu_and_keeps_tanh_of_the_old_state(rng):
    x, state = rng.normal(size=(4, 2)), rng.normal(size=(4, 3))
    Au, Bu, Av, Bv = (rng.normal(size=s) for s in ((2, 5), (3, 5), (2, 3), (3, 3)))
    output, new_state = slide_rnn_cell(x, state, Au, Bu, Av, Bv)
    np.testing.assert_allclose(output, np.maximum(0, x @ Au + state @ Bu))
    np.testing.assert_allclose(new_state, np.tanh(x @ Av + state @ Bv))
    assert output.shape == (4, 5)


def test_a_misfit_is_named(rng):
    gates = draw_gates("FIOS", rng, 2, 3)
    x, h = np.ones((4, 2)), np.ones((4, 3))
    with pytest.raises(ShapeError, match=r"output: batch is 5, expected 4"):
        repair_slide_lstm(x, np.ones((5, 3)), h, gates)
    with pytest.raises(ShapeError, match=r"b of gate O: hidden is 2, expected 3"):
        repair_slide_lstm(x, h, h, gates | {"O": (*gates["O"][:2], np.ones(2))})
    with pytest.raises(ShapeError, match=r"b of gate F: has 2 axes"):  # the slides' own (L, L)
        repair_slide_lstm(x, h, h, gates | {"F": (*gates["F"][:2], np.ones((3, 3)))})
    with pytest.raises(ShapeError, match=r"Bu: outputs is 4, expected 5"):
        slide_rnn_cell(x, h, np.ones((2, 5)), np.ones((3, 4)), np.ones((2, 3)), np.ones((3, 3)))
