"""Outputs to targets."""

import numpy as np
import pytest
from hypothesis import given

from course_lib import TRAIN_X, TRAIN_Y, baseline_errors, mse, project, project_tiled, tf
from course_lib.shapes import ShapeError
from tests.course_lib.witness import seeds, sizes


@given(sizes, sizes, sizes, seeds)
def test_both_projections_are_the_same_number_for_each_step(B, T, H, seed):
    rng = np.random.default_rng(seed)
    outputs, W, b = (rng.standard_normal(s) for s in ((B, T, H), (H, 1), (1,)))
    expected = np.array([[outputs[n, t] @ W[:, 0] + b[0] for t in range(T)] for n in range(B)])
    np.testing.assert_allclose(project(outputs, W, b), expected, atol=1e-12)
    np.testing.assert_allclose(project(tf.constant(outputs), W, b), expected, atol=1e-12)
    tiled, shapes = project_tiled(outputs, W, b)
    np.testing.assert_allclose(tiled, expected, atol=1e-12)
    assert shapes == [(H, 1), (1, H, 1), (B, H, 1), (B, T, 1), (B, T)]
    tiled, same = project_tiled(tf.constant(outputs), W, b)
    np.testing.assert_allclose(tiled, expected, atol=1e-12)
    assert shapes == same


def test_errors_are_means_over_everything(rng):
    pred, target = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    assert float(mse(pred, target)) == pytest.approx(((pred - target) ** 2).sum() / 12)
    assert float(mse(tf.constant(pred), target)) == pytest.approx(float(mse(pred, target)))


@pytest.mark.parametrize("shape", [(3, 4, 1), (4,), (3, 1), (4, 3)])
def test_shapes_that_would_broadcast_are_refused(shape):
    with pytest.raises(ShapeError, match=r"pred: shape is .*expected \(3, 4\)"):
        mse(np.zeros(shape), np.zeros((3, 4)))


def test_a_target_that_the_present_explains_leaves_no_error(rng):
    x = rng.standard_normal((3, 5, 2))
    y = x @ np.array([2.0, -1.0]) + 3
    assert baseline_errors(x, y)["memoryless"] < 1e-20


def test_bad_shapes_are_named():
    with pytest.raises(ShapeError, match=r"W_out: hidden is 5, expected 10"):
        project(np.ones((3, 4, 10)), np.ones((5, 1)), np.ones(1))
    with pytest.raises(ShapeError, match=r"W_out: targets is 2, expected 1"):
        project_tiled(np.ones((3, 4, 10)), np.ones((10, 2)), np.ones(1))
    with pytest.raises(ShapeError, match=r"y: time is 3, expected 4"):
        baseline_errors(TRAIN_X, TRAIN_Y[:, :3])
