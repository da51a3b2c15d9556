"""nbgrader's own configuration: this repository is an nbgrader course.

Every stock nbgrader command works here. Grading is done by the judge in `autograder/nbgrader`, which
nbgrader loads as preprocessors: see docs/architecture.md.
"""

from autograder.nbgrader.configuration import configure

configure(get_config())  # type: ignore[name-defined]  # noqa: F821 (nbgrader defines it)
