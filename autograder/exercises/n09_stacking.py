"""N09: cells on top of one another, what each of them owns, and a deep network that learns an echo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
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
from course_lib.cells.state import LSTMStateTuple

Array = np.ndarray
Rng = np.random.Generator
Cell = Callable[[Any, Any], tuple[Any, Any]]

WINDOW = 15


def _tf() -> Any:
    """TensorFlow, imported when an exercise is judged that needs it."""
    from course_lib.quiet import tf

    return tf


def _layer(rng: Rng, D: int, H: int, gain: float = 1.0) -> dict[str, Any]:
    def matrix(rows: int) -> Array:
        size = rng.uniform(0.3, 1.0, size=(rows, H)) / np.sqrt(rows)
        return size * rng.choice([-1.0, 1.0], size=(rows, H))

    return {
        "keep_c": float(rng.uniform(0.3, 0.6)),
        "keep_h": float(rng.uniform(0.1, 0.3)),
        "into_c": matrix(D),
        "into_h": matrix(H),
        "gain": gain,
    }


def _draw(rng: Rng, *shape: int) -> Array:
    return rng.uniform(0.4, 1.5, size=shape) * rng.choice([-1.0, 1.0], size=shape)


def _memories(rng: Rng, B: int, sizes: Sequence[int]) -> tuple[list[Array], list[Array]]:
    return [_draw(rng, B, H) for H in sizes], [_draw(rng, B, H) for H in sizes]


# ------------------------------------------------------------------ stack_two_by_hand


def _through(cell: Cell, xs: Sequence[Any], state: Any) -> tuple[list[Any], list[Any]]:
    """All outputs and all states of one cell along a list of inputs."""
    outputs, states = [], []
    for x in xs:
        output, state = cell(x, state)
        outputs.append(output)
        states.append(state)
    return outputs, states


def _times(x: Array) -> list[Array]:
    return [x[:, t] for t in range(x.shape[1])]


def _two(x: Array, cell1: Cell, state1: Any, cell2: Cell, state2: Any) -> Any:
    from course_lib.unroll.static import stack_outputs, static_rnn

    middle, last1 = static_rnn(cell1, _times(x), state1)
    outputs, last2 = static_rnn(cell2, middle, state2)
    return stack_outputs(outputs), (last1, last2)


def _two_raw(x: Array, cell1: Cell, state1: Any, cell2: Cell, state2: Any) -> Any:
    _, below = _through(cell1, _times(x), state1)
    outputs, above = _through(cell2, _times(x), state2)
    return np.stack(outputs, axis=1), (below[-1], above[-1])


def _two_c_up(x: Array, cell1: Cell, state1: Any, cell2: Cell, state2: Any) -> Any:
    _, below = _through(cell1, _times(x), state1)
    outputs, above = _through(cell2, [state.c for state in below], state2)
    return np.stack(outputs, axis=1), (below[-1], above[-1])


def _two_state_up(x: Array, cell1: Cell, state1: Any, cell2: Cell, state2: Any) -> Any:
    _, below = _through(cell1, _times(x), state1)
    outputs, above = _through(cell2, below, state2)
    return np.stack(outputs, axis=1), (below[-1], above[-1])


def _two_bent(
    *,
    cells: Callable[[Cell, Cell], tuple[Cell, Cell]] = lambda a, b: (a, b),
    start: Callable[[Any, Any], Any] = lambda own, below: own,
    middle: Callable[[list[Any]], list[Any]] = lambda ys: ys,
    top: Callable[[list[Any], list[Any]], Any] = lambda ys, zs: np.stack(zs, axis=1),
    states: Callable[[list[Any], list[Any]], Any] = lambda b, a: (b[-1], a[-1]),
) -> Callable[..., Any]:
    """The layers one after the other; each argument bends one thing."""

    def answer(x: Array, cell1: Cell, state1: Any, cell2: Cell, state2: Any) -> Any:
        lower, upper = cells(cell1, cell2)
        ys, below = _through(lower, _times(x), state1)
        zs, above = _through(upper, middle(ys), start(state2, below[-1]))
        return top(ys, zs), states(below, above)

    return answer


def _two_along(
    steps: Callable[[Array], Any] = _times,
    memory: Callable[[Any, Any], Any] = lambda own, below: own,
    keep: bool = True,
    result: Callable[[list[Any], Any, Any], Any] = lambda zs, a, b: (np.stack(zs, axis=1), (a, b)),
) -> Callable[..., Any]:
    """Both layers at each step; each argument bends one thing."""

    def answer(x: Array, cell1: Cell, state1: Any, cell2: Cell, state2: Any) -> Any:
        outputs, lower, upper = [], state1, state2
        for x_t in steps(x):
            low, last1 = cell1(x_t, lower)
            high, last2 = cell2(low, memory(upper, last1))
            lower, upper = (last1, last2) if keep else (lower, upper)
            outputs.append(high)
        return result(outputs, last1, last2)

    return answer


def _two_in_one_loop(x: Array, cell1: Cell, state1: Any, cell2: Cell, state2: Any) -> Any:
    outputs = np.zeros((x.shape[0], x.shape[1], np.shape(state2.h)[1]))
    for t in range(x.shape[1]):
        low, state1 = cell1(x[:, t, :], state1)
        outputs[:, t, :], state2 = cell2(low, state2)
    return outputs, [state1, state2]


def _two_in_tensorflow(x: Array, cell1: Cell, state1: Any, cell2: Cell, state2: Any) -> Any:
    tf = _tf()
    middle, below = _through(cell1, tf.unstack(tf.constant(x), axis=1), state1)
    outputs, above = _through(cell2, [tf.constant(y) for y in middle], state2)
    return tf.stack(outputs, axis=1), (below[-1], above[-1])


def _two_time_major(x: Array, cell1: Cell, state1: Any, cell2: Cell, state2: Any) -> Any:
    series: Any = np.swapaxes(x, 0, 1)
    for cell, state in ((cell1, state1), (cell2, state2)):
        ys, states = _through(cell, series, state)
        series = np.array(ys)
        if cell is cell1:
            first = states[-1]
    return series.swapaxes(0, 1).tolist(), (first, states[-1])


def _two_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, D: int, H1: int, H2: int) -> Case:
        layers = [_layer(rng, D, H1), _layer(rng, H1, H2)]
        return Case(name, (_draw(rng, B, T, D), layers, *_memories(rng, B, (H1, H2))))

    return [
        case("sizes that all differ", 3, 4, 2, 5, 6),
        case("D = H in both layers", 2, 3, 4, 4, 4),
        case("a batch of one", 1, 5, 3, 2, 4),
        case("one time step", 4, 1, 2, 3, 3),
    ]


_TWO_TEXT = "Read “Two layers, one after the other” again."

STACK_TWO_BY_HAND = Exercise(
    id="stack_two_by_hand",
    probe="stacked:two",
    reference=_two,
    cases=_two_cases,
    axes={"outputs": ("batch", "time", "hidden"), "states": ()},
    aspects=(
        Aspect("shape of the outputs", 0.5, part("outputs", same_shape)),
        Aspect("outputs", 2.0, part("outputs"), needs=("shape of the outputs",)),
        Aspect("both last states", 1.0, part("states"), needs=("outputs",)),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("outputs",)),
    ),
    misconceptions=(
        Misconception(
            "raw-x-to-both",
            _two_raw,
            nudge="What does your second layer read? Would it notice if the first were not there?",
            pointer=_TWO_TEXT,
            explanation="Both layers read x: they stand side by side. The second should read what "
            "the first puts out.",
        ),
        Misconception(
            "c-passed-up",
            _two_c_up,
            nudge="Which part of an LSTM's state is its output, and which does it keep to itself?",
            pointer=_TWO_TEXT,
            explanation="You hand the cell state c to the layer above. It is internal; upwards "
            "goes the output, h.",
        ),
        Misconception(
            "whole-state-passed-up",
            _two_state_up,
            nudge="A cell returns two things. Which of them has the shape of an input?",
            pointer=_TWO_TEXT,
            explanation="You hand the whole state, c and h, to the layer above. Upwards goes the "
            "output alone.",
        ),
        Misconception(
            "upper-starts-with-the-lower-state",
            _two_bent(start=lambda own, below: below),
            nudge="With which memory does your second layer begin?",
            pointer=_TWO_TEXT,
            explanation="Your second layer begins with the last state of the first. Each layer "
            "has a memory of its own, which begins with the state it was given.",
        ),
        Misconception(
            "only-the-last-output-goes-up",
            _two_bent(middle=lambda ys: [ys[-1]] * len(ys)),
            nudge="How many different inputs does your second layer read?",
            pointer=_TWO_TEXT,
            explanation="Your second layer reads the first one's last output at every step. It "
            "should read at each step the output of that step.",
        ),
        Misconception(
            "bottom-output-returned",
            _two_bent(top=lambda ys, zs: np.stack(ys, axis=1)),
            nudge="Whose outputs do you return?",
            pointer="The docstring of the exercise says whose outputs are asked for.",
            explanation="You return the outputs of the lower layer. A stack puts out what its top "
            "layer does.",
        ),
        Misconception(
            "outputs-side-by-side",
            _two_bent(
                top=lambda ys, zs: np.concatenate(
                    [np.stack(ys, axis=1), np.stack(zs, axis=1)], axis=2
                )
            ),
            nudge="How many features does a step of your output have, and whose are they?",
            pointer="The docstring of the exercise says whose outputs are asked for.",
            explanation="You join the outputs of both layers. Asked for are the upper one's alone.",
        ),
        Misconception(
            "one-cell-for-both",
            _two_bent(cells=lambda a, b: (a, a)),
            nudge="Which cell makes the second layer's outputs?",
            pointer=_TWO_TEXT,
            explanation="You run the first cell twice. The upper layer is another cell, with "
            "weights of its own.",
        ),
        Misconception(
            "upper-reads-backwards",
            _two_bent(middle=lambda ys: ys[::-1]),
            nudge="Which output of the first layer does the second read first?",
            pointer=_TWO_TEXT,
            explanation="The second layer reads the outputs from the last to the first.",
        ),
        Misconception(
            "time-major",
            _two_bent(top=lambda ys, zs: np.stack(zs)),
            nudge="Along which axis do you put the outputs together?",
            pointer="Notebook 2, on stacking a list of outputs.",
            explanation="Your outputs are time-major. The batch comes first.",
        ),
        Misconception(
            "first-states-returned",
            _two_bent(states=lambda below, above: (below[0], above[0])),
            nudge="After which step are the states taken that you return?",
            pointer="The docstring of the exercise says which states are returned.",
            explanation="You return the states after the first step.",
        ),
        Misconception(
            "states-exchanged",
            _two_bent(states=lambda below, above: (above[-1], below[-1])),
            nudge="Which state comes first in what you return?",
            pointer="The docstring of the exercise says in which order.",
            explanation="You return the upper layer's state first. The bottom comes first.",
        ),
        Misconception(
            "only-the-top-state",
            _two_bent(states=lambda below, above: (above[-1],)),
            nudge="How many layers remember something? How many states do you return?",
            pointer="The docstring of the exercise says which states are returned.",
            explanation="You return the top layer's state only. To go on later, both are needed.",
        ),
        Misconception(
            "loops-over-the-batch",
            _two_along(steps=list),
            nudge="What does `for x_t in x` run over: which axis comes first?",
            pointer="The docstring of the exercise says what the axes of x are.",
            explanation="Your loop runs over the sequences of the batch, and each whole sequence is "
            "taken for one time step. Time is the second axis.",
        ),
        Misconception(
            "one-memory-for-both",
            _two_along(memory=lambda own, below: below),
            nudge="Which two arrows enter the upper cell of a step in the figure? Where do they come "
            "from?",
            pointer=_TWO_TEXT,
            explanation="At each step your upper cell gets the state that the lower one has just made. "
            "It has a memory of its own, which comes from the left.",
        ),
        Misconception(
            "states-never-renewed",
            _two_along(keep=False),
            nudge="With which state does your second time step begin?",
            pointer=_TWO_TEXT,
            explanation="Every step of yours begins with the first states: the new ones that a cell "
            "returns are not handed to its next step.",
        ),
        Misconception(
            "last-output-only",
            _two_along(result=lambda zs, a, b: (zs[-1], (a, b))),
            nudge="How many outputs has a sequence of T steps?",
            pointer="The docstring of the exercise gives the shape of the outputs.",
            explanation="You return the output of the last step. The upper layer has one at each step, "
            "and all of them are asked for.",
        ),
        Misconception(
            "three-results",
            _two_along(result=lambda zs, a, b: (np.stack(zs, axis=1), a, b)),
            nudge="How many things do you return, and how many does the docstring?",
            pointer="The docstring of the exercise shows how results are put together.",
            explanation="You return three things. Asked for are two: the outputs, and a pair of states.",
        ),
    ),
    nudge="What does the upper layer read at step t? Draw two rows of boxes and the arrows between.",
    pointer=_TWO_TEXT,
    alternatives={
        "one loop over time": _two_in_one_loop,
        "TensorFlow": _two_in_tensorflow,
        "time-major inside, lists": _two_time_major,
    },
)

# --------------------------------------------------------------------- multi_rnn_step


def _reference_step(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
    from course_lib.cells.stack import multi_rnn_step

    return multi_rnn_step(cells, x, states)


def _step_bent(
    *,
    up: Callable[[Any, Any, Any], Any] = lambda x, output, state: output,
    out: Callable[[list[Any], Any], Any] = lambda outputs, x: outputs[-1],
    read: Callable[[Any, Any], Any] = lambda own, below: own,
    after: Callable[[list[Any], Sequence[Any]], Any] = lambda new, old: tuple(new),
    order: int = 1,
    shared: bool = False,
) -> Callable[..., Any]:
    """One step through all layers; each argument bends one thing.

    ``up(x, output, state)`` makes the next layer's input from a layer's input, output and state.
    """

    def answer(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
        signal, outputs, new = x, [], []
        below: Any = None
        for cell, own in list(zip(cells, states, strict=True))[::order]:
            cell = cells[0] if shared else cell
            output, state = cell(signal, read(own, below))
            outputs.append(output)
            new.append(state)
            signal = up(x, output, state)
            below = state
        return out(outputs, x), after(new, states)

    return answer


def _step_in_place(cells: Sequence[Cell], x: Any, states: list[Any]) -> Any:
    for k, cell in enumerate(cells):
        x, states[k] = cell(x, states[k])
    return x, tuple(states)


def _step_recursive(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
    if not cells:
        return x, ()
    output, state = cells[0](x, states[0])
    top, others = _step_recursive(cells[1:], output, states[1:])
    return top, (state, *others)


def _step_copied(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
    states = list(states)
    for k in range(len(cells)):
        x, states[k] = cells[k](x, states[k])
    return x, states


def _step_reduced(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
    from functools import reduce

    def climb(so_far: Any, layer: Any) -> Any:
        signal, new = so_far
        output, state = layer[0](signal, layer[1])
        return output, (*new, state)

    return reduce(climb, zip(cells, states, strict=True), (x, ()))


def _step_in_tensorflow(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
    tf = _tf()
    new = []
    signal = tf.constant(x)
    for cell, state in zip(cells, states, strict=True):
        output, after = cell(signal, state)
        signal = tf.convert_to_tensor(output)
        new.append(after)
    return signal, new


def _step_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, sizes: Sequence[int], *tags: str) -> Case:
        layers = [_layer(rng, D, H, gain=float(rng.uniform(1.5, 2.0))) for D, H in pairwise(sizes)]
        inputs = (_draw(rng, B, sizes[0]), layers, *_memories(rng, B, sizes[1:]))
        return Case(name, inputs, frozenset(tags))

    return [
        case("two layers of different sizes", 3, (2, 4, 5), "deep"),
        case("three layers, D = H", 2, (4, 4, 4, 4), "deep"),
        case("a batch of one, four layers", 1, (3, 2, 5, 4, 6), "deep"),
        case("a single layer", 2, (5, 3), "single"),
    ]


def _list_kept(seen: Comparison) -> Difference | None:
    if not seen.actual.value["list kept"]:
        return Difference("your function wrote into the list of states that it was given")
    return inputs_unchanged(seen)


_STEP_TEXT = "Read “The other way round: one step, all layers” again."

MULTI_RNN_STEP = Exercise(
    id="multi_rnn_step",
    probe="stacked:step",
    reference=_reference_step,
    cases=_step_cases,
    axes={"output": ("batch", "hidden"), "states": ()},
    aspects=(
        Aspect("a single layer", 0.5, part("output"), tags=frozenset({"single"})),
        Aspect(
            "output of a deep stack",
            2.0,
            part("output"),
            tags=frozenset({"deep"}),
            needs=("a single layer",),
        ),
        Aspect("states of all layers", 1.0, part("states"), needs=("output of a deep stack",)),
        Aspect("inputs left unchanged", 0.5, _list_kept, needs=("output of a deep stack",)),
    ),
    misconceptions=(
        Misconception(
            "raw-x-to-every-layer",
            _step_bent(up=lambda x, output, state: x),
            nudge="What does the second layer read in your loop? And the third?",
            pointer=_STEP_TEXT,
            explanation="Every layer of yours reads x. Only the bottom one should; each other one "
            "reads what the layer below puts out.",
        ),
        Misconception(
            "one-cell-for-all",
            _step_bent(shared=True),
            nudge="How many of the cells do you ever call?",
            pointer=_STEP_TEXT,
            explanation="You call the first cell in every layer. Each layer has a cell of its own.",
        ),
        Misconception(
            "c-passed-up",
            _step_bent(up=lambda x, output, state: state.c),
            nudge="A cell returns two things. Which of them goes up?",
            pointer=_STEP_TEXT,
            explanation="You hand c upwards, which is a part of the state. What goes up is the "
            "cell's output.",
        ),
        Misconception(
            "whole-state-passed-up",
            _step_bent(up=lambda x, output, state: state),
            nudge="A cell returns two things. Which of them has the shape of an input?",
            pointer=_STEP_TEXT,
            explanation="You hand the whole state to the layer above. Upwards goes the output "
            "alone; the state stays in its row.",
        ),
        Misconception(
            "h-passed-up",
            _step_bent(up=lambda x, output, state: state.h),
            nudge="Is the output of every cell its h? Which of the two does your next layer get?",
            pointer=_STEP_TEXT,
            explanation="You hand `state.h` upwards. For a plain LSTM it equals the output, but not "
            "for every cell: hand on the output.",
        ),
        Misconception(
            "bottom-output-returned",
            _step_bent(out=lambda outputs, x: outputs[0]),
            nudge="Which layer's output do you return?",
            pointer=_STEP_TEXT,
            explanation="You return the bottom layer's output. A stack puts out what its top layer "
            "does.",
        ),
        Misconception(
            "all-outputs-returned",
            _step_bent(out=lambda outputs, x: outputs),
            nudge="How many outputs does a stack have for whoever calls it?",
            pointer="The docstring of the exercise says which output is returned.",
            explanation="You return the outputs of all layers. From outside, a stack is one cell, "
            "and its output is the top layer's.",
        ),
        Misconception(
            "stale-states",
            _step_bent(after=lambda new, old: tuple(old)),
            nudge="With which states would the next step begin?",
            pointer=_STEP_TEXT,
            explanation="You return the states that came in. So nothing is ever remembered.",
        ),
        Misconception(
            "only-the-top-state-is-new",
            _step_bent(after=lambda new, old: (*old[:-1], new[-1])),
            nudge="Compare each layer's state before and after. Which of them have changed?",
            pointer=_STEP_TEXT,
            explanation="Only the top layer's state is new; the layers below would start over from "
            "an old one.",
        ),
        Misconception(
            "state-of-the-layer-below",
            _step_bent(
                read=lambda own, below: own if below is None else below,
            ),
            nudge="Which memory does the second layer read?",
            pointer=_STEP_TEXT,
            explanation="A layer of yours begins with the state that the layer below has just made. "
            "Each should begin with its own of the step before.",
        ),
        Misconception(
            "states-upside-down",
            _step_bent(after=lambda new, old: tuple(new[::-1])),
            nudge="Whose state comes first in your result?",
            pointer="The docstring of the exercise says in which order.",
            explanation="Your states come from the top to the bottom.",
        ),
        Misconception(
            "only-the-top-state-returned",
            _step_bent(after=lambda new, old: (new[-1],)),
            nudge="How many states went in, and how many come out?",
            pointer=_STEP_TEXT,
            explanation="You return the top layer's state alone. Every layer has a memory.",
        ),
        Misconception(
            "from-the-top-down",
            _step_bent(order=-1),
            nudge="Which cell reads x?",
            pointer=_STEP_TEXT,
            explanation="You go from the top to the bottom. The bottom layer reads x.",
        ),
        Misconception(
            "states-written-in-place",
            _step_in_place,
            nudge="Look at the list `states` after your function has returned.",
            pointer="The docstring of the exercise, its last line.",
            explanation="You write the new states into the list that you were given: whoever keeps "
            "it as the old states finds the new ones in it. Make a list of your own.",
        ),
        Misconception(
            "a-single-state-returned",
            _step_bent(after=lambda new, old: new[-1]),
            nudge="How many states went in, and how many come out?",
            pointer=_STEP_TEXT,
            explanation="You return one state, the last one that your loop made. Every layer has a "
            "memory: collect them.",
        ),
    ),
    nudge="Write down, for two layers: what does each cell read, and where do its two results go?",
    pointer=_STEP_TEXT,
    alternatives={
        "recursion": _step_recursive,
        "a copied list": _step_copied,
        "functools.reduce": _step_reduced,
        "TensorFlow": _step_in_tensorflow,
    },
)

# -------------------------------------------------------------- stack_parameter_count


def _reference_count(D: int, H: int, L: int) -> int:
    from course_lib.cells.stack import stack_parameter_count

    return stack_parameter_count(D, H, L)


def _count_cases(rng: Rng) -> list[Case]:
    D, H, L = (int(n) for n in (rng.integers(5, 9), rng.integers(11, 20), rng.integers(3, 6)))
    return [
        Case("five layers of 10 on two features", (2, 10, 5), frozenset({"deep"})),
        Case("drawn sizes", (D, H, L), frozenset({"deep"})),
        Case("D = H", (4, 4, 3), frozenset({"deep"})),
        Case("more features than units", (H + 3, D, 2), frozenset({"deep"})),
        Case("a single layer", (3, H, 1), frozenset({"single"})),
    ]


_COUNT_TEXT = "Read “What a stack owns” again."


STACK_PARAMETER_COUNT = Exercise(
    id="stack_parameter_count",
    probe="calls:call",
    reference=_reference_count,
    cases=_count_cases,
    aspects=(
        Aspect("a single layer", 1.0, tags=frozenset({"single"})),
        Aspect("a stack", 2.0, tags=frozenset({"deep"}), needs=("a single layer",)),
    ),
    misconceptions=(
        Misconception(
            "every-layer-reads-D",
            lambda D, H, L: L * 4 * (D + H + 1) * H,
            nudge="What does the second layer read, and how many features has it?",
            pointer=_COUNT_TEXT,
            explanation="You count as if every layer read the D features of x. Only the bottom one "
            "does.",
        ),
        Misconception(
            "every-layer-reads-H",
            lambda D, H, L: L * 4 * (H + H + 1) * H,
            nudge="What does the bottom layer read?",
            pointer=_COUNT_TEXT,
            explanation="You count as if every layer read H features. The bottom one reads D.",
        ),
        Misconception(
            "one-set-of-weights",
            lambda D, H, L: 4 * (D + H + 1) * H,
            nudge="Does your result grow with L?",
            pointer=_COUNT_TEXT,
            explanation="You count one layer only, as if all of them shared it.",
        ),
        Misconception(
            "no-biases",
            lambda D, H, L: 4 * (D + H) * H + (L - 1) * 4 * (H + H) * H,
            nudge="Which of a layer's three arrays is missing?",
            pointer=_COUNT_TEXT,
            explanation="The biases are missing: 4H in each layer.",
        ),
        Misconception(
            "one-gate",
            lambda D, H, L: (D + H + 1) * H + (L - 1) * (H + H + 1) * H,
            nudge="How many columns has the kernel of an LSTM with H units?",
            pointer=_COUNT_TEXT,
            explanation="You count a layer of simple cells. An LSTM has four such blocks.",
        ),
        Misconception(
            "two-biases",
            lambda D, H, L: 4 * (D + H + 2) * H + (L - 1) * 4 * (H + H + 2) * H,
            nudge="How many biases has a layer here?",
            pointer=_COUNT_TEXT,
            explanation="You count two biases a layer, as PyTorch keeps them. Here there is one.",
        ),
        Misconception(
            "one-layer-too-many",
            lambda D, H, L: 4 * (D + H + 1) * H + L * 4 * (H + H + 1) * H,
            nudge="What is your result for L = 1?",
            pointer=_COUNT_TEXT,
            explanation="You count L layers above the bottom one. It is one of the L.",
        ),
        Misconception(
            "only-kernels",
            lambda D, H, L: 4 * (D + 1) * H + (L - 1) * 4 * (H + 1) * H,
            nudge="A layer reads from below and from the past. Which of the two do you count?",
            pointer=_COUNT_TEXT,
            explanation="The recurrent kernels are missing: H times 4H in each layer.",
        ),
        Misconception(
            "below-counted-all",
            lambda D, H, L: sum(4 * (D + k * H + H + 1) * H for k in range(L)),
            nudge="Does the third layer read the first one's output?",
            pointer=_COUNT_TEXT,
            explanation="You count as if each layer read x and the outputs of all layers below. It "
            "reads the one just below.",
        ),
        Misconception(
            "gru",
            lambda D, H, L: 3 * (D + H + 1) * H + (L - 1) * 3 * (H + H + 1) * H,
            nudge="How many gates and candidates has an LSTM?",
            pointer=_COUNT_TEXT,
            explanation="You count three blocks a layer, as in a GRU. An LSTM has four.",
        ),
        Misconception(
            "one-bias-a-unit",
            lambda D, H, L: 4 * (D + H) * H + H + (L - 1) * (4 * (H + H) * H + H),
            nudge="How many entries has the bias of a layer with H units?",
            pointer=_COUNT_TEXT,
            explanation="You count H biases a layer. Each of the four blocks has its own: 4H.",
        ),
        Misconception(
            "x-read-again-above",
            lambda D, H, L: 4 * (D + H + 1) * H + (L - 1) * 4 * (D + H + H + 1) * H,
            nudge="Which arrows enter a cell of the second layer? Does x?",
            pointer=_COUNT_TEXT,
            explanation="You count as if the upper layers read x besides the output of the layer "
            "below. Only the bottom one reads x.",
        ),
    ),
    nudge="Write down the shapes of the three arrays of the bottom layer, and of the layer above.",
    pointer=_COUNT_TEXT,
    alternatives={
        "array by array": lambda D, H, L: int(
            sum(
                np.prod(shape)
                for layer in range(L)
                for shape in ((H if layer else D, 4 * H), (H, 4 * H), (4 * H,))
            )
        ),
        "factored": lambda D, H, L: 4 * H * ((D + H + 1) + (L - 1) * (2 * H + 1)),
        "a loop": lambda D, H, L: sum(4 * H * (n + H + 1) for n in [D] + [H] * (L - 1)),
        "one float": lambda D, H, L: np.float64(4 * H * (D + H + 1 + (L - 1) * (2 * H + 1))),
    },
)

# --------------------------------------------------------------------- make_multi_cell


def _keras() -> Any:
    return _tf().keras.layers


def _made(cells: Callable[[Any, int, int], Any]) -> Callable[[int, int], Any]:
    """A factory from a function that makes the list of cells: cells(layers module, H, L)."""
    return lambda state_dim, num_layers: _keras().StackedRNNCells(
        cells(_keras(), state_dim, num_layers)
    )


def _appended(state_dim: int, num_layers: int) -> Any:
    cells: list[Any] = []
    while len(cells) < num_layers:
        cells.append(_keras().LSTMCell(units=state_dim))
    return _keras().StackedRNNCells(cells)


_KEPT: dict[int, list[Any]] = {}


def _kept_cells(state_dim: int, num_layers: int) -> Any:
    """Keeps its cells for one more call, so that no later check meets them."""
    row = _KEPT.pop(state_dim, None)
    if row is None or len(row) != num_layers:
        row = _KEPT[state_dim] = [_keras().LSTMCell(state_dim) for _ in range(num_layers)]
    return _keras().StackedRNNCells(row)


def _factory_cases(rng: Rng) -> list[Case]:
    H = int(rng.integers(5, 9))
    return [
        Case("three layers of 4 on 4 features", (4, 3, 4), frozenset({"deep"})),
        Case("layers that read another size", (H, 2, 3), frozenset({"deep"})),
        Case("a single layer", (3, 1, 2), frozenset({"single"})),
    ]


def _fact(*names: str) -> Callable[[Comparison], Difference | None]:
    def test(seen: Comparison) -> Difference | None:
        wanted, got = seen.expected.value, seen.actual.value
        for name in names:
            if got[name] != wanted[name]:
                return Difference(_FACTS[name].format(got=got[name], wanted=wanted[name]))
        return None

    return test


_FACTS = {
    "layers": "the stack has {got} layers, expected {wanted}",
    "all are LSTM cells": "not all of its cells are keras.layers.LSTMCell",
    "units": "the cells have {got} units, expected {wanted}",
    "different cells": "there are {got} different cells in it, expected {wanted}",
    "a new stack at each call": "two calls of your function share cells",
    "works": "the stack cannot read its input: a cell meets an input of another size",
    "parameters": "the stack has {got} parameters, expected {wanted}",
    "different first weights": (
        "there are {got} different recurrent kernels at the start, expected {wanted}"
    ),
}

_TRAP_TEXT = "Read “One line from 2016” again."

MAKE_MULTI_CELL = Exercise(
    id="make_multi_cell",
    probe="stacked:factory",
    by_hand=frozenset(),
    reference=_made(lambda k, H, L: [k.LSTMCell(H) for _ in range(L)]),
    cases=_factory_cases,
    aspects=(
        Aspect("layers and units", 1.0, _fact("layers", "all are LSTM cells", "units")),
        Aspect(
            "a cell of its own for each layer",
            2.0,
            _fact("different cells", "works", "parameters"),
            needs=("layers and units",),
        ),
        Aspect(
            "first weights of its own for each layer",
            0.5,
            _fact("different first weights"),
            needs=("a cell of its own for each layer",),
        ),
        Aspect(
            "nothing shared between two calls",
            0.5,
            _fact("a new stack at each call"),
            needs=("layers and units", "a cell of its own for each layer"),
        ),
    ),
    misconceptions=(
        Misconception(
            "one-cell-in-every-place",
            _made(lambda k, H, L: [k.LSTMCell(H)] * L),
            nudge="How often is `LSTMCell(...)` called in your function? Compare `cells[0] is "
            "cells[1]`.",
            pointer=_TRAP_TEXT,
            explanation="One cell stands in every place of your list. All layers share its "
            "weights, or fail where their inputs differ in size.",
        ),
        Misconception(
            "a-single-layer",
            _made(lambda k, H, L: [k.LSTMCell(H)]),
            nudge="How many layers are there in your stack? Do you use `num_layers`?",
            pointer=_TRAP_TEXT,
            explanation="Your stack has one layer, whatever is asked for.",
        ),
        Misconception(
            "one-layer-too-many",
            _made(lambda k, H, L: [k.LSTMCell(H) for _ in range(L + 1)]),
            nudge="Count the cells for `num_layers=1`.",
            pointer="The docstring of the exercise says how many layers.",
            explanation="Your stack has one layer too many.",
        ),
        Misconception(
            "sizes-exchanged",
            _made(lambda k, H, L: [k.LSTMCell(L) for _ in range(H)]),
            nudge="Which of the two arguments counts layers, and which units?",
            pointer="The docstring of the exercise says which argument is which.",
            explanation="You take the number of layers for the number of units, and vice versa.",
        ),
        Misconception(
            "equal-first-weights",
            _made(
                lambda k, H, L: [
                    k.LSTMCell(
                        H,
                        kernel_initializer=_tf().keras.initializers.GlorotUniform(seed=1),
                        recurrent_initializer=_tf().keras.initializers.Orthogonal(seed=1),
                    )
                    for _ in range(L)
                ]
            ),
            nudge="Print the recurrent kernels of two layers before anything is trained.",
            pointer=_TRAP_TEXT,
            explanation="Your layers are different cells, but they begin with the very same "
            "numbers, because the same seed is given to each.",
        ),
        Misconception(
            "gru-cells",
            _made(lambda k, H, L: [k.GRUCell(H) for _ in range(L)]),
            nudge="Which kind of cell does the tutorial stack?",
            pointer="The docstring of the exercise says which kind of cell.",
            explanation="You stack GRU cells. Asked for are LSTM cells.",
        ),
        Misconception(
            "simple-cells",
            _made(lambda k, H, L: [k.SimpleRNNCell(H) for _ in range(L)]),
            nudge="Which kind of cell does the tutorial stack?",
            pointer="The docstring of the exercise says which kind of cell.",
            explanation="You stack simple cells. Asked for are LSTM cells.",
        ),
        Misconception(
            "pyramid",
            _made(
                lambda k, H, L: (
                    [k.LSTMCell(H * (n + 1)) for n in range(L)][::-1] if L > 1 else [k.LSTMCell(H)]
                )
            ),
            nudge="How many units has each of your layers?",
            pointer="The docstring of the exercise says how many units every layer has.",
            explanation="Your layers differ in size. Every layer should have `state_dim` units.",
        ),
        Misconception(
            "a-list-returned",
            lambda state_dim, num_layers: [_keras().LSTMCell(state_dim) for _ in range(num_layers)],
            nudge="What is the type of what you return?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="What you return is not the stack itself: a bare list of cells, perhaps, or the "
            "stack inside of another layer. Asked for is one `StackedRNNCells` that holds them.",
        ),
        Misconception(
            "kept-between-calls",
            _kept_cells,
            nudge="Call your function twice. Do the two stacks have a cell in common?",
            pointer="The docstring of the exercise, its last line.",
            explanation="You keep cells between calls, so two networks made by your function would "
            "share weights.",
        ),
        Misconception(
            "layers-in-place-of-cells",
            _made(lambda k, H, L: [k.LSTM(H) for _ in range(L)]),
            nudge="What is the difference between `LSTM` and `LSTMCell` in Keras? Which of them makes "
            "a single step?",
            pointer="The docstring of the exercise says which kind of cell.",
            explanation="You stack whole LSTM layers, each with a loop over time of its own. A stack of "
            "cells is made of `LSTMCell`s.",
        ),
    ),
    nudge="How many times has an LSTM cell to be made for three layers? How often does your code do it?",
    pointer=_TRAP_TEXT,
    alternatives={
        "appended": _appended,
        "map": _made(lambda k, H, L: list(map(k.LSTMCell, [H] * L))),
        "recursion": _made(
            lambda k, H, L: (lambda again: again(again, L))(
                lambda again, n: [*again(again, n - 1), k.LSTMCell(H)] if n else []
            )
        ),
        "from_config": _made(
            lambda k, H, L: [
                k.LSTMCell.from_config(k.LSTMCell(H).get_config() | {"name": f"layer_{n}"})
                for n in range(L)
            ]
        ),
    },
)

# --------------------------------------------------------------------- describe_states


def _reference_describe(states: Sequence[Any]) -> str:
    from course_lib.cells.stack import describe_states

    return describe_states(states)


def _state_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, sizes: Sequence[tuple[int | None, int]], tag: str) -> Case:
        cs = [None if C is None else _draw(rng, B, C) for C, _ in sizes]
        return Case(name, (cs, [_draw(rng, B, H) for _, H in sizes]), frozenset({tag}))

    C, H = (int(n) for n in rng.permutation([5, 6, 7, 8])[:2])
    return [
        case("five layers of 10, as in the tutorial", 1, [(10, 10)] * 5, "lstm"),
        case("LSTMs that put out less than they keep", 3, [(C, 4), (H, 2)], "lstm"),
        case("a single layer", 4, [(9, 3)], "lstm"),
        case("layers without c", 3, [(None, H), (None, C)], "plain"),
        case("an LSTM on a GRU", 2, [(None, 4), (C, 3)], "plain"),
    ]


def _rows(
    *,
    c: str = "cell state c",
    h: str = "hidden state h",
    first: int = 1,
    order: int = 1,
    size: Callable[[Any], Any] = lambda part: tuple(np.shape(part)),
    layers: int = 1,
    header: str = "",
    plain: str = "h",
) -> Callable[[Sequence[Any]], str]:
    """The table by the book; each argument bends one thing."""

    def answer(states: Sequence[Any]) -> str:
        lines = [header] if header else []
        for number, state in list(enumerate(states, first))[::layers]:
            if hasattr(state, "c"):
                named = [(c, state.c), (h, state.h)][::order]
            else:
                named = [(h if plain == "h" else c, state)]
            lines += [f"layer {number}  {name}  {size(part)}" for name, part in named]
        return "\n".join(lines)

    return answer


def _without_c(states: Sequence[Any]) -> str:
    return "\n".join(
        f"layer {k}  hidden state h  {tuple(np.shape(getattr(state, 'h', state)))}"
        for k, state in enumerate(states, 1)
    )


def _lstm_only(states: Sequence[Any]) -> str:
    lines = []
    for k, state in enumerate(states, 1):
        c, h = state.c, state.h
        lines += [f"layer {k} cell state c {c.shape}", f"layer {k} hidden state h {h.shape}"]
    return "\n".join(lines)


def _grouped(states: Sequence[Any]) -> str:
    lines = _rows()(states).split("\n")
    return "\n".join(sorted(lines, key=lambda line: "hidden" in line))


def _taken_apart(c: str, h: str) -> Callable[[Sequence[Any]], str]:
    """Every state is taken for a pair, and its parts are found by their number."""

    def answer(states: Sequence[Any]) -> str:
        return "\n".join(
            f"layer {k} {name} {np.shape(part)}"
            for k, state in enumerate(states, 1)
            for name, part in ((c, state[0]), (h, state[1]))
        )

    return answer


def _shapes_bent(of_c: str, of_h: str) -> Callable[[Sequence[Any]], str]:
    """The right names beside the shapes of these parts."""

    def answer(states: Sequence[Any]) -> str:
        lines = []
        for k, state in enumerate(states, 1):
            if hasattr(state, "c"):
                lines.append(f"layer {k} cell state c {np.shape(getattr(state, of_c))}")
                state = getattr(state, of_h)
            lines.append(f"layer {k} hidden state h {np.shape(state)}")
        return "\n".join(lines)

    return answer


def _describe_printed(states: Sequence[Any]) -> str:
    text = ""
    for number, state in enumerate(states):
        kinds = ("cell state c", "hidden state h")
        pairs = list(zip(kinds, state, strict=True)) if isinstance(state, tuple) else None
        for kind, value in pairs or [(kinds[1], state)]:
            text += "layer {}   {:<14}   ({}, {})\n".format(number + 1, kind, *value.shape)
    return text


def _describe_by_fields(states: Sequence[Any]) -> str:
    names = {"c": "cell state c", "h": "hidden state h"}
    return "\n".join(
        f"layer {k} {names[field]} {tuple(_tf().convert_to_tensor(value).shape)}"
        for k, state in enumerate(states, 1)
        for field, value in (state._asdict() if hasattr(state, "_asdict") else {"h": state}).items()
    )


_NAMES_TEXT = "Read “Which is which” again."

DESCRIBE_STATES = Exercise(
    id="describe_states",
    probe="stacked:table",
    reference=_reference_describe,
    cases=_state_cases,
    aspects=(
        Aspect("LSTMs", 2.0, tags=frozenset({"lstm"})),
        Aspect("layers without c", 1.0, tags=frozenset({"plain"}), needs=("LSTMs",)),
    ),
    misconceptions=(
        Misconception(
            "as-the-tutorial-prints-it",
            _rows(c="hidden state", h="activation state"),
            nudge="Print `states[0]._fields`. Which part comes first?",
            pointer=_NAMES_TEXT,
            explanation="These are the tutorial's names. What it calls hidden state is c, the cell "
            "state; what it calls activation state is h, the hidden state.",
        ),
        Misconception(
            "names-exchanged",
            _rows(c="hidden state h", h="cell state c"),
            nudge="Which part of an `LSTMStateTuple` is `state[0]`?",
            pointer=_NAMES_TEXT,
            explanation="The two names are exchanged: the first part of the tuple is the cell "
            "state c.",
        ),
        Misconception(
            "h-first",
            _rows(order=-1),
            nudge="In which order do the lines of a layer come?",
            pointer="The docstring of the exercise shows the order of the lines.",
            explanation="You list h before c. The table keeps the order of the tuple.",
        ),
        Misconception(
            "counted-from-zero",
            _rows(first=0),
            nudge="Which number has the bottom layer?",
            pointer="The docstring of the exercise shows where to count from.",
            explanation="You count layers from 0. The table counts from 1.",
        ),
        Misconception(
            "from-the-top",
            _rows(layers=-1),
            nudge="Which layer's line comes first?",
            pointer="The docstring of the exercise shows the order of the lines.",
            explanation="Your table begins with the top layer.",
        ),
        Misconception(
            "all-c-then-all-h",
            _grouped,
            nudge="In which order do your lines come if there are two layers?",
            pointer="The docstring of the exercise shows the order of the lines.",
            explanation="You list c of all layers, then h of all. The table goes layer by layer.",
        ),
        Misconception(
            "only-h",
            _without_c,
            nudge="How many lines does one LSTM need?",
            pointer=_NAMES_TEXT,
            explanation="The cell states are missing.",
        ),
        Misconception(
            "every-layer-taken-for-an-lstm",
            _lstm_only,
            nudge="What does your function do with a state that has no c?",
            pointer="The docstring of the exercise says which states there are.",
            explanation="You take every state for a pair. A GRU or a simple cell has one array.",
        ),
        Misconception(
            "plain-state-taken-apart",
            _taken_apart("cell state c", "hidden state h"),
            nudge="What is `state[0]` if the state is a plain array?",
            pointer="The docstring of the exercise says which states there are.",
            explanation="You take a plain array for a pair: its first two rows are listed as c "
            "and h.",
        ),
        Misconception(
            "plain-state-called-c",
            _rows(plain="c"),
            nudge="What does a GRU hand to the layer above: its state, or something else?",
            pointer="The docstring of the exercise says what a plain state is called.",
            explanation="You call the state of a layer without c its cell state. It is its output, "
            "too: h.",
        ),
        Misconception(
            "batch-left-out",
            _rows(size=lambda part: f"({np.shape(part)[-1]},)"),
            nudge="Which axes has a state?",
            pointer="The docstring of the exercise shows a shape.",
            explanation="The batch is missing in your shapes.",
        ),
        Misconception(
            "a-heading",
            _rows(header="layer state shape"),
            nudge="Which is the first line of the example in the docstring?",
            pointer="The docstring of the exercise.",
            explanation="You begin with a heading. The table has none.",
        ),
        Misconception(
            "as-the-tutorial-prints-it-and-taken-apart",
            _taken_apart("hidden state", "activation state"),
            nudge="Print `states[0]._fields`. Which part comes first?",
            pointer=_NAMES_TEXT,
            explanation="These are the tutorial's names. What it calls hidden state is c, the cell "
            "state; what it calls activation state is h, the hidden state. And a second thing: a state "
            "without c is no pair.",
        ),
        Misconception(
            "shapes-exchanged",
            _shapes_bent("h", "c"),
            nudge="Take an LSTM with a large c and a small h. Which shape stands beside which name?",
            pointer=_NAMES_TEXT,
            explanation="The names are right, but beside c stands the shape of h, and the other way "
            "round.",
        ),
        Misconception(
            "shape-of-c-twice",
            _shapes_bent("c", "c"),
            nudge="Are c and h always of the same shape?",
            pointer=_NAMES_TEXT,
            explanation="You print the shape of c in both lines. With a projection h is smaller.",
        ),
        Misconception(
            "no-text-returned",
            lambda states: _rows()(states).split("\n"),
            nudge="What is the type of what your function returns?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="No text comes back: your function prints its lines, or returns a list of them. "
            "Join them, and return the whole.",
        ),
    ),
    nudge="For a single LSTM there are two lines. Which one is first, and what is each called?",
    pointer=_NAMES_TEXT,
    alternatives={
        "text that grows": _describe_printed,
        "by the fields' names": _describe_by_fields,
        "f-strings, no padding": _rows(),
    },
)

# ------------------------------------------------------------------ residual_rnn_step


def _residual_reference(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
    from course_lib.cells.stack import multi_rnn_step

    def wrapped(cell: Cell) -> Cell:
        def step(x: Any, state: Any) -> tuple[Any, Any]:
            output, state = cell(x, state)
            return x + output, state

        return step

    return multi_rnn_step([cells[0], *map(wrapped, cells[1:])], x, states)


def _residual_bent(
    change: Callable[[int, int, Any, Any, Any, Any], Any],
    remember: Callable[[Any, Any], Any] = lambda signal, state: state,
    bottom: bool = False,
) -> Callable[..., Any]:
    """change(layer, L, x, below, output, state) is what goes up."""

    def answer(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
        signal, new = x, []
        for k, (cell, old) in enumerate(zip(cells, states, strict=True)):
            output, state = cell(signal, old)
            below = signal
            signal = change(k, len(cells), x, below, output, state)
            new.append(remember(signal, state) if k or bottom else state)
        return signal, tuple(new)

    return answer


def _residual_in_place(cells: Sequence[Cell], x: Any, states: list[Any]) -> Any:
    for k, cell in enumerate(cells):
        output, states[k] = cell(x, states[k])
        x = x + output if k else output
    return x, tuple(states)


def _residual_from_the_bottom(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
    new: list[Any] = []
    outputs: list[Any] = []
    for cell, old in zip(cells, states, strict=True):
        output, state = cell(x, old)
        x = output + outputs[0] if outputs else output
        outputs.append(output)
        new.append(state)
    return x, new


def _residual_at_the_end(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
    new, outputs = [], []
    for cell, old in zip(cells, states, strict=True):
        x, state = cell(x, old)
        outputs.append(x)
        new.append(state)
    return sum(outputs), new


def _residual_loop(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
    up, first = cells[0](x, states[0])
    new = [first]
    for cell, state in zip(cells[1:], states[1:], strict=True):
        more, after = cell(up, state)
        up = np.add(up, more)
        new.append(after)
    return up, new


def _residual_sum(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
    outputs: list[Any] = []
    new = []
    for k, cell in enumerate(cells):
        output, state = cell(sum(outputs) if k else x, states[k])
        outputs.append(output)
        new.append(state)
    return sum(outputs).tolist(), new


def _residual_tensors(cells: Sequence[Cell], x: Any, states: Sequence[Any]) -> Any:
    tf = _tf()
    new, up = [], None
    for cell, state in zip(cells, states, strict=True):
        output, after = cell(x if up is None else up, state)
        output = tf.convert_to_tensor(output)
        up = output if up is None else tf.add_n([up, output])
        new.append(after)
    return up, tuple(new)


def _residual_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, D: int, H: int, L: int, tag: str) -> Case:
        layers = [
            _layer(rng, H if k else D, H, gain=float(rng.uniform(1.5, 2.0))) for k in range(L)
        ]
        inputs = (_draw(rng, B, D), layers, *_memories(rng, B, [H] * L))
        return Case(name, inputs, frozenset({tag}))

    return [
        case("three layers", 2, 3, 5, 3, "deep"),
        case("D = H, four layers", 3, 4, 4, 4, "deep"),
        case("a batch of one, two layers", 1, 2, 3, 2, "deep"),
        case("a single layer", 2, 5, 3, 1, "single"),
    ]


_RESIDUAL_TEXT = "Read “A way past each layer” again."

RESIDUAL_RNN_STEP = Exercise(
    id="residual_rnn_step",
    probe="stacked:step",
    reference=_residual_reference,
    cases=_residual_cases,
    axes={"output": ("batch", "hidden"), "states": ()},
    aspects=(
        Aspect("a single layer", 0.5, part("output"), tags=frozenset({"single"})),
        Aspect(
            "output of a deep stack",
            1.5,
            part("output"),
            tags=frozenset({"deep"}),
            needs=("a single layer",),
        ),
        Aspect(
            "states as the cells made them", 0.5, part("states"), needs=("output of a deep stack",)
        ),
        Aspect("inputs left unchanged", 0.5, _list_kept, needs=("output of a deep stack",)),
    ),
    misconceptions=(
        Misconception(
            "nothing-added",
            _residual_bent(lambda k, L, x, below, output, state: output),
            nudge="Where in your function is something added?",
            pointer=_RESIDUAL_TEXT,
            explanation="This is a plain stack: no layer's input is added to its output.",
        ),
        Misconception(
            "x-added-everywhere",
            _residual_bent(lambda k, L, x, below, output, state: output + x if k else output),
            nudge="Which input do you add in the third layer: its own, or the bottom layer's?",
            pointer=_RESIDUAL_TEXT,
            explanation="You add x, the input of the whole stack, in each layer. A layer adds what "
            "it has read itself.",
        ),
        Misconception(
            "bottom-layer-too",
            _residual_bent(lambda k, L, x, below, output, state: output + below),
            nudge="The bottom layer reads D features and puts out H. Can the two be added?",
            pointer=_RESIDUAL_TEXT,
            explanation="You add around the bottom layer, too. That fails where D is not H; the "
            "way past begins with the second layer.",
        ),
        Misconception(
            "only-at-the-top",
            _residual_bent(
                lambda k, L, x, below, output, state: output + below if 0 < k == L - 1 else output
            ),
            nudge="How many additions are there for four layers? How many do you make?",
            pointer=_RESIDUAL_TEXT,
            explanation="Only the top layer of yours adds its input. Every layer but the bottom "
            "one should.",
        ),
        Misconception(
            "sum-kept-as-state",
            _residual_bent(
                lambda k, L, x, below, output, state: output + below if k else output,
                remember=lambda signal, state: LSTMStateTuple(c=state.c, h=signal),
            ),
            nudge="Which h does a layer find at its next step: the one that the cell made?",
            pointer=_RESIDUAL_TEXT,
            explanation="You write the sum into the state. The sum goes up; what a cell remembers "
            "is left alone.",
        ),
        Misconception(
            "h-in-place-of-the-output",
            _residual_bent(lambda k, L, x, below, output, state: state.h + below if k else output),
            nudge="What do you add the input to: the cell's output, or a part of its state?",
            pointer=_RESIDUAL_TEXT,
            explanation="You add to `state.h`. It is the output that goes up, and it need not be h.",
        ),
        Misconception(
            "mean-in-place-of-the-sum",
            _residual_bent(
                lambda k, L, x, below, output, state: (output + below) / 2 if k else output
            ),
            nudge="By which factor is a signal multiplied when it passes a layer that puts out 0?",
            pointer=_RESIDUAL_TEXT,
            explanation="You take the mean of input and output, so what goes past is halved at each "
            "layer. Add them.",
        ),
        Misconception(
            "added-twice",
            _residual_bent(
                lambda k, L, x, below, output, state: output + 2 * below if k else output
            ),
            nudge="What goes up when a cell puts out 0: once its input?",
            pointer=_RESIDUAL_TEXT,
            explanation="The input is added two times.",
        ),
        Misconception(
            "sum-kept-as-state-in-every-layer",
            _residual_bent(
                lambda k, L, x, below, output, state: output + below if k else output,
                remember=lambda signal, state: LSTMStateTuple(c=state.c, h=signal),
                bottom=True,
            ),
            nudge="Which h does a layer find at its next step: the one that the cell made?",
            pointer=_RESIDUAL_TEXT,
            explanation="You write what goes up into the state. What a cell remembers is left alone, in "
            "every layer.",
        ),
        Misconception(
            "not-at-the-top",
            _residual_bent(
                lambda k, L, x, below, output, state: output + below if 0 < k < L - 1 else output
            ),
            nudge="How many additions are there for four layers? How many do you make?",
            pointer=_RESIDUAL_TEXT,
            explanation="Your top layer has no way past. Every layer but the bottom one adds what it "
            "has read.",
        ),
        Misconception(
            "bottom-output-added-everywhere",
            _residual_from_the_bottom,
            nudge="Four layers. What does the third one add: what it has read, or something older?",
            pointer=_RESIDUAL_TEXT,
            explanation="You add the bottom layer's output in each layer. A layer adds what it has read "
            "itself, which has grown on the way.",
        ),
        Misconception(
            "summed-at-the-end",
            _residual_at_the_end,
            nudge="What does your third cell read: the output of the second, or a sum?",
            pointer=f"{_RESIDUAL_TEXT} Its question on paper asks for just that.",
            explanation="Your layers read as in a plain stack, and only the result is a sum. The sum "
            "goes up: the next cell reads it.",
        ),
        Misconception(
            "states-written-in-place",
            _residual_in_place,
            nudge="Look at the list `states` after your function has returned.",
            pointer="The docstring of `multi_rnn_step`, its last line: it holds here, too.",
            explanation="You write the new states into the list that you were given: whoever keeps "
            "it as the old states finds the new ones in it. Make a list of your own.",
        ),
    ),
    nudge="What goes up from the second layer if its cell puts out 0? What from the bottom layer?",
    pointer=_RESIDUAL_TEXT,
    alternatives={
        "the bottom before the loop": _residual_loop,
        "the sum of all outputs so far": _residual_sum,
        "TensorFlow": _residual_tensors,
    },
)

# -------------------------------------------------------------------- train_deep_echo


def _windows(x: Any, y: Any, T: int = WINDOW) -> list[tuple[Any, Any]]:
    from course_lib.echo import windows

    return windows(x, y, T)


def _trained(
    *,
    carry: Callable[[Any, Any], Any] = lambda states, zero: states,
    fresh: bool = True,
    stop: Callable[[list[float], float], bool] = lambda losses, goal: (
        len(losses) >= 20 and float(np.mean(losses[-20:])) < goal
    ),
    at_the_end_of_a_series: bool = False,
    obey_most: bool = True,
    draw_once: bool = False,
    whole_only: bool = False,
    one_series: bool = False,
    too_many: int = 0,
    report: Callable[[list[float]], Any] = lambda losses: losses,
) -> Callable[..., Any]:
    """The training by the book; each argument bends one thing."""

    def answer(model: Any, draw: Callable[[], Any], goal: float, most: int) -> Any:
        losses: list[float] = []
        series = draw() if draw_once else None
        states = None
        while True:
            x, y = series or draw()
            zero = model.zero_state(len(x))
            states = zero if fresh or states is None else states
            for x_window, y_window in _windows(x, y):
                if whole_only and x_window.shape[1] < WINDOW:
                    continue
                loss, states = model.train_window(x_window, y_window, states)
                states = carry(states, zero)
                losses.append(float(loss))
                done = stop(losses, goal) and not at_the_end_of_a_series
                if done or (obey_most and len(losses) >= most + too_many):
                    return report(losses)
            if one_series or stop(losses, goal):
                return report(losses)

    return answer


def _inner_loop_ended(most_looked_at: bool, go_on: bool) -> Callable[..., Any]:
    """Two loops, of which the inner one looks at the goal, or (without ``go_on``) only the outer."""

    def answer(model: Any, draw: Callable[[], Any], goal: float, most: int) -> list[float]:
        losses: list[float] = []

        def reached() -> bool:
            return len(losses) >= 20 and float(np.mean(losses[-20:])) < goal

        while len(losses) < most and (go_on or not reached()):
            x, y = draw()
            states = model.zero_state(len(x))
            for x_window, y_window in _windows(x, y):
                loss, states = model.train_window(x_window, y_window, states)
                losses.append(float(loss))
                if go_on and (reached() or (most_looked_at and len(losses) >= most)):
                    break
        return losses

    return answer


def _layers_kept(keep: Callable[[int, int], bool], c: bool = True, h: bool = True) -> Any:
    """A carry that keeps some layers' states, or a part of each, and wipes the rest."""

    def carry(states: Any, zero: Any) -> Any:
        return tuple(
            LSTMStateTuple(
                c=new.c if c and keep(k, len(states)) else old.c,
                h=new.h if h and keep(k, len(states)) else old.h,
            )
            for k, (new, old) in enumerate(zip(states, zero, strict=True))
        )

    return carry


