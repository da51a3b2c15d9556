"""``course lab`` gives students their own copy and never touches what they wrote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from autograder.build import as_bytes
from autograder.course import Course
from autograder.exercises import assignments
from autograder.lab import update_work, where_to_go_on
from autograder.progress import load

ROOT = Path(__file__).parents[2]
NAME = "01_unrolling_by_hand"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(ROOT / "notebooks" / NAME, tmp_path / "notebooks" / NAME)
    return Course(tmp_path)


def mine(course: Course) -> Path:
    return course.root / "work" / NAME / f"{NAME}.ipynb"


def correct_the_release(course: Course) -> None:
    notebook = nbformat.read(course.release(NAME), as_version=4)
    notebook.cells[0].source += "\n\nA mistake in the text was corrected."
    course.release(NAME).write_bytes(as_bytes(notebook))


def answer(path: Path, source: str) -> None:
    notebook = nbformat.read(path, as_version=4)
    next(cell for cell in notebook.cells if cell.id == "rnn_step").source = source
    notebook.cells.append(nbformat.v4.new_markdown_cell("a note of my own"))
    path.write_bytes(as_bytes(notebook))


def test_the_first_start_makes_a_copy_and_the_second_changes_nothing(course: Course) -> None:
    assert update_work(course) == []
    assert mine(course).read_bytes() == course.release(NAME).read_bytes()
    answer(mine(course), "def rnn_step(): ...")
    before = mine(course).read_bytes()
    assert update_work(course) == []
    assert mine(course).read_bytes() == before


def test_a_corrected_release_replaces_a_copy_in_which_nothing_was_written(course: Course) -> None:
    update_work(course)
    correct_the_release(course)
    (said,) = update_work(course)
    assert "replaced" in said
    assert mine(course).read_bytes() == course.release(NAME).read_bytes()


def test_a_corrected_release_is_offered_beside_a_copy_with_answers(course: Course) -> None:
    update_work(course)
    answer(mine(course), "def rnn_step(): return 'mine'")
    before = mine(course).read_bytes()
    correct_the_release(course)
    (said,) = update_work(course)
    assert "Your own is untouched" in said
    assert mine(course).read_bytes() == before
    offered = nbformat.read(mine(course).with_name(f"{NAME}.corrected.ipynb"), as_version=4)
    sources = [cell.source for cell in offered.cells]
    assert "def rnn_step(): return 'mine'" in sources
    assert "a note of my own" in sources
    assert "was corrected" in sources[0]
    assert update_work(course) == []


def test_a_deleted_copy_comes_back_and_an_unreadable_one_is_left_alone(course: Course) -> None:
    update_work(course)
    mine(course).unlink()
    (said,) = update_work(course)
    assert "there again" in said
    mine(course).write_text("not a notebook any more")
    correct_the_release(course)
    (said,) = update_work(course)
    assert "cannot be read" in said
    assert mine(course).read_text() == "not a notebook any more"


def test_a_broken_record_of_what_was_given_costs_no_answers(course: Course) -> None:
    update_work(course)
    answer(mine(course), "def rnn_step(): return 'mine'")
    before = mine(course).read_bytes()
    (course.root / "work" / ".course" / "given.json").write_text("{broken")
    update_work(course)
    assert mine(course).read_bytes() == before


def test_it_opens_where_the_student_left_off(course: Course) -> None:
    shutil.copytree(
        ROOT / "notebooks" / "02_static_unrolling", course.notebooks / "02_static_unrolling"
    )
    update_work(course)
    assert where_to_go_on(course) == "index.ipynb"
    solved = {item.id: {"passed": True} for item in assignments()[NAME]}
    record = course.root / "work" / ".course" / "progress.json"
    record.write_text(json.dumps({"schema": 1, "exercises": solved}))
    assert load(record)
    assert where_to_go_on(course) == "02_static_unrolling/02_static_unrolling.ipynb"
