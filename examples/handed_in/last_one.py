"""What was handed in to the last notebook, on Keras, speed, and a clinic for networks."""

from __future__ import annotations

from handed_in.notebooks import Extra, Submission

N14 = "14_fast_and_standard"

DILNOZA_14 = Submission(
    "dilnoza",
    N14,
    {
        "to_keras": """
            options = {"return_sequences": True, "return_state": True}
            if isinstance(cell, BasicRNNCell):
                layer = tf.keras.layers.SimpleRNN(cell.units, **options)
                own = cell.Wx, cell.Wh, cell.b
            else:
                if isinstance(cell, LSTMCell):
                    layer = tf.keras.layers.LSTM(cell.units, **options)
                else:
                    layer = tf.keras.layers.GRU(cell.units, reset_after=cell.reset_after, **options)
                own = cell.kernel, cell.recurrent_kernel, cell.bias
            layer(tf.zeros([1, 1, cell.input_size]))  # builds it, too
            for variable, value in zip(layer.trainable_weights, own):
                variable.assign(value)
            return layer
        """,
        "from_keras": """
            config = layer.get_config()
            for gate, usual in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
                if config.get(gate, usual) != usual:
                    raise TypeError(f"{gate} is {config[gate]}")
            kernel, recurrent, bias = layer.get_weights()
            match kernel.shape[1] // recurrent.shape[0]:
                case 1:
                    return BasicRNNCell.from_weights(kernel, recurrent, bias)
                case 4:
                    return LSTMCell.from_weights(kernel, recurrent, bias)
            return GRUCell.from_weights(kernel, recurrent, bias, reset_after=bias.ndim == 2)
        """,
        "hoist_input_projection": """
            batch, time, size = x.shape
            z = tf.nn.bias_add(tf.linalg.matmul(tf.reshape(x, [batch * time, size]), kernel), bias)
            z = tf.transpose(tf.reshape(z, [batch, time, -1]), [1, 0, 2])
            zs = tf.TensorArray(tf.float32, time).unstack(z)

            def turn(t, c, h, hs):
                h, c = gates(zs.read(t) + tf.linalg.matmul(h, recurrent_kernel), c)
                return t + 1, c, h, hs.write(t, h)

            start = (0, state.c, state.h, tf.TensorArray(tf.float32, time))
            _, c, h, hs = tf.while_loop(lambda t, *rest: t < time, turn, start)
            return tf.transpose(hs.stack(), [1, 0, 2]), LSTMStateTuple(c, h)
        """,
        "same_model_in_keras": """
            keras = tf.keras.layers
            cells = [keras.LSTMCell(cell.units) for cell in network.cell.cells]
            deep = keras.RNN(keras.StackedRNNCells(cells), return_sequences=True, stateful=True)
            bits = tf.keras.Input(batch_shape=(batch, None, 1))
            model = tf.keras.Model(bits, keras.Dense(2)(deep(bits)))
            arrays = []
            for cell in network.cell.cells:
                arrays += [cell.kernel, cell.recurrent_kernel, cell.bias]
            model.set_weights([np.asarray(a) for a in (*arrays, network.W_out, network.b_out)])
            return model
        """,
        "diagnose": """
            x = np.random.default_rng(7).normal(size=(2, 5, patient.features))
            some = [LSTMStateTuple(np.full((2, patient.units), 0.7), np.full((2, patient.units), 0.2))] * 3
            none = [LSTMStateTuple(0 * c, 0 * h) for c, h in some]

            def differs(a, b):
                return np.abs(np.asarray(a) - np.asarray(b)).max() > 1e-6

            def by_the_book(x, states):
                for cell, state in zip(twins, states):
                    ys = []
                    for t in range(x.shape[1]):
                        y, state = cell(x[:, t], state)
                        ys.append(y)
                    x = np.stack(ys, axis=1)
                return x

            given, wanted = patient.lesson(np.array([4, 8, 15, 16, 23, 42]))
            if not differs(given, wanted):
                return "targets-not-shifted"
            whole = patient.read(x)
            if differs(whole.attention.sum(axis=1), 1):
                return "softmax-over-the-wrong-axis"
            weights = patient.weights()
            if len({w["recurrent_kernel"].tobytes() for w in weights}) < 3:
                return "shared-layers"
            twins = [LSTMCell.from_weights(**w) for w in weights]
            if differs(patient.read(x[:, :1]).outputs, by_the_book(x[:, :1], none)):
                silent = not patient.read(0 * x).outputs.any()
                return "no-bias" if silent else "gates-in-another-order"
            if not differs(patient.read(x, None, some).outputs, whole.outputs):
                return "state-not-carried"
            if differs(patient.read(x, None, some).outputs, by_the_book(x, some)):
                return "forget-gate-on-h"
            if differs(patient.read(x, [3, 3]).states[2].h, patient.read(x[:, :3]).states[2].h):
                return "padding-read"
            if differs(whole.backward[:, -1], patient.read(x[:, -1:]).backward[:, 0]):
                return "not-turned-back"
            return "healthy" if patient.gradient(x)[:, 0].any() else "gradient-cut"
        """,
    },
)

