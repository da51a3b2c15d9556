"""A disk that is full: said in a sentence that names the file; with room again, nothing is lost."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.endurance.full_disk import WHICH
from tests.endurance.killing import differences
from tests.endurance.rig import COURSE, SECONDS, Bench, Evidence, Run

pytestmark = pytest.mark.slow

NAMED = {
    "results": r"\.course/results/(bao|chen|dina|eskil)",  # whoever is first: several are graded at once
    "gradebook": r"gradebook\.db",
    "graded notebooks": r"autograded/(bao|chen|dina|eskil)",
}


@pytest.fixture(scope="session")
def namespace() -> list[str]:
    """The beginning of a command that may mount disks which nobody else sees."""
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = [shutil.which("unshare") or "unshare", *rights, "--mount"]
    trial = [*command, "sh", "-c", "mount -t tmpfs unrolled-test /mnt"]
    try:
        done = subprocess.run(trial, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no disk of a chosen size can be made here: {error}")
    if done.returncode != 0:
        pytest.skip(f"no disk of a chosen size can be made here: {done.stderr.strip()}")
    return command


@pytest.mark.parametrize("which", WHICH)
def test_a_full_disk_stops_the_run_and_with_room_again_nothing_is_lost(
    which: str, namespace: list[str], bench: Bench, undisturbed: Evidence
) -> None:
    program = [sys.executable, "-m", "tests.endurance.full_disk", str(bench.root), which]
    done = subprocess.run(
        [*namespace, *program],
        cwd=COURSE,
        capture_output=True,
        text=True,
        check=False,
        timeout=3 * SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first, full, again = (Run(**run) for run in json.loads(done.stdout))
    assert first.code == 0, first.printed + first.errors

    assert full.code == 1, full.printed + full.errors
    assert re.search(NAMED[which], full.errors)
    assert "could not be written" in full.errors
    assert "Make room" in full.errors
    assert "Traceback" not in full.errors

    assert again.code == 0, again.printed + again.errors
    seen = Bench(bench.root.parent / "seen" / Path(bench.root).name)
    assert differences(seen, undisturbed) == []
