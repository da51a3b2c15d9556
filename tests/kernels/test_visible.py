"""Which paths a kernel is shown: the closest name wins, and nothing hidden is ever bound in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.kernels import visible
from autograder.kernels.filesystem import name_filter


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("lib/cells/lstm.py", "lib/cells/rnn.py", "lib/quiet.py", "lib/__pycache__/x.pyc"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def _plan(tree: Path, shown: list[str], hidden: list[str]) -> set[str]:
    names = visible.plan([str(tree / n) for n in shown], [str(tree / n) for n in hidden])
    return {os.path.relpath(name, tree) for name in names}


def test_a_directory_with_nothing_hidden_is_shown_whole(tree: Path) -> None:
    assert _plan(tree, ["lib"], ["elsewhere"]) == {"lib"}


def test_a_directory_with_something_hidden_is_taken_apart(tree: Path) -> None:
    assert _plan(tree, ["lib"], ["lib/cells/lstm.py"]) == {"lib/cells/rnn.py", "lib/quiet.py"}


def test_compiled_files_are_left_out_where_a_source_is_hidden(tree: Path) -> None:
    assert "lib/__pycache__" not in _plan(tree, ["lib"], ["lib/quiet.py"])


def test_what_is_named_inside_a_hidden_directory_is_shown(tree: Path) -> None:
    assert _plan(tree, ["lib/quiet.py"], ["lib"]) == {"lib/quiet.py"}


def test_a_path_that_is_named_both_ways_is_hidden(tree: Path) -> None:
    assert _plan(tree, ["lib/quiet.py"], ["lib/quiet.py"]) == set()


def test_what_does_not_exist_is_left_out(tree: Path) -> None:
    assert _plan(tree, ["lib", "no such thing"], []) == {"lib"}


def test_a_link_is_shown_as_a_link_and_not_as_what_it_points_to(tree: Path) -> None:
    (tree / "link").symlink_to(tree / "lib")
    assert _plan(tree, ["link"], ["lib"]) == {"link"}


def test_a_hidden_directory_is_hidden_by_every_name(tree: Path) -> None:
    (tree / "alias").symlink_to(tree / "lib")
    assert _plan(tree, ["lib"], ["alias/cells"]) == {"lib/quiet.py"}


def test_a_way_that_leads_through_a_link_stays_usable(tree: Path) -> None:
    (tree / "alias").symlink_to(tree / "lib")
    assert _plan(tree, ["alias/cells"], []) == {"alias", "lib/cells"}


def test_nothing_of_the_repository_but_the_library_and_the_probes_is_shown() -> None:
    shown, hidden = visible.environment()
    root = visible.course_root()
    inside = {
        path.removeprefix(f"{root}/")
        for path in visible.plan(shown, hidden)
        if path.startswith(f"{root}/") and not path.startswith(str(root / ".venv"))
    }
    assert inside == {*visible.COURSE_FILES}
    assert inside == {
        "autograder/__init__.py", "autograder/probes", "autograder/values.py", "course_lib",
    }  # fmt: skip


def test_names_and_hidden_paths_are_left_out_of_the_copy(tree: Path) -> None:
    left_out = name_filter(str(tree), ["*.ipynb"], [str(tree / "lib")], empty=False)
    assert left_out(f"{tree}/tests.ipynb")
    assert left_out(f"{tree}/lib")
    assert not left_out(f"{tree}/data.csv")


def test_a_hidden_working_directory_is_not_copied(tree: Path) -> None:
    assert name_filter(str(tree), [], [str(tree)], empty=False)(f"{tree}/data.csv")


def test_a_working_directory_inside_a_hidden_one_was_named_on_purpose(tree: Path) -> None:
    assert not name_filter(f"{tree}/lib", [], [str(tree)], empty=False)(f"{tree}/lib/quiet.py")
