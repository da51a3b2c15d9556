"""From a submission only the sources of the student's own cells are taken."""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.rebuild import (
    DELETED,
    Unreadable,
    parse_submission,
    read_submission,
    rebuild,
    without_answers,
)

STUB = "def f(x):\n    raise NotImplementedError"


def graded(cell_id: str, source: str, *, solution: bool) -> NotebookNode:
    cell = new_code_cell(source, id=cell_id)
    cell.metadata.nbgrader = {"grade_id": cell_id, "solution": solution, "grade": not solution}
    return cell


@pytest.fixture
def release() -> NotebookNode:
    demo = new_code_cell("plot()", id="code-2")
    demo.metadata.tags = ["demo"]
    return new_notebook(
        cells=[
            new_markdown_cell("# Title", id="text-0"),
            new_code_cell("import numpy as np", id="code-1"),
            demo,
            graded("f", STUB, solution=True),
            graded("check-f", 'check("f", f)', solution=False),
        ]
    )


def sources(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells]


def test_an_answer_is_taken_and_nothing_else_is(release: NotebookNode) -> None:
    submitted = copy.deepcopy(release)
    submitted.cells[3].source = "def f(x): return x"
    submitted.cells[0].source = "# Defaced"
    submitted.cells[1].source = "import evil"
    submitted.cells[1].metadata.tags = ["skip-execution"]
    submitted.cells[2].metadata.tags = []
    submitted.cells[4].source = "pass"
    submitted.cells[4].metadata.nbgrader.points = 1000
    submitted.metadata.kernelspec = {"name": "evil"}
    rebuilt = rebuild(release, submitted)
    assert sources(rebuilt.notebook) == [
        "# Title", "import numpy as np", "plot()", "def f(x): return x", 'check("f", f)',
    ]  # fmt: skip
    assert rebuilt.notebook.metadata == release.metadata
    assert rebuilt.notebook.cells[2].metadata.tags == ["demo"]
    assert "points" not in rebuilt.notebook.cells[4].metadata.nbgrader
    assert rebuilt.answered == {"f"}


def test_an_extra_cell_stays_where_the_student_put_it(release: NotebookNode) -> None:
    submitted = copy.deepcopy(release)
    submitted.cells.insert(3, new_code_cell("helper = 1"))
    submitted.cells.insert(0, new_code_cell("first = 1"))
    rebuilt = rebuild(release, submitted)
    assert sources(rebuilt.notebook)[0] == "first = 1"
    assert sources(rebuilt.notebook)[4:6] == ["helper = 1", STUB]
    assert rebuilt.extras == 2
    assert rebuilt.unchanged == {"f"}


def test_moved_cells_run_in_the_order_of_the_student(release: NotebookNode) -> None:
    submitted = copy.deepcopy(release)
    submitted.cells = [submitted.cells[n] for n in (3, 4, 0, 2, 1)]
    assert sources(rebuild(release, submitted).notebook) == sources(submitted)


def test_a_check_never_stands_before_what_it_checks(release: NotebookNode) -> None:
    submitted = copy.deepcopy(release)
    submitted.cells = [submitted.cells[n] for n in (0, 4, 1, 2, 3)]
    order = [cell.id for cell in rebuild(release, submitted).notebook.cells]
    assert order == ["text-0", "code-1", "code-2", "f", "check-f"]


def test_deleted_cells_come_back_where_they_were(release: NotebookNode) -> None:
    submitted = copy.deepcopy(release)
    submitted.cells = [submitted.cells[3]]
    assert [c.id for c in rebuild(release, submitted).notebook.cells] == [
        c.id for c in release.cells
    ]
    submitted.cells = []
    assert [c.id for c in rebuild(release, submitted).notebook.cells] == [
        c.id for c in release.cells
    ]


def test_what_replaces_a_deleted_solution_and_check_runs_before_the_check(release) -> None:
    submitted = copy.deepcopy(release)
    submitted.cells[3:] = [new_code_cell("def f(x): return x", id="mine")]
    order = [cell.id for cell in rebuild(release, submitted).notebook.cells]
    assert order.index("extra-0") < order.index("check-f")


