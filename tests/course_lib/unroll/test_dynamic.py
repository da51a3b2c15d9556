"""The loop, against the function that the seeds call."""

import numpy as np
import pytest
from hypothesis import given, settings

from course_lib import BasicRNNCell, batch_to_time_major, dynamic_rnn, tf
from course_lib.shapes import DTypeError, LengthError, ShapeError
from tests.course_lib.witness import FORWARD, GRADIENT, error, sequence_problems


def both(p, time_major=False, graph=False):
    """Ours and TensorFlow 1's outputs, final state and gradients on one generated problem."""
    rng, dtype = p["rng"], p["dtype"]
    cell = BasicRNNCell(p["H"], p["D"], seed=1, dtype=dtype)
    steps = (p["T"], p["B"]) if time_major else (p["B"], p["T"])
    x = tf.constant(rng.standard_normal((*steps, p["D"])), dtype)
    h0 = tf.constant(rng.standard_normal((p["B"], p["H"])), dtype)
    weights = tf.constant(rng.standard_normal((*steps, p["H"])), dtype)

    def measure(unroll):
        def run(x, h0):
            with tf.GradientTape() as tape:
                tape.watch([x, h0])
                outputs, state = unroll(x, h0)
                loss = tf.reduce_sum(weights * outputs) + tf.reduce_sum(state**2)
            return outputs, state, *tape.gradient(loss, [x, h0, *cell.trainable_variables])

        return (tf.function(run) if graph else run)(x, h0)

    ours = measure(
        lambda x, h0: dynamic_rnn(cell, x, h0, sequence_length=p["lengths"], time_major=time_major)
    )
    theirs = measure(
        lambda x, h0: tf.compat.v1.nn.dynamic_rnn(
            cell, x, initial_state=h0, sequence_length=p["lengths"], time_major=time_major
        )
    )
    return ours, theirs


def assert_agreement(ours, theirs):
    for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert error(a, b) < (FORWARD if number < 2 else GRADIENT)


@settings(max_examples=25)  # the full number is in the witness tests
@given(sequence_problems())
def test_it_agrees_with_tensorflow_1_forward_and_backward(p):
    assert_agreement(*both(p))


@settings(max_examples=25)  # the full number is in the witness tests
@given(sequence_problems())
def test_it_agrees_with_tensorflow_1_time_major(p):
    assert_agreement(*both(p, time_major=True))


@pytest.mark.parametrize("lengths", [None, [3, 0, 4, 1]])
def test_it_agrees_with_tensorflow_1_inside_a_graph(rng, lengths):
    p = {"B": 4, "T": 4, "D": 2, "H": 3, "lengths": lengths, "dtype": np.float32, "rng": rng}
    assert_agreement(*both(p, graph=True))


def running_sum(x, total):
    return total + x, total + x


def test_outputs_past_the_end_are_zero():
    outputs, _ = dynamic_rnn(running_sum, tf.ones([3, 4, 1]), tf.ones([3, 1]), [4, 2, 0])
    assert outputs.numpy()[:, :, 0].tolist() == [[2, 3, 4, 5], [2, 3, 0, 0], [0, 0, 0, 0]]


def test_state_is_frozen_past_the_end_of_a_sequence():
    _, state = dynamic_rnn(running_sum, tf.ones([3, 4, 1]), tf.ones([3, 1]), [4, 2, 0])
    assert state.numpy()[:, 0].tolist() == [5, 3, 1]


def test_padding_has_no_influence_and_no_gradient(rng):
    cell = BasicRNNCell(3, 2)
    x = tf.constant(rng.standard_normal((2, 5, 2)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs, state = dynamic_rnn(cell, x, sequence_length=[2, 5])
        loss = tf.reduce_sum(outputs) + tf.reduce_sum(state)
    gradient = tape.gradient(loss, x).numpy()
    assert not gradient[0, 2:].any()
    assert gradient[1].all()


def test_nested_states_keep_their_structure():
    def step(x, state):
        total, (count, _latest) = state
        return total + x, (total + x, (count + 1, x))

    zero = tf.zeros([2, 1])
    x = tf.constant([[[1.0], [2.0], [4.0]], [[1.0], [2.0], [4.0]]])
    _outputs, (total, (count, latest)) = dynamic_rnn(step, x, (zero, (zero, zero)), [3, 2])
    assert total.numpy().ravel().tolist() == [7, 3]
    assert count.numpy().ravel().tolist() == [3, 2]
    assert latest.numpy().ravel().tolist() == [4, 2]


def test_batch_and_time_may_be_unknown_in_a_graph(rng):
    cell = BasicRNNCell(4, 3)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3]), tf.TensorSpec([None], tf.int64)])
    def run(x, lengths):
        outputs, state = dynamic_rnn(cell, x, sequence_length=lengths)
        return outputs, state, tf.gradients(tf.reduce_sum(outputs), cell.trainable_variables)

    for B, T in [(2, 5), (1, 1), (4, 3)]:
        x = tf.constant(rng.standard_normal((B, T, 3)), tf.float32)
        lengths = rng.integers(0, T + 1, B)
        outputs, state, gradients = run(x, tf.constant(lengths))
        expected = dynamic_rnn(cell, x, sequence_length=lengths)
        assert error(outputs, expected[0]) < FORWARD
        assert error(state, expected[1]) < FORWARD
        assert len(gradients) == 3


