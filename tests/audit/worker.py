"""One process that judges answers to one notebook's exercises: ``python -m tests.audit.worker NOTEBOOK``.

It reads a JSON object a line (exercise, source, seeds) and answers with one. A mutant may loop for ever or
eat all memory: whoever started this process watches it, and starts another.
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
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MEMORY_BYTES = 12 * 2**30


def main() -> None:
    """Serve until the input ends."""
    os.environ.setdefault("MPLBACKEND", "agg")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the code prints must not look like a reply
    namespace = solved_namespace(sys.argv[1])
    print(json.dumps({"ready": True}), file=replies, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(answer(namespace, **asked)), file=replies, flush=True)


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
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(source, name, "exec"), namespace)


@lru_cache(maxsize=256)
def judge(exercise: str, seed: int) -> Any:
    """A judge keeps what is expected, so one serves all answers."""
    from autograder.exercises import find
    from autograder.judge import Judge

    return Judge(find(exercise), seed)


def answer(
    namespace: dict[str, Any], exercise: str, source: str, seeds: list[int]
) -> dict[str, Any]:
    """What the judge says of one source, for each seed; the first of them also the diagnosis."""
    started = time.monotonic()
    own = dict(namespace)
    own.pop(exercise, None)
    try:
        run(source, own)
    except Exception as error:
        return {"verdicts": [f"does not run: {type(error).__name__}"], "named": "", "seconds": 0.0}
    if exercise not in own:
        return {"verdicts": ["defines nothing"], "named": "", "seconds": 0.0}
    verdicts, named = [], ""
    for place, seed in enumerate(seeds):
        one = judge(exercise, seed)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            result = one.judge(one.run(own[exercise]))
        verdicts.append(result.status)
        named = result.misconception if not place else named
    return {"verdicts": verdicts, "named": named, "seconds": time.monotonic() - started}


if __name__ == "__main__":
    main()
