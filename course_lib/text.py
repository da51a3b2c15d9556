"""Text as numbers, a language model's batches and score, and text drawn from a model.

p(next character) = softmax(logits / temperature)
bits per character = mean of -log2 p(the character that came)
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_lib.shapes import DTypeError, ShapeError, check_shape, float_array

Step = Callable[[Any, Any], tuple[Any, Any]]


def make_vocabulary(text: str) -> str:
    """Every character of a text once, in a fixed order; its place is its id.

    >>> make_vocabulary("hello")
    'ehlo'
    """
    return "".join(sorted(set(text)))


def text_to_ids(text: str, vocab: str) -> np.ndarray:
    """The ids of a text's characters, `(T,)` int64.

    Raises:
        ValueError: a character is not in the vocabulary.

    >>> text_to_ids("hello", "ehlo")
    array([1, 0, 2, 2, 3])
    """
    places = {character: k for k, character in enumerate(vocab)}
    if missing := sorted(set(text) - set(vocab)):
        raise ValueError(f"text: holds {missing[0]!r}, which is not in the vocabulary {vocab!r}")
    return np.array([places[character] for character in text], dtype=np.int64)


def ids_to_text(ids: Sequence[int] | np.ndarray, vocab: str) -> str:
    """The text that some ids stand for.

    >>> ids_to_text([1, 0, 2, 2, 3], "ehlo")
    'hello'
    """
    return "".join(vocab[int(k)] for k in ids)


def one_hot_text(text: str, vocab: str) -> np.ndarray:
    """A text as rows with a single 1, `(T, V)` float32.

    Args:
        text: T characters.
        vocab: V characters, each once.

    Raises:
        ValueError: a character is not in the vocabulary. A row of zeros, as `tf.one_hot` gives in
            the seed for bytes over 127, would hide that.

    Source: seed 003, which one-hot encodes its characters with depth 128.

    >>> one_hot_text("ca", "abc")
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    return np.eye(len(vocab), dtype=np.float32)[text_to_ids(text, vocab)]


def one_hot_bytes(x: Any, depth: int = 128) -> np.ndarray:
    """Bytes `(..., )` as one-hot vectors `(..., depth)` float32.

    Raises:
        ValueError: a byte is not under `depth`; the seed turns such bytes into zeros in silence.
        DTypeError: these are no whole numbers.

    Source: seed 003, "A many-to-one example (code)".

    >>> one_hot_bytes(np.frombuffer(b"ab", np.uint8)).argmax(axis=1)
    array([97, 98])
    """
    x = np.asarray(x)
    if not np.issubdtype(x.dtype, np.integer):
        raise DTypeError(f"x: dtype is {x.dtype}, expected whole numbers (uint8)")
    if x.size and (x.min() < 0 or x.max() >= depth):
        worst = x.max() if x.max() >= depth else x.min()
        raise ValueError(f"x: holds {worst}, expected 0 to {depth - 1} (depth is {depth})")
    encoded: np.ndarray = np.eye(depth, dtype=np.float32)[x]
    return encoded


