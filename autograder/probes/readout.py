"""N07: hand an answer outputs to read, shapes to refuse, a session to repair, a network to train.

Nothing here projects an output or trains a network. Whether a trained network has learned its task is
asked of a layer of Keras' that is given its weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.probes.training_line import TrainingLine
from autograder.values import NotPlain

Answer = Callable[..., Any]

_JUMP = 0.5
"""A weight that moves further in one update of the small case was not moved by a gradient."""


def tiled(answer: Answer, outputs: np.ndarray, W_out: np.ndarray, b_out: np.ndarray) -> Any:
    """What ``answer(outputs, W_out, b_out)`` returns: numbers, and the shapes on the way to them.

    Raises:
        NotPlain: the result is no such pair.
    """
    result = answer(outputs, W_out, b_out)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise NotPlain("expected two results, (pred, shapes)")
    pred, shapes = result
    if isinstance(shapes, np.ndarray) or not isinstance(shapes, tuple | list):
        raise NotPlain("the second result is no list of shapes")
    return {"pred": pred, "shapes": [_sizes(shape) for shape in shapes]}


def _sizes(shape: Any) -> list[int]:
    try:
        return [int(size) for size in shape]
    except (TypeError, ValueError):
        raise NotPlain(
            "the second result holds something that is no shape; expected tuples such as (10, 1)"
        ) from None


def call_or_refuse(answer: Answer, pred: np.ndarray, target: np.ndarray) -> dict[str, Any]:
    """What ``answer(pred, target)`` returns, or, where the shapes differ, whether it refuses them.

    >>> call_or_refuse(lambda p, t: 0.0, np.zeros(3), np.zeros((3, 1)))
    {'refused': False, 'nothing came back': False}
    """
    if pred.shape == target.shape:
        return {"error": answer(pred, target)}
    try:
        result = answer(pred, target)
    except NotImplementedError:
        raise
    except Exception:  # an assert, a ValueError, a complaint of TensorFlow's: all of them refuse
        return {"refused": True}
    return {"refused": False, "nothing came back": result is None}


def session(answer: Answer, units: int, seed: int, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """What ``answer(session, x, y)`` returns for a new session, and how often it drew weights."""
    from course_lib.readout import Session

    given = Session(units, x.shape[2], seed)
    result = answer(given, x, y)
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise NotPlain("expected three results, (W_out, pred, cost)")
    W_out, pred, cost = result
    return {"W_out": W_out, "pred": pred, "cost": cost, "draws": given.draws}


class TooManyBatchesError(Exception):
    """The answer goes on and on: it does not look at how many updates it may make."""


def fit(answer: Answer, kind: str, inputs: list[Any]) -> dict[str, Any]:
    """What ``one_update`` or ``training`` sees, by the name of ``kind``."""
    kinds: dict[str, Callable[..., dict[str, Any]]] = {
        "one update": one_update,
        "training": training,
    }
    return kinds[kind](answer, *inputs)


def one_update(
    answer: Answer, units: int, seed: int, x: np.ndarray, y: np.ndarray
) -> dict[str, Any]:
    """Where every weight goes in a single update: ``answer(network, draw, goal=0, most=1)``.

    Returns:
        ``costs``: what the answer returns. ``jumped``: whether a weight moved further than any
        gradient would carry it. ``moved``: by name, the sign of each weight's change. If one
        jumped, costs and signs are None.
    """
    from course_lib.readout import ReadoutNetwork

    network = ReadoutNetwork(units, x.shape[2], seed=seed)
    before = _weights(network)
    calls = _Counter(1)

    def draw() -> tuple[np.ndarray, np.ndarray]:
        calls.count()
        return x.copy(), y.copy()

    costs = _costs(answer(network, draw, 0.0, 1))
    change = {name: after - before[name] for name, after in _weights(network).items()}
    jumped = any(bool(np.abs(moved).max() > _JUMP) for moved in change.values())
    signs = {name: np.sign(moved).astype(np.int8) for name, moved in change.items()}
    if jumped:  # whatever was drawn says nothing about the idea behind the answer
        return {"costs": None, "jumped": True, "moved": None}
    return {"costs": costs, "jumped": False, "moved": signs}


def training(
    answer: Answer,
    seed: int,
    batch: int,
    goal: float,
    most: int,
    x: np.ndarray,
    y: np.ndarray,
    limit: float,
) -> dict[str, Any]:
    """Whether a network of the seed's size learns: ``answer(network, draw, goal, most)``.

    Args:
        answer: trains a network.
        seed: of the first weights and of the sequences that ``draw`` gives.
        batch: how many sequences ``draw`` gives at a time.
        goal: passed on.
        most: passed on.
        x: fresh sequences ``(N, T, 2)``, which the answer never sees.
        y: their targets ``(N, T)``.
        limit: the mean of the squared errors has to be smaller.

    Returns:
        ``learned``: whether it is, on the fresh sequences. ``new sequences``: whether there was a
        new batch for each update. ``most``: whether there were no more updates than allowed.
        ``goal``: False if all were made although a cost of the first half was under the goal.
        ``one``: whether there was a single update.
    """
    from course_lib.quiet import tf
    from course_lib.readout import ReadoutNetwork
    from course_lib.tasks import two_step_sum

    units = 10
    network = ReadoutNetwork(units, x.shape[2], seed=seed)
    first = network.W_out.numpy().copy()
    rng = np.random.default_rng([seed, 2])
    calls, progress = _Counter(most), TrainingLine("batches", every=20)

    def draw() -> tuple[np.ndarray, np.ndarray]:
        calls.count()
        progress.tell(calls.made)
        return two_step_sum(batch, x.shape[1], rng)

    try:
        costs = _costs(answer(network, draw, goal, most))
    finally:
        progress.end()
    layer = tf.keras.layers.Dense(1)
    layer.build((None, units))
    layer.set_weights([network.W_out.numpy(), network.b_out.numpy()])
    away = np.ravel(layer(network.outputs(x))) - np.ravel(y)
    updates = len(costs) if costs else 1
    learned = bool(np.linalg.norm(away) ** 2 < limit * away.size)
    moved = not np.array_equal(first, network.W_out.numpy())
    early = (costs or [])[: most // 2]
    return {
        "learned": learned,
        "new sequences": calls.made >= 0.9 * updates,
        "most": updates <= most,
        "goal": updates < most or not any(cost < goal for cost in early),
        "one": moved and calls.made <= 1,
    }


def _weights(network: Any) -> dict[str, np.ndarray]:
    return {v.name.split(":")[0]: v.numpy().copy() for v in network.trainable_variables}


def _costs(result: Any) -> list[float] | None:
    try:
        return [float(cost) for cost in result]
    except (TypeError, ValueError):
        return None


class _Counter:
    """Counts batches, and stops an answer that would never end."""

    def __init__(self, most: int) -> None:
        self.made, self._most = 0, most

    def count(self) -> None:
        self.made += 1
        if self.made > 3 * self._most + 20:
            raise TooManyBatchesError(
                f"draw was called {self.made} times, although `most` is {self._most}"
            )
