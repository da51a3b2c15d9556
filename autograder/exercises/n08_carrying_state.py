"""N08: a series far too long to unroll, cut into windows, and the state that crosses their edges."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from autograder.compare import Difference
from autograder.exercise import (
    Aspect,
    Case,
    Comparison,
    Exercise,
    Misconception,
    inputs_unchanged,
    part,
    same_shape,
)
from course_lib.carrying import pack_state, unpack_state
from course_lib.cells.state import LSTMStateTuple

Array = np.ndarray
Rng = np.random.Generator
Pair = tuple[Any, Any]

WINDOW = 15


def _tf() -> Any:
    """TensorFlow, imported when an exercise is judged that needs it."""
    from course_lib.quiet import tf

    return tf


# --------------------------------------------------------------------------- make_echo


def _reference_make_echo(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    from course_lib.echo import make_echo

    return make_echo(length, batch, delay, rng)


def _echo_cases(rng: Rng) -> list[Case]:
    def case(name: str, length: int, batch: int, delay: int) -> Case:
        tags = frozenset({"delayed" if delay else "not delayed"})
        return Case(name, (length, batch, delay, int(rng.integers(2**31))), tags)

    return [
        case("four rows, a long delay", 800, 4, 24),
        case("as many rows as steps of delay", 3000, 20, 20),
        case("a batch of one", 260, 1, 26),
        case("no delay at all", 360, 3, 0),
        case("more rows than columns", 1600, 40, 1),
    ]


def _bits(length: int, batch: int, rng: Rng) -> Array:
    return rng.integers(0, 2, size=(batch, length // batch))


def _shift(x: Array, delay: int) -> Array:
    y = np.zeros_like(x)
    y[:, delay:] = x[:, : x.shape[1] - delay]
    return y


def _rolled_flat(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = rng.integers(0, 2, size=length)
    y = np.roll(x, delay)
    y[:delay] = 0
    return x.reshape(batch, -1), y.reshape(batch, -1)


def _row_0_zeroed(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, rng)
    y = np.roll(x, delay, axis=1)
    y[0, :delay] = 0
    return x, y


def _wrapped_around(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, rng)
    return x, np.roll(x, delay, axis=1)


def _minus_zero(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, rng)
    y = np.zeros_like(x)
    y[:, delay:] = x[:, :-delay]
    return x, y


def _rolled_back(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, rng)
    y = np.zeros_like(x)
    y[:, : x.shape[1] - delay] = x[:, delay:]
    return x, y


def _rolled_back_front_zeroed(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, rng)
    y = np.roll(x, -delay, axis=1)
    y[:, :delay] = 0
    return x, y


def _rolled_along_the_batch(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, rng)
    y = np.roll(x, delay, axis=0)
    y[:, :delay] = 0
    return x, y


def _rolled_back_end_zeroed(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, rng)
    y = np.roll(x, -delay, axis=1)
    y[:, -delay:] = 0
    return x, y


def _first_rows_zeroed(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, rng)
    y = np.roll(x, delay, axis=1)
    y[:delay] = 0
    return x, y


def _own_generator(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, np.random.default_rng(0))
    return x, _shift(x, delay)


def _one_too_late(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, rng)
    return x, _shift(x, delay + 1)


def _not_delayed(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, rng)
    y = x.copy()
    y[:, :delay] = 0
    return x, y


def _length_each_row(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = rng.integers(0, 2, size=(batch, length))
    return x, _shift(x, delay)


def _time_major(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, rng)
    return x.T, _shift(x, delay).T


def _global_random(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = np.random.randint(0, 2, size=(batch, length // batch))
    return x, _shift(x, delay)


def _one_row_repeated(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = np.tile(rng.integers(0, 2, size=length // batch), (batch, 1))
    return x, _shift(x, delay)


def _only_zeros(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = rng.integers(0, 1, size=(batch, length // batch))
    return x, _shift(x, delay)


def _bits_zeroed_too(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = _bits(length, batch, rng)
    y = np.roll(x, delay, axis=1)
    x[:, :delay] = y[:, :delay] = 0
    return x, y


def _echo_padded(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = rng.choice(2, size=(batch, length // batch))
    return x, np.pad(x, ((0, 0), (delay, 0)))[:, : x.shape[1]]


def _echo_row_by_row(length: int, batch: int, delay: int, rng: Rng) -> tuple[list[Any], list[Any]]:
    columns = length // batch
    x = [[int(rng.random() < 0.5) for _ in range(columns)] for _ in range(batch)]
    return x, [[0] * delay + row[: columns - delay] for row in x]


def _echo_in_tensorflow(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    tf = _tf()
    x = tf.constant(rng.integers(0, 2, size=length))
    x = tf.reshape(x, [batch, -1])
    return x, tf.concat([tf.zeros_like(x[:, :delay]), x[:, : x.shape[1] - delay]], axis=1)


def _echo_rolled(length: int, batch: int, delay: int, rng: Rng) -> Pair:
    x = rng.integers(0, 2, size=length).reshape(batch, -1).astype(float)
    y = np.roll(x, delay, axis=1)
    y[:, :delay] = 0
    return x, y


def _sizes(seen: Comparison) -> Difference | None:
    for name in "xy":
        wanted, got = seen.expected.value[name], seen.actual.value[name]
        if wanted != got:
            return Difference(f"{name} has shape {tuple(got)}, expected {tuple(wanted)}")
    return None


def _facts(*names: str) -> Callable[[Comparison], Difference | None]:
    """A test that some facts about an echo are as they should be, in words."""

    def test(seen: Comparison) -> Difference | None:
        wanted, got = seen.expected.value, seen.actual.value
        for name in names:
            if got[name] == wanted[name]:
                continue
            if name == "steps back":
                return Difference(_word_lag(int(got[name]), int(wanted[name])))
            if name in _STARTS:
                return Difference(
                    f"in {_STARTS[name]} the first labels are not all 0, but {_word_start(got[name])}"
                )
            return Difference(_SAID[name])
        return None

    return test


def _word_start(found: str) -> str:
    return found if found != "something else" else "other bits"


_STARTS = {"row 0 starts with": "row 0", "other rows start with": "the rows below row 0"}

_SAID = {
    "x holds zeros and ones": "x should hold zeros and ones, both of them, and nothing else",
    "y holds zeros and ones": "y should hold zeros and ones only",
    "share of ones is near one half": "about half of the bits should be ones",
    "rows differ": "some rows hold the very same bits",
    "the same rng draws the same bits": "two generators of one seed gave different bits",
    "another rng draws other bits": "generators of two different seeds gave the same bits",
    "bits before the first echo": "the first columns of x hold no ones at all",
}


def _word_lag(got: int, wanted: int) -> str:
    asked = f"expected the bit of {wanted} steps ago"
    if abs(got) > 2 * wanted + 1:
        return f"y repeats x at no fixed distance; {asked}"
    where = f"{got} steps ago" if got > 0 else f"{-got} steps ahead" if got else "the same step"
    return f"y repeats the bit of {where}; {asked}"


_ROWS = "Read “Five rows, five series” again."
_TASK = "Read “The task: an echo” again."

MAKE_ECHO = Exercise(
    id="make_echo",
    probe="echo_task:describe_echo",
    reference=_reference_make_echo,
    cases=_echo_cases,
    aspects=(
        Aspect("shape", 0.5, _sizes, tags=frozenset({"delayed"})),
        Aspect(
            "bits from rng",
            1.0,
            _facts(*_SAID),
            tags=frozenset({"delayed"}),
            needs=("shape",),
        ),
        Aspect(
            "the echo",
            1.0,
            _facts("steps back"),
            tags=frozenset({"delayed"}),
            needs=("shape",),
        ),
        Aspect(
            "nothing to repeat at the start of each row",
            1.0,
            _facts(*_STARTS),
            tags=frozenset({"delayed"}),
            needs=("shape", "the echo"),
        ),
        Aspect(
            "a delay of zero",
            0.5,
            lambda seen: _sizes(seen) or _facts(*_SAID, "steps back")(seen),
            tags=frozenset({"not delayed"}),
            needs=("shape", "bits from rng", "the echo"),
        ),
    ),
    misconceptions=(
        Misconception(
            "rolled-before-cut-into-rows",
            _rolled_flat,
            nudge="Look at the first labels of row 1. Which bits do they repeat, and does row 1 "
            "know them?",
            pointer=_ROWS,
            explanation="You shift one long series and cut it into rows afterwards. So each row "
            "but the first begins by asking for the last bits of the row before it.",
        ),
        Misconception(
            "wrapped-around",
            _wrapped_around,
            nudge="What should a label be as long as there is nothing to repeat? What is it in "
            "your first column?",
            pointer=_TASK,
            explanation="A roll brings the end of each row back in at its start. Those labels "
            "repeat bits that have not been read yet.",
        ),
        Misconception(
            "only-row-0-zeroed",
            _row_0_zeroed,
            nudge="Row 0 is right. And the others?",
            pointer=_ROWS,
            explanation="Only the first row begins with zeros. Every row is a series of its own "
            "and has nothing to repeat at its start.",
        ),
        Misconception(
            "minus-zero",
            _minus_zero,
            nudge="What is `x[:, :-delay]` for a delay of 0?",
            pointer="The docstring of the exercise says which delays there are.",
            explanation="You cut `delay` columns off by a negative end. For a delay of 0 that end "
            "is -0, which is 0, and nothing is left. Count from the front.",
        ),
        Misconception(
            "shifted-the-other-way",
            _rolled_back,
            nudge="Does your y repeat what was, or announce what will be?",
            pointer=_TASK,
            explanation="You shift to the left: each label is a bit of the future, and no network "
            "can know that.",
        ),
        Misconception(
            "rolled-the-other-way",
            _rolled_back_front_zeroed,
            nudge="Does your y repeat what was, or announce what will be?",
            pointer=_TASK,
            explanation="You roll by a negative number, to the left: each label is a bit of the "
            "future, and the end of each row is filled from its start.",
        ),
        Misconception(
            "shifted-the-other-way-and-minus-zero",
            _rolled_back_end_zeroed,
            nudge="Does your y repeat what was, or announce what will be?",
            pointer=_TASK,
            explanation="You shift to the left: each label is a bit of the future, and no network "
            "can know that. And a second thing: `y[:, -delay:]` is everything when the delay is 0.",
        ),
        Misconception(
            "first-rows-zeroed",
            _first_rows_zeroed,
            nudge="What does `y[:delay]` take of an array with two axes?",
            pointer=_ROWS,
            explanation="You set whole rows to 0, the first `delay` ones. The tutorial's `y[0:3] = 0` "
            "was right as long as y had a single axis; in rows, time is the second one.",
        ),
        Misconception(
            "rolled-along-the-batch",
            _rolled_along_the_batch,
            nudge="Along which axis does time run? Along which one do you shift?",
            pointer=_ROWS,
            explanation="You shift along the batch, so each row has the labels of another row.",
        ),
        Misconception(
            "one-step-too-late",
            _one_too_late,
            nudge="Take delay = 1 and write down four bits and their labels. How many zeros come "
            "first?",
            pointer=_TASK,
            explanation="Your echo comes one step late: it repeats the bit of delay + 1 steps ago.",
        ),
        Misconception(
            "not-delayed",
            _not_delayed,
            nudge="Compare a column of y with the same column of x.",
            pointer=_TASK,
            explanation="Past its first columns y is x itself. A network would need no memory.",
        ),
        Misconception(
            "length-of-each-row",
            _length_each_row,
            nudge="How many bits did you draw in all, and how many were asked for?",
            pointer=_ROWS,
            explanation="You take `length` for the length of a row. It counts the bits of all "
            "rows together.",
        ),
        Misconception(
            "time-major",
            _time_major,
            nudge="Which axis of your arrays counts the rows?",
            pointer=_ROWS,
            explanation="Your arrays are time-major. Each row of them should be one series.",
        ),
        Misconception(
            "rng-not-used",
            _global_random,
            nudge="Call your function twice with `np.random.default_rng(0)`. Do you get the same "
            "bits?",
            pointer="The docstring says where all bits come from.",
            explanation="You draw from NumPy's global generator and not from `rng`, so nobody can "
            "repeat your data.",
        ),
        Misconception(
            "generator-of-its-own",
            _own_generator,
            nudge="Call your function with `np.random.default_rng(0)` and with "
            "`np.random.default_rng(1)`. Do you get other bits?",
            pointer="The docstring says where all bits come from.",
            explanation="You make a generator with a seed of your own, so your function gives the same "
            "bits for ever. Draw from the `rng` that you are given.",
        ),
        Misconception(
            "one-row-repeated",
            _one_row_repeated,
            nudge="Compare row 0 with row 1.",
            pointer=_ROWS,
            explanation="You draw one row and use it again for all others. Each should have bits "
            "of its own.",
        ),
        Misconception(
            "ones-never-drawn",
            _only_zeros,
            nudge="How many ones are there in your x? The upper end of `rng.integers` is left out.",
            pointer=_TASK,
            explanation="All your bits are zero: the upper limit is not among the numbers drawn.",
        ),
        Misconception(
            "bits-zeroed-too",
            _bits_zeroed_too,
            nudge="Which of the two arrays begins with zeros, and which with bits?",
            pointer=_TASK,
            explanation="You set the first bits to zero along with the first labels. Only the "
            "labels have nothing to repeat; the bits are there from the start.",
        ),
    ),
    nudge="Draw two rows of five bits on paper and write their labels below. What comes first in "
    "each row?",
    pointer="“The task: an echo” and “Five rows, five series”.",
    alternatives={
        "np.pad": _echo_padded,
        "lists, row by row": _echo_row_by_row,
        "TensorFlow": _echo_in_tensorflow,
        "cut, roll, zero; float": _echo_rolled,
    },
)

# ----------------------------------------------------------------------------- windows


def _reference_windows(x: Array, y: Array, T: int) -> list[Pair]:
    from course_lib.echo import windows

    return windows(x, y, T)


def _window_cases(rng: Rng) -> list[Case]:
    def case(name: str, batch: int, length: int, T: int, tag: str) -> Case:
        x = rng.permutation(batch * length).reshape(batch, length)
        y = rng.integers(0, 2, size=(batch, length)) + 10 * x
        return Case(name, (x, y, T), frozenset((tag,)))

    return [
        case("three windows that fit", 2, 12, 4, "fits"),
        case("as many rows as columns in a window", 5, 20, 5, "fits"),
        case("windows of one column", 3, 4, 1, "fits"),
        case("one window in all", 3, 7, 7, "fits"),
        case("two columns left over", 3, 14, 4, "rest"),
        case("a batch of one, three columns left over", 1, 18, 5, "rest"),
        case("a series shorter than a window", 2, 3, 6, "rest"),
    ]


def _cut(x: Array, y: Array, edges: list[tuple[int, int]]) -> list[Pair]:
    return [(x[:, a:b], y[:, a:b]) for a, b in edges]


def _rest_dropped(x: Array, y: Array, T: int) -> list[Pair]:
    return _cut(x, y, [(n * T, n * T + T) for n in range(x.shape[1] // T)])


def _overlapping(x: Array, y: Array, T: int) -> list[Pair]:
    return _cut(x, y, [(t, t + T) for t in range(x.shape[1] - T + 1)])


def _overlapping_to_the_end(x: Array, y: Array, T: int) -> list[Pair]:
    return _cut(x, y, [(t, t + T) for t in range(x.shape[1])])


def _shuffled(x: Array, y: Array, T: int) -> list[Pair]:
    return _reference_windows(x, y, T)[::-1]


def _rest_padded(x: Array, y: Array, T: int) -> list[Pair]:
    missing = -x.shape[1] % T
    x, y = (np.pad(a, ((0, 0), (0, missing))) for a in (x, y))
    return _reference_windows(x, y, T)


def _rest_reaches_back(x: Array, y: Array, T: int) -> list[Pair]:
    found = _rest_dropped(x, y, T)
    return found + [(x[:, -T:], y[:, -T:])] * bool(x.shape[1] % T)


def _rest_dropped_by_reshape(x: Array, y: Array, T: int) -> list[Pair]:
    batch, count = len(x), x.shape[1] // T
    parts = [a[:, : count * T].reshape(count, batch, T) for a in (x, y)]
    return list(zip(*parts, strict=True))


def _reshaped(x: Array, y: Array, T: int) -> list[Pair]:
    return list(zip(x.reshape(-1, len(x), T), y.reshape(-1, len(y), T), strict=True))


def _empty_one_at_the_end(x: Array, y: Array, T: int) -> list[Pair]:
    return _cut(x, y, [(n * T, n * T + T) for n in range(x.shape[1] // T + 1)])


def _one_column_short(x: Array, y: Array, T: int) -> list[Pair]:
    return _cut(x, y, [(t, t + T - 1) for t in range(0, x.shape[1], T)])


def _rows_cut(x: Array, y: Array, T: int) -> list[Pair]:
    return [(x[t : t + T], y[t : t + T]) for t in range(0, len(x), T)]


def _labels_uncut(x: Array, y: Array, T: int) -> list[Pair]:
    return [(part_of_x, y) for part_of_x, _ in _reference_windows(x, y, T)]


def _evenly(x: Array, y: Array, T: int) -> list[Pair]:
    count = -(-x.shape[1] // T)
    parts = (np.array_split(a, count, axis=1) for a in (x, y))
    return list(zip(*parts, strict=True))


def _two_lists(x: Array, y: Array, T: int) -> Pair:
    pairs = _reference_windows(x, y, T)
    return [a for a, _ in pairs], [b for _, b in pairs]


def _as_many_windows_as_columns(x: Array, y: Array, T: int) -> list[Pair]:
    parts = (np.array_split(a, T, axis=1) for a in (x, y))
    return list(zip(*parts, strict=True))


def _equal_division(x: Array, y: Array, T: int) -> list[Pair]:
    count = x.shape[1] // T
    return list(zip(np.split(x, count, axis=1), np.split(y, count, axis=1), strict=True))


def _labels_left_out(x: Array, y: Array, T: int) -> list[Array]:
    return [x[:, t : t + T] for t in range(0, x.shape[1], T)]


def _windows_loop(x: Array, y: Array, T: int) -> list[Pair]:
    found, t = [], 0
    while t < x.shape[1]:
        found.append((x[:, t : t + T].tolist(), y[:, t : t + T].tolist()))
        t += T
    return found


def _windows_split(x: Array, y: Array, T: int) -> list[Pair]:
    edges = range(T, x.shape[1], T)
    return list(zip(np.split(x, edges, axis=1), np.split(y, edges, axis=1), strict=True))


def _windows_yielded(x: Array, y: Array, T: int) -> Any:
    tf = _tf()
    for t in range(0, x.shape[1], T):
        yield tf.constant(x)[:, t : t + T], tf.constant(y)[:, t : t + T]


def _windows_stacked(x: Array, y: Array, T: int) -> list[Array]:
    both = np.stack([x, y])
    return [both[:, :, t : t + T] for t in range(0, both.shape[2], T)]


def _count_and_values(seen: Comparison) -> Difference | None:
    wanted, got = seen.expected.value["windows"], seen.actual.value["windows"]
    if got != wanted:
        return Difference(f"there are {got} windows, expected {wanted}")
    for name in "xy":
        # Not the windows as one array: they need not be of one size.
        for number, (right, found) in enumerate(
            zip(seen.expected.value[name], seen.actual.value[name], strict=True)
        ):
            right, found = np.asarray(right), np.asarray(found)
            if right.shape != found.shape:
                return Difference(
                    f"the window number {number} of {name} has shape {found.shape}, expected "
                    f"{right.shape}"
                )
            if not np.array_equal(right, found):
                return Difference(f"the window number {number} of {name} holds other numbers")
    return None


def _in_order(seen: Comparison) -> Difference | None:
    if seen.actual.value["in the order of time"]:
        return None
    return Difference("your windows do not come in the order of time")


_CUT = "Read “Cut, but lose nothing” again."

WINDOWS = Exercise(
    id="windows",
    probe="echo_task:cut",
    reference=_reference_windows,
    cases=_window_cases,
    aspects=(
        Aspect("windows that fit", 1.0, _count_and_values, tags=frozenset({"fits"})),
        Aspect("what is left over", 1.0, _count_and_values, tags=frozenset({"rest"})),
        Aspect(
            "in the order of time",
            0.5,
            _in_order,
            needs=("windows that fit",),
        ),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("windows that fit", "what is left over"),
        ),
    ),
    misconceptions=(
        Misconception(
            "columns-dropped",
            _rest_dropped,
            nudge="Add up the columns of all your windows. Is it as many as x has?",
            pointer=_CUT,
            explanation="What is left over after the last full window is silently dropped. It is "
            "data like all other.",
        ),
        Misconception(
            "overlapping",
            _overlapping,
            nudge="Where does your second window begin? Where should it?",
            pointer=_CUT,
            explanation="Your windows overlap: each begins one column after the one before, so a "
            "state that was carried would read most columns again.",
        ),
        Misconception(
            "overlapping-to-the-end",
            _overlapping_to_the_end,
            nudge="By how much does the beginning move from one window to the next?",
            pointer=_CUT,
            explanation="A window begins at every column, so they overlap. The next one should "
            "begin where the last one ended.",
        ),
        Misconception(
            "out-of-order",
            _shuffled,
            nudge="All windows are there. Which one comes first, and which one should?",
            pointer=_CUT,
            explanation="Your windows are not in the order of time. A state that is carried would "
            "come from a window that has nothing to do with the next one.",
        ),
        Misconception(
            "rest-padded",
            _rest_padded,
            nudge="Print your last window. Which of its columns are in the series?",
            pointer=_CUT,
            explanation="You fill the last window up with zeros, and the network would be trained "
            "on labels that nobody wrote. Let it be shorter.",
        ),
        Misconception(
            "rest-reaches-back",
            _rest_reaches_back,
            nudge="Print your last window. Have you seen some of its columns before?",
            pointer=_CUT,
            explanation="Your last window is full, but it reaches back into the one before: these "
            "columns are used twice.",
        ),
        Misconception(
            "rows-mixed-by-reshape",
            _rest_dropped_by_reshape,
            nudge="Look at row 0 of your second window. Does it follow row 0 of the first?",
            pointer=_CUT + " And think of what notebook 2 says about reshape.",
            explanation="You reshape: that deals the numbers out in the order in which they lie in "
            "memory, so the windows mix columns of different times and rows.",
        ),
        Misconception(
            "rows-mixed-by-reshape-rest-forgotten",
            _reshaped,
            nudge="Look at row 0 of your second window. Does it follow row 0 of the first?",
            pointer=_CUT + " And think of what notebook 2 says about reshape.",
            explanation="You reshape: that deals the numbers out in the order in which they lie in "
            "memory, so the windows mix columns of different times and rows. And where something is "
            "left over it fails.",
        ),
        Misconception(
            "empty-one-at-the-end",
            _empty_one_at_the_end,
            nudge="Let 12 columns be cut into windows of 4. How many windows do you return?",
            pointer=_CUT,
            explanation="Where the windows fit exactly, you return one more, without any column.",
        ),
        Misconception(
            "one-column-short",
            _one_column_short,
            nudge="How many columns are there in x[:, 0:T-1]?",
            pointer=_CUT,
            explanation="Each window of yours lacks its last column: the end of a slice is not "
            "part of it.",
        ),
        Misconception(
            "rows-cut",
            _rows_cut,
            nudge="Which axis do you cut, the batch or time?",
            pointer=_CUT,
            explanation="You cut along the batch: your pieces hold some rows at all times. Windows "
            "hold all rows at some times.",
        ),
        Misconception(
            "labels-not-cut",
            _labels_uncut,
            nudge="The windows of x are right. What stands beside them?",
            pointer=_CUT,
            explanation="You pair every window of x with all of y. The labels are cut in the same "
            "places.",
        ),
        Misconception(
            "evenly-split",
            _evenly,
            nudge="How wide are your windows when something is left over?",
            pointer=_CUT,
            explanation="You divide the columns evenly. All windows but the last should have just "
            "T columns.",
        ),
        Misconception(
            "T-windows",
            _as_many_windows_as_columns,
            nudge="Is T the number of windows, or the number of columns in each?",
            pointer=_CUT,
            explanation="You make T windows. T is how many columns each window has.",
        ),
        Misconception(
            "equal-division",
            _equal_division,
            nudge="14 columns do not divide into windows of 4. What does your function do then?",
            pointer=_CUT,
            explanation="`np.split` with a number wants parts of equal size, and fails when "
            "something is left over. (It also takes a list of the places where to cut.)",
        ),
        Misconception(
            "labels-left-out",
            _labels_left_out,
            nudge="What does `for x_window, y_window in windows(x, y, T)` need to find?",
            pointer="The docstring of the exercise says what a window is returned as.",
            explanation="You return windows of x only. Each should come as a pair with its labels.",
        ),
        Misconception(
            "two-lists",
            _two_lists,
            nudge="What does `for x_window, y_window in windows(x, y, T)` need to find?",
            pointer="The docstring of the exercise says what a window is returned as.",
            explanation="You return a list of all windows of x and a list of all windows of y. "
            "Asked for is one list of pairs.",
        ),
    ),
    nudge="At which columns do the windows begin for 14 columns and T = 4? Where does each end?",
    pointer=_CUT,
    alternatives={
        "a while loop, lists": _windows_loop,
        "np.split": _windows_split,
        "a generator of tensors": _windows_yielded,
        "slices of both at once": _windows_stacked,
    },
)

# -------------------------------------------------------------------------- loss_floor


def _reference_loss_floor(T: int, delay: int) -> float:
    from course_lib.truncation import loss_floor

    return loss_floor(T, delay)


def _floor_cases(rng: Rng) -> list[Case]:
    T = int(rng.integers(20, 60))
    return [
        Case("windows of 15, an echo after 3", (15, 3), frozenset({"longer"})),
        Case("drawn sizes", (T, int(rng.integers(4, 15))), frozenset({"longer"})),
        Case("no delay", (T + 1, 0), frozenset({"longer"})),
        Case("a window as long as the delay", (7, 7), frozenset({"shorter"})),
        Case("a window shorter than the delay", (5, 8), frozenset({"shorter"})),
        Case("a window of one column", (1, 2), frozenset({"shorter"})),
    ]


_GUESS = "Read “What an edge costs” again, and do its question on paper."

LOSS_FLOOR = Exercise(
    id="loss_floor",
    probe="calls:call",
    reference=_reference_loss_floor,
    cases=_floor_cases,
    aspects=(
        Aspect("windows longer than the delay", 1.5, tags=frozenset({"longer"})),
        Aspect(
            "windows no longer than the delay",
            0.5,
            tags=frozenset({"shorter"}),
            needs=("windows longer than the delay",),
        ),
    ),
    misconceptions=(
        Misconception(
            "half-a-nat",
            lambda T, delay: 0.5 * min(T, delay) / T,
            nudge="What is the cross-entropy of a label that got the probability one half?",
            pointer="Read “The dumb baseline: toss a coin” again.",
            explanation="You charge one half for each guess: that is its probability, or how often it "
            "is wrong. What it costs is the negative logarithm of one half.",
        ),
        Misconception(
            "minus-sign-lost",
            lambda T, delay: np.log(0.5) * min(T, delay) / T,
            nudge="Can a cross-entropy be negative?",
            pointer="Read “The dumb baseline: toss a coin” again.",
            explanation="The logarithm of one half is negative; the loss is the *negative* logarithm.",
        ),
        Misconception(
            "more-labels-than-there-are",
            lambda T, delay: delay / T * np.log(2),
            nudge="Which loss do you get for T = 5 and a delay of 8? Is guessing worse than that?",
            pointer=_GUESS,
            explanation="In a window shorter than the delay you count more guesses than there are "
            "labels.",
        ),
        Misconception(
            "bits-for-nats",
            lambda T, delay: min(delay, T) / T,
            nudge="What does one coin toss cost in nats?",
            pointer=_GUESS,
            explanation="This is the share of labels that are guesses. Each of them costs ln 2, "
            "not 1: the loss is measured with the natural logarithm.",
        ),
        Misconception(
            "one-window-s-sum",
            lambda T, delay: min(delay, T) * np.log(2),
            nudge="Is the loss of a window a sum over its labels or a mean?",
            pointer=_GUESS,
            explanation="This is what all guesses of one window cost together. The loss is a mean "
            "over all of its labels.",
        ),
        Misconception(
            "bits-for-nats-uncapped",
            lambda T, delay: delay / T,
            nudge="What does one coin toss cost in nats? And how many are there if T = 5 and the "
            "delay is 8?",
            pointer=_GUESS,
            explanation="This is the share of labels that are guesses. Each of them costs ln 2, "
            "not 1; and there cannot be more of them than labels.",
        ),
        Misconception(
            "one-window-s-sum-uncapped",
            lambda T, delay: delay * np.log(2),
            nudge="Is the loss of a window a sum over its labels or a mean?",
            pointer=_GUESS,
            explanation="This is what `delay` guesses cost together. The loss is a mean over all "
            "labels of a window, and there cannot be more guesses than labels.",
        ),
        Misconception(
            "the-others-guessed",
            lambda T, delay: max(T - delay, 0) / T * np.log(2),
            nudge="Which labels are the guesses: the first ones of a window, or the others?",
            pointer=_GUESS,
            explanation="You charge for the labels that can be known, and let the guesses pass.",
        ),
        Misconception(
            "averaged-over-the-known",
            lambda T, delay: delay / (T - delay) * np.log(2) if delay < T else float(np.log(2)),
            nudge="Over how many labels is the mean taken?",
            pointer=_GUESS,
            explanation="You divide by the number of labels that can be known. The mean is over "
            "all T of them.",
        ),
        Misconception(
            "one-guess-too-many",
            lambda T, delay: min(delay + 1, T) / T * np.log(2),
            nudge="Number the labels of a window from 0. Which is the first that repeats a bit of "
            "the same window?",
            pointer=_GUESS,
            explanation="You count one guess too many: the label number `delay` repeats the bit "
            "number 0, which the window holds.",
        ),
        Misconception(
            "one-guess-too-few",
            lambda T, delay: min(max(delay - 1, 0), T) / T * np.log(2),
            nudge="Number the labels of a window from 0. Which is the first that repeats a bit of "
            "the same window?",
            pointer=_GUESS,
            explanation="You count one guess too few: labels 0 to delay - 1 all repeat bits from "
            "before the window.",
        ),
        Misconception(
            "half-a-guess",
            lambda T, delay: min(delay, T) / T * np.log(2) / 2,
            nudge="Half of the guesses are right. Is their loss zero?",
            pointer=_GUESS,
            explanation="You halve the cost because half of the guesses come true. But a network "
            "that says “one half” pays ln 2 for each, whether it comes true or not.",
        ),
        Misconception(
            "the-baseline",
            lambda T, delay: float(np.log(2)),
            nudge="Does your answer depend on T?",
            pointer=_GUESS,
            explanation="That is the loss of guessing everything. Only the first labels of a window "
            "have to be guessed.",
        ),
    ),
    nudge="How many of the T labels are coin tosses? What does one cost? What do the others cost?",
    pointer=_GUESS,
    tolerance=1e-3,
    alternatives={
        "a list of costs": lambda T, delay: np.mean(
            [np.log(2) if t < delay else 0.0 for t in range(T)]
        ),
        "two cases": lambda T, delay: np.log(2) if delay >= T else delay * np.log(2) / T,
        "TensorFlow": lambda T, delay: _tf().reduce_mean(
            _tf().where(_tf().range(T) < delay, float(np.log(2)), 0.0)
        ),
    },
)

# ----------------------------------------------------------- pack_state, unpack_state


def _pack_cases(rng: Rng) -> list[Case]:
    def case(name: str, L: int, B: int, H: int) -> Case:
        cs, hs = (list(rng.normal(size=(L, B, H)) + shift) for shift in (4.0, 0.0))
        return Case(name, (cs, hs))

    return [
        case("three layers", 3, 5, 4),
        case("two layers, two rows, two units", 2, 2, 2),
        case("one layer", 1, 3, 4),
        case("a batch of one", 4, 1, 3),
    ]


def _pack_by_loops(states: Any) -> Array:
    packed = np.zeros((len(states), 2, *states[0].c.shape))
    for layer, state in enumerate(states):
        packed[layer, 0] = state.c
        packed[layer, 1] = state.h
    return packed


def _c_side_by_side(states: Any) -> Array:
    L, (B, H) = len(states), states[0].c.shape
    return np.concatenate([np.stack([s.c, s.h]) for s in states]).reshape(2, L, B, H)


_ONE_TENSOR = "Read “The state in one array” again."

PACK_STATE = Exercise(
    id="pack_state",
    probe="echo_task:pack",
    reference=pack_state,
    cases=_pack_cases,
    axes=("layers", "parts", "batch", "hidden"),
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("values", 1.0),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("values",)),
    ),
    misconceptions=(
        Misconception(
            "c-above-h",
            lambda states: np.stack([np.concatenate([s.c, s.h], axis=0) for s in states]),
            nudge="How many axes should the result have, and how many has it?",
            pointer=_ONE_TENSOR,
            explanation="c and h stand one below the other, as if the batch were twice as large. They "
            "should be two entries of an axis of their own.",
        ),
        Misconception(
            "parts-after-the-batch",
            lambda states: np.stack([np.stack([s.c, s.h], axis=1) for s in states]),
            nudge="Say the names of your four axes in order. Which one has length 2?",
            pointer=_ONE_TENSOR,
            explanation="In your array the batch comes before the parts: `packed[k, 0]` is both parts "
            "of the first sequence, not c of layer k.",
        ),
        Misconception(
            "c-and-h-exchanged",
            lambda states: np.stack([[s.h, s.c] for s in states]),
            nudge="Which part comes first in `LSTMStateTuple(c, h)`? And in your array?",
            pointer=_ONE_TENSOR,
            explanation="c and h have changed places. The shapes do not show it: unpacked, every "
            "layer would take its output for its memory.",
        ),
        Misconception(
            "h-lost",
            lambda states: np.stack([[s.c, np.zeros_like(s.h)] for s in states]),
            nudge="What stands at packed[0, 1]?",
            pointer=_ONE_TENSOR,
            explanation="The second part is all zeros: h is lost.",
        ),
        Misconception(
            "c-lost",
            lambda states: np.stack([[np.zeros_like(s.c), s.h] for s in states]),
            nudge="What stands at packed[0, 0]?",
            pointer=_ONE_TENSOR,
            explanation="The first part is all zeros: c is lost.",
        ),
        Misconception(
            "h-twice",
            lambda states: np.stack([[s.h, s.h] for s in states]),
            nudge="Compare packed[0, 0] with packed[0, 1].",
            pointer=_ONE_TENSOR,
            explanation="h stands there twice, and c is lost.",
        ),
        Misconception(
            "parts-before-layers",
            lambda states: np.stack([[s.c for s in states], [s.h for s in states]]),
            nudge="Say the names of your four axes in order. Which one has length 2?",
            pointer=_ONE_TENSOR,
            explanation="Your first axis is the part and your second one the layer: all c, then "
            "all h. It should be the other way round.",
        ),
        Misconception(
            "parts-before-layers-reshaped",
            lambda states: np.reshape(
                [[s.c for s in states], [s.h for s in states]],
                (len(states), 2, *states[0].c.shape),
            ),
            nudge="The shape is right. Compare packed[0, 1] with the h of the bottom layer.",
            pointer=_ONE_TENSOR,
            explanation="You collect all c and all h and bring that into shape by a reshape, which "
            "moves no number: with more than one layer they end up in the wrong places.",
        ),
        Misconception(
            "one-layer-only",
            lambda states: np.stack([[states[-1].c, states[-1].h]]),
            nudge="How many layers does your array have?",
            pointer=_ONE_TENSOR,
            explanation="You keep the state of one layer only. Every layer has one.",
        ),
        Misconception(
            "layers-upside-down",
            lambda states: np.stack([[s.c, s.h] for s in states])[::-1],
            nudge="Which layer's state stands at packed[0]?",
            pointer=_ONE_TENSOR,
            explanation="The layers are turned around: the top one comes first.",
        ),
        Misconception(
            "joined-not-stacked",
            lambda states: np.concatenate([np.concatenate([s.c, s.h]) for s in states]),
            nudge="How many axes should the result have, and how many has it?",
            pointer=_ONE_TENSOR,
            explanation="You concatenate, which makes an axis longer. Stacking makes a new one, "
            "and you need two new ones.",
        ),
        Misconception(
            "side-by-side",
            lambda states: np.stack([np.concatenate([s.c, s.h], axis=1) for s in states]),
            nudge="How many axes should the result have, and how many has it?",
            pointer=_ONE_TENSOR,
            explanation="c and h stand side by side in one wide array. They should be two entries "
            "of an axis of their own.",
        ),
    ),
    nudge="What should stand at packed[0], and what at packed[0, 1]?",
    pointer=_ONE_TENSOR,
    alternatives={
        "fill an array": _pack_by_loops,
        "tf.stack": lambda states: _tf().stack([_tf().stack([s.c, s.h]) for s in states]),
        "np.array of everything": lambda states: np.array(states, np.float32),
        "lists": lambda states: [[s.c.tolist(), s.h.tolist()] for s in states],
        "all c, all h, axes swapped": lambda states: np.swapaxes(
            [[s.c for s in states], [s.h for s in states]], 0, 1
        ),
    },
)


def _unpack_cases(rng: Rng) -> list[Case]:
    sizes = {
        "three layers": (3, 2, 5, 4),
        "two layers, two rows, two units": (2, 2, 2, 2),
        "one layer": (1, 2, 3, 4),
        "a batch of one": (4, 2, 1, 3),
    }
    return [Case(name, (rng.normal(size=shape),)) for name, shape in sizes.items()]


def _unpack(packed: Array, make: Callable[[Array], Any]) -> tuple[Any, ...]:
    return tuple(make(layer) for layer in packed)


def _unpack_in_tensorflow(packed: Array) -> list[Any]:
    tf = _tf()
    return [LSTMStateTuple(*tf.unstack(layer)) for layer in tf.unstack(packed)]


def _named(seen: Comparison) -> Difference | None:
    if seen.actual.value["named"]:
        return None
    return Difference("the states have no parts named c and h: make each an LSTMStateTuple")


UNPACK_STATE = Exercise(
    id="unpack_state",
    probe="echo_task:unpack",
    reference=unpack_state,
    cases=_unpack_cases,
    axes={"c": [("batch", "hidden")] * 4, "h": [("batch", "hidden")] * 4},
    aspects=(
        Aspect("one state a layer", 0.5, part("layers")),
        Aspect("c", 0.5, part("c"), needs=("one state a layer",)),
        Aspect("h", 0.5, part("h"), needs=("one state a layer",)),
        Aspect("parts have names", 0.5, _named, needs=("c", "h")),
    ),
    misconceptions=(
        Misconception(
            "one-argument",
            lambda packed: [LSTMStateTuple(layer) for layer in packed],  # type: ignore[call-arg]
            nudge="How many parts does `LSTMStateTuple` ask for, and how many arguments do you give "
            "it?",
            pointer=_ONE_TENSOR,
            explanation="You hand a whole layer over as one argument. An `LSTMStateTuple` is made of "
            "two, c and h.",
        ),
        Misconception(
            "layers-and-parts-exchanged",
            lambda packed: [
                LSTMStateTuple(packed[0, k], packed[1, k]) for k in range(packed.shape[1])
            ],
            nudge="Say the names of the four axes in order. Over which one does your loop run?",
            pointer=_ONE_TENSOR,
            explanation="You take the first axis for the parts and the second one for the layers. It "
            "is the other way round.",
        ),
        Misconception(
            "h-replaced-by-zeros",
            lambda packed: _unpack(packed, lambda s: LSTMStateTuple(s[0], np.zeros_like(s[1]))),
            nudge="What becomes of packed[0, 1]?",
            pointer=_ONE_TENSOR,
            explanation="You restore c, but put zeros in the place of h. The well-known tutorial "
            "does just that.",
        ),
        Misconception(
            "c-replaced-by-zeros",
            lambda packed: _unpack(packed, lambda s: LSTMStateTuple(np.zeros_like(s[0]), s[1])),
            nudge="What becomes of packed[0, 0]?",
            pointer=_ONE_TENSOR,
            explanation="You restore h, but put zeros in the place of c.",
        ),
        Misconception(
            "c-and-h-exchanged",
            lambda packed: _unpack(packed, lambda s: LSTMStateTuple(s[1], s[0])),
            nudge="Which part comes first in `LSTMStateTuple`, and which in packed[0]?",
            pointer=_ONE_TENSOR,
            explanation="c and h change places on the way out.",
        ),
        Misconception(
            "c-twice",
            lambda packed: _unpack(packed, lambda s: LSTMStateTuple(s[0], s[0])),
            nudge="Compare the c and the h that you return for the bottom layer.",
            pointer=_ONE_TENSOR,
            explanation="Both parts are c. The other one stands at index 1.",
        ),
        Misconception(
            "parts-before-layers",
            lambda packed: tuple(
                LSTMStateTuple(*layer)
                for layer in zip(*packed.reshape(2, -1, *packed.shape[2:]), strict=True)
            ),
            nudge="Which axis of packed counts the layers, and which the parts?",
            pointer=_ONE_TENSOR,
            explanation="You take the first half of the numbers for all c and the rest for all h. "
            "But the first axis counts the layers.",
        ),
        Misconception(
            "all-c-and-all-h",
            lambda packed: (packed[:, 0], packed[:, 1]),
            nudge="How many things do you return for three layers?",
            pointer=_ONE_TENSOR,
            explanation="You return two things, c of all layers and h of all layers. Asked for is "
            "one state a layer, each with its own c and h.",
        ),
        Misconception(
            "layers-upside-down",
            lambda packed: _unpack(packed[::-1], lambda s: LSTMStateTuple(*s)),
            nudge="Which layer's state do you return first?",
            pointer=_ONE_TENSOR,
            explanation="The layers are turned around: the top one comes first.",
        ),
        Misconception(
            "one-layer-only",
            lambda packed: (LSTMStateTuple(*packed[0]),),
            nudge="How many layers does packed have, and how many states do you return?",
            pointer=_ONE_TENSOR,
            explanation="You return the state of one layer only.",
        ),
        Misconception(
            "bottom-layer-everywhere",
            lambda packed: tuple(LSTMStateTuple(*packed[0]) for _ in packed),
            nudge="Compare the states of two layers.",
            pointer=_ONE_TENSOR,
            explanation="Every layer gets the state of the bottom one.",
        ),
        Misconception(
            "no-names",
            lambda packed: [(c, h) for c, h in packed],
            nudge="Your numbers are right. Can one write `states[0].h`?",
            pointer=_ONE_TENSOR,
            explanation="You return bare pairs. An `LSTMStateTuple` has names, and whoever reads "
            "your states then need not remember an order.",
        ),
    ),
    nudge="What is packed[0]? What is packed[0, 0]?",
    pointer=_ONE_TENSOR,
    alternatives={
        "a loop over layers": lambda packed: [LSTMStateTuple(c, h) for c, h in packed],
        "tf.unstack": _unpack_in_tensorflow,
        "by keyword": lambda packed: tuple(
            LSTMStateTuple(h=packed[k, 1].astype(np.float32), c=packed[k, 0].astype(np.float32))
            for k in range(len(packed))
        ),
    },
)

# --------------------------------------------------------------------- repair_tutorial


def _reference_repair_tutorial(*inputs: Any) -> Pair:
    from course_lib.truncation import repair_tutorial

    return repair_tutorial(*inputs)


def _signed(rng: Rng, rows: int, columns: int, low: float, high: float) -> Array:
    """Numbers of either sign, none of them small."""
    shape = rows, columns
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(low, high, shape)


def _traces(rng: Rng, layers: int, hidden: int) -> list[dict[str, Any]]:
    """Weights of fading traces: slow enough that what is lost at an edge shows."""

    def layer(inputs: int) -> dict[str, Any]:
        return {
            "keep_c": float(rng.uniform(0.8, 0.9)),
            "keep_h": float(rng.uniform(0.7, 0.8)),
            "into_c": _signed(rng, inputs, hidden, 0.4, 0.8) / inputs,
            "into_h": _signed(rng, hidden, hidden, 0.4, 0.8) / hidden,
        }

    return [layer(1 if k == 0 else hidden) for k in range(layers)]


def _read_out(rng: Rng, hidden: int) -> tuple[Array, Array]:
    """Weights that answer zeros and ones differently, and a bias that is not zero."""
    one_sided = rng.choice([-1.0, 1.0], hidden) * rng.uniform(0.15, 0.35, hidden)
    return np.stack([one_sided, -one_sided], axis=1), np.array([0.3, -0.2])


def _program_cases(rng: Rng) -> list[Case]:
    def case(name: str, columns: int, B: int, delay: int, T: int, L: int, H: int) -> Case:
        bits = rng.integers(0, 2, size=B * columns)
        for row in range(B):  # what a row ends with shows in first labels, and whose end it is
            end = (row + 1) * columns
            bits[end - delay : end] = 1
            bits[end - 1] = row % 2 == 0
        inputs = (bits, [B, delay, T], _traces(rng, L, H), *_read_out(rng, H))
        return Case(name, inputs)

    return [
        case("two layers, three columns left over", 15, 3, 2, 4, 2, 5),
        case("one layer, windows that fit", 12, 2, 3, 4, 1, 3),
        case("a batch of one, one column left over", 11, 1, 1, 5, 3, 2),
        case("as many rows as units", 13, 4, 3, 6, 2, 4),
    ]


def _steps_of(cells: Any, x: Array, states: Any, W2: Array, b2: Array) -> tuple[Array, list[Any]]:
    states, logits = list(states), []
    for t in range(x.shape[1]):
        output = x[:, t, None]
        for k, cell in enumerate(cells):
            output, states[k] = cell(output, states[k])
        logits.append(output @ W2 + b2)
    return np.stack(logits, axis=1), states


def _program(
    bits: Array,
    batch: int,
    delay: int,
    T: int,
    cells: Any,
    W2: Array,
    b2: Array,
    left: frozenset[str] = frozenset(),
    label: Callable[[Array, int], Array] = _shift,
    keep: bool = True,
) -> Pair:
    """The program of the exercise with some of its mistakes left in."""
    from course_lib.truncation import bit_loss

    x = bits.reshape(batch, -1)
    if "rolled-before-cut" in left:
        y = np.roll(bits, delay)
        y[:delay] = 0
        y = y.reshape(batch, -1)
    else:
        y = label(x, delay)
    columns = x.shape[1] // T * T if "columns-dropped" in left else x.shape[1]
    packed, losses = np.zeros((len(cells), 2, batch, W2.shape[0])), []
    for t in range(0, columns, T):
        states = [LSTMStateTuple(c, h) for c, h in packed]
        if "h-lost" in left:
            states = [LSTMStateTuple(c, np.zeros_like(h)) for c, h in packed]
        stop = min(t + T, columns)
        logits, states = _steps_of(cells, x[:, t:stop], states, W2, b2)
        if "never-saved" not in left:
            packed = np.stack([np.stack([s.c, s.h]) for s in states])
        losses.append(bit_loss(logits, y[:, t:stop]))
    return np.array(losses), packed if keep else np.zeros_like(packed)


def _roll_rows(x: Array, delay: int, zeroed: int) -> Array:
    y = np.roll(x, delay, axis=1)
    y[:zeroed, :delay] = 0
    return y


def _unknown_name(*inputs: Any) -> Pair:
    raise NameError("name 'w2' is not defined")


_MISTAKES = {
    "rolled-before-cut": (
        "Compare the first labels of row 1 with the last bits of row 0.",
        "the series is shifted before it is cut into rows",
    ),
    "columns-dropped": (
        "How many windows does the program make of 14 columns and T = 4? What becomes of the rest?",
        "the columns after the last full window are never used",
    ),
    "h-lost": (
        "What does each layer start a window with: which c, and which h?",
        "h starts every window as zeros",
    ),
    "never-saved": (
        "Follow the variable `packed` through the loop. When does it change?",
        "the state after a window is never kept for the next one",
    ),
}
"""name -> a question that leads to the mistake, and what it is."""


def _left_in(names: tuple[str, ...]) -> Misconception:
    """Everything repaired but these."""
    least = "At least " if "never-saved" in names else ""
    many = {1: "one mistake is", 2: "two mistakes are", 3: "three mistakes are"}[len(names)]
    many = least + many if least else many[0].upper() + many[1:]
    listed = "; ".join(_MISTAKES[name][1] for name in names)
    if "never-saved" in names:  # then the state is zeros, and nobody can see a lost h
        listed += " (only when it is can you see whether both of its parts arrive)"
    first = "" if len(names) == 1 else f"{many} still in. To begin with: "
    return Misconception(
        "left-in-" + "-and-".join(names),
        partial(_program, left=frozenset(names)),
        nudge=first + _MISTAKES[names[0]][0],
        pointer="Read “A program with five mistakes” again: four of them raise no error. "
        + ("“Five rows, five series” " if "rolled-before-cut" in names else "")
        + ("“Cut, but lose nothing” " if "columns-dropped" in names else "")
        + ("“The state in one array” " if {"h-lost", "never-saved"} & set(names) else "")
        + "has what you need.",
        explanation=f"{many} still in: {listed}.",
    )


def _program_with_tensors(
    bits: Array, batch: int, delay: int, T: int, cells: Any, W2: Array, b2: Array
) -> Pair:
    losses, packed = _program(bits, batch, delay, T, cells, W2, b2)
    tf = _tf()
    return [tf.constant(loss, tf.float32) for loss in losses], tf.constant(packed)


def _program_in_one_go(
    bits: Array, batch: int, delay: int, T: int, cells: Any, W2: Array, b2: Array
) -> Pair:
    x = np.asarray(bits).reshape(batch, -1)
    zeros = np.zeros((batch, len(b2)))[:, :1] * np.zeros(W2.shape[0])
    logits, states = _steps_of(cells, x, [LSTMStateTuple(zeros, zeros) for _ in cells], W2, b2)
    chance = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    right = np.where(_shift(x, delay) == 1, chance[:, :, 1], chance[:, :, 0])
    losses = [-np.log(right[:, t : t + T]).mean() for t in range(0, x.shape[1], T)]
    return losses, [[s.c, s.h] for s in states]


def _program_by_library(
    bits: Array, batch: int, delay: int, T: int, cells: Any, W2: Array, b2: Array
) -> Pair:
    from course_lib.truncation import bit_loss

    x = bits.reshape(batch, -1)
    y = np.pad(x, ((0, 0), (delay, 0)))[:, : x.shape[1]]
    zero = np.zeros((batch, W2.shape[0]))
    states: Any = [LSTMStateTuple(zero, zero)] * len(cells)
    losses = []
    for x_window, y_window in _reference_windows(x, y, T):
        logits, states = _steps_of(cells, x_window, states, W2, b2)
        losses.append(bit_loss(logits, y_window))
    return losses, pack_state(states)


def _first_loss(seen: Comparison) -> Difference | None:
    """The first window's: only the labels can be wrong there."""
    wanted, got = (np.ravel(o.value["losses"])[0] for o in (seen.expected, seen.actual))
    if abs(float(wanted) - float(got)) <= seen.tolerance:
        return None
    return Difference(f"the loss of the first window is {got:.4g}, expected {wanted:.4g}")


