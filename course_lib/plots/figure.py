"""How a figure looks, and how it gets into a notebook with words for those who cannot see it."""

from __future__ import annotations

import io
import os
from typing import Any

BLUE, ORANGE, GREEN, PINK, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"
GREY = "#666666"
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY)
"""Colours that most colour-blind readers tell apart (Okabe and Ito 2008). Vary markers or line
styles besides: no meaning by colour alone."""

DPI = 90
"""Sharp enough on a screen; a figure stays under about 60 kB in the notebook."""

_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "font.size": 10,
    "axes.titlesize": 11,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = 7.0, height: float = 3.0, **options: Any
) -> tuple[Any, Any]:
    """A figure in the course's style and its axes, as ``matplotlib.pyplot.subplots`` gives them.

    The figure belongs to no window and to no global list, so nothing has to be closed.

    Args:
        rows: rows of axes.
        columns: columns of axes.
        width: in inches; 7 fills a notebook's column.
        height: in inches.
        options: passed to ``Figure.subplots``, such as ``sharey=True``.

    >>> figure, axes = new_figure(columns=2)
    >>> len(axes)
    2
    """
    import matplotlib
    from cycler import cycler
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**_STYLE, "axes.prop_cycle": cycler(color=PALETTE)}):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, **options)
    return figure, axes


def png(figure: Any) -> bytes:
    """The figure as a PNG image, with nothing in it that changes from run to run."""
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context(_STYLE):
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def show(figure: Any, alt: str) -> None:
    """Display a figure in a notebook, with alternative text.

    Args:
        figure: what ``new_figure`` gave.
        alt: what the figure shows, in one or two sentences, for a reader who cannot see it.

    Raises:
        ValueError: without alternative text.
    """
    if not alt.strip():
        raise ValueError("show: alt is empty; say in a sentence what the figure shows")
    from IPython.display import Image, display

    display(Image(data=png(figure), format="png", alt=alt))


def somebody_looks() -> bool:
    """Whether this kernel belongs to a notebook that is open in a front end, and not to a build.

    Jupyter's server, VS Code and Colab say so in the environment of the kernels that they start.
    Sliders and live pictures appear only then, so that a notebook that is executed by a program has
    the same outputs every time.
    """
    return any(
        name == "JPY_SESSION_NAME" or name.startswith(("VSCODE_", "COLAB_")) for name in os.environ
    )
