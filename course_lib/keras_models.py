"""Networks of the course, built once more from `keras.layers`."""

from typing import Any

from course_lib.layouts import to_keras
from course_lib.quiet import tf


def same_model_in_keras(network: Any, batch: int) -> Any:
    """The deep echo network as a Keras model that remembers from one call to the next.

    Args:
        network: an `EchoNetwork`: a stack of LSTM cells and a projection.
        batch: B. A layer that keeps its state has to know how many it keeps.

    Returns:
        A `keras.Model` from `(B, T, 1)` to logits `(B, T, 2)`, with the network's weights.

    >>> from course_lib import EchoNetwork
    >>> model = same_model_in_keras(EchoNetwork(units=4, layers=3), batch=5)
    >>> model.count_params(), model.output_shape
    (394, (5, None, 2))
    """
    layers = tf.keras.layers
    x = tf.keras.Input(batch_shape=(batch, None, 1))
    y = x
    for cell in network.cell.cells:
        layer = layers.LSTM(cell.units, return_sequences=True, stateful=True)
        y = layer(y)
        layer.set_weights(to_keras(cell).get_weights())
    read_out = layers.Dense(2)
    model = tf.keras.Model(x, read_out(y))
    read_out.set_weights([network.W_out.numpy(), network.b_out.numpy()])
    return model
