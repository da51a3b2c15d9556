"""Problems that need memory: data made from a random generator, fresh whenever it is asked for.

Every function takes a `numpy.random.Generator` last and draws from nothing else.
"""

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]


def two_step_sum(batch: int, time: int, rng: np.random.Generator) -> Pair:
    """Whole numbers from 1 to 8; the target is the sum of this one and the one before.

    Returns:
        x, `(B, T, 2)` float32, whose second feature is always 2 as in the seed, and y, `(B, T)`:
        `y[b, t] = x[b, t, 0] + x[b, t - 1, 0]`, with nothing before the first step.

    Source: seed 001 (its three sequences follow this rule).

    >>> x, y = two_step_sum(3, 4, np.random.default_rng(0))
    >>> bool((y[:, 1:] == x[:, 1:, 0] + x[:, :-1, 0]).all() and (y[:, 0] == x[:, 0, 0]).all())
    True
    """
    _check_sizes(batch=batch, time=time)
    values = rng.integers(1, 9, size=(batch, time)).astype(np.float32)
    before = np.concatenate([np.zeros((batch, 1), np.float32), values[:, :-1]], axis=1)
    return np.stack([values, np.full_like(values, 2)], axis=2), values + before


def adding_problem(batch: int, time: int, rng: np.random.Generator) -> Pair:
    """Add the two numbers that are marked: one in the first half, one in the second.

    Always answering 1 has a mean squared error of 1/6.

    Returns:
        x, `(B, T, 2)` float32: a number in [0, 1) and a marker that is 0 or 1; y, `(B,)`.

    Raises:
        ValueError: there are fewer than two steps.

    Source: Hochreiter and Schmidhuber 1997, experiment 4; this form: Le, Jaitly and Hinton 2015.

    >>> x, y = adding_problem(5, 10, np.random.default_rng(0))
    >>> bool(np.allclose((x[:, :, 0] * x[:, :, 1]).sum(axis=1), y))
    True
    """
    _check_sizes(batch=batch)
    if time < 2:
        raise ValueError(f"time: is {time}, expected at least 2, one for each number")
    values = rng.random((batch, time), dtype=np.float32)
    markers = np.zeros_like(values)
    rows, half = np.arange(batch), time // 2
    markers[rows, rng.integers(0, half, batch)] = 1
    markers[rows, rng.integers(half, time, batch)] = 1
    return np.stack([values, markers], axis=2), (values * markers).sum(axis=1)


def copy_memory(
    batch: int, delay: int, rng: np.random.Generator, length: int = 10, symbols: int = 8
) -> Pair:
    """Read some symbols, wait, and write them down again when asked.

    Token 0 is blank, 1 to `symbols` are to be remembered, `symbols + 1` asks for them. Whoever
    remembers nothing has a cross-entropy of `length * ln(symbols) / (delay + 2 * length)` at best.

    Returns:
        x and y, `(B, length + delay + length)` int64: the input ends with the question and blanks,
        the target is blank but for its last `length` entries.

    Source: Hochreiter and Schmidhuber 1997, in the form of Arjovsky, Shah and Bengio 2016, 4.1.

    >>> x, y = copy_memory(1, 3, np.random.default_rng(0), length=2)
    >>> x.shape, bool((y[:, -2:] == x[:, :2]).all()), x[0, -3:].tolist()
    ((1, 7), True, [9, 0, 0])
    """
    _check_sizes(batch=batch, delay=delay, length=length, symbols=symbols)
    word = rng.integers(1, symbols + 1, size=(batch, length))
    x = np.zeros((batch, delay + 2 * length), np.int64)
    y = np.zeros_like(x)
    x[:, :length] = word
    x[:, -length - 1] = symbols + 1  # the question comes one step before the answer begins
    y[:, -length:] = word
    return x, y


