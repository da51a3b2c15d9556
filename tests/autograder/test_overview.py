"""The page that lists all notebooks is read off the notebooks, and counts what a reader solved."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from autograder.build import index_bytes
from autograder.course import Course
from autograder.exercises import assignments
from autograder.overview import (
    INDEX,
    Chapter,
    Unintroduced,
    chapter,
    chapters,
    index,
    progress_report,
)
from autograder.progress import load

COURSE = Course(Path(__file__).parents[2])
TWO = [
    Chapter("01_a", "1 · A", "an hour", "nothing.", ("see",), {"one": 2.0, "two": 3.0}),
    Chapter("02_b", "2 · B", "an hour", "A.", ("see",), {"three": 4.0}),
]


def best(score: float, of: float) -> dict[str, float | bool]:
    return {"score": score, "max_score": of, "passed": score == of}


def test_every_notebook_introduces_itself_and_is_numbered_in_order() -> None:
    listed = chapters(COURSE)
    assert [one.name for one in listed] == sorted(assignments())
    for number, one in enumerate(listed, 1):
        assert one.title.startswith(f"{number} · ")
        assert len(one.goals) >= 3
        assert "../" not in one.needs


def test_every_link_of_the_page_leads_to_a_notebook() -> None:
    page = nbformat.read(COURSE.notebooks / INDEX, as_version=4)
    links = {part.split(")")[0] for cell in page.cells for part in cell.source.split("](")[1:]}
    assert links == {f"{name}/{name}.ipynb" for name in COURSE.assignments}


def test_the_committed_page_is_what_the_notebooks_say() -> None:
    assert (COURSE.notebooks / INDEX).read_bytes() == index_bytes(COURSE)


def test_a_new_reader_is_told_where_to_begin() -> None:
    report = progress_report(TWO, {})
    assert (
        "**0 of 3 exercises solved,** 0 of 9 points. Begin with [1 · A](01_a/01_a.ipynb)." in report
    )
    assert "| [1 · A](01_a/01_a.ipynb) | 0 of 2 | ○○ | 0 of 5 |" in report


def test_partial_points_count_as_points_and_not_as_solved() -> None:
    report = progress_report(TWO, {"one": best(2, 2), "two": best(1.5, 3)})
    assert "**1 of 3 exercises solved,** 3.5 of 9 points. Go on with [1 · A]" in report
    assert "| 1 of 2 | ●○ | 3.5 of 5 |" in report


def test_who_has_solved_everything_reads_it_in_so_many_words() -> None:
    everything = {"one": best(2, 2), "two": best(3, 3), "three": best(4, 4), "gone": best(1, 1)}
    report = progress_report(TWO, everything)
    assert report.startswith("## Course completed")
    assert "all 3 exercises of *Unrolled*" in report
    assert "9 of 9 points" in report


def test_the_page_shows_progress_before_any_cell_is_run() -> None:
    page = index(TWO, {"three": best(4, 4)})
    shown = next(cell for cell in page.cells if cell.cell_type == "code").outputs[0]
    assert "**1 of 3 exercises solved,**" in shown.data["text/markdown"]
    nbformat.validate(page)


@pytest.mark.parametrize(
    ("first", "missing"),
    [
        ("# 3 · C\n\n**Time:** an hour. **You need** B.", "a list of goals"),
        ("# 3 · C\n\n- see\n\n**You need** B.", "Time"),
        ("# C\n\n- see\n\n**Time:** an hour. **You need** B.", "a title"),
        ("# 3 · C\n\n- see\n\n**Time:** an hour.", "You need"),
    ],
)
def test_a_notebook_that_does_not_introduce_itself_is_told_what_is_missing(
    first: str, missing: str
) -> None:
    with pytest.raises(Unintroduced, match=missing):
        chapter("03_c", new_notebook(cells=[new_markdown_cell(first)]), {})


def test_an_unreadable_record_of_progress_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    for content in ("", "[]", '{"exercises": 3}', '{"exercises": {"one": 3}}'):
        path.write_text(content, encoding="utf-8")
        assert load(path) == {}
    path.write_text(json.dumps({"exercises": {"one": best(1, 1)}}), encoding="utf-8")
    assert load(path) == {"one": best(1, 1)}
