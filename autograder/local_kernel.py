"""A Jupyter kernel manager whose sockets lie in a private folder, not on a network port."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def local_manager(kernel_name: str) -> Iterator[Any]:
    """An ``AsyncKernelManager`` that talks over Unix sockets (over TCP on Windows).

    Anyone on the machine may connect to a kernel's TCP port and, knowing its key, run code in it; a
    folder that only its owner may enter needs no further protection.
    """
    from jupyter_client.manager import AsyncKernelManager

    if sys.platform == "win32":
        yield AsyncKernelManager(kernel_name=kernel_name)
        return
    with tempfile.TemporaryDirectory(prefix="kernel-", ignore_cleanup_errors=True) as folder:
        yield AsyncKernelManager(
            kernel_name=kernel_name,
            transport="ipc",
            ip=f"{folder}/socket",
            connection_file=f"{folder}/connection.json",
        )
