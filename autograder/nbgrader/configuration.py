"""The course as nbgrader is told of it; ``nbgrader_config.py`` calls ``configure``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from autograder.course import COURSE_ID

STUB = "# YOUR CODE HERE\nraise NotImplementedError"


def configure(config: Any) -> None:
    """Set folders, what is never copied, and the preprocessors that judge."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.preprocessors import AssignLatePenalties, CheckCellMetadata, LimitOutput

    from autograder.nbgrader.exporter import FeedbackExporter, LenientNotebookExporter
    from autograder.nbgrader.late import TermLatePenalty
    from autograder.nbgrader.preprocessors import (
        JudgeSubmission,
        RebuildFromRelease,
        SaveVerdicts,
        StampVersion,
    )

    put_environment_on_path()
    config.CourseDirectory.course_id = COURSE_ID
    config.CourseDirectory.source_directory = "solutions"
    config.CourseDirectory.release_directory = "notebooks"
    # nbgrader copies every file beside a source notebook, into the release and into the folder
    # that a submission is graded in. The solutions' sources lie there.
    config.CourseDirectory.ignore = [
        ".ipynb_checkpoints",
        "__pycache__",
        "*.pyc",
        "*.py",
        ".*",
        "feedback",
    ]
    config.ClearSolutions.code_stub = {"python": STUB}
    stock = GenerateAssignment.class_traits()["preprocessors"].default()
    config.GenerateAssignment.preprocessors = [*stock, StampVersion]
    config.Autograde.exporter_class = LenientNotebookExporter
    config.Autograde.sanitize_preprocessors = [RebuildFromRelease, CheckCellMetadata]
    config.Autograde.autograde_preprocessors = [
        JudgeSubmission,
        LimitOutput,
        SaveVerdicts,
        AssignLatePenalties,
        CheckCellMetadata,
    ]
    config.AssignLatePenalties.plugin_class = TermLatePenalty
    config.GenerateFeedback.exporter_class = FeedbackExporter
    config.GenerateFeedback.preprocessors = []


def put_environment_on_path() -> None:
    """nbgrader calls ``alembic`` by name for a new gradebook: let it be this environment's."""
    scripts = str(Path(sys.executable).parent)
    if scripts not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", "")])
