"""``course.toml``, the instructor's file: read into a ``Term``, with a sentence for all that cannot be meant.

```toml
time_zone = "Europe/Berlin"

[late]
percent_per_day = 10

[notebooks.01_unrolling_by_hand]
points = 10
due = 2026-10-16

[notebooks.01_unrolling_by_hand.extensions]
ada = "3 days"
```
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, get_args
from zoneinfo import ZoneInfo, available_timezones

from autograder.course import CourseError, near
from autograder.term import LateRule, Of, Term, Terms, defined

FILE = "course.toml"

_LENGTH = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>hour|day|week)s?")

_Keys = tuple[str, ...]


def read_term(root: Path, released: Sequence[str]) -> Term:
    """The term of the course at ``root``; all that is ``released`` when there is no course file.

    Raises:
        CourseError: for a file that cannot be read or says something that cannot be meant; the message names
            the line and the key, what is allowed, and the nearest right name.
    """
    path = root / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Term({name: Terms() for name in released})
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}") from None
    return parse_term(text, released)


def parse_term(text: str, released: Sequence[str]) -> Term:
    """The term that ``text`` describes; see ``read_term``."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CourseError(
            f"{FILE} is not written as TOML: {error}. Texts stand in quotes, dates as 2026-10-16."
        ) from None
    return _Reader(text, released).term(data)


class _Reader:
    """Turns a parsed file into a term, and what is wrong in it into a sentence."""

    def __init__(self, text: str, released: Sequence[str]) -> None:
        self.text, self.released = text, released
        self.zone = ZoneInfo("UTC")

    def term(self, data: dict[str, Any]) -> Term:
        self._keys(data, (), ("title", "time_zone", "late", "notebooks", "extensions"))
        title = data.get("title", "")
        if not isinstance(title, str):
            self._fail(("title",), title, 'a text in quotes, such as "Autumn 2026"')
        self.zone = self._zone(data)
        late = self._late(self._table(data, ("late",))) if "late" in data else None
        tables = self._table(data, ("notebooks",))
        everywhere = self._table(data, ("extensions",))
        notebooks: dict[str, Terms] = {}
        for key in tables:
            name = self._name(key, notebooks)
            notebooks[name] = self._terms(key, name, self._table(tables, ("notebooks", key)))
        if "notebooks" not in data:
            notebooks = {name: Terms() for name in self.released}
        elif not notebooks:
            self._fail(
                ("notebooks",),
                {},
                f"a table for each notebook, such as [notebooks.{self.released[0]}]",
            )
        for student, value in everywhere.items():
            self._extend_everywhere(student, value, notebooks)
        ordered = {name: notebooks[name] for name in sorted(notebooks)}
        return Term(ordered, title, self.zone, late, written=True)

    def _zone(self, data: dict[str, Any]) -> ZoneInfo:
        told = data.get("time_zone", "UTC")
        wanted = 'the name of a time zone, such as "Europe/Berlin"'
        if not isinstance(told, str):
            self._fail(("time_zone",), told, wanted)
        try:
            return ZoneInfo(told)
        except (KeyError, ValueError, OSError):
            self._fail(("time_zone",), told, wanted, sorted(available_timezones()))

    def _late(self, table: dict[str, Any]) -> LateRule:
        self._keys(table, ("late",), ("percent_per_day", "at_most", "grace_minutes", "of"))
        numbers = {
            key: self._number(table[key], ("late", key), most)
            for key, most in (
                ("percent_per_day", 100.0),
                ("at_most", 100.0),
                ("grace_minutes", math.inf),
            )
            if key in table
        }
        if "percent_per_day" not in numbers:
            self._fail(("late",), table, "percent_per_day, such as percent_per_day = 10")
        of = table.get("of", "earned")
        if of not in get_args(Of):
            wanted = '"earned" or "possible": the points that the per cent are of'
            self._fail(("late", "of"), of, wanted, get_args(Of))
        return LateRule(**numbers, of=of)

    def _name(self, key: str, before: Mapping[str, Terms]) -> str:
        found = [n for n in self.released if key == n or n.split("_")[0] == key.zfill(2)]
        if not found:
            self._unknown(("notebooks", key), "notebook", self.released)
        if found[0] in before:
            self._stop(("notebooks", key), f"{found[0]} is there twice")
        return found[0]

    def _terms(self, key: str, name: str, table: dict[str, Any]) -> Terms:
        here: _Keys = ("notebooks", key)
        self._keys(table, here, ("points", "due", "exercises", "extensions"))
        points = None
        if "points" in table:
            points = self._number(table["points"], (*here, "points"))
            if not points:
                self._fail((*here, "points"), table["points"], "a number above 0")
        own = defined(name)
        exercises = {}
        for exercise, value in self._table(table, (*here, "exercises")).items():
            if exercise not in own:
                self._unknown((*here, "exercises", exercise), "exercise", list(own))
            exercises[exercise] = self._number(value, (*here, "exercises", exercise))
        if not any({**own, **exercises}.values()):
            self._stop((*here, "exercises"), "no exercise is worth anything")
        due = self._moment(table["due"], (*here, "due")) if "due" in table else None
        extensions = {}
        for student, value in self._table(table, (*here, "extensions")).items():
            extensions[student] = self._extension(value, due, (*here, "extensions", student))
        return Terms(points, exercises, due, extensions)

    def _extension(self, value: Any, due: datetime | None, here: _Keys) -> datetime:
        if due is None:
            self._stop(here, f"there is nothing to extend: {'.'.join(here[:2])} has no due date")
        if isinstance(value, str) and (length := _LENGTH.fullmatch(value.strip())):
            extended = self._moved(due, length)
        else:
            extended = self._moment(value, here, 'or a length such as "3 days"')
        if extended < due:
            self._stop(here, "the extension ends before the deadline itself")
        return extended

    def _moved(self, due: datetime, length: re.Match[str]) -> datetime:
        amount = timedelta(**{f"{length['unit']}s": float(length["number"])})
        return later(due, amount, self.zone, by_the_clock=length["unit"] != "hour")

    def _extend_everywhere(self, student: str, value: Any, notebooks: dict[str, Terms]) -> None:
        length = _LENGTH.fullmatch(value.strip()) if isinstance(value, str) else None
        if length is None:
            wanted = 'a length such as "3 days"; a date belongs into [notebooks.NAME.extensions]'
            self._fail(("extensions", student), value, wanted)
        for name, terms in notebooks.items():
            if terms.due is not None and student not in terms.extensions:
                added = {**terms.extensions, student: self._moved(terms.due, length)}
                notebooks[name] = replace(terms, extensions=added)

    def _moment(self, value: Any, here: _Keys, otherwise: str = "") -> datetime:
        wanted = f'a date such as 2026-10-16 or "2026-10-16 18:00" {otherwise}'.rstrip()
        if isinstance(value, str):
            try:
                value = (
                    datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
                )
            except ValueError:
                self._fail(here, value, wanted)
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else in_utc(value, self.zone)
        if isinstance(value, date):  # the whole day
            return in_utc(datetime.combine(value, time(23, 59, 59)), self.zone)
        self._fail(here, value, wanted)

    def _number(self, value: Any, here: _Keys, most: float = math.inf) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= most or math.isinf(value):
            wanted = "a number from 0" + (f" to {most:g}" if most < math.inf else "")
            self._fail(here, value, wanted)
        return float(value)

    def _table(self, data: dict[str, Any], here: _Keys) -> dict[str, Any]:
        found = data.get(here[-1], {})
        if not isinstance(found, dict):
            self._fail(
                here, found, f"a table: [{'.'.join(here)}] on a line of its own, its keys below"
            )
        return found

    def _keys(self, table: dict[str, Any], here: _Keys, allowed: Sequence[str]) -> None:
        for key in table:
            if key not in allowed:
                self._unknown((*here, key), "key", allowed)

    # ---- sentences

    def _unknown(self, here: _Keys, what: str, known: Sequence[str]) -> NoReturn:
        self._stop(here, f"there is no {what} {here[-1]!r}{near(here[-1], known, 0.5)}")

    def _fail(self, here: _Keys, value: Any, wanted: str, known: Sequence[str] = ()) -> NoReturn:
        shown = repr(value) if isinstance(value, str) else _as_written(value)
        close = get_close_matches(str(value), known, n=1, cutoff=0.5)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        self._stop(here, f"{shown} is not what is needed here: {wanted}{meant}")

    def _stop(self, here: _Keys, sentence: str) -> NoReturn:
        line = _line_of(self.text, here)
        where = f"{FILE}, line {line}" if line else FILE
        raise CourseError(f"{where}, {'.'.join(here)}: {sentence}")


