"""N05: the LSTM, gate by gate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from autograder.compare import Axes, Difference, compare_values
from autograder.exercise import (
    AUTODIFF,
    Aspect,
    Case,
    Comparison,
    Exercise,
    Misconception,
    Test,
    inputs_unchanged,
    same_shape,
)
from course_lib.backprop.lstm import lstm_step_backward, lstm_step_forward
from course_lib.cells.lstm import lstm_parameter_count, lstm_sequence, lstm_step, reorder_gates
from course_lib.cells.slides import repair_slide_lstm

Array = np.ndarray
Rng = np.random.Generator
Pair = tuple[Array, Array]
Step = Callable[..., Pair]

BATCH_HIDDEN: Axes = ("batch", "hidden")


def _tf() -> Any:
    """TensorFlow, imported when an exercise is judged that needs it."""
    from course_lib.quiet import tf

    return tf


def _sigmoid(z: Any) -> Array:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(z))))


def _weights(rng: Rng, features: int, hidden: int) -> tuple[Array, Array, Array]:
    """kernel, recurrent_kernel, bias of a size at which no gate is stuck."""
    return (
        rng.normal(0.0, 0.8, (features, 4 * hidden)),
        rng.normal(0.0, 0.6, (hidden, 4 * hidden)),
        rng.normal(0.0, 0.6, 4 * hidden),
    )


def _states(rng: Rng, batch: int, hidden: int) -> Pair:
    """h and c, neither of them near zero: what is multiplied by a state must show."""
    h = rng.uniform(0.25, 0.9, (batch, hidden)) * rng.choice([-1.0, 1.0], (batch, hidden))
    c = rng.uniform(0.5, 1.8, (batch, hidden)) * rng.choice([-1.0, 1.0], (batch, hidden))
    return h, c


def _item(place: int, name: str, axes: Axes = BATCH_HIDDEN) -> Test:
    """Whether one part of a result is right; the wording calls it by its name."""

    def test(seen: Comparison) -> Difference | None:
        value = seen.actual.value
        if not isinstance(value, list | np.ndarray) or len(value) != len(seen.expected.value):
            return same_shape(seen)
        found = compare_values(seen.expected.value[place], value[place], axes, seen.tolerance)
        return Difference(f"{name}: {found}") if found else None

    return test


# --------------------------------------------------------------------------- lstm_step


def _step_cases(rng: Rng) -> list[Case]:
    def draw(B: int, D: int, H: int, state: bool) -> tuple[Array, ...]:
        h, c = _states(rng, B, H) if state else (np.zeros((B, H)), np.zeros((B, H)))
        return (rng.normal(size=(B, D)), h, c, *_weights(rng, D, H))

    return [
        Case("the first step, from zeros", draw(3, 2, 4, state=False), frozenset({"start"})),
        Case("three sequences", draw(3, 2, 4, state=True), frozenset({"state"})),
        Case("a batch of one", draw(1, 3, 2, state=True), frozenset({"state"})),
        Case("one hidden unit", draw(4, 2, 1, state=True), frozenset({"state"})),
        Case("all sizes alike", draw(4, 4, 4, state=True), frozenset({"state"})),
    ]


def _lstm(
    x: Array,
    h: Array,
    c: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array,
    *,
    order: str = "ifgo",
    sums: Callable[..., Array] = lambda x, h, c, W, U, b: x @ W + h @ U + b,
    split: Callable[[Array], list[Array]] = lambda z: np.split(z, 4, axis=1),
    gate: Callable[[Array], Array] = _sigmoid,
    candidate: Callable[[Array], Array] = np.tanh,
    remember: Callable[..., Array] = lambda i, f, g, c, h: f * c + i * g,
    output: Callable[..., Array] = lambda o, new, old: o * np.tanh(new),
    result: Callable[..., Any] = lambda h, c: (h, c),
) -> Any:
    """A step of an LSTM every part of which can be exchanged for a wrong one."""
    z = dict(zip(order, split(sums(x, h, c, kernel, recurrent_kernel, bias)), strict=True))
    i, f, o = gate(z["i"]), gate(z["f"]), gate(z["o"])
    new = remember(i, f, candidate(z["g"]), c, h)
    return result(output(o, new, c), new)


def _cut_along_the_batch(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    i, f, g, o = np.split(x @ W + h @ U + b, 4)
    new = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(new), new


def _cell_overwritten(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    c *= _sigmoid(f)
    c += _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(c), c


def _step_by_slices(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    H = h.shape[1]
    z = np.einsum("bd,dk->bk", x, W) + np.einsum("bh,hk->bk", h, U) + b
    gates = 1.0 / (1.0 + np.exp(-z))
    new = gates[:, H : 2 * H] * c + gates[:, :H] * np.tanh(z[:, 2 * H : 3 * H])
    return gates[:, 3 * H :] * np.tanh(new), new


def _step_by_concatenation(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    z = np.dot(np.hstack([x, h]), np.vstack([W, U])) + b
    z = z.reshape(len(x), 4, -1).astype(np.float32)
    i, f, g, o = (z[:, k] for k in range(4))
    c = c * _sigmoid(f) + np.tanh(g) * _sigmoid(i)
    return np.multiply(_sigmoid(o), np.tanh(c)), c


def _step_by_loops(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Any:
    B, H = c.shape
    new_h, new_c = [[0.0] * H for _ in range(B)], [[0.0] * H for _ in range(B)]
    for n in range(B):
        for j in range(H):
            i, f, g, o = (
                x[n] @ W[:, k * H + j] + h[n] @ U[:, k * H + j] + b[k * H + j] for k in range(4)
            )
            new_c[n][j] = float(_sigmoid(f) * c[n, j] + _sigmoid(i) * np.tanh(g))
            new_h[n][j] = float(_sigmoid(o) * np.tanh(new_c[n][j]))
    return new_h, new_c


def _step_by_tensorflow(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Any:
    tf = _tf()
    i, f, g, o = tf.split(tf.matmul(x, W) + tf.matmul(h, U) + b, 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


_EQUATIONS = (
    "“Four small networks” has the six equations: compare them with your lines, one by one."
)
_LAYOUT = "“Side by side” has a picture of the four blocks and their order."
_BELT = "“Add, do not overwrite”, and the belt at the top of the picture in “Four small networks”."

_FORGET_ON_H = {
    "nudge": "Which of the two parts of the state runs along the belt at the top of the picture? And "
    "what does your forget gate multiply?",
    "pointer": _BELT,
    "explanation": "Your forget gate multiplies the hidden state *h*. What it decides about is the "
    "cell state *c*: as it is, nothing of the old *c* survives the step.",
}
_SWAPPED_RESULT = {
    "nudge": "Which of your two results can be larger than 1, and which one does the docstring name "
    "first?",
    "pointer": "“Four small networks”, its last paragraph: functions say (h, c), the state tuple "
    "says (c, h).",
    "explanation": "Your two results are exchanged: you return (c, h). Functions of this course "
    "return the hidden state first; only the state *tuple* has c first.",
}
_NO_BIAS = {
    "nudge": "With `x` and `h` all zero, what do your gates depend on?",
    "pointer": _EQUATIONS,
    "explanation": "The bias is missing from your sum.",
}

LSTM_STEP = Exercise(
    id="lstm_step",
    probe="calls:call",
    reference=lstm_step,
    cases=_step_cases,
    axes=[BATCH_HIDDEN, BATCH_HIDDEN],
    aspects=(
        Aspect("shapes", 0.5, same_shape),
        Aspect("cell state, first step", 0.5, _item(1, "c"), tags=frozenset({"start"})),
        Aspect("hidden state, first step", 0.5, _item(0, "h"), tags=frozenset({"start"})),
        Aspect("cell state, any state", 1.5, _item(1, "c"), tags=frozenset({"state"})),
        Aspect("hidden state, any state", 1.5, _item(0, "h"), tags=frozenset({"state"})),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("cell state, any state", "hidden state, any state"),
        ),
    ),
    misconceptions=(
        Misconception(
            "forget-gate-on-hidden-state",
            partial(_lstm, remember=lambda i, f, g, c, h: f * h + i * g),
            **_FORGET_ON_H,
        ),
        Misconception(
            "h-and-c-swapped",
            partial(_lstm, result=lambda h, c: (c, h)),
            **_SWAPPED_RESULT,
        ),
        Misconception(
            "gate-order-of-tensorflow-1",
            partial(_lstm, order="igfo"),
            nudge="Into which variable does your second block of columns go, into which the third?",
            pointer=_LAYOUT,
            explanation="You read the second block as the candidate and the third as the forget gate. "
            "That is the order of TensorFlow 1; here it is i, f, g, o.",
        ),
        Misconception(
            "candidate-last",
            partial(_lstm, order="ifog"),
            nudge="Into which variables do your third and fourth blocks of columns go?",
            pointer=_LAYOUT,
            explanation="You take the blocks as i, f, o, g, with the three gates together and the "
            "candidate last. Some courses do; here the order is i, f, g, o.",
        ),
        Misconception(
            "i-and-f-exchanged",
            partial(_lstm, order="figo"),
            nudge="Which gate stands in front of the old cell state, and which block is it?",
            pointer=_LAYOUT,
            explanation="Input gate and forget gate are exchanged: the first block decides about the "
            "candidate, the second about the old cell state.",
        ),
        Misconception(
            "units-interleaved",
            partial(_lstm, split=lambda z: [z[:, k::4] for k in range(4)]),
            nudge="Which columns make the first block: the first H, or each fourth one?",
            pointer=_LAYOUT,
            explanation="You deal the columns out one by one. A gate's columns stand together: the "
            "first H belong to the input gate, the next H to the forget gate, and so on.",
        ),
        Misconception(
            "cut-along-the-batch",
            _cut_along_the_batch,
            nudge="Which axis does `np.split` cut if you do not say? What are the rows of your sum?",
            pointer="“Side by side”: the toy array.",
            explanation="You cut the rows apart, and those are the sequences of the batch. The gates "
            "lie side by side, in the columns.",
        ),
        Misconception(
            "sigmoid-candidate",
            partial(_lstm, candidate=_sigmoid),
            nudge="Can your cell state ever go down, other than by forgetting?",
            pointer=_EQUATIONS,
            explanation="You squash all four blocks with the sigmoid. Three of them are gates; the "
            "candidate is what is written, and must be able to be negative.",
        ),
        Misconception(
            "tanh-gates",
            partial(_lstm, gate=np.tanh),
            nudge="Between which two numbers should a gate lie? What would a gate of −0.5 mean?",
            pointer=_EQUATIONS,
            explanation="You squash the gates with tanh as well. A gate says how much passes, from 0 "
            "to 1; a negative one would turn the sign around.",
        ),
        Misconception(
            "gates-not-squashed",
            partial(_lstm, gate=lambda z: z),
            nudge="Between which two numbers should a gate lie? Between which do yours?",
            pointer=_EQUATIONS,
            explanation="Your gates are the sums themselves: the sigmoid is missing.",
        ),
        Misconception(
            "candidate-squashed-twice",
            partial(_lstm, candidate=lambda z: np.tanh(_sigmoid(z))),
            nudge="Through how many functions does your candidate pass? Can it be negative?",
            pointer=_EQUATIONS,
            explanation="Your candidate passes a sigmoid and then a tanh: the sigmoid was applied to "
            "all four blocks before they were cut. Cut first, then squash.",
        ),
        Misconception(
            "glued-in-different-orders",
            partial(
                _lstm,
                sums=lambda x, h, c, W, U, b: np.hstack([h, x]) @ np.vstack([W, U]) + b,
            ),
            nudge="Which rows of your glued matrix meet the entries of `x`?",
            pointer="“Side by side”: its table says which array multiplies what.",
            explanation="You glue the inputs together as [h, x], but the weights as [kernel, "
            "recurrent_kernel]: the two orders have to be the same.",
        ),
        Misconception(
            "no-tanh-at-the-output",
            partial(_lstm, output=lambda o, new, old: o * new),
            nudge="How large can your *h* become if the cell state is 5 and the output gate open?",
            pointer=_EQUATIONS,
            explanation="The cell state goes out as it is. On its way to *h* it passes through one "
            "more tanh, so that the output stays within ±1 however much was collected.",
        ),
        Misconception(
            "sigmoid-at-the-output",
            partial(_lstm, output=lambda o, new, old: o * _sigmoid(new)),
            nudge="Can your *h* ever be negative?",
            pointer=_EQUATIONS,
            explanation="On its way to *h* the cell state passes a tanh, so that what is shown can be "
            "negative. You have a sigmoid there.",
        ),
        Misconception(
            "tanh-around-the-output-gate",
            partial(_lstm, output=lambda o, new, old: np.tanh(o * new)),
            nudge="What comes first on the way from the belt to *h*: the tanh or the gate?",
            pointer="“Four small networks”: follow the picture from the belt to *h*.",
            explanation="You gate first and squash afterwards. The cell state passes through tanh, "
            "and what comes out of that is gated.",
        ),
        Misconception(
            "output-of-the-old-cell-state",
            partial(_lstm, output=lambda o, new, old: o * np.tanh(old)),
            nudge="At which point of the belt does the way to *h* branch off: before or after the "
            "addition?",
            pointer="“Four small networks”: follow the picture from the belt to *h*.",
            explanation="Your output shows the cell state from before the step. It must be made of "
            "the new one.",
        ),
        Misconception(
            "input-gate-unused",
            partial(_lstm, remember=lambda i, f, g, c, h: f * c + g),
            nudge="In how many places do you use each of your four blocks?",
            pointer=_EQUATIONS,
            explanation="The candidate goes into the cell state in full. The input gate should decide "
            "how much of it does.",
        ),
        Misconception(
            "forget-gate-unused",
            partial(_lstm, remember=lambda i, f, g, c, h: c + i * g),
            nudge="In how many places do you use each of your four blocks?",
            pointer=_EQUATIONS,
            explanation="The old cell state stays in full. The forget gate should decide how much of "
            "it does.",
        ),
        Misconception(
            "one-gate-for-both",
            partial(_lstm, remember=lambda i, f, g, c, h: f * c + (1 - f) * g),
            nudge="In how many places do you use each of your four blocks?",
            pointer=_EQUATIONS,
            explanation="You write exactly as much as you forget, with one gate for both. That is "
            "another cell (the GRU does so); here the two decide independently.",
        ),
        Misconception(
            "overwritten-not-added",
            partial(_lstm, remember=lambda i, f, g, c, h: i * g),
            nudge="Call your function with two different `c`. What changes?",
            pointer=_BELT,
            explanation="Your new cell state holds only what is written in this step. The old one, "
            "times its gate, has to be added.",
        ),
        Misconception(
            "gates-look-at-c",
            partial(_lstm, sums=lambda x, h, c, W, U, b: x @ W + c @ U + b),
            nudge="Which part of the state do the gates listen to: what is inside, or what was said?",
            pointer="“Four small networks”: follow the wire at the bottom of the picture.",
            explanation="You multiply `recurrent_kernel` with the cell state. The gates see the "
            "hidden state *h*.",
        ),
        Misconception(
            "state-arguments-swapped",
            lambda x, h, c, W, U, b: _lstm(x, c, h, W, U, b),
            nudge="In which order do `h` and `c` arrive?",
            pointer="“Four small networks”, its last paragraph: functions say (h, c), the state tuple "
            "says (c, h).",
            explanation="You use `h` as the cell state and `c` as the hidden state throughout. "
            "Functions of this course take *h* before *c*.",
        ),
        Misconception(
            "hidden-state-ignored",
            partial(_lstm, sums=lambda x, h, c, W, U, b: x @ W + b),
            nudge="Call your function with two different `h`. What changes?",
            pointer=_EQUATIONS,
            explanation="Your gates do not listen to the hidden state: `recurrent_kernel` is not used.",
        ),
        Misconception(
            "bias-ignored",
            partial(_lstm, sums=lambda x, h, c, W, U, b: x @ W + h @ U),
            **_NO_BIAS,
        ),
        Misconception(
            "only-h-returned",
            partial(_lstm, result=lambda h, c: h),
            nudge="How many arrays does the docstring ask for?",
            pointer="“Add, do not overwrite”: what has to be handed on to the next step?",
            explanation="You return *h* alone. The next step needs *c* as well.",
        ),
        Misconception(
            "cell-state-overwritten",
            _cell_overwritten,
            nudge="Print `c` before and after a call of your function.",
            pointer="The docstring of `lstm_step`: what stays as it is.",
            explanation="Your numbers are right, but you write them into the array `c` that you were "
            "given (`*=` and `+=` do that). Whoever called you still needs the old state.",
        ),
    ),
    nudge="If a shape does not fit: which shape has the sum, and along which axis do you cut it? If the "
    "numbers differ: with all weights and biases zero each gate is 0.5 and the candidate 0. What should "
    "`c` and `h` be then, and what are yours?",
    pointer="“Side by side” shows how to cut the blocks, “Four small networks” has the equations.",
    alternatives={
        "slices and einsum": _step_by_slices,
        "concatenation, float32": _step_by_concatenation,
        "loops": _step_by_loops,
        "tensorflow": _step_by_tensorflow,
        "a list": lambda *a: list(lstm_step(*a)),
    },
)


# ---------------------------------------------------------------- lstm_parameter_count


def _count_cases(rng: Rng) -> list[Case]:
    small = int(rng.integers(3, 9))
    return [
        Case("D = 2, H = 10, the tutorial's cell", (2, 10), frozenset({"usual"})),
        Case(f"D = {small + 7}, H = {small}", (small + 7, small), frozenset({"usual"})),
        Case(f"D = 1, H = {small + 1}", (1, small + 1), frozenset({"usual"})),
        Case(f"D = {small}, H = {small}", (small, small), frozenset({"edge"})),
        Case(f"D = {small + 2}, H = 1", (small + 2, 1), frozenset({"edge"})),
        Case("D = 128, H = 512", (128, 512), frozenset({"edge"})),
    ]


def _count_by_arrays(D: int, H: int) -> int:
    arrays = [np.empty((D, 4 * H)), np.empty((H, 4 * H)), np.empty(4 * H)]
    return sum(array.size for array in arrays)


def _count_by_loop(D: int, H: int) -> int:
    total = 0
    for _ in "ifgo":
        total += D * H + H * H + H
    return total


_EVERY_TERM = "“Side by side”: its table and its drawing of the three arrays have all of them."

LSTM_PARAMETER_COUNT = Exercise(
    id="lstm_parameter_count",
    probe="calls:call",
    reference=lstm_parameter_count,
    cases=_count_cases,
    tolerance=1e-9,
    aspects=(
        Aspect("one number", 0.5, same_shape),
        Aspect("D and H different", 1.5, tags=frozenset({"usual"})),
        Aspect("D = H, one unit, many units", 1.0, tags=frozenset({"edge"})),
    ),
    misconceptions=(
        Misconception(
            "features-only",
            lambda D, H: 4 * (H * D + H),
            nudge="What else but `x` goes into each gate, and what is it multiplied by?",
            pointer=_EVERY_TERM,
            explanation="You count weights for the input only: the tutorial's mistake. Each gate "
            "listens to the hidden state as well.",
        ),
        Misconception(
            "features-only-and-no-biases",
            lambda D, H: 4 * H * D,
            nudge="What else but `x` goes into each gate, and what is added at the end?",
            pointer=_EVERY_TERM,
            explanation="You count the weights of the input and nothing else. Each gate listens to "
            "the hidden state as well, and has biases.",
        ),
        Misconception(
            "one-number-for-all",
            lambda D, H: 520,
            nudge="What does your function say for D = 2 and H = 11?",
            pointer="The docstring: D and H are the arguments.",
            explanation="You return the count of one LSTM, whatever D and H are.",
        ),
        Misconception(
            "recurrent-only",
            lambda D, H: 4 * (H * H + H),
            nudge="Where does D come in?",
            pointer=_EVERY_TERM,
            explanation="You count weights for the hidden state only. Each gate listens to the input "
            "as well.",
        ),
        Misconception(
            "one-gate",
            lambda D, H: H * (D + H) + H,
            nudge="How many arrays of that size does an LSTM have?",
            pointer=_EVERY_TERM,
            explanation="That is one gate (or a basic cell). An LSTM has four such networks.",
        ),
        Misconception(
            "three-gates",
            lambda D, H: 3 * (H * (D + H) + H),
            nudge="Does the candidate come without weights?",
            pointer=_EVERY_TERM,
            explanation="You count the three gates and forget the candidate: it has weights and "
            "biases of its own.",
        ),
        Misconception(
            "no-biases",
            lambda D, H: 4 * H * (D + H),
            nudge="How many numbers are in the third array?",
            pointer=_EVERY_TERM,
            explanation="The biases are missing.",
        ),
        Misconception(
            "one-bias-a-gate",
            lambda D, H: 4 * (H * (D + H) + 1),
            nudge="How many units does one gate have, and how many biases do you give it?",
            pointer=_EVERY_TERM,
            explanation="You count one bias for each gate. Each unit of each gate has its own.",
        ),
        Misconception(
            "biases-of-one-gate",
            lambda D, H: 4 * H * (D + H) + H,
            nudge="How many columns does the bias have in the drawing?",
            pointer=_EVERY_TERM,
            explanation="You count the weights of four gates, but the biases of one.",
        ),
        Misconception(
            "two-biases",
            lambda D, H: 4 * (H * (D + H) + 2 * H),
            nudge="How many biases are added in one sum?",
            pointer=_EVERY_TERM,
            explanation="You count two biases for each unit of a gate. PyTorch stores two (they are "
            "just added); here, and in Keras, there is one.",
        ),
        Misconception(
            "d-and-h-exchanged",
            lambda D, H: 4 * (D * (D + H) + D),
            nudge="For D = 1, does your count grow with H as H² or as H?",
            pointer=_EVERY_TERM,
            explanation="D and H are exchanged: H is how many columns a block has.",
        ),
        Misconception(
            "state-counted",
            lambda D, H: 4 * (H * (D + H) + H) + 2 * H,
            nudge="Which of the numbers that you count does training change?",
            pointer="“How many numbers are learned?”: the difference between a parameter and a value.",
            explanation="You count *c* and *h* too. They are values that come and go with each "
            "sequence, not parameters.",
        ),
    ),
    nudge="Write down the shapes of the three arrays, with letters. How many numbers are in each?",
    pointer="“How many numbers are learned?”, and the picture in “Side by side”.",
    alternatives={
        "sizes of the arrays": _count_by_arrays,
        "a loop over the gates": _count_by_loop,
        "NumPy's numbers": lambda D, H: np.int64(4) * H * (D + H + 1),
        "a float": lambda D, H: 4.0 * H * (D + H + 1),
        "shapes": lambda D, H: sum(map(np.prod, [(D, 4 * H), (H, 4 * H), (4 * H,)])),
    },
)


# ----------------------------------------------------------------------- lstm_sequence


def _sequence_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, D: int, H: int, tag: str = "short") -> Case:
        x = rng.normal(size=(B, T, D))
        return Case(name, (x, *_states(rng, B, H), *_weights(rng, D, H)), frozenset((tag,)))

    return [
        case("five steps", 3, 5, 2, 4),
        case("one time step", 2, 1, 3, 5, "one"),
        case("a batch of one", 1, 4, 3, 2),
        case("all sizes alike", 3, 3, 3, 3),
        case("forty steps", 2, 40, 1, 3, "long"),
    ]


def _sequence(
    x: Array,
    h0: Array,
    c0: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array,
    *,
    step: Step = lstm_step,
    start: Callable[[Array, Array], Pair] = lambda h0, c0: (h0, c0),
    hand_on: Callable[..., Pair] = lambda h, c, h0, c0: (h, c),
    collect: Callable[..., Array] = lambda h, c, old: h,
    order: Callable[[int], Any] = range,
    axis: int = 1,
    join: Callable[..., Array] = np.stack,
    result: Callable[..., Any] = lambda outputs, h, c: (outputs, h, c),
) -> Any:
    """An LSTM over a sequence, every part of which can be exchanged for a wrong one."""
    state, outputs = start(h0, c0), []
    h, c = state
    for t in order(x.shape[1]):
        old = state[0]
        h, c = step(x[:, t], *state, kernel, recurrent_kernel, bias)
        outputs.append(collect(h, c, old))
        state = hand_on(h, c, h0, c0)
    return result(join(outputs, axis=axis), h, c)


def _over_the_batch(x: Array, h: Array, c: Array, *weights: Array) -> Any:
    outputs = []
    for row in x:
        h, c = _lstm(row, h, c, *weights)  # a step that checks no shapes, as a student's does not
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c


def _new_cell_state_dropped(x: Array, h: Array, c: Array, *weights: Array) -> Any:
    outputs = []
    for t in range(x.shape[1]):
        h, _ = lstm_step(x[:, t], h, c, *weights)
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c


def _last_step_left_empty(x: Array, h: Array, c: Array, *weights: Array) -> Any:
    outputs = np.zeros((*x.shape[:2], h.shape[1]))
    for t in range(x.shape[1] - 1):
        h, c = lstm_step(x[:, t], h, c, *weights)
        outputs[:, t] = h
    return outputs, h, c


def _sequence_in_place(x: Array, h0: Array, c0: Array, *weights: Array) -> Any:
    outputs = np.empty((x.shape[0], x.shape[1], h0.shape[1]))
    for t in range(x.shape[1]):
        h0[:], c0[:] = lstm_step(x[:, t], h0, c0, *weights)
        outputs[:, t] = h0
    return outputs, h0, c0


def _sequence_hoisted(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Any:
    outputs = np.empty((len(x), x.shape[1], U.shape[0]))
    for t, z in enumerate(np.einsum("btd,dk->tbk", x, W) + b):
        i, f, g, o = np.split(z + h @ U, 4, axis=1)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        outputs[:, t] = h = _sigmoid(o) * np.tanh(c)
    return outputs, h, c


def _sequence_one_by_one(x: Array, h0: Array, c0: Array, *weights: Array) -> Any:
    outputs, last_h, last_c = [], [], []
    for sequence, h, c in zip(x, h0, c0, strict=True):
        h, c, rows = h[None], c[None], []
        for row in sequence:
            h, c = _step_by_slices(row[None], h, c, *weights)
            rows.append(h[0])
        outputs.append(rows)
        last_h.append(h[0])
        last_c.append(c[0])
    return outputs, last_h, last_c


def _sequence_by_tensorflow(x: Array, h: Array, c: Array, *weights: Array) -> Any:
    tf, outputs = _tf(), []
    for x_t in tf.unstack(x, axis=1):
        h, c = _step_by_tensorflow(x_t, h, c, *weights)
        outputs.append(h)
    return tf.stack(outputs, axis=1), h, c


_HANDED_ON = "“From a step to a sequence”: what one step hands to the next."
_STEP_FIRST = "Go back to `lstm_step`, whose card names what is wrong with it."


def _built_on(name: str, step: Step, what: str) -> Misconception:
    """A right loop around a wrong step: the hint sends back to the step."""
    return Misconception(
        f"built-on-{name}",
        partial(_sequence, step=step),
        nudge="Your loop does what it should. What does the card of `lstm_step` say?",
        pointer=_STEP_FIRST,
        explanation=f"The loop is right; the step inside it is not: {what}.",
    )


LSTM_SEQUENCE = Exercise(
    id="lstm_sequence",
    probe="calls:call",
    reference=lstm_sequence,
    cases=_sequence_cases,
    axes=[("batch", "time", "hidden"), BATCH_HIDDEN, BATCH_HIDDEN],
    aspects=(
        Aspect("shapes", 0.5, same_shape),
        Aspect(
            "one time step",
            0.5,
            _item(0, "outputs", ("batch", "time", "hidden")),
            tags=frozenset({"one"}),
        ),
        Aspect(
            "outputs",
            1.0,
            _item(0, "outputs", ("batch", "time", "hidden")),
            tags=frozenset({"short"}),
        ),
        Aspect("last hidden state", 0.5, _item(1, "h"), tags=frozenset({"short"})),
        Aspect("last cell state", 0.5, _item(2, "c"), tags=frozenset({"short"})),
        Aspect("long sequences", 0.5, _item(2, "c"), tags=frozenset({"long"}), needs=("outputs",)),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("outputs", "last hidden state", "last cell state"),
        ),
    ),
    misconceptions=(
        Misconception(
            "c-reset-at-every-step",
            partial(_sequence, hand_on=lambda h, c, h0, c0: (h, c0)),
            nudge="Which *c* does your second step start from?",
            pointer=_HANDED_ON,
            explanation="The cell state starts anew at each step: the memory is thrown away, and only "
            "*h* is handed on.",
        ),
        Misconception(
            "h-reset-at-every-step",
            partial(_sequence, hand_on=lambda h, c, h0, c0: (h0, c)),
            nudge="Which *h* does your second step start from?",
            pointer=_HANDED_ON,
            explanation="The hidden state starts anew at each step; only *c* is handed on.",
        ),
        Misconception(
            "state-not-handed-on",
            partial(_sequence, hand_on=lambda h, c, h0, c0: (h0, c0)),
            nudge="Which state does your second step start from?",
            pointer=_HANDED_ON,
            explanation="Every step of yours starts from the initial state.",
        ),
        Misconception(
            "state-exchanged-between-steps",
            partial(_sequence, hand_on=lambda h, c, h0, c0: (c, h)),
            nudge="In which order does a step return its two parts, and in which order does the next "
            "one take them?",
            pointer=_HANDED_ON,
            explanation="Between two steps *h* and *c* change places. Shapes cannot tell: both are "
            "(B, H).",
        ),
        Misconception(
            "cell-states-as-outputs",
            partial(_sequence, collect=lambda h, c, old: c),
            nudge="Which part of the state does the world outside see? Are your outputs within ±1?",
            pointer="“From a step to a sequence”: what is collected.",
            explanation="You collect the cell states. The outputs are the hidden states.",
        ),
        Misconception(
            "initial-state-ignored",
            partial(_sequence, start=lambda h, c: (np.zeros_like(h), np.zeros_like(c))),
            nudge="Where do you use `h0` and `c0`?",
            pointer=_HANDED_ON,
            explanation="You start from zeros. A sequence that goes on where another one stopped "
            "starts from what was handed over.",
        ),
        Misconception(
            "c0-ignored",
            partial(_sequence, start=lambda h, c: (h, np.zeros_like(c))),
            nudge="Where do you use `c0`?",
            pointer=_HANDED_ON,
            explanation="Your cell state starts from zeros; `c0` is not used.",
        ),
        Misconception(
            "h0-ignored",
            partial(_sequence, start=lambda h, c: (np.zeros_like(h), c)),
            nudge="Where do you use `h0`?",
            pointer=_HANDED_ON,
            explanation="Your hidden state starts from zeros; `h0` is not used.",
        ),
        Misconception(
            "initial-state-exchanged",
            partial(_sequence, start=lambda h, c: (c, h)),
            nudge="In which order do `h0` and `c0` arrive, and what does your first step take?",
            pointer=_HANDED_ON,
            explanation="Your first step takes `c0` as the hidden state and `h0` as the cell state.",
        ),
        Misconception(
            "time-major",
            partial(_sequence, axis=0),
            nudge="Which axis of your outputs counts the time steps?",
            pointer="“From a step to a sequence”: the shape of the outputs.",
            explanation="You stack along the first axis: your outputs are time-major, (T, B, H).",
        ),
        Misconception(
            "concatenated",
            partial(_sequence, join=np.concatenate),
            nudge="How many axes does one output have, and how many should all of them have?",
            pointer="“From a step to a sequence”: the shape of the outputs.",
            explanation="You glue the outputs together along the units, in place of giving time an "
            "axis of its own.",
        ),
        Misconception(
            "loops-over-the-batch",
            _over_the_batch,
            nudge="What is `x[0]`: all sequences at one time, or all times of one sequence?",
            pointer="“From a step to a sequence”: along which axis the loop runs.",
            explanation="Your loop runs along the first axis of `x`: that is the batch.",
        ),
        Misconception(
            "states-before-the-step",
            partial(_sequence, collect=lambda h, c, old: old),
            nudge="Is the first of your outputs equal to `h0`? Should it be?",
            pointer="“From a step to a sequence”: what is collected.",
            explanation="You collect *h* before the step has changed it: all outputs come one step "
            "late.",
        ),
        Misconception(
            "backwards",
            partial(_sequence, order=lambda T: reversed(range(T))),
            nudge="Which time step does your loop begin with?",
            pointer="“From a step to a sequence”: along which axis the loop runs.",
            explanation="Your loop runs from the last step to the first.",
        ),
        Misconception(
            "last-step-missing",
            partial(
                _sequence,
                order=lambda T: range(T - 1),
            ),
            nudge="How many outputs do you collect for a sequence of five steps?",
            pointer="“From a step to a sequence”: along which axis the loop runs.",
            explanation="Your loop ends one step early.",
        ),
        Misconception(
            "last-step-left-empty",
            _last_step_left_empty,
            nudge="Print t inside your loop. Is the last step among them?",
            pointer="“From a step to a sequence”: along which axis the loop runs.",
            explanation="Your loop ends one step early, and the last output stays as you had laid it "
            "out.",
        ),
        Misconception(
            "new-c-dropped",
            _new_cell_state_dropped,
            nudge="What do you do with the second result of a step?",
            pointer=_HANDED_ON,
            explanation="The new *c* of each step is thrown away, so every step starts from `c0`, and "
            "`c0` is what you return.",
        ),
        Misconception(
            "state-before-outputs",
            partial(_sequence, result=lambda outputs, h, c: (h, c, outputs)),
            nudge="In which order does the docstring list the three results?",
            pointer="The docstring of `lstm_sequence`.",
            explanation="All three are there, but the outputs come first, then *h* and *c*.",
        ),
        Misconception(
            "c-before-h",
            partial(_sequence, result=lambda outputs, h, c: (outputs, c, h)),
            **_SWAPPED_RESULT,
        ),
        Misconception(
            "state-not-returned",
            partial(_sequence, result=lambda outputs, h, c: outputs),
            nudge="How many results does the docstring ask for?",
            pointer=_HANDED_ON,
            explanation="You return the outputs alone. Whoever goes on with the sequence needs the "
            "last *h* and *c* as well.",
        ),
        Misconception(
            "initial-state-overwritten",
            _sequence_in_place,
            nudge="Print `h0` and `c0` before and after a call of your function.",
            pointer="The docstring of `lstm_sequence`: what stays as it is.",
            explanation="Your numbers are right, but you write them into the arrays `h0` and `c0` "
            "that you were given.",
        ),
        _built_on(
            "forget-gate-on-hidden-state",
            partial(_lstm, remember=lambda i, f, g, c, h: f * h + i * g),
            "its forget gate multiplies *h*",
        ),
        _built_on(
            "gate-order-of-tensorflow-1",
            partial(_lstm, order="igfo"),
            "it takes the blocks in another order",
        ),
        _built_on(
            "candidate-last",
            partial(_lstm, order="ifog"),
            "it takes the blocks in another order",
        ),
        _built_on(
            "i-and-f-exchanged",
            partial(_lstm, order="figo"),
            "it exchanges two gates",
        ),
        _built_on(
            "h-and-c-swapped",
            partial(_lstm, result=lambda h, c: (c, h)),
            "it returns (c, h)",
        ),
        _built_on(
            "sigmoid-candidate",
            partial(_lstm, candidate=_sigmoid),
            "it squashes the candidate with the wrong function",
        ),
        _built_on(
            "no-tanh-at-the-output",
            partial(_lstm, output=lambda o, new, old: o * new),
            "its output lacks a tanh",
        ),
        _built_on(
            "bias-ignored",
            partial(_lstm, sums=lambda x, h, c, W, U, b: x @ W + h @ U),
            "it leaves the bias out",
        ),
    ),
    nudge="For two steps, write the calls of `lstm_step` out without a loop. What does the second one "
    "take from the first?",
    pointer="“From a step to a sequence” draws what is handed on and what is collected.",
    alternatives={
        "input product hoisted": _sequence_hoisted,
        "one sequence after the other": _sequence_one_by_one,
        "tensorflow": _sequence_by_tensorflow,
        "a list of three": lambda *a: list(_sequence(*a)),
    },
)


# ------------------------------------------------------------------- repair_slide_lstm

Gates = dict[str, Any]
HELD = 0.3
"""What the cell is to hold for sixty steps."""


def _slide_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, D: int, H: int) -> Case:
        gates = {
            name: [
                rng.normal(0.0, 0.8, (D, H)),
                rng.normal(0.0, 0.6, (H, H)),
                rng.uniform(0.5, 1.2, H) * rng.choice([-1.0, 1.0], H),
            ]
            for name in "FIOS"
        }
        inputs = (rng.normal(size=(B, D)), *_states(rng, B, H), gates, 1)
        return Case(name, inputs, frozenset({"one step"}))

    return [
        case("three sequences", 3, 2, 4),
        case("a batch of one", 1, 3, 2),
        case("as many sequences as units", 4, 2, 4),
        case("all sizes alike", 3, 3, 3),
        Case("sixty steps, forget gates opened by the input", _held(rng, by_bias=False), _LONG),
        Case("sixty steps, forget gates opened by the bias", _held(rng, by_bias=True), _LONG),
    ]


_LONG = frozenset({"long"})


def _held(rng: Rng, *, by_bias: bool) -> tuple[Any, ...]:
    """A cell that forgets nothing and writes nothing, with something in it, for sixty steps."""
    B, D, H = 2, 1, 3
    open_or_shut = {"F": 10.0, "I": -10.0, "O": 0.0, "S": 0.0}
    gates = {
        name: [
            np.full((D, H), 0.0 if by_bias else strength),
            rng.normal(0.0, 0.2, (H, H)),
            np.full(H, strength if by_bias else 0.0),
        ]
        for name, strength in open_or_shut.items()
    }
    state = HELD * rng.uniform(0.9, 1.1, (B, H))
    return np.ones((B, D)), 0.5 * np.tanh(state), state, gates, 60


def _slide(
    x: Array,
    output: Array,
    state: Array,
    gates: Gates,
    *,
    add_bias: Callable[[Array, Array], Array] = lambda z, b: z + b,
    after: Callable[[Array, Array], Array] = lambda gate, b: gate,
    names: str = "FIOS",
    squash: Callable[[Array], Array] = np.tanh,
    forget: Callable[..., Array] = lambda F, output, state: state * F,
    write: Callable[..., Array] = lambda I, S: I * S,  # noqa: E741  (the slide's letter)
    emit: Callable[..., Array] = lambda O, new, old: O * np.tanh(new),  # noqa: E741
    result: Callable[..., Any] = lambda output, new: (output, new),
) -> Any:
    """The slides' cell, every part of which can be repaired, left as it is, or made worse."""

    def gate(name: str, activation: Callable[[Array], Array]) -> Array:
        A, B, b = gates[name]
        return after(activation(add_bias(x @ A + output @ B, b)), b)

    F, I, O = (gate(name, _sigmoid) for name in names[:3])  # noqa: E741
    new = forget(F, output, state) + write(I, gate(names[3], squash))
    return result(emit(O, new, state), new)


