"""Weights there and back; that they mean the same elsewhere is shown by the witness tests."""

import numpy as np
import pytest
from hypothesis import given

from course_lib import layouts
from course_lib.shapes import ShapeError
from tests.course_lib.witness import seeds, sizes


@given(sizes, sizes, seeds)
def test_every_layout_gives_the_same_weights_back(D, H, seed):
    rng = np.random.default_rng(seed)

    def draw(*shapes):
        return [rng.standard_normal(shape) for shape in shapes]

    rnn = draw((D, H), (H, H), (H,))
    lstm = draw((D, 4 * H), (H, 4 * H), (4 * H,))
    gru = draw((D, 3 * H), (H, 3 * H), (3 * H,))
    gru_after = draw((D, 3 * H), (H, 3 * H), (2, 3 * H))
    for weights, there_and_back in (
        (rnn, layouts.rnn_from_torch(layouts.rnn_to_torch(*rnn))),
        (lstm, layouts.lstm_from_torch(layouts.lstm_to_torch(*lstm))),
        (lstm, layouts.lstm_from_tf1(*layouts.lstm_to_tf1(*lstm, 2.5), 2.5)),
        (gru, layouts.gru_from_tf1(*layouts.gru_to_tf1(*gru))),
        (gru_after, layouts.gru_from_torch(layouts.gru_to_torch(*gru_after))),
    ):
        for one, other in zip(weights, there_and_back, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)


def test_the_arguments_are_left_unchanged():
    bias = np.zeros(8)
    layouts.lstm_to_tf1(np.ones((3, 8)), np.ones((2, 8)), bias)
    layouts.lstm_from_tf1(np.ones((5, 8)), bias)
    assert not bias.any()


def test_pytorch_s_own_names_are_taken_and_missing_ones_told():
    weights = layouts.lstm_to_torch(np.ones((3, 8)), np.ones((2, 8)), np.ones(8))
    renamed = {f"{name}_l0": value for name, value in weights.items()}
    np.testing.assert_array_equal(layouts.lstm_from_torch(renamed)[2], np.ones(8))
    with pytest.raises(ValueError, match=r"weights: bias_hh missing"):
        layouts.lstm_from_torch({k: v for k, v in weights.items() if k != "bias_hh"})


def test_a_misfit_is_named():
    with pytest.raises(ShapeError, match=r"bias: columns is 4, expected 8"):
        layouts.lstm_to_tf1(np.ones((3, 8)), np.ones((2, 8)), np.ones(4))
    with pytest.raises(ShapeError, match=r"bias: has 2 axes"):
        layouts.gru_to_tf1(np.ones((3, 6)), np.ones((2, 6)), np.ones((2, 6)))
    with pytest.raises(ShapeError, match=r"bias: has 1 axes"):
        layouts.gru_to_torch(np.ones((3, 6)), np.ones((2, 6)), np.ones(6))
    with pytest.raises(ShapeError, match=r"kernel: rows is 2, expected more than 2"):
        layouts.split_kernel(np.ones((2, 8)), 2)