def first_and_last_bit(batch: int, time: int, rng: np.random.Generator) -> Pair:
    """Is the first bit equal to the last? Needs both ends, so no single direction finds it easy.

    Returns:
        x, `(B, T, 1)` float32 bits, and y, `(B,)` int64: 1 where they are equal.

    >>> x, y = first_and_last_bit(6, 9, np.random.default_rng(0))
    >>> bool(((x[:, 0, 0] == x[:, -1, 0]) == y).all())
    True
    """
    _check_sizes(batch=batch, time=time)
    bits = rng.integers(0, 2, size=(batch, time))
    return bits[:, :, np.newaxis].astype(np.float32), (bits[:, 0] == bits[:, -1]).astype(np.int64)


# Which letter follows which, one table a class. Fixed: the classes are part of the task.
_LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz ", dtype=np.uint8)
_CLASS_SEED = 20170827  # the date on the slides


def byte_classes(batch: int, time: int, rng: np.random.Generator, classes: int = 4) -> Pair:
    """Made-up languages: which class does a text of bytes belong to?

    Every class uses the same 27 characters equally often; only which follows which tells them
    apart, so counting letters is no help and reading in order is.

    Returns:
        x, `(B, T)` uint8, all under 128, and y, `(B,)` int64 from 0 to `classes - 1`.

    Source: stands in for the texts of seed 003's classifier, which are not shown there.

    >>> x, y = byte_classes(2, 20, np.random.default_rng(0))
    >>> x.shape, x.dtype.name, bool(x.max() < 128)
    ((2, 20), 'uint8', True)
    """
    _check_sizes(batch=batch, time=time, classes=classes)
    y = rng.integers(0, classes, size=batch)
    tables = _successors(classes)
    letters = np.empty((batch, time), np.int64)
    letters[:, 0] = rng.integers(0, len(_LETTERS), batch)
    for t in range(1, time):
        choice = rng.integers(0, tables.shape[2], batch)
        letters[:, t] = tables[y, letters[:, t - 1], choice]
    return _LETTERS[letters], y


def _successors(classes: int) -> np.ndarray:
    """Nine successors for each letter of each class, `(classes, 27, 9)`.

    Each column is a permutation of the letters, so that no letter becomes more frequent.
    """
    rng = np.random.default_rng(_CLASS_SEED)
    count = len(_LETTERS)
    return np.stack(
        [np.stack([rng.permutation(count) for _ in range(9)], axis=1) for _ in range(classes)]
    )


def token_sorting(batch: int, time: int, vocabulary: int, rng: np.random.Generator) -> Pair:
    """Tokens to be sorted.

    Returns:
        x, `(B, T)` int64 from 0 to `vocabulary - 1`, and y, the same sorted.

    Source: seed 003, "a recurrent neural network that can sort sequences".

    >>> x, y = token_sorting(1, 5, 10, np.random.default_rng(0))
    >>> x.tolist(), y.tolist()
    ([[8, 6, 5, 2, 3]], [[2, 3, 5, 6, 8]])
    """
    _check_sizes(batch=batch, time=time, vocabulary=vocabulary)
    x = rng.integers(0, vocabulary, size=(batch, time))
    return x, np.sort(x, axis=1)


def float_sorting(batch: int, time: int, rng: np.random.Generator) -> Pair:
    """Numbers to be sorted by pointing at them.

    Returns:
        x, `(B, T)` float32 in [0, 1), and y, `(B, T)` int64: `y[b, k]` is the place in x of the
        k-th smallest number.

    Source: Vinyals, Bengio and Kudlur 2015 (Order Matters), the sorting experiment of Table 1.

    >>> x, y = float_sorting(2, 5, np.random.default_rng(0))
    >>> bool((np.diff(np.take_along_axis(x, y, axis=1)) >= 0).all())
    True
    """
    _check_sizes(batch=batch, time=time)
    x = rng.random((batch, time), dtype=np.float32)
    return x, np.argsort(x, axis=1, kind="stable")


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name}: is {size}, expected at least 1")
