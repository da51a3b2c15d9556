"""The small picture of a difference shows the part that differs, in words, too."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.compare import compare_values
from autograder.picture import COLUMNS, ROWS, Picture, as_img, as_svg, picture

AXES = ("batch", "time", "hidden")


def drawn(expected: object, actual: object, axes: object = AXES) -> Picture | None:
    difference = compare_values(expected, actual, axes)  # type: ignore[arg-type]
    assert difference is not None
    return picture(difference, "one case")


def test_the_slice_of_the_worst_difference_is_shown_and_named() -> None:
    wanted = np.arange(24.0).reshape(2, 3, 4)
    got = wanted.copy()
    got[1, 2, 3] = -9
    seen = drawn(wanted, got)
    assert seen is not None
    assert seen.title == "batch 1, one case"
    assert (seen.rows, seen.columns) == ("time", "hidden")
    assert seen.differs == [[False] * 4, [False] * 4, [False, False, False, True]]
    assert "1 of 12 shown differ" in seen.alt


def test_arrays_of_different_sizes_are_shown_with_their_sizes() -> None:
    seen = drawn(np.ones((2, 3)), np.ones((3, 2)), ("batch", "hidden"))
    assert seen is not None
    assert seen.differs is None
    assert seen.alt == "one case: expected a table of 2 by 3, yours is 3 by 2."


def test_the_part_of_a_result_is_named() -> None:
    seen = drawn({"c": np.ones(3), "h": np.ones(3)}, {"c": np.ones(3), "h": np.zeros(3)}, {})
    assert seen is not None
    assert seen.title == "h, one case"


def test_nan_and_infinity_are_marked_and_survive_a_record() -> None:
    seen = drawn(np.ones(3), np.array([1.0, np.nan, np.inf]), ("hidden",))
    assert seen is not None
    assert seen.actual == ((1.0, None, None),)
    assert as_svg(seen).count("not a number") == 2


@pytest.mark.parametrize(
    ("expected", "actual"), [(3.0, 4.0), ("up", "down"), (np.ones(1), np.zeros(1)), ([1, 2], "no")]
)
def test_there_is_no_picture_where_there_is_nothing_to_look_at(
    expected: object, actual: object
) -> None:
    assert drawn(expected, actual, ()) is None


@given(st.lists(st.integers(1, 30), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_every_picture_is_small_and_well_formed(shape: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = rng.normal(size=shape)
    seen = drawn(wanted, wanted + 1 + rng.random(shape), ("<b>", "t&t", "h", "k"))
    if wanted.size < 2:
        assert seen is None
        return
    assert seen is not None
    assert len(seen.expected) <= ROWS
    assert all(len(row) <= COLUMNS for row in seen.expected)
    ET.fromstring(as_svg(seen))
    assert ET.fromstring(as_img(seen).replace(">", "/>", 1)).get("alt") == seen.alt
    assert all(any(row) for row in seen.differs or [[True]])
