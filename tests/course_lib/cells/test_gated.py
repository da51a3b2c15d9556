"""LSTM, peephole LSTM, layer-normalised LSTM and GRU: by hand and in TensorFlow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import (
    GRUCell,
    LayerNormLSTMCell,
    LSTMCell,
    LSTMStateTuple,
    PeepholeLSTMCell,
    dynamic_rnn,
    gru_parameter_count,
    gru_step,
    gru_step_tf,
    layer_norm_lstm_step,
    lstm_parameter_count,
    lstm_sequence,
    lstm_step,
    lstm_step_tf,
    peephole_step,
    reorder_gates,
    sigmoid,
    tf,
)
from course_lib.shapes import DTypeError, ShapeError
from tests.course_lib.witness import FORWARD, dtypes, error, seeds, sizes


def draw(seed, dtype, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def lstm_arguments(B, D, H, seed=0, dtype=np.float64):
    return draw(seed, dtype, (B, D), (B, H), (B, H), (D, 4 * H), (H, 4 * H), (4 * H,))


def gru_arguments(B, D, H, reset_after, seed=0, dtype=np.float64):
    bias = (2, 3 * H) if reset_after else (3 * H,)
    return draw(seed, dtype, (B, D), (B, H), (D, 3 * H), (H, 3 * H), bias)


def logistic(z):
    return 1 / (1 + np.exp(-z))


@given(sizes, sizes, sizes, seeds)
def test_an_lstm_step_computes_each_entry_by_the_formula(B, D, H, seed):
    x, h, c, kernel, recurrent, bias = lstm_arguments(B, D, H, seed)
    new_h, new_c = lstm_step(x, h, c, kernel, recurrent, bias)
    for n in range(B):
        for k in range(H):
            i, f, g, o = (
                x[n] @ kernel[:, gate * H + k] + h[n] @ recurrent[:, gate * H + k]
                + bias[gate * H + k]
                for gate in range(4)
            )  # fmt: skip
            cell = logistic(f) * c[n, k] + logistic(i) * np.tanh(g)
            assert new_c[n, k] == pytest.approx(cell, abs=1e-12)
            assert new_h[n, k] == pytest.approx(logistic(o) * np.tanh(cell), abs=1e-12)


@given(sizes, sizes, sizes, seeds, st.booleans())
def test_a_gru_step_computes_each_instance_by_the_formula(B, D, H, seed, reset_after):
    x, h, kernel, recurrent, bias = gru_arguments(B, D, H, reset_after, seed)
    K, R = kernel.reshape(D, 3, H), recurrent.reshape(H, 3, H)
    b = bias.reshape(-1, 3, H)
    from_x = np.einsum("bd,dgh->gbh", x, K) + b[0][:, np.newaxis]
    from_h = np.einsum("bk,kgh->gbh", h, R) + (b[1][:, np.newaxis] if reset_after else 0)
    z, r = logistic(from_x[0] + from_h[0]), logistic(from_x[1] + from_h[1])
    g = np.tanh(from_x[2] + (r * from_h[2] if reset_after else (r * h) @ R[:, 2]))
    expected = z * h + (1 - z) * g
    np.testing.assert_allclose(
        gru_step(x, h, kernel, recurrent, bias, reset_after), expected, atol=1e-12
    )


@given(sizes, sizes, sizes, seeds, dtypes, st.booleans())
def test_both_libraries_agree(B, D, H, seed, dtype, reset_after):
    arguments = lstm_arguments(B, D, H, seed, dtype)
    for ours, theirs in zip(lstm_step(*arguments), lstm_step_tf(*arguments), strict=True):
        assert ours.dtype == dtype == theirs.dtype.as_numpy_dtype
        assert error(ours, theirs) < FORWARD

    arguments = gru_arguments(B, D, H, reset_after, seed, dtype)
    ours, theirs = gru_step(*arguments, reset_after), gru_step_tf(*arguments, reset_after)
    assert ours.dtype == dtype == theirs.dtype.as_numpy_dtype
    assert error(ours, theirs) < FORWARD

    x, h, c, *weights = lstm_arguments(B, D, H, seed, dtype)
    (peepholes,) = draw(seed + 1, dtype, (3, H))
    cell = PeepholeLSTMCell.from_weights(*weights, peepholes)
    _, state = cell(x, LSTMStateTuple(c=c, h=h))
    new_h, new_c = peephole_step(x, h, c, *weights, peepholes)
    assert error(new_h, state.h) < FORWARD
    assert error(new_c, state.c) < FORWARD

    gains = draw(seed + 2, dtype, (4 * H,), (4 * H,), (H,), (H,))
    cell = LayerNormLSTMCell.from_weights(*weights, *gains)
    _, state = cell(x, LSTMStateTuple(c=c, h=h))
    new_h, new_c = layer_norm_lstm_step(x, h, c, *weights, *gains)
    # Two features nearly alike are divided by almost nothing, which magnifies float32's rounding.
    limit = 1e-2 if dtype == np.float32 else 1e-9
    assert error(new_h, state.h) < limit
    assert error(new_c, state.c) < limit


def test_a_peephole_step_without_peepholes_is_an_lstm_step():
    arguments = lstm_arguments(3, 2, 5)
    for a, b in zip(
        peephole_step(*arguments, np.zeros((3, 5))), lstm_step(*arguments), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-14)


def test_the_output_gate_peeps_at_the_new_cell_state():
    zero, w = np.zeros((1, 1)), np.zeros((1, 4))
    bias = np.array([100.0, -100.0, 100.0, 0.0])  # write 1 into the cell, forget what it held
    h, c = peephole_step(zero, zero, zero + 9, w, w, bias, [[0.0], [0.0], [2.0]])
    assert c[0, 0] == pytest.approx(1)
    assert h[0, 0] == pytest.approx(logistic(2) * np.tanh(1))


def test_layer_normalisation_lets_no_instance_see_another():
    x, h, c, *weights = lstm_arguments(3, 2, 5)
    gains = [np.ones(20), np.ones(20), np.ones(5), np.zeros(5)]
    together, _ = layer_norm_lstm_step(x, h, c, *weights, *gains)
    alone, _ = layer_norm_lstm_step(x[:1], h[:1], c[:1], *weights, *gains)
    np.testing.assert_allclose(together[:1], alone, atol=1e-14)


@given(sizes, sizes, sizes, sizes, seeds)
def test_a_sequence_is_its_steps_and_agrees_with_dynamic_rnn(B, T, D, H, seed):
    (x,) = draw(seed, np.float64, (B, T, D))
    _, h0, c0, *weights = lstm_arguments(B, D, H, seed)
    outputs, h, c = lstm_sequence(x, h0, c0, *weights)
    expected, state = dynamic_rnn(LSTMCell.from_weights(*weights), x, LSTMStateTuple(c0, h0))
    assert error(outputs, expected) < 1e-10
    assert error(h, state.h) < 1e-10
    assert error(c, state.c) < 1e-10
    np.testing.assert_array_equal(outputs[:, -1], h)


def test_steps_leave_their_arguments_unchanged():
    for step, arguments in (
        (lstm_step, lstm_arguments(2, 3, 4)),
        (lambda *a: gru_step(*a, True), gru_arguments(2, 3, 4, True)),
        (lambda *a: gru_step(*a, False), gru_arguments(2, 3, 4, False)),
    ):
        copies = [a.copy() for a in arguments]
        step(*arguments)
        for array, copy in zip(arguments, copies, strict=True):
            np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("D", [1, 2, 7])
@pytest.mark.parametrize("H", [1, 5])
def test_parameter_counts_are_those_of_the_cells_and_of_keras(D, H):
    def keras_count(layer):
        layer.build((None, None, D))
        return layer.count_params()

    lstm = lstm_parameter_count(D, H)
    assert lstm == LSTMCell(H, D).parameter_count == keras_count(tf.keras.layers.LSTM(H))
    for reset_after in (False, True):
        layer = tf.keras.layers.GRU(H, reset_after=reset_after)
        gru = gru_parameter_count(D, H, reset_after)
        assert gru == GRUCell(H, D, reset_after=reset_after).parameter_count == keras_count(layer)
    assert PeepholeLSTMCell(H, D).parameter_count == lstm + 3 * H
    assert LayerNormLSTMCell(H, D).parameter_count == lstm + 2 * 4 * H + 2 * H


def test_the_forget_gate_starts_open_and_the_other_biases_at_zero():
    bias = LSTMCell(3, 2, forget_bias=2.5).bias.numpy().reshape(4, 3)
    assert bias[1].tolist() == [2.5] * 3
    assert not bias[[0, 2, 3]].any()


def test_the_state_names_its_parts_and_says_its_sizes():
    cell = LSTMCell(4, 3)
    assert cell.state_size == LSTMStateTuple(c=4, h=4)
    zero = cell.zero_state(2)
    assert (zero.c.shape, zero.h.shape) == ((2, 4), (2, 4))
    output, state = cell(tf.ones([2, 3]), zero)
    np.testing.assert_array_equal(output, state.h)


class TestReorderGates:
    def test_columns_move_in_blocks(self):
        w = np.arange(16).reshape(2, 8)
        assert reorder_gates(w, "ijfo", "ifgo")[0].tolist() == [0, 1, 4, 5, 2, 3, 6, 7]

    @given(st.permutations("ifgo"), st.permutations("ifgo"), sizes, seeds)
    def test_there_and_back_changes_nothing(self, one, other, H, seed):
        (w,) = draw(seed, np.float64, (3, 4 * H))
        np.testing.assert_array_equal(reorder_gates(reorder_gates(w, one, other), other, one), w)

    def test_what_is_no_order_of_the_same_gates_is_refused(self):
        with pytest.raises(ValueError, match=r"order_to: is ifg, expected the gates of order_from"):
            reorder_gates(np.ones(8), "ijfo", "ifg")
        with pytest.raises(ValueError, match=r"order_to"):
            reorder_gates(np.ones(8), "iifo", "iifo")
        with pytest.raises(ShapeError, match=r"expected columns in 4 equal blocks"):
            reorder_gates(np.ones(6))


@pytest.mark.parametrize("step", [lstm_step, lstm_step_tf])
@pytest.mark.parametrize(
    ("changed", "shape", "words"),
    [
        (0, (2, 4), r"x: features is 4, expected 3 \(the rows of kernel\)"),
        (1, (1, 5), r"h: batch is 1, expected 2 \(x has batch 2\)"),
        (2, (2, 4), r"c: hidden is 4, expected 5 \(the rows of recurrent_kernel\)"),
        (3, (3, 18), r"kernel: columns is 18, expected a multiple of 4"),
        (4, (4, 20), r"recurrent_kernel: hidden is 4, expected 5"),
        (5, (5,), r"bias: columns is 5, expected 20"),
    ],
)
def test_a_misfit_names_the_argument_and_the_axis(step, changed, shape, words):
    arguments = lstm_arguments(2, 3, 5)
    arguments[changed] = np.zeros(shape)
    with pytest.raises(ShapeError, match=words):
        step(*arguments)


@pytest.mark.parametrize("step", [gru_step, gru_step_tf])
def test_a_bias_for_the_other_kind_of_gru_is_refused(step):
    with pytest.raises(ShapeError, match=r"bias: has 2 axes, shape \(2, 15\), expected 1"):
        step(*gru_arguments(2, 3, 5, True), reset_after=False)
    with pytest.raises(ShapeError, match=r"bias: has 1 axes, shape \(15,\), expected 2"):
        step(*gru_arguments(2, 3, 5, False), reset_after=True)


def test_other_bad_arguments_are_named():
    x, h, c, *weights = lstm_arguments(2, 3, 5)
    with pytest.raises(ValueError, match=r"h: is NaN at batch 0, hidden 0"):
        lstm_step(x, h * np.nan, c, *weights)
    with pytest.raises(DTypeError, match=r"c: dtype is float32, expected float64"):
        lstm_step_tf(x, h, tf.constant(c, tf.float32), *weights)
    with pytest.raises(ShapeError, match=r"peepholes: gates is 4, expected 3"):
        peephole_step(x, h, c, *weights, np.ones((4, 5)))
    with pytest.raises(ShapeError, match=r"gain_h: columns is 5, expected 20"):
        layer_norm_lstm_step(x, h, c, *weights, *map(np.ones, (20, 5, 5, 5)))
    with pytest.raises(ShapeError, match=r"bias: columns is 5"):
        LSTMCell.from_weights(*weights[:2], np.ones(5))
    with pytest.raises(ShapeError, match=r"bias"):
        GRUCell.from_weights(np.ones((3, 15)), np.ones((5, 15)), np.ones(15), reset_after=True)


def test_the_sigmoid_never_overflows():
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
