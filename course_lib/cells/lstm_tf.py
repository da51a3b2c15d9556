"""The LSTM in TensorFlow: the step, and the cell that owns its weights.

z = x_t kernel + h_{t-1} recurrent_kernel + bias
c_t = sigmoid(z_f) * c_{t-1} + sigmoid(z_i) * tanh(z_g)
h_t = sigmoid(z_o) * tanh(c_t)
"""

from typing import Any

import numpy as np

from course_lib.cells.base_tf import Cell, tensor_like
from course_lib.cells.lstm import check_lstm_shapes
from course_lib.cells.state import LSTMStateTuple
from course_lib.initializers import glorot_uniform, orthogonal
from course_lib.quiet import tf
from course_lib.shapes import float_array


def lstm_step_tf(
    x: Any, h: Any, c: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[Any, Any]:
    """One step of an LSTM as TensorFlow ops; arguments and result as in `lstm_step`.

    Raises:
        ShapeError: an axis does not fit; the error names it.
        DTypeError: a tensor has another dtype than `kernel`.

    >>> one, w = tf.ones([1, 1]), tf.zeros([1, 4])
    >>> h, c = lstm_step_tf(one, 0 * one, one, w, w, tf.zeros(4))
    >>> float(c[0, 0]), round(float(h[0, 0]), 4)
    (0.5, 0.2311)
    """
    kernel = kernel if tf.is_tensor(kernel) else tf.convert_to_tensor(float_array("kernel", kernel))
    x, h, c = (tensor_like(n, v, kernel.dtype) for n, v in (("x", x), ("h", h), ("c", c)))
    recurrent_kernel = tensor_like("recurrent_kernel", recurrent_kernel, kernel.dtype)
    bias = tensor_like("bias", bias, kernel.dtype)
    check_lstm_shapes(x, h, c, kernel, recurrent_kernel, bias)

    # Two products and a bias_add: measured faster than one product on [x, h], above all backwards.
    z = tf.nn.bias_add(x @ kernel + h @ recurrent_kernel, bias)
    i, f, g, o = tf.split(z, 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    h = tf.sigmoid(o) * tf.tanh(c)
    return h, c


class LSTMCell(Cell):
    """An LSTM cell: `cell(x, LSTMStateTuple(c, h)) -> (h_new, LSTMStateTuple(c_new, h_new))`.

    Args:
        units: H, the size of both parts of the state.
        input_size: D, the number of features of the input.
        seed: the draw of the first weights: Glorot uniform kernel, one orthogonal matrix for all
            gates of the recurrent kernel (as in Keras), a bias of zeros but for the forget gate.
        forget_bias: first bias of the forget gate. 1 keeps the gate open at the start, so that
            gradients reach far back (Jozefowicz, Zaremba and Sutskever 2015). TensorFlow 1's cells
            (`BasicLSTMCell` in seed 001) do the same by adding 1 at run time; see `layouts`.
        dtype: float32 or float64.

    >>> cell = LSTMCell(10, input_size=2)
    >>> output, state = cell(tf.zeros([3, 2]), cell.zero_state(3))
    >>> output.shape.as_list(), state.c.shape.as_list(), cell.parameter_count
    ([3, 10], [3, 10], 520)
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
        super().__init__()
        self.check_sizes(units, input_size)
        rng = np.random.default_rng(seed)
        bias = np.zeros(4 * units)
        bias[units : 2 * units] = forget_bias
        self._set_weights(
            glorot_uniform(input_size, 4 * units, rng),
            orthogonal(units, 4 * units, rng),
            bias,
            dtype,
        )

    @classmethod
    def from_weights(cls, kernel: Any, recurrent_kernel: Any, bias: Any) -> "LSTMCell":
        """A cell with the given weights, gates in the order i, f, g, o, in the dtype of `kernel`.

        Args:
            kernel: `(D, 4H)`.
            recurrent_kernel: `(H, 4H)`.
            bias: `(4H,)`, forget bias included.

        Raises:
            ShapeError: the weights do not fit together; the error names the axis.
        """
        kernel = float_array("kernel", kernel)
        cell = cls.__new__(cls)
        tf.Module.__init__(cell)
        cell._set_weights(kernel, recurrent_kernel, bias, kernel.dtype)
        zeros = np.zeros((1, cell.units))
        check_lstm_shapes(
            np.zeros((1, cell.input_size)), zeros, zeros, kernel, recurrent_kernel, bias
        )
        return cell

    def _set_weights(self, kernel: Any, recurrent_kernel: Any, bias: Any, dtype: Any) -> None:
        self.dtype = tf.as_dtype(dtype)
        self.kernel = tf.Variable(kernel, dtype=self.dtype, name="kernel")
        self.recurrent_kernel = tf.Variable(
            recurrent_kernel, dtype=self.dtype, name="recurrent_kernel"
        )
        self.bias = tf.Variable(bias, dtype=self.dtype, name="bias")
        self.input_size, self.units = int(self.kernel.shape[0]), int(self.kernel.shape[1]) // 4

    @property
    def state_size(self) -> LSTMStateTuple:
        """`LSTMStateTuple(c=H, h=H)`."""
        return LSTMStateTuple(c=self.units, h=self.units)

    @property
    def output_size(self) -> int:
        """H: the output is h."""
        return self.units

    def __call__(self, x: Any, state: Any) -> tuple[Any, LSTMStateTuple]:
        """One step: `(B, D)` and a pair `(c, h)` of `(B, H)` to the new h and the new pair."""
        c, h = state
        h, c = lstm_step_tf(x, h, c, self.kernel, self.recurrent_kernel, self.bias)
        return h, LSTMStateTuple(c=c, h=h)
