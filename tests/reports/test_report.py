"""The class report: its numbers, and a page that runs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.cli import main
from autograder.course import Course, CourseError
from autograder.reports.alike import look_alike, program
from autograder.reports.class_report import class_numbers, class_report
from tests.examples.classroom import new_course
from tests.reports.classes import NAME, classroom, record
from tests.reports.test_feedback import Tags

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    root = tmp_path_factory.mktemp("report") / "course"
    return classroom(
        root,
        **{"ada": "right", "grace": "wrong", "alan": "wrong", "emmy": "missing", HOSTILE: "right"},
    )


def test_the_numbers_count_what_happened(course: Course) -> None:
    (one,) = class_numbers(course)
    assert (one.name, len(one.rows)) == (NAME, 5)
    first = next(item for item in one.exercises if item.id == "rnn_step")
    assert (first.solved, first.tried, first.unnamed) == (2, 4, 0)
    assert [(m.name, m.students) for m in first.mistakes] == [("wh-transposed", ("alan", "grace"))]
    assert first.share == pytest.approx((2 + 2 * one.rows[2].result.exercises[0].score / 4) / 5)
    assert sum(one.histogram) == 5
    assert one.histogram[9] == 2
    assert one.histogram[0] >= 1
    assert [student for student, _ in one.incidents] == ["alan", "grace"]
    assert one.hardest_first[-1].id == "rnn_step"


def test_students_whose_programs_differ_in_names_only_are_listed(course: Course) -> None:
    (one,) = class_numbers(course)
    assert {(p.first, p.second) for p in one.alike.pairs} >= {("alan", "grace")}
    assert ("ada", "grace") not in {(p.first, p.second) for p in one.alike.pairs}


def test_a_class_in_which_everybody_is_alike_accuses_nobody() -> None:
    same = ["n0", "=", "n1"] * 40
    assert look_alike({"a": [*same, "x"], "b": [*same, "y"], "c": [*same, "z"]}).pairs == ()


def test_short_programs_are_not_compared() -> None:
    assert look_alike({"a": ["x"] * 20, "b": ["x"] * 20}).pairs == ()


def test_names_comments_and_layout_make_no_difference(course: Course) -> None:
    left, right = (record(course, student, "wrong").notebook for student in ("ada", "grace"))
    right.cells[-1].source = "# mine\n\n" + right.cells[-1].source.replace(" = ", "  =  ")
    assert program(left) == program(right)


def test_the_page_says_it_all_and_runs_nothing(course: Course) -> None:
    page = class_report(course)
    assert "2 of 5: wh-transposed" in page
    assert "alan, grace" in page
    assert "Submissions by share of the points: " in page
    tags = Tags(page)
    assert not tags.elements & {
        "script",
        "iframe",
        "object",
        "embed",
        "link",
        "form",
        "base",
        "img",
    }
    assert not any(name.startswith("on") for name in tags.attributes)
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_the_command_writes_it_and_says_where(
    course: Course, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(course.root)
    assert main(["report", "--output", "here.html"]) == 0
    assert "the report: here.html" in capsys.readouterr().out
    assert (course.root / "here.html").read_text(encoding="utf-8") == class_report(course)


def test_nothing_graded_and_unknown_assignments_are_sentences(tmp_path: Path) -> None:
    empty = Course(new_course(tmp_path / "course"))
    with pytest.raises(CourseError, match="nothing has been graded yet"):
        class_report(empty)
    with pytest.raises(CourseError, match="there is no assignment '99_x'"):
        class_report(empty, ["99_x"])
