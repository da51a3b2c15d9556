"""Why a kernel ended, and what it tried meanwhile: the trusted side's account.

All of this is written by the supervisor, which student code cannot reach. The provisioner keeps it
(`exit_reason`, `incidents`); because nbclient throws its kernel manager away at the end, the last
few hundred accounts are also kept here by kernel id.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal

ExitKind = Literal[
    "exited",  # the kernel's process ended by itself, with an exit code
    "crashed",  # a signal: segmentation fault, abort
    "killed",  # the client asked for it: the usual end
    "wall",
    "cpu",
    "memory",
    "output",
    "abandoned",  # the client or the supervisor went away
    "failed",  # never came up
]

LIMIT_KINDS = frozenset({"wall", "cpu", "memory", "output"})
"""Ends that mean: a limit has bitten."""


@dataclass(frozen=True, slots=True)
class ExitReason:
    """Why a kernel ended: a kind to decide by, a sentence to show."""

    kind: ExitKind
    detail: str


@dataclass(frozen=True, slots=True)
class Incident:
    """Something worth reporting that did not end the kernel.

    Kinds: `network`, `forbidden call`, `memory` (a process other than the kernel was killed),
    `processes`, `disk`; and what the kernel's ears tell (`ears.KINDS`): `machinery`, `files`,
    `modules`, `programs`.
    """

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class KernelExit:
    """The whole account of one kernel that has ended."""

    kernel_id: str
    reason: ExitReason
    incidents: tuple[Incident, ...] = ()
    exit_code: int | None = None
    cpu_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    """0 where it is not known: without a control group only what is too much is measured."""
    last_words: str = ""
    """What the process wrote to the bare file descriptors 1 and 2, at most a few kilobytes."""

    @classmethod
    def from_message(cls, kernel_id: str, message: dict[str, Any]) -> KernelExit:
        """Read the supervisor's farewell."""
        return cls(
            kernel_id=kernel_id,
            reason=ExitReason(message["kind"], message["detail"]),
            incidents=tuple(Incident(kind, detail) for kind, detail in message["incidents"]),
            exit_code=message["code"],
            cpu_seconds=message["cpu_seconds"],
            peak_memory_mb=message["peak_memory_mb"],
            last_words=message["last_words"],
        )


_KEPT = 512
_accounts: OrderedDict[str, KernelExit] = OrderedDict()


def remember(account: KernelExit) -> None:
    """Keep an account; forget the oldest when there are many."""
    _accounts[account.kernel_id] = account
    _accounts.move_to_end(account.kernel_id)
    while len(_accounts) > _KEPT:
        _accounts.popitem(last=False)


def exit_of(kernel_id: str) -> KernelExit | None:
    """How the kernel with this id last ended in this process; `None` if it has not."""
    return _accounts.get(kernel_id)
