"""The frozen text, and a model that reads it."""

from unicodedata import ucd_3_2_0

import numpy as np
import pytest

from course_lib import (
    CharacterModel,
    generate_text,
    make_vocabulary,
    text_to_ids,
    train,
    unicode_names,
)


def test_the_frozen_text_is_what_its_description_says():
    names = (ucd_3_2_0.name(chr(code), "") for code in range(0x10000))
    text = "".join(f"{n}\n" for n in names if n and not n.startswith(("CJK", "HANGUL")))
    assert unicode_names() == text
    assert text.count("\n") == 10_744


def test_its_unigram_and_bigram_entropies_are_2_998_and_2_376_nats():
    text = unicode_names()
    ids = text_to_ids(text, make_vocabulary(text))
    counts = np.bincount(ids)
    pairs = np.bincount(ids[:-1] * 39 + ids[1:], minlength=39 * 39).reshape(39, 39)

    def entropy(counts):
        p = counts[counts > 0] / counts.sum()
        return -(p * np.log(p)).sum()

    assert entropy(counts) == pytest.approx(2.998, abs=5e-4)
    assert entropy(pairs) - entropy(pairs.sum(axis=1)) == pytest.approx(2.376, abs=5e-4)


def test_reading_step_by_step_is_reading_at_once():
    model = CharacterModel(5, units=4, layers=2)
    ids = np.random.default_rng(0).integers(0, 5, (2, 6))
    logits, last = model(ids, model.zero_state(2))
    state = model.zero_state(2)
    for t in range(6):
        one, state = model.step(ids[:, t], state)
        np.testing.assert_allclose(one, logits[:, t], atol=1e-5)
    np.testing.assert_allclose(state[1], last[1], atol=1e-5)


def test_a_model_learns_a_text_by_heart_and_recites_it():
    text = "to be or not to be "
    vocab = make_vocabulary(text)
    ids = np.tile(text_to_ids(text, vocab), 4)
    model = CharacterModel(len(vocab), units=24)
    train(
        model,
        model.loss,
        lambda rng: (ids[np.newaxis, :-1], ids[np.newaxis, 1:]),
        steps=200,
        learning_rate=0.02,
    )
    recited = generate_text(
        model.step,
        model.zero_state(1),
        text,
        len(text),
        np.random.default_rng(0),
        vocab=vocab,
        temperature=0.1,
    )
    assert recited == text
