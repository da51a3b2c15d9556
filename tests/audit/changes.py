"""The right answer in another dtype or container: it must earn what it earns as it is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np


class NotNumbers(Exception):
    """What the answer returns is no array, no number, and no list of these."""


def float32(leaf: Any) -> Any:
    """Single precision."""
    array = _array(leaf)
    return leaf if array.dtype.kind != "f" else array.astype(np.float32)


def lists(leaf: Any) -> Any:
    """Python's own lists and numbers."""
    return _array(leaf).tolist()


def tensors(leaf: Any) -> Any:
    """TensorFlow's tensors."""
    import tensorflow as tf

    return leaf if tf.is_tensor(leaf) else tf.constant(_array(leaf))


def arrays(leaf: Any) -> Any:
    """NumPy's arrays in double precision, where tensors are the usual thing."""
    array = _array(leaf)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


CHANGES: dict[str, Callable[[Any], Any]] = {
    "float32": float32,
    "lists": lists,
    "tensors": tensors,
    "arrays": arrays,
}


class Changed:
    """An answer whose results are changed on their way out.

    Attributes:
        applies: whether any result became another one, and all of them were numbers.
    """

    def __init__(self, answer: Callable[..., Any], change: str) -> None:
        self._answer, self._change = answer, CHANGES[change]
        self._changed = self._foreign = False
        functools.update_wrapper(self, answer)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """The changed result; the result as it is where it is nothing that can be changed."""
        result = self._answer(*given, **named)
        try:
            return self._leaves(result)
        except NotNumbers:
            self._foreign = True
            return result

    @property
    def applies(self) -> bool:
        """Whether there was something to change, and nothing that cannot be changed."""
        return self._changed and not self._foreign

    def _leaves(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            parts = [self._leaves(item) for item in value]
            return parts if isinstance(value, list) else self._tuple(value, parts)
        if isinstance(value, dict):
            return {key: self._leaves(item) for key, item in value.items()}
        if value is None or isinstance(value, bool | str | int):
            return value
        other = self._change(value)
        self._changed |= type(other) is not type(value) or _dtype(other) != _dtype(value)
        return other

    @staticmethod
    def _tuple(value: Any, parts: list[Any]) -> Any:
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


def _dtype(value: Any) -> str:
    return str(getattr(value, "dtype", ""))


def _array(leaf: Any) -> np.ndarray:
    """The numbers of an array, a number or an eager tensor."""
    if isinstance(leaf, np.ndarray | np.generic | float):
        array = np.asarray(leaf)
    elif hasattr(leaf, "numpy"):
        try:
            array = np.asarray(leaf.numpy())
        except (AttributeError, NotImplementedError):  # a tensor of a graph has none
            raise NotNumbers from None
    else:
        raise NotNumbers
    if array.dtype.kind not in "fiub":
        raise NotNumbers
    return array
