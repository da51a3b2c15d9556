"""N02: unroll a list of steps, and see what it costs."""

from __future__ import annotations

import itertools
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
    same_values,
)
from course_lib.unroll.static import stack_outputs, static_rnn, to_time_list

Array = np.ndarray
Rng = np.random.Generator
Step = Callable[[Any, Any], tuple[Any, Any]]
Unrolled = tuple[list[Any], Any]

_SIZES = {
    "five steps": (2, 5, 3),
    "more sequences than steps": (4, 2, 3),
    "a batch of one": (1, 4, 2),
    "one time step": (3, 1, 2),
}
_SQUARE = frozenset({"square"})


# --- to_time_list ----------------------------------------------------------------------------


def _time_list_cases(rng: Rng) -> list[Case]:
    cases = [
        Case(name, (rng.normal(size=sizes).astype(np.float32),)) for name, sizes in _SIZES.items()
    ]
    square = rng.normal(size=(3, 3, 3)).astype(np.float32)
    return [*cases, Case("batch, time and features all 3", (square,), _SQUARE)]


def _time_list_by_reshape(x: Array) -> list[Array]:
    B, T, D = x.shape
    return list(x.reshape(T, B, D))


def _time_list_of_sequences(x: Array) -> list[Array]:
    return list(x)


def _time_list_by_first_index(x: Array) -> list[Array]:
    return [x[t] for t in range(x.shape[1])]


def _time_list_as_long_as_the_batch(x: Array) -> list[Array]:
    return [x[:, t] for t in range(len(x))]


def _time_list_of_features(x: Array) -> list[Array]:
    return [x[:, :, d] for d in range(x.shape[2])]


def _time_list_reversed(x: Array) -> list[Array]:
    return [x[:, t] for t in reversed(range(x.shape[1]))]


def _time_list_time_axis_kept(x: Array) -> list[Array]:
    return np.split(x, x.shape[1], axis=1)


def _time_list_all_axes_turned(x: Array) -> list[Array]:
    return list(x.T)


def _time_list_pieces_transposed(x: Array) -> list[Array]:
    return [x[:, t].T for t in range(x.shape[1])]


def _time_list_first_step_lost(x: Array) -> list[Array]:
    return [x[:, t] for t in range(1, x.shape[1])]


def _time_list_last_step_lost(x: Array) -> list[Array]:
    return [x[:, t] for t in range(x.shape[1] - 1)]


def _time_list_repeats_one_step(x: Array) -> list[Array]:
    return [x[:, 0] for _ in range(x.shape[1])]


def _time_list_unstacked(x: Array) -> Any:
    from course_lib.quiet import tf

    return tf.unstack(tf.transpose(x, [1, 0, 2]))


def _time_list_appended(x: Array) -> list[list[list[float]]]:
    pieces: list[list[list[float]]] = []
    for t in range(x.shape[1]):
        pieces.append([[float(number) for number in x[b, t]] for b in range(x.shape[0])])
    return pieces


