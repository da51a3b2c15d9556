"""The six ways to write an LSTM agree, and a race is fair."""

import numpy as np
import pytest

from course_lib import EchoNetwork, LSTMCell, dynamic_rnn, hoist_input_projection, tf
from course_lib.keras_models import same_model_in_keras
from course_lib.speed import contestants, machine, middle, race


def test_all_contestants_compute_the_same_outputs_and_gradients():
    field = contestants(2, 4, 3, 5)
    first = field[0]
    outputs, gradients = first.forward(), first.train()
    for one in field[1:]:
        np.testing.assert_allclose(one.forward(), outputs, atol=1e-5)
        for got, wanted in zip(one.train(), gradients, strict=True):
            np.testing.assert_allclose(tf.convert_to_tensor(got), wanted, atol=1e-5)


def test_only_what_runs_line_by_line_has_no_graph():
    nodes = {one.name: one.nodes for one in contestants(2, 4, 3, 5)}
    assert nodes.pop("readable") is None
    assert all(forward < training for forward, training in nodes.values())


def test_everybody_runs_once_a_round_and_once_to_warm_up():
    calls = []
    times = race({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, seconds=0.0)
    assert "".join(calls) == "ab" * 4
    assert [len(values) for values in times.values()] == [3, 3]


def test_the_median_is_not_moved_by_one_bad_round():
    assert middle({"a": [1.0, 2.0, 900.0]}) == {"a": 2.0}


def test_the_machine_names_its_cores_and_tensorflow():
    assert "cores" in machine()
    assert tf.__version__ in machine()


@pytest.mark.parametrize(("B", "T", "D", "H"), [(3, 5, 2, 4), (1, 1, 3, 3)])
def test_hoisting_changes_no_number(B, T, D, H):
    cell = LSTMCell(H, D, seed=2)
    x = tf.random.stateless_normal([B, T, D], seed=[2, 3])
    state = tf.nest.map_structure(lambda part: part + 0.5, cell.zero_state(B))
    outputs, last = hoist_input_projection(x, state, cell.kernel, cell.recurrent_kernel, cell.bias)
    expected, expected_last = dynamic_rnn(cell, x, state)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(last.c, expected_last.c, atol=1e-6)


def test_the_rebuilt_model_goes_on_where_the_last_call_ended():
    network = EchoNetwork(units=3, layers=3, seed=4)
    model = same_model_in_keras(network, batch=2)
    bits = np.random.default_rng(0).integers(0, 2, size=(2, 8))
    expected, _ = network(bits, network.zero_state(2))
    x = bits[:, :, None].astype(np.float32)
    got = np.concatenate([model(x[:, :3]), model(x[:, 3:])], axis=1)
    np.testing.assert_allclose(got, expected, atol=1e-5)
