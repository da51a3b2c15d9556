"""N12: an encoder that reads, decoders that write, and what may be called sorted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from autograder.probes.sorter import rehearse, sorter

Array = np.ndarray
Rng = np.random.Generator
Step = Callable[[Any, Any], tuple[Any, Any]]


def _tf() -> Any:
    """TensorFlow, imported when an exercise is judged that needs it."""
    from course_lib.quiet import tf

    return tf


def _matrix(rng: Rng, rows: int, columns: int, scale: float) -> Array:
    size = rng.uniform(0.5, 1.0, size=(rows, columns)) * scale
    signed: Array = size * rng.choice([-1.0, 1.0], size=(rows, columns))
    return signed


def _reader(rng: Rng, D: int, H: int, read: float = 1.0) -> dict[str, Any]:
    return {
        "keep_c": float(rng.uniform(0.6, 0.9)),
        "keep_h": float(rng.uniform(0.2, 0.4)),
        "into_c": _matrix(rng, D, H, read),
        "into_h": _matrix(rng, H, H, 1.0 / np.sqrt(H)),
    }


def _writer(rng: Rng, V: int, H: int, scale: float = 2.0) -> dict[str, Any]:
    return {
        "keep": float(rng.uniform(0.7, 0.9)),
        "embedding": _matrix(rng, V + 1, H, 0.8),
        "W": rng.normal(size=(H, V)),
        "scale": scale,
    }


def _one_hot(tokens: Any, depth: int) -> Array:
    """Rows of the unit matrix; of zeros where a token is none of them."""
    hot: Array = (np.asarray(tokens)[..., np.newaxis] == np.arange(depth)).astype(float)
    return hot


def _through(step: Step, xs: Sequence[Any], state: Any) -> tuple[list[Any], list[Any]]:
    """All outputs and all states of a step along a list of inputs."""
    outputs, states = [], []
    for x in xs:
        output, state = step(x, state)
        outputs.append(np.asarray(output))
        states.append(state)
    return outputs, states


# ----------------------------------------------------------------------------- encode


def _encode(tokens: Array, vocabulary: int, step: Step, state: Any) -> Any:
    from course_lib.seq2seq import encode

    return encode(step, _tf().one_hot(tokens, vocabulary, dtype=_tf().float64), state)


def _encoded(
    *,
    hot: Callable[[Array, int], Array] = _one_hot,
    times: Callable[[Array], Sequence[Any]] = lambda x: list(np.swapaxes(x, 0, 1)),
    start: Callable[[Any], Any] = lambda state: state,
    carried: bool = True,
    outputs: Callable[[list[Any]], Any] = lambda ys: np.stack(ys, axis=1),
    last: Callable[[list[Any], list[Any]], Any] = lambda ys, states: states[-1],
) -> Callable[..., Any]:
    """Reading by the book; each argument bends one thing."""

    def answer(tokens: Array, vocabulary: int, step: Step, state: Any) -> Any:
        xs, state = times(hot(tokens, vocabulary)), start(state)
        if carried:
            ys, states = _through(step, xs, state)
        else:
            pairs = [_through(step, [x], state) for x in xs]
            ys, states = [y[0] for y, _ in pairs], [s[0] for _, s in pairs]
        return outputs(ys), last(ys, states)

    return answer


def _encode_twice_hot(tokens: Array, vocabulary: int, step: Any, state: Any) -> Any:
    x = _one_hot(_one_hot(tokens, vocabulary), vocabulary)
    x = x.reshape(-1, tokens.shape[1], vocabulary)
    return _encode_tail(x, step, step.zero_state(len(x)))


def _encode_tail(x: Array, step: Step, state: Any) -> Any:
    ys, states = _through(step, list(np.swapaxes(x, 0, 1)), state)
    return np.stack(ys, axis=1), states[-1]


def _encode_state_alone(tokens: Array, vocabulary: int, step: Step, state: Any) -> Any:
    return _encoded()(tokens, vocabulary, step, state)[1]


def _encode_states(tokens: Array, vocabulary: int, step: Step, state: Any) -> Any:
    _, states = _through(step, list(np.swapaxes(_one_hot(tokens, vocabulary), 0, 1)), state)
    return np.stack([np.asarray(both) for both in states], axis=1), states[-1]


def _encode_rows(tokens: Array, vocabulary: int, step: Step, state: Any) -> Any:
    unit = np.eye(vocabulary)
    ys = np.zeros((*tokens.shape, np.shape(state[1])[1]))
    for t in range(tokens.shape[1]):
        ys[:, t], state = step(unit[tokens[:, t]], state)
    return ys, state


def _encode_tensors(tokens: Array, vocabulary: int, step: Step, state: Any) -> Any:
    tf = _tf()
    ys = []
    for x in tf.unstack(tf.one_hot(tokens, vocabulary), axis=1):
        y, state = step(x, state)
        ys.append(y)
    return tf.stack(ys, axis=1), list(state)


def _encode_lists(tokens: Array, vocabulary: int, step: Step, state: Any) -> Any:
    hot = [[[float(k == token) for k in range(vocabulary)] for token in row] for row in tokens]
    ys, states = _through(step, [list(column) for column in zip(*hot, strict=True)], state)
    return np.transpose(ys, (1, 0, 2)).tolist(), states[-1]


def _encode_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, V: int, H: int, occur: int = 0) -> Case:
        tags = frozenset({"rare"}) if occur else frozenset()
        occur = occur or V
        tokens = rng.integers(0, occur, (B, T))
        tokens[0, 0], tokens[-1, -1] = occur - 1, 0
        if T > 1:  # never the same from either end
            tokens[0, -1] = 0
        weights = _reader(rng, V, H)
        c, h = _matrix(rng, B, H, 0.9), _matrix(rng, B, H, 0.9)
        return Case(name, (tokens, V, weights, c, h), tags)

    return [
        case("sizes that all differ", 3, 4, 5, 2),
        case("as many tokens, steps and units", 4, 4, 4, 4),
        case("a batch of one", 1, 6, 3, 5),
        case("one time step", 3, 1, 4, 2),
        case("tokens that do not occur", 3, 5, 7, 4, occur=5),
    ]


def _last_state(seen: Comparison) -> Difference | None:
    if seen.actual.value["c"] is None:
        return Difference("the state that was given is a pair; the one that comes back is not")
    return part("c")(seen) or part("h")(seen)


_RARE = frozenset({"rare"})
_ENCODE_TEXT = "Read “Read first, then write” again."
_ONE_HOT_TEXT = "Read “One-hot, once” again."

ENCODE = Exercise(
    id="encode",
    probe="decoding:encoded",
    reference=_encode,
    cases=_encode_cases,
    axes={
        "outputs": ("batch", "time", "hidden"),
        "c": ("batch", "hidden"),
        "h": ("batch", "hidden"),
    },
    aspects=(
        Aspect("shape of the outputs", 0.5, part("outputs", same_shape), without=_RARE),
        Aspect("outputs", 1.0, part("outputs"), without=_RARE, needs=("shape of the outputs",)),
        Aspect("last state", 1.5, _last_state, without=_RARE),
        Aspect("tokens that do not occur", 0.5, part("outputs"), tags=_RARE, needs=("outputs",)),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, without=_RARE, needs=("outputs",)),
    ),
    misconceptions=(
        Misconception(
            "one-hot-twice",
            _encode_twice_hot,
            nudge="How many sequences come out for each one that went in? Print the shape after "
            "every line.",
            pointer=_ONE_HOT_TEXT,
            explanation="You make one-hot vectors of one-hot vectors. There is one axis too many "
            "then, and a reshape has put it into the batch.",
        ),
        Misconception(
            "given-state-ignored",
            _encoded(start=lambda state: tuple(np.zeros_like(part) for part in state)),
            nudge="With which state does your first step begin?",
            pointer=_ENCODE_TEXT,
            explanation="You begin with zeros, whatever state was given.",
        ),
        Misconception(
            "state-not-carried",
            _encoded(carried=False),
            nudge="What does the second step know of the first?",
            pointer=_ENCODE_TEXT,
            explanation="Every step of yours begins with the given state. It should begin with "
            "what the step before has left.",
        ),
        Misconception(
            "last-output-as-state",
            _encoded(last=lambda ys, states: (ys[-1], ys[-1])),
            nudge="A step returns two things. Which of them does a decoder go on from?",
            pointer=_ENCODE_TEXT,
            explanation="You return the last output in the place of the state. A cell's output is "
            "not all that it remembers.",
        ),
        Misconception(
            "output-in-place-of-the-state",
            _encoded(last=lambda ys, states: ys[-1]),
            nudge="A step returns two things. Which of them does a decoder go on from?",
            pointer=_ENCODE_TEXT,
            explanation="You return the last output in the place of the state. A cell's output is "
            "not all that it remembers.",
        ),
        Misconception(
            "state-alone-returned",
            _encode_state_alone,
            nudge="How many things does your function return?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="You return the last state alone. Asked for are two things: the outputs of "
            "all steps, and the last state.",
        ),
        Misconception(
            "states-in-place-of-outputs",
            _encode_states,
            nudge="A step returns two things. Which of them do you collect?",
            pointer=_ENCODE_TEXT,
            explanation="You collect the states. Asked for are the outputs of all steps, and one "
            "state, the last.",
        ),
        Misconception(
            "first-state-returned",
            _encoded(last=lambda ys, states: states[0]),
            nudge="How many tokens does your last state know of?",
            pointer=_ENCODE_TEXT,
            explanation="You return the state after the first token. The decoder needs to know all.",
        ),
        Misconception(
            "parts-of-the-state-exchanged",
            _encoded(last=lambda ys, states: states[-1][::-1]),
            nudge="Do you take the state apart? Does it need to be?",
            pointer=_ENCODE_TEXT,
            explanation="The two parts of the state come back exchanged. Hand it on as it is.",
        ),
        Misconception(
            "states-averaged",
            _encoded(
                last=lambda ys, states: tuple(np.mean(p, axis=0) for p in zip(*states, strict=True))
            ),
            nudge="Is the last state what you return?",
            pointer=_ENCODE_TEXT,
            explanation="You return the mean of all states. Asked for is the last one.",
        ),
        Misconception(
            "backwards",
            _encoded(
                times=lambda x: list(np.swapaxes(x, 0, 1))[::-1],
                outputs=lambda ys: np.stack(ys[::-1], axis=1),
            ),
            nudge="Which token does your encoder read first?",
            pointer=_ENCODE_TEXT,
            explanation="You read from the last token to the first.",
        ),
        Misconception(
            "only-the-last-output",
            _encoded(outputs=lambda ys: ys[-1]),
            nudge="How many outputs does an encoder make for a sequence?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="You return the last output alone. Asked for are those of all steps.",
        ),
        Misconception(
            "time-major",
            _encoded(outputs=lambda ys: np.stack(ys)),
            nudge="Along which axis do you put the outputs together?",
            pointer="Notebook 2, on stacking a list of outputs.",
            explanation="Your outputs are time-major. The batch comes first.",
        ),
        Misconception(
            "reshaped-to-time",
            _encoded(times=lambda x: list(x.reshape(x.shape[1], x.shape[0], x.shape[2]))),
            nudge="Whose tokens are in the first input of your loop?",
            pointer="Notebook 2, on reshape in the place of transpose.",
            explanation="You reshape where axes have to change places: the sequences are mixed.",
        ),
        Misconception(
            "loops-over-the-batch",
            _encoded(times=list),
            nudge="What does the first input of your loop hold: the first token of all sequences, "
            "or all tokens of the first sequence?",
            pointer="Notebook 2, on the axis that a loop over an array runs along.",
            explanation="Your loop runs over the sequences of the batch. It should run over time.",
        ),
        Misconception(
            "depth-from-the-data",
            _encoded(hot=lambda tokens, V: _one_hot(tokens, int(tokens.max()) + 1)),
            nudge="What if the largest token does not occur in a batch?",
            pointer=_ONE_HOT_TEXT,
            explanation="You take the vocabulary from the data. A token that happens not to occur "
            "has its place in the vector all the same.",
        ),
        Misconception(
            "counted-from-one",
            _encoded(hot=lambda tokens, V: _one_hot(tokens - 1, V)),
            nudge="Which entry of its vector does token 0 set?",
            pointer=_ONE_HOT_TEXT,
            explanation="You count tokens from 1, so token 0 becomes a vector of zeros.",
        ),
        Misconception(
            "raw-numbers",
            _encoded(hot=lambda tokens, V: np.asarray(tokens, float)[..., np.newaxis]),
            nudge="How many features has an input of your step, and how many does the cell expect?",
            pointer=_ONE_HOT_TEXT,
            explanation="You feed the token's number. The cell reads a vector with an entry for "
            "each token of the vocabulary.",
        ),
    ),
    nudge="Two things happen to each column of tokens: it becomes vectors, and the cell reads them. "
    "What does the next column need of that?",
    pointer=_ENCODE_TEXT,
    alternatives={
        "rows of a unit matrix": _encode_rows,
        "TensorFlow": _encode_tensors,
        "lists": _encode_lists,
    },
)

# ------------------------------------------------------------------------ shift_right


def _shift(y: Array, go: int) -> Any:
    from course_lib.seq2seq import shift_right

    return shift_right(y, go)


def _shifted(moved: Callable[[Array, int], Array]) -> Callable[[Array, int], Array]:
    """An answer that refuses what it should, and moves in its own way."""

    def answer(y: Array, go: int) -> Array:
        if (y == go).any():
            raise ValueError("go is a token")
        return moved(y, go)

    return answer


def _column(y: Array, go: int) -> Array:
    return np.full((len(y), 1), go)


def _shift_unguarded(y: Array, go: int) -> Array:
    return np.hstack([_column(y, go), y[:, :-1]])


def _shift_asserting(y: Array, go: int) -> Array:
    if (y == go).any():
        raise AssertionError
    return _shift_unguarded(y, go)


def _shift_in_place(y: Array, go: int) -> Array:
    y[:, 1:] = y[:, :-1].copy()
    y[:, 0] = go
    return y


def _shift_loop(y: Array, go: int) -> Any:
    rows = []
    for row in np.asarray(y).tolist():
        if go in row:
            raise ValueError(f"{go} is a token")
        rows.append([go, *row[:-1]])
    return rows


def _shift_rolled(y: Array, go: int) -> Array:
    moved = np.roll(y, 1, axis=1)
    moved[:, 0] = go
    return moved


def _shift_tensors(y: Array, go: int) -> Any:
    tf = _tf()
    if bool(tf.reduce_any(tf.equal(y, go))):
        raise ValueError("go is a token")
    return tf.pad(y[:, :-1], [[0, 0], [1, 0]], constant_values=go)


def _top_rows(y: Array, go: int) -> Array:
    return np.vstack([np.full((1, y.shape[1]), go), y[:-1]])


def _shift_cases(rng: Rng) -> list[Case]:
    def tokens(B: int, T: int, V: int) -> Array:
        drawn: Array = np.stack([rng.permutation(V)[:T] for _ in range(B)])
        while B > 1 and (drawn[0] == drawn[1]).any():
            drawn = np.stack([rng.permutation(V)[:T] for _ in range(B)])
        return np.where(drawn == 0, V, drawn)  # 0 is kept for the last case

    first = tokens(2, 5, 9)
    return [
        Case("five tokens", (first, 10), frozenset({"go"})),
        Case("as many sequences as tokens", (tokens(3, 3, 9), 12), frozenset({"go"})),
        Case("a batch of one", (tokens(1, 4, 8), 20), frozenset({"go"})),
        Case("one token", (tokens(3, 1, 9), 11), frozenset({"go", "single"})),
        Case("GO is one of the tokens", (first, int(first[1, 4])), frozenset({"clash"})),
    ]


def _refused(seen: Comparison) -> Difference | None:
    if seen.actual.value["refused"] == seen.expected.value["refused"]:
        return None
    return Difference("GO is among the tokens here, and your function raised no ValueError")


def _went_through(seen: Comparison) -> Difference | None:
    if seen.actual.value["refused"]:
        return Difference("your function raised a ValueError, though GO is none of the tokens")
    return None


_SHIFT_TEXT = "Read “What the decoder reads” again."


def _shift_shape(seen: Comparison) -> Difference | None:
    return _went_through(seen) or part("inputs", same_shape)(seen)


SHIFT_RIGHT = Exercise(
    id="shift_right",
    probe="decoding:shifted",
    reference=_shift,
    cases=_shift_cases,
    axes={"inputs": ("batch", "time")},
    aspects=(
        Aspect("shape", 0.5, _shift_shape, tags=frozenset({"go"})),
        Aspect("tokens", 2.0, part("inputs"), tags=frozenset({"go"}), needs=("shape",)),
        Aspect(
            "a GO that is a token is refused",
            1.0,
            _refused,
            frozenset({"clash"}),
            needs=("tokens",),
        ),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("tokens",)),
    ),
    misconceptions=(
        Misconception(
            "unshifted",
            _shifted(lambda y, go: y.copy()),
            nudge="At step 0 the decoder has to say the first token. What does your function show "
            "it at step 0?",
            pointer=_SHIFT_TEXT,
            explanation="You show the decoder the very token that it has to predict. It learns to "
            "copy, and can do nothing alone.",
        ),
        Misconception(
            "shifted-left",
            _shifted(lambda y, go: np.hstack([y[:, 1:], _column(y, go)])),
            nudge="Which token does the decoder know at step 1: the one before, or the one after?",
            pointer=_SHIFT_TEXT,
            explanation="You shift to the left: the decoder is shown the next answer, and GO at "
            "the end.",
        ),
        Misconception(
            "last-token-comes-round",
            _shifted(lambda y, go: np.roll(y, 1, axis=1)),
            nudge="What stands in your first column? Where is GO?",
            pointer=_SHIFT_TEXT,
            explanation="What falls out at the right comes back in at the left. There should "
            "stand GO.",
        ),
        Misconception(
            "go-is-zero",
            _shifted(lambda y, go: np.hstack([_column(y, 0), y[:, :-1]])),
            nudge="What does `go` do in your function?",
            pointer=_SHIFT_TEXT,
            explanation="You put 0 in front, whatever `go` is. Token 0 is a number to be sorted "
            "like any other.",
        ),
        Misconception(
            "one-too-long",
            _shifted(lambda y, go: np.hstack([_column(y, go), y])),
            nudge="How many tokens does the decoder read, and how many does it write?",
            pointer=_SHIFT_TEXT,
            explanation="Your result is one token too long: the last target is never read.",
        ),
        Misconception(
            "first-token-replaced",
            _shifted(lambda y, go: np.hstack([_column(y, go), y[:, 1:]])),
            nudge="Compare your second column with that of y.",
            pointer=_SHIFT_TEXT,
            explanation="You put GO over the first token and leave the others where they are. From "
            "step 1 on the decoder sees what it has to predict.",
        ),
        Misconception(
            "along-the-batch",
            _shifted(_top_rows),
            nudge="Along which axis do you shift?",
            pointer=_SHIFT_TEXT,
            explanation="You shift sequences in the batch, not tokens in time.",
        ),
        Misconception(
            "all-go",
            _shifted(lambda y, go: np.full_like(y, go)),
            nudge="What does your decoder read at step 2?",
            pointer=_SHIFT_TEXT,
            explanation="Your decoder reads GO at every step, and never a token.",
        ),
        Misconception(
            "written-in-place",
            _shifted(_shift_in_place),
            nudge="Look at y after your function has returned.",
            pointer="The docstring of the exercise, its last line.",
            explanation="You write into y. These are the targets: the loss needs them as they "
            "were.",
        ),
        Misconception(
            "refused-by-an-assertion",
            _shift_asserting,
            nudge="Which exception does the docstring ask for, and which one do you raise?",
            pointer="The docstring of the exercise says what is raised.",
            explanation="You refuse with an assertion. Assertions can be switched off, and whoever "
            "calls your function waits for a ValueError.",
        ),
        Misconception(
            "clash-not-noticed",
            _shift_unguarded,
            nudge="What does your function do if `go` is one of the tokens of y?",
            pointer=_SHIFT_TEXT,
            explanation="You take any GO. If it is a token as well, the decoder cannot tell “begin” "
            "from “I have just written this”.",
        ),
    ),
    nudge="Write down the targets 2 5 9, and below each what the decoder may know by then.",
    pointer=_SHIFT_TEXT,
    alternatives={
        "lists": _shift_loop,
        "roll and overwrite": _shifted(_shift_rolled),
        "TensorFlow": _shift_tensors,
        "hstack": _shifted(_shift_unguarded),
    },
)

# -------------------------------------------------------------- decode_teacher_forced


def _forced(step: Step, state: Any, y: Array, go: int) -> Any:
    from course_lib.seq2seq import decode_teacher_forced

    return decode_teacher_forced(step, state, y, go)


def _shown_to(y: Array, go: int) -> Array:
    return np.hstack([_column(y, go), y[:, :-1]])


def _forced_bent(
    *,
    shown: Callable[[Array, int], Array] = _shown_to,
    start: Callable[[Array], Array] = lambda state: state,
    carried: bool = True,
    own: bool = False,
    logits: Callable[[list[Any]], Any] = lambda zs: np.stack(zs, axis=1),
    last: Callable[[list[Any]], Any] = lambda states: states[-1],
) -> Callable[..., Any]:
    """Teacher forcing by the book; each argument bends one thing."""

    def answer(step: Step, state: Array, y: Array, go: int) -> Any:
        inputs, begin = shown(y, go), start(state)
        zs: list[Any] = []
        states: list[Any] = []
        for t in range(inputs.shape[1]):
            tokens = np.argmax(zs[-1], axis=1) if own and zs else inputs[:, t]
            z, after = step(tokens, states[-1] if carried and states else begin)
            zs.append(np.asarray(z))
            states.append(after)
        return logits(zs), last(states)

    return answer


def _forced_scan(step: Step, state: Array, y: Array, go: int) -> Any:
    from itertools import accumulate

    columns = list(_shown_to(y, go).T)
    pairs = list(
        accumulate(columns, lambda so_far, tokens: step(tokens, so_far[1]), initial=(None, state))
    )[1:]
    return [list(rows) for rows in zip(*(np.asarray(z) for z, _ in pairs), strict=True)], pairs[-1][
        1
    ]


def _forced_tensors(step: Step, state: Array, y: Array, go: int) -> Any:
    tf = _tf()
    zs = []
    tokens = tf.fill([len(y)], tf.cast(go, tf.int64))
    for target in tf.unstack(tf.cast(y, tf.int64), axis=1):
        z, state = step(tokens, state)
        zs.append(z)
        tokens = target
    return tf.stack(zs, axis=1), state


def _forced_filled(step: Step, state: Array, y: Array, go: int) -> Any:
    out: Any = None
    for t in range(y.shape[1]):
        z, state = step(y[:, t - 1] if t else np.repeat(go, len(y)), state)
        out = np.zeros((*y.shape, z.shape[1])) if out is None else out
        out[:, t] = z
    return out, state


def _softmax(z: Any) -> Array:
    powers = np.exp(z - np.max(z, axis=-1, keepdims=True))
    p: Array = powers / powers.sum(axis=-1, keepdims=True)
    return p


def _forced_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, V: int, H: int, *tags: str) -> Case:
        weights, state = _writer(rng, V, H), _matrix(rng, B, H, 1.0)
        written, _ = _alone_bent()(_numpy_step(weights), state, V, T)
        # Never what the decoder would have said itself, and never twice the same in a row.
        y = (written + rng.integers(1, V, (B, T))) % V
        for t in range(1, T):
            for b in range(B):
                while y[b, t] in (y[b, t - 1], written[b, t]):
                    y[b, t] = (y[b, t] + 1) % V
        return Case(name, (weights, state, y, V), frozenset(tags))

    return [
        case("sizes that all differ", 3, 4, 6, 5, "long"),
        case("as many of everything", 4, 4, 4, 4, "long"),
        case("a batch of one", 1, 3, 7, 2, "long"),
        case("one time step", 3, 1, 5, 4, "single"),
    ]


def _numpy_step(weights: dict[str, Any]) -> Step:
    """What the stand-in decoder computes, without tensors, to draw cases with."""

    def step(tokens: Any, state: Any) -> tuple[Any, Any]:
        pair = isinstance(state, list | tuple)
        old, older = state if pair else (state, 0.0)
        new = np.tanh(weights["keep"] * old - 0.4 * older + weights["embedding"][tokens])
        return weights["scale"] * new @ weights["W"], [new, old] if pair else new

    return step


_FORCED_TEXT = "Read “Taught: with the right tokens” again."

DECODE_TEACHER_FORCED = Exercise(
    id="decode_teacher_forced",
    probe="decoding:forced",
    reference=_forced,
    cases=_forced_cases,
    axes={"logits": ("batch", "time", "vocabulary"), "state": ("batch", "hidden")},
    aspects=(
        Aspect("shape", 0.5, part("logits", same_shape)),
        Aspect("the first step", 1.0, part("logits"), frozenset({"single"}), needs=("shape",)),
        Aspect("all steps", 2.5, part("logits"), frozenset({"long"}), needs=("the first step",)),
        Aspect("last state", 0.5, part("state"), needs=("shape",)),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("all steps",)),
    ),
    misconceptions=(
        Misconception(
            "blind",
            _forced_bent(start=np.zeros_like),
            nudge="How does your decoder learn what the encoder has read?",
            pointer=_FORCED_TEXT,
            explanation="Your decoder begins with zeros in the place of the encoder's state: it "
            "knows nothing of the input. So do the slides.",
        ),
        Misconception(
            "unshifted",
            _forced_bent(shown=lambda y, go: y),
            nudge="What does your decoder read when it has to say the first token?",
            pointer=_FORCED_TEXT,
            explanation="At each step your decoder reads the token that it has to predict.",
        ),
        Misconception(
            "own-tokens-fed",
            _forced_bent(own=True),
            nudge="After a wrong token: what does the decoder read next while it is taught?",
            pointer=_FORCED_TEXT,
            explanation="You feed the decoder its own tokens. While it is taught it reads the right "
            "ones, whatever it has said.",
        ),
        Misconception(
            "state-not-carried",
            _forced_bent(carried=False),
            nudge="With which state does your second step begin?",
            pointer=_FORCED_TEXT,
            explanation="Every step of yours begins with the encoder's state. It should begin with "
            "what the step before has left.",
        ),
        Misconception(
            "go-at-every-step",
            _forced_bent(shown=lambda y, go: np.full_like(y, go)),
            nudge="What does your decoder read at step 1?",
            pointer=_FORCED_TEXT,
            explanation="Your decoder reads GO at every step, and is never told a token.",
        ),
        Misconception(
            "begins-with-zero",
            _forced_bent(shown=lambda y, go: _shown_to(y, 0)),
            nudge="What does `go` do in your function?",
            pointer=_SHIFT_TEXT,
            explanation="The first input of your decoder is token 0, whatever `go` is. Token 0 is a "
            "number to be sorted like any other.",
        ),
        Misconception(
            "first-target-skipped",
            _forced_bent(shown=lambda y, go: np.hstack([_column(y, go), y[:, 1:]])),
            nudge="Which target does your decoder read at step 1?",
            pointer=_FORCED_TEXT,
            explanation="GO stands in the place of the first target, and from step 1 on the decoder "
            "reads what it has to predict.",
        ),
        Misconception(
            "tokens-returned",
            _forced_bent(logits=lambda zs: np.argmax(np.stack(zs, axis=1), axis=2)),
            nudge="Can a loss be computed from what you return?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="You return the likeliest tokens. A loss needs the logits.",
        ),
        Misconception(
            "probabilities-returned",
            _forced_bent(logits=lambda zs: _softmax(np.stack(zs, axis=1))),
            nudge="Do the rows of your result add up to 1?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="You return probabilities. Asked for are logits, as the step makes them.",
        ),
        Misconception(
            "only-the-last-logits",
            _forced_bent(logits=lambda zs: zs[-1]),
            nudge="At how many steps does the decoder say a token?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="You return the last step's logits alone.",
        ),
        Misconception(
            "time-major",
            _forced_bent(logits=np.stack),
            nudge="Along which axis do you put the logits together?",
            pointer="Notebook 2, on stacking a list of outputs.",
            explanation="Your logits are time-major. The batch comes first.",
        ),
        Misconception(
            "one-step-too-many",
            _forced_bent(shown=lambda y, go: np.hstack([_column(y, go), y])),
            nudge="How many tokens are to be predicted, and how many steps do you make?",
            pointer=_FORCED_TEXT,
            explanation="You make a step too many: after the last target nothing is left to say.",
        ),
        Misconception(
            "first-state-returned",
            _forced_bent(last=lambda states: states[0]),
            nudge="After which step is the state taken that you return?",
            pointer="The docstring of the exercise says which state.",
            explanation="You return the state after the first step.",
        ),
    ),
    nudge="Write down, for three targets: what does the decoder read at steps 0, 1 and 2, and with "
    "which state does it begin?",
    pointer=_FORCED_TEXT,
    alternatives={
        "accumulate": _forced_scan,
        "TensorFlow": _forced_tensors,
        "a filled array": _forced_filled,
    },
)

# ---------------------------------------------------------------------- decode_greedy


def _alone(step: Step, state: Any, go: int, T: int) -> Any:
    from course_lib.seq2seq import decode_greedy

    return decode_greedy(step, state, go, T)


def _likeliest(z: Any) -> Array:
    best: Array = np.argmax(z, axis=1)
    return best


def _alone_bent(
    *,
    start: Callable[[Array], Array] = lambda state: state,
    carried: bool = True,
    choose: Callable[[Any], Any] = _likeliest,
    read: Callable[[list[Any], int], Any] = lambda written, go: (
        written[-1] if len(written) > 1 else np.full(len(written[0]), go)
    ),
    written_as: Callable[[Array], Any] = lambda tokens: tokens[:, 1:],
    last: Callable[[list[Any]], Any] = lambda states: states[-1],
) -> Callable[..., Any]:
    """Greedy decoding by the book; each argument bends one thing.

    `read(written, go)` makes the next input of all that is written, a column of GO first.
    """

    def answer(step: Step, state: Array, go: int, T: int) -> Any:
        begin = start(state)
        written, states = [np.full(_batch_of(state), go)], [begin]
        for _ in range(T):
            z, after = step(read(written, go), states[-1] if carried else begin)
            written.append(choose(np.asarray(z)))
            states.append(after)
        return written_as(np.stack(written, axis=1)), last(states)

    return answer


def _batch_of(state: Any) -> int:
    """How many sequences a state belongs to: an array, or a pair of them."""
    return len(state[0] if isinstance(state, list | tuple) else state)


def _zeros_like(state: Any) -> Any:
    pair = isinstance(state, list | tuple)
    return [np.zeros_like(part) for part in state] if pair else np.zeros_like(state)


def _go_once(step: Step, state: Any, go: int, T: int) -> Any:
    return step(go, state)


def _parts_counted(step: Step, state: Any, go: int, T: int) -> Any:
    step(np.full(len(state), go), state)
    return _alone_bent()(step, state, go, T)


def _one_argmax(step: Step, state: Any, go: int, T: int) -> Any:
    tokens: Any = np.full(_batch_of(state), go)
    written: list[Any] = []
    for _ in range(T):
        z, state = step(tokens, state)
        tokens = np.argmax(np.asarray(z))
        written.append(tokens)
    return np.stack(written), state


def _alone_tensors(step: Step, state: Any, go: int, T: int) -> Any:
    tf = _tf()
    tokens = tf.fill([len(tf.nest.flatten(state)[0])], tf.cast(go, tf.int64))
    written: list[Any] = []
    while len(written) < T:
        logits, state = step(tokens, state)
        tokens = tf.argmax(logits, axis=-1)
        written.append(tokens)
    return tf.stack(written, axis=1), state


def _alone_filled(step: Step, state: Any, go: int, T: int) -> Any:
    out = np.full((_batch_of(state), T + 1), go, dtype=np.int32)
    for t in range(T):
        logits, state = step(out[:, t], state)
        out[:, t + 1] = np.asarray(logits).argmax(-1)
    return out[:, 1:], state


def _alone_recursive(step: Step, state: Any, go: Any, T: int) -> Any:
    tokens = np.full(_batch_of(state), go) if np.ndim(go) == 0 else go
    logits, state = step(tokens, state)
    best = [max(range(len(row)), key=row.__getitem__) for row in np.asarray(logits).tolist()]
    if T == 1:
        return [[token] for token in best], state
    others, state = _alone_recursive(step, state, np.array(best), T - 1)
    return [[token, *rest] for token, rest in zip(best, others, strict=True)], state


def _changing(weights: dict[str, Any], state: Array, go: int, T: int) -> bool:
    """Whether what is written depends on the state, on the token before, and is no constant."""
    step = _numpy_step(weights)
    usual = _alone_bent()(step, state, go, T)[0]
    others = [
        _alone_bent(start=_zeros_like)(step, state, go, T)[0],
        _alone_bent(carried=False)(step, state, go, T)[0],
        _alone_bent(read=_go_again)(step, state, go, T)[0],
        _alone_bent(read=_zero_first)(step, state, go, T)[0],
        np.repeat(usual[:, :1], T, axis=1),
        np.sort(usual, axis=1),
    ]
    return not any(np.array_equal(usual, other) for other in others)


def _go_again(written: list[Any], go: int) -> Any:
    return np.full(len(written[0]), go)


def _zero_first(written: list[Any], go: int) -> Any:
    return written[-1] if len(written) > 1 else np.zeros_like(written[0])


def _alone_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, V: int, H: int, *tags: str) -> Case:
        def draw() -> tuple[dict[str, Any], Any]:
            weights, state = _writer(rng, V, H), _matrix(rng, B, H, 1.0)
            return weights, [state, _matrix(rng, B, H, 1.0)] if "pair" in tags else state

        weights, state = draw()
        while T > 1 and not _changing(weights, state, V, T):
            weights, state = draw()
        return Case(name, (weights, state, V, T), frozenset(tags))

    return [
        case("sizes that all differ", 3, 8, 6, 5, "long"),
        case("as many of everything", 5, 5, 5, 5, "long"),
        case("a batch of one", 1, 9, 7, 4, "long"),
        case("one time step", 4, 1, 6, 5, "single"),
        case("a state of two parts", 3, 7, 6, 4, "pair"),
    ]


_PAIR = frozenset({"pair"})
_ALONE_TEXT = "Read “Alone: with its own tokens” again."

DECODE_GREEDY = Exercise(
    id="decode_greedy",
    probe="decoding:alone",
    reference=_alone,
    cases=_alone_cases,
    axes={"tokens": ("batch", "time"), "state": ("batch", "hidden")},
    aspects=(
        Aspect("shape", 0.5, part("tokens", same_shape), without=_PAIR),
        Aspect("the first token", 1.0, part("tokens"), frozenset({"single"}), needs=("shape",)),
        Aspect("all tokens", 2.0, part("tokens"), frozenset({"long"}), needs=("the first token",)),
        Aspect("last state", 0.5, part("state"), without=_PAIR, needs=("all tokens",)),
        Aspect(
            "a state of two parts",
            0.5,
            lambda seen: part("tokens")(seen) or part("state")(seen),
            tags=_PAIR,
            needs=("all tokens",),
        ),
        Aspect(
            "inputs left unchanged", 0.5, inputs_unchanged, without=_PAIR, needs=("all tokens",)
        ),
    ),
    misconceptions=(
        Misconception(
            "blind",
            _alone_bent(start=_zeros_like),
            nudge="How does your decoder learn what the encoder has read?",
            pointer=_ALONE_TEXT,
            explanation="Your decoder begins with zeros in the place of the encoder's state. "
            "Whatever was read, it writes the same.",
        ),
        Misconception(
            "go-at-every-step",
            _alone_bent(read=_go_again),
            nudge="What does your decoder read at step 1?",
            pointer=_ALONE_TEXT,
            explanation="Your decoder reads GO at every step. It should read what it has just "
            "written.",
        ),
        Misconception(
            "state-not-carried",
            _alone_bent(carried=False),
            nudge="With which state does your second step begin?",
            pointer=_ALONE_TEXT,
            explanation="Every step of yours begins with the encoder's state. It should begin with "
            "what the step before has left.",
        ),
        Misconception(
            "begins-with-zero",
            _alone_bent(read=_zero_first),
            nudge="What does `go` do in your function?",
            pointer=_SHIFT_TEXT,
            explanation="The first input of your decoder is token 0, whatever `go` is. Token 0 is a "
            "number to be sorted like any other.",
        ),
        Misconception(
            "one-go-for-all",
            _go_once,
            nudge="How many tokens does a step read, if there are three sequences?",
            pointer=_ALONE_TEXT,
            explanation="You hand the step a single GO. Each sequence of the batch needs its own.",
        ),
        Misconception(
            "parts-counted",
            _parts_counted,
            nudge="How many sequences are there if the state is a pair of arrays?",
            pointer="The lines above the exercise, in brackets.",
            explanation="You take the number of the state's parts for the number of sequences.",
        ),
        Misconception(
            "argmax-over-everything",
            _one_argmax,
            nudge="How many tokens does your argmax give, for three sequences?",
            pointer=_ALONE_TEXT,
            explanation="Your argmax looks through all logits of the batch at once. Each sequence "
            "has its own largest.",
        ),
        Misconception(
            "one-token-late",
            _alone_bent(
                read=lambda written, go: (
                    written[-2] if len(written) > 1 else np.full(len(written[0]), go)
                )
            ),
            nudge="Write down what your decoder reads at steps 0, 1 and 2.",
            pointer=_ALONE_TEXT,
            explanation="Your decoder reads each of its tokens one step late.",
        ),
        Misconception(
            "go-returned",
            _alone_bent(written_as=lambda tokens: tokens[:, :-1]),
            nudge="Is GO among the tokens that you return?",
            pointer=_ALONE_TEXT,
            explanation="Your result begins with GO and lacks the last token. GO is read, never "
            "written.",
        ),
        Misconception(
            "one-token-too-many",
            _alone_bent(written_as=lambda tokens: tokens),
            nudge="How many tokens come back for T = 1?",
            pointer=_ALONE_TEXT,
            explanation="You return GO along with the T tokens that were written.",
        ),
        Misconception(
            "least-likely",
            _alone_bent(choose=lambda z: np.argmin(z, axis=1)),
            nudge="Which logit belongs to the token that you write?",
            pointer=_ALONE_TEXT,
            explanation="You write the token with the smallest logit.",
        ),
        Misconception(
            "one-choice-for-the-batch",
            _alone_bent(choose=lambda z: np.full(len(z), np.argmax(z.sum(axis=0)))),
            nudge="Do the sequences of your batch differ?",
            pointer=_ALONE_TEXT,
            explanation="You choose one token for the whole batch. Each sequence has its own.",
        ),
        Misconception(
            "sorted-afterwards",
            _alone_bent(written_as=lambda tokens: np.sort(tokens[:, 1:], axis=1)),
            nudge="Who sorts: the network, or your function?",
            pointer=_ALONE_TEXT,
            explanation="You sort what was written. Asked for is what the decoder writes, right or "
            "wrong.",
        ),
        Misconception(
            "the-first-token-repeated",
            _alone_bent(
                written_as=lambda tokens: np.repeat(tokens[:, 1:2], tokens.shape[1] - 1, 1)
            ),
            nudge="Do the tokens of a sequence differ?",
            pointer=_ALONE_TEXT,
            explanation="You write the first token at every step.",
        ),
        Misconception(
            "time-major",
            _alone_bent(written_as=lambda tokens: tokens[:, 1:].T),
            nudge="Along which axis do you put the tokens together?",
            pointer="Notebook 2, on stacking a list of outputs.",
            explanation="Your tokens are time-major. The batch comes first.",
        ),
        Misconception(
            "first-state-returned",
            _alone_bent(last=lambda states: states[0]),
            nudge="After which step is the state taken that you return?",
            pointer="The docstring of the exercise says which state.",
            explanation="You return the state that came in. Asked for is the one after the last "
            "token.",
        ),
    ),
    nudge="What does the decoder read at step 0, and where does its next input come from?",
    pointer=_ALONE_TEXT,
    alternatives={
        "TensorFlow": _alone_tensors,
        "a filled array": _alone_filled,
        "recursion": _alone_recursive,
    },
)

# ------------------------------------------------------------------------ exact_match


def _exact(pred: Any, target: Any) -> float:
    from course_lib.seq2seq import exact_match

    return exact_match(pred, target)


def _exact_loop(pred: Array, target: Array) -> float:
    right = 0
    for p, y in zip(pred.tolist(), target.tolist(), strict=True):
        right += p == y
    return right / len(target)


def _exact_tensors(pred: Array, target: Array) -> Any:
    tf = _tf()
    return tf.reduce_mean(tf.cast(tf.reduce_all(tf.equal(pred, target), axis=1), tf.float32))


def _exact_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, T: int, *tags: str) -> Case:
        V = 6 * T + 8
        # Even tokens: neighbours differ by more than one.
        target = np.sort(np.stack([2 * rng.permutation(V // 2)[:T] for _ in range(B)]), axis=1)
        pred = target.copy()
        rows = rng.permutation(B)
        # One row each: two neighbours exchanged, one off by one at the end, all wrong but the first.
        pred[rows[0], :2] = target[rows[0], 1::-1]
        pred[rows[1], -1] += 1
        pred[rows[2]] = (target[rows[2]] + 2) % V
        pred[rows[2], 0] = target[rows[2], 0]
        pred[rows[3]] = (target[rows[3]] + 3) % V
        return Case(name, (pred, target), frozenset(tags))

    single = np.sort(rng.integers(0, 9, (1, 4)), axis=1)
    wrong = single.copy()
    wrong[0, 2] += 1
    ones = rng.integers(0, 9, (4, 1))
    other = ones.copy()
    other[rng.integers(4), 0] += 2
    return [
        case("seven sequences of four", 7, 4, "several"),
        case("six of six", 6, 6, "several"),
        Case("one sequence, right", (single.copy(), single), frozenset({"single"})),
        Case("one sequence, one token wrong", (wrong, single), frozenset({"single"})),
        Case("sequences of one token", (other, ones), frozenset({"several"})),
    ]


_EXACT_TEXT = "Read “Right from the first token to the last” again."

EXACT_MATCH = Exercise(
    id="exact_match",
    probe="calls:call",
    reference=_exact,
    cases=_exact_cases,
    aspects=(
        Aspect("one sequence", 1.0, same_values, frozenset({"single"})),
        Aspect(
            "several sequences", 1.5, same_values, frozenset({"several"}), needs=("one sequence",)
        ),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("several sequences",)),
    ),
    misconceptions=(
        Misconception(
            "token-accuracy",
            lambda pred, target: float(np.mean(pred == target)),
            nudge="What does your function say of a sequence with one wrong token of four?",
            pointer=_EXACT_TEXT,
            explanation="You count tokens. A sequence with one wrong token is not sorted, and "
            "counts nothing.",
        ),
        Misconception(
            "order-ignored",
            lambda pred, target: float(
                (np.sort(pred, axis=1) == np.sort(target, axis=1)).all(axis=1).mean()
            ),
            nudge="Would your function notice if the network did not sort at all?",
            pointer=_EXACT_TEXT,
            explanation="You compare which tokens there are, in any order. The order is the task.",
        ),
        Misconception(
            "any-token",
            lambda pred, target: float((pred == target).any(axis=1).mean()),
            nudge="How many tokens of a sequence have to be right for you?",
            pointer=_EXACT_TEXT,
            explanation="For you a sequence is right when any token of it is.",
        ),
        Misconception(
            "one-verdict-a-sequence",
            lambda pred, target: (pred == target).all(axis=1),
            nudge="How many numbers do you return for seven sequences?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="You say of each sequence whether it is right. Asked for is one number, the "
            "share of those that are.",
        ),
        Misconception(
            "sequences-counted",
            lambda pred, target: float((pred == target).all(axis=1).sum()),
            nudge="Can your result be larger than 1?",
            pointer=_EXACT_TEXT,
            explanation="You count the sequences that are right. Asked for is their share.",
        ),
        Misconception(
            "places-counted",
            lambda pred, target: float((pred == target).all(axis=0).mean()),
            nudge="Which axis is that of the sequences?",
            pointer=_EXACT_TEXT,
            explanation="You look along the batch: your result is the share of places at which all "
            "sequences are right.",
        ),
        Misconception(
            "all-or-nothing",
            lambda pred, target: float((pred == target).all()),
            nudge="What is your result if one of a hundred sequences is wrong?",
            pointer=_EXACT_TEXT,
            explanation="A single mistake anywhere makes your result 0. Asked for is the share of "
            "sequences without one.",
        ),
        Misconception(
            "share-of-wrong-ones",
            lambda pred, target: 1 - float((pred == target).all(axis=1).mean()),
            nudge="What is your result for a perfect network?",
            pointer=_EXACT_TEXT,
            explanation="You return the share of sequences with a mistake.",
        ),
        Misconception(
            "percent",
            lambda pred, target: 100 * float((pred == target).all(axis=1).mean()),
            nudge="What is your result for a perfect network?",
            pointer="The docstring of the exercise says between what the result lies.",
            explanation="You return percent. Asked for is a share, from 0 to 1.",
        ),
        Misconception(
            "first-token-only",
            lambda pred, target: float((pred[:, 0] == target[:, 0]).mean()),
            nudge="Which tokens of a sequence do you look at?",
            pointer=_EXACT_TEXT,
            explanation="You look at the first token only.",
        ),
        Misconception(
            "nearly-right",
            lambda pred, target: float((np.abs(pred - target) <= 1).all(axis=1).mean()),
            nudge="Is a 5 in the place of a 4 right?",
            pointer=_EXACT_TEXT,
            explanation="You forgive a token that is off by one.",
        ),
    ),
    nudge="When is one sequence right? And what share of them is?",
    pointer=_EXACT_TEXT,
    alternatives={
        "a loop": _exact_loop,
        "TensorFlow": _exact_tensors,
        "products": lambda pred, target: np.mean(np.prod(np.equal(pred, target), axis=1)),
        "no error in a row": lambda pred, target: float(
            1 - np.count_nonzero(np.abs(pred - target).sum(axis=1)) / len(pred)
        ),
    },
)

# -------------------------------------------------------------- repair_slides_sorter


def _reference_program(
    x: Array, vocabulary: int, encoder: Any, decoder: Any, W: Array, b: Array
) -> Any:
    from course_lib.seq2seq import decode_greedy, encode

    tf = _tf()
    hot = tf.one_hot(x, vocabulary, dtype=tf.float64)
    _, state = encode(encoder, hot, encoder.zero_state(len(x)))

    def step(tokens: Any, state: Any) -> tuple[Any, Any]:
        output, state = decoder(tf.one_hot(tokens, vocabulary + 1), state)
        return tf.convert_to_tensor(output) @ W + b, state

    return decode_greedy(step, state, vocabulary, x.shape[1])[0]


def _hot_twice(x: Array, V: int) -> Array:
    return _one_hot(_one_hot(x, V), V).reshape(-1, x.shape[1], V)


def _program(
    *,
    hot: Callable[[Array, int], Array] = _one_hot,
    blind: bool = False,
    read: Callable[[Array, int], Array] = lambda written, V: written,
    first: Callable[[int], int] = lambda V: V,
    project: Callable[[Array, Array, Array], Array] = lambda y, W, b: y @ W + b,
    carried: bool = True,
    encoded: Callable[[list[Any]], Any] = lambda states: states[-1],
    told: bool = False,
    axis: int = 1,
) -> Callable[..., Any]:
    """The slides' program, repaired; each argument puts one mistake back."""

    def answer(x: Array, V: int, encoder: Any, decoder: Any, W: Array, b: Array) -> Any:
        features = hot(x, V)
        batch = len(features)
        _, states = _through(encoder, list(np.swapaxes(features, 0, 1)), encoder.zero_state(batch))
        begin = state = decoder.zero_state(batch) if blind else encoded(states)
        tokens, written = np.full(batch, first(V)), []
        for t in range(x.shape[1]):
            y, state = decoder(_one_hot(tokens, V + 1), state if carried else begin)
            chosen = np.argmax(project(y, W, b), axis=1)
            written.append(chosen)
            tokens = np.sort(x, axis=1)[:, t] if told else read(chosen, V)
        return np.stack(written, axis=axis)

    return answer


