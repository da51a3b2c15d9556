"""How well the networks learn: one command a task, with a fixed seed, its figure and its time.

    python benchmarks/learning.py echo               three layers, cost after two epochs
    python benchmarks/learning.py bytes              four classes of texts, share right
    python benchmarks/learning.py names              Unicode names, nats a character
    python benchmarks/learning.py tokens 8 16        sorting 8 tokens of 16, exact match
    python benchmarks/learning.py floats 5           sorting 5 numbers by pointing, exact match
    python benchmarks/learning.py floats 5 --no-coverage
    python benchmarks/learning.py floats 5 --no-coverage --waves 10
    python benchmarks/learning.py slides --steps 3 --checkpoint slides.npz

The last is the slides' full configuration: 256 tokens of 128, 512 units, 4 layers each way. A step
keeps two cores busy for several seconds; give it a checkpoint and start it again to go on.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib import (
    CharacterModel,
    EchoNetwork,
    PointerSorter,
    Report,
    SequenceClassifier,
    TokenSorter,
    evaluate,
    exact_match,
    make_echo,
    make_vocabulary,
    one_hot_bytes,
    run_epoch,
    tasks,
    text_to_ids,
    tf,
    train,
    unicode_names,
)

FRESH = 10**6  # the seed of what no network has been trained on


def warmed_up(peak: float, warm_up: int, steps: int) -> Any:
    """A learning rate that rises to its peak and falls along a cosine to zero."""
    return tf.keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm_up), warmup_target=peak, warmup_steps=warm_up
    )


def echo(arguments: argparse.Namespace) -> str:
    """Seed 002's network and series."""
    x, y = make_echo(50_000, 5, 3, np.random.default_rng(0))
    network = EchoNetwork(units=4, layers=3)
    losses = [run_epoch(network, x, y, carry=True) for _ in range(2)]
    fresh = make_echo(5_000, 5, 3, np.random.default_rng(FRESH))
    loss, accuracy = evaluate(network, *fresh, carry=True)
    return (
        f"cost of the last 100 windows {losses[1][-100:].mean():.4f}; on a fresh series {loss:.4f}, "
        f"{accuracy.mean():.2%} of the bits"
    )


def byte_classes(arguments: argparse.Namespace) -> str:
    """Seed 003's classifier on made-up languages."""
    classifier = SequenceClassifier(classes=4, input_size=128, units=24)

    def batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = tasks.byte_classes(64, 32, rng)
        return one_hot_bytes(x), y

    run(classifier, classifier.loss, batch, 300, arguments, learning_rate=0.03)
    x, y = tasks.byte_classes(2000, 32, np.random.default_rng(FRESH))
    right = np.argmax(classifier(one_hot_bytes(x)), axis=1) == y
    return f"{right.mean():.2%} of 2,000 fresh texts of 32 bytes"


def names(arguments: argparse.Namespace) -> str:
    """A GRU of 96 on the Unicode names.

    Held back are every tenth block of a hundred names (whole alphabets that it never sees), and of the
    other blocks every tenth name (whose neighbours it reads).
    """
    lines = unicode_names().splitlines(keepends=True)
    vocab = make_vocabulary("".join(lines))
    blocks = [lines[k : k + 100] for k in range(0, len(lines), 100)]
    others = [line for k, block in enumerate(blocks) if k % 10 for line in block]
    read = text_to_ids("".join(line for k, line in enumerate(others) if k % 10), vocab)
    T = 64

    def batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        starts = rng.integers(0, len(read) - T - 1, 32)
        windows = read[starts[:, np.newaxis] + np.arange(T + 1)]
        return windows[:, :-1], windows[:, 1:]

    model = CharacterModel(len(vocab), units=96)
    steps = arguments.steps or 3000
    rate = warmed_up(0.01, 100, steps)
    report = run(model, model.loss, batch, steps, arguments, learning_rate=rate, clip_norm=1.0)

    def cost(held_back: list[str]) -> float:
        ids = text_to_ids("".join(held_back), vocab)[np.newaxis]
        logits, _ = model(ids[:, :-1], model.zero_state(1))
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(ids[:, 1:], logits)
        return float(tf.reduce_mean(nats))

    return (
        f"{cost(others[::10]):.3f} nats a character on held-back names, "
        f"{cost([line for block in blocks[::10] for line in block]):.3f} on held-back blocks, "
        f"{report.losses[-200:].mean():.3f} on those it read (unigram 2.998, bigram 2.376)"
    )


