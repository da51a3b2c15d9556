"""Typed comparators: what differs between two plain values, worded for a student.

Every axis has a name, so that a wrong shape reads "time is 7, expected 5" and two exchanged axes are
recognised as exchanged. ``axes`` mirrors the result: a tuple of axis names for an array (for a list of
equal arrays the list's own axis comes first), a mapping for a dict, a list for a result of several
parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograder.values import Plain

Axes = tuple[str, ...] | Mapping[str, Any] | list[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """Why two values are not the same, in one sentence; where arrays differ, with the arrays.

    Attributes:
        message: the sentence.
        expected, actual: the two arrays, for a picture; ``None`` where no arrays were compared.
        names: the axes of ``expected``.
        where: the part of the result that they are, "" for all of it.
    """

    message: str
    expected: np.ndarray | None = None
    actual: np.ndarray | None = None
    names: tuple[str, ...] = ()
    where: str = ""

    def __str__(self) -> str:
        return self.message

    def inside(self, part: str) -> Difference:
        """The same difference, told of a result that this is one part of."""
        where = f"{part}, {self.where}" if self.where else part
        return replace(self, message=f"{part}: {self.message}", where=where)


def compare_shape(expected: Plain, actual: Plain, axes: Axes = ()) -> Difference | None:
    """Whether structure and sizes agree.

    >>> print(compare_shape(np.zeros((4, 5)), np.zeros((4, 7)), ("batch", "time")))
    time is 7, expected 5
    """
    match expected:
        case dict():
            return _shapes_of_dict(expected, actual, axes)
        case list() if isinstance(axes, list) or not _stackable(expected):
            return _shapes_of_list(expected, actual, axes)
        case None | bool() | str():
            return None if type(actual) is type(expected) else _kind(expected, actual)
    wanted, got = _array(expected), _array(actual)
    if wanted is None:
        return None if isinstance(actual, list) else _kind(expected, actual)
    if got is None:
        return _ragged(actual) or _kind(expected, actual)
    if wanted.shape == got.shape:
        return None
    names = _names(axes, wanted.ndim)
    return Difference(_word_shape(wanted.shape, got.shape, names), wanted, got, names)


def compare_values(
    expected: Plain, actual: Plain, axes: Axes = (), tolerance: float = 1e-4
) -> Difference | None:
    """Whether structure, sizes and values agree, to ``tolerance`` of the expected array's scale."""
    wrong_shape = compare_shape(expected, actual, axes)
    if wrong_shape:
        return wrong_shape
    match expected:
        case dict():
            for key in expected:
                inner = axes.get(key, ()) if isinstance(axes, Mapping) else ()
                found = compare_values(expected[key], actual[key], inner, tolerance)
                if found:
                    return found.inside(key)
            return None
        case list() if isinstance(axes, list) or not _stackable(expected):
            for place, (left, right) in enumerate(zip(expected, actual, strict=True)):
                inner = axes[place] if isinstance(axes, list) and place < len(axes) else axes
                found = compare_values(left, right, inner, tolerance)
                if found:
                    return found.inside(f"part {place + 1} of the result")
            return None
        case None | bool() | str():
            if expected == actual:
                return None
            return Difference(f"the result is {actual!r}, expected {expected!r}")
    wanted, got = _array(expected), _array(actual)
    if wanted is None or got is None:
        return None
    return _word_values(wanted, got, _names(axes, wanted.ndim), tolerance)


def _shapes_of_dict(expected: dict[str, Plain], actual: Plain, axes: Axes) -> Difference | None:
    if not isinstance(actual, dict) or actual.keys() != expected.keys():
        return _kind(expected, actual)
    for key in expected:
        inner = axes.get(key, ()) if isinstance(axes, Mapping) else ()
        found = compare_shape(expected[key], actual[key], inner)
        if found:
            return found.inside(key)
    return None


def _shapes_of_list(expected: list[Plain], actual: Plain, axes: Axes) -> Difference | None:
    if isinstance(actual, np.ndarray) and actual.ndim:
        actual = list(actual)
    if not isinstance(actual, list):
        return _kind(expected, actual)
    if len(actual) != len(expected):
        return Difference(f"the result has {len(actual)} parts, expected {len(expected)}")
    for place, (left, right) in enumerate(zip(expected, actual, strict=True)):
        inner = axes[place] if isinstance(axes, list) and place < len(axes) else axes
        found = compare_shape(left, right, inner)
        if found:
            return found.inside(f"part {place + 1} of the result")
    return None


