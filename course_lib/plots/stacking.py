"""Figures of N09: a stack and the order in which it is computed, who owns what, and how it learns."""

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
        arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.4, "shrinkA": 0,
                    "shrinkB": 0},
    )  # fmt: skip


def draw_stack(axes: Any, layers: int, steps: int) -> Any:
    """A stack unrolled: outputs go up, each layer's own c and h go to the right.

    >>> axes = draw_stack(new_figure()[1], 2, 3)
    >>> sum(text.get_text().startswith("cell") for text in axes.texts)
    6
    """
    for layer in range(layers):
        for t in range(steps):
            axes.text(
                t, layer, f"cell {layer + 1}", ha="center", va="center", fontsize=9, color=_DARK,
                bbox={"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": BLUE},
            )  # fmt: skip
            _arrow(axes, (t, layer + 0.22), (t, layer + 0.72), ORANGE)
            if t:
                _arrow(axes, (t - 0.82, layer), (t - 0.18, layer), BLUE)
                axes.text(t - 0.5, layer + 0.08, "c, h", ha="center", fontsize=8, color=_DARK)
            if layer + 1 < layers:
                axes.text(t + 0.05, layer + 0.45, "h", fontsize=8, color=_DARK)
    for t in range(steps):
        _arrow(axes, (t, -0.72), (t, -0.24), GREY)
        axes.text(t, -0.9, f"$x_{t}$", ha="center", va="center", fontsize=10)
        axes.text(t, layers - 0.13, f"$y_{t}$", ha="center", va="center", fontsize=10)
    axes.set(xlim=(-0.6, steps - 0.4), ylim=(-1.1, layers + 0.1))
    axes.set_axis_off()
    return axes


def order_of(layers: int, steps: int, way: str) -> Array:
    """When each cell is computed, `(layers, steps)`, counted from 1.

    Args:
        layers: L.
        steps: T.
        way: "layer by layer", "step by step" or "diagonal", where what stands on one diagonal can
            be computed at one time.

    >>> order_of(2, 3, "diagonal").tolist()
    [[1, 2, 3], [2, 3, 4]]
    """
    layer, step = np.indices((layers, steps))
    return {
        "layer by layer": layer * steps + step + 1,
        "step by step": step * layers + layer + 1,
        "diagonal": layer + step + 1,
    }[way]


def draw_order(axes: Any, order: Array, *, until: int | None = None) -> Any:
    """The cells of a stack, each with the number of its turn; darker is later.

    Args:
        axes: to draw on.
        order: as `order_of` makes it.
        until: cells with a later turn are left empty.
    """
    from matplotlib.patches import Rectangle

    last = int(order.max())
    for (layer, step), turn in np.ndenumerate(order):
        done = until is None or turn <= until
        axes.add_patch(
            Rectangle(
                (step - 0.44, layer - 0.4), 0.88, 0.8, edgecolor=GREY,
                facecolor=SKY if done else "white",
                alpha=0.25 + 0.6 * turn / last if done else 1.0,
            )
        )  # fmt: skip
        if done:
            axes.text(step, layer, str(turn), ha="center", va="center", fontsize=11, color=_DARK)
    layers, steps = order.shape
    axes.set(
        xlim=(-0.6, steps - 0.4), ylim=(-0.6, layers - 0.4), xlabel="time step",
        xticks=range(steps), yticks=range(layers),
    )  # fmt: skip
    axes.set_yticklabels([f"layer {layer + 1}" for layer in range(layers)])
    axes.grid(visible=False)
    return axes


def order_slider(layers: int, steps: int) -> None:
    """The three orders side by side, with a slider for the turn.

    Where a notebook is run with nobody at the screen there is nothing to slide: a line says so.
    """
    if not somebody_looks():
        print("Run this cell in Jupyter: a slider for the number of turns appears here.")
        return
    from ipywidgets import IntSlider, interact

    def draw(turn: int) -> None:
        figure, panels = new_figure(columns=3, width=9.5, height=2.3)
        for axes, way in zip(panels, ("layer by layer", "step by step", "diagonal"), strict=True):
            draw_order(axes, order_of(layers, steps, way), until=turn)
            axes.set_title(way)
        show(figure, alt=f"Which cells are computed after {turn} turns in each of three orders.")

    interact(draw, turn=IntSlider(value=3, min=1, max=layers * steps, description="turn"))


def draw_owners(axes: Any, kernels: Sequence[Array]) -> Any:
    """The first columns of each layer's recurrent kernel as a picture, one below the other.

    Args:
        axes: as many as there are layers.
        kernels: `(H, 4H)` each.
    """
    limit = max(float(np.abs(kernel).max()) for kernel in kernels)
    for layer, (panel, kernel) in enumerate(zip(axes, kernels, strict=True), start=1):
        panel.imshow(kernel, cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto")
        panel.set(xticks=[], yticks=[], ylabel=f"layer {layer}")
        panel.grid(visible=False)
    return axes


def draw_losses(
    axes: Any,
    losses: Mapping[str, Sequence[float]],
    *,
    levels: Mapping[str, float] | None = None,
    smooth: int = 20,
) -> Any:
    """Running means of training losses, on a logarithmic axis.

    Args:
        axes: to draw on.
        losses: by name, one loss a window.
        levels: lines to compare with, by name.
        smooth: how many losses a mean is taken over.
    """
    for look, (name, values) in zip(_LOOKS, losses.items(), strict=False):
        kernel = np.ones(smooth) / smooth
        curve = np.convolve(values, kernel, mode="valid")
        places = np.arange(len(curve)) + smooth
        axes.plot(
            places, curve, label=name, markevery=max(1, len(curve) // 8), markersize=5, **look
        )
    for name, level in (levels or {}).items():
        axes.axhline(level, color=GREY, linestyle=":", linewidth=1.2)
        axes.text(
            1.0, level, name, ha="right", va="bottom", fontsize=8, color=_DARK,
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
    longest = max(len(values) for values in losses.values())
    axes.set_xlim(0, longest * (1.2 if levels else 1.03))  # room for the levels' names
    axes.set(yscale="log", xlabel="windows trained on", ylabel="loss (nats a label)")
    axes.legend(loc="lower left")
    return axes


def draw_depth(axes: Any, depths: Sequence[int], sizes: Mapping[str, Sequence[float]]) -> Any:
    """How large something is against the number of layers, on a logarithmic axis."""
    for look, (name, values) in zip(_LOOKS, sizes.items(), strict=False):
        axes.plot(depths, values, label=name, markersize=6, **look)
    axes.set(yscale="log", xlabel="layers", xticks=list(depths))
    axes.legend()
    return axes
