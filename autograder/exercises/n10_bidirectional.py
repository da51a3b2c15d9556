"""N10: reading a sequence from both ends, one answer for the whole of it, and what that answer has read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.compare import Difference
from autograder.exercise import (
    Aspect,
    Case,
    Comparison,
    Exercise,
    Misconception,
    Test,
    inputs_unchanged,
    part,
    same_shape,
)

Array = np.ndarray
Rng = np.random.Generator
Cell = Callable[[Any, Any], tuple[Any, Any]]


def _tf() -> Any:
    """TensorFlow, imported when an exercise is judged that needs it."""
    from course_lib.quiet import tf

    return tf


def _lengths(rng: Rng, *lengths: int) -> Array:
    """The lengths in an order of the seed's own, as TensorFlow counts: int32."""
    return rng.permutation(np.array(lengths, np.int32))


def _draw(rng: Rng, *shape: int) -> Array:
    return rng.uniform(0.4, 1.5, size=shape) * rng.choice([-1.0, 1.0], size=shape)


def _steps(found: Array) -> str:
    steps = [str(t) for t in np.flatnonzero(found)]
    if not steps:
        return "no step at all"
    return f"step {steps[0]}" if len(steps) == 1 else f"steps {', '.join(steps)}"


def _reads(key: str, what: str) -> Test:
    """A test on the steps that something depends on, `(B, T)` or `(B, T, T)`, worded."""

    def test(seen: Comparison) -> Difference | None:
        wanted, got = seen.expected.value[key], seen.actual.value[key]
        if not isinstance(got, np.ndarray) or got.shape != wanted.shape:
            return Difference(f"{what} could not be examined: its shape is not as expected")
        for place in np.ndindex(wanted.shape[:-1]):
            if (wanted[place] != got[place]).any():
                where = f"sequence {place[0]}" + (f", step {place[1]}" if place[1:] else "")
                return Difference(
                    f"{what} depends, for {where}, on {_steps(got[place])} of the input; "
                    f"expected {_steps(wanted[place])}"
                )
        return None

    return test


# ------------------------------------------------------------------ reverse_sequences


def _reversed_in(kind: Callable[[Array, Any], Array]) -> Callable[..., Array]:
    """Every sequence replaced by ``kind(sequence, length)``."""

    def answer(x: Array, lengths: Array) -> Array:
        return np.stack([kind(row, n) for row, n in zip(x, lengths, strict=True)])

    return answer


def _turned(row: Array, n: Any) -> Array:
    return np.concatenate([row[:n][::-1], row[n:]])


def _turned_in_place(x: Array, lengths: Array) -> Array:
    for b, n in enumerate(lengths):
        x[b, :n] = x[b, :n][::-1].copy()
    return x


def _reference_reverse(x: Array, lengths: Array) -> Any:
    from course_lib.unroll.bidirectional import reverse_sequences

    return reverse_sequences(x, lengths)


def _turned_by_index(x: Array, lengths: Array) -> Array:
    steps = np.arange(x.shape[1])[None, :]
    ends = lengths[:, None]
    source = np.where(steps < ends, ends - 1 - steps, steps)
    return np.take_along_axis(x, source[:, :, None], axis=1)


def _turned_by_loops(x: Array, lengths: Array) -> list[list[list[float]]]:
    result = x.tolist()
    for b, n in enumerate(lengths):
        for t in range(n):
            result[b][t] = x[b, n - 1 - t].tolist()
    return result


def _turned_as_one_length(pick: Callable[[Array], Any]) -> Callable[..., Array]:
    return lambda x, lengths: _reversed_in(_turned)(x, np.full(len(x), pick(lengths)))


def _turned_from_a_start_before_the_first(row: Array, n: Any) -> Array:
    """``row[n - 1 :: -1]`` begins at the last step of the row when n is 0."""
    result = row.copy()
    result[:n] = row[n - 1 :: -1]
    return result


def _turned_with_features(row: Array, n: Any) -> Array:
    return np.concatenate([np.flip(row[:n]), row[n:]])


def _turned_over_what_is_written(row: Array, n: Any) -> Array:
    result = row.copy()
    for t in range(n):
        result[t] = result[n - 1 - t]
    return result


def _turned_from_one_behind(row: Array, n: Any) -> Array:
    result = row.copy()
    for t in range(n):
        result[t] = row[n - t]
    return result


def _turned_one_late(row: Array, n: Any) -> Array:
    return _turned(row, min(int(n) + 1, len(row)))


def _turned_one_early(row: Array, n: Any) -> Array:
    return _turned(row, max(int(n) - 1, 0))


def _reverse_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, D: int, lengths: Array) -> Case:
        tags = frozenset() if lengths.all() else frozenset({"empty"})
        return Case(name, (_draw(rng, B, T, D), lengths), tags or frozenset({"read"}))

    def longest_last(*lengths: int) -> Array:
        return np.append(_lengths(rng, *lengths[:-1]), np.int32(lengths[-1]))

    return [
        case("lengths that differ", 3, 5, 2, longest_last(2, 3, 5)),
        case("every sequence shorter than T", 4, 6, 3, longest_last(2, 3, 4, 5)),
        case("as many sequences as steps and features", 4, 4, 4, _lengths(rng, 2, 4, 1, 3)),
        case("an empty sequence", 2, 3, 2, _lengths(rng, 0, 3)),
        case("a batch of one", 1, 5, 2, _lengths(rng, int(rng.integers(3, 5)))),
        case("one time step", 3, 1, 2, _lengths(rng, 1, 1, 1)),
    ]


_REVERSE_TEXT = "Read “Backwards, but from where?” again, with its picture."

REVERSE_SEQUENCES = Exercise(
    id="reverse_sequences",
    probe="calls:call",
    reference=_reference_reverse,
    cases=_reverse_cases,
    axes=("batch", "time", "features"),
    aspects=(
        Aspect("shape", 0.5, same_shape, tags=frozenset({"read"})),
        Aspect("values", 1.5, tags=frozenset({"read"}), needs=("shape",)),
        Aspect("a sequence of length 0", 0.5, tags=frozenset({"empty"}), needs=("values",)),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("values",)),
    ),
    misconceptions=(
        Misconception(
            "padding-reversed-too",
            lambda x, lengths: x[:, ::-1],
            nudge="You never look at `lengths`. What stands at step 0 of a short sequence now?",
            pointer=_REVERSE_TEXT,
            explanation="You turn whole rows around, padding included: a short sequence now begins "
            "with its padding. Each one has to be turned within its own length.",
        ),
        Misconception(
            "batch-axis-reversed",
            lambda x, lengths: x[::-1],
            nudge="Which sequence stands in row 0 of your result?",
            pointer=_REVERSE_TEXT,
            explanation="You reverse the order of the sequences, not the order of the steps in each.",
        ),
        Misconception(
            "features-reversed",
            lambda x, lengths: x[:, :, ::-1],
            nudge="Say the names of the three axes in order. Along which one do you turn?",
            pointer=_REVERSE_TEXT,
            explanation="You reverse the features of each step. Time is the axis before.",
        ),
        Misconception(
            "batch-and-time-reversed",
            lambda x, lengths: x[::-1, ::-1],
            nudge="Which sequence stands in row 0 of your result, and with what does it begin?",
            pointer=_REVERSE_TEXT,
            explanation="You reverse both batch and time, and whole rows at that.",
        ),
        Misconception(
            "nothing-reversed",
            lambda x, lengths: np.array(x),
            nudge="Compare the result with `x`. Did anything move?",
            pointer=_REVERSE_TEXT,
            explanation="The result is `x` as it was: nothing is turned, or everything twice (as when "
            "every step, and not only the first half of them, changes places with its partner).",
        ),
        Misconception(
            "empty-sequence-read-from-its-end",
            _reversed_in(_turned_from_a_start_before_the_first),
            nudge="Where does a slice begin that starts at step n - 1, when n is 0?",
            pointer="The docstring says which lengths there are.",
            explanation="Step n - 1 of an empty sequence is step -1, and NumPy counts that from the "
            "end: you get the whole row. All other lengths are right.",
        ),
        Misconception(
            "features-turned-as-well",
            _reversed_in(_turned_with_features),
            nudge="Look at a single step of your result. Are its features in the order that they had?",
            pointer="Look up what `np.flip` does when it is told no axis.",
            explanation="You turn the steps around, and the features of each step as well.",
        ),
        Misconception(
            "written-over-while-reading",
            _reversed_in(_turned_over_what_is_written),
            nudge="From which array do you read the second half, and what has become of it by then?",
            pointer=_REVERSE_TEXT,
            explanation="You read from the array that you are writing into: in the second half stand "
            "steps that you have already replaced.",
        ),
        Misconception(
            "counted-from-one-behind",
            _reversed_in(_turned_from_one_behind),
            nudge="A sequence has length 3. From which step does step 0 of the result come?",
            pointer="Open “Stuck? Two questions” above the exercise.",
            explanation="Step 0 of the result comes from a step behind the sequence's end: steps are "
            "counted from 0, so the last of n steps is not number n.",
        ),
        Misconception(
            "in-place",
            _turned_in_place,
            nudge="The values are right. What has become of the `x` that you were given?",
            pointer="The docstring says what must happen to `x`.",
            explanation="You turn the sequences around inside `x` itself, so whoever gave it to "
            "you has lost the original.",
        ),
        Misconception(
            "one-step-too-many",
            _reversed_in(_turned_one_late),
            nudge="A sequence has length 2. What stands at steps 0, 1 and 2 of your result?",
            pointer=_REVERSE_TEXT,
            explanation="One step of padding takes part in the turn.",
        ),
        Misconception(
            "one-step-too-few",
            _reversed_in(_turned_one_early),
            nudge="A sequence has length 2. What stands at steps 0 and 1 of your result?",
            pointer=_REVERSE_TEXT,
            explanation="The last real step stays where it was.",
        ),
        Misconception(
            "padding-zeroed",
            _reversed_in(lambda row, n: np.concatenate([row[:n][::-1], 0 * row[n:]])),
            nudge="What happens to the steps from `lengths[b]` on?",
            pointer="The docstring says what stands in the padding.",
            explanation="The sequences are right, but you write zeros into the padding. It should "
            "stay as it is.",
        ),
        Misconception(
            "only-padding-reversed",
            _reversed_in(lambda row, n: np.concatenate([row[:n], row[n:][::-1]])),
            nudge="Which part of each row do you turn around?",
            pointer=_REVERSE_TEXT,
            explanation="You turn the padding around and leave the sequence.",
        ),
        Misconception(
            "both-parts-reversed",
            _reversed_in(lambda row, n: np.concatenate([row[:n][::-1], row[n:][::-1]])),
            nudge="Your sequences are right. Look at the padding of a short one.",
            pointer="The docstring says what stands in the padding.",
            explanation="You turn the padding around as well. Each step of it should stay where "
            "it is.",
        ),
        Misconception(
            "everyone-the-longest",
            _turned_as_one_length(np.max),
            nudge="Do you use one length for all sequences, or each one's own?",
            pointer=_REVERSE_TEXT,
            explanation="You turn every sequence within the longest one's length.",
        ),
        Misconception(
            "everyone-the-first",
            _turned_as_one_length(lambda lengths: lengths[0]),
            nudge="Do you use one length for all sequences, or each one's own?",
            pointer=_REVERSE_TEXT,
            explanation="You turn every sequence within the first one's length.",
        ),
    ),
    nudge="Take a sequence of length 3 in a row of 5. From which step does each of the five steps of "
    "your result come?",
    pointer=_REVERSE_TEXT,
    alternatives={
        "tf.reverse_sequence": lambda x, n: _tf().reverse_sequence(x, n, seq_axis=1, batch_axis=0),
        "take_along_axis": _turned_by_index,
        "loops, lists": _turned_by_loops,
        "row by row": _reversed_in(_turned),
    },
)

