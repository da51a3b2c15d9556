"""Seed 001: an LSTM, its outputs projected to targets by tiling, and a cost."""

import numpy as np

from course_lib import (
    TRAIN_X,
    TRAIN_Y,
    UNTRAINED_COST_PRINTED,
    LSTMCell,
    baseline_errors,
    dynamic_rnn,
    mse,
    project,
    project_tiled,
    tasks,
    tf,
    train,
)


class Network(tf.Module):
    """The seed's: ten units, and one projection."""

    def __init__(self, seed=0):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.cell = LSTMCell(10, 2, seed=seed)
        self.W_out = tf.Variable(rng.standard_normal((10, 1)), dtype=tf.float32)
        self.b_out = tf.Variable(rng.standard_normal(1), dtype=tf.float32)

    def __call__(self, x):
        outputs, _ = dynamic_rnn(self.cell, x)
        return project(outputs, self.W_out, self.b_out)

    def loss(self, x, y):
        return mse(self(x), y)


def test_shapes_are_the_printed_ones():
    assert TRAIN_X.shape == (3, 4, 2)
    outputs, state = dynamic_rnn(LSTMCell(10, 2), TRAIN_X)
    assert outputs.shape == (3, 4, 10)
    assert state.c.shape == state.h.shape == (3, 10)


def test_the_state_that_the_seed_calls_hidden_is_c_and_h_is_the_last_output():
    outputs, state = dynamic_rnn(LSTMCell(10, 2), TRAIN_X)
    np.testing.assert_array_equal(state.h, outputs[:, -1])
    assert np.abs(state.c - outputs[:, -1]).max() > 1e-3


def test_the_cell_has_520_parameters_in_one_kernel_of_12_by_40_and_40_biases():
    from course_lib.layouts import lstm_to_tf1

    cell = LSTMCell(10, 2)
    assert cell.parameter_count == 520
    kernel, bias = lstm_to_tf1(
        cell.kernel.numpy(), cell.recurrent_kernel.numpy(), cell.bias.numpy()
    )
    assert (kernel.shape, bias.shape) == ((12, 40), (40,))
    # The seed says that each gate's weights are hidden x features: that would be 10 x 2 only.
    assert kernel[:, :10].size == 10 * (10 + 2)


def test_the_projection_has_the_five_intermediate_shapes():
    network = Network()
    outputs, _ = dynamic_rnn(network.cell, TRAIN_X)
    tiled, shapes = project_tiled(outputs, network.W_out, network.b_out)
    assert shapes == [(10, 1), (1, 10, 1), (3, 10, 1), (3, 4, 1), (3, 4)]
    np.testing.assert_allclose(tiled, network(TRAIN_X), atol=1e-6)


def test_the_targets_are_sums_of_two_steps():
    first = TRAIN_X[:, :, 0]
    np.testing.assert_array_equal(TRAIN_Y[:, 0], first[:, 0])
    np.testing.assert_array_equal(TRAIN_Y[:, 1:], first[:, 1:] + first[:, :-1])


def test_the_baselines_are_87_75_and_19_69_and_1_681():
    errors = baseline_errors(TRAIN_X, TRAIN_Y)
    assert round(errors["zero"], 2) == 87.75
    assert round(errors["mean"], 2) == 19.69
    assert round(errors["memoryless"], 3) == 1.681


def test_the_printed_cost_is_worse_than_predicting_zero():
    assert baseline_errors(TRAIN_X, TRAIN_Y)["zero"] < UNTRAINED_COST_PRINTED


def test_untrained_networks_cost_about_as_much_as_the_printed_one():
    costs = [float(Network(seed).loss(TRAIN_X, TRAIN_Y)) for seed in range(60)]
    assert min(costs) < UNTRAINED_COST_PRINTED < max(costs)


def test_trained_on_the_rule_it_beats_the_best_memoryless_guess_on_fresh_sequences():
    network = Network()
    train(
        network,
        network.loss,
        lambda rng: tasks.two_step_sum(32, 4, rng),
        steps=250,
        learning_rate=0.03,
    )
    x, y = tasks.two_step_sum(500, 4, np.random.default_rng(10**6))
    fresh = float(network.loss(x, y))
    assert fresh < 0.2 * baseline_errors(x, y)["memoryless"]
