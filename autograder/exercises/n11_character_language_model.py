"""N11: text as numbers, what a text costs in bits, and text that a model writes."""

from __future__ import annotations

import string
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial
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
    same_values,
)
from autograder.probes.writing import REFUSED, bytes_written, write
from course_lib.text import (
    bits_per_character,
    generate_text,
    language_model_batches,
    one_hot_text,
    sample,
)
from course_lib.writing import repaired_slide_writer, unigram_bits

Array = np.ndarray
Rng = np.random.Generator
Pair = tuple[Any, Any]

ALPHABET = " -ABCDEFGHIKLMNOPRSTUVWY"


def _tf() -> Any:
    """TensorFlow, imported when an exercise is judged that needs it."""
    from course_lib.quiet import tf

    return tf


def _softmax(logits: Any, axis: int = -1) -> Array:
    logits = np.asarray(logits, float)
    weights = np.exp(logits - logits.max(axis=axis, keepdims=True))
    total: Array = weights / weights.sum(axis=axis, keepdims=True)
    return total


# ------------------------------------------------------------------------ one_hot_text


def _one_hot_cases(rng: Rng) -> list[Case]:
    def case(name: str, length: int, size: int, tag: str = "known") -> Case:
        vocab = "".join(rng.permutation(list("bdfhkmpqsuwz"))[:size])
        # The vocabulary's last character never occurs, so that its size is not the text's.
        text = "".join(rng.choice(list(vocab[:-1]), size=length))
        if tag == "strange":
            text = text[:2] + "!" + text[2:]
        return Case(name, (text, vocab), frozenset({tag}))

    return [
        case("nine characters of seven", 9, 7),
        case("as many characters as the vocabulary has", 6, 6),
        case("a single character", 1, 5),
        case("a long text", 40, 11),
        case("a character that is not in the vocabulary", 6, 8, "strange"),
    ]


def _rows(text: str, vocab: str, place: Callable[[str], int], depth: int) -> Array:
    encoded = np.zeros((len(text), depth))
    for t, character in enumerate(text):
        encoded[t, place(character)] = 1
    return encoded


def _strange_as_zeros(text: str, vocab: str) -> Array:
    encoded = np.zeros((len(text), len(vocab)))
    for t, character in enumerate(text):
        if character in vocab:
            encoded[t, vocab.index(character)] = 1
    return encoded


def _ids(text: str, vocab: str) -> list[int]:
    return [vocab.index(character) for character in text]


def _vocabulary_of_the_text(text: str, vocab: str) -> Array:
    own = sorted(set(text))
    return _rows(text, vocab, own.index, len(own))


def _sorted_vocabulary(text: str, vocab: str) -> Array:
    return _rows(text, vocab, "".join(sorted(vocab)).index, len(vocab))


def _strange_skipped(text: str, vocab: str) -> Array:
    return one_hot_text("".join(c for c in text if c in vocab), vocab)


def _strange_asserted(text: str, vocab: str) -> Array:
    if not set(text) <= set(vocab):
        raise AssertionError
    return one_hot_text(text, vocab)


def _counted(text: str, vocab: str) -> Array:
    return one_hot_text(text, vocab).sum(axis=0)


def _flat(text: str, vocab: str) -> Array:
    return one_hot_text(text, vocab).ravel()


def _with_tensorflow(text: str, vocab: str) -> Any:
    return _tf().one_hot([vocab.index(character) for character in text], len(vocab))


def _strange(seen: Comparison) -> Difference | None:
    if seen.actual.value == REFUSED if isinstance(seen.actual.value, str) else False:
        return None
    return Difference("the text holds '!', the vocabulary does not, and nothing was raised")


_ONE = "Read “A character is a row with a single 1” again."

_ONE_CODES = {
    "nudge": "How many columns does your result have, and how large is the code of a letter?",
    "pointer": _ONE,
    "explanation": "You use the character's code as its place, as the slides do, who have 128 columns "
    "for it. Here a place is counted in the vocabulary.",
}

ONE_HOT_TEXT = Exercise(
    id="one_hot_text",
    probe="writing:encode",
    reference=one_hot_text,
    cases=_one_hot_cases,
    aspects=(
        Aspect("shape", 0.5, same_shape, tags=frozenset({"known"})),
        Aspect("values", 1.5, same_values, tags=frozenset({"known"}), needs=("shape",)),
        Aspect(
            "unknown characters are refused",
            1.0,
            _strange,
            frozenset({"strange"}),
            needs=("values",),
        ),
    ),
    misconceptions=(
        Misconception(
            "unknown-as-zeros",
            _strange_as_zeros,
            nudge="What does your function make of a character that the vocabulary lacks? Would "
            "anybody notice?",
            pointer=_ONE,
            explanation="An unknown character becomes a row of zeros: the network reads nothing "
            "there, and nobody is told.",
        ),
        Misconception(
            "unknown-as-the-last",
            lambda text, vocab: _rows(text, vocab, vocab.find, len(vocab)),
            nudge="What does `find` return for a character that is not there, and what is row "
            "`[t, -1]`?",
            pointer=_ONE,
            explanation="`find` says -1 for a character that is not there, and -1 is a valid "
            "index: it counts from the end.",
        ),
        Misconception(
            "unknown-skipped",
            _strange_skipped,
            nudge="How many rows does your result have for a text with an unknown character?",
            pointer=_ONE,
            explanation="You leave unknown characters out. The text has become shorter, all that "
            "follows has moved, and nobody is told.",
        ),
        Misconception(
            "refused-by-assert",
            _strange_asserted,
            nudge="Which kinds of errors does the text ask for? What becomes of an `assert` when "
            "Python is told to optimise?",
            pointer=_ONE,
            explanation="You refuse with an `assert`. `python -O` leaves all of these out; what must "
            "always be refused is better raised as an error of its own kind.",
        ),
        Misconception(
            "transposed",
            lambda text, vocab: one_hot_text(text, vocab).T,
            nudge="What does the first axis of your result count?",
            pointer=_ONE,
            explanation="Your result has a column for each character of the text. Asked for is a "
            "row.",
        ),
        Misconception(
            "vocabulary-of-the-text",
            _vocabulary_of_the_text,
            nudge="Two texts, one model: must both have the same number of columns?",
            pointer=_ONE,
            explanation="You make a vocabulary from the text itself. Then the same character has "
            "another place in another text; use the one that is given.",
        ),
        Misconception(
            "vocabulary-sorted",
            _sorted_vocabulary,
            nudge="In which order does the vocabulary stand, and in which do you count?",
            pointer=_ONE,
            explanation="You sort the vocabulary first. A character's place is the one in the "
            "vocabulary as it was given.",
        ),
        Misconception(
            "code-points", lambda text, vocab: _rows(text, vocab, ord, 128), **_ONE_CODES
        ),
        Misconception(
            "code-points-out-of-range",
            lambda text, vocab: _rows(text, vocab, ord, len(vocab)),
            **_ONE_CODES,
        ),
        Misconception(
            "ids-only",
            lambda text, vocab: np.array([vocab.index(character) for character in text]),
            nudge="Is C more than A? A network would believe so.",
            pointer=_ONE,
            explanation="You return the ids themselves: one number a character in place of a row.",
        ),
        Misconception(
            "counted",
            _counted,
            nudge="Can one read the order of the characters off your result?",
            pointer=_ONE,
            explanation="All rows are added up: that counts characters and forgets their order.",
        ),
        Misconception(
            "flat",
            _flat,
            nudge="How many axes should the result have?",
            pointer=_ONE,
            explanation="All rows stand one after the other in a single axis.",
        ),
    ),
    axes=("time", "vocabulary"),
    nudge="Write down the rows for the text 'CAB' and the vocabulary 'ABC'.",
    pointer=_ONE,
    alternatives={
        "a loop": lambda text, vocab: _rows(text, vocab, vocab.index, len(vocab)),
        "lists": lambda text, vocab: [
            [int(k == place) for place in range(len(vocab))] for k in _ids(text, vocab)
        ],
        "np.eye": lambda text, vocab: np.eye(len(vocab))[[vocab.index(c) for c in text]],
        "TensorFlow": _with_tensorflow,
        "comparison": lambda text, vocab: (
            np.array(_ids(text, vocab))[:, None] == np.arange(len(vocab))
        ),
    },
)

# ------------------------------------------------------------------------ unigram_bits


def _unigram_cases(rng: Rng) -> list[Case]:
    def mixed(counts: Sequence[int]) -> str:
        letters = rng.permutation(list(ALPHABET[2:]))
        text = [letter for letter, n in zip(letters, counts, strict=False) for _ in range(n)]
        return "".join(rng.permutation(text))

    def spaced(text: str) -> str:
        return "".join(rng.permutation([*text, *" " * 9, *"\n" * 4]))

    some = [int(n) for n in rng.integers(2, 12, size=5)]
    return [
        Case("two characters, equally frequent", (mixed([6, 6]),), frozenset({"even"})),
        Case("eight characters, equally frequent", (mixed([3] * 8),), frozenset({"even"})),
        Case("frequent and rare ones", (mixed([29, 7, *some]),), frozenset({"uneven"})),
        Case("one of them is most of the text", (mixed([90, 4, 1, 1]),), frozenset({"uneven"})),
        Case("spaces and line ends", (spaced(mixed([12, 5, 3])),), frozenset({"uneven"})),
        Case("the same character throughout", (mixed([9]),), frozenset({"single"})),
    ]


def _shares(text: str) -> Array:
    counts = np.array(sorted(Counter(text).values()), float)
    return counts / counts.sum()


def _entropy(text: str, log: Callable[..., Any] = np.log2) -> float:
    p = _shares(text)
    return float(-(p * log(p)).sum())


def _over_an_alphabet(text: str) -> float:
    p = np.array([text.count(character) for character in string.printable]) / len(text)
    with np.errstate(all="ignore"):
        return float(-(p * np.log2(p)).sum())


def _unigram_loop(text: str) -> float:
    total = 0.0
    for character in text:
        total -= np.log2(text.count(character) / len(text))
    return total / len(text)


