"""A training loop: progress, checkpoints, resume, early stopping, and one seed for everything.

    for step in range(steps):
        batch = make_batch(generator made from (seed, step))
        gradient = d loss_fn(*batch) / d variables,  clipped if asked
        the optimizer moves the variables

The batch of a step depends on the seed and the number of the step alone. A run that was stopped and
resumed therefore does exactly what an uninterrupted one does, bit for bit on one machine.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_lib.quiet import tf

_WINDOW = 20  # early stopping looks at the mean of so many losses: a single one is mostly luck


@dataclass(frozen=True, slots=True)
class Report:
    """How a training went.

    Attributes:
        losses: one for each step, resumed ones included, `(steps,)`.
        resumed_from: the step at which this run began.
        seconds: what this run took.
        stopped: why it ended: "steps", "goal" or "patience".
    """

    losses: np.ndarray
    resumed_from: int
    seconds: float
    stopped: str


def train(
    module: Any,
    loss_fn: Callable[..., Any],
    make_batch: Callable[[np.random.Generator], Sequence[Any]],
    *,
    steps: int,
    optimizer: Any = None,
    learning_rate: Any = 1e-3,
    seed: int = 0,
    clip_norm: float | None = None,
    goal: float | None = None,
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 100,
    progress: bool = False,
) -> Report:
    """Train the variables of a module.

    Args:
        module: a `tf.Module`; its trainable variables are changed.
        loss_fn: `loss_fn(*batch)` gives a scalar.
        make_batch: `make_batch(rng)` gives a tuple of arrays, always of the same shapes.
        steps: how many updates, counted from the very beginning.
        optimizer: a Keras optimizer that has not been used; Adam by default.
        learning_rate: of the default optimizer: a number or a Keras schedule.
        seed: of the batches. The first weights have their own in the cells' constructors.
        clip_norm: clip the gradients to this global norm.
        goal: stop once the mean of the last 20 losses is below.
        patience: stop once that mean has not reached a new low for so many steps.
        checkpoint: a file to save to, and to resume from if it is there.
        checkpoint_every: save after so many steps; also at the end and when interrupted.
        progress: show a line with loss and remaining time, on a terminal or in a notebook.

    Raises:
        FloatingPointError: the loss is NaN or infinite; names the step.
        ValueError: the checkpoint belongs to another model.

    >>> class Line(tf.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = tf.Variable(0.0)
    ...     def loss(self, x, y):
    ...         return tf.reduce_mean((self.slope * x - y) ** 2)
    >>> line = Line()
    >>> def batch(rng):
    ...     x = rng.standard_normal(8).astype(np.float32)
    ...     return x, 3 * x
    >>> report = train(line, line.loss, batch, steps=300, learning_rate=0.05, goal=1e-6)
    >>> report.stopped, round(float(line.slope), 2)
    ('goal', 3.0)
    """
    if steps < 1:
        raise ValueError(f"steps: is {steps}, expected at least 1")
    variables = module.trainable_variables
    optimizer = optimizer or tf.keras.optimizers.Adam(learning_rate)
    optimizer.build(variables)
    saved = [*module.variables, *(v.value for v in optimizer.variables)]
    newest = tf.Variable(0.0, trainable=False, dtype=tf.float64)

    def one_update(*batch: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_fn(*batch)
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        if clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, clip_norm)
        optimizer.apply(gradients, variables)
        newest.assign(tf.cast(loss, tf.float64))
        return loss

    update = tf.function(one_update, reduce_retracing=True)
    path = Path(checkpoint) if checkpoint is not None else None
    losses = _load(path, saved) if path is not None and path.exists() else []
    begin, started, stopped = len(losses), time.perf_counter(), "steps"
    counted_before = int(optimizer.iterations) - begin
    try:
        while len(losses) < steps:
            if early := _early(losses, goal, patience):
                stopped = early
                break
            step = len(losses)
            batch = make_batch(np.random.default_rng([seed, step]))
            loss = float(update(*(tf.convert_to_tensor(part) for part in batch)))
            if not np.isfinite(loss):
                raise FloatingPointError(
                    f"loss: is {loss} at step {step}; lower the learning rate or clip the gradients"
                )
            losses.append(loss)
            if path is not None and len(losses) % checkpoint_every == 0:
                _save(path, saved, losses)
            if progress:
                _show(losses, steps, begin, started)
    finally:
        # Saved in any case: an interrupted run resumes where it was. Not after a NaN, which has
        # reached the weights: there the last good checkpoint stays.
        if path is not None and not isinstance(sys.exception(), FloatingPointError):
            # Ctrl-C during an update is heard after it: the update is done, its loss not noted yet.
            if int(optimizer.iterations) - counted_before > len(losses):
                losses.append(float(newest))
            _save(path, saved, losses)
    if progress and _can_overwrite():
        print()
    seconds = time.perf_counter() - started
    return Report(np.array(losses), begin, seconds, stopped)


def _early(losses: list[float], goal: float | None, patience: int | None) -> str:
    """Why to stop before the last step, or nothing."""
    if len(losses) < _WINDOW:
        return ""
    if goal is not None and np.mean(losses[-_WINDOW:]) < goal:
        return "goal"
    if patience is not None:
        means = np.convolve(losses, np.ones(_WINDOW) / _WINDOW, mode="valid")
        if len(means) - 1 - int(np.argmin(means)) >= patience:
            return "patience"
    return ""


def _save(path: Path, variables: list[Any], losses: list[float]) -> None:
    """Write everything into one file; whoever reads it sees the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    arrays = {f"variable_{k}": v.numpy() for k, v in enumerate(variables)}
    with draft.open("wb") as file:
        np.savez(file, losses=np.array(losses), **arrays)
    os.replace(draft, path)


def _load(path: Path, variables: list[Any]) -> list[float]:
    """Put the saved values back and return the losses so far."""
    with np.load(path, allow_pickle=False) as stored:
        shapes = [stored[f"variable_{k}"].shape for k in range(len(stored.files) - 1)]
        wanted = [tuple(v.shape) for v in variables]
        if shapes != wanted:
            pairs = ((a, b) for a, b in zip(shapes, wanted, strict=False) if a != b)
            held, needed = next(pairs, (f"{len(shapes)} variables", f"{len(wanted)}"))
            raise ValueError(
                f"checkpoint: {path.name} holds {held} where {needed} is expected; it belongs to "
                "another model or optimizer"
            )
        for k, variable in enumerate(variables):
            variable.assign(stored[f"variable_{k}"])
        return [float(loss) for loss in stored["losses"]]


def _can_overwrite() -> bool:
    in_a_notebook = type(sys.stdout).__module__.startswith("ipykernel")
    return in_a_notebook or sys.stdout.isatty()


def _show(losses: list[float], steps: int, begin: int, started: float) -> None:
    """One line that overwrites itself; nothing where that cannot be (a file, a log)."""
    if not _can_overwrite():
        return
    done = len(losses)
    left = (time.perf_counter() - started) / (done - begin) * (steps - done)
    bar = "#" * (20 * done // steps)
    text = (
        f"\r[{bar:<20}] {done}/{steps}  loss {np.mean(losses[-_WINDOW:]):.4f}  {left:4.0f} s left"
    )
    print(text, end="", flush=True)
