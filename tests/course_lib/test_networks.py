"""The networks made of the parts: they learn what they are for."""

import numpy as np
import pytest

from course_lib import (
    SequenceClassifier,
    add_equals_concat,
    tasks,
    tf,
    train,
)
from course_lib.shapes import ShapeError
from course_lib.text import one_hot_bytes


def test_two_projections_added_are_one_of_both(rng):
    fw, bw = rng.standard_normal((3, 5)), rng.standard_normal((3, 4))
    added, joined = add_equals_concat(
        fw, bw, rng.standard_normal((5, 2)), rng.standard_normal((4, 2)), rng.standard_normal(2)
    )
    np.testing.assert_allclose(added, joined, atol=1e-12)
    with pytest.raises(ShapeError, match=r"W_bw: classes is 3, expected 2"):
        add_equals_concat(fw, bw, np.ones((5, 2)), np.ones((4, 3)), np.ones(2))


def test_the_classifier_sees_all_of_a_sequence_and_none_of_its_padding(rng):
    classifier = SequenceClassifier(classes=3, input_size=2, units=4)
    x = tf.constant(rng.standard_normal((1, 6, 2)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = tf.reduce_sum(classifier(x, [4]) ** 2)
    reached = np.abs(tape.gradient(out, x).numpy()[0]).sum(axis=1) > 0
    assert reached.tolist() == [True] * 4 + [False] * 2


def test_byte_classes_are_told_apart_on_fresh_texts():
    classifier = SequenceClassifier(classes=4, input_size=128, units=24)

    def batch(rng):
        x, y = tasks.byte_classes(64, 32, rng)
        return one_hot_bytes(x), y

    train(classifier, classifier.loss, batch, steps=200, learning_rate=0.03)
    x, y = tasks.byte_classes(500, 32, np.random.default_rng(10**6))
    right = np.argmax(classifier(one_hot_bytes(x)), axis=1) == y
    assert right.mean() > 0.9
