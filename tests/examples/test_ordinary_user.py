"""The grader works for who is not root, in an environment that belongs to somebody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.classroom import COURSE, EXPECTED, environment, new_class, new_course, verdict
from tests.kernels.as_user import USER

pytestmark = pytest.mark.slow
AS_USER = COURSE / "tests" / "kernels" / "as_user.py"
SUBMISSIONS = ("hiroshi/01_unrolling_by_hand", "xavier/03_dynamic_rnn")


def test_an_ordinary_user_grades_confined_and_to_the_same_verdicts() -> None:
    # pytest's own temporary folders are closed to other users
    scratch = subprocess.run(
        ["mktemp", "-d"], capture_output=True, text=True, check=True
    ).stdout.strip()
    try:
        folder = Path(scratch)
        root = new_course(folder / "course")
        new_class(root / "submitted", *SUBMISSIONS)
        (folder / "home").mkdir()
        where = {"UNROLLED_TEST_HOME": str(folder / "home"), "UNROLLED_COURSE": str(root)}
        user, become = os.geteuid(), []
        if user == 0:  # who is no ordinary user can become one
            user, become = USER, [str(AS_USER)]
            for path in (folder, *folder.rglob("*")):
                os.chown(path, USER, USER)
        done = subprocess.run(
            [
                *(sys.executable, *become, "-m", "autograder.cli", "grade"),
                *("--json", str(folder / "grades.json")),
            ],
            env={**environment(), **where},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        written = json.loads((folder / "grades.json").read_text(encoding="utf-8"))
        for one in written["submissions"]:
            assert one["sandboxed"]
            assert verdict(one) == EXPECTED[f"{one['student']}/{one['assignment']}"]
        assert len(written["submissions"]) == len(SUBMISSIONS)
        assert (root / "gradebook.db").stat().st_uid == user
    finally:
        subprocess.run(["rm", "-rf", scratch], check=False)
