"""What was handed in to notebook 4: the way back through time."""

from __future__ import annotations

from handed_in.notebooks import Extra, Submission

N04 = "04_backprop_through_time"

BJORN_04 = Submission(
    "bjorn",
    N04,
    {
        "numerical_gradient": """
            x = np.asarray(x, dtype=float)
            directions = h * np.eye(x.size).reshape(x.size, *x.shape)
            slopes = [np.sum(df * (f(x + e) - f(x - e))) / (2 * h) for e in directions]
            return np.reshape(slopes, x.shape)
        """,
        "rnn_step_backward": """
            x, h_prev, h, Wx, Wh = cache
            da = np.einsum("bh,bh->bh", dh, 1 - h**2)
            return (
                np.einsum("bh,dh->bd", da, Wx),
                np.einsum("bh,gh->bg", da, Wh),
                np.einsum("bd,bh->dh", x, da),
                np.einsum("bg,bh->gh", h_prev, da),
                np.einsum("bh->h", da),
            )
        """,
        "rnn_backward": """
            def one_back(so_far, now):
                dxs, dh, sums = so_far
                dy_t, cache_t = now
                dx, dh, *weights = rnn_step_backward(dy_t + dh, cache_t)
                return [dx, *dxs], dh, [s + w for s, w in zip(sums, weights)]

            start = [], np.zeros_like(dy[:, 0]), [0.0, 0.0, 0.0]
            steps = zip(np.einsum("bth->tbh", dy)[::-1], cache[::-1])
            dxs, dh0, (dWx, dWh, db) = reduce(one_back, steps, start)
            return np.einsum("tbd->btd", np.array(dxs)), dh0, dWx, dWh, db
        """,
        "repair_slide_backward": """
            x, state, output, new_state, Au, Bu, Av, Bv = cache
            du = d_output * np.heaviside(output, 0)
            dv = d_new_state * (1 - new_state**2)
            back = lambda d, W: np.einsum("bj,ij->bi", d, W)
            outer = lambda a, d: np.einsum("bi,bj->ij", a, d)
            return (
                back(du, Au) + back(dv, Av),
                back(du, Bu) + back(dv, Bv),
                outer(x, du),
                outer(state, du),
                outer(x, dv),
                outer(state, dv),
            )
        """,
        "gradient_norms": """
            # rows of J: the old units (my J is the transpose of yours, which is as long)
            J = np.einsum("ij,tj->tij", Wh, 1 - h**2)
            return [np.linalg.svd(reduce(np.matmul, J[t:]), compute_uv=False)[0] for t in range(T)]
        """,
        "clip_by_global_norm": """
            norm = np.sqrt(sum(np.einsum("i,i", np.ravel(g), np.ravel(g)) for g in grads))
            return [g / max(1, norm / limit) for g in grads], norm
        """,
    },
    extras=[Extra("from functools import reduce", before="numerical_gradient")],
    ran=False,
)

