"""N07: from the outputs of a network to its targets, and a network that is trained at last."""

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
    Test,
    inputs_unchanged,
    part,
    same_shape,
    same_values,
)
from course_lib.projection import baseline_errors, mse, project, project_tiled
from course_lib.seeds_data import TRAIN_X, TRAIN_Y
from course_lib.shapes import ShapeError
from course_lib.tasks import two_step_sum

Array = np.ndarray
Rng = np.random.Generator

_ONE = frozenset({"one"})
"""Cases in which the batch or time has the size 1, so that a squeeze removes it too."""


def _tf() -> Any:
    """TensorFlow, imported when an exercise is judged that needs it."""
    from course_lib.quiet import tf

    return tf


# ----------------------------------------------------------------------------- project


def _projection_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, H: int, *tags: str) -> Case:
        outputs = rng.uniform(-1, 1, (B, T, H))
        W_out, b_out = rng.normal(size=(H, 1)), rng.choice([-1, 1]) * rng.uniform(0.5, 2, 1)
        return Case(name, (outputs, W_out, b_out), frozenset(tags))

    return [
        case("three sequences of four steps", 3, 4, 10),
        case("as many sequences as steps and units", 4, 4, 4),
        case("one hidden unit", 2, 5, 1),
        case("one time step", 5, 1, 3, "one"),
        case("a batch of one", 1, 4, 2, "one"),
        case("one sequence of one step", 1, 1, 3, "one"),
    ]


def _linear(outputs: Array, W_out: Array, b_out: Array) -> Array:
    return np.asarray(outputs @ W_out + b_out)


def _project_by_loops(outputs: Array, W_out: Array, b_out: Array) -> list[list[float]]:
    return [
        [sum(h * w for h, w in zip(output, W_out[:, 0], strict=True)) + b_out[0] for output in row]
        for row in outputs
    ]


def _project_by_tensorflow(outputs: Array, W_out: Array, b_out: Array) -> Any:
    tf = _tf()
    return tf.squeeze(tf.matmul(outputs, W_out) + b_out, axis=2)


def _project_flat(outputs: Array, W_out: Array, b_out: Array) -> Array:
    batch, time, hidden = outputs.shape
    return (np.dot(outputs.reshape(-1, hidden), W_out) + b_out).reshape(batch, time)


def _time_and_batch_mixed(outputs: Array, W_out: Array, b_out: Array) -> Array:
    batch, time, _ = outputs.shape
    by_time = _linear(np.swapaxes(outputs, 0, 1), W_out, b_out)
    return by_time.reshape(batch, time)


_PROJECT_TEXT = "One number for each step"
_SQUEEZE_TEXT = "Which axis goes?"

PROJECT = Exercise(
    id="project",
    probe="calls:call",
    reference=project,
    cases=_projection_cases,
    axes=("batch", "time"),
    aspects=(
        Aspect("shape", 0.5, same_shape, without=_ONE),
        Aspect("values", 1.5, without=_ONE),
        Aspect("a batch of one, one time step", 1.5, tags=_ONE, needs=("values",)),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("values",)),
    ),
    misconceptions=(
        Misconception(
            "bare-squeeze",
            lambda o, W, b: np.squeeze(_linear(o, W, b)),
            nudge="What is the shape of your result for a single time step? Which axes have the "
            "size 1 then?",
            pointer=f"Read “{_SQUEEZE_TEXT}” again, and do its question on paper.",
            explanation="You remove every axis of size 1, and that is one too many as soon as there "
            "is one sequence or one time step. Say which axis you mean.",
        ),
        Misconception(
            "no-squeeze",
            _linear,
            nudge="How many axes has your result, and how many have the targets?",
            pointer=f"Read “{_SQUEEZE_TEXT}” again.",
            explanation="The matrix product leaves an axis of size 1 at the end, and you return it. "
            "The targets have no such axis.",
        ),
        Misconception(
            "last-step-only",
            lambda o, W, b: _linear(o[:, -1], W, b),
            nudge="How many targets has each sequence, and how many predictions do you make for it?",
            pointer=f"Read “{_PROJECT_TEXT}” again.",
            explanation="You read only the last output. Here every step has a target of its own, so "
            "every step's output is read.",
        ),
        Misconception(
            "last-step-for-all",
            lambda o, W, b: np.repeat(_linear(o[:, -1], W, b), o.shape[1], axis=1),
            nudge="The numbers of a row are all the same. Should they be?",
            pointer=f"Read “{_PROJECT_TEXT}” again.",
            explanation="You read the last output and write its number down for every step.",
        ),
        Misconception(
            "bias-forgotten",
            lambda o, W, b: (o @ W)[:, :, 0],
            nudge="What does the network predict where all outputs are zero? What do you return?",
            pointer=f"Read “{_PROJECT_TEXT}” again, and compare term by term.",
            explanation="You leave the bias `b_out` out.",
        ),
        Misconception(
            "bias-once-a-unit",
            lambda o, W, b: (o * W[:, 0] + b).sum(axis=2),
            nudge="How often is `b_out` added to one prediction? Try it with two hidden units whose "
            "outputs are zero.",
            pointer=f"Read “{_PROJECT_TEXT}” again: where does the sum end?",
            explanation="You add the bias before you sum over the hidden units, so it is counted "
            "once for each unit.",
        ),
        Misconception(
            "not-summed",
            lambda o, W, b: o * W[:, 0] + b,
            nudge="Which sign makes a matrix product, and what does `*` make?",
            pointer=f"Read “{_PROJECT_TEXT}” again: there is a sum over the hidden units.",
            explanation="You multiply entry by entry and never add up over the hidden units.",
        ),
        Misconception(
            "mean-over-units",
            lambda o, W, b: (o * W[:, 0]).mean(axis=2) + b[0],
            nudge="By which factor are your products too small?",
            pointer=f"Read “{_PROJECT_TEXT}” again: is there a mean in it?",
            explanation="You take the mean over the hidden units where the formula has a sum.",
        ),
        Misconception(
            "squashed",
            lambda o, W, b: np.tanh(_linear(o, W, b))[:, :, 0],
            nudge="The targets go up to 15. What is the largest number that you can return?",
            pointer=f"Read “{_PROJECT_TEXT}” again: what is the projection for?",
            explanation="You squash the result with tanh. The outputs have been squashed already; the "
            "projection is what leads out of that range again.",
        ),
        Misconception(
            "negative-cut-off",
            lambda o, W, b: np.maximum(_linear(o, W, b), 0.0)[:, :, 0],
            nudge="Can your result be negative?",
            pointer=f"Read “{_PROJECT_TEXT}” again: nothing stands around the sum.",
            explanation="You apply a relu. The projection is linear, and may be negative.",
        ),
        Misconception(
            "batch-and-time-exchanged",
            lambda o, W, b: _linear(o, W, b)[:, :, 0].T,
            nudge="Which axis of your result counts the sequences?",
            pointer=f"Read “{_PROJECT_TEXT}” again, and the shapes below the formula.",
            explanation="Your result is (T, B): batch and time have changed places.",
        ),
        Misconception(
            "batch-and-time-mixed",
            _time_and_batch_mixed,
            nudge="Compare the first row of your result with the steps of the first sequence, one by "
            "one.",
            pointer=f"Read “{_PROJECT_TEXT}” again. Notebook 3 has the picture: a reshape does not "
            "swap axes.",
            explanation="You work time-major and then reshape: the rows now mix sequences.",
        ),
        Misconception(
            "index-at-the-wrong-end",
            lambda o, W, b: _linear(o, W, b)[0],
            nudge="Print the shape before your index and after it. Which axis has gone?",
            pointer=f"Read “{_SQUEEZE_TEXT}” again: at which end does the axis of size 1 stand?",
            explanation="Your index takes the first sequence and drops the others. The axis that "
            "has to go is the last one.",
        ),
        Misconception(
            "wrong-axis-squeezed",
            lambda o, W, b: np.squeeze(_linear(o, W, b), axis=1),
            nudge="Which axis do you name, and which size has it?",
            pointer=f"Read “{_SQUEEZE_TEXT}” again: at which end does the axis of size 1 stand?",
            explanation="You say which axis is to go, but it is the axis of time. Counting begins "
            "at 0.",
        ),
        Misconception(
            "multiplied-by-a-column",
            lambda o, W, b: (o * W).sum(axis=2) + b,
            nudge="Along which axis does `W_out` of shape (H, 1) run when it meets `outputs` with a "
            "`*`?",
            pointer=f"Read “{_PROJECT_TEXT}” again: which index do `o` and `w` share?",
            explanation="You multiply entry by entry with the column (H, 1): its axis of size H "
            "meets the time steps, not the hidden units. Where T and H happen to be equal that "
            "raises nothing.",
        ),
    ),
    nudge="Take one sequence and one step. Which numbers make its prediction?",
    pointer=f"“{_PROJECT_TEXT}” has the formula, “{_SQUEEZE_TEXT}” the last move.",
    alternatives={
        "loops": _project_by_loops,
        "einsum": lambda o, W, b: np.einsum("bth,h->bt", o, W[:, 0]) + b,
        "tf.squeeze with an axis": _project_by_tensorflow,
        "one flat product": _project_flat,
        "a column as a vector": lambda o, W, b: o @ W[:, 0] + b,
        "float32": lambda o, W, b: project(*(np.float32(a) for a in (o, W, b))),
    },
)