def _as_printed(x: Array, V: int, encoder: Any, decoder: Any, W: Array, b: Array) -> Any:
    return _program(
        hot=_hot_twice,
        blind=True,
        first=lambda V: 0,
        read=lambda written, V: np.zeros_like(written),
        project=lambda y, W, b: y,
    )(x, V, encoder, decoder, W, b)


def _program_in_tensorflow(x: Array, V: int, encoder: Any, decoder: Any, W: Array, b: Array) -> Any:
    tf = _tf()
    state = encoder.zero_state(len(x))
    for column in tf.unstack(tf.one_hot(x, V), axis=1):
        _, state = encoder(column, state)
    tokens = tf.fill([len(x)], V)
    written: list[Any] = []
    for _ in range(x.shape[1]):
        y, state = decoder(tf.one_hot(tokens, V + 1), state)
        tokens = tf.argmax(tf.linalg.matmul(y, W) + b, axis=1, output_type=tf.int32)
        written.append(tokens)
    return tf.stack(written, axis=1)


def _program_one_by_one(x: Array, V: int, encoder: Any, decoder: Any, W: Array, b: Array) -> Any:
    rows = []
    for row in x:
        state, token = encoder.zero_state(1), V
        written: list[int] = []
        for number in row:
            _, state = encoder(np.eye(V)[[number]], state)
        while len(written) < len(row):
            y, state = decoder(np.eye(V + 1)[[token]], state)
            token = int(np.argmax(np.dot(y, W)[0] + b))
            written.append(token)
        rows.append(written)
    return rows