def _number_of_losses(seen: Comparison) -> Difference | None:
    wanted, got = (np.size(o.value["losses"]) for o in (seen.expected, seen.actual))
    return Difference(f"there are {got} windows, expected {wanted}") if wanted != got else None


REPAIR_TUTORIAL = Exercise(
    id="repair_tutorial",
    probe="echo_task:run_program",
    reference=_reference_repair_tutorial,
    cases=_program_cases,
    axes={"losses": ("windows",), "packed": ("layers", "parts", "batch", "hidden")},
    aspects=(
        Aspect("labels", 1.0, _first_loss),
        Aspect("every column used", 1.0, _number_of_losses),
        Aspect("state carried, both parts", 2.0, part("packed"), needs=("every column used",)),
        Aspect(
            "losses",
            0.5,
            part("losses"),
            needs=("labels", "every column used", "state carried, both parts"),
        ),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("losses",)),
    ),
    misconceptions=(
        *(
            _left_in(names)
            for count in (1, 2, 3)
            for names in combinations(_MISTAKES, count)
            # Where the state is never saved, it is zeros: no h is there to be lost.
            if not {"h-lost", "never-saved"} <= set(names)
        ),
        Misconception(
            "only-row-0-zeroed",
            partial(_program, label=partial(_roll_rows, zeroed=1)),
            nudge="Compare the first labels of row 1 with the last bits of row 1.",
            pointer="Read “Five rows, five series” again, and “Stuck on the labels?”.",
            explanation="You cut first and shift each row, as it should be. But only row 0 begins "
            "with zeros; in the others the roll has brought their own end back in.",
        ),
        Misconception(
            "wrapped-around",
            partial(_program, label=partial(_roll_rows, zeroed=0)),
            nudge="Compare the first labels of a row with its last bits.",
            pointer="Read “Five rows, five series” again, and “Stuck on the labels?”.",
            explanation="You cut first and shift each row, as it should be. But the roll brings the "
            "end of each row back in at its start, and nothing wipes it out.",
        ),
        Misconception(
            "state-not-packed-at-the-end",
            partial(_program, keep=False),
            nudge="All losses are right, so the state does cross the edges. What is in the `packed` "
            "that you return?",
            pointer="Read “The state in one array” again.",
            explanation="You carry the states from window to window, but never put them into "
            "`packed`: the zeros of the beginning are returned.",
        ),
        Misconception(
            "unknown-name",
            _unknown_name,
            nudge="Which name does the error complain about? Where should it have been made?",
            pointer="Read the three mistakes that stop the listing at once, in “A program with five "
            "mistakes”.",
            explanation="The program uses a name that nothing has made. The printed one does so "
            "once: what comes in and what is used are spelled differently.",
        ),
    ),
    nudge="Run your program and the printed one on the same 15 bits, and compare the labels, the "
    "number of windows and the state, one after the other.",
    pointer="“A program with five mistakes”, with the three exercises before it.",
    alternatives={
        "np.pad, states kept as tuples": _program_by_library,
        "all columns at once": _program_in_one_go,
        "tensors and a list": _program_with_tensors,
    },
)

