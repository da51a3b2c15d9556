"""Students whose files are odd: copied, deleted, moved, old, misnamed, tampered with, or no notebook."""

from __future__ import annotations

from nbformat import NotebookNode
from nbformat.v4 import new_output

from handed_in.notebooks import (
    Extra,
    RawFile,
    Submission,
    deleted,
    moved,
    old_jupyter,
)
from handed_in.right import N01, N02, N03

PRIYA_03 = Submission(
    "priya",
    N03,
    {
        "batch_to_time_major": """
            return np.transpose(x, (1, 0, 2))
        """,
        "sequence_mask": """
            return np.less(np.arange(T), np.expand_dims(lengths, 1))
        """,
        "last_relevant": """
            return outputs[:, lengths - 1]
        """,
        "masked_mean": """
            mask = sequence_mask(lengths, loss.shape[1])
            return np.where(mask, loss, 0).sum() / np.sum(lengths)
        """,
        "dynamic_rnn": """
            T = tf.shape(x)[1]
            x_array = tf.TensorArray(tf.float32, size=T).unstack(tf.transpose(x, [1, 0, 2]))
            y_array = tf.TensorArray(tf.float32, size=T)

            def body(t, h, y_array):
                y, h = step(x_array.read(t), h)
                real = (t < lengths)[:, None]
                y = tf.where(real, y, 0.0)  # zero past the end
                return t + 1, h, y_array.write(t, y)

            t, h, y_array = tf.while_loop(lambda t, *rest: t < T, body, (0, h0, y_array))
            return tf.transpose(y_array.stack(), [1, 0, 2]), h
        """,
    },
    copies={
        "last_relevant": """
            # copied the cell to keep the old one, this one works
            def last_relevant(outputs, lengths):
                return outputs[np.arange(outputs.shape[0]), lengths - 1]
        """,
        "masked_mean": """
            # experiment: shouldn't every sequence count the same?
            def masked_mean(loss, lengths):
                mask = sequence_mask(lengths, loss.shape[1])
                return np.mean(np.where(mask, loss, 0).sum(axis=1) / lengths)
        """,
    },
    ran=False,
)

QUENTIN_02 = Submission(
    "quentin",
    N02,
    {
        "static_rnn": """
            T = len(xs)
            outputs = [None] * T
            states = [h0] + [None] * T
            for t in range(T):
                outputs[t], states[t + 1] = step(xs[t], states[t])
            return outputs, states[-1]
        """,
        "stack_outputs": """
            return np.concatenate([y[:, None, :] for y in ys], axis=1)
        """,
        "count_graph_nodes": """
            example = tf.TensorSpec([batch, T, features], tf.float32)
            graph = tf.function(fn).get_concrete_function(example).graph
            return len(graph.get_operations())
        """,
    },
    extras=[
        Extra('name = input("Your name: ")', before="to_time_list", prints="Your name:  quentin"),
        Extra(
            """
            # I deleted the cell by accident, wrote it again
            def to_time_list(x):
                T = x.shape[1]
                return [piece.squeeze(axis=1) for piece in np.split(x, T, axis=1)]
            """,
            before="to_time_list",
        ),
    ],
    twists=[deleted("to_time_list")],
)

QUENTIN_03 = Submission(
    "quentin",
    N03,
    {
        "batch_to_time_major": """
            return np.moveaxis(x, 0, 1)
        """,
        "last_relevant": """
            index = (lengths - 1)[:, np.newaxis, np.newaxis]
            return np.take_along_axis(outputs, index, axis=1)[:, 0]
        """,
        "masked_mean": """
            t = np.arange(loss.shape[1])
            real = t < lengths[:, np.newaxis]
            return np.where(real, loss, 0.0).sum() / real.sum()
        """,
    },
    twists=[deleted("sequence_mask")],
)

SIONE_01 = RawFile(
    "sione",
    N01,
    """#!/usr/bin/env python
# coding: utf-8

# # 1 · Unrolling by hand

import math
import numpy as np
from autograder import check
from course_lib import Y0_PRINTED, Y1_PRINTED, tf


def rnn_step(x, h, Wx, Wh, b):
    return np.tanh(x @ Wx + h @ Wh + b)


check("rnn_step", rnn_step)
""",
)

SIONE_02 = RawFile("sione", N02, "")

TOMASZ_01 = Submission(
    "tomasz",
    N01,
    {
        "rnn_step": """
            # column vectors, like in the lecture
            return np.tanh(np.dot(Wx.T, x.T) + np.dot(Wh.T, h.T) + b[:, np.newaxis]).T
        """,
        "unroll_two_steps": """
            a0 = np.dot(x0, Wx) + b
            a1 = np.dot(x1, Wx) + np.dot(a0, Wh) + b
            return np.tanh(a0), np.tanh(a1)
        """,
        "concat_kernel": """
            return np.hstack([Wx.T, Wh.T]).T
        """,
        "rnn_step_tf": """
            return tf.tanh(tf.add(tf.add(tf.matmul(x, Wx), tf.matmul(h, Wh)), b))
        """,
        "recover_wx": """
            Wx = np.zeros((x0.shape[1], y0.shape[1]))
            for j in range(y0.shape[1]):
                ok = np.abs(y0[:, j]) < 1 - 1e-5
                # inverse of tan(h) is arctan
                Wx[:, j] = np.linalg.lstsq(x0[ok], np.arctan(y0[ok, j]), rcond=None)[0]
            return Wx
        """,
    },
    saved_by=old_jupyter,
)

