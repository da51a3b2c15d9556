"""The cells of the slides (seed 003): as printed, and repaired.

The slides keep one pair of matrices and a bias for each gate, so a cell's weights are given here as
`{"F": (A, B, b), ...}` with `A (D, H)`, `B (H, H)` and `b (H,)`. The printed code never adds its
biases (and could not: they have shape (H, H)), and makes new variables at every call; both printed
versions below take the weights as arguments, since with fresh ones no two steps would be alike.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from course_lib.cells.gated import sigmoid
from course_lib.shapes import check_no_nan, check_shape, float_array

Gates = Mapping[str, tuple[Any, Any, Any]]


def slide_rnn_cell(
    x: Any, state: Any, Au: Any, Bu: Any, Av: Any, Bv: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The slides' basic cell, whose output is not its state.

        output    = relu(x Au + state Bu)
        new_state = tanh(x Av + state Bv)

    Both look at the *old* state.

    Args:
        x: `(B, D)`.
        state: `(B, H)`.
        Au, Bu: weights of the output, `(D, O)` and `(H, O)`.
        Av, Bv: weights of the state, `(D, H)` and `(H, H)`.

    Returns:
        `(output, new_state)`, `(B, O)` and `(B, H)`.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    Source: seed 003, "The Basic RNN Cell (code)".

    >>> output, state = slide_rnn_cell([[1.0]], [[1.0]], [[-3.0]], [[1.0]], [[0.0]], [[1.0]])
    >>> output, state.round(4)
    (array([[0.]]), array([[0.7616]]))
    """
    x, state = float_array("x", x), float_array("state", state)
    batch, features = check_shape("x", x, ("batch", "features"))
    _, hidden = check_shape(
        "state", state, ("batch", "hidden"), batch=(batch, f"x has batch {batch}")
    )
    check_no_nan("x", x, ("batch", "features"))
    check_no_nan("state", state, ("batch", "hidden"))
    Au, Bu, Av, Bv = (
        float_array(name, weights, x.dtype)
        for name, weights in (("Au", Au), ("Bu", Bu), ("Av", Av), ("Bv", Bv))
    )
    from_x = (features, f"x has features {features}")
    from_state = (hidden, f"state has hidden {hidden}")
    _, out = check_shape("Au", Au, ("features", "outputs"), features=from_x)
    check_shape(
        "Bu", Bu, ("hidden", "outputs"), hidden=from_state, outputs=(out, f"Au has outputs {out}")
    )
    check_shape("Av", Av, ("features", "hidden"), features=from_x, hidden=from_state)
    check_shape("Bv", Bv, ("rows", "columns"), rows=from_state, columns=from_state)

    output = np.maximum(x @ Au + state @ Bu, 0)
    new_state = np.tanh(x @ Av + state @ Bv)
    return output, new_state


def slide_lstm_as_printed(
    x: Any, output: Any, state: Any, gates: Gates
) -> tuple[np.ndarray, np.ndarray]:
    """The slides' LSTM with its mistake: the forget gate meets the output instead of the state.

        new_state = output * F + I * S          (and no bias in any gate)

    The cell therefore cannot remember: nothing of `state` reaches `new_state`.

    Args and result as for `repair_slide_lstm`.

    >>> zero, weights = np.zeros((1, 1)), {gate: ([[0.0]], [[0.0]], [9.0]) for gate in "FIOS"}
    >>> slide_lstm_as_printed(zero, zero, [[1.0]], weights)[1]  # the state 1 is gone
    array([[0.]])
    """
    x, output, state = _slide_inputs(x, output, state)
    F = _gate(x, output, gates, "F", sigmoid, with_bias=False)
    I = _gate(x, output, gates, "I", sigmoid, with_bias=False)  # noqa: E741  (the slide's letter)
    O = _gate(x, output, gates, "O", sigmoid, with_bias=False)  # noqa: E741
    S = _gate(x, output, gates, "S", np.tanh, with_bias=False)
    new_state = output * F + I * S
    return O * np.tanh(new_state), new_state


