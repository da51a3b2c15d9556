"""A gradebook that another program has locked: waited for, told of, and no grade is lost."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.endurance.killing import differences
from tests.endurance.rig import Bench, Evidence, Run

pytestmark = pytest.mark.slow

LOCKS = {"before it is opened": "EXCLUSIVE", "when a grade is to be entered": "IMMEDIATE"}


@contextmanager
def locked(bench: Bench, kind: str) -> Iterator[sqlite3.Connection]:
    """Somebody else's open transaction: nobody may read (exclusive), or nobody may write."""
    path = bench.root / "gradebook.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"BEGIN {kind}")
        yield other


@pytest.fixture
def begun(bench: Bench, tmp_path: Path) -> Bench:
    """A course whose gradebook exists, and knows one student's grades."""
    everybody = bench.students
    for student in sorted(everybody.iterdir())[1:]:
        student.rename(tmp_path / student.name)
    assert bench.grade().code == 0
    for student in sorted(tmp_path.glob("[b-e]*")):
        if student.name in ("bao", "chen", "dina", "eskil"):
            student.rename(everybody / student.name)
    assert len(list(everybody.iterdir())) == 5
    return bench


def wait_for_note(process: subprocess.Popen[str]) -> str:
    """What was printed until the grader says that it waits."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "locked" in line:
            return said
    raise AssertionError(f"it never said that it waits: {said}")


@pytest.mark.parametrize("when", LOCKS)
def test_a_lock_that_is_released_in_time_costs_nothing(
    when: str, begun: Bench, undisturbed: Evidence
) -> None:
    with locked(begun, LOCKS[when]) as other:
        process = begun.start("--wait", "280")
        said = wait_for_note(process)
        other.rollback()
        done = begun.finish(process)
    assert "another program has locked the gradebook" in said
    assert done.code == 0, done.printed + done.errors
    assert differences(begun, undisturbed) == []


@pytest.mark.parametrize("when", LOCKS)
def test_a_lock_that_stays_ends_the_run_with_a_sentence_and_the_next_run_completes_it(
    when: str, begun: Bench, undisturbed: Evidence
) -> None:
    with locked(begun, LOCKS[when]):
        done: Run = begun.grade("--wait", "1", "--jobs", "1")
    assert done.code == 1
    assert "stayed locked by another program" in done.errors
    assert "run the same command again" in done.errors
    assert "Traceback" not in done.errors
    records = {path.parent.name for path in begun.root.glob(".course/results/*/[!.]*.json")}
    if when == "before it is opened":
        assert records == {"anouk"}
    else:
        assert records >= {"anouk", "bao"}  # others are judged while one waits to be entered
    again = begun.grade()
    assert again.code == 0, again.printed + again.errors
    assert differences(begun, undisturbed) == []
