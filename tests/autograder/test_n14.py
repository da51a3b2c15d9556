"""N14's exercises: what the probes see in a layer, a graph, a model, and a ward of patients."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.card import as_text
from autograder.exercise import PUBLIC_SEED
from autograder.exercises.n14_fast_and_standard import (
    DIAGNOSE,
    EXPERIMENTS,
    HOIST_INPUT_PROJECTION,
    SAME_MODEL_IN_KERAS,
    WARDS,
)
from autograder.judge import Judge
from autograder.probes.standard import hoisted, to_cell
from course_lib.cells.state import LSTMStateTuple
from course_lib.patients import HEALTHY, NAMES, admit


def test_the_verdict_on_every_doctor_is_the_same_for_ten_seeds() -> None:
    scores = set()
    for seed in range(10):
        judge = Judge(DIAGNOSE, seed)
        verdicts = [judge.judge(judge.run(known.variant)) for known in DIAGNOSE.misconceptions]
        names = [verdict.misconception for verdict in verdicts]
        assert names == [known.name for known in DIAGNOSE.misconceptions]
        scores.add(tuple(verdict.score for verdict in verdicts))
    assert len(scores) == 1


def test_one_word_for_everybody_earns_nothing() -> None:
    judge = Judge(DIAGNOSE, PUBLIC_SEED)
    for word in (HEALTHY, *NAMES):
        assert judge.judge(judge.run(lambda patient, word=word: word)).score == 0


def test_every_trouble_is_in_one_ward_and_in_the_list_of_names() -> None:
    listed = [name for names in WARDS.values() for name in names]
    assert sorted(listed) == sorted(NAMES) == sorted(EXPERIMENTS)


def test_a_word_that_is_no_diagnosis_is_called_one_on_the_card() -> None:
    judge = Judge(DIAGNOSE, PUBLIC_SEED)
    seen = as_text(judge.judge(judge.run(lambda patient: "hypochondria")))
    assert "'hypochondria' is none of the eleven names" in seen


@pytest.mark.parametrize("name", [HEALTHY, *NAMES])
def test_a_patient_tells_its_trouble_to_nobody_who_does_not_ask(name: str) -> None:
    patient = admit(name, 3)
    assert name not in repr(patient)
    public = [getattr(patient, part) for part in dir(patient) if not part.startswith("_")]
    assert name not in [value for value in public if isinstance(value, str)]


def _run(side_by_side: bool, in_function: bool) -> object:
    from course_lib.quiet import tf

    def answer(x, state, kernel, recurrent_kernel, bias):
        def project(x):
            return tf.einsum("btd,dk->btk", x, kernel) + bias

        c, h = state
        projected = tf.function(project)(x) if in_function else project(x)
        for z in tf.unstack(projected, axis=1):
            if side_by_side:
                z = z + 0 * (tf.concat([x[:, 0], h], 1) @ tf.concat([kernel, recurrent_kernel], 0))
            i, f, g, o = tf.split(z + h @ recurrent_kernel, 4, axis=1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
        return x, LSTMStateTuple(c, h)

    case = Judge(HOIST_INPUT_PROJECTION, 1).cases[0]
    return hoisted(answer, *case.inputs)["products with the input"]


def test_a_product_inside_a_called_function_is_found() -> None:
    once = {"once": 1, "in a loop": 0, "joined with the state": 0}
    assert _run(False, in_function=False) == once
    assert _run(False, in_function=True) == once


def test_products_of_input_and_state_side_by_side_are_found_in_an_unrolled_graph() -> None:
    assert _run(True, in_function=False)["joined with the state"] == 6


def test_a_wrong_number_of_parameters_is_named_on_the_card() -> None:
    known = next(k for k in SAME_MODEL_IN_KERAS.misconceptions if k.name == "upper-layers-shared")
    judge = Judge(SAME_MODEL_IN_KERAS, PUBLIC_SEED)
    assert "the model has 250 parameters, expected 394" in as_text(
        judge.judge(judge.run(known.variant))
    )


def test_an_unwritten_converter_is_not_taken_for_a_refusal() -> None:
    def unwritten(layer):
        raise NotImplementedError

    rng = np.random.default_rng(0)
    weights = [rng.normal(size=size).astype("f") for size in ((3, 5), (5, 5), (5,))]
    with pytest.raises(NotImplementedError):
        to_cell(unwritten, "rnn", weights, {"activation": "relu"}, np.ones((2, 4, 3), "f"), [])
