"""The slides' sorter at its full size: a command that trains it, stops, and goes on another day.

    python -m course_lib.full_sorter --checkpoint sorter.npz --steps 100000

By default 256 tokens of 128, 512 units, 4 layers of encoder and 4 of decoder: 15 million
parameters. A step at batch 8 takes about 2 GB and keeps two cores busy for several seconds; this is
for a machine with a graphics card. Everything is saved every 100 steps and when you press
Ctrl-C, and the same command goes on where it stopped, with the very numbers that an uninterrupted
run would have had.

It has what the slides leave out: the decoder begins in the encoder's state, reads GO and then the
tokens before, and its units are projected to tokens. `--attention` lets it look back as well, and
`--growing` begins with short sequences.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from course_lib import tasks
from course_lib.decoders import errors_by_position
from course_lib.quiet import tf
from course_lib.seq2seq import exact_match
from course_lib.sorting import TokenSorter
from course_lib.training import train

FRESH = 10**6
"""The seed of the sequences that no sorter is trained on."""


def parser() -> argparse.ArgumentParser:
    """The command's options; their defaults are the slides' numbers where these name one."""
    found = argparse.ArgumentParser(
        prog="python -m course_lib.full_sorter",
        description="Train the slides' sorter; run the same command again to go on.",
    )
    add = found.add_argument
    add("--length", type=int, default=256, help="tokens of a sequence (%(default)s)")
    add("--vocabulary", type=int, default=128, help="different tokens (%(default)s)")
    add("--units", type=int, default=512, help="of every layer (%(default)s)")
    add("--layers", type=int, default=4, help="of encoder and decoder each (%(default)s)")
    add("--embedding", type=int, default=128, help="features of a token (%(default)s)")
    add("--batch", type=int, default=8, help="sequences of a step (%(default)s)")
    add("--steps", type=int, default=1000, help="in all, earlier runs included (%(default)s)")
    add("--learning-rate", type=float, default=1e-3, help="after 100 steps (%(default)s)")
    add("--seed", type=int, default=0, help="of weights and data (%(default)s)")
    add("--attention", action="store_true", help="let the decoder look back")
    add("--growing", type=int, default=0, metavar="STEPS",
        help="grow the sequences from 8 tokens to full length over so many steps")  # fmt: skip
    add("--checkpoint", default="", help="a file to save to, and to go on from")
    add("--every", type=int, default=100, help="steps between two savings (%(default)s)")
    add("--fresh", type=int, default=64, help="sequences to judge by (%(default)s)")
    return found


class WarmUp(tf.keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises for 100 steps and then stays, so that it does not depend on `--steps`."""

    def __init__(self, peak: float):
        self.peak = peak

    def __call__(self, step: Any) -> Any:
        """The rate of a step, counted from 0."""
        return self.peak * tf.minimum(1.0, (tf.cast(step, tf.float32) + 1.0) / 100.0)

    def get_config(self) -> dict[str, float]:
        """For Keras."""
        return {"peak": self.peak}


def length_at(step: int, full: int, growing: int) -> int:
    """How long the sequences of a step are: powers of two from 8 up, then the full length.

    >>> [length_at(step, 256, 600) for step in (0, 119, 120, 480, 600)]
    [8, 8, 16, 128, 256]
    """
    if step >= growing:
        return full
    stages = [8 * 2**k for k in range(12) if 8 * 2**k < full] or [full]
    return stages[step * len(stages) // growing]


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, then say how well fresh sequences are sorted. Returns the exit code."""
    chosen = parser().parse_args(arguments)
    sorter = TokenSorter(
        chosen.vocabulary,
        chosen.units,
        layers=chosen.layers,
        embedding=chosen.embedding,
        attention=chosen.attention,
        seed=chosen.seed,
    )
    optimizer = tf.keras.optimizers.Adam(WarmUp(chosen.learning_rate))

    def batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        # The optimizer counts the steps, and its count survives a checkpoint.
        length = length_at(int(optimizer.iterations.numpy()), chosen.length, chosen.growing)
        return tasks.token_sorting(chosen.batch, length, chosen.vocabulary, rng)

    size = sum(int(np.prod(v.shape)) for v in sorter.trainable_variables)
    print(f"{size:,} parameters; {chosen.length} tokens of {chosen.vocabulary}", flush=True)
    try:
        report = train(
            sorter,
            sorter.loss,
            batch,
            steps=chosen.steps,
            optimizer=optimizer,
            seed=chosen.seed,
            clip_norm=1.0,
            checkpoint=chosen.checkpoint or None,
            checkpoint_every=chosen.every,
            progress=True,
        )
    except KeyboardInterrupt:
        saved = f"; run it again to go on from {chosen.checkpoint}" if chosen.checkpoint else ""
        print(f"\nstopped{saved}", flush=True)
        return 130
    except ValueError as problem:  # the checkpoint is of another size
        print(problem, file=sys.stderr)
        return 2
    begun = f" (from {report.resumed_from})" if report.resumed_from else ""
    print(f"{len(report.losses)} steps{begun} in {report.seconds:.0f} s", flush=True)
    print(f"loss {report.losses[-20:].mean():.4f} nats a token", flush=True)
    rng = np.random.default_rng(FRESH)
    x, y = tasks.token_sorting(chosen.fresh, chosen.length, chosen.vocabulary, rng)
    written = np.concatenate([sorter.sort(part) for part in np.array_split(x, -(-len(x) // 16))])
    errors = errors_by_position(written, y)
    print(
        f"fresh sequences: {exact_match(written, y):.1%} without a mistake, "
        f"{1 - errors.mean():.1%} of the tokens right",
        flush=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
