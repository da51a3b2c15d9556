"""N13: weights from scores, contexts from weights, and a pointer that sorts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
)
from autograder.probes.pointer import START, pointer, rehearse

Array = np.ndarray
Rng = np.random.Generator


def _tf() -> Any:
    """TensorFlow, imported when an exercise is judged that needs it."""
    from course_lib.quiet import tf

    return tf


def _mask(rng: Rng, *shape: int) -> Array:
    """Booleans; every row holds both kinds where it has room."""
    mask = rng.random(shape) < 0.6
    for row in mask.reshape(-1, shape[-1]):
        if len(row) > 1 and row.all() | ~row.any():
            row[rng.integers(len(row))] ^= True
        elif len(row) == 1:
            row[0] = True
    return mask


# ---------------------------------------------------------------------- masked_softmax


def _reference_softmax(scores: Any, mask: Any) -> Any:
    from course_lib.attention import masked_softmax

    return masked_softmax(scores, mask)


def _softmax_cases(rng: Rng) -> list[Case]:
    def case(name: str, shape: Sequence[int], mask_shape: Sequence[int], *tags: str) -> Case:
        return Case(name, (rng.normal(0, 1.5, shape), _mask(rng, *mask_shape)), frozenset(tags))

    def open_case(name: str, *shape: int) -> Case:
        return Case(name, (rng.normal(0, 1.5, shape), np.ones(shape, bool)), frozenset({"open"}))

    huge, small, leaking = (_mask(rng, 3, 5) for _ in range(3))
    nothing = _mask(rng, 3, 4)
    nothing[1] = False
    hard = frozenset({"huge"})
    return [
        open_case("nothing is masked", 3, 6),
        open_case("one key", 4, 1),
        case("some keys are masked", (3, 5), (3, 5)),
        case("as many rows as keys", (4, 4), (4, 4)),
        case("one row", (1, 4), (1, 4)),
        case("a mask for all queries", (2, 3, 5), (2, 1, 5)),
        Case("scores around 1000", (1000 + rng.normal(0, 2, (3, 5)), huge), hard),
        Case("scores around -1000", (-1000 + rng.normal(0, 2, (3, 5)), small), hard),
        Case(
            "rows of very different heights",
            (np.array([[900.0], [-900.0], [0.0]]) + rng.normal(0, 2, (3, 5)), _mask(rng, 3, 5)),
            hard,
        ),
        Case(
            "a huge score where nothing is",
            (rng.normal(0, 2, (3, 5)) + 5000.0 * ~leaking, leaking),
            hard,
        ),
        Case(
            "a row that allows nothing",
            (rng.normal(0, 1.5, (3, 4)), nothing),
            frozenset({"nothing"}),
        ),
    ]


def _soften(
    scores: Any,
    mask: Any,
    *,
    top: str = "allowed",
    powers: Callable[[Array, Array], Array] = lambda powers, mask: powers * mask,
    total: Callable[[Array, Array], Array] = lambda raw, kept: kept.sum(axis=-1, keepdims=True),
    empty: float = 0.0,
) -> Array:
    """The softmax step by step, with a place for each mistake."""
    scores, mask = np.asarray(scores, float), np.broadcast_to(mask, np.shape(scores))
    with np.errstate(all="ignore"):
        if top == "allowed":
            low = np.where(mask, scores, -np.inf).max(axis=-1, keepdims=True)
            scores = np.where(mask, scores - np.where(np.isfinite(low), low, 0.0), 0.0)
        elif top == "all":
            scores = scores - scores.max(axis=-1, keepdims=True)
        raw = np.exp(scores)
        kept = powers(raw, mask)
        weights = kept / total(raw, kept)
    nothing = ~mask.any(axis=-1, keepdims=True)
    if empty == 0.0 and top != "allowed":
        return weights
    return np.where(nothing, empty, weights)


def _plain_softmax(scores: Array, axis: Any = -1) -> Array:
    shifted = scores - scores.max(axis=axis, keepdims=True)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def _by_rows(scores: Array, mask: Array) -> Array:
    mask = np.broadcast_to(mask, scores.shape)
    weights = np.zeros(scores.shape)
    for place in np.ndindex(*scores.shape[:-1]):
        kept = [k for k in range(scores.shape[-1]) if mask[place][k]]
        if not kept:
            continue
        best = max(float(scores[place][k]) for k in kept)
        powers = [float(np.exp(scores[place][k] - best)) for k in kept]
        for k, power in zip(kept, powers, strict=True):
            weights[place][k] = power / sum(powers)
    return weights


def _by_rows_sharing_a_top(scores: Array, mask: Array) -> Array:
    low = np.where(mask, scores, -1e9)
    with np.errstate(all="ignore"):
        powers = np.exp(low - low.max())
        return np.asarray(np.where(mask, powers / powers.sum(axis=-1, keepdims=True), 0.0))


def _sharing_a_top_unguarded(scores: Array, mask: Array) -> Array:
    low = np.where(mask, scores, -1e9)
    with np.errstate(all="ignore"):
        powers = np.exp(low - low.max())
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _with_a_crumb(raw: Array, kept: Array) -> Array:
    return np.asarray(kept.sum(axis=-1, keepdims=True) + 1e-9)


def _by_low_scores(scores: Array, mask: Array, low: float = -1e9) -> Array:
    weights = _plain_softmax(np.where(mask, scores, low))
    return np.asarray(np.where(mask, weights, 0.0))


def _by_tensorflow(scores: Any, mask: Any) -> Any:
    tf = _tf()
    scores = tf.constant(scores)
    low = tf.where(mask, scores, tf.constant(-1e9, scores.dtype))
    return tf.where(mask, tf.nn.softmax(low, axis=-1), tf.zeros_like(scores))


def _by_infinity(scores: Array, mask: Array) -> Array:
    low = np.where(mask, scores, -np.inf)
    top = low.max(axis=-1, keepdims=True)
    powers = np.exp(low - np.where(top == -np.inf, 0.0, top))
    total = powers.sum(axis=-1, keepdims=True)
    return np.asarray(powers / np.where(total == 0, 1.0, total))


_SOFT_TEXT = "From scores to weights"
_MASK_TEXT = "Keys that are not there"
_HUGE_TEXT = "Huge scores"

MASKED_SOFTMAX = Exercise(
    id="masked_softmax",
    probe="calls:call",
    reference=_reference_softmax,
    cases=_softmax_cases,
    axes=("row", "key"),
    aspects=(
        Aspect("without a mask", 1.0, tags=frozenset({"open"})),
        Aspect("with a mask", 1.5, without=frozenset({"open", "huge", "nothing"})),
        Aspect("huge scores", 1.0, tags=frozenset({"huge"}), needs=("with a mask",)),
        Aspect(
            "a row that allows nothing", 0.5, tags=frozenset({"nothing"}), needs=("with a mask",)
        ),
        Aspect(
            "inputs left unchanged", 0.5, inputs_unchanged, needs=("without a mask", "with a mask")
        ),
        Aspect("shape", 0.5, same_shape, needs=("without a mask",)),
    ),
    misconceptions=(
        Misconception(
            "masked-after",
            partial(_soften, total=lambda raw, kept: raw.sum(axis=-1, keepdims=True), top="all"),
            nudge="Add up one row of your weights. What comes out where a key is masked?",
            pointer=f"Read “{_MASK_TEXT}” again.",
            explanation="You mask after the softmax: what the masked keys had taken is lost, and the "
            "rest does not sum to 1.",
        ),
        Misconception(
            "mask-ignored",
            lambda scores, mask: _plain_softmax(np.asarray(scores)),
            nudge="Change a score where the mask is False. Do your weights change?",
            pointer=f"Read “{_MASK_TEXT}” again.",
            explanation="You never use the mask: padding gets its share of the weights.",
        ),
        Misconception(
            "masked-scores-zero",
            lambda scores, mask: _plain_softmax(np.where(mask, scores, 0.0)),
            nudge="Which weight does a key with the score 0 get?",
            pointer=f"Read “{_MASK_TEXT}” again: what is $e^0$?",
            explanation="You set masked scores to 0, as if by multiplication with the mask. A score of "
            "0 is an ordinary score: its power is 1, which is more than that of any negative one.",
        ),
        Misconception(
            "mask-upside-down",
            lambda scores, mask: _by_infinity(scores, ~np.asarray(mask)),
            nudge="Where the mask is True, which weights do you give?",
            pointer=f"Read “{_MASK_TEXT}” again: what does True stand for?",
            explanation="You leave out the keys that are there. True means: may be attended to. (Some "
            "libraries have it the other way round.)",
        ),
        Misconception(
            "not-stable",
            partial(_soften, top="none"),
            nudge="What is np.exp(1000.0)? And np.exp(-1000.0)?",
            pointer=f"Read “{_HUGE_TEXT}” again.",
            explanation="You raise e to the scores as they are. Large ones overflow to infinity, and "
            "very negative ones all become 0.",
        ),
        Misconception(
            "not-stable-but-nothing-is-zero",
            lambda scores, mask: _soften(scores, mask, top="none", empty=1e-30),
            nudge="What is np.exp(1000.0)? And np.exp(-1000.0)?",
            pointer=f"Read “{_HUGE_TEXT}” again.",
            explanation="You raise e to the scores as they are. Large ones overflow to infinity, and "
            "very negative ones all become 0.",
        ),
        Misconception(
            "largest-of-all",
            partial(_soften, top="all"),
            nudge="A masked score is 5000, the allowed ones are about 0. Which number do you subtract?",
            pointer=f"Read “{_HUGE_TEXT}” again, to its last paragraph.",
            explanation="You subtract the largest of all scores, masked ones included. If such a one "
            "is huge, the powers of all others become 0, and 0 / 0 is not a number.",
        ),
        Misconception(
            "one-largest-for-all-rows",
            lambda scores, mask: _by_rows_sharing_a_top(scores, mask),
            nudge="One row has scores around 900, another around -900. What do you subtract from the "
            "second one?",
            pointer=f"Read “{_HUGE_TEXT}” again: the largest of what?",
            explanation="You subtract one largest number from all rows. In a row whose scores are far "
            "below it all powers become 0. Each row needs its own: an axis, and `keepdims=True`.",
        ),
        Misconception(
            "one-largest-and-no-guard",
            _sharing_a_top_unguarded,
            nudge="One row has scores around 900, another around -900. What do you subtract from the "
            "second one?",
            pointer=f"Read “{_HUGE_TEXT}” again: the largest of what?",
            explanation="You subtract one largest number from all rows. In a row whose scores are far "
            "below it, and in one that allows nothing, you divide 0 by 0.",
        ),
        Misconception(
            "largest-of-all-and-a-crumb",
            partial(_soften, top="all", total=_with_a_crumb),
            nudge="A masked score is 5000, the allowed ones are about 0. Which number do you subtract?",
            pointer=f"Read “{_HUGE_TEXT}” again, to its last paragraph.",
            explanation="You subtract the largest of all scores, masked ones included. If such a one "
            "is huge, all allowed powers become 0. What you add to the sum only hides it: a row "
            "without any weight.",
        ),
        Misconception(
            "not-low-enough",
            lambda scores, mask: _by_low_scores(scores, mask, low=-100.0),
            nudge="All allowed scores are around -1000. Which is the largest of the row, by your way?",
            pointer=f"Read “{_HUGE_TEXT}” again: scores of any size.",
            explanation="The number that you put where the mask is False is not low enough: where real "
            "scores are lower, it is the largest of its row.",
        ),
        Misconception(
            "over-the-rows",
            lambda scores, mask: np.moveaxis(
                _by_infinity(
                    np.moveaxis(scores, 0, -1),
                    np.moveaxis(np.broadcast_to(mask, np.shape(scores)), 0, -1),
                ),
                -1,
                0,
            ),
            nudge="Along which axis do your weights sum to 1? Which axis counts the keys?",
            pointer=f"Read “{_SOFT_TEXT}” again, and its shapes.",
            explanation="Your weights sum to 1 along the first axis. The keys are on the last.",
        ),
        Misconception(
            "over-everything",
            lambda scores, mask: _by_infinity(
                np.ravel(scores), np.ravel(np.broadcast_to(mask, np.shape(scores)))
            ).reshape(np.shape(scores)),
            nudge="What do all your weights together sum to? And one row?",
            pointer=f"Read “{_SOFT_TEXT}” again: who shares with whom?",
            explanation="All rows share one sum. Each query distributes a 1 of its own over its keys: a "
            "sum needs an axis, and `keepdims=True`.",
        ),
        Misconception(
            "not-divided",
            partial(
                _soften, total=lambda raw, kept: np.ones_like(kept.sum(axis=-1, keepdims=True))
            ),
            nudge="What do your weights sum to?",
            pointer=f"Read “{_SOFT_TEXT}” again: there is a fraction.",
            explanation="You never divide by the sum of the powers.",
        ),
        Misconception(
            "nothing-becomes-nan",
            partial(_soften, empty=np.nan),
            nudge="One row allows nothing at all. What is the sum of its powers, and what do you "
            "divide by?",
            pointer=f"Read “{_MASK_TEXT}” again, to its end.",
            explanation="Where the mask allows nothing you divide 0 by 0. One such row, say a "
            "sequence of length 0, spoils the loss of the whole batch.",
        ),
        Misconception(
            "nothing-becomes-even",
            lambda scores, mask: _plain_softmax(np.where(mask, scores, -1e9)),
            nudge="One row allows nothing at all. Which weights do its keys get?",
            pointer=f"Read “{_MASK_TEXT}” again, to its end.",
            explanation="Where all scores are equally low, the softmax gives every masked key an even "
            "share. Zeros are asked for.",
        ),
    ),
    nudge="Take one row with three keys, the last one masked. Which weights should come out?",
    pointer=f"“{_SOFT_TEXT}”, “{_MASK_TEXT}” and “{_HUGE_TEXT}” have one piece each.",
    alternatives={
        "loops": _by_rows,
        "low scores": _by_low_scores,
        "TensorFlow": _by_tensorflow,
        "minus infinity": _by_infinity,
        "powers times mask": _soften,
        "float32": lambda scores, mask: _by_low_scores(scores.astype("f"), mask),
    },
)

# ----------------------------------------------------------------------- dot_attention


def _reference_dot(q: Any, k: Any, v: Any, mask: Any) -> Any:
    from course_lib.attention import dot_attention

    return dot_attention(q, k, v, mask)


def _dot_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, Q: int, K: int, D: int, V: int, *tags: str) -> Case:
        mask = np.ones((B, K), bool) if "open" in tags else _mask(rng, B, K)
        arrays = (rng.normal(0, 1.3, s) for s in ((B, Q, D), (B, K, D), (B, K, V)))
        return Case(name, (*arrays, mask), frozenset(tags))

    return [
        case("nothing is masked", 2, 3, 5, 4, 6, "open"),
        case("some keys are masked", 2, 3, 5, 4, 6),
        case("all sizes are equal", 4, 4, 4, 4, 4),
        case("a batch of one", 1, 3, 5, 2, 4),
        case("one query", 3, 1, 4, 5, 2),
        case("one key", 2, 4, 1, 3, 5, "one key"),
    ]


def _attention(
    q: Any,
    k: Any,
    v: Any,
    mask: Any,
    *,
    scores: Callable[[Array, Array], Array],
    weights: Callable[[Array, Array], Array] = lambda s, m: _by_infinity(s, m[:, np.newaxis]),
    context: Callable[[Array, Array], Array] = lambda w, v: w @ v,
    result: Callable[[Array, Array, Array], Any] = lambda c, w, s: (c, w),
) -> Any:
    """Attention with a place for each mistake."""
    with np.errstate(all="ignore"):
        fit = scores(np.asarray(q), np.asarray(k))
        shares = weights(fit, np.asarray(mask))
        return result(context(shares, np.asarray(v)), shares, fit)


def _dots(q: Array, k: Array) -> Array:
    return np.asarray(q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2]))


_dot = partial(_attention, scores=_dots)


def _over_queries(scores: Array, mask: Array) -> Array:
    allowed = np.broadcast_to(mask[:, np.newaxis], scores.shape)
    weights = _by_infinity(scores.transpose(0, 2, 1), allowed.transpose(0, 2, 1))
    return np.asarray(weights.transpose(0, 2, 1))


def _over_queries_by_hand(scores: Array, mask: Array) -> Array:
    powers = np.exp(scores) * mask[:, np.newaxis]
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _after(scores: Array, mask: Array) -> Array:
    return np.asarray(_plain_softmax(scores) * mask[:, np.newaxis])


def _dot_by_loops(q: Array, k: Array, v: Array, mask: Array) -> tuple[Array, list[Any]]:
    context, weights = np.zeros((*q.shape[:2], v.shape[2])), []
    for b in range(len(q)):
        rows = []
        for n, query in enumerate(q[b]):
            fit = np.array([sum(query * key) / len(query) ** 0.5 for key in k[b]])
            row = _by_rows(fit[np.newaxis], mask[b][np.newaxis])[0]
            context[b, n] = sum(w * value for w, value in zip(row, v[b], strict=True))
            rows.append(row.tolist())
        weights.append(rows)
    return context, weights


def _dot_by_einsum(q: Array, k: Array, v: Array, mask: Array) -> tuple[Array, Array]:
    fit = np.einsum("bqd,bkd->bqk", q, k) * q.shape[-1] ** -0.5
    weights = _by_low_scores(fit, mask[:, np.newaxis])
    return np.einsum("bqk,bkv->bqv", weights, v), weights


def _dot_by_tensorflow(q: Any, k: Any, v: Any, mask: Any) -> Any:
    tf = _tf()
    q = q / np.sqrt(q.shape[2])
    fit = tf.matmul(q, k, transpose_b=True)
    weights = _by_tensorflow(fit, np.broadcast_to(mask[:, np.newaxis], fit.shape))
    return [tf.matmul(weights, v), weights]


_ATTEND_TEXT = "A context is a weighted mean"
_SCALE_TEXT = "Why the root"
_SHARED_AXES: dict[str, tuple[str, ...]] = {
    "context": ("batch", "query", "features of the values"),
    "weights": ("batch", "query", "key"),
}

_OPEN, _ONE_KEY = frozenset({"open"}), frozenset({"one key"})


def _attention_aspects(weights: float, mask: float, context: float) -> tuple[Aspect, ...]:
    return (
        Aspect("weights", weights, part("weights"), tags=_OPEN),
        Aspect(
            "weights with a mask",
            mask,
            part("weights"),
            without=_OPEN | _ONE_KEY,
            needs=("weights",),
        ),
        Aspect("context", context, part("context"), without=_ONE_KEY, needs=("weights",)),
        Aspect(
            "one key, and inputs left unchanged",
            0.5,
            lambda seen: (
                inputs_unchanged(seen)
                or (part("context")(seen) if "one key" in seen.case.tags else None)
            ),
            needs=("weights with a mask", "context"),
        ),
    )


_SHARED_MISTAKES: tuple[tuple[str, dict[str, Any], str, str, str], ...] = (
    (
        "over-the-queries",
        {"weights": _over_queries},
        "Along which axis do your weights sum to 1? Who distributes attention to whom?",
        f"Read “{_ATTEND_TEXT}” again, and its table of shapes.",
        "Your softmax runs over the queries: each key distributes itself. Each *query* distributes "
        "a 1 over the keys, which are the last axis of the scores.",
    ),
    (
        "mask-ignored",
        {"weights": lambda s, m: _plain_softmax(s)},
        "Change a key that the mask forbids. Does your context change?",
        f"Read “{_MASK_TEXT}” again.",
        "You never use the mask.",
    ),
    (
        "masked-after",
        {"weights": _after},
        "What do your weights sum to where a key is masked?",
        f"Read “{_MASK_TEXT}” again.",
        "You mask the weights when they are finished. The rest does not sum to 1 any more.",
    ),
    (
        "mask-without-its-axis",
        {"weights": lambda s, m: _by_low_scores(s, m)},
        "Which shapes have your scores and the mask? Which axis of the scores does the mask lack?",
        f"Read “{_ATTEND_TEXT}” again, the sentence below its table.",
        "The mask is (B, K) and meets scores of the shape (B, Q, K), so its batch is taken for the "
        "queries. That raises an error, or, where the sizes happen to agree, masks the wrong things.",
    ),
    (
        "one-mask-for-all",
        {"weights": lambda s, m: _by_infinity(s, np.broadcast_to(m[:1, np.newaxis], s.shape))},
        "Which sequence's mask do you use for the second sequence?",
        f"Read “{_ATTEND_TEXT}” again: where does the mask get its third axis?",
        "Every sequence is masked as the first one is. The mask has an axis for the batch and one "
        "for the keys; only the queries share it.",
    ),
    (
        "over-the-queries-by-hand",
        {"weights": _over_queries_by_hand},
        "Along which axis do your weights sum to 1? Who distributes attention to whom?",
        f"Read “{_ATTEND_TEXT}” again, and its table of shapes.",
        "You divide by a sum over the queries, and by 0 where a key is masked for all of them. Each "
        "*query* distributes a 1 over the keys, which are the last axis of the scores.",
    ),
    (
        "mask-for-the-queries",
        {"weights": lambda s, m: _by_low_scores(s, m[:, :, np.newaxis])},
        "Which axis of the scores counts the keys? On which one does your mask lie?",
        f"Read “{_ATTEND_TEXT}” again, the sentence below its table.",
        "The mask's new axis is the last one, so it says which *queries* there are. It should stand in "
        "the middle. Where sizes differ that raises an error, elsewhere it is silent.",
    ),
    (
        "no-softmax",
        {"weights": lambda s, m: s * m[:, np.newaxis]},
        "What do your weights sum to? Can one be negative?",
        f"Read “{_SOFT_TEXT}” again.",
        "You mix the values by the scores themselves. Weights are what the softmax makes of them.",
    ),
    (
        "mean-once-more",
        {"context": lambda w, v: w @ v / v.shape[1]},
        "All weight lies on one key. Is your context that key's value?",
        f"Read “{_ATTEND_TEXT}” again: is there anything to divide by?",
        "You take the mean over the keys. The weights sum to 1, so their sum is a mean already.",
    ),
    (
        "values-by-place",
        {"context": lambda w, v: np.take_along_axis(v, w.argmax(axis=2)[:, :, np.newaxis], axis=1)},
        "Two keys have nearly the same weight. How much of the second one's value is in your context?",
        f"Read “{_ATTEND_TEXT}” again.",
        "You take the value of the best key alone. That is a choice, without a gradient; the context "
        "is a mixture of all values.",
    ),
    (
        "weights-before-context",
        {"result": lambda c, w, s: (w, c)},
        "In which order should the two results come?",
        "Read the last line of the function's description again.",
        "You return the weights first. The context comes first.",
    ),
    (
        "context-alone",
        {"result": lambda c, w, s: c},
        "How many things does your function return?",
        "Read the last line of the function's description again.",
        "You return the context alone. Asked for are two things, the context and the weights.",
    ),
    (
        "scores-in-place-of-weights",
        {"result": lambda c, w, s: (c, s)},
        "What does a row of your second result sum to?",
        "Read the last line of the function's description again.",
        "Your context is right, but you return the scores beside it, and not the weights.",
    ),
)


def _shared(attention: Callable[..., Any]) -> tuple[Misconception, ...]:
    """What goes wrong with any score."""
    return tuple(
        Misconception(name, partial(attention, **change), nudge, pointer, explanation)
        for name, change, nudge, pointer, explanation in _SHARED_MISTAKES
    )


DOT_ATTENTION = Exercise(
    id="dot_attention",
    probe="pointer:attend",
    reference=_reference_dot,
    cases=_dot_cases,
    axes=_SHARED_AXES,
    aspects=_attention_aspects(1.5, 1.5, 1.5),
    misconceptions=(
        Misconception(
            "no-scale",
            partial(_dot, scores=lambda q, k: q @ k.transpose(0, 2, 1)),
            nudge="By which factor are your scores too large? Does it depend on the features?",
            pointer=f"Read “{_SCALE_TEXT}” again.",
            explanation="You leave out the scale, so the scores grow with the number of features.",
        ),
        Misconception(
            "scale-without-root",
            partial(_dot, scores=lambda q, k: q @ k.transpose(0, 2, 1) / q.shape[2]),
            nudge="Your weights are too even. What do you divide by?",
            pointer=f"Read “{_SCALE_TEXT}” again: which power of the features is it?",
            explanation="You divide by the number of features. Its square root is the spread of such "
            "a sum.",
        ),
        Misconception(
            "scaled-by-keys",
            partial(_dot, scores=lambda q, k: q @ k.transpose(0, 2, 1) / np.sqrt(k.shape[1])),
            nudge="Over how many products does one dot product sum: keys, or features?",
            pointer=f"Read “{_SCALE_TEXT}” again.",
            explanation="You divide by the root of the number of *keys*. A score is a sum over the "
            "features.",
        ),
        Misconception(
            "multiplied-by-the-root",
            partial(_dot, scores=lambda q, k: q @ k.transpose(0, 2, 1) * np.sqrt(q.shape[2])),
            nudge="Do your scores become smaller or larger by the scale?",
            pointer=f"Read “{_SCALE_TEXT}” again.",
            explanation="You multiply by the root where you should divide.",
        ),
        Misconception(
            "cosines",
            partial(
                _dot,
                scores=lambda q, k: (
                    (q / np.linalg.norm(q, axis=2, keepdims=True))
                    @ (k / np.linalg.norm(k, axis=2, keepdims=True)).transpose(0, 2, 1)
                ),
            ),
            nudge="Make a query twice as long. Should its weights change? Do yours?",
            pointer=f"Read “{_ATTEND_TEXT}” again: what is a score?",
            explanation="You divide by the lengths of query and key. Such cosines never leave -1 to "
            "1, so the softmax can never become sure.",
        ),
        Misconception(
            "keys-and-values-exchanged",
            lambda q, k, v, mask: _dot(q, v, k, mask),
            nudge="With which of the two is a query compared, and which is read out?",
            pointer=f"Read “{_ATTEND_TEXT}” again: the drawer's label and what is in it.",
            explanation="You compare queries with values and mix keys. Where their sizes differ that "
            "raises an error, elsewhere it is silent.",
        ),
        Misconception(
            "keys-read-out",
            lambda q, k, v, mask: _dot(q, k, k, mask),
            nudge="Where in your code does `v` occur?",
            pointer=f"Read “{_ATTEND_TEXT}” again: the drawer's label and what is in it.",
            explanation="Your context is a mixture of the keys. The values are what is read out.",
        ),
        Misconception(
            "keys-reshaped",
            partial(
                _dot,
                scores=lambda q, k: (
                    q @ k.reshape(len(k), k.shape[2], k.shape[1]) / np.sqrt(q.shape[2])
                ),
            ),
            nudge="Print one key before and after your line. Is it still one key?",
            pointer="Notebook 2, on reshape in the place of transpose.",
            explanation="You reshape the keys where two axes have to change places: the numbers of "
            "different keys are mixed.",
        ),
        Misconception(
            "batch-turned-as-well",
            partial(_dot, scores=lambda q, k: q @ k.T / np.sqrt(q.shape[2])),
            nudge="Which shape has `k.T`? Where has the batch gone?",
            pointer=f"Read “{_ATTEND_TEXT}” again, and its table of shapes.",
            explanation="`.T` reverses all axes, the batch among them. Only the last two change places.",
        ),
        *_shared(_dot),
    ),
    nudge="Write the shapes down: scores, weights, context. Which axis disappears in which step?",
    pointer=f"“{_ATTEND_TEXT}” has the formulas and the shapes.",
    alternatives={
        "loops": _dot_by_loops,
        "einsum": _dot_by_einsum,
        "TensorFlow": _dot_by_tensorflow,
        "matmul": _dot,
        "float32": lambda q, k, v, mask: _dot(q.astype("f"), k.astype("f"), v.astype("f"), mask),
    },
    by_hand=frozenset({"Attention", "AdditiveAttention", "MultiHeadAttention"}),
)

# ------------------------------------------------------------------ additive_attention


def _reference_additive(q: Any, k: Any, v: Any, W_q: Any, W_k: Any, v_a: Any, mask: Any) -> Any:
    from course_lib.attention import additive_attention

    return additive_attention(q, k, v, W_q, W_k, v_a, mask)


def _additive_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, Q: int, K: int, D: int, E: int, V: int, A: int, *tags: str) -> Case:
        mask = np.ones((B, K), bool) if "open" in tags else _mask(rng, B, K)
        shapes = ((B, Q, D), (B, K, E), (B, K, V))
        arrays = [rng.normal(0, 1, shape) for shape in shapes]
        W_q, W_k = (rng.normal(0, n**-0.5, (n, A)) for n in (D, E))
        return Case(name, (*arrays, W_q, W_k, rng.normal(0, 1.5, A), mask), frozenset(tags))

    return [
        case("nothing is masked", 2, 3, 5, 4, 6, 8, 7, "open"),
        case("some keys are masked", 2, 3, 5, 4, 6, 8, 7),
        case("all sizes are equal", 4, 4, 4, 4, 4, 4, 4),
        case("a batch of one", 1, 3, 5, 2, 4, 6, 7),
        case("one query", 3, 1, 4, 5, 2, 6, 7),
        case("one key", 2, 4, 1, 3, 5, 6, 7, "one key"),
    ]


def _pairs(q: Array, k: Array) -> Array:
    return np.asarray(q[:, :, np.newaxis] + k[:, np.newaxis])


def _additive(
    q: Any,
    k: Any,
    v: Any,
    W_q: Any,
    W_k: Any,
    v_a: Any,
    mask: Any,
    *,
    fit: Callable[[Array, Array, Array], Array] = lambda q, k, v_a: np.tanh(_pairs(q, k)) @ v_a,
    **change: Any,
) -> Any:
    def scores(q: Array, k: Array) -> Array:
        return fit(q @ W_q, k @ W_k, np.asarray(v_a))

    return _attention(q, k, v, mask, scores=scores, **change)


def _additive_by_loops(
    q: Array, k: Array, v: Array, W_q: Array, W_k: Array, v_a: Array, mask: Array
) -> tuple[Array, Array]:
    weights = np.zeros((len(q), q.shape[1], k.shape[1]))
    for b, n in np.ndindex(q.shape[:2]):
        fit = [float(v_a @ np.tanh(W_q.T @ q[b, n] + W_k.T @ key)) for key in k[b]]
        weights[b, n] = _by_rows(np.array([fit]), mask[b][np.newaxis])[0]
    return weights @ v, weights


def _additive_by_concat(
    q: Array, k: Array, v: Array, W_q: Array, W_k: Array, v_a: Array, mask: Array
) -> tuple[Array, Array]:
    B, Q, K = len(q), q.shape[1], k.shape[1]
    both = np.concatenate(
        [
            np.broadcast_to(q[:, :, np.newaxis], (B, Q, K, q.shape[2])),
            np.broadcast_to(k[:, np.newaxis], (B, Q, K, k.shape[2])),
        ],
        axis=3,
    )
    fit = np.tanh(both @ np.concatenate([W_q, W_k])) @ v_a
    weights = _by_low_scores(fit, mask[:, np.newaxis])
    return np.einsum("bqk,bkv->bqv", weights, v), weights


def _additive_by_tensorflow(
    q: Any, k: Any, v: Any, W_q: Any, W_k: Any, v_a: Any, mask: Any
) -> tuple[Any, Any]:
    tf = _tf()
    pairs = tf.tanh(tf.expand_dims(q @ W_q, 2) + tf.expand_dims(k @ W_k, 1))
    fit = tf.tensordot(pairs, v_a, 1)
    weights = _by_tensorflow(fit, np.broadcast_to(mask[:, np.newaxis], fit.shape))
    return weights @ v, weights


_ADD_TEXT = "A small network as a score"

ADDITIVE_ATTENTION = Exercise(
    id="additive_attention",
    probe="pointer:attend",
    reference=_reference_additive,
    cases=_additive_cases,
    axes=_SHARED_AXES,
    aspects=_attention_aspects(2.0, 0.5, 1.0),
    misconceptions=(
        Misconception(
            "no-tanh",
            partial(_additive, fit=lambda q, k, v_a: _pairs(q, k) @ v_a),
            nudge="Take the tanh away on paper. Does it still matter which query asks?",
            pointer=f"Read “{_ADD_TEXT}” again.",
            explanation="Without the tanh the score is the sum of a part for the query and one for the "
            "key, and the softmax over the keys cancels the query's part.",
        ),
        Misconception(
            "each-its-own-tanh",
            partial(_additive, fit=lambda q, k, v_a: _pairs(np.tanh(q), np.tanh(k)) @ v_a),
            nudge="Does the order of adding and tanh matter? Which comes first in the formula?",
            pointer=f"Read “{_ADD_TEXT}” again: what stands inside the tanh?",
            explanation="You squash query and key separately and add then. So they never meet: the "
            "query's part cancels in the softmax.",
        ),
        Misconception(
            "tanh-of-the-score",
            partial(_additive, fit=lambda q, k, v_a: np.tanh(_pairs(q, k) @ v_a)),
            nudge="Between which limits do your scores lie?",
            pointer=f"Read “{_ADD_TEXT}” again: is $v_a$ inside the tanh, or outside?",
            explanation="You take the tanh last, of the score. It belongs around the sum of query and "
            "key, before $v_a$.",
        ),
        Misconception(
            "product-in-place-of-sum",
            partial(
                _additive,
                fit=lambda q, k, v_a: np.tanh(q[:, :, np.newaxis] * k[:, np.newaxis]) @ v_a,
            ),
            nudge="What is *additive* about it?",
            pointer=f"Read “{_ADD_TEXT}” again.",
            explanation="You multiply query and key entry by entry. They are added.",
        ),
        Misconception(
            "v-a-forgotten",
            partial(_additive, fit=lambda q, k, v_a: np.tanh(_pairs(q, k)).sum(axis=3)),
            nudge="Where in your code does `v_a` occur?",
            pointer=f"Read “{_ADD_TEXT}” again.",
            explanation="You add the entries up with equal weights. `v_a` says how much each counts.",
        ),
        Misconception(
            "scaled",
            partial(
                _additive,
                fit=lambda q, k, v_a: np.tanh(_pairs(q, k)) @ v_a / np.sqrt(len(v_a)),
            ),
            nudge="Which formula has a root in it?",
            pointer=f"Read “{_ADD_TEXT}” again.",
            explanation="You divide by a root as the dot product does. Here the entries of the sum lie "
            "between -1 and 1, and `v_a` is learned: there is no scale.",
        ),
        Misconception(
            "scaled-by-features",
            lambda q, k, v, W_q, W_k, v_a, mask: _additive(
                q, k, v, W_q, W_k, v_a / np.sqrt(q.shape[2]), mask
            ),
            nudge="Which formula has a root in it?",
            pointer=f"Read “{_ADD_TEXT}” again.",
            explanation="You divide by the root of the features as the dot product does. Here the "
            "entries of the sum lie between -1 and 1, and `v_a` is learned: there is no scale.",
        ),
        Misconception(
            "no-pairs",
            partial(
                _additive,
                fit=lambda q, k, v_a: np.tanh(q + k) @ v_a,
                weights=lambda s, m: _by_low_scores(s, m),
            ),
            nudge="How many scores are there, for 3 queries and 5 keys? Which shape stands inside "
            "your tanh?",
            pointer=f"Read “{_ADD_TEXT}” again: every query meets every key.",
            explanation="You add queries and keys as they are, the first to the first. Every query "
            "meets every key: each of the two needs an axis of size 1.",
        ),
        Misconception(
            "mean-over-a",
            partial(_additive, fit=lambda q, k, v_a: np.tanh(_pairs(q, k)) @ v_a / len(v_a)),
            nudge="By which factor are your scores too small?",
            pointer=f"Read “{_ADD_TEXT}” again: is there a mean in it?",
            explanation="You take a mean over the entries where the formula has a sum.",
        ),
        Misconception(
            "queries-and-keys-crossed",
            partial(
                _additive,
                fit=lambda q, k, v_a: np.tanh(q[:, np.newaxis] + k[:, :, np.newaxis]) @ v_a,
            ),
            nudge="Which of the three axes of your scores counts the keys?",
            pointer=f"Read “{_ADD_TEXT}” again, and its shapes.",
            explanation="Your new axes stand the wrong way round: the scores come out as (B, K, Q).",
        ),
        Misconception(
            "weights-exchanged",
            lambda q, k, v, W_q, W_k, v_a, mask: _additive(q, k, v, W_k, W_q, v_a, mask),
            nudge="Which matrix fits the features of the queries?",
            pointer=f"Read “{_ADD_TEXT}” again, and its shapes.",
            explanation="You exchange `W_q` and `W_k`. Where both have one shape, that is silent.",
        ),
        Misconception(
            "keys-read-out",
            lambda q, k, v, W_q, W_k, v_a, mask: _additive(q, k, k, W_q, W_k, v_a, mask),
            nudge="Where in your code does `v` occur?",
            pointer=f"Read “{_ATTEND_TEXT}” again: the drawer's label and what is in it.",
            explanation="Your context is a mixture of the keys. The values are what is read out.",
        ),
        *_shared(_additive),
    ),
    nudge="Take one query and one key. Which numbers make their score?",
    pointer=f"“{_ADD_TEXT}” has the formula; weights and context are those of exercise 2.",
    alternatives={
        "loops": _additive_by_loops,
        "concatenated": _additive_by_concat,
        "TensorFlow": _additive_by_tensorflow,
        "broadcasting": _additive,
    },
    by_hand=frozenset({"Attention", "AdditiveAttention", "MultiHeadAttention"}),
)

# --------------------------------------------------------------- repair_attention_step


def _repair_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, K: int, H: int, A: int, T: int, size: float, *tags: str) -> Case:
        shapes = ((T, B, H), (B, H), (B, K, H), (H, H), (H, H), (2 * H, A), (A,))
        x, state, memory, Wx, Wh, W, b = (rng.normal(0, 0.7, shape) for shape in shapes)
        lengths = rng.integers(1, K + 1, B)
        lengths[-1], lengths[0] = K, max(1, K - 2)  # one is full, one is padded
        memory *= size
        if "huge" in tags:  # the best score stands on padding in one sequence, not in the other
            query = np.tanh(x[0] @ Wx + state @ Wh)
            best = 1e5 * query / np.sum(query**2, axis=1, keepdims=True)
            memory[0, -1], memory[1, 0] = best[0], best[1]
        return Case(name, (x, state, memory, lengths, Wx, Wh, W / H**0.5, b), frozenset(tags))

    return [
        case("three steps", 3, 5, 4, 6, 3, 1.0),
        case("all sizes are equal", 4, 4, 4, 4, 2, 1.0),
        case("a batch of one", 1, 6, 3, 2, 2, 1.0, "one"),
        case("huge scores", 2, 5, 3, 4, 2, 3000.0, "huge"),
    ]


def _step(
    x: Any,
    state: Any,
    memory: Any,
    lengths: Any,
    cell: Any,
    W: Any,
    b: Any,
    *,
    stable: bool = True,
    top_of_all: bool = False,
    scale: float = 0.0,
    allowed: Callable[[Array, Array], Array] = lambda k, n: k < n[:, np.newaxis],
    total: Callable[[Array], Array] = lambda p: p.sum(axis=1, keepdims=True),
    context: Callable[[Array], Array] = lambda parts: parts.sum(axis=1),
    beside: str = "output",
    crossed: bool = False,
    keeps: str = "new",
) -> tuple[Array, Any]:
    """The step of the exercise, with a place for each mistake."""
    with np.errstate(all="ignore"):
        output, new_state = cell(x, state)
        scores = np.einsum("bh,bkh->bk", output, memory) * memory.shape[2] ** -scale
        mask = allowed(np.arange(memory.shape[1]), lengths)
        if stable:
            among = np.where(mask | top_of_all, scores, -np.inf)
            scores = scores - among.max(axis=1, keepdims=True)
            scores = np.where(mask, scores, -np.inf)
        powers = np.exp(scores) * mask
        weights = powers / total(powers)
        mixed = context(weights[:, :, np.newaxis] * memory)
        second = {"output": output, "x": x}[beside]
        both = [second, mixed] if crossed else [mixed, second]
        attended = np.tanh(np.concatenate(both, axis=1) @ W + b)
    return attended, {"new": new_state, "old": state, "attended": attended}[keeps]


def _step_by_softmax(
    x: Any, state: Any, memory: Any, lengths: Any, cell: Any, W: Any, b: Any
) -> tuple[Any, Any]:
    output, state = cell(x, state)
    mask = np.arange(memory.shape[1]) < lengths[:, np.newaxis]
    weights = _by_infinity((memory @ output[:, :, np.newaxis])[:, :, 0], mask)
    context = np.einsum("bk,bkh->bh", weights, memory)
    half = memory.shape[2]
    return np.tanh(context @ W[:half] + output @ W[half:] + b), state


def _step_by_loops(
    x: Any, state: Any, memory: Any, lengths: Any, cell: Any, W: Any, b: Any
) -> tuple[Any, Any]:
    output, state = cell(x, state)
    rows = []
    for h, words, n in zip(output, memory, lengths, strict=True):
        fit = np.array([word @ h for word in words[:n]])
        powers = np.exp(fit - fit.max())
        context = sum(p * word for p, word in zip(powers / powers.sum(), words, strict=False))
        rows.append(np.tanh(np.append(context, h) @ W + b))
    return rows, state


def _step_by_tensorflow(
    x: Any, state: Any, memory: Any, lengths: Any, cell: Any, W: Any, b: Any
) -> tuple[Any, Any]:
    tf = _tf()
    output, state = cell(x, state)
    scores = tf.linalg.matvec(memory, output)
    mask = tf.sequence_mask(lengths, memory.shape[1])
    weights = tf.nn.softmax(tf.where(mask, scores, tf.fill(scores.shape, scores.dtype.min)))
    context = tf.linalg.matvec(memory, weights, transpose_a=True)
    return tf.tanh(tf.concat([context, output], 1) @ W + b), state


_BUGS: dict[str, tuple[dict[str, Any], str, str]] = {
    "one-key-too-many": (
        {"allowed": lambda k, n: k <= n[:, np.newaxis]},
        "A sequence has length 2. Which places does the step look at?",
        "The mask allows one place too many: the first of the padding.",
    ),
    "over-the-batch": (
        {"total": lambda p: p.sum(axis=0)},
        "What do the weights of one sequence sum to?",
        "The powers are divided by their sum over the batch. So what a sequence attends to depends on "
        "which others happen to be in its batch.",
    ),
    "mean-of-the-parts": (
        {"context": lambda parts: parts.mean(axis=1)},
        "All weight lies on one place. Is the context what stands there?",
        "The weighted parts are averaged. The weights sum to 1, so adding them up is enough.",
    ),
    "input-in-place-of-output": (
        {"beside": "x"},
        "Which two things are put side by side? Which of them knows what has been read so far?",
        "The context is put beside the step's input, and what the cell has put out is used for the "
        "scores only.",
    ),
    "state-not-passed-on": (
        {"keeps": "old"},
        "Which of the two states comes back from your step?",
        "The step returns the state that it was given. The first step is right then, and each later "
        "one starts from the beginning again.",
    ),
    "not-stable": (
        {"stable": False},
        "What happens to `np.exp` when the memory holds large numbers?",
        "The powers overflow where the scores are large. It is the one bug of the printed step that "
        "small examples do not show.",
    ),
}


def _printed(left: Sequence[str]) -> Callable[..., Any]:
    """The step with these bugs in it."""
    changes: dict[str, Any] = {}
    for name in left:
        changes |= _BUGS[name][0]
    return partial(_step, **changes)


def _repair_misconceptions() -> tuple[Misconception, ...]:
    again = "Read “Find the bugs” again: one question for each line."
    names = list(_BUGS)
    found = [
        Misconception(
            "as-printed",
            _printed(names),
            nudge="Which of its lines have you changed so far?",
            pointer=again,
            explanation="This is the step as it is printed, with all its bugs.",
        )
    ]
    found += [
        Misconception(name, _printed([name]), nudge, again, f"One bug is left. {explanation}")
        for name, (_, nudge, explanation) in _BUGS.items()
    ]
    found.append(
        Misconception(
            "output-before-context",
            partial(_step, crossed=True),
            nudge="In which order do the two stand in the formula?",
            pointer=again,
            explanation="You put the output first. Then the upper half of W, which is meant for the "
            "context, is multiplied with the output. All printed bugs are mended.",
        )
    )
    found += [
        Misconception(name, partial(_step, **change), nudge, again, explanation)
        for name, change, nudge, explanation in (
            (
                "largest-of-all",
                {"top_of_all": True},
                "A score on padding is by far the largest of its row. Which number do you subtract?",
                "You subtract the largest of all scores, padding included. If that is huge, all "
                "allowed powers become 0, and 0 / 0 is not a number. All printed bugs are mended.",
            ),
            (
                "scaled",
                {"scale": 0.5},
                "Does the formula above the step divide the scores by anything?",
                "You divide the scores by the root of the features, as in exercise 2. This step's "
                "scores are unscaled, as in the paper. All printed bugs are mended.",
            ),
            (
                "attended-as-state",
                {"keeps": "attended"},
                "Who made the state that comes back from your step: the cell?",
                "You return what was attended in the place of the state. The next step of the cell "
                "needs the state that the cell has made.",
            ),
        )
    ]
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            found.append(
                Misconception(
                    f"{first}-and-{second}",
                    _printed([first, second]),
                    nudge=_BUGS[first][1],
                    pointer=again,
                    explanation=f"Two bugs are left. {_BUGS[first][2]} And the other: "
                    f"{_BUGS[second][2][0].lower()}{_BUGS[second][2][1:]}",
                )
            )
    return tuple(found)


REPAIR_ATTENTION_STEP = Exercise(
    id="repair_attention_step",
    probe="pointer:decode",
    reference=_step,
    cases=_repair_cases,
    axes={
        "first": ("batch", "features"),
        "later": ("step after the first", "batch", "features"),
        "state": ("batch", "units"),
    },
    aspects=(
        Aspect("the first step", 2.0, part("first"), without=frozenset({"huge", "one"})),
        Aspect(
            "the steps after it",
            1.0,
            part("later"),
            without=frozenset({"huge", "one"}),
            needs=("the first step",),
        ),
        Aspect(
            "a batch of one",
            0.5,
            lambda seen: part("first")(seen) or part("later")(seen),
            tags=frozenset({"one"}),
            needs=("the first step",),
        ),
        Aspect(
            "huge scores",
            1.0,
            part("first"),
            tags=frozenset({"huge"}),
            needs=("the first step",),
        ),
        Aspect(
            "the state, and inputs left unchanged",
            0.5,
            lambda seen: inputs_unchanged(seen) or part("state")(seen),
            needs=("the first step", "the steps after it"),
        ),
    ),
    misconceptions=_repair_misconceptions(),
    nudge="Go through the printed step line by line: which axis, which array, which state?",
    pointer="“Find the bugs” has a question for each line.",
    alternatives={
        "a softmax of its own": _step_by_softmax,
        "loops": _step_by_loops,
        "TensorFlow": _step_by_tensorflow,
    },
    by_hand=frozenset({"Attention", "AdditiveAttention", "MultiHeadAttention"}),
)

# ---------------------------------------------------------------------- pointer_logits


def _reference_logits(scores: Any, mask: Any) -> Any:
    from course_lib.attention import pointer_logits

    return pointer_logits(scores, mask)


def _logits_cases(rng: Rng) -> list[Case]:
    def case(
        name: str, shape: Sequence[int], mask_shape: Sequence[int], shift: float, *tags: str
    ) -> Case:
        # Where nobody may point stand the best scores of all.
        mask = _mask(rng, *mask_shape)
        scores = shift + rng.normal(0, 1.5, shape) + 6.0 * ~mask
        return Case(name, (scores, mask, True), frozenset(tags))

    return [
        case("four sequences of six places", (4, 6), (4, 6), 0.0),
        case("as many sequences as places", (5, 5), (5, 5), 0.0),
        case("one sequence", (1, 4), (1, 4), 0.0),
        case("a mask for all steps", (2, 3, 5), (2, 1, 5), 0.0),
        case("scores around 40", (3, 5), (3, 5), 40.0, "far"),
        case("scores around -40", (3, 5), (3, 5), -40.0, "far"),
        case("scores around -1000", (3, 5), (3, 5), -1000.0, "far"),
    ]


def _masked(low: float) -> Callable[[Array, Array], Array]:
    return lambda scores, mask: np.where(mask, scores, low)


def _set_in_place(scores: Any, mask: Any) -> Any:
    scores[~np.broadcast_to(mask, scores.shape)] = -1e9
    return scores


_LOGIT_TEXT = "The weights are the answer"
_FAR = frozenset({"far"})

POINTER_LOGITS = Exercise(
    id="pointer_logits",
    probe="pointer:forbid",
    reference=_reference_logits,
    cases=_logits_cases,
    axes={"logits": ("row", "place")},
    aspects=(
        Aspect(
            "scores of allowed places",
            1.0,
            lambda seen: part("shape")(seen) or part("logits")(seen),
        ),
        Aspect(
            "nobody points at the others",
            1.0,
            lambda seen: (
                None
                if seen.actual.value["forbidden"] < 1e-5
                else Difference(
                    f"a forbidden place still has the probability "
                    f"{seen.actual.value['forbidden']:.3g}"
                )
            ),
            needs=("scores of allowed places",),
        ),
        Aspect(
            "the loss stays finite",
            0.5,
            lambda seen: (
                None
                if seen.actual.value["loss"]
                else Difference(
                    "with a forbidden place as the target the cross-entropy is infinite or not a "
                    "number"
                )
            ),
            needs=("scores of allowed places",),
        ),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("scores of allowed places", "nobody points at the others"),
        ),
    ),
    misconceptions=(
        Misconception(
            "minus-infinity",
            _masked(-np.inf),
            nudge="What is the loss if the target is a place that you forbid, once, by mistake?",
            pointer=f"Read “{_LOGIT_TEXT}” again, its last paragraph.",
            explanation="You use minus infinity. One target on such a place makes the loss infinite, "
            "the gradient not a number, and with it every weight of the network.",
        ),
        Misconception(
            "zero",
            _masked(0.0),
            nudge="Which probability does a logit of 0 stand for, beside logits of -40?",
            pointer=f"Read “{_LOGIT_TEXT}” again.",
            explanation="You set forbidden scores to 0, as if by multiplication with the mask. "
            "That is an ordinary score, and beside negative ones the best of all.",
        ),
        Misconception(
            "mask-upside-down",
            lambda scores, mask: np.where(mask, -1e9, scores),
            nudge="Where the mask is True, what do you return?",
            pointer=f"Read “{_LOGIT_TEXT}” again: what does True stand for?",
            explanation="You forbid the places that are allowed.",
        ),
        Misconception(
            "mask-ignored",
            lambda scores, mask: np.asarray(scores) + 0.0,
            nudge="Where in your code does the mask occur?",
            pointer=f"Read “{_LOGIT_TEXT}” again.",
            explanation="You return the scores as they are.",
        ),
        Misconception(
            "softmax-too-early",
            lambda scores, mask: _by_infinity(scores, mask),
            nudge="Are your numbers logits, or probabilities?",
            pointer=f"Read “{_LOGIT_TEXT}” again: who takes the softmax?",
            explanation="You return weights. The loss takes a softmax itself; the softmax of a softmax "
            "is nearly even, and can never become sure.",
        ),
        Misconception(
            "a-little-lower",
            lambda scores, mask: scores - 10.0 * ~np.asarray(mask),
            nudge="A forbidden place has the best score, by far. Is it still the best after yours?",
            pointer=f"Read “{_LOGIT_TEXT}” again.",
            explanation="You make forbidden scores lower, but not low enough: what counts is what is "
            "left of them after the softmax.",
        ),
        Misconception(
            "as-low-as-the-lowest",
            lambda scores, mask: np.where(
                mask,
                scores,
                np.where(np.broadcast_to(mask, scores.shape), scores, np.inf).min(
                    axis=-1, keepdims=True
                ),
            ),
            nudge="Two places have the same lowest logit. Which probabilities do they get?",
            pointer=f"Read “{_LOGIT_TEXT}” again.",
            explanation="Forbidden places get the lowest score that is allowed: unlikely, but not "
            "impossible.",
        ),
        Misconception(
            "minus-one",
            _masked(-1.0),
            nudge="Is -1 a low score? Compared with which?",
            pointer=f"Read “{_LOGIT_TEXT}” again.",
            explanation="-1 is a score like any other. It has to be so low that nothing is left of it "
            "after the softmax.",
        ),
        Misconception(
            "minus-ten",
            _masked(-10.0),
            nudge="All allowed scores are around -40. Which place has the best logit of yours?",
            pointer=f"Read “{_LOGIT_TEXT}” again, its last paragraph.",
            explanation="-10 is low beside scores around 0, and high beside lower ones. It has to be so "
            "low that nothing is left of it beside any score.",
        ),
        Misconception(
            "minus-a-hundred",
            _masked(-100.0),
            nudge="All allowed scores are around -1000. Which place has the best logit of yours?",
            pointer=f"Read “{_LOGIT_TEXT}” again, its last paragraph.",
            explanation="-100 is low beside scores around 0, and high beside those of a network that "
            "has grown. It has to be so low that nothing is left of it beside any score.",
        ),
        Misconception(
            "as-low-as-the-lowest-of-all",
            lambda scores, mask: np.where(mask, scores, np.min(scores)),
            nudge="Two places have the same lowest logit. Which probabilities do they get?",
            pointer=f"Read “{_LOGIT_TEXT}” again.",
            explanation="Forbidden places get the lowest score of all: unlikely, but not impossible.",
        ),
        Misconception(
            "set-in-place",
            _set_in_place,
            nudge="Look at the scores that you were given, after your function has run.",
            pointer="Read the function's description again: what about `scores`?",
            explanation="Your logits are right, but you write them into the array that you were given.",
        ),
    ),
    nudge="Two numbers per place go in, a score and a yes or no. What comes out in each case?",
    pointer=f"“{_LOGIT_TEXT}” says what is wanted, and why.",
    alternatives={
        "np.where": _masked(-1e9),
        "the lowest float32": _masked(float(np.finfo(np.float32).min)),
        "added": lambda scores, mask: scores + np.where(mask, 0.0, -1e6),
        "tf.where": lambda scores, mask: _tf().where(mask, scores, -1e9),
        "a copy": lambda scores, mask: _set_in_place(scores.copy(), mask),
        "float32": lambda scores, mask: np.where(mask, np.float32(scores), np.float32(-1e9)),
    },
)

# ---------------------------------------------------------------------- pointer_lesson


def _reference_lesson(x: Any) -> Any:
    from course_lib.pointing import pointer_lesson

    return pointer_lesson(x)


def _lesson_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, N: int, *tags: str) -> Case:
        while True:
            x = rng.random((B, N))
            places = np.argsort(x, axis=1)
            if N < 3 or (np.argsort(places, axis=1) != places).any(axis=1).all():
                return Case(name, (x,), frozenset(tags))

    return [
        case("three sequences of five numbers", 3, 5),
        case("as many sequences as numbers", 4, 4),
        case("one sequence", 1, 6),
        case("one number each", 3, 1, "one"),
    ]


def _lesson(
    x: Any,
    *,
    order: Callable[[Array], Array] = lambda x: np.argsort(x, axis=1),
    target: Callable[[Array], Array] = lambda places: places,
    numbers: Callable[[Array, Array], Array] = lambda x, p: np.take_along_axis(x, p, axis=1),
    start: float = START,
    shift: bool = True,
    used: Callable[[Array], Array] = lambda hot: np.cumsum(hot, axis=1) - hot,
) -> tuple[Array, Array, Array]:
    """The lesson, with a place for each mistake."""
    x = np.asarray(x)
    places = order(x)
    given = numbers(x, places)
    if shift:
        given = np.concatenate([np.full((len(x), 1), start), given[:, :-1]], axis=1)
    return given, used(np.eye(x.shape[1])[places]), target(places)


def _lesson_by_loops(x: Any) -> tuple[Any, Any, Any]:
    inputs, used, places = [], [], []
    for row in x.tolist():
        order = sorted(range(len(row)), key=row.__getitem__)
        inputs.append([START, *(row[k] for k in order[:-1])])
        used.append([[float(k in order[:t]) for k in range(len(row))] for t in range(len(row))])
        places.append(order)
    return inputs, used, places


def _lesson_by_comparison(x: Any) -> tuple[Any, Any, Any]:
    places = x.argsort(axis=1)
    ranks = places.argsort(axis=1)
    inputs = np.sort(np.append(np.full((len(x), 1), START), x, axis=1), axis=1)[:, :-1]
    return inputs, ranks[:, np.newaxis] < np.arange(x.shape[1])[:, np.newaxis], places


def _lesson_by_tensorflow(x: Any) -> tuple[Any, Any, Any]:
    tf = _tf()
    places = tf.argsort(x, axis=1)
    inputs = tf.pad(tf.sort(x, axis=1)[:, :-1], [[0, 0], [1, 0]], constant_values=START)
    hot = tf.one_hot(places, x.shape[1])
    return inputs, tf.cumsum(hot, axis=1, exclusive=True), places


_LESSON_TEXT = "What a pointer is taught"
_PLACES_TEXT = "Places, not ranks"

POINTER_LESSON = Exercise(
    id="pointer_lesson",
    probe="pointer:lesson",
    reference=_reference_lesson,
    cases=_lesson_cases,
    axes={
        "inputs": ("batch", "step"),
        "used": ("batch", "step", "place"),
        "places": ("batch", "step"),
    },
    aspects=(
        Aspect("places", 1.5, part("places"), without=frozenset({"one"})),
        Aspect("inputs", 1.0, part("inputs"), without=frozenset({"one"})),
        Aspect("used", 1.0, part("used"), without=frozenset({"one"})),
        Aspect(
            "one number, and inputs left unchanged",
            0.5,
            lambda seen: (
                inputs_unchanged(seen)
                or (
                    part("inputs")(seen) or part("used")(seen) or part("places")(seen)
                    if "one" in seen.case.tags
                    else None
                )
            ),
            needs=("places", "inputs", "used"),
        ),
    ),
    misconceptions=(
        Misconception(
            "ranks-for-places",
            partial(_lesson, target=lambda places: np.argsort(places, axis=1)),
            nudge="In [0.5, 0.1, 0.3], where does the smallest number stand? Is that your first target?",
            pointer=f"Read “{_PLACES_TEXT}” again.",
            explanation="Your targets are ranks: for each number of x, the how-manieth it is. A pointer "
            "needs the reverse: for each step, the place to point at.",
        ),
        Misconception(
            "ranks-throughout",
            partial(_lesson, order=lambda x: np.argsort(np.argsort(x, axis=1), axis=1)),
            nudge="Read your inputs aloud: do they rise?",
            pointer=f"Read “{_PLACES_TEXT}” again.",
            explanation="You sort twice, so you get ranks: for each number of x, the how-manieth it is.",
        ),
        Misconception(
            "ranks-for-places-and-used",
            partial(
                _lesson,
                target=lambda places: np.argsort(places, axis=1),
                # places and ranks are inverses: so are their one-hot rows
                used=lambda hot: np.cumsum(hot.swapaxes(1, 2), axis=1) - hot.swapaxes(1, 2),
            ),
            nudge="In [0.5, 0.1, 0.3], where does the smallest number stand? Is that your first target?",
            pointer=f"Read “{_PLACES_TEXT}” again.",
            explanation="Your targets and `used` are made of ranks: for each number of x, the "
            "how-manieth it is. A pointer needs the reverse: for each step, the place to point at.",
        ),
        Misconception(
            "numbers-as-places",
            lambda x: (*_lesson(x)[:2], np.sort(x, axis=1)),
            nudge="Are your `places` whole numbers?",
            pointer=f"Read “{_PLACES_TEXT}” again.",
            explanation="Your places are the sorted numbers themselves. A pointer's target is where "
            "they stand.",
        ),
        Misconception(
            "used-and-places-exchanged",
            lambda x: (_lesson(x)[0], _lesson(x)[2], _lesson(x)[1]),
            nudge="In which order should the three results come?",
            pointer="Read the last lines of the function's description again.",
            explanation="You return inputs, places, used. Asked for are inputs, used, places.",
        ),
        Misconception(
            "numbers-of-the-first-sequence",
            partial(_lesson, numbers=lambda x, places: x[0][places]),
            nudge="From which sequence are your inputs, in the second row?",
            pointer=f"Read “{_LESSON_TEXT}” again.",
            explanation="You look all places up in the first sequence. Each sequence has numbers of its "
            "own.",
        ),
        Misconception(
            "used-upside-down",
            partial(_lesson, used=lambda hot: 1 - (np.cumsum(hot, axis=1) - hot)),
            nudge="What is your `used` before anything has been pointed at?",
            pointer=f"Read “{_LESSON_TEXT}” again.",
            explanation="Your `used` is 1 where nobody has pointed yet. It should be 1 where somebody "
            "has.",
        ),
        Misconception(
            "unshifted",
            partial(_lesson, shift=False),
            nudge="What does the decoder read at the step where it has to point at the smallest?",
            pointer=f"Read “{_LESSON_TEXT}” again. Notebook 12 has the story of a loss of zero.",
            explanation="The decoder reads the very number that it has to point at. Its inputs have to "
            "be shifted by one step.",
        ),
        Misconception(
            "input-in-its-own-order",
            partial(_lesson, numbers=lambda x, places: x),
            nudge="What does the decoder read at its second step? What has it pointed at before?",
            pointer=f"Read “{_LESSON_TEXT}” again.",
            explanation="The decoder reads x in its own order. It should read the number that was "
            "pointed at one step before.",
        ),
        Misconception(
            "places-as-inputs",
            partial(_lesson, numbers=lambda x, places: places.astype(float)),
            nudge="Are your inputs numbers between 0 and 1?",
            pointer=f"Read “{_LESSON_TEXT}” again.",
            explanation="The decoder reads places. It should read the *numbers* that stand there.",
        ),
        Misconception(
            "starts-with-zero",
            partial(_lesson, start=0.0),
            nudge="Can 0 be one of the numbers to be sorted?",
            pointer=f"Read “{_LESSON_TEXT}” again: what stands before the first?",
            explanation="Your first input is 0, which could be a number of the sequence. START cannot.",
        ),
        Misconception(
            "used-one-step-early",
            partial(_lesson, used=lambda hot: np.cumsum(hot, axis=1)),
            nudge="What has been used before the very first step?",
            pointer=f"Read “{_LESSON_TEXT}” again: *before* step t.",
            explanation="Your `used` holds the place that is to be pointed at now. That tells the "
            "decoder the answer.",
        ),
        Misconception(
            "used-the-last-only",
            partial(
                _lesson,
                used=lambda hot: np.concatenate([np.zeros_like(hot[:, :1]), hot[:, :-1]], axis=1),
            ),
            nudge="How many ones are there in the last row of a sequence's `used`?",
            pointer=f"Read “{_LESSON_TEXT}” again.",
            explanation="You mark only the place of the step before. All steps before count.",
        ),
        Misconception(
            "used-by-the-clock",
            partial(
                _lesson,
                used=lambda hot: np.broadcast_to(np.tri(hot.shape[1], k=-1), hot.shape) + 0.0,
            ),
            nudge="Is your `used` the same for all sequences? Should it be?",
            pointer=f"Read “{_LESSON_TEXT}” again.",
            explanation="You mark the first t places. Which ones are used depends on where the smallest "
            "numbers stand.",
        ),
        Misconception(
            "used-axes-exchanged",
            partial(_lesson, used=lambda hot: np.swapaxes(np.cumsum(hot, axis=1) - hot, 1, 2)),
            nudge="What is the first row of a sequence's `used`? Which axis counts the steps?",
            pointer=f"Read “{_LESSON_TEXT}” again, and the shapes.",
            explanation="Steps and places are exchanged in your `used`.",
        ),
        Misconception(
            "used-over-the-batch",
            partial(_lesson, used=lambda hot: np.cumsum(hot, axis=0) - hot),
            nudge="Can a place of sequence 1 be used because sequence 0 has pointed at it?",
            pointer=f"Read “{_LESSON_TEXT}” again, and the shapes.",
            explanation="You add up over the batch. Steps are the second axis.",
        ),
        Misconception(
            "falling",
            partial(_lesson, order=lambda x: np.argsort(-x, axis=1)),
            nudge="Which number comes first, the smallest or the largest?",
            pointer=f"Read “{_LESSON_TEXT}” again.",
            explanation="You sort from the largest to the smallest.",
        ),
    ),
    nudge="Do [0.5, 0.1, 0.3] by hand: places, inputs, used.",
    pointer=f"“{_LESSON_TEXT}” and “{_PLACES_TEXT}” have what is wanted.",
    alternatives={
        "loops": _lesson_by_loops,
        "comparisons": _lesson_by_comparison,
        "TensorFlow": _lesson_by_tensorflow,
        "cumsum": _lesson,
    },
)

# ------------------------------------------------------------------------- point_alone


def _reference_point(step: Any, state: Any, x: Any, once: bool) -> Any:
    from course_lib.pointing import point_alone

    return point_alone(step, state, x, once)


def _point_cases(rng: Rng) -> list[Case]:
    def case(name: str, B: int, N: int, H: int, fade: float, once: bool, *tags: str) -> Case:
        weights = [
            rng.normal(0, H**-0.5, (H, H)),
            rng.normal(0, 1, H),
            rng.normal(0, 1, (H, N)),
            fade,
        ]
        return Case(
            name, (rng.random((B, N)), rng.normal(0, 1, (B, H)), weights, once), frozenset(tags)
        )

    return [
        case("four sequences of six numbers", 4, 6, 5, 1.0, False, "free"),
        case("as many sequences as numbers", 5, 5, 4, 1.0, False, "free"),
        case("a step that takes no notice of `used`", 4, 6, 5, 0.0, False, "free"),
        case("each place once", 4, 6, 5, 0.0, True, "once"),
        case("each place once, a step that knows", 5, 5, 3, 1.0, True, "once"),
        case("one sequence", 1, 4, 3, 1.0, False, "small"),
        case("one number", 3, 1, 2, 1.0, True, "small"),
    ]


def _point(
    step: Any,
    state: Any,
    x: Any,
    once: bool,
    *,
    start: float = START,
    fed: Callable[[Array, Array, Array, int], Array] = lambda x, chosen, s, t: x[
        np.arange(len(x)), chosen
    ],
    carry: bool = True,
    mark: str = "all",
    forbids: Callable[[bool], bool] = lambda once: once,
    best: Callable[[Array], Array] = lambda s: s.argmax(axis=1),
    low: float = -np.inf,
    upside_down: bool = False,
    result: Callable[[Array, Array], Array] = lambda places, x: places,
) -> Array:
    """Pointing alone, with a place for each mistake."""
    x = np.asarray(x)
    batch, length = x.shape
    rows = np.arange(batch)
    values, used = np.full(batch, start), np.zeros(x.shape)
    gone = np.zeros(x.shape, bool)
    told, places = used, []
    for t in range(length):
        late = used.copy()
        scores, new = step(values, told.copy(), state)
        state = new if carry else state
        scores = np.asarray(scores)
        closed = {"never": used * 0, "last": used, "columns": used}.get(mark, gone) > 0
        closed = ~closed if upside_down else closed
        chosen = best(np.where(closed, low, scores) if forbids(once) else scores)
        values = fed(x, chosen, scores, t)
        gone[rows, chosen] = True
        used = np.zeros(x.shape) if mark == "last" else used.copy()
        used[slice(None) if mark == "columns" else rows, chosen] = (
            used[rows, chosen] + 1 if mark == "count" else 1
        )
        told = {"never": np.zeros(x.shape), "late": late}.get(mark, used)
        places.append(chosen)
    return result(np.stack(places, axis=1), x)


def _point_by_rows(step: Any, state: Any, x: Any, once: bool) -> list[list[int]]:
    places: list[list[int]] = [[] for _ in x]
    for t in range(x.shape[1]):
        values = [row[seen[-1]] if t else START for row, seen in zip(x, places, strict=True)]
        used = [[float(k in seen) for k in range(x.shape[1])] for seen in places]
        scores, state = step(np.array(values), np.array(used), state)
        for row, seen in zip(np.asarray(scores).tolist(), places, strict=True):
            open_places = [k for k in range(len(row)) if not (once and k in seen)]
            seen.append(max(open_places, key=row.__getitem__))
    return places


def _point_by_one_hot(step: Any, state: Any, x: Any, once: bool) -> Array:
    hot = np.zeros_like(x)
    used, values, places = np.zeros_like(x), np.full(len(x), START), []
    for _ in range(x.shape[1]):
        scores, state = step(values, used, state)
        logits = np.where(used == 1, -1e9, scores) if once else scores
        places.append(np.argmax(logits, axis=1))
        hot = np.eye(x.shape[1])[places[-1]]
        values = np.sum(hot * x, axis=1)
        used = np.maximum(used, hot)
    return np.array(places).T


def _point_in_tensorflow(step: Any, state: Any, x: Any, once: bool) -> Any:
    tf = _tf()
    x = tf.constant(x)
    used = tf.zeros_like(x)
    values = tf.fill([x.shape[0]], tf.cast(START, x.dtype))
    places = []
    for _ in range(x.shape[1]):
        scores, state = step(values, used, state)
        if once:
            scores = tf.where(used > 0, tf.constant(-1e9, x.dtype), scores)
        places.append(tf.argmax(scores, axis=1))
        values = tf.gather(x, places[-1], axis=1, batch_dims=1)
        used = tf.maximum(used, tf.one_hot(places[-1], x.shape[1], dtype=x.dtype))
    return tf.stack(places, axis=1)


_ALONE_TEXT = "Pointing alone"
_FREE = frozenset({"free"})
_POINT_TEXT = f"Read “{_ALONE_TEXT}” again."

POINT_ALONE = Exercise(
    id="point_alone",
    probe="pointer:point",
    reference=_reference_point,
    cases=_point_cases,
    axes={
        "places": ("batch", "step"),
        "told first": ("batch",),
        "values": ("batch", "step"),
        "used": ("batch", "step", "place"),
    },
    aspects=(
        Aspect(
            "what the step is told",
            1.5,
            lambda seen: part("told first")(seen) or part("values")(seen) or part("used")(seen),
            tags=_FREE,
        ),
        Aspect(
            "the places",
            1.5,
            part("places"),
            tags=_FREE,
            needs=("what the step is told",),
        ),
        Aspect(
            "each place once",
            1.0,
            part("places"),
            tags=frozenset({"once"}),
            needs=("the places",),
        ),
        Aspect(
            "one sequence, one number",
            0.5,
            part("places"),
            tags=frozenset({"small"}),
            needs=("each place once",),
        ),
        Aspect(
            "inputs left unchanged",
            0.5,
            inputs_unchanged,
            needs=("what the step is told", "the places"),
        ),
    ),
    misconceptions=(
        Misconception(
            "places-fed-back",
            partial(_point, fed=lambda x, chosen, s, t: chosen.astype(float)),
            nudge="What did the decoder read while it was taught: places, or numbers?",
            pointer=_POINT_TEXT,
            explanation="You feed back the place. The decoder was taught with the number that stands "
            "there.",
        ),
        Misconception(
            "next-number-fed",
            partial(_point, fed=lambda x, chosen, s, t: x[:, t]),
            nudge="Does what your step reads depend on where it has pointed?",
            pointer=_POINT_TEXT,
            explanation="Your step reads x in its own order, wherever it has pointed.",
        ),
        Misconception(
            "numbers-of-the-first-sequence",
            partial(_point, fed=lambda x, chosen, s, t: x[0, chosen]),
            nudge="From which sequence are the numbers that you feed back?",
            pointer=_POINT_TEXT,
            explanation="You look all places up in the first sequence. Each sequence has numbers of its "
            "own: the look-up needs the row as well as the place.",
        ),
        Misconception(
            "best-score-fed-back",
            partial(_point, fed=lambda x, chosen, s, t: s.max(axis=1)),
            nudge="Are the numbers that you feed back among those of x?",
            pointer=_POINT_TEXT,
            explanation="You feed back the best score. What is read is the number at the chosen place.",
        ),
        Misconception(
            "start-is-zero",
            partial(_point, start=0.0),
            nudge="What does your step read first?",
            pointer=_POINT_TEXT,
            explanation="Your first value is 0. The decoder was taught with START.",
        ),
        Misconception(
            "state-not-carried",
            partial(_point, carry=False),
            nudge="Which state does your second step get?",
            pointer=_POINT_TEXT,
            explanation="Every step gets the first state. What a step returns belongs to the next one.",
        ),
        Misconception(
            "used-never-marked",
            partial(_point, mark="never"),
            nudge="What is your `used` at the last step?",
            pointer=_POINT_TEXT,
            explanation="You never mark what has been used.",
        ),
        Misconception(
            "used-the-last-only",
            partial(_point, mark="last"),
            nudge="How many ones has your `used` at the third step?",
            pointer=_POINT_TEXT,
            explanation="You mark only the last place. All places that were pointed at stay marked.",
        ),
        Misconception(
            "used-one-step-late",
            partial(_point, mark="late"),
            nudge="What is your `used` at the second step?",
            pointer=_POINT_TEXT,
            explanation="The step learns one step too late what has been used: mark first, then call it.",
        ),
        Misconception(
            "used-counted",
            partial(_point, mark="count"),
            nudge="A place is pointed at twice. What is your `used` there?",
            pointer=_POINT_TEXT,
            explanation="You count. `used` says only whether: 1 or 0.",
        ),
        Misconception(
            "marked-in-all-sequences",
            partial(_point, mark="columns"),
            nudge="Sequence 0 points at place 2. Is place 2 used in sequence 1?",
            pointer=_POINT_TEXT,
            explanation="You mark a place in all sequences of the batch. The mark needs the row as well "
            "as the place.",
        ),
        Misconception(
            "told-the-right-numbers",
            partial(_point, fed=lambda x, chosen, s, t: np.sort(x, axis=1)[:, t]),
            nudge="After a mistake: which number does your step read next?",
            pointer=_POINT_TEXT,
            explanation="Your step reads the sorted numbers, as while it is taught. Alone it lives on "
            "its own answers, right or wrong.",
        ),
        Misconception(
            "start-at-every-step",
            partial(_point, fed=lambda x, chosen, s, t: np.full(len(x), START)),
            nudge="What does your step read at its second call?",
            pointer=_POINT_TEXT,
            explanation="Your step reads START again and again, and never the number that was pointed "
            "at.",
        ),
        Misconception(
            "sorted-without-the-network",
            lambda step, state, x, once: np.argsort(x, axis=1),
            nudge="What would your function return if the network were badly trained?",
            pointer=_POINT_TEXT,
            explanation="You sort yourself. Asked for is where this network points, right or wrong.",
        ),
        Misconception(
            "forbids-what-is-open",
            partial(_point, low=-1e9, upside_down=True),
            nudge="Before the first step nothing is used. Which places does your mask allow then?",
            pointer=f"Read “{_LOGIT_TEXT}” again: what does False stand for?",
            explanation="Your mask is upside down: you allow the places that are used, and forbid those "
            "that are open.",
        ),
        Misconception(
            "once-ignored",
            partial(_point, forbids=lambda once: False),
            nudge="Where in your code does `once` occur?",
            pointer=_POINT_TEXT,
            explanation="You let places be pointed at twice even if `once` is True.",
        ),
        Misconception(
            "once-always",
            partial(_point, forbids=lambda once: True),
            nudge="What may happen if `once` is False? Can it happen in yours?",
            pointer=_POINT_TEXT,
            explanation="You forbid used places always. With `once=False` the network is to be seen as "
            "it is, mistakes and all.",
        ),
        Misconception(
            "forbidden-is-zero",
            partial(_point, low=0.0),
            nudge="All open places have negative scores. Where do you point?",
            pointer=f"Read “{_LOGIT_TEXT}” again.",
            explanation="You set the scores of forbidden places to 0. Beside negative scores that is "
            "the best one. You have a function for this, exercise 5.",
        ),
        Misconception(
            "least-likely",
            partial(_point, best=lambda s: s.argmin(axis=1), low=np.inf),
            nudge="Is the chosen score the largest, or the smallest?",
            pointer=_POINT_TEXT,
            explanation="You point at the lowest score. (It is the smallest *number* that is looked for; "
            "the network gives it the largest *score*.)",
        ),
        Misconception(
            "numbers-returned",
            partial(_point, result=lambda places, x: np.take_along_axis(x, places, axis=1)),
            nudge="Are your results places, or numbers?",
            pointer="Read the last line of the function's description again.",
            explanation="You return the numbers that were pointed at. The places are asked for.",
        ),
        Misconception(
            "time-first",
            partial(_point, result=lambda places, x: places.T),
            nudge="Which axis of your result counts the sequences?",
            pointer="Read the last line of the function's description again.",
            explanation="Your result is (N, B): you stack the steps on the first axis.",
        ),
    ),
    nudge="Write down what the step is told at its first, second and third call.",
    pointer=f"“{_ALONE_TEXT}” lists what goes in and what comes out.",
    alternatives={
        "one row after the other": _point_by_rows,
        "one-hot": _point_by_one_hot,
        "TensorFlow": _point_in_tensorflow,
        "fancy indexing": _point,
    },
)

# ---------------------------------------------------------------- train_pointer_sorter

LOOK = 10


def _reference_train(model: Any, draw: Callable[[], Any], goal: float, most: int) -> Any:
    from course_lib.pointing import point_alone, pointer_lesson, share_sorted

    losses: list[float] = []
    scores: list[float] = []
    while len(losses) < most and not (scores and scores[-1] >= goal):
        x = draw()
        losses.append(float(model.update(x, *pointer_lesson(x))))
        if len(losses) % LOOK == 0:
            x = draw()
            scores.append(share_sorted(point_alone(model.step, model.read(x), x), x))
    return losses, scores


def _score(model: Any, x: Array, once: bool = False) -> float:
    places = _point(model.step, model.read(x), x, once)
    return float((places == np.argsort(x, axis=1)).all(axis=1).mean())


def _score_of_places(model: Any, x: Array) -> float:
    places = _point(model.step, model.read(x), x, False)
    return float((places == np.argsort(x, axis=1)).mean())


def _trained(
    *,
    teach: Callable[[Array], Any] = _lesson,
    score: Callable[[Any, Array], float] = _score,
    fresh: Callable[[Callable[[], Array], Array], Array] = lambda draw, x: draw(),
    every: int = LOOK,
    offset: int = 0,
    stops: Callable[[list[float], float], bool] = lambda scores, goal: scores[-1] >= goal,
    keeps: bool = False,
    extra: int = 0,
    report: Callable[[list[float], list[float]], Any] = lambda losses, scores: (losses, scores),
) -> Callable[..., Any]:
    """The training by the book; each argument bends one thing."""

    def answer(model: Any, draw: Callable[[], Array], goal: float, most: int) -> Any:
        losses: list[float] = []
        scores: list[float] = []
        x = draw() if keeps else np.zeros((1, 1))
        while len(losses) < most + extra:
            x = x if keeps else draw()
            losses.append(float(model.update(x, *teach(x))))
            if (len(losses) + offset) % every == 0:
                scores.append(score(model, fresh(draw, x)))
                if stops(scores, goal):
                    break
        return report(losses, scores)

    return answer


def _trained_by_lists(model: Any, draw: Callable[[], Array], goal: float, most: int) -> Any:
    losses: list[Any] = []
    scores: list[Any] = []
    for number in range(1, most + 1):
        x = draw()
        losses.append(model.update(x, *_lesson_by_loops(x)))
        if number % LOOK:
            continue
        x = draw()
        rows = zip(_point_by_rows(model.step, model.read(x), x, False), x.tolist(), strict=True)
        scores.append(sum([row[k] for k in places] == sorted(row) for places, row in rows) / len(x))
        if scores[-1] >= goal:
            return losses, scores
    return losses, scores


def _trained_in_tensorflow(model: Any, draw: Callable[[], Array], goal: float, most: int) -> Any:
    tf = _tf()
    losses: list[Any] = []
    scores: list[Any] = []
    while len(losses) < most and (not scores or scores[-1] < goal):
        x = draw()
        losses.append(model.update(tf.constant(x), *_lesson_by_tensorflow(x)))
        if len(losses) % LOOK == 0:
            x = draw()
            places = _point_in_tensorflow(model.step, model.read(x), x, False)
            right = tf.equal(tf.cast(places, tf.int32), tf.argsort(x, axis=1))
            scores.append(tf.reduce_mean(tf.cast(tf.reduce_all(right, axis=1), tf.float32)))
    return tf.stack(losses), tf.stack(scores)


_SIZES = (5, 64)
GOAL, MOST = 0.9, 400
LIMIT = 0.6


def _train_cases(rng: Rng) -> list[Case]:
    def rehearsal(B: int, N: int, rising: Sequence[float], goal: float, most: int) -> list[Any]:
        # Numbers well apart, so that no rounding decides; no row stands in rising order.
        x = (rng.permuted(np.tile(np.arange(N), (2 * most + 20, B, 1)), axis=2) + 0.5) / N
        for row in x.reshape(-1, N):
            while (np.argsort(row) == np.argsort(np.argsort(row))).all():
                rng.shuffle(row)
        right = [share for share in rising for _ in range(LOOK)]
        return [x.astype(np.float32), right, goal, most]

    low, high = (float(n) for n in rng.permutation([0.25, 0.5])[:2])
    cases = [
        ("the goal is reached", rehearsal(8, 5, (0.0, low, high, 0.75, 0.875), 0.75, 55)),
        ("the goal is not reached", rehearsal(4, 4, (0.25, 0.5, 0.25), 0.9, 25)),
    ]
    noted = ("updates", "drawn", "scores", "x", "inputs", "used", "places")
    first = []
    for _, inputs in cases:
        seen = rehearse(_trained(), *inputs)
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


def _lessons_taught(seen: Comparison) -> Difference | None:
    """Each update's lesson must be that of its own numbers, whichever those are."""
    given = {name: np.asarray(seen.actual.value[name]) for name in ("inputs", "used", "places")}
    numbers = np.asarray(seen.actual.value["x"])
    if not len(numbers):
        return Difference("`model.update` is never called")
    for update, x in enumerate(numbers):
        for name, wanted in zip(("inputs", "used", "places"), _lesson(x), strict=True):
            off = ~np.isclose(given[name][update], wanted, atol=1e-5)
            if off.any():
                row = int(np.argmax(off.reshape(len(off), -1).any(axis=1)))
                got, right = (np.round(a[row], 2).tolist() for a in (given[name][update], wanted))
                return Difference(
                    f"`{name}` of sequence {row} in update {update + 1} is {got}, expected {right}"
                )
    return None


