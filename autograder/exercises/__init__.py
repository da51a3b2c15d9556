"""The course's exercises: one module a notebook, named ``n01_unrolling_by_hand`` and so on.

Each module holds ``EXERCISES``, in the order of the notebook. Only the trusted side imports them.
"""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from functools import lru_cache

from autograder.exercise import Exercise


class UnknownExercise(LookupError):
    """No exercise has this id; the message names the nearest one."""

    def __str__(self) -> str:
        return str(self.args[0])


@lru_cache(maxsize=1)
def assignments() -> dict[str, tuple[Exercise, ...]]:
    """Every assignment's name (``01_unrolling_by_hand``) with its exercises, in order."""
    found = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        if module[0] == "n" and module[1:3].isdigit():
            found[module[1:]] = of_assignment(module[1:])
    return found


def of_assignment(assignment: str) -> tuple[Exercise, ...]:
    """The exercises of one assignment, in order."""
    module = importlib.import_module(f"{__name__}.n{assignment}")
    return tuple(module.EXERCISES)


def shown(assignment: str) -> tuple[str, ...]:
    """What of ``course_lib`` a grading kernel may see for this assignment; see ``Engine``."""
    module = importlib.import_module(f"{__name__}.n{assignment}")
    return tuple(getattr(module, "SHOWN", ()))


def needs_tensorflow(assignment: str) -> bool:
    """Whether what is run when grading uses TensorFlow, and so is best forked from a process that has it.

    Where a module says ``NUMPY_ONLY``, a student may import TensorFlow all the same; it then takes seconds.
    """
    module = importlib.import_module(f"{__name__}.n{assignment}")
    return not getattr(module, "NUMPY_ONLY", False)


@lru_cache(maxsize=1)
def _by_id() -> dict[str, Exercise]:
    return {item.id: item for several in assignments().values() for item in several}


def find(exercise_id: str) -> Exercise:
    """The exercise with this id.

    Raises:
        UnknownExercise: with the nearest id there is.
    """
    known = _by_id()
    if exercise_id not in known:
        close = get_close_matches(exercise_id, known, n=1)
        near = f"; did you mean {close[0]!r}?" if close else ""
        raise UnknownExercise(f"there is no exercise {exercise_id!r}{near}")
    return known[exercise_id]