# --------------------------------------------------------------------------- run_epoch


def _reference_run_epoch(model: Any, x: Array, y: Array, carry: bool) -> Array:
    from course_lib.echo import run_epoch
    from course_lib.truncation import Updating

    return run_epoch(Updating(model), x, y, carry, T=WINDOW)


def _epoch_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, length: int, L: int, H: int, carry: bool, rate: float) -> Case:
        x = rng.integers(0, 2, size=(B, length))
        x[:, [t for t in (12, 14) if t < length]] = (
            1  # something is in the memory when the first window ends
        )
        inputs = (x, _shift(x, 3), carry, _traces(rng, L, H), *_read_out(rng, H), rate)
        tags = {"carry" if carry else "reset", "training" if rate else "frozen"}
        if length <= WINDOW:
            tags = {"one window", *tags}
        if length % WINDOW:
            tags.add("rest")
        return Case(name, inputs, frozenset(tags))

    return [
        case("carried, weights held fast", 3, 45, 2, 4, True, 0.0),
        case("not carried, weights held fast", 2, 30, 1, 3, False, 0.0),
        case("carried", 4, 34, 2, 4, True, 0.01),
        case("a batch of one, not carried", 1, 32, 3, 2, False, 0.01),
        case("a single short window", 2, 7, 1, 3, True, 0.01),
    ]


