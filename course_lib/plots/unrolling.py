"""Figures of notebook 1: one step unrolled, what tanh does to it, and the detective's line-up.

Functions named after what they show take axes and return them. What they need of the library is
imported inside them, so that this module loads also where a notebook's answers are hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from course_lib.plots.figure import BLUE, GREEN, GREY, ORANGE, PINK

SATURATED = 0.99
"""An output further from zero than this is called saturated in the figures."""


def _box(axes: Any, x: float, y: float, text: str, face: str = "#e8f1f8") -> None:
    axes.text(
        x,
        y,
        text,
        ha="center",
        va="center",
        fontsize=12,
        bbox={"boxstyle": "round,pad=0.55", "facecolor": face, "edgecolor": GREY},
    )


def _arrow(
    axes: Any, start: tuple[float, float], end: tuple[float, float], bend: float = 0.0
) -> None:
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": "#333333",
            "linewidth": 1.4,
            "connectionstyle": f"arc3,rad={bend}",
        },
    )


def _label(axes: Any, x: float, y: float, text: str, **options: Any) -> None:
    axes.text(x, y, text, ha="center", va="center", fontsize=11, **options)


def _blank(axes: Any, width: float, title: str) -> None:
    axes.set(xlim=(-1.0, width), ylim=(-1.75, 1.85))
    axes.set_title(title)
    axes.axis("off")


def folded_network(axes: Any) -> Any:
    """The network as a loop: one box, whose output comes back as its state."""
    _blank(axes, 1.2, "As a loop")
    _box(axes, 0, 0, "step", "#fdebd9")
    _label(axes, 0, -1.5, "$x_t$")
    _label(axes, 0, 1.6, "$y_t$")
    _arrow(axes, (0, -1.25), (0, -0.35))
    _arrow(axes, (0, 0.35), (0, 1.35))
    _label(axes, -0.3, -0.8, "$W_x$", color=BLUE)
    _label(axes, 0.28, -0.8, "$b$", color=BLUE)
    axes.plot([0, 0.85, 0.85], [0.85, 0.85, 0.0], color="#333333", linewidth=1.4)
    _arrow(axes, (0.87, 0.0), (0.33, 0.0))
    _label(axes, 0.62, -0.28, "$W_h$", color=BLUE)
    return axes


def unrolled_network(axes: Any, steps: int = 2) -> Any:
    """The same network written out in time: one box a step, the same weights in each."""
    gap = 2.0
    _blank(axes, gap * steps + 0.4, "Unrolled in time: the same box, drawn once a step")
    _label(axes, -0.75, 0, "$h = 0$")
    _arrow(axes, (-0.45, 0), (gap / 2 - 0.45, 0))
    for t in range(steps):
        x = gap * t + gap / 2
        _box(axes, x, 0, "step", "#fdebd9")
        _label(axes, x, -1.5, f"$x_{t}$")
        _label(axes, x, 1.6, f"$y_{t}$")
        _arrow(axes, (x, -1.25), (x, -0.35))
        _arrow(axes, (x, 0.35), (x, 1.35))
        _label(axes, x - 0.3, -0.8, "$W_x$", color=BLUE)
        _label(axes, x + 0.28, -0.8, "$b$", color=BLUE)
        _label(axes, x - gap / 2 + 0.1, 0.28, "$W_h$", color=BLUE)
        last = t == steps - 1
        _arrow(axes, (x + 0.42, 0), (x + (0.95 if last else gap - 0.42), 0))
        if last:
            _label(axes, x + 1.2, 0, "...")
    return axes


def two_steps_by_hand(Wx: Any, Wh: Any, b: Any, x0: Any, x1: Any) -> list[tuple[Any, Any]]:
    """What goes into the tanh and what comes out, `(B, H)` each, at both steps."""
    from course_lib.cells.rnn import rnn_step
    from course_lib.unroll.static import static_rnn

    def step(x: Any, h: Any) -> tuple[Any, Any]:
        y = rnn_step(x, h, Wx, Wh, b)
        return (x @ Wx + h @ Wh + b, y), y

    both, _ = static_rnn(step, [x0, x1], np.zeros((len(x0), len(b))))
    return both


def count_saturated(
    draw: Callable[[], tuple[Any, Any, Any]], x0: Any, x1: Any, times: int = 1000
) -> np.ndarray:
    """How many outputs of both steps lie beyond ±0.99, for weights drawn again and again.

    Args:
        draw: a function of no arguments that returns `(Wx, Wh, b)`.
        x0: the inputs at the first step, `(B, D)`.
        x1: the inputs at the second step, `(B, D)`.
        times: how many draws.
    """
    counts = []
    for _ in range(times):
        Wx, Wh, b = draw()
        outputs = [y for _, y in two_steps_by_hand(Wx, Wh, b, x0, x1)]
        counts.append(int((np.abs(outputs) > SATURATED).sum()))
    return np.array(counts)


def tanh_curve(axes: Any, reach: float = 24.0) -> Any:
    """The curve of tanh, with the stretches shaded in which it says ±1 and little else."""
    grid = np.linspace(-reach, reach, 800)
    axes.plot(grid, np.tanh(grid), color=BLUE, linewidth=2)
    _shade_saturation(axes, reach)
    axes.set(ylabel="tanh", yticks=[-1, 0, 1], ylim=(-1.2, 1.2))
    return axes


def sums_by_instance(
    axes: Any, sums: Any, highlight: int | None = None, reach: float = 24.0
) -> Any:
    """What goes into the tanh at one time step: a row an instance, a dot a neuron.

    Args:
        axes: to draw on.
        sums: `(B, H)`.
        highlight: an instance to mark, such as the one whose input is all zeros.
        reach: how far the axis goes to both sides.
    """
    sums = np.asarray(sums)
    for n, row in enumerate(sums):
        marked = n == highlight
        axes.plot(
            row,
            np.full(len(row), n),
            "D" if marked else "o",
            color=ORANGE if marked else BLUE,
            alpha=0.8,
            markersize=7,
        )
        if marked:
            axes.annotate(
                "input all zeros",
                (sums[n].max(), n),
                xytext=(12, 0),
                textcoords="offset points",
                va="center",
                color=ORANGE,
            )
    _shade_saturation(axes, reach)
    axes.set(
        xlabel="sum that goes into tanh",
        yticks=range(len(sums)),
        yticklabels=[f"instance {n}" for n in range(len(sums))],
        ylim=(len(sums) - 0.5, -0.5),
    )
    return axes


def _shade_saturation(axes: Any, reach: float) -> None:
    edge = float(np.arctanh(SATURATED))
    for left, right in ((-reach, -edge), (edge, reach)):
        axes.axvspan(left, right, color=GREY, alpha=0.15, linewidth=0)
    axes.set_xlim(-reach, reach)


def parameter_growth(axes: Any, features: int, hidden: int, steps: int) -> Any:
    """Numbers to learn against the length of the sequence, for three designs."""
    T = np.arange(1, steps + 1)
    shared = features * hidden + hidden * hidden + hidden
    lines: Mapping[str, tuple[np.ndarray, str, str]] = {
        "separate weights at every step": (T * shared, ORANGE, "--"),
        "one dense layer on the glued sequence": (T * features * hidden + hidden, PINK, "-."),
        "one step, shared by all": (np.full(steps, shared), BLUE, "-"),
    }
    for label, (numbers, colour, style) in lines.items():
        axes.plot(T, numbers, style, color=colour, linewidth=2, label=label)
    axes.annotate(
        f"{shared}, for any length",
        (steps, shared),
        xytext=(0, 8),
        textcoords="offset points",
        ha="right",
        color=BLUE,
    )
    axes.set(xlabel="time steps T", ylabel="numbers to learn", xlim=(1, steps), ylim=(0, None))
    axes.set_xticks([1, *range(5, steps + 1, 5)])
    axes.legend(loc="upper left")
    return axes


def pulse_responses(
    starts: Sequence[int], steps: int, shared: bool, rng: np.random.Generator
) -> dict[int, np.ndarray]:
    """What one neuron answers to the same short input at different times, `(steps,)` for each.

    Args:
        starts: the steps at which the pulse comes.
        steps: the length of the sequence.
        shared: the same weights at every step, or new ones at each.
        rng: draws the weights.
    """
    from course_lib.cells.rnn import rnn_step
    from course_lib.initializers import orthogonal
    from course_lib.unroll.static import static_rnn

    features, hidden = 3, 5
    several = [
        (rng.normal(size=(features, hidden)), 0.9 * orthogonal(hidden, hidden, rng))
        for _ in range(1 if shared else steps)
    ]
    answers = {}
    for start in starts:
        pulse = np.zeros((steps, 1, features))
        pulse[start] = 1.0

        def step(item: tuple[int, Any], h: Any) -> tuple[Any, Any]:
            t, x = item
            Wx, Wh = several[t % len(several)]
            h = rnn_step(x, h, Wx, Wh, np.zeros(hidden))
            return h[0, 0], h

        outputs, _ = static_rnn(step, list(enumerate(pulse)), np.zeros((1, hidden)))
        answers[start] = np.array(outputs)
    return answers


def pulse_response(axes: Any, answers: Mapping[int, Any], title: str) -> Any:
    """Draw what `pulse_responses` gives: one line a pulse, an arrow where each pulse comes."""
    styles = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, ":", "^"))
    for (start, values), (colour, line, marker) in zip(answers.items(), styles, strict=False):
        axes.plot(
            values,
            line,
            marker=marker,
            markersize=4,
            color=colour,
            label=f"pulse at t = {start}",
        )
        axes.annotate(
            "",
            (start, -1.05),
            xytext=(start, -1.3),
            arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.8},
            annotation_clip=False,
        )
    axes.set(ylim=(-1.3, 1.75), ylabel="output of neuron 0", title=title)
    axes.set_xticks(range(0, len(values), 2))
    axes.set_yticks([-1, 0, 1])
    axes.legend(loc="upper right", ncols=2, fontsize=8.5)
    return axes


def precision_of_arctanh(axes: Any, margin: float = 1e-5) -> Any:
    """How well an output in float32 fixes what went into the tanh.

    The nearest float32 is at most half a step away; divided by the slope of tanh, that is the
    uncertainty of the sum.
    """
    sums = np.linspace(0.02, 8.6, 400)
    outputs = np.tanh(sums)
    half_step = np.spacing(outputs.astype(np.float32)).astype(float) / 2
    axes.semilogy(sums, half_step / (1 - outputs**2), color=BLUE, linewidth=2)
    edge = np.arctanh(1 - margin)
    axes.axvspan(edge, sums[-1], color=GREY, alpha=0.18, linewidth=0)
    axes.axvline(edge, color=GREY, linestyle="--", linewidth=1)
    axes.text(edge - 0.12, 3e-8, "known well", ha="right", color=GREY)
    axes.text(edge + 0.12, 3e-8, f"nearer than {margin:.0e} to 1", color=GREY)
    for output in (0.90, 0.999, 0.9999, 0.99999976):
        a = np.arctanh(output)
        size = float(np.spacing(np.float32(output))) / 2 / (1 - output**2)
        axes.plot(a, size, "o", color=ORANGE)
        axes.annotate(
            f"{output:.8g}",
            (a, size),
            xytext=(-7, 6),
            textcoords="offset points",
            ha="right",
            fontsize=9,
        )
    axes.set(
        xlabel="sum that went into tanh",
        ylabel="uncertainty of the sum",
        xlim=(0, sums[-1]),
        ylim=(1e-8, 1),
    )
    return axes


def line_up(axes: Any, weights: Any, suspects: Mapping[str, float]) -> Any:
    """Recovered weights against the limits within which each suspect would have drawn them.

    Args:
        axes: to draw on.
        weights: the recovered weights, any shape.
        suspects: a name and its limit each; infinite for a normal distribution of spread 1.
    """
    weights = np.ravel(weights)
    places = range(len(suspects) - 1, -1, -1)
    for place, limit in zip(places, suspects.values(), strict=True):
        if np.isinf(limit):
            grid = np.linspace(-3, 3, 300)
            bell = 0.36 * np.exp(-(grid**2) / 2)
            axes.fill_between(grid, place - bell, place + bell, color=GREY, alpha=0.25, linewidth=0)
        else:
            axes.fill_between(
                [-limit, limit], place - 0.3, place + 0.3, color=GREY, alpha=0.25, linewidth=0
            )
            label = f"limit ±{limit:.2f}"
            axes.text(limit + 0.08, place, label, va="center", color=GREY)
        jitter = np.linspace(-0.2, 0.2, len(weights))
        axes.plot(weights, place + jitter, "o", color=BLUE, markersize=5)
    axes.set_yticks(list(places), list(suspects))
    axes.set(xlim=(-3, 3), xlabel="weight", ylim=(-0.6, len(suspects) - 0.4))
    axes.grid(axis="y", visible=False)
    return axes


def two_recurrent_matrices(Wx: Any, x1: Any, y0: Any, y1: Any) -> tuple[np.ndarray, np.ndarray]:
    """Two different Wh, `(H, H)`, that both turn `y0` and `x1` into `y1`.

    Each neuron has fewer equations than unknowns: the first matrix is the smallest solution, the
    second lies as far along the line of solutions as keeps every entry below 1.
    """
    hidden = y0.shape[1]
    smallest, other = np.empty((hidden, hidden)), np.empty((hidden, hidden))
    for j in range(hidden):
        kept = 1 - np.abs(y1[:, j]) > 1e-6
        wanted = np.arctanh(y1[kept, j]) - x1[kept] @ Wx[:, j]
        smallest[:, j] = np.linalg.lstsq(y0[kept], wanted, rcond=None)[0]
        free = np.linalg.svd(y0[kept])[2][-1]
        free = free if free[np.abs(free).argmax()] > 0 else -free
        lengths = np.linspace(0, 2, 2001)
        moved = np.abs(smallest[:, [j]] + free[:, None] * lengths).max(axis=0)
        other[:, j] = smallest[:, j] + free * lengths[moved < 1].max()
    return smallest, other


def matrix(axes: Any, values: Any, title: str) -> Any:
    """A small matrix with its numbers written into it."""
    values = np.asarray(values)
    axes.imshow(values, cmap="PuOr", vmin=-1.3, vmax=1.3)
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if abs(value) > 0.95 else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8.5, color=colour)
    axes.set(
        title=title,
        xticks=range(values.shape[1]),
        yticks=range(values.shape[0]),
        xlabel="to neuron",
        ylabel="from neuron",
    )
    axes.grid(visible=False)
    return axes
