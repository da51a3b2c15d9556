"""``course.toml``: what it says is done, and what cannot be meant is a sentence with its line."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.cli import main
from autograder.course import Course, CourseError
from autograder.course_file import parse_term

ROOT = Path(__file__).parents[2]
RELEASED = Course(ROOT).released
FIRST, SECOND, THIRD = RELEASED[:3]


def test_the_example_reads_as_it_says() -> None:
    term = parse_term((ROOT / "examples" / "course.toml").read_text(encoding="utf-8"), RELEASED)
    assert list(term.notebooks) == [FIRST, SECOND, THIRD]
    first, second = term.notebooks[FIRST], term.notebooks[SECOND]
    assert first.points == 10
    assert first.due == datetime(2026, 10, 16, 21, 59, 59, tzinfo=UTC)
    assert second.due == datetime(2026, 10, 30, 17, tzinfo=UTC)  # the clock was put back meanwhile
    assert second.extensions == {
        "ada": datetime(2026, 11, 2, 17, tzinfo=UTC),
        "grace": datetime(2026, 11, 6, 22, 59, 59, tzinfo=UTC),
        "emmy": datetime(2026, 11, 1, 17, tzinfo=UTC),
        "sofia@example.edu": datetime(2026, 11, 6, 17, tzinfo=UTC),
    }
    assert first.extensions == {
        "emmy": datetime(2026, 10, 18, 21, 59, 59, tzinfo=UTC),
        "sofia@example.edu": datetime(2026, 10, 23, 21, 59, 59, tzinfo=UTC),
    }
    assert term.notebooks[THIRD].exercises == {"dynamic_rnn": 12}
    assert term.late is not None
    assert (term.late.percent_per_day, term.late.at_most, term.late.of) == (10, 50, "earned")


def test_without_a_file_or_without_a_table_of_notebooks_all_belong(tmp_path: Path) -> None:
    assert list(parse_term("", RELEASED).notebooks) == RELEASED
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(ROOT / "notebooks" / FIRST, tmp_path / "notebooks" / FIRST)
    assert Course(tmp_path).assignments == [FIRST]
    assert not Course(tmp_path).term.written


def test_notebooks_may_be_named_by_number_and_dates_may_say_their_own_zone() -> None:
    text = """
