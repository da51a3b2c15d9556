"""A process that attacks aim at. Says `ready`, and lives until its standard input closes."""

from __future__ import annotations

import ctypes
import socket
import sys

PR_SET_PTRACER, ANYBODY = 0x59616D61, ctypes.c_ulong(-1)


def main() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANYBODY, 0, 0, 0)  # where Yama would forbid the proof
    held = socket.socketpair()
    print(f"ready {held[0].fileno()}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
