"""What was changed in a file is noted; what honest editors and older releases do is not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.utils import compute_checksum

from autograder import notices
from autograder.rebuild import rebuild

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAME = "01_unrolling_by_hand"


@pytest.fixture(scope="module")
def release() -> NotebookNode:
    return nbformat.read(NOTEBOOKS / NAME / f"{NAME}.ipynb", as_version=4)


def cell(notebook: NotebookNode, cell_id: str) -> NotebookNode:
    return next(one for one in notebook.cells if one.id == cell_id)


def _older(notebook: NotebookNode) -> None:
    for one in notebook.cells:
        marks = one.metadata.get("nbgrader", {})
        if marks.get("grade"):
            one.source = "# as it was last week\n" + one.source
            marks.points = 1.0
            marks.checksum = compute_checksum(one)


def _without_metadata(notebook: NotebookNode) -> None:
    notebook.metadata = NotebookNode(colab={"provenance": []})
    for one in notebook.cells:
        one.metadata = NotebookNode(vscode={"languageId": "python"})


def _own_work(notebook: NotebookNode) -> None:
    cell(notebook, "rnn_step").source = "def rnn_step(x, h, Wx, Wh, b):\n    return h"
    cell(notebook, "code-3").source += "\nprint('mine')"
    cell(notebook, "code-5").metadata.tags = ["hard"]
    notebook.cells.append(
        new_markdown_cell("If $a < b$ then `x on y = 3`; see https://example.org")
    )
    notebook.cells.append(new_code_cell("print('<script>')"))
    notebook.cells = [one for one in notebook.cells if one.id not in ("code-18", "concat_kernel")]
    notebook.cells = [one for one in notebook.cells if one.id != "check-concat_kernel"]


HONEST = {"older release": _older, "another editor": _without_metadata, "own work": _own_work}


@pytest.mark.parametrize("what", HONEST)
def test_honest_files_are_not_noticed(what: str, release: NotebookNode) -> None:
    submitted = copy.deepcopy(release)
    HONEST[what](submitted)
    assert rebuild(release, submitted).incidents == ()


def _check_emptied(notebook: NotebookNode) -> None:
    cell(notebook, "check-rnn_step").source = "pass"


def _check_as_text(notebook: NotebookNode) -> None:
    cell(notebook, "check-rnn_step").cell_type = "markdown"


def _check_deleted(notebook: NotebookNode) -> None:
    notebook.cells = [one for one in notebook.cells if one.id != "check-rnn_step"]


def _check_twice(notebook: NotebookNode) -> None:
    notebook.cells.append(copy.deepcopy(cell(notebook, "check-rnn_step")))


def _points(notebook: NotebookNode) -> None:
    cell(notebook, "check-rnn_step").metadata.nbgrader.points = 99


def _marks(notebook: NotebookNode) -> None:
    cell(notebook, "rnn_step").metadata.nbgrader.locked = True


def _tag(notebook: NotebookNode) -> None:
    cell(notebook, "check-rnn_step").metadata.tags.append("skip-execution")


def _a_check_of_its_own(notebook: NotebookNode) -> None:
    made = new_code_cell("pass", id="mine")
    made.metadata.nbgrader = {"grade": True, "grade_id": "mine", "points": 5, "checksum": "0"}
    notebook.cells.append(made)


def _attachment(notebook: NotebookNode) -> None:
    made = new_markdown_cell("![x](attachment:x.svg)")
    made.attachments = {"x.svg": {"image/svg+xml": "PHN2Zy8+"}}
    notebook.cells.append(made)


CHANGED: dict[str, tuple[Callable[[NotebookNode], None], str, str]] = {
    "check emptied": (_check_emptied, "edited-cell", "check-rnn_step was edited"),
    "check made a text": (_check_as_text, "edited-cell", "check-rnn_step was edited"),
    "check deleted": (_check_deleted, "edited-cell", "check-rnn_step was deleted"),
    "check there twice": (_check_twice, "edited-cell", "check-rnn_step is there 2 times"),
    "points": (_points, "edited-metadata", "the points of check-rnn_step"),
    "marks": (_marks, "edited-metadata", "the marks of rnn_step"),
    "tag": (_tag, "edited-metadata", "check-rnn_step is tagged skip-execution"),
    "a check of its own": (_a_check_of_its_own, "edited-metadata", "'mine' claims"),
    "attachment": (_attachment, "active-content", "markup"),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_was_changed_is_noted_once_and_has_no_effect(what: str, release: NotebookNode) -> None:
    change, kind, part = CHANGED[what]
    submitted = copy.deepcopy(release)
    change(submitted)
    rebuilt = rebuild(release, submitted)
    assert [one.kind for one in rebuilt.incidents] == [kind]
    assert part in rebuilt.incidents[0].detail
    assert rebuild(release, submitted, for_student=True).incidents == ()
    checks = [one for one in rebuilt.notebook.cells if one.id.startswith("check-")]
    assert checks == [one for one in release.cells if one.id.startswith("check-")]


@pytest.mark.parametrize(
    ("data", "active"),
    [
        ({"text/html": "<script>alert(1)</script>"}, True),
        ({"text/html": '<img src=x onerror="alert(1)">'}, True),
        ({"image/svg+xml": "<svg onload='alert(1)'/>"}, True),
        ({"text/markdown": "[x](javascript:alert(1))"}, True),
        ({"application/javascript": "alert(1)"}, True),
        ({"text/html": "<table><tr><td>on = 3</td></tr></table>"}, False),
        ({"text/plain": "<script>"}, False),
        ({"image/png": "iVBORw0KGgo="}, False),
    ],
)
def test_what_a_browser_would_run_is_noted(data: dict[str, str], active: bool) -> None:
    shown = new_code_cell("show()", outputs=[new_output("display_data", data=data)])
    assert [one.kind for one in notices.of_run([shown])] == ["active-content"] * active


def test_code_beside_a_notebook_is_noted_and_data_is_not(tmp_path: Path) -> None:
    for name in ("nb.ipynb", "nb.py", "timestamp.txt", "data.csv", "figure.png", "numpy.py"):
        (tmp_path / name).touch()
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "__init__.py").touch()
    found = [one.detail.split()[0] for one in notices.of_folder(tmp_path / "nb.ipynb")]
    assert found == ["json", "numpy.py"]
