"""How fast the cells run: the readable and the fast path beside Keras, TensorFlow 1 and PyTorch.

    python benchmarks/cells.py                       all sizes, a table
    python benchmarks/cells.py --sizes small middle --repeats 15 --plot speed.png

Every number is a median over interleaved repeats: one repeat of everybody, then the next, so that
a machine that slows down slows everybody. Times are given as a share of `keras.layers.LSTM` (or the
layer of the same kind) in the same run, with the quartiles of that share; a share below 1 is
faster. A machine shared with others is noisy to 20 %: compare within one run only.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_lib import (
    BasicRNNCell,
    GRUCell,
    LSTMCell,
    MultiRNNCell,
    count_graph_nodes,
    dynamic_rnn,
    fast_gru,
    fast_lstm,
    fast_rnn,
    make_multi_cell,
    stack_outputs,
    static_rnn,
    tf,
    to_keras,
    to_time_list,
)

SIZES = {"small": (5, 15, 1, 4), "middle": (32, 100, 64, 128), "large": (64, 256, 128, 512)}
KINDS = ("rnn", "lstm", "gru", "stack")

Run = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Contestant:
    """One implementation: what it is called, its forward pass and its training step."""

    name: str
    forward: Run
    train: Run


def cells_of(kind: str, D: int, H: int) -> list[Any]:
    """The layers of a network of the course, from the bottom to the top."""
    match kind:
        case "rnn":
            return [BasicRNNCell(H, D)]
        case "lstm":
            return [LSTMCell(H, D)]
        case "gru":
            return [GRUCell(H, D)]
        case _:
            return list(make_multi_cell(H, 3, D).cells)


def compiled(name: str, run: Callable[[Any], Any], variables: list[Any], x: Any, xla: bool) -> Any:
    """A contestant made of a function of x; its loss is the mean square of the outputs."""

    def train(x: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(run(x) ** 2)
        return tape.gradient(loss, variables)

    forward = tf.function(run, jit_compile=xla)
    train = tf.function(train, jit_compile=xla)
    return Contestant(name, lambda: forward(x), lambda: train(x))


def of_the_course(cells: list[Any], x: Any) -> list[Contestant]:
    """The readable path and the fast one."""
    cell = MultiRNNCell(cells) if len(cells) > 1 else cells[0]
    variables = [v for c in cells for v in c.trainable_variables]
    found = [compiled("readable", lambda x: dynamic_rnn(cell, x)[0], variables, x, xla=False)]

    def fast(x: Any) -> Any:
        for c in cells:
            zero = c.zero_state(x.shape[0])
            if isinstance(c, BasicRNNCell):
                x, _ = fast_rnn(x, zero, c.Wx, c.Wh, c.b)
            else:
                run = fast_lstm if isinstance(c, LSTMCell) else fast_gru
                x, _ = run(x, zero, c.kernel, c.recurrent_kernel, c.bias)
        return x

    return [*found, compiled("fast", fast, variables, x, xla=True)]


def of_keras(cells: list[Any], x: Any) -> Contestant:
    """Keras layers with the same weights, one after the other."""
    layers = [to_keras(cell) for cell in cells]

    def run(x: Any) -> Any:
        for layer in layers:
            x = layer(x)[0]
        return x

    variables = [v.value for layer in layers for v in layer.trainable_variables]
    return compiled("keras", run, variables, x, xla=False)


def of_tensorflow_1(cells: list[Any], x: Any) -> Contestant:
    """The legacy loop around our cells: what its own bookkeeping costs."""
    cell = MultiRNNCell(cells) if len(cells) > 1 else cells[0]
    variables = [v for c in cells for v in c.trainable_variables]

    def run(x: Any) -> Any:
        return tf.compat.v1.nn.dynamic_rnn(cell, x, dtype=tf.float32)[0]

    return compiled("tf1 loop", run, variables, x, xla=False)


def of_pytorch(kind: str, D: int, H: int, x: Any) -> Contestant | None:
    """PyTorch's layer of the same size, where PyTorch is installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(os.cpu_count() or 1)
    makers = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    layer = makers.get(kind, torch.nn.LSTM)(
        D, H, batch_first=True, num_layers=3 if kind == "stack" else 1
    )
    tensor = torch.tensor(np.asarray(x))

    def forward() -> Any:
        with torch.no_grad():
            return layer(tensor)[0]

    def train() -> None:
        layer.zero_grad()
        (layer(tensor)[0] ** 2).mean().backward()

    return Contestant("pytorch", forward, train)


