"""The course at a glance: what each notebook teaches, what it takes and needs, and how far a reader is.

Everything is read from the released notebooks' own first words and from the exercises' definitions, so that
nothing here has to be kept up by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.card import number
from autograder.course import Course
from autograder.exercises import assignments
from autograder.progress import Solved

INDEX = "index.ipynb"
"""The name of the page, beside the notebooks' folders."""

_TIME = re.compile(r"\*\*Time:?\*\*:?\s+(?P<time>[^,.]+)")
_NEEDS = re.compile(r"\*\*You need:?\*\*:?\s+(?P<needs>.+?)(?:\n\s*\n|\Z)", re.DOTALL)
_GOAL = re.compile(r"^- (?P<goal>.+?)(?=\n- |\n\s*\n|\Z)", re.DOTALL | re.MULTILINE)


class Unintroduced(ValueError):
    """A notebook that does not open as every notebook must; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One notebook, as it introduces itself.

    Attributes:
        name: of its assignment.
        title: its heading, with its number.
        time: what it takes: "about two hours".
        needs: what has to be known first, in Markdown.
        goals: what its reader will be able to do.
        exercises: id to points.
    """

    name: str
    title: str
    time: str
    needs: str
    goals: tuple[str, ...]
    exercises: Mapping[str, float]

    @property
    def link(self) -> str:
        """A link to it from the page beside all notebooks."""
        return f"[{self.title}]({self.name}/{self.name}.ipynb)"


def chapter(name: str, release: NotebookNode, exercises: Mapping[str, float]) -> Chapter:
    """What a notebook says of itself in its first cell.

    Raises:
        Unintroduced: when title, goals, time or needs are missing.
    """
    first = next((cell.source for cell in release.cells if cell.cell_type == "markdown"), "")
    title = re.match(r"# (\d+ · .+)", first)
    time, needs = _TIME.search(first), _NEEDS.search(first)
    goals = tuple(" ".join(found["goal"].split()) for found in _GOAL.finditer(first))
    missing = [
        what
        for what, found in (
            ("a title such as “# 3 · Loops”", title),
            ("**Time:** about …", time),
            ("**You need** …", needs),
            ("a list of goals", goals),
        )
        if not found
    ]
    if missing or title is None or time is None or needs is None:
        raise Unintroduced(f"{name} opens without {', '.join(missing)}")
    return Chapter(
        name,
        title[1].strip(),
        " ".join(time["time"].split()),
        " ".join(needs["needs"].replace("](../", "](").split()),
        goals,
        exercises,
    )


def chapters(course: Course, names: Sequence[str] = ()) -> list[Chapter]:
    """The notebooks of the term, in order, or those of the ``names`` given."""
    defined = assignments()
    return [
        chapter(
            name,
            nbformat.read(course.release(name), as_version=4),
            {item.id: item.points for item in defined.get(name, ())},
        )
        for name in names or course.assignments
    ]


def progress_report(course: Sequence[Chapter], solved: Solved) -> str:
    """How far a reader is, in Markdown: a line a notebook, and what to do next.

    Args:
        course: all chapters.
        solved: best results so far, as ``autograder.progress.load`` gives them.
    """
    rows = ["| notebook | exercises solved | | points |", "|:--|--:|:--|--:|"]
    done_in_all = all_in_all = 0
    earned_in_all = points_in_all = 0.0
    unfinished: Chapter | None = None
    for one in course:
        best = [solved.get(name, {}) for name in one.exercises]
        done, total = sum(bool(item.get("passed")) for item in best), len(best)
        earned, points = sum(item.get("score", 0.0) for item in best), sum(one.exercises.values())
        bar = "●" * done + "○" * (total - done)
        rows.append(
            f"| {one.link} | {done} of {total} | {bar} | {number(earned)} of {number(points)} |"
        )
        done_in_all, all_in_all = done_in_all + done, all_in_all + total
        earned_in_all, points_in_all = earned_in_all + earned, points_in_all + points
        if unfinished is None and done < total:
            unfinished = one
    score = f"{number(earned_in_all)} of {number(points_in_all)} points"
    if unfinished is None:
        words = [
            "## Course completed",
            f"**You have solved all {all_in_all} exercises of *Unrolled*,** in {len(course)} notebooks, "
            f"from two time steps by hand to the diagnosis of a broken network: {score}.",
            "Each answer was run beside the library's own, on cases that include the awkward ones: "
            "a batch of one, a single step, memories that are not empty. The steps, the loops, the "
            "gradients and the gates in these files are your own work. Nobody can hand you a "
            "recurrent network any more that you could not have written yourself. Well done.",
        ]
    else:
        words = [
            f"**{done_in_all} of {all_in_all} exercises solved,** {score}. "
            f"{'Go on' if done_in_all else 'Begin'} with {unfinished.link}."
        ]
    return "\n\n".join([*words, "\n".join(rows)])


def index(course: Sequence[Chapter], solved: Solved) -> NotebookNode:
    """The page as a notebook: progress, then what each notebook teaches, takes and needs."""
    cells = [
        new_markdown_cell(
            "# Unrolled: recurrent networks, from two time steps to attention\n\n"
            "You learn here by writing the thing itself: each notebook explains one idea, lets you "
            "predict, and has you write the code that the idea comes to. Below every exercise is a "
            "check that answers at once, says what is right, and names the mistake.\n\n"
            "Work from top to bottom. Your answers stay in these files; nothing is sent anywhere.",
            id="welcome",
        ),
        new_markdown_cell("## How far you are\n\nRun the cell below to count anew.", id="progress"),
        new_code_cell(
            "from autograder.progress import show_progress\n\nshow_progress()",
            id="count",
            outputs=[
                new_output("display_data", data={"text/markdown": progress_report(course, solved)})
            ],
        ),
        new_markdown_cell("## The notebooks", id="notebooks"),
    ]
    for one in course:
        goals = "\n".join(f"- {goal}" for goal in one.goals)
        cells.append(
            new_markdown_cell(
                f"### {one.link}\n\n{one.time}; {len(one.exercises)} exercises, "
                f"{number(sum(one.exercises.values()))} points. You need {one.needs}\n\n{goals}",
                id=f"n{one.name[:2]}",
            )
        )
    page = new_notebook(cells=cells)
    page.metadata.kernelspec = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    page.metadata.language_info = {"name": "python"}
    return page
