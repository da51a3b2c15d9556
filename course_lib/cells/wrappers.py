"""A cell inside another: residual connections and dropout, for any cell.

    residual:  output = x + cell(x, state)
    dropout:   output = mask * cell(mask' * x, state) / keep

Both leave the state alone: what a cell carries through time is neither added to nor dropped.
"""

from typing import Any

from course_lib.cells.base_tf import Cell
from course_lib.quiet import tf
from course_lib.shapes import ShapeError


class _Wrapper(Cell):
    """A cell that answers for the one inside it."""

    def __init__(self, cell: Any):
        super().__init__()
        self.cell = cell
        self.dtype, self.input_size = cell.dtype, cell.input_size

    @property
    def state_size(self) -> Any:
        """That of the cell inside."""
        return self.cell.state_size

    @property
    def output_size(self) -> int:
        """That of the cell inside."""
        return int(self.cell.output_size)


class ResidualWrapper(_Wrapper):
    """Adds the input to the output, so that a deep stack starts out near the identity.

    Args:
        cell: a cell whose output has as many features as its input.

    Raises:
        ShapeError: it has not.

    Source: Wu et al. 2016, section 3.1, eq. 6.

    >>> from course_lib.cells.rnn_tf import BasicRNNCell
    >>> plain = BasicRNNCell(3, input_size=3)
    >>> x = tf.ones([2, 3])
    >>> output, state = ResidualWrapper(plain)(x, plain.zero_state(2))
    >>> bool(tf.reduce_all(output == x + plain(x, plain.zero_state(2))[0]))
    True
    """

    def __init__(self, cell: Any):
        super().__init__(cell)
        if cell.output_size != cell.input_size:
            raise ShapeError(
                f"cell: output_size is {cell.output_size}, expected {cell.input_size} "
                "(its input_size: the two are added)"
            )

    def __call__(self, x: Any, state: Any) -> tuple[Any, Any]:
        """One step of the cell inside; `x` is added to its output."""
        output, state = self.cell(x, state)
        return tf.convert_to_tensor(x, output.dtype) + output, state


class DropoutWrapper(_Wrapper):
    """Drops inputs and outputs while training: between layers, never on the recurrent path.

    Each entry is set to 0 with the given rate and otherwise divided by 1 - rate, so that its mean
    stays as it is. The masks are drawn anew at every time step.

    Args:
        cell: any cell.
        rate: share of the outputs to drop, from 0 up to but not including 1.
        input_rate: share of the inputs to drop.
        seed: of the masks; two wrappers with one seed draw the same masks.

    Attributes:
        training: a boolean variable; `wrapper.training.assign(False)` switches dropping off, in
            graphs that have already been traced, too.

    Source: Zaremba, Sutskever and Vinyals 2014, section 3.1.

    >>> from course_lib.cells.rnn_tf import BasicRNNCell
    >>> cell = DropoutWrapper(BasicRNNCell(100, input_size=3), rate=0.5)
    >>> output, _ = cell(tf.ones([20, 3]), cell.zero_state(20))
    >>> round(float(tf.reduce_mean(tf.cast(output == 0, tf.float32))), 1)
    0.5
    """

    def __init__(self, cell: Any, rate: float, *, input_rate: float = 0.0, seed: int = 0):
        super().__init__(cell)
        for name, value in (("rate", rate), ("input_rate", input_rate)):
            if not 0 <= value < 1:
                raise ValueError(f"{name}: is {value}, expected at least 0 and less than 1")
        self.rate, self.input_rate = rate, input_rate
        self.training = tf.Variable(True, trainable=False, name="training")
        self.generator = tf.random.Generator.from_seed(seed)

    def __call__(self, x: Any, state: Any) -> tuple[Any, Any]:
        """One step of the cell inside, with masks on its input and output but not on its state."""
        x = tf.convert_to_tensor(x, None if tf.is_tensor(x) else self.dtype)
        output, state = self.cell(self._drop(x, self.input_rate), state)
        return self._drop(output, self.rate), state

    def _drop(self, values: Any, rate: float) -> Any:
        if rate == 0:
            return values
        draw = self.generator.uniform(tf.shape(values), dtype=values.dtype)
        dropped = tf.where(draw < rate, tf.zeros_like(values), values / (1 - rate))
        return tf.where(self.training, dropped, values)
