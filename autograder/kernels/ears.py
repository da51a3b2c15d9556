"""What a notebook reaches for, told to the supervisor the moment it happens.

Confinement does not need this: what is reached for is not there. An instructor may want to know of it.

Python tells an *audit hook* of many things before they happen: opening a file, looking at a frame,
starting a process. The hook that is set here, before any cell runs, picks out what the notebook's own
code does and no honest exercise needs. Whenever IPython is about to run something, it also looks at the
machinery itself: was a function of NumPy, IPython or the judge replaced by one of the notebook's?

What is noticed leaves by a system call of no use (`REPORT_CALL`) that the second seccomp filter hands to the
supervisor, with the sentence in its arguments. So there is no descriptor to close and no record to
clean: what has been told cannot be taken back. A notebook can tell tales, but only about itself, and with
native code it could switch the hook off, but not before its reaching for native code was told. That
nothing was noticed proves nothing.
"""

from __future__ import annotations

import ctypes
import functools
import os
import socket
import sys
import sysconfig
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from . import filesystem

REPORT_CALL = 400
"""A number that means nothing to Linux: 335 to 423 were left out when tables were unified."""

KINDS = ("machinery", "files", "modules", "programs", "network")
_LONGEST = 160
_REPORTS = 20
_WORDS, _WORD = 5, 8  # a sentence travels in the last five registers of each call

_FRAME_ATTRIBUTES = frozenset({"tb_frame", "gi_frame", "cr_frame", "ag_frame"})
_PROGRAMS = frozenset(
    {"os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.exec", "subprocess.Popen"}
)
_DIRECTORIES = frozenset({"os.listdir", "os.scandir"})
_CHANGES = frozenset(
    {
        *("os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"),
        *("os.symlink", "os.truncate", "os.utime"),
    }
)
_NATIVE = frozenset(
    {
        *("ctypes.dlopen", "ctypes.dlsym", "ctypes.dlsym/handle", "ctypes.cdata"),
        *("ctypes.cdata/buffer", "ctypes.string_at", "ctypes.wstring_at", "ctypes.PyObj_FromPtr"),
    }
)
_BY_HAND = {
    "sys._getframe": "looked at its callers' frames",
    "sys._current_frames": "looked at its callers' frames",
    "sys._current_exceptions": "looked at its callers' frames",
    "sys.settrace": "set a trace function",
    "sys.setprofile": "set a profile function",
    "sys.addaudithook": "set an audit hook",
    "gc.get_objects": "searched memory through the garbage collector",
    "gc.get_referrers": "searched memory through the garbage collector",
    "gc.get_referents": "searched memory through the garbage collector",
}
"""Libraries do all of these for good reasons; what counts is that a cell does."""

_HEARD = frozenset(
    {
        *_BY_HAND,
        *_NATIVE,
        *_PROGRAMS,
        *_DIRECTORIES,
        *_CHANGES,
        *("open", "sqlite3.connect", "import", "exec", "os.kill", "os.killpg", "socket.__new__"),
        *("object.__getattr__", "object.__setattr__"),
    }
)

