"""The ``course`` command: bad input gets a sentence that says what, where and what to do."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from autograder import cli
from autograder.course import Course, CourseError
from autograder.doctor import examine
from autograder.grading import Options, grade_class
from autograder.running import Engine

ROOT = Path(__file__).parents[2]
NAME = "01_unrolling_by_hand"


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty class in a copy of the course."""
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def submitted(course: Path) -> Path:
    folder = course / "submitted" / "ada" / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_text("no notebook")
    return course / "submitted"


def test_outside_a_course_it_says_where_it_looked(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["grade"]) == 2
    assert "is not inside a course" in capsys.readouterr().err


def test_a_folder_that_does_not_exist(course: Path, capsys) -> None:
    assert cli.main(["grade", "nowhere"]) == 2
    assert "nowhere is no folder" in capsys.readouterr().err


def test_a_folder_without_submissions_says_what_was_expected(course: Path, capsys) -> None:
    assert cli.main(["grade", "notebooks"]) == 2
    assert "expected <student>/<assignment>/<assignment>.ipynb" in capsys.readouterr().err


def test_an_unknown_assignment_is_told_the_nearest(submitted: Path, capsys) -> None:
    assert cli.main(["grade", "--assignment", "01_unroling"]) == 2
    assert "did you mean '01_unrolling_by_hand'?" in capsys.readouterr().err


def test_a_submission_of_an_unknown_assignment_is_passed_over_and_named(
    submitted: Path, capsys
) -> None:
    (submitted / "bob" / "99_nothing").mkdir(parents=True)
    assert cli.main(["grade"]) == 1
    assert "bob/99_nothing: there is no such assignment" in capsys.readouterr().out


def test_an_unreadable_submission_is_a_verdict_and_no_failure(submitted: Path, capsys) -> None:
    assert cli.main(["grade", "--json", "grades.json", "--seed", "5"]) == 0
    data = json.loads(Path("grades.json").read_text())
    assert (data["schema"], data["seed"]) == (1, 5)
    (result,) = data["submissions"]
    assert (result["student"], result["status"], result["score"]) == ("ada", "rejected", 0.0)
    assert result["incidents"][0]["kind"] == "unreadable"
    assert "no notebook" in result["incidents"][0]["detail"]
    capsys.readouterr()
    assert cli.main(["grade"]) == 0
    assert "0 graded, 1 unchanged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "is no address of a database"),
        ("oracle9i://x", "is no address of a database"),
        ("sqlite:////proc/nowhere/gradebook.db", "cannot be opened"),
    ],
)
def test_a_gradebook_that_cannot_be_opened(submitted: Path, url: str, said: str, capsys) -> None:
    assert cli.main(["grade", "--gradebook", url]) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_is_no_database(submitted: Path, capsys) -> None:
    (submitted.parent / "other.db").write_text("hello " * 1000)
    assert cli.main(["grade", "--gradebook", "sqlite:///other.db"]) == 2
    assert "cannot be opened" in capsys.readouterr().err


def test_a_gradebook_of_another_course_is_left_alone(submitted: Path, capsys) -> None:
    assert cli.main(["grade"]) == 0
    with sqlite3.connect("gradebook.db") as database:
        database.execute("INSERT INTO course VALUES ('chemistry')")
    assert cli.main(["grade", "--force"]) == 2
    assert "belongs to another course (chemistry)" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--jobs", "0"], ["--timeout", "-1"], ["--nonsense"]])
def test_wrong_use_ends_with_two(option: list[str], submitted: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["grade", *option])
    assert ended.value.code == 2


def test_check_refuses_what_is_no_notebook_of_the_course(course: Path, capsys) -> None:
    assert cli.main(["check", "nowhere.ipynb"]) == 2
    Path("other.ipynb").write_text("{}")
    assert cli.main(["check", "other.ipynb"]) == 2
    assert "is no notebook of this course" in capsys.readouterr().err


@pytest.mark.slow
def test_check_runs_a_notebook_in_a_fresh_kernel_and_ends_with_one_when_something_fails(
    course: Path, capsys
) -> None:
    released = course / "notebooks" / NAME / f"{NAME}.ipynb"
    assert cli.main(["check", str(released), "--json", "result.json"]) == 1
    assert "not written yet" in capsys.readouterr().out
    assert json.loads(Path("result.json").read_text())["score"] == 0.0
    shutil.copy(ROOT / "solutions" / NAME / f"{NAME}.ipynb", course)
    assert cli.main(["check", f"{NAME}.ipynb"]) == 0


def test_build_knows_a_notebook_by_its_number_and_names_what_there_is(capsys, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    assert cli.main(["build", "--check", "77"]) == 2
    assert "there is no notebook '77'" in capsys.readouterr().err
    assert cli.main(["build", "--check", "1"]) == 0


def test_a_missing_kernel_is_said_before_anything_runs(submitted: Path) -> None:
    options = Options(submitted, engine=Engine("no-such-kernel"))
    with pytest.raises(CourseError, match="there is no Jupyter kernel 'no-such-kernel'"):
        grade_class(Course.find(), options, lambda *_: None)
    assert not (submitted.parent / "gradebook.db").exists()


@pytest.mark.slow
def test_doctor_finds_this_environment_in_order(monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    broken = [item for item in examine() if not item.works and item.needed_for != "instructors"]
    assert broken == []


def test_where_nothing_can_be_confined_grading_refuses_with_three_unless_told(
    submitted: Path, capsys, monkeypatch
) -> None:
    from autograder.kernels import support

    nothing = support.ConfinementSupport(
        (support.Feature("Linux", False, "Confined kernels need Linux; this is Plan 9."),)
    )
    monkeypatch.setattr(support, "confinement_support", lambda: nothing)
    assert cli.main(["grade"]) == 3
    said = capsys.readouterr().err
    assert "this is Plan 9" in said
    assert "--no-sandbox" in said
    assert cli.main(["grade", "--no-sandbox", "--json", "grades.json"]) == 0
