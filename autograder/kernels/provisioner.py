"""The kernel provisioner: how jupyter_client, and so every Jupyter tool, starts a confined kernel.

Chosen by a kernelspec (`kernelspecs.py`) through the entry point `unrolled-warm`. Instead of
running a command it asks the zygote for a fork and speaks with the fork's supervisor: signals go
in, the account of the end comes out. From a trusted process:

    manager = AsyncKernelManager(kernel_name="unrolled-confined")
    await manager.start_kernel(cwd=directory, env={**os.environ, **options(hidden=[...])})
    ...
    await manager.shutdown_kernel(now=True)
    manager.provisioner.exit_reason     # ExitReason(kind="killed", ...)
    manager.provisioner.incidents       # (Incident(kind="network", ...), ...)
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import tempfile
import time
from contextlib import suppress
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerBase
from traitlets import Bool, Dict, Enum, List, Unicode

from . import exits, warm
from .exits import ExitReason, Incident, KernelExit
from .filesystem import HOME
from .limits import Limits
from .request import KernelRequest, receive_packet, send_packet
from .support import require_confinement

OPTIONS_VARIABLE = "UNROLLED_KERNEL_OPTIONS"
"""Environment variable (JSON) with options for one kernel. It does not reach the kernel."""

_PASSED_ON = (
    "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TERM", "PATH", "NBGRADER_EXECUTION",
    "NBGRADER_VALIDATING", "UNROLLED_GRADING",
)  # fmt: skip
_OPTIONS = (
    "visible", "hidden", "hidden_names", "hidden_modules", "working_directory", "limits",
    "tensorflow",
)  # fmt: skip

_IMPORT_SECONDS = 180.0  # TensorFlow on a busy machine
_FORK_SECONDS = 20.0  # usually 0.1
_KILL_SECONDS = 5.0
_ATTEMPTS = 3


class KernelStartError(RuntimeError):
    """A confined kernel could not be started; the message says why."""


def options(**chosen: Any) -> dict[str, str]:
    """The environment variable that sets options for one kernel.

    Args:
        chosen: `hidden`, `visible`, `hidden_names`, `hidden_modules` (lists, added to those of the
            kernelspec), `limits` (a dictionary, laid over it), `working_directory`, `tensorflow`
            (whether the zygote has imported it; importing it works in either case).

    Raises:
        ValueError: an option that does not exist.

    >>> options(hidden=["/srv/class"])
    {'UNROLLED_KERNEL_OPTIONS': '{"hidden": ["/srv/class"]}'}
    """
    for name in chosen:
        if name not in _OPTIONS:
            raise ValueError(
                f"no kernel option is called {name!r}; there are {', '.join(_OPTIONS)}"
            )
    return {OPTIONS_VARIABLE: json.dumps(chosen)}


def _chosen(environment: dict[str, str]) -> dict[str, Any]:
    chosen: dict[str, Any] = json.loads(environment.get(OPTIONS_VARIABLE, "{}"))
    options(**chosen)  # refuses unknown names
    return chosen


def _inside(cwd: str) -> str:
    """Where the working directory lies in the kernel: where it is, but never the root itself."""
    return cwd if cwd != "/" else HOME


class WarmProvisioner(KernelProvisionerBase):
    """Starts, signals and buries one confined kernel."""

    tensorflow = Bool(True, config=True, help="Fork from a zygote that has imported TensorFlow.")
    preload = List(Unicode(), config=True, help="Modules that the zygote imports besides.")
    visible = List(Unicode(), config=True, help="Paths that may be read.")
    hidden = List(Unicode(), config=True, help="Paths that may not; the closest name wins.")
    hidden_names = List(
        Unicode(),
        ["*.ipynb", "*.db", "*.db-*", ".*"],
        config=True,
        help="Names left out of the copy of the working directory.",
    )
    hidden_modules = List(Unicode(), config=True, help="Names left out of site-packages.")
    working_directory = Enum(["copy", "empty"], "copy", config=True)
    limits = Dict(config=True, help="See autograder.kernels.Limits.")

    account: KernelExit | None = None
    """How the kernel ended; `None` while it lives."""
    pid: int | None = None
    """The kernel's process, seen from outside."""
    supervisor_pid: int | None = None
    """The process that watches it."""

    _channel: socket.socket | None = None
    _directory: str | None = None
    _forked = False
    _ready = False
    _refused: str | None = None
    _code: int | None = None
    _incidents: list[Incident] = []  # noqa: RUF012  # replaced, never changed, before a launch

    # -- what the trusted side wants to know

    @property
    def exit_reason(self) -> ExitReason | None:
        """Why the kernel ended; `None` while it lives."""
        return self.account.reason if self.account else None

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """What the kernel tried so far."""
        self._listen()
        return self.account.incidents if self.account else tuple(self._incidents)

    # -- the interface of jupyter_client

    @property
    def has_process(self) -> bool:
        """Whether there is a kernel to ask about."""
        return self._channel is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose the place of the sockets and write the connection file, which stays outside."""
        require_confinement()
        manager = self.parent
        if self._directory is None:
            self._directory = tempfile.mkdtemp(prefix="unrolled-")
            manager.transport = "ipc"
            manager.ip = f"{self._directory}/channel"
            manager.cache_ports = False
        manager.write_connection_file()
        self.connection_info = manager.get_connection_info()
        kwargs.pop("transport_encryption", None)
        arguments = kwargs.pop("extra_arguments", [])
        return await super().pre_launch(cmd=arguments, **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Have a kernel forked and wait until it listens.

        Raises:
            KernelStartError: it could not be made.
        """
        environment = kwargs.get("env", {})
        request = self._request(cmd, kwargs.get("cwd"), environment)
        recipe = warm.Recipe(
            tensorflow=_chosen(environment).get("tensorflow", self.tensorflow),
            preload=tuple(self.preload),
            environment=tuple(sorted((self.kernel_spec.env or {}).items())),
        )
        why = "its zygotes die"
        for _ in range(_ATTEMPTS):
            zygote = warm.zygote_for(recipe)
            try:
                self._adopt(zygote.ask(request))
            except OSError:
                warm.discard(zygote)
                continue
            await self._wait_until(lambda: self._forked or self._is_over(), _IMPORT_SECONDS)
            await self._wait_until(lambda: self._ready or self._is_over(), _FORK_SECONDS)
            if self._ready:
                return self.connection_info
            if self.account is not None and self._forked and zygote.alive():
                why = self.account.reason.detail  # another attempt would end the same way
                break
            why = self._refused or zygote.last_words() or "the zygote did not answer"
            warm.discard(zygote)
        await self.cleanup()
        raise KernelStartError(f"The confined kernel did not start: {why}")

    async def poll(self) -> int | None:
        """`None` while the kernel lives, else its exit code."""
        if self._channel is None:
            return 0 if self._code is None else self._code
        self._listen()
        return self._code

    async def wait(self) -> int | None:
        """Wait for the end."""
        await self._wait_until(self._is_over, None)
        self._close()
        return self._code

    async def send_signal(self, signum: int) -> None:
        """Have the supervisor send a signal to the kernel and the commands it runs."""
        if signum == 0 or self._channel is None or self._is_over():
            return
        with suppress(OSError):
            send_packet(self._channel, {"signal": int(signum)})

    async def kill(self, restart: bool = False) -> None:
        """End the kernel and wait for it: the manager would sleep for a tenth of a second."""
        await self.send_signal(signal.SIGKILL)
        await self._wait_until(self._is_over, _KILL_SECONDS)

    async def terminate(self, restart: bool = False) -> None:
        """The same: the first process of a namespace does not hear SIGTERM."""
        await self.kill(restart)

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Give the kernel a moment to leave by itself, and end it if it stays."""
        await self._wait_until(self._is_over, 1.0)
        await self.kill(restart)

    async def cleanup(self, restart: bool = False) -> None:
        """Let go of everything. Should the kernel live, its supervisor ends it now."""
        self._close()
        if self._directory is not None and not restart:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    async def get_provisioner_info(self) -> dict[str, Any]:
        """What jupyter_client keeps about a kernel."""
        return {**await super().get_provisioner_info(), "pid": self.pid}

    # -- speaking with the supervisor

    def _request(self, arguments: list[str], cwd: Any, env: dict[str, str]) -> KernelRequest:
        chosen = _chosen(env)
        assert self._directory is not None
        connection = dict(self.connection_info)
        key = connection["key"]
        connection["key"] = key.decode() if isinstance(key, bytes) else key
        connection.pop("curve_publickey", None)
        connection.pop("curve_secretkey", None)
        environment = {name: env[name] for name in _PASSED_ON if name in env}
        return KernelRequest(
            connection=connection,
            socket_directory=self._directory,
            cwd=_inside(os.path.realpath(cwd or os.getcwd())),
            working_directory=chosen.get("working_directory", self.working_directory),
            arguments=tuple(arguments),
            environment=environment | (self.kernel_spec.env or {}),
            visible=(*self.visible, *chosen.get("visible", ())),
            hidden=(*self.hidden, *chosen.get("hidden", ())),
            hidden_names=(*self.hidden_names, *chosen.get("hidden_names", ())),
            hidden_modules=(*self.hidden_modules, *chosen.get("hidden_modules", ())),
            limits=Limits.from_json({**self.limits, **chosen.get("limits", {})}),
        )

    def _adopt(self, channel: socket.socket) -> None:
        self._close()
        channel.setblocking(False)
        self._channel = channel
        self._forked, self._ready, self._refused, self._code = False, False, None, None
        self.account, self.pid, self.supervisor_pid = None, None, None
        self._incidents = []

    def _is_over(self) -> bool:
        self._listen()
        return self._channel is None or self._code is not None or self._refused is not None

    def _listen(self) -> None:
        """Take every message that has arrived."""
        while self._channel is not None and self._code is None:
            try:
                message, _ = receive_packet(self._channel)
            except BlockingIOError:
                return
            except OSError:
                message = None
            self._hear(message)
            if self._refused is not None:
                return

    def _hear(self, message: dict[str, Any] | None) -> None:
        match message:
            case None:
                self._end(
                    KernelExit(
                        self.kernel_id,
                        ExitReason("abandoned", "the kernel's supervisor went away"),
                        tuple(self._incidents),
                        exit_code=-signal.SIGKILL,
                    )
                )
            case {"forked": supervisor}:
                self._forked, self.supervisor_pid = True, supervisor
            case {"ready": True}:
                self._ready, self.pid = True, message["pid"]
            case {"refused": why}:
                self._refused = why
            case {"failed": why}:
                self._end(KernelExit(self.kernel_id, ExitReason("failed", why), exit_code=1))
            case {"incident": [kind, detail]}:
                self._incidents.append(Incident(kind, detail))
            case {"kind": _}:
                self._end(KernelExit.from_message(self.kernel_id, message))

    def _end(self, account: KernelExit) -> None:
        self.account = account
        self._code = account.exit_code if account.exit_code is not None else 1
        exits.remember(account)
        if account.reason.kind != "killed":
            self.log.debug("kernel %s ended: %s", self.kernel_id, account)

    async def _wait_until(self, done: Any, seconds: float | None) -> None:
        """Wait for messages until `done()`, or so many seconds."""
        deadline = None if seconds is None else time.monotonic() + seconds
        loop = asyncio.get_running_loop()
        while not done() and self._channel is not None:
            arrived = asyncio.Event()
            descriptor = self._channel.fileno()
            loop.add_reader(descriptor, arrived.set)
            try:
                left = None if deadline is None else deadline - time.monotonic()
                await asyncio.wait_for(arrived.wait(), left)
            except TimeoutError:
                return
            finally:
                loop.remove_reader(descriptor)
            self._listen()

    def _close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
