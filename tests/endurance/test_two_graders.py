"""Graders at work at the same time on one gradebook."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.endurance.killing import differences
from tests.endurance.rig import (
    ASSIGNMENT,
    OTHER,
    Bench,
    Evidence,
    Run,
    evidence,
    left_behind,
    new_class,
    new_course,
)

pytestmark = pytest.mark.slow
STATE = re.compile(r"^\[\d+/\d+\] (\S+): (\w+),", re.MULTILINE)


def well(done: Run) -> None:
    assert done.code == 0, done.printed + done.errors
    assert "Traceback" not in done.printed + done.errors
    assert "database is locked" not in done.printed + done.errors


def test_two_graders_share_a_class_and_each_submission_is_graded_once(
    bench: Bench, undisturbed: Evidence
) -> None:
    others = str(bench.root.parent / "other.json")
    together = [bench.start(), bench.start("--json", others)]
    done = [bench.finish(process) for process in together]
    states = []
    for one in done:
        well(one)
        states.append(dict(STATE.findall(one.printed)))
    assert differences(bench, undisturbed) == []
    assert set(states[0]) == set(states[1]) == set(undisturbed.report)
    for name in undisturbed.report:
        assert sorted(state[name] == "unchanged" for state in states) == [False, True], name


def test_two_graders_of_different_assignments_do_not_meet(tmp_path: Path) -> None:
    def both(folder: Path) -> Bench:
        made = Bench(new_course(folder / "course", ASSIGNMENT, OTHER))
        new_class(made.students, ASSIGNMENT)
        new_class(made.students, OTHER)
        made.temporary.mkdir(exist_ok=True)
        return made

    alone = both(tmp_path / "alone")
    well(alone.grade())
    bench = both(tmp_path / "together")
    together = [bench.start("--assignment", name) for name in (ASSIGNMENT, OTHER)]
    for process in together:
        well(bench.finish(process))
    well(bench.grade())
    found, wanted = evidence(bench), evidence(alone)
    assert len(found.report) == 10
    assert found == wanted
    assert left_behind(bench) == []
    for one in (alone, bench):
        one.temporary.rmdir()
