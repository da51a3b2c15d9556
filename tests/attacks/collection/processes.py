"""Something goes on when the notebook has ended."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "processes left behind"

ATTACKS = (
    Attack(
        "session-of-its-own",
        FAMILY,
        "Starts a program in a session of its own, which no signal to the kernel's group reaches.",
        "left",
        (("programs", "sleep"), ("processes", "left")),
        before="""
import subprocess

subprocess.Popen(["sleep", "@SLEEP@"], start_new_session=True)
""",
    ),
    Attack(
        "orphan",
        FAMILY,
        "Forks twice, so that nobody is the parent of what remains.",
        "left",
        (("programs", "copy of itself"), ("processes", "left")),
        before="""
import os

child = os.fork()
if child == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        os.execvp("sleep", ["sleep", "@SLEEP@"])
    os._exit(0)
os.waitpid(child, 0)
""",
    ),
    Attack(
        "deaf-to-signals",
        FAMILY,
        "Leaves a shell that ignores every signal that can be ignored, and starts itself again.",
        "left",
        (("programs", "sh"), ("processes", "left")),
        before="""
import subprocess

subprocess.Popen(
    ["sh", "-c", "trap '' HUP INT TERM; while :; do sleep @SLEEP@; done"],
    start_new_session=True,
    stdin=subprocess.DEVNULL,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)
""",
    ),
)
