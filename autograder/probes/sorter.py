"""A training that is rehearsed on a model without weights, and then done with a small real one.

No decoding happens here: the models give one step, and the answer loops over it. How well a trained
model sorts is measured by whoever asked, from the weights that come back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograder.probes.training_line import TrainingLine
from autograder.values import NotPlain

Answer = Callable[..., Any]


class EndlessError(Exception):
    """The answer trains on and on."""


class Rehearsal:
    """A sorter without weights, which notes what it is given.

    A number of sequences of each batch it sorts rightly. In the others it makes one mistake, at the
    second place, and goes astray from there if it reads what it has written; told the right tokens,
    it makes no further mistake.

    Args:
        right: the share that is sorted after 0, 1, 2 ... updates; the last holds from then on.
        go: the token before the first.
        most: updates that are allowed.
    """

    def __init__(self, right: Sequence[float], go: int, most: int) -> None:
        self.right, self.go, self.most = right, go, most
        self.seen: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.steps, self.was_told = 0, False

    def update(self, x: Any, inputs: Any, y: Any) -> float:
        """Note the batch; the losses are 2, 1, 2/3 ..."""
        if len(self.seen) > self.most + 30:
            raise EndlessError(f"more than {self.most} updates, although `most` is this many")
        x, inputs, y = (np.asarray(part).copy() for part in (x, inputs, y))
        if not x.shape == inputs.shape == y.shape or x.ndim != 2:
            raise ValueError(
                f"update: shapes are {x.shape}, {inputs.shape} and {y.shape}; expected three times "
                "(batch, time)"
            )
        self.seen.append((x, inputs, y))
        return 2.0 / len(self.seen)

    def encode(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """The state: what is to be written and whether rightly, `(B, T + 1)`; the place, `(B,)`."""
        x = np.asarray(x)
        if x.ndim != 2:
            raise ValueError(f"encode: x has shape {x.shape}, expected (batch, time)")
        good = round(len(x) * self.right[min(len(self.seen), len(self.right) - 1)])
        errs = np.arange(len(x))[:, np.newaxis] >= good
        return np.concatenate([np.sort(x, axis=1), errs], axis=1), np.zeros(len(x), int)

    def step(self, tokens: Any, state: Any) -> tuple[Any, Any]:
        """The next token's logits, by the plan."""
        from course_lib.quiet import tf

        self.steps += 1
        if self.steps > 20_000:
            raise EndlessError("step is called again and again")
        tokens, (plan, place) = np.asarray(tokens).astype(int), state
        plan, place = np.asarray(plan), np.asarray(place)
        rows, errs = np.arange(len(plan)), plan[:, -1] == 1
        true = np.where(place > 0, plan[rows, np.maximum(place - 1, 0)], self.go)
        self.was_told |= bool((errs & (place == 2) & (tokens == true)).any())
        right = plan[rows, np.minimum(place, plan.shape[1] - 2)]
        wrong = (tokens != true) | (errs & (place == 1))
        return tf.one_hot(np.where(wrong, (right + 1) % self.go, right), self.go), (plan, place + 1)


def train(answer: Answer, kind: str, inputs: list[Any]) -> dict[str, Any]:
    """A rehearsal, or rehearsals and then a training, by the name of ``kind``."""
    return (rehearse if kind == "rehearsal" else learn)(answer, *inputs)


def rehearse(
    answer: Answer, x: np.ndarray, right: Sequence[float], go: int, goal: float, most: int
) -> dict[str, Any]:
    """What ``answer(model, draw, goal, most)`` does to a ``Rehearsal``: its updates and its result.

    Args:
        answer: trains a model and returns the losses and the scores.
        x: batches that ``draw`` hands out, in turn, `(K, B, T)`.
        right: as for ``Rehearsal``.
        go: the model's.
        goal: passed on.
        most: passed on.
    """
    model = Rehearsal(right, go, most)
    drawn: list[int] = []

    def draw() -> np.ndarray:
        drawn.append(1)
        if len(drawn) > 3 * most + 60:
            raise EndlessError("draw is called again and again")
        batch: np.ndarray = x[(len(drawn) - 1) % len(x)].copy()
        return batch

    returned = answer(model, draw, goal, most)
    if not isinstance(returned, list | tuple) or len(returned) != 2:
        raise NotPlain("expected two things: (losses, scores)")
    empty = np.zeros((0, *x.shape[1:]), int)
    notes = [np.array(part) for part in zip(*model.seen, strict=True)] or [empty] * 3
    return {
        "losses": _floats(returned[0]),
        "scores": _floats(returned[1]),
        "updates": len(model.seen),
        "drawn": len(drawn),
        "alone": bool(model.steps) and not model.was_told,
        **dict(zip(("x", "inputs", "y"), notes, strict=True)),
    }


def _floats(values: Any) -> Any:
    if isinstance(values, list | tuple):
        return [float(np.asarray(value)) for value in values]
    return values


