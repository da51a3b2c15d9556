"""Grade the grader: ``python -m tests.audit [NN ...] [--sample N] [--seeds N]``; see ``docs/audit.md``.

Prints a line an exercise and the mutants that survive. What has been audited is kept below
``.course/audit`` and not done again while the exercise's definition and solution are the same.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from dataclasses import asdict
from hashlib import sha256

from autograder.exercises import assignments
from autograder.files import write_atomically
from tests.audit.running import ROOT, Audited, Worker, all_mutants, audit, equivalents, solution

STATE = ROOT / ".course" / "audit"


def main() -> int:
    """Audit what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.audit", description=__doc__)
    parser.add_argument("notebooks", nargs="*", metavar="NN")
    parser.add_argument("--exercise", action="append", default=[], metavar="ID")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="mutants an exercise")
    parser.add_argument("--seeds", type=int, default=1, metavar="N")
    options = parser.parse_args()
    failed = False
    for name, exercises in sorted(assignments().items()):
        if options.notebooks and name[:2] not in {n.zfill(2) for n in options.notebooks}:
            continue
        worker = Worker(name)
        try:
            for exercise in exercises:
                if options.exercise and exercise.id not in options.exercise:
                    continue
                done = _one(worker, name, exercise, options)
                _print(done)
                failed = failed or bool(done.survivors or done.unstable)
        finally:
            worker.close()
    return 1 if failed else 0


def _one(worker: Worker, name: str, exercise, options: argparse.Namespace) -> Audited:  # type: ignore[no-untyped-def]
    definition = ROOT / "autograder" / "exercises" / f"n{name}.py"
    content = (
        definition.read_text(encoding="utf-8"),
        solution(name, exercise.id),
        json.dumps(equivalents().get(exercise.id, {})),
        f"{options.sample} {options.seeds}",
    )
    key = sha256("\0".join(content).encode()).hexdigest()
    path = STATE / f"{exercise.id}.json"
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept.pop("key") == key:
            return Audited(**kept)
    chosen = all_mutants(name, exercise.id)
    if options.sample and options.sample < len(chosen):
        chosen = random.Random(exercise.id).sample(chosen, options.sample)
    done = audit(worker, exercise, chosen, list(range(1, options.seeds + 1)))
    write_atomically(path, json.dumps({"key": key, **asdict(done)}, indent=1))
    return done


def _print(done: Audited) -> None:
    print(
        f"{done.exercise}: {done.total} mutants, {done.killed} killed ({done.named} by name), "
        f"{len(done.listed)} equivalent, {len(done.survivors)} survive; {done.seconds:.0f} s",
        flush=True,
    )
    for name in done.survivors:
        print(f"  survives: {name}", flush=True)
    for name in done.unstable:
        print(f"  depends on the seed: {name}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
