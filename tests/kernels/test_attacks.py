"""What confinement stops, each proven to succeed where nothing confines."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.kernels import warm
from autograder.kernels.kernelspecs import FRAMEWORKS

from . import attacks, driver

HERE = Path(__file__).parent
LIMITS = {"processes": 64, "disk_mb": 40, "file_mb": 20}
AS_ROOT = os.getuid() == 0
CELLS = attacks.REACHES | (attacks.REACHES_AS_ROOT if AS_ROOT else {})


@pytest.fixture(scope="module")
def targets(known_kernels: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Files, servers and processes to aim at. Everybody could reach them without confinement."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        planted_name = f"unrolled-planted-{secrets.token_hex(4)}"
        victim = subprocess.Popen(
            [sys.executable, str(HERE / "victim.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert victim.stdout is not None
        with Servers(directory) as servers:
            yield {
                **_files(directory),
                **servers.addresses,
                "abstract": servers.abstract,
                "repository": str(driver.REPOSITORY),
                "victim": victim.pid,
                "victim_descriptor": int(victim.stdout.readline().split()[1]),
                "zygote": _numpy_zygote().process.pid,
                "planted_name": planted_name,
            }
        victim.communicate(timeout=10)
        Path("/dev/shm", planted_name).unlink(missing_ok=True)


def _numpy_zygote() -> warm.Zygote:
    return warm.zygote_for(warm.Recipe(tensorflow=False))


def _files(directory: Path) -> dict[str, str]:
    contents = {
        "class/solutions/answer.py": "secret answer",
        "class/gradebook.db": "secret grades",
        "class/submitted/bob/nb.py": "secret work",
        "library/cells/lstm.py": "secret gates",
        "library/cells/__pycache__/lstm.cpython-311.pyc": "secret gates",
        "library/cells/rnn.py": "shown",
        "work/hidden_tests.ipynb": "secret tests",
        "work/data.txt": "data",
    }
    for name, text in contents.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (directory / "work/link").symlink_to(directory / "class/gradebook.db")
    for path in (directory, *directory.rglob("*")):
        if path.is_dir():
            path.chmod(0o777)
    return {name: str(directory / name) for name in ("class", "library", "work")}


class Servers:
    """Something that answers on TCP, UDP and unix sockets until the tests are done."""

    def __init__(self, directory: Path) -> None:
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        (directory / "other-kernel").mkdir()
        self.abstract = f"unrolled-{secrets.token_hex(8)}"
        self._unix = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        names = [str(directory / "unix"), "\0" + self.abstract, f"{directory}/other-kernel/shell-1"]
        for server, name in zip(self._unix, names, strict=True):
            server.bind(name)
            server.listen()
        for path in (names[0], names[2]):
            Path(path).chmod(0o777)
        self.addresses = {
            "tcp": self._tcp.getsockname()[1],
            "udp": self._udp.getsockname()[1],
            "unix": names[0],
            "other_kernel": str(directory / "other-kernel"),
        }

    def __enter__(self) -> Servers:
        for server in (self._tcp, *self._unix):
            threading.Thread(target=self._greet, args=(server,), daemon=True).start()
        threading.Thread(target=self._answer, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self._tcp, self._udp, *self._unix):
            server.close()

    @staticmethod
    def _greet(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"hello")

    def _answer(self) -> None:
        while True:
            try:
                _, sender = self._udp.recvfrom(16)
                self._udp.sendto(b"pong", sender)
            except OSError:
                return


def _sources(targets: dict[str, Any]) -> list[str]:
    preamble = attacks.PREAMBLE.format(targets=json.dumps(targets))
    return [preamble, *CELLS.values()]


def _by_attack(texts: list[str]) -> dict[str, str]:
    return dict(zip(CELLS, texts[1:], strict=True))


def _chosen(targets: dict[str, Any]) -> dict[str, Any]:
    return {
        "visible": [targets["library"]],
        "hidden": [targets["library"] + "/cells/lstm.py"],
        "limits": LIMITS,
    }


def _remove_planted(targets: dict[str, Any]) -> list[str]:
    """Remove what an attack wrote outside; say which attack it was."""
    places = {
        "the working directory outside, for writing": Path(targets["work"], "planted.txt"),
        "a directory outside, for writing": Path(targets["class"], "planted.txt"),
        "the machine's shared memory": Path("/dev/shm", targets["planted_name"]),
    }
    written = [attack for attack, path in places.items() if path.exists()]
    for path in places.values():
        path.unlink(missing_ok=True)
    return written


@pytest.fixture(scope="module")
def without_confinement(targets: dict[str, Any]) -> set[str]:
    """The attacks that succeed in an ordinary kernel."""
    os.environ["A_SECRET_OF_THE_GRADER"] = "secret"
    run = driver.run_cells(driver.ORDINARY, _sources(targets), cwd=targets["work"])
    reached = {attack for attack, text in _by_attack(run.texts).items() if "REACHED" in text}
    return reached | set(_remove_planted(targets))


@pytest.fixture(scope="module")
def confined(targets: dict[str, Any]) -> tuple[driver.Run, set[str]]:
    """A confined kernel's run, and the attacks that succeeded in it."""
    os.environ["A_SECRET_OF_THE_GRADER"] = "secret"
    run = driver.run_cells(driver.NUMPY, _sources(targets), cwd=targets["work"], **_chosen(targets))
    assert not run.died, run.account
    reached = {attack for attack, text in _by_attack(run.texts).items() if "REACHED" in text}
    return run, reached | set(_remove_planted(targets))


