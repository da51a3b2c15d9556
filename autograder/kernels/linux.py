"""The few Linux system calls that Python's standard library does not offer, as plain functions.

Everything here is a thin wrapper: arguments in the manual page's order, an `OSError` that names the
call when it fails. What the calls are *for* is told by the modules that use them. Only x86-64 is
known here; `support.py` refuses other machines before anything of this is called.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

CLONE_NEWNS = 0x0002_0000
CLONE_NEWCGROUP = 0x0200_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000
CLONE_NEWTIME = 0x0000_0080
EVERY_NAMESPACE = (
    CLONE_NEWNS,
    CLONE_NEWCGROUP,
    CLONE_NEWUTS,
    CLONE_NEWIPC,
    CLONE_NEWUSER,
    CLONE_NEWPID,
    CLONE_NEWNET,
    CLONE_NEWTIME,
)

MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

# mount_setattr(2) has numbers of its own.
MOUNT_ATTR_RDONLY = 1
MOUNT_ATTR_NOSUID = 2
MOUNT_ATTR_NODEV = 4

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

SYS_PIVOT_ROOT = 155
SYS_SECCOMP = 317
SYS_CLOSE_RANGE = 436
SYS_MOUNT_SETATTR = 442

_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_CAPABILITY_VERSION_3 = 0x2008_0522

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(what: str, number: int, *arguments: int | bytes) -> int:
    """Call the kernel by number; `what` names the call in the error."""
    converted = [
        ctypes.c_long(argument) if isinstance(argument, int) else ctypes.c_char_p(argument)
        for argument in arguments
    ]
    return _checked(_libc.syscall(ctypes.c_long(number), *converted), what)


def prctl(option: int, *arguments: int) -> int:
    """Change something about this process."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    return _checked(
        _libc.prctl(ctypes.c_int(option), *[ctypes.c_ulong(value) for value in padded]),
        f"prctl({option})",
    )


def unshare(namespaces: int) -> None:
    """Leave namespaces for new ones. (`os.unshare` is Python 3.12.)"""
    _checked(_libc.unshare(ctypes.c_int(namespaces)), f"unshare({namespaces:#x})")


def sethostname(name: str) -> None:
    """Name the machine, in this UTS namespace."""
    encoded = name.encode()
    _checked(_libc.sethostname(encoded, ctypes.c_size_t(len(encoded))), "sethostname")


def mount(
    source: str | None, target: str | Path, kind: str | None, flags: int = 0, options: str = ""
) -> None:
    """Mount a file system of this kind, or with `MS_BIND` a directory, on `target`."""
    _checked(
        _libc.mount(
            None if source is None else os.fsencode(source),
            os.fsencode(target),
            None if kind is None else kind.encode(),
            ctypes.c_ulong(flags),
            os.fsencode(options) if options else None,
        ),
        f"mount {kind or 'bind'} on {target}",
    )


def set_mount_attributes(target: str | Path, attributes: int, *, recursive: bool = True) -> None:
    """Make a mount (and all below it) read-only, nosuid ... in one call (Linux 5.12)."""
    block = struct.pack("QQQQ", attributes, 0, 0, 0)
    syscall(
        f"mount_setattr {target}",
        SYS_MOUNT_SETATTR,
        _AT_FDCWD,
        os.fsencode(target),
        _AT_RECURSIVE if recursive else 0,
        block,
        len(block),
    )


def bind(
    source: str | Path, target: str | Path, *, read_only: bool = True, devices: bool = False
) -> None:
    """Show `source` at `target`, which must exist; setuid bits are always ignored there."""
    mount(str(source), target, None, MS_BIND | MS_REC)
    attributes = MOUNT_ATTR_NOSUID
    attributes |= MOUNT_ATTR_RDONLY if read_only else 0
    attributes |= 0 if devices else MOUNT_ATTR_NODEV
    set_mount_attributes(target, attributes)


def detach(target: str | Path) -> None:
    """Unmount `target` and all below it now; what is still open there stays usable."""
    _checked(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount2 {target}")


def pivot_root(new_root: str, put_old: str) -> None:
    """Make the mount `new_root` the root, and the old root appear at `put_old`."""
    syscall("pivot_root", SYS_PIVOT_ROOT, os.fsencode(new_root), os.fsencode(put_old))


def close_all_but(keep: Iterable[int]) -> None:
    """Close every file descriptor except those in `keep`."""
    lowest = 0
    for descriptor in sorted(set(keep)):
        if descriptor > lowest:
            syscall("close_range", SYS_CLOSE_RANGE, lowest, descriptor - 1, 0)
        lowest = descriptor + 1
    syscall("close_range", SYS_CLOSE_RANGE, lowest, 0xFFFF_FFFF, 0)


def drop_capabilities() -> None:
    """Give up every capability, and the way to get one back by executing a file."""
    for capability in range(64):
        if _libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            break  # past the last capability that this kernel knows
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _checked(_libc.capset(header, bytes(24)), "capset")


def enter_user_namespace(inside: int) -> None:
    """Make a user namespace in which we are user and group `inside`, and nobody else exists."""
    user, group = os.geteuid(), os.getegid()
    prctl(PR_SET_DUMPABLE, 1)  # else /proc/self belongs to root and the maps cannot be written
    unshare(CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{inside} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{inside} {group} 1")
