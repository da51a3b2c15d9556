"""The root file system of one kernel: built from nothing, in a mount namespace of its own.

It starts as an empty file system in memory. What `visible.plan` lists is shown in it read-only; the
kernel gets a small `/dev`, a `/proc` of its own PID namespace, and one scratch file system of
limited size whose parts appear as the working directory, `/tmp`, the home directory, `/dev/shm` and
the directory of its sockets. Then the old root is let go of, and no path leads back to it.

The working directory is a copy. Changes to it are the kernel's own and vanish with it; links are
copied as links and never followed, since the files may come from a stranger.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from . import linux
from .limits import MEGABYTE

HOME = "/home/student"
SOCKETS = "/run/kernel"
TERMINALS = "/dev/pts"
SCRATCH_MOUNTS = {"tmp": "/tmp", "home": HOME, "shm": "/dev/shm", "sockets": SOCKETS}
WRITABLE_DEVICES = ("/dev/null", "/dev/full")
# No /dev/zero: mapped, it is memory that nobody's accounts show.
DEVICES = (*WRITABLE_DEVICES, "/dev/random", "/dev/urandom")

MAX_COPIED_FILES = 5000
_MAX_INODES = 50_000

_USER = 1000
USER_INSIDE = _USER
"""Who a kernel is, seen from inside."""

_ETC = {
    "passwd": f"student:x:{_USER}:{_USER}::{HOME}:/bin/sh\n",
    "group": f"student:x:{_USER}:\n",
    "hosts": "127.0.0.1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}

_OLD, _NEW, _SCRATCH = "/old", "/new", "/scratch"


@dataclass(frozen=True, slots=True)
class RootPlan:
    """What to build."""

    shown: tuple[str, ...]
    cwd: str
    left_out: Callable[[str], bool]
    """Whether a path below the working directory is not to be copied."""
    disk_mb: int
    owner: tuple[int, int] | None
    """Give the scratch files to this user and group (when built as root)."""


class WorkingDirectoryTooLarge(Exception):
    """The working directory holds more than a kernel may use."""


def build(plan: RootPlan) -> int:
    """Build the root, move into it, and return an open descriptor of the scratch file system.

    Needs a single thread, and the right to mount in the namespaces of the process.
    """
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    _stage(plan.disk_mb)
    scratch_names = {target: name for name, target in SCRATCH_MOUNTS.items()}
    # Outer paths first: what lies inside is then mounted on top of them, not hidden by them.
    for path in sorted({*plan.shown, plan.cwd, *scratch_names}, key=lambda path: path.count("/")):
        if path in scratch_names:
            _mount_scratch(scratch_names[path], path, plan.owner)
        elif path == plan.cwd:
            _working_directory(plan)
        else:
            _show(path)
    _devices_and_proc()
    _etc()
    scratch = os.open(_SCRATCH, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    linux.set_mount_attributes(
        _NEW, linux.MOUNT_ATTR_RDONLY | linux.MOUNT_ATTR_NOSUID, recursive=False
    )
    os.chdir(_NEW)
    linux.pivot_root(".", ".")  # the old root now lies on top of the new one ...
    linux.detach(".")  # ... and goes
    os.chdir(plan.cwd)
    return scratch


def _stage(disk_mb: int) -> None:
    """Step onto a temporary root from which both the old files and the new root can be reached.

    Twice, because mounting over /tmp hides what is in it: once the temporary root has become `/`,
    the old one is whole again below /old.
    """
    kept = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("tmpfs", "/tmp", "tmpfs", kept, "size=1m,mode=755")
    os.mkdir("/tmp" + _OLD)
    linux.pivot_root("/tmp", "/tmp" + _OLD)
    os.chdir("/")
    os.mkdir(_NEW)
    os.mkdir(_SCRATCH)
    linux.mount("tmpfs", _NEW, "tmpfs", kept, "size=8m,mode=755")
    size = f"size={disk_mb * MEGABYTE},nr_inodes={_MAX_INODES},mode=755"
    linux.mount("tmpfs", _SCRATCH, "tmpfs", kept | linux.MS_NOEXEC, size)


def _etc() -> None:
    directory = Path(_NEW, "etc")
    directory.mkdir(exist_ok=True)
    for name, text in _ETC.items():
        if not (directory / name).exists():
            (directory / name).write_text(text)


def _show(path: str) -> None:
    source, target = _OLD + path, _NEW + path
    if os.path.islink(source):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.lexists(target):
            os.symlink(os.readlink(source), target)
        return
    _make_target(source, target)
    linux.bind(source, target)


def _make_target(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(target).touch()


def _devices_and_proc() -> None:
    for path in DEVICES:
        _make_target(_OLD + path, _NEW + path)
        linux.bind(_OLD + path, _NEW + path, read_only=False, devices=True)
    for path in ("/proc", TERMINALS):
        os.makedirs(_NEW + path, exist_ok=True)
    linux.mount("proc", _NEW + "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    # Shell lines (`!ls`) want a terminal; these belong to this kernel alone.
    linux.mount(
        "devpts",
        _NEW + TERMINALS,
        "devpts",
        linux.MS_NOSUID | linux.MS_NOEXEC,
        "newinstance,ptmxmode=0666,mode=620,max=64",
    )
    links = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd"}
    links |= {name: f"/proc/self/fd/{n}" for n, name in enumerate(("stdin", "stdout", "stderr"))}
    for name, points_to in links.items():
        os.symlink(points_to, f"{_NEW}/dev/{name}")


def _mount_scratch(name: str, target: str, owner: tuple[int, int] | None) -> None:
    """Show one directory of the scratch file system, writable by the kernel."""
    directory = f"{_SCRATCH}/{name}"
    os.makedirs(directory, exist_ok=True)
    if owner:
        os.chown(directory, *owner)
    os.makedirs(_NEW + target, exist_ok=True)
    linux.mount(directory, _NEW + target, None, linux.MS_BIND)


def _working_directory(plan: RootPlan) -> None:
    copied = f"{_SCRATCH}/work"
    os.mkdir(copied)
    budget = [MAX_COPIED_FILES, plan.disk_mb * MEGABYTE]
    try:
        _copy(_OLD, plan.cwd, copied, plan, budget)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise WorkingDirectoryTooLarge(_too_large(plan)) from error
        raise
    _mount_scratch("work", plan.cwd, plan.owner)


def _copy(root: str, directory: str, target: str, plan: RootPlan, budget: list[int]) -> None:
    """Copy plain files, directories and links, as they are; everything else is left out."""
    with os.scandir(root + directory) as entries:
        for entry in entries:
            path = f"{directory.rstrip('/')}/{entry.name}"
            copy = f"{target}/{entry.name}"
            if plan.left_out(path):
                continue
            status = entry.stat(follow_symlinks=False)
            budget[0] -= 1
            if stat.S_ISDIR(status.st_mode):
                os.mkdir(copy)
                _copy(root, path, copy, plan, budget)
            elif stat.S_ISLNK(status.st_mode):
                os.symlink(os.readlink(entry.path), copy)
            elif stat.S_ISREG(status.st_mode):
                budget[1] -= status.st_size
                if min(budget) >= 0:
                    _copy_file(entry.path, copy, executable=bool(status.st_mode & 0o100))
            if min(budget) < 0:
                raise WorkingDirectoryTooLarge(_too_large(plan))
            if plan.owner:
                os.chown(copy, *plan.owner, follow_symlinks=False)


def _copy_file(source: str, target: str, *, executable: bool) -> None:
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as original, open(target, "wb") as copy:
        shutil.copyfileobj(original, copy)
        os.fchmod(copy.fileno(), 0o755 if executable else 0o644)


def _too_large(plan: RootPlan) -> str:
    return (
        f"the working directory {plan.cwd} holds more than {MAX_COPIED_FILES} files or "
        f"{plan.disk_mb} MB, which a confined kernel cannot take with it. Start the kernel in the "
        'directory of its notebook, or set working_directory to "empty".'
    )


def name_filter(
    cwd: str, patterns: Iterable[str], hidden: Iterable[str], *, empty: bool
) -> Callable[[str], bool]:
    """What not to copy from a working directory: names that match, and hidden paths.

    A hidden directory *around* the working directory does not count: it was named on purpose.
    """
    patterns = tuple(patterns)
    inside = {os.path.realpath(path) for path in hidden}
    nothing = empty or os.path.realpath(cwd) in inside

    def left_out(path: str) -> bool:
        name = os.path.basename(path)
        return nothing or path in inside or any(fnmatch(name, pattern) for pattern in patterns)

    return left_out
