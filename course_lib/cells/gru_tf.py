"""The GRU in TensorFlow: the step, and the cell that owns its weights.

z, r = sigmoid(...), sigmoid(...)          the equations are in `course_lib.cells.gru`
h_t = z * h_{t-1} + (1 - z) * g
"""

from typing import Any

import numpy as np

from course_lib.cells.base_tf import Cell, tensor_like
from course_lib.cells.gru import check_gru_shapes
from course_lib.initializers import glorot_uniform, orthogonal
from course_lib.quiet import tf
from course_lib.shapes import float_array


def gru_step_tf(
    x: Any, h: Any, kernel: Any, recurrent_kernel: Any, bias: Any, reset_after: bool
) -> Any:
    """One step of a GRU as TensorFlow ops; arguments and result as in `gru_step`.

    Raises:
        ShapeError: an axis does not fit; the error names it.
        DTypeError: a tensor has another dtype than `kernel`.

    >>> one, w = tf.ones([1, 1]), tf.zeros([1, 3])
    >>> float(gru_step_tf(one, one, w, w, tf.zeros(3), reset_after=False)[0, 0])
    0.5
    """
    kernel = kernel if tf.is_tensor(kernel) else tf.convert_to_tensor(float_array("kernel", kernel))
    x, h = tensor_like("x", x, kernel.dtype), tensor_like("h", h, kernel.dtype)
    recurrent_kernel = tensor_like("recurrent_kernel", recurrent_kernel, kernel.dtype)
    bias = tensor_like("bias", bias, kernel.dtype)
    check_gru_shapes(x, h, kernel, recurrent_kernel, bias, reset_after)

    hidden = h.shape[1]
    if reset_after:
        from_x = tf.nn.bias_add(x @ kernel, bias[0])
        from_h = tf.nn.bias_add(h @ recurrent_kernel, bias[1])
        x_zr, x_h = tf.split(from_x, [2 * hidden, hidden], axis=1)
        h_zr, h_h = tf.split(from_h, [2 * hidden, hidden], axis=1)
        z, r = tf.split(tf.sigmoid(x_zr + h_zr), 2, axis=1)
        g = tf.tanh(x_h + r * h_h)
    else:
        # The candidate's product needs r first, so it cannot join the gates' product with h.
        R_zr, R_h = tf.split(recurrent_kernel, [2 * hidden, hidden], axis=1)
        x_zr, x_h = tf.split(tf.nn.bias_add(x @ kernel, bias), [2 * hidden, hidden], axis=1)
        z, r = tf.split(tf.sigmoid(x_zr + h @ R_zr), 2, axis=1)
        g = tf.tanh(x_h + (r * h) @ R_h)
    return z * h + (1 - z) * g


class GRUCell(Cell):
    """A GRU cell: `cell(x, h) -> (h_new, h_new)`.

    Args:
        units: H, the size of the state.
        input_size: D, the number of features of the input.
        reset_after: True for the form of Keras, cuDNN and PyTorch, False for that of the paper and
            of TensorFlow 1.
        seed: the draw of the first weights: Glorot uniform kernel, orthogonal recurrent kernel,
            zero bias.
        dtype: float32 or float64.

    Source: Cho et al. 2014; seed 003.

    >>> GRUCell(5, input_size=4).parameter_count
    165
    """

    def __init__(
        self,
        units: int,
        input_size: int,
        *,
        reset_after: bool = True,
        seed: int = 0,
        dtype: Any = tf.float32,
    ):
        super().__init__()
        self.check_sizes(units, input_size)
        rng = np.random.default_rng(seed)
        self._set_weights(
            glorot_uniform(input_size, 3 * units, rng),
            orthogonal(units, 3 * units, rng),
            np.zeros((2, 3 * units) if reset_after else 3 * units),
            reset_after,
            dtype,
        )

    @classmethod
    def from_weights(
        cls, kernel: Any, recurrent_kernel: Any, bias: Any, reset_after: bool = True
    ) -> "GRUCell":
        """A cell with the given weights, in the order z, r, h, and in the dtype of `kernel`.

        Args:
            kernel: `(D, 3H)`.
            recurrent_kernel: `(H, 3H)`.
            bias: `(2, 3H)` with `reset_after`, `(3H,)` without.
            reset_after: which form of the cell the weights belong to.

        Raises:
            ShapeError: the weights do not fit together; the error names the axis.
        """
        kernel = float_array("kernel", kernel)
        cell = cls.__new__(cls)
        tf.Module.__init__(cell)
        cell._set_weights(kernel, recurrent_kernel, bias, reset_after, kernel.dtype)
        x, h = np.zeros((1, cell.input_size)), np.zeros((1, cell.units))
        check_gru_shapes(x, h, kernel, recurrent_kernel, bias, reset_after)
        return cell

    def _set_weights(
        self, kernel: Any, recurrent_kernel: Any, bias: Any, reset_after: bool, dtype: Any
    ) -> None:
        self.dtype, self.reset_after = tf.as_dtype(dtype), reset_after
        self.kernel = tf.Variable(kernel, dtype=self.dtype, name="kernel")
        self.recurrent_kernel = tf.Variable(
            recurrent_kernel, dtype=self.dtype, name="recurrent_kernel"
        )
        self.bias = tf.Variable(bias, dtype=self.dtype, name="bias")
        self.input_size, self.units = int(self.kernel.shape[0]), int(self.kernel.shape[1]) // 3

    @property
    def state_size(self) -> int:
        """H."""
        return self.units

    @property
    def output_size(self) -> int:
        """H: the output is the state."""
        return self.units

    def __call__(self, x: Any, state: Any) -> tuple[Any, Any]:
        """One step: `(B, D)` and `(B, H)` to the new state, twice."""
        h = gru_step_tf(x, state, self.kernel, self.recurrent_kernel, self.bias, self.reset_after)
        return h, h
