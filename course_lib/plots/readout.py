"""Figures of N07: shapes on the way to a prediction, baselines, a training watched, what was learned."""

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

_DARK = "#222222"
_LABEL_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.85}


def shape_route(axes: Any, batch: int = 3, time: int = 4, hidden: int = 10) -> Any:
    """Sheets of squares: the outputs, the one column of weights, and what their product leaves."""
    x = _sheets(axes, 0.0, batch, time, hidden, BLUE)
    axes.text(x + 0.6, 0.0, "@", ha="center", va="center", fontsize=16, color=_DARK)
    x = _sheets(axes, x + 1.3, 1, hidden, 1, ORANGE)
    axes.text(x + 0.6, 0.0, "=", ha="center", va="center", fontsize=16, color=_DARK)
    end = _sheets(axes, x + 1.3, batch, time, 1, GREEN)
    axes.annotate(
        "", xy=(end + 2.7, 0.0), xytext=(end + 0.4, 0.0),
        arrowprops={"arrowstyle": "-|>", "color": _DARK},
    )  # fmt: skip
    axes.text(end + 1.5, 0.35, "remove the\naxis of size 1", ha="center", va="bottom", fontsize=9)
    last = _sheets(axes, end + 3.2, 1, batch, time, GREEN)
    places = {
        f"outputs\n({batch}, {time}, {hidden})": hidden * 0.25,
        f"W_out\n({hidden}, 1)": x - 0.25,
        f"product\n({batch}, {time}, 1)": end - 0.4,
        f"prediction\n({batch}, {time})": last - time * 0.25,
    }
    for label, place in places.items():
        axes.text(place, -3.3, label, ha="center", va="top", fontsize=10, color=_DARK)
    return _bare(axes, (-0.4, last + 0.6), (-4.7, 3.0))


def one_or_copies(left: Any, right: Any, batch: int = 3, time: int = 4, hidden: int = 10) -> Any:
    """Broadcasting, where every sequence is multiplied by the same weights, beside tiling."""
    for axes, copies, title in (
        (left, 1, "Broadcasting: one W_out for all"),
        (right, batch, "Tiling: a copy for each sequence"),
    ):
        for b in range(batch):
            y = 3.4 * (batch - 1 - b)
            end = _sheets(axes, 0.0, 1, time, hidden, BLUE, middle=y)
            axes.text(-0.3, y, f"sequence {b}", ha="right", va="center", fontsize=9.5)
            source = y if copies > 1 else 3.4 * (batch - 1) / 2
            axes.annotate(
                "", xy=(8.2, source), xytext=(end + 0.2, y),
                arrowprops={"arrowstyle": "-", "color": GREY, "linestyle": "--"},
            )  # fmt: skip
            if copies > 1 or b == 0:
                _sheets(axes, 8.4, 1, hidden, 1, ORANGE, middle=source, scale=0.28)
        axes.set_title(title, loc="left")
        held = f"{copies * hidden} numbers held"
        axes.text(9.3, 3.4 * (batch - 1) / 2, held, va="center", fontsize=9.5, color=_DARK)
        _bare(axes, (-3.2, 12.6), (-1.7, 3.4 * (batch - 1) + 1.7))
    return left


def _sheets(
    axes: Any,
    x: float,
    sheets: int,
    rows: int,
    columns: int,
    colour: str,
    middle: float = 0.0,
    scale: float = 0.5,
) -> float:
    """Sheets of squares behind each other; returns where the foremost one ends."""
    from matplotlib.patches import Rectangle

    for sheet in reversed(range(sheets)):
        shift = 0.28 * sheet
        bottom = middle - scale * rows / 2
        for row in range(rows):
            for column in range(columns):
                axes.add_patch(
                    Rectangle(
                        (x + shift + scale * column, bottom + shift + scale * row), scale, scale,
                        facecolor=colour, alpha=1.0 if sheet else 0.9, edgecolor="white",
                        linewidth=0.8, zorder=2 - 0.1 * sheet,
                    )
                )  # fmt: skip
    return x + scale * columns + 0.28 * (sheets - 1)


