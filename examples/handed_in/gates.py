"""What was handed in to notebook 5, the LSTM, and to notebook 6, the GRU and its relatives."""

from __future__ import annotations

from handed_in.notebooks import Extra, Submission

N05, N06 = "05_lstm_internals", "06_gru_and_the_cell_zoo"

DILNOZA_05 = Submission(
    "dilnoza",
    N05,
    {
        "lstm_step": """
            z = tf.matmul(x, kernel) + tf.matmul(h, recurrent_kernel) + bias
            i, f, g, o = tf.split(z, 4, axis=1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            return tf.sigmoid(o) * tf.tanh(c), c
        """,
        "lstm_parameter_count": """
            shapes = [(D, 4 * H), (H, 4 * H), (4 * H,)]
            return sum(tf.TensorShape(shape).num_elements() for shape in shapes)
        """,
        "lstm_sequence": """
            outputs = []
            h, c = h0, c0
            for x_t in tf.unstack(x, axis=1):
                h, c = lstm_step(x_t, h, c, kernel, recurrent_kernel, bias)
                outputs.append(h)
            return tf.stack(outputs, axis=1), h, c
        """,
        "repair_slide_lstm": """
            def gate(name, activation):
                A, B, b = gates[name]
                return activation(tf.matmul(x, A) + tf.matmul(output, B) + b)  # + b: bug 1

            F, I, O = gate("F", tf.sigmoid), gate("I", tf.sigmoid), gate("O", tf.sigmoid)
            new_state = state * F + I * gate("S", tf.tanh)  # state, not output: bug 2
            return O * tf.tanh(new_state), new_state
        """,
        "lstm_step_backward": """
            x, h_prev, c_prev, i, f, g, o, c, W, U = [tf.constant(array) for array in cache]
            dc = dc + dh * o * (1 - tf.tanh(c) ** 2)
            dz = tf.concat(
                [
                    dc * g * i * (1 - i),
                    dc * c_prev * f * (1 - f),
                    dc * i * (1 - g**2),
                    dh * tf.tanh(c) * o * (1 - o),
                ],
                axis=1,
            )
            return (
                tf.matmul(dz, W, transpose_b=True),
                tf.matmul(dz, U, transpose_b=True),
                dc * f,
                tf.matmul(x, dz, transpose_a=True),
                tf.matmul(h_prev, dz, transpose_a=True),
                tf.reduce_sum(dz, axis=0),
            )
        """,
        "reorder_gates": """
            same = str.maketrans("jc", "gg")
            blocks = dict(zip(order_from.translate(same), tf.split(w, 4, axis=-1)))
            return tf.concat([blocks[gate] for gate in order_to.translate(same)], axis=-1)
        """,
    },
    extras=[Extra("import tensorflow as tf", before="lstm_step")],
)

INGRID_05 = Submission(
    "ingrid",
    N05,
    {
        "lstm_step": """
            B, H = h.shape
            z = x @ kernel + h @ recurrent_kernel + bias
            z = z.reshape(B, H, 4)  # last axis: i, f, g, o
            i, f, o = sigmoid(z[:, :, 0]), sigmoid(z[:, :, 1]), sigmoid(z[:, :, 3])
            g = np.tanh(z[:, :, 2])
            c_new = f * c + i * g
            return o * np.tanh(c_new), c_new
        """,
        "lstm_parameter_count": """
            return 4 * H * (D + H + 1)
        """,
        "lstm_sequence": """
            B, T, D = x.shape
            outputs = np.zeros((B, T, h0.shape[1]))
            h, c = h0, c0
            for t in range(T):
                h, c = lstm_step(x[:, t], h, c, kernel, recurrent_kernel, bias)
                outputs[:, t] = h
            return outputs, h, c
        """,
        "repair_slide_lstm": """
            F = slide_gate(x, output, gates["F"], sigmoid)
            I = slide_gate(x, output, gates["I"], sigmoid)
            O = slide_gate(x, output, gates["O"], sigmoid)
            S = slide_gate(x, output, gates["S"], np.tanh)
            new_state = state * F + I * S  # here it was
            return O * np.tanh(new_state), new_state
        """,
        "lstm_step_backward": """
            x, h_prev, c_prev, i, f, g, o, c, kernel, recurrent_kernel = cache
            do = dh * np.tanh(c)
            di, df, dg = dc * g, dc * c_prev, dc * i
            dz = np.concatenate(
                [di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)], axis=1
            )
            dbias = dz.sum(axis=0)
            return dz @ kernel.T, dz @ recurrent_kernel.T, dc * f, x.T @ dz, h_prev.T @ dz, dbias
        """,
        "reorder_gates": """
            a = order_from.replace("j", "g").replace("c", "g")
            b = order_to.replace("j", "g").replace("c", "g")
            places = [a.index(letter) for letter in b]
            cut = w.reshape(w.shape[:-1] + (-1, 4))
            return cut[..., places].reshape(w.shape)
        """,
    },
    extras=[
        Extra("shapes ok, but the check says no :(", after="check-lstm_step", markdown=True),
    ],
)