# ----------------------------------------------------------------------- project_tiled


def _tile(
    outputs: Array,
    W_out: Array,
    b_out: Array,
    *,
    expand: Callable[[Array], Array] = lambda W: W[np.newaxis],
    copies: Callable[[Array], tuple[int, ...]] = lambda o: (o.shape[0], 1, 1),
    bias: float = 1.0,
    squeeze: Callable[[Array], Array] = lambda product: product[:, :, 0],
    keep: slice = slice(None),
) -> tuple[Array, list[tuple[int, ...]]]:
    """The detour, with a place for each mistake."""
    expanded = expand(W_out)
    repeated = np.tile(expanded, copies(outputs))
    product = outputs @ repeated + bias * b_out
    pred = squeeze(product)
    return pred, [a.shape for a in (W_out, expanded, repeated, product, pred)][keep]


def _tile_in_tensorflow(outputs: Array, W_out: Array, b_out: Array) -> tuple[Any, list[Any]]:
    tf = _tf()
    expanded = tf.expand_dims(W_out, 0)
    repeated = tf.tile(expanded, [outputs.shape[0], 1, 1])
    product = tf.matmul(outputs, repeated) + b_out
    pred = tf.squeeze(product, axis=-1)
    return pred, [a.shape for a in (W_out, expanded, repeated, product, pred)]


def _tile_by_stack(outputs: Array, W_out: Array, b_out: Array) -> tuple[Array, list[Any]]:
    shapes = [W_out.shape, (1, *W_out.shape)]
    repeated = np.stack([W_out] * len(outputs))
    product = np.einsum("bth,bhk->btk", outputs, repeated) + b_out
    shapes += [repeated.shape, product.shape, product.shape[:2]]
    return product.reshape(product.shape[:2]), shapes


def _tile_by_repeat(outputs: Array, W_out: Array, b_out: Array) -> tuple[Any, ...]:
    one = np.expand_dims(W_out, 0)
    many = np.repeat(one, len(outputs), axis=0)
    rows = [sequence @ weights + b_out for sequence, weights in zip(outputs, many, strict=True)]
    pred = [[float(number[0]) for number in row] for row in rows]
    product, last = np.array(rows).shape, np.array(pred).shape
    return pred, (list(W_out.shape), list(one.shape), list(many.shape), list(product), list(last))


_STAGES = ("W_out", "with one axis more", "tiled", "the product", "the prediction")


def _shapes_on_the_way(seen: Comparison) -> Difference | None:
    expected, actual = seen.expected.value["shapes"], seen.actual.value["shapes"]
    if len(expected) != len(actual):
        return Difference(f"there are {len(actual)} shapes, expected {len(expected)}")
    for stage, wanted, got in zip(_STAGES, expected, actual, strict=True):
        if wanted != got:
            return Difference(f"{stage}: the shape is {tuple(got)}, expected {tuple(wanted)}")
    return None


_TILE_TEXT = "Tiling is not broadcasting"

PROJECT_TILED = Exercise(
    id="project_tiled",
    probe="readout:tiled",
    reference=project_tiled,
    cases=_projection_cases,
    axes={"pred": ("batch", "time"), "shapes": ()},
    aspects=(
        Aspect("the prediction", 1.0, part("pred"), without=_ONE),
        Aspect("the five shapes", 1.5, _shapes_on_the_way, without=_ONE),
        Aspect(
            "a batch of one, one time step",
            1.0,
            lambda seen: part("pred")(seen) or _shapes_on_the_way(seen),
            tags=_ONE,
            needs=("the prediction", "the five shapes"),
        ),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("the prediction",)),
    ),
    misconceptions=(
        Misconception(
            "bare-squeeze",
            partial(_tile, squeeze=np.squeeze),
            nudge="What does your last step remove when there is a single time step?",
            pointer=f"Read “{_SQUEEZE_TEXT}” again. The tutorial does the same.",
            explanation="You remove every axis of size 1, the tutorial's own slip. Say which axis "
            "you mean.",
        ),
        Misconception(
            "broadcast-not-tiled",
            partial(_tile, copies=lambda o: (1, 1, 1)),
            nudge="How many copies of the weights does your third shape show?",
            pointer=f"Read “{_TILE_TEXT}” again. Here you are asked for the detour, copies and all.",
            explanation="You make no copies: the product broadcasts the one that there is. That gives "
            "the same numbers with less work, but here the detour itself is asked for.",
        ),
        Misconception(
            "one-copy-a-step",
            partial(_tile, copies=lambda o: (o.shape[1], 1, 1)),
            nudge="How many copies do you make, and how many matrices of outputs are there to be "
            "multiplied?",
            pointer=f"Read “{_TILE_TEXT}” again: who gets a copy?",
            explanation="You make a copy for each time step. Each *sequence* of the batch gets one.",
        ),
        Misconception(
            "new-axis-at-the-end",
            partial(_tile, expand=lambda W: W[:, :, np.newaxis]),
            nudge="At which end does the batch stand in the outputs? And your new axis?",
            pointer=f"Read “{_TILE_TEXT}” again, and its list of five shapes.",
            explanation="The new axis is to count the sequences, so it belongs in front. You put it "
            "at the end.",
        ),
        Misconception(
            "tiled-along-the-units",
            partial(_tile, copies=lambda o: (1, o.shape[0], 1)),
            nudge="Which axis has become longer by your tiling?",
            pointer=f"Read “{_TILE_TEXT}” again, and its list of five shapes.",
            explanation="You repeat along the hidden units: the copies stand below each other, in one "
            "long matrix, in place of one behind the other.",
        ),
        Misconception(
            "no-squeeze",
            partial(_tile, squeeze=np.array),
            nudge="Compare your fourth shape with your fifth one.",
            pointer=f"Read “{_SQUEEZE_TEXT}” again.",
            explanation="The axis of size 1 that the product leaves is still there.",
        ),
        Misconception(
            "first-shape-left-out",
            partial(_tile, keep=slice(1, None)),
            nudge="With which array does the way begin?",
            pointer=f"Read “{_TILE_TEXT}” again, and its list of five shapes.",
            explanation="Your list starts with the second shape. The first one is that of `W_out` as "
            "you got it.",
        ),
        Misconception(
            "last-shape-left-out",
            partial(_tile, keep=slice(0, -1)),
            nudge="With which array does the way end?",
            pointer=f"Read “{_TILE_TEXT}” again, and its list of five shapes.",
            explanation="Your list ends with the product. The last one is the prediction's.",
        ),
        Misconception(
            "bias-forgotten",
            partial(_tile, bias=0.0),
            nudge="All five shapes are right. Which of the three arguments do you never use?",
            pointer=f"Read “{_PROJECT_TEXT}” again.",
            explanation="You leave the bias `b_out` out; no shape shows it.",
        ),
    ),
    nudge="Write the five shapes down for your own sizes first. Which line of yours makes which?",
    pointer=f"“{_TILE_TEXT}” lists the steps.",
    alternatives={
        "tf.tile": _tile_in_tensorflow,
        "np.stack of copies": _tile_by_stack,
        "np.repeat and a loop": _tile_by_repeat,
        "np.tile": _tile,
    },
)