def _bare(axes: Any, across: tuple[float, float], up: tuple[float, float]) -> Any:
    axes.set_xlim(*across)
    axes.set_ylim(*up)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return axes


def all_pairs(axes: Any, pred: Array, target: Array) -> Any:
    """Every difference between ``pred`` ``(B,)`` and ``target`` ``(B, 1)``; the wanted ones framed."""
    from matplotlib.patches import Rectangle

    away = np.asarray(pred)[np.newaxis, :] - np.asarray(target).reshape(-1, 1)
    limit = float(np.abs(away).max())
    axes.imshow(away, cmap="PuOr", vmin=-1.8 * limit, vmax=1.8 * limit)
    for row, column in np.ndindex(away.shape):
        axes.text(column, row, f"{away[row, column]:g}", ha="center", va="center", fontsize=9)
    for n in range(len(away)):
        axes.add_patch(
            Rectangle((n - 0.46, n - 0.46), 0.92, 0.92, fill=False, edgecolor=_DARK, linewidth=2)
        )
    axes.set_xticks(range(len(away)), [f"{p:g}" for p in pred])
    axes.set_yticks(range(len(away)), [f"{t:g}" for t in np.ravel(target)])
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.set(xlabel="prediction, shape (6,)", ylabel="target, shape (6, 1)")
    return axes


def untrained_costs(axes: Any, costs: Array, marks: Mapping[str, float]) -> Any:
    """How the costs of untrained networks are spread, with some costs marked by lines."""
    axes.hist(costs, bins=np.arange(0, 201, 10), color=SKY, edgecolor="white")
    top = 1.4 * axes.get_ylim()[1]
    axes.set_ylim(0, top)
    styles = zip((ORANGE, _DARK, PINK), ("-", "--", ":"), strict=False)
    for place, ((name, value), (colour, style)) in enumerate(
        zip(marks.items(), styles, strict=False)
    ):
        axes.axvline(value, color=colour, linestyle=style, linewidth=2)
        axes.text(
            value + 2, top * (0.98 - 0.13 * place), f"{name}: {value:.1f}", va="top",
            color=_DARK, bbox=_LABEL_BOX,
        )  # fmt: skip
    axes.set(xlabel="mean squared error", ylabel="networks", xlim=(0, 200))
    return axes


def error_bars(axes: Any, errors: Mapping[str, float], own: Sequence[str] = ()) -> Any:
    """One bar a predictor, its error written beside it, on a logarithmic axis.

    Args:
        axes: to draw on.
        errors: by name, from the top.
        own: the names of networks, which are hatched.
    """
    places = np.arange(len(errors))[::-1]
    for place, (name, error) in zip(places, errors.items(), strict=True):
        axes.barh(
            place, error, color=ORANGE if name in own else BLUE, alpha=0.75,
            hatch="//" if name in own else None, edgecolor="white",
        )  # fmt: skip
        axes.text(error * 1.08, place, f"{error:.3g}", va="center", color=_DARK)
    axes.set_yticks(places, list(errors))
    axes.set_xscale("log")
    axes.set_xlim(min(errors.values()) / 3, max(errors.values()) * 2.5)
    axes.set_xlabel("mean squared error (logarithmic)")
    axes.grid(visible=False, axis="y")
    return axes


def hand_made(x: Array, now: float, before: float) -> Array:
    """What two weights predict for the first feature of ``x`` ``(B, T, D)``, without a constant."""
    first = np.asarray(x, np.float64)[:, :, 0]
    earlier = np.concatenate([np.zeros_like(first[:, :1]), first[:, :-1]], axis=1)
    predicted: Array = now * first + before * earlier
    return predicted