time_zone = "America/New_York"
[notebooks.2]
due = 2026-10-16T18:00:00+02:00
[notebooks.01]
due = "2026-10-16 18:00"
[notebooks.03]
"""
    term = parse_term(text, RELEASED)
    assert list(term.notebooks) == [FIRST, SECOND, THIRD]
    assert term.notebooks[SECOND].due == datetime(2026, 10, 16, 16, tzinfo=UTC)
    assert term.notebooks[FIRST].due == datetime(2026, 10, 16, 22, tzinfo=UTC)


WRONG = {
    "title = \nx = 1": ["not written as TOML", "line 1"],
    "titel = 'x'": ["line 1, titel: there is no key 'titel'; did you mean 'title'?"],
    "title = 3": ["line 1, title: 3 is not what is needed here: a text in quotes"],
    "time_zone = 'Europe/Berln'": ["line 1, time_zone", "did you mean 'Europe/Berlin'?"],
    "time_zone = 2": ['the name of a time zone, such as "Europe/Berlin"'],
    "time_zone = '../x'": ["time_zone: '../x' is not what is needed"],
    "[late]\nat_most = 50": ["line 1, late", "percent_per_day = 10"],
    "[late]\npercent_per_day = 110": ["line 2, late.percent_per_day: 110", "from 0 to 100"],
    "[late]\npercent_per_day = true": ["late.percent_per_day: true is not"],
    "[late]\npercent_per_day = nan": ["late.percent_per_day: nan is not"],
    "[late]\npercent_per_day = 10\nof = 'earnd'": ["line 3, late.of", "did you mean 'earned'?"],
    "late = 10": ["line 1, late: 10 is not what is needed here: a table"],
    "[notebooks]": ["[notebooks.01_unrolling_by_hand]"],
    "# x\n\n[notebooks.01_unroling]": ["line 3", f"did you mean '{FIRST}'?"],
    f"[notebooks.1]\n[notebooks.{FIRST}]": [f"{FIRST} is there twice"],
    "[notebooks.1]\npoints = 0": ["line 2, notebooks.1.points: 0 is not", "a number above 0"],
    "[notebooks.1]\npoints = -1": ["line 2", "a number from 0"],
    "[notebooks.1]\npoints = 'ten'": ["'ten' is not what is needed here: a number"],
    "[notebooks.1]\npoints = inf": ["notebooks.1.points: inf"],
    "[notebooks.1]\npionts = 3": ["line 2", "did you mean 'points'?"],
    "[notebooks.1]\ndue = 'soon'": ["line 2, notebooks.1.due", 'such as 2026-10-16'],
    "[notebooks.1]\ndue = 12:00:00": ["12:00:00 is not what is needed here: a date"],
    "[notebooks.1]\ndue = '2026-13-01'": ["'2026-13-01' is not what is needed"],
    "[notebooks.1.exercises]\nrnn_stp = 4": ["line 2", "did you mean 'rnn_step'?"],
    "[notebooks.1.exercises]\nrnn_step = [1]": ["line 2", "a list is not what is needed"],
    "[notebooks.1]\nextensions = {ada = '1 day'}": ["nothing to extend", "has no due date"],
    "[notebooks.1]\ndue = 2026-10-16\n[notebooks.1.extensions]\n'a@b.c' = '3 dyas'": [
        "line 4, notebooks.1.extensions.a@b.c", '"3 days"'
    ],
    "[notebooks.1]\ndue = 2026-10-16\n[notebooks.1.extensions]\nada = 2026-10-15": [
        "line 4", "ends before the deadline itself"
    ],
    "[notebooks.1]\ndue = 2026-10-16\n[notebooks.1.extensions]\nada = 3": ["line 4", "3 is not"],
    "[extensions]\nada = 2026-10-15": ["line 2, extensions.ada", "[notebooks.NAME.extensions]"],
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_meant_is_a_sentence_with_line_key_and_what_is_allowed(text: str) -> None:
    with pytest.raises(CourseError) as refused:
        parse_term(text, RELEASED)
    assert str(refused.value).startswith("course.toml")
    for said in WRONG[text]:
        assert said in str(refused.value)


def test_no_exercise_worth_anything_is_refused() -> None:
    nothing = "[notebooks.1.exercises]\n" + "\n".join(
        f"{name} = 0"
        for name in ("rnn_step", "unroll_two_steps", "concat_kernel", "rnn_step_tf", "recover_wx")
    )
    with pytest.raises(CourseError, match="no exercise is worth anything"):
        parse_term(nothing, RELEASED)


LINES = st.sampled_from(
    [
        "[notebooks.1]", "[notebooks.02]", "[late]", "[notebooks.1.extensions]", "[extensions]",
        "due = 2026-10-16", "due = 1", "points = 3", "points = 'x'", "ada = '3 days'", "ada = []",
        "percent_per_day = 10", "title = 'x'", "[[notebooks]]", "x.y = 1", "notebooks = 3", '"" = 1',
    ]
)  # fmt: skip


@given(st.lists(LINES, max_size=8))
def test_any_file_is_a_term_or_a_sentence(lines: list[str]) -> None:
    try:
        term = parse_term("\n".join(lines), RELEASED)
    except CourseError as refused:
        assert str(refused).startswith("course.toml")  # noqa: PT017
    else:
        assert set(term.notebooks) <= set(RELEASED)


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def test_the_command_shows_what_the_file_comes_to(course: Path, capsys) -> None:
    assert main(["term"]) == 0
    assert "There is no course.toml" in capsys.readouterr().out
    shutil.copy(ROOT / "examples" / "course.toml", course)
    assert main(["term"]) == 0
    shown = capsys.readouterr().out
    for said in ("autumn 2026", "16 October 2026 at 23:59", "ada: 2 November 2026 at 18:00"):
        assert said in shown
    assert "10 % of the points earned a day, at most 50 %" in shown
    (course / "course.toml").write_text("[late]\nper_day = 3\n")
    assert main(["term"]) == 2
    assert "course.toml, line 2, late.per_day" in capsys.readouterr().err


def test_a_notebook_outside_the_term_is_neither_graded_nor_asked_for(course: Path, capsys) -> None:
    (course / "course.toml").write_text("[notebooks.1]\n")
    for name in (FIRST, SECOND):
        (course / "submitted" / "ada" / name).mkdir(parents=True)
    assert main(["grade"]) == 0
    shown = capsys.readouterr().out
    assert f"passed over, not in course.toml: {SECOND}" in shown
    assert "1 graded" in shown
    assert main(["report"]) == 0
    assert SECOND not in (course / "report.html").read_text(encoding="utf-8")
    for command in (["grade"], ["report"], ["feedback"], ["export", "--format", "csv"]):
        assert main([*command, "--assignment", SECOND]) == 2
        assert f"{SECOND} does not belong to this term" in capsys.readouterr().err