_LOOKED_AT = (
    *(
        "builtins",
        "sys",
        "json",
        "base64",
        "numpy",
        "numpy.testing",
        "IPython",
        "course_lib",
        "autograder",
    ),
    *("autograder.values", "autograder.probes", "autograder.probes.calls"),
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Ears:
    """What the hook remembers of how things were, and what it does when something happens."""

    def __init__(self, shell: Any, cwd: str) -> None:
        standard = sysconfig.get_paths()
        self._library = (standard["stdlib"], standard["platstdlib"], "<frozen")
        self._packages = (standard["purelib"], standard["platlib"])
        self._root = __file__.rsplit("/autograder/", 1)[0]
        self._course = (f"{self._root}/autograder", f"{self._root}/course_lib")
        self._installed = (
            *(*self._library, *self._packages, *self._course),
            *(sys.prefix, sys.base_prefix, sys.exec_prefix),
        )
        readers = ("numpy", "nbformat", "pandas", "IPython/core/interactiveshell.py")
        self._readers = tuple(f"{site}/{name}" for site in self._packages for name in readers)
        self._cwd = cwd
        self._scratch = (cwd, *filesystem.SCRATCH_MOUNTS.values(), "/dev")
        self._shell = shell
        self._busy: set[int] = set()
        self._told: set[tuple[str, str]] = set()
        self._modules: dict[str, types.ModuleType] = {}
        self._names: list[tuple[str, Mapping[str, Any], dict[str, Any]]] = []
        for label, thing in self._machines():
            self._remember(label, vars(thing))
            for kind in type(thing).__mro__[:-1]:
                self._remember(label, vars(kind))
        self._remember_modules()

    def hook(self) -> Callable[[str, tuple[Any, ...]], None]:
        """Python's audit hook; whatever happens in it, the notebook runs on."""
        busy, hear, me, caller = self._busy, self._hear, threading.get_ident, sys._getframe

        def hear_of(event: str, arguments: tuple[Any, ...]) -> None:
            if event not in _HEARD:
                return
            thread = me()
            if thread in busy:
                return
            busy.add(thread)
            try:
                hear(event, arguments, caller(1))
            except Exception:
                pass
            finally:
                busy.discard(thread)

        return hear_of

    # -- what happens

    def _hear(self, event: str, arguments: tuple[Any, ...], frame: types.FrameType) -> None:
        by = frame.f_code.co_filename
        if event == "exec":
            if by.endswith("IPython/core/interactiveshell.py"):
                self._look()
        elif event in _BY_HAND:
            if self._is_own(by) or by.endswith("/inspect.py"):
                self._tell_if_own(frame, "machinery", _BY_HAND[event])
        elif event in ("object.__getattr__", "object.__setattr__"):
            if self._is_own(by):
                self._attribute(event, arguments)
        elif event == "import":
            self._import(str(arguments[0]), frame)
        elif event in _NATIVE:
            self._tell_if_own(frame, "machinery", "reached for native code")
        elif event in _PROGRAMS:
            started = (
                os.fsdecode(arguments[0]) if arguments and arguments[0] else "a copy of itself"
            )
            self._tell_if_own(frame, "programs", f"started {started}")
        elif event == "socket.__new__":
            if arguments[1] == socket.AF_UNIX:  # of other families the supervisor hears by itself
                self._tell_if_own(frame, "network", "asked for a socket (unix)")
        elif event in ("os.kill", "os.killpg"):
            self._tell_if_own(frame, "machinery", f"sent signal {arguments[1]} to a process")
        elif event == "open":
            self._file(frame, arguments[0], writes=bool((arguments[2] or 0) & _WRITES))
        elif event in _DIRECTORIES or event == "sqlite3.connect":
            self._file(frame, arguments[0], writes=False)
        else:
            self._file(frame, arguments[0], writes=True)

    def _attribute(self, event: str, arguments: tuple[Any, ...]) -> None:
        thing, name = arguments[0], arguments[1]
        if event == "object.__getattr__" and name in _FRAME_ATTRIBUTES:
            self._tell("machinery", "looked at its callers' frames")
        elif event == "object.__setattr__" and name == "__code__" and not self._belongs(thing):
            self._tell("machinery", f"replaced the code of {getattr(thing, '__name__', thing)}")

    def _import(self, name: str, frame: types.FrameType) -> None:
        first, *rest = name.split(".")
        if first in ("autograder", "course_lib") and rest:
            path = "/".join((self._root, first, *rest))
            if not os.path.exists(path) and not os.path.exists(path + ".py"):
                said = f"asked for {name}, which is not there while grading"
                self._tell_if_own(frame, "modules", said, *self._course)

    def _file(self, frame: types.FrameType, path: Any, *, writes: bool) -> None:
        imported = frame.f_code.co_filename.startswith("<frozen importlib")
        if isinstance(path, int) or path is None or imported:
            return
        written = os.fsdecode(path).removeprefix("file:").partition("?")[0]
        full = os.path.normpath(os.path.join(self._cwd, written))
        if self._is_scratch(full, relative=not os.path.isabs(written)):
            return
        if writes:
            self._tell_if_own(frame, "files", f"wanted to write {full}", *self._readers)
        elif not os.path.lexists(full):
            said = f"asked for {full}, which is not there while grading"
            self._tell_if_own(frame, "files", said, *self._readers)

    def _is_scratch(self, path: str, *, relative: bool) -> bool:
        """Whether a file may well be the notebook's own, or one that it expected beside itself."""
        if _below(path, [self._cwd]):
            return True
        if relative or not _below(path, self._scratch) or _below(path, [self._root]):
            return False
        return os.path.isdir(os.path.dirname(path))  # /tmp/x is its own, /tmp/course/x is not

    # -- how things are

    def _look(self) -> None:
        """Whether the notebook has put something of its own into the machinery."""
        self._remember_modules()
        for name, module in self._modules.items():
            if sys.modules.get(name) is not module:
                self._tell("modules", f"put another module in the place of {name}")
        for label, names, before in self._names:
            for key, value in list(names.items()):
                if value is before.get(key) or not (callable(value) and self._belongs(value)):
                    continue
                if not key.startswith(("_", "last_")) or key.startswith("__"):
                    self._tell("machinery", f"replaced {key} of {label}")
        for label, things in self._hooks():
            if any(self._belongs(thing) for thing in list(things)):
                self._tell("machinery", f"put something of its own into {label}")
        numpy = self._modules.get("numpy")
        if numpy is not None and dict.get(self._shell.user_ns, "np", numpy) is not numpy:
            self._tell("machinery", "gave the name np to something else than NumPy")
        for thread in threading.enumerate():
            if self._belongs(getattr(thread, "_target", None)) or self._belongs(thread):
                self._tell("machinery", "left a thread running")

    def _remember_modules(self) -> None:
        for name in _LOOKED_AT:
            module = sys.modules.get(name)
            if module is None or name in self._modules:
                continue
            made_here = getattr(module, "__spec__", None) is None
            if not isinstance(module, types.ModuleType) or made_here:
                self._tell("modules", f"put something else in the place of {name}")
                continue
            path = str(getattr(module, "__file__", ""))
            if self._is_own(path) and _below(path, self._scratch):
                self._tell("modules", f"put its own {name} where it is looked for")
            self._modules[name] = module
            self._remember(name, vars(module))

    def _remember(self, label: str, names: Mapping[str, Any]) -> None:
        """How names are when they are first seen; what is the notebook's own counts as new."""
        before = {key: value for key, value in names.items() if not self._belongs(value)}
        self._names.append((label, names, before))

    def _machines(self) -> Iterator[tuple[str, Any]]:
        shell, kernel = self._shell, self._shell.kernel
        yield "the shell", shell
        yield "the kernel", kernel
        yield "the kernel's messages", kernel.session
        yield "the kernel's messages", kernel.iopub_socket
        yield "what displays results", shell.displayhook
        yield "what displays results", shell.display_pub

    def _hooks(self) -> Iterator[tuple[str, Iterable[Any]]]:
        shell = self._shell
        manager = shell.input_transformer_manager
        yield "IPython's syntax tree transformers", shell.ast_transformers
        for transformers in (
            shell.input_transformers_post,
            manager.cleanup_transforms,
            manager.line_transforms,
            manager.token_transformers,
        ):
            yield "IPython's input transformers", transformers
        for event, callbacks in shell.events.callbacks.items():
            yield f"IPython's event {event}", callbacks
        if shell.custom_exceptions:
            yield "IPython's exceptions", (shell.CustomTB,)
        for formatter in shell.display_formatter.formatters.values():
            yield "IPython's formatters", formatter.type_printers.values()
            yield "IPython's formatters", formatter.deferred_printers.values()
        yield "the notebook's names", (shell.user_ns,)
        yield "Python's import system", (*sys.meta_path, *sys.path_hooks)
        yield "Python's display", (sys.displayhook, sys.excepthook)

    # -- whose it is

    def _is_own(self, filename: str) -> bool:
        return not filename.startswith(self._installed)

    def _belongs(self, thing: Any) -> bool:
        """Whether a function, class or object was made by the notebook's own code."""
        while isinstance(thing, functools.partial | types.MethodType):
            thing = thing.func if isinstance(thing, functools.partial) else thing.__func__
        if isinstance(thing, types.FunctionType):
            return self._is_own(thing.__code__.co_filename) and thing.__module__ == "__main__"
        kind = thing if isinstance(thing, type) else type(thing)
        return type.__getattribute__(kind, "__module__") == "__main__"

    def _tell_if_own(self, frame: types.FrameType, kind: str, detail: str, *through: str) -> None:
        """Tell when the nearest caller that is no library is a cell."""
        at: types.FrameType | None = frame
        while at is not None:
            filename = at.f_code.co_filename
            if self._is_own(filename):
                self._tell(kind, detail)
                return
            in_library = filename.startswith(self._library)
            if not in_library or filename.startswith(self._packages):
                passes = through and filename.startswith(through)
                if not passes:
                    return
            at = at.f_back

    def _tell(self, kind: str, detail: str) -> None:
        if (kind, detail) not in self._told and len(self._told) < _REPORTS:
            self._told.add((kind, detail))
            report(kind, detail)


def listen(shell: Any, cwd: str) -> None:
    """From now on, for as long as this process lives."""
    sys.addaudithook(Ears(shell, cwd).hook())


def _below(path: str, directories: Iterable[str]) -> bool:
    return any(path == top or path.startswith(top + "/") for top in directories)


_libc = ctypes.CDLL(None, use_errno=True)


def report(kind: str, detail: str) -> None:
    """Tell the supervisor, in as many calls as the sentence needs."""
    text = detail.encode("ascii", "replace")[:_LONGEST]
    step = _WORDS * _WORD
    pieces = [text[start : start + step] for start in range(0, len(text), step)]
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        words = piece.ljust(step, b"\0")
        _libc.syscall(
            ctypes.c_long(REPORT_CALL),
            ctypes.c_long(KINDS.index(kind) << 1 | last),
            *(
                ctypes.c_ulong(int.from_bytes(words[at : at + _WORD], "little"))
                for at in range(0, step, _WORD)
            ),
        )


class Hearsay:
    """The supervisor's side: puts sentences together, and believes nothing about them."""

    def __init__(self) -> None:
        self._parts: dict[int, bytes] = {}
        self._heard: set[tuple[str, str]] = set()

    def hear(self, thread: int, words: Iterable[int]) -> tuple[str, str] | None:
        """One call of one thread; the kind and the sentence when it was the last of one.

        >>> first, *rest = 1, int.from_bytes(b"peeked", "little"), 0, 0, 0, 0
        >>> Hearsay().hear(7, [first, *rest])
        ('machinery', 'peeked')
        """
        mark, *text = words
        number, last = (mark & 0xFF) >> 1, mark & 1
        if number >= len(KINDS) or len(self._heard) >= _REPORTS:
            return None
        piece = b"".join(word.to_bytes(_WORD, "little") for word in text)
        whole = self._parts.pop(thread, b"") + piece
        if not last and len(whole) < _LONGEST and len(self._parts) < _REPORTS:
            self._parts[thread] = whole
            return None
        read = whole[:_LONGEST].rstrip(b"\0").decode("ascii", "replace")
        said = "".join(
            letter if letter.isascii() and letter.isprintable() else "?" for letter in read
        )
        self._heard.add((KINDS[number], said))
        return KINDS[number], said