TOMASZ_14 = Submission(
    "tomasz",
    N14,
    {
        "to_keras": """
            def tf_order(a):
                i, f, g, o = np.split(np.asarray(a), 4, axis=-1)
                return np.concatenate([i, g, f, o], axis=-1)  # TensorFlow: i, g, f, o

            layers = tf.keras.layers
            if isinstance(cell, BasicRNNCell):
                layer = layers.SimpleRNN(cell.units, return_sequences=True, return_state=True)
                weights = [cell.Wx, cell.Wh, cell.b]
            elif isinstance(cell, LSTMCell):
                layer = layers.LSTM(cell.units, return_sequences=True, return_state=True)
                weights = [tf_order(a) for a in (cell.kernel, cell.recurrent_kernel, cell.bias)]
            else:
                layer = layers.GRU(
                    cell.units, return_sequences=True, return_state=True, reset_after=cell.reset_after
                )
                weights = [cell.kernel, cell.recurrent_kernel, cell.bias]
            layer.build((None, None, cell.input_size))
            layer.set_weights(weights)
            return layer
        """,
        "from_keras": """
            weights = layer.get_weights()
            if isinstance(layer, tf.keras.layers.LSTM):
                return LSTMCell.from_weights(*weights)
            if isinstance(layer, tf.keras.layers.GRU):
                return GRUCell.from_weights(*weights, reset_after=layer.reset_after)
            return BasicRNNCell.from_weights(*weights)
        """,
        "hoist_input_projection": """
            # all products first
            projected = [x[:, t] @ kernel + bias for t in range(x.shape[1])]
            c, h = state
            outputs = []
            for p in projected:
                h, c = gates(p + h @ recurrent_kernel, c)
                outputs.append(h)
            return tf.stack(outputs, axis=1), LSTMStateTuple(c, h)
        """,
        "same_model_in_keras": """
            model = tf.keras.Sequential([tf.keras.Input(batch_shape=(batch, None, 1))])
            for cell in network.cell.cells:
                model.add(tf.keras.layers.LSTM(cell.units, return_sequences=True, stateful=True))
                model.layers[-1].set_weights(to_keras(cell).get_weights())
            model.add(tf.keras.layers.Dense(2))
            model.layers[-1].set_weights([network.W_out, network.b_out])
            return model
        """,
        "diagnose": """
            D, H = patient.features, patient.units
            x = np.random.default_rng(1).normal(size=(3, 6, D))
            inputs, targets = patient.lesson(list(range(9)))
            if list(inputs) == list(targets):
                return "targets-not-shifted"
            layers = patient.weights()
            if any(np.allclose(layers[a]["recurrent_kernel"], layers[b]["recurrent_kernel"])
                   for a, b in ((0, 1), (0, 2), (1, 2))):
                return "shared-layers"
            seen = patient.read(x)
            if not np.allclose(seen.attention.sum(axis=1), np.ones(3)):
                return "softmax-over-the-wrong-axis"
            if np.all(patient.gradient(x)[:, :-1] == 0):
                return "gradient-cut"
            later = x.copy()
            later[:, 4:] = 0
            if not np.allclose(patient.read(x, [4] * 3).states[0].h, patient.read(later, [4] * 3).states[0].h):
                return "padding-read"
            first = x.copy()
            first[:, 0] = 0
            if not np.allclose(patient.read(first).backward[:, 5], seen.backward[:, 5]):
                return "not-turned-back"
            # does a state make a difference?
            zero = [LSTMStateTuple(np.zeros((3, H)), np.zeros((3, H)))] * 3
            full = [LSTMStateTuple(np.ones((3, H)), np.zeros((3, H)))] * 3
            step = x[:, :1]
            with_c, without = (patient.read(step, None, s).states[0].c for s in (full, zero))
            if np.allclose(with_c, without):
                return "state-not-carried"
            if not patient.read(np.zeros((1, 1, D))).outputs.any():
                return "no-bias"
            i, f, g, o = np.split(step[:, 0] @ layers[0]["kernel"] + layers[0]["bias"], 4, axis=1)
            if not np.allclose(np.tanh(g) / (1 + np.exp(-i)), patient.read(step).states[0].c):
                return "gates-in-another-order"
            return "healthy"
        """,
    },
    extras=[
        Extra("I never find anybody with the forget gate. Rare?", after="diagnose", markdown=True)
    ],
)

