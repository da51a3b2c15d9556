"""Check shapes by the names of their axes, so that an error says what is wrong and where.

`(4, 3)` against `(3, 4)` tells a reader nothing; "h0: batch is 4, expected 3 (x has batch 3)" does.
Works for NumPy arrays, tensors and nested lists alike, and never imports TensorFlow itself. An axis
whose size is unknown while a graph is traced (None) passes every check.
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

Size = int | None
Expected = int | None | tuple[Size, str]


class ShapeError(ValueError):
    """An array has the wrong number of axes, or an axis the wrong size."""

    # tf.function re-raises an error under its own name only if it is built like a bare Exception.
    __init__ = Exception.__init__


class LengthError(ValueError):
    """A sequence length is negative, or longer than the sequence."""

    __init__ = Exception.__init__


class DTypeError(TypeError):
    """An array holds the wrong type of number."""

    __init__ = Exception.__init__


def is_tensor(value: Any) -> bool:
    """True for a TensorFlow tensor or variable. Without TensorFlow loaded there is none.

    >>> is_tensor([1, 2])
    False
    """
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and bool(tensorflow.is_tensor(value))


def shape_of(name: str, value: Any) -> tuple[Size, ...] | None:
    """The shape as a tuple, with None for unknown sizes; None where even the rank is unknown.

    Raises:
        ShapeError: the rows of a nested list differ in length.
    """
    if is_tensor(value):
        return None if value.shape.rank is None else tuple(value.shape.as_list())
    try:
        return tuple(np.shape(value))
    except ValueError:
        raise ShapeError(f"{name}: its rows differ in length, so it is not an array") from None


def check_shape(
    name: str, value: Any, axes: Sequence[str], **expected: Expected
) -> tuple[Any, ...]:
    """Check the number of axes, that none is empty, and the sizes that are expected.

    Args:
        name: what the reader calls the array; opens the error.
        value: array, tensor or nested list.
        axes: the name of each axis, e.g. `("batch", "time", "features")`.
        **expected: by axis name, a size or `(size, why)`; None expects nothing.

    Returns:
        The shape, one entry an axis, to be unpacked by the caller.

    Raises:
        ShapeError: naming the argument and the axis.

    >>> import numpy as np
    >>> check_shape("x", np.ones((4, 3)), ("batch", "features"), features=3)
    (4, 3)
    >>> check_shape("x", np.ones((4, 3)), ("batch", "features"), features=(5, "the rows of Wx"))
    Traceback (most recent call last):
    ...
    course_lib.shapes.ShapeError: x: features is 3, expected 5 (the rows of Wx)
    """
    shape = shape_of(name, value)
    if shape is None:
        return (None,) * len(axes)
    named = f"({', '.join(axes)})"
    if len(shape) != len(axes):
        raise ShapeError(
            f"{name}: has {len(shape)} axes, shape {shape}, expected {len(axes)}: {named}"
        )
    for axis, size in zip(axes, shape, strict=True):
        wanted: Any = expected.get(axis)
        why = ""
        if isinstance(wanted, tuple):
            wanted, why = wanted[0], f" ({wanted[1]})"
        if size is not None and wanted is not None and size != wanted:
            raise ShapeError(f"{name}: {axis} is {size}, expected {wanted}{why}")
        if size == 0:
            raise ShapeError(f"{name}: {axis} is 0, expected at least 1")
    return shape


def float_array(name: str, value: Any, dtype: Any = None) -> np.ndarray:
    """`value` as a NumPy array of floats: floats keep their type, integers take `dtype`.

    Args:
        name: what the reader calls the array.
        value: array, tensor or nested list of numbers.
        dtype: for integers; float64 by default.

    Raises:
        ShapeError: the rows of a nested list differ in length.
        DTypeError: the entries are not real numbers.

    >>> float_array("x", [[1, 2]], np.float32).dtype
    dtype('float32')
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise ShapeError(f"{name}: its rows differ in length, so it is not an array") from None
    if np.issubdtype(array.dtype, np.floating):
        return array
    if np.issubdtype(array.dtype, np.integer) or array.dtype == bool:
        return array.astype(dtype or np.float64)
    raise DTypeError(f"{name}: dtype is {array.dtype}, expected numbers (float32 or float64)")


def check_no_nan(name: str, array: np.ndarray, axes: Sequence[str]) -> None:
    """Refuse NaN, and say where the first one stands.

    Raises:
        ValueError: naming the argument and the position on each axis.

    >>> check_no_nan("x", np.array([[0.0, np.nan]]), ("batch", "features"))
    Traceback (most recent call last):
    ...
    ValueError: x: is NaN at batch 0, features 1
    """
    if not np.isnan(array).any():
        return
    position = np.argwhere(np.isnan(array))[0]
    where = ", ".join(f"{axis} {index}" for axis, index in zip(axes, position, strict=True))
    raise ValueError(f"{name}: is NaN at {where}")


def check_lengths(
    name: str, lengths: Any, batch: Size, time: Size, of: str = "x", least: int = 0
) -> np.ndarray:
    """Check the lengths of the sequences of a batch: whole numbers, `least <= length <= time`.

    Args:
        name: what the reader calls the lengths.
        lengths: `(B,)` integers.
        batch: B, or None where it is unknown.
        time: T, or None where it is unknown.
        of: the array whose sequences these are, for the error.
        least: 0, or 1 where an empty sequence makes no sense.

    Returns:
        The lengths as a NumPy array.

    Raises:
        ShapeError, DTypeError, LengthError: naming the argument, and the sequence by its number.

    >>> check_lengths("lengths", [3, 9], batch=2, time=5)
    Traceback (most recent call last):
    ...
    course_lib.shapes.LengthError: lengths: sequence 1 of the batch has length 9, expected at most \
5 (x has time 5)
    """
    array = np.asarray(lengths)
    check_shape(name, array, ("batch",), batch=(batch, f"{of} has batch {batch}"))
    if not np.issubdtype(array.dtype, np.integer):
        raise DTypeError(f"{name}: dtype is {array.dtype}, expected whole numbers (int32 or int64)")
    for row, length in enumerate(array):
        if length < least:
            limit = f"expected at least {least}"
        elif time is not None and length > time:
            limit = f"expected at most {time} ({of} has time {time})"
        else:
            continue
        raise LengthError(f"{name}: sequence {row} of the batch has length {length}, {limit}")
    return array
