"""Where a recurrent network's time goes: the products of its steps alone, without anything around them.

    python -m benchmarks.products

A step of an LSTM multiplies (batch, in + hidden) by (in + hidden, 4 hidden), and the next one waits for
it. Here a loop does only that, under each library, beside the whole forward pass of the fast path and of
PyTorch's layer. What the products alone take, no rewriting of the rest can save.
"""

import argparse
import os
import statistics
from typing import Any

import numpy as np

from benchmarks.cells import (
    SIZES,
    cells_of,
    interleaved,
    of_pytorch,
    of_the_course,
    peak_gflops,
    table,
)
from course_lib import tf


def loop_of_products(size: tuple[int, int, int, int], xla: bool) -> Any:
    """T products, each on what the one before gave."""
    B, T, D, H = size
    rng = np.random.default_rng(0)
    joined = tf.constant(rng.standard_normal((D + H, 4 * H)) / (D + H), tf.float32)
    first = tf.constant(rng.standard_normal((B, D + H)), tf.float32)

    @tf.function(jit_compile=xla)
    def run() -> Any:
        def body(t: Any, x: Any) -> Any:
            return t + 1, tf.concat([x[:, :D], (x @ joined)[:, :H]], axis=1)

        return tf.while_loop(
            lambda t, _: t < T, body, (tf.constant(0), first), maximum_iterations=T
        )[1]

    return run


def products_in_pytorch(size: tuple[int, int, int, int]) -> Any:
    """The same in PyTorch, or nothing where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(os.cpu_count() or 1)
    B, T, D, H = size
    rng = np.random.default_rng(0)
    joined = torch.tensor(rng.standard_normal((D + H, 4 * H)) / (D + H), dtype=torch.float32)
    first = torch.tensor(rng.standard_normal((B, D + H)), dtype=torch.float32)

    def run() -> Any:
        with torch.no_grad():
            x = first
            for _ in range(T):
                x = torch.cat([x[:, :D], (x @ joined)[:, :H]], dim=1)
            return x

    return run


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    peak, rows = peak_gflops(), []
    for name, size in SIZES.items():
        B, T, D, H = size
        x = tf.random.stateless_normal([B, T, D], seed=[1, 1])
        readable, fast = of_the_course(cells_of("lstm", D, H), x)
        runs = {
            "products, TensorFlow": loop_of_products(size, xla=False),
            "products, XLA": loop_of_products(size, xla=True),
            "forward, readable path": readable.forward,
            "forward, fast path": fast.forward,
        }
        if (torch_products := products_in_pytorch(size)) is not None:
            layer = of_pytorch("lstm", D, H, x)
            assert layer is not None
            runs["products, PyTorch"] = torch_products
            runs["forward, PyTorch's layer"] = layer.forward
        for who, times in sorted(interleaved(runs, arguments.repeats).items()):
            low, middle, high = statistics.quantiles(times, n=4)
            speed = 2 * B * T * (D + H) * 4 * H / middle / 1e6
            spread = f"{middle:.2f} ({low:.2f}-{high:.2f})"
            rows.append([name, who, spread, f"{speed:.0f}", f"{speed / peak:.0%}"])
    print(f"A product of 1024: {peak:.0f} GFLOP/s\n")
    print(table(["LSTM", "what", "ms", "GFLOP/s", "of peak"], rows))


if __name__ == "__main__":
    main()