def _epoch(
    model: Any,
    x: Array,
    y: Array,
    carry: bool,
    *,
    start: Callable[[Any, Any, bool], Any] = lambda state, zero, carry: state if carry else zero,
    cut: Callable[..., list[Pair]] = _reference_windows,
    update: bool = True,
    report: Callable[[Any, Any], Any] = lambda before, again: before,
) -> list[float]:
    """One epoch by the book; each argument bends one thing."""
    tf = _tf()
    zero = state = model.zero_state(len(x))
    losses = []
    for x_window, y_window in cut(x, y, WINDOW):
        state = begin = start(state, zero, carry)
        with tf.GradientTape() as tape:
            loss, state = model.loss(x_window, y_window, state)
        if update:
            model.update(tape.gradient(loss, model.trainable_variables))
        if report(0, 1):
            loss, _ = model.loss(x_window, y_window, begin)
        losses.append(float(loss))
    return losses


def _layers(change: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, bool], Any]:
    """A start that changes each layer's carried state: change(c, h, zeros)."""

    def start(state: Any, zero: Any, carry: bool) -> Any:
        if not carry:
            return zero
        return tuple(
            LSTMStateTuple(*change(s.c, s.h, z.c)) for s, z in zip(state, zero, strict=True)
        )

    return start


def _one_tape_around(model: Any, x: Array, y: Array, carry: bool) -> list[float]:
    tf = _tf()
    state, losses = model.zero_state(len(x)), []
    with tf.GradientTape(persistent=True) as tape:
        for x_window, y_window in _reference_windows(x, y, WINDOW):
            if not carry:
                state = model.zero_state(len(x))
            loss, state = model.loss(x_window, y_window, state)
            with tape.stop_recording():
                model.update(tape.gradient(loss, model.trainable_variables))
            losses.append(float(loss))
    return losses


