"""Every Jupyter tool uses the kernels by their names, unchanged."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import v4

from autograder.kernels import TENSORFLOW_KERNEL, exit_of

from . import driver


def _run(command: list[str], environment: dict[str, str], cwd: Path) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout + finished.stderr


WHERE = "import os\nos.getpid(), os.environ['HOME']"
IN_CONFINEMENT = "(1, '/home/student')"


def test_nbclient_with_no_option_but_the_name(
    known_kernels: dict[str, str], tmp_path: Path
) -> None:
    notebook = v4.new_notebook(cells=[v4.new_code_cell(WHERE)])
    NotebookClient(notebook, kernel_name=driver.NUMPY, timeout=60).execute(cwd=str(tmp_path))
    assert notebook.cells[0].outputs[0].data["text/plain"] == IN_CONFINEMENT


def test_nbval(known_kernels: dict[str, str], tmp_path: Path) -> None:
    cell = v4.new_code_cell(WHERE, execution_count=1)
    cell.outputs = [
        v4.new_output("execute_result", {"text/plain": IN_CONFINEMENT}, execution_count=1)
    ]
    notebook = v4.new_notebook(cells=[cell])
    nbformat.write(notebook, tmp_path / "one.ipynb")
    command = ["pytest", "--nbval", "--nbval-kernel-name", driver.NUMPY, "-p", "no:cacheprovider"]
    output = _run([*command, "--rootdir", str(tmp_path), "one.ipynb"], known_kernels, tmp_path)
    assert "1 passed" in output


def _graded(source: str, grade_id: str, **metadata: Any) -> Any:
    details = {"schema_version": 3, "grade_id": grade_id, "locked": False, "task": False}
    cell = v4.new_code_cell(source)
    cell.id = grade_id
    cell.metadata["nbgrader"] = {**details, "grade": False, "solution": False, **metadata}
    return cell


def test_stock_nbgrader_autograde(known_kernels: dict[str, str], tmp_path: Path) -> None:
    answer = _graded("### BEGIN SOLUTION\nx = 3\n### END SOLUTION", "answer", solution=True)
    test = _graded(
        "import os\nassert x == 3\nassert os.getpid() == 1",
        "test",
        grade=True,
        locked=True,
        points=2,
    )
    notebook = v4.new_notebook(cells=[answer, test])
    notebook.metadata["kernelspec"] = {
        "name": driver.NUMPY, "display_name": "confined", "language": "python",
    }  # fmt: skip
    for place in ("source/one", "submitted/ada/one"):
        (tmp_path / place).mkdir(parents=True)
        nbformat.write(notebook, tmp_path / place / "one.ipynb")
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    scripts = str(Path(sys.executable).parent)  # a new database calls alembic by name
    environment = {**known_kernels, "PATH": scripts + os.pathsep + os.environ["PATH"]}
    _run(["nbgrader", "generate_assignment", "one"], environment, tmp_path)
    _run(["nbgrader", "autograde", "one"], environment, tmp_path)
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as gradebook:
        assert gradebook.execute("select auto_score from grade").fetchall() == [(2.0,)]


async def _ask(client: Any, source: str) -> str:
    reply = await client.execute_interactive(
        "", user_expressions={"answer": source}, timeout=30, silent=True
    )
    return str(reply["content"]["user_expressions"]["answer"]["data"]["text/plain"])


def test_jupyterlab_starts_restarts_and_interrupts_one(
    known_kernels: dict[str, str], tmp_path: Path
) -> None:
    from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

    async def session() -> None:
        kernels = AsyncMappingKernelManager(root_dir=str(tmp_path), connection_dir=str(tmp_path))
        kernel_id = await kernels.start_kernel(kernel_name=driver.NUMPY, path="")
        manager = kernels.get_kernel(kernel_id)
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=30)
        assert await _ask(client, "__import__('os').getcwd()") == repr(str(tmp_path))
        # after an error a kernel aborts what is queued, for a moment; here nothing is to be aborted
        waits = "import threading; kept = 1; print('on'); threading.Event().wait()"
        client.execute(waits, stop_on_error=False)
        while (await client.get_iopub_msg(timeout=30))["msg_type"] != "stream":
            pass
        await kernels.interrupt_kernel(kernel_id)
        assert (await client.get_shell_msg(timeout=30))["content"]["ename"] == "KeyboardInterrupt"
        assert await _ask(client, "kept") == "1"
        client.stop_channels()
        await kernels.restart_kernel(kernel_id)
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=30)
        assert await _ask(client, "'kept' in globals()") == "False"
        client.stop_channels()
        await kernels.shutdown_kernel(kernel_id)
        assert list(kernels.list_kernel_ids()) == []

    asyncio.run(session())


def test_a_blocking_client(known_kernels: dict[str, str], tmp_path: Path) -> None:
    manager, client = start_new_kernel(kernel_name=driver.NUMPY, cwd=str(tmp_path))
    try:
        reply = client.execute("2 + 2", reply=True, timeout=30)
        assert reply["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    account = exit_of(manager.kernel_id)
    assert account is not None
    assert account.reason.kind == "exited"


def test_a_crash_reaches_nbclient_and_the_account_says_which(
    run: Callable[..., driver.Run],
) -> None:
    result = run(driver.NUMPY, "print('before')", "import ctypes; ctypes.string_at(0)")
    assert result.died
    assert result.account is not None
    assert result.account.reason.kind == "crashed"
    assert "SIGSEGV" in result.account.reason.detail


def test_output_before_a_crash_is_not_lost(known_kernels: dict[str, str], tmp_path: Path) -> None:
    source = """
