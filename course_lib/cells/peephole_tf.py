"""The peephole LSTM cell in TensorFlow; its equations are in `course_lib.cells.peephole`."""

from typing import Any

import numpy as np

from course_lib.cells.base_tf import tensor_like
from course_lib.cells.lstm import check_lstm_shapes
from course_lib.cells.lstm_tf import LSTMCell
from course_lib.cells.peephole import check_peepholes
from course_lib.cells.state import LSTMStateTuple
from course_lib.initializers import glorot_uniform
from course_lib.quiet import tf


class PeepholeLSTMCell(LSTMCell):
    """An LSTM whose gates see the cell state: `cell(x, LSTMStateTuple(c, h)) -> (h, state)`.

    Args:
        units, input_size, seed, forget_bias, dtype: as for `LSTMCell`.

    Source: Gers, Schraudolph and Schmidhuber 2002.

    >>> PeepholeLSTMCell(10, input_size=2).parameter_count  # three for every unit more than an LSTM
    550
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
        draw = glorot_uniform(3, units, np.random.default_rng([seed, 1]))
        self.peepholes = tf.Variable(draw, dtype=self.dtype, name="peepholes")

    @classmethod
    def from_weights(  # type: ignore[override]
        cls, kernel: Any, recurrent_kernel: Any, bias: Any, peepholes: Any
    ) -> "PeepholeLSTMCell":
        """A cell with the given weights: those of an `LSTMCell`, and `peepholes (3, H)`: i, f, o.

        Raises:
            ShapeError: the weights do not fit together; the error names the axis.
        """
        plain = LSTMCell.from_weights(kernel, recurrent_kernel, bias)
        check_peepholes(peepholes, plain.units)
        cell = cls.__new__(cls)
        tf.Module.__init__(cell)
        cell._set_weights(plain.kernel, plain.recurrent_kernel, plain.bias, plain.dtype)
        cell.peepholes = tf.Variable(peepholes, dtype=cell.dtype, name="peepholes")
        return cell

    def __call__(self, x: Any, state: Any) -> tuple[Any, LSTMStateTuple]:
        """One step: `(B, D)` and a pair `(c, h)` of `(B, H)` to the new h and the new pair."""
        x = tensor_like("x", x, self.dtype)
        c, h = (tensor_like(n, v, self.dtype) for n, v in zip("ch", state, strict=True))
        check_lstm_shapes(x, h, c, self.kernel, self.recurrent_kernel, self.bias)

        z = tf.nn.bias_add(x @ self.kernel + h @ self.recurrent_kernel, self.bias)
        z_i, z_f, z_g, z_o = tf.split(z, 4, axis=1)
        p_i, p_f, p_o = tf.unstack(self.peepholes)
        i, f = tf.sigmoid(z_i + p_i * c), tf.sigmoid(z_f + p_f * c)
        c = f * c + i * tf.tanh(z_g)
        h = tf.sigmoid(z_o + p_o * c) * tf.tanh(c)
        return h, LSTMStateTuple(c=c, h=h)
