"""N11's exercises: what a card says, and what the probes let through."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.card import as_text
from autograder.exercise import PUBLIC_SEED, Exercise
from autograder.exercises.n11_character_language_model import (
    EXERCISES,
    GENERATE_TEXT,
    LANGUAGE_MODEL_BATCHES,
    ONE_HOT_TEXT,
    REPAIR_SLIDE_WRITER,
    SAMPLE,
)
from autograder.judge import Judge
from autograder.probes.writing import Writer

QUICK = [item for item in EXERCISES if item.id != "sample"]


@pytest.mark.parametrize("exercise", QUICK, ids=lambda item: item.id)
def test_the_verdict_on_every_variant_is_the_same_for_fifteen_seeds(exercise: Exercise) -> None:
    scores = set()
    for seed in range(15):
        judge = Judge(exercise, seed)
        verdicts = [judge.judge(judge.run(known.variant)) for known in exercise.misconceptions]
        names = [verdict.misconception for verdict in verdicts]
        assert names == [known.name for known in exercise.misconceptions]
        scores.add(tuple(verdict.score for verdict in verdicts))
    assert len(scores) == 1


def _card(exercise: Exercise, answer: object) -> str:
    judge = Judge(exercise, PUBLIC_SEED)
    return as_text(judge.judge(judge.run(answer)))


def test_a_misconception_about_draws_is_named_whichever_way_it_draws() -> None:
    def heat_multiplies(logits, temperature, rng):
        noise = rng.gumbel(size=len(logits))  # other draws than those of the known variant
        return int(np.argmax(np.float64(logits) * temperature + noise))

    judge = Judge(SAMPLE, PUBLIC_SEED)
    assert judge.judge(judge.run(heat_multiplies)).misconception == "times-temperature"


def test_frequencies_are_told_in_percent() -> None:
    def even(logits, temperature, rng):
        return int(rng.integers(len(logits)))

    assert "of 4000 draws 3" in _card(SAMPLE, even)


def test_a_draw_that_is_no_single_number_is_described() -> None:
    def counts(logits, temperature, rng):
        return rng.multinomial(1, np.full(len(logits), 1 / len(logits)))

    assert "the result is an array of shape (3,), expected one id" in _card(SAMPLE, counts)


def test_a_text_says_how_far_it_is_right() -> None:
    known = {item.name: item.variant for item in GENERATE_TEXT.misconceptions}
    judge = Judge(GENERATE_TEXT, PUBLIC_SEED)
    seen = judge.expected[0].value

    def last_wrong(*args, **options):
        return seen[:-1] + "?"

    assert "the first 39 of 40 characters are right; then comes '?'" in _card(
        GENERATE_TEXT, last_wrong
    )
    assert "the text has 44 characters, expected 40" not in _card(
        GENERATE_TEXT, known["prime-counts"]
    )


def test_a_text_of_ids_is_no_text() -> None:
    def ids(step, state, prime, length, rng, *, vocab, temperature=1.0):
        return list(range(length))

    assert "the result is no text" in _card(GENERATE_TEXT, ids)


def test_any_honest_refusal_of_an_unknown_character_counts() -> None:
    def by_dictionary(text, vocab):
        places = {character: k for k, character in enumerate(vocab)}
        return np.eye(len(vocab))[[places[character] for character in text]]

    assert "✓ one_hot_text: 3 of 3" in _card(ONE_HOT_TEXT, by_dictionary)


def test_windows_that_are_no_pairs_are_described() -> None:
    said = _card(LANGUAGE_MODEL_BATCHES, lambda ids, batch, T: [ids[:batch]])
    assert "expected a pair (inputs, targets) for each window" in said


def test_the_slides_program_as_printed_is_named() -> None:
    import string

    def slide_writer(step, state, length, rng):
        text = ""
        character = ord("_")
        istate = state
        while len(text) < length:
            probabilities, state = step(character, istate)
            probabilities = np.asarray(probabilities).astype("float32")
            probabilities = probabilities / probabilities.sum()
            character = rng.multinomial(1, probabilities).astype(int)
            character = character if chr(character) == string.printable else ord("_")
            text += chr(character)
        return text

    judge = Judge(REPAIR_SLIDE_WRITER, PUBLIC_SEED)
    result = judge.judge(judge.run(slide_writer))
    assert result.misconception == "as-printed"
    assert result.score == 0


def test_the_stand_in_depends_on_all_that_it_has_read() -> None:
    moves = np.array([[1, 2], [0, 2], [2, 1]])
    writer = Writer(moves, np.eye(3, 2))
    logits, state = writer(np.array([1]), np.array([0]))
    assert state.tolist() == [2]
    np.testing.assert_array_equal(logits, [[0, 0]])
    with pytest.raises(ValueError, match=r"ids have shape \(\), expected \(1,\)"):
        writer(np.array(1), state)
