"""The card that answers a check: HTML in JupyterLab, plain text in a terminal.

Hints come in steps that the reader opens one by one: a nudge, a pointer to the passage, the mistake by
name. No meaning rests on colour alone; colours are blue and orange, which most colour-blind readers
tell apart, on the theme's own background.
"""

from __future__ import annotations

from html import escape

from autograder.picture import as_img
from autograder.verdict import AspectResult, ExerciseResult

STEPS = ("Hint 1, a nudge", "Hint 2, where to read", "Hint 3, the mistake by name")
GENERIC_STEPS = ("Hint 1, a nudge", "Hint 2, where to read")
_BLUE, _ORANGE = "#0072b2", "#d55e00"


def number(points: float) -> str:
    """Points without needless zeros.

    >>> number(4.0), number(2.5)
    ('4', '2.5')
    """
    return f"{points:g}"


def headline(result: ExerciseResult) -> str:
    """The first line of a card."""
    mark = "✓" if result.passed else "✗"
    return f"{mark} {result.id}: {number(result.score)} of {number(result.max_score)} points"


def steps(result: ExerciseResult) -> list[tuple[str, str]]:
    """The hints, each with its label, in the order in which to open them."""
    labels = STEPS if result.misconception else GENERIC_STEPS
    return list(zip(labels, result.hints, strict=False))


def as_text(result: ExerciseResult) -> str:
    """The card for a terminal."""
    lines = [headline(result)]
    if result.status == "missing":
        lines.append(f"  {result.reason}")
    else:
        lines += [f"  {_aspect_text(*item)}" for item in _told_once(result)]
    if not result.passed:
        lines += [f"  {label}: {hint}" for label, hint in steps(result)]
    return "\n".join(lines)


def _told_once(result: ExerciseResult) -> list[tuple[AspectResult, str]]:
    """The aspects with their differences, a repeated complaint in full only where it comes first.

    That an aspect was not looked at is said of each: "as above" would read as a reproach.
    """
    told: list[tuple[AspectResult, str]] = []
    for aspect in result.aspects:
        before = {said for _, said in told if not said.startswith("not looked at")}
        again = aspect.difference and aspect.difference in before
        told.append((aspect, "as above" if again else aspect.difference))
    return told


def _aspect_text(aspect: AspectResult, difference: str) -> str:
    mark = "✓" if aspect.passed else "✗"
    earned = f"{mark} {aspect.name} ({number(aspect.score)} of {number(aspect.max_score)})"
    return f"{earned}: {difference}" if difference else earned


def as_html(result: ExerciseResult) -> str:
    """The card for a notebook. Everything in it is escaped: a student's text stays text."""
    colour = _BLUE if result.passed else _ORANGE
    body = [f"<strong>{escape(headline(result))}</strong>"]
    if result.status == "missing":
        body.append(f"<p style='margin:.3em 0'>{escape(result.reason)}</p>")
    else:
        rows = "".join(_aspect_row(*item) for item in _told_once(result))
        body.append(f"<ul style='list-style:none;padding:0;margin:.4em 0 .2em'>{rows}</ul>")
    if result.picture:
        body.append(f"<p style='margin:.3em 0'>{as_img(result.picture)}</p>")
    if not result.passed:
        body += [
            f"<details style='margin:.25em 0'><summary style='cursor:pointer'>{escape(label)}"
            f"</summary><p style='margin:.25em 1.1em'>{_inline(hint)}</p></details>"
            for label, hint in steps(result)
        ]
    return (
        f"<div role='status' style='border-left:5px solid {colour};padding:.5em .9em;"
        f"margin:.3em 0;max-width:46em;line-height:1.45'>{''.join(body)}</div>"
    )


def _aspect_row(aspect: AspectResult, difference: str) -> str:
    mark, word = ("✓", "passed") if aspect.passed else ("✗", "not yet")
    said = f": {escape(difference)}" if difference else ""
    return (
        f"<li style='margin:.15em 0'><strong role='img' "
        f"aria-label='{word}'>{mark}</strong> {escape(aspect.name)} "
        f"<small>({number(aspect.score)} of {number(aspect.max_score)})</small>{said}</li>"
    )


def _inline(text: str) -> str:
    """Escaped text in which `code` between backquotes is set as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))


def show(result: ExerciseResult) -> None:
    """Display the card where the reader is: in a notebook, or on standard output."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ModuleNotFoundError:
        print(as_text(result))
        return
    if get_ipython() is None:
        print(as_text(result))
        return
    display({"text/plain": as_text(result), "text/html": as_html(result)}, raw=True)
