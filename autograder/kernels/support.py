"""Can this machine confine a kernel? Found out by trying, told in sentences.

What a system allows depends on its Linux, its configuration, the container around us, and who we
are; so nothing is concluded from version numbers alone. A small process goes through the real steps
(`rehearsal.py`) and reports how far it came.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

from .visible import course_root

_OLDEST_LINUX = (5, 14)


class ConfinementUnavailable(RuntimeError):
    """This machine cannot confine a kernel; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that confinement uses."""

    name: str
    present: bool
    sentence: str
    """What it does, or what is wrong and what to do."""
    required: bool = True


@dataclass(frozen=True, slots=True)
class ConfinementSupport:
    """What is there, and what is missing."""

    features: tuple[Feature, ...]

    @property
    def available(self) -> bool:
        """Whether untrusted code may be run here."""
        return all(feature.present for feature in self.features if feature.required)

    @property
    def missing(self) -> tuple[str, ...]:
        """A sentence for each thing without which untrusted code is not run."""
        return tuple(
            feature.sentence
            for feature in self.features
            if feature.required and not feature.present
        )

    def feature(self, name: str) -> Feature | None:
        """The feature of this name, if it was looked at."""
        return next((feature for feature in self.features if feature.name == name), None)


@cache
def confinement_support() -> ConfinementSupport:
    """Probe this machine, once a process."""
    machine = _machine()
    if not all(feature.present for feature in machine):
        return ConfinementSupport(machine)
    return ConfinementSupport((*machine, *features(_rehearse())))


def require_confinement() -> None:
    """Do nothing, or raise.

    Raises:
        ConfinementUnavailable: something that is needed is missing.
    """
    support = confinement_support()
    if not support.available:
        raise ConfinementUnavailable(" ".join(support.missing))


def _machine() -> tuple[Feature, ...]:
    system, architecture = platform.system(), platform.machine()
    if system != "Linux":
        sentence = (
            f"Confined kernels need Linux; this is {system}. "
            "Grade on a Linux machine or in a virtual one."
        )
        return (Feature("Linux", False, sentence),)
    release = platform.release()
    version = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    recent = version >= _OLDEST_LINUX
    wanted = ".".join(map(str, _OLDEST_LINUX))
    known = architecture == "x86_64"
    return (
        Feature(
            "Linux",
            recent,
            f"Linux {release} is recent enough."
            if recent
            else f"Linux {release} is too old: confined kernels need {wanted} or newer.",
        ),
        Feature(
            "x86-64",
            known,
            "The processor's system calls are known."
            if known
            else f"The system calls of {architecture} are not known to the filters: x86-64 only.",
        ),
    )


def _rehearse() -> dict[str, object]:
    program = (
        "import sys; sys.path.append(sys.argv[1]); "
        "from autograder.kernels.rehearsal import main; main()"
    )
    try:
        run = subprocess.run(
            [sys.executable, "-P", "-c", program, str(course_root())],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        return {"error": "the rehearsal did not end"}
    try:
        report = json.loads(run.stdout)
    except ValueError:
        report = {}
    if not isinstance(report, dict):
        report = {}
    if "confined" not in report:
        report.setdefault("error", run.stderr.strip().splitlines()[-1:] or "it was killed")
    return report


def features(report: dict[str, object]) -> tuple[Feature, ...]:
    """Word what a rehearsal reported."""
    failed_at, error = report.get("failed_at"), report.get("error")
    found = []
    for step, name, works, advice in _STEPS:
        if step == failed_at:
            found.append(Feature(name, False, f"{advice} (Linux said: {error}.)"))
            break
        if not report.get(step):
            found.append(Feature(name, False, f"{advice} ({error}.)"))
            break
        found.append(Feature(name, True, works))
    group = bool(report.get("control_group"))
    found.append(
        Feature(
            "control groups",
            group,
            "Control groups count memory, processor time and processes."
            if group
            else "We may not make control groups; the supervisor counts memory and processor time "
            "itself, 20 times a second. (As an ordinary user, `systemd-run --user --scope` helps.)",
            required=False,
        )
    )
    return tuple(found)


_STEPS = (
    (
        "namespaces",
        "namespaces",
        "Each kernel gets processes, network, users and mounts of its own.",
        "User namespaces are switched off here. In a container, allow them or run it privileged; "
        "on Ubuntu 24.04, `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; elsewhere, look "
        "at user.max_user_namespaces.",
    ),
    (
        "root",
        "file system",
        "Each kernel gets a file system that holds only what is named.",
        "A root file system of its own could not be built, which needs tmpfs, /proc and bind "
        "mounts inside namespaces. Some containers mask /proc.",
    ),
    (
        "confined",
        "Landlock and seccomp",
        "Landlock and seccomp close what namespaces leave open.",
        "Landlock or seccomp filters are not available: they need CONFIG_SECURITY_LANDLOCK with "
        "`landlock` in the kernel's lsm= list, and seccomp with user notification.",
    ),
)
