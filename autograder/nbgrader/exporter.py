"""Reads what students hand in, whatever it is, so that one bad file stops nobody's grading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter

from autograder.course import Course
from autograder.rebuild import REJECTED, Unreadable, read_submission, without_answers


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
