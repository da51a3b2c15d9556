"""Cells on top of one another: the output of each layer is the input of the next.

    h^1_t, s^1_t = cell_1(x_t,   s^1_{t-1})
    h^2_t, s^2_t = cell_2(h^1_t, s^2_{t-1})
    ...                                              output: the top layer's, state: everyone's

A stack is itself a cell, so one loop over time runs all layers, which is also the fast way.
"""

from collections.abc import Callable, Sequence
from typing import Any

from course_lib.cells.base_tf import Cell
from course_lib.cells.lstm import lstm_parameter_count
from course_lib.cells.lstm_tf import LSTMCell
from course_lib.shapes import ShapeError, shape_of


def multi_rnn_step(
    cells: Sequence[Callable[[Any, Any], tuple[Any, Any]]], x: Any, states: Sequence[Any]
) -> tuple[Any, tuple[Any, ...]]:
    """One time step through all layers.

    Args:
        cells: L steps `step(x, state) -> (output, state)`, from the bottom to the top.
        x: the input of the bottom layer, `(B, D)`.
        states: L states, one a layer.

    Returns:
        The output of the top layer, and the L new states.

    Raises:
        ShapeError: there are not as many states as cells.

    Source: seeds 000 and 002, `MultiRNNCell`.

    >>> add = lambda x, state: (x + state, state + 1)
    >>> multi_rnn_step([add, add], 1, (10, 100))
    (111, (11, 101))
    """
    if len(states) != len(cells):
        raise ShapeError(f"states: layers is {len(states)}, expected {len(cells)} (the cells)")
    new_states = []
    for cell, state in zip(cells, states, strict=True):
        x, state = cell(x, state)
        new_states.append(state)
    return x, tuple(new_states)


class MultiRNNCell(Cell):
    """A stack of cells: `cell(x, states) -> (output of the top layer, new states)`.

    Args:
        cells: from the bottom to the top. Each must be a cell of its own: `[cell] * 3`, as seed 002
            writes it, is one cell with one set of weights in three places.

    Raises:
        ValueError: there is no cell, one cell stands twice, or the sizes or dtypes do not fit.

    >>> from course_lib.quiet import tf
    >>> stack = MultiRNNCell([LSTMCell(10, 2), LSTMCell(10, 10, seed=1)])
    >>> output, states = stack(tf.zeros([3, 2]), stack.zero_state(3))
    >>> output.shape.as_list(), len(states), stack.parameter_count
    ([3, 10], 2, 1360)
    """

    def __init__(self, cells: Sequence[Any]):
        super().__init__()
        if not cells:
            raise ValueError("cells: layers is 0, expected at least 1")
        for upper in range(1, len(cells)):
            for lower in range(upper):
                if cells[upper] is cells[lower]:
                    raise ValueError(
                        f"cells: layer {upper + 1} is the very cell of layer {lower + 1}, so they "
                        "would share weights; make a new cell for each layer"
                    )
            below, cell = cells[upper - 1], cells[upper]
            if cell.input_size != below.output_size:
                raise ShapeError(
                    f"cells: input_size of layer {upper + 1} is {cell.input_size}, expected "
                    f"{below.output_size} (the output of layer {upper})"
                )
            if cell.dtype != below.dtype:
                raise ValueError(
                    f"cells: dtype of layer {upper + 1} is {cell.dtype.name}, expected "
                    f"{below.dtype.name} (the dtype of layer {upper})"
                )
        self.cells = list(cells)
        self.dtype, self.input_size = cells[0].dtype, cells[0].input_size

    @property
    def state_size(self) -> tuple[Any, ...]:
        """One entry a layer, as the layer gives it."""
        return tuple(cell.state_size for cell in self.cells)

    @property
    def output_size(self) -> int:
        """What the top layer puts out."""
        return int(self.cells[-1].output_size)

    def __call__(self, x: Any, state: Any) -> tuple[Any, tuple[Any, ...]]:
        """One step: `(B, D)` and L states to the top layer's output and L new states."""
        return multi_rnn_step(self.cells, x, state)


def make_multi_cell(
    state_dim: int, num_layers: int, input_size: int, *, seed: int = 0, make_cell: Any = LSTMCell
) -> MultiRNNCell:
    """A stack of fresh cells, each with weights of its own.

    Args:
        state_dim: H of every layer.
        num_layers: L.
        input_size: D, what the bottom layer reads; the others read H features.
        seed: the draw of all first weights; every layer gets another one from it.
        make_cell: the class of the cells; called as `make_cell(units, input_size, seed=...)`.

    Source: seed 000's factory.

    >>> make_multi_cell(state_dim=10, num_layers=5, input_size=2).parameter_count
    3880
    """
    if num_layers < 1:
        raise ValueError(f"num_layers: is {num_layers}, expected at least 1")
    # Strides of 1000 keep stacks of neighbouring seeds from sharing a layer.
    return MultiRNNCell(
        [
            make_cell(state_dim, input_size if layer == 0 else state_dim, seed=1000 * seed + layer)
            for layer in range(num_layers)
        ]
    )


def stack_parameter_count(D: int, H: int, L: int) -> int:
    """How many parameters L layers of LSTM have: only the bottom one reads D features.

    Source: seed 000, five layers of 10 on two features.

    >>> stack_parameter_count(D=2, H=10, L=5)
    3880
    """
    return lstm_parameter_count(D, H) + (L - 1) * lstm_parameter_count(H, H)


def describe_states(states: Sequence[Any]) -> str:
    """The table of states that seed 000 prints, with the names right.

    What the seed calls "hidden state" is the cell state c, its "activation state" is h.

    Args:
        states: one `LSTMStateTuple(c, h)` or one plain state a layer, from the bottom to the top.

    >>> import numpy as np
    >>> from course_lib.cells.state import LSTMStateTuple
    >>> print(describe_states([LSTMStateTuple(np.zeros((1, 10)), np.zeros((1, 10)))]))
    layer 1  cell state c    (1, 10)
    layer 1  hidden state h  (1, 10)
    """
    lines = []
    for layer, state in enumerate(states, start=1):
        named = (
            [("cell state c", state.c), ("hidden state h", state.h)]
            if hasattr(state, "c")
            else [("hidden state h", state)]
        )
        lines += [f"layer {layer}  {name:<14}  {shape_of(name, part)}" for name, part in named]
    return "\n".join(lines)
