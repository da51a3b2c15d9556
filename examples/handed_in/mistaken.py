"""Students who misunderstood something, and students who stopped half way."""

from __future__ import annotations

from handed_in.notebooks import Extra, Submission, vscode
from handed_in.right import N01, N02, N03

FATIMA_01 = Submission("fatima", N01)

GIULIA_02 = Submission(
    "giulia",
    N02,
    {
        "to_time_list": """
            pieces = []
            for t in range(x.shape[1]):
                pieces.append(x[:, t, :])
            return pieces
        """,
        "static_rnn": """
            ys = []
            h = h0
            for x in xs:
                y, h = step(x, h)
                ys.append(y)
            return ys, h
        """,
    },
    extras=[
        Extra(
            "TODO at the weekend: stack_outputs and the counting. why does np.stack(ys) give (T, B, H)",
            after="check-static_rnn",
            markdown=True,
        )
    ],
)

HIROSHI_01 = Submission(
    "hiroshi",
    N01,
    {
        "rnn_step": """
            # Wh: row = neuron that listens, column = neuron that speaks
            return np.tanh(np.dot(x, Wx) + np.dot(h, Wh.T) + b)
        """,
        "unroll_two_steps": """
            h = np.zeros((x0.shape[0], Wh.shape[0]))
            y0 = rnn_step(x0, h, Wx, Wh, b)
            y1 = rnn_step(x1, y0, Wx, Wh, b)
            return (y0, y1)
        """,
        "concat_kernel": """
            return np.vstack((Wx, Wh))
        """,
        "rnn_step_tf": """
            return tf.tanh(tf.matmul(x, Wx) + tf.matmul(h, Wh, transpose_b=True) + b)
        """,
        "recover_wx": """
            # arctanh(1) is inf, so clip a little
            y = np.clip(y0, -1 + 1e-6, 1 - 1e-6)
            a = np.arctanh(y)
            Wx, _, _, _ = np.linalg.lstsq(x0, a, rcond=None)
            return Wx
        """,
    },
)

INGRID_02 = Submission(
    "ingrid",
    N02,
    {
        "to_time_list": """
            B, T, D = x.shape
            x = x.reshape(T, B, D)
            return [x[t] for t in range(T)]
        """,
        "static_rnn": """
            outputs = []
            state = h0
            for t in range(len(xs)):
                out, state = step(xs[t], state)
                outputs.append(out)
            return outputs, state
        """,
        "stack_outputs": """
            B, H = ys[0].shape
            return np.array(ys).reshape(B, len(ys), H)
        """,
        "count_graph_nodes": """
            spec = tf.TensorSpec([batch, T, features], tf.float32)
            graph = tf.function(fn).get_concrete_function(spec).graph
            return len(graph.as_graph_def().node)
        """,
    },
    extras=[
        Extra(
            "shapes ok :)",
            after="check-to_time_list",
            markdown=True,
        )
    ],
)

INGRID_03 = Submission(
    "ingrid",
    N03,
    {
        "batch_to_time_major": """
            B, T, D = x.shape
            return np.reshape(x, (T, B, D))
        """,
        "sequence_mask": """
            t = np.arange(T)
            return t[None, :] < lengths[:, None]
        """,
        "last_relevant": """
            return outputs[:, -1, :]
        """,
        "masked_mean": """
            return np.mean(loss)
        """,
        "dynamic_rnn": """
            T = tf.shape(x)[1]
            inputs = tf.TensorArray(tf.float32, size=T).unstack(tf.transpose(x, [1, 0, 2]))
            outputs = tf.TensorArray(tf.float32, size=T)

            def cond(t, h, outputs):
                return t < T

            def body(t, h, outputs):
                y, h = step(inputs.read(t), h)
                outputs = outputs.write(t, y)
                return t + 1, h, outputs

            t, h, outputs = tf.while_loop(cond, body, (tf.constant(0), h0, outputs))
            return tf.transpose(outputs.stack(), [1, 0, 2]), h
        """,
    },
)

JAMAL_01 = Submission(
    "jamal",
    N01,
    {
        "rnn_step": """
            return x @ Wx + h @ Wh + b
        """,
        "unroll_two_steps": """
            y0 = np.tanh(x0 @ Wx + b)
            y1 = np.tanh(x1 @ Wx + y0 @ Wh)  # b is in y0 already
            return y0, y1
        """,
        "concat_kernel": """
            return np.concatenate([Wx, Wh], axis=1)
        """,
        "rnn_step_tf": """
            return np.tanh(np.dot(x, Wx) + np.dot(h, Wh) + b)
        """,
        "recover_wx": """
            # y0 = x0 Wx  =>  least squares
            return np.linalg.lstsq(x0, y0, rcond=None)[0]
        """,
    },
    extras=[
        Extra(
            """
            A = np.ones((2, 3)); B = np.ones((3, 3))
            np.concatenate([A, B], axis=1)
            """,
            after="check-concat_kernel",
            fails=(
                "ValueError",
                "all the input array dimensions except for the concatenation axis must match exactly",
            ),
        )
    ],
)

JAMAL_02 = Submission(
    "jamal",
    N02,
    {
        "to_time_list": """
            return list(x.reshape(x.shape[1], x.shape[0], x.shape[2]))
        """,
        "static_rnn": """
            h = np.zeros_like(h0)
            ys = []
            for x in xs:
                y, h = step(x, h)
                ys.append(y)
            return ys, h
        """,
        "stack_outputs": """
            return np.stack(ys)
        """,
        "count_graph_nodes": """
            # one step, then times T
            spec = tf.TensorSpec([batch, 1, features], tf.float32)
            g = tf.function(fn).get_concrete_function(spec).graph.as_graph_def()
            n = len(g.node)
            for f in g.library.function:
                n += len(f.node_def)
            return T * n
        """,
    },
)