# ---------------------------------------------------------------------- bidirectional


def _unrolled(cell: Any, x: Any, lengths: Any) -> Any:
    from course_lib.unroll.dynamic import dynamic_rnn

    return dynamic_rnn(cell, x, sequence_length=lengths)[0]


def _reference_both(fw: Cell, bw: Cell, x: Any, lengths: Any) -> Any:
    from course_lib.unroll.bidirectional import bidirectional_dynamic_rnn

    return bidirectional_dynamic_rnn(fw, bw, x, sequence_length=lengths)[0]


def _flip(x: Any, lengths: Any) -> Any:
    return _tf().reverse_sequence(x, lengths, seq_axis=1, batch_axis=0)


def _flip_all(x: Any, lengths: Any) -> Any:
    return _tf().reverse(x, [1])


def _as_it_is(x: Any, lengths: Any) -> Any:
    return x


def _both_bent(
    *,
    there: Callable[[Any, Any], Any] = _flip,
    back: Callable[[Any, Any], Any] = _flip,
    cells: Callable[[Cell, Cell], tuple[Cell, Cell]] = lambda a, b: (a, b),
    fw_lengths: bool = True,
    bw_lengths: bool = True,
    result: Callable[[Any, Any], Any] = lambda a, b: (a, b),
) -> Callable[..., Any]:
    """Two directions; each argument bends one thing."""

    def answer(fw: Cell, bw: Cell, x: Any, lengths: Any) -> Any:
        first, second = cells(fw, bw)
        outputs_fw = _unrolled(first, x, lengths if fw_lengths else None)
        outputs_bw = _unrolled(second, there(x, lengths), lengths if bw_lengths else None)
        return result(outputs_fw, back(outputs_bw, lengths))

    return answer


def _both_stacked(fw: Cell, bw: Cell, x: Any, lengths: Any) -> Any:
    below = _unrolled(fw, x, lengths)
    return below, _flip(_unrolled(bw, _flip(below, lengths), lengths), lengths)


def _both_with_states(fw: Cell, bw: Cell, x: Any, lengths: Any) -> Any:
    from course_lib.unroll.dynamic import dynamic_rnn

    return (
        dynamic_rnn(fw, x, sequence_length=lengths),
        dynamic_rnn(bw, _flip(x, lengths), sequence_length=lengths),
    )


def _both_masked_afterwards(fw: Cell, bw: Cell, x: Any, lengths: Any) -> Any:
    """From the box's last column down, padding and all; what came out in the padding is wiped."""
    inside = (np.arange(x.shape[1]) < np.asarray(lengths)[:, None])[:, :, None]
    outputs_bw = _flip_all(_unrolled(bw, _flip_all(x, lengths), None), lengths)
    return _unrolled(fw, x, lengths), outputs_bw * inside.astype(np.float32)


def _both_by_sequence(fw: Any, bw: Any, x: Any, lengths: Any) -> Any:
    def run(cell: Any, steps: range, T: int, row: Array) -> Array:
        state = cell.zero_state(1)
        found: dict[int, Array] = {}
        for t in steps:
            output, state = cell(row[None, t], state)
            found[t] = np.asarray(output)[0]
        units = state.shape[1]
        return np.array([found.get(t, np.zeros(units)) for t in range(T)])

    T = x.shape[1]
    forward = [run(fw, range(n), T, row) for row, n in zip(x, lengths, strict=True)]
    backward = [run(bw, range(n - 1, -1, -1), T, row) for row, n in zip(x, lengths, strict=True)]
    return np.stack(forward), np.stack(backward)


def _both_by_masks(fw: Any, bw: Any, x: Any, lengths: Any) -> Any:
    tf = _tf()
    B, T = len(x), x.shape[1]
    results = []
    for cell, order in ((fw, range(T)), (bw, reversed(range(T)))):
        state, outputs = cell.zero_state(B), [None] * T
        for t in order:
            alive = (t < np.asarray(lengths))[:, None]
            output, new = cell(x[:, t], state)
            state = tf.where(alive, new, state)
            outputs[t] = tf.where(alive, output, 0.0)
        results.append(tf.stack(outputs, axis=1))
    return results


def _mill(rng: Rng, D: int, H: int) -> dict[str, Any]:
    return {
        "into": _draw(rng, D, H) / np.sqrt(min(D, 4)),
        "bias": _draw(rng, H) / 2,
        "keep": float(rng.uniform(0.5, 0.8)),
        "gain": float(rng.uniform(1.4, 2.0)),
    }


def _both_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, D: int, H: tuple[int, int], *lengths: int) -> Case:
        x = _draw(rng, B, T, D).astype(np.float32)
        return Case(name, (x, _lengths(rng, *lengths), *(_mill(rng, D, h) for h in H)))

    return [
        case("lengths that differ", 3, 5, 2, (4, 6), 5, 2, 3),
        case("every sequence shorter than T, D = H", 3, 4, 3, (3, 3), 1, 2, 3),
        case("a batch of one", 1, 4, 3, (2, 5), 4),
        case("one time step", 2, 1, 3, (4, 2), 1, 1),
    ]


_BOTH_TEXT = "Read “Two readers” again."

