"""Aspects, statuses and misconceptions: from outcomes to a result."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.card import as_html, as_text
from autograder.exercise import Aspect, Case, Exercise, Misconception, inputs_unchanged, same_shape
from autograder.judge import BrokenExercise, Judge


def double(x):
    return 2 * x


def halve(x):
    return x / 2


def exercise(**changes: object) -> Exercise:
    fields = {
        "id": "double",
        "probe": "calls:call",
        "reference": double,
        "cases": lambda rng: [
            Case("some", (rng.normal(size=(2, 3)),)),
            Case("one", (np.ones((1, 4)),)),
        ],
        "axes": ("batch", "hidden"),
        "aspects": (
            Aspect("shape", 1.0, same_shape),
            Aspect("values", 2.0),
            Aspect("inputs left unchanged", 1.0, inputs_unchanged, needs=("values",)),
        ),
        "misconceptions": (
            Misconception("halved", halve, "More or less?", "See “Twice”.", "You halve it."),
        ),
        "nudge": "Twice.",
        "pointer": "Read “Twice”.",
    }
    return Exercise(**{**fields, **changes})  # type: ignore[arg-type]


def judged(answer: object, **changes: object):
    judge = Judge(exercise(**changes), 1)
    return judge.judge(judge.run(answer))


def in_place(x):
    x *= 2
    return x


def fails(x):
    raise KeyError("nothing")


def unwritten(x):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("answer", "status", "score", "misconception"),
    [
        (double, "passed", 4.0, ""),
        (lambda x: (x + x).astype(np.float32), "passed", 4.0, ""),
        (lambda x: (2 * x).tolist(), "passed", 4.0, ""),
        (halve, "failed", 1.0, "halved"),
        (lambda x: x * 0.5, "failed", 1.0, "halved"),
        (lambda x: x, "failed", 1.0, ""),
        (lambda x: (2 * x).T, "failed", 0.0, ""),
        (in_place, "failed", 3.0, ""),
        (fails, "error", 0.0, ""),
        (unwritten, "missing", 0.0, ""),
        (None, "error", 0.0, ""),
    ],
)
def test_an_answer_gets_what_it_deserves(answer, status, score, misconception) -> None:
    result = judged(answer)
    assert (result.status, result.score, result.misconception) == (status, score, misconception)


def test_what_is_right_by_accident_earns_nothing_before_the_values_are() -> None:
    last = judged(lambda x: np.zeros_like(x)).aspects[-1]
    assert not last.passed
    assert "not looked at" in last.difference


def test_the_reason_names_the_case_and_the_difference() -> None:
    assert judged(lambda x: np.zeros((2, 9))).reason == "some: hidden is 9, expected 3"
    assert judged(fails).reason == "some: your code raised KeyError: 'nothing'"


def test_a_card_escapes_whatever_the_student_wrote() -> None:
    def mean(x):
        raise ValueError("<script>alert(1)</script>")

    page = as_html(judged(mean))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_same_complaint_stands_on_a_card_only_once_and_is_referred_to_after_that() -> None:
    result = judged(fails)
    assert [aspect.difference for aspect in result.aspects].count(result.reason) == 2
    for card in (as_text(result), as_html(result)):
        assert card.count("KeyError") == 1
        assert card.count(": as above") == 1


def test_every_aspect_that_was_not_looked_at_says_so() -> None:
    need = {"needs": ("values",)}
    aspects = (
        Aspect("values", 1.0),
        Aspect("one", 1.0, **need),
        Aspect("two", 1.0, **need),
    )
    result = judged(halve, aspects=aspects)
    assert as_text(result).count("not looked at before “values” is right") == 2
    assert as_html(result).count("not looked at before “values” is right") == 2


def test_hints_come_in_steps_closed_until_opened() -> None:
    page, text = as_html(judged(halve)), as_text(judged(halve))
    assert page.count("<details") == 3
    assert "<details open" not in page
    order = [text.index(word) for word in ("More or less?", "See “Twice”.", "You halve it.")]
    assert order == sorted(order)


def test_a_broken_definition_is_the_graders_fault_and_says_so() -> None:
    with pytest.raises(BrokenExercise, match="reference raised KeyError"):
        judged(double, reference=fails)
    with pytest.raises(BrokenExercise, match="no case is asked"):
        judged(double, aspects=(Aspect("long", 1.0, tags=frozenset({"long"})),))


def test_what_is_known_to_be_right_is_not_run_for() -> None:
    known = Case("known", (np.ones((1, 4)),), expected=2 * np.ones((1, 4)))
    changes = {"cases": lambda rng: [known], "reference": fails, "misconceptions": ()}
    assert judged(double, **changes).passed
    assert judged(halve, **changes).score == 1.0


def test_an_answer_that_keeps_state_between_runs_cannot_spoil_the_inputs_of_the_next() -> None:
    judge = Judge(exercise(), 1)
    judge.judge(judge.run(in_place))
    assert judge.judge(judge.run(double)).passed
