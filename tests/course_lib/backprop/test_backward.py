"""Backward passes by hand, against finite differences and against TensorFlow's gradients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import GRUCell, LSTMCell, LSTMStateTuple, rnn_step, rnn_step_tf, static_rnn, tf
from course_lib.backprop import (
    gru_backward,
    gru_forward,
    gru_step_backward,
    gru_step_forward,
    lstm_backward,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
    numerical_gradient,
    relative_error,
    rnn_backward,
    rnn_forward,
    rnn_step_backward,
    rnn_step_forward,
)
from course_lib.shapes import ShapeError
from tests.course_lib.witness import seeds, sizes

FINITE_DIFFERENCES = 1e-7  # relative, float64: what the issue of central differences allows
OTHER_LIBRARY = 1e-10  # relative, float64


def shapes(kind, B, D, H):
    """The shapes of a step's arguments: x, the states, the weights."""
    return {
        "rnn": [(B, D), (B, H), (D, H), (H, H), (H,)],
        "lstm": [(B, D), (B, H), (B, H), (D, 4 * H), (H, 4 * H), (4 * H,)],
        "gru": [(B, D), (B, H), (D, 3 * H), (H, 3 * H), (3 * H,)],
        "gru_reset_after": [(B, D), (B, H), (D, 3 * H), (H, 3 * H), (2, 3 * H)],
    }[kind]


def forward(kind, x, *rest):
    """The results of a step, or of a sequence if x has a time axis: a list of arrays."""
    sequence = np.ndim(x) == 3
    match kind:
        case "rnn":
            return [(rnn_forward if sequence else rnn_step_forward)(x, *rest)[0]]
        case "lstm":
            if sequence:
                outputs, _, c, _ = lstm_forward(x, *rest)
                return [outputs, c]
            return list(lstm_step_forward(x, *rest)[:2])
        case _:
            run = gru_forward if sequence else gru_step_forward
            return [run(x, *rest, kind == "gru_reset_after")[0]]


def backward(kind, upstream, x, *rest):
    """The hand-written gradients of `sum(upstream * results)`."""
    sequence = np.ndim(x) == 3
    match kind:
        case "rnn":
            cache = (rnn_forward if sequence else rnn_step_forward)(x, *rest)[1]
            return (rnn_backward if sequence else rnn_step_backward)(upstream[0], cache)
        case "lstm":
            if sequence:
                cache = lstm_forward(x, *rest)[3]
                return lstm_backward(upstream[0], cache, dc=upstream[1])
            return lstm_step_backward(*upstream, lstm_step_forward(x, *rest)[2])
        case _:
            reset = kind == "gru_reset_after"
            cache = (gru_forward if sequence else gru_step_forward)(x, *rest, reset)[1]
            return (gru_backward if sequence else gru_step_backward)(upstream[0], cache)


def draw(kind, B, T, D, H, seed):
    """Arguments, and an upstream gradient for every result; T = 0 means a single step."""
    rng = np.random.default_rng(seed)
    arguments = [rng.normal(0, 0.7, shape) for shape in shapes(kind, B, D, H)]
    if T:
        arguments[0] = rng.normal(0, 0.7, (B, T, D))
    upstream = [rng.standard_normal(r.shape) for r in forward(kind, *arguments)]
    return arguments, upstream


KINDS = ["rnn", "lstm", "gru", "gru_reset_after"]
small = st.integers(1, 3)


@pytest.mark.parametrize("kind", KINDS)
@given(B=small, T=st.integers(0, 2), D=small, H=small, seed=seeds)
def test_gradients_agree_with_finite_differences(kind, B, T, D, H, seed):
    arguments, upstream = draw(kind, B, T, D, H, seed)
    gradients = backward(kind, upstream, *arguments)
    assert [g.shape for g in gradients] == [a.shape for a in arguments]
    for k, gradient in enumerate(gradients):

        def loss(value, k=k):
            results = forward(kind, *arguments[:k], value, *arguments[k + 1 :])
            return sum(np.sum(u * r) for u, r in zip(upstream, results, strict=True))

        numerical = numerical_gradient(loss, arguments[k])
        # Differences of a loss of size 1 are known to 1e-16 / 1e-5 absolutely, hence the floor.
        scale = max(1.0, np.abs(numerical).max())
        assert np.abs(gradient - numerical).max() / scale < FINITE_DIFFERENCES


