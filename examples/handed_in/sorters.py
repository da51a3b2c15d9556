"""What was handed in to notebooks 12 and 13, in which networks sort by writing and by pointing."""

from __future__ import annotations

from handed_in.notebooks import Extra, Submission

N12, N13 = "12_sorting", "13_attention_and_pointers"

CHIDI_12 = Submission(
    "chidi",
    N12,
    {
        "encode": """
            outputs = []
            for t in range(len(tokens[0])):
                column = [[float(row[t] == k) for k in range(vocabulary)] for row in tokens]
                output, state = step(column, state)
                outputs.append(output)
            return [[output[b] for output in outputs] for b in range(len(tokens))], state
        """,
        "shift_right": """
            rows = []
            for row in y:
                if go in row:
                    raise ValueError("GO is one of the numbers")
                rows.append([go] + list(row[:-1]))
            return rows
        """,
        "decode_teacher_forced": """
            steps = []
            for tokens in zip(*shift_right(y, go)):
                logits, state = step(list(tokens), state)
                steps.append(logits)
            return [[logits[b] for logits in steps] for b in range(len(y))], state
        """,
        "decode_greedy": """
            part = state
            while isinstance(part, (list, tuple)):
                part = part[0]
            tokens = [go] * len(part)
            written = [[] for _ in tokens]
            for _ in range(T):
                logits, state = step(tokens, state)
                tokens = [row.index(max(row)) for row in np.asarray(logits).tolist()]
                for sequence, token in zip(written, tokens):
                    sequence.append(token)
            return written, state
        """,
        "exact_match": """
            right = 0
            for p, y in zip(pred, target):
                if list(p) == list(y):
                    right += 1
            return right / len(target)
        """,
        "repair_slides_sorter": """
            def vectors(tokens, size):
                return [[float(token == k) for k in range(size)] for token in tokens]

            state = encoder.zero_state(len(x))
            for column in zip(*x):
                _, state = encoder(vectors(column, V), state)

            def step(tokens, state):
                output, state = decoder(vectors(tokens, V + 1), state)
                logits = []
                for units in np.asarray(output).tolist():
                    logits.append([sum(u * w[k] for u, w in zip(units, W)) + b[k] for k in range(V)])
                return logits, state

            return decode_greedy(step, state, V, len(x[0]))[0]
        """,
        "train_sorter": """
            losses, scores = [], []
            for number in range(1, most + 1):
                x = draw()
                y = [sorted(row) for row in x.tolist()]
                losses.append(float(model.update(x, shift_right(y, model.go), y)))
                if number % LOOK:
                    continue
                x = draw()
                y = [sorted(row) for row in x.tolist()]
                written, _ = decode_greedy(model.step, model.encode(x), model.go, len(y[0]))
                scores.append(exact_match(written, y))
                if scores[-1] >= goal:
                    break
            return losses, scores
        """,
        "beam_search": """
            beams = [(0.0, [], state)]
            for _ in range(T):
                longer = []
                for score, tokens, memory in beams:
                    logits, after = step([tokens[-1] if tokens else go], memory)
                    row = np.asarray(logits)[0].tolist()
                    best = max(row)
                    total = best + np.log(sum(np.exp(z - best) for z in row))
                    longer += [(score + z - total, tokens + [k], after) for k, z in enumerate(row)]
                longer.sort(key=lambda beam: beam[0], reverse=True)
                beams = longer[:width]
            return [tokens for _, tokens, _ in beams], [score for score, _, _ in beams]
        """,
    },
)

