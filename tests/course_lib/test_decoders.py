"""Four decoders: what each of them may know, and how they are looked at."""

import numpy as np
import pytest

from course_lib import tasks, tf
from course_lib.decoders import (
    DECODERS,
    ConstantInputSorter,
    UnshiftedSorter,
    best_blind_guess,
    errors_by_position,
    follow,
    make_decoder,
    probabilities_alone,
)


def small(name):
    return make_decoder(name, 9, 6, embedding=4, seed=3)


def test_only_the_blind_decoder_writes_the_same_for_every_input():
    x = np.array([[1, 2, 3, 4], [8, 8, 0, 8]])
    for name in DECODERS:
        p = [probabilities_alone(small(name), row) for row in x]
        assert np.allclose(*p) == (name == "blind"), name


@pytest.mark.parametrize("name", ["blind", "state only"])
def test_a_decoder_of_constant_input_takes_no_notice_of_tokens(name):
    sorter = small(name)
    memory, state = sorter.read(tf.constant([[1, 2, 3]], tf.int64))
    first, second = (sorter.step(memory)(tf.constant([k], tf.int64), state)[0] for k in (2, 7))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", DECODERS)
def test_taught_and_alone_are_one_network(name):
    sorter = small(name)
    x = np.random.default_rng(0).integers(0, 9, (1, 5))
    p = probabilities_alone(sorter, x[0])
    written = sorter.sort(x)
    np.testing.assert_array_equal(p.argmax(axis=1), written[0])
    nats = -np.log(p[np.arange(5), written[0]]).mean()
    assert float(sorter.loss(x, written)) == pytest.approx(nats, rel=1e-4)


def test_an_unknown_decoder_is_refused():
    with pytest.raises(ValueError, match=r"name: is 'deaf', expected one of blind"):
        make_decoder("deaf", 9, 6)


def test_without_the_shift_the_loss_falls_and_nothing_is_sorted():
    sorter = UnshiftedSorter(6, 24, embedding=12, attention=False)
    seen = follow(sorter, [4], 4, updates=80, every=40, learning_rate=0.03, fresh=200)
    assert seen.losses[-1] < 0.02 < 1 < seen.losses[0]
    assert seen.exact.max() < 0.1


def test_a_training_is_looked_at_now_and_then_and_the_same_twice():
    told = []
    runs = [
        follow(
            ConstantInputSorter(5, 8, sees_state=True, embedding=4),
            range(2, 4),
            3,
            updates=5,
            every=2,
            batch=4,
            fresh=20,
            look=lambda done, exact: told.append(done),
        )
        for _ in range(2)
    ]
    assert told == [0, 2, 4, 5] * 2
    assert runs[0].updates.tolist() == [0, 2, 4, 5]
    np.testing.assert_array_equal(runs[0].losses, runs[1].losses)
    assert runs[0].errors.shape == (3,)


def test_errors_are_counted_by_position():
    assert errors_by_position([[1, 2], [1, 3]], [[1, 2], [1, 2]]).tolist() == [0.0, 0.5]


def test_no_blind_guess_does_better_than_the_best():
    _, y = tasks.token_sorting(20_000, 3, 4, np.random.default_rng(0))
    _, counts = np.unique(y, axis=0, return_counts=True)
    assert counts.max() / len(y) == pytest.approx(best_blind_guess(3, 4), abs=0.01)
    assert best_blind_guess(3, 1) == 1.0
