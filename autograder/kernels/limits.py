"""How much one kernel may use, and the part of it that Linux enforces per process.

Memory, processor time and the number of processes are counted over everything that a kernel
started: by a control group where we may make one (`cgroups.py`), else by the supervisor, which
looks at the process tree many times a second (`usage.py`). The limits set here hold for each
process and stop what could run away between two looks.
"""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one kernel, with everything it starts, may use.

    The defaults suit a notebook that trains small models; a grader sets its own.

    >>> Limits.from_json({"wall_seconds": 60}).wall_seconds
    60
    """

    wall_seconds: float = 3600
    """From start to end, waiting included."""
    cpu_seconds: float = 3600
    """Processor time, over all processes and threads."""
    memory_mb: int = 4096
    """Of its own: what it shares with the zygote (TensorFlow's code and data) is not counted."""
    processes: int = 512
    """Threads count too; TensorFlow starts a few for every core."""
    file_mb: int = 256
    """The longest file."""
    open_files: int = 1024
    disk_mb: int = 512
    """All files together. They live in memory, and are counted as memory too."""
    output_mb: int = 256
    """Everything that leaves the kernel: printed text, figures, answers to the judge."""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Limits:
        """Build from a plain dictionary, which may name some of the limits.

        Raises:
            ValueError: an unknown name, or a limit that is not a positive number.
        """
        known = {field.name for field in fields(cls)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"no limit is called {name!r}; there are {', '.join(known)}")
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise ValueError(f"the limit {name} is {value!r}; it must be a positive number")
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """As a plain dictionary."""
        return asdict(self)


def apply(limits: Limits, *, counted_by_group: bool) -> None:
    """Set the limits that Linux keeps per process. They can never be raised again.

    Args:
        counted_by_group: a control group counts memory and processes, and tells when they ran
            out, so it must be the first to say no. If there is none, a single huge allocation is
            refused here before the supervisor could see it.
    """
    with suppress(OSError):  # when the machine runs out of memory, not the grader is to go
        Path("/proc/self/oom_score_adj").write_text("500")
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_FSIZE, int(limits.file_mb * MEGABYTE))
    _set(resource.RLIMIT_NOFILE, limits.open_files)
    # In a user namespace of its own this counts the processes of this kernel only (Linux 5.14).
    # Without a control group it counts the supervisor too, which made the namespace.
    _set(resource.RLIMIT_NPROC, limits.processes + (16 if counted_by_group else 1))
    # The supervisor kills first and says why; this is for the case that it could not.
    _set(resource.RLIMIT_CPU, int(limits.cpu_seconds) + 2)
    _set(resource.RLIMIT_MEMLOCK, 64 * 1024)
    _set(resource.RLIMIT_MSGQUEUE, 0)
    _set(resource.RLIMIT_NICE, 0)
    _set(resource.RLIMIT_RTPRIO, 0)
    if not counted_by_group:
        stacks = 4096 * MEGABYTE  # threads reserve theirs, and use little of it
        _set(resource.RLIMIT_DATA, _data_now() + int(limits.memory_mb * MEGABYTE) + stacks)


def _set(what: int, value: int) -> None:
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(what, (value, value))


def _data_now() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
