"""N14: to Keras and back, one product for all time steps, a model rebuilt, and a clinic for networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograder.compare import Difference
from autograder.exercise import (
    Aspect,
    Case,
    Comparison,
    Exercise,
    Misconception,
    part,
    same_shape,
)
from autograder.oracles.clinic import Clinic
from course_lib.cells.state import LSTMStateTuple
from course_lib.patients import HEALTHY, NAMES

Array = np.ndarray
Rng = np.random.Generator

GATES = {"rnn": 1, "lstm": 4, "gru": 3, "gru before": 3}


def _tf() -> Any:
    """TensorFlow, imported when an exercise is judged that needs it."""
    from course_lib.quiet import tf

    return tf


def _draw(rng: Rng, *shape: int) -> Array:
    size = rng.uniform(0.3, 0.9, size=shape) * rng.choice([-1.0, 1.0], size=shape)
    return size.astype(np.float32)


def _weights(rng: Rng, kind: str, D: int, H: int) -> list[Array]:
    columns = GATES[kind] * H
    bias = (2, columns) if kind == "gru" else (columns,)
    return [
        _draw(rng, D, columns),
        _draw(rng, H, columns) / np.sqrt(H, dtype="f"),
        _draw(rng, *bias),
    ]


def _memory(rng: Rng, kind: str, B: int, H: int) -> list[Array]:
    return [_draw(rng, B, H) for _ in range(2 if kind == "lstm" else 1)]


SIZES = (("rnn", 2, 4, 3, 5), ("lstm", 3, 5, 2, 4), ("gru", 2, 3, 4, 5), ("gru before", 3, 4, 2, 5))
"""Kind, B, T, D, H: pairwise different."""
EDGES = (("lstm", 1, 3, 4, 4), ("gru", 2, 1, 3, 3))
"""A batch of one, a single time step, as many units as features."""

_ORDER = "Read “What is the same, and what is not” again: the table."

# ------------------------------------------------------------------------------ to_keras


def _to_keras(cell: Any) -> Any:
    from course_lib.layouts import to_keras

    return to_keras(cell)


def _bent_layer(
    weights: Callable[[str, list[Array]], list[Array]] = lambda kind, w: w,
    *,
    after: bool | None = None,
    set_weights: bool = True,
    kind_of: Callable[[Any], str] = lambda cell: type(cell).__name__,
    **options: Any,
) -> Callable[[Any], Any]:
    """A layer by the book; each argument bends one thing."""

    def answer(cell: Any) -> Any:
        layers = _tf().keras.layers
        kind = kind_of(cell)
        make = {"BasicRNNCell": layers.SimpleRNN, "LSTMCell": layers.LSTM, "GRUCell": layers.GRU}
        chosen = {"return_sequences": True, "return_state": True, **options}
        if kind == "GRUCell":
            chosen["reset_after"] = cell.reset_after if after is None else after
        layer = make[kind](cell.units, **chosen)
        layer.build((None, None, cell.input_size))
        if set_weights:
            layer.set_weights(weights(kind, [v.numpy() for v in _variables(cell)]))
        return layer

    return answer


def _variables(cell: Any) -> list[Any]:
    if hasattr(cell, "Wx"):
        return [cell.Wx, cell.Wh, cell.b]
    return [cell.kernel, cell.recurrent_kernel, cell.bias]


def _tf1_order(kind: str, weights: list[Array]) -> list[Array]:
    """An LSTM's gates exchanged, as if Keras wanted them in the order i, g, f, o."""
    if kind != "LSTMCell":
        return weights
    H = weights[1].shape[0]
    places = np.concatenate([np.arange(k * H, (k + 1) * H) for k in (0, 2, 1, 3)])
    return [w[..., places] for w in weights]


def _gru_order(kind: str, weights: list[Array]) -> list[Array]:
    if kind != "GRUCell":
        return weights
    H = weights[1].shape[0]
    places = np.concatenate([np.arange(k * H, (k + 1) * H) for k in (1, 0, 2)])
    return [w[..., places] for w in weights]


def _one_more(kind: str, weights: list[Array]) -> list[Array]:
    if kind != "LSTMCell":
        return weights
    kernel, recurrent, bias = weights
    H = recurrent.shape[0]
    return [kernel, recurrent, bias + np.repeat([0, 1, 0, 0], H).astype(bias.dtype)]


def _summed_biases(kind: str, weights: list[Array]) -> list[Array]:
    kernel, recurrent, bias = weights
    if bias.ndim == 1:
        return weights
    return [kernel, recurrent, np.stack([bias.sum(axis=0), np.zeros_like(bias[0])])]


def _turned(kind: str, weights: list[Array]) -> list[Array]:
    """Each gate's recurrent block transposed, as PyTorch stores it."""
    kernel, recurrent, bias = weights
    H = recurrent.shape[0]
    blocks = [recurrent[:, k : k + H].T for k in range(0, recurrent.shape[1], H)]
    return [kernel, np.concatenate(blocks, axis=1), bias]


def _no_bias(kind: str, weights: list[Array]) -> list[Array]:
    return [*weights[:2], np.zeros_like(weights[2])]


def _never_built(cell: Any) -> Any:
    layers = _tf().keras.layers
    make = {"BasicRNNCell": layers.SimpleRNN, "LSTMCell": layers.LSTM, "GRUCell": layers.GRU}
    layer = make[type(cell).__name__](cell.units, return_sequences=True, return_state=True)
    layer.set_weights(_variables(cell))
    return layer


def _built_for_its_units(cell: Any) -> Any:
    """Built as if it read what it gives."""

    class Narrow:
        input_size = cell.units

        def __getattr__(self, name: str) -> Any:
            return getattr(cell, name)

    narrow = Narrow()
    return _bent_layer(kind_of=lambda _: type(cell).__name__)(narrow)


def _lstm_whatever_comes(cell: Any) -> Any:
    weights = [cell.kernel, cell.recurrent_kernel, cell.bias]
    layer = _tf().keras.layers.LSTM(cell.units, return_sequences=True, return_state=True)
    layer.build((None, None, cell.input_size))
    layer.set_weights(weights)
    return layer


def _layer_by_call(cell: Any) -> Any:
    """Built by a first input, weights assigned one by one."""
    tf = _tf()
    options: dict[str, Any] = {"return_sequences": True, "return_state": True}
    match type(cell).__name__:
        case "LSTMCell":
            layer = tf.keras.layers.LSTM(cell.units, **options)
        case "GRUCell":
            layer = tf.keras.layers.GRU(cell.units, reset_after=cell.reset_after, **options)
        case _:
            layer = tf.keras.layers.SimpleRNN(cell.units, **options)
    layer(tf.zeros([1, 1, cell.input_size]))
    for own, given in zip(layer.trainable_weights, _variables(cell), strict=True):
        own.assign(given)
    return layer


def _layer_from_initializers(cell: Any) -> Any:
    keras = _tf().keras
    arrays = [np.asarray(v) for v in _variables(cell)]

    def fixed(array: Array) -> Any:
        return lambda shape, dtype=None, **_: _tf().constant(array, dtype)

    kind = {"BasicRNNCell": "SimpleRNN", "LSTMCell": "LSTM", "GRUCell": "GRU"}[type(cell).__name__]
    more = {"reset_after": cell.reset_after} if kind == "GRU" else {}
    if kind == "LSTM":
        more["unit_forget_bias"] = False
    layer = getattr(keras.layers, kind)(
        cell.units,
        return_sequences=True,
        return_state=True,
        kernel_initializer=fixed(arrays[0]),
        recurrent_initializer=fixed(arrays[1]),
        bias_initializer=fixed(arrays[2]),
        **more,
    )
    layer.build((None, None, cell.input_size))
    return layer


def _to_keras_cases(rng: Rng) -> list[Case]:
    names = ("basic cell", "LSTM", "GRU, reset after the product", "GRU, reset before the product")
    edges = ("LSTM, as many units as features, batch of one", "GRU, one time step")
    return [
        Case(
            name,
            (kind, _weights(rng, kind, D, H), _draw(rng, B, T, D), _memory(rng, kind, B, H)),
            frozenset({kind.split()[0]}),
        )
        for name, (kind, B, T, D, H) in zip((*names, *edges), (*SIZES, *EDGES), strict=True)
    ]


