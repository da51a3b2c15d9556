"""Weights recovered from outputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.detective import recover_wx
from course_lib.seeds_data import X0_BATCH, Y0_PRINTED
from course_lib.shapes import ShapeError
from tests.course_lib.witness import seeds


@given(st.integers(1, 4), st.integers(1, 4), seeds)
def test_weights_are_recovered_from_float32_outputs(features, hidden, seed):
    rng = np.random.default_rng(seed)
    x0 = np.concatenate([np.eye(features), rng.uniform(-1, 1, (3, features))])
    Wx = rng.uniform(-0.8, 0.8, (features, hidden))
    y0 = np.tanh(x0 @ Wx).astype(np.float32)
    np.testing.assert_allclose(recover_wx(x0, y0), Wx, atol=1e-5)


def test_the_seed_s_weights_reproduce_its_printed_outputs():
    Wx = recover_wx(X0_BATCH, Y0_PRINTED)
    assert np.abs(np.tanh(X0_BATCH @ Wx) - Y0_PRINTED).max() < 1e-4


def test_saturated_entries_are_left_out():
    x0, Wx = X0_BATCH, np.array([[0.3], [0.6], [0.3]])
    y0 = np.tanh(x0 @ Wx).astype(np.float32)
    assert (1 - np.abs(y0)).min() < 1e-6
    np.testing.assert_allclose(recover_wx(x0, y0), Wx, atol=2e-3)


def test_too_few_unsaturated_instances_are_named():
    with pytest.raises(ShapeError, match=r"y0: hidden 1 has 1 unsaturated instances, of rank 1"):
        recover_wx(np.eye(2), [[0.5, 1.0], [0.5, 0.5]])


def test_outputs_that_no_tanh_made_are_refused():
    with pytest.raises(ValueError, match=r"y0: holds 2"):
        recover_wx(np.eye(2), 2 * np.eye(2))
