"""Figures of N02: cutting an array by time, the graph of an unrolled network, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from course_lib.plots.figure import BLUE, GREEN, GREY, ORANGE, PALETTE, PINK, SKY

_DARK = "#222222"
_SEQUENCES = "ABCDEFGH"

# operation -> what its box says, and its colour
_BOXES = {
    "Placeholder": ("", GREY),
    "StridedSlice": ("slice", SKY),
    "MatMul": ("matmul", BLUE),
    "AddV2": ("add", GREEN),
    "Tanh": ("tanh", ORANGE),
    "Pack": ("stack", SKY),
    "Identity": ("result", GREY),
    "Const": ("", GREY),
}


def cut_by_time(axes: Sequence[Any], sequences: int = 3, time_steps: int = 4) -> Sequence[Any]:
    """Four panels: the array, its axes swapped, its pieces, and what a reshape makes of it.

    Each card stands for the D features of one sequence (a letter) at one moment (a digit).

    Args:
        axes: four axes.
        sequences: B.
        time_steps: T.
    """
    cards = _cards(sequences, time_steps)
    array, swapped, pieces, reshaped = axes
    _draw_cards(array, cards, "1  the array x\n    (B, T, D)", "time", "batch")
    _draw_cards(swapped, cards.T, "2  axes swapped\n    (T, B, D)", "batch", "time")
    _draw_cards(
        pieces, cards.T, "3  unstacked: a list\n    of T pieces (B, D)", "batch", row_gap=0.3
    )
    only_reshaped = cards.reshape(time_steps, sequences)
    _draw_cards(reshaped, only_reshaped, "4  ✗ only reshaped\n    (T, B, D)", "“batch”", "“time”")
    return axes


def stack_back(axes: Sequence[Any], sequences: int = 3, time_steps: int = 4) -> Sequence[Any]:
    """Four panels: the pieces, stacked, their axes swapped back, and concatenated instead.

    Args:
        axes: four axes.
        sequences: B.
        time_steps: T.
    """
    cards = _cards(sequences, time_steps)
    pieces, stacked, swapped, concatenated = axes
    _draw_cards(pieces, cards.T, "1  a list of T\n    outputs (B, H)", "batch", row_gap=0.3)
    _draw_cards(stacked, cards.T, "2  stacked\n    (T, B, H)", "batch", "time")
    _draw_cards(swapped, cards, "3  axes swapped\n    (B, T, H)", "time", "batch")
    one_column = cards.T.reshape(-1, 1)
    _draw_cards(concatenated, one_column, "4  ✗ concatenated\n    (T·B, H)", "", "both in one")
    return axes


def _cards(sequences: int, time_steps: int) -> np.ndarray:
    return np.array([[f"{s}{t}" for t in range(time_steps)] for s in _SEQUENCES[:sequences]])


def _draw_cards(
    axes: Any, cards: np.ndarray, title: str, across: str, down: str = "", row_gap: float = 0.0
) -> None:
    """One card a cell, coloured and labelled by its moment and its sequence."""
    from matplotlib.patches import FancyBboxPatch

    rows, columns = cards.shape
    height = min(1.0, 4.9 / rows)
    for row in range(rows):
        for column in range(columns):
            card = str(cards[row, column])
            x, y = column, -row * height * (1 + row_gap)
            axes.add_patch(
                FancyBboxPatch(
                    (x - 0.42, y - 0.42 * height), 0.84, 0.84 * height,
                    boxstyle=f"round,pad=0,rounding_size={0.12 * height}", edgecolor="white",
                    facecolor=PALETTE[int(card[1:]) % len(PALETTE)], alpha=0.35,
                )
            )  # fmt: skip
            axes.text(
                x, y, card, ha="center", va="center", color=_DARK, fontsize=11 if height == 1 else 8
            )
    axes.text(-0.42, 1.15, title, fontsize=10.5, color=_DARK)
    axes.set_xlim(-1.0, 3.6)
    axes.set_ylim(-5.0, 2.2)
    if across:
        axes.text(-0.42, 0.56, f"{across} →", fontsize=9, color=_DARK)
    if down:
        axes.text(
            -0.56, 0.42, f"← {down}", fontsize=9, color=_DARK, rotation=90, ha="right", va="top"
        )
    axes.set_aspect("equal")
    axes.set_axis_off()


def unrolled_graph(axes: Any, nodes: Sequence[Any]) -> Any:
    """Every node of the traced graph of a basic network, one column a time step.

    Args:
        axes: where to draw.
        nodes: ``graph_def.node`` of a function that slices its input, does a step a slice (two
            products, two sums, one tanh, in this order) and stacks the outputs.
    """
    places = _place_steps(nodes)
    texts = {name: _BOXES.get(op, (op.lower(), PINK))[0] or name for name, op in _ops(nodes)}
    colours = {name: _BOXES.get(op, ("", PINK))[1] for name, op in _ops(nodes)}
    weights = {node.name for node in nodes if node.op == "Placeholder"}
    for node in nodes:
        for source in node.input:
            source = source.lstrip("^").split(":")[0]
            if source in places and node.name in places:
                bend = -0.12 if source in weights else 0.0
                _arrow(axes, places[source], places[node.name], bend, faint=source in weights)
    for node in nodes:
        if node.name not in places:
            continue
        if node.op == "Const":
            axes.plot(*places[node.name], "s", markersize=6, color=GREY, zorder=3)
            continue
        _box(axes, places[node.name], texts[node.name], colours[node.name])
    _bare(axes, places.values())
    return axes


def _ops(nodes: Sequence[Any]) -> list[tuple[str, str]]:
    return [(node.name, node.op) for node in nodes]


def _place_steps(nodes: Sequence[Any]) -> dict[str, tuple[float, float]]:
    """x grows with time, y from the inputs up to the outputs; inputs of the whole stand left."""
    first, width = 3.0, 3.0
    arguments = [node.name for node in nodes if node.op == "Placeholder"]
    places: dict[str, tuple[float, float]] = {}
    slices = steps = 0
    waiting = _one_step()
    for node in nodes:
        column, middle = first + width * steps, first + width * (steps - 1) / 2
        match node.op:
            case "Placeholder":
                places[node.name] = (0.0, 4.0 * arguments.index(node.name) / (len(arguments) - 1))
            case "StridedSlice":
                x = first + width * slices
                places[node.name] = (x, 0.0)
                constants = [source for source in node.input if source not in arguments]
                places.update({c: (x + 0.85, 0.3 - 0.3 * n) for n, c in enumerate(constants)})
                slices += 1
            case "MatMul" | "AddV2" | "Tanh":
                shift, y = waiting[node.op].pop(0)
                places[node.name] = (column + shift, y)
                if node.op == "Tanh":  # the last operation of a step
                    steps, waiting = steps + 1, _one_step()
            case "Pack":
                places[node.name] = (middle, 5.2)
            case "Identity":
                places[node.name] = (middle, 6.0)
    return places


def _one_step() -> dict[str, list[tuple[float, float]]]:
    """Where the nodes of a step stand: the product with x, the one with h, the sums, the tanh."""
    return {
        "MatMul": [(0.0, 1.0), (-1.1, 1.0)],
        "AddV2": [(0.0, 2.0), (0.0, 3.0)],
        "Tanh": [(0.0, 4.0)],
    }


def loop_graph(axes: Any) -> Any:
    """The same network as a loop, simplified: one body, however many steps there are."""
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (1.0, -0.5), 3.1, 5.1, boxstyle="round,pad=0.1",
            facecolor="none", edgecolor=_DARK, linestyle="--", linewidth=1.2,
        )
    )  # fmt: skip
    axes.text(1.05, 4.4, "body, written once", fontsize=9, color=_DARK)
    body = {
        "read": (2.0, 0.0), "matmul x": (2.0, 1.0), "matmul h": (3.1, 1.0),
        "add": (2.0, 2.0), "add b": (2.0, 3.0), "tanh": (2.0, 4.0),
    }  # fmt: skip
    edges = [
        ("read", "matmul x"), ("matmul x", "add"), ("matmul h", "add"), ("add", "add b"),
        ("add b", "tanh"),
    ]  # fmt: skip
    for left, right in edges:
        _arrow(axes, body[left], body[right])
    _arrow(axes, body["tanh"], body["matmul h"], bend=-0.45)
    axes.text(3.55, 2.6, "next\nturn", fontsize=9, color=_DARK)
    colours = {"read": SKY, "matmul": BLUE, "add": GREEN, "tanh": ORANGE}
    for name, place in body.items():
        word = name.split()[0]
        _box(axes, place, word, colours[word])
    inputs = {name: (0.0, float(n)) for n, name in enumerate(("x", "h0", "Wx", "Wh", "b"))}
    for name, place in inputs.items():
        _arrow(axes, place, (0.95, place[1]), faint=True)
        _box(axes, place, name, GREY)
    result = (2.0, 6.0)
    _arrow(axes, (2.0, 4.65), result)
    _box(axes, result, "result", GREY)
    _bare(axes, [(0.0, 0.0), (4.0, 6.0)])
    return axes


def _box(axes: Any, place: tuple[float, float], text: str, colour: str) -> None:
    axes.text(
        *place, text, ha="center", va="center", fontsize=9, color=_DARK, zorder=4,
        bbox={"boxstyle": "round,pad=0.28", "facecolor": "white", "edgecolor": colour,
              "linewidth": 1.8},
    )  # fmt: skip


def _arrow(
    axes: Any,
    start: tuple[float, float],
    end: tuple[float, float],
    bend: float = 0.0,
    faint: bool = False,
) -> None:
    axes.annotate(
        "", xy=end, xytext=start, zorder=1 if faint else 2,
        arrowprops={
            "arrowstyle": "-|>", "color": "#bbbbbb" if faint else _DARK,
            "linewidth": 0.8 if faint else 1.1, "shrinkA": 11, "shrinkB": 11,
            "connectionstyle": f"arc3,rad={bend}",
        },
    )  # fmt: skip


def _bare(axes: Any, places: Any) -> None:
    """No ticks, no frame, limits around the boxes."""
    xs, ys = zip(*places, strict=True)
    axes.set_xlim(min(xs) - 0.6, max(xs) + 0.7)
    axes.set_ylim(min(ys) - 0.65, max(ys) + 0.45)
    axes.set_axis_off()


_LINES: Mapping[str, tuple[str, str, str]] = {
    # name -> colour, marker, line style
    "static, forward": (BLUE, "o", "-"),
    "static, gradient": (BLUE, "s", "--"),
    "loop, forward": (ORANGE, "^", "-"),
    "loop, gradient": (ORANGE, "v", "--"),
    "no graph, forward": (GREY, "x", ":"),
}


def against_length(
    axes: Any, time_steps: Sequence[int], curves: Mapping[str, Sequence[float]]
) -> Any:
    """One curve a way of unrolling against the number of time steps, both axes logarithmic.

    Args:
        axes: where to draw.
        time_steps: the values of T.
        curves: by name (``"static, forward"`` and so on), a value for each T.
    """
    from matplotlib.ticker import FuncFormatter, NullFormatter

    for name, values in curves.items():
        colour, marker, style = _LINES.get(name, (PINK, "d", "-."))
        axes.plot(time_steps, values, color=colour, marker=marker, linestyle=style, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(list(time_steps))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("time steps T")
    return axes
