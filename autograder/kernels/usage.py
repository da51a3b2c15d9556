"""What a process and all its descendants use, read from /proc: for where no control group counts.

Nothing escapes this by starting orphans: in a PID namespace they become children of its first
process, so the tree stays whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
# Of a process's status: memory of its own or shared with its relatives, swapped out, page tables.
_MEMORY = ("RssAnon:", "RssShmem:", "VmSwap:", "VmPTE:")
_MEMORY_IN_PARTS = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")


@dataclass(frozen=True, slots=True)
class Usage:
    """Totals over a process tree. What a fork shares is counted once for each process."""

    memory: int
    cpu_seconds: float
    threads: int
    descriptors: int


def tree(pid: int) -> Iterator[int]:
    """The process and all its descendants."""
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        yield process
        try:
            threads = os.listdir(f"/proc/{process}/task")
        except OSError:
            continue
        for thread in threads:
            children = " ".join(_lines(f"/proc/{process}/task/{thread}/children"))
            waiting += map(int, children.split())


def measure(pid: int) -> Usage:
    """What the tree uses now; a process that ends meanwhile counts as nothing."""
    memory, ticks, threads, descriptors = 0, 0, 0, 0
    for process in tree(pid):
        for line in _lines(f"/proc/{process}/stat"):
            # Fields are counted after the command's name, which may hold spaces and brackets.
            fields = line.rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # its own and its buried children's
            threads += int(fields[17])
        memory += _sum(f"/proc/{process}/status", _MEMORY)
        with suppress(OSError):
            descriptors += len(os.listdir(f"/proc/{process}/fd"))
    return Usage(memory, ticks / _TICK, threads, descriptors)


def running(pid: int) -> int:
    """How many processes of the tree have not ended."""
    ended = ("Z", "X")
    return sum(
        line.rpartition(") ")[2][:1] not in ended
        for process in tree(pid)
        for line in _lines(f"/proc/{process}/stat")
    )


def own_memory(pid: int) -> int:
    """Memory of the tree in bytes, each shared page counted in parts. Exact, and slow: ~5 ms."""
    return sum(
        _sum(f"/proc/{process}/smaps_rollup", _MEMORY_IN_PARTS)
        + _sum(f"/proc/{process}/status", ("VmPTE:",))
        for process in tree(pid)
    )


def sockets_and_pipes(pid: int) -> int:
    """How many the tree holds, those that a fork shares counted once. Slow where there are many."""
    held = set()
    for process in tree(pid):
        directory = f"/proc/{process}/fd"
        with suppress(OSError):
            for descriptor in os.listdir(directory):
                with suppress(OSError):
                    held.add(os.readlink(f"{directory}/{descriptor}"))
    return sum(name.startswith(("socket:", "pipe:")) for name in held)


def _sum(path: str, names: tuple[str, ...]) -> int:
    """Add up some of a file's lines, which look like `VmSwap:   12 kB`. In bytes."""
    return sum(int(line.split()[1]) * 1024 for line in _lines(path) if line.startswith(names))


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return []
