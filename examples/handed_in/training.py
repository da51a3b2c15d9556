"""What was handed in to notebooks 7 and 8, in which networks are trained."""

from __future__ import annotations

from handed_in.notebooks import Extra, Submission, vscode

N07, N08 = "07_outputs_to_targets", "08_carrying_state"

AMARA_07 = Submission(
    "amara",
    N07,
    {
        "project": """
            out = np.dot(outputs, W_out) + b_out  # (B, T, 1)
            return np.squeeze(out, axis=2)
        """,
        "project_tiled": """
            one_more = np.expand_dims(W_out, 0)
            tiled = np.tile(one_more, (outputs.shape[0], 1, 1))
            product = np.matmul(outputs, tiled)
            pred = np.squeeze(product, axis=2) + b_out
            return pred, [W_out.shape, one_more.shape, tiled.shape, product.shape, pred.shape]
        """,
        "mse": """
            if pred.shape != target.shape:
                raise ValueError(f"pred has shape {pred.shape}, target {target.shape}")
            return np.mean((pred - target) ** 2)
        """,
        "baseline_errors": """
            B, T, D = x.shape
            rows = x.reshape(B * T, D)
            wanted = y.reshape(B * T)
            table = np.concatenate([rows, np.ones((B * T, 1))], axis=1)
            weights = np.linalg.lstsq(table, wanted, rcond=None)[0]
            return {
                "zero": np.mean(wanted**2),
                "mean": np.mean((wanted - np.mean(wanted)) ** 2),
                "memoryless": np.mean((table @ weights - wanted) ** 2),
            }
        """,
        "repair_session": """
            session.initialise()  # once
            outputs, state = session.run(x)
            W_out, b_out = session.W_out, session.b_out
            pred = project(outputs, W_out, b_out)
            return W_out, pred, mse(pred, y)
        """,
        "fit_two_step_sum": """
            optimizer = tf.keras.optimizers.Adam(learning_rate=0.03)
            variables = network.trainable_variables
            costs = []
            for update in range(most):
                x, y = draw()
                with tf.GradientTape() as tape:
                    pred = (network.outputs(x) @ network.W_out + network.b_out)[:, :, 0]
                    cost = tf.reduce_mean((pred - y) ** 2)
                gradients = tape.gradient(cost, variables)
                optimizer.apply(gradients, variables)
                costs.append(float(cost))
                if costs[-1] < goal:
                    break
            return costs
        """,
    },
    extras=[
        Extra(
            "Paper: at t = 0 nothing comes before, so the target is x itself and the memoryless one is "
            "too high there. 3 of 4 steps it guesses 4.5.",
            before="baseline_errors",
            markdown=True,
        )
    ],
)

JAMAL_07 = Submission(
    "jamal",
    N07,
    {
        "project": """
            return np.squeeze(outputs @ W_out + b_out)
        """,
        "project_tiled": """
            a = np.expand_dims(W_out, 0)
            b = np.tile(a, [outputs.shape[0], 1, 1])
            c = outputs @ b + b_out
            pred = np.squeeze(c)
            return pred, [W_out.shape, a.shape, b.shape, c.shape, pred.shape]
        """,
        "mse": """
            return np.mean((pred - target) ** 2)
        """,
        "baseline_errors": """
            A, t = x.reshape(-1, x.shape[2]), y.reshape(-1)
            w = np.linalg.lstsq(A, t, rcond=None)[0]
            return {
                "zero": np.mean(t**2),
                "mean": np.var(t),
                "memoryless": np.mean((A @ w - t) ** 2),
            }
        """,
        "repair_session": """
            session.initialise()
            outputs, _ = session.run(x)
            pred = np.squeeze(outputs @ session.W_out + session.b_out)
            cost = np.mean((pred - y) ** 2)
            return session.W_out, pred, cost
        """,
        "fit_two_step_sum": """
            opt = tf.keras.optimizers.Adam(0.03)
            costs = []
            for i in range(most):
                x, y = draw()
                with tf.GradientTape() as tape:
                    pred = project(network.outputs(x), network.W_out, network.b_out)
                    cost = mse(pred, y)
                grads = tape.gradient(cost, network.trainable_variables)
                opt.apply(grads, network.trainable_variables)
                costs.append(cost)
                if cost < goal:
                    return costs
            return costs
        """,
    },
    extras=[
        Extra(
            """
            net = ReadoutNetwork(seed=3)
            fit_two_step_sum(net, lambda: (TRAIN_X, TRAIN_Y), goal=1.0, most=5)
            """,
            after="fit_two_step_sum",
            fails=("AttributeError", "'numpy.float32' object has no attribute '_id'"),
        )
    ],
)

