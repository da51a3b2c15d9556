"""``course build``: solutions' sources become executed solutions, and these become the release.

    solutions/NN/NN.py --jupytext, metadata--> NN.ipynb --execute--> outputs --nbgrader--> notebooks/NN/

A source marks a solution cell ``# %% exercise="<id>"`` and its check ``# %% check="<id>"``; all of
nbgrader's metadata, points included, derives from that and from the exercise's definition. The same
sources give the same bytes: cell ids derive from the exercise or the position, and nothing that varies
with the machine or the hour is kept.
"""

from __future__ import annotations

import contextlib
import io
import logging
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.course import Course, CourseError
from autograder.exercises import assignments, find
from autograder.files import write_atomically
from autograder.local_kernel import local_manager
from autograder.overview import INDEX, chapters, index

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CELL_TIMEOUT = 300
TAGS_KEPT = {"demo", "raises-exception", "nbval-ignore-output", "nbval-skip"}


class BuildError(CourseError):
    """A source cannot become a notebook; the message says which cell and why."""


def from_source(course: Course, name: str) -> NotebookNode:
    """The solution notebook without outputs, with every cell's id and metadata.

    Raises:
        BuildError: for a source that is missing, or an exercise without its cells.
    """
    import jupytext

    path = course.source(name)
    if not path.is_file():
        raise BuildError(f"{path} does not exist: write the notebook's source there first")
    notebook = jupytext.read(path, fmt="py:percent")
    notebook.metadata = _notebook_metadata()
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for position, cell in enumerate(notebook.cells):
        _decorate(cell, position, path)
    _check_exercises(notebook, name, path)
    return notebook


def _decorate(cell: NotebookNode, position: int, path: Path) -> None:
    """Give a cell its id, its tags and nbgrader's metadata; drop what jupytext noted for itself."""
    exercise, check = cell.metadata.get("exercise"), cell.metadata.get("check")
    tags = [tag for tag in cell.metadata.get("tags", []) if tag]
    unknown = set(tags) - TAGS_KEPT
    if unknown:
        raise BuildError(f"{path}: cell {position} has unknown tags {sorted(unknown)}")
    cell.metadata = NotebookNode()
    if cell.cell_type != "code":
        cell.id = f"text-{position}"
        return
    cell.id = f"code-{position}"
    cell.outputs, cell.execution_count = [], None
    if exercise:
        cell.id = str(exercise)
        cell.metadata.nbgrader = _marks(str(exercise), solution=True)
        tags.append("raises-exception")  # unsolved, a value's cell raises NotImplementedError
    elif check:
        cell.id = f"check-{check}"
        cell.metadata.nbgrader = _marks(cell.id, points=find(str(check)).points)
        tags.append("raises-exception")  # an unsolved notebook must run to its end
        if cell.source.strip() != f'check("{check}", {check})':
            raise BuildError(f'{path}: the cell of {check!r} must hold check("{check}", {check})')
    if tags:
        cell.metadata.tags = sorted(set(tags))


