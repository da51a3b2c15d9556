"""A faster GRU and a faster basic network over whole sequences, in the manner of `fast.lstm`.

    GRU, reset after the product:   u_t = h_{t-1} R_h + b'_h,   g_t = tanh(x_t K_h + b_h + r_t u_t)
        backwards in time           da_g = dh_t (1 - z)(1 - g^2),   da_z = dh_t (h_{t-1} - g) z(1-z)
                                    da_r = da_g u r(1-r),           du = da_g r
                                    dh_{t-1} = dh_t z + [da_z, da_r, du] R^T
    basic network:                  da_t = dh_t (1 - h_t^2),        dh_{t-1} = da_t Wh^T

What the two products feel, `[da_z, da_r, da_g]` and `[da_z, da_r, du]`, is collected over time; the
gradients of all weights are one product each after the loop.
"""

from typing import Any

from course_lib.cells.gru import check_gru_shapes
from course_lib.cells.rnn import check_step_shapes
from course_lib.quiet import tf
from course_lib.shapes import ShapeError, check_shape


def fast_gru(x: Any, h: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> tuple[Any, Any]:
    """A GRU (`reset_after=True`) over sequences of full length, with a gradient written by hand.

    Args:
        x: `(B, T, D)`; T must be known.
        h: the state before the first step, `(B, H)`.
        kernel: `(D, 3H)`, in the order z, r, h.
        recurrent_kernel: `(H, 3H)`.
        bias: `(2, 3H)`.

    Returns:
        The outputs, `(B, T, H)`, and the last state.

    Raises:
        ShapeError: an axis does not fit, or T is unknown; the error names it.

    >>> from course_lib import GRUCell, dynamic_rnn
    >>> cell, x = GRUCell(5, input_size=3), tf.ones([2, 7, 3])
    >>> fast, _ = fast_gru(x, cell.zero_state(2), cell.kernel, cell.recurrent_kernel, cell.bias)
    >>> bool(tf.reduce_max(tf.abs(fast - dynamic_rnn(cell, x)[0])) < 1e-6)
    True
    """
    x, h = _inputs(x, h)
    check_gru_shapes(x[:, 0], h, kernel, recurrent_kernel, bias, reset_after=True)
    weights = (tf.convert_to_tensor(w) for w in (kernel, recurrent_kernel, bias))
    outputs = _gru(tf.transpose(x, [1, 0, 2]), h, *weights)
    return tf.transpose(outputs, [1, 0, 2]), outputs[-1]


def fast_rnn(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> tuple[Any, Any]:
    """The basic network over sequences of full length, with a gradient written by hand.

    Args:
        x: `(B, T, D)`; T must be known.
        h: the state before the first step, `(B, H)`.
        Wx, Wh, b: `(D, H)`, `(H, H)` and `(H,)`.

    Returns:
        The outputs, `(B, T, H)`, and the last state.

    Raises:
        ShapeError: an axis does not fit, or T is unknown; the error names it.

    >>> from course_lib import BasicRNNCell, dynamic_rnn
    >>> cell, x = BasicRNNCell(5, input_size=3), tf.ones([2, 7, 3])
    >>> fast, _ = fast_rnn(x, cell.zero_state(2), cell.Wx, cell.Wh, cell.b)
    >>> bool(tf.reduce_max(tf.abs(fast - dynamic_rnn(cell, x)[0])) < 1e-6)
    True
    """
    x, h = _inputs(x, h)
    check_step_shapes(x[:, 0], h, Wx, Wh, b)
    weights = (tf.convert_to_tensor(w) for w in (Wx, Wh, b))
    outputs = _rnn(tf.transpose(x, [1, 0, 2]), h, *weights)
    return tf.transpose(outputs, [1, 0, 2]), outputs[-1]


def _inputs(x: Any, h: Any) -> tuple[Any, Any]:
    x = tf.convert_to_tensor(x)
    _, time, _ = check_shape("x", x, ("batch", "time", "features"))
    if time is None:
        raise ShapeError("x: time is unknown while tracing; the fast path needs it")
    return x, tf.convert_to_tensor(h)


def _gru_with_gradient(x: Any, h0: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
    """`(T, B, D)` to the outputs `(T, B, H)`."""
    time, hidden = int(x.shape[0]), h0.shape[1]
    inputs = tf.TensorArray(x.dtype, size=time).unstack(x)

    def forward(t: Any, h: Any, hs: Any, kept: Any) -> tuple[Any, ...]:
        from_x = tf.nn.bias_add(inputs.read(t) @ kernel, bias[0])
        from_h = tf.nn.bias_add(h @ recurrent_kernel, bias[1])
        x_zr, x_h = tf.split(from_x, [2 * hidden, hidden], axis=1)
        h_zr, u = tf.split(from_h, [2 * hidden, hidden], axis=1)
        zr = tf.sigmoid(x_zr + h_zr)
        z, r = tf.split(zr, 2, axis=1)
        g = tf.tanh(x_h + r * u)
        h = g + z * (h - g)
        return t + 1, h, hs.write(t, h), kept.write(t, tf.concat([zr, g, u], axis=1))

    # One array each: in eager mode a TensorArray is written in place.
    empty = [tf.TensorArray(x.dtype, size=time) for _ in range(2)]
    _, _, hs, kept = tf.while_loop(
        lambda t, *_: t < time, forward, (tf.constant(0), h0, *empty), maximum_iterations=time
    )
    # Stacked here, not in the gradient: under XLA no TensorArray can cross from one to the other.
    outputs, kept_all = hs.stack(), kept.stack()

    def gradient(d_outputs: Any) -> tuple[Any, ...]:
        z, r, g, u = tf.split(kept_all, 4, axis=2)
        before = tf.concat([h0[tf.newaxis], outputs[:-1]], axis=0)
        to_g = (1 - z) * (1 - g**2)
        # [da_z, da_r, du] and da_g are dh_t times these, entry by entry.
        to_recurrent = tf.concat(
            [(before - g) * z * (1 - z), to_g * u * r * (1 - r), to_g * r], axis=2
        )
        d_outs, factors, carried = (
            tf.TensorArray(x.dtype, size=time).unstack(part)
            for part in (d_outputs, to_recurrent, z)
        )
        turned = tf.transpose(recurrent_kernel)

        def backward(t: Any, dh: Any, dhs: Any) -> tuple[Any, ...]:
            dh += d_outs.read(t)
            felt = tf.tile(dh, [1, 3]) * factors.read(t)
            return t - 1, dh * carried.read(t) + felt @ turned, dhs.write(t, dh)

        _, dh0, dhs = tf.while_loop(
            lambda t, *_: t >= 0,
            backward,
            (tf.constant(time - 1), tf.zeros_like(h0), tf.TensorArray(x.dtype, size=time)),
            maximum_iterations=time,
        )
        dh = dhs.stack()
        by_h = tf.reshape(tf.tile(dh, [1, 1, 3]) * to_recurrent, [-1, 3 * hidden])
        da_g = tf.reshape(dh * to_g, [-1, hidden])
        by_x = tf.concat([by_h[:, : 2 * hidden], da_g], axis=1)
        return (
            tf.reshape(tf.matmul(by_x, kernel, transpose_b=True), tf.shape(x)),
            dh0,
            tf.matmul(tf.reshape(x, [-1, x.shape[2]]), by_x, transpose_a=True),
            tf.matmul(tf.reshape(before, [-1, hidden]), by_h, transpose_a=True),
            tf.stack([tf.reduce_sum(by_x, axis=0), tf.reduce_sum(by_h, axis=0)]),
        )

    return outputs, gradient


def _rnn_with_gradient(x: Any, h0: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    """`(T, B, D)` to the outputs `(T, B, H)`."""
    time, hidden = int(x.shape[0]), h0.shape[1]
    inputs = tf.TensorArray(x.dtype, size=time).unstack(x)

    def forward(t: Any, h: Any, hs: Any) -> tuple[Any, ...]:
        h = tf.tanh(tf.nn.bias_add(inputs.read(t) @ Wx + h @ Wh, b))
        return t + 1, h, hs.write(t, h)

    _, _, hs = tf.while_loop(
        lambda t, *_: t < time,
        forward,
        (tf.constant(0), h0, tf.TensorArray(x.dtype, size=time)),
        maximum_iterations=time,
    )
    outputs = hs.stack()

    def gradient(d_outputs: Any) -> tuple[Any, ...]:
        d_outs, slopes = (
            tf.TensorArray(x.dtype, size=time).unstack(part) for part in (d_outputs, 1 - outputs**2)
        )
        turned = tf.transpose(Wh)

        def backward(t: Any, dh: Any, das: Any) -> tuple[Any, ...]:
            da = (dh + d_outs.read(t)) * slopes.read(t)
            return t - 1, da @ turned, das.write(t, da)

        _, dh0, das = tf.while_loop(
            lambda t, *_: t >= 0,
            backward,
            (tf.constant(time - 1), tf.zeros_like(h0), tf.TensorArray(x.dtype, size=time)),
            maximum_iterations=time,
        )
        da = tf.reshape(das.stack(), [-1, hidden])
        before = tf.concat([h0[tf.newaxis], outputs[:-1]], axis=0)
        return (
            tf.reshape(tf.matmul(da, Wx, transpose_b=True), tf.shape(x)),
            dh0,
            tf.matmul(tf.reshape(x, [-1, x.shape[2]]), da, transpose_a=True),
            tf.matmul(tf.reshape(before, [-1, hidden]), da, transpose_a=True),
            tf.reduce_sum(da, axis=0),
        )

    return outputs, gradient


_gru = tf.custom_gradient(_gru_with_gradient)
_rnn = tf.custom_gradient(_rnn_with_gradient)
