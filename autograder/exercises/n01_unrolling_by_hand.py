"""N01: one set of weights, used at every time step."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from autograder.compare import Axes, Difference, compare_values
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
from course_lib.cells.rnn import concat_kernel, rnn_step
from course_lib.detective import recover_wx
from course_lib.seeds_data import X0_BATCH, X1_BATCH, Y0_PRINTED

Array = np.ndarray
Rng = np.random.Generator
Pair = tuple[Array, Array]

SIZES = {
    "four instances": (4, 3, 5),
    "a batch of one": (1, 2, 3),
    "as many features as hidden units": (2, 4, 4),
}
"""Name of a case: batch, features, hidden."""


def _weights(rng: Rng, features: int, hidden: int) -> tuple[Array, Array, Array]:
    """Wx, Wh, b of a size at which tanh bends but does not saturate."""
    return (
        rng.normal(0.0, 0.6, (features, hidden)),
        rng.normal(0.0, 0.6, (hidden, hidden)),
        rng.normal(0.0, 0.5, hidden),
    )


def _sigmoid(a: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-a)))


# ---- rnn_step


def _step_cases(rng: Rng) -> list[Case]:
    def draw(B: int, D: int, H: int, state: bool) -> tuple[Array, ...]:
        h = rng.uniform(-0.9, 0.9, (B, H)) if state else np.zeros((B, H))
        return (rng.normal(size=(B, D)), h, *_weights(rng, D, H))

    return [
        Case("a state of zeros", draw(3, 2, 4, state=False), frozenset({"no state"})),
        *(
            Case(name, draw(*sizes, state=True), frozenset({"state"}))
            for name, sizes in SIZES.items()
        ),
    ]


def _wh_transposed(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    return np.tanh(x @ Wx + h @ Wh.T + b)


def _no_tanh(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    return np.asarray(x @ Wx + h @ Wh + b)


def _h_ignored(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    return np.tanh(x @ Wx + b)


def _bias_ignored(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    return np.tanh(x @ Wx + h @ Wh)


def _sigmoid_step(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    return _sigmoid(x @ Wx + h @ Wh + b)


def _relu_step(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    return np.maximum(0.0, x @ Wx + h @ Wh + b)


def _tanh_of_each_term(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    return np.tanh(x @ Wx) + np.tanh(h @ Wh) + b


def _h_without_weights(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    return np.tanh(x @ Wx + h + b)


def _bias_outside(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    return np.tanh(x @ Wx + h @ Wh) + b


def _state_overwritten(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    h[:] = np.tanh(x @ Wx + h @ Wh + b)
    return h


def _pair(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    y = np.tanh(x @ Wx + h @ Wh + b)
    return y, y


def _step_by_loops(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> list[list[float]]:
    result = []
    for n in range(len(x)):
        row = []
        for j in range(len(b)):
            total = b[j]
            for d in range(len(Wx)):
                total += x[n][d] * Wx[d][j]
            for i in range(len(Wh)):
                total += h[n][i] * Wh[i][j]
            row.append(float(np.tanh(total)))
        result.append(row)
    return result


def _step_by_concatenation(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    return np.tanh(np.dot(np.hstack([x, h]), np.vstack([Wx, Wh])) + b)


def _step_by_columns(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    return np.tanh(Wx.T @ x.T + Wh.T @ h.T + b[:, None]).T


def _step_in_float32(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    x, h, Wx, Wh, b = (a.astype(np.float32) for a in (x, h, Wx, Wh, b))
    a = x @ Wx + h @ Wh + b
    return np.asarray((np.exp(2 * a) - 1) / (np.exp(2 * a) + 1))


def _step_by_tensorflow(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Any:
    from course_lib.quiet import tf

    return tf.tanh(tf.matmul(x, Wx) + tf.matmul(h, Wh) + b)


WH_TRANSPOSED = {
    "nudge": "Which index of `Wh` belongs to the unit that a signal comes from, and which to the "
    "unit that it goes to?",
    "pointer": "Read “Shapes first” again: the batch is the rows, so weights stand on the right.",
    "explanation": "You multiply by the transpose of `Wh`: each unit hears the units that it should "
    "talk to. The shapes cannot tell, because `Wh` is square.",
}
H_IGNORED = {
    "nudge": "Call your function twice with the same `x` and two different `h`. What changes?",
    "pointer": "“The idea: one step, used again” says what the state is for.",
    "explanation": "The previous state has no influence on your result. This is an ordinary dense "
    "layer: it has forgotten everything before this step.",
}
BIAS_IGNORED = {
    "nudge": "With `x` and `h` all zero, what should come out, and what does your function return?",
    "pointer": "“One step” has the equation: count its terms, and yours.",
    "explanation": "The bias is missing from your sum.",
}
SIGMOID = {
    "nudge": "Can your function ever return a negative number? Should it?",
    "pointer": "“The idea: one step, used again” names the function that squashes, and its range.",
    "explanation": "You squash with the sigmoid, which gives values from 0 to 1; this cell's outputs "
    "lie between −1 and 1.",
}
NO_TANH = {
    "nudge": "How large can an entry of your result become if you double `x` again and again?",
    "pointer": "“The idea: one step, used again”: the last thing that happens in a step.",
    "explanation": "You return the weighted sum itself (the pre-activation). Nothing squashes it, so "
    "over many steps it can grow without bound.",
}

RNN_STEP = Exercise(
    id="rnn_step",
    probe="calls:call",
    reference=rnn_step,
    cases=_step_cases,
    axes=("batch", "hidden"),
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("values, state of zeros", 1.0, tags=frozenset({"no state"})),
        Aspect("values, any state", 2.0, tags=frozenset({"state"})),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("values, any state",)),
    ),
    misconceptions=(
        Misconception("wh-transposed", _wh_transposed, **WH_TRANSPOSED),
        Misconception("no-tanh", _no_tanh, **NO_TANH),
        Misconception("h-ignored", _h_ignored, **H_IGNORED),
        Misconception("bias-ignored", _bias_ignored, **BIAS_IGNORED),
        Misconception("sigmoid", _sigmoid_step, **SIGMOID),
        Misconception(
            "relu",
            _relu_step,
            nudge="Where do the negative numbers of the weighted sum go in your function?",
            pointer=SIGMOID["pointer"],
            explanation="You cut negative values off (a ReLU). This cell keeps their sign and "
            "squashes both sides.",
        ),
        Misconception(
            "tanh-of-each-term",
            _tanh_of_each_term,
            nudge="What is the largest value that your result can take? Is it below 1?",
            pointer="“One step” has the equation: look at what stands inside the brackets.",
            explanation="You squash the terms one by one and add afterwards. A neuron adds up all "
            "that it hears first, and is squashed once.",
        ),
        Misconception(
            "bias-outside",
            _bias_outside,
            nudge="What is the largest value that your result can take? Is it below 1?",
            pointer="“One step” has the equation: look at what stands inside the brackets.",
            explanation="You add the bias after the squashing. It belongs to the sum that is "
            "squashed: it moves the point at which the neuron switches over.",
        ),
        Misconception(
            "h-without-weights",
            _h_without_weights,
            nudge="Can unit 0 hear what unit 1 said at the step before, in your function?",
            pointer="“Shapes first”: what `Wh` is for, row by row and column by column.",
            explanation="You add the state itself. Each unit then hears only itself; `Wh` is what "
            "lets the units hear one another.",
        ),
        Misconception(
            "returns-a-pair",
            _pair,
            nudge="How many arrays does the docstring ask for, and how many do you return?",
            pointer="The docstring of `rnn_step`: what it returns.",
            explanation="You return output and state as two things. In this cell they are one, and "
            "one array is asked for.",
        ),
        Misconception(
            "state-overwritten",
            _state_overwritten,
            nudge="Print `h` before and after a call of your function.",
            pointer="The docstring of `rnn_step`: what it returns, and what stays as it is.",
            explanation="Your numbers are right, but you write them into the array `h` that you were "
            "given. Whoever called you still needs the old state.",
        ),
    ),
    nudge="Write the three terms of the sum on three lines and print the shape of each. Which line "
    "does not give `(B, H)`?",
    pointer="“Shapes first” has the table of shapes, “One step” the equation.",
    alternatives={
        "loops": _step_by_loops,
        "concatenation": _step_by_concatenation,
        "columns": _step_by_columns,
        "einsum": lambda x, h, Wx, Wh, b: np.tanh(
            np.einsum("bd,dj->bj", x, Wx) + np.einsum("bi,ij->bj", h, Wh) + b
        ),
        "exponentials in float32": _step_in_float32,
        "tensorflow": _step_by_tensorflow,
    },
)


# ---- unroll_two_steps


def _two_steps(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    y0 = rnn_step(x0, np.zeros((len(x0), len(b))), Wx, Wh, b)
    return y0, rnn_step(x1, y0, Wx, Wh, b)


def _two_steps_cases(rng: Rng) -> list[Case]:
    return [
        Case(name, (rng.normal(size=(B, D)), rng.normal(size=(B, D)), *_weights(rng, D, H)))
        for name, (B, D, H) in SIZES.items()
    ]


def _output(place: int) -> Callable[[Comparison], Difference | None]:
    """Whether the output of one time step is right; the wording calls it y0 or y1."""

    def test(seen: Comparison) -> Difference | None:
        value = seen.actual.value
        if not isinstance(value, list | np.ndarray) or len(value) != 2:
            return same_shape(seen)
        found = compare_values(
            seen.expected.value[place], value[place], ("batch", "hidden"), seen.tolerance
        )
        return Difference(f"y{place}: {found}") if found else None

    return test


def _bias_at_first_step(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    y0 = np.tanh(x0 @ Wx + b)
    return y0, np.tanh(x1 @ Wx + y0 @ Wh)


def _bias_at_second_step(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    y0 = np.tanh(x0 @ Wx)
    return y0, np.tanh(x1 @ Wx + y0 @ Wh + b)


def _separate_weights(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    y0 = np.tanh(x0 @ Wx + b)
    own = np.random.default_rng(0).normal(size=Wx.shape)
    return y0, np.tanh(x1 @ own + y0 @ Wh + b)


def _y0_as_input(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    y0 = np.tanh(x0 @ Wx + b)
    return y0, np.tanh(y0 @ Wx + y0 @ Wh + b)


def _second_layer(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    y0 = np.tanh(x0 @ Wx + b)
    return y0, np.tanh(y0 @ Wh + b)


def _right_to_left(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    y1 = np.tanh(x1 @ Wx + b)
    return np.tanh(x0 @ Wx + y1 @ Wh + b), y1


def _no_memory(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    return np.tanh(x0 @ Wx + b), np.tanh(x1 @ Wx + b)


def _state_before_tanh(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    a0 = x0 @ Wx + b
    return np.tanh(a0), np.tanh(x1 @ Wx + a0 @ Wh + b)


def _swapped_results(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    y0, y1 = _two_steps(x0, x1, Wx, Wh, b)
    return y1, y0


def _first_state_of_ones(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    y0 = np.tanh(x0 @ Wx + np.ones((len(x0), len(b))) @ Wh + b)
    return y0, np.tanh(x1 @ Wx + y0 @ Wh + b)


def _notebook_arrays(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Pair:
    X0, X1 = (X.astype(float) for X in (X0_BATCH, X1_BATCH))
    y0 = np.tanh(X0 @ Wx + b)
    return y0, np.tanh(X1 @ Wx + y0 @ Wh + b)


def _only_last(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    return _two_steps(x0, x1, Wx, Wh, b)[1]


def _two_steps_by_loop(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> list[Array]:
    h, outputs = np.zeros((x0.shape[0], Wh.shape[0])), []
    for x in (x0, x1):
        h = np.tanh(x @ Wx + h @ Wh + b)
        outputs.append(h)
    return outputs


def _two_steps_stacked(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    hoisted = np.einsum("tbd,dh->tbh", np.stack([x0, x1]), Wx) + b
    y0 = np.tanh(hoisted[0])
    return np.stack([y0, np.tanh(hoisted[1] + y0.dot(Wh))])


def _two_steps_by_lists(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Any:
    y0 = _step_by_loops(x0, np.zeros((len(x0), len(b))), Wx, Wh, b)
    return y0, _step_by_loops(x1, np.array(y0), Wx, Wh, b)


def _two_steps_by_tensorflow(x0: Array, x1: Array, Wx: Array, Wh: Array, b: Array) -> Any:
    y0 = _step_by_tensorflow(x0, np.zeros((len(x0), len(b))), Wx, Wh, b)
    return y0, _step_by_tensorflow(x1, y0, Wx, Wh, b)


BIAS_AT_ONE_STEP = {
    "nudge": "How many biases does the network have, and at how many steps does each of your two "
    "lines add one?",
    "pointer": "“The idea: one step, used again”: which letters in the equation carry a `t`?",
}
BACK_TO_FRONT = "“Two steps”: in which direction does the arrow between the two steps point?"

UNROLL_TWO_STEPS = Exercise(
    id="unroll_two_steps",
    probe="calls:call",
    reference=_two_steps,
    cases=_two_steps_cases,
    axes=[("batch", "hidden"), ("batch", "hidden")],
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("first output", 1.0, _output(0)),
        Aspect("second output", 2.0, _output(1)),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("first output", "second output"),
        ),
    ),
    misconceptions=(
        Misconception(
            "bias-only-at-first-step",
            _bias_at_first_step,
            explanation="The bias is missing at `t = 1`. It is a weight like the others: shared by "
            "all steps.",
            **BIAS_AT_ONE_STEP,
        ),
        Misconception(
            "bias-only-at-second-step",
            _bias_at_second_step,
            explanation="The bias is missing at `t = 0`. It is a weight like the others: shared by "
            "all steps.",
            **BIAS_AT_ONE_STEP,
        ),
        Misconception(
            "separate-weights",
            _separate_weights,
            nudge="How many matrices multiply an input in your function, and how many were given?",
            pointer="“The idea: one step, used again”: what is the same at every step?",
            explanation="You make new weights for the second step. Both steps use the very weights "
            "that are passed in: that is what makes the network recurrent.",
        ),
        Misconception(
            "y0-fed-as-x1",
            _y0_as_input,
            nudge="A step takes an input and a state. Which of your arrays takes which place at "
            "`t = 1`?",
            pointer="“Two steps”: follow both arrows that arrive at `t = 1`.",
            explanation="You feed `y0` in the place of `x1`. The second step has an input of its "
            "own; the first output arrives as its state.",
        ),
        Misconception(
            "x1-ignored",
            _second_layer,
            nudge="Change `x1` and call your function again. Does anything change?",
            pointer="“Two steps”: follow both arrows that arrive at `t = 1`.",
            explanation="`x1` has no influence: you built a second layer on top of the first. In a "
            "recurrent network a new input arrives at every step.",
        ),
        Misconception(
            "right-to-left",
            _right_to_left,
            nudge="Which output could be computed before `x1` had arrived?",
            pointer=BACK_TO_FRONT,
            explanation="Your state flows from the second step back to the first: `y0` knows the "
            "future. The first step starts from zeros, the second from the first's output.",
        ),
        Misconception(
            "no-memory",
            _no_memory,
            nudge="Change `x0` and call your function again. Does `y1` change?",
            pointer=BACK_TO_FRONT,
            explanation="The second step starts from zeros again. Nothing of the first step reaches "
            "it, so this network has no memory.",
        ),
        Misconception(
            "state-before-tanh",
            _state_before_tanh,
            nudge="Which numbers does the second step receive from the first: can one be larger "
            "than 1?",
            pointer="“The idea: one step, used again”: is the state taken before or after the "
            "squashing?",
            explanation="You hand on the weighted sum before it is squashed. The state is the output "
            "itself.",
        ),
        Misconception(
            "results-exchanged",
            _swapped_results,
            nudge="In which order are the two results asked for?",
            pointer="The docstring of `unroll_two_steps`: what it returns.",
            explanation="Both outputs are right, but you return the later one first.",
        ),
        Misconception(
            "first-state-of-ones",
            _first_state_of_ones,
            nudge="Before anything has been read, what should the network remember?",
            pointer="“Two steps”: the state before the first step.",
            explanation="Your first state is not zero. A network that has read nothing has nothing "
            "to hand on.",
        ),
        Misconception(
            "arrays-of-the-notebook",
            _notebook_arrays,
            nudge="Call your function with other inputs than `X0` and `X1`. Does the result change?",
            pointer="The docstring of `unroll_two_steps`: the names of its arguments.",
            explanation="Your function reads `X0` and `X1`, the arrays of the notebook, in place of "
            "its own arguments `x0` and `x1`.",
        ),
        Misconception(
            "only-last-output",
            _only_last,
            nudge="How many arrays does the docstring ask for, and how many do you return?",
            pointer="The docstring of `unroll_two_steps`: what it returns.",
            explanation="You return the last output only. Here both are asked for.",
        ),
    ),
    nudge="One step at a time: which shape must the very first state have, and is `y0` right? Only "
    "then: what does the second step need from the first?",
    pointer="“Two steps”, beside the drawing in “The idea: one step, used again”.",
    alternatives={
        "loop": _two_steps_by_loop,
        "inputs first, stacked": _two_steps_stacked,
        "lists": _two_steps_by_lists,
        "tensorflow": _two_steps_by_tensorflow,
    },
)


# ---- concat_kernel


def _kernel_cases(rng: Rng) -> list[Case]:
    sizes = {
        "3 features, 5 hidden units": (3, 5),
        "more features than hidden units": (6, 2),
        "one feature": (1, 3),
        "as many features as hidden units": (4, 4),
    }
    return [Case(name, _weights(rng, *size)[:2]) for name, size in sizes.items()]


def _kernel_by_rows(Wx: Array, Wh: Array) -> Array:
    kernel = np.empty((len(Wx) + len(Wh), Wx.shape[1]))
    for d, row in enumerate(Wx):
        kernel[d] = row
    for i, row in enumerate(Wh):
        kernel[len(Wx) + i] = row
    return kernel


def _kernel_by_tensorflow(Wx: Array, Wh: Array) -> Any:
    from course_lib.quiet import tf

    return tf.concat([Wx, Wh], axis=0)


def _kernel_block_diagonal(Wx: Array, Wh: Array) -> Array:
    D, H = Wx.shape
    return np.block([[Wx, np.zeros((D, H))], [np.zeros((H, H)), Wh]])


CONCAT_KERNEL = Exercise(
    id="concat_kernel",
    probe="calls:call",
    reference=concat_kernel,
    cases=_kernel_cases,
    axes=("features + hidden", "hidden"),
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("values", 2.0),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("values",)),
    ),
    misconceptions=(
        Misconception(
            "state-first",
            lambda Wx, Wh: np.concatenate([Wh, Wx], axis=0),
            nudge="In `[x, h]`, which numbers come first? Which rows of the kernel do they meet?",
            pointer="“One matrix instead of two”: the pen-and-paper product.",
            explanation="Your rows are in the order of `[h, x]`: features would meet the recurrent "
            "weights.",
        ),
        Misconception(
            "transposed",
            lambda Wx, Wh: np.concatenate([Wx.T, Wh.T], axis=1),
            nudge="Which axis of the kernel has to agree with the columns of `[x, h]`?",
            pointer="“Shapes first”: the batch is the rows, so weights stand on the right.",
            explanation="You return the transpose of what is asked for: it would stand on the left "
            "of the inputs.",
        ),
        Misconception(
            "side-by-side",
            lambda Wx, Wh: np.concatenate([Wx, Wh], axis=1),
            nudge="Which axis of `Wx` and of `Wh` has the same size, whatever the network?",
            pointer="“One matrix instead of two”: the pen-and-paper product.",
            explanation="You put the matrices side by side. That works only where features and "
            "hidden units happen to be equally many, and then gives two results and not their sum.",
        ),
        Misconception(
            "wh-transposed",
            lambda Wx, Wh: np.concatenate([Wx, Wh.T], axis=0),
            nudge="Compare the last rows of your kernel with `Wh`, entry by entry.",
            pointer="“One matrix instead of two”: the pen-and-paper product.",
            explanation="`Wh` ends up transposed in your kernel; it is square, so the shape cannot "
            "tell.",
        ),
        Misconception(
            "added",
            lambda Wx, Wh: Wx + Wh,
            nudge="What would `[x, h]` have to look like for your kernel to fit?",
            pointer="“One matrix instead of two”: the pen-and-paper product.",
            explanation="You add the weights. What is added is the two products; the weights "
            "themselves stay apart.",
        ),
        Misconception(
            "block-diagonal",
            _kernel_block_diagonal,
            nudge="How many columns should the kernel have: how many neurons are there?",
            pointer="“One matrix instead of two”: the pen-and-paper product.",
            explanation="With zeros in the corners the two products come out side by side, where the "
            "step needs their sum.",
        ),
    ),
    nudge="Write down the shape of `[x, h]`. What shape must the matrix on its right have, so that "
    "`(B, H)` comes out?",
    pointer="“One matrix instead of two”: the pen-and-paper product.",
    alternatives={
        "vstack": lambda Wx, Wh: np.vstack((Wx, Wh)),
        "block": lambda Wx, Wh: np.block([[Wx], [Wh]]),
        "row by row": _kernel_by_rows,
        "lists": lambda Wx, Wh: [*Wx.tolist(), *Wh.tolist()],
        "hstack of columns": lambda Wx, Wh: np.hstack([Wx.T, Wh.T]).T,
        "tensorflow": _kernel_by_tensorflow,
    },
)


# ---- rnn_step_tf

ARGUMENTS = ("x", "h", "Wx", "Wh", "b")


def _rnn_step_tf(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    from course_lib.cells import rnn_tf  # here, so that TensorFlow loads only when it is needed

    return rnn_tf.rnn_step_tf(x, h, Wx, Wh, b)


def _op_cases(rng: Rng) -> list[Case]:
    # Two cases only: each costs every variant a graph.
    sizes = {"four instances": (4, 3, 5), "one instance, features as many as units": (1, 2, 2)}

    def draw(B: int, D: int, H: int) -> list[Array]:
        values = (rng.normal(size=(B, D)), rng.uniform(-0.9, 0.9, (B, H)), *_weights(rng, D, H))
        return [array.astype(np.float32) for array in values]

    return [
        Case(name, (draw(B, D, H), draw(B, D, H), rng.uniform(0.5, 2, (B, H)).astype(np.float32)))
        for name, (B, D, H) in sizes.items()
    ]


def _op_shape(seen: Comparison) -> Difference | None:
    return part("value", same_shape)(seen)


def _op_repeats(seen: Comparison) -> Difference | None:
    if compare_values(
        seen.expected.value["repeat"], seen.actual.value["repeat"], (), seen.tolerance
    ):
        return Difference("the same arguments gave another result after a call with other ones")
    return None


def _op_in_graph(seen: Comparison) -> Difference | None:
    traced = seen.actual.value["graph"]
    if traced is None:
        return Difference(
            "inside `tf.function` it fails: while a graph is traced, tensors have no numbers yet"
        )
    for call, expected, actual in zip(
        ("first", "second"), seen.expected.value["graph"], traced, strict=True
    ):
        found = compare_values(expected, actual, ("batch", "hidden"), seen.tolerance)
        if found:
            return Difference(f"inside `tf.function`, {call} call: {found}")
    return None


def _op_gradients(seen: Comparison) -> Difference | None:
    found = seen.actual.value["gradients"]
    absent = [name for name, gradient in zip(ARGUMENTS, found, strict=True) if gradient is None]
    if absent:
        return Difference(f"no gradient arrives at {', '.join(absent)}")
    for name, expected, actual in zip(
        ARGUMENTS, seen.expected.value["gradients"], found, strict=True
    ):
        differs = compare_values(expected, actual, (), seen.tolerance)
        if differs:
            return Difference(f"gradient with respect to {name}: {differs}")
    return None


OP_AXES: Axes = {"value": ("batch", "hidden")}


def _op_with_numpy(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    return np.tanh(x.numpy() @ Wx.numpy() + h.numpy() @ Wh.numpy() + b.numpy())


def _op_with_variables(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    from course_lib.quiet import tf

    Wx, Wh, b = tf.Variable(Wx), tf.Variable(Wh), tf.Variable(b)
    return tf.tanh(x @ Wx + h @ Wh + b)


class _OpThatRemembers:
    """Keeps its last output in Python, where neither a graph nor a caller can see it.

    A variant must do the same whenever it is run, so this one forgets when a new case begins: the
    probe calls it with two sets of tensors a case, and a third one is the next case's first.
    """

    def __init__(self) -> None:
        self.last: Any = None
        self.met: list[Any] = []

    def __call__(self, x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
        from course_lib.quiet import tf

        if tf.executing_eagerly() and not any(x is known for known in self.met):
            if len(self.met) == 2:
                self.last, self.met = None, []
            self.met.append(x)
        self.last = tf.tanh(x @ Wx + (h if self.last is None else self.last) @ Wh + b)
        return self.last


def _op_state_detached(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    from course_lib.quiet import tf

    return tf.tanh(x @ Wx + tf.stop_gradient(h) @ Wh + b)


def _op_wh_transposed(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    from course_lib.quiet import tf

    return tf.tanh(x @ Wx + tf.matmul(h, Wh, transpose_b=True) + b)


def _op_no_tanh(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    return x @ Wx + h @ Wh + b


def _op_h_ignored(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    from course_lib.quiet import tf

    return tf.tanh(x @ Wx + b)


def _op_bias_ignored(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    from course_lib.quiet import tf

    return tf.tanh(x @ Wx + h @ Wh)


def _op_sigmoid(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    from course_lib.quiet import tf

    return tf.sigmoid(x @ Wx + h @ Wh + b)


def _op_by_concatenation(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    from course_lib.quiet import tf

    return tf.tanh(tf.concat([x, h], axis=1) @ tf.concat([Wx, Wh], axis=0) + b)


def _op_by_einsum(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    from course_lib.quiet import tf

    return tf.math.tanh(tf.einsum("bd,dh->bh", x, Wx) + tf.einsum("bi,ij->bj", h, Wh) + b)


def _op_by_sigmoid_identity(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    from course_lib.quiet import tf

    a = tf.nn.bias_add(tf.matmul(x, Wx), b) + tf.linalg.matmul(h, Wh)
    return 2.0 * tf.sigmoid(2.0 * a) - 1.0


def _op_by_rows(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    from course_lib.quiet import tf

    rows = [
        tf.tanh(tf.reduce_sum(one[:, None] * Wx, axis=0) + tf.linalg.matvec(Wh, state, True) + b)
        for one, state in zip(tf.unstack(x), tf.unstack(h), strict=True)
    ]
    return tf.stack(rows)


@cache
def _decorated() -> Any:
    from course_lib.quiet import tf

    return tf.function(_op_by_concatenation)


RNN_STEP_TF = Exercise(
    id="rnn_step_tf",
    probe="tensor_op:op",
    reference=_rnn_step_tf,
    cases=_op_cases,
    axes=OP_AXES,
    aspects=(
        Aspect("shape", 0.5, _op_shape),
        Aspect("values", 1.5, part("value")),
        Aspect("nothing remembered between calls", 0.5, _op_repeats, needs=("values",)),
        Aspect("works inside tf.function", 1.5, _op_in_graph),
        Aspect("gradients reach every argument", 2.0, _op_gradients),
    ),
    misconceptions=(
        Misconception(
            "numpy-inside",
            _op_with_numpy,
            nudge="What kind of object does each line of your function return: a tensor or a NumPy "
            "array?",
            pointer="“What TensorFlow can follow”: the two experiments with `np.square`.",
            explanation="NumPy computes your values. Outside `tf.function` the numbers are right, "
            "but TensorFlow cannot follow: it can neither trace the computation nor differentiate "
            "it.",
        ),
        Misconception(
            "variables-inside",
            _op_with_variables,
            nudge="Whose weights are these: those that you were given, or copies that you made?",
            pointer="“What TensorFlow can follow”: what a step does not own.",
            explanation="Each call makes new variables out of the weights. Gradients reach your "
            "copies and stop there, and a graph may not make variables at every call.",
        ),
        Misconception(
            "python-side-state",
            _OpThatRemembers(),
            nudge="Call your function twice with the same arguments. Is the result the same?",
            pointer="“What TensorFlow can follow”: what a step does not own.",
            explanation="Your function remembers its last output in Python. A step gets its state as "
            "an argument; what Python keeps beside it freezes into the graph at its first call.",
        ),
        Misconception(
            "state-detached",
            _op_state_detached,
            nudge="If an earlier state had been a little different, would your loss notice?",
            pointer="“What TensorFlow can follow”: which arguments need a gradient.",
            explanation="You cut `h` off from the gradient. Learning from earlier steps flows "
            "exactly through `h`: without it, no step can be blamed for what it handed on.",
        ),
        Misconception("wh-transposed", _op_wh_transposed, **WH_TRANSPOSED),
        Misconception("no-tanh", _op_no_tanh, **NO_TANH),
        Misconception("h-ignored", _op_h_ignored, **H_IGNORED),
        Misconception("bias-ignored", _op_bias_ignored, **BIAS_IGNORED),
        Misconception("sigmoid", _op_sigmoid, **SIGMOID),
    ),
    nudge="Call it once by itself, then as `tf.function(rnn_step_tf)(...)`. Where does it fail first, "
    "and is every function in that line one of TensorFlow's?",
    pointer="“What TensorFlow can follow”. If an error says `out of scope`, look for something that "
    "your function keeps between two calls.",
    alternatives={
        "one kernel": _op_by_concatenation,
        "einsum": _op_by_einsum,
        "tanh from sigmoid": _op_by_sigmoid_identity,
        "instance by instance": _op_by_rows,
        "already a tf.function": lambda x, h, Wx, Wh, b: _decorated()(x, h, Wx, Wh, b),
    },
)


# ---- recover_wx

KEPT, SATURATED = 4.2, 8.3
"""Pre-activations of the cases: at most KEPT, where float32 says a lot about them, or at least
SATURATED, where it says next to nothing. Any sensible threshold separates the two."""

MARGIN = 1e-5
"""The threshold that the notebook suggests: an output nearer than this to ±1 is saturated."""


def _columns(rng: Rng, x: Array, hidden: int, saturate: bool) -> Array | None:
    """Weights within Glorot's limit, `(D, H)`, that the unsaturated outputs determine well.

    None when this draw has too few, or when leaving out every instance in which some neuron
    saturates would leave enough instances: then that wrong idea would do no harm. For the same
    reason some outputs round to exactly 1, and some to exactly -1.
    """
    batch, features = x.shape
    limit = np.sqrt(6.0 / (features + hidden))
    drawn = rng.uniform(-limit, limit, (features, 3000))
    drawn = drawn[:, np.abs(drawn).min(axis=0) > 0.03 * limit]
    size = np.abs(x @ drawn)
    sharp = ((size <= KEPT) | (size >= SATURATED)).all(axis=0)
    drawn, lost = drawn[:, sharp], size[:, sharp] >= SATURATED

    patterns, which = np.unique(lost, axis=1, return_inverse=True)
    good = [_well_determined(x[~lost_by]) and saturate == lost_by.any() for lost_by in patterns.T]
    candidates = np.flatnonzero(np.array(good)[which.ravel()]).tolist()
    if len(candidates) < hidden:
        return None
    if not saturate:
        return drawn[:, candidates[:hidden]]
    chosen: list[int] = []
    seen = np.zeros(batch, bool)  # the instances in which a chosen neuron saturates
    for _ in range(hidden):
        chosen.append(
            max(set(candidates) - set(chosen), key=lambda n: ((lost[:, n] & ~seen).sum(), -n))
        )
        seen |= lost[:, chosen[-1]]
    weights = drawn[:, chosen]
    sums = x @ weights
    extreme = np.take_along_axis(sums, np.abs(sums).argmax(axis=0)[None], axis=0)[0]
    first, second = np.argsort(-np.abs(extreme))[:2]
    weights[:, first] *= np.sign(extreme[first])
    weights[:, second] *= -np.sign(extreme[second])
    harmful = batch - seen.sum() < features and abs(extreme[second]) > 12
    return weights if harmful else None


def _well_determined(x: Array) -> bool:
    """Whether equations with these left-hand sides give the weights without magnifying errors."""
    return len(x) >= x.shape[1] and bool(np.linalg.svd(x, compute_uv=False)[-1] > 0.7)


def _printed(rng: Rng, batch: int, features: int, hidden: int, saturate: bool) -> Pair:
    """Whole numbers as inputs, and the outputs of a network without bias, rounded to float32."""
    while True:
        x = rng.integers(0, 5, (batch, features)).astype(float)
        if saturate:  # large inputs for all instances but two
            x[2:] = rng.integers(0, 21, (batch - 2, features))
        if np.linalg.matrix_rank(x) == features:
            Wx = _columns(rng, x, hidden, saturate)
            if Wx is not None:
                return x, np.tanh(x @ Wx).astype(np.float32).astype(float)


def _recover_cases(rng: Rng) -> list[Case]:
    clean, saturated = frozenset({"clean"}), frozenset({"saturated"})
    return [
        Case("six instances, none saturated", _printed(rng, 6, 3, 5, saturate=False), clean),
        Case("as many instances as features", _printed(rng, 3, 3, 4, saturate=False), clean),
        Case("one instance, one feature", _printed(rng, 1, 1, 2, saturate=False), clean),
        Case("every neuron saturates somewhere", _printed(rng, 7, 3, 5, saturate=True), saturated),
        Case("the tutorial's printed numbers", (X0_BATCH.astype(float), Y0_PRINTED), saturated),
    ]


def _undo_tanh(y0: Array) -> Array:
    """arctanh, infinite where an output is exactly ±1, without a warning."""
    with np.errstate(divide="ignore"):
        return np.arctanh(y0)


def _solve_each(x0: Array, a: Array, kept: Array) -> Array:
    """Least squares, neuron by neuron, over the instances that are kept."""
    columns = [
        np.linalg.lstsq(x0[kept[:, j]], a[kept[:, j], j], rcond=None)[0] for j in range(a.shape[1])
    ]
    return np.stack(columns, axis=1)


def _keep(y0: Array, margin: float = MARGIN) -> Array:
    return np.asarray(1.0 - np.abs(y0) > margin)


def _without_arctanh(x0: Array, y0: Array) -> Array:
    return np.linalg.lstsq(x0, y0, rcond=None)[0]


def _without_arctanh_kept(x0: Array, y0: Array) -> Array:
    return _solve_each(x0, y0, _keep(y0))


def _arctan(x0: Array, y0: Array) -> Array:
    return _solve_each(x0, np.arctan(y0), _keep(y0))


def _tanh_again(x0: Array, y0: Array) -> Array:
    return _solve_each(x0, np.tanh(y0), _keep(y0))


def _keeps_everything(x0: Array, y0: Array) -> Array:
    a = _undo_tanh(y0)
    return _solve_each(x0, a, np.ones_like(a, dtype=bool))


def _keeps_everything_finite(x0: Array, y0: Array) -> Array:
    a = _undo_tanh(y0)
    return _solve_each(x0, a, np.isfinite(a))


def _clips(margin: float) -> Callable[[Array, Array], Array]:
    def variant(x0: Array, y0: Array) -> Array:
        a = np.arctanh(np.clip(y0, -1 + margin, 1 - margin))
        return np.linalg.lstsq(x0, a, rcond=None)[0]

    return variant


def _zeroes_saturated(x0: Array, y0: Array) -> Array:
    a = np.where(_keep(y0), _undo_tanh(y0), 0.0)
    return np.linalg.lstsq(x0, a, rcond=None)[0]


def _drops_whole_instances(x0: Array, y0: Array) -> Array:
    rows = _keep(y0).all(axis=1)
    return np.linalg.lstsq(x0[rows], np.arctanh(y0[rows]), rcond=None)[0]


def _keeps_too_little(margin: float) -> Callable[[Array, Array], Array]:
    def variant(x0: Array, y0: Array) -> Array:
        return _solve_each(x0, _undo_tanh(y0), _keep(y0, margin))

    return variant


def _forgets_the_negative_side(x0: Array, y0: Array) -> Array:
    return _solve_each(x0, _undo_tanh(y0), 1.0 - y0 > MARGIN)


def _returns_transposed(x0: Array, y0: Array) -> Array:
    return _solve_each(x0, _undo_tanh(y0), _keep(y0)).T


def _solves_transposed(x0: Array, y0: Array) -> Array:
    kept, a = _keep(y0), _undo_tanh(y0)
    columns = [
        np.linalg.lstsq(x0[kept[:, j]].T, a[kept[:, j], j], rcond=None)[0]
        for j in range(a.shape[1])
    ]
    return np.stack(columns, axis=1)


def _exchanges_the_sides(x0: Array, y0: Array) -> Array:
    a = np.where(_keep(y0), _undo_tanh(y0), 0.0)
    return np.linalg.lstsq(a, x0, rcond=None)[0]


def _recover_by_pinv(x0: Array, y0: Array) -> Array:
    Wx = np.zeros((x0.shape[1], y0.shape[1]))
    for j in range(y0.shape[1]):
        rows = [n for n in range(len(y0)) if abs(y0[n, j]) < 1 - 1e-6]
        Wx[:, j] = np.linalg.pinv(x0[rows]) @ np.arctanh(y0[rows, j])
    return Wx


def _recover_by_normal_equations(x0: Array, y0: Array) -> list[list[float]]:
    columns = []
    for y in y0.T:
        kept = abs(y) < 0.9999
        x = x0[kept]
        a = 0.5 * np.log((1 + y[kept]) / (1 - y[kept]))
        columns.append(np.linalg.solve(x.T @ x, x.T @ a))
    result: list[list[float]] = np.array(columns).T.tolist()
    return result


def _recover_by_weights(x0: Array, y0: Array) -> Array:
    slope = 1 - y0**2  # how much an output says about its pre-activation
    a = np.arctanh(np.clip(y0, -1 + 1e-9, 1 - 1e-9))
    columns = [
        np.linalg.lstsq(x0 * s[:, None], v * s, rcond=None)[0]
        for s, v in zip(slope.T, a.T, strict=True)
    ]
    return np.column_stack(columns)


def _recover_by_tensorflow(x0: Array, y0: Array) -> Any:
    from course_lib.quiet import tf

    kept = tf.abs(y0) < 1 - 1e-5
    a = tf.where(kept, tf.atanh(tf.where(kept, y0, 0.0)), 0.0)  # (B, H)
    x = tf.where(tf.transpose(kept)[:, :, None], x0[None], 0.0)  # (H, B, D): one system a neuron
    return tf.transpose(tf.linalg.lstsq(x, tf.transpose(a)[:, :, None])[..., 0])


FORGETS_ARCTANH = {
    "nudge": "Put the weights that you found back: does `np.tanh(x0 @ Wx)` give `y0`?",
    "pointer": "“Undoing the tanh”: what is linear in the weights, and what is not?",
    "explanation": "You solve for the outputs themselves. They are squashed: what is linear in the "
    "weights is what went into the tanh.",
}
WRONG_INVERSE = {
    "nudge": "Try your inverse on one number: does undoing `np.tanh(2.0)` give 2?",
    "pointer": "“Undoing the tanh”: the name of the inverse.",
}
CLIPS = {
    "nudge": "What does a clipped output claim about its pre-activation? Is the claim true?",
    "pointer": "“Where float32 runs out of digits”: what a saturated output still says.",
    "explanation": "Clipping makes the infinities finite, but it invents numbers: a saturated output "
    "then claims a definite pre-activation, and the fit believes it as much as the others.",
}

TOO_STRICT = {
    "nudge": "For each neuron, how many instances does your threshold leave? How many are needed?",
    "pointer": "“Where float32 runs out of digits”: how near to 1 is too near.",
    "explanation": "Your threshold is too strict: it drops entries that are known well, and leaves "
    "some neurons fewer equations than unknowns.",
}

RECOVER_WX = Exercise(
    id="recover_wx",
    probe="finite:call",
    reference=recover_wx,
    cases=_recover_cases,
    axes=("features", "hidden"),
    tolerance=3e-3,  # thresholds differ between honest answers, and float32 has its rounding
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("nothing saturated", 2.0, tags=frozenset({"clean"})),
        Aspect(
            "in spite of saturation",
            2.0,
            tags=frozenset({"saturated"}),
            needs=("nothing saturated",),
        ),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("nothing saturated",)),
    ),
    misconceptions=(
        Misconception("no-arctanh", _without_arctanh, **FORGETS_ARCTANH),
        Misconception("no-arctanh-without-saturated", _without_arctanh_kept, **FORGETS_ARCTANH),
        Misconception(
            "arctan",
            _arctan,
            explanation="`arctan` undoes the tangent, not the hyperbolic tangent: one letter is "
            "missing.",
            **WRONG_INVERSE,
        ),
        Misconception(
            "tanh-again",
            _tanh_again,
            explanation="You squash the outputs a second time where the squashing should be undone.",
            **WRONG_INVERSE,
        ),
        Misconception(
            "keeps-saturated",
            _keeps_everything,
            nudge="What is the pre-activation of an output that prints as exactly 1?",
            pointer="“Where float32 runs out of digits”: what a saturated output still says.",
            explanation="You use every entry, the saturated ones too: their pre-activations come out "
            "infinite or badly rounded, and one of them is enough to spoil a neuron.",
        ),
        Misconception(
            "drops-only-infinite",
            _keeps_everything_finite,
            nudge="How far apart are the pre-activations of the last two float32 numbers below 1?",
            pointer="“Where float32 runs out of digits”: the figure.",
            explanation="You drop outputs of exactly ±1 only. An output a few float32 steps from 1 "
            "is finite, and its pre-activation still wrong in the first decimal.",
        ),
        Misconception("clips-to-1e-6", _clips(1e-6), **CLIPS),
        Misconception("clips-to-1e-7", _clips(1e-7), **CLIPS),
        Misconception(
            "saturated-set-to-zero",
            _zeroes_saturated,
            nudge="What does a pre-activation of 0 say about an instance? Is that true of a "
            "saturated one?",
            pointer="“Solving for the weights”: leaving an equation out.",
            explanation="You set saturated entries to zero, but their equations stay: they now claim "
            "that the neuron's sum was 0, where it was huge.",
        ),
        Misconception(
            "drops-whole-instances",
            _drops_whole_instances,
            nudge="If neuron 1 is saturated in an instance, what does that say about neuron 0?",
            pointer="“Solving for the weights”: which equations share an unknown?",
            explanation="You throw out an instance for all neurons when it is saturated for one. "
            "Each neuron has equations of its own; too few may be left for the others.",
        ),
        Misconception(
            "forgets-the-negative-side",
            _forgets_the_negative_side,
            nudge="Does your comparison leave out an output of −1?",
            pointer="“Where float32 runs out of digits”: how near is too near, on both sides.",
            explanation="You leave out what is too near to +1, but tanh saturates at −1 just as well.",
        ),
        Misconception("keeps-only-below-0.999", _keeps_too_little(1e-3), **TOO_STRICT),
        Misconception("keeps-only-below-0.99", _keeps_too_little(1e-2), **TOO_STRICT),
        Misconception("keeps-only-below-0.9", _keeps_too_little(1e-1), **TOO_STRICT),
        Misconception(
            "returns-transposed",
            _returns_transposed,
            nudge="Which axis of your result counts the features?",
            pointer="“Shapes first”: the shape of `Wx`.",
            explanation="The weights are right, but transposed: one row a neuron, where one column a "
            "neuron is asked for.",
        ),
        Misconception(
            "solves-transposed-system",
            _solves_transposed,
            nudge="An equation belongs to one instance. Does it stand in a row or in a column of "
            "your matrix?",
            pointer="“Solving for the weights”: one equation an instance.",
            explanation="You transpose `x0`: your equations then belong to features, and add up "
            "different instances.",
        ),
        Misconception(
            "sides-exchanged",
            _exchanges_the_sides,
            nudge="Least squares solves A · W = B. Which of yours is A?",
            pointer="“Solving for the weights”: what is known, and what is wanted.",
            explanation="You solve for the weights that turn outputs into inputs: the two sides of "
            "the system are exchanged.",
        ),
    ),
    nudge="Check your weights before we do: how far is `np.tanh(x0 @ Wx)` from `y0`, neuron by "
    "neuron?",
    pointer="“Undoing the tanh”, then “Solving for the weights”.",
    alternatives={
        "pseudo-inverse": _recover_by_pinv,
        "normal equations": _recover_by_normal_equations,
        "weighted by the slope": _recover_by_weights,
        "tensorflow": _recover_by_tensorflow,
    },
)

SHOWN = ("plots/unrolling.py",)
"""What of ``course_lib`` a grading kernel shows: what the ordinary cells need, and no answer."""

EXERCISES = (RNN_STEP, UNROLL_TWO_STEPS, CONCAT_KERNEL, RNN_STEP_TF, RECOVER_WX)
