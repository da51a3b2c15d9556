"""What ``course grade`` shows: a progress bar on a terminal, one line a submission otherwise; a table."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from autograder.card import number
from autograder.course import Course
from autograder.course_file import FILE
from autograder.grading import ClassResult, Options, discover
from autograder.regrade import Regraded
from autograder.term import counted, defined
from autograder.verdict import ExerciseResult, SubmissionResult

MARKS = {
    "passed": "✓",
    "failed": "",
    "error": "!",
    "missing": "–",
    "timeout": "⏱",
    "memory": "M",
    "crashed": "✝",
}
LEGEND = "✓ full marks   – not written   ! raises an exception   ⏱ time-out   M memory   ✝ crashed"


class GradingDisplay:
    """Listens to a run of the grader and shows it to a person."""

    def __init__(self, course: Course, options: Options) -> None:
        self.console = Console(highlight=False)
        self.total = len(discover(course, options)[0])
        self.done = 0
        self.progress = Progress(
            TextColumn("grading"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=self.console,
            disable=not self.console.is_terminal,
            transient=True,
        )
        self.task = self.progress.add_task("", total=self.total)

    def __enter__(self) -> GradingDisplay:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def report(self, result: SubmissionResult, standing: bool) -> None:
        """Show one result as it comes."""
        self.done += 1
        line = f"{result.student}/{result.assignment}"
        if self.console.is_terminal:
            self.progress.update(self.task, advance=1, description=escape(line))
            return
        state = "unchanged" if standing else result.status
        score = f"{number(result.score)} of {number(result.max_score)}"
        print(f"[{self.done}/{self.total}] {line}: {state}, {score}", flush=True)

    def note(self, sentence: str) -> None:
        """Say at once what keeps a person waiting."""
        if self.console.is_terminal:
            self.console.print(f"note: {escape(sentence)}")
        else:
            print(f"note: {sentence}", flush=True)

    def summary(self, found: ClassResult) -> None:
        """The tables, one an assignment, and a sentence on the run."""
        results = sorted(found.results, key=lambda result: (result.assignment, result.student))
        for assignment, several in groupby(results, key=lambda result: result.assignment):
            self.console.print(_table(assignment, list(several), found))
        self.console.print(LEGEND, style="dim")
        graded = len(found.results) - found.unchanged
        self.console.print(
            f"{graded} graded, {found.unchanged} unchanged since an earlier run; seed {found.seed}"
        )
        for problem in found.problems:
            self.console.print(f"note: {escape(problem)}")
        if found.interrupted or found.stopped:
            left = self.total - len(found.results)
            self.console.print(
                f"interrupted with {left} to go; what was graded is kept. Run the same command "
                "again to go on."
            )


def _table(assignment: str, results: list[SubmissionResult], found: ClassResult) -> Table:
    names = max(([item.id for item in result.exercises] for result in results), key=len)
    key = "   ".join(f"[bold]{n}[/bold] {name}" for n, name in enumerate(names, 1))
    table = Table(title=assignment, title_style="bold", caption=key, caption_justify="left")
    table.add_column("student", no_wrap=True)
    for column, _ in enumerate(names, 1):
        table.add_column(str(column), justify="right", no_wrap=True)
    table.add_column("score", justify="right", style="bold", no_wrap=True)
    table.add_column("what went wrong", overflow="fold")
    for result in results:
        cells = {item.id: _cell(item) for item in result.exercises}
        table.add_row(
            escape(result.student),
            *(cells.get(name, "") for name in names),
            f"{number(result.score)}/{number(result.max_score)}",
            escape("; ".join((*what_went_wrong(result), *_lateness(result, found)))),
        )
    return table


def _cell(item: ExerciseResult) -> str:
    return f"{number(item.score)} {MARKS[item.status]}".strip()


def _lateness(result: SubmissionResult, found: ClassResult) -> Iterable[str]:
    marks = found.late.get((result.student, result.assignment))
    if marks:
        yield f"late, {counted(marks.late_days, 'day')}: -{number(marks.late_penalty)}"


def show_compared(found: Regraded) -> None:
    """Whose score a corrected notebook would change, and where."""
    console = Console(highlight=False)
    changed = [one for one in found.compared if one.change or one.exercises]
    if changed:
        table = Table(title="under today's version", title_style="bold")
        table.add_column("student", no_wrap=True)
        table.add_column("notebook", overflow="fold")
        table.add_column("made from", no_wrap=True)
        table.add_column("score", no_wrap=True)
        table.add_column("exercises", overflow="fold")
        for one in sorted(changed, key=lambda one: (one.now.assignment, one.now.student)):
            exercises = [
                f"{name}: {number(now)} → {number(then)}" for name, now, then in one.exercises
            ]
            table.add_row(
                escape(one.now.student),
                one.now.assignment,
                one.release,
                f"{number(one.now.score)} → {number(one.then.score)}",
                "; ".join(exercises),
            )
        console.print(table)
    console.print(
        f"{len(found.compared)} submissions to older releases, {len(changed)} would change"
        + (f"; accepted for {found.accepted}. Next: course grade" if found.accepted else "")
    )
    for problem in found.problems:
        console.print(f"note: {escape(problem)}")


def show_term(course: Course) -> None:
    """What ``course.toml`` comes to: a line a notebook."""
    term = course.term
    table = Table(title=term.title or None, title_style="bold")
    for name in ("notebook", "points", "due", "extensions"):
        table.add_column(name, overflow="fold")
    for name, terms in term.notebooks.items():
        worth = term.points(name, defined(name))
        changed = {key: worth[key] for key in terms.exercises}
        singles = "".join(f"\n{key}: {number(points)}" for key, points in changed.items())
        table.add_row(
            name,
            number(round(sum(worth.values()), 2)) + singles,
            term.local(terms.due) if terms.due else "",
            "\n".join(f"{who}: {term.local(until)}" for who, until in terms.extensions.items()),
        )
    console = Console(highlight=False)
    console.print(table)
    if not term.written:
        console.print(f"There is no {FILE}: every notebook counts, with its own points.")
        return
    rule = term.late
    if rule is None:
        console.print(f"{FILE} says nothing about lateness: nbgrader's own settings hold.")
    else:
        console.print(
            f"Late: {rule.percent_per_day:g} % of the points {rule.of} a day, at most "
            f"{rule.at_most:g} %; up to {rule.grace_minutes:g} minutes cost nothing."
        )
    console.print(f"Times are those of {term.zone}.")


def what_went_wrong(result: SubmissionResult) -> Iterable[str]:
    """Short phrases for the table: misconceptions and incidents by name."""
    if result.older_release:
        yield f"made from the older release {result.older_release}"
    for item in result.exercises:
        if item.misconception:
            yield f"{item.id}: {item.misconception}"
        elif item.status in ("failed", "error"):
            yield f"{item.id}: {item.status}"
    yield from (incident.kind for incident in result.incidents)
