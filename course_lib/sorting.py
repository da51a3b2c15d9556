"""Networks that sort: tokens by writing them in order, numbers by pointing at them.

    encoder   reads x and ends in a state               (many to one)
    decoder   begins there, reads GO, y_1, ..., y_{T-1}  and predicts y_1, ..., y_T  (one to many)

While training, the decoder reads the right answers, so all its steps are known at once: it is a
recurrent network over the shifted targets, and attention is one product for all steps together.
"""

from typing import Any

import numpy as np

from course_lib.attention import dot_attention, pointer_logits
from course_lib.cells.stack import make_multi_cell
from course_lib.initializers import glorot_uniform
from course_lib.quiet import tf
from course_lib.seq2seq import beam_search, decode_greedy, encode, shift_right
from course_lib.shapes import check_shape
from course_lib.unroll.dynamic import dynamic_rnn


def sinusoids(count: int, size: int) -> np.ndarray:
    """First embeddings that know the order of the tokens: waves of falling frequency.

    Args:
        count: how many tokens.
        size: features of each; an even number.

    Returns:
        `(count, size)`, rows of length 1: neighbours are alike, distant tokens are not.

    Source: the position codes of Vaswani et al. 2017, section 3.5, here for values.

    >>> codes = sinusoids(128, 64)
    >>> bool(codes[5] @ codes[6] > codes[5] @ codes[40])
    True
    """
    if size < 2 or size % 2:
        raise ValueError(f"size: is {size}, expected an even number")
    frequencies = np.pi / np.geomspace(2, 2 * count, size // 2)
    angles = np.arange(count)[:, np.newaxis] * frequencies
    codes: np.ndarray = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    return codes / np.sqrt(size / 2)


class TokenSorter(tf.Module):
    """Sorts tokens: an encoder, a decoder that begins in the encoder's state, and attention.

    Args:
        vocabulary: V; tokens are 0 to V - 1, and V means GO.
        units: H of every layer.
        layers: of the encoder and of the decoder; the slides have 4.
        embedding: features of a token; the output layer is the embedding once more (tied).
        attention: whether the decoder may look back at the encoder's outputs.
        general: whether a learned matrix stands between queries and keys, and a key holds its token
            itself besides what the encoder made of it. Then "which of these comes after the one
            that I have just written" is a single product, and long sequences are learned soon.
        seed: of all first weights.

    Source: seed 003, "Many-to-one-to-many example", with what it leaves out: the initial state, GO,
    a projection. Attention: Luong, Pham and Manning 2015, eq. 8, "dot" and "general". Tied output:
    Press and Wolf 2017.

    >>> sorter = TokenSorter(vocabulary=16, units=8, embedding=6)
    >>> sorter.sort(np.array([[3, 1, 2]])).shape
    (1, 3)
    """

    def __init__(
        self,
        vocabulary: int,
        units: int = 128,
        *,
        layers: int = 1,
        embedding: int = 64,
        attention: bool = True,
        general: bool = False,
        seed: int = 0,
    ):
        super().__init__()
        self.vocabulary, self.go = vocabulary, vocabulary
        self.attention, self.general = attention, general
        rng = np.random.default_rng([seed, 4])
        codes = np.concatenate([sinusoids(vocabulary, embedding), np.zeros((1, embedding))])
        self.embedding = tf.Variable(codes, dtype=tf.float32, name="embedding")
        self.encoder = make_multi_cell(units, layers, embedding, seed=2 * seed)
        self.decoder = make_multi_cell(units, layers, embedding, seed=2 * seed + 1)
        size = units + embedding if general else units  # of a key
        width = units + size if attention else units
        self.W_read = tf.Variable(
            glorot_uniform(width, embedding, rng), dtype=tf.float32, name="W_read"
        )
        self.b_out = tf.Variable(tf.zeros(vocabulary), name="b_out")
        if attention and general:
            self.W_query = tf.Variable(
                glorot_uniform(units, size, rng), dtype=tf.float32, name="W_query"
            )
        # Rows of length 1 make small products; this lets the softmax become sure.
        self.scale = tf.Variable(8.0, name="scale")
        self._sort = tf.function(self._greedy)  # a graph for each length: greedy needs to know it

    def read(self, x: Any) -> tuple[Any, Any]:
        """Tokens `(B, T)` to what attention looks at, `(B, T, K)`, and the encoder's last state."""
        tokens = tf.gather(self.embedding, x)
        outputs, state = encode(self.encoder, tokens)
        return tf.concat([outputs, tokens], axis=2) if self.general else outputs, state

    def logits(self, outputs: Any, memory: Any) -> Any:
        """Decoder outputs `(B, Q, H)` and what was read `(B, T, K)` to logits `(B, Q, V)`."""
        if self.attention:
            queries = outputs @ self.W_query if self.general else outputs
            context, _ = dot_attention(queries, memory, memory)
            outputs = tf.concat([outputs, context], axis=2)
        words = tf.tanh(outputs @ self.W_read)
        tied = tf.transpose(self.embedding[: self.vocabulary])
        return self.scale * (words @ tied) + self.b_out

    def loss(self, x: Any, y: Any) -> Any:
        """The mean cross-entropy of the sorted tokens, in nats, with teacher forcing."""
        memory, state = self.read(x)
        inputs = tf.gather(self.embedding, shift_right(y, self.go))
        outputs, _ = dynamic_rnn(self.decoder, inputs, state)
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=y, logits=self.logits(outputs, memory)
            )
        )

    def step(self, memory: Any) -> Any:
        """The decoder's `step(tokens, state) -> (logits, state)` for given encoder outputs."""

        def step(tokens: Any, state: Any) -> tuple[Any, Any]:
            output, state = self.decoder(tf.gather(self.embedding, tokens), state)
            return self.logits(output[:, tf.newaxis], memory)[:, 0], state

        return step

    def _greedy(self, x: Any) -> Any:
        memory, state = self.read(x)
        return decode_greedy(self.step(memory), state, self.go, x.shape[1])[0]

    def sort(self, x: Any) -> np.ndarray:
        """Sort tokens `(B, T)` greedily; `(B, T)` int64. Nothing makes it use each token once."""
        check_shape("x", x, ("batch", "time"))
        sorted_tokens: np.ndarray = self._sort(tf.convert_to_tensor(x)).numpy()
        return sorted_tokens

    def sort_by_beam(self, x: Any, width: int) -> np.ndarray:
        """Sort tokens `(B, T)` by beam search; the best of `width` beams, `(B, T)` int64."""
        _, time = check_shape("x", x, ("batch", "time"))
        memory, state = self.read(tf.convert_to_tensor(x))
        step = self.step(tf.repeat(memory, width, axis=0))
        return beam_search(step, state, width, time, go=self.go)[0][:, 0]


