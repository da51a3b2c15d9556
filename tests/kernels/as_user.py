"""Become an ordinary user, for tests that run as root: `python as_user.py PROGRAM ARGUMENT ...`.

The interpreter may lie in a directory that only root can enter. So in a mount namespace of its own
such a directory is replaced by one that holds only the interpreter and this repository, and then
every right is dropped.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

from autograder.kernels import linux

USER = 4321


def open_the_way(paths: list[str]) -> None:
    """Make each path reachable for everybody, in this mount namespace only."""
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    for path in paths:
        blocked = [
            parent for parent in reversed(Path(path).parents) if not parent.stat().st_mode & 0o001
        ]
        if not blocked:
            continue
        kept = tempfile.mkdtemp()
        linux.mount(path, kept, None, linux.MS_BIND | linux.MS_REC)
        linux.mount("tmpfs", blocked[0], "tmpfs", 0, "mode=755")
        Path(path).mkdir(parents=True)
        linux.mount(kept, path, None, linux.MS_BIND | linux.MS_REC)
        linux.detach(kept)
        os.rmdir(kept)


def main() -> None:
    repository = str(Path(__file__).resolve().parents[2])
    needed = dict.fromkeys(map(os.path.realpath, (sys.base_prefix, sys.prefix, repository)))
    open_the_way(list(needed))
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    os.chdir("/")
    os.environ["HOME"] = os.environ["XDG_CACHE_HOME"] = os.environ["UNROLLED_TEST_HOME"]
    os.environ["USER"] = os.environ["LOGNAME"] = "tester"
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])


if __name__ == "__main__":
    main()
