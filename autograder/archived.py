"""Grade by an older release: by that release's own checks, definitions and library, in a process of its own.

``Archive.grade`` asks a worker that runs from the unpacked archive; the worker grades as ``course grade`` does,
in confined kernels, and answers with a record. One worker serves all submissions to its release, and ends
with whoever asks.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import nbformat

from autograder.course import Course
from autograder.engine import Engine
from autograder.jury import Jury
from autograder.limits import Limits
from autograder.submission import Assignment, Graded, grade
from autograder.verdict import SubmissionResult

_PROGRAM = "import sys; sys.path[0:1] = [sys.argv[1]]; from autograder.archived import work; work(sys.argv[1])"


class ArchiveFailed(Exception):
    """The worker of an older release ended; the message says what it said last."""


@dataclass
class Archive:
    """The asking side: one older release, unpacked at ``root``."""

    root: Path
    _process: Process | None = None
    _log: IO[bytes] | None = None
    _waiting: dict[int, asyncio.Future[str]] = field(default_factory=dict)
    _listening: asyncio.Task[None] | None = None
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def grade(
        self, name: str, student: str, path: Path, seed: int, limits: Limits, engine: Engine
    ) -> Graded:
        """Grade one submission; see ``autograder.submission.grade``.

        Raises:
            ArchiveFailed: when the worker ends.
        """
        async with self._starting:
            if self._process is None:
                await self._start()
        number = len(self._waiting)
        with tempfile.TemporaryDirectory() as folder:
            record = Path(folder, "record.json")
            request = {
                "number": number,
                "record": str(record),
                "assignment": name,
                "student": student,
                "path": str(path.absolute()),
                "seed": seed,
                "limits": {key: getattr(limits, key) for key in limits.__slots__},
                "engine": {"kernel_name": engine.kernel_name, "confined": engine.confined},
            }
            self._waiting[number] = asyncio.get_running_loop().create_future()
            assert self._process is not None
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            if failure := await self._waiting[number]:
                raise ArchiveFailed(failure)
            told = json.loads(record.read_text(encoding="utf-8"))
        return Graded(
            SubmissionResult.from_json(told["result"]), nbformat.from_dict(told["notebook"])
        )

    async def _start(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # stays open as long as the worker
        environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}
        environment.pop("UNROLLED_COURSE", None)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _PROGRAM, str(self.root)),
            cwd=self.root,
            env=environment,
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._log,
            start_new_session=True,  # Ctrl-C is for who asks
        )
        self._listening = asyncio.create_task(self._listen(self._process))

    async def _listen(self, process: Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            answer = json.loads(line)
            future = self._waiting[answer["number"]]
            if not future.done():
                future.set_result(answer["failure"])
        for future in self._waiting.values():
            if not future.done():
                future.set_result(f"the grader of the older release ended: {self._last_words()}")

    def _last_words(self) -> str:
        if self._log is None:
            return ""
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - 2000))
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    async def close(self) -> None:
        """End the worker."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        if self._listening is not None:
            await self._listening
        if self._log is not None:
            self._log.close()


# ---- the answering side; it runs by the older release's own code


def work(root: str) -> None:
    """Answer requests from stdin, several at once, until it ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what anything prints is no answer
    asyncio.run(_work(Course(Path(root)), answers))


async def _work(course: Course, answers: IO[str]) -> None:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    desk = _Desk(course, answers)
    async with AsyncExitStack() as juries, asyncio.TaskGroup() as group:
        async for line in reader:
            request = json.loads(line)
            engine = Engine(**request["engine"])
            if engine not in desk.juries:
                desk.juries[engine] = await juries.enter_async_context(Jury(engine))
            group.create_task(desk.answer(request, engine))


@dataclass
class _Desk:
    """What all answers share."""

    course: Course
    answers: IO[str]
    loaded: dict[tuple[str, int], Assignment] = field(default_factory=dict)
    juries: dict[Engine, Jury] = field(default_factory=dict)

    async def answer(self, request: Mapping[str, Any], engine: Engine) -> None:
        failure = ""
        try:
            key = request["assignment"], request["seed"]
            if key not in self.loaded:
                self.loaded[key] = Assignment.load(self.course, *key)
            graded = await grade(
                self.loaded[key],
                request["student"],
                Path(request["path"]),
                Limits(
                    **{key: n for key, n in request["limits"].items() if key in Limits.__slots__}
                ),
                engine,
                jury=self.juries[engine],
            )
            record = {"result": graded.result.to_json(), "notebook": graded.notebook}
            Path(request["record"]).write_text(json.dumps(record), encoding="utf-8")
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
        self.answers.write(json.dumps({"number": request["number"], "failure": failure}) + "\n")
        self.answers.flush()
