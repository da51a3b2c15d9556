"""Static unrolling, against the function that the seeds call."""

import numpy as np
import pytest
from hypothesis import given, settings

from course_lib import (
    BasicRNNCell,
    count_graph_nodes,
    dynamic_rnn,
    stack_outputs,
    static_rnn,
    tf,
    to_time_list,
)
from course_lib.shapes import ShapeError
from tests.course_lib.witness import FORWARD, GRADIENT, error, sequence_problems, sizes


@given(sizes, sizes, sizes)
def test_cutting_and_stacking_undo_each_other(B, T, D):
    x = np.arange(B * T * D).reshape(B, T, D)
    pieces = to_time_list(x)
    assert len(pieces) == T
    assert all(np.array_equal(piece, x[:, t]) for t, piece in enumerate(pieces))
    np.testing.assert_array_equal(stack_outputs(pieces), x)


def test_the_kind_that_goes_in_comes_out():
    array = np.zeros((2, 3, 4))
    assert isinstance(to_time_list(array)[0], np.ndarray)
    assert isinstance(stack_outputs(to_time_list(array)), np.ndarray)
    assert tf.is_tensor(to_time_list(tf.constant(array))[0])
    assert tf.is_tensor(stack_outputs(to_time_list(tf.constant(array))))
    assert isinstance(to_time_list(array.tolist())[0], np.ndarray)


def test_two_axes_are_not_enough():
    with pytest.raises(ShapeError, match=r"x: has 2 axes.*\(batch, time, features\)"):
        to_time_list(np.zeros((3, 4)))


def test_an_unknown_number_of_steps_cannot_be_cut():
    @tf.function(input_signature=[tf.TensorSpec([2, None, 3])])
    def traced(x):
        return to_time_list(x)[0]

    with pytest.raises(ShapeError, match=r"x: time is unknown"):
        traced.get_concrete_function()


def test_outputs_that_differ_in_shape_are_named():
    with pytest.raises(ShapeError, match=r"ys\[1\]: hidden is 4, expected 5"):
        stack_outputs([np.zeros((2, 5)), np.zeros((2, 4))])
    with pytest.raises(ShapeError, match=r"ys: time is 0"):
        stack_outputs([])
    with pytest.raises(ShapeError, match=r"xs: time is 0"):
        static_rnn(lambda x, h: (h, h), [], np.zeros((2, 5)))


@settings(max_examples=25)  # the full number is in the witness tests
@given(sequence_problems())
def test_it_agrees_with_tensorflow_1_forward_and_backward(p):
    rng, dtype = p["rng"], p["dtype"]
    cell = BasicRNNCell(p["H"], p["D"], seed=1, dtype=dtype)
    x = tf.constant(rng.standard_normal((p["B"], p["T"], p["D"])), dtype)
    h0 = tf.constant(rng.standard_normal((p["B"], p["H"])), dtype)
    weights = tf.constant(rng.standard_normal((p["B"], p["T"], p["H"])), dtype)

    def run(unroll):
        with tf.GradientTape() as tape:
            tape.watch([x, h0])
            outputs, state = unroll()
            loss = tf.reduce_sum(weights * stack_outputs(outputs)) + tf.reduce_sum(state)
        return outputs, state, tape.gradient(loss, [x, h0, *cell.trainable_variables])

    ours = run(lambda: static_rnn(cell, to_time_list(x), h0))
    theirs = run(lambda: tf.compat.v1.nn.static_rnn(cell, tf.unstack(x, axis=1), initial_state=h0))
    assert error(stack_outputs(ours[0]), stack_outputs(theirs[0])) < FORWARD
    assert error(ours[1], theirs[1]) < FORWARD
    for a, b in zip(ours[2], theirs[2], strict=True):
        assert error(a, b) < GRADIENT


def test_numpy_steps_and_nested_states_pass_through(rng):
    def step(x, state):
        total, (count,) = state
        return total + x, (total + x, (count + 1,))

    xs = to_time_list(rng.standard_normal((2, 4, 3)))
    outputs, (total, (count,)) = static_rnn(step, xs, (np.zeros((2, 3)), (0,)))
    np.testing.assert_allclose(outputs[-1], sum(xs))
    np.testing.assert_allclose(total, sum(xs))
    assert count == 4


class TestCountGraphNodes:
    def count(self, T, unroll, gradient=False):
        cell = BasicRNNCell(5, 3)

        def forward(x):
            if unroll == "static":
                return stack_outputs(static_rnn(cell, to_time_list(x), cell.zero_state(2))[0])
            return dynamic_rnn(cell, x)[0]

        def backward(x):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(forward(x))
            return tape.gradient(loss, cell.trainable_variables)

        return count_graph_nodes(backward if gradient else forward, np.ones((2, T, 3), np.float32))

    @pytest.mark.parametrize("gradient", [False, True])
    def test_static_unrolling_grows_by_the_same_number_of_nodes_a_step(self, gradient):
        at = {T: self.count(T, "static", gradient) for T in (5, 10, 20)}
        assert at[20] - at[10] == 2 * (at[10] - at[5]) > 0

    @pytest.mark.parametrize("gradient", [False, True])
    def test_a_loop_does_not_grow(self, gradient):
        assert self.count(5, "dynamic", gradient) == self.count(50, "dynamic", gradient)

    def test_the_loop_s_body_is_counted(self):
        def loop(x, steps_in_body):
            def body(t, y):
                for _ in range(steps_in_body):
                    y = tf.sin(y)
                return t + 1, y

            return tf.while_loop(lambda t, y: t < 3, body, (0, x))[1]

        few = count_graph_nodes(lambda x: loop(x, 1), np.float32(1))
        many = count_graph_nodes(lambda x: loop(x, 11), np.float32(1))
        assert many - few == 10

    def test_a_function_called_twice_counts_once(self):
        inner = tf.function(lambda x: tf.sin(tf.sin(tf.sin(x))), autograph=False)
        once = count_graph_nodes(lambda x: inner(x), np.float32(1))
        twice = count_graph_nodes(lambda x: inner(inner(x)), np.float32(1))
        assert twice - once == 1  # the second call itself

    def test_python_arguments_and_tf_functions_are_taken(self):
        fn = tf.function(lambda x, n: sum(tf.sin(x) for _ in range(n)))
        x = tf.constant(1.0)
        assert count_graph_nodes(fn, x, 5) > count_graph_nodes(fn, x, 2)