# --------------------------------------------------------------------------------- mse


def _error_cases(rng: Rng) -> list[Case]:
    def same(name: str, *shape: int) -> Case:
        # Away from zero on average, and errors not near 1: so that squares, roots and means differ.
        target = rng.uniform(1, 8, shape)
        return Case(
            name, (target + rng.uniform(1.5, 4, shape) * rng.choice([-1, 1], shape), target)
        )

    def differ(name: str, pred: tuple[int, ...], target: tuple[int, ...]) -> Case:
        tags = frozenset({"differ"})
        return Case(name, (rng.uniform(1, 8, pred), rng.uniform(1, 8, target)), tags)

    return [
        same("three sequences of four steps", 3, 4),
        same("as many sequences as steps", 4, 4),
        same("a batch of one", 1, 5),
        same("one time step", 6, 1),
        differ("an axis of size 1 was left", (4, 4, 1), (4, 4)),
        differ("an axis was squeezed away", (6,), (6, 1)),
        differ("only the last step was predicted", (3, 1), (3, 4)),
        differ("one sequence's predictions for a batch", (1, 5), (2, 5)),
    ]


def _refusing(wrong: Callable[[Array, Array], Any]) -> Callable[[Array, Array], Any]:
    def checked(pred: Array, target: Array) -> Any:
        if pred.shape != target.shape:
            raise ShapeError("the shapes differ")
        return wrong(pred, target)

    return checked


def _with_and_without_refusal(
    name: str, wrong: Callable[[Array, Array], Any], nudge: str, pointer: str, explanation: str
) -> tuple[Misconception, Misconception]:
    """A wrong mean, by someone who refuses shapes that differ and by someone who does not."""
    return (
        Misconception(name, _refusing(wrong), nudge, pointer, explanation),
        Misconception(
            f"{name}-and-silent-broadcast",
            wrong,
            nudge,
            pointer,
            f"{explanation} And a second thing: shapes that differ are not refused.",
        ),
    )


def _mse_by_loops(pred: Array, target: Array) -> float:
    if pred.shape != target.shape:
        raise ValueError(f"{pred.shape} is not {target.shape}")
    batch, time = pred.shape
    total = sum((pred[b, t] - target[b, t]) ** 2 for b in range(batch) for t in range(time))
    return float(total / (batch * time))


def _mse_by_tensorflow(pred: Array, target: Array) -> Any:
    tf = _tf()
    pred, target = tf.convert_to_tensor(pred), tf.convert_to_tensor(target)
    tf.debugging.assert_equal(pred.shape, target.shape)
    return tf.reduce_mean(tf.square(pred - target))


def _mse_by_dot(pred: Array, target: Array) -> float:
    assert pred.shape == target.shape
    away = (pred - target).ravel()
    return float(np.dot(away, away) / away.size)


def _error_equal(seen: Comparison) -> Difference | None:
    return part("error")(seen)


def _refused(seen: Comparison) -> Difference | None:
    if seen.actual.value["refused"]:
        return None
    if seen.actual.value["nothing came back"]:
        return Difference("nothing came back (None); an error has to be raised")
    return Difference("no error is raised; one has to be")


_MSE_TEXT = "One number for the whole batch"
_SILENT_TEXT = "An error that raises nothing"

MSE = Exercise(
    id="mse",
    probe="readout:call_or_refuse",
    reference=mse,
    cases=_error_cases,
    axes={"error": ()},
    aspects=(
        Aspect("one number", 0.5, part("error", same_shape), without=frozenset({"differ"})),
        Aspect("its value", 1.5, _error_equal, without=frozenset({"differ"})),
        Aspect(
            "shapes that differ are refused",
            1.5,
            _refused,
            tags=frozenset({"differ"}),
            needs=("its value",),
        ),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("its value",)),
    ),
    misconceptions=(
        Misconception(
            "silent-broadcast",
            lambda p, t: np.mean((p - t) ** 2),
            nudge="Subtract an array of shape (6, 1) from one of shape (6,). How many differences do "
            "you get?",
            pointer=f"Read “{_SILENT_TEXT}” again.",
            explanation="The mean is right, but nothing stops two arrays of different shapes: they "
            "are stretched to fit, and you average over pairs that do not belong together.",
        ),
        Misconception(
            "nothing-returned",
            lambda p, t: np.mean((p - t) ** 2) if p.shape == t.shape else None,
            nudge="What happens to a `None` in the next line of a program? Who notices?",
            pointer=f"Read “{_SILENT_TEXT}” again: its last paragraph says what to do.",
            explanation="Where the shapes differ you return nothing and go on. The mistake has to "
            "come to light: raise an error.",
        ),
        Misconception(
            "only-batch-compared",
            lambda p, t: (
                np.mean((p - t) ** 2) if len(p) == len(t) else _refusing(np.subtract)(p, t)
            ),
            nudge="How many axes do you compare, and how many are there?",
            pointer=f"Read “{_SILENT_TEXT}” again: which two shapes are in the picture?",
            explanation="You compare the first axis alone. (6,) and (6, 1) agree in it, and their "
            "difference has 36 entries.",
        ),
        Misconception(
            "only-sizes-compared",
            lambda p, t: (
                np.mean((p - t) ** 2) if p.size == t.size else _refusing(np.subtract)(p, t)
            ),
            nudge="Can two arrays have equally many entries and still be stretched?",
            pointer=f"Read “{_SILENT_TEXT}” again: which two shapes are in the picture?",
            explanation="You compare how many entries there are. (6,) and (6, 1) have equally many, "
            "and their difference has 36.",
        ),
        Misconception(
            "only-axes-counted",
            lambda p, t: (
                np.mean((p - t) ** 2) if p.ndim == t.ndim else _refusing(np.subtract)(p, t)
            ),
            nudge="Can two arrays with equally many axes still be stretched?",
            pointer=f"Read “{_SILENT_TEXT}” again: what is an axis of size 1 stretched to?",
            explanation="You compare how many axes there are. A column (3, 1) has two axes and is "
            "still stretched to (3, 4).",
        ),
        *_with_and_without_refusal(
            "sum",
            lambda p, t: np.sum((p - t) ** 2),
            nudge="Would your result change if every sequence stood in the batch twice? Should it?",
            pointer=f"Read “{_MSE_TEXT}” again: by what is the sum divided?",
            explanation="You return the sum of the squares, not their mean.",
        ),
        *_with_and_without_refusal(
            "one-mean-a-sequence",
            lambda p, t: np.mean((p - t) ** 2, axis=1),
            nudge="How many numbers do you return?",
            pointer=f"Read “{_MSE_TEXT}” again: over which indices does the sum run?",
            explanation="You average over time only, so there is one number for each sequence.",
        ),
        *_with_and_without_refusal(
            "one-mean-a-step",
            lambda p, t: np.mean((p - t) ** 2, axis=0),
            nudge="How many numbers do you return?",
            pointer=f"Read “{_MSE_TEXT}” again: over which indices does the sum run?",
            explanation="You average over the batch only, so there is one number for each time step.",
        ),
        *_with_and_without_refusal(
            "divided-by-the-batch",
            lambda p, t: np.sum((p - t) ** 2) / len(p),
            nudge="What is the mean squared error if every prediction is off by 1? What do you get?",
            pointer=f"Read “{_MSE_TEXT}” again: by what is the sum divided?",
            explanation="You divide by the number of sequences only. There are B · T squares.",
        ),
        *_with_and_without_refusal(
            "root",
            lambda p, t: np.sqrt(np.mean((p - t) ** 2)),
            nudge="What is the mean squared error if every prediction is off by 3? What do you get?",
            pointer=f"Read “{_MSE_TEXT}” again: is there a root in it?",
            explanation="You take the root as well. That is a typical error, in the units of the "
            "target, but not the mean of the squares.",
        ),
        *_with_and_without_refusal(
            "absolute",
            lambda p, t: np.mean(np.abs(p - t)),
            nudge="What is the mean squared error if every prediction is off by 3? What do you get?",
            pointer=f"Read “{_MSE_TEXT}” again: what happens to each difference?",
            explanation="You average how far the predictions are off, without squaring.",
        ),
        *_with_and_without_refusal(
            "squared-after-the-mean",
            lambda p, t: np.mean(p - t) ** 2,
            nudge="One prediction is 2 too high, another 2 too low. What is your result?",
            pointer=f"Read “{_MSE_TEXT}” again: which comes first, the square or the mean?",
            explanation="You square the mean of the differences. Errors in opposite directions cancel "
            "each other before they are squared.",
        ),
        *_with_and_without_refusal(
            "half",
            lambda p, t: np.mean((p - t) ** 2) / 2,
            nudge="What is the mean squared error if every prediction is off by 1? What do you get?",
            pointer=f"Read “{_MSE_TEXT}” again, and compare factor by factor.",
            explanation="You halve it, as some books do so that the derivative looks nicer. Here "
            "there is no such factor.",
        ),
    ),
    nudge="On paper: predictions 1 and 5, targets 2 and 2. What should come out?",
    pointer=f"“{_MSE_TEXT}” has the formula, “{_SILENT_TEXT}” the trap.",
    alternatives={
        "loops": _mse_by_loops,
        "TensorFlow, with an assertion": _mse_by_tensorflow,
        "dot product": _mse_by_dot,
        "np.square": _refusing(lambda p, t: np.square(np.subtract(p, t)).mean()),
    },
)