BIDIRECTIONAL = Exercise(
    id="bidirectional",
    probe="both_ways:both",
    reference=_reference_both,
    cases=_both_cases,
    axes={
        "forward": ("batch", "time", "hidden"),
        "backward": ("batch", "time", "hidden"),
    },
    aspects=(
        Aspect("forward outputs", 0.5, part("forward")),
        Aspect(
            "backward outputs: which steps they depend on",
            2.0,
            _reads("backward reads", "the backward output"),
            needs=("forward outputs",),
        ),
        Aspect(
            "backward outputs",
            1.0,
            part("backward"),
            needs=("backward outputs: which steps they depend on",),
        ),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("backward outputs",)),
    ),
    misconceptions=(
        Misconception(
            "outputs-not-turned-back",
            _both_bent(back=_as_it_is),
            nudge="At which step of the input was the backward reader when it made `outputs_bw[:, 0]`?",
            pointer="Read “Turned twice” again, and do its pen-and-paper question.",
            explanation="You turn the input around, but not the outputs. They come in the order in "
            "which the backward reader reads, not in the order of time.",
        ),
        Misconception(
            "input-not-turned",
            _both_bent(there=_as_it_is),
            nudge="In which direction does your second cell read? Which step does it see first?",
            pointer="Read “Turned twice” again.",
            explanation="The second cell reads forwards, and its outputs are turned around "
            "afterwards. Then output 0 has read everything, but ends with the wrong step.",
        ),
        Misconception(
            "both-forwards",
            _both_bent(there=_as_it_is, back=_as_it_is),
            nudge="In which direction does your second cell read? Which step does it see first?",
            pointer=_BOTH_TEXT,
            explanation="Both cells read forwards. The second one should begin at the end.",
        ),
        Misconception(
            "padding-read-first",
            _both_bent(there=_flip_all, back=_flip_all),
            nudge="What does the backward reader see first in a sequence that is shorter than T?",
            pointer="Read “Backwards, but from where?” again.",
            explanation="You turn whole rows around, so the backward reader begins in the padding "
            "of every short sequence (and stops before it has read all).",
        ),
        Misconception(
            "padding-read-first-without-lengths",
            _both_bent(there=_flip_all, back=_flip_all, bw_lengths=False),
            nudge="What does the backward reader see first in a sequence that is shorter than T?",
            pointer="Read “Backwards, but from where?” again.",
            explanation="You turn whole rows around and run over all of T, so the backward reader "
            "reads the padding of every short sequence before anything else.",
        ),
        Misconception(
            "padding-read-first-and-wiped",
            _both_masked_afterwards,
            nudge="What is in the backward reader's memory when it comes to the last step of a short "
            "sequence?",
            pointer="Read “Backwards, but from where?” again.",
            explanation="Your outputs in the padding are zero, but the reader has been there: it "
            "begins at the last column of the box, and remembers the padding when it comes to the "
            "sequence.",
        ),
        Misconception(
            "padding-read-first-and-not-turned-back",
            _both_bent(there=_flip_all, back=_as_it_is),
            nudge="Two things to look at. What does the backward reader see first in a short "
            "sequence? And to which step does its first output belong?",
            pointer="Read “Backwards, but from where?” again, and then “Turned twice”.",
            explanation="You turn whole rows around, so short sequences begin with their padding; and "
            "the outputs stay in the order in which they were read.",
        ),
        Misconception(
            "turned-back-as-whole-rows",
            _both_bent(back=_flip_all),
            nudge="You turn twice. Do you turn in the same way both times?",
            pointer="Read “Turned twice” again.",
            explanation="You turn the input within each length, and the outputs as whole rows. Short "
            "sequences end up at the wrong end of their rows.",
        ),
        Misconception(
            "turned-there-as-whole-rows",
            _both_bent(there=_flip_all),
            nudge="You turn twice. Do you turn in the same way both times?",
            pointer="Read “Turned twice” again.",
            explanation="You turn the input as whole rows, and the outputs within each length. The "
            "backward reader begins in the padding.",
        ),
        Misconception(
            "one-cell-for-both",
            _both_bent(cells=lambda a, b: (a, a)),
            nudge="How many cells were you given, and how many do you use?",
            pointer=_BOTH_TEXT,
            explanation="The forward cell reads in both directions. The two readers have weights of "
            "their own.",
        ),
        Misconception(
            "backward-cell-for-both",
            _both_bent(cells=lambda a, b: (b, b)),
            nudge="How many cells were you given, and how many do you use?",
            pointer=_BOTH_TEXT,
            explanation="The backward cell reads in both directions. The two readers have weights "
            "of their own.",
        ),
        Misconception(
            "cells-exchanged",
            _both_bent(cells=lambda a, b: (b, a)),
            nudge="Which of the two cells reads forwards?",
            pointer=_BOTH_TEXT,
            explanation="The cell `bw` reads forwards and `fw` backwards.",
        ),
        Misconception(
            "results-exchanged",
            _both_bent(result=lambda a, b: (b, a)),
            nudge="Which of your two results comes first?",
            pointer="The docstring of the exercise says in which order.",
            explanation="You return the backward outputs first.",
        ),
        Misconception(
            "joined",
            _both_bent(result=lambda a, b: _tf().concat([a, b], axis=2)),
            nudge="How many results should come back?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="You join both outputs into one array. Here they come back apart.",
        ),
        Misconception(
            "states-left-in",
            _both_with_states,
            nudge="How many things does `dynamic_rnn` give back?",
            pointer="Read the line of code above the exercise again.",
            explanation="You return what `dynamic_rnn` gives, outputs together with a last state, and "
            "the backward outputs in the order in which they were read. Take the outputs alone, and "
            "turn the backward ones back.",
        ),
        Misconception(
            "one-on-top-of-the-other",
            _both_stacked,
            nudge="What does your backward cell read: x, or what the forward cell has made of it?",
            pointer=_BOTH_TEXT,
            explanation="The backward cell reads the forward cell's outputs. That is a stack; here "
            "both read x.",
        ),
        Misconception(
            "backward-runs-past-the-end",
            _both_bent(bw_lengths=False),
            nudge="What are your outputs in the padding?",
            pointer="The docstring says what stands past a sequence's end.",
            explanation="The backward cell runs without lengths, and so on through the padding.",
        ),
        Misconception(
            "both-run-past-the-end",
            _both_bent(fw_lengths=False, bw_lengths=False),
            nudge="What are your outputs in the padding?",
            pointer="The docstring says what stands past a sequence's end.",
            explanation="Both cells run without lengths, and so on through the padding.",
        ),
    ),
    nudge="Write down for a sequence of three steps which of them `outputs_bw[:, 0]` should have read, "
    "and which of them yours has.",
    pointer=_BOTH_TEXT,
    alternatives={
        "turn, run, turn": _both_bent(),
        "each sequence by itself": _both_by_sequence,
        "a loop from the end, masked": _both_by_masks,
    },
)

# ------------------------------------------------------------------------- depends_on


def _reference_depends(f: Any, x: Any) -> Any:
    from course_lib.dependence import depends_on

    return depends_on(f, x)


def _depends_bent(
    *,
    change: Callable[[Array, int], None] | None = None,
    restore: bool = True,
    moved: Callable[[Array, Array], Array] = lambda a, b: (np.abs(a - b) > 1e-9).any(axis=1),
    result: Callable[[Array], Any] = lambda columns: columns.T,
) -> Callable[..., Any]:
    """Change one step after the other; each argument bends one thing."""

    def answer(f: Any, x: Array) -> Any:
        before, columns, changed = f(x), [], x.copy()
        for t in range(x.shape[1]):
            if restore:
                changed = x.copy()
            if change is None:
                changed[:, t] += 1.0
            else:
                change(changed, t)
            columns.append(moved(f(changed), before))
        return result(np.array(columns))

    return answer


def _raise_one_feature(x: Array, t: int) -> None:
    x[:, t, 0] += 1.0


def _raise_one_sequence(x: Array, t: int) -> None:
    x[0, t] += 1.0


def _blank(x: Array, t: int) -> None:
    x[:, t] = 0.0


def _set_to_one(x: Array, t: int) -> None:
    x[:, t] = 1.0


def _cut_off(x: Array, t: int) -> None:
    x[:, t:] = 0.0


def _depends_in_place(f: Any, x: Array) -> Array:
    found = np.zeros(x.shape[:2], bool)
    before = f(x)
    for t in range(x.shape[1]):
        x[:, t] += 1.0
        found[:, t] = (np.abs(f(x) - before) > 1e-9).any(axis=1)
        x[:, t] -= 1.0
    x += 1e-3  # what rounding leaves behind, made visible for every seed
    return found


def _depends_on_the_trial_before(f: Any, x: Array) -> Array:
    before, columns = f(x), []
    for t in range(x.shape[1]):
        changed = x.copy()
        changed[:, t] += 1.0
        now = f(changed)
        columns.append((np.abs(now - before) > 1e-9).any(axis=1))
        before = now
    return np.stack(columns, axis=1)


def _depends_one_sequence_at_a_time(f: Any, x: Array) -> Array:
    return np.concatenate([_depends_bent()(f, row[None]) for row in x])


def _depends_pile_up_in_x(f: Any, x: Array) -> Array:
    before, found = f(x), np.zeros(x.shape[:2], bool)
    for t in range(x.shape[1]):
        x[:, t] += 1.0
        found[:, t] = (np.abs(f(x) - before) > 1e-9).any(axis=1)
    return found


def _depends_entry_by_entry(f: Any, x: Array) -> list[list[bool]]:
    B, T, D = x.shape
    before = np.array(f(x))
    found = [[False] * T for _ in range(B)]
    for b in range(B):
        for t in range(T):
            for d in range(D):
                changed = x.copy()
                changed[b, t, d] -= 2.0
                found[b][t] |= bool(np.abs(f(changed)[b] - before[b]).max() > 1e-9)
    return found


def _depends_from_a_list(f: Any, x: Array) -> Array:
    steps = np.eye(x.shape[1])[:, None, :, None]
    results = np.array([f(trial) for trial in x[None] + 3.0 * steps])
    return np.einsum("tbh->bt", np.abs(results - f(x)) > 1e-9)


def _depends_in_tensorflow(f: Any, x: Array) -> Any:
    tf = _tf()
    before = f(x)
    columns = []
    for t in range(x.shape[1]):
        here = tf.one_hot(t, x.shape[1], dtype=tf.float64)[None, :, None]
        columns.append(tf.reduce_any(f(tf.constant(x) + here) != before, axis=1))
    return tf.stack(columns, axis=1)


