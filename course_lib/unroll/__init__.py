"""A step becomes a sequence: written out step by step (`static`) or as a loop (`dynamic`).

Every function here takes any `step(x, state) -> (output, state)`: a plain function or a cell.
The modules are separate because each answers the exercises of another notebook.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    name: module
    for module, names in {
        "course_lib.unroll.static": "to_time_list stack_outputs static_rnn count_graph_nodes",
        "course_lib.unroll.dynamic": "batch_to_time_major dynamic_rnn",
        "course_lib.unroll.bidirectional": "reverse_sequences many_to_one "
        "bidirectional_dynamic_rnn",
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
