"""The LSTM in NumPy, gate by gate.

z = x_t kernel + h_{t-1} recurrent_kernel + bias        four blocks of H columns
i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)      input, forget and output gate
g = tanh(z_g)                                           candidate
c_t = f * c_{t-1} + i * g                               cell state
h_t = o * tanh(c_t)                                     hidden state, the output
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from course_lib.cells.gated import check_gated_weights, check_inputs, gated_arrays, sigmoid
from course_lib.shapes import ShapeError, check_shape, float_array


def lstm_step(
    x: Any, h: Any, c: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[np.ndarray, np.ndarray]:
    """One step of an LSTM.

    Args:
        x: inputs of this step, `(B, D)`.
        h: hidden state before the step, `(B, H)`.
        c: cell state before the step, `(B, H)`.
        kernel: `(D, 4H)`, gates in the order i, f, g, o.
        recurrent_kernel: `(H, 4H)`, likewise.
        bias: `(4H,)`, likewise.

    Returns:
        `(h, c)` after the step, `(B, H)` each; `h` is the output.

    Raises:
        ShapeError: an axis does not fit; the error names it.
        ValueError: `x`, `h` or `c` holds NaN.

    Source: Hochreiter and Schmidhuber 1997 with the forget gate of Gers, Schmidhuber and Cummins
    2000; seed 001. The layout is that of `keras.layers.LSTM`.

    >>> one = np.ones((1, 1))
    >>> h, c = lstm_step(one, 0 * one, one, np.zeros((1, 4)), np.zeros((1, 4)), np.zeros(4))
    >>> c, h.round(4)  # every gate half open: half of c is kept
    (array([[0.5]]), array([[0.2311]]))
    """
    x, h, c, kernel, recurrent_kernel, bias = gated_arrays(
        x, {"h": h, "c": c}, kernel, recurrent_kernel, bias
    )
    check_lstm_shapes(x, h, c, kernel, recurrent_kernel, bias)

    z = x @ kernel + h @ recurrent_kernel + bias
    z_i, z_f, z_g, z_o = np.split(z, 4, axis=1)
    i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)
    g = np.tanh(z_g)
    c = f * c + i * g
    h = o * np.tanh(c)
    return h, c


def lstm_sequence(
    x: Any, h0: Any, c0: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An LSTM over a whole sequence: both parts of the state are handed on.

    Args:
        x: `(B, T, D)`.
        h0: hidden state before the first step, `(B, H)`.
        c0: cell state before the first step, `(B, H)`.
        kernel, recurrent_kernel, bias: as in `lstm_step`.

    Returns:
        The outputs, `(B, T, H)` (they are the hidden states), and the last `h` and `c`.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    >>> x, zero = np.ones((2, 3, 4)), np.zeros((2, 5))
    >>> weights = np.ones((4, 20)), np.ones((5, 20)), np.ones(20)
    >>> outputs, h, c = lstm_sequence(x, zero, zero, *weights)
    >>> outputs.shape, bool((outputs[:, -1] == h).all())
    ((2, 3, 5), True)
    """
    x = float_array("x", x, float_array("kernel", kernel).dtype)
    _, time, _ = check_shape("x", x, ("batch", "time", "features"))
    h, c, outputs = h0, c0, []
    for t in range(time):
        h, c = lstm_step(x[:, t], h, c, kernel, recurrent_kernel, bias)
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c


def lstm_parameter_count(D: int, H: int) -> int:
    """How many parameters an LSTM has: four gates, each with (D + H) x H weights and H biases.

    Source: seed 001, whose cell (D = 2, H = 10) has one kernel (12, 40) and 40 biases.

    >>> lstm_parameter_count(2, 10)
    520
    """
    return 4 * (H * (D + H) + H)


def reorder_gates(
    w: Any, order_from: Sequence[str] = "ijfo", order_to: Sequence[str] = "ifgo"
) -> np.ndarray:
    """Put the gates' blocks of columns into another order.

    Args:
        w: `(..., gates * H)`: a kernel, a recurrent kernel or a bias.
        order_from: the order in `w`, one letter a gate. TensorFlow 1 has `"ijfo"`.
        order_to: the order wanted. This course, Keras and PyTorch have `"ifgo"` for an LSTM.
            TensorFlow 1 calls the candidate j, Keras g (or c): the three letters mean the same.

    Returns:
        An array like `w`. Nothing is added: the forget bias is another matter.

    Raises:
        ValueError: the orders do not hold the same gates.
        ShapeError: the last axis is no multiple of the number of gates.

    >>> reorder_gates([1, 2, 3, 4], "ijfo", "ifgo")
    array([1, 3, 2, 4])
    """
    w = np.asarray(w)
    start = ["g" if gate in "jc" else gate for gate in order_from]
    goal = ["g" if gate in "jc" else gate for gate in order_to]
    if sorted(start) != sorted(goal) or len(set(start)) != len(start):
        raise ValueError(
            f"order_to: is {''.join(order_to)}, expected the gates of order_from "
            f"({''.join(order_from)}), each once"
        )
    if w.ndim == 0 or w.shape[-1] % len(start):
        raise ShapeError(f"w: shape is {w.shape}, expected columns in {len(start)} equal blocks")
    blocks = dict(zip(start, np.split(w, len(start), axis=-1), strict=True))
    return np.concatenate([blocks[gate] for gate in goal], axis=-1)


def check_lstm_shapes(
    x: Any, h: Any, c: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> None:
    """Check that the arguments of a step fit together; shared with the TensorFlow step."""
    features, hidden = check_gated_weights(kernel, recurrent_kernel, gates=4)
    columns = None if hidden is None else 4 * hidden
    check_shape("bias", bias, ("columns",), columns=(columns, f"kernel has columns {columns}"))
    check_inputs(x, features, hidden, h=h, c=c)
