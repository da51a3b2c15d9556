"""Find out by experiment what is wrong with a network, without looking into its program.

A symptom often has more than one possible cause, so the order matters: first what can be seen
directly, then one experiment after the other, each of which can only have the outcome in question
if the causes asked about before are out.
"""

from typing import Any

import numpy as np

from course_lib.cells.state import LSTMStateTuple


def diagnose(patient: Any) -> str:
    """The name of what is wrong, one of `patients.NAMES`, or "healthy".

    Args:
        patient: as `course_lib.patients.admit` makes them.

    >>> from course_lib.patients import admit
    >>> diagnose(admit("padding-read", seed=3)), diagnose(admit("healthy", seed=4))
    ('padding-read', 'healthy')
    """
    rng = np.random.default_rng(0)
    B, T, H = 2, 4, patient.units
    x = rng.normal(size=(B, T, patient.features))
    seen = patient.read(x)

    inputs, targets = patient.lesson(np.arange(5))
    if np.array_equal(inputs, targets):
        return "targets-not-shifted"
    if not np.allclose(seen.attention.sum(axis=1), 1):
        return "softmax-over-the-wrong-axis"
    kernels = [layer["recurrent_kernel"] for layer in patient.weights()]
    if any(np.array_equal(kernels[k], kernels[m]) for k in range(3) for m in range(k)):
        return "shared-layers"

    # One step of the bottom layer from nothing: the forget gate has nothing to keep.
    if not patient.read(0 * x).outputs.any():
        return "no-bias"
    bottom = patient.weights()[0]
    i, _, g, _ = np.split(x[:, 0] @ bottom["kernel"] + bottom["bias"], 4, axis=1)
    c = np.tanh(g) / (1 + np.exp(-i))
    if not np.allclose(patient.read(x[:, :1]).states[0].c, c):
        return "gates-in-another-order"

    zeros = [LSTMStateTuple(c=np.zeros((B, H)), h=np.zeros((B, H)))] * 3
    if np.allclose(_after(patient, x, zeros, c=1.0, h=1.0), _after(patient, x, zeros)):
        return "state-not-carried"
    if np.allclose(_after(patient, x, zeros, c=1.0), _after(patient, x, zeros)):
        return "forget-gate-on-h"

    short = [T - 2] * B
    padded = x.copy()
    padded[:, T - 2 :] += 1
    before, after = (patient.read(batch, short).states[-1].h for batch in (x, padded))
    if not np.allclose(before, after):
        return "padding-read"
    changed = x.copy()
    changed[:, 0] += 1
    if not np.allclose(patient.read(changed).backward[:, -1], seen.backward[:, -1]):
        return "not-turned-back"
    if not patient.gradient(x)[:, 0].any():
        return "gradient-cut"
    return "healthy"


def _after(patient: Any, x: Any, zeros: Any, *, c: float = 0.0, h: float = 0.0) -> Any:
    """The bottom layer's c after one step, from states with so much in them."""
    states = [LSTMStateTuple(c=state.c + c, h=state.h + h) for state in zeros]
    return patient.read(x[:, :1], states=states).states[0].c