def _depends_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, D: int, H: int, used: Array) -> Case:
        weights = rng.uniform(0.4, 1.0, (B, T, D, H)) * rng.choice([-1.0, 1.0], (B, T, 1, H))
        weights *= used[:, :, None, None]
        for b, t in np.argwhere(used):  # each step may be read in a way of its own
            way = (b + t) % 4
            if way == 0:  # by the last output alone, which rises with the input
                weights[b, t, :, :-1] = 0.0
                weights[b, t] = np.abs(weights[b, t])
            elif way == 1:  # by the first output alone, which falls
                weights[b, t, :, 1:] = 0.0
                weights[b, t] = -np.abs(weights[b, t])
            elif way == 2:  # through the last feature alone, by all outputs, which rise
                weights[b, t, :-1] = 0.0
                weights[b, t] = np.abs(weights[b, t])
        return Case(name, (_draw(rng, B, T, D), weights))

    def fixed_in_x(B: int, T: int, D: int, H: int) -> Case:
        """Steps that are zero, as padding is, or one, and are read all the same."""
        name = "steps that are zero or one, and read"
        x, weights = case(name, B, T, D, H, np.ones((B, T), bool)).inputs
        start = rng.integers(T, size=B)
        x[np.arange(B), start] = 0.0
        x[np.arange(B), (start + 1) % T] = 1.0
        return Case(name, (x, weights))

    def against_each_other(B: int, T: int, D: int) -> Case:
        """Of two outputs one rises by as much as the other one falls."""
        weights = rng.uniform(0.4, 1.0, (B, T, D, 1)) * some(B, T)[:, :, None, None]
        both = np.concatenate([weights, -weights], axis=3)
        return Case("outputs that move against each other", (_draw(rng, B, T, D), both))

    def weakly(B: int, T: int, D: int, H: int) -> Case:
        """One step of each sequence moves the outputs by 3e-6, which are 0.66: little, but some."""
        x = _draw(rng, B, T, D)
        weights = np.repeat(8.0 / ((T - 1) * D) / x[:, :, :, None], H, axis=3)
        weights[np.arange(B), rng.integers(T, size=B)] = 5e-5 / D
        return Case("steps that have little influence", (x, weights))

    def some(B: int, T: int) -> Array:
        """Of each sequence some steps, never all and never none, and each row another."""
        used = np.zeros((B, T), bool)
        start = int(rng.integers(T))
        for b in range(B):
            used[b, [(start + b) % T, (start + b + 2) % T]] = True
        return used

    last = np.zeros((2, 4), bool)
    last[:, -1] = True
    return [
        case("functions that read some steps", 3, 5, 2, 4, some(3, 5)),
        case("as many sequences as steps, features and outputs", 4, 4, 4, 4, some(4, 4)),
        case("a function that reads everything", 2, 3, 3, 2, np.ones((2, 3), bool)),
        case("a function that reads the last step only", 2, 4, 3, 2, last),
        case("a batch of one", 1, 6, 2, 3, some(1, 6)),
        fixed_in_x(2, 4, 3, 2),
        against_each_other(3, 5, 2),
        weakly(3, 4, 2, 3),
    ]


_DEPENDS_TEXT = "Read “Who has read what?” again."

DEPENDS_ON = Exercise(
    id="depends_on",
    probe="both_ways:reading",
    reference=_reference_depends,
    cases=_depends_cases,
    axes=("batch", "time"),
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("values", 2.0, needs=("shape",)),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("values",)),
    ),
    misconceptions=(
        Misconception(
            "changes-pile-up",
            _depends_bent(restore=False),
            nudge="When you try step 3, what has become of the steps 0, 1 and 2?",
            pointer=_DEPENDS_TEXT,
            explanation="Your changes pile up: after the first step that matters, all later ones "
            "seem to. Each trial has to begin with the original x.",
        ),
        Misconception(
            "changes-pile-up-in-x",
            _depends_pile_up_in_x,
            nudge="When you try step 3, what has become of the steps 0, 1 and 2? And of the x that "
            "you were given?",
            pointer=_DEPENDS_TEXT,
            explanation="You change x itself, and your changes pile up: after the first step that "
            "matters, all later ones seem to. Each trial needs a fresh copy.",
        ),
        Misconception(
            "everything-from-here-on",
            _depends_bent(change=_cut_off),
            nudge="How many steps do you change in one trial?",
            pointer=_DEPENDS_TEXT,
            explanation="You change a step and all after it, so you cannot tell which of them "
            "mattered. Change one at a time.",
        ),
        Misconception(
            "one-feature-changed",
            _depends_bent(change=_raise_one_feature),
            nudge="A step has D numbers. How many of them do you change?",
            pointer=_DEPENDS_TEXT,
            explanation="You change the first feature only. A function may read a step through "
            "another one.",
        ),
        Misconception(
            "one-sequence-changed",
            _depends_bent(change=_raise_one_sequence),
            nudge="In which rows of the batch do you change something?",
            pointer=_DEPENDS_TEXT,
            explanation="You change the first sequence only, so nothing moves in the other rows.",
        ),
        Misconception(
            "step-set-to-zero",
            _depends_bent(change=_blank),
            nudge="What have you changed where x was zero to begin with?",
            pointer="The docstring says how large a change is large enough.",
            explanation="You set steps to zero, or multiply them. One that is zero already (padding "
            "often is) stays as it was, and seems not to matter.",
        ),
        Misconception(
            "step-set-to-one",
            _depends_bent(change=_set_to_one),
            nudge="What have you changed where x was 1 to begin with?",
            pointer="The docstring says how large a change is large enough.",
            explanation="You put a number of your own in the place of each step. A step that holds "
            "just that number stays as it was, and seems not to matter. Change what stands there.",
        ),
        Misconception(
            "compared-with-the-trial-before",
            _depends_on_the_trial_before,
            nudge="With which result do you compare the result of the third trial?",
            pointer=_DEPENDS_TEXT,
            explanation="You compare each trial with the one before it, in which another step was "
            "changed. Compare each with f of the untouched x.",
        ),
        Misconception(
            "one-sequence-at-a-time",
            _depends_one_sequence_at_a_time,
            nudge="What does the docstring say about how f wants to be called?",
            pointer="The docstring says what f takes.",
            explanation="You call f with one sequence at a time. It takes the whole batch; that each "
            "row of the result depends on its own sequence only lets you change all of them at once.",
        ),
        Misconception(
            "one-answer-for-the-whole-batch",
            _depends_bent(
                moved=lambda a, b: np.full(len(a), (np.abs(a - b) > 1e-9).any()),
            ),
            nudge="Do all your rows look the same? Should they?",
            pointer="The docstring says what each entry of the result means.",
            explanation="You ask whether anything in the batch has moved. Ask it of each row.",
        ),
        Misconception(
            "every-output-must-move",
            _depends_bent(moved=lambda a, b: (np.abs(a - b) > 1e-9).all(axis=1)),
            nudge="f gives H numbers a sequence. How many of them have to move?",
            pointer=_DEPENDS_TEXT,
            explanation="You ask for all outputs of a row to move. One is enough.",
        ),
        Misconception(
            "first-output-only",
            _depends_bent(moved=lambda a, b: np.abs(a - b)[:, 0] > 1e-9),
            nudge="f gives H numbers a sequence. How many of them do you look at?",
            pointer=_DEPENDS_TEXT,
            explanation="You look at the first output only.",
        ),
        Misconception(
            "changes-cancel",
            _depends_bent(moved=lambda a, b: np.abs((a - b).sum(axis=1)) > 1e-9),
            nudge="One output rises by 1, another one falls by 1. What does your comparison see?",
            pointer=_DEPENDS_TEXT,
            explanation="You add the changes up before you look at them, and a rise and a fall cancel. "
            "Take their sizes first.",
        ),
        Misconception(
            "weak-influence-overlooked",
            _depends_bent(moved=lambda a, b: ~np.isclose(a, b).all(axis=1)),
            nudge="From what difference on do `np.isclose` and `np.allclose` notice something?",
            pointer="The docstring says what has not moved.",
            explanation="You compare with a tolerance that is relative to the size of the outputs, as "
            "`np.isclose` and `np.allclose` do. What moves by little has moved.",
        ),
        Misconception(
            "only-rises-count",
            _depends_bent(moved=lambda a, b: (a - b > 1e-9).any(axis=1)),
            nudge="An output may rise or fall. Do you notice both?",
            pointer=_DEPENDS_TEXT,
            explanation="You notice only outputs that rise. Compare without the sign.",
        ),
        Misconception(
            "inverted",
            _depends_bent(moved=lambda a, b: (np.abs(a - b) <= 1e-9).all(axis=1)),
            nudge="What does True stand for in your result?",
            pointer="The docstring says what each entry of the result means.",
            explanation="Your result is inverted: it marks the steps that do not matter.",
        ),
        Misconception(
            "time-by-batch",
            _depends_bent(result=lambda columns: columns),
            nudge="Which axis of your result counts the steps?",
            pointer="The docstring says what shape the result has.",
            explanation="Your result is (T, B). The batch comes first.",
        ),
        Misconception(
            "sizes-returned",
            _depends_bent(moved=lambda a, b: np.abs(a - b).max(axis=1)),
            nudge="Should an entry say how much, or whether?",
            pointer="The docstring says what each entry of the result means.",
            explanation="You return how far the outputs move. Asked for is whether they do.",
        ),
        Misconception(
            "x-not-left-as-it-was",
            _depends_in_place,
            nudge="Add 1 to 0.1 and take it away again. Is the result exactly 0.1?",
            pointer="The docstring says what must happen to `x`.",
            explanation="You change `x` itself, and afterwards it is no longer exactly what it was. "
            "Work on copies.",
        ),
    ),
    nudge="What do you compare with what, and what is different between the two calls of f?",
    pointer=_DEPENDS_TEXT,
    alternatives={
        "add one to a step": _depends_bent(),
        "all trials in advance": _depends_from_a_list,
        "entry by entry": _depends_entry_by_entry,
        "TensorFlow": _depends_in_tensorflow,
    },
)

