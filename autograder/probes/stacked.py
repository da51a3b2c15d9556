"""N09: hand a stack of cells to an answer, look at what a factory makes, rehearse and run a training.

The cells are stand-ins in NumPy. Nothing here steps through several layers at one moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.probes.training_line import TrainingLine
from autograder.values import NotPlain
from course_lib.cells.state import LSTMStateTuple

Answer = Callable[..., Any]
Weights = Mapping[str, Any]


class Trace:
    """A stand-in for an LSTM cell: two traces that fade, c of x and h of c.

    With a ``gain`` the output is that many times h, so that it is told from h.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def __call__(self, x: Any, state: Any) -> tuple[np.ndarray, LSTMStateTuple]:
        """`(B, D)` and `(c, h)` to the output `(B, H)` and the new state."""
        w, x = self.weights, np.asarray(x, float)
        old_c, old_h = state
        if x.ndim != 2 or x.shape[1] != w["into_c"].shape[0]:
            raise ValueError(
                f"cell: x has shape {tuple(x.shape)}, expected (batch, {w['into_c'].shape[0]})"
            )
        c = w["keep_c"] * np.asarray(old_c, float) + x @ w["into_c"]
        h = w["keep_h"] * np.asarray(old_h, float) + c @ w["into_h"]
        return w.get("gain", 1.0) * h, LSTMStateTuple(c=c, h=h)


def two(
    answer: Answer, x: np.ndarray, layers: Sequence[Weights], cs: Sequence[Any], hs: Sequence[Any]
) -> dict[str, Any]:
    """What ``answer(x, cell1, state1, cell2, state2)`` returns, its parts by name."""
    lower, upper = (Trace(weights) for weights in layers)
    first, second = _states(cs, hs)
    outputs, states = _pair(answer(x, lower, first, upper, second), "(outputs, (state1, state2))")
    return {"outputs": outputs, "states": _parts(states)}


def step(
    answer: Answer, x: np.ndarray, layers: Sequence[Weights], cs: Sequence[Any], hs: Sequence[Any]
) -> dict[str, Any]:
    """What ``answer(cells, x, states)`` returns, and whether the states it was given are the old ones."""
    states = list(_states(cs, hs))
    before = list(states)
    cells = [Trace(weights) for weights in layers]
    output, after = _pair(answer(cells, x, states), "(output, states)")
    kept = len(states) == len(before) and all(
        now is old for now, old in zip(states, before, strict=True)
    )
    return {"output": output, "states": _parts(after), "list kept": kept}


def _states(cs: Sequence[Any], hs: Sequence[Any]) -> tuple[LSTMStateTuple, ...]:
    return tuple(LSTMStateTuple(c=c, h=h) for c, h in zip(cs, hs, strict=True))


def _parts(states: Any) -> list[Any]:
    if isinstance(states, LSTMStateTuple):
        raise NotPlain("expected one state for each layer, found a single one")
    found = []
    for state in states:
        c, h = _pair(state, "(c, h) as the state of each layer")
        found.append({"c": c, "h": h})
    return found


def _pair(value: Any, what: str) -> tuple[Any, Any]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise NotPlain(f"expected {what}")
    return value[0], value[1]


def factory(answer: Answer, state_dim: int, num_layers: int, D: int) -> dict[str, Any]:
    """What kind of stack ``answer(state_dim, num_layers)`` makes, after it has read D features.

    Raises:
        NotPlain: what came back is no ``StackedRNNCells``.
    """
    from course_lib.quiet import tf

    layers = tf.keras.layers
    stack = answer(state_dim, num_layers)
    if not isinstance(stack, layers.StackedRNNCells):
        kind = type(stack).__name__
        raise NotPlain(f"the result is a {kind}, expected a keras.layers.StackedRNNCells")
    again = answer(state_dim, num_layers)
    facts: dict[str, Any] = {
        "layers": len(stack.cells),
        "all are LSTM cells": all(isinstance(cell, layers.LSTMCell) for cell in stack.cells),
        "units": [int(getattr(cell, "units", 0)) for cell in stack.cells],
        "different cells": len({id(cell) for cell in stack.cells}),
        "a new stack at each call": not {id(c) for c in stack.cells} & {id(c) for c in again.cells},
        "parameters": None,
        "different first weights": None,
    }
    try:
        stack.build((2, D))
        stack(tf.ones((2, D)), stack.get_initial_state(2))
    except (
        Exception
    ):  # a shared cell meets an input of another size: Keras has several words for it
        return facts | {"works": False}
    own = {id(v): v for cell in stack.cells for v in cell.trainable_variables}
    facts["parameters"] = sum(int(np.prod(v.shape)) for v in own.values())
    recurrent = [np.asarray(cell.recurrent_kernel) for cell in stack.cells]
    facts["different first weights"] = len({matrix.tobytes() for matrix in recurrent})
    return facts | {"works": True}