def _one_tape_many_gradients(model: Any, x: Array, y: Array, carry: bool) -> list[float]:
    tf = _tf()
    state, losses = model.zero_state(len(x)), []
    with tf.GradientTape() as tape:
        for x_window, y_window in _reference_windows(x, y, WINDOW):
            if not carry:
                state = model.zero_state(len(x))
            loss, state = model.loss(x_window, y_window, state)
            model.update(tape.gradient(loss, model.trainable_variables))
            losses.append(float(loss))
    return losses


def _one_update_at_the_end(
    model: Any, x: Array, y: Array, carry: bool, mean: bool = False
) -> list[float]:
    tf = _tf()
    state, losses = model.zero_state(len(x)), []
    with tf.GradientTape() as tape:
        for x_window, y_window in _reference_windows(x, y, WINDOW):
            if not carry:
                state = model.zero_state(len(x))
            loss, state = model.loss(x_window, y_window, state)
            losses.append(loss)
        total = tf.reduce_mean(losses) if mean else tf.add_n(losses)
    model.update(tape.gradient(total, model.trainable_variables))
    return [float(loss) for loss in losses]


def _no_windows(model: Any, x: Array, y: Array, carry: bool) -> list[float]:
    return _epoch(model, x, y, carry, cut=lambda x, y, T: [(x, y)])


