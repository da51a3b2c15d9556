"""What depends on what, found by experiment, agrees with what is known by construction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import depends_on, reach
from course_lib.shapes import ShapeError


@given(st.integers(0, 10**6))
def test_the_steps_that_a_sum_runs_over_are_found(seed):
    rng = np.random.default_rng(seed)
    used = rng.random((3, 5)) < 0.5
    x = rng.normal(size=(3, 5, 2))
    found = depends_on(lambda x: np.einsum("btd,bt->bd", x, used), x)
    np.testing.assert_array_equal(found, used)


def test_a_step_read_through_one_feature_alone_is_found():
    for feature in range(3):
        found = depends_on(lambda x, k=feature: x[:, 1, k : k + 1], np.zeros((2, 4, 3)))
        np.testing.assert_array_equal(found, [[False, True, False, False]] * 2)


def test_differences_of_features_are_found():
    found = depends_on(lambda x: x[:, 0, :1] - x[:, 0, 1:], np.zeros((1, 2, 2)))
    np.testing.assert_array_equal(found, [[True, False]])


def test_the_argument_is_left_as_it_is():
    x = np.ones((2, 3, 2))
    depends_on(lambda x: x.sum(axis=1), x)
    np.testing.assert_array_equal(x, np.ones((2, 3, 2)))


def test_a_running_sum_reaches_back_to_the_beginning():
    found = reach(lambda x: np.cumsum(x, axis=1), np.zeros((1, 4, 2)))
    np.testing.assert_array_equal(found, np.tri(4, dtype=bool))


def test_an_array_without_features_is_refused():
    with pytest.raises(ShapeError, match="expected 3"):
        depends_on(lambda x: x, np.zeros((2, 3)))
