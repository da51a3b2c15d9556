"""The example class gets what it must, and nobody's mistakes cost anybody else."""

from __future__ import annotations

import copy
import json
import math
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.exercises import assignments
from autograder.verdict import SCHEMA, ExerciseStatus, SubmissionStatus
from tests.examples.classroom import (
    COURSE,
    EXAMPLES,
    EXPECTED,
    SEED,
    SUBMITTED,
    Graded,
    command,
    environment,
    grade,
    new_class,
    new_course,
    read,
    verdict,
)

pytestmark = pytest.mark.slow

OTHERWISE_SEEDED = [
    "hiroshi/01_unrolling_by_hand",
    "jamal/01_unrolling_by_hand",
    "ingrid/03_dynamic_rnn",
    "leila/03_dynamic_rnn",
    "yusuf/04_backprop_through_time",
    "ingrid/05_lstm_internals",
    "jamal/06_gru_and_the_cell_zoo",
    "vanja/07_outputs_to_targets",
    "tomasz/08_carrying_state",
    "tomasz/09_stacking",
    "tomasz/14_fast_and_standard",
    "jamal/12_sorting",
    "ingrid/13_attention_and_pointers",
    "tomasz/10_bidirectional",
    "leila/11_character_language_model",
]
NEIGHBOUR = "priya/03_dynamic_rnn"  # between endless loops and deleted cells


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """The whole class, graded once."""
    folder = tmp_path_factory.mktemp("class")
    return grade(new_course(folder / "course"), SUBMITTED, "--seed", str(SEED))


# ---- the class itself


def test_every_submission_has_its_expectation_and_the_expectations_add_up() -> None:
    handed_in = {
        folder.relative_to(SUBMITTED).as_posix()
        for folder in SUBMITTED.glob("*/*")
        if folder.is_dir()
    }
    assert handed_in == set(EXPECTED)
    for name, wanted in EXPECTED.items():
        exercises = assignments()[name.split("/")[1]]
        assert list(wanted["exercises"]) == [exercise.id for exercise in exercises], name
        assert wanted["score"] == sum(one["score"] for one in wanted["exercises"].values()), name
        assert wanted["max_score"] == sum(exercise.points for exercise in exercises), name
        assert wanted["incidents"] == sorted(wanted["incidents"]), name


def test_every_file_holds_what_its_student_wrote() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "make_class.py"), "--check"],
        cwd=COURSE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# ---- what each one gets


@pytest.mark.parametrize("name", EXPECTED)
def test_a_submission_gets_exactly_what_it_must(name: str, graded: Graded) -> None:
    result = graded.submissions[name]
    reasons = {one["id"]: one["reason"] for one in result["exercises"]}
    assert verdict(result) == EXPECTED[name], reasons


def test_the_run_succeeds_although_submissions_are_bad(graded: Graded) -> None:
    assert graded.code == 0, graded.printed + graded.errors
    assert set(graded.submissions) == set(EXPECTED)
    assert set(graded.states) == set(EXPECTED)
    assert "Traceback" not in graded.printed + graded.errors


def test_the_table_shows_scores_and_what_went_wrong(graded: Graded) -> None:
    # Of each assignment's table: a row a student, the last column says what went wrong.
    titles = [line.strip() for line in graded.printed.splitlines()]
    for name, wanted in EXPECTED.items():
        student, assignment = name.split("/")
        below = titles[titles.index(assignment) :]
        row = next(line for line in below if line.startswith(f"│ {student} "))
        cells = [cell.strip() for cell in row.strip("│").split("│")]
        assert cells[-2] == f"{wanted['score']:g}/{wanted['max_score']:g}", row
        for exercise, one in wanted["exercises"].items():
            assert one["misconception"] in cells[-1], row
            if one["status"] in ("failed", "error"):
                assert f"{exercise}: " in cells[-1], row
        for kind in wanted["incidents"]:
            assert kind in cells[-1], row


