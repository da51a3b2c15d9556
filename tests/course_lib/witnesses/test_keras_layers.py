"""Against the recurrent layers of Keras 3."""

import numpy as np
import pytest
from hypothesis import given

from course_lib import dynamic_rnn, from_keras, tf, to_keras
from tests.course_lib.witness import (
    assert_agreement,
    error,
    fixed_problem,
    measure,
    random_cell,
    random_state,
    random_tensor,
    sequence_problems,
    weights_of,
    with_broken_gate,
)

KINDS = ["rnn", "lstm", "gru", "gru_reset_after"]


def compare(kind, p, cell=None, layer=None):
    cell = cell or random_cell(kind, p)
    layer = layer or to_keras(cell)
    x, state = random_tensor(p, p["B"], p["T"], p["D"]), random_state(cell, p)
    loss_weights = [random_tensor(p, p["B"], p["T"], p["H"])] + [
        random_tensor(p, p["B"], p["H"]) for _ in tf.nest.flatten(state)
    ]
    lengths = [p["T"]] * p["B"] if p["lengths"] is None else p["lengths"]
    mask = tf.sequence_mask(lengths, p["T"])
    # Past a sequence's end Keras repeats the last output where the seeds' function gives zeros.
    alive = tf.cast(mask[:, :, tf.newaxis], p["dtype"])

    def theirs():
        # Keras orders the states of an LSTM h, c.
        start = [state.h, state.c] if kind == "lstm" else [state]
        outputs, *last = layer(x, initial_state=start, mask=mask)
        return outputs * alive, *reversed(last)

    starts = [x, *tf.nest.flatten(state)]
    assert_agreement(
        measure(
            lambda: dynamic_rnn(cell, x, state, lengths), starts + weights_of(cell), loss_weights
        ),
        measure(theirs, starts + [v.value for v in layer.trainable_variables], loss_weights),
        p["dtype"],
    )


@pytest.mark.parametrize("kind", KINDS)
@given(p=sequence_problems())
def test_a_layer_agrees_forward_and_backward(kind, p):
    compare(kind, p)


@pytest.mark.parametrize(
    ("kind", "gate"),
    [("lstm", g) for g in range(4)]
    + [(kind, g) for kind in ("gru", "gru_reset_after") for g in range(3)],
)
def test_a_broken_gate_fails_the_comparison(kind, gate):
    cell = random_cell(kind, fixed_problem())
    layer = to_keras(cell)
    compare(kind, fixed_problem(1), cell, layer)
    with pytest.raises(AssertionError):
        compare(kind, fixed_problem(1), with_broken_gate(cell, gate), layer)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_survive_the_way_there_and_back(kind):
    cell = random_cell(kind, fixed_problem())
    again = from_keras(to_keras(cell))
    assert type(again) is type(cell)
    for a, b in zip(weights_of(again), weights_of(cell), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_layer_normalised_step_uses_keras_normalisation():
    from course_lib import layer_norm, layer_norm_tf
    from course_lib.cells.layer_norm import EPSILON

    a = np.random.default_rng(0).normal(3, 2, (4, 5)).astype(np.float32)
    theirs = tf.keras.layers.LayerNormalization(epsilon=EPSILON)(a)
    assert error(layer_norm(a), theirs) < 1e-5
    assert error(layer_norm_tf(tf.constant(a)), theirs) < 1e-5


def test_what_has_no_counterpart_is_refused():
    with pytest.raises(TypeError, match=r"cell: is a PeepholeLSTMCell, for which Keras has no"):
        to_keras(random_cell("peephole", fixed_problem()))
    with pytest.raises(TypeError, match=r"layer: is a Dense, expected SimpleRNN, LSTM or GRU"):
        from_keras(tf.keras.layers.Dense(3))
    with pytest.raises(TypeError, match=r"layer: activations are"):
        from_keras(tf.keras.layers.LSTM(3, activation="relu"))
    with pytest.raises(ValueError, match=r"layer: has no kernel"):
        from_keras(tf.keras.layers.LSTM(3))
