"""Figures of N05: the cell, its weights' layout, its gates at work, and what it keeps.

What they need of the library is imported inside the functions, so that this module loads also where
a notebook's answers are hidden.
"""

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
    new_figure,
    show,
    somebody_looks,
)

Array = np.ndarray

_DARK = "#222222"
GATE_COLOURS = {"i": BLUE, "f": ORANGE, "g": GREEN, "o": PINK}
"""One colour a gate in all figures of the notebook; its letter always stands beside it."""

_STYLES: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "linestyle": "-", "marker": "o"},
    {"color": ORANGE, "linestyle": "--", "marker": "s"},
    {"color": GREEN, "linestyle": "-.", "marker": "^"},
    {"color": PINK, "linestyle": ":", "marker": "D"},
    {"color": GREY, "linestyle": (0, (5, 1, 1, 1)), "marker": "v"},
)


# ------------------------------------------------------------------------------ the cell


def cell_diagram(axes: Any) -> Any:
    """One step of an LSTM: the belt of the cell state above, the four gates below it."""
    belt, middle, boxes, wire = 3.6, 2.35, 1.1, 0.1
    at = {"f": 1.3, "i": 2.8, "g": 4.3, "o": 5.6}
    out = 7.0

    _arrow(axes, (-0.1, belt), (8.1, belt), width=2.6)
    axes.plot([-0.1, at["o"]], [wire, wire], color=_DARK, linewidth=1.3)
    axes.plot([0.5, 0.5], [-0.5, wire], color=_DARK, linewidth=1.3)
    for x in at.values():
        _arrow(axes, (x, wire), (x, boxes - 0.3))
    _arrow(axes, (at["f"], boxes + 0.3), (at["f"], belt - 0.22))
    _arrow(axes, (at["i"], boxes + 0.3), (at["i"], middle - 0.22))
    axes.plot([at["g"]] * 2, [boxes + 0.3, middle], color=_DARK, linewidth=1.3)
    _arrow(axes, (at["g"], middle), (at["i"] + 0.22, middle))
    _arrow(axes, (at["i"], middle + 0.22), (at["i"], belt - 0.22))
    axes.plot([at["o"]] * 2, [boxes + 0.3, middle - 0.45], color=_DARK, linewidth=1.3)
    _arrow(axes, (at["o"], middle - 0.45), (out - 0.22, middle - 0.45))
    _arrow(axes, (out, belt), (out, middle + 0.62))
    _arrow(axes, (out, middle + 0.2), (out, middle - 0.23))
    _arrow(axes, (out + 0.22, middle - 0.45), (8.1, middle - 0.45))

    for gate, x in at.items():
        squash = "tanh" if gate == "g" else "σ"
        axes.text(
            x, boxes, f"{gate}: {squash}", ha="center", va="center", fontsize=11, zorder=4,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": "white",
                  "edgecolor": GATE_COLOURS[gate], "linewidth": 2.2},
        )  # fmt: skip
    axes.text(
        out, middle + 0.4, "tanh", ha="center", va="center", fontsize=10, zorder=4,
        bbox={"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": GREY},
    )  # fmt: skip
    for x, y, sign in (
        (at["f"], belt, "×"), (at["i"], belt, "+"), (at["i"], middle, "×"),
        (out, middle - 0.45, "×"),
    ):  # fmt: skip
        axes.plot(x, y, "o", markersize=17, color="white", markeredgecolor=_DARK, zorder=4)
        axes.text(x, y - 0.02, sign, ha="center", va="center", fontsize=14, zorder=5)
    for x, y, text, side in (
        (-0.2, belt, "$c_{t-1}$", "right"), (8.2, belt, "$c_t$", "left"),
        (-0.2, wire, "$h_{t-1}$", "right"), (8.2, middle - 0.45, "$h_t$", "left"),
    ):  # fmt: skip
        axes.text(x, y, text, ha=side, va="center", fontsize=13)
    axes.text(0.5, -0.62, "$x_t$", ha="center", va="top", fontsize=13)
    for x, text in (
        (at["f"], "forget"), (at["i"], "input"), (at["g"], "candidate"), (at["o"], "output")
    ):  # fmt: skip
        axes.text(x, -0.22, text, ha="center", va="top", fontsize=10, color=GREY)
    axes.set(xlim=(-1.0, 8.9), ylim=(-1.0, 4.1))
    axes.axis("off")
    return axes


