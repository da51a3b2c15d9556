"""Figures of N06: one-unit cells in the plane, where the reset acts, gates over time, costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from course_lib.plots.figure import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALETTE,
    PINK,
    new_figure,
    png,
    show,
    somebody_looks,
)

Array = np.ndarray

_DARK = "#222222"
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)))
_MARKERS = ("o", "s", "^", "D", "v")
_HATCHES = ("", "///", "...", "xx", "\\\\\\")


def draw_stream(axes: Any, x: Array, held: Mapping[str, Array], *, title: str = "") -> Any:
    """A stream of numbers, the marked ones among them, and what memories hold of it.

    Args:
        axes: to draw on.
        x: `(T, 2)`, numbers and marks.
        held: a label and the T held numbers for each memory.
        title: of the axes.
    """
    time = np.arange(len(x))
    marked = x[:, 1] > 0
    axes.plot(time[~marked], x[~marked, 0], ".", color=GREY, markersize=5, label="number")
    axes.plot(
        time[marked], x[marked, 0], "s", color=_DARK, markersize=8, fillstyle="none",
        markeredgewidth=1.6, label="marked number",
    )  # fmt: skip
    for n, (label, values) in enumerate(held.items()):
        axes.plot(
            time, values, drawstyle="steps-post", color=PALETTE[n], linestyle=_DASHES[n],
            linewidth=2.0, label=label,
        )  # fmt: skip
    axes.set(xlabel="time step", ylabel="number", ylim=(-1.15, 1.15))
    axes.set_xticks(range(0, len(x), 2))
    axes.set_title(title, loc="left")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9)
    return axes


def draw_curves(
    axes: Any,
    x: Sequence[float] | Array,
    curves: Mapping[str, Sequence[float] | Array],
    *,
    xlabel: str = "time step",
    ylabel: str = "",
    title: str = "",
    levels: Mapping[str, float] | None = None,
) -> Any:
    """Several curves, told apart by colour and dashes and named at a legend; levels are thin lines.

    Args:
        axes: to draw on.
        x: what the curves share; a shorter curve ends earlier.
        curves: a label and the values for each.
        xlabel: of the axes.
        ylabel: of the axes.
        title: of the axes.
        levels: a label and the height of horizontal lines to compare with.
    """
    for n, (label, values) in enumerate(curves.items()):
        axes.plot(
            x[: len(values)], values, color=PALETTE[n], linestyle=_DASHES[n], linewidth=2.0,
            label=label,
        )  # fmt: skip
    for n, (label, height) in enumerate((levels or {}).items()):
        style = ((0, (1, 2)), (0, (4, 2)))[n % 2]
        axes.axhline(height, color=GREY, linewidth=1.2, linestyle=style, label=label)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_title(title, loc="left")
    axes.legend(fontsize=9)
    return axes


def two_resets(axes: Sequence[Any]) -> Sequence[Any]:
    """Two rows of boxes: the reset gate before the product with the recurrent kernel, and after it.

    Args:
        axes: two axes.
    """
    before, after = axes
    _chain(before, "reset before the product", ["× r", "· R_h", "+", "tanh"], extra_bias=False)
    _chain(after, "reset after the product", ["· R_h", "× r", "+", "tanh"], extra_bias=True)
    return axes


def _chain(axes: Any, title: str, boxes: Sequence[str], *, extra_bias: bool) -> None:
    colours = {"× r": ORANGE, "· R_h": BLUE, "+": GREEN, "tanh": PINK}
    words = {"· R_h": "· R$_h$ + b'$_h$" if extra_bias else "· R$_h$", "× r": "× r"}
    half = {"× r": 0.3, "· R_h": 0.62 if extra_bias else 0.32, "+": 0.22, "tanh": 0.36}
    _box(axes, 0.0, "h$_{t-1}$", GREY)
    for place, name in enumerate(boxes, start=1):
        _box(axes, 2.0 * place, words.get(name, name), colours[name])
    _box(axes, 10.0, "candidate g", GREY)
    widths = [0.36, *(half[name] for name in boxes), 0.78]
    for place, (left, right) in enumerate(pairwise(widths)):
        _line(axes, (2.0 * place + left + 0.1, 0.0), (2.0 * place + 2.0 - right - 0.1, 0.0))
    axes.text(6.0, -1.25, "x$_t$ · K$_h$ + b$_h$", ha="center", va="center", fontsize=10)
    _line(axes, (6.0, -1.0), (6.0, -0.42))
    axes.set_title(title, loc="left")
    axes.set(xlim=(-0.8, 11.2), ylim=(-1.6, 0.7))
    axes.set_axis_off()


def _box(axes: Any, x: float, text: str, colour: str) -> None:
    axes.text(
        x, 0.0, text, ha="center", va="center", fontsize=10, color=_DARK, zorder=3,
        bbox={"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": colour,
              "linewidth": 2.0},
    )  # fmt: skip


def _line(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate(
        "", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": _DARK, "linewidth": 1.2}
    )


def parameter_bars(axes: Any, counts: Mapping[str, Mapping[str, int]], *, title: str = "") -> Any:
    """One bar a cell, cut into its parts, with the total at its end.

    Args:
        axes: to draw on.
        counts: for each cell the number of entries of each part, such as "kernel".
        title: of the axes.

    >>> axes = parameter_bars(new_figure()[1], {"basic": {"kernel": 20, "bias": 5}})
    >>> [text.get_text() for text in axes.texts]
    [' 25']
    """
    names = list(counts)
    parts = list(dict.fromkeys(part for cell in counts.values() for part in cell))
    start = np.zeros(len(names))
    for n, part in enumerate(parts):
        sizes = np.array([counts[name].get(part, 0) for name in names])
        axes.barh(
            range(len(names)), sizes, left=start, color=PALETTE[n], alpha=0.75, height=0.62,
            hatch=_HATCHES[n], edgecolor="white", label=part,
        )  # fmt: skip
        start = start + sizes
    for place, total in enumerate(start):
        axes.text(total, place, f" {int(total)}", va="center", ha="left", fontsize=11)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(xlabel="parameters", xlim=(0, 1.12 * float(start.max())))
    axes.grid(visible=False, axis="y")
    axes.set_title(title, loc="left")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9)
    return axes


def parameter_parts(features: int, hidden: int) -> dict[str, dict[str, int]]:
    """The cells of N06 and how many numbers each of their parts holds, for ``parameter_bars``.

    >>> {name: sum(parts.values()) for name, parts in parameter_parts(4, 5).items()}["LSTM"]
    200
    """

    def parts(blocks: int, rows: int = 1, **more: int) -> dict[str, int]:
        arrays = {"kernel": features, "recurrent kernel": hidden, "biases": rows}
        sizes = {name: height * blocks * hidden for name, height in arrays.items()}
        return {**sizes, **{name.replace("_", " "): size for name, size in more.items()}}

    return {
        "basic": parts(1),
        "GRU, reset before": parts(3),
        "GRU, reset after": parts(3, rows=2),
        "LSTM": parts(4),
        "peephole LSTM": parts(4, peepholes=3 * hidden),
        "layer-normalised LSTM": parts(4, gains_and_shifts=10 * hidden),
    }


def one_unit_map(
    axes: Any,
    step: Callable[[Array], Array],
    *,
    starts: Sequence[float] = (0.8, -0.5),
    steps: int = 12,
    title: str = "",
) -> Any:
    """The state of one unit after a step against the state before it, with paths from two starts.

    Filled circles: resting points that attract; open ones: resting points that repel.

    Args:
        axes: to draw on.
        step: the state after the step, for an array of states before it.
        starts: states from which a path is drawn: up to the curve, across to the diagonal, again.
        steps: steps of each path.
        title: of the axes.

    >>> axes = one_unit_map(new_figure()[1], lambda h: 0.5 * h)
    >>> axes.get_xlabel()
    'state before'
    """
    h = np.linspace(-1.0, 1.0, 801)
    after = np.asarray(step(h))
    axes.plot(h, h, color=GREY, linestyle="--", linewidth=1.2)
    axes.plot(h, after, color=BLUE, linewidth=2.4)
    for start, colour, style in zip(starts, (ORANGE, GREEN), ("-", ":"), strict=False):
        path = [(start, start)]
        for _ in range(steps):
            here = path[-1][0]
            new = float(np.asarray(step(np.array([here])))[0])
            path += [(here, new), (new, new)]
        xs, ys = zip(*path, strict=True)
        axes.plot(xs, ys, color=colour, linestyle=style, linewidth=1.5)
        axes.plot(start, start, marker="D", color=colour, markersize=5)
    for place, slope in resting_points(h, after):
        filled = abs(slope) < 1
        axes.plot(
            place, place, "o", markersize=9, markeredgewidth=1.8, markeredgecolor=_DARK,
            markerfacecolor=_DARK if filled else "white", zorder=4,
        )  # fmt: skip
    axes.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), xlabel="state before", ylabel="state after")
    axes.set_aspect("equal")
    axes.set_xticks([-1, 0, 1])
    axes.set_yticks([-1, 0, 1])
    axes.set_title(title, loc="left", fontsize=10)
    return axes


def resting_points(h: Array, after: Array) -> list[tuple[float, float]]:
    """Where a curve over ``h`` crosses the diagonal, and its slope there.

    A curve that runs along the diagonal has no single points of rest, and none is returned.

    >>> h = np.linspace(-1, 1, 801)
    >>> [(round(place, 3), round(slope, 3)) for place, slope in resting_points(h, 0.5 * h + 0.1)]
    [(0.2, 0.5)]
    """
    gap = after - h
    if float(np.abs(gap).max()) < 1e-6:
        return []
    points: list[tuple[float, float]] = []
    for n in range(len(h) - 1):
        left, right = float(gap[n]), float(gap[n + 1])
        if left == 0.0 or left * right < 0:
            place = float(
                h[n] + (h[n + 1] - h[n]) * (0.0 if left == 0.0 else left / (left - right))
            )
            points.append((place, float((after[n + 1] - after[n]) / (h[n + 1] - h[n]))))
    return points


def one_unit(h: Array, z: float, r: float, w: float, x: float) -> Array:
    """One step of a single unit whose gates are held where they are.

    ``z h + (1 - z) tanh(x + r w h)``; with z = 0 and r = 1 it is a basic cell.

    >>> one_unit(np.array([0.5]), z=1.0, r=1.0, w=3.0, x=9.0)
    array([0.5])
    """
    return np.asarray(z * h + (1 - z) * np.tanh(x + r * w * h))


def one_unit_explorer() -> None:
    """Sliders for the gates, the weight and the input of one unit, above its picture.

    Only in a notebook that somebody looks at. Elsewhere a sentence stands in their place, and the
    static picture beside it shows the same.
    """
    if not somebody_looks():
        print("(Sliders appear here when you run this cell in JupyterLab, VS Code or Colab.)")
        return
    from ipywidgets import FloatSlider, interact

    def slider(name: str, low: float, high: float, value: float) -> Any:
        return FloatSlider(
            value=value, min=low, max=high, step=0.05, description=name,
            style={"description_width": "11em"}, layout={"width": "30em"},
        )  # fmt: skip

    def draw(z: float, r: float, w: float, x: float) -> None:
        figure, axes = new_figure(width=4.2, height=3.6)
        one_unit_map(axes, lambda h: one_unit(h, z=z, r=r, w=w, x=x), steps=25)
        show(
            figure,
            alt=f"The state after a step against the state before it, for z = {z:g}, r = {r:g}, "
            f"w = {w:g} and x = {x:g}, with the diagonal and two paths of 25 steps.",
        )

    interact(
        draw,
        z=slider("z  update gate", 0.0, 1.0, 0.0),
        r=slider("r  reset gate", 0.0, 1.0, 1.0),
        w=slider("w  recurrent weight", -4.0, 4.0, 2.0),
        x=slider("x  input", -2.0, 2.0, 0.0),
    )


def draw_gates(axes: Any, x: Array, gates: Mapping[str, Array]) -> Any:
    """Gates of one unit over time, as steps between 0 and 1; thin lines stand at marked numbers.

    Args:
        axes: to draw on.
        x: `(T, 2)`, numbers and marks.
        gates: a label and T values from 0 to 1 for each.
    """
    for step in np.flatnonzero(x[:, 1] > 0):
        axes.axvline(step, color=GREY, linewidth=1.0, linestyle=(0, (1, 2)))
    for n, (label, values) in enumerate(gates.items()):
        axes.plot(
            np.arange(len(values)), values, color=PALETTE[n], linestyle=_DASHES[n],
            marker=_MARKERS[n], markersize=5, linewidth=1.8, label=label,
        )  # fmt: skip
    axes.set(xlabel="time step", ylabel="gate", ylim=(-0.06, 1.06))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9)
    return axes


def which_way(axes: Sequence[Any], panels: Mapping[str, Array]) -> Sequence[Any]:
    """Small tables of numbers side by side, an instance a row, with the means of rows and columns.

    Args:
        axes: one for each panel.
        panels: a title and an array `(B, H)` for each.
    """
    for axis, (title, values) in zip(axes, panels.items(), strict=True):
        B, H = values.shape
        limit = max(3.0, float(np.abs(values).max()))
        axis.imshow(values, cmap="PuOr", vmin=-1.8 * limit, vmax=1.8 * limit, aspect="auto")
        for b in range(B):
            for j in range(H):
                axis.text(j, b, f"{values[b, j]:.1f}", ha="center", va="center", fontsize=9)
            axis.text(H - 0.3, b, _mean(values[b]), va="center", ha="left", fontsize=9)
        for j in range(H):
            axis.text(j, B - 0.25, _mean(values[:, j]), ha="center", va="top", fontsize=9)
        axis.text(H - 0.3, -0.62, "mean", fontsize=8, ha="left", va="bottom", color=GREY)
        axis.text(-0.62, B - 0.25, "mean", fontsize=8, ha="right", va="top", color=GREY)
        axis.set(xlim=(-0.5, H + 0.45), ylim=(B + 0.2, -0.5))
        axis.set_xticks(range(H), ["" for _ in range(H)])
        axis.set_yticks(range(B), "ABCDEFGH"[:B])
        axis.tick_params(length=0)
        axis.grid(visible=False)
        for spine in axis.spines.values():
            spine.set_visible(False)
        axis.set_title(title, loc="left", fontsize=10)
        axis.title.set_position((0.0, 1.12))
        axis.set_xlabel("features")
    return axes


def _mean(values: Array) -> str:
    mean = float(np.mean(values))
    return f"{0.0 if abs(mean) < 0.05 else mean:.1f}"


def batch_norm(a: Array) -> Array:
    """The other way round, to compare with: every feature normalised over the batch.

    >>> batch_norm(np.array([[1.0, 5.0], [3.0, 5.0]])).round(2) + 0.0
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    rows = np.asarray(a, dtype=float).T
    centred = [row - row.mean() for row in rows]
    return np.stack([row / np.sqrt(np.mean(row**2) + 1e-5) for row in centred], axis=1)


