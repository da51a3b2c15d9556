"""Judges that lack one check each: what an attack on our own protocol is a danger to.

They read the reply of a kernel as the grader does, and believe what the grader does not.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.engine import Engine
from autograder.limits import Limits
from autograder.probes import resolve
from autograder.running import Question, Reply, Session


class Recorder(Session):
    """A session that keeps what a kernel replied, as it came."""

    texts: dict[str, str]

    def _read(self, content: Any, question: Question) -> Reply:
        with contextlib.suppress(KeyError):
            text = content["user_expressions"]["answer"]["data"]["text/plain"]
            self.texts[question.name] = base64.b64decode(text[1:-1]).decode("utf-8", "replace")
        return super()._read(content, question)


async def reply_of(notebook: Any, question: Question) -> str:
    """What the kernel of a submission replies, where nothing confines it."""
    session = Recorder(notebook, Limits(notebook_seconds=120), Engine(), ())
    session.texts = {}
    await session.execute({f"check-{question.name}": question})
    return session.texts[question.name]


def _verdict(text: str) -> bool:
    """Takes the kernel's word for what was passed."""
    return json.loads(text)["passed"] is True


def _size(text: str) -> bool:
    """Reads whatever comes, however much it is."""
    return len(json.loads(text)) > 10_000_000


def _pickle(text: str) -> bool:
    """Loads pickles."""
    pickle.loads(text.encode("latin-1"))
    return True


def _npy(text: str) -> bool:
    """Loads arrays of objects."""
    np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=True)
    return True


def _eval(text: str) -> bool:
    """Evaluates what looks like a literal."""
    eval(text)
    return True


def _recursion(text: str) -> bool:
    """Lets a parser call itself as often as it likes, and is ended by the exception."""
    try:
        json.loads(text)
    except RecursionError:
        return True
    return False


def _shape(text: str) -> bool:
    """Makes room for what an array claims to hold."""
    dtype, shape, _ = json.loads(text)["dict"][1][1]["array"]
    try:
        np.empty(shape, dtype)
    except (MemoryError, ValueError):
        return True
    return False


BELIEVERS: dict[str, Callable[[str], bool]] = {
    "verdict": _verdict,
    "size": _size,
    "pickle": _pickle,
    "npy": _npy,
    "eval": _eval,
    "recursion": _recursion,
    "shape": _shape,
}
"""Each says whether the reply did to it what it was meant to do."""


def question() -> Question:
    """What a test cell asks about the attacked exercise."""
    probe = "calls:call"
    resolve(probe)
    return Question("concat_kernel", probe, [[np.ones((3, 5)), np.ones((5, 5))]], 30.0)
