"""Workers under watch, and the audit of one exercise."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat

from autograder.exercise import Exercise
from autograder.files import write_atomically
from tests.audit.hints import giving_away
from tests.audit.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".course" / "audit"
START_SECONDS = 180.0
SLOW_SECONDS, QUICK_SECONDS = 1.0, 0.1
"""An exercise trains, as the audit sees it, when its right answer takes ``SLOW_SECONDS`` for one seed's cases;
CI tries those that take less than ``QUICK_SECONDS``."""
VERSION = "1"
"""Of what the worker replies: another one makes what was kept worthless."""
Reply = dict[str, Any]


class Worker:
    """One ``tests.audit.worker``, started anew when an answer hung or ended it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def ask(self, seconds: float, **question: Any) -> Reply:
        """The worker's reply, or the verdict that it hung or died; ``seconds`` are the processor's."""
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
                [sys.executable, "-m", "tests.audit.worker"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            if self._line(START_SECONDS) != {"ready": True}:
                self.close()
                raise RuntimeError("the worker does not start")
        return self.process

    def _line(self, seconds: float) -> Reply | None:
        """The next reply; one with the verdict "crashed" when the process ended; ``None`` when late."""
        assert self.process is not None
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            used, waited = self._processor_seconds(), 0
            while not selector.select(1.0):
                waited += 1
                if self._processor_seconds() - used > seconds or waited > 10 * seconds:
                    return None
        line = self.process.stdout.readline()
        return json.loads(line) if line else self._ended("crashed", 0.0)

    def _processor_seconds(self) -> float:
        """What the worker has used so far: a busy machine must not look like an endless loop."""
        assert self.process is not None
        try:
            stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        except OSError:  # it ended, or this system tells otherwise
            return 0.0
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _ended(self, verdict: str, seconds: float) -> Reply:
        self.close()
        return {"verdicts": [verdict], "named": "", "seconds": seconds, "ended": True}


@cache
def equivalents() -> dict[str, dict[str, str]]:
    """Mutants that are right answers, too, by exercise, each with the reason."""
    return _listed("equivalent.toml")


@cache
def refused() -> dict[str, dict[str, str]]:
    """Changes of dtype or container that an exercise's text rules out, each with the reason."""
    return _listed("refused.toml")


def _listed(name: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))


@cache
def _solutions(notebook: str) -> dict[str, str]:
    solved = nbformat.read(ROOT / "solutions" / notebook / f"{notebook}.ipynb", as_version=4)
    return {
        cell.metadata["nbgrader"]["grade_id"]: str(cell.source)
        for cell in solved.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def solution(notebook: str, exercise: str) -> str:
    """The source of an exercise's solution cell."""
    return _solutions(notebook)[exercise]


@cache
def all_mutants(notebook: str, exercise: str) -> tuple[Mutant, ...]:
    """Every mutant of one exercise's solution."""
    return tuple(mutants(solution(notebook, exercise)))


@dataclass
class Audited:
    """What was found out about one exercise.

    Attributes:
        mutants: how many there are; ``tried`` of them were judged.
        named: killed mutants that got the hint of a known misconception.
        listed: mutants that pass and are listed as equivalent.
        survivors: mutants that pass and are not.
        alternatives, variants, changes: how many were tried, with every seed.
        wrong: what went otherwise than it must: "alternative loops: failed (seed 3)".
        leaks: hints that contain a piece of the solution.
        unstable: mutants whose verdict depends on the seed.
        seeds, mutant_seeds: how many.
        cost: processor seconds of the right answer, one seed.
    """

    exercise: str
    mutants: int = 0
    tried: int = 0
    killed: int = 0
    named: int = 0
    listed: list[str] = field(default_factory=list)
    survivors: list[str] = field(default_factory=list)
    unstable: list[str] = field(default_factory=list)
    alternatives: int = 0
    variants: int = 0
    changes: int = 0
    wrong: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    seeds: int = 0
    mutant_seeds: int = 0
    cost: float = 0.0

    @property
    def sound(self) -> bool:
        """Whether nothing is left to mend."""
        return not (self.survivors or self.unstable or self.wrong or self.leaks)

    @property
    def trains(self) -> bool:
        """Whether it is judged with few seeds."""
        return self.cost >= SLOW_SECONDS

    @property
    def quick(self) -> bool:
        """Whether CI tries a sample of it."""
        return self.cost < QUICK_SECONDS


@dataclass
class Answers:
    """What the worker said, kept on disk, so that an audit that was ended goes on where it was.

    What was kept counts as long as the exercise's definition, its probe and the notebook are the same.
    """

    notebook: str
    exercise: Exercise

    def __post_init__(self) -> None:
        probe = self.exercise.probe.partition(":")[0]
        read = (
            f"autograder/exercises/n{self.notebook}.py",
            f"autograder/probes/{probe}.py",
            f"solutions/{self.notebook}/{self.notebook}.py",
            "autograder/compare.py",
        )
        text = "\0".join((ROOT / name).read_text(encoding="utf-8") for name in read) + VERSION
        self._key = sha256(text.encode()).hexdigest()
        self._path = STATE / f"{self.exercise.id}.json"
        self._kept: dict[str, Reply] = {}
        self._unwritten = 0.0
        if self._path.is_file():
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            self._kept = kept["replies"] if kept["key"] == self._key else {}

    def get(self, worker: Worker, seconds: float, **question: Any) -> Reply:
        """The reply to a question, asked only once."""
        key = sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:24]
        if key not in self._kept:
            asked = question | {"notebook": self.notebook, "exercise": self.exercise.id}
            self._kept[key] = worker.ask(seconds, **asked)
            self._unwritten += self._kept[key].get("seconds", 1.0) + 0.1
            if self._unwritten > 20:
                self.write()
        return self._kept[key]

    def write(self) -> None:
        """Put all replies on disk."""
        STATE.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, json.dumps({"key": self._key, "replies": self._kept}))
        self._unwritten = 0.0


