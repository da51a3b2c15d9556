"""The state of an LSTM, with names: which part is which is the classic confusion."""

from typing import Any, NamedTuple


class LSTMStateTuple(NamedTuple):
    """`(c, h)` in this order: `c` is the cell state, `h` the hidden state, which is the output.

    Both are `(B, H)`. The name and the order are those of TensorFlow 1 (seeds 001 and 002). Beware:
    functions of this course take and return `h` before `c`; only this tuple has `c` first.

    >>> state = LSTMStateTuple(c=1.0, h=2.0)
    >>> state.h, state[0]
    (2.0, 1.0)
    """

    c: Any
    h: Any
