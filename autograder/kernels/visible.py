"""Which files a kernel sees: decided here as plain paths, carried out by `filesystem.py`.

The rule is *the closest name wins*: a path is visible if, among everything that was named visible
or hidden, the nearest to it (itself or a parent) was named visible. A directory with something
hidden inside is never shown whole and then covered: it is taken apart, and what is hidden is left
out, so that nothing is ever there to be uncovered.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives",
    "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/nix/store",
)  # fmt: skip

COURSE_FILES = (
    "course_lib", "autograder/__init__.py", "autograder/probes", "autograder/values.py",
)  # fmt: skip
"""What of this repository a kernel may read: the library, and what runs beside an answer.

No exercises, no solutions, no tests, no gradebook.
"""

PACKAGES = ("autograder", "course_lib")
SITE_DIRECTORIES = ("site-packages", "dist-packages")


def course_root() -> Path:
    """The directory that holds the packages: a checkout, or site-packages."""
    return Path(__file__).resolve().parents[2]


def environment() -> tuple[list[str], list[str]]:
    """The running Python's files and the course's: what is visible, and what is hidden in it."""
    root = course_root()
    visible = [*SYSTEM, sys.prefix, sys.base_prefix, sys.exec_prefix]
    others = [*_other_courses(root)]
    visible += [
        entry
        for entry in sys.path
        if entry
        and not _is_course(entry, root)
        and (Path(entry) not in others or Path(entry).name in SITE_DIRECTORIES)
    ]
    visible += [str(root / file) for file in COURSE_FILES]
    hidden = [str(root / "autograder")]
    hidden += [str(other / name) for other in others for name in PACKAGES]
    # Where an administrator's nbgrader_config.py may lie, with the gradebook's address.
    hidden += [str(Path(prefix, "etc", "jupyter")) for prefix in (sys.prefix, sys.base_prefix)]
    if root.name not in SITE_DIRECTORIES:
        hidden.append(str(root))
    return visible, hidden


def _other_courses(root: Path) -> Iterator[Path]:
    """Where else on the path the course's packages lie: an older release is graded beside a newer one."""
    for entry in map(Path, filter(None, sys.path)):
        if entry.resolve() != root and (entry / PACKAGES[0] / "exercises").is_dir():
            yield entry


def _is_course(entry: str, root: Path) -> bool:
    """A checkout on the path: only what is named of it may be seen."""
    resolved = Path(entry).resolve()
    outside = not resolved.is_relative_to(root) or resolved.is_relative_to(
        Path(sys.prefix).resolve()
    )
    return not outside and root.name not in SITE_DIRECTORIES


def module_paths(patterns: Iterable[str]) -> list[str]:
    """The files in site-packages whose names match: a package, its metadata, its libraries."""
    patterns = tuple(patterns)
    if not patterns:
        return []
    return [
        str(entry)
        for directory in sys.path
        if Path(directory).name in SITE_DIRECTORIES and Path(directory).is_dir()
        for entry in Path(directory).iterdir()
        if any(fnmatch(entry.name, pattern) for pattern in patterns)
    ]


def plan(visible: Iterable[str], hidden: Iterable[str]) -> list[str]:
    """The paths to show, parents before children: each whole, or a link to be made anew.

    Names that do not exist are left out. A link is listed under its own name, and what it points
    to must be visible by itself.

    >>> plan(["/usr", "/usr/bin", "/no/such/thing"], ["/etc"])
    ['/usr']
    """
    shown: set[str] = set()
    walls = {_resolved_parent(path) for path in hidden} | {os.path.realpath(h) for h in hidden}
    named = {_resolved_parent(path): path for path in visible}
    for path in named:
        if os.path.lexists(path) and path not in walls:
            shown.update(_without(path, walls))
    for path, written in named.items():
        # The way it was written may lead through a link (/home -> /usr/home): programs use both.
        if path in shown and os.path.isabs(written):
            shown.update(_links_on_the_way(os.path.normpath(written), walls))
    covered = [path for path in shown if not os.path.islink(path)]
    return sorted(path for path in shown if not _lies_below(path, covered))


def _resolved_parent(path: str) -> str:
    """The absolute path with links followed, except a link at its very end."""
    path = os.path.abspath(path)
    return (
        os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)).rstrip("/")
        or "/"
    )


def _without(path: str, walls: set[str]) -> Iterator[str]:
    """The path if nothing hidden is inside, else those of its children that may be shown."""
    inside = {wall for wall in walls if wall.startswith(path.rstrip("/") + "/")}
    if not inside or os.path.islink(path) or not os.path.isdir(path):
        yield path
        return
    for name in os.listdir(path):
        child = os.path.join(path, name)
        # Compiled files give a hidden source away.
        if child not in inside and name != "__pycache__":
            yield from _without(child, inside)


def _links_on_the_way(path: str, walls: set[str]) -> Iterator[str]:
    for parent in Path(path).parents:
        if parent.is_symlink() and str(parent) not in walls:
            yield _resolved_parent(str(parent))


def _lies_below(path: str, others: list[str]) -> bool:
    return any(path.startswith(other.rstrip("/") + "/") for other in others if other != path)
