"""The probes of N07: what they see, and how they word what went wrong."""

import numpy as np
import pytest

from autograder.exercise import PUBLIC_SEED
from autograder.exercises import find
from autograder.judge import Judge
from autograder.probes import observe


def judged(exercise, answer):
    judge = Judge(find(exercise), PUBLIC_SEED)
    return judge.judge(judge.run(answer))


def differences(result):
    return {aspect.name: aspect.difference for aspect in result.aspects if not aspect.passed}


def test_shapes_may_be_tuples_lists_or_tensor_shapes():
    tf = pytest.importorskip("tensorflow")
    for shape in ((3, 4), [3, 4], tf.TensorShape([3, 4]), np.array([3, 4])):
        seen = observe("readout:tiled", lambda *_: (1.0, [shape]), (0, 0, 0))  # noqa: B023
        assert seen.value["shapes"] == [[3, 4]]


def test_a_shape_on_the_way_is_named_by_its_stage():
    broadcast = next(
        known.variant
        for known in find("project_tiled").misconceptions
        if known.name == "broadcast-not-tiled"
    )
    said = differences(judged("project_tiled", broadcast))["the five shapes"]
    assert said.endswith("tiled: the shape is (1, 10, 1), expected (3, 10, 1)")


def test_a_prediction_without_shapes_is_said_so():
    seen = observe("readout:tiled", lambda *_: np.zeros((3, 4)), (0, 0, 0))
    assert seen.detail == "expected two results, (pred, shapes)"


def test_a_number_for_shapes_that_differ_is_worded_for_a_person():
    result = judged("mse", lambda p, t: np.mean((p - t) ** 2))
    (said,) = differences(result).values()
    assert said.endswith("no error is raised; one has to be")


def test_a_tuple_in_place_of_the_dict_is_said_so():
    result = judged("baseline_errors", lambda x, y: (1.0, 2.0, 3.0))
    assert 'no dict that has "zero"' in differences(result)["zero"]


def test_who_solves_the_normal_equations_keeps_the_points_for_ordinary_features():
    def by_solve(x, y):
        table = np.c_[x.reshape(-1, x.shape[2]), np.ones(y.size)]
        if np.linalg.matrix_rank(table) < min(table.shape):
            raise np.linalg.LinAlgError("Singular matrix")
        weights = np.linalg.lstsq(table, y.ravel(), rcond=None)[0]
        error = np.mean((table @ weights - y.ravel()) ** 2)
        return {"zero": np.mean(y**2), "mean": np.var(y), "memoryless": error}

    wrong = differences(judged("baseline_errors", by_solve))
    lost = ["the tutorial's data, with a constant feature", "inputs left unchanged"]
    assert list(wrong) == lost


def test_a_training_that_does_not_end_is_ended():
    def endless(network, draw, goal, most):
        while True:
            draw()

    judge = Judge(find("fit_two_step_sum"), PUBLIC_SEED)
    seen = observe("readout:fit", endless, judge.cases[0].inputs)
    assert seen.raised == "TooManyBatchesError"
    assert seen.detail.startswith("draw was called 24 times, although `most` is 1")


def test_costs_that_are_not_told_cost_only_their_own_points():
    reference = find("fit_two_step_sum").reference

    def silent(network, draw, goal, most):
        reference(network, draw, goal, most)

    judge = Judge(find("fit_two_step_sum"), PUBLIC_SEED)
    seen = observe("readout:fit", silent, judge.cases[0].inputs)
    assert seen.value["costs"] is None
    assert seen.value["moved"] is not None


def test_updates_that_are_too_small_are_not_taken_for_a_single_one():
    tf = pytest.importorskip("tensorflow")

    def crawls(network, draw, goal, most=400):
        optimizer, costs = tf.keras.optimizers.Adam(), []  # its own rate: 0.001
        for _ in range(min(most, 30)):
            x, y = draw()
            with tf.GradientTape() as tape:
                out = network.outputs(x) @ network.W_out + network.b_out
                cost = tf.reduce_mean((out[:, :, 0] - y) ** 2)
            variables = network.trainable_variables
            optimizer.apply(tape.gradient(cost, variables), variables)
            costs.append(float(cost))
        return costs

    assert judged("fit_two_step_sum", crawls).misconception == "too-slow"
