"""What counts in a padded batch."""

import numpy as np
import pytest
from hypothesis import given

from course_lib import last_relevant, masked_mean, sequence_mask, tf
from course_lib.shapes import DTypeError, LengthError, ShapeError
from tests.course_lib.witness import error, sequence_problems


@given(sequence_problems())
def test_all_three_agree_with_a_loop_in_both_libraries(p):
    rng, T = p["rng"], p["T"]
    lengths = np.array(p["lengths"] or [T] * p["B"])
    mask = np.array([[t < n for t in range(T)] for n in lengths])
    np.testing.assert_array_equal(sequence_mask(lengths, T), mask)
    np.testing.assert_array_equal(sequence_mask(tf.constant(lengths), T), mask)

    loss = rng.standard_normal((p["B"], T))
    if mask.any():
        mean = np.mean([loss[b, t] for b, n in enumerate(lengths) for t in range(n)])
        assert error(masked_mean(loss, lengths), mean) < 1e-12
        assert error(masked_mean(tf.constant(loss), lengths), mean) < 1e-12

    lengths = np.maximum(lengths, 1)
    outputs = rng.standard_normal((p["B"], T, p["H"]))
    last = np.array([outputs[b, n - 1] for b, n in enumerate(lengths)])
    np.testing.assert_array_equal(last_relevant(outputs, lengths), last)
    np.testing.assert_array_equal(last_relevant(tf.constant(outputs), tf.constant(lengths)), last)


def test_the_mask_is_tensorflow_s():
    lengths = tf.constant([0, 2, 4])
    np.testing.assert_array_equal(sequence_mask(lengths, 4), tf.sequence_mask(lengths, 4))


def test_padding_may_hold_nan_and_gets_no_gradient():
    loss = tf.constant([[1.0, np.nan], [3.0, 5.0]])
    with tf.GradientTape() as tape:
        tape.watch(loss)
        mean = masked_mean(loss, [1, 2])
    assert float(mean) == 3.0
    assert float(masked_mean(loss.numpy(), [1, 2])) == 3.0
    assert error(tape.gradient(mean, loss), [[1 / 3, 0], [1 / 3, 1 / 3]]) < 1e-6


def test_they_work_in_a_graph_with_unknown_sizes():
    @tf.function(input_signature=[tf.TensorSpec([None, None, 1]), tf.TensorSpec([None], tf.int32)])
    def run(x, lengths):
        mask = sequence_mask(lengths, tf.shape(x)[1])
        return mask, masked_mean(x[:, :, 0], lengths), last_relevant(x, lengths)

    x = np.arange(6.0).reshape(2, 3, 1)
    mask, mean, last = run(tf.constant(x, tf.float32), tf.constant([1, 3]))
    assert mask.numpy().sum() == 4
    assert float(mean) == 3.0
    assert last.numpy().ravel().tolist() == [0, 5]


def test_float32_losses_stay_float32():
    assert masked_mean(np.ones((2, 3), np.float32), [1, 2]).dtype == np.float32


@pytest.mark.parametrize("kind", [np.array, tf.constant])
def test_bad_lengths_are_named(kind):
    with pytest.raises(LengthError, match=r"sequence 1 of the batch has length 4"):
        sequence_mask(kind([1, 4]), 3)
    with pytest.raises(LengthError, match=r"sequence 0 of the batch has length -1"):
        masked_mean(np.ones((2, 3)), kind([-1, 2]))
    with pytest.raises(LengthError, match=r"sequence 0 .* has length 0, expected at least 1"):
        last_relevant(np.ones((2, 3, 4)), kind([0, 2]))
    with pytest.raises(LengthError, match=r"every sequence has length 0"):
        masked_mean(np.ones((2, 3)), kind([0, 0]))
    with pytest.raises(DTypeError, match=r"whole numbers"):
        sequence_mask(kind([1.5]), 3)


def test_bad_shapes_are_named():
    with pytest.raises(ShapeError, match=r"lengths: batch is 3, expected 2 \(loss has batch 2\)"):
        masked_mean(np.ones((2, 3)), [1, 1, 1])
    with pytest.raises(ShapeError, match=r"outputs: has 2 axes"):
        last_relevant(np.ones((2, 3)), [1, 1])
