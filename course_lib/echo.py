"""The echo task: repeat the bits of a few steps ago, in a series far too long to unroll.

The series is cut into windows. Gradients stop at a window's edge (truncated backpropagation); the
state may cross it. Without the state, the first `delay` bits of every window are guesses.

    y[b, t] = x[b, t - delay],   and 0 before
"""

from typing import Any

import numpy as np

from course_lib.cells.stack import make_multi_cell
from course_lib.initializers import glorot_uniform
from course_lib.quiet import tf
from course_lib.shapes import ShapeError, check_shape
from course_lib.unroll.dynamic import dynamic_rnn

WINDOW = 15  # the seed's truncated_backprop_length


def make_echo(
    length: int, batch: int, delay: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Random bits in rows, and each row's echo.

    Args:
        length: how many bits in all; a multiple of `batch`.
        batch: B, how many rows.
        delay: the seed's echo_step.
        rng: draws the bits.

    Returns:
        x and y, `(B, length / B)` int64. Every row is a series of its own, with zeros for its first
        `delay` labels. (The seed rolls before it cuts into rows, so that a row starts with labels
        that come from the end of the row before: nobody can know them.)

    Raises:
        ValueError: `length` is no multiple of `batch`, or shorter than the delay.

    Source: seed 002, `generateData`.

    >>> x, y = make_echo(20, 2, 3, np.random.default_rng(0))
    >>> bool((y[:, 3:] == x[:, :-3]).all()), y[:, :3].tolist()
    (True, [[0, 0, 0], [0, 0, 0]])
    """
    if batch < 1 or length < 1 or length % batch:
        raise ValueError(f"length: is {length}, expected a multiple of {batch} (batch)")
    if not 0 <= delay <= length // batch:
        raise ValueError(f"delay: is {delay}, expected 0 to {length // batch} (length / batch)")
    x = rng.integers(0, 2, size=(batch, length // batch))
    y = np.zeros_like(x)
    y[:, delay:] = x[:, : x.shape[1] - delay]
    return x, y


def windows(x: Any, y: Any, T: int) -> list[tuple[Any, Any]]:
    """Cut both series into windows of T columns, in the order of time and without a gap.

    The last window is shorter where T does not divide the length: nothing is dropped. (The seed
    uses 9,990 of its 10,000 columns.)

    Args:
        x, y: `(B, length)` each.
        T: columns of a window.

    Returns:
        Pairs `(B, T)`.

    Raises:
        ShapeError: the two differ in shape.
        ValueError: T is not positive.

    >>> [part.shape for part, _ in windows(np.zeros((5, 40)), np.zeros((5, 40)), 15)]
    [(5, 15), (5, 15), (5, 10)]
    """
    if T < 1:
        raise ValueError(f"T: is {T}, expected at least 1")
    batch, length = check_shape("x", x, ("batch", "time"))
    if tuple(np.shape(y)) != (batch, length):
        raise ShapeError(f"y: shape is {np.shape(y)}, expected {(batch, length)} (the shape of x)")
    x, y = np.asarray(x), np.asarray(y)
    return [(x[:, t : t + T], y[:, t : t + T]) for t in range(0, length, T)]


class EchoNetwork(tf.Module):
    """The seed's network: a stack of LSTM cells and one projection to two classes.

    Args:
        units: H of every layer; the seed has 4.
        layers: the seed has 3.
        learning_rate: of Adagrad; the seed has 0.3.
        seed: of all first weights.

    >>> network = EchoNetwork(units=4, layers=3)
    >>> logits, state = network(np.zeros((5, 15)), network.zero_state(5))
    >>> logits.shape.as_list(), len(state)
    ([5, 15, 2], 3)
    """

    def __init__(
        self, units: int = 4, layers: int = 1, *, learning_rate: float = 0.3, seed: int = 0
    ):
        super().__init__()
        self.cell = make_multi_cell(units, layers, input_size=1, seed=seed)
        draw = glorot_uniform(units, 2, np.random.default_rng([seed, 2]))
        self.W_out = tf.Variable(draw, dtype=tf.float32, name="W_out")
        self.b_out = tf.Variable(tf.zeros(2), name="b_out")
        self.optimizer = tf.keras.optimizers.Adagrad(learning_rate)
        self.optimizer.build(self.trainable_variables)
        self._update = tf.function(self._one_update, reduce_retracing=True)
        self._forward = tf.function(self.__call__, reduce_retracing=True)

    def __call__(self, x: Any, state: Any) -> tuple[Any, Any]:
        """Bits `(B, T)` and a state to logits `(B, T, 2)` and the state after them."""
        outputs, state = dynamic_rnn(self.cell, tf.cast(x, tf.float32)[:, :, tf.newaxis], state)
        return outputs @ self.W_out + self.b_out, state

    def zero_state(self, batch: int) -> Any:
        """The state before a series begins."""
        return self.cell.zero_state(batch)

    def predict(self, x: Any, state: Any) -> tuple[Any, Any]:
        """As a call, in a graph: faster for many windows of one shape."""
        return self._forward(tf.convert_to_tensor(x), state)

    def train_window(self, x: Any, y: Any, state: Any) -> tuple[Any, Any]:
        """One update on one window; gradients do not reach beyond it.

        Returns:
            The loss before the update (nats a bit), and the state after the window.
        """
        return self._update(tf.convert_to_tensor(x), tf.convert_to_tensor(y), state)

    def _one_update(self, x: Any, y: Any, state: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            logits, state = self(x, state)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            )
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return loss, state


def run_epoch(model: Any, x: Any, y: Any, carry: bool, T: int = WINDOW) -> np.ndarray:
    """Train once over the whole series, window after window.

    Args:
        model: has `zero_state(B)` and `train_window(x, y, state) -> (loss, state)`.
        x, y: `(B, length)`.
        carry: whether a window begins with the state in which the one before ended; both parts of
            it, in every layer. The series itself begins with zeros either way.
        T: columns of a window.

    Returns:
        The loss of each window, in order.

    Source: seed 002, whose loop is missing in its listing.

    >>> x, y = make_echo(300, 5, 3, np.random.default_rng(0))
    >>> run_epoch(EchoNetwork(), x, y, carry=True).shape
    (4,)
    """
    batch = np.shape(x)[0]
    state, losses = model.zero_state(batch), []
    for x_window, y_window in windows(x, y, T):
        if not carry:
            state = model.zero_state(batch)
        loss, state = model.train_window(x_window, y_window, state)
        losses.append(float(loss))
    return np.array(losses)


def evaluate(model: Any, x: Any, y: Any, carry: bool, T: int = WINDOW) -> tuple[float, np.ndarray]:
    """Loss and accuracy without training.

    Args:
        model: has `zero_state(B)` and `predict(x, state) -> (logits, state)`.
        x, y, carry, T: as for `run_epoch`.

    Returns:
        The mean loss (nats a bit), and the share of right bits at each place in a window, `(T,)`:
        without carrying, only the first `delay` places should suffer.

    >>> x, y = make_echo(300, 5, 3, np.random.default_rng(0))
    >>> evaluate(EchoNetwork(), x, y, carry=True)[1].shape
    (15,)
    """
    batch, length = np.shape(x)
    state, logits = model.zero_state(batch), []
    for x_window, _ in windows(x, y, T):
        if not carry:
            state = model.zero_state(batch)
        window, state = model.predict(x_window, state)
        logits.append(np.asarray(window))
    all_logits = np.concatenate(logits, axis=1)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=all_logits)
    right = np.argmax(all_logits, axis=2) == np.asarray(y)
    places = np.arange(length) % T
    accuracy = np.array([right[:, places == place].mean() for place in range(min(T, length))])
    return float(tf.reduce_mean(loss)), accuracy
