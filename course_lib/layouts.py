"""Weights to and from Keras, TensorFlow 1 and PyTorch.

| | LSTM | GRU | kernels |
|---|---|---|---|
| this course and Keras | i, f, g, o | z, r, h | `kernel (D, kH)`, `recurrent_kernel (H, kH)` |
| TensorFlow 1 | i, j, f, o; forget bias added at run time | gates r, u and a candidate | `[x, h]`: `(D + H, kH)` |
| PyTorch | i, f, g, o | r, z, n | transposed: `(kH, D)`, `(kH, H)`; always two biases |

j, g and n are names of the candidate, u is z. Everything here is NumPy and lossless: there and back
gives the same numbers, but for the two biases of PyTorch, of which only the sum matters to an LSTM.
"""  # noqa: E501  (a table row cannot be broken)

from collections.abc import Mapping
from typing import Any

import numpy as np

from course_lib.cells.gated import check_gated_weights
from course_lib.cells.lstm import reorder_gates
from course_lib.cells.rnn import concat_kernel
from course_lib.shapes import ShapeError, check_shape, float_array

Arrays = tuple[np.ndarray, ...]


def split_kernel(kernel: Any, hidden: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a kernel on `[x, h]`, `(D + H, kH)`, into `(D, kH)` and `(H, kH)`.

    Raises:
        ShapeError: there are no more than H rows.

    >>> [part.shape for part in split_kernel(np.ones((12, 40)), hidden=10)]
    [(2, 40), (10, 40)]
    """
    kernel = float_array("kernel", kernel)
    rows, _ = check_shape("kernel", kernel, ("rows", "columns"))
    if rows <= hidden:
        raise ShapeError(f"kernel: rows is {rows}, expected more than {hidden} (hidden)")
    return kernel[: rows - hidden], kernel[rows - hidden :]


def rnn_to_torch(Wx: Any, Wh: Any, b: Any) -> dict[str, np.ndarray]:
    """The basic cell's weights under PyTorch's names; the whole bias goes to `bias_ih`.

    >>> rnn_to_torch(np.ones((3, 5)), np.ones((5, 5)), np.ones(5))["weight_ih"].shape
    (5, 3)
    """
    Wx, Wh, b = float_array("Wx", Wx), float_array("Wh", Wh), float_array("b", b)
    concat_kernel(Wx, Wh)  # checks that the two fit together
    return {"weight_ih": Wx.T, "weight_hh": Wh.T, "bias_ih": b, "bias_hh": np.zeros_like(b)}


def rnn_from_torch(weights: Mapping[str, Any]) -> Arrays:
    """`(Wx, Wh, b)` from PyTorch's names; the two biases are added.

    >>> rnn_from_torch(rnn_to_torch([[1.0]], [[2.0]], [3.0]))
    (array([[1.]]), array([[2.]]), array([3.]))
    """
    w = _torch_arrays(weights)
    return w["weight_ih"].T, w["weight_hh"].T, w["bias_ih"] + w["bias_hh"]


def lstm_to_tf1(
    kernel: Any, recurrent_kernel: Any, bias: Any, forget_bias: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """An LSTM's weights as a TensorFlow 1 cell wants them.

    Args:
        kernel: `(D, 4H)`.
        recurrent_kernel: `(H, 4H)`.
        bias: `(4H,)`.
        forget_bias: what that cell will add at run time, taken off here.

    Returns:
        One kernel on `[x, h]`, `(D + H, 4H)`, and one bias, `(4H,)`, in the order i, j, f, o.

    >>> kernel, bias = lstm_to_tf1(np.ones((2, 40)), np.ones((10, 40)), np.ones(40))
    >>> kernel.shape, float(bias.sum())
    ((12, 40), 30.0)
    """
    kernel, recurrent_kernel, bias = _lstm_arrays(kernel, recurrent_kernel, bias)
    joined = np.concatenate([kernel, recurrent_kernel], axis=0)
    hidden = recurrent_kernel.shape[0]
    bias = bias.copy()
    bias[hidden : 2 * hidden] -= forget_bias
    return reorder_gates(joined, "ifgo", "ijfo"), reorder_gates(bias, "ifgo", "ijfo")


def lstm_from_tf1(kernel: Any, bias: Any, forget_bias: float = 1.0) -> Arrays:
    """`(kernel, recurrent_kernel, bias)` from a TensorFlow 1 LSTM cell.

    Args:
        kernel: `(D + H, 4H)` on `[x, h]`, in the order i, j, f, o.
        bias: `(4H,)`, likewise.
        forget_bias: what that cell adds at run time, put into the bias here.

    >>> arrays = lstm_from_tf1(np.ones((12, 40)), np.zeros(40))
    >>> [array.shape for array in arrays], float(arrays[2].sum())
    ([(2, 40), (10, 40), (40,)], 10.0)
    """
    kernel = float_array("kernel", kernel)
    bias = float_array("bias", bias, kernel.dtype)
    (columns,) = check_shape("bias", bias, ("columns",))
    check_shape("kernel", kernel, ("rows", "columns"), columns=(columns, "the bias has as many"))
    hidden = columns // 4
    bias = reorder_gates(bias, "ijfo", "ifgo")
    bias[hidden : 2 * hidden] += forget_bias
    return *split_kernel(reorder_gates(kernel, "ijfo", "ifgo"), hidden), bias


def lstm_to_torch(kernel: Any, recurrent_kernel: Any, bias: Any) -> dict[str, np.ndarray]:
    """An LSTM's weights under PyTorch's names; the whole bias goes to `bias_ih`.

    >>> lstm_to_torch(np.ones((2, 40)), np.ones((10, 40)), np.ones(40))["weight_hh"].shape
    (40, 10)
    """
    kernel, recurrent_kernel, bias = _lstm_arrays(kernel, recurrent_kernel, bias)
    return {
        "weight_ih": kernel.T,
        "weight_hh": recurrent_kernel.T,
        "bias_ih": bias,
        "bias_hh": np.zeros_like(bias),
    }


def lstm_from_torch(weights: Mapping[str, Any]) -> Arrays:
    """`(kernel, recurrent_kernel, bias)` from PyTorch's names; the two biases are added.

    >>> weights = lstm_to_torch(np.ones((2, 40)), np.ones((10, 40)), np.ones(40))
    >>> [array.shape for array in lstm_from_torch(weights)]
    [(2, 40), (10, 40), (40,)]
    """
    w = _torch_arrays(weights)
    return w["weight_ih"].T, w["weight_hh"].T, w["bias_ih"] + w["bias_hh"]


def gru_to_tf1(kernel: Any, recurrent_kernel: Any, bias: Any) -> Arrays:
    """A GRU's weights (`reset_after=False`) as a TensorFlow 1 cell wants them.

    Returns:
        `(gates_kernel (D + H, 2H), gates_bias (2H,), candidate_kernel (D + H, H),
        candidate_bias (H,))`, the gates in the order r, u.

    Raises:
        ShapeError: the weights do not fit, or belong to `reset_after=True` (TensorFlow 1 has none).

    >>> [a.shape for a in gru_to_tf1(np.ones((3, 12)), np.ones((4, 12)), np.ones(12))]
    [(7, 8), (8,), (7, 4), (4,)]
    """
    kernel, recurrent_kernel = (
        float_array("kernel", kernel),
        float_array("recurrent_kernel", recurrent_kernel),
    )
    bias = float_array("bias", bias)
    _, hidden = check_gated_weights(kernel, recurrent_kernel, gates=3)
    check_shape("bias", bias, ("columns",), columns=(3 * hidden, f"kernel has hidden {hidden}"))
    joined = np.concatenate([kernel, recurrent_kernel], axis=0)
    joined, bias = (reorder_gates(w, "zrh", "rzh") for w in (joined, bias))
    cut = 2 * hidden
    return joined[:, :cut], bias[:cut], joined[:, cut:], bias[cut:]


def gru_from_tf1(
    gates_kernel: Any, gates_bias: Any, candidate_kernel: Any, candidate_bias: Any
) -> Arrays:
    """`(kernel, recurrent_kernel, bias)` for `reset_after=False`, from a TensorFlow 1 GRU cell.

    >>> tf1 = gru_to_tf1(np.ones((3, 12)), np.ones((4, 12)), np.ones(12))
    >>> [a.shape for a in gru_from_tf1(*tf1)]
    [(3, 12), (4, 12), (12,)]
    """
    joined = np.concatenate([np.asarray(gates_kernel), np.asarray(candidate_kernel)], axis=1)
    bias = np.concatenate([np.asarray(gates_bias), np.asarray(candidate_bias)])
    hidden = np.shape(candidate_bias)[0]
    joined, bias = (reorder_gates(w, "rzh", "zrh") for w in (joined, bias))
    return *split_kernel(joined, hidden), bias


def gru_to_torch(kernel: Any, recurrent_kernel: Any, bias: Any) -> dict[str, np.ndarray]:
    """A GRU's weights (`reset_after=True`) under PyTorch's names.

    Raises:
        ShapeError: the weights do not fit, or belong to `reset_after=False` (PyTorch has none).

    >>> gru_to_torch(np.ones((3, 12)), np.ones((4, 12)), np.ones((2, 12)))["weight_ih"].shape
    (12, 3)
    """
    kernel, recurrent_kernel = (
        float_array("kernel", kernel),
        float_array("recurrent_kernel", recurrent_kernel),
    )
    bias = float_array("bias", bias)
    _, hidden = check_gated_weights(kernel, recurrent_kernel, gates=3)
    check_shape("bias", bias, ("rows", "columns"), rows=2, columns=3 * hidden)
    kernel, recurrent_kernel, bias = (
        reorder_gates(w, "zrh", "rzh") for w in (kernel, recurrent_kernel, bias)
    )
    return {
        "weight_ih": kernel.T,
        "weight_hh": recurrent_kernel.T,
        "bias_ih": bias[0],
        "bias_hh": bias[1],
    }


def gru_from_torch(weights: Mapping[str, Any]) -> Arrays:
    """`(kernel, recurrent_kernel, bias (2, 3H))` for `reset_after=True`, from PyTorch's names.

    >>> weights = gru_to_torch(np.ones((3, 12)), np.ones((4, 12)), np.ones((2, 12)))
    >>> [a.shape for a in gru_from_torch(weights)]
    [(3, 12), (4, 12), (2, 12)]
    """
    w = _torch_arrays(weights)
    parts = w["weight_ih"].T, w["weight_hh"].T, np.stack([w["bias_ih"], w["bias_hh"]])
    return tuple(reorder_gates(part, "rzh", "zrh") for part in parts)


def to_keras(cell: Any) -> Any:
    """A Keras layer with the weights of a `BasicRNNCell`, `LSTMCell` or `GRUCell`.

    Returns:
        A `SimpleRNN`, `LSTM` or `GRU` layer, built, with `return_sequences=True` and
        `return_state=True`.

    Raises:
        TypeError: Keras has no layer for this cell.

    >>> from course_lib import LSTMCell, tf
    >>> layer = to_keras(LSTMCell(5, input_size=3))
    >>> [tuple(part.shape) for part in layer(tf.zeros([2, 7, 3]))]
    [(2, 7, 5), (2, 5), (2, 5)]
    """
    from course_lib.cells.gru_tf import GRUCell
    from course_lib.cells.lstm_tf import LSTMCell
    from course_lib.cells.rnn_tf import BasicRNNCell
    from course_lib.quiet import tf

    options = {"return_sequences": True, "return_state": True, "dtype": cell.dtype.name}
    # Exactly these classes: a peephole cell is an LSTMCell too, but Keras has no layer for it.
    if type(cell) is BasicRNNCell:
        layer = tf.keras.layers.SimpleRNN(cell.units, **options)
        weights = [cell.Wx, cell.Wh, cell.b]
    elif type(cell) is LSTMCell:
        layer = tf.keras.layers.LSTM(cell.units, **options)
        weights = [cell.kernel, cell.recurrent_kernel, cell.bias]
    elif type(cell) is GRUCell:
        layer = tf.keras.layers.GRU(cell.units, reset_after=cell.reset_after, **options)
        weights = [cell.kernel, cell.recurrent_kernel, cell.bias]
    else:
        raise TypeError(f"cell: is a {type(cell).__name__}, for which Keras has no layer")
    layer.build((None, None, cell.input_size))
    layer.set_weights([w.numpy() for w in weights])
    return layer


def from_keras(layer: Any) -> Any:
    """A cell of this course with the weights of a built Keras `SimpleRNN`, `LSTM` or `GRU` layer.

    Raises:
        TypeError: it is another layer, or one whose activations are not the usual ones.
        ValueError: the layer has not been built, or goes without a bias.

    >>> from course_lib import tf
    >>> layer = tf.keras.layers.GRU(5)
    >>> layer.build((None, None, 3))
    >>> from_keras(layer).parameter_count == layer.count_params()
    True
    """
    from course_lib.cells.gru_tf import GRUCell
    from course_lib.cells.lstm_tf import LSTMCell
    from course_lib.cells.rnn_tf import BasicRNNCell
    from course_lib.quiet import tf

    layers = tf.keras.layers
    if not isinstance(layer, layers.SimpleRNN | layers.LSTM | layers.GRU):
        raise TypeError(f"layer: is a {type(layer).__name__}, expected SimpleRNN, LSTM or GRU")
    activations = [layer.activation, getattr(layer, "recurrent_activation", None)]
    names = [getattr(activation, "__name__", None) for activation in activations]
    if names[0] != "tanh" or names[1] not in (None, "sigmoid"):
        raise TypeError(f"layer: activations are {names}, expected tanh and sigmoid")
    if not layer.built or len(layer.get_weights()) != 3:
        raise ValueError("layer: has no kernel, recurrent kernel and bias; build it, with a bias")
    kernel, recurrent_kernel, bias = layer.get_weights()
    match layer:
        case layers.SimpleRNN():
            return BasicRNNCell.from_weights(kernel, recurrent_kernel, bias)
        case layers.LSTM():
            return LSTMCell.from_weights(kernel, recurrent_kernel, bias)
        case _:
            return GRUCell.from_weights(kernel, recurrent_kernel, bias, layer.reset_after)


def _lstm_arrays(kernel: Any, recurrent_kernel: Any, bias: Any) -> Arrays:
    kernel = float_array("kernel", kernel)
    recurrent_kernel = float_array("recurrent_kernel", recurrent_kernel, kernel.dtype)
    bias = float_array("bias", bias, kernel.dtype)
    _, hidden = check_gated_weights(kernel, recurrent_kernel, gates=4)
    check_shape("bias", bias, ("columns",), columns=(4 * hidden, f"kernel has hidden {hidden}"))
    return kernel, recurrent_kernel, bias


def _torch_arrays(weights: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """PyTorch's four arrays; names may carry the layer's suffix, as in `weight_ih_l0`."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    arrays = {}
    for name in names:
        for key in (name, f"{name}_l0"):
            if key in weights:
                arrays[name] = float_array(key, weights[key])
    if missing := [name for name in names if name not in arrays]:
        raise ValueError(f"weights: {', '.join(missing)} missing, expected {', '.join(names)}")
    return arrays