def table(answer: Answer, cs: Sequence[Any], hs: Sequence[Any]) -> Any:
    """The lines of ``answer(states)``, with single spaces; a layer without c has a plain state h."""
    states = tuple(
        h if c is None else LSTMStateTuple(c=c, h=h) for c, h in zip(cs, hs, strict=True)
    )
    text = answer(states)
    if not isinstance(text, str):
        kind = "nothing (None): is a return missing?" if text is None else type(text).__name__
        raise NotPlain(f"the result is {kind}, expected text")
    return [" ".join(line.split()) for line in text.strip("\n").split("\n")]


class TooManyWindowsError(Exception):
    """The answer trains on and on."""


class Rehearsal:
    """A model without weights: its losses are given, and it notes every call.

    The state after call number k holds ``10 k`` plus the layer's number: c as it is, h negative.
    """

    def __init__(self, losses: Sequence[float], layers: int, most: int) -> None:
        self.losses, self.layers, self.most = losses, layers, most
        self.windows: list[list[float]] = []
        self.memory: list[list[float]] = []

    def zero_state(self, batch: Any) -> tuple[LSTMStateTuple, ...]:
        """One state of zeros a layer."""
        zeros = np.zeros((int(batch), 4))
        return tuple(LSTMStateTuple(c=zeros, h=zeros) for _ in range(self.layers))

    def train_window(self, x: Any, y: Any, states: Any) -> tuple[float, Any]:
        """Note the call; the next of the given losses, and new states."""
        number = len(self.windows)
        if number > self.most + 30:
            raise TooManyWindowsError(
                f"more than {self.most} windows, although `most` is this many"
            )
        if len(states) != self.layers:
            raise ValueError(f"train_window: {len(states)} states, expected {self.layers}")
        x, y = np.asarray(x, float), np.asarray(y, float)
        self.windows.append([x[0, 0], x.shape[1], float(np.array_equal(y, x + 0.5))])
        self.memory.append([float(np.asarray(part).flat[0]) for pair in states for part in pair])
        after = tuple(
            LSTMStateTuple(
                c=np.full((x.shape[0], 4), 10.0 * (number + 1) + layer),
                h=np.full((x.shape[0], 4), -10.0 * (number + 1) - layer),
            )
            for layer in range(self.layers)
        )
        return float(self.losses[min(number, len(self.losses) - 1)]), after

    @property
    def all_carried(self) -> bool:
        """Whether each window began with all of the last one's state, or all with zeros at a start."""
        for number, (row, (start, _, _)) in enumerate(zip(self.memory, self.windows, strict=True)):
            whole = [s * (10.0 * number + k) for k in range(self.layers) for s in (1, -1)]
            if row != (whole if start % SERIES else [0.0] * (2 * self.layers)):
                return False
        return True


SERIES = 10_000
"""The first numbers of two rehearsed series lie this far apart."""


def rehearse(
    answer: Answer,
    losses: Sequence[float],
    layers: int,
    batch: int,
    columns: int,
    goal: float,
    most: int,
) -> dict[str, Any]:
    """What ``answer(model, draw, goal, most)`` does to a ``Rehearsal``: its calls and its result."""
    model = Rehearsal(losses, layers, most)
    drawn: list[int] = []

    def draw() -> tuple[np.ndarray, np.ndarray]:
        drawn.append(1)
        if len(drawn) > most + 30:
            raise TooManyWindowsError("draw is called again and again, and nothing is trained")
        x = SERIES * len(drawn) + np.arange(batch * columns, dtype=float).reshape(batch, columns)
        return x, x + 0.5

    returned = answer(model, draw, goal, most)
    if isinstance(returned, list | tuple):
        returned = [float(np.asarray(loss)) for loss in returned]
    return {
        "losses": returned,
        "windows": np.array(model.windows),
        "memory": np.array(model.memory),
        "all carried": model.all_carried,
        "series": len(drawn),
    }


