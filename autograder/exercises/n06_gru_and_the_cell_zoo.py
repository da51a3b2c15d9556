"""N06: the GRU in both its forms, two cells from the slides, peepholes and layer normalisation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from autograder.compare import Difference, compare_shape, compare_values
from autograder.exercise import (
    Aspect,
    Case,
    Comparison,
    Exercise,
    Misconception,
    inputs_unchanged,
    same_shape,
)
from course_lib.cells.gru import gru_parameter_count, gru_step
from course_lib.cells.layer_norm import layer_norm
from course_lib.cells.peephole import peephole_step
from course_lib.cells.slides import repair_slide_gru, slide_rnn_cell

Array = np.ndarray
Rng = np.random.Generator
Pair = tuple[Array, Array]
Gates = dict[str, list[Array]]


def _sigmoid(a: Any) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(a))))


def _tf() -> Any:
    from course_lib.quiet import tf

    return tf


def _state(rng: Rng, batch: int, hidden: int) -> Array:
    """A state that is nowhere near zero, so that what happens to it shows."""
    return rng.uniform(0.3, 0.9, (batch, hidden)) * rng.choice([-1.0, 1.0], (batch, hidden))


def _result(
    place: int, name: str, axes: tuple[str, ...], compare: Callable[..., Any] = compare_values
) -> Callable[[Comparison], Difference | None]:
    """Whether one of the two results is right; the wording calls it by its name."""

    def test(seen: Comparison) -> Difference | None:
        value = seen.actual.value
        if isinstance(value, np.ndarray) and value.ndim == 3:  # two equal arrays, stacked
            value = list(value)
        if not isinstance(value, list) or len(value) != 2:
            return Difference(f"your function should return two things; {name} is missing")
        more = (seen.tolerance,) if compare is compare_values else ()
        found = compare(seen.expected.value[place], value[place], axes, *more)
        return Difference(f"{name}: {found}") if found else None

    return test


def _both(first: Callable[..., Any], second: Callable[..., Any]) -> Callable[[Comparison], Any]:
    """Whether both tests hold; the first difference is told."""
    return lambda seen: first(seen) or second(seen)


# ---- gru_step

_GRU_SIZES = {
    "two sequences": (2, 3, 4),
    "a batch of one": (1, 4, 3),
    "as many features as hidden units": (3, 5, 5),
}


def _gru_cases(rng: Rng) -> list[Case]:
    cases = []
    for reset_after in (False, True):
        for name, (B, D, H) in _GRU_SIZES.items():
            rows = (2, 3 * H) if reset_after else (3 * H,)
            inputs = (
                rng.normal(size=(B, D)),
                _state(rng, B, H),
                rng.normal(0.0, 0.7, (D, 3 * H)),
                rng.normal(0.0, 0.8, (H, 3 * H)),
                rng.uniform(0.3, 0.8, rows) * rng.choice([-1.0, 1.0], rows),
                reset_after,
            )
            tag = "after" if reset_after else "before"
            cases.append(Case(f"{name}, reset_after={reset_after}", inputs, frozenset({tag})))
    return cases


def _gru(
    x: Array,
    h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array,
    reset_after: bool,
    *,
    order: str = "zrh",
    mix: Callable[..., Array] = lambda z, r, h, g: z * h + (1 - z) * g,
    reset: Callable[[Array, Array], Array] = lambda z, r: r,
    form: str = "asked",
    squash: Callable[[Array], Array] = np.tanh,
    gate: Callable[[Array], Array] = _sigmoid,
    candidate: str = "state only",
    biases: str = "two",
) -> Array:
    """A GRU with one idea exchanged: what the wrong variants have in common."""
    H = h.shape[1]
    place = {name: slice(n * H, (n + 1) * H) for n, name in enumerate(order)}
    b, c = bias if reset_after else (bias, np.zeros_like(bias))
    if biases == "first":
        c = np.zeros_like(c)
    elif biases == "second row in the candidate only":
        c = np.where(np.arange(3 * H) < 2 * H, 0.0, c)
    elif biases == "exchanged" and reset_after:
        b, c = c, b
    elif biases == "inside" and reset_after:
        candidate_only = np.arange(3 * H) >= 2 * H
        b, c = np.where(candidate_only, 0.0, b), c + b * candidate_only
    elif biases == "none":
        b, c = np.zeros_like(b), np.zeros_like(c)
    elif biases == "outside":
        b, c = b + c, np.zeros_like(c)
    a = x @ kernel + b
    u = h @ recurrent_kernel + c
    z, r = (gate((a + u)[:, place[name]]) for name in "zr")
    after = {"asked": reset_after, "other": not reset_after, "before": False, "after": True}[form]
    R, s = recurrent_kernel[:, place["h"]], reset(z, r)
    of_state = s * u[:, place["h"]] if after else (s * h) @ R + c[place["h"]]
    of_input = a[:, place["h"]]
    if candidate == "all":
        of_input, of_state = s * of_input, s * u[:, place["h"]]
    return mix(z, r, h, squash(of_input + of_state))


def _gru_rows_as_they_are(
    x: Array, h: Array, K: Array, R: Array, bias: Array, reset_after: bool, *, form: str
) -> Array:
    """Both rows of biases added as if they were one: a row for each instance."""
    H = h.shape[1]
    z, r = (_sigmoid((x @ K + h @ R + bias)[:, k * H : (k + 1) * H]) for k in range(2))
    a, S = (x @ K + bias)[:, 2 * H :], R[:, 2 * H :]
    old = r * (h @ S) if reset_after and form == "asked" else (r * h) @ S
    return np.asarray(z * h + (1 - z) * np.tanh(a + old))


def _gru_overwrites(x: Array, h: Array, *rest: Any) -> Array:
    h[:] = gru_step(x, h, *rest)
    return h


def _gru_pair(*inputs: Any) -> Pair:
    h = gru_step(*inputs)
    return h, h


def _gru_by_loops(x: Array, h: Array, K: Array, R: Array, bias: Array, reset_after: bool) -> Any:
    def sigmoid(a: float) -> float:
        return float(1 / (1 + np.exp(-a)))

    B, D, H = len(x), x.shape[1], h.shape[1]
    b, c = (bias[0], bias[1]) if reset_after else (bias, [0.0] * (3 * H))
    rows = []
    for n in range(B):

        def from_x(column: int, n: int = n) -> float:
            return float(sum(x[n, d] * K[d, column] for d in range(D)) + b[column])

        def from_h(column: int, state: Any) -> float:
            return float(sum(state[i] * R[i, column] for i in range(H)) + c[column])

        z = [sigmoid(from_x(j) + from_h(j, h[n])) for j in range(H)]
        r = [sigmoid(from_x(H + j) + from_h(H + j, h[n])) for j in range(H)]
        row = []
        for j in range(H):
            if reset_after:
                old = r[j] * from_h(2 * H + j, h[n])
            else:
                old = from_h(2 * H + j, [r[i] * h[n, i] for i in range(H)])
            g = float(np.tanh(from_x(2 * H + j) + old))
            row.append(z[j] * float(h[n, j]) + (1 - z[j]) * g)
        rows.append(row)
    return rows


def _gru_by_einsum(x: Array, h: Array, K: Array, R: Array, bias: Array, reset_after: bool) -> Array:
    D, H = K.shape[0], h.shape[1]
    K, R = K.reshape(D, 3, H), R.reshape(H, 3, H)
    b, c = np.asarray(bias).reshape(-1, 3, H)[0], np.zeros((3, H))
    if reset_after:
        c = bias[1].reshape(3, H)
    a = np.einsum("bd,dkh->kbh", x, K) + b[:, None]
    u = np.einsum("bi,ikh->kbh", h, R) + c[:, None]
    z, r = _sigmoid(a[:2] + u[:2])
    old = r * u[2] if reset_after else np.einsum("bi,bi,ih->bh", r, h, R[:, 2])
    return np.tanh(a[2] + old) * (1 - z) + h * z


def _gru_by_concatenation(
    x: Array, h: Array, K: Array, R: Array, bias: Array, reset_after: bool
) -> Array:
    H = h.shape[1]
    both = np.dot(np.hstack([x, h]), np.vstack([K, R])[:, : 2 * H])
    both = both + np.atleast_2d(bias)[:, : 2 * H].sum(0)
    z, r = np.hsplit(_sigmoid(both), 2)
    if reset_after:
        g = np.tanh(
            x @ K[:, 2 * H :] + bias[0, 2 * H :] + r * (h @ R[:, 2 * H :] + bias[1, 2 * H :])
        )
    else:
        joined = np.vstack([K, R])[:, 2 * H :]
        g = np.tanh(np.dot(np.hstack([x, r * h]), joined) + bias[2 * H :])
    return g + z * (h - g)


def _gru_by_tensorflow(
    x: Array, h: Array, K: Array, R: Array, bias: Array, reset_after: bool
) -> Any:
    tf = _tf()
    x, h, K, R, bias = (tf.cast(a, tf.float32) for a in (x, h, K, R, bias))
    xz, xr, xh = tf.split(x @ K + (bias[0] if reset_after else bias), 3, axis=1)
    Rz, Rr, Rh = tf.split(R, 3, axis=1)
    cz, cr, ch = tf.split(bias[1] if reset_after else tf.zeros_like(bias), 3)
    z, r = tf.sigmoid(xz + h @ Rz + cz), tf.sigmoid(xr + h @ Rr + cr)
    old = r * (h @ Rh + ch) if reset_after else (r * h) @ Rh
    return z * h + (1 - z) * tf.tanh(xh + old)


_MIX = "“Four lines”: the last line, and what z = 1 should do."
_RESETS = "“Two places for the reset”: the two equations for the candidate, and the figure."
_BIASES = "“Two rows of biases”: which row is added where."

GRU_STEP = Exercise(
    id="gru_step",
    probe="calls:call",
    reference=gru_step,
    cases=_gru_cases,
    axes=("batch", "hidden"),
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("reset before the product", 2.0, tags=frozenset({"before"})),
        Aspect("reset after the product", 2.0, tags=frozenset({"after"})),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("reset before the product", "reset after the product"),
        ),
    ),
    misconceptions=(
        Misconception(
            "z-and-one-minus-z-exchanged",
            partial(_gru, mix=lambda z, r, h, g: (1 - z) * h + z * g),
            nudge="If z is 1 in every unit, what does your function return: the old state or the "
            "candidate?",
            pointer=_MIX,
            explanation="You exchange z and 1 − z. Some papers do write it so, and with their weights "
            "it works; with the weights of this course (and of Keras) z says how much *stays*.",
        ),
        Misconception(
            "r-used-for-z",
            partial(_gru, mix=lambda z, r, h, g: r * h + (1 - r) * g),
            nudge="Where does your function use z? Underline every place.",
            pointer="“Four lines”: which gate stands in which line.",
            explanation="The reset gate does the work of both gates, and z is computed in vain. It is "
            "the mistake of a well-known set of slides, which you will meet below.",
        ),
        Misconception(
            "candidate-in-full",
            partial(_gru, mix=lambda z, r, h, g: z * h + g),
            nudge="What do the shares of the old and of the new add up to, in your last line?",
            pointer=_MIX,
            explanation="You add the whole candidate. It comes in with the share that the old state "
            "leaves free.",
        ),
        Misconception(
            "z-used-for-reset",
            partial(_gru, reset=lambda z, r: z),
            nudge="Where does your function use r? Underline every place.",
            pointer="“Four lines”: which gate stands in which line.",
            explanation="The update gate also does the reset gate's work: r is computed in vain.",
        ),
        Misconception(
            "reset-ignored",
            partial(_gru, reset=lambda z, r: np.ones_like(r)),
            nudge="With r = 0 the candidate should know nothing of the old state. Does yours?",
            pointer="“Four lines”: the third line.",
            explanation="Your candidate sees the whole old state, whatever the reset gate says.",
        ),
        Misconception(
            "reset-on-the-wrong-side",
            partial(_gru, form="other"),
            nudge="For `reset_after=True`: what comes first in your candidate, the reset or the "
            "product with the recurrent kernel?",
            pointer=_RESETS,
            explanation="The two forms are exchanged: *after* means that the reset gate scales what "
            "comes out of the product with the recurrent kernel, *before* what goes into it.",
        ),
        Misconception(
            "always-before",
            partial(_gru, form="before"),
            nudge="Does `reset_after` change your candidate in any way?",
            pointer=_RESETS,
            explanation="You reset before the product in both forms. With `reset_after=True` the "
            "whole state goes into the product, and the gate scales what comes out.",
        ),
        Misconception(
            "always-after",
            partial(_gru, form="after"),
            nudge="Does `reset_after` change your candidate in any way?",
            pointer=_RESETS,
            explanation="You reset after the product in both forms. With `reset_after=False` the "
            "gate scales the state before it goes into the product.",
        ),
        Misconception(
            "second-bias-ignored",
            partial(_gru, biases="first"),
            nudge="Of the two rows of `bias`, how many does your function read?",
            pointer=_BIASES,
            explanation="With `reset_after=True` there are two rows of biases, and you use only the "
            "first.",
        ),
        Misconception(
            "both-biases-outside-the-reset",
            partial(_gru, biases="outside"),
            nudge="If you add up the two rows of `bias` first, which term does the reset gate no "
            "longer touch?",
            pointer=_BIASES,
            explanation="You add up both rows at once. For the two gates that is the same; in the "
            "candidate the second row belongs to the term that the reset gate scales.",
        ),
        Misconception(
            "second-bias-missing-in-the-gates",
            partial(_gru, biases="second row in the candidate only"),
            nudge="How many entries of the second row of `bias` does your function read: H, or 3H?",
            pointer=_BIASES,
            explanation="You use the second row in the candidate and leave it out of the two gates. "
            "It is of little use there, but it belongs there.",
        ),
        Misconception(
            "rows-of-biases-exchanged",
            partial(_gru, biases="exchanged"),
            nudge="Which row of `bias` goes with the input, which with the state?",
            pointer=_BIASES,
            explanation="The two rows are exchanged: the first one goes with the input, the second "
            "stands inside the reset gate's bracket. (In the two gates it makes no difference.)",
        ),
        Misconception(
            "both-biases-inside-the-reset",
            partial(_gru, biases="inside"),
            nudge="Which of the two biases of the candidate does the reset gate scale?",
            pointer=_BIASES,
            explanation="In the candidate both biases stand inside the reset gate's bracket. The "
            "first one goes with the input and stays outside.",
        ),
        *(
            Misconception(
                f"rows-of-biases-as-they-are{how}",
                partial(_gru_rows_as_they_are, form=form),
                nudge="What is the shape of `bias` with `reset_after=True`, and what does NumPy make "
                "of it when you add it to a `(B, 3H)` sum?",
                pointer="“What the layout is”: the shapes of the biases.",
                explanation="You add both rows as they are. With a batch of two NumPy gives one row "
                "to each sequence; they are two biases for every sequence.",
            )
            for how, form in (("", "asked"), ("-and-always-before", "before"))
        ),
        Misconception(
            "bias-ignored",
            partial(_gru, biases="none"),
            nudge="With `x` and `h` all zero, what should z be, and what does yours depend on?",
            pointer="“Four lines”: count the terms in each bracket, and yours.",
            explanation="The biases are missing from your sums.",
        ),
        Misconception(
            "gate-order-r-z-h",
            partial(_gru, order="rzh"),
            nudge="Which columns of the kernel belong to z? Are they the first H or the second H?",
            pointer="“What the layout is”: the order of the three blocks.",
            explanation="You read the blocks in the order r, z, h. That is PyTorch's and TensorFlow "
            "1's habit; here, as in Keras, z comes first.",
        ),
        Misconception(
            "no-tanh",
            partial(_gru, squash=lambda a: a),
            nudge="How large can an entry of your candidate become?",
            pointer="“Four lines”: what stands in front of the third bracket.",
            explanation="Your candidate is the sum itself: nothing squashes it, so the state can grow "
            "without bound.",
        ),
        Misconception(
            "sigmoid-candidate",
            partial(_gru, squash=_sigmoid),
            nudge="Can your candidate be negative? Should it?",
            pointer="“Four lines”: what stands in front of the third bracket.",
            explanation="You squash the candidate like a gate, into 0 to 1. It is new *content*, not a "
            "gate, and may be negative.",
        ),
        Misconception(
            "tanh-gates",
            partial(_gru, gate=np.tanh),
            nudge="What are the smallest and the largest value that your z can take?",
            pointer="“Four lines”: what stands in front of the first two brackets.",
            explanation="Your gates are squashed by tanh and can be negative. A gate is a share, from "
            "0 to 1.",
        ),
        Misconception(
            "input-reset-too",
            partial(_gru, candidate="all"),
            nudge="With r = 0, does your candidate still hear the input x?",
            pointer="“Four lines”: how far the reset gate's bracket reaches in the third line.",
            explanation="Your reset gate scales the input's term as well. It should touch only what "
            "comes from the old state.",
        ),
        Misconception(
            "returns-a-pair",
            _gru_pair,
            nudge="How many arrays does the docstring ask for, and how many do you return?",
            pointer="The docstring of `gru_step`: what it returns.",
            explanation="You return output and state as two things, as an LSTM would. In a GRU they "
            "are one, and one array is asked for.",
        ),
        Misconception(
            "state-overwritten",
            _gru_overwrites,
            nudge="Print `h` before and after a call of your function.",
            pointer="The docstring of `gru_step`: what it returns, and what stays as it is.",
            explanation="Your numbers are right, but you write them into the array `h` that you were "
            "given. Whoever called you still needs the old state.",
        ),
    ),
    nudge="Compute z, r, the candidate and the mixture on four lines and print the shape of each. Are "
    "all four `(B, H)`? What is the shape of `bias` in each form? Then do the example on paper with your "
    "function.",
    pointer="“Four lines” has the equations, “What the layout is” the three blocks.",
    alternatives={
        "loops": _gru_by_loops,
        "einsum": _gru_by_einsum,
        "concatenation": _gru_by_concatenation,
        "tensorflow in float32": _gru_by_tensorflow,
    },
)


# ---- gru_parameter_count


def _count_cases(rng: Rng) -> list[Case]:
    sizes = {
        "4 features, 5 units": (4, 5),
        "one feature, one unit": (1, 1),
        "as many features as units": (7, 7),
        "more features than units": (int(rng.integers(20, 40)), int(rng.integers(6, 16))),
        "more units than features": (int(rng.integers(2, 6)), int(rng.integers(30, 90))),
    }
    return [
        Case(
            f"{name}, reset_after={reset_after}",
            (D, H, reset_after),
            frozenset({"after" if reset_after else "before"}),
        )
        for name, (D, H) in sizes.items()
        for reset_after in (False, True)
    ]


def _count(
    biases: tuple[int, int] = (1, 2), blocks: int = 3, extra: int = 0
) -> Callable[[int, int, bool], int]:
    def count(D: int, H: int, reset_after: bool) -> int:
        return blocks * (H * (D + H) + H * biases[reset_after]) + (extra * H if reset_after else 0)

    return count


def _count_keras(D: int, H: int, reset_after: bool) -> int:
    layer = _tf().keras.layers.GRU(H, reset_after=reset_after)
    layer.build((None, None, D))
    return int(layer.count_params())


def _count_arrays(D: int, H: int, reset_after: bool) -> Any:
    shapes = [(D, 3 * H), (H, 3 * H), (2, 3 * H) if reset_after else (3 * H,)]
    return sum(np.zeros(shape).size for shape in shapes)


GRU_PARAMETER_COUNT = Exercise(
    id="gru_parameter_count",
    probe="calls:call",
    by_hand=frozenset(),
    reference=gru_parameter_count,
    cases=_count_cases,
    aspects=(
        Aspect("reset before the product", 1.5, tags=frozenset({"before"})),
        Aspect("reset after the product", 1.5, tags=frozenset({"after"})),
    ),
    misconceptions=(
        Misconception(
            "reset-after-ignored",
            _count((1, 1)),
            nudge="Does your count depend on `reset_after`? Does the shape of any array?",
            pointer=_BIASES,
            explanation="You count one row of biases in both forms: 150 also where it should be 165.",
        ),
        Misconception(
            "two-rows-in-both-forms",
            _count((2, 2)),
            nudge="What is the shape of `bias` with `reset_after=False`?",
            pointer=_BIASES,
            explanation="You count two rows of biases in both forms: 165 also where it should be 150.",
        ),
        Misconception(
            "forms-exchanged",
            _count((2, 1)),
            nudge="Which of the two forms needs a bias of its own inside the reset gate's bracket?",
            pointer=_BIASES,
            explanation="Your two counts are exchanged: the second row of biases belongs to "
            "`reset_after=True`.",
        ),
        Misconception(
            "one-more-bias-for-the-candidate-only",
            _count((1, 1), extra=1),
            nudge="You have thought well about which extra biases are of any *use*. How many does the "
            "layout *store*?",
            pointer="“Two rows of biases”: the shape of `bias`.",
            explanation="You count only the extra biases that change what the cell can do. The layout "
            "stores a whole second row, for all three blocks.",
        ),
        Misconception(
            "biases-forgotten",
            _count((0, 0)),
            nudge="Which of the three arrays that `gru_step` is given does your count leave out?",
            pointer="“What the layout is”: the shapes of the three arrays.",
            explanation="You count the two kernels and no biases.",
        ),
        Misconception(
            "four-blocks",
            _count(blocks=4),
            nudge="How many blocks does a GRU's kernel have side by side, and how many an LSTM's?",
            pointer="“What the layout is”: the names of the blocks.",
            explanation="You count four blocks. That is an LSTM; a GRU has one fewer.",
        ),
        Misconception(
            "two-blocks",
            _count(blocks=2),
            nudge="The gates have weights. Does anything else in the cell?",
            pointer="“Four lines”: which lines hold a matrix product?",
            explanation="You count the two gates and leave out the candidate, which has weights of its "
            "own.",
        ),
        Misconception(
            "one-block",
            _count(blocks=1),
            nudge="Your count fits a basic cell. How many such sums does a GRU compute in one step?",
            pointer="“What the layout is”: the names of the blocks.",
            explanation="You count one block only: that is the basic cell of notebook 1.",
        ),
        Misconception(
            "no-recurrent-kernel",
            lambda D, H, reset_after: 3 * (D * H + H * (2 if reset_after else 1)),
            nudge="Does the old state go through any weights, in your count?",
            pointer="“What the layout is”: the shapes of the three arrays.",
            explanation="You count the kernel of the input only. The state has a kernel as well.",
        ),
        Misconception(
            "biases-of-one-block",
            lambda D, H, reset_after: 3 * H * (D + H) + H * (2 if reset_after else 1),
            nudge="How many columns does `bias` have?",
            pointer="“What the layout is”: the shapes of the three arrays.",
            explanation="You count the kernels of three blocks, but the biases of one.",
        ),
        Misconception(
            "d-and-h-exchanged",
            lambda D, H, reset_after: gru_parameter_count(H, D, reset_after),
            nudge="For D = 1, does your count grow with H as H² or as H?",
            pointer="“What the layout is”: the shapes of the three arrays.",
            explanation="D and H are exchanged: H is how many columns a block has.",
        ),
        Misconception(
            "one-example",
            lambda D, H, reset_after: 165 if reset_after else 150,
            nudge="What does your function say for one feature and one unit?",
            pointer="The docstring: D and H are the arguments.",
            explanation="You return the counts of the two colleagues, whatever D and H are.",
        ),
        Misconception(
            "candidate-kernel-twice",
            lambda D, H, reset_after: gru_parameter_count(D, H, reset_after) + H * H * reset_after,
            nudge="Is there another *matrix* when the reset comes after the product, or the same one "
            "used at another moment?",
            pointer=_RESETS,
            explanation="You count another recurrent matrix for `reset_after=True`. The matrices are "
            "the same in both forms; what differs is the biases.",
        ),
    ),
    nudge="Write the shapes of the three arrays under each other, for D = 4 and H = 5, and count the "
    "entries of each.",
    pointer="“What the layout is” has the shapes, “Two rows of biases” the one that changes.",
    alternatives={
        "sizes of arrays": _count_arrays,
        "keras": _count_keras,
        "expanded": lambda D, H, reset_after: 3 * H * D + 3 * H * H + 3 * H * (1 + reset_after),
        "a float": lambda D, H, reset_after: 3.0 * H * (D + H + (2.0 if reset_after else 1.0)),
    },
)


# ---- slide_rnn_cell


def _slide_cases(rng: Rng) -> list[Case]:
    sizes = {
        "two sequences": (2, 3, 4, 5),
        "a batch of one": (1, 2, 5, 3),
        "one output": (4, 3, 2, 1),
        "features, hidden units and outputs all 4": (3, 4, 4, 4),
    }
    return [
        Case(
            name,
            (
                rng.normal(size=(B, D)),
                _state(rng, B, H),
                *(rng.uniform(-1, 1, shape) for shape in ((D, out), (H, out), (D, H), (H, H))),
            ),
        )
        for name, (B, D, H, out) in sizes.items()
    ]


def _relu(a: Array) -> Array:
    return np.maximum(a, 0.0)


def _slide_sums(
    x: Array, state: Array, Au: Array, Bu: Array, Av: Array, Bv: Array
) -> tuple[Array, Array]:
    return x @ Au + state @ Bu, x @ Av + state @ Bv


def _slide_from_new_state(x: Array, s: Array, Au: Array, Bu: Array, Av: Array, Bv: Array) -> Pair:
    new_state = np.tanh(x @ Av + s @ Bv)
    return _relu(x @ Au + new_state @ Bu), new_state


def _slide_with(out: Callable[[Array], Array], new: Callable[[Array], Array]) -> Any:
    def cell(*inputs: Array) -> Pair:
        u, v = _slide_sums(*inputs)
        return out(u), new(v)

    return cell


def _slide_by_loops(x: Array, s: Array, Au: Array, Bu: Array, Av: Array, Bv: Array) -> Any:
    def row(n: int, A: Array, B: Array, f: Callable[[float], float]) -> list[float]:
        return [
            float(
                f(
                    sum(x[n, d] * A[d, j] for d in range(len(A)))
                    + sum(s[n, i] * B[i, j] for i in range(len(B)))
                )
            )
            for j in range(A.shape[1])
        ]

    rows = range(len(x))
    return (
        [row(n, Au, Bu, lambda a: max(0.0, a)) for n in rows],
        [row(n, Av, Bv, np.tanh) for n in rows],
    )


def _slide_at_once(x: Array, s: Array, Au: Array, Bu: Array, Av: Array, Bv: Array) -> Pair:
    big = np.block([[Au, Av], [Bu, Bv]])
    u, v = np.split(np.dot(np.concatenate([x, s], axis=1), big), [Au.shape[1]], axis=1)
    return np.where(u > 0, u, 0), np.tanh(v)


def _slide_by_tensorflow(*inputs: Array) -> Any:
    tf = _tf()
    x, s, Au, Bu, Av, Bv = (tf.constant(a, tf.float32) for a in inputs)
    return tf.nn.relu(tf.matmul(x, Au) + tf.matmul(s, Bu)), tf.tanh(
        tf.matmul(x, Av) + tf.matmul(s, Bv)
    )


_SLIDE_CELL = "“A cell whose output is not its state”: the two equations."

SLIDE_RNN_CELL = Exercise(
    id="slide_rnn_cell",
    probe="calls:call",
    reference=slide_rnn_cell,
    cases=_slide_cases,
    axes=[("batch", "outputs"), ("batch", "hidden")],
    aspects=(
        Aspect(
            "shapes of output and state",
            0.5,
            _both(
                _result(0, "output", ("batch", "outputs"), compare_shape),
                _result(1, "new state", ("batch", "hidden"), compare_shape),
            ),
        ),
        Aspect("output", 1.5, _result(0, "output", ("batch", "outputs"))),
        Aspect("new state", 1.5, _result(1, "new state", ("batch", "hidden"))),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("output", "new state")),
    ),
    misconceptions=(
        Misconception(
            "output-from-the-new-state",
            _slide_from_new_state,
            nudge="Which state does your output look at: the one that came in, or the one that goes "
            "out?",
            pointer=_SLIDE_CELL,
            explanation="You compute the output from the new state. Many cells do so, and it is a good "
            "idea, but this one looks at the old state twice.",
        ),
        Misconception(
            "tanh-and-relu-exchanged",
            _slide_with(np.tanh, _relu),
            nudge="Which of your two results can be larger than 1? Which of them goes round and round?",
            pointer=_SLIDE_CELL,
            explanation="The two activations are exchanged: it is the state, which is fed back again "
            "and again, that has to stay within bounds.",
        ),
        Misconception(
            "results-exchanged",
            lambda *inputs: slide_rnn_cell(*inputs)[::-1],
            nudge="In which order does a step return its two results?",
            pointer="“A cell whose output is not its state”: `step(x, state) -> (output, state)`.",
            explanation="Both results are right, but the state comes first. A step returns the output, "
            "then the state.",
        ),
        Misconception(
            "output-is-the-state",
            lambda *inputs: (slide_rnn_cell(*inputs)[1],) * 2,
            nudge="What are `Au` and `Bu` for?",
            pointer=_SLIDE_CELL,
            explanation="You return the state as output too. That is the basic cell of notebook 1; "
            "here the output has weights of its own.",
        ),
        Misconception(
            "no-relu",
            _slide_with(lambda u: u, np.tanh),
            nudge="Can your output be negative? Should it?",
            pointer=_SLIDE_CELL,
            explanation="Your output is the bare sum: nothing cuts off its negative part.",
        ),
        Misconception(
            "tanh-for-both",
            _slide_with(np.tanh, np.tanh),
            nudge="Can your output be negative? Should it?",
            pointer=_SLIDE_CELL,
            explanation="You squash both results with tanh. The output has another activation.",
        ),
        Misconception(
            "no-tanh",
            _slide_with(_relu, lambda v: v),
            nudge="How large can your state become after a hundred steps?",
            pointer=_SLIDE_CELL,
            explanation="Your new state is the bare sum: nothing keeps it within bounds.",
        ),
        Misconception(
            "output-without-memory",
            lambda x, s, Au, Bu, Av, Bv: (_relu(x @ Au), np.tanh(x @ Av + s @ Bv)),
            nudge="Call your function twice with another state. Does the output change?",
            pointer=_SLIDE_CELL,
            explanation="Your output does not depend on the state: `Bu` is never used.",
        ),
        Misconception(
            "state-without-memory",
            lambda x, s, Au, Bu, Av, Bv: (_relu(x @ Au + s @ Bu), np.tanh(x @ Av)),
            nudge="Call your function twice with another state. Does the new state change?",
            pointer=_SLIDE_CELL,
            explanation="Your new state does not depend on the old one: `Bv` is never used, and the "
            "network remembers nothing beyond one step.",
        ),
        Misconception(
            "state-not-returned",
            lambda *inputs: slide_rnn_cell(*inputs)[0],
            nudge="How many things does the docstring ask for?",
            pointer="“A cell whose output is not its state”: `step(x, state) -> (output, state)`.",
            explanation="You return the output alone. Without the new state there is no next step.",
        ),
        Misconception(
            "bv-transposed",
            lambda x, s, Au, Bu, Av, Bv: (_relu(x @ Au + s @ Bu), np.tanh(x @ Av + s @ Bv.T)),
            nudge="Which index of `Bv` belongs to the unit that a signal comes from?",
            pointer="“A cell whose output is not its state”: the batch is the rows, so weights stand "
            "on the right.",
            explanation="You multiply by the transpose of `Bv`. It is square, so no error tells you.",
        ),
    ),
    nudge="Write the two sums on two lines, before any activation, and print their shapes. Which one "
    "is `(B, O)`, which one `(B, H)`?",
    pointer=_SLIDE_CELL,
    alternatives={
        "loops": _slide_by_loops,
        "one product for both": _slide_at_once,
        "einsum": lambda x, s, Au, Bu, Av, Bv: [
            np.clip(np.einsum("bd,do->bo", x, Au) + np.einsum("bh,ho->bo", s, Bu), 0, None),
            np.tanh(np.einsum("bd,dh->bh", x, Av) + np.einsum("bi,ih->bh", s, Bv)),
        ],
        "tensorflow": _slide_by_tensorflow,
    },
)


# ---- repair_slide_gru


def _repair_cases(rng: Rng) -> list[Case]:
    def case(
        name: str,
        sizes: tuple[int, int, int],
        tag: str,
        same_gates: bool,
        biases: bool,
        large: bool,
    ) -> Case:
        B, D, H = sizes

        def gate(scale: float = 1.0) -> list[Array]:
            b = rng.uniform(0.5, 1.2, H) * rng.choice([-1.0, 1.0], H) * biases
            drawn = rng.normal(0, 0.9, (D, H)), rng.normal(0, 0.9, (H, H)), b
            return [scale * part for part in drawn]

        U = gate()
        R = [w.copy() for w in U] if same_gates else gate()
        x = rng.uniform(0.5, 1.5, (B, D)) * rng.choice([-1.0, 1.0], (B, D))
        # tanh leaves a small candidate as it is: there it does not matter whether it is squashed.
        gates = {"U": U, "R": R, "O": gate(1.0 if large else 0.002)}
        return Case(name, (x, _state(rng, B, H), gates), frozenset({tag}))

    # Each of the first three cases asks for one repair and is blind to the other two.
    return [
        case("U and R alike, no biases", (4, 3, 5), "squash", True, False, True),
        case(
            "U and R differ, no biases, a small candidate", (3, 2, 4), "gates", False, False, False
        ),
        case("U and R alike, biases, a small candidate", (5, 4, 3), "biases", True, True, False),
        case("everything at once", (2, 3, 5), "all", False, True, True),
        case("a batch of one", (1, 4, 2), "all", False, True, True),
        case("as many features as units", (2, 4, 4), "all", False, True, True),
    ]


def _repair(
    x: Array,
    output: Array,
    gates: Gates,
    *,
    squash: Callable[[Array], Array] = np.tanh,
    keep: str = "U",
    reset: str = "R",
    biases: bool = True,
    exchanged: bool = False,
    after: bool = False,
    enters: str = "",
    at_the_end: Callable[[Array], Array] = lambda mixture: mixture,
) -> Array:
    """The slides' GRU with chosen repairs: what is left undone makes the wrong variants."""

    def gate(name: str, h: Array) -> Array:
        A, B, b = gates[name]
        return x @ A + h @ B + b * biases

    value = {"U": _sigmoid(gate("U", output)), "R": _sigmoid(gate("R", output)), "": np.ones(1)}
    A, B, b = gates["O"]
    of_state = value[reset] * (output @ B) if after else (value[reset] * output) @ B
    O = squash(x @ A + of_state + b * biases)  # noqa: E741
    share = 1 - value[keep] if exchanged else value[keep]
    other = 1 - value[enters] if enters else 1 - share
    return np.asarray(at_the_end(share * output + other * O))


