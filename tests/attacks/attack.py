"""What an attack is: a wrong answer, what it tries besides, and by what name the grader reports it.

An attack is written for the exercise `concat_kernel`, which two assignments have: the course's first
notebook, and that of an ordinary nbgrader course (`stock.py`). So the same submission is graded by both.
In its texts `@NAME@` stands for where things are; see `Targets`.
"""

from __future__ import annotations

import copy
import json
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

EXERCISE = "concat_kernel"
WRONG = "def concat_kernel(Wx, Wh):\n    return np.zeros((1, 1))"
"""Earns nothing: neither its shape nor a value is right."""

Twist = Callable[[NotebookNode], None]

PROOFS = {
    "points": "its wrong answer earned points",
    "reached": "it reached what it was after",
    "ungraded": "the grader failed on it: no grade",
    "grader-killed": "the grader itself was ended",
    "bloated": "all that it printed was kept, megabytes",
    "left": "what it started lived on",
    "script": "the feedback's HTML carries it, live",
    "believed": "a judge without that check believed it, or did what it said",
}
"""How an attack succeeds where nothing stops it."""


@dataclass(frozen=True)
class Targets:
    """Where things are, for attacks to aim at."""

    course: str
    """The folder of the course that grades."""
    gradebook: str
    release: str
    """The released notebook."""
    neighbour: str
    """Another student's submission."""
    solution: str
    """A file with the answer."""
    evidence: str
    """A folder in which an attack that succeeds leaves a file of its name."""
    home: str
    """Of the person who grades."""
    tcp: int
    udp: int
    unix: str
    """The abstract name of a socket."""

    def fill(self, text: str, attack: str) -> str:
        """``text`` with everything put in its place."""
        for name, value in asdict(self).items():
            text = text.replace(f"@{name.upper()}@", str(value))
        text = text.replace("@SLEEP@", sleep(self.evidence, attack))
        reached = f"open({self.evidence + '/' + attack!r}, 'w').close()"
        return text.replace("@REACHED@", reached).replace("@ATTACK@", attack)


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes:
        name: in kebab-case; also the name of the student who hands it in.
        family: one of the issue's families.
        tries: in one sentence.
        proof: how it succeeds where nothing stops it: one of ``PROOFS``.
        named: kinds of incidents, each with a part of the sentence that must be there.
        cell: what stands in the exercise's own cell.
        before: an extra cell in front of it.
        after: an extra cell behind it.
        text: an extra cell of text.
        twist: what else is done to the notebook.
        raw: what is done to the file.
        beside: further files in the folder.
        link: the file is a link to this place.
        believer: which judge believes it, when it is made for our own protocol (``believers.py``).
        status: of the submission.
    """

    name: str
    family: str
    tries: str
    proof: str
    named: tuple[tuple[str, str], ...]
    cell: str = WRONG
    before: str = ""
    after: str = ""
    text: str = ""
    twist: Twist | None = None
    raw: Callable[[str], str | bytes] | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    believer: str = ""
    status: str = "graded"

    def notebook(self, release: NotebookNode, targets: Targets) -> NotebookNode:
        """The release with this attack in it."""

        def filled(text: str) -> str:
            return targets.fill(text.strip("\n"), self.name)

        notebook = copy.deepcopy(release)
        place = position(notebook, EXERCISE)
        notebook.cells[place].source = filled(self.cell)
        if self.text:
            notebook.cells.insert(place + 1, new_markdown_cell(filled(self.text), id="said"))
        if self.after:
            notebook.cells.insert(place + 1, new_code_cell(filled(self.after), id="after"))
        if self.before:
            notebook.cells.insert(place, new_code_cell(filled(self.before), id="before"))
        if self.twist:
            self.twist(notebook)
        return notebook

    def hand_in(
        self, release: NotebookNode, class_folder: Path, targets: Targets, name: str
    ) -> None:
        """Write the submission as this attack's student hands it in."""
        folder = class_folder / self.name / name
        folder.mkdir(parents=True)
        path = folder / f"{name}.ipynb"
        for other, text in self.beside.items():
            (folder / other).write_text(targets.fill(text, self.name), encoding="utf-8")
        if self.link:
            path.symlink_to(targets.fill(self.link, self.name))
            return
        text = json.dumps(self.notebook(release, targets), indent=1)
        handed_in = self.raw(text) if self.raw else text
        if isinstance(handed_in, bytes):
            path.write_bytes(handed_in)
        else:
            path.write_text(handed_in, encoding="utf-8")


def sleep(evidence: str, attack: str) -> str:
    """How long a process sleeps that this attack leaves behind: no other one sleeps as long."""
    return f"8461.{zlib.crc32(f'{evidence}/{attack}'.encode())}"


def sleeping(evidence: str, attack: str) -> list[int]:
    """The processes that an attack left behind."""
    wanted = f"sleep {sleep(evidence, attack)}"
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            if wanted in command.replace(b"\0", b" ").decode(errors="replace"):
                found.append(int(entry.name))
    return found


def position(notebook: NotebookNode, grade_id: str) -> int:
    """The place of a cell."""
    marks = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    return next(
        place
        for place, mark in enumerate(marks)
        if isinstance(mark, dict) and mark.get("grade_id") == grade_id
    )


def checks(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells that are graded."""
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]


def honest(release: NotebookNode, answer: str, targets: Targets) -> NotebookNode:
    """The release with a right answer."""
    plain = Attack("honest", "", "", "points", (), cell=answer)
    return plain.notebook(release, targets)


def read(path: Path) -> NotebookNode:
    """A notebook."""
    return nbformat.read(path, as_version=4)