class Tower:
    """The tutorial's network, three LSTM layers of 4 units, each unrolled on the outputs below it."""

    def __init__(self, layers: int = 3, units: int = 4, seed: int = 7) -> None:
        from course_lib.cells.lstm_tf import LSTMCell
        from course_lib.quiet import tf
        from course_lib.unroll.dynamic import dynamic_rnn

        self._tf, self._unroll = tf, dynamic_rnn
        self.cells = [
            LSTMCell(units, units if k else 1, seed=1000 * seed + k) for k in range(layers)
        ]
        draw = np.random.default_rng([seed, 1]).normal(0, 0.5, (units, 2))
        self.W, self.b = tf.Variable(draw, dtype=tf.float32), tf.Variable(tf.zeros(2))
        self.weights = [v for cell in self.cells for v in cell.trainable_variables]
        self.weights += [self.W, self.b]
        self.optimizer = tf.keras.optimizers.Adagrad(0.3)
        self.optimizer.build(self.weights)
        moving = [*self.weights, *self.optimizer.variables]
        self.first = [(v, v.numpy()) for v in moving]
        self._train = tf.function(self._one_update, reduce_retracing=True)
        self._look = tf.function(self._run, reduce_retracing=True)

    def restart(self) -> None:
        """Back to the first weights: cheaper than a new graph."""
        for variable, value in self.first:
            variable.assign(value)

    def zero_state(self, batch: Any) -> tuple[LSTMStateTuple, ...]:
        """One state of zeros a layer."""
        return tuple(cell.zero_state(int(batch)) for cell in self.cells)

    def train_window(self, x: Any, y: Any, states: Any) -> tuple[Any, Any]:
        """One update on one window: the loss before it, and the states after the window."""
        tf = self._tf
        states = tf.nest.map_structure(lambda part: tf.cast(part, tf.float32), tuple(states))
        return self._train(tf.cast(x, tf.float32), tf.cast(y, tf.int64), states)

    def predict(self, x: Any) -> np.ndarray:
        """Logits of a whole series that begins with empty memories."""
        tf = self._tf
        logits, _ = self._look(tf.cast(x, tf.float32), self.zero_state(len(x)))
        return np.asarray(logits)

    def _run(self, x: Any, states: Any) -> tuple[Any, Any]:
        signal, after = x[:, :, None], []
        for cell, state in zip(self.cells, states, strict=True):
            signal, state = self._unroll(cell, signal, state)
            after.append(state)
        return signal @ self.W + self.b, tuple(after)

    def _one_update(self, x: Any, y: Any, states: Any) -> tuple[Any, Any]:
        tf = self._tf
        with tf.GradientTape() as tape:
            logits, states = self._run(x, states)
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            loss = tf.reduce_mean(each)
        self.optimizer.apply(tape.gradient(loss, self.weights), self.weights)
        return loss, states


_TOWER: list[Tower] = []


def train(answer: Answer, kind: str, inputs: list[Any]) -> dict[str, Any]:
    """A rehearsal, or a rehearsal and then a training, by the name of ``kind``."""
    return (rehearse if kind == "rehearsal" else learn)(answer, *inputs)


def learn(
    answer: Answer,
    rehearsals: list[Any],
    goal: float,
    most: int,
    x: np.ndarray,
    x_fresh: np.ndarray,
    delay: int,
    limit: float,
) -> dict[str, Any]:
    """Whether the tutorial's network learns the echo under ``answer(model, draw, goal, most)``.

    Args:
        answer: trains a model.
        rehearsals: the arguments of ``rehearse``, how many windows it takes, and how many columns.
            Where one goes otherwise, nothing is trained: nobody should wait for what must fail.
        goal: passed on.
        most: passed on.
        x: series of bits, `(N, B, columns)`, that ``draw`` hands out.
        x_fresh: a series that the answer never sees, `(B, columns)`.
        delay: from a bit to its label.
        limit: the loss on the fresh series has to be smaller.
    """
    for inputs, windows, columns in rehearsals:
        seen = rehearse(answer, *inputs)
        as_it_should = (
            seen["all carried"]
            and len({start for start, *_ in seen["windows"]}) == windows
            and sum(width for _, width, _ in seen["windows"]) == columns
            and np.shape(seen["losses"]) == (windows,)
        )
        if not as_it_should:
            return {"rehearsed": False, "learned": False}
    if not _TOWER:
        _TOWER.append(Tower())
    tower, line = _TOWER[0], TrainingLine("windows", every=50)
    tower.restart()
    drawn: list[int] = []

    def draw() -> tuple[np.ndarray, np.ndarray]:
        bits = x[len(drawn) % len(x)]
        drawn.append(1)
        return bits.copy(), _labels(bits, delay)

    class Counted:
        """The network, with a count of its windows."""

        def __init__(self) -> None:
            self.zero_state, self.count = tower.zero_state, 0

        def train_window(self, x: Any, y: Any, states: Any) -> tuple[Any, Any]:
            """The network's own."""
            self.count += 1
            if self.count > most + 30:
                raise TooManyWindowsError(f"more than {most} windows, although `most` is this many")
            line.tell(self.count)
            return tower.train_window(x, y, states)

    try:
        answer(Counted(), draw, goal, most)
    finally:
        line.end()
    logits, y = tower.predict(x_fresh), _labels(x_fresh, delay)
    of_label = np.take_along_axis(logits, y[:, :, None], axis=2)[:, :, 0]
    loss = float(np.mean(np.logaddexp(logits[:, :, 0], logits[:, :, 1]) - of_label))
    return {"rehearsed": True, "learned": bool(loss < limit)}


def _labels(bits: np.ndarray, delay: int) -> np.ndarray:
    y = np.zeros_like(bits)
    y[:, delay:] = bits[:, :-delay]
    return y
