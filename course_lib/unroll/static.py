"""Static unrolling: a Python loop that writes out every step, and what that costs in a graph.

    h_0, h_1, ..., h_T:    y_t, h_t = step(x_t, h_{t-1})

The first three functions work on NumPy arrays and on tensors, and return the kind they were given.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_lib.shapes import ShapeError, check_shape, is_tensor


def to_time_list(x: Any) -> list[Any]:
    """Cut `(B, T, D)` into a list of T pieces `(B, D)`, one a time step.

    Args:
        x: array or tensor, `(B, T, D)`; T must be known.

    Returns:
        T arrays or tensors, `(B, D)`; `x[:, t]` is the t-th.

    Raises:
        ShapeError: `x` does not have three axes, or T is unknown while a graph is traced.

    Source: seed 004, which transposes to `(T, B, D)` and then unstacks.

    >>> first, second = to_time_list(np.arange(12).reshape(3, 2, 2))
    >>> first
    array([[0, 1],
           [4, 5],
           [8, 9]])
    """
    x = x if is_tensor(x) else np.asarray(x)
    _, time, _ = check_shape("x", x, ("batch", "time", "features"))
    if time is None:
        raise ShapeError(
            "x: time is unknown while tracing; a static unrolling needs it (a loop not)"
        )
    return [x[:, t] for t in range(time)]


def stack_outputs(ys: Sequence[Any]) -> Any:
    """Put T pieces `(B, H)` back together: `(B, T, H)`.

    Args:
        ys: the outputs of T steps, `(B, H)` each.

    Returns:
        An array or tensor, `(B, T, H)`.

    Raises:
        ShapeError: there is nothing to stack, or the pieces differ in shape.

    Source: seed 004, which stacks to `(T, B, H)` and then transposes.

    >>> stack_outputs([np.zeros((3, 5)), np.ones((3, 5))]).shape
    (3, 2, 5)
    """
    if len(ys) == 0:
        raise ShapeError("ys: time is 0, expected at least 1")
    batch, hidden = check_shape("ys[0]", ys[0], ("batch", "hidden"))
    like_first = {
        "batch": (batch, f"ys[0] has batch {batch}"),
        "hidden": (hidden, f"ys[0] has hidden {hidden}"),
    }
    for t, y in enumerate(ys):
        check_shape(f"ys[{t}]", y, ("batch", "hidden"), **like_first)
    if any(is_tensor(y) for y in ys):
        from course_lib.quiet import tf

        return tf.stack(list(ys), axis=1)
    return np.stack([np.asarray(y) for y in ys], axis=1)


def static_rnn(
    step: Callable[[Any, Any], tuple[Any, Any]], xs: Sequence[Any], h0: Any
) -> tuple[list[Any], Any]:
    """Apply one step to every piece of a sequence, handing the state on.

    In a traced graph this writes the step out T times: simple, and as long as the sequence.

    Args:
        step: `step(x, state) -> (output, state)`, a function or a cell; always the same weights.
        xs: T inputs, `(B, D)` each, as `to_time_list` makes them.
        h0: the state before the first step: an array, a tensor, or a nested tuple of them.

    Returns:
        The list of T outputs, and the state after the last step (with the structure of `h0`).

    Raises:
        ShapeError: there is no input, or the inputs differ in shape; the error names the axis.

    Source: `tf.nn.static_rnn` as seed 004 uses it (`tf.nn.rnn` in seed 002).

    >>> running_sum = lambda x, total: (total + x, total + x)
    >>> static_rnn(running_sum, [[1.0], [2.0], [3.0]], np.zeros(1))[1]
    array([6.])
    """
    if len(xs) == 0:
        raise ShapeError("xs: time is 0, expected at least 1")
    state, outputs = h0, []
    for x in xs:
        output, state = step(x, state)
        outputs.append(output)
    return outputs, state


def count_graph_nodes(fn: Callable[..., Any], *example_args: Any) -> int:
    """Count the nodes of the graph that `tf.function` traces for these arguments.

    A loop keeps its body in a function beside the graph proper, and so does every gradient of one.
    All functions that can be reached from the graph are counted, each once, however often it is
    called: that is the size of the program, not the work it does.

    Args:
        fn: a Python function of tensors, or a `tf.function`.
        *example_args: arguments to trace with; arrays become tensors, others stay as they are.

    Returns:
        The number of nodes.

    >>> count_graph_nodes(lambda x: x + x, np.float32(1.0))  # the input, the sum, the result
    3
    """
    from course_lib.quiet import tf

    traced = fn if hasattr(fn, "get_concrete_function") else tf.function(fn)
    arguments = [
        tf.nest.map_structure(
            lambda a: tf.convert_to_tensor(a) if isinstance(a, np.ndarray | np.generic) else a, arg
        )
        for arg in example_args
    ]
    graph = traced.get_concrete_function(*arguments).graph.as_graph_def()
    bodies = {function.signature.name: function.node_def for function in graph.library.function}

    total, waiting, seen = 0, [graph.node], set()
    while waiting:
        nodes = waiting.pop()
        total += len(nodes)
        for name in _called_functions(nodes):
            if name in bodies and name not in seen:
                seen.add(name)
                waiting.append(bodies[name])
    return total


def _called_functions(nodes: Any) -> list[str]:
    """The functions that nodes name: as their operation, or in an attribute (a loop's body)."""
    names = []
    for node in nodes:
        names.append(node.op)
        for attribute in node.attr.values():
            names.append(attribute.func.name)
            names.extend(function.name for function in attribute.list.func)
    return names
