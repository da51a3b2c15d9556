"""Figures of N08: an echo, what crosses a window's edge, and a training to watch while it runs."""

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
    png,
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


def draw_echo(axes: Any, x: Array, y: Array, delay: int, *, window: int = 0) -> Any:
    """A row of bits above its labels; arrows from a bit to its echo, unknowable labels hatched.

    Args:
        axes: to draw on.
        x: bits, `(length,)`.
        y: labels, `(length,)`.
        delay: from a bit to its echo.
        window: columns of a window, whose edges are drawn; a label whose bit lies in the window
            before is hatched. 0 for no windows.

    >>> axes = draw_echo(new_figure()[1], np.array([1, 0]), np.array([0, 1]), 1)
    >>> [text.get_text() for text in axes.texts if text.get_text()]
    ['1', '0', '0', '1']
    """
    from matplotlib.patches import Rectangle

    for row, bits in ((1.0, x), (0.0, y)):
        for t, bit in enumerate(bits):
            guess = bool(window) and row == 0.0 and t >= delay and t % window < delay
            axes.add_patch(
                Rectangle(
                    (t - 0.42, row - 0.3), 0.84, 0.6, facecolor=SKY if bit else "white",
                    edgecolor=ORANGE if guess else GREY, hatch="////" if guess else None,
                    linewidth=1.2,
                )
            )  # fmt: skip
            axes.text(
                t, row, str(int(bit)), ha="center", va="center", color=_DARK, fontsize=9,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8} if guess else None,
            )  # fmt: skip
    for t in range(delay, len(x)):
        crosses = bool(window) and t % window < delay
        axes.annotate(
            "", xy=(t, 0.31), xytext=(t - delay, 0.69),
            arrowprops={"arrowstyle": "->", "color": ORANGE if crosses else "#bbbbbb",
                        "linestyle": "--" if crosses else "-", "linewidth": 1.4 if crosses else 0.9},
        )  # fmt: skip
    for edge in range(window, len(x), window) if window else ():
        axes.axvline(edge - 0.5, color=_DARK, linewidth=1.6)
    axes.set(xlim=(-0.6, len(x) - 0.4), ylim=(-0.45, 1.45))
    axes.set_yticks([0, 1], ["label y", "bit x"])
    axes.set_xticks(range(0, len(x), 5 if len(x) > 10 else 1))
    axes.set_xlabel("time step")
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    return axes


def draw_edges(axes: Any) -> Any:
    """Three windows of a network: the state goes on across the edges, the gradient does not."""
    from matplotlib.patches import FancyBboxPatch

    gap, width = 2.2, 4
    for window in range(3):
        left = window * (width + gap)
        axes.add_patch(
            FancyBboxPatch(
                (left - 0.65, -0.75), width + 0.3, 3.1, boxstyle="round,pad=0.05",
                facecolor="none", edgecolor=GREY, linestyle=":", linewidth=1.3,
            )
        )  # fmt: skip
        axes.text(left - 0.6, 2.52, f"window {window}", fontsize=10, color=_DARK)
        for step in range(width):
            _step(axes, left + step)
            if step:
                _arrow(axes, (left + step - 0.62, 1.0), (left + step - 0.32, 1.0), BLUE)
                _arrow(axes, (left + step - 0.35, 0.72), (left + step - 0.65, 0.72), ORANGE, "--")
        if window:
            middle = left - gap / 2 - 0.5
            _arrow(axes, (left - gap - 0.55, 1.0), (left - 0.35, 1.0), BLUE, width=2.2)
            axes.text(middle, 1.12, "c and h", ha="center", fontsize=9, color=_DARK)
            _arrow(axes, (left - 0.35, 0.72), (left - 1.05, 0.72), ORANGE, "--")
            axes.text(left - 1.2, 0.59, "✗", ha="center", fontsize=12, color=ORANGE)
    handles = [
        axes.plot([], [], color=BLUE, linewidth=2)[0],
        axes.plot([], [], color=ORANGE, linewidth=2, linestyle="--")[0],
    ]
    axes.legend(
        handles,
        ["state, going forward: crosses", "gradient, going back: stops (✗)"],
        loc="lower center", ncols=2, bbox_to_anchor=(0.5, -0.16),
    )  # fmt: skip
    axes.set(xlim=(-1.0, 3 * width + 2 * gap - 0.2), ylim=(-1.0, 3.0))
    axes.set_axis_off()
    return axes


