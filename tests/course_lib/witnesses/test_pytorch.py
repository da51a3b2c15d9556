"""Against PyTorch, where it is installed: an optional witness, outside the lock.

On Linux a plain `pip install torch` takes several gigabytes of CUDA packages; the CPU build comes
from PyTorch's own index.
"""

import numpy as np
import pytest
from hypothesis import given

from course_lib import bidirectional_dynamic_rnn, dynamic_rnn, tf
from course_lib.layouts import (
    gru_from_torch,
    gru_to_torch,
    lstm_from_torch,
    lstm_to_torch,
    rnn_from_torch,
    rnn_to_torch,
)
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

torch = pytest.importorskip("torch", reason="PyTorch is an optional witness")

KINDS = ["rnn", "lstm", "gru_reset_after"]
LAYERS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru_reset_after": torch.nn.GRU}
TO_TORCH = {"rnn": rnn_to_torch, "lstm": lstm_to_torch, "gru_reset_after": gru_to_torch}
FROM_TORCH = {"rnn": rnn_from_torch, "lstm": lstm_from_torch, "gru_reset_after": gru_from_torch}


def torch_results(kind, cells, x, states, loss_weights, lengths):
    """PyTorch's values and gradients; two cells make a bidirectional layer."""
    dtype = torch.float64 if x.dtype == tf.float64 else torch.float32
    both = len(cells) == 2
    layer = LAYERS[kind](
        cells[0].input_size, cells[0].units, batch_first=True, bidirectional=both, dtype=dtype
    )
    with torch.no_grad():
        for cell, suffix in zip(cells, ("_l0", "_l0_reverse"), strict=False):
            for name, value in TO_TORCH[kind](*[w.numpy() for w in weights_of(cell)]).items():
                getattr(layer, name + suffix).copy_(torch.tensor(value))

    def leaf(tensor):
        return torch.tensor(np.asarray(tensor)).requires_grad_()

    x = leaf(x)
    parts = [[leaf(part) for part in tf.nest.flatten(state)] for state in states]
    # The state of an LSTM is (h, c) in PyTorch; the first axis counts directions.
    start = [torch.stack(column) for column in zip(*parts, strict=True)]
    start = (start[1], start[0]) if kind == "lstm" else start[0]
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        x, torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    outputs, last = layer(packed, start)
    outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(
        outputs, batch_first=True, total_length=x.shape[1]
    )
    last = [last[1], last[0]] if kind == "lstm" else [last]
    values = list(outputs.chunk(len(cells), dim=2))
    values += [part[k] for k in range(len(cells)) for part in last]
    sum(
        (v * torch.tensor(np.asarray(w))).sum() for v, w in zip(values, loss_weights, strict=True)
    ).backward()
    gradients = [x.grad] + [part.grad for state in parts for part in state]
    for _, suffix in zip(cells, ("_l0", "_l0_reverse"), strict=False):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        found = {name: getattr(layer, name + suffix).grad.numpy() for name in names}
        # Where a course cell has one bias, either of PyTorch's two has the same gradient.
        if kind != "gru_reset_after":
            found["bias_hh"] = np.zeros_like(found["bias_hh"])
        gradients += FROM_TORCH[kind](found)
    return Results([v.detach() for v in values], gradients)


def compare(kind, p, directions=1, cells=None, witness=None):
    cells = cells or [random_cell(kind, p) for _ in range(directions)]
    lengths = [p["T"]] * p["B"] if p["lengths"] is None else p["lengths"]
    states = [random_state(cell, p) for cell in cells]
    x = random_tensor(p, p["B"], p["T"], p["D"])
    loss_weights = [random_tensor(p, p["B"], p["T"], p["H"]) for _ in cells] + [
        random_tensor(p, p["B"], p["H"]) for _ in tf.nest.flatten(states)
    ]

    def ours():
        if len(cells) == 1:
            return dynamic_rnn(cells[0], x, states[0], lengths)
        return bidirectional_dynamic_rnn(*cells, x, *states, sequence_length=lengths)

    sources = [x, *tf.nest.flatten(states)] + [w for cell in cells for w in weights_of(cell)]
    assert_agreement(
        measure(ours, sources, loss_weights),
        torch_results(kind, witness or cells, x, states, loss_weights, lengths),
        p["dtype"],
    )


@pytest.mark.parametrize("kind", KINDS)
@given(p=sequence_problems(shortest=1))
def test_a_layer_agrees_forward_and_backward(kind, p):
    compare(kind, p)


@pytest.mark.parametrize("kind", KINDS)
@given(p=sequence_problems(shortest=1))
def test_a_bidirectional_layer_agrees_forward_and_backward(kind, p):
    compare(kind, p, directions=2)


@pytest.mark.parametrize(
    ("kind", "gate"), [("lstm", g) for g in range(4)] + [("gru_reset_after", g) for g in range(3)]
)
def test_a_broken_gate_fails_the_comparison(kind, gate):
    p = fixed_problem() | {"lengths": [6, 1, 3]}
    whole = random_cell(kind, p)
    broken = with_broken_gate(
        type(whole).from_weights(*[w.numpy() for w in weights_of(whole)]), gate
    )
    compare(kind, p, cells=[whole])
    with pytest.raises(AssertionError):
        compare(kind, p, cells=[broken], witness=[whole])
