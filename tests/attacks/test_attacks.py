"""Every attack succeeds where nothing stops it, and earns nothing here.

The same submissions are handed in twice: to an ordinary nbgrader course (`stock.py`), where each must
succeed, and to `course grade`, among honest students. Attacks on our own protocol have no place there; a judge
that lacks one check (`believers.py`) takes the course's.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder.kernels import confinement_support
from autograder.rebuild import rebuild
from tests.attacks import stock
from tests.attacks.attack import PROOFS, Attack, Targets, honest, read, sleeping
from tests.attacks.believers import BELIEVERS, question, reply_of
from tests.attacks.collection import ATTACKS, FAMILIES
from tests.attacks.table import README, table
from tests.examples.classroom import COURSE, SUBMITTED, Graded, grade, new_course

pytestmark = pytest.mark.slow

NAME = "01_unrolling_by_hand"
SOLUTION = COURSE / "solutions" / NAME / f"{NAME}.py"
AT_LEAST = 60
HONEST = ("amara", "bjorn", "chidi")
"""Of the example class; they hand in between the attacks."""

FROM_STOCK = [attack for attack in ATTACKS.values() if not attack.believer]
ON_OUR_PROTOCOL = [attack for attack in ATTACKS.values() if attack.believer in BELIEVERS]


@dataclass(frozen=True)
class Heard:
    """Servers on this machine, and who spoke to them."""

    tcp: int
    udp: int
    unix: str
    names: set[str]


@pytest.fixture(scope="session")
def servers() -> Iterator[Heard]:
    """TCP, UDP and an abstract unix socket: they say hello, and note who asked."""
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    unix = socket.socket(socket.AF_UNIX)
    name = f"attacked-{os.getpid()}"
    unix.bind(f"\0{name}")
    unix.listen()
    names: set[str] = set()

    def listen(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection:
                    names.add(connection.recv(100).decode())
                    connection.sendall(b"hello")

    def answer() -> None:
        with suppress(OSError):
            while True:
                said, sender = udp.recvfrom(100)
                names.add(said.decode())
                udp.sendto(b"hello", sender)

    for target in (lambda: listen(tcp), lambda: listen(unix), answer):
        threading.Thread(target=target, daemon=True).start()
    yield Heard(tcp.getsockname()[1], udp.getsockname()[1], name, names)
    for server in (tcp, udp, unix):
        server.close()


def _targets(root: Path, course: Path, release: Path, neighbour: Path, servers: Heard) -> Targets:
    (root / "evidence").mkdir()
    (root / "home").mkdir(exist_ok=True)
    (course / "kept").mkdir()
    (course / "precious.txt").write_text("precious")
    for attack in ATTACKS:
        (course / "kept" / f"{attack}.txt").write_text("kept")
    return Targets(
        course=str(course),
        gradebook=str(course / "gradebook.db"),
        release=str(release),
        neighbour=str(neighbour),
        solution=str(SOLUTION),
        evidence=str(root / "evidence"),
        home=str(root / "home"),
        tcp=servers.tcp,
        udp=servers.udp,
        unix=servers.unix,
    )


# ---- where nothing stops them


@dataclass(frozen=True)
class Stock:
    """How an ordinary nbgrader course graded them."""

    controls: dict[str, stock.Control]
    reached: set[str]

    def succeeded(self, attack: Attack) -> bool:
        """Whether it got what it was after."""
        control = self.controls[attack.name]
        return {
            "points": control.score > 0,
            "reached": attack.name in self.reached,
            "ungraded": not control.graded and not control.killed,
            "grader-killed": control.killed,
            "left": control.left > 0,
            "bloated": control.megabytes > 4,
            "script": control.scripts,
        }[attack.proof]


def _graded_by_stock(root: Path, attacks: list[Attack], servers: Heard) -> Stock:
    course = root / "course"
    release_path = stock.make_course(course)
    release = read(release_path)
    handed_in = course / "submitted"
    neighbour = handed_in / "a-neighbour" / stock.NAME / f"{stock.NAME}.ipynb"
    targets = _targets(root, course, release_path, neighbour, servers)
    neighbour.parent.mkdir(parents=True)
    neighbour.write_text(json.dumps(honest(release, stock.RIGHT, targets)))
    plain = Attack("merely-wrong", "", "", "points", ())
    for attack in (plain, *attacks):
        attack.hand_in(release, handed_in, targets, stock.NAME)
    students = ["a-neighbour", plain.name, *(attack.name for attack in attacks)]
    controls = stock.grade(course, students)
    return Stock(controls, {path.name for path in (root / "evidence").iterdir()})


@pytest.fixture(scope="session")
def by_stock(tmp_path_factory: pytest.TempPathFactory, servers: Heard) -> Stock:
    """All attacks, in two ordinary courses side by side."""
    halves = [FROM_STOCK[0::2], FROM_STOCK[1::2]]
    roots = [tmp_path_factory.mktemp("stock") for _ in halves]
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(_graded_by_stock, roots, halves, [servers] * 2)
    return Stock(one.controls | other.controls, one.reached | other.reached)


def test_a_right_answer_earns_all_points_there_and_a_wrong_one_none(by_stock: Stock) -> None:
    assert by_stock.controls["a-neighbour"].score == len(stock.TESTS)
    wrong = by_stock.controls["merely-wrong"]
    assert wrong.graded
    assert wrong.score == 0.0


@pytest.mark.parametrize("attack", FROM_STOCK, ids=lambda attack: attack.name)
def test_it_succeeds_in_an_ordinary_nbgrader_course(attack: Attack, by_stock: Stock) -> None:
    assert by_stock.succeeded(attack), by_stock.controls[attack.name]


@pytest.mark.parametrize("attack", ON_OUR_PROTOCOL, ids=lambda attack: attack.name)
def test_it_succeeds_with_a_judge_that_lacks_the_check(attack: Attack, tmp_path: Path) -> None:
    release = read(COURSE / "notebooks" / NAME / f"{NAME}.ipynb")
    (tmp_path / "evidence").mkdir()
    targets = Targets("", "", "", "", "", str(tmp_path / "evidence"), "", 0, 0, "")
    asked = question()
    keep = {"code-1", asked.name, "after", f"check-{asked.name}"}
    notebook = attack.notebook(release, targets)
    notebook.cells = [cell for cell in notebook.cells if cell.id in keep]
    notebook.cells[0].source = "import numpy as np"  # TensorFlow is not asked for
    text = asyncio.run(reply_of(notebook, asked))
    assert BELIEVERS[attack.believer](text)
    if attack.family == "serialisation" and attack.believer in ("pickle", "npy", "eval"):
        assert (tmp_path / "evidence" / attack.name).exists()


def test_marks_of_the_grader_would_be_believed_where_metadata_is_taken_over() -> None:
    attack = ATTACKS["marks-of-the-grader"]
    release = read(COURSE / "notebooks" / NAME / f"{NAME}.ipynb")
    targets = Targets("", "", "", "", "", "", "", 0, 0, "")
    submitted = attack.notebook(release, targets)
    rebuilt = rebuild(release, submitted).notebook
    for notebook, believed in ((submitted, True), (rebuilt, False)):
        assert ("unrolled_result" in notebook.metadata) is believed
        owners = {cell.metadata.get("unrolled", {}).get("owner") for cell in notebook.cells}
        assert ("release" in owners) is believed


# ---- here


@dataclass(frozen=True)
class Ours:
    """How ``course grade`` graded them."""

    run: Graded
    targets: Targets
    before: dict[str, str]
    after: dict[str, str]
    reached: set[str]
    heard: set[str]
    left: list[int]
    shared_memory: set[str]

    def result(self, student: str) -> dict[str, Any]:
        """Of one student."""
        return self.run.submissions[f"{student}/{NAME}"]


def _contents(*folders: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory, servers: Heard) -> Ours:
    """The whole class, graded once by the real command."""
    if not confinement_support().available:
        pytest.skip(f"this machine cannot confine: {' '.join(confinement_support().missing)}")
    root = tmp_path_factory.mktemp("ours")
    course = new_course(root / "course")
    release_path = course / "notebooks" / NAME / f"{NAME}.ipynb"
    students = root / "students"
    neighbour = students / HONEST[0] / NAME / f"{NAME}.ipynb"
    targets = _targets(root, course, release_path, neighbour, servers)
    for student in HONEST:
        (students / student / NAME).mkdir(parents=True)
        handed_in = (SUBMITTED / student / NAME / f"{NAME}.ipynb").read_bytes()
        (students / student / NAME / f"{NAME}.ipynb").write_bytes(handed_in)
    release = read(release_path)
    for attack in ATTACKS.values():
        attack.hand_in(release, students, targets, NAME)
    watched = (students, course / "notebooks", course / "kept", root / "home")
    files = (course / "nbgrader_config.py", course / "precious.txt")

    def now() -> dict[str, str]:
        single = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        return _contents(*watched) | single

    before, shared, heard = now(), set(os.listdir("/dev/shm")), {*servers.names}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("A_SECRET_OF_THE_GRADER", "secret")
        run = grade(course, students, "--timeout", "8", "--memory", "800")
    return Ours(
        run,
        targets,
        before,
        now(),
        {path.name for path in (root / "evidence").iterdir()},
        servers.names - heard,
        [pid for attack in ATTACKS for pid in sleeping(targets.evidence, attack)],
        set(os.listdir("/dev/shm")) - shared,
    )


def test_the_run_is_done_and_nothing_in_it_was_the_graders_fault(ours: Ours) -> None:
    assert ours.run.code == 0, ours.run.printed + ours.run.errors
    assert set(ours.run.states) == {f"{one}/{NAME}" for one in (*ATTACKS, *HONEST)}
    assert "Traceback" not in ours.run.printed + ours.run.errors


@pytest.mark.parametrize("student", HONEST)
def test_honest_students_between_them_get_what_they_deserve(student: str, ours: Ours) -> None:
    result = ours.result(student)
    assert result["score"] == result["max_score"]
    assert result["incidents"] == []


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_it_earns_nothing(attack: Attack, ours: Ours) -> None:
    result = ours.result(attack.name)
    assert result["status"] == attack.status, result["incidents"]
    assert result["score"] == 0.0, result
    assert result["sandboxed"] is (attack.status == "graded")


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_it_is_named(attack: Attack, ours: Ours) -> None:
    incidents = ours.result(attack.name)["incidents"]
    for kind, part in attack.named:
        wanted = ours.targets.fill(part, attack.name)
        assert any(one["kind"] == kind and wanted in one["detail"] for one in incidents), incidents


def test_none_reached_what_it_was_after(ours: Ours) -> None:
    assert ours.reached == set()
    assert ours.heard == set()


def test_none_left_anything_behind(ours: Ours) -> None:
    assert ours.left == []
    assert ours.shared_memory == set()


def test_no_submission_release_or_other_file_was_changed(ours: Ours) -> None:
    assert ours.after == ours.before


def test_the_gradebook_holds_the_grades_and_nothing_of_theirs(ours: Ours) -> None:
    with sqlite3.connect(ours.targets.gradebook) as gradebook:
        students = {name for (name,) in gradebook.execute("SELECT id FROM student")}
        by_hand = gradebook.execute(
            "SELECT COUNT(*) FROM grade WHERE manual_score IS NOT NULL OR extra_credit IS NOT NULL"
        ).fetchone()
        points = gradebook.execute("SELECT SUM(auto_score) FROM grade").fetchone()
    assert students == {*ATTACKS, *HONEST}
    assert by_hand == (0,)
    assert points == (sum(ours.result(student)["score"] for student in HONEST),)


def test_graded_notebooks_stay_small(ours: Ours) -> None:
    sizes = {
        path.parts[-3]: path.stat().st_size
        for path in (ours.run.root / "autograded").rglob("*.ipynb")
    }
    assert set(sizes) == {*ATTACKS, *HONEST}
    assert max(sizes.values()) < 2_000_000, max(sizes, key=lambda name: sizes[name])


# ---- the collection itself


def test_there_are_enough_attacks_in_every_family_and_each_proves_something() -> None:
    assert len(ATTACKS) == sum(len(several) for several in FAMILIES.values())
    assert len(ATTACKS) >= AT_LEAST
    for family, several in FAMILIES.items():
        assert len(several) >= 3, family
        assert {attack.family for attack in several} == {family}
    for attack in ATTACKS.values():
        assert attack.named, attack.name
        assert attack.proof in PROOFS, attack.name
        assert (attack.proof == "believed") is bool(attack.believer), attack.name
    assert len({attack.tries for attack in ATTACKS.values()}) == len(ATTACKS)


def test_the_table_of_the_readme_says_what_the_collection_says() -> None:
    text = README.read_text(encoding="utf-8")
    assert table() in text, "run: python -m tests.attacks.table"
