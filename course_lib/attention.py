"""Attention: a decoder looks back at everything the encoder has read.

scores[b, q, k]   how well query q fits key k
weights           softmax of the scores over the keys that are there
context[b, q]     sum_k weights[b, q, k] v[b, k]
"""

from typing import Any

from course_lib.quiet import tf
from course_lib.shapes import check_shape


def masked_softmax(scores: Any, mask: Any = None) -> Any:
    """Softmax over the last axis, among the entries that the mask allows.

    The others get exactly 0, whatever their scores; they are left out *before* the softmax, so that
    the rest sums to 1. Scores of any size are safe: the largest is taken off first.

    Args:
        scores: `(..., K)`.
        mask: booleans that broadcast to the scores; True where there is something to attend to.

    Returns:
        A tensor like `scores`. Where the mask allows nothing, zeros.

    >>> masked_softmax([[1.0, 1.0, 5.0]], [[True, True, False]]).numpy()
    array([[0.5, 0.5, 0. ]], dtype=float32)
    """
    scores = tf.convert_to_tensor(scores)
    if mask is None:
        return tf.nn.softmax(scores)
    mask = tf.broadcast_to(tf.cast(mask, tf.bool), tf.shape(scores))
    lowest = tf.fill(tf.shape(scores), scores.dtype.min)
    allowed = tf.where(mask, scores, lowest)
    top = tf.stop_gradient(tf.reduce_max(allowed, axis=-1, keepdims=True))
    # Masked scores are replaced by the top one before exp: 0 * inf would be NaN in the gradient.
    powers = tf.where(mask, tf.exp(tf.where(mask, scores, top) - top), tf.zeros_like(scores))
    total = tf.reduce_sum(powers, axis=-1, keepdims=True)
    return powers / tf.where(total > 0, total, tf.ones_like(total))


def dot_attention(q: Any, k: Any, v: Any, mask: Any = None) -> tuple[Any, Any]:
    """Scaled dot products as scores: `q . k / sqrt(features)`.

    Without the scale, scores grow with the number of features and the softmax becomes a hard choice
    that passes no gradient.

    Args:
        q: queries, `(B, Q, D)`.
        k: keys, `(B, K, D)`.
        v: values, `(B, K, V)`.
        mask: which keys are there, `(B, K)` booleans; all by default.

    Returns:
        Contexts, `(B, Q, V)`, and weights, `(B, Q, K)`, which sum to 1 over the keys.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    Source: Luong, Pham and Manning 2015, eq. 7 and 8; the scale is Vaswani et al. 2017, eq. 1.

    >>> context, weights = dot_attention(tf.ones([2, 3, 4]), tf.ones([2, 5, 4]), tf.ones([2, 5, 6]))
    >>> context.shape.as_list(), weights.shape.as_list()
    ([2, 3, 6], [2, 3, 5])
    """
    q, k, v = (tf.convert_to_tensor(part) for part in (q, k, v))
    _check(q, k, v, mask)
    check_shape("k", k, ("batch", "keys", "features"), features=(q.shape[2], "the features of q"))
    scale = tf.sqrt(tf.cast(tf.shape(q)[2], q.dtype))
    return _attend(tf.matmul(q, k, transpose_b=True) / scale, v, mask)


