"""Which release a submission was made from, whatever its file says."""

from __future__ import annotations

import asyncio
import copy
import zipfile
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode

from autograder.by_release import ByRelease
from autograder.course import Course, CourseError
from autograder.engine import Engine
from autograder.grading import Options
from autograder.limits import Limits
from autograder.regrade import regrade
from autograder.submission import Assignment
from autograder.versions import (
    KEY,
    Release,
    accept,
    by_cells,
    claimed_version,
    keep,
    of_version,
    recognise,
    release_of,
    releases,
    unpacked,
    version_of,
)
from tests.examples.classroom import new_course

COURSE = Course(Path(__file__).parents[2])
NAME = "01_unrolling_by_hand"
TODAY = nbformat.read(COURSE.release(NAME), as_version=4)


def changed(number: int) -> NotebookNode:
    """A release with other words in some cells, one of which every release had differently."""
    notebook = copy.deepcopy(TODAY)
    for cell in notebook.cells[number : number + 2]:
        cell.source += f"\n\nVersion {number}."
    notebook.metadata[KEY] = {"version": version_of(notebook)}
    return notebook


KNOWN = [Release(NAME, version_of(TODAY), None, TODAY)] + [
    Release(NAME, version_of(changed(number)), Path(f"{number}.zip"), changed(number))
    for number in (0, 1, 3)
]


def written(release: Release) -> NotebookNode:
    """A submission to a release: answers in its solution cells."""
    notebook = copy.deepcopy(release.notebook)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = "answer = 1"
    return notebook


@pytest.mark.parametrize("name", COURSE.released)
def test_a_released_notebook_says_which_version_of_itself_it_is(name: str) -> None:
    release = nbformat.read(COURSE.release(name), as_version=4)
    assert claimed_version(release) == version_of(release)


def test_a_version_depends_on_content_and_on_nothing_else() -> None:
    same = copy.deepcopy(TODAY)
    same.metadata = NotebookNode()
    assert version_of(same) == version_of(TODAY)
    assert len({one.version for one in KNOWN}) == len(KNOWN)


@given(st.sampled_from(KNOWN), st.booleans(), st.randoms(use_true_random=False))
def test_a_submission_is_recognised_by_its_claim_or_by_its_cells(
    release: Release, says: bool, random: object
) -> None:
    notebook = written(release)
    if not says:
        notebook.metadata.pop(KEY, None)
    random.shuffle(notebook.cells)  # type: ignore[attr-defined]
    assert recognise(notebook, KNOWN) is release
    assert of_version(notebook, release, KNOWN) == []


@given(st.sampled_from(KNOWN), st.sampled_from(KNOWN))
def test_a_forged_claim_chooses_among_releases_and_is_told(made: Release, said: Release) -> None:
    notebook = written(made)
    notebook.metadata[KEY] = {"version": said.version}
    assert recognise(notebook, KNOWN) is said
    told = of_version(notebook, said, KNOWN)
    assert bool(told) == (made is not said)
    if told:
        assert f"are those of {made.version}" in told[0].detail


@given(
    st.sampled_from(KNOWN),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=4,
    ),
)
def test_any_metadata_at_all_comes_to_a_release(made: Release, claim: object) -> None:
    for told in (claim, {"version": claim}):
        notebook = written(made)
        notebook.metadata[KEY] = told
        assert recognise(notebook, KNOWN) is made
        for incident in of_version(notebook, made, KNOWN):
            assert incident.kind == "version"
            assert len(incident.detail) < 250


def test_what_was_cut_down_to_the_answers_is_taken_for_todays() -> None:
    notebook = written(KNOWN[2])
    notebook.metadata.pop(KEY)
    notebook.cells = [c for c in notebook.cells if "nbgrader" in c.metadata]
    assert by_cells(notebook, KNOWN) is KNOWN[0]


# ---- archives


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(new_course(tmp_path / "course"))


