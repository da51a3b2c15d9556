"""Errors name the argument and the axis."""

import numpy as np
import pytest

from course_lib.shapes import (
    DTypeError,
    LengthError,
    ShapeError,
    check_lengths,
    check_no_nan,
    check_shape,
    float_array,
)


def test_a_wrong_size_names_the_axis_and_the_reason():
    with pytest.raises(ShapeError) as caught:
        check_shape("h0", np.ones((4, 5)), ("batch", "hidden"), batch=(3, "x has batch 3"))
    assert str(caught.value) == "h0: batch is 4, expected 3 (x has batch 3)"


def test_a_wrong_number_of_axes_names_the_expected_ones():
    with pytest.raises(ShapeError, match=r"x: has 2 axes.*expected 3: \(batch, time, features\)"):
        check_shape("x", np.ones((4, 5)), ("batch", "time", "features"))


def test_an_empty_axis_is_refused():
    with pytest.raises(ShapeError, match=r"x: batch is 0, expected at least 1"):
        check_shape("x", np.ones((0, 5)), ("batch", "features"))


def test_ragged_lists_are_refused_in_words():
    with pytest.raises(ShapeError, match=r"x: its rows differ in length"):
        check_shape("x", [[1, 2], [3]], ("batch", "features"))
    with pytest.raises(ShapeError, match=r"x: its rows differ in length"):
        float_array("x", [[1, 2], [3]])


def test_an_axis_of_unknown_size_passes():
    from course_lib import tf

    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec(None)])
    def traced(x, anything):
        assert check_shape("x", x, ("batch", "features"), batch=7, features=3) == (None, 3)
        assert check_shape("y", anything, ("batch", "time")) == (None, None)
        return x

    traced(tf.ones([2, 3]), 1.0)


def test_the_shape_error_is_a_value_error():
    assert issubclass(ShapeError, ValueError)
    assert issubclass(LengthError, ValueError)


def test_words_are_not_numbers():
    with pytest.raises(DTypeError, match=r"x: dtype is .*expected numbers"):
        float_array("x", ["a", "b"])


def test_nan_is_located():
    x = np.zeros((2, 3))
    x[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"x: is NaN at batch 1, time 2"):
        check_no_nan("x", x, ("batch", "time"))


@pytest.mark.parametrize(
    ("lengths", "kind", "words"),
    [
        (
            [1, -1],
            LengthError,
            "lengths: sequence 1 of the batch has length -1, expected at least 0",
        ),
        ([9, 1], LengthError, r"sequence 0 .* has length 9, expected at most 4 \(x has time 4\)"),
        ([1.0, 2.0], DTypeError, "lengths: dtype is float64, expected whole numbers"),
        ([1, 2, 3], ShapeError, r"lengths: batch is 3, expected 2 \(x has batch 2\)"),
    ],
)
def test_bad_lengths_are_refused(lengths, kind, words):
    with pytest.raises(kind, match=words):
        check_lengths("lengths", lengths, batch=2, time=4)
