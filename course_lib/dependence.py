"""Which inputs a result depends on: change one, and see what moves.

depends[b, t]   f(x) and f(x with x[b, t] changed) differ in row b
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.shapes import check_shape


def depends_on(f: Callable[[Any], Any], x: Any) -> np.ndarray:
    """Which steps of each sequence a result depends on.

    Whether a number depends on an input cannot be read off an accuracy, and hardly off a program.
    It can be tried. All features of a step are changed at once, by amounts of no special relation.

    Args:
        f: takes `(B, T, D)` and gives `(B, H)`; row b may depend on sequence b only.
        x: `(B, T, D)`.

    Returns:
        `(B, T)` bool.

    Raises:
        ShapeError: `x` does not have three axes.

    >>> depends_on(lambda x: x[:, 1:].sum(axis=1), np.zeros((1, 4, 2)))
    array([[False,  True,  True,  True]])
    """
    x = np.asarray(x)
    batch, time, features = check_shape("x", x, ("batch", "time", "features"))
    before = np.asarray(f(x)).reshape(batch, -1)
    change = 1.0 + np.arange(features) / 7.0
    columns = []
    for t in range(time):
        changed = x.copy()
        changed[:, t] += change
        after = np.asarray(f(changed)).reshape(batch, -1)
        columns.append((np.abs(after - before) > 1e-6).any(axis=1))
    return np.stack(columns, axis=1)


def reach(f: Callable[[Any], Any], x: Any) -> np.ndarray:
    """Which steps of the input each step of an output depends on, for one sequence.

    Args:
        f: takes `(1, T, D)` and gives `(1, T, H)`.
        x: `(1, T, D)`.

    Returns:
        `(T, T)` bool: a row for each step of the output, a column for each step of the input.

    >>> reach(lambda x: np.cumsum(x, axis=1), np.zeros((1, 3, 2))).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    """
    time = check_shape("x", x, ("batch", "time", "features"))[1]

    def output(t: int) -> Callable[[Any], Any]:
        return lambda changed: np.asarray(f(changed))[:, t]

    return np.concatenate([depends_on(output(t), x) for t in range(time)])
