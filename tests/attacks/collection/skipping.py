"""The tests are not run, or what they find is not said."""

from __future__ import annotations

from nbformat import NotebookNode

from tests.attacks.attack import Attack, checks

FAMILY = "test skipping"


def _tag_checks(notebook: NotebookNode) -> None:
    for cell in checks(notebook):
        cell.metadata.tags = ["skip-execution"]


ATTACKS = (
    Attack(
        "skip-tag",
        FAMILY,
        "Tags the test cells `skip-execution`: nbclient passes over them, and no output is full marks.",
        "points",
        (("edited-metadata", "skip-execution"),),
        twist=_tag_checks,
    ),
    Attack(
        "abort-queue",
        FAMILY,
        "Tells the kernel that it is aborting, so that it refuses whatever comes after.",
        "points",
        (("malformed-reply", "concat_kernel"),),
        after="get_ipython().kernel._aborting = True",
    ),
    Attack(
        "compile-without-asserts",
        FAMILY,
        "Replaces `compile` by one that optimises, so that Python leaves out every `assert`.",
        "points",
        (("machinery", "replaced compile of builtins"),),
        after="""
import builtins

kept = builtins.compile
builtins.compile = lambda *given, **named: kept(*given, **{**named, "optimize": 2})
""",
    ),
)