# ------------------------------------------------------------------------ many_to_one


def _reference_one(outputs_fw: Any, outputs_bw: Any, lengths: Any) -> Any:
    from course_lib.unroll.bidirectional import many_to_one

    return many_to_one(outputs_fw, outputs_bw, lengths)


def _at_end(outputs: Any, lengths: Any) -> Array:
    return np.asarray(outputs)[np.arange(len(lengths)), np.asarray(lengths) - 1]


def _first(outputs: Any, lengths: Any) -> Array:
    return np.asarray(outputs)[:, 0]


def _column_last(outputs: Any, lengths: Any) -> Array:
    return np.asarray(outputs)[:, -1]


def _mean_all(outputs: Any, lengths: Any) -> Array:
    mean: Array = np.asarray(outputs).mean(axis=1)
    return mean


def _from_the_right(outputs: Any, lengths: Any) -> Array:
    array = np.asarray(outputs)
    return array[np.arange(len(lengths)), array.shape[1] - np.asarray(lengths)]


def _mean_inside(outputs: Any, lengths: Any) -> Array:
    total: Array = np.asarray(outputs).sum(axis=1)
    return total / np.asarray(lengths)[:, None]


def _one_past(outputs: Any, lengths: Any) -> Array:
    return np.asarray(outputs)[np.arange(len(lengths)), lengths]


def _one_past_in_tensorflow(outputs: Any, lengths: Any) -> Array:
    return np.asarray(_tf().gather(outputs, lengths, axis=1, batch_dims=1))


def _one_early(outputs: Any, lengths: Any) -> Array:
    return np.asarray(outputs)[np.arange(len(lengths)), np.asarray(lengths) - 2]


Pick = Callable[[Any, Any], Array]


def _one_bent(
    fw: Pick = _at_end,
    bw: Pick = _first,
    join: Callable[[Array, Array], Any] = lambda f, b: np.concatenate([f, b], axis=1),
) -> Callable[..., Any]:
    """A vector from both directions, each picked in some way, and joined in some way."""
    return lambda outputs_fw, outputs_bw, lengths: join(
        fw(outputs_fw, lengths), bw(outputs_bw, lengths)
    )


def _one_in_tensorflow(outputs_fw: Any, outputs_bw: Any, lengths: Any) -> Any:
    tf = _tf()
    last = tf.gather(outputs_fw, lengths - 1, batch_dims=1)
    return tf.concat([last, tf.convert_to_tensor(outputs_bw)[:, 0]], axis=-1)


def _one_by_loop(outputs_fw: Any, outputs_bw: Any, lengths: Any) -> list[list[float]]:
    rows = zip(outputs_fw, outputs_bw, lengths, strict=True)
    return [[*f[n - 1].tolist(), *b[0].tolist()] for f, b, n in rows]


def _one_by_one_hot(outputs_fw: Any, outputs_bw: Any, lengths: Any) -> Array:
    T = outputs_fw.shape[1]
    last = np.einsum("bth,bt->bh", outputs_fw, np.eye(T)[lengths - 1])
    return np.hstack([last, outputs_bw[:, :1].reshape(len(last), -1)])


def _one_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, D: int, H: tuple[int, int], *lengths: int) -> Case:
        from course_lib.unroll.bidirectional import reverse_sequences

        ns = _lengths(rng, *lengths)
        mills = [_mill(rng, D, h) for h in H]

        def trace(mill: dict[str, Any], x: Array) -> Array:
            state, outputs = np.zeros((B, len(mill["bias"]))), []
            for t in range(T):
                alive = (t < ns)[:, None]
                new = mill["keep"] * state + x[:, t] @ mill["into"] + mill["bias"]
                state = np.where(alive, new, state)
                outputs.append(np.where(alive, mill["gain"] * new, 0.0))
            return np.stack(outputs, axis=1)

        def outputs(x: Array) -> tuple[Array, Array]:
            backward = trace(mills[1], reverse_sequences(x, ns))
            return trace(mills[0], x), reverse_sequences(backward, ns)

        x = _draw(rng, B, T, D)
        moved = []
        for t in range(T):
            changed = x.copy()
            changed[:, t] += 1.0
            moved.append(outputs(changed))
        fw_moved, bw_moved = (np.stack(several) for several in zip(*moved, strict=True))
        return Case(name, (*outputs(x), ns, fw_moved, bw_moved))

    return [
        case("sequences of full length", 3, 5, 2, (4, 6), 5, 5, 5),
        case("lengths that differ", 4, 6, 3, (2, 5), 6, 3, 2, 4),
        case("as many sequences as steps and units", 4, 4, 4, (4, 4), 1, 2, 4, 3),
        case("a batch of one", 1, 5, 2, (3, 4), 4),
        case("one time step", 2, 1, 3, (5, 4), 1, 1),
    ]


_ONE_TEXT = "Read “One vector for a whole text” again, and fill in its small table."

_ONE_TOO_FAR = {
    "nudge": "A sequence has length 1. What is the number of its last step?",
    "pointer": _ONE_TEXT,
    "explanation": "The forward half comes from the step with the number `lengths[b]`: one too far, "
    "since steps are counted from 0. For the longest sequence there is no such step.",
}

_ONE_ADDED = {
    "nudge": "How many numbers does a row of your result have, and how many has each reader?",
    "pointer": "The docstring says what shape the result has.",
    "explanation": "You add the two vectors, which works only where both have as many numbers, and then "
    "one cannot tell any more who said what. They belong side by side.",
}

_ONE_BELOW = {
    "nudge": "Along which axis do you join the two? How many rows does your result have?",
    "pointer": "The docstring says what shape the result has.",
    "explanation": "You put one below the other: a batch of twice the size. They belong side by side.",
}

