"""N13: attention with a stand-in for a cell, and pointers that note what they are told.

Nothing here makes weights of scores, points at a place or prepares a lesson.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograder.probes.training_line import TrainingLine
from autograder.values import NotPlain

Answer = Callable[..., Any]
START = -1.0


class EndlessError(Exception):
    """The answer trains on and on."""


def attend(answer: Answer, *inputs: Any) -> dict[str, Any]:
    """The pair ``(context, weights)`` that ``answer(*inputs)`` returns.

    >>> attend(lambda x: (x, 2 * x), 3)
    {'context': 3, 'weights': 6}
    """
    context, weights = _several(answer(*inputs), 2, "(context, weights)")
    return {"context": context, "weights": weights}


def forbid(answer: Answer, scores: np.ndarray, mask: np.ndarray, far: bool) -> dict[str, Any]:
    """What the logits ``answer(scores, mask)`` are good for.

    Args:
        answer: returns logits.
        scores: passed on.
        mask: passed on; broadcasts to the scores.
        far: whether the logits of allowed places are compared as they are.

    Returns:
        ``logits`` where the mask allows, 0 elsewhere. ``forbidden``: the largest probability that
        remains for a place that is not allowed. ``loss``: whether the cross-entropy is finite for
        every place as target.
    """
    result = np.asarray(answer(scores, mask))
    if result.shape != scores.shape:
        return {"shape": list(result.shape)}
    logits = result.astype(np.float64)
    allowed = np.broadcast_to(mask, scores.shape)
    with np.errstate(all="ignore"):
        shifted = logits - logits.max(axis=-1, keepdims=True)
        powers = np.exp(shifted)
        total = powers.sum(axis=-1, keepdims=True)
        loss = np.log(total) - shifted
        left = np.where(allowed, 0.0, powers / total)
    return {
        "shape": list(result.shape),
        "logits": np.where(allowed, logits, 0.0),
        "forbidden": round(float(left.max()), 6),
        "loss": bool(np.isfinite(loss).all()),
    }


class Cell:
    """A recurrent cell in NumPy whose state is not its output."""

    def __init__(self, Wx: np.ndarray, Wh: np.ndarray):
        self.Wx, self.Wh = Wx, Wh

    def __call__(self, x: Any, state: Any) -> tuple[np.ndarray, np.ndarray]:
        """Inputs `(B, H)` and a state `(B, H)` to the output `(B, H)` and the new state."""
        x, state = np.asarray(x), np.asarray(state)
        output = np.tanh(x @ self.Wx + state @ self.Wh)
        return output, 0.5 * state + output


def decode(
    answer: Answer,
    inputs: np.ndarray,
    state: np.ndarray,
    memory: np.ndarray,
    lengths: np.ndarray,
    Wx: np.ndarray,
    Wh: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
) -> dict[str, Any]:
    """Some steps of ``answer(x, state, memory, lengths, cell, W, b) -> (attended, state)``.

    Args:
        answer: one step.
        inputs: `(T, B, H)`, one for each step.
        state: before the first step.
        memory: passed on.
        lengths: passed on.
        Wx: of the ``Cell``.
        Wh: of the ``Cell``.
        W: passed on.
        b: passed on.

    Returns:
        ``first``: what the first step puts out. ``later``: the other steps. ``state``: the last.
    """
    cell, put_out = Cell(Wx, Wh), []
    for x in inputs:
        attended, state = _several(
            answer(x, state, memory, lengths, cell, W, b), 2, "(attended, new_state)"
        )
        put_out.append(np.asarray(attended))
    return {"first": put_out[0], "later": put_out[1:], "state": state}


def lesson(answer: Answer, x: np.ndarray) -> dict[str, Any]:
    """The three things that ``answer(x)`` prepares."""
    inputs, used, places = _several(answer(x), 3, "(inputs, used, places)")
    return {"inputs": inputs, "used": used, "places": places}


def point(
    answer: Answer, x: np.ndarray, start: np.ndarray, weights: list[np.ndarray], once: bool
) -> dict[str, Any]:
    """Where ``answer(step, state, x, once)`` points, and what it tells the step.

    Args:
        answer: returns places.
        x: numbers, `(B, N)`.
        start: the state before the first step, `(B, H)`.
        weights: of the step: `(H, H)`, `(H,)` and `(H, N)`, then one number.
        once: passed on.

    Returns:
        ``places``; ``told first``, ``values`` and ``used``: what the first N calls were told.
    """
    A, a, M, fade = weights
    numbers = x.copy()  # the answer may spoil its own
    values_noted: list[np.ndarray] = []
    used_noted: list[np.ndarray] = []

    def step(values: Any, used: Any, state: Any) -> tuple[np.ndarray, Any]:
        values, used = np.array(values, float), np.array(used, float)
        if values.shape != x.shape[:1]:
            raise ValueError(f"step: values have shape {values.shape}, expected {x.shape[:1]}")
        if used.shape != x.shape:
            raise ValueError(f"step: used has shape {used.shape}, expected {x.shape}")
        if len(values_noted) > 3 * x.shape[1] + 10:
            raise EndlessError("step is called again and again")
        hidden, count = state
        hidden = np.tanh(np.asarray(hidden) @ A + 1.5 * values[:, np.newaxis] * a)
        values_noted.append(values)
        used_noted.append(used)
        scores = 3.0 * hidden @ M + np.sin(4.0 * numbers + count) - float(fade) * used
        return scores, (hidden, count + 1)

    places = np.asarray(answer(step, (start, 0), x, once))
    length = x.shape[1]
    if not values_noted:
        raise ValueError("step is never called")
    return {
        "places": places,
        "told first": values_noted[0],
        "values": np.stack(values_noted[:length], axis=1),
        "used": np.stack(used_noted[:length], axis=1),
    }


class Rehearsal:
    """A pointer without weights, which notes what it is given.

    A number of sequences of each batch it points at rightly. In the others its second step prefers
    the place that it has already used, the right one being the next best.

    Args:
        right: the share that is sorted after 0, 1, 2 ... updates; the last holds from then on.
        most: updates that are allowed.
    """

    def __init__(self, right: Sequence[float], most: int) -> None:
        self.right, self.most = right, most
        self.seen: list[tuple[np.ndarray, ...]] = []
        self.steps = 0

    def update(self, x: Any, inputs: Any, used: Any, places: Any) -> float:
        """Note the batch; the losses are 2, 1, 2/3 ..."""
        if len(self.seen) > self.most + 30:
            raise EndlessError(f"more than {self.most} updates, although `most` is this many")
        x, inputs, used, places = (np.array(part) for part in (x, inputs, used, places))
        if not x.shape == inputs.shape == places.shape or used.shape != (*x.shape, x.shape[1]):
            raise ValueError(
                f"update: the shapes are {x.shape}, {inputs.shape}, {used.shape} and "
                f"{places.shape}; expected (B, N), (B, N), (B, N, N) and (B, N)"
            )
        self.seen.append((x, inputs, used, places))
        return 2.0 / len(self.seen)

    def read(self, x: Any) -> Any:
        """The state: the numbers, whether each row goes wrong, and the step."""
        x = np.array(x)
        if x.ndim != 2:
            raise ValueError(f"read: x has shape {x.shape}, expected (batch, time)")
        good = round(len(x) * self.right[min(len(self.seen), len(self.right) - 1)])
        return x, np.arange(len(x)) >= good, 0

    def step(self, values: Any, used: Any, state: Any) -> tuple[Any, Any]:
        """Scores for each place, by the plan."""
        self.steps += 1
        if self.steps > 20_000:
            raise EndlessError("step is called again and again")
        x, errs, t = state
        values, used = np.asarray(values, float), np.asarray(used, float)
        rising = np.sort(x, axis=1)
        wanted = rising[:, min(t, x.shape[1] - 1), np.newaxis]
        scores = -np.abs(x - wanted)
        if t == 1:
            scores = scores + 9.0 * (errs[:, np.newaxis] & (x == rising[:, :1]))
        true = rising[:, t - 1] if t else np.full(len(x), START)
        lost = ~np.isclose(values, true) & ~(errs & (t == 2))
        return np.where(lost[:, np.newaxis], x, scores), (x, errs, t + 1)


def train(answer: Answer, kind: str, inputs: list[Any]) -> dict[str, Any]:
    """A rehearsal, or rehearsals and then a training, by the name of ``kind``."""
    return (rehearse if kind == "rehearsal" else learn)(answer, *inputs)


def rehearse(
    answer: Answer, x: np.ndarray, right: Sequence[float], goal: float, most: int
) -> dict[str, Any]:
    """What ``answer(model, draw, goal, most)`` does to a ``Rehearsal``: its updates and its result.

    Args:
        answer: trains a model and returns the losses and the scores.
        x: batches that ``draw`` hands out, in turn, `(K, B, N)`.
        right: as for ``Rehearsal``.
        goal: passed on.
        most: passed on.
    """
    model = Rehearsal(right, most)
    drawn: list[int] = []

    def draw() -> np.ndarray:
        drawn.append(1)
        if len(drawn) > 3 * most + 60:
            raise EndlessError("draw is called again and again")
        batch: np.ndarray = x[(len(drawn) - 1) % len(x)].copy()
        return batch

    losses, scores = _several(answer(model, draw, goal, most), 2, "(losses, scores)")
    length = x.shape[2]
    empty = [np.zeros((0, *x.shape[1:], *more)) for more in ((), (), (length,), ())]
    notes = [np.array(part) for part in zip(*model.seen, strict=True)] or empty
    return {
        "losses": _floats(losses),
        "scores": _floats(scores),
        "updates": len(model.seen),
        "drawn": len(drawn),
        **dict(zip(("x", "inputs", "used", "places"), notes, strict=True)),
    }


class Pointer:
    """A small pointer made of Keras layers, for one length of sequences.

    Args:
        length: N.
        units: H of the encoder and of the decoder.
        seed: of the first weights.
    """

    def __init__(self, length: int, units: int = 24, seed: int = 1) -> None:
        from course_lib.quiet import tf

        self._tf, self.length = tf, length
        layers, first = tf.keras.layers, tf.keras.initializers

        def recurrent(number: int) -> Any:
            return layers.LSTM(
                units, return_sequences=True, return_state=True, unroll=True,
                kernel_initializer=first.GlorotUniform(seed=seed + number),
                recurrent_initializer=first.Orthogonal(seed=seed + number),
            )  # fmt: skip

        def linear(number: int) -> Any:
            return layers.Dense(
                units, use_bias=False, kernel_initializer=first.GlorotUniform(seed=seed + number)
            )

        self.encoder, self.decoder = recurrent(10), recurrent(20)
        self.to_key, self.to_query, self.of_used = linear(30), linear(40), layers.Dense(1)
        nothing = tf.zeros((1, length))
        self._loss(nothing, nothing, tf.zeros((1, length, length)), tf.zeros((1, length), tf.int64))
        parts = (self.encoder, self.decoder, self.to_key, self.to_query, self.of_used)
        self._variables = [v for part in parts for v in part.trainable_variables]
        self.weights = [v.value for v in self._variables]
        self.optimizer = tf.keras.optimizers.Adam(0.01)
        self.optimizer.build(self._variables)
        moving = [*self.weights, *(v.value for v in self.optimizer.variables)]
        self._first = [(v, v.numpy()) for v in moving]
        self._update = tf.function(self._one_update, reduce_retracing=True)

    def restart(self) -> None:
        """Back to the first weights: cheaper than a new graph."""
        for variable, value in self._first:
            variable.assign(value)

    def read(self, x: Any) -> list[Any]:
        """Numbers `(B, N)` to the state before the first step."""
        x = self._floats(x)[:, :, self._tf.newaxis] - 0.5
        outputs, *state = self.encoder(x)
        return [self.to_key(self._tf.concat([outputs, x], axis=2)), *state]

    def step(self, values: Any, used: Any, state: Any) -> tuple[Any, Any]:
        """`(B,)` numbers, `(B, N)` used and a state to scores `(B, N)` and the new state."""
        keys, *inner = state
        read = self._tf.expand_dims(self._floats(values) - 0.5, 1)
        output, inner = self.decoder.cell(read, inner)
        used = self._tf.expand_dims(self._floats(used), 1)
        return self._scores(self._tf.expand_dims(output, 1), keys, used)[:, 0], [keys, *inner]

    def update(self, x: Any, inputs: Any, used: Any, places: Any) -> Any:
        """One update: the loss before it, nats a step."""
        places = self._tf.cast(self._tf.convert_to_tensor(places), self._tf.int64)
        return self._update(self._floats(x), self._floats(inputs), self._floats(used), places)

    def _floats(self, values: Any) -> Any:
        return self._tf.cast(self._tf.convert_to_tensor(values), self._tf.float32)

    def _scores(self, outputs: Any, keys: Any, used: Any) -> Any:
        queries = self.to_query(outputs)
        fit = self._tf.matmul(queries, keys, transpose_b=True)
        return fit + used * self.of_used(queries)

    def _loss(self, x: Any, inputs: Any, used: Any, places: Any) -> Any:
        keys, *state = self.read(x)
        outputs, *_ = self.decoder(inputs[:, :, self._tf.newaxis] - 0.5, initial_state=state)
        scores = self._scores(outputs, keys, used)
        each = self._tf.nn.sparse_softmax_cross_entropy_with_logits(places, scores)
        return self._tf.reduce_mean(each)

    def _one_update(self, x: Any, inputs: Any, used: Any, places: Any) -> Any:
        tf = self._tf
        with tf.GradientTape() as tape:
            loss = self._loss(x, inputs, used, places)
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, self._variables), 1.0)
        self.optimizer.apply(gradients, self._variables)
        return loss


_POINTERS: dict[int, Pointer] = {}


def pointer(length: int) -> Pointer:
    """A pointer with its first weights; its graph is made once and used again."""
    if length not in _POINTERS:
        _POINTERS[length] = Pointer(length)
    found = _POINTERS[length]
    found.restart()
    return found


def learn(
    answer: Answer,
    rehearsals: list[Any],
    goal: float,
    most: int,
    sizes: Sequence[int],
    seed: int,
) -> dict[str, Any]:
    """The weights that a small pointer has after ``answer(model, draw, goal, most)``.

    Args:
        answer: trains a model.
        rehearsals: the arguments of ``rehearse``, and what should be seen of it. Where one goes
            otherwise, nothing is trained: nobody should wait for what must fail.
        goal: passed on.
        most: passed on.
        sizes: length and batch.
        seed: of the batches that ``draw`` hands out.
    """
    for inputs, expected in rehearsals:
        seen = rehearse(answer, *inputs)
        if not all(_alike(seen[name], value) for name, value in expected.items()):
            return {"rehearsed": False, "weights": []}
    length, batch = sizes
    model, line, updates = pointer(length), TrainingLine("updates", every=20), 0
    rng = np.random.default_rng(seed)

    class Counted:
        """The pointer, with a count of its updates."""

        read, step = staticmethod(model.read), staticmethod(model.step)

        def update(self, x: Any, inputs: Any, used: Any, places: Any) -> Any:
            """The pointer's own."""
            nonlocal updates
            updates += 1
            if updates > most + 30:
                raise EndlessError(f"more than {most} updates, although `most` is this many")
            line.tell(updates)
            return model.update(x, inputs, used, places)

    try:
        answer(Counted(), lambda: rng.random((batch, length), dtype=np.float32), goal, most)
    finally:
        line.end("training ended")
    return {"rehearsed": True, "weights": [value.numpy() for value in model.weights]}


def _several(result: Any, count: int, names: str) -> Sequence[Any]:
    if not isinstance(result, list | tuple) or len(result) != count:
        raise NotPlain(f"expected {count} things: {names}")
    return result


def _floats(values: Any) -> Any:
    if isinstance(values, list | tuple | np.ndarray):
        return [float(np.asarray(value)) for value in values]
    return values


def _alike(left: Any, right: Any) -> bool:
    left, right = np.asarray(left), np.asarray(right)
    return left.shape == right.shape and bool(np.allclose(left, right, atol=1e-5))
