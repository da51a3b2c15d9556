"""Waiting for a new kernel exactly as long as it takes."""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

from nbclient.util import ensure_async


async def wait_until_heard(client: Any, manager: Any, seconds: float) -> None:
    """Return once the kernel answers and its broadcasts reach us.

    ``jupyter_client``'s own ``wait_for_ready`` ends by listening for a fifth of a second until nothing
    more comes, once for every kernel. Here each request for its details is followed until the broadcast
    that the kernel is idle again; where that one was missed, because the kernel did not know of us as a
    listener yet, it is asked again.

    Raises:
        RuntimeError: when the kernel dies, or says nothing for so long.
    """
    deadline = time.monotonic() + seconds
    asked: set[str] = set()
    while time.monotonic() < deadline:
        asked.add(client.kernel_info())
        reply = await _next(client.shell_channel, asked, 1.0, "kernel_info_reply")
        if reply is not None:
            idle = await _next(client.iopub_channel, asked, 0.2, "status", "idle")
            if idle is not None:
                return
        elif not await ensure_async(manager.is_alive()):
            raise RuntimeError("the kernel died before it answered")
    raise RuntimeError(f"the kernel did not answer in {seconds:.0f} seconds")


async def _next(
    channel: Any, asked: set[str], seconds: float, kind: str, state: str = ""
) -> dict[str, Any] | None:
    """The next message of this kind that belongs to one of our requests, or ``None``."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            message = await channel.get_msg(timeout=left)
        except Empty:
            return None
        ours = message["parent_header"].get("msg_id") in asked and message["msg_type"] == kind
        if ours and message["content"].get("execution_state", "") == state:
            found: dict[str, Any] = message
            return found
    return None
