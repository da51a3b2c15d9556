"""Backpropagation through the LSTM, gate by gate.

forward     c_t = f * c_{t-1} + i * g,   h_t = o * tanh(c_t)

backward    dc_t += dh_t * o * (1 - tanh(c_t)^2)         c is felt through h as well
            do = dh_t * tanh(c_t)     di = dc_t * g
            df = dc_t * c_{t-1}       dg = dc_t * i
            dz = [di * i(1-i), df * f(1-f), dg * (1-g^2), do * o(1-o)]
            dc_{t-1} = dc_t * f                          the road without a matrix in the way
            dx = dz kernel^T,   dh_{t-1} = dz recurrent_kernel^T
            dkernel = x^T dz,   drecurrent_kernel = h_{t-1}^T dz,   dbias = sum_batch dz
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from course_lib.cells.gated import gated_arrays, sigmoid
from course_lib.cells.lstm import check_lstm_shapes
from course_lib.shapes import check_shape, float_array


class LSTMCache(NamedTuple):
    """What one step leaves for its way back; `i, f, g, o` are the gates after their activation."""

    x: np.ndarray
    h_prev: np.ndarray
    c_prev: np.ndarray
    i: np.ndarray
    f: np.ndarray
    g: np.ndarray
    o: np.ndarray
    c: np.ndarray
    kernel: np.ndarray
    recurrent_kernel: np.ndarray


def lstm_step_forward(
    x: Any, h: Any, c: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[np.ndarray, np.ndarray, LSTMCache]:
    """One step, and its cache; arguments as in `lstm_step`.

    Returns:
        `(h, c, cache)`.

    >>> one, w = np.ones((1, 1)), np.zeros((1, 4))
    >>> h, c, cache = lstm_step_forward(one, one, one, w, w, np.zeros(4))
    >>> float(cache.f[0, 0]), float(c[0, 0])
    (0.5, 0.5)
    """
    x, h, c, kernel, recurrent_kernel, bias = gated_arrays(
        x, {"h": h, "c": c}, kernel, recurrent_kernel, bias
    )
    check_lstm_shapes(x, h, c, kernel, recurrent_kernel, bias)
    z = x @ kernel + h @ recurrent_kernel + bias
    z_i, z_f, z_g, z_o = np.split(z, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c_new = f * c + i * g
    h_new = o * np.tanh(c_new)
    return h_new, c_new, LSTMCache(x, h, c, i, f, g, o, c_new, kernel, recurrent_kernel)


def lstm_step_backward(dh: Any, dc: Any, cache: LSTMCache) -> tuple[np.ndarray, ...]:
    """Back through one step.

    Args:
        dh: gradient with respect to the new hidden state, `(B, H)`.
        dc: gradient with respect to the new cell state *from later steps*, `(B, H)`; what comes
            through `h` is added here.
        cache: of that step.

    Returns:
        `(dx, dh_prev, dc_prev, dkernel, drecurrent_kernel, dbias)`.

    Raises:
        ShapeError: `dh` or `dc` does not fit the cache; the error names the axis.

    Source: the chain rule on the equations above; Graves 2012, section 4.6.

    >>> one, w = np.ones((1, 1)), np.zeros((1, 4))
    >>> _, _, cache = lstm_step_forward(one, one, one, w, w, np.zeros(4))
    >>> lstm_step_backward(0 * one, one, cache)[2]  # half of dc passes the forget gate
    array([[0.5]])
    """
    x, h_prev, c_prev, i, f, g, o, c, kernel, recurrent_kernel = cache
    batch, hidden = c.shape
    dh, dc = float_array("dh", dh), float_array("dc", dc)
    for name, gradient in (("dh", dh), ("dc", dc)):
        check_shape(
            name,
            gradient,
            ("batch", "hidden"),
            batch=(batch, f"the cache has batch {batch}"),
            hidden=(hidden, f"the cache has hidden {hidden}"),
        )

    tanh_c = np.tanh(c)
    dc = dc + dh * o * (1 - tanh_c**2)
    di, df, dg, do = dc * g, dc * c_prev, dc * i, dh * tanh_c
    dz = np.concatenate(
        [di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)], axis=1
    )
    return (
        dz @ kernel.T,
        dz @ recurrent_kernel.T,
        dc * f,
        x.T @ dz,
        h_prev.T @ dz,
        dz.sum(axis=0),
    )


def lstm_forward(
    x: Any, h0: Any, c0: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[LSTMCache]]:
    """A whole sequence, and the caches of its steps; arguments as in `lstm_sequence`.

    Returns:
        The outputs, `(B, T, H)`, the last `h` and `c`, and T caches.

    >>> x, zero = np.ones((2, 3, 4)), np.zeros((2, 5))
    >>> y, h, c, caches = lstm_forward(x, zero, zero, np.ones((4, 20)), np.ones((5, 20)),
    ...                                np.ones(20))
    >>> y.shape, len(caches)
    ((2, 3, 5), 3)
    """
    x = float_array("x", x)
    _, time, _ = check_shape("x", x, ("batch", "time", "features"))
    h, c, outputs, caches = h0, c0, [], []
    for t in range(time):
        h, c, cache = lstm_step_forward(x[:, t], h, c, kernel, recurrent_kernel, bias)
        outputs.append(h)
        caches.append(cache)
    return np.stack(outputs, axis=1), h, c, caches


def lstm_backward(dy: Any, cache: Sequence[LSTMCache], dc: Any = None) -> tuple[np.ndarray, ...]:
    """Back through a whole sequence, last step first.

    Args:
        dy: gradient with respect to the outputs, `(B, T, H)`. Add a gradient with respect to the
            last `h` to `dy[:, -1]`.
        cache: the T caches of the steps, in the order of time.
        dc: gradient with respect to the last `c`, `(B, H)`; zero by default.

    Returns:
        `(dx, dh0, dc0, dkernel, drecurrent_kernel, dbias)`.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    >>> x, zero = np.ones((2, 3, 4)), np.zeros((2, 5))
    >>> *_, caches = lstm_forward(x, zero, zero, np.ones((4, 20)), np.ones((5, 20)), np.ones(20))
    >>> [gradient.shape for gradient in lstm_backward(np.ones((2, 3, 5)), caches)]
    [(2, 3, 4), (2, 5), (2, 5), (4, 20), (5, 20), (20,)]
    """
    dy = float_array("dy", dy)
    steps = len(cache)
    check_shape("dy", dy, ("batch", "time", "hidden"), time=(steps, f"there are {steps} caches"))
    dh_next = np.zeros_like(dy[:, 0])
    dc_next = dh_next if dc is None else dc
    dx, sums = [], None
    for t in reversed(range(steps)):
        dx_t, dh_next, dc_next, *dweights = lstm_step_backward(
            dy[:, t] + dh_next, dc_next, cache[t]
        )
        dx.append(dx_t)
        sums = dweights if sums is None else [a + b for a, b in zip(sums, dweights, strict=True)]
    assert sums is not None  # check_shape refuses a sequence without steps
    return np.stack(dx[::-1], axis=1), dh_next, dc_next, *sums
