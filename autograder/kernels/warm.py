"""The client's side of zygotes: start one when first needed, use it for ever, replace it when dead.

A process keeps one zygote for each kind of kernel (with or without TensorFlow, which environment
variables it read when it imported). It ends with the process: the zygote sees its end of the socket
pair close, even if the client was killed.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from . import zygote
from .request import KernelRequest, send_packet
from .visible import course_root

_PASSED_ON = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What distinguishes one zygote from another."""

    tensorflow: bool = True
    preload: tuple[str, ...] = ()
    """Modules to import besides the usual ones."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables that libraries read once, when they are imported (`OMP_NUM_THREADS`)."""


@dataclass(slots=True)
class Zygote:
    """A running zygote."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    said: IO[bytes]

    @classmethod
    def start(cls, recipe: Recipe) -> Zygote:
        """Start the process. It imports while we go on; requests wait for it in the socket."""
        control, inherited = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        said = tempfile.TemporaryFile()  # noqa: SIM115  # stays open as long as the process
        with inherited:
            process = subprocess.Popen(
                zygote.command(inherited.fileno(), [str(course_root())]),
                pass_fds=[inherited.fileno()],
                env=_environment(recipe),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,  # Ctrl-C is for the client
            )
        started = cls(process, control, said)
        send_packet(control, {"tensorflow": recipe.tensorflow, "preload": recipe.preload})
        return started

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def ask(self, request: KernelRequest) -> socket.socket:
        """Ask for a kernel. Returns the socket on which its supervisor will speak.

        Raises:
            OSError: the zygote has gone.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                send_packet(self.control, request.to_json(), [theirs.fileno()])
            except BaseException:
                ours.close()
                raise
        return ours

    def last_words(self) -> str:
        """The end of what the process wrote to stdout and stderr."""
        self.said.seek(max(0, self.said.seek(0, os.SEEK_END) - 4000))
        return self.said.read().decode(errors="replace").strip()

    def stop(self) -> None:
        """End it and wait; kernels that it forked live on with their supervisors."""
        self.control.close()
        self.process.kill()
        self.process.wait()
        self.said.close()


@dataclass(slots=True)
class _Zygotes:
    running: dict[Recipe, Zygote] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    owner: int = field(default_factory=os.getpid)


_zygotes = _Zygotes()


def zygote_for(recipe: Recipe) -> Zygote:
    """The zygote of this process for a recipe, started if there is none or it has died."""
    global _zygotes
    if _zygotes.owner != os.getpid():
        _zygotes = _Zygotes()  # a fork of the client: the parent's are not ours to wait for
    with _zygotes.lock:
        current = _zygotes.running.get(recipe)
        if current is None or not current.alive():
            if current is not None:
                current.stop()
            current = _zygotes.running[recipe] = Zygote.start(recipe)
        return current


def discard(dead: Zygote) -> None:
    """Forget a zygote that has refused or ended; the next request starts another."""
    with _zygotes.lock:
        for recipe, current in list(_zygotes.running.items()):
            if current is dead:
                del _zygotes.running[recipe]
                dead.stop()


def warm_up(*, tensorflow: bool = True) -> None:
    """Start importing now, so that the first kernel need not wait for it."""
    zygote_for(Recipe(tensorflow=tensorflow))


@atexit.register
def stop_zygotes() -> None:
    """End every zygote of this process."""
    if _zygotes.owner != os.getpid():
        return
    with _zygotes.lock:
        for current in _zygotes.running.values():
            current.stop()
        _zygotes.running.clear()


def _environment(recipe: Recipe) -> dict[str, str]:
    """Clean: nothing of the client's but language, time zone and where libraries lie."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    environment |= {
        "PATH": os.defpath,
        "HOME": "/nonexistent",
        "PYTHONHASHSEED": "0",  # the order of sets is then the same in every run
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLCONFIGDIR": str(Path(cache, "unrolled", "matplotlib")),  # the list of fonts
    }
    return environment | dict(recipe.environment)