def tokens(arguments: argparse.Namespace) -> str:
    """Token sorting; longer sequences go through shorter ones first."""
    N, V = arguments.length, arguments.vocabulary
    steps = arguments.steps or (400 if N <= 8 else 2500 if N <= 16 else 4000)
    sorter = TokenSorter(V, general=not arguments.dot)
    optimizer = tf.keras.optimizers.Adam(warmed_up(5e-3 if N <= 8 else 6e-3, 100, steps))

    def batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        # The optimizer counts the steps, and its count survives a checkpoint.
        done = int(optimizer.iterations.numpy()) / steps
        length = N if N <= 8 or done >= 0.2 else N // 4 if done < 0.1 else N // 2
        return tasks.token_sorting(64, length, V, rng)

    run(sorter, sorter.loss, batch, steps, arguments, optimizer=optimizer, clip_norm=1.0)
    x, y = tasks.token_sorting(5000, N, V, np.random.default_rng(FRESH))
    return f"{exact_match(sorter.sort(x), y):.2%} of 5,000 fresh sequences, {steps} steps"


def floats(arguments: argparse.Namespace) -> str:
    """Sorting numbers by pointing; the paper has 94, 57 and 10 % for 5, 10 and 15 numbers."""
    N, waves = arguments.length, arguments.waves
    sorter = PointerSorter(
        units=64 if waves else 32,
        coverage=not arguments.no_coverage,
        waves=waves,
        gain=not arguments.no_gain,
    )
    steps = arguments.steps or 3000

    def batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return tasks.float_sorting(128, N, rng)

    rate = warmed_up(5e-3 if waves else 1e-2, 200, steps)
    run(sorter, sorter.loss, batch, steps, arguments, learning_rate=rate, clip_norm=1.0)
    x, y = tasks.float_sorting(10_000, N, np.random.default_rng(FRESH))
    told = "is not told" if arguments.no_coverage else "is told"
    return (
        f"{exact_match(sorter.point(x), y):.2%} of 10,000 fresh sequences, {steps} steps; "
        f"the decoder {told} what it has used"
    )


def slides(arguments: argparse.Namespace) -> str:
    """The slides' full configuration; a batch of 8 needs about 2 GB."""
    sorter = TokenSorter(128, units=512, layers=4, embedding=128, attention=False)
    steps = arguments.steps or 3
    report = run(
        sorter,
        sorter.loss,
        lambda rng: tasks.token_sorting(8, 256, 128, rng),
        steps,
        arguments,
        learning_rate=1e-3,
        clip_norm=1.0,
        checkpoint_every=1,
    )
    count = sum(int(tf.size(v)) for v in sorter.trainable_variables)
    done = max(1, len(report.losses) - report.resumed_from)
    return (
        f"{count:,} parameters; loss {report.losses[0]:.3f} at first, {report.losses[-1]:.3f} after "
        f"{len(report.losses)} steps; {report.seconds / done:.1f} s a step in this run"
    )


def run(
    module: Any,
    loss: Callable[..., Any],
    batch: Callable[[np.random.Generator], Any],
    steps: int,
    arguments: argparse.Namespace,
    **options: Any,
) -> Report:
    """Train with what the command line says."""
    return train(
        module,
        loss,
        batch,
        steps=steps,
        seed=arguments.seed,
        checkpoint=arguments.checkpoint,
        progress=True,
        **options,
    )


TASKS = {
    "echo": echo,
    "bytes": byte_classes,
    "names": names,
    "tokens": tokens,
    "floats": floats,
    "slides": slides,
}


def main() -> None:
    """Run the task that the command line names, and print its figure and time."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="task", required=True)
    for name, task in TASKS.items():
        command = commands.add_parser(name, help=(task.__doc__ or "").splitlines()[0])
        command.add_argument("--steps", type=int, help="updates; by default what is stated")
        command.add_argument("--seed", type=int, default=0, help="of the batches")
        command.add_argument("--checkpoint", help="a file to save to and to resume from")
        if name == "tokens":
            command.add_argument("length", type=int)
            command.add_argument("vocabulary", type=int)
            command.add_argument("--dot", action="store_true", help="attention by plain products")
        if name == "floats":
            command.add_argument("length", type=int)
            command.add_argument("--no-coverage", action="store_true")
            command.add_argument(
                "--no-gain", action="store_true", help="no factor before the scores"
            )
            command.add_argument(
                "--waves", type=int, default=0, help="Fourier features of a number"
            )
    arguments = parser.parse_args()
    started, cpu = time.perf_counter(), time.process_time()
    figure = TASKS[arguments.task](arguments)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(f"{arguments.task}: {figure}; {wall:.0f} s ({cpu:.0f} s of CPU)")


if __name__ == "__main__":
    main()
