"""The way back through the slides' basic cell, which has a separate output.

forward     u = x Au + s Bu,  output = relu(u)          s is the state before the step
            v = x Av + s Bv,  new_state = tanh(v)

backward    du = d_output * (u > 0)                     relu passes a gradient on, or stops it
            dv = d_new_state * (1 - new_state^2)
            dx = du Au^T + dv Av^T                      x and s went into both products,
            ds = du Bu^T + dv Bv^T                      so two gradients meet in each
            dAu = x^T du,  dBu = s^T du,  dAv = x^T dv,  dBv = s^T dv
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from course_lib.cells.slides import slide_rnn_cell
from course_lib.shapes import check_shape, float_array


class SlideCache(NamedTuple):
    """What one step leaves for its way back."""

    x: np.ndarray
    state: np.ndarray
    output: np.ndarray
    new_state: np.ndarray
    Au: np.ndarray
    Bu: np.ndarray
    Av: np.ndarray
    Bv: np.ndarray


def slide_step_forward(
    x: Any, state: Any, Au: Any, Bu: Any, Av: Any, Bv: Any
) -> tuple[np.ndarray, np.ndarray, SlideCache]:
    """One step of the slides' basic cell, and its cache; arguments as in `slide_rnn_cell`.

    Returns:
        The output `(B, O)`, the new state `(B, H)`, and the cache.

    >>> one = np.ones((1, 1))
    >>> output, new_state, cache = slide_step_forward(one, one, one, one, one, -one)
    >>> float(output[0, 0]), float(new_state[0, 0]), len(cache)
    (2.0, 0.0, 8)
    """
    output, new_state = slide_rnn_cell(x, state, Au, Bu, Av, Bv)
    arguments = {"x": x, "state": state, "Au": Au, "Bu": Bu, "Av": Av, "Bv": Bv}
    arrays = {name: float_array(name, value) for name, value in arguments.items()}
    return output, new_state, SlideCache(output=output, new_state=new_state, **arrays)


def slide_step_backward(
    d_output: Any, d_new_state: Any, cache: Sequence[Any]
) -> tuple[np.ndarray, ...]:
    """Back through one step.

    Args:
        d_output: gradient of the loss with respect to the output, `(B, O)`.
        d_new_state: gradient of the loss with respect to the new state, `(B, H)`.
        cache: `(x, state, output, new_state, Au, Bu, Av, Bv)` of that step.

    Returns:
        `(dx, dstate, dAu, dBu, dAv, dBv)`, each of the shape of what it belongs to.

    Raises:
        ShapeError: a gradient does not fit the cache; the error names the axis.

    Source: seed 003, "The Basic RNN Cell (code)".

    >>> one = np.ones((1, 1))
    >>> *_, cache = slide_step_forward(one, one, one, one, one, -one)
    >>> [float(gradient[0, 0]) for gradient in slide_step_backward(one, one, cache)]
    [2.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    """
    x, state, output, new_state, Au, Bu, Av, Bv = cache
    d_output, d_new_state = float_array("d_output", d_output), float_array("d_new", d_new_state)
    for name, gradient, value in (
        ("d_output", d_output, output),
        ("d_new_state", d_new_state, new_state),
    ):
        batch, units = np.shape(value)
        check_shape(name, gradient, ("batch", "units"), batch=batch, units=units)

    du = d_output * (output > 0)
    dv = d_new_state * (1 - new_state**2)
    dx = du @ Au.T + dv @ Av.T
    dstate = du @ Bu.T + dv @ Bv.T
    return dx, dstate, x.T @ du, state.T @ du, x.T @ dv, state.T @ dv
