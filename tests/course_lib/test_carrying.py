"""A state as tuples and as one array."""

import numpy as np
import pytest

from course_lib import LSTMStateTuple, dynamic_rnn, make_multi_cell, pack_state, tf, unpack_state
from course_lib.shapes import ShapeError
from tests.course_lib.witness import error


@pytest.mark.parametrize("kind", [np.asarray, tf.constant])
def test_packing_and_unpacking_undo_each_other_in_the_kind_given(kind, rng):
    packed = kind(rng.standard_normal((3, 2, 5, 4)))
    states = unpack_state(packed)
    assert [type(s) for s in states] == [LSTMStateTuple] * 3
    np.testing.assert_array_equal(states[1].c, packed[1, 0])
    np.testing.assert_array_equal(states[1].h, packed[1, 1])
    assert type(pack_state(states)) is type(packed)
    np.testing.assert_array_equal(pack_state(states), packed)


def test_carrying_the_packed_state_is_one_long_run(rng):
    cell = make_multi_cell(state_dim=4, num_layers=3, input_size=1)
    x = tf.constant(rng.standard_normal((5, 30, 1)), tf.float32)
    whole, _ = dynamic_rnn(cell, x)
    packed, pieces = np.zeros((3, 2, 5, 4), np.float32), []
    for start in (0, 15):
        window, states = dynamic_rnn(cell, x[:, start : start + 15], unpack_state(packed))
        packed = pack_state(states).numpy()
        pieces.append(window)
    assert error(tf.concat(pieces, axis=1), whole) < 1e-6


def test_bad_states_are_named():
    with pytest.raises(ShapeError, match=r"packed: parts is 3, expected 2"):
        unpack_state(np.zeros((3, 3, 5, 4)))
    with pytest.raises(ShapeError, match=r"states\[1\].h: hidden is 3, expected 4"):
        pack_state([(np.zeros((5, 4)), np.zeros((5, 4))), (np.zeros((5, 4)), np.zeros((5, 3)))])
    with pytest.raises(ShapeError, match=r"states: layers is 0"):
        pack_state([])
    with pytest.raises(ShapeError, match=r"states\[0\]: has 3 parts"):
        pack_state([(np.zeros((5, 4)),) * 3])
