"""Files that survive a kill and a full disk, and locks that end with the process that held them."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
"""A full or broken disk: it concerns everybody's work, not one submission's."""

_RUN = "ugrade-"  # short: the paths of sockets have a hundred letters
_OWNER = "owner"
_FORGOTTEN_SECONDS = 600.0


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace the content of ``path``; a crash or a full disk leaves the old content.

    What an earlier, killed writer of the same path left beside it is removed.

    Raises:
        OSError: it names ``path``.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep_beside(path)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_beside(path, os.getpid()))
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)  # a temporary file is private; what replaces it is not
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _beside(path: Path, process: int | str) -> str:
    return f".{path.name}.{socket.gethostname()}.{process}."


def _sweep_beside(path: Path) -> None:
    for left in path.parent.glob(_beside(path, "*") + "*"):
        process = left.name.removeprefix(_beside(path, "")[:-1]).split(".")[0]
        if process.isdigit() and not _runs(int(process)):
            left.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether what the lock file ``path`` stands for is ours until the block ends.

    It is not while another process has it. However that one ends, its claim ends with it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        yield _locked(file.fileno())


def _locked(descriptor: int) -> bool:
    if sys.platform == "win32":  # two graders at once are not kept apart there
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def temporary_files_of_one_run() -> Iterator[Path]:
    """A folder for every temporary file of this process, and an end to what killed runs left.

    A run that was killed removes nothing; the next one finds its folder without an owner.
    """
    _sweep_runs(Path(tempfile.gettempdir()))
    before = tempfile.tempdir
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_RUN))
        with (folder / _OWNER).open("w") as owner:
            _locked(owner.fileno())
            if not (folder / _OWNER).exists():
                continue  # taken for a forgotten one, just before it had its lock
            tempfile.tempdir = str(folder)
            try:
                yield folder
                return
            finally:
                tempfile.tempdir = before
                shutil.rmtree(folder, ignore_errors=True)


def _sweep_runs(directory: Path) -> None:
    if sys.platform == "win32":
        return
    for folder in directory.glob(f"{_RUN}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            if _has_no_owner(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _has_no_owner(folder: Path) -> bool:
    try:
        with (folder / _OWNER).open("r+") as owner:
            return _locked(owner.fileno())
    except FileNotFoundError:  # being made at this moment, or half removed
        return time.time() - folder.stat().st_mtime > _FORGOTTEN_SECONDS
