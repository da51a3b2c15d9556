"""What the edge of a window costs, and the tutorial's echo program, as printed and repaired.

A window of T columns without the state of the one before knows nothing of its first `delay` labels:

    floor = min(delay, T) / T * ln 2        nats a label
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_lib.carrying import pack_state, unpack_state
from course_lib.cells.state import LSTMStateTuple
from course_lib.echo import EchoNetwork, evaluate, make_echo, run_epoch, windows
from course_lib.quiet import tf

Cells = Sequence[Callable[[Any, Any], tuple[Any, Any]]]


def loss_floor(T: int, delay: int) -> float:
    """The lowest mean loss that a network can reach on windows of T without carrying its state.

    The first `delay` labels of each window are coin tosses, worth ln 2 each; all others can be known.

    Args:
        T: columns of a window.
        delay: how many steps ago the bit was read that a label repeats.

    Returns:
        Nats a label.

    Raises:
        ValueError: there is no column, or a label repeats a bit of the future.

    >>> round(loss_floor(15, 3), 3)
    0.139
    """
    if T < 1:
        raise ValueError(f"T: is {T}, expected at least 1")
    if delay < 0:
        raise ValueError(f"delay: is {delay}, expected at least 0")
    return min(delay, T) / T * float(np.log(2))


def bit_loss(logits: Any, labels: Any) -> float:
    """Mean cross-entropy in nats a label, in NumPy.

    Args:
        logits: `(B, T, 2)`.
        labels: `(B, T)`, 0 or 1.

    >>> round(bit_loss(np.zeros((1, 1, 2)), np.array([[1]])), 3)
    0.693
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    of_label = np.take_along_axis(logits, labels[:, :, np.newaxis], axis=2)[:, :, 0]
    return float(np.mean(np.logaddexp(logits[:, :, 0], logits[:, :, 1]) - of_label))


