"""The basic recurrent step in NumPy: the same weights at every time step.

h_t = tanh(x_t Wx + h_{t-1} Wh + b)
"""

from typing import Any

import numpy as np

from course_lib.shapes import check_no_nan, check_shape, float_array


def rnn_step(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> np.ndarray:
    """One step of the basic network.

    Args:
        x: inputs of this step, `(B, D)`.
        h: state before the step, `(B, H)`.
        Wx: input weights, `(D, H)`.
        Wh: recurrent weights, `(H, H)`.
        b: bias, `(H,)`.

    Returns:
        The state after the step, `(B, H)`, which is also the output.

    Raises:
        ShapeError: an axis does not fit; the error names it.
        ValueError: `x` or `h` holds NaN.

    Source: Elman 1990; seed 004.

    >>> x, h = np.array([[1.0, 2.0]]), np.zeros((1, 1))
    >>> rnn_step(x, h, Wx=[[0.5], [0.25]], Wh=[[1.0]], b=[0.0]).round(4)
    array([[0.7616]])
    """
    Wx = float_array("Wx", Wx)
    Wh, b = float_array("Wh", Wh, Wx.dtype), float_array("b", b, Wx.dtype)
    x, h = float_array("x", x, Wx.dtype), float_array("h", h, Wx.dtype)
    check_step_shapes(x, h, Wx, Wh, b)
    check_no_nan("x", x, ("batch", "features"))
    check_no_nan("h", h, ("batch", "hidden"))

    h_new: np.ndarray = np.tanh(x @ Wx + h @ Wh + b)
    return h_new


def concat_kernel(Wx: Any, Wh: Any) -> np.ndarray:
    """Put the two weight matrices into one, so that a step is one product.

    `[x, h] @ concat_kernel(Wx, Wh)` equals `x @ Wx + h @ Wh`: the rows of Wx come first because the
    features of x do. TensorFlow 1 stored its cells' weights in this way.

    Args:
        Wx: `(D, H)`.
        Wh: `(H, H)`.

    Returns:
        `(D + H, H)`.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    >>> concat_kernel([[1.0], [2.0]], [[3.0]])
    array([[1.],
           [2.],
           [3.]])
    """
    Wx = float_array("Wx", Wx)
    Wh = float_array("Wh", Wh, Wx.dtype)
    _, hidden = check_shape("Wx", Wx, ("features", "hidden"))
    why = f"Wx has hidden {hidden}"
    check_shape("Wh", Wh, ("rows", "columns"), rows=(hidden, why), columns=(hidden, why))
    return np.concatenate([Wx, Wh], axis=0)


def check_step_shapes(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> None:
    """Check that the five arguments of a step fit together; shared with the TensorFlow step."""
    features, hidden = check_shape("Wx", Wx, ("features", "hidden"))
    why = f"Wx has hidden {hidden}"
    check_shape("Wh", Wh, ("rows", "columns"), rows=(hidden, why), columns=(hidden, why))
    check_shape("b", b, ("hidden",), hidden=(hidden, why))
    batch, _ = check_shape("x", x, ("batch", "features"), features=(features, "the rows of Wx"))
    batch_why = f"x has batch {batch}"
    check_shape("h", h, ("batch", "hidden"), batch=(batch, batch_why), hidden=(hidden, why))
