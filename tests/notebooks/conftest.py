"""Fixtures of the notebooks' proofs; see ``proofs.py``."""

from __future__ import annotations

import shutil

import pytest

from tests.notebooks.proofs import COURSE, NAMES, Execution, StockCourse, execute, stock


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Each assignment in turn."""
    return request.param


@pytest.fixture
def unsolved(name: str) -> Execution:
    """The released notebook after a run from top to bottom, as a student's first look at it."""
    return execute(COURSE.release(name))


@pytest.fixture(scope="session")
def stock_course(tmp_path_factory: pytest.TempPathFactory) -> StockCourse:
    """Solved and unsolved notebooks, graded by nbgrader's own commands."""
    root = tmp_path_factory.mktemp("stock")
    shutil.copy(COURSE.root / "nbgrader_config.py", root)
    shutil.copytree(COURSE.solutions, root / "solutions")
    log = ""
    for name in NAMES:
        log += stock(root, "generate_assignment", name)
        for student, path in (
            ("solved", COURSE.solution(name)),
            ("unsolved", COURSE.release(name)),
        ):
            folder = root / "submitted" / student / name
            folder.mkdir(parents=True)
            shutil.copy(path, folder)
        log += stock(root, "autograde", name, "--JudgeSubmission.seed=11")
        log += stock(root, "generate_feedback", name)
    return StockCourse(root, log)
