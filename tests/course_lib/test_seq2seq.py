"""Encoders, decoders, and searching for the best sequence."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import (
    GRUCell,
    LSTMCell,
    LSTMStateTuple,
    beam_search,
    decode_greedy,
    decode_teacher_forced,
    encode,
    exact_match,
    shift_right,
    tf,
)
from course_lib.shapes import ShapeError
from tests.course_lib.witness import error, seeds


def decoder(V, H=4, seed=0):
    """A small random decoder: one-hot token, GRU, projection; token V is GO."""
    rng = np.random.default_rng(seed)
    cell = GRUCell(H, V + 1, seed=seed)
    W = tf.constant(rng.normal(0, 2, (H, V)), tf.float32)

    def step(tokens, state):
        output, state = cell(tf.one_hot(tokens, V + 1), state)
        return output @ W, state

    return step, tf.constant(rng.standard_normal((2, H)), tf.float32)


def test_the_encoder_ends_in_the_state_at_each_sequence_s_end(rng):
    cell = LSTMCell(4, 3)
    x = rng.standard_normal((2, 5, 3)).astype(np.float32)
    _, state = encode(cell, x, lengths=[5, 2])
    _, short = encode(cell, x[1:, :2])
    assert isinstance(state, LSTMStateTuple)
    assert error(state.c[1:], short.c) < 1e-6


def test_shifting_drops_the_last_token_and_keeps_the_kind():
    y = np.array([[1, 2, 3], [4, 5, 6]])
    assert shift_right(y, 0).tolist() == [[0, 1, 2], [0, 4, 5]]
    assert tf.is_tensor(shift_right(tf.constant(y), 0))
    np.testing.assert_array_equal(shift_right(tf.constant(y), 0), shift_right(y, 0))
    assert y.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("kind", [np.array, tf.constant])
def test_go_may_not_be_a_real_token(kind):
    with pytest.raises(ValueError, match=r"go: is 2, which is a token of the targets"):
        shift_right(kind([[1, 2, 3]]), 2)


def test_teacher_forcing_is_a_loop_over_the_right_tokens():
    step, state = decoder(V=5)
    y = np.array([[1, 4, 0], [2, 2, 3]])
    logits, last = decode_teacher_forced(step, state, y, go=5)
    assert logits.shape == (2, 3, 5)
    previous = np.array([[5, 1, 4], [5, 2, 2]])
    for t in range(3):
        expected, state = step(tf.constant(previous[:, t]), state)
        assert error(logits[:, t], expected) < 1e-6
    assert error(last, state) < 1e-6


def test_greedy_decoding_feeds_its_own_tokens_back():
    step, start = decoder(V=5)
    tokens, _ = decode_greedy(step, start, go=5, T=6)
    last, state = tf.constant([5, 5]), start
    for t in range(6):
        logits, state = step(last, state)
        last = tf.argmax(logits, axis=1)
        np.testing.assert_array_equal(tokens[:, t], last)
    # Told what it said itself, a taught decoder says it again.
    logits, _ = decode_teacher_forced(step, start, tokens, go=5)
    np.testing.assert_array_equal(tf.argmax(logits, axis=2), tokens)


def test_both_decoders_work_in_a_graph_and_with_nested_states():
    cell = LSTMCell(4, 6)
    W = tf.Variable(tf.ones([4, 5]))

    def step(tokens, state):
        output, state = cell(tf.one_hot(tokens, 6), state)
        return output @ W, state

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int64)])
    def run(y):
        state = cell.zero_state(tf.shape(y)[0])
        with tf.GradientTape() as tape:
            logits, _ = decode_teacher_forced(step, state, y, go=5)
            loss = tf.reduce_sum(logits**2)
        gradients = tape.gradient(loss, cell.trainable_variables)
        return logits, decode_greedy(step, state, 5, 7)[0], gradients

    logits, tokens, gradients = run(tf.constant([[1, 2, 3]], tf.int64))
    assert logits.shape == (1, 3, 5)
    assert tokens.shape == (1, 7)
    assert all(np.abs(g).max() > 0 for g in gradients)


@settings(max_examples=20)  # every example tries every sequence there is
@given(st.integers(2, 3), st.integers(1, 3), seeds)
def test_a_beam_that_is_wide_enough_finds_the_best_of_all(V, T, seed):
    step, state = decoder(V, seed=seed % 1000)
    tokens, scores = beam_search(step, state, width=V**T, T=T, go=V)
    for b in range(2):
        every = []
        for sequence in itertools.product(range(V), repeat=T):
            s, score = state[b : b + 1], 0.0
            for last, token in zip((V, *sequence), sequence, strict=False):
                logits, s = step(tf.constant([last]), s)
                score += float(tf.nn.log_softmax(tf.cast(logits, tf.float64))[0, token])
            every.append((score, sequence))
        every.sort(reverse=True)
        np.testing.assert_allclose(scores[b], [score for score, _ in every], atol=1e-5)
        assert tuple(tokens[b, 0]) == every[0][1]


def test_a_beam_of_one_is_greedy():
    step, state = decoder(V=5, seed=3)
    tokens, _ = beam_search(step, state, width=1, T=6, go=5)
    np.testing.assert_array_equal(tokens[:, 0], decode_greedy(step, state, go=5, T=6)[0])


def test_scores_fall_from_the_best_beam_to_the_worst_and_belong_to_their_tokens():
    step, start = decoder(V=5, seed=1)
    tokens, scores = beam_search(step, start, width=4, T=8, go=5)
    assert (np.diff(scores, axis=1) <= 0).all()
    for w in range(4):  # a beam whose state was not moved along would fail here
        logits, _ = decode_teacher_forced(step, start, tokens[:, w], go=5)
        log_p = tf.nn.log_softmax(tf.cast(logits, tf.float64)).numpy()
        own = np.take_along_axis(log_p, tokens[:, w, :, np.newaxis], axis=2).sum(axis=(1, 2))
        np.testing.assert_allclose(scores[:, w], own, atol=1e-5)


def test_no_beam_comes_twice():
    step, state = decoder(V=3, seed=2)
    tokens, scores = beam_search(step, state, width=9, T=1, go=3)
    assert np.isfinite(scores).sum(axis=1).tolist() == [3, 3]
    assert sorted(tokens[0, :3, 0].tolist()) == [0, 1, 2]


def test_a_match_is_a_whole_sequence():
    assert exact_match([[1, 2], [3, 4], [5, 6]], [[1, 2], [3, 9], [9, 9]]) == pytest.approx(1 / 3)
    with pytest.raises(ShapeError, match=r"pred: time is 2, expected 3"):
        exact_match([[1, 2]], [[1, 2, 3]])


def test_bad_sizes_are_named():
    step, state = decoder(V=3)
    with pytest.raises(ValueError, match=r"T: is 0"):
        decode_greedy(step, state, 3, 0)
    with pytest.raises(ValueError, match=r"width: is 0"):
        beam_search(step, state, 0, 3)