def _no_squash(a: Array) -> Array:
    return a


def _repair_by_gru_step(x: Array, output: Array, gates: Gates) -> Array:
    kernel, recurrent, bias = (
        np.concatenate([gates[name][n] for name in "URO"], axis=-1) for n in range(3)
    )
    return gru_step(x, output, kernel, recurrent, bias, reset_after=False)


def _repair_by_loops(x: Array, output: Array, gates: Gates) -> list[list[float]]:
    H = output.shape[1]

    def total(n: int, j: int, name: str, h: Any) -> float:
        A, B, b = gates[name]
        return float(
            sum(x[n, d] * A[d, j] for d in range(len(A)))
            + sum(h[i] * B[i, j] for i in range(H))
            + b[j]
        )

    rows = []
    for n in range(len(x)):
        h = [float(value) for value in output[n]]
        U, R = ([float(_sigmoid(total(n, j, name, h))) for j in range(H)] for name in "UR")
        kept = [r * old for r, old in zip(R, h, strict=True)]
        O = [float(np.tanh(total(n, j, "O", kept))) for j in range(H)]  # noqa: E741
        rows.append([u * old + (1 - u) * new for u, old, new in zip(U, h, O, strict=True)])
    return rows


def _repair_written_out(x: Array, output: Array, gates: Gates) -> Array:
    A, B, b = gates["U"]
    keep = 0.5 * (1 + np.tanh((x.dot(A) + output.dot(B) + b) / 2))
    A, B, b = gates["R"]
    reset = 0.5 * (1 + np.tanh((x.dot(A) + output.dot(B) + b) / 2))
    A, B, b = gates["O"]
    new = np.tanh(np.einsum("bd,dh->bh", x, A) + np.einsum("bi,bi,ih->bh", reset, output, B) + b)
    return np.asarray(new + keep * (output - new))


