"""ipykernel, adjusted to a process that was forked warm and has no network.

Three things differ from an ordinary kernel: connection details come from the request and not from
a file; no socket is opened on the loopback interface, for there is none; and no debugger is offered
(importing one costs 100 ms).
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from ipykernel.iostream import IOPubThread
from ipykernel.kernelapp import IPKernelApp
from zmq.constants import SocketType


class ConfinedKernelApp(IPKernelApp):
    """An `IPKernelApp` that is told its connection details."""

    connection: dict[str, Any]
    iopub_port: Any

    def init_connection_file(self) -> None:
        """Take the details from the request."""
        self.load_connection_info(self.connection)

    def write_connection_file(self, **kwargs: Any) -> None:
        """The client has written one outside; nobody reads one here."""

    def init_poller(self) -> None:
        """The kernel dies with its supervisor; no thread need watch the parent."""

    def init_iopub(self, context: Any) -> None:
        """As upstream, but without the pipe for forked children, which binds TCP on loopback."""
        self.iopub_socket = context.socket(SocketType.XPUB)
        self.iopub_socket.linger = 1000
        self.iopub_port = self._bind_socket(self.iopub_socket, self.iopub_port)
        self.configure_tornado_logger()
        self.iopub_thread = IOPubThread(self.iopub_socket, pipe=False, session=self.session)
        self.iopub_thread.start()
        self.iopub_socket = self.iopub_thread.background_socket


def prepare(connection: dict[str, Any], socket_prefix: str, arguments: list[str]) -> Any:
    """Build the kernel and bind its sockets: `{socket_prefix}-{port}`. Start it with `.start()`.

    Raises:
        TimeoutError: the heartbeat thread did not come up.
    """
    sys.argv = ["ipykernel_launcher"]
    app = ConfinedKernelApp.instance()
    app.connection = {**connection, "transport": "ipc", "ip": socket_prefix}
    app.connection_file = "kernel.json"
    app.parent_handle = 1  # there is a parent: print no advice on how to connect
    # History in memory: a notebook that fills its disk is not to hear of it from IPython.
    app.initialize(["--HistoryManager.hist_file=:memory:", *arguments])
    _wait_for(f"{socket_prefix}-{connection['hb_port']}")
    return app


def _wait_for(path: str) -> None:
    """The heartbeat binds in a thread of its own; no socket can be bound once filters are up."""
    deadline = time.monotonic() + 10
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the kernel did not bind {path}")
        time.sleep(0.0005)
