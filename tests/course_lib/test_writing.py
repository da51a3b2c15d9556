"""What texts cost without a model, and lines that a model invents."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import sample, unicode_names
from course_lib import writing as w


@given(st.text(min_size=1, max_size=40))
def test_unigram_bits_lie_between_none_and_those_of_equal_shares(text):
    bits = w.unigram_bits(text)
    assert -1e-12 <= bits <= math.log2(len(set(text))) + 1e-12


def test_the_names_cost_what_their_module_says():
    assert w.unigram_bits(unicode_names()) * math.log(2) == pytest.approx(2.998, abs=5e-4)


def test_context_makes_a_text_cheaper_and_a_text_never_seen_stays_possible():
    bits = w.context_bits("ABCABCABCABC" * 5, "ABCABC", 2)
    assert bits[0] > 1.4 > 0.2 > bits[1] >= bits[2] > 0
    assert math.isfinite(w.context_bits("AAAA", "ZZZZ", 1)[1])


def test_heat_evens_out_and_cold_decides():
    z = np.log([1.0, 4.0, 9.0])
    np.testing.assert_allclose(w.heated(z, 2.0), np.array([1, 2, 3]) / 6)
    np.testing.assert_allclose(w.heated(z, 0.5), np.array([1, 16, 81]) / 98)
    entropies = [float(w.entropy_bits(w.heated(z, tau))) for tau in (0.01, 0.5, 1, 2, 1e6)]
    assert entropies == sorted(entropies)
    assert entropies[0] == pytest.approx(0)
    assert entropies[-1] == pytest.approx(math.log2(3))


def test_heated_probabilities_are_those_of_sample():
    z, rng = np.array([0.0, 1.0, -1.0]), np.random.default_rng(0)
    ids = sample(np.tile(z, (20_000, 1)), 2.0, rng)
    frequencies = np.bincount(ids, minlength=3) / 20_000
    # Six standard deviations of a frequency from 20,000 draws.
    assert np.abs(frequencies - w.heated(z, 2.0)).max() < 6 * 0.0036


def alphabet(ids, state):
    """Writes the character after the one just read: A, B, C, line end."""
    return 100 * np.eye(4)[(np.asarray(ids) + 1) % 4], state


def test_lines_begin_with_the_prime_and_end_at_a_line_end():
    rng = np.random.default_rng(0)
    invented = w.invent(alphabet, lambda batch: None, 3, rng, vocab="\nABC")
    assert invented == ["ABC"] * 3
    assert w.invent(alphabet, lambda batch: None, 1, rng, vocab="\nABC", prime="B") == ["BC"]


def test_a_line_without_an_end_is_cut():
    def always_a(ids, state):
        return np.tile([0.0, 100.0], (len(ids), 1)), state

    rng = np.random.default_rng(0)
    assert w.invent(always_a, lambda batch: None, 2, rng, vocab="\nA", longest=7) == ["A" * 7] * 2


def test_a_line_that_was_expected_costs_nothing_and_another_costs_much():
    assert w.surprise(alphabet, None, "ABC", "\nABC") == pytest.approx([0, 0, 0, 0], abs=1e-9)
    assert w.surprise(alphabet, None, "ACB", "\nABC")[1] > 100
    assert w.after(alphabet, None, "AB", "\nABC").argmax() == 3


def test_lines_are_judged_by_words_and_by_whether_they_exist():
    found = w.judge_lines(["RED CAT", "RED CAT", "BLUE-DOG", "QX"], ["RED CAT", "BLUE DOG"])
    assert found == {"exist": 0.5, "repeated": 0.25, "real words": 6 / 7}


def test_the_slides_writer_puts_underscores_for_what_cannot_be_printed():
    read = []

    def step(character, state):
        read.append(character)
        return np.eye(128, dtype=np.float32)[[7, 65, 10][state % 3]], state + 1

    assert w.repaired_slide_writer(step, 0, 4, np.random.default_rng(0)) == "_A\n_"
    assert read == [95, 95, 65, 10]


def test_the_slides_writer_takes_probabilities_that_add_up_to_more_than_one():
    thirds = np.zeros(128, np.float32)
    thirds[[65, 66, 67]] = np.float32(1) / np.float32(3)
    text = w.repaired_slide_writer(lambda k, s: (thirds, s), 0, 90, np.random.default_rng(0))
    assert set(text) == {"A", "B", "C"}