MANY_TO_ONE = Exercise(
    id="many_to_one",
    probe="both_ways:one",
    reference=_reference_one,
    cases=_one_cases,
    axes={"vector": ("batch", "hidden of both")},
    aspects=(
        Aspect("shape", 0.5, part("vector", same_shape)),
        Aspect(
            "what the forward half has read",
            1.0,
            _reads("forward half", "the forward half"),
            needs=("shape",),
        ),
        Aspect(
            "what the backward half has read",
            1.5,
            _reads("backward half", "the backward half"),
            needs=("shape",),
        ),
        Aspect(
            "values",
            0.5,
            part("vector"),
            needs=("what the forward half has read", "what the backward half has read"),
        ),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("values",)),
    ),
    misconceptions=(
        Misconception(
            "backward-in-the-last-column",
            _one_bent(bw=_column_last),
            nudge="How many steps has the backward reader seen when it stands at the last one?",
            pointer=_ONE_TEXT,
            explanation="You take the last column of the backward outputs. There the backward reader "
            "has only just begun, and for a short sequence it is padding.",
        ),
        Misconception(
            "backward-at-the-last-step",
            _one_bent(bw=_at_end),
            nudge="How many steps has the backward reader seen when it stands at the last one?",
            pointer=_ONE_TEXT,
            explanation="You take both directions at the sequence's last step. The forward reader has "
            "read everything there; the backward reader has only just begun.",
        ),
        Misconception(
            "forward-in-the-last-column",
            _one_bent(fw=_column_last),
            nudge="What stands in the last column of the forward outputs of a short sequence?",
            pointer=_ONE_TEXT,
            explanation="The forward half is the last column of the batch. That is what the slide "
            "does, too, and for every shorter sequence it is padding.",
        ),
        Misconception(
            "both-in-the-last-column",
            _one_bent(fw=_column_last, bw=_column_last),
            nudge="Where has each of the two readers read everything? Is that one place or two?",
            pointer=_ONE_TEXT,
            explanation="You take the last column of both. There the backward reader has only just "
            "begun, and short sequences have padding.",
        ),
        Misconception(
            "both-at-the-first-step",
            _one_bent(fw=_first),
            nudge="How many steps has the forward reader seen when it stands at the first one?",
            pointer=_ONE_TEXT,
            explanation="You take both directions at the first step, where the forward reader has "
            "seen a single one.",
        ),
        Misconception(
            "ends-exchanged",
            _one_bent(fw=_first, bw=_at_end),
            nudge="How many steps has each reader seen at the place where you ask it?",
            pointer=_ONE_TEXT,
            explanation="You ask each reader where it begins, not where it ends.",
        ),
        Misconception("forward-one-step-too-far", _one_bent(fw=_one_past), **_ONE_TOO_FAR),
        Misconception(
            "forward-one-step-too-far-in-tensorflow",
            _one_bent(fw=_one_past_in_tensorflow),
            **_ONE_TOO_FAR,
        ),
        Misconception(
            "forward-one-step-early",
            _one_bent(fw=_one_early),
            nudge="A sequence has length 1. Which number has its last step?",
            pointer=_ONE_TEXT,
            explanation="The forward half comes from the step before the last one.",
        ),
        Misconception(
            "forward-mean",
            _one_bent(fw=_mean_inside, bw=_mean_inside),
            nudge="Do you ask each reader once, or all along the way?",
            pointer=_ONE_TEXT,
            explanation="You average over the steps. That has read everything, too, and some "
            "networks do so; here each reader's last word is asked for.",
        ),
        Misconception(
            "mean-over-padding",
            _one_bent(fw=_mean_all, bw=_mean_all),
            nudge="Do you ask each reader once, or all along the way? And what about padding?",
            pointer=_ONE_TEXT,
            explanation="You average over all columns, padding included. Asked for is each reader's "
            "last word.",
        ),
        Misconception(
            "backward-from-the-right",
            _one_bent(bw=_from_the_right),
            nudge="At which step does a sequence of length 2 in a row of 5 begin: also after its "
            "outputs have been turned back?",
            pointer=_ONE_TEXT,
            explanation="You look for the beginning of short sequences at step T - n, as if they stood "
            "at the right end of their rows. The outputs are in the order of time: all begin at "
            "step 0.",
        ),
        Misconception(
            "backward-first",
            _one_bent(join=lambda f, b: np.concatenate([b, f], axis=1)),
            nudge="Which direction's numbers come first in a row of your result?",
            pointer="The docstring says in which order.",
            explanation="You put the backward half first.",
        ),
        Misconception("added", _one_bent(join=lambda f, b: f + b), **_ONE_ADDED),
        Misconception(
            "added-in-tensorflow",
            _one_bent(join=lambda f, b: np.asarray(_tf().add(f, b))),
            **_ONE_ADDED,
        ),
        Misconception(
            "forward-only",
            lambda outputs_fw, outputs_bw, lengths: _at_end(outputs_fw, lengths),
            nudge="How many readers do you ask?",
            pointer=_ONE_TEXT,
            explanation="The result holds the forward direction only.",
        ),
        Misconception(
            "below-each-other",
            _one_bent(join=lambda f, b: np.concatenate([f, b], axis=0)),
            **_ONE_BELOW,
        ),
        Misconception(
            "below-each-other-in-tensorflow",
            _one_bent(join=lambda f, b: np.asarray(_tf().concat([f, b], axis=0))),
            **_ONE_BELOW,
        ),
    ),
    nudge="For each direction: at which step has it read everything?",
    pointer=_ONE_TEXT,
    alternatives={
        "NumPy indices": _one_bent(),
        "tf.gather": _one_in_tensorflow,
        "loop, lists": _one_by_loop,
        "one-hot": _one_by_one_hot,
    },
)

# ------------------------------------------------------------------ add_equals_concat


def _reference_concat(*weights: Array) -> Any:
    from course_lib.classification import add_equals_concat

    return add_equals_concat(*weights)


def _concat_bent(
    *,
    W: Callable[[Array, Array, Array], Array] = lambda f, b, o: np.concatenate([f, b]) @ o,
    bias: Callable[[Array, Array, Array, Array], Array] = lambda f, b, W, o: (f + b) @ W + o,
) -> Callable[..., Any]:
    return lambda W_fw, b_fw, W_bw, b_bw, W_out, b_out: (
        W(W_fw, W_bw, W_out),
        bias(b_fw, b_bw, W_out, b_out),
    )


def _concat_by_asking(W_fw: Array, b_fw: Array, W_bw: Array, b_bw: Array, *out: Array) -> Any:
    """What the three projections make of zeros, and of every unit vector."""
    H, K = len(W_fw), len(W_bw)

    def head(joined: Array) -> Array:
        fw, bw = joined[:, :H], joined[:, H:]
        result: Array = (fw @ W_fw + b_fw + bw @ W_bw + b_bw) @ out[0] + out[1]
        return result

    b = head(np.zeros((1, H + K)))[0]
    return head(np.eye(H + K)) - b, b


def _concat_in_tensorflow(*weights: Array) -> Any:
    tf = _tf()
    W_fw, b_fw, W_bw, b_bw, W_out, b_out = (tf.constant(w) for w in weights)
    W = tf.concat([tf.matmul(W_fw, W_out), tf.matmul(W_bw, W_out)], axis=0)
    return W, tf.linalg.matvec(W_out, b_fw + b_bw, transpose_a=True) + b_out


def _concat_by_einsum(
    W_fw: Array, b_fw: Array, W_bw: Array, b_bw: Array, W_out: Array, b_out: Array
) -> Any:
    W = np.vstack([np.einsum("he,ec->hc", part, W_out) for part in (W_fw, W_bw)])
    return W.tolist(), (np.dot(b_fw, W_out) + np.dot(b_bw, W_out) + b_out).tolist()


def _concat_in_place(
    W_fw: Array, b_fw: Array, W_bw: Array, b_bw: Array, W_out: Array, b_out: Array
) -> Any:
    b_fw += b_bw
    return np.concatenate([W_fw, W_bw]) @ W_out, b_fw @ W_out + b_out


def _concat_cases(rng: Rng) -> list[Case]:
    def case(name: str, H: int, K: int, E: int, C: int) -> Case:
        shapes = ((H, E), (E,), (K, E), (E,), (E, C), (C,))
        return Case(name, tuple(_draw(rng, *shape) for shape in shapes))

    return [
        case("sizes that all differ", 4, 5, 3, 2),
        case("all sizes equal", 3, 3, 3, 3),
        case("a middle wider than everything", 2, 3, 6, 4),
        case("one unit, one class", 1, 1, 2, 1),
    ]


_CONCAT_TEXT = "Read “Added, or side by side?” again, and multiply its small case out."

ADD_EQUALS_CONCAT = Exercise(
    id="add_equals_concat",
    probe="calls:call",
    reference=_reference_concat,
    cases=_concat_cases,
    axes=[("hidden of both", "classes"), ("classes",)],
    aspects=(
        Aspect("shapes", 0.5, same_shape),
        Aspect("the matrix", 1.0, part("0"), needs=("shapes",)),
        Aspect("the bias", 1.0, part("1"), needs=("shapes",)),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("the matrix", "the bias")),
    ),
    misconceptions=(
        Misconception(
            "backward-first",
            _concat_bent(W=lambda f, b, o: np.concatenate([b, f]) @ o),
            nudge="Row 0 of your W is multiplied by the first number of the vector. Whose is it?",
            pointer=_CONCAT_TEXT,
            explanation="The rows of the backward direction come first in your W, but the vector "
            "begins with the forward one.",
        ),
        Misconception(
            "joined-by-columns",
            _concat_bent(W=lambda f, b, o: np.concatenate([f @ o, b @ o], axis=1)),
            nudge="Write the shapes down: a row of H_fw + H_bw numbers times W. How many rows has W?",
            pointer=_CONCAT_TEXT,
            explanation="You join the matrices by columns. The vectors stand side by side, so the "
            "matrices have to stand below each other.",
        ),
        Misconception(
            "matrices-added",
            _concat_bent(W=lambda f, b, o: (f + b) @ o),
            nudge="How many rows does your W have, and how many numbers does the vector have?",
            pointer=_CONCAT_TEXT,
            explanation="You add the two matrices. That would project fw + bw, which is something "
            "else than both projections added.",
        ),
        Misconception(
            "last-projection-missing",
            _concat_bent(W=lambda f, b, o: np.concatenate([f, b]), bias=lambda f, b, W, o: f + b),
            nudge="How many projections does the slide have? How many are in your W?",
            pointer=_CONCAT_TEXT,
            explanation="You join the first two projections and leave the third out.",
        ),
        Misconception(
            "halved",
            _concat_bent(
                W=lambda f, b, o: np.concatenate([f, b]) @ o / 2,
                bias=lambda f, b, W, o: (f + b) @ W / 2 + o,
            ),
            nudge="Are the two projections added or averaged?",
            pointer=_CONCAT_TEXT,
            explanation="You take the mean of both directions. The slide adds them.",
        ),
        Misconception(
            "backward-bias-lost",
            _concat_bent(bias=lambda f, b, W, o: f @ W + o),
            nudge="Put zeros in for fw and bw. What do the slide's three projections give?",
            pointer=_CONCAT_TEXT,
            explanation="Your matrix is right. The bias of the backward projection is lost.",
        ),
        Misconception(
            "forward-bias-lost",
            _concat_bent(bias=lambda f, b, W, o: b @ W + o),
            nudge="Put zeros in for fw and bw. What do the slide's three projections give?",
            pointer=_CONCAT_TEXT,
            explanation="Your matrix is right. The bias of the forward projection is lost.",
        ),
        Misconception(
            "only-the-last-bias",
            _concat_bent(bias=lambda f, b, W, o: np.array(o)),
            nudge="Put zeros in for fw and bw. What do the slide's three projections give?",
            pointer=_CONCAT_TEXT,
            explanation="Your matrix is right. Of the three biases only the last is left.",
        ),
        Misconception(
            "last-bias-lost",
            _concat_bent(bias=lambda f, b, W, o: (f + b) @ W),
            nudge="Put zeros in for fw and bw. What do the slide's three projections give?",
            pointer=_CONCAT_TEXT,
            explanation="Your matrix is right. The bias of the last projection is lost.",
        ),
        Misconception(
            "last-bias-twice",
            _concat_bent(bias=lambda f, b, W, o: (f @ W + o) + (b @ W + o)),
            nudge="How often does each bias get added: before the sum, or after it?",
            pointer=_CONCAT_TEXT,
            explanation="The last bias is added twice: it comes after the sum, not once a direction.",
        ),
        Misconception(
            "biases-side-by-side",
            _concat_bent(bias=lambda f, b, W, o: np.concatenate([f @ W, b @ W]) + np.tile(o, 2)),
            nudge="How many numbers does your b have, and how many does the sum need?",
            pointer=_CONCAT_TEXT,
            explanation="You put the biases side by side, like the vectors. But they come into the sum "
            "once for each class: they are added.",
        ),
        Misconception(
            "results-exchanged",
            lambda *weights: _concat_bent()(*weights)[::-1],
            nudge="Which of your two results comes first?",
            pointer="The docstring says what is returned.",
            explanation="You return the bias first.",
        ),
        Misconception(
            "biases-not-projected",
            _concat_bent(bias=lambda f, b, W, o: f + b + o),
            nudge="The first two biases have E numbers. How do they become C?",
            pointer=_CONCAT_TEXT,
            explanation="The first two biases have to go through the last projection, as everything "
            "that comes before it does.",
        ),
        Misconception(
            "added-in-place",
            _concat_in_place,
            nudge="The values are right. What has become of the biases that you were given?",
            pointer="The docstring says what must happen to the six arrays.",
            explanation="You add into one of the arrays that you were given (`+=` does that), so "
            "the network that it belongs to now has another bias.",
        ),
    ),
    nudge="Write the three projections as one formula and multiply it out. What stands before fw, what "
    "before bw, and what is left over?",
    pointer=_CONCAT_TEXT,
    alternatives={
        "concatenate, multiply": _concat_bent(),
        "asked with unit vectors": _concat_by_asking,
        "TensorFlow": _concat_in_tensorflow,
        "einsum, lists": _concat_by_einsum,
    },
)

