"""``course doctor``: what works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.course import Course, CourseError
from autograder.files import write_atomically

PACKAGES = ("numpy", "tensorflow", "keras", "matplotlib", "jupyterlab", "nbgrader", "nbval")
ENOUGH_DISK = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        needed_for: who needs it: "students", "instructors" or "everyone".
        do: what to do when it does not work.
    """

    name: str
    works: bool
    found: str
    needed_for: str = "everyone"
    do: str = ""


def _python() -> Finding:
    version = platform.python_version()
    return Finding(
        "Python",
        (3, 11) <= sys.version_info[:2] <= (3, 13),
        f"{version} on {platform.system()}",
        do="install Python 3.11 (the version that the course is tested with)",
    )


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            found, works = importlib.metadata.version(name), True
        except importlib.metadata.PackageNotFoundError:
            found, works = "not installed", False
        yield Finding(name, works, found, do="run: pip install -r requirements.lock")


def _tensorflow() -> Finding:
    try:
        from course_lib.quiet import load_tensorflow

        tensorflow = load_tensorflow()
        total = float(tensorflow.reduce_sum(tensorflow.constant([1.0, 2.0])))
        return Finding("TensorFlow computes", total == 3.0, f"1 + 2 = {total:g}")
    except Exception as error:  # whatever is wrong with the installation is the finding
        return Finding(
            "TensorFlow computes",
            False,
            f"{type(error).__name__}: {error}",
            do="run: pip install --force-reinstall -r requirements.lock",
        )


def _kernel() -> Finding:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        folder = KernelSpecManager().get_kernel_spec("python3").resource_dir
    except NoSuchKernel:
        return Finding(
            "Jupyter kernel python3",
            False,
            "not installed",
            do="run: python -m ipykernel install --sys-prefix",
        )
    return Finding("Jupyter kernel python3", True, str(folder))


def _alembic() -> Finding:
    here = shutil.which("alembic", path=str(Path(sys.executable).parent)) or shutil.which("alembic")
    return Finding(
        "alembic (makes a new gradebook)",
        here is not None,
        here or "not found",
        "instructors",
        "run: pip install -r requirements.lock",
    )


def _course() -> Iterator[Finding]:
    try:
        course = Course.find()
    except CourseError as error:
        yield Finding("course folder", False, str(error), do="run course inside the repository")
        return
    yield Finding("course folder", True, f"{course.root}, {len(course.assignments)} notebooks")
    free = shutil.disk_usage(course.root).free
    yield Finding(
        "free disk", free > ENOUGH_DISK, f"{free / 2**30:.1f} GB", do="make room: 2 GB are enough"
    )


def _confinement() -> Iterator[Finding]:
    from autograder.kernels import confinement_support

    for feature in confinement_support().features:
        yield Finding(
            f"confining strangers' code: {feature.name}",
            feature.present or not feature.required,
            feature.sentence,
            "instructors",
            "until then `course grade` needs --no-sandbox: only for code that you trust",
        )


def examine() -> list[Finding]:
    """Everything that is looked at, in order."""
    looks: list[Callable[[], Finding | Iterator[Finding]]] = [
        _python,
        _packages,
        _tensorflow,
        _kernel,
        _alembic,
        _course,
        _confinement,
    ]
    findings: list[Finding] = []
    for look in looks:
        seen = look()
        findings += [seen] if isinstance(seen, Finding) else list(seen)
    return findings


def run_doctor(options: argparse.Namespace) -> int:
    """Print the findings; 1 when something that students need does not work."""
    findings = examine()
    for item in findings:
        print(f"{'✓' if item.works else '✗'} {item.name}: {item.found}")
        if not item.works and item.do:
            print(f"    needed for {item.needed_for}; {item.do}")
    if options.json:
        data = {"schema": 1, "findings": [asdict(item) for item in findings]}
        write_atomically(options.json.resolve(), json.dumps(data, indent=1) + "\n")
    return 1 if any(not item.works and item.needed_for != "instructors" for item in findings) else 0
