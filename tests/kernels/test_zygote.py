"""The zygote: replaced when it dies, and it refuses to fork what could hang."""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from autograder.kernels import warm
from autograder.kernels.kernelspecs import kernelspec

from . import driver

ONE = "print('ran')"


def _numpy_zygote() -> warm.Zygote:
    return warm.zygote_for(warm.Recipe(tensorflow=False))


def test_kernels_share_one_zygote(run: Callable[..., driver.Run]) -> None:
    run(driver.NUMPY, ONE)
    first = _numpy_zygote().process.pid
    run(driver.NUMPY, ONE)
    assert _numpy_zygote().process.pid == first


def test_a_zygote_that_was_killed_is_replaced(run: Callable[..., driver.Run]) -> None:
    run(driver.NUMPY, ONE)
    killed = _numpy_zygote().process
    killed.kill()
    killed.wait()
    assert run(driver.NUMPY, ONE).texts == ["ran\n"]
    assert _numpy_zygote().process.pid != killed.pid


def test_a_zygote_killed_while_it_is_asked_is_replaced(run: Callable[..., driver.Run]) -> None:
    run(driver.NUMPY, ONE)
    stopped = _numpy_zygote().process
    stopped.send_signal(signal.SIGSTOP)  # it will not answer ...

    original = warm.Zygote.ask

    def ask_and_kill(self: warm.Zygote, request: object) -> object:
        channel = original(self, request)  # type: ignore[arg-type]
        if self.process.pid == stopped.pid:
            self.process.kill()  # ... and dies with the question in its hands
        return channel

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warm.Zygote, "ask", ask_and_kill)
        assert run(driver.NUMPY, ONE).texts == ["ran\n"]


def test_a_kernel_survives_its_zygote(run: Callable[..., driver.Run]) -> None:
    run(driver.NUMPY, ONE)
    zygote = _numpy_zygote().process.pid
    cell = "import os\nprint('still here')\nopen('go', 'w').close()"

    original = driver.NotebookClient.async_execute_cell
    killed: list[int] = []

    async def execute(self: object, *arguments: object, **options: object) -> object:
        result = await original(self, *arguments, **options)
        if not killed:
            os.kill(zygote, signal.SIGKILL)
            killed.append(zygote)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver.NotebookClient, "async_execute_cell", execute)
        result = run(driver.NUMPY, ONE, cell)
    assert killed
    assert result.texts == ["ran\n", "still here\n"]


THREADED = """
import signal, threading
def grow(*_): threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.signal(signal.SIGUSR1, grow)
"""


def _special_kernel(known_kernels: dict[str, str], name: str, **configuration: object) -> None:
    directory = Path(known_kernels["JUPYTER_PATH"], "kernels", name)
    directory.mkdir(parents=True, exist_ok=True)
    specification = kernelspec(driver.NUMPY, **configuration)
    (directory / "kernel.json").write_text(json.dumps(specification))
    assert name in KernelSpecManager().find_kernel_specs()


def test_a_zygote_with_more_threads_than_at_first_refuses_and_is_replaced(
    run: Callable[..., driver.Run], known_kernels: dict[str, str], tmp_path: Path
) -> None:
    module = tmp_path / "grows.py"
    module.write_text(THREADED)
    tmp_path.chmod(0o755)  # it is on the path, and nobody must be able to read it
    environment = {"PYTHONPATH": str(tmp_path)}
    _special_kernel(known_kernels, "unrolled-grows", preload=["grows"])
    path = Path(known_kernels["JUPYTER_PATH"], "kernels", "unrolled-grows", "kernel.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "env": environment}))
    recipe = warm.Recipe(False, ("grows",), tuple(environment.items()))

    assert run("unrolled-grows", ONE).texts == ["ran\n"]
    first = warm.zygote_for(recipe)
    first.process.send_signal(signal.SIGUSR1)
    assert run("unrolled-grows", ONE).texts == ["ran\n"]
    second = warm.zygote_for(recipe)
    assert second.process.pid != first.process.pid
    warm.discard(second)


def test_a_zygote_that_cannot_import_says_what(
    run: Callable[..., driver.Run], known_kernels: dict[str, str]
) -> None:
    _special_kernel(known_kernels, "unrolled-lacks", preload=["no_such_module_at_all"])
    with pytest.raises(RuntimeError, match="no_such_module_at_all"):
        run("unrolled-lacks", ONE)


def test_a_working_directory_that_is_too_large_is_refused_with_advice(
    run: Callable[..., driver.Run], tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "large.bin").write_bytes(bytes(3 << 20))
    with pytest.raises(RuntimeError, match="working_directory"):
        run(driver.NUMPY, ONE, limits={"disk_mb": 2})


def test_an_empty_working_directory_when_asked_for(
    run: Callable[..., driver.Run], tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "data.txt").write_text("data")
    source = "import os; print(os.listdir())"
    assert run(driver.NUMPY, source).texts == ["['data.txt']\n"]
    assert run(driver.NUMPY, source, working_directory="empty").texts == ["[]\n"]


def test_options_for_one_kernel_are_checked(run: Callable[..., driver.Run]) -> None:
    with pytest.raises(ValueError, match="no limit is called 'walls'"):
        run(driver.NUMPY, ONE, limits={"walls": 3})


def test_no_supervisor_or_control_group_stays_behind(run: Callable[..., driver.Run]) -> None:
    run(driver.NUMPY, ONE)
    zygote = _numpy_zygote().process.pid
    children = Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()
    for pid in map(int, children):  # it may be about to leave
        with suppress(ProcessLookupError):
            gone = select.poll()
            gone.register(os.pidfd_open(pid), select.POLLIN)
            assert gone.poll(10_000)
