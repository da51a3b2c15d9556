"""The zygote: imports the heavy stack once, then forks a kernel for every request.

Importing TensorFlow takes seconds and half a gigabyte; a fork of a process that has it takes
milliseconds and shares the memory. The price is a rule: *nothing may run here*. TensorFlow starts
threads with its first operation, threads do not survive a fork, and the locks that they held stay
locked in the child. So the zygote counts its threads after the imports, and once there are more it
refuses and ends; the client then starts another one.

It holds no secrets: it is started with a clean environment, reads no files of a class, and all
that a kernel inherits from it is imported modules. Requests come over a socket pair that it was
born with; when the client's end closes, the zygote ends.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from . import cgroups, linux
from .request import KernelRequest, receive_packet, send_packet
from .supervisor import supervise

INLINE_FIGURES = "module://matplotlib_inline.backend_inline"

_EVERY_KERNEL = (
    "IPython", "IPython.core.completerlib", "IPython.core.debugger", "IPython.core.oinspect",
    "IPython.extensions.storemagic", "autograder.kernels.kernelapp", "encodings.ascii",
    "encodings.latin_1", "ipykernel.debugger", "ipykernel.kernelapp", "ipykernel.zmqshell",
    "ipywidgets", "matplotlib.backends.backend_agg", "matplotlib.pyplot", "numpy", "numpy.random",
    "sqlite3", "tornado.platform.asyncio", "tornado.queues",
    "urllib3",  # tries a socket when it is imported, as TensorFlow does it: no student's attempt
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ZygoteRequest:
    """What a zygote is told when it starts, as JSON in its first packet."""

    tensorflow: bool
    preload: tuple[str, ...] = ()
    """Modules to import besides."""


def main(control: socket.socket) -> None:
    """Serve until the client goes away."""
    linux.prctl(linux.PR_SET_DUMPABLE, 0)  # /proc/<zygote>/mem, environ and fd are closed to others
    message, _ = receive_packet(control)
    if message is None:
        return
    try:
        _import_everything(ZygoteRequest(message["tensorflow"], tuple(message["preload"])))
        cgroups.sweep()
        refusal = None
    except Exception:
        refusal = traceback.format_exc()[-4000:]
    # From here on the collector leaves the imported objects alone, so their pages stay shared.
    gc.collect()
    gc.freeze()
    _serve(control, refusal, threads=count_threads())


def count_threads() -> int:
    """How many threads this process has, Python's or not."""
    return len(os.listdir("/proc/self/task"))


def _import_everything(request: ZygoteRequest) -> None:
    # Read once, when Matplotlib is imported. The backend itself must not be imported here: it
    # finds its shell when it is.
    os.environ["MPLBACKEND"] = INLINE_FIGURES
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # 100 ms that no kernel here needs
    if request.tensorflow:
        import_tensorflow_quietly()
    for name in (*_EVERY_KERNEL, *request.preload):
        importlib.import_module(name)


def import_tensorflow_quietly() -> None:
    """By the course's own quiet import, loaded as a lone file: its package stays unimported."""
    _load_alone(Path(__file__).resolve().parents[2] / "course_lib" / "quiet.py").load_tensorflow()
    importlib.import_module("keras")


def _load_alone(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location("_unrolled_quiet", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _serve(control: socket.socket, refusal: str | None, threads: int) -> None:
    wakeup, wakeup_end = os.pipe()
    for descriptor in (wakeup, wakeup_end):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(wakeup_end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([control.fileno(), wakeup], [], [])
        if wakeup in ready:
            os.read(wakeup, 4096)
            _reap()
        if control.fileno() not in ready:
            continue
        message, descriptors = receive_packet(control)
        if message is None:
            return
        client = socket.socket(fileno=descriptors[0])
        now = count_threads()
        if refusal is None and now > threads:
            refusal = (
                f"it has {now} threads, {threads} after its imports; "
                "a fork of it could wait for ever"
            )
        if refusal is not None:
            _refuse(client, refusal)
            return
        if os.fork() == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (wakeup, wakeup_end, control.fileno()):
                os.close(descriptor)
            control.detach()
            supervise(KernelRequest.from_json(message), client)
        client.close()
        threads = min(threads, count_threads())  # OpenBLAS ends its own before the first fork


def _refuse(client: socket.socket, why: str) -> None:
    with client, suppress(OSError):  # the client may not have waited for the answer
        send_packet(client, {"refused": why})


def _reap() -> None:
    """Bury supervisors that have ended."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def command(descriptor: int, path: Sequence[str]) -> list[str]:
    """The command line that runs a zygote on an inherited socket, with `path` to find it on."""
    # Not `python -P`: kernels would inherit the flag, and not find modules beside a notebook.
    program = (
        "import json, socket, sys; sys.path.remove(''); "
        # In front: an older release may be graded beside an installed newer one.
        "sys.path[:0] = [path for path in json.loads(sys.argv[2]) if path not in sys.path]; "
        "from autograder.kernels.zygote import main; main(socket.socket(fileno=int(sys.argv[1])))"
    )
    return [sys.executable, "-c", program, str(descriptor), json.dumps(list(path))]
