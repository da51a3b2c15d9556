"""Backpropagation through time by hand, in NumPy, and the tools to check it.

`*_forward` computes a step or a sequence and keeps what the way back needs (the cache);
`*_backward` takes the gradient of the loss with respect to the result and returns those with
respect to every argument. `gradients` checks, clips and measures gradients.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    name: module
    for module, names in {
        "course_lib.backprop.rnn": "rnn_step_forward rnn_step_backward rnn_forward rnn_backward",
        "course_lib.backprop.lstm": "lstm_step_forward lstm_step_backward "
        "lstm_forward lstm_backward",
        "course_lib.backprop.gru": "gru_step_forward gru_step_backward gru_forward gru_backward",
        "course_lib.backprop.gradients": "numerical_gradient relative_error clip_by_global_norm "
        "gradient_norms",
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
