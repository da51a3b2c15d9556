"""Checking, clipping and measuring gradients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import rnn_step, tf
from course_lib.backprop import (
    clip_by_global_norm,
    gradient_norms,
    numerical_gradient,
    relative_error,
)
from course_lib.shapes import DTypeError, ShapeError
from tests.course_lib.witness import seeds, sizes


@given(sizes, sizes, seeds)
def test_numerical_gradients_of_known_functions(rows, columns, seed):
    rng = np.random.default_rng(seed)
    x, df = rng.standard_normal((rows, columns)), rng.standard_normal((rows, columns))
    assert relative_error(numerical_gradient(np.sin, x, df), df * np.cos(x)) < 1e-8
    assert relative_error(numerical_gradient(lambda v: np.sum(v**2), x), 2 * x) < 1e-8


def test_the_point_is_neither_changed_nor_needs_to_be_float():
    x = np.array([1, 2, 3])
    gradient = numerical_gradient(lambda v: v**2, x)
    np.testing.assert_allclose(gradient, [2, 4, 6], atol=1e-8)
    assert x.tolist() == [1, 2, 3]
    assert x.dtype.kind == "i"


def test_a_function_that_returns_its_own_argument_is_differentiated_right():
    np.testing.assert_allclose(numerical_gradient(lambda v: v, np.ones(3)), np.ones(3))


@given(st.lists(st.tuples(sizes, sizes), min_size=1, max_size=4), seeds, st.floats(0.01, 10))
def test_clipping_agrees_with_tensorflow(shapes, seed, limit):
    rng = np.random.default_rng(seed)
    grads = [rng.standard_normal(shape) for shape in shapes]
    copies = [g.copy() for g in grads]
    clipped, norm = clip_by_global_norm(grads, limit)
    expected, expected_norm = tf.clip_by_global_norm([tf.constant(g) for g in grads], limit)
    assert norm == pytest.approx(float(expected_norm))
    for ours, theirs, grad, copy in zip(clipped, expected, grads, copies, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
        np.testing.assert_array_equal(grad, copy)


def test_short_gradients_are_left_alone_and_keep_their_dtype():
    grad = np.array([0.3, 0.4], np.float32)
    (clipped,), norm = clip_by_global_norm([grad], 1.0)
    np.testing.assert_array_equal(clipped, grad)
    assert clipped.dtype == np.float32
    assert norm == pytest.approx(0.5)


@given(sizes, sizes, seeds)
def test_norms_are_those_of_the_jacobians(T, H, seed):
    rng = np.random.default_rng(seed)
    Wh, h0, b = rng.normal(0, 0.8, (H, H)), rng.standard_normal((1, H)), rng.standard_normal(H)
    zero_x, zero_W = np.zeros((1, 1)), np.zeros((1, H))

    def states(start, steps):
        h = [start]
        for _ in range(steps):
            h.append(rnn_step(zero_x, h[-1], zero_W, Wh, b))
        return h

    h = states(h0, T)
    norms = gradient_norms(Wh, np.concatenate(h[1:]), T)
    for t in range(T):
        jacobian = np.stack(
            [
                numerical_gradient(lambda v, t=t: states(v, T - t)[-1], h[t], np.eye(H)[k])[0]
                for k in range(H)
            ]
        )
        assert norms[t] == pytest.approx(np.linalg.norm(jacobian, 2), rel=1e-5, abs=1e-9)


def test_an_orthogonal_matrix_without_saturation_keeps_every_norm():
    Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))
    np.testing.assert_allclose(gradient_norms(Q, np.zeros((50, 4)), 50), np.ones(50))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"h: is 0, expected a positive step"):
        numerical_gradient(np.sin, [1.0], h=0)
    with pytest.raises(ValueError, match=r"limit: is -1"):
        clip_by_global_norm([np.ones(2)], -1)
    with pytest.raises(DTypeError, match=r"grads\[1\]: dtype"):
        clip_by_global_norm([np.ones(2), np.array(["a"])], 1)
    with pytest.raises(ShapeError, match=r"Wh: rows is 2, expected 3"):
        gradient_norms(np.ones((2, 3)), np.ones((4, 3)), 4)
    with pytest.raises(ShapeError, match=r"h: time is 4, expected 5 \(T is 5\)"):
        gradient_norms(np.ones((3, 3)), np.ones((4, 3)), 5)
