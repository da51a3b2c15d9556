"""Stand-ins for encoders and decoders, and what is seen of an answer that runs them.

No stand-in decodes by itself: each is one step, and every loop over time is the answer's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograder.values import NotPlain

Answer = Callable[..., Any]
Weights = Mapping[str, Any]


class Reader:
    """A cell whose state is a pair `(c, h)` and whose output is neither: `(B, D)` to `(B, H)`.

    It takes arrays or tensors and gives float64 tensors.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def zero_state(self, batch: Any) -> tuple[Any, Any]:
        """A pair of zeros, `(B, H)` each."""
        from course_lib.quiet import tf

        zeros = np.zeros((int(batch), np.shape(self.weights["into_h"])[1]))
        return tf.constant(zeros), tf.constant(zeros)

    def __call__(self, x: Any, state: Any) -> tuple[Any, tuple[Any, Any]]:
        """One step: the output and the new pair."""
        from course_lib.quiet import tf

        w, x = self.weights, np.asarray(x, float)
        rows = np.shape(w["into_c"])[0]
        if x.ndim != 2 or x.shape[1] != rows:
            raise ValueError(f"cell: x has shape {x.shape}, expected (batch, {rows})")
        old_c, old_h = _pair(state, "a state is a pair (c, h)")
        c = np.tanh(w["keep_c"] * np.asarray(old_c, float) + x @ w["into_c"])
        h = np.tanh(w["keep_h"] * np.asarray(old_h, float) + c @ w["into_h"])
        return tf.constant(h + 0.5 * c), (tf.constant(c), tf.constant(h))


def _pair(value: Any, what: str) -> tuple[Any, Any]:
    shape = getattr(value, "shape", None)
    size = len(value) if isinstance(value, list | tuple) else (shape[0] if shape else None)
    if size != 2:
        raise NotPlain(f"expected two things: {what}")
    return value[0], value[1]


def encoded(
    answer: Answer, tokens: np.ndarray, vocabulary: int, weights: Weights, c: Any, h: Any
) -> dict[str, Any]:
    """What ``answer(tokens, vocabulary, step, state)`` returns, its parts by name."""
    outputs, state = _pair(
        answer(tokens, vocabulary, Reader(weights), (c, h)), "(outputs, last state)"
    )
    try:
        last_c, last_h = _pair(state, "")
    except NotPlain:  # the outputs may be right all the same
        last_c = last_h = None
    return {"outputs": outputs, "c": last_c, "h": last_h}


def shifted(answer: Answer, y: np.ndarray, go: int) -> dict[str, Any]:
    """What ``answer(y, go)`` returns, or that it refused with a ``ValueError``."""
    try:
        return {"refused": False, "inputs": answer(y, go)}
    except ValueError:
        return {"refused": True, "inputs": None}


class Writer:
    """A decoder's step, `step(tokens, state) -> (logits, state)`, and a record of what it reads.

    The state `(B, H)` fades and takes up the token; the logits are a read-out of it. The token that
    means GO has an embedding, too. A state of two parts holds the one before as well.
    """

    def __init__(self, weights: Weights, most: int = 1000) -> None:
        self.weights, self.most, self.calls = weights, most, 0

    def __call__(self, tokens: Any, state: Any) -> tuple[Any, Any]:
        """`(B,)` tokens and the state to logits `(B, V)` and the new state, as tensors."""
        from course_lib.quiet import tf

        self.calls += 1
        if self.calls > self.most:
            raise RuntimeError(f"the step was called more than {self.most} times")
        w, pair = self.weights, isinstance(state, list | tuple) and np.ndim(state[0]) == 2
        tokens = np.asarray(tokens)
        state, older = (np.asarray(s, float) for s in (state if pair else (state, 0.0)))
        if tokens.ndim != 1 or tokens.shape[0] != state.shape[0]:
            raise ValueError(
                f"step: tokens have shape {tokens.shape}, expected ({state.shape[0]},): one for "
                "each row of the state"
            )
        if not np.array_equal(tokens, np.rint(tokens)):
            raise ValueError("step: tokens are whole numbers")
        new = np.tanh(w["keep"] * state - 0.4 * older + w["embedding"][tokens.astype(int)])
        after = (tf.constant(new), tf.constant(state)) if pair else tf.constant(new)
        return tf.constant(w["scale"] * new @ w["W"]), after


def forced(answer: Answer, weights: Weights, state: np.ndarray, y: np.ndarray, go: int) -> Any:
    """What ``answer(step, state, y, go)`` returns, its parts by name."""
    logits, last = _pair(answer(Writer(weights), state, y, go), "(logits, last state)")
    return {"logits": logits, "state": last}


def alone(answer: Answer, weights: Weights, state: Any, go: int, steps: int) -> Any:
    """What ``answer(step, state, go, T)`` returns, its parts by name."""
    parts = tuple(state) if isinstance(state, list) else state
    tokens, last = _pair(answer(Writer(weights), parts, go, steps), "(tokens, last state)")
    if isinstance(parts, tuple):
        last = np.concatenate(_pair(last, "the state has two parts here"), axis=1)
    return {"tokens": tokens, "state": last}


def beams(
    answer: Answer,
    weights: Weights,
    state: np.ndarray,
    width: int,
    steps: int,
    go: int,
    nearly_equal: bool,
) -> Any:
    """What ``answer(step, state, width, T, go)`` returns, its parts by name.

    Which of two nearly equal beams is the better may depend on rounding. There only scores are seen.
    """
    found = answer(Writer(weights, most=2 * width * steps + 10), state, width, steps, go)
    tokens, scores = _pair(found, "(tokens, scores)")
    return {"tokens": None if nearly_equal else tokens, "scores": scores}


def program(
    answer: Answer,
    x: np.ndarray,
    vocabulary: int,
    encoder: Weights,
    decoder: Weights,
    W: np.ndarray,
    b: np.ndarray,
) -> Any:
    """What ``answer(x, V, encoder, decoder, W, b)`` returns for cells of our own."""
    return answer(x, vocabulary, Reader(encoder), Reader(decoder), W, b)
