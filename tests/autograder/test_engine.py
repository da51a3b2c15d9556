"""What a grading kernel may see holds no answer to what is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

import course_lib
from autograder.course import Course
from autograder.engine import ALWAYS_SHOWN, Engine
from autograder.exercises import assignments, needs_tensorflow, shown
from autograder.limits import Limits
from autograder.running import Run, run_submission
from autograder.submission import Assignment

COURSE = Course(Path(__file__).parents[2])
NUMPY_ONLY = [name for name in sorted(assignments()) if not needs_tensorflow(name)]


@pytest.mark.parametrize("name", sorted(assignments()))
def test_no_answer_of_an_assignment_lies_in_a_file_that_its_kernels_see(name: str) -> None:
    library = Path(str(course_lib.__file__)).parent
    for exercise in assignments()[name]:
        for shown_path in (*ALWAYS_SHOWN, *shown(name)):
            path = library / shown_path
            for file in path.rglob("*.py") if path.is_dir() else [path]:
                source = file.read_text(encoding="utf-8")
                assert f"\ndef {exercise.id}(" not in source, f"{file} answers {exercise.id}"


def test_a_confined_kernel_is_told_what_to_hide_and_an_ordinary_one_nothing() -> None:
    assert Engine().environment((), Limits()) == {}
    told = Engine("any", confined=True).environment(("tasks.py",), Limits(memory_mb=77))
    (options,) = told.values()
    assert '"hidden"' in options
    assert "tasks.py" in options
    assert '"memory_mb": 77' in options


def test_where_tensorflow_is_needed_something_that_its_kernels_see_speaks_of_it() -> None:
    assert "04_backprop_through_time" in NUMPY_ONLY
    assert "01_unrolling_by_hand" not in NUMPY_ONLY
    library = Path(str(course_lib.__file__)).parent
    for name in sorted(set(assignments()) - set(NUMPY_ONLY)):
        files = (library / path for path in shown(name))
        probes = {exercise.probe.partition(":")[0] for exercise in assignments()[name]}
        texts = [
            COURSE.release(name),
            *(path for path in files if path.is_file()),
            *(COURSE.root / "autograder" / "probes" / f"{probe}.py" for probe in probes),
        ]
        assert any("tf" in path.read_text(encoding="utf-8") for path in texts), name


def run_in_the_numpy_kernel(name: str, *, last: str, first: str = "") -> Run:
    """The solved notebook with its questions, a cell before and a cell after."""
    assignment = Assignment.load(COURSE, name, seed=3)
    notebook = nbformat.read(COURSE.solution(name), as_version=4)
    cells = [new_code_cell(source, id=f"own-{at}") for at, source in enumerate((first, last))]
    notebook.cells = [cells[0], *notebook.cells, cells[1]]
    work = run_submission(
        notebook,
        assignment.questions,
        engine=Engine.choose(),
        shown=shown(name),
        tensorflow=needs_tensorflow(name),
    )
    return asyncio.run(work)


def printed(cell: NotebookNode) -> str:
    return "".join(output.get("text", output.get("evalue", "")) for output in cell.outputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", NUMPY_ONLY)
def test_a_numpy_notebook_is_graded_to_its_end_without_loading_tensorflow(name: str) -> None:
    run = run_in_the_numpy_kernel(name, last="import sys; print('tensorflow' in sys.modules)")
    assert {reply.status for reply in run.replies.values()} == {"answered"}
    assert printed(run.notebook.cells[-1]) == "False\n"


@pytest.mark.slow
def test_a_student_may_import_tensorflow_in_a_numpy_notebook_and_is_accused_of_nothing() -> None:
    run = run_in_the_numpy_kernel(
        NUMPY_ONLY[0],
        first="import sys; print('tensorflow' in sys.modules)",
        last="import tensorflow as tf; print(float(tf.reduce_sum(tf.ones((2, 3)))))",
    )
    assert printed(run.notebook.cells[0]) == "False\n"
    assert "6.0\n" in printed(run.notebook.cells[-1])  # beside what TensorFlow tells of the machine
    assert run.incidents == []