_UNREPAIRED: dict[str, Any] = {
    "forget": lambda F, output, state: output * F,
    "add_bias": lambda z, b: z,
}


def _slide_by_kernels(x: Array, output: Array, state: Array, gates: Gates) -> Pair:
    W, U, b = (np.concatenate([gates[name][part] for name in "IFSO"], axis=-1) for part in range(3))
    return _step_by_slices(x, output, state, W, U, b)


def _slide_by_tensorflow(x: Array, output: Array, state: Array, gates: Gates) -> Any:
    tf = _tf()
    F, I, O, S = (  # noqa: E741
        tf.nn.bias_add(tf.matmul(x, A) + tf.matmul(output, B), b)
        for A, B, b in (gates[name] for name in "FIOS")
    )
    state = tf.sigmoid(F) * state + tf.sigmoid(I) * tf.tanh(S)
    return tf.sigmoid(O) * tf.tanh(state), state


def _slide_by_einsum(x: Array, output: Array, state: Array, gates: Gates) -> list[Array]:
    z = {
        name: np.einsum("bd,dh->bh", x, A) + np.einsum("bk,kh->bh", output, B) + b[None, :]
        for name, (A, B, b) in gates.items()
    }
    F, I, O = (1 / (1 + np.exp(-z[name])) for name in "FIO")  # noqa: E741
    state = F * state + I * np.tanh(z["S"])
    return [(O * np.tanh(state)).astype(np.float32), state]


