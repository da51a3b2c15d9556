"""Call a step again and again on the same input, each time with the state that it gave back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def repeat(
    answer: Callable[..., Any], x: Any, output: Any, state: Any, weights: Any, steps: int
) -> list[Any]:
    """The pair ``(output, state)`` after ``steps`` calls of ``answer(x, output, state, weights)``.

    Args:
        answer: returns a pair ``(output, state)``.
        x: the input of every step.
        output: the output before the first step.
        state: the state before the first step.
        weights: passed on as they are.
        steps: how many calls.

    Raises:
        TypeError: something else than a pair came back.

    >>> repeat(lambda x, output, state, _: (state, state + x), 2, 0, 1, None, steps=3)
    [5, 7]
    """
    for _ in range(steps):
        result = answer(x, output, state, weights)
        if isinstance(result, str) or not hasattr(result, "__len__") or len(result) != 2:
            raise TypeError("expected two results, (output, new_state)")
        output, state = result
    return [output, state]
