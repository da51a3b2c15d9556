"""Probes: what runs beside the student's code, on inputs that the grader sends.

A probe is a function ``probe(answer, *inputs) -> plain data`` that lives in a module of this package
and holds no answer of its own. Where an exercise has an oracle, it is ``probe(answer, ask, *inputs)``: what
is asked is answered on the other side (``asking``). It calls what the student wrote (``calls.call``), builds
what the answer needs, or reads and differentiates the result. An exercise names its probe as
``"module:function"``.

``observe`` runs one probe once and notes everything that a judge may ask about: the result, the
exception, and whether the inputs were left as they were.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import io
import re
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.probes.asking import asking, by_input
from autograder.values import NotPlain, Plain, decode, encode, plain

_NOISE = re.compile(r"\{\{function_node [^}]*\}\} ?| ?\[Op:\w*\](?: name: ?\w*)?")
"""What TensorFlow adds to its messages for its own developers."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one probe saw in one case.

    Attributes:
        value: what came back, as plain data; ``None`` also when something was raised.
        raised: the name of the exception's type, or "" when none was raised.
        detail: the exception's message with the line of the student's code, for a person.
        unchanged: whether the inputs are still what they were before the call.
    """

    value: Plain = None
    raised: str = ""
    detail: str = ""
    unchanged: bool = True


def resolve(probe: str) -> Callable[..., Any]:
    """The function behind a probe's name, ``"module:function"`` inside this package.

    >>> resolve("calls:call").__name__
    'call'
    """
    module, _, function = probe.partition(":")
    if not module.isidentifier() or not function.isidentifier():
        raise ValueError(f"{probe!r} is no probe: expected 'module:function'")
    found: Callable[..., Any] = getattr(importlib.import_module(f"{__name__}.{module}"), function)
    return found


def observe(
    probe: str, answer: Any, inputs: Sequence[Plain], ask: Callable[..., Any] | None = None
) -> Outcome:
    """Run ``probe`` on ``answer`` and ``inputs`` once, whatever the answer does."""
    run = resolve(probe)
    handed_out = _copy(list(inputs))
    before = [] if ask is None else [ask]
    try:
        value = plain(run(answer, *before, *handed_out))
    except NotPlain as problem:
        return Outcome(raised=type(problem).__name__, detail=str(problem))
    except Exception as error:
        return Outcome(raised=_kind(error), detail=_where(error))
    return Outcome(value=value, unchanged=_same(handed_out, list(inputs)))


def answer_request(request: str, namespace: dict[str, Any]) -> str:
    """Kernel side of grading: the outcomes of every case in ``request``, as text.

    Args:
        request: ``encode({"name", "probe", "cases": [[input, ...], ...], "asks"})``; ``asks`` says whether the
            other side answers questions meanwhile.
        namespace: the student's global variables.
    """
    asked = decode(request)
    if asked["name"] not in namespace:
        return encode({"defined": False, "outcomes": []})
    outcomes = []
    for case, inputs in enumerate(asked["cases"]):
        ask = asking(by_input, case) if asked["asks"] else None
        seen = observe(asked["probe"], namespace[asked["name"]], inputs, ask)
        outcomes.append(
            {
                "value": seen.value,
                "raised": seen.raised,
                "detail": seen.detail,
                "unchanged": seen.unchanged,
            }
        )
    return encode({"defined": True, "outcomes": outcomes})


def armoured_answer(request: str, namespace: dict[str, Any]) -> str:
    """``answer_request`` with both sides in base64, whose letters survive any display of a string.

    What the student's code prints while it is probed goes nowhere.
    """
    silence = _Silence()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        reply = answer_request(base64.b64decode(request).decode("utf-8"), namespace)
    return base64.b64encode(reply.encode("utf-8")).decode("ascii")


class _Silence(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


def read_reply(reply: str, cases: int) -> list[Outcome] | None:
    """Grader side: the outcomes in ``reply``, or ``None`` when the name was never defined.

    Raises:
        NotPlain: when the reply is not exactly what ``answer_request`` writes for ``cases`` cases.
    """
    match decode(reply):
        case {"defined": False, "outcomes": []}:
            return None
        case {"defined": True, "outcomes": list(parts)} if len(parts) == cases:
            return [_outcome(part) for part in parts]
    raise NotPlain("the answer is malformed")


def _outcome(part: Any) -> Outcome:
    match part:
        case {
            "value": value,
            "raised": str(raised),
            "detail": str(detail),
            "unchanged": bool(unchanged),
        } if len(part) == 4:
            return Outcome(value, raised[:80], detail[:500], unchanged)
    raise NotPlain("the answer is malformed")


def _copy(value: Plain) -> Any:
    """A deep copy for the student to keep, so that nothing shared can be spoiled."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return value


def _same(left: Any, right: Any) -> bool:
    if isinstance(right, np.ndarray):
        return (
            isinstance(left, np.ndarray)
            and left.shape == right.shape
            and left.dtype == right.dtype
            and bool(np.array_equal(left, right, equal_nan=right.dtype.kind in "fc"))
        )
    if isinstance(right, list | tuple):
        return (
            isinstance(left, list | tuple)
            and len(left) == len(right)
            and all(_same(a, b) for a, b in zip(left, right, strict=True))
        )
    if isinstance(right, dict):
        return (
            isinstance(left, dict)
            and left.keys() == right.keys()
            and all(_same(left[key], right[key]) for key in right)
        )
    return type(left) is type(right) and bool(left == right)


def _kind(error: Exception) -> str:
    """The name of an exception's type.

    TensorFlow raises the very NotImplementedError that stands for "not written yet" where NumPy is given a
    tensor of a graph that is being traced; that one gets a name of its own.
    """
    if isinstance(error, NotImplementedError) and "symbolic" in str(error):
        return "SymbolicTensorError"
    return type(error).__name__


def _where(error: Exception) -> str:
    """The exception's message, and the last line of the notebook that led to it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if (
        lines and lines[0] == "in user code:"
    ):  # TensorFlow quotes the traced code before it says why
        lines = lines[-1:]
    text = _NOISE.sub("", lines[0])[:300] if lines else type(error).__name__
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "ipykernel" in frame.filename or frame.filename.startswith("<ipython"):
            line = f" (`{frame.line}`)" if frame.line else ""
            return f"{text}, in line {frame.lineno} of {frame.name}{line}"
    return text
