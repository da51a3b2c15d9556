"""A state that crosses the edge of a window."""

import numpy as np
import pytest

from course_lib.echo import EchoNetwork, evaluate, make_echo, run_epoch


@pytest.fixture(scope="module")
def trained():
    """One network trained with and one without carrying, on the same series."""
    x, y = make_echo(50_000, 5, 3, np.random.default_rng(0))
    networks = {}
    for carry in (True, False):
        networks[carry] = EchoNetwork(units=4, layers=1, seed=0)
        run_epoch(networks[carry], x, y, carry)
    return networks


FRESH = make_echo(3_000, 5, 3, np.random.default_rng(99))


def test_with_carrying_the_echo_is_learned(trained):
    loss, accuracy = evaluate(trained[True], *FRESH, carry=True)
    assert loss < 0.03  # most of it from the zeros before the echo sets in
    assert accuracy.min() > 0.98


def test_without_it_the_first_bits_of_every_window_are_guesses(trained):
    loss, accuracy = evaluate(trained[False], *FRESH, carry=False)
    assert loss > 0.9 * 3 / 15 * np.log(2)  # three of fifteen bits are coin tosses
    assert (accuracy[:3] < 0.7).all()
    assert (accuracy[3:] > 0.95).all()


def test_a_window_s_state_does_not_depend_on_how_the_series_is_cut():
    network = EchoNetwork(units=4, layers=2)
    x, y = make_echo(300, 5, 3, np.random.default_rng(0))
    whole, _ = evaluate(network, x, y, carry=True, T=60)
    cut, _ = evaluate(network, x, y, carry=True, T=7)
    assert whole == pytest.approx(cut, rel=1e-5)


def test_one_seed_gives_the_same_losses():
    x, y = make_echo(300, 5, 3, np.random.default_rng(0))
    first, again = (run_epoch(EchoNetwork(seed=3), x, y, carry=True) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert len(first) == 4
