"""N02: give an answer a cell to unroll, and functions whose graphs it counts.

Nothing here cuts an array by time, unrolls a cell over inputs, or counts nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np


class Cell:
    """One step whose output is not its state: h = s(x Wx + h Wh + b), output = s(h Wy).

    s(z) = z / (1 + |z|) needs operators alone, so arrays and tensors, eager or symbolic, all pass.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], rng: np.random.Generator) -> None:
        self.weights = weights
        self._rng = rng

    def __call__(self, x: Any, state: Any) -> tuple[Any, Any]:
        """`(B, D)` and `(B, H)` to the output `(B, O)` and the new state `(B, H)`."""
        x, state = _as_array(x), _as_array(state)
        features, hidden = self.weights["Wx"].shape
        _check("x", x, features, "features")
        _check("state", state, hidden, "hidden units")
        new = _squash(x @ self.weights["Wx"] + state @ self.weights["Wh"] + self.weights["b"])
        return _squash(new @ self.weights["Wy"]), new

    def fresh(self) -> Cell:
        """Another cell of the same sizes, with weights drawn anew."""
        drawn = {
            name: self._rng.normal(0.0, 0.8, w.shape).astype(w.dtype)
            for name, w in self.weights.items()
        }
        return Cell(drawn, self._rng)


def _squash(z: Any) -> Any:
    return z / (1.0 + abs(z))


def _as_array(value: Any) -> Any:
    return np.asarray(value, np.float32) if isinstance(value, list | tuple) else value


def _check(name: str, value: Any, size: int, what: str) -> None:
    shape = tuple(value.shape)
    if len(shape) != 2 or shape[-1] not in (size, None):
        raise ValueError(f"step was given {name} of shape {shape}; expected (batch, {size} {what})")


def unroll(
    answer: Callable[..., Any],
    xs: Sequence[np.ndarray],
    h0: np.ndarray,
    weights: Mapping[str, np.ndarray],
    seed: int,
) -> dict[str, Any]:
    """What ``answer(step, xs, h0)`` returns for a cell with these weights.

    Returns:
        ``{"pair": whether two things came back, "outputs": ..., "state": ...}``.
    """
    result = answer(Cell(weights, np.random.default_rng(seed)), xs, h0)
    pair = isinstance(result, list | tuple) and len(result) == 2
    outputs, state = result if pair else (None, None)
    return {"pair": pair, "outputs": outputs, "state": state}


def count(
    answer: Callable[..., Any], kind: str, time_steps: int, batch: int, features: int, W: np.ndarray
) -> Any:
    """What ``answer(fn, T, batch, features)`` returns for a function of this kind.

    Args:
        answer: counts the nodes of the graph of ``fn``.
        kind: a name in ``FUNCTIONS``.
        time_steps: T.
        batch: B.
        features: D.
        W: ``(D, D)``, what the function multiplies by.
    """
    from course_lib.quiet import tf

    fn = FUNCTIONS[kind](W)

    def checked(x: Any) -> Any:
        if x.shape.rank != 3 or x.shape[1] is None or x.shape[2] != features:
            raise ValueError(
                f"fn was traced for an input of shape {x.shape}; it takes (batch, T, features) with "
                f"T known, here ({batch}, {time_steps}, {features})"
            )
        return fn(x)

    # Unconverted, an error reaches the student as it was raised, without AutoGraph's frame.
    as_it_is = tf.autograph.experimental.do_not_convert(checked)
    return answer(as_it_is, time_steps, batch, features)


def _written_out(W: np.ndarray) -> Callable[[Any], Any]:
    """A Python loop: one product and one tanh for each time step of x."""

    def written_out(x: Any) -> Any:
        from course_lib.quiet import tf

        y, w = x[:, 0], tf.constant(W, x.dtype)
        for _ in range(x.shape[1]):
            y = tf.tanh(y @ w)
        return y

    return written_out


def _looped(W: np.ndarray) -> Callable[[Any], Any]:
    """The same as one loop in the graph."""

    def looped(x: Any) -> Any:
        from course_lib.quiet import tf

        w, end = tf.constant(W, x.dtype), x.shape[1]
        return tf.while_loop(
            lambda t, y: t < end,
            lambda t, y: (t + 1, tf.tanh(y @ w)),
            (tf.constant(0), x[:, 0]),
        )[1]

    return looped


def _nested(W: np.ndarray) -> Callable[[Any], Any]:
    """A function in the graph, called once a time step, that calls another one."""

    def nested(x: Any) -> Any:
        from course_lib.quiet import tf

        w = tf.constant(W, x.dtype)
        inner = tf.function(lambda y, w: tf.tanh(tf.tanh(tf.tanh(y @ w))), autograph=False)
        outer = tf.function(lambda y, w: inner(y, w) + y, autograph=False)
        y = x[:, 0]
        for _ in range(x.shape[1]):
            y = outer(y, w)
        return y

    return nested


def _gradient(W: np.ndarray) -> Callable[[Any], Any]:
    """The gradient of the Python loop."""
    forward = _written_out(W)

    def gradient(x: Any) -> Any:
        from course_lib.quiet import tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            y = forward(x)
        return tape.gradient(y, x)

    return gradient


FUNCTIONS: dict[str, Callable[[np.ndarray], Callable[[Any], Any]]] = {
    "written out": _written_out,
    "loop": _looped,
    "nested": _nested,
    "gradient": _gradient,
}
"""What each kind of function does; ``count`` builds one, so that only its name has to travel."""