class Sorter:
    """A small encoder and decoder made of Keras layers, for one length of sequences.

    Args:
        vocabulary: V; the token V means GO.
        length: N.
        units: H of both.
        seed: of the first weights.
    """

    def __init__(self, vocabulary: int, length: int, units: int = 48, seed: int = 1) -> None:
        from course_lib.quiet import tf

        self._tf, self.go, self.length = tf, vocabulary, length
        layers, first = tf.keras.layers, tf.keras.initializers

        def recurrent(number: int) -> Any:
            return layers.LSTM(
                units, return_sequences=True, return_state=True, unroll=True,
                kernel_initializer=first.GlorotUniform(seed=seed + number),
                recurrent_initializer=first.Orthogonal(seed=seed + number),
            )  # fmt: skip

        self.embedding = layers.Embedding(
            vocabulary + 1, units // 2, embeddings_initializer=first.RandomNormal(0, 1, seed=seed)
        )
        self.encoder, self.decoder = recurrent(10), recurrent(20)
        self.read_out = layers.Dense(
            vocabulary, kernel_initializer=first.GlorotUniform(seed=seed + 30)
        )
        nothing = tf.zeros((1, length), tf.int64)
        self._logits(nothing, nothing)
        parts = (self.embedding, self.encoder, self.decoder, self.read_out)
        self.weights = [v.value for part in parts for v in part.trainable_variables]
        self._variables = [v for part in parts for v in part.trainable_variables]
        self.optimizer = tf.keras.optimizers.Adam(0.01)
        self.optimizer.build(self._variables)
        moving = [*self.weights, *(v.value for v in self.optimizer.variables)]
        self._first = [(v, v.numpy()) for v in moving]
        self._update = tf.function(self._one_update, reduce_retracing=True)

    def restart(self) -> None:
        """Back to the first weights: cheaper than a new graph."""
        for variable, value in self._first:
            variable.assign(value)

    def encode(self, x: Any) -> list[Any]:
        """Tokens `(B, N)` to the encoder's last state."""
        _, *state = self.encoder(self.embedding(self._tokens(x)))
        return state

    def step(self, tokens: Any, state: Any) -> tuple[Any, Any]:
        """`(B,)` tokens and a state to logits `(B, V)` and the new state."""
        output, state = self.decoder.cell(self.embedding(self._tokens(tokens)), state)
        return self.read_out(output), state

    def update(self, x: Any, inputs: Any, y: Any) -> Any:
        """One update: the loss before it, nats a token."""
        return self._update(self._tokens(x), self._tokens(inputs), self._tokens(y))

    def _tokens(self, values: Any) -> Any:
        return self._tf.cast(self._tf.convert_to_tensor(values), self._tf.int64)

    def _logits(self, x: Any, inputs: Any) -> Any:
        outputs, *_ = self.decoder(self.embedding(inputs), initial_state=self.encode(x))
        return self.read_out(outputs)

    def _one_update(self, x: Any, inputs: Any, y: Any) -> Any:
        tf = self._tf
        with tf.GradientTape() as tape:
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(y, self._logits(x, inputs))
            loss = tf.reduce_mean(each)
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, self._variables), 1.0)
        self.optimizer.apply(gradients, self._variables)
        return loss


_SORTERS: dict[tuple[int, int], Sorter] = {}


def sorter(vocabulary: int, length: int) -> Sorter:
    """A sorter with its first weights; its graph is made once and used again."""
    if (vocabulary, length) not in _SORTERS:
        _SORTERS[vocabulary, length] = Sorter(vocabulary, length)
    found = _SORTERS[vocabulary, length]
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
    """The weights that a small sorter has after ``answer(model, draw, goal, most)``.

    Args:
        answer: trains a model.
        rehearsals: the arguments of ``rehearse``, and what should be seen of it: how many updates,
            and the sums of what is read, in the order x, inputs, y. Where one goes otherwise,
            nothing is trained: nobody should wait for what must fail.
        goal: passed on.
        most: passed on.
        sizes: vocabulary, length and batch.
        seed: of the batches that ``draw`` hands out.
    """
    for inputs, expected in rehearsals:
        seen = rehearse(answer, *inputs)
        if not all(np.array_equal(seen[name], value) for name, value in expected.items()):
            return {"rehearsed": False, "updates": 0, "weights": []}
    vocabulary, length, batch = sizes
    model, line, updates = sorter(vocabulary, length), TrainingLine("updates", every=20), 0
    rng = np.random.default_rng(seed)

    class Counted:
        """The sorter, with a count of its updates."""

        go, encode, step = model.go, staticmethod(model.encode), staticmethod(model.step)

        def update(self, x: Any, inputs: Any, y: Any) -> Any:
            """The sorter's own."""
            nonlocal updates
            updates += 1
            if updates > most + 30:
                raise EndlessError(f"more than {most} updates, although `most` is this many")
            line.tell(updates)
            return model.update(x, inputs, y)

    try:
        answer(Counted(), lambda: rng.integers(0, vocabulary, (batch, length)), goal, most)
    finally:
        line.end("training ended")
    weights = [value.numpy() for value in model.weights]
    return {"rehearsed": True, "updates": updates, "weights": weights}
