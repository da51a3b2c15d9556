"""The audit's figures, and the page that shows them: ``python -m tests.audit.figures`` writes it anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from autograder.exercises import assignments
from autograder.files import write_atomically
from tests.audit.running import QUICK_SECONDS, ROOT, SLOW_SECONDS, Audited

FIGURES = Path(__file__).parent / "figures.json"
PAGE = ROOT / "docs" / "audit.md"
HEAD = """# The grader, graded

This page is made by `make audit`, which tries on every exercise what a grader can get wrong:

- **Mutants**: the solution is changed at one place (an operator, a constant, an axis, an argument swapped or
  dropped, another activation, a missing transpose, a statement deleted, results exchanged, an input
  overwritten ...). Each changed answer must fail: it is *killed*. *By name* counts those that got the hint of a
  known misconception. *Equivalent* ones are right answers, too; they are listed by hand in
  `tests/audit/equivalent.toml`, each with the reason, at most one in ten.
- **Alternatives**: right answers in other styles must earn full marks. So must the right answer in single
  precision, as lists, as tensors, as arrays (*changes*), wherever the exercise's text allows.
- **Variants**: every known misconception, run as code, must fail and be called by its own name.
- **Seeds**: every verdict must be the same for all seeds: 100 for alternatives, changes and variants, 5 for
  mutants, and 3 for all of them where the right answer takes {slow:g} s of processor time or more (it trains a
  network, say). The column says how many were used so far: “10 / 5” means 10 for the ones and 5 for mutants.
- **Hints**: none may contain a piece of the solution. None does where nothing is said below.

`python -m tests.audit 03` audits one notebook, `--exercise ID` one exercise. CI tries a sample of all this
on every exercise that is quick. Where only a sample of the mutants was tried, the column reads “20 of 68”.
"""
COLUMNS = (
    "exercise",
    "mutants",
    "killed",
    "by name",
    "equivalent",
    "alternatives",
    "changes",
    "variants named",
    "seeds",
    "same verdict",
)


def figures() -> dict[str, Audited]:
    """What was found out, by exercise, as far as it was audited."""
    if not FIGURES.is_file():
        return {}
    kept = json.loads(FIGURES.read_text(encoding="utf-8"))
    return {name: Audited(exercise=name, **found) for name, found in kept.items()}


def record(done: Audited) -> None:
    """Keep one exercise's figures, in the order of the course, and write the page anew."""
    known = figures() | {done.exercise: done}
    order = [item.id for several in assignments().values() for item in several]
    kept = {}
    for name in order:
        if name in known:
            kept[name] = {
                key: value for key, value in asdict(known[name]).items() if key != "exercise"
            }
            # The time itself differs from run to run.
            pace = [limit for limit in (QUICK_SECONDS, SLOW_SECONDS) if known[name].cost >= limit]
            kept[name]["cost"] = max(pace, default=0.0)
    write_atomically(FIGURES, json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    write_atomically(PAGE, page(figures()))


def page(known: Mapping[str, Audited]) -> str:
    """``docs/audit.md``: a function of the figures and of the course's list of exercises."""
    text = [HEAD.format(slow=SLOW_SECONDS)]
    totals: list[list[str]] = []
    for notebook, exercises in sorted(assignments().items()):
        rows = [_row(item.id, known.get(item.id)) for item in exercises]
        audited = [known[item.id] for item in exercises if item.id in known]
        title = notebook[3:].replace("_", " ")
        text += [f"\n## {notebook[:2]} {title}\n", _table(COLUMNS, rows)]
        text += [f"\n{line}" for done in audited for line in _open(done)]
        totals.append([f"{notebook[:2]} {title}", *_sum(audited, len(exercises))])
    exercises_of_all = sum(map(len, assignments().values()))
    every = [
        known[item.id] for several in assignments().values() for item in several if item.id in known
    ]
    totals.append(["**all**", *(f"**{cell}**" for cell in _sum(every, exercises_of_all))])
    head = ("notebook", "exercises", *COLUMNS[1:-2])
    text.insert(1, "\n## In all\n\n" + _table(head, totals))
    return "\n".join(text).replace("\n\n\n", "\n\n").rstrip() + "\n"


def _row(name: str, done: Audited | None) -> list[str]:
    if done is None:
        return [f"`{name}`", "not audited yet", *[""] * (len(COLUMNS) - 2)]
    stable = not done.unstable and not any("seed" in text for text in done.wrong)
    return [
        f"`{name}`",
        _of(done.tried, done.mutants),
        _of(done.killed, done.tried - len(done.listed)),
        str(done.named),
        str(len(done.listed)),
        _of(done.alternatives - _wrong(done, "alternative"), done.alternatives),
        _of(done.changes - _wrong(done, "right answer"), done.changes),
        _of(done.variants - _wrong(done, "variant"), done.variants),
        f"{done.seeds} / {done.mutant_seeds}",
        "yes" if stable else "no",
    ]


def _sum(several: list[Audited], exercises: int) -> list[str]:
    listed = sum(len(done.listed) for done in several)
    tried = sum(done.tried for done in several)

    def right(kind: str, of: str) -> str:
        total = sum(getattr(done, of) for done in several)
        return _of(total - sum(_wrong(done, kind) for done in several), total)

    return [
        _of(len(several), exercises),
        _of(tried, sum(done.mutants for done in several)),
        _of(sum(done.killed for done in several), tried - listed),
        str(sum(done.named for done in several)),
        str(listed),
        right("alternative", "alternatives"),
        right("right answer", "changes"),
        right("variant", "variants"),
    ]


def _open(done: Audited) -> list[str]:
    """Everything about one exercise that is not as it must be."""
    said = (
        ("survives", done.survivors),
        ("depends on the seed", done.unstable),
        ("wrong", done.wrong[:12]),
        ("in a hint", done.leaks),
    )
    return [f"- `{done.exercise}`, {label}: {name}" for label, names in said for name in names]


def _wrong(done: Audited, kind: str) -> int:
    """How many of a kind went wrong with any seed."""
    return len({text.partition(":")[0] for text in done.wrong if text.startswith(kind)})


def _of(part: int, whole: int) -> str:
    return str(whole) if part == whole else f"{part} of {whole}"


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    write_atomically(PAGE, page(figures()))
