"""The grader is graded: here a sample of ``make audit``, and its lists and figures held to what is true."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autograder.exercise import Exercise
from autograder.exercises import assignments
from tests.audit.changes import CHANGES, Changed
from tests.audit.figures import PAGE, figures, page
from tests.audit.hints import giving_away
from tests.audit.running import (
    Worker,
    all_mutants,
    equivalents,
    refused,
    solution,
)

EXERCISES = [(name, item) for name, several in assignments().items() for item in several]
KNOWN = figures()
QUICK = [(name, item) for name, item in EXERCISES if item.id in KNOWN and KNOWN[item.id].quick]
AUDITED = [(name, item) for name, item in EXERCISES if item.id in KNOWN]
SAMPLE, SEEDS = 3, [1]


def _id(value: object) -> str:
    return str(getattr(value, "id", value))[:40]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    one = Worker()
    yield one
    one.close()


@pytest.mark.slow
def test_an_answer_that_never_ends_or_ends_the_process_harms_no_other_answer(
    worker: Worker,
) -> None:
    asked: dict[str, Any] = {"do": "source", "exercise": "rnn_step", "seeds": [1]}
    asked["notebook"] = "01_unrolling_by_hand"
    own = solution("01_unrolling_by_hand", "rnn_step")
    assert worker.ask(60.0, source=own, **asked)["verdicts"] == ["passed"]
    for wrong, verdict, seconds in (
        ("def rnn_step(*_):\n    while True:\n        pass", "timeout", 2.0),
        ("import os\ndef rnn_step(*_):\n    os._exit(0)", "crashed", 60.0),
    ):
        assert worker.ask(seconds, source=wrong, **asked) == {
            "verdicts": [verdict],
            "named": "",
            "seconds": seconds if verdict == "timeout" else 0.0,
            "ended": True,
        }
    assert worker.ask(60.0, source=own, **asked)["verdicts"] == ["passed"]


@pytest.mark.slow
@pytest.mark.parametrize(("notebook", "exercise"), QUICK, ids=_id)
def test_mutants_fail_and_the_right_answer_passes_in_any_dtype_and_container(
    notebook: str, exercise: Exercise, worker: Worker
) -> None:
    asked: dict[str, Any] = {"notebook": notebook, "exercise": exercise.id}
    own = solution(notebook, exercise.id)
    right = worker.ask(300.0, do="source", source=own, seeds=SEEDS, **asked)
    assert set(right["verdicts"]) == {"passed"}
    listed = equivalents().get(exercise.id, {})
    wrong = [mutant for mutant in all_mutants(notebook, exercise.id) if mutant.name not in listed]
    for mutant in random.Random(exercise.id).sample(wrong, min(SAMPLE, len(wrong))):
        reply = worker.ask(60.0, do="source", source=mutant.source, seeds=SEEDS, **asked)
        assert "passed" not in reply["verdicts"], mutant.name
    changed = worker.ask(60.0, do="changes", seed=SEEDS[0], **asked)["changes"]
    allowed = refused().get(exercise.id, {})
    assert not {name: why for name, why in changed.items() if why and name not in allowed}


@pytest.mark.parametrize(("notebook", "exercise"), EXERCISES, ids=_id)
def test_at_most_one_mutant_in_ten_is_listed_as_equivalent_and_those_exist(
    notebook: str, exercise: Exercise
) -> None:
    every = all_mutants(notebook, exercise.id)
    listed = equivalents().get(exercise.id, {})
    assert set(listed) <= {mutant.name for mutant in every}
    assert len(listed) <= len(every) / 10
    assert all(len(reason.split()) >= 3 for reason in listed.values())


def test_lists_name_exercises_of_the_course_and_changes_that_are_made() -> None:
    ids = {item.id for _, item in EXERCISES}
    assert set(equivalents()) <= ids
    assert set(refused()) <= ids
    assert all(set(changes) <= set(CHANGES) for changes in refused().values())


def test_the_page_shows_the_figures_and_every_exercise_of_the_course() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(KNOWN), "run `python -m tests.audit.figures`"
    rows = page(KNOWN).splitlines()
    for _, item in EXERCISES:
        (row,) = (row for row in rows if row.startswith(f"| `{item.id}` |"))
        assert ("not audited yet" in row) == (item.id not in KNOWN)


@pytest.mark.parametrize(("notebook", "exercise"), AUDITED, ids=_id)
def test_the_figures_are_about_the_exercise_as_it_is_and_find_nothing_wrong(
    notebook: str, exercise: Exercise
) -> None:
    found = KNOWN[exercise.id]
    told = f"run `python -m tests.audit --exercise {exercise.id}`"
    assert found.mutants == len(all_mutants(notebook, exercise.id)), told
    assert found.alternatives == len(exercise.alternatives), told
    assert found.variants == len(exercise.misconceptions), told
    assert set(found.listed) <= set(equivalents().get(exercise.id, {})), told
    assert found.tried == found.killed + len(found.listed)
    assert found.sound


def test_what_is_open_stands_on_the_page() -> None:
    name, found = next(iter(KNOWN.items()))
    spoiled = replace(
        found, survivors=["constant: `1` → `2`"], wrong=["variant x: passed (seed 3)"]
    )
    text = page({name: spoiled})
    assert f"- `{name}`, survives: constant: `1` → `2`" in text
    assert f"- `{name}`, wrong: variant x: passed (seed 3)" in text
    assert f"{found.variants - 1} of {found.variants}" in text


@pytest.mark.parametrize(("notebook", "exercise"), EXERCISES, ids=_id)
def test_no_hint_contains_a_piece_of_the_solution(notebook: str, exercise: Exercise) -> None:
    assert giving_away(exercise, solution(notebook, exercise.id)) == []


def test_a_hint_that_contains_a_piece_of_the_solution_is_found() -> None:
    notebook, exercise = EXERCISES[0]
    telling = replace(exercise, nudge="Have you tried `np.tanh(x @ Wx + h @ Wh + b)`?")
    assert giving_away(telling, solution(notebook, exercise.id))


@pytest.mark.parametrize(
    ("change", "dtype"), [("float32", "float32"), ("lists", ""), ("tensors", "float64")]
)
def test_a_change_keeps_the_numbers_and_changes_what_holds_them(change: str, dtype: str) -> None:
    changed = Changed(lambda x: (x, [x + 1]), change)
    first, (second,) = changed(np.ones((2, 3)))
    assert changed.applies
    assert np.asarray(second).tolist() == [[2.0] * 3] * 2
    assert getattr(getattr(first, "dtype", None), "name", "") == dtype


def test_a_change_does_not_apply_to_what_holds_no_numbers() -> None:
    changed = Changed(lambda: object(), "lists")
    assert isinstance(changed(), object)
    assert not changed.applies
