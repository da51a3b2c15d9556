"""The one place that runs a submission: student code goes in, plain data comes out.

The notebook runs cell by cell in a kernel of its own. Cells tagged ``demo`` do not run; at each test cell,
instead of running anything that stands in the notebook, inputs are sent to a probe beside the student's
code and its outcomes come back as text, which ``autograder.probes.read_reply`` believes only as plain
data. Nothing here knows an answer or a grade; which kernel it is comes from ``autograder.engine``.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from queue import Empty
from typing import Any, Literal

import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from zmq.asyncio import Poller
from zmq.constants import PollEvent

from autograder import GRADING_VARIABLE
from autograder.engine import Engine
from autograder.limits import Limits
from autograder.local_kernel import local_manager
from autograder.oracles import Desk
from autograder.probes import Outcome, read_reply
from autograder.readiness import wait_until_heard
from autograder.values import MAX_BYTES, NotPlain, Plain, encode
from autograder.verdict import Incident

RunStatus = Literal["answered", "undefined", "timeout", "memory", "crashed", "malformed"]
_REPLY = re.compile(r"'[A-Za-z0-9+/=]*'")


@dataclass(frozen=True, slots=True)
class Question:
    """What a test cell asks of the student's code."""

    name: str
    probe: str
    cases: Sequence[Sequence[Plain]]
    seconds: float
    desk: Callable[[], Desk | None] = lambda: None
    """A new one for each look at an answer: what answers the code's own questions, if it may ask."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: outcomes, or the reason why there are none.

    Attributes:
        text: the outcomes as they came, found to be plain data.
    """

    status: RunStatus
    outcomes: tuple[Outcome, ...] = ()
    detail: str = ""
    text: str = ""


@dataclass
class Run:
    """What happened when a submission ran."""

    notebook: NotebookNode
    replies: dict[str, Reply] = field(default_factory=dict)
    incidents: list[Incident] = field(default_factory=list)
    seconds: float = 0.0


class _Client(NotebookClient):
    """nbclient with a limit on what a notebook may print."""

    output_left: int = 0
    flooded: bool = False

    async def async_start_new_kernel_client(self) -> Any:
        """Connect to the kernel, without upstream's pause of a fifth of a second."""
        assert self.km is not None
        self.kc = self.km.client()
        self.kc.start_channels()
        self.kc.allow_stdin = False
        await wait_until_heard(self.kc, self.km, self.startup_timeout)
        return self.kc

    def process_message(self, msg: Any, cell: NotebookNode, cell_index: int) -> Any:
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "error"):
            size = len(str(msg["content"]))
            if size > self.output_left:
                self.flooded = True
                return None
            self.output_left -= size
        if str(msg["msg_type"]).startswith("comm"):
            return None  # nobody looks at widgets while grading
        return super().process_message(msg, cell, cell_index)