@pytest.fixture(scope="module")
def confined_by_ordinary_user(
    targets: dict[str, Any], run_as_ordinary_user: Callable[..., dict[str, Any]]
) -> tuple[dict[str, Any], set[str]]:
    """The same, started by a user without rights."""
    job = {"kernel": driver.NUMPY, "sources": _sources(targets), "chosen": _chosen(targets)}
    result = run_as_ordinary_user([job])
    assert result["uid"] != 0
    [run] = result["runs"]
    assert not run["died"], run
    reached = {attack for attack, text in _by_attack(run["texts"]).items() if "REACHED" in text}
    return run, reached | set(_remove_planted(targets))


@pytest.mark.parametrize("attack", CELLS)
def test_nothing_stops_it_in_an_ordinary_kernel(attack: str, without_confinement: set[str]) -> None:
    assert attack in without_confinement


@pytest.mark.parametrize("attack", CELLS)
def test_a_confined_kernel_does_not_reach(
    attack: str, confined: tuple[driver.Run, set[str]]
) -> None:
    assert attack not in confined[1]


@pytest.mark.parametrize("attack", CELLS)
def test_a_confined_kernel_of_an_ordinary_user_does_not_reach(
    attack: str, confined_by_ordinary_user: tuple[dict[str, Any], set[str]]
) -> None:
    assert attack not in confined_by_ordinary_user[1]


def test_attempts_are_reported_by_kind(confined: tuple[driver.Run, set[str]]) -> None:
    account = confined[0].account
    assert account is not None
    kinds = {incident.kind for incident in account.incidents}
    assert kinds >= {"network", "forbidden call"}


def test_attempts_are_reported_to_an_ordinary_user_too(
    confined_by_ordinary_user: tuple[dict[str, Any], set[str]],
) -> None:
    incidents = confined_by_ordinary_user[0]["account"]["incidents"]
    kinds = {incident["kind"] for incident in incidents}
    assert kinds >= {"network", "forbidden call"}


# They hold what they took for a moment: it is counted 20 times a second.
TAKES_ALL = {
    "processes": """
import threading
enough = threading.Event()
try:
    while True: threading.Thread(target=enough.wait).start()
except RuntimeError:
    print("no more")
finally:
    threading.Event().wait(0.3)
    enough.set()
""",
    "disk": """
import threading
try:
    for index in range(9):
        open(f"big{index}", "wb").write(bytes(15 << 20))
except OSError as error:
    print("no more")
    threading.Event().wait(0.3)
""",
}


@pytest.mark.parametrize("kind", TAKES_ALL)
def test_a_kernel_that_takes_all_it_may_lives_on_and_is_reported(
    kind: str, run: Callable[..., driver.Run]
) -> None:
    result = run(driver.NUMPY, TAKES_ALL[kind], "print('alive')", limits=LIMITS)
    assert result.texts == ["no more\n", "alive\n"]
    assert result.account is not None
    assert kind in {incident.kind for incident in result.account.incidents}


def test_an_ordinary_users_kernel_that_takes_all_it_may_is_reported(
    run_as_ordinary_user: Callable[..., dict[str, Any]],
) -> None:
    jobs = [
        {"kernel": driver.NUMPY, "sources": [source], "chosen": {"limits": LIMITS}}
        for source in TAKES_ALL.values()
    ]
    for kind, result in zip(TAKES_ALL, run_as_ordinary_user(jobs)["runs"], strict=True):
        assert result["texts"] == ["no more\n"]
        assert kind in {incident["kind"] for incident in result["account"]["incidents"]}


