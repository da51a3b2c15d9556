"""Whenever the grader is killed, a later run ends with every submission graded exactly once."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from autograder.files import claimed, temporary_files_of_one_run, write_atomically
from tests.endurance.killing import campaign, differences
from tests.endurance.rig import ASSIGNMENT, Bench, Evidence

KILLS = 15  # `make endurance` does 200


@pytest.mark.slow
def test_killed_at_random_moments_nothing_is_lost_doubled_or_left_behind(
    tmp_path: Path, undisturbed: Evidence
) -> None:
    total, classes = campaign(tmp_path, undisturbed, KILLS, seed=20170601, told=print)
    assert total.total() >= KILLS
    assert classes >= 1


def killed_in(program: str) -> None:
    """Run a program that kills itself."""
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL


def test_what_a_killed_writer_left_beside_a_file_goes_with_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    killed_in(
        "import os, signal; from pathlib import Path; import autograder.files as files\n"
        "files.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"files.write_atomically(Path({str(path)!r}), 'half')"
    )
    assert len(list(tmp_path.iterdir())) == 1
    assert not path.exists()
    write_atomically(path, "whole")
    assert [one.name for one in tmp_path.iterdir()] == ["record.json"]
    assert path.read_text() == "whole"


def test_a_writer_that_lives_keeps_its_file_while_another_one_writes(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    program = (
        "import sys; from pathlib import Path; import autograder.files as files\n"
        "replace = files.os.replace\n"
        "def paused(*names):\n"
        "    print('about to', flush=True); sys.stdin.read(); replace(*names)\n"
        "files.os.replace = paused\n"
        f"files.write_atomically(Path({str(path)!r}), 'second')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "about to\n"
        write_atomically(path, "first")
        assert path.read_text() == "first"
        other.communicate()
    assert other.returncode == 0
    assert path.read_text() == "second"
    assert [one.name for one in tmp_path.iterdir()] == ["record.json"]


def test_the_temporary_files_of_a_killed_run_go_when_the_next_one_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    killed_in(
        "import os, signal, tempfile; from autograder.files import temporary_files_of_one_run\n"
        "with temporary_files_of_one_run():\n"
        "    tempfile.mkdtemp(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    (killed,) = tmp_path.iterdir()
    with temporary_files_of_one_run() as first:
        assert not killed.exists()
        with temporary_files_of_one_run() as second:  # one at work leaves the other's alone
            assert first.is_dir()
            assert second.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_claim_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    killed_in(
        "import os, signal; from pathlib import Path; from autograder.files import claimed\n"
        f"with claimed(Path({str(path)!r})) as ours:\n"
        "    assert ours; os.kill(os.getpid(), signal.SIGKILL)"
    )
    with claimed(path) as ours:
        assert ours
        with claimed(path) as twice:
            assert not twice
    with claimed(path) as again:
        assert again
    assert os.path.getsize(path) == 0


@pytest.mark.slow
def test_what_was_entered_by_half_is_entered_again(bench: Bench, undisturbed: Evidence) -> None:
    assert bench.grade().code == 0
    graded = bench.root / "autograded" / "bao" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    # Killed between the grades and the rest: the notebook is half written, no comment is there.
    graded.chmod(0o644)
    graded.write_text(graded.read_text(encoding="utf-8")[:1000], encoding="utf-8")
    with closing(sqlite3.connect(bench.root / "gradebook.db")) as database:
        database.execute("UPDATE comment SET auto_comment = NULL")
        database.commit()
    for mark in bench.root.glob(".course/results/*/.*.entered"):
        mark.unlink()
    assert differences(bench, undisturbed) != []
    again = bench.grade()
    assert again.code == 0, again.printed + again.errors
    assert again.printed.count("unchanged, ") == 5
    assert differences(bench, undisturbed) == []
