"""What depth costs: gradients that reach the bottom of a stack, and memories that are not carried.

plain:     s_k = cell_k(s_{k-1})              residual:  s_k = s_{k-1} + cell_k(s_{k-1})
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_lib.cells.lstm_tf import LSTMCell
from course_lib.cells.stack import MultiRNNCell
from course_lib.cells.wrappers import ResidualWrapper
from course_lib.echo import windows
from course_lib.quiet import tf


def gradient_at_the_bottom(
    depths: Sequence[int], *, residual: bool, units: int = 16, steps: int = 6, seeds: int = 3
) -> list[float]:
    """The norm of the gradient of the bottom layer's kernel in untrained stacks of LSTMs.

    The loss is the mean of the first unit's output at the last step, on random inputs of 2 features.

    Args:
        depths: values of L.
        residual: whether each layer but the bottom one adds its input to its output.
        units: H.
        steps: T.
        seeds: the mean is taken over so many draws of weights and inputs.

    >>> plain, past = (gradient_at_the_bottom([6], residual=r, seeds=1) for r in (False, True))
    >>> past[0] > 50 * plain[0]
    True
    """

    def norm(layers: int, seed: int) -> float:
        cells: list[Any] = [
            LSTMCell(units, units if k else 2, seed=1000 * seed + k) for k in range(layers)
        ]
        bottom = cells[0].kernel
        if residual:
            cells[1:] = [ResidualWrapper(cell) for cell in cells[1:]]
        stack = MultiRNNCell(cells)
        x = np.random.default_rng(seed).normal(size=(steps, 8, 2)).astype(np.float32)
        state, output = stack.zero_state(8), tf.zeros([8, units])
        with tf.GradientTape() as tape:
            for x_t in x:
                output, state = stack(x_t, state)
            loss = tf.reduce_mean(output[:, 0])
        return float(tf.norm(tape.gradient(loss, bottom)))

    return [float(np.mean([norm(L, seed) for seed in range(seeds)])) for L in depths]


def train_carrying(
    network: Any, x: np.ndarray, y: np.ndarray, keep: Callable[[int], bool], T: int = 15
) -> list[float]:
    """One epoch in which only some layers' states cross a window's edge; the others are wiped.

    Args:
        network: has `zero_state(B)` and `train_window(x, y, state) -> (loss, state)`.
        x, y: `(B, length)`.
        keep: whether the state of a layer, counted from 0 at the bottom, is carried.
        T: columns of a window.

    Returns:
        The loss of each window.

    >>> from course_lib.echo import EchoNetwork, make_echo
    >>> x, y = make_echo(150, 5, 3, np.random.default_rng(0))
    >>> len(train_carrying(EchoNetwork(layers=2), x, y, lambda layer: layer == 1))
    2
    """
    zero = state = network.zero_state(len(x))
    losses = []
    for x_window, y_window in windows(x, y, T):
        state = tuple(s if keep(k) else z for k, (s, z) in enumerate(zip(state, zero, strict=True)))
        loss, state = network.train_window(x_window, y_window, state)
        losses.append(float(loss))
    return losses
