"""What is said between the client, the zygote and a supervisor, and how it travels.

The client and the zygote share a socket pair; for every kernel the client makes another pair and
passes one end along with the request. From then on that pair belongs to the kernel's supervisor.
Packets are JSON: small, typed by `KernelRequest`, and each is sent or received whole.
"""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from .limits import Limits

MAX_PACKET = 160_000  # well below the 208 KB that a Linux socket buffer takes by default

CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
"""A kernel's sockets; each has a `..._port` in the connection details."""

WorkingDirectory = Literal["copy", "empty"]


@dataclass(frozen=True, slots=True)
class KernelRequest:
    """Everything the zygote needs to know to make one kernel."""

    connection: dict[str, Any]
    """Key, ports and scheme, as in a connection file."""
    socket_directory: str
    """Where the client will look for the kernel's sockets."""
    cwd: str
    working_directory: WorkingDirectory = "copy"
    """What it holds at first: a copy of the files outside, or nothing."""
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    visible: tuple[str, ...] = ()
    """Files and directories that may be read, besides the environment itself."""
    hidden: tuple[str, ...] = ()
    """Files and directories that may not, wherever they lie. The closest name wins."""
    hidden_names: tuple[str, ...] = ()
    """Names (with wildcards) that are left out of the copy of the working directory."""
    hidden_modules: tuple[str, ...] = ()
    """Names (with wildcards) of what is left out of site-packages."""
    limits: Limits = field(default_factory=Limits)

    def to_json(self) -> dict[str, Any]:
        """As a plain dictionary."""
        return asdict(self)

    def ports(self) -> list[int]:
        """The number of each channel's socket, in the order of `CHANNELS`."""
        return [self.connection[f"{channel}_port"] for channel in CHANNELS]

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> KernelRequest:
        """The inverse of `to_json`, after a journey through JSON."""
        values = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**{**values, "limits": Limits.from_json(values["limits"])})


def send_packet(
    channel: socket.socket, message: dict[str, Any], descriptors: list[int] | None = None
) -> None:
    """Send one packet, with open file descriptors if any.

    Raises:
        ValueError: the packet is too long to be sent whole.
        OSError: nobody listens any more.
    """
    packet = json.dumps(message).encode()
    if len(packet) > MAX_PACKET:
        raise ValueError(f"a packet of {len(packet)} bytes; {MAX_PACKET} are possible")
    socket.send_fds(channel, [packet], descriptors or [])


def receive_packet(channel: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Wait for one packet: the message and the descriptors that came with it.

    The message is `None` when the other side has gone.
    """
    packet, descriptors, _, _ = socket.recv_fds(channel, MAX_PACKET, 16)
    return (json.loads(packet) if packet else None), descriptors