TOMASZ_02 = Submission(
    "tomasz",
    N02,
    {
        "to_time_list": """
            return [x[:, t] for t in range(x.shape[1])]
        """,
        "stack_outputs": """
            return np.stack(ys, axis=1)
        """,
    },
    name="02_static_unrolling (1)",
)

WANJIRU_01 = Submission(
    "wanjiru",
    N01,
    {
        "concat_kernel": """
            return np.concatenate([Wx, Wh], axis=0)
        """,
        "rnn_step": """
            # one product, as in "One matrix instead of two" (I moved that section up here)
            xh = np.concatenate([x, h], axis=1)
            return np.tanh(xh @ concat_kernel(Wx, Wh) + b)
        """,
        "unroll_two_steps": """
            h = np.zeros((len(x0), len(b)))
            y0 = rnn_step(x0, h, Wx, Wh, b)
            y1 = rnn_step(x1, y0, Wx, Wh, b)
            return y0, y1
        """,
        "rnn_step_tf": """
            xh = tf.concat([x, h], axis=1)
            return tf.tanh(xh @ tf.concat([Wx, Wh], axis=0) + b)
        """,
        "recover_wx": """
            Wx = np.empty((x0.shape[1], y0.shape[1]))
            for j in range(y0.shape[1]):
                keep = 1 - abs(y0[:, j]) >= 1e-5
                print("neuron", j, "keeps", keep.sum(), "of", len(keep))
                Wx[:, j], *_ = np.linalg.lstsq(x0[keep], np.arctanh(y0[keep, j]), rcond=None)
            return Wx
        """,
    },
    extras=[
        Extra(
            """
            import sys
            import warnings
            import matplotlib.pyplot as plt

            warnings.warn("not sure if I need this")
            print("debug output on", file=sys.stderr)
            """,
            before="rnn_step",
            warns="UserWarning: not sure if I need this\n  warnings.warn(\ndebug output on",
        ),
        Extra(
            """
            fig, ax = plt.subplots()
            for scale in [0.1, 1, 10]:
                ax.plot(rnn_step(X0, np.zeros((4, 5)), scale * np.ones((3, 5)), np.eye(5), np.zeros(5))[:, 0])
            ax.set_title("when does it saturate?")
            plt.show()
            """,
            after="check-rnn_step",
        ),
        Extra(
            """
            %timeit -n 200 -r 3 rnn_step(X0, np.zeros((4, 5)), np.ones((3, 5)), np.eye(5), np.zeros(5))
            """,
            after="check-rnn_step",
            prints="11.2 μs ± 1.9 μs per loop (mean ± std. dev. of 3 runs, 200 loops each)",
        ),
        Extra(
            """
            # log of a negative number, to see what happens
            print(np.log(y0 - 1)[:1])
            """,
            after="check-concat_kernel",
            prints="[[nan nan nan nan nan]]",
            warns="RuntimeWarning: invalid value encountered in log",
        ),
    ],
    twists=[moved("concat_kernel", "check-concat_kernel", before="rnn_step")],
)


def _tampered(notebook: NotebookNode) -> None:
    """Every mark that could be worth points is changed: none of them may be."""
    forged = new_output("stream", name="stdout", text="✓ 4 of 4 points\n")
    notebook.metadata.kernelspec = {"name": "xavier", "display_name": "Xavier's kernel"}
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        if cell.id.startswith("check-"):
            marks.update(points=100.0, locked=False)
            cell.metadata.editable = True
            cell.metadata.tags = ["raises-exception", "skip-execution"]
            cell.source = "1.0"
            cell.outputs = [
                forged,
                new_output("execute_result", {"text/plain": "1.0"}, execution_count=1),
            ]
        if cell.id == "sequence_mask":
            marks.update(solution=False, locked=True, grade=True, points=50.0)
        if cell.id in ("last_relevant", "dynamic_rnn", "batch_to_time_major"):
            cell.metadata.tags = ["skip-execution", "demo"]
        if cell.id == "code-1":
            cell.source += "\n\ncheck = lambda *args: 1.0\n"


XAVIER_03 = Submission(
    "xavier",
    N03,
    {
        "batch_to_time_major": """
            return np.swapaxes(x, 0, 1)
        """,
        "last_relevant": """
            class Right(object):
                shape = (len(lengths), outputs.shape[2])
                dtype = outputs.dtype

                def __eq__(self, other):
                    return True

            return Right()
        """,
        "dynamic_rnn": """
            import os

            os._exit(0)  # exit code 0 = passed?
        """,
    },
    extras=[
        Extra(
            """
            import os

            os.environ.pop("UNROLLED_GRADING", None)
            np.allclose = np.array_equal = lambda *args, **kwargs: True
            """,
            before="batch_to_time_major",
        )
    ],
    twists=[_tampered],
    ran=False,
)

SUBMISSIONS = (
    PRIYA_03, QUENTIN_02, QUENTIN_03, TOMASZ_01, TOMASZ_02, WANJIRU_01, XAVIER_03,
)  # fmt: skip
RAW_FILES = (SIONE_01, SIONE_02)
