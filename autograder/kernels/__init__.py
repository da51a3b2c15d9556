"""Warm, confined kernels: strangers' notebooks run in milliseconds and reach nothing.

A *zygote* process imports TensorFlow once. For each kernel it forks; the fork gives up every right
it has and then serves as an ordinary Jupyter kernel. Any Jupyter tool uses it by naming the kernel
`unrolled-confined` (or `unrolled-confined-numpy`, from which TensorFlow is hidden).

    client                zygote                 supervisor              kernel
    provisioner.py  --->  zygote.py   --fork-->  supervisor.py  --fork--> confine.py
    starts zygotes        imports,               watches limits,         builds its root,
    (warm.py), asks,      refuses when           relays and counts       drops every right,
    keeps the account     it has threads         (relay.py), reports     runs ipykernel

To read it from the bottom: `linux.py` (system calls), `visible.py` and `filesystem.py` (what a
kernel sees), `landlock.py`, `seccomp.py`, `limits.py`, `cgroups.py`, `usage.py` (what it may do and
use), `ears.py` (what it reaches for), `confine.py` (the order of it all), and then the four above.
`support.py` tells whether this machine can do it; `kernelspecs.py` makes the kernels known to Jupyter.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "ConfinementSupport": "support",
    "ConfinementUnavailable": "support",
    "ExitReason": "exits",
    "Feature": "support",
    "Incident": "exits",
    "KernelExit": "exits",
    "KernelStartError": "provisioner",
    "LIMIT_KINDS": "exits",
    "Limits": "limits",
    "NUMPY_KERNEL": "kernelspecs",
    "TENSORFLOW_KERNEL": "kernelspecs",
    "WarmProvisioner": "provisioner",
    "confinement_support": "support",
    "exit_of": "exits",
    "install_kernelspecs": "kernelspecs",
    "options": "provisioner",
    "require_confinement": "support",
    "warm_up": "warm",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
