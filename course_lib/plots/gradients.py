"""Figures of the way back: gradients through one step, through time, and why they vanish and explode.

Nothing here computes a gradient: what is drawn is handed in.
"""

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
    png,
    show,
    somebody_looks,
)

Array = np.ndarray

STYLES = (
    {"color": BLUE, "marker": "o", "linestyle": "-"},
    {"color": ORANGE, "marker": "s", "linestyle": "--"},
    {"color": GREEN, "marker": "^", "linestyle": "-."},
    {"color": PINK, "marker": "D", "linestyle": ":"},
    {"color": SKY, "marker": "v", "linestyle": "-"},
    {"color": "black", "marker": "x", "linestyle": "--"},
    {"color": GREY, "marker": "P", "linestyle": "-."},
)
"""Colour, marker and dashes for each line: no meaning by colour alone."""


def lines(
    axes: Any,
    x: Array | Sequence[float],
    values: Mapping[str, Array | Sequence[float]],
    *,
    log: bool = True,
    every: int = 1,
    level: tuple[str, float] | None = None,
    **labels: Any,
) -> Any:
    """Several curves over one axis.

    Args:
        axes: to draw on.
        x: what they share.
        values: a label and the values for each; NaN where there is none.
        log: whether the vertical axis is logarithmic.
        every: draw a marker at each so many points.
        level: a label and the height of a horizontal line to compare with.
        **labels: passed to ``axes.set``.

    >>> lines(new_figure()[1], [1, 2], {"a": [1, 10]}, xlabel="step").get_yscale()
    'log'
    """
    for style, (label, heights) in zip(STYLES, values.items(), strict=False):
        heights = np.asarray(heights, dtype=float)
        axes.plot(
            x[: len(heights)], heights, label=label, linewidth=1.7, markersize=4.5,
            markevery=every, **style,
        )  # fmt: skip
    if level is not None:
        axes.axhline(level[1], color=GREY, linewidth=1.2, linestyle=(0, (1, 1.5)), label=level[0])
    if log:
        axes.set_yscale("log")
    axes.set(**labels)
    return axes


def _box(axes: Any, x: float, y: float, text: str, *, width: float = 0.62, fill: str = "") -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - 0.17),
            width,
            0.34,
            boxstyle="round,pad=0.02,rounding_size=0.08",
            facecolor=fill or "white",
            edgecolor="black",
            linewidth=1.0,
            zorder=3,
        )
    )
    axes.text(x, y, text, ha="center", va="center", fontsize=11, zorder=4)


def _arrow(
    axes: Any, start: tuple[float, float], end: tuple[float, float], *, back: bool = False
) -> None:
    axes.annotate(
        "", xy=end, xytext=start, zorder=2,
        arrowprops={
            "arrowstyle": "-|>", "color": ORANGE if back else GREY, "shrinkA": 0, "shrinkB": 0,
            "linewidth": 1.8 if back else 1.2, "linestyle": "--" if back else "-",
        },
    )  # fmt: skip


