"""When something was handed in: the platform's word counts before a student's own."""

from __future__ import annotations

import json
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.bundle import contents
from autograder.course import Course, CourseError
from autograder.hand_in_times import HandInTime, claimed_in, moodles_times, note_time, read_times
from autograder.handing_in import Receipt, collect, submit
from autograder.lab import update_work

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "reports" / "samples"
NAME, OTHER = "01_unrolling_by_hand", "02_static_unrolling"
NOON = datetime(2026, 10, 16, 12, tzinfo=UTC)
TERM = 'time_zone = "Europe/Berlin"\n[notebooks.1]\ndue = 2026-10-16\n[notebooks.2]\n'


@pytest.fixture
def course(tmp_path: Path) -> Course:
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    for name in (NAME, OTHER):
        shutil.copytree(ROOT / "notebooks" / name, tmp_path / "notebooks" / name)
    (tmp_path / "course.toml").write_text(TERM)
    return Course(tmp_path)


def released(name: str = NAME) -> bytes:
    return (ROOT / "notebooks" / name / f"{name}.ipynb").read_bytes()


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def stamp(course: Course, student: str, name: str = NAME) -> str:
    path = course.root / "submitted" / student / name / "timestamp.txt"
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def packed(course: Course) -> tuple[Path, Receipt]:
    update_work(course)
    target = course.root / f"ada-{NAME}.zip"
    return target, submit(course, NAME, target)


def test_a_receipt_counts_where_nothing_else_is_known_and_it_is_said_whose_word_it_is(
    course: Course,
) -> None:
    source, receipt = packed(course)
    found = collect(course, [source], course.root / "submitted", None)
    assert stamp(course, "ada") == f"{datetime.fromisoformat(receipt.packed):%Y-%m-%d %H:%M:%S} UTC"
    assert any("student's own word" in note and f"ada/{NAME}" in note for note in found.notes)


def test_the_platforms_time_replaces_a_claim_and_no_claim_replaces_it(course: Course) -> None:
    source, _ = packed(course)
    target, times = course.root / "submitted", course.root / "times.csv"
    times.write_text(f"student,assignment,time\nada,{NAME},2026-10-17 10:00\n")
    collect(course, [source], target, None)
    assert collect(course, [source], target, None, times).notes == []
    assert stamp(course, "ada") == "2026-10-17 08:00:00 UTC"
    assert collect(course, [source], target, None).notes == []
    assert stamp(course, "ada") == "2026-10-17 08:00:00 UTC"


def test_the_time_of_older_content_does_not_stay(course: Course) -> None:
    target = course.root / "submitted"
    times = course.root / "times.csv"
    times.write_text("student,time\nada,2026-10-15T10:00:00+00:00\n")
    first = archive(course.root / "a.zip", {f"ada/{NAME}.ipynb": released()})
    collect(course, [first], target, None, times)
    assert stamp(course, "ada") == "2026-10-15 10:00:00 UTC"
    second = archive(course.root / "b.zip", {f"ada/{NAME}.ipynb": released() + b"\n"})
    collect(course, [second], target, None)
    assert stamp(course, "ada") == ""


def test_moodles_worksheet_has_the_times_of_one_assignment(course: Course) -> None:
    sheet, target = SAMPLES / "moodle_worksheet.csv", course.root / "submitted"
    one = {"Ada Lovelace_4711_assignsubmission_file_x.ipynb": released()}
    assert collect(course, [archive(course.root / "m.zip", one)], target, sheet).notes == []
    assert stamp(course, "s1001") == "2026-11-02 09:04:00 UTC"  # 10:04 in Berlin
    two = {"Grace Hopper_4712_assignsubmission_file_y.ipynb": released(OTHER), **one}
    found = collect(course, [archive(course.root / "m2.zip", two)], target, sheet)
    assert "are for one assignment, and several were collected" in found.notes[0]
    assert stamp(course, "s1002", OTHER) == ""


