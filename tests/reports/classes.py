"""A class of the grader's records and a real gradebook, made without running anybody's code."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from autograder.course import Course
from autograder.exercises import assignments
from autograder.gradebook import default_url, open_gradebook, prepare
from autograder.judge import Judge
from autograder.store import Store
from autograder.submission import RECORD, Graded
from autograder.verdict import ExerciseResult, Incident, SubmissionResult
from tests.examples.classroom import new_course

NAME = "01_unrolling_by_hand"
MAX = sum(exercise.points for exercise in assignments()[NAME])


def classroom(root: Path, **students: str) -> Course:
    """A course in which each student's first exercise ended as told: right, wrong, or missing.

    "wrong" is the known misconception `wh-transposed`; all other exercises are right for "right" and
    missing otherwise.
    """
    course = Course(new_course(root))
    url = default_url(course)
    with open_gradebook(url) as gradebook:
        prepare(course, gradebook, url, NAME)
        for student, how in students.items():
            graded = record(course, student, how)
            Store(course).save(graded, "any")
            gradebook.update_or_create_student(student)
            gradebook.update_or_create_submission(NAME, student)
            notebook = gradebook.find_submission_notebook(NAME, NAME, student)
            scores = {f"check-{item.id}": item.score for item in graded.result.exercises}
            for grade in notebook.grades:
                grade.auto_score = scores[grade.name]
            gradebook.db.commit()
    return course


def record(course: Course, student: str, how: str) -> Graded:
    """What the judge says of one submission."""
    results: list[ExerciseResult] = []
    for place, exercise in enumerate(assignments()[NAME]):
        judge = Judge(exercise, 1)
        if how == "right":
            results.append(judge.judge(judge.run(exercise.reference)))
        elif how == "wrong" and place == 0:
            known = next(m for m in exercise.misconceptions if m.name == "wh-transposed")
            results.append(judge.judge(judge.run(known.variant)))
        else:
            results.append(judge.nothing("missing", "the cell is as it was released"))
    incidents = (Incident("timeout", "the cell x ran longer than 20 s"),) if how == "wrong" else ()
    result = SubmissionResult(
        student=student,
        assignment=NAME,
        status="graded",
        score=sum(item.score for item in results),
        max_score=MAX,
        seconds=1.5,
        seed=1,
        exercises=tuple(results),
        incidents=incidents,
        sandboxed=True,
    )
    notebook = nbformat.read(course.release(NAME), as_version=4)
    notebook.cells.append(_program(student, how))
    notebook.metadata[RECORD] = result.to_json()
    return Graded(result, notebook)


def _program(student: str, how: str) -> nbformat.NotebookNode:
    """Some program text; that of students with the same ending differs in names only."""
    lines = [f"{student}_{n} = {n} * {student}_{max(0, n - 1)} + {len(how)}" for n in range(30)]
    if how == "wrong":
        lines = [f"while {student} < {n}: {student} -= [{n}, {n}][0]" for n in range(30)]
    cell = new_code_cell("\n".join(lines))
    cell.metadata.unrolled = {"owner": "student"}
    return cell