def test_the_json_is_in_the_documented_format(graded: Graded) -> None:
    assert graded.written["schema"] == SCHEMA
    assert graded.written["seed"] == SEED
    for one in graded.written["submissions"]:
        assert one["status"] in get_args(SubmissionStatus)
        assert one["seed"] == SEED
        assert 0 <= one["seconds"] < 120
        assert one["sandboxed"] in (True, False)
        assert one["score"] == sum(exercise["score"] for exercise in one["exercises"])
        for exercise in one["exercises"]:
            assert exercise["status"] in get_args(ExerciseStatus)
            for key in ("score", "max_score"):
                total = sum(aspect[key] for aspect in exercise["aspects"])
                assert math.isclose(exercise[key], total), exercise
            for aspect in exercise["aspects"]:
                assert set(aspect) == {"name", "passed", "score", "max_score", "difference"}
                assert aspect["score"] == (aspect["max_score"] if aspect["passed"] else 0)
            if exercise["status"] == "passed":
                assert not exercise["reason"]
            else:
                assert exercise["reason"]
            if exercise["misconception"]:
                assert exercise["hint"]
                assert len(exercise["hints"]) == 3
        for incident in one["incidents"]:
            assert set(incident) == {"kind", "detail"}
            assert incident["detail"]


def test_the_grades_are_in_nbgraders_own_gradebook(graded: Graded) -> None:
    assert in_gradebook(graded) == {
        name: {f"check-{key}": one["score"] for key, one in wanted["exercises"].items()}
        for name, wanted in EXPECTED.items()
    }


def in_gradebook(graded: Graded) -> dict[str, dict[str, float]]:
    """The scores of the test cells, by "student/assignment"."""
    from nbgrader.api import Gradebook

    found = {}
    with Gradebook(graded.url, "unrolled") as gradebook:
        for assignment in gradebook.assignments:
            for submission in assignment.submissions:
                (notebook,) = submission.notebooks
                key = f"{submission.student_id}/{assignment.name}"
                found[key] = {one.name: one.auto_score for one in notebook.grades}
                if notebook.needs_manual_grade:
                    found[key]["needs a person"] = 1.0
    return found


# ---- again, alone, with other inputs


@pytest.fixture
def later(graded: Graded, tmp_path: Path) -> Path:
    """The graded course as it was left, for a test to go on with."""
    shutil.copytree(graded.root, tmp_path / "course")
    return tmp_path / "course"


def test_grading_again_changes_nothing_and_an_edited_submission_is_graded_alone(
    graded: Graded, later: Path, tmp_path: Path
) -> None:
    students = new_class(tmp_path / "students")
    again = grade(later, students)
    assert again.code == 0, again.errors
    assert set(again.states.values()) == {"unchanged"}
    assert again.submissions == graded.submissions

    edited = "fatima/01_unrolling_by_hand"
    path = students / f"{edited}/01_unrolling_by_hand.ipynb"
    notebook = nbformat.read(path, as_version=4)
    (cell,) = (cell for cell in notebook.cells if cell.id == "concat_kernel")
    cell.source = "def concat_kernel(Wx, Wh):\n    return np.concatenate([Wx, Wh])"
    nbformat.write(notebook, path)

    third = grade(later, students)
    assert third.code == 0, third.errors
    assert {name for name, state in third.states.items() if state == "graded"} == {edited}
    assert third.submissions[edited]["score"] == 3.0
    assert in_gradebook(third)[edited]["check-concat_kernel"] == 3.0
    for name in set(EXPECTED) - {edited}:
        assert third.submissions[name] == graded.submissions[name]


def test_a_submission_graded_alone_gets_what_it_got_among_bad_neighbours(
    graded: Graded, tmp_path: Path
) -> None:
    students = new_class(tmp_path / "students", NEIGHBOUR)
    alone = grade(new_course(tmp_path / "course"), students, "--seed", str(SEED))

    def timeless(run: Graded) -> dict[str, Any]:
        return {**run.submissions[NEIGHBOUR], "seconds": 0.0}

    assert timeless(alone) == timeless(graded)


def test_the_verdict_does_not_depend_on_the_inputs_that_were_drawn(tmp_path: Path) -> None:
    students = new_class(tmp_path / "students", *OTHERWISE_SEEDED)
    other = grade(new_course(tmp_path / "course"), students, "--seed", str(SEED + 1))
    assert {name: verdict(one) for name, one in other.submissions.items()} == {
        name: EXPECTED[name] for name in OTHERWISE_SEEDED
    }