def test_of_a_copied_cell_the_last_counts_and_it_is_told(release: NotebookNode) -> None:
    submitted = copy.deepcopy(release)
    for source in ("def f(x): return 1", "def f(x): return 2"):
        submitted.cells.append(graded("f", source, solution=True))
    rebuilt = rebuild(release, submitted)
    assert sources(rebuilt.notebook).count("def f(x): return 2") == 1
    assert "def f(x): return 1" not in sources(rebuilt.notebook)
    assert [incident.kind for incident in rebuilt.incidents] == ["copied-cell"]
    assert "3 times" in rebuilt.incidents[0].detail


def test_a_deleted_solution_leaves_its_place_to_what_the_student_wrote_elsewhere(
    release: NotebookNode,
) -> None:
    submitted = copy.deepcopy(release)
    submitted.cells[3] = new_code_cell("def f(x): return x", id="mine")
    rebuilt = rebuild(release, submitted)
    assert rebuilt.deleted == {"f"}
    assert DELETED in sources(rebuilt.notebook)
    assert "def f(x): return x" in sources(rebuilt.notebook)


def test_editors_that_drop_nbgraders_metadata_or_the_cell_ids_are_understood(
    release: NotebookNode,
) -> None:
    for drop in ("nbgrader", "id"):
        submitted = copy.deepcopy(release)
        submitted.cells[3].source = "def f(x): return x"
        for cell in submitted.cells:
            cell.metadata.pop(drop, None)
            if drop == "id":
                cell.pop("id")
        assert sources(rebuild(release, submitted).notebook).count("def f(x): return x") == 1


def test_a_notebook_of_the_old_format_is_read(tmp_path: Path, release: NotebookNode) -> None:
    submitted = copy.deepcopy(release)
    submitted.cells[3].source = "def f(x): return x"
    old = nbformat.convert(submitted, 3)
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(old))
    assert json.loads(path.read_text())["nbformat"] == 3
    rebuilt = rebuild(release, read_submission(path))
    assert "def f(x): return x" in sources(rebuilt.notebook)
    assert rebuilt.extras == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("hello", "no notebook that Jupyter can read"),
        ("[1, 2]", "no notebook"),
        ("{}", "no notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "no notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [1]}', "no notebook"),
        ('{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}', "no notebook"),
        ("[" * 100_000, "nested too deep"),
    ],
    ids=lambda text: str(text)[:30],
)
def test_what_is_no_notebook_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        parse_submission(text)


def test_half_a_character_is_refused(release: NotebookNode) -> None:
    release.cells[3].source = "x = '\ud800'"
    with pytest.raises(Unreadable, match="half a character"):
        parse_submission(json.dumps(release))


def test_bytes_that_are_no_text_and_a_folder_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(b"\xff\xfe\x00binary\x80")
    with pytest.raises(Unreadable, match="not text"):
        read_submission(path)
    with pytest.raises(Unreadable, match="cannot be opened"):
        read_submission(tmp_path)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["cells", "metadata", "nbformat", "source", "cell_type", "nbgrader"]),
        inner, max_size=4,
    ),
    max_leaves=10,
))  # fmt: skip
def test_no_json_whatever_makes_reading_fail_in_another_way(data: object) -> None:
    with contextlib.suppress(Unreadable):
        parse_submission(json.dumps(data))


def test_strange_metadata_is_ignored(release: NotebookNode) -> None:
    submitted = copy.deepcopy(release)
    for strange in ([], "text", 7, {"grade_id": ["a"]}, {"grade_id": None}):
        submitted.cells[3].metadata["nbgrader"] = strange
        assert rebuild(release, submitted).unchanged == {"f"}


def test_an_unreadable_submission_becomes_the_release_without_answers(release) -> None:
    stand_in = without_answers(release, "the file is empty")
    assert sources(stand_in) == sources(release)
    assert "the file is empty" in stand_in.metadata.values()
