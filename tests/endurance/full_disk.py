"""In a mount namespace of its own: fill one folder's disk, grade, make room, grade again.

`python -m tests.endurance.full_disk COURSE WHICH`, inside `unshare --mount`; prints the runs as JSON
and copies the course to where the tests can see it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from tests.endurance.rig import Bench, Run

WHICH = ("results", "gradebook", "graded notebooks")


def folder_of(which: str, bench: Bench) -> Path:
    """Where the disk is full."""
    return {
        "results": bench.root / ".course",
        "gradebook": bench.root.parent / "books",
        "graded notebooks": bench.root / "autograded",
    }[which]


def main() -> None:
    """Run the experiment."""
    bench = Bench(Path(sys.argv[1]))
    which = sys.argv[2]
    disk = folder_of(which, bench)
    disk.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "unrolled-test", str(disk)]
    subprocess.run(mount, check=True)
    if which == "gradebook":
        bench.options = ("--gradebook", f"sqlite:///{disk / 'gradebook.db'}")
    everybody = sorted(bench.students.iterdir())
    for student in everybody[1:]:
        student.rename(bench.root.parent / student.name)
    runs = [bench.grade()]
    for student in everybody[1:]:
        (bench.root.parent / student.name).rename(student)
    runs.append(with_a_full(disk, bench))
    runs.append(bench.grade())
    if which == "gradebook":
        shutil.copy(disk / "gradebook.db", bench.root)
    shutil.copytree(bench.root, bench.root.parent / "seen" / "course")
    print(json.dumps([asdict(run) for run in runs]))


def with_a_full(disk: Path, bench: Bench) -> Run:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            os.fsync(file.fileno())
    done = bench.grade("--jobs", "1")
    ballast.unlink()
    return done


if __name__ == "__main__":
    main()