TO_TIME_LIST = Exercise(
    id="to_time_list",
    probe="calls:call",
    reference=to_time_list,
    cases=_time_list_cases,
    axes=("time", "batch", "features"),
    aspects=(
        Aspect("one piece (B, D) for each time step", 1.0, same_shape, without=_SQUARE),
        Aspect("the right numbers in each piece", 1.5),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("the right numbers in each piece",),
        ),
    ),
    misconceptions=(
        Misconception(
            "reshape-for-transpose",
            _time_list_by_reshape,
            nudge="Do the cards A0, A1, A2 … in the first figure end up where you want them? "
            "Draw what your first piece holds.",
            pointer="“Cut the array: swap axes, unstack”: the panel marked ✗.",
            explanation="`reshape` does not move anything: it deals out the numbers in the order in "
            "which they lie in memory, so one piece mixes several moments of one sequence. Axes "
            "have to be exchanged, not only renamed.",
        ),
        Misconception(
            "batch-list",
            _time_list_of_sequences,
            nudge="How many pieces did you get for a batch of 4 sequences with 2 steps? What does "
            "one of them hold?",
            pointer="“Cut the array: swap axes, unstack”: which axis comes first in `x`?",
            explanation="You cut along the batch: each piece is one whole sequence. A piece should "
            "be one moment of all sequences.",
        ),
        Misconception(
            "first-axis-indexed",
            _time_list_by_first_index,
            nudge="What does `x_small[0]` hold: a sequence or a moment?",
            pointer="“Cut the array: swap axes, unstack”: which axis comes first in `x`?",
            explanation="You count the time steps rightly, but the number t stands at the place of "
            "the batch: `x[t]` is sequence t, not moment t.",
        ),
        Misconception(
            "as-many-as-the-batch",
            _time_list_as_long_as_the_batch,
            nudge="How many pieces do you make when there are 4 sequences of 2 steps?",
            pointer="“Cut the array: swap axes, unstack”: which axis comes first in `x`?",
            explanation="Each piece is right, but you make as many as there are sequences: the "
            "length of an array is the length of its first axis, and that is the batch.",
        ),
        Misconception(
            "feature-list",
            _time_list_of_features,
            nudge="Say aloud what each of the three axes of `x` stands for. Along which one do you "
            "cut?",
            pointer="“Cut the array: swap axes, unstack”: the names of the axes, (B, T, D).",
            explanation="You cut along the features: a piece holds one feature at all times. A "
            "piece should hold all features at one time.",
        ),
        Misconception(
            "reversed-time",
            _time_list_reversed,
            nudge="Which moment does the very first piece of your list hold?",
            pointer="“Cut the array: swap axes, unstack”: the order of the pieces in the figure.",
            explanation="The pieces are right, but the last moment comes first: the network would "
            "read every sequence backwards.",
        ),
        Misconception(
            "time-axis-kept",
            _time_list_time_axis_kept,
            nudge="How many axes does one of your pieces have, and how many should a step be given?",
            pointer="“Cut the array: swap axes, unstack”: what *unstack* does to the axis it cuts.",
            explanation="Each piece still has a time axis of length one, (B, 1, D). Splitting "
            "shortens an axis; unstacking removes it.",
        ),
        Misconception(
            "all-axes-turned-round",
            _time_list_all_axes_turned,
            nudge="Which axes changed places in your array, and which one should have stayed?",
            pointer="“Cut the array: swap axes, unstack”: *swap* names two axes, not three.",
            explanation="A bare transpose turns all axes round, (B, T, D) into (D, T, B). Only "
            "batch and time should change places.",
        ),
        Misconception(
            "pieces-transposed",
            _time_list_pieces_transposed,
            nudge="What are the rows of one of your pieces: sequences or features?",
            pointer="“One step, two results”: the shape in which a step wants its `x`.",
            explanation="You cut at the right places, but each piece lies on its side: (D, B) in "
            "place of (B, D).",
        ),
        Misconception(
            "first-step-lost",
            _time_list_first_step_lost,
            nudge="How many pieces does a sequence of five steps give? Which number is the first "
            "index in Python?",
            pointer="“Cut the array: swap axes, unstack”: count the pieces in the figure.",
            explanation="Time starts at index 0: you begin to cut one step too late, and the first "
            "moment is lost.",
        ),
        Misconception(
            "last-step-lost",
            _time_list_last_step_lost,
            nudge="How many pieces does a sequence of five steps give, and how many do you return?",
            pointer="“Cut the array: swap axes, unstack”: count the pieces in the figure.",
            explanation="You stop one step too early: the end of a `range` is not part of it "
            "anyway, so nothing has to be taken off.",
        ),
        Misconception(
            "one-step-repeated",
            _time_list_repeats_one_step,
            nudge="Compare the first two pieces of your list. Do they differ?",
            pointer="“Cut the array: swap axes, unstack”: one piece for each moment.",
            explanation="Every piece is the same moment: the number of the step never enters your "
            "index.",
        ),
    ),
    nudge="What should the very first piece hold: one sequence, or one moment of all sequences?",
    pointer="“Cut the array: swap axes, unstack” shows both moves in a figure.",
    alternatives={
        "slices": lambda x: [x[:, t, :] for t in range(x.shape[1])],
        "swapaxes": lambda x: list(np.swapaxes(x, 0, 1)),
        "einsum": lambda x: [*np.einsum("btd->tbd", x)],
        "moveaxis": lambda x: tuple(np.moveaxis(np.asarray(x, np.float64), 1, 0)),
        "split and squeeze": lambda x: [p.squeeze(1) for p in np.split(x, x.shape[1], axis=1)],
        "tf.transpose and tf.unstack": _time_list_unstacked,
        "lists of numbers": _time_list_appended,
    },
)


# --- static_rnn ------------------------------------------------------------------------------


