"""What students hand in gets to the right place, whatever archive it comes in and whatever is in that."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.bundle import make_bundle
from autograder.cli import main
from autograder.course import Course, CourseError
from autograder.handing_in import collect, folder_name, recognise, submit
from autograder.lab import update_work

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "reports" / "samples"
NAME, OTHER = "01_unrolling_by_hand", "02_static_unrolling"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    for name in (NAME, OTHER):
        shutil.copytree(ROOT / "notebooks" / name, tmp_path / "notebooks" / name)
    return Course(tmp_path)


def notebook(name: str = NAME, mark: str = "") -> bytes:
    content = nbformat.read(ROOT / "notebooks" / name / f"{name}.ipynb", as_version=4)
    content.cells.append(nbformat.v4.new_code_cell(f"# {mark}"))
    return nbformat.writes(content).encode("utf-8")


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def placed(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


# ---- submit


def test_a_student_packs_a_notebook_and_gets_a_receipt(course: Course) -> None:
    update_work(course)
    mine = course.root / "work" / NAME / f"{NAME}.ipynb"
    content = nbformat.read(mine, as_version=4)
    cell = next(
        c for c in content.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "rnn_step"
    )
    cell.source = "def rnn_step(x, h, Wx, Wh, b):\n    return x"
    nbformat.write(content, mine)
    receipt = submit(course, NAME, course.root / "out.zip")
    assert (receipt.written, receipt.exercises) == (1, 5)
    with zipfile.ZipFile(course.root / "out.zip") as packed:
        assert packed.read(f"{NAME}.ipynb") == mine.read_bytes()
        told = json.loads(packed.read("receipt.json"))
    assert told["code"] == receipt.code
    assert submit(course, NAME, course.root / "again.zip").code == receipt.code
    mine.write_bytes(mine.read_bytes() + b"\n")
    assert submit(course, NAME, course.root / "other.zip").code != receipt.code


def test_what_jupyter_could_not_read_is_not_packed(course: Course) -> None:
    update_work(course)
    (course.root / "work" / NAME / f"{NAME}.ipynb").write_text("{")
    with pytest.raises(CourseError, match="cannot be handed in: the file is no notebook"):
        submit(course, NAME, course.root / "out.zip")
    shutil.rmtree(course.root / "work")
    with pytest.raises(CourseError, match="is not there"):
        submit(course, NAME, course.root / "out.zip")


def test_submit_and_collect_are_two_ends_of_one_road(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    update_work(course)
    monkeypatch.chdir(course.root)
    assert main(["submit", "1", "--name", "Ada Lovelace"]) == 0
    assert "receipt " in capsys.readouterr().out
    assert main(["collect", str(course.root / "work" / "hand-in")]) == 0
    assert "1 submissions in" in capsys.readouterr().out
    folder = f"Ada_Lovelace/{NAME}"
    wanted = [".handed-in.json", f"{NAME}.ipynb", "timestamp.txt"]
    assert placed(course.root / "submitted") == [f"{folder}/{name}" for name in wanted]
    assert main(["collect", str(course.root / "work" / "hand-in")]) == 0
    assert "1 unchanged" in capsys.readouterr().out


# ---- collect


def test_canvas_archives_are_sorted_by_the_roster_and_the_last_hand_in_counts(
    course: Course,
) -> None:
    packed = archive(
        course.root / "packed.zip", {f"{NAME}.ipynb": notebook(mark="grace"), "receipt.json": b"{}"}
    )
    bulk = archive(
        course.root / "submissions.zip",
        {
            "lovelaceada_101_9001_unrolling.ipynb": notebook(mark="first"),
            "lovelaceada_LATE_101_9007_unrolling-1.ipynb": notebook(mark="second"),
            f"hoppergrace_102_9002_{NAME}.zip": packed.read_bytes(),
            "noetheremmy_103_9003_02.ipynb": notebook(OTHER),
            "somebody_777_9004_x.ipynb": notebook(),
            "noetheremmy_103_9005_notes.txt": b"hello",
        },
    )
    target = course.root / "submitted"
    found = collect(course, [bulk], target, SAMPLES / "canvas.csv")
    assert placed(target) == [
        f"ada@example.edu/{NAME}/{NAME}.ipynb",
        f"emmy/{OTHER}/{OTHER}.ipynb",
        f"grace/{NAME}/{NAME}.ipynb",
    ]
    assert b"# second" in (target / "ada@example.edu" / NAME / f"{NAME}.ipynb").read_bytes()
    assert found.problems == ["number 777 is nobody in canvas.csv; left out"]


def test_both_kinds_of_moodle_archives_are_sorted_by_the_worksheet(course: Course) -> None:
    bulk = archive(
        course.root / "moodle.zip",
        {
            f"Ada Lovelace_4711_assignsubmission_file_/{NAME}.ipynb": notebook(),
            f"Grace Hopper_4712_assignsubmission_file_{OTHER} (2).ipynb": notebook(OTHER),
            "Grace Hopper_4712_assignsubmission_onlinetext_/onlinetext.html": b"<p>hello</p>",
        },
    )
    target = course.root / "submitted"
    found = collect(course, [bulk], target, SAMPLES / "moodle_worksheet.csv")
    assert placed(target) == [f"s1001/{NAME}/{NAME}.ipynb", f"s1002/{OTHER}/{OTHER}.ipynb"]
    assert found.problems == []


def test_a_broken_notebook_is_handed_in_all_the_same_when_its_name_says_what_it_is(
    course: Course,
) -> None:
    bulk = archive(
        course.root / "s.zip",
        {
            f"a_101_1_{NAME}.ipynb": b"{",
            "b_102_2_mine.ipynb": b"{",
            "c_103_3_odd.ipynb": b"\xff\xfe",
        },
    )
    found = collect(course, [bulk], course.root / "submitted", None)
    assert placed(course.root / "submitted") == [f"101/{NAME}/{NAME}.ipynb"]
    assert len(found.problems) == 2
    assert all("no notebook of this course" in problem for problem in found.problems)


def test_nothing_in_an_archive_is_a_path(course: Course) -> None:
    bulk = archive(
        course.root / "evil.zip",
        {
            f"../../{NAME}.ipynb": notebook(),
            f"/etc/{NAME}.ipynb": notebook(),
            f"..\\..\\x_101_1_{NAME}.ipynb": notebook(),
        },
    )
    before = set(placed(course.root))
    collect(course, [bulk], course.root / "submitted", None)
    assert all(name.startswith("submitted/") for name in set(placed(course.root)) - before)


def test_a_zip_bomb_and_a_liar_about_its_size_are_left_out(course: Course) -> None:
    bomb = archive(course.root / "b.zip", {})
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(f"a_101_1_{NAME}.ipynb", b"0" * (30 * 2**20))
        made.writestr(f"b_102_1_{NAME}.zip", b"no zip")
    raw = bytearray(bomb.read_bytes())
    size = (30 * 2**20).to_bytes(4, "little")
    while size in raw:  # both headers now say that the file has one byte
        raw[raw.index(size) : raw.index(size) + 4] = (1).to_bytes(4, "little")
    liar = course.root / "liar.zip"
    liar.write_bytes(bytes(raw))
    found = collect(course, [bomb, liar], course.root / "submitted", None)
    assert placed(course.root / "submitted") == []
    assert any("larger than 20 MB" in problem for problem in found.problems)
    assert any("no zip, whatever its name says" in problem for problem in found.problems)


def test_a_wrong_roster_and_a_missing_source_are_sentences(course: Course, tmp_path: Path) -> None:
    odd = tmp_path / "odd.csv"
    odd.write_text("a,b\n1,2\n")
    with pytest.raises(CourseError, match=r"odd\.csv is no roster"):
        collect(course, [], tmp_path / "s", odd)
    with pytest.raises(CourseError, match="is not there"):
        collect(course, [tmp_path / "nothing.zip"], tmp_path / "s", None)


@pytest.mark.parametrize("name", [NAME, OTHER])
def test_a_notebook_is_recognised_by_what_is_in_it(name: str) -> None:
    content = nbformat.reads(notebook(name).decode(), as_version=4)
    assert recognise(nbformat.writes(content).encode()) == name
    for cell in content.cells:
        cell.metadata.pop("nbgrader", None)
    assert recognise(nbformat.writes(content).encode()) == name
    assert recognise(b"{}") == ""


@given(st.text(max_size=60))
def test_no_name_leads_out_of_its_folder(text: str) -> None:
    name = folder_name(text)
    assert name
    assert not set(name) & set("/\\\0")
    assert not name.startswith(".")


# ---- bundle


def test_the_bundle_holds_no_solution_and_works_where_it_is_unpacked(tmp_path: Path) -> None:
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    make_bundle(Course(ROOT), first)
    make_bundle(Course(ROOT), second)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(io.BytesIO(first.read_bytes())) as packed:
        packed.extractall(tmp_path)
    root = tmp_path / "unrolled"
    tops = {path.name for path in root.iterdir()}
    assert not tops & {"solutions", "tests", "examples", ".git", "gradebook.db"}
    for path in root.rglob("*.ipynb"):
        assert "BEGIN SOLUTION" not in path.read_text(encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from autograder.cli import main; sys.exit(main(['lab', '--prepare']))",
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (root / "work" / NAME / f"{NAME}.ipynb").is_file()


def test_a_bundle_of_an_incomplete_course_is_refused(course: Course) -> None:
    with pytest.raises(CourseError, match="a bundle is made from a clone of the course"):
        make_bundle(course, course.root / "x.zip")
