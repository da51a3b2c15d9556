"""The same class, graded once without any disturbance: what every other run must come to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.kernels import confinement_support
from tests.endurance.rig import Bench, Evidence, evidence


@pytest.fixture(scope="session", autouse=True)
def confinement() -> None:
    """Refuse to pass silently where nothing can be tested."""
    support = confinement_support()
    if not support.available:
        sentence = " ".join(support.missing)
        if os.environ.get("UNROLLED_NO_CONFINEMENT") == "1":
            pytest.skip(sentence)
        pytest.fail(f"{sentence} (UNROLLED_NO_CONFINEMENT=1 skips these tests.)", pytrace=False)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """The results of a run that nobody disturbed."""
    bench = Bench.make(tmp_path_factory.mktemp("undisturbed") / "course")
    done = bench.grade()
    assert done.code == 0, done.printed + done.errors
    found = evidence(bench)
    assert len(found.report) == 5
    assert len({one["score"] for one in found.report.values()}) == 3  # full, half and none
    bench.temporary.rmdir()
    return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A new course with the same class."""
    made = Bench.make(tmp_path / "course")
    yield made
    shutil.rmtree(made.temporary)
