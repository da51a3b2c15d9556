"""`python -m tests.endurance 200`: kill the grader so many times, and say what became of the grades."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.endurance.killing import campaign
from tests.endurance.rig import Bench, evidence


def main() -> None:
    """Run one campaign; an assertion fails when a grade was lost, doubled or changed."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[1].strip())
    parser.add_argument("kills", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="endurance-") as folder:
        bench = Bench.make(Path(folder, "undisturbed"))
        done = bench.grade()
        if done.code != 0:
            raise SystemExit(done.printed + done.errors)
        undisturbed = evidence(bench)
        bench.temporary.rmdir()
        total, classes = campaign(
            Path(folder),
            undisturbed,
            arguments.kills,
            arguments.seed,
            lambda s: print(s, flush=True),
        )
    for what, times in sorted(total.items()):
        print(f"{times:5}  {what}")
    print(
        f"{total.total()} kills, {classes} classes of {len(undisturbed.report)} submissions, "
        f"{(time.monotonic() - started) / 60:.0f} minutes: every submission is graded exactly once, "
        "as in the undisturbed run, and nothing is left behind"
    )


if __name__ == "__main__":
    main()
