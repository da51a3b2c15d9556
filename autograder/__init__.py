"""Everything that checks, diagnoses and grades.

Notebooks call one function, ``check``. In a grading kernel there are no definitions of exercises to
check against: there ``check`` returns quietly, and a judge outside the kernel asks the questions.
"""

from __future__ import annotations

import os
from typing import Any

__all__ = ["check"]

GRADING_VARIABLE = "UNROLLED_GRADING"
"""Set in the environment of a grading kernel."""


def check(exercise_id: str, answer: Any) -> None:
    """Check an answer on the public cases and show what was found, with hints.

    Args:
        exercise_id: the name of the exercise, as the notebook gives it.
        answer: the function (or value) that you wrote.

    Raises:
        CheckFailed: an ``AssertionError``, after the card was shown, when something is not right yet.

    >>> from course_lib.cells.rnn import rnn_step
    >>> check("rnn_step", rnn_step)  # doctest: +ELLIPSIS
    ✓ rnn_step: ...
    """
    if os.environ.get(GRADING_VARIABLE):
        return
    try:
        from autograder.checking import check_here
    except ModuleNotFoundError as missing:
        if missing.name != "autograder.checking":
            raise  # a broken installation must not look like a passed check
        return  # the definitions are not in this kernel
    check_here(exercise_id, answer)
