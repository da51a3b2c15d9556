"""Workers under watch, and the audit of one exercise."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import nbformat

from autograder.exercise import Exercise
from tests.audit.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
START_SECONDS = 180.0


class Worker:
    """One ``tests.audit.worker``, started anew when an answer hung or ended it."""

    def __init__(self, notebook: str) -> None:
        self.notebook = notebook
        self.process: subprocess.Popen[str] | None = None

    def ask(self, seconds: float, **question: Any) -> dict[str, Any]:
        """The worker's reply, or the verdict that it hung or died."""
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            return self._ended("crashed", 0.0)
        reply = self._line(seconds)
        return self._ended("timeout", seconds) if reply is None else reply

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def _started(self) -> subprocess.Popen[str]:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.audit.worker", self.notebook],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            if self._line(START_SECONDS) != {"ready": True}:
                self.close()
                raise RuntimeError(f"the solved notebook {self.notebook} does not run")
        return self.process

    def _line(self, seconds: float) -> dict[str, Any] | None:
        """The next reply; one with the verdict "crashed" when the process ended; ``None`` when late."""
        assert self.process is not None
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                return None
        line = self.process.stdout.readline()
        return json.loads(line) if line else self._ended("crashed", 0.0)

    def _ended(self, verdict: str, seconds: float) -> dict[str, Any]:
        self.close()
        return {"verdicts": [verdict], "named": "", "seconds": seconds}


@cache
def equivalents() -> dict[str, dict[str, str]]:
    """Mutants that are right answers, too, by exercise, each with the reason."""
    text = (Path(__file__).parent / "equivalent.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def solution(notebook: str, exercise: str) -> str:
    """The source of an exercise's solution cell."""
    solved = nbformat.read(ROOT / "solutions" / notebook / f"{notebook}.ipynb", as_version=4)
    for cell in solved.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == exercise:
            return str(cell.source)
    raise KeyError(exercise)


@dataclass
class Audited:
    """What the mutants of one exercise showed.

    Attributes:
        survivors: mutants that pass and are not listed as equivalent.
        listed: mutants that pass and are.
        unstable: answers whose verdict depends on the seed.
        named: killed mutants that got the hint of a known misconception.
    """

    exercise: str
    total: int = 0
    killed: int = 0
    named: int = 0
    listed: list[str] = field(default_factory=list)
    survivors: list[str] = field(default_factory=list)
    unstable: list[str] = field(default_factory=list)
    seconds: float = 0.0


def audit(
    worker: Worker, exercise: Exercise, chosen: Sequence[Mutant], seeds: Sequence[int]
) -> Audited:
    """Judge some mutants of one exercise's solution.

    Raises:
        RuntimeError: when the solution itself does not pass: then nothing can be said.
    """
    source = solution(worker.notebook, exercise.id)
    right = worker.ask(600.0, exercise=exercise.id, source=source, seeds=list(seeds))
    if set(right["verdicts"]) != {"passed"}:
        raise RuntimeError(f"{exercise.id}: the solution itself is judged {right['verdicts']}")
    patience = 20.0 + 5 * right["seconds"]
    known = equivalents().get(exercise.id, {})
    done = Audited(exercise.id, total=len(chosen))
    for mutant in chosen:
        reply = worker.ask(patience, exercise=exercise.id, source=mutant.source, seeds=list(seeds))
        passed = {verdict == "passed" for verdict in reply["verdicts"]}
        done.seconds += reply["seconds"]
        if len(passed) > 1:
            done.unstable.append(mutant.name)
        if passed == {False}:
            done.killed += 1
            done.named += bool(reply["named"])
        elif mutant.name in known:
            done.listed.append(mutant.name)
        else:
            done.survivors.append(mutant.name)
    return done


def all_mutants(notebook: str, exercise: str) -> list[Mutant]:
    """Every mutant of one exercise's solution."""
    return mutants(solution(notebook, exercise))
