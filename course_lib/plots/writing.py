"""Figures of N11: rows and windows of a text, surprise, temperature, and a model that writes.

What they draw is computed elsewhere: nothing here turns logits into probabilities.
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


def visible(text: str) -> str:
    """A text in one line: a line end becomes ⏎, a space a visible one.

    >>> visible("A B\\n")
    'A␣B⏎'
    """
    return text.replace("\n", "⏎").replace(" ", "␣")


def draw_windows(axes: Any, windows: Sequence[tuple[Sequence[str], Sequence[str]]]) -> Any:
    """Windows of a text side by side: each row's characters, and their targets in small below.

    Args:
        axes: to draw on.
        windows: pairs of inputs and targets, one string a row each.

    >>> axes = draw_windows(new_figure()[1], [(["AB", "EF"], ["BC", "FG"])])
    >>> [text.get_text() for text in axes.texts][:4]
    ['window 0', 'A', 'B', 'B']
    """
    left, rows = 0.0, len(windows[0][0])
    for number, (inputs, targets) in enumerate(windows):
        width = len(inputs[0])
        axes.text(
            left + (width - 1) / 2, -0.75, f"window {number}", ha="center", va="bottom", fontsize=10
        )
        for row, (line, after) in enumerate(zip(inputs, targets, strict=True)):
            for t, (character, target) in enumerate(zip(line, after, strict=True)):
                _box(axes, left + t, row, visible(character), SKY)
                axes.text(
                    left + t, row + 0.42, visible(target), ha="center", va="center", fontsize=8,
                    color=ORANGE, fontweight="bold",
                )  # fmt: skip
            if number:
                axes.annotate(
                    "", xy=(left - 0.45, row), xytext=(left - 1.15, row),
                    arrowprops={"arrowstyle": "->", "color": BLUE, "linewidth": 1.8},
                )  # fmt: skip
        left += width + 0.6
    axes.set(xlim=(-0.7, left - 0.9), ylim=(rows - 0.25, -1.05))
    axes.set_yticks(range(rows), [f"row {row}" for row in range(rows)])
    axes.set_xticks([])
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    return axes


def _box(axes: Any, x: float, y: float, character: str, colour: str) -> None:
    axes.text(
        x, y, character, ha="center", va="center", fontsize=10, color=_DARK, family="DejaVu Sans Mono",
        bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": colour},
    )  # fmt: skip


def draw_loop(axes: Any, prime: str, written: str) -> Any:
    """A model that reads its prime and then what it has written, unrolled in time.

    Args:
        axes: to draw on.
        prime: characters that are given.
        written: characters that are drawn.

    >>> axes = draw_loop(new_figure()[1], "AB", "CD")
    >>> sum(text.get_text() == "step" for text in axes.texts)
    3
    """
    read = prime + written[:-1]
    for t, character in enumerate(read):
        given = t < len(prime)
        axes.text(
            t, 1, "step", ha="center", va="center", fontsize=9, color=_DARK,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": BLUE},
        )  # fmt: skip
        _box(axes, t, 0, visible(character), GREY if given else ORANGE)
        _arrow(axes, (t, 0.2), (t, 0.78), GREY)
        _arrow(axes, (t - 0.72, 1), (t - 0.28, 1), BLUE)
        if t < len(prime) - 1:
            axes.text(t, 1.75, "logits,\nnot used", ha="center", fontsize=8, color=GREY)
            continue
        drawn = written[t - len(prime) + 1]
        _arrow(axes, (t, 1.22), (t, 1.82), GREY)
        axes.text(t + 0.06, 1.5, "draw", fontsize=8, color=_DARK, va="center")
        _box(axes, t, 2, visible(drawn), ORANGE)
        if t + 1 < len(read):
            axes.annotate(
                "", xy=(t + 1 - 0.16, 0.1), xytext=(t + 0.2, 1.9),
                arrowprops={"arrowstyle": "->", "color": ORANGE, "linestyle": "--",
                            "linewidth": 1.4},
            )  # fmt: skip
    axes.text(-0.78, 1.12, "state", fontsize=8, color=BLUE, ha="center")
    axes.text((len(prime) - 1) / 2, -0.45, "the prime: given", ha="center", fontsize=9, color=_DARK)
    if len(written) > 1:
        middle = len(prime) + (len(written) - 2) / 2
        axes.text(middle, -0.45, "read back: what was drawn", ha="center", fontsize=9, color=_DARK)
    axes.set(xlim=(-1.1, len(read) - 0.4), ylim=(-0.7, 2.4))
    axes.set_axis_off()
    return axes


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    axes.annotate(
        "", xy=end, xytext=start,
        arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.3, "shrinkA": 0,
                    "shrinkB": 0},
    )  # fmt: skip


def draw_baselines(axes: Any, bits: Mapping[str, float]) -> Any:
    """A bar for each way to predict the next character, with what it costs."""
    names = list(bits)
    axes.barh(range(len(names)), list(bits.values()), color=SKY, edgecolor=BLUE)
    for place, value in enumerate(bits.values()):
        axes.text(value + 0.05, place, f"{value:.2f}", va="center", fontsize=9)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(xlabel="bits per character, on names held back", xlim=(0, 1.1 * max(bits.values())))
    axes.grid(visible=False, axis="y")
    return axes


def draw_surprise(axes: Any, line: str, bits: Array) -> Any:
    """What each character of a line cost, its end included, as bars above the characters."""
    shown = visible(line + "\n")
    high = bits >= 2
    colours = [ORANGE if large else SKY for large in high]
    bars = axes.bar(range(len(shown)), bits, color=colours, edgecolor=GREY, linewidth=0.6)
    for place, (bar, large) in enumerate(zip(bars, high, strict=True)):
        if large:
            bar.set_hatch("//")
            axes.text(place, bits[place] + 0.1, f"{bits[place]:.0f}", ha="center", fontsize=8)
    axes.set_xticks(range(len(shown)), list(shown), family="DejaVu Sans Mono")
    axes.set(ylabel="bits", xlim=(-0.7, len(shown) - 0.3), ylim=(0, 1.18 * max(6.5, bits.max())))
    axes.set_title(f"{bits.sum():.0f} bits in all, {bits.mean():.1f} a character", fontsize=10)
    axes.grid(visible=False, axis="x")
    return axes


def draw_shares(axes: Sequence[Any], characters: str, shares: Mapping[float, Array]) -> Any:
    """How likely some characters are at several temperatures, a panel a temperature."""
    for panel, (temperature, values) in zip(axes, shares.items(), strict=True):
        panel.bar(range(len(characters)), values, color=SKY, edgecolor=BLUE)
        panel.set_xticks(
            range(len(characters)), list(visible(characters)), family="DejaVu Sans Mono"
        )
        panel.set_title(f"temperature {temperature:g}")
        panel.set_ylim(0, 1)
        panel.grid(visible=False, axis="x")
    axes[0].set_ylabel("probability")
    return axes


def draw_entropy(axes: Any, temperatures: Array, bits: Mapping[str, Array], most: float) -> Any:
    """How unsure a model is against the temperature, a curve for each beginning that it has read."""
    for look, (name, values) in zip(_LOOKS, bits.items(), strict=False):
        axes.plot(temperatures, values, label=name, markevery=6, **look)
    axes.axhline(most, color=GREY, linestyle=(0, (1, 2)))
    axes.text(temperatures[0], most - 0.12, "all symbols equally likely", va="top", fontsize=9)
    axes.axvline(1, color=GREY, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks([0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
    axes.set(xlabel="temperature", ylabel="entropy (bits)", ylim=(-0.1, most + 0.3))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=9)
    return axes


def draw_quality(axes: Any, temperatures: Sequence[float], shares: Mapping[str, Array]) -> Any:
    """What invented lines are like against the temperature, a curve a property."""
    for look, (name, values) in zip(_LOOKS, shares.items(), strict=False):
        axes.plot(temperatures, values, label=name, **look)
    axes.set(xlabel="temperature", ylabel="share", ylim=(-0.03, 1.05))
    axes.legend(loc="upper right", fontsize=9)
    return axes


def draw_lines(
    axes: Any, columns: Mapping[str, Sequence[str]], known: set[str], *, width: int = 30
) -> Any:
    """Invented lines in columns; a check mark stands before those that exist.

    Args:
        axes: to draw on.
        columns: lines by title.
        known: lines that exist.
        width: characters of a column; longer lines are cut.

    >>> axes = draw_lines(new_figure()[1], {"cold": ["RED CAT", "RED DOG"]}, {"RED CAT"})
    >>> [text.get_text() for text in axes.texts]
    ['cold', '✓ RED CAT', '  RED DOG']
    """
    for column, (title, lines) in enumerate(columns.items()):
        axes.text(column, 0.3, title, fontsize=10, fontweight="bold", color=_DARK)
        for row, line in enumerate(lines):
            exists = line in known
            short = line if len(line) <= width else line[: width - 1] + "…"
            axes.text(
                column, -row - 0.75, f"{'✓' if exists else ' '} {short}", fontsize=7.6,
                family="DejaVu Sans Mono", color=GREY if exists else _DARK,
            )  # fmt: skip
    most = max(len(lines) for lines in columns.values())
    axes.set(xlim=(0, len(columns)), ylim=(-most - 0.2, 0.8))
    axes.set_axis_off()
    return axes


def temperature_slider(invent: Callable[[float, str, int], Sequence[str]], known: set[str]) -> None:
    """A slider for the temperature, a field for the beginning, and what the model makes of them.

    Where a notebook is run with nobody at the screen there is nothing to slide: a line says so.

    Args:
        invent: `invent(temperature, prime, seed)` gives lines.
        known: lines that exist; they get a check mark.
    """
    if not somebody_looks():
        print("Run this cell in Jupyter: a slider for the temperature appears here.")
        return
    from ipywidgets import FloatSlider, IntSlider, Text, interact

    def write(temperature: float, prime: str, seed: int) -> None:
        try:
            lines = invent(temperature, prime.upper(), seed)
        except ValueError:
            print("Letters, digits, spaces and hyphens only: the model knows no other characters.")
            return
        print("\n".join(f"{'✓' if line in known else ' '} {line}" for line in lines))

    interact(
        write,
        temperature=FloatSlider(
            value=0.7,
            description="heat τ",
            min=0.1,
            max=2.0,
            step=0.1,
            continuous_update=False,
            readout_format=".1f",
        ),
        prime=Text(value="", description="begins with", continuous_update=False),
        seed=IntSlider(value=1, min=1, max=50, continuous_update=False),
    )


class LearningView:
    """How a model learns to write, in one picture that changes while it trains.

    Without a screen it draws all the same, and what a notebook keeps is the last picture.

    Args:
        levels: costs to beat, in bits, by name; drawn as lines.
        expected: how many updates there will be.
        every: updates between two pictures.

    >>> view = LearningView({"guessing": 5.3}, expected=3)
    >>> view.add(5.0)
    >>> view.sample("HELLO")
    >>> [text.get_text() for text in view.figure().axes[1].texts]
    ['   1  HELLO']
    """

    def __init__(self, levels: Mapping[str, float], expected: int, every: int = 60):
        self.levels, self.expected, self.every = levels, expected, every
        self.losses: list[float] = []
        self.samples: list[tuple[int, str]] = []
        self._handle: Any = None

    def add(self, bits: float) -> None:
        """Note the loss of an update, and draw now and then."""
        self.losses.append(bits)
        if len(self.losses) % self.every == 0:
            self.draw()

    def sample(self, line: str) -> None:
        """Note what the model writes at this point."""
        self.samples.append((len(self.losses), line))

    def figure(self) -> Any:
        """The loss so far beside the lines that were written on the way."""
        figure, (left, right) = new_figure(
            columns=2, width=9.4, height=3.4, gridspec_kw={"width_ratios": [1, 1.15]}
        )
        left.plot(range(1, len(self.losses) + 1), self.losses, color=BLUE, linewidth=0.9)
        for place, (name, level) in enumerate(self.levels.items()):
            left.axhline(level, color=GREY, linestyle=(0, (1, 2)))
            left.annotate(
                f"{name}, {level:.2f}", (1.0, level), xycoords=("axes fraction", "data"),
                fontsize=8, xytext=(0, -26 if place else 5), textcoords="offset points", ha="right",
                color=_DARK,
            )  # fmt: skip
        left.set(xlim=(0, self.expected), ylim=(0, 5.8), xlabel="updates")
        left.set_ylabel("bits per character")
        for row, (update, line) in enumerate(self.samples):
            right.text(0, -row, f"{update:4}  {line[:44]}", fontsize=8.5, family="DejaVu Sans Mono")
        right.set(xlim=(0, 1), ylim=(-max(len(self.samples), 8), 1))
        right.set_title("what it writes after so many updates")
        right.set_axis_off()
        return figure

    def draw(self) -> None:
        """Show the state of things in the place of the last picture."""
        from IPython import get_ipython
        from IPython.display import Image, display

        figure = self.figure()
        if get_ipython() is None:
            return
        last = self.samples[-1][1] if self.samples else ""
        alt = (
            f"Bits per character against updates, {np.mean(self.losses[-30:]):.1f} at the end, and "
            f"lines that the model wrote on the way, the last one being {last}."
        )
        image = Image(data=png(figure), format="png", alt=alt)
        if self._handle is None:
            self._handle = display(image, display_id="learning")
        else:
            self._handle.update(image)
