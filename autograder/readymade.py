"""Ready-made layers in a student's source, where an exercise asks to write one by hand.

They cannot be hidden: they are a part of TensorFlow. So each exercise declares what it asks not to use
(``Exercise.by_hand``), the source is searched for it, and the instructor is told. No points are taken: a name
in a source is no proof, and whether it matters is for a person to say.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from nbformat import NotebookNode

from autograder.exercise import Exercise
from autograder.verdict import Incident


def ready_made(notebook: NotebookNode, exercises: Iterable[Exercise]) -> list[Incident]:
    """What the student's own cells use of what their exercises ask to write by hand.

    A solution cell is held to its own exercise, a cell that the student added to all of them.

    Args:
        notebook: as ``autograder.rebuild`` puts it together.
        exercises: of this assignment.
    """
    known = {exercise.id: exercise for exercise in exercises}
    of_all = frozenset().union(*(exercise.by_hand for exercise in known.values()))
    incidents = []
    for cell in notebook.cells:
        if cell.metadata.get("unrolled", {}).get("owner") != "student":
            continue
        exercise = known.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        unwanted = exercise.by_hand if exercise else of_all
        where = exercise.id if exercise else "a cell that the student added"
        for name, line in sorted(set(_names(cell.source)), key=lambda found: found[1]):
            if name in unwanted:
                incidents.append(
                    Incident(
                        "ready-made",
                        f"{where} uses {name} (line {line}), which the text asks to write by hand",
                    )
                )
    return incidents


def _names(source: str) -> Iterator[tuple[str, int]]:
    """What ``source`` takes out of modules: attributes, imported names, ``getattr`` by name."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # it does not run either
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name):
                yield name, node.lineno
            case ast.ImportFrom(names=names):
                yield from ((alias.name, node.lineno) for alias in names)
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]):
                yield name, node.lineno
