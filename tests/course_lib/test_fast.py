"""The fast paths agree with the readable one."""

import numpy as np
import pytest
from hypothesis import given

from course_lib import dynamic_rnn, fast_gru, fast_lstm, fast_rnn, tf
from course_lib.shapes import ShapeError
from tests.course_lib.witness import (
    assert_agreement,
    fixed_problem,
    measure,
    random_cell,
    random_state,
    random_tensor,
    sequence_problems,
    weights_of,
    with_broken_gate,
)

FAST = {"lstm": fast_lstm, "gru_reset_after": fast_gru, "rnn": fast_rnn}


def compare(kind, p, cell=None, witness=None, compiled=False):
    cell = cell or random_cell(kind, p)
    witness = witness or cell
    x, state = random_tensor(p, p["B"], p["T"], p["D"]), random_state(cell, p)
    starts = [x, *tf.nest.flatten(state)]
    loss_weights = [random_tensor(p, p["B"], p["T"], p["H"])] + [
        random_tensor(p, p["B"], p["H"]) for _ in starts[1:]
    ]

    def fast():
        return FAST[kind](x, state, *weights_of(cell))

    assert_agreement(
        measure(
            tf.function(fast, jit_compile=True) if compiled else fast,
            starts + weights_of(cell),
            loss_weights,
        ),
        measure(lambda: dynamic_rnn(witness, x, state), starts + weights_of(witness), loss_weights),
        p["dtype"],
    )


@pytest.mark.parametrize("kind", FAST)
@given(p=sequence_problems())
def test_values_and_gradients_are_those_of_dynamic_rnn(kind, p):
    compare(kind, p)


@pytest.mark.parametrize("kind", FAST)
def test_they_are_also_when_compiled(kind):
    compare(kind, fixed_problem(), compiled=True)


@pytest.mark.parametrize(
    ("kind", "gate"), [("lstm", g) for g in range(4)] + [("gru_reset_after", g) for g in range(3)]
)
def test_a_broken_gate_fails_the_comparison(kind, gate):
    whole = random_cell(kind, fixed_problem())
    broken = type(whole).from_weights(*[w.numpy() for w in weights_of(whole)])
    with pytest.raises(AssertionError):
        compare(kind, fixed_problem(1), cell=with_broken_gate(broken, gate), witness=whole)


@pytest.mark.parametrize("kind", FAST)
def test_bad_arguments_are_named(kind):
    cell = random_cell(kind, fixed_problem())
    zero, weights = cell.zero_state(3), weights_of(cell)
    with pytest.raises(ShapeError, match=r"x: features is 5, expected 2"):
        FAST[kind](np.ones((3, 6, 5), np.float32), zero, *weights)
    with pytest.raises(ShapeError, match=r"h: batch is 3, expected 4"):
        FAST[kind](np.ones((4, 6, 2), np.float32), zero, *weights)

    @tf.function(input_signature=[tf.TensorSpec([3, None, 2])])
    def traced(x):
        return FAST[kind](x, zero, *weights)[0]

    with pytest.raises(ShapeError, match=r"x: time is unknown"):
        traced.get_concrete_function()