_SLIDE = "“Find the bug: a cell that could not remember”"
_SAME_CELL = _SLIDE + ": its table says which of the slide's letters is which of yours."

REPAIR_SLIDE_LSTM = Exercise(
    id="repair_slide_lstm",
    probe="held:repeat",
    reference=repair_slide_lstm,
    cases=_slide_cases,
    axes=[BATCH_HIDDEN, BATCH_HIDDEN],
    aspects=(
        Aspect("shapes", 0.5, same_shape),
        Aspect("new state", 1.5, _item(1, "new_state"), tags=frozenset({"one step"})),
        Aspect("output", 1.0, _item(0, "output"), tags=frozenset({"one step"})),
        Aspect("a state held for sixty steps", 1.5, _item(1, "new_state"), tags=_LONG),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("new state", "output"),
        ),
    ),
    misconceptions=(
        Misconception(
            "as-printed",
            partial(_slide, **_UNREPAIRED),
            nudge="Which of the arguments is never used? And which part of each gate?",
            pointer=_SLIDE + ": do the two questions on paper.",
            explanation="Nothing is repaired yet: this computes just what the slide's code does.",
        ),
        Misconception(
            "bias-added-only",
            partial(_slide, forget=_UNREPAIRED["forget"]),
            nudge="The biases are in. Now call your function with two different `state`. What "
            "changes?",
            pointer=_SAME_CELL,
            explanation="One bug is left: F still multiplies the old output, and the old state is "
            "never used.",
        ),
        Misconception(
            "state-kept-only",
            partial(_slide, add_bias=_UNREPAIRED["add_bias"]),
            nudge="The state is kept. Now change the biases: does your result change?",
            pointer=_SLIDE
            + ": the second question on paper is about the third member of each gate.",
            explanation="One bug is left: the biases are unpacked and never added.",
        ),
        Misconception(
            "bias-as-a-column",
            partial(_slide, add_bias=lambda z, b: z + b[:, None]),
            nudge="How many sequences are in the first case, and how many biases does a gate have? "
            "Along which axis do you lay them?",
            pointer=_SLIDE + ": which shape must a bias have?",
            explanation="You lay the biases along the batch. A bias belongs to a unit, and is the "
            "same for all sequences.",
        ),
        Misconception(
            "bias-as-a-square",
            partial(_slide, add_bias=lambda z, b: z + np.tile(b, (len(b), 1))),
            nudge="What shape would the slide's bias have, and what shape has the sum to which it is "
            "to be added?",
            pointer=_SLIDE + ": which shape must a bias have?",
            explanation="You make a square of the bias, (H, H), as the slide declares it. That fits "
            "only if there happen to be as many sequences as units.",
        ),
        Misconception(
            "bias-after-the-activation",
            partial(_slide, add_bias=lambda z, b: z, after=lambda gate, b: gate + b),
            nudge="Between which numbers must a gate lie? Can yours leave that range?",
            pointer="“Four small networks”: where the bias stands in the equations.",
            explanation="You add the bias after the activation. It belongs to the sum inside.",
        ),
        Misconception(
            "gates-look-at-the-state",
            lambda x, output, state, gates: _slide(
                x,
                output,
                state,
                {name: (A, 0 * B, state @ B + b) for name, (A, B, b) in gates.items()},
            ),
            nudge="Was anything wrong with what the gates listen to?",
            pointer="“Four small networks”: follow the wire at the bottom of the picture.",
            explanation="Your gates listen to the state. They see the old *output*, as in the slide; "
            "only the product with F has to change.",
        ),
        Misconception(
            "state-added-as-well",
            partial(_slide, forget=lambda F, output, state: output * F + state),
            nudge="What does F decide about in your function?",
            pointer=_SAME_CELL,
            explanation="You add the old state beside the slide's term. F must decide about the "
            "state, and the output does not belong there.",
        ),
        Misconception(
            "forget-and-input-exchanged",
            partial(_slide, names="IFOS"),
            nudge="Which gate stands in front of the old state?",
            pointer=_SAME_CELL,
            explanation="F and I are exchanged.",
        ),
        Misconception(
            "one-set-of-weights-for-all",
            partial(_slide, names="FFFF"),
            nudge="How many different gates can you tell apart if all have the same weights?",
            pointer="“Four small networks”.",
            explanation="You use the weights of F for all four. Each has its own.",
        ),
        Misconception(
            "output-without-tanh",
            partial(_slide, emit=lambda O, new, old: O * new),  # noqa: E741
            nudge="Did you take away something that was right?",
            pointer="“Four small networks”: the way from the belt to *h*.",
            explanation="The tanh on the way to the output was right in the slide, and is gone.",
        ),
        Misconception(
            "output-of-the-old-state",
            partial(_slide, emit=lambda O, new, old: O * np.tanh(old)),  # noqa: E741
            nudge="Which of the two states is shown: the one before the step or the one after it?",
            pointer="“Four small networks”: the way from the belt to *h*.",
            explanation="Your output shows the state from before the step. In the slide that was right: "
            "it is made of the new one.",
        ),
        Misconception(
            "sigmoid-for-s",
            partial(_slide, squash=_sigmoid),
            nudge="Did you change an activation that was right?",
            pointer=_SAME_CELL,
            explanation="S is the candidate: its activation is tanh, as in the slide.",
        ),
        Misconception(
            "state-before-output",
            partial(_slide, result=lambda output, new: (new, output)),
            nudge="In which order does the slide return its two results?",
            pointer=_SLIDE + ": its code returns (output, new_state).",
            explanation="Your two results are exchanged.",
        ),
    ),
    nudge="Compare the slide's cell with your `lstm_step`, line by line, with the table of letters "
    "beside you.",
    pointer=_SLIDE + " has the code and the table.",
    alternatives={
        "through one kernel": _slide_by_kernels,
        "tensorflow": _slide_by_tensorflow,
        "einsum, a list": _slide_by_einsum,
        "the slide's lines": _slide,
    },
)


