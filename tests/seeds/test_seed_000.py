"""Seed 000: one LSTM, two on top of one another, and five in a MultiRNNCell."""

import numpy as np
import pytest

from course_lib import (
    INPUT_SEQ,
    LSTMCell,
    LSTMStateTuple,
    describe_states,
    dynamic_rnn,
    make_multi_cell,
    stack_parameter_count,
)

BATCH = INPUT_SEQ[np.newaxis]


def test_the_input_is_three_steps_of_two_features():
    assert INPUT_SEQ.shape == (3, 2)
    assert INPUT_SEQ.tolist() == [[1, 2], [2, 3], [3, 4]]


def test_one_cell_has_the_printed_shapes():
    outputs, state = dynamic_rnn(LSTMCell(10, 2), BATCH)
    assert outputs.shape == (1, 3, 10)
    assert [part.shape for part in state] == [(1, 10), (1, 10)]


def test_two_networks_on_top_of_one_another_are_a_stack_of_two():
    first, second = LSTMCell(10, 2, seed=0), LSTMCell(10, 10, seed=1)
    outputs, _ = dynamic_rnn(first, BATCH)
    outputs2, state2 = dynamic_rnn(second, outputs)
    assert outputs2.shape == (1, 3, 10)

    stack = make_multi_cell(10, 2, 2)
    stack.cells = [first, second]
    together, states = dynamic_rnn(stack, BATCH)
    np.testing.assert_allclose(together, outputs2, atol=1e-6)
    np.testing.assert_allclose(states[1].c, state2.c, atol=1e-6)


def test_five_layers_have_the_printed_shapes():
    outputs5, states5 = dynamic_rnn(make_multi_cell(10, 5, 2), BATCH)
    assert outputs5.shape == (1, 3, 10)
    assert len(states5) == 5
    for state in states5:
        assert isinstance(state, LSTMStateTuple)
        assert [part.shape for part in state] == [(1, 10), (1, 10)]


def test_five_layers_have_3880_parameters():
    assert make_multi_cell(10, 5, 2).parameter_count == 3880
    assert stack_parameter_count(2, 10, 5) == 3880


def test_what_the_seed_prints_as_hidden_state_is_the_cell_state():
    outputs, states = dynamic_rnn(make_multi_cell(10, 5, 2), BATCH)
    printed_as_hidden, printed_as_activation = states[-1][0], states[-1][1]
    assert printed_as_hidden is states[-1].c
    np.testing.assert_array_equal(printed_as_activation, outputs[:, -1])
    table = describe_states(states).splitlines()
    assert len(table) == 10
    assert table[0].split() == ["layer", "1", "cell", "state", "c", "(1,", "10)"]


def test_a_stack_of_one_cell_five_times_is_refused():
    from course_lib import MultiRNNCell

    with pytest.raises(ValueError, match=r"would share weights"):
        MultiRNNCell([LSTMCell(10, 10)] * 5)