def _repair_by_tensorflow(x: Array, output: Array, gates: Gates) -> Any:
    tf = _tf()

    def gate(name: str, h: Any, squash: Callable[[Any], Any]) -> Any:
        A, B, b = gates[name]
        return squash(tf.matmul(x, A) + tf.matmul(h, B) + b)

    U, R = gate("U", output, tf.sigmoid), gate("R", output, tf.sigmoid)
    return U * output + (1.0 - U) * gate("O", R * output, tf.tanh)


_FIND = "“Find the bugs: a GRU from slides”"

REPAIR_SLIDE_GRU = Exercise(
    id="repair_slide_gru",
    probe="calls:call",
    reference=repair_slide_gru,
    cases=_repair_cases,
    axes=("batch", "hidden"),
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("the candidate is squashed", 1.0, tags=frozenset({"squash"})),
        Aspect("each gate does its own work", 1.0, tags=frozenset({"gates"})),
        Aspect("the biases are added", 1.0, tags=frozenset({"biases"})),
        Aspect("everything at once", 1.0, tags=frozenset({"all"})),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("everything at once",)),
    ),
    misconceptions=(
        Misconception(
            "as-printed",
            partial(_repair, squash=_no_squash, keep="R", biases=False),
            nudge="Hold the printed code beside your four lines of a GRU. In how many lines do they "
            "differ?",
            pointer=f"{_FIND}: the figure, and the three questions below it.",
            explanation="This does what the printed code does: none of its mistakes is repaired yet.",
        ),
        Misconception(
            "only-the-candidate-repaired",
            partial(_repair, keep="R", biases=False),
            nudge="Well found. Now follow `U` and `b` through the code: where does each end up?",
            pointer=f"{_FIND}: the three questions below the figure.",
            explanation="The candidate is squashed now. What is computed or handed over and then "
            "never used is still never used.",
        ),
        Misconception(
            "only-the-gate-repaired",
            partial(_repair, squash=_no_squash, biases=False),
            nudge="Well found. Now: what bounds the output from above? And where does `b` end up?",
            pointer=f"{_FIND}: the three questions below the figure.",
            explanation="Each gate does its own work now. The candidate can still take any value, and "
            "something that is handed over is never used.",
        ),
        Misconception(
            "only-the-biases-repaired",
            partial(_repair, squash=_no_squash, keep="R"),
            nudge="Well found. Now: what bounds the output from above? And where does `U` end up?",
            pointer=f"{_FIND}: the three questions below the figure.",
            explanation="The biases are added now. One gate is still computed in vain, and the "
            "candidate can still take any value.",
        ),
        Misconception(
            "biases-still-missing",
            partial(_repair, biases=False),
            nudge="With x and the old output all zero, what should the gates depend on?",
            pointer=f"{_FIND}: the three questions below the figure.",
            explanation="Two mistakes are repaired. The third: the biases are unpacked and never "
            "added.",
        ),
        Misconception(
            "r-still-does-both",
            partial(_repair, keep="R"),
            nudge="Follow `U` through your code. Where is it used?",
            pointer=f"{_FIND}: the three questions below the figure.",
            explanation="Two mistakes are repaired. The third: one gate still does the work of two.",
        ),
        Misconception(
            "candidate-still-not-squashed",
            partial(_repair, squash=_no_squash),
            nudge="How large can your candidate become?",
            pointer=f"{_FIND}: the three questions below the figure.",
            explanation="Two mistakes are repaired. The third: nothing keeps the candidate between −1 "
            "and 1.",
        ),
        Misconception(
            "r-left-with-the-candidate",
            partial(_repair, enters="R"),
            nudge="In your last line, what do the share of the old and the share of the new add up to?",
            pointer=_MIX,
            explanation="U decides about the old output, but R is left in front of the candidate. One "
            "gate decides about both: what it keeps, the other gives up.",
        ),
        Misconception(
            "r-left-with-the-old",
            partial(_repair, keep="R", enters="U"),
            nudge="In your last line, what do the share of the old and the share of the new add up to?",
            pointer=_MIX,
            explanation="U decides about the candidate, but R is left in front of the old output. One "
            "gate decides about both: what it keeps, the other gives up.",
        ),
        Misconception(
            "squashed-at-the-end",
            partial(_repair, squash=_no_squash, at_the_end=np.tanh),
            nudge="With U = 1 the output should stay exactly as it is. Does it, in your function?",
            pointer="“Four lines”: what stands in front of the third bracket.",
            explanation="You squash the mixture. That keeps it within ±1, but it wears the old output "
            "down at every step. What has to be squashed is the candidate.",
        ),
        Misconception(
            "returns-a-pair",
            lambda *inputs: (repair_slide_gru(*inputs),) * 2,
            nudge="How many arrays does the docstring ask for, and how many do you return?",
            pointer="The docstring of `repair_slide_gru`: what it returns.",
            explanation="You return output and state as two things. In a GRU they are one, and one "
            "array is asked for.",
        ),
        Misconception(
            "u-does-both",
            partial(_repair, reset="U"),
            nudge="Follow `R` through your code. Where is it used?",
            pointer="“Four lines”: which gate stands in which line.",
            explanation="Now U does the work of both gates, and R is the one that is never used.",
        ),
        Misconception(
            "gates-exchanged",
            partial(_repair, reset="U", keep="R"),
            nudge="Which of the two gates is named for updating, which for resetting?",
            pointer="“Four lines”: which gate stands in which line.",
            explanation="U and R have exchanged their work: the update gate belongs into the mixture "
            "at the end, the reset gate into the candidate.",
        ),
        Misconception(
            "u-and-one-minus-u-exchanged",
            partial(_repair, exchanged=True),
            nudge="If U is 1 in every unit, what does your function return: the old output or the "
            "candidate?",
            pointer=_MIX,
            explanation="U and 1 − U are exchanged: what should stay is replaced, and the other way "
            "round.",
        ),
        Misconception(
            "sigmoid-candidate",
            partial(_repair, squash=_sigmoid),
            nudge="Can your candidate be negative? Should it?",
            pointer="“Four lines”: what stands in front of the third bracket.",
            explanation="You squash the candidate like a gate. It is content, and may be negative.",
        ),
        Misconception(
            "reset-dropped",
            partial(_repair, reset=""),
            nudge="The printed code got one use of `R` right. Is it still there?",
            pointer=f"{_FIND}: what the code gets right.",
            explanation="In taking R out of the mixture you also took it out of the candidate, where "
            "it belongs.",
        ),
        Misconception(
            "reset-after-the-product",
            partial(_repair, after=True),
            nudge="Does the printed code reset before or after the product? Was that a mistake?",
            pointer=_RESETS,
            explanation="You moved the reset behind the product. The printed code has the other form, "
            "which is no mistake: it should stay.",
        ),
    ),
    nudge="Put your `gru_step` for `reset_after=False` beside the printed code, line by line.",
    pointer=f"{_FIND}: the three questions below the figure.",
    alternatives={
        "packed into gru_step": _repair_by_gru_step,
        "loops": _repair_by_loops,
        "tensorflow": _repair_by_tensorflow,
        "written out": _repair_written_out,
    },
)


