"""What was handed in to notebook 9, in which cells are stacked."""

from __future__ import annotations

from handed_in.notebooks import Extra, Submission

N09 = "09_stacking"

BJORN_09 = Submission(
    "bjorn",
    N09,
    {
        "stack_two_by_hand": """
            last = []
            for cell, state in ((cell1, state1), (cell2, state2)):
                pieces = []
                for piece in x.transpose(1, 0, 2):
                    piece, state = cell(piece, state)
                    pieces.append(piece)
                x = np.array(pieces).transpose(1, 0, 2)
                last.append(state)
            return x, tuple(last)
        """,
        "multi_rnn_step": """
            def climb(below, layer):
                signal, done = below
                cell, state = layer
                signal, state = cell(signal, state)
                return signal, done + [state]

            return reduce(climb, zip(cells, states), (x, []))
        """,
        "stack_parameter_count": """
            reads = np.array([D] + [H] * (L - 1))
            return int(np.sum((reads + H + 1) * 4 * H))
        """,
        "make_multi_cell": """
            keras = tf.keras.layers
            return keras.StackedRNNCells(list(map(keras.LSTMCell, num_layers * [state_dim])))
        """,
        "describe_states": """
            long = {"c": "cell state c", "h": "hidden state h"}
            lines = []
            for number, state in enumerate(states, start=1):
                parts = state._asdict() if hasattr(state, "_asdict") else {"h": state}
                lines += [f"layer {number} {long[part]:20} {parts[part].shape}" for part in parts]
            return chr(10).join(lines)
        """,
        "residual_rnn_step": """
            outputs, new = [], []
            for cell, state in zip(cells, states):
                output, state = cell(sum(outputs) if outputs else x, state)
                outputs.append(output)
                new.append(state)
            return np.sum(outputs, axis=0), new
        """,
        "train_deep_echo": """
            def all_windows():
                while True:
                    x, y = draw()
                    fresh = True
                    for pair in windows(x, y, WINDOW):
                        yield (*pair, fresh)
                        fresh = False

            losses = []
            for x_window, y_window, fresh in islice(all_windows(), most):
                if fresh:
                    states = model.zero_state(x_window.shape[0])
                loss, states = model.train_window(x_window, y_window, states)
                losses.append(float(loss))
                if len(losses) > 19 and np.mean(losses[-20:]) < goal:
                    break
            return losses
        """,
    },
    extras=[
        Extra(
            """
            from functools import reduce
            from itertools import islice
            """,
            before="stack_two_by_hand",
        ),
        Extra("5 layers: 520 + 4 * 840 = 3880.", before="stack_parameter_count", markdown=True),
    ],
)

TOMASZ_09 = Submission(
    "tomasz",
    N09,
    {
        "stack_two_by_hand": """
            first = []
            for t in range(x.shape[1]):
                output, state1 = cell1(x[:, t, :], state1)
                first.append(output)
            second = []
            for output in first:
                output, state2 = cell2(output, state2)
                second.append(output)
            return np.stack(second, axis=1), (state1, state2)
        """,
        "multi_rnn_step": """
            new_states = []
            for cell, state in zip(cells, states):
                output, state = cell(x, state)
                new_states.append(state)
                x = state.h  # an LSTM's output is its h
            return output, new_states
        """,
        "stack_parameter_count": """
            return L * 4 * (D * H + H * H + H)
        """,
        "make_multi_cell": """
            # as in the blog
            cell = tf.keras.layers.LSTMCell(state_dim)
            return tf.keras.layers.StackedRNNCells([cell] * num_layers)
        """,
        "describe_states": """
            text = ""
            for i in range(len(states)):
                text += f"layer {i + 1}  hidden state      {states[i][0].shape}\\n"
                text += f"layer {i + 1}  activation state  {states[i][1].shape}\\n"
            return text
        """,
        "residual_rnn_step": """
            def with_way_past(cell):
                def step(x, state):
                    output, state = cell(x, state)
                    return x + output, state

                return step

            stack = [cells[0]] + [with_way_past(cell) for cell in cells[1:]]
            return multi_rnn_step(stack, x, states)
        """,
        "train_deep_echo": """
            losses = []
            while len(losses) < most:
                x, y = draw()
                states = model.zero_state(x.shape[0])
                for x_window, y_window in windows(x, y, WINDOW):
                    if len(losses) == most:
                        break
                    loss, states = model.train_window(x_window, y_window, states)
                    losses.append(float(loss))
            return losses
        """,
    },
)

MATEO_09 = Submission(
    "mateo",
    N09,
    {
        "stack_two_by_hand": """
            outputs = []
            for t in range(x.shape[1]):
                y, state1 = cell1(x[:, t], state1)
                y, state2 = cell2(y, state2)
                outputs.append(y)
            return np.stack(outputs, axis=1), (state1, state2)
        """,
        "multi_rnn_step": """
            new_states = list(states)
            k = 0
            while k < len(cells):
                x, new_states[k] = cells[k](x, new_states[k])
            return x, new_states
        """,
        "stack_parameter_count": """
            total, reads = 0, D
            for layer in range(L):
                total += 4 * H * (reads + H + 1)
                reads = H
            return total
        """,
        "make_multi_cell": """
            cells = [tf.keras.layers.LSTMCell(state_dim) for k in range(num_layers)]
            return tf.keras.layers.StackedRNNCell(cells)
        """,
        "describe_states": """
            for k, state in enumerate(states, 1):
                if hasattr(state, "c"):
                    print("layer", k, " cell state c   ", state.c.shape)
                    state = state.h
                print("layer", k, " hidden state h ", state.shape)
        """,
    },
    extras=[
        Extra(
            "hangs again at the second cell, no time for the last two",
            after="check-multi_rnn_step",
            markdown=True,
        )
    ],
)

SUBMISSIONS = (BJORN_09, TOMASZ_09, MATEO_09)
