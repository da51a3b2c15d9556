"""Train a network that reads numbers off an LSTM: seed 001 ends where this begins.

until the cost is under the goal:
    x, y = new sequences
    cost = mean over b and t of (pred - y)^2
    the optimizer moves every weight against the gradient of the cost
"""

from collections.abc import Callable
from typing import Any

from course_lib.projection import mse, project
from course_lib.quiet import tf

LEARNING_RATE = 0.03


def fit_two_step_sum(
    network: Any, draw: Callable[[], tuple[Any, Any]], goal: float, most: int = 400
) -> list[float]:
    """Train all weights of the network, in place, on new sequences at each update.

    Args:
        network: has `outputs(x)`, `W_out`, `b_out` and `trainable_variables`.
        draw: gives new sequences x `(B, T, D)` and their targets y `(B, T)` at each call.
        goal: stop once the cost of a batch is under it.
        most: at most so many updates.

    Returns:
        The cost of each batch before its update.

    >>> import numpy as np
    >>> from course_lib import tasks
    >>> from course_lib.readout import ReadoutNetwork
    >>> rng = np.random.default_rng(0)
    >>> costs = fit_two_step_sum(
    ...     ReadoutNetwork(), lambda: tasks.two_step_sum(32, 4, rng), goal=5.0
    ... )
    >>> costs[0] > 50 and costs[-1] < 5
    True
    """
    optimizer = tf.keras.optimizers.Adam(LEARNING_RATE)
    variables = network.trainable_variables
    costs: list[float] = []
    while len(costs) < most:
        x, y = draw()
        with tf.GradientTape() as tape:
            cost = mse(project(network.outputs(x), network.W_out, network.b_out), y)
        optimizer.apply(tape.gradient(cost, variables), variables)
        costs.append(float(cost))
        if costs[-1] < goal:
            break
    return costs