# ---- peephole_step


def _peephole_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, D: int, H: int, tag: str = "") -> Case:
        peepholes = rng.uniform(0.6, 1.5, (3, H)) * rng.choice([-1.0, 1.0], (3, H))
        inputs = (
            rng.normal(size=(B, D)),
            rng.uniform(-0.7, 0.7, (B, H)),
            2.0 * _state(rng, B, H),
            rng.normal(0.0, 0.6, (D, 4 * H)),
            rng.normal(0.0, 0.6, (H, 4 * H)),
            rng.uniform(0.3, 0.8, 4 * H) * rng.choice([-1.0, 1.0], 4 * H),
            peepholes * (tag != "plain"),
        )
        return Case(name, inputs, frozenset({tag}))

    return [
        case("peepholes of zero", 2, 3, 4, "plain"),
        case("two sequences", 2, 4, 5, "open"),
        case("a batch of one", 1, 2, 4, "open"),
        case("batch, features and units all 3", 3, 3, 3, "open"),
    ]


def _peephole(
    x: Array,
    h: Array,
    c: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array,
    peepholes: Array,
    *,
    order: str = "ifgo",
    rows: str = "ifo",
    through: Callable[[Array], Array] = lambda c: c,
    late: bool = True,
    early: bool = True,
    on_h: bool = False,
    outside: bool = False,
    in_candidate: bool = False,
    forgets: str = "c",
) -> Pair:
    """A peephole LSTM with one idea exchanged: what the wrong variants have in common."""
    H = h.shape[1]
    z = x @ kernel + h @ recurrent_kernel + bias
    a = {name: z[:, n * H : (n + 1) * H] for n, name in enumerate(order)}
    p = dict(zip(rows, peepholes, strict=True))

    def gate(name: str, seen: Array) -> Array:
        seen = h if on_h else through(seen)
        if outside:
            return _sigmoid(a[name]) + p[name] * seen
        return _sigmoid(a[name] + p[name] * seen)

    old, g = c, np.tanh(a["g"] + (p["i"] * c if in_candidate else 0.0))
    if not early:  # the gates look at the state that comes of gates without peepholes
        old = _sigmoid(a["f"]) * c + _sigmoid(a["i"]) * g
    i, f = gate("i", old), gate("f", old)
    new_c = f * (h if forgets == "h" else c) + i * g
    o = gate("o", new_c if late else c)
    return o * np.tanh(new_c), new_c