# --------------------------------------------------------------------- baseline_errors


_CONSTANT = frozenset({"constant"})


def _of_dict(key: str) -> Test:
    """One of the three numbers, after a look at whether there is a dict at all."""

    def test(seen: Comparison) -> Difference | None:
        if not isinstance(seen.actual.value, dict) or key not in seen.actual.value:
            return Difference(f'the result is no dict that has "{key}" in it')
        return part(key)(seen)

    return test


def _baseline_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, D: int) -> Case:
        # The targets need the step before, have an offset and a trend in time, and depend on
        # every feature: so that every shortcut leaves an error of its own.
        x = rng.normal(1.0, 1.0, (B, T, D))
        before = np.concatenate([np.zeros((B, 1)), x[:, :-1, 0]], axis=1)
        slopes = rng.choice([-1, 1], D) * rng.uniform(0.8, 1.6, D)
        y = x @ slopes + before + rng.uniform(2, 4) + 0.5 * np.arange(T)
        return Case(name, (x, y + 0.7 * rng.normal(size=(B, T))))

    seed = (np.array(TRAIN_X, np.float64), np.array(TRAIN_Y, np.float64))
    x, y = two_step_sum(6, 5, rng)
    return [
        case("four sequences of six steps", 4, 6, 2),
        case("as many sequences as steps and features", 4, 4, 4),
        case("a batch of one", 1, 9, 2),
        case("one time step", 8, 1, 3),
        Case("the tutorial's data", seed, _CONSTANT),
        Case("the same rule, other numbers", (x, y), _CONSTANT),
    ]


def _fitted(features: Array, y: Array) -> float:
    """The error of the best linear function of ``features`` ``(N, ...)``."""
    rows, wanted = np.reshape(features, (y.size, -1)), np.ravel(y)
    weights = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return float(np.mean((rows @ weights - wanted) ** 2))


def _ones_beside(x: Array) -> Array:
    return np.concatenate([x, np.ones((*x.shape[:-1], 1))], axis=-1)


