"""N03: a loop in the graph, for sequences of different lengths."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
    same_values,
)
from course_lib.masking import last_relevant, masked_mean, sequence_mask

Array = np.ndarray
Rng = np.random.Generator


def _tf() -> Any:
    """TensorFlow, imported when an exercise is judged that needs it."""
    from course_lib.quiet import tf

    return tf


def _lengths(rng: Rng, *lengths: int) -> Array:
    """The lengths in an order of the seed's own, as TensorFlow counts: int32."""
    return rng.permutation(np.array(lengths, np.int32))


# ----------------------------------------------------------------- batch_to_time_major


def _reference_batch_to_time_major(x: Array) -> Any:
    from course_lib.unroll.dynamic import batch_to_time_major

    return batch_to_time_major(x)


def _axes_cases(rng: Rng) -> list[Case]:
    sizes = {
        "three sequences of five steps": (3, 5, 2),
        "as many sequences as steps": (4, 4, 3),
        "a batch of one": (1, 4, 2),
        "one time step": (3, 1, 2),
        "one feature": (2, 5, 1),
    }
    return [Case(name, (rng.normal(size=shape),)) for name, shape in sizes.items()]


def _axes_by_loops(x: Array) -> list[list[Array]]:
    return [[x[b, t] for b in range(x.shape[0])] for t in range(x.shape[1])]


BATCH_TO_TIME_MAJOR = Exercise(
    id="batch_to_time_major",
    probe="calls:call",
    reference=_reference_batch_to_time_major,
    cases=_axes_cases,
    axes=("time", "batch", "features"),
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("values", 2.0),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("values",)),
    ),
    misconceptions=(
        Misconception(
            "reshape-for-transpose",
            lambda x: np.reshape(x, (x.shape[1], x.shape[0], x.shape[2])),
            nudge="The shape is right. Print the result for the paper example: which sequence does "
            "its first number come from, and which does the second one?",
            pointer="Read “Time first” again, and do its pen-and-paper question.",
            explanation="You reshape: that cuts the same row of numbers into other pieces, and mixes "
            "the sequences. The numbers have to move, along with their axes.",
        ),
        Misconception(
            "all-axes-reversed",
            lambda x: np.transpose(x),
            nudge="Where did the features go?",
            pointer="Read “Time first” again: two axes change places, and one stays where it is.",
            explanation="You reverse the order of all axes, as a transpose without further "
            "arguments does. The features must stay the last axis.",
        ),
        Misconception(
            "last-two-axes-swapped",
            lambda x: np.swapaxes(x, 1, 2),
            nudge="Say the names of the three axes of `x` in order. Which two did you swap?",
            pointer="Read “Time first” again, where the three axes are named.",
            explanation="You swap time with features. Batch and time are the first two axes.",
        ),
        Misconception(
            "batch-moved-to-the-end",
            lambda x: np.moveaxis(x, 0, -1),
            nudge="Time is first now. Which axis should come second, and which one does?",
            pointer="Read “Time first” again, where the three axes are named.",
            explanation="You move the batch all the way to the end, behind the features. It should "
            "become the second axis.",
        ),
        Misconception(
            "nothing-swapped",
            lambda x: np.array(x),
            nudge="Compare the shape of the result with the shape of `x`. Did anything happen?",
            pointer="Read “Time first” again. An array is not changed in place by a transpose: a "
            "new one comes back.",
            explanation="The result is `x` itself, still batch-major.",
        ),
        Misconception(
            "time-reversed",
            lambda x: np.swapaxes(x, 0, 1)[::-1],
            nudge="Which time step stands first in your result?",
            pointer="Read “Time first” again: only the order of the axes changes.",
            explanation="You also turn time around: the last step comes first.",
        ),
    ),
    nudge="Which axis of the result counts the time steps, and which the sequences?",
    pointer="“Time first” has a small example on paper.",
    alternatives={
        "tf.transpose": lambda x: _tf().transpose(x, [1, 0, 2]),
        "einsum": lambda x: np.einsum("btd->tbd", x),
        "loops": _axes_by_loops,
        "stack of slices": lambda x: np.stack([x[:, t] for t in range(x.shape[1])]),
    },
)

# ----------------------------------------------------------------------- sequence_mask


def _mask_cases(rng: Rng) -> list[Case]:
    return [
        Case("lengths that differ", (_lengths(rng, 5, 2, int(rng.integers(3, 5))), 5)),
        Case("a batch longer than its longest sequence", (_lengths(rng, 1, 4, 2, 3), 6)),
        Case("as many sequences as steps", (_lengths(rng, 1, 2, 4, 2), 4)),
        Case("an empty sequence", (_lengths(rng, 0, 3), 4)),
        Case("a batch of one", (_lengths(rng, int(rng.integers(2, 5))), 6)),
        Case("one time step", (_lengths(rng, 1, 0, 1), 1)),
    ]


def _mask_by_loops(lengths: Array, T: int) -> list[list[bool]]:
    return [[t < length for t in range(T)] for length in lengths]


def _mask_over_batch(lengths: Array, T: int) -> Array:
    columns = np.arange(T)[:, None] < np.asarray(lengths)[None, :]
    return np.reshape(columns, (len(lengths), T))


_NOT_CROSSED = {
    "nudge": "How many steps are there, how many lengths, and how many comparisons should there be?",
    "pointer": "Read “Which entries are real?” again: how a column and a row make a table.",
    "explanation": "You compare the two vectors entry by entry. Every step has to be compared with "
    "every length: one of the vectors has to become a column.",
}

