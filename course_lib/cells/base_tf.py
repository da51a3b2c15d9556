"""What all cells of the course have in common: zero states and parameter counts."""

from typing import Any

import numpy as np

from course_lib.quiet import tf
from course_lib.shapes import DTypeError, float_array


class Cell(tf.Module):
    """One step of a recurrent network with weights of its own.

    A subclass makes its variables and defines `__call__(x, state) -> (output, state)`,
    `state_size` (an int, or a nested tuple of ints) and `output_size`.
    """

    dtype: Any
    input_size: int

    @property
    def state_size(self) -> Any:
        """H, or a nested tuple of sizes with the structure of the state."""
        raise NotImplementedError

    @property
    def output_size(self) -> int:
        """How many features the output has."""
        raise NotImplementedError

    def __call__(self, x: Any, state: Any) -> tuple[Any, Any]:
        """One step: `(B, D)` and a state to `(output, new state)`."""
        raise NotImplementedError

    def zero_state(self, batch_size: Any, dtype: Any = None) -> Any:
        """A state of zeros, `(B, size)` for every size in `state_size`.

        Args:
            batch_size: B; an int, or a scalar tensor inside a graph.
            dtype: the cell's own by default.
        """
        return tf.nest.map_structure(
            lambda size: tf.zeros([batch_size, size], dtype or self.dtype), self.state_size
        )

    @staticmethod
    def check_sizes(units: int, input_size: int) -> None:
        """Refuse a cell without units or without inputs."""
        for name, size in (("units", units), ("input_size", input_size)):
            if size < 1:
                raise ValueError(f"{name}: is {size}, expected at least 1")

    @property
    def parameter_count(self) -> int:
        """How many numbers training can change."""
        return sum(int(np.prod(v.shape)) for v in self.trainable_variables)


def tensor_like(name: str, value: Any, dtype: Any) -> Any:
    """`value` as a tensor of `dtype`; arrays and lists are cast, a tensor of another type refused.

    Raises:
        DTypeError: naming the argument; TensorFlow itself would only say which op failed.
    """
    dtype = tf.as_dtype(dtype)
    if not tf.is_tensor(value):
        return tf.convert_to_tensor(float_array(name, value).astype(dtype.as_numpy_dtype))
    if value.dtype.base_dtype != dtype:
        raise DTypeError(f"{name}: dtype is {value.dtype.base_dtype.name}, expected {dtype.name}")
    return tf.convert_to_tensor(value)
