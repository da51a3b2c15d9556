"""The latch: numbers stream by, and the last one that was marked has to be held.

A task in which a memory must decide at every step, what to keep and what to replace, and networks of
three cells that learn it in NumPy, with the backward passes of `course_lib.backprop`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_lib.backprop import (
    clip_by_global_norm,
    gru_backward,
    gru_forward,
    lstm_backward,
    lstm_forward,
    rnn_backward,
    rnn_forward,
)

Arrays = dict[str, np.ndarray]

MARKED = 0.15
"""How often a number is marked: one is held for about seven steps, sometimes for twenty."""


def make_latch(batch: int, time: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of numbers, some of them marked, and the last marked one at every step.

    Returns:
        x, `(B, T, 2)`: a number in [-1, 1) and a mark that is 0 or 1; y, `(B, T)`. The first number
        of every sequence is marked.

    >>> x, y = make_latch(1, 6, np.random.default_rng(5))
    >>> bool(y[0, 0] == x[0, 0, 0]), int(x[0, 0, 1])
    (True, 1)
    """
    values = rng.uniform(-1.0, 1.0, (batch, time))
    marks = rng.random((batch, time)) < MARKED
    marks[:, 0] = True
    last = np.maximum.accumulate(np.where(marks, np.arange(time), 0), axis=1)
    return np.stack([values, marks], axis=2), np.take_along_axis(values, last, axis=1)