SEQUENCE_MASK = Exercise(
    id="sequence_mask",
    probe="masks:mask",
    reference=sequence_mask,
    cases=_mask_cases,
    axes=("batch", "time"),
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("values", 2.0),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("values",)),
    ),
    misconceptions=(
        Misconception(
            "one-step-too-many",
            lambda lengths, T: np.arange(T) <= np.asarray(lengths)[:, None],
            nudge="How many entries of a row are True for a sequence of length 2? For length 0?",
            pointer="Read “Which entries are real?” again: the steps are numbered from 0.",
            explanation="You let one step too many in: time is counted from 0, so the step whose "
            "number equals the length is already padding.",
        ),
        Misconception(
            "one-step-too-few",
            lambda lengths, T: np.arange(T) < np.asarray(lengths)[:, None] - 1,
            nudge="How many entries of a row are True for a sequence of length 2? For length 1?",
            pointer="Read “Which entries are real?” again: the steps are numbered from 0.",
            explanation="You leave the last real step out: the counting from 0 is taken into "
            "account twice.",
        ),
        Misconception(
            "padding-marked",
            lambda lengths, T: np.arange(T) >= np.asarray(lengths)[:, None],
            nudge="Look at a sequence of full length. Should its row be all True or all False?",
            pointer="Read “Which entries are real?” again.",
            explanation="Your mask is inverted: it marks the padding in place of the real steps.",
        ),
        Misconception(
            "time-by-batch",
            lambda lengths, T: np.arange(T)[:, None] < np.asarray(lengths)[None, :],
            nudge="Which axis of your mask counts the sequences?",
            pointer="Read “Which entries are real?” again, and write the shape under each of the "
            "two vectors before they are compared.",
            explanation="Your mask is time-major, (T, B): the column of one vector and the row of "
            "the other are exchanged.",
        ),
        Misconception(
            "time-by-batch-reshaped",
            _mask_over_batch,
            nudge="The shape is right. Is the row of each sequence a run of True followed by False?",
            pointer="Read “Time first” again: a reshape does not swap axes.",
            explanation="You build the mask time-major and reshape it: the rows now mix sequences.",
        ),
        Misconception(
            "padding-in-front",
            lambda lengths, T: np.arange(T) >= T - np.asarray(lengths)[:, None],
            nudge="On which side of a short sequence does the padding stand here?",
            pointer="Look at the picture in “A batch has to be a box” again.",
            explanation="Your mask fits padding in front of the sequences. Here it comes after them.",
        ),
        Misconception("vectors-not-crossed", lambda n, T: np.arange(T) < n, **_NOT_CROSSED),
        Misconception(
            "vectors-not-crossed-in-tensorflow", lambda n, T: _tf().range(T) < n, **_NOT_CROSSED
        ),
        Misconception(
            "as-long-as-the-longest",
            lambda lengths, T: np.arange(max(lengths)) < np.asarray(lengths)[:, None],
            nudge="What is `T` for, if you can compute the largest of the lengths yourself?",
            pointer="Read “Which entries are real?” again: what if even the longest sequence of the "
            "batch is shorter than T?",
            explanation="Your mask ends at the longest sequence. A batch can be padded further than "
            "that, and the mask must be as wide as the batch.",
        ),
    ),
    nudge="For one sequence of length 2 and T = 4, write the row down. Which number of a column is "
    "compared with 2?",
    pointer="“Which entries are real?” has the rule, and a question on paper.",
    alternatives={
        "tf.sequence_mask": lambda lengths, T: _tf().sequence_mask(lengths, T),
        "broadcasting tensors": lambda lengths, T: _tf().range(T) < lengths[:, None],
        "loops": _mask_by_loops,
        "rows of a triangle": lambda lengths, T: np.tril(np.ones((T + 1, T)), -1)[lengths],
        "ones and zeros": lambda lengths, T: np.less.outer(np.arange(T), lengths).T.astype(float),
    },
)

# ----------------------------------------------------------------------- last_relevant


def _last_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, H: int, lengths: Array, tag: str) -> Case:
        return Case(name, (rng.normal(size=(B, T, H)), lengths), frozenset((tag,)))

    return [
        case("sequences of full length", 3, 5, 2, _lengths(rng, 5, 5, 5), "whole"),
        case("one time step", 3, 1, 2, _lengths(rng, 1, 1, 1), "whole"),
        case("lengths that differ", 4, 5, 3, _lengths(rng, 1, 2, 4, 5), "padded"),
        case("every sequence shorter than T", 3, 6, 2, _lengths(rng, 2, 3, 4), "padded"),
        case("as many sequences as steps and units", 3, 3, 3, _lengths(rng, 1, 2, 3), "padded"),
        case("a batch of one", 1, 5, 2, _lengths(rng, int(rng.integers(2, 5))), "padded"),
    ]


def _last_by_loop(outputs: Array, lengths: Array) -> list[Array]:
    return [sequence[length - 1] for sequence, length in zip(outputs, lengths, strict=True)]


def _last_gather_nd(outputs: Array, lengths: Array) -> Any:
    tf = _tf()
    return tf.gather_nd(outputs, tf.stack([tf.range(len(lengths)), lengths - 1], axis=1))


def _last_one_hot(outputs: Array, lengths: Array) -> Array:
    return np.einsum("bth,bt->bh", outputs, np.eye(outputs.shape[1])[lengths - 1])


def _index_is_length(outputs: Array, lengths: Array) -> Array:
    return outputs[np.arange(len(lengths)), lengths]


def _index_is_length_in_tensorflow(outputs: Array, lengths: Array) -> Any:
    return _tf().gather(outputs, lengths, axis=1, batch_dims=1)


