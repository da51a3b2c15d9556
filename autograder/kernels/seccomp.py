"""Which system calls a confined kernel may make: two filters, assembled by hand.

A seccomp filter is a tiny program (classic BPF) that Linux runs at every system call. It sees the
call's number and arguments, and answers: allow, fail with an error number, or ask a supervisor.
libseccomp would be one more compiled dependency for what is a table and three kinds of rule, so
the program is assembled here: each instruction is 8 bytes, `(code, jump if true, jump if false,
constant)`, and jumps count instructions to skip.

*The quiet filter* is loaded before anything of the student's exists. It answers what honest
programs may touch by accident (new namespaces, calls newer than this file) as if Linux were older.

*The noticed filter* is loaded last, in every thread, when the kernel's own sockets are bound. It
closes the network and the calls that only an attack needs. They are not answered by the filter but
by the supervisor, which hears of each attempt, says no, and puts it in the report.
"""

from __future__ import annotations

import ctypes
import errno
import select
import struct
from collections.abc import Callable, Sequence
from fcntl import ioctl

from . import linux
from .ears import REPORT_CALL

# x86-64 numbers, from the kernel's syscall_64.tbl.
SOCKET_CALLS = {"socket": 41, "connect": 42, "bind": 49, "listen": 50}

ATTACK_CALLS = {
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
    "pidfd_getfd": 438, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432,
    "fspick": 433, "mount_setattr": 442, "unshare": 272, "setns": 308, "bpf": 321,
    "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425, "io_uring_enter": 426,
    "io_uring_register": 427, "add_key": 248, "request_key": 249, "keyctl": 250,
    "init_module": 175, "finit_module": 313, "delete_module": 176, "kexec_load": 246,
    "kexec_file_load": 320, "name_to_handle_at": 303, "open_by_handle_at": 304, "reboot": 169,
    "swapon": 167, "swapoff": 168, "acct": 163, "settimeofday": 164, "clock_settime": 227,
    "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173, "fanotify_init": 300,
    "process_madvise": 440, "process_mrelease": 448,
}  # fmt: skip

# Old, exotic, or a way to hold memory that no process is seen to use (memfd, System V).
QUIETLY_REFUSED = {
    "shmget": 29, "semget": 64, "msgget": 68, "syslog": 103, "uselib": 134, "personality": 135,
    "ustat": 136, "sysfs": 139, "vhangup": 153, "modify_ldt": 154, "_sysctl": 156,
    "adjtimex": 159, "create_module": 174, "get_kernel_syms": 177, "query_module": 178,
    "quotactl": 179, "nfsservctl": 180, "afs_syscall": 183, "tuxcall": 184, "security": 185,
    "lookup_dcookie": 212, "vserver": 236, "migrate_pages": 256, "move_pages": 279,
    "fanotify_mark": 301, "clock_adjtime": 305, "memfd_create": 319, "quotactl_fd": 443,
    "memfd_secret": 447,
}  # fmt: skip

_CLONE, _CLONE3, _IOCTL, _PRCTL, _MMAP = 56, 435, 16, 157, 9
_SHARED_AND_OF_NO_FILE = 0x21  # MAP_SHARED | MAP_ANONYMOUS
_NEWEST_KNOWN = 462  # mseal, Linux 6.10; what is newer does not exist for the kernel
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX

CALL_NAMES = {number: name for name, number in (SOCKET_CALLS | ATTACK_CALLS).items()}

_LOAD, _EQUAL, _GREATER, _ANY_BIT, _RETURN, _AND = 0x20, 0x15, 0x25, 0x45, 0x06, 0x54
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_X86_64 = 0xC000_003E

_ALLOW = 0x7FFF_0000
_FAIL = 0x0005_0000
_ASK_SUPERVISOR = 0x7FC0_0000
_KILL = 0x8000_0000

_SET_MODE_FILTER = 1
_EVERY_THREAD, _NEW_LISTENER, _EVERY_THREAD_ESRCH = 1, 8, 16


def _instruction(code: int, constant: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, constant)


def _when_number(number: int, answer: int) -> bytes:
    return _instruction(_EQUAL, number, 0, 1) + _instruction(_RETURN, answer)


def _when_argument(number: int, index: int, code: int, constant: int, answer: int) -> bytes:
    """Answer a call if its argument (low half) meets a condition; leave the number loaded."""
    return b"".join(
        (
            _instruction(_EQUAL, number, 0, 4),
            _instruction(_LOAD, _FIRST_ARGUMENT + 8 * index),
            _instruction(code, constant, 0, 1),
            _instruction(_RETURN, answer),
            _instruction(_LOAD, _NUMBER),
        )
    )


_ONLY_X86_64 = b"".join(
    (
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, _X86_64, 1, 0),
        _instruction(_RETURN, _KILL),  # 32-bit calls have other numbers: nothing would be filtered
        _instruction(_LOAD, _NUMBER),
    )
)