def valley(axes: Any, x: Array, y: Array, marks: bool = True) -> Any:
    """The error of two weights, on this step and on the one before; the best constant is added.

    Args:
        axes: to draw on.
        x: ``(B, T, D)``, only its first feature counts.
        y: ``(B, T)``.
        marks: whether to mark the rule and the best predictor without a memory.
    """
    weights = np.linspace(-0.5, 2.5, 121)
    errors = np.array(
        [[np.var(y - hand_made(x, now, before)) for now in weights] for before in weights]
    )
    levels = [1, 3, 10, 30, 100, 300]
    lines = axes.contour(weights, weights, errors, levels=levels, colors=GREY, linewidths=0.9)
    axes.contourf(
        weights, weights, np.log10(errors + 0.03), levels=24, cmap="Blues_r", alpha=0.6, zorder=0
    )
    axes.clabel(lines, fmt=lambda level: f"{level:g}", fontsize=8, colors=_DARK)
    axes.axhline(0.0, color=ORANGE, linewidth=2, linestyle="--")
    if marks:
        best = int(np.argmin([np.var(y - hand_made(x, now, 0.0)) for now in weights]))
        axes.plot(weights[best], 0.0, "s", color=ORANGE, markersize=9)
        axes.plot(1.0, 1.0, "*", color=_DARK, markersize=14)
        axes.text(1.08, 1.08, "the rule", color=_DARK, bbox=_LABEL_BOX)
        axes.text(
            weights[best], -0.12, "best without\na memory", color=_DARK, ha="center", va="top",
            bbox=_LABEL_BOX, fontsize=9,
        )  # fmt: skip
    axes.set(xlabel="weight of this step", ylabel="weight of the step before")
    axes.grid(visible=False)
    return axes


def weight_sliders(x: Array, y: Array) -> None:
    """Two sliders: be the network. Where nobody is at the screen, a line says so."""
    if not somebody_looks():
        print("Run this cell in Jupyter: two sliders for the weights appear here.")
        return
    from ipywidgets import FloatSlider, interact

    def draw(now: float, before: float) -> None:
        figure, (left, right) = new_figure(columns=2, width=8.5, height=3.2)
        valley(left, x, y, marks=False).plot(now, before, "o", color=PINK, markersize=10)
        error = hand_made_against(right, x, y, now, before)
        low, high = right.get_ylim()
        right.set_ylim(low, high + 0.25 * (high - low))  # room for the legend
        right.legend(loc="upper center", ncols=2)
        show(figure, alt=f"Weights {now:g} and {before:g}: mean squared error {error:.2f}.")

    def slider(value: float, name: str) -> Any:
        return FloatSlider(value=value, min=-0.5, max=2.5, step=0.1, description=name)

    interact(draw, now=slider(1.8, "this step"), before=slider(0.0, "before"))


def hand_made_against(axes: Any, x: Array, y: Array, now: float, before: float) -> float:
    """Predictions of two weights and the best constant beside the targets; returns the error."""
    pred = hand_made(x, now, before)
    pred = pred + (y - pred).mean()
    targets_and_predictions(axes, y, {"prediction": pred})
    error = float(np.mean((pred - y) ** 2))
    axes.set_title(f"mean squared error {error:.2f}", loc="left")
    return error


def targets_and_predictions(axes: Any, y: Array, predictions: Mapping[str, Array]) -> Any:
    """The sequences side by side: targets as open circles, predictions as marked lines."""
    batch, time = np.shape(y)
    styles = ((ORANGE, "s", "--"), (GREEN, "^", "-"), (PINK, "D", ":"))
    for b in range(batch):
        places = np.arange(time) + b * (time + 0.8)
        for (name, pred), (colour, marker, style) in zip(predictions.items(), styles, strict=False):
            axes.plot(
                places, np.asarray(pred)[b], color=colour, marker=marker, linestyle=style,
                markersize=5, label=name if b == 0 else None,
            )  # fmt: skip
        axes.plot(
            places, y[b], "o", markersize=10, markerfacecolor="none", markeredgecolor=_DARK,
            label="target" if b == 0 else None,
        )  # fmt: skip
    ticks = [t + b * (time + 0.8) for b in range(batch) for t in range(time)]
    axes.set_xticks(ticks, [str(t) for _ in range(batch) for t in range(time)])
    axes.set(xlabel="time step, sequence after sequence")
    axes.legend()
    return axes