# --------------------------------------------------------------------- classify_bytes


def _reference_classify(*arguments: Any) -> Any:
    from course_lib.classification import classify_bytes

    return classify_bytes(*arguments)


def _guarded(texts: Any) -> Any:
    tf = _tf()
    texts = tf.cast(texts, tf.int32)
    tf.debugging.assert_less(texts, 128)
    return texts


def _gathered(outputs: Any, lengths: Any) -> Any:
    return _tf().gather(outputs, lengths - 1, axis=1, batch_dims=1)


def _classified(
    *,
    ids: Callable[[Any], Any] = _guarded,
    there: Callable[[Any, Any], Any] = _flip,
    back: Callable[[Any, Any], Any] = _flip,
    cells: Callable[[Any, Any], tuple[Any, Any]] = lambda a, b: (a, b),
    read_lengths: bool = True,
    fw_at: Callable[[Any, Any], Any] = _gathered,
    bw_at: Callable[[Any, Any], Any] = lambda outputs, lengths: outputs[:, 0],
    join: Callable[[Any, Any], list[Any]] = lambda f, b: [f, b],
    bias: float = 1.0,
    finish: Callable[[Any], Any] = lambda logits: logits,
) -> Callable[..., Any]:
    """The classifier; each argument bends one thing."""

    def answer(texts: Any, lengths: Any, fw: Any, bw: Any, W: Any, b: Any) -> Any:
        tf = _tf()
        first, second = cells(fw, bw)
        x = tf.one_hot(ids(texts), 128)
        known = lengths if read_lengths else None
        outputs_fw = _unrolled(first, x, known)
        outputs_bw = back(_unrolled(second, there(x, lengths), known), lengths)
        halves = join(fw_at(outputs_fw, lengths), bw_at(outputs_bw, lengths))
        return finish(tf.concat(halves, axis=1) @ W + bias * b)

    return answer


def _unguarded(texts: Any) -> Any:
    return _tf().cast(texts, _tf().int32)


def _guarded_by_if(texts: Any) -> Any:
    tf = _tf()
    texts = tf.cast(texts, tf.int32)
    if tf.reduce_max(texts) > 127:
        raise ValueError("a byte over 127")
    return texts


def _guarded_too_strictly(texts: Any) -> Any:
    tf = _tf()
    texts = tf.cast(texts, tf.int32)
    tf.debugging.assert_less(texts, 127)
    return texts


def _guarded_by_numpy(texts: Any) -> Any:
    if np.max(np.asarray(texts)) > 127:
        raise ValueError("a byte over 127")
    return _tf().cast(texts, _tf().int32)


def _classified_with_states(texts: Any, lengths: Any, fw: Any, bw: Any, W: Any, b: Any) -> Any:
    from course_lib.unroll.dynamic import dynamic_rnn

    tf = _tf()
    x = tf.gather(tf.eye(128), _guarded(texts))
    halves = []
    for cell, way in ((fw, x), (bw, _flip(x, lengths))):
        outputs, _ = dynamic_rnn(cell, way, sequence_length=lengths)
        halves.append(_gathered(outputs, lengths))
    units = halves[0].shape[1]
    return halves[0] @ W[:units] + halves[1] @ W[units:] + b


def _classified_by_one_hot(texts: Any, lengths: Any, fw: Any, bw: Any, W: Any, b: Any) -> Any:
    tf = _tf()
    texts = tf.cast(texts, tf.int64)
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_max(texts) < 128, [texts])]):
        x = tf.one_hot(texts, depth=128, dtype=tf.float32)
    outputs_fw = _unrolled(fw, x, lengths)
    outputs_bw = _flip(_unrolled(bw, _flip(x, lengths), lengths), lengths)
    pick = tf.one_hot(lengths - 1, tf.shape(texts)[1])[:, :, None]
    joined = tf.concat([tf.reduce_sum(outputs_fw * pick, axis=1), outputs_bw[:, 0]], axis=-1)
    return tf.nn.bias_add(tf.matmul(joined, W), b)


_LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz ", dtype=np.uint8)


def _classify_cases(rng: Rng) -> list[Case]:
    from course_lib.tasks import byte_classes

    def inputs(B: int, T: int, H: tuple[int, int], *lengths: int) -> list[Any]:
        x = rng.integers(0, 126, size=(B, T), dtype=np.uint8)
        others = (x + rng.integers(1, 100, size=(B, T), dtype=np.uint8)) % 127
        mills = [_mill(rng, 128, h) for h in H]
        W, b = _draw(rng, sum(H), 4), _draw(rng, 4)
        W[:, 0] = -np.abs(W[:, 0]) * rng.choice([-1.0, 1.0])  # some logits are negative: of
        W[:, 1] = -W[:, 0]  # two opposite columns one always is, whatever their biases
        b[:2] = -np.abs(b[:2])
        return [x, others.astype(np.uint8), _lengths(rng, *lengths), *mills, W, b]

    def small(name: str, *arguments: Any) -> Case:
        return Case(name, ("small", inputs(*arguments)), frozenset({"small"}))

    def with_byte(byte: int) -> list[Any]:
        x, _, *others = inputs(2, 4, (3, 4), 4, 3)
        x[int(rng.integers(2)), int(rng.integers(3))] = byte
        return [x, *others]

    def drawn(B: int, T: int, shortest: int) -> tuple[Array, Array, Array]:
        x, y = byte_classes(B, T, rng)
        lengths = rng.integers(shortest, T + 1, size=B).astype(np.int32)
        noise = rng.choice(_LETTERS, size=x.shape)
        return np.where(np.arange(T) < lengths[:, None], x, noise), y.astype(np.int32), lengths

    N, B, T = 240, 32, 24
    x, y, lengths = drawn(N * B, T, 16)
    fresh = drawn(200, 256, 100)
    return [
        small("texts of different lengths", 3, 5, (4, 6), 5, 2, 3),
        small("as many units in both directions", 4, 4, (3, 3), 1, 2, 3, 3),
        small("a batch of one", 1, 6, (2, 3), 5),
        small("one character", 2, 1, (3, 2), 1, 1),
        Case(
            "a byte over 127",
            ("refused", with_byte(int(rng.integers(128, 256)))),
            frozenset({"refused"}),
        ),
        Case("the byte 127", ("refused", with_byte(127)), frozenset({"refused"})),
        Case("the byte 128", ("refused", with_byte(128)), frozenset({"refused"})),
        Case(
            "texts that it has never seen",
            (
                "training",
                [
                    inputs(3, 5, (4, 6), 5, 2, 3),
                    with_byte(int(rng.integers(128, 256))),
                    with_byte(127),
                    x.reshape(N, B, T),
                    y.reshape(N, B),
                    lengths.reshape(N, B),
                    *(fresh[k] for k in (0, 1, 2)),
                    0.8,
                ],
            ),
            frozenset({"training"}),
            expected={"rehearsed": True, "learned": True},
        ),
    ]


