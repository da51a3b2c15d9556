"""N08: look at echoes, cut series, pass states, and train a stand-in for a network.

Nothing here makes an echo, cuts a window, packs a state or loops over windows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from course_lib.cells.state import LSTMStateTuple

Answer = Callable[..., Any]
Weights = Mapping[str, Any]

NO_LAG = -999

LONG = 8
"""A single row of fewer labels may be zeros by chance, so that nothing can be said about it."""


def describe_echo(answer: Answer, length: int, batch: int, delay: int, seed: int) -> dict[str, Any]:
    """What can be said of ``answer(length, batch, delay, rng)`` whichever way it draws its bits.

    Returns:
        Facts by name; the sizes of both arrays come first.
    """
    x, y = _two(answer(length, batch, delay, np.random.default_rng(seed)), "(x, y)")
    x, y = np.asarray(x), np.asarray(y)
    facts: dict[str, Any] = {"x": list(x.shape), "y": list(y.shape)}
    if x.ndim != 2 or x.shape != y.shape or x.shape[1] < 4 * delay:
        return facts
    again, _ = answer(length, batch, delay, np.random.default_rng(seed))
    other, _ = answer(length, batch, delay, np.random.default_rng(seed + 1))
    values = [set(np.unique(part).tolist()) for part in (x, y)]
    facts |= {
        "x holds zeros and ones": values[0] == {0, 1},
        "y holds zeros and ones": values[1] <= {0, 1},
        "share of ones is near one half": bool(abs(x.mean() - 0.5) < 0.2),
        "rows differ": len({row.tobytes() for row in x}) == len(x),
        "the same rng draws the same bits": bool(np.array_equal(x, again)),
        "another rng draws other bits": not np.array_equal(x, other),
        "steps back": _lag(x, y, delay),
        "row 0 starts with": _first_labels(x, y, delay, slice(0, 1) if delay >= LONG else slice(0)),
        "other rows start with": _first_labels(x, y, delay, slice(1, None)),
        "bits before the first echo": bool(delay == 0 or x[:, :delay].any()),
    }
    return facts


def _first_labels(x: np.ndarray, y: np.ndarray, delay: int, rows: slice) -> str:
    """What some rows begin with; the same word whichever bits were drawn."""
    first, end = y[rows, :delay], x[:, x.shape[1] - delay :]
    if not first.any():
        return "zeros"
    if np.array_equal(first, end[rows]):
        return "their own end"
    if np.array_equal(first, np.roll(end, 1, axis=0)[rows]):
        return "the end of the row before"
    return "something else"


def _lag(x: np.ndarray, y: np.ndarray, delay: int) -> int:
    """How many columns y lags behind x, looked at far from both ends."""
    middle = np.arange(2 * delay + 2, x.shape[1] - 2 * delay - 2)
    for lag in range(-2 * delay - 1, 2 * delay + 2):
        if np.array_equal(y[:, middle], x[:, middle - lag]):
            return lag
    return NO_LAG


def cut(answer: Answer, x: np.ndarray, y: np.ndarray, T: int) -> dict[str, Any]:
    """The windows that ``answer(x, y, T)`` makes, sorted by where they begin in x.

    Args:
        answer: returns pairs of windows.
        x: ``(B, length)``; no number occurs twice, so that each window can be found.
        y: ``(B, length)``.
        T: columns of a window.
    """
    pairs = [_two(pair, "(x_window, y_window) for each window") for pair in answer(x, y, T)]
    found = [(np.asarray(left), np.asarray(right)) for left, right in pairs]
    starts = [_start(x, left) for left, _ in found]
    order = np.argsort(starts, kind="stable")
    return {
        "windows": len(found),
        "in the order of time": bool((np.diff(starts) >= 0).all()),
        "x": [found[n][0] for n in order],
        "y": [found[n][1] for n in order],
    }


def _start(x: np.ndarray, window: np.ndarray) -> int:
    if not window.size:
        return int(x.shape[1])
    places = np.argwhere(x == window.flat[0])
    return int(places[0][1]) if len(places) else int(x.shape[1])


def pack(answer: Answer, cs: Sequence[np.ndarray], hs: Sequence[np.ndarray]) -> Any:
    """What ``answer(states)`` makes of one ``LSTMStateTuple(c, h)`` a layer."""
    return answer(tuple(LSTMStateTuple(c, h) for c, h in zip(cs, hs, strict=True)))


def unpack(answer: Answer, packed: np.ndarray) -> dict[str, Any]:
    """The states that ``answer(packed)`` returns, read by name where they have names.

    Raises:
        TypeError: they are in nothing that can be read twice, such as a generator.
    """
    states = answer(packed)
    if not hasattr(states, "__len__"):
        raise TypeError(
            f"expected a tuple or a list of states; a {type(states).__name__} can be read only once"
        )
    states = list(states)
    for state in states:
        if not hasattr(state, "c"):
            _two(state, "(c, h) for each layer")
    return {
        "layers": len(states),
        "c": [state.c if hasattr(state, "c") else state[0] for state in states],
        "h": [state.h if hasattr(state, "h") else state[1] for state in states],
        "named": bool(states) and all(hasattr(state, "c") for state in states),
    }


def _two(value: Any, what: str) -> tuple[Any, Any]:
    shape = getattr(value, "shape", None)
    size = len(value) if isinstance(value, list | tuple) else (shape[0] if shape else None)
    if size != 2:
        raise TypeError(f"expected two things, {what}")
    return value[0], value[1]


class Trace:
    """A stand-in for an LSTM cell in NumPy: two traces that fade, c from x and h from c."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def __call__(self, x: np.ndarray, state: Any) -> tuple[np.ndarray, LSTMStateTuple]:
        """`(B, D)` and `LSTMStateTuple(c, h)` to the output `(B, H)` and the new state."""
        w = self.weights
        c = w["keep_c"] * state.c + np.asarray(x, float) @ w["into_c"]
        h = w["keep_h"] * state.h + c @ w["into_h"]
        return h, LSTMStateTuple(c=c, h=h)


