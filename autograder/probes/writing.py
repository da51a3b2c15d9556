"""N11: read texts, draw from logits many times, and let an answer write from a stand-in for a model.

Nothing here encodes a text, divides by a temperature or feeds a character back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Answer = Callable[..., Any]

REFUSED = "refused"
FEW = 200


def encode(answer: Answer, text: str, vocab: str) -> Any:
    """What ``answer(text, vocab)`` returns, or "refused" where it finds that it cannot.

    A text of known characters gives no reason to refuse: what is raised there is a mistake.

    >>> encode(lambda text, vocab: vocab.index(text), "z", "abc")
    'refused'
    """
    if set(text) <= set(vocab):
        return answer(text, vocab)
    try:
        return answer(text, vocab)
    except (ValueError, LookupError):
        return REFUSED


def cut(answer: Answer, ids: np.ndarray, batch: int, T: int) -> dict[str, Any]:
    """The windows that ``answer(ids, batch, T)`` makes.

    Raises:
        TypeError: something else than a sequence of pairs came back.
    """
    inputs, targets = [], []
    for pair in answer(ids, batch, T):
        if isinstance(pair, str | dict) or not hasattr(pair, "__len__") or len(pair) != 2:
            raise TypeError("expected a pair (inputs, targets) for each window")
        inputs.append(np.asarray(pair[0]))
        targets.append(np.asarray(pair[1]))
    return {
        "windows": len(inputs),
        "shapes": [list(part.shape) for part in (*inputs, *targets)],
        "inputs": inputs,
        "targets": targets,
    }


def draw(
    answer: Answer, logits: np.ndarray, temperature: float, seed: int, times: int
) -> dict[str, Any]:
    """How often ``answer(logits, temperature, rng)`` gives each id, and whether it heeds ``rng``.

    Args:
        answer: returns one id.
        logits: ``(V,)``.
        temperature: passed on.
        seed: of the generator that all draws share.
        times: how many draws.

    Returns:
        ``kind`` of the result in words; when that is right also ``frequencies`` ``(V,)`` (for up to
        ``FEW`` draws only 1 or 0: whether an id came at all), and ``repeats``: whether generators
        of one seed gave the same ids.
    """
    rng = np.random.default_rng(seed)
    before = logits.copy()
    first = np.asarray(answer(logits, temperature, rng))
    if first.shape != ():
        return {"kind": f"an array of shape {first.shape}"}
    if not np.issubdtype(first.dtype, np.number) or first != np.floor(first):
        return {"kind": "not a whole number"}
    ids = [int(first)] + [int(answer(logits, temperature, rng)) for _ in range(times - 1)]
    if min(ids) < 0 or max(ids) >= len(before):
        return {"kind": f"a number outside of 0 to {len(before) - 1}"}
    again = np.random.default_rng(seed)
    same = [int(answer(logits, temperature, again)) for _ in range(min(times, 60))]
    counts = np.bincount(ids, minlength=len(before))
    return {
        "kind": "a whole number",
        "frequencies": (counts > 0).astype(float) if times <= FEW else counts / times,
        "repeats": same == ids[: len(same)],
    }


class Writer:
    """A stand-in for a language model in NumPy: where it stands depends on all that it has read.

    Its state is one number, its place; reading id k leads from place s to ``moves[s, k]``, and the
    logits there are ``logits[place]``.
    """

    def __init__(self, moves: np.ndarray, logits: np.ndarray):
        self.moves, self.logits = moves, logits

    def __call__(self, ids: Any, state: Any) -> tuple[np.ndarray, np.ndarray]:
        """One id a row, `(1,)`, and a state `(1,)` to logits `(1, V)` and the new state."""
        ids = np.asarray(ids)
        if ids.shape != (1,):
            raise ValueError(f"step: ids have shape {ids.shape}, expected (1,): a batch of one")
        if state is None or np.shape(state) != (1,):
            raise ValueError("step: expected a state as the step before gave it back")
        place = self.moves[int(np.asarray(state)[0]), int(ids[0])]
        return self.logits[place][np.newaxis].copy(), np.array([place])


def write(
    answer: Answer,
    moves: np.ndarray,
    logits: np.ndarray,
    start: int,
    prime: str,
    length: int,
    vocab: str,
    temperature: float,
    seed: int,
) -> Any:
    """What ``answer(step, state, prime, length, rng, vocab=, temperature=)`` writes.

    Args:
        answer: returns text.
        moves: ``(places, V)``, of the ``Writer``.
        logits: ``(places, V)``, of the ``Writer``.
        start: the place before the prime is read.
        prime: characters to read first.
        length: characters to write.
        vocab: the characters of the ids.
        temperature: passed on.
        seed: of the generator.
    """
    return answer(
        Writer(moves, logits),
        np.array([start]),
        prime,
        length,
        np.random.default_rng(seed),
        vocab=vocab,
        temperature=temperature,
    )


def characters(answer: Answer, *inputs: Any) -> dict[str, Any]:
    """Which characters ``write`` finds in a text, in their order, and how long the text is.

    With ``repeats``: whether a generator of the same seed gives the same text, and ``varies``: whether
    one of another seed gives another.
    """
    *others, seed = inputs
    return _facts(lambda seed: write(answer, *(*others, seed)), int(seed))


def _facts(told: Callable[[int], Any], seed: int) -> dict[str, Any]:
    text = told(seed)
    if not isinstance(text, str):
        raise TypeError("expected text")
    return {
        "characters": "".join(sorted(set(text))),
        "length": len(text),
        "repeats": told(seed) == text,
        "varies": told(seed + 1) != text,
    }


def either(answer: Answer, facts: bool, *inputs: Any) -> Any:
    """``characters`` where only chance decides what comes when, ``write`` elsewhere."""
    return characters(answer, *inputs) if facts else write(answer, *inputs)


def bytes_written(
    answer: Answer, moves: np.ndarray, logits: np.ndarray, facts: bool, length: int, seed: int
) -> Any:
    """What ``answer(step, state, length, rng)`` writes with a step of single bytes.

    The step takes one id, an ordinary int, and gives probabilities in float32, as the slides' does.

    Args:
        answer: returns text.
        moves: ``(places, V)``, of the ``Writer``; the text begins at place 0.
        logits: ``(places, V)``.
        facts: whether only the set of characters is asked for, and where chance comes from.
        length: characters to write.
        seed: of the generator.
    """
    writer = Writer(moves, logits)

    def step(character: Any, state: Any) -> tuple[np.ndarray, Any]:
        if np.shape(character) != ():
            raise TypeError(
                f"step: the character has shape {np.shape(character)}, expected a single id"
            )
        values, state = writer(np.array([int(character)]), state)
        weights = np.exp(values[0] - values[0].max()).astype(np.float32)
        return weights / weights.sum(), state

    def told(seed: int) -> Any:
        return answer(step, np.array([0]), length, np.random.default_rng(seed))

    if facts:
        return _facts(told, seed)
    text = told(seed)
    if not isinstance(text, str):
        raise TypeError("expected text")
    return text