def _trained_by_generator(model: Any, draw: Callable[[], Any], goal: float, most: int) -> Any:
    def losses() -> Any:
        while True:
            x, y = draw()
            states = model.zero_state(x.shape[0])
            for t in range(0, x.shape[1], WINDOW):
                part = slice(t, t + WINDOW)
                loss, states = model.train_window(x[:, part], y[:, part], states)
                yield float(loss)

    seen: list[float] = []
    for loss in losses():
        seen.append(loss)
        if len(seen) == most or (len(seen) > 19 and sum(seen[-20:]) < 20 * goal):
            return tuple(seen)


def _trained_with_deque(model: Any, draw: Callable[[], Any], goal: float, most: int) -> Any:
    from collections import deque

    recent: Any = deque(maxlen=20)
    everything: list[Any] = []
    queue: list[Any] = []
    states: Any = None
    while len(everything) < most and not (len(recent) == 20 and np.mean(recent) < goal):
        if not queue:
            x, y = draw()
            cuts = range(WINDOW, x.shape[1], WINDOW)
            queue = list(zip(np.split(x, cuts, axis=1), np.split(y, cuts, axis=1), strict=True))
            states = model.zero_state(len(x))
        loss, states = model.train_window(*queue.pop(0), list(states))
        recent.append(float(loss))
        everything.append(loss)
    return np.array([float(loss) for loss in everything])