LEILA_05 = Submission(
    "leila",
    N05,
    {
        "lstm_step": """
            a = x @ kernel + h @ recurrent_kernel + bias
            H = h.shape[1]
            i = sigmoid(a[:, :H])
            f = sigmoid(a[:, H : 2 * H])
            g = np.tanh(a[:, 2 * H : 3 * H])
            o = sigmoid(a[:, 3 * H :])
            c = f * c + i * g
            return o * np.tanh(c), c
        """,
        "lstm_parameter_count": """
            return 4 * (D * H + H * H) + 4  # 4 gates, 4 biases
        """,
        "lstm_sequence": """
            h, c = h0, c0
            outputs = []
            t = 0
            while t <= x.shape[1]:
                h, c = lstm_step(x[:, t], h, c, kernel, recurrent_kernel, bias)
                outputs.append(h)
                t += 1
            return np.stack(outputs, axis=1), h, c
        """,
        "repair_slide_lstm": """
            def gate(weights, activation):
                A, B, b = weights
                return activation(x @ A + output @ B + b)

            F = gate(gates["F"], sigmoid)
            I = gate(gates["I"], sigmoid)
            O = gate(gates["O"], sigmoid)
            S = gate(gates["S"], np.tanh)
            new_state = output * F + I * S
            return O * np.tanh(new_state), new_state
        """,
        "lstm_step_backward": """
            x, h_prev, c_prev, i, f, g, o, c, kernel, recurrent_kernel = cache
            dc = dc + dh * o * (1 - np.tanh(c) ** 2)
            di, df, dg, do = dc * g, dc * c_prev, dc * i, dh * np.tanh(c)
            dz = [d * gate * (1 - gate) for d, gate in zip([di, df, dg, do], [i, f, g, o])]
            dz = np.hstack(dz)
            return (
                dz @ kernel.T,
                dz @ recurrent_kernel.T,
                dc * f,
                x.T @ dz,
                h_prev.T @ dz,
                np.sum(dz, axis=0),
            )
        """,
        "reorder_gates": """
            order_from = order_from.replace("j", "g").replace("c", "g")
            order_to = order_to.replace("j", "g").replace("c", "g")
            blocks = np.split(w, 4, axis=-1)
            return np.concatenate([blocks[order_to.index(k)] for k in order_from], axis=-1)
        """,
    },
)