def _ragged(actual: Plain) -> Difference | None:
    """Say of a list that is no array what keeps it from being one."""
    if not isinstance(actual, list) or not actual:
        return None
    shapes = {part.shape if isinstance(part, np.ndarray) else None for part in actual}
    if None not in shapes:
        listed = " and ".join(sorted(map(str, shapes)))
        return Difference(f"the parts of the result have different shapes: {listed}")
    kinds = sorted({_describe(part) for part in actual})
    return Difference(f"the result is a list whose parts are {' and '.join(kinds)}")


def _stackable(value: list[Plain]) -> bool:
    """Whether a list is numbers throughout with rows of one length: an array by another name."""
    return _array(value) is not None


def _array(value: Plain) -> np.ndarray | None:
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, bool | str | dict) or value is None:
        return None
    if isinstance(value, int | float):
        return np.asarray(value)
    if not value or any(isinstance(item, str | dict) or item is None for item in value):
        return None
    parts = [np.asarray(item) if isinstance(item, bool) else _array(item) for item in value]
    if any(p is None or p.shape != parts[0].shape for p in parts):  # type: ignore[union-attr]
        return None
    return np.stack([p for p in parts if p is not None])


def _names(axes: Axes, ndim: int) -> tuple[str, ...]:
    named = axes if isinstance(axes, tuple) else ()
    return tuple(named[:ndim]) + tuple(f"axis {n}" for n in range(len(named), ndim))


def _word_shape(wanted: Sequence[int], got: Sequence[int], names: Sequence[str]) -> str:
    if len(wanted) != len(got):
        layout = ", ".join(names) or "a single number"
        return (
            f"the result has {len(got)} axes {tuple(got)}, expected {len(wanted)} "
            f"{tuple(wanted)}: ({layout})"
        )
    if sorted(wanted) == sorted(got) and len(set(wanted)) == len(wanted):
        moved = [name for name, w, g in zip(names, wanted, got, strict=True) if w != g]
        return (
            f"the axes {' and '.join(moved)} are exchanged: {tuple(got)}, expected {tuple(wanted)}"
        )
    wrong = [
        f"{name} is {g}, expected {w}"
        for name, w, g in zip(names, wanted, got, strict=True)
        if w != g
    ]
    return "; ".join(wrong)


def _word_values(
    wanted: np.ndarray, got: np.ndarray, names: Sequence[str], tolerance: float
) -> Difference | None:
    if wanted.size == 0:
        return None
    exact = wanted.dtype.kind in "biu"
    left, right = np.asarray(wanted, complex), np.asarray(got, complex)
    scale = float(np.max(np.abs(left[np.isfinite(left)]), initial=0.0))
    allowed = 0.0 if exact else tolerance * max(scale, 1e-3)
    with np.errstate(invalid="ignore"):
        off = np.abs(left - right)
    same = (off <= allowed) | (left == right) | (np.isnan(left) & np.isnan(right))
    if bool(same.all()):
        return None
    if not np.isfinite(got.astype(complex)).all() and np.isfinite(left).all():
        return Difference("the result holds NaN or infinite values", wanted, got, tuple(names))
    worst = np.unravel_index(
        int(np.argmax(np.where(same, 0.0, np.nan_to_num(off, nan=np.inf)))), off.shape
    )
    place = _place(names, worst)
    share = f"{int((~same).sum())} of {same.size} values differ"
    values = f"{_number(got[worst])}, expected {_number(wanted[worst])}"
    message = f"{share}; at {place} it is {values}" if place else f"it is {values}"
    return Difference(message, wanted, got, tuple(names))


def _place(names: Sequence[str], place: Sequence[Any]) -> str:
    """Where something is, by the axes' names, or as NumPy writes it where they have none.

    >>> _place(("batch", "time"), (0, 3)), _place(("axis 0", "axis 1"), (0, 3))
    ('batch 0, time 3', '[0, 3]')
    """
    if names and all(name == f"axis {n}" for n, name in enumerate(names)):
        return str([int(i) for i in place])
    return ", ".join(f"{name} {int(i)}" for name, i in zip(names, place, strict=True))


def _number(value: Any) -> str:
    return f"{value:.6g}" if np.asarray(value).dtype.kind == "f" else str(value)


def _kind(expected: Plain, actual: Plain) -> Difference:
    return Difference(f"the result is {_describe(actual)}, expected {_describe(expected)}")


def _describe(value: Plain) -> str:
    match value:
        case None:
            return "nothing (None): is a return missing?"
        case np.ndarray():
            return f"an array of shape {value.shape}"
        case bool():
            return str(value)
        case int() | float():
            return "a number"
        case str():
            return "text"
        case dict():
            return "a dict with " + ", ".join(sorted(value))
        case list():
            return f"a list of {len(value)}"
    return type(value).__name__