@pytest.fixture(scope="module")
def ended_by_ordinary_user(
    run_as_ordinary_user: Callable[..., dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    tried = attacks.ENDS | {
        name: (source, attacks.HOARD_LIMITS) for name, source in attacks.HOARDS.items()
    }
    jobs = [
        {"kernel": driver.NUMPY, "sources": [source], "chosen": {"limits": limits}}
        for source, limits in tried.values()
    ]
    return dict(zip(tried, run_as_ordinary_user(jobs)["runs"], strict=True))


@pytest.mark.parametrize("kind", attacks.ENDS)
def test_an_ordinary_kernel_has_no_limit_on(kind: str, run: Callable[..., driver.Run]) -> None:
    source, _ = attacks.ENDS[kind]
    assert run(driver.ORDINARY, source).texts[0].endswith("REACHED\n")


@pytest.mark.parametrize("kind", attacks.ENDS)
def test_a_confined_kernel_ends_and_says_why_at_the_limit_of(
    kind: str, run: Callable[..., driver.Run]
) -> None:
    source, limits = attacks.ENDS[kind]
    result = run(driver.NUMPY, source, limits=limits)
    assert not result.texts[0].endswith("REACHED\n")
    assert result.account is not None
    assert result.account.reason.kind == kind, result.account


@pytest.mark.parametrize("kind", attacks.ENDS)
def test_an_ordinary_users_kernel_ends_and_says_why_at_the_limit_of(
    kind: str, ended_by_ordinary_user: dict[str, dict[str, Any]]
) -> None:
    result = ended_by_ordinary_user[kind]
    assert not result["texts"][0].endswith("REACHED\n")
    assert result["account"]["reason"]["kind"] == kind, result["account"]


@pytest.mark.parametrize("what", attacks.HOARDS)
def test_an_ordinary_kernel_may_hoard(what: str, run: Callable[..., driver.Run]) -> None:
    assert run(driver.ORDINARY, attacks.HOARDS[what]).texts[0].endswith("REACHED\n")


@pytest.mark.parametrize("what", attacks.HOARDS)
def test_a_confined_kernel_cannot_hoard(what: str, run: Callable[..., driver.Run]) -> None:
    result = run(driver.NUMPY, attacks.HOARDS[what], limits=attacks.HOARD_LIMITS)
    assert "REACHED" not in result.texts[0]
    assert result.account is not None
    ended = result.account.reason.kind == "memory"
    reported = "memory" in {incident.kind for incident in result.account.incidents}
    assert ended or reported or "PermissionError" in result.texts[0]


@pytest.mark.parametrize("what", attacks.HOARDS)
def test_an_ordinary_users_kernel_cannot_hoard(
    what: str, ended_by_ordinary_user: dict[str, dict[str, Any]]
) -> None:
    assert "REACHED" not in ended_by_ordinary_user[what]["texts"][0]


LEAVES_A_PROCESS = """
import subprocess
left = subprocess.Popen(["sleep", "{seconds}"], start_new_session=True)
print(left.pid)
"""


def _sleepers(seconds: str) -> list[int]:
    wanted = f"sleep\0{seconds}\0"
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cmdline").read_text() == wanted:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_process_left_behind_outlives_an_ordinary_kernel(run: Callable[..., driver.Run]) -> None:
    seconds = f"{600 + secrets.randbelow(10**6) / 10**6:.6f}"
    run(driver.ORDINARY, LEAVES_A_PROCESS.format(seconds=seconds))
    left = _sleepers(seconds)
    for pid in left:
        os.kill(pid, 9)
    assert len(left) == 1


def test_a_process_left_behind_dies_with_a_confined_kernel(run: Callable[..., driver.Run]) -> None:
    seconds = f"{600 + secrets.randbelow(10**6) / 10**6:.6f}"
    result = run(driver.NUMPY, LEAVES_A_PROCESS.format(seconds=seconds))
    assert result.texts[0].strip().isdigit()
    assert _sleepers(seconds) == []


def test_frameworks_are_not_there_without_tensorflow(run: Callable[..., driver.Run]) -> None:
    source = """
import importlib.util, sys, pathlib, numpy
site = pathlib.Path(numpy.__file__).parents[1]
print([p.name for p in site.iterdir() if p.name.startswith(("tensorflow", "keras", "torch"))])
print([m for m in sys.modules if m.startswith(("tensorflow", "keras", "torch"))])
print(importlib.util.find_spec("tensorflow"))
"""
    assert run(driver.NUMPY, source).texts[0] == "[]\n[]\nNone\n"
    assert "tensorflow*" in FRAMEWORKS
