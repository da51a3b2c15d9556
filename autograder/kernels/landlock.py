"""Landlock: a second wall behind the mount namespace.

The root file system of a confined kernel already holds only what is named. Landlock says the same
once more in another part of Linux, so that a mistake (or a bug) in one of the two is not enough:
everything may be read, only the scratch directories may be written, no TCP, and no signal or
abstract socket reaches a process outside.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from . import linux

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_ON_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

# How many file system rights each version knows: the first 13, then REFER, TRUNCATE, IOCTL_DEV.
_RIGHTS_OF_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}
_ALL_RIGHTS = 16


def version() -> int:
    """The version of Landlock that this Linux offers; 0 if none."""
    try:
        return linux.syscall("landlock_create_ruleset", _CREATE_RULESET, 0, 0, _ASK_VERSION)
    except OSError:
        return 0


def restrict(*, writable: Iterable[str], terminals: Iterable[str]) -> int:
    """Shut the calling thread and all its children in. Returns the version used.

    Args:
        writable: directories and devices that may be written.
        terminals: the same, and terminal control is allowed too.
    """
    known = version()
    rights = (1 << _RIGHTS_OF_VERSION.get(known, _ALL_RIGHTS)) - 1
    tcp = 0b11 if known >= 4 else 0
    scopes = 0b11 if known >= 6 else 0  # abstract sockets, signals
    attributes = struct.pack("QQQ", rights, tcp, scopes)[
        : 8 if known < 4 else 16 if known < 6 else 24
    ]
    ruleset = linux.syscall(
        "landlock_create_ruleset", _CREATE_RULESET, attributes, len(attributes), 0
    )
    try:
        read = _READ_FILE | _READ_DIR
        _allow(ruleset, "/", (read | _EXECUTE) & rights)
        everything = rights & ~(_MAKE_CHAR | _MAKE_BLOCK)
        for path in writable:
            _allow(ruleset, path, everything & ~_IOCTL_DEV)
        for path in terminals:
            _allow(ruleset, path, everything)
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        linux.syscall("landlock_restrict_self", _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return known


def _allow(ruleset: int, path: str, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):
            rights &= _ON_A_FILE
        rule = struct.pack("=Qi", rights, descriptor)
        linux.syscall(f"landlock_add_rule {path}", _ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)
