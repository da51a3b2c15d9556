"""The plainest probes: call a function, call it twice, read a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def call(answer: Callable[..., Any], *inputs: Any) -> Any:
    """What ``answer(*inputs)`` returns.

    >>> call(max, 3, 5)
    5
    """
    return answer(*inputs)


def call_twice(answer: Callable[..., Any], *inputs: Any) -> list[Any]:
    """The results of two equal calls: they differ when the answer remembers something.

    >>> call_twice(len, "abc")
    [3, 3]
    """
    return [answer(*inputs), answer(*inputs)]


def read(answer: Any) -> Any:
    """The value itself, for an exercise whose answer is a value and no function."""
    return answer
