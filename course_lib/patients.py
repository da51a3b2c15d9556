"""Networks to be examined: readers of sequences, healthy or with one thing wrong.

    patient = admit("healthy", seed=0)
    seen = patient.read(x, lengths, states)        # outputs, states, backward outputs, attention

A reader is a stack of three LSTM layers, one LSTM that reads from the end, and weights that say how
much each step counts (attention). With "healthy" everything is as the course teaches it; each other
name of `NAMES` breaks one thing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_lib.cells.state import LSTMStateTuple

Array = np.ndarray

HEALTHY = "healthy"
NAMES = (
    "forget-gate-on-h",
    "gates-in-another-order",
    "no-bias",
    "gradient-cut",
    "shared-layers",
    "state-not-carried",
    "padding-read",
    "not-turned-back",
    "softmax-over-the-wrong-axis",
    "targets-not-shifted",
)
"""What can be wrong with a patient: one thing at a time."""

LAYERS = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """What a patient computes from a batch.

    Attributes:
        outputs: of the top layer, `(B, T, H)`; zero past a sequence's end.
        states: what each layer remembers at each sequence's own end: three `LSTMStateTuple(c, h)`
            of `(B, H)`, the bottom first.
        backward: outputs of the layer that reads from the end, `(B, T, H)`: the output at t has
            read the steps from t to the sequence's end; zero past the end.
        attention: how much each step counts, `(B, T)`: over the steps of a sequence it adds up to
            1; zero past the end.
    """

    outputs: Array
    states: tuple[LSTMStateTuple, ...]
    backward: Array
    attention: Array


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Patient:
    """A network that can be examined. It stays as it is, whatever is tried on it.

    Attributes:
        features: D, what a step of its input holds.
        units: H, of every layer.
        read: `read(x, lengths=None, states=None)` gives a `Reading`. x is `(B, T, D)`; all
            sequences have length T unless lengths, `(B,)`, say otherwise; states are three
            `LSTMStateTuple(c, h)` to begin with, by default zeros.
        gradient: `gradient(x)` gives the derivative of the sum of its outputs at the last step by
            x, `(B, T, D)`, as its training uses it.
        weights: `weights()` gives, for each of the three layers, `{"kernel": (D or H, 4H),
            "recurrent_kernel": (H, 4H), "bias": (4H,)}`, gates in the order i, f, g, o: copies.
        lesson: `lesson(ids)` gives the `(inputs, targets)` that a language model of its maker is
            trained on; ids is a series of whole numbers.
    """

    features: int
    units: int
    read: Callable[..., Reading]
    gradient: Callable[[Any], Array]
    weights: Callable[[], list[dict[str, Array]]]
    lesson: Callable[[Any], tuple[Array, Array]]


def admit(name: str, seed: int = 0, *, equal_biases: bool = False) -> Patient:
    """A patient with the trouble of that name; sizes and weights are drawn from the seed.

    Args:
        name: "healthy", or one of `NAMES`.
        seed: of sizes and weights.
        equal_biases: whether all layers happen to have the same bias, which is no trouble.

    >>> patient = admit("healthy")
    >>> seen = patient.read(np.ones((2, 5, patient.features)))
    >>> seen.outputs.shape == (2, 5, patient.units), len(seen.states)
    (True, 3)
    """
    if name != HEALTHY and name not in NAMES:
        raise ValueError(f"name: is {name!r}, expected {HEALTHY!r} or one of {', '.join(NAMES)}")
    rng = np.random.default_rng([seed, 14])
    D, H = (int(n) for n in rng.permutation([2, 3, 4, 5])[:2])
    layers = [_draw(rng, D if layer == 0 else H, H) for layer in range(LAYERS)]
    if equal_biases:
        layers = [{**layer, "bias": layers[0]["bias"]} for layer in layers]
    if name == "shared-layers":
        layers[2] = layers[1]
    from_the_end = _draw(rng, D, H)
    look_at = rng.uniform(0.5, 1.5, H) * rng.choice([-1.0, 1.0], H)

    def read(x: Any, lengths: Any = None, states: Any = None) -> Reading:
        x = np.array(x, dtype=float)
        if x.ndim != 3 or x.shape[2] != D:
            raise ValueError(f"x: shape is {x.shape}, expected (batch, time, {D})")
        B, T, _ = x.shape
        ends = np.full(B, T) if lengths is None else np.array(lengths, dtype=int)
        if ends.shape != (B,) or (ends < 1).any() or (ends > T).any():
            raise ValueError(f"lengths: expected {B} whole numbers from 1 to {T}")
        if name == "padding-read":
            ends = np.full(B, T)
        empty = LSTMStateTuple(c=np.zeros((B, H)), h=np.zeros((B, H)))
        begin = [empty] * LAYERS if states is None else [_state(s, B, H) for s in states]
        if len(begin) != LAYERS:
            raise ValueError(f"states: {len(begin)} given, expected {LAYERS}, one a layer")
        if name == "state-not-carried":
            begin = [empty] * LAYERS
        alive = np.arange(T) < ends[:, None]
        ys, after = x, []
        for layer, state in zip(layers, begin, strict=True):
            ys, state = _run(name, layer, ys, state, alive)
            after.append(state)
        places = np.where(alive, ends[:, None] - 1 - np.arange(T), np.arange(T))
        rows = np.arange(B)[:, None]
        zs, _ = _run(name, from_the_end, x[rows, places], empty, alive)
        if name != "not-turned-back":
            zs = zs[rows, places]
        axis = 0 if name == "softmax-over-the-wrong-axis" else 1
        scores = np.where(alive, np.exp((ys + zs) @ look_at), 0.0)
        total = scores.sum(axis=axis, keepdims=True)
        return Reading(ys, tuple(after), zs, scores / np.where(total == 0, 1.0, total))

    def gradient(x: Any) -> Array:
        x = np.array(x, dtype=float)
        if x.ndim != 3:
            raise ValueError(f"x: shape is {x.shape}, expected (batch, time, {D})")
        B, T, _ = x.shape
        # Each number of a sequence a little up, and a little down: rows do not meet, so all at once.
        moves = 1e-5 * np.eye(T * x.shape[2]).reshape(-1, 1, *x.shape[1:])
        up, down = (
            read((x + sign * moves).reshape(-1, *x.shape[1:])).outputs[:, -1].sum(axis=1)
            for sign in (1, -1)
        )
        found = ((up - down) / 2e-5).reshape(T, -1, B).transpose(2, 0, 1)
        if name == "gradient-cut":
            found[:, :-1] = 0
        return np.ascontiguousarray(found)

    def weights() -> list[dict[str, Array]]:
        return [{key: array.copy() for key, array in layer.items()} for layer in layers]

    def lesson(ids: Any) -> tuple[Array, Array]:
        ids = np.array(ids)
        return ids[:-1], ids[:-1].copy() if name == "targets-not-shifted" else ids[1:]

    return Patient(D, H, read, gradient, weights, lesson)


def _draw(rng: np.random.Generator, rows: int, H: int) -> dict[str, Array]:
    def away_from_zero(*shape: int) -> Array:
        return rng.uniform(0.3, 0.9, shape) * rng.choice([-1.0, 1.0], shape)

    return {
        "kernel": away_from_zero(rows, 4 * H),
        "recurrent_kernel": away_from_zero(H, 4 * H) / np.sqrt(H),
        "bias": away_from_zero(4 * H),
    }


def _state(given: Any, B: int, H: int) -> LSTMStateTuple:
    c, h = (np.array(part, dtype=float) for part in given)
    if c.shape != (B, H) or h.shape != (B, H):
        raise ValueError(f"states: c is {c.shape} and h {h.shape}, expected {(B, H)} both")
    return LSTMStateTuple(c=c, h=h)


def _run(
    name: str, layer: dict[str, Array], x: Array, state: LSTMStateTuple, alive: Array
) -> tuple[Array, LSTMStateTuple]:
    """One layer along a batch: outputs, and the state at each sequence's end."""
    c, h = state
    H = h.shape[1]
    outputs = np.zeros((*x.shape[:2], H))
    for t in range(x.shape[1]):
        z = x[:, t] @ layer["kernel"] + h @ layer["recurrent_kernel"]
        if name != "no-bias":
            z = z + layer["bias"]
        i, f, g, o = (z[:, k * H : (k + 1) * H] for k in range(4))
        if name == "gates-in-another-order":
            f, g = g, f
        kept = h if name == "forget-gate-on-h" else c
        new_c = _sigmoid(f) * kept + _sigmoid(i) * np.tanh(g)
        new_h = _sigmoid(o) * np.tanh(new_c)
        lives = alive[:, t, None]
        c, h = np.where(lives, new_c, c), np.where(lives, new_h, h)
        outputs[:, t] = np.where(lives, new_h, 0.0)
    return outputs, LSTMStateTuple(c=c, h=h)


def _sigmoid(z: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-z))