def _marks(grade_id: str, *, solution: bool = False, points: float | None = None) -> NotebookNode:
    """nbgrader's metadata for a solution cell or, with points, for a test cell."""
    marks = {
        "grade": points is not None,
        "grade_id": grade_id,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        marks["points"] = points
    return NotebookNode(marks)


def _check_exercises(notebook: NotebookNode, name: str, path: Path) -> None:
    """Each exercise of the notebook has one solution cell, and its check below it, in order."""
    wanted = [item.id for item in assignments().get(name, ())]
    if not wanted:
        raise BuildError(f"{path}: autograder/exercises has no module for {name!r}")
    graded = [
        cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata
    ]
    expected = [grade_id for item in wanted for grade_id in (item, f"check-{item}")]
    if graded != expected:
        raise BuildError(
            f"{path}: exercise and check cells are {graded}; the definitions ask for {expected}"
        )


def execute(notebook: NotebookNode, name: str) -> NotebookNode:
    """Run every cell in a new kernel, in an empty folder, and keep the outputs.

    Raises:
        BuildError: when a cell fails, or writes to stderr (nbgrader takes that for failure).
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    with local_manager(KERNEL["name"]) as manager, tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            km=manager,
            timeout=CELL_TIMEOUT,
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute()
        except CellExecutionError as failure:
            raise BuildError(f"a cell of {name} failed:\n{failure}") from None
    notebook.metadata = _notebook_metadata()  # without the version of the Python that ran it
    for cell in notebook.cells:
        if cell.cell_type == "code":
            _tidy_outputs(cell, name)
    return notebook


def _notebook_metadata() -> NotebookNode:
    return NotebookNode({"kernelspec": dict(KERNEL), "language_info": {"name": "python"}})


def _tidy_outputs(cell: NotebookNode, name: str) -> None:
    tidy: list[NotebookNode] = []
    for output in cell.outputs:
        output.pop("transient", None)
        if output.output_type == "stream" and output.name == "stderr":
            raise BuildError(f"{name}: cell {cell.id} writes to stderr:\n{output.text}")
        if output.output_type == "error":
            raise BuildError(f"{name}: cell {cell.id} fails: {output.ename}: {output.evalue}")
        last = tidy[-1] if tidy else None
        if last and output.output_type == "stream" and last.output_type == "stream":
            last.text += output.text  # how a stream is cut into pieces depends on the hour
        else:
            tidy.append(output)
    cell.outputs = tidy
    cell.metadata.pop("execution", None)


def as_bytes(notebook: NotebookNode) -> bytes:
    """The notebook as it is written to disk."""
    nbformat.validate(notebook)
    return (nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n").encode("utf-8")


def release_bytes(course: Course, name: str) -> bytes:
    """What stock ``nbgrader generate_assignment`` makes of a committed solution.

    It runs in a copy of the course with a gradebook of its own, so that no grade is touched.
    """
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    with tempfile.TemporaryDirectory(prefix="course-build-") as scratch:
        root = Path(scratch).resolve()
        (root / "solutions" / name).mkdir(parents=True)
        shutil.copy(course.solution(name), root / "solutions" / name)
        config = course.nbgrader_config()
        config.CourseDirectory.root = str(root)
        with quiet_nbgrader() as log:
            api = NbGraderAPI(CourseDirectory(config=config), config=config)
            outcome = api.generate_assignment(name)
        if not outcome["success"]:
            raise BuildError(f"nbgrader could not release {name}:\n{log.getvalue()}")
        return (root / "notebooks" / name / f"{name}.ipynb").read_bytes()


@contextlib.contextmanager
def quiet_nbgrader() -> Any:
    """Collect what nbgrader logs, instead of printing it."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    # Its commands speak through the first, its gradebook through the second.
    loggers = [logging.getLogger(name) for name in ("traitlets", "tornado.application")]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.propagate = False
        logger.addHandler(handler)
    try:
        yield log
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.propagate = propagate


def select(course: Course, wanted: Iterable[str]) -> list[str]:
    """The notebooks that ``NN`` or full names stand for; all of them when none is given.

    Raises:
        CourseError: for a name that stands for none.
    """
    known = sorted(path.parent.name for path in course.solutions.glob("*/*.py"))
    chosen = []
    for word in wanted:
        matches = [name for name in known if name == word or name.split("_")[0] == word.zfill(2)]
        if not matches:
            raise CourseError(f"there is no notebook {word!r}; there are: {', '.join(known)}")
        chosen += matches
    return chosen or known


def build(course: Course, name: str) -> None:
    """Build one notebook: execute the solution, write it, release it."""
    notebook = execute(from_source(course, name), name)
    write_atomically(course.solution(name), as_bytes(notebook).decode("utf-8"))
    write_atomically(course.release(name), release_bytes(course, name).decode("utf-8"))


def index_bytes(course: Course, names: Sequence[str] = ()) -> bytes:
    """The page that lists all notebooks, or those of the ``names``, with nothing solved yet."""
    return as_bytes(index(chapters(course, names or course.released), {}))


def build_index(course: Course) -> None:
    """Write the page that lists all notebooks."""
    write_atomically(course.notebooks / INDEX, index_bytes(course).decode("utf-8"))


def stale(course: Course, name: str) -> list[str]:
    """What ``course build --check`` finds wrong with one notebook, without executing it."""
    problems = []
    fresh = from_source(course, name)
    if not course.solution(name).is_file():
        return [f"{name}: the solution notebook was never built"]
    built = nbformat.read(course.solution(name), as_version=4)
    executed = [cell for cell in built.cells if cell.cell_type == "code"]
    if any(cell.execution_count is None for cell in executed):
        problems.append(f"{name}: the solution was not executed to its end")
    for cell in executed:
        cell.outputs, cell.execution_count = [], None
    if as_bytes(built) != as_bytes(fresh):
        problems.append(f"{name}: the solution notebook is older than its source")
    released = course.release(name)
    if not released.is_file() or released.read_bytes() != release_bytes(course, name):
        problems.append(f"{name}: the released notebook is not what nbgrader makes of the solution")
    return problems
