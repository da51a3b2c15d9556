"""Both directions; the comparison with TensorFlow 1 is in the witness tests."""

import numpy as np
import pytest
from hypothesis import given

from course_lib import (
    GRUCell,
    bidirectional_dynamic_rnn,
    dynamic_rnn,
    many_to_one,
    reverse_sequences,
    tf,
)
from course_lib.shapes import LengthError, ShapeError
from tests.course_lib.witness import error, sequence_problems


@given(sequence_problems())
def test_reversing_agrees_with_a_loop_and_undoes_itself(p):
    x = p["rng"].standard_normal((p["B"], p["T"], p["D"]))
    lengths = p["lengths"]
    expected = x.copy()
    for b in range(p["B"]):
        n = p["T"] if lengths is None else lengths[b]
        expected[b, :n] = x[b, :n][::-1]
    np.testing.assert_array_equal(reverse_sequences(x, lengths), expected)
    np.testing.assert_array_equal(reverse_sequences(tf.constant(x), lengths), expected)
    np.testing.assert_array_equal(reverse_sequences(reverse_sequences(x, lengths), lengths), x)


def test_reversing_keeps_the_kind_and_the_argument():
    x = np.arange(6).reshape(2, 3)
    copy = x.copy()
    reverse_sequences(x)[:] = 0
    np.testing.assert_array_equal(x, copy)
    assert isinstance(reverse_sequences(x, [1, 2]), np.ndarray)
    assert tf.is_tensor(reverse_sequences(tf.constant(x), [1, 2]))


def run(x, lengths, time_major=False):
    cells = GRUCell(4, 2, seed=1), GRUCell(3, 2, seed=2)
    return bidirectional_dynamic_rnn(*cells, x, sequence_length=lengths, time_major=time_major)


def test_an_output_depends_on_the_past_forwards_and_on_the_future_backwards(rng):
    x = tf.constant(rng.standard_normal((1, 5, 2)), tf.float32)
    for direction, earlier, later in ((0, True, False), (1, False, True)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            middle = tf.reduce_sum(run(x, None)[0][direction][:, 2])
        moved = np.abs(tape.gradient(middle, x).numpy()[0]).sum(axis=1) > 0
        assert moved.tolist() == [earlier, earlier, True, later, later]


def test_padding_is_seen_by_neither_direction(rng):
    x = rng.standard_normal((2, 5, 2)).astype(np.float32)
    (fw, bw), (state_fw, state_bw) = run(x, [3, 5])
    (short_fw, short_bw), (short_state_fw, short_state_bw) = run(x[:1, :3], None)
    for long, short in ((fw, short_fw), (bw, short_bw)):
        assert error(long[:1, :3], short) < 1e-6
        assert not long.numpy()[0, 3:].any()
    assert error(state_fw[:1], short_state_fw) < 1e-6
    assert error(state_bw[:1], short_state_bw) < 1e-6


def test_time_major_is_the_same_transposed(rng):
    x = rng.standard_normal((2, 5, 2)).astype(np.float32)
    usual, _ = run(x, [3, 5])
    turned, _ = run(x.swapaxes(0, 1), [3, 5], time_major=True)
    for a, b in zip(usual, turned, strict=True):
        assert error(a, np.swapaxes(b, 0, 1)) < 1e-6


def test_it_works_in_a_graph_with_unknown_sizes(rng):
    cells = GRUCell(4, 2, seed=1), GRUCell(3, 2, seed=2)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 2]), tf.TensorSpec([None], tf.int32)])
    def traced(x, lengths):
        (fw, bw), _ = bidirectional_dynamic_rnn(*cells, x, sequence_length=lengths)
        return many_to_one(fw, bw, lengths)

    x = rng.standard_normal((2, 5, 2)).astype(np.float32)
    (fw, bw), (state_fw, state_bw) = run(x, [3, 5])
    together = traced(x, [3, 5])
    assert error(together, many_to_one(fw, bw, [3, 5])) < 1e-6
    assert error(together, np.concatenate([state_fw, state_bw], axis=1)) < 1e-6


def test_the_very_same_cell_in_both_directions_is_refused():
    cell = GRUCell(4, 2)
    with pytest.raises(ValueError, match=r"step_bw: is the very cell of step_fw"):
        bidirectional_dynamic_rnn(cell, cell, tf.ones([1, 2, 2]))


def test_bad_arguments_are_named():
    with pytest.raises(LengthError, match=r"lengths: sequence 0 of the batch has length 4"):
        reverse_sequences(np.ones((2, 3)), [4, 1])
    with pytest.raises(ShapeError, match=r"x: has 1 axes"):
        reverse_sequences(np.ones(3), [1])
    with pytest.raises(LengthError, match=r"length 0, expected at least 1"):
        many_to_one(np.ones((1, 2, 3)), np.ones((1, 2, 3)), [0])
    with pytest.raises(LengthError, match=r"sequence_length"):
        dynamic_rnn(GRUCell(4, 2), tf.ones([1, 2, 2]), sequence_length=[3])