def test_ctrl_c_keeps_what_was_graded_and_the_next_run_grades_the_rest(tmp_path: Path) -> None:
    root = new_course(tmp_path / "course")
    names = ["bjorn/02_static_unrolling", "giulia/02_static_unrolling", "vanja/02_static_unrolling"]
    students = new_class(tmp_path / "students", *names)
    with subprocess.Popen(
        command(root, students, "--jobs", "1"),
        cwd=root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # the signal reaches the command itself, as from any terminal
        # A shell starts what it runs in the background with this signal ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=120)
    stopped = read(root, process.returncode, first + rest, errors, 0.0)
    assert stopped.code == 1, stopped.printed + stopped.errors
    assert "interrupted" in stopped.printed
    assert "Traceback" not in stopped.errors
    kept = set(stopped.states)
    assert kept == set(stopped.submissions)
    assert 1 <= len(kept) < len(names)

    resumed = grade(root, students)
    assert resumed.code == 0, resumed.errors
    unchanged = {name for name, state in resumed.states.items() if state == "unchanged"}
    # what was judged, and about to be told when it was interrupted, is kept as well
    assert kept <= unchanged < set(names)
    assert {n for n, state in resumed.states.items() if state == "graded"} == set(names) - unchanged
    assert in_gradebook(resumed) == {
        name: {f"check-{key}": one["score"] for key, one in EXPECTED[name]["exercises"].items()}
        for name in names
    }


# ---- metadata is worth nothing


def _claims(notebook: NotebookNode) -> None:
    """Nothing is to be run, outputs are forged, points are no numbers, cells are there twice."""
    notebook.metadata.kernelspec = {"name": "another", "display_name": "Another", "language": "x"}
    for cell in notebook.cells:
        cell.metadata.tags = ["skip-execution", "demo"]
        if cell.cell_type == "code":
            cell.outputs = [{"output_type": "stream", "name": "stdout", "text": "5.0"}]
        if cell.id.startswith("check-"):
            cell.metadata.nbgrader.points = math.nan
        elif "nbgrader" in cell.metadata:
            cell.metadata.nbgrader = "solved"
    notebook.cells += copy.deepcopy([c for c in notebook.cells if c.id.startswith("check-")])


def _marks_of_the_graders_own(notebook: NotebookNode) -> None:
    """Metadata that the grader itself writes, and a schema from the future."""
    notebook.metadata.unrolled_rejected = "already graded"
    notebook.metadata.unrolled_result = {"score": 16.0}
    for cell in notebook.cells:
        cell.metadata.unrolled = {"owner": "release"}
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.schema_version = 99


def _text_that_is_no_unicode(notebook: NotebookNode) -> None:
    """Half a character: fine in JSON, in no other place."""
    (cell,) = (cell for cell in notebook.cells if cell.id == "to_time_list")
    cell.source = "to_time_list = '\ud800'"


ODD = {
    "claims": _claims,
    "marks-of-the-graders-own": _marks_of_the_graders_own,
    "text-that-is-no-unicode": _text_that_is_no_unicode,
}


@pytest.fixture(scope="session")
def odd_class(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """Notebooks without an answer, whose files claim all kinds of things."""
    folder = tmp_path_factory.mktemp("odd")
    name = "02_static_unrolling"
    release = COURSE / "notebooks" / name / f"{name}.ipynb"
    for student, twist in ODD.items():
        notebook = nbformat.read(release, as_version=4)
        twist(notebook)
        path = folder / "students" / student / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook), encoding="utf-8")
    return grade(new_course(folder / "course"), folder / "students", "--seed", str(SEED))


@pytest.mark.parametrize("student", ODD)
def test_odd_metadata_earns_nothing_and_is_never_the_graders_own_fault(
    student: str, odd_class: Graded
) -> None:
    result = odd_class.submissions[f"{student}/02_static_unrolling"]
    assert result["score"] == 0.0
    assert result["status"] in ("graded", "rejected"), result["incidents"]
    saved = in_gradebook(odd_class)[f"{student}/02_static_unrolling"]
    assert len(saved) == 4
    assert set(saved.values()) == {0.0}
