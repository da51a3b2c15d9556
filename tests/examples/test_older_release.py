"""A notebook corrected in mid-term: old submissions keep their own checks, and nothing changes unasked."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from tests.examples.classroom import COURSE, SEED, Graded, environment, grade

pytestmark = pytest.mark.slow
NAME = "01_unrolling_by_hand"
STATE_FIRST = "def concat_kernel(Wx, Wh):\n    return np.concatenate([Wh, Wx])"
INPUT_FIRST = "def concat_kernel(Wx, Wh):\n    return np.concatenate([Wx, Wh])"
LOOK = f"""
import pathlib
import autograder, course_lib
print([str(p) for p in map(pathlib.Path, {[str(COURSE / "autograder"), str(COURSE / "solutions")]!r})
       if p.exists()], autograder.__file__, course_lib.__file__)
"""


def run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autograder.cli", *command],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def release(root: Path) -> Path:
    return root / "notebooks" / NAME / f"{NAME}.ipynb"


def hand_in(root: Path, student: str, source: NotebookNode, answer: str, *more: str) -> None:
    """Hand in a notebook with one answer, and cells of the student's own."""
    notebook = nbformat.from_dict(json.loads(json.dumps(source)))
    (cell,) = (cell for cell in notebook.cells if cell.id == "concat_kernel")
    cell.source = answer
    notebook.cells += [nbformat.v4.new_code_cell(text) for text in more]
    path = root / "submitted" / student / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """The first release wanted the state first; the corrected one wants the input first."""
    root = tmp_path_factory.mktemp("older") / "course"
    root.mkdir()
    for name in ("LICENSE", "Makefile", "environment.yml", "pyproject.toml", "requirements.lock"):
        shutil.copy(COURSE / name, root)
    shutil.copy(COURSE / "nbgrader_config.py", root)
    (root / "docs").mkdir()
    shutil.copy(COURSE / "docs" / "students.md", root / "docs")
    for package in ("autograder", "course_lib", "notebooks"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(COURSE / package, root / package, ignore=ignored)
    definitions = root / "autograder" / "exercises" / f"n{NAME}.py"
    right = definitions.read_text(encoding="utf-8")
    wrong = right.replace(
        "reference=concat_kernel,", "reference=lambda x, h: np.concatenate([h, x]),"
    )
    assert wrong != right
    definitions.write_text(wrong, encoding="utf-8")
    today = release(root).read_text(encoding="utf-8")
    older = nbformat.reads(today, as_version=4)
    (text,) = (cell for cell in older.cells if cell.id == "text-0")
    text.source += "\n\nThe state comes first."
    older.metadata.unrolled = {"version": "unknown as yet"}
    nbformat.write(older, release(root))
    done = run(root, "bundle")
    assert done.returncode == 0, done.stderr
    assert "kept as releases/" in done.stdout
    release(root).write_text(today, encoding="utf-8")
    definitions.write_text(right, encoding="utf-8")

    from autograder.versions import version_of

    older.metadata.unrolled = {"version": version_of(older)}
    bare = nbformat.from_dict(json.loads(json.dumps(older)))
    del bare.metadata["unrolled"]
    corrected = nbformat.reads(today, as_version=4)
    forged = nbformat.from_dict(json.loads(json.dumps(corrected)))
    forged.metadata.unrolled = older.metadata.unrolled
    hand_in(root, "old", older, STATE_FIRST, LOOK)
    hand_in(root, "bare", bare, STATE_FIRST)
    hand_in(root, "unlucky", older, INPUT_FIRST)
    hand_in(root, "new", corrected, INPUT_FIRST)
    hand_in(root, "forger", forged, STATE_FIRST)
    return grade(root, root / "submitted", "--seed", str(SEED))


def scores(run: Graded) -> dict[str, tuple[float, bool]]:
    return {
        name.partition("/")[0]: (one["score"], bool(one["older_release"]))
        for name, one in run.submissions.items()
    }


def test_each_is_graded_by_the_checks_of_its_own_release(graded: Graded) -> None:
    assert graded.code == 0, graded.errors + graded.printed
    found = scores(graded)
    assert found["old"] == found["bare"] == (3.0, True)
    assert found["unlucky"] == (0.5, True)
    assert found["new"] == (3.0, False)
    assert "made from the older release" in graded.printed


def test_a_claim_that_the_locked_cells_contradict_is_told(graded: Graded) -> None:
    told = {name: one["incidents"] for name, one in graded.submissions.items()}
    (forged,) = (seen for seen in told[f"forger/{NAME}"] if seen["kind"] == "version")
    assert "but its locked cells are those of" in forged["detail"]
    for student in ("old", "bare", "unlucky", "new"):
        assert [seen for seen in told[f"{student}/{NAME}"] if seen["kind"] == "version"] == []


def test_the_older_kernel_sees_its_own_library_and_nothing_of_todays(graded: Graded) -> None:
    path = graded.root / "autograded" / "old" / NAME / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    (printed,) = (
        cell.outputs[0].text for cell in notebook.cells if cell.source.strip() == LOOK.strip()
    )
    seen, own, library = printed.split()
    assert seen == "[]"
    for file in (own, library):
        assert file.startswith(str(graded.root / ".course" / "releases"))


def test_grading_again_changes_nothing_and_regrading_only_shows(
    graded: Graded, tmp_path: Path
) -> None:
    root = tmp_path / "course"
    shutil.copytree(graded.root, root)
    again = grade(root, root / "submitted")
    assert set(again.states.values()) == {"unchanged"}
    done = run(root, "regrade", "--json", "changes.json")
    assert done.returncode == 0, done.stderr
    assert "4 submissions to older releases, 4 would change" in done.stdout
    changes = json.loads((root / "changes.json").read_text(encoding="utf-8"))["submissions"]
    assert {one["student"]: one["exercises"] for one in changes} == {
        **{student: [exercise(3.0, 0.5)] for student in ("old", "bare", "forger")},
        "unlucky": [exercise(0.5, 3.0)],
    }
    assert scores(grade(root, root / "submitted")) == scores(graded)

    done = run(root, "regrade", "--accept", "gains")
    assert "accepted for 1" in done.stdout, done.stderr
    after = grade(root, root / "submitted")
    assert scores(after) == {**scores(graded), "unlucky": (3.0, False)}
    assert set(after.states.values()) == {"unchanged"}
    # what is handed in anew is what it says that it is
    path = root / "submitted" / "unlucky" / NAME / f"{NAME}.ipynb"
    path.write_bytes(path.read_bytes() + b"\n")
    assert scores(grade(root, root / "submitted"))["unlucky"] == (0.5, True)


def test_stock_nbgrader_grades_against_the_older_release_too(
    graded: Graded, tmp_path: Path
) -> None:
    root = tmp_path / "course"
    shutil.copytree(graded.root, root)
    shutil.rmtree(root / ".course" / "results" / "old")
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", NAME, "--student", "old", "--force"],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "unrolled") as gradebook:
        assert gradebook.find_submission(NAME, "old").score == 3.0


def exercise(now: float, then: float) -> dict[str, Any]:
    return {"id": "concat_kernel", "score": now, "new_score": then}


def test_an_archive_that_was_changed_is_refused(graded: Graded, tmp_path: Path) -> None:
    root = tmp_path / "course"
    shutil.copytree(graded.root, root)
    shutil.rmtree(root / ".course")
    (archive,) = (root / "releases").glob("*.zip")
    archive.write_bytes(archive.read_bytes() + b"x")
    refused = grade(root, root / "submitted")
    assert refused.code == 1
    assert "is not what it was when it was kept" in refused.printed
    assert refused.submissions[f"new/{NAME}"]["score"] == 3.0
