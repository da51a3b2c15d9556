"""Figures of N10: two readers, sequences turned around, who has read what, and what a slice costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from course_lib.plots.figure import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    SKY,
    new_figure,
    show,
    somebody_looks,
)

Array = np.ndarray

_DARK = "#222222"
_LOOKS = (
    {"color": BLUE, "marker": "o", "linestyle": "-"},
    {"color": ORANGE, "marker": "s", "linestyle": "--"},
    {"color": GREEN, "marker": "^", "linestyle": "-."},
    {"color": PINK, "marker": "D", "linestyle": ":"},
)


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    axes.annotate(
        "", xy=end, xytext=start,
        arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.5, "shrinkA": 0,
                    "shrinkB": 0},
    )  # fmt: skip


def draw_two_readers(axes: Any, words: Sequence[str], *, step: int | None = None) -> Any:
    """A sequence read forwards by one row of cells and backwards by another one.

    Args:
        axes: to draw on.
        words: the sequence.
        step: the step whose two cells are filled: what both have read there, side by side.

    >>> axes = draw_two_readers(new_figure()[1], ["a", "b", "c"])
    >>> [text.get_text() for text in axes.texts].count("bw")
    3
    """
    last = len(words) - 1
    for t, word in enumerate(words):
        axes.text(t, -0.95, word, ha="center", va="center", fontsize=11, color=_DARK)
        for row, name, colour in ((0.0, "fw", BLUE), (1.0, "bw", ORANGE)):
            axes.text(
                t, row, name, ha="center", va="center", fontsize=10, color=_DARK,
                bbox={"boxstyle": "round,pad=0.4", "edgecolor": colour,
                      "facecolor": SKY if t == step else "white"},
            )  # fmt: skip
        _arrow(axes, (t - 0.08, -0.75), (t - 0.08, -0.25), GREY)
        axes.plot([t + 0.3, t + 0.3], [-0.75, 0.6], color=GREY, linewidth=1.2)
        _arrow(axes, (t + 0.3, 0.6), (t + 0.16, 0.8), GREY)
        if t:
            _arrow(axes, (t - 0.82, 0.0), (t - 0.18, 0.0), BLUE)
            _arrow(axes, (t - 0.18, 1.0), (t - 0.82, 1.0), ORANGE)
    axes.text(-0.75, 0.0, "forward:\nbegins here", ha="right", va="center", fontsize=9)
    _arrow(axes, (-0.7, 0.0), (-0.18, 0.0), BLUE)
    axes.text(last + 0.75, 1.0, "backward:\nbegins here", ha="left", va="center", fontsize=9)
    _arrow(axes, (last + 0.7, 1.0), (last + 0.18, 1.0), ORANGE)
    axes.set(xlim=(-1.9, last + 1.9), ylim=(-1.25, 1.4))
    axes.set_axis_off()
    return axes


def draw_letters(axes: Any, rows: Sequence[str], lengths: Sequence[int], title: str) -> Any:
    """Sequences of letters, one a row; what is padding is hatched.

    Args:
        axes: to draw on.
        rows: texts of one length; "·" stands for padding.
        lengths: written beside the rows.
        title: of the axes.

    >>> draw_letters(new_figure()[1], ["abc", "d··"], [3, 1], "a batch").get_title(loc="left")
    'a batch'
    """
    from matplotlib.patches import Rectangle

    for b, row in enumerate(rows):
        for t, letter in enumerate(row):
            empty = letter == "·"
            axes.add_patch(
                Rectangle(
                    (t - 0.46, b - 0.42), 0.92, 0.84, edgecolor=GREY, linewidth=0.8,
                    facecolor="white" if empty else SKY, alpha=0.6 if empty else 0.45,
                    hatch="////" if empty else None,
                )
            )  # fmt: skip
            if not empty:
                axes.text(t, b, letter, ha="center", va="center", fontsize=12, color=_DARK)
    axes.set(
        xlim=(-0.6, len(rows[0]) - 0.4), ylim=(len(rows) - 0.45, -0.55), xlabel="step",
        xticks=range(len(rows[0])), yticks=range(len(rows)),
    )  # fmt: skip
    axes.set_yticklabels([f"length {n}" for n in lengths])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_title(title, loc="left")
    return axes


def draw_reach(axes: Any, reach: Array, title: str, *, row: int | None = None) -> Any:
    """Which steps of the input (columns) each step of an output (rows) depends on.

    Args:
        axes: to draw on.
        reach: `(T, T)` bool.
        title: of the axes.
        row: the output to point at.

    >>> draw_reach(new_figure()[1], np.eye(3, dtype=bool), "itself").get_xlabel()
    'step of the input'
    """
    from matplotlib.patches import Rectangle

    for (t, s), reads in np.ndenumerate(reach):
        axes.add_patch(
            Rectangle(
                (s - 0.45, t - 0.45), 0.9, 0.9, linewidth=0.8, edgecolor=GREY,
                facecolor=BLUE if reads else "white",
                alpha=1.0 if row is None or row == t else 0.3,
            )
        )  # fmt: skip
    T = len(reach)
    if row is not None:
        axes.add_patch(
            Rectangle((-0.5, row - 0.5), T, 1.0, fill=False, edgecolor=ORANGE, linewidth=2.5)
        )
    axes.set(
        xlim=(-0.7, T - 0.3), ylim=(T - 0.3, -0.7), aspect="equal", xticks=range(T),
        yticks=range(T), xlabel="step of the input", ylabel="step of the output",
    )  # fmt: skip
    axes.grid(visible=False)
    axes.set_title(title, loc="left")
    return axes


def reach_slider(reaches: Mapping[str, Array]) -> None:
    """The reach of some outputs side by side, with a slider for the step of the output.

    Where a notebook is run with nobody at the screen there is nothing to slide: a line says so.
    """
    if not somebody_looks():
        print("Run this cell in Jupyter: a slider for the step of the output appears here.")
        return
    from ipywidgets import IntSlider, interact

    def draw(step: int) -> None:
        figure, panels = new_figure(columns=len(reaches), width=9.0, height=3.2)
        for axes, (name, reach) in zip(panels, reaches.items(), strict=True):
            draw_reach(axes, reach, name, row=step)
        read = {name: np.flatnonzero(reach[step]).tolist() for name, reach in reaches.items()}
        show(figure, alt=f"What output {step} of each network has read: {read}")

    last = len(next(iter(reaches.values()))) - 1
    interact(draw, step=IntSlider(value=2, min=0, max=last, description="output"))


def draw_accuracies(
    axes: Any,
    curves: Mapping[str, tuple[Sequence[int], Sequence[float]]],
    title: str,
    *,
    guess: float = 0.25,
) -> Any:
    """Accuracy on held-back texts while some networks learn.

    >>> draw_accuracies(new_figure()[1], {"a": ([0, 20], [0.2, 0.9])}, "texts").get_ylabel()
    'right on held-back texts'
    """
    for look, (name, (steps, values)) in zip(_LOOKS, curves.items(), strict=False):
        axes.plot(steps, values, label=name, markersize=5, **look)
    axes.axhline(guess, color=GREY, linestyle=":", linewidth=1.2, label="guessing")
    axes.set(ylim=(0, 1.05), xlabel="updates", ylabel="right on held-back texts")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.legend(loc="upper left", fontsize=8)
    axes.set_title(title, loc="left")
    return axes


def draw_reading(axes: Any, reads: Mapping[str, Array], title: str) -> Any:
    """How much each character of a text moves something, one line each.

    >>> draw_reading(new_figure()[1], {"a": np.ones(4)}, "half").get_xlabel()
    'character'
    """
    for look, (name, values) in zip(_LOOKS, reads.items(), strict=False):
        marked = [*range(0, len(values) - 1, max(1, len(values) // 12)), len(values) - 1]
        axes.plot(
            np.arange(len(values)), values, label=name, markersize=4, markevery=marked, **look
        )
    axes.set(ylim=(-0.04, 1.08), xlabel="character", ylabel="influence, relative")
    axes.legend(fontsize=8)
    axes.set_title(title, loc="left")
    return axes
