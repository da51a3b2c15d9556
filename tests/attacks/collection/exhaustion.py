"""All of something is used up, or taken for ever."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "resource exhaustion"

ATTACKS = (
    Attack(
        "processor",
        FAMILY,
        "Keeps the processor busy.",
        "reached",
        (("timeout", "extra-0"),),
        before="""
import time

start = time.time()
while time.time() - start < 14:
    pass
@REACHED@
""",
    ),
    Attack(
        "deaf-to-the-interrupt",
        FAMILY,
        "Catches every interrupt and goes on.",
        "reached",
        (("killed", "interrupt"),),
        before="""
import time

start = time.time()
while time.time() - start < 24:
    try:
        while time.time() - start < 24:
            pass
    except BaseException:
        pass
@REACHED@
""",
    ),
    Attack(
        "memory",
        FAMILY,
        "Fills memory.",
        "reached",
        (("memory", "MB"),),
        before="""
blocks = [b"x" * (64 << 20) for _ in range(15)]
@REACHED@
""",
    ),
    Attack(
        "fork-bomb",
        FAMILY,
        "Starts processes until no more can be started (here: 560).",
        "reached",
        (("processes", "wanted more"),),
        before="""
import subprocess
import time

started = []
try:
    for _ in range(560):
        started.append(subprocess.Popen(["sleep", "20"]))
    @REACHED@
finally:
    time.sleep(0.3)
    for one in started:
        one.kill()
        one.wait()
""",
    ),
    Attack(
        "disk",
        FAMILY,
        "Fills the disk.",
        "reached",
        (("disk", "MB of disk"),),
        before="""
import os
import time

try:
    for number in range(5):
        with open(f"big{number}", "wb") as file:
            for _ in range(20):
                file.write(bytes(6 << 20))
    @REACHED@
finally:
    time.sleep(0.3)
    for number in range(5):
        if os.path.exists(f"big{number}"):
            os.remove(f"big{number}")
""",
    ),
    Attack(
        "endless-small-files",
        FAMILY,
        "Makes so many empty files that no more can be made.",
        "reached",
        (("disk", "files"),),
        before="""
import shutil
import time

os = __import__("os")
os.mkdir("many")
try:
    for number in range(51_000):
        os.close(os.open(f"many/{number}", os.O_CREAT | os.O_WRONLY))
    @REACHED@
finally:
    time.sleep(0.3)
    shutil.rmtree("many")
""",
    ),
    Attack(
        "flood-of-output",
        FAMILY,
        "Prints megabytes in one line.",
        "bloated",
        (("output", "kB"),),
        before="""
print("x" * 5_000_000)
""",
    ),
    Attack(
        "huge-reply",
        FAMILY,
        "Replies to the probe with a hundred megabytes of text.",
        "believed",
        (("malformed-reply", "too large"), ("machinery", "answer_request of autograder.probes")),
        after="""
import autograder.probes

autograder.probes.answer_request = lambda request, names: "[" + "0," * 40_000_000 + "0]"
""",
        believer="size",
    ),
)
