"""From a student's answers to the file that they handed in.

An answer is put where the release has its stub, so that the files can be made again from any release. What
is odd about a file is a list of ``Twist``s, applied one after the other, and the editor that saved it.
"""

from __future__ import annotations

import copy
import hashlib
import json
import textwrap
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbformat.v4.rwbase import split_lines

from autograder.card import as_html, as_text, headline
from autograder.exercises import find
from autograder.verdict import AspectResult, ExerciseResult

STUB = "    # YOUR CODE HERE\n    raise NotImplementedError"
Twist = Callable[[NotebookNode], None]


@dataclass(frozen=True)
class Extra:
    """A cell that a student added.

    Attributes:
        text: code, or text with ``markdown=True``.
        after: the exercise or check (``"check-rnn_step"``) that it stands behind.
        before: or the one that it stands in front of.
        prints: what it printed when the student ran it.
        warns: what it wrote to stderr.
        fails: the exception that it ended with, as ``("NameError", "name 'y' is not defined")``.
    """

    text: str
    after: str = ""
    before: str = ""
    markdown: bool = False
    prints: str = ""
    warns: str = ""
    fails: tuple[str, str] = ("", "")

    def cell(self, cell_id: str) -> NotebookNode:
        """The cell as it is saved."""
        source = tidy(self.text)
        if self.markdown:
            return new_markdown_cell(source, id=cell_id)
        outputs = []
        if self.prints:
            outputs.append(new_output("stream", name="stdout", text=tidy(self.prints) + "\n"))
        if self.warns:
            outputs.append(new_output("stream", name="stderr", text=tidy(self.warns) + "\n"))
        if self.fails[0]:
            outputs.append(_exception(*self.fails))
        return new_code_cell(source, id=cell_id, outputs=outputs)


@dataclass(frozen=True)
class Submission:
    """One notebook of one student.

    Attributes:
        answers: exercise to the lines that stand where the stub was.
        cells: exercise to the whole text of its cell, for those who did not keep to the stub.
        extras: cells that the student added.
        copies: cell to the text of a copy of it, right below.
        twists: what else is odd about the notebook.
        saved_by: which editor saved it.
        ran: whether it was saved with the outputs of a run.
        name: what the file is called, when that is not the assignment's name.
    """

    student: str
    assignment: str
    answers: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[str, str] = field(default_factory=dict)
    extras: Sequence[Extra] = ()
    copies: Mapping[str, str] = field(default_factory=dict)
    twists: Sequence[Twist] = ()
    saved_by: Callable[[NotebookNode], str] = field(default=lambda notebook: jupyterlab(notebook))
    ran: bool = True
    name: str = ""

    @property
    def path(self) -> str:
        """Where it lies in the class's folder."""
        return f"{self.student}/{self.assignment}/{self.name or self.assignment}.ipynb"

    def content(self, release: NotebookNode, expected: Mapping[str, Any]) -> str:
        """The file, made from this release.

        Args:
            release: what the student was given.
            expected: what they must get, by exercise: what their own checks had shown them.
        """
        notebook = copy.deepcopy(release)
        for cell in notebook.cells:
            name = cell.id
            if name in self.answers:
                assert STUB in cell.source, f"{name}: the release has no stub"
                body = textwrap.indent(tidy(self.answers[name]), "    ")
                cell.source = cell.source.replace(STUB, body)
            elif name in self.cells:
                cell.source = tidy(self.cells[name])
        for number, extra in enumerate(self.extras):
            place = position(notebook, extra.after or extra.before) + bool(extra.after)
            while (
                extra.after and notebook.cells[place : place + 1] and place_taken(notebook, place)
            ):
                place += 1
            made = extra.cell(self._id(number))
            made.metadata["added"] = True
            notebook.cells.insert(place, made)
        if self.ran:
            _run(notebook, expected)
        for cell in notebook.cells:
            cell.metadata.pop("added", None)
        for name, text in self.copies.items():
            place = position(notebook, name)
            second = copy.deepcopy(notebook.cells[place])
            second.update(source=tidy(text), id=hashlib.sha256(name.encode()).hexdigest()[:8])
            notebook.cells.insert(place + 1, second)
        for twist in self.twists:
            twist(notebook)
        return self.saved_by(notebook)

    def written(self) -> list[str]:
        """The student's own texts, each of which must be found in some cell of the file."""
        bodies = [textwrap.indent(tidy(body), "    ") for body in self.answers.values()]
        whole = (*self.cells.values(), *self.copies.values(), *(one.text for one in self.extras))
        return [*bodies, *map(tidy, whole)]

    def _id(self, number: int) -> str:
        seed = f"{self.path} {number}".encode()
        return str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))


