"""Each version of a notebook is executed once in a run of the tests; every proof reads that run.

The solved version is executed by nbval (``pytest --nbval solutions``), the unsolved one here. Both are then
handed in to stock ``nbgrader autograde``, which judges them without their demo cells.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbformat import NotebookNode

from autograder.course import Course
from autograder.local_kernel import local_manager

COURSE = Course(Path(__file__).parents[2])
NAMES = COURSE.assignments


@dataclass(frozen=True)
class Execution:
    """A notebook after it ran, and the processor time of its kernel: a busy machine changes no verdict."""

    notebook: NotebookNode
    seconds: float


@cache
def execute(path: Path) -> Execution:
    notebook = nbformat.read(path, as_version=4)
    used: list[float] = []
    with local_manager("python3") as manager:

        def note(**_: object) -> None:
            times = psutil.Process(manager.provisioner.pid).cpu_times()
            used.append(times.user + times.system)

        client = NotebookClient(notebook, km=manager, timeout=120, allow_errors=True)
        client.on_cell_complete = note
        client.execute()
    return Execution(notebook, used[-1])


@dataclass(frozen=True)
class StockCourse:
    """A copy of the course in which stock nbgrader commands have graded two students."""

    root: Path
    log: str

    @property
    def url(self) -> str:
        return f"sqlite:///{self.root / 'gradebook.db'}"


def stock(root: Path, *arguments: str) -> str:
    """Run one of nbgrader's own commands and return what it said."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("nbgrader")), *arguments],
        cwd=root,
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(root / ".jupyter")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"nbgrader {arguments}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr
