"""A submission runs in a kernel of its own; whatever it does, there is an answer and a reason."""

from __future__ import annotations

import asyncio
import textwrap

import numpy as np
import psutil
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.engine import Engine
from autograder.limits import Limits
from autograder.running import Question, Run, run_submission

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("engine")]
chosen: list[Engine] = []


@pytest.fixture(params=["confined", "ordinary"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every test runs in both kinds of kernel."""
    chosen[:] = [Engine.choose(sandbox=request.param == "confined")]
    return chosen[0]


QUICK = Limits(cell_seconds=2, release_seconds=20, notebook_seconds=40, memory_mb=600)
ONES = np.ones((2, 3))


def student(source: str) -> NotebookNode:
    cell = new_code_cell(textwrap.dedent(source))
    cell.metadata.unrolled = {"owner": "student"}
    return cell


def demo(source: str) -> NotebookNode:
    cell = new_code_cell(source)
    cell.metadata.tags = ["demo"]
    return cell


def test_cell(name: str) -> NotebookNode:
    cell = new_code_cell(f'check("{name}", {name})', id=f"check-{name}")
    cell.metadata.nbgrader = {"grade_id": f"check-{name}", "grade": True}
    return cell


test_cell.__test__ = False  # type: ignore[attr-defined]


def run(*cells: NotebookNode, limits: Limits = QUICK, seconds: float = 3.0) -> Run:
    questions = {
        cell.metadata.nbgrader.grade_id: Question(cell.id[6:], "calls:call", [[ONES]], seconds)
        for cell in cells
        if "nbgrader" in cell.metadata
    }
    notebook = new_notebook(cells=list(cells))
    return asyncio.run(run_submission(notebook, questions, limits, chosen[0]))


def kinds(found: Run) -> set[str]:
    return {incident.kind for incident in found.incidents}


def test_an_answer_comes_back_as_plain_data() -> None:
    found = run(
        new_markdown_cell("text"),
        new_code_cell("import numpy as np"),
        student("print('hello')\ndef f(x): return (2 * x).astype(np.float32)"),
        test_cell("f"),
    )
    reply = found.replies["check-f"]
    assert reply.status == "answered"
    assert reply.outcomes[0].value.dtype == np.float32
    assert np.array_equal(reply.outcomes[0].value, 2 * ONES)
    assert found.notebook.cells[2].outputs[0].text == "hello\n"
    assert not found.incidents


def test_what_is_tagged_demo_does_not_run() -> None:
    found = run(demo("x = 1"), student("def f(v): return x"), test_cell("f"))
    assert found.replies["check-f"].outcomes[0].raised == "NameError"


def test_a_name_that_is_not_there_is_undefined() -> None:
    found = run(student("def g(x): return x"), test_cell("f"))
    assert found.replies["check-f"].status == "undefined"


def test_a_name_that_is_defined_further_down_is_found_in_the_end() -> None:
    found = run(student("def f(x): return helper(x)"), test_cell("f"), student("helper = abs"))
    assert found.replies["check-f"].outcomes[0].raised == ""


def test_a_syntax_error_and_an_exception_leave_the_other_exercises_alone() -> None:
    found = run(
        student("def f(x) return x"),
        test_cell("f"),
        student("1 / 0"),
        student("def g(x): return x"),
        test_cell("g"),
    )
    assert found.replies["check-f"].status == "undefined"
    assert found.replies["check-g"].status == "answered"


def test_an_endless_cell_is_stopped_and_the_rest_goes_on() -> None:
    found = run(student("while True: pass"), student("def f(x): return x"), test_cell("f"))
    assert found.replies["check-f"].status == "answered"
    assert kinds(found) == {"timeout"}


def test_an_endless_function_is_a_timeout_and_the_next_exercise_is_still_asked() -> None:
    found = run(
        student("def f(x):\n    while True: pass"),
        test_cell("f"),
        student("def g(x): return x"),
        test_cell("g"),
        seconds=1.0,
    )
    assert found.replies["check-f"].status == "timeout"
    assert found.replies["check-g"].status == "answered"


def test_a_loop_that_ignores_the_interrupt_is_killed_and_named() -> None:
    found = run(
        student(
            """
            import signal
            def f(x):
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                while True: pass
            """
        ),
        test_cell("f"),
        test_cell("g"),
        seconds=1.0,
    )
    assert found.replies["check-f"].status == "timeout"
    assert found.replies["check-g"].status == "timeout"
    assert kinds(found) == {"timeout", "killed"}


def test_a_kernel_that_dies_is_a_crash_and_nothing_after_it_earns_anything() -> None:
    found = run(
        student("def f(x): return x"),
        test_cell("f"),
        student("import os\nos.abort()"),
        student("def g(x): return x"),
        test_cell("g"),
    )
    assert found.replies["check-f"].status == "answered"
    assert found.replies["check-g"].status == "crashed"
    assert kinds(found) == {"crashed"}


def test_a_function_that_ends_the_process_is_a_crash() -> None:
    found = run(student("import os\ndef f(x): os._exit(0)"), test_cell("f"))
    assert found.replies["check-f"].status == "crashed"


def test_too_much_memory_is_named_as_that() -> None:
    found = run(
        student(
            "block = bytearray(1_500_000_000)\nfor i in range(0, len(block), 4096): block[i] = 1"
        ),
        test_cell("f"),
        limits=Limits(cell_seconds=20, notebook_seconds=40, memory_mb=500),
    )
    assert found.replies["check-f"].status == "memory"
    assert kinds(found) == {"memory"}


def test_a_flood_of_output_is_cut_and_costs_no_points() -> None:
    found = run(
        student("for i in range(200_000): print('all work and no play', i)"),
        student("def f(x): return x"),
        test_cell("f"),
        limits=Limits(cell_seconds=20, notebook_seconds=60, output_bytes=10_000),
    )
    assert found.replies["check-f"].status == "answered"
    assert kinds(found) == {"output"}
    assert len(str(found.notebook.cells[0].outputs)) < 20_000


@pytest.mark.parametrize(
    "source",
    [
        "def f(x): return object()",
        "def f(x): return np.zeros(2_000_000_000, np.int8)",
        "class Evil:\n    def __reduce__(self): return (print, ('x',))\ndef f(x): return Evil()",
        "import autograder.probes as p\np.answer_request = lambda *a: 'null'\ndef f(x): return x",
        "import autograder.probes as p\np.armoured_answer = lambda *a: {'full': 'marks'}\ndef f(x): return x",
        "import autograder.probes as p\np.armoured_answer = lambda *a: 'a' * 10**6\ndef f(x): return x",
    ],
)
def test_a_forged_or_monstrous_answer_is_no_evidence(source: str) -> None:
    found = run(
        new_code_cell("import numpy as np"),
        student(source),
        test_cell("f"),
        limits=Limits(cell_seconds=5, notebook_seconds=40, memory_mb=6000),
    )
    reply = found.replies["check-f"]
    assert reply.status == "malformed" or reply.outcomes[0].raised == "NotPlain"


def test_what_a_function_prints_and_warns_while_it_is_probed_is_harmless() -> None:
    found = run(
        student(
            """
            import sys, warnings
            def f(x):
                print("debug", x); print("more", file=sys.stderr); warnings.warn("careful")
                return x
            """
        ),
        test_cell("f"),
    )
    assert found.replies["check-f"].status == "answered"


def test_nothing_is_left_running() -> None:
    before = {process.pid for process in psutil.process_iter()}
    run(
        student("import subprocess\nleft = subprocess.Popen(['sleep', '300'])"),
        student("def f(x): return x"),
        test_cell("f"),
    )
    left = [
        process
        for process in psutil.process_iter(["pid", "cmdline"])
        if process.pid not in before and process.info["cmdline"] == ["sleep", "300"]
    ]
    assert not left


def test_a_cancelled_run_ends_as_cancelled_and_not_as_a_crash() -> None:
    async def cancel_in_the_middle() -> None:
        notebook = new_notebook(cells=[student("import time\ntime.sleep(60)"), test_cell("f")])
        question = Question("f", "calls:call", [[ONES]], 3.0)
        work = asyncio.create_task(
            run_submission(notebook, {"check-f": question}, QUICK, chosen[0])
        )
        while notebook.cells[0].execution_count is None:
            await asyncio.sleep(0)  # until the kernel says that the cell runs
        work.cancel()
        await work

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel_in_the_middle())
