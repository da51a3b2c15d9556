"""``course lab``: JupyterLab on the student's own copy of the notebooks.

Students work in ``work/``, which git ignores. What the course releases is copied there once. A corrected
release replaces a copy in which nothing was written; beside any other it is laid under a new name, with the
student's answers in it, and the student's own file stays as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import nbformat

from autograder.build import as_bytes
from autograder.course import Course
from autograder.exercises import assignments
from autograder.files import write_atomically
from autograder.overview import INDEX, chapters, index
from autograder.progress import FILE, FOLDER, load
from autograder.rebuild import Unreadable, read_submission, rebuild

# The instructor's tools of nbgrader have no business in a student's own JupyterLab.
_TOOLS = ("menu", "formgrader", "course-list", "assignment-list", "create-assignment")
_SERVER_SIDE_OFF = {
    f"nbgrader.server_extensions.{name}": False
    for name in ("formgrader", "course_list", "assignment_list")
}
# The kernels that submissions are graded in are of no use to a student: Python's own is offered only.
_OWN_KERNEL = "--KernelSpecManager.allowed_kernelspecs=python3"
_NOTHING_FROM_OUTSIDE = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)


@dataclass(frozen=True, slots=True)
class Copy:
    """The student's copy of one notebook."""

    release: Path
    path: Path

    @property
    def corrected(self) -> Path:
        """Where a corrected release is laid when the copy has answers in it."""
        return self.path.with_name(f"{self.path.stem}.corrected.ipynb")


def update_work(course: Course) -> list[str]:
    """Make or update ``work/``; returns a sentence on each thing done."""
    work = course.root / "work"
    (work / FOLDER).mkdir(parents=True, exist_ok=True)
    record = work / FOLDER / "given.json"
    given = _read(record)
    said: list[str] = []
    for name in course.assignments:
        copy = Copy(course.release(name), work / name / f"{name}.ipynb")
        digest = sha256(copy.release.read_bytes()).hexdigest()
        if copy.path.exists() and given.get(name) == digest:
            continue
        said += _give(copy, known=name in given)
        given[name] = digest
    write_atomically(record, json.dumps(given, indent=1))
    page = index(chapters(course), load(work / FOLDER / FILE))
    write_atomically(work / INDEX, as_bytes(page).decode("utf-8"))
    return said


def _read(record: Path) -> dict[str, str]:
    try:
        given = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return given if isinstance(given, dict) else {}


def _give(copy: Copy, *, known: bool) -> Iterator[str]:
    """Lay one release where it disturbs nothing that the student wrote."""
    name = copy.path.stem
    if not copy.path.exists():
        copy.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(copy.release, copy.path)
        if known:
            yield f"{name} was missing from work/ and is there again, as it was released"
        return
    release = nbformat.read(copy.release, as_version=4)
    try:
        merged = rebuild(release, read_submission(copy.path), for_student=True)
    except Unreadable as problem:
        shutil.copy(copy.release, copy.corrected)
        yield f"{name} in work/ cannot be read ({problem}); a new copy is {copy.corrected.name}"
        return
    if not merged.answered and not merged.extras:
        shutil.copy(copy.release, copy.path)
        yield f"{name} was corrected; you had written nothing in it, so it was replaced"
        return
    write_atomically(copy.corrected, as_bytes(merged.notebook).decode("utf-8"))
    yield (
        f"{name} was corrected. Your own is untouched; {copy.corrected.name} beside it is the "
        "corrected one with your answers in it"
    )


def where_to_go_on(course: Course) -> str:
    """The first notebook with an exercise that is not solved yet; the index before and after all."""
    solved = load(course.root / "work" / FOLDER / FILE)
    for name in course.assignments if solved else ():
        if not all(solved.get(item.id, {}).get("passed") for item in assignments()[name]):
            return f"{name}/{name}.ipynb"
    return INDEX


def _configure_lab(folder: Path) -> None:
    """Have JupyterLab read the course's settings, after the student's own."""
    page = {"disabledExtensions": {f"@jupyter/nbgrader:{name}": True for name in _TOOLS}}
    settings = {
        "@jupyterlab/apputils-extension:notification": {
            "fetchNews": "false",
            "checkForUpdates": False,
        }
    }
    for name, content in (("page_config", page), ("default_setting_overrides", settings)):
        write_atomically(folder / "labconfig" / f"{name}.json", json.dumps(content, indent=1))
    others = os.environ.get("JUPYTER_CONFIG_PATH", "")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [str(folder), others]))


def run_lab(course: Course, options: argparse.Namespace) -> int:
    """Prepare ``work/`` and start JupyterLab on the first notebook that is not solved."""
    for sentence in update_work(course):
        print(f"* {sentence}")
    if options.prepare:
        print(f"your copy of the course: {course.root / 'work'}")
        return 0
    first = where_to_go_on(course)
    arguments = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={course.root / 'work'}",
        f"--LabApp.default_url=/lab/tree/{first}",
    ]
    if not any(word.startswith(("--port", "--ServerApp.port")) for word in options.jupyter):
        arguments.append(f"--port={options.port}")
    arguments += [f"--ServerApp.jpserver_extensions={_SERVER_SIDE_OFF}", _OWN_KERNEL]
    arguments += _NOTHING_FROM_OUTSIDE
    own = course.root / "work" / FOLDER / "jupyter"
    _configure_lab(own)
    arguments.append(f"--LabApp.workspaces_dir={own / 'workspaces'}")  # what was open, and where
    if options.no_browser:
        arguments.append("--no-browser")
    arguments += options.jupyter
    sys.stdout.flush()
    os.chdir(course.root / "work")
    os.execv(sys.executable, arguments)