def _refusal(seen: Comparison) -> Difference | None:
    if seen.actual.value["refused"] == seen.expected.value["refused"]:
        return None
    if seen.actual.value["refused"]:
        return Difference("a text with the byte 127 is refused, the last one that is allowed")
    return Difference("a text with a byte over 127 gets an answer all the same")


def _learned(seen: Comparison) -> Difference | None:
    value = seen.actual.value
    if not value["rehearsed"]:
        return Difference("not trained, since something that comes before is not right yet")
    if not value["learned"]:
        return Difference("after training it recognises under 80 % of the texts")
    return None


_SMALL = frozenset({"small"})
_CLASSIFY_TEXT = "Read “The slide's classifier” again."

CLASSIFY_BYTES = Exercise(
    id="classify_bytes",
    probe="both_ways:texts",
    reference=_reference_classify,
    cases=_classify_cases,
    axes={"logits": ("batch", "classes")},
    aspects=(
        Aspect("shape", 0.5, part("logits", same_shape), tags=_SMALL),
        Aspect(
            "what the forward half has read",
            1.0,
            _reads("forward", "what the forward direction adds to the logits"),
            tags=_SMALL,
            needs=("shape",),
        ),
        Aspect(
            "what the backward half has read",
            1.0,
            _reads("backward", "what the backward direction adds to the logits"),
            tags=_SMALL,
            needs=("shape",),
        ),
        Aspect(
            "logits",
            1.5,
            part("logits"),
            tags=_SMALL,
            needs=("what the forward half has read", "what the backward half has read"),
        ),
        Aspect(
            "bytes over 127 refused, and no others",
            0.5,
            _refusal,
            tags=frozenset({"refused"}),
            needs=("logits",),
        ),
        Aspect(
            "held-back texts",
            1.5,
            _learned,
            tags=frozenset({"training"}),
            needs=("bytes over 127 refused, and no others",),
        ),
    ),
    misconceptions=(
        Misconception(
            "bytes-over-127-not-refused",
            _classified(ids=_unguarded),
            nudge="What does `tf.one_hot` make of the byte 200, with depth 128?",
            pointer=_CLASSIFY_TEXT,
            explanation="Your logits are right. But a text with a byte over 127 gets an answer, too, "
            "although the network has never read that byte: it has no place among the 128.",
        ),
        Misconception(
            "byte-127-refused",
            _classified(ids=_guarded_too_strictly),
            nudge="Which is the largest byte that has a place among 128?",
            pointer="The docstring says which bytes are allowed.",
            explanation="You refuse the byte 127 as well. It is the last one that is allowed.",
        ),
        Misconception(
            "an-if-in-the-graph",
            _classified(ids=_guarded_by_if),
            nudge="Your function is traced before there are any texts. What does your `if` look at "
            "then?",
            pointer="Read the text of exercise 6 again, on `if` and graphs.",
            explanation="Called by hand, your function is right. While a graph is traced the `if` "
            "has no numbers to look at: both its branches are traced, and the `raise` strikes.",
        ),
        Misconception(
            "numpy-in-the-graph",
            _classified(ids=_guarded_by_numpy),
            nudge="Which line of yours, or of the functions that you call, hands a tensor to NumPy?",
            pointer="Read the text of exercise 6 again, on `if` and graphs.",
            explanation="Called by hand, your function is right. While a graph is traced, a tensor has "
            "no numbers yet, and NumPy needs numbers. (An index made with NumPy in your "
            "`many_to_one` is such a place.)",
        ),
        Misconception(
            "relu-on-logits",
            _classified(finish=lambda logits: _tf().nn.relu(logits)),
            nudge="Are any of your logits negative? Should some be?",
            pointer=_CLASSIFY_TEXT,
            explanation="There is a relu on your logits. All classes that it cuts to 0 look equally "
            "likely, and no gradient passes through them.",
        ),
        Misconception(
            "softmax-on-logits",
            _classified(finish=lambda logits: _tf().nn.softmax(logits)),
            nudge="What do the numbers of a row of your result add up to?",
            pointer="The docstring says what is returned.",
            explanation="You return probabilities. Logits are the numbers before the softmax, which "
            "the loss applies by itself.",
        ),
        Misconception(
            "classes-returned",
            _classified(finish=lambda logits: _tf().argmax(logits, axis=1)),
            nudge="How many numbers a text do you return?",
            pointer="The docstring says what is returned.",
            explanation="You return the chosen class. An argmax has no gradient; the logits are "
            "asked for.",
        ),
        Misconception(
            "forward-in-the-last-column",
            _classified(fw_at=lambda outputs, lengths: outputs[:, -1]),
            nudge="What stands in the last column of the forward outputs of a short text?",
            pointer="Read “One vector for a whole text” again.",
            explanation="The slide's forward slice is still there: the last column, which is "
            "padding for every shorter text.",
        ),
        Misconception(
            "backward-in-the-last-column",
            _classified(bw_at=lambda outputs, lengths: outputs[:, -1]),
            nudge="How many characters has the backward reader seen in its last column?",
            pointer="Read “One vector for a whole text” again.",
            explanation="You take the last column of the backward outputs, where that reader has "
            "only just begun.",
        ),
        Misconception(
            "both-in-the-last-column",
            _classified(
                fw_at=lambda outputs, lengths: outputs[:, -1],
                bw_at=lambda outputs, lengths: outputs[:, -1],
            ),
            nudge="Where has each of the two readers read everything? Is that one place or two?",
            pointer="Read “One vector for a whole text” again.",
            explanation="You take the last column of both. There the backward reader has only just "
            "begun, and a short text has padding.",
        ),
        Misconception(
            "both-at-the-last-step",
            _classified(bw_at=_gathered),
            nudge="How many characters has the backward reader seen at a text's last one?",
            pointer="Read “One vector for a whole text” again.",
            explanation="You take both directions at the text's last character, where the backward "
            "reader has only just begun.",
        ),
        Misconception(
            "both-at-the-last-step-relu",
            _classified(bw_at=_gathered, finish=lambda logits: _tf().nn.relu(logits)),
            nudge="Two things are wrong. Begin with the backward half: what has it read?",
            pointer="Read “One vector for a whole text” again.",
            explanation="The backward half comes from the last character, where that reader begins; "
            "and there is a relu on the logits.",
        ),
        Misconception(
            "the-slide",
            _classified(
                ids=_unguarded,
                there=_flip_all,
                back=_flip_all,
                read_lengths=False,
                fw_at=lambda outputs, lengths: outputs[:, -1],
                finish=lambda logits: _tf().nn.relu(logits),
            ),
            nudge="Where in your function does `lengths` appear?",
            pointer=_CLASSIFY_TEXT,
            explanation="This is the slide's program, with all its faults: no lengths, zeros for "
            "bytes over 127, a relu on the logits.",
        ),
        Misconception(
            "padding-read",
            _classified(
                there=_flip_all,
                back=_flip_all,
                read_lengths=False,
                fw_at=lambda outputs, lengths: outputs[:, -1],
            ),
            nudge="Where in your function does `lengths` appear?",
            pointer=_CLASSIFY_TEXT,
            explanation="Nothing in your function uses the lengths: both readers read the padding "
            "like text.",
        ),
        Misconception(
            "one-cell-for-both",
            _classified(cells=lambda a, b: (a, a)),
            nudge="How many cells were you given, and how many do you use?",
            pointer="Read “Two readers” again.",
            explanation="The forward cell reads in both directions.",
        ),
        Misconception(
            "cells-exchanged",
            _classified(cells=lambda a, b: (b, a)),
            nudge="Which of the two cells reads forwards?",
            pointer="Read “Two readers” again.",
            explanation="The cell `bw` reads forwards and `fw` backwards.",
        ),
        Misconception(
            "halves-exchanged",
            _classified(join=lambda f, b: [b, f]),
            nudge="The first rows of W belong to one of the two directions. To which?",
            pointer="The docstring says in which order.",
            explanation="The backward half comes first, but W's first rows belong to the forward "
            "one.",
        ),
        Misconception(
            "bias-forgotten",
            _classified(bias=0.0),
            nudge="Which of your arguments do you never use?",
            pointer="The docstring says what each argument is.",
            explanation="The bias is not added.",
        ),
    ),
    nudge="Follow one character of the shortest text through your function. Which numbers of the "
    "result does it reach?",
    pointer=_CLASSIFY_TEXT,
    seconds=60.0,
    alternatives={
        "step by step": _classified(),
        "a gathered identity, W in two parts": _classified_with_states,
        "one-hot picks": _classified_by_one_hot,
    },
)

SHOWN = (
    "cells/base_tf.py",
    "cells/gated.py",
    "cells/gru.py",
    "cells/gru_tf.py",
    "initializers.py",
    "masking.py",
    "unroll/dynamic.py",
    "plots/bidirectional.py",
)
"""What of ``course_lib`` a grading kernel shows: what ordinary cells and probes need, and no answer."""

EXERCISES = (
    REVERSE_SEQUENCES,
    BIDIRECTIONAL,
    DEPENDS_ON,
    MANY_TO_ONE,
    ADD_EQUALS_CONCAT,
    CLASSIFY_BYTES,
)
