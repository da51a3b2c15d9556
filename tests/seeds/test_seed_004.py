"""Seed 004: a network of five neurons, unrolled over two steps by hand."""

import numpy as np
import pytest

from course_lib import (
    X0_BATCH,
    X1_BATCH,
    Y0_PRINTED,
    Y1_PRINTED,
    BasicRNNCell,
    concat_kernel,
    dynamic_rnn,
    recover_wx,
    rnn_step,
    stack_outputs,
    static_rnn,
    tf,
    to_time_list,
)

Wx, b = recover_wx(X0_BATCH, Y0_PRINTED), np.zeros(5)
BOTH = np.stack([X0_BATCH, X1_BATCH], axis=1)


def recovered_wh():
    """One of many matrices that give Y1: least squares over the entries that are known well enough.

    Column by column, `arctanh(y1) - x1 Wx = y0 Wh`; four instances for five unknowns.
    """
    Wh = np.zeros((5, 5))
    for k in range(5):
        known = np.abs(Y1_PRINTED[:, k]) < 1  # one output prints as 1
        target = np.arctanh(Y1_PRINTED[known, k]) - X1_BATCH[known] @ Wx[:, k]
        Wh[:, k] = np.linalg.lstsq(Y0_PRINTED[known], target, rcond=None)[0]
    return Wh


def test_the_recovered_weights_print_y0():
    y0 = rnn_step(X0_BATCH, np.zeros((4, 5)), Wx, np.zeros((5, 5)), b)
    np.testing.assert_allclose(y0, Y0_PRINTED, atol=1e-4)


def test_the_recovered_weights_lie_within_glorot_s_limits():
    limit = np.sqrt(6 / (3 + 5))
    assert np.abs(Wx).max() < limit
    # Of the code that is printed, N(0, 1), fifteen draws within the limit happen once in 1,500.
    inside = 0.6135  # P(|N(0, 1)| < 0.866)
    assert inside**15 < 1 / 1000


def test_a_recurrent_matrix_that_prints_y1_exists_but_not_one_alone():
    Wh = recovered_wh()
    y1 = rnn_step(X1_BATCH, Y0_PRINTED, Wx, Wh, b)
    np.testing.assert_allclose(y1, Y1_PRINTED, atol=1e-4)
    assert np.linalg.matrix_rank(Y0_PRINTED) == 4
    _, _, V = np.linalg.svd(Y0_PRINTED)
    other = Wh + np.outer(V[4], np.ones(5))  # what Y0 cannot see may be added
    np.testing.assert_allclose(rnn_step(X1_BATCH, Y0_PRINTED, Wx, other, b), y1, atol=1e-6)


def test_instance_1_is_all_zeros_at_t_1_so_only_the_state_speaks():
    assert not X1_BATCH[1].any()
    y1 = rnn_step(X1_BATCH, Y0_PRINTED, Wx, recovered_wh(), b)[1]
    np.testing.assert_allclose(y1, np.tanh(Y0_PRINTED[1] @ recovered_wh()), atol=1e-12)
    np.testing.assert_allclose(y1, Y1_PRINTED[1], atol=1e-6)


@pytest.fixture
def cell():
    return BasicRNNCell.from_weights(Wx, recovered_wh(), b)


def test_static_unrolling_prints_both_outputs(cell):
    outputs, last = static_rnn(cell, to_time_list(tf.constant(BOTH, tf.float64)), np.zeros((4, 5)))
    np.testing.assert_allclose(outputs[0], Y0_PRINTED, atol=1e-4)
    np.testing.assert_allclose(outputs[1], Y1_PRINTED, atol=2e-4)
    np.testing.assert_array_equal(last, outputs[1])  # "the final state is equal to the last output"
    assert stack_outputs(outputs).shape == (4, 2, 5)


def test_dynamic_unrolling_prints_the_same(cell):
    outputs, _ = dynamic_rnn(cell, tf.constant(BOTH, tf.float64))
    np.testing.assert_allclose(outputs[:, 0], Y0_PRINTED, atol=1e-4)
    np.testing.assert_allclose(outputs[:, 1], Y1_PRINTED, atol=2e-4)


def test_shorter_sequences_end_earlier(cell):
    outputs, state = dynamic_rnn(cell, tf.constant(BOTH, tf.float64), sequence_length=[2, 1, 2, 2])
    assert not outputs.numpy()[1, 1].any()
    np.testing.assert_allclose(state[1], Y0_PRINTED[1], atol=1e-4)


def test_the_cell_of_the_second_listing_has_one_kernel_and_so_is_not_the_exact_same_model():
    assert concat_kernel(Wx, np.eye(5)).shape == (8, 5)
