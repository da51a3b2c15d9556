"""N14: cells and Keras layers with given weights, products in a traced graph, models, and patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograder.probes.asking import Ask
from autograder.values import NotPlain
from course_lib.cells.state import LSTMStateTuple

Answer = Callable[..., Any]

_PRODUCTS = ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum")


def _tf() -> Any:
    from course_lib.quiet import tf

    return tf


def _cell(kind: str, weights: Sequence[np.ndarray]) -> Any:
    """A cell of the course: "rnn", "lstm", "gru" (reset after the product) or "gru before"."""
    from course_lib.cells.gru_tf import GRUCell
    from course_lib.cells.lstm_tf import LSTMCell
    from course_lib.cells.rnn_tf import BasicRNNCell

    match kind:
        case "rnn":
            return BasicRNNCell.from_weights(*weights)
        case "lstm":
            return LSTMCell.from_weights(*weights)
        case _:
            kernel, recurrent_kernel, bias = weights
            return GRUCell.from_weights(kernel, recurrent_kernel, bias, kind == "gru")


def to_layer(
    answer: Answer, kind: str, weights: Sequence[np.ndarray], x: np.ndarray, state: Sequence[Any]
) -> dict[str, Any]:
    """What the layer that ``answer(cell)`` makes computes from ``x``, beginning with ``state``.

    Keras gives and takes an LSTM's state as h, c; so does ``state``.
    """
    tf = _tf()
    tf.keras.utils.set_random_seed(14)  # a layer whose weights were never set is known by them
    layer = answer(_cell(kind, weights))
    layers = tf.keras.layers
    if not isinstance(layer, layers.SimpleRNN | layers.LSTM | layers.GRU):
        raise NotPlain(
            f"the result is a {type(layer).__name__}, expected a keras SimpleRNN, LSTM or GRU"
        )
    given = [tf.constant(part) for part in state]
    result = layer(tf.constant(x), initial_state=given if len(given) > 1 else given[0])
    parts = list(result) if isinstance(result, list | tuple) else [result]
    return {"layer": type(layer).__name__, "outputs": parts[0], "last state": parts[1:]}


def to_cell(
    answer: Answer,
    kind: str,
    weights: Sequence[np.ndarray],
    options: dict[str, str],
    x: np.ndarray,
    state: Sequence[Any],
) -> dict[str, Any]:
    """What the cell that ``answer(layer)`` makes computes, step by step; or that it refused."""
    from course_lib.cells.gru_tf import GRUCell
    from course_lib.cells.lstm_tf import LSTMCell
    from course_lib.cells.rnn_tf import BasicRNNCell

    layers = _tf().keras.layers
    units = weights[1].shape[0]
    match kind:
        case "rnn":
            layer = layers.SimpleRNN(units, **options)
        case "lstm":
            layer = layers.LSTM(units, **options)
        case _:
            layer = layers.GRU(units, reset_after=kind == "gru", **options)
    layer.build((None, None, x.shape[2]))
    layer.set_weights(list(weights))
    try:
        cell = answer(layer)
    except NotImplementedError:
        raise
    except Exception:
        if options:  # a layer that no cell of the course can stand for
            return {"refused": True}
        raise
    if options:
        return {"refused": False, "made": type(cell).__name__}
    if not isinstance(cell, BasicRNNCell | LSTMCell | GRUCell):
        raise NotPlain(
            f"the result is a {type(cell).__name__}, expected a BasicRNNCell, LSTMCell or GRUCell"
        )
    tf = _tf()
    parts = [tf.constant(part) for part in state]
    memory: Any = LSTMStateTuple(c=parts[1], h=parts[0]) if len(parts) > 1 else parts[0]
    if isinstance(cell, LSTMCell) != isinstance(memory, LSTMStateTuple):
        raise NotPlain(f"the result is a {type(cell).__name__}, which is another kind of cell")
    outputs = []
    for t in range(x.shape[1]):
        output, memory = cell(tf.constant(x[:, t]), memory)
        outputs.append(np.asarray(output))
    last = memory.c if isinstance(memory, LSTMStateTuple) else memory
    return {"cell": type(cell).__name__, "outputs": np.stack(outputs, axis=1), "last state": last}


def hoisted(
    answer: Answer,
    x: np.ndarray,
    c: np.ndarray,
    h: np.ndarray,
    weights: Sequence[np.ndarray],
    count: bool,
) -> dict[str, Any]:
    """What ``answer(x, state, kernel, recurrent_kernel, bias)`` computes inside ``tf.function``.

    With ``count``, also how many products with an input the traced graph holds: those that are
    done once, those that stand inside a loop and are done in each of its turns, and those with an
    input and a state side by side. Such a product is known by what it sums over, D or D + H; the
    sizes must tell these from every other size.
    """
    tf = _tf()
    D, H = x.shape[2], h.shape[1]

    def run(x: Any, c: Any, h: Any) -> Any:
        result = answer(x, LSTMStateTuple(c=c, h=h), *[tf.constant(w) for w in weights])
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise NotPlain("expected two results, (outputs, last_state)")
        outputs, state = result
        if not isinstance(state, tuple | list) or len(state) != 2:
            raise NotPlain("expected the last state as LSTMStateTuple(c, h)")
        return outputs, state[0], state[1]

    traced = tf.function(run, autograph=False)
    arguments = [tf.constant(part) for part in (x, c, h)]
    graph = traced.get_concrete_function(*arguments).graph
    found = {"once": 0, "in a loop": 0, "joined with the state": 0}
    if count:
        _count(graph, D, H, "once", found)
    outputs, last_c, last_h = traced(*arguments)
    return {
        "outputs": outputs,
        "state": {"c": last_c, "h": last_h},
        "products with the input": found if count else None,
    }


def _count(graph: Any, D: int, H: int, place: str, found: dict[str, int]) -> None:
    """Add the products in ``graph`` and in all functions that it calls."""
    for op in graph.get_operations():
        summed = _summed_over(op) if op.type in _PRODUCTS else None
        if summed == D:
            found[place] += 1
        elif summed == D + H:
            found["joined with the state"] += 1
        inside = "in a loop" if op.type in ("While", "StatelessWhile") else place
        for name in ("body", "f", "then_branch", "else_branch"):
            try:
                called = op.get_attr(name).name
            except (ValueError, AttributeError):
                continue
            inner = graph._get_function(called)
            if inner is not None:
                _count(inner.graph, D, H, inside, found)


def _summed_over(op: Any) -> int | None:
    """The size of the axis that a product sums over, as far as the graph knows it."""
    if op.type == "Einsum":
        equation = op.get_attr("equation").decode().replace("...", "")
        terms, _, result = equation.partition("->")
        for term, tensor in zip(reversed(terms.split(",")), reversed(op.inputs), strict=True):
            for label, size in zip(reversed(term), reversed(tensor.shape.as_list()), strict=False):
                if label not in result and size is not None:
                    return int(size)
        return None
    names = ("transpose_a", "transpose_b") if op.type == "MatMul" else ("adj_x", "adj_y")
    turned_a, turned_b = (bool(op.get_attr(name)) for name in names)
    left, right = (tensor.shape for tensor in op.inputs[:2])
    for shape, place in ((right, -1 if turned_b else -2), (left, -2 if turned_a else -1)):
        if shape.rank is not None and shape[place] is not None:
            return int(shape[place])
    return None


def model(
    answer: Answer, units: int, layers: int, bias: np.ndarray, x: np.ndarray, cut: int, seed: int
) -> dict[str, Any]:
    """What the Keras model that ``answer(network, batch)`` makes gives for two windows in a row.

    Args:
        answer: makes the model.
        units, layers, seed: of the echo network it is made from.
        bias: of that network's read-out.
        x: bits, ``(B, T)``.
        cut: columns of the first window.
    """
    from course_lib.echo import EchoNetwork

    tf = _tf()
    tf.keras.utils.set_random_seed(14)
    network = EchoNetwork(units, layers, seed=seed)
    network.b_out.assign(bias)
    made = answer(network, x.shape[0])
    if not isinstance(made, tf.keras.Model):
        raise NotPlain(f"the result is a {type(made).__name__}, expected a keras.Model")
    bits = tf.constant(x[:, :, None], tf.float32)
    _forget(made)  # it may have been built by a call
    first, second = made(bits[:, :cut]), made(bits[:, cut:])
    _forget(made)
    again = made(bits[:, :cut])
    return {
        "logits": first,
        "parameters": made.count_params(),
        "logits of the next window": second,
        "logits after forgetting": again,
    }


def _forget(made: Any) -> None:
    """Set every state that a layer keeps between calls to zeros."""
    tf = _tf()
    for layer in made.layers:
        for part in tf.nest.flatten(getattr(layer, "states", None) or []):
            if hasattr(part, "assign"):
                part.assign(tf.zeros(part.shape))


def ward(answer: Answer, ask: Ask) -> list[Any]:
    """What ``answer(patient)`` says of each patient. Who they are is not known here: see `_visitor`."""
    said = []
    for number, (features, units) in enumerate(ask("sizes")):
        name = answer(_visitor(ask, number, features, units))
        if name is not None and not isinstance(name, str):
            raise NotPlain(f"diagnose returned a {type(name).__name__}, expected a name")
        said.append(name)
    return said


def _visitor(ask: Ask, number: int, features: int, units: int) -> Any:
    """Looks like the patient of that number, but every question is passed on to where the patient is."""
    from course_lib.patients import Patient, Reading

    held: list[list[dict[str, np.ndarray]]] = []

    def read(x: Any, lengths: Any = None, states: Any = None) -> Reading:
        ends = None if lengths is None else np.array(lengths, dtype=int)
        begin = None if states is None else [[_real(part) for part in pair] for pair in states]
        seen = ask("read", number, _real(x), ends, begin)
        after = tuple(LSTMStateTuple(c=c, h=h) for c, h in seen["states"])
        return Reading(seen["outputs"], after, seen["backward"], seen["attention"])

    def gradient(x: Any) -> np.ndarray:
        found: np.ndarray = ask("gradient", number, _real(x))
        return found

    def weights() -> list[dict[str, np.ndarray]]:
        if not held:
            held.append(ask("weights", number))
        return [{key: array.copy() for key, array in layer.items()} for layer in held[0]]

    def lesson(ids: Any) -> tuple[np.ndarray, np.ndarray]:
        inputs, targets = ask("lesson", number, np.array(ids))
        return inputs, targets

    return Patient(features, units, read, gradient, weights, lesson)


def _real(value: Any) -> np.ndarray:
    return np.array(value, dtype=float)
