"""A small picture of a difference: the expected array and the actual one, side by side.

``picture`` cuts a table that fits on a telephone out of two arrays that differ; ``as_svg`` draws it. Colour
shows the value (blue below zero, orange above), a frame shows what differs, so that nothing rests on colour
alone.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from autograder.compare import Difference

ROWS, COLUMNS = 10, 12
"""The largest table that is drawn; of a larger array it is the part around the worst difference."""

Table = tuple[tuple[float | None, ...], ...]
"""Rows of numbers; ``None`` stands for NaN and infinity."""

_BELOW, _ABOVE, _INK, _PAPER = (0, 114, 178), (213, 94, 0), "#1a1a1a", "#ffffff"
_CELL, _GAP, _LEFT, _TOP = 20, 34, 22, 40


@dataclass(frozen=True, slots=True)
class Picture:
    """Two tables cut out of an expected and an actual array.

    Attributes:
        title: which part of the result, in which case: "h, batch 1, one time step".
        rows, columns: the axes' names, "" where there is only one axis.
        expected, actual: the numbers, to four digits.
        cut: whether the arrays are larger than what is shown.
    """

    title: str
    rows: str
    columns: str
    expected: Table
    actual: Table
    cut: bool = False

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Picture:
        """The picture as it stands in a record."""
        tables = {key: tuple(map(tuple, data[key])) for key in ("expected", "actual")}
        return cls(**{**data, **tables})

    @property
    def differs(self) -> list[list[bool]] | None:
        """Which places differ; ``None`` when the tables have different sizes."""
        sizes = [[len(row) for row in table] for table in (self.expected, self.actual)]
        if sizes[0] != sizes[1]:
            return None
        scale = max((abs(v) for row in self.expected for v in row if v is not None), default=0.0)
        return [
            [
                _apart(left, right, 1e-3 * max(scale, 1e-3))
                for left, right in zip(*rows, strict=True)
            ]
            for rows in zip(self.expected, self.actual, strict=True)
        ]

    @property
    def alt(self) -> str:
        """What the picture shows, in words."""
        left, right = (_size(table) for table in (self.expected, self.actual))
        marks = self.differs
        if marks is None:
            return f"{self.title}: expected a table of {left}, yours is {right}."
        wrong, of = sum(map(sum, marks)), sum(map(len, marks))
        return f"{self.title}: expected values and yours, {wrong} of {of} shown differ."


def picture(difference: Difference, case: str) -> Picture | None:
    """The picture of a difference between two arrays; ``None`` where there is nothing to look at.

    Args:
        difference: as the comparators return it.
        case: the name of the case in which it was found.
    """
    left, right, names = difference.expected, difference.actual, difference.names
    if left is None or right is None or not left.ndim or not right.ndim:
        return None
    if min(left.size, right.size) < 2 or max(left.ndim, right.ndim) > 4:
        return None
    if left.dtype.kind not in "biuf" or right.dtype.kind not in "biuf":
        return None
    same_shape = left.shape == right.shape
    worst = _worst(left, right) if same_shape else (0,) * left.ndim
    fixed = [f"{axis} {n}" for axis, n in zip(names[:-2], worst[:-2], strict=True)]
    tables, cut = [], False
    for array in (left, right):
        place = worst if same_shape else (0,) * array.ndim
        flat = np.atleast_2d(array[place[:-2]] if array.ndim > 2 else array)
        row, column = place[-2:] if array.ndim > 1 else (0, place[-1])
        rows, columns = _window(row, flat.shape[0], ROWS), _window(column, flat.shape[1], COLUMNS)
        cut = cut or flat.shape[0] > ROWS or flat.shape[1] > COLUMNS
        tables.append(_table(flat[rows, columns]))
    return Picture(
        title=", ".join(filter(None, [difference.where, *fixed, case])),
        rows=names[-2] if len(names) > 1 else "",
        columns=names[-1],
        expected=tables[0],
        actual=tables[1],
        cut=cut,
    )


def _worst(left: np.ndarray, right: np.ndarray) -> tuple[int, ...]:
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.abs(left.astype(float) - right.astype(float))
    where = np.unravel_index(int(np.argmax(np.nan_to_num(off, nan=np.inf))), off.shape)
    return tuple(int(n) for n in where)


def _window(place: int, size: int, most: int) -> slice:
    start = min(max(0, place - most // 2), max(0, size - most))
    return slice(start, min(size, start + most))


def _table(array: np.ndarray) -> Table:
    def number(value: object) -> float | None:
        as_float = float(value)  # type: ignore[arg-type]
        return float(f"{as_float:.4g}") if math.isfinite(as_float) else None

    return tuple(tuple(number(value) for value in row) for row in array)


def _apart(left: float | None, right: float | None, allowed: float) -> bool:
    if left is None or right is None:
        return left is not right
    return abs(left - right) > allowed


def _size(table: Table) -> str:
    return f"{len(table)} by {len(table[0]) if table else 0}"


def as_svg(picture: Picture) -> str:
    """The picture as a stand-alone SVG of a few kilobytes."""
    marks = picture.differs
    finite = [
        abs(v)
        for table in (picture.expected, picture.actual)
        for row in table
        for v in row
        if v is not None
    ]
    scale = max(finite, default=0.0) or 1.0
    widths = [
        max(map(len, table), default=1) * _CELL for table in (picture.expected, picture.actual)
    ]
    tallest = max(len(picture.expected), len(picture.actual)) * _CELL
    starts = [_LEFT, _LEFT + max(widths[0], 74) + _GAP]
    width, height = starts[1] + max(widths[1], 74) + 10, _TOP + tallest + 24
    parts = [f'<rect width="{width}" height="{height}" fill="{_PAPER}"/>']
    for label, start, table in zip(
        ("expected", "yours"), starts, (picture.expected, picture.actual), strict=True
    ):
        parts.append(_text(start, _TOP - 22, label, weight="bold"))
        parts.append(_text(start, _TOP - 7, picture.columns + " →", size=10))
        parts.append(
            _text(0, 0, f"← {picture.rows}" if picture.rows else "", size=10).replace(
                "<text ", f'<text transform="translate({start - 6} {_TOP + tallest}) rotate(-90)" '
            )
        )
        for y, row in enumerate(table):
            for x, value in enumerate(row):
                framed = label == "yours" and marks is not None and marks[y][x]
                parts.append(_cell(start + x * _CELL, _TOP + y * _CELL, value, scale, framed))
    note = "a part of it; " if picture.cut else ""
    legend = "framed: differs" if marks is not None else "the sizes differ"
    parts.append(_text(_LEFT, height - 8, note + legend, size=10))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><title>{escape(picture.alt)}</title>{"".join(parts)}</svg>'
    )


def as_img(picture: Picture) -> str:
    """The picture as an ``img`` element that holds everything itself and can run nothing."""
    data = base64.b64encode(as_svg(picture).encode("utf-8")).decode("ascii")
    return (
        f'<img alt="{escape(picture.alt, quote=True)}" style="max-width:100%" '
        f'src="data:image/svg+xml;base64,{data}">'
    )


def _cell(x: int, y: int, value: float | None, scale: float, framed: bool) -> str:
    size = _CELL - 2
    if value is None:
        fill = "#bdbdbd"
    else:
        share = min(1.0, abs(value) / scale)
        end = _ABOVE if value > 0 else _BELOW
        fill = "#" + "".join(f"{round(255 + (c - 255) * share):02x}" for c in end)
    frame = f'stroke="{_INK}" stroke-width="2"' if framed else 'stroke="#d0d0d0" stroke-width="1"'
    cross = (
        f'<path d="M{x + 4} {y + 4}l{size - 8} {size - 8}m0 -{size - 8}l-{size - 8} {size - 8}" '
        f'stroke="{_INK}" fill="none"/>'
        if value is None
        else ""
    )
    shown = "not a number" if value is None else f"{value:g}"
    return (
        f'<rect x="{x}" y="{y}" width="{size}" height="{size}" fill="{fill}" {frame}>'
        f"<title>{shown}</title></rect>{cross}"
    )


def _text(x: int, y: int, text: str, *, size: int = 12, weight: str = "normal") -> str:
    return (
        f'<text x="{x}" y="{y}" font-family="sans-serif" font-size="{size}" '
        f'font-weight="{weight}" fill="{_INK}">{escape(text)}</text>'
    )
