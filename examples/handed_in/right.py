"""Students whose answers are right, each in their own style."""

from __future__ import annotations

from handed_in.notebooks import Extra, Submission, colab

N01, N02, N03 = "01_unrolling_by_hand", "02_static_unrolling", "03_dynamic_rnn"

AMARA_01 = Submission(
    "amara",
    N01,
    {
        "rnn_step": """
            # (B, D) @ (D, H) -> (B, H), and the same for the state
            from_input = np.dot(x, Wx)
            from_state = np.dot(h, Wh)
            return np.tanh(from_input + from_state + b)
        """,
        "unroll_two_steps": """
            nothing_yet = np.zeros((x0.shape[0], Wh.shape[0]))
            y0 = rnn_step(x0, nothing_yet, Wx, Wh, b)
            y1 = rnn_step(x1, y0, Wx, Wh, b)
            return y0, y1
        """,
        "concat_kernel": """
            return np.concatenate((Wx, Wh), axis=0)
        """,
        "rnn_step_tf": """
            return tf.tanh(tf.matmul(x, Wx) + tf.matmul(h, Wh) + b)
        """,
        "recover_wx": """
            D, H = x0.shape[1], y0.shape[1]
            Wx = np.zeros((D, H))
            for j in range(H):
                good = np.abs(y0[:, j]) < 1 - 1e-5  # the witnesses that we believe
                sums = np.arctanh(y0[good, j])
                Wx[:, j] = np.linalg.lstsq(x0[good], sums, rcond=None)[0]
            return Wx
        """,
    },
    extras=[
        Extra(
            "6*5 + 5 = 35, so 100 steps: 300*5 + 5 = **1505**. And for three steps it just does not "
            "work, W has the wrong number of rows.",
            before="rnn_step",
            markdown=True,
        )
    ],
)

AMARA_03 = Submission(
    "amara",
    N03,
    {
        "batch_to_time_major": """
            return tf.transpose(x, [1, 0, 2])
        """,
        "sequence_mask": """
            return np.arange(T)[np.newaxis, :] < np.asarray(lengths)[:, np.newaxis]
        """,
        "last_relevant": """
            rows = np.arange(len(lengths))
            return outputs[rows, lengths - 1]
        """,
        "masked_mean": """
            real = sequence_mask(lengths, loss.shape[1])
            return loss[real].mean()
        """,
        "dynamic_rnn": """
            T = tf.shape(x)[1]
            xs = tf.TensorArray(tf.float32, size=T).unstack(batch_to_time_major(x))
            ys = tf.TensorArray(tf.float32, size=T)

            def condition(t, h, ys):
                return t < T

            def body(t, h, ys):
                y, new_h = step(xs.read(t), h)
                alive = tf.expand_dims(t < lengths, 1)  # (B, 1), not (B,)!
                y = tf.where(alive, y, tf.zeros_like(y))
                h = tf.where(alive, new_h, h)
                return t + 1, h, ys.write(t, y)

            _, h, ys = tf.while_loop(condition, body, (tf.constant(0), h0, ys))
            return tf.transpose(ys.stack(), [1, 0, 2]), h
        """,
    },
)

BJORN_01 = Submission(
    "bjorn",
    N01,
    {
        "rnn_step": """
            return np.tanh(np.einsum("bd,dh->bh", x, Wx) + np.einsum("bi,ih->bh", h, Wh) + b)
        """,
        "unroll_two_steps": """
            y0 = np.tanh(np.einsum("bd,dh->bh", x0, Wx) + b)  # state is zero, so no Wh here
            y1 = np.tanh(np.einsum("bd,dh->bh", x1, Wx) + np.einsum("bi,ih->bh", y0, Wh) + b)
            return y0, y1
        """,
        "concat_kernel": """
            return np.vstack([Wx, Wh])
        """,
        "rnn_step_tf": """
            return tf.tanh(tf.einsum("bd,dh->bh", x, Wx) + tf.einsum("bi,ih->bh", h, Wh) + b)
        """,
        "recover_wx": """
            # normal equations, one system per neuron:  (x^T x) w = x^T a
            columns = []
            for y in y0.T:
                ok = 1 - abs(y) > 1e-5
                x, a = x0[ok], np.arctanh(y[ok])
                columns.append(
                    np.linalg.solve(np.einsum("nd,ne->de", x, x), np.einsum("nd,n->d", x, a))
                )
            return np.stack(columns, axis=1)
        """,
    },
    ran=False,
)

