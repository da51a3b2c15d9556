"""Detective work: recover the weights of a network from the outputs that it printed.

At the first time step, with no state and no bias, `y0 = tanh(x0 Wx)`. Undo the tanh and what is
left is linear in Wx::

    arctanh(y0) = x0 Wx

One obstacle: near ±1 the arctanh magnifies rounding. A float32 close to 1 is a multiple of 6e-8,
so an output printed as 0.99999976 says of its pre-activation only that it lies within 0.06 of 8.
Such entries are left out; each neuron is solved over the instances that remain.
"""

from typing import Any

import numpy as np

from course_lib.shapes import ShapeError, check_no_nan, check_shape, float_array

# 1e-6 is 17 steps of float32 below 1: there, arctanh is known to 0.015; further away, far better.
SATURATION_MARGIN = 1e-6


def recover_wx(x0: Any, y0: Any) -> np.ndarray:
    """Recover `Wx` from the inputs and outputs of the first time step.

    Args:
        x0: inputs, `(B, D)`, of rank D over the instances that are not saturated.
        y0: outputs `tanh(x0 Wx)` as a float32 network prints them, `(B, H)`.

    Returns:
        `Wx`, `(D, H)`, float64: exact up to the rounding of `y0`.

    Raises:
        ShapeError: shapes do not fit, or a neuron has too few unsaturated instances.
        ValueError: an output lies outside [-1, 1], so no tanh made it, or is NaN.

    Source: seed 004, whose printed outputs give the weights that it never shows.

    >>> from course_lib.seeds_data import X0_BATCH, Y0_PRINTED
    >>> Wx = recover_wx(X0_BATCH, Y0_PRINTED)
    >>> float(np.round(np.abs(Wx).max(), 2))  # within Glorot's limit, sqrt(6 / (3 + 5)) = 0.87
    0.57
    """
    x0 = float_array("x0", x0).astype(np.float64)
    y0 = float_array("y0", y0).astype(np.float64)
    batch, features = check_shape("x0", x0, ("batch", "features"))
    _, hidden = check_shape("y0", y0, ("batch", "hidden"), batch=(batch, f"x0 has batch {batch}"))
    check_no_nan("x0", x0, ("batch", "features"))
    check_no_nan("y0", y0, ("batch", "hidden"))
    if np.abs(y0).max() > 1:
        raise ValueError(f"y0: holds {np.abs(y0).max():.6g}, expected outputs of tanh, in [-1, 1]")

    Wx = np.empty((features, hidden))
    for neuron in range(hidden):
        kept = 1 - np.abs(y0[:, neuron]) > SATURATION_MARGIN
        solution, _, rank, _ = np.linalg.lstsq(x0[kept], np.arctanh(y0[kept, neuron]), rcond=None)
        if rank < features:
            raise ShapeError(
                f"y0: hidden {neuron} has {kept.sum()} unsaturated instances, of rank {rank}, "
                f"expected rank {features} (x0 has features {features})"
            )
        Wx[:, neuron] = solution
    return Wx