def _errors(
    x: Array,
    y: Array,
    zero: Callable[[Array], Any] = lambda y: np.mean(y**2),
    mean: Callable[[Array], Any] = lambda y: np.mean((y - y.mean()) ** 2),
    memoryless: Callable[[Array, Array], float] = lambda x, y: _fitted(_ones_beside(x), y),
) -> dict[str, float]:
    """Three baselines, with a place for each mistake."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return {"zero": float(zero(y)), "mean": float(mean(y)), "memoryless": memoryless(x, y)}


def _with_the_step_before(x: Array, y: Array) -> float:
    before = np.concatenate([np.zeros_like(x[:, :1]), x[:, :-1]], axis=1)
    return _fitted(_ones_beside(np.concatenate([x, before], axis=2)), y)


def _with_the_whole_sequence(x: Array, y: Array) -> float:
    batch, time, _ = x.shape
    whole = np.repeat(x.reshape(batch, 1, -1), time, axis=1)
    return _fitted(_ones_beside(whole), y)


def _rows_in_another_order(x: Array, y: Array) -> float:
    return _fitted(np.swapaxes(_ones_beside(x), 0, 1), y)


def _row_meets_column(x: Array, y: Array) -> float:
    """Predictions ``(N, 1)`` minus targets ``(N,)``: the trap that the notebook tells of."""
    rows, wanted = _ones_beside(x).reshape(y.size, -1), y.ravel()
    weights = np.linalg.lstsq(rows, wanted[:, np.newaxis], rcond=None)[0]
    return float(np.mean((rows @ weights - wanted) ** 2))


def _by_normal_equations(x: Array, y: Array) -> float:
    rows, wanted = _ones_beside(x).reshape(y.size, -1), y.ravel()
    weights = np.linalg.solve(rows.T @ rows, rows.T @ wanted)
    return float(np.mean((rows @ weights - wanted) ** 2))


def _fit_first_sequence(x: Array, y: Array) -> float:
    rows = _ones_beside(x)
    weights = np.linalg.lstsq(rows[0], y[0], rcond=None)[0]
    return float(np.mean((rows @ weights - y) ** 2))


def _errors_in_tensorflow(x: Array, y: Array) -> dict[str, Any]:
    tf = _tf()
    y = tf.cast(y, tf.float64)
    rows = tf.reshape(tf.cast(_ones_beside(np.asarray(x)), tf.float64), (int(tf.size(y)), -1))
    wanted = tf.reshape(y, (-1, 1))
    weights = tf.linalg.lstsq(rows, wanted, fast=False)
    return {
        "memoryless": tf.reduce_mean((rows @ weights - wanted) ** 2),
        "zero": tf.reduce_mean(y**2),
        "mean": tf.math.reduce_variance(y),
    }


def _errors_by_pinv(x: Array, y: Array) -> dict[str, Any]:
    rows = np.array([[*features, 1.0] for sequence in x for features in sequence], float)
    wanted = np.array([target for row in y for target in row], float)
    residual = wanted - rows @ (np.linalg.pinv(rows) @ wanted)
    return {
        "zero": np.dot(wanted, wanted) / wanted.size,
        "mean": np.var(wanted),
        "memoryless": np.dot(residual, residual) / wanted.size,
    }


def _errors_centred(x: Array, y: Array) -> dict[str, Any]:
    x, y = np.asarray(x, float), np.asarray(y, float)
    rows = x.reshape(-1, x.shape[2])
    return {
        "zero": (y**2).mean(),
        "mean": y.var(),
        "memoryless": _fitted(rows - rows.mean(axis=0), y.ravel() - y.mean()),
    }


_BASE_TEXT = "Three predictors without a network"
_FIT_TEXT = "The best one without a memory"

BASELINE_ERRORS = Exercise(
    id="baseline_errors",
    probe="calls:call",
    reference=baseline_errors,
    cases=_baseline_cases,
    axes={"zero": (), "mean": (), "memoryless": ()},
    aspects=(
        Aspect("zero", 0.5, _of_dict("zero"), without=_CONSTANT),
        Aspect("mean", 1.0, _of_dict("mean"), without=_CONSTANT),
        Aspect("memoryless", 2.0, _of_dict("memoryless"), without=_CONSTANT),
        Aspect(
            "the tutorial's data, with a constant feature",
            1.0,
            same_values,
            tags=_CONSTANT,
            needs=("memoryless",),
        ),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("zero", "mean")),
    ),
    misconceptions=(
        Misconception(
            "no-constant",
            partial(_errors, memoryless=_fitted),
            nudge="What does your linear function predict where all features are 0? Can it predict "
            "anything else there?",
            pointer=f"Read “{_FIT_TEXT}” again: what stands in the last column?",
            explanation="Your linear function has no constant term, so it must pass through zero. On "
            "the tutorial's data nobody notices, for its second feature is a constant.",
        ),
        Misconception(
            "step-before-smuggled-in",
            partial(_errors, memoryless=_with_the_step_before),
            nudge="Which inputs may a predictor without a memory look at?",
            pointer=f"Read “{_FIT_TEXT}” again.",
            explanation="Your predictor sees the step before as well. That is a memory of one step.",
        ),
        Misconception(
            "whole-sequence-seen",
            partial(_errors, memoryless=_with_the_whole_sequence),
            nudge="How many columns has your table of features, and how many features has one step?",
            pointer=f"Read “{_FIT_TEXT}” again: what is one row of the table?",
            explanation="A row of your table holds all steps of a sequence. A predictor without a "
            "memory sees one step at a time.",
        ),
        Misconception(
            "a-fit-for-each-step",
            partial(
                _errors,
                memoryless=lambda x, y: float(
                    np.mean([_fitted(_ones_beside(x[:, t]), y[:, t]) for t in range(y.shape[1])])
                ),
            ),
            nudge="How many sets of weights do you fit? Does the predictor know what time it is?",
            pointer=f"Read “{_FIT_TEXT}” again: one function for all steps.",
            explanation="You fit another function at each time step. Such a predictor has no memory "
            "but a clock, and that is more than nothing.",
        ),
        Misconception(
            "a-fit-for-each-sequence",
            partial(
                _errors,
                memoryless=lambda x, y: float(
                    np.mean([_fitted(_ones_beside(a), b) for a, b in zip(x, y, strict=True)])
                ),
            ),
            nudge="How many sets of weights do you fit, and how many does one predictor have?",
            pointer=f"Read “{_FIT_TEXT}” again: one function for all sequences.",
            explanation="You fit another function to each sequence.",
        ),
        Misconception(
            "first-feature-only",
            partial(_errors, memoryless=lambda x, y: _fitted(_ones_beside(x[:, :, :1]), y)),
            nudge="How many features has one step, and how many do you use?",
            pointer=f"Read “{_FIT_TEXT}” again: what is one row of the table?",
            explanation="You use the first feature only. That it is enough on the tutorial's data is "
            "an accident of those data.",
        ),
        Misconception(
            "fitted-to-the-first-sequence",
            partial(_errors, memoryless=_fit_first_sequence),
            nudge="To which sequences do you fit, and on which do you measure?",
            pointer=f"Read “{_FIT_TEXT}” again.",
            explanation="You fit to the first sequence and measure on all. The best function for "
            "all is fitted to all.",
        ),
        Misconception(
            "column-meets-row",
            partial(_errors, memoryless=_row_meets_column),
            nudge="Print the shape of predictions minus targets just before you square it. How many "
            "numbers should there be?",
            pointer="Read “An error that raises nothing” again.",
            explanation="Your predictions are a column, your targets are not (or the other way "
            "round), so every prediction meets every target. Your own `mse` would have refused.",
        ),
        Misconception(
            "memoryless-as-a-sum",
            partial(
                _errors,
                memoryless=lambda x, y: _fitted(_ones_beside(x), y) * y.size,
            ),
            nudge="By which factor is your third number off?",
            pointer="Read “One number for the whole batch” again.",
            explanation="The weights are the best ones, but you return the sum of the squared "
            "errors. `lstsq` hands that over, too; it is not the mean.",
        ),
        Misconception(
            "rows-and-targets-in-different-order",
            partial(_errors, memoryless=_rows_in_another_order),
            nudge="Take the second row of your table and the second target. Are they of the same "
            "sequence and step?",
            pointer=f"Read “{_FIT_TEXT}” again, and step 3 of “Do it in this order”.",
            explanation="Your table runs through the steps first and your targets through the "
            "sequences first: rows meet the targets of others.",
        ),
        Misconception(
            "normal-equations",
            partial(_errors, memoryless=_by_normal_equations),
            nudge="Look at the two columns that the tutorial's table ends with. Do they say two "
            "things or one?",
            pointer=f"Read “{_FIT_TEXT}” again, from “Two traps” on.",
            explanation="You solve the normal equations, and on the tutorial's data they have no "
            "single solution: the constant feature and the column of ones say the same.",
        ),
        Misconception(
            "mean-of-each-step",
            partial(_errors, mean=lambda y: np.mean((y - y.mean(axis=0)) ** 2)),
            nudge="How many different numbers does your “mean” predict?",
            pointer=f"Read “{_BASE_TEXT}” again: always the same number.",
            explanation="Your mean is taken at each time step by itself: it predicts T numbers, not "
            "one.",
        ),
        Misconception(
            "mean-of-each-sequence",
            partial(_errors, mean=lambda y: np.mean((y - y.mean(axis=1, keepdims=True)) ** 2)),
            nudge="How many different numbers does your “mean” predict?",
            pointer=f"Read “{_BASE_TEXT}” again: always the same number.",
            explanation="Your mean is taken for each sequence by itself: it predicts B numbers, not "
            "one.",
        ),
        Misconception(
            "roots",
            lambda x, y: {name: error**0.5 for name, error in _errors(x, y).items()},
            nudge="Compare with the numbers that the text gives. What is 87.75 the square of?",
            pointer="Read “One number for the whole batch” again.",
            explanation="All three are roots: you return typical errors in place of mean squared "
            "ones.",
        ),
        Misconception(
            "sums",
            lambda x, y: {name: error * np.size(y) for name, error in _errors(x, y).items()},
            nudge="Compare with the numbers that the text gives. By which factor are you off?",
            pointer="Read “One number for the whole batch” again.",
            explanation="All three are sums. They should be means over the B · T entries.",
        ),
        Misconception(
            "spread-and-level-exchanged",
            partial(_errors, zero=np.var, mean=lambda y: np.mean(y**2)),
            nudge="Which should be easier to beat: always 0, or always the best constant?",
            pointer=f"Read “{_BASE_TEXT}” again.",
            explanation="You have “zero” and “mean” the wrong way round.",
        ),
        Misconception(
            "variance-of-a-sample",
            partial(_errors, mean=lambda y: np.var(y, ddof=1)),
            nudge="By how many do you divide the sum of the squares: B · T, or one less?",
            pointer=f"Read “{_BASE_TEXT}” again: it is a mean squared error like any other.",
            explanation="You divide by B · T − 1, as statisticians do to estimate a variance. Here it "
            "is a mean over all B · T entries.",
        ),
    ),
    nudge="Each of the three predicts something at every step. Write down what, then use your `mse`.",
    pointer=f"“{_BASE_TEXT}” and “{_FIT_TEXT}” say what each of them may know. If your code met a "
    "singular matrix, the second one has a word on it, too.",
    alternatives={
        "tf.linalg.lstsq": _errors_in_tensorflow,
        "pinv on rows from loops": _errors_by_pinv,
        "centred in place of a constant": _errors_centred,
        "np.linalg.lstsq": _errors,
    },
)

# ---------------------------------------------------------------------- repair_session


def _session_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, D: int, H: int, *tags: str) -> Case:
        x, y = rng.normal(size=(B, T, D)), rng.uniform(1, 4, (B, T))
        return Case(name, (H, int(rng.integers(2**31)), x, y), frozenset(tags))

    return [
        case("three sequences of four steps", 3, 4, 2, 10),
        case("as many sequences as steps, features and units", 3, 3, 3, 3),
        case("one time step", 5, 1, 2, 4, "one"),
        case("a batch of one", 1, 4, 3, 2, "one"),
    ]


def _run_session(
    session: Any,
    x: Array,
    y: Array,
    initialise: str = "1",
    squeeze: Callable[[Array], Array] = lambda out: out[:, :, 0],
    read: Callable[[Array, Any], Array] = lambda outputs, state: outputs,
) -> tuple[Array, Array, Any]:
    """The tutorial's session; ``initialise`` says before which of its four lines weights are drawn."""

    def line(number: int) -> None:
        if str(number) in initialise:
            session.initialise()

    line(1)
    outputs, state = session.run(x)
    line(2)
    repeated = np.tile(np.expand_dims(session.W_out, 0), [len(x), 1, 1])
    line(3)
    shown = read(outputs, state)
    out = shown @ (repeated if shown.ndim == 3 else session.W_out) + session.b_out
    pred = squeeze(out)
    line(4)
    return session.W_out, pred, np.mean((pred - y) ** 2)


