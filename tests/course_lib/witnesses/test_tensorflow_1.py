"""Against TensorFlow 1: its legacy functions, and its legacy cells through `tf_keras`."""

import functools
import warnings

import numpy as np
import pytest
from hypothesis import given

from course_lib import (
    MultiRNNCell,
    ResidualWrapper,
    bidirectional_dynamic_rnn,
    dynamic_rnn,
    stack_outputs,
    static_rnn,
    tf,
    to_time_list,
)
from course_lib.layouts import gru_from_tf1, gru_to_tf1, lstm_from_tf1, lstm_to_tf1, split_kernel
from tests.course_lib.witness import (
    Results,
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

pytest.importorskip("tf_keras", reason="the legacy cells need tf_keras, a test-only dependency")
KINDS = ["rnn", "lstm", "peephole", "gru"]


@functools.cache
def legacy():
    """The legacy cells live at a private path, which is why their version is pinned."""
    from tf_keras.api._v1.keras.__internal__.legacy import rnn_cell

    return rnn_cell


def legacy_cell(kind, cell, forget_bias=1.0):
    """TensorFlow 1's cell with the weights of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they announce their own deprecation
        H, name = cell.units, cell.dtype.name
        match kind:
            case "rnn":
                other = legacy().BasicRNNCell(H, dtype=name)
                weights = [np.concatenate([cell.Wx, cell.Wh]), cell.b.numpy()]
            case "lstm":
                other = legacy().BasicLSTMCell(H, forget_bias=forget_bias, dtype=name)
                weights = list(lstm_to_tf1(*weights_of(cell), forget_bias))
            case "peephole":
                other = legacy().LSTMCell(H, use_peepholes=True, dtype=name)
                i, f, o = cell.peepholes.numpy()
                weights = [*lstm_to_tf1(*weights_of(cell)[:3]), f, i, o]
            case "gru":
                other = legacy().GRUCell(H, dtype=name)
                weights = list(gru_to_tf1(*weights_of(cell)))
        other.build(tf.TensorShape([None, cell.input_size]))
    for variable, value in zip(other.variables, weights, strict=True):
        variable.assign(value)
    return other


def in_our_layout(kind, gradients, hidden):
    """Gradients with respect to the legacy cell's weights, taken apart as our weights are.

    A gradient is converted like the weight it belongs to, but for the constant forget bias.
    """
    match kind:
        case "rnn":
            return [*split_kernel(gradients[0], hidden), gradients[1]]
        case "lstm":
            return list(lstm_from_tf1(*gradients, forget_bias=0))
        case "peephole":
            kernel, bias, f, i, o = gradients
            return [*lstm_from_tf1(kernel, bias, forget_bias=0), np.stack([i, f, o])]
        case "gru":
            return list(gru_from_tf1(*gradients))


def legacy_state(state):
    return legacy().LSTMStateTuple(*state) if isinstance(state, tuple) else state


def compare(kind, p, cell=None, witness=None, unroll="dynamic", time_major=False):
    """Both implementations on one problem; `cell` and `witness` differ to see the alarm work."""
    cell = cell or random_cell(kind, p)
    other = legacy_cell(kind, witness or cell)
    steps = (p["T"], p["B"]) if time_major else (p["B"], p["T"])
    x, state = random_tensor(p, *steps, p["D"]), random_state(cell, p)
    loss_weights = [random_tensor(p, *steps, p["H"])] + [
        random_tensor(p, p["B"], p["H"]) for _ in tf.nest.flatten(state)
    ]
    if unroll == "dynamic":
        options = {"sequence_length": p["lengths"], "time_major": time_major}

        def ours():
            return dynamic_rnn(cell, x, state, **options)

        def theirs():
            return tf.compat.v1.nn.dynamic_rnn(
                other, x, initial_state=legacy_state(state), **options
            )

    else:

        def ours():
            outputs, last = static_rnn(cell, to_time_list(x), state)
            return stack_outputs(outputs), last

        def theirs():
            outputs, last = tf.compat.v1.nn.static_rnn(
                other, tf.unstack(x, axis=1), initial_state=legacy_state(state)
            )
            return tf.stack(outputs, axis=1), last

    starts = [x, *tf.nest.flatten(state)]
    a = measure(ours, starts + weights_of(cell), loss_weights)
    b = measure(theirs, starts + list(other.variables), loss_weights)
    converted = in_our_layout(kind, b.gradients[len(starts) :], p["H"])
    assert_agreement(a, Results(b.values, b.gradients[: len(starts)] + converted), p["dtype"])


@pytest.mark.parametrize("kind", KINDS)
@given(p=sequence_problems())
def test_dynamic_rnn_agrees_forward_and_backward(kind, p):
    compare(kind, p)


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
@given(p=sequence_problems())
def test_static_rnn_agrees_forward_and_backward(kind, p):
    compare(kind, p, unroll="static")


@pytest.mark.parametrize("kind", KINDS)
def test_they_agree_time_major(kind):
    compare(kind, fixed_problem(), time_major=True)


@pytest.mark.parametrize(
    ("kind", "gate"), [("lstm", g) for g in range(4)] + [("gru", g) for g in range(3)]
)
def test_a_broken_gate_fails_the_comparison(kind, gate):
    p = fixed_problem()
    whole = random_cell(kind, p)
    broken = with_broken_gate(type(whole).from_weights(*_copies(whole)), gate)
    compare(kind, fixed_problem(1), cell=whole, witness=whole)
    with pytest.raises(AssertionError):
        compare(kind, fixed_problem(1), cell=broken, witness=whole)


def _copies(cell):
    reset = [cell.reset_after] if hasattr(cell, "reset_after") else []
    return [w.numpy() for w in weights_of(cell)] + reset


@pytest.mark.parametrize("forget_bias", [0.0, 1.0, 2.5])
def test_any_forget_bias_is_converted(forget_bias, rng):
    p = fixed_problem()
    cell = random_cell("lstm", p)
    x, state = random_tensor(p, p["B"], p["D"]), random_state(cell, p)
    other = legacy_cell("lstm", cell, forget_bias)
    assert_agreement(
        measure(lambda: cell(x, state), [x], [1, 1, 1]),
        measure(lambda: other(x, legacy_state(state)), [x], [1, 1, 1]),
        p["dtype"],
    )


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@given(p=sequence_problems())
def test_bidirectional_dynamic_rnn_agrees_forward_and_backward(kind, p):
    cells = [random_cell(kind, p), random_cell(kind, p)]
    others = [legacy_cell(kind, cell) for cell in cells]
    states = [random_state(cell, p) for cell in cells]
    x = random_tensor(p, p["B"], p["T"], p["D"])
    loss_weights = [random_tensor(p, p["B"], p["T"], p["H"]) for _ in range(2)] + [
        random_tensor(p, p["B"], p["H"]) for _ in tf.nest.flatten(states)
    ]
    starts = [x, *tf.nest.flatten(states)]
    ours = measure(
        lambda: bidirectional_dynamic_rnn(*cells, x, *states, sequence_length=p["lengths"]),
        starts + weights_of(cells[0]) + weights_of(cells[1]),
        loss_weights,
    )
    theirs = measure(
        lambda: tf.compat.v1.nn.bidirectional_dynamic_rnn(
            *others,
            x,
            initial_state_fw=legacy_state(states[0]),
            initial_state_bw=legacy_state(states[1]),
            sequence_length=p["lengths"],
        ),
        starts + [v for other in others for v in other.variables],
        loss_weights,
    )
    kept, count = len(starts), len(others[0].variables)
    converted = theirs.gradients[:kept]
    for first in (kept, kept + count):
        converted += in_our_layout(kind, theirs.gradients[first : first + count], p["H"])
    assert_agreement(ours, Results(theirs.values, converted), p["dtype"])


@given(p=sequence_problems())
def test_a_stack_agrees_forward_and_backward(p):
    below = random_cell("lstm", p)
    above = random_cell("lstm", p | {"D": p["H"]})
    top = ResidualWrapper(random_cell("lstm", p | {"D": p["H"]}))
    ours = MultiRNNCell([below, above, top])
    theirs = legacy().MultiRNNCell(
        [
            legacy_cell("lstm", below),
            legacy_cell("lstm", above),
            legacy().ResidualWrapper(legacy_cell("lstm", top.cell)),
        ]
    )
    x, state = random_tensor(p, p["B"], p["T"], p["D"]), random_state(ours, p)
    loss_weights = [random_tensor(p, p["B"], p["T"], p["H"])] + [1.0] * 6
    starts = [x, *tf.nest.flatten(state)]
    lengths = p["lengths"]
    assert_agreement(
        measure(lambda: dynamic_rnn(ours, x, state, lengths), starts, loss_weights),
        measure(
            lambda: tf.compat.v1.nn.dynamic_rnn(
                theirs,
                x,
                initial_state=tuple(legacy_state(s) for s in state),
                sequence_length=lengths,
            ),
            starts,
            loss_weights,
        ),
        p["dtype"],
    )