JAMAL_12 = Submission(
    "jamal",
    N12,
    {
        "encode": """
            x = np.eye(tokens.max() + 1)[tokens]
            outputs = []
            for t in range(x.shape[1]):
                output, state = step(x[:, t], state)
                outputs.append(output)
            return np.stack(outputs, axis=1), state
        """,
        "shift_right": """
            if go in y:
                raise ValueError("go must not be in y")
            return np.roll(y, 1, axis=1)
        """,
        "decode_teacher_forced": """
            read = shift_right(y, go)
            logits = []
            for t in range(y.shape[1]):
                out, state = step(read[:, t], state)
                logits.append(out)
            return np.stack(logits, axis=1), state
        """,
        "decode_greedy": """
            start = np.full(tf.nest.flatten(state)[0].shape[0], go)
            written = []
            for _ in range(T):
                logits, state = step(start, state)
                written.append(np.argmax(logits, axis=1))
            return np.stack(written, axis=1), state
        """,
        "exact_match": """
            return np.mean(pred == target)
        """,
        "repair_slides_sorter": """
            x = one_hot(x, V)
            batch, time, _ = x.shape

            state = encoder.zero_state(batch)
            for t in range(time):
                _, state = encoder(x[:, t], state)

            inputs = one_hot(np.zeros((batch, time)), V + 1)
            written = []
            for t in range(time):
                output, state = decoder(inputs[:, t], state)
                written.append(np.argmax(output @ W + b, axis=1))
            return np.stack(written, axis=1)
        """,
        "train_sorter": """
            losses, scores = [], []
            while len(losses) < most:
                x = draw()
                y = np.sort(x, axis=1)
                losses.append(model.update(x, shift_right(y, model.go), y))
                if len(losses) % LOOK == 0:
                    x = draw()
                    y = np.sort(x, axis=1)
                    pred, _ = decode_greedy(model.step, model.encode(x), model.go, x.shape[1])
                    scores.append(exact_match(pred, y))
                    if scores[-1] >= goal:
                        break
            return losses, scores
        """,
        "beam_search": """
            tokens, scores, last = np.zeros((1, 0), int), np.zeros(1), np.array([go])
            for t in range(T):
                logits, state = step(last, state)
                total = np.asarray(logits) + scores.reshape(-1, 1)
                best = np.argsort(total.ravel())[::-1][:width]
                beams, last = np.divmod(best, total.shape[1])
                scores = total.ravel()[best]
                tokens = np.concatenate([tokens[beams], last.reshape(-1, 1)], axis=1)
                state = np.asarray(state)[beams]
            return tokens, scores
        """,
    },
)

MATEO_12 = Submission(
    "mateo",
    N12,
    {
        "encode": """
            outputs = []
            t = 0
            while t < tokens.shape[1]:
                output, state = step(tf.one_hot(tokens[:, t], vocabulary), state)
                outputs.append(output)
                t += 1
            return tf.stack(outputs, axis=1), state
        """,
        "shift_right": """
            assert go not in y, "go is a token"
            shifted = np.full_like(y, go)
            shifted[:, 1:] = y[:, :-1]
            return shifted
        """,
        "decode_teacher_forced": """
            logits = []
            for column in shift_right(y, go).T:
                out, state = step(column, state)
                logits.append(out)
            return np.stack(logits, axis=1), state
        """,
        "decode_greedy": """
            tokens = np.full(len(tf.nest.flatten(state)[0]), go)
            written = []
            while len(written) < T:
                logits, state = step(tokens, state)
                tokens = np.argmax(logits, axis=1)
            return np.stack(written, axis=1), state
        """,
        "exact_match": """
            wrong = np.asarray(pred) != np.asarray(target)
            return 1 - wrong.any(axis=1).mean()
        """,
        "repair_slides_sorter": """
            x = onehot(x, V)
            batch, time, _ = x.shape
            state = encoder.zero_state(batch)
            for t in range(time):
                _, state = encoder(x[:, t], state)
            token = np.full(batch, V)
            written = []
            for t in range(time):
                output, state = decoder(onehot(token, V + 1), state)
                token = np.argmax(output @ W + b, axis=1)
                written.append(token)
            return np.stack(written, axis=1)
        """,
        "beam_search": """
            beams = [([], 0.0, state)]
            # begin with width beams
            while len(beams) < width:
                beams = beams[:width]
            for t in range(T):
                tokens, score, memory = beams[0]
                logits, memory = step(np.array([tokens[-1] if tokens else go]), memory)
                log_p = tf.nn.log_softmax(logits).numpy()[0]
                beams = [(tokens + [log_p.argmax()], score + log_p.max(), memory)]
            return [beam[0] for beam in beams], [beam[1] for beam in beams]
        """,
    },
    extras=[
        Extra(
            "the training needs decode_greedy, and that one never comes back",
            after="check-train_sorter",
            markdown=True,
        )
    ],
)

