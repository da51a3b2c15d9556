"""N04: give an answer the caches, the functions and the gradients that it works on, and name its results.

Nothing here differentiates anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograder.values import NotPlain

Answer = Callable[..., Any]

_OF_A_STEP = ("dx", "dh_prev", "dWx", "dWh", "db")
_OF_A_SEQUENCE = ("dx", "dh0", "dWx", "dWh", "db")
_OF_THE_SLIDES_CELL = ("dx", "dstate", "dAu", "dBu", "dAv", "dBv")
_OF_CLIPPING = ("grads", "norm")


def step_backward(answer: Answer, dh: np.ndarray, cache: Sequence[np.ndarray]) -> dict[str, Any]:
    """What ``answer(dh, cache)`` returns, by name.

    Args:
        answer: goes back through one step.
        dh: ``(B, H)``.
        cache: x, h_prev, h, Wx and Wh of the step.
    """
    return _named(answer(dh, tuple(cache)), _OF_A_STEP)


def sequence_backward(
    answer: Answer, dy: np.ndarray, caches: list[Sequence[np.ndarray]]
) -> dict[str, Any]:
    """What ``answer(dy, caches)`` returns, by name.

    Args:
        answer: goes back through a sequence.
        dy: ``(B, T, H)``.
        caches: for each step x, h_prev, h, Wx and Wh. The very list is handed on, each cache in it
            as a tuple, so that it shows when an answer takes something out.
    """
    caches[:] = [tuple(step) for step in caches]
    return _named(answer(dy, caches), _OF_A_SEQUENCE)


def slide_backward(
    answer: Answer, d_output: np.ndarray, d_new_state: np.ndarray, cache: Sequence[np.ndarray]
) -> dict[str, Any]:
    """What ``answer(d_output, d_new_state, cache)`` returns, by name.

    Args:
        answer: goes back through one step of the slides' cell.
        d_output: ``(B, O)``.
        d_new_state: ``(B, H)``.
        cache: x, state, output, new_state, Au, Bu, Av and Bv of the step.
    """
    return _named(answer(d_output, d_new_state, tuple(cache)), _OF_THE_SLIDES_CELL)


def clip(answer: Answer, grads: list[np.ndarray], limit: float) -> dict[str, Any]:
    """What ``answer(grads, limit)`` returns: the gradients, and their norm before.

    The very list is handed on, so that it shows when an answer exchanges something in it.

    >>> clip(lambda grads, limit: (grads, 5.0), [np.zeros(2)], 1.0)["norm"]
    5.0
    """
    return _named(answer(grads, limit), _OF_CLIPPING)


def differentiate(
    answer: Answer, kind: str, weights: np.ndarray, x: np.ndarray, df: Any, h: float | None
) -> Any:
    """What ``answer(f, x, df, h)`` returns for a function of this kind.

    Args:
        answer: differentiates ``f`` at ``x``.
        kind: a name in ``FUNCTIONS``.
        weights: what the function needs besides its argument.
        x: where.
        df: like the result of ``f``.
        h: the size of a nudge; None leaves it to the answer's default.
    """
    function, shape = FUNCTIONS[kind], x.shape

    def f(argument: Any) -> Any:
        value = np.asarray(argument)
        if value.shape != shape:
            raise ValueError(f"f was called with an array of shape {value.shape}; x has {shape}")
        return function(value, weights)

    return answer(f, x, df) if h is None else answer(f, x, df, h)


FUNCTIONS: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "one number": lambda x, w: np.sum(w * x**3),
    "elementwise": lambda x, w: w * x**3,
    "layer": lambda x, w: (x @ w) ** 3,
}
"""Cubes: their slope changes so fast that a large nudge tells one difference formula from another."""


def _named(result: Any, names: Sequence[str]) -> dict[str, Any]:
    """The parts of a result under their names.

    Raises:
        NotPlain: there are more or fewer parts than names.
    """
    listed = ", ".join(names)
    if not isinstance(result, tuple | list):
        raise NotPlain(
            f"expected {len(names)} results, ({listed}); got one {type(result).__name__}"
        )
    if len(result) != len(names):
        raise NotPlain(f"expected {len(names)} results, ({listed}); got {len(result)}")
    return dict(zip(names, result, strict=True))