def repair_slide_lstm(
    x: Any, output: Any, state: Any, gates: Gates
) -> tuple[np.ndarray, np.ndarray]:
    """The slides' LSTM, repaired: it forgets the state, and every gate has its bias.

        F, I, O   = sigmoid(x A + output B + b)       each with its own A, B, b
        S         = tanh(x A + output B + b)
        new_state = state * F + I * S
        output    = O * tanh(new_state)

    Args:
        x: `(B, D)`.
        output: the output before the step, `(B, H)`: what the rest of the course calls h.
        state: the state before the step, `(B, H)`: what the rest of the course calls c.
        gates: `{"F": (A, B, b), "I": ..., "O": ..., "S": ...}`.

    Returns:
        `(output, new_state)`, `(B, H)` each.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    Source: seed 003, "The LSTM Cell (code)".

    >>> zero, weights = np.zeros((1, 1)), {gate: ([[0.0]], [[0.0]], [9.0]) for gate in "FIOS"}
    >>> repair_slide_lstm(zero, zero, [[1.0]], weights)[1].round(2)  # kept, and S added
    array([[2.]])
    """
    x, output, state = _slide_inputs(x, output, state)
    F = _gate(x, output, gates, "F", sigmoid, with_bias=True)
    I = _gate(x, output, gates, "I", sigmoid, with_bias=True)  # noqa: E741  (the slide's letter)
    O = _gate(x, output, gates, "O", sigmoid, with_bias=True)  # noqa: E741
    S = _gate(x, output, gates, "S", np.tanh, with_bias=True)
    new_state = state * F + I * S
    return O * np.tanh(new_state), new_state


def slide_gru_as_printed(x: Any, output: Any, gates: Gates) -> np.ndarray:
    """The slides' GRU with its mistakes: R does the work of both gates, and O has no tanh.

        new_output = R * output + (1 - R) * (x A + (R * output) B)         (U is never used)

    As printed it would not even run: the call for O leaves out the activation that the function
    demands. The obvious reading, no activation, lets the output grow without bound.

    Args and result as for `repair_slide_gru`.

    >>> weights = {gate: ([[0.0]], [[0.0]], [9.0]) for gate in "URO"}
    >>> slide_gru_as_printed([[0.0]], [[1.0]], weights)
    array([[0.5]])
    """
    x, output, _ = _slide_inputs(x, output, output)
    R = _gate(x, output, gates, "R", sigmoid, with_bias=False)
    O = _gate(x, R * output, gates, "O", lambda z: z, with_bias=False)  # noqa: E741
    new_output: np.ndarray = R * output + (1 - R) * O
    return new_output


def repair_slide_gru(x: Any, output: Any, gates: Gates) -> np.ndarray:
    """The slides' GRU, repaired.

        U, R       = sigmoid(x A + output B + b)             each with its own A, B, b
        O          = tanh(x A + (R * output) B + b)
        new_output = U * output + (1 - U) * O

    Args:
        x: `(B, D)`.
        output: the output before the step, `(B, H)`, which is also the state.
        gates: `{"U": (A, B, b), "R": ..., "O": ...}`.

    Returns:
        The new output, `(B, H)`.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    Source: seed 003, "The GRU Cell (code)"; equal to `gru_step` with `reset_after=False`.

    >>> weights = {gate: ([[0.0]], [[0.0]], [9.0]) for gate in "URO"}
    >>> repair_slide_gru([[0.0]], [[1.0]], weights).round(3)
    array([[1.]])
    """
    x, output, _ = _slide_inputs(x, output, output)
    U = _gate(x, output, gates, "U", sigmoid, with_bias=True)
    R = _gate(x, output, gates, "R", sigmoid, with_bias=True)
    O = _gate(x, R * output, gates, "O", np.tanh, with_bias=True)  # noqa: E741
    new_output: np.ndarray = U * output + (1 - U) * O
    return new_output


def _slide_inputs(x: Any, output: Any, state: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, output, state = (
        float_array(name, value) for name, value in (("x", x), ("output", output), ("state", state))
    )
    batch, _ = check_shape("x", x, ("batch", "features"))
    batch_why = (batch, f"x has batch {batch}")
    _, hidden = check_shape("output", output, ("batch", "hidden"), batch=batch_why)
    check_shape(
        "state",
        state,
        ("batch", "hidden"),
        batch=batch_why,
        hidden=(hidden, f"output has hidden {hidden}"),
    )
    return x, output, state


def _gate(
    x: np.ndarray,
    h: np.ndarray,
    gates: Gates,
    name: str,
    activation: Callable[[np.ndarray], np.ndarray],
    with_bias: bool,
) -> np.ndarray:
    A, B, b = (float_array(f"gates[{name!r}]", weights, x.dtype) for weights in gates[name])
    hidden = (h.shape[1], f"the output has hidden {h.shape[1]}")
    check_shape(
        f"A of gate {name}",
        A,
        ("features", "hidden"),
        features=(x.shape[1], f"x has features {x.shape[1]}"),
        hidden=hidden,
    )
    check_shape(f"B of gate {name}", B, ("rows", "columns"), rows=hidden, columns=hidden)
    check_shape(f"b of gate {name}", b, ("hidden",), hidden=hidden)
    return activation(x @ A + h @ B + (b if with_bias else 0.0))
