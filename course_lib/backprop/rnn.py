"""Backpropagation through the basic network: forward, and back along the same path.

forward     a_t = x_t Wx + h_{t-1} Wh + b,   h_t = tanh(a_t)

backward    da_t     = dh_t * (1 - h_t^2)             dv stands for dL/dv
            dx_t     = da_t Wx^T
            dh_{t-1} = da_t Wh^T  +  dy_{t-1}         the state is also the output
            dWx = sum_t x_t^T da_t,   dWh = sum_t h_{t-1}^T da_t,   db = sum_t sum_batch da_t
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from course_lib.cells.rnn import check_step_shapes, rnn_step
from course_lib.shapes import check_shape, float_array


class RNNCache(NamedTuple):
    """What one step leaves for its way back: `(x, h_prev, h, Wx, Wh)`."""

    x: np.ndarray
    h_prev: np.ndarray
    h: np.ndarray
    Wx: np.ndarray
    Wh: np.ndarray


def rnn_step_forward(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> tuple[np.ndarray, RNNCache]:
    """One step, and its cache; arguments as in `rnn_step`.

    Returns:
        The new state, `(B, H)`, and the cache `(x, h_prev, h, Wx, Wh)`.

    >>> h, cache = rnn_step_forward([[0.0]], [[0.0]], [[1.0]], [[1.0]], [0.5])
    >>> h.round(4)
    array([[0.4621]])
    """
    h_new = rnn_step(x, h, Wx, Wh, b)
    x, h, Wx, Wh = (float_array(n, v) for n, v in (("x", x), ("h", h), ("Wx", Wx), ("Wh", Wh)))
    return h_new, RNNCache(x, h, h_new, Wx, Wh)


def rnn_step_backward(dh: Any, cache: Sequence[Any]) -> tuple[np.ndarray, ...]:
    """Back through one step.

    Args:
        dh: gradient of the loss with respect to the new state, `(B, H)`.
        cache: `(x, h_prev, h, Wx, Wh)` of that step.

    Returns:
        `(dx, dh_prev, dWx, dWh, db)`, each of the shape of what it belongs to.

    Raises:
        ShapeError: `dh` or the cache does not fit; the error names the axis.

    >>> _, cache = rnn_step_forward([[2.0]], [[0.0]], [[0.0]], [[3.0]], [0.0])
    >>> [gradient.ravel().tolist() for gradient in rnn_step_backward([[1.0]], cache)]
    [[0.0], [3.0], [2.0], [0.0], [1.0]]
    """
    x, h_prev, h, Wx, Wh = cache
    check_step_shapes(x, h_prev, Wx, Wh, np.zeros(np.shape(Wx)[1]))
    batch, hidden = np.shape(h)
    dh = float_array("dh", dh)
    check_shape(
        "dh",
        dh,
        ("batch", "hidden"),
        batch=(batch, f"the cache has batch {batch}"),
        hidden=(hidden, f"the cache has hidden {hidden}"),
    )

    da = dh * (1 - h**2)  # tanh'(a) = 1 - tanh(a)^2, and tanh(a) is h
    dx = da @ Wx.T
    dh_prev = da @ Wh.T
    dWx = x.T @ da
    dWh = h_prev.T @ da
    db = da.sum(axis=0)  # every instance of the batch added the same bias
    return dx, dh_prev, dWx, dWh, db


def rnn_forward(x: Any, h0: Any, Wx: Any, Wh: Any, b: Any) -> tuple[np.ndarray, list[RNNCache]]:
    """A whole sequence, and the caches of its steps.

    Args:
        x: `(B, T, D)`.
        h0: `(B, H)`.
        Wx, Wh, b: as in `rnn_step`.

    Returns:
        The outputs, `(B, T, H)`, and T caches.

    >>> y, caches = rnn_forward(np.ones((2, 3, 4)), np.zeros((2, 5)), np.ones((4, 5)),
    ...                         np.ones((5, 5)), np.ones(5))
    >>> y.shape, len(caches)
    ((2, 3, 5), 3)
    """
    x = float_array("x", x)
    _, time, _ = check_shape("x", x, ("batch", "time", "features"))
    h, outputs, caches = h0, [], []
    for t in range(time):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        outputs.append(h)
        caches.append(cache)
    return np.stack(outputs, axis=1), caches


def rnn_backward(dy: Any, cache: Sequence[Sequence[Any]]) -> tuple[np.ndarray, ...]:
    """Back through a whole sequence, last step first.

    Two gradients meet at every state: that of its own output, and that which comes back from the
    step after it. They are added *before* going through tanh. The weights are the same at every
    step, so their gradients are sums over the steps.

    Args:
        dy: gradient with respect to the outputs, `(B, T, H)`. Add a gradient with respect to the
            final state to `dy[:, -1]`.
        cache: the T caches of the steps, in the order of time.

    Returns:
        `(dx, dh0, dWx, dWh, db)`.

    Raises:
        ShapeError: `dy` or a cache does not fit; the error names the axis.

    Source: Werbos 1990, "Backpropagation through time".

    >>> y, caches = rnn_forward(np.ones((2, 3, 4)), np.zeros((2, 5)), np.ones((4, 5)),
    ...                         np.ones((5, 5)), np.ones(5))
    >>> [gradient.shape for gradient in rnn_backward(np.ones((2, 3, 5)), caches)]
    [(2, 3, 4), (2, 5), (4, 5), (5, 5), (5,)]
    """
    dy = float_array("dy", dy)
    steps = len(cache)
    check_shape("dy", dy, ("batch", "time", "hidden"), time=(steps, f"there are {steps} caches"))
    dh_next = np.zeros_like(dy[:, 0])
    dx, sums = [], None
    for t in reversed(range(steps)):
        dx_t, dh_next, *dweights = rnn_step_backward(dy[:, t] + dh_next, cache[t])
        dx.append(dx_t)
        sums = dweights if sums is None else [a + b for a, b in zip(sums, dweights, strict=True)]
    assert sums is not None  # check_shape refuses a sequence without steps
    return np.stack(dx[::-1], axis=1), dh_next, *sums
