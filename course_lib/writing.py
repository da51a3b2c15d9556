"""What a text costs without a model, and texts that a character model invents.

bits of a text   = -sum over symbols of p log2 p,    p: how often each symbol occurs
bits of a name   = -log2 p(each character | all characters before it)
"""

import string
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from course_lib.text import Step, bits_per_character, ids_to_text, sample, text_to_ids


def unigram_bits(text: str) -> float:
    """What a character costs, in bits, for somebody who knows how often each symbol occurs.

    >>> unigram_bits("ABAB"), round(unigram_bits("AAAB"), 3)
    (1.0, 0.811)
    """
    counts = np.array(list(Counter(text).values()), float)
    p = counts / counts.sum()
    return float(-(p * np.log2(p)).sum()) + 0.0  # no minus zero


def context_bits(train: str, held: str, most: int, *, smoothing: float = 0.1) -> list[float]:
    """What a character of one text costs with counts from another, by length of context.

    An n-gram model: p(character | the n before it) is counted in `train`, each count raised by
    `smoothing` times what the context one shorter says, so that nothing is impossible.

    Args:
        train: to count in.
        held: to be predicted, from its character number `most` on.
        most: the longest context, in characters.
        smoothing: how many occurrences the shorter context is worth, a symbol.

    Returns:
        Bits per character with contexts of 0, 1, 2 and so on up to `most` characters.

    >>> [round(bits, 2) for bits in context_bits("ABABABABAB", "ABAB", 1)]
    [1.0, 0.13]
    """
    symbols = len(set(train + held))
    weight = smoothing * symbols
    places = range(most, len(held))
    p = np.full(len(places), 1.0 / symbols)
    found, contexts = [], Counter({"": len(train)})
    for size in range(most + 1):
        stretches = Counter(train[k : k + size + 1] for k in range(len(train) - size))
        seen = np.array([stretches[held[k - size : k + 1]] for k in places], float)
        whole = np.array([contexts[held[k - size : k]] for k in places], float)
        p = (seen + weight * p) / (whole + weight)
        found.append(float(-np.log2(p).mean()))
        contexts = stretches
    return found


def repaired_slide_writer(
    step: Callable[[Any, Any], tuple[Any, Any]], state: Any, length: int, rng: np.random.Generator
) -> str:
    """The slides' generator of text, mended.

    Args:
        step: `step(character, state) -> (probabilities, state)`, an int to `(128,)`.
        state: before the first character, which is "_".
        length: how many characters to write.
        rng: for the draws.

    Returns:
        The text; "_" stands for, and is read in place of, what cannot be printed.

    Source: seed 003, "A many-to-many example (text generating)".

    >>> def step(character, state):
    ...     return np.eye(128, dtype=np.float32)[65 + state], state + 1
    >>> repaired_slide_writer(step, 0, 4, np.random.default_rng(0))
    'ABCD'
    """
    text, character = "", ord("_")
    while len(text) < length:
        probabilities, state = step(character, state)
        # float64: three float32 thirds add up to more than 1, which multinomial refuses.
        probabilities = np.asarray(probabilities, np.float64)
        counts = rng.multinomial(1, probabilities / probabilities.sum())
        character = int(counts.argmax())
        if chr(character) not in string.printable:
            character = ord("_")
        text += chr(character)
    return text


def invent(
    step: Step,
    zero_state: Callable[[int], Any],
    count: int,
    rng: np.random.Generator,
    *,
    vocab: str,
    temperature: float = 1.0,
    prime: str = "",
    longest: int = 80,
) -> list[str]:
    """Let a model of lines write so many of them, side by side.

    Args:
        step: `step(ids, state) -> (logits, state)`: `(B,)` ids to `(B, V)` logits.
        zero_state: `zero_state(B)`: the state before a text begins.
        count: B lines.
        rng: for the draws.
        vocab: the characters of the ids; a line end is among them.
        temperature: as in `sample`.
        prime: how every line begins.
        longest: a line is cut after so many characters.

    Returns:
        The lines with their prime and without their ends.

    >>> cycle = lambda ids, state: (100 * np.eye(3)[(ids + 1) % 3], state)
    >>> invent(cycle, lambda batch: None, 2, np.random.default_rng(0), vocab="ab\\n")
    ['ab', 'ab']
    """
    state, logits = zero_state(count), None
    for k in text_to_ids("\n" + prime, vocab):
        logits, state = step(np.full(count, k), state)
    end = vocab.index("\n")
    columns: list[np.ndarray] = []
    open_lines = np.ones(count, bool)
    while open_lines.any() and len(columns) < longest - len(prime):
        ids = sample(np.asarray(logits), temperature, rng)
        columns.append(ids)
        open_lines &= ids != end
        logits, state = step(ids, state)
    rows = np.array(columns, int).reshape(len(columns), count).T
    return [prime + ids_to_text(row, vocab).split("\n")[0] for row in rows]


def surprise(step: Step, state: Any, line: str, vocab: str) -> np.ndarray:
    """What each character of a line costs in bits, its end included, `(len(line) + 1,)`.

    >>> even = lambda ids, state: (np.zeros((1, 4)), state)
    >>> surprise(even, None, "ab", "abc\\n")
    array([2., 2., 2.])
    """
    ids = text_to_ids("\n" + line + "\n", vocab)
    costs = []
    for before, came in pairwise(ids):
        logits, state = step(np.array([before]), state)
        pair = np.stack([np.asarray(logits), np.zeros_like(logits)], axis=1)
        costs.append(bits_per_character(pair, np.array([[before, came]])))
    return np.array(costs)


def judge_lines(lines: Sequence[str], known: Sequence[str]) -> dict[str, float]:
    """Which share of some lines is new, is repeated, and is made of known words.

    Args:
        lines: what was invented.
        known: lines that exist.

    >>> judge_lines(["RED FISH", "RED CAT", "RED CAT"], ["RED CAT", "OLD FISH"])["exist"]
    0.6666666666666666
    """
    exists = set(known)
    words = {word for line in known for word in line.replace("-", " ").split()}
    mine = [word for line in lines for word in line.replace("-", " ").split()]
    return {
        "exist": sum(line in exists for line in lines) / len(lines),
        "repeated": 1 - len(set(lines)) / len(lines),
        "real words": sum(word in words for word in mine) / max(len(mine), 1),
    }


def heated(logits: Any, temperature: float) -> np.ndarray:
    """The probabilities that `sample` draws from, `(..., V)`.

    >>> heated([0.0, np.log(9.0)], 2.0)
    array([0.25, 0.75])
    """
    scaled = np.asarray(logits, float) / temperature
    weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    p: np.ndarray = weights / weights.sum(axis=-1, keepdims=True)
    return p


def entropy_bits(p: np.ndarray) -> np.ndarray:
    """How unsure some probabilities are, along the last axis: 0 for certain, log2 V for even.

    >>> float(entropy_bits(np.array([0.5, 0.5, 0.0])))
    1.0
    """
    safe = np.where(p > 0, p, 1.0)
    bits: np.ndarray = -(p * np.log2(safe)).sum(axis=-1)
    return bits


def after(step: Step, state: Any, line: str, vocab: str) -> np.ndarray:
    """A model's logits `(V,)` when it has read a line end and then the beginning of a line.

    >>> cycle = lambda ids, state: (np.eye(3)[(ids + 1) % 3], state)
    >>> after(cycle, None, "a", "ab\\n")
    array([0., 1., 0.])
    """
    logits: Any = None
    for k in text_to_ids("\n" + line, vocab):
        logits, state = step(np.array([k]), state)
    return np.asarray(logits)[0]
