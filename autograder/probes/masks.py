"""Ask for a mask: nested lists of True and False count as an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.values import NotPlain


def mask(answer: Callable[..., Any], *inputs: Any) -> Any:
    """What ``answer(*inputs)`` returns, as an array if it is a list of rows.

    Raises:
        NotPlain: the rows differ in length.

    >>> mask(lambda: [[True, False], [True, True]]).shape
    (2, 2)
    """
    result = answer(*inputs)
    if not isinstance(result, list | tuple):
        return result
    rows = [np.asarray(row) for row in result]
    if len({row.shape for row in rows}) > 1:
        sizes = ", ".join(str(row.size) for row in rows)
        raise NotPlain(f"the rows of the result differ in length: {sizes}")
    return np.array(rows)
