"""From the outputs of a network to its targets: projection, error, and baselines to beat.

pred[b, t] = outputs[b, t] W_out + b_out        the same weights at every step
mse = mean over b and t of (pred - target)^2
"""

from typing import Any

import numpy as np

from course_lib.shapes import ShapeError, check_shape, is_tensor, shape_of


def project(outputs: Any, W_out: Any, b_out: Any) -> Any:
    """One number for each step: a matrix product that applies to the last axis.

    Args:
        outputs: `(B, T, H)`.
        W_out: `(H, 1)`.
        b_out: `(1,)`.

    Returns:
        `(B, T)`; a tensor if any argument is one. Only the axis of size 1 that the product leaves
        is removed: a bare squeeze would also remove B or T where that is 1.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    >>> project(np.ones((3, 1, 10)), np.ones((10, 1)), np.ones(1)).shape
    (3, 1)
    """
    outputs, W_out, b_out = _checked(outputs, W_out, b_out)
    return (outputs @ W_out + b_out)[:, :, 0]


def project_tiled(outputs: Any, W_out: Any, b_out: Any) -> tuple[Any, list[tuple[int, ...]]]:
    """The same by the seed's detour: one copy of `W_out` for each instance, then a batch product.

    The seed calls the copying "smart broadcasting"; it is the opposite: broadcasting would need no
    copies, as `project` shows.

    Args and Raises: as for `project`.

    Returns:
        The projection, `(B, T)`, and the shapes on the way: of `W_out`, with an axis more, tiled,
        of the product, squeezed.

    Source: seed 001, "Transformation of LSTM network output to target".

    >>> pred, shapes = project_tiled(np.ones((3, 4, 10)), np.ones((10, 1)), np.ones(1))
    >>> shapes
    [(10, 1), (1, 10, 1), (3, 10, 1), (3, 4, 1), (3, 4)]
    """
    outputs, W_out, b_out = _checked(outputs, W_out, b_out)
    if is_tensor(outputs):
        from course_lib.quiet import tf

        expanded = tf.expand_dims(W_out, 0)
        tiled = tf.tile(expanded, [tf.shape(outputs)[0], 1, 1])
        product = tf.matmul(outputs, tiled) + b_out
        squeezed = tf.squeeze(product, axis=2)
    else:
        expanded = np.expand_dims(W_out, 0)
        tiled = np.tile(expanded, [outputs.shape[0], 1, 1])
        product = outputs @ tiled + b_out
        squeezed = np.squeeze(product, axis=2)
    return squeezed, [tuple(a.shape) for a in (W_out, expanded, tiled, product, squeezed)]


def mse(pred: Any, target: Any) -> Any:
    """The mean squared error over all entries.

    Args:
        pred: `(B, T)`, or any shape.
        target: exactly the same shape: `(B, T, 1)` against `(B, T)` would broadcast to `(B, T, T)`
            and give a number that means nothing.

    Returns:
        A scalar; a tensor if either argument is one.

    Raises:
        ShapeError: the shapes differ.

    Source: seed 001, its cost.

    >>> float(mse(np.zeros((2, 2)), np.array([[1.0, 2.0], [3.0, 4.0]])))
    7.5
    """
    one, other = shape_of("pred", pred), shape_of("target", target)
    if (
        one is not None
        and other is not None
        and (
            len(one) != len(other)
            or any(
                a != b for a, b in zip(one, other, strict=True) if a is not None and b is not None
            )
        )
    ):
        raise ShapeError(f"pred: shape is {one}, expected {other} (the shape of target)")
    if is_tensor(pred) or is_tensor(target):
        from course_lib.quiet import tf

        return tf.reduce_mean(tf.square(pred - target))
    return np.mean((np.asarray(pred) - np.asarray(target)) ** 2)


def baseline_errors(x: Any, y: Any) -> dict[str, float]:
    """What a network must beat: the errors of three predictors that need no network.

    Args:
        x: `(B, T, D)`.
        y: `(B, T)`.

    Returns:
        The mean squared errors of predicting always 0 (`"zero"`), always the mean of y (`"mean"`),
        and the best linear function of the present `x[b, t]` (`"memoryless"`). Who remembers
        nothing and is linear cannot do better than the last.

    Raises:
        ShapeError: an axis does not fit; the error names it.

    >>> from course_lib import TRAIN_X, TRAIN_Y
    >>> {name: round(value, 3) for name, value in baseline_errors(TRAIN_X, TRAIN_Y).items()}
    {'zero': 87.75, 'mean': 19.688, 'memoryless': 1.681}
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    batch, time, features = check_shape("x", x, ("batch", "time", "features"))
    check_shape(
        "y",
        y,
        ("batch", "time"),
        batch=(batch, f"x has batch {batch}"),
        time=(time, f"x has time {time}"),
    )
    flat = np.concatenate([x.reshape(-1, features), np.ones((batch * time, 1))], axis=1)
    weights, *_ = np.linalg.lstsq(flat, y.ravel(), rcond=None)
    return {
        "zero": float(np.mean(y**2)),
        "mean": float(np.mean((y - y.mean()) ** 2)),
        "memoryless": float(np.mean((y.ravel() - flat @ weights) ** 2)),
    }


def _checked(outputs: Any, W_out: Any, b_out: Any) -> tuple[Any, Any, Any]:
    _, _, hidden = check_shape("outputs", outputs, ("batch", "time", "hidden"))
    check_shape(
        "W_out",
        W_out,
        ("hidden", "targets"),
        hidden=(hidden, f"outputs has hidden {hidden}"),
        targets=1,
    )
    check_shape("b_out", b_out, ("targets",), targets=1)
    if any(is_tensor(a) for a in (outputs, W_out, b_out)):
        from course_lib.quiet import tf

        return (
            tf.convert_to_tensor(outputs),
            tf.convert_to_tensor(W_out),
            tf.convert_to_tensor(b_out),
        )
    return np.asarray(outputs), np.asarray(W_out), np.asarray(b_out)
