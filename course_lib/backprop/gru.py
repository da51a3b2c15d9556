"""Backpropagation through the GRU, both ways of resetting.

forward     h_t = z * h_{t-1} + (1 - z) * g

backward    dz = dh_t * (h_{t-1} - g)      dg = dh_t * (1 - z)      da_g = dg * (1 - g^2)
reset before the product, g = tanh(x K_h + s R_h + b_h) with s = r * h_{t-1}:
            ds = da_g R_h^T,   dr = ds * h_{t-1},   dh_{t-1} gets ds * r
reset after it, g = tanh(x K_h + b_h + r * u) with u = h_{t-1} R_h + b'_h:
            dr = da_g * u,     du = da_g * r,       dh_{t-1} gets du R_h^T
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from course_lib.cells.gated import gated_arrays, sigmoid
from course_lib.cells.gru import check_gru_shapes
from course_lib.shapes import check_shape, float_array


class GRUCache(NamedTuple):
    """What one step leaves for its way back; `u` is `h_{t-1} R_h + b'_h` (with `reset_after`)."""

    x: np.ndarray
    h_prev: np.ndarray
    z: np.ndarray
    r: np.ndarray
    g: np.ndarray
    u: np.ndarray
    kernel: np.ndarray
    recurrent_kernel: np.ndarray
    reset_after: bool


def gru_step_forward(
    x: Any, h: Any, kernel: Any, recurrent_kernel: Any, bias: Any, reset_after: bool
) -> tuple[np.ndarray, GRUCache]:
    """One step, and its cache; arguments as in `gru_step`.

    Returns:
        `(h, cache)`.

    >>> one, w = np.ones((1, 1)), np.zeros((1, 3))
    >>> h, cache = gru_step_forward(one, one, w, w, np.zeros(3), reset_after=False)
    >>> float(cache.z[0, 0]), float(h[0, 0])
    (0.5, 0.5)
    """
    x, h, kernel, recurrent_kernel, bias = gated_arrays(x, {"h": h}, kernel, recurrent_kernel, bias)
    check_gru_shapes(x, h, kernel, recurrent_kernel, bias, reset_after)
    b_input, b_recurrent = bias if reset_after else (bias, np.zeros_like(bias))
    hidden = h.shape[1]
    from_x = x @ kernel + b_input
    from_h = h @ recurrent_kernel + b_recurrent
    z, r = np.split(sigmoid((from_x + from_h)[:, : 2 * hidden]), 2, axis=1)
    u = from_h[:, 2 * hidden :]
    from_state = r * u if reset_after else (r * h) @ recurrent_kernel[:, 2 * hidden :]
    g = np.tanh(from_x[:, 2 * hidden :] + from_state)
    h_new = z * h + (1 - z) * g
    return h_new, GRUCache(x, h, z, r, g, u, kernel, recurrent_kernel, reset_after)


def gru_step_backward(dh: Any, cache: GRUCache) -> tuple[np.ndarray, ...]:
    """Back through one step.

    Args:
        dh: gradient with respect to the new state, `(B, H)`.
        cache: of that step.

    Returns:
        `(dx, dh_prev, dkernel, drecurrent_kernel, dbias)`; `dbias` has the shape of the bias.

    Raises:
        ShapeError: `dh` does not fit the cache; the error names the axis.

    >>> one, w = np.ones((1, 1)), np.zeros((1, 3))
    >>> _, cache = gru_step_forward(one, one, w, w, np.zeros(3), reset_after=False)
    >>> gru_step_backward(one, cache)[1]  # half of dh passes the update gate
    array([[0.5]])
    """
    x, h_prev, z, r, g, u, kernel, recurrent_kernel, reset_after = cache
    batch, hidden = g.shape
    dh = float_array("dh", dh)
    check_shape(
        "dh",
        dh,
        ("batch", "hidden"),
        batch=(batch, f"the cache has batch {batch}"),
        hidden=(hidden, f"the cache has hidden {hidden}"),
    )
    R_zr, R_h = recurrent_kernel[:, : 2 * hidden], recurrent_kernel[:, 2 * hidden :]

    da_z = dh * (h_prev - g) * z * (1 - z)
    da_g = dh * (1 - z) * (1 - g**2)
    if reset_after:
        dr, du = da_g * u, da_g * r
        dR_h, through_g = h_prev.T @ du, du @ R_h.T
    else:
        ds = da_g @ R_h.T
        dr, du = ds * h_prev, da_g
        dR_h, through_g = (r * h_prev).T @ da_g, ds * r
    da_zr = np.concatenate([da_z, dr * r * (1 - r)], axis=1)

    da = np.concatenate([da_zr, da_g], axis=1)  # what the product with x feels
    dx, dkernel, dbias = da @ kernel.T, x.T @ da, da.sum(axis=0)
    dh_prev = dh * z + da_zr @ R_zr.T + through_g
    drecurrent_kernel = np.concatenate([h_prev.T @ da_zr, dR_h], axis=1)
    if reset_after:
        dbias = np.stack([dbias, np.concatenate([da_zr, du], axis=1).sum(axis=0)])
    return dx, dh_prev, dkernel, drecurrent_kernel, dbias


def gru_forward(
    x: Any, h0: Any, kernel: Any, recurrent_kernel: Any, bias: Any, reset_after: bool
) -> tuple[np.ndarray, list[GRUCache]]:
    """A whole sequence, and the caches of its steps.

    Args:
        x: `(B, T, D)`.
        h0: `(B, H)`.
        kernel, recurrent_kernel, bias, reset_after: as in `gru_step`.

    Returns:
        The outputs, `(B, T, H)`, and T caches.

    >>> x, zero = np.ones((2, 3, 4)), np.zeros((2, 5))
    >>> y, caches = gru_forward(x, zero, np.ones((4, 15)), np.ones((5, 15)), np.ones(15), False)
    >>> y.shape, len(caches)
    ((2, 3, 5), 3)
    """
    x = float_array("x", x)
    _, time, _ = check_shape("x", x, ("batch", "time", "features"))
    h, outputs, caches = h0, [], []
    for t in range(time):
        h, cache = gru_step_forward(x[:, t], h, kernel, recurrent_kernel, bias, reset_after)
        outputs.append(h)
        caches.append(cache)
    return np.stack(outputs, axis=1), caches


def gru_backward(dy: Any, cache: Sequence[GRUCache]) -> tuple[np.ndarray, ...]:
    """Back through a whole sequence, last step first.

    Args:
        dy: gradient with respect to the outputs, `(B, T, H)`. Add a gradient with respect to the
            final state to `dy[:, -1]`.
        cache: the T caches of the steps, in the order of time.

    Returns:
        `(dx, dh0, dkernel, drecurrent_kernel, dbias)`.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    >>> x, zero = np.ones((2, 3, 4)), np.zeros((2, 5))
    >>> y, caches = gru_forward(x, zero, np.ones((4, 15)), np.ones((5, 15)), np.ones(15), False)
    >>> [gradient.shape for gradient in gru_backward(np.ones((2, 3, 5)), caches)]
    [(2, 3, 4), (2, 5), (4, 15), (5, 15), (15,)]
    """
    dy = float_array("dy", dy)
    steps = len(cache)
    check_shape("dy", dy, ("batch", "time", "hidden"), time=(steps, f"there are {steps} caches"))
    dh_next = np.zeros_like(dy[:, 0])
    dx, sums = [], None
    for t in reversed(range(steps)):
        dx_t, dh_next, *dweights = gru_step_backward(dy[:, t] + dh_next, cache[t])
        dx.append(dx_t)
        sums = dweights if sums is None else [a + b for a, b in zip(sums, dweights, strict=True)]
    assert sums is not None  # check_shape refuses a sequence without steps
    return np.stack(dx[::-1], axis=1), dh_next, *sums