EMRE_06 = Submission(
    "emre",
    N06,
    {
        "gru_step": """
            x, h, kernel, recurrent_kernel, bias = f32(x, h, kernel, recurrent_kernel, bias)
            H = h.shape[1]
            z_, r_, h_ = slice(0, H), slice(H, 2 * H), slice(2 * H, 3 * H)
            b = bias[0] if reset_after else bias
            b_state = bias[1] if reset_after else np.zeros(3 * H, dtype=np.float32)
            from_x = x @ kernel + b
            from_h = h @ recurrent_kernel + b_state
            z = sigmoid(from_x[:, z_] + from_h[:, z_])
            r = sigmoid(from_x[:, r_] + from_h[:, r_])
            if reset_after:
                new = np.tanh(from_x[:, h_] + r * from_h[:, h_])
            else:
                new = np.tanh(from_x[:, h_] + (r * h) @ recurrent_kernel[:, h_])
            return z * h + (1 - z) * new
        """,
        "gru_parameter_count": """
            rows = D + H + (2 if reset_after else 1)
            return rows * 3 * H
        """,
        "slide_rnn_cell": """
            xs = np.concatenate(f32(x, state), axis=1)
            u = xs @ np.concatenate(f32(Au, Bu))
            v = xs @ np.concatenate(f32(Av, Bv))
            return np.maximum(u, 0), np.tanh(v)
        """,
        "repair_slide_gru": """
            x, output = f32(x, output)

            def gate(name, h, squash):
                A, B, b = f32(*gates[name])
                return squash(x @ A + h @ B + b)

            U = gate("U", output, sigmoid)
            R = gate("R", output, sigmoid)
            O = gate("O", R * output, np.tanh)
            return U * output + (1 - U) * O
        """,
        "peephole_step": """
            x, h, c, kernel, recurrent_kernel, bias = f32(x, h, c, kernel, recurrent_kernel, bias)
            pi, pf, po = f32(*peepholes)
            i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
            c_new = sigmoid(f + pf * c) * c + sigmoid(i + pi * c) * np.tanh(g)
            return sigmoid(o + po * c_new) * np.tanh(c_new), c_new
        """,
        "layer_norm": """
            # the one place where float32 is not good enough (equal features minus their mean)
            a = np.asarray(a, dtype=np.float64)
            away = a - np.mean(a, axis=-1, keepdims=True)
            return away / np.sqrt(np.mean(away**2, axis=-1, keepdims=True) + epsilon)
        """,
    },
    extras=[
        Extra(
            """
            def f32(*arrays):  # everything in float32, as on the GPU
                return [np.asarray(a, dtype=np.float32) for a in arrays]
            """,
            before="gru_step",
        )
    ],
)

GIULIA_06 = Submission(
    "giulia",
    N06,
    {
        "gru_step": """
            H = h.shape[1]
            Wz, Wr, Wh = kernel[:, :H], kernel[:, H : 2 * H], kernel[:, 2 * H :]
            Rz, Rr, Rh = np.split(recurrent_kernel, 3, axis=1)
            if reset_after:
                bz, br, bh = np.split(bias[0], 3)
                cz, cr, ch = np.split(bias[1], 3)
                z = sigmoid(x @ Wz + bz + h @ Rz + cz)
                r = sigmoid(x @ Wr + br + h @ Rr + cr)
                g = np.tanh(x @ Wh + bh + r * (h @ Rh + ch))
            else:
                bz, br, bh = np.split(bias, 3)
                z = sigmoid(x @ Wz + h @ Rz + bz)
                r = sigmoid(x @ Wr + h @ Rr + br)
                g = np.tanh(x @ Wh + (r * h) @ Rh + bh)
            return z * h + (1 - z) * g
        """,
        "gru_parameter_count": """
            count = 3 * H * (D + H + 1)
            if reset_after:
                count += 3 * H
            return count
        """,
        "slide_rnn_cell": """
            output = np.maximum(0, x @ Au + state @ Bu)
            new_state = np.tanh(x @ Av + state @ Bv)
            return output, new_state
        """,
    },
    extras=[
        Extra(
            "TODO at the weekend: find the bug. (1 - R) looks strange, and where is U??",
            before="repair_slide_gru",
            markdown=True,
        )
    ],
)