def _trained_in_tensorflow(model: Any, draw: Callable[[], Any], goal: float, most: int) -> Any:
    tf = _tf()
    losses: list[Any] = []
    for _ in range(most):
        x, y = draw()
        states = model.zero_state(len(x))
        for x_window, y_window in _windows(x, y):
            loss, states = model.train_window(tf.constant(x_window), tf.constant(y_window), states)
            losses.append(tf.cast(loss, tf.float32))
            if len(losses) >= 20 and float(tf.reduce_mean(losses[-20:])) < goal:
                return losses
            if len(losses) == most:
                return losses
    return losses


def _train_cases(rng: Rng) -> list[Case]:
    def falling(high: int, then: int) -> list[float]:
        """High losses with a lucky one among them, then low ones."""
        losses = [*rng.uniform(0.66, 0.75, high), *rng.uniform(0.04, 0.05, then)]
        losses[5] = 0.01
        return [float(loss) for loss in losses]

    def high(count: int) -> list[float]:
        return [float(loss) for loss in rng.uniform(0.6, 0.7, count)]

    # What a rehearsal is called with, and how many windows and columns it takes.
    middle = [[falling(31, 400), 3, 5, 94, 0.1, 80], 50, 7 * 94 + 15]
    limit = [[high(30), 2, 1, 49, 0.1, 30], 30, 7 * 49 + 30]
    early = [[[0.02] * 60, 1, 2, 75, 0.1, 44], 20, 4 * 75]
    echoes = rng.integers(0, 2, size=(8, 5, 1500)).astype(np.int8)
    fresh = rng.integers(0, 2, size=(5, 600)).astype(np.int8)
    return [
        Case(
            "three layers, goal reached in the middle of a series",
            ("rehearsal", middle[0]),
            frozenset({"rehearsal"}),
        ),
        Case("goal not reached", ("rehearsal", limit[0]), frozenset({"rehearsal"})),
        Case("low losses from the beginning", ("rehearsal", early[0]), frozenset({"rehearsal"})),
        Case(
            "the tutorial's network",
            ("training", [[middle, limit, early], 0.03, 1200, echoes, fresh, 3, 0.1]),
            frozenset({"training"}),
        ),
    ]


