"""Seed 003: three cells, a classifier, a text generator and a sorter on slides."""

import numpy as np
import pytest

from course_lib import (
    GRUCell,
    LSTMCell,
    SequenceClassifier,
    beam_search,
    decode_greedy,
    decode_teacher_forced,
    encode,
    exact_match,
    generate_text,
    make_multi_cell,
    one_hot_bytes,
    repair_slide_gru,
    repair_slide_lstm,
    slide_gru_as_printed,
    slide_lstm_as_printed,
    slide_rnn_cell,
    tasks,
    tf,
    train,
)

E_DIM = 128


def gates(names, D=3, L=4, seed=0):
    rng = np.random.default_rng(seed)
    return {
        g: (rng.normal(size=(D, L)), rng.normal(size=(L, L)), rng.normal(size=L)) for g in names
    }


class TestCells:
    def test_the_basic_cell_starts_from_weights_between_minus_one_and_one(self):
        rng = np.random.default_rng(0)
        Au, Bu, Av, Bv = (rng.uniform(-1, 1, s) for s in ((3, 5), (4, 5), (3, 4), (4, 4)))
        output, state = slide_rnn_cell(np.ones((2, 3)), np.zeros((2, 4)), Au, Bu, Av, Bv)
        assert output.shape == (2, 5)
        assert state.shape == (2, 4)
        assert output.min() >= 0
        assert np.abs(state).max() <= 1

    def test_such_weights_explode_at_the_slides_size(self):
        Bv = np.random.default_rng(0).uniform(-1, 1, (512, 512))
        assert np.abs(np.linalg.eigvals(Bv)).max() == pytest.approx(13, abs=0.7)

    def test_the_printed_lstm_loses_in_one_step_what_the_repaired_one_keeps_for_sixty(self):
        # Gates that keep: F open, I shut, O open.
        zero = (np.zeros((1, 1)), np.zeros((1, 1)))
        weights = {
            "F": (*zero, [4.0]), "I": (*zero, [-20.0]), "O": (*zero, [4.0]), "S": (*zero, [0.0])
        }  # fmt: skip
        x, kept = np.zeros((1, 1)), {}
        for cell in (repair_slide_lstm, slide_lstm_as_printed):
            output, state = np.zeros((1, 1)), np.ones((1, 1))
            for _ in range(60):
                output, state = cell(x, output, state, weights)
            kept[cell] = float(state[0, 0])
        assert kept[repair_slide_lstm] == pytest.approx(0.3365, abs=1e-3)  # sigmoid(4) ** 60
        assert kept[slide_lstm_as_printed] < 1e-15

    def test_the_printed_gru_grows_without_bound_and_the_repaired_one_cannot(self):
        weights, x = gates("URO", seed=1), np.ones((1, 3))
        largest = {}
        for cell in (repair_slide_gru, slide_gru_as_printed):
            output = np.full((1, 4), 0.5)
            for _ in range(100):
                output = cell(x, output, weights)
            largest[cell] = np.abs(output).max()
        assert largest[repair_slide_gru] <= 1
        assert largest[slide_gru_as_printed] > 1


class TestManyToOne:
    def test_the_classifier_of_the_slides_has_its_shapes(self):
        classifier = SequenceClassifier(
            4, E_DIM, 16, make_cell=lambda u, d, seed: make_multi_cell(u, 2, d, seed=seed)
        )
        x, _ = tasks.byte_classes(3, 20, np.random.default_rng(0))
        assert classifier(one_hot_bytes(x, E_DIM)).shape == (3, 4)

    def test_logits_may_be_negative(self):
        classifier = SequenceClassifier(4, E_DIM, 16)
        x, _ = tasks.byte_classes(20, 20, np.random.default_rng(0))
        assert (classifier(one_hot_bytes(x)).numpy() < 0).any()

    def test_bytes_over_127_are_an_error_not_a_row_of_zeros(self):
        assert not tf.one_hot([200], depth=E_DIM).numpy().any()  # what the slide's call does
        with pytest.raises(ValueError, match=r"holds 200, expected 0 to 127"):
            one_hot_bytes(np.array([200], np.uint8), E_DIM)


class TestManyToMany:
    def test_text_is_generated_character_by_character_with_the_state_carried(self):
        vocab = "".join(chr(k) for k in range(32, 127))
        cell = make_multi_cell(8, 3, len(vocab), make_cell=GRUCell)
        W = tf.random.stateless_normal([8, len(vocab)], seed=[0, 0])

        def step(ids, state):
            output, state = cell(tf.one_hot(ids, len(vocab)), state)
            return output @ W, state

        draw = [
            generate_text(
                step, cell.zero_state(1), "_", 30, np.random.default_rng(seed), vocab=vocab
            )
            for seed in (0, 0, 1)
        ]
        assert len(draw[0]) == 30
        assert draw[0] == draw[1] != draw[2]
        assert all(character.isprintable() for character in draw[0])


class Sorter(tf.Module):
    """The slides' sorter with what they leave out: an initial state, GO, and a projection."""

    def __init__(self, vocabulary, units):
        super().__init__()
        self.go = vocabulary
        self.encoder = LSTMCell(units, vocabulary + 1, seed=1)
        self.decoder = LSTMCell(units, vocabulary + 1, seed=2)
        draw = np.random.default_rng(3).normal(0, units**-0.5, (units, vocabulary))
        self.W_out = tf.Variable(draw, dtype=tf.float32)

    def step(self, tokens, state):
        output, state = self.decoder(tf.one_hot(tokens, self.go + 1), state)
        return output @ self.W_out, state

    def read(self, x):
        return encode(self.encoder, tf.one_hot(x, self.go + 1))[1]

    def loss(self, x, y):
        logits, _ = decode_teacher_forced(self.step, self.read(x), y, self.go)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))


class TestManyToOneToMany:
    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls):
        sorter = Sorter(vocabulary=8, units=48)
        train(
            sorter,
            sorter.loss,
            lambda rng: tasks.token_sorting(64, 4, 8, rng),
            steps=350,
            learning_rate=0.01,
            clip_norm=1.0,
        )
        return sorter

    def test_tokens_are_sorted_on_fresh_sequences(self, trained):
        x, y = tasks.token_sorting(500, 4, 8, np.random.default_rng(10**6))
        tokens, _ = decode_greedy(trained.step, trained.read(x), trained.go, 4)
        assert exact_match(tokens, y) > 0.9

    def test_a_beam_is_no_worse(self, trained):
        x, y = tasks.token_sorting(100, 4, 8, np.random.default_rng(10**6))
        state = trained.read(x)
        greedy, _ = decode_greedy(trained.step, state, trained.go, 4)
        beams, _ = beam_search(trained.step, state, width=3, T=4, go=trained.go)
        assert exact_match(beams[:, 0], y) >= exact_match(greedy, y) - 0.02

    def test_a_blind_decoder_as_printed_sorts_nothing(self, trained):
        # The slides start the decoder without the encoder's state: it cannot know what was read.
        _x, y = tasks.token_sorting(500, 4, 8, np.random.default_rng(10**6))
        tokens, _ = decode_greedy(trained.step, trained.decoder.zero_state(500), trained.go, 4)
        assert len(np.unique(tokens, axis=0)) == 1
        assert exact_match(tokens, y) < 0.02