def audit(
    worker: Worker,
    notebook: str,
    exercise: Exercise,
    answers: Answers,
    choose: Callable[[Sequence[Mutant], bool], Sequence[Mutant]] = lambda found, _: found,
    seeds: int = 100,
    mutant_seeds: int = 5,
    slow_seeds: int = 3,
) -> Audited:
    """Everything about one exercise.

    Args:
        worker: judges.
        notebook: whose solution is mutated.
        exercise: the definition.
        answers: what was judged before.
        choose: which of the mutants to try, given all of them and whether the exercise trains.
        seeds: for variants and alternatives.
        mutant_seeds: for mutants.
        slow_seeds: for both, where the exercise trains.

    Raises:
        RuntimeError: when the solution itself does not pass: then nothing can be said.
    """
    cost = answers.get(worker, 600.0, do="measure")["seconds"]
    done = Audited(exercise.id, cost=cost)
    done.seeds = slow_seeds if done.trains else seeds
    done.mutant_seeds = min(slow_seeds, mutant_seeds) if done.trains else mutant_seeds
    done.leaks = giving_away(exercise, solution(notebook, exercise.id))
    try:
        _definition(worker, answers, done)
        every = all_mutants(notebook, exercise.id)
        done.mutants = len(every)
        _mutants(worker, answers, done, choose(every, done.trains), notebook)
    finally:
        answers.write()
    return done


def _definition(worker: Worker, answers: Answers, done: Audited) -> None:
    exercise = answers.exercise
    allowed = refused().get(exercise.id, {})
    changes = set()
    for seed in range(1, done.seeds + 1):
        reply = answers.get(worker, 1800.0, do="definition", seed=seed)
        if reply.get("ended"):
            raise RuntimeError(f"{exercise.id}: {reply['verdicts']} with seed {seed}")
        changes |= {name for name in reply["changes"] if name not in allowed}
        done.wrong += [f"{text} (seed {seed})" for text in _wrong(reply, allowed)]
    done.alternatives = len(exercise.alternatives)
    done.variants = len(exercise.misconceptions)
    done.changes = len(changes)


def _wrong(reply: Reply, allowed: dict[str, str]) -> Iterator[str]:
    for name, status in reply["alternatives"].items():
        if status != "passed":
            yield f"alternative {name}: {status}"
    for name, (status, given) in reply["variants"].items():
        if status == "passed":
            yield f"variant {name}: passed"
        elif given != name:
            yield f"variant {name}: called “{given}”"
    for name, reason in reply["changes"].items():
        if reason and name not in allowed:
            yield f"right answer as {name}: {reason}"


def _mutants(
    worker: Worker, answers: Answers, done: Audited, chosen: Sequence[Mutant], notebook: str
) -> None:
    """Judge some mutants of one exercise's solution."""
    seeds = list(range(1, done.mutant_seeds + 1))
    own = solution(notebook, done.exercise)
    right = answers.get(worker, 600.0, do="source", source=own, seeds=seeds)
    if set(right["verdicts"]) != {"passed"}:
        raise RuntimeError(f"{done.exercise}: the solution itself is judged {right['verdicts']}")
    patience = 20.0 + 5 * right["seconds"]
    known = equivalents().get(done.exercise, {})
    done.tried = len(chosen)
    for mutant in chosen:
        reply = answers.get(worker, patience, do="source", source=mutant.source, seeds=seeds)
        passed = {verdict == "passed" for verdict in reply["verdicts"]}
        if len(passed) > 1:
            done.unstable.append(mutant.name)
        elif passed == {False}:
            done.killed += 1
            done.named += bool(reply["named"])
        elif mutant.name in known:
            done.listed.append(mutant.name)
        else:
            done.survivors.append(mutant.name)
