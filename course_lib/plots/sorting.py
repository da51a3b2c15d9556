"""Figures of N12: what a decoder reads, how four of them learn to sort, and a box to type numbers into."""

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
    {"color": GREY, "marker": "x", "linestyle": ":"},
    {"color": ORANGE, "marker": "s", "linestyle": "--"},
    {"color": BLUE, "marker": "o", "linestyle": "-"},
    {"color": GREEN, "marker": "^", "linestyle": "-."},
    {"color": PINK, "marker": "D", "linestyle": ":"},
)


def _box(axes: Any, x: float, y: float, text: str, colour: str) -> None:
    axes.text(
        x, y, text, ha="center", va="center", fontsize=11, color=_DARK,
        bbox={"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": colour},
    )  # fmt: skip


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], **look: Any) -> None:
    axes.annotate(
        "", xy=end, xytext=start,
        arrowprops={"arrowstyle": "->", "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0, **look},
    )  # fmt: skip


def draw_sorter(
    axes: Any,
    x: Sequence[int],
    shown: Sequence[str],
    said: Sequence[str],
    *,
    fed_back: bool = False,
    state: bool = True,
) -> Any:
    """An encoder that reads `x`, and a decoder that is shown one token and says one at each step.

    Args:
        axes: to draw on.
        x: what the encoder reads.
        shown: what the decoder reads, as words.
        said: what the decoder says, as words.
        fed_back: whether each said token becomes the next one shown; arrows say so.
        state: whether an arrow leads from the encoder to the decoder.

    >>> axes = draw_sorter(new_figure()[1], [5, 2], ["GO", "2"], ["2", "5"])
    >>> [text.get_text() for text in axes.texts].count("dec")
    2
    """
    gap = len(x) + 0.6
    for place, (count, name, colour) in enumerate(
        ((len(x), "enc", BLUE), (len(shown), "dec", ORANGE))
    ):
        for t in range(count):
            at = t + place * gap
            _box(axes, at, 0, name, colour)
            if t:
                _arrow(axes, (at - 0.77, 0), (at - 0.23, 0), color=colour)
            _arrow(axes, (at, -0.75), (at, -0.27), color=GREY)
    for t, token in enumerate(x):
        axes.text(t, -0.95, str(token), ha="center", va="center", fontsize=11, color=_DARK)
    for t, (before, after) in enumerate(zip(shown, said, strict=True)):
        axes.text(t + gap, -0.95, before, ha="center", va="center", fontsize=11, color=_DARK)
        _arrow(axes, (t + gap, 0.27), (t + gap, 0.75), color=GREY)
        axes.text(t + gap, 0.95, after, ha="center", va="center", fontsize=11, color=_DARK)
        if fed_back and t:
            _arrow(
                axes, (t + gap - 0.82, 0.9), (t + gap - 0.2, -0.9), color=GREEN, linestyle="--"
            )  # fmt: skip
    if state:
        _arrow(axes, (len(x) - 0.77, 0), (gap - 0.23, 0), color=_DARK, linewidth=2.4)
        axes.text((len(x) - 1 + gap) / 2, 0.22, "state", ha="center", fontsize=9, color=_DARK)
    axes.set(xlim=(-0.6, gap + len(shown) - 0.4), ylim=(-1.25, 1.25))
    axes.set_axis_off()
    return axes


def draw_courses(axes: Any, courses: Mapping[str, Any]) -> Any:
    """Exact match over training, one curve a decoder.

    Args:
        axes: to draw on.
        courses: a name and a `Course` for each.
    """
    for look, (name, course) in zip(_LOOKS, courses.items(), strict=False):
        axes.plot(course.updates, course.exact, label=name, markersize=5, **look)
    axes.set(
        xlabel="updates", ylabel="exact match", ylim=(-0.03, 1.03),
        title="Fresh sequences without a mistake",
    )  # fmt: skip
    axes.legend(loc="upper left", fontsize=9)
    return axes


def draw_errors(axes: Any, courses: Mapping[str, Any]) -> Any:
    """The share of wrong tokens at each position, one curve a decoder."""
    for look, (name, course) in zip(_LOOKS, courses.items(), strict=False):
        axes.plot(np.arange(1, len(course.errors) + 1), course.errors, label=name, **look)
    axes.set(
        xlabel="position, the smallest token first", ylabel="share of wrong tokens",
        ylim=(-0.03, 1.03), title="Errors by position",
    )  # fmt: skip
    axes.legend(loc="center", fontsize=9)
    return axes


def draw_lengths(
    axes: Any, lengths: Sequence[int], exact: Sequence[float], trained: tuple[int, int]
) -> Any:
    """Exact match against the length of the sequence; what was trained is shaded.

    Args:
        axes: to draw on.
        lengths: of the sequences.
        exact: the share that is right, one a length.
        trained: the shortest and the longest length of the training.
    """
    shortest, longest = trained
    axes.axvspan(shortest - 0.5, longest + 0.5, color=SKY, alpha=0.2)
    axes.text(longest + 0.3, 0.05, "seen in training ", ha="right", fontsize=9, color=_DARK)
    axes.text(longest + 0.7, 0.05, "never seen", ha="left", fontsize=9, color=_DARK)
    axes.plot(lengths, exact, **_LOOKS[2])
    axes.set(
        xlabel="numbers in a sequence", ylabel="exact match", ylim=(-0.03, 1.05),
        xlim=(min(lengths) - 0.5, max(lengths) + 0.5), xticks=list(lengths),
    )  # fmt: skip
    return axes


def draw_teaching(axes: Any, curves: Mapping[str, tuple[Array, Array]]) -> Any:
    """For each way of teaching the loss over training on the left, and what it is worth on the right.

    Args:
        axes: two panels.
        curves: a name, losses (one an update), and `(updates, exact match)` in two rows.
    """
    left, right = axes
    for look, (name, (losses, exact)) in zip(_LOOKS[1:], curves.items(), strict=False):
        line = {**look, "marker": ""}
        left.plot(np.arange(1, len(losses) + 1), np.maximum(losses, 1e-6), label=name, **line)
        right.plot(exact[0], exact[1], label=name, **look)
    left.set(yscale="log", xlabel="updates", ylabel="nats a token", title="Loss while it is taught")
    right.set(
        xlabel="updates", ylabel="exact match", ylim=(-0.03, 1.03), title="When it writes alone"
    )
    left.legend(fontsize=9)
    return axes


def draw_written(axes: Any, x: Sequence[int], p: Array) -> Any:
    """How likely each token was at each step of a decoder that wrote alone; its choice is framed.

    Args:
        axes: to draw on.
        x: what was to be sorted.
        p: probabilities, `(T, V)`.
    """
    from matplotlib.patches import Rectangle

    written, target = np.argmax(p, axis=1), np.sort(x)
    axes.imshow(p.T, aspect="auto", origin="lower", cmap="Blues", vmin=0, vmax=1)
    for t, token in enumerate(written):
        good = t < len(target) and token == target[t]
        axes.add_patch(
            Rectangle(
                (t - 0.5, token - 0.5), 1, 1, fill=False, linewidth=2,
                edgecolor=GREEN if good else ORANGE,
            )
        )  # fmt: skip
        if not good:
            axes.text(t, token, "x", ha="center", va="center", fontsize=11, color=ORANGE)
    right = bool(np.array_equal(written, target))
    axes.set(
        xticks=range(len(written)), xlabel="what the decoder writes, step by step",
        ylabel="token", yticks=range(0, p.shape[1], max(1, p.shape[1] // 5)),
        title=f"{' '.join(map(str, x))}   sorted by the network: "
        f"{'right' if right else 'with a mistake'}",
    )  # fmt: skip
    axes.set_xticklabels([str(token) for token in written])
    axes.grid(visible=False)
    return axes


def draw_beams(axes: Any, words: Sequence[str], p: Mapping[str, float], kept: set[str]) -> Any:
    """A tree of beginnings with their probabilities; those that a beam keeps have a bold frame.

    Args:
        axes: to draw on.
        words: the vocabulary, one letter each.
        p: the probability of every beginning of one or two letters.
        kept: the beginnings that are kept.
    """
    count = len(words)
    spots = {"": (0.0, (count * count - 1) / 2)}
    for n, first in enumerate(words):
        spots[first] = (1.0, (count - 1 - n) * count + (count - 1) / 2)
        for k, second in enumerate(words):
            spots[first + second] = (2.0, (count - 1 - n) * count + count - 1 - k)
    for name, (x, y) in spots.items():
        bold = name in kept
        text = f"{name}   {p[name]:.2f}" if name else "GO"
        axes.text(
            x, y, text, ha="center", va="center", fontsize=10, color=_DARK if bold else GREY,
            bbox={
                "boxstyle": "round,pad=0.35", "facecolor": "white", "linewidth": 2.2 if bold else 0.8,
                "edgecolor": BLUE if bold else GREY, "linestyle": "-" if bold else ":",
            },
        )  # fmt: skip
        if name:
            before = spots[name[:-1]]
            _arrow(
                axes, (before[0] + 0.2, before[1]), (x - 0.22, y), color=BLUE if bold else GREY,
                linestyle="-" if bold else ":",
            )  # fmt: skip
    axes.set(xlim=(-0.3, 2.4), ylim=(-0.7, count * count - 0.3))
    axes.set_axis_off()
    return axes


def numbers_in(text: str, vocabulary: int, most: int) -> list[int] | str:
    """The numbers that somebody has typed, or a sentence that says what is wrong with them.

    >>> numbers_in("3, 1 2", 20, 15)
    [3, 1, 2]
    >>> numbers_in("3 x", 20, 15)
    '“x” is no whole number.'
    >>> numbers_in("20", 20, 15)
    '20 is not between 0 and 19; the network knows no other numbers.'
    """
    found = []
    for word in text.replace(",", " ").replace(";", " ").split():
        if not (word.isascii() and word.isdigit()):
            return f"“{word}” is no whole number."
        if int(word) >= vocabulary:
            return (
                f"{int(word)} is not between 0 and {vocabulary - 1}; the network knows no other "
                "numbers."
            )
        found.append(int(word))
    if not found:
        return f"Type a few numbers between 0 and {vocabulary - 1}."
    if len(found) > most:
        return f"{len(found)} numbers are too many for this picture; type at most {most}."
    return found


def typing_box(
    probabilities: Callable[[Sequence[int]], Array], vocabulary: int, first: str, most: int = 18
) -> None:
    """A line to type numbers into, above a picture of how the network sorts them.

    Where a notebook is run with nobody at the screen there is nobody to type: a line says so.

    Args:
        probabilities: numbers to the probabilities of each step, `(T, V)`.
        vocabulary: V.
        first: what stands in the line at first.
        most: how many numbers are taken.
    """
    if not somebody_looks():
        print("Run this cell in Jupyter: a line appears here, to type your own numbers into.")
        return
    import ipywidgets as widgets
    from IPython.display import display

    line = widgets.Text(
        value=first, description="numbers", continuous_update=False,
        layout=widgets.Layout(width="32em"),
    )  # fmt: skip
    said = widgets.Label("Press Enter to have them sorted.")
    picture = widgets.Image(format="png")

    def draw(_: Any = None) -> None:
        x = numbers_in(line.value, vocabulary, most)
        if isinstance(x, str):
            said.value = x
            return
        p = probabilities(x)
        said.value = "written: " + " ".join(str(token) for token in np.argmax(p, axis=1))
        figure, axes = new_figure(height=3.4, width=7.5)
        draw_written(axes, x, p)
        picture.value = png(figure)

    line.observe(draw, names="value")
    draw()
    display(widgets.VBox([line, said, picture]))


def _empty(names: Sequence[str]) -> dict[str, tuple[list[int], list[float]]]:
    return {name: ([], []) for name in names}


class Watched:
    """A live picture of a training: call it with the updates and the exact match so far.

    Without a screen it does nothing: what stays in a notebook is the figure after the training.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names, self.seen = list(names), _empty(names)
        self._handle: Any = None

    def of(self, name: str) -> Callable[[int, float], None]:
        """What `follow` calls for the decoder of this name."""

        def look(updates: int, exact: float) -> None:
            self.seen[name][0].append(updates)
            self.seen[name][1].append(exact)
            self.draw()

        return look

    def draw(self) -> None:
        """Show the curves so far, in the place of the last picture."""
        if not somebody_looks():
            return
        from IPython.display import Image, display

        figure, axes = new_figure(height=3.0)
        for look, name in zip(_LOOKS, self.names, strict=False):
            axes.plot(*self.seen[name], label=name, **look)
        axes.set(xlabel="updates", ylabel="exact match", ylim=(-0.03, 1.03))
        axes.legend(loc="upper left", fontsize=9)
        image = Image(data=png(figure), format="png", alt="Exact match over the training so far.")
        if self._handle is None:
            self._handle = display(image, display_id=True)
        else:
            self._handle.update(image)
