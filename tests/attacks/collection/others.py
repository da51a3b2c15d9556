"""Somebody else's work is copied or spoiled."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "other submissions"

ATTACKS = (
    Attack(
        "neighbour-copied",
        FAMILY,
        "Reads another student's submission and runs the answer that stands there.",
        "points",
        (("files", "asked for @NEIGHBOUR@"),),
        cell="""
import json

_cells = json.load(open("@NEIGHBOUR@"))["cells"]
_sources = ["".join(cell["source"]) for cell in _cells if cell["cell_type"] == "code"]
exec(next(source for source in _sources if source.startswith("def concat_kernel")))
""",
    ),
    Attack(
        "neighbour-spoiled",
        FAMILY,
        "Appends to another student's submission, which is then no notebook any more.",
        "reached",
        (("files", "wanted to write @NEIGHBOUR@"),),
        before="""
with open("@NEIGHBOUR@", "a") as file:
    file.write(" ")
@REACHED@
""",
    ),
    Attack(
        "link-to-a-neighbour",
        FAMILY,
        "Hands in a link to another student's file.",
        "points",
        (("unreadable", "link"),),
        link="@NEIGHBOUR@",
        status="rejected",
    ),
)
