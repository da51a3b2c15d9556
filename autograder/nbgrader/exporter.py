"""How notebooks enter nbgrader's converters and leave them: submissions, and feedback pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import Exporter, NotebookExporter
from nbformat import NotebookNode

from autograder.course import Course
from autograder.gradebook import open_gradebook, read_marks
from autograder.rebuild import REJECTED, Unreadable, read_submission, without_answers
from autograder.reports.feedback import feedback_page
from autograder.submission import RECORD
from autograder.verdict import SubmissionResult


class LenientNotebookExporter(NotebookExporter):
    """nbgrader's exporter, except that an unreadable submission is taken as one without answers."""

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Convert the notebook in ``filename``."""
        prepared = self._init_resources(resources)
        prepared["metadata"]["name"] = Path(filename).stem
        prepared["metadata"]["path"] = str(Path(filename).parent)
        try:
            notebook = read_submission(Path(filename))
            notebook.metadata.pop(REJECTED, None)  # ours to set, not the student's
        except Unreadable as problem:
            name = prepared["nbgrader"]["assignment"]
            course = Course(Path(self.parent.coursedir.root))
            release = nbformat.read(course.release(name), as_version=4)
            notebook = without_answers(release, str(problem))
        return self.from_notebook_node(notebook, resources=prepared, **options)


class FeedbackExporter(Exporter):
    """Makes a student's feedback page of a graded notebook; see ``autograder.reports.feedback``."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """The page, with scores and comments as they stand in the gradebook."""
        notebook, prepared = super().from_notebook_node(nb, resources, **options)
        record = notebook.metadata.get(RECORD)
        if record is None:
            raise ValueError("graded by an older version: run `course grade --force` first")
        result = SubmissionResult.from_json(record)
        term = Course(Path(self.parent.coursedir.root)).term
        with open_gradebook(prepared["nbgrader"]["db_url"]) as gradebook:
            marks = read_marks(gradebook, result.student, result.assignment, term)
        return feedback_page(term.marked(result), notebook, marks, term), prepared
