"""What an exercise is: one definition, from which the check, the grade and the hint all follow.

    inputs made from a seed  ->  probe(reference, inputs)   what is expected
                             ->  probe(student, inputs)     what the student's code does
                             ->  probe(variant, inputs)     what each known misconception does

Aspects say which part of the expected outcome is worth how much. Points stand here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.compare import Axes, Difference, compare_shape, compare_values
from autograder.oracles import Oracle
from autograder.probes import Outcome
from autograder.values import Plain

PUBLIC_SEED = 2018
"""The seed of the cases that a notebook shows; grading draws its own."""


@dataclass(frozen=True, slots=True)
class Case:
    """One set of inputs.

    Attributes:
        name: what is special about it, as a student reads it: "one time step", "batch of one".
        inputs: plain data, passed to the probe after the answer.
        tags: groups that aspects select by, such as "long" or "padded".
        kept: what the exercise's oracle is made from. It never leaves the trusted side.
        expected: what is right, where that is known in advance and finding it out would keep the student
            waiting: that a training succeeds. ``None``: what the reference does.
    """

    name: str
    inputs: tuple[Plain, ...]
    tags: frozenset[str] = frozenset()
    kept: Plain = None
    expected: Plain = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an aspect's test is given: one case, what was expected, and what came."""

    case: Case
    expected: Outcome
    actual: Outcome
    axes: Axes
    tolerance: float


Test = Callable[[Comparison], Difference | None]


def same_shape(seen: Comparison) -> Difference | None:
    """Structure and sizes agree; values may differ."""
    return compare_shape(seen.expected.value, seen.actual.value, seen.axes)


def same_values(seen: Comparison) -> Difference | None:
    """Structure, sizes and values agree."""
    return compare_values(seen.expected.value, seen.actual.value, seen.axes, seen.tolerance)


def inputs_unchanged(seen: Comparison) -> Difference | None:
    """The function left the arrays that it was given as they were."""
    if seen.actual.unchanged:
        return None
    return Difference("your function changed one of the arrays it was given; work on new arrays")


def part(key: str, test: Test = same_values) -> Test:
    """``test`` on one entry of a result that is a dict (or on one place of a list, ``"0"``)."""

    def on_part(seen: Comparison) -> Difference | None:
        expected, actual = (_pick(o.value, key) for o in (seen.expected, seen.actual))
        axes = _pick_axes(seen.axes, key)
        narrowed = Comparison(seen.case, Outcome(expected), Outcome(actual), axes, seen.tolerance)
        found = test(narrowed)
        return found.inside(key) if found else None

    return on_part


def _pick_axes(axes: Axes, key: str) -> Axes:
    if isinstance(axes, Mapping):
        found: Axes = axes.get(key, ())
        return found
    if isinstance(axes, list) and key.isdigit() and int(key) < len(axes):
        found = axes[int(key)]
        return found
    return axes


def _pick(value: Plain, key: str) -> Plain:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.isdigit() and int(key) < len(value):
        return value[int(key)]
    return None


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing that an answer can get right, and what it is worth.

    Attributes:
        name: as a student reads it: "shape", "values", "state", "inputs left unchanged".
        points: what it earns.
        test: returns ``None`` when the aspect holds in one case, else the difference.
        tags: only cases with one of these tags are asked; all cases when empty.
        without: cases with one of these tags are not asked.
        needs: aspects that must hold first. What a wrong answer gets right by accident (it changed
            no input because it computed nothing) earns nothing.
    """

    name: str
    points: float
    test: Test = same_values
    tags: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()

    def selects(self, case: Case) -> bool:
        """Whether this aspect is asked of ``case``."""
        return (not self.tags or bool(self.tags & case.tags)) and not self.without & case.tags


@dataclass(frozen=True, slots=True)
class Misconception:
    """A wrong idea, as code that has it. It is recognised by what it computes, never by its text.

    Attributes:
        name: short and stable, for statistics: "wh-transposed".
        variant: runnable, with the reference's signature.
        nudge: the first hint: a question that makes the student look in the right direction.
        pointer: the second: which passage of the notebook to read again.
        explanation: the third: names the mistake in a sentence, without giving the answer away.
    """

    name: str
    variant: Any
    nudge: str
    pointer: str
    explanation: str


READY_MADE = frozenset(
    "RNN SimpleRNN SimpleRNNCell LSTM LSTMCell GRU GRUCell StackedRNNCells Bidirectional "
    "BasicRNNCell BasicLSTMCell MultiRNNCell static_rnn dynamic_rnn bidirectional_dynamic_rnn "
    "raw_rnn raw_ops".split()
)
"""Recurrent layers and loops that exercises ask to write by hand."""
AUTODIFF = READY_MADE | {"GradientTape", "ForwardAccumulator", "gradients", "jacobian"}
"""The same, for exercises that ask for gradients by hand."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise: everything that the check, the grader and their tests need to know.

    Attributes:
        id: the name that the student defines, unique in the course.
        probe: how an answer is run, ``"module:function"`` in ``autograder.probes``.
        reference: the right answer, from ``course_lib``. A module of exercises stays light: where
            the answer needs TensorFlow, it is a function that imports it when it is called.
        cases: makes the inputs from a random generator.
        aspects: what is judged; their points add up to the exercise's.
        misconceptions: known wrong answers, most specific first.
        axes: names of the axes of the result, for errors such as "time is 7, expected 5".
        tolerance: largest difference that still counts as equal, relative to the scale of the
            expected array. 1e-4 lets float32 pass and no misconception.
        nudge: the hint when no misconception matches.
        pointer: where to read again when no misconception matches.
        seconds: how long all cases together may take when grading.
        alternatives: other right answers, in other styles, that must earn full marks.
        by_hand: names that an answer is asked not to use, because they are the answer ready-made.
            The instructor is told; no points are taken.
        oracle: makes of what a case keeps the thing that answers the probe's questions about it, where
            what is handed out would be the answer; see ``autograder.oracles``.
    """

    id: str
    probe: str
    reference: Any
    cases: Callable[[np.random.Generator], Sequence[Case]]
    aspects: tuple[Aspect, ...]
    misconceptions: tuple[Misconception, ...]
    axes: Axes = ()
    tolerance: float = 1e-4
    nudge: str = ""
    pointer: str = ""
    seconds: float = 20.0
    alternatives: Mapping[str, Any] = field(default_factory=dict)
    by_hand: frozenset[str] = READY_MADE
    oracle: Callable[[Plain], Oracle] | None = None

    @property
    def points(self) -> float:
        """What the exercise is worth: the sum over its aspects."""
        return sum(aspect.points for aspect in self.aspects)

    def draw(self, seed: int) -> list[Case]:
        """The cases of one seed: equal seeds give equal cases, other exercises other ones."""
        key = [seed, *self.id.encode()]
        return list(self.cases(np.random.default_rng(key)))
