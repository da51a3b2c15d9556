"""`course grade` and stock `nbgrader autograde` leave the same gradebook and the same files."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from autograder.gradebook import open_gradebook

from .classroom import SEED, environment, grade, new_class, new_course

NAME = "01_unrolling_by_hand"
ROWS = """
    select s.student_id, s.timestamp, b.name, g.auto_score, g.manual_score, g.needs_manual_grade,
           n.late_submission_penalty
    from submitted_assignment s join submitted_notebook n on n.assignment_id = s.id
    join grade g on g.notebook_id = n.id join base_cell b on b.id = g.cell_id
    order by s.student_id, b.name
"""
COMMENTS = """
    select s.student_id, b.name, c.auto_comment, c.manual_comment
    from submitted_assignment s join submitted_notebook n on n.assignment_id = s.id
    join comment c on c.notebook_id = n.id join base_cell b on b.id = c.cell_id
    order by s.student_id, b.name
"""


def left_by(root: Path) -> tuple[list[object], dict[str, tuple[bytes, int]]]:
    """The gradebook's rows; the graded files, but for how long it took, with their permissions."""
    with closing(sqlite3.connect(root / "gradebook.db")) as database:
        rows = [*database.execute(ROWS), *database.execute(COMMENTS)]
    folder = root / "autograded"
    files = {
        str(path.relative_to(folder)): (
            re.sub(rb'"seconds": [0-9.]+', b'"seconds": 0', path.read_bytes()),
            path.stat().st_mode,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return rows, files


def forget(root: Path) -> None:
    """Everything that grading wrote, but for who is there and what was graded by hand."""
    shutil.rmtree(root / "autograded")
    shutil.rmtree(root / ".course" / "results")
    with closing(sqlite3.connect(root / "gradebook.db")) as database:
        database.execute("update grade set auto_score = -1")
        database.execute("update comment set auto_comment = 'old'")
        database.execute("update submitted_notebook set late_submission_penalty = 7")
        database.execute("update submitted_assignment set timestamp = null")
        database.commit()


def test_both_enter_the_same_also_when_late_and_with_other_files(tmp_path: Path) -> None:
    root = new_course(tmp_path / "course")
    with (root / "nbgrader_config.py").open("a") as config:
        config.write("get_config().LateSubmissionPlugin.penalty_method = 'zero'\n")
    names = [f"{student}/{NAME}" for student in ("amara", "hiroshi", "sione", "keola")]
    students = new_class(tmp_path / "submitted", *names)
    for student, day in (("amara", 5), ("hiroshi", 20), ("keola", 21)):
        folder = students / student / NAME
        (folder / "timestamp.txt").write_text(f"2027-01-{day:02} 10:00:00.0 UTC")
    (students / "amara" / NAME / "notes").mkdir()
    (students / "amara" / NAME / "notes" / "data.csv").write_text("1,2\n")

    assert grade(root, students, "--seed", str(SEED)).code == 0
    with open_gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate="2027-01-10 12:00:00.0 UTC")
        notebook = gradebook.find_submission_notebook(NAME, NAME, "hiroshi")
        notebook.grades[0].manual_score = 0.5
        gradebook.db.commit()

    forget(root)
    assert grade(root, students, "--seed", str(SEED)).code == 0
    ours = left_by(root)
    forget(root)
    command = [
        *(sys.executable, "-m", "nbgrader", "autograde", NAME, "--force"),
        f"--CourseDirectory.submitted_directory={students}",
        f"--JudgeSubmission.seed={SEED}",
        "--JudgeSubmission.cell_seconds=10",
    ]
    done = subprocess.run(
        command, cwd=root, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = left_by(root)
    assert ours[0] == theirs[0]
    assert sorted(ours[1]) == sorted(theirs[1])
    for name, (content, mode) in ours[1].items():
        assert theirs[1][name] == (content, mode), name
    assert "amara/01_unrolling_by_hand/notes/data.csv" in ours[1]
    penalties = {row[0]: row[6] for row in ours[0] if len(row) == 7}
    assert penalties["hiroshi"] > 0
    assert not penalties["amara"]