def test_a_time_in_another_language_is_named_and_not_guessed() -> None:
    row = {"Identifier": "Participant 7"}
    told = "Last modified (submission)"
    rows = [
        {**row, told: "Montag, 2. November 2026, 10:04"},
        {**row, "Identifier": "8", told: "Monday, 2 November 2026, 18:04"},
        {**row, "Identifier": "9", told: "-"},
    ]
    found = moodles_times(rows, {"7": "ada", "8": "bob"}, ZoneInfo("UTC"))
    assert found.not_understood == ("ada: 'Montag, 2. November 2026, 10:04'",)
    assert found.of("bob", NAME) == datetime(2026, 11, 2, 18, 4, tzinfo=UTC)


def test_canvas_late_mark_without_a_time_is_told(course: Course) -> None:
    late = archive(course.root / "c.zip", {f"a_LATE_101_1_{NAME}.ipynb": released()})
    found = collect(course, [late], course.root / "submitted", None)
    assert found.notes == [
        f"Canvas says LATE, but not when, of 101/{NAME}: give the times with --times"
    ]


def test_what_is_no_table_of_times_is_a_sentence_with_its_line(tmp_path: Path) -> None:
    table = tmp_path / "times.csv"
    table.write_text("who,when\nada,1\n")
    with pytest.raises(CourseError, match="no table of times"):
        read_times(table, ZoneInfo("UTC"))
    table.write_text("student,time\nada,2026-10-16 12:00\nbob,noon\n")
    with pytest.raises(CourseError, match=r"times\.csv, line 3: 'noon' is no time"):
        read_times(table, ZoneInfo("UTC"))


@given(st.binary(max_size=200) | st.sampled_from([b"[]", b'{"sha256": 3}', b'{"packed": []}']))
def test_a_receipt_that_is_none_claims_nothing(receipt: bytes) -> None:
    assert claimed_in(receipt, b"content") is None


def test_a_receipt_for_other_content_claims_nothing(course: Course) -> None:
    source, receipt = packed(course)
    with zipfile.ZipFile(source) as made:
        told, content = made.read("receipt.json"), made.read(f"{NAME}.ipynb")
    assert claimed_in(told, content) == datetime.fromisoformat(receipt.packed)
    assert claimed_in(told, content + b" ") is None
    without_zone = {**json.loads(told), "packed": "2026-10-16T12:00:00"}
    assert claimed_in(json.dumps(without_zone).encode(), content) is None


STEPS = st.lists(
    st.tuples(
        st.none() | st.sampled_from(["platform", "receipt"]),
        st.integers(0, 5),
        st.booleans(),
    ),
    max_size=6,
)


@given(STEPS)
def test_what_a_platform_said_of_this_content_always_wins(
    tmp_path_factory: pytest.TempPathFactory, steps: list
) -> None:
    folder = tmp_path_factory.mktemp("times")
    said: dict[str, datetime] = {}
    for source, hours, replaced in steps:
        moment = NOON + timedelta(hours=hours)
        note_time(folder, HandInTime(moment, source) if source else None, replaced=replaced)
        said = {} if replaced else said
        said |= {source: moment} if source else {}
    wanted = said.get("platform", said.get("receipt"))
    path = folder / "timestamp.txt"
    assert path.is_file() == (wanted is not None)
    if wanted:
        assert path.read_text().strip() == f"{wanted:%Y-%m-%d %H:%M:%S} UTC"


def test_what_is_not_in_the_course_file_is_neither_collected_nor_bundled(course: Course) -> None:
    for name in ("LICENSE", "Makefile", "environment.yml", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, course.root)
    (course.root / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "students.md", course.root / "docs")
    shutil.copy(ROOT / "notebooks" / "index.ipynb", course.root / "notebooks")
    (course.root / "course.toml").write_text("[notebooks.1]\n")
    fresh = Course(course.root)
    files = dict(contents(fresh))
    assert f"notebooks/{NAME}/{NAME}.ipynb" in files
    assert f"notebooks/{OTHER}/{OTHER}.ipynb" not in files
    assert NAME.encode() in files["notebooks/index.ipynb"]
    assert OTHER.encode() not in files["notebooks/index.ipynb"]
    assert "course.toml" not in files
    both = {f"ada/{NAME}.ipynb": released(), f"ada/{OTHER}.ipynb": released(OTHER)}
    source = archive(course.root / "s.zip", both)
    found = collect(fresh, [source], course.root / "submitted", None)
    assert list(found.placed) == [("ada", NAME)]
    assert found.problems == []
    assert f"{OTHER} is not in course.toml; left out" in found.notes[0]
