"""The real commands under a course file: marks follow it, and nobody's code is run again for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from tests.examples.classroom import SEED, Graded, environment, grade, new_class, new_course

pytestmark = pytest.mark.slow
NAME = "01_unrolling_by_hand"
LATE = "hiroshi"
TERM = """
[late]
percent_per_day = 10
[notebooks.1]
points = 11
due = 2026-10-16
"""


def records(root: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for path in (root / ".course" / "results").glob("*/*.json")
    }


def in_gradebook(root: Path) -> dict[str, tuple[float, float, float]]:
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "unrolled") as gradebook:
        return {
            one.student_id: (one.score, one.max_score, one.late_submission_penalty)
            for one in gradebook.assignment_submissions(NAME)
        }


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Graded, Graded]:
    """Two submissions, one of them late, graded without a course file and then with one."""
    folder = tmp_path_factory.mktemp("term")
    root = new_course(folder / "course")
    students = new_class(root / "submitted", f"amara/{NAME}", f"{LATE}/{NAME}")
    (students / LATE / NAME / "timestamp.txt").write_text("2026-10-18 12:00:00 UTC\n")
    before = grade(root, students, "--seed", str(SEED))
    shutil.copytree(root, folder / "plain")
    (root / "course.toml").write_text(TERM)
    shutil.copytree(root / ".course", folder / "records")
    return before, grade(root, students)


def test_marks_follow_the_file_and_no_code_is_run_again(graded: tuple[Graded, Graded]) -> None:
    before, after = graded
    assert (before.code, after.code) == (0, 0), after.errors
    assert set(after.states.values()) == {"unchanged"}
    kept = after.root.parent / "records" / "results"
    assert {Path(path).name: data for path, data in records(after.root).items()} == {
        path.name: path.read_bytes() for path in kept.glob("*/*.json")
    }
    amara, late = (after.submissions[f"{who}/{NAME}"] for who in ("amara", LATE))
    assert (amara["score"], amara["max_score"], amara["late"]) == (11, 11, None)
    assert late["score"] == pytest.approx(before.submissions[f"{LATE}/{NAME}"]["score"] / 2, 0.01)
    assert late["late"]["days"] == 2
    assert late["late"]["penalty"] == pytest.approx(late["score"] / 5, abs=1e-3)
    assert f"late, 2 days: -{late['late']['penalty']:g}" in after.printed
    assert in_gradebook(after.root)[LATE] == pytest.approx(
        (late["score"], 11, late["late"]["penalty"])
    )


def test_stock_nbgrader_says_the_same(graded: tuple[Graded, Graded]) -> None:
    wanted = in_gradebook(graded[1].root)
    root = graded[1].root.parent / "stock"
    shutil.copytree(graded[1].root, root)
    (root / "gradebook.db").unlink()
    shutil.rmtree(root / "autograded")
    shutil.copytree(Path(__file__).parents[2] / "solutions" / NAME, root / "solutions" / NAME)
    for command in (["generate_assignment", "--force"], ["autograde"]):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", command[0], NAME, *command[1:]],
            cwd=root,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    found = in_gradebook(root)
    assert {who: pytest.approx(marks) for who, marks in wanted.items()} == found


def test_the_graded_notebook_and_the_feedback_are_in_the_terms_points(
    graded: tuple[Graded, Graded],
) -> None:
    root = graded[1].root
    notebook = root / "autograded" / "amara" / NAME / f"{NAME}.ipynb"
    shown = json.dumps(json.loads(notebook.read_text(encoding="utf-8"))["cells"])
    assert "rnn_step: 2 of 2 points" in shown
    done = subprocess.run(
        [sys.executable, "-m", "autograder.cli", "feedback"],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = (root / "feedback" / LATE / NAME / f"{NAME}.html").read_text(encoding="utf-8")
    assert "It was due on 16 October 2026 at 23:59 and was handed in on" in page
    assert "20 % of the points earned are taken off" in page
