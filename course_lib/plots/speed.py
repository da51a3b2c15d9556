"""Figures of N14: what is done when, who is how fast, what a patient shows, and where to go next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


def _box(
    axes: Any, place: tuple[float, float], size: tuple[float, float], text: str, colour: str,
    *, hatch: str = "",
) -> None:  # fmt: skip
    from matplotlib.patches import Rectangle

    (left, low), (width, height) = place, size
    axes.add_patch(
        Rectangle(
            (left, low), width, height, facecolor=colour, alpha=0.28, edgecolor=colour,
            linewidth=1.2, hatch=hatch,
        )
    )  # fmt: skip
    axes.text(
        left + width / 2, low + height / 2, text, ha="center", va="center", fontsize=9, color=_DARK
    )


def draw_schedule(axes: Any, steps: int, *, hoisted: bool) -> Any:
    """When each product is done, from left to right: the input's (x) and the state's (h).

    A step that does two products is drawn wider than one that does one; nothing is to scale.

    Only what stands in one column needs nothing of the columns before but h; a product with the
    input needs nothing at all.

    >>> axes = draw_schedule(new_figure()[1], 4, hoisted=True)
    >>> [text.get_text() for text in axes.texts].count("$h R$")
    4
    """
    begin, width, gap = 0.0, 1.35, 0.25
    if hoisted:
        _box(axes, (0.0, 0.0), (1.5, 1.9), "$X K$\nall steps\nat once", BLUE)
        begin, width = 1.5 + gap, 0.95
    for t in range(steps):
        left = begin + (width + gap) * t
        if not hoisted:
            _box(axes, (left, 1.0), (width, 0.9), f"$x_{t} K$", BLUE)
        _box(axes, (left, 0.0), (width, 0.9), "$h R$", ORANGE, hatch="//")
        if t:
            axes.annotate(
                "", xy=(left, 0.45), xytext=(left - gap, 0.45),
                arrowprops={"arrowstyle": "->", "color": _DARK, "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip
    axes.set(xlim=(-0.2, 1.6 * steps), ylim=(-0.15, 2.1))
    axes.set_axis_off()
    return axes


def draw_race(axes: Any, times: Mapping[str, float], *, unit: str = "ms") -> Any:
    """One bar for each contestant, with its time beside it; the logarithmic axis begins at 0.1.

    >>> axes = draw_race(new_figure()[1], {"a": 1.0, "b": 20.0})
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['a', 'b']
    """
    names = list(times)
    axes.barh(names, [times[name] for name in names], color=SKY, edgecolor=BLUE)
    for place, value in enumerate(times.values()):
        digits = 0 if value >= 10 else 1 if value >= 1 else 2
        axes.text(value * 1.08, place, f"{value:.{digits}f}", va="center", fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(min(0.1, *times.values()), 3 * max(times.values()))
    axes.set_xlabel(f"{unit}, logarithmic")
    axes.set_ylim(len(names) - 0.4, -0.6)  # the first one on top, also where axes are shared
    return axes


def draw_nodes(axes: Any, nodes: Mapping[str, tuple[int, int]]) -> Any:
    """Nodes of each graph, and of the graph with gradients, as two bars each."""
    places = np.arange(len(nodes))
    for shift, which, colour, hatch in ((-0.2, 0, BLUE, ""), (0.2, 1, ORANGE, "//")):
        counts = [pair[which] for pair in nodes.values()]
        label = ("forward", "with gradients")[which]
        axes.bar(places + shift, counts, 0.38, color=colour, alpha=0.8, hatch=hatch, label=label,
                 edgecolor="white")  # fmt: skip
        for place, count in zip(places, counts, strict=True):
            axes.text(place + shift, count, str(count), ha="center", va="bottom", fontsize=8)
    axes.set_xticks(places, list(nodes))
    axes.set(ylabel="nodes in the graph", ylim=(0, 1.15 * max(max(p) for p in nodes.values())))
    axes.legend()
    return axes


def draw_signs(panels: Sequence[Any], patient: Any, lengths: Sequence[int] = (5, 3)) -> Any:
    """What a patient's outputs read, its attention, and its gradient, as four pictures.

    Args:
        panels: four axes.
        patient: as `course_lib.patients.admit` makes them.
        lengths: of two sequences; the second one is padded to the length of the first.
    """
    x = np.random.default_rng(3).normal(size=(len(lengths), lengths[0], patient.features))
    before = patient.read(x, lengths)
    steps = x.shape[1]
    reads = {"outputs": np.zeros((steps, steps)), "backward": np.zeros((steps, steps))}
    for t in range(steps):
        moved = x.copy()
        moved[:, t] += 1
        after = patient.read(moved, lengths)
        for name, found in reads.items():
            change = np.abs(getattr(after, name)[1] - getattr(before, name)[1]).max(axis=1)
            found[:, t] = change > 1e-9
    for panel, (name, found) in zip(panels, reads.items(), strict=False):
        panel.imshow(found, cmap="Blues", vmin=0, vmax=1.3)
        panel.set(xlabel="input step", ylabel="output step", title=f"{name}: reads")
    panels[2].imshow(before.attention, cmap="Oranges", vmin=0, vmax=1)
    for (row, t), value in np.ndenumerate(before.attention):
        ink = "white" if value > 0.6 else "black"
        panels[2].text(t, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=ink)
    panels[2].set(xlabel="step", ylabel="sequence", yticks=range(len(lengths)), title="attention")
    size = np.abs(patient.gradient(x)).sum(axis=(0, 2))
    panels[3].bar(range(steps), np.maximum(size, 1e-9), color=GREEN)
    panels[3].set(yscale="log", ylim=(1e-9, 30), xlabel="step", title="size of the gradient")
    for panel in panels:
        panel.set_xticks(range(steps))
    for panel in panels[:3]:
        panel.grid(visible=False)
    return panels


def patient_chooser(admit: Callable[..., Any], names: Sequence[str]) -> None:
    """Choose a trouble and a seed, and see the patient's pictures change.

    Where a notebook is run with nobody at the screen there is nothing to choose: a line says so.
    """
    if not somebody_looks():
        print("Run this cell in Jupyter: a list of the troubles appears here.")
        return
    from ipywidgets import Dropdown, IntSlider, interact

    def draw(trouble: str, seed: int) -> None:
        figure, panels = new_figure(columns=4, width=11.0, height=2.6)
        draw_signs(panels, admit(trouble, seed))
        show(figure, alt=f"What a patient with the trouble {trouble} reads, attends to and learns.")

    options = Dropdown(options=list(names), description="trouble")
    interact(draw, trouble=options, seed=IntSlider(value=1, min=0, max=9, description="seed"))


def draw_confusion(axes: Any, said: Array, names: Sequence[str]) -> Any:
    """How many patients with a trouble (row) were said to have which one (column).

    Args:
        axes: to draw on.
        said: `(N, N)` counts; a last column of others may follow, `(N, N + 1)`.
        names: N names.
    """
    columns = [*names, "another word"][: said.shape[1]]
    axes.imshow(said, cmap="Blues", vmin=0, vmax=max(1, int(said.max())) * 1.4, aspect="auto")
    for (row, column), count in np.ndenumerate(said):
        if count:
            axes.text(column, row, str(int(count)), ha="center", va="center", fontsize=9)
    axes.set_xticks(range(len(columns)), columns, rotation=40, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), list(names), fontsize=8)
    axes.set(xlabel="diagnosis", ylabel="trouble")
    axes.grid(visible=False)
    return axes


PLACES = {
    "faster": (-3.1, 1.15),
    "longer memories": (3.1, 1.15),
    "attention alone": (3.1, -1.15),
    "doubt": (-3.1, -1.15),
    "other data": (0.0, 1.9),
    "the brain and the chip": (0.0, -1.9),
}
"""Where the places of the map lie."""

ROADS = {
    "faster": "cuDNN layers on a GPU\nJAX: lax.scan and jit\nmixed precision",
    "longer memories": "state space models (S4, Mamba)\nlinear recurrences, xLSTM\nparallel scans",
    "attention alone": "transformers\nencoder, decoder (2017)\nwhat positions are for",
    "doubt": "ensembles, calibration\nablations: remove a part, measure\nreproduce a paper's table",
    "other data": "speech (CTC, transducers)\ntime series, with honest baselines\nmusic, handwriting",
    "the brain and the chip": "reservoir computing\nspiking networks\nonline learning (RTRL)",
}
"""What there is to see at each of them."""


def draw_map(axes: Any) -> Any:
    """Where to go next from the end of the course: six roads.

    >>> len(draw_map(new_figure()[1]).texts)
    19
    """
    looks = dict(zip(ROADS, (BLUE, ORANGE, PINK, GREEN, SKY, GREY), strict=True))
    axes.text(
        0, 0, "gates, loops, gradients,\nstates, attention", ha="center", va="center", fontsize=9,
        color=_DARK, bbox={"boxstyle": "round,pad=0.7", "facecolor": "white", "edgecolor": _DARK},
    )  # fmt: skip
    for name, things in ROADS.items():
        x, y = PLACES[name]
        axes.annotate(
            "", xy=(0.66 * x, 0.66 * y), xytext=(0.34 * x, 0.3 * y),
            arrowprops={"arrowstyle": "-|>", "color": looks[name], "linewidth": 2.5},
        )  # fmt: skip
        axes.text(
            x, y + 0.42, name, ha="center", va="bottom", fontsize=11, weight="bold", color=_DARK,
        )  # fmt: skip
        axes.text(
            x, y, things, ha="center", va="center", fontsize=8.5, color=_DARK, linespacing=1.35,
            bbox={"boxstyle": "round,pad=0.6", "facecolor": "white", "edgecolor": looks[name]},
        )  # fmt: skip
    axes.set(xlim=(-4.6, 4.6), ylim=(-2.5, 2.7))
    axes.set_axis_off()
    return axes
