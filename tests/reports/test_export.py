"""Grades for other systems, held against what these systems themselves export."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest
from nbgrader.api import Gradebook

from autograder.course import Course, CourseError
from autograder.gradebook import default_url
from autograder.overview import chapters
from autograder.reports.export import Exported, export
from tests.reports.classes import MAX, NAME, classroom
from tests.reports.importers import canvas_imports, moodle_imports

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    made = classroom(
        tmp_path_factory.mktemp("export") / "c", ada="right", grace="wrong", hal="right"
    )
    with Gradebook(default_url(made), "unrolled") as gradebook:
        notebook = gradebook.find_submission_notebook(NAME, NAME, "hal")
        notebook.late_submission_penalty = 4.0
        gradebook.db.commit()
    return made


def exported(course: Course, kind: str, roster: Path | None = None) -> Exported:
    titles = {one.name: one.title for one in chapters(course)}
    return export(course, kind, Path("out"), assignments=[NAME], titles=titles, roster=roster)


def rows(made: Exported) -> list[dict[str, str]]:
    (text,) = made.files.values()
    return list(csv.DictReader(io.StringIO(text)))


def test_the_plain_table_has_a_line_for_each_submission_and_the_late_penalty(
    course: Course,
) -> None:
    table = {row["student"]: row for row in rows(exported(course, "csv"))}
    assert sorted(table) == ["ada", "grace", "hal"]
    assert float(table["ada"]["score"]) == MAX
    assert 0 < float(table["grace"]["score"]) < MAX
    assert float(table["hal"]["score"]) == MAX - 4
    assert float(table["hal"]["late_penalty"]) == 4


def test_canvas_gets_its_own_file_back_with_one_column_filled(course: Course) -> None:
    sample = SAMPLES / "canvas.csv"
    before = list(csv.DictReader(sample.open(encoding="utf-8", newline="")))
    made = exported(course, "canvas", sample)
    after = rows(made)
    column = "1 · Unrolling by hand (48151)"
    assert list(after[0]) == list(before[0])
    for old, new in zip(before, after, strict=True):
        assert {k: v for k, v in new.items() if k != column} == {
            k: v for k, v in old.items() if k != column
        }
    filled = {row["Student"]: row[column] for row in after}
    assert filled["    Points Possible"] == "22.00"
    assert float(filled["Lovelace, Ada"]) == MAX
    assert 0 < float(filled["Hopper, Grace"]) < MAX
    assert filled["Noether, Emmy"] == ""
    assert made.problems == ["hal is nobody in the roster; left out"]


def test_without_a_roster_canvas_gets_the_columns_that_it_asks_for(course: Course) -> None:
    table = rows(exported(course, "canvas"))
    sample = list(csv.DictReader((SAMPLES / "canvas.csv").open(encoding="utf-8", newline="")))
    assert list(table[0])[:5] == list(sample[0])[:5]
    assert table[0]["Student"].strip() == "Points Possible"
    assert float(table[0]["1 · Unrolling by hand"]) == MAX


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("postings", [False, True], ids=["", "a line on manual posting"])
def test_canvas_own_rules_find_our_grades_and_change_nothing_else(
    course: Course, tmp_path: Path, separator: str, postings: bool
) -> None:
    lines = list(csv.reader((SAMPLES / "canvas.csv").open(encoding="utf-8", newline="")))
    if postings:
        lines.insert(1, ["", "", "", "", "", "Manual Posting", "", "", "", "", ""])
    sample = tmp_path / "gradebook.csv"
    with sample.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=separator).writerows(lines)
    before = canvas_imports(sample.read_text(encoding="utf-8-sig"))
    (text,) = exported(course, "canvas", sample).files.values()
    after = canvas_imports(text)
    mine = "1 · Unrolling by hand (48151)"
    assert float(after.grades[mine]["101"]) == MAX
    assert 0 < float(after.grades[mine]["102"]) < MAX
    assert after.grades[mine]["103"] == ""
    assert after.points == before.points
    assert mine not in after.read_only
    assert {k: v for k, v in after.grades.items() if k != mine} == {
        k: v for k, v in before.grades.items() if k != mine
    }


def test_canvas_takes_our_table_also_without_a_roster(course: Course) -> None:
    (text,) = exported(course, "canvas").files.values()
    found = canvas_imports(text)
    assert float(found.grades["1 · Unrolling by hand"]["ada"]) == MAX
    assert float(found.points["1 · Unrolling by hand"]) == MAX
    with pytest.raises(ValueError, match="Invalid header row"):
        canvas_imports(text.replace("Section", "Group"))


def test_moodles_own_rules_find_our_grades_and_comments(course: Course) -> None:
    (text,) = exported(course, "moodle", SAMPLES / "moodle_worksheet.csv").files.values()
    found = moodle_imports(text)
    assert float(found.grades["Grade"]["4711"]) == MAX
    assert 0 < float(found.grades["Grade"]["4712"]) < MAX
    assert found.grades["Grade"]["4713"] == ""
    assert "✗ rnn_step" in found.comments["4712"]
    with pytest.raises(ValueError, match="finds no column"):
        moodle_imports(text.replace("Last modified (grade)", "Changed"))


def test_moodles_grading_worksheet_comes_back_with_grades_and_comments(course: Course) -> None:
    sample = SAMPLES / "moodle_worksheet.csv"
    before = list(csv.DictReader(sample.open(encoding="utf-8", newline="")))
    made = exported(course, "moodle", sample)
    after = rows(made)
    mine = ("Grade", "Feedback comments")
    for old, new in zip(before, after, strict=True):
        assert {k: v for k, v in new.items() if k not in mine} == {
            k: v for k, v in old.items() if k not in mine
        }
    assert float(after[0]["Grade"]) == MAX
    assert float(after[0]["Grade"]) <= float(after[0]["Maximum Grade"])
    assert "✗ rnn_step" in after[1]["Feedback comments"]
    assert after[2]["Grade"] == ""
    assert made.problems == ["hal is nobody in the roster; left out"]


def test_gradescopes_results_are_what_its_specification_asks_for(course: Course) -> None:
    schema = json.loads((SAMPLES / "gradescope.schema.json").read_text(encoding="utf-8"))
    made = exported(course, "gradescope")
    assert [path.as_posix() for path in made.files] == [
        f"out/{NAME}/{student}/results.json" for student in ("ada", "grace", "hal")
    ]
    for text in made.files.values():
        jsonschema.validate(json.loads(text), schema)
    grace = json.loads(made.files[Path("out") / NAME / "grace" / "results.json"])
    assert [test["status"] for test in grace["tests"]] == ["failed"] * 5
    assert sum(test["score"] for test in grace["tests"]) == grace["score"]


def test_a_file_of_another_system_is_refused_with_what_to_do(
    course: Course, tmp_path: Path
) -> None:
    with pytest.raises(CourseError, match=r"no gradebook of Canvas.*Export Entire Gradebook"):
        exported(course, "canvas", SAMPLES / "moodle_worksheet.csv")
    with pytest.raises(CourseError, match="no grading worksheet of Moodle"):
        exported(course, "moodle", SAMPLES / "canvas.csv")
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    with pytest.raises(CourseError, match="is no table"):
        exported(course, "canvas", empty)


def test_two_lines_for_one_student_are_told_and_neither_is_filled(
    course: Course, tmp_path: Path
) -> None:
    text = (SAMPLES / "canvas.csv").read_text(encoding="utf-8")
    twice = tmp_path / "twice.csv"
    twice.write_text(text + '"Other, Ada",104,s1004,ada,CS 7,,,,,,\n', encoding="utf-8")
    made = exported(course, "canvas", twice)
    assert "ada is more than one in the roster; left out" in made.problems
    assert all(not r["1 · Unrolling by hand (48151)"] for r in rows(made) if "Ada" in r["Student"])


@pytest.mark.parametrize("name", ["=1+1", "+1", "@SUM(A1)", "-1+1"])
def test_a_students_name_is_never_a_formula(tmp_path: Path, name: str) -> None:
    course = classroom(tmp_path / "c", **{name: "right"})
    assert rows(exported(course, "csv"))[0]["student"] == f"'{name}"
    canvas = rows(exported(course, "canvas"))
    assert canvas[1]["SIS Login ID"] == f"'{name}"
    assert float(canvas[1]["1 · Unrolling by hand"]) == MAX
    assert rows(exported(course, "moodle"))[0]["Username"] == f"'{name}"