def _index_is_length_clipped(outputs: Array, lengths: Array) -> Array:
    last = np.minimum(lengths, outputs.shape[1] - 1)
    return outputs[np.arange(len(lengths)), last]


_ONE_TOO_FAR = {
    "nudge": "A sequence of length 1 has a single step. What is that step's number?",
    "pointer": "Read “Which output is the last?” again, and fill in its small table.",
    "explanation": "You use the length itself as the number of the last step: that is the first "
    "step of the padding, or, for the longest sequence, no step at all.",
}

LAST_RELEVANT = Exercise(
    id="last_relevant",
    probe="calls:call",
    reference=last_relevant,
    cases=_last_cases,
    axes=("batch", "hidden"),
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("sequences of full length", 0.5, tags=frozenset({"whole"})),
        Aspect("shorter sequences", 2.5, tags=frozenset({"padded"})),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("sequences of full length", "shorter sequences"),
        ),
    ),
    misconceptions=(
        Misconception(
            "last-column",
            lambda outputs, lengths: outputs[:, -1],
            nudge="You never look at `lengths`. What stands in the last column of a short sequence?",
            pointer="Read “Which output is the last?” again.",
            explanation="You take the last column of the batch: for every shorter sequence, that "
            "is padding.",
        ),
        Misconception("index-is-the-length", _index_is_length, **_ONE_TOO_FAR),
        Misconception(
            "index-is-the-length-in-tensorflow", _index_is_length_in_tensorflow, **_ONE_TOO_FAR
        ),
        Misconception(
            "index-is-the-length-clipped",
            _index_is_length_clipped,
            nudge="Why did the index run past the end, so that you had to hold it back?",
            pointer="Read “Which output is the last?” again, and fill in its small table.",
            explanation="You use the length itself as the number of the last step, and clip it for "
            "the longest sequence. The shorter ones still get the first step of their padding.",
        ),
        Misconception(
            "one-step-early",
            lambda outputs, lengths: outputs[np.arange(len(lengths)), lengths - 2],
            nudge="Which step do you take from a sequence of length 1?",
            pointer="Read “Which output is the last?” again, and fill in its small table.",
            explanation="You take the step before the last one.",
        ),
        Misconception(
            "every-length-for-every-sequence",
            lambda outputs, lengths: outputs[:, lengths - 1],
            nudge="How many time steps should be picked from one sequence, and how many do you pick?",
            pointer="Read “Which output is the last?” again: what does NumPy do with a slice beside "
            "a vector of indices?",
            explanation="A slice for the batch beside a vector of time steps picks all those steps "
            "from *every* sequence. Each sequence needs its own one.",
        ),
        Misconception(
            "lengths-on-the-batch-axis",
            lambda outputs, lengths: outputs.take(lengths - 1, axis=0, mode="wrap"),
            nudge="Which axis do you index with the lengths? Which axis do they count?",
            pointer="Read “Which output is the last?” again.",
            explanation="You index the batch with the lengths: that picks sequences, not steps.",
        ),
        Misconception(
            "longest-for-all",
            lambda outputs, lengths: outputs[:, int(np.max(lengths)) - 1],
            nudge="Do two sequences of different length end at the same column?",
            pointer="Read “Which output is the last?” again.",
            explanation="You take the column in which the longest sequence ends, for all sequences.",
        ),
        Misconception(
            "mean-of-the-real-steps",
            lambda outputs, lengths: np.stack(
                [row[:n].mean(0) for row, n in zip(outputs, lengths, strict=True)]
            ),
            nudge="How many of the real steps of a sequence should be in the result?",
            pointer="Read “Which output is the last?” again.",
            explanation="You average over the real steps. That is a sensible summary of a sequence, "
            "but asked for is the output at its last step.",
        ),
    ),
    nudge="For a sequence of length 2, which column is its last real one?",
    pointer="“Which output is the last?” has a small table to fill in.",
    alternatives={
        "tf.gather": lambda outputs, lengths: _tf().gather(
            outputs, lengths - 1, axis=1, batch_dims=1
        ),
        "tf.gather_nd": _last_gather_nd,
        "a loop": _last_by_loop,
        "one-hot einsum": _last_one_hot,
        "take_along_axis": lambda outputs, lengths: np.take_along_axis(
            outputs, (lengths - 1)[:, None, None], axis=1
        )[:, 0],
    },
)

# ------------------------------------------------------------------------- masked_mean


def _loss_cases(rng: Rng) -> list[Case]:
    def case(name: str, T: int, *lengths: int, tag: str = "numbers") -> Case:
        # Losses grow along the batch, so that sequences of different length differ in their mean.
        drawn = _lengths(rng, *lengths)
        scale = np.linspace(1.0, 3.0, len(lengths))[:, None]
        loss = rng.uniform(0.5, 1.5, (len(lengths), T)) * scale
        loss[~sequence_mask(drawn, T)] *= 2.5
        if tag == "nan":
            loss[~sequence_mask(drawn, T)] = np.nan
        return Case(name, (loss, drawn), frozenset((tag,)))

    return [
        case("lengths that differ", 6, 1, 3, 4, 6),
        case("every sequence shorter than T", 7, 2, 5, 3),
        case("as many sequences as steps", 3, 1, 2, 3),
        case("a batch of one", 5, int(rng.integers(2, 5))),
        case("one time step", 1, 1, 1),
        case("NaN in the padding", 5, 1, 4, 5, tag="nan"),
    ]


def _mask(loss: Array, lengths: Array) -> Array:
    return np.arange(loss.shape[1]) < np.asarray(lengths)[:, None]


def _kept(loss: Array, lengths: Array) -> Array:
    return np.where(_mask(loss, lengths), loss, 0.0)


