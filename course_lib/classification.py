"""One answer for a whole sequence: a bidirectional network and a projection to classes.

The slide projects the last word of each direction, adds the two, and projects the sum. That is one
projection of both words side by side, since [f, b] [W_f; W_b] = f W_f + b W_b.
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
    W_fw: Any, b_fw: Any, W_bw: Any, b_bw: Any, W_out: Any, b_out: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The slide's three projections as the single one that they are.

    Args:
        W_fw, b_fw: project the forward direction's last word, `(H_fw, E)` and `(E,)`.
        W_bw, b_bw: likewise of the backward direction, `(H_bw, E)` and `(E,)`.
        W_out, b_out: project the sum of both to the classes, `(E, C)` and `(C,)`.

    Returns:
        W, `(H_fw + H_bw, C)`, and b, `(C,)`, such that `[fw, bw] W + b` is
        `((fw W_fw + b_fw) + (bw W_bw + b_bw)) W_out + b_out` for whatever fw and bw.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    Source: seed 003, "A many-to-one example (code)".

    >>> W, b = add_equals_concat([[1.0]], [1.0], [[2.0]], [0.0], [[3.0]], [0.5])
    >>> W.tolist(), b.tolist()
    ([[3.0], [6.0]], [3.5])
    """
    W_fw, b_fw, W_bw, b_bw, W_out, b_out = map(np.asarray, (W_fw, b_fw, W_bw, b_bw, W_out, b_out))
    _, middle = check_shape("W_fw", W_fw, ("hidden", "middle"))
    like_fw = (middle, f"W_fw has middle {middle}")
    check_shape("W_bw", W_bw, ("hidden", "middle"), middle=like_fw)
    for name, bias in (("b_fw", b_fw), ("b_bw", b_bw)):
        check_shape(name, bias, ("middle",), middle=like_fw)
    _, classes = check_shape("W_out", W_out, ("middle", "classes"), middle=like_fw)
    check_shape("b_out", b_out, ("classes",), classes=(classes, f"W_out has classes {classes}"))
    W = np.concatenate([W_fw, W_bw], axis=0) @ W_out
    return W, (b_fw + b_bw) @ W_out + b_out


def classify_bytes(texts: Any, lengths: Any, fw: Any, bw: Any, W: Any, b: Any) -> Any:
    """Texts of bytes to logits: the slide's classifier, repaired.

    Args:
        texts: `(B, T)` whole numbers under 128; what stands past a text's end does not matter as
            long as it is under 128, too.
        lengths: `(B,)` from 1 to T.
        fw, bw: two cells with weights of their own, on one-hot vectors of 128.
        W, b: `(H_fw + H_bw, C)` and `(C,)`.

    Returns:
        Logits, `(B, C)`.

    Raises:
        tf.errors.InvalidArgumentError: there is a byte over 127, also inside a graph.

    Source: seed 003, "A many-to-one example (code)".

    >>> from course_lib import GRUCell
    >>> cells = GRUCell(5, 128, seed=1), GRUCell(6, 128, seed=2)
    >>> classify_bytes([[97, 98, 0]], [2], *cells, tf.ones([11, 4]), tf.zeros(4)).shape.as_list()
    [1, 4]
    """
    texts = tf.cast(texts, tf.int32)
    with tf.control_dependencies([tf.debugging.assert_less(texts, 128)]):
        x = tf.one_hot(texts, 128)
    (outputs_fw, outputs_bw), _ = bidirectional_dynamic_rnn(fw, bw, x, sequence_length=lengths)
    return many_to_one(outputs_fw, outputs_bw, lengths) @ W + b


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
