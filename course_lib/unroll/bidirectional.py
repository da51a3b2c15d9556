"""Reading a sequence in both directions.

forward   h_t  = step_fw(x_t, h_{t-1})        from the first step to the last
backward  h'_t = step_bw(x_t, h'_{t+1})       from the last step to the first
the output at t is the pair (h_t, h'_t): it has seen the whole sequence
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.masking import last_relevant
from course_lib.quiet import tf
from course_lib.shapes import DTypeError, ShapeError, check_lengths, check_shape, is_tensor
from course_lib.unroll.dynamic import batch_to_time_major, dynamic_rnn


def reverse_sequences(x: Any, lengths: Any = None) -> Any:
    """Turn every sequence around within its own length; padding stays where it is.

    Args:
        x: `(B, T)` or `(B, T, ...)`, array or tensor.
        lengths: `(B,)` integers from 0 to T; by default T for all.

    Returns:
        An array or tensor like `x`. Doing it twice gives `x` back.

    Raises:
        ShapeError, LengthError: an argument does not fit.

    Source: `tf.reverse_sequence`, which seed 003's `bidirectional_dynamic_rnn` uses.

    >>> reverse_sequences(np.array([[1, 2, 3, 0], [1, 2, 3, 4]]), [3, 4])
    array([[3, 2, 1, 0],
           [4, 3, 2, 1]])
    """
    x = x if is_tensor(x) else np.asarray(x)
    if len(x.shape) < 2:
        raise ShapeError(f"x: has {len(x.shape)} axes, expected at least 2: (batch, time)")
    batch, time = x.shape[0], x.shape[1]
    if lengths is None:
        return tf.reverse(x, [1]) if is_tensor(x) else x[:, ::-1].copy()
    known = tf.get_static_value(lengths) if is_tensor(lengths) else lengths
    if known is not None:
        check_lengths("lengths", known, batch, time)
    else:
        check_shape("lengths", lengths, ("batch",), batch=(batch, f"x has batch {batch}"))
        if not lengths.dtype.is_integer:
            raise DTypeError(f"lengths: dtype is {lengths.dtype.name}, expected int32 or int64")

    if is_tensor(x) or is_tensor(lengths):
        return tf.reverse_sequence(x, tf.convert_to_tensor(lengths), seq_axis=1, batch_axis=0)
    # Step t of a sequence of length n comes from step n - 1 - t; padding comes from itself.
    steps = np.arange(time)
    ends = np.asarray(lengths)[:, np.newaxis]
    source = np.where(steps < ends, ends - 1 - steps, steps)
    return x[np.arange(batch)[:, np.newaxis], source]


def bidirectional_dynamic_rnn(
    step_fw: Callable[[Any, Any], tuple[Any, Any]],
    step_bw: Callable[[Any, Any], tuple[Any, Any]],
    x: Any,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    sequence_length: Any = None,
    time_major: bool = False,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Run one step forwards and another one backwards over a sequence.

    Args:
        step_fw, step_bw: two steps, each with weights of its own.
        x: `(B, T, D)`, or `(T, B, D)` with `time_major`.
        initial_state_fw, initial_state_bw: as in `dynamic_rnn`; the second is the state *after* the
            sequence, where the backward direction begins.
        sequence_length: `(B,)` integers from 0 to T; the backward direction begins at each
            sequence's own last step, never in the padding.
        time_major: whether time is the first axis of `x` and of the outputs.

    Returns:
        `((outputs_fw, outputs_bw), (state_fw, state_bw))`. Both outputs are `(B, T, H)` in the
        order of time: `outputs_bw[:, t]` belongs to `x[:, t]`, and the backward direction's last
        word, which has read everything, is `outputs_bw[:, 0]`.

    Raises:
        As `dynamic_rnn`; ValueError if both directions are given the very same cell.

    Source: Schuster and Paliwal 1997; `tf.nn.bidirectional_dynamic_rnn` in seed 003.

    >>> running_sum = lambda x, total: (total + x, total + x)
    >>> running_max = lambda x, top: (tf.maximum(top, x), tf.maximum(top, x))
    >>> x, zero = tf.constant([[[1.0], [4.0], [2.0]]]), tf.zeros([1, 1])
    >>> (fw, bw), _ = bidirectional_dynamic_rnn(running_sum, running_max, x, zero, zero)
    >>> fw.numpy().ravel().tolist(), bw.numpy().ravel().tolist()
    ([1.0, 5.0, 7.0], [4.0, 4.0, 2.0])
    """
    if step_fw is step_bw and hasattr(step_fw, "zero_state"):
        raise ValueError("step_bw: is the very cell of step_fw, expected one with its own weights")
    outputs_fw, state_fw = dynamic_rnn(
        step_fw, x, initial_state_fw, sequence_length, time_major=time_major
    )

    def turned(values: Any) -> Any:
        if not time_major:
            return reverse_sequences(values, sequence_length)
        return batch_to_time_major(reverse_sequences(batch_to_time_major(values), sequence_length))

    outputs_bw, state_bw = dynamic_rnn(
        step_bw, turned(x), initial_state_bw, sequence_length, time_major=time_major
    )
    return (outputs_fw, turned(outputs_bw)), (state_fw, state_bw)


def many_to_one(outputs_fw: Any, outputs_bw: Any, lengths: Any) -> Any:
    """One vector for a whole sequence: the last word of each direction, side by side.

    The forward direction has read everything at the sequence's own last step, the backward
    direction at the first; `outputs_bw[:, -1]` would have read a single step.

    Args:
        outputs_fw, outputs_bw: `(B, T, H)` each, as `bidirectional_dynamic_rnn` returns them.
        lengths: `(B,)` integers from 1 to T.

    Returns:
        `(B, 2H)`.

    Raises:
        ShapeError, LengthError: an argument does not fit.

    Source: seed 003, "A many-to-one example (code)".

    >>> many_to_one(np.array([[[1], [2], [0]]]), np.array([[[7], [8], [0]]]), [2])
    array([[2, 7]])
    """
    last_fw = last_relevant(outputs_fw, lengths)
    first_bw = (outputs_bw if is_tensor(outputs_bw) else np.asarray(outputs_bw))[:, 0]
    if is_tensor(last_fw) or is_tensor(first_bw):
        return tf.concat([last_fw, first_bw], axis=1)
    return np.concatenate([last_fw, first_bw], axis=1)