def _scaled(loss: Array, lengths: Array) -> Array:
    return loss * _mask(loss, lengths)


def _select_and_multiply(
    name: str, mean: Callable[[Array, Any], Any], nudge: str, pointer: str, explanation: str
) -> tuple[Misconception, Misconception]:
    """One mistake by ``mean(masked losses, lengths)``, alone and with multiplying by the mask."""
    return (
        Misconception(
            name,
            lambda loss, lengths: mean(_kept(loss, lengths), lengths),
            nudge,
            pointer,
            explanation,
        ),
        Misconception(
            f"{name}-and-multiplied",
            lambda loss, lengths: mean(_scaled(loss, lengths), lengths),
            nudge,
            pointer,
            f"{explanation} And a second thing: you multiply by the mask, which lets NaN through.",
        ),
    )


def _mean_one_too_many(loss: Array, lengths: Array) -> float:
    mask = np.arange(loss.shape[1]) <= np.asarray(lengths)[:, None]
    return float(loss[mask].mean())


def _masked_mean_tensorflow(loss: Array, lengths: Array) -> Any:
    tf = _tf()
    return tf.reduce_mean(tf.boolean_mask(loss, tf.sequence_mask(lengths, loss.shape[1])))


def _masked_mean_loops(loss: Array, lengths: Array) -> float:
    total = sum(loss[b, t] for b, length in enumerate(lengths) for t in range(length))
    return float(total / sum(lengths))


MASKED_MEAN = Exercise(
    id="masked_mean",
    probe="calls:call",
    reference=masked_mean,
    cases=_loss_cases,
    axes=(),
    aspects=(
        Aspect("one number", 0.5, same_shape),
        Aspect("the mean over the real steps", 2.0, without=frozenset({"nan"})),
        Aspect("whatever stands in the padding", 1.0, tags=frozenset({"nan"})),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("the mean over the real steps",),
        ),
    ),
    misconceptions=(
        Misconception(
            "mean-over-padding",
            lambda loss, lengths: loss.mean(),
            nudge="Where do you use `lengths`?",
            pointer="Read “A mean that counts only real steps” again.",
            explanation="You average over everything, padding included.",
        ),
        *_select_and_multiply(
            "padding-counted",
            lambda kept, lengths: kept.mean(),
            nudge="Your sum is right. How many numbers went into it, and by how many do you divide?",
            pointer="Read “A mean that counts only real steps” again: compare the two denominators.",
            explanation="You set the padding to zero and then divide by all B · T entries, so the "
            "zeros still pull the mean down.",
        ),
        *_select_and_multiply(
            "mean-of-means",
            lambda kept, lengths: (kept.sum(1) / lengths).mean(),
            nudge="Take a sequence of 1 step and one of 9 steps. What share of your result does "
            "the one step have? What share should it have among 10 steps?",
            pointer="Read “A mean that counts only real steps” again, and the question on paper.",
            explanation="You average each sequence first and then the averages: a step in a short "
            "sequence weighs more than a step in a long one.",
        ),
        Misconception(
            "multiplied-by-the-mask",
            lambda loss, lengths: (loss * _mask(loss, lengths)).sum() / np.sum(lengths),
            nudge="What is 0 times NaN?",
            pointer="Read “Select, do not multiply” again.",
            explanation="You multiply by the mask: right for ordinary numbers, but NaN times 0 is "
            "NaN. Padding has to be left out, not scaled down.",
        ),
        *_select_and_multiply(
            "sum-in-place-of-mean",
            lambda kept, lengths: kept.sum(),
            nudge="Would your result grow if the batch held each sequence twice? Should it?",
            pointer="Read “A mean that counts only real steps” again.",
            explanation="You return the sum: it is not divided by the number of real steps.",
        ),
        *_select_and_multiply(
            "divided-by-the-batch",
            lambda kept, lengths: kept.sum() / len(lengths),
            nudge="What is the mean of a loss that is 1 at every real step? What do you return?",
            pointer="Read “A mean that counts only real steps” again.",
            explanation="You divide by the number of sequences, not by the number of real steps.",
        ),
        *_select_and_multiply(
            "one-mean-a-sequence",
            lambda kept, lengths: kept.sum(1) / lengths,
            nudge="How many numbers do you return, and how many can a training step minimise?",
            pointer="Read “A mean that counts only real steps” again.",
            explanation="You return one mean a sequence. Asked for is one number for the batch.",
        ),
        Misconception(
            "one-step-too-many",
            _mean_one_too_many,
            nudge="How many steps of a sequence of length 2 does your sum hold?",
            pointer="Read “Which entries are real?” again: the steps are numbered from 0.",
            explanation="You count one step of padding in each shorter sequence as real.",
        ),
    ),
    nudge="What is summed, and how many numbers are in that sum?",
    pointer="“A mean that counts only real steps” has the formula.",
    alternatives={
        "tf.boolean_mask": _masked_mean_tensorflow,
        "boolean index": lambda loss, lengths: loss[_mask(loss, lengths)].mean(),
        "loops": _masked_mean_loops,
        "np.average": lambda loss, lengths: np.average(
            np.nan_to_num(loss), weights=_mask(loss, lengths)
        ),
        "sequences joined": lambda loss, lengths: np.concatenate(
            [row[:length] for row, length in zip(loss, lengths, strict=True)]
        ).mean(),
    },
)

# ------------------------------------------------------------------------- dynamic_rnn

Step = Callable[[Any, Any], tuple[Any, Any]]


