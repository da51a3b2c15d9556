"""Differences are worded for a student: axes have names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autograder.compare import compare_shape, compare_values

AXES = ("batch", "time", "hidden")
EXPECTED = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("actual", "sentence"),
    [
        (np.zeros((2, 7, 4)), "time is 7, expected 3"),
        (np.zeros((2, 7, 5)), "time is 7, expected 3; hidden is 5, expected 4"),
        (
            np.zeros((3, 2, 4)),
            "the axes batch and time are exchanged: (3, 2, 4), expected (2, 3, 4)",
        ),
        (
            np.zeros((2, 3)),
            "the result has 2 axes (2, 3), expected 3 (2, 3, 4): (batch, time, hidden)",
        ),
        (
            None,
            "the result is nothing (None): is a return missing?, expected an array of shape (2, 3, 4)",
        ),
        ("text", "the result is text, expected an array of shape (2, 3, 4)"),
    ],
)
def test_a_wrong_shape_names_the_axis(actual: object, sentence: str) -> None:
    assert str(compare_shape(EXPECTED, actual, AXES)) == sentence


def test_a_wrong_value_says_how_many_and_where_the_worst_is() -> None:
    actual = EXPECTED.copy()
    actual[1, 2, 3] = -5.0
    actual[0, 0, 1] += 0.1
    found = str(compare_values(EXPECTED, actual, AXES))
    assert found == "2 of 24 values differ; at batch 1, time 2, hidden 3 it is -5, expected 23"


def test_nan_is_named() -> None:
    actual = EXPECTED.copy()
    actual[0, 0, 0] = np.nan
    assert str(compare_values(EXPECTED, actual, AXES)) == "the result holds NaN or infinite values"


def test_lists_arrays_float32_and_nested_lists_are_the_same_thing() -> None:
    for actual in (EXPECTED.tolist(), list(EXPECTED), EXPECTED.astype(np.float32)):
        assert compare_values(EXPECTED, actual, AXES) is None
        assert compare_values(list(EXPECTED), actual, AXES) is None


def test_parts_of_a_result_are_named() -> None:
    expected = [np.zeros((2, 3)), np.zeros(2)]
    found = compare_shape(
        expected, [np.zeros((2, 3)), np.zeros(4)], [("batch", "hidden"), ("batch",)]
    )
    assert str(found) == "part 2 of the result: batch is 4, expected 2"
    assert str(compare_shape(expected, [np.zeros((2, 3))])) == "the result has 1 parts, expected 2"


def test_an_entry_of_a_dict_is_named() -> None:
    expected = {"dx": np.zeros((2, 3))}
    found = compare_values(expected, {"dx": np.ones((2, 3))}, {"dx": ("batch", "features")})
    assert str(found).startswith("dx: 6 of 6 values differ; at batch 0, features 0")


def test_whole_numbers_and_truth_values_must_be_exact() -> None:
    assert compare_values(np.array([10**6]), np.array([10**6 + 1]))
    assert compare_values(True, False)
    assert compare_values(7, 7.0) is None


@given(
    arrays.arrays("f8", arrays.array_shapes(max_dims=3, max_side=4), elements=st.floats(-1e6, 1e6))
)
def test_a_value_equals_itself_and_not_itself_with_one_entry_moved(value: np.ndarray) -> None:
    assert compare_values(value, value.copy()) is None
    moved = value.copy()
    moved.flat[0] += 1.0 + 0.01 * np.abs(value).max()
    assert compare_values(value, moved) is not None


def test_a_list_that_is_no_array_says_what_its_parts_are() -> None:
    expected = np.zeros((2, 3))
    ragged = [np.zeros(3), np.zeros(4)]
    assert "different shapes: (3,) and (4,)" in str(compare_shape(expected, ragged))
    pairs = [[np.zeros(3), np.zeros(2)], [np.zeros(3), np.zeros(2)]]
    assert "whose parts are a list of 2" in str(compare_shape(expected, pairs))