def _unrolling(
    rng: Rng, name: str, sizes: tuple[int, int, int, int, int], start: str = "given"
) -> Case:
    """A case for `unroll`: B, T, D, H and the size O of an output."""
    B, T, D, H, O = sizes  # noqa: E741

    def draw(*shape: int, scale: float = 0.8) -> Array:
        return rng.normal(0.0, scale, shape).astype(np.float32)

    weights = {
        "Wx": draw(D, H),
        "Wh": draw(H, H),
        "b": draw(H, scale=0.5),
        "Wy": draw(H, O),
    }
    xs = [draw(B, D, scale=1.0) for _ in range(T)]
    h0 = rng.uniform(0.4, 0.9, (B, H)) * rng.choice([-1.0, 1.0], (B, H))
    if start == "zeros":
        h0 = np.zeros((B, H))
    tags = frozenset({start}) | (_SQUARE if len({B, D, H, O}) == 1 else frozenset())
    return Case(name, (xs, h0.astype(np.float32), weights, int(rng.integers(2**31))), tags)


def _static_rnn_cases(rng: Rng) -> list[Case]:
    return [
        _unrolling(rng, "five steps from a state of zeros", (2, 5, 3, 4, 6), "zeros"),
        _unrolling(rng, "five steps", (2, 5, 3, 4, 6)),
        _unrolling(rng, "a batch of one", (1, 4, 2, 3, 5)),
        _unrolling(rng, "one time step", (4, 1, 2, 5, 3)),
        _unrolling(rng, "batch, time, features and units all 3", (3, 3, 3, 3, 3)),
    ]


def _both(key: str, test: Test) -> Test:
    """``test`` on one of the two results, once there are two."""
    on_part = part(key, test)

    def of_pair(seen: Comparison) -> Difference | None:
        value = seen.actual.value
        if isinstance(value, dict) and not value.get("pair"):
            return Difference(
                "your function should return two things: the list of outputs, and the final state"
            )
        return on_part(seen)

    return of_pair


def _outputs_not_pairs(seen: Comparison) -> Difference | None:
    """Name the commonest slip in words: what a step returned was put into the list as it was."""
    outputs = seen.actual.value["outputs"]
    if isinstance(outputs, list) and any(
        isinstance(y, list) and len(y) == 2 and np.ndim(y[0]) == 2 for y in outputs
    ):
        return Difference(
            "each entry of your list of outputs is a pair; a step returns two things, and only one "
            "of them is an output"
        )
    return None


def _outputs(test: Test) -> Test:
    """``test`` on the list of outputs, once it holds outputs."""
    on_outputs = _both("outputs", test)

    def of_outputs(seen: Comparison) -> Difference | None:
        return _outputs_not_pairs(seen) or on_outputs(seen)

    return of_outputs


def _both_shapes(seen: Comparison) -> Difference | None:
    return _outputs(same_shape)(seen) or _both("state", same_shape)(seen)