def _program_filled(x: Array, V: int, encoder: Any, decoder: Any, W: Array, b: Array) -> Any:
    batch, time = x.shape
    unit = np.eye(V + 1)
    tokens = np.concatenate([np.full((batch, 1), V), np.zeros_like(x)], axis=1)
    state = encoder.zero_state(batch)
    for t in range(time):
        state = encoder(unit[x[:, t], :V], state)[1]
    for t in range(time):
        y, state = decoder(unit[tokens[:, t]], state)
        tokens[:, t + 1] = np.einsum("bh,hv->bv", y, W).__add__(b).argmax(axis=1)
    return tokens[:, 1:]


def _differ(results: Sequence[Any]) -> bool:
    """Whether no two results are the same."""
    return not any(
        np.shape(a) == np.shape(b) and np.allclose(a, b)
        for n, a in enumerate(results)
        for b in results[:n]
    )


def _program_cases(rng: Rng) -> list[Case]:
    def draw(B: int, T: int, V: int, H: int) -> tuple[Any, ...]:
        x = rng.integers(0, V, (B, T))
        x[0, : min(T, V)] = rng.permutation(V)[: min(T, V)]
        cells = _reader(rng, V, H, 1.2), _reader(rng, V + 1, H, 1.2)
        return x, V, *cells, rng.normal(size=(H, V)), rng.normal(size=V)

    def case(name: str, *sizes: int) -> Case:
        from autograder.probes.decoding import program

        inputs = draw(*sizes)
        if sizes[0] > 2:
            while not _differ(
                [program(v, *inputs) for v in (_program(), *_PROGRAM_VARIANTS.values())]
            ):
                inputs = draw(*sizes)
        return Case(name, inputs)

    return [
        case("sizes that all differ", 4, 6, 5, 7),
        case("as many of everything", 6, 6, 6, 6),
        case("a batch of one", 1, 4, 6, 3),
        case("one time step", 2, 1, 5, 3),
    ]


