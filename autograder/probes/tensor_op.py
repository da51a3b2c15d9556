"""What a function of tensors does: called, called again, traced into a graph, and differentiated.

A function can compute the right numbers and still be useless for training: NumPy inside it cannot be
traced or differentiated, and what it keeps in Python between calls freezes into the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def op(
    answer: Callable[..., Any],
    arguments: Sequence[np.ndarray],
    changed: Sequence[np.ndarray],
    cotangent: np.ndarray,
) -> dict[str, Any]:
    """Run ``answer`` on tensors in four ways.

    Args:
        answer: a function of as many tensors as there are arguments.
        arguments: its arguments, as arrays.
        changed: arguments of the same shapes with other numbers.
        cotangent: an array like the result; what is differentiated is the sum of their product.

    Returns:
        ``value``: the result for ``arguments``, called eagerly. ``repeat``: the same once more, after a
        call with ``changed``. ``graph``: the results of one ``tf.function`` for ``arguments``, then
        ``changed``, or None where tracing or running it failed. ``gradients``: one an argument, each
        None where none arrives.

    >>> from course_lib import tf
    >>> half, one = np.float32(0.5), np.float32(1.0)
    >>> seen = op(lambda x: 3.0 * x, [half], [one], one)
    >>> [float(y) for y in seen["graph"]], float(seen["gradients"][0])
    ([1.5, 3.0], 3.0)
    """
    from course_lib.quiet import tf

    tensors = [tf.constant(array) for array in arguments]
    others = [tf.constant(array) for array in changed]
    value = answer(*tensors)
    answer(*others)
    repeat = _or_none(lambda: answer(*tensors))
    traced = tf.function(answer)
    return {
        "value": value,
        "repeat": repeat,
        "graph": _or_none(lambda: [traced(*tensors), traced(*others)]),
        "gradients": _gradients(tf, answer, tensors, cotangent),
    }


def _gradients(
    tf: Any, answer: Callable[..., Any], tensors: list[Any], cotangent: np.ndarray
) -> list[Any]:
    """The gradient with respect to each tensor; None for all where differentiating fails."""

    def differentiate() -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            result = answer(*tensors)
        weights = tf.cast(cotangent, result.dtype)
        found: list[Any] = tape.gradient(result, tensors, output_gradients=weights)
        return found

    return _or_none(differentiate) or [None] * len(tensors)


def _or_none(run: Callable[[], Any]) -> Any:
    try:
        return run()
    except Exception:  # whatever the student's code raises: it did not get through
        return None
