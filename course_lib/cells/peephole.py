"""The peephole LSTM in NumPy: its gates also look at the cell state.

z = x_t kernel + h_{t-1} recurrent_kernel + bias
i = sigmoid(z_i + p_i * c_{t-1})       the old cell state, entry by entry
f = sigmoid(z_f + p_f * c_{t-1})
c_t = f * c_{t-1} + i * tanh(z_g)
o = sigmoid(z_o + p_o * c_t)           the output gate sees the new one
h_t = o * tanh(c_t)
"""

from typing import Any

import numpy as np

from course_lib.cells.gated import gated_arrays, sigmoid
from course_lib.cells.lstm import check_lstm_shapes
from course_lib.shapes import check_shape, float_array


def peephole_step(
    x: Any, h: Any, c: Any, kernel: Any, recurrent_kernel: Any, bias: Any, peepholes: Any
) -> tuple[np.ndarray, np.ndarray]:
    """One step of a peephole LSTM.

    Args:
        x: inputs of this step, `(B, D)`.
        h: hidden state before the step, `(B, H)`.
        c: cell state before the step, `(B, H)`.
        kernel: `(D, 4H)`, gates in the order i, f, g, o.
        recurrent_kernel: `(H, 4H)`, likewise.
        bias: `(4H,)`, likewise.
        peepholes: `(3, H)`, one row a gate: i, f, o. The candidate has none.

    Returns:
        `(h, c)` after the step, `(B, H)` each.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    Source: Gers, Schraudolph and Schmidhuber 2002; `use_peepholes` of TensorFlow 1's `LSTMCell`.

    >>> one, w = np.ones((1, 1)), np.zeros((1, 4))
    >>> h, c = peephole_step(one, one, one, w, w, np.zeros(4), [[0.0], [100.0], [0.0]])
    >>> c.round(4)  # the forget gate saw c = 1 and stays open
    array([[1.]])
    """
    x, h, c, kernel, recurrent_kernel, bias = gated_arrays(
        x, {"h": h, "c": c}, kernel, recurrent_kernel, bias
    )
    peepholes = float_array("peepholes", peepholes, kernel.dtype)
    check_lstm_shapes(x, h, c, kernel, recurrent_kernel, bias)
    check_peepholes(peepholes, h.shape[1])

    z = x @ kernel + h @ recurrent_kernel + bias
    z_i, z_f, z_g, z_o = np.split(z, 4, axis=1)
    p_i, p_f, p_o = peepholes
    i, f = sigmoid(z_i + p_i * c), sigmoid(z_f + p_f * c)
    c = f * c + i * np.tanh(z_g)
    o = sigmoid(z_o + p_o * c)
    h = o * np.tanh(c)
    return h, c


def check_peepholes(peepholes: Any, hidden: Any) -> None:
    """Check `(3, H)`; shared with the TensorFlow cell."""
    check_shape(
        "peepholes",
        peepholes,
        ("gates", "hidden"),
        gates=(3, "i, f and o"),
        hidden=(hidden, "the rows of recurrent_kernel"),
    )
