"""Kill the grader again and again, at drawn moments, until a class is graded; then look closely."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.endurance.rig import SECONDS, Bench, Evidence, evidence, left_behind

SIGNS = ("started", "a kernel", "a gradebook", "a record", "a mark", "a notebook")
"""What a killer waits for, before a last pause that is drawn too."""

HOW = ("the grader", "its group", "everything")
"""Who dies: the one process; those that a terminal would end; kernels and zygotes as well."""

PAUSE = 0.6


def killed_until_done(
    bench: Bench, draw: random.Random, told: Callable[[str], None] = lambda _: None
) -> Counter[str]:
    """Start the grader, kill it, start it again, until it comes to its end. Returns the kills."""
    kills: Counter[str] = Counter()
    while True:
        sign, how = draw.choice(SIGNS), draw.choices(HOW, (3, 1, 1))[0]
        pause = draw.random() ** 2 * PAUSE
        # One in so many runs is spared; without that a class might never be done.
        spared = draw.random() < 0.05
        process = bench.start()
        if not spared and _seen(process, bench, sign, pause):
            _kill(process, how)
            kills[f"{how} after {sign}"] += 1
            told(f"killed {how} {pause:.2f} s after {sign}")
            continue
        done = bench.finish(process)
        assert done.code == 0, done.printed + done.errors
        assert "Traceback" not in done.errors, done.errors
        return kills


def _seen(process: subprocess.Popen[str], bench: Bench, sign: str, pause: float) -> bool:
    """Wait for a sign and a little longer. False when the process ended first."""
    before = _signs(process, bench, sign)
    deadline = time.monotonic() + SECONDS
    while sign != "started" and _signs(process, bench, sign) == before:
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, f"no {sign}"
        time.sleep(0.002)  # looks for a sign; nothing is concluded from the time
    with suppress(subprocess.TimeoutExpired):
        process.wait(pause if sign != "started" else 5 * pause)
    return process.poll() is None


def _signs(process: subprocess.Popen[str], bench: Bench, sign: str) -> object:
    """Something that changes when what the killer waits for has come."""
    with suppress(psutil.Error, FileNotFoundError):
        match sign:
            case "a kernel":
                return len(psutil.Process(process.pid).children(recursive=True)) > 2
            case "a gradebook":
                return (bench.root / "gradebook.db").stat().st_mtime_ns
            case "a record":
                return sorted(bench.root.glob(".course/results/*/[!.]*.json"))
            case "a mark":
                return sorted(bench.root.glob(".course/results/*/.*.entered"))
            case "a notebook":
                return sorted(bench.root.glob("autograded/*/*/*.ipynb"))
    return None


def _kill(process: subprocess.Popen[str], how: str) -> None:
    """Kill, and wait until all that the process had started is gone, by itself."""
    os.kill(process.pid, signal.SIGSTOP)  # so that nothing new appears while we look
    family = []
    with suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    if how == "everything":
        for member in family:
            with suppress(psutil.Error):
                member.kill()
    if how == "its group":
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive, f"still there a minute after the kill: {alive}"


def differences(bench: Bench, undisturbed: Evidence) -> list[str]:
    """What differs from a run that nobody killed, and what was left behind."""
    found = evidence(bench)
    names = ("report", "gradebook", "comments", "records", "graded")
    wrong = [name for name in names if getattr(found, name) != getattr(undisturbed, name)]
    return [f"the {name} differ" for name in wrong] + left_behind(bench)


def campaign(
    folder: Path, undisturbed: Evidence, kills: int, seed: int, told: Callable[[str], None]
) -> tuple[Counter[str], int]:
    """At least so many kills, over as many classes as that takes; returns kills and classes."""
    draw, total, classes = random.Random(seed), Counter[str](), 0
    while total.total() < kills:
        bench = Bench.make(folder / f"class-{classes}")
        total += killed_until_done(bench, draw, told)
        classes += 1
        wrong = differences(bench, undisturbed)
        assert not wrong, f"{bench.root}: {wrong}"
        bench.temporary.rmdir()
        told(f"class {classes} is as it must be after {total.total()} kills")
    return total, classes
