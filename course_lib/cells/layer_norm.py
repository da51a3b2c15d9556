"""Layer normalisation in NumPy, and an LSTM step with it.

    LN(a) = (a - mean(a)) / sqrt(variance(a) + epsilon)      over the features of one instance

    z = gain_x * LN(x_t kernel) + gain_h * LN(h_{t-1} recurrent_kernel) + bias
    c_t = sigmoid(z_f) * c_{t-1} + sigmoid(z_i) * tanh(z_g)
    h_t = sigmoid(z_o) * tanh(gain_c * LN(c_t) + shift_c)

No instance sees another: unlike batch normalisation it works for a batch of one, and at every time
step alike.
"""

from typing import Any

import numpy as np

from course_lib.cells.gated import gated_arrays, sigmoid
from course_lib.cells.lstm import check_lstm_shapes
from course_lib.shapes import check_shape, float_array

EPSILON = 1e-5  # keeps the division finite where all features of an instance are equal


def layer_norm(a: Any, epsilon: float = EPSILON) -> np.ndarray:
    """Give every instance mean 0 and variance 1 over its features, the last axis.

    Args:
        a: `(..., H)`.
        epsilon: added to the variance.

    Source: Ba, Kiros and Hinton 2016, eq. 4 (with the gain and shift left to the caller).

    >>> layer_norm([[1.0, 2.0, 3.0]]).round(3)
    array([[-1.225,  0.   ,  1.225]])
    """
    a = float_array("a", a)
    mean = a.mean(axis=-1, keepdims=True)
    variance = ((a - mean) ** 2).mean(axis=-1, keepdims=True)
    normalised: np.ndarray = (a - mean) / np.sqrt(variance + epsilon)
    return normalised


def layer_norm_lstm_step(
    x: Any,
    h: Any,
    c: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    gain_x: Any,
    gain_h: Any,
    gain_c: Any,
    shift_c: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """One step of a layer-normalised LSTM.

    Args:
        x, h, c, kernel, recurrent_kernel, bias: as in `lstm_step`.
        gain_x: `(4H,)`, scales the normalised product with x.
        gain_h: `(4H,)`, scales the normalised product with h.
        gain_c: `(H,)`, scales the normalised cell state on its way to h.
        shift_c: `(H,)`, added to it.

    Returns:
        `(h, c)` after the step, `(B, H)` each. `c` itself is handed on as it is.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    Source: Ba, Kiros and Hinton 2016, eq. 20 to 22; the shifts of the two products are left out,
    because `bias` already is their sum.

    >>> one, w, ones = np.ones((1, 2)), np.zeros((2, 8)), np.ones(8)
    >>> h, c = layer_norm_lstm_step(one, one, one, w, w, 0 * ones, ones, ones, ones[:2], ones[:2])
    >>> c
    array([[0.5, 0.5]])
    """
    x, h, c, kernel, recurrent_kernel, bias = gated_arrays(
        x, {"h": h, "c": c}, kernel, recurrent_kernel, bias
    )
    check_lstm_shapes(x, h, c, kernel, recurrent_kernel, bias)
    check_gains(h.shape[1], gain_x=gain_x, gain_h=gain_h, gain_c=gain_c, shift_c=shift_c)

    z = gain_x * layer_norm(x @ kernel) + gain_h * layer_norm(h @ recurrent_kernel) + bias
    z_i, z_f, z_g, z_o = np.split(z, 4, axis=1)
    c = sigmoid(z_f) * c + sigmoid(z_i) * np.tanh(z_g)
    h = sigmoid(z_o) * np.tanh(gain_c * layer_norm(c) + shift_c)
    return h, c


def check_gains(hidden: int, **gains: Any) -> None:
    """Check the vectors of a layer-normalised LSTM; shared with the TensorFlow cell."""
    for name, gain in gains.items():
        size = hidden if name.endswith("_c") else 4 * hidden
        check_shape(name, gain, ("columns",), columns=(size, f"the state has hidden {hidden}"))