def _new_batches(seen: Comparison) -> Difference | None:
    drawn, numbers = np.asarray(seen.case.inputs[1][0]), np.asarray(seen.actual.value["x"])
    for update, x in enumerate(numbers):
        if not any(np.allclose(x, batch) for batch in drawn):
            return Difference(f"the numbers of update {update + 1} are none that `draw` gave")
        if update and np.allclose(x, numbers[update - 1]):
            return Difference(f"update {update + 1} has the same batch as the one before")
    return None


def _looks(seen: Comparison) -> Difference | None:
    wanted, got = seen.expected.value, seen.actual.value
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
    N, _ = _SIZES
    network = pointer(N)
    for variable, value in zip(network.weights, trained["weights"], strict=True):
        variable.assign(value)
    x = np.random.default_rng([13, N]).random((500, N), dtype=np.float32)
    share = _score(network, x)
    if share > LIMIT:
        return None
    return Difference(f"{share:.0%} of 500 fresh sequences are sorted, expected over {LIMIT:.0%}")


_TRAIN_TEXT = "Training it"
_READ_TRAIN = f"Read “{_TRAIN_TEXT}” again."
_REHEARSAL = frozenset({"rehearsal"})

TRAIN_POINTER_SORTER = Exercise(
    id="train_pointer_sorter",
    probe="pointer:train",
    reference=_reference_train,
    cases=_train_cases,
    seconds=60.0,
    aspects=(
        Aspect(
            "what the model is taught",
            1.5,
            _lessons_taught,
            _REHEARSAL,
        ),
        Aspect(
            "a new batch each time",
            0.5,
            _new_batches,
            _REHEARSAL,
            needs=("what the model is taught",),
        ),
        Aspect(
            "looks at fresh sequences",
            1.5,
            _looks,
            _REHEARSAL,
            needs=("what the model is taught",),
        ),
        Aspect("when it ends", 0.5, _ends, _REHEARSAL, needs=("looks at fresh sequences",)),
        Aspect(
            "sorts fresh sequences",
            2.0,
            _sorts,
            frozenset({"training"}),
            needs=("a new batch each time", "when it ends"),
        ),
    ),
    misconceptions=(
        Misconception(
            "ranks-for-places",
            _trained(teach=partial(_lesson, target=lambda places: np.argsort(places, axis=1))),
            nudge="What are the targets of [0.5, 0.1, 0.3]?",
            pointer=f"Read “{_PLACES_TEXT}” again.",
            explanation="You teach ranks in place of places.",
        ),
        Misconception(
            "ranks-for-places-and-used",
            _trained(
                teach=partial(
                    _lesson,
                    target=lambda places: np.argsort(places, axis=1),
                    used=lambda hot: np.cumsum(hot.swapaxes(1, 2), axis=1) - hot.swapaxes(1, 2),
                )
            ),
            nudge="What are the targets of [0.5, 0.1, 0.3]?",
            pointer=f"Read “{_PLACES_TEXT}” again.",
            explanation="You teach ranks in place of places, in the targets and in `used`.",
        ),
        Misconception(
            "unshifted",
            _trained(teach=partial(_lesson, shift=False)),
            nudge="What does the decoder read at the step where it has to point at the smallest?",
            pointer=f"Read “{_LESSON_TEXT}” again.",
            explanation="The decoder reads the very number that it has to point at.",
        ),
        Misconception(
            "used-one-step-early",
            _trained(teach=partial(_lesson, used=lambda hot: np.cumsum(hot, axis=1))),
            nudge="What has been used before the very first step?",
            pointer=f"Read “{_LESSON_TEXT}” again.",
            explanation="`used` holds the place that is to be pointed at now: the answer. The loss "
            "falls to nothing, and alone the network can do nothing.",
        ),
        Misconception(
            "never-told-what-is-used",
            _trained(teach=partial(_lesson, used=np.zeros_like)),
            nudge="Is your `used` zero throughout?",
            pointer=f"Read “{_LESSON_TEXT}” again.",
            explanation="Your `used` is always zero. The network can learn without, but not in this time, "
            "and when it is alone you do tell it.",
        ),
        Misconception(
            "one-batch-again-and-again",
            _trained(keeps=True),
            nudge="How often do you call `draw` for updates?",
            pointer=_READ_TRAIN,
            explanation="You draw one batch and train on it again and again.",
        ),
        Misconception(
            "looks-at-what-it-trains-on",
            _trained(fresh=lambda draw, x: x),
            nudge="Has the network seen the sequences that you judge it by?",
            pointer=_READ_TRAIN,
            explanation="You judge by the batch that the update has just used. Draw another.",
        ),
        Misconception(
            "looks-with-help",
            _trained(score=partial(_score, once=True)),
            nudge="With which value of `once` do you look?",
            pointer=_READ_TRAIN,
            explanation="You forbid used places when you look. So the score hides what the network has "
            "not learned.",
        ),
        Misconception(
            "share-of-places",
            _trained(score=_score_of_places),
            nudge="A sequence with one mistake in five: how much does it count in your score?",
            pointer=_READ_TRAIN,
            explanation="You count right places. A sequence is sorted, or it is not.",
        ),
        Misconception(
            "share-of-mistakes",
            _trained(
                score=lambda model, x: 1 - _score(model, x),
                stops=lambda scores, goal: 1 - scores[-1] >= goal,
            ),
            nudge="Should a better network have a higher or a lower score?",
            pointer=_READ_TRAIN,
            explanation="You report the share of sequences with a mistake.",
        ),
        Misconception(
            "looks-at-each-update",
            _trained(every=1),
            nudge="How many scores does your function return for 30 updates?",
            pointer=_READ_TRAIN,
            explanation=f"You look after each update. Once in {LOOK} is asked for; a look takes longer "
            "than an update.",
        ),
        Misconception(
            "looks-one-update-late",
            _trained(offset=-1),
            nudge="After how many updates is your first look?",
            pointer=_READ_TRAIN,
            explanation=f"You count updates from 0, so you look after 1, {LOOK + 1}, ... of them, not "
            f"after {LOOK}, {2 * LOOK}, ...",
        ),
        Misconception(
            "never-stops-early",
            _trained(stops=lambda scores, goal: False),
            nudge="What does your function do when the goal is reached?",
            pointer=_READ_TRAIN,
            explanation="You train on to the last update although the goal is reached.",
        ),
        Misconception(
            "only-above-the-goal",
            _trained(stops=lambda scores, goal: scores[-1] > goal),
            nudge="A score is exactly the goal. Do you stop?",
            pointer="Read the function's description again: at least.",
            explanation="You stop only above the goal.",
        ),
        Misconception(
            "one-update-too-many",
            _trained(extra=1),
            nudge="How many losses do you return when the goal is never reached?",
            pointer="Read the function's description again.",
            explanation="You make one update more than allowed.",
        ),
        Misconception(
            "scores-before-losses",
            _trained(report=lambda losses, scores: (scores, losses)),
            nudge="In which order do your two results come?",
            pointer="Read the last line of the function's description again.",
            explanation="The losses come first.",
        ),
        Misconception(
            "last-ones-only",
            _trained(report=lambda losses, scores: (losses[-1], scores[-1])),
            nudge="How many numbers do you return?",
            pointer="Read the last line of the function's description again.",
            explanation="You return the last loss and the last score. All of them are asked for.",
        ),
    ),
    nudge="What has to happen in one update? And in one look? Which of your functions does it?",
    pointer=f"“{_TRAIN_TEXT}” lists what the model offers.",
    alternatives={
        "lists": _trained_by_lists,
        "TensorFlow": _trained_in_tensorflow,
        "NumPy": _trained(),
    },
)


SHOWN = ("plots/pointing.py",)
"""What of ``course_lib`` a grading kernel shows: what ordinary cells and probes need, and no answer."""

EXERCISES = (
    MASKED_SOFTMAX,
    DOT_ATTENTION,
    ADDITIVE_ATTENTION,
    REPAIR_ATTENTION_STEP,
    POINTER_LOGITS,
    POINTER_LESSON,
    POINT_ALONE,
    TRAIN_POINTER_SORTER,
)
