"""The GRU in NumPy, both ways of resetting.

    z = sigmoid(x_t K_z + h_{t-1} R_z + b_z)       update gate: how much of the old state stays
    r = sigmoid(x_t K_r + h_{t-1} R_r + b_r)       reset gate: how much of it the candidate sees
    before the product:  g = tanh(x_t K_h + (r * h_{t-1}) R_h + b_h)
    after the product:   g = tanh(x_t K_h + b_h + r * (h_{t-1} R_h + b'_h))
    h_t = z * h_{t-1} + (1 - z) * g

The first form is the paper's (and TensorFlow 1's), the second cuDNN's: one product for all gates.
"""

from typing import Any

import numpy as np

from course_lib.cells.gated import check_gated_weights, check_inputs, gated_arrays, sigmoid
from course_lib.shapes import check_shape


def gru_step(
    x: Any, h: Any, kernel: Any, recurrent_kernel: Any, bias: Any, reset_after: bool
) -> np.ndarray:
    """One step of a GRU.

    Args:
        x: inputs of this step, `(B, D)`.
        h: state before the step, `(B, H)`.
        kernel: `(D, 3H)`, in the order z, r, h.
        recurrent_kernel: `(H, 3H)`, likewise.
        bias: `(3H,)`; with `reset_after` `(2, 3H)`: one row for the product with x, one for that
            with h.
        reset_after: whether the reset gate acts after the product with the recurrent kernel.

    Returns:
        The state after the step, `(B, H)`, which is also the output.

    Raises:
        ShapeError: an axis does not fit; the error names it.
        ValueError: `x` or `h` holds NaN.

    Source: Cho et al. 2014, eq. 5 to 8; seed 003. (Chung et al. 2014 write 1 - z for z: there the
    gate says how much is new.) The layout is that of `keras.layers.GRU`.

    >>> one = np.ones((1, 1))
    >>> gru_step(one, one, np.zeros((1, 3)), np.zeros((1, 3)), np.zeros(3), reset_after=False)
    array([[0.5]])
    """
    x, h, kernel, recurrent_kernel, bias = gated_arrays(x, {"h": h}, kernel, recurrent_kernel, bias)
    check_gru_shapes(x, h, kernel, recurrent_kernel, bias, reset_after)

    K_z, K_r, K_h = np.split(kernel, 3, axis=1)
    R_z, R_r, R_h = np.split(recurrent_kernel, 3, axis=1)
    b_input, b_recurrent = bias if reset_after else (bias, np.zeros_like(bias))
    b_z, b_r, b_h = np.split(b_input, 3)
    c_z, c_r, c_h = np.split(b_recurrent, 3)

    z = sigmoid(x @ K_z + b_z + h @ R_z + c_z)
    r = sigmoid(x @ K_r + b_r + h @ R_r + c_r)
    if reset_after:  # noqa: SIM108  (one line an equation)
        g = np.tanh(x @ K_h + b_h + r * (h @ R_h + c_h))
    else:
        g = np.tanh(x @ K_h + b_h + (r * h) @ R_h)
    h_new: np.ndarray = z * h + (1 - z) * g
    return h_new


def gru_parameter_count(D: int, H: int, reset_after: bool) -> int:
    """How many parameters a GRU has: three gates, with one bias each, or two with `reset_after`.

    >>> gru_parameter_count(4, 5, reset_after=False), gru_parameter_count(4, 5, reset_after=True)
    (150, 165)
    """
    return 3 * (H * (D + H) + H * (2 if reset_after else 1))


def check_gru_shapes(
    x: Any, h: Any, kernel: Any, recurrent_kernel: Any, bias: Any, reset_after: bool
) -> None:
    """Check that the arguments of a step fit together; shared with the TensorFlow step."""
    features, hidden = check_gated_weights(kernel, recurrent_kernel, gates=3)
    columns = None if hidden is None else 3 * hidden
    why = f"kernel has columns {columns}"
    if reset_after:
        check_shape(
            "bias",
            bias,
            ("rows", "columns"),
            rows=(2, "reset_after keeps one bias for x and one for h"),
            columns=(columns, why),
        )
    else:
        check_shape("bias", bias, ("columns",), columns=(columns, why))
    check_inputs(x, features, hidden, h=h)
