"""Patients have the trouble that they are admitted with, and no other."""

import numpy as np
import pytest

from course_lib import LSTMCell, dynamic_rnn
from course_lib.cells.state import LSTMStateTuple
from course_lib.clinic import diagnose
from course_lib.patients import HEALTHY, NAMES, admit


@pytest.mark.parametrize("name", [HEALTHY, *NAMES])
def test_every_trouble_is_found_whatever_the_sizes_and_weights(name):
    for seed in range(20):
        assert diagnose(admit(name, seed, equal_biases=seed % 2 == 0)) == name


def test_a_healthy_patient_computes_what_the_cells_of_the_course_compute():
    patient = admit(HEALTHY, 5)
    x = np.random.default_rng(0).normal(size=(3, 6, patient.features))
    lengths = [6, 2, 4]
    ys = x
    seen = patient.read(x, lengths)
    for layer, state in zip(patient.weights(), seen.states, strict=True):
        cell = LSTMCell.from_weights(**layer)
        ys, last = dynamic_rnn(cell, ys, sequence_length=lengths)
        np.testing.assert_allclose(state.c, last.c, atol=1e-12)
        np.testing.assert_allclose(state.h, last.h, atol=1e-12)
    np.testing.assert_allclose(seen.outputs, ys, atol=1e-12)


def test_a_patient_stays_as_it_is_whatever_is_tried_on_it():
    patient = admit(HEALTHY, 1)
    x = np.ones((2, 3, patient.features))
    before = patient.read(x)
    patient.weights()[0]["kernel"][:] = 0
    before.outputs[:] = 7
    assert not np.array_equal(patient.read(x).outputs, before.outputs)
    assert (x == 1).all()


def test_attention_adds_up_to_one_over_the_steps_that_exist():
    patient = admit(HEALTHY, 2)
    seen = patient.read(np.ones((2, 5, patient.features)), [5, 3])
    np.testing.assert_allclose(seen.attention.sum(axis=1), 1)
    assert not seen.attention[1, 3:].any()


def test_the_gradient_of_a_healthy_patient_is_that_of_its_outputs():
    patient = admit(HEALTHY, 3)
    x = np.random.default_rng(1).normal(size=(1, 4, patient.features))
    moved = x.copy()
    moved[0, 1, 0] += 1e-4
    slope = (patient.read(moved).outputs[0, -1] - patient.read(x).outputs[0, -1]).sum() / 1e-4
    assert patient.gradient(x)[0, 1, 0] == pytest.approx(slope, rel=1e-2, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((np.ones((2, 3)),), "x: shape"),
        ((np.ones((2, 3, 99)),), "x: shape"),
        (("ok", [3, 4]), "lengths: expected"),
        (("ok", None, [LSTMStateTuple(np.ones(1), np.ones(1))] * 3), "states: c is"),
    ],
)
def test_what_does_not_fit_is_named(arguments, what):
    patient = admit(HEALTHY)
    first, *others = arguments
    x = np.ones((2, 3, patient.features)) if isinstance(first, str) else first
    with pytest.raises(ValueError, match=what):
        patient.read(x, *others)


def test_nobody_is_admitted_with_an_unknown_trouble():
    with pytest.raises(ValueError, match="expected 'healthy' or one of"):
        admit("a cold")
