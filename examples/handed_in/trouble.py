"""Students whose code does not run, does not end, prints without end, or takes its time."""

from __future__ import annotations

from handed_in.notebooks import Extra, Submission
from handed_in.right import N01, N02

KEOLA_01 = Submission(
    "keola",
    N01,
    {
        "rnn_step": """
            a = np.dot(x, Wx) + np.dot(h, Wh) + b
            return np.tanh(a
        """,
        "unroll_two_steps": """
            y0 = rnn_step(x0, np.zeros((x0.shape[0], Wh.shape[0])), Wx, Wh, b)
            y1 = rnn_step(x1, y0, Wx, Wh, b)
            return y0, y1
        """,
        "concat_kernel": """
            return np.concatenate([Wx, Wh])
        """,
        "rnn_step_tf": """
            return tf.math.tanh(x @ Wx + h @ Wh + b)
        """,
    },
    ran=False,
)

KEOLA_02 = Submission(
    "keola",
    N02,
    {
        "to_time_list": """
            liste = [x[:, t] for t in range(x.shape[1])]
            print("to_time_list:", len(liste), "pieces", liste)
            return liste
        """,
        "static_rnn": """
            outputs, h = [], h0
            for t, x in enumerate(xs):
                print("t =", t, "h =", h)
                out, h = step(x, h)
                print("   out =", out)
                outputs.append(out)
            return outputs, h
        """,
        "stack_outputs": """
            print([y.shape for y in ys])
            return np.stack(ys, axis=1)
        """,
        "count_graph_nodes": """
            spec = tf.TensorSpec([batch, T, features], tf.float32)
            graph_def = tf.function(fn).get_concrete_function(spec).graph.as_graph_def()
            n = 0
            for node in graph_def.node:
                print(node)
                n += 1
            for function in graph_def.library.function:
                for node in function.node_def:
                    print(node)
                    n += 1
            return n
        """,
    },
    extras=[
        Extra(
            """
            # does the state ever settle?
            coins = 0
            for i in range(30_000):
                left, coins = wallet(price=1, spent=coins)
                print("turn", i, "spent", coins, "left", left)
            """,
            after="check-static_rnn",
            prints="turn 0 spent 1 left 9\nturn 1 spent 2 left 8\nturn 2 spent 3 left 7",
        )
    ],
)

MATEO_01 = Submission(
    "mateo",
    N01,
    {
        "rnn_step": """
            return np.tanh(x @ Wx + h @ Wh + b)
        """,
        "unroll_two_steps": """
            y0 = rnn_step(x0, np.zeros((x0.shape[0], Wh.shape[0])), Wx, Wh, b)
            return y0, rnn_step(x1, y0, Wx, Wh, b)
        """,
        "concat_kernel": """
            return np.concatenate([Wh, Wx], axis=0)
        """,
        "rnn_step_tf": """
            return tf.tanh(x @ Wx + h @ Wh + b)
        """,
    },
    cells={
        "recover_wx": """
            # first idea: gradient descent until the outputs are the printed ones
            W = np.zeros((3, 5))
            while np.abs(np.tanh(X0 @ W) - Y0_PRINTED).max() > 1e-9:
                y = np.tanh(X0 @ W)
                W = W - 0.001 * X0.T @ ((y - Y0_PRINTED) * (1 - y**2))

            def recover_wx(x0, y0):
                return W
        """,
    },
)

MATEO_02 = Submission(
    "mateo",
    N02,
    {
        "to_time_list": """
            return [x[:, t, :] for t in range(x.shape[1])]
        """,
        "static_rnn": """
            outputs = []
            state = h0
            while len(outputs) < len(xs):
                output, state = step(xs[len(outputs)], state)
            outputs.append(output)
            return outputs, state
        """,
        "stack_outputs": """
            return np.stack(ys, axis=1)
        """,
    },
    extras=[
        Extra(
            "my kernel hangs here ([*] for minutes), restarted 3 times, sorry",
            after="check-static_rnn",
            markdown=True,
        )
    ],
)

YUSUF_02 = Submission(
    "yusuf",
    N02,
    {
        "to_time_list": """
            return [x[:, t].copy() for t in range(x.shape[1])]
        """,
        "static_rnn": """
            outputs = []
            h = h0
            while xs:
                x = xs.pop(0)
                y, h = step(x, h)
                outputs.append(y)
            return outputs, h
        """,
        "stack_outputs": """
            B, H = ys[0].shape
            result = np.zeros((B, len(ys), H))
            for b in range(B):
                for t in range(len(ys)):
                    for i in range(H):
                        result[b][t][i] = ys[t][b][i]
            return result
        """,
        "count_graph_nodes": """
            # sometimes it felt random, so take the maximum of a few tries
            counts = []
            for attempt in range(5):
                spec = tf.TensorSpec([batch, T, features], tf.float32)
                g = tf.function(fn).get_concrete_function(spec).graph.as_graph_def()
                counts.append(len(g.node) + sum(len(f.node_def) for f in g.library.function))
            return max(counts)
        """,
    },
    extras=[
        Extra(
            """
            # how many can I do in 3 seconds?
            ys = [np.random.rand(8, 16) for _ in range(20)]
            start, n = time.time(), 0
            while time.time() - start < 3:
                stack_outputs(ys)
                n += 1
            print(n)
            """,
            after="check-stack_outputs",
            prints="2417",
        )
    ],
)

SUBMISSIONS = (KEOLA_01, KEOLA_02, MATEO_01, MATEO_02, YUSUF_02)
