"""For answers that may divide by zero: one kind of "not a number" in place of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def call(answer: Callable[..., Any], *inputs: Any) -> Any:
    """What ``answer(*inputs)`` returns, as NaN throughout if any of it is NaN or infinite.

    Which entries an infinity spreads to depends on the routine that met it, and says nothing about
    the idea behind the answer.

    >>> call(lambda x: x, [1.0, float("inf")])
    array([nan, nan])
    """
    result = answer(*inputs)
    try:
        array = np.asarray(result, dtype=float)
    except (TypeError, ValueError):
        return result
    return result if np.isfinite(array).all() else np.full(array.shape, np.nan)