def _first_token(seen: Comparison) -> Difference | None:
    wanted, got = (np.asarray(o.value)[:, 0] for o in (seen.expected, seen.actual))
    if np.array_equal(wanted, got):
        return None
    return Difference(
        f"the first tokens are {', '.join(f'{v:g}' for v in got)}, expected "
        f"{', '.join(str(v) for v in wanted)}"
    )


_PROGRAM_VARIANTS: dict[str, Callable[..., Any]] = {
    "as-printed": _as_printed,
    "one-hot-twice": _program(hot=_hot_twice),
    "no-initial-state": _program(blind=True),
    "no-projection": _program(project=lambda y, W, b: y),
    "zeros-read": _program(first=lambda V: 0, read=lambda written, V: np.zeros_like(written)),
    "zeros-after-go": _program(read=lambda written, V: np.zeros_like(written)),
    "no-token-as-go": _program(first=lambda V: -1),
    "only-the-shape-mended": _program(
        blind=True,
        first=lambda V: 0,
        read=lambda written, V: np.zeros_like(written),
        project=lambda y, W, b: y,
    ),
    "told-the-answers": _program(told=True),
    "sorted-without-the-network": lambda x, V, *others: np.sort(x, axis=1),
    "time-major": _program(axis=0),
    "go-at-every-step": _program(read=lambda written, V: np.full_like(written, V)),
    "begins-with-zero": _program(first=lambda V: 0),
    "no-bias": _program(project=lambda y, W, b: y @ W),
    "state-not-carried": _program(carried=False),
    "state-of-the-first-token": _program(encoded=lambda states: states[0]),
}
_SLIDES_TEXT = "Read “The slides' sorter” again."

