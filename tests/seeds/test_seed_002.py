"""Seed 002: three layers of LSTM learn to repeat the bits of three steps ago."""

import numpy as np
import pytest

from course_lib import (
    EchoNetwork,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    evaluate,
    make_echo,
    make_multi_cell,
    pack_state,
    run_epoch,
    stack_outputs,
    static_rnn,
    tf,
    to_time_list,
    unpack_state,
    windows,
)

LENGTH, BATCH, DELAY, T, UNITS, LAYERS = 50_000, 5, 3, 15, 4, 3


@pytest.fixture(scope="module")
def trained():
    """The seed's network after two epochs over the seed's series, and the losses."""
    x, y = make_echo(LENGTH, BATCH, DELAY, np.random.default_rng(0))
    network = EchoNetwork(UNITS, LAYERS, learning_rate=0.3)
    return network, [run_epoch(network, x, y, carry=True, T=T) for _ in range(2)]


def test_the_window_is_unrolled_over_15_steps_of_shape_5_by_4():
    cell = make_multi_cell(UNITS, LAYERS, input_size=1)
    outputs, state = static_rnn(cell, to_time_list(tf.zeros([BATCH, T, 1])), cell.zero_state(BATCH))
    assert len(outputs) == 15
    assert all(output.shape == (5, 4) for output in outputs)
    assert [type(layer) for layer in state] == [LSTMStateTuple] * 3
    assert all(part.shape == (5, 4) for layer in state for part in layer)


def test_the_outputs_are_the_hidden_states_of_the_last_layer():
    cell = make_multi_cell(UNITS, LAYERS, input_size=1)
    outputs, state = static_rnn(cell, to_time_list(tf.ones([BATCH, T, 1])), cell.zero_state(BATCH))
    np.testing.assert_array_equal(stack_outputs(outputs)[:, -1], state[2].h)


def test_the_whole_state_fits_into_one_tensor():
    state = make_multi_cell(UNITS, LAYERS, input_size=1).zero_state(BATCH)
    packed = pack_state(state)
    assert packed.shape == (LAYERS, 2, BATCH, UNITS)
    for layer, again in zip(state, unpack_state(packed), strict=True):
        np.testing.assert_array_equal(layer.c, again.c)
        np.testing.assert_array_equal(layer.h, again.h)


def test_every_column_is_used_not_9990_of_10000():
    x, y = make_echo(LENGTH, BATCH, DELAY, np.random.default_rng(0))
    assert x.shape == (5, 10_000)
    assert sum(part.shape[1] for part, _ in windows(x, y, T)) == 10_000
    assert LENGTH // BATCH // T * T == 9_990  # what the seed's num_batches covers


def test_the_seed_s_flat_roll_makes_12_labels_that_nobody_can_know():
    bits = np.random.default_rng(0).integers(0, 2, LENGTH)
    rolled = np.roll(bits, DELAY)
    rolled[:DELAY] = 0
    from_elsewhere = rolled.reshape(BATCH, -1)[1:, :DELAY]
    assert from_elsewhere.size == 12
    np.testing.assert_array_equal(from_elsewhere, bits.reshape(BATCH, -1)[:-1, -DELAY:])


def test_one_cell_three_times_would_share_its_weights():
    with pytest.raises(ValueError, match=r"would share weights"):
        MultiRNNCell([LSTMCell(UNITS, UNITS)] * LAYERS)


def test_the_echo_is_learned_to_a_cost_under_a_hundredth_within_two_epochs(trained):
    _, (_, second) = trained
    assert second[-100:].mean() < 0.01


def test_it_also_holds_on_a_fresh_series(trained):
    network, _ = trained
    x, y = make_echo(5_000, BATCH, DELAY, np.random.default_rng(99))
    loss, accuracy = evaluate(network, x, y, carry=True, T=T)
    assert loss < 0.03
    assert accuracy.min() > 0.98  # the zeros before the echo sets in are rare in training