def _carried(seen: Comparison) -> Difference | None:
    if seen.actual.value["all carried"]:
        return None
    return Difference("a layer's state was lost, or not begun anew, between two windows")


def _same_windows(seen: Comparison) -> Difference | None:
    wanted, got = seen.expected.value["windows"], seen.actual.value["windows"]
    rows = min(len(wanted), len(got))
    if not rows or not np.array_equal(wanted[:rows], got[:rows]):
        return Difference("the windows are not those of the drawn series, in order")
    return None


def _number_of_windows(seen: Comparison) -> Difference | None:
    wanted, got = len(seen.expected.value["windows"]), len(seen.actual.value["windows"])
    return None if wanted == got else Difference(f"trained on {got} windows, expected {wanted}")


def _learned(seen: Comparison) -> Difference | None:
    value = seen.actual.value
    if not value["rehearsed"]:
        return Difference("not trained, since a rehearsal did not go as it should")
    if not value["learned"]:
        return Difference("on a series that it has never seen, its loss is not under 0.1")
    return None


_TRAIN_TEXT = "Read “The deep echo” again."

TRAIN_DEEP_ECHO = Exercise(
    id="train_deep_echo",
    probe="stacked:train",
    by_hand=frozenset(),
    reference=_trained(),
    cases=_train_cases,
    aspects=(
        Aspect("windows, all and in order", 1.0, _same_windows, tags=frozenset({"rehearsal"})),
        Aspect(
            "every layer's memory carried",
            2.0,
            _carried,
            tags=frozenset({"rehearsal"}),
            needs=("windows, all and in order",),
        ),
        Aspect(
            "ends where it should",
            1.0,
            _number_of_windows,
            tags=frozenset({"rehearsal"}),
            needs=("windows, all and in order",),
        ),
        Aspect(
            "losses returned",
            0.5,
            part("losses"),
            tags=frozenset({"rehearsal"}),
            needs=("ends where it should",),
        ),
        Aspect(
            "learns the echo",
            1.5,
            _learned,
            tags=frozenset({"training"}),
            needs=("every layer's memory carried", "losses returned"),
        ),
    ),
    misconceptions=(
        Misconception(
            "memory-wiped-at-each-edge",
            _trained(carry=lambda states, zero: zero),
            nudge="With which states does the second window of a series begin?",
            pointer=_TRAIN_TEXT,
            explanation="Every window of yours begins with empty memories, so its first three "
            "labels are coin tosses.",
        ),
        Misconception(
            "only-the-top-layer-carried",
            _trained(carry=_layers_kept(lambda k, L: k == L - 1)),
            nudge="Three layers remember. Which of them still do after a window's edge?",
            pointer=_TRAIN_TEXT,
            explanation="Only the top layer's state is carried. The layers below begin each "
            "window with nothing.",
        ),
        Misconception(
            "only-the-bottom-layer-carried",
            _trained(carry=_layers_kept(lambda k, L: k == 0)),
            nudge="Three layers remember. Which of them still do after a window's edge?",
            pointer=_TRAIN_TEXT,
            explanation="Only the bottom layer's state is carried.",
        ),
        Misconception(
            "c-carried-without-h",
            _trained(carry=_layers_kept(lambda k, L: True, h=False)),
            nudge="An LSTM's state has two parts. What does the next window get of each?",
            pointer=_TRAIN_TEXT,
            explanation="c is carried, h is replaced by zeros.",
        ),
        Misconception(
            "h-carried-without-c",
            _trained(carry=_layers_kept(lambda k, L: True, c=False)),
            nudge="An LSTM's state has two parts. What does the next window get of each?",
            pointer=_TRAIN_TEXT,
            explanation="h is carried, c is replaced by zeros.",
        ),
        Misconception(
            "layers-exchanged",
            _trained(carry=lambda states, zero: tuple(states)[::-1]),
            nudge="Does every layer get back its own state?",
            pointer=_TRAIN_TEXT,
            explanation="The states come back in the reverse order: the bottom layer gets the "
            "top one's.",
        ),
        Misconception(
            "memory-of-another-series",
            _trained(fresh=False),
            nudge="What has a new series to do with the end of the one before?",
            pointer=_TRAIN_TEXT,
            explanation="A new series begins with the memories of the last one. It should begin "
            "with empty ones.",
        ),
        Misconception(
            "stops-at-a-lucky-window",
            _trained(stop=lambda losses, goal: losses[-1] < goal),
            nudge="How many losses does your decision to stop rest on?",
            pointer=_TRAIN_TEXT,
            explanation="You stop at the first window whose loss is under the goal. A single window "
            "can be luck.",
        ),
        Misconception(
            "mean-over-everything",
            _trained(stop=lambda losses, goal: len(losses) >= 20 and float(np.mean(losses)) < goal),
            nudge="Over which losses do you take the mean? Which of them say how good it is now?",
            pointer=_TRAIN_TEXT,
            explanation="You take the mean over all losses. The first ones, from an untrained "
            "network, hold it up for long.",
        ),
        Misconception(
            "fewer-than-twenty",
            _trained(stop=lambda losses, goal: float(np.mean(losses[-20:])) < goal),
            nudge="What does `losses[-20:]` hold after the first window?",
            pointer="The docstring of the exercise says how many losses are needed.",
            explanation="At the beginning your mean is over fewer than 20 losses, and you stop "
            "too early.",
        ),
        Misconception(
            "goal-ignored",
            _trained(stop=lambda losses, goal: False),
            nudge="What in your loop looks at `goal`?",
            pointer=_TRAIN_TEXT,
            explanation="You always train on `most` windows, however good the network is.",
        ),
        Misconception(
            "most-ignored",
            _trained(obey_most=False),
            nudge="What ends your loop if the goal is never reached?",
            pointer="The docstring of the exercise says what ends the training.",
            explanation="You go on until the goal is reached, for ever if need be.",
        ),
        Misconception(
            "looks-at-the-end-of-a-series-only",
            _trained(at_the_end_of_a_series=True),
            nudge="How often do you ask whether the goal is reached?",
            pointer="The docstring of the exercise says when to stop.",
            explanation="You ask after each series. The training should end with the very window "
            "that reaches the goal.",
        ),
        Misconception(
            "one-series-for-ever",
            _trained(draw_once=True),
            nudge="How often do you call `draw`?",
            pointer=_TRAIN_TEXT,
            explanation="You draw one series and read it again and again. Draw a new one each "
            "time.",
        ),
        Misconception(
            "short-windows-dropped",
            _trained(whole_only=True),
            nudge="How many columns of a series of 64 do you train on?",
            pointer="Notebook 8, on what is left over after the last full window.",
            explanation="The shorter window at the end of each series is left out.",
        ),
        Misconception(
            "mean-returned",
            _trained(report=lambda losses: float(np.mean(losses[-20:]))),
            nudge="How many numbers should come back?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="You return a mean. Asked for are the losses of all windows.",
        ),
        Misconception(
            "goal-ends-the-inner-loop-only",
            _inner_loop_ended(most_looked_at=True, go_on=True),
            nudge="Which of your two loops does `break` leave? What does the other one do then?",
            pointer="Read the third question of “Stuck? Three questions”.",
            explanation="A `break` leaves the inner loop alone: the series ends, the outer loop draws "
            "the next one, and the training goes on.",
        ),
        Misconception(
            "goal-ends-the-inner-loop-only-and-most-overrun",
            _inner_loop_ended(most_looked_at=False, go_on=True),
            nudge="Which of your two loops does `break` leave? What does the other one do then?",
            pointer="Read the third question of “Stuck? Three questions”.",
            explanation="A `break` leaves the inner loop alone: the outer one draws the next series and "
            "goes on. And `most` is looked at between two series only, so it is overrun.",
        ),
        Misconception(
            "both-limits-between-series-only",
            _inner_loop_ended(most_looked_at=False, go_on=False),
            nudge="How often do you ask whether it is time to stop?",
            pointer="The docstring of the exercise says when to stop.",
            explanation="You look at `goal` and `most` between two series only. The training should end "
            "with the very window that reaches the one or the other.",
        ),
        Misconception(
            "one-series-only",
            _trained(one_series=True),
            nudge="What does your function do when a series is used up and the goal not reached?",
            pointer=_TRAIN_TEXT,
            explanation="You train on a single series and return. When it is used up, the next one is "
            "drawn.",
        ),
        Misconception(
            "one-window-too-many",
            _trained(too_many=1),
            nudge="Let `most` be 1. How many windows do you train on?",
            pointer="The docstring of the exercise says what `most` counts.",
            explanation="You compare with > where it takes >=: one window more than `most` allows.",
        ),
        Misconception(
            "twenty-one-asked-for",
            _trained(
                stop=lambda losses, goal: len(losses) > 20 and float(np.mean(losses[-20:])) < goal
            ),
            nudge="After how many windows can your training end at the earliest?",
            pointer="The docstring of the exercise says how many losses are needed.",
            explanation="You wait for more than 20 losses. Twenty are enough.",
        ),
        Misconception(
            "nothing-returned",
            _trained(report=lambda losses: None),
            nudge="What does your function return when one of the two things has ended the training?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="The training goes as it should, but its losses are not returned.",
        ),
    ),
    nudge="Which three things change from one window to the next, and which of them begins anew "
    "with a new series?",
    pointer=_TRAIN_TEXT,
    seconds=40.0,
    alternatives={
        "a generator of losses": _trained_by_generator,
        "a deque and a queue": _trained_with_deque,
        "tensors": _trained_in_tensorflow,
    },
)

SHOWN = (
    "cells/base_tf.py",
    "cells/gated.py",
    "cells/lstm.py",
    "cells/lstm_tf.py",
    "cells/state.py",
    "masking.py",
    "unroll/dynamic.py",
    "plots/stacking.py",
)
"""What of ``course_lib`` a grading kernel shows: what ordinary cells and probes need, and no answer."""

EXERCISES = (
    STACK_TWO_BY_HAND,
    MULTI_RNN_STEP,
    STACK_PARAMETER_COUNT,
    MAKE_MULTI_CELL,
    DESCRIBE_STATES,
    RESIDUAL_RNN_STEP,
    TRAIN_DEEP_ECHO,
)