def language_model_batches(ids: Any, batch: int, T: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut a text into B rows and these into windows; the target is the next character.

    Row b of every window goes on where row b of the window before ended, so that a state can be
    carried along. The few characters that fill no whole row are left at the end, unused; the last
    window is shorter where T does not divide the rows.

    Args:
        ids: `(length,)`.
        batch: B rows.
        T: characters of a window.

    Returns:
        Pairs of inputs and targets, `(B, T)` each: `targets[b, t]` is the character after
        `inputs[b, t]`, at the edges of windows too.

    Raises:
        ShapeError: `ids` has more than one axis, or is too short for B rows.

    >>> inputs, targets = language_model_batches(np.arange(13), batch=2, T=3)[0]
    >>> inputs.tolist(), targets.tolist()
    ([[0, 1, 2], [6, 7, 8]], [[1, 2, 3], [7, 8, 9]])
    """
    ids = np.asarray(ids)
    (length,) = check_shape("ids", ids, ("time",))
    columns = (length - 1) // batch  # one character is needed as the target of the last
    if batch < 1 or T < 1:
        raise ValueError(f"batch is {batch} and T is {T}, expected at least 1")
    if columns < 1:
        raise ShapeError(f"ids: time is {length}, expected at least {batch + 1} for {batch} rows")
    inputs = ids[: batch * columns].reshape(batch, columns)
    targets = ids[1 : batch * columns + 1].reshape(batch, columns)
    return [(inputs[:, t : t + T], targets[:, t : t + T]) for t in range(0, columns, T)]


def sample(logits: Any, temperature: float, rng: np.random.Generator) -> Any:
    """Draw one id, or one for each row, from `softmax(logits / temperature)`.

    Args:
        logits: `(V,)` or `(B, V)`.
        temperature: below 1 prefers the likely, above 1 evens out; towards 0 it is the argmax.
        rng: draws one uniform number a row.

    Returns:
        An int, or `(B,)` int64.

    Raises:
        ValueError: the temperature is not positive, or a logit is NaN.

    Source: seed 003, `generate_text` (which draws counts and uses them as an id).

    >>> sample([0.0, 100.0, 0.0], 1.0, np.random.default_rng(0))
    1
    """
    if not temperature > 0:
        raise ValueError(f"temperature: is {temperature}, expected more than 0")
    # float64: the probabilities of a float32 softmax need not sum to 1 closely enough.
    rows = np.atleast_2d(float_array("logits", logits).astype(np.float64))
    check_shape("logits", rows, ("batch", "vocabulary"))
    if np.isnan(rows).any():
        raise ValueError(f"logits: is NaN in row {int(np.argwhere(np.isnan(rows))[0][0])}")
    scaled = rows / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    cumulative = np.cumsum(np.exp(scaled), axis=1)
    thresholds = rng.random(len(rows)) * cumulative[:, -1]
    # The first id whose cumulated probability exceeds the draw: never one of probability 0.
    ids = (cumulative <= thresholds[:, np.newaxis]).sum(axis=1)
    return int(ids[0]) if np.ndim(logits) == 1 else ids


def generate_text(
    step: Step,
    state: Any,
    prime: str,
    length: int,
    rng: np.random.Generator,
    *,
    vocab: str,
    temperature: float = 1.0,
) -> str:
    """Let a model write: read the prime, then feed every drawn character back.

    Args:
        step: `step(ids, state) -> (logits, state)`: `(1,)` ids to `(1, V)` logits.
        state: before the first character of the prime.
        prime: at least one character; all are read before the first is drawn.
        length: how many characters to draw.
        rng: for the draws.
        vocab: the characters of the ids.
        temperature: as in `sample`.

    Returns:
        The drawn characters, without the prime.

    Raises:
        ValueError: the prime is empty or holds an unknown character.

    Source: seed 003, "A many-to-many example (text generating)".

    >>> cycle = lambda ids, state: (100 * np.eye(3)[(ids + 1) % 3], state)
    >>> generate_text(cycle, None, "a", 5, np.random.default_rng(0), vocab="abc")
    'bcabc'
    """
    if not prime:
        raise ValueError("prime: is empty, expected at least one character to begin with")
    logits = None
    for k in text_to_ids(prime, vocab):
        logits, state = step(np.array([k]), state)
    drawn: list[int] = []
    while len(drawn) < length:
        drawn.append(sample(np.asarray(logits)[0], temperature, rng))
        logits, state = step(np.array([drawn[-1]]), state)
    return ids_to_text(drawn, vocab)


def bits_per_character(logits: Any, ids: Any) -> float:
    """How many bits a text costs, a character, with a model's predictions.

    Args:
        logits: `(B, T, V)`; `logits[b, t]` is the prediction after reading `ids[b, t]`, so it is
            about `ids[b, t + 1]`.
        ids: `(B, T)`, what was read.

    Returns:
        The mean over the T - 1 characters of each row that were predicted, in bits (nats / ln 2).
        Knowing nothing costs log2(V).

    Raises:
        ShapeError: shapes do not fit, or T is 1 and nothing was predicted.

    >>> round(bits_per_character(np.zeros((1, 5, 8)), np.zeros((1, 5), int)), 6)
    3.0
    """
    logits, ids = float_array("logits", logits).astype(np.float64), np.asarray(ids)
    batch, time, _ = check_shape("logits", logits, ("batch", "time", "vocabulary"))
    check_shape(
        "ids",
        ids,
        ("batch", "time"),
        batch=(batch, f"logits has batch {batch}"),
        time=(time, f"logits has time {time}"),
    )
    if time < 2:
        raise ShapeError("ids: time is 1, expected at least 2: nothing was predicted")
    shifted = logits - logits.max(axis=2, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    came = np.take_along_axis(log_p[:, :-1], ids[:, 1:, np.newaxis], axis=2)
    return float(-came.mean() / np.log(2))
