"""Goes through every step of confinement once, with nothing to confine, and prints what worked.

Run in a process of its own by `support.py`, since no step can be undone.
"""

from __future__ import annotations

import json
import os
import tempfile

from . import cgroups, confine, filesystem, landlock, seccomp
from .limits import Limits


def main() -> None:
    """Print one JSON object: the steps done, and where and why they stopped."""
    report: dict[str, object] = {"control_group": _control_group()}
    step = "namespaces"
    results, results_end = os.pipe()
    try:
        confine.enter_namespaces_of_process_one()
    except OSError as error:
        print(json.dumps({**report, "failed_at": step, "error": str(error)}))
        return
    child = os.fork()
    if child == 0:
        os.write(results_end, json.dumps(_steps()).encode())
        os._exit(0)
    os.close(results_end)
    os.waitpid(child, 0)
    with open(results, "rb") as pipe:
        said = pipe.read()
    steps = json.loads(said) if said else {"failed_at": step, "error": "the process was killed"}
    print(json.dumps({**report, **steps}))


def _control_group() -> bool:
    group = cgroups.create(f"{os.getpid()}", Limits())
    if group is not None:
        group.remove()
    return group is not None


def _steps() -> dict[str, object]:
    """The steps of a kernel, in its order."""
    done: dict[str, object] = {}
    step = "namespaces"
    try:
        confine.enter_namespaces()
        done[step] = True
        step = "root"
        owner = (confine.NOBODY, confine.NOBODY) if os.geteuid() == 0 else None
        filesystem.build(
            filesystem.RootPlan(("/usr",), tempfile.gettempdir(), lambda _: True, 1, owner)
        )
        confine.give_up_root()
        done[step] = True
        step = "confined"
        if landlock.version() == 0:
            raise OSError("there is no Landlock")
        confine.lock_down(tempfile.gettempdir(), shared_memory=False)
        os.close(seccomp.load_noticed_filter())
        done[step] = True
    except OSError as error:
        done |= {"failed_at": step, "error": str(error)}
    return done
