"""Batches of sequences of different lengths: which entries count, and the last one that does.

All three functions work on NumPy arrays and on tensors; if any argument is a tensor, so is the
result. `lengths[b]` steps of sequence b count, the rest of the T is padding.
"""

from typing import Any

import numpy as np

from course_lib.shapes import LengthError, check_lengths, check_shape, float_array, is_tensor


def sequence_mask(lengths: Any, T: Any) -> Any:
    """True where a step belongs to its sequence, False in the padding.

    `mask[b, t] = t < lengths[b]`

    Args:
        lengths: `(B,)` integers from 0 to T.
        T: how many steps the padded batch has; an int, or a scalar tensor inside a graph.

    Returns:
        `(B, T)` booleans.

    Raises:
        LengthError: a length is negative or longer than T (a tensor's: in eager mode).

    >>> sequence_mask([1, 3], 3).astype(int)
    array([[1, 0, 0],
           [1, 1, 1]])
    """
    known_T = None if is_tensor(T) else int(T)
    _check(lengths, None, known_T, of="the mask")
    if is_tensor(lengths) or is_tensor(T):
        from course_lib.quiet import tf

        lengths = tf.convert_to_tensor(lengths)
        return tf.range(tf.cast(T, lengths.dtype)) < lengths[:, tf.newaxis]
    return np.arange(T) < np.asarray(lengths)[:, np.newaxis]


def masked_mean(loss: Any, lengths: Any) -> Any:
    """The mean of a loss over the steps that count: their sum divided by their number.

    Not the mean of per-sequence means, which would weigh a step of a short sequence more; and what
    stands in the padding has no influence, not even NaN.

    Args:
        loss: one number a step, `(B, T)`.
        lengths: `(B,)` integers from 0 to T, not all 0.

    Returns:
        A scalar.

    Raises:
        ShapeError, LengthError: shapes or lengths do not fit.

    >>> float(masked_mean(np.array([[1.0, 99.0], [2.0, 3.0]]), [1, 2]))
    2.0
    """
    batch, time = check_shape("loss", loss, ("batch", "time"))
    known = _check(lengths, batch, time, of="loss")
    if known is not None and not known.any():
        raise LengthError("lengths: every sequence has length 0, expected at least one step")
    if is_tensor(loss) or is_tensor(lengths):
        from course_lib.quiet import tf

        loss = tf.convert_to_tensor(loss)
        mask = sequence_mask(lengths, tf.shape(loss)[1] if time is None else time)
        kept = tf.where(mask, loss, tf.zeros_like(loss))
        return tf.reduce_sum(kept) / tf.reduce_sum(tf.cast(mask, loss.dtype))
    loss, mask = float_array("loss", loss), sequence_mask(lengths, time)
    return np.where(mask, loss, 0.0).sum() / mask.sum(dtype=loss.dtype)


def last_relevant(outputs: Any, lengths: Any) -> Any:
    """The output at each sequence's own last step: `outputs[b, lengths[b] - 1]`.

    Not `outputs[:, -1]`: for every sequence shorter than T, that is padding.

    Args:
        outputs: `(B, T, H)`.
        lengths: `(B,)` integers from 1 to T.

    Returns:
        `(B, H)`.

    Raises:
        ShapeError, LengthError: shapes or lengths do not fit.

    >>> last_relevant(np.array([[[1.0], [2.0], [0.0]], [[4.0], [5.0], [6.0]]]), [2, 3])
    array([[2.],
           [6.]])
    """
    batch, time, _ = check_shape("outputs", outputs, ("batch", "time", "hidden"))
    _check(lengths, batch, time, of="outputs", least=1)
    if is_tensor(outputs) or is_tensor(lengths):
        from course_lib.quiet import tf

        return tf.gather(outputs, tf.convert_to_tensor(lengths) - 1, axis=1, batch_dims=1)
    outputs, last = np.asarray(outputs), np.asarray(lengths) - 1
    return outputs[np.arange(len(last)), last]


def _check(lengths: Any, batch: Any, time: Any, of: str, least: int = 0) -> np.ndarray | None:
    """Check the lengths where they are known; a tensor's are not while a graph is traced."""
    if is_tensor(lengths):
        from course_lib.quiet import tf

        known = tf.get_static_value(lengths)
        if known is None:
            check_shape("lengths", lengths, ("batch",), batch=(batch, f"{of} has batch {batch}"))
            return None
        lengths = known
    return check_lengths("lengths", lengths, batch, time, of=of, least=least)
