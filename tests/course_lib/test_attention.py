"""Looking back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import (
    additive_attention,
    dot_attention,
    masked_softmax,
    pointer_logits,
    tf,
)
from course_lib.shapes import ShapeError
from tests.course_lib.witness import error, seeds, sizes


@given(sizes, sizes, seeds, st.floats(0, 50))
def test_the_softmax_is_that_of_the_allowed_entries_alone(B, K, seed, spread):
    rng = np.random.default_rng(seed)
    scores, mask = rng.normal(0, spread, (B, K)), rng.random((B, K)) < 0.6
    ours = masked_softmax(scores, mask).numpy()
    for row, allowed, weights in zip(scores, mask, ours, strict=True):
        assert not weights[~allowed].any()
        if allowed.any():
            kept = np.exp(row[allowed] - row[allowed].max())
            np.testing.assert_allclose(weights[allowed], kept / kept.sum(), atol=1e-12)


def test_masked_scores_of_any_size_leave_values_and_gradients_finite():
    scores = tf.constant([[1e30, 1.0, -1e30], [np.inf, 0.0, 0.0], [5.0, 5.0, 5.0]])
    mask = tf.constant([[False, True, True], [False, True, True], [False, False, False]])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        weights = masked_softmax(scores, mask)
        loss = tf.reduce_sum(weights * [[1.0, 2.0, 3.0]])
    np.testing.assert_allclose(weights, [[0, 1, 0], [0, 0.5, 0.5], [0, 0, 0]])
    assert np.isfinite(tape.gradient(loss, scores)).all()


@given(sizes, sizes, sizes, sizes, seeds)
def test_both_attentions_agree_with_loops(B, Q, K, D, seed):
    rng = np.random.default_rng(seed)
    q, k, v = (rng.standard_normal(s) for s in ((B, Q, D), (B, K, D), (B, K, 3)))
    mask = rng.random((B, K)) < 0.7
    mask[:, 0] = True
    W_q, W_k, v_a = (rng.standard_normal(s) for s in ((D, 4), (D, 4), (4,)))

    def by_loops(score):
        context, weights = np.zeros((B, Q, 3)), np.zeros((B, Q, K))
        for b in range(B):
            for n in range(Q):
                powers = np.array([np.exp(score(q[b, n], k[b, j])) * mask[b, j] for j in range(K)])
                weights[b, n] = powers / powers.sum()
                context[b, n] = weights[b, n] @ v[b]
        return context, weights

    dot = by_loops(lambda a, b: a @ b / np.sqrt(D))
    additive = by_loops(lambda a, b: v_a @ np.tanh(a @ W_q + b @ W_k))
    for ours, theirs in zip(dot_attention(q, k, v, mask), dot, strict=True):
        assert error(ours, theirs) < 1e-10
    for ours, theirs in zip(
        additive_attention(q, k, v, W_q, W_k, v_a, mask), additive, strict=True
    ):
        assert error(ours, theirs) < 1e-10


def test_keras_attention_is_the_same():
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal(s).astype("f") for s in ((2, 3, 4), (2, 5, 4), (2, 5, 6)))
    ours, weights = dot_attention(q, k, v)
    # Keras' layer has no scale of its own: it is put into the queries.
    layer = tf.keras.layers.Attention()
    theirs, their_weights = layer([q / 2, v, k], return_attention_scores=True)
    assert error(ours, theirs) < 1e-5
    assert error(weights, their_weights) < 1e-5


def test_nobody_points_at_a_masked_place_and_the_loss_stays_finite():
    logits = pointer_logits([[9.0, 1.0, 2.0]], [[False, True, True]])
    assert int(tf.argmax(logits, axis=1)[0]) == 2
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0], logits=logits)
    assert np.isfinite(loss).all()


def test_bad_shapes_are_named():
    q, k, v = np.ones((2, 3, 4)), np.ones((2, 5, 4)), np.ones((2, 5, 6))
    with pytest.raises(ShapeError, match=r"k: features is 3, expected 4 \(the features of q\)"):
        dot_attention(q, k[:, :, :3], v)
    with pytest.raises(ShapeError, match=r"v: keys is 4, expected 5 \(k has keys 5\)"):
        dot_attention(q, k, v[:, :4])
    with pytest.raises(ShapeError, match=r"mask: keys is 3, expected 5"):
        dot_attention(q, k, v, np.ones((2, 3), bool))
    with pytest.raises(ShapeError, match=r"W_k: features is 3, expected 4"):
        additive_attention(q, k, v, np.ones((4, 7)), np.ones((3, 7)), np.ones(7))
