"""Run cells in a kernel by plain nbclient and keep what came back; also as a program of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerFactory
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import v4

from autograder.kernels import KernelExit, exit_of, install_kernelspecs, options

GROUP, NAME = "jupyter_client.kernel_provisioners", "unrolled-warm"
VALUE = "autograder.kernels.provisioner:WarmProvisioner"
REPOSITORY = Path(__file__).resolve().parents[2]

ORDINARY = "python3"
TENSORFLOW, NUMPY = "unrolled-confined", "unrolled-confined-numpy"


@dataclass
class Run:
    """What became of a list of cells."""

    texts: list[str] = field(default_factory=list)
    """For each cell its streams, results and errors, as one text."""
    outputs: list[list[Any]] = field(default_factory=list)
    account: KernelExit | None = None
    died: bool = False
    seconds_to_first_cell: float = 0.0
    seconds_to_shut_down: float = 0.0


def make_known(directory: Path) -> dict[str, str]:
    """Install the kernelspecs below `directory`, and the entry point if the project's is missing.

    Returns the environment variables with which another process knows them too.
    """
    install_kernelspecs(directory)
    paths = [str(REPOSITORY)]
    if not entry_points(group=GROUP, name=NAME):
        metadata = directory / "site" / "unrolled_for_tests-0.dist-info"
        metadata.mkdir(parents=True, exist_ok=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: unrolled-for-tests\n")
        (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{NAME} = {VALUE}\n")
        paths.append(str(metadata.parent))
        factory = KernelProvisionerFactory.instance()
        factory.provisioners[NAME] = EntryPoint(NAME, VALUE, GROUP)
    variables = {
        "JUPYTER_PATH": str(directory / "share" / "jupyter"),
        "PYTHONPATH": os.pathsep.join(paths),
    }
    os.environ["JUPYTER_PATH"] = variables["JUPYTER_PATH"]
    return variables


def run_cells(
    kernel: str,
    sources: Sequence[str],
    *,
    cwd: str | Path,
    timeout: int = 60,
    **chosen: Any,
) -> Run:
    """Run each source as a cell, whatever it raises, until the end or until the kernel is dead."""
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    client = NotebookClient(
        notebook,
        kernel_name=kernel,
        timeout=timeout,
        allow_errors=True,
        resources={"metadata": {"path": str(cwd)}},
    )
    run = Run()
    started = time.perf_counter()
    finished: list[float] = []

    environment = {**os.environ, **options(**chosen)}
    environment.pop("PYTEST_CURRENT_TEST", None)  # ipykernel looks, and captures less

    async def execute() -> str:
        async with client.async_setup_kernel(env=environment):
            manager: Any = client.km
            for index, cell in enumerate(notebook.cells):
                try:
                    await client.async_execute_cell(cell, index)
                except (DeadKernelError, CellTimeoutError):
                    run.died = True
                    break
                finished.append(time.perf_counter())
            ending = time.perf_counter()
            await manager.shutdown_kernel(now=True)
            run.seconds_to_shut_down = time.perf_counter() - ending
            return str(manager.kernel_id)

    kernel_id = asyncio.run(execute())
    run.seconds_to_first_cell = (finished[0] - started) if finished else 0.0
    run.outputs = [cell.outputs for cell in notebook.cells]
    run.texts = ["".join(map(_text, outputs)) for outputs in run.outputs]
    run.account = exit_of(kernel_id)
    return run


def _text(output: Any) -> str:
    match output.output_type:
        case "stream":
            return str(output.text)
        case "error":
            return f"{output.ename}: {output.evalue}\n"
        case _:
            return str(output.data.get("text/plain", "")) + "\n"


def main() -> None:
    """Read a job from a file, print the result: how another user runs cells for the tests."""
    job = json.loads(Path(sys.argv[1]).read_text())
    directory = Path(job["directory"])
    make_known(directory)
    results = []
    for item in job["runs"]:
        run = run_cells(
            item["kernel"], item["sources"], cwd=directory / "work", **item.get("chosen", {})
        )
        account = asdict(run.account) if run.account else None
        results.append({"texts": run.texts, "died": run.died, "account": account})
    print("RESULT", json.dumps({"uid": os.getuid(), "runs": results}))


if __name__ == "__main__":
    main()