DILNOZA_13 = Submission(
    "dilnoza",
    N13,
    {
        "masked_softmax": """
            low = tf.where(mask, scores, tf.constant(-1e30, tf.as_dtype(scores.dtype)))
            return tf.where(mask, tf.nn.softmax(low, axis=-1), tf.zeros_like(low))
        """,
        "dot_attention": """
            scores = tf.einsum("bqd,bkd->bqk", q, k) / tf.sqrt(tf.cast(q.shape[-1], q.dtype))
            weights = masked_softmax(scores, mask[:, tf.newaxis])
            return tf.matmul(weights, v), weights
        """,
        "additive_attention": """
            queries = tf.expand_dims(tf.tensordot(q, W_q, 1), 2)
            keys = tf.expand_dims(tf.tensordot(k, W_k, 1), 1)
            scores = tf.reduce_sum(v_a * tf.tanh(queries + keys), axis=-1)
            weights = masked_softmax(scores, mask[:, tf.newaxis])
            return tf.matmul(weights, v), weights
        """,
        "repair_attention_step": """
            output, state = cell(x, state)
            scores = tf.linalg.matvec(memory, output)
            weights = masked_softmax(scores, tf.sequence_mask(lengths, memory.shape[1]))
            context = tf.linalg.matvec(memory, weights, transpose_a=True)
            return tf.tanh(tf.matmul(tf.concat([context, output], axis=1), W) + b), state
        """,
        "pointer_logits": """
            return tf.where(mask, scores, tf.constant(-1e9, tf.as_dtype(scores.dtype)))
        """,
        "pointer_lesson": """
            places = tf.argsort(x, axis=1)
            rising = tf.gather(x, places, batch_dims=1)
            inputs = tf.pad(rising[:, :-1], [[0, 0], [1, 0]], constant_values=START)
            used = tf.cumsum(tf.one_hot(places, x.shape[1]), axis=1, exclusive=True)
            return inputs, used, places
        """,
        "point_alone": """
            x = tf.convert_to_tensor(x)
            values, used, places = tf.fill([x.shape[0]], START), tf.zeros(x.shape), []
            for _ in range(x.shape[1]):
                scores, state = step(values, used, state)
                if once:
                    scores = pointer_logits(scores, used == 0)
                chosen = tf.argmax(scores, axis=1, output_type=tf.int32)
                places.append(chosen)
                values = tf.gather(x, chosen, batch_dims=1)
                used = tf.maximum(used, tf.one_hot(chosen, x.shape[1]))
            return tf.stack(places, axis=1)
        """,
        "train_pointer_sorter": """
            losses, scores = [], []
            for update in range(most):
                x = draw()
                losses.append(model.update(x, *pointer_lesson(x)))
                if (update + 1) % LOOK == 0:
                    x = draw()
                    right = point_alone(model.step, model.read(x), x, False) == tf.argsort(x, axis=1)
                    scores.append(tf.reduce_mean(tf.cast(tf.reduce_all(right, axis=1), tf.float32)))
                    if scores[-1] >= goal:
                        break
            return losses, scores
        """,
    },
    extras=[Extra("import tensorflow as tf", before="masked_softmax")],
)

