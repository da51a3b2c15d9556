"""``course report``: one page on the whole class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from markupsafe import Markup

from autograder.course import Course, CourseError
from autograder.gradebook import (
    Marks,
    Patience,
    address,
    default_url,
    open_gradebook,
    read_marks,
)
from autograder.marking import remark
from autograder.overview import chapters
from autograder.reports.classroom import BINS, AssignmentNumbers, numbers
from autograder.reports.feedback import WORDS
from autograder.reports.page import render
from autograder.store import Store
from autograder.submission import Graded


def class_numbers(
    course: Course, wanted: Sequence[str] = (), gradebook: str = ""
) -> list[AssignmentNumbers]:
    """How the class did in each assignment that has been graded.

    Raises:
        CourseError: when nothing has been graded.
    """
    course.require(wanted)
    by_assignment: dict[str, list[tuple[Graded, Marks]]] = defaultdict(list)
    term = course.term
    records = [
        graded
        for graded in Store(course).everything()
        if graded.result.assignment in (wanted or course.assignments)
    ]
    url = address(gradebook or default_url(course))
    with open_gradebook(url) as opened:
        results = [graded.result for graded in records]
        Patience(url).wait(lambda: remark(opened, term, results))
        for graded in records:
            result = graded.result
            marks = read_marks(opened, result.student, result.assignment, term)
            marked = replace(graded, result=term.marked(result))
            by_assignment[result.assignment].append((marked, marks))
    if not by_assignment:
        raise CourseError("nothing has been graded yet. Run: course grade")
    return [numbers(name, several) for name, several in sorted(by_assignment.items())]


def class_report(course: Course, wanted: Sequence[str] = (), gradebook: str = "") -> str:
    """The report as one page that needs no other file and runs no script."""
    found = class_numbers(course, wanted, gradebook)
    rows = [row for one in found for row in one.rows]
    return render(
        "report.html",
        assignments=found,
        students=len({row.result.student for row in rows}),
        submissions=len(rows),
        titles={one.name: one.title for one in chapters(course)},
        histograms={one.name: Markup(_histogram(one.histogram)) for one in found},
        words=WORDS,
        term=course.term,
    )


def _histogram(counts: Sequence[int]) -> str:
    """A bar for each tenth of the points, as SVG; numbers only, so nothing needs escaping."""
    width, height, foot, head = 46, 90, 32, 18
    most = max(counts) or 1
    bars = []
    for place, count in enumerate(counts):
        tall = round(height * count / most)
        x, y = place * width, head + height - tall
        bars.append(
            f'<rect x="{x + 3}" y="{y}" width="{width - 6}" height="{tall}" fill="#0072b2"/>'
            f'<text x="{x + width / 2:g}" y="{y - 4}" text-anchor="middle" font-size="12">{count or ""}</text>'
            f'<text x="{x}" y="{head + height + 14}" text-anchor="middle" font-size="11">{place * 10}</text>'
        )
    told = ", ".join(
        f"{count} between {place * 10} and {place * 10 + 10} percent"
        for place, count in enumerate(counts)
        if count
    )
    whole = width * BINS
    return (
        f'<svg role="img" viewBox="-14 0 {whole + 34} {head + height + foot}" '
        f'style="width:100%;max-width:{whole + 34}px;font-family:sans-serif">'
        f"<title>Submissions by share of the points: {told}</title>{''.join(bars)}"
        f'<path d="M0 {head + height}H{whole}" stroke="#1a1a1a"/>'
        f'<text x="{whole}" y="{head + height + 14}" text-anchor="middle" font-size="11">100 %</text>'
        f'<text x="0" y="{head + height + 29}" font-size="11">share of the points</text></svg>'
    )