def run_program(
    answer: Answer,
    bits: np.ndarray,
    sizes: Sequence[int],
    layers: Sequence[Weights],
    W: np.ndarray,
    b: np.ndarray,
) -> dict[str, Any]:
    """What ``answer(bits, batch, delay, T, cells, W2, b2)`` returns for cells of our own.

    Args:
        answer: returns the losses and the packed state.
        bits: ``(length,)``.
        sizes: batch, delay and T.
        layers: the weights of each ``Trace``.
        W: ``(H, 2)``.
        b: ``(2,)``.
    """
    batch, delay, T = sizes
    cells = [Trace(weights) for weights in layers]
    losses, packed = _two(answer(bits, batch, delay, T, cells, W, b), "(losses, packed)")
    return {"losses": losses, "packed": packed}


class StandIn:
    """A small model with the interface of the notebook's network, and a record of its updates.

    Each of its layers has two fading traces, c of its inputs and h of c:

        c_t = a c_{t-1} + x_t U,    h_t = d h_{t-1} + c_t V,    output h_t

    All steps of a window are computed at once, so that a check is quick. With a learning rate of 0
    the weights stay, and what was to be done with them can be read from ``updates``.
    """

    MOST = 40

    def __init__(self, layers: Sequence[Weights], W: np.ndarray, b: np.ndarray, rate: float):
        from course_lib.quiet import tf

        self._tf, self.rate, self.fading = tf, rate, layers
        self.matrices = [
            tuple(tf.Variable(layer[name], dtype=tf.float32) for name in ("into_c", "into_h"))
            for layer in layers
        ]
        self.W, self.b = (tf.Variable(value, dtype=tf.float32) for value in (W, b))
        own = [matrix for pair in self.matrices for matrix in pair]
        self.trainable_variables = [*own, self.W, self.b]
        self.count = tf.Variable(0, trainable=False)
        size = sum(int(np.prod(v.shape)) for v in self.trainable_variables)
        self.record = tf.Variable(tf.zeros([self.MOST, size]), trainable=False)
        self.optimizer = self

    def zero_state(self, batch: Any) -> tuple[LSTMStateTuple, ...]:
        """One state of zeros a layer, `(B, H)` for c and for h."""
        zeros = self._tf.zeros
        return tuple(
            LSTMStateTuple(*(zeros([batch, into_h.shape[0]]) for _ in "ch"))
            for _, into_h in self.matrices
        )

    def __call__(self, x: Any, state: Any) -> tuple[Any, tuple[LSTMStateTuple, ...]]:
        """Bits `(B, T)` and a state to logits `(B, T, 2)` and the state after them."""
        tf = self._tf
        x = tf.cast(x, tf.float32)
        if x.shape.rank != 2:
            raise ValueError(f"model: x has shape {tuple(x.shape)}, expected (batch, time)")
        if len(state) != len(self.matrices):
            raise ValueError(f"model: {len(state)} states, expected {len(self.matrices)}")
        signal, after = tf.transpose(x)[:, :, tf.newaxis], []
        for (U, V), fading, (c, h) in zip(self.matrices, self.fading, state, strict=True):
            cs = self._fade(fading["keep_c"], self._times(signal, U), c)
            signal = self._fade(fading["keep_h"], self._times(cs, V), h)
            after.append(LSTMStateTuple(c=cs[-1], h=signal[-1]))
        logits = self._times(signal, self.W) + self.b
        return tf.transpose(logits, [1, 0, 2]), tuple(after)

    predict = __call__

    def loss(self, x: Any, y: Any, state: Any) -> tuple[Any, Any]:
        """Mean cross-entropy over a window, nats a label, and the state after it."""
        tf = self._tf
        logits, state = self(x, state)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        return tf.reduce_mean(each), state

    def _times(self, values: Any, matrix: Any) -> Any:
        """`(T, B, D)` times `(D, H)`, as one flat product: the quickest to differentiate."""
        tf = self._tf
        flat = tf.reshape(values, [-1, matrix.shape[0]]) @ matrix
        return tf.reshape(flat, [-1, values.shape[1], matrix.shape[1]])

    def _fade(self, keep: float, inputs: Any, start: Any) -> Any:
        """The trace of all inputs `(T, B, H)` after each step, from ``start`` before the first."""
        tf = self._tf
        times = np.arange(inputs.shape[0]) if inputs.shape[0] else tf.range(tf.shape(inputs)[0])
        ages = tf.cast(times[:, np.newaxis] - times, tf.float32)
        weights = tf.where(ages >= 0, keep ** tf.maximum(ages, 0.0), 0.0)
        faded = keep ** tf.cast(times + 1, tf.float32)[:, np.newaxis, np.newaxis]
        flat = weights @ tf.reshape(inputs, [tf.shape(inputs)[0], -1])
        return tf.reshape(flat, tf.shape(inputs)) + faded * tf.convert_to_tensor(start, tf.float32)

    def update(self, gradients: Sequence[Any]) -> None:
        """Move the weights against these gradients, in the order of ``trainable_variables``."""
        tf = self._tf
        gradients = list(gradients)
        if len(gradients) != len(self.trainable_variables) or any(g is None for g in gradients):
            raise ValueError(
                "update: expected one gradient for each of model.trainable_variables; "
                "what the tape has not seen has none"
            )
        flat = tf.concat([tf.reshape(g, [-1]) for g in gradients], axis=0)
        place = tf.minimum(self.count, self.MOST - 1)
        self.record.scatter_nd_update([[place]], [flat])
        self.count.assign_add(1)
        for variable, gradient in zip(self.trainable_variables, gradients, strict=True):
            variable.assign_sub(self.rate * gradient)

    def apply(self, gradients: Sequence[Any], variables: Any = None) -> None:
        """As a Keras optimizer names it."""
        self.update(gradients)

    def apply_gradients(self, pairs: Any) -> None:
        """As a Keras optimizer names it, too."""
        self.update([gradient for gradient, _ in pairs])

    @property
    def updates(self) -> np.ndarray:
        """The gradients of each update so far, a row an update."""
        return np.asarray(self.record[: int(self.count)])

    @property
    def weights(self) -> np.ndarray:
        """All weights in one row."""
        return np.concatenate([v.numpy().ravel() for v in self.trainable_variables])


def train(
    answer: Answer,
    x: np.ndarray,
    y: np.ndarray,
    carry: bool,
    layers: Sequence[Weights],
    W: np.ndarray,
    b: np.ndarray,
    rate: float,
) -> dict[str, Any]:
    """What ``answer(model, x, y, carry)`` does to a ``StandIn``: its losses, updates and weights.

    Args:
        answer: trains the model for one epoch and returns the loss of each window.
        x: ``(B, length)`` bits.
        y: ``(B, length)`` labels.
        carry: as the answer gets it.
        layers: the weights of each layer.
        W: ``(H, 2)``.
        b: ``(2,)``.
        rate: the learning rate.
    """
    model = StandIn(layers, W, b, rate)
    losses = answer(model, x, y, carry)
    if isinstance(losses, list | tuple):
        losses = [float(np.asarray(loss)) for loss in losses]
    return {
        "losses": losses,
        "number of updates": int(model.count),
        "gradients": model.updates,
        "weights": model.weights,
    }