def _arrow(
    axes: Any, start: tuple[float, float], end: tuple[float, float], width: float = 1.3
) -> None:
    axes.annotate(
        "", xy=end, xytext=start, zorder=2,
        arrowprops={"arrowstyle": "-|>", "color": _DARK, "linewidth": width,
                    "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip


# ------------------------------------------------------------------------------ layouts


def layout_blocks(axes: Any, features: int, hidden: int) -> Any:
    """kernel, recurrent kernel and bias of an LSTM, drawn to scale, a block of columns a gate.

    Args:
        axes: to draw on.
        features: D.
        hidden: H.
    """
    from matplotlib.patches import Rectangle

    top = 0.0
    rows = (
        ("kernel", features, "D rows"), ("recurrent_kernel", hidden, "H rows"),
        ("bias", 1, "no rows:\none number a column"),
    )  # fmt: skip
    for name, height, words in rows:
        for k, gate in enumerate("ifgo"):
            axes.add_patch(
                Rectangle(
                    (k * hidden, top - height), hidden, height,
                    facecolor=GATE_COLOURS[gate], alpha=0.3, edgecolor="white", linewidth=3,
                )
            )  # fmt: skip
            axes.text(
                (k + 0.5) * hidden, top - height / 2, gate, ha="center", va="center", fontsize=13
            )
        axes.text(-0.4, top - height / 2, name, ha="right", va="center", family="monospace")
        axes.text(4 * hidden + 0.4, top - height / 2, words, va="center", color=_DARK, fontsize=9)
        top -= height + 0.7
    for k in range(5):
        axes.plot([k * hidden] * 2, [0.15, 0.45], color=GREY, linewidth=1)
    for k in range(4):
        axes.text((k + 0.5) * hidden, 0.3, "H columns", ha="center", va="center", fontsize=9)
    axes.set(xlim=(-1.95 * hidden, 5.3 * hidden), ylim=(top + 0.5, 0.7))
    axes.axis("off")
    return axes


def gate_orders(axes: Any, orders: Mapping[str, str]) -> Any:
    """The order of the gates' blocks in several libraries: a row a library, a box a gate.

    Args:
        axes: to draw on.
        orders: by name, the letters in the order of the blocks; j and c are g by other names.
    """
    from matplotlib.patches import Rectangle

    for row, (name, letters) in enumerate(orders.items()):
        axes.text(-0.2, -row, name, ha="right", va="center")
        for place, letter in enumerate(letters):
            gate = "g" if letter in "jc" else letter
            axes.add_patch(
                Rectangle(
                    (place + 0.04, -row - 0.38), 0.92, 0.76, facecolor=GATE_COLOURS[gate],
                    alpha=0.3, hatch="//" if gate == "g" else None, edgecolor="white",
                )
            )  # fmt: skip
            axes.text(place + 0.5, -row, letter, ha="center", va="center", fontsize=13)
    axes.set(xlim=(-4.2, 4.2), ylim=(-len(orders) + 0.4, 0.6))
    axes.axis("off")
    return axes


# ------------------------------------------------------------------------- gates at work


def constant_gates(i: float, f: float, o: float, candidates: Array) -> tuple[Array, Array]:
    """What a cell does whose gates never move: the cell states and the outputs, `(T,)` each."""
    states, outputs, c = [], [], 0.0
    for g in candidates:
        c = c * f + g * i
        states.append(c)
        outputs.append(np.tanh(c) * o)
    return np.array(states), np.array(outputs)


def draw_constant_gates(axes: Any, i: float, f: float, o: float, candidates: Array) -> Any:
    """Candidates as bars, the cell state and the output as lines, for gates that never move."""
    states, outputs = constant_gates(i, f, o, candidates)
    time = np.arange(len(candidates))
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.bar(time, candidates, width=0.5, color=GREY, alpha=0.35, label="candidate g")
    axes.plot(time, states, color=BLUE, marker="o", markersize=4, label="cell state c")
    axes.plot(
        time, outputs, color=ORANGE, marker="s", markersize=4, linestyle="--", label="output h"
    )
    axes.set(
        xlabel="time step",
        xticks=time[::4],
        ylim=(-1.3, max(1.9, float(np.cumsum(candidates).max()) + 0.4)),
    )
    axes.set_title(f"i = {i:g}, f = {f:g}, o = {o:g}", loc="left")
    return axes


def gate_sliders(candidates: Array) -> None:
    """Three sliders for i, f and o, and the picture of what the cell then does.

    Where a notebook is run with nobody at the screen there is nothing to slide: a line says so.
    """
    if not somebody_looks():
        print("Run this cell in Jupyter: three sliders for i, f and o appear here.")
        return
    from ipywidgets import FloatSlider, interact

    def draw(i: float, f: float, o: float) -> None:
        figure, axes = new_figure(height=3.0)
        draw_constant_gates(axes, i, f, o, candidates).legend(loc="upper left", ncols=3)
        show(
            figure,
            alt=f"Candidates, cell state and output over time for i = {i:g}, f = {f:g}, o = {o:g}.",
        )

    def slider(value: float, name: str) -> Any:
        return FloatSlider(value=value, min=0.0, max=1.0, step=0.05, description=name)

    interact(draw, i=slider(1.0, "input i"), f=slider(0.9, "forget f"), o=slider(1.0, "output o"))


def record_gates(x: Array, kernel: Array, recurrent_kernel: Array, bias: Array) -> dict[str, Array]:
    """Run an LSTM over one sequence `(T, D)` from zeros, and keep all that happens inside.

    Returns:
        `i`, `f`, `g`, `o`, `c` and `h`, `(T, H)` each.
    """
    from course_lib.backprop.lstm import lstm_forward

    zero = np.zeros((1, recurrent_kernel.shape[0]))
    outputs, _, _, caches = lstm_forward(x[np.newaxis], zero, zero, kernel, recurrent_kernel, bias)
    seen = {name: np.stack([getattr(s, name)[0] for s in caches]) for name in "ifgoc"}
    return {**seen, "h": outputs[0]}


def draw_gates(axes: Any, rows: Mapping[str, Array], *, title: str = "", limit: float = 1.0) -> Any:
    """A heat map over time: a row a quantity, its value written into each square.

    Args:
        axes: to draw on.
        rows: by name, `(T,)` numbers.
        title: of the axes.
        limit: largest magnitude of the colours.
    """
    table = np.array(list(rows.values()))
    pale = 1.6 * limit  # so that the numbers can be read
    axes.imshow(table, cmap="PuOr", vmin=-pale, vmax=pale, aspect="auto")
    for row, column in np.ndindex(table.shape):
        value = table[row, column]
        axes.text(
            column, row, f"{value:.1f}".replace("-0.0", "0.0"), ha="center", va="center",
            fontsize=8.5, color=_DARK if abs(value) >= 0.05 else "#777777",
        )  # fmt: skip
    count, time = table.shape
    axes.set_yticks(range(count), list(rows))
    axes.set_xticks(range(time))
    axes.set_xticks(np.arange(time + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(visible=False)
    axes.grid(which="minor", color="white", linewidth=1.5, alpha=1.0)
    axes.tick_params(which="both", length=0)
    axes.set_xlabel("time step")
    axes.set_title(title, loc="left")
    return axes


# ------------------------------------------------------------------------ what is kept


def draw_curves(
    axes: Any,
    curves: Mapping[str, Array],
    *,
    xlabel: str = "steps",
    ylabel: str = "",
    title: str = "",
    every: int = 6,
) -> Any:
    """Several curves, told apart by colour, dashes and markers alike.

    Args:
        axes: to draw on.
        curves: by name, `(T,)`.
        xlabel: of the axes.
        ylabel: of the axes.
        title: of the axes.
        every: how many points apart the markers stand.
    """
    for number, (name, values) in enumerate(curves.items()):
        axes.plot(
            np.arange(len(values)), values, label=name, linewidth=1.8, markersize=5,
            markevery=(number % every, every), **_STYLES[number],
        )  # fmt: skip
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_title(title, loc="left")
    axes.legend()
    return axes


def draw_training(
    axes: Any, runs: Mapping[str, Sequence[Array]], *, baseline: float, smooth: int = 10
) -> Any:
    """Loss against updates: a thin line a run, a thick one for the mean of a kind.

    Args:
        axes: to draw on.
        runs: by name, the losses of several runs, `(updates,)` each.
        baseline: the loss of the dumb answer, drawn as a level.
        smooth: how many updates are averaged.
    """
    window = np.ones(smooth) / smooth
    for style, (name, several) in zip(_STYLES, runs.items(), strict=False):
        smoothed = [np.convolve(losses, window, mode="valid") for losses in several]
        look = {"color": style["color"], "linestyle": style["linestyle"]}
        for losses in smoothed:
            axes.plot(losses, linewidth=0.8, alpha=0.6, **look)
        axes.plot(np.mean(smoothed, axis=0), linewidth=2.4, label=name, **look)
    axes.axhline(
        baseline, color=_DARK, linewidth=1.4, linestyle=(0, (1, 1.5)), label="always saying 0"
    )
    axes.set(xlabel="updates", ylabel="mean squared error", ylim=(0, 0.56))
    axes.legend(loc="upper right", ncols=2, fontsize=9)
    return axes


def gradient_norms_back(hidden: int, steps: int, forget_bias: float, seed: int = 0) -> Array:
    """How much of a gradient at the last cell state is left, step by step on the way back.

    An LSTM with random first weights and random inputs; only what flows back is measured.

    Returns:
        Norms of dL/dc, `(steps + 1,)`: 1 at the end of the sequence, then one, two ... steps earlier.
    """
    from course_lib.backprop.lstm import lstm_forward, lstm_step_backward

    rng, zero, kernels = _random_problem(hidden, steps, 4, seed)
    x, kernel, recurrent_kernel = kernels
    bias = np.zeros(4 * hidden)
    bias[hidden : 2 * hidden] = forget_bias
    *_, caches = lstm_forward(x, zero, zero, kernel, recurrent_kernel, bias)
    dc = _unit(rng.normal(size=zero.shape))
    dh, norms = np.zeros_like(dc), [1.0]
    for cache in reversed(caches):
        _, dh, dc, *_ = lstm_step_backward(dh, dc, cache)
        norms.append(float(np.linalg.norm(dc)))
    return np.array(norms)


def rnn_gradient_norms_back(hidden: int, steps: int, seed: int = 0) -> Array:
    """The same for the basic cell and its state h; its recurrent weights are orthogonal."""
    from course_lib.backprop.rnn import rnn_forward, rnn_step_backward

    rng, zero, (x, Wx, Wh) = _random_problem(hidden, steps, 1, seed)
    _, caches = rnn_forward(x, zero, Wx, Wh, np.zeros(hidden))
    dh, norms = _unit(rng.normal(size=zero.shape)), [1.0]
    for cache in reversed(caches):
        _, dh, *_ = rnn_step_backward(dh, cache)
        norms.append(float(np.linalg.norm(dh)))
    return np.array(norms)


def _random_problem(
    hidden: int, steps: int, gates: int, seed: int
) -> tuple[np.random.Generator, Array, tuple[Array, Array, Array]]:
    from course_lib.initializers import glorot_uniform, orthogonal

    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1, steps, 4))
    kernel = glorot_uniform(4, gates * hidden, rng)
    recurrent = np.concatenate([orthogonal(hidden, hidden, rng) for _ in range(gates)], axis=1)
    return rng, np.zeros((1, hidden)), (x, kernel, recurrent)


def _unit(vector: Array) -> Array:
    return vector / np.linalg.norm(vector)


__all__ = [
    "GATE_COLOURS", "cell_diagram", "constant_gates", "draw_constant_gates", "draw_curves",
    "draw_gates", "draw_training", "gate_orders", "gate_sliders", "gradient_norms_back",
    "layout_blocks", "record_gates", "rnn_gradient_norms_back",
]  # fmt: skip