def _as_written(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "a table"
        case list():
            return "a list"
    return str(value)


def _line_of(text: str, wanted: _Keys) -> int:
    """The line that sets a key, or the table nearest to it; 0 when it cannot be found."""
    best, depth = 0, 0
    for number, path in _keys_by_line(text):
        common = 0
        while common < min(len(path), len(wanted)) and path[common] == wanted[common]:
            common += 1
        if common == len(path) and common > depth:
            best, depth = number, common
    return best


def _keys_by_line(text: str) -> Iterator[tuple[int, _Keys]]:
    """Each line that opens a table or sets a key, with the path of that."""
    table: _Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[(?P<keys>[^\[\]]+)\]", line)
        pair = re.match(r"""\s*(?P<keys>(?:[\w.\- ]|"[^"]*"|'[^']*')+?)\s*=""", line)
        if head and (keys := _key(head["keys"])):
            table = keys
            yield number, table
        elif pair and (keys := _key(pair["keys"])):
            yield number, (*table, *keys)


def _key(written: str) -> _Keys:
    try:
        data: Any = tomllib.loads(f"{written} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    found: list[str] = []
    while isinstance(data, dict):
        (name,) = data
        found.append(name)
        data = data[name]
    return tuple(found)


# ---- dates


def in_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """A reading of the clock as a moment.

    Where the clock is put back an hour a reading means two moments, and where it is put forward none: the
    later one holds, in the student's favour.
    """
    readings = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    return max(reading.astimezone(UTC) for reading in readings)


def later(due: datetime, length: timedelta, zone: ZoneInfo, *, by_the_clock: bool) -> datetime:
    """A deadline moved on: by days as a calendar counts them, or by hours as they pass."""
    if not by_the_clock:
        return due + length
    return max(due + length, in_utc(due.astimezone(zone).replace(tzinfo=None) + length, zone))
