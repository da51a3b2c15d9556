"""Run an unrolling over a step of our own: eagerly, in a traced graph, and differentiated.

The step's output is not its state, so that an answer which collects the wrong one shows it. In the graph
the size of the time axis is unknown, and one trace serves two batches of different lengths.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Answer = Callable[[Callable[..., Any], Any, Any, Any], Any]

_LOOPS = frozenset(("While", "StatelessWhile", "Enter"))
_IN_USER_CODE = re.compile(r"\n\n    (?:\w+): (.+)")
_FRAME = re.compile(
    r'File "[^"\n]*ipy(?:kernel|thon)[^"\n]*", line (\d+), in (\w+)[^\n]*(?:\n\s*+(?!File )([^\n]+))?'
)
_COUNTING_TO_NONE = (
    "'NoneType' object cannot be interpreted as an integer",
    "Cannot infer argument",
)
_BEFORE_NODE = re.compile(r"\n([^\n]+)\n\s*\[\[")
_INTERNAL = re.compile(r"\{\{\w*node [^}]*\}\} ?|\s*\[Op:[^\]]*\].*")


class SymbolicTensorError(Exception):
    """Something asked for the numbers of a tensor while the graph was still being traced."""


class UnknownSizeError(Exception):
    """Python was to count to the size of an axis that nobody knows while the graph is traced."""


def unroll(answer: Answer, how: str, weights: list[Any], x: Any, h0: Any, lengths: Any) -> Any:
    """What ``answer(step, x, h0, lengths)`` gives, as tensors in and out.

    Args:
        answer: returns the outputs ``(B, T, H)`` and the final state ``(B, H)``.
        how: ``"eager"``, ``"graph"`` or ``"gradients"``.
        weights: of the step: ``Wx (D, H)``, ``Wh (H, H)``, ``b (H,)``, ``V (H, H)``, ``c (H,)``.
        x: ``(B, T, D)``.
        h0: ``(B, H)``.
        lengths: ``(B,)``.
    """
    from course_lib.quiet import tf

    _mute_unused_arrays(tf)
    run = {"eager": _eager, "graph": _graph, "gradients": _gradients}[how]
    tensors = (tf.constant(x), tf.constant(h0), tf.constant(lengths))
    try:
        return run(tf, answer, _make_step(tf, weights), *tensors)
    except Exception as error:
        raise _readable(tf, error).with_traceback(error.__traceback__) from None


def _make_step(tf: Any, weights: list[Any]) -> Callable[[Any, Any], tuple[Any, Any]]:
    Wx, Wh, b, V, c = (tf.constant(weight) for weight in weights)

    def step(x: Any, h: Any) -> tuple[Any, Any]:
        h = tf.tanh(x @ Wx + h @ Wh + b)
        return h @ V + c, h

    plain_step: Callable[[Any, Any], tuple[Any, Any]] = tf.autograph.experimental.do_not_convert(
        step
    )
    return plain_step


def _eager(tf: Any, answer: Answer, step: Any, x: Any, h0: Any, lengths: Any) -> dict[str, Any]:
    outputs, h_last = _two(answer(step, x, h0, lengths))
    return {"outputs": outputs, "h_last": h_last}


def _graph(tf: Any, answer: Answer, step: Any, x: Any, h0: Any, lengths: Any) -> dict[str, Any]:
    batch, time, features = x.shape

    def run(x: Any, h0: Any, lengths: Any) -> Any:
        return answer(step, x, h0, lengths)

    spec = tf.TensorSpec
    signature = [
        spec([batch, None, features], x.dtype), spec(h0.shape, h0.dtype), spec([batch], tf.int32)
    ]  # fmt: skip
    traced = tf.function(run, input_signature=signature)
    with _graphs_as_written(tf):
        graph = traced.get_concrete_function().graph.as_graph_def()
        outputs, h_last = _two(traced(x, h0, lengths))
        shorter, _ = _two(traced(x[:, : time - 2], h0, tf.minimum(lengths, time - 2)))
    nodes = [*graph.node, *(n for function in graph.library.function for n in function.node_def)]
    return {
        "outputs": outputs,
        "h_last": h_last,
        "outputs of a shorter batch": shorter,
        "has a loop": any(node.op in _LOOPS for node in nodes),
    }


def _gradients(tf: Any, answer: Answer, step: Any, x: Any, h0: Any, lengths: Any) -> dict[str, Any]:
    with tf.GradientTape() as tape:
        tape.watch([x, h0])
        outputs, h_last = _two(answer(step, x, h0, lengths))
        outputs, h_last = (tf.cast(part, x.dtype) for part in (outputs, h_last))
        loss = tf.reduce_sum(outputs**2) + tf.reduce_sum(tf.sin(h_last))
    dx, dh0 = tape.gradient(loss, [x, h0])
    return {"dx": dx, "dh0": dh0}


def _two(result: Any) -> tuple[Any, Any]:
    if isinstance(result, tuple | list) and len(result) == 2:
        return result[0], result[1]
    raise TypeError("expected two results, (outputs, h_last)")


@contextmanager
def _graphs_as_written(tf: Any) -> Iterator[None]:
    """Leave TensorFlow's graph optimiser out: for a graph that runs twice it costs more than it saves."""
    before = tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": before})


def _mute_unused_arrays(tf: Any) -> None:
    """Keep TensorFlow from writing to stderr about a TensorArray that an exception left unfinished."""
    logger = tf.get_logger()
    if _is_worth_logging not in logger.filters:
        logger.addFilter(_is_worth_logging)


def _is_worth_logging(record: logging.LogRecord) -> bool:
    return "Object was never used" not in str(record.msg) + str(record.args)


def _readable(tf: Any, error: Exception) -> Exception:
    """The error in the words that a student can use, with the line in the notebook if it was traced.

    TensorFlow opens with "in user code:" or "Graph execution error:" and says what happened last.
    """
    text = str(error)
    message = next(iter(text.strip().splitlines()), "")
    if said := _IN_USER_CODE.findall(text):
        message = said[-1]
    elif text.startswith("Graph execution error"):
        message = next((line for line in _BEFORE_NODE.findall(text)), message)
    message = _INTERNAL.sub("", message)
    if lines := _FRAME.findall(text):
        number, function, code = lines[-1]
        message += f", in line {number} of {function}" + (f" (`{code.strip()}`)" if code else "")
    if any(words in text for words in _COUNTING_TO_NONE):
        return UnknownSizeError(message)
    if "ymbolic" in text and isinstance(error, NotImplementedError | AttributeError):
        return SymbolicTensorError(message)
    if isinstance(error, tf.errors.OpError):
        renamed: Exception = type(error)(None, None, message)
        return renamed
    if said:
        try:
            return type(error)(message)
        except TypeError:
            return RuntimeError(message)
    return error
