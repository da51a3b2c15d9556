"""N04: gradients through time by hand, checked numerically; why they vanish and explode."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from autograder.compare import Difference
from autograder.exercise import (
    AUTODIFF,
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
from course_lib.backprop.gradients import (
    clip_by_global_norm,
    gradient_norms,
    numerical_gradient,
)
from course_lib.backprop.rnn import rnn_backward, rnn_step_backward
from course_lib.slide_backward import slide_step_backward

Array = np.ndarray
Rng = np.random.Generator
Function = Callable[[Any], Any]
Caches = Sequence[tuple[Array, ...]]
Gradients = tuple[Any, ...]

_SQUARE = frozenset({"square"})


def _parts(*keys: str, test: Test = same_values) -> Test:
    """``test`` on several entries of a result, one after the other."""
    tests = [part(key, test) for key in keys]

    def on_parts(seen: Comparison) -> Difference | None:
        return next((found for one in tests if (found := one(seen))), None)

    return on_parts


# --- numerical_gradient ----------------------------------------------------------------------


def _numerical_cases(rng: Rng) -> list[Case]:
    def draw(*shape: int) -> Array:
        return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)

    fractions, whole = frozenset({"fractions"}), frozenset({"whole"})
    number = float(rng.uniform(0.4, 0.8))
    return [
        Case("four numbers to one", ("one number", draw(4), draw(4), number, 0.1), fractions),
        Case(
            "a matrix to another of other size",
            ("layer", draw(3, 4), draw(2, 3), draw(2, 4), 0.05),
            fractions,
        ),
        Case(
            "three rows, three columns",
            ("elementwise", draw(3, 3), draw(3, 3), draw(3, 3), 0.2),
            fractions | _SQUARE,
        ),
        Case(
            "three axes",
            ("elementwise", draw(2, 1, 3), draw(2, 1, 3), draw(2, 1, 3), 0.1),
            fractions,
        ),
        Case("the default nudge", ("one number", draw(3), draw(3), number, None), fractions),
        Case(
            "whole numbers",
            ("one number", draw(4), rng.integers(1, 5, 4), number, 1e-3),
            whole,
        ),
    ]


def _differences(
    difference: Callable[[Callable[[float], Array], float], Array],
) -> Callable[..., Array]:
    """A numerical gradient by another formula: ``difference(at, h)``, ``at`` gives f nudged by."""

    def variant(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
        x = np.array(x, dtype=float)
        gradient = np.zeros_like(x)
        for index in np.ndindex(x.shape):

            def at(nudge: float, index: tuple[int, ...] = index) -> Array:
                nudged = x.copy()
                nudged[index] += nudge
                return np.asarray(f(nudged), dtype=float)

            gradient[index] = np.sum(df * difference(at, h))
        return gradient

    return variant


def _not_restored(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
    x = np.array(x, dtype=float)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += h
        above = f(x)
        x[index] -= 2 * h
        gradient[index] = np.sum(df * (above - f(x))) / (2 * h)
    return gradient


def _not_restored_in_place(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
    if x.dtype.kind != "f":
        x = x.astype(float)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += h
        above = f(x)
        x[index] -= 2 * h
        gradient[index] = np.sum(df * (above - f(x))) / (2 * h)
    return gradient


def _restored_by_arithmetic(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
    if x.dtype.kind != "f":
        x = x.astype(float)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += h
        above = f(x)
        x[index] -= 2 * h
        gradient[index] = np.sum(df * (above - f(x))) / (2 * h)
        x[index] += h
    return gradient


def _restored_by_arithmetic_in_whole_numbers(
    f: Function, x: Array, df: Any, h: float = 1e-5
) -> Array:
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        x[index] += h
        above = f(x)
        x[index] -= 2 * h
        gradient[index] = np.sum(df * (above - f(x))) / (2 * h)
        x[index] += h
    return gradient


def _whole_numbers_stay_whole(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
    x = x.copy()
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + h
        above = f(x)
        x[index] = value - h
        below = f(x)
        x[index] = value
        gradient[index] = np.sum(df * (above - below)) / (2 * h)
    return gradient


def _gradient_of_whole_numbers(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
    exact = numerical_gradient(f, x, df, h)
    gradient = np.zeros_like(x)
    gradient[...] = exact
    return gradient


def _df_ignored(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
    return numerical_gradient(f, x, 1.0, h)


def _df_averaged(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
    return numerical_gradient(f, x, df, h) / np.size(df)


def _h_ignored(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
    return numerical_gradient(f, x, df)


def _flattened(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
    return numerical_gradient(f, x, df, h).ravel()


def _all_at_once(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
    x = np.array(x, dtype=float)
    change = np.sum(df * (np.asarray(f(x + h)) - f(x - h))) / (2 * h)
    return np.full(x.shape, change)


def _all_at_once_summed(f: Function, x: Array, df: Any, h: float = 1e-5) -> Any:
    return np.sum(df * (np.asarray(f(x + h)) - f(x - h))) / (2 * h)


def _all_at_once_elementwise(f: Function, x: Array, df: Any, h: float = 1e-5) -> Any:
    return df * (f(x + h) - f(x - h)) / (2 * h)


def _results_not_summed(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
    x = np.array(x, dtype=float)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        old = x[index]
        x[index] = old + h
        above = f(x)
        x[index] = old - h
        below = f(x)
        x[index] = old
        gradient[index] = df * (above - below) / (2 * h)
    return gradient


def _rows_at_once(f: Function, x: Array, df: Any, h: float = 1e-5) -> Array:
    x = np.array(x, dtype=float)
    gradient = np.zeros_like(x)
    for row in range(len(x)):
        nudge = np.zeros_like(x)
        nudge[row] = h
        gradient[row] = np.sum(df * (np.asarray(f(x + nudge)) - f(x - nudge))) / (2 * h)
    return gradient


def _numerical_by_basis(f: Function, x: Any, df: Any, h: float = 1e-5) -> Array:
    x = np.asarray(x, float)
    nudges = h * np.eye(x.size).reshape(x.size, *x.shape)
    slopes = [np.sum(np.asarray(df) * (np.asarray(f(x + e)) - f(x - e))) for e in nudges]
    return np.reshape(slopes, x.shape) / (2 * h)


def _numerical_by_nditer(f: Function, x: Any, df: Any, h: float = 1e-5) -> Array:
    x = x.astype(np.float64)
    gradient = np.empty_like(x)
    places = np.nditer(x, flags=["multi_index"])
    while not places.finished:
        i = places.multi_index
        old = x[i]
        x[i] = old + h
        above = np.copy(f(x))
        x[i] = old - h
        below = np.copy(f(x))
        x[i] = old
        gradient[i] = ((above - below) * df).sum() / (2.0 * h)
        places.iternext()
    return gradient


def _numerical_by_flat_list(f: Function, x: Any, df: Any, h: float = 1e-5) -> list[Any]:
    numbers = [float(number) for number in np.ravel(x)]

    def loss(values: list[float]) -> float:
        return float(np.vdot(np.asarray(df, float), f(np.reshape(values, np.shape(x)))))

    slopes = []
    for k, number in enumerate(numbers):
        up = [*numbers[:k], number + h, *numbers[k + 1 :]]
        down = [*numbers[:k], number - h, *numbers[k + 1 :]]
        slopes.append((loss(up) - loss(down)) / (up[k] - down[k]))
    result: list[Any] = np.reshape(slopes, np.shape(x)).tolist()
    return result


def _numerical_by_tensorflow(f: Function, x: Any, df: Any, h: float = 1e-5) -> Any:
    from course_lib.quiet import tf

    x = tf.cast(x, tf.float64)
    df = tf.cast(df, tf.float64)
    size = int(tf.size(x))
    slopes = []
    for k in range(size):
        nudge = tf.reshape(h * tf.one_hot(k, size, dtype=tf.float64), x.shape)
        change = tf.cast(f(x + nudge), tf.float64) - tf.cast(f(x - nudge), tf.float64)
        slopes.append(tf.reduce_sum(df * change) / (2 * h))
    return tf.reshape(tf.stack(slopes), x.shape)


_ONE_SIDE = {
    "nudge": "The check uses a large nudge, on purpose. For f(x) = x³ at 2 and h = 0.1, does your "
    "formula give 12.01, as on your sheet?",
    "pointer": "“The dumb baseline: nudge every number”: the two formulas, and the figure.",
}
_RESTORE = {
    "nudge": "Print `x` before and after each round of your loop. Is it the same, to the last digit?",
    "pointer": "“The dumb baseline: nudge every number”: the three traps.",
}

NUMERICAL_GRADIENT = Exercise(
    id="numerical_gradient",
    probe="gradients:differentiate",
    by_hand=AUTODIFF | {"approx_fprime", "approx_derivative", "check_grad"},
    reference=numerical_gradient,
    cases=_numerical_cases,
    axes=("first index", "second index", "third index"),
    aspects=(
        Aspect("the shape of x", 0.5, same_shape),
        Aspect("central differences", 2.0, tags=frozenset({"fractions"})),
        Aspect("whole numbers", 0.5, tags=frozenset({"whole"}), needs=("central differences",)),
        Aspect("inputs left unchanged", 1.0, inputs_unchanged, needs=("central differences",)),
    ),
    misconceptions=(
        Misconception(
            "one-sided",
            _differences(lambda at, h: (at(h) - at(0)) / h),
            explanation="You nudge upwards only: (f(x + h) − f(x)) / h. Its error falls with h; that "
            "of the central formula, which also looks down, falls with h².",
            **_ONE_SIDE,
        ),
        Misconception(
            "one-sided-downwards",
            _differences(lambda at, h: (at(0) - at(-h)) / h),
            explanation="You nudge downwards only: (f(x) − f(x − h)) / h. Its error falls with h; "
            "that of the central formula, which also looks up, falls with h².",
            **_ONE_SIDE,
        ),
        Misconception(
            "down-only-half-way",
            _differences(lambda at, h: (at(h) - at(0)) / (2 * h)),
            nudge="At which two points do you evaluate f, and how far apart are they?",
            pointer="“The dumb baseline: nudge every number”: the two formulas.",
            explanation="Your second point is x itself: you go up by h and come back by h, but the "
            "formula divides by 2h. To get from x + h to x − h is a way of two nudges.",
        ),
        Misconception(
            "divided-by-h",
            _differences(lambda at, h: (at(h) - at(-h)) / h),
            nudge="How far apart are x + h and x − h?",
            pointer="“The dumb baseline: nudge every number”: the two formulas.",
            explanation="Everything is twice too large: from x − h to x + h it is two nudges, and "
            "you divide by one.",
        ),
        Misconception(
            "sign-exchanged",
            _differences(lambda at, h: (at(-h) - at(h)) / (2 * h)),
            nudge="If f grows with x, which sign has its slope? And yours?",
            pointer="“The dumb baseline: nudge every number”: the two formulas.",
            explanation="The difference is taken the wrong way round, so every sign is exchanged.",
        ),
        Misconception(
            "not-divided",
            _differences(lambda at, h: at(h) - at(-h)),
            nudge="A slope is a change *per* what?",
            pointer="“The dumb baseline: nudge every number”: the two formulas.",
            explanation="You return the change of the loss, not its slope: the division by the "
            "distance of the two points is missing.",
        ),
        Misconception(
            "times-h",
            _differences(lambda at, h: (at(h) - at(-h)) / 2 * h),
            nudge="In Python, what is `1 / 2 * 0.1`? And `1 / (2 * 0.1)`?",
            pointer="“The dumb baseline: nudge every number”: the two formulas.",
            explanation="The formula is right on paper. In your code the h ends up *above* the line: "
            "`/` and `*` are worked off from left to right.",
        ),
        Misconception(
            "not-restored",
            _not_restored,
            explanation="You never put the nudged number back: when you nudge the second number, the "
            "first is still off.",
            **_RESTORE,
        ),
        Misconception(
            "not-restored-in-place",
            _not_restored_in_place,
            explanation="You nudge the caller's own array and never put the numbers back: the "
            "gradient is off, and so is the network that you wanted to check.",
            **_RESTORE,
        ),
        Misconception(
            "restored-by-arithmetic",
            _restored_by_arithmetic,
            explanation="You undo a nudge by adding it again. Floating-point numbers are rounded, so "
            "x + h − 2h + h is not always x: the last digit changes. Keep the old number and put "
            "it back, or work on a copy.",
            **_RESTORE,
        ),
        Misconception(
            "restored-by-arithmetic-in-whole-numbers",
            _restored_by_arithmetic_in_whole_numbers,
            nudge="Try `x = np.array([3]); x[0] -= 0.001`. And `y = np.array([0.3])`: is "
            "`y + 0.1 - 0.2 + 0.1` still exactly `y`?",
            pointer="“The dumb baseline: nudge every number”: the three traps.",
            explanation="Two traps at once. An array of integers cannot be nudged by 0.001. And in "
            "one of floats, adding and subtracting the nudge changes the last digits of the caller's "
            "own numbers. Work on a copy of your own, made of floats.",
        ),
        Misconception(
            "whole-numbers-stay-whole",
            _whole_numbers_stay_whole,
            nudge="Try `x = np.array([1, 2]); x[0] += 0.001`, then `x[0] = 1.001`. What happens?",
            pointer="“The dumb baseline: nudge every number”: the three traps.",
            explanation="An array of integers cannot be nudged by 0.001: what you assign is cut off "
            "to a whole number. 3.001 becomes 3, no nudge at all, and 2.999 becomes 2, a huge one.",
        ),
        Misconception(
            "gradient-of-whole-numbers",
            _gradient_of_whole_numbers,
            nudge="Of which type is `np.zeros_like(x)` when x holds integers?",
            pointer="“The dumb baseline: nudge every number”: the three traps.",
            explanation="Your slopes are right until you store them: the array for the result has "
            "the integer type of x, and cuts off the decimals.",
        ),
        Misconception(
            "df-ignored",
            _df_ignored,
            nudge="Where in your function does `df` occur?",
            pointer="“The dumb baseline: nudge every number”: a function with many results.",
            explanation="You differentiate the plain sum of all results. Each result should count "
            "with its own weight in `df`.",
        ),
        Misconception(
            "df-averaged",
            _df_averaged,
            nudge="For a function with four results: is each of yours a quarter of what it should be?",
            pointer="“The dumb baseline: nudge every number”: a function with many results.",
            explanation="You take a mean over the results where the loss is their weighted *sum*.",
        ),
        Misconception(
            "h-ignored",
            _h_ignored,
            nudge="Does your result change when you call it with h = 0.5?",
            pointer="“The dumb baseline: nudge every number”: what h is for.",
            explanation="The argument `h` has no effect: a nudge of fixed size stands in your code.",
        ),
        Misconception(
            "flattened",
            _flattened,
            nudge="What shape does your result have when x is a matrix?",
            pointer="“The dumb baseline: nudge every number”: one slope for each number in x.",
            explanation="The slopes are right, but they lie in one row. A gradient has the shape of "
            "what it belongs to.",
        ),
        Misconception(
            "all-at-once",
            _all_at_once,
            nudge="How many numbers of x move when you evaluate f?",
            pointer="“The dumb baseline: nudge every number”: why one at a time.",
            explanation="You nudge the whole array at once. Then nobody can say which number caused "
            "what: each needs two evaluations of its own.",
        ),
        Misconception(
            "all-at-once-summed",
            _all_at_once_summed,
            nudge="How many numbers does a gradient with respect to four numbers have?",
            pointer="“The dumb baseline: nudge every number”: why one at a time.",
            explanation="You nudge the whole array at once and get one slope for all of it. A gradient "
            "has one for *each* number, found while the others stand still.",
        ),
        Misconception(
            "all-at-once-elementwise",
            _all_at_once_elementwise,
            nudge="How many numbers of x move when you evaluate f?",
            pointer="“The dumb baseline: nudge every number”: why one at a time.",
            explanation="You nudge the whole array at once, and pair its numbers with the results of "
            "f as if each result depended on one number only. There need not even be as many.",
        ),
        Misconception(
            "results-not-summed",
            _results_not_summed,
            nudge="When f returns an array, what do you store at one place of your gradient?",
            pointer="“The dumb baseline: nudge every number”: a function with many results.",
            explanation="For a function with one result you are right. One with many gives an array of "
            "changes, and the loss is the *sum* of them all, each with its weight.",
        ),
        Misconception(
            "rows-at-once",
            _rows_at_once,
            nudge="For a matrix x: what does `x[0]` stand for, and how many numbers move?",
            pointer="“The dumb baseline: nudge every number”: why one at a time.",
            explanation="You go through the first axis only, so a whole row is nudged together. "
            "Go through *all* entries, whatever the number of axes.",
        ),
    ),
    nudge="Does it work for f = lambda x: x ** 3, x = np.array([2.0]), df = 1.0, h = 0.1? Your sheet "
    "says 12.01. And for a matrix x, with f returning another matrix?",
    pointer="“The dumb baseline: nudge every number”: the central formula, and the three traps.",
    alternatives={
        "basis vectors": _numerical_by_basis,
        "nditer": _numerical_by_nditer,
        "lists of numbers": _numerical_by_flat_list,
        "tensorflow": _numerical_by_tensorflow,
    },
)


# --- rnn_step_backward -----------------------------------------------------------------------


def _weights(rng: Rng, features: int, hidden: int) -> tuple[Array, Array, Array]:
    """Wx, Wh, b of a size at which tanh is bent but not saturated."""
    return (
        rng.normal(0, 0.9 / np.sqrt(features), (features, hidden)),
        rng.normal(0, 1.0 / np.sqrt(hidden), (hidden, hidden)),
        rng.normal(0, 0.3, hidden),
    )


def _state(rng: Rng, *shape: int) -> Array:
    return rng.uniform(0.3, 0.8, shape) * rng.choice([-1.0, 1.0], shape)


def _step_case(rng: Rng, name: str, sizes: tuple[int, int, int], *tags: str) -> Case:
    batch, features, hidden = sizes
    Wx, Wh, b = _weights(rng, features, hidden)
    x, h_prev = rng.normal(size=(batch, features)), _state(rng, batch, hidden)
    h = np.tanh(x @ Wx + h_prev @ Wh + b)
    dh = rng.normal(size=(batch, hidden))
    return Case(name, (dh, [x, h_prev, h, Wx, Wh]), frozenset(tags))


def _step_cases(rng: Rng) -> list[Case]:
    return [
        _step_case(rng, "two instances, three features, four units", (2, 3, 4)),
        _step_case(rng, "five instances, two features, three units", (5, 2, 3)),
        _step_case(rng, "a batch of one", (1, 4, 2)),
        _step_case(rng, "batch, features and units all 3", (3, 3, 3), "square"),
    ]


_STEP_AXES = {
    "dx": ("batch", "features"),
    "dh_prev": ("batch", "hidden"),
    "dWx": ("features", "hidden"),
    "dWh": ("hidden before", "hidden after"),
    "db": ("hidden",),
}


def _back(
    slope: Callable[[Array, Array], Array] = lambda h, h_prev: 1 - h**2,
) -> Callable[..., Gradients]:
    """A way back through one step with another slope of tanh."""

    def variant(dh: Array, cache: Gradients) -> Gradients:
        x, h_prev, h, Wx, Wh = cache
        da = dh * slope(h, h_prev)
        return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)

    return variant


def _from_da(
    change: Callable[[Gradients, Array, Gradients], Gradients],
) -> Callable[..., Gradients]:
    """The right way back, changed: ``change(gradients, da, cache)``."""

    def variant(dh: Array, cache: Gradients) -> Gradients:
        h = cache[2]
        return change(rnn_step_backward(dh, cache), dh * (1 - h**2), cache)

    return variant


def _only(place: int, new: Callable[[Array, Gradients], Any]) -> Callable[..., Gradients]:
    """One of the five gradients computed in another way."""
    return _from_da(lambda g, da, cache: (*g[:place], new(da, cache), *g[place + 1 :]))


def _tanh_for_some(dh: Array, cache: Gradients) -> Gradients:
    dx, dh_prev, dWx, dWh, _ = rnn_step_backward(dh, cache)
    return dx, dh_prev, dWx, dWh, dh.sum(axis=0)


def _weights_skip_tanh(dh: Array, cache: Gradients) -> Gradients:
    dx, dh_prev, *_ = rnn_step_backward(dh, cache)
    return dx, dh_prev, cache[0].T @ dh, cache[1].T @ dh, dh.sum(axis=0)


def _state_path_skips_tanh(dh: Array, cache: Gradients) -> Gradients:
    dx, _, dWx, dWh, db = rnn_step_backward(dh, cache)
    return dx, dh @ cache[4].T, dWx, dWh, db


def _recomputed_without_bias(dh: Array, cache: Gradients) -> Gradients:
    x, h_prev, _, Wx, Wh = cache
    da = dh * (1 - np.tanh(x @ Wx + h_prev @ Wh) ** 2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)


def _batch_averaged(dh: Array, cache: Gradients) -> Gradients:
    dx, dh_prev, *weights = rnn_step_backward(dh, cache)
    return dx, dh_prev, *(w / len(dh) for w in weights)


def _step_in_place(dh: Array, cache: Gradients) -> Gradients:
    x, h_prev, h, Wx, Wh = cache
    dh *= 1 - h**2
    return dh @ Wx.T, dh @ Wh.T, x.T @ dh, h_prev.T @ dh, dh.sum(axis=0)


def _step_by_einsum(dh: Array, cache: Gradients) -> Gradients:
    x, h_prev, h, Wx, Wh = cache
    da = np.einsum("bh,bh->bh", dh, 1 - h * h)
    return (
        np.einsum("bh,dh->bd", da, Wx),
        np.einsum("bj,ij->bi", da, Wh),
        np.einsum("bd,bh->dh", x, da),
        np.einsum("bi,bj->ij", h_prev, da),
        np.einsum("bh->h", da),
    )


def _step_by_loops(dh: Any, cache: Any) -> list[Any]:
    x, h_prev, h, Wx, Wh = (np.asarray(array).tolist() for array in cache)
    batch, features, hidden = len(x), len(Wx), len(Wh)
    da = [[dh[b][j] * (1 - h[b][j]) * (1 + h[b][j]) for j in range(hidden)] for b in range(batch)]
    units, rows = range(hidden), range(batch)
    return [
        [[sum(da[b][j] * Wx[d][j] for j in units) for d in range(features)] for b in rows],
        [[sum(da[b][j] * Wh[i][j] for j in units) for i in units] for b in rows],
        [[sum(x[b][d] * da[b][j] for b in rows) for j in units] for d in range(features)],
        [[sum(h_prev[b][i] * da[b][j] for b in rows) for j in units] for i in units],
        [sum(da[b][j] for b in rows) for j in units],
    ]


def _step_by_one_kernel(dh: Array, cache: Gradients) -> Gradients:
    x, h_prev, h, Wx, Wh = cache
    joined, kernel = np.concatenate([x, h_prev, np.ones((len(x), 1))], 1), np.vstack([Wx, Wh])
    da = dh - dh * h**2
    both, d_kernel = da @ kernel.T, np.dot(joined.T, da)
    D = x.shape[1]
    return both[:, :D], both[:, D:], d_kernel[:D], d_kernel[D:-1], d_kernel[-1]


def _step_by_tape(dh: Array, cache: Gradients) -> Gradients:
    from course_lib.quiet import tf

    x, h_prev, h, Wx, Wh = (tf.constant(array) for array in cache)
    rest = tf.math.atanh(h) - x @ Wx - h_prev @ Wh
    b = tf.zeros(h.shape[1], tf.float64)
    wanted = [x, h_prev, Wx, Wh, b]
    with tf.GradientTape() as tape:
        tape.watch(wanted)
        loss = tf.reduce_sum(tf.constant(dh) * tf.tanh(x @ Wx + h_prev @ Wh + b + rest))
    return tuple(tape.gradient(loss, wanted))


def _step_in_float32(dh: Array, cache: Gradients) -> Gradients:
    return rnn_step_backward(dh.astype(np.float32), [a.astype(np.float32) for a in cache])


_SLOPE = {
    "nudge": "For a = 2, tanh(a) = 0.964. What slope does your formula give there, and what did you "
    "find on paper?",
    "pointer": "“Three small rules”: the rule for tanh.",
}
_SHAPES = {
    "nudge": "Write the shapes below the product: does each gradient come out in the shape of what it "
    "belongs to, and does what is summed over make sense?",
    "pointer": "“Three small rules”: the rule for a product, and its shapes.",
}

RNN_STEP_BACKWARD = Exercise(
    id="rnn_step_backward",
    probe="gradients:step_backward",
    by_hand=AUTODIFF,
    reference=rnn_step_backward,
    cases=_step_cases,
    axes=_STEP_AXES,
    aspects=(
        Aspect("shapes", 0.5, same_shape, without=_SQUARE),
        Aspect("dx and dh_prev", 1.5, _parts("dx", "dh_prev")),
        Aspect("dWx, dWh and db", 1.5, _parts("dWx", "dWh", "db")),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("dx and dh_prev", "dWx, dWh and db"),
        ),
    ),
    misconceptions=(
        Misconception(
            "square-of-the-difference",
            _back(lambda h, h_prev: (1 - h) ** 2),
            explanation="Your slope is (1 − h)², the square of a difference. The slope of tanh is a "
            "difference with a square in it.",
            **_SLOPE,
        ),
        Misconception(
            "one-minus-h",
            _back(lambda h, h_prev: 1 - h),
            explanation="Your slope is 1 − h; the square is missing.",
            **_SLOPE,
        ),
        Misconception(
            "slope-of-sigmoid",
            _back(lambda h, h_prev: h * (1 - h)),
            explanation="h (1 − h) is the slope of a sigmoid. This step ends in a tanh.",
            **_SLOPE,
        ),
        Misconception(
            "value-for-slope",
            _back(lambda h, h_prev: h),
            explanation="You multiply by the *value* of tanh. Going back, it is the slope at that "
            "place that counts.",
            **_SLOPE,
        ),
        Misconception(
            "tanh-of-tanh",
            _back(lambda h, h_prev: 1 - np.tanh(h) ** 2),
            nudge="The cache holds h, not a. Has the tanh already been taken, or not yet?",
            pointer="“Three small rules”: the rule for tanh, in terms of h.",
            explanation="You take tanh of h, but h *is* a tanh already: the slope is asked for at "
            "a, and tanh(a) is what the cache calls h.",
        ),
        Misconception(
            "recomputed-without-the-bias",
            _recomputed_without_bias,
            nudge="You compute the tanh once more. Is everything in the cache that you need for that?",
            pointer="“Three small rules”: the rule for tanh, in terms of h.",
            explanation="You compute the step again, but without its bias, which the cache does not "
            "hold. There is no need: what tanh gave is in the cache as h.",
        ),
        Misconception(
            "slope-at-the-old-state",
            _back(lambda h, h_prev: 1 - h_prev**2),
            nudge="Two states lie in the cache. Which of them came out of *this* tanh?",
            pointer="“One step, and what it leaves behind”: what each entry of the cache is.",
            explanation="You take the slope of tanh at h_prev, the state before the step. This "
            "step's tanh produced h.",
        ),
        Misconception(
            "no-slope",
            _back(lambda h, h_prev: np.ones_like(h)),
            nudge="Which of the three operations of the step does your code never go back through?",
            pointer="“Three small rules”: the rule for tanh.",
            explanation="You skip the tanh: its slope is missing altogether.",
        ),
        Misconception(
            "state-path-skips-tanh",
            _state_path_skips_tanh,
            nudge="Four of the five gradients are right. From which quantity do they start, and from "
            "which the fifth?",
            pointer="“Three small rules”: the order of the way back.",
            explanation="dh_prev is computed from dh itself. The way to the old state leads through "
            "the tanh, like all others.",
        ),
        Misconception(
            "bias-skips-tanh",
            _tanh_for_some,
            nudge="Four of the five gradients are right. From which quantity do they start, and from "
            "which the fifth?",
            pointer="“Three small rules”: the order of the way back.",
            explanation="db is computed from dh itself. The bias was added *inside* the tanh, so its "
            "gradient has to come through the tanh too.",
        ),
        Misconception(
            "weights-skip-tanh",
            _weights_skip_tanh,
            nudge="From which quantity do you compute dx, and from which dWx?",
            pointer="“Three small rules”: the order of the way back.",
            explanation="dWx, dWh and db are computed from dh itself. All that went into the sum lies "
            "*before* the tanh, the weights too: first back through tanh, then to everything else.",
        ),
        Misconception(
            "wh-not-transposed",
            _only(1, lambda da, cache: da @ cache[4]),
            explanation="dh_prev uses Wh as it is. Wh is square, so no error warns you, but forward "
            "its rows are the old units and its columns the new ones. Back, it is the other way.",
            **_SHAPES,
        ),
        Misconception(
            "wx-not-transposed",
            _only(0, lambda da, cache: da @ cache[3]),
            explanation="dx uses Wx as it is; the way back goes from the columns to the rows.",
            **_SHAPES,
        ),
        Misconception(
            "no-weights-transposed",
            _from_da(lambda g, da, cache: (da @ cache[3], da @ cache[4], *g[2:])),
            explanation="Both weights are used as they are; the way back goes from their columns to "
            "their rows.",
            **_SHAPES,
        ),
        Misconception(
            "dwh-from-the-new-state",
            _only(3, lambda da, cache: cache[2].T @ da),
            nudge="What did the step multiply with Wh: the state before it, or the state after it?",
            pointer="“One step, and what it leaves behind”: the equation, and what each entry of the "
            "cache is.",
            explanation="dWh is computed with h, the result of the step. Wh was multiplied by the "
            "state *before* it.",
        ),
        Misconception(
            "weight-gradients-on-their-side",
            _from_da(lambda g, da, cache: (*g[:2], da.T @ cache[0], da.T @ cache[1], g[4])),
            explanation="dWx and dWh lie on their side: their factors are exchanged.",
            **_SHAPES,
        ),
        Misconception(
            "dwh-on-its-side",
            _only(3, lambda da, cache: da.T @ cache[1]),
            explanation="dWh lies on its side. It is square, so no error warns you.",
            **_SHAPES,
        ),
        Misconception(
            "db-not-summed",
            _only(4, lambda da, cache: da),
            nudge="What shape has b, and what shape your db?",
            pointer="“Three small rules”: the rule for what was broadcast.",
            explanation="db has a row for each instance. All instances use the same b, so its "
            "gradient is what all of them say together.",
        ),
        Misconception(
            "db-with-a-batch-axis",
            _only(4, lambda da, cache: da.sum(axis=0, keepdims=True)),
            nudge="What shape has b, and what shape your db?",
            pointer="“Three small rules”: the rule for what was broadcast.",
            explanation="The sum is right, but an axis of length 1 is left where the batch was. b has "
            "no such axis.",
        ),
        Misconception(
            "db-one-number",
            _only(4, lambda da, cache: da.sum()),
            nudge="What shape has b, and what shape your db?",
            pointer="“Three small rules”: the rule for what was broadcast.",
            explanation="You sum over everything. Each unit has its own number in b: sum over the "
            "instances that share it, and over nothing else.",
        ),
        Misconception(
            "db-averaged",
            _only(4, lambda da, cache: da.mean(axis=0)),
            nudge="For a batch of 5, is your db a fifth of what it should be?",
            pointer="“Three small rules”: the rule for what was broadcast.",
            explanation="db is a mean over the batch. A mean belongs into the loss, where dh has it "
            "already; here all contributions add up.",
        ),
        Misconception(
            "db-summed-over-units",
            _only(4, lambda da, cache: da.sum(axis=1)),
            nudge="What shape has b, and what shape your db?",
            pointer="“Three small rules”: the rule for what was broadcast.",
            explanation="db is summed over the wrong axis: over the units, one number an instance "
            "left. It should be one number a unit.",
        ),
        Misconception(
            "weights-averaged-over-the-batch",
            _batch_averaged,
            nudge="For a batch of 5, are your dWx, dWh and db a fifth of what they should be?",
            pointer="“Three small rules”: the rule for what was broadcast.",
            explanation="You divide the gradients of the weights by the batch size. A mean belongs "
            "into the loss, where dh has it already.",
        ),
        Misconception(
            "weights-and-states-exchanged",
            _from_da(lambda g, da, cache: (g[1], g[0], g[3], g[2], g[4])),
            nudge="In which order does the docstring ask for the five gradients?",
            pointer="The docstring of `rnn_step_backward`: the order of the results.",
            explanation="The numbers are right, but those of the state and of the input have changed "
            "places.",
        ),
        Misconception(
            "works-in-place",
            _step_in_place,
            nudge="Print `dh` before and after the call.",
            pointer="“Three small rules”: the last paragraph.",
            explanation="`dh *= …` changes the array that the caller handed to you. In the next "
            "exercise you are the caller, and still need it.",
        ),
    ),
    nudge="Run the gradient check below the exercise: which of the five is off? Go backwards from that "
    "one: which rule produced it?",
    pointer="“Three small rules”, one after the other.",
    alternatives={
        "einsum": _step_by_einsum,
        "loops over lists": _step_by_loops,
        "one kernel": _step_by_one_kernel,
        "tape": _step_by_tape,
        "float32": _step_in_float32,
    },
)


# --- rnn_backward ----------------------------------------------------------------------------


def _sequence_case(rng: Rng, name: str, sizes: tuple[int, int, int, int], *tags: str) -> Case:
    batch, time, features, hidden = sizes
    Wx, Wh, b = _weights(rng, features, hidden)
    x, h0 = rng.normal(size=(batch, time, features)), _state(rng, batch, hidden)
    h, state = np.empty((batch, time, hidden)), h0
    for t in range(time):
        state = np.tanh(x[:, t] @ Wx + state @ Wh + b)
        h[:, t] = state
    dy = rng.normal(size=h.shape)
    before = [h0, *(h[:, t] for t in range(time - 1))]
    caches = [[x[:, t], before[t], h[:, t], Wx, Wh] for t in range(time)]
    return Case(name, (dy, caches), frozenset(tags))


def _sequence_cases(rng: Rng) -> list[Case]:
    return [
        _sequence_case(rng, "one time step", (2, 1, 3, 4), "one"),
        _sequence_case(rng, "two time steps", (4, 2, 5, 3), "long"),
        _sequence_case(rng, "five time steps", (3, 5, 2, 4), "long"),
        _sequence_case(rng, "a batch of one", (1, 4, 3, 2), "long"),
        _sequence_case(
            rng, "batch, time, features and units all 3", (3, 3, 3, 3), "long", "square"
        ),
    ]


_SEQUENCE_AXES = {
    "dx": ("batch", "time", "features"),
    "dh0": ("batch", "hidden"),
    "dWx": ("features", "hidden"),
    "dWh": ("hidden before", "hidden after"),
    "db": ("hidden",),
}


def _sum(several: Sequence[Sequence[Array]]) -> list[Array]:
    return [np.sum(list(parts), axis=0) for parts in zip(*several, strict=True)]


def _walk(
    dy: Array,
    cache: Caches,
    *,
    carry: Callable[[Array, Array], Array] = lambda now, before: now,
    receive: Callable[[Array, Array, int], Array] = lambda dy_t, dh_next, t: dy_t + dh_next,
    total: Callable[[list[list[Array]]], list[Array]] = _sum,
    order: Callable[[range], Any] = reversed,
    start: Callable[[Array], Array] = lambda dy: np.zeros_like(dy[:, 0]),
) -> Gradients:
    """The way back through a sequence, with one of its parts exchanged."""
    steps = len(cache)
    dh_next = start(dy)
    dx: list[Any] = [None] * steps
    weights = []
    for t in order(range(steps)):
        dx[t], dh_prev, *ofweights = rnn_step_backward(receive(dy[:, t], dh_next, t), cache[t])
        dh_next = carry(dh_prev, dh_next)
        weights.append(list(ofweights))
    return np.stack(dx, axis=1), dh_next, *total(weights)


def _walks(**changed: Any) -> Callable[[Array, Caches], Gradients]:
    def variant(dy: Array, cache: Caches) -> Gradients:
        return _walk(dy, cache, **changed)

    return variant


def _added_after_tanh(dy: Array, cache: Caches) -> Gradients:
    dh_next, dx, weights = np.zeros_like(dy[:, 0]), [], []
    for t in reversed(range(len(cache))):
        x, h_prev, h, Wx, Wh = cache[t]
        da = dy[:, t] * (1 - h**2) + dh_next
        dx.append(da @ Wx.T)
        dh_next = da @ Wh.T
        weights.append([x.T @ da, h_prev.T @ da, da.sum(axis=0)])
    return np.stack(dx[::-1], axis=1), dh_next, *_sum(weights)


def _added_to_the_result(dy: Array, cache: Caches) -> Gradients:
    dh_next, dx, weights = np.zeros_like(dy[:, 0]), [], []
    for t in reversed(range(len(cache))):
        dx_t, dh_prev, *of_weights = rnn_step_backward(dy[:, t], cache[t])
        dh_next = dh_next + dh_prev
        dx.append(dx_t)
        weights.append(list(of_weights))
    return np.stack(dx[::-1], axis=1), dh_next, *_sum(weights)


def _dx_backwards(dy: Array, cache: Caches) -> Gradients:
    dx, *rest = rnn_backward(dy, cache)
    return dx[:, ::-1], *rest


def _dx_time_major(dy: Array, cache: Caches) -> Gradients:
    dx, *rest = rnn_backward(dy, cache)
    return dx.swapaxes(0, 1), *rest


def _dh0_one_too_early(dy: Array, cache: Caches) -> Gradients:
    dh_next, dx, weights, dh = np.zeros_like(dy[:, 0]), [], [], np.zeros_like(dy[:, 0])
    for t in reversed(range(len(cache))):
        dh = dy[:, t] + dh_next
        dx_t, dh_next, *of_weights = rnn_step_backward(dh, cache[t])
        dx.append(dx_t)
        weights.append(list(of_weights))
    return np.stack(dx[::-1], axis=1), dh, *_sum(weights)


def _over(
    steps: Callable[[int], Sequence[int]],
    *,
    weights_from_zero: bool = False,
    state_from_zero: bool = False,
    listed: bool = False,
) -> Callable[[Array, Caches], Gradients]:
    """The way back over some of the steps. What is left without one shows how the loop was begun."""

    def variant(dy: Array, cache: Caches) -> Gradients:
        x, h_prev, _, Wx, Wh = cache[0]
        dh_next: Any = 0 if state_from_zero else np.zeros_like(h_prev)
        sums: list[Any] = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(len(Wh))]
        if weights_from_zero:
            sums = [0, 0, 0]
        dx, pieces = np.zeros((*dy.shape[:2], x.shape[1])), []
        for t in steps(len(cache)):
            dx[:, t], dh_next, *weights = rnn_step_backward(dy[:, t] + dh_next, cache[t])
            pieces.append(dx[:, t])
            sums = [a + b for a, b in zip(sums, weights, strict=True)]
        return np.stack(pieces[::-1], axis=1) if listed else dx, dh_next, *sums

    return variant


_BEGUN: dict[str, dict[str, bool]] = {
    "": {},
    "-weights-from-zero": {"weights_from_zero": True},
    "-state-from-zero": {"state_from_zero": True},
    "-all-from-zero": {"weights_from_zero": True, "state_from_zero": True},
    "-in-a-list": {"listed": True},
}


def _all_but_the_first(steps: int) -> Sequence[int]:
    return range(steps - 1, 0, -1)


def _all_but_the_last(steps: int) -> Sequence[int]:
    return range(steps - 2, -1, -1)


def _time_first(dy: Array, cache: Caches) -> Gradients:
    dh_next, dx, weights = np.zeros_like(dy[:, 0]), [], []
    for t in reversed(range(len(cache))):
        dx_t, dh_next, *of_weights = rnn_step_backward(dy[t] + dh_next, cache[t])
        dx.append(dx_t)
        weights.append(list(of_weights))
    return np.stack(dx[::-1], axis=1), dh_next, *_sum(weights)


def _dh_carried_on(*, to_the_end: bool) -> Callable[[Array, Caches], Gradients]:
    def variant(dy: Array, cache: Caches) -> Gradients:
        dh, dx, weights = np.zeros_like(dy[:, 0]), [], []
        dh_prev = dh
        for t in reversed(range(len(cache))):
            dh = dy[:, t] + dh
            dx_t, dh_prev, *of_weights = rnn_step_backward(dh, cache[t])
            dx.append(dx_t)
            weights.append(list(of_weights))
        return np.stack(dx[::-1], axis=1), dh if to_the_end else dh_prev, *_sum(weights)

    return variant


def _caches_popped(dy: Array, cache: list[tuple[Array, ...]]) -> Gradients:
    dh_next, dx, weights = np.zeros_like(dy[:, 0]), [], []
    for t in reversed(range(len(cache))):
        dx_t, dh_next, *of_weights = rnn_step_backward(dy[:, t] + dh_next, cache.pop())
        dx.append(dx_t)
        weights.append(list(of_weights))
    return np.stack(dx[::-1], axis=1), dh_next, *_sum(weights)


def _dh0_zero(dy: Array, cache: Caches) -> Gradients:
    dx, dh0, *rest = rnn_backward(dy, cache)
    return dx, np.zeros_like(dh0), *rest


def _only_the_last_output(dy: Array, cache: Caches) -> Gradients:
    only = np.zeros_like(dy)
    only[:, -1] = dy[:, -1]
    return rnn_backward(only, cache)


def _last_output_twice(dy: Array, cache: Caches) -> Gradients:
    return _walk(dy, cache, start=lambda dy: dy[:, -1])


def _sequence_in_place(dy: Array, cache: Caches) -> Gradients:
    dx, weights = [], []
    dh_prev = np.zeros_like(dy[:, 0])
    for t in reversed(range(len(cache))):
        dx_t, dh_prev, *of_weights = rnn_step_backward(dy[:, t], cache[t])
        if t:
            dy[:, t - 1] += dh_prev
        dx.append(dx_t)
        weights.append(list(of_weights))
    return np.stack(dx[::-1], axis=1), dh_prev, *_sum(weights)


def _weights_of_the_last_step(weights: list[list[Array]]) -> list[Array]:
    return weights[0]


def _weights_of_the_first_step(weights: list[list[Array]]) -> list[Array]:
    return weights[-1]


def _weights_averaged(weights: list[list[Array]]) -> list[Array]:
    return [g / len(weights) for g in _sum(weights)]


def _sequence_by_arrays(dy: Array, cache: Caches) -> Gradients:
    """All da first, then one product for each weight."""
    x, h_prev, h = (np.stack([step[k] for step in cache], axis=1) for k in range(3))
    Wx, Wh = cache[0][3:]
    da = np.zeros_like(h)
    dh = np.zeros_like(dy[:, 0])
    for t in range(len(cache) - 1, -1, -1):
        da[:, t] = (dy[:, t] + dh) * (1 - h[:, t] ** 2)
        dh = da[:, t] @ Wh.T
    return (
        da @ Wx.T,
        dh,
        np.einsum("btd,bth->dh", x, da),
        np.tensordot(h_prev, da, axes=([0, 1], [0, 1])),
        da.sum(axis=(0, 1)),
    )


def _sequence_recursively(dy: Array, cache: Caches) -> Gradients:
    def back(t: int, dh: Array) -> tuple[list[Array], Array, list[Array]]:
        x, h_prev, h, Wx, Wh = cache[t]
        da = np.multiply(dy[:, t] + dh, 1 - np.square(h))
        mine = [x.T.dot(da), h_prev.T.dot(da), np.ones(len(da)) @ da]
        if t == 0:
            return [da.dot(Wx.T)], da.dot(Wh.T), mine
        dx, dh0, others = back(t - 1, da.dot(Wh.T))
        return [*dx, da.dot(Wx.T)], dh0, [a + b for a, b in zip(mine, others, strict=True)]

    dx, dh0, weights = back(len(cache) - 1, np.zeros(dy[:, 0].shape))
    return np.swapaxes(np.array(dx), 0, 1), dh0, *weights


def _sequence_by_tape(dy: Array, cache: Caches) -> Gradients:
    from course_lib.quiet import tf

    x = tf.constant(np.stack([step[0] for step in cache], axis=1))
    h0, Wx, Wh = tf.constant(cache[0][1]), tf.constant(cache[0][3]), tf.constant(cache[0][4])
    first = cache[0]
    b = tf.constant((np.arctanh(first[2]) - first[0] @ first[3] - first[1] @ first[4])[0])
    wanted = [x, h0, Wx, Wh, b]
    with tf.GradientTape() as tape:
        tape.watch(wanted)
        h, loss = h0, tf.constant(0.0, tf.float64)
        for t in range(len(cache)):
            h = tf.tanh(x[:, t] @ Wx + h @ Wh + b)
            loss += tf.reduce_sum(h * dy[:, t])
    return tuple(tape.gradient(loss, wanted))


def _sequence_of_lists(dy: Any, cache: Any) -> list[Any]:
    dx, dh0, *weights = rnn_backward(dy, cache)
    return [dx.tolist(), dh0.tolist(), *(w.tolist() for w in weights)]


_MEET = {
    "nudge": "In the figure, how many arrows arrive at h₂ from the right and from above? Does your code "
    "use both, and before or after the tanh?",
    "pointer": "“Through time: two gradients meet”: the figure and the equation below it.",
}
_CARRIED = {
    "nudge": "What is the difference between the gradient that arrives at h_t and the one that leaves "
    "the step towards h_{t−1}? Which of them do you add to dy next?",
    "pointer": "“Through time: two gradients meet”: the equation below the figure.",
}
_SHARED = {
    "nudge": "On your sheet, w was used three times. How did you get from three contributions to one "
    "number?",
    "pointer": "“Through time: two gradients meet”: the weights are the same at every step.",
}

RNN_BACKWARD = Exercise(
    id="rnn_backward",
    probe="gradients:sequence_backward",
    by_hand=AUTODIFF,
    reference=rnn_backward,
    cases=_sequence_cases,
    axes=_SEQUENCE_AXES,
    aspects=(
        Aspect("shapes", 0.5, same_shape, without=_SQUARE),
        Aspect("one time step", 0.5, tags=frozenset({"one"})),
        Aspect("several steps: dx and dh0", 2.0, _parts("dx", "dh0"), tags=frozenset({"long"})),
        Aspect(
            "several steps: dWx, dWh and db",
            2.0,
            _parts("dWx", "dWh", "db"),
            tags=frozenset({"long"}),
        ),
        Aspect(
            "inputs left unchanged",
            1.0,
            inputs_unchanged,
            needs=("several steps: dx and dh0", "several steps: dWx, dWh and db"),
        ),
    ),
    misconceptions=(
        Misconception(
            "keeps-the-first-steps-weights",
            _walks(total=_weights_of_the_first_step),
            explanation="Each turn of your loop overwrites dWx, dWh and db, so only the first time "
            "step (the last turn) is left. One set of weights was used at *every* step.",
            **_SHARED,
        ),
        Misconception(
            "keeps-the-last-steps-weights",
            _walks(total=_weights_of_the_last_step),
            explanation="dWx, dWh and db come from the last time step alone. One set of weights was "
            "used at *every* step.",
            **_SHARED,
        ),
        Misconception(
            "weights-averaged-over-time",
            _walks(total=_weights_averaged),
            explanation="You take the mean over the steps. The weights are used T times, and every "
            "use counts in full.",
            **_SHARED,
        ),
        Misconception(
            "drops-dh-next",
            _walks(receive=lambda dy_t, dh_next, t: dy_t),
            explanation="What comes back from the step after is dropped: each step hears only of its "
            "own output. Nothing travels through time.",
            **_MEET,
        ),
        Misconception(
            "adds-dh-next-after-tanh",
            _added_after_tanh,
            explanation="You add dh_next after the slope of tanh has been applied to dy alone. Both "
            "arrive at the *state*, which lies behind the tanh, so both go through it.",
            **_MEET,
        ),
        Misconception(
            "adds-dh-prev-up",
            _added_to_the_result,
            explanation="You go back from each output by a single step and add up what arrives at "
            "the previous states. It should travel on, step by step, to the beginning.",
            **_MEET,
        ),
        Misconception(
            "carries-too-much",
            _walks(carry=lambda now, before: now + before),
            nudge="After a step has been gone through, is anything left of the gradient that came "
            "into it?",
            pointer="“Through time: two gradients meet”: the equation below the figure.",
            explanation="You add up dh_next over the steps (`+=`). What arrived at h_t has been "
            "turned into dh_prev already; keeping it as well counts it twice.",
        ),
        Misconception(
            "wrong-direction",
            _walks(order=iter),
            nudge="When your loop is at t = 0, what does it know about the steps after it?",
            pointer="“Through time: two gradients meet”: which end the way back begins at.",
            explanation="You go through the steps from first to last. What a step needs comes from "
            "the step *after* it.",
        ),
        Misconception(
            "only-the-last-output",
            _only_the_last_output,
            nudge="What does dy[:, 0] change in your result?",
            pointer="“Through time: two gradients meet”: every output has a gradient of its own.",
            explanation="Only the gradient of the last output is used, and what comes back from it. Every "
            "output has one, which is to be added where the two meet.",
        ),
        Misconception(
            "last-output-twice",
            _last_output_twice,
            nudge="Before the first turn of your loop, what comes back from the step after the last?",
            pointer="“Through time: two gradients meet”: where the way back begins.",
            explanation="You start with the last dy as dh_next and then add it again: it counts "
            "twice. There is no step after the last.",
        ),
        Misconception(
            "dx-in-backward-order",
            _dx_backwards,
            nudge="You walk from the last step to the first. In which order do the pieces of dx "
            "arrive, and in which are they wanted?",
            pointer="“Through time: two gradients meet”: the sentence on order.",
            explanation="Everything is right, but dx lists the steps from last to first: they were "
            "collected on the way back.",
        ),
        Misconception(
            "dx-time-major",
            _dx_time_major,
            nudge="Which axis comes first in your dx, and which in x?",
            pointer="Notebook 2, “Put it back: stack”, or the docstring: dx is (B, T, D).",
            explanation="The pieces of dx are stacked along a new first axis, so that it is (T, B, D).",
        ),
        Misconception(
            "dh0-one-step-early",
            _dh0_one_too_early,
            nudge="Which state does your last gradient belong to: the one before the first step, or "
            "the one after it?",
            pointer="“Through time: two gradients meet”: the left end of the figure.",
            explanation="What you return as dh0 belongs to the state *after* the first step. One "
            "more step back leads to h₀.",
        ),
        *(
            Misconception(
                f"first-step-left-out{how}",
                _over(_all_but_the_first, **begun),
                nudge="Print t inside your loop. How many steps does it go through, and is 0 among "
                "them?",
                pointer="“Through time: two gradients meet”: the left end of the figure.",
                explanation="Your loop stops one step early: the end of a `range` is not part of it, "
                "so counting down to 0 leaves step 0 out.",
            )
            for how, begun in _BEGUN.items()
        ),
        *(
            Misconception(
                f"last-step-left-out{how}",
                _over(_all_but_the_last, **begun),
                nudge="Print t inside your loop. How many steps does it go through, and is the last "
                "one, T − 1, among them?",
                pointer="“Through time: two gradients meet”: which end the way back begins at.",
                explanation="Your loop begins one step early: the last step, from which everything "
                "comes, is left out.",
            )
            for how, begun in _BEGUN.items()
        ),
        Misconception(
            "time-first",
            _time_first,
            nudge="Which axis of dy is time? What is the shape of `dy[0]`, and what the shape of the "
            "gradient that a step wants?",
            pointer="“Through time: two gradients meet”: the equation below the figure; the shapes "
            "stand in the docstring.",
            explanation="`dy[t]` is everything of *instance* t. The batch comes first here; what you "
            "want is moment t of all instances.",
        ),
        Misconception(
            "dh-carried-on",
            _dh_carried_on(to_the_end=False),
            explanation="You hand the gradient of h_t on to h_{t−1} as it is. It has to go back "
            "through the step first; what comes out there is dh_prev.",
            **_CARRIED,
        ),
        Misconception(
            "dh-carried-on-to-the-end",
            _dh_carried_on(to_the_end=True),
            explanation="You hand the gradient of h_t on to h_{t−1} as it is, down to h₀. It has to "
            "go back through the step first; what comes out there is dh_prev.",
            **_CARRIED,
        ),
        Misconception(
            "dh0-zero",
            _dh0_zero,
            nudge="Does the loss depend on where the network starts?",
            pointer="“Through time: two gradients meet”: the left end of the figure.",
            explanation="You return zeros for dh0. The initial state has a gradient like any other.",
        ),
        Misconception(
            "adds-into-dy",
            _sequence_in_place,
            nudge="Print `dy` before and after the call.",
            pointer="“Three small rules”: the last paragraph.",
            explanation="The numbers are right, but you add what comes back into `dy` itself, which "
            "belongs to the caller. (`dh += …` on a slice of dy does that too.)",
        ),
        Misconception(
            "changes-its-inputs",
            _caches_popped,
            nudge="Print `dy` and `len(cache)` before and after the call.",
            pointer="“Three small rules”: the last paragraph.",
            explanation="The numbers are right, but the caller's own things are not as they were: "
            "`cache.pop()` empties the list, and a step that works in place (`dh *= …`) writes into "
            "dy itself.",
        ),
    ),
    nudge="Is `rnn_step_backward` green? If the step is wrong, the sequence is. If it is right: does "
    "T = 1 work? And T = 2?",
    pointer="“Through time: two gradients meet”: go through the figure from right to left.",
    alternatives={
        "weights at the end": _sequence_by_arrays,
        "recursion": _sequence_recursively,
        "tape": _sequence_by_tape,
        "lists": _sequence_of_lists,
    },
)


# --- repair_slide_backward -------------------------------------------------------------------


def _slide_cases(rng: Rng) -> list[Case]:
    def draw(name: str, sizes: tuple[int, int, int, int], *tags: str) -> Case:
        batch, features, hidden, outputs = sizes
        while True:
            x, state = rng.normal(size=(batch, features)), _state(rng, batch, hidden)
            Au, Av = (rng.uniform(-1, 1, (features, n)) for n in (outputs, hidden))
            Bu, Bv = (rng.uniform(-1, 1, (hidden, n)) for n in (outputs, hidden))
            u = x @ Au + state @ Bu
            # Some outputs pass and some are stopped, for every unit that could tell two ideas apart.
            if (u > 0.1).any() and (u < -0.1).any() and np.abs(u).min() > 0.02:
                break
        cache = [x, state, np.maximum(u, 0), np.tanh(x @ Av + state @ Bv), Au, Bu, Av, Bv]
        gradients = (rng.normal(size=u.shape), rng.normal(size=state.shape))
        return Case(name, (*gradients, cache), frozenset(tags))

    return [
        draw("two instances, three features, four units, five outputs", (2, 3, 4, 5)),
        draw("a batch of one", (1, 4, 3, 2)),
        draw("one unit, two outputs", (5, 3, 1, 2)),
        draw("all sizes 3", (3, 3, 3, 3), "square"),
    ]


_SLIDE_BUGS = ("relu", "tanh", "one-way", "new-state")


def _slide_with(*bugs: str) -> Callable[..., Gradients]:
    """The way back through the slides' cell with some of the notebook's bugs left in it."""

    def variant(d_output: Array, d_new_state: Array, cache: Gradients) -> Gradients:
        x, state, output, new_state, Au, Bu, Av, Bv = cache
        du = d_output * (output if "relu" in bugs else output > 0)
        dv = d_new_state * (1 - (state if "tanh" in bugs else new_state) ** 2)
        dx = du @ Au.T + dv @ Av.T
        dstate = dv @ Bv.T
        if "one-way" not in bugs:
            dstate = dstate + du @ Bu.T
        dBv = (new_state if "new-state" in bugs else state).T @ dv
        return dx, dstate, x.T @ du, state.T @ du, x.T @ dv, dBv

    return variant


def _slide_overwritten(d_output: Array, d_new_state: Array, cache: Gradients) -> Gradients:
    _, dstate, *weights = slide_step_backward(d_output, d_new_state, cache)
    new_state, Av = cache[3], cache[6]
    return (d_new_state * (1 - new_state**2)) @ Av.T, dstate, *weights


def _slide_gate_by_gradient(d_output: Array, d_new_state: Array, cache: Gradients) -> Gradients:
    right = slide_step_backward(d_output, d_new_state, cache)
    x, state, _, new_state, Au, Bu, Av, Bv = cache
    du = d_output * (d_output > 0)
    dv = d_new_state * (1 - new_state**2)
    return du @ Au.T + dv @ Av.T, du @ Bu.T + dv @ Bv.T, x.T @ du, state.T @ du, *right[4:]


def _slide_gate_in_place(d_output: Array, d_new_state: Array, cache: Gradients) -> Gradients:
    d_output[cache[2] <= 0] = 0
    return slide_step_backward(d_output, d_new_state, cache)


def _slide_tanh_square(d_output: Array, d_new_state: Array, cache: Gradients) -> Gradients:
    _, _, dAu, dBu, *_ = slide_step_backward(d_output, d_new_state, cache)
    x, state, output, new_state, Au, Bu, Av, Bv = cache
    du, dv = d_output * (output > 0), d_new_state * (1 - new_state) ** 2
    return du @ Au.T + dv @ Av.T, du @ Bu.T + dv @ Bv.T, dAu, dBu, x.T @ dv, state.T @ dv


def _slide_no_gate(d_output: Array, d_new_state: Array, cache: Gradients) -> Gradients:
    x, state, output, new_state, Au, Bu, Av, Bv = cache
    return slide_step_backward(
        d_output, d_new_state, [x, state, np.ones_like(output), new_state, Au, Bu, Av, Bv]
    )


def _slide_by_where(d_output: Array, d_new_state: Array, cache: Gradients) -> Gradients:
    x, state, output, new_state, Au, Bu, Av, Bv = cache
    du = np.where(output > 0, d_output, 0.0)
    dv = d_new_state - d_new_state * new_state * new_state
    both = np.concatenate([du, dv], axis=1)
    dx = both @ np.concatenate([Au, Av], axis=1).T
    dstate = both @ np.concatenate([Bu, Bv], axis=1).T
    return dx, dstate, x.T @ du, state.T @ du, x.T @ dv, state.T @ dv


def _slide_by_einsum(d_output: Array, d_new_state: Array, cache: Gradients) -> list[Array]:
    x, state, output, new_state, Au, Bu, Av, Bv = cache
    du, dv = d_output * np.sign(output), d_new_state * (1 + new_state) * (1 - new_state)
    into = [
        np.einsum("bo,do->bd", du, A) + np.einsum("bh,dh->bd", dv, B)
        for A, B in ((Au, Av), (Bu, Bv))
    ]
    return into + [np.einsum("bi,bj->ij", a, d) for d in (du, dv) for a in (x, state)]


def _slide_by_tape(d_output: Array, d_new_state: Array, cache: Gradients) -> Gradients:
    from course_lib.quiet import tf

    x, state, _, _, Au, Bu, Av, Bv = (tf.constant(array) for array in cache)
    wanted = [x, state, Au, Bu, Av, Bv]
    with tf.GradientTape() as tape:
        tape.watch(wanted)
        output, new_state = tf.nn.relu(x @ Au + state @ Bu), tf.tanh(x @ Av + state @ Bv)
    return tuple(tape.gradient([output, new_state], wanted, [d_output, d_new_state]))


_LEFT = {
    "relu": "the way back through relu",
    "tanh": "the slope of tanh",
    "one-way": "the gradient of the state",
    "new-state": "the gradient of Bv",
}
_LOOK = {
    "relu": "What is the slope of relu at 3? And at 300? What does the code multiply by?",
    "tanh": "Look at dAv in the gradient check. Which state did the tanh of this step produce?",
    "one-way": "The old state goes into how many products? From how many does the code come back?",
    "new-state": "Look at dBv in the gradient check. What was multiplied with Bv on the way forward?",
}


def _slide_misconception(bugs: tuple[str, ...]) -> Misconception:
    count = {1: "One mistake is", 2: "Two mistakes are", 3: "Three mistakes are"}
    said = "Nothing is repaired yet: all four mistakes are" if len(bugs) == 4 else count[len(bugs)]
    places = [_LEFT[bug] for bug in bugs]
    listed = " and ".join([", ".join(places[:-1]), places[-1]] if places[1:] else places)
    return Misconception(
        "left-" + "-and-".join(bugs),
        _slide_with(*bugs),
        nudge=_LOOK[bugs[0]],
        pointer="“Find the bug: the cell of the slides”: the equations of the cell, and the gradient "
        "check below them.",
        explanation=f"{said} left: {listed}.",
    )


REPAIR_SLIDE_BACKWARD = Exercise(
    id="repair_slide_backward",
    probe="gradients:slide_backward",
    reference=slide_step_backward,
    cases=_slide_cases,
    axes={
        "dx": ("batch", "features"),
        "dstate": ("batch", "hidden"),
        "dAu": ("features", "outputs"),
        "dBu": ("hidden", "outputs"),
        "dAv": ("features", "hidden"),
        "dBv": ("hidden before", "hidden after"),
    },
    aspects=(
        Aspect("through relu: dAu and dBu", 1.0, _parts("dAu", "dBu")),
        Aspect("through tanh: dAv", 1.0, _parts("dAv")),
        Aspect("dBv", 1.0, _parts("dBv")),
        Aspect("dx and dstate", 1.0, _parts("dx", "dstate")),
        Aspect(
            "inputs left unchanged",
            1.0,
            inputs_unchanged,
            needs=("through relu: dAu and dBu", "through tanh: dAv", "dBv", "dx and dstate"),
        ),
    ),
    misconceptions=(
        *(
            _slide_misconception(bugs)
            for count in (4, 3, 2, 1)
            for bugs in itertools.combinations(_SLIDE_BUGS, count)
        ),
        Misconception(
            "relu-without-a-gate",
            _slide_no_gate,
            nudge="What happens to the output when u is −3 and you nudge it? And to your gradient?",
            pointer="“Find the bug: the cell of the slides”: relu.",
            explanation="You took the wrong factor away and put none in its place: the gradient "
            "passes where relu was flat.",
        ),
        Misconception(
            "gate-by-the-gradient",
            _slide_gate_by_gradient,
            nudge="Does it depend on the gradient whether relu is flat, or on what went into it?",
            pointer="“Find the bug: the cell of the slides”: relu.",
            explanation="You stop negative *gradients*. Relu stops where its *output* was zero, "
            "whatever the sign of the gradient.",
        ),
        Misconception(
            "gate-in-place",
            _slide_gate_in_place,
            nudge="Print `d_output` before and after the call.",
            pointer="“Three small rules”: the last paragraph.",
            explanation="All gradients are right, but you set entries of `d_output` itself to 0, and "
            "that array belongs to the caller.",
        ),
        Misconception(
            "dx-only-from-the-state",
            _slide_overwritten,
            nudge="The input goes into how many products? From how many do you come back?",
            pointer="“Find the bug: the cell of the slides”: the equations of the cell.",
            explanation="dx now comes from one of the two products only; it was right before.",
        ),
        Misconception(
            "square-of-the-difference-in-the-slide",
            _slide_tanh_square,
            nudge="Where do the brackets stand in your slope of tanh?",
            pointer="“Three small rules”: the rule for tanh.",
            explanation="Your slope is the square of a difference; it should be a difference with a "
            "square in it.",
        ),
    ),
    nudge="Copy the broken function under the new name first. Then run the gradient check on it: which "
    "gradient is off?",
    pointer="“Find the bug: the cell of the slides”.",
    alternatives={
        "where and concatenate": _slide_by_where,
        "einsum": _slide_by_einsum,
        "tape": _slide_by_tape,
    },
)


# --- gradient_norms --------------------------------------------------------------------------


def _norm_cases(rng: Rng) -> list[Case]:
    def draw(name: str, time: int, hidden: int, *tags: str) -> Case:
        Wh = rng.normal(0, 1.2 / np.sqrt(hidden), (hidden, hidden))
        return Case(name, (Wh, _state(rng, time, hidden), time), frozenset(tags))

    turning = np.linalg.qr(rng.normal(size=(3, 3)))[0] * np.array([0.5, 1.0, 1.5])
    return [
        draw("one time step", 1, 3, "one"),
        draw("one unit", 4, 1, "unit"),
        draw("three units, five steps", 5, 3, "long"),
        draw("five units, three steps", 3, 5, "long"),
        Case("a matrix that turns", (turning, _state(rng, 4, 3), 4), frozenset({"long"})),
        draw("as many steps as units", 4, 4, "long"),
    ]


def _factors(Wh: Array, h: Array) -> list[Array]:
    """dh_t / dh_{t-1} for every step, rows belonging to h_t."""
    return [(1 - row**2)[:, np.newaxis] * Wh.T for row in h]


def _spectral(matrix: Array) -> float:
    return float(np.linalg.norm(matrix, ord=2))


def _norms(
    *,
    factors: Callable[[Array, Array], list[Array]] = _factors,
    norm: Callable[[Array], float] = _spectral,
    chain: Callable[[list[Array]], Array] = lambda later: reduce(lambda p, f: f @ p, later),
    arrange: Callable[[list[float]], list[float]] = lambda norms: norms,
) -> Callable[..., Array]:
    """The norms with one part exchanged; ``chain`` multiplies the factors of t + 1, ..., T."""

    def variant(Wh: Array, h: Array, T: int) -> Array:
        single = factors(np.asarray(Wh), np.asarray(h))
        return np.array(arrange([norm(chain(single[t:])) for t in range(T)]))

    return variant


def _off_by_one(Wh: Array, h: Array, T: int) -> Array:
    norms = gradient_norms(Wh, h, T)
    return np.append(norms[1:], 1.0)


def _from_the_start(Wh: Array, h: Array, T: int) -> Array:
    product, norms = np.eye(len(Wh)), []
    for factor in _factors(Wh, h):
        product = factor @ product
        norms.append(_spectral(product))
    return np.array(norms)


def _longest_way_left_out(Wh: Array, h: Array, T: int) -> Array:
    norms = gradient_norms(Wh, h, T)
    norms[0] = 0.0
    return norms


def _product_of_entries(later: list[Array]) -> Array:
    return np.prod(later, axis=0)


def _slope_of_the_state_before(Wh: Array, h: Array) -> list[Array]:
    return _factors(Wh, np.concatenate([np.zeros((1, len(Wh))), h[:-1]]))


def _product_of_norms(later: list[Array]) -> Array:
    return np.array([[np.prod([_spectral(f) for f in later])]])


def _one_step_each(later: list[Array]) -> Array:
    return later[0]


def _norms_by_svd(Wh: Array, h: Array, T: int) -> list[float]:
    norms: list[float] = []
    product = np.eye(len(Wh))
    for t in range(T - 1, -1, -1):
        product = product @ np.diag(1 - np.asarray(h[t]) ** 2) @ np.transpose(Wh)
        norms.insert(0, float(np.linalg.svd(product)[1][0]))
    return norms


def _norms_by_eigenvalues(Wh: Array, h: Array, T: int) -> Array:
    out = np.zeros(T)
    for t in range(T):
        M = np.eye(Wh.shape[0])
        for row in h[t:]:  # rows of M: how a nudge of one unit of h_t spreads
            M = (M @ Wh) * (1 - row) * (1 + row)
        out[t] = np.sqrt(np.max(np.linalg.eigvalsh(M @ M.T)))
    return out


def _norms_by_backprop(Wh: Array, h: Array, T: int) -> Array:
    back, norms = np.eye(len(Wh)), []
    zero, nothing = np.zeros((len(Wh), 1)), np.zeros((1, len(Wh)))
    for t in reversed(range(T)):
        same = np.tile(h[t], (len(Wh), 1))
        _, back, *_ = rnn_step_backward(back, (zero, same, same, nothing, Wh))
        norms.append(np.linalg.norm(back, 2))
    return np.array(norms[::-1])


def _norms_by_tensorflow(Wh: Array, h: Array, T: int) -> Any:
    from course_lib.quiet import tf

    Wh, h = tf.constant(Wh), tf.constant(h)
    product, norms = tf.eye(Wh.shape[0], dtype=tf.float64), []
    for t in range(T - 1, -1, -1):
        product = product @ (tf.linalg.diag(1 - h[t] ** 2) @ tf.transpose(Wh))
        norms.append(tf.linalg.svd(product, compute_uv=False)[0])
    return tf.stack(norms[::-1])


_WHICH_NORM = {
    "nudge": "For the matrix [[3, 0], [0, 4]], which number does your norm give? By how much can this "
    "matrix stretch a vector at most?",
    "pointer": "“A product of Jacobians”: how long a matrix is.",
}
_JACOBIAN = {
    "nudge": "Take two units and write out how h_t[0] depends on h_{t−1}[1]. Which entry of Wh is in it, "
    "and the slope of which unit?",
    "pointer": "“A product of Jacobians”: the factor of one step.",
}

GRADIENT_NORMS = Exercise(
    id="gradient_norms",
    probe="calls:call",
    reference=gradient_norms,
    cases=_norm_cases,
    axes=("time",),
    aspects=(
        Aspect("shape", 0.5, same_shape),
        Aspect("one unit", 0.5, tags=frozenset({"unit"})),
        Aspect("one step", 1.0, tags=frozenset({"one"})),
        Aspect("several steps", 1.5, tags=frozenset({"long"})),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("several steps",)),
    ),
    misconceptions=(
        Misconception(
            "wrong-order",
            _norms(chain=lambda later: reduce(lambda p, f: p @ f, later)),
            nudge="Matrices do not commute. Which factor acts first on a nudge of h_t: that of step "
            "t + 1, or that of step T?",
            pointer="“A product of Jacobians”: the order of the factors.",
            explanation="The factors are right and multiplied in the wrong order. A nudge of h_t "
            "passes step t + 1 first, and what acts first stands next to it.",
        ),
        Misconception(
            "no-slope",
            _norms(factors=lambda Wh, h: [Wh.T for _ in h]),
            nudge="Does your result depend on h at all?",
            pointer="“A product of Jacobians”: the factor of one step.",
            explanation="You multiply powers of Wh only. Each step also has its tanh, whose slope is "
            "below 1 wherever the state is not 0.",
        ),
        Misconception(
            "square-of-the-difference",
            _norms(factors=lambda Wh, h: [((1 - r) ** 2)[:, None] * Wh.T for r in h]),
            nudge="What slope does your formula give for h = −0.5? Can tanh be so steep?",
            pointer="“Three small rules”: the rule for tanh.",
            explanation="Your slope of tanh is the square of a difference.",
        ),
        Misconception(
            "tanh-of-tanh",
            _norms(factors=lambda Wh, h: [(1 - np.tanh(r) ** 2)[:, None] * Wh.T for r in h]),
            nudge="Is `h` what goes into the tanh, or what came out of it?",
            pointer="“Three small rules”: the rule for tanh, in terms of h.",
            explanation="You take tanh of h, but h *is* a tanh already.",
        ),
        Misconception(
            "multiplies-entries",
            _norms(chain=_product_of_entries),
            nudge="A nudge of one unit reaches every unit of the next step. Which of Python's two "
            "products, `*` and `@`, adds up all these ways?",
            pointer="“A product of Jacobians”: from h_t to h_T.",
            explanation="You multiply the factors entry by entry (`*`). One after the other is the "
            "product of matrices.",
        ),
        Misconception(
            "longest-way-left-out",
            _longest_way_left_out,
            nudge="Is the first entry of your result 0? Print t inside your loop: is 0 among them?",
            pointer="The docstring: entry t belongs to h_t, from t = 0 to T − 1.",
            explanation="Your loop stops one step early: the end of a `range` is not part of it, so "
            "counting down to 0 leaves the longest way out.",
        ),
        Misconception(
            "wh-not-transposed",
            _norms(factors=lambda Wh, h: [(1 - r**2)[:, None] * Wh for r in h]),
            explanation="Wh stands in your factor as it is. It is used as `h @ Wh`: its rows are the "
            "old units, while the rows of the Jacobian are the new ones.",
            **_JACOBIAN,
        ),
        Misconception(
            "slope-on-the-wrong-side",
            _norms(factors=lambda Wh, h: [Wh.T * (1 - r**2) for r in h]),
            explanation="The slopes multiply the columns of your factor, the old units. The tanh "
            "comes after Wh and belongs to the new ones.",
            **_JACOBIAN,
        ),
        Misconception(
            "slope-of-the-state-before",
            _norms(factors=_slope_of_the_state_before),
            nudge="Which row of h is the state that came out of the first step?",
            pointer="“A product of Jacobians”: h holds h₁ to h_T.",
            explanation="You take each slope at the state *before* the step. `h[0]` is h₁, the "
            "result of the first step.",
        ),
        Misconception(
            "frobenius",
            _norms(norm=lambda m: float(np.linalg.norm(m))),
            explanation="`np.linalg.norm` of a matrix is by default the root of the sum of all "
            "squares (Frobenius). The largest stretch is asked for.",
            **_WHICH_NORM,
        ),
        Misconception(
            "frobenius-and-wrong-order",
            _norms(
                norm=lambda m: float(np.linalg.norm(m)),
                chain=lambda later: reduce(lambda p, f: p @ f, later),
            ),
            nudge="Two things: which norm does `np.linalg.norm` give you by default? And which factor "
            "acts first on a nudge of h_t?",
            pointer="“A product of Jacobians”: the order of the factors, and how long a matrix is.",
            explanation="Two mistakes at once: the root of the sum of all squares (Frobenius) in "
            "place of the largest stretch, and the factors in the wrong order.",
        ),
        Misconception(
            "largest-eigenvalue",
            _norms(norm=lambda m: float(np.abs(np.linalg.eigvals(m)).max())),
            explanation="You take the largest eigenvalue. A matrix can stretch some vector by far "
            "more than that: the largest *singular* value says by how much.",
            **_WHICH_NORM,
        ),
        Misconception(
            "smallest-stretch",
            _norms(norm=lambda m: float(np.linalg.norm(m, ord=-2))),
            explanation="You take the smallest singular value, the least stretch.",
            **_WHICH_NORM,
        ),
        Misconception(
            "largest-entry",
            _norms(norm=lambda m: float(np.abs(m).max())),
            explanation="You take the largest entry. The largest stretch of a vector is asked for.",
            **_WHICH_NORM,
        ),
        Misconception(
            "product-of-norms",
            _norms(chain=_product_of_norms, norm=lambda m: float(m[0, 0])),
            nudge="Does the direction that one step stretches most come out in the direction that the "
            "next step stretches most?",
            pointer="“A product of Jacobians”: why the product comes before the norm.",
            explanation="You multiply the norms of the steps. That is an upper bound, reached only "
            "if all of them stretch the same direction; the norm of the product is asked for.",
        ),
        Misconception(
            "one-step-only",
            _norms(chain=_one_step_each),
            nudge="From h_t to h_T: how many steps is that? How many factors do you use?",
            pointer="“A product of Jacobians”: the product over all the steps between.",
            explanation="Each of your entries is the factor of a single step. From h_t to h_T there "
            "are T − t of them.",
        ),
        Misconception(
            "order-reversed",
            _norms(arrange=lambda norms: norms[::-1]),
            nudge="Which entry of your result belongs to the longest way?",
            pointer="The docstring: entry t belongs to h_t.",
            explanation="The numbers are right, but listed from the end: entry 0 should be the "
            "longest way, from h₀ to h_T.",
        ),
        Misconception(
            "off-by-one",
            _off_by_one,
            nudge="Is one of your entries exactly 1?",
            pointer="The docstring: entry t belongs to h_t, from t = 0 to T − 1.",
            explanation="You begin with dh_T / dh_T, which is 1 always, and lose the longest way, "
            "that from h₀.",
        ),
        Misconception(
            "measured-from-the-start",
            _from_the_start,
            nudge="What stays fixed in your products while t runs: the beginning or the end?",
            pointer="“A product of Jacobians”: from which end the products grow.",
            explanation="You compute dh_t / dh_0, from the beginning on. Asked for is dh_T / dh_t: "
            "how much the *end* feels each state.",
        ),
        Misconception(
            "squared",
            _norms(norm=lambda m: _spectral(m) ** 2),
            nudge="For one unit and one step, is your number the square of the derivative?",
            pointer="“A product of Jacobians”: how long a matrix is.",
            explanation="You return squares: the largest eigenvalue of JᵀJ is the *square* of the "
            "largest stretch.",
        ),
    ),
    nudge="Begin with one unit, where everything is a number. What is dh₁/dh₀, then dh₂/dh₀?",
    pointer="“A product of Jacobians”: the factor of one step, then the order of the factors.",
    alternatives={
        "svd": _norms_by_svd,
        "eigenvalues of the square": _norms_by_eigenvalues,
        "through rnn_step_backward": _norms_by_backprop,
        "tensorflow": _norms_by_tensorflow,
    },
)


# --- clip_by_global_norm ---------------------------------------------------------------------


def _clip_cases(rng: Rng) -> list[Case]:
    def draw(*shapes: tuple[int, ...], norm: float) -> list[Array]:
        grads = [rng.uniform(0.3, 1.0, s) * rng.choice([-1.0, 1.0], s) for s in shapes]
        # One of them is much longer than the others, so that clipping each by itself shows.
        grads[0] = grads[0] * 3
        length = np.sqrt(sum(np.sum(g**2) for g in grads))
        return [np.asarray(g * norm / length) for g in grads]  # a number too stays an array

    clip, keep = frozenset({"clip"}), frozenset({"keep"})
    three = ((3, 4), (4, 4), (4,))
    return [
        Case("three gradients, too long", (draw(*three, norm=10.0), 2.5), clip),
        Case("a single gradient, too long", (draw((2, 3), norm=6.0), 1.5), clip),
        Case("each short enough, together too long", (draw((5,), (2, 3), norm=4.0), 3.9), clip),
        Case("three axes and a number", (draw((2, 1, 3), (), norm=7.0), 3.0), clip),
        Case("three gradients, short enough", (draw(*three, norm=2.0), 5.0), keep),
        Case("a limit below 1, short enough", (draw((3,), (2,), norm=0.2), 0.5), keep),
        Case("nothing but zeros", ([np.zeros((2, 3)), np.zeros(3)], 1.0), frozenset({"zeros"})),
    ]


def _norm_of(grads: Sequence[Array]) -> float:
    return float(np.sqrt(sum(np.sum(np.square(g)) for g in grads)))


def _clip_by(
    norm: Callable[[Sequence[Array]], float],
    factor: Callable[[float, float], float] = lambda norm, limit: limit / norm,
) -> Callable[..., Any]:
    def variant(grads: list[Array], limit: float) -> Any:
        length = norm(grads)
        scale = factor(length, limit) if length > limit else 1.0
        return [g * scale for g in grads], length

    return variant


def _clip_each(grads: list[Array], limit: float) -> Any:
    return [clip_by_global_norm([g], limit)[0][0] for g in grads], _norm_of(grads)


def _clip_values(grads: list[Array], limit: float) -> Any:
    return [np.clip(g, -limit, limit) for g in grads], _norm_of(grads)


def _always_rescale(grads: list[Array], limit: float) -> Any:
    norm = _norm_of(grads)
    with np.errstate(invalid="ignore", divide="ignore"):
        return [g * np.float64(limit) / norm for g in grads], norm


def _always_rescale_but_zeros(grads: list[Array], limit: float) -> Any:
    norm = _norm_of(grads)
    return [g * limit / norm if norm else g for g in grads], norm


def _only_enlarge(grads: list[Array], limit: float) -> Any:
    norm = _norm_of(grads)
    scale = max(1.0, limit / norm) if norm else 1.0
    return [g * scale for g in grads], norm


def _comparison_reversed(grads: list[Array], limit: float) -> Any:
    norm = np.float64(_norm_of(grads))
    with np.errstate(invalid="ignore", divide="ignore"):
        return [g * limit / norm if norm < limit else g for g in grads], norm


def _length_by_largest_stretch(grads: list[Array], limit: float) -> Any:
    norm = np.sqrt(sum(np.linalg.norm(g, 2) ** 2 for g in grads))
    return [g * limit / norm if norm > limit else g for g in grads], norm


def _one_array_of_all(join: Callable[[Any], Any]) -> Callable[..., Any]:
    def variant(grads: list[Array], limit: float) -> Any:
        norm = np.linalg.norm(join(grads))
        return [g * limit / norm if norm > limit else g for g in grads], norm

    return variant


def _divide_by_zero(grads: list[Array], limit: float) -> Any:
    norm = _norm_of(grads)
    scale = min(1.0, limit / norm)
    return [g * scale for g in grads], norm


def _norm_after(grads: list[Array], limit: float) -> Any:
    clipped, _ = clip_by_global_norm(grads, limit)
    return clipped, _norm_of(clipped)


def _to_length_one(grads: list[Array], limit: float) -> Any:
    norm = _norm_of(grads)
    return [g / norm if norm > limit else g for g in grads], norm


def _dropped(grads: list[Array], limit: float) -> Any:
    norm = _norm_of(grads)
    return [g * (norm <= limit) for g in grads], norm


def _norm_not_returned(grads: list[Array], limit: float) -> Any:
    return clip_by_global_norm(grads, limit)[0]


def _results_exchanged(grads: list[Array], limit: float) -> Any:
    clipped, norm = clip_by_global_norm(grads, limit)
    return norm, clipped


def _clip_in_place(grads: list[Array], limit: float) -> Any:
    norm = _norm_of(grads)
    if norm > limit:
        for k in range(len(grads)):
            grads[k][...] = grads[k] * (limit / norm)
    return grads, norm


def _clip_by_concatenation(grads: list[Array], limit: float) -> Any:
    norm = np.linalg.norm(np.concatenate([np.ravel(g) for g in grads]))
    return tuple(g / max(1.0, norm / limit) for g in grads), norm


def _clip_by_loops(grads: Any, limit: float) -> Any:
    total = 0.0
    for grad in grads:
        for number in np.ravel(grad).tolist():
            total += number * number
    norm = total**0.5
    if norm <= limit:
        return grads, norm
    return [(np.asarray(grad) * limit / norm).tolist() for grad in grads], norm


def _clip_by_norms_of_norms(grads: list[Array], limit: float) -> Any:
    norm = np.linalg.norm([np.linalg.norm(g) for g in grads])
    scale = limit / norm if norm > limit else 1
    return [np.multiply(scale, g).astype(np.float32) for g in grads], float(norm)


def _clip_by_tensorflow(grads: list[Array], limit: float) -> Any:
    from course_lib.quiet import tf

    return tf.clip_by_global_norm([tf.constant(g) for g in grads], limit)


_NORM = {
    "nudge": "For the gradients [3] and [4], which norm does your code compute?",
    "pointer": "“Clipping: a leash for the step”: the norm of all gradients together.",
}
_SHORT = {
    "nudge": "What becomes of gradients whose norm is below the limit? Does your function say the same?",
    "pointer": "“Clipping: a leash for the step”: two cases.",
}

CLIP_BY_GLOBAL_NORM = Exercise(
    id="clip_by_global_norm",
    probe="gradients:clip",
    by_hand=frozenset({"clip_by_global_norm", "clip_by_norm", "global_norm"}),
    reference=clip_by_global_norm,
    cases=_clip_cases,
    axes={"grads": [], "norm": ()},
    aspects=(
        Aspect("the norm before clipping", 1.0, _parts("norm")),
        Aspect("too long: shrunk together", 1.5, _parts("grads"), tags=frozenset({"clip"})),
        Aspect(
            "short enough: left alone",
            1.0,
            _parts("grads"),
            tags=frozenset({"keep"}),
            needs=("too long: shrunk together",),
        ),
        Aspect(
            "zeros stay zeros",
            0.5,
            _parts("grads"),
            tags=frozenset({"zeros"}),
            needs=("too long: shrunk together",),
        ),
        Aspect(
            "inputs left unchanged", 1.0, inputs_unchanged, needs=("too long: shrunk together",)
        ),
    ),
    misconceptions=(
        Misconception(
            "each-by-itself",
            _clip_each,
            nudge="For [3] and [4] with limit 1, in which direction does the step go before, and in "
            "which after your clipping?",
            pointer="“Clipping: a leash for the step”: one factor for all.",
            explanation="You clip every gradient by its own norm. The long ones shrink, the short "
            "ones do not, and the step turns away from the gradient.",
        ),
        Misconception(
            "clips-values",
            _clip_values,
            nudge="For [3] and [4] with limit 1, in which direction does the step go before, and in "
            "which after your clipping?",
            pointer="“Clipping: a leash for the step”: one factor for all.",
            explanation="You cut off each number at the limit. The length may still be too large, "
            "and the direction is no longer that of the gradient.",
        ),
        Misconception(
            "always-rescales",
            _always_rescale,
            explanation="You rescale always, so short gradients are stretched *up* to the limit, "
            "and zeros become NaN. A leash pulls only when it is tight.",
            **_SHORT,
        ),
        Misconception(
            "always-rescales-but-zeros",
            _always_rescale_but_zeros,
            explanation="You rescale always, so short gradients are stretched *up* to the limit. A "
            "leash pulls only when it is tight.",
            **_SHORT,
        ),
        Misconception(
            "stretches-the-short-ones",
            _only_enlarge,
            explanation="Exactly the wrong ones are rescaled: short gradients grow to the limit, long "
            "ones stay long. Look at the comparison, or at `max` and `min`.",
            **_SHORT,
        ),
        Misconception(
            "comparison-reversed",
            _comparison_reversed,
            explanation="Exactly the wrong ones are rescaled: short gradients grow to the limit, zeros "
            "become NaN, long ones stay long. Your comparison stands the wrong way round.",
            **_SHORT,
        ),
        Misconception(
            "divides-by-zero",
            _divide_by_zero,
            nudge="What does limit / norm give when all gradients are zero?",
            pointer="“Clipping: a leash for the step”: two cases.",
            explanation="You divide by the norm before you know whether there is anything to clip. "
            "When all gradients are zero, that is a division by zero.",
        ),
        Misconception(
            "root-forgotten",
            _clip_by(lambda grads: _norm_of(grads) ** 2),
            explanation="The root is missing: you compare the sum of squares with the limit.",
            **_NORM,
        ),
        Misconception(
            "sum-of-norms",
            _clip_by(lambda grads: float(sum(np.linalg.norm(g) for g in grads))),
            explanation="You add the norms, 3 + 4 = 7. What adds up are their squares.",
            **_NORM,
        ),
        Misconception(
            "sum-of-magnitudes",
            _clip_by(lambda grads: float(sum(np.abs(g).sum() for g in grads))),
            explanation="You add up absolute values in place of squares.",
            **_NORM,
        ),
        Misconception(
            "largest-norm",
            _clip_by(lambda grads: float(max(np.linalg.norm(g) for g in grads))),
            explanation="You take the norm of the longest gradient. All together they are longer.",
            **_NORM,
        ),
        Misconception(
            "root-mean-square",
            _clip_by(lambda grads: _norm_of(grads) / sum(np.size(g) for g in grads) ** 0.5),
            explanation="You take the mean of the squares in place of their sum.",
            **_NORM,
        ),
        Misconception(
            "last-gradient-only",
            _clip_by(lambda grads: _norm_of(grads[-1:])),
            explanation="Only the last gradient enters your norm: the sum is overwritten in every "
            "turn of the loop.",
            **_NORM,
        ),
        Misconception(
            "largest-stretch-for-length",
            _length_by_largest_stretch,
            explanation="`ord=2` asks a matrix for its largest stretch, as in the exercise before. "
            "Here you want the length of all its numbers in one row, whatever its number of axes.",
            **_NORM,
        ),
        Misconception(
            "arrays-of-other-shapes-in-one",
            _one_array_of_all(np.array),
            explanation="Gradients of different shapes do not fit into one array. Let each contribute "
            "a number to the sum.",
            **_NORM,
        ),
        Misconception(
            "arrays-of-other-shapes-in-a-row",
            _one_array_of_all(np.concatenate),
            explanation="`np.concatenate` wants arrays with the same number of axes, and a gradient "
            "may have any. Make each flat first, or let each contribute a number to the sum.",
            **_NORM,
        ),
        Misconception(
            "factor-upside-down",
            _clip_by(_norm_of, lambda norm, limit: norm / limit),
            nudge="Norm 5, limit 1: should the gradients be multiplied by 5 or by 1/5?",
            pointer="“Clipping: a leash for the step”: the factor.",
            explanation="Your factor stands upside down: long gradients become longer.",
        ),
        Misconception(
            "always-to-length-one",
            _to_length_one,
            nudge="What is the norm of what you return when the limit is 2?",
            pointer="“Clipping: a leash for the step”: the factor.",
            explanation="What is too long is shrunk to length 1, whatever the limit says.",
        ),
        Misconception(
            "divided-by-the-limit",
            _clip_by(_norm_of, lambda norm, limit: 1 / limit),
            nudge="What is the norm of what you return when the limit is 2?",
            pointer="“Clipping: a leash for the step”: the factor.",
            explanation="You divide by the limit, and not by how much too long the gradients are.",
        ),
        Misconception(
            "drops-what-is-too-long",
            _dropped,
            nudge="Does a gradient that is too long still say something about the direction?",
            pointer="“Clipping: a leash for the step”: two cases.",
            explanation="You set gradients that are too long to zero. They should be shortened: "
            "their direction is good.",
        ),
        Misconception(
            "norm-after-clipping",
            _norm_after,
            nudge="If you plot the norms that your function returns, can you see an explosion?",
            pointer="“Clipping: a leash for the step”: what is returned.",
            explanation="You return the norm *after* clipping, which is never above the limit. The "
            "norm before tells whether there was an explosion.",
        ),
        Misconception(
            "norm-not-returned",
            _norm_not_returned,
            nudge="How many things does the docstring ask for?",
            pointer="“Clipping: a leash for the step”: what is returned.",
            explanation="The gradients are right, but they are all that you return. The norm before "
            "clipping is asked for as well.",
        ),
        Misconception(
            "results-exchanged",
            _results_exchanged,
            nudge="In which order does the docstring ask for the two results?",
            pointer="The docstring of `clip_by_global_norm`.",
            explanation="Both results are right, and in the wrong order: the gradients come first.",
        ),
        Misconception(
            "works-in-place",
            _clip_in_place,
            nudge="Print the first gradient before and after the call.",
            pointer="“Three small rules”: the last paragraph.",
            explanation="The numbers are right, but you write them into the caller's own list or "
            "arrays (`grads[k] = …` and `*=` do that). Return new ones.",
        ),
    ),
    nudge="Go through [3] and [4] with limit 1, then with limit 10. What should come out, and what does?",
    pointer="“Clipping: a leash for the step”: two cases, one factor.",
    alternatives={
        "one long vector": _clip_by_concatenation,
        "loops": _clip_by_loops,
        "norm of norms": _clip_by_norms_of_norms,
        "tf.clip_by_global_norm": _clip_by_tensorflow,
    },
)

SHOWN = ("plots/gradients.py",)
"""What of ``course_lib`` a grading kernel shows: what the ordinary cells need, and no answer."""

NUMPY_ONLY = True
"""Its kernels are forked from a process without TensorFlow: smaller and sooner there."""

EXERCISES = (
    NUMERICAL_GRADIENT,
    RNN_STEP_BACKWARD,
    RNN_BACKWARD,
    REPAIR_SLIDE_BACKWARD,
    GRADIENT_NORMS,
    CLIP_BY_GLOBAL_NORM,
)
