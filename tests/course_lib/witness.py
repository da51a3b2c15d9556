"""What the comparisons share: generated problems, cells with random weights, errors, tolerances."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from course_lib import BasicRNNCell, GRUCell, LSTMCell, PeepholeLSTMCell, tf
from course_lib.shapes import ShapeError

FORWARD = 1e-5  # float32, relative to scale, for outputs and states
GRADIENT = 1e-4  # float32, relative to scale, for gradients

sizes = st.integers(1, 5)
seeds = st.integers(0, 2**31 - 1)
dtypes = st.sampled_from([np.float32, np.float64])


@st.composite
def sequence_problems(draw: Any, shortest: int = 0) -> dict[str, Any]:
    """Sizes, lengths (sometimes none), a dtype and a generator for the numbers."""
    B, T, D, H = (draw(sizes) for _ in "BTDH")
    lengths = draw(st.none() | st.lists(st.integers(shortest, T), min_size=B, max_size=B))
    rng = np.random.default_rng(draw(seeds))
    return {"B": B, "T": T, "D": D, "H": H, "lengths": lengths, "dtype": draw(dtypes), "rng": rng}


def fixed_problem(seed: int = 0, dtype: Any = np.float32) -> dict[str, Any]:
    """One problem in which every size differs and every gate matters."""
    rng = np.random.default_rng(seed)
    return {"B": 3, "T": 6, "D": 2, "H": 4, "lengths": [6, 0, 3], "dtype": dtype, "rng": rng}


def error(ours: Any, theirs: Any) -> float:
    """The largest difference, relative to the largest entry, or to 1 if that is smaller."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max(initial=0) / max(1.0, np.abs(theirs).max(initial=0)))


def assert_agreement(ours: "Results", theirs: "Results", dtype: Any) -> None:
    """Values within 1e-5 and gradients within 1e-4 in float32, and far closer in float64."""
    exact = dtype == np.float64
    for kind, limit in (("values", FORWARD), ("gradients", GRADIENT)):
        a, b = getattr(ours, kind), getattr(theirs, kind)
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert error(one, other) < (1e-10 if exact else limit)


class Results:
    """Outputs and states, and the gradients of one scalar made from all of them."""

    def __init__(self, values: list[Any], gradients: list[Any]):
        self.values = [np.asarray(v) for v in values]
        self.gradients = [np.asarray(g) for g in gradients]


def measure(forward: Callable[[], Any], sources: list[Any], loss_weights: list[Any]) -> Results:
    """Run `forward`, weigh everything it returns into one loss, and differentiate that."""
    with tf.GradientTape() as tape:
        tape.watch(sources)
        values = tf.nest.flatten(forward())
        loss = tf.add_n([tf.reduce_sum(v * w) for v, w in zip(values, loss_weights, strict=False)])
    gradients = tape.gradient(loss, sources, unconnected_gradients="zero")
    return Results(values, gradients)


def random_cell(kind: str, p: dict[str, Any]) -> Any:
    """A cell of the given kind with random weights everywhere, biases included."""
    rng, D, H = p["rng"], p["D"], p["H"]

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.7, shape).astype(p["dtype"])

    match kind:
        case "rnn":
            return BasicRNNCell.from_weights(draw(D, H), draw(H, H), draw(H))
        case "lstm":
            return LSTMCell.from_weights(draw(D, 4 * H), draw(H, 4 * H), draw(4 * H))
        case "peephole":
            return PeepholeLSTMCell.from_weights(
                draw(D, 4 * H), draw(H, 4 * H), draw(4 * H), draw(3, H)
            )
        case "gru":
            return GRUCell.from_weights(draw(D, 3 * H), draw(H, 3 * H), draw(3 * H), False)
        case "gru_reset_after":
            return GRUCell.from_weights(draw(D, 3 * H), draw(H, 3 * H), draw(2, 3 * H), True)
        case _:
            raise ShapeError(kind)


def random_state(cell: Any, p: dict[str, Any]) -> Any:
    """A state of random numbers with the structure that the cell wants."""
    return tf.nest.map_structure(
        lambda size: tf.constant(p["rng"].normal(0, 0.7, (p["B"], size)).astype(p["dtype"])),
        cell.state_size,
    )


def random_tensor(p: dict[str, Any], *shape: int) -> Any:
    """Normal numbers in the problem's dtype."""
    return tf.constant(p["rng"].standard_normal(shape).astype(p["dtype"]))


def weights_of(cell: Any) -> list[Any]:
    """The cell's variables in the order in which `from_weights` takes them."""
    if isinstance(cell, BasicRNNCell):
        return [cell.Wx, cell.Wh, cell.b]
    peepholes = [cell.peepholes] if isinstance(cell, PeepholeLSTMCell) else []
    return [cell.kernel, cell.recurrent_kernel, cell.bias, *peepholes]


def with_broken_gate(cell: Any, gate: int) -> Any:
    """The same cell with one gate stuck half open (or its candidate at 0)."""
    columns = slice(gate * cell.units, (gate + 1) * cell.units)
    for variable in (cell.kernel, cell.recurrent_kernel, cell.bias):
        array = variable.numpy()
        array[..., columns] = 0
        variable.assign(array)
    return cell