def _nothing_returned(model: Any, x: Array, y: Array, carry: bool) -> None:
    _epoch(model, x, y, carry)


def _again_after_the_update(model: Any, x: Array, y: Array, carry: bool) -> list[float]:
    tf = _tf()
    zero = state = model.zero_state(len(x))
    losses = []
    for x_window, y_window in _reference_windows(x, y, WINDOW):
        state = state if carry else zero
        with tf.GradientTape() as tape:
            loss, _ = model.loss(x_window, y_window, state)
        model.update(tape.gradient(loss, model.trainable_variables))
        loss, state = model.loss(x_window, y_window, state)
        losses.append(float(loss))
    return losses


def _loss_before_the_tape(model: Any, x: Array, y: Array, carry: bool) -> list[float]:
    tf = _tf()
    loss, _ = model.loss(x[:, :WINDOW], y[:, :WINDOW], model.zero_state(len(x)))
    with tf.GradientTape() as tape:
        pass
    model.update(tape.gradient(loss, model.trainable_variables))
    return [float(loss)]


def _mean_loss(model: Any, x: Array, y: Array, carry: bool) -> float:
    return float(np.mean(_epoch(model, x, y, carry)))


def _twice_updated(model: Any, x: Array, y: Array, carry: bool) -> list[float]:
    tf = _tf()
    state, losses = model.zero_state(len(x)), []
    for x_window, y_window in _reference_windows(x, y, WINDOW):
        if not carry:
            state = model.zero_state(len(x))
        with tf.GradientTape() as tape:
            loss, state = model.loss(x_window, y_window, state)
        gradients = tape.gradient(loss, model.trainable_variables)
        model.update(gradients)
        model.update(gradients)
        losses.append(float(loss))
    return losses


