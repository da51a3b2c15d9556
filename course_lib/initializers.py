"""First weights, drawn with NumPy so that one seed gives the same network everywhere.

The two that every cell of the course uses: Glorot's uniform draw for what multiplies the input,
an orthogonal matrix for what multiplies the state (its powers neither grow nor shrink).
"""

import numpy as np


def glorot_uniform(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `(rows, columns)` uniformly from ±sqrt(6 / (rows + columns)).

    Source: Glorot and Bengio 2010, eq. 16. With gates side by side `columns` counts all of them,
    as Keras does.

    >>> bool(abs(glorot_uniform(3, 5, np.random.default_rng(0))).max() < (6 / 8) ** 0.5)
    True
    """
    limit = np.sqrt(6.0 / (rows + columns))
    return rng.uniform(-limit, limit, size=(rows, columns))


def orthogonal(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `(rows, columns)` with orthonormal rows or columns, whichever are fewer.

    Source: Saxe, McClelland and Ganguli 2014, section 2; the Q of a Gaussian's QR decomposition.

    >>> Q = orthogonal(4, 4, np.random.default_rng(0))
    >>> bool(np.allclose(Q @ Q.T, np.eye(4)))
    True
    """
    tall, thin = max(rows, columns), min(rows, columns)
    Q, R = np.linalg.qr(rng.standard_normal((tall, thin)))
    # A QR is unique only up to signs: with R's diagonal made positive every machine agrees.
    Q = Q * np.where(np.diagonal(R) < 0, -1.0, 1.0)
    return Q if rows >= columns else Q.T