def _session_by_project(session: Any, x: Array, y: Array) -> tuple[Any, Any, Any]:
    session.initialise()
    pred = project(session.run(x)[0], session.W_out, session.b_out)
    return session.W_out, pred, mse(pred, y)


def _session_in_tensorflow(session: Any, x: Array, y: Array) -> tuple[Any, Any, Any]:
    tf = _tf()
    session.initialise()
    outputs, _ = session.run(x)
    W_out, b_out = tf.constant(session.W_out), tf.constant(session.b_out)
    pred = tf.squeeze(tf.matmul(outputs, W_out) + b_out, axis=-1)
    return W_out, pred, tf.reduce_mean(tf.square(pred - y))


def _session_by_einsum(session: Any, x: Array, y: Array) -> list[Any]:
    session.initialise()
    W_out, b_out = session.W_out, session.b_out
    pred = np.einsum("bth,hk->bt", session.run(x)[0], W_out) + b_out
    return [W_out.tolist(), pred.tolist(), float(((pred - y) ** 2).sum() / y.size)]


_REPAIR_TEXT = "Find the bug: four draws"

REPAIR_SESSION = Exercise(
    id="repair_session",
    probe="readout:session",
    reference=_session_by_project,
    cases=_session_cases,
    axes={"W_out": ("hidden", "targets"), "pred": ("batch", "time"), "cost": (), "draws": ()},
    aspects=(
        Aspect("weights drawn once", 1.0, part("draws")),
        Aspect("the prediction belongs to them", 1.5, part("pred"), without=_ONE),
        Aspect("W_out belongs to them", 0.5, part("W_out"), without=_ONE),
        Aspect(
            "the cost belongs to them",
            0.5,
            part("cost"),
            without=_ONE,
            needs=("the prediction belongs to them",),
        ),
        Aspect(
            "a batch of one, one time step",
            1.0,
            lambda seen: part("pred")(seen) or part("cost")(seen),
            tags=_ONE,
            needs=("the prediction belongs to them",),
        ),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("the prediction belongs to them",),
        ),
    ),
    misconceptions=(
        Misconception(
            "as-printed",
            partial(_run_session, initialise="1234", squeeze=np.squeeze),
            nudge="Print `session.draws` at the end. How many different networks took part?",
            pointer=f"Read “{_REPAIR_TEXT}” again: what does `initialise` do to weights that have "
            "values already?",
            explanation="Nothing is repaired yet. Every call of `initialise` draws all weights anew, "
            "so outputs, `W_out` and bias come from different networks. There is a second, smaller "
            "bug as well.",
        ),
        Misconception(
            "squeeze-repaired-only",
            partial(_run_session, initialise="1234"),
            nudge="Print `session.draws` at the end. How many different networks took part?",
            pointer=f"Read “{_REPAIR_TEXT}” again: what does `initialise` do to weights that have "
            "values already?",
            explanation="The squeeze is right now. But the weights are still drawn four times, so "
            "the three results come from different networks.",
        ),
        Misconception(
            "draws-repaired-only",
            partial(_run_session, squeeze=np.squeeze),
            nudge="The network is one now. What is the shape of `pred` for a single time step?",
            pointer=f"Read “{_SQUEEZE_TEXT}” again.",
            explanation="The weights are drawn once, as they should be. The second bug is still "
            "there: a squeeze that removes every axis of size 1.",
        ),
        Misconception(
            "no-squeeze",
            partial(_run_session, squeeze=np.array),
            nudge="The network is one now. How many axes has `pred`, and how many has `y`?",
            pointer=f"Read “{_SQUEEZE_TEXT}” again.",
            explanation="The weights are drawn once, as they should be. But now nothing removes the "
            "axis of size 1 that the product leaves.",
        ),
        Misconception(
            "drawn-again-after-the-outputs",
            partial(_run_session, initialise="12"),
            nudge="Which weights made the outputs, and which weights read them?",
            pointer=f"Read “{_REPAIR_TEXT}” again.",
            explanation="After the outputs you draw once more: one network makes the outputs, and "
            "the `W_out` of another one reads them.",
        ),
        Misconception(
            "drawn-again-before-the-bias",
            partial(_run_session, initialise="13"),
            nudge="From which draw is `b_out`, and from which the weights that it is added to?",
            pointer=f"Read “{_REPAIR_TEXT}” again.",
            explanation="Before the product you draw once more, so the bias belongs to another "
            "network than the outputs.",
        ),
        Misconception(
            "drawn-again-before-the-cost",
            partial(_run_session, initialise="14"),
            nudge="Can you get your `pred` again from the `W_out` that you return?",
            pointer=f"Read “{_REPAIR_TEXT}” again.",
            explanation="At the end you draw once more: the `W_out` that you return is not the one "
            "that made the prediction.",
        ),
        Misconception(
            "never-drawn",
            partial(_run_session, initialise=""),
            nudge="Which values do the weights have before the first call of `initialise`?",
            pointer=f"Read “{_REPAIR_TEXT}” again: a session starts without any.",
            explanation="Nothing is drawn before the network runs. Once is right, and never is not.",
        ),
        Misconception(
            "cell-state-projected",
            partial(
                _run_session,
                read=lambda outputs, state: state[0],
                squeeze=lambda out: out,
            ),
            nudge="What is the shape of the array that you project? Where is time in it?",
            pointer="Read “What the cell hands over” again.",
            explanation="You project the cell state c. It is there only for the last step, and it is "
            "not the output. Its column of predictions is then stretched over all time steps.",
        ),
        Misconception(
            "last-hidden-state-projected",
            partial(
                _run_session,
                read=lambda outputs, state: state[1],
                squeeze=lambda out: out,
            ),
            nudge="What is the shape of the array that you project? Where is time in it?",
            pointer="Read “What the cell hands over” again.",
            explanation="You project the final state h: the last output alone. Its column of "
            "predictions is then stretched over all time steps.",
        ),
    ),
    nudge="Mark each line of the printed code with the number of the draw that its weights are from.",
    pointer=f"“{_REPAIR_TEXT}” says what `initialise` does.",
    alternatives={
        "project and mse": _session_by_project,
        "TensorFlow": _session_in_tensorflow,
        "einsum, lists": _session_by_einsum,
        "the printed code, mended": _run_session,
    },
)

# -------------------------------------------------------------------- fit_two_step_sum

SHARE = 0.25
"""A network has learned when its error is under this share of the memoryless baseline's."""


def _reference_fit(network: Any, draw: Any, goal: float, most: int = 400) -> Any:
    from course_lib.fitting import fit_two_step_sum

    return fit_two_step_sum(network, draw, goal, most)


