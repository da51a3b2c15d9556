"""Data that follows its rule, and the same data for the same seed."""

import itertools

import numpy as np
import pytest

from course_lib import tasks
from course_lib.echo import make_echo, windows
from course_lib.shapes import ShapeError

MAKERS = {
    "two_step_sum": lambda rng: tasks.two_step_sum(6, 5, rng),
    "adding_problem": lambda rng: tasks.adding_problem(6, 5, rng),
    "copy_memory": lambda rng: tasks.copy_memory(6, 5, rng),
    "first_and_last_bit": lambda rng: tasks.first_and_last_bit(6, 5, rng),
    "byte_classes": lambda rng: tasks.byte_classes(6, 5, rng),
    "token_sorting": lambda rng: tasks.token_sorting(6, 5, 9, rng),
    "float_sorting": lambda rng: tasks.float_sorting(6, 5, rng),
    "make_echo": lambda rng: make_echo(60, 6, 3, rng),
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_generator_alone_decides_the_data(name):
    first, again, other = (MAKERS[name](np.random.default_rng(s)) for s in (1, 1, 2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])
    assert len(first[0]) == len(first[1]) == 6


def test_the_two_step_sum_is_the_seed_s_rule(rng):
    x, y = tasks.two_step_sum(50, 7, rng)
    values = x[:, :, 0]
    assert set(np.unique(values)) <= set(range(1, 9))
    assert (x[:, :, 1] == 2).all()
    np.testing.assert_array_equal(y[:, 0], values[:, 0])
    np.testing.assert_array_equal(y[:, 1:], values[:, 1:] + values[:, :-1])


def test_the_adding_problem_marks_one_number_in_each_half(rng):
    x, y = tasks.adding_problem(500, 9, rng)
    marks = x[:, :, 1]
    assert (marks[:, :4].sum(axis=1) == 1).all()
    assert (marks[:, 4:].sum(axis=1) == 1).all()
    assert abs(np.mean((y - 1) ** 2) - 1 / 6) < 0.03


def test_copy_memory_asks_one_step_before_the_answer_begins(rng):
    x, y = tasks.copy_memory(3, 7, rng, length=4, symbols=5)
    assert x.shape == y.shape == (3, 15)
    assert (x[:, -5] == 6).all()
    np.testing.assert_array_equal(y[:, -4:], x[:, :4])
    assert not y[:, :-4].any()
    assert not x[:, 4:-5].any()


def test_the_bits_are_balanced(rng):
    _, y = tasks.first_and_last_bit(2000, 5, rng)
    assert abs(y.mean() - 0.5) < 0.05


def test_letters_are_equally_frequent_in_every_class_but_pairs_are_not(rng):
    x, y = tasks.byte_classes(400, 200, rng)
    histograms, pairs = [], []
    for label in range(4):
        texts = x[y == label]
        histograms.append(np.bincount(texts.ravel(), minlength=128) / texts.size)
        pairs.append({(a, b) for text in texts for a, b in itertools.pairwise(text)})
    assert np.abs(histograms[0] - histograms[1]).max() < 0.01
    assert len(pairs[0] & pairs[1]) < 0.6 * len(pairs[0])


def test_sorted_tokens_are_the_same_tokens(rng):
    x, y = tasks.token_sorting(20, 8, 16, rng)
    assert (np.diff(y, axis=1) >= 0).all()
    for row, ordered in zip(x, y, strict=True):
        assert sorted(row.tolist()) == ordered.tolist()


def test_places_sort_floats(rng):
    x, y = tasks.float_sorting(20, 8, rng)
    assert (np.diff(np.take_along_axis(x, y, axis=1), axis=1) > 0).all()


def test_every_row_of_the_echo_is_a_series_of_its_own(rng):
    x, y = make_echo(500, 5, 3, rng)
    assert x.shape == y.shape == (5, 100)
    assert not y[:, :3].any()
    np.testing.assert_array_equal(y[:, 3:], x[:, :-3])


def test_windows_leave_no_column_out(rng):
    x, y = make_echo(500, 5, 3, rng)
    cut = windows(x, y, 15)
    assert [part.shape[1] for part, _ in cut] == [15] * 6 + [10]
    np.testing.assert_array_equal(np.concatenate([part for part, _ in cut], axis=1), x)
    np.testing.assert_array_equal(np.concatenate([part for _, part in cut], axis=1), y)


def test_bad_sizes_are_named(rng):
    with pytest.raises(ValueError, match=r"time: is 1, expected at least 2"):
        tasks.adding_problem(3, 1, rng)
    with pytest.raises(ValueError, match=r"vocabulary: is 0"):
        tasks.token_sorting(3, 4, 0, rng)
    with pytest.raises(ValueError, match=r"length: is 51, expected a multiple of 5"):
        make_echo(51, 5, 3, rng)
    with pytest.raises(ValueError, match=r"delay: is 11, expected 0 to 10"):
        make_echo(50, 5, 11, rng)
    with pytest.raises(ValueError, match=r"T: is 0"):
        windows(np.ones((2, 3)), np.ones((2, 3)), 0)
    with pytest.raises(ShapeError, match=r"y: shape is"):
        windows(np.ones((2, 3)), np.ones((2, 4)), 2)