INGRID_13 = Submission(
    "ingrid",
    N13,
    {
        "masked_softmax": """
            powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
            weights = powers / powers.sum(axis=-1, keepdims=True)
            return weights * mask
        """,
        "dot_attention": """
            scores = np.matmul(q, np.moveaxis(k, 1, 2)) / np.sqrt(q.shape[2])
            weights = masked_softmax(scores, mask[:, None, :])
            return np.matmul(weights, v), weights
        """,
        "additive_attention": """
            pairs = (q @ W_q)[:, :, None, :] + (k @ W_k)[:, None, :, :]
            scores = np.tanh(pairs) @ v_a / np.sqrt(q.shape[2])
            weights = masked_softmax(scores, mask[:, None, :])
            return np.matmul(weights, v), weights
        """,
        "repair_attention_step": """
            output, state = cell(x, state)
            scores = np.einsum("bh,bkh->bk", output, memory)
            powers = np.exp(scores - scores.max(axis=1, keepdims=True))
            powers = powers * (np.arange(memory.shape[1]) < lengths[:, np.newaxis])
            weights = powers / powers.sum(axis=1, keepdims=True)
            context = (weights[:, :, np.newaxis] * memory).sum(axis=1)
            attended = np.tanh(np.concatenate([context, output], axis=1) @ W + b)
            return attended, state
        """,
        "pointer_logits": """
            return np.where(mask, scores, -100.0)
        """,
        "pointer_lesson": """
            places = np.argsort(np.argsort(x, axis=1), axis=1)
            inputs = np.full(x.shape, START)
            inputs[:, 1:] = np.sort(x, axis=1)[:, :-1]
            hot = np.eye(x.shape[1])[places]
            used = np.cumsum(hot, axis=1) - hot
            return inputs, used, places
        """,
        "point_alone": """
            rows = np.arange(len(x))
            values, used, places = np.full(len(x), START), np.zeros(x.shape), []
            for _ in range(x.shape[1]):
                scores, state = step(values, used, state)
                if once:
                    scores = pointer_logits(scores, used == 0)
                places.append(np.argmax(scores, axis=1))
                values = x[rows, places[-1]]
                used[rows, places[-1]] = 1
            return np.stack(places)
        """,
        "train_pointer_sorter": """
            losses, scores = [], []
            for n in range(1, most + 1):
                x = draw()
                losses.append(model.update(x, *pointer_lesson(x)))
                if n % LOOK == 0:
                    x = draw()
                    places = point_alone(model.step, model.read(x), x, False)
                    scores.append((places == np.argsort(x, axis=1)).all(axis=1).mean())
                    if scores[-1] >= goal:
                        break
            return losses, scores
        """,
    },
)

KEOLA_13 = Submission(
    "keola",
    N13,
    {
        "masked_softmax": """
            powers = exp(scores - scores.max(axis=-1, keepdims=True)) * mask
            return powers / powers.sum(axis=-1, keepdims=True)
        """,
        "dot_attention": """
            weights = masked_softmax(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]), mask[:, np.newaxis])
            return weights @ v, weights
        """,
        "additive_attention": """
            # with a softmax of its own, the other one does not work yet
            hidden = np.tanh((q @ W_q)[:, :, np.newaxis] + (k @ W_k)[:, np.newaxis])
            scores = np.where(mask[:, np.newaxis], hidden @ v_a, -1e9)
            powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
            weights = powers / powers.sum(axis=-1, keepdims=True)
            return weights @ v, weights
        """,
        "repair_attention_step": """
            output, state = cell(x, state)
            scores = np.einsum("bh,bkh->bk", output, memory)
            there = np.arange(memory.shape[1]) <= lengths[:, np.newaxis]
            scores = np.where(there, scores, -1e30)
            powers = np.exp(scores - scores.max(axis=1, keepdims=True))
            weights = powers / powers.sum(axis=1, keepdims=True)
            context = (weights[:, :, np.newaxis] * memory).mean(axis=1)
            attended = np.tanh(np.concatenate([context, output], axis=1) @ W + b)
            return attended, state
        """,
        "pointer_logits": """
            scores[~np.broadcast_to(mask, scores.shape)] = -1e9
            return scores
        """,
        "pointer_lesson": """
            B, N = x.shape
            places = np.argsort(x, axis=1)
            inputs = np.append(np.full((B, 1), START), np.sort(x, axis=1)[:, :-1], axis=1)
            hot = np.eye(N)[places]
            used = np.zeros((B, N, N))
            used[:, 1] = hot[:, 0]
            for t in range(2, N):
                used[:, t] = used[:, t - 1] + hot[:, t - 1]
            return inputs, used, places
        """,
        "point_alone": """
            rows = np.arange(len(x))
            values, used = np.full(len(x), START), np.zeros(x.shape)
            places, t = [], 0
            while t < x.shape[1]:
                scores, state = step(values, used, state)
                if once:
                    scores = pointer_logits(np.array(scores), used == 0)
                chosen = np.argmax(scores, axis=1)
                places.append(chosen)
                values = x[rows, chosen]
                used[rows, chosen] = 1
            return np.stack(places, axis=1)
        """,
    },
)

SUBMISSIONS = (CHIDI_12, JAMAL_12, MATEO_12, DILNOZA_13, INGRID_13, KEOLA_13)
