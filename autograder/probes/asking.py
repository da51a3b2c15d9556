"""How a probe asks what is kept on the other side: in plain data, one question at a time.

What answers is an oracle of ``autograder.oracles``. While grading it is in another process, and a question
travels as one of Jupyter's own requests for input; in a student's own notebook it is called directly.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import Any

from autograder.values import NotPlain, Plain, decode, encode, plain

Send = Callable[[str], str]
Ask = Callable[..., Plain]
"""``ask(question, *arguments)`` gives the answer; a question that does not fit raises ValueError."""


def asking(send: Send, case: int) -> Ask:
    """Asks about one case through ``send``, which takes a text and gives the reply."""

    def ask(question: str, *arguments: Any) -> Plain:
        asked = {"case": case, "question": question, "arguments": plain(list(arguments))}
        match decode(send(encode(asked))):
            case {"answer": answer}:
                return answer
            case {"refused": str(sentence)}:
                raise ValueError(sentence)
        raise NotPlain("the answer is malformed")

    return ask


def by_input(text: str) -> str:
    """Send a question as a request for input, which the grader answers and nobody else reads.

    The grader connects each of its sockets by itself, so the one for questions may come after the one for
    work. What is sent before that a ZeroMQ ROUTER drops without a word, unless it is told to raise.
    """
    from IPython.core.getipython import get_ipython
    from zmq.error import ZMQError

    shell: Any = get_ipython()
    shell.kernel.stdin_socket.router_mandatory = True
    while True:
        try:
            reply: str = shell.kernel.raw_input(text)
            return reply
        except ZMQError as problem:
            if problem.errno != errno.EHOSTUNREACH:
                raise
            time.sleep(0.01)