REPAIR_SLIDES_SORTER = Exercise(
    id="repair_slides_sorter",
    probe="decoding:program",
    reference=_reference_program,
    cases=_program_cases,
    axes=("batch", "time"),
    aspects=(
        Aspect("as many sequences out as in", 0.5, same_shape),
        Aspect("the first token", 1.5, _first_token, needs=("as many sequences out as in",)),
        Aspect("all tokens", 2.5, same_values, needs=("the first token",)),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("all tokens",)),
    ),
    misconceptions=(
        Misconception(
            "as-printed",
            _PROGRAM_VARIANTS["as-printed"],
            nudge="Begin at the top: print `x.shape` after each of the first three lines.",
            pointer=_SLIDES_TEXT,
            explanation="This is the program as it was: all of its mistakes are still in it.",
        ),
        Misconception(
            "only-the-shape-mended",
            _PROGRAM_VARIANTS["only-the-shape-mended"],
            nudge="Four of the list of five are left. Exchange two numbers of the input: does what "
            "is written change at all?",
            pointer=_SLIDES_TEXT,
            explanation="The input is one-hot once, as it should be. The other four mistakes are "
            "still there; none of them shows in a shape.",
        ),
        Misconception(
            "one-hot-twice",
            _PROGRAM_VARIANTS["one-hot-twice"],
            nudge="How many sequences come out for each one that went in?",
            pointer=_ONE_HOT_TEXT,
            explanation="One-hot vectors are made of one-hot vectors, and a reshape hides the axis "
            "too many in the batch.",
        ),
        Misconception(
            "no-initial-state",
            _PROGRAM_VARIANTS["no-initial-state"],
            nudge="Exchange two numbers of the input. Does what is written change at all?",
            pointer=_SLIDES_TEXT,
            explanation="The decoder still begins with zeros. What the encoder has read never "
            "reaches it.",
        ),
        Misconception(
            "no-projection",
            _PROGRAM_VARIANTS["no-projection"],
            nudge="Between what can the argmax choose in your program?",
            pointer=_SLIDES_TEXT,
            explanation="You take the largest of the H units for a token. W and b turn units into "
            "V logits.",
        ),
        Misconception(
            "zeros-read",
            _PROGRAM_VARIANTS["zeros-read"],
            nudge="Which token do zeros stand for, and did anybody write it?",
            pointer=_SLIDES_TEXT,
            explanation="The decoder still reads token 0 at every step. It should read GO, and then "
            "what it has written.",
        ),
        Misconception(
            "zeros-after-go",
            _PROGRAM_VARIANTS["zeros-after-go"],
            nudge="What does the decoder read at step 1, and who wrote it?",
            pointer=_ALONE_TEXT,
            explanation="The decoder begins with GO, and then still reads token 0 at every step. It "
            "should read what it has just written.",
        ),
        Misconception(
            "no-token-as-go",
            _PROGRAM_VARIANTS["no-token-as-go"],
            nudge="Which entry of the decoder's first input is 1?",
            pointer=_SHIFT_TEXT,
            explanation="Your GO is a vector of zeros. GO is a token like others, with an entry of "
            "its own: the vectors have V + 1 of them.",
        ),
        Misconception(
            "told-the-answers",
            _PROGRAM_VARIANTS["told-the-answers"],
            nudge="Does whoever uses a sorter have the sorted numbers at hand?",
            pointer=_ALONE_TEXT,
            explanation="You show the decoder the sorted tokens, as while it is taught. Here it "
            "writes alone, and reads what it has written, right or wrong.",
        ),
        Misconception(
            "sorted-without-the-network",
            _PROGRAM_VARIANTS["sorted-without-the-network"],
            nudge="What would your function return if the network were badly trained?",
            pointer="The docstring of the exercise, its last line.",
            explanation="You sort the numbers yourself. Asked for is what this decoder writes; the "
            "networks of the check are not trained, and sort nothing.",
        ),
        Misconception(
            "time-major",
            _PROGRAM_VARIANTS["time-major"],
            nudge="Along which axis do you put the tokens together?",
            pointer="Notebook 2, on stacking a list of outputs.",
            explanation="Your tokens are time-major. The batch comes first.",
        ),
        Misconception(
            "go-at-every-step",
            _PROGRAM_VARIANTS["go-at-every-step"],
            nudge="What does the decoder read at step 1?",
            pointer=_ALONE_TEXT,
            explanation="The decoder reads GO at every step, and never what it has written.",
        ),
        Misconception(
            "begins-with-zero",
            _PROGRAM_VARIANTS["begins-with-zero"],
            nudge="What does the decoder read before it has written anything?",
            pointer=_SHIFT_TEXT,
            explanation="The decoder's first input is token 0, a number like any other. GO has the "
            "index V.",
        ),
        Misconception(
            "no-bias",
            _PROGRAM_VARIANTS["no-bias"],
            nudge="Is everything used that your function is given?",
            pointer="The docstring of the exercise says what W and b are.",
            explanation="b is never added.",
        ),
        Misconception(
            "state-not-carried",
            _PROGRAM_VARIANTS["state-not-carried"],
            nudge="With which state does the decoder's second step begin?",
            pointer=_ALONE_TEXT,
            explanation="Every step of the decoder begins with the encoder's state.",
        ),
        Misconception(
            "state-of-the-first-token",
            _PROGRAM_VARIANTS["state-of-the-first-token"],
            nudge="How many tokens does the state know of that the decoder begins with?",
            pointer=_ENCODE_TEXT,
            explanation="The decoder begins with the encoder's state after the first token.",
        ),
    ),
    nudge="Five questions: what shape has the input, where does the decoder begin, what does it read "
    "first, what afterwards, and what turns its units into tokens?",
    pointer=_SLIDES_TEXT,
    alternatives={
        "TensorFlow": _program_in_tensorflow,
        "one sequence at a time": _program_one_by_one,
        "a filled array": _program_filled,
    },
)

