"""The slide's classifier repaired, and the experiments on what a slice has read."""

import numpy as np
import pytest

from course_lib import GRUCell, byte_classes, classify_bytes, tf
from course_lib.whole_texts import headed_texts, letter_count_accuracy, read_texts


@pytest.fixture
def network(rng):
    cells = GRUCell(4, 128, seed=1), GRUCell(5, 128, seed=2)
    return *cells, tf.constant(rng.normal(size=(9, 4)), tf.float32), tf.zeros(4)


def test_padding_does_not_change_the_logits(network):
    texts = np.array([[97, 98, 99, 32, 32], [97, 98, 99, 1, 2]])
    short = classify_bytes(texts[:1, :3], [3], *network)
    padded = classify_bytes(texts, [3, 3], *network)
    np.testing.assert_allclose(padded, np.repeat(short, 2, axis=0), atol=1e-6)


def test_a_byte_over_127_is_refused_also_inside_a_graph(network):
    texts, lengths = tf.constant([[97, 200]]), tf.constant([2])
    for run in (classify_bytes, tf.function(classify_bytes)):
        with pytest.raises(tf.errors.InvalidArgumentError):
            run(texts, lengths, *network)


def test_the_class_of_a_headed_text_shows_in_its_head_only():
    x, y = headed_texts(200, 30, 10, np.random.default_rng(0))
    head, same = byte_classes(200, 10, np.random.default_rng(0))
    np.testing.assert_array_equal(x[:, :10], head)
    np.testing.assert_array_equal(y, same)
    assert x.max() < 128


def test_counting_letters_is_guessing():
    def texts(batch, rng):
        return byte_classes(batch, 48, rng)

    assert letter_count_accuracy(texts, np.random.default_rng(0)) == pytest.approx(0.25, abs=0.07)


def test_the_wrong_column_has_read_one_character_however_long_it_was_trained():
    def texts(batch, rng):
        return byte_classes(batch, 12, rng)

    for column, read in ((0, 12), (-1, 1)):
        reading = read_texts(texts, column, updates=5, units=4, every=5)
        assert np.count_nonzero(reading.reads_bw) == read
        assert np.count_nonzero(reading.reads_fw) == 12
        assert len(reading.steps) == len(reading.accuracies) == 2
