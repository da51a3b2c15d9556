"""Grade the grader: ``make audit``, or ``python -m tests.audit [NN ...]``; see ``docs/audit.md``.

Every exercise's mutants, alternatives, variants and hints are tried; a line an exercise says what was found.
The figures go to ``tests/audit/figures.json`` and ``docs/audit.md``. What was judged is kept below
``.course/audit`` and not judged again while the definition is the same: an audit may be ended at any time.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence

from autograder.exercises import assignments
from tests.audit.figures import record
from tests.audit.mutants import Mutant
from tests.audit.running import Answers, Audited, Worker, audit


def main() -> int:
    """Audit what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.audit", description=__doc__)
    parser.add_argument("notebooks", nargs="*", metavar="NN", help="all when none is named")
    parser.add_argument("--exercise", action="append", default=[], metavar="ID")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="mutants an exercise")
    parser.add_argument(
        "--sample-slow", type=int, default=0, metavar="N", help="mutants an exercise that trains"
    )
    parser.add_argument("--seeds", type=int, default=100, metavar="N")
    parser.add_argument("--mutant-seeds", type=int, default=5, metavar="N")
    parser.add_argument("--slow-seeds", type=int, default=3, metavar="N")
    parser.add_argument("--look", action="store_true", help="print the figures, do not keep them")
    options = parser.parse_args()

    def choose(found: Sequence[Mutant], trains: bool) -> Sequence[Mutant]:
        most = (options.sample_slow if trains else 0) or options.sample or len(found)
        return random.Random(0).sample(found, most) if most < len(found) else found

    sound = True
    worker = Worker()
    try:
        for notebook, exercises in sorted(assignments().items()):
            if options.notebooks and notebook[:2] not in {n.zfill(2) for n in options.notebooks}:
                continue
            for exercise in exercises:
                if options.exercise and exercise.id not in options.exercise:
                    continue
                done = audit(
                    worker,
                    notebook,
                    exercise,
                    Answers(notebook, exercise),
                    choose,
                    options.seeds,
                    options.mutant_seeds,
                    options.slow_seeds,
                )
                if not options.look:
                    record(done)
                show(done)
                sound = sound and done.sound
    finally:
        worker.close()
    return 0 if sound else 1


def show(done: Audited) -> None:
    """A line an exercise, and one for everything that is not as it must be."""
    print(
        f"{done.exercise}: {done.tried} of {done.mutants} mutants, {done.killed} killed "
        f"({done.named} by name), {len(done.listed)} equivalent, {len(done.survivors)} survive; "
        f"{done.alternatives} alternatives, {done.changes} changes, {done.variants} variants, "
        f"{done.seeds} seeds, {len(done.wrong)} wrong; {done.cost:.2f} s an answer",
        flush=True,
    )
    for label, names in (
        ("survives", done.survivors),
        ("depends on the seed", done.unstable),
        ("wrong", done.wrong[:12]),
        ("in a hint", done.leaks),
    ):
        for name in names:
            print(f"  {label}: {name}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
