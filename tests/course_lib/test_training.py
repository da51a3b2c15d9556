"""The loop: learns, stops, saves, resumes, and does the same thing twice."""

import os
import signal

import numpy as np
import pytest

from course_lib import LSTMCell, dynamic_rnn, project, tasks, tf, train
from course_lib.projection import mse


class Adder(tf.Module):
    """A small network for the two-step sum."""

    def __init__(self, seed=0, units=6):
        super().__init__()
        self.cell = LSTMCell(units, 2, seed=seed)
        self.W = tf.Variable(tf.ones([units, 1]))
        self.b = tf.Variable(tf.zeros(1))

    def loss(self, x, y):
        return mse(project(dynamic_rnn(self.cell, x)[0], self.W, self.b), y)


def batch(rng):
    return tasks.two_step_sum(4, 5, rng)


def run(model=None, **options):
    model = model or Adder()
    return model, train(model, model.loss, batch, **{"steps": 30, "learning_rate": 0.05} | options)


def test_the_loss_falls():
    _, report = run(steps=150)
    assert report.losses[-20:].mean() < 0.2 * report.losses[:5].mean()
    assert (report.stopped, report.resumed_from, len(report.losses)) == ("steps", 0, 150)


def test_one_seed_gives_the_same_losses_bit_for_bit():
    (_, first), (_, again), (_, other) = run(), run(), run(seed=1)
    np.testing.assert_array_equal(first.losses, again.losses)
    assert not np.array_equal(first.losses, other.losses)


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    whole_model, whole = run()
    path = tmp_path / "run" / "adder.npz"
    run(steps=13, checkpoint=path)
    model, report = run(Adder(seed=9), checkpoint=path)  # other first weights: they are restored
    assert report.resumed_from == 13
    np.testing.assert_array_equal(report.losses, whole.losses)
    for a, b in zip(model.variables, whole_model.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_interrupted_run_saves_what_it_has(tmp_path):
    path, calls = tmp_path / "adder.npz", []

    def interrupted(rng):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return batch(rng)

    model = Adder()
    with pytest.raises(KeyboardInterrupt):
        train(model, model.loss, interrupted, steps=30, learning_rate=0.05, checkpoint=path)
    _, report = run(checkpoint=path)
    assert report.resumed_from == 7
    np.testing.assert_array_equal(report.losses, run()[1].losses)
    assert list(tmp_path.iterdir()) == [path]


def test_an_update_during_which_ctrl_c_is_pressed_counts_once(tmp_path):
    path, calls = tmp_path / "adder.npz", []

    class Interrupted(Adder):
        def loss(self, *parts):
            found = super().loss(*parts)

            def pressed(value):
                calls.append(1)
                if len(calls) == 8:
                    os.kill(os.getpid(), signal.SIGINT)  # from a thread of TensorFlow's
                return value

            return tf.numpy_function(pressed, [found], found.dtype) * 0.0 + found

    model = Interrupted()
    # What a shell runs in the background has this signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            train(model, model.loss, batch, steps=30, learning_rate=0.05, checkpoint=path)
    finally:
        signal.signal(signal.SIGINT, before)
    whole_model, whole = run()
    model, report = run(checkpoint=path)
    assert report.resumed_from == 8
    np.testing.assert_array_equal(report.losses, whole.losses)
    for a, b in zip(model.variables, whole_model.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_finished_run_is_not_run_again(tmp_path):
    path = tmp_path / "adder.npz"
    _, first = run(checkpoint=path)
    _, again = run(checkpoint=path)
    assert again.resumed_from == 30
    np.testing.assert_array_equal(first.losses, again.losses)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    path = tmp_path / "adder.npz"
    run(checkpoint=path)
    with pytest.raises(
        ValueError, match=r"checkpoint: adder.npz holds \(.*\) where \(.*\) is expected"
    ):
        run(Adder(units=7), checkpoint=path)


def test_it_stops_at_the_goal_and_out_of_patience():
    _, report = run(steps=500, goal=20.0)
    assert report.stopped == "goal"
    assert report.losses[-20:].mean() < 20
    _, report = run(steps=500, learning_rate=0.0, patience=10)
    assert report.stopped == "patience"
    assert len(report.losses) < 200


def test_gradients_are_clipped_together():
    model = Adder()
    before = [v.numpy() for v in model.trainable_variables]
    run(model, steps=1, optimizer=tf.keras.optimizers.SGD(1.0), clip_norm=0.01)
    moved = [v.numpy() - b for v, b in zip(model.trainable_variables, before, strict=True)]
    assert np.sqrt(sum((m**2).sum() for m in moved)) == pytest.approx(0.01, rel=1e-3)


def test_a_loss_that_is_no_number_stops_the_run_and_spares_the_checkpoint(tmp_path):
    path = tmp_path / "adder.npz"
    run(steps=5, checkpoint=path)
    kept = path.read_bytes()
    model = Adder()
    with pytest.raises(FloatingPointError, match=r"loss: is nan at step 5"):
        train(
            model,
            lambda x, y: model.loss(x, y) * np.nan,
            batch,
            steps=9,
            learning_rate=0.05,
            checkpoint=path,
        )
    assert path.read_bytes() == kept


def test_nothing_is_printed_where_no_line_can_be_overwritten(capsys):
    run(steps=3, progress=True)
    assert capsys.readouterr() == ("", "")


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match=r"steps: is 0"):
        run(steps=0)
