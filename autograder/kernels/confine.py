"""From a fresh fork to a confined kernel: the steps, in the only order that works.

Runs as process 1 of a new PID namespace. Rights are given up from the strongest to the weakest,
each step while what it needs is still there: namespaces and mounts, then the user, then limits,
capabilities, Landlock, the quiet filter. The kernel comes up; the noticed filter closes the network
behind it; and only then does a message of the client's, and so student code, get in.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import tempfile
import traceback
from typing import Any, NoReturn

from . import filesystem, landlock, limits, linux, seccomp, visible
from .request import KernelRequest, send_packet

NOBODY = 65534
HOSTNAME = "kernel"
READY, FAILED = "ready", "failed"

_CHANNEL = filesystem.SOCKETS + "/channel"


def become_kernel(
    request: KernelRequest, status: socket.socket, output: int, *, counted_by_group: bool
) -> NoReturn:
    """Never returns: confine this process, tell `status`, and serve until the end."""
    code = 1
    try:
        app = _confined_app(request, status, output, counted_by_group=counted_by_group)
        status.close()
        app.start()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1
    except BaseException:  # whatever it is, it must not unwind into the zygote's code
        _tell_failure(status)
    finally:
        os._exit(code)


def _confined_app(
    request: KernelRequest, status: socket.socket, output: int, *, counted_by_group: bool
) -> Any:
    _detach_from_zygote(status, output)
    plan = plan_root(request)
    enter_namespaces()
    # The supervisor puts us into the control group meanwhile, which takes it longer than the above.
    # From here on memory must be counted as ours: files of the working directory are memory.
    status.recv(1)
    scratch = filesystem.build(plan)
    give_up_root()
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)  # only now: changing user clears it
    set_environment(request.environment)
    limits.apply(request.limits, counted_by_group=counted_by_group)
    lock_down(request.cwd, shared_memory=counted_by_group)
    reseed()
    from . import ears, kernelapp  # heavy, and not needed by the rehearsal in support.py

    forget_course_modules()
    app = kernelapp.prepare(request.connection, _CHANNEL, list(request.arguments))
    sockets = [os.open(f"{_CHANNEL}-{port}", os.O_PATH | os.O_NOFOLLOW) for port in request.ports()]
    listener = seccomp.load_noticed_filter()
    handed_over = [scratch, listener, *sockets]
    send_packet(status, {"status": READY}, handed_over)
    for descriptor in handed_over:
        os.close(descriptor)
    ears.listen(app.shell, request.cwd)
    return app


def _detach_from_zygote(status: socket.socket, output: int) -> None:
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    linux.close_all_but({0, 1, 2, status.fileno()})
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def plan_root(request: KernelRequest) -> filesystem.RootPlan:
    """What this kernel's files are to be."""
    visible_environment, hidden_environment = visible.environment()
    modules = visible.module_paths(request.hidden_modules)
    hidden = [*hidden_environment, *request.hidden, *modules]
    empty = request.working_directory == "empty"
    return filesystem.RootPlan(
        shown=tuple(visible.plan([*visible_environment, *request.visible], hidden)),
        cwd=request.cwd,
        left_out=filesystem.name_filter(request.cwd, request.hidden_names, hidden, empty=empty),
        disk_mb=request.limits.disk_mb,
        owner=(NOBODY, NOBODY) if os.geteuid() == 0 else None,
    )


def enter_namespaces() -> None:
    """A network of nothing, and no shared memory, host name or control groups to see.

    Mounts get theirs when the root is built; users and processes have theirs already or get it
    when root is given up.
    """
    linux.unshare(
        linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS | linux.CLONE_NEWCGROUP
    )
    linux.sethostname(HOSTNAME)


def enter_namespaces_of_process_one() -> None:
    """Called before the fork that makes the kernel: its first process sees itself as process 1.

    Root keeps its rights until the mounts are done. Anybody else gets the right to mount from a
    user namespace, which must therefore come first.
    """
    if not may_become_nobody():
        linux.enter_user_namespace(filesystem.USER_INSIDE)
    linux.unshare(linux.CLONE_NEWPID)


def may_become_nobody() -> bool:
    """Whether we are root, and the user nobody exists here (some containers map root alone)."""
    if os.geteuid() != 0:
        return False
    with open("/proc/self/uid_map", encoding="ascii") as uid_map:
        ranges = [[int(field) for field in line.split()] for line in uid_map]
    return any(inside <= NOBODY < inside + length for inside, _, length in ranges)


def give_up_root() -> None:
    """Real root becomes nobody, alone in a user namespace; an ordinary user is in one already."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        linux.enter_user_namespace(filesystem.USER_INSIDE)
    linux.drop_capabilities()


def set_environment(environment: dict[str, str]) -> None:
    """Only what the request names, and where the scratch directories are."""
    home = filesystem.HOME
    os.environ.clear()
    os.environ.update(environment)
    os.environ.update(
        HOME=home,
        USER="student",
        TMPDIR="/tmp",
        IPYTHONDIR=f"{home}/.ipython",
        JUPYTER_RUNTIME_DIR=f"{home}/.jupyter",
        KERAS_HOME=f"{home}/.keras",
        MPLCONFIGDIR=f"{home}/.matplotlib",
    )
    tempfile.tempdir = None


def lock_down(cwd: str, *, shared_memory: bool) -> None:
    """No new rights, Landlock, the quiet filter."""
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    landlock.restrict(
        writable=[*filesystem.SCRATCH_MOUNTS.values(), *filesystem.WRITABLE_DEVICES, cwd],
        terminals=[filesystem.TERMINALS],
    )
    seccomp.load_quiet_filter(shared_memory=shared_memory)


def reseed() -> None:
    """Every fork inherits the same generator states. TensorFlow's are made at its first draw."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


def forget_course_modules() -> None:
    """Let `import autograder` in the kernel find what is visible there, not the zygote's own."""
    for name in [*sys.modules]:
        if name.partition(".")[0] in {"autograder", "course_lib"}:
            del sys.modules[name]


def _tell_failure(status: socket.socket) -> None:
    try:
        send_packet(status, {"status": FAILED, "why": traceback.format_exc()[-4000:]})
    except (OSError, ValueError):
        traceback.print_exc()


def describe_failure(message: dict[str, Any] | None) -> str:
    """The sentence for a kernel that never became ready."""
    if message is None:
        return "the kernel's process ended before it was ready"
    lines = str(message.get("why", json.dumps(message))).strip().splitlines()
    return lines[-1] if lines else "no reason was given"