def _outputs(seen: Comparison) -> Difference | None:
    return part("outputs")(seen)


TO_KERAS = Exercise(
    id="to_keras",
    probe="standard:to_layer",
    by_hand=frozenset(),
    reference=_to_keras,
    cases=_to_keras_cases,
    aspects=(
        Aspect("all outputs, in their shape", 0.5, part("outputs", same_shape)),
        Aspect("LSTM: values", 1.0, _outputs, tags=frozenset({"lstm"})),
        Aspect(
            "basic cell: values",
            0.5,
            _outputs,
            tags=frozenset({"rnn"}),
            needs=("all outputs, in their shape",),
        ),
        Aspect("GRU: values, both kinds", 1.0, _outputs, tags=frozenset({"gru"})),
        Aspect(
            "last state",
            1.0,
            part("last state"),
            needs=("LSTM: values", "basic cell: values", "GRU: values, both kinds"),
        ),
    ),
    axes={"outputs": ("batch", "time", "hidden"), "last state": [("batch", "hidden")] * 2},
    tolerance=1e-5,
    misconceptions=(
        Misconception(
            "weights-never-set",
            _bent_layer(set_weights=False),
            nudge="Where does your layer get its numbers from?",
            pointer="Read “The same cell, in Keras” again: what a new layer begins with.",
            explanation="The layer still has the random weights that it was made with.",
        ),
        Misconception(
            "gates-exchanged",
            _bent_layer(_tf1_order),
            nudge="Which order of gates does Keras use, and which one does this course?",
            pointer=_ORDER,
            explanation="You exchange the LSTM's blocks f and g. Keras and the course have the same "
            "order.",
        ),
        Misconception(
            "gru-gates-exchanged",
            _bent_layer(_gru_order),
            nudge="Which order of gates does a GRU have here, and in Keras?",
            pointer=_ORDER,
            explanation="You exchange the GRU's blocks z and r. Keras and the course have the same "
            "order; PyTorch has another.",
        ),
        Misconception(
            "forget-bias-added",
            _bent_layer(_one_more),
            nudge="Compare the layer's bias with the cell's, block by block.",
            pointer=_ORDER,
            explanation="1 is added to the forget gate's bias. It is in the cell's bias already.",
        ),
        Misconception(
            "reset-after-ignored",
            _bent_layer(after=True),
            nudge="There are two kinds of GRU. How does your layer learn which one it is to be?",
            pointer=_ORDER,
            explanation="All your GRU layers reset after the product. A cell that resets before it "
            "has a bias of another shape.",
        ),
        Misconception(
            "always-reset-before",
            _bent_layer(after=False),
            nudge="There are two kinds of GRU. How does your layer learn which one it is to be?",
            pointer=_ORDER,
            explanation="All your GRU layers reset before the product. A cell that resets after it "
            "has two rows of biases.",
        ),
        Misconception(
            "two-biases-added-up",
            _bent_layer(_summed_biases),
            nudge="A GRU's bias may have two rows. Is only their sum of importance?",
            pointer=_ORDER,
            explanation="The GRU's two biases are added up. The second one stands inside the "
            "product with r, so that they are not the same thing.",
        ),
        Misconception(
            "bias-dropped",
            _bent_layer(_no_bias),
            nudge="How many arrays does a layer have? Did all of them get the cell's numbers?",
            pointer=_ORDER,
            explanation="The layer's bias is zero. The cell's is not.",
        ),
        Misconception(
            "recurrent-kernel-transposed",
            _bent_layer(_turned),
            nudge="Look at a single gate's block of the recurrent kernel, before and after.",
            pointer=_ORDER,
            explanation="The recurrent blocks are transposed. PyTorch stores them so; Keras does "
            "not.",
        ),
        Misconception(
            "last-output-only",
            _bent_layer(return_sequences=False),
            nudge="How many time steps has the layer's output, and how many has x?",
            pointer="The docstring of the exercise names the two options that are needed.",
            explanation="The layer gives its last output only.",
        ),
        Misconception(
            "no-state",
            _bent_layer(return_state=False),
            nudge="What does your layer return besides its outputs?",
            pointer="The docstring of the exercise names the two options that are needed.",
            explanation="The layer does not return its last state.",
        ),
        Misconception(
            "as-it-comes",
            _bent_layer(return_sequences=False, return_state=False),
            nudge="What does a Keras layer give if nobody tells it what to return?",
            pointer=_ORDER,
            explanation="The layer gives its last output only, and no state: that is what it does "
            "by default.",
        ),
        Misconception(
            "never-built",
            _never_built,
            nudge="How many arrays does a layer own before it knows how many features it will read?",
            pointer="Read “The same cell, in Keras” again: what a new layer begins with.",
            explanation="Keras takes none of the arrays, whatever the cell: a layer that was not "
            "built yet expects none.",
        ),
        Misconception(
            "built-for-its-units",
            _built_for_its_units,
            nudge="How many features does the layer read, and how many units does it have?",
            pointer="Read “The same cell, in Keras” again: what a layer is told when it is built.",
            explanation="The layer is built to read as many features as it has units. That fits "
            "only where the two numbers happen to be equal.",
        ),
        Misconception(
            "lstm-whatever-comes",
            _lstm_whatever_comes,
            nudge="Which three kinds of cells does the docstring name?",
            pointer="The docstring of the exercise, and the names of the arrays just above it.",
            explanation="Every cell is treated as an LSTM.",
        ),
    ),
    nudge="Set the cell's and the layer's weights side by side. Which array, which block, which "
    "option differs?",
    pointer=_ORDER,
    seconds=30.0,
    alternatives={
        "built by the first input": _layer_by_call,
        "weights as initializers": _layer_from_initializers,
        "a table of classes": _bent_layer(),
    },
)

# ---------------------------------------------------------------------------- from_keras


def _from_keras(layer: Any) -> Any:
    from course_lib.layouts import from_keras

    return from_keras(layer)


def _bent_cell(
    weights: Callable[[str, list[Array]], list[Array]] = lambda kind, w: w,
    *,
    after: bool | None = None,
    look: Callable[[Any], Sequence[Any]] = lambda layer: (
        layer.activation,
        getattr(layer, "recurrent_activation", None),
    ),
    kinds: Sequence[str] = ("SimpleRNN", "LSTM", "GRU"),
) -> Callable[[Any], Any]:
    """A cell by the book; each argument bends one thing."""

    def answer(layer: Any) -> Any:
        from course_lib.cells.gru_tf import GRUCell
        from course_lib.cells.lstm_tf import LSTMCell
        from course_lib.cells.rnn_tf import BasicRNNCell

        kind = type(layer).__name__
        names = [getattr(one, "__name__", None) for one in look(layer)]
        wanted = ("tanh", "sigmoid", None)
        if kind not in kinds or any(name not in wanted for name in names):
            raise ValueError(f"no cell of the course is like this {kind}")
        own = {"SimpleRNN": "BasicRNNCell", "LSTM": "LSTMCell", "GRU": "GRUCell"}[kind]
        arrays = weights(own, layer.get_weights())
        if kind == "SimpleRNN":
            return BasicRNNCell.from_weights(*arrays)
        if kind == "LSTM":
            return LSTMCell.from_weights(*arrays)
        chosen = layer.reset_after if after is None else after
        kernel, recurrent, bias = arrays
        return GRUCell.from_weights(kernel, recurrent, bias, chosen)

    return answer


def _cell_from_config(layer: Any) -> Any:
    """All that there is to know is in the configuration."""
    from course_lib.cells.gru_tf import GRUCell
    from course_lib.cells.lstm_tf import LSTMCell
    from course_lib.cells.rnn_tf import BasicRNNCell

    config = layer.get_config()
    assert config["activation"] == "tanh"
    assert config.get("recurrent_activation", "sigmoid") == "sigmoid"
    if "reset_after" in config:
        kernel, recurrent, bias = layer.get_weights()
        return GRUCell.from_weights(kernel, recurrent, bias, config["reset_after"])
    if "unit_forget_bias" in config:
        return LSTMCell.from_weights(*layer.get_weights())
    return BasicRNNCell.from_weights(*layer.get_weights())


