"""Figures of N13: looking back, masks, scales and scores, and pointers against the argsort.

What they draw is computed elsewhere: nothing here makes weights of scores or points at anything.
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
_LOOKS: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "marker": "o", "linestyle": "-"},
    {"color": ORANGE, "marker": "s", "linestyle": "--"},
    {"color": GREEN, "marker": "^", "linestyle": "-."},
    {"color": PINK, "marker": "D", "linestyle": ":"},
    {"color": SKY, "marker": "v", "linestyle": "-"},
)


def _box(axes: Any, x: float, y: float, text: str, colour: str) -> None:
    axes.text(
        x, y, text, ha="center", va="center", fontsize=10, color=_DARK,
        bbox={"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": colour},
    )  # fmt: skip


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], **look: Any) -> None:
    axes.annotate(
        "", xy=end, xytext=start,
        arrowprops={"arrowstyle": "->", "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0, **look},
    )  # fmt: skip


def draw_look_back(axes: Any, words: Sequence[str], weights: Sequence[float]) -> Any:
    """One query above the encoder's outputs; the thicker a line, the larger its weight.

    Args:
        axes: to draw on.
        words: what the encoder has read.
        weights: one a word; they sum to 1.

    >>> axes = draw_look_back(new_figure()[1], ["a", "b"], [0.25, 0.75])
    >>> [text.get_text() for text in axes.texts if "%" in text.get_text()]
    ['25 %', '75 %']
    """
    last = len(words) - 1
    for t, (word, weight) in enumerate(zip(words, weights, strict=True)):
        _box(axes, t, 0, "enc", BLUE)
        if t:
            _arrow(axes, (t - 0.76, 0), (t - 0.24, 0), color=BLUE)
        _arrow(axes, (t, -0.75), (t, -0.3), color=GREY)
        axes.text(t, -0.98, word, ha="center", va="center", fontsize=11, color=_DARK)
        middle = last / 2
        axes.plot([t, middle], [0.3, 1.72], color=GREEN, linewidth=0.6 + 9 * weight, alpha=0.75)
        side = -1 if t < middle else 1
        axes.text(
            t + (middle - t) * 0.3 + side * 0.14, 0.3 + 1.42 * 0.3, f"{100 * weight:.0f} %",
            ha="right" if side < 0 else "left", va="center", fontsize=9, color=_DARK,
        )  # fmt: skip
    _box(axes, last / 2, 2.0, "context", GREEN)
    _box(axes, last + 1.6, 0, "dec", ORANGE)
    _arrow(axes, (last + 0.24, 0), (last + 1.33, 0), color=_DARK)
    _arrow(axes, (last + 1.42, 0.3), (last / 2 + 0.42, 1.8), color=ORANGE, linestyle="--")
    axes.text(last + 0.5, 0.42, "query", ha="center", fontsize=10, color=_DARK)
    _arrow(
        axes, (last / 2 + 0.42, 2.1), (last + 1.65, 0.3), color=GREEN, linewidth=2,
        connectionstyle="arc3,rad=-0.3",
    )  # fmt: skip
    axes.text(last + 1.3, 1.75, "what is taken", fontsize=10, color=_DARK)
    axes.set(xlim=(-0.7, last + 2.1), ylim=(-1.25, 2.4))
    axes.set_axis_off()
    return axes


def draw_masking(
    panels: Any, names: Sequence[str], ways: Mapping[str, Sequence[float]], mask: Sequence[bool]
) -> Any:
    """The weights of a few keys by several ways of masking; padding is hatched.

    Args:
        panels: one axes a way.
        names: of the keys.
        ways: what each way is called, and its weights.
        mask: which keys are there.
    """
    for axes, (title, weights) in zip(panels, ways.items(), strict=True):
        for n, (weight, there) in enumerate(zip(weights, mask, strict=True)):
            axes.bar(
                n, weight, width=0.7, color=BLUE if there else "white", edgecolor=_DARK,
                hatch="" if there else "///",
            )  # fmt: skip
            axes.text(n, weight + 0.02, f"{weight:.2f}", ha="center", fontsize=9, color=_DARK)
        total = float(np.sum(np.array(weights)[np.array(mask)]))
        axes.set(
            title=f"{title}\nreal keys get {total:.2f}", ylim=(0, 1.05),
            xticks=range(len(names)), xticklabels=names,
        )  # fmt: skip
        axes.grid(visible=False)
    panels[0].set_ylabel("weight")
    return panels


def draw_scale(panels: Any, sizes: Sequence[int], curves: Mapping[str, Mapping[str, Any]]) -> Any:
    """What grows with the number of features: two panels, one curve a way of scoring.

    Args:
        panels: two axes.
        sizes: numbers of features.
        curves: a name, and for each panel's title one number a size.
    """
    for look, (name, of) in zip(_LOOKS, curves.items(), strict=False):
        for axes, (title, values) in zip(panels, of.items(), strict=True):
            axes.plot(sizes, values, label=name, **look)
            axes.set_xscale("log", base=2)
            axes.set_xticks(list(sizes), [str(size) for size in sizes])
            axes.minorticks_off()
            axes.set(title=title, xlabel="features of query and key")
            axes.set_ylim(bottom=0)
    panels[0].set_ylim(0, 1.05)
    panels[0].legend(fontsize=9)
    return panels


def draw_fits(panels: Any, numbers: Array, ways: Mapping[str, Mapping[str, Array]]) -> Any:
    """Scores against the number that a key holds, a curve for each query; its best place is marked.

    Args:
        panels: one axes a way of scoring.
        numbers: at which the scores are known.
        ways: a title, and the scores for each query's name.
    """
    for axes, (title, curves) in zip(panels, ways.items(), strict=True):
        for look, (name, scores) in zip(_LOOKS, curves.items(), strict=False):
            axes.plot(numbers, scores, label=name, **{**look, "marker": ""})
            best = int(np.argmax(scores))
            axes.plot(
                numbers[best],
                scores[best],
                color=look["color"],
                marker=look["marker"],
                markersize=9,
            )
        axes.set(title=title, xlabel="the number that the key holds")
    panels[0].set_ylabel("score")
    panels[0].legend(fontsize=8, title="query", title_fontsize=8)
    return panels


def draw_pointing(axes: Any, x: Sequence[float], weights: Array) -> Any:
    """The weights of every step of a pointer, and where the argsort points.

    Args:
        axes: to draw on.
        x: the numbers, `(N,)`.
        weights: `(steps, places)`, rows that sum to 1.

    >>> axes = draw_pointing(new_figure()[1], [0.5, 0.1], np.array([[0.9, 0.1], [0.8, 0.2]]))
    >>> [text.get_text() for text in axes.texts]  # the first step points at the wrong place
    ['x']
    """
    from matplotlib.patches import Circle

    wanted = np.argsort(x, kind="stable")
    axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for t, (row, place) in enumerate(zip(weights, wanted, strict=True)):
        axes.add_patch(Circle((place, t), 0.33, fill=False, edgecolor=ORANGE, linewidth=2))
        if np.argmax(row) != place:
            axes.text(np.argmax(row), t, "x", ha="center", va="center", fontsize=12, color=PINK)
    digits = 2 if np.allclose(x, np.round(x, 2)) else 3
    axes.set_xticks(range(len(x)), [f"{number:.{digits}f}" for number in x])
    axes.set_yticks(range(len(x)), [str(t + 1) for t in range(len(x))])
    axes.set(xlabel="the numbers, as they stand in the input", ylabel="step")
    axes.grid(visible=False)
    return axes


def draw_lessons(axes: Any, curves: Mapping[str, tuple[Array, Array]]) -> Any:
    """Whole sequences sorted against updates, one curve a kind of pointer.

    Args:
        axes: to draw on.
        curves: a name, the updates, and the shares.
    """
    for look, (name, (updates, shares)) in zip(_LOOKS, curves.items(), strict=False):
        axes.plot(updates, shares, label=name, markersize=5, **look)
    axes.set(
        xlabel="updates", ylabel="whole sequences sorted", ylim=(-0.03, 1.05),
        title="Fresh sequences, sorted alone from the first number to the last",
    )  # fmt: skip
    axes.legend(fontsize=9, loc="lower right")
    return axes


def draw_tempers(
    panels: Any, x: Array, scores: Array, steps: Sequence[int], titles: Sequence[str]
) -> Any:
    """Scores against numbers at some steps, a line for each sequence; what is due is marked.

    All scores are told from that of the number which is due, so that every line passes through 0 there.

    Args:
        panels: one axes a step.
        x: numbers, `(B, N)`.
        scores: `(B, steps, N)`.
        steps: which of them.
        titles: one a panel.
    """
    order = np.argsort(x, axis=1)
    rising = np.take_along_axis(x, order, axis=1)
    for axes, t, title in zip(panels, steps, titles, strict=True):
        sorted_scores = np.take_along_axis(scores[:, t], order, axis=1)
        heights = sorted_scores - sorted_scores[:, t : t + 1]
        axes.axhline(0, color=GREY, linewidth=0.8)
        for row, heights_of_row in zip(rising, heights, strict=True):
            axes.plot(row, heights_of_row, color=BLUE, linewidth=1, alpha=0.6)
            axes.plot(row[:t], heights_of_row[:t], "s", color=GREY, markersize=4, fillstyle="none")
            axes.plot(row[t], 0, "o", color=ORANGE, markersize=5)
        axes.set(title=title, xlabel="number", xlim=(-0.03, 1.03))
    panels[0].set_ylabel("score, told from\nthat of what is due")
    return panels


def draw_yardstick(axes: Any, lengths: Sequence[int], rows: Mapping[str, Sequence[float]]) -> Any:
    """Shares of sorted sequences as bars, a group for each length.

    Args:
        axes: to draw on.
        lengths: of the sequences.
        rows: a name, and a share for each length.
    """
    width = 0.8 / len(rows)
    hatches = ("", "//", "..", "xx", "\\\\")
    for n, (look, (name, shares)) in enumerate(zip(_LOOKS, rows.items(), strict=False)):
        at = np.arange(len(lengths)) + (n - (len(rows) - 1) / 2) * width
        axes.bar(
            at, shares, width * 0.92, label=name, color=look["color"], hatch=hatches[n],
            edgecolor="white",
        )  # fmt: skip
        for place, share in zip(at, shares, strict=True):
            axes.text(
                place, share + 0.015, f"{100 * share:.3g}", ha="center", fontsize=8, color=_DARK,
            )  # fmt: skip
    axes.set_xticks(range(len(lengths)), [f"{n} numbers" for n in lengths])
    axes.set(ylabel="whole sequences sorted, %", ylim=(0, 1.1))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)
    return axes


def floats_in(text: str, most: int) -> list[float] | str:
    """The numbers that somebody has typed, or a sentence that says what is wrong with them.

    >>> floats_in("0.5, .25 1", 8)
    [0.5, 0.25, 1.0]
    >>> floats_in("0.5 x", 8)
    '“x” is no number.'
    >>> floats_in("7", 8)
    '7 does not lie between 0 and 1; the network has seen no others.'
    """
    found = []
    for word in text.replace(",", " ").replace(";", " ").split():
        try:
            number = float(word)
        except ValueError:
            return f"“{word}” is no number."
        if not 0 <= number <= 1:
            return f"{word} does not lie between 0 and 1; the network has seen no others."
        found.append(number)
    if len(found) < 2:
        return "Type two numbers or more, between 0 and 1."
    if len(found) > most:
        return f"{len(found)} numbers are too many for this picture; type at most {most}."
    return found


def pointing_box(
    weights_of: Callable[[Sequence[float]], Array], first: str, most: int = 16
) -> None:
    """A line to type numbers into, above a picture of where the network points.

    Where a notebook is run with nobody at the screen there is nobody to type: a line says so.

    Args:
        weights_of: numbers to the weights of each step, `(N, N)`.
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
        layout=widgets.Layout(width="36em"),
    )  # fmt: skip
    said = widgets.Label("Press Enter to have them sorted.")
    picture = widgets.Image(format="png")

    def draw(_: Any = None) -> None:
        x = floats_in(line.value, most)
        if isinstance(x, str):
            said.value = x
            return
        weights = weights_of(x)
        said.value = "pointed at: " + "  ".join(f"{x[k]:g}" for k in weights.argmax(axis=1))
        figure, axes = new_figure(height=3.6, width=7.0)
        draw_pointing(axes, x, weights)
        picture.value = png(figure)

    line.observe(draw, names="value")
    draw()
    display(widgets.VBox([line, said, picture]))