BJORN_02 = Submission(
    "bjorn",
    N02,
    {
        "to_time_list": """
            return [*np.einsum("btd->tbd", x)]
        """,
        "static_rnn": """
            def one_more(so_far, x):
                ys, h = so_far
                y, h = step(x, h)
                return ys + [y], h

            return reduce(one_more, xs, ([], h0))
        """,
        "stack_outputs": """
            return np.einsum("tbh->bth", np.array(ys))
        """,
        "count_graph_nodes": """
            spec = tf.TensorSpec((batch, T, features), tf.float32)
            gd = tf.function(fn).get_concrete_function(spec).graph.as_graph_def()
            return len(gd.node) + sum(len(f.node_def) for f in gd.library.function)
        """,
    },
    extras=[Extra("from functools import reduce", before="to_time_list")],
    ran=False,
)

CHIDI_01 = Submission(
    "chidi",
    N01,
    {
        "rnn_step": """
            # I want to see every single multiplication, so no @ today
            out = []
            for n in range(len(x)):
                row = []
                for j in range(len(b)):
                    s = b[j]
                    for d in range(len(Wx)):
                        s = s + x[n][d] * Wx[d][j]
                    for i in range(len(Wh)):
                        s = s + h[n][i] * Wh[i][j]
                    row.append(math.tanh(s))
                out.append(row)
            return out
        """,
        "unroll_two_steps": """
            h = [[0.0] * len(b) for _ in x0]
            ys = []
            for x in [x0, x1]:
                h = rnn_step(x, h, Wx, Wh, b)
                ys.append(h)
            return ys[0], ys[1]
        """,
        "concat_kernel": """
            W = []
            for row in Wx:
                W.append(list(row))
            for row in Wh:
                W.append(list(row))
            return W
        """,
        "rnn_step_tf": """
            rows = []
            for n in range(x.shape[0]):
                s = b
                for d in range(x.shape[1]):
                    s = s + x[n, d] * Wx[d]
                for i in range(h.shape[1]):
                    s = s + h[n, i] * Wh[i]
                rows.append(tf.tanh(s))
            return tf.stack(rows)
        """,
        "recover_wx": """
            columns = []
            for j in range(len(y0[0])):
                A, a = [], []
                for n in range(len(y0)):
                    y = y0[n][j]
                    if abs(y) > 1 - 1e-5:
                        continue  # saturated, do not trust
                    A.append(list(x0[n]))
                    a.append(0.5 * math.log((1 + y) / (1 - y)))
                columns.append(np.linalg.lstsq(np.array(A), np.array(a), rcond=None)[0])
            return [[column[d] for column in columns] for d in range(len(x0[0]))]
        """,
    },
    extras=[
        Extra(
            """
            # same as on my paper?
            print(rnn_step([[1, 2]], [[0.5, -0.5]], [[0.5, 0], [0.25, -0.5]], [[1, 0], [0, 1]], [0, 0]))
            """,
            after="check-rnn_step",
            prints="[[0.9051482536448664, -0.9051482536448664]]",
        )
    ],
)

DILNOZA_01 = Submission(
    "dilnoza",
    N01,
    {
        "rnn_step": """
            return tf.tanh(tf.matmul(x, Wx) + tf.matmul(h, Wh) + b)
        """,
        "unroll_two_steps": """
            h = tf.zeros_like(tf.matmul(x0, Wx))
            y0 = rnn_step(x0, h, Wx, Wh, b)
            y1 = rnn_step(x1, y0, Wx, Wh, b)
            return y0, y1
        """,
        "concat_kernel": """
            return tf.concat([Wx, Wh], axis=0)
        """,
        "rnn_step_tf": """
            # is this not exactly what I have above??
            return rnn_step(x, h, Wx, Wh, b)
        """,
        "recover_wx": """
            columns = []
            for j in range(y0.shape[1]):
                keep = tf.abs(y0[:, j]) < 1 - 1e-5
                A = tf.boolean_mask(x0, keep)
                a = tf.atanh(tf.boolean_mask(y0[:, j], keep))
                columns.append(tf.linalg.lstsq(A, a[:, tf.newaxis])[:, 0])
            return tf.stack(columns, axis=1)
        """,
    },
)

DILNOZA_02 = Submission(
    "dilnoza",
    N02,
    {
        "to_time_list": """
            return tf.unstack(x, axis=1)
        """,
        "static_rnn": """
            outputs = []
            h = tf.convert_to_tensor(h0)
            for x in tf.unstack(tf.stack(xs)):
                out, h = step(x, h)
                outputs.append(out)
            return outputs, h
        """,
        "stack_outputs": """
            return tf.stack(ys, axis=1)
        """,
        "count_graph_nodes": """
            x = tf.zeros([batch, T, features])
            graph_def = tf.function(fn).get_concrete_function(x).graph.as_graph_def()
            n = len(graph_def.node)
            for function in graph_def.library.function:
                n += len(function.node_def)
            return n
        """,
    },
)