@dataclass(frozen=True)
class RawFile:
    """A file that is no notebook, under a notebook's name."""

    student: str
    assignment: str
    text: str

    @property
    def path(self) -> str:
        """Where it lies in the class's folder."""
        return f"{self.student}/{self.assignment}/{self.assignment}.ipynb"


def tidy(text: str) -> str:
    """``text`` without the indentation that it has in our source."""
    return textwrap.dedent(text).strip("\n")


def position(notebook: NotebookNode, cell_id: str) -> int:
    """The place of a cell among its notebook's cells."""
    return [cell.id for cell in notebook.cells].index(cell_id)


def place_taken(notebook: NotebookNode, place: int) -> bool:
    """Whether an added cell stands there already: the next one goes behind it."""
    return bool(notebook.cells[place].metadata.get("added"))


# ---- the outputs of the student's own run


def _run(notebook: NotebookNode, expected: Mapping[str, Any]) -> None:
    count = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        name = cell.id.removeprefix("check-")
        if cell.id.startswith("check-") and name in expected:
            cell.outputs = _card(name, expected[name])


def _card(name: str, got: Mapping[str, Any]) -> list[NotebookNode]:
    """What ``check`` had shown: all of a card that is passed, the first line of another one."""
    exercise = find(name)
    passed = got["status"] == "passed"
    aspects = tuple(AspectResult(a.name, True, a.points, a.points) for a in exercise.aspects)
    result = ExerciseResult(name, got["status"], got["score"], exercise.points, aspects)
    if passed:
        data = {"text/plain": as_text(result), "text/html": as_html(result)}
        return [new_output("display_data", data=data)]
    if got["status"] in ("timeout", "crashed"):
        return []
    if got["status"] == "missing":
        said = f"{headline(result)}\n  not written yet: it raises NotImplementedError"
        reason = f"{name} is not written yet; the card above says what was found."
    else:
        said = headline(result)
        reason = f"{name} is not right yet; the card above says what was found."
    card = new_output("display_data", data={"text/plain": said})
    failed = new_output(
        "error", ename="CheckFailed", evalue=reason, traceback=[f"CheckFailed: {reason}"]
    )
    return [card, failed]


def _exception(name: str, text: str) -> NotebookNode:
    return new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])


# ---- twists


def deleted(*cell_ids: str) -> Twist:
    """These cells are gone."""

    def twist(notebook: NotebookNode) -> None:
        notebook.cells = [cell for cell in notebook.cells if cell.id not in cell_ids]

    return twist


def moved(*cell_ids: str, before: str) -> Twist:
    """These cells, in this order, stand in front of another one."""

    def twist(notebook: NotebookNode) -> None:
        taken = [notebook.cells[position(notebook, cell_id)] for cell_id in cell_ids]
        notebook.cells = [cell for cell in notebook.cells if cell.id not in cell_ids]
        place = position(notebook, before)
        notebook.cells[place:place] = taken

    return twist


# ---- editors


def jupyterlab(notebook: NotebookNode) -> str:
    """As JupyterLab saves."""
    notebook.metadata.language_info = {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": "3.11.9",
    }
    return _json(notebook)


def vscode(notebook: NotebookNode) -> str:
    """An editor that keeps the ids of cells and drops their metadata, nbgrader's with it."""
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": ".venv", "language": "python", "name": "python3"},
        language_info={"name": "python", "version": "3.12.4"},
    )
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
        if cell.cell_type == "code":
            cell.metadata = NotebookNode(vscode={"languageId": "python"})
    return _json(notebook)


def colab(notebook: NotebookNode) -> str:
    """An editor that drops nbgrader's metadata and the ids, and writes metadata of its own."""
    notebook.metadata = NotebookNode(
        colab={"provenance": [], "toc_visible": True},
        kernelspec={"name": "python3", "display_name": "Python 3"},
        language_info={"name": "python"},
        accelerator="GPU",
    )
    notebook.nbformat_minor = 0
    for number, cell in enumerate(notebook.cells):
        made = hashlib.sha256(f"{number}{cell.pop('id')}".encode()).hexdigest()
        cell.metadata = NotebookNode(id=made[:12])
        if cell.cell_type == "code":
            cell.metadata.colab = {"base_uri": "https://localhost:8080/", "height": 35}
            cell.metadata.outputId = "-".join([made[:8], made[8:12], made[12:16], made[16:20]])
    return _json(notebook)


def old_jupyter(notebook: NotebookNode) -> str:
    """A notebook of format 3, from the days of IPython: worksheets, inputs, prompt numbers."""
    text: str = nbformat.writes(notebook, version=3)
    return text + "\n"


def _json(notebook: NotebookNode) -> str:
    split = split_lines(copy.deepcopy(notebook))
    return json.dumps(split, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read(path: Path) -> list[str]:
    """The sources of the cells of a file, whatever format it has."""
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    return [cell.source for cell in notebook.cells]