JAMAL_06 = Submission(
    "jamal",
    N06,
    {
        "gru_step": """
            H = h.shape[1]
            if reset_after:
                a = x @ kernel + bias[0]
                s = h @ recurrent_kernel + bias[1]
            else:
                a = x @ kernel + bias
                s = h @ recurrent_kernel
            z = sigmoid(a[:, :H] + s[:, :H])
            r = sigmoid(a[:, H : 2 * H] + s[:, H : 2 * H])
            if reset_after:
                new = a[:, 2 * H :] + r * s[:, 2 * H :]
            else:
                new = a[:, 2 * H :] + (r * h) @ recurrent_kernel[:, 2 * H :]
            return z * h + (1 - z) * new
        """,
        "gru_parameter_count": """
            return 3 * D * H + 3 * H * H  # both forms have the same matrices
        """,
        "slide_rnn_cell": """
            out = np.maximum(x @ Au + state @ Bu, 0)
            return out, x @ Av + state @ Bv
        """,
        "repair_slide_gru": """
            def g(name, h):
                A, B, b = gates[name]
                return x @ A + h @ B + b

            U = sigmoid(g("U", output))
            R = sigmoid(g("R", output))
            O = g("O", R * output)
            return U * output + (1 - U) * O
        """,
        "peephole_step": """
            i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
            c = sigmoid(f + peepholes[1] * c) * c + sigmoid(i + peepholes[0] * c) * np.tanh(g)
            h = sigmoid(o + peepholes[2] * c) * c
            return h, c
        """,
        "layer_norm": """
            return (a - a.mean(axis=-1)) / np.sqrt(a.var(axis=-1) + epsilon)
        """,
    },
    extras=[
        Extra(
            "layer_norm(np.ones((3, 5)))",
            after="layer_norm",
            fails=(
                "ValueError",
                "operands could not be broadcast together with shapes (3,5) (3,) ",
            ),
        )
    ],
)

YUSUF_06 = Submission(
    "yusuf",
    N06,
    {
        "gru_step": """
            H = h.shape[1]
            b, c = bias if reset_after else (bias, np.zeros(3 * H))
            a = x @ kernel + b
            s = h @ recurrent_kernel + c
            z, r = sigmoid(a[:, :H] + s[:, :H]), sigmoid(a[:, H:-H] + s[:, H:-H])
            if reset_after:
                g = np.tanh(a[:, -H:] + r * s[:, -H:])
            else:
                g = np.tanh(a[:, -H:] + (r * h) @ recurrent_kernel[:, -H:])
            h *= z  # saves memory
            h += (1 - z) * g
            return h
        """,
        "gru_parameter_count": """
            return 3 * (D * H + H * H + H)
        """,
        "slide_rnn_cell": """
            state = np.tanh(x @ Av + state @ Bv)
            output = np.maximum(0, x @ Au + state @ Bu)
            return output, state
        """,
        "repair_slide_gru": """
            def port(name, seen, squash):
                A, B, b = gates[name]
                return squash(x @ A + seen @ B + b)

            U = port("U", output, sigmoid)
            R = port("R", output, sigmoid)
            O = port("O", R * output, np.tanh)
            return R * output + (1 - R) * O
        """,
        "peephole_step": """
            H = h.shape[1]
            z = x @ kernel + h @ recurrent_kernel + bias
            i = sigmoid(z[:, :H] + peepholes[0] * c)
            f = sigmoid(z[:, H : 2 * H] + peepholes[1] * c)
            o = sigmoid(z[:, 3 * H :] + peepholes[2] * c)
            c_new = f * c + i * np.tanh(z[:, 2 * H : 3 * H])
            return o * np.tanh(c_new), c_new
        """,
        "layer_norm": """
            a -= a.mean(axis=-1, keepdims=True)
            a /= np.sqrt((a**2).mean(axis=-1, keepdims=True) + epsilon)
            return a
        """,
    },
)

SUBMISSIONS = (DILNOZA_05, INGRID_05, LEILA_05, EMRE_06, GIULIA_06, JAMAL_06, YUSUF_06)
