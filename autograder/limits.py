"""What one submission may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Each limit that bites is named in the report.

    Attributes:
        cell_seconds: wall clock of one cell of the student's.
        release_seconds: wall clock of one cell of the release: importing TensorFlow on a busy machine.
        notebook_seconds: wall clock of the whole notebook, the kernel's start included.
        memory_mb: memory of the kernel and what it started.
        output_bytes: what all cells together may print; the rest is dropped.
    """

    cell_seconds: float = 20.0
    release_seconds: float = 120.0
    notebook_seconds: float = 300.0
    memory_mb: int = 4096
    output_bytes: int = 500_000
