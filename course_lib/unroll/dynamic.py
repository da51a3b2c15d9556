"""Dynamic unrolling: one loop in the graph, for sequences of any and of different lengths.

While a sequence lasts, y_t, h_t = step(x_t, h_{t-1}). Past its end, y_t = 0 and h_t = h_{t-1}:
the output is zero and the state frozen, so the final state is the one at each sequence's own end.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.quiet import tf
from course_lib.shapes import (
    DTypeError,
    ShapeError,
    check_lengths,
    check_no_nan,
    check_shape,
    is_tensor,
    shape_of,
)


def batch_to_time_major(x: Any) -> Any:
    """Swap the first two axes: `(B, T, ...)` to `(T, B, ...)`, or back.

    Args:
        x: array or tensor with at least two axes.

    Returns:
        The same kind with its first two axes swapped.

    Raises:
        ShapeError: there are fewer than two axes.

    >>> batch_to_time_major(np.zeros((3, 7, 2))).shape
    (7, 3, 2)
    """
    x = x if is_tensor(x) else np.asarray(x)
    rank = len(x.shape)
    if rank < 2:
        raise ShapeError(f"x: has {rank} axes, expected at least 2: (batch, time)")
    if not is_tensor(x):
        return np.swapaxes(x, 0, 1)
    return tf.transpose(x, [1, 0, *range(2, rank)])


def dynamic_rnn(
    step: Callable[[Any, Any], tuple[Any, Any]],
    x: Any,
    initial_state: Any = None,
    sequence_length: Any = None,
    time_major: bool = False,
) -> tuple[Any, Any]:
    """Run a step over a sequence with `tf.while_loop`; eager, in `tf.function`, and differentiable.

    It computes what this Python loop does, for every sequence b of the batch::

        for t in range(T):
            if t < sequence_length[b]:
                y[b, t], state[b] = step(x[b, t], state[b])
            else:
                y[b, t] = 0  # and state[b] stays as it is

    Args:
        step: `step(x, state) -> (output, state)`, a function or a cell: `(B, D)` and a state to
            `(B, H)` and a state of the same structure, shapes and dtypes.
        x: `(B, T, D)`, or `(T, B, D)` with `time_major`. B and T may be unknown in a graph.
        initial_state: a tensor or a nested tuple of tensors, `(B, H)` each. By default
            `step.zero_state(B)`, if the step is a cell that has it.
        sequence_length: `(B,)` integers from 0 to T; by default every sequence has length T.
        time_major: whether time is the first axis of `x` and of the outputs.

    Returns:
        The outputs, `(B, T, H)` (or `(T, B, H)`), and the state at the end of each sequence.

    Raises:
        ShapeError, DTypeError: an argument does not fit; the error names it and the axis.
        LengthError: a length is negative or longer than T. Checked where the lengths are known:
            always in eager mode, in a graph if they are constants.
        ValueError: there is no initial state, or `x` holds NaN (checked in eager mode).

    Source: `tf.nn.dynamic_rnn` as seeds 000, 001 and 003 use it.

    >>> running_sum = lambda x, total: (total + x, total + x)
    >>> x = tf.constant([[[1.0], [2.0], [4.0]], [[1.0], [2.0], [4.0]]])
    >>> outputs, state = dynamic_rnn(running_sum, x, tf.zeros([2, 1]), sequence_length=[3, 2])
    >>> outputs.numpy()[:, :, 0].tolist(), state.numpy()[:, 0].tolist()
    ([[1.0, 3.0, 7.0], [1.0, 3.0, 0.0]], [7.0, 3.0])
    """
    axes = ("time", "batch", "features") if time_major else ("batch", "time", "features")
    x = _input_tensor(x, step, axes)
    xs = x if time_major else batch_to_time_major(x)
    time, batch = xs.shape[0], xs.shape[1]  # None where unknown while tracing
    time_steps = tf.shape(xs)[0] if time is None else time
    batch_size = tf.shape(xs)[1] if batch is None else batch

    state = _initial_state(step, initial_state, batch, batch_size, x.dtype)
    lengths = None
    if sequence_length is not None:
        lengths = _length_tensor(sequence_length, batch, time)

    inputs = tf.TensorArray(x.dtype, size=time_steps).unstack(xs)
    # As in the seeds' function, outputs have the dtype of the state.
    outputs = tf.TensorArray(tf.nest.flatten(state)[0].dtype, size=time_steps)

    def body(t: Any, state: Any, outputs: Any) -> tuple[Any, Any, Any]:
        output, new_state = step(inputs.read(t), state)
        _check_new_state(state, new_state)
        if lengths is not None:
            alive = t < lengths
            output = _where(alive, output, tf.zeros_like(output))
            new_state = tf.nest.map_structure(lambda n, o: _where(alive, n, o), new_state, state)
        return t + 1, new_state, outputs.write(t, output)

    # What a later step does without the state, such as x_t W, may be computed long before its turn.
    # maximum_iterations tells XLA how much memory the gradient of the loop needs.
    _, state, outputs = tf.while_loop(
        lambda t, *_: t < time_steps,
        body,
        (tf.constant(0), state, outputs),
        parallel_iterations=time or 32,
        maximum_iterations=time_steps,
    )
    stacked = outputs.stack()
    stacked.set_shape([time, batch, *stacked.shape[2:]])
    return (stacked if time_major else batch_to_time_major(stacked)), state


def _input_tensor(x: Any, step: Any, axes: tuple[str, ...]) -> Any:
    """`x` as a tensor with the right axes; lists and integers take the dtype of the cell."""
    if not tf.is_tensor(x):
        shape_of("x", x)  # words the error for ragged lists
        array = np.asarray(x)
        plain = not np.issubdtype(array.dtype, np.floating) or not isinstance(x, np.ndarray)
        x = tf.convert_to_tensor(array, getattr(step, "dtype", tf.float32) if plain else None)
    check_shape("x", x, axes)
    if tf.executing_eagerly() and x.dtype.is_floating:
        check_no_nan("x", x.numpy(), axes)
    return tf.convert_to_tensor(x)


def _initial_state(step: Any, given: Any, batch: int | None, batch_size: Any, dtype: Any) -> Any:
    """The state to start from, checked against the batch of `x`."""
    if given is None:
        if not hasattr(step, "zero_state"):
            raise ValueError("initial_state: is missing, and the step has no zero_state to ask")
        return step.zero_state(batch_size)
    state = tf.nest.map_structure(
        lambda s: tf.convert_to_tensor(s, None if is_tensor(s) else dtype), given
    )
    for part in tf.nest.flatten(state):
        if part.shape.rank == 0:  # a number for the whole batch, like a count of steps
            continue
        rows = part.shape[0] if part.shape.rank is not None else None
        if rows is not None and batch is not None and rows != batch:
            raise ShapeError(
                f"initial_state: batch is {rows}, expected {batch} (x has batch {batch})"
            )
    return state


def _length_tensor(given: Any, batch: int | None, time: int | None) -> Any:
    """The lengths as int32 `(B,)`, checked as far as they are known."""
    given = tf.convert_to_tensor(given) if tf.is_tensor(given) else given
    known = tf.get_static_value(given) if tf.is_tensor(given) else given
    if known is not None:
        check_lengths("sequence_length", known, batch, time)
        return tf.cast(tf.convert_to_tensor(given), tf.int32)
    check_shape("sequence_length", given, ("batch",), batch=(batch, f"x has batch {batch}"))
    if not given.dtype.is_integer:
        raise DTypeError(f"sequence_length: dtype is {given.dtype.name}, expected int32 or int64")
    return tf.cast(given, tf.int32)


def _where(alive: Any, new: Any, old: Any) -> Any:
    """`new` for the sequences that are alive, `old` for the others; `alive` is `(B,)`."""
    if new.shape.rank == 0:  # one number for the whole batch cannot be frozen for a part of it
        return new
    return tf.where(tf.reshape(alive, [-1] + [1] * (new.shape.rank - 1)), new, old)


def _check_new_state(old: Any, new: Any) -> None:
    """A step must hand back a state like the one it got, or the loop cannot go on."""
    try:
        tf.nest.assert_same_structure(old, new)
    except (ValueError, TypeError):
        raise ShapeError(
            f"state: the step returned {_describe(new)}, expected {_describe(old)} as it was given"
        ) from None
    for before, after in zip(tf.nest.flatten(old), tf.nest.flatten(new), strict=True):
        after = tf.convert_to_tensor(after)
        if not before.shape.is_compatible_with(after.shape):
            raise ShapeError(
                f"state: the step returned shape {tuple(after.shape)}, expected "
                f"{tuple(before.shape)} as it was given"
            )
        if before.dtype != after.dtype:
            raise DTypeError(
                f"state: the step returned dtype {after.dtype.name}, expected {before.dtype.name}"
            )


def _describe(state: Any) -> str:
    return "one tensor" if tf.is_tensor(state) else f"a {type(state).__name__} of {len(state)}"