def _fit_cases(rng: Rng) -> list[Case]:
    small = [array / 8 for array in two_step_sum(4, 3, rng)]
    square = [array / 8 for array in two_step_sum(3, 3, rng)]
    x, y = two_step_sum(500, 4, rng)
    memoryless = baseline_errors(x, y)["memoryless"]
    seeds = [int(seed) for seed in rng.integers(2**31, size=3)]
    update = frozenset({"update"})
    return [
        Case("one update", ("one update", [6, seeds[0], *small]), update),
        Case(
            "one update, as many sequences as steps",
            ("one update", [5, seeds[1], *square]),
            update,
        ),
        Case(
            "training",
            ("training", [seeds[2], 32, 0.1 * memoryless, 300, x, y, SHARE * memoryless]),
            frozenset({"training"}),
        ),
    ]


class _Adam:
    """Adam in NumPy: Keras' own takes most of the time of so small an update."""

    def __init__(self, learning_rate: float) -> None:
        self._rate, self._count = learning_rate, 0
        self._means: dict[int, tuple[Array, Array]] = {}

    def apply(self, gradients: Any, variables: Any) -> None:
        if all(gradient is None for gradient in gradients):
            raise ValueError("No gradients provided for any variable.")
        self._count += 1
        for place, (gradient, variable) in enumerate(zip(gradients, variables, strict=True)):
            g = np.asarray(gradient)
            mean, square = self._means.get(place, (np.zeros_like(g), np.zeros_like(g)))
            mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
            self._means[place] = mean, square
            size = np.sqrt(square / (1 - 0.999**self._count)) + 1e-7
            variable.assign_sub(self._rate * mean / (1 - 0.9**self._count) / size)


def _train(
    network: Any,
    draw: Any,
    goal: float,
    most: int = 400,
    *,
    cost_of: Callable[[Any, Any, Any], Any] | None = None,
    of: Callable[[Any], Any] = lambda network: network.trainable_variables,
    sign: float = 1.0,
    reuse: bool = False,
    redraw: bool = False,
    rate: float = 0.03,
    endless: bool = False,
    told: Callable[[Any, Any, Any, float], float] = lambda network, x, y, cost: cost,
    cap: int = 10**6,
) -> list[float]:
    """The loop, with a place for each mistake. A run that gets nowhere need not go on: ``cap``."""
    tf = _tf()
    optimizer = _Adam(rate)
    costs: list[float] = []
    batch = draw() if reuse else None
    while endless or len(costs) < min(most, cap):
        x, y = batch or draw()
        if redraw:
            network.W_out.assign(tf.random.normal(network.W_out.shape, stddev=1.5))
        with tf.GradientTape() as tape:
            out = network.outputs(x) @ network.W_out + network.b_out
            cost = cost_of(tf, out, y) if cost_of else tf.reduce_mean((out[:, :, 0] - y) ** 2)
        variables = of(network)
        gradients = tape.gradient(cost, variables)
        if sign < 0:
            gradients = [-gradient for gradient in gradients]
        optimizer.apply(gradients, variables)
        costs.append(told(network, x, y, float(cost)))
        if costs[-1] < goal:
            break
    return costs


def _cost_again(network: Any, x: Any, y: Any, cost: float) -> float:
    out = network.outputs(x) @ network.W_out + network.b_out
    return float(np.mean((np.asarray(out)[:, :, 0] - y) ** 2))


def _trains_and_returns_nothing(network: Any, draw: Any, goal: float, most: int = 400) -> None:
    _train(network, draw, goal, most)


def _goal_ignored(network: Any, draw: Any, goal: float, most: int = 400) -> list[float]:
    return _train(network, draw, -1.0, most)


def _never_trains(network: Any, draw: Any, goal: float, most: int = 400) -> list[float]:
    tf = _tf()
    x, y = draw()
    out = network.outputs(x) @ network.W_out + network.b_out
    return [float(tf.reduce_mean((out[:, :, 0] - y) ** 2))]


def _fit_in_a_graph(network: Any, draw: Any, goal: float, most: int = 400) -> list[float]:
    tf = _tf()
    optimizer = tf.keras.optimizers.Nadam(0.03)
    optimizer.build(network.trainable_variables)

    def one_update(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            pred = tf.einsum("bth,hk->bt", network.outputs(x), network.W_out) + network.b_out
            cost = tf.reduce_mean(tf.keras.losses.mse(y, pred))
        variables = network.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(cost, variables), variables, strict=True))
        return cost

    update = tf.function(one_update)
    costs = []
    for _ in range(most):
        costs.append(update(*(tf.constant(part) for part in draw())))
        if costs[-1] < goal:
            break
    return costs


def _fit_without_an_optimizer(network: Any, draw: Any, goal: float, most: int = 400) -> list[float]:
    """RMSprop by hand."""
    tf = _tf()
    variables = network.trainable_variables
    squares = [np.zeros(v.shape, np.float32) for v in variables]
    costs = []
    for count in range(1, most + 1):
        x, y = draw()
        with tf.GradientTape() as tape:
            out = tf.matmul(network.outputs(x), network.W_out) + network.b_out
            cost = tf.reduce_mean(tf.square(tf.squeeze(out, axis=2) - y))
        for n, (v, g) in enumerate(zip(variables, tape.gradient(cost, variables), strict=True)):
            squares[n] = 0.9 * squares[n] + 0.1 * g**2
            v.assign_sub(0.02 * g / (np.sqrt(squares[n] / (1 - 0.9**count)) + 1e-7))
        costs.append(float(cost))
        if np.mean(costs[-5:]) < goal:
            break
    return costs


def _fit_by_the_course(network: Any, draw: Any, goal: float, most: int = 400) -> Any:
    from course_lib.training import train

    def loss(x: Any, y: Any) -> Any:
        return mse(project(network.outputs(x), network.W_out, network.b_out), y)

    return train(
        network, loss, lambda rng: draw(), steps=most, learning_rate=0.03, goal=goal
    ).losses


def _same_way(seen: Comparison) -> Difference | None:
    """All weights move, and in the direction that the gradient asks for."""
    expected, actual = seen.expected.value["moved"], seen.actual.value["moved"]
    if seen.actual.value["jumped"] or not actual:
        return Difference("a weight jumped further than a gradient would carry it")
    still = [name for name, moved in actual.items() if not np.any(moved)]
    if still:
        return Difference(f"after an update nothing has moved in {', '.join(still)}")
    for name, wanted in expected.items():
        agreed = float(np.mean(wanted == actual[name]))
        if agreed < 0.9:
            return Difference(
                f"only {100 * agreed:.0f} % of the numbers in {name} move towards a smaller cost"
            )
    return None


def _learned(seen: Comparison) -> Difference | None:
    if seen.actual.value["learned"]:
        return None
    return Difference(
        "on 500 fresh sequences the mean squared error is not under a quarter of the memoryless "
        "baseline"
    )


def _new_sequences(seen: Comparison) -> Difference | None:
    if not seen.actual.value["most"]:
        return Difference("there are more updates than `most` allows")
    if not seen.actual.value["new sequences"]:
        return Difference("there are more updates than batches drawn")
    return None


def _goal_kept(seen: Comparison) -> Difference | None:
    if seen.actual.value["goal"]:
        return None
    return Difference("it goes on to the last update, long after a cost was under `goal`")


def _costs_told(seen: Comparison) -> Difference | None:
    if seen.actual.value["costs"] is None:
        return Difference("the result is no list of costs")
    return part("costs", same_values)(seen)


_LOOP_TEXT = "The loop"
_GRADIENT_TEXT = "One update, in slow motion"
_FRESH_TEXT = "Learned, or learned by heart?"