def test_known_sizes_stay_known_in_a_graph():
    cell = BasicRNNCell(4, 3)

    @tf.function
    def run(x):
        outputs, state = dynamic_rnn(cell, x)
        assert outputs.shape == (2, 5, 4)
        assert state.shape == (2, 4)
        return outputs

    run(tf.ones([2, 5, 3]))


def test_it_compiles_under_xla_with_its_gradient():
    cell = BasicRNNCell(4, 3)

    @tf.function(jit_compile=True)
    def gradient(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(dynamic_rnn(cell, x, sequence_length=[5, 2])[0])
        return tape.gradient(loss, cell.Wh)

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(dynamic_rnn(cell, tf.ones([2, 5, 3]), sequence_length=[5, 2])[0])
    assert error(gradient(tf.ones([2, 5, 3])), tape.gradient(loss, cell.Wh)) < GRADIENT


def test_arrays_and_lists_are_taken_in_the_dtype_of_the_cell():
    cell = BasicRNNCell(4, 2, dtype=tf.float64)
    outputs, _ = dynamic_rnn(cell, [[[1, 2], [2, 3], [3, 4]]])
    assert outputs.dtype == tf.float64


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"x": np.ones((2, 3), "f")}, ShapeError, r"x: has 2 axes.*\(batch, time, features\)"),
        ({"x": np.ones((0, 5, 3), "f")}, ShapeError, "x: batch is 0"),
        ({"x": np.ones((2, 0, 3), "f")}, ShapeError, "x: time is 0"),
        ({"x": np.ones((2, 5, 2), "f")}, ShapeError, "x: features is 2, expected 3"),
        ({"x": np.ones((2, 5, 3), "d")}, DTypeError, "x: dtype is float64, expected float32"),
        ({"x": np.full((2, 5, 3), np.nan, "f")}, ValueError, "x: is NaN at batch 0, time 0"),
        ({"sequence_length": [1, -2]}, LengthError, "sequence_length: sequence 1 .* length -2"),
        ({"sequence_length": [6, 1]}, LengthError, r"length 6, expected at most 5"),
        ({"sequence_length": [1]}, ShapeError, r"sequence_length: batch is 1, expected 2"),
        ({"sequence_length": [0.5, 1]}, DTypeError, "sequence_length: dtype is float64"),
        ({"initial_state": np.ones((3, 4), "f")}, ShapeError, "state: batch is 3, expected 2"),
        ({"initial_state": np.ones((2, 5), "f")}, ShapeError, "h: hidden is 5, expected 4"),
    ],
)  # fmt: skip
def test_a_bad_argument_is_named(arguments, kind, words):
    with pytest.raises(kind, match=words):
        dynamic_rnn(BasicRNNCell(4, 3), **{"x": np.ones((2, 5, 3), "f")} | arguments)


def test_a_function_without_zero_state_needs_an_initial_state():
    with pytest.raises(ValueError, match=r"initial_state: is missing"):
        dynamic_rnn(running_sum, tf.ones([2, 3, 1]))


@pytest.mark.parametrize(
    ("step", "kind", "words"),
    [
        (lambda x, h: (h, (h, h)), ShapeError, "returned a tuple of 2, expected one tensor"),
        (lambda x, h: (h, h[:, :1]), ShapeError, r"returned shape \(2, 1\), expected \(2, 4\)"),
        (lambda x, h: (h, tf.cast(h, tf.float64)), DTypeError, "returned dtype float64"),
    ],
)
def test_a_step_that_changes_the_kind_of_its_state_is_refused(step, kind, words):
    with pytest.raises(kind, match=words):
        dynamic_rnn(step, tf.ones([2, 3, 1]), tf.zeros([2, 4]))


def test_time_and_batch_swap_in_the_kind_that_was_given():
    x = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(batch_to_time_major(x)[2, 1], x[1, 2])
    np.testing.assert_array_equal(batch_to_time_major(tf.constant(x)), batch_to_time_major(x))
    assert isinstance(batch_to_time_major(x), np.ndarray)
    assert tf.is_tensor(batch_to_time_major(tf.constant(x)))
    assert batch_to_time_major(np.ones((2, 3))).shape == (3, 2)
    with pytest.raises(ShapeError, match=r"x: has 1 axes"):
        batch_to_time_major(np.ones(3))
