"""The basic recurrent step in TensorFlow, and the cell that owns its weights.

h_t = tanh(x_t Wx + h_{t-1} Wh + b)
"""

from typing import Any

import numpy as np

from course_lib.cells.base_tf import Cell, tensor_like
from course_lib.cells.rnn import check_step_shapes
from course_lib.initializers import glorot_uniform, orthogonal
from course_lib.quiet import tf
from course_lib.shapes import check_shape, float_array


def rnn_step_tf(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    """One step of the basic network as TensorFlow ops: differentiable, and usable in a graph.

    Args:
        x: inputs of this step, `(B, D)`.
        h: state before the step, `(B, H)`.
        Wx: input weights, `(D, H)`. Tensors among the arguments must share its dtype; arrays and
            lists are cast to it.
        Wh: recurrent weights, `(H, H)`.
        b: bias, `(H,)`.

    Returns:
        The state after the step, `(B, H)`, which is also the output.

    Raises:
        ShapeError: an axis does not fit; the error names it.
        DTypeError: a tensor has another dtype than `Wx`.

    Source: Elman 1990; seed 004.

    >>> rnn_step_tf([[1.0, 2.0]], [[0.0]], [[0.5], [0.25]], [[1.0]], [0.0]).numpy().round(4)
    array([[0.7616]])
    """
    Wx = Wx if tf.is_tensor(Wx) else tf.convert_to_tensor(float_array("Wx", Wx))
    x, h = tensor_like("x", x, Wx.dtype), tensor_like("h", h, Wx.dtype)
    Wh, b = tensor_like("Wh", Wh, Wx.dtype), tensor_like("b", b, Wx.dtype)
    check_step_shapes(x, h, Wx, Wh, b)

    # bias_add is the same sum as "+ b", with a gradient that is faster to compute.
    return tf.tanh(tf.nn.bias_add(x @ Wx + h @ Wh, b))


class BasicRNNCell(Cell):
    """A basic recurrent cell: `cell(x, h) -> (h_new, h_new)`.

    The output is the state, given twice because every cell returns `(output, state)`.

    Args:
        units: H, the size of the state.
        input_size: D, the number of features of the input.
        seed: the draw of the first weights: Glorot uniform `Wx`, orthogonal `Wh`, zero `b`.
        dtype: float32 or float64.

    Source: Elman 1990; seed 004.

    >>> cell = BasicRNNCell(5, input_size=3)
    >>> output, state = cell(tf.zeros([4, 3]), cell.zero_state(4))
    >>> output.shape.as_list(), cell.parameter_count
    ([4, 5], 45)
    """

    def __init__(self, units: int, input_size: int, *, seed: int = 0, dtype: Any = tf.float32):
        super().__init__()
        self.check_sizes(units, input_size)
        rng = np.random.default_rng(seed)
        self._set_weights(
            glorot_uniform(input_size, units, rng), orthogonal(units, units, rng), np.zeros(units),
            dtype,
        )  # fmt: skip

    @classmethod
    def from_weights(cls, Wx: Any, Wh: Any, b: Any) -> "BasicRNNCell":
        """A cell with the given weights: `Wx (D, H)`, `Wh (H, H)`, `b (H,)`, in the dtype of `Wx`.

        Raises:
            ShapeError: the weights do not fit together; the error names the axis.
        """
        Wx = float_array("Wx", Wx)
        features, hidden = check_shape("Wx", Wx, ("features", "hidden"))
        check_step_shapes(np.zeros((1, features)), np.zeros((1, hidden)), Wx, Wh, b)
        cell = cls.__new__(cls)
        tf.Module.__init__(cell)
        cell._set_weights(Wx, Wh, b, Wx.dtype)
        return cell

    def _set_weights(self, Wx: Any, Wh: Any, b: Any, dtype: Any) -> None:
        self.dtype = tf.as_dtype(dtype)
        self.Wx = tf.Variable(Wx, dtype=self.dtype, name="Wx")
        self.Wh = tf.Variable(Wh, dtype=self.dtype, name="Wh")
        self.b = tf.Variable(b, dtype=self.dtype, name="b")
        self.input_size, self.units = (int(size) for size in self.Wx.shape)

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
        h = rnn_step_tf(x, state, self.Wx, self.Wh, self.b)
        return h, h
