"""N10: hand an answer cells, functions and outputs, and see which inputs each result depends on.

Nothing here turns a sequence around. An input is changed, the answer is asked again, and what moved
is noted: the accuracy of a network does not tell from which end it has read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.probes.training_line import TrainingLine
from autograder.values import NotPlain

Answer = Callable[..., Any]
Weights = Mapping[str, Any]

_MOVED = 1e-5
"""What changes less than this has not changed; the smallest honest change is a hundred times as large."""


class Mill:
    """A stand-in for a cell: a trace of its inputs that fades, on top of a bias.

    Its output is ``gain`` times its state, so that the two are told apart.
    """

    def __init__(self, weights: Weights) -> None:
        from course_lib.quiet import tf

        self._tf = tf
        self.into, self.bias = (tf.constant(weights[k], tf.float32) for k in ("into", "bias"))
        self.keep, self.gain = float(weights["keep"]), float(weights["gain"])

    def zero_state(self, batch: Any, dtype: Any = None) -> Any:
        """A state of zeros, `(B, H)`."""
        return self._tf.zeros([batch, self.into.shape[1]])

    def __call__(self, x: Any, state: Any) -> tuple[Any, Any]:
        """`(B, D)` and `(B, H)` to the output and the new state."""
        tf = self._tf
        x, state = (tf.cast(tf.convert_to_tensor(part), tf.float32) for part in (x, state))
        if x.shape.rank != 2 or x.shape[1] not in (None, self.into.shape[0]):
            expected = f"(batch, {self.into.shape[0]})"
            raise ValueError(f"cell: x has shape {tuple(x.shape)}, expected {expected}")
        new = self.keep * state + x @ self.into + self.bias
        return self.gain * new, new


def _moved(base: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """Where each of some arrays differs from the first one, over the last axis: a new last axis."""
    return np.stack([(np.abs(other - base) > _MOVED).any(axis=-1) for other in others], axis=-1)


def both(
    answer: Answer, x: np.ndarray, lengths: np.ndarray, weights_fw: Weights, weights_bw: Weights
) -> dict[str, Any]:
    """What ``answer(fw, bw, x, lengths)`` returns, and which steps each output depends on."""
    cells = Mill(weights_fw), Mill(weights_bw)
    outputs = _pair(answer(*cells, x, lengths))
    seen: dict[str, Any] = dict(zip(("forward", "backward"), outputs, strict=True))
    batch, time, _ = x.shape
    many = np.concatenate([x] * (time + 1))
    for t in range(time):
        many[(t + 1) * batch : (t + 2) * batch, t] += 1.0
    again = _pair(answer(*cells, many, np.concatenate([lengths] * (time + 1))))
    for name, output in zip(("forward reads", "backward reads"), again, strict=True):
        try:
            array = np.asarray(output, float)
        except ValueError:  # outputs together with a last state, say: no array of any shape
            seen[name] = None
            continue
        if array.shape[:1] != (len(many),) or array.ndim != 3:
            seen[name] = None
            continue
        copies = array.reshape(time + 1, batch, *array.shape[1:])
        seen[name] = _moved(copies[0], list(copies[1:]))
    return seen


def _pair(result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise NotPlain("expected two results, (outputs_fw, outputs_bw)")
    return result[0], result[1]


def reading(answer: Answer, x: np.ndarray, weights: np.ndarray) -> Any:
    """What ``answer(f, x)`` finds out about a function f, made of weights `(B, T, D, H)`."""
    expected = x.shape

    def f(x: Any) -> np.ndarray:
        array = np.asarray(x, float)
        if array.shape != expected:
            raise ValueError(f"f: x has shape {array.shape}, expected {expected}")
        return np.tanh(0.1 * np.einsum("btd,btdh->bh", array, weights))

    return answer(f, x)


def one(
    answer: Answer,
    fw: np.ndarray,
    bw: np.ndarray,
    lengths: np.ndarray,
    fw_moved: np.ndarray,
    bw_moved: np.ndarray,
) -> dict[str, Any]:
    """What ``answer(outputs_fw, outputs_bw, lengths)`` returns, and what each half has read.

    Args:
        answer: makes one vector a sequence.
        fw, bw: outputs `(B, T, H)` of both directions.
        lengths: `(B,)`.
        fw_moved, bw_moved: the outputs when one step of the input is another, `(T, B, T, H)`.
    """
    vector = np.asarray(answer(fw, bw, lengths))
    seen: dict[str, Any] = {"vector": vector, "forward half": None, "backward half": None}
    units = fw.shape[2]
    if vector.shape != (len(lengths), units + bw.shape[2]):
        return seen
    others = [
        np.asarray(answer(*pair, lengths), float) for pair in zip(fw_moved, bw_moved, strict=True)
    ]
    for name, part in (("forward half", np.s_[:, :units]), ("backward half", np.s_[:, units:])):
        seen[name] = _moved(np.asarray(vector[part], float), [other[part] for other in others])
    return seen


def texts(answer: Answer, kind: str, inputs: list[Any]) -> dict[str, Any]:
    """What ``small``, ``refused`` or ``training`` sees, by the name of ``kind``."""
    kinds: dict[str, Callable[..., dict[str, Any]]] = {
        "small": small,
        "refused": refused,
        "training": training,
    }
    return kinds[kind](answer, *inputs)


def small(
    answer: Answer,
    x: np.ndarray,
    others: np.ndarray,
    lengths: np.ndarray,
    weights_fw: Weights,
    weights_bw: Weights,
    W: np.ndarray,
    b: np.ndarray,
) -> dict[str, Any]:
    """The logits of a few texts, and which characters each direction's share of them depends on.

    ``others`` are texts with another character everywhere.
    """
    from course_lib.quiet import tf

    cells = Mill(weights_fw), Mill(weights_bw)

    def ask(x: np.ndarray, lengths: np.ndarray, W: np.ndarray) -> Any:
        numbers = tf.constant(W, tf.float32), tf.constant(b, tf.float32)
        return answer(tf.constant(x), tf.constant(lengths), *cells, *numbers)

    seen: dict[str, Any] = {"logits": ask(x, lengths, W), "forward": None, "backward": None}
    batch, time = x.shape
    if np.shape(seen["logits"]) != (batch, W.shape[1]):
        return seen
    many = np.concatenate([x] * (time + 1))
    for t in range(time):
        many[(t + 1) * batch : (t + 2) * batch, t] = others[:, t]
    every, units = np.concatenate([lengths] * (time + 1)), np.shape(weights_fw["bias"])[0]
    rows = np.arange(len(W))[:, None]
    for name, kept in (("forward", rows < units), ("backward", rows >= units)):
        logits = np.asarray(ask(many, every, W * kept), float)
        copies = logits.reshape(time + 1, batch, -1)
        seen[name] = _moved(copies[0], list(copies[1:]))
    return seen


def refused(answer: Answer, x: np.ndarray, lengths: np.ndarray, *weights: Any) -> dict[str, Any]:
    """Whether texts with a byte that has no place among 128 are refused."""
    from course_lib.quiet import tf

    weights_fw, weights_bw, W, b = weights
    numbers = tf.constant(W, tf.float32), tf.constant(b, tf.float32)
    try:
        answer(tf.constant(x), tf.constant(lengths), Mill(weights_fw), Mill(weights_bw), *numbers)
    except NotImplementedError:
        raise
    except Exception:  # an assertion of Python's or TensorFlow's, a ValueError: all of them refuse
        return {"refused": True}
    return {"refused": False}


def _ready(answer: Answer, inputs: Sequence[Any]) -> bool:
    """Whether an answer reads every text to both its ends, and gives something like logits."""
    seen = small(answer, *inputs)
    x, _, lengths, weights_fw, weights_bw, W, b = inputs
    inside = np.arange(x.shape[1]) < lengths[:, None]
    if any(seen[k] is None or (seen[k] != inside).any() for k in ("forward", "backward")):
        return False
    logits = np.asarray(seen["logits"], float)
    lifted = small(answer, x, x, lengths, weights_fw, weights_bw, W, b + 2.0)["logits"]
    if not (logits < 0).any() or not np.allclose(lifted, logits + 2.0, atol=1e-3):
        return False
    deaf = np.concatenate([W[: len(weights_fw["bias"])], 0 * W[len(weights_fw["bias"]) :]])
    louder = {**weights_bw, "gain": 3.0 * weights_bw["gain"]}
    softly, loudly = (
        np.asarray(small(answer, x, x, lengths, weights_fw, bw, deaf, b)["logits"], float)
        for bw in (weights_bw, louder)
    )
    return bool(
        np.allclose(softly, loudly, atol=1e-3)
    )  # W's first rows are the forward direction's


def training(
    answer: Answer,
    rehearsal: list[Any],
    refusal: list[Any],
    allowed: list[Any],
    x: np.ndarray,
    y: np.ndarray,
    lengths: np.ndarray,
    x_fresh: np.ndarray,
    y_fresh: np.ndarray,
    lengths_fresh: np.ndarray,
    limit: float,
) -> dict[str, Any]:
    """Whether a network whose logits are the answer's learns to tell texts apart.

    Args:
        answer: ``answer(texts, lengths, fw, bw, W, b)`` gives logits; it is traced into a graph.
        rehearsal: arguments of ``small``. Where they show a fault, nothing is trained: nobody
            should wait for what must fail.
        refusal: arguments of ``refused``, with a byte that has no place.
        allowed: arguments of ``refused``, with the last byte that has one.
        x, y, lengths: texts to train on, a batch an update: `(N, B, T)`, `(N, B)`, `(N, B)`.
        x_fresh, y_fresh, lengths_fresh: texts that the answer never sees in training.
        limit: at least this share of them has to be recognised.
    """
    strict = refused(answer, *refusal)["refused"] and not refused(answer, *allowed)["refused"]
    if not strict or not _ready(answer, rehearsal):
        return {"rehearsed": False, "learned": False}
    from course_lib.cells.gru_tf import GRUCell
    from course_lib.quiet import tf

    units, classes, rng = 16, int(y.max()) + 1, np.random.default_rng(5)
    fw, bw = GRUCell(units, 128, seed=2), GRUCell(units, 128, seed=3)
    W = tf.Variable(rng.uniform(-0.4, 0.4, (2 * units, classes)), dtype=tf.float32)
    b = tf.Variable(tf.zeros(classes))
    weights = [*fw.trainable_variables, *bw.trainable_variables, W, b]
    optimizer = tf.keras.optimizers.Adam(0.03)
    optimizer.build(weights)

    def one_update(x: Any, lengths: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = answer(x, lengths, fw, bw, W, b)
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            loss = tf.reduce_mean(each)
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        optimizer.apply(tf.clip_by_global_norm(gradients, 1.0)[0], weights)
        return loss

    update = tf.function(one_update)
    losses: list[float] = []
    line = TrainingLine("updates", every=10)
    fresh = tf.function(lambda x, lengths: answer(x, lengths, fw, bw, W, b))
    outcome = "training ended"
    try:
        for batch in zip(x, lengths, y, strict=True):
            losses.append(float(update(*map(tf.constant, batch))))
            line.tell(len(losses), losses[-1])
            if len(losses) >= 20 and np.mean(losses[-20:]) < 0.2:
                break
        found = np.argmax(fresh(tf.constant(x_fresh), tf.constant(lengths_fresh)), axis=1)
        right = int(np.sum(found == y_fresh))
        outcome += f" after {len(losses)} updates; {right} of {len(found)} new texts recognised"
    except NotImplementedError as problem:
        if "symbolic" not in str(problem):
            raise
        raise NotPlain(
            "while training, your function is traced into a graph, and there it hands a tensor "
            "to NumPy; use TensorFlow's functions in it, and in whatever it calls"
        ) from None
    finally:
        line.end(outcome)
    return {"rehearsed": True, "learned": right >= limit * len(found)}
