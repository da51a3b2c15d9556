"""Stacks of cells and wrappers around them."""

import numpy as np
import pytest

from course_lib import (
    BasicRNNCell,
    DropoutWrapper,
    GRUCell,
    LSTMCell,
    MultiRNNCell,
    ResidualWrapper,
    describe_states,
    dynamic_rnn,
    make_multi_cell,
    multi_rnn_step,
    stack_parameter_count,
    tf,
)
from course_lib.shapes import ShapeError
from tests.course_lib.witness import error


def test_a_stack_in_one_loop_is_layer_after_layer(rng):
    below, above = LSTMCell(4, 3), GRUCell(5, 4)
    x = tf.constant(rng.standard_normal((2, 6, 3)), tf.float32)
    lengths = [6, 2]
    outputs, states = dynamic_rnn(MultiRNNCell([below, above]), x, sequence_length=lengths)
    middle, first = dynamic_rnn(below, x, sequence_length=lengths)
    expected, second = dynamic_rnn(above, middle, sequence_length=lengths)
    assert error(outputs, expected) < 1e-6
    assert error(states[0].c, first.c) < 1e-6
    assert error(states[0].h, first.h) < 1e-6
    assert error(states[1], second) < 1e-6


def test_every_layer_has_weights_of_its_own_and_all_are_trained():
    stack = make_multi_cell(state_dim=4, num_layers=3, input_size=4)
    kernels = [cell.kernel.numpy() for cell in stack.cells]
    assert not np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[1], kernels[2])
    assert len(stack.trainable_variables) == 9
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(stack(tf.ones([2, 4]), stack.zero_state(2))[0])
    assert all(g is not None for g in tape.gradient(loss, stack.trainable_variables))


@pytest.mark.parametrize(("D", "H", "L"), [(2, 10, 5), (1, 4, 3), (4, 4, 1)])
def test_parameters_are_counted(D, H, L):
    assert make_multi_cell(H, L, D).parameter_count == stack_parameter_count(D, H, L)


def test_other_cells_can_be_stacked():
    stack = make_multi_cell(4, 2, 3, make_cell=BasicRNNCell)
    assert stack.state_size == (4, 4)
    assert stack.output_size == 4


def test_one_cell_twice_is_refused():
    cell = LSTMCell(4, 4)
    with pytest.raises(ValueError, match=r"layer 2 is the very cell of layer 1"):
        MultiRNNCell([cell] * 3)


def test_layers_that_do_not_fit_are_named():
    with pytest.raises(ShapeError, match=r"input_size of layer 2 is 3, expected 4"):
        MultiRNNCell([LSTMCell(4, 3), LSTMCell(4, 3)])
    with pytest.raises(ValueError, match=r"dtype of layer 2 is float64, expected float32"):
        MultiRNNCell([LSTMCell(4, 3), LSTMCell(4, 4, dtype=tf.float64)])
    with pytest.raises(ValueError, match=r"layers is 0"):
        MultiRNNCell([])
    with pytest.raises(ShapeError, match=r"states: layers is 1, expected 2"):
        multi_rnn_step([LSTMCell(4, 3), LSTMCell(4, 4)], tf.ones([2, 3]), [None])
    with pytest.raises(ValueError, match=r"num_layers: is 0"):
        make_multi_cell(4, 0, 3)


def test_states_are_described_with_the_right_names():
    stack = make_multi_cell(10, 2, 2)
    lines = describe_states(stack.zero_state(1)).splitlines()
    assert lines[0] == "layer 1  cell state c    (1, 10)"
    assert lines[3] == "layer 2  hidden state h  (1, 10)"
    assert describe_states([np.zeros((1, 3))]) == "layer 1  hidden state h  (1, 3)"


def test_a_residual_cell_adds_its_input_and_leaves_the_state(rng):
    cell = LSTMCell(4, 4)
    x = tf.constant(rng.standard_normal((2, 4)), tf.float32)
    plain, state = cell(x, cell.zero_state(2))
    output, same = ResidualWrapper(cell)(x, cell.zero_state(2))
    np.testing.assert_array_equal(output, x + plain)
    np.testing.assert_array_equal(state.h, same.h)
    with pytest.raises(ShapeError, match=r"cell: output_size is 5, expected 4"):
        ResidualWrapper(LSTMCell(5, 4))


class TestDropout:
    def run(self, **rates):
        cell = BasicRNNCell.from_weights(
            np.eye(400, dtype="f"), 0.1 * np.eye(400, dtype="f"), np.zeros(400, "f")
        )
        wrapper = DropoutWrapper(cell, **rates)
        x = tf.ones([5, 7, 400])
        return cell, wrapper, x, dynamic_rnn(wrapper, x)

    def test_outputs_are_dropped_and_the_others_scaled(self):
        cell, _, x, (outputs, _) = self.run(rate=0.25)
        plain, _ = dynamic_rnn(cell, x)
        dropped = outputs.numpy() == 0
        assert abs(dropped.mean() - 0.25) < 0.02
        np.testing.assert_allclose(outputs.numpy()[~dropped], plain.numpy()[~dropped] / 0.75, 1e-6)

    def test_masks_are_new_at_every_step(self):
        *_, (outputs, _) = self.run(rate=0.5)
        dropped = outputs.numpy() == 0
        assert not any(np.array_equal(dropped[:, t], dropped[:, t + 1]) for t in range(6))

    def test_the_state_is_never_dropped(self):
        cell, _, x, (_, state) = self.run(rate=0.5)
        np.testing.assert_array_equal(state, dynamic_rnn(cell, x)[1])

    def test_inputs_can_be_dropped_too(self):
        _, _, _, (outputs, state) = self.run(rate=0.0, input_rate=0.5)
        assert 0.4 < np.mean(np.abs(state.numpy()) < 0.2) < 0.6
        assert outputs.shape == (5, 7, 400)

    def test_switching_it_off_reaches_a_traced_graph(self):
        cell, wrapper, x, _ = self.run(rate=0.5)
        traced = tf.function(lambda x: dynamic_rnn(wrapper, x)[0])
        assert (traced(x).numpy() == 0).any()
        wrapper.training.assign(False)
        np.testing.assert_allclose(traced(x), dynamic_rnn(cell, x)[0], atol=1e-6)

    def test_one_seed_gives_one_draw(self):
        outputs = [self.run(rate=0.5, seed=seed)[3][0] for seed in (3, 3, 4)]
        np.testing.assert_array_equal(outputs[0], outputs[1])
        assert error(outputs[0], outputs[2]) > 0

    def test_bad_rates_are_refused(self):
        with pytest.raises(ValueError, match=r"rate: is 1, expected at least 0 and less than 1"):
            DropoutWrapper(LSTMCell(2, 2), rate=1)

    def test_the_switch_is_not_trained(self):
        wrapper = DropoutWrapper(LSTMCell(4, 3), rate=0.5)
        assert wrapper.parameter_count == LSTMCell(4, 3).parameter_count
