"""Hints may point at the answer; they must not contain it."""

from __future__ import annotations

import ast

from autograder.exercise import Exercise

LEAST = 8
"""Letters of code, without spaces, from which on a piece counts as part of the answer."""


def giving_away(exercise: Exercise, solution: str) -> list[str]:
    """The pieces of the solution's own code that stand in one of the exercise's hints.

    A piece is a whole expression that computes something (an operator or a call inside another one),
    so that naming a function, an argument or a shape is no piece.
    """
    told = {"nudge": exercise.nudge, "pointer": exercise.pointer}
    for known in exercise.misconceptions:
        told[f"{known.name}, nudge"] = known.nudge
        told[f"{known.name}, pointer"] = known.pointer
        told[f"{known.name}, explanation"] = known.explanation
    found = []
    for where, text in told.items():
        squeezed = _squeezed(text)
        found += [f"{where}: {piece}" for piece in pieces(solution) if _squeezed(piece) in squeezed]
    return found


def pieces(solution: str) -> list[str]:
    """The expressions of a solution that are long enough to be (part of) an answer."""
    computing = (ast.BinOp, ast.Call, ast.Compare, ast.Subscript)
    found = set()
    for statement in ast.walk(ast.parse(solution)):
        if not isinstance(statement, ast.FunctionDef):
            continue
        for node in ast.walk(ast.Module(statement.body, [])):
            if isinstance(node, computing):
                inside = sum(isinstance(part, computing) for part in ast.walk(node))
                text = ast.unparse(node)
                if inside > 1 and len(_squeezed(text)) >= LEAST:
                    found.add(text)
    return sorted(found)


def _squeezed(text: str) -> str:
    return "".join(text.split()).replace("`", "").replace('"', "'")
