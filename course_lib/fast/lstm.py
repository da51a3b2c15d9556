"""A faster LSTM over whole sequences: the same numbers as the readable path, computed differently.

Automatic differentiation of a loop multiplies a weight gradient together at every step. By hand it
is one product after the loop, because only `dz_t` must be computed in order:

    backwards in time   dh_t += dL/dh_t
                        dc_t += dh_t * o (1 - tanh(c_t)^2)
                        dz_t  = [dc_t g i(1-i), dc_t c_{t-1} f(1-f), dc_t i (1-g^2),
                                 dh_t tanh(c_t) o(1-o)]
                        dc_{t-1} = dc_t f,   dh_{t-1} = dz_t R^T
    then, all at once   [dkernel, dR] = [X, H]^T dZ,   dbias = sum dZ,   dX = dZ kernel^T

Everything that does not depend on dh and dc is computed before the loop for all steps together.
The gain comes with `tf.function(jit_compile=True)` around a whole training step; XLA then needs to
know B and T, and compiles once for each pair of them.
"""

from typing import Any

from course_lib.cells.lstm import check_lstm_shapes
from course_lib.cells.state import LSTMStateTuple
from course_lib.quiet import tf
from course_lib.shapes import ShapeError, check_shape


def fast_lstm(
    x: Any, state: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[Any, LSTMStateTuple]:
    """An LSTM over sequences of full length, with a gradient written by hand.

    Args:
        x: `(B, T, D)`; T must be known.
        state: the pair `(c, h)` before the first step, `(B, H)` each.
        kernel: `(D, 4H)`, gates in the order i, f, g, o.
        recurrent_kernel: `(H, 4H)`.
        bias: `(4H,)`.

    Returns:
        The outputs, `(B, T, H)`, and the state after the last step: what
        `dynamic_rnn(LSTMCell.from_weights(...), x, state)` returns.

    Raises:
        ShapeError: an axis does not fit, or T is unknown; the error names it.

    >>> from course_lib import LSTMCell, dynamic_rnn
    >>> cell, x = LSTMCell(5, input_size=3), tf.ones([2, 7, 3])
    >>> weights = cell.kernel, cell.recurrent_kernel, cell.bias
    >>> fast, _ = fast_lstm(x, cell.zero_state(2), *weights)
    >>> readable, _ = dynamic_rnn(cell, x)
    >>> bool(tf.reduce_max(tf.abs(fast - readable)) < 1e-6)
    True
    """
    x = tf.convert_to_tensor(x)
    c, h = (tf.convert_to_tensor(part) for part in state)
    _, time, _ = check_shape("x", x, ("batch", "time", "features"))
    if time is None:
        raise ShapeError("x: time is unknown while tracing; the fast path needs it")
    check_lstm_shapes(x[:, 0], h, c, kernel, recurrent_kernel, bias)
    kernel, recurrent_kernel, bias = (
        tf.convert_to_tensor(part) for part in (kernel, recurrent_kernel, bias)
    )
    outputs, c = _lstm(tf.transpose(x, [1, 0, 2]), h, c, kernel, recurrent_kernel, bias)
    return tf.transpose(outputs, [1, 0, 2]), LSTMStateTuple(c=c, h=outputs[-1])


def _lstm_with_gradient(
    x: Any, h0: Any, c0: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> Any:
    """`(T, B, D)` to the outputs `(T, B, H)` and the last cell state."""
    time, features = int(x.shape[0]), x.shape[2]
    joined = tf.concat([kernel, recurrent_kernel], axis=0)
    inputs = tf.TensorArray(x.dtype, size=time).unstack(x)
    # One array each: in eager mode a TensorArray is written in place.
    empty = [tf.TensorArray(x.dtype, size=time) for _ in range(3)]

    def forward(t: Any, h: Any, c: Any, hs: Any, cs: Any, gates: Any) -> tuple[Any, ...]:
        z = tf.nn.bias_add(tf.concat([inputs.read(t), h], axis=1) @ joined, bias)
        z_i, z_f, z_g, z_o = tf.split(z, 4, axis=1)
        i, f, g, o = tf.sigmoid(z_i), tf.sigmoid(z_f), tf.tanh(z_g), tf.sigmoid(z_o)
        c = f * c + i * g
        h = o * tf.tanh(c)
        kept = tf.concat([i, f, g, o], axis=1)
        return t + 1, h, c, hs.write(t, h), cs.write(t, c), gates.write(t, kept)

    _, _, c_last, hs, cs, gates = tf.while_loop(
        lambda t, *_: t < time,
        forward,
        (tf.constant(0), h0, c0, *empty),
        maximum_iterations=time,
    )
    # Stacked here, not in the gradient: under XLA no TensorArray can cross from one to the other.
    outputs, c_all, gates_all = hs.stack(), cs.stack(), gates.stack()

    def gradient(d_outputs: Any, d_c_last: Any) -> tuple[Any, ...]:
        i, f, g, o = tf.split(gates_all, 4, axis=2)
        c_before = tf.concat([c0[tf.newaxis], c_all[:-1]], axis=0)
        h_before = tf.concat([h0[tf.newaxis], outputs[:-1]], axis=0)
        tanh_c = tf.tanh(c_all)
        through_h = o * (1 - tanh_c**2)
        # dz_t is [dc_t, dc_t, dc_t, dh_t] times this, entry by entry.
        factors = tf.concat(
            [g * i * (1 - i), c_before * f * (1 - f), i * (1 - g**2), tanh_c * o * (1 - o)],
            axis=2,
        )
        through_h, factors, kept, d_outs = (
            tf.TensorArray(x.dtype, size=time).unstack(part)
            for part in (through_h, factors, f, d_outputs)
        )
        turned = tf.transpose(recurrent_kernel)

        def backward(t: Any, dh: Any, dc: Any, dzs: Any) -> tuple[Any, ...]:
            dh += d_outs.read(t)
            dc += dh * through_h.read(t)
            dz = tf.concat([dc, dc, dc, dh], axis=1) * factors.read(t)
            return t - 1, dz @ turned, dc * kept.read(t), dzs.write(t, dz)

        _, dh, dc, dzs = tf.while_loop(
            lambda t, *_: t >= 0,
            backward,
            (tf.constant(time - 1), tf.zeros_like(h0), d_c_last, tf.TensorArray(x.dtype, time)),
            maximum_iterations=time,
        )
        dz = tf.reshape(dzs.stack(), [-1, 4 * h0.shape[1]])
        both = tf.reshape(tf.concat([x, h_before], axis=2), [-1, features + h0.shape[1]])
        d_joined = tf.matmul(both, dz, transpose_a=True)
        return (
            tf.reshape(tf.matmul(dz, kernel, transpose_b=True), tf.shape(x)),
            dh,
            dc,
            d_joined[:features],
            d_joined[features:],
            tf.reduce_sum(dz, axis=0),
        )

    return (outputs, c_last), gradient


_lstm = tf.custom_gradient(_lstm_with_gradient)