def _blank(axes: Any, width: float, low: float, high: float) -> Any:
    axes.set(xlim=(-0.6, width), ylim=(low, high), xticks=[], yticks=[])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def step_graph(axes: Any) -> Any:
    """The operations of one basic step, forward (solid) and the way back (dashed, orange)."""
    places = {
        "x": (1.6, 2.0), "h_prev": (0.0, 1.0), "b": (3.1, 0.0),
        "Wx": (3.1, 2.0), "Wh": (1.6, 1.0), "+": (3.1, 1.0), "tanh": (4.6, 1.0), "h": (6.1, 1.0),
    }  # fmt: skip
    texts = {"x": r"$x_t$", "h_prev": r"$h_{t-1}$", "b": "$b$", "Wx": r"$\times\,W_x$"}
    texts |= {"Wh": r"$\times\,W_h$", "+": "+", "tanh": "tanh", "h": "$h_t$"}
    for name, (x, y) in places.items():
        operation = name in ("Wx", "Wh", "+", "tanh")
        _box(axes, x, y, texts[name], width=0.8, fill="#e8eef4" if operation else "")
    edges = [("x", "Wx"), ("h_prev", "Wh"), ("Wx", "+"), ("Wh", "+"), ("b", "+")]
    for left, right in [*edges, ("+", "tanh"), ("tanh", "h")]:
        (x0, y0), (x1, y1) = places[left], places[right]
        ahead = np.array([np.sign(x1 - x0), np.sign(y1 - y0)])
        start, end = np.array([x0, y0]), np.array([x1, y1])
        start, end = start + ahead * (0.43, 0.2), end - ahead * (0.43, 0.2)
        along = end - start
        aside = np.array([-along[1], along[0]]) / np.hypot(*along) * 0.09
        _arrow(axes, tuple(start + aside), tuple(end + aside))
        _arrow(axes, tuple(end - aside), tuple(start - aside), back=True)
    labels = {
        (3.85, 1.25): "$a_t$", (3.85, 0.66): "$da_t$", (5.35, 0.66): "$dh_t$",
        (2.35, 1.66): "$dx_t$", (0.8, 0.66): "$dh_{t-1}$", (3.45, 0.5): "$db$",
    }  # fmt: skip
    for (x, y), text in labels.items():
        back = text.startswith("$d")
        axes.text(
            x, y, text, ha="center", va="center", color=ORANGE if back else "black", fontsize=11,
            fontweight="bold" if back else "normal",
        )  # fmt: skip
    return _blank(axes, 6.7, -0.4, 2.4)


def through_time(axes: Any) -> Any:
    """Three unrolled steps with their outputs' gradients, and the two that meet at each state."""
    _box(axes, 0, 0, "$h_0$")
    for t in (1, 2, 3):
        x = 2.1 * t
        _box(axes, x - 1.05, 0, "step", width=0.66, fill="#e8eef4")
        _box(axes, x, 0, f"$h_{t}$")
        _box(axes, x - 1.05, -1.1, f"$x_{t}$")
        _box(axes, x, 1.1, "$L$", width=0.4)
        for start, end in (((x - 1.75, 0), (x - 1.4, 0)), ((x - 0.7, 0), (x - 0.33, 0))):
            _arrow(axes, (start[0], 0.07), (end[0], 0.07))
            _arrow(axes, (end[0], -0.07), (start[0], -0.07), back=True)
        _arrow(axes, (x - 1.12, -0.9), (x - 1.12, -0.2))
        _arrow(axes, (x - 0.98, -0.2), (x - 0.98, -0.9), back=True)
        _arrow(axes, (x - 0.07, 0.2), (x - 0.07, 0.9))
        _arrow(axes, (x + 0.07, 0.9), (x + 0.07, 0.2), back=True)
        axes.text(x + 0.16, 0.56, f"$dy_{t}$", color=ORANGE, fontsize=11, va="center")
        axes.text(x - 0.9, -0.6, f"$dx_{t}$", color=ORANGE, fontsize=11, va="center")
    axes.text(0.5, -0.34, "$dh_0$", color=ORANGE, fontsize=11, ha="center")
    for t in (1, 2):
        text = "from\nstep " + str(t + 1)
        axes.text(
            2.1 * t + 0.53, -0.27, text, color=ORANGE, fontsize=8.5, ha="center", va="top",
            linespacing=0.95,
        )  # fmt: skip
    return _blank(axes, 6.9, -1.4, 1.4)


def eigenvalues(axes: Any, matrix: Array) -> Any:
    """The eigenvalues of a matrix in the complex plane, with the circle of radius 1."""
    values = np.linalg.eigvals(matrix)
    angle = np.linspace(0, 2 * np.pi, 200)
    axes.plot(np.cos(angle), np.sin(angle), color=GREY, linestyle="--", linewidth=1)
    axes.plot(values.real, values.imag, "o", color=BLUE, markersize=3)
    size = 1.15 * max(1.0, float(np.abs(values).max()))
    axes.set(xlim=(-size, size), ylim=(-size, size), aspect="equal")
    axes.set(xlabel="real part", ylabel="imaginary part")
    return axes