FIT_TWO_STEP_SUM = Exercise(
    id="fit_two_step_sum",
    probe="readout:fit",
    reference=_reference_fit,
    cases=_fit_cases,
    tolerance=2e-3,
    seconds=30.0,
    aspects=(
        Aspect("an update moves every weight downhill", 2.0, _same_way, tags=frozenset({"update"})),
        Aspect(
            "the costs are told",
            0.5,
            _costs_told,
            tags=frozenset({"update"}),
            needs=("an update moves every weight downhill",),
        ),
        Aspect(
            "it has learned the rule, judged on fresh sequences",
            2.0,
            _learned,
            tags=frozenset({"training"}),
        ),
        Aspect(
            "it stops at the goal",
            0.5,
            _goal_kept,
            tags=frozenset({"training"}),
            needs=("it has learned the rule, judged on fresh sequences",),
        ),
        Aspect(
            "new sequences for each update",
            1.0,
            _new_sequences,
            tags=frozenset({"training"}),
            needs=("it has learned the rule, judged on fresh sequences",),
        ),
    ),
    misconceptions=(
        Misconception(
            "never-trains",
            _never_trains,
            nudge="Compare the weights before and after your function ran. Which of them changed?",
            pointer=f"Read “{_GRADIENT_TEXT}” again.",
            explanation="You compute a cost and change nothing. That is where the tutorial stops, "
            "too: a cost is a measurement, not a training.",
        ),
        Misconception(
            "one-update-only",
            partial(_train, cap=1),
            nudge="How many costs does your function return when `most` is 300?",
            pointer=f"Read “{_LOOP_TEXT}” again.",
            explanation="You make one update and stop. It goes in the right direction, but a single "
            "one is far from enough.",
        ),
        Misconception(
            "too-slow",
            partial(_train, rate=0.001, cap=20),
            nudge="Print the cost of every tenth update. Does it fall, and how far does it still have "
            "to go when your loop ends?",
            pointer=f"Read “{_LOOP_TEXT}” again: it names a learning rate.",
            explanation="Every update goes in the right direction, but all of them together do not "
            "lead far enough: the learning rate is too small (Adam's own default is 0.001), or the "
            "loop ends too early.",
        ),
        Misconception(
            "most-ignored",
            partial(_train, endless=True),
            nudge="What ends your loop when the goal is never reached?",
            pointer=f"Read “{_LOOP_TEXT}” again: “in any case after `most` updates”.",
            explanation="Your loop ends on success only. With a goal that is out of reach, or a bug "
            "inside, it would go on for ever.",
        ),
        Misconception(
            "goal-ignored",
            _goal_ignored,
            nudge="How many costs does your function return, and which is the first one under `goal`?",
            pointer=f"Read “{_LOOP_TEXT}” again: when is it to stop?",
            explanation="The network learns, but your loop never looks at `goal` and always makes "
            "all the updates that it may.",
        ),
        Misconception(
            "nothing-returned",
            _trains_and_returns_nothing,
            nudge="What does your function return when the loop is over?",
            pointer=f"Read “{_LOOP_TEXT}” again, and the last line of the docstring.",
            explanation="The network is trained as it should be, but the list of the costs is not "
            "returned.",
        ),
        Misconception(
            "cost-after-the-update",
            partial(_train, told=_cost_again),
            nudge="With which weights do you compute the cost that you note: those before the update "
            "or those after it?",
            pointer="Read the last line of the docstring again.",
            explanation="You measure again after the weights have moved. The list is to hold the "
            "cost that the update was made with.",
        ),
        Misconception(
            "uphill",
            partial(_train, sign=-1.0, cap=20),
            nudge="Do your costs fall or rise?",
            pointer=f"Read “{_GRADIENT_TEXT}” again: in which direction does the gradient point?",
            explanation="You go uphill: weights have to move *against* the gradient. An optimizer "
            "turns the sign itself.",
        ),
        Misconception(
            "read-out-only",
            partial(_train, of=lambda network: [network.W_out, network.b_out], cap=40),
            nudge="Does the LSTM learn anything? Which variables do you hand to the optimizer, and "
            "where does `network.outputs` run: inside the tape's block or before it?",
            pointer=f"Read “{_GRADIENT_TEXT}” again, the list of variables and “Two ways to lose the "
            "trail”.",
            explanation="You train `W_out` and `b_out` and leave the LSTM with its first, random "
            "weights: either its variables are not handed over, or its outputs were computed before "
            "the tape began.",
        ),
        Misconception(
            "last-step-only",
            partial(
                _train,
                cost_of=lambda tf, out, y: tf.reduce_mean((out[:, -1, 0] - y[:, -1]) ** 2),
                cap=40,
            ),
            nudge="How many of the four predictions of a sequence does your cost look at?",
            pointer=f"Read “{_PROJECT_TEXT}” again.",
            explanation="Your cost looks at the last step alone. What the network says before is "
            "nobody's concern, and so it says anything.",
        ),
        Misconception(
            "silent-broadcast",
            partial(_train, cost_of=lambda tf, out, y: tf.reduce_mean((out - y) ** 2)),
            nudge="Which shape has your prediction when it meets the targets?",
            pointer=f"Read “{_SILENT_TEXT}” again.",
            explanation="An axis of size 1 is left in your prediction. Where there are as many "
            "sequences as steps it is stretched, silently; elsewhere it raises an error.",
        ),
        Misconception(
            "redrawn-at-each-update",
            partial(_train, redraw=True, cap=10),
            nudge="How far do the weights move in one update? Is that a step or a leap?",
            pointer=f"Read “{_REPAIR_TEXT}” again.",
            explanation="You draw `W_out` anew at each update: whatever was learned is thrown away. "
            "An initialiser inside the loop does that, too.",
        ),
        Misconception(
            "one-batch-again-and-again",
            partial(_train, reuse=True),
            nudge="How often do you call `draw`?",
            pointer=f"Read “{_FRESH_TEXT}” again.",
            explanation="You draw one batch and train on it again and again. With 32 sequences that "
            "may still go well; with the tutorial's three it is learned by heart.",
        ),
        Misconception(
            "sum-in-place-of-mean",
            partial(
                _train,
                cost_of=lambda tf, out, y: tf.reduce_sum((out[:, :, 0] - y) ** 2),
                cap=120,
            ),
            nudge="Can your cost be compared with `goal`? By which factor is it off?",
            pointer=f"Read “{_MSE_TEXT}” again.",
            explanation="Your cost is a sum over the batch, while `goal` is a mean. It is never "
            "reached, and the training goes on to the last update.",
        ),
        Misconception(
            "cost-by-numpy",
            partial(_train, cost_of=lambda tf, out, y: np.mean((out[:, :, 0] - y) ** 2)),
            nudge="Print the type of your cost. Is it a tensor?",
            pointer=f"Read “{_GRADIENT_TEXT}” again, from “Two ways to lose the trail” on.",
            explanation="Your cost is computed by NumPy (by `np.mean`, perhaps inside your own `mse`). "
            "It is a plain number then, and the tape does not know where it came from.",
        ),
        Misconception(
            "no-gradient-arrives",
            partial(
                _train,
                cost_of=lambda tf, out, y: tf.reduce_mean((np.asarray(out)[:, :, 0] - y) ** 2),
            ),
            nudge="Print what the tape gives you. Which of your lines stand inside its `with` block, "
            "and which of those are NumPy's?",
            pointer=f"Read “{_GRADIENT_TEXT}” again, from “Two ways to lose the trail” on.",
            explanation="Between the variables and the cost the trail is broken, so no gradient "
            "arrives: something on the way is computed by NumPy, or outside of the tape's block.",
        ),
    ),
    nudge="Which four things happen in one update? Do them once, by hand, in a cell of your own.",
    pointer=f"“{_GRADIENT_TEXT}” has the parts, “{_LOOP_TEXT}” puts them together.",
    alternatives={
        "in a graph, Nadam": _fit_in_a_graph,
        "RMSprop by hand": _fit_without_an_optimizer,
        "course_lib.train": _fit_by_the_course,
    },
)


SHOWN = (
    "cells/base_tf.py",
    "cells/gated.py",
    "cells/lstm.py",
    "cells/lstm_tf.py",
    "cells/state.py",
    "plots/readout.py",
    "readout.py",
    "tasks.py",
)
"""What of ``course_lib`` a grading kernel shows: what the ordinary cells need, and no answer."""

EXERCISES = (PROJECT, PROJECT_TILED, MSE, BASELINE_ERRORS, REPAIR_SESSION, FIT_TWO_STEP_SUM)