def _reference_dynamic_rnn(step: Step, x: Any, h0: Any, lengths: Any) -> Any:
    from course_lib.unroll.dynamic import dynamic_rnn

    as_written = _tf().autograph.experimental.do_not_convert(dynamic_rnn)  # saves most of a second
    return as_written(step, x, h0, lengths)


def _unroll_cases(rng: Rng) -> list[Case]:
    def case(
        name: str, sizes: tuple[int, int, int, int], *lengths: int, tag: str, how: str = "eager"
    ) -> Case:
        B, T, D, H = sizes
        shapes = [(D, H), (H, H), (H,), (H, H), (H,)]
        scales = [0.6 / np.sqrt(D), 0.8 / np.sqrt(H), 0.4, 1.2 / np.sqrt(H), 0.6]
        weights = [
            rng.normal(0.0, scale, shape).astype(np.float32)
            for scale, shape in zip(scales, shapes, strict=True)
        ]
        x = rng.normal(size=(B, T, D)).astype(np.float32)
        h0 = rng.uniform(0.3, 0.9, (B, H)) * rng.choice([-1.0, 1.0], (B, H))
        inputs = (how, weights, x, h0.astype(np.float32), _lengths(rng, *lengths))
        return Case(name, inputs, frozenset((tag, how)))

    return [
        case("sequences of full length", (3, 4, 2, 5), 4, 4, 4, tag="whole"),
        case("one time step", (2, 1, 4, 3), 1, 1, tag="whole"),
        case("lengths that differ", (4, 5, 2, 3), 1, 3, 4, 5, tag="padded"),
        case("an empty sequence", (3, 4, 5, 2), 0, 2, 3, tag="padded"),
        case("all four sizes equal", (3, 3, 3, 3), 1, 2, 3, tag="padded"),
        case("a batch of one", (1, 4, 3, 2), 2, tag="padded"),
        case("in a graph, T unknown", (3, 5, 2, 4), 5, 5, 5, tag="traced", how="graph"),
        case("differentiated", (2, 3, 4, 5), 3, 3, tag="backward", how="gradients"),
    ]


def _loops_in_the_graph(seen: Comparison) -> Difference | None:
    """Right values from one trace for two sizes of the time axis, computed by a loop."""
    found = same_values(seen)
    if found is None or seen.actual.raised:
        return found
    if isinstance(seen.actual.value, dict) and seen.actual.value.get("has a loop") is False:
        return Difference("there is no loop in the traced graph")
    return found


def _gradients_flow(seen: Comparison) -> Difference | None:
    """Gradients reach x and h0, and are right."""
    for key, name in (("dx", "x"), ("dh0", "h0")):
        if isinstance(seen.actual.value, dict) and seen.actual.value.get(key) is None:
            return Difference(
                f"no gradient reaches {name}: does every number on the way from {name} to the "
                "result stay a tensor?"
            )
    return same_values(seen)


def _loop(
    step: Step,
    x: Any,
    h0: Any,
    lengths: Any,
    *,
    keep: Callable[[Any, Any], Any] = lambda t, lengths: t < lengths,
    output: Callable[..., Any] = lambda tf, alive, y, h, last: tf.where(alive, y, 0.0),
    state: Callable[..., Any] = lambda tf, alive, new, old, y, t, h0: tf.where(alive, new, old),
    start: Callable[..., Any] = lambda tf, h0: h0,
    time: Callable[..., Any] = lambda tf, x: tf.shape(x)[1],
    steps: Callable[..., Any] = lambda tf, T, lengths: T,
    size: Callable[..., Any] = lambda tf, T, lengths: T,
    time_first: Callable[..., Any] = lambda tf, x: tf.transpose(x, [1, 0, 2]),
    batch_first: Callable[..., Any] = lambda tf, y: tf.transpose(y, [1, 0, 2]),
    column: bool = True,
    write: Callable[..., Any] = lambda outputs, t, shown: outputs.write(t, shown),
) -> Any:
    """A loop of which every wrong variant below changes one decision."""
    tf = _tf()

    def run(x: Any, h0: Any, lengths: Any) -> Any:
        T = time(tf, x)
        inputs = tf.TensorArray(x.dtype, size=T).unstack(time_first(tf, x))
        outputs = tf.TensorArray(x.dtype, size=size(tf, T, lengths))

        def body(t: Any, h: Any, last: Any, outputs: Any) -> Any:
            y, new = step(inputs.read(t), h)
            alive = keep(t, lengths)
            alive = alive[:, tf.newaxis] if column else alive
            shown = output(tf, alive, y, new, last)
            outputs = write(outputs, t, shown)
            return t + 1, state(tf, alive, new, h, y, t, h0), shown, outputs

        end = steps(tf, T, lengths)
        first = (tf.constant(0), start(tf, h0), tf.zeros_like(h0), outputs)
        _, h, _, outputs = tf.while_loop(lambda t, *_: t < end, body, first)
        return batch_first(tf, outputs.stack()), h

    return tf.autograph.experimental.do_not_convert(run)(x, h0, lengths)


def _python_loop(step: Step, x: Any, h0: Any, lengths: Any) -> Any:
    tf = _tf()
    h, outputs = h0, []
    for t in range(x.shape[1]):
        y, new = step(x[:, t], h)
        alive = (t < lengths)[:, tf.newaxis]
        outputs.append(tf.where(alive, y, 0.0))
        h = tf.where(alive, new, h)
    return tf.stack(outputs, axis=1), h


def _static_unrolling(step: Step, x: Any, h0: Any, lengths: Any) -> Any:
    h, outputs = h0, []
    for t in range(x.shape[1]):
        y, h = step(x[:, t], h)
        outputs.append(y)
    return _tf().stack(outputs, axis=1), h


