"""Gradients checked by finite differences, clipped, and measured through time."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_lib.shapes import check_shape, float_array


def numerical_gradient(
    f: Callable[[np.ndarray], Any], x: Any, df: Any = 1.0, h: float = 1e-5
) -> np.ndarray:
    """The gradient of `sum(df * f(x))` with respect to `x`, by central differences.

        dL/dx_k  is about  sum(df * (f(x + h e_k) - f(x - h e_k))) / (2 h)

    The error falls with h^2 (one-sided differences: with h), until rounding takes over; with
    float64, h = 1e-5 gives about ten digits.

    Args:
        f: a function of one array, which may return an array.
        x: where to take the gradient; not changed. `f` sees a float64 copy.
        df: gradient with respect to `f(x)`, of its shape.
        h: the step.

    Returns:
        An array of the shape of `x`, float64.

    Raises:
        DTypeError: `x` does not hold numbers.
        ValueError: `h` is not positive.

    >>> numerical_gradient(np.square, [1.0, 2.0, 3.0]).round(6)
    array([2., 4., 6.])
    """
    if not h > 0:
        raise ValueError(f"h: is {h}, expected a positive step")
    x = np.array(float_array("x", x), dtype=np.float64)  # a copy: integers could not move by h
    df = np.asarray(df, dtype=np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + h
        above = np.array(f(x), dtype=np.float64)
        x[index] = value - h
        below = np.array(f(x), dtype=np.float64)
        x[index] = value
        gradient[index] = np.sum(df * (above - below)) / (2 * h)
    return gradient


def relative_error(a: Any, b: Any) -> float:
    """The largest difference of two arrays, relative to the largest entry of both.

    Below 1e-7 a backward pass in float64 is right; above 1e-4 it is wrong.

    >>> relative_error([1.0, 100.0], [1.0, 101.0]) < 0.01
    True
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    scale = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
    return float(np.abs(a - b).max(initial=0) / scale) if scale else 0.0


def clip_by_global_norm(grads: Sequence[Any], limit: float) -> tuple[list[np.ndarray], float]:
    """Shrink all gradients by one factor, if together they are longer than `limit`.

        norm = sqrt(sum of all squares of all gradients);   grad *= limit / norm   if norm > limit

    One factor for all keeps the direction of the step; clipping each by itself would turn it.

    Args:
        grads: arrays of any shapes; not changed.
        limit: the greatest norm allowed.

    Returns:
        New arrays, and the norm before clipping.

    Raises:
        ValueError: `limit` is not positive.
        DTypeError: a gradient does not hold numbers.

    Source: Pascanu, Mikolov and Bengio 2013, algorithm 1.

    >>> clip_by_global_norm([np.array([3.0]), np.array([4.0])], limit=1.0)
    ([array([0.6]), array([0.8])], 5.0)
    """
    if not limit > 0:
        raise ValueError(f"limit: is {limit}, expected a positive norm")
    arrays = [float_array(f"grads[{k}]", grad) for k, grad in enumerate(grads)]
    norm = float(np.sqrt(sum(np.sum(a.astype(np.float64) ** 2) for a in arrays)))
    factor = limit / norm if norm > limit else 1.0
    return [a * a.dtype.type(factor) for a in arrays], norm


def gradient_norms(Wh: Any, h: Any, T: int) -> np.ndarray:
    """How much the last state still feels each state before it.

        dh_t / dh_{t-1} = diag(1 - h_t^2) Wh^T,      dh_T / dh_t = product of those of T, ..., t+1

    Args:
        Wh: recurrent weights, `(H, H)`, used as `h Wh`.
        h: the states h_1, ..., h_T of one sequence, `(T, H)`: outputs of tanh.
        T: how many steps there are.

    Returns:
        `(T,)`: entry t is the spectral norm (largest singular value) of dh_T / dh_t, for t from 0
        (the longest way) to T - 1 (one step).

    Raises:
        ShapeError: an axis does not fit; the error names it.

    Source: Pascanu, Mikolov and Bengio 2013, section 2.1; Hochreiter 1991.

    >>> gradient_norms([[0.5]], np.zeros((3, 1)), 3)  # every step halves it
    array([0.125, 0.25 , 0.5  ])
    """
    Wh = float_array("Wh", Wh).astype(np.float64)
    h = float_array("h", h).astype(np.float64)
    _, hidden = check_shape("Wh", Wh, ("rows", "columns"))
    why = (hidden, f"Wh has columns {hidden}")
    check_shape("Wh", Wh, ("rows", "columns"), rows=why)
    check_shape("h", h, ("time", "hidden"), time=(T, f"T is {T}"), hidden=why)

    norms = np.empty(T)
    product = np.eye(hidden)
    for t in reversed(range(T)):
        # h[t] is h_{t+1} of the equations. The way back starts at the end, so the newest factor
        # stands on the right: dh_T/dh_t = dh_T/dh_{t+1} times dh_{t+1}/dh_t.
        product = product @ ((1 - h[t] ** 2)[:, np.newaxis] * Wh.T)
        norms[t] = np.linalg.norm(product, ord=2)
    return norms
