"""What the gated cells share: the sigmoid, and one check of their weights' shapes.

A gated cell keeps the weights of its gates side by side, as Keras does: `kernel (D, gates * H)` and
`recurrent_kernel (H, gates * H)`. The columns from k*H to (k+1)*H belong to gate k.
"""

from typing import Any

import numpy as np

from course_lib.shapes import ShapeError, check_no_nan, check_shape, float_array


def sigmoid(z: Any) -> np.ndarray:
    """1 / (1 + exp(-z)), written with tanh so that no z overflows.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    value: np.ndarray = 0.5 * (1.0 + np.tanh(0.5 * np.asarray(z)))
    return value


def check_gated_weights(kernel: Any, recurrent_kernel: Any, gates: int) -> tuple[Any, Any]:
    """Check the two kernels against each other and return (D, H).

    Raises:
        ShapeError: the columns are no multiple of `gates`, or the kernels do not fit together.
    """
    features, columns = check_shape("kernel", kernel, ("features", "columns"))
    if columns is not None and columns % gates:
        raise ShapeError(
            f"kernel: columns is {columns}, expected a multiple of {gates} (the gates)"
        )
    hidden = None if columns is None else columns // gates
    check_shape(
        "recurrent_kernel",
        recurrent_kernel,
        ("hidden", "columns"),
        hidden=(hidden, f"kernel has columns {columns}, for {gates} gates"),
        columns=(columns, f"kernel has columns {columns}"),
    )
    return features, hidden


def check_inputs(x: Any, features: Any, hidden: Any, **states: Any) -> None:
    """Check the input of a step and its states, `(B, H)` each, against the weights."""
    batch, _ = check_shape("x", x, ("batch", "features"), features=(features, "the rows of kernel"))
    for name, state in states.items():
        check_shape(
            name,
            state,
            ("batch", "hidden"),
            batch=(batch, f"x has batch {batch}"),
            hidden=(hidden, "the rows of recurrent_kernel"),
        )


def gated_arrays(
    x: Any, states: dict[str, Any], kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[np.ndarray, ...]:
    """The arguments of a gated step as float arrays.

    In the order `(x, *states, kernel, recurrent_kernel, bias)`; integers take the dtype of the
    kernel.

    Raises:
        ValueError: `x` or a state holds NaN.
    """
    kernel = float_array("kernel", kernel)
    arrays = [float_array("x", x, kernel.dtype)]
    arrays += [float_array(name, state, kernel.dtype) for name, state in states.items()]
    for name, array, axis in zip(
        ["x", *states], arrays, ["features"] + ["hidden"] * 2, strict=False
    ):
        if array.ndim == 2:  # anything else is refused by the shape check that follows
            check_no_nan(name, array, ("batch", axis))
    recurrent_kernel = float_array("recurrent_kernel", recurrent_kernel, kernel.dtype)
    return (*arrays, kernel, recurrent_kernel, float_array("bias", bias, kernel.dtype))
