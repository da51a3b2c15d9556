"""How fast confined kernels start and end, and what they weigh: `python -m benchmarks.kernels`.

Measured the way every tool uses them: by nbclient, with nothing set but the kernel's name. Prints a
table of medians with the marks that the project set itself, and exits with 1 if one is missed.

    python -m benchmarks.kernels --runs 20 --json kernels.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerFactory
from nbclient import NotebookClient
from nbformat import v4

from autograder.kernels import (
    NUMPY_KERNEL,
    TENSORFLOW_KERNEL,
    confinement_support,
    install_kernelspecs,
    require_confinement,
)

ORDINARY_KERNEL = "python3"
IMPORTS = "import numpy as np, matplotlib.pyplot as plt"
TENSORFLOW_IMPORTS = f"from course_lib.quiet import tf\nimport keras\n{IMPORTS}"
TRAINING = """
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.layers.Input((10, 3)), keras.layers.LSTM(32), keras.layers.Dense(1)])
model.compile("adam", "mse")
x = np.random.default_rng(0).normal(size=(512, 10, 3)).astype("float32")
_ = model.fit(x, x[:, 0, :1], epochs=2, verbose=0)
"""
COMPUTING = "a = np.random.default_rng(0).normal(size=(400, 400)); b = a @ a; _ = plt.plot(b[0])"

MARKS = {
    (TENSORFLOW_KERNEL, "start"): 0.4,
    (TENSORFLOW_KERNEL, "shutdown"): 0.1,
    (TENSORFLOW_KERNEL, "memory"): 150.0,
}


@dataclass
class Measured:
    """One kernel's figures: seconds, and megabytes of its own after the second cell."""

    kernel: str
    start: list[float] = field(default_factory=list)
    shutdown: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def median(self, name: str) -> float:
        """The median of `start`, `shutdown` or `memory`."""
        return statistics.median(getattr(self, name))


def own_megabytes(pids: list[int]) -> float:
    """Memory that is shared with no other process, over processes that we may look at."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return total / 1024


async def measure_once(measured: Measured, cells: list[str], cwd: str) -> None:
    """Start, run the cells, weigh, shut down."""
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells])
    started = time.perf_counter()
    client = NotebookClient(notebook, kernel_name=measured.kernel, timeout=120)
    async with client.async_setup_kernel(cwd=cwd):
        manager: Any = client.km
        await client.async_execute_cell(notebook.cells[0], 0)
        measured.start.append(time.perf_counter() - started)
        for index, cell in enumerate(notebook.cells[1:], 1):
            await client.async_execute_cell(cell, index)
        provisioner = manager.provisioner
        pids = [provisioner.pid, getattr(provisioner, "supervisor_pid", None)]
        measured.memory.append(own_megabytes([pid for pid in pids if pid]))
        ending = time.perf_counter()
        await manager.shutdown_kernel()
        measured.shutdown.append(time.perf_counter() - ending)


def measure(kernel: str, cells: list[str], runs: int) -> Measured:
    """Measure a kernel so many times, after one start that is not counted."""
    with tempfile.TemporaryDirectory() as cwd:
        asyncio.run(measure_once(Measured(kernel), cells, cwd))
        measured = Measured(kernel)
        for _ in range(runs):
            asyncio.run(measure_once(measured, cells, cwd))
    return measured


def make_known(directory: str) -> None:
    """Let this process find the kernels, installed or not."""
    install_kernelspecs(directory)
    os.environ["JUPYTER_PATH"] = str(Path(directory, "share", "jupyter"))
    group, name = "jupyter_client.kernel_provisioners", "unrolled-warm"
    if not entry_points(group=group, name=name):
        value = "autograder.kernels.provisioner:WarmProvisioner"
        KernelProvisionerFactory.instance().provisioners[name] = EntryPoint(name, value, group)


def main() -> int:
    """Measure, print, compare with the marks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="for each confined kernel")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    arguments = parser.parse_args()
    require_confinement()
    with tempfile.TemporaryDirectory() as directory:
        make_known(directory)
        results = [
            measure(ORDINARY_KERNEL, [TENSORFLOW_IMPORTS, TRAINING], max(1, arguments.runs // 5)),
            measure(TENSORFLOW_KERNEL, [TENSORFLOW_IMPORTS, TRAINING], arguments.runs),
            measure(NUMPY_KERNEL, [IMPORTS, COMPUTING], arguments.runs),
        ]
    groups = confinement_support().feature("control groups")
    counted = "control groups" if groups and groups.present else "the supervisor"
    print(f"{os.cpu_count()} cores, user {os.getuid()}, counted by {counted}; medians")
    print(f"{'kernel':26}{'to first cell':>16}{'shutdown':>12}{'own memory':>14}")
    missed = 0
    for measured in results:
        row = f"{measured.kernel:26}"
        for name, unit, width in (("start", "s", 16), ("shutdown", "s", 12), ("memory", "MB", 14)):
            value = measured.median(name)
            mark = MARKS.get((measured.kernel, name))
            over = mark is not None and value > mark
            missed += over
            shown = f"{value:.3f} {unit}" if unit == "s" else f"{value:.0f} {unit}"
            row += f"{shown + ('!' if over else ''):>{width}}"
        print(row)
    if arguments.json:
        figures = {
            measured.kernel: {
                name: getattr(measured, name) for name in ("start", "shutdown", "memory")
            }
            for measured in results
        }
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    print("every mark is met" if not missed else f"{missed} marks (!) are missed")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