def radius_picture(matrix: Array, norms: Array, title: str) -> Any:
    """Eigenvalues on the left, how far the gradient reaches on the right; returns the figure.

    Args:
        matrix: recurrent weights, `(H, H)`.
        norms: norm of the gradient that arrives after 0, 1, 2 ... steps back.
        title: of the figure.
    """
    figure, (left, right) = new_figure(columns=2, width=7.4, height=2.9, width_ratios=[2, 3])
    eigenvalues(left, matrix)
    left.set_title("eigenvalues, and the circle of radius 1", fontsize=9.5)
    right.plot(norms, color=BLUE, linewidth=2)
    right.axhline(1, color=GREY, linestyle="--", linewidth=1)
    right.set(yscale="log", ylim=(1e-9, 1e9), xlim=(0, len(norms) - 1))
    right.set(xlabel="steps back", ylabel="norm of the gradient")
    right.set_title(title, fontsize=10)
    return figure


def radius_slider(measure: Callable[[float, str, float], tuple[Array, Array]]) -> None:
    """Sliders for spectral radius and input, and the picture that follows them.

    Where a notebook is run with nobody at the screen there is nothing to slide: a line says so.

    Args:
        measure: `measure(radius, kind, inputs)` gives the matrix and the norms; `kind` is "random"
            or "orthogonal", `inputs` the size of the inputs.
    """
    if not somebody_looks():
        print("Run this cell in Jupyter: sliders for radius and input appear here.")
        return
    from ipywidgets import Dropdown, FloatSlider, interact

    def draw(radius: float, kind: str, inputs: float) -> None:
        matrix, norms = measure(radius, kind, inputs)
        title = f"radius {radius:g}, {kind}, inputs {inputs:g}: ×{norms[-1]:.2g}"
        show(
            radius_picture(matrix, norms, title),
            alt=f"For radius {radius:g} the gradient is multiplied by {norms[-1]:.2g} on its way.",
        )

    interact(
        draw,
        radius=FloatSlider(value=1.0, min=0.5, max=1.5, step=0.05, continuous_update=False),
        kind=Dropdown(options=["random", "orthogonal"]),
        inputs=FloatSlider(value=0.0, min=0.0, max=1.0, step=0.1, continuous_update=False),
    )


class LiveCurves:
    """Training curves that grow while you watch.

    Without anybody at the screen nothing is drawn before ``finish``, so that a notebook that is
    executed holds one picture.
    """

    def __init__(self, alt: str, level: tuple[str, float], total: int, ylabel: str) -> None:
        """Begin with no curve.

        Args:
            alt: what the finished figure shows.
            level: a label and the height of the baseline.
            total: the number of updates, the width of the axes.
            ylabel: what the curves measure.
        """
        self.curves: dict[str, tuple[list[float], list[float]]] = {}
        self._alt, self._level, self._total, self._ylabel = alt, level, total, ylabel
        self._handle: Any = None

    def add(self, label: str, update: int, value: float) -> None:
        """One more point of a curve."""
        steps, values = self.curves.setdefault(label, ([], []))
        steps.append(float(update))
        values.append(value)
        if len(values) % 4 == 0 and somebody_looks():  # a picture takes about 0.1 s
            self._display()

    def finish(self) -> None:
        """Show the finished figure with its alternative text."""
        if self._handle is None:
            show(self.figure(), alt=self._alt)
        else:
            self._display()

    def figure(self) -> Any:
        """All curves so far."""
        figure, axes = new_figure(width=7.0, height=3.0)
        for style, (label, (steps, values)) in zip(STYLES, self.curves.items(), strict=False):
            axes.plot(steps, values, label=label, linewidth=1.7, markersize=4, **style)
        name, height = self._level
        axes.axhline(height, color=GREY, linestyle=(0, (1, 1.5)), linewidth=1.3, label=name)
        axes.set(xlabel="updates", ylabel=self._ylabel, xlim=(0, self._total * 1.02))
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return figure

    def _display(self) -> None:
        from IPython.display import Image, display

        image = Image(data=png(self.figure()), format="png", alt=self._alt)
        if self._handle is None:
            self._handle = display(image, display_id=True)
        else:
            self._handle.update(image)


