"""Plain data crosses the border between a student's kernel and the grader, and nothing else does."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autograder.values import MAX_ITEMS, NotPlain, decode, encode, plain

NUMBERS = arrays.arrays(
    st.sampled_from(["f4", "f8", "i4", "i8", "u1", "?", "c16"]),
    arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text() | NUMBERS
)
PLAIN = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def same(left: object, right: object) -> bool:
    if isinstance(left, np.ndarray):
        return (
            isinstance(right, np.ndarray)
            and left.dtype == right.dtype
            and left.shape == right.shape
            and left.tobytes() == right.tobytes()
        )
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return isinstance(right, dict) and all(same(left[k], right[k]) for k in left | right)
    if isinstance(left, float) and left != left:
        return isinstance(right, float) and right != right
    return type(left) is type(right) and left == right


@given(PLAIN)
def test_what_is_encoded_comes_back_the_same_to_the_bit(value: object) -> None:
    assert same(plain(value), decode(encode(plain(value))))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"array": ["<f8", [2], "AAAA"]}',
        '{"array": ["|O", [1], "AAAAAAAAAAA="]}',
        '{"array": ["<f8", [-1], ""]}',
        '{"array": ["<f8", [1.0], "AAAAAAAAAAA="]}',
        '{"array": ["<f8", [99999999999], ""]}',
        '{"array": ["<f8", [1], "not base64!"]}',
        '{"array": ["<f8", [1], "AAAAAAAAAAA="], "more": 1}',
        '{"float": "1e5"}',
        '{"pickle": "gASVAAAA"}',
        '{"dict": [[1, 2]]}',
        '{"dict": [["a"]]}',
        "[" * 5000,
        json.dumps([0] * (MAX_ITEMS + 1)),
        json.dumps([[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]),
    ],
    ids=lambda text: text[:40],
)
def test_a_malformed_answer_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(NotPlain):
        decode(text)


@given(st.text(max_size=60) | st.binary(max_size=60).map(repr))
def test_no_text_whatever_makes_decode_fail_in_another_way(text: str) -> None:
    with contextlib.suppress(NotPlain):
        decode(text)


def test_a_value_that_is_no_data_is_refused_by_the_name_of_its_type() -> None:
    with pytest.raises(NotPlain, match="function"):
        plain(lambda: 0)
    with pytest.raises(NotPlain, match="rows differ"):
        plain(np.array([[1], [2, 3]], dtype=object))
    nested: list[object] = []
    for _ in range(20):
        nested = [nested]
    with pytest.raises(NotPlain, match="nested"):
        plain(nested)


def test_a_tensor_becomes_an_array_and_a_symbolic_one_is_named() -> None:
    from course_lib import tf

    assert np.array_equal(plain(tf.constant([1.0, 2.0])), np.array([1.0, 2.0], np.float32))
    seen = []

    @tf.function
    def traced(x):
        try:
            plain(x)
        except NotPlain as problem:
            seen.append(str(problem))
        return x

    traced(tf.constant(1.0))
    assert "no numbers yet" in seen[0]


def test_a_result_that_lies_about_its_type_does_not_get_through() -> None:
    class Everything:
        def __eq__(self, other: object) -> bool:
            return True

        def __array__(self, *_: object, **__: object) -> object:
            raise RuntimeError("no")

    with pytest.raises(NotPlain):
        plain(Everything())


def test_numpy_scalars_cross_as_plain_numbers_nan_and_infinity_too() -> None:
    for value in (
        np.float64("nan"),
        np.float64("inf"),
        np.float32(2.5),
        np.int64(3),
        np.bool_(True),
    ):
        back = decode(encode(plain(value)))
        assert type(back) in (float, int, bool)
        assert np.array_equal(back, value.item(), equal_nan=isinstance(back, float))
    with pytest.raises(NotPlain, match="ordinary number"):
        plain(np.longdouble(1))
