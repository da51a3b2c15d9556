"""The latch: its data, its baselines, and networks that learn it."""

from itertools import islice

import numpy as np
import pytest

from course_lib.backprop import numerical_gradient, relative_error
from course_lib.latch import (
    KINDS,
    leaky_memory,
    loss_and_gradients,
    make_latch,
    new_network,
    predict,
    training,
)


def test_the_target_is_the_last_marked_number():
    x, y = make_latch(20, 30, np.random.default_rng(0))
    for row, target in zip(x, y, strict=True):
        held = np.nan
        for (value, mark), wanted in zip(row, target, strict=True):
            held = value if mark else held
            assert held == wanted


def test_a_knob_that_is_turned_at_the_marks_solves_it():
    x, y = make_latch(5, 20, np.random.default_rng(1))
    np.testing.assert_allclose(leaky_memory(x, 1 - x[:, :, 1]), y)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_agree_with_finite_differences(kind):
    rng = np.random.default_rng(2)
    weights = new_network(kind, 3, rng)
    x, y = make_latch(2, 4, rng)
    _, gradients = loss_and_gradients(kind, weights, x, y)
    for name in weights:

        def loss(array, name=name):
            return loss_and_gradients(kind, {**weights, name: array}, x, y)[0]

        numerical = numerical_gradient(loss, weights[name], 1.0)
        assert relative_error(gradients[name], numerical) < 1e-6


def test_the_same_seed_trains_the_same_network():
    first, second = (list(islice(training("GRU", 2, seed=3, time=5, batch=4), 5)) for _ in "ab")
    assert [loss for loss, _ in first] == [loss for loss, _ in second]


def test_a_single_gru_unit_finds_the_knob():
    *_, (_, weights) = islice(training("GRU", 1, seed=1, rate=0.05), 300)
    x, y = make_latch(200, 20, np.random.default_rng(99))
    assert ((predict("GRU", weights, x) - y) ** 2).mean() < 0.02


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(ValueError, match="expected one of basic, GRU, LSTM"):
        new_network("mamba", 3, np.random.default_rng(0))
