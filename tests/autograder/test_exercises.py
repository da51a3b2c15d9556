"""The grader is held to its definitions: right answers pass, wrong ones fail and are named."""

from __future__ import annotations

from itertools import combinations

import pytest

from autograder.exercise import PUBLIC_SEED, Exercise
from autograder.exercises import assignments
from autograder.judge import Judge, agree

SEEDS = (PUBLIC_SEED, 1, 2, 3, 4)
EXERCISES = [item for several in assignments().values() for item in several]
VARIANTS = [(item, known) for item in EXERCISES for known in item.misconceptions]
ALTERNATIVES = [(item, name) for item in EXERCISES for name in item.alternatives]


def _id(value: object) -> str:
    return str(getattr(value, "id", getattr(value, "name", value)))


@pytest.fixture(scope="module")
def judges() -> dict[tuple[str, int], Judge]:
    return {(item.id, seed): Judge(item, seed) for item in EXERCISES for seed in SEEDS}


@pytest.mark.parametrize("exercise", EXERCISES, ids=_id)
def test_the_reference_earns_full_marks_for_every_seed(exercise: Exercise, judges) -> None:
    for seed in SEEDS:
        judge = judges[exercise.id, seed]
        result = judge.judge(judge.run(exercise.reference))
        assert result.passed, result
        assert result.score == exercise.points


@pytest.mark.parametrize(("exercise", "name"), ALTERNATIVES, ids=_id)
def test_an_honest_alternative_earns_full_marks_for_every_seed(exercise, name, judges) -> None:
    for seed in SEEDS:
        judge = judges[exercise.id, seed]
        result = judge.judge(judge.run(exercise.alternatives[name]))
        assert result.passed, result


@pytest.mark.parametrize(("exercise", "known"), VARIANTS, ids=_id)
def test_a_misconception_is_rejected_and_named_for_every_seed(exercise, known, judges) -> None:
    for seed in SEEDS:
        judge = judges[exercise.id, seed]
        result = judge.judge(judge.run(known.variant))
        assert not result.passed
        assert result.score < exercise.points
        assert result.misconception == known.name
        assert result.hints == (known.nudge, known.pointer, known.explanation)


@pytest.mark.parametrize("exercise", EXERCISES, ids=_id)
def test_all_variants_are_told_apart_from_each_other_and_from_the_reference(
    exercise: Exercise, judges
) -> None:
    for seed in SEEDS:
        judge = judges[exercise.id, seed]
        shown = [("reference", judge.expected)]
        shown += [
            (known.name, [judge.variant(known, case) for case in range(len(judge.cases))])
            for known in exercise.misconceptions
        ]
        for (left, a), (right, b) in combinations(shown, 2):
            same = all(agree(x, y, exercise.tolerance) for x, y in zip(a, b, strict=True))
            assert not same, f"{left} and {right} cannot be told apart with seed {seed}"


@pytest.mark.parametrize("exercise", EXERCISES, ids=_id)
def test_an_exercise_has_three_alternatives_hints_and_named_aspects(exercise: Exercise) -> None:
    assert len(exercise.alternatives) >= 3
    assert exercise.nudge
    assert exercise.pointer
    names = [aspect.name for aspect in exercise.aspects]
    assert len(set(names)) == len(names) >= 2
    assert all(aspect.points > 0 for aspect in exercise.aspects)
    known = [item.name for item in exercise.misconceptions]
    assert len(set(known)) == len(known) >= 1
    for item in exercise.misconceptions:
        assert all((item.nudge, item.pointer, item.explanation))


@pytest.mark.parametrize("exercise", EXERCISES, ids=_id)
def test_an_answer_that_is_not_written_is_missing_and_earns_nothing(
    exercise: Exercise, judges
) -> None:
    def unwritten(*_: object, **__: object) -> None:
        raise NotImplementedError

    judge = judges[exercise.id, PUBLIC_SEED]
    result = judge.judge(judge.run(unwritten))
    assert result.status == "missing"
    assert result.score == 0.0


@pytest.mark.parametrize("exercise", EXERCISES, ids=_id)
@pytest.mark.parametrize("nonsense", [None, "text", 3.5, [1, 2], object()], ids=repr)
def test_an_answer_that_is_no_function_earns_nothing_and_breaks_nothing(
    exercise: Exercise, nonsense: object, judges
) -> None:
    judge = judges[exercise.id, PUBLIC_SEED]
    result = judge.judge(judge.run(nonsense))
    assert not result.passed
    assert result.score == 0.0


def test_the_same_seed_draws_the_same_cases_and_another_seed_draws_others() -> None:
    for exercise in EXERCISES:
        first, again, other = (exercise.draw(seed) for seed in (7, 7, 8))
        assert repr(first) == repr(again)
        assert repr(first) != repr(other), exercise.id


def test_exercise_ids_are_unique_in_the_course() -> None:
    ids = [item.id for item in EXERCISES]
    assert len(set(ids)) == len(ids)
