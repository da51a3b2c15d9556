"""Make the example class: ``python examples/make_class.py`` writes ``examples/submitted/``.

What each student wrote stands in ``handed_in/`` as text, beside what is odd about their file; the rest of
a notebook comes from the release. The same release gives the same bytes.

``--check`` writes nothing. It says whether every file holds what its student wrote. A file made from an
older release is fine: students hand in what they were given.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import cache
from pathlib import Path

import nbformat
from handed_in import (
    both_ways,
    gates,
    gradients,
    last_one,
    mistaken,
    notebooks,
    odd_files,
    right,
    sorters,
    stacks,
    training,
    trouble,
)
from nbformat import NotebookNode

HERE = Path(__file__).resolve().parent
SUBMITTED = HERE / "submitted"
SUBMISSIONS = (
    *right.SUBMISSIONS,
    *mistaken.SUBMISSIONS,
    *trouble.SUBMISSIONS,
    *odd_files.SUBMISSIONS,
    *gradients.SUBMISSIONS,
    *gates.SUBMISSIONS,
    *training.SUBMISSIONS,
    *stacks.SUBMISSIONS,
    *last_one.SUBMISSIONS,
    *sorters.SUBMISSIONS,
    *both_ways.SUBMISSIONS,
)
EXPECTED = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))


@cache
def release(assignment: str) -> NotebookNode:
    """What students were given."""
    path = HERE.parent / "notebooks" / assignment / f"{assignment}.ipynb"
    return nbformat.read(path, as_version=4)


def contents() -> dict[str, str]:
    """Path below ``submitted/`` to what the file holds."""
    made = {raw.path: raw.text for raw in odd_files.RAW_FILES}
    for one in SUBMISSIONS:
        exercises = EXPECTED[f"{one.student}/{one.assignment}"]["exercises"]
        made[one.path] = one.content(release(one.assignment), exercises)
    return made


def write() -> None:
    """Make every file anew, and remove what belongs to nobody."""
    made = contents()
    for path in sorted(SUBMITTED.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(SUBMITTED).as_posix() not in made:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for name, text in made.items():
        path = SUBMITTED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(made)} files in {SUBMITTED.name}/")


def problems() -> list[str]:
    """A sentence on each file that does not hold what its student wrote."""
    found = []
    there = {p.relative_to(SUBMITTED).as_posix() for p in SUBMITTED.rglob("*") if p.is_file()}
    wanted = {one.path for one in (*SUBMISSIONS, *odd_files.RAW_FILES)}
    found += [f"{path} is missing" for path in sorted(wanted - there)]
    found += [f"{path} belongs to no student" for path in sorted(there - wanted)]
    for raw in odd_files.RAW_FILES:
        path = SUBMITTED / raw.path
        if raw.path in there and path.read_text(encoding="utf-8") != raw.text:
            found.append(f"{raw.path} does not hold what {raw.student} handed in")
    for one in SUBMISSIONS:
        if one.path not in there:
            continue
        sources = notebooks.read(SUBMITTED / one.path)
        # A deleted or copied cell may hold another text: those are the twist's own business.
        lost = [text for text in one.written() if not any(text in source for source in sources)]
        found += [f"{one.path} lacks what {one.student} wrote: {text[:60]!r}" for text in lost]
    return found


def main() -> int:
    """Write the class, or check it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when stale")
    if not parser.parse_args().check:
        write()
        return 0
    found = problems()
    for problem in found:
        print(f"{problem}. Run: python examples/make_class.py", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