def _step(axes: Any, x: float) -> None:
    """One step of the network with its input below and its loss above."""
    axes.text(
        x, 0.86, "cell", ha="center", va="center", fontsize=8, color=_DARK, zorder=4,
        bbox={"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": BLUE},
    )  # fmt: skip
    _arrow(axes, (x, -0.25), (x, 0.5), GREY)
    _arrow(axes, (x, 1.22), (x, 1.8), GREY)
    axes.text(x, -0.45, "x", ha="center", va="center", fontsize=9, color=_DARK)
    axes.text(x, 2.0, "loss", ha="center", va="center", fontsize=8, color=_DARK)


def _arrow(
    axes: Any,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str,
    style: str = "-",
    width: float = 1.3,
) -> None:
    axes.annotate(
        "", xy=end, xytext=start,
        arrowprops={"arrowstyle": "->", "color": colour, "linestyle": style, "linewidth": width,
                    "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip


def draw_losses(axes: Any, losses: Mapping[str, Array], *, floor: float, smooth: int = 20) -> Any:
    """Loss against windows trained on, each curve a running mean, on a logarithmic axis.

    Args:
        axes: to draw on.
        losses: by name, one loss a window.
        floor: the lowest loss without carrying, drawn as a level.
        smooth: how many losses a mean is taken over.
    """
    for look, (name, values) in zip(_LOOKS, losses.items(), strict=False):
        means = np.convolve(values, np.ones(smooth) / smooth, mode="valid")
        places = np.arange(smooth, smooth + len(means))
        axes.plot(places, means, label=name, markevery=max(len(means) // 8, 1), **look)
    levels = ((np.log(2), "ln 2: guessing", 3), (floor, "floor without carrying", -12))
    for level, name, offset in levels:
        axes.axhline(level, color=GREY, linestyle=(0, (1, 2)))
        axes.annotate(
            f"{name}, {level:.3f}", (1.0, level), xycoords=("axes fraction", "data"), fontsize=9,
            xytext=(0, offset), textcoords="offset points", ha="right", color=_DARK,
        )  # fmt: skip
    axes.set_yscale("log")
    axes.set_yticks([1, 0.1, 0.01, 0.001], ["1", "0.1", "0.01", "0.001"])
    axes.set(xlabel="windows trained on", ylabel="loss (nats a label)", ylim=(5e-4, 1.3))
    axes.legend(loc="lower left")
    return axes


def draw_places(axes: Any, accuracy: Mapping[str, Array]) -> Any:
    """Share of right answers at each place in a window, a curve a name; one half is marked."""
    for look, (name, values) in zip(_LOOKS, accuracy.items(), strict=False):
        axes.plot(range(len(values)), values, label=name, **look)
    axes.axhline(0.5, color=GREY, linestyle=(0, (1, 2)))
    axes.annotate(
        "tossing a coin", (1.0, 0.5), xycoords=("axes fraction", "data"), fontsize=9,
        xytext=(0, 3), textcoords="offset points", ha="right", color=_DARK,
    )  # fmt: skip
    longest = max(len(values) for values in accuracy.values())
    axes.set_xticks(range(longest))
    axes.set(xlabel="place in the window", ylabel="share of right answers", ylim=(0.4, 1.05))
    axes.legend(loc="center right")
    return axes


def draw_against_window(
    axes: Any,
    floor: Sequence[float],
    measured: Mapping[str, tuple[Sequence[int], Sequence[float]]],
    delay: int,
) -> Any:
    """Loss against window length: the floor without carrying as a curve, measurements as points.

    Args:
        axes: to draw on.
        floor: lowest losses without carrying for T = 1, 2, 3, and so on.
        measured: by name, window lengths and the losses reached with them.
        delay: of the echo.
    """
    axes.plot(range(1, len(floor) + 1), floor, color=GREY, label="floor without carrying (theory)")
    for look, (name, (places, values)) in zip(_LOOKS, measured.items(), strict=False):
        style = {**look, "linestyle": look["linestyle"] if name == "carried" else "none"}
        axes.plot(places, values, label=name, **style)
    axes.axvspan(0, delay + 0.5, color=PINK, alpha=0.15)
    axes.text(0.2, 0.25, "no window\nholds a bit\nand its echo", fontsize=8.5, color=_DARK)
    axes.set(xlabel="columns of a window, T", ylabel="loss (nats a label)")
    axes.set(xlim=(0, len(floor) + 1), ylim=(-0.02, 0.78))
    axes.legend(loc="upper right")
    return axes


def window_slider(x: Array, y: Array, delay: int) -> None:
    """A slider for the window length, and which labels it makes unknowable without carrying.

    Where a notebook is run with nobody at the screen there is nothing to slide: a line says so.
    """
    if not somebody_looks():
        print("Run this cell in Jupyter: a slider for the length of a window appears here.")
        return
    from ipywidgets import IntSlider, interact

    def draw(T: int) -> None:
        figure, axes = new_figure(height=1.9, width=9.0)
        draw_echo(axes, x, y, delay, window=T)
        share = min(delay, T) / T
        axes.set_title(f"T = {T}: of a long series, {share:.0%} of the labels are guesses")
        show(figure, alt=f"Bits and labels cut into windows of {T}; {share:.0%} are guesses.")

    interact(draw, T=IntSlider(value=5, min=1, max=len(x), description="window T"))


def draw_training(
    axes: Sequence[Any], losses: Sequence[float], x: Array, y: Array, predicted: Array
) -> Sequence[Any]:
    """The loss so far, and for each row of a window its bits, labels and answers, as the tutorial
    draws them.

    Args:
        axes: one more than there are rows to be shown.
        losses: one a window, up to now.
        x: bits, `(B, T)`.
        y: labels, `(B, T)`.
        predicted: answers, 0 or 1, `(B, T)`.
    """
    first, *others = axes
    first.plot(losses, color=BLUE, linewidth=1.2)
    first.set(ylim=(0, 0.8), xlabel="window", title=f"loss after {len(losses)} windows")
    for row, panel in enumerate(others):
        wrong = int(np.sum(predicted[row] != y[row]))
        places = np.arange(x.shape[1])
        layers = (("bit", x, 2.2, SKY), ("label", y, 1.1, GREY), ("answer", predicted, 0.0, GREEN))
        for _, bits, base, colour in layers:
            panel.bar(places, 0.8 * bits[row], bottom=base, color=colour, width=0.9)
        missed = places[predicted[row] != y[row]]
        panel.plot(missed, np.full(len(missed), 0.4), "x", color=ORANGE, markersize=6)
        panel.set_yticks([0.4, 1.5, 2.6], [name for name, *_ in layers[::-1]])
        panel.set(title=f"row {row}: {wrong} wrong", ylim=(-0.1, 3.1), xticks=[])
        panel.grid(visible=False)
    return axes


class Watched:
    """A model that shows how its training goes, every few updates, in one picture that changes.

    It passes everything on to the model, so any loop that trains the model trains it. Without a
    screen it draws all the same, and what a notebook keeps is the last picture.

    Args:
        model: has `zero_state`, `loss`, `update`, `predict` and `trainable_variables`.
        every: updates between two pictures.
        rows: how many rows of a window are shown.
    """

    def __init__(self, model: Any, every: int = 80, rows: int = 5):
        self.model, self.every, self.rows = model, every, rows
        self.losses: list[float] = []
        self.pictures = 0
        self._handle: Any = None
        self._window: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def __call__(self, x: Any, state: Any) -> tuple[Any, Any]:
        """The model's logits and state."""
        logits, after = self.model.predict(x, state)
        return logits, after

    def loss(self, x: Any, y: Any, state: Any) -> tuple[Any, Any]:
        """The model's loss; the window is kept for the picture."""
        loss, after = self.model.loss(x, y, state)
        self._window = (x, y, state)
        self.losses.append(float(loss))
        return loss, after

    def update(self, gradients: Any) -> None:
        """The model's update, and now and then a picture."""
        self.model.update(gradients)
        if len(self.losses) % self.every == 0:
            self.draw()

    def draw(self) -> Any:
        """Draw the state of things and show it in the place of the last picture."""
        x, y, state = self._window
        logits, _ = self.model.predict(x, state)
        predicted = np.argmax(np.asarray(logits), axis=2)
        figure, axes = new_figure(2, 3, width=9.0, height=4.2)
        shown = list(np.ravel(axes))[: self.rows + 1]
        draw_training(shown, self.losses, np.asarray(x), np.asarray(y), predicted)
        self.pictures += 1
        self._show(figure)
        return figure

    def _show(self, figure: Any) -> None:
        from IPython import get_ipython
        from IPython.display import Image, display

        if get_ipython() is None:
            return
        alt = (
            f"Loss after {len(self.losses)} windows: {np.mean(self.losses[-20:]):.2f}; bits, labels "
            "and answers of each row as bars, wrong answers marked with a cross."
        )
        image = Image(data=png(figure), format="png", alt=alt)
        if self._handle is None:
            self._handle = display(image, display_id="watched")
        else:
            self._handle.update(image)
