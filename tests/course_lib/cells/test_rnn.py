"""The basic step: by hand, in TensorFlow, and the cell."""

import numpy as np
import pytest
from hypothesis import given

from course_lib import BasicRNNCell, concat_kernel, rnn_step, rnn_step_tf, tf
from course_lib.shapes import DTypeError, ShapeError
from tests.course_lib.witness import FORWARD, dtypes, error, seeds, sizes


def draw_step(rng, B, D, H, dtype=np.float64):
    shapes = [(B, D), (B, H), (D, H), (H, H), (H,)]
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@given(sizes, sizes, sizes, seeds)
def test_a_step_computes_each_entry_by_the_formula(B, D, H, seed):
    x, h, Wx, Wh, b = draw_step(np.random.default_rng(seed), B, D, H)
    by_hand = np.empty((B, H))
    for n in range(B):
        for k in range(H):
            by_hand[n, k] = np.tanh(
                sum(x[n, d] * Wx[d, k] for d in range(D))
                + sum(h[n, j] * Wh[j, k] for j in range(H))
                + b[k]
            )
    np.testing.assert_allclose(rnn_step(x, h, Wx, Wh, b), by_hand, atol=1e-12)


@given(sizes, sizes, sizes, seeds, dtypes)
def test_both_libraries_agree(B, D, H, seed, dtype):
    arguments = draw_step(np.random.default_rng(seed), B, D, H, dtype)
    ours = rnn_step_tf(*arguments)
    assert ours.dtype.as_numpy_dtype == dtype
    assert rnn_step(*arguments).dtype == dtype
    assert error(ours, rnn_step(*arguments)) < FORWARD


@given(sizes, sizes, sizes, seeds)
def test_one_concatenated_kernel_is_the_same_step(B, D, H, seed):
    x, h, Wx, Wh, b = draw_step(np.random.default_rng(seed), B, D, H)
    W = concat_kernel(Wx, Wh)
    assert W.shape == (D + H, H)
    one_product = np.tanh(np.concatenate([x, h], axis=1) @ W + b)
    np.testing.assert_allclose(rnn_step(x, h, Wx, Wh, b), one_product, atol=1e-12)


def test_a_step_leaves_its_arguments_unchanged(rng):
    arguments = draw_step(rng, 3, 4, 5)
    copies = [a.copy() for a in arguments]
    rnn_step(*arguments)
    concat_kernel(arguments[2], arguments[3])
    for array, copy in zip(arguments, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_integer_inputs_take_the_dtype_of_the_weights(rng):
    _, h, Wx, Wh, b = draw_step(rng, 2, 3, 4, np.float32)
    assert rnn_step([[1, 2, 3], [4, 5, 6]], h, Wx, Wh, b).dtype == np.float32
    assert rnn_step_tf([[1, 2, 3], [4, 5, 6]], h, Wx, Wh, b).dtype == tf.float32


@pytest.mark.parametrize("step", [rnn_step, rnn_step_tf])
@pytest.mark.parametrize(
    ("changed", "shape", "words"),
    [
        (0, (2, 4), r"x: features is 4, expected 3 \(the rows of Wx\)"),
        (1, (3, 5), r"h: batch is 3, expected 2 \(x has batch 2\)"),
        (1, (2, 4), r"h: hidden is 4, expected 5 \(Wx has hidden 5\)"),
        (3, (5, 4), r"Wh: columns is 4, expected 5"),
        (4, (4,), r"b: hidden is 4, expected 5"),
        (4, (1, 5), r"b: has 2 axes"),
        (0, (0, 3), r"x: batch is 0"),
    ],
)
def test_a_misfit_names_the_argument_and_the_axis(rng, step, changed, shape, words):
    arguments = draw_step(rng, 2, 3, 5)
    arguments[changed] = np.zeros(shape)
    with pytest.raises(ShapeError, match=words):
        step(*arguments)


def test_nan_is_refused(rng):
    arguments = draw_step(rng, 2, 3, 5)
    arguments[0][1, 2] = np.nan
    with pytest.raises(ValueError, match=r"x: is NaN at batch 1, features 2"):
        rnn_step(*arguments)


def test_a_tensor_of_another_dtype_is_refused_by_name(rng):
    x, h, Wx, Wh, b = draw_step(rng, 2, 3, 5, np.float32)
    with pytest.raises(DTypeError, match=r"h: dtype is float64, expected float32"):
        rnn_step_tf(x, tf.constant(h, tf.float64), Wx, Wh, b)


def test_the_step_works_in_a_graph_with_unknown_batch_and_is_differentiable(rng):
    x, h, Wx, Wh, b = (tf.constant(a) for a in draw_step(rng, 2, 3, 5))

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float64)])
    def loss_and_gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(Wh)
            loss = tf.reduce_sum(rnn_step_tf(x, h, Wx, Wh, b))
        return loss, tape.gradient(loss, Wh)

    loss, gradient = loss_and_gradient(x)
    y = rnn_step(x, h, Wx, Wh, b)
    assert error(loss, y.sum()) < 1e-12
    assert error(gradient, h.numpy().T @ (1 - y**2)) < 1e-12


class TestBasicRNNCell:
    def test_it_returns_the_new_state_twice(self):
        cell = BasicRNNCell(5, 3)
        output, state = cell(tf.ones([2, 3]), cell.zero_state(2))
        np.testing.assert_array_equal(output, state)
        assert output.shape == (2, 5)

    def test_sizes_and_parameters_are_told(self):
        cell = BasicRNNCell(5, 3)
        assert (cell.state_size, cell.output_size, cell.input_size) == (5, 5, 3)
        assert cell.parameter_count == 3 * 5 + 5 * 5 + 5
        assert len(cell.trainable_variables) == 3

    def test_first_weights_are_glorot_orthogonal_and_zero(self):
        cell = BasicRNNCell(5, 3, seed=1)
        assert np.abs(cell.Wx).max() < np.sqrt(6 / 8)
        np.testing.assert_allclose(cell.Wh @ tf.transpose(cell.Wh), np.eye(5), atol=1e-6)
        assert not cell.b.numpy().any()

    def test_the_seed_decides_the_draw(self):
        assert error(BasicRNNCell(5, 3, seed=1).Wx, BasicRNNCell(5, 3, seed=1).Wx) == 0
        assert error(BasicRNNCell(5, 3, seed=1).Wx, BasicRNNCell(5, 3, seed=2).Wx) > 0

    def test_it_takes_given_weights_and_their_dtype(self, rng):
        x, h, Wx, Wh, b = draw_step(rng, 2, 3, 5)
        cell = BasicRNNCell.from_weights(Wx, Wh, b)
        assert cell.dtype == tf.float64
        assert error(cell(x, h)[0], rnn_step(x, h, Wx, Wh, b)) < 1e-12

    def test_given_weights_must_fit(self):
        with pytest.raises(ShapeError, match=r"b: hidden is 4, expected 5"):
            BasicRNNCell.from_weights(np.ones((3, 5)), np.ones((5, 5)), np.ones(4))

    def test_sizes_below_one_are_refused(self):
        with pytest.raises(ValueError, match=r"units: is 0"):
            BasicRNNCell(0, 3)
