"""A state carried from window to window: as a tuple of LSTM states, or as one big array.

    packed[l, 0] = c of layer l,    packed[l, 1] = h of layer l        (L, 2, B, H)

Both functions work on NumPy arrays and tensors and return the kind they were given.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from course_lib.cells.state import LSTMStateTuple
from course_lib.shapes import ShapeError, check_shape, is_tensor


def pack_state(states: Sequence[Any]) -> Any:
    """Put the states of L layers into one `(L, 2, B, H)`: first c, then h.

    Args:
        states: L pairs `(c, h)`, `(B, H)` each.

    Raises:
        ShapeError: a state has another shape than the first.

    Source: seed 002, "why not save the whole state in a big tensor?"

    >>> pack_state([LSTMStateTuple(np.zeros((5, 4)), np.ones((5, 4)))] * 3).shape
    (3, 2, 5, 4)
    """
    if len(states) == 0:
        raise ShapeError("states: layers is 0, expected at least 1")
    batch, hidden = check_shape("states[0].c", states[0][0], ("batch", "hidden"))
    for layer, state in enumerate(states):
        if len(state) != 2:
            raise ShapeError(f"states[{layer}]: has {len(state)} parts, expected 2: (c, h)")
        for part, value in zip("ch", state, strict=True):
            check_shape(
                f"states[{layer}].{part}",
                value,
                ("batch", "hidden"),
                batch=(batch, f"states[0].c has batch {batch}"),
                hidden=(hidden, f"states[0].c has hidden {hidden}"),
            )
    if any(is_tensor(part) for state in states for part in state):
        from course_lib.quiet import tf

        return tf.stack([tf.stack([c, h]) for c, h in states])
    return np.stack([np.stack([np.asarray(c), np.asarray(h)]) for c, h in states])


def unpack_state(packed: Any) -> tuple[LSTMStateTuple, ...]:
    """Take `(L, 2, B, H)` apart into L times `LSTMStateTuple(c, h)`.

    Raises:
        ShapeError: the array does not have these axes.

    Source: seed 002, which unpacks its placeholder in this way.

    >>> c, h = unpack_state(np.arange(12).reshape(3, 2, 1, 2))[1]
    >>> c, h
    (array([[4, 5]]), array([[6, 7]]))
    """
    packed = packed if is_tensor(packed) else np.asarray(packed)
    layers, _, _, _ = check_shape(
        "packed", packed, ("layers", "parts", "batch", "hidden"), parts=(2, "c and h")
    )
    if layers is None:
        raise ShapeError("packed: layers is unknown while tracing, so it cannot be taken apart")
    return tuple(LSTMStateTuple(c=packed[k, 0], h=packed[k, 1]) for k in range(layers))