def tutorial_as_printed(
    bits: np.ndarray, batch: int, delay: int, T: int, cells: Cells, W2: Any, b2: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The tutorial's echo program without its training, its silent mistakes included.

    It reads labels across rows, loses h at every window's edge and forgets the last columns. Its
    listing ends before the loop over windows; the loop here never saves the state.

    Args:
        bits: `(length,)`, 0 or 1; the length is a multiple of `batch`.
        batch: B.
        delay: the tutorial's echo_step.
        T: columns of a window.
        cells: L steps `cell(x, LSTMStateTuple(c, h)) -> (output, new state)`, from the bottom up.
        W2, b2: `(H, 2)` and `(2,)`, the read-out.

    Returns:
        The loss of each window, and the state at the end, `(L, 2, B, H)`.

    Source: seed 002. The sizes of its placeholders and a misspelt weight stop it before it starts;
    these are mended here.

    >>> keep = lambda x, state: (state.h + x, LSTMStateTuple(state.c, state.h + x))
    >>> bits, W2, b2 = np.arange(14) % 2, np.ones((1, 2)), np.zeros(2)
    >>> [len(f(bits, 2, 1, 3, [keep], W2, b2)[0]) for f in (tutorial_as_printed, repair_tutorial)]
    [2, 3]
    """
    y = np.roll(bits, delay)
    y[:delay] = 0
    x, y = bits.reshape(batch, -1), y.reshape(batch, -1)
    H = W2.shape[0]
    packed, losses = np.zeros((len(cells), 2, batch, H)), []
    for number in range(len(bits) // batch // T):
        states = [LSTMStateTuple(packed[k][0], np.zeros((batch, H))) for k in range(len(cells))]
        columns = slice(number * T, (number + 1) * T)
        logits, states = _run(cells, x[:, columns], states, W2, b2)
        losses.append(bit_loss(logits, y[:, columns]))
    return np.array(losses), packed


def repair_tutorial(
    bits: np.ndarray, batch: int, delay: int, T: int, cells: Cells, W2: Any, b2: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The program of `tutorial_as_printed` as it was meant; arguments and results are the same.

    Rows are cut before they are shifted, every column is used, and both parts of the state pass
    from one window to the next.

    >>> tally = lambda x, state: (x, LSTMStateTuple(state.c + x, state.h + 1))
    >>> bits, W2, b2 = np.ones(8, int), np.ones((1, 2)), np.zeros(2)
    >>> repair_tutorial(bits, 2, 1, 3, [tally], W2, b2)[1].tolist()
    [[[[4.0], [4.0]], [[4.0], [4.0]]]]
    """
    x = bits.reshape(batch, -1)
    y = np.zeros_like(x)
    y[:, delay:] = x[:, : x.shape[1] - delay]
    packed, losses = np.zeros((len(cells), 2, batch, W2.shape[0])), []
    for x_window, y_window in windows(x, y, T):
        logits, states = _run(cells, x_window, list(unpack_state(packed)), W2, b2)
        packed = pack_state(states)
        losses.append(bit_loss(logits, y_window))
    return np.array(losses), packed


def _run(cells: Cells, x: np.ndarray, states: list[Any], W2: Any, b2: Any) -> tuple[Any, list[Any]]:
    """All layers over one window: logits `(B, T, 2)` and the states after it."""
    states, logits = list(states), []
    for t in range(x.shape[1]):
        output: Any = x[:, t, np.newaxis]
        for k, cell in enumerate(cells):
            output, states[k] = cell(output, states[k])
        logits.append(output @ W2 + b2)
    return np.stack(logits, axis=1), states


class Updating:
    """Gives a model that has `loss` and `update` the `train_window` that `run_epoch` calls.

    Args:
        model: has `zero_state(B)`, `loss(x, y, state) -> (loss, state)`, `update(gradients)` and
            `trainable_variables`, like the network that notebook 8 builds.
    """

    def __init__(self, model: Any):
        self.model = model

    def zero_state(self, batch: int) -> Any:
        """The model's own."""
        return self.model.zero_state(batch)

    def train_window(self, x: Any, y: Any, state: Any) -> tuple[Any, Any]:
        """One update on one window; the tape sees nothing beyond it."""
        with tf.GradientTape() as tape:
            loss, state = self.model.loss(x, y, state)
        self.model.update(tape.gradient(loss, self.model.trainable_variables))
        return loss, state


def loss_against_window(
    lengths: Sequence[int],
    *,
    carry: bool,
    delay: int = 3,
    updates: int = 250,
    batch: int = 20,
    learning_rate: float = 0.03,
    seed: int = 0,
) -> list[float]:
    """Train one network a window length, from the same first weights, and test it on fresh bits.

    Every network gets as many updates; longer windows therefore read more bits. Adam is used in place
    of the tutorial's Adagrad, for the sake of speed.

    Args:
        lengths: values of T.
        carry: whether the state passes from window to window.
        delay: of the echo.
        updates: how many windows each network is trained on.
        batch: rows of the series.
        learning_rate: of Adam.
        seed: of weights and bits.

    Returns:
        For each T, the loss on fresh bits in nats a label.

    >>> len(loss_against_window([2, 3], carry=True, updates=2))
    2
    """
    network = EchoNetwork(seed=seed)
    network.optimizer = tf.keras.optimizers.Adam(learning_rate)
    network.optimizer.build(network.trainable_variables)
    everything = [*network.variables, *(v.value for v in network.optimizer.variables)]
    first = [variable.numpy() for variable in everything]
    fresh = make_echo(50 * 240, 50, delay, np.random.default_rng([seed, 1]))
    losses = []
    for T in lengths:
        for variable, value in zip(everything, first, strict=True):
            variable.assign(value)
        data = make_echo(batch * T * updates, batch, delay, np.random.default_rng([seed, 0]))
        run_epoch(network, *data, carry, T)
        losses.append(evaluate(network, *fresh, carry, T)[0])
    return losses
