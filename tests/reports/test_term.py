"""The course file in everything that people get: gradebook, report, feedback, exports."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.gradebook import default_url, open_gradebook, read_marks
from autograder.overview import chapters
from autograder.reports.class_report import class_numbers, class_report
from autograder.reports.export import export
from autograder.reports.feedback import feedback_page
from autograder.store import Store
from tests.reports.classes import NAME, classroom

DUE = datetime(2026, 10, 16, 18, tzinfo=UTC)
TERM = """
title = "Autumn"
time_zone = "Europe/Berlin"
[late]
percent_per_day = 10
at_most = 50
[notebooks.1]
points = 11
due = "2026-10-16 20:00"
"""
EXTENSION = "[notebooks.1.extensions]\nhal = '2 days'\n"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """ada in time, hal 30 hours late, both right; grace wrong, and nobody knows when."""
    made = classroom(tmp_path / "course", ada="right", grace="wrong", hal="right")
    with gradebook(made) as opened:
        for student, hours in (("ada", -1), ("hal", 30)):
            came = DUE.replace(tzinfo=None) + timedelta(hours=hours)
            opened.update_or_create_submission(NAME, student, timestamp=came)
    return made


@contextmanager
def gradebook(course: Course) -> Iterator[Any]:
    with open_gradebook(default_url(course)) as opened:
        yield opened


def under(course: Course, text: str) -> Course:
    """The course once its file says this."""
    (course.root / "course.toml").write_text(text, encoding="utf-8")
    return Course(course.root)


def table(course: Course) -> dict[str, dict[str, str]]:
    titles = {one.name: one.title for one in chapters(course)}
    made = export(course, "csv", Path("out"), titles=titles)
    (text,) = made.files.values()
    return {row["student"]: row for row in csv.DictReader(io.StringIO(text))}


def told(course: Course) -> list[tuple[str, str, str, str]]:
    return [
        (row["score"], row["max_score"], row["late_penalty"], row["late_days"])
        for row in table(course).values()
    ]


def test_points_and_penalties_reach_the_export_and_go_when_the_file_goes(course: Course) -> None:
    plain = told(course)
    assert plain[0] == plain[2] == ("22", "22", "0", "0")
    scaled = told(under(course, TERM))
    assert scaled[0] == ("11", "11", "0", "0")
    assert scaled[2] == ("8.8", "11", "2.2", "2")
    assert float(scaled[1][0]) == pytest.approx(float(plain[1][0]) / 2, abs=0.01)
    assert told(under(course, TERM + EXTENSION))[2] == ("11", "11", "0", "0")
    assert told(under(course, TERM.replace("= 10", "= 40")))[2] == ("5.5", "11", "5.5", "2")
    assert told(under(course, "[notebooks.1]"))[0] == ("22", "22", "0", "0")


def test_the_gradebook_itself_says_the_same_so_that_formgrader_does(course: Course) -> None:
    table(under(course, TERM + EXTENSION))
    with gradebook(course) as opened:
        assignment = opened.find_assignment(NAME)
        assert (assignment.max_score, assignment.duedate) == (11, DUE.replace(tzinfo=None))
        hal = opened.find_submission(NAME, "hal")
        assert (hal.score, hal.extension, hal.total_seconds_late) == (11, timedelta(days=2), 0)
    table(under(course, TERM))
    with gradebook(course) as opened:
        hal = opened.find_submission(NAME, "hal")
        assert (hal.extension, hal.total_seconds_late) == (None, 30 * 3600)
        assert opened.find_submission_notebook(NAME, NAME, "hal").late_submission_penalty == 2.2


def test_marks_by_hand_stay_and_are_flagged_where_the_points_below_them_change(
    course: Course,
) -> None:
    with gradebook(course) as opened:
        grade = opened.find_grade("check-rnn_step", NAME, NAME, "hal")
        grade.manual_score = 1.0
        opened.find_comment("rnn_step", NAME, NAME, "hal").manual_comment = "Look here."
        opened.db.commit()
    told_now = told(under(course, TERM))
    with gradebook(course) as opened:
        grade = opened.find_grade("check-rnn_step", NAME, NAME, "hal")
        assert (grade.manual_score, grade.auto_score, grade.max_score) == (1.0, 2.0, 2.0)
        assert grade.needs_manual_grade
        marks = read_marks(opened, "hal", NAME, under(course, TERM).term)
    assert marks.comments == {"rnn_step": "Look here."}
    assert marks.late_penalty == pytest.approx(2.0)  # of the ten points that are left
    assert told_now[2] == ("8", "11", "2", "2")


def test_an_old_mark_of_lateness_is_nobodys_without_a_rule(course: Course) -> None:
    with gradebook(course) as opened:
        notebook = opened.find_submission_notebook(NAME, NAME, "ada")
        notebook.late_submission_penalty = 4.0
        opened.db.commit()
    assert told(course)[0] == ("18", "22", "4", "0")
    assert told(under(course, "[notebooks.1]"))[0] == ("18", "22", "4", "0")


def test_the_report_names_late_submissions_and_the_deadline(course: Course) -> None:
    page = class_report(under(course, TERM))
    assert "Class report: Autumn" in page
    assert "Due on 16 October 2026 at 20:00; 1 late." in page
    assert "was handed in on 18 October 2026 at 02:00, 1 day and 6 hours later." in page
    assert "That counts as 2 days: 20 % of the points earned are taken off, 2.2 points." in page
    assert "extensions for hal" in class_report(under(course, TERM + EXTENSION))


def test_the_feedback_page_says_it_to_the_student_in_words(course: Course) -> None:
    course = under(course, TERM)
    class_numbers(course)
    record = next(one for one in Store(course).everything() if one.result.student == "hal")
    with gradebook(course) as opened:
        marks = read_marks(opened, "hal", NAME, course.term)
    page = feedback_page(course.term.marked(record.result), record.notebook, marks, course.term)
    assert "<strong>8.8</strong> of 11 points" in page
    assert "It was due on 16 October 2026 at 20:00 and was handed in on" in page
    assert "rnn_step: 2 of 2 points" in page  # the card, too


def test_a_record_stays_in_the_points_of_the_definitions(course: Course) -> None:
    class_numbers(under(course, TERM))
    for record in Store(course).everything():
        assert record.result.max_score == 22
