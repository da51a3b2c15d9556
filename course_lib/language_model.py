"""A character model: reads a text and says, after every character, what may come next.

h_t = cell(one_hot(id_t), h_{t-1}),    p(id_{t+1}) = softmax(h_t W_out + b_out)
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.cells.gru_tf import GRUCell
from course_lib.cells.stack import make_multi_cell
from course_lib.initializers import glorot_uniform
from course_lib.quiet import tf
from course_lib.unroll.dynamic import dynamic_rnn


class CharacterModel(tf.Module):
    """A stack of cells over one-hot characters, and a projection back to characters.

    Args:
        vocabulary: V.
        units: H of every layer.
        layers: the slides have 3.
        make_cell: the class of the cells; called as `make_cell(units, input_size, seed=...)`.
        seed: of all first weights.

    Source: seed 003, "A many-to-many example".

    >>> model = CharacterModel(vocabulary=39, units=8)
    >>> logits, state = model(np.zeros((2, 5), np.int64), model.zero_state(2))
    >>> logits.shape.as_list()
    [2, 5, 39]
    """

    def __init__(
        self,
        vocabulary: int,
        units: int,
        *,
        layers: int = 1,
        make_cell: Callable[..., Any] = GRUCell,
        seed: int = 0,
    ):
        super().__init__()
        self.vocabulary = vocabulary
        self.cell = make_multi_cell(units, layers, vocabulary, seed=seed, make_cell=make_cell)
        draw = glorot_uniform(units, vocabulary, np.random.default_rng([seed, 6]))
        self.W_out = tf.Variable(draw, dtype=tf.float32, name="W_out")
        self.b_out = tf.Variable(tf.zeros(vocabulary), name="b_out")

    def __call__(self, ids: Any, state: Any) -> tuple[Any, Any]:
        """Characters `(B, T)` and a state to logits `(B, T, V)` and the state after them."""
        outputs, state = dynamic_rnn(self.cell, tf.one_hot(ids, self.vocabulary), state)
        return outputs @ self.W_out + self.b_out, state

    def zero_state(self, batch: Any) -> Any:
        """The state before a text begins."""
        return self.cell.zero_state(batch)

    def loss(self, inputs: Any, targets: Any) -> Any:
        """The mean cross-entropy of the targets `(B, T)` in nats, each row from a state of zeros."""
        logits, _ = self(inputs, self.zero_state(tf.shape(inputs)[0]))
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
        )

    def step(self, ids: Any, state: Any) -> tuple[Any, Any]:
        """One character a row, `(B,)`, to logits `(B, V)`: what `generate_text` takes."""
        output, state = self.cell(tf.one_hot(ids, self.vocabulary), state)
        return output @ self.W_out + self.b_out, state
