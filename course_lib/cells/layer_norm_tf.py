"""The layer-normalised LSTM cell in TensorFlow; see `course_lib.cells.layer_norm`."""

from typing import Any

from course_lib.cells.base_tf import tensor_like
from course_lib.cells.layer_norm import EPSILON, check_gains
from course_lib.cells.lstm import check_lstm_shapes
from course_lib.cells.lstm_tf import LSTMCell
from course_lib.cells.state import LSTMStateTuple
from course_lib.quiet import tf


def layer_norm_tf(a: Any, epsilon: float = EPSILON) -> Any:
    """Give every instance mean 0 and variance 1 over its features, the last axis of `(..., H)`.

    >>> layer_norm_tf(tf.constant([[1.0, 2.0, 3.0]])).numpy().round(3)
    array([[-1.225,  0.   ,  1.225]], dtype=float32)
    """
    mean = tf.reduce_mean(a, axis=-1, keepdims=True)
    variance = tf.reduce_mean((a - mean) ** 2, axis=-1, keepdims=True)
    return (a - mean) / tf.sqrt(variance + epsilon)


class LayerNormLSTMCell(LSTMCell):
    """An LSTM whose products and cell state are normalised: `cell(x, (c, h)) -> (h, state)`.

    Args:
        units, input_size, seed, forget_bias, dtype: as for `LSTMCell`. Gains start at 1.

    Source: Ba, Kiros and Hinton 2016, eq. 20 to 22.

    >>> LayerNormLSTMCell(10, input_size=2).parameter_count  # 520 of the LSTM, 2 x 40 + 2 x 10 more
    620
    """

    def __init__(
        self,
        units: int,
        input_size: int,
        *,
        seed: int = 0,
        forget_bias: float = 1.0,
        dtype: Any = tf.float32,
    ):
        super().__init__(units, input_size, seed=seed, forget_bias=forget_bias, dtype=dtype)
        wide, narrow = tf.ones(4 * units, self.dtype), tf.ones(units, self.dtype)
        self._set_gains(wide, wide, narrow, 0 * narrow)

    @classmethod
    def from_weights(  # type: ignore[override]
        cls,
        kernel: Any,
        recurrent_kernel: Any,
        bias: Any,
        gain_x: Any,
        gain_h: Any,
        gain_c: Any,
        shift_c: Any,
    ) -> "LayerNormLSTMCell":
        """A cell with the given weights, named as in `layer_norm_lstm_step`.

        Raises:
            ShapeError: the weights do not fit together; the error names the axis.
        """
        plain = LSTMCell.from_weights(kernel, recurrent_kernel, bias)
        check_gains(plain.units, gain_x=gain_x, gain_h=gain_h, gain_c=gain_c, shift_c=shift_c)
        cell = cls.__new__(cls)
        tf.Module.__init__(cell)
        cell._set_weights(plain.kernel, plain.recurrent_kernel, plain.bias, plain.dtype)
        cell._set_gains(gain_x, gain_h, gain_c, shift_c)
        return cell

    def _set_gains(self, gain_x: Any, gain_h: Any, gain_c: Any, shift_c: Any) -> None:
        self.gain_x = tf.Variable(gain_x, dtype=self.dtype, name="gain_x")
        self.gain_h = tf.Variable(gain_h, dtype=self.dtype, name="gain_h")
        self.gain_c = tf.Variable(gain_c, dtype=self.dtype, name="gain_c")
        self.shift_c = tf.Variable(shift_c, dtype=self.dtype, name="shift_c")

    def __call__(self, x: Any, state: Any) -> tuple[Any, LSTMStateTuple]:
        """One step: `(B, D)` and a pair `(c, h)` of `(B, H)` to the new h and the new pair."""
        x = tensor_like("x", x, self.dtype)
        c, h = (tensor_like(n, v, self.dtype) for n, v in zip("ch", state, strict=True))
        check_lstm_shapes(x, h, c, self.kernel, self.recurrent_kernel, self.bias)

        from_x = self.gain_x * layer_norm_tf(x @ self.kernel)
        from_h = self.gain_h * layer_norm_tf(h @ self.recurrent_kernel)
        i, f, g, o = tf.split(tf.nn.bias_add(from_x + from_h, self.bias), 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(self.gain_c * layer_norm_tf(c) + self.shift_c)
        return h, LSTMStateTuple(c=c, h=h)