class PointerSorter(tf.Module):
    """Sorts numbers: at every step it points at the place of the next one.

        scores[b, t, k] = exp(10 g) q_t . (key_k + used_k u)

    where `used_k` counts how often place k has been pointed at, and the vector u is learned; g is
    0 unless it is learned, too.

    Args:
        units: H.
        coverage: whether the decoder is told where it has pointed before (`used`). With it any
            score that rises with x sorts by selection, so there is little left to learn. Without
            it the decoder must remember by itself, which is the setting of the paper.
        waves: how many waves show a number besides itself: sin and cos of pi x, 2 pi x, 4 pi x, ...
            The finest of ten goes up and down 256 times between 0 and 1, so that numbers that
            are 0.001 apart look different; a single input of a network hardly tells them apart.
        gain: whether scores are multiplied by a learned number, `exp(10 g)`, so that they become
            steep soon. With products of slowly growing weights it takes many thousand updates.
        seed: of all first weights.

    Source: Vinyals, Fortunato and Jaitly 2015 (Pointer Networks); Vinyals, Bengio and Kudlur 2015,
    Table 1; coverage: Tu et al. 2016; waves: Tancik et al. 2020 (Fourier features).

    >>> PointerSorter(units=8).point(np.array([[0.3, 0.1, 0.2]], np.float32)).shape
    (1, 3)
    """

    def __init__(
        self,
        units: int = 32,
        *,
        coverage: bool = True,
        waves: int = 0,
        gain: bool = False,
        seed: int = 0,
    ):
        super().__init__()
        rng = np.random.default_rng([seed, 5])
        self.coverage = coverage
        self.frequencies = np.float32(np.pi) * 2 ** np.arange(waves, dtype=np.float32)
        features = 1 + 2 * waves
        self.encoder = make_multi_cell(units, 1, features, seed=2 * seed)
        self.decoder = make_multi_cell(units, 1, features, seed=2 * seed + 1)
        self.W_key = tf.Variable(
            glorot_uniform(units + features, units, rng), dtype=tf.float32, name="W_key"
        )
        self.W_query = tf.Variable(
            glorot_uniform(units, units, rng), dtype=tf.float32, name="W_query"
        )
        # Along the query, not a plain number: scores grow steep to tell close numbers apart, and
        # what a used place loses must grow with them.
        self.u_used = tf.Variable(tf.zeros(units), name="u_used", trainable=coverage)
        self.gain = tf.Variable(0.0, name="gain", trainable=gain)
        self._point = tf.function(self._greedy)  # a graph for each length

    def keys(self, x: Any) -> tuple[Any, Any]:
        """Numbers `(B, T)` to keys `(B, T, H)`, and the encoder's last state."""
        x = self.shown(x - 0.5)  # centred: the mean of [0, 1) says nothing
        outputs, state = encode(self.encoder, x)
        return tf.concat([outputs, x], axis=2) @ self.W_key, state

    def shown(self, x: Any) -> Any:
        """Centred numbers `(...)` as the cells read them: themselves and waves, `(..., 1 + 2 waves)`."""
        x = x[..., tf.newaxis]
        angles = (x + 0.5) * self.frequencies
        return tf.concat([x, tf.sin(angles), tf.cos(angles)], axis=-1)

    def scores(self, outputs: Any, keys: Any, used: Any) -> Any:
        """Decoder outputs `(B, Q, H)`, keys `(B, T, H)` and `used (B, Q, T)` to `(B, Q, T)`."""
        # Not scaled: to tell close numbers apart, scores must be steep.
        queries = outputs @ self.W_query
        scores = tf.matmul(queries, keys, transpose_b=True)
        if self.coverage:
            scores += used * tf.reduce_sum(queries * self.u_used, axis=2, keepdims=True)
        return scores * tf.exp(10 * self.gain)

    def loss(self, x: Any, y: Any) -> Any:
        """The mean cross-entropy of the places `(B, T)`, in nats, with teacher forcing."""
        keys, state = self.keys(x)
        places = tf.one_hot(y, tf.shape(x)[1])
        used = tf.cumsum(places, axis=1, exclusive=True)
        before = tf.gather(x, y, axis=1, batch_dims=1)[:, :-1]
        inputs = tf.pad(before - 0.5, [[0, 0], [1, 0]], constant_values=-1.0)  # -1: nothing yet
        outputs, _ = dynamic_rnn(self.decoder, self.shown(inputs), state)
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=y, logits=self.scores(outputs, keys, used)
            )
        )

    def _greedy(self, x: Any) -> Any:
        keys, state = self.keys(x)
        batch, time = tf.shape(x)[0], x.shape[1]

        def step(places: Any, state: Any) -> tuple[Any, Any]:
            cell_state, used = state
            # Before the first step `places` is T, beyond the end: no value, and nothing used.
            seen = tf.one_hot(places, time)
            value = tf.reduce_sum(seen * (x - 0.5), axis=1) - tf.cast(places == time, tf.float32)
            output, cell_state = self.decoder(self.shown(value), cell_state)
            used += seen
            scores = self.scores(output[:, tf.newaxis], keys, used[:, tf.newaxis])[:, 0]
            return pointer_logits(scores, True), (cell_state, used)

        return decode_greedy(step, (state, tf.zeros([batch, time])), time, time)[0]

    def point(self, x: Any) -> np.ndarray:
        """The places of the numbers `(B, T)` in rising order; `(B, T)` int64."""
        check_shape("x", x, ("batch", "time"))
        places: np.ndarray = self._point(tf.convert_to_tensor(x)).numpy()
        return places
