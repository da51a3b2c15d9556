"""N14's clinic: patients that are examined from afar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograder.oracles import Refused
from autograder.values import Plain
from course_lib.cells.state import LSTMStateTuple
from course_lib.patients import Patient, admit

MOST_NUMBERS = 20_000
MOST_STEPS = 100
MOST_TO_DERIVE = 2_000


class Clinic:
    """The patients of one ward, asked for by their number.

    Args:
        cards: for each patient its ``name``, ``seed``, and whether it has ``equal biases``.
    """

    def __init__(self, cards: Sequence[dict[str, Any]]) -> None:
        self._patients = [
            admit(card["name"], card["seed"], equal_biases=card["equal biases"]) for card in cards
        ]

    def answer(self, question: str, arguments: Sequence[Plain]) -> object:
        """What a patient shows: ``sizes``, ``weights``, ``read``, ``gradient`` or ``lesson``."""
        match question, arguments:
            case "sizes", []:
                return [[patient.features, patient.units] for patient in self._patients]
            case "weights", [number]:
                return self._patient(number).weights()
            case "read", [number, x, lengths, states]:
                patient = self._patient(number)
                return _read(patient, _batch(x), _whole(lengths), _states(states))
            case "gradient", [number, x]:
                return _gradient(self._patient(number), _batch(x))
            case "lesson", [number, ids]:
                inputs, targets = self._patient(number).lesson(_series(ids))
                return [inputs, targets]
        raise Refused("a patient cannot be asked that")

    def _patient(self, number: Plain) -> Patient:
        if type(number) is not int or not 0 <= number < len(self._patients):
            raise Refused("there is no such patient")
        return self._patients[number]


def _read(patient: Patient, x: np.ndarray, lengths: Any, states: Any) -> dict[str, Any]:
    with np.errstate(all="ignore"):
        try:
            seen = patient.read(x, lengths, states)
        except ValueError as problem:
            raise Refused(str(problem)) from None
    return {
        "outputs": seen.outputs,
        "states": [[state.c, state.h] for state in seen.states],
        "backward": seen.backward,
        "attention": seen.attention,
    }


def _gradient(patient: Patient, x: np.ndarray) -> np.ndarray:
    if x.size > MOST_TO_DERIVE:
        raise Refused(f"x: {x.size} numbers, at most {MOST_TO_DERIVE} for a gradient")
    with np.errstate(all="ignore"):
        try:
            return patient.gradient(x)
        except ValueError as problem:
            raise Refused(str(problem)) from None


def _numbers(value: Plain, what: str) -> np.ndarray:
    """An array of real numbers, not too many."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
        raise Refused(f"{what}: expected an array of numbers")
    if value.size > MOST_NUMBERS:
        raise Refused(f"{what}: {value.size} numbers, at most {MOST_NUMBERS}")
    return value


def _batch(value: Plain) -> np.ndarray:
    x = _numbers(value, "x")
    if x.ndim == 3 and (x.shape[1] > MOST_STEPS or not x.size):
        raise Refused(f"x: shape is {x.shape}; expected from 1 to {MOST_STEPS} time steps")
    return x.astype(float)


def _whole(value: Plain) -> np.ndarray | None:
    if value is None:
        return None
    lengths = _numbers(value, "lengths")
    if lengths.dtype.kind not in "iu" or lengths.ndim != 1:
        raise Refused("lengths: expected whole numbers, one for each sequence")
    return np.clip(lengths, -1, MOST_STEPS + 1).astype(np.int64)


def _states(value: Plain) -> list[LSTMStateTuple] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > 100:
        raise Refused("states: expected three, one a layer")
    states = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise Refused("states: expected LSTMStateTuple(c, h) for each layer")
        c, h = (_numbers(part, "states").astype(float) for part in pair)
        states.append(LSTMStateTuple(c=c, h=h))
    return states


def _series(value: Plain) -> np.ndarray:
    ids = _numbers(value, "ids")
    if ids.dtype.kind == "b" or ids.ndim != 1:
        raise Refused("ids: expected a series of whole numbers")
    return ids