@pytest.mark.parametrize("kind", KINDS)
@given(B=sizes, T=sizes, D=sizes, H=sizes, seed=seeds)
def test_gradients_agree_with_tensorflow(kind, B, T, D, H, seed):
    arguments, upstream = draw(kind, B, T, D, H, seed)
    tensors = [tf.constant(a) for a in arguments]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        results = tensorflow_forward(kind, *tensors)
        loss = tf.add_n([tf.reduce_sum(u * r) for u, r in zip(upstream, results, strict=True)])
    for ours, theirs in zip(
        backward(kind, upstream, *arguments), tape.gradient(loss, tensors), strict=True
    ):
        assert relative_error(ours, theirs) < OTHER_LIBRARY


def tensorflow_forward(kind, x, *rest):
    from course_lib import gru_step_tf, lstm_step_tf

    xs = tf.unstack(x, axis=1)
    if kind == "lstm":
        h0, c0, *weights = rest

        def step(x_t, state):
            h, c = lstm_step_tf(x_t, *state, *weights)
            return h, (h, c)

        outputs, (_, c) = static_rnn(step, xs, (h0, c0))
        return [tf.stack(outputs, axis=1), c]
    h0, *weights = rest

    def step(x_t, h):
        if kind == "rnn":
            h = rnn_step_tf(x_t, h, *weights)
        else:
            h = gru_step_tf(x_t, h, *weights, kind == "gru_reset_after")
        return h, h

    return [tf.stack(static_rnn(step, xs, h0)[0], axis=1)]


@pytest.mark.parametrize("kind", KINDS)
def test_forward_passes_agree_with_the_cells(kind):
    arguments, _ = draw(kind, 3, 4, 2, 5, seed=0)
    x, *rest = arguments
    outputs = forward(kind, *arguments)[0]
    if kind == "rnn":
        np.testing.assert_allclose(outputs[:, 0], rnn_step(x[:, 0], *rest))
    elif kind == "lstm":
        cell = LSTMCell.from_weights(*rest[2:])
        np.testing.assert_allclose(
            outputs[:, 0], cell(x[:, 0], LSTMStateTuple(h=rest[0], c=rest[1]))[0]
        )
    else:
        cell = GRUCell.from_weights(*rest[1:], reset_after=kind == "gru_reset_after")
        np.testing.assert_allclose(outputs[:, 0], cell(x[:, 0], rest[0])[0])


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_is_handed_in_is_changed(kind):
    arguments, upstream = draw(kind, 3, 4, 2, 5, seed=0)
    copies = [a.copy() for a in arguments + upstream]
    backward(kind, upstream, *arguments)
    for array, copy in zip(arguments + upstream, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_a_plain_tuple_is_a_cache_too():
    (x, h, Wx, Wh, b), (dh,) = draw("rnn", 2, 0, 3, 4, seed=0)
    cache = (x, h, rnn_step(x, h, Wx, Wh, b), Wx, Wh)
    expected = backward("rnn", [dh], x, h, Wx, Wh, b)
    for one, other in zip(rnn_step_backward(dh, cache), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_of_the_wrong_shape_is_named(kind):
    arguments, upstream = draw(kind, 3, 0, 2, 5, seed=0)
    with pytest.raises(ShapeError, match=r"dh: batch is 2, expected 3 \(the cache has batch 3\)"):
        backward(kind, [upstream[0][:2], *upstream[1:]], *arguments)
    arguments, upstream = draw(kind, 3, 4, 2, 5, seed=0)
    with pytest.raises(ShapeError, match=r"dy: time is 3, expected 4 \(there are 4 caches\)"):
        backward(kind, [upstream[0][:, :3], *upstream[1:]], *arguments)