def additive_scores(q: Any, k: Any, W_q: Any, W_k: Any, v_a: Any) -> Any:
    """`v_a . tanh(q W_q + k W_k)` for every pair of query and key.

    Args:
        q: `(B, Q, D)`.
        k: `(B, K, E)`.
        W_q, W_k: `(D, A)` and `(E, A)`.
        v_a: `(A,)`.

    Returns:
        Scores, `(B, Q, K)`.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    Source: Bahdanau, Cho and Bengio 2015, section A.1.2.

    >>> additive_scores(tf.ones([2, 3, 4]), tf.ones([2, 5, 6]), tf.ones([4, 7]), tf.ones([6, 7]),
    ...                 tf.ones(7)).shape.as_list()
    [2, 3, 5]
    """
    q, k, W_q, W_k, v_a = (tf.convert_to_tensor(part) for part in (q, k, W_q, W_k, v_a))
    batch, _, features = check_shape("q", q, ("batch", "queries", "features"))
    _, _, key_features = check_shape(
        "k", k, ("batch", "keys", "features"), batch=(batch, f"q has batch {batch}")
    )
    (size,) = check_shape("v_a", v_a, ("attention",))
    why = (size, f"v_a has attention {size}")
    check_shape("W_q", W_q, ("features", "attention"), features=features, attention=why)
    check_shape("W_k", W_k, ("features", "attention"), features=key_features, attention=why)
    # Every query meets every key: (B, Q, 1, A) + (B, 1, K, A).
    pairs = tf.tanh((q @ W_q)[:, :, tf.newaxis] + (k @ W_k)[:, tf.newaxis])
    return tf.reduce_sum(pairs * v_a, axis=3)


def additive_attention(
    q: Any, k: Any, v: Any, W_q: Any, W_k: Any, v_a: Any, mask: Any = None
) -> tuple[Any, Any]:
    """A small network as scores; queries and keys may differ in size.

    Args:
        q: queries, `(B, Q, D)`.
        k: keys, `(B, K, E)`.
        v: values, `(B, K, V)`.
        W_q, W_k, v_a: as in `additive_scores`.
        mask: which keys are there, `(B, K)` booleans; all by default.

    Returns:
        Contexts, `(B, Q, V)`, and weights, `(B, Q, K)`.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    Source: Bahdanau, Cho and Bengio 2015, section 3.1.

    >>> q, k, v = tf.ones([2, 3, 4]), tf.ones([2, 5, 6]), tf.ones([2, 5, 8])
    >>> context, _ = additive_attention(q, k, v, tf.ones([4, 7]), tf.ones([6, 7]), tf.ones(7))
    >>> context.shape.as_list()
    [2, 3, 8]
    """
    q, k, v = (tf.convert_to_tensor(part) for part in (q, k, v))
    _check(q, k, v, mask)
    return _attend(additive_scores(q, k, W_q, W_k, v_a), v, mask)


def pointer_logits(scores: Any, mask: Any) -> Any:
    """Scores as logits over the places of the input: the weights themselves are the answer.

    Args:
        scores: `(B, Q, K)` or `(B, K)`.
        mask: booleans that broadcast to the scores; False where nobody may point.

    Returns:
        Logits like `scores`, very negative where the mask is False. A finite number, because minus
        infinity makes the loss NaN where a target stands on a masked place.

    Source: Vinyals, Fortunato and Jaitly 2015 (Pointer Networks), section 2.3.

    >>> logits = pointer_logits([[1.0, 2.0, 3.0]], [[True, True, False]])
    >>> int(tf.argmax(logits, axis=1)[0]), bool(tf.math.is_finite(logits[0, 2]))
    (1, True)
    """
    scores = tf.convert_to_tensor(scores)
    return tf.where(tf.cast(mask, tf.bool), scores, tf.cast(-1e9, scores.dtype))


def _check(q: Any, k: Any, v: Any, mask: Any) -> None:
    batch, _, _ = check_shape("q", q, ("batch", "queries", "features"))
    of_q = (batch, f"q has batch {batch}")
    _, keys, _ = check_shape("k", k, ("batch", "keys", "features"), batch=of_q)
    of_k = (keys, f"k has keys {keys}")
    check_shape("v", v, ("batch", "keys", "values"), batch=of_q, keys=of_k)
    if mask is not None:
        check_shape("mask", mask, ("batch", "keys"), batch=of_q, keys=of_k)


def _attend(scores: Any, v: Any, mask: Any) -> tuple[Any, Any]:
    if mask is not None:
        mask = tf.convert_to_tensor(mask)[:, tf.newaxis]  # the same keys for every query
    weights = masked_softmax(scores, mask)
    return tf.matmul(weights, v), weights