def _python_list(step: Step, x: Any, h0: Any, lengths: Any) -> Any:
    tf = _tf()
    h, outputs = h0, []
    for t in tf.range(tf.shape(x)[1]):
        y, new = step(x[:, t], h)
        alive = (t < lengths)[:, tf.newaxis]
        outputs.append(tf.where(alive, y, 0.0))
        h = tf.where(alive, new, h)
    return tf.stack(outputs, axis=1), h


def _python_if(step: Step, x: Any, h0: Any, lengths: Any) -> Any:
    tf = _tf()
    T = tf.shape(x)[1]

    def body(t: Any, h: Any, outputs: Any) -> Any:
        y, new = step(x[:, t], h)
        if t < lengths:
            return t + 1, new, outputs.write(t, y)
        return t + 1, h, outputs.write(t, tf.zeros_like(y))

    first = (tf.constant(0), h0, tf.TensorArray(tf.float32, size=T))
    _, h, outputs = tf.while_loop(lambda t, *_: tf.less(t, T), body, first)
    return tf.transpose(outputs.stack(), [1, 0, 2]), h


def _write_dropped(outputs: Any, t: Any, shown: Any) -> Any:
    outputs.write(t, shown)
    return outputs


def _leaves_tensorflow(step: Step, x: Any, h0: Any, lengths: Any) -> Any:
    h, outputs = h0.numpy(), []
    for t in range(x.shape[1]):
        y, new = step(x[:, t].numpy(), h)
        alive = (t < lengths.numpy())[:, None]
        outputs.append(np.where(alive, y.numpy(), 0.0))
        h = np.where(alive, new.numpy(), h)
    return np.stack(outputs, axis=1), h


def _axes_by_numpy(step: Step, x: Any, h0: Any, lengths: Any) -> Any:
    swapped = partial(np.transpose, axes=(1, 0, 2))
    return _loop(
        step,
        x,
        h0,
        lengths,
        time_first=lambda tf, x: swapped(x),
        batch_first=lambda tf, y: swapped(y),
    )


def _inputs_through_numpy(step: Step, x: Any, h0: Any, lengths: Any) -> Any:
    return _loop(step, np.asarray(x), h0, lengths)


def _last_output_as_state(step: Step, x: Any, h0: Any, lengths: Any) -> Any:
    outputs, _ = _loop(step, x, h0, lengths)
    return outputs, outputs[:, -1]


def _autographed(step: Step, x: Any, h0: Any, lengths: Any) -> Any:
    tf = _tf()
    T = tf.shape(x)[1]
    outputs, h = tf.TensorArray(tf.float32, size=T), h0
    for t in tf.range(T):
        y, new = step(x[:, t], h)
        alive = tf.cast(tf.expand_dims(t < lengths, 1), tf.float32)
        outputs = outputs.write(t, alive * y)
        h = alive * new + (1.0 - alive) * h
    return tf.transpose(outputs.stack(), [1, 0, 2]), h


def _scanned(step: Step, x: Any, h0: Any, lengths: Any) -> Any:
    tf = _tf()
    alive = tf.transpose(tf.sequence_mask(lengths, tf.shape(x)[1]))[:, :, tf.newaxis]

    def one(before: Any, now: Any) -> Any:
        y, h = step(now[0], before[1])
        return tf.where(now[1], y, tf.zeros_like(y)), tf.where(now[1], h, before[1])

    outputs, states = tf.scan(
        one, (tf.transpose(x, [1, 0, 2]), alive), initializer=(tf.zeros_like(h0), h0)
    )
    return tf.transpose(outputs, [1, 0, 2]), states[-1]


def _masked_afterwards(step: Step, x: Any, h0: Any, lengths: Any) -> Any:
    tf = _tf()
    T = tf.shape(x)[1]

    def body(t: Any, h: Any, outputs: Any, states: Any) -> Any:
        y, h = step(tf.gather(x, t, axis=1), h)
        return t + 1, h, outputs.write(t, y), states.write(t + 1, h)

    states = tf.TensorArray(tf.float32, size=T + 1).write(0, h0)
    outputs = tf.TensorArray(tf.float32, size=T)
    *_, outputs, states = tf.while_loop(
        lambda t, *_: tf.less(t, T), body, (tf.constant(0), h0, outputs, states)
    )
    mask = tf.cast(tf.sequence_mask(lengths, T), tf.float32)
    outputs = tf.einsum("tbh,bt->bth", outputs.stack(), mask)
    rows = tf.stack([lengths, tf.range(tf.shape(x)[0])], axis=1)
    return outputs, tf.gather_nd(states.stack(), rows)


_PAST_THE_END = "Read “What happens past the end” again, with its table."
_LOOPING = "Read “A loop that lives in the graph” again."

