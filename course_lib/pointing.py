"""Pointing: what a pointer is taught, how it points alone, and how far it comes.

places    the argsort of x: where the smallest stands, the next one, ...
inputs    START, then the numbers in rising order: at each step the one pointed at before
used      used[b, t, k] = 1 if place k was pointed at before step t, else 0
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_lib import tasks
from course_lib.quiet import tf
from course_lib.shapes import check_shape
from course_lib.sorting import PointerSorter

START = -1.0
"""What a pointer reads before it has pointed at anything; no number of [0, 1)."""

PAPER = {5: 0.94, 10: 0.57, 15: 0.10}
"""Vinyals, Bengio and Kudlur 2015, Table 1: the share of sequences sorted without a mistake, by how
many numbers they have; the best of each row after 10,000 iterations."""

MEASURED = {
    "without coverage": {5: 0.9582, 10: 0.6756, 15: 0.2674},
    "without coverage, waves": {5: 0.9981, 10: 0.9879, 15: 0.9671},
    "with coverage": {5: 1.0, 10: 1.0, 15: 0.9999},
}
"""The same with `python benchmarks/learning.py floats N --steps 10000`, with `--no-coverage`, and with
`--no-coverage --waves 10`: one seed each, 10,000 fresh sequences."""

Step = Callable[[Any, Any, Any], tuple[Any, Any]]


def pointer_lesson(x: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a pointer reads, knows and should do while it is taught to sort.

    Args:
        x: numbers, `(B, N)`.

    Returns:
        inputs `(B, N)`, used `(B, N, N)` and places `(B, N)`, as this module's first lines say.

    >>> inputs, used, places = pointer_lesson(np.array([[0.5, 0.1, 0.3]]))
    >>> inputs[0].tolist(), places[0].tolist(), used[0].astype(int).tolist()
    ([-1.0, 0.1, 0.3], [1, 2, 0], [[0, 0, 0], [0, 1, 0], [0, 1, 1]])
    """
    x = np.asarray(x)
    batch, time = check_shape("x", x, ("batch", "time"))
    places = np.argsort(x, axis=1, kind="stable")
    rising = np.take_along_axis(x, places, axis=1)
    inputs = np.concatenate([np.full((batch, 1), START, x.dtype), rising[:, :-1]], axis=1)
    pointed = np.eye(time, dtype=x.dtype)[places]
    return inputs, np.cumsum(pointed, axis=1) - pointed, places


def point_alone(step: Step, state: Any, x: Any, once: bool = False) -> np.ndarray:
    """Let a pointer point, each step on what it has pointed at before.

    Args:
        step: `step(values, used, state) -> (scores, state)`: numbers `(B,)` and `used (B, N)` to
            scores `(B, N)`.
        state: before the first step.
        x: the numbers, `(B, N)`.
        once: whether no place may be pointed at twice.

    Returns:
        Places, `(B, N)`.

    >>> smallest = lambda values, used, state: (-np.array([[0.5, 0.1, 0.3]]) - 9 * used, state)
    >>> point_alone(smallest, None, np.array([[0.5, 0.1, 0.3]]))
    array([[1, 2, 0]])
    """
    x = np.asarray(x)
    batch, time = check_shape("x", x, ("batch", "time"))
    rows = np.arange(batch)
    values, used, places = np.full(batch, START, x.dtype), np.zeros_like(x), []
    for _ in range(time):
        scores, state = step(values, used.copy(), state)
        scores = np.asarray(scores)
        chosen = np.argmax(np.where(used > 0, -np.inf, scores) if once else scores, axis=1)
        values = x[rows, chosen]
        used[rows, chosen] = 1
        places.append(chosen)
    return np.stack(places, axis=1)


def share_sorted(places: Any, x: Any) -> float:
    """The share of sequences that are sorted from the first number to the last.

    Args:
        places: what was pointed at, `(B, N)`.
        x: the numbers, `(B, N)`.

    >>> share_sorted([[1, 0], [0, 1]], [[0.9, 0.1], [0.9, 0.1]])
    0.5
    """
    right: np.ndarray = np.asarray(places) == np.argsort(x, axis=1, kind="stable")
    return float(right.all(axis=1).mean())