def leaky_memory(x: Any, keep: Any) -> np.ndarray:
    """What a memory without weights holds: `h = keep * h + (1 - keep) * value`, from 0.

    Args:
        x: `(B, T, 2)`; only the numbers are looked at.
        keep: the share that stays, one number, or one a step `(B, T)`.

    Returns:
        `(B, T)`.

    >>> leaky_memory(np.ones((1, 3, 2)), 0.5)
    array([[0.5  , 0.75 , 0.875]])
    """
    values = np.asarray(x, dtype=float)[:, :, 0]
    keep = np.broadcast_to(np.asarray(keep, dtype=float), values.shape)
    h, held = np.zeros(len(values)), []
    for t in range(values.shape[1]):
        h = keep[:, t] * h + (1 - keep[:, t]) * values[:, t]
        held.append(h)
    return np.stack(held, axis=1)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A cell that can be trained here: blocks side by side in its kernels, and its two passes."""

    blocks: int
    forward: Callable[..., tuple[np.ndarray, Any]]
    backward: Callable[..., tuple[np.ndarray, ...]]


def _zeros(x: np.ndarray, w: Arrays) -> np.ndarray:
    return np.zeros((len(x), len(w["recurrent_kernel"])))


def _weights(w: Arrays) -> tuple[np.ndarray, ...]:
    return w["kernel"], w["recurrent_kernel"], w["bias"]


def _lstm_outputs(x: np.ndarray, w: Arrays) -> tuple[np.ndarray, Any]:
    zeros = _zeros(x, w)
    outputs, _, _, caches = lstm_forward(x, zeros, zeros, *_weights(w))
    return outputs, caches


KINDS: Mapping[str, _Kind] = {
    "basic": _Kind(1, lambda x, w: rnn_forward(x, _zeros(x, w), *_weights(w)), rnn_backward),
    "GRU": _Kind(
        3, lambda x, w: gru_forward(x, _zeros(x, w), *_weights(w), reset_after=False), gru_backward
    ),
    "LSTM": _Kind(4, _lstm_outputs, lstm_backward),
}


def new_network(kind: str, hidden: int, rng: np.random.Generator) -> Arrays:
    """Weights of a network of one layer and one output, for inputs of two features.

    Glorot's limits, an orthogonal recurrent kernel a block, biases of zero (1 for an LSTM's forget
    gate).

    Raises:
        ValueError: there is no such kind.

    >>> count_parameters(new_network("GRU", 8, np.random.default_rng(0)))
    273
    """
    if kind not in KINDS:
        raise ValueError(f"kind: is {kind!r}, expected one of {', '.join(KINDS)}")
    blocks = KINDS[kind].blocks
    limit = np.sqrt(6 / (2 + hidden))
    bias = np.zeros(blocks * hidden)
    if kind == "LSTM":
        bias[hidden : 2 * hidden] = 1.0
    square = [np.linalg.qr(rng.normal(size=(hidden, hidden)))[0] for _ in range(blocks)]
    return {
        "kernel": rng.uniform(-limit, limit, (2, blocks * hidden)),
        "recurrent_kernel": np.concatenate(square, axis=1),
        "bias": bias,
        "W_out": rng.normal(0.0, 1 / np.sqrt(hidden), (hidden, 1)),
        "b_out": np.zeros(1),
    }


def count_parameters(weights: Arrays) -> int:
    """All entries of all arrays.

    >>> count_parameters({"a": np.ones((2, 3)), "b": np.ones(3)})
    9
    """
    return sum(array.size for array in weights.values())


def predict(kind: str, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """What the network answers at every step, `(B, T)`.

    >>> rng = np.random.default_rng(0)
    >>> predict("basic", new_network("basic", 3, rng), make_latch(2, 5, rng)[0]).shape
    (2, 5)
    """
    outputs, _ = KINDS[kind].forward(x, weights)
    answers: np.ndarray = (outputs @ weights["W_out"] + weights["b_out"])[:, :, 0]
    return answers


def loss_and_gradients(
    kind: str, weights: Arrays, x: np.ndarray, y: np.ndarray
) -> tuple[float, Arrays]:
    """The mean squared error, and its gradient with respect to every array.

    >>> rng = np.random.default_rng(0)
    >>> weights = new_network("LSTM", 3, rng)
    >>> loss, gradients = loss_and_gradients("LSTM", weights, *make_latch(2, 5, rng))
    >>> gradients.keys() == weights.keys()
    True
    """
    outputs, cache = KINDS[kind].forward(x, weights)
    error = (outputs @ weights["W_out"] + weights["b_out"])[:, :, 0] - y
    d_answer = (2 * error / error.size)[:, :, np.newaxis]
    gradients = KINDS[kind].backward(d_answer @ weights["W_out"].T, cache)
    named = dict(zip(("kernel", "recurrent_kernel", "bias"), gradients[-3:], strict=True))
    named["W_out"] = np.einsum("bth,bto->ho", outputs, d_answer)
    named["b_out"] = d_answer.sum(axis=(0, 1))
    return float((error**2).mean()), named


def training(
    kind: str,
    hidden: int,
    seed: int = 0,
    time: int = 20,
    batch: int = 32,
    rate: float = 0.01,
) -> Iterator[tuple[float, Arrays]]:
    """Train on fresh sequences for as long as it is asked, with Adam and gradients clipped at 1.

    Yields:
        The loss before each update, and the weights after it (always the same dict).

    >>> steps = training("GRU", 4, batch=2, time=3)
    >>> loss, weights = next(steps)
    >>> weights["kernel"].shape
    (2, 12)
    """
    rng = np.random.default_rng(seed)
    weights = new_network(kind, hidden, rng)
    first = {name: np.zeros_like(array) for name, array in weights.items()}
    second = {name: np.zeros_like(array) for name, array in weights.items()}
    step = 0
    while True:
        step += 1
        loss, gradients = loss_and_gradients(kind, weights, *make_latch(batch, time, rng))
        clipped, _ = clip_by_global_norm(list(gradients.values()), 1.0)
        for name, g in zip(gradients, clipped, strict=True):
            first[name] = 0.9 * first[name] + 0.1 * g
            second[name] = 0.999 * second[name] + 0.001 * g**2
            mean, square = first[name] / (1 - 0.9**step), second[name] / (1 - 0.999**step)
            weights[name] = weights[name] - rate * mean / (np.sqrt(square) + 1e-8)
        yield loss, weights