def _peephole_as_a_product(
    x: Array, h: Array, c: Array, K: Array, R: Array, bias: Array, peepholes: Array
) -> Pair:
    a_i, a_f, a_g, a_o = np.split(x @ K + h @ R + bias, 4, axis=1)
    p_i, p_f, p_o = peepholes
    new_c = _sigmoid(a_f + c @ p_f) * c + _sigmoid(a_i + c @ p_i) * np.tanh(a_g)
    return _sigmoid(a_o + new_c @ p_o) * np.tanh(new_c), new_c


def _output_gate_without(
    x: Array, h: Array, c: Array, K: Array, R: Array, bias: Array, peepholes: Array
) -> Pair:
    return peephole_step(x, h, c, K, R, bias, peepholes * np.array([[1.0], [1.0], [0.0]]))


def _peephole_ignored(
    x: Array, h: Array, c: Array, K: Array, R: Array, bias: Array, peepholes: Array
) -> Pair:
    return peephole_step(x, h, c, K, R, bias, np.zeros_like(peepholes))


def _peephole_without_tanh(
    x: Array, h: Array, c: Array, K: Array, R: Array, bias: Array, peepholes: Array
) -> Pair:
    H = h.shape[1]
    _, new_c = peephole_step(x, h, c, K, R, bias, peepholes)
    o = _sigmoid((x @ K + h @ R + bias)[:, 3 * H :] + peepholes[2] * new_c)
    return o * new_c, new_c