def bundle(course: Course, *releases: NotebookNode) -> list[Path]:
    """Keep bundles that hold these releases, and nothing else."""
    kept = []
    for release in releases:
        path = course.root / "unrolled.zip"
        with zipfile.ZipFile(path, "w") as made:
            info = zipfile.ZipInfo(f"unrolled/notebooks/{NAME}/{NAME}.ipynb")
            made.writestr(info, nbformat.writes(release))
            made.writestr(zipfile.ZipInfo("unrolled/../../outside.txt"), "no")
        kept.append(keep(course, path))
    return kept


def submission(course: Course, notebook: NotebookNode) -> Path:
    path = course.root / "submitted" / "ada" / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def test_without_archives_everything_is_todays(course: Course) -> None:
    assert [one.older for one in releases(course, NAME)] == [False]
    assert not release_of(course, NAME, submission(course, written(KNOWN[1]))).older


def test_a_bundle_is_kept_once_and_todays_notebook_in_it_is_no_older_one(course: Course) -> None:
    older, again, today = bundle(course, changed(0), changed(0), TODAY)
    assert older == again
    assert older != today
    assert [one.version for one in releases(course, NAME)] == [KNOWN[0].version, KNOWN[1].version]
    found = release_of(course, NAME, submission(course, written(KNOWN[1])))
    assert (found.version, found.archive) == (KNOWN[1].version, older)
    assert not release_of(course, NAME, submission(course, written(KNOWN[0]))).older


def test_what_cannot_be_read_is_todays(course: Course) -> None:
    bundle(course, changed(0))
    path = submission(course, TODAY)
    path.write_text("no notebook")
    assert not release_of(course, NAME, path).older
    assert not release_of(course, NAME, path.with_name("nothing.ipynb")).older


def test_an_accepted_submission_is_todays_until_it_is_handed_in_anew(course: Course) -> None:
    bundle(course, changed(0))
    path = submission(course, written(KNOWN[1]))
    assert release_of(course, NAME, path).older
    accept(course, "ada", NAME, path, KNOWN[0].version)
    assert not release_of(course, NAME, path).older
    path.write_bytes(path.read_bytes() + b"\n")
    assert release_of(course, NAME, path).older
    (course.root / "releases" / "accepted.json").write_text("[]")
    with pytest.raises(CourseError, match=r"accepted\.json cannot be read"):
        release_of(course, NAME, path)


def test_an_older_release_with_other_exercises_is_refused_with_what_to_do(course: Course) -> None:
    fewer = changed(0)
    fewer.cells = [cell for cell in fewer.cells if "recover_wx" not in cell.id]
    (kept,) = bundle(course, fewer)
    path = submission(course, fewer)
    today = Assignment.load(course, NAME, 1)
    graded = ByRelease(course, Limits(), Engine()).grade(today, "ada", path)
    with pytest.raises(
        CourseError, match=r"other exercises \(recover_wx\).*unpack releases/"
    ) as said:
        asyncio.run(graded)
    assert kept.name in str(said.value)


def test_nothing_is_compared_with_what_was_never_graded(course: Course) -> None:
    bundle(course, changed(0))
    submission(course, written(KNOWN[1]))
    found = regrade(course, Options(course.root / "submitted"), "all")
    assert (found.compared, found.accepted) == ((), 0)
    assert found.problems == (f"ada/{NAME} has not been graded: first run course grade",)
    assert not (course.root / "releases" / "accepted.json").exists()


def test_unpacking_stays_in_its_folder_and_refuses_what_was_changed(course: Course) -> None:
    (kept,) = bundle(course, changed(0))
    root = unpacked(course, kept)
    assert (root / "notebooks" / NAME / f"{NAME}.ipynb").is_file()
    assert not list(course.root.parent.rglob("outside.txt"))
    kept.write_bytes(kept.read_bytes() + b"x")
    with pytest.raises(CourseError, match="is not what it was when it was kept"):
        unpacked(course, kept)
