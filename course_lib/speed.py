"""One LSTM, written in six ways, and a fair race between them on this machine.

    for name, times in race(contestants(batch=16, time=25, features=32, units=64)).items(): ...

Every contestant has the same weights and computes the same outputs. A round runs each of them once,
so that a machine which slows down slows everybody; the number to compare is the median.
"""

import os
import platform
import statistics
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from course_lib.cells.lstm_tf import LSTMCell
from course_lib.fast.lstm import fast_lstm
from course_lib.hoisting import hoist_input_projection
from course_lib.layouts import to_keras
from course_lib.quiet import tf
from course_lib.unroll.dynamic import dynamic_rnn
from course_lib.unroll.static import count_graph_nodes, stack_outputs, static_rnn, to_time_list

Run = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to write the LSTM.

    Attributes:
        name: as a reader sees it.
        outputs: a function of x.
        forward: runs it once.
        train: runs it once and computes the gradients of all weights.
        nodes: of its graph, and of the graph with gradients; `None` where there is no graph.
    """

    name: str
    outputs: Callable[[Any], Any]
    forward: Run
    train: Run
    nodes: tuple[int, int] | None


def machine() -> str:
    """This machine, in a line: processor, cores, TensorFlow."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            models = [line.split(":", 1)[1].strip() for line in file if "model name" in line]
        name = models[0] if models else name
    except OSError:
        pass
    graphics = len(tf.config.list_physical_devices("GPU"))
    extra = f", {graphics} GPU" if graphics else ""
    return f"{name}, {_cores()} cores{extra}, {platform.system()}, TensorFlow {tf.__version__}"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def contestants(batch: int, time: int, features: int, units: int) -> list[Contestant]:
    """The six ways, with the same weights, on the same random input.

    >>> [one.name for one in contestants(2, 3, 4, 5)]
    ['readable', 'unrolled', 'looped', 'hoisted', 'by hand + XLA', 'Keras']
    """
    x = tf.random.stateless_normal([batch, time, features], seed=[1, 4])
    cell = LSTMCell(units, features)
    weights = [cell.kernel, cell.recurrent_kernel, cell.bias]
    layer = to_keras(cell)

    def step_by_step(x: Any) -> Any:
        return stack_outputs(static_rnn(cell, to_time_list(x), cell.zero_state(batch))[0])

    def hoisted(x: Any) -> Any:
        return hoist_input_projection(x, cell.zero_state(batch), *weights)[0]

    def fast(x: Any) -> Any:
        return fast_lstm(x, cell.zero_state(batch), *weights)[0]

    own = [variable.value for variable in layer.trainable_variables]
    return [
        _contestant("readable", step_by_step, weights, x, graph=False),
        _contestant("unrolled", step_by_step, weights, x),
        _contestant("looped", lambda x: dynamic_rnn(cell, x)[0], weights, x),
        _contestant("hoisted", hoisted, weights, x),
        _contestant("by hand + XLA", fast, weights, x, xla=True),
        _contestant("Keras", lambda x: layer(x)[0], own, x),
    ]


def _contestant(
    name: str,
    outputs: Callable[[Any], Any],
    weights: list[Any],
    x: Any,
    *,
    graph: bool = True,
    xla: bool = False,
) -> Contestant:
    def gradients(x: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(outputs(x) ** 2)
        return tape.gradient(loss, weights)

    forward, train = outputs, gradients
    if graph:
        forward = tf.function(outputs, jit_compile=xla)
        train = tf.function(gradients, jit_compile=xla)
    nodes = (count_graph_nodes(forward, x), count_graph_nodes(train, x)) if graph else None
    return Contestant(name, forward, lambda: forward(x), lambda: train(x), nodes)


def race(runs: dict[str, Run], *, seconds: float = 2.0, most: int = 15) -> dict[str, list[float]]:
    """Milliseconds of each run, in rounds of everybody once, after one round to warm up.

    Args:
        runs: by name.
        seconds: no new round begins after so long; there are at least three.
        most: rounds at most.

    >>> sorted(race({"a": lambda: 1, "b": lambda: 2}, seconds=0.0)) == ["a", "b"]
    True
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    begun = clock.perf_counter()
    for turn in range(most):
        if turn >= 3 and clock.perf_counter() - begun > seconds:
            break
        for name, run in runs.items():
            started = clock.perf_counter()
            _wait(run())
            times[name].append(1e3 * (clock.perf_counter() - started))
    return times


def _wait(result: Any) -> None:
    """Let a device finish: a GPU answers before it is done."""
    for part in tf.nest.flatten(result):
        if hasattr(part, "numpy"):
            part.numpy()


def middle(times: dict[str, list[float]]) -> dict[str, float]:
    """The median of each.

    >>> middle({"a": [3.0, 1.0, 2.0]})
    {'a': 2.0}
    """
    return {name: statistics.median(values) for name, values in times.items()}
