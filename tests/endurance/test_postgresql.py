"""The same on PostgreSQL: a server of our own, for as long as the tests run."""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.endurance.rig import Bench, Evidence, evidence
from tests.endurance.test_locked import wait_for_note

pytestmark = pytest.mark.slow


def program(name: str) -> str:
    """Where a program of the server lies; Debian keeps them off the path."""
    found = [shutil.which(name), *sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))]
    known = [path for path in found if path]
    if not known:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    return known[-1]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a new, empty server that listens on a socket in a private folder."""
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("no driver for PostgreSQL is installed (pip install 'psycopg[binary]')")
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    # The server refuses to run as root.
    user = None
    if os.geteuid() == 0:
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = "postgres" if "postgres" in names else "nobody"

    def run(*command: str) -> None:
        done = subprocess.run(
            command, user=user, cwd="/", stdout=log.open("a"), stderr=subprocess.STDOUT, check=False
        )
        assert done.returncode == 0, log.read_text()

    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as name:
        folder, log = Path(name), Path(name, "commands.log")
        log.touch()
        if user:
            shutil.chown(folder, user)
        data = folder / "data"
        run(initdb, "-D", str(data), "-U", "course", "--auth=trust", "-E", "UTF8")
        started = (pg_ctl, "-D", str(data), "-w", "-l", str(folder / "server.log"))
        run(*started, "-o", f"-k {folder} -c listen_addresses='' -c fsync=off", "start")
        try:
            yield f"postgresql://course@/{{}}?host={folder}"
        finally:
            run(*started, "-m", "immediate", "stop")


@pytest.fixture
def url(server: str, request: pytest.FixtureRequest) -> str:
    """An empty database."""
    name = f"db{abs(hash(request.node.name)) % 10**9}"
    engine = create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.format(name)


def same(bench: Bench, url: str, undisturbed: Evidence) -> None:
    found = evidence(bench, url)
    assert found.gradebook == undisturbed.gradebook
    assert found.comments == undisturbed.comments
    assert found.report == undisturbed.report
    assert found.graded == undisturbed.graded
    assert not (bench.root / "gradebook.db").exists()


def test_two_graders_share_a_class_on_postgresql_and_a_third_finds_it_done(
    bench: Bench, url: str, undisturbed: Evidence
) -> None:
    bench.options = ("--gradebook", url)
    for process in [bench.start(), bench.start()]:
        done = bench.finish(process)
        assert done.code == 0, done.printed + done.errors
    same(bench, url, undisturbed)
    again = bench.grade()
    assert again.code == 0, again.printed + again.errors
    assert again.printed.count(": unchanged, ") == 5
    same(bench, url, undisturbed)


def test_a_table_that_another_program_has_locked_is_waited_for(
    bench: Bench, url: str, undisturbed: Evidence
) -> None:
    bench.options = ("--gradebook", url)
    assert bench.grade().code == 0
    engine = create_engine(url)
    with engine.connect() as other:
        other.execute(text("LOCK TABLE grade IN ACCESS EXCLUSIVE MODE"))
        short = bench.grade("--force", "--wait", "1")
        assert short.code == 1, short.printed + short.errors
        assert "stayed locked by another program" in short.errors
        assert "Traceback" not in short.errors
        process = bench.start("--force", "--wait", "280")
        assert "another program has locked the gradebook" in wait_for_note(process)
        other.rollback()
    engine.dispose()
    done = bench.finish(process)
    assert done.code == 0, done.printed + done.errors
    same(bench, url, undisturbed)


def test_a_server_that_goes_away_is_said_in_a_sentence(bench: Bench, url: str) -> None:
    bench.options = ("--gradebook", url.replace("host=", "host=/nonexistent"))
    done = bench.grade()
    assert done.code != 0
    assert "cannot be opened" in done.errors
    assert "Traceback" not in done.errors