def _cell_assigned(layer: Any) -> Any:
    """A fresh cell whose variables take the layer's values; the kind is told by the shapes."""
    from course_lib.cells.gru_tf import GRUCell
    from course_lib.cells.lstm_tf import LSTMCell
    from course_lib.cells.rnn_tf import BasicRNNCell

    keras = _tf().keras
    if layer.activation is not keras.activations.tanh:
        raise TypeError("activation")
    if getattr(layer, "recurrent_activation", None) not in (None, keras.activations.sigmoid):
        raise TypeError("recurrent activation")
    kernel, recurrent, bias = layer.get_weights()
    D, H = kernel.shape[0], recurrent.shape[0]
    makers: dict[int, Callable[[], Any]] = {
        1: lambda: BasicRNNCell(H, D),
        4: lambda: LSTMCell(H, D),
        3: lambda: GRUCell(H, D, reset_after=bias.ndim == 2),
    }
    cell = makers[kernel.shape[1] // H]()
    for own, given in zip(_variables(cell), (kernel, recurrent, bias), strict=True):
        own.assign(given)
    return cell


def _none_for_an_error(layer: Any) -> Any:
    try:
        return _bent_cell()(layer)
    except ValueError:
        return None


def _lstm_whatever_layer(layer: Any) -> Any:
    from course_lib.cells.lstm_tf import LSTMCell

    return LSTMCell.from_weights(*layer.get_weights())


def _from_keras_cases(rng: Rng) -> list[Case]:
    names = ("SimpleRNN", "LSTM", "GRU, reset after the product", "GRU, reset before the product")
    edges = ("LSTM, as many units as features, batch of one", "GRU, one time step")
    strange = (
        ("SimpleRNN with relu", "rnn", {"activation": "relu"}),
        ("LSTM with hard_sigmoid gates", "lstm", {"recurrent_activation": "hard_sigmoid"}),
    )

    def inputs(kind: str, sizes: Sequence[int], options: dict[str, str]) -> tuple[Any, ...]:
        B, T, D, H = sizes
        state = _memory(rng, kind, B, H)
        return (kind, _weights(rng, kind, D, H), options, _draw(rng, B, T, D), state)

    usual = [
        Case(name, inputs(kind, sizes, {}), frozenset({"usual", kind.split()[0]}))
        for name, (kind, *sizes) in zip((*names, *edges), (*SIZES, *EDGES), strict=True)
    ]
    return usual + [
        Case(name, inputs(kind, (2, 4, 3, 5), options), frozenset({"strange"}))
        for name, kind, options in strange
    ]


def _refused(seen: Comparison) -> Difference | None:
    seen_value = seen.actual.value
    if seen_value["refused"]:
        return None
    if seen_value["made"] == "NoneType":
        return Difference("no error, and no cell: it returns None without a word")
    return Difference("no error, but a cell that computes something else than the layer")


FROM_KERAS = Exercise(
    id="from_keras",
    probe="standard:to_cell",
    by_hand=frozenset(),
    reference=_from_keras,
    cases=_from_keras_cases,
    aspects=(
        Aspect("LSTM", 1.0, tags=frozenset({"lstm"})),
        Aspect("SimpleRNN", 0.5, tags=frozenset({"rnn"})),
        Aspect("GRU, both kinds", 1.0, tags=frozenset({"gru"})),
        Aspect(
            "refuses what no cell is like",
            0.5,
            _refused,
            tags=frozenset({"strange"}),
            needs=("LSTM", "SimpleRNN"),
        ),
    ),
    axes={"outputs": ("batch", "time", "hidden"), "last state": ("batch", "hidden")},
    tolerance=1e-5,
    misconceptions=(
        Misconception(
            "activations-not-looked-at",
            _bent_cell(look=lambda layer: ()),
            nudge="What would your function make of `SimpleRNN(5, activation='relu')`?",
            pointer="Read “And back” again: the last thing that can go wrong.",
            explanation="A layer with other activations becomes a cell with the usual ones, without "
            "a word.",
        ),
        Misconception(
            "gates'-activation-not-looked-at",
            _bent_cell(look=lambda layer: (layer.activation,)),
            nudge="An LSTM has two activations: one for the candidate. And the other?",
            pointer="Read “And back” again: the last thing that can go wrong.",
            explanation="`activation` is looked at, `recurrent_activation`, the one of the gates, "
            "is not.",
        ),
        Misconception(
            "activation-not-looked-at",
            _bent_cell(look=lambda layer: (getattr(layer, "recurrent_activation", None),)),
            nudge="Which layer of the three has no `recurrent_activation`? What is asked of it?",
            pointer="Read “And back” again: the last thing that can go wrong.",
            explanation="`recurrent_activation`, the one of the gates, is looked at, `activation` "
            "is not.",
        ),
        Misconception(
            "every-layer-has-gates",
            _bent_cell(look=lambda layer: (layer.activation, layer.recurrent_activation)),
            nudge="Does every kind of layer have gates?",
            pointer="Read “And back” again: the last sentence before the exercise.",
            explanation="You ask a SimpleRNN for the activation of its gates. It has none.",
        ),
        Misconception(
            "none-for-an-error",
            _none_for_an_error,
            nudge="How does whoever calls your function learn that a layer was refused?",
            pointer="Read “And back” again: the last thing that can go wrong.",
            explanation="A layer that no cell is like is answered with None. Whoever calls the "
            "function goes on with it; an error stops them.",
        ),
        Misconception(
            "lstm-whatever-layer",
            _lstm_whatever_layer,
            nudge="Which three kinds of layers does the docstring name?",
            pointer="The docstring of the exercise.",
            explanation="Every layer is taken for an LSTM.",
        ),
        Misconception(
            "reset-after-assumed",
            _bent_cell(after=True),
            nudge="How does your cell learn where this GRU resets?",
            pointer=_ORDER,
            explanation="All your GRU cells reset after the product, as Keras' layers do by default.",
        ),
        Misconception(
            "reset-before-assumed",
            _bent_cell(after=False),
            nudge="How does your cell learn where this GRU resets?",
            pointer=_ORDER,
            explanation="All your GRU cells reset before the product, as in the paper.",
        ),
        Misconception(
            "gates-exchanged-on-the-way-back",
            _bent_cell(_tf1_order),
            nudge="Which order of gates does Keras use, and which one does this course?",
            pointer=_ORDER,
            explanation="You exchange the LSTM's blocks f and g. Both sides have the same order.",
        ),
        Misconception(
            "forget-bias-added-once-more",
            _bent_cell(_one_more),
            nudge="Compare the cell's bias with the layer's, block by block.",
            pointer=_ORDER,
            explanation="1 is added to the forget gate's bias. Keras has put it there already.",
        ),
        Misconception(
            "bias-left-behind",
            _bent_cell(_no_bias),
            nudge="How many arrays does `get_weights` give? Where do they end up?",
            pointer=_ORDER,
            explanation="The cell's bias is zero. The layer's is not.",
        ),
        Misconception(
            "no-gru",
            _bent_cell(kinds=("SimpleRNN", "LSTM")),
            nudge="Which three kinds of layers does the docstring name?",
            pointer="The docstring of the exercise.",
            explanation="A GRU is refused.",
        ),
    ),
    nudge="Go from the cell back to a layer with your `to_keras`. Which numbers differ?",
    pointer=_ORDER,
    seconds=30.0,
    alternatives={
        "by the configuration": _cell_from_config,
        "by shapes, assigned": _cell_assigned,
        "a table": _bent_cell(),
    },
)

# ---------------------------------------------------------------- hoist_input_projection


def _hoist(x: Any, state: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
    from course_lib.hoisting import hoist_input_projection

    return hoist_input_projection(x, state, kernel, recurrent_kernel, bias)


def _project(x: Any, kernel: Any, bias: Any) -> Any:
    tf = _tf()
    return tf.einsum("btd,dk->btk", x, kernel) + bias


def _hoisted(
    project: Callable[[Any, Any, Any], Any] = _project,
    *,
    begin: Callable[[Any], Any] = lambda state: state,
    z: Callable[..., Any] = lambda p, h, R, b, h0: p + h @ R,
    keep: Callable[[Any, Any], Any] = lambda c, c0: c,
    named: Callable[[Any, Any], tuple[Any, Any]] = lambda c, h: (c, h),
    output: Callable[[Any, Any], Any] = lambda c, h: h,
    finish: Callable[..., Any] = lambda ys, c, h: (
        _tf().stack(ys, axis=1),
        LSTMStateTuple(c=c, h=h),
    ),
) -> Callable[..., Any]:
    """Projected first, then a Python loop; each argument bends one thing."""

    def answer(x: Any, state: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
        tf = _tf()
        c, h = c0, h0 = begin(state)
        projected = project(x, kernel, bias)
        ys = []
        for t in range(x.shape[1]):
            logits = z(projected[:, t], h, recurrent_kernel, bias, h0)
            i, f, g, o = tf.split(logits, 4, axis=1)
            c = tf.sigmoid(f) * keep(c, c0) + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            c, h = named(c, h)
            ys.append(output(c, h))
        return finish(ys, c, h)

    return answer


def _step_by_step(x: Any, kernel: Any, bias: Any) -> Any:
    tf = _tf()
    return tf.stack([x[:, t] @ kernel + bias for t in range(x.shape[1])], axis=1)


def _gate_by_gate(x: Any, kernel: Any, bias: Any) -> Any:
    tf = _tf()
    return tf.concat([x @ block for block in tf.split(kernel, 4, axis=1)], axis=2) + bias


def _in_the_loop(
    side_by_side: bool,
) -> Callable[..., Any]:
    """The readable path in a `while_loop`: every turn multiplies its own input."""

    def answer(x: Any, state: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
        tf = _tf()
        B, T, _ = x.shape
        joined = tf.concat([kernel, recurrent_kernel], axis=0)
        xs = tf.TensorArray(x.dtype, T).unstack(tf.transpose(x, [1, 0, 2]))

        def turn(t: Any, c: Any, h: Any, ys: Any) -> Any:
            x_t = tf.ensure_shape(xs.read(t), [B, x.shape[2]])
            if side_by_side:
                z = tf.concat([x_t, h], axis=1) @ joined + bias
            else:
                z = x_t @ kernel + h @ recurrent_kernel + bias
            i, f, g, o = tf.split(z, 4, axis=1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            return t + 1, c, h, ys.write(t, h)

        start = (tf.constant(0), *state, tf.TensorArray(x.dtype, T))
        _, c, h, ys = tf.while_loop(lambda t, *_: t < T, turn, start)
        return tf.transpose(ys.stack(), [1, 0, 2]), LSTMStateTuple(c=c, h=h)

    return answer


def _side_by_side_in_python(x: Any, state: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    """The same product on [x, h], in a Python loop."""
    tf = _tf()
    joined = tf.concat([kernel, recurrent], axis=0)
    c, h = state
    ys = []
    for t in range(x.shape[1]):
        i, f, g, o = tf.split(tf.concat([x[:, t], h], axis=1) @ joined + bias, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        ys.append(h)
    return tf.stack(ys, axis=1), LSTMStateTuple(c=c, h=h)


def _numpy_in_the_graph(x: Any, state: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    return np.asarray(x) @ np.asarray(kernel) + np.asarray(bias)


def _mixed(x: Any, kernel: Any, bias: Any) -> Any:
    """Batch and time mixed up on the way back from the flat array."""
    tf = _tf()
    B, T, D = x.shape
    flat = tf.reshape(x, [B * T, D]) @ kernel + bias
    return tf.transpose(tf.reshape(flat, [T, B, -1]), [1, 0, 2])


def _hoisted_scan(x: Any, state: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
    tf = _tf()
    B, T, D = x.shape
    flat = tf.nn.bias_add(tf.reshape(tf.transpose(x, [1, 0, 2]), [T * B, D]) @ kernel, bias)

    def turn(memory: Any, p: Any) -> Any:
        c, h = memory
        i, f, g, o = tf.split(p + h @ recurrent_kernel, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return c, tf.sigmoid(o) * tf.tanh(c)

    cs, hs = tf.scan(turn, tf.reshape(flat, [T, B, -1]), initializer=tuple(state))
    return tf.transpose(hs, [1, 0, 2]), LSTMStateTuple(c=cs[-1], h=hs[-1])


def _hoisted_tensordot(x: Any, state: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
    tf = _tf()
    H = recurrent_kernel.shape[0]
    c, h = state
    outputs = []
    for p in tf.unstack(tf.tensordot(x, kernel, axes=1) + bias, axis=1):
        z = p + tf.matmul(h, recurrent_kernel)
        gates = tf.sigmoid(z)
        i, f, o = gates[:, :H], gates[:, H : 2 * H], gates[:, 3 * H :]
        c = f * c + i * tf.tanh(z[:, 2 * H : 3 * H])
        h = o * tf.tanh(c)
        outputs.append(h)
    return tf.stack(outputs, axis=1), (c, h)


def _hoist_cases(rng: Rng) -> list[Case]:
    def inputs(B: int, T: int, D: int, H: int, count: bool) -> tuple[Any, ...]:
        return (
            _draw(rng, B, T, D),
            _draw(rng, B, H),
            _draw(rng, B, H),
            _weights(rng, "lstm", D, H),
            count,
        )

    return [
        Case("six steps", inputs(3, 6, 7, 5, True), frozenset({"counted"})),
        Case("one time step", inputs(2, 1, 3, 4, False)),
        Case("batch of one, as many units as features", inputs(1, 3, 4, 4, False)),
    ]


def _one_product(seen: Comparison) -> Difference | None:
    found = seen.actual.value["products with the input"]
    if found["joined with the state"]:
        return Difference("input and state are multiplied together, so nothing is done beforehand")
    if found["in a loop"]:
        return Difference(
            "a product with the input stands inside the loop: it is done at each step"
        )
    if found["once"] == 1:
        return None
    if not found["once"]:
        return Difference("no product with the input was found")
    return Difference(f"{found['once']} products with the input, expected 1 for all six steps")


_HOIST_TEXT = "Read “What need not wait” again."

HOIST_INPUT_PROJECTION = Exercise(
    id="hoist_input_projection",
    probe="standard:hoisted",
    by_hand=frozenset(),
    reference=_hoist,
    cases=_hoist_cases,
    aspects=(
        Aspect("shape", 0.5, part("outputs", same_shape)),
        Aspect("outputs", 1.5, part("outputs"), needs=("shape",)),
        Aspect("last state", 1.0, part("state"), needs=("outputs",)),
        Aspect(
            "one product for all steps",
            2.0,
            _one_product,
            tags=frozenset({"counted"}),
            needs=("outputs",),
        ),
    ),
    axes={
        "outputs": ("batch", "time", "hidden"),
        "state": {"c": ("batch", "hidden"), "h": ("batch", "hidden")},
    },
    tolerance=1e-4,
    misconceptions=(
        Misconception(
            "a-product-in-every-turn",
            _in_the_loop(side_by_side=False),
            nudge="What inside your loop would come out the same, whatever h is?",
            pointer=_HOIST_TEXT,
            explanation="The numbers are right, but the product with the input is still done in "
            "each turn of the loop.",
        ),
        Misconception(
            "input-and-state-side-by-side",
            _in_the_loop(side_by_side=True),
            nudge="One product on [x, h]: which part of it depends on h?",
            pointer=_HOIST_TEXT,
            explanation="Input and state are multiplied together, in each turn of the loop.",
        ),
        Misconception(
            "side-by-side-at-every-step",
            _side_by_side_in_python,
            nudge="One product on [x, h]: which part of it depends on h?",
            pointer=_HOIST_TEXT,
            explanation="Input and state are multiplied together, at each step.",
        ),
        Misconception(
            "numpy-in-the-graph",
            _numpy_in_the_graph,
            nudge="What is x while the check traces your function into a graph: numbers, or a place "
            "for numbers?",
            pointer="Read “Exercise 3: `hoist_input_projection`” again: how the check runs it.",
            explanation="A NumPy function is given a tensor that has no numbers yet. Inside "
            "`tf.function`, TensorFlow's own operations are needed.",
        ),
        Misconception(
            "a-product-for-each-step-beforehand",
            _hoisted(_step_by_step),
            nudge="How many products with the input are there in your graph, if x has 100 steps?",
            pointer=_HOIST_TEXT,
            explanation="Each step has a product of its own with the input. Whether it stands before "
            "the loop or in it: they are as many as steps, and one would do.",
        ),
        Misconception(
            "a-product-for-each-gate",
            _hoisted(_gate_by_gate),
            nudge="How many products are there in your graph before the first step?",
            pointer=_HOIST_TEXT,
            explanation="There is one product for each gate. The kernel of all four is one matrix.",
        ),
        Misconception(
            "batch-and-time-mixed",
            _hoisted(_mixed),
            nudge="After the product, a row of the flat array belongs to which sequence and step?",
            pointer="Notebook 2: reshaping is no transposing.",
            explanation="The flat array is taken apart in another order than it was put together: "
            "sequences and steps get mixed.",
        ),
        Misconception(
            "bias-twice",
            _hoisted(z=lambda p, h, R, b, h0: p + h @ R + b),
            nudge="How often does the bias go into z?",
            pointer=_HOIST_TEXT,
            explanation="The bias is added before the loop and once more in it.",
        ),
        Misconception(
            "bias-lost",
            _hoisted(lambda x, kernel, bias: x @ kernel),
            nudge="How often does the bias go into z?",
            pointer=_HOIST_TEXT,
            explanation="The bias is nowhere added.",
        ),
        Misconception(
            "recurrent-product-hoisted-too",
            _hoisted(z=lambda p, h, R, b, h0: p + h0 @ R),
            nudge="Which h does each step multiply?",
            pointer=_HOIST_TEXT,
            explanation="Every step multiplies the first h. That one product cannot be done before "
            "the loop.",
        ),
        Misconception(
            "c-not-passed-on",
            _hoisted(keep=lambda c, c0: c0),
            nudge="Which c does the forget gate keep at the third step?",
            pointer="Notebook 5, the equations of the LSTM.",
            explanation="Each step keeps a part of the very first c.",
        ),
        Misconception(
            "state-ignored",
            _hoisted(begin=lambda state: tuple(0 * part for part in state)),
            nudge="With which state does your first step begin?",
            pointer="The docstring of the exercise.",
            explanation="The given state is not used; the sequence begins with zeros.",
        ),
        Misconception(
            "c-and-h-exchanged-at-the-start",
            _hoisted(begin=lambda state: (state[1], state[0])),
            nudge="A state is a pair. Which part comes first?",
            pointer="The docstring of the exercise: LSTMStateTuple(c, h).",
            explanation="You take h for c, and c for h, at the start.",
        ),
        Misconception(
            "c-and-h-exchanged-at-the-end",
            _hoisted(
                finish=lambda ys, c, h: (_tf().stack(ys, axis=1), LSTMStateTuple(c=h, h=c)),
            ),
            nudge="A state is a pair. Which part comes first?",
            pointer="The docstring of the exercise: LSTMStateTuple(c, h).",
            explanation="The last state comes back as (h, c).",
        ),
        Misconception(
            "gates-results-exchanged",
            _hoisted(named=lambda c, h: (h, c)),
            nudge="In which order does `gates` give its two results?",
            pointer="Read “Exercise 3: `hoist_input_projection`” again: what `gates` returns.",
            explanation="You take the new h for c, and the new c for h, at each step.",
        ),
        Misconception(
            "c-for-outputs",
            _hoisted(output=lambda c, h: c),
            nudge="Which part of a state does an LSTM show to the outside?",
            pointer="Notebook 5, the equations of the LSTM.",
            explanation="The outputs are c. They should be h.",
        ),
        Misconception(
            "last-output-alone",
            _hoisted(finish=lambda ys, c, h: (ys[-1], LSTMStateTuple(c=c, h=h))),
            nudge="How many time steps have your outputs, and how many has x?",
            pointer="The docstring of the exercise.",
            explanation="The last output comes back, not all of them.",
        ),
        Misconception(
            "time-first",
            _hoisted(
                finish=lambda ys, c, h: (_tf().stack(ys, axis=0), LSTMStateTuple(c=c, h=h)),
            ),
            nudge="Which axis of the outputs is time?",
            pointer="The docstring of the exercise.",
            explanation="The outputs come back with time as their first axis.",
        ),
        Misconception(
            "tanh-around-the-projection",
            _hoisted(lambda x, kernel, bias: _tf().tanh(_project(x, kernel, bias))),
            nudge="What happens to the projected input before h's part is added?",
            pointer=_HOIST_TEXT,
            explanation="There is a tanh around the projected input. Only the sum goes through "
            "the gates.",
        ),
    ),
    nudge="Compare with the equation, one term at a time: what stands before the loop, what in it?",
    pointer=_HOIST_TEXT,
    seconds=30.0,
    alternatives={
        "einsum and a Python loop": _hoisted(),
        "tf.scan": _hoisted_scan,
        "tensordot, slices": _hoisted_tensordot,
    },
)

# ------------------------------------------------------------------ same_model_in_keras


def _same_model(network: Any, batch: int) -> Any:
    from course_lib.keras_models import same_model_in_keras

    return same_model_in_keras(network, batch)


def _model(
    *,
    stateful: Callable[[int, int], bool] = lambda k, L: True,
    layer_of: Callable[[int], int] = lambda k: k,
    order: Callable[[list[Any]], list[Any]] = lambda cells: cells,
    sequences: bool = True,
    weights: Callable[[str, list[Array]], list[Array]] = lambda kind, w: w,
    layers_set: bool = True,
    read_out_set: bool = True,
    read_out: Callable[[Any], Any] = lambda network: _tf().keras.layers.Dense(2),
    out: Callable[[Any], list[Array]] = lambda n: [n.W_out.numpy(), n.b_out.numpy()],
) -> Callable[..., Any]:
    """The model by the book, as a Sequential; each argument bends one thing."""

    def answer(network: Any, batch: int) -> Any:
        keras = _tf().keras
        cells = order(list(network.cell.cells))
        own = [
            keras.layers.LSTM(
                cell.units,
                stateful=stateful(k, len(cells)),
                return_sequences=sequences or k + 1 < len(cells),
            )
            for k, cell in enumerate(cells)
        ]
        x = y = keras.Input(batch_shape=(batch, None, 1))
        for k in range(len(cells)):
            y = own[layer_of(k)](y)
        last = read_out(network)
        model = keras.Model(x, last(y))
        if layers_set:
            for layer, cell in zip(own, cells, strict=True):
                if layer.built:
                    layer.set_weights(weights("LSTMCell", [v.numpy() for v in _variables(cell)]))
        if read_out_set:
            last.set_weights(out(network))
        return model

    return answer


def _stack_in_one_layer(network: Any, batch: int) -> Any:
    keras = _tf().keras
    cells = [keras.layers.LSTMCell(cell.units) for cell in network.cell.cells]
    deep = keras.layers.RNN(
        keras.layers.StackedRNNCells(cells), return_sequences=True, stateful=True
    )
    model = keras.Sequential(
        [keras.Input(batch_shape=(batch, None, 1)), deep, keras.layers.Dense(2)]
    )
    arrays = [v.numpy() for cell in network.cell.cells for v in _variables(cell)]
    model.set_weights([*arrays, network.W_out.numpy(), network.b_out.numpy()])
    return model


def _sequential(network: Any, batch: int) -> Any:
    keras = _tf().keras
    model = keras.Sequential([keras.Input(batch_shape=(batch, None, 1))])
    for cell in network.cell.cells:
        model.add(keras.layers.LSTM(cell.units, return_sequences=True, stateful=True))
        model.layers[-1].set_weights(_to_keras(cell).get_weights())
    model.add(keras.layers.Dense(2))
    model.layers[-1].set_weights([network.W_out, network.b_out])
    return model


def _subclassed(network: Any, batch: int) -> Any:
    keras: Any = _tf().keras
    base: Any = keras.Model

    class Deep(base):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = [
                keras.layers.LSTM(cell.units, return_sequences=True, stateful=True)
                for cell in network.cell.cells
            ]
            self.out = keras.layers.TimeDistributed(keras.layers.Dense(2))

        def call(self, x: Any) -> Any:
            for layer in self.rnn:
                x = layer(x)
            return self.out(x)

    model = Deep()
    model(np.zeros((batch, 2, 1), np.float32))
    for layer, cell in zip(model.rnn, network.cell.cells, strict=True):
        layer.set_weights([v.numpy() for v in _variables(cell)])
        layer.reset_state()
    model.out.set_weights([network.W_out.numpy(), network.b_out.numpy()])
    return model


def _model_cases(rng: Rng) -> list[Case]:
    def inputs(units: int, layers: int, B: int, T: int, cut: int) -> tuple[Any, ...]:
        bits = rng.integers(0, 2, size=(B, T))
        return (units, layers, _draw(rng, 2), bits, cut, int(rng.integers(1, 1000)))

    return [
        Case("three layers, two windows", inputs(4, 3, 5, 7, 3)),
        Case("batch of one, a window of one step", inputs(3, 3, 1, 4, 1)),
    ]


def _parameters(seen: Comparison) -> Difference | None:
    wanted, got = (side.value["parameters"] for side in (seen.expected, seen.actual))
    return (
        None if wanted == got else Difference(f"the model has {got} parameters, expected {wanted}")
    )


_MODEL_TEXT = "Read “The deep echo in six lines” again."

SAME_MODEL_IN_KERAS = Exercise(
    id="same_model_in_keras",
    probe="standard:model",
    by_hand=frozenset(),
    reference=_same_model,
    cases=_model_cases,
    aspects=(
        Aspect("shape of the logits", 0.5, part("logits", same_shape)),
        Aspect("parameters", 0.5, _parameters, needs=("shape of the logits",)),
        Aspect("logits of a first window", 1.5, part("logits"), needs=("parameters",)),
        Aspect(
            "memory from window to window",
            1.5,
            part("logits of the next window"),
            needs=("logits of a first window",),
        ),
        Aspect(
            "the memory can be emptied",
            1.0,
            part("logits after forgetting"),
            needs=("memory from window to window",),
        ),
    ),
    axes=dict.fromkeys(
        ("logits", "logits of the next window", "logits after forgetting"),
        ("batch", "time", "class"),
    ),
    tolerance=1e-4,
    misconceptions=(
        Misconception(
            "forgets-between-windows",
            _model(stateful=lambda k, L: False),
            nudge="With which state does the second call of your model begin?",
            pointer=_MODEL_TEXT,
            explanation="Every call begins with empty memories.",
        ),
        Misconception(
            "only-the-top-remembers",
            _model(stateful=lambda k, L: k + 1 == L),
            nudge="Three layers have a memory. Which of them are told to keep it?",
            pointer=_MODEL_TEXT,
            explanation="Only the top layer keeps its state from call to call.",
        ),
        Misconception(
            "only-the-bottom-remembers",
            _model(stateful=lambda k, L: k == 0),
            nudge="Three layers have a memory. Which of them are told to keep it?",
            pointer=_MODEL_TEXT,
            explanation="Only the bottom layer keeps its state from call to call.",
        ),
        Misconception(
            "upper-layers-shared",
            _model(layer_of=lambda k: min(k, 1)),
            nudge="How many parameters should the model have? How many has yours?",
            pointer="Notebook 9, “One line from 2016”.",
            explanation="One layer stands in several places.",
        ),
        Misconception(
            "layers-in-another-order",
            _model(order=lambda cells: [cells[0], *cells[:0:-1]]),
            nudge="Which cell's weights does the second layer get?",
            pointer=_MODEL_TEXT,
            explanation="The upper layers stand in the reverse order.",
        ),
        Misconception(
            "answers-once-a-window",
            _model(sequences=False),
            nudge="How many answers are asked for in a window of 15 bits?",
            pointer=_MODEL_TEXT,
            explanation="The top layer gives its last output only, so there is one answer a window.",
        ),
        Misconception(
            "random-weights",
            _model(layers_set=False, read_out_set=False),
            nudge="Where does your model get its numbers from?",
            pointer=_MODEL_TEXT,
            explanation="The model still has the random weights that it was made with.",
        ),
        Misconception(
            "read-out-left-random",
            _model(read_out_set=False),
            nudge="Which layers of your model got the network's numbers, and which did not?",
            pointer="Read “Exercise 4: `same_model_in_keras`” again: what the network has.",
            explanation="The read-out still has the random weights that it was made with.",
        ),
        Misconception(
            "layers-left-random",
            _model(layers_set=False),
            nudge="Which layers of your model got the network's numbers, and which did not?",
            pointer="Read “Exercise 4: `same_model_in_keras`” again: what the network has.",
            explanation="Only the read-out has the network's weights. Its layers are as they were made.",
        ),
        Misconception(
            "gates-of-another-library",
            _model(weights=_tf1_order),
            nudge="Which order of gates does Keras use, and which one does this course?",
            pointer=_ORDER,
            explanation="You exchange the blocks f and g of each layer.",
        ),
        Misconception(
            "probabilities-for-logits",
            _model(read_out=lambda n: _tf().keras.layers.Dense(2, activation="softmax")),
            nudge="In which range do your model's answers lie, and in which the network's?",
            pointer=_MODEL_TEXT,
            explanation="There is a softmax at the end. The network gives logits.",
        ),
        Misconception(
            "tanh-at-the-end",
            _model(read_out=lambda n: _tf().keras.layers.Dense(2, activation="tanh")),
            nudge="In which range do your model's answers lie, and in which the network's?",
            pointer=_MODEL_TEXT,
            explanation="There is an activation at the end. The network gives plain logits.",
        ),
        Misconception(
            "read-out-without-bias",
            _model(
                read_out=lambda n: _tf().keras.layers.Dense(2, use_bias=False),
                out=lambda n: [n.W_out.numpy()],
            ),
            nudge="How many parameters should the model have? How many has yours?",
            pointer=_MODEL_TEXT,
            explanation="The read-out has no bias.",
        ),
    ),
    nudge="Compare layer by layer: number of parameters, weights, what goes up, what is kept.",
    pointer=_MODEL_TEXT,
    seconds=40.0,
    alternatives={
        "Sequential": _sequential,
        "StackedRNNCells in one layer": _stack_in_one_layer,
        "a class of one's own": _subclassed,
    },
)

# ------------------------------------------------------------------------------ diagnose


def _diagnose(patient: Any) -> str:
    from course_lib.clinic import diagnose

    return diagnose(patient)


Experiment = Callable[[Any], bool]


def _batch(patient: Any, B: int = 2, T: int = 4) -> Array:
    return np.random.default_rng(5).normal(size=(B, T, patient.features))


def _filled(patient: Any, B: int, c: float, h: float) -> list[LSTMStateTuple]:
    shape = (B, patient.units)
    return [LSTMStateTuple(c=np.full(shape, c), h=np.full(shape, h)) for _ in range(3)]


def _first_c(patient: Any, c: float, h: float) -> Array:
    """c of the bottom layer after one step that began with so much in every state."""
    x = _batch(patient, T=1)
    found: Array = patient.read(x, states=_filled(patient, 2, c, h)).states[0].c
    return found


def _moves(left: Any, right: Any) -> bool:
    return bool(np.abs(left - right).max() > 1e-9)


def _same_targets(patient: Any) -> bool:
    inputs, targets = patient.lesson([3, 1, 4, 1, 5])
    return bool(np.array_equal(inputs, targets))


def _sums_wrong(patient: Any) -> bool:
    return not np.allclose(patient.read(_batch(patient, 3, 5)).attention.sum(axis=1), 1)


def _equal_kernels(patient: Any) -> bool:
    return len({layer["recurrent_kernel"].tobytes() for layer in patient.weights()}) < 3


def _silent_without_input(patient: Any) -> bool:
    return not patient.read(np.zeros((1, 1, patient.features))).outputs.any()


def _other_first_step(patient: Any) -> bool:
    x = _batch(patient, T=1)
    first = patient.weights()[0]
    z = x[:, 0] @ first["kernel"] + first["bias"]
    i, _, g, o = np.split(z, 4, axis=1)
    h = np.tanh(np.tanh(g) / (1 + np.exp(-i))) / (1 + np.exp(-o))
    return _moves(h, patient.read(x).states[0].h)


def _deaf_to_states(patient: Any) -> bool:
    return not _moves(_first_c(patient, 0.0, 0.0), _first_c(patient, 1.0, 1.0))


def _deaf_to_c(patient: Any) -> bool:
    return not _moves(_first_c(patient, 0.0, 0.5), _first_c(patient, 1.0, 0.5))


def _reads_padding(patient: Any) -> bool:
    x, y = _batch(patient), _batch(patient)
    y[:, 3] += 1
    a, b = (patient.read(batch, [3, 2]) for batch in (x, y))
    return any(_moves(s.c, t.c) for s, t in zip(a.states, b.states, strict=True))


def _backwards(patient: Any) -> bool:
    x, y = _batch(patient), _batch(patient)
    y[:, 0] += 1
    return _moves(patient.read(x).backward[:, 3], patient.read(y).backward[:, 3])


def _gradient_gone(patient: Any) -> bool:
    return bool((patient.gradient(_batch(patient))[:, :-1] == 0).all())


EXPERIMENTS: dict[str, Experiment] = {
    "targets-not-shifted": _same_targets,
    "softmax-over-the-wrong-axis": _sums_wrong,
    "shared-layers": _equal_kernels,
    "no-bias": _silent_without_input,
    "gates-in-another-order": _other_first_step,
    "state-not-carried": _deaf_to_states,
    "forget-gate-on-h": _deaf_to_c,
    "padding-read": _reads_padding,
    "not-turned-back": _backwards,
    "gradient-cut": _gradient_gone,
}
"""In an order in which each may take for granted that the ones before were negative."""


def _examined(
    order: Sequence[str] = tuple(EXPERIMENTS),
    healthy: Any = HEALTHY,
    **others: Experiment,
) -> Callable[[Any], Any]:
    """One experiment after the other; names with underscores replace those of `EXPERIMENTS`."""
    changed = {name.replace("_", "-"): test for name, test in others.items()}
    tests = {**EXPERIMENTS, **changed}

    def answer(patient: Any) -> Any:
        return next((name for name in order if tests[name](patient)), healthy)

    return answer


def _never(patient: Any) -> bool:
    return False


def _square_total(patient: Any) -> bool:
    """Three sequences of three steps: every sum over everything is 3, over whichever axis."""
    return not np.isclose(patient.read(_batch(patient, 3, 3)).attention.sum(), 3)


def _sum_over_the_batch(patient: Any) -> bool:
    return not np.allclose(patient.read(_batch(patient, 3, 5)).attention.sum(axis=0), 1)


def _same_object(patient: Any) -> bool:
    layers = patient.weights()
    return any(layers[a]["kernel"] is layers[b]["kernel"] for a in range(3) for b in range(a))


def _equal_biases(patient: Any) -> bool:
    return len({layer["bias"].tobytes() for layer in patient.weights()}) < 3


def _padding_before_the_end(patient: Any) -> bool:
    x, y = _batch(patient), _batch(patient)
    y[:, 2:] += 1
    before, after = (patient.read(batch, [2, 2]).outputs[:, :2] for batch in (x, y))
    return _moves(before, after)


def _whole_row_changed(patient: Any) -> bool:
    x = _batch(patient)
    return not _moves(patient.read(x).backward[:, 3], patient.read(x + 1).backward[:, 3])


def _one_constant(patient: Any) -> bool:
    inputs, targets = patient.lesson([7, 7, 7])
    return bool(np.array_equal(inputs, targets))


def _gradient_of_the_last(patient: Any) -> bool:
    return bool((patient.gradient(_batch(patient))[:, -1] == 0).all())


def _first_step_with_memory(patient: Any) -> bool:
    """A whole step compared, from states that are not empty."""
    x = _batch(patient, T=1)
    first = patient.weights()[0]
    h, c = np.full((2, patient.units), 0.5), np.full((2, patient.units), 1.0)
    z = x[:, 0] @ first["kernel"] + h @ first["recurrent_kernel"] + first["bias"]
    i, f, g, _ = np.split(z, 4, axis=1)
    new_c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
    return _moves(new_c, patient.read(x, states=_filled(patient, 2, 1.0, 0.5)).states[0].c)


def _by_a_twin(patient: Any) -> str:
    """A healthy twin made of the patient's weights, and what the patient does otherwise."""
    H = patient.units
    layers = patient.weights()

    def sigmoid(z: Array) -> Array:
        return 1 / (1 + np.exp(-z))

    def twin(x: Array, start: float, *, bias: float = 1, swap: bool = False, on_h: bool = False):  # type: ignore[no-untyped-def]
        states = []
        ys = list(np.swapaxes(x, 0, 1))
        for layer in layers:
            h, c, out = np.full((len(x), H), start), np.full((len(x), H), start + start), []
            for y in ys:
                z = y @ layer["kernel"] + h @ layer["recurrent_kernel"] + bias * layer["bias"]
                i, f, g, o = z[:, :H], z[:, H : 2 * H], z[:, 2 * H : 3 * H], z[:, 3 * H :]
                if swap:
                    f, g = g, f
                c = sigmoid(f) * (h if on_h else c) + sigmoid(i) * np.tanh(g)
                h = sigmoid(o) * np.tanh(c)
                out.append(h)
            ys = out
            states.append(c)
        return states[-1]

    if _same_targets(patient):
        return "targets-not-shifted"
    if _equal_kernels(patient):
        return "shared-layers"
    if _sums_wrong(patient):
        return "softmax-over-the-wrong-axis"
    x = _batch(patient)
    seen = patient.read(x, states=_filled(patient, 2, 0.8, 0.4)).states[-1].c
    known = {
        "no-bias": twin(x, 0.4, bias=0),
        "gates-in-another-order": twin(x, 0.4, swap=True),
        "forget-gate-on-h": twin(x, 0.4, on_h=True),
        "state-not-carried": twin(x, 0.0),
    }
    for name, expected in known.items():
        if np.allclose(seen, expected):
            return name
    if not np.allclose(patient.read(x, [2, 2]).states[-1].c, twin(x[:, :2], 0.0)):
        return "padding-read"
    if _backwards(patient):
        return "not-turned-back"
    return "gradient-cut" if _gradient_gone(patient) else "healthy"


def _by_reach(patient: Any) -> str:
    """All symptoms first, then the judgement; who reads what is told by moving one step."""
    x = _batch(patient, 2, 3)

    def reach(pick: Callable[[Any], Array], lengths: list[int] | None = None) -> Array:
        rows = []
        for t in range(3):
            moved = x.copy()
            moved[:, t, :] -= 1.5
            change = np.abs(pick(patient.read(x, lengths)) - pick(patient.read(moved, lengths)))
            rows.append(change.reshape(2, -1).max(axis=1) > 1e-9)
        return np.array(rows).T

    signs = {
        "targets-not-shifted": _same_targets(patient),
        "softmax-over-the-wrong-axis": _sums_wrong(patient),
        "shared-layers": _equal_kernels(patient),
        "padding-read": reach(lambda seen: seen.states[-1].h, [2, 2])[:, 2].any(),
        "not-turned-back": reach(lambda seen: seen.backward[:, 2])[:, 0].any(),
        "gradient-cut": not patient.gradient(x)[:, 0].any(),
        "no-bias": _silent_without_input(patient),
        "gates-in-another-order": _other_first_step(patient),
        "state-not-carried": _deaf_to_states(patient),
        "forget-gate-on-h": _deaf_to_c(patient),
    }
    return next((name for name, positive in signs.items() if positive), "healthy")


WARDS = {
    "inside a step": ("forget-gate-on-h", "gates-in-another-order", "no-bias"),
    "between layers and calls": ("shared-layers", "state-not-carried"),
    "lengths and directions": ("padding-read", "not-turned-back"),
    "around the network": (
        "softmax-over-the-wrong-axis",
        "targets-not-shifted",
        "gradient-cut",
    ),
}
"""Troubles that are judged together. In every ward there are healthy ones, too."""


def _clinic_cases(rng: Rng) -> list[Case]:
    def card(name: str, equal: bool = False) -> dict[str, Any]:
        return {"name": name, "seed": int(rng.integers(2**31)), "equal biases": equal}

    cases = []
    for ward, names in WARDS.items():
        patients = [card(name) for name in names for _ in range(2)]
        patients += [card(HEALTHY), card(HEALTHY, equal=True)]
        order = rng.permutation(len(patients))
        kept = [patients[k] for k in order]
        cases.append(Case(f"ward “{ward}”", (), frozenset({ward}), kept))
    return cases


def _all_named(seen: Comparison) -> Difference | None:
    for wanted, got in zip(seen.expected.value, seen.actual.value, strict=True):
        if wanted != got:
            known = got in (HEALTHY, *NAMES)
            what = f"you say {got!r}" if known else f"{got!r} is none of the eleven names"
            return Difference(f"a patient is {wanted!r}, {what}")
    return None


_CLINIC = "Read “The clinic” again."

DIAGNOSE = Exercise(
    id="diagnose",
    probe="standard:ward",
    oracle=Clinic,
    by_hand=frozenset(),
    reference=_diagnose,
    cases=_clinic_cases,
    aspects=(
        Aspect("inside a step", 2.0, _all_named, tags=frozenset({"inside a step"})),
        Aspect(
            "between layers and calls",
            1.0,
            _all_named,
            tags=frozenset({"between layers and calls"}),
        ),
        Aspect(
            "lengths and directions", 1.0, _all_named, tags=frozenset({"lengths and directions"})
        ),
        Aspect("around the network", 2.0, _all_named, tags=frozenset({"around the network"})),
    ),
    misconceptions=(
        Misconception(
            "everybody-is-healthy",
            _examined(order=()),
            nudge="What would have to be seen for your function to name a trouble?",
            pointer=_CLINIC,
            explanation="Every patient is sent home as healthy.",
        ),
        Misconception(
            "nothing-said-of-the-healthy",
            _examined(healthy=None),
            nudge="What does your function return if no experiment finds anything?",
            pointer=_CLINIC,
            explanation="Of a healthy patient nothing is returned; it should be 'healthy'.",
        ),
        Misconception(
            "any-other-step-is-the-gates",
            _examined(order=("gates-in-another-order", *EXPERIMENTS)),
            nudge="A step that differs from yours: how many reasons are there for that?",
            pointer="Read “Which question first?” again.",
            explanation="A patient without a bias also computes another step than you, and you take "
            "that for another order of the gates. Ask about the bias first.",
        ),
        Misconception(
            "deaf-to-c-is-deaf",
            _examined(state_not_carried=_deaf_to_c),
            nudge="Which parts of the given states do you change, and which could a patient ignore?",
            pointer="Read “Which question first?” again.",
            explanation="You change c alone. A patient that ignores c need not ignore the whole "
            "state.",
        ),
        Misconception(
            "deaf-to-c-is-the-forget-gate",
            _examined(
                order=(
                    *(n for n in EXPERIMENTS if n != "state-not-carried"),
                    "state-not-carried",
                )
            ),
            nudge="A patient does not hear your c. Would it hear an h?",
            pointer="Read “Which question first?” again: the hint for c and h.",
            explanation="A patient that ignores all states ignores c, too. Ask for that before you "
            "blame the forget gate.",
        ),
        Misconception(
            "memory-compared-as-a-whole",
            _examined(
                order=("gates-in-another-order", *(n for n in EXPERIMENTS if n != "no-bias")),
                gates_in_another_order=_first_step_with_memory,
            ),
            nudge="Your step begins with a memory. Which troubles disturb such a step?",
            pointer="Read “Which question first?” again.",
            explanation="You compare a step that begins with c and h. Four troubles change it, and "
            "you name only one of them. Begin with nothing.",
        ),
        Misconception(
            "forget-gate-asked-from-nothing",
            _examined(forget_gate_on_h=_never),
            nudge="What does the forget gate keep if c and h are zero?",
            pointer="Read “Which question first?” again.",
            explanation="No experiment of yours gives the forget gate something to keep, and lets "
            "c and h differ.",
        ),
        Misconception(
            "same-object-asked-for",
            _examined(shared_layers=_same_object),
            nudge="`weights()` gives copies. When are two copies the same?",
            pointer=_CLINIC,
            explanation="You ask whether two arrays are the same object. They are copies; ask "
            "whether they hold the same numbers.",
        ),
        Misconception(
            "equal-biases-taken-for-shared",
            _examined(shared_layers=_equal_biases),
            nudge="Which of a layer's arrays may be equal to another layer's by right?",
            pointer=_CLINIC,
            explanation="Layers that begin with the same bias are no trouble. Look at the kernels.",
        ),
        Misconception(
            "padding-not-seen",
            _examined(padding_read=_padding_before_the_end),
            nudge="Which of your experiments changes padding, and where would a change show?",
            pointer="Read “Which question first?” again.",
            explanation="A patient that reads padding is not found. Do you give it `lengths` and "
            "change what lies behind the end? Outputs *before* the end cannot know of it; the final "
            "state can.",
        ),
        Misconception(
            "direction-not-seen",
            _examined(not_turned_back=_whole_row_changed),
            nudge="Which experiment tells you what a single backward output has read?",
            pointer="Notebook 10, “Who has read what?”.",
            explanation="Outputs that were not turned back are not found. To know who reads what, change "
            "a single step, not the whole row.",
        ),
        Misconception(
            "sum-over-everything",
            _examined(softmax_over_the_wrong_axis=_square_total),
            nudge="How many sequences, how many steps? What is the sum if the axis is the wrong one?",
            pointer="Read “Which question first?” again.",
            explanation="With as many sequences as steps, the sum over everything is the same for "
            "either axis.",
        ),
        Misconception(
            "sum-over-the-batch",
            _examined(softmax_over_the_wrong_axis=_sum_over_the_batch),
            nudge="Over which axis does a *healthy* attention add up to 1?",
            pointer="Read “The clinic” again: what a reading holds.",
            explanation="You ask whether the attention adds up to 1 over the batch. That is what the "
            "sick one does.",
        ),
        Misconception(
            "constant-series",
            _examined(targets_not_shifted=_one_constant),
            nudge="What does a series look like one step later, if all its numbers are equal?",
            pointer=_CLINIC,
            explanation="You teach a constant series: shifted or not, it looks the same.",
        ),
        Misconception(
            "gradient-at-the-last-step",
            _examined(gradient_cut=_gradient_of_the_last),
            nudge="At which step does a gradient end that has been cut?",
            pointer="Notebook 4, on gradients through time.",
            explanation="You look at the last step. There the gradient has not come through time "
            "at all.",
        ),
    ),
    nudge="Take `admit(name)` for the trouble that is missed, and do your experiments one by one.",
    pointer=_CLINIC,
    seconds=60.0,
    alternatives={
        "a list of experiments": _examined(),
        "a healthy twin": _by_a_twin,
        "all symptoms first": _by_reach,
    },
)

SHOWN = (
    "cells/base_tf.py",
    "cells/gated.py",
    "cells/gru.py",
    "cells/gru_tf.py",
    "cells/lstm.py",
    "cells/lstm_tf.py",
    "cells/rnn.py",
    "cells/rnn_tf.py",
    "cells/stack.py",
    "cells/state.py",
    "echo.py",
    "masking.py",
    "patients.py",
    "unroll/dynamic.py",
    "plots/speed.py",
)
"""What of ``course_lib`` a grading kernel shows: what ordinary cells and probes need, and no answer."""

EXERCISES = (
    TO_KERAS,
    FROM_KERAS,
    HOIST_INPUT_PROJECTION,
    SAME_MODEL_IN_KERAS,
    DIAGNOSE,
)