def quiet_filter(*, shared_memory: bool = True) -> bytes:
    """The program of the first filter.

    Args:
        shared_memory: allow anonymous shared memory. It can be given back by a process and yet
            stay in use, so only a control group counts it.
    """
    new_namespace = sum(linux.EVERY_NAMESPACE) - linux.CLONE_NEWTIME  # that bit is a signal number
    program = [
        _ONLY_X86_64,
        _instruction(_GREATER, _NEWEST_KNOWN, 0, 1),
        _instruction(_RETURN, _FAIL | errno.ENOSYS),
        # glibc then uses clone, whose flags are in a register and can be looked at.
        _when_number(_CLONE3, _FAIL | errno.ENOSYS),
        _when_argument(_CLONE, 0, _ANY_BIT, new_namespace, _FAIL | errno.EPERM),
    ]
    # The kernel is to die with its supervisor, whatever it thinks of that.
    program.append(_when_argument(_PRCTL, 0, _EQUAL, linux.PR_SET_PDEATHSIG, _FAIL | errno.EPERM))
    program += [
        _when_argument(_IOCTL, 1, _EQUAL, request, _FAIL | errno.EPERM)
        for request in _TERMINAL_INJECTION
    ]
    if not shared_memory:
        program += [
            _instruction(_EQUAL, _MMAP, 0, 5),
            _instruction(_LOAD, _FIRST_ARGUMENT + 8 * 3),
            _instruction(_AND, _SHARED_AND_OF_NO_FILE),
            _instruction(_EQUAL, _SHARED_AND_OF_NO_FILE, 0, 1),
            _instruction(_RETURN, _FAIL | errno.EPERM),
            _instruction(_LOAD, _NUMBER),
        ]
    program += [_when_number(call, _FAIL | errno.EPERM) for call in QUIETLY_REFUSED.values()]
    return b"".join((*program, _instruction(_RETURN, _ALLOW)))


def noticed_filter() -> bytes:
    """The program of the second filter."""
    asked = [_when_number(call, _ASK_SUPERVISOR) for call in (*CALL_NAMES, REPORT_CALL)]
    return b"".join((_ONLY_X86_64, *asked, _instruction(_RETURN, _ALLOW)))


def _load(program: bytes, flags: int) -> int:
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(instructions))
    return linux.syscall("seccomp", linux.SYS_SECCOMP, _SET_MODE_FILTER, flags, header)


def load_quiet_filter(*, shared_memory: bool) -> None:
    """From now on; needs `no_new_privs`."""
    _load(quiet_filter(shared_memory=shared_memory), 0)


def load_noticed_filter() -> int:
    """In every thread, from now on. Returns the descriptor on which attempts are heard."""
    return _load(noticed_filter(), _EVERY_THREAD | _NEW_LISTENER | _EVERY_THREAD_ESRCH)


# ioctl(2) requests of the listener, and the two structures that they exchange.
_RECEIVE, _SEND = 0xC050_2100, 0xC018_2101
_NOTICE = struct.Struct("=QIIiIQ6Q")  # id, pid, flags, call number, architecture, ip, arguments
_VERDICT = struct.Struct("=QqiI")  # id, value, error, flags

_INTERNET_FAMILIES = {
    2: "IPv4", 10: "IPv6", 16: "netlink", 17: "packet", 40: "vsock", 31: "Bluetooth",
}  # fmt: skip


def refuse_next(
    listener: int, reported: Callable[[int, Sequence[int]], tuple[str, str] | None]
) -> tuple[str, str] | None:
    """Refuse the call that is waiting, and say what it was: `(kind, detail)`.

    A `REPORT_CALL` says so itself, to `reported` (see `ears.py`).

    `None` if nobody waits any more, or if the call says nothing about its author (glibc asks a name
    service on a unix socket when it looks up a user).
    """
    # Not only readable: when every process has ended the listener hangs up, and older kernels would
    # then wait for ever.
    waiting = select.poll()
    waiting.register(listener, select.POLLIN)
    if not any(events & select.POLLIN for _, events in waiting.poll(0)):
        return None
    notice = bytearray(_NOTICE.size)
    try:
        ioctl(listener, _RECEIVE, notice)
        identity, thread, _, number, _, _, *arguments = _NOTICE.unpack(notice)
        ioctl(listener, _SEND, _VERDICT.pack(identity, 0, -errno.EACCES, 0))
    except OSError:
        return None
    if number == REPORT_CALL:
        return reported(thread, arguments)
    name = CALL_NAMES.get(number, str(number))
    if name == "socket":
        family = arguments[0] & 0xFFFF_FFFF
        if family == 1:
            return None
        return "network", f"asked for a socket ({_INTERNET_FAMILIES.get(family, family)})"
    if name in SOCKET_CALLS:
        return "network", f"called {name}"
    return "forbidden call", f"called {name}"