def step_of(sorter: PointerSorter, x: Any) -> tuple[Step, Any]:
    """A `PointerSorter` as `point_alone` takes it: a step for these numbers, and the first state.

    >>> x = np.random.default_rng(0).random((4, 5), dtype=np.float32)
    >>> sorter = PointerSorter(units=6)
    >>> bool((point_alone(*step_of(sorter, x), x) == sorter.point(x)).all())
    True
    """
    keys, first = sorter.keys(tf.constant(x))

    def step(values: Any, used: Any, state: Any) -> tuple[Any, Any]:
        read = np.where(values == START, START, values - 0.5).astype(np.float32)
        output, state = sorter.decoder(sorter.shown(tf.constant(read)), state)
        told = tf.constant(used[:, np.newaxis], tf.float32)
        return sorter.scores(output[:, tf.newaxis], keys, told)[:, 0].numpy(), state

    return step, first


def scores_alone(sorter: PointerSorter, x: Any, *, bare: bool = False) -> np.ndarray:
    """The scores of every step while a sorter points alone, `(B, N steps, N places)`.

    Args:
        sorter: learned or not.
        x: numbers, `(B, N)`.
        bare: whether to note the scores as they would be if nothing had been used. Where it points
            is decided by the others.

    >>> scores_alone(PointerSorter(units=6), np.zeros((2, 5), np.float32)).shape
    (2, 5, 5)
    """
    step, state = step_of(sorter, x)
    noted: list[np.ndarray] = []

    def noting(values: Any, used: Any, state: Any) -> tuple[Any, Any]:
        scores, after = step(values, used, state)
        noted.append(step(values, 0 * used, state)[0] if bare else scores)
        return scores, after

    point_alone(noting, state, x)
    return np.stack(noted, axis=1)


@dataclass(frozen=True, slots=True)
class Lessons:
    """How the teaching of a pointer went.

    Attributes:
        updates: after how many updates there was a look, `(K,)`.
        exact: the share of fresh sequences that it sorted alone, `(K,)`.
        once: the same if no place may be pointed at twice, `(K,)`.
        losses: one an update, nats a step.
    """

    updates: np.ndarray
    exact: np.ndarray
    once: np.ndarray
    losses: np.ndarray


def follow_pointer(
    sorter: PointerSorter,
    length: int,
    *,
    updates: int,
    every: int = 50,
    batch: int = 128,
    learning_rate: float = 1e-2,
    fresh: int = 1000,
    seed: int = 0,
) -> Lessons:
    """Teach a pointer to sort `length` numbers, and look at it every now and then.

    The learning rate rises for 30 updates and falls along a cosine to zero; gradients are clipped
    to a global norm of 1. What it is judged by is never trained on.

    >>> lessons = follow_pointer(PointerSorter(units=4), 3, updates=2, every=1, batch=8, fresh=10)
    >>> lessons.updates.tolist(), lessons.losses.shape
    ([0, 1, 2], (2,))
    """
    variables = sorter.trainable_variables
    optimizer = tf.keras.optimizers.Adam(
        tf.keras.optimizers.schedules.CosineDecay(
            0.0, max(1, updates - 30), warmup_target=learning_rate, warmup_steps=30
        )
    )
    optimizer.build(variables)

    def one_update(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = sorter.loss(x, y)
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        optimizer.apply(tf.clip_by_global_norm(gradients, 1.0)[0], variables)
        return loss

    update = tf.function(one_update)
    unseen, _ = tasks.float_sorting(fresh, length, np.random.default_rng([seed, 10**6]))
    looks: list[int] = []
    exact: list[float] = []
    once: list[float] = []
    losses: list[float] = []
    for done in range(updates + 1):
        if done % every == 0 or done == updates:
            looks.append(done)
            for found, told in ((exact, False), (once, True)):
                found.append(
                    share_sorted(point_alone(*step_of(sorter, unseen), unseen, told), unseen)
                )
        if done < updates:
            x, y = tasks.float_sorting(batch, length, np.random.default_rng([seed, done]))
            losses.append(float(update(tf.constant(x), tf.constant(y))))
    return Lessons(np.array(looks), np.array(exact), np.array(once), np.array(losses))
