"""What the grader says: typed results, and the JSON that other programs read.

The format is documented in ``docs/formats.md``; ``SCHEMA`` counts its versions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from autograder.picture import Picture

SCHEMA = 1

ExerciseStatus = Literal["passed", "failed", "error", "missing", "timeout", "memory", "crashed"]
SubmissionStatus = Literal["graded", "rejected", "error"]


@dataclass(frozen=True, slots=True)
class AspectResult:
    """One aspect of one exercise: did it hold, what did it earn, and what differed."""

    name: str
    passed: bool
    score: float
    max_score: float
    difference: str = ""


@dataclass(frozen=True, slots=True)
class ExerciseResult:
    """One exercise of one submission.

    Attributes:
        status: ``passed``, ``failed`` (some aspect did not hold), ``error`` (it raised an exception
            each time), ``missing`` (unchanged, deleted or renamed), ``timeout``, ``memory`` or
            ``crashed``.
        reason: one sentence on why it is not ``passed``.
        hints: nudge, pointer and explanation, in the order in which to open them.
        picture: expected and actual values of one case, where arrays were compared and differ.
    """

    id: str
    status: ExerciseStatus
    score: float
    max_score: float
    aspects: tuple[AspectResult, ...] = ()
    misconception: str = ""
    hint: str = ""
    reason: str = ""
    hints: tuple[str, ...] = ()
    picture: Picture | None = None

    @property
    def passed(self) -> bool:
        """Whether every aspect held."""
        return self.status == "passed"

    @property
    def comment(self) -> str:
        """What the gradebook says of it: what went wrong, and the hint."""
        return "" if self.passed else "\n\n".join(filter(None, [self.reason, self.hint]))

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ExerciseResult:
        """The result whose fields, as JSON keeps them, are given."""
        return cls(
            **{
                **data,
                "aspects": tuple(AspectResult(**aspect) for aspect in data["aspects"]),
                "hints": tuple(data["hints"]),
                "picture": Picture.from_json(data["picture"]) if data.get("picture") else None,
            }
        )


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened while a submission ran and that an instructor may want to know."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class SubmissionResult:
    """One student's answer to one assignment, graded.

    ``older_release`` is the version of the notebook that it was graded against, when that is not today's.
    """

    student: str
    assignment: str
    status: SubmissionStatus
    score: float
    max_score: float
    seconds: float
    seed: int
    exercises: tuple[ExerciseResult, ...] = ()
    incidents: tuple[Incident, ...] = field(default=())
    sandboxed: bool = False
    older_release: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it stands in the documented format."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SubmissionResult:
        """The result that ``to_json`` wrote."""
        exercises = tuple(ExerciseResult.from_json(item) for item in data["exercises"])
        incidents = tuple(Incident(**item) for item in data["incidents"])
        return cls(**{**data, "exercises": exercises, "incidents": incidents})
