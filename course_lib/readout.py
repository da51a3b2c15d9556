"""An LSTM with weights that read a number off its outputs: what seed 001 builds and never trains.

outputs = LSTM(x)                  (B, T, H)
W_out (H, 1) and b_out (1,)        turn each output into one number; how is for the reader to write
"""

from typing import Any

import numpy as np

from course_lib.cells.lstm import lstm_sequence
from course_lib.cells.lstm_tf import LSTMCell, lstm_step_tf
from course_lib.cells.state import LSTMStateTuple
from course_lib.quiet import tf
from course_lib.shapes import check_shape


class ReadoutNetwork(tf.Module):
    """The weights of seed 001's network, drawn once, and the outputs of its LSTM.

    Args:
        units: H; the seed has 10.
        input_size: D; the seed has 2.
        seed: of all first weights. Those of the cell are Glorot's, the others N(0, 1), as in the
            seed.

    Attributes:
        cell: the LSTM cell, 520 numbers.
        W_out: `(H, 1)`, a variable.
        b_out: `(1,)`, a variable.

    >>> network = ReadoutNetwork(seed=1)
    >>> network.outputs(np.zeros((3, 4, 2))).shape.as_list()
    [3, 4, 10]
    >>> [variable.name.split(":")[0] for variable in network.trainable_variables]
    ['W_out', 'b_out', 'bias', 'kernel', 'recurrent_kernel']
    """

    def __init__(self, units: int = 10, input_size: int = 2, *, seed: int = 0):
        super().__init__()
        rng = np.random.default_rng([seed, 1])
        self.cell = LSTMCell(units, input_size, seed=seed)
        self.W_out = tf.Variable(rng.standard_normal((units, 1)), dtype=tf.float32, name="W_out")
        self.b_out = tf.Variable(rng.standard_normal(1), dtype=tf.float32, name="b_out")

    def outputs(self, x: Any) -> Any:
        """Sequences `(B, T, D)` to the outputs of the LSTM, `(B, T, H)`, a tensor."""
        x = tf.cast(x, tf.float32)
        check_shape("x", x, ("batch", "time", "features"), features=self.cell.input_size)
        return _unrolled()(x, self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)


def _unrolled() -> Any:
    """The LSTM from a state of zeros, in one graph that serves all networks."""
    if "graph" not in _TRACED:
        _TRACED["graph"] = tf.function(_lstm, autograph=False, reduce_retracing=False)
    return _TRACED["graph"]


def _lstm(x: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
    kernel, recurrent_kernel, bias = (
        tf.convert_to_tensor(w) for w in (kernel, recurrent_kernel, bias)
    )
    h = c = tf.zeros([x.shape[0], recurrent_kernel.shape[0]])
    outputs = []
    for x_t in tf.unstack(x, axis=1):
        h, c = lstm_step_tf(x_t, h, c, kernel, recurrent_kernel, bias)
        outputs.append(h)
    return tf.stack(outputs, axis=1)


_TRACED: dict[str, Any] = {}


class Session:
    """Seed 001's network in the manner of TensorFlow 1: nothing has a value before `initialise`.

    Each call of `initialise` draws *all* weights anew: those of the cell, `W_out` and `b_out`.

    Args:
        units: H.
        input_size: D.
        seed: of all draws.

    Attributes:
        draws: how often the weights were drawn.

    >>> session = Session(units=10, input_size=2, seed=0)
    >>> session.initialise()
    >>> outputs, (c, h) = session.run(np.zeros((3, 4, 2)))
    >>> outputs.shape, c.shape, session.W_out.shape, session.b_out.shape
    ((3, 4, 10), (3, 10), (10, 1), (1,))
    """

    def __init__(self, units: int, input_size: int, seed: int):
        self._sizes = input_size, units
        self._rng = np.random.default_rng(seed)
        self._weights: dict[str, np.ndarray] = {}
        self.draws = 0

    def initialise(self) -> None:
        """Draw all weights, whether they had values or not."""
        features, units = self._sizes
        normal = self._rng.standard_normal
        self._weights = {
            "kernel": 0.4 * normal((features, 4 * units)),
            "recurrent_kernel": 0.4 * normal((units, 4 * units)),
            "bias": 0.4 * normal(4 * units),
            "W_out": normal((units, 1)),
            "b_out": normal(1),
        }
        self.draws += 1

    def run(self, x: Any) -> tuple[np.ndarray, LSTMStateTuple]:
        """The outputs `(B, T, H)` for sequences `(B, T, D)`, and the state `(c, h)` after them."""
        x = np.asarray(x)
        zeros = np.zeros((x.shape[0], self._sizes[1]))
        weights = [self._weight(name) for name in ("kernel", "recurrent_kernel", "bias")]
        outputs, h, c = lstm_sequence(x, zeros, zeros, *weights)
        return outputs, LSTMStateTuple(c=c, h=h)

    @property
    def W_out(self) -> np.ndarray:  # noqa: N802
        """`(H, 1)`, as it is now."""
        return self._weight("W_out").copy()

    @property
    def b_out(self) -> np.ndarray:
        """`(1,)`, as it is now."""
        return self._weight("b_out").copy()

    def _weight(self, name: str) -> np.ndarray:
        if name not in self._weights:
            raise RuntimeError(f"{name} has no value yet: nothing was initialised")
        return self._weights[name]
