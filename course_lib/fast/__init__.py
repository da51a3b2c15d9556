"""Faster ways through a whole sequence: the same numbers as the readable path, other code.

The readable path (`course_lib.unroll`) lets TensorFlow differentiate the loop. These write the
gradient by hand; the tests hold them to the same results. `benchmarks/cells.py` tells the gain.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    name: module
    for module, names in {
        "course_lib.fast.lstm": "fast_lstm",
        "course_lib.fast.gru": "fast_gru fast_rnn",
    }.items()
    for name in names.split()
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
