"""What a grading kernel may see holds no answer to what is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

import course_lib
from autograder.engine import ALWAYS_SHOWN, Engine
from autograder.exercises import assignments, shown
from autograder.limits import Limits


@pytest.mark.parametrize("name", sorted(assignments()))
def test_no_answer_of_an_assignment_lies_in_a_file_that_its_kernels_see(name: str) -> None:
    library = Path(str(course_lib.__file__)).parent
    for exercise in assignments()[name]:
        for path in (*ALWAYS_SHOWN, *shown(name)):
            source = (library / path).read_text(encoding="utf-8")
            assert f"def {exercise.id}(" not in source, f"{path} answers {exercise.id}"


def test_a_confined_kernel_is_told_what_to_hide_and_an_ordinary_one_nothing() -> None:
    assert Engine().environment((), Limits()) == {}
    told = Engine("any", confined=True).environment(("tasks.py",), Limits(memory_mb=77))
    (options,) = told.values()
    assert '"hidden"' in options
    assert "tasks.py" in options
    assert '"memory_mb": 77' in options
