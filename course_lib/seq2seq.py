"""From a sequence to a sequence: an encoder's last state is where a decoder begins.

    encoder    s_t = step(x_t, s_{t-1})                              reads
    decoder    logits_t, d_t = step(token_{t-1}, d_{t-1}), d_0 = s_T   writes

`token_{t-1}` is the right one while training (teacher forcing) and the decoder's own when it is on
its own (greedy, or the best of several by beam search). Before the first token stands GO.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.quiet import tf
from course_lib.shapes import check_shape, is_tensor
from course_lib.unroll.dynamic import batch_to_time_major, dynamic_rnn

Step = Callable[[Any, Any], tuple[Any, Any]]


def encode(step: Step, x: Any, initial_state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
    """Read a sequence.

    Args:
        step: a cell.
        x: `(B, T, D)`.
        initial_state: zeros by default.
        lengths: `(B,)`; by default T for all.

    Returns:
        The outputs, `(B, T, H)` (what attention looks at), and the state at each sequence's end
        (where the decoder begins).

    Source: seed 003, "Many-to-one-to-many example code"; Sutskever, Vinyals and Le 2014.

    >>> from course_lib import LSTMCell
    >>> outputs, state = encode(LSTMCell(5, input_size=3), tf.zeros([2, 7, 3]))
    >>> outputs.shape.as_list(), state.c.shape.as_list()
    ([2, 7, 5], [2, 5])
    """
    return dynamic_rnn(step, x, initial_state, lengths)


def shift_right(y: Any, go: int) -> Any:
    """What a decoder reads while it is taught: GO, then the target without its last token.

    Args:
        y: targets, `(B, T)` whole numbers; array or tensor.
        go: the token that means "begin"; not one of the targets' tokens.

    Returns:
        `(B, T)` of the same kind: at every step the token *before* the one to be predicted.

    Raises:
        ValueError: GO occurs among the targets (checked where their values are known).
        ShapeError: `y` does not have two axes.

    >>> shift_right(np.array([[1, 2, 3]]), go=9)
    array([[9, 1, 2]])
    """
    y = y if is_tensor(y) else np.asarray(y)
    check_shape("y", y, ("batch", "time"))
    known = tf.get_static_value(y) if is_tensor(y) else y
    if known is not None and (known == go).any():
        raise ValueError(f"go: is {go}, which is a token of the targets; choose one that is not")
    if is_tensor(y):
        return tf.concat([tf.fill([tf.shape(y)[0], 1], tf.cast(go, y.dtype)), y[:, :-1]], axis=1)
    return np.concatenate([np.full((len(y), 1), go, y.dtype), y[:, :-1]], axis=1)


def decode_teacher_forced(step: Step, state: Any, y: Any, go: int) -> tuple[Any, Any]:
    """Decode with the right tokens as inputs: for training.

    Args:
        step: `step(tokens, state) -> (logits, state)`: `(B,)` tokens to `(B, V)` logits.
        state: the encoder's.
        y: targets, `(B, T)`.
        go: the token that means "begin".

    Returns:
        Logits, `(B, T, V)`, where `logits[:, t]` predicts `y[:, t]`; and the last state.

    Source: Williams and Zipser 1989 (teacher forcing).

    >>> step = lambda tokens, state: (tf.one_hot(tokens, 4), state)
    >>> logits, _ = decode_teacher_forced(step, tf.zeros([1, 1]), tf.constant([[2, 1]]), go=3)
    >>> tf.argmax(logits, axis=2).numpy()  # it says what it was told
    array([[3, 2]])
    """
    inputs = batch_to_time_major(tf.convert_to_tensor(shift_right(y, go)))
    time, batch = inputs.shape
    steps = tf.shape(inputs)[0] if time is None else time
    tokens = tf.TensorArray(inputs.dtype, size=steps).unstack(inputs)
    state = tf.nest.map_structure(tf.convert_to_tensor, state)
    written = tf.TensorArray(tf.nest.flatten(state)[0].dtype, size=steps)

    def body(t: Any, state: Any, written: Any) -> tuple[Any, Any, Any]:
        logits, state = step(tokens.read(t), state)
        return t + 1, state, written.write(t, logits)

    _, state, written = tf.while_loop(
        lambda t, *_: t < steps,
        body,
        (tf.constant(0), state, written),
        maximum_iterations=steps,
    )
    logits = written.stack()
    logits.set_shape([time, batch, *logits.shape[2:]])
    return batch_to_time_major(logits), state


def decode_greedy(step: Step, state: Any, go: int, T: int) -> tuple[Any, Any]:
    """Decode alone: the likeliest token of each step is the input of the next.

    Args:
        step: `step(tokens, state) -> (logits, state)`: `(B,)` tokens to `(B, V)` logits.
        state: the encoder's; a tensor or a nested tuple of tensors with batch first.
        go: the token that means "begin".
        T: how many tokens to write.

    Returns:
        Tokens, `(B, T)` int64, and the last state.

    Raises:
        ValueError: T is not positive.

    >>> step = lambda tokens, state: (tf.one_hot((tokens + 1) % 4, 4), state)
    >>> decode_greedy(step, tf.zeros([2, 1]), go=0, T=5)[0].numpy()
    array([[1, 2, 3, 0, 1],
           [1, 2, 3, 0, 1]])
    """
    _check_steps(T)
    state = tf.nest.map_structure(tf.convert_to_tensor, state)
    batch = tf.shape(tf.nest.flatten(state)[0])[0]

    def body(t: Any, tokens: Any, state: Any, written: Any) -> tuple[Any, Any, Any, Any]:
        logits, state = step(tokens, state)
        tokens = tf.argmax(logits, axis=1)
        return t + 1, tokens, state, written.write(t, tokens)

    start = (
        tf.constant(0),
        tf.fill([batch], tf.cast(go, tf.int64)),
        state,
        tf.TensorArray(tf.int64, size=T),
    )
    _, _, state, written = tf.while_loop(lambda t, *_: t < T, body, start, maximum_iterations=T)
    return tf.transpose(written.stack()), state


def beam_search(
    step: Step, state: Any, width: int, T: int, *, go: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the `width` most probable beginnings at every step, and return the best endings.

        score(beginning + token) = score(beginning) + log softmax(logits)[token]

    Sums of logarithms, because products of many probabilities vanish. When a beam is replaced by
    the continuation of another, its state is replaced as well.

    Args:
        step: `step(tokens, state) -> (logits, state)`: `(N,)` tokens to `(N, V)` logits, for any N.
        state: the encoder's; a tensor, or a nested tuple of tensors, with batch first.
        width: how many beginnings to keep; 1 is greedy decoding.
        T: how many tokens to write.
        go: the token that means "begin".

    Returns:
        Tokens, `(B, width, T)` int64, best first, and their log-probabilities, `(B, width)`. Where
        there are fewer than `width` sequences at all, the missing ones score minus infinity.

    Raises:
        ValueError: `width` or T is not positive.

    Source: Graves 2012 (Sequence Transduction), section 2.4; Sutskever, Vinyals and Le 2014, 3.2.

    >>> table = tf.math.log([[0.6, 0.4], [0.5, 0.5], [0.6, 0.4]])  # after 0, after 1, after GO
    >>> step = lambda tokens, state: (tf.gather(table, tokens), state)
    >>> tokens, scores = beam_search(step, tf.zeros([1, 1]), width=2, T=2, go=2)
    >>> tokens[0, 0].tolist(), round(float(np.exp(scores[0, 0])), 2)
    ([0, 0], 0.36)
    """
    _check_steps(T)
    if width < 1:
        raise ValueError(f"width: is {width}, expected at least 1")
    state = tf.nest.map_structure(tf.convert_to_tensor, state)
    batch = int(tf.nest.flatten(state)[0].shape[0])

    # All beams of all sequences go through the step together: row b * width + w is beam w of b.
    state = tf.nest.map_structure(lambda s: tf.repeat(s, width, axis=0), state)
    tokens = np.full((batch, width, 0), go, dtype=np.int64)
    last = np.full(batch * width, go, dtype=np.int64)
    scores = np.full((batch, width), -np.inf)
    scores[:, 0] = 0.0  # at first all beams are alike: only one may count
    rows = np.arange(batch)[:, np.newaxis]
    for _ in range(T):
        logits, state = step(tf.convert_to_tensor(last), state)
        log_p = np.asarray(tf.nn.log_softmax(tf.cast(logits, tf.float64)))
        vocabulary = log_p.shape[1]
        candidates = scores[:, :, np.newaxis] + log_p.reshape(batch, width, vocabulary)
        candidates = candidates.reshape(batch, width * vocabulary)
        best = np.argsort(-candidates, axis=1, kind="stable")[:, :width]
        scores = candidates[rows, best]
        beams, chosen = best // vocabulary, best % vocabulary
        tokens = np.concatenate([tokens[rows, beams], chosen[:, :, np.newaxis]], axis=2)
        sources = (rows * width + beams).ravel()
        state = tf.nest.map_structure(lambda s, k=sources: tf.gather(s, k), state)
        last = chosen.ravel()
    return tokens, scores


def exact_match(pred: Any, target: Any) -> float:
    """The share of sequences that are right from the first token to the last.

    Args:
        pred, target: `(B, T)`.

    Raises:
        ShapeError: the shapes differ.

    >>> exact_match([[1, 2], [3, 4]], [[1, 2], [3, 5]])  # 3 of 4 tokens, 1 of 2 sequences
    0.5
    """
    pred, target = np.asarray(pred), np.asarray(target)
    batch, time = check_shape("target", target, ("batch", "time"))
    check_shape(
        "pred",
        pred,
        ("batch", "time"),
        batch=(batch, f"target has batch {batch}"),
        time=(time, f"target has time {time}"),
    )
    return float((pred == target).all(axis=1).mean())


def _check_steps(T: int) -> None:
    if T < 1:
        raise ValueError(f"T: is {T}, expected at least 1")