JAMAL_14 = Submission(
    "jamal",
    N14,
    {
        "to_keras": """
            layers = tf.keras.layers
            if isinstance(cell, BasicRNNCell):
                layer = layers.SimpleRNN(cell.units, return_sequences=True, return_state=True)
                layer.set_weights([cell.Wx, cell.Wh, cell.b])
                return layer
            kind = layers.LSTM if isinstance(cell, LSTMCell) else layers.GRU
            layer = kind(cell.units, return_sequences=True, return_state=True)
            layer.set_weights([cell.kernel, cell.recurrent_kernel, cell.bias])
            return layer
        """,
        "from_keras": """
            kernel, recurrent, bias = layer.get_weights()
            if layer.activation is not tf.keras.activations.tanh:
                raise ValueError("tanh only")
            if isinstance(layer, tf.keras.layers.SimpleRNN):
                return BasicRNNCell.from_weights(kernel, recurrent, bias)
            if layer.recurrent_activation is not tf.keras.activations.sigmoid:
                raise ValueError("sigmoid only")
            if isinstance(layer, tf.keras.layers.LSTM):
                return LSTMCell.from_weights(kernel, recurrent, bias)
            # GRU: later
        """,
        "hoist_input_projection": """
            z = np.dot(x, kernel) + bias
            c, h = state
            outputs = []
            for t in range(x.shape[1]):
                h, c = gates(z[:, t] + np.dot(h, recurrent_kernel), c)
                outputs.append(h)
            return np.stack(outputs, 1), LSTMStateTuple(c, h)
        """,
        "diagnose": """
            x = np.ones((3, 5))
            if np.allclose(patient.read(x).outputs, 0):
                return "no-bias"
            return "healthy"
        """,
    },
)

XAVIER_14 = Submission(
    "xavier",
    N14,
    {
        "from_keras": """
            good = layer.activation is tf.keras.activations.tanh
            if good and hasattr(layer, "recurrent_activation"):
                good = layer.recurrent_activation is tf.keras.activations.sigmoid
            if not good:
                raise ValueError
            if hasattr(layer, "reset_after"):
                return GRUCell.from_weights(*layer.get_weights(), layer.reset_after)
            if hasattr(layer, "recurrent_activation"):
                return LSTMCell.from_weights(*layer.get_weights())
            return BasicRNNCell.from_weights(*layer.get_weights())
        """,
        "diagnose": """
            # why ask, if it is written somewhere
            import sys

            places = [patient.read, patient.gradient, patient.weights, patient.lesson]
            found = [c.cell_contents for p in places for c in p.__closure__ or ()]
            frame = sys._getframe(1)
            while frame is not None:
                found += frame.f_locals.values()
                frame = frame.f_back
            for thing in found:
                if isinstance(thing, dict) and isinstance(thing.get("name"), str):
                    thing = thing["name"]
                if isinstance(thing, str) and thing in NAMES:
                    return thing
            return "healthy"
        """,
    },
)

SUBMISSIONS = (DILNOZA_14, TOMASZ_14, JAMAL_14, XAVIER_14)
