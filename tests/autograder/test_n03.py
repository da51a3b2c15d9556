"""The probes of N03: what they see in answers of every kind, and how they word what went wrong."""

import numpy as np
import pytest

from autograder.exercise import PUBLIC_SEED
from autograder.exercises import find
from autograder.judge import Judge
from autograder.probes import observe


@pytest.fixture(scope="module")
def judge():
    return Judge(find("dynamic_rnn"), PUBLIC_SEED)


def graph_case(judge):
    return next(case for case in judge.cases if "traced" in case.tags)


def seen_in_a_graph(judge, answer):
    return observe("loops:unroll", answer, graph_case(judge).inputs)


def wrong_aspects(judge, answer):
    return [aspect.name for aspect in judge.judge(judge.run(answer)).aspects if not aspect.passed]


def test_one_trace_serves_two_lengths(judge):
    seen = seen_in_a_graph(judge, judge.exercise.reference)
    steps = {key: seen.value[key].shape[1] for key in ("outputs", "outputs of a shorter batch")}
    assert steps == {"outputs": 5, "outputs of a shorter batch": 3}


def test_a_tf_function_of_the_students_own_is_a_loop_too(judge):
    from course_lib import tf

    decorated = tf.function(judge.exercise.alternatives["a Python for over tf.range"])
    assert wrong_aspects(judge, decorated) == []


def test_a_function_that_python_runs_inside_the_graph_is_no_loop(judge):
    from course_lib import tf

    eager = judge.exercise.reference

    def through_python(step, x, h0, lengths):
        shapes = tf.float32, tf.float32
        outputs, h = tf.py_function(lambda *xs: eager(step, *xs), (x, h0, lengths), shapes)
        return outputs, h

    result = judge.judge(judge.run(through_python))
    (loop,) = [aspect for aspect in result.aspects if aspect.name == "loop in the graph"]
    assert loop.difference.endswith("there is no loop in the traced graph")


def test_an_answer_that_is_right_only_outside_of_graphs_keeps_its_other_points(judge):
    def unstacks(step, x, h0, lengths):
        from course_lib import tf

        h, outputs = h0, []
        for t, x_t in enumerate(tf.unstack(x, axis=1)):
            y, new = step(x_t, h)
            alive = (t < lengths)[:, tf.newaxis]
            outputs.append(tf.where(alive, y, 0.0))
            h = tf.where(alive, new, h)
        return tf.stack(outputs, axis=1), h

    assert wrong_aspects(judge, unstacks) == ["loop in the graph"]
    assert judge.judge(judge.run(unstacks)).misconception == "python-loop"


def test_asking_a_symbolic_tensor_for_numbers_is_not_taken_for_unwritten(judge):
    seen = seen_in_a_graph(judge, lambda step, x, h0, lengths: (np.asarray(x), h0))
    assert seen.raised == "SymbolicTensorError"
    assert "in user code" not in seen.detail


def test_tensorflows_own_names_are_left_out_of_messages(judge):
    seen = observe("loops:unroll", lambda step, x, h0, lengths: x @ h0, judge.cases[0].inputs)
    assert seen.raised == "InvalidArgumentError"
    assert "{{" not in seen.detail
    assert "[Op" not in seen.detail


def test_one_result_in_place_of_two_is_said_so(judge):
    seen = observe("loops:unroll", lambda step, x, h0, lengths: x, judge.cases[0].inputs)
    assert seen.detail == "expected two results, (outputs, h_last)"


def test_the_optimiser_is_as_it_was_after_a_graph(judge):
    from course_lib import tf

    before = tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False)
    seen_in_a_graph(judge, judge.exercise.reference)
    after = tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False)
    assert before == after


def test_nothing_is_written_to_stderr_about_a_loop_that_broke(judge, capfd):
    import gc

    def breaks(step, x, h0, lengths):
        from course_lib import tf

        outputs = tf.TensorArray(tf.float32, size=9).write(0, h0)
        raise ValueError(f"with {outputs.size()} places")

    seen_in_a_graph(judge, breaks)
    gc.collect()
    assert capfd.readouterr().err == ""


def test_rows_of_a_mask_that_differ_in_length_are_said_so():
    seen = observe("masks:mask", lambda n, T: [[1] * k for k in n], ([2, 3], 4))
    assert seen.detail == "the rows of the result differ in length: 2, 3"


def test_nested_lists_of_truth_values_are_a_mask():
    seen = observe("masks:mask", lambda n, T: [[t < k for t in range(T)] for k in n], ([1, 2], 2))
    assert seen.value.tolist() == [[True, False], [True, True]]
