"""``course feedback``: a page for every graded submission, through nbgrader's own converter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograder.build import quiet_nbgrader
from autograder.course import Course, CourseError
from autograder.files import write_atomically
from autograder.gradebook import Patience, address, default_url, open_gradebook
from autograder.marking import remark
from autograder.reports.feedback import feedback_page
from autograder.store import Store


def write_feedback(
    course: Course,
    assignments: Sequence[str] = (),
    gradebook: str = "",
    listener: Callable[[str, int], None] = lambda assignment, pages: None,
) -> int:
    """Write ``feedback/<student>/<assignment>/<assignment>.html`` for what has been graded.

    Args:
        course: whose grades.
        assignments: which; all that have been graded when empty.
        gradebook: its address, when it is not the course's own.
        listener: called after each assignment with the number of its pages.

    Returns:
        How many pages were written.

    Raises:
        CourseError: when nothing has been graded, or nbgrader fails; the message says where.
    """
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    course.require(assignments)
    url = gradebook or default_url(course)
    config = course.nbgrader_config()
    config.CourseDirectory.db_url = url
    records = [
        graded
        for graded in Store(course).everything()
        if graded.result.assignment in (assignments or course.assignments)
    ]
    if not records:
        raise CourseError("nothing has been graded yet. Run: course grade")
    with open_gradebook(address(url)) as opened:  # says it in a sentence when that cannot be done
        results = [graded.result for graded in records]
        Patience(url).wait(lambda: remark(opened, course.term, results))
    total = 0
    for name in sorted({graded.result.assignment for graded in records}):
        pages = 0
        for graded in records:
            if graded.result.assignment != name:
                continue
            student = graded.result.student
            if (course.root / "autograded" / student / name / f"{name}.ipynb").is_file():
                with quiet_nbgrader():
                    api = NbGraderAPI(CourseDirectory(config=config), config=config)
                    outcome = api.generate_feedback(name, student, force=True)
                if not outcome["success"]:
                    said = str(outcome.get("error") or outcome.get("log") or "").strip()
                    raise CourseError(f"the feedback of {student}/{name} failed: {said[-400:]}")
            else:
                page = course.root / "feedback" / student / name / f"{name}.html"
                write_atomically(page, feedback_page(course.term.marked(graded.result), None))
            pages += 1
        listener(name, pages)
        total += pages
    return total