# ------------------------------------------------------------------ lstm_step_backward


def _backward_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, D: int, H: int, later: str = "both") -> Case:
        x = rng.normal(size=(B, D))
        cache = list(lstm_step_forward(x, *_states(rng, B, H), *_weights(rng, D, H))[2])
        dh, dc = (_states(rng, B, H)[1] for _ in range(2))
        if later == "h":
            dc = np.zeros_like(dc)
        if later == "c":
            dh = np.zeros_like(dh)
        return Case(name, (dh, dc, cache), frozenset({later}))

    return [
        case("three sequences", 3, 2, 4),
        case("a batch of one", 1, 3, 2),
        case("all sizes alike", 3, 3, 3),
        case("the last step: dc is zero", 3, 2, 4, "h"),
        case("no loss at this output: dh is zero", 2, 3, 5, "c"),
    ]


def _back(
    dh: Array,
    dc: Array,
    cache: Any,
    *,
    total: Callable[..., Array] = lambda dh, dc, o, c: dc + dh * o * (1 - np.tanh(c) ** 2),
    previous: Callable[..., Array] = lambda total, dc, f: total * f,
    gates: Callable[..., list[Array]] = lambda dh, t, i, g, c_prev, c: [
        t * g,
        t * c_prev,
        t * i,
        dh * np.tanh(c),
    ],
    slopes: Callable[..., list[Array]] = lambda i, f, g, o: [
        i * (1 - i),
        f * (1 - f),
        1 - g**2,
        o * (1 - o),
    ],
    order: tuple[int, ...] = (0, 1, 2, 3),
    recurrent: Callable[..., Array] = lambda h_prev, o, c, dz: h_prev.T @ dz,
    bias: Callable[[Array], Array] = lambda dz: dz.sum(axis=0),
    results: tuple[int, ...] = (0, 1, 2, 3, 4, 5),
) -> Any:
    """Back through one step; every part can be exchanged for a wrong one."""
    x, h_prev, c_prev, i, f, g, o, c, kernel, recurrent_kernel = cache
    t = total(dh, dc, o, c)
    blocks = [d * s for d, s in zip(gates(dh, t, i, g, c_prev, c), slopes(i, f, g, o), strict=True)]
    dz = np.concatenate([blocks[k] for k in order], axis=1)
    parts = (
        dz @ kernel.T, dz @ recurrent_kernel.T, previous(t, dc, f), x.T @ dz,
        recurrent(h_prev, o, c, dz), bias(dz),
    )  # fmt: skip
    return tuple(parts[k] for k in results)


