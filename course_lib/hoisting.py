"""One matrix product for all time steps: what does not need the state is computed before the loop.

before the loop      P_t = x_t kernel + bias        one product of (B T, D) and (D, 4H)
in the loop          z_t = P_t + h_{t-1} recurrent_kernel
"""

from typing import Any

from course_lib.cells.lstm import check_lstm_shapes
from course_lib.cells.state import LSTMStateTuple
from course_lib.quiet import tf


def hoist_input_projection(
    x: Any, state: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[Any, LSTMStateTuple]:
    """An LSTM over whole sequences whose input is projected once, for all steps together.

    Args:
        x: `(B, T, D)`; T must be known.
        state: the pair `(c, h)` before the first step, `(B, H)` each.
        kernel: `(D, 4H)`, gates in the order i, f, g, o.
        recurrent_kernel: `(H, 4H)`.
        bias: `(4H,)`.

    Returns:
        The outputs, `(B, T, H)`, and the state after the last step.

    >>> from course_lib import LSTMCell, dynamic_rnn
    >>> cell, x = LSTMCell(5, input_size=3), tf.ones([2, 7, 3])
    >>> weights = cell.kernel, cell.recurrent_kernel, cell.bias
    >>> hoisted, _ = hoist_input_projection(x, cell.zero_state(2), *weights)
    >>> bool(tf.reduce_max(tf.abs(hoisted - dynamic_rnn(cell, x)[0])) < 1e-6)
    True
    """
    x = tf.convert_to_tensor(x)
    c, h = (tf.convert_to_tensor(part) for part in state)
    check_lstm_shapes(x[:, 0], h, c, kernel, recurrent_kernel, bias)
    batch, time, features = x.shape
    flat = tf.reshape(tf.transpose(x, [1, 0, 2]), [-1, features])
    projected = tf.reshape(tf.nn.bias_add(flat @ kernel, bias), [time, batch, -1])
    inputs = tf.TensorArray(x.dtype, size=time).unstack(projected)

    def step(t: Any, c: Any, h: Any, outputs: Any) -> tuple[Any, ...]:
        z = inputs.read(t) + h @ recurrent_kernel
        i, f, g, o = tf.split(z, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return t + 1, c, h, outputs.write(t, h)

    _, c, h, outputs = tf.while_loop(
        lambda t, *_: t < time,
        step,
        (tf.constant(0), c, h, tf.TensorArray(x.dtype, size=time)),
        maximum_iterations=time,
    )
    return tf.transpose(outputs.stack(), [1, 0, 2]), LSTMStateTuple(c=c, h=h)
