"""What the kernel tests share: kernels that are known, a scratch directory, a way to be unlucky.

On a machine that cannot confine kernels these tests fail and say why. Only a person who sets
UNROLLED_NO_CONFINEMENT=1 may have them skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.kernels import confinement_support

from . import driver

HERE = Path(__file__).parent


@pytest.fixture(scope="session", autouse=True)
def confinement() -> None:
    """Refuse to pass silently where nothing can be tested."""
    support = confinement_support()
    if support.available:
        return
    sentence = " ".join(support.missing)
    if os.environ.get("UNROLLED_NO_CONFINEMENT") == "1":
        pytest.skip(sentence)
    pytest.fail(f"{sentence} (Set UNROLLED_NO_CONFINEMENT=1 to skip these tests.)", pytrace=False)


@pytest.fixture(scope="session")
def known_kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The confined kernels are known to this process; the environment to tell others."""
    return driver.make_known(tmp_path_factory.mktemp("kernels"))


@pytest.fixture
def run(known_kernels: dict[str, str], tmp_path: Path) -> Callable[..., driver.Run]:
    """Run cells in a kernel, in a fresh working directory."""

    def run_cells(kernel: str, *sources: str, **chosen: Any) -> driver.Run:
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        return driver.run_cells(kernel, sources, cwd=work, **chosen)

    return run_cells


@pytest.fixture(scope="session")
def run_as_ordinary_user() -> Iterator[Callable[[list[dict[str, Any]]], dict[str, Any]]]:
    """Run lists of cells as a user without any rights: root becomes one, anybody else is one."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o777)

        def run(runs: list[dict[str, Any]]) -> dict[str, Any]:
            job = directory / "job.json"
            job.write_text(json.dumps({"directory": str(directory / "user"), "runs": runs}))
            job.chmod(0o644)
            for needed in (directory / "user", directory / "user" / "work"):
                needed.mkdir(exist_ok=True)
                needed.chmod(0o777)
            command = [sys.executable, str(HERE / "driver.py"), str(job)]
            if os.getuid() == 0:
                command[1:1] = [str(HERE / "as_user.py")]
            finished = subprocess.run(
                command,
                env={
                    **os.environ,
                    "PYTHONPATH": str(driver.REPOSITORY),
                    "UNROLLED_TEST_HOME": str(directory / "user"),
                },
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            for line in finished.stdout.splitlines():
                if line.startswith("RESULT "):
                    return dict(json.loads(line.removeprefix("RESULT ")))
            raise AssertionError(finished.stdout + finished.stderr)

        yield run