def _h0_ignored(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    return static_rnn(step, xs, np.zeros_like(h0))


def _first_state_returned(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    outputs, _ = static_rnn(step, xs, h0)
    return outputs, step(xs[0], h0)[1]


def _initial_state_returned(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    outputs, _ = static_rnn(step, xs, h0)
    return outputs, h0


def _state_not_passed_on(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    outputs, state = [], h0
    for x in xs:
        output, state = step(x, h0)
        outputs.append(output)
    return outputs, state


def _fresh_weights(step: Any, xs: list[Any], h0: Any) -> Unrolled:
    outputs, state = [], h0
    for x in xs:
        output, state = step.fresh()(x, state)
        outputs.append(output)
    return outputs, state


def _read_backwards(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    return static_rnn(step, xs[::-1], h0)


def _outputs_backwards(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    outputs, state = static_rnn(step, xs, h0)
    return outputs[::-1], state


def _states_collected(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    states, state = [], h0
    for x in xs:
        _, state = step(x, state)
        states.append(state)
    return states, state


def _last_output_for_state(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    outputs, _ = static_rnn(step, xs, h0)
    return outputs, outputs[-1]


def _results_exchanged(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    outputs, state = [], h0
    for x in xs:
        state, output = step(x, state)
        outputs.append(output)
    return outputs, state


def _output_fed_back(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    outputs, output, state = [], h0, h0
    for x in xs:
        output, state = step(x, output)
        outputs.append(output)
    return outputs, state


def _first_input_skipped(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    outputs, state = [], h0
    for x in xs[1:]:
        output, state = step(x, state)
        outputs.append(output)
    return outputs, state


def _last_output_only(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    outputs, state = static_rnn(step, xs, h0)
    return outputs[-1:], state


def _same_input_each_step(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    return static_rnn(step, [xs[0]] * len(xs), h0)


def _inputs_used_up(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    outputs, state = [], h0
    while xs:
        output, state = step(xs.pop(0), state)
        outputs.append(output)
    return outputs, state


def _pairs_collected(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    return [step(x, h0) for x in xs], h0


def _returns_in_the_loop(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    output, state = step(xs[0], h0)
    return [output], state


def _unroll_by_recursion(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    if len(xs) == 0:
        return [], h0
    output, state = step(xs[0], h0)
    rest, last = _unroll_by_recursion(step, xs[1:], state)
    return [output, *rest], last


def _unroll_by_accumulate(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    pairs = itertools.accumulate(xs, lambda pair, x: step(x, pair[1]), initial=(None, h0))
    outputs, states = zip(*itertools.islice(pairs, 1, None), strict=True)
    return list(outputs), states[-1]


def _unroll_by_index(step: Step, xs: list[Any], h0: Any) -> Any:
    T = len(xs)
    outputs: list[Any] = [None] * T
    states: list[Any] = [h0] + [None] * T
    for t in range(T):
        outputs[t], states[t + 1] = step(xs[t], states[t])
    return np.array(outputs), np.asarray(states[T], np.float64)


def _unroll_tensors(step: Step, xs: list[Any], h0: Any) -> Unrolled:
    from course_lib.quiet import tf

    outputs, state = [], tf.constant(h0)
    for x in tf.unstack(tf.stack(xs)):
        output, state = step(x, state)
        outputs.append(output)
    return outputs, state


def _unroll_in_a_graph(step: Step, xs: list[Any], h0: Any) -> Any:
    from course_lib.quiet import tf

    return tf.function(lambda xs, h: static_rnn(step, xs, h), autograph=False)(
        [tf.constant(x) for x in xs], tf.constant(h0)
    )


STATIC_RNN = Exercise(
    id="static_rnn",
    probe="static_unrolling:unroll",
    reference=static_rnn,
    cases=_static_rnn_cases,
    axes={"outputs": ("time", "batch", "output"), "state": ("batch", "hidden")},
    aspects=(
        Aspect("shapes", 1.0, _both_shapes, without=_SQUARE),
        Aspect(
            "outputs, from a state of zeros",
            1.0,
            _outputs(same_values),
            tags=frozenset({"zeros"}),
        ),
        Aspect(
            "outputs, from a given state",
            1.0,
            _outputs(same_values),
            tags=frozenset({"given"}),
        ),
        Aspect("final state", 1.5, _both("state", same_values)),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("outputs, from a given state", "final state"),
        ),
    ),
    misconceptions=(
        Misconception(
            "h0-ignored",
            _h0_ignored,
            nudge="Your outputs are right when the sequence starts from zeros. What if it does not?",
            pointer="“The loop”: the equation starts at t = 1. Where does the state before come "
            "from?",
            explanation="You start from zeros and never use `h0`. A sequence may go on where "
            "another one ended: then the state to start from is not zero.",
        ),
        Misconception(
            "first-state-returned",
            _first_state_returned,
            nudge="After which step should the state that you return have been made?",
            pointer="“The loop”: its last paragraph.",
            explanation="The second result is the state after the first step; it should be the one "
            "after the last step.",
        ),
        Misconception(
            "initial-state-returned",
            _initial_state_returned,
            nudge="Does the state that you return depend on the inputs at all?",
            pointer="“The loop”: what h_0 and h_T stand for.",
            explanation="You return the state that you were given. The second result is the state "
            "after the last step.",
        ),
        Misconception(
            "state-not-passed-on",
            _state_not_passed_on,
            nudge="Does the second step of your loop know anything of the first input?",
            pointer="“The loop”: the subscripts of h on both sides of the equation.",
            explanation="Every step starts from `h0` again, so the network has no memory: what a "
            "step returns as its new state has to become the next step's state.",
        ),
        Misconception(
            "fresh-weights-each-step",
            _fresh_weights,
            nudge="How many numbers would have to be learnt for a sequence of 1,000 steps, the way "
            "you do it?",
            pointer="“One cell, called T times”.",
            explanation="You make a new cell with new weights for each step. There is one cell; it "
            "is called at every step.",
        ),
        Misconception(
            "read-backwards",
            _read_backwards,
            nudge="Which input does your first step read?",
            pointer="“The loop”: x_1 comes first.",
            explanation="You read the sequence from its end, so the first step sees the last input.",
        ),
        Misconception(
            "outputs-in-reverse-order",
            _outputs_backwards,
            nudge="Your final state is right. Which output stands first in your list?",
            pointer="“The loop”: the order of y_1, …, y_T.",
            explanation="The steps run in the right order, but each new output is put before the "
            "earlier ones.",
        ),
        Misconception(
            "states-collected",
            _states_collected,
            nudge="A step returns two things. Which of the two belongs in the list?",
            pointer="“One step, two results”: the wallet, whose output is not its state.",
            explanation="Your list holds the states, not the outputs. In the basic cell they are "
            "the same; in other cells they are not.",
        ),
        Misconception(
            "pairs-collected",
            _pairs_collected,
            nudge="What does a step return? Print it for the wallet, and look at what you put into "
            "your list.",
            pointer="“One step, two results”: the first line of code.",
            explanation="You put both results of the step into the list as a pair, so nothing is "
            "left to hand on to the next step. Take them apart first.",
        ),
        Misconception(
            "last-output-for-state",
            _last_output_for_state,
            nudge="In the wallet, is the last output the same as the last state?",
            pointer="“One step, two results”.",
            explanation="You return the last output as the final state. That is the same only for "
            "cells whose output is their state.",
        ),
        Misconception(
            "results-exchanged",
            _results_exchanged,
            nudge="In which order does a step return its two results?",
            pointer="“One step, two results”: the first line of code.",
            explanation="You took the step's first result for the state and its second for the "
            "output; it is the other way round.",
        ),
        Misconception(
            "output-fed-back",
            _output_fed_back,
            nudge="What do you hand to the next step: what the cell says, or what it remembers?",
            pointer="“One step, two results”: the wallet's next step needs what was spent.",
            explanation="The output of a step goes into the next step as its state. They may even "
            "have different sizes.",
        ),
        Misconception(
            "first-input-skipped",
            _first_input_skipped,
            nudge="How many outputs belong to five inputs?",
            pointer="“The loop”: which input does the first step read, and from which state?",
            explanation="Your loop starts at the second input. The first one needs a step too: its "
            "state is `h0`.",
        ),
        Misconception(
            "last-output-only",
            _last_output_only,
            nudge="How many outputs does your list hold after five steps?",
            pointer="“The loop”: one output for each step.",
            explanation="Only the last output is in the list: earlier ones are overwritten in "
            "place of being kept.",
        ),
        Misconception(
            "returns-inside-the-loop",
            _returns_in_the_loop,
            nudge="How many steps does your function take before it returns?",
            pointer="“The loop”: one step for each input; look at how far your `return` is "
            "indented.",
            explanation="Your function returns after its first step.",
        ),
        Misconception(
            "same-input-each-step",
            _same_input_each_step,
            nudge="Change the third input only. Do your outputs change?",
            pointer="“The loop”: the subscript of x.",
            explanation="Each step reads the first input again: the number of the step never "
            "enters.",
        ),
        Misconception(
            "inputs-used-up",
            _inputs_used_up,
            nudge="Call your function twice with the same list. What does the second call return?",
            pointer="“One cell, called T times”: the last paragraph above the exercise.",
            explanation="The results are right, but you changed what you were given: taking "
            "pieces out of the list `xs`, or writing into an array, is seen by whoever called you.",
        ),
    ),
    nudge="Follow one number by hand: with the wallet, three inputs and a state to start from, what "
    "should be in the list after each step?",
    pointer="“The loop”, and the wallet in “One step, two results”.",
    alternatives={
        "recursion": _unroll_by_recursion,
        "itertools.accumulate": _unroll_by_accumulate,
        "index and arrays": _unroll_by_index,
        "tensors": _unroll_tensors,
        "inside tf.function": _unroll_in_a_graph,
    },
)


# --- stack_outputs ---------------------------------------------------------------------------


def _stack_cases(rng: Rng) -> list[Case]:
    def pieces(B: int, T: int, H: int) -> list[Array]:
        return [rng.normal(size=(B, H)).astype(np.float32) for _ in range(T)]

    cases = [Case(name, (pieces(*sizes),)) for name, sizes in _SIZES.items()]
    return [*cases, Case("batch, time and units all 3", (pieces(3, 3, 3),), _SQUARE)]


def _stacked_time_first(ys: list[Array]) -> Array:
    return np.stack(ys)


def _stacked_time_last(ys: list[Array]) -> Array:
    return np.stack(ys, axis=2)


def _concatenated_side_by_side(ys: list[Array]) -> Array:
    return np.concatenate(ys, axis=1)


def _concatenated_below(ys: list[Array]) -> Array:
    return np.concatenate(ys, axis=0)


def _stacked_by_reshape(ys: list[Array]) -> Array:
    return np.stack(ys).reshape(ys[0].shape[0], len(ys), -1)


def _stacked_all_axes_turned(ys: list[Array]) -> Array:
    return np.stack(ys).T


def _stacked_in_reverse(ys: list[Array]) -> Array:
    return np.stack(ys[::-1], axis=1)


def _last_piece_only(ys: list[Array]) -> Array:
    return ys[-1][:, None, :]


def _stacked_by_loops(ys: list[Any]) -> Array:
    B, H = np.shape(ys[0])
    out = np.empty((B, len(ys), H))
    for t, y in enumerate(ys):
        for b in range(B):
            out[b, t] = y[b]
    return out


def _stacked_by_tensorflow(ys: list[Any]) -> Any:
    from course_lib.quiet import tf

    return tf.transpose(tf.stack(ys), [1, 0, 2])


STACK_OUTPUTS = Exercise(
    id="stack_outputs",
    probe="calls:call",
    reference=stack_outputs,
    cases=_stack_cases,
    axes=("batch", "time", "hidden"),
    aspects=(
        Aspect("shape (B, T, H)", 1.0, same_shape, without=_SQUARE),
        Aspect("every number in its place", 1.5),
        Aspect(
            "inputs left unchanged", 0.5, inputs_unchanged, needs=("every number in its place",)
        ),
    ),
    misconceptions=(
        Misconception(
            "time-first",
            _stacked_time_first,
            nudge="Which axis did your stack make? Where should it be?",
            pointer="“Put it back: stack”: the second move in the figure.",
            explanation="Time is your first axis: the pieces lie on top of each other, but batch "
            "and time have not been swapped back.",
        ),
        Misconception(
            "time-last",
            _stacked_time_last,
            nudge="Which axis did your stack make? Where should it be?",
            pointer="“Put it back: stack”: the order of the axes, (B, T, H).",
            explanation="Time is your last axis; it belongs between the batch and the units.",
        ),
        Misconception(
            "concatenated-side-by-side",
            _concatenated_side_by_side,
            nudge="How many axes has your result, and how many should it have?",
            pointer="“Put it back: stack”: the difference between stack and concatenate.",
            explanation="Concatenating makes an axis longer and never makes a new one: all steps "
            "stand side by side in one long row of numbers.",
        ),
        Misconception(
            "concatenated-below-each-other",
            _concatenated_below,
            nudge="How many axes has your result, and how many should it have?",
            pointer="“Put it back: stack”: the difference between stack and concatenate.",
            explanation="Concatenating makes an axis longer and never makes a new one: the batches "
            "of all steps stand below each other, as if they were one big batch.",
        ),
        Misconception(
            "reshape-for-transpose",
            _stacked_by_reshape,
            nudge="The shape is right. Is row b of your result really sequence b?",
            pointer="“Cut the array: swap axes, unstack”: the panel marked ✗. It "
            "happens on the way back, too.",
            explanation="`reshape` renames axes without moving a number, so the sequences get "
            "mixed up. To exchange two axes, numbers have to change places.",
        ),
        Misconception(
            "all-axes-turned-round",
            _stacked_all_axes_turned,
            nudge="Which axes changed places in your array, and which one should have stayed?",
            pointer="“Put it back: stack”: *swap* names two axes, not three.",
            explanation="A bare transpose turns all axes round, (T, B, H) into (H, B, T).",
        ),
        Misconception(
            "reversed-time",
            _stacked_in_reverse,
            nudge="Which piece stands at time 0 of your result?",
            pointer="“Put it back: stack”: the order of the pieces.",
            explanation="Your result runs backwards in time.",
        ),
        Misconception(
            "last-piece-only",
            _last_piece_only,
            nudge="How many time steps does your result have?",
            pointer="“Put it back: stack”: every piece goes in.",
            explanation="Only the last piece is in your result.",
        ),
    ),
    nudge="Where should the number stand that unit h gave for sequence b at step t?",
    pointer="“Put it back: stack” shows the way back in a figure.",
    alternatives={
        "stack": lambda ys: np.stack(ys, axis=1),
        "array and swapaxes": lambda ys: np.array(ys).swapaxes(0, 1),
        "concatenate, then name the axes": lambda ys: np.concatenate(ys, axis=1).reshape(
            len(ys[0]), len(ys), -1
        ),
        "einsum": lambda ys: np.einsum("tbh->bth", np.asarray(ys, np.float64)),
        "loops": _stacked_by_loops,
        "nested lists": lambda ys: [
            [[float(v) for v in y[b]] for y in ys] for b in range(len(ys[0]))
        ],
        "tf.stack and tf.transpose": _stacked_by_tensorflow,
    },
)


# --- count_graph_nodes -----------------------------------------------------------------------


def _count_cases(rng: Rng) -> list[Case]:
    cases = []

    def add(name: str, kind: str, T: int, B: int, D: int) -> None:
        W = rng.normal(size=(D, D)).astype(np.float32)
        cases.append(Case(name, (kind, T, B, D, W), frozenset({kind})))

    some = int(rng.integers(5, 9))
    add("a loop in Python, 2 steps", "written out", 2, 3, 4)
    add(f"a loop in Python, {some} steps", "written out", some, 4, 3)
    add("a loop in Python, one step and a batch of one", "written out", 1, 1, 2)
    add("a loop in Python, batch, time and features all 3", "written out", 3, 3, 3)
    add("the gradient of a loop in Python", "gradient", 3, 2, 4)
    add("a loop in the graph, 2 steps", "loop", 2, 3, 4)
    add(f"a loop in the graph, {some} steps", "loop", some, 2, 3)
    add("functions that call functions", "nested", int(rng.integers(3, 5)), 2, 3)
    return cases


def _count(fn: Callable[..., Any], T: int, batch: int = 2, features: int = 3) -> int:
    """The library's count, for an input of this many time steps."""
    from course_lib.unroll.static import count_graph_nodes

    return count_graph_nodes(fn, np.zeros((batch, T, features), np.float32))


def _graph_def(fn: Callable[..., Any], T: int, batch: int, features: int) -> Any:
    from course_lib.quiet import tf

    spec = tf.TensorSpec([batch, T, features], tf.float32)
    return tf.function(fn).get_concrete_function(spec).graph.as_graph_def()


def _outer_only(fn: Callable[..., Any], T: int, batch: int, features: int) -> int:
    return len(_graph_def(fn, T, batch, features).node)


def _bodies_only(fn: Callable[..., Any], T: int, batch: int, features: int) -> int:
    functions = _graph_def(fn, T, batch, features).library.function
    return sum(len(function.node_def) for function in functions)


def _bodies_counted_as_one(fn: Callable[..., Any], T: int, batch: int, features: int) -> int:
    graph_def = _graph_def(fn, T, batch, features)
    return len(graph_def.node) + len(graph_def.library.function)


def _always_one_step(fn: Callable[..., Any], T: int, batch: int, features: int) -> int:
    return _count(fn, 1, batch, features)


def _time_major_input(fn: Callable[..., Any], T: int, batch: int, features: int) -> int:
    return _count(fn, batch, T, features)


def _one_step_times_t(fn: Callable[..., Any], T: int, batch: int, features: int) -> int:
    return T * _count(fn, 1, batch, features)


def _bodies_times_t(fn: Callable[..., Any], T: int, batch: int, features: int) -> int:
    arguments = fn, T, batch, features
    return _outer_only(*arguments) + T * _bodies_only(*arguments)


def _kinds_of_operation(fn: Callable[..., Any], T: int, batch: int, features: int) -> int:
    graph_def = _graph_def(fn, T, batch, features)
    nodes = [*graph_def.node, *(n for f in graph_def.library.function for n in f.node_def)]
    return len({node.op for node in nodes})


def _computing_nodes_only(fn: Callable[..., Any], T: int, batch: int, features: int) -> int:
    graph_def = _graph_def(fn, T, batch, features)
    nodes = [*graph_def.node, *(n for f in graph_def.library.function for n in f.node_def)]
    return sum(node.op not in ("Placeholder", "Const", "Identity") for node in nodes)


def _count_flat(fn: Callable[..., Any], T: int, batch: int = 2, features: int = 3) -> int:
    from course_lib.quiet import tf

    example = tf.zeros([batch, T, features])
    graph_def = tf.function(fn, autograph=False).get_concrete_function(example).graph.as_graph_def()
    total = len(graph_def.node)
    for function in graph_def.library.function:
        total += len(function.node_def)
    return total


def _count_operations(fn: Callable[..., Any], T: int, batch: int, features: int) -> Any:
    from course_lib.quiet import tf

    signature = [tf.TensorSpec((batch, T, features))]
    graph = tf.function(fn, input_signature=signature).get_concrete_function().graph
    bodies = [len(f.node_def) for f in graph.as_graph_def().library.function]
    return np.sum([len(graph.get_operations()), *bodies])


def _count_float64(fn: Callable[..., Any], T: int, batch: int, features: int) -> float:
    from course_lib.quiet import tf

    traced = tf.function(fn).get_concrete_function(np.ones((batch, T, features)))
    graph_def = traced.graph.as_graph_def()
    parts = [graph_def.node, *(f.node_def for f in graph_def.library.function)]
    return float(sum(map(len, parts)))


COUNT_GRAPH_NODES = Exercise(
    id="count_graph_nodes",
    probe="static_unrolling:count",
    reference=_count,
    cases=_count_cases,
    aspects=(
        Aspect(
            "a Python loop, written out step by step",
            2.0,
            tags=frozenset({"written out", "gradient"}),
        ),
        Aspect("a loop in the graph, with its body", 2.0, tags=frozenset({"loop"})),
        Aspect("functions inside functions", 1.0, tags=frozenset({"nested"})),
    ),
    misconceptions=(
        Misconception(
            "outer-function-only",
            _outer_only,
            nudge="Your count is right when nothing is tucked away. Where does a `tf.while_loop` "
            "keep what it repeats?",
            pointer="“Where a loop hides its body”.",
            explanation="You count the outer function only. The bodies of loops and of called "
            "functions stand in the graph's library, and their nodes count too.",
        ),
        Misconception(
            "bodies-only",
            _bodies_only,
            nudge="What do you count for a function without any loop in its graph?",
            pointer="“Where a loop hides its body”: the two places where nodes stand.",
            explanation="You count what stands in the library only, and leave out the outer "
            "function itself.",
        ),
        Misconception(
            "body-counted-as-one-node",
            _bodies_counted_as_one,
            nudge="How many nodes does the body of the loop in the example have?",
            pointer="“Where a loop hides its body”: what `node_def` is.",
            explanation="Each function of the library counts as one in your sum. It holds a list "
            "of nodes of its own.",
        ),
        Misconception(
            "always-one-step",
            _always_one_step,
            nudge="Does your answer depend on T?",
            pointer="“A graph is written once”: when a graph is made anew.",
            explanation="You trace the function for one time step and return that count for all "
            "lengths. A Python loop makes another graph for each T.",
        ),
        Misconception(
            "batch-and-time-exchanged",
            _time_major_input,
            nudge="Call your function with T = 5 and T = 50. Does the count of a Python loop grow?",
            pointer="“Cut the array: swap axes, unstack”: the order of the axes of x.",
            explanation="The input that you trace with has T as its batch and the batch as its "
            "time, so the count follows the batch.",
        ),
        Misconception(
            "one-step-times-t",
            _one_step_times_t,
            nudge="Do *all* nodes of the graph belong to a step? Think of the input.",
            pointer="“What does one more step cost?”: the straight line does not start at zero.",
            explanation="You multiply the count for one step by T. Some nodes are there only once, "
            "however long the sequence is, and the body of a loop is never multiplied.",
        ),
        Misconception(
            "body-counted-for-each-turn",
            _bodies_times_t,
            nudge="How often does the body of a loop stand in the graph? How often is it run?",
            pointer="“Where a loop hides its body”.",
            explanation="You count a body once for each turn of the loop. It is *run* T times but "
            "*written* once, and the size of the graph is what is written.",
        ),
        Misconception(
            "kinds-of-operation",
            _kinds_of_operation,
            nudge="A graph with seven products: how many nodes do they add to your count?",
            pointer="“A graph is written once”: each line of the list is one node.",
            explanation="You count the different kinds of operation. Each node counts, also when "
            "another one does the same.",
        ),
        Misconception(
            "inputs-and-constants-left-out",
            _computing_nodes_only,
            nudge="Which lines of the printed list does your count leave out?",
            pointer="“A graph is written once”: each line of the list is one node.",
            explanation="You count only the nodes that compute something. Inputs, constants and "
            "results are nodes of the graph as well.",
        ),
    ),
    nudge="Print the nodes that you count for a small function, and compare with the list in the "
    "text.",
    pointer="“A graph is written once” and “Where a loop hides its body”.",
    alternatives={
        "a sum over the library": _count_flat,
        "operations of the graph": _count_operations,
        "float64 input, float result": _count_float64,
    },
)

SHOWN = (
    "cells/base_tf.py",
    "cells/rnn.py",
    "cells/rnn_tf.py",
    "plots/static_unrolling.py",
)
"""What of ``course_lib`` a grading kernel shows: what the ordinary cells need, and no answer."""

EXERCISES = (TO_TIME_LIST, STATIC_RNN, STACK_OUTPUTS, COUNT_GRAPH_NODES)