class Session:
    """One kernel that runs one submission."""

    def __init__(
        self,
        notebook: NotebookNode,
        limits: Limits,
        engine: Engine,
        shown: Sequence[str],
        tensorflow: bool = True,
        turn: AbstractAsyncContextManager[Any] | None = None,
    ) -> None:
        self.run = Run(notebook)
        self.limits = limits
        self.engine = engine
        self.shown = shown
        self.tensorflow = tensorflow
        self.turn = turn or contextlib.nullcontext()
        self._deadline = 0.0
        self._dead = ""  # why the kernel is gone: "", "memory", "timeout" or "crashed"
        self._timed_out_cells: set[str] = set()
        self._asked: list[str] = []

    async def execute(self, questions: Mapping[str, Question]) -> Run:
        """Run the notebook; ``questions`` maps a test cell's grade id to what it asks."""
        async with self._kernel() as client, self.turn:
            started = time.monotonic()
            self._deadline = started + self.limits.notebook_seconds
            self._manager = client.km
            watch = asyncio.create_task(self._watch_memory(client))
            try:
                for index, cell in enumerate(self.run.notebook.cells):
                    await self._visit(client, index, cell, questions)
                    _stop_if_cancelled()
                await self._ask_again(client, questions)
                await self._last_look(client)
            finally:
                watch.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watch
            _stop_if_cancelled()
            self.run.seconds = time.monotonic() - started
            if client.flooded:
                kilobytes = self.limits.output_bytes // 1000
                self._incident("output", f"more than {kilobytes} kB of output; the rest is dropped")
        for incident in self.engine.incidents(self._manager):
            self._incident(incident.kind, incident.detail)
        return self.run

    async def _visit(
        self, client: _Client, index: int, cell: NotebookNode, questions: Mapping[str, Question]
    ) -> None:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if cell.cell_type != "code" or "demo" in cell.metadata.get("tags", []):
            return
        if grade_id in questions:
            self.run.replies[grade_id] = await self._ask(client, questions[grade_id])
        elif self._dead:
            cell.outputs = [_error("NotRun", f"the kernel was gone ({self._dead})")]
        else:
            await self._run_cell(client, index, cell)

    async def _ask_again(self, client: _Client, questions: Mapping[str, Question]) -> None:
        """Once more at the end, where a name was missing: the student may define it further down."""
        for grade_id, reply in self.run.replies.items():
            unknown = any(outcome.raised == "NameError" for outcome in reply.outcomes)
            if not self._dead and (unknown or reply.status == "undefined"):
                self.run.replies[grade_id] = await self._ask(client, questions[grade_id])

    async def _last_look(self, client: _Client) -> None:
        """A confined kernel's ears look around whenever something is about to run."""
        if self.engine.confined and not self._dead:
            with contextlib.suppress(TimeoutError, DeadKernelError):
                await self._user_expression(client, "0", 2.0)

    async def _run_cell(self, client: _Client, index: int, cell: NotebookNode) -> None:
        own = cell.metadata.get("unrolled", {}).get("owner") == "student"
        seconds = self._left(self.limits.cell_seconds if own else self.limits.release_seconds)
        client.timeout_func = lambda _cell: max(1, round(seconds))
        try:
            await client.async_execute_cell(cell, index)
        except DeadKernelError:
            self._died(cell.id)
            cell.outputs.append(_error("KernelDied", f"the kernel died here ({self._dead})"))
        except CellTimeoutError:
            stopped = f"stopped: it ran longer than {seconds:.0f} s"
            cell.outputs.append(_error("TimeLimit", stopped))
            self._timed_out_cells.add(cell.id)
            self._incident("timeout", f"the cell {cell.id} ran longer than {seconds:.0f} s")
            await self._wake_or_kill(client)

    async def _ask(self, client: _Client, question: Question) -> Reply:
        if self._dead:
            status: RunStatus = self._dead  # type: ignore[assignment]
            return Reply(status, detail=f"an earlier cell had ended the kernel ({self._dead})")
        desk = question.desk()
        request = encode(
            {
                "name": question.name,
                "probe": question.probe,
                "cases": list(question.cases),
                "asks": desk is not None,
            }
        )
        expression = (
            "__import__('autograder.probes', fromlist=['armoured_answer']).armoured_answer("
            f"{base64.b64encode(request.encode()).decode()!r}, "
            "__import__('IPython').get_ipython().user_ns)"
        )
        seconds = self._left(question.seconds)
        try:
            content = await self._user_expression(client, expression, seconds, desk)
        except NotPlain as problem:  # it asked what no probe asks, or too much
            await self._wake_or_kill(client)
            return self._malformed(question, str(problem))
        except TimeoutError:
            self._incident("timeout", f"{question.name} computed for longer than {seconds:.0f} s")
            await self._wake_or_kill(client)
            return Reply("timeout", detail=f"it computed for longer than {seconds:.0f} s")
        except DeadKernelError:
            self._died(question.name)
            return Reply(self._dead, detail="the kernel died while it ran")  # type: ignore[arg-type]
        reply = self._read(content, question)
        if reply.status == "undefined" and question.name in self._timed_out_cells:
            return Reply("timeout", detail="the cell that defines it did not come to an end")
        return reply

    def _read(self, content: Any, question: Question) -> Reply:
        try:
            shown = content["user_expressions"]["answer"]
            if shown["status"] != "ok":
                detail = f"{shown.get('ename')}: {shown.get('evalue')}"[:300]
                return Reply("malformed", detail=f"the probe could not run ({detail})")
            text = shown["data"]["text/plain"]
            if not isinstance(text, str) or len(text) > 3 * MAX_BYTES:
                raise NotPlain("the answer is too large")
            if not _REPLY.fullmatch(text):
                raise NotPlain("the answer is malformed")
            reply = base64.b64decode(text[1:-1], validate=True).decode("utf-8")
            outcomes = read_reply(reply, len(question.cases))
        except NotPlain as problem:
            return self._malformed(question, str(problem))
        except (KeyError, TypeError, ValueError):
            return self._malformed(question, "the kernel's reply is malformed")
        if outcomes is None:
            return Reply("undefined", detail=f"the notebook defines no {question.name}")
        return Reply("answered", tuple(outcomes), text=reply)

    def _malformed(self, question: Question, why: str) -> Reply:
        """No probe writes such a reply: something else in the kernel did."""
        self._incident("malformed-reply", f"{question.name}: {why}")
        return Reply("malformed", detail=why)

    async def _user_expression(
        self, client: _Client, expression: str, seconds: float, desk: Desk | None = None
    ) -> Any:
        message = client.kc.execute(
            "",
            silent=True,
            store_history=False,
            allow_stdin=desk is not None,
            user_expressions={"answer": expression},
        )
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            try:
                if desk is not None:
                    await _answer_questions(client.kc, desk, message, min(left, 0.5))
                reply = await client.kc.shell_channel.get_msg(
                    timeout=0 if desk is not None else min(left, 0.5)
                )
            except Empty:
                if not await client.km.is_alive():
                    raise DeadKernelError("the kernel died") from None
                continue
            if reply["parent_header"].get("msg_id") == message:
                await self._hear_forgeries(client, message)
                return reply["content"]

    async def _hear_forgeries(self, client: _Client, message: str) -> None:
        """A silent request has no result and is idle once: what says otherwise, a notebook sent."""
        self._asked.append(message)
        states = 0
        with contextlib.suppress(Empty):
            while True:
                heard = await client.kc.iopub_channel.get_msg(timeout=0)
                if heard["parent_header"].get("msg_id") not in self._asked[-2:]:
                    continue
                kind, content = heard["msg_type"], heard["content"]
                states += kind == "status" and content.get("execution_state") == "idle"
                if kind in ("execute_result", "error") or states > len(self._asked[-2:]):
                    self._incident("forged-output", f"a {kind} was sent while a probe ran")

    async def _wake_or_kill(self, client: _Client) -> None:
        """After a time-out: interrupt; a kernel that does not come back is killed."""
        try:
            for _ in range(3):
                await client.km.interrupt_kernel()
                with contextlib.suppress(TimeoutError):
                    await self._user_expression(client, "0", 2.0)
                    return
        except DeadKernelError:
            self._died("the interrupt")
            return
        await client.km.shutdown_kernel(now=True)
        self._dead = "timeout"
        self._incident("killed", "the kernel did not stop when it was interrupted, and was killed")

    def _left(self, seconds: float) -> float:
        return max(1.0, min(seconds, self._deadline - time.monotonic()))

    def _died(self, where: str) -> None:
        if self._dead:
            return
        limit = self.engine.limit_that_ended(self._manager)
        self._dead = limit.kind if limit else "crashed"
        detail = limit.detail if limit else f"the kernel died in {where}"
        self._incident(self._dead, detail)

    def _incident(self, kind: str, detail: str) -> None:
        incident = Incident(kind, detail)
        if incident not in self.run.incidents:
            self.run.incidents.append(incident)

    async def _watch_memory(self, client: _Client) -> None:
        """Kill an ordinary kernel that grows past its limit; a confined one is watched over."""
        pid = getattr(client.km.provisioner, "pid", None)
        if pid is None or self.engine.confined:
            return
        while True:
            used = _resident_bytes(pid)
            if used > self.limits.memory_mb * 2**20:
                self._dead = "memory"
                self._incident(
                    "memory", f"it used {used / 2**20:.0f} MB, of {self.limits.memory_mb} allowed"
                )
                _kill_tree(pid)
                return
            await asyncio.sleep(0.1)

    @contextlib.asynccontextmanager
    async def _kernel(self) -> AsyncIterator[_Client]:
        """A kernel in an empty folder of its own, and nothing left of it afterwards."""
        with (
            local_manager(self.engine.kernel_name) as manager,
            tempfile.TemporaryDirectory(prefix="submission-", ignore_cleanup_errors=True) as empty,
        ):
            client = _Client(
                self.run.notebook,
                km=manager,
                allow_errors=True,
                record_timing=False,
                interrupt_on_timeout=False,
            )
            client.output_left = self.limits.output_bytes
            client.reset_execution_trackers()
            environment = {
                **os.environ,
                GRADING_VARIABLE: "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                **self.engine.environment(self.shown, self.limits, tensorflow=self.tensorflow),
            }
            environment.pop("UNROLLED_COURSE", None)
            try:
                await client.async_start_new_kernel(cwd=empty, env=environment)
                await client.async_start_new_kernel_client()
                yield client
            finally:
                pid = getattr(manager.provisioner, "pid", None)
                family = _family(pid) if pid and not self.engine.confined else []
                if client.kc is not None:
                    client.kc.stop_channels()
                if manager.has_kernel:
                    await manager.shutdown_kernel(now=True)
                manager.cleanup_connection_file()
                for process in family:  # what the kernel had started and left behind
                    with contextlib.suppress(psutil.Error):
                        process.kill()


