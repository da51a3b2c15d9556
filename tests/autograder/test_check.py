"""``check`` as a notebook calls it: a card, one line of error, and a record of what passed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autograder import GRADING_VARIABLE, check
from autograder.checking import CheckFailed
from autograder.exercises import UnknownExercise
from autograder.progress import load, progress_file
from course_lib.cells.rnn import rnn_step


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".course").mkdir()
    (tmp_path / "01_unrolling_by_hand").mkdir()
    monkeypatch.chdir(tmp_path / "01_unrolling_by_hand")
    return tmp_path


def wrong(x, h, Wx, Wh, b):
    return np.tanh(x @ Wx + h @ Wh.T + b)


def test_a_right_answer_shows_a_card_and_raises_nothing(capsys) -> None:
    check("rnn_step", rnn_step)
    assert capsys.readouterr().out.startswith("✓ rnn_step: ")


def test_a_wrong_answer_names_the_mistake_and_raises_assertion_error(capsys) -> None:
    with pytest.raises(AssertionError, match="rnn_step is not right yet"):
        check("rnn_step", wrong)
    said = capsys.readouterr()
    assert "transpose" in said.out
    assert said.err == ""


def test_jupyter_shows_one_line_of_the_error() -> None:
    assert CheckFailed("f is not right yet")._render_traceback_() == [
        "CheckFailed: f is not right yet"
    ]


def test_a_misspelt_exercise_is_told_the_nearest_one() -> None:
    with pytest.raises(UnknownExercise, match="did you mean 'rnn_step'"):
        check("rnn_stepp", rnn_step)


def test_check_twice_in_a_row_says_the_same(capsys) -> None:
    for _ in range(2):
        check("rnn_step", rnn_step)
    first, second = capsys.readouterr().out.split("✓ rnn_step")[1:]
    assert first == second


def test_what_passed_is_recorded_in_the_students_copy_and_never_made_worse(work: Path) -> None:
    check("rnn_step", rnn_step)
    with pytest.raises(CheckFailed):
        check("rnn_step", wrong)
    path = progress_file()
    assert path is not None
    assert path == work / ".course" / "progress.json"
    assert load(path)["rnn_step"]["passed"] is True


def test_a_broken_record_is_started_anew(work: Path) -> None:
    (work / ".course" / "progress.json").write_text("{broken")
    check("rnn_step", rnn_step)
    assert json.loads((work / ".course" / "progress.json").read_text())["schema"] == 1


def test_outside_a_students_copy_nothing_is_written(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    check("rnn_step", rnn_step)
    assert not list(tmp_path.iterdir())


def test_in_a_grading_kernel_check_returns_quietly(monkeypatch, capsys) -> None:
    monkeypatch.setenv(GRADING_VARIABLE, "1")
    check("rnn_step", wrong)
    assert capsys.readouterr().out == ""


def test_where_the_definitions_are_missing_check_returns_quietly(tmp_path: Path) -> None:
    package = tmp_path / "autograder"
    package.mkdir()
    source = Path(sys.modules["autograder"].__file__)
    (package / "__init__.py").write_text(source.read_text())
    done = subprocess.run(
        [sys.executable, "-c", "from autograder import check; check('rnn_step', None)"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_importing_the_packages_is_light() -> None:
    code = (
        "import sys, autograder, course_lib; "
        "print([m for m in ('tensorflow', 'matplotlib', 'keras', 'IPython') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_broken_installation_does_not_look_like_a_passed_check(tmp_path: Path) -> None:
    package = tmp_path / "autograder"
    package.mkdir()
    (package / "__init__.py").write_text(Path(sys.modules["autograder"].__file__).read_text())
    (package / "checking.py").write_text("import autograder.exercises\n")
    done = subprocess.run(
        [sys.executable, "-c", "from autograder import check; check('rnn_step', None)"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "autograder.exercises" in done.stderr
