"""Networks that sort; what they reach after long training is measured by the benchmarks."""

import numpy as np
import pytest

from course_lib import exact_match, tasks, tf, train
from course_lib.sorting import PointerSorter, TokenSorter, sinusoids


def test_first_embeddings_know_the_order():
    codes = sinusoids(64, 32)
    np.testing.assert_allclose((codes**2).sum(axis=1), np.ones(64))
    likeness = codes @ codes.T
    assert (np.diff(likeness[0, :8]) < 0).all()
    with pytest.raises(ValueError, match=r"size: is 7"):
        sinusoids(64, 7)


@pytest.mark.parametrize(
    "attention", [{"attention": False}, {"attention": True}, {"general": True}], ids=str
)
@pytest.mark.parametrize("layers", [1, 2])
def test_teacher_forcing_and_greedy_decoding_are_one_network(attention, layers):
    sorter = TokenSorter(9, units=6, layers=layers, embedding=4, **attention)
    x = np.random.default_rng(0).integers(0, 9, (3, 5))
    tokens = sorter.sort(x)
    memory, state = sorter.read(x)
    from course_lib import decode_teacher_forced

    logits, _ = decode_teacher_forced(sorter.step(memory), state, tokens, sorter.go)
    np.testing.assert_array_equal(np.argmax(logits, axis=2), tokens)
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tokens, logits=logits)
    assert float(sorter.loss(x, tokens)) == pytest.approx(float(tf.reduce_mean(nats)), rel=1e-4)


def test_a_beam_of_one_is_greedy():
    sorter = TokenSorter(9, units=6, embedding=4)
    x = np.random.default_rng(0).integers(0, 9, (3, 5))
    np.testing.assert_array_equal(sorter.sort_by_beam(x, 1), sorter.sort(x))
    assert sorter.sort_by_beam(x, 4).shape == (3, 5)


def test_a_token_sorter_learns_to_sort_fresh_sequences():
    sorter = TokenSorter(8, units=48, embedding=16)
    train(
        sorter,
        sorter.loss,
        lambda rng: tasks.token_sorting(64, 4, 8, rng),
        steps=250,
        learning_rate=0.01,
        clip_norm=1.0,
    )
    x, y = tasks.token_sorting(500, 4, 8, np.random.default_rng(10**6))
    assert exact_match(sorter.sort(x), y) > 0.95


@pytest.mark.parametrize("coverage", [True, False])
@pytest.mark.parametrize("fine", [{}, {"waves": 4, "gain": True}], ids=str)
def test_pointing_while_taught_and_alone_are_one_network(coverage, fine):
    sorter = PointerSorter(units=6, coverage=coverage, **fine)
    sorter.gain.assign(0.1)
    x = np.random.default_rng(0).random((4, 5), dtype=np.float32)
    places = sorter.point(x)
    # Told its own answers, the network makes them again: they are the likeliest at every step.
    loss = float(sorter.loss(x, places))
    for other in range(5):
        changed = places.copy()
        changed[:, -1] = other  # the last step is read by none after it
        assert float(sorter.loss(x, changed)) >= loss - 1e-6


def test_waves_tell_numbers_apart_that_are_a_thousandth_apart():
    near, far = (
        np.abs(
            np.diff(PointerSorter(6, waves=waves).shown(tf.constant([0.2, 0.201])), axis=0)
        ).max()
        for waves in (0, 10)
    )
    assert near < 0.0011
    assert far > 0.5


def test_a_gain_makes_scores_steeper_and_changes_no_choice():
    sorter = PointerSorter(units=6, gain=True)
    x = np.random.default_rng(0).random((4, 5), dtype=np.float32)
    before, scores = sorter.point(x), sorter.scores(tf.ones([4, 1, 6]), tf.ones([4, 5, 6]), 0.0)
    sorter.gain.assign(0.2)
    np.testing.assert_array_equal(sorter.point(x), before)
    steeper = sorter.scores(tf.ones([4, 1, 6]), tf.ones([4, 5, 6]), 0.0)
    np.testing.assert_allclose(steeper, np.exp(2.0) * scores, rtol=1e-5)
    assert len(sorter.trainable_variables) == len(PointerSorter(units=6).trainable_variables) + 1


def test_general_attention_compares_through_a_matrix_and_keeps_the_tokens():
    sorter = TokenSorter(9, units=6, embedding=4, general=True)
    memory, _ = sorter.read(np.array([[3, 1, 2]]))
    assert memory.shape == (1, 3, 10)
    np.testing.assert_array_equal(memory[0, :, 6:], tf.gather(sorter.embedding, [3, 1, 2]))
    assert sorter.W_query.shape == (6, 10)


def test_coverage_is_one_learned_vector():
    with_it, without = PointerSorter(6, coverage=True), PointerSorter(6, coverage=False)
    assert len(with_it.trainable_variables) == len(without.trainable_variables) + 1
    assert with_it.u_used.shape == (6,)


def test_a_pointer_learns_the_order_of_three_numbers():
    sorter = PointerSorter(units=16)
    report = train(
        sorter,
        sorter.loss,
        lambda rng: tasks.float_sorting(64, 3, rng),
        steps=250,
        learning_rate=0.01,
        clip_norm=1.0,
    )
    x, y = tasks.float_sorting(500, 3, np.random.default_rng(10**6))
    assert report.losses[-20:].mean() < 0.1
    assert exact_match(sorter.point(x), y) > 0.9


def test_one_sorter_takes_sequences_of_several_lengths():
    tokens, numbers = TokenSorter(9, units=6, embedding=4), PointerSorter(units=6)
    for length in (3, 5, 4):
        assert tokens.sort(np.zeros((2, length), int)).shape == (2, length)
        assert numbers.point(np.zeros((2, length), np.float32)).shape == (2, length)