LEILA_02 = Submission(
    "leila",
    N02,
    {
        "to_time_list": """
            x_list = []
            for t in range(x.shape(1)):
                x_list.append(x[:, t])
            return x_list
        """,
        "static_rnn": """
            ys = []
            h = h0
            for x in xs:
                y, h = step(x, h)
                ys.append(y)
            return ys, ys[-1]  # the last output is the state
        """,
        "stack_outputs": """
            return np.stack(ys, axis=1)
        """,
        "count_graph_nodes": """
            example = tf.TensorSpec([batch, T, features], tf.float32)
            graph_def = tf.function(fn).get_concrete_function(example).graph.as_graph_def()
            return len(graph_def.node) + len(graph_def.library.function)
        """,
    },
    extras=[
        Extra(
            "to_time_list(np.zeros((2, 5, 3)))",
            after="to_time_list",
            fails=("TypeError", "'tuple' object is not callable"),
        )
    ],
)

LEILA_03 = Submission(
    "leila",
    N03,
    {
        "batch_to_time_major": """
            return np.swapaxes(x, 0, 1)
        """,
        "sequence_mask": """
            return np.arange(T) <= lengths[:, np.newaxis]
        """,
        "last_relevant": """
            return outputs[np.arange(len(lengths)), lengths]
        """,
        "masked_mean": """
            mask = sequence_mask(lengths, loss.shape[1])
            return np.mean(loss[mask])
        """,
        "dynamic_rnn": """
            T = tf.shape(x)[1]
            inputs = tf.TensorArray(tf.float32, size=T).unstack(tf.transpose(x, [1, 0, 2]))

            def body(t, h, outputs):
                out, h_new = step(inputs.read(t), h)
                mask = (t <= lengths)[:, tf.newaxis]
                out = tf.where(mask, out, tf.zeros_like(out))
                h_new = tf.where(mask, h_new, h)
                return t + 1, h_new, outputs.write(t, out)

            outputs = tf.TensorArray(tf.float32, size=T)
            _, h_last, outputs = tf.while_loop(
                lambda t, h, outputs: t < T, body, (tf.constant(0), h0, outputs)
            )
            return tf.transpose(outputs.stack(), [1, 0, 2]), h_last
        """,
    },
)

ROSA_01 = Submission(
    "rosa",
    N01,
    cells={
        "rnn_step": """
            def rnn_step_numpy(x, h, Wx, Wh, b):
                # renamed, I already have an rnn_step in TensorFlow further down
                return np.tanh(x @ Wx + h @ Wh + b)
        """,
    },
    answers={
        "unroll_two_steps": """
            y0 = rnn_step_numpy(x0, np.zeros((len(x0), len(b))), Wx, Wh, b)
            y1 = rnn_step_numpy(x1, y0, Wx, Wh, b)
            return y0, y1
        """,
        "concat_kernel": """
            return np.r_[Wx, Wh]
        """,
        "rnn_step_tf": """
            # .numpy() makes normal arrays of them
            return np.tanh(x.numpy() @ Wx.numpy() + h.numpy() @ Wh.numpy() + b.numpy())
        """,
        "recover_wx": """
            a = np.arctanh(y0)  # gives a warning, but inf is thrown out below
            result = []
            for j in range(a.shape[1]):
                fine = np.isfinite(a[:, j])
                result.append(np.linalg.lstsq(x0[fine], a[fine, j], rcond=None)[0])
            return np.array(result).T
        """,
    },
)

VANJA_02 = Submission(
    "vanja",
    N02,
    {
        "to_time_list": """
            return list(np.swapaxes(x, 0, 1))
        """,
        "static_rnn": """
            outputs = []
            h = h0
            for x in xs:
                y, h = step(x, h)
                outputs.append(y)
                return outputs, h
        """,
        "stack_outputs": """
            return np.swapaxes(np.stack(ys), 0, 1)
        """,
        "count_graph_nodes": """
            fn = tf.function(fn)
            graph_def = fn.get_concrete_function(
                tf.TensorSpec([batch, T, features], tf.float32)
            ).graph.as_graph_def()
            count = len(graph_def.node)
            for f in graph_def.library.function:
                count += len(f.node_def)
            return count
        """,
    },
    saved_by=vscode,
)

YUSUF_01 = Submission(
    "yusuf",
    N01,
    {
        "rnn_step": """
            h[:] = np.tanh(x @ Wx + h @ Wh + b)  # saves memory
            return h
        """,
        "unroll_two_steps": """
            h = np.zeros((x0.shape[0], b.shape[0]))
            y0 = rnn_step(x0, h, Wx, Wh, b)
            y1 = rnn_step(x1, y0, Wx, Wh, b)
            print("y0", y0)
            print("y1", y1)  # why are they the same??
            return y0, y1
        """,
        "concat_kernel": """
            return np.append(Wx, Wh, axis=0)
        """,
        "recover_wx": """
            # 1. arctanh   2. throw away the saturated ones   3. lstsq
            # did not get around to it
            raise NotImplementedError
        """,
    },
)

SUBMISSIONS = (
    FATIMA_01, GIULIA_02, HIROSHI_01, INGRID_02, INGRID_03, JAMAL_01, JAMAL_02, LEILA_02, LEILA_03,
    ROSA_01, VANJA_02, YUSUF_01,
)  # fmt: skip
