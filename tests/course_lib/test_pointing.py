"""Pointing: lessons, pointing alone, and what coverage gives away."""

import numpy as np

from course_lib.pointing import (
    MEASURED,
    PAPER,
    START,
    follow_pointer,
    point_alone,
    pointer_lesson,
    scores_alone,
    share_sorted,
    step_of,
)
from course_lib.sorting import PointerSorter


def test_a_lesson_agrees_with_what_the_sorter_is_trained_on():
    x = np.random.default_rng(0).random((4, 5), dtype=np.float32)
    inputs, used, places = pointer_lesson(x)
    assert (inputs[:, 0] == START).all()
    assert (np.diff(inputs[:, 1:], axis=1) > 0).all()
    np.testing.assert_array_equal(used.sum(axis=2), np.tile(np.arange(5), (4, 1)))
    assert not np.take_along_axis(used, places[:, :, np.newaxis], axis=2).any()


def test_pointing_by_steps_is_the_sorters_own_pointing():
    for coverage in (True, False):
        sorter = PointerSorter(units=8, coverage=coverage, seed=3)
        x = np.random.default_rng(1).random((20, 6), dtype=np.float32)
        np.testing.assert_array_equal(point_alone(*step_of(sorter, x), x), sorter.point(x))


def test_no_place_is_pointed_at_twice_if_that_is_forbidden():
    x = np.random.default_rng(1).random((20, 6), dtype=np.float32)
    sorter = PointerSorter(units=8, coverage=False)
    places = point_alone(*step_of(sorter, x), x, once=True)
    np.testing.assert_array_equal(np.sort(places, axis=1), np.tile(np.arange(6), (20, 1)))


def test_who_is_told_what_is_used_sorts_with_two_numbers_and_no_memory():
    x = np.random.default_rng(2).random((200, 20))
    places = point_alone(lambda values, used, state: (-x - 9 * used, state), None, x)
    assert share_sorted(places, x) == 1.0


def test_bare_scores_are_those_before_anything_is_added_for_being_used():
    x = np.random.default_rng(3).random((4, 5), dtype=np.float32)
    sorter = PointerSorter(units=8)
    sorter.u_used.assign(np.ones(8, np.float32))
    told, bare = scores_alone(sorter, x), scores_alone(sorter, x, bare=True)
    np.testing.assert_allclose(told[:, 0], bare[:, 0])  # nothing is used at first
    assert np.abs(told[:, 1:] - bare[:, 1:]).max() > 1e-3


def test_lessons_are_followed_on_sequences_that_are_not_trained_on():
    lessons = follow_pointer(PointerSorter(units=16), 3, updates=60, every=30, fresh=300)
    assert lessons.updates.tolist() == [0, 30, 60]
    assert lessons.exact[-1] > max(0.5, lessons.exact[0])
    assert (lessons.once >= lessons.exact - 0.05).all()


def test_the_measured_rows_belong_to_the_papers_lengths():
    assert all(row.keys() == PAPER.keys() for row in MEASURED.values())
