"""A gradebook is opened, completed and waited for; what is in the way is said in a sentence."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from autograder.course import Course, CourseError
from autograder.gradebook import (
    Patience,
    Stopped,
    address,
    is_busy,
    open_gradebook,
    shown,
    whats_in_the_way,
)

URL = "sqlite:////srv/grades.db"


def said_by_database(text: str) -> OperationalError:
    return OperationalError("UPDATE grade", {}, sqlite3.OperationalError(text))


def wrapped(inner: Exception) -> Exception:
    """As nbgrader passes on what its database said."""
    try:
        try:
            raise inner
        except Exception:
            raise RuntimeError("There was an error accessing the nbgrader database.")  # noqa: B904
    except RuntimeError as outer:
        return outer


def test_an_address_names_the_same_file_from_every_folder(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = address("sqlite:///grades.db")
    assert made.startswith(f"sqlite:///{tmp_path}/grades.db?")
    assert "timeout=" in made
    assert shown(made) == f"{tmp_path}/grades.db"
    assert address("sqlite://").startswith("sqlite:")


def test_a_password_reaches_the_database_and_no_sentence() -> None:
    made = address("postgresql://ada:secret@host/grades")
    assert "secret" in made
    assert "lock_timeout" in made
    assert "secret" not in shown(made)
    assert "host/grades" in shown(made)


def test_what_is_no_address_is_refused_with_an_example() -> None:
    with pytest.raises(CourseError, match="sqlite:///FILE"):
        address("grades.db")


def test_a_lock_is_known_through_whatever_wraps_it() -> None:
    assert is_busy(wrapped(said_by_database("database is locked")))
    assert is_busy(wrapped(said_by_database("canceling statement due to lock timeout")))
    assert not is_busy(wrapped(said_by_database("database or disk is full")))
    assert not is_busy(ValueError("locked"))


def test_a_full_disk_is_worded_with_the_file_that_could_not_be_written() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/srv/results/ada.json")
    assert "/srv/results/ada.json could not be written" in whats_in_the_way(wrapped(full), URL)
    said = whats_in_the_way(wrapped(said_by_database("database or disk is full")), URL)
    assert "/srv/grades.db could not be written: database or disk is full" in said
    assert "Make room" in said
    assert whats_in_the_way(ValueError("no disk"), URL) == ""
    assert whats_in_the_way(OSError(errno.ENOENT, "no such file", "x"), URL) == ""


def test_patience_has_an_end_and_begins_anew_after_success() -> None:
    told: list[str] = []
    patience = Patience(URL, seconds=0.0, tell=told.append)
    attempts = iter([said_by_database("database is locked"), None])

    def once_locked() -> str:
        if error := next(attempts):
            raise error
        return "done"

    assert Patience(URL, seconds=60.0, tell=told.append).wait(once_locked) == "done"
    assert len(told) == 1
    assert "/srv/grades.db" in told[0]
    locked = said_by_database("database is locked")
    patience.pause(locked)
    with pytest.raises(Stopped, match="stayed locked"):
        patience.pause(locked)
    patience.over()
    assert patience.pause(locked) > 0


def test_a_gradebook_whose_maker_was_killed_is_completed(tmp_path: Path) -> None:
    course = Course(tmp_path)
    url = address(f"sqlite:///{tmp_path / 'gradebook.db'}")

    def versions() -> list[tuple[str]]:
        with open_gradebook(url, course), closing(sqlite3.connect("gradebook.db")) as database:
            return database.execute("SELECT version_num FROM alembic_version").fetchall()

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        complete = versions()
        assert len(complete) == 1
        for interruption in ("DELETE FROM alembic_version", "DROP TABLE alembic_version"):
            with closing(sqlite3.connect("gradebook.db")) as database:
                database.execute(interruption)
                database.commit()
            assert versions() == complete