def _unigram_unique(text: str) -> float:
    _, counts = np.unique(list(text), return_counts=True)
    return float(np.log2(len(text)) - (counts * np.log2(counts)).sum() / len(text))


def _unigram_in_tensorflow(text: str) -> Any:
    tf = _tf()
    p = tf.constant(_shares(text), tf.float32)
    return -tf.reduce_sum(p * tf.math.log(p)) / tf.math.log(2.0)


_BASE = "Read “The dumb baseline: how often each symbol occurs” again."

UNIGRAM_BITS = Exercise(
    id="unigram_bits",
    probe="calls:call",
    reference=unigram_bits,
    cases=_unigram_cases,
    aspects=(
        Aspect("equally frequent characters", 1.0, tags=frozenset({"even"})),
        Aspect("frequent and rare characters", 1.5, tags=frozenset({"uneven"})),
        Aspect(
            "a text without surprise",
            0.5,
            tags=frozenset({"single"}),
            needs=("frequent and rare characters",),
        ),
    ),
    misconceptions=(
        Misconception(
            "nats",
            partial(_entropy, log=np.log),
            nudge="A fair coin costs one bit. What does your function say for 'ABAB'?",
            pointer=_BASE,
            explanation="Your logarithm is the natural one, so these are nats and not bits.",
        ),
        Misconception(
            "decimal-logarithm",
            partial(_entropy, log=np.log10),
            nudge="A fair coin costs one bit. What does your function say for 'ABAB'?",
            pointer=_BASE,
            explanation="Your logarithm has the base 10; a bit needs the base 2.",
        ),
        Misconception(
            "all-equally-likely",
            lambda text: float(np.log2(len(set(text)))),
            nudge="Does your answer change if one character becomes rarer?",
            pointer=_BASE,
            explanation="You count how many characters there are. How often each occurs makes the "
            "difference: frequent ones are cheap.",
        ),
        Misconception(
            "rare-ones-count-fully",
            lambda text: float(-np.log2(_shares(text)).mean()),
            nudge="Over what do you take the mean: over the characters of the text, or over the "
            "characters of the alphabet?",
            pointer=_BASE,
            explanation="You take the mean over the different characters. A rare one then weighs "
            "as much as a frequent one.",
        ),
        Misconception(
            "not-weighted",
            lambda text: float(-np.log2(_shares(text)).sum()),
            nudge="How often is each price paid?",
            pointer=_BASE,
            explanation="You add up what each of the different characters costs, each once. A character "
            "is paid for as often as it comes.",
        ),
        Misconception(
            "divided-once-more",
            lambda text: float(-(_shares(text) * np.log2(_shares(text))).mean()),
            nudge="What do the shares add up to? Is there anything left to be divided by?",
            pointer=_BASE,
            explanation="Weighted with the shares, the sum is the mean already; you divide it once more "
            "by the number of different characters.",
        ),
        Misconception(
            "absent-characters",
            _over_an_alphabet,
            nudge="What is the logarithm of 0, and which characters have the share 0?",
            pointer="Look at what your function makes of a character that does not occur.",
            explanation="You count characters that the text does not hold. Their share is 0, its "
            "logarithm is infinite, and 0 times infinity is no number.",
        ),
        Misconception(
            "white-space-dropped",
            lambda text: _entropy("".join(text.split()) or text),
            nudge="Is a space a character? Does it have to be predicted?",
            pointer="Read “The text” again.",
            explanation="You leave spaces and line ends out. They are characters like the others.",
        ),
        Misconception(
            "whole-text",
            lambda text: len(text) * _entropy(text),
            nudge="What happens to your number when the text is written twice in a row?",
            pointer=_BASE,
            explanation="You add up the cost of the whole text. Asked for is the cost of one "
            "character, the mean.",
        ),
        Misconception(
            "weighted-twice",
            lambda text: float(sum(-s * np.log2(s) * s * len(text) for s in _shares(text))),
            nudge="How many terms does your sum have: one for each character of the text, or one "
            "for each different character?",
            pointer=_BASE,
            explanation="You go through the text character by character and weigh each with its "
            "share besides: frequent ones are counted twice over.",
        ),
        Misconception(
            "sign",
            lambda text: -_entropy(text),
            nudge="Can a cost be negative? What is the logarithm of a number below 1?",
            pointer=_BASE,
            explanation="The sign is missing: logarithms of probabilities are negative.",
        ),
        Misconception(
            "most-frequent-only",
            lambda text: float(-np.log2(_shares(text).max())),
            nudge="Which characters does your number know of?",
            pointer=_BASE,
            explanation="You ask only what the most frequent character costs.",
        ),
        Misconception(
            "logarithm-of-the-mean",
            lambda text: float(-np.log2((_shares(text) ** 2).sum())),
            nudge="Which comes first: the mean, or the logarithm?",
            pointer=_BASE,
            explanation="You take the mean probability and then its logarithm. The cost is the "
            "mean of the logarithms.",
        ),
        Misconception(
            "perplexity",
            lambda text: float(2 ** _entropy(text)),
            nudge="What does your function say for 'AAAA', a text that holds no news?",
            pointer=_BASE,
            explanation="You raise 2 to the answer: that is the perplexity, a number of choices. "
            "Asked for are bits.",
        ),
    ),
    nudge="Do 'AAAB' on paper: what does an A cost, what a B, and how often is each paid?",
    pointer=_BASE,
    alternatives={
        "character by character": _unigram_loop,
        "np.unique, rearranged": _unigram_unique,
        "Counter": lambda text: sum(
            n / len(text) * np.log2(len(text) / n) for n in Counter(text).values()
        ),
        "TensorFlow": _unigram_in_tensorflow,
    },
)

# -------------------------------------------------------------- language_model_batches


def _batch_cases(rng: Rng) -> list[Case]:
    def case(name: str, length: int, batch: int, T: int, tag: str = "fits") -> Case:
        return Case(name, (rng.permutation(length) + 100, batch, T), frozenset({tag}))

    return [
        case("three rows of eight, windows of four", 25, 3, 4),
        case("as many rows as columns in a window", 26, 5, 5),
        case("a batch of one", 13, 1, 3),
        case("windows of a single column", 11, 2, 1),
        case("one character short of a longer row", 24, 4, 3, "rest"),
        case("characters left over, the last window is shorter", 32, 3, 4, "rest"),
    ]


def _columns(ids: Array, batch: int) -> Pair:
    columns = (len(ids) - 1) // batch
    size = batch * columns
    return ids[:size].reshape(batch, columns), ids[1 : size + 1].reshape(batch, columns)


def _cut(x: Array, y: Array, T: int) -> list[Pair]:
    return [(x[:, t : t + T], y[:, t : t + T]) for t in range(0, x.shape[1], T)]


def _not_shifted(ids: Array, batch: int, T: int) -> list[Pair]:
    x, _ = _columns(ids, batch)
    return _cut(x, x, T)


def _shifted_back(ids: Array, batch: int, T: int) -> list[Pair]:
    x, y = _columns(ids, batch)
    return _cut(y, x, T)


def _not_contiguous(ids: Array, batch: int, T: int) -> list[Pair]:
    """Each batch takes the next `batch` stretches of the text."""
    starts = range(0, len(ids) - 1 - T * batch + 1, T * batch)
    pieces = [np.arange(s, s + T * batch).reshape(batch, T) for s in starts]
    return [(ids[places], ids[places + 1]) for places in pieces]


def _rolled_in_the_window(ids: Array, batch: int, T: int) -> list[Pair]:
    x, _ = _columns(ids, batch)
    return [(left, np.roll(left, -1, axis=1)) for left, _ in _cut(x, x, T)]


def _rolled_in_the_row(ids: Array, batch: int, T: int) -> list[Pair]:
    x, _ = _columns(ids, batch)
    return _cut(x, np.roll(x, -1, axis=1), T)


def _rolled_whole(ids: Array, batch: int, T: int) -> list[Pair]:
    columns = len(ids) // batch
    x, y = (a[: batch * columns].reshape(batch, columns) for a in (ids, np.roll(ids, -1)))
    return _cut(x, y, T)


