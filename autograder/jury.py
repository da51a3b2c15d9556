"""Judging in a process of its own, beside the kernels that compute.

What is expected of an answer, and what the misconceptions do, takes TensorFlow and sometimes a training of
many seconds. Whoever listens to running kernels must not be held up by that. So a class is judged in one
more kernel, forked like the others from the process that has imported TensorFlow, in whose file system
the exercises' definitions and the whole library are present. No student's code ever runs there: what comes
in is the plain data that students' kernels gave back, and what goes out is a verdict.
"""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict
from functools import cache
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

import autograder
from autograder.engine import Engine
from autograder.exercises import needs_tensorflow, of_assignment
from autograder.judge import BrokenExercise, Judge
from autograder.local_kernel import local_manager
from autograder.probes import read_reply
from autograder.readiness import wait_until_heard
from autograder.verdict import ExerciseResult

if TYPE_CHECKING:
    from autograder.running import Reply

_ATTEMPTS = 2
_START_SECONDS = 180.0
_LIMITS = {"wall_seconds": 1e7, "cpu_seconds": 1e7, "memory_mb": 16_384, "output_mb": 10_000}


class JudgeLost(RuntimeError):
    """The process that judges ended again and again: the grader's own fault."""


class Jury:
    """Judges answers: in a kernel of its own where kernels are forked warm, else in this process.

    Enter it as an asynchronous context to be rid of its kernel in the end. The kernel starts when it is
    first needed.
    """

    def __init__(self, engine: Engine | None = None) -> None:
        self._engine = engine or Engine()
        self._kernel = AsyncExitStack()
        self._client: Any = None
        self._manager: Any = None
        self._one_at_a_time = asyncio.Lock()

    async def __aenter__(self) -> Jury:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def judge(self, assignment: str, judge: Judge, reply: Reply) -> ExerciseResult:
        """The result of an answer.

        Args:
            assignment: its name.
            judge: of one of its exercises, with the seed of the run.
            reply: an answer to its questions.

        Raises:
            BrokenExercise: the definition of the exercise is wrong.
            JudgeLost: the judging process does not stay alive.
        """
        if not self._engine.confined or not needs_tensorflow(assignment):
            return judge.judge(reply.outcomes)
        request = json.dumps([assignment, judge.exercise.id, judge.seed, reply.text])
        async with self._one_at_a_time:
            for _ in range(_ATTEMPTS):
                if self._client is None:
                    await self._start()
                said = await self._ask(request)
                if said is not None:
                    break
                await self._end()
            else:
                raise JudgeLost(
                    f"the process that judges ended while it judged {judge.exercise.id}"
                )
        if "broken" in said:
            raise BrokenExercise(said["broken"])
        return ExerciseResult.from_json(said)

    async def _start(self) -> None:
        manager = self._kernel.enter_context(local_manager(self._engine.kernel_name))
        empty = self._kernel.enter_context(tempfile.TemporaryDirectory(prefix="jury-"))
        from autograder.kernels import options

        package = Path(str(autograder.__file__)).parent
        await manager.start_kernel(
            cwd=empty,
            env=options(
                visible=[str(path) for path in package.iterdir()],
                working_directory="empty",
                limits=_LIMITS,
            ),
        )
        self._kernel.push_async_callback(manager.shutdown_kernel, now=True)
        client = manager.client()
        client.start_channels()
        self._kernel.callback(client.stop_channels)
        await wait_until_heard(client, manager, _START_SECONDS)
        self._manager, self._client = manager, client

    async def _ask(self, request: str) -> dict[str, Any] | None:
        """What the other process says; ``None`` when it has ended."""
        armoured = base64.b64encode(request.encode()).decode()
        message = self._client.execute(
            "",
            silent=True,
            store_history=False,
            allow_stdin=False,
            user_expressions={
                "said": f"__import__('autograder.jury', fromlist=['verdict']).verdict({armoured!r})"
            },
        )
        while True:
            try:
                reply = await self._client.shell_channel.get_msg(timeout=1.0)
            except Empty:
                if not await self._manager.is_alive():
                    return None
                continue
            if reply["parent_header"].get("msg_id") == message:
                said = reply["content"]["user_expressions"]["said"]
                if said["status"] != "ok":
                    raise RuntimeError(f"judging failed: {said.get('ename')}: {said.get('evalue')}")
                answer: dict[str, Any] = json.loads(
                    base64.b64decode(said["data"]["text/plain"][1:-1])
                )
                return answer

    async def _end(self) -> None:
        await self._kernel.aclose()
        self._client = self._manager = None


def verdict(request: str) -> str:
    """The other process's side: judge an answer. Both ways in base64, which no display changes."""
    assignment, exercise_id, seed, text = json.loads(base64.b64decode(request))
    try:
        judge = _judge(assignment, exercise_id, seed)
        outcomes = read_reply(text, len(judge.cases))
        assert outcomes is not None, "an answer that was never defined is not judged"
        said = asdict(judge.judge(outcomes))
    except BrokenExercise as problem:
        said = {"broken": str(problem)}
    return base64.b64encode(json.dumps(said).encode()).decode()


@cache
def _judge(assignment: str, exercise_id: str, seed: int) -> Judge:
    (exercise,) = (one for one in of_assignment(assignment) if one.id == exercise_id)
    return Judge(exercise, seed)
