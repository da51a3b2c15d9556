"""The kernel ends, or takes something with it."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "crashing"

ATTACKS = (
    Attack(
        "exit-with-success",
        FAMILY,
        "Ends the process with the exit code of success.",
        "ungraded",
        (("crashed", "died"),),
        before="import os\n\nos._exit(0)",
    ),
    Attack(
        "abort",
        FAMILY,
        "Ends the process by SIGABRT from within a test.",
        "ungraded",
        (("crashed", "concat_kernel"),),
        cell="def concat_kernel(Wx, Wh):\n    import os\n\n    os.abort()",
    ),
    Attack(
        "segmentation-fault",
        FAMILY,
        "Reads memory that is not there.",
        "ungraded",
        (("crashed", "died"), ("machinery", "native code")),
        before="import ctypes\n\nctypes.string_at(0)",
    ),
    Attack(
        "kills-itself",
        FAMILY,
        "Sends itself the signal that nobody can catch, as Linux does when memory runs out.",
        "ungraded",
        (("machinery", "signal"),),
        before="import os\nimport signal\n\nos.kill(os.getpid(), signal.SIGKILL)",
    ),
    Attack(
        "stack-overflow",
        FAMILY,
        "Recurses in C until the stack is full.",
        "ungraded",
        (("crashed", "died"),),
        before="""
import sys

sys.setrecursionlimit(10**8)
deep = None
for _ in range(300_000):
    deep = [deep]
repr(deep)
""",
    ),
    Attack(
        "kills-the-grader",
        FAMILY,
        "Kills its parent process, which grades.",
        "grader-killed",
        (("machinery", "signal"),),
        before="import os\nimport signal\n\nos.kill(os.getppid(), signal.SIGKILL)",
    ),
)
