"""One step of a recurrent network: a module a cell, each with its equations beside the code.

A cell is called as `cell(x, state) -> (output, state)` and knows nothing of time; how a step
becomes a sequence is told in `course_lib.unroll`. Modules that end in `_tf` need TensorFlow, which
loads when one of their names is first used; the others are NumPy.
"""

from importlib import import_module
from typing import Any

# `layer_norm` and `layer_norm_tf` are missing here: in this package those are the modules. Take
# the functions from these, or from `course_lib`.

_HOMES = {
    name: module
    for module, names in {
        "course_lib.cells.state": "LSTMStateTuple",
        "course_lib.cells.gated": "sigmoid",
        "course_lib.cells.rnn": "rnn_step concat_kernel",
        "course_lib.cells.rnn_tf": "rnn_step_tf BasicRNNCell",
        "course_lib.cells.lstm": "lstm_step lstm_sequence lstm_parameter_count reorder_gates",
        "course_lib.cells.lstm_tf": "lstm_step_tf LSTMCell",
        "course_lib.cells.gru": "gru_step gru_parameter_count",
        "course_lib.cells.gru_tf": "gru_step_tf GRUCell",
        "course_lib.cells.peephole": "peephole_step",
        "course_lib.cells.peephole_tf": "PeepholeLSTMCell",
        "course_lib.cells.layer_norm": "layer_norm_lstm_step",
        "course_lib.cells.layer_norm_tf": "LayerNormLSTMCell",
        "course_lib.cells.slides": "slide_rnn_cell slide_lstm_as_printed repair_slide_lstm "
        "slide_gru_as_printed repair_slide_gru",
        "course_lib.cells.stack": "multi_rnn_step MultiRNNCell make_multi_cell "
        "stack_parameter_count describe_states",
        "course_lib.cells.wrappers": "ResidualWrapper DropoutWrapper",
        "course_lib.cells.base_tf": "Cell",
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