def cliff(
    axes: Any, weights: Array, losses: Array, steps: Mapping[str, tuple[float, float]]
) -> Any:
    """A loss over one weight, and where single steps lead.

    Args:
        axes: to draw on.
        weights: where the loss was computed.
        losses: its values.
        steps: a label, and the weight before and after the step; both begin at the same place.
    """
    axes.plot(weights, losses, color=BLUE, linewidth=2)

    def height(weight: float) -> float:
        return float(np.interp(weight, weights, losses))

    begin = next(iter(steps.values()))[0]
    axes.plot(begin, height(begin), "o", color="black", markersize=7, zorder=5)
    for style, (label, (start, end)) in zip(STYLES[1:], steps.items(), strict=False):
        inside = float(np.clip(end, weights[0], weights[-1]))
        outside = inside != end
        axes.annotate(
            "", xy=(inside, height(start)), xytext=(start, height(start)),
            arrowprops={"arrowstyle": "-|>", "color": style["color"], "linewidth": 2,
                        "linestyle": style["linestyle"], "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
        if not outside:
            axes.plot(end, height(end), marker=style["marker"], color=style["color"], markersize=8)
        axes.plot([], [], label=label, color=style["color"], linestyle=style["linestyle"])
    axes.set(xlabel="weight w", ylabel="loss")
    axes.legend(loc="upper right", fontsize=9)
    return axes


def two_tasks(
    left: Any, right: Any, adding: tuple[Array, float], copying: tuple[Array, Array]
) -> None:
    """One example of each task: the adding problem, and copy memory.

    Args:
        left: axes for the adding problem.
        right: axes for copy memory.
        adding: input `(T, 2)` and target.
        copying: input and target, `(T,)` each, whole numbers.
    """
    values, target = adding
    time = np.arange(len(values))
    marked = values[:, 1] > 0.5
    left.bar(time[~marked], values[~marked, 0], color=GREY, alpha=0.4, label="not marked")
    left.bar(
        time[marked], values[marked, 0], color=BLUE, hatch="//", edgecolor="black", label="marked"
    )
    for t in time[marked]:
        left.text(t, values[t, 0] + 0.03, f"{values[t, 0]:.2f}", ha="center", fontsize=9)
    left.set(xlabel="time step", ylabel="number", ylim=(0, 1.35), xticks=time[::3])
    left.set_title(f"Adding problem: the answer is {target:.2f}")
    left.legend(loc="upper center", ncols=2, fontsize=9)

    asks = int(copying[0].max())
    for row, name, tokens in ((1, "input", copying[0]), (0, "target", copying[1])):
        for t, token in enumerate(tokens):
            blank, ask = token == 0, token == asks and row == 1
            right.add_patch(_square(t, row, "#ffffff" if blank else ("#d0d0d0" if ask else SKY)))
            text = "" if blank else ("?" if ask else str(int(token)))
            right.text(t, row, text, ha="center", va="center", fontsize=9)
        right.text(-1.0, row, name, ha="right", va="center", fontsize=9)
    right.set(xlim=(-4.6, len(copying[0]) - 0.4), ylim=(-0.8, 1.8), yticks=[])
    right.set_xticks(range(0, len(copying[0]), 4))
    right.set(xlabel="time step", aspect="equal")
    right.set_title("Copy memory (an empty square is a blank)")
    right.grid(visible=False)
    right.spines["left"].set_visible(False)


def _square(x: float, y: float, fill: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (x - 0.46, y - 0.36), 0.92, 0.72, facecolor=fill, edgecolor="black", linewidth=0.7
    )