async def run_submission(
    notebook: NotebookNode,
    questions: Mapping[str, Question],
    limits: Limits | None = None,
    engine: Engine | None = None,
    shown: Sequence[str] = (),
    *,
    tensorflow: bool = True,
    turn: AbstractAsyncContextManager[Any] | None = None,
) -> Run:
    """Run a rebuilt submission in a kernel of its own and put the questions to it.

    Args:
        notebook: as ``autograder.rebuild`` puts it together; outputs are written into it.
        questions: grade id of a test cell to its question.
        limits: what it may use.
        engine: which kernel.
        shown: what of ``course_lib`` a confined kernel may see besides what every notebook needs.
        tensorflow: whether a confined kernel starts with TensorFlow imported.
        turn: entered before anything runs, and left before the kernel is shut down.
    """
    session = Session(notebook, limits or Limits(), engine or Engine(), shown, tensorflow, turn)
    return await session.execute(questions)


async def _answer_questions(kc: Any, desk: Desk, message: str, seconds: float) -> None:
    """Answer what code asks through Jupyter's requests for input, until it is done or time is up.

    Raises:
        NotPlain: when it asks what the desk does not answer.
    """
    done, asking = kc.shell_channel.socket, kc.stdin_channel.socket
    poller = Poller()
    poller.register(done, PollEvent.POLLIN)
    poller.register(asking, PollEvent.POLLIN)
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        ready = dict(await poller.poll(1000 * left))
        if done in ready or not ready:
            return
        try:
            asked = await kc.stdin_channel.get_msg(timeout=0)
            mine = asked["parent_header"].get("msg_id") == message
            prompt = asked["content"].get("prompt") if asked["msg_type"] == "input_request" else ""
        except (ValueError, TypeError, KeyError, AttributeError):  # no message of Jupyter's
            raise NotPlain("it asked a question in no words of ours") from None
        if mine:  # in a thread: other submissions run meanwhile
            kc.input(await asyncio.to_thread(desk.reply, prompt))


def _stop_if_cancelled() -> None:
    """End this work when its task was cancelled: nbclient takes a cancellation for a dead kernel."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _error(name: str, text: str) -> NotebookNode:
    return new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _resident_bytes(pid: int) -> int:
    total = 0
    for process in _family(pid):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def _kill_tree(pid: int) -> None:
    for process in _family(pid):
        with contextlib.suppress(psutil.Error):
            process.kill()