def _peephole_by_blocks(
    x: Array, h: Array, c: Array, K: Array, R: Array, bias: Array, peepholes: Array
) -> Pair:
    D, H = K.shape[0], h.shape[1]
    z = np.einsum("bd,dkh->kbh", x, K.reshape(D, 4, H))
    z = z + np.einsum("bi,ikh->kbh", h, R.reshape(H, 4, H)) + bias.reshape(4, 1, H)
    z[:2] += peepholes[:2, None] * c
    i, f = _sigmoid(z[:2])
    new_c = i * np.tanh(z[2]) + f * c
    return np.tanh(new_c) * _sigmoid(z[3] + peepholes[2] * new_c), new_c


def _peephole_by_diagonals(
    x: Array, h: Array, c: Array, K: Array, R: Array, bias: Array, peepholes: Array
) -> Pair:
    z = np.dot(np.hstack([x, h]), np.vstack([K, R])) + bias
    a_i, a_f, a_g, a_o = np.hsplit(z, 4)
    P_i, P_f, P_o = (np.diag(row) for row in peepholes)
    new_c = _sigmoid(a_f + c @ P_f) * c + _sigmoid(a_i + c @ P_i) * np.tanh(a_g)
    return _sigmoid(a_o + new_c @ P_o) * np.tanh(new_c), new_c


def _peephole_by_loops(
    x: Array, h: Array, c: Array, K: Array, R: Array, bias: Array, peepholes: Array
) -> Any:
    (B, H), D = h.shape, len(K)
    new_h, new_c = [[0.0] * H for _ in range(B)], [[0.0] * H for _ in range(B)]
    for n in range(B):
        for j in range(H):
            a = [
                float(
                    sum(x[n, d] * K[d, k * H + j] for d in range(D))
                    + sum(h[n, m] * R[m, k * H + j] for m in range(H))
                    + bias[k * H + j]
                )
                for k in range(4)
            ]
            i = float(_sigmoid(a[0] + peepholes[0, j] * c[n, j]))
            f = float(_sigmoid(a[1] + peepholes[1, j] * c[n, j]))
            new_c[n][j] = f * float(c[n, j]) + i * float(np.tanh(a[2]))
            o = float(_sigmoid(a[3] + peepholes[2, j] * new_c[n][j]))
            new_h[n][j] = o * float(np.tanh(new_c[n][j]))
    return new_h, new_c


def _peephole_by_tensorflow(*inputs: Array) -> Any:
    tf = _tf()
    x, h, c, K, R, bias, peepholes = (tf.constant(a, tf.float32) for a in inputs)
    i, f, g, o = tf.split(tf.matmul(x, K) + tf.matmul(h, R) + bias, 4, axis=1)
    p_i, p_f, p_o = tf.unstack(peepholes)
    c = tf.sigmoid(f + p_f * c) * c + tf.sigmoid(i + p_i * c) * tf.tanh(g)
    return tf.sigmoid(o + p_o * c) * tf.tanh(c), c


_PEEP = "“Peepholes”: the five equations."

