"""Characters in, characters out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import text as t
from course_lib import tf
from course_lib.shapes import DTypeError, ShapeError
from tests.course_lib.witness import seeds


@given(st.text(min_size=1, max_size=30))
def test_text_survives_the_way_to_ids_and_back(words):
    vocab = t.make_vocabulary(words)
    assert t.ids_to_text(t.text_to_ids(words, vocab), vocab) == words
    encoded = t.one_hot_text(words, vocab)
    assert (encoded.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(encoded.argmax(axis=1), t.text_to_ids(words, vocab))


def test_unknown_characters_and_large_bytes_are_refused_not_zeroed():
    with pytest.raises(ValueError, match=r"text: holds 'z', which is not in the vocabulary 'abc'"):
        t.one_hot_text("az", "abc")
    with pytest.raises(ValueError, match=r"x: holds 200, expected 0 to 127 \(depth is 128\)"):
        t.one_hot_bytes(np.array([3, 200], np.uint8))
    with pytest.raises(DTypeError, match=r"x: dtype is float64"):
        t.one_hot_bytes([0.5])


@given(st.integers(2, 60), st.integers(1, 4), st.integers(1, 7))
def test_rows_go_on_from_window_to_window_and_targets_are_the_next_character(length, batch, T):
    if length < batch + 1:
        return
    cut = t.language_model_batches(np.arange(length), batch, T)
    inputs = np.concatenate([x for x, _ in cut], axis=1)
    targets = np.concatenate([y for _, y in cut], axis=1)
    np.testing.assert_array_equal(targets, inputs + 1)
    assert (np.diff(inputs, axis=1) == 1).all()
    assert inputs.shape == (batch, (length - 1) // batch)
    assert all(x.shape[1] == T for x, _ in cut[:-1])


def test_too_short_a_text_is_refused():
    with pytest.raises(ShapeError, match=r"ids: time is 3, expected at least 4 for 3 rows"):
        t.language_model_batches(np.arange(3), 3, 2)


class TestSample:
    def frequencies(self, logits, temperature, draws=20_000):
        rng = np.random.default_rng(0)
        ids = t.sample(np.tile(logits, (draws, 1)), temperature, rng)
        return np.bincount(ids, minlength=len(logits)) / draws

    @pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
    def test_frequencies_are_the_softmax_of_logits_over_temperature(self, temperature):
        logits = np.array([0.0, 1.0, 2.0, -1.0])
        p = np.exp(logits / temperature)
        # Six standard deviations of a frequency from 20,000 draws.
        assert np.abs(self.frequencies(logits, temperature) - p / p.sum()).max() < 6 * 0.0036

    def test_what_is_impossible_is_never_drawn(self):
        frequencies = self.frequencies(np.array([-1e9, 0.0, -1e9, 0.0, -1e9]), 1.0)
        assert frequencies[[0, 2, 4]].tolist() == [0, 0, 0]

    def test_towards_zero_it_is_the_argmax_and_huge_logits_are_safe(self):
        assert t.sample([1.0, 3.0, 2.0], 1e-6, np.random.default_rng(0)) == 1
        assert t.sample(np.float32([1e30, 0]), 1.0, np.random.default_rng(0)) == 0

    def test_one_row_gives_an_int_and_many_give_an_array(self):
        rng = np.random.default_rng(0)
        assert isinstance(t.sample([0.0, 1.0], 1.0, rng), int)
        assert t.sample(np.zeros((3, 2)), 1.0, rng).shape == (3,)

    def test_bad_arguments_are_named(self):
        rng = np.random.default_rng(0)
        with pytest.raises(ValueError, match=r"temperature: is 0"):
            t.sample([0.0, 1.0], 0, rng)
        with pytest.raises(ValueError, match=r"logits: is NaN in row 1"):
            t.sample([[0.0, 1.0], [np.nan, 0.0]], 1.0, rng)


def test_generating_reads_the_whole_prime_and_carries_the_state():
    seen = []

    def step(ids, state):  # writes the character that stands as many places on as it has read
        seen.append((int(ids[0]), state))
        return 100 * np.eye(5)[[(state + 1) % 5]], state + 1

    drawn = t.generate_text(step, 0, "abc", 3, np.random.default_rng(0), vocab="abcde")
    assert drawn == "dea"
    assert seen == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (0, 5)]
    with pytest.raises(ValueError, match=r"prime: is empty"):
        t.generate_text(step, 0, "", 3, np.random.default_rng(0), vocab="abcde")


@given(st.integers(1, 3), st.integers(2, 5), st.integers(2, 6), seeds)
def test_bits_are_tensorflow_s_shifted_cross_entropy_over_ln_2(B, T, V, seed):
    rng = np.random.default_rng(seed)
    logits, ids = rng.normal(0, 3, (B, T, V)), rng.integers(0, V, (B, T))
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(ids[:, 1:], logits[:, :-1])
    expected = float(tf.reduce_mean(nats)) / math.log(2)
    assert t.bits_per_character(logits, ids) == pytest.approx(expected)


def test_a_single_character_cannot_be_scored():
    with pytest.raises(ShapeError, match=r"ids: time is 1"):
        t.bits_per_character(np.zeros((1, 1, 3)), np.zeros((1, 1), int))
    with pytest.raises(ShapeError, match=r"ids: time is 4, expected 5"):
        t.bits_per_character(np.zeros((1, 5, 3)), np.zeros((1, 4), int))