def _top_layer_only(state: Any, zero: Any, carry: bool) -> Any:
    return (*zero[:-1], state[-1]) if carry else zero


def _epoch_by_slices(model: Any, x: Array, y: Array, carry: bool) -> Array:
    tf = _tf()
    before = None
    losses = np.zeros(-(-x.shape[1] // WINDOW))
    for n in range(len(losses)):
        columns = slice(n * WINDOW, (n + 1) * WINDOW)
        state = before if carry and n else model.zero_state(x.shape[0])
        with tf.GradientTape() as tape:
            losses_of_window, before = model.loss(
                tf.constant(x[:, columns]), tf.constant(y[:, columns]), state
            )
        gradients = tape.gradient(losses_of_window, model.trainable_variables)
        pairs = zip(gradients, model.trainable_variables, strict=True)
        model.optimizer.apply_gradients(pairs)
        losses[n] = losses_of_window
    return losses


def _epoch_in_graphs(model: Any, x: Array, y: Array, carry: bool) -> Any:
    tf = _tf()

    def step(x_window: Any, y_window: Any, state: Any) -> Any:
        with tf.GradientTape() as tape:
            loss, state = model.loss(x_window, y_window, state)
        model.update(tape.gradient(loss, model.trainable_variables))
        return loss, state

    one = tf.function(step, reduce_retracing=True)

    state, losses = model.zero_state(len(x)), []
    for t in range(0, x.shape[1], WINDOW):
        state = state if carry else model.zero_state(len(x))
        loss, state = one(
            tf.constant(x[:, t : t + WINDOW]), tf.constant(y[:, t : t + WINDOW]), state
        )
        losses.append(loss)
    return tf.stack(losses)


def _epoch_packed(model: Any, x: Array, y: Array, carry: bool) -> list[Any]:
    tf = _tf()
    zeros = np.zeros_like(pack_state([[p.numpy() for p in s] for s in model.zero_state(len(x))]))
    packed, losses = zeros, []
    for x_window, y_window in _reference_windows(x, y, WINDOW):
        with tf.GradientTape() as tape:
            logits, states = model(x_window, unpack_state(tf.constant(packed)))
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y_window, logits=logits)
            loss = tf.reduce_mean(each)
        model.update(tape.gradient(loss, model.trainable_variables))
        packed = pack_state(states).numpy() if carry else zeros
        losses.append(loss)
    return losses


def _epoch_stopped(model: Any, x: Array, y: Array, carry: bool) -> list[float]:
    stop = lambda state, zero, carry: _tf().nest.map_structure(  # noqa: E731
        _tf().stop_gradient, state if carry else zero
    )
    return _epoch(model, x, y, carry, start=stop)


def _one_loss_a_window(seen: Comparison) -> Difference | None:
    wanted, got = (np.shape(o.value["losses"]) for o in (seen.expected, seen.actual))
    if wanted == got:
        return None
    if len(got) != 1:
        return Difference(f"what came back has shape {got}, expected one number for each window")
    return Difference(f"there are {got[0]} losses, expected {wanted[0]}: one for each window")


def _one_update_a_window(seen: Comparison) -> Difference | None:
    wanted, got = (o.value["number of updates"] for o in (seen.expected, seen.actual))
    if wanted == got:
        return None
    return Difference(f"the weights were updated {got} times, expected {wanted}")


_CROSSES = "Read “What crosses an edge, and what does not” again."

RUN_EPOCH = Exercise(
    id="run_epoch",
    probe="echo_task:train",
    reference=_reference_run_epoch,
    cases=_epoch_cases,
    axes={
        "losses": ("windows",),
        "gradients": ("windows", "weights"),
        "weights": ("weights",),
    },
    tolerance=5e-4,
    aspects=(
        Aspect("one loss a window", 0.5, _one_loss_a_window),
        Aspect(
            "state carried, all of it",
            1.5,
            part("losses"),
            tags=frozenset({"frozen"}),
            without=frozenset({"reset"}),
            needs=("one loss a window",),
        ),
        Aspect(
            "state reset when asked",
            0.5,
            part("losses"),
            tags=frozenset({"frozen"}),
            without=frozenset({"carry"}),
            needs=("one loss a window",),
        ),
        Aspect("one update a window", 0.5, _one_update_a_window),
        Aspect(
            "no gradient through an edge",
            1.5,
            part("gradients"),
            tags=frozenset({"frozen"}),
            needs=("one update a window", "state carried, all of it"),
        ),
        Aspect(
            "losses and weights of a whole epoch",
            1.0,
            lambda seen: part("losses")(seen) or part("weights")(seen),
            tags=frozenset({"training"}),
            needs=("no gradient through an edge",),
        ),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("losses and weights of a whole epoch",),
        ),
    ),
    misconceptions=(
        Misconception(
            "always-reset",
            partial(_epoch, start=lambda state, zero, carry: zero),
            nudge="With carry=True, which state does your second window begin with?",
            pointer=_CROSSES,
            explanation="Every window of yours begins with zeros, whether `carry` is True or not: "
            "the state that a window returns is never used.",
        ),
        Misconception(
            "always-carried",
            partial(_epoch, start=lambda state, zero, carry: state),
            nudge="Where do you look at `carry`?",
            pointer=_CROSSES,
            explanation="You carry the state in any case. With carry=False every window begins "
            "with zeros.",
        ),
        Misconception(
            "carry-inverted",
            partial(_epoch, start=lambda state, zero, carry: zero if carry else state),
            nudge="Read your condition aloud: when is the state set to zero?",
            pointer=_CROSSES,
            explanation="You reset the state when it should be carried, and carry it when it "
            "should be reset.",
        ),
        Misconception(
            "gradient-through-windows",
            _one_tape_around,
            nudge="Where does your tape begin to record? What does it still know in the third "
            "window?",
            pointer=_CROSSES + " Then see “Where a tape ends”.",
            explanation="Your tape is open around the whole loop. So the gradient of each window "
            "flows through the carried state into all windows before it, and every window takes "
            "longer than the last.",
        ),
        Misconception(
            "one-tape-many-gradients",
            _one_tape_many_gradients,
            nudge="TensorFlow says that a tape gives its gradient only once. How many windows "
            "ask yours?",
            pointer="Read “Where a tape ends” again, and look at where the walker opens a tape.",
            explanation="There is one tape around the whole loop, and every window asks it for a "
            "gradient. Making it persistent would silence the error and let gradients through all "
            "edges; each window needs a tape of its own.",
        ),
        Misconception(
            "one-update-at-the-end",
            _one_update_at_the_end,
            nudge="How many updates does an epoch of 3 windows make? Yours makes how many?",
            pointer=_CROSSES + " Then see “Where a tape ends”.",
            explanation="You add up the losses and update once, at the end: that is one huge "
            "window, with gradients through all of it.",
        ),
        Misconception(
            "one-update-of-the-mean",
            partial(_one_update_at_the_end, mean=True),
            nudge="How many updates does an epoch of 3 windows make? Yours makes how many?",
            pointer=_CROSSES + " Then see “Where a tape ends”.",
            explanation="You average the losses and update once, at the end: that is one huge "
            "window, with gradients through all of it.",
        ),
        Misconception(
            "h-carried-c-not",
            partial(_epoch, start=_layers(lambda c, h, zeros: (zeros, h))),
            nudge="A layer's state has two parts. Which of them survive the edge?",
            pointer=_CROSSES,
            explanation="You carry h and start c from zeros. The output crosses the edge, the "
            "memory does not.",
        ),
        Misconception(
            "c-carried-h-not",
            partial(_epoch, start=_layers(lambda c, h, zeros: (c, zeros))),
            nudge="A layer's state has two parts. Which of them survive the edge?",
            pointer=_CROSSES,
            explanation="You carry c and start h from zeros, as the tutorial's program does.",
        ),
        Misconception(
            "c-and-h-exchanged",
            partial(_epoch, start=_layers(lambda c, h, zeros: (h, c))),
            nudge="In which order does an `LSTMStateTuple` hold its parts?",
            pointer="Read “The state in one array” again.",
            explanation="At every edge c and h change places.",
        ),
        Misconception(
            "top-layer-carried-only",
            partial(_epoch, start=_top_layer_only),
            nudge="How many layers does the check's model have? How many states do you carry?",
            pointer=_CROSSES,
            explanation="You carry the state of the top layer only; the layers below begin every "
            "window with zeros.",
        ),
        Misconception(
            "no-update",
            partial(_epoch, update=False),
            nudge="Your states are right. Do the weights ever change?",
            pointer="Read “Where a tape ends” again, and the table of what a model can do.",
            explanation="You compute the losses, but never update the weights.",
        ),
        Misconception(
            "updated-twice",
            _twice_updated,
            nudge="How often do you update for each window?",
            pointer="Read “Where a tape ends” again.",
            explanation="Every window updates the weights two times.",
        ),
        Misconception(
            "loss-after-the-update",
            partial(_epoch, report=lambda before, again: again),
            nudge="Which loss do you report: the one that was differentiated, or a new one?",
            pointer="The docstring of the exercise says which loss is returned.",
            explanation="You measure again after the update. The loss asked for is the one before.",
        ),
        Misconception(
            "loss-and-state-after-the-update",
            _again_after_the_update,
            nudge="How often do you run the network over each window? Which of the runs should go on?",
            pointer="The docstring of the exercise says which loss is returned.",
            explanation="You run every window again after the update, and take its loss and its state "
            "from there. Once is enough: both are there before the update.",
        ),
        Misconception(
            "loss-before-the-tape",
            _loss_before_the_tape,
            nudge="Print what the tape gives you. Was it open when the loss was computed?",
            pointer="Read “Where a tape ends” again.",
            explanation="The loss is computed before your tape is opened, so the tape has not seen it "
            "and gives no gradients.",
        ),
        Misconception(
            "nothing-returned",
            _nothing_returned,
            nudge="What does your function return when the loop is over?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="The network is trained as it should be, but the list of the losses is not "
            "returned.",
        ),
        Misconception(
            "last-window-dropped",
            partial(_epoch, cut=_rest_dropped),
            nudge="How many losses are there for 34 columns?",
            pointer=_CUT,
            explanation="The shorter window at the end is left out.",
        ),
        Misconception(
            "last-window-first",
            partial(_epoch, cut=_shuffled),
            nudge="In which order do your windows come?",
            pointer=_CUT,
            explanation="Your windows are not in the order of time, so the state that is carried "
            "belongs to another place of the series.",
        ),
        Misconception(
            "no-windows",
            _no_windows,
            nudge="How many columns does the network read at once?",
            pointer=_CUT,
            explanation="The whole series is one window: nothing is truncated, and there is one "
            "update an epoch.",
        ),
        Misconception(
            "mean-returned",
            _mean_loss,
            nudge="How many numbers should come back, and how many do?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="You return the mean of the losses. Asked for is the loss of every window.",
        ),
    ),
    nudge="Write down for the second window: which state does it begin with, and what has the tape "
    "seen when its gradient is asked for?",
    pointer="“What crosses an edge, and what does not” and “Where a tape ends”.",
    alternatives={
        "slices, a Keras optimizer": _epoch_by_slices,
        "a step in a graph": _epoch_in_graphs,
        "packed between windows": _epoch_packed,
        "stop_gradient besides": _epoch_stopped,
    },
)

SHOWN = (
    "cells/base_tf.py",
    "cells/gated.py",
    "cells/lstm.py",
    "cells/lstm_tf.py",
    "cells/state.py",
    "unroll/dynamic.py",
    "unroll/static.py",
    "plots/carrying.py",
)
"""What of ``course_lib`` a grading kernel shows: what the ordinary cells need, and no answer."""

EXERCISES = (
    MAKE_ECHO,
    WINDOWS,
    LOSS_FLOOR,
    PACK_STATE,
    UNPACK_STATE,
    REPAIR_TUTORIAL,
    RUN_EPOCH,
)