PEEPHOLE_STEP = Exercise(
    id="peephole_step",
    probe="calls:call",
    reference=peephole_step,
    cases=_peephole_cases,
    axes=[("batch", "hidden"), ("batch", "hidden")],
    aspects=(
        Aspect(
            "shapes of h and c",
            0.5,
            _both(
                _result(0, "h", ("batch", "hidden"), compare_shape),
                _result(1, "c", ("batch", "hidden"), compare_shape),
            ),
        ),
        Aspect(
            "peepholes of zero: an LSTM",
            0.5,
            _both(_result(0, "h", ("batch", "hidden")), _result(1, "c", ("batch", "hidden"))),
            tags=frozenset({"plain"}),
        ),
        Aspect(
            "new cell state c", 1.5, _result(1, "c", ("batch", "hidden")), tags=frozenset({"open"})
        ),
        Aspect(
            "new hidden state h",
            2.0,
            _result(0, "h", ("batch", "hidden")),
            tags=frozenset({"open"}),
        ),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("new cell state c", "new hidden state h"),
        ),
    ),
    misconceptions=(
        Misconception(
            "output-gate-sees-the-old-c",
            partial(_peephole, late=False),
            nudge="When your output gate is computed, does the new cell state exist already?",
            pointer="“Peepholes”: the order of the five equations.",
            explanation="Your output gate looks at the cell state before the step. It decides what of "
            "the *new* cell state is shown, so it looks at the new one.",
        ),
        Misconception(
            "all-gates-see-the-new-c",
            partial(_peephole, early=False),
            nudge="Can the gates that *make* the new cell state look at it?",
            pointer="“Peepholes”: the order of the five equations.",
            explanation="Your input and forget gates look at a cell state that was made without them. "
            "They look at the one from before the step.",
        ),
        Misconception(
            "peepholes-ignored",
            _peephole_ignored,
            nudge="Call your function with other peepholes. What changes?",
            pointer=_PEEP,
            explanation="Your step is an ordinary LSTM's: nothing in it depends on `peepholes`.",
        ),
        Misconception(
            "peepholes-on-h",
            partial(_peephole, on_h=True),
            nudge="What can a gate see of the cell when the output gate was closed at the step before?",
            pointer="“Peepholes”: what an ordinary gate is blind to.",
            explanation="Your peepholes look at h, which the gates see already. They are there to "
            "show the gates the cell state itself.",
        ),
        Misconception(
            "peephole-through-tanh",
            partial(_peephole, through=np.tanh),
            nudge="With c = 5 and with c = 50: how different is what your gates see?",
            pointer=_PEEP,
            explanation="Your gates see tanh(c). They look at c as it is, which is what lets them "
            "count.",
        ),
        Misconception(
            "peephole-outside-the-sigmoid",
            partial(_peephole, outside=True),
            nudge="Can one of your gates be larger than 1?",
            pointer="“Peepholes”: how far the brackets reach.",
            explanation="You add what the peephole sees after the squashing. It is one more term of "
            "the sum that is squashed.",
        ),
        Misconception(
            "peephole-in-the-candidate",
            partial(_peephole, in_candidate=True),
            nudge="How many rows does `peepholes` have, and which gates are they for?",
            pointer=_PEEP,
            explanation="Your candidate looks at the cell state too. Only the three gates have "
            "peepholes.",
        ),
        Misconception(
            "rows-of-peepholes-exchanged",
            partial(_peephole, rows="fio"),
            nudge="Which row of `peepholes` belongs to the forget gate?",
            pointer="“Peepholes”: the order of the rows.",
            explanation="You read the rows in the order f, i, o: the input gate looks through the "
            "forget gate's peephole and the other way round.",
        ),
        Misconception(
            "output-before-forget-in-the-peepholes",
            partial(_peephole, rows="iof"),
            nudge="Which row of `peepholes` belongs to the forget gate?",
            pointer="“Peepholes”: the order of the rows.",
            explanation="You read the rows in the order i, o, f: the forget gate looks through the "
            "output gate's peephole and the other way round.",
        ),
        Misconception(
            "output-gate-without-peephole",
            _output_gate_without,
            nudge="How many rows of `peepholes` do you use?",
            pointer=_PEEP,
            explanation="Your output gate has no peephole: the last row is not used.",
        ),
        Misconception(
            "peepholes-as-a-product",
            _peephole_as_a_product,
            nudge="Which shape does what the peephole sees have in your code? How many units does one "
            "peephole look at?",
            pointer="“Peepholes”: what multiplies entry by entry.",
            explanation="`@` adds up over all units. A peephole multiplies entry by entry: a unit "
            "peeps at itself only.",
        ),
        Misconception(
            "gate-order-i-g-f-o",
            partial(_peephole, order="igfo"),
            nudge="Which columns of the kernel belong to the forget gate?",
            pointer="“Peepholes”: the order of the four blocks, as in notebook 5.",
            explanation="You read the blocks in the order input, candidate, forget, output. That is "
            "TensorFlow 1's; here the order is i, f, g, o.",
        ),
        Misconception(
            "results-exchanged",
            lambda *inputs: peephole_step(*inputs)[::-1],
            nudge="What does the docstring name first: h or c?",
            pointer="The docstring of `peephole_step`: what it returns.",
            explanation="Both results are right, but c comes first. Functions of this course return h, "
            "then c; only the tuple `LSTMStateTuple` has c first.",
        ),
        Misconception(
            "forgets-the-output",
            partial(_peephole, forgets="h"),
            nudge="What does your forget gate multiply?",
            pointer="“Peepholes”: the third equation.",
            explanation="Your forget gate multiplies h in place of c: the slides' mistake, which you "
            "met in notebook 5.",
        ),
        Misconception(
            "c-shown-without-tanh",
            _peephole_without_tanh,
            nudge="How large can your h become?",
            pointer="“Peepholes”: the last equation.",
            explanation="You show the cell state as it is. It goes through tanh on its way to h.",
        ),
    ),
    nudge="Set `peepholes` to zero: do you get what your LSTM of notebook 5 gives? If not, begin there.",
    pointer=_PEEP,
    alternatives={
        "blocks and einsum": _peephole_by_blocks,
        "diagonal matrices": _peephole_by_diagonals,
        "loops": _peephole_by_loops,
        "tensorflow in float32": _peephole_by_tensorflow,
    },
)


# ---- layer_norm


def _norm_cases(rng: Rng) -> list[Case]:
    def draw(*shape: int, scale: float = 1.0) -> Array:
        means = rng.uniform(1.0, 3.0, (*shape[:-1], 1)) * rng.choice([-1.0, 1.0], (*shape[:-1], 1))
        spreads = rng.uniform(0.6, 2.0, (*shape[:-1], 1))
        # Fixed ramps besides the draw, so that no row is nearly constant by chance.
        ramp = rng.permuted(np.broadcast_to(np.linspace(-1.2, 1.2, shape[-1]), shape), axis=-1)
        return scale * (means + spreads * (ramp + 0.3 * rng.normal(size=shape)))

    rows, more, small = frozenset({"rows"}), frozenset({"more"}), frozenset({"epsilon"})
    return [
        Case("three instances", (draw(3, 5), 1e-5), rows),
        Case("as many instances as features", (draw(4, 4), 1e-5), rows),
        Case("a batch of one", (draw(1, 6), 1e-5), rows),
        Case("a batch of sequences (B, T, H)", (draw(2, 3, 4), 1e-5), more),
        Case("one instance without a batch (H,)", (draw(5), 1e-5), more),
        Case("a large epsilon", (draw(3, 4), 0.5), small),
        Case("all features of an instance equal", (np.full((2, 3), 1.5), 1e-5), small),
    ]


def _norm(
    a: Array,
    epsilon: float = 1e-5,
    *,
    axis: Any = -1,
    centre: bool = True,
    root: bool = True,
    ddof: int = 0,
    place: str = "inside",
) -> Array:
    """Layer normalisation with one idea exchanged: what the wrong variants have in common."""
    mean = a.mean(axis=axis, keepdims=True)
    variance = a.var(axis=axis, ddof=ddof, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        if place == "outside":
            scale = np.sqrt(variance) + epsilon
        else:
            variance = variance + (epsilon if place == "inside" else 0.0)
            scale = np.sqrt(variance) if root else variance
        return np.asarray((a - mean if centre else a) / scale)


def _norm_rms(a: Array, epsilon: float) -> Array:
    return np.asarray(a / np.sqrt((a**2).mean(axis=-1, keepdims=True) + epsilon))


def _norm_zero_to_one(a: Array, epsilon: float) -> Array:
    low, high = a.min(axis=-1, keepdims=True), a.max(axis=-1, keepdims=True)
    return np.asarray((a - low) / (high - low + epsilon))


def _norm_brackets_forgotten(a: Array, epsilon: float) -> Array:
    mean, variance = a.mean(axis=-1, keepdims=True), a.var(axis=-1, keepdims=True)
    return np.asarray(a - mean / np.sqrt(variance + epsilon))


def _norm_by_the_sum(a: Array, epsilon: float) -> Array:
    centred = a - a.mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).sum(axis=-1, keepdims=True) + epsilon))


def _norm_in_place(a: Array, epsilon: float) -> Array:
    a -= a.mean(axis=-1, keepdims=True)
    a /= np.sqrt((a**2).mean(axis=-1, keepdims=True) + epsilon)
    return a