import sys, os
print("x" * 3_000_000)
sys.stdout.flush()
print("the last line", flush=True)
import threading; threading.Event().wait(0.2)
os._exit(3)
"""
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source)])
    client = NotebookClient(notebook, kernel_name=driver.NUMPY, timeout=60)
    with pytest.raises(DeadKernelError):
        client.execute(cwd=str(tmp_path))
    text = "".join(output.get("text", "") for output in notebook.cells[0].outputs)
    assert text.endswith("the last line\n")
    assert len(text) > 3_000_000


def test_a_kernel_ends_when_its_client_is_killed(
    known_kernels: dict[str, str], tmp_path: Path
) -> None:
    program = f"""
import os, signal
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name={driver.NUMPY!r}, cwd={str(tmp_path)!r})
print(manager.provisioner.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, **known_kernels}
    client = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    pid = int(client.stdout)
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    gone = select.poll()
    gone.register(process, select.POLLIN)
    assert gone.poll(10_000)
    os.close(process)


def test_a_kernel_ends_when_its_supervisor_is_killed(
    known_kernels: dict[str, str], tmp_path: Path
) -> None:
    async def session() -> tuple[bool, str]:
        manager = AsyncKernelManager(kernel_name=driver.NUMPY)
        await manager.start_kernel(cwd=str(tmp_path))
        provisioner: Any = manager.provisioner
        kernel = os.pidfd_open(provisioner.pid)
        os.kill(provisioner.supervisor_pid, signal.SIGKILL)
        gone = select.poll()
        gone.register(kernel, select.POLLIN)
        ended = bool(gone.poll(10_000))
        os.close(kernel)
        assert not await manager.is_alive()
        await manager.cleanup_resources()
        return ended, provisioner.exit_reason.kind

    assert asyncio.run(session()) == (True, "abandoned")


RIGHTS = """
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
wanted = ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb")
print({int(status[name], 16) for name in wanted}, *(status[n].strip() for n in
    ("NoNewPrivs", "Seccomp", "Groups", "Seccomp_filters")))
"""


def test_a_kernel_has_no_rights_and_two_filters(run: Callable[..., driver.Run]) -> None:
    assert run(driver.NUMPY, RIGHTS).texts == ["{0} 1 2  2\n"]


def test_tensorflow_is_the_kernel_named_in_the_documents() -> None:
    assert TENSORFLOW_KERNEL == driver.TENSORFLOW


def test_many_kernels_at_once(known_kernels: dict[str, str], tmp_path: Path) -> None:
    async def one(number: int) -> str:
        manager = AsyncKernelManager(kernel_name=driver.NUMPY)
        await manager.start_kernel(cwd=str(tmp_path))
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        answer = await _ask(client, f"__import__('numpy').arange({number}).sum()")
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
        return answer

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*map(one, range(1, 17)))

    expected = [f"np.int64({number * (number - 1) // 2})" for number in range(1, 17)]
    assert asyncio.run(all_of_them()) == expected
