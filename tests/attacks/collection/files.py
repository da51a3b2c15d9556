"""The gradebook, or another file of the person who grades, is written."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "gradebook and file writes"

ATTACKS = (
    Attack(
        "points-in-the-gradebook",
        FAMILY,
        "Opens the gradebook and gives itself points by hand, which no autograder takes back.",
        "points",
        (("files", "gradebook.db"),),
        before="""
import sqlite3

with sqlite3.connect("file:@GRADEBOOK@?mode=rw", uri=True, timeout=60) as book:
    book.execute("UPDATE grade SET manual_score = 1.0")
book.close()
""",
    ),
    Attack(
        "configuration-edited",
        FAMILY,
        "Appends Python to the course's configuration, which every command runs.",
        "reached",
        (("files", "nbgrader_config.py"),),
        before="""
with open("@COURSE@/nbgrader_config.py", "a") as file:
    file.write("# it would be run")
@REACHED@
""",
    ),
    Attack(
        "release-edited",
        FAMILY,
        "Writes into the released notebook, with which everybody is compared.",
        "reached",
        (("files", "wanted to write"),),
        before="""
with open("@RELEASE@", "r+") as file:
    file.seek(0, 2)
    file.write(" ")
@REACHED@
""",
    ),
    Attack(
        "startup-file",
        FAMILY,
        "Plants a file in the grader's home that every later kernel runs when it starts.",
        "reached",
        (("files", "wanted to write @HOME@/.ipython"),),
        before="""
with open("@HOME@/.ipython/profile_default/startup/00-planted.py", "w") as file:
    file.write("planted = True")
@REACHED@
""",
    ),
    Attack(
        "notebook-becomes-a-link",
        FAMILY,
        "Replaces the notebook in its folder by a link, through which the grader then writes elsewhere.",
        "reached",
        (("files", "wanted to write @COURSE@/precious.txt"),),
        before="""
import glob
import os

os.symlink("@COURSE@/precious.txt", "trial")
for path in glob.glob("*.ipynb"):
    os.remove(path)
    os.rename("trial", path)
    @REACHED@
""",
    ),
    Attack(
        "grades-deleted",
        FAMILY,
        "Deletes what the course keeps of others.",
        "reached",
        (("files", "wanted to write @COURSE@/kept"),),
        before="""
import os

os.remove("@COURSE@/kept/@ATTACK@.txt")
@REACHED@
""",
    ),
)
