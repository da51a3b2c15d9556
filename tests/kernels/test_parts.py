"""The parts that can be tried without a kernel."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import selectors
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import kernels
from autograder.kernels import cgroups, seccomp, support, usage
from autograder.kernels.kernelspecs import kernelspec
from autograder.kernels.limits import Limits
from autograder.kernels.relay import Relay, react
from autograder.kernels.request import KernelRequest, receive_packet, send_packet

from . import driver

# -- limits, requests, kernelspecs


def test_limits_survive_json() -> None:
    limits = Limits(wall_seconds=1.5, memory_mb=7)
    assert Limits.from_json(json.loads(json.dumps(limits.to_json()))) == limits


@pytest.mark.parametrize("value", [0, -1, "60", None, True])
def test_a_limit_must_be_a_positive_number(value: object) -> None:
    with pytest.raises(ValueError, match="wall_seconds"):
        Limits.from_json({"wall_seconds": value})


def test_a_request_survives_its_journey_with_its_descriptors() -> None:
    request = KernelRequest({"key": "k"}, "/sockets", "/cwd", hidden=("/a", "/b"))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, open(os.devnull) as nothing:
        send_packet(ours, request.to_json(), [nothing.fileno()])
        message, descriptors = receive_packet(theirs)
    assert message is not None
    assert KernelRequest.from_json(message) == request
    assert len(descriptors) == 1
    os.close(descriptors[0])


def test_a_packet_that_would_not_arrive_whole_is_refused() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, pytest.raises(ValueError, match="packet"):
        send_packet(ours, {"hidden": ["x" * 200_000]})


def test_kernelspecs_are_written_over_older_ones(tmp_path: Path) -> None:
    first = kernels.install_kernelspecs(tmp_path)
    (first[0] / "kernel.json").write_text("old")
    assert kernels.install_kernelspecs(tmp_path) == first
    written = json.loads((first[0] / "kernel.json").read_text())
    assert written == kernelspec(kernels.TENSORFLOW_KERNEL)


def test_options_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="hiden"):
        kernels.options(hiden=["/x"])


def test_the_package_offers_what_it_says() -> None:
    assert all(hasattr(kernels, name) for name in kernels.__all__)


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = (
        "import sys, autograder.kernels as k; k.confinement_support; k.Limits; "
        "print([m for m in ('numpy', 'tensorflow', 'jupyter_client', 'IPython') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(driver.REPOSITORY)}
    run = [sys.executable, "-c", program]
    assert subprocess.run(run, capture_output=True, text=True, env=environment).stdout == "[]\n"


# -- filters


def _answer(
    program: bytes, number: int, first: int = 0, second: int = 0, *, fourth: int = 0
) -> int:
    """Interpret a filter as Linux would."""
    data = {0: number, 4: 0xC000003E, 16: first, 24: second, 40: fourth}
    accumulator, position = 0, 0
    while True:
        code, if_true, if_false, constant = struct.unpack_from("=HBBI", program, 8 * position)
        position += 1
        match code:
            case 0x20:
                accumulator = data[constant]
            case 0x15:
                position += if_true if accumulator == constant else if_false
            case 0x25:
                position += if_true if accumulator > constant else if_false
            case 0x54:
                accumulator &= constant
            case 0x45:
                position += if_true if accumulator & constant else if_false
            case 0x06:
                return int(constant)


ALLOW, KILL, ASK = 0x7FFF0000, 0x80000000, 0x7FC00000
READ, CLONE, IOCTL = 0, 56, 16


def test_the_quiet_filter_allows_what_is_ordinary() -> None:
    program = seccomp.quiet_filter()
    assert _answer(program, READ) == ALLOW
    assert _answer(program, CLONE, 0x11) == ALLOW
    assert _answer(program, IOCTL, 1, 0x5401) == ALLOW


@pytest.mark.parametrize("name", seccomp.QUIETLY_REFUSED)
def test_the_quiet_filter_refuses(name: str) -> None:
    assert _answer(seccomp.quiet_filter(), seccomp.QUIETLY_REFUSED[name]) == 0x50001


def test_the_quiet_filter_refuses_new_namespaces_and_terminal_injection() -> None:
    program = seccomp.quiet_filter()
    assert _answer(program, CLONE, 0x10000000 | 0x11) == 0x50001
    assert _answer(program, IOCTL, 1, 0x5412) == 0x50001


def test_the_quiet_filter_knows_no_calls_newer_than_itself() -> None:
    program = seccomp.quiet_filter()
    assert {_answer(program, number) for number in (463, 500, 0x4000_0000 + READ)} == {0x50026}


def test_the_quiet_filter_refuses_shared_memory_that_nobody_would_count() -> None:
    private, shared, of_a_file, mmap = 0x22, 0x21, 0x01, 9
    counted, uncounted = seccomp.quiet_filter(), seccomp.quiet_filter(shared_memory=False)
    assert _answer(counted, mmap, fourth=shared) == ALLOW
    assert _answer(uncounted, mmap, fourth=shared) == 0x50001
    assert _answer(uncounted, mmap, fourth=private) == ALLOW
    assert _answer(uncounted, mmap, fourth=of_a_file) == ALLOW
    assert _answer(uncounted, 29) == 0x50001  # the rules behind it still see the number


@pytest.mark.parametrize("name", [*seccomp.SOCKET_CALLS, *seccomp.ATTACK_CALLS])
def test_the_noticed_filter_asks_about(name: str) -> None:
    number = (seccomp.SOCKET_CALLS | seccomp.ATTACK_CALLS)[name]
    assert _answer(seccomp.noticed_filter(), number) == ASK
    assert _answer(seccomp.quiet_filter(), number) == ALLOW  # else nobody would hear of it


# -- control groups


def _version_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, controllers: str) -> Path:
    """A tree like that of version 2, in which our own group has processes."""
    top = tmp_path / "cgroup"
    own = top / "user" / "scope"
    own.mkdir(parents=True)
    (own / "cgroup.subtree_control").write_text("\n")
    (top / "user" / "cgroup.subtree_control").write_text(controllers)
    (top / "cgroup.subtree_control").write_text("\n")
    files = {
        "/proc/self/cgroup": ["0::/user/scope"],
        "/proc/self/mounts": [f"cgroup2 {top} cgroup2 rw 0 0"],
    }
    original = cgroups._lines
    monkeypatch.setattr(cgroups, "_lines", lambda path: files.get(path) or original(path))
    return top / "user"


def test_version_two_of_control_groups_is_used_where_it_counts_memory_and_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = _version_two(tmp_path, monkeypatch, "cpu memory pids\n")
    group = cgroups.create("1", Limits(memory_mb=3, processes=9))
    assert group is not None
    assert group.directories == (parent / "unrolled-1",)
    assert (parent / "unrolled-1" / "memory.max").read_text() == str(3 << 20)
    assert (parent / "unrolled-1" / "pids.max").read_text() == "9"
    (parent / "unrolled-1" / "memory.events").write_text("low 0\noom 2\noom_kill 1\n")
    (parent / "unrolled-1" / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    assert group.memory_kills() == 1
    assert group.cpu_seconds() == 2.5


def test_no_control_group_is_made_where_nothing_would_be_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _version_two(tmp_path, monkeypatch, "cpu\n")
    assert cgroups.create("1", Limits()) is None


def test_groups_of_supervisors_that_were_killed_are_swept_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = _version_two(tmp_path, monkeypatch, "memory pids\n")
    for name in ("unrolled-999999999", f"unrolled-{os.getpid()}", "somebody-else"):
        (parent / name).mkdir()
    cgroups.sweep()
    left = {path.name for path in parent.iterdir() if path.is_dir()}
    assert left == {"scope", f"unrolled-{os.getpid()}", "somebody-else"}


# -- usage


def test_usage_counts_children_and_grandchildren() -> None:
    program = (
        "import subprocess, sys; "
        "p = subprocess.Popen(['sh', '-c', 'cat; true'], stdin=subprocess.PIPE); "
        "print('up', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    alone = usage.measure(process.pid)
    assert alone.threads >= 2
    assert alone.memory > 1 << 20
    assert alone.cpu_seconds > 0
    assert usage.own_memory(process.pid) > 1 << 20
    process.communicate("")


def test_usage_of_a_process_that_is_gone_is_nothing() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert usage.measure(gone.pid) == usage.Usage(0, 0.0, 0, 0)


# -- the relay


def test_the_relay_carries_both_ways_and_counts_what_comes_out(tmp_path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "kernel"))
    server.listen()
    target = os.open(tmp_path / "kernel", os.O_PATH)
    selector = selectors.DefaultSelector()
    relay = Relay(selector, {str(tmp_path / "outside"): target})
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(tmp_path / "outside"))

    def turn(times: int = 20) -> None:
        for _ in range(times):
            react(selector, 0.01)

    turn(2)
    kernel, _ = server.accept()
    client.sendall(b"question")
    turn(2)
    assert kernel.recv(100) == b"question"
    kernel.sendall(b"a long answer" * 10)
    turn(2)
    assert client.recv(1000) == b"a long answer" * 10
    assert relay.bytes_out == 130

    # A client that does not read stops the kernel, and nothing piles up between them.
    kernel.setblocking(False)
    sent = 0
    try:
        while True:
            sent += kernel.send(bytes(1 << 16))
            turn(1)
    except BlockingIOError:
        assert sent < 4 << 20
    relay.close()
    assert not (tmp_path / "outside").exists()
    for each in (client, kernel, server):
        each.close()


def test_a_reaction_may_close_what_the_next_one_is_about() -> None:
    selector = selectors.DefaultSelector()
    pairs = [socket.socketpair() for _ in range(2)]
    called = []

    def close_the_other(mine: int) -> None:
        called.append(mine)
        selector.unregister(pairs[1 - mine][0])
        pairs[1 - mine][0].close()

    for index, (one, other) in enumerate(pairs):
        other.send(b"x")
        selector.register(one, selectors.EVENT_READ, lambda _, mine=index: close_the_other(mine))
    react(selector, 1)
    assert len(called) == 1
    for pair in pairs:
        for each in pair:
            each.close()


# -- support


def test_a_machine_that_can_says_so_in_sentences() -> None:
    found = kernels.confinement_support()
    assert found.missing == ()
    assert all(feature.sentence.endswith((".", ".)")) for feature in found.features)


def test_another_system_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    support.confinement_support.cache_clear()
    try:
        with pytest.raises(kernels.ConfinementUnavailable, match=r"need Linux; this is Darwin"):
            kernels.require_confinement()
    finally:
        support.confinement_support.cache_clear()


def test_another_processor_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    support.confinement_support.cache_clear()
    try:
        with pytest.raises(kernels.ConfinementUnavailable, match="riscv64"):
            kernels.require_confinement()
    finally:
        support.confinement_support.cache_clear()


@pytest.mark.parametrize(
    ("report", "name"),
    [
        ({"failed_at": "namespaces", "error": "no"}, "namespaces"),
        ({"namespaces": True, "failed_at": "root", "error": "no"}, "file system"),
        (
            {"namespaces": True, "root": True, "failed_at": "confined", "error": "no"},
            "Landlock and seccomp",
        ),
        ({"error": "it was killed"}, "namespaces"),
    ],
)
def test_what_failed_is_named_with_advice(report: dict[str, object], name: str) -> None:
    found = support.ConfinementSupport(support.features(report))
    assert not found.available
    missing = [feature for feature in found.features if feature.required and not feature.present]
    assert [feature.name for feature in missing] == [name]
    assert str(report["error"]) in found.missing[0]


def test_a_machine_without_user_namespaces_is_found_out_by_trying() -> None:
    """In a user namespace of our own we may forbid further ones, as a container would."""
    program = """
from pathlib import Path
from autograder.kernels import confinement_support, linux
import os
if os.geteuid() == 0:
    os.setgroups([])
    os.setresuid(4321, 4321, 4321)
linux.enter_user_namespace(0)
Path("/proc/sys/user/max_user_namespaces").write_text("0")
found = confinement_support()
print(found.available, found.feature("namespaces"))
"""
    environment = {**os.environ, "PYTHONPATH": str(driver.REPOSITORY), "UNROLLED_TEST_HOME": "/"}
    command = [sys.executable, "-c", program]
    if os.getuid() == 0:
        command[1:1] = [str(Path(__file__).parent / "as_user.py")]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.stdout.startswith("False Feature(name='namespaces', present=False"), run.stderr


def test_accounts_are_values() -> None:
    account = kernels.KernelExit("id", kernels.ExitReason("wall", "too long"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        account.kernel_id = "other"  # type: ignore[misc]
