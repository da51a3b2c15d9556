"""Plain data: the only thing that passes between a student's kernel and the grader.

A *plain* value is ``None``, a bool, an int, a float, a string, a NumPy array of numbers, or a list or
dict of plain values. ``plain`` turns what a function returned into one (tensors become arrays,
tuples become lists); ``encode`` and ``decode`` carry one across a process boundary as JSON, with
arrays as raw bytes. Nothing is ever unpickled or evaluated, and ``decode`` believes nothing: every
type, shape, dtype and size is checked.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np

Plain = Any
"""``None | bool | int | float | str | np.ndarray | list[Plain] | dict[str, Plain]``."""

DTYPES = frozenset(
    "<f2 <f4 <f8 |i1 <i2 <i4 <i8 |u1 <u2 <u4 <u8 |b1 <c8 <c16".split()  # numbers only
)
MAX_BYTES = 32 * 2**20
MAX_DEPTH = 6
MAX_ITEMS = 100_000


class NotPlain(ValueError):
    """A value that cannot be compared, with a sentence that says why."""


class Disguised(NotPlain):
    """An object of the notebook's own making that has its own idea of comparing."""


_COMPARING = ("__eq__", "__array__", "__array_function__", "__array_ufunc__", "__array_interface__")


def _is_disguised(value: Any) -> bool:
    kind = type(value)
    return kind.__module__ == "__main__" and any(
        name in vars(ancestor)
        for ancestor in kind.__mro__
        if ancestor.__module__ == "__main__" and not _is_dataclass(ancestor)
        for name in _COMPARING
    )


def _is_dataclass(kind: type) -> bool:
    return "__dataclass_fields__" in vars(kind)


def plain(value: Any, depth: int = 0) -> Plain:
    """What ``value`` holds, as plain data.

    Args:
        value: an array, a tensor, a number, a string, or a list, tuple or dict of these.
        depth: how deep inside the outermost value this one lies.

    Raises:
        NotPlain: for anything else; the sentence names the type.
        Disguised: for what would answer any comparison as it likes.

    >>> plain((1, np.float32(2.5)))
    [1, 2.5]
    """
    if depth > MAX_DEPTH:
        raise NotPlain(f"the result is nested more than {MAX_DEPTH} levels deep")
    if _is_disguised(value):
        raise Disguised(
            f"the result holds a {type(value).__name__}, a class of the notebook's own that says "
            "itself what it is equal to; expected numbers, arrays, or lists of them"
        )
    if isinstance(value, np.generic):  # first: NumPy's float64 is a float, too
        return plain(_python_number(value), depth)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        return _numbers(value)
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    if hasattr(value, "numpy") or hasattr(value, "__array__"):  # an eager tensor, a variable
        try:
            return _numbers(np.asarray(value))
        except NotPlain:
            raise
        except Exception as error:  # a symbolic tensor, say: the student learns what it was
            raise NotPlain(
                f"the result holds a {type(value).__name__} that has no numbers yet "
                f"({type(error).__name__})"
            ) from None
    raise NotPlain(
        f"the result holds a {type(value).__name__}; expected numbers, arrays, or lists of them"
    )


def _python_number(value: np.generic) -> Any:
    number = value.item()
    if isinstance(number, np.generic):  # a long double has no counterpart
        raise NotPlain(f"the result is a {value.dtype}; expected an ordinary number")
    return number


def _numbers(array: np.ndarray) -> np.ndarray:
    if array.dtype == object:
        raise NotPlain("the result is an array of Python objects: its rows differ in length")
    if array.nbytes > MAX_BYTES:
        size, most = array.nbytes // 2**20, MAX_BYTES // 2**20
        raise NotPlain(f"the result is an array of {size} MB; at most {most} MB are looked at")
    little = array.dtype.newbyteorder("<")
    if little.str not in DTYPES:
        raise NotPlain(f"the result is an array of {array.dtype}; expected numbers")
    return np.array(array, dtype=little, order="C")  # a copy: later changes cannot reach it


def encode(value: Plain) -> str:
    """``value`` as JSON text."""
    return json.dumps(_jsonable(value))


def _jsonable(value: Plain) -> Any:
    match value:
        case np.ndarray():
            raw = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
            return {"array": [value.dtype.newbyteorder("<").str, list(value.shape), raw]}
        case dict():
            return {"dict": [[key, _jsonable(item)] for key, item in value.items()]}
        case list() | tuple():
            return [_jsonable(item) for item in value]
        case float() if not math.isfinite(value):
            return {"float": repr(value)}
        case int() if not isinstance(value, bool) and abs(value) >= 2**63:
            raise NotPlain("the result is an integer of more than 64 bits")
        case _:
            return value


def decode(text: str) -> Plain:
    """The plain value in ``text``, which may come from a hostile process.

    Raises:
        NotPlain: when anything about it is not exactly as ``encode`` writes it.

    >>> decode(encode({"h": np.eye(2, dtype=np.float32)}))["h"].shape
    (2, 2)
    """
    if len(text) > 2 * MAX_BYTES:
        raise NotPlain(f"the answer is larger than {MAX_BYTES // 2**20} MB")
    try:
        return _from_json(json.loads(text), 0, [0])
    except NotPlain:
        raise
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise NotPlain(f"the answer is malformed ({type(error).__name__})") from None


def _from_json(item: Any, depth: int, seen: list[int]) -> Plain:
    seen[0] += 1
    if depth > 2 * MAX_DEPTH + 4 or seen[0] > MAX_ITEMS:
        raise NotPlain("the answer is nested too deep or holds too many parts")
    match item:
        case None | bool() | int() | float() | str():
            return item
        case list():
            return [_from_json(part, depth + 1, seen) for part in item]
        case {"float": "nan" | "inf" | "-inf" as name} if len(item) == 1:
            return float(name)
        case {"dict": list(pairs)} if len(item) == 1:
            return {_text(key): _from_json(part, depth + 1, seen) for key, part in pairs}
        case {"array": [str(dtype), list(shape), str(raw)]} if len(item) == 1:
            return _array(dtype, shape, raw)
    raise NotPlain("the answer is malformed")


def _text(key: Any) -> str:
    if not isinstance(key, str):
        raise NotPlain("the answer is malformed")
    return key


def _array(dtype: str, shape: list[Any], raw: str) -> np.ndarray:
    sizes_are_sane = len(shape) <= 8 and all(type(n) is int and 0 <= n < 2**31 for n in shape)
    if dtype not in DTYPES or not sizes_are_sane:
        raise NotPlain("the answer has a malformed array")
    data = base64.b64decode(raw, validate=True)
    if math.prod(shape) * np.dtype(dtype).itemsize != len(data) or len(data) > MAX_BYTES:
        raise NotPlain("the answer has an array of the wrong size")
    return np.frombuffer(data, dtype=dtype).reshape(shape).copy()