def training_curve(
    axes: Any, updates: Sequence[int], errors: Sequence[float], levels: Mapping[str, float]
) -> Any:
    """The error against the number of updates, with the baselines as horizontal lines."""
    axes.plot(updates, errors, color=BLUE, marker="o", markersize=3.5, label="the network")
    styles = ((GREY, ":"), (PINK, "-."), (ORANGE, "--"), (GREEN, "-"), (_DARK, (0, (6, 1, 1, 1))))
    end = max([*updates, 1])
    for (name, level), (colour, style) in zip(levels.items(), styles, strict=False):
        axes.plot([0, end], [level, level], color=colour, linestyle=style, linewidth=1.5)
        axes.text(end * 1.02, level, f"{name} {level:.3g}", va="center", fontsize=9, color=_DARK)
    axes.set_yscale("log")
    axes.set(xlabel="updates", ylabel="error on fresh sequences", xlim=(0, end * 1.45))
    return axes


class TrainingView:
    """A picture that is drawn anew while a training goes on; without a screen, its last state.

    Args:
        error: measures the network as it is now.
        levels: the baselines to draw.
        every: updates between two measurements.
        redraw: measurements between two pictures.

    >>> view = TrainingView(lambda: 1.0, {}, every=2)
    >>> for _ in range(4):
    ...     view.before_update()
    >>> view.updates
    [0, 2]
    """

    def __init__(
        self,
        error: Callable[[], float],
        levels: Mapping[str, float],
        every: int = 5,
        redraw: int = 4,
    ) -> None:
        self._error, self._levels = error, levels
        self._every, self._redraw = every, redraw
        self._made = 0
        self._picture: Any = None
        self.updates: list[int] = []
        self.errors: list[float] = []

    def before_update(self) -> None:
        """To be called before each update, for example when a batch is drawn."""
        if self._made % self._every == 0:
            self._measure()
            if len(self.updates) % self._redraw == 2 and somebody_looks():
                self._draw("The training so far.")
        self._made += 1

    def end(self, alt: str) -> None:
        """Measure once more and draw the whole curve, with alternative text."""
        self._measure()
        self._draw(alt)

    def _measure(self) -> None:
        self.updates.append(self._made)
        self.errors.append(self._error())

    def _draw(self, alt: str) -> None:
        from IPython.display import Image, display

        figure, axes = new_figure(height=3.4)
        training_curve(axes, self.updates, self.errors, self._levels)
        image = Image(data=png(figure), format="png", alt=alt)
        if self._picture is None:
            self._picture = display(image, display_id=True)
        else:
            self._picture.update(image)


def influence(axes: Any, table: Array, title: str = "") -> Any:
    """How much each prediction (row) changes with each input (column), `(T, T)`."""
    axes.imshow(table, cmap="PuOr", vmin=-1.8, vmax=1.8)
    for row, column in np.ndindex(table.shape):
        value = table[row, column] + 0.0
        written = "" if column > row else f"{value:.1f}".replace("-0.0", "0.0")
        axes.text(column, row, written, ha="center", va="center", fontsize=9, color=_DARK)
    axes.set_xticks(range(len(table)))
    axes.set_yticks(range(len(table)))
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.set(xlabel="input at step", ylabel="prediction at step")
    axes.set_title(title, loc="left")
    return axes


def error_by_step(axes: Any, errors: Array, trained: int, levels: Mapping[str, float]) -> Any:
    """The error at each time step, with the steps beyond the trained length shaded."""
    steps = np.arange(len(errors))
    axes.axvspan(
        trained - 0.5, len(errors) - 0.5, facecolor="#eeeeee", edgecolor="#cccccc", hatch="/"
    )
    axes.plot(steps, errors, color=BLUE, marker="o")
    for (name, level), style in zip(levels.items(), ("--", ":"), strict=False):
        axes.axhline(level, color=ORANGE, linestyle=style, linewidth=1.5)
        axes.text(0, level * 0.96, name, va="top", fontsize=9, color=_DARK, bbox=_LABEL_BOX)
    axes.text(
        (trained + len(errors)) / 2 - 0.5, 0.03, "never trained on", ha="center", va="bottom",
        transform=axes.get_xaxis_transform(), bbox=_LABEL_BOX,
    )  # fmt: skip
    axes.set(xlabel="time step", ylabel="mean squared error", xlim=(-0.5, len(errors) - 0.5))
    return axes
