"""The recall task and a small LSTM that learns it, in NumPy: what the forget bias is good for.

The first number of a sequence is marked; the others only distract. After the last step a linear
read-out of the hidden state is to say the marked number::

    prediction = h_T w + b          loss = mean (prediction - x_1)^2

Whoever remembers nothing says 0, and has a loss of 1/3: the variance of a uniform draw from -1 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class RecallRun:
    """How a training went.

    Attributes:
        losses: mean squared error of every batch, before its update, `(updates,)`.
        weights: `kernel`, `recurrent_kernel` and `bias` of the LSTM at the end.
        readout: `w (H,)` and `b (1,)` at the end.
    """

    losses: np.ndarray
    weights: tuple[np.ndarray, ...]
    readout: tuple[np.ndarray, ...]


def recall_batch(batch: int, time: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of numbers of which the first is marked.

    Returns:
        x, `(B, T, 2)`: a number from -1 to 1, and a mark that is 1 at the first step, then 0; and
        the number to recall, `(B,)`.

    >>> x, y = recall_batch(3, 5, np.random.default_rng(0))
    >>> x.shape, bool((x[:, 0, 0] == y).all()), x[0, :, 1].tolist()
    ((3, 5, 2), True, [1.0, 0.0, 0.0, 0.0, 0.0])
    """
    x = np.zeros((batch, time, 2))
    x[:, :, 0] = rng.uniform(-1.0, 1.0, (batch, time))
    x[:, 0, 1] = 1.0
    return x, x[:, 0, 0].copy()


def train_recall(
    forget_bias: float,
    seed: int,
    *,
    time: int = 20,
    hidden: int = 8,
    batch: int = 32,
    updates: int = 200,
    learning_rate: float = 0.01,
) -> RecallRun:
    """Train an LSTM on the task with Adam; every update sees sequences never seen before.

    Args:
        forget_bias: what the forget gate's bias starts from; all other biases start from 0.
        seed: of weights and data. One seed gives the same draws for every forget bias.
        time: T, which is how long the number has to be kept.
        hidden: H.
        batch: B.
        updates: how many steps of Adam.
        learning_rate: of Adam.

    Source: Jozefowicz, Zaremba and Sutskever 2015, section 2.2, on the forget bias.

    >>> train_recall(1.0, seed=0, time=3, updates=2).losses.shape
    (2,)
    """
    # Imported here, so that this module loads also where a notebook's answers are hidden.
    from course_lib.backprop.gradients import clip_by_global_norm
    from course_lib.backprop.lstm import lstm_backward, lstm_forward
    from course_lib.initializers import glorot_uniform, orthogonal

    rng = np.random.default_rng(seed)
    bias = np.zeros(4 * hidden)
    bias[hidden : 2 * hidden] = forget_bias
    parameters = [
        glorot_uniform(2, 4 * hidden, rng),
        np.concatenate([orthogonal(hidden, hidden, rng) for _ in range(4)], axis=1),
        bias,
        rng.normal(0.0, 0.3, hidden),
        np.zeros(1),
    ]
    adam = _Adam(parameters, learning_rate)
    zero, losses = np.zeros((batch, hidden)), np.empty(updates)
    for number in range(updates):
        x, wanted = recall_batch(batch, time, rng)
        outputs, h, _, caches = lstm_forward(x, zero, zero, *parameters[:3])
        error = h @ parameters[3] + parameters[4] - wanted
        losses[number] = np.mean(error**2)

        derror = 2 * error / batch
        dy = np.zeros_like(outputs)
        dy[:, -1] = derror[:, np.newaxis] * parameters[3]
        gradients = [*lstm_backward(dy, caches)[3:], h.T @ derror, derror.sum(keepdims=True)]
        adam.update(clip_by_global_norm(gradients, 1.0)[0])
    return RecallRun(losses, tuple(parameters[:3]), tuple(parameters[3:]))


class _Adam:
    """Kingma and Ba 2015, algorithm 1, on a list of arrays that it changes in place."""

    def __init__(self, parameters: list[np.ndarray], learning_rate: float) -> None:
        self.parameters, self.rate, self.count = parameters, learning_rate, 0
        self.mean = [np.zeros_like(p) for p in parameters]
        self.square = [np.zeros_like(p) for p in parameters]

    def update(self, gradients: list[np.ndarray]) -> None:
        self.count += 1
        rate = self.rate * np.sqrt(1 - 0.999**self.count) / (1 - 0.9**self.count)
        for p, m, v, g in zip(self.parameters, self.mean, self.square, gradients, strict=True):
            m += 0.1 * (g - m)
            v += 0.001 * (g**2 - v)
            p -= rate * m / (np.sqrt(v) + 1e-8)