# ----------------------------------------------------------------------- train_sorter

LOOK = 20


def _reference_train(model: Any, draw: Callable[[], Any], goal: float, most: int) -> Any:
    from course_lib.seq2seq import decode_greedy, exact_match, shift_right

    losses: list[float] = []
    scores: list[float] = []
    while len(losses) < most and not (scores and scores[-1] >= goal):
        x = draw()
        y = np.sort(x, axis=1)
        losses.append(float(model.update(x, shift_right(y, model.go), y)))
        if len(losses) % LOOK == 0:
            x = draw()
            written, _ = decode_greedy(model.step, model.encode(x), model.go, x.shape[1])
            scores.append(exact_match(written, np.sort(x, axis=1)))
    return losses, scores


def _alone_at(model: Any, x: Array, told: Array | None = None) -> Array:
    """What the model writes alone, or, if it is told the right tokens, says at each step."""
    tokens: Any = np.full(len(x), model.go)
    state, written = model.encode(x), []
    for t in range(x.shape[1]):
        logits, state = model.step(tokens, state)
        written.append(np.argmax(np.asarray(logits), axis=1))
        tokens = written[-1] if told is None else told[:, t]
    return np.stack(written, axis=1)


def _share(written: Array, y: Array) -> float:
    return float((written == y).all(axis=1).mean())


def _score_alone(model: Any, x: Array) -> float:
    return _score_against(lambda x: np.sort(x, axis=1))(model, x)


def _score_against(target: Callable[[Array], Array]) -> Callable[[Any, Array], float]:
    """A look by somebody who takes something else for sorted, and does so everywhere."""
    return lambda model, x: _share(_alone_at(model, x), target(x))


def _score_told(model: Any, x: Array) -> float:
    y = np.sort(x, axis=1)
    return _share(_alone_at(model, x, y), y)


def _score_tokens(model: Any, x: Array) -> float:
    return float(np.mean(_alone_at(model, x) == np.sort(x, axis=1)))


def _trained(
    *,
    source: Callable[[Array, Array], Array] = lambda x, y: x,
    shown: Callable[[Array, Array, int], Array] = lambda x, y, go: _shown_to(y, go),
    target: Callable[[Array], Array] = lambda x: np.sort(x, axis=1),
    score: Callable[[Any, Array], float] = _score_alone,
    fresh: Callable[[Callable[[], Array], Array], Array] = lambda draw, x: draw(),
    every: int = LOOK,
    late: int = 0,
    stops: Callable[[list[float], float], bool] = lambda scores, goal: scores[-1] >= goal,
    keeps: bool = False,
    extra: int = 0,
    report: Callable[[list[float], list[float]], Any] = lambda losses, scores: (losses, scores),
) -> Callable[..., Any]:
    """The training by the book; each argument bends one thing."""

    def answer(model: Any, draw: Callable[[], Array], goal: float, most: int) -> Any:
        losses: list[float] = []
        scores: list[float] = []
        x = draw() if keeps else np.zeros((1, 1), int)
        while len(losses) < most + extra:
            x = x if keeps else draw()
            y = target(x)
            losses.append(float(model.update(source(x, y), shown(x, y, model.go), y)))
            if (len(losses) - late) % every == 0:
                scores.append(score(model, fresh(draw, x)))
                if stops(scores, goal):
                    break
        return report(losses, scores)

    return answer


def _trained_for(target: Callable[[Array], Array]) -> Callable[..., Any]:
    """The training by the book, towards another target, and judged by it."""
    return _trained(target=target, score=_score_against(target))


def _trained_recursive(model: Any, draw: Callable[[], Array], goal: float, most: int) -> Any:
    losses: list[Any] = []
    scores: list[Any] = []
    for number in range(1, most + 1):
        x = np.asarray(draw())
        y = np.array([sorted(row) for row in x.tolist()])
        losses.append(model.update(x.tolist(), [[model.go, *row[:-1]] for row in y.tolist()], y))
        if number % LOOK:
            continue
        x = draw()
        rows = zip(_alone_at(model, x).tolist(), x.tolist(), strict=True)
        scores.append(sum(written == sorted(row) for written, row in rows) / len(x))
        if scores[-1] >= goal:
            return losses, scores
    return losses, scores


def _trained_in_tensorflow(model: Any, draw: Callable[[], Array], goal: float, most: int) -> Any:
    tf = _tf()
    losses: list[Any] = []
    scores: list[float] = []
    best = -1.0
    while best < goal and len(losses) < most:
        x = tf.constant(draw())
        y = tf.sort(x, axis=1)
        inputs = tf.concat([tf.fill([x.shape[0], 1], tf.cast(model.go, y.dtype)), y[:, :-1]], 1)
        losses.append(model.update(x, inputs, y))
        if len(losses) % LOOK == 0:
            x = tf.constant(draw())
            right = tf.equal(_alone_at(model, x), tf.sort(x, axis=1))
            best = float(tf.reduce_mean(tf.cast(tf.reduce_all(right, axis=1), tf.float32)))
            scores.append(best)
    return tf.stack(losses), tf.constant(scores)


_SIZES = (10, 6, 64)
GOAL, MOST = 0.95, 600
LIMIT = 0.7


def _train_cases(rng: Rng) -> list[Case]:
    def rehearsal(B: int, T: int, V: int, rising: Sequence[float], goal: float, most: int) -> list:
        x = np.stack(
            [np.stack([rng.permutation(V)[:T] for _ in range(B)]) for _ in range(most + 10)]
        )
        x[:, 0] = np.sort(x[:, 0], axis=1)[:, ::-1]  # one row of each batch is upside down
        right = [share for share in rising for _ in range(LOOK)]
        return [x, right, V, goal, most]

    low, high = (float(n) for n in rng.permutation([0.25, 0.5])[:2])
    cases = [
        ("the goal is reached", rehearsal(8, 5, 9, (0.0, low, high, 0.75), 0.75, 110)),
        ("the goal is not reached", rehearsal(4, 4, 7, (0.25, 0.5, 0.25), 0.9, 50)),
    ]
    noted = ("updates", "drawn", "alone", "scores", "x", "inputs", "y")
    first = []
    for _, inputs in cases:
        seen = rehearse(_reference_train, *inputs)
        first.append([inputs, {name: seen[name] for name in noted}])
    seed = int(rng.integers(2**31))
    return [
        *(Case(name, ("rehearsal", inputs), frozenset({"rehearsal"})) for name, inputs in cases),
        Case(
            "a training",
            ("training", [first, GOAL, MOST, list(_SIZES), seed]),
            frozenset({"training"}),
        ),
    ]


