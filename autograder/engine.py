"""Which kernels run strangers' code, and what such a kernel may see.

A confined kernel (``autograder.kernels``) reaches nothing but its own empty folder, the environment's
packages, and of this repository only what a notebook's ordinary cells need: ``check``, the probes, and a few
modules of ``course_lib`` that hold no answer. An ordinary kernel may do whatever the person who started it
may do; it is used only when a person asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.course import CourseError
from autograder.limits import Limits
from autograder.verdict import Incident

ALWAYS_SHOWN = (
    "__init__.py",
    "quiet.py",
    "shapes.py",
    "seeds_data.py",
    "initializers.py",
    "backprop/__init__.py",
    "cells/__init__.py",
    "fast/__init__.py",
    "unroll/__init__.py",
    "plots/__init__.py",
    "plots/figure.py",
)
"""What of ``course_lib`` every notebook may import when it is graded."""


class NotSafeHere(CourseError):
    """This machine cannot confine strangers' code; the message says what is missing."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Engine:
    """A kind of kernel.

    Attributes:
        kernel_name: a Jupyter kernelspec.
        confined: whether kernels of this name are confined; recorded with every result.
    """

    kernel_name: str = "python3"
    confined: bool = False

    @classmethod
    def choose(cls, *, sandbox: bool = True) -> Engine:
        """The confined kernel, or the ordinary one when a person declines the sandbox.

        Raises:
            NotSafeHere: when the machine lacks what confinement needs.
        """
        if not sandbox:
            return cls()
        from autograder.kernels import (
            TENSORFLOW_KERNEL,
            ConfinementUnavailable,
            install_kernelspecs,
            require_confinement,
        )

        try:
            require_confinement()
        except ConfinementUnavailable as missing:
            raise NotSafeHere(
                f"strangers' code cannot be confined on this machine. {missing} `course doctor` "
                "tells more. To grade with the rights of your own account all the same, code that "
                "you trust or inside a container that holds nothing else: --no-sandbox."
            ) from None
        try:
            install_kernelspecs()
        except OSError as error:
            raise CourseError(f"the confined kernel cannot be installed: {error}") from None
        return cls(TENSORFLOW_KERNEL, confined=True)

    def require(self) -> None:
        """Make sure that the kernel is there, before anybody's work depends on it.

        Raises:
            CourseError: with what to do.
        """
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

        try:
            KernelSpecManager().get_kernel_spec(self.kernel_name)
        except NoSuchKernel:
            raise CourseError(
                f"there is no Jupyter kernel {self.kernel_name!r} on this machine. For the ordinary "
                "one run: python -m ipykernel install --sys-prefix. `course doctor` looks for more."
            ) from None

    def warm_up(self, *, tensorflow: bool) -> None:
        """Start importing what kernels of this kind are forked from, while we do other things."""
        if self.confined:
            from autograder.kernels import warm_up

            warm_up(tensorflow=tensorflow)

    def environment(
        self, shown: Sequence[str], limits: Limits, *, tensorflow: bool = True
    ) -> dict[str, str]:
        """Variables that start a kernel of this kind for one submission.

        Args:
            shown: modules of ``course_lib`` besides ``ALWAYS_SHOWN``, as paths inside the package.
            limits: of the submission.
            tensorflow: whether to fork the kernel from a process that has imported TensorFlow.
        """
        if not self.confined:
            return {}
        import course_lib
        from autograder.kernels import options

        library = Path(str(course_lib.__file__)).parent
        return options(
            hidden=[str(library)],
            visible=[str(library / name) for name in (*ALWAYS_SHOWN, *shown)],
            working_directory="empty",
            tensorflow=tensorflow,
            limits={
                "wall_seconds": 2 * limits.notebook_seconds + 60,  # it may wait for its turn
                "cpu_seconds": 2 * limits.notebook_seconds,
                "memory_mb": limits.memory_mb,
            },
        )

    def incidents(self, manager: Any) -> Iterable[Incident]:
        """What a kernel tried that it may not, as its supervisor tells."""
        if not self.confined:
            return []
        return [Incident(seen.kind, seen.detail) for seen in manager.provisioner.incidents]

    def limit_that_ended(self, manager: Any) -> Incident | None:
        """The limit that ended a kernel, as one of the statuses that an exercise can have."""
        reason = manager.provisioner.exit_reason if self.confined else None
        kinds = {"memory": "memory", "cpu": "timeout", "wall": "timeout", "output": "crashed"}
        if reason is None or reason.kind not in kinds:
            return None
        return Incident(kinds[reason.kind], reason.detail)
