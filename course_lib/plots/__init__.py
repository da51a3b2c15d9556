"""Every figure of the course: functions that take axes, draw on them and return them.

One module a notebook (``plots.unrolling`` for the first ones, and so on). ``show`` puts a figure into a
notebook as an image with alternative text. Matplotlib loads when the first figure is made.
"""

from course_lib.plots.figure import BLUE, GREEN, GREY, ORANGE, PALETTE, PINK, SKY, new_figure, show

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PALETTE",
    "PINK",
    "SKY",
    "new_figure",
    "show",
]
