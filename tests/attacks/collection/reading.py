"""The answer is somewhere: in files, modules, frames, memory, the environment."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "reading answers"

_BY_REFERENCE = """
def concat_kernel(Wx, Wh):
    return _found()(Wx, Wh)
"""

ATTACKS = (
    Attack(
        "callers-frame",
        FAMILY,
        "Looks the reference up among its caller's variables.",
        "points",
        (("machinery", "frames"),),
        cell="""
import sys


def concat_kernel(Wx, Wh):
    frame = sys._getframe(1)
    while "_reference" not in frame.f_globals and "reference" not in frame.f_locals:
        frame = frame.f_back
    return (frame.f_globals.get("_reference") or frame.f_locals["reference"])(Wx, Wh)
""",
    ),
    Attack(
        "garbage-collector",
        FAMILY,
        "Searches every object in memory for a function called like the reference.",
        "points",
        (("machinery", "garbage collector"),),
        cell="""
import gc
import types


def _found():
    return next(
        thing
        for thing in gc.get_objects()
        if isinstance(thing, types.FunctionType) and thing.__name__ in ("_reference", "reference")
    )

"""
        + _BY_REFERENCE,
    ),
    Attack(
        "tests-read-by-a-hook",
        FAMILY,
        "Hooks `pre_run_cell` to read a hidden test's source, and runs the reference that stands in it.",
        "points",
        (("machinery", "event pre_run_cell"),),
        cell="""
import re

_seen = []
get_ipython().events.register("pre_run_cell", lambda info: _seen.append(info.raw_cell))


def _found():
    [text] = re.findall(r"def _reference[(].*?axis=0[)]", "".join(_seen), re.DOTALL)[:1]
    names = {"np": np}
    exec(text, names)
    return names["_reference"]

"""
        + _BY_REFERENCE,
    ),
    Attack(
        "tests-in-the-folder",
        FAMILY,
        "Reads the notebook with its hidden tests, which lies in the kernel's folder.",
        "points",
        (("files", ".ipynb"),),
        cell="""
import json
import os
import re


def _notebooks(folder):
    return [name for name in os.listdir(folder) if name.endswith(".ipynb")]


def _found():
    folder = next((name for name in (".", "..") if _notebooks(name)), "")
    path = f"{folder}/{_notebooks(folder)[0]}" if folder else "../hidden.ipynb"
    sources = ["".join(cell["source"]) for cell in json.load(open(path))["cells"]]
    [text] = re.findall(r"def _reference[(].*?axis=0[)]", "".join(sources), re.DOTALL)[:1]
    names = {"np": np}
    exec(text, names)
    return names["_reference"]

"""
        + _BY_REFERENCE,
    ),
    Attack(
        "reference-imported",
        FAMILY,
        "Imports the library that the grader compares with.",
        "points",
        (("modules", "course_lib.cells.rnn"),),
        cell="""
def concat_kernel(Wx, Wh):
    from course_lib.cells.rnn import concat_kernel as right

    return right(Wx, Wh)
""",
    ),
    Attack(
        "solution-read",
        FAMILY,
        "Opens the solution where the course keeps it, and runs the lines that answer.",
        "points",
        (("files", "01_unrolling_by_hand.py"),),
        cell="""
import re


def _found():
    text = open("@SOLUTION@").read()
    [body] = re.findall(r"^def concat_kernel.*?^    ### END", text, re.DOTALL | re.MULTILINE)
    names = {"np": np}
    exec(body, names)
    return names["concat_kernel"]

"""
        + _BY_REFERENCE,
    ),
    Attack(
        "environment-of-the-grader",
        FAMILY,
        "Has a program print the environment, in which the grader's secrets may stand.",
        "reached",
        (("programs", "env"),),
        cell="""
import subprocess

if "A_SECRET_OF_THE_GRADER" in subprocess.run(["env"], capture_output=True, text=True).stdout:
    @REACHED@


def concat_kernel(Wx, Wh):
    return np.zeros((1, 1))
""",
    ),
    Attack(
        "environment-of-the-parent",
        FAMILY,
        "Reads the environment of the grader's process below /proc.",
        "reached",
        (("files", "/environ"),),
        before="""
import os

if "A_SECRET_OF_THE_GRADER" in open(f"/proc/{os.getppid()}/environ").read():
    @REACHED@
""",
    ),
    Attack(
        "files-open-in-the-parent",
        FAMILY,
        "Goes through the grader's open files below /proc, the gradebook among them.",
        "reached",
        (("files", "/fd"),),
        before="""
import os

if os.listdir(f"/proc/{os.getppid()}/fd"):
    @REACHED@
""",
    ),
)
