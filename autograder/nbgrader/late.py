"""Late penalties as ``course.toml`` sets them, through nbgrader's own plug-in."""

from __future__ import annotations

from pathlib import Path

from nbgrader.plugins import LateSubmissionPlugin

from autograder.course import Course


class TermLatePenalty(LateSubmissionPlugin):
    """The rule of the course file; without one, nbgrader's own ``penalty_method``."""

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Points that a submission with this ``score`` loses."""
        assigning = self.parent
        converter = assigning.parent
        while not hasattr(converter, "coursedir"):  # nbgrader puts an exporter between the two
            converter = converter.parent
        rule = Course(Path(converter.coursedir.root)).term.late
        if rule is None:
            penalty: float | None = super().late_submission_penalty(
                student_id, score, total_seconds_late
            )
            return penalty
        notebook = assigning.gradebook.find_notebook(assigning.notebook_id, assigning.assignment_id)
        return rule.penalty(total_seconds_late, earned=score, possible=notebook.max_score)