DYNAMIC_RNN = Exercise(
    id="dynamic_rnn",
    probe="loops:unroll",
    reference=_reference_dynamic_rnn,
    cases=_unroll_cases,
    axes={
        "outputs": ("batch", "time", "hidden"),
        "h_last": ("batch", "hidden"),
        "outputs of a shorter batch": ("batch", "time", "hidden"),
        "dx": ("batch", "time", "features"),
        "dh0": ("batch", "hidden"),
    },
    aspects=(
        Aspect("shapes", 0.5, same_shape, tags=frozenset({"eager"})),
        Aspect("outputs", 0.5, part("outputs"), tags=frozenset({"whole"})),
        Aspect("final state", 0.5, part("h_last"), tags=frozenset({"whole"})),
        Aspect("zero outputs past the end", 1.25, part("outputs"), tags=frozenset({"padded"})),
        Aspect("frozen state past the end", 1.25, part("h_last"), tags=frozenset({"padded"})),
        Aspect(
            "loop in the graph",
            1.5,
            _loops_in_the_graph,
            tags=frozenset({"traced"}),
            needs=("outputs", "final state"),
        ),
        Aspect(
            "gradients",
            0.5,
            _gradients_flow,
            tags=frozenset({"backward"}),
            needs=("outputs", "final state"),
        ),
    ),
    misconceptions=(
        Misconception(
            "lengths-ignored",
            partial(
                _loop,
                output=lambda tf, alive, y, h, last: y,
                state=lambda tf, alive, new, old, y, t, h0: new,
            ),
            nudge="Your loop is right for sequences of full length. Where do you use `lengths`?",
            pointer=_PAST_THE_END,
            explanation="You compute on as if the padding were data: neither the outputs nor the "
            "state know where a sequence ends.",
        ),
        Misconception(
            "state-not-frozen",
            partial(_loop, state=lambda tf, alive, new, old, y, t, h0: new),
            nudge="Your outputs are right. Follow the state of a short sequence by hand: what is it "
            "after the last real step, and what is it two steps later?",
            pointer=_PAST_THE_END,
            explanation="You mask the outputs only. The state goes on changing with every step of "
            "padding.",
        ),
        Misconception(
            "state-zeroed",
            partial(_loop, state=lambda tf, alive, new, old, y, t, h0: tf.where(alive, new, 0.0)),
            nudge="What is the final state of a short sequence: what it knew at its end, or nothing?",
            pointer=_PAST_THE_END,
            explanation="You treat the state like the outputs and set it to zero past the end. That "
            "forgets the sequence just when you need what it left behind.",
        ),
        Misconception(
            "back-to-the-initial-state",
            partial(_loop, state=lambda tf, alive, new, old, y, t, h0: tf.where(alive, new, h0)),
            nudge="Which state do you put back past the end: the one before this step, or the one "
            "before the first step?",
            pointer=_PAST_THE_END,
            explanation="Past the end you fall back to the initial state, not to the latest one.",
        ),
        Misconception(
            "outputs-not-zeroed",
            partial(_loop, output=lambda tf, alive, y, h, last: y),
            nudge="Your state is right. What do you write into the outputs at a step of padding?",
            pointer=_PAST_THE_END,
            explanation="You freeze the state, but what the step makes of the padding still reaches "
            "the outputs.",
        ),
        Misconception(
            "last-output-repeated",
            partial(_loop, output=lambda tf, alive, y, h, last: tf.where(alive, y, last)),
            nudge="What do your outputs hold past the end, and what does the table ask for?",
            pointer=_PAST_THE_END,
            explanation="You repeat the last output past the end. That is what Keras does; asked "
            "for here is the older function's rule.",
        ),
        Misconception(
            "one-step-too-many",
            partial(_loop, keep=lambda t, lengths: t <= lengths),
            nudge="At which step is a sequence of length 2 alive for the last time? And one of "
            "length 0?",
            pointer="Read “Which entries are real?” again: the steps are numbered from 0.",
            explanation="Your sequences live one step too long: the step whose number equals the "
            "length is already padding.",
        ),
        Misconception(
            "one-step-too-few",
            partial(_loop, keep=lambda t, lengths: t < lengths - 1),
            nudge="At which step is a sequence of length 1 alive?",
            pointer="Read “Which entries are real?” again: the steps are numbered from 0.",
            explanation="Your sequences end one step too early: their last real step counts as "
            "padding.",
        ),
        Misconception(
            "one-iteration-short",
            partial(_loop, steps=lambda tf, T, lengths: T - 1),
            nudge="How often does the body of your loop run for T = 1?",
            pointer=_LOOPING,
            explanation="Your loop stops one step early, after T - 1 iterations.",
        ),
        Misconception(
            "cut-at-the-longest",
            partial(
                _loop,
                steps=lambda tf, T, lengths: tf.reduce_max(lengths),
                size=lambda tf, T, lengths: tf.reduce_max(lengths),
            ),
            nudge="How many time steps do the outputs have if no sequence is as long as the batch?",
            pointer=_PAST_THE_END,
            explanation="Your outputs end with the longest sequence. They must be as long as `x`, "
            "however short the sequences are.",
        ),
        Misconception(
            "state-collected",
            partial(_loop, output=lambda tf, alive, y, h, last: tf.where(alive, h, 0.0)),
            nudge="`step` returns two things. Which of them is for the outside, and which for the "
            "next step?",
            pointer="Read “What you are given” again.",
            explanation="You collect the states in place of the outputs. For a basic cell they are "
            "the same; for an LSTM, or for the step of this check, they are not.",
        ),
        Misconception(
            "output-fed-back",
            partial(_loop, state=lambda tf, alive, new, old, y, t, h0: tf.where(alive, y, old)),
            nudge="`step` returns two things. Which of them does the next step need?",
            pointer="Read “What you are given” again.",
            explanation="You hand the output on as the state of the next step.",
        ),
        Misconception(
            "last-output-as-state",
            _last_output_as_state,
            nudge="Is the last output always the final state? Think of a short sequence, and of a "
            "cell whose output is not its state.",
            pointer="Read “What you are given” again.",
            explanation="You return the last column of the outputs as the final state. The loop "
            "already carries the state: return that.",
        ),
        Misconception(
            "initial-state-ignored",
            partial(_loop, start=lambda tf, h0: tf.zeros_like(h0)),
            nudge="What is the state before the first step?",
            pointer="Read “What you are given” again.",
            explanation="Your loop starts from zeros; `h0` is never used.",
        ),
        Misconception(
            "state-not-passed-on",
            partial(_loop, state=lambda tf, alive, new, old, y, t, h0: h0),
            nudge="Which state does the second step start from?",
            pointer=_LOOPING,
            explanation="Every step of yours starts from the initial state: the new state never "
            "becomes a loop variable.",
        ),
        Misconception(
            "outputs-time-major",
            partial(_loop, batch_first=lambda tf, y: y),
            nudge="Along which axis does a TensorArray stack what was written into it?",
            pointer="Read “Time first” again.",
            explanation="Your outputs are still time-major: the axes have to be swapped back.",
        ),
        Misconception(
            "loops-over-the-batch",
            partial(_loop, time_first=lambda tf, x: x),
            nudge="Along which axis does `unstack` cut? What does `read(0)` give you: all sequences "
            "at one time, or all times of one sequence?",
            pointer="Read “Time first” again.",
            explanation="You cut `x` along the batch: your loop walks through the sequences, not "
            "through time.",
        ),
        Misconception(
            "mask-along-the-units",
            partial(_loop, column=False),
            nudge="What is the shape of your mask, and what is the shape of the state that it should "
            "choose from?",
            pointer="Read “Choosing row by row” again.",
            explanation="A mask of shape (B,) is laid along the *last* axis, the hidden units. That "
            "is an error unless B = H, and then it is worse: silently wrong.",
        ),
        Misconception(
            "python-loop",
            _python_loop,
            nudge="Everything is right while T is known. What is `x.shape[1]` while a graph is "
            "traced whose time axis has no fixed size?",
            pointer=_LOOPING,
            explanation="Your loop runs in Python, while the graph is being made: it needs to know T "
            "then, and writes every step out. The loop has to be an operation of the graph.",
        ),
        Misconception(
            "static-unrolling",
            _static_unrolling,
            nudge="That is the network of notebook 2. Which two things does this one do besides?",
            pointer="“What happens past the end” has the first, “A loop that lives in the graph” "
            "the second. Take one after the other.",
            explanation="You unroll in Python, and never look at `lengths`. The loop has to become "
            "an operation of the graph, and it has to know where each sequence ends.",
        ),
        Misconception(
            "python-list-in-the-loop",
            _python_list,
            nudge="What collects your outputs? Is that a thing of Python or of the graph?",
            pointer=_LOOPING + " Its third rule is the one.",
            explanation="You collect the outputs in a Python list. The body of the loop is called "
            "only once while the graph is made, so the list gets one entry, from inside the loop.",
        ),
        Misconception(
            "write-dropped",
            partial(_loop, write=_write_dropped),
            nudge="What does `write` give back, and what do you do with it?",
            pointer=_LOOPING + " Look at what stands below the Fibonacci numbers.",
            explanation="You write into the TensorArray and then go on with the old one. In a graph "
            "`write` changes nothing: it gives back a new array, which has to be handed on.",
        ),
        Misconception(
            "size-asked-of-python",
            partial(_loop, time=lambda tf, x: x.shape[1]),
            nudge="Everything is right while T is known. What is `x.shape[1]` while a graph is "
            "traced whose time axis has no fixed size?",
            pointer=_LOOPING + " “How long is it?” is the passage.",
            explanation="You ask Python for T, by `x.shape[1]`, while the graph is being made, when "
            "nobody knows it yet. Ask the graph.",
        ),
        Misconception(
            "axes-swapped-by-numpy",
            _axes_by_numpy,
            nudge="By which function do you swap the axes? Is your `batch_to_time_major` one of "
            "NumPy's?",
            pointer=_LOOPING + " “Stay in TensorFlow” is the passage.",
            explanation="You swap the axes by NumPy. That works as long as nothing is traced, but no "
            "gradient finds the way back through it, and while a graph is made there are no numbers.",
        ),
        Misconception(
            "python-if",
            _python_if,
            nudge="At one time step, is the answer to “has it ended?” the same for all sequences?",
            pointer="Read “Choosing row by row” again.",
            explanation="An `if` makes one decision for the whole batch, but each sequence needs its "
            "own: the condition is a vector, and the choice has to be made row by row.",
        ),
        Misconception(
            "inputs-through-numpy",
            _inputs_through_numpy,
            nudge="Which function of yours turns `x` into a NumPy array? Is your "
            "`batch_to_time_major` one of NumPy's?",
            pointer=_LOOPING,
            explanation="On its way into the loop `x` passes through NumPy. That works as long as "
            "nothing is traced, but no gradient finds the way back, and a graph has no numbers yet.",
        ),
        Misconception(
            "leaves-tensorflow",
            _leaves_tensorflow,
            nudge="Which lines of yours turn a tensor into a NumPy array?",
            pointer=_LOOPING,
            explanation="You leave TensorFlow in the middle: NumPy arrays have no gradient and "
            "cannot be part of a graph.",
        ),
    ),
    nudge="Which things change from one time step to the next? Those are the loop variables.",
    pointer="“A loop that lives in the graph” shows the parts; “What happens past the end” the rules.",
    alternatives={
        "a Python for over tf.range": _autographed,
        "tf.scan": _scanned,
        "masks after the loop": _masked_afterwards,
        "tf.while_loop": _loop,
    },
)

SHOWN = (
    "cells/base_tf.py",
    "cells/rnn.py",
    "cells/rnn_tf.py",
    "plots/padding.py",
)
"""What of ``course_lib`` a grading kernel shows: what the ordinary cells need, and no answer."""

EXERCISES = (BATCH_TO_TIME_MAJOR, SEQUENCE_MASK, LAST_RELEVANT, MASKED_MEAN, DYNAMIC_RNN)
