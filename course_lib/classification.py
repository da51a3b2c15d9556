"""One answer for a whole sequence: a bidirectional network and a projection to classes.

The slide projects the last word of each direction and adds the two. That is one projection of both
words side by side, since [f, b] [W_f; W_b] = f W_f + b W_b.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.cells.gru_tf import GRUCell
from course_lib.initializers import glorot_uniform
from course_lib.quiet import tf
from course_lib.shapes import check_shape
from course_lib.unroll.bidirectional import bidirectional_dynamic_rnn, many_to_one


def add_equals_concat(
    fw: Any, bw: Any, W_fw: Any, W_bw: Any, b: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Both ways of joining two directions, to be compared.

    Args:
        fw, bw: the last word of each direction, `(B, H)`.
        W_fw, W_bw: `(H, C)` each.
        b: `(C,)`.

    Returns:
        `fw W_fw + bw W_bw + b`, and `[fw, bw] [W_fw; W_bw] + b`, `(B, C)` each: equal.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    Source: seed 003, "A many-to-one example (code)".

    >>> one, other = add_equals_concat([[1.0]], [[2.0]], [[3.0]], [[4.0]], [5.0])
    >>> one, other
    (array([[16.]]), array([[16.]]))
    """
    fw, bw, W_fw, W_bw, b = (np.asarray(part) for part in (fw, bw, W_fw, W_bw, b))
    batch, hidden = check_shape("fw", fw, ("batch", "hidden"))
    _, hidden_bw = check_shape("bw", bw, ("batch", "hidden"), batch=batch)
    _, classes = check_shape(
        "W_fw", W_fw, ("hidden", "classes"), hidden=(hidden, f"fw has hidden {hidden}")
    )
    check_shape(
        "W_bw",
        W_bw,
        ("hidden", "classes"),
        hidden=(hidden_bw, f"bw has hidden {hidden_bw}"),
        classes=(classes, f"W_fw has classes {classes}"),
    )
    check_shape("b", b, ("classes",), classes=(classes, f"W_fw has classes {classes}"))
    added = fw @ W_fw + bw @ W_bw + b
    joined = np.concatenate([fw, bw], axis=1) @ np.concatenate([W_fw, W_bw], axis=0) + b
    return added, joined


class SequenceClassifier(tf.Module):
    """Reads a sequence in both directions and says which class it belongs to.

    Args:
        classes: C.
        input_size: D.
        units: H of each direction.
        seed: of all first weights.
        make_cell: the class of both cells; called as `make_cell(units, input_size, seed=...)`.

    Source: seed 003's classifier, with logits that no relu cuts off.

    >>> classifier = SequenceClassifier(classes=4, input_size=128, units=8)
    >>> classifier(tf.zeros([2, 6, 128]), lengths=[6, 3]).shape.as_list()
    [2, 4]
    """

    def __init__(
        self,
        classes: int,
        input_size: int,
        units: int,
        *,
        seed: int = 0,
        make_cell: Callable[..., Any] = GRUCell,
    ):
        super().__init__()
        self.forward = make_cell(units, input_size, seed=2 * seed)
        self.backward = make_cell(units, input_size, seed=2 * seed + 1)
        draw = glorot_uniform(2 * units, classes, np.random.default_rng([seed, 3]))
        self.W_out = tf.Variable(draw, dtype=self.forward.dtype, name="W_out")
        self.b_out = tf.Variable(tf.zeros(classes, self.forward.dtype), name="b_out")

    def __call__(self, x: Any, lengths: Any = None) -> Any:
        """Sequences `(B, T, D)` to logits `(B, C)`."""
        (fw, bw), _ = bidirectional_dynamic_rnn(
            self.forward, self.backward, x, sequence_length=lengths
        )
        if lengths is None:
            lengths = tf.fill([tf.shape(fw)[0]], tf.shape(fw)[1])
        return many_to_one(fw, bw, lengths) @ self.W_out + self.b_out

    def loss(self, x: Any, y: Any, lengths: Any = None) -> Any:
        """The mean cross-entropy of labels `(B,)`, in nats."""
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=self(x, lengths))
        )