HIROSHI_04 = Submission(
    "hiroshi",
    N04,
    {
        "numerical_gradient": """
            x = x.astype(float)
            g = np.zeros_like(x)
            for place in np.ndindex(x.shape):
                before = x[place]
                x[place] = before + h
                up = np.array(f(x))
                x[place] = before - h
                down = np.array(f(x))
                x[place] = before
                g[place] = np.sum(df * (up - down)) / (2 * h)
            return g
        """,
        "rnn_step_backward": """
            x, h_prev, h, Wx, Wh = cache
            da = dh * (1 - h**2)
            dx = da @ Wx.T
            dh_prev = da @ Wh  # forward it is h @ Wh.T, so back it is without the T
            dWx = x.T @ da
            dWh = h_prev.T @ da
            db = np.sum(da, axis=0)
            return dx, dh_prev, dWx, dWh, db
        """,
        "rnn_backward": """
            B, T, H = dy.shape
            dh = np.zeros((B, H))
            dx, dWx, dWh, db = [], 0, 0, 0
            for t in range(T - 1, -1, -1):
                dx_t, dh, dWx_t, dWh_t, db_t = rnn_step_backward(dy[:, t] + dh, cache[t])
                dx.insert(0, dx_t)
                dWx = dWx + dWx_t
                dWh = dWh + dWh_t
                db = db + db_t
            return np.stack(dx, axis=1), dh, dWx, dWh, db
        """,
        "repair_slide_backward": """
            x, state, output, new_state, Au, Bu, Av, Bv = cache
            du = d_output * (output > 0)  # 1
            dv = d_new_state * (1 - new_state**2)  # 2
            dx = du @ Au.T + dv @ Av.T
            dstate = du @ Bu.T
            dstate = dv @ Bv.T
            dAu = x.T @ du
            dBu = state.T @ du
            dAv = x.T @ dv
            dBv = new_state.T @ dv
            return dx, dstate, dAu, dBu, dAv, dBv
        """,
        "gradient_norms": """
            norms = np.zeros(T)
            J = np.eye(Wh.shape[0])
            for t in range(T - 1, -1, -1):
                J = J @ (np.diag(1 - h[t] ** 2) @ Wh)
                norms[t] = np.linalg.norm(J, 2)
            return norms
        """,
        "clip_by_global_norm": """
            norm = np.sqrt(sum(np.sum(g**2) for g in grads))
            return [np.clip(g, -limit, limit) for g in grads], norm
        """,
    },
    extras=[
        Extra(
            "2 of the 3 mistakes found. (The text says how many? I see no third.)",
            after="check-repair_slide_backward",
            markdown=True,
        )
    ],
)

YUSUF_04 = Submission(
    "yusuf",
    N04,
    {
        "numerical_gradient": """
            if x.dtype.kind == "i":
                x = x.astype(float)
            grad = np.zeros(x.shape)
            for i in np.ndindex(x.shape):
                x[i] += h
                up = f(x)
                x[i] -= 2 * h
                grad[i] = np.sum(df * (up - f(x))) / (2 * h)
                x[i] += h  # as it was
            return grad
        """,
        "rnn_step_backward": """
            x, h_prev, h, Wx, Wh = cache
            dh *= 1 - h**2  # saves memory
            return dh @ Wx.T, dh @ Wh.T, x.T @ dh, h_prev.T @ dh, dh.sum(axis=0)
        """,
        "rnn_backward": """
            dx = np.zeros((dy.shape[0], dy.shape[1], cache[0][0].shape[1]))
            dWx, dWh, db = np.zeros_like(cache[0][3]), np.zeros_like(cache[0][4]), 0.0
            dh_next = 0.0
            for t in reversed(range(len(cache))):
                dy[:, t] += dh_next
                dx[:, t], dh_next, a, b, c = rnn_step_backward(dy[:, t], cache[t])
                dWx += a
                dWh += b
                db += c
            return dx, dh_next, dWx, dWh, db
        """,
        "repair_slide_backward": """
            x, state, output, new_state, Au, Bu, Av, Bv = cache
            d_output[output == 0] = 0
            dv = d_new_state * (1 - new_state**2)
            dx = d_output @ Au.T + dv @ Av.T
            dstate = d_output @ Bu.T + dv @ Bv.T
            return dx, dstate, x.T @ d_output, state.T @ d_output, x.T @ dv, state.T @ dv
        """,
        "gradient_norms": """
            norms = []
            for t in range(T):
                J = np.eye(len(Wh))
                for k in range(t, T):
                    J = ((1 - h[k] ** 2) * Wh).T @ J
                norms.append(np.linalg.norm(J, 2))
            return np.array(norms)
        """,
        "clip_by_global_norm": """
            norm = np.sqrt(sum(np.sum(g**2) for g in grads))
            if norm <= limit:
                return grads, norm
            return [g * (limit / norm) for g in grads], norm
        """,
    },
)

SUBMISSIONS = (BJORN_04, HIROSHI_04, YUSUF_04)