EMRE_01 = Submission(
    "emre",
    N01,
    {
        "rnn_step": """
            x, h, Wx, Wh, b = f32(x, h, Wx, Wh, b)
            return np.tanh(x @ Wx + h @ Wh + b)
        """,
        "unroll_two_steps": """
            h = np.zeros((len(x0), len(b)), dtype=np.float32)
            y0 = rnn_step(x0, h, Wx, Wh, b)
            return y0, rnn_step(x1, y0, Wx, Wh, b)
        """,
        "concat_kernel": """
            Wx, Wh = f32(Wx, Wh)
            W = np.empty((len(Wx) + len(Wh), len(Wh)), dtype=np.float32)
            W[: len(Wx)] = Wx
            W[len(Wx) :] = Wh
            return W
        """,
        "rnn_step_tf": """
            W = tf.concat([Wx, Wh], axis=0)
            xh = tf.concat([x, h], axis=1)
            return tf.tanh(xh @ W + b)
        """,
        "recover_wx": """
            x0, y0 = f32(x0, y0)
            Wx = np.zeros((x0.shape[1], y0.shape[1]), dtype=np.float32)
            for j in range(y0.shape[1]):
                rows = np.where(1 - np.abs(y0[:, j]) > 1e-5)[0]
                Wx[:, j] = np.linalg.pinv(x0[rows]) @ np.arctanh(y0[rows, j])
            return Wx
        """,
    },
    extras=[
        Extra(
            """
            def f32(*arrays):  # everything in float32, as on the GPU
                return [np.asarray(a, dtype=np.float32) for a in arrays]
            """,
            before="rnn_step",
        )
    ],
)

EMRE_03 = Submission(
    "emre",
    N03,
    {
        "batch_to_time_major": """
            return [[x[b, t] for b in range(x.shape[0])] for t in range(x.shape[1])]
        """,
        "sequence_mask": """
            mask = []
            for n in lengths:
                mask.append([True] * int(n) + [False] * (T - int(n)))
            return mask
        """,
        "last_relevant": """
            return [list(out[n - 1]) for out, n in zip(outputs, lengths)]
        """,
        "masked_mean": """
            total, count = 0.0, 0
            for row, n in zip(loss, lengths):
                for value in row[:n]:
                    total += value
                    count += 1
            return total / count
        """,
        "dynamic_rnn": """
            # the second way from the text: a for over tf.range
            T = tf.shape(x)[1]
            outputs = tf.TensorArray(tf.float32, size=T)
            h = h0
            for t in tf.range(T):
                y, new_h = step(x[:, t], h)
                alive = tf.cast(t < lengths, tf.float32)[:, tf.newaxis]
                outputs = outputs.write(t, alive * y)
                h = alive * new_h + (1.0 - alive) * h
            return tf.transpose(outputs.stack(), [1, 0, 2]), h
        """,
    },
)

VANJA_03 = Submission(
    "vanja",
    N03,
    {
        "batch_to_time_major": """
            return tf.transpose(x, perm=[1, 0, 2])
        """,
        "sequence_mask": """
            return tf.sequence_mask(lengths, T)
        """,
        "last_relevant": """
            return tf.gather(outputs, lengths - 1, axis=1, batch_dims=1)
        """,
        "masked_mean": """
            return tf.reduce_mean(tf.boolean_mask(loss, sequence_mask(lengths, loss.shape[1])))
        """,
        "dynamic_rnn": """
            alive = tf.transpose(sequence_mask(lengths, tf.shape(x)[1]))[:, :, tf.newaxis]  # (T, B, 1)

            def one(before, now):
                x_t, alive_t = now
                y, h = step(x_t, before[1])
                return tf.where(alive_t, y, tf.zeros_like(y)), tf.where(alive_t, h, before[1])

            ys, hs = tf.scan(one, (batch_to_time_major(x), alive), (tf.zeros_like(h0), h0))
            return batch_to_time_major(ys), hs[-1]
        """,
    },
    extras=[
        Extra(
            """
            from google.colab import drive
            drive.mount('/content/drive')
            """,
            before="batch_to_time_major",
            prints="Mounted at /content/drive",
        )
    ],
    saved_by=colab,
)

SUBMISSIONS = (
    AMARA_01, AMARA_03, BJORN_01, BJORN_02, CHIDI_01, DILNOZA_01, DILNOZA_02, EMRE_01, EMRE_03, VANJA_03,
)  # fmt: skip