def _kernels_on_their_side(dh: Array, dc: Array, cache: Any) -> Any:
    dx, dh_prev, dc_prev, dkernel, drecurrent_kernel, dbias = _back(dh, dc, cache)
    return dx, dh_prev, dc_prev, dkernel.T, drecurrent_kernel.T, dbias


def _dc_in_place(dh: Array, dc: Array, cache: Any) -> Any:
    dc += dh * cache[6] * (1 - np.tanh(cache[7]) ** 2)
    return _back(dh, dc, cache, total=lambda dh, dc, o, c: dc)


def _back_gate_by_gate(dh: Array, dc: Array, cache: Any) -> Any:
    x, h_prev, c_prev, i, f, g, o, c, W, U = cache
    H, s = c.shape[1], np.tanh(c)
    dc = dc + dh * o * (1 - s * s)
    sums = {
        0: dc * g * i * (1 - i), 1: dc * c_prev * f * (1 - f), 2: dc * i * (1 - g * g),
        3: dh * s * o * (1 - o),
    }  # fmt: skip
    dx, dh_prev = np.zeros_like(x), np.zeros_like(h_prev)
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(4 * H)
    for k, dz in sums.items():
        own = slice(k * H, (k + 1) * H)
        dx += dz @ W[:, own].T
        dh_prev += dz @ U[:, own].T
        for n in range(len(x)):
            dW[:, own] += np.outer(x[n], dz[n])
            dU[:, own] += np.outer(h_prev[n], dz[n])
            db[own] += dz[n]
    return dx, dh_prev, f * dc, dW, dU, db