def _read(name: str, words: str) -> Callable[[Comparison], Difference | None]:
    def test(seen: Comparison) -> Difference | None:
        wanted, got = (np.asarray(o.value[name]) for o in (seen.expected, seen.actual))
        if not len(got):
            return Difference("`model.update` is never called")
        both = min(len(wanted), len(got))
        if wanted.shape[1:] == got.shape[1:] and np.array_equal(wanted[:both], got[:both]):
            return None
        if wanted.shape[1:] != got.shape[1:]:
            return Difference(f"{words} {got.shape[1:]}, expected {wanted.shape[1:]}")
        off = next(n for n in range(both) if not np.array_equal(wanted[n], got[n]))
        row = int(np.argmax((wanted[off] != got[off]).any(axis=1)))
        return Difference(
            f"{words} {got[off][row].tolist()} in sequence {row} of update {off + 1}, expected "
            f"{wanted[off][row].tolist()}"
        )

    return test


def _looks(seen: Comparison) -> Difference | None:
    wanted, got = seen.expected.value, seen.actual.value
    if not got["alone"]:
        return Difference("after a wrong token the decoder was told the right one, or never asked")
    found = part("scores")(seen)
    if found or got["drawn"] == wanted["drawn"]:
        return found
    return Difference(f"`draw` was called {got['drawn']} times, expected {wanted['drawn']}")


def _ends(seen: Comparison) -> Difference | None:
    wanted, got = seen.expected.value, seen.actual.value
    if got["updates"] != wanted["updates"]:
        return Difference(f"there were {got['updates']} updates, expected {wanted['updates']}")
    return part("losses")(seen)


def _sorts(seen: Comparison) -> Difference | None:
    """Measured here and not beside the answer: from the weights, on sequences that nobody has seen."""
    trained = seen.actual.value
    if not trained["rehearsed"]:
        return Difference("nothing was trained, because a rehearsal went otherwise")
    V, N, _ = _SIZES
    network = sorter(V, N)
    for variable, value in zip(network.weights, trained["weights"], strict=True):
        variable.assign(value)
    x = np.random.default_rng([12, V, N]).integers(0, V, (500, N))
    share = _score_alone(network, x)
    if share > LIMIT:
        return None
    return Difference(f"{share:.0%} of 500 fresh sequences are sorted, expected over {LIMIT:.0%}")


_TRAIN_TEXT = "Read “Training it” again."

TRAIN_SORTER = Exercise(
    id="train_sorter",
    probe="sorter:train",
    reference=_reference_train,
    cases=_train_cases,
    seconds=60.0,
    aspects=(
        Aspect("sorted targets", 1.0, _read("y", "the targets are"), frozenset({"rehearsal"})),
        Aspect(
            "what the encoder reads",
            0.5,
            _read("x", "the encoder reads"),
            frozenset({"rehearsal"}),
            needs=("sorted targets",),
        ),
        Aspect(
            "what the decoder reads",
            1.0,
            _read("inputs", "the decoder reads"),
            frozenset({"rehearsal"}),
            needs=("sorted targets",),
        ),
        Aspect(
            "looks at fresh sequences",
            1.0,
            _looks,
            frozenset({"rehearsal"}),
            needs=("what the decoder reads",),
        ),
        Aspect(
            "when it ends",
            0.5,
            _ends,
            frozenset({"rehearsal"}),
            needs=("looks at fresh sequences",),
        ),
        Aspect(
            "sorts fresh sequences",
            2.0,
            _sorts,
            frozenset({"training"}),
            needs=("what the encoder reads", "when it ends"),
        ),
    ),
    misconceptions=(
        Misconception(
            "unshifted",
            _trained(shown=lambda x, y, go: y),
            nudge="What does the decoder read at the step where it has to say the first token?",
            pointer=_TRAIN_TEXT,
            explanation="The decoder reads the very tokens that it has to predict. The loss falls "
            "to nothing, and alone it can do nothing.",
        ),
        Misconception(
            "decoder-reads-the-input",
            _trained(shown=lambda x, y, go: _shown_to(x, go)),
            nudge="Which sequence do you shift: the unsorted one, or the sorted one?",
            pointer=_TRAIN_TEXT,
            explanation="The decoder is shown the unsorted tokens. It should be shown its targets, "
            "shifted.",
        ),
        Misconception(
            "zero-as-go",
            _trained(shown=lambda x, y, go: _shown_to(y, 0)),
            nudge="Which token stands first in what the decoder reads?",
            pointer=_TRAIN_TEXT,
            explanation="You begin with token 0. It is a number to be sorted; the model's GO is "
            "`model.go`.",
        ),
        Misconception(
            "targets-not-sorted",
            _trained_for(lambda x: x.copy()),
            nudge="What do you teach the network to write?",
            pointer=_TRAIN_TEXT,
            explanation="Your targets are the input itself. The network would learn to copy.",
        ),
        Misconception(
            "sorted-down-the-batch",
            _trained_for(lambda x: np.sort(x, axis=0)),
            nudge="Are the tokens of a target those of its own sequence?",
            pointer=_TRAIN_TEXT,
            explanation="You sort along the batch, so the tokens of different sequences are mixed.",
        ),
        Misconception(
            "largest-first",
            _trained_for(lambda x: np.sort(x, axis=1)[:, ::-1]),
            nudge="Which token comes first in your targets?",
            pointer=_TRAIN_TEXT,
            explanation="Your targets fall. The smallest should come first.",
        ),
        Misconception(
            "encoder-reads-the-answer",
            _trained(source=lambda x, y: y),
            nudge="What does the encoder read while you train, and what when you look?",
            pointer=_TRAIN_TEXT,
            explanation="While training, your encoder reads sequences that are sorted already.",
        ),
        Misconception(
            "told-when-judged",
            _trained(score=_score_told),
            nudge="After a wrong token in your look: which token is read next?",
            pointer=_TRAIN_TEXT,
            explanation="You look with the right tokens fed in. Whoever uses the network does not "
            "have them: let it read what it has written.",
        ),
        Misconception(
            "token-accuracy",
            _trained(score=_score_tokens),
            nudge="What do you count in a look: tokens, or sequences?",
            pointer=_EXACT_TEXT,
            explanation="Your scores count tokens. Asked for is the share of sequences without a "
            "mistake.",
        ),
        Misconception(
            "judged-on-what-was-trained",
            _trained(fresh=lambda draw, x: x),
            nudge="Which sequences do you look at? Has the network seen them?",
            pointer=_TRAIN_TEXT,
            explanation="You judge the network by the batch that it has just been trained on. Draw "
            "a fresh one.",
        ),
        Misconception(
            "one-batch-for-ever",
            _trained(keeps=True),
            nudge="How often do you call `draw` in your training loop?",
            pointer=_TRAIN_TEXT,
            explanation="You train on one batch again and again. It is learned by heart.",
        ),
        Misconception(
            "goal-ignored",
            _trained(stops=lambda scores, goal: False),
            nudge="What happens in your loop when the goal is reached?",
            pointer="The docstring of the exercise says when to stop.",
            explanation="You go on to the last update, though the goal has been reached.",
        ),
        Misconception(
            "looks-at-every-update",
            _trained(every=1),
            nudge="How many scores are there after 20 updates?",
            pointer="The docstring of the exercise says how often to look.",
            explanation="You look after each update. Once in 20 is enough, and much quicker.",
        ),
        Misconception(
            "looks-too-early",
            _trained(late=1),
            nudge="After how many updates do you look for the first time?",
            pointer="The docstring of the exercise says after how many updates to look.",
            explanation="You look for the first time after one update, when there is nothing to see "
            "yet. Count the updates that are done, not their numbers from 0.",
        ),
        Misconception(
            "one-update-too-many",
            _trained(extra=1),
            nudge="How many updates does your function make for most=1?",
            pointer="The docstring of the exercise says how many updates at most.",
            explanation="You make one update more than `most`.",
        ),
        Misconception(
            "last-values-returned",
            _trained(report=lambda losses, scores: (losses[-1], scores[-1])),
            nudge="How many losses should come back?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="You return the last loss and the last score. Asked for are all of them.",
        ),
    ),
    nudge="Five things an update: tokens, sorted tokens, what the decoder reads, the update, its "
    "loss. And what once in 20 updates?",
    pointer=_TRAIN_TEXT,
    alternatives={
        "by the book": _trained(),
        "lists": _trained_recursive,
        "TensorFlow": _trained_in_tensorflow,
    },
)

# ------------------------------------------------------------------------ beam_search


def _beam(step: Step, state: Any, width: int, T: int, go: int = 0) -> Any:
    from course_lib.seq2seq import beam_search

    tokens, scores = beam_search(step, state, width, T, go=go)
    return tokens[0], scores[0]


def _log_softmax(z: Any) -> Array:
    z = np.asarray(z)
    log_p: Array = z - np.max(z, axis=1, keepdims=True)
    return log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))


def _first_counts(width: int) -> Array:
    return np.where(np.arange(width) == 0, 0.0, -np.inf)


def _beamed(
    *,
    score: Callable[[Any], Array] = _log_softmax,
    start: Callable[[int], Array] = _first_counts,
    add: Callable[[Array, Array], Array] = lambda scores, new: scores[:, np.newaxis] + new,
    states: Callable[[Any, Array], Any] = lambda state, beams: state[beams],
    carried: bool = True,
    history: Callable[[Array, Array], Array] = lambda tokens, beams: tokens[beams],
    own: bool = False,
    sign: int = -1,
    finish: Callable[[Array, Array, int], Any] = lambda tokens, scores, go: (tokens, scores),
) -> Callable[..., Any]:
    """Beam search by the book; each argument bends one thing."""

    def answer(step: Step, state: Array, width: int, T: int, go: int = 0) -> Any:
        state = begin = np.repeat(np.asarray(state), width, axis=0)
        tokens, scores = np.zeros((width, 0), int), start(width)
        last = np.full(width, go)
        for t in range(T):
            z, after = step(last, state)
            found = add(scores, score(z))
            V = found.shape[1]
            if own and t:
                best = np.arange(width) * V + np.argmax(found, axis=1)
            else:
                best = np.argsort(sign * found.ravel(), kind="stable")[:width]
            beams, last = best // V, best % V
            scores = found.ravel()[best]
            tokens = np.hstack([history(tokens, beams), last[:, np.newaxis]])
            state = states(np.asarray(after), beams) if carried else begin
        return finish(tokens, scores, go)

    return answer


def _times(scores: Array, new: Array) -> Array:
    return scores[:, np.newaxis] * new


def _first_alone(width: int) -> Array:
    return np.where(np.arange(width) == 0, 1.0, 0.0)


def _best_first(tokens: Array, scores: Array, go: int) -> Any:
    order = np.argsort(-scores, kind="stable")
    return tokens[order], scores[order]


def _logs(tokens: Array, scores: Array, go: int) -> Any:
    with np.errstate(divide="ignore"):
        return tokens, np.log(scores)


def _beam_of_lists(step: Step, state: Any, width: int, T: int, go: int = 0) -> Any:
    beams: list[tuple[float, list[int], Any]] = [(0.0, [], np.asarray(state))]
    for _ in range(T):
        longer = []
        for score, tokens, memory in beams:
            z, after = step(np.array([tokens[-1] if tokens else go]), memory)
            for token, log_p in enumerate(_log_softmax(z)[0].tolist()):
                longer.append((score + log_p, [*tokens, token], after))
        beams = sorted(longer, key=lambda beam: beam[0], reverse=True)[:width]
    return [tokens for _, tokens, _ in beams], [score for score, _, _ in beams]


