"""Carries bytes between the client's sockets and the kernel's, and counts what comes out.

A kernel binds its ZeroMQ sockets inside its own file system. The client connects to sockets of the
same names outside, where the supervisor listens; for every connection it opens one to the kernel
and copies bytes both ways without understanding them. So the client needs no path into the sandbox,
the kernel none out of it, and there is one place where everything that leaves can be counted and
cut off, whatever the kernel's processes do.

Nothing is buffered without bound: while one side does not read, the other is not read from.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

CHUNK = 1 << 18


def react(selector: selectors.BaseSelector, seconds: float) -> None:
    """Wait for events, at most so long, and call what was registered for each of them."""
    for key, events in selector.select(seconds):
        # An earlier reaction may have closed this one's file, and another may have its number now.
        if selector.get_map().get(key.fd) is key:
            key.data(events)


@dataclass(slots=True, eq=False)
class _End:
    """One socket of a connection, with the bytes that it has yet to be given."""

    socket: socket.socket
    waiting: memoryview = field(default_factory=lambda: memoryview(b""))
    from_kernel: bool = False
    other: _End | None = None
    open: bool = True


class Relay:
    """All connections of one kernel.

    Args:
        selector: the supervisor's; its keys carry a function to call as their data.
        targets: for each path to listen on, an `O_PATH` descriptor of the kernel's socket. It was
            opened before student code ran, so it cannot be exchanged for another one.
    """

    def __init__(self, selector: selectors.BaseSelector, targets: dict[str, int]) -> None:
        self._selector = selector
        self._listeners: dict[socket.socket, int] = {}
        self._ends: set[_End] = set()
        self.bytes_out = 0
        for path, target in targets.items():
            with suppress(FileNotFoundError):
                os.unlink(path)  # of the kernel before a restart
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(path)
            listener.listen(64)
            listener.setblocking(False)
            self._listeners[listener] = target
            selector.register(listener, selectors.EVENT_READ, self._accepting(listener))

    def close(self) -> None:
        """End every connection; the client's side sees it at once."""
        for end in list(self._ends):
            self._close(end)
        for listener, target in self._listeners.items():
            self._selector.unregister(listener)
            with suppress(OSError):
                os.unlink(listener.getsockname())
            listener.close()
            os.close(target)
        self._listeners.clear()

    def drain(self, seconds: float) -> None:
        """Hand on what the kernel had sent before it ended, as long as the client takes it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            unsent = False
            for end in list(self._ends):
                if end.from_kernel and end.open and end.other is not None:
                    while self._receive(end):
                        pass
                    unsent = unsent or (end.other.open and bool(end.other.waiting))
            if not unsent:
                return
            time.sleep(0.005)
            for end in list(self._ends):
                if end.waiting and end.open and not end.from_kernel:
                    self._send(end)

    def _accepting(self, listener: socket.socket) -> Callable[[int], None]:
        def accept(_: int) -> None:
            try:
                client, _address = listener.accept()
            except OSError:
                return
            kernel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                kernel.connect(f"/proc/self/fd/{self._listeners[listener]}")
            except OSError:  # the kernel has closed this channel
                client.close()
                kernel.close()
                return
            ends = _End(client), _End(kernel, from_kernel=True)
            ends[0].other, ends[1].other = ends[1], ends[0]
            for end in ends:
                end.socket.setblocking(False)
                self._ends.add(end)
                self._selector.register(end.socket, selectors.EVENT_READ, self._carrying(end))

        return accept

    def _carrying(self, end: _End) -> Callable[[int], None]:
        def carry(events: int) -> None:
            if events & selectors.EVENT_WRITE and end.open:
                self._send(end)
            if events & selectors.EVENT_READ and end.open:
                self._receive(end)

        return carry

    def _receive(self, end: _End) -> bool:
        """Take what there is and give it to the other side. False if nothing could be done."""
        other = end.other
        if other is None or other.waiting:
            return False
        try:
            chunk = end.socket.recv(CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b""
        if not chunk:
            self._close(end)
            return False
        if end.from_kernel:
            self.bytes_out += len(chunk)
        other.waiting = memoryview(chunk)
        self._send(other)
        return True

    def _send(self, end: _End) -> None:
        try:
            sent = end.socket.send(end.waiting)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(end)
            return
        end.waiting = end.waiting[sent:]
        self._listen_for(end)
        if end.other is not None:
            self._listen_for(end.other)

    def _listen_for(self, end: _End) -> None:
        """Read only while the other side takes what is read; write only while there is something."""
        if not end.open:
            return
        events = selectors.EVENT_WRITE if end.waiting else 0
        if end.other is not None and not end.other.waiting:
            events |= selectors.EVENT_READ
        key = self._selector.get_map().get(end.socket)
        if events == 0:
            if key is not None:
                self._selector.unregister(end.socket)
        elif key is None:
            self._selector.register(end.socket, events, self._carrying(end))
        elif key.events != events:
            self._selector.modify(end.socket, events, key.data)

    def _close(self, end: _End) -> None:
        for each in (end, end.other):
            if each is None or not each.open:
                continue
            each.open = False
            self._ends.discard(each)
            if each.socket in self._selector.get_map():
                self._selector.unregister(each.socket)
            each.socket.close()