VANJA_07 = Submission(
    "vanja",
    N07,
    {
        "project": """
            B, T, H = outputs.shape
            return (outputs.reshape(B * T, H) @ W_out + b_out).reshape(B, T)
        """,
        "project_tiled": """
            shapes = []
            W = W_out[np.newaxis]
            shapes.append(W.shape)
            W = np.repeat(W, len(outputs), axis=0)
            shapes.append(W.shape)
            out = outputs @ W + b_out
            shapes.append(out.shape)
            pred = out[:, :, 0]
            shapes.append(pred.shape)
            return pred, shapes
        """,
        "mse": """
            assert pred.size == target.size, "different sizes"
            return ((pred - target) ** 2).mean()
        """,
        "baseline_errors": """
            # the second feature is only a constant, so a straight line through the first
            slope, start = np.polyfit(x[:, :, 0].ravel(), y.ravel(), 1)
            line = slope * x[:, :, 0] + start
            return {
                "zero": (y**2).mean(),
                "mean": ((y - y.mean()) ** 2).mean(),
                "memoryless": ((y - line) ** 2).mean(),
            }
        """,
        "repair_session": """
            # initialise() is the bug, so no initialise
            outputs, _ = session.run(x)
            weights = session.W_out
            pred = project(outputs, weights, session.b_out)
            return weights, pred, mse(pred, y)
        """,
    },
    extras=[
        Extra(
            "repair_session(Session(units=10, input_size=2, seed=0), TRAIN_X, TRAIN_Y)",
            after="repair_session",
            fails=("RuntimeError", "kernel has no value yet: nothing was initialised"),
        )
    ],
    saved_by=vscode,
)

KEOLA_08 = Submission(
    "keola",
    N08,
    {
        "make_echo": """
            x = np.random.randint(0, 2, size=(batch, length // batch))
            y = np.zeros_like(x)
            for row in range(batch):
                for t in range(delay, length // batch):
                    y[row, t] = x[row, t - delay]
            print(x[0, :20])
            print(y[0, :20])
            return x, y
        """,
        "windows": """
            result = []
            start = 0
            while start < x.shape[1]:
                print("window from", start)
                result.append((x[:, start : start + T], y[:, start : start + T]))
                start += T
            return result
        """,
        "loss_floor": """
            return delay * np.log(2) / T
        """,
        "pack_state": """
            return np.array([[state.c for state in states], [state.h for state in states]])
        """,
        "unpack_state": """
            states = []
            for layer in packed:
                states.append(LSTMStateTuple([layer[0], layer[1]]))
            return states
        """,
        "run_epoch": """
            losses = []
            state = model.zero_state(x.shape[0])
            with tf.GradientTape() as tape:
                for x_window, y_window in windows(x, y, WINDOW):
                    if not carry:
                        state = model.zero_state(x.shape[0])
                    loss, state = model.loss(x_window, y_window, state)
                    print("loss", loss)
                    model.update(tape.gradient(loss, model.trainable_variables))
                    losses.append(float(loss))
            return losses
        """,
    },
    ran=False,
)