def saturation(axes: Any, shares: Mapping[str, Array], scales: Sequence[float]) -> Any:
    """How many units are stuck at the ends of tanh, against the size of the weights.

    Args:
        axes: to draw on.
        shares: a label and a share from 0 to 1 for each scale.
        scales: by how much the weights were multiplied.
    """
    for n, (label, values) in enumerate(shares.items()):
        axes.plot(
            scales, 100 * np.asarray(values), color=PALETTE[n], linestyle=_DASHES[n],
            marker=_MARKERS[n], linewidth=1.8, label=label,
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_xticks(scales, [f"{scale:g}" for scale in scales])
    axes.set(xlabel="weights multiplied by", ylabel="units beyond ±0.95, %", ylim=(-4, 104))
    axes.legend(loc="upper left", fontsize=9)
    return axes


class LiveFigure:
    """A figure that is drawn again and again in one place of the notebook while something trains.

    Executed without a screen it leaves its last picture. Outside a notebook it shows nothing.

    Args:
        alt: what the last picture shows, for a reader who cannot see it.
    """

    def __init__(self, alt: str) -> None:
        self.alt = alt
        self._handle: Any = None

    def update(self, figure: Any) -> None:
        """Replace the picture."""
        from IPython import get_ipython
        from IPython.display import Image, display

        if get_ipython() is None:
            return
        picture = Image(data=png(figure), format="png", alt=self.alt)
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)