def _back_by_einsum(dh: Array, dc: Array, cache: Any) -> list[Array]:
    x, h_prev, c_prev, i, f, g, o, c, W, U = (np.asarray(part, np.float32) for part in cache)
    cosh = np.cosh(c)
    dc = dc + dh * o / cosh**2
    dz = np.hstack(
        [
            dc * g * (i - i**2), dc * c_prev * (f - f**2), dc * i * (1 - g) * (1 + g),
            dh * np.sinh(c) / cosh * (o - o**2),
        ]
    )  # fmt: skip
    return [
        np.einsum("bk,dk->bd", dz, W), np.einsum("bk,hk->bh", dz, U), np.multiply(dc, f),
        np.einsum("bd,bk->dk", x, dz), np.einsum("bh,bk->hk", h_prev, dz), np.ones(len(x)) @ dz,
    ]  # fmt: skip


def _back_by_tape(dh: Array, dc: Array, cache: Any) -> Any:
    tf = _tf()
    x, h_prev, c_prev, i, f, g, o, _, W, U = cache
    # The bias is what the sums have beyond the two products.
    z = np.concatenate([np.log(i / (1 - i)), np.log(f / (1 - f)), np.arctanh(g),
                        np.log(o / (1 - o))], axis=1)  # fmt: skip
    rest = tf.constant(z - x @ W - h_prev @ U)
    variables = [tf.constant(v) for v in (x, h_prev, c_prev, W, U, np.zeros(W.shape[1]))]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        x, h_prev, c_prev, W, U, b = variables
        zi, zf, zg, zo = tf.split(x @ W + h_prev @ U + b + rest, 4, axis=1)
        c = tf.sigmoid(zf) * c_prev + tf.sigmoid(zi) * tf.tanh(zg)
        h = tf.sigmoid(zo) * tf.tanh(c)
        loss = tf.reduce_sum(h * dh) + tf.reduce_sum(c * dc)
    return tape.gradient(loss, variables)


def _bias_block(place: int, name: str) -> Callable[[Comparison], Difference | None]:
    """Whether one gate's block of the bias' gradient is right: it shows that gate by itself."""

    def test(seen: Comparison) -> Difference | None:
        value = seen.actual.value
        if not isinstance(value, list) or len(value) != 6:
            return same_shape(seen)
        wanted, got = seen.expected.value[5], np.asarray(value[5])
        if got.shape != wanted.shape:
            return _item(5, "dbias", ("columns",))(seen)
        H = len(wanted) // 4
        own = slice(place * H, (place + 1) * H)
        found = compare_values(wanted[own], got[own], ("unit",), seen.tolerance)
        return Difference(f"{name}, its block of dbias: {found}") if found else None

    return test


def _all_of(*tests: Test) -> Test:
    def test(seen: Comparison) -> Difference | None:
        return next((found for one in tests if (found := one(seen))), None)

    return test


_ROADS = "“Two roads lead to c”"
_TABLE = "“The way back”: its table has one line a gate."

