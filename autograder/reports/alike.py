"""Which submissions look alike: a hint for a person, never a proof.

What is compared is the program text of the student's own cells, without comments, texts and layout, and
with each cell's own names numbered in the order in which they appear, so that renaming hides nothing.
Short exercises have few right answers, so honest answers are alike, too: the report shows how alike the class
is, and lists only pairs that stand out from it.
"""

from __future__ import annotations

import io
import keyword
import token
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from nbformat import NotebookNode
from rapidfuzz.distance import Indel

FEWEST_TOKENS = 80
"""Shorter programs say nothing about who wrote them."""
ALIKE = 0.9
"""The least share of equal tokens that is told."""

_LAYOUT = {token.COMMENT, token.NL, token.NEWLINE, token.INDENT, token.DEDENT, token.ENDMARKER}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two students whose programs are alike, and how much: 1.0 is equal but for names and layout."""

    first: str
    second: str
    share: float


@dataclass(frozen=True, slots=True)
class Alike:
    """The pairs that stand out, and how alike two submissions of this class usually are."""

    pairs: tuple[Pair, ...]
    usual: float


def program(notebook: NotebookNode) -> list[str]:
    """The tokens of a student's own cells, names numbered cell by cell."""
    tokens: list[str] = []
    for cell in notebook.cells:
        if cell.metadata.get("unrolled", {}).get("owner") == "student":
            tokens += _tokens(cell.source)
    return tokens


def _tokens(source: str) -> list[str]:
    numbers: dict[str, str] = {}
    found: list[str] = []
    try:
        for item in tokenize.generate_tokens(io.StringIO(source).readline):
            if item.type in _LAYOUT:
                continue
            if item.type == token.NAME and not keyword.iskeyword(item.string):
                found.append(numbers.setdefault(item.string, f"n{len(numbers)}"))
            else:
                found.append('""' if item.type == token.STRING else item.string)
    except (tokenize.TokenError, SyntaxError):
        pass  # broken code is compared as far as it can be read
    return found


def look_alike(programs: Mapping[str, Sequence[str]], released: Sequence[str] = ()) -> Alike:
    """The pairs of a class that are more alike than its others.

    Args:
        programs: tokens by student.
        released: tokens that everybody was given; who wrote little more is left out.
    """
    long_enough = {
        student: tokens
        for student, tokens in programs.items()
        if len(tokens) - len(released) >= FEWEST_TOKENS
    }
    shares = {
        pair: Indel.normalized_similarity(long_enough[pair[0]], long_enough[pair[1]])
        for pair in combinations(sorted(long_enough), 2)
    }
    usual = median(shares.values()) if shares else 0.0
    telling = max(ALIKE, (1.0 + usual) / 2)
    pairs = [Pair(*names, share) for names, share in shares.items() if share >= telling]
    return Alike(tuple(sorted(pairs, key=lambda pair: -pair.share)), usual)