def interleaved(runs: dict[str, Run], repeats: int) -> dict[str, list[float]]:
    """Milliseconds of each run, everybody once in every round, after one round to warm up.

    Each round has an order of its own: who comes after a library with threads of its own pays for them to
    fall asleep.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    rng = np.random.default_rng(0)
    for turn in range(repeats + 1):
        names = rng.permutation([*runs])
        for name, run in ((name, runs[name]) for name in names):
            started = time.perf_counter()
            run()
            if turn:
                times[name].append(1e3 * (time.perf_counter() - started))
    return times


def share(times: list[float], reference: list[float]) -> str:
    """The median of the ratios of each round, and their quartiles."""
    ratios = [a / b for a, b in zip(times, reference, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"


def peak_gflops() -> float:
    """The best of ten products of two 1024 x 1024 matrices: what this machine can do at most."""
    a = tf.random.stateless_normal([1024, 1024], seed=[0, 0])
    product = tf.function(lambda: a @ a)
    best = min(min(part) for part in interleaved({"product": product}, 10).values())
    return 2 * 1024**3 / best / 1e6


def useful_gflops(kind: str, size: tuple[int, int, int, int], milliseconds: float) -> float:
    """Products of the forward pass alone, in 1e9 operations a second."""
    B, T, D, H = size
    gates = {"rnn": 1, "gru": 3}.get(kind, 4)
    widths = [D, H, H] if kind == "stack" else [D]
    return sum(2 * B * T * (width + H) * gates * H for width in widths) / milliseconds / 1e6


def measure(kind: str, size_name: str, repeats: int, peak: float) -> list[list[str]]:
    """Rows of the table for one network and size."""
    B, T, D, H = SIZES[size_name]
    x = tf.random.stateless_normal([B, T, D], seed=[1, 1])
    cells = cells_of(kind, D, H)
    contestants = [*of_the_course(cells, x), of_keras(cells, x), of_tensorflow_1(cells, x)]
    if (torch_one := of_pytorch(kind, D, H, x)) is not None:
        contestants.append(torch_one)
    forward = interleaved({c.name: c.forward for c in contestants}, repeats)
    train = interleaved({c.name: c.train for c in contestants}, repeats)
    rows = []
    for c in contestants:
        f, t = statistics.median(forward[c.name]), statistics.median(train[c.name])
        speed = useful_gflops(kind, SIZES[size_name], f) / peak
        rows.append(
            [
                f"{kind} {size_name}",
                c.name,
                f"{f:.2f}",
                share(forward[c.name], forward["keras"]),
                f"{t:.2f}",
                share(train[c.name], train["keras"]),
                f"{speed:.0%}",
            ]
        )
    return rows


def unrolling_rows(steps: tuple[int, ...] = (2, 10, 50, 200)) -> list[list[str]]:
    """What static unrolling costs against a loop: nodes, tracing and running, for a basic cell."""
    cell, rows = BasicRNNCell(5, 3), []

    def static(x: Any) -> Any:
        return stack_outputs(static_rnn(cell, to_time_list(x), cell.zero_state(4))[0])

    for name, run in (("static", static), ("dynamic", lambda x: dynamic_rnn(cell, x)[0])):
        for T in steps:
            x = tf.zeros([4, T, 3])

            def gradient(x: Any, run: Any = run) -> Any:
                with tf.GradientTape() as tape:
                    loss = tf.reduce_sum(run(x))
                return tape.gradient(loss, cell.trainable_variables)

            started = time.perf_counter()
            traced = tf.function(gradient)
            traced.get_concrete_function(x)
            tracing = time.perf_counter() - started
            running = statistics.median(interleaved({"run": lambda: traced(x)}, 15)["run"])  # noqa: B023
            rows.append(
                [
                    f"{name} T={T}",
                    str(count_graph_nodes(run, x)),
                    str(count_graph_nodes(gradient, x)),
                    f"{tracing:.2f}",
                    f"{running:.2f}",
                ]
            )
    return rows


def table(header: list[str], rows: list[list[str]]) -> str:
    """Columns as wide as their widest entry."""
    widths = [max(len(row[k]) for row in [header, *rows]) for k in range(len(header))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in
             [header, ["-" * w for w in widths], *rows]]  # fmt: skip
    return "\n".join(line.rstrip() for line in lines)


def plot(rows: list[list[str]], path: Path) -> None:
    """Bars of the training step's share of Keras, one group a network and size."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    groups = list(dict.fromkeys(row[0] for row in rows))
    names = list(dict.fromkeys(row[1] for row in rows))
    fig, ax = plt.subplots(figsize=(1 + 1.3 * len(groups), 4), layout="constrained")
    hatches = ["", "//", "..", "xx", "\\\\"]
    for k, name in enumerate(names):
        values = {row[0]: float(row[5].split()[0]) for row in rows if row[1] == name}
        places = [g + 0.8 * (k - (len(names) - 1) / 2) / len(names) for g in range(len(groups))]
        heights = [values.get(group, np.nan) for group in groups]
        ax.bar(places, heights, 0.8 / len(names), label=name, hatch=hatches[k % 5], edgecolor="k")
    ax.axhline(1, color="k", linewidth=0.8)
    ax.set_xticks(range(len(groups)), groups)
    ax.set_ylabel("training step, share of Keras")
    ax.legend()
    fig.savefig(path)


def main() -> None:
    """Measure what the command line asks for, and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--plot", type=Path, help="also draw the training steps into this file")
    arguments = parser.parse_args()

    peak = peak_gflops()
    print(f"{os.cpu_count()} cores, TensorFlow {tf.__version__}; a matrix product of 1024: "
          f"{peak:.0f} GFLOP/s, median of {arguments.repeats} repeats\n")  # fmt: skip
    rows = []
    for size in arguments.sizes:
        for kind in arguments.kinds:
            rows += measure(kind, size, arguments.repeats, peak)
    header = ["network", "who", "forward ms", "of keras", "train ms", "of keras", "of peak"]
    print(table(header, rows))
    print("\nStatic unrolling against a loop (basic cell of 5 units, batch 4)\n")
    header = ["unrolled", "nodes", "with gradient", "tracing s", "gradient ms"]
    print(table(header, unrolling_rows()))
    if arguments.plot:
        plot(rows, arguments.plot)


if __name__ == "__main__":
    main()