LSTM_STEP_BACKWARD = Exercise(
    id="lstm_step_backward",
    probe="calls:call",
    by_hand=AUTODIFF,
    reference=lstm_step_backward,
    cases=_backward_cases,
    axes=[
        ("batch", "features"),
        BATCH_HIDDEN,
        BATCH_HIDDEN,
        ("features", "columns"),
        ("hidden", "columns"),
        ("columns",),
    ],
    aspects=(
        Aspect("shapes", 0.5, same_shape),
        Aspect("dc_prev, the belt", 1.5, _item(2, "dc_prev")),
        Aspect("output gate", 0.5, _bias_block(3, "o")),
        Aspect(
            "the other three gates",
            1.0,
            _all_of(_bias_block(0, "i"), _bias_block(1, "f"), _bias_block(2, "g")),
        ),
        Aspect(
            "weights",
            1.0,
            _all_of(
                _item(3, "dkernel", ("features", "columns")),
                _item(4, "drecurrent_kernel", ("hidden", "columns")),
            ),
        ),
        Aspect(
            "dx and dh_prev",
            1.0,
            _all_of(_item(0, "dx", ("batch", "features")), _item(1, "dh_prev")),
        ),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("dc_prev, the belt", "weights", "dx and dh_prev"),
        ),
    ),
    misconceptions=(
        Misconception(
            "dc-through-h-forgotten",
            partial(_back, total=lambda dh, dc, o, c: dc),
            nudge="If `dc` is zero and `dh` is not, should anything flow back through the belt?",
            pointer=_ROADS,
            explanation="You leave out the second road: the cell state is felt through *h* as well, "
            "and what comes back on that road has to be added to `dc`.",
        ),
        Misconception(
            "later-dc-dropped",
            partial(_back, total=lambda dh, dc, o, c: dh * o * (1 - np.tanh(c) ** 2)),
            nudge="Where do you use `dc`?",
            pointer=_ROADS,
            explanation="You leave out the first road: what comes back along the belt from later "
            "steps, `dc`, is lost.",
        ),
        Misconception(
            "forget-gate-dropped",
            partial(_back, previous=lambda total, dc, f: total),
            nudge="On the way forward, what happens to the old cell state before it is added?",
            pointer=_TABLE,
            explanation="Your `dc_prev` is the whole gradient of the new cell state. On its way to "
            "the old one it passes the forget gate.",
        ),
        Misconception(
            "belt-cut",
            partial(_back, previous=lambda total, dc, f: np.zeros_like(f)),
            nudge="Does the old cell state have no influence on the new one?",
            pointer=_TABLE,
            explanation="Your `dc_prev` is zero: nothing flows back along the belt.",
        ),
        Misconception(
            "only-later-dc-handed-back",
            partial(_back, previous=lambda total, dc, f: dc * f),
            nudge="Which gradient do you multiply with the forget gate: what you were given, or what "
            "has arrived at *c* in all?",
            pointer=_ROADS,
            explanation="You hand back only the `dc` that you were given. The part that came through "
            "*h* passes the forget gate too.",
        ),
        Misconception(
            "gate-derivatives-missing",
            partial(_back, slopes=lambda i, f, g, o: [np.ones_like(i)] * 4),
            nudge="You have the gradients of the gates. What lies between a gate and its sum?",
            pointer=_TABLE,
            explanation="The derivatives of the sigmoid and of tanh are missing: you stop at the "
            "gates, but the weights sit in front of the squashing.",
        ),
        Misconception(
            "sigmoid-derivative-for-g",
            partial(_back, slopes=lambda *gates: [gate * (1 - gate) for gate in gates]),
            nudge="Which of the four is squashed by another function?",
            pointer=_TABLE,
            explanation="You use the sigmoid's derivative for all four. The candidate comes out of "
            "a tanh.",
        ),
        Misconception(
            "tanh-derivative-for-all",
            partial(_back, slopes=lambda *gates: [1 - gate**2 for gate in gates]),
            nudge="Which of the four are squashed by another function?",
            pointer=_TABLE,
            explanation="You use the derivative of tanh for all four. Three of them come out of a "
            "sigmoid.",
        ),
        Misconception(
            "derivative-without-tanh-of-c",
            partial(_back, total=lambda dh, dc, o, c: dc + dh * o * (1 - c**2)),
            nudge="The derivative of tanh is 1 minus the square of what?",
            pointer=_ROADS,
            explanation="You square *c* itself. The derivative of tanh is one minus the square of "
            "the tanh: what comes out, not what goes in.",
        ),
        Misconception(
            "no-derivative-in-the-road",
            partial(_back, total=lambda dh, dc, o, c: dc + dh * o),
            nudge="On the road from *c* to *h* lie two things. Which of them do you pass?",
            pointer=_ROADS,
            explanation="On the road through *h* you pass the output gate, but not the tanh: its "
            "derivative is missing.",
        ),
        Misconception(
            "squashed-again",
            partial(
                _back,
                slopes=lambda i, f, g, o: [
                    _sigmoid(i) * (1 - _sigmoid(i)),
                    _sigmoid(f) * (1 - _sigmoid(f)),
                    1 - np.tanh(g) ** 2,
                    _sigmoid(o) * (1 - _sigmoid(o)),
                ],
            ),
            nudge="Are the gates in the cache sums, or have they been through their activation?",
            pointer="“The cache”.",
            explanation="You squash the gates once more. The cache holds them after their activation, "
            "so that the derivative can be told from what came out.",
        ),
        Misconception(
            "candidate-squashed-again",
            partial(
                _back,
                slopes=lambda i, f, g, o: [
                    i * (1 - i),
                    f * (1 - f),
                    1 - np.tanh(g) ** 2,
                    o * (1 - o),
                ],
            ),
            nudge="Is `g` in the cache a sum, or has it been through its activation?",
            pointer="“The cache”.",
            explanation="You take tanh of *g*, but *g* is what came out of a tanh already.",
        ),
        Misconception(
            "square-in-the-wrong-place",
            partial(_back, total=lambda dh, dc, o, c: dc + dh * o * (1 - np.tanh(c)) ** 2),
            nudge="The derivative of tanh at 0 is 1. What is yours at a large *c*, and at a very "
            "negative one?",
            pointer=_ROADS,
            explanation="You square the difference. The derivative of tanh is one minus the square.",
        ),
        Misconception(
            "output-gate-not-in-the-road",
            partial(_back, total=lambda dh, dc, o, c: dc + dh * (1 - np.tanh(c) ** 2)),
            nudge="If the output gate is shut, can the cell state be felt through *h*?",
            pointer=_ROADS,
            explanation="On the road through *h* you pass the tanh, but not the output gate.",
        ),
        Misconception(
            "new-c-for-the-forget-gate",
            partial(
                _back,
                gates=lambda dh, t, i, g, c_prev, c: [t * g, t * c, t * i, dh * np.tanh(c)],
            ),
            nudge="Which cell state did the forget gate multiply: the old or the new one?",
            pointer=_TABLE,
            explanation="For the forget gate you use the new cell state. It multiplied the old one.",
        ),
        Misconception(
            "i-and-g-exchanged",
            partial(
                _back,
                gates=lambda dh, t, i, g, c_prev, c: [t * i, t * c_prev, t * g, dh * np.tanh(c)],
            ),
            nudge="What is the derivative of the product i · g with respect to i?",
            pointer=_TABLE,
            explanation="For the input gate and the candidate you multiply with themselves. In a "
            "product, each one's derivative is the other.",
        ),
        Misconception(
            "c-without-tanh-for-the-output-gate",
            partial(
                _back,
                gates=lambda dh, t, i, g, c_prev, c: [t * g, t * c_prev, t * i, dh * c],
            ),
            nudge="What exactly does the output gate multiply?",
            pointer=_TABLE,
            explanation="The output gate multiplies the tanh of the cell state; you use the cell "
            "state.",
        ),
        Misconception(
            "dc-for-the-output-gate",
            partial(
                _back,
                gates=lambda dh, t, i, g, c_prev, c: [t * g, t * c_prev, t * i, t * np.tanh(c)],
            ),
            nudge="Which of the two gradients reaches the output gate: that of *h* or that of *c*?",
            pointer=_TABLE,
            explanation="For the output gate you start from the gradient of *c*. It stands between "
            "*c* and *h*, so it only feels that of *h*.",
        ),
        Misconception(
            "blocks-in-another-order",
            partial(_back, order=(0, 2, 1, 3)),
            nudge="In which order do you glue the four blocks together?",
            pointer=_LAYOUT,
            explanation="Your blocks are i, g, f, o. They must stand as in the kernel.",
        ),
        Misconception(
            "blocks-with-f-first",
            partial(_back, order=(1, 0, 2, 3)),
            nudge="In which order do you glue the four blocks together?",
            pointer=_LAYOUT,
            explanation="Your blocks are f, i, g, o. They must stand as in the kernel.",
        ),
        Misconception(
            "kernels-on-their-side",
            _kernels_on_their_side,
            nudge="Which shapes do `kernel` and your gradient of it have?",
            pointer="“The way back”: from the sums to the weights.",
            explanation="The gradients of the two kernels lie on their side: their factors are "
            "exchanged.",
        ),
        Misconception(
            "new-h-for-the-recurrent-kernel",
            partial(_back, recurrent=lambda h_prev, o, c, dz: (o * np.tanh(c)).T @ dz),
            nudge="Which hidden state did `recurrent_kernel` multiply?",
            pointer="“The way back”: from the sums to the weights.",
            explanation="For `recurrent_kernel` you use the new hidden state. It multiplied the one "
            "from before the step.",
        ),
        Misconception(
            "dbias-not-summed",
            partial(_back, bias=lambda dz: dz),
            nudge="Which shape has the bias, and which your gradient of it?",
            pointer="“The way back”: from the sums to the weights.",
            explanation="The same bias served all sequences of the batch, so their gradients have to "
            "be added up.",
        ),
        Misconception(
            "dbias-summed-over-the-columns",
            partial(_back, bias=lambda dz: dz.sum(axis=1)),
            nudge="Which axis of `dz` counts the sequences, and which the columns?",
            pointer="“The way back”: from the sums to the weights.",
            explanation="You add up over the columns and keep the batch. It is the other way round.",
        ),
        Misconception(
            "dbias-averaged",
            partial(_back, bias=lambda dz: dz.mean(axis=0)),
            nudge="Do you average over the batch for the kernels, too?",
            pointer="“The way back”: from the sums to the weights.",
            explanation="You take the mean over the batch for the bias. The chain rule adds up; "
            "dividing is the loss's own business.",
        ),
        Misconception(
            "dh-and-dc-exchanged",
            partial(_back, results=(0, 2, 1, 3, 4, 5)),
            nudge="In which order does the docstring list the results?",
            pointer="The docstring of `lstm_step_backward`.",
            explanation="Your second and third results are exchanged: `dh_prev` comes first.",
        ),
        Misconception(
            "dc-changed-in-place",
            _dc_in_place,
            nudge="Print `dc` before and after a call of your function.",
            pointer="The docstring of `lstm_step_backward`: what stays as it is.",
            explanation="Your numbers are right, but `dc += ...` writes into the array that you were "
            "given.",
        ),
    ),
    nudge="If a shape does not fit: write the shapes under each product, and see which factor has to be "
    "transposed. If the numbers differ: begin with `dc_prev`, first for `dh` zero, then for `dc` zero.",
    pointer="“Two roads lead to c” and “The way back”: the tables.",
    alternatives={
        "gate by gate": _back_gate_by_gate,
        "einsum in float32": _back_by_einsum,
        "TensorFlow's tape": _back_by_tape,
        "a list": lambda *a: list(_back(*a)),
    },
)


