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


def test_the_projections_of_the_slide_are_one_of_both_words(rng):
    fw, bw = rng.standard_normal((3, 5)), rng.standard_normal((3, 4))
    shapes = {"W_fw": (5, 6), "b_fw": 6, "W_bw": (4, 6), "b_bw": 6, "W_out": (6, 2), "b_out": 2}
    p = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    W, b = add_equals_concat(**p)
    added = fw @ p["W_fw"] + p["b_fw"] + bw @ p["W_bw"] + p["b_bw"]
    np.testing.assert_allclose(
        np.concatenate([fw, bw], axis=1) @ W + b, added @ p["W_out"] + p["b_out"], atol=1e-12
    )
    with pytest.raises(ShapeError, match=r"W_bw: middle is 3, expected 6"):
        add_equals_concat(**{**p, "W_bw": np.ones((4, 3))})


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