TOMASZ_08 = Submission(
    "tomasz",
    N08,
    {
        "make_echo": """
            # as in the blog
            x = rng.integers(0, 2, length)
            y = np.roll(x, delay)
            y[0:delay] = 0
            return x.reshape((batch, -1)), y.reshape((batch, -1))
        """,
        "windows": """
            num_batches = x.shape[1] // T
            return [
                (x[:, k * T : (k + 1) * T], y[:, k * T : (k + 1) * T]) for k in range(num_batches)
            ]
        """,
        "loss_floor": """
            return delay / T
        """,
        "pack_state": """
            return np.stack([np.stack([state.c, state.h]) for state in states])
        """,
        "unpack_state": """
            return tuple((layer[0], layer[1]) for layer in packed)
        """,
        "repair_tutorial": """
            state_size = W2.shape[0]
            y = np.roll(bits, delay)
            y[:delay] = 0
            x = bits[: len(bits) // batch * batch].reshape((batch, -1))
            y = y[: len(bits) // batch * batch].reshape((batch, -1))

            packed = np.zeros((len(cells), 2, batch, state_size))
            losses = []
            for start in range(0, x.shape[1], T):
                end = min(start + T, x.shape[1])
                states = [LSTMStateTuple(packed[k][0], packed[k][1]) for k in range(len(cells))]
                logits = []
                for t in range(start, end):
                    output = x[:, t, np.newaxis]
                    for k, cell in enumerate(cells):
                        output, states[k] = cell(output, states[k])
                    logits.append(output @ W2 + b2)
                packed = pack_state(states)
                losses.append(bit_loss(np.stack(logits, axis=1), y[:, start:end]))
            return np.array(losses), packed
        """,
        "run_epoch": """
            losses = []
            for start in range(0, x.shape[1], WINDOW):
                state = model.zero_state(len(x))
                with tf.GradientTape() as tape:
                    loss, state = model.loss(
                        x[:, start : start + WINDOW], y[:, start : start + WINDOW], state
                    )
                model.update(tape.gradient(loss, model.trainable_variables))
                losses.append(loss.numpy())
            return losses
        """,
    },
)

WANJIRU_08 = Submission(
    "wanjiru",
    N08,
    {
        "make_echo": """
            x = rng.integers(2, size=(batch, length // batch))
            y = np.concatenate([np.zeros((batch, delay), dtype=int), x], axis=1)
            return x, y[:, : x.shape[1]]
        """,
        "windows": """
            edges = list(range(T, x.shape[1], T))
            return list(zip(np.split(x, edges, axis=1), np.split(y, edges, axis=1)))
        """,
        "loss_floor": """
            tosses = min(delay, T)
            return tosses / T * np.log(2)
        """,
        "pack_state": """
            return np.array([(state.c, state.h) for state in states])
        """,
        "unpack_state": """
            return [LSTMStateTuple(*layer) for layer in packed]
        """,
        "repair_tutorial": """
            columns = len(bits) // batch
            x = bits[: batch * columns].reshape(batch, columns)
            y = np.zeros_like(x)
            y[:, delay:] = x[:, : columns - delay]

            states = [LSTMStateTuple(*np.zeros((2, batch, len(W2)))) for _ in cells]
            losses = []
            for x_window, y_window in windows(x, y, T):
                logits = []
                for column in x_window.T:
                    output = column[:, np.newaxis]
                    for k, cell in enumerate(cells):
                        output, states[k] = cell(output, states[k])
                    logits.append(output @ W2 + b2)
                losses.append(bit_loss(np.stack(logits, axis=1), y_window))
            return np.array(losses), pack_state(states)
        """,
        "run_epoch": """
            losses = []
            state = model.zero_state(len(x))
            for x_window, y_window in windows(x, y, WINDOW):
                if not carry:
                    state = model.zero_state(len(x))
                with tf.GradientTape() as tape:
                    loss, state = model.loss(x_window, y_window, state)
                gradients = tape.gradient(loss, model.trainable_variables)
                model.update(gradients)
                losses.append(float(loss))
            return losses
        """,
    },
    extras=[
        Extra(
            """
            import time

            started = time.time()
            bits, echo = make_echo(50_000, 5, 3, np.random.default_rng(0))
            print(len(windows(bits, echo, 15)), "windows,", time.time() - started < 1)
            """,
            after="check-windows",
            prints="667 windows, True",
        )
    ],
)

SUBMISSIONS = (AMARA_07, JAMAL_07, VANJA_07, KEOLA_08, TOMASZ_08, WANJIRU_08)
