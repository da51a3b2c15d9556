"""Figures about batches of sequences of different lengths: padding, frozen states, wasted steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from course_lib.plots.figure import BLUE, GREEN, GREY, ORANGE, PINK

Array = np.ndarray

_STYLES = (
    {"color": BLUE, "marker": "o", "linestyle": "-"},
    {"color": ORANGE, "marker": "s", "linestyle": "--"},
    {"color": GREEN, "marker": "^", "linestyle": "-."},
    {"color": PINK, "marker": "D", "linestyle": ":"},
)

_LABEL_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.85}


def draw_batch(
    axes: Any,
    values: Array,
    lengths: Array | Sequence[int],
    *,
    title: str = "",
    text: str = "{:g}",
    limit: float | None = None,
) -> Any:
    """A padded batch as a heat map: a row a sequence, a column a time step, padding hatched.

    Args:
        axes: to draw on.
        values: one number a step, `(B, T)`; it is written into its square.
        lengths: `(B,)`; steps from there on are padding.
        title: of the axes.
        text: how a number is written.
        limit: largest magnitude of the colours; the largest in `values` by default.

    >>> from course_lib.plots import new_figure
    >>> draw_batch(new_figure()[1], np.eye(3), [3, 2, 1]).get_xlabel()
    'time step'
    """
    values = np.asarray(values)
    batch, time = values.shape
    limit = limit or float(np.abs(values).max()) or 1.0
    signed = bool(values.min() < 0)
    axes.imshow(
        values,
        cmap="PuOr" if signed else "Blues",
        vmin=-1.6 * limit if signed else 0.0,  # pale colours, so that the numbers can be read
        vmax=1.6 * limit,
        aspect="auto",
    )
    for b in range(batch):
        for t in range(time):
            real = t < lengths[b]
            axes.text(
                t, b, text.format(values[b, t]), ha="center", va="center",
                color="black", fontweight="bold" if real else "normal",
                bbox=None if real else _LABEL_BOX,
            )  # fmt: skip
        if lengths[b] < time:
            axes.add_patch(_padding(b, int(lengths[b]), time))
    axes.set_xticks(range(time))
    axes.set_yticks(range(batch))
    axes.set_xticks(np.arange(time + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(batch + 1) - 0.5, minor=True)
    axes.grid(visible=False)
    axes.grid(which="minor", color="white", linewidth=2, alpha=1.0)
    axes.tick_params(which="both", length=0)
    axes.set(xlabel="time step", ylabel="sequence")
    axes.set_title(title, loc="left")
    return axes


def _padding(row: int, start: int, end: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (start - 0.5, row - 0.46), end - start, 0.92,
        fill=False, hatch="///", edgecolor=GREY, linewidth=0.8,
    )  # fmt: skip


def draw_lines(
    axes: Any,
    x: Array | Sequence[float],
    lines: Mapping[str, Array | Sequence[float]],
    *,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    level: tuple[str, float] | None = None,
) -> Any:
    """Several curves over one axis, told apart by colour, marker and dashes alike.

    Args:
        axes: to draw on.
        x: what they share.
        lines: a label and the values for each.
        xlabel: of the axes.
        ylabel: of the axes.
        title: of the axes.
        level: a label and the height of a horizontal line to compare with.
    """
    for style, (label, values) in zip(_STYLES, lines.items(), strict=False):
        axes.plot(x, values, label=label, linewidth=1.8, markersize=5, **style)
    if level is not None:
        axes.axhline(level[1], color=GREY, linewidth=1.2, linestyle=(0, (1, 1.5)), label=level[0])
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_title(title, loc="left")
    axes.legend()
    return axes


def draw_states(axes: Any, states: Array, length: int, *, title: str = "") -> Any:
    """The units of a state over time, with the steps of padding shaded.

    Args:
        axes: to draw on.
        states: `(T, H)`, the state after each step.
        length: how many of the T steps are real.
        title: of the axes.
    """
    time, hidden = states.shape
    axes.axvspan(length - 0.5, time - 0.5, facecolor=GREY, alpha=0.12, hatch="///", edgecolor=GREY)
    for unit in range(hidden):
        axes.plot(states[:, unit], label=f"unit {unit}", markersize=4, **_STYLES[unit])
    axes.text(
        (length + time) / 2 - 0.5, 1.3, "padding", ha="center", va="top", color="black",
        bbox=_LABEL_BOX,
    )  # fmt: skip
    axes.set(xlabel="time step", xlim=(-0.5, time - 0.5), ylim=(-1.1, 1.4))
    axes.set_title(title, loc="left")
    return axes


def draw_totals(
    axes: Any, totals: Mapping[str, Array], widths: Sequence[int], *, title: str = ""
) -> Any:
    """Running totals over a series of batches, each batch labelled with its width.

    Args:
        axes: to draw on.
        totals: a label and one total a batch for each.
        widths: T of each batch.
        title: of the axes.
    """
    batches = np.arange(1, len(widths) + 1)
    for style, (label, values) in zip(_STYLES, totals.items(), strict=False):
        axes.step(batches, values, where="post", linewidth=1.8, **{**style, "marker": None})
        axes.plot(batches, values, markersize=5, **{**style, "linestyle": ""})
        axes.annotate(
            f"{label}: {int(values[-1])}", (batches[-1], values[-1]), xytext=(0, 8),
            textcoords="offset points", ha="right", va="bottom", color=style["color"],
            fontweight="bold",
        )  # fmt: skip
    axes.set_xticks(batches, [f"T={width}" for width in widths], fontsize=9)
    axes.set(
        xlabel="batch",
        ylabel="nodes",
        ylim=(0, 1.2 * max(max(values) for values in totals.values())),
    )
    axes.set_title(title, loc="left")
    return axes