def _rest_dropped(ids: Array, batch: int, T: int) -> list[Pair]:
    x, y = _columns(ids, batch)
    return _cut(x, y, T)[: x.shape[1] // T]


def _dealt_like_cards(ids: Array, batch: int, T: int) -> list[Pair]:
    columns = (len(ids) - 1) // batch
    size = batch * columns
    x, y = (a.reshape(columns, batch).T for a in (ids[:size], ids[1 : size + 1]))
    return _cut(x, y, T)


def _targets_one_window_later(ids: Array, batch: int, T: int) -> list[Pair]:
    x, _ = _columns(ids, batch)
    return [(left, right) for (left, _), (right, _) in pairwise(_cut(x, x, T))]


def _last_character_only(ids: Array, batch: int, T: int) -> list[Pair]:
    return [(x, y[:, -1]) for x, y in language_model_batches(ids, batch, T)]


def _target_cut_short(ids: Array, batch: int, T: int) -> list[Pair]:
    x, _ = _columns(ids, batch)
    return [(left[:, :-1], left[:, 1:]) for left, _ in _cut(x, x, T)]


def _target_lost_at_the_end(ids: Array, batch: int, T: int) -> list[Pair]:
    columns = len(ids) // batch
    x = ids[: batch * columns].reshape(batch, columns)
    return [(x[:, t : t + T], x[:, t + 1 : t + T + 1]) for t in range(0, columns, T)]


def _all_characters_are_columns(ids: Array, batch: int, T: int) -> list[Pair]:
    columns = len(ids) // batch
    size = batch * columns
    x, y = (a.reshape(batch, columns) for a in (ids[:size], ids[1 : size + 1]))
    return _cut(x, y, T)


def _rolled_what_is_used(ids: Array, batch: int, T: int) -> list[Pair]:
    columns = len(ids) // batch
    used = ids[: batch * columns]
    x, y = (a.reshape(batch, columns) for a in (used, np.roll(used, -1)))
    return _cut(x, y, T)


def _last_column_lost(ids: Array, batch: int, T: int) -> list[Pair]:
    columns = len(ids) // batch
    rows = ids[: batch * columns].reshape(batch, columns)
    return _cut(rows[:, :-1], rows[:, 1:], T)


def _edges_lost(ids: Array, batch: int, T: int) -> list[Pair]:
    columns = len(ids) // batch
    rows = ids[: batch * columns].reshape(batch, columns)
    return [(left[:, :-1], left[:, 1:]) for left, _ in _cut(rows, rows, T)]


def _overlapping(ids: Array, batch: int, T: int) -> list[Pair]:
    x, y = _columns(ids, batch)
    return [(x[:, t : t + T], y[:, t : t + T]) for t in range(max(x.shape[1] - T + 1, 1))]


def _batches_loop(ids: Array, batch: int, T: int) -> list[list[Any]]:
    columns, found, t = (len(ids) - 1) // batch, [], 0
    while t < columns:
        end = min(t + T, columns)
        rows = [list(ids[b * columns + t : b * columns + end + 1]) for b in range(batch)]
        found.append([[row[:-1] for row in rows], [row[1:] for row in rows]])
        t = end
    return found


def _batches_by_places(ids: Array, batch: int, T: int) -> Any:
    columns = (len(ids) - 1) // batch
    places = np.arange(batch)[:, None] * columns + np.arange(columns)
    for t in range(0, columns, T):
        yield ids[places[:, t : t + T]], ids[places[:, t : t + T] + 1]


def _batches_in_tensorflow(ids: Array, batch: int, T: int) -> list[Pair]:
    tf = _tf()
    columns = (len(ids) - 1) // batch
    x = tf.reshape(tf.constant(ids)[: batch * columns], [batch, columns])
    y = tf.reshape(tf.constant(ids)[1 : batch * columns + 1], [batch, columns])
    return [(x[:, t : t + T], y[:, t : t + T]) for t in range(0, columns, T)]


def _batches_split(ids: Array, batch: int, T: int) -> list[Pair]:
    x, y = _columns(ids, batch)
    places = np.arange(T, x.shape[1], T)
    return list(zip(np.split(x, places, axis=1), np.split(y, places, axis=1), strict=True))


def _window_shapes(seen: Comparison) -> Difference | None:
    wanted, got = seen.expected.value, seen.actual.value
    if wanted["windows"] != got["windows"]:
        return Difference(f"there are {got['windows']} windows, expected {wanted['windows']}")
    n = wanted["windows"]
    for place, (left, right) in enumerate(zip(wanted["shapes"], got["shapes"], strict=True)):
        if left != right:
            name = "inputs" if place < n else "targets"
            return Difference(
                f"{name} of window {place % n} have shape {tuple(right)}, expected {tuple(left)}"
            )
    return None


_BATCH = "Read “Rows that go on, targets that look ahead” again."

_LOST_AT_EDGES = {
    "nudge": "How many columns do your windows have, for T = 4?",
    "pointer": _BATCH,
    "explanation": "You take both from the same window, so each loses a column, and the "
    "character at each edge is never predicted.",
}

_LOST_AT_ENDS = {
    "nudge": "Which shape has the last pair of targets? What is the target of the last "
    "character of row 0?",
    "pointer": _BATCH,
    "explanation": "You shift after cutting into rows, so the last column of each row has no "
    "target. It is there, in the text: the first character of the next row.",
}

_FROM_THE_FRONT = {
    "nudge": "What is the target of the text's last character?",
    "pointer": _BATCH,
    "explanation": "You roll the whole text, so where the rows use it up its last target is "
    "its first character. One character has to be kept as a target.",
}

LANGUAGE_MODEL_BATCHES = Exercise(
    id="language_model_batches",
    probe="writing:cut",
    reference=language_model_batches,
    cases=_batch_cases,
    aspects=(
        Aspect("shapes", 1.0, _window_shapes, tags=frozenset({"fits"})),
        Aspect("inputs", 1.0, part("inputs"), tags=frozenset({"fits"}), needs=("shapes",)),
        Aspect(
            "targets", 1.5, part("targets"), tags=frozenset({"fits"}), needs=("shapes", "inputs")
        ),
        Aspect(
            "what does not fit",
            1.0,
            lambda seen: _window_shapes(seen) or part("inputs")(seen) or part("targets")(seen),
            tags=frozenset({"rest"}),
            needs=("inputs", "targets"),
        ),
        Aspect("inputs left unchanged", 0.5, inputs_unchanged, needs=("targets",)),
    ),
    misconceptions=(
        Misconception(
            "not-shifted",
            _not_shifted,
            nudge="What would a network have to learn to be right about your targets?",
            pointer=_BATCH,
            explanation="Your targets are the inputs themselves. The network has the answer before "
            "its eyes and only learns to copy.",
        ),
        Misconception(
            "shifted-the-other-way",
            _shifted_back,
            nudge="Is your target the character after the input, or the one before it?",
            pointer=_BATCH,
            explanation="Your targets are the characters before the inputs. That asks for memory, "
            "not for a guess at what comes next.",
        ),
        Misconception(
            "rows-do-not-go-on",
            _not_contiguous,
            nudge="Read row 0 of your first window, then row 0 of the second. Does the text go on?",
            pointer=_BATCH,
            explanation="Each batch takes the next stretches of the text for all of its rows, so "
            "that row 0 jumps ahead between two windows. A carried state would belong to another "
            "place.",
        ),
        Misconception(
            "rolled-inside-each-window",
            _rolled_in_the_window,
            nudge="What is the last target of each window, and what should it be?",
            pointer=_BATCH,
            explanation="You shift inside each window: its last target is its own first character.",
        ),
        Misconception(
            "rolled-inside-each-row",
            _rolled_in_the_row,
            nudge="What is the very last target of each row, and what should it be?",
            pointer=_BATCH,
            explanation="You shift inside each row: the last target of a row is its first "
            "character. What comes next stands in the next row.",
        ),
        Misconception("last-target-from-the-front", _rolled_whole, **_FROM_THE_FRONT),
        Misconception(
            "last-target-from-the-front-of-the-rows", _rolled_what_is_used, **_FROM_THE_FRONT
        ),
        Misconception(
            "rest-dropped",
            _rest_dropped,
            nudge="How many columns are there, and how many do your windows hold?",
            pointer=_BATCH,
            explanation="The shorter window at the end is left out.",
        ),
        Misconception(
            "no-character-kept-back",
            _all_characters_are_columns,
            nudge="Four characters, one row. How many of them can be read, if each needs a next one?",
            pointer="Read the pen-and-paper question above the exercise again.",
            explanation="You make columns of all characters. The last one has to be kept back as a "
            "target; where the rows use it up, there are too few targets.",
        ),
        Misconception(
            "dealt-like-cards",
            _dealt_like_cards,
            nudge="Read one of your rows from left to right. Is it a piece of the text?",
            pointer=_BATCH,
            explanation="You deal the characters out to the rows one by one, like cards. Each row "
            "should be one piece of the text.",
        ),
        Misconception(
            "targets-one-window-later",
            _targets_one_window_later,
            nudge="How far apart are an input and its target in your windows?",
            pointer=_BATCH,
            explanation="Your targets are the next window. The target of each character is the one "
            "right after it.",
        ),
        Misconception(
            "one-target-a-window",
            _last_character_only,
            nudge="How many predictions does a many-to-many network make in a window?",
            pointer=_BATCH,
            explanation="You keep only the last target of each row: that is many-to-one. Every "
            "step has a target.",
        ),
        Misconception("target-lost-at-each-edge", _target_cut_short, **_LOST_AT_EDGES),
        Misconception("target-lost-at-each-edge-of-all", _edges_lost, **_LOST_AT_EDGES),
        Misconception("target-lost-at-a-row-s-end", _target_lost_at_the_end, **_LOST_AT_ENDS),
        Misconception("last-column-lost", _last_column_lost, **_LOST_AT_ENDS),
        Misconception(
            "overlapping",
            _overlapping,
            nudge="By how many columns does each of your windows start after the one before?",
            pointer=_BATCH,
            explanation="Your windows overlap: each starts one column later. Then the state that "
            "is carried has already read most of them.",
        ),
    ),
    axes={"inputs": [], "targets": []},
    nudge="Write the numbers 0 to 12 in two rows of six and cut them into windows of three. What "
    "does each of them have to predict?",
    pointer=_BATCH,
    alternatives={
        "a loop over rows": _batches_loop,
        "places, a generator": _batches_by_places,
        "TensorFlow": _batches_in_tensorflow,
        "np.split": _batches_split,
    },
)

# ------------------------------------------------------------------ bits_per_character


def _bits_cases(rng: Rng) -> list[Case]:
    def case(name: str, batch: int, time: int, size: int, scale: float = 2.0) -> Case:
        logits = rng.normal(0, scale, (batch, time, size)) + 1.0
        ids = rng.integers(0, size, (batch, time))
        return Case(name, (logits, ids), frozenset({"values"}))

    blank = np.zeros((2, 7, 16)) + rng.normal()
    huge = rng.normal(0, 3, (2, 5, 4)) + 2000.0
    mixed = rng.normal(0, 3, (3, 4, 5)) + np.array([0.0, 2000.0, -900.0])[:, None, None]
    ids = rng.integers(0, 5, (3, 4))
    mixed[0, 1, (ids[0, 2] + 1) % 5] -= (
        1500.0  # far below the others of its step, and it never came
    )
    wrong, came = rng.normal(0, 1, (2, 4, 5)), rng.integers(0, 5, (2, 4))
    wrong[0, 1, came[0, 2]] -= 40.0
    return [
        Case(
            "a model that knows nothing", (blank, rng.integers(0, 16, (2, 7))), frozenset({"blank"})
        ),
        case("three rows of five", 3, 5, 7),
        case("all sizes equal", 5, 5, 5),
        case("a batch of one", 1, 9, 6),
        case("two characters a row", 4, 2, 3),
        Case("huge logits", (huge, rng.integers(0, 4, (2, 5))), frozenset({"huge"})),
        Case(
            "huge logits in one row, small ones in others",
            (mixed, ids),
            frozenset({"huge"}),
        ),
        Case("a prediction that is very wrong", (wrong, came), frozenset({"huge"})),
    ]


def _surprise(p: Array, ids: Array, log: Callable[..., Any] = np.log2) -> Array:
    """Minus the logarithm of what each id got, `(B, T)`, not shifted."""
    came: Array = -log(np.take_along_axis(p, ids[:, :, None], axis=2)[:, :, 0])
    return came


def _shift_bits(logits: Array, ids: Array) -> Pair:
    return _softmax(logits)[:, :-1], ids[:, 1:]


def _bits_unstable(logits: Array, ids: Array) -> float:
    with np.errstate(all="ignore"):
        weights = np.exp(logits)
        p = weights / weights.sum(axis=2, keepdims=True)
        return float(_surprise(p[:, :-1], ids[:, 1:]).mean())


def _bits_with_one_maximum(logits: Array, ids: Array) -> float:
    with np.errstate(all="ignore"):
        weights = np.exp(logits - logits.max())
        p = weights / weights.sum(axis=2, keepdims=True)
        return float(_surprise(p[:, :-1], ids[:, 1:]).mean())


def _normalised_over_all(logits: Array, ids: Array) -> float:
    weights = np.exp(logits - logits.max())[:, :-1]
    with np.errstate(all="ignore"):
        return float(_surprise(weights / weights.sum(), ids[:, 1:]).mean())


def _powers_of_two(logits: Array, ids: Array) -> float:
    return float(_surprise(_softmax(np.log(2) * logits)[:, :-1], ids[:, 1:]).mean())


def _bits_loop(logits: Any, ids: Any) -> float:
    costs = []
    for row, read in zip(np.asarray(logits, float), ids, strict=True):
        for t in range(len(read) - 1):
            z = row[t] - row[t].max()
            costs.append((np.log(np.exp(z).sum()) - z[read[t + 1]]) / np.log(2))
    return float(np.mean(costs))


def _bits_with_one_hot(logits: Array, ids: Array) -> float:
    target = np.eye(logits.shape[2])[ids[:, 1:]]
    top = logits[:, :-1].max(axis=2)
    normaliser = np.log2(np.exp(logits[:, :-1] - top[:, :, None]).sum(axis=2)) + top / np.log(2)
    came = np.einsum("btv,btv->bt", target, logits[:, :-1]) / np.log(2)
    return float((normaliser - came).mean())


def _bits_in_tensorflow(logits: Array, ids: Array) -> Any:
    tf = _tf()
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(ids[:, 1:], logits[:, :-1])
    return tf.reduce_mean(nats) / np.log(2)


def _bits_logaddexp(logits: Array, ids: Array) -> Any:
    rows, columns = np.indices(ids[:, 1:].shape)
    gap = np.logaddexp.reduce(logits, axis=2)[:, :-1] - logits[rows, columns, ids[:, 1:]]
    return np.mean(gap) * np.log2(np.e)


def _bits_of(change: Callable[[Array, Array], float]) -> Callable[[Array, Array], float]:
    """A wrong way that only says what is done with p `(B, T-1, V)` and the ids that came."""
    return lambda logits, ids: change(*_shift_bits(logits, ids))


def _bits_with_epsilon(epsilon: float) -> Callable[[Array, Array], float]:
    return _bits_of(lambda p, ids: float(_surprise(p + epsilon, ids).mean()))


_BITS = "Read “Bits: what a text costs” again."
_AFTER = "Read “Which prediction belongs to which character?” again."

_EPSILON = {
    "nudge": "What is the most that your function can make a model pay for one character?",
    "pointer": _BITS,
    "explanation": "You add a small number before you take the logarithm. So a model that is very wrong "
    "gets off cheaply: the price has a ceiling that has nothing to do with the model.",
}

BITS_PER_CHARACTER = Exercise(
    id="bits_per_character",
    probe="finite:call",
    reference=bits_per_character,
    cases=_bits_cases,
    aspects=(
        Aspect("a model that knows nothing", 1.0, tags=frozenset({"blank"})),
        Aspect("values", 2.0, tags=frozenset({"values"})),
        Aspect("extreme logits", 1.0, tags=frozenset({"huge"}), needs=("values",)),
        Aspect("inputs left unchanged", 1.0, inputs_unchanged, needs=("values",)),
    ),
    misconceptions=(
        Misconception(
            "nats",
            _bits_of(lambda p, ids: float(_surprise(p, ids, np.log).mean())),
            nudge="A model that knows nothing of 16 characters costs 4 bits. What do you get?",
            pointer=_BITS,
            explanation="Your logarithm is the natural one, so these are nats. A nat is 1.44 bits.",
        ),
        Misconception(
            "sum",
            _bits_of(lambda p, ids: float(_surprise(p, ids).sum())),
            nudge="Does your number grow with the length of the text? Should it?",
            pointer=_BITS,
            explanation="You add up the bits of all characters. Asked for is the mean: bits per "
            "character.",
        ),
        Misconception(
            "all-characters",
            _bits_of(lambda p, ids: float(-np.log2(p + 1e-300).mean())),
            nudge="Where do the ids come in?",
            pointer=_BITS,
            explanation="You take the mean over all characters of the vocabulary. Only the one "
            "that came has to be paid for.",
        ),
        Misconception(
            "sum-of-a-row",
            _bits_of(lambda p, ids: float(_surprise(p, ids).sum(axis=1).mean())),
            nudge="Does your number grow with the length of a row? Should it?",
            pointer=_BITS,
            explanation="You take the mean over rows, but the sum over time.",
        ),
        Misconception(
            "divided-by-all",
            _bits_of(lambda p, ids: float(_surprise(p, ids).sum() / (ids.size + len(ids)))),
            nudge="How many characters of a row of T are predicted?",
            pointer=_AFTER,
            explanation="You divide by all characters that were read. The first of each row was "
            "not predicted by anything.",
        ),
        Misconception(
            "not-shifted",
            lambda logits, ids: float(_surprise(_softmax(logits), ids).mean()),
            nudge="`logits[b, t]` is computed when `ids[b, t]` has been read. What is it about?",
            pointer=_AFTER,
            explanation="You ask each prediction about the character that has just been read.",
        ),
        Misconception(
            "shifted-the-other-way",
            lambda logits, ids: float(_surprise(_softmax(logits)[:, 1:], ids[:, :-1]).mean()),
            nudge="`logits[b, t]` is computed when `ids[b, t]` has been read. What is it about?",
            pointer=_AFTER,
            explanation="You compare each prediction with the character before the one just read.",
        ),
        Misconception(
            "rolled",
            lambda logits, ids: float(_surprise(_softmax(logits), np.roll(ids, -1, axis=1)).mean()),
            nudge="What do you compare the last prediction of each row with?",
            pointer=_AFTER,
            explanation="A roll compares the last prediction of each row with the row's first "
            "character. What really came there is not known.",
        ),
        Misconception(
            "logarithm-of-the-mean",
            _bits_of(
                lambda p, ids: float(-np.log2(np.take_along_axis(p, ids[:, :, None], 2).mean()))
            ),
            nudge="Which comes first: the logarithm, or the mean?",
            pointer=_BITS,
            explanation="You take the mean probability and then its logarithm. Costs add up, so "
            "the logarithm comes first.",
        ),
        Misconception(
            "softmax-over-time",
            lambda logits, ids: float(_surprise(_softmax(logits, 1)[:, :-1], ids[:, 1:]).mean()),
            nudge="Along which axis do your probabilities add up to 1?",
            pointer=_BITS,
            explanation="Your softmax runs along time. At each step the probabilities of all "
            "characters must add up to 1.",
        ),
        Misconception(
            "no-softmax",
            lambda logits, ids: float(
                -np.take_along_axis(logits[:, :-1], ids[:, 1:, None], 2).mean() / np.log(2)
            ),
            nudge="What do the logits of one step add up to? And e to the power of them?",
            pointer=_BITS,
            explanation="You take logits for logarithms of probabilities. They have yet to be "
            "normalised.",
        ),
        Misconception(
            "entropy-of-the-model",
            _bits_of(lambda p, ids: float(-(p * np.log2(p + 1e-300)).sum(axis=2).mean())),
            nudge="Does your number change when other characters come?",
            pointer=_BITS,
            explanation="You measure how unsure the model is, whatever came. Asked for is what it "
            "pays for the characters that really came.",
        ),
        Misconception(
            "softmax-over-everything",
            _normalised_over_all,
            nudge="What do your probabilities of a single step add up to?",
            pointer=_BITS,
            explanation="You divide by the sum over all steps and rows. At each step the probabilities "
            "of all characters must add up to 1.",
        ),
        Misconception(
            "powers-of-two",
            _powers_of_two,
            nudge="Which number is raised to the power of the logits in the formula, and which in "
            "your function?",
            pointer=_BITS,
            explanation="You raise 2 to the logits. The softmax has e there; the 2 belongs into the "
            "logarithm that comes afterwards, which makes it bits.",
        ),
        Misconception(
            "one-maximum-for-all",
            _bits_with_one_maximum,
            nudge="You subtract a number so that nothing overflows. What becomes of a step whose logits "
            "are all 2000 smaller than that number?",
            pointer="Read the note on huge numbers above the exercise again.",
            explanation="You subtract the largest number of the whole array. Then steps with small "
            "logits underflow: 0 divided by 0. Each step has a largest one of its own.",
        ),
        Misconception("epsilon-in-the-logarithm", _bits_with_epsilon(1e-9), **_EPSILON),
        Misconception("smaller-epsilon-in-the-logarithm", _bits_with_epsilon(1e-12), **_EPSILON),
        Misconception(
            "overflow",
            _bits_unstable,
            nudge="What is e to the power of 2000?",
            pointer="Read the note on huge numbers above the exercise again.",
            explanation="Large logits overflow in your softmax, and the answer is NaN. It does not "
            "change a softmax if the same number is taken from all logits of a step.",
        ),
    ),
    nudge="Take one row of three characters and write down which prediction is about which.",
    pointer=_BITS,
    alternatives={
        "loops": _bits_loop,
        "one-hot and einsum": _bits_with_one_hot,
        "TensorFlow": _bits_in_tensorflow,
        "logaddexp": _bits_logaddexp,
    },
)

# ------------------------------------------------------------------------------ sample

_DRAWS, _FEW = 4000, 150


def _sample_cases(rng: Rng) -> list[Case]:
    def seed() -> int:
        return int(rng.integers(2**31))

    def shares(*p: float) -> Array:
        return np.log(np.array(p)) + rng.normal()

    order = rng.permutation(3)
    # e to the -50: nobody draws the second best. (With -10 it came in one class of 150.)
    certain = np.array([-800.0, 1000.0, 900.0, 950.0])[rng.permutation(4)]
    close = 0.2 * rng.permutation(6)
    thirds = np.array([0.0, 0.0, 0.0, -300.0], np.float32)
    return [
        Case("temperature 1", (shares(0.5, 0.1, 0.4)[order], 1.0, seed(), _DRAWS),
             frozenset({"one"})),
        Case("temperature 2.5", (shares(0.01, 0.27, 0.72)[order], 2.5, seed(), _DRAWS),
             frozenset({"other"})),
        Case("a temperature close to 0", (close, 1e-3, seed(), _FEW), frozenset({"extreme"})),
        Case("huge logits", (certain, 1.0, seed(), _FEW), frozenset({"extreme"})),
        Case("logits in float32", (thirds, 1.0, seed(), _FEW), frozenset({"float32"})),
    ]  # fmt: skip


def _drawn(probabilities: Callable[[Array, float], Array]) -> Callable[..., int]:
    return lambda logits, temperature, rng: int(
        rng.choice(len(logits), p=probabilities(np.asarray(logits, float), temperature))
    )


def _unstable(logits: Array, temperature: float) -> Array:
    with np.errstate(all="ignore"):
        weights = np.exp(logits / temperature)
        return weights / weights.sum()


def _powers(logits: Array, temperature: float) -> Array:
    with np.errstate(all="ignore"):
        weights = _softmax(logits) ** (1 / temperature)
        return weights / weights.sum()


def _counts_returned(logits: Array, temperature: float, rng: Rng) -> Array:
    return rng.multinomial(1, _softmax(np.asarray(logits, float) / temperature))


def _in_float32(logits: Array, temperature: float, rng: Rng) -> int:
    z = np.asarray(logits, np.float32) / np.float32(temperature)
    weights = np.exp(z - z.max())
    return int(rng.multinomial(1, weights / weights.sum()).argmax())


def _global_generator(logits: Array, temperature: float, rng: Rng) -> int:
    p = _softmax(np.asarray(logits, float) / temperature)
    return int(np.random.choice(len(p), p=p))


def _new_generator(logits: Array, temperature: float, rng: Rng) -> int:
    p = _softmax(np.asarray(logits, float) / temperature)
    return int(np.random.default_rng(7).choice(len(p), p=p))


def _one_too_far(logits: Array, temperature: float, rng: Rng) -> int:
    return int(sample(logits, temperature, rng)) + 1


def _gumbel(logits: Any, temperature: float, rng: Rng) -> int:
    z = np.asarray(logits, float) / temperature
    return int(np.argmax(z + rng.gumbel(size=z.shape)))


def _searched(logits: Any, temperature: float, rng: Rng) -> Any:
    z = np.asarray(logits, np.float64) / temperature
    edges = np.cumsum(np.exp(z - z.max()))
    return np.searchsorted(edges, rng.random() * edges[-1], side="right")


def _by_hand(logits: Any, temperature: float, rng: Rng) -> int:
    z = [float(value) / temperature for value in logits]
    weights = [np.exp(value - max(z)) for value in z]
    left = rng.random() * sum(weights)
    for k, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return k
    return int(np.argmax(weights))


def _multinomial_where(logits: Any, temperature: float, rng: Rng) -> Any:
    counts = rng.multinomial(1, _softmax(np.asarray(logits, float) / temperature))
    return np.flatnonzero(counts)[0]


def _softmax_in_tensorflow(logits: Any, temperature: float, rng: Rng) -> int:
    p = _tf().nn.softmax(np.asarray(logits, float) / temperature).numpy()
    return int(rng.choice(len(p), p=p / p.sum()))


def _one_id(seen: Comparison) -> Difference | None:
    if seen.actual.value["kind"] == seen.expected.value["kind"]:
        return None
    return Difference(f"the result is {seen.actual.value['kind']}, expected one id")


def _frequencies(seen: Comparison) -> Difference | None:
    wrong = _one_id(seen)
    if wrong:
        return wrong
    wanted, got = seen.expected.value["frequencies"], seen.actual.value["frequencies"]
    if same_values(_only(seen, "frequencies")) is None:
        return None
    k = int(np.argmax(np.abs(wanted - got)))
    times = seen.case.inputs[3]
    if times == _FEW:
        said = f"id {k} is drawn" if got[k] else f"id {k} is never drawn"
        return Difference(f"{said} in {times} draws, expected {'some' if wanted[k] else 'none'}")
    return Difference(f"of {times} draws {got[k]:.0%} are id {k}, expected about {wanted[k]:.0%}")


def _only(seen: Comparison, key: str) -> Comparison:
    from autograder.probes import Outcome

    wanted, got = (Outcome(o.value[key]) for o in (seen.expected, seen.actual))
    return Comparison(seen.case, wanted, got, seen.axes, seen.tolerance)


def _repeats(seen: Comparison) -> Difference | None:
    if seen.actual.value["repeats"]:
        return None
    return Difference("two generators with the same seed gave different ids")


_DRAW = "Read “Temperature” again."
_SLIDES = "Read “How the slides draw” again."

SAMPLE = Exercise(
    id="sample",
    probe="writing:draw",
    reference=sample,
    cases=_sample_cases,
    aspects=(
        Aspect("one id", 0.5, _one_id, tags=frozenset({"one"})),
        Aspect("frequencies at temperature 1", 1.0, _frequencies, tags=frozenset({"one"})),
        Aspect(
            "frequencies at other temperatures",
            1.5,
            _frequencies,
            tags=frozenset({"other"}),
            needs=("one id",),
        ),
        Aspect(
            "extreme logits and temperatures",
            1.0,
            _frequencies,
            tags=frozenset({"extreme"}),
            needs=("frequencies at temperature 1", "frequencies at other temperatures"),
        ),
        Aspect(
            "logits in float32",
            0.5,
            _frequencies,
            tags=frozenset({"float32"}),
            needs=("frequencies at temperature 1",),
        ),
        Aspect(
            "drawn from rng, inputs left unchanged",
            0.5,
            lambda seen: _repeats(seen) or inputs_unchanged(seen),
            tags=frozenset({"one"}),
            needs=("frequencies at temperature 1",),
        ),
    ),
    misconceptions=(
        Misconception(
            "counts-as-an-id",
            _counts_returned,
            nudge="What does `multinomial` return: which one was drawn, or how often each was?",
            pointer=_SLIDES,
            explanation="`multinomial` returns counts, one for each character. The id is the place "
            "of the 1 in them.",
        ),
        Misconception(
            "argmax",
            lambda logits, temperature, rng: int(np.argmax(logits)),
            nudge="Call your function ten times. Do you ever get two different ids?",
            pointer=_DRAW,
            explanation="You always take the likeliest character. Nothing is drawn.",
        ),
        Misconception(
            "times-temperature",
            _drawn(lambda z, T: _softmax(z * T)),
            nudge="Does a high temperature make your draws more even, or less?",
            pointer=_DRAW,
            explanation="You multiply by the temperature. So heating up makes the draws more "
            "certain, and cooling down more even: just the wrong way round.",
        ),
        Misconception(
            "temperature-ignored",
            _drawn(lambda z, T: _softmax(z)),
            nudge="Do your frequencies depend on the temperature? Does a factor that is divided "
            "out again change anything?",
            pointer=_DRAW,
            explanation="The temperature has no effect: it is not used, or it is divided out again "
            "(probabilities that are divided and made to add up to 1 are what they were). It belongs "
            "to the logits.",
        ),
        Misconception(
            "temperature-on-probabilities",
            _drawn(lambda z, T: _softmax(_softmax(z) / T)),
            nudge="How many times does e to the power of something occur in your function?",
            pointer=_DRAW,
            explanation="You divide probabilities, not logits, by the temperature, and take a "
            "second softmax. Probabilities lie between 0 and 1, so that softmax is nearly even.",
        ),
        Misconception(
            "softmax-twice",
            _drawn(lambda z, T: _softmax(_softmax(z / T))),
            nudge="How many times does e to the power of something occur in your function?",
            pointer=_DRAW,
            explanation="A softmax of a softmax: what goes in the second time lies between 0 and "
            "1, so all characters become nearly equally likely.",
        ),
        Misconception(
            "probabilities-divided",
            _drawn(lambda z, T: _softmax(z) / T),
            nudge="What do your probabilities add up to after the division?",
            pointer=_DRAW,
            explanation="You divide the probabilities by the temperature. They do not add up to 1 "
            "any more, and the temperature belongs to the logits.",
        ),
        Misconception(
            "even",
            lambda logits, temperature, rng: int(rng.integers(len(logits))),
            nudge="Do your frequencies depend on the logits?",
            pointer=_DRAW,
            explanation="All ids are equally likely in your draws; the logits are not used.",
        ),
        Misconception(
            "overflow",
            _drawn(_unstable),
            nudge="What is e to the power of 1000?",
            pointer="Read the note on huge numbers above `bits_per_character` again.",
            explanation="Large numbers overflow in your softmax. It does not change a softmax if "
            "the largest of them is taken from all.",
        ),
        Misconception(
            "powers-underflow",
            _drawn(_powers),
            nudge="What is 0.3 to the power of 1000?",
            pointer="Read the note on huge numbers above `bits_per_character` again.",
            explanation="Powers of probabilities are right on paper. Close to temperature 0 they are "
            "all too small for a computer, and you divide 0 by 0. Bend the logits, before the softmax.",
        ),
        Misconception(
            "float32-sum",
            _in_float32,
            nudge="Add up three float32 numbers of one third. Is it 1?",
            pointer=_SLIDES,
            explanation="You hand float32 probabilities to a function that adds them up in "
            "float64, where they come to more than 1. Compute in float64.",
        ),
        Misconception(
            "rng-not-used",
            _global_generator,
            nudge="Where does your chance come from?",
            pointer="The docstring says where all chance comes from.",
            explanation="You draw from NumPy's global generator and not from `rng`, so nobody can "
            "repeat your text.",
        ),
        Misconception(
            "rng-made-anew",
            _new_generator,
            nudge="Call your function ten times with the same `rng`. Do you ever get two different "
            "ids?",
            pointer="The docstring says where all chance comes from.",
            explanation="You make a new generator at each call, so each call draws the same.",
        ),
        Misconception(
            "one-too-far",
            _one_too_far,
            nudge="Which is the first id, 0 or 1?",
            pointer=_DRAW,
            explanation="Your ids count from 1, so the last one does not exist.",
        ),
    ),
    tolerance=0.14,
    nudge="Take logits ln 1, ln 4 and ln 9 on paper. What are the probabilities at temperature 1, and "
    "which numbers become likelier at 2?",
    pointer=_DRAW,
    seconds=40.0,
    alternatives={
        "Gumbel noise": _gumbel,
        "searchsorted": _searched,
        "a loop": _by_hand,
        "multinomial, flatnonzero": _multinomial_where,
        "softmax in TensorFlow": _softmax_in_tensorflow,
        "powers of probabilities": _drawn(
            lambda z, T: _softmax(np.log(np.maximum(_softmax(z), 1e-300)) / T)
        ),
    },
)

# ----------------------------------------------------------------------- generate_text


def _until(make: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    """What ``make`` gives, again and again until it is ``good``."""
    while True:
        made = make()
        if good(made):
            return made


def _texts_differ(answers: Sequence[Any], run: Callable[[Any], str]) -> bool:
    texts = [run(answer) for answer in answers]
    return len(set(texts)) == len(texts)


def _certain(rng: Rng, places: int, size: int) -> Pair:
    """A writer's moves and logits; at each place one character is all but certain."""
    logits = rng.normal(0, 1, (places, size))
    logits[np.arange(places), rng.integers(0, size, places)] += 60.0
    return rng.integers(0, places, (places, size)), logits


def _generate_cases(rng: Rng) -> list[Case]:
    vocab = "\n\x07_" + "".join(rng.permutation(list(ALPHABET))[:6])

    def certain(name: str, prime: int, length: int, tag: str, must_differ: bool = True) -> Case:
        def make() -> tuple[Any, ...]:
            moves, logits = _certain(rng, 12, len(vocab))
            text = "".join(rng.permutation(list(vocab[3:]))[:prime])
            start = int(rng.integers(1, 12))
            return (moves, logits, start, text, length, vocab, 1.0, int(rng.integers(2**31)))

        def good(inputs: tuple[Any, ...]) -> bool:
            def run(answer: Any) -> str:
                return str(write(answer, *inputs))

            if not must_differ:
                return True
            told = run(generate_text)
            return {"\n", "\x07"} <= set(told[:-4]) and _texts_differ(_TOLD_BY_TEXT, run)

        return Case(name, (False, *_until(make, good)), frozenset({tag}))

    def by_chance(name: str, logits: Array, temperature: float, length: int, tag: str) -> Case:
        moves = np.zeros((1, 4), int)
        letters = "".join(rng.permutation(list(ALPHABET[2:]))[:4])
        seed = int(rng.integers(2**31))
        prime = letters[int(np.argmin(logits))]  # never drawn, unless it is very hot
        inputs = (moves, logits[np.newaxis], 0, prime, length, letters, temperature, seed)
        return Case(name, (True, *inputs), frozenset({tag}))

    two = np.array([-300.0, 0.0, -300.0, 0.0])[rng.permutation(4)]
    one = np.array([0.0, 50.0, 0.0, 0.0])[rng.permutation(4)]
    return [
        certain("four characters to read, forty to write", 4, 40, "text"),
        certain("two characters to read, thirty to write", 2, 30, "text"),
        certain("a single character to read", 1, 9, "single", must_differ=False),
        certain("a single character to write", 3, 1, "single", must_differ=False),
        by_chance("two characters that are equally likely", two, 1.0, 80, "chance"),
        by_chance("a very high temperature", one, 1000.0, 150, "temperature"),
        by_chance("a very low temperature", 0.8 * one, 0.01, 150, "temperature"),
    ]


def _writer(
    step: Any,
    state: Any,
    prime: str,
    length: int,
    rng: Rng,
    *,
    vocab: str,
    temperature: float = 1.0,
    read: Callable[[str], str] = lambda prime: prime,
    carry: Callable[[Any, Any], Any] = lambda old, new: new,
    after_prime: Callable[[Any, Any], Any] = lambda state, start: state,
    shown: Callable[[str], str] = lambda character: character,
    fed: Callable[[str, str], str] = lambda drawn, last: drawn,
    pick: Callable[..., int] = sample,
    wasted: int = 0,
) -> str:
    """A generator of text with one thing done in a wrong way."""
    start, logits = state, None
    for character in read(prime):
        logits, new = step(np.array([vocab.index(character)]), state)
        state = carry(state, new)
    state = after_prime(state, start)
    text = ""
    while len(text) < length + wasted:
        assert logits is not None
        character = vocab[pick(logits[0], temperature, rng)]
        text += shown(character)
        logits, new = step(np.array([vocab.index(fed(character, prime[-1]))]), state)
        state = carry(state, new)
    return text[wasted:]


def _visible(character: str) -> str:
    return character if character.isprintable() else "_"


def _stops_at_a_line_end(*args: Any, **options: Any) -> str:
    text: str = generate_text(*args, **options)
    return text.split("\n")[0]


def _prime_in_the_result(step: Any, state: Any, prime: str, *rest: Any, **options: Any) -> str:
    return prime + generate_text(step, state, prime, *rest, **options)


def _prime_counts(step: Any, state: Any, prime: str, length: int, rng: Rng, **options: Any) -> str:
    more = max(length - len(prime), 0)
    return prime + generate_text(step, state, prime, more, rng, **options)


def _prime_taken_off_the_length(
    step: Any, state: Any, prime: str, length: int, rng: Rng, **options: Any
) -> str:
    return generate_text(step, state, prime, max(length - len(prime), 0), rng, **options)


def _writing_without_a_new_state(
    step: Any, state: Any, prime: str, length: int, rng: Rng, *, vocab: str, temperature: float = 1
) -> str:
    for character in prime:
        logits, state = step(np.array([vocab.index(character)]), state)
    text = ""
    for _ in range(length):
        k = sample(logits[0], temperature, rng)
        text += vocab[k]
        logits, _ = step(np.array([k]), state)
    return text


def _from_the_same_logits(
    step: Any, state: Any, prime: str, length: int, rng: Rng, *, vocab: str, temperature: float = 1
) -> str:
    for character in prime:
        logits, state = step(np.array([vocab.index(character)]), state)
    return "".join(vocab[sample(logits[0], temperature, rng)] for _ in range(length))


def _prime_at_once(
    step: Any, state: Any, prime: str, length: int, rng: Rng, *, vocab: str, temperature: float = 1
) -> str:
    logits, state = step(np.array([vocab.index(character) for character in prime]), state)
    text = ""
    for _ in range(length):
        k = sample(logits[-1], temperature, rng)
        text += vocab[k]
        logits, state = step(np.array([k]), state)
    return text


def _ids_returned(*arguments: Any, vocab: str, temperature: float = 1) -> list[int]:
    text = generate_text(*arguments, vocab=vocab, temperature=temperature)
    return [vocab.index(character) for character in text]


def _global_draw(logits: Any, temperature: float, rng: Rng) -> int:
    return sample(logits, temperature, np.random)  # type: ignore[arg-type]


def _a_generator_of_its_own(
    step: Any, state: Any, prime: str, length: int, rng: Rng, **options: Any
) -> str:
    return generate_text(step, state, prime, length, np.random.default_rng(0), **options)


def _drawn_while_reading(
    step: Any, state: Any, prime: str, length: int, rng: Rng, *, vocab: str, temperature: float = 1
) -> str:
    text = ""
    for k in range(length):
        read = prime[k] if k < len(prime) else text[-1]
        logits, state = step(np.array([vocab.index(read)]), state)
        text += vocab[sample(logits[0], temperature, rng)]
    return text


_STATE_DROPPED = partial(_writer, carry=lambda old, new: old)
_STATE_RESET = partial(_writer, after_prime=lambda state, start: start)
_LAST_ONLY = partial(_writer, read=lambda prime: prime[-1])
_FIRST_ONLY = partial(_writer, read=lambda prime: prime[0])
_LAST_TWICE = partial(_writer, read=lambda prime: prime + prime[-1])
_NEVER_FED_BACK = partial(_writer, fed=lambda drawn, last: last)
_SHOWN_AND_FED = partial(_writer, shown=_visible, fed=lambda drawn, last: _visible(drawn))
_SHOWN_ONLY = partial(_writer, shown=_visible)
_FIRST_LOST = partial(_writer, wasted=1)
_BACKWARDS = partial(_writer, read=lambda prime: prime[::-1])

_TOLD_BY_TEXT = (
    generate_text, _STATE_DROPPED, _STATE_RESET, _LAST_ONLY, _FIRST_ONLY, _LAST_TWICE,
    _NEVER_FED_BACK, _SHOWN_AND_FED, _SHOWN_ONLY, _FIRST_LOST, _BACKWARDS, _stops_at_a_line_end,
    _prime_in_the_result, _prime_counts, _prime_taken_off_the_length, _drawn_while_reading,
    _writing_without_a_new_state, _from_the_same_logits,
)  # fmt: skip


def _generate_recursive(
    step: Any, state: Any, prime: str, length: int, rng: Rng, *, vocab: str, temperature: float = 1
) -> str:
    waiting = deque(prime)
    text: list[str] = []
    while True:
        logits, state = step(np.array([vocab.index(waiting.popleft())]), state)
        if not waiting:
            if len(text) == length:
                return "".join(text)
            text.append(vocab[sample(np.asarray(logits)[0], temperature, rng)])
            waiting.append(text[-1])


def _generate_in_two_loops(
    step: Any, state: Any, prime: str, length: int, rng: Rng, *, vocab: str, temperature: float = 1
) -> str:
    for character in prime[:-1]:
        _, state = step(np.array([vocab.index(character)]), state)
    last = vocab.index(prime[-1])
    drawn = []
    for _ in range(length):
        logits, state = step(np.array([last]), state)
        last = _gumbel(logits[0], temperature, rng)
        drawn.append(vocab[last])
    return "".join(drawn)


def _generate_read_again(
    step: Any, state: Any, prime: str, length: int, rng: Rng, *, vocab: str, temperature: float = 1
) -> str:
    text = prime
    for _ in range(length):
        inner = state
        for character in text:
            logits, inner = step(np.array([vocab.index(character)]), inner)
        text += vocab[_searched(logits[0], temperature, rng)]
    return text[len(prime) :]


def _generate_with_tensors(
    step: Any, state: Any, prime: str, length: int, rng: Rng, *, vocab: str, temperature: float = 1
) -> str:
    tf = _tf()
    ids = [vocab.index(character) for character in prime]
    for k in ids:
        logits, state = step(tf.constant([k]), state)
    for _ in range(length):
        p = tf.nn.softmax(tf.constant(logits) / temperature, axis=-1).numpy()[0].astype(float)
        ids.append(int(rng.choice(len(vocab), p=p / p.sum())))
        logits, state = step(tf.constant([ids[-1]]), state)
    return "".join(vocab[k] for k in ids[len(prime) :])


def _same_text(seen: Comparison) -> Difference | None:
    wanted, got = seen.expected.value, seen.actual.value
    if not isinstance(got, str):
        return Difference(f"the result is no text, it is a {type(got).__name__}")
    if wanted == got:
        return None
    right = next((n for n, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b), None)
    if right is None:
        return Difference(f"the text has {len(got)} characters, expected {len(wanted)}")
    return Difference(
        f"the first {right} of {len(wanted)} characters are right; then comes {got[right]!r}, "
        f"expected {wanted[right]!r}"
        if right
        else f"the first character is {got[0]!r}, expected {wanted[0]!r}"
    )


def _occurs(seen: Comparison) -> Difference | None:
    wanted, got = seen.expected.value, seen.actual.value
    if wanted["length"] != got["length"]:
        return Difference(f"the text has {got['length']} characters, expected {wanted['length']}")
    if wanted["characters"] != got["characters"]:
        return Difference(
            f"in {got['length']} characters there occur {got['characters']!r}, "
            f"expected {wanted['characters']!r}"
        )
    return None


def _chance(seen: Comparison) -> Difference | None:
    """Whether all chance comes from the generator that was handed in."""
    if not seen.actual.value["repeats"]:
        return Difference("two generators with the same seed gave different texts")
    if not seen.actual.value["varies"]:
        return Difference("two generators with different seeds gave the same text")
    return None


_LOOP = "Read “A model that reads what it writes” again."

GENERATE_TEXT = Exercise(
    id="generate_text",
    probe="writing:either",
    reference=generate_text,
    cases=_generate_cases,
    aspects=(
        Aspect("text", 2.0, _same_text, tags=frozenset({"text"})),
        Aspect("a single character to read or to write", 1.0, _same_text,
               tags=frozenset({"single"}), needs=("text",)),
        Aspect("drawn by chance", 1.0, lambda seen: _occurs(seen) or _chance(seen),
               tags=frozenset({"chance"})),
        Aspect("temperature", 1.0, _occurs, tags=frozenset({"temperature"}),
               needs=("drawn by chance",)),
    ),
    misconceptions=(
        Misconception(
            "state-dropped",
            _STATE_DROPPED,
            nudge="Which state does your second call of `step` begin with?",
            pointer=_LOOP,
            explanation="Each step begins with the first state again: the model forgets all that "
            "it has read, and knows only the last character.",
        ),
        Misconception(
            "no-new-state-while-writing",
            _writing_without_a_new_state,
            nudge="In your second loop: what becomes of the state that `step` gives back?",
            pointer=_LOOP,
            explanation="While the prime is read you carry the state; while you write you do not. Each "
            "drawn character is read as if it came right after the prime.",
        ),
        Misconception(
            "drawn-from-the-same-logits",
            _from_the_same_logits,
            nudge="How many times do you call `step` after the prime has been read?",
            pointer=_LOOP,
            explanation="You draw all characters from the logits after the prime. The model has to read "
            "each one before it can say what comes next.",
        ),
        Misconception(
            "prime-read-at-once",
            _prime_at_once,
            nudge="How many characters does `step` read in one call?",
            pointer="The text of the exercise says which shapes `step` takes.",
            explanation="You hand the whole prime to one call of `step`. It reads one character at a "
            "time; the several ids of a batch would be several texts.",
        ),
        Misconception(
            "state-reset-after-the-prime",
            _STATE_RESET,
            nudge="Which state does the first step after the prime begin with?",
            pointer=_LOOP,
            explanation="The prime is read and then forgotten: writing begins with the first state "
            "again.",
        ),
        Misconception(
            "only-the-last-read",
            _LAST_ONLY,
            nudge="How many times do you call `step` for a prime of four characters before the "
            "first draw?",
            pointer=_LOOP,
            explanation="Only the last character of the prime is read. The model should have read "
            "all of it before it writes.",
        ),
        Misconception(
            "only-the-first-read",
            _FIRST_ONLY,
            nudge="How many times do you call `step` for a prime of four characters before the "
            "first draw?",
            pointer=_LOOP,
            explanation="Only the first character of the prime is read. The model should have read "
            "all of it before it writes.",
        ),
        Misconception(
            "last-read-twice",
            _LAST_TWICE,
            nudge="Which character do you give to `step` right after the prime has been read?",
            pointer=_LOOP,
            explanation="The last character of the prime is read twice. When it has been read, the "
            "logits for the first draw are already there.",
        ),
        Misconception(
            "never-fed-back",
            _NEVER_FED_BACK,
            nudge="What does the model read after it has written its first character?",
            pointer=_LOOP,
            explanation="What was drawn is not fed back: the model reads the prime's last "
            "character over and over.",
        ),
        Misconception(
            "prime-backwards",
            _BACKWARDS,
            nudge="In which order does the model read the prime?",
            pointer=_LOOP,
            explanation="The prime is read from its end to its beginning.",
        ),
        Misconception(
            "unprintable-replaced",
            _SHOWN_AND_FED,
            nudge="What do you do with a line end? Is it a character like the others?",
            pointer=_LOOP,
            explanation="You replace what cannot be printed, as the slides do, and feed the "
            "replacement back. The model then reads what it has never written, and the line end "
            "is a character that it needs.",
        ),
        Misconception(
            "unprintable-hidden",
            _SHOWN_ONLY,
            nudge="What do you do with a line end? Is it a character like the others?",
            pointer=_LOOP,
            explanation="The text shows something else than the model has drawn and read.",
        ),
        Misconception(
            "first-draw-lost",
            _FIRST_LOST,
            nudge="After the prime has been read: what do you do with the first logits?",
            pointer=_LOOP,
            explanation="The first character that is drawn is fed back, but it is missing in the "
            "text.",
        ),
        Misconception(
            "prime-in-the-result",
            _prime_in_the_result,
            nudge="How long is your text, and how long should it be?",
            pointer="The docstring says what is returned.",
            explanation="Your text begins with the prime. Only what was drawn is asked for.",
        ),
        Misconception(
            "prime-counts",
            _prime_counts,
            nudge="How many characters do you draw for a prime of four and a length of forty?",
            pointer="The docstring says what is returned.",
            explanation="Your text begins with the prime, and its characters are counted among "
            "those to be drawn.",
        ),
        Misconception(
            "prime-taken-off-the-length",
            _prime_taken_off_the_length,
            nudge="How many characters do you draw for a prime of four and a length of forty?",
            pointer="The docstring says what `length` counts.",
            explanation="Your text is shorter by the length of the prime. All of `length` characters "
            "are to be drawn.",
        ),
        Misconception(
            "ids-returned",
            _ids_returned,
            nudge="What kind of thing do you return, and what kind is asked for?",
            pointer="The docstring says what is returned.",
            explanation="You return the ids that were drawn. Asked for is the text.",
        ),
        Misconception(
            "rng-not-used",
            partial(_writer, pick=_global_draw),
            nudge="Where does your chance come from?",
            pointer="The docstring says what `rng` is.",
            explanation="You draw from NumPy's global generator and not from `rng`, so nobody can "
            "repeat your text.",
        ),
        Misconception(
            "rng-made-anew",
            _a_generator_of_its_own,
            nudge="Let it write with two different generators. Is there a difference?",
            pointer="The docstring says what `rng` is.",
            explanation="You make a generator of your own, so whoever calls your function gets the same "
            "text each time, whatever `rng` is handed in.",
        ),
        Misconception(
            "drawn-while-reading",
            _drawn_while_reading,
            nudge="How many characters have been drawn when the whole prime has been read?",
            pointer=_LOOP,
            explanation="You draw a character after each one of the prime, and put it into the "
            "text. Those predictions are to be thrown away, except for the last.",
        ),
        Misconception(
            "stops-at-a-line-end",
            _stops_at_a_line_end,
            nudge="What happens in your function when a line end is drawn?",
            pointer=_LOOP,
            explanation="Your text ends with the first line end. Here it is a character like the "
            "others.",
        ),
        Misconception(
            "argmax",
            partial(_writer, pick=lambda logits, temperature, rng: int(np.argmax(logits))),
            nudge="Let it write twice with two different generators. Is there a difference?",
            pointer="Read “Temperature” again.",
            explanation="You always write the likeliest character. Nothing is drawn.",
        ),
        Misconception(
            "temperature-ignored",
            partial(_writer, pick=lambda logits, temperature, rng: sample(logits, 1.0, rng)),
            nudge="Where does the temperature come in?",
            pointer="Read “Temperature” again.",
            explanation="Your function takes a temperature and draws at 1 all the same.",
        ),
        Misconception(
            "times-temperature",
            partial(
                _writer, pick=lambda logits, temperature, rng: sample(logits, 1 / temperature, rng)
            ),
            nudge="Does a high temperature make your text wilder, or tamer?",
            pointer="Read “Temperature” again.",
            explanation="The temperature acts the wrong way round: heat makes your text tame.",
        ),
    ),
    nudge="Write down for the prime 'AB' and two characters to write: what does `step` read, in "
    "order, and after which call is each character drawn?",
    pointer=_LOOP,
    alternatives={
        "a queue": _generate_recursive,
        "two loops, Gumbel noise": _generate_in_two_loops,
        "all read again each time": _generate_read_again,
        "tensors": _generate_with_tensors,
    },
)  # fmt: skip

# ----------------------------------------------------------------- repair_slide_writer

_CLEAN = string.ascii_letters + string.digits + " "


def _slide_cases(rng: Rng) -> list[Case]:
    def certain(name: str, length: int, tag: str, strange: bool) -> Case:
        def make() -> tuple[Any, ...]:
            places = 9
            winners = [ord(c) for c in rng.choice(list(_CLEAN), places, replace=False)]
            if strange:
                winners[:4] = [7, 27, *rng.permutation([9, 10, 11, 12, 13])[:2]]
            logits = np.full((places, 128), -60.0)
            logits[np.arange(places), winners] = 0.0
            moves = rng.integers(0, places, (places, 128))
            return moves, logits, False, length, int(rng.integers(2**31))

        def good(inputs: tuple[Any, ...]) -> bool:
            def run(answer: Any) -> str:
                return str(bytes_written(answer, *inputs))

            told = run(repaired_slide_writer)
            if not strange:
                return "_" not in told and len(set(told)) > 3
            return 2 <= told[:-5].count("_") <= 14 and _texts_differ(_SLIDE_TOLD, run)

        return Case(name, _until(make, good), frozenset({tag}))

    letters = [ord(c) for c in rng.choice(list(_CLEAN), 3, replace=False)]
    thirds = np.full((1, 128), -300.0)
    thirds[0, letters] = 0.0
    seed = int(rng.integers(2**31))
    return [
        certain("thirty characters that can be printed", 30, "plain", strange=False),
        certain("some that cannot", 30, "strange", strange=True),
        Case("three characters, equally likely",
             (np.zeros((1, 128), int), thirds, True, 90, seed), frozenset({"chance"})),
    ]  # fmt: skip


def _slide(
    step: Any,
    state: Any,
    length: int,
    rng: Rng,
    *,
    counts: bool = False,
    float32: bool = False,
    equals: bool = False,
    lost: bool = False,
    pick: str = "draw",
    strange: str = "both",
    visible: bool = False,
    own: bool = False,
) -> str:
    """The slides' program with some of its mistakes."""
    text, character = "", ord("_")
    while len(text) < length:
        p, new = step(character, state)
        if not lost:
            state = new
        p = np.asarray(p) if float32 else np.asarray(p, float)
        p = p / p.sum()
        draw: Any = np.random.multinomial if own else rng.multinomial
        drawn: Any = draw(1, p) if pick == "draw" else np.eye(128, dtype=int)[p.argmax()]
        character = drawn.astype(int) if counts else int(drawn.argmax())
        said = chr(character)
        printable = said == string.printable if equals else said in string.printable
        if visible:
            printable = said.isprintable()
        if strange == "skip" and not printable:
            continue
        text += said if printable or strange == "fed" else "_"
        if not printable and strange in ("both", "fed"):
            character = ord("_")
    return text


_SLIDE_TOLD = (
    repaired_slide_writer,
    partial(_slide, equals=True),
    partial(_slide, lost=True),
    partial(_slide, strange="shown"),
    partial(_slide, strange="fed"),
    partial(_slide, visible=True),
)


def _slide_by_choice(step: Any, state: Any, length: int, rng: Rng) -> str:
    written: list[int] = []
    for _ in range(length):
        p, state = step(written[-1] if written else ord("_"), state)
        p = np.float64(p)
        k = int(rng.choice(128, p=p / p.sum()))
        written.append(k if chr(k) in string.printable else ord("_"))
    return "".join(map(chr, written))


def _slide_cumulated(step: Any, state: Any, length: int, rng: Rng) -> str:
    allowed, text = set(map(ord, string.printable)), "_"
    for _ in range(length):
        p, state = step(ord(text[-1]), state)
        edges = np.cumsum(np.asarray(p, float))
        k = int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
        text += chr(k) if k in allowed else "_"
    return text[1:]


def _slide_with_noise(step: Any, state: Any, length: int, rng: Rng) -> str:
    k = ord("_")
    text: list[str] = []
    while len(text) != length:
        p, state = step(k, state)
        with np.errstate(divide="ignore"):
            k = int(np.argmax(np.log(np.asarray(p, float)) + rng.gumbel(size=128)))
        if chr(k) not in string.printable:
            k = ord("_")
        text.append(chr(k))
    return "".join(text)


def _slide_letters(seen: Comparison) -> Difference | None:
    wanted, got = seen.expected.value["characters"], seen.actual.value["characters"]
    if wanted == got:
        return None
    return Difference(f"there occur {got!r}, expected {wanted!r}")


_REPAIR_NUDGE = "Run it and look at the first error. What kind of thing is `character` there?"

REPAIR_SLIDE_WRITER = Exercise(
    id="repair_slide_writer",
    probe="writing:bytes_written",
    reference=repaired_slide_writer,
    cases=_slide_cases,
    aspects=(
        Aspect("text", 1.5, _same_text, tags=frozenset({"plain"})),
        Aspect(
            "characters that cannot be printed",
            1.0,
            _same_text,
            tags=frozenset({"strange"}),
            needs=("text",),
        ),
        Aspect(
            "drawn by chance",
            1.5,
            lambda seen: _slide_letters(seen) or _chance(seen),
            tags=frozenset({"chance"}),
        ),
    ),
    misconceptions=(
        Misconception(
            "as-printed",
            partial(_slide, counts=True, float32=True, equals=True, lost=True),
            nudge="Run it. What kind of thing is `character` after the draw?",
            pointer=_SLIDES,
            explanation="Both mistakes that stop it are still in: counts are used as a character, "
            "and float32 probabilities are drawn from.",
        ),
        Misconception(
            "counts-as-an-id",
            partial(_slide, counts=True),
            nudge="What does `multinomial` return: which one was drawn, or how often each was?",
            pointer=_SLIDES,
            explanation="The mistake that stops it at once is still in: counts are used as a "
            "character.",
        ),
        Misconception(
            "everything-replaced-and-float32",
            partial(_slide, equals=True, float32=True),
            nudge="When is a character the same as a string of a hundred characters?",
            pointer=_SLIDES,
            explanation="At least two mistakes are still in: every character is replaced, and some "
            "probabilities cannot be drawn from.",
        ),
        Misconception(
            "everything-replaced",
            partial(_slide, equals=True),
            nudge="When is a character the same as a string of a hundred characters?",
            pointer=_SLIDES,
            explanation="Every character is replaced, for none of them equals the string of all "
            "printable ones. The slides lost a small word here.",
        ),
        Misconception(
            "state-lost-and-float32",
            partial(_slide, lost=True, float32=True),
            nudge="Which names hold a state in the program, and which of them is given to `step`?",
            pointer=_LOOP,
            explanation="Two mistakes are still in: the state is not carried, and some "
            "probabilities cannot be drawn from.",
        ),
        Misconception(
            "state-lost",
            partial(_slide, lost=True),
            nudge="Which names hold a state in the program, and which of them is given to `step`?",
            pointer=_LOOP,
            explanation="The new state is computed and never used: each step begins with the first.",
        ),
        Misconception(
            "float32",
            partial(_slide, float32=True),
            nudge="What do three float32 thirds add up to, and who minds?",
            pointer=_SLIDES,
            explanation="The probabilities are still float32 when they are drawn from. Where they "
            "add up to a little more than 1, `multinomial` refuses.",
        ),
        Misconception(
            "replaced-in-the-text-only",
            partial(_slide, strange="shown"),
            nudge="A character was replaced in the text. What does the model read next?",
            pointer="The docstring says what happens to characters that cannot be printed.",
            explanation="A replaced character stands in the text, but the model is given the one "
            "that was drawn.",
        ),
        Misconception(
            "replaced-for-the-model-only",
            partial(_slide, strange="fed"),
            nudge="What stands in your text where something cannot be printed?",
            pointer="The docstring says what happens to characters that cannot be printed.",
            explanation="The model is given the replacement, but your text holds the character that "
            "was drawn.",
        ),
        Misconception(
            "line-ends-replaced",
            partial(_slide, visible=True),
            nudge="Which characters are in `string.printable` and do not count for `isprintable`?",
            pointer="The docstring says which characters are replaced.",
            explanation="You replace line ends and tabs as well. `str.isprintable` is stricter than "
            "`string.printable`, which holds them.",
        ),
        Misconception(
            "rng-not-used",
            partial(_slide, own=True),
            nudge="Where does your chance come from?",
            pointer="The docstring says what `rng` is.",
            explanation="You draw from NumPy's global generator, as the slides do, and not from `rng`, "
            "so nobody can repeat your text.",
        ),
        Misconception(
            "argmax",
            partial(_slide, pick="best"),
            nudge="Let it write with two generators. Is there a difference?",
            pointer="Read “Temperature” again.",
            explanation="You always take the likeliest character. The program should draw.",
        ),
    ),
    nudge=_REPAIR_NUDGE,
    pointer="Read “How the slides draw” and “A model that reads what it writes” again.",
    alternatives={
        "rng.choice": _slide_by_choice,
        "cumulated": _slide_cumulated,
        "Gumbel noise": _slide_with_noise,
    },
)

SHOWN = ("corpus.py", "data", "plots/writing.py")
"""What of ``course_lib`` a grading kernel shows: what the ordinary cells need, and no answer."""

EXERCISES = (
    ONE_HOT_TEXT,
    UNIGRAM_BITS,
    LANGUAGE_MODEL_BATCHES,
    BITS_PER_CHARACTER,
    SAMPLE,
    GENERATE_TEXT,
    REPAIR_SLIDE_WRITER,
)