def _norm_by_moments(a: Array, epsilon: float) -> Array:
    H = a.shape[-1]
    mean = np.einsum("...h->...", a)[..., None] / H
    square = np.einsum("...h,...h->...", a, a)[..., None] / H
    return np.asarray((a - mean) * (square - mean**2 + epsilon) ** -0.5)


def _norm_by_loops(a: Any, epsilon: float) -> Any:
    if isinstance(a[0], list | np.ndarray):
        return [_norm_by_loops(row, epsilon) for row in a]
    mean = float(sum(a)) / len(a)
    variance = sum((float(v) - mean) ** 2 for v in a) / len(a)
    return [(float(v) - mean) / (variance + epsilon) ** 0.5 for v in a]


def _norm_by_tensorflow(a: Array, epsilon: float) -> Any:
    tf = _tf()
    mean, variance = tf.nn.moments(tf.constant(a, tf.float32), axes=[-1], keepdims=True)
    return (a - mean) * tf.math.rsqrt(variance + epsilon)


_WHICH_WAY = "“Layer normalisation”: along which axis the mean runs, and the figure."
_NORM = "“Layer normalisation”: the equation."


def _norm_without_keepdims(a: Array, epsilon: float) -> Array:
    return np.asarray((a - a.mean(axis=-1)) / np.sqrt(a.var(axis=-1) + epsilon))


def _norm_values(seen: Comparison) -> Difference | None:
    """Whether the values are right; the axes are named after how many there are."""
    names = {1: ("features",), 2: ("batch", "features"), 3: ("batch", "time", "features")}
    axes = names[np.ndim(seen.expected.value)]
    return compare_values(seen.expected.value, seen.actual.value, axes, seen.tolerance)


LAYER_NORM = Exercise(
    id="layer_norm",
    probe="calls:call",
    reference=layer_norm,
    cases=_norm_cases,
    axes=("batch", "features"),
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("every instance by itself", 1.5, _norm_values, tags=frozenset({"rows"})),
        Aspect("any number of axes", 0.5, _norm_values, tags=frozenset({"more"})),
        Aspect("epsilon", 1.0, _norm_values, tags=frozenset({"epsilon"})),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("every instance by itself",)),
    ),
    misconceptions=(
        Misconception(
            "over-the-batch",
            partial(_norm, axis=0),
            nudge="For a batch of one your result is all zeros. Which numbers did you average?",
            pointer=_WHICH_WAY,
            explanation="You normalise each feature over the batch (that is batch normalisation). Here "
            "each instance is normalised by itself, over its features.",
        ),
        Misconception(
            "over-everything",
            partial(_norm, axis=None),
            nudge="Does your result for one instance change with its neighbours in the batch?",
            pointer=_WHICH_WAY,
            explanation="You take one mean and one variance of the whole array. Each instance has its "
            "own.",
        ),
        Misconception(
            "keepdims-forgotten",
            _norm_without_keepdims,
            nudge="What shape do your means have, and against which axis of `a` does NumPy line them up?",
            pointer="“Layer normalisation”: what `keepdims` is for.",
            explanation="The mean has lost its last axis, so NumPy sets one mean to each *column*, or "
            "gives up. Each row needs its own: the means have to stay a column.",
        ),
        Misconception(
            "axis-one-throughout",
            lambda a, epsilon: _norm(a, epsilon, axis=1),
            nudge="In an array `(B, T, H)`, which axis holds the features? How do you say “the last "
            "one” to NumPy, however many there are?",
            pointer="The docstring of `layer_norm`: the shape of `a`.",
            explanation="Right for two axes. With three, axis 1 is time: you should count from the "
            "end.",
        ),
        Misconception(
            "axis-one",
            lambda a, epsilon: _norm(a, epsilon, axis=1 if a.ndim > 1 else -1),
            nudge="In an array `(B, T, H)`, which axis holds the features? How do you say “the last "
            "one” to NumPy, however many there are?",
            pointer="The docstring of `layer_norm`: the shape of `a`.",
            explanation="Right for two axes. With three, axis 1 is time: you should count from the "
            "end.",
        ),
        Misconception(
            "over-batch-and-time",
            lambda a, epsilon: (
                _norm(a, epsilon, axis=tuple(range(a.ndim - 1)) or -1)
                if a.ndim != 2
                else _norm(a, epsilon)
            ),
            nudge="In an array `(B, T, H)`, how many means do you compute? Should it be B·T, or H?",
            pointer="The docstring of `layer_norm`: the shape of `a`.",
            explanation="With three axes you average over batch and time, for each feature. The mean "
            "runs over the features, always.",
        ),
        Misconception(
            "mean-not-removed",
            partial(_norm, centre=False),
            nudge="What is the mean of a row of your result?",
            pointer=_NORM,
            explanation="You divide by the spread and do not take off the mean.",
        ),
        Misconception(
            "root-mean-square",
            _norm_rms,
            nudge="What is the mean of a row of your result?",
            pointer=_NORM,
            explanation="You divide by the root of the mean square. There is a method that does so "
            "(RMSNorm); this one takes off the mean first.",
        ),
        Misconception(
            "divided-by-the-variance",
            partial(_norm, root=False),
            nudge="If all features are doubled, should your result change? Does it?",
            pointer=_NORM,
            explanation="You divide by the variance itself. It has the features' unit squared; its "
            "root has theirs.",
        ),
        Misconception(
            "variance-of-a-sample",
            partial(_norm, ddof=1),
            nudge="For a row of 4 features: by which number do you divide the sum of squares?",
            pointer="“Layer normalisation”: what the variance is here.",
            explanation="You divide the sum of squares by H − 1, as one does to estimate a variance "
            "from a sample. Here it is the plain mean of the squares.",
        ),
        Misconception(
            "epsilon-outside-the-root",
            partial(_norm, place="outside"),
            nudge="With a small epsilon you are right, with 0.5 you are not. To what do you add it?",
            pointer=_NORM,
            explanation="You add epsilon to the root. It is added to the variance, under the root.",
        ),
        Misconception(
            "epsilon-fixed",
            lambda a, epsilon: _norm(a, 1e-5),
            nudge="Does your result change when you call it with `epsilon=0.5`?",
            pointer="The docstring of `layer_norm`: its arguments.",
            explanation="The argument `epsilon` has no effect: a number of your own stands in your code.",
        ),
        Misconception(
            "brackets-forgotten",
            _norm_brackets_forgotten,
            nudge="What is the mean of a row of your result? What does Python work off first, `-` or "
            "`/`?",
            pointer=_NORM,
            explanation="Only the mean is divided: brackets around the difference are missing.",
        ),
        Misconception(
            "squares-not-averaged",
            _norm_by_the_sum,
            nudge="For a row of 4 features: is the variance of your result 1, or a quarter?",
            pointer="“Layer normalisation”: what the variance is here.",
            explanation="You add up the squares and do not divide by H. The variance is their mean.",
        ),
        Misconception(
            "epsilon-forgotten",
            partial(_norm, place="nowhere"),
            nudge="What does your function return when all features of an instance are equal?",
            pointer="“Layer normalisation”: what epsilon is for.",
            explanation="Epsilon is missing: where all features are equal you divide zero by zero.",
        ),
        Misconception(
            "squeezed-between-zero-and-one",
            _norm_zero_to_one,
            nudge="What are the mean and the variance of a row of your result?",
            pointer=_NORM,
            explanation="You map each row onto 0 to 1. Asked for is mean 0 and variance 1.",
        ),
        Misconception(
            "input-overwritten",
            _norm_in_place,
            nudge="Print `a` before and after a call of your function.",
            pointer="The docstring of `layer_norm`: what it returns.",
            explanation="Your numbers are right, but `-=` and `/=` write them into the array that you "
            "were given.",
        ),
    ),
    nudge="Take one row by hand: what is its mean, and what should the mean of your result's row be? "
    "What shapes do the means and the variances have?",
    pointer=_NORM,
    alternatives={
        "moments": _norm_by_moments,
        "loops": _norm_by_loops,
        "tensorflow in float32": _norm_by_tensorflow,
        "standard deviation": lambda a, epsilon: (
            (a - np.mean(a, -1, keepdims=True))
            / np.hypot(np.std(a, -1, keepdims=True), epsilon**0.5)
        ),
    },
)

SHOWN = ("plots/cell_zoo.py",)
"""What of ``course_lib`` a grading kernel shows: what the ordinary cells need, and no answer."""

NUMPY_ONLY = True
"""Its kernels are forked from a process without TensorFlow: smaller and sooner there."""

EXERCISES = (
    GRU_STEP,
    GRU_PARAMETER_COUNT,
    SLIDE_RNN_CELL,
    REPAIR_SLIDE_GRU,
    PEEPHOLE_STEP,
    LAYER_NORM,
)