# ----------------------------------------------------------------------- reorder_gates


def _reorder_cases(rng: Rng) -> list[Case]:
    def case(name: str, shape: tuple[int, ...], start: str, goal: str, tag: str) -> Case:
        return Case(name, (rng.normal(size=shape), start, goal), frozenset((tag,)))

    return [
        case("the tutorial's kernel, from TensorFlow 1", (12, 40), "ijfo", "ifgo", "tf1"),
        case("one unit, from TensorFlow 1", (3, 4), "ijfo", "ifgo", "tf1"),
        case("a bias from TensorFlow 1", (12,), "ijfo", "ifgo", "tf1"),
        case("a kernel to ONNX", (4, 12), "ifgo", "iofc", "any"),
        case("a square kernel from ONNX", (8, 8), "iofc", "ifgo", "any"),
        case("a bias to ONNX", (8,), "ifgo", "iofc", "any"),
        case("a kernel whose order is right already", (2, 8), "ifgo", "ifgo", "any"),
    ]


def _places(start: str, goal: str) -> list[int]:
    start, goal = (order.replace("j", "g").replace("c", "g") for order in (start, goal))
    return [start.index(gate) for gate in goal]


def _pick_blocks(
    w: Array,
    start: str,
    goal: str,
    *,
    places: Callable[[str, str], list[int]] = _places,
    axis: int = -1,
) -> Array:
    blocks = np.split(w, 4, axis=axis)
    return np.concatenate([blocks[k] for k in places(start, goal)], axis=axis)


def _forget_bias_added(w: Array, start: str, goal: str) -> Array:
    w = _pick_blocks(w, start, goal)
    if w.ndim == 1:
        H = len(w) // 4
        first = goal.index("f") * H
        w[first : first + H] += 1.0
    return w


def _glued_along_the_rows(w: Array, start: str, goal: str) -> Array:
    blocks = np.split(w, 4, axis=-1)
    return np.concatenate([blocks[k] for k in _places(start, goal)])


def _reordered_in_place(w: Array, start: str, goal: str) -> Array:
    w[...] = _pick_blocks(w, start, goal)
    return w


def _interleaved(w: Array, start: str, goal: str) -> Array:
    by_unit = w.reshape(*w.shape[:-1], -1, 4)
    return np.asarray(by_unit[..., _places(start, goal)].reshape(w.shape))


def _dictionary(w: Array, start: str, goal: str) -> Array:
    blocks = dict(zip(start, np.split(w, 4, axis=-1), strict=True))
    return np.concatenate([blocks[gate] for gate in goal], axis=-1)


def _reorder_by_index(w: Array, start: str, goal: str) -> Array:
    H = w.shape[-1] // 4
    columns = [place * H + unit for place in _places(start, goal) for unit in range(H)]
    return np.asarray(np.take(w, columns, axis=-1))


def _reorder_by_matrix(w: Array, start: str, goal: str) -> Array:
    H = w.shape[-1] // 4
    swap = np.zeros((4, 4))
    for new, old in enumerate(_places(start, goal)):
        swap[old, new] = 1.0
    return np.asarray(w @ np.kron(swap, np.eye(H)))


def _reorder_by_reshape(w: Array, start: str, goal: str) -> Array:
    blocks = w.reshape(*w.shape[:-1], 4, -1)
    return np.asarray(blocks[..., _places(start, goal), :].reshape(w.shape))


def _reorder_by_tensorflow(w: Array, start: str, goal: str) -> Any:
    tf = _tf()
    blocks = tf.split(w, 4, axis=-1)
    return tf.concat([blocks[k] for k in _places(start, goal)], axis=-1)


_ORDERS = "“Same boxes, another order” has the picture and a small example on paper."
_SYNONYM = {
    "nudge": "Which letter does TensorFlow 1 have for the candidate? And ONNX?",
    "pointer": "“Same boxes, another order”: one gate, three names.",
    "explanation": "You look for the letter g where the candidate is called j or c. The three are "
    "names of the same block.",
}

REORDER_GATES = Exercise(
    id="reorder_gates",
    probe="calls:call",
    reference=reorder_gates,
    cases=_reorder_cases,
    axes=("rows", "columns"),
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("from TensorFlow 1", 1.0, tags=frozenset({"tf1"})),
        Aspect("any two orders", 1.0, tags=frozenset({"any"})),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("from TensorFlow 1", "any two orders"),
        ),
    ),
    misconceptions=(
        Misconception(
            "rows-swapped",
            partial(_pick_blocks, axis=0),
            nudge="What does a row of a kernel stand for? And a column?",
            pointer=_ORDERS,
            explanation="You move blocks of rows. A row belongs to an input; the gates lie side by "
            "side, in the columns.",
        ),
        Misconception(
            "second-axis",
            partial(_pick_blocks, axis=1),
            nudge="How many axes does a bias have?",
            pointer="“Exercise 6: `reorder_gates`”, its first paragraph.",
            explanation="You cut along the second axis, which a bias does not have. The gates are "
            "always on the *last* one.",
        ),
        Misconception(
            "glued-along-the-rows",
            _glued_along_the_rows,
            nudge="Which axis does `np.concatenate` take if you do not say?",
            pointer=_ORDERS,
            explanation="You cut along the columns and glue along the rows. A bias does not mind, a "
            "kernel does.",
        ),
        Misconception(
            "works-in-place",
            _reordered_in_place,
            nudge="Print `w` before and after a call of your function.",
            pointer="The docstring of `reorder_gates`: a new array.",
            explanation="Your numbers are right, but they are written into the array that you were "
            "given.",
        ),
        Misconception(
            "forget-bias-added",
            _forget_bias_added,
            nudge="Are all numbers of your result to be found in `w`?",
            pointer="“The bias that is added twice”.",
            explanation="You add a forget bias on the way. Reordering only moves numbers; who adds "
            "here and again when converting has it twice.",
        ),
        Misconception(
            "forget-bias-added-to-every-array",
            lambda w, start, goal: (
                _pick_blocks(w, start, goal)
                + np.repeat([float(gate == "f") for gate in goal], w.shape[-1] // 4)
            ),
            nudge="Are all numbers of your result to be found in `w`?",
            pointer="“The bias that is added twice”.",
            explanation="You add 1 to the forget gate's block, even in kernels. Reordering only "
            "moves numbers.",
        ),
        Misconception(
            "the-other-way-round",
            lambda w, start, goal: _pick_blocks(w, goal, start),
            nudge="From TensorFlow 1 all is well, to ONNX it is not. Which of the two orders says "
            "where a block is, and which where it goes?",
            pointer=_ORDERS,
            explanation="You go from `order_to` to `order_from`. Where only two blocks change places, "
            "both ways are the same, so TensorFlow 1's order cannot tell.",
        ),
        Misconception(
            "always-tensorflow-1",
            lambda w, start, goal: _pick_blocks(w, "ijfo", "ifgo"),
            nudge="Where do you use `order_from` and `order_to`?",
            pointer=_ORDERS,
            explanation="You always exchange the second block and the third. The two orders are "
            "arguments.",
        ),
        Misconception(
            "units-interleaved",
            _interleaved,
            nudge="Which columns of a kernel with 12 columns belong to its first gate?",
            pointer=_LAYOUT,
            explanation="You take the gates in turns, column by column. A gate's columns stand "
            "together in one block.",
        ),
        Misconception(
            "one-column-a-gate",
            lambda w, start, goal: w[..., _places(start, goal)],
            nudge="How many columns does your result have?",
            pointer=_LAYOUT,
            explanation="You pick four columns. Each gate has a block of H of them.",
        ),
        Misconception(
            "nothing-moved",
            lambda w, start, goal: np.array(w),
            nudge="Compare your result with `w`. Did anything move?",
            pointer=_ORDERS,
            explanation="The result is `w` as it was.",
        ),
        Misconception(
            "candidate-by-another-name",
            lambda w, start, goal: _pick_blocks(
                w, start, goal, places=lambda a, b: [a.index(gate) for gate in b]
            ),
            **_SYNONYM,
        ),
        Misconception("candidate-by-another-name-in-a-dict", _dictionary, **_SYNONYM),
        Misconception(
            "onnx-s-name-forgotten",
            lambda w, start, goal: _pick_blocks(
                w,
                start.replace("j", "g"),
                goal.replace("j", "g"),
                places=lambda a, b: [a.index(gate) for gate in b],
            ),
            **_SYNONYM,
        ),
    ),
    nudge="Cut `w` into four blocks first and give each its letter. In which order do you glue them?",
    pointer=_ORDERS,
    alternatives={
        "index of columns": _reorder_by_index,
        "a permutation matrix": _reorder_by_matrix,
        "reshape": _reorder_by_reshape,
        "tensorflow": _reorder_by_tensorflow,
    },
)

SHOWN = ("plots/lstm_internals.py", "recall.py")
"""What of ``course_lib`` a grading kernel shows: what the ordinary cells need, and no answer."""

NUMPY_ONLY = True
"""Its kernels are forked from a process without TensorFlow: smaller and sooner there."""

EXERCISES = (
    LSTM_STEP,
    LSTM_PARAMETER_COUNT,
    LSTM_SEQUENCE,
    REPAIR_SLIDE_LSTM,
    LSTM_STEP_BACKWARD,
    REORDER_GATES,
)
