"""One supervisor a kernel: outside the sandbox, it starts, watches, relays, and ends the kernel.

A small event loop in a process forked from the zygote. It listens to the client (signals to pass
on, or its silence when it dies), to the kernel's process (a pidfd becomes readable when it ends),
to refused system calls, to what is written to the bare descriptors 1 and 2, and to the relay; and
many times a second it compares what is used with what is allowed.

The kernel is the first process of its PID namespace: when it is killed, Linux kills everything it
ever started. When the supervisor dies, so does the kernel; when the client dies, the supervisor
ends it.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
import traceback
from contextlib import suppress
from typing import Any, NoReturn

from . import cgroups, confine, linux, seccomp, usage
from .ears import Hearsay
from .limits import MEGABYTE
from .relay import Relay, react
from .request import KernelRequest, receive_packet, send_packet

_LOOK_SECONDS = 0.05
_LAST_WORDS = 8192
_DISK_FULL = 0.995
_LINGER_SECONDS = 0.5
_DESCRIPTORS_OF_ALL = 2  # times what one process may have
_ATTEMPTS_HEARD = 10_000


def supervise(request: KernelRequest, client: socket.socket) -> NoReturn:
    """Never returns: make a kernel, stay with it to its end, and report to `client`."""
    code = 1
    try:
        os.setsid()
        linux.prctl(linux.PR_SET_DUMPABLE, 0)
        Supervisor(request, client).run()
        code = 0
    except BaseException as error:
        with suppress(OSError, ValueError):
            send_packet(client, {"failed": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(code)


class Supervisor:
    """The life of one kernel."""

    def __init__(self, request: KernelRequest, client: socket.socket) -> None:
        self._request = request
        self._limits = request.limits
        self._client = client
        self._selector = selectors.DefaultSelector()
        self._started = time.monotonic()
        self._ended = False
        self._why: tuple[str, str] | None = None
        self._incidents: dict[tuple[str, str], int] = {}  # refused calls with how often
        self._last_words = b""
        self._bytes_of_output = 0  # past the relay
        self._attempts = 0
        self._hearsay = Hearsay()
        self._relay: Relay | None = None
        self._scratch: int | None = None
        self._listener: int | None = None
        self._unshared_memory = 0  # of the fork when it was new, without a control group
        self._peak_memory = 0
        self._cpu_seconds = 0.0

    def run(self) -> None:
        """From the fork to the farewell."""
        self._tell({"forked": os.getpid()})
        self._group = cgroups.create(str(os.getpid()), self._limits)
        try:
            self._fork()
            self._watch()
        except Exception as error:  # a mistake of ours, not of whoever wrote the notebook
            self._why = self._why or ("failed", f"the supervisor failed: {error!r}")
            self._last_words += traceback.format_exc().encode()
        finally:
            self._bury()

    # -- starting

    def _fork(self) -> None:
        status, kernel_status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        output, kernel_output = os.pipe()
        confine.enter_namespaces_of_process_one()
        self._pid = os.fork()
        if self._pid == 0:
            confine.become_kernel(
                self._request,
                kernel_status,
                kernel_output,
                counted_by_group=self._group is not None,
            )
        kernel_status.close()
        os.close(kernel_output)
        linux.prctl(linux.PR_SET_DUMPABLE, 0)  # the user namespace needed it
        if self._group is not None:
            self._group.add(self._pid)
        os.set_blocking(output, False)
        self._status = status
        self._output = output
        self._pidfd = os.pidfd_open(self._pid)
        self._on(self._client.fileno(), self._hear_client)
        self._on(self._pidfd, self._kernel_has_ended)
        self._on(output, self._read_output)
        self._on(status.fileno(), self._hear_kernel)
        with suppress(OSError):  # the kernel may have died; its pidfd says so
            status.send(b"+")

    def _hear_kernel(self, _: int) -> None:
        """The one message that the kernel sends before student code runs."""
        message, descriptors = receive_packet(self._status)
        self._off(self._status.fileno())
        self._status.close()
        if message is None or message["status"] != confine.READY:
            self._kill("failed", confine.describe_failure(message))
            return
        self._scratch, self._listener, *sockets = descriptors
        self._on(self._listener, self._hear_refused_call)
        prefix = self._request.socket_directory + "/channel-"
        paths = [f"{prefix}{port}" for port in self._request.ports()]
        self._relay = Relay(self._selector, dict(zip(paths, sockets, strict=True)))
        if self._group is None:
            self._unshared_memory = usage.own_memory(self._pid)
        self._tell({"ready": True, "pid": self._pid, "seconds": time.monotonic() - self._started})

    # -- watching

    def _watch(self) -> None:
        look = self._started
        while not self._ended:
            react(self._selector, _LOOK_SECONDS)
            output = self._bytes_of_output + (self._relay.bytes_out if self._relay else 0)
            if output > self._limits.output_mb * MEGABYTE:
                self._kill("output", f"more than {self._limits.output_mb} MB of output")
            now = time.monotonic()
            if now - look >= _LOOK_SECONDS and not self._ended:
                look = now
                self._compare(now - self._started)

    def _compare(self, seconds: float) -> None:
        """What is used against what is allowed."""
        limits = self._limits
        if seconds > limits.wall_seconds:
            self._kill("wall", f"ran longer than {limits.wall_seconds:g} s")
        self._count()
        if self._cpu_seconds > limits.cpu_seconds:
            self._kill("cpu", f"used more than {limits.cpu_seconds:g} s of processor time")
        if self._scratch is not None:
            disk = os.statvfs(self._scratch)
            if disk.f_bfree < disk.f_blocks * (1 - _DISK_FULL):
                self._note("disk", f"filled its {limits.disk_mb} MB of disk")
            if disk.f_ffree < disk.f_files * (1 - _DISK_FULL):
                self._note("disk", f"made as many files as it may, {disk.f_files}")

    def _count(self) -> None:
        limits = self._limits
        if self._group is not None:
            self._cpu_seconds = self._group.cpu_seconds()
            self._peak_memory = self._group.peak_memory()
            if self._group.refused_processes():
                self._note("processes", f"wanted more than {limits.processes} processes")
            if self._group.memory_kills():
                self._note("memory", self._memory_sentence())
            return
        used = usage.measure(self._pid)
        self._cpu_seconds = max(self._cpu_seconds, used.cpu_seconds)
        if used.threads >= limits.processes:
            self._note("processes", f"wanted more than {limits.processes} processes")
        if used.descriptors > _DESCRIPTORS_OF_ALL * limits.open_files:
            # What waits in sockets and pipes is memory too, and only a control group counts it.
            held = usage.sockets_and_pipes(self._pid)
            if held > _DESCRIPTORS_OF_ALL * limits.open_files:
                self._kill("memory", f"held {held} sockets and pipes, and what waits in them")
        allowed = limits.memory_mb * MEGABYTE
        if used.memory > allowed:  # counts shared pages too: look closer
            own = usage.own_memory(self._pid) - self._unshared_memory
            self._peak_memory = max(self._peak_memory, own)
            if own > allowed:
                self._note("memory", self._memory_sentence())
                self._kill("memory", self._memory_sentence())

    def _memory_sentence(self) -> str:
        return f"used more than {self._limits.memory_mb} MB of memory"

    def _read_output(self, _: int) -> None:
        """Keep the end of what was written past Jupyter: a crash's last words."""
        with suppress(BlockingIOError):
            chunk = os.read(self._output, 1 << 16)
            if not chunk:
                self._off(self._output)
            self._bytes_of_output += len(chunk)
            self._last_words = (self._last_words + chunk)[-_LAST_WORDS:]

    def _hear_refused_call(self, _: int) -> None:
        assert self._listener is not None
        attempt = seccomp.refuse_next(self._listener, self._hearsay.hear)
        if attempt is not None:
            self._note(*attempt)
            self._incidents[attempt] += 1
        self._attempts += 1
        if self._attempts == _ATTEMPTS_HEARD:
            # Enough is known. Nobody listening, Linux refuses by itself, and faster.
            self._off(self._listener)
            os.close(self._listener)

    def _count_those_left(self) -> None:
        """What the notebook started and never waited for: it ends with the kernel."""
        left = usage.running(self._pid) - 1
        if left > 0:
            self._note("processes", f"left {left} running at the end; they were ended")

    def _note(self, kind: str, detail: str) -> None:
        """Keep an incident, and tell the client of the first of its sort."""
        if (kind, detail) not in self._incidents:
            self._incidents[kind, detail] = 0
            self._tell({"incident": [kind, detail]})

    # -- ending

    def _hear_client(self, _: int) -> None:
        try:
            message, _descriptors = receive_packet(self._client)
        except OSError:
            message = None
        if message is None:
            self._off(self._client.fileno())
            self._kill("abandoned", "the client went away")
        elif message["signal"] == signal.SIGKILL:
            self._count_those_left()
            self._kill("killed", "ended by the client")
        else:
            # Like Jupyter: to the kernel and the commands it runs, which share its group.
            with suppress(OSError):
                os.killpg(self._pid, message["signal"])

    def _kill(self, kind: str, detail: str) -> None:
        if self._why is None:
            self._why = (kind, detail)
        with suppress(OSError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _kernel_has_ended(self, _: int) -> None:
        self._ended = True

    def _bury(self) -> None:
        """Reap the kernel, tidy up, and tell the client how it ended."""
        if not hasattr(self, "_pid"):
            if self._group is not None:
                self._group.remove()
            return
        with suppress(OSError):
            os.kill(self._pid, signal.SIGKILL)  # if we come here by an error of our own
        _, wait_status, resources = os.wait4(self._pid, 0)
        code = os.waitstatus_to_exitcode(wait_status)
        self._cpu_seconds = max(self._cpu_seconds, resources.ru_utime + resources.ru_stime)
        with suppress(OSError, ValueError):
            self._read_output(0)
            self._count_last()
        kind, detail = self._why or self._explain(code)
        if self._relay is not None:
            if kind not in ("killed", "abandoned", "output"):
                self._relay.drain(_LINGER_SECONDS)
            self._relay.close()
        if kind == "abandoned":  # nobody else will
            with suppress(OSError):
                os.rmdir(self._request.socket_directory)
        self._tell(
            {
                "kind": kind,
                "detail": detail,
                "code": code,
                "incidents": [
                    [kind, detail if times < 2 else f"{detail} ({times} times)"]
                    for (kind, detail), times in self._incidents.items()
                ],
                "cpu_seconds": round(self._cpu_seconds, 3),
                "peak_memory_mb": round(self._peak_memory / MEGABYTE, 1),
                "last_words": self._last_words.decode(errors="replace"),
            }
        )
        if self._group is not None:
            self._group.remove()

    def _count_last(self) -> None:
        if self._group is not None:
            self._count()

    def _explain(self, code: int) -> tuple[str, str]:
        """Why a kernel ended that we did not kill."""
        if code == -signal.SIGKILL and self._group is not None and self._group.memory_kills():
            return "memory", self._memory_sentence()
        if code == -signal.SIGKILL and self._cpu_seconds >= self._limits.cpu_seconds:
            return "cpu", f"used more than {self._limits.cpu_seconds:g} s of processor time"
        if code < 0:
            return "crashed", f"was ended by signal {-code} ({signal.Signals(-code).name})"
        return "exited", f"ended by itself, with exit code {code}"

    # -- plumbing

    def _on(self, descriptor: int, reaction: Any) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, reaction)

    def _off(self, descriptor: int) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(descriptor)

    def _tell(self, message: dict[str, Any]) -> None:
        with suppress(OSError, ValueError):
            send_packet(self._client, message)
