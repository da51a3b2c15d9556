"""How `course grade` enters a graded submission: nbgrader's converter, with less of a way to go.

Stock `nbgrader autograde` sanitises a notebook, executes it and saves its grades in preprocessors
that open the gradebook seven times for one submission. Here the submission has been judged and the
gradebook is open: what is left is to copy what else was handed in, to tell the gradebook of the student,
the submission, its grades, comments and lateness, and to write the graded notebook. Which submissions
there are, where things go, with which permissions, and what happens on a failure is nbgrader's.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter
from nbgrader.preprocessors import AssignLatePenalties, LimitOutput

from autograder.gradebook import save_verdicts
from autograder.submission import Graded, with_cards
from autograder.term import Term


class EnterGraded(Autograde):
    """Enters one submission that has been judged.

    Attributes:
        gradebook: nbgrader's, open.
        graded: the judged submission.
        term: what it is worth.
    """

    gradebook: Any
    graded: Graded
    term: Term
    notebooks: list[str]

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Copy what lies beside the notebook; tell the gradebook of the student and the submission."""
        BaseConverter.init_assignment(self, assignment_id, student_id)
        source = self._format_source(assignment_id, student_id)
        handed_in = self.coursedir.get_existing_timestamp(source)
        when = {"timestamp": handed_in} if handed_in else {}
        self.gradebook.update_or_create_student(student_id)
        self.gradebook.update_or_create_submission(assignment_id, student_id, **when)
        self.notebooks = [path for path in self.notebooks if Path(path).stem == assignment_id]

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Save the verdicts and the late penalty; write the graded notebook."""
        resources = self.init_single_notebook_resources(notebook_filename)
        save_verdicts(self.gradebook, self.graded.result, self.term)
        self._penalise_lateness(resources)
        marked = self.term.marked(self.graded.result)
        notebook = with_cards(copy.deepcopy(self.graded.notebook), marked)
        notebook, _ = LimitOutput(parent=self).preprocess(notebook, resources)
        self.write_single_notebook(
            nbformat.writes(notebook) + "\n", {**resources, "output_extension": ".ipynb"}
        )

    def _penalise_lateness(self, resources: dict[str, Any]) -> None:
        """By nbgrader's preprocessor and the plug-in that is configured for it, where there is cause."""
        result = self.graded.result
        submission = self.gradebook.find_submission(result.assignment, result.student)
        (notebook,) = submission.notebooks
        if submission.total_seconds_late > 0 or notebook.late_submission_penalty:
            self.gradebook.db.rollback()  # it opens a connection of its own
            AssignLatePenalties(parent=self).preprocess(self.graded.notebook, resources)