def _beam_in_tensorflow(step: Step, state: Any, width: int, T: int, go: int = 0) -> Any:
    tf = _tf()
    state, scores = tf.convert_to_tensor(state), tf.zeros([1], tf.float64)
    tokens = tf.zeros([1, 0], tf.int32)
    for t in range(T):
        last = tokens[:, -1] if t else tf.fill([1], go)
        z, state = step(last, state)
        sums = scores[:, tf.newaxis] + tf.nn.log_softmax(z)
        V = sums.shape[1]
        scores, best = tf.math.top_k(tf.reshape(sums, [-1]), min(width, sums.shape[0] * V))
        tokens = tf.concat([tf.gather(tokens, best // V), (best % V)[:, tf.newaxis]], axis=1)
        state = tf.gather(state, best // V)
    return tokens, scores


def _beam_by_heap(step: Step, state: Any, width: int, T: int, go: int = 0) -> Any:
    from heapq import nlargest

    kept: dict[tuple[int, ...], tuple[float, Array]] = {(): (0.0, np.asarray(state))}
    for _ in range(T):
        last = np.array([path[-1] if path else go for path in kept])
        z, after = step(last, np.concatenate([memory for _, memory in kept.values()]))
        log_p, after = _log_softmax(z), np.asarray(after)
        found = {
            (*path, token): (score + log_p[row, token], after[row : row + 1])
            for row, (path, (score, _)) in enumerate(kept.items())
            for token in range(log_p.shape[1])
        }
        kept = dict(nlargest(width, found.items(), key=lambda item: item[1][0]))
    return np.array(list(kept)), np.array([score for score, _ in kept.values()])


_BEAM_VARIANTS: dict[str, Callable[..., Any]] = {
    "products-of-probabilities": _beamed(score=_softmax, start=_first_alone, add=_times),
    "logarithm-at-the-end": _beamed(score=_softmax, start=_first_alone, add=_times, finish=_logs),
    "logits-added": _beamed(score=lambda z: np.asarray(z)),
    "probabilities-added": _beamed(score=_softmax),
    "states-not-reordered": _beamed(states=lambda state, beams: state),
    "one-state-for-all": _beamed(states=lambda state, beams: state[beams * 0]),
    "tokens-not-reordered": _beamed(history=lambda tokens, beams: tokens),
    "each-beam-goes-its-own-way": _beamed(own=True),
    "own-ways-and-sorted": _beamed(own=True, finish=_best_first),
    "all-beams-alike": _beamed(start=np.zeros),
    "last-step-only": _beamed(
        add=lambda scores, new: np.where(np.isfinite(scores), 0.0, scores)[:, np.newaxis] + new
    ),
    "worst-first": _beamed(finish=lambda tokens, scores, go: (tokens[::-1], scores[::-1])),
    "mean-scores": _beamed(finish=lambda tokens, scores, go: (tokens, scores / tokens.shape[1])),
    "go-returned": _beamed(
        finish=lambda tokens, scores, go: (np.hstack([_column(tokens, go), tokens]), scores)
    ),
    "best-only": _beamed(finish=lambda tokens, scores, go: (tokens[0], scores[0])),
    "state-not-carried": _beamed(carried=False),
}


def _beam_cases(rng: Rng) -> list[Case]:
    telling = [name for name in _BEAM_VARIANTS if name != "logarithm-at-the-end"]

    def results(weights: dict[str, Any], state: Array, width: int, T: int, go: int) -> list[Any]:
        step = _numpy_step(weights)
        answers = [_beamed(), *(_BEAM_VARIANTS[name] for name in telling)]
        pairs = [answer(step, state, width, T, go) for answer in answers]
        return [np.concatenate([np.ravel(tokens), np.ravel(scores)]) for tokens, scores in pairs]

    def case(name: str, width: int, T: int, V: int, H: int, tag: str) -> Case:
        def draw() -> tuple[Any, ...]:
            return _writer(rng, V, H, 0.8), _matrix(rng, 1, H, 1.0), width, T, V

        inputs = draw()
        if tag == "wide":
            while not _differ(results(*inputs)):
                inputs = draw()
        return Case(name, (*inputs, False), frozenset({tag}))

    long = (_writer(rng, 1000, 4, 0.05), _matrix(rng, 1, 4, 1.0), 2, 115, 1000, True)
    return [
        case("three beams", 3, 5, 6, 4, "wide"),
        case("as many of everything", 4, 4, 4, 4, "wide"),
        case("a beam of one", 1, 6, 5, 3, "narrow"),
        case("one time step", 3, 1, 5, 2, "narrow"),
        Case("115 steps of 1,000 tokens", long, frozenset({"long"})),
    ]


_BEAM_TEXT = "Read “Several beginnings at once” again."

BEAM_SEARCH = Exercise(
    id="beam_search",
    probe="decoding:beams",
    reference=_beam,
    cases=_beam_cases,
    axes={"tokens": ("beam", "time"), "scores": ("beam",)},
    aspects=(
        Aspect(
            "shape",
            0.5,
            lambda seen: part("tokens", same_shape)(seen) or part("scores", same_shape)(seen),
        ),
        Aspect("one beam, or one step", 1.0, same_values, frozenset({"narrow"}), needs=("shape",)),
        Aspect(
            "several beams",
            2.0,
            same_values,
            frozenset({"wide"}),
            needs=("one beam, or one step",),
        ),
        Aspect(
            "long sequences",
            1.0,
            part("scores"),
            frozenset({"long"}),
            needs=("one beam, or one step",),
        ),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("several beams",)),
    ),
    misconceptions=(
        Misconception(
            "products-of-probabilities",
            _BEAM_VARIANTS["products-of-probabilities"],
            nudge="What is the product of 115 numbers of about 1/1000, on a computer?",
            pointer=_BEAM_TEXT,
            explanation="Your scores are probabilities. Those of long sequences all become 0, and "
            "the beams alike. Asked for are sums of logarithms.",
        ),
        Misconception(
            "logarithm-at-the-end",
            _BEAM_VARIANTS["logarithm-at-the-end"],
            nudge="When do you take the logarithm: at each step, or once at the end?",
            pointer=_BEAM_TEXT,
            explanation="You multiply probabilities and take the logarithm at the end. By then the "
            "product of a long sequence has become 0.",
        ),
        Misconception(
            "logits-added",
            _BEAM_VARIANTS["logits-added"],
            nudge="Do the exponentials of what you add up sum to 1 over the vocabulary?",
            pointer=_BEAM_TEXT,
            explanation="You add logits. Two beams' logits have different scales: only log-"
            "probabilities can be compared.",
        ),
        Misconception(
            "probabilities-added",
            _BEAM_VARIANTS["probabilities-added"],
            nudge="What is the probability of two heads in a row: 0.5 + 0.5?",
            pointer=_BEAM_TEXT,
            explanation="You add probabilities. A sequence's probability is their product, and its "
            "logarithm the sum of their logarithms.",
        ),
        Misconception(
            "states-not-reordered",
            _BEAM_VARIANTS["states-not-reordered"],
            nudge="Beam 2 is thrown away and beam 0 goes on twice. Which states do they have?",
            pointer=_BEAM_TEXT,
            explanation="You reorder tokens and scores, but not the states: a beam goes on with the "
            "memory of another.",
        ),
        Misconception(
            "one-state-for-all",
            _BEAM_VARIANTS["one-state-for-all"],
            nudge="Do two beams that have written different tokens have different states?",
            pointer=_BEAM_TEXT,
            explanation="All beams go on with one beam's state.",
        ),
        Misconception(
            "tokens-not-reordered",
            _BEAM_VARIANTS["tokens-not-reordered"],
            nudge="Beam 2 is thrown away and beam 0 goes on twice. Which tokens have they written?",
            pointer=_BEAM_TEXT,
            explanation="You append the new tokens to the old beams. Each belongs to the beginning "
            "that it continues.",
        ),
        Misconception(
            "each-beam-goes-its-own-way",
            _BEAM_VARIANTS["each-beam-goes-its-own-way"],
            nudge="Can two of your beams continue one beginning after the first step?",
            pointer=_BEAM_TEXT,
            explanation="Each beam takes its own best token. Beams compete: the best continuations "
            "of all beams together are kept.",
        ),
        Misconception(
            "own-ways-and-sorted",
            _BEAM_VARIANTS["own-ways-and-sorted"],
            nudge="Can two of your beams continue one beginning after the first step?",
            pointer=_BEAM_TEXT,
            explanation="After the first step each beam takes its own best token. Beams compete: the "
            "best continuations of all beams together are kept.",
        ),
        Misconception(
            "all-beams-alike",
            _BEAM_VARIANTS["all-beams-alike"],
            nudge="How many different beginnings are there before the first step?",
            pointer=_BEAM_TEXT,
            explanation="You begin with equal beams that all count, so they stay copies of one "
            "another.",
        ),
        Misconception(
            "last-step-only",
            _BEAM_VARIANTS["last-step-only"],
            nudge="Does a bad beginning cost anything in your scores?",
            pointer=_BEAM_TEXT,
            explanation="Your scores forget the steps before. A beam's score is that of all its "
            "tokens.",
        ),
        Misconception(
            "worst-first",
            _BEAM_VARIANTS["worst-first"],
            nudge="Which of your beams comes first?",
            pointer="The docstring of the exercise says in which order.",
            explanation="Your best beam comes last.",
        ),
        Misconception(
            "mean-scores",
            _BEAM_VARIANTS["mean-scores"],
            nudge="Is a score the log-probability of the whole sequence?",
            pointer="The docstring of the exercise says what the scores are.",
            explanation="You divide by the length. All sequences here are equally long; asked for "
            "is the sum.",
        ),
        Misconception(
            "go-returned",
            _BEAM_VARIANTS["go-returned"],
            nudge="Is GO among the tokens that you return?",
            pointer="The docstring of the exercise says how many tokens.",
            explanation="You return GO as well. It is read, never written.",
        ),
        Misconception(
            "best-only",
            _BEAM_VARIANTS["best-only"],
            nudge="How many sequences are asked for?",
            pointer="The docstring of the exercise says what is returned.",
            explanation="You return the best beam alone. Asked for are all of them.",
        ),
        Misconception(
            "state-not-carried",
            _BEAM_VARIANTS["state-not-carried"],
            nudge="With which state does your second step begin?",
            pointer=_BEAM_TEXT,
            explanation="Every step of yours begins with the state that was given.",
        ),
    ),
    nudge="Work the example in the text on paper, with two beams and two steps.",
    pointer=_BEAM_TEXT,
    alternatives={
        "lists": _beam_of_lists,
        "TensorFlow": _beam_in_tensorflow,
        "a heap": _beam_by_heap,
    },
)

SHOWN = ("plots/sorting.py",)
"""What of ``course_lib`` a grading kernel shows: what ordinary cells and probes need, and no answer."""

EXERCISES = (
    ENCODE,
    SHIFT_RIGHT,
    DECODE_TEACHER_FORCED,
    DECODE_GREEDY,
    EXACT_MATCH,
    REPAIR_SLIDES_SORTER,
    TRAIN_SORTER,
    BEAM_SEARCH,
)
