"""The data and the printed numbers of the five tutorials that this course grew from ("the seeds").

Each constant cites its seed by number. The arrays are read-only: a notebook that changes one in
place would change it for every later cell.

    >>> X0_BATCH.shape, Y0_PRINTED.shape, TRAIN_X.shape
    ((4, 3), (4, 5), (3, 4, 2))
"""

from typing import Any

import numpy as np


def _frozen(rows: Any, dtype: type) -> np.ndarray:
    array: np.ndarray = np.array(rows, dtype=dtype)
    array.setflags(write=False)
    return array


# Seed 000: one sequence of three steps with two features each, (T, D); feed it as [INPUT_SEQ].
INPUT_SEQ = _frozen([[1, 2], [2, 3], [3, 4]], np.float32)

# Seed 001: three sequences of four steps with two features, (B, T, D), and their targets (B, T).
# The rule behind them: y_t = x_t + x_{t-1} on the first feature. The second is always 2.
TRAIN_X = _frozen(
    [
        [[1, 2], [2, 2], [5, 2], [6, 2]],
        [[5, 2], [7, 2], [7, 2], [8, 2]],
        [[3, 2], [4, 2], [5, 2], [7, 2]],
    ],
    np.float32,
)
TRAIN_Y = _frozen([[1, 3, 7, 11], [5, 12, 14, 15], [3, 7, 9, 12]], np.float32)
UNTRAINED_COST_PRINTED = 118.76799774169922  # one draw of the weights, with no seed set

# Seed 004: the four-instance batches of its two time steps, (B, D).
X0_BATCH = _frozen([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 0, 1]], np.float32)
X1_BATCH = _frozen([[9, 8, 7], [0, 0, 0], [6, 5, 4], [3, 2, 1]], np.float32)

# Seed 004: the outputs that it prints, (B, H). They come from weights that it never shows, and
# `course_lib.detective` shows that those were not drawn from the N(0, 1) of the seed's code.
Y0_PRINTED = _frozen(
    [
        [-0.2964572, 0.82874775, -0.34216955, -0.75720584, 0.19011548],
        [-0.12842922, 0.99981797, 0.84704727, -0.99570125, 0.38665548],
        [0.04731077, 0.99999976, 0.99330056, -0.999933, 0.55339795],
        [0.70323634, 0.99309105, 0.99909431, -0.85363263, 0.7472108],
    ],
    np.float64,
)
Y1_PRINTED = _frozen(
    [
        [0.51955646, 1.0, 0.99999022, -0.99984968, -0.24616946],
        [-0.70553327, -0.11918639, 0.48885304, 0.08917919, -0.26579669],
        [-0.32477224, 0.99996376, 0.99933046, -0.99711186, 0.10981458],
        [-0.43738723, 0.91517633, 0.97817528, -0.91763324, 0.11047263],
    ],
    np.float64,
)
