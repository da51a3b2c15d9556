"""Oracles: what answers an exercise's questions without being where the student's code is.

Some exercises hand out a thing to be examined, and what it *is* is the answer: a network with something
wrong. Beside strangers' code such a thing would be read and not examined. So it stays on the trusted side, and
the kernel holds a stub whose every question travels as plain data, and comes back answered as plain data:

    probe's stub --ask("read", x)--> Desk.reply --Oracle.answer("read", [x])--> what is plain of it

While grading the question is an ``input_request`` of Jupyter's (``autograder.running`` hands it to the
desk); in a student's own notebook, where there is nothing to protect, the desk is asked directly, in the
same words.

An oracle runs nothing of what it is asked. It is handed plain data that ``autograder.values`` has decoded,
so types, shapes and sizes are sane, and refuses what does not fit in a sentence for the student. The desk
counts: so many questions, so many bytes, so much time of the trusted process, and no more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from autograder.values import NotPlain, Plain, decode, encode, plain


class Refused(ValueError):
    """A question that does not fit; the sentence is what the student's code gets as a ValueError."""


class Oracle(Protocol):
    """What answers questions about one case. The same question has the same answer, ever."""

    def answer(self, question: str, arguments: Sequence[Plain]) -> object:
        """The answer, of what ``autograder.values.plain`` takes.

        Raises:
            Refused: with a sentence for whoever asked.
        """


@dataclass(frozen=True, slots=True)
class Patience:
    """How much may be asked while one answer is looked at, over all cases.

    Attributes:
        questions: so many.
        question_bytes: of the longest.
        total_bytes: of all questions and answers together.
        seconds: of the trusted process's time.
    """

    questions: int = 20_000
    question_bytes: int = 2**20
    total_bytes: int = 64 * 2**20
    seconds: float = 30.0


class Desk:
    """Answers what is asked while one answer to an exercise is looked at.

    >>> class Echo:
    ...     def answer(self, question, arguments):
    ...         return arguments
    >>> decode(Desk([Echo()]).reply(encode({"case": 0, "question": "say", "arguments": [7]})))
    {'answer': [7]}
    """

    def __init__(self, oracles: Sequence[Oracle], patience: Patience | None = None) -> None:
        self._oracles = oracles
        self._patience = patience or Patience()
        self._questions = 0
        self._bytes = 0
        self._seconds = 0.0

    def reply(self, text: object) -> str:
        """The answer to one question, or the sentence with which it is refused, as text.

        Raises:
            NotPlain: when no stub of ours writes such a question, or more is asked than anybody needs. There is
                no answer then, and none to any later question.
        """
        started = time.monotonic()
        try:
            answer = self._reply(text)
        except NotPlain:
            self._questions = self._patience.questions  # that was the last one
            raise
        finally:
            self._seconds += time.monotonic() - started
        self._bytes += len(answer)
        return answer

    def _reply(self, text: object) -> str:
        most = self._patience
        if self._questions >= most.questions:
            raise NotPlain(f"it asked more than {most.questions} questions")
        if self._seconds > most.seconds:
            raise NotPlain(f"its questions took longer than {most.seconds:.0f} s to answer")
        if not isinstance(text, str) or len(text) > most.question_bytes:
            raise NotPlain(f"it asked a question of more than {most.question_bytes // 1024} kB")
        self._questions += 1
        self._bytes += len(text)
        if self._bytes > most.total_bytes:
            megabytes = most.total_bytes // 2**20
            raise NotPlain(f"its questions and their answers came to more than {megabytes} MB")
        asked = decode(text)
        match asked:
            case {"case": int(case), "question": str(question), "arguments": list(arguments)} if (
                len(asked) == 3 and type(case) is int and 0 <= case < len(self._oracles)
            ):
                pass
            case _:
                raise NotPlain("it asked a question in no words of ours")
        try:
            return encode({"answer": plain(self._oracles[case].answer(question, arguments))})
        except Refused as refused:
            return encode({"refused": str(refused)[:500]})
