"""N04: what its notebook promises in words, and how its cards read."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from autograder.exercise import PUBLIC_SEED
from autograder.exercises import n04_backprop_through_time as n04
from autograder.judge import Judge
from course_lib import numerical_gradient, relative_error, rnn_backward, rnn_forward
from course_lib.slide_backward import slide_step_backward, slide_step_forward

NAME = "04_backprop_through_time"
SOURCE = (Path(__file__).parents[2] / "solutions" / NAME / f"{NAME}.py").read_text("utf-8")


def judged(exercise, answer):
    judge = Judge(exercise, PUBLIC_SEED)
    return judge.judge(judge.run(answer))


def variant(exercise, name):
    return next(known.variant for known in exercise.misconceptions if known.name == name)


def test_every_pointer_names_a_heading_of_the_notebook() -> None:
    headings = set(re.findall(r"^# #+ (.+)$", SOURCE, re.MULTILINE))
    for exercise in n04.EXERCISES:
        pointers = [exercise.pointer, *(known.pointer for known in exercise.misconceptions)]
        for pointer in pointers:
            for quoted in re.findall("“([^”]+)”", pointer):
                if not pointer.startswith("Notebook 2"):
                    assert quoted in headings, (exercise.id, quoted)


# The five people of "Find the bug from the pattern", and what the table says of each.
PATTERNS = {
    "Ana": ("keeps-the-first-steps-weights", "ok ok ok ok ok ok ok off off off"),
    "Ben": ("drops-dh-next", "ok ok ok ok ok off off off off off"),
    "Cleo": (None, "ok ok ok off ok ok ok ok off ok"),
    "Dan": (None, "ok off ok ok ok off off off off off"),
    "Eva": ("dx-in-backward-order", "ok ok ok ok ok off ok ok ok ok"),
}


def _walk_with(step):
    def backward(dy, cache):
        dh_next, dx, sums = np.zeros_like(dy[:, 0]), [], [0, 0, 0]
        for t in reversed(range(len(cache))):
            dx_t, dh_next, *weights = step(dy[:, t] + dh_next, cache[t])
            dx.append(dx_t)
            sums = [a + b for a, b in zip(sums, weights, strict=True)]
        return np.stack(dx[::-1], axis=1), dh_next, *sums

    return backward


@pytest.mark.parametrize("person", PATTERNS)
def test_the_table_of_wrong_gradients_tells_the_truth(person: str) -> None:
    known, told = PATTERNS[person]
    step = {"Cleo": "dwh-from-the-new-state", "Dan": "wh-not-transposed"}.get(person)
    backward = (
        variant(n04.RNN_BACKWARD, known)
        if known
        else _walk_with(variant(n04.RNN_STEP_BACKWARD, step))
    )
    rng = np.random.default_rng(5)
    found = []
    for time in (1, 6):
        x, h0, dy = (rng.normal(size=size) for size in ((2, time, 3), (2, 4), (2, time, 4)))
        weights = [rng.normal(0, 0.5, size) for size in ((3, 4), (4, 4), (4,))]
        _, caches = rnn_forward(x, h0, *weights)
        pairs = zip(backward(dy, caches), rnn_backward(dy, caches), strict=True)
        found += ["ok" if relative_error(a, b) < 1e-7 else "off" for a, b in pairs]
    assert " ".join(found) == told
    row = next(line for line in SOURCE.splitlines() if line.startswith(f"# | {person} |"))
    assert row.replace("*", "").replace("|", " ").split()[2:] == told.split()


def test_the_notebooks_broken_function_is_the_one_with_all_four_mistakes() -> None:
    start = SOURCE.index("def broken_slide_backward")
    scope: dict[str, object] = {}
    exec(SOURCE[start : SOURCE.index("# %%", start)], scope)
    result = judged(n04.REPAIR_SLIDE_BACKWARD, scope["broken_slide_backward"])
    assert result.score == 0
    assert result.misconception == "left-relu-and-tanh-and-one-way-and-new-state"


def test_each_repair_of_the_slides_cell_names_what_is_left() -> None:
    result = judged(
        n04.REPAIR_SLIDE_BACKWARD, variant(n04.REPAIR_SLIDE_BACKWARD, "left-tanh-and-new-state")
    )
    assert result.score == 1
    assert result.hint == ("Two mistakes are left: the slope of tanh and the gradient of Bv.")


def test_the_way_back_through_the_slides_cell_agrees_with_nudging() -> None:
    rng = np.random.default_rng(0)
    shapes = [(3, 2), (3, 4), (2, 5), (4, 5), (2, 4), (4, 4)]
    inputs = [rng.uniform(-1, 1, shape) for shape in shapes]
    d_output, d_new = rng.normal(size=(3, 5)), rng.normal(size=(3, 4))
    *_, cache = slide_step_forward(*inputs)
    for position, gradient in enumerate(slide_step_backward(d_output, d_new, cache)):

        def loss(value, position=position):
            output, new, _ = slide_step_forward(*inputs[:position], value, *inputs[position + 1 :])
            return (d_output * output).sum() + (d_new * new).sum()

        assert relative_error(gradient, numerical_gradient(loss, inputs[position])) < 1e-7


def test_a_result_of_too_few_parts_is_named_in_words() -> None:
    result = judged(n04.RNN_STEP_BACKWARD, lambda dh, cache: (dh, dh))
    assert "expected 5 results, (dx, dh_prev, dWx, dWh, db); got 2" in result.reason
    result = judged(n04.CLIP_BY_GLOBAL_NORM, lambda grads, limit: None)
    assert "expected 2 results, (grads, norm); got one NoneType" in result.reason


def test_a_list_that_was_emptied_or_refilled_counts_as_changed() -> None:
    result = judged(n04.RNN_BACKWARD, variant(n04.RNN_BACKWARD, "changes-its-inputs"))
    assert (result.misconception, result.score) == ("changes-its-inputs", 5)

    def refill(grads, limit):
        norm = np.sqrt(sum(np.sum(g**2) for g in grads))
        for k in range(len(grads)):
            grads[k] = grads[k] * min(1.0, limit / norm) if norm else grads[k]
        return grads, norm

    result = judged(n04.CLIP_BY_GLOBAL_NORM, refill)
    assert (result.misconception, result.score) == ("works-in-place", 4)


@pytest.mark.parametrize("begun", ["arrays", "numbers", "lists"])
def test_a_loop_that_stops_before_step_0_is_named_however_its_sums_begin(begun: str) -> None:
    def backward(dy, cache):
        x, h_prev, _, Wx, Wh = cache[0]
        dh_next, dWx, dWh, db = 0, 0, 0, 0
        if begun == "arrays":
            dh_next, dWx, dWh = np.zeros_like(h_prev), np.zeros_like(Wx), np.zeros_like(Wh)
            db = np.zeros(len(Wh))
        dx, pieces = np.zeros((*dy.shape[:2], x.shape[1])), []
        for t in range(len(cache) - 1, 0, -1):
            x, h_prev, h, Wx, Wh = cache[t]
            da = (dy[:, t] + dh_next) * (1 - h**2)
            dx[:, t], dh_next = da @ Wx.T, da @ Wh.T
            pieces.insert(0, dx[:, t])
            dWx, dWh, db = dWx + x.T @ da, dWh + h_prev.T @ da, db + da.sum(axis=0)
        return np.stack(pieces, axis=1) if begun == "lists" else dx, dh_next, dWx, dWh, db

    named = judged(n04.RNN_BACKWARD, backward).misconception
    assert named.startswith("first-step-left-out")


def test_a_shape_error_names_the_gradient_and_its_axis() -> None:
    result = judged(n04.RNN_STEP_BACKWARD, variant(n04.RNN_STEP_BACKWARD, "db-summed-over-units"))
    assert "db: hidden is 2, expected 4" in result.reason


def test_a_function_called_with_another_shape_says_so() -> None:
    result = judged(n04.NUMERICAL_GRADIENT, lambda f, x, df, h=1e-5: f(x.ravel()[:2]))
    assert "f was called with an array of shape (2,); x has (4,)" in result.reason


def test_the_circular_law_is_as_the_notebook_says() -> None:
    weights = np.random.default_rng(0).uniform(-1, 1, (512, 512))
    vector, growth = np.ones(512), []
    for _ in range(300):
        vector = vector @ weights
        growth.append(np.log(np.linalg.norm(vector)))
        vector /= np.linalg.norm(vector)
    assert np.exp(np.mean(growth[100:])) == pytest.approx(np.sqrt(512 / 3), rel=0.05)
