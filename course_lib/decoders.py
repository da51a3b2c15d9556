"""Four decoders for the same encoder, from the one that cannot work to the one that looks back.

    name             begins in              reads at step t
    blind            zeros                  GO, always               the slides, as printed
    state only       the encoder's state    GO, always               the slides, as meant
    teacher-forced   the encoder's state    the token before         sequence to sequence
    attention        the encoder's state    the token before, and everything the encoder has put out

All four have one encoder, one read-out and as many units; only what the decoder gets differs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from course_lib import tasks
from course_lib.quiet import tf
from course_lib.seq2seq import exact_match
from course_lib.sorting import TokenSorter
from course_lib.unroll.dynamic import dynamic_rnn

DECODERS = ("blind", "state only", "teacher-forced", "attention")


class ConstantInputSorter(TokenSorter):
    """A sorter whose decoder reads GO at every step, and never what it has written.

    Args:
        vocabulary: V.
        units: H.
        sees_state: whether the decoder begins in the encoder's state. If not it is *blind*: it
            computes the same logits whatever the encoder has read.
        options: as for `TokenSorter`.

    Source: seed 003, whose decoder reads zeros, and as printed has no initial state either.

    >>> blind = ConstantInputSorter(vocabulary=9, units=8, sees_state=False, embedding=6)
    >>> written = blind.sort(np.array([[3, 1, 2], [8, 8, 8]]))
    >>> bool((written[0] == written[1]).all())
    True
    """

    def __init__(self, vocabulary: int, units: int = 128, *, sees_state: bool, **options: Any):
        super().__init__(vocabulary, units, attention=False, **options)
        self.sees_state = sees_state

    def read(self, x: Any) -> tuple[Any, Any]:
        """As for `TokenSorter`; a blind one forgets the state."""
        memory, state = super().read(x)
        return memory, state if self.sees_state else self.decoder.zero_state(tf.shape(x)[0])

    def loss(self, x: Any, y: Any) -> Any:
        """The mean cross-entropy in nats, every input being GO."""
        memory, state = self.read(x)
        inputs = tf.gather(self.embedding, tf.fill(tf.shape(y), self.go))
        outputs, _ = dynamic_rnn(self.decoder, inputs, state)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=y, logits=self.logits(outputs, memory)
        )
        return tf.reduce_mean(each)

    def step(self, memory: Any) -> Any:
        """A step that takes no notice of the token."""
        told = super().step(memory)
        return lambda tokens, state: told(tf.fill(tf.shape(tokens), self.go), state)


class UnshiftedSorter(TokenSorter):
    """A sorter that is taught wrongly: at each step the decoder reads the token that it has to say.

    Its loss falls to nothing, and alone it can do nothing. It stands here to be looked at.

    >>> UnshiftedSorter(9, 8, embedding=6, attention=False).sort(np.array([[3, 1, 2]])).shape
    (1, 3)
    """

    def loss(self, x: Any, y: Any) -> Any:
        """The mean cross-entropy in nats, the inputs being the targets."""
        memory, state = self.read(x)
        outputs, _ = dynamic_rnn(self.decoder, tf.gather(self.embedding, y), state)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=y, logits=self.logits(outputs, memory)
        )
        return tf.reduce_mean(each)


def make_decoder(name: str, vocabulary: int, units: int, **options: Any) -> TokenSorter:
    """One of the four sorters, by its name in `DECODERS`.

    Raises:
        ValueError: there is no decoder of this name.

    >>> make_decoder("attention", 9, 8, embedding=6).attention
    True
    """
    match name:
        case "blind" | "state only":
            return ConstantInputSorter(
                vocabulary, units, sees_state=name == "state only", **options
            )
        case "teacher-forced" | "attention":
            return TokenSorter(vocabulary, units, attention=name == "attention", **options)
    raise ValueError(f"name: is {name!r}, expected one of {', '.join(DECODERS)}")


@dataclass(frozen=True, slots=True)
class Course:
    """How a training went, seen from outside.

    Attributes:
        updates: after how many updates there was a look, `(K,)`.
        exact: the share of fresh sequences that were sorted without a mistake then, `(K,)`.
        losses: one an update, nats a token.
        errors: the share of wrong tokens at each position after the last update, `(N,)`.
    """

    updates: np.ndarray
    exact: np.ndarray
    losses: np.ndarray
    errors: np.ndarray


def follow(
    sorter: Any,
    lengths: Sequence[int],
    judged: int,
    *,
    updates: int,
    every: int = 25,
    batch: int = 64,
    learning_rate: float = 1e-2,
    fresh: int = 500,
    seed: int = 0,
    look: Callable[[int, float], None] | None = None,
) -> Course:
    """Train a sorter, and look at it every now and then.

    The learning rate rises for 30 updates and falls along a cosine to zero; gradients are clipped
    to a global norm of 1.

    Args:
        sorter: has `loss(x, y)`, `sort(x)`, `vocabulary` and `trainable_variables`.
        lengths: tokens of a sequence; each update draws one of these, for the whole batch.
        judged: tokens of the sequences that it is judged by.
        updates: how many, each on a batch that was never seen before.
        every: updates between two looks.
        batch: sequences of an update.
        learning_rate: at its highest.
        fresh: how many sequences to judge by; the same at every look, none of them trained on.
        seed: of all data.
        look: called with the number of updates and the exact match after each look.
    """
    variables = sorter.trainable_variables
    optimizer = tf.keras.optimizers.Adam(
        tf.keras.optimizers.schedules.CosineDecay(
            0.0, max(1, updates - 30), warmup_target=learning_rate, warmup_steps=30
        )
    )
    optimizer.build(variables)

    tokens = tf.TensorSpec([batch, None], tf.int64)

    def one_update(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = sorter.loss(x, y)
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        optimizer.apply(tf.clip_by_global_norm(gradients, 1.0)[0], variables)
        return loss

    update = tf.function(one_update, input_signature=[tokens, tokens])
    V = sorter.vocabulary
    x_fresh, y_fresh = tasks.token_sorting(fresh, judged, V, np.random.default_rng([seed, 10**6]))
    looks, exact, losses = [], [], []
    written = y_fresh
    for done in range(updates + 1):
        if done % every == 0 or done == updates:
            written = sorter.sort(x_fresh)
            looks.append(done)
            exact.append(exact_match(written, y_fresh))
            if look is not None:
                look(done, exact[-1])
        if done < updates:
            rng = np.random.default_rng([seed, done])
            x, y = tasks.token_sorting(batch, int(rng.choice(lengths)), V, rng)
            losses.append(float(update(tf.constant(x), tf.constant(y))))
    return Course(
        np.array(looks), np.array(exact), np.array(losses), errors_by_position(written, y_fresh)
    )


def probabilities_alone(sorter: Any, x: Sequence[int]) -> np.ndarray:
    """How likely each token was at each step, while a sorter wrote one sequence alone.

    Args:
        sorter: a `TokenSorter`.
        x: T tokens.

    Returns:
        `(T, V)`, rows that sum to 1; the largest entry of a row was written.

    >>> p = probabilities_alone(TokenSorter(9, 8, embedding=6), [3, 1, 2])
    >>> p.shape, [round(float(row.sum()), 3) for row in p]
    ((3, 9), [1.0, 1.0, 1.0])
    """
    tokens = tf.constant([list(x)], tf.int64)
    memory, state = sorter.read(tokens)
    step, written, last = sorter.step(memory), [], tf.constant([sorter.go], tf.int64)
    for _ in x:
        logits, state = step(last, state)
        last = tf.argmax(logits, axis=1)
        written.append(tf.nn.softmax(logits)[0].numpy())
    return np.array(written)


def errors_by_position(written: Any, target: Any) -> np.ndarray:
    """The share of wrong tokens at each place of a sequence.

    Args:
        written, target: `(B, N)`.

    >>> errors_by_position([[1, 2], [3, 4]], [[1, 2], [3, 5]]).tolist()
    [0.0, 0.5]
    """
    share: np.ndarray = np.mean(np.asarray(written) != np.asarray(target), axis=0)
    return share


def best_blind_guess(length: int, vocabulary: int) -> float:
    """How often a decoder that writes always the same is right at best.

    Of all sorted sequences those without repetition are the likeliest: each arises from all `N!`
    orders of its tokens, out of `V**N` sequences that can be drawn. (For N > V the likeliest
    sequence has all tokens about equally often.)

    >>> f"{best_blind_guess(6, 10):.5f}"
    '0.00072'
    """
    counts: Sequence[int] = [
        length // vocabulary + (k < length % vocabulary) for k in range(vocabulary)
    ]
    ways = factorial(length)
    for count in counts:
        ways //= factorial(count)
    return float(ways / vocabulary**length)
