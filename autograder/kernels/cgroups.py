"""Control groups: let Linux count the memory, processor time and processes of one kernel.

Needs the right to make a group: root has it, an ordinary user where a group was delegated to them
(`systemd-run --user --scope`). Without one, `usage.py` counts instead. Both versions of control
groups are known: version 1 has a tree for each controller, version 2 one tree for all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .limits import MEGABYTE, Limits

_PREFIX = "unrolled-"


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """The group of one kernel: one directory in version 2, one for each controller in version 1."""

    memory: Path
    pids: Path
    cpu: Path
    version: int

    @property
    def directories(self) -> tuple[Path, ...]:
        """Each directory once."""
        return tuple(dict.fromkeys((self.memory, self.pids, self.cpu)))

    def limit(self, limits: Limits) -> None:
        """Set what the group may use. Swap is not a way out."""
        memory = str(int(limits.memory_mb * MEGABYTE))
        (self.pids / "pids.max").write_text(str(limits.processes))
        if self.version == 2:
            (self.memory / "memory.max").write_text(memory)
            with suppress(OSError):  # absent without swap accounting
                (self.memory / "memory.swap.max").write_text("0")
        else:
            (self.memory / "memory.limit_in_bytes").write_text(memory)
            with suppress(OSError):
                (self.memory / "memory.memsw.limit_in_bytes").write_text(memory)

    def add(self, pid: int) -> None:
        """Count this process, and from now on its children, in the group."""
        for directory in self.directories:
            (directory / "cgroup.procs").write_text(str(pid))

    def cpu_seconds(self) -> float:
        """Processor time used so far, by processes that have ended too."""
        if self.version == 2:
            return _field(self.cpu / "cpu.stat", "usage_usec") / 1e6
        return int((self.cpu / "cpuacct.usage").read_text()) / 1e9

    def memory_kills(self) -> int:
        """How many processes were killed because the group's memory was used up."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        return _field(self.memory / name, "oom_kill")

    def refused_processes(self) -> int:
        """How often a process or thread was not started because there were too many."""
        return _field(self.pids / "pids.events", "max")

    def peak_memory(self) -> int:
        """The most bytes ever in use at once; 0 if Linux does not tell."""
        name = "memory.peak" if self.version == 2 else "memory.max_usage_in_bytes"
        try:
            return int((self.memory / name).read_text())
        except (OSError, ValueError):
            return 0  # memory.peak is Linux 5.19

    def remove(self) -> None:
        """Remove the empty group. The last process may take a moment to leave it."""
        for directory in self.directories:
            for _ in range(50):
                try:
                    directory.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.002)


def create(name: str, limits: Limits) -> ControlGroup | None:
    """Make a group with these limits; `None` where we may not."""
    for parents in _candidates():
        memory, pids, cpu, version = parents
        named = f"{_PREFIX}{name}"
        group = ControlGroup(memory / named, pids / named, cpu / named, version)
        try:
            for directory in group.directories:
                directory.mkdir()
            group.limit(limits)
            group.cpu_seconds(), group.memory_kills(), group.refused_processes()
        except OSError:
            group.remove()
            continue
        return group
    return None


def sweep() -> None:
    """Remove the groups of supervisors that were killed before they could do it themselves."""
    for parents in _candidates():
        for parent in dict.fromkeys(parents[:3]):
            for directory in parent.glob(f"{_PREFIX}*"):
                supervisor = directory.name.removeprefix(_PREFIX)
                if not Path("/proc", supervisor).exists():
                    with suppress(OSError):
                        directory.rmdir()


def _candidates() -> Iterator[tuple[Path, Path, Path, int]]:
    """Where a group could be made: directories for memory, processes, processor; the version."""
    mounts = _mounts()
    own: dict[str, str] = {}
    for line in _lines("/proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), path)
    first = [
        mounts[controller] / own[controller].lstrip("/")
        for controller in ("memory", "pids", "cpuacct")
        if controller in mounts and controller in own
    ]
    if len(first) == 3:
        yield first[0], first[1], first[2], 1
    if "" in mounts and "" in own:
        top = mounts[""]
        here = top / own[""].lstrip("/")
        # A group that has processes cannot have children that count: climb until one may.
        for parent in (here, *here.parents):
            if not parent.is_relative_to(top):
                break
            try:
                offered = (parent / "cgroup.subtree_control").read_text().split()
            except OSError:
                continue
            if {"memory", "pids"} <= set(offered) and os.access(parent, os.W_OK):
                yield parent, parent, parent, 2


def _mounts() -> dict[str, Path]:
    """Where each controller of version 1 is mounted; version 2 under the empty name."""
    found: dict[str, Path] = {}
    for line in _lines("/proc/self/mounts"):
        _, target, kind, options, *_ = line.split()
        if kind == "cgroup":
            for option in options.split(","):
                found.setdefault(option, Path(target))
        elif kind == "cgroup2":
            found.setdefault("", Path(target))
    return found


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _field(path: Path, name: str) -> int:
    for line in _lines(str(path)):
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0
