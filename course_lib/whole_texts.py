"""Experiments on reading a whole text: two ways to slice the backward direction, and what they read.

Texts are of full length here, so that the fast path of `course_lib.fast` serves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_lib.cells.gru_tf import GRUCell
from course_lib.fast.gru import fast_gru
from course_lib.initializers import glorot_uniform
from course_lib.quiet import tf
from course_lib.tasks import byte_classes

Texts = Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def headed_texts(
    batch: int, time: int, head: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Texts of `byte_classes` whose class shows in the first characters only; noise comes after.

    Returns:
        x, `(B, T)` uint8, and y, `(B,)` int64 from 0 to 3.

    >>> x, y = headed_texts(2, 20, 8, np.random.default_rng(0))
    >>> x.shape, y.shape
    ((2, 20), (2,))
    """
    start, y = byte_classes(batch, head, rng)
    letters = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz ", dtype=np.uint8)
    noise = rng.choice(letters, size=(batch, time - head))
    return np.concatenate([start, noise], axis=1), y


def letter_count_accuracy(texts: Texts, rng: np.random.Generator, training: int = 2000) -> float:
    """The dumb baseline: the share of right answers of whoever only counts letters.

    A text is given the class whose mean letter counts, over so many texts, are closest.
    """
    x, y = texts(training, rng)
    x_fresh, y_fresh = texts(1000, rng)
    counts, fresh = (np.stack([np.bincount(row, minlength=128) for row in z]) for z in (x, x_fresh))
    means = np.stack([counts[y == k].mean(axis=0) for k in range(int(y.max()) + 1)])
    nearest = ((fresh[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    return float((nearest == y_fresh).mean())


@dataclass(frozen=True, slots=True)
class Reading:
    """How a training went, and what the trained network reads.

    Attributes:
        steps: after which updates the accuracy was measured.
        accuracies: shares of right answers on held-back texts.
        reads_fw, reads_bw: how much each half of the network's vector moves with each character,
            relative to the character that moves it most, `(T,)`.
    """

    steps: list[int]
    accuracies: list[float]
    reads_fw: np.ndarray
    reads_bw: np.ndarray


def read_texts(
    texts: Texts, column: int, *, updates: int, units: int = 24, batch: int = 32, every: int = 20
) -> Reading:
    """Train a bidirectional classifier that takes one column of the backward outputs.

    Args:
        texts: `texts(batch, rng)` draws `(x, y)`; always of one length.
        column: of the backward outputs, in the order of time: 0 or -1.
        updates: how many.
        units: of each direction.
        batch: texts an update.
        every: updates from one measurement to the next.
    """
    fw, bw = GRUCell(units, 128, seed=2), GRUCell(units, 128, seed=3)
    W = tf.Variable(
        glorot_uniform(2 * units, 4, np.random.default_rng(5)), dtype=tf.float32, name="W"
    )
    b = tf.Variable(tf.zeros(4), name="b")
    weights = [*fw.trainable_variables, *bw.trainable_variables, W, b]
    optimizer = tf.keras.optimizers.Adam(0.03)
    optimizer.build(weights)

    def run(cell: Any, x: Any) -> Any:
        start = cell.zero_state(tf.shape(x)[0])
        return fast_gru(x, start, cell.kernel, cell.recurrent_kernel, cell.bias)[0]

    def halves(x: Any) -> tuple[Any, Any]:
        turned = tf.reverse(run(bw, tf.reverse(x, [1])), [1])
        return run(fw, x)[:, -1], turned[:, column]

    def logits(x: Any) -> Any:
        return tf.concat(halves(tf.one_hot(x, 128)), axis=1) @ W + b

    def one_update(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits(x))
            loss = tf.reduce_mean(each)
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        optimizer.apply(tf.clip_by_global_norm(gradients, 1.0)[0], weights)

    update = tf.function(one_update)
    predict = tf.function(lambda x: tf.argmax(logits(x), axis=1))

    rng = np.random.default_rng(0)
    x_fresh, y_fresh = texts(200, np.random.default_rng(1))
    steps, accuracies = [0], [float(np.mean(predict(x_fresh) == y_fresh))]
    for number in range(1, updates + 1):
        update(*texts(batch, rng))
        if number % every == 0:
            steps.append(number)
            accuracies.append(float(np.mean(predict(x_fresh) == y_fresh)))
    x = tf.one_hot(x_fresh[:50], 128)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        sizes = [tf.reduce_sum(half) for half in halves(x)]
    reads = []
    for size in sizes:
        moved = tf.reduce_mean(tf.norm(tape.gradient(size, x), axis=2), axis=0).numpy()
        reads.append(moved / moved.max())
    return Reading(steps, accuracies, *reads)
