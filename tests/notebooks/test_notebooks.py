"""What is released holds no answer, runs unsolved, and is graded as it deserves by stock nbgrader."""

from __future__ import annotations

import re
import subprocess
import sys

import nbformat
import pytest

from autograder.build import from_source, stale
from autograder.engine import ALWAYS_SHOWN
from autograder.exercises import assignments, shown
from tests.notebooks.proofs import COURSE, NAMES, Execution, StockCourse, stock

pytestmark = pytest.mark.slow
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)


def test_there_is_a_notebook_for_every_module_of_exercises() -> None:
    assert sorted(assignments()) == NAMES
    assert len(NAMES) >= 3


def test_nothing_generated_is_stale(name: str) -> None:
    assert stale(COURSE, name) == []


def test_course_build_check_says_so_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "autograder.cli", "build", "--check"],
        cwd=COURSE.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_release_holds_no_solution_and_no_file_but_the_notebook(name: str) -> None:
    text = COURSE.release(name).read_text(encoding="utf-8")
    for marker in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS"):
        assert marker not in text
    released = nbformat.read(COURSE.release(name), as_version=4)
    everything = "\n".join(cell.source for cell in released.cells)
    for cell in from_source(COURSE, name).cells:
        for solution in SOLUTION.findall(cell.source):
            lines = {line.strip() for line in solution.splitlines()}
            telling = {line for line in lines if len(line) > 18 and not line.startswith("#")}
            assert telling, f"{cell.id}: the solution has no line to look for"
            told = {line for line in telling if line in everything}
            assert not told, f"{cell.id}: the release shows {told}"
    assert [path.name for path in COURSE.release(name).parent.iterdir()] == [f"{name}.ipynb"]


def test_the_release_has_no_outputs(name: str) -> None:
    for cell in nbformat.read(COURSE.release(name), as_version=4).cells:
        assert not cell.get("outputs")


def test_the_unsolved_notebook_runs_to_its_end(unsolved: Execution) -> None:
    for cell in unsolved.notebook.cells:
        if cell.cell_type != "code":
            continue
        assert cell.execution_count, f"{cell.id} did not run"
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if "raises-exception" not in cell.metadata.get("tags", []):
            assert not errors, f"{cell.id} fails in the unsolved notebook: {errors}"


def test_each_check_of_the_unsolved_notebook_shows_a_card(unsolved: Execution) -> None:
    checks = [cell for cell in unsolved.notebook.cells if cell.id.startswith("check-")]
    assert checks
    for cell in checks:
        shown = [output for output in cell.outputs if output.output_type == "display_data"]
        assert len(shown) == 1, cell.outputs
        assert "not written yet" in shown[0].data["text/plain"]
        assert shown[0].data["text/html"].startswith("<div role='status'")


def test_nothing_is_written_to_stderr(unsolved: Execution, name: str) -> None:
    solved = nbformat.read(COURSE.solution(name), as_version=4)
    for notebook in (unsolved.notebook, solved):
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                assert output.get("name") != "stderr", (cell.id, output.text)


def test_the_unsolved_notebook_takes_at_most_a_minute(unsolved: Execution) -> None:
    # The curriculum's limit, not a speed claim: a student waits no longer than this.
    assert 0 < unsolved.seconds < 60


def test_every_figure_has_alternative_text_and_there_are_three(name: str) -> None:
    solved = nbformat.read(COURSE.solution(name), as_version=4)
    figures = [
        output
        for cell in solved.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(figures) >= 3
    for figure in figures:
        assert len(figure.metadata["image/png"]["alt"]) > 30


def test_every_check_of_the_solution_passed(name: str) -> None:
    for cell in nbformat.read(COURSE.solution(name), as_version=4).cells:
        if cell.id.startswith("check-"):
            assert cell.outputs[0].data["text/plain"].startswith("✓")


@pytest.mark.parametrize("name", NAMES)
def test_stock_autograde_gives_solved_notebooks_full_marks_and_unsolved_ones_nothing(
    name: str, stock_course: StockCourse
) -> None:
    from nbgrader.api import Gradebook

    points = {f"check-{item.id}": item.points for item in assignments()[name]}
    with Gradebook(stock_course.url, "unrolled") as gradebook:
        for student, share in (("solved", 1.0), ("unsolved", 0.0)):
            notebook = gradebook.find_submission_notebook(name, name, student)
            assert {g.name: g.auto_score for g in notebook.grades} == {
                cell: worth * share for cell, worth in points.items()
            }
            assert notebook.max_score == sum(points.values())
            assert not notebook.needs_manual_grade


def test_no_source_of_a_solution_is_copied_into_the_release_or_the_grading_folder(
    stock_course: StockCourse,
) -> None:
    for folder in ("notebooks", "autograded", "feedback"):
        files = [path for path in (stock_course.root / folder).rglob("*") if path.is_file()]
        assert files
        assert {path.suffix for path in files} <= {".ipynb", ".html"}, folder
    for path in (stock_course.root / "autograded" / "unsolved").rglob("*.ipynb"):
        assert "BEGIN SOLUTION" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_stock_generate_assignment_makes_the_committed_release(
    name: str, stock_course: StockCourse
) -> None:
    made = stock_course.root / "notebooks" / name / f"{name}.ipynb"
    assert made.read_bytes() == COURSE.release(name).read_bytes()


def test_a_graded_notebook_shows_a_card_at_each_check(stock_course: StockCourse) -> None:
    for path in (stock_course.root / "autograded").rglob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.id.startswith("check-"):
                assert "text/html" in cell.outputs[0].data


@pytest.mark.parametrize("name", NAMES)
def test_no_ordinary_cell_needs_what_is_hidden_when_grading(
    name: str, stock_course: StockCourse
) -> None:
    for student in ("solved", "unsolved"):
        graded = stock_course.root / "autograded" / student / name / f"{name}.ipynb"
        for cell in nbformat.read(graded, as_version=4).cells:
            if cell.cell_type == "code" and "raises-exception" not in cell.metadata.get("tags", []):
                errors = [output for output in cell.outputs if output.output_type == "error"]
                assert not errors, f"{cell.id}: {errors}"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_when_grading_exists(name: str) -> None:
    for path in (*ALWAYS_SHOWN, *shown(name)):
        assert (COURSE.root / "course_lib" / path).exists(), path


def test_stock_validate_tells_a_student_that_the_unsolved_notebook_fails(
    stock_course: StockCourse,
) -> None:
    name = NAMES[0]
    said = stock(stock_course.root, "validate", f"notebooks/{name}/{name}.ipynb")
    assert "VALIDATION FAILED" in said
