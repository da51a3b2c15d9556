"""One process that judges answers: ``python -m tests.audit.worker``.

It reads a JSON object a line (what to do, notebook, exercise ...) and answers with one. A mutant may loop for
ever or eat all memory: whoever started this process watches it, and starts another.
"""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import os
import resource
import sys
import time
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MEMORY_BYTES = 12 * 2**30


def main() -> None:
    """Serve until the input ends."""
    os.environ.setdefault("MPLBACKEND", "agg")
    for threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(threads, "1")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the code prints must not look like a reply
    print(json.dumps({"ready": True}), file=replies, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        reply = DOES[asked.pop("do")](**asked)
        print(json.dumps(reply), file=replies, flush=True)


@cache
def solved_namespace(notebook: str) -> dict[str, Any]:
    """The variables of a solved notebook, run without its figures and checks."""
    import nbformat

    solved = nbformat.read(ROOT / "solutions" / notebook / f"{notebook}.ipynb", as_version=4)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in solved.cells:
        is_check = cell.metadata.get("nbgrader", {}).get("grade")
        if (
            cell.cell_type == "code"
            and "demo" not in cell.metadata.get("tags", [])
            and not is_check
        ):
            run(cell.source, namespace)
    return namespace


def run(source: str, namespace: dict[str, Any]) -> None:
    """Execute ``source`` so that AutoGraph can read it back."""
    name = f"<cell {len(linecache.cache)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    with quiet():
        exec(compile(source, name, "exec"), namespace)


@contextlib.contextmanager
def quiet() -> Any:
    """What an answer prints goes nowhere."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


@lru_cache(maxsize=16)
def judge(exercise: str, seed: int) -> Any:
    """A judge keeps what is expected, so one serves all answers."""
    from autograder.exercises import find
    from autograder.judge import Judge

    return Judge(find(exercise), seed)


def source(notebook: str, exercise: str, source: str, seeds: list[int]) -> dict[str, Any]:
    """What the judge says of one source, for each seed; the first of them also the diagnosis."""
    started = time.monotonic()
    own = dict(solved_namespace(notebook))
    own.pop(exercise, None)
    try:
        run(source, own)
    except Exception as error:
        return {"verdicts": [f"does not run: {type(error).__name__}"], "named": "", "seconds": 0.0}
    if exercise not in own:
        return {"verdicts": ["defines nothing"], "named": "", "seconds": 0.0}
    results = [_judged(judge(exercise, seed), own[exercise]) for seed in seeds]
    return {
        "verdicts": [result.status for result in results],
        "named": results[0].misconception,
        "seconds": round(time.monotonic() - started, 3),
    }


def measure(notebook: str, exercise: str) -> dict[str, Any]:
    """The processor seconds that the right answer takes for all cases of one seed, warmed up."""
    one = judge(exercise, 1)
    with quiet():
        one.run(one.exercise.reference)
        started = time.process_time()
        one.run(one.exercise.reference)
    return {"seconds": round(time.process_time() - started, 3)}


def definition(notebook: str, exercise: str, seed: int) -> dict[str, Any]:
    """What the judge says of everything that the definition itself brings, with one seed.

    ``variants`` holds, by name, the status and the name that the diagnosis gave; ``alternatives``
    hold the status, ``changes`` (the right answer in another dtype or container) what is wrong.
    """
    from autograder.exercises import find
    from autograder.judge import Judge

    item = find(exercise)
    one = Judge(item, seed)
    reply: dict[str, Any] = {"alternatives": {}, "variants": {}, "changes": _changes(one)}
    for name, alternative in item.alternatives.items():
        result = _judged(one, alternative)
        reply["alternatives"][name] = result.status
    for known in item.misconceptions:
        result = _judged_variant(one, known, again=seed <= 5)
        reply["variants"][known.name] = [result.status, result.misconception]
    return reply


def changes(notebook: str, exercise: str, seed: int) -> dict[str, Any]:
    """The part of ``definition`` that is about other dtypes and containers."""
    return {"changes": _changes(judge(exercise, seed))}


def _changes(one: Any) -> dict[str, str]:
    """By name of the change, "" where the right answer stays right, else the reason."""
    from tests.audit.changes import CHANGES, Changed

    found = {}
    for name in CHANGES if callable(one.exercise.reference) else ():
        changed = Changed(one.exercise.reference, name)
        result = _judged(one, changed)
        if changed.applies:
            found[name] = "" if result.passed else result.reason
    return found


def _judged(one: Any, answer: object) -> Any:
    with quiet():
        return one.judge(one.run(answer))


def _judged_variant(one: Any, known: Any, again: bool) -> Any:
    """The result of a variant, which the diagnosis runs ``again`` or is given as it ran here."""
    if again:
        return _judged(one, known.variant)
    with quiet():
        return one.judge([one.variant(known, case) for case in range(len(one.cases))])


DOES: dict[str, Callable[..., dict[str, Any]]] = {
    "source": source,
    "measure": measure,
    "definition": definition,
    "changes": changes,
}

if __name__ == "__main__":
    main()
