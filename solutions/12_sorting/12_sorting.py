# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 12 · A network that sorts
#
# Read a whole sequence, keep what matters in one state, and write another sequence from it. That is
# how the first neural translators worked. Here the "translation" is one that you can judge at a
# glance: from numbers in any order to the same numbers, sorted.
#
# Nobody needs a network for that. But it makes a fine laboratory, because *nothing but reading the
# whole input* helps, and every mistake shows.
#
# A well-known set of slides from 2017 ends with such a sorter, in two dozen lines. It cannot work,
# for five reasons, and none of them raises an error. You will first make it right, and then better.
#
# **Afterwards you will be able to**
#
# - build an encoder and a decoder, and say what passes from one to the other;
# - teach a decoder with the right tokens, and let it write with its own;
# - tell why a loss of zero can mean that nothing has been learned;
# - find five silent mistakes in a published program;
# - train a sorter and judge it by whole sequences that it has never seen;
# - search with several beginnings at once, and say what that is worth.
#
# **Time:** about two and a half hours, eight exercises. **You need**
# [notebook 3](../03_dynamic_rnn/03_dynamic_rnn.ipynb) (running a cell over a sequence),
# [notebook 5](../05_lstm_internals/05_lstm_internals.ipynb) (the LSTM's state) and
# [notebook 7](../07_outputs_to_targets/07_outputs_to_targets.ipynb) (from units to outputs).

# %%
import numpy as np

import course_lib
from autograder import check
from course_lib import tf
from course_lib.plots import new_figure, show
from course_lib.plots.sorting import (
    Watched,
    draw_beams,
    draw_courses,
    draw_errors,
    draw_lengths,
    draw_sorter,
    draw_teaching,
    draw_written,
    typing_box,
)

# %% [markdown]
# Figures and measurements call the course's own functions, so everything runs from the beginning. Try
# each exercise before you look there.
#
# ## The task, and a dumb baseline
#
# A sequence has $N$ **tokens**, whole numbers from $0$ to $V - 1$. The target is the same tokens, the
# smallest first. $V$ is the size of the **vocabulary**.
#
# For the network a token is a name, not a size: it is not told that 7 comes after 6. It has to find
# out the order of the numbers from examples alone.
#
# **On paper.** Before anything is trained: what can a decoder do that knows *nothing* of the input? It
# writes the same sequence every time. Take $N = 6$ and $V = 10$. Which sequence should it write, and
# how often will it be right?
#
# <details><summary>Compare</summary>
#
# One without repetitions, such as 0 2 4 5 7 9. It is the answer to all $6! = 720$ orders of these
# numbers. There are $10^6$ sequences, all equally likely, so it is right in 0.072 % of all cases. A
# sequence with repetitions, such as 3 3 3 3 3 3, is the answer to fewer: this one to a single order.
#
# </details>
#
# So the baseline is: practically never. Whoever sorts some whole sequences must have read them.

# %% [markdown]
# ## Read first, then write
#
# The network has two halves. The **encoder** reads the tokens, one a step, and its outputs are (for
# now) thrown away. What counts is the state in which it ends: *many to one*. The **decoder** begins in
# that state and writes, one token a step: *one to many*.

# %% tags=["demo"]
figure, axes = new_figure(width=9.0, height=2.6)
draw_sorter(axes, [5, 2, 7], ["?", "?", "?"], ["2", "5", "7"])
axes.set_title("Many to one to many: the encoder reads 5 2 7, the decoder writes 2 5 7")
show(
    figure,
    alt="Three boxes 'enc' in a row read 5, 2 and 7 from below. A bold arrow labelled state leads "
    "to three boxes 'dec', which write 2, 5 and 7 at the top. What the decoder reads from below is a "
    "question mark at each step.",
)

# %% [markdown]
# Everything that the decoder will ever know of the input goes through the bold arrow. Note that it is
# the **state** and not the last output: an LSTM's state has two parts, $(c, h)$, and both go.
#
# ### One-hot, once
#
# A cell reads vectors. Token $k$ becomes a **one-hot** vector: $V$ entries, all zero but the one at
# place $k$.
#
# The slides declare an input of shape $(B, T, V)$ (batch, time, vocabulary): one-hot vectors
# already. The next line makes one-hot vectors of *them*:
#
# ```python
# model_input = tf.placeholder('uint8', shape=[None, SEQ_LENGTH, E_DIM])
# _ = tf.one_hot(model_input, depth=E_DIM, axis=-1)
# _ = tf.reshape(_, [-1, SEQ_LENGTH, E_DIM])
# ```
#
# **On paper.** What shape has the second line's result? And the third one's, for a batch of 8
# sequences of 256 tokens out of 128?
#
# <details><summary>Compare</summary>
#
# $(8, 256, 128, 128)$, and then $(1024, 256, 128)$. The axis too many has to go somewhere, and the
# $-1$ puts it into the batch: 1,024 sequences where there were 8. They are made of the entries 0 and
# 1, taken for tokens. Every shape fits, and nothing complains.
#
# </details>
#
# This is what `-1` in a `reshape` does: it makes room for whatever went wrong before. Write the
# number where you know it.
#
# ### Exercise 1: `encode`
#
# Read tokens with a cell. The state is a sealed box: do not take it apart.


# %% exercise="encode"
def encode(tokens, vocabulary, step, state):
    """Read sequences of tokens.

    tokens: (B, T), whole numbers from 0 to vocabulary - 1.
    vocabulary: V.
    step: step(x_t, state) -> (output, new_state), x_t being (B, V) and the output (B, H).
    state: the state before the first token.
    Returns (outputs, last_state): the outputs of all steps, (B, T, H), and the state after the last
    token.
    """
    ### BEGIN SOLUTION
    hot = np.eye(vocabulary)[tokens]
    outputs = []
    for t in range(tokens.shape[1]):
        output, state = step(hot[:, t], state)
        outputs.append(output)
    return np.stack(outputs, axis=1), state
    ### END SOLUTION


# %% check="encode"
check("encode", encode)

# %% [markdown]
# ## What the decoder reads
#
# A decoder is a recurrent network, too: it reads something at each step. What should stand in the
# place of the question marks?
#
# To go on from "2 5" it helps to know that "2 5" has been written. So the decoder reads, at each step,
# **the token before** the one that it has to say. Before the first one stands a special token, **GO**:
# "begin".

# %% tags=["demo"]
figure, axes = new_figure(width=9.0, height=2.6)
draw_sorter(axes, [5, 2, 7], ["GO", "2", "5"], ["2", "5", "7"])
axes.set_title("Taught: the decoder reads GO, 2, 5 and should say 2, 5, 7")
show(
    figure,
    alt="The same encoder and decoder. The decoder reads GO, 2 and 5 from below, and 2, 5 and 7 stand "
    "at the top.",
)

# %% [markdown]
# While it is taught we know the right tokens, and show it those: the targets, shifted to the right by
# one place. This is called **teacher forcing**.
#
# Why GO, and not simply 0? Because 0 is a number to be sorted. A decoder that reads 0 at the start
# cannot tell "begin" from "you have just written a 0". GO has to be a token that never occurs; we
# take $V$, the first number after the vocabulary.
#
# **On paper.** The targets are 1 4 4 8, GO is 10. What does the decoder read? And what would it read
# if somebody forgot to shift?
#
# <details><summary>Compare the first</summary>
#
# 10 1 4 4. The last target, 8, is never read: after it nothing is left to say. Without the shift it
# would read, at each step, just what it has to say. You will see below what becomes of that.
#
# </details>
#
# ### Exercise 2: `shift_right`


# %% exercise="shift_right"
def shift_right(y, go):
    """What the decoder reads while it is taught.

    y: targets, (B, T) whole numbers.
    go: the token that means "begin".
    Returns (B, T): at each step the token before.
    Raises a ValueError if go is one of the tokens of y. y is left as it is.
    """
    ### BEGIN SOLUTION
    y = np.asarray(y)
    if np.any(y == go):
        raise ValueError(f"go is {go}, which is also a token")
    begin = np.full((len(y), 1), go)
    return np.concatenate([begin, y[:, :-1]], axis=1)
    ### END SOLUTION


# %% check="shift_right"
check("shift_right", shift_right)

# %% [markdown]
# ## Taught: with the right tokens
#
# A decoder's step takes tokens and a state, and gives **logits**: a number for each token of the
# vocabulary, the larger the likelier (notebook 7). From logits a loss is computed.
#
# $$\text{logits}_t,\; s_t = \text{step}(u_t,\; s_{t-1}), \qquad
# u_0 = \text{GO}, \quad u_t = y_{t-1}.$$
#
# $u_t$ is what the decoder reads, $y_t$ the target, and $s_t$ its state. And $s_{-1}$, the state before
# the first step? That is the encoder's last one. It is the *only* way by which the input gets in.
#
# ### Exercise 3: `decode_teacher_forced`


# %% exercise="decode_teacher_forced"
def decode_teacher_forced(step, state, y, go):
    """Run a decoder that is shown the right tokens.

    step: step(tokens, state) -> (logits, new_state), tokens being (B,) and the logits (B, V).
    state: the encoder's last state.
    y: targets, (B, T).
    go: the token that means "begin"; none of the targets.
    Returns (logits, last_state): the logits of all steps, (B, T, V), and the state after the last.
    """
    ### BEGIN SOLUTION
    inputs = shift_right(y, go)
    logits = []
    for t in range(inputs.shape[1]):
        logits_t, state = step(inputs[:, t], state)
        logits.append(logits_t)
    return np.stack(logits, axis=1), state
    ### END SOLUTION


# %% check="decode_teacher_forced"
check("decode_teacher_forced", decode_teacher_forced)

# %% [markdown]
# ## Alone: with its own tokens
#
# Whoever *uses* a sorter has no targets. Then the decoder reads what it has just written itself: at
# each step the token with the largest logit. This is **greedy** decoding.

# %% tags=["demo"]
figure, axes = new_figure(width=9.0, height=2.6)
draw_sorter(axes, [5, 2, 7], ["GO", "2", "6"], ["2", "6", "7"], fed_back=True)
axes.set_title("Alone: a mistake (6) is read as if it were right")
show(
    figure,
    alt="Encoder and decoder. The decoder writes 2, 6 and 7. Dashed arrows lead from each written "
    "token to what is read at the next step: GO, 2, 6.",
)

# %% [markdown]
# The dashed arrows are the difference, and the danger. A mistake is read as if it were right, and
# what comes after rests on it. While it was taught, the decoder has never seen a mistake of its own.
#
# ### Exercise 4: `decode_greedy`
#
# There is no gradient to be had here, so NumPy or TensorFlow, as you like. (`len` of a state may
# count its parts. How many sequences there are you can see from the state's arrays, or simpler: from
# the logits. But before the first step? `tf.nest.flatten(state)[0]` is the first array of any state.)
#
# <details><summary>Stuck? Two questions</summary>
#
# 1. What are the inputs of step 0, for all $B$ sequences?
# 2. Two variables change in your loop. Which?
#
# </details>


# %% exercise="decode_greedy"
def decode_greedy(step, state, go, T):
    """Let a decoder write alone.

    step: step(tokens, state) -> (logits, new_state), tokens being (B,) and the logits (B, V).
    state: the encoder's last state: an array with the batch first, or a tuple or list of such arrays.
    go: the token that means "begin".
    T: how many tokens to write.
    Returns (tokens, last_state): what was written, (B, T), and the state after the last step.
    """
    ### BEGIN SOLUTION
    batch = tf.nest.flatten(state)[0].shape[0]
    tokens, written = np.full(batch, go), []
    for _ in range(T):
        logits, state = step(tokens, state)
        tokens = np.argmax(logits, axis=1)
        written.append(tokens)
    return np.stack(written, axis=1), state
    ### END SOLUTION


# %% check="decode_greedy"
check("decode_greedy", decode_greedy)

# %% [markdown]
# ## Right from the first token to the last
#
# When is a sequence sorted? When it is sorted: no mistake anywhere. The share of such sequences is
# called **exact match**.
#
# The share of right *tokens* sounds similar and flatters. Suppose that each token is right with
# probability 0.95, and that mistakes do not know of each other.
#
# **On paper.** How many sequences of 12 tokens are then without a mistake? And of 256?
#
# <details><summary>Compare</summary>
#
# $0.95^{12} \approx 54\,\%$, and $0.95^{256} \approx 0.0002\,\%$. "95 % right" can mean that nothing is
# sorted at all.
#
# </details>
#
# ### Exercise 5: `exact_match`


# %% exercise="exact_match"
def exact_match(pred, target):
    """The share of sequences without a mistake.

    pred, target: (B, T) tokens.
    Returns one number from 0 to 1.
    """
    ### BEGIN SOLUTION
    return np.mean(np.all(pred == target, axis=1))
    ### END SOLUTION


# %% check="exact_match"
check("exact_match", exact_match)

# %% [markdown]
# ## The slides' sorter
#
# Now to the slides. This is their decoder, shortened:
#
# ```python
# training_decoder_input = tf.zeros_like(encoder_state)
# _ = tf.one_hot(training_decoder_input, depth=E_DIM, axis=-1)
# _ = tf.reshape(_, [-1, SEQ_LENGTH, E_DIM])
# decoded_output, state = tf.nn.dynamic_rnn(decode, _, dtype=tf.float32)
# ```
#
# "The decoder transforms this vector into a sorted list of numbers", the slides say, and mean the
# encoder's state. Look for the place where the decoder gets it. `zeros_like` takes the state's
# *shape*, and nothing else of it! And `dynamic_rnn` is called without an initial state, so it
# begins with zeros. Such a decoder is **blind**.
#
# Here is the whole thing in NumPy, mistakes included:


# %%
def one_hot(tokens, depth):
    """Rows of the unit matrix."""
    return np.eye(depth)[np.asarray(tokens).astype(int)]


def slides_sorter(x, V, encoder, decoder, W, b):
    x = one_hot(x, V)
    x = one_hot(x, V)
    x = x.reshape(-1, x.shape[1], V)
    batch, time, _ = x.shape

    state = encoder.zero_state(batch)
    for t in range(time):
        _, state = encoder(x[:, t], state)

    inputs = one_hot(np.zeros((batch, time)), V + 1)
    state = decoder.zero_state(batch)
    written = []
    for t in range(time):
        output, state = decoder(inputs[:, t], state)
        written.append(np.argmax(output, axis=1))
    return np.stack(written, axis=1)


# %% [markdown]
# Five things are wrong with it:
#
# 1. the input is made one-hot twice;
# 2. the decoder begins with zeros in the place of the encoder's state;
# 3. its first input is token 0 and not GO;
# 4. its other inputs are token 0 as well, and not what it has written;
# 5. the largest of $H$ *units* is taken for a token. The slides' other programs have a projection
#    from units to tokens; here it is missing.
#
# **Predict first.** Which of the five can you see from the *shape* of the result?
#
# <details><summary>Compare</summary>
#
# Only the first: $V$ times as many sequences come out as went in. The other four leave all shapes as
# they are. (The fifth may write tokens that do not exist, if there are more units than tokens. With
# fewer units, it is never able to write the larger ones.)
#
# </details>
#
# ### Exercise 6: `repair_slides_sorter`
#
# Copy the program and mend it. `one_hot` may stay; the decoder's vectors have $V + 1$ entries, because
# GO is token $V$.


# %% exercise="repair_slides_sorter"
def repair_slides_sorter(x, V, encoder, decoder, W, b):
    """Sort with an encoder and a decoder that are trained already (or not).

    x: (B, T) tokens from 0 to V - 1.
    encoder: a cell, encoder(x_t, state) -> (output, new_state), x_t being (B, V); its state before
             the first step is encoder.zero_state(B).
    decoder: a cell likewise; it reads (B, V + 1) and puts out (B, H).
    W, b: (H, V) and (V,), from the decoder's output to logits.
    Returns what the decoder writes alone, (B, T) tokens.
    """
    ### BEGIN SOLUTION
    batch, time = x.shape
    _, state = encode(x, V, encoder, encoder.zero_state(batch))

    def step(tokens, state):
        output, state = decoder(one_hot(tokens, V + 1), state)
        return np.asarray(output) @ W + b, state

    return decode_greedy(step, state, V, time)[0]
    ### END SOLUTION


# %% check="repair_slides_sorter"
check("repair_slides_sorter", repair_slides_sorter)

# %% [markdown]
# ## A loss of zero
#
# One mistake that the slides do *not* make deserves a look, because it is the most common of all:
# teaching without the shift.
#
# Two networks learn to sort 5 tokens out of 10. One reads its targets shifted, the other unshifted.
#
# **Predict first.** Which loss falls faster, and how far? And what will each network write when it is
# alone?

# %% tags=["demo"]
from course_lib.decoders import TokenSorter, UnshiftedSorter, follow

taught = {}
for name, kind in (("shifted", TokenSorter), ("unshifted", UnshiftedSorter)):
    sorter = kind(10, 32, embedding=16, attention=False, seed=1)
    taught[name] = follow(sorter, [5], 5, updates=120, every=15, learning_rate=0.02)

figure, panels = new_figure(columns=2, width=9.0, height=3.2)
draw_teaching(
    panels,
    {name: (seen.losses, np.stack([seen.updates, seen.exact])) for name, seen in taught.items()},
)
show(
    figure,
    alt="Left: loss against updates, logarithmic. The unshifted curve falls below a ten-thousandth "
    "within about 60 updates, the shifted one to a few hundredths after 120. Right: exact match when "
    "writing alone. The shifted curve rises to nearly 1, the unshifted one stays at 0.",
)
for name, seen in taught.items():
    loss = "under 0.001" if seen.losses[-1] < 0.001 else "over 0.001"
    sorts = "over 90 %" if seen.exact[-1] > 0.9 else "under 1 %"
    print(f"{name:10} last loss {loss}; sorted when alone: {sorts}")

# %% [markdown]
# The better loss belongs to the network that can do nothing. It has learned to *copy*: what it has to
# say stands before its eyes. Alone there is nothing to copy from.
#
# A loss tells how well a network does **what it was given to do**. Whether that is what you want, only
# a test under the conditions of use can tell. So: judge a decoder while it writes alone.

# %% [markdown]
# ## Training it
#
# Now you train a sorter: 6 tokens out of 10. This is the model as your function sees it. Inside are an
# embedding (each token has a vector of its own, which is trained; that is a one-hot vector times a
# matrix), two LSTMs of 48 units and a read-out.
#
# | | |
# |---|---|
# | `model.go` | the token that means "begin" |
# | `model.update(x, inputs, y)` | one update; returns the loss before it. See below |
# | `model.encode(x)` | tokens (B, T) to the encoder's last state |
# | `model.step(tokens, state)` | the decoder's step, as your `decode_greedy` takes it |
#
# In an update the encoder reads `x`, the decoder reads `inputs` and should say `y`, all $(B, T)$.
#
# `draw()` gives a new batch of unsorted tokens at every call. There is no data set: nothing can be
# learned by heart.
#
# **Look once in 20 updates.** Draw a batch that is *not* trained on, let the decoder write alone, and
# take the exact match. That is the score. The training ends when it reaches the goal.
#
# The check first rehearses with a model that only notes what it is given. If all is well it trains the
# real one until 95 % of a fresh batch are sorted (some seconds), and then lets it sort 500 sequences
# that neither you nor the network has seen. **Over 70 %** of them have to be right. Why 70? An honest
# training that has seen 95 % ends far above, and a blind or unshifted one below 1 %: luck bridges
# neither gap.
#
# ### Exercise 7: `train_sorter`
#
# Your functions from above may be used, and should. If the check finds fault with a look, try
# `decode_greedy` and `exact_match` first.
#
# <details><summary>Stuck? Three questions</summary>
#
# 1. `draw` gives $x$. Where does $y$ come from? (`np.sort` has an `axis`.)
# 2. What are `inputs`, and which of your functions makes them?
# 3. A look needs four of your lines. Which function writes, and from which state?
#
# </details>

# %%
LOOK = 20


# %% exercise="train_sorter"
def train_sorter(model, draw, goal, most):
    """Train until fresh sequences are sorted.

    model: has go, update, encode and step; see above.
    draw: draw() gives a new batch of tokens, (B, T), at each call.
    goal: stop after the first look whose score is at least this.
    most: stop after so many updates at the latest.
    Each update takes one new batch. After every LOOK updates, one more is drawn to look at: the
    score is the exact match of what the decoder writes alone.
    Returns (losses, scores): the loss of each update, and the score of each look.
    """
    ### BEGIN SOLUTION
    losses, scores = [], []
    while len(losses) < most:
        x = draw()
        y = np.sort(x, axis=1)
        losses.append(float(model.update(x, shift_right(y, model.go), y)))
        if len(losses) % LOOK == 0:
            x = draw()
            written, _ = decode_greedy(model.step, model.encode(x), model.go, x.shape[1])
            scores.append(exact_match(written, np.sort(x, axis=1)))
            if scores[-1] >= goal:
                break
    return losses, scores
    ### END SOLUTION


# %% check="train_sorter"
check("train_sorter", train_sorter)

# %% [markdown]
# **On paper, a small surprise.** Your look lets the decoder write alone. Suppose that you had fed it
# the right tokens and taken the most likely one at each step. Could the *exact match* be a different
# number? (The shift is right.)
#
# <details><summary>Compare</summary>
#
# No! If all tokens that it says are right, then what it reads alone is right as well, so both ways
# are the same. If one is wrong, then the first wrong one is said in both ways, and the sequence counts
# as wrong in both. The share of right *tokens* does differ: alone, one mistake leads to others. And
# without the shift the two ways have nothing in common: 100 % and 0.
#
# So exact match is an honest measure in more than one way. The loss and the token accuracy of a
# decoder that is told the right tokens are not.
#
# </details>

# %% [markdown]
# ## Four decoders side by side
#
# What is each improvement worth? Four sorters with the same encoder, the same read-out and as many
# units learn to sort 12 tokens out of 20. Only what their decoder gets differs:
#
# | decoder | begins in | reads at step $t$ |
# |---|---|---|
# | **blind** | zeros | GO, always: the slides as printed |
# | **state only** | the encoder's state | GO, always: the slides as they were meant |
# | **teacher-forced** | the encoder's state | the token before |
# | **attention** | the encoder's state | the token before, and a look back at *all* outputs of the encoder |
#
# (How such a look back is done is the subject of notebook 13. Here it is only one of four.)
#
# The state has 32 units. Twelve numbers have to go through it.
#
# **Predict first.** Which of the four will sort anything at all within 250 updates? And *where* in
# the sequence will those with a state make most of their mistakes: at its beginning, in the middle, at
# its end?

# %% tags=["demo"]
from course_lib.decoders import DECODERS, make_decoder

watched = Watched(DECODERS)
sorters = {name: make_decoder(name, 20, 32, embedding=32, seed=1) for name in DECODERS}
courses = {
    name: follow(sorter, [12], 12, updates=250, learning_rate=0.03, look=watched.of(name))
    for name, sorter in sorters.items()
}

# %% tags=["demo"]
figure, (left, right) = new_figure(columns=2, width=10.0, height=3.8)
draw_courses(left, courses)
draw_errors(right, courses)
show(
    figure,
    alt="Left: exact match on fresh sequences against updates. Blind stays at 0. State only ends at "
    "less than a half, teacher-forced between a half and nine tenths, attention above nine tenths and "
    "rises first. Right: share of wrong tokens at each of 12 positions. Blind is wrong at most of them. "
    "State only rises from nearly 0 at the first to about a fifth at the last positions, teacher-forced "
    "to about a tenth, attention stays near 0 throughout.",
)
for name, course in courses.items():
    share = course.exact[-1]
    words = "none" if share == 0 else "less than half" if share < 0.5 else "more than half"
    print(f"{name:15} sorted after 250 updates: {'nearly all' if share > 0.9 else words}")

# %% [markdown]
# Read the left panel from below:
#
# - **Blind** learns something all the same: its loss falls, because small tokens stand at the
#   beginning more often than large ones. It always writes the same sequence.
# - **State only** works! The slides' idea was right, only its program was not. It is slow, because
#   the decoder has to count silently how far it has come.
# - **Teacher-forced**: reading the token before tells where it is. This is *sequence to sequence* as of
#   2014.
# - **Attention** need not remember all numbers: it may look them up.
#
# And the right panel shows why. What comes *last* has to be kept longest, through all the steps of the
# decoder, in 32 units. Errors grow towards the end, for the two that have only the state. The decoder
# that may look back makes them anywhere, and few. (And the blind one? It errs least at both ends. The
# smallest of twelve such numbers is a 0 in nearly half of all cases, so it always begins with 0.)
#
# At other sizes the distances are others. With shorter sequences or more units the state suffices and
# attention gains nothing. A run with 128 units, 16 tokens out of 128 and 1,500 updates sorted about three
# quarters of fresh sequences, with attention and without. (The command is in the last section.)

# %% [markdown]
# ## Your numbers
#
# Now a sorter for you to play with. It is a teacher-forced one with 48 units, trained on sequences of
# 2 to 10 numbers from 0 to 19, a different length at each update.

# %% tags=["demo"]
from course_lib.decoders import probabilities_alone

yours = make_decoder("teacher-forced", 20, 48, embedding=32, seed=1)
follow(yours, range(2, 11), 10, updates=260, every=260, learning_rate=0.02)


def probabilities(numbers):
    """How likely each token was at each step, while the network wrote alone."""
    return probabilities_alone(yours, numbers)


figure, axes = new_figure(height=3.4, width=7.5)
draw_written(axes, [17, 3, 11, 3, 8, 0, 14], probabilities([17, 3, 11, 3, 8, 0, 14]))
show(
    figure,
    alt="A grid of seven steps and twenty tokens. Dark cells, framed, climb from token 0 at the first "
    "step to token 17 at the last: the network writes 0 3 3 8 11 14 17.",
)

# %% [markdown]
# Each column is a step: the darker a cell, the likelier the token. What was written has a frame,
# and a cross if it is wrong.
#
# Type numbers of your own, and press Enter. Try to lead it astray: the same number many times, numbers
# that are sorted already, twelve numbers, fifteen.

# %% tags=["demo", "nbval-ignore-output"]
typing_box(probabilities, 20, "17 3 11 3 8 0 14")

# %% [markdown]
# **Predict first.** It has seen up to ten numbers in training. What will happen with 12, 14, 16?

# %% tags=["demo"]
lengths = [1, 4, 7, 10, 13, 16]
exact = []
for length in lengths:
    fresh, target = course_lib.token_sorting(300, length, 20, np.random.default_rng(length))
    exact.append(course_lib.exact_match(yours.sort(fresh), target))
figure, axes = new_figure(height=3.0)
draw_lengths(axes, lengths, exact, trained=(2, 10))
axes.set_title("Longer than anything that it has seen")
show(
    figure,
    alt="Exact match against the number of numbers in a sequence. Two to ten numbers, a shaded range, "
    "have been seen in training: there it is near 1 and begins to fall at ten. A single number, never "
    "seen, is no harder. Sixteen are hardly ever sorted.",
)
print("1 to 7 numbers:", "over 90 % sorted" if min(exact[:3]) > 0.9 else "under 90 % sorted")
print("16 numbers:    ", "less than half sorted" if exact[-1] < 0.5 else "more than half sorted")

# %% [markdown]
# A sorting *program* does not care how many numbers there are. This network has not learned sorting
# as a rule: it has learned to keep up to ten numbers in 48 units, and a little beyond. (One number
# alone it has never seen either. That is the easy direction: less to keep.)

# %% [markdown]
# ## Several beginnings at once
#
# Greedy decoding takes the likeliest token of each step. Is that the likeliest *sequence*?
#
# **On paper.** A decoder with two tokens, a and b, writes two of them. At first a has the probability
# 0.6 and b 0.4. After a, the next is a with 0.55 and b with 0.45; after b it is a with 0.1 and b with
# 0.9. What does greedy decoding write, and which sequence is the likeliest?

# %% tags=["demo"]
odds = {"a": 0.6, "b": 0.4, "aa": 0.33, "ab": 0.27, "ba": 0.04, "bb": 0.36}
figure, axes = new_figure(height=2.9, width=6.5)
draw_beams(axes, ["a", "b"], odds, kept={"", "a", "b", "aa", "bb"})
axes.set_title("Two beams: what is kept has a bold frame")
show(
    figure,
    alt="A tree. From GO to a with 0.60 and b with 0.40, both kept. From a to aa with 0.33, kept, and "
    "ab with 0.27. From b to ba with 0.04 and bb with 0.36, kept: the likeliest of all four.",
)

# %% [markdown]
# Greedy writes aa (0.33); the likeliest is bb (0.36). It begins with the less likely token.
#
# **Beam search** keeps the best `width` beginnings, called *beams*. At each step it
#
# 1. continues every beam with every token of the vocabulary;
# 2. scores each of these continuations;
# 3. keeps the `width` best of *all* of them, whichever beam they come from.
#
# The probability of a sequence is the product of its tokens' probabilities. The product of many small
# numbers becomes 0 on a computer, so one adds logarithms:
#
# $$\text{score}(w_0 \dots w_t) = \text{score}(w_0 \dots w_{t-1}) + \ln p(w_t),
# \qquad \ln p = \text{logits} - \ln \textstyle\sum_k e^{\text{logits}_k}.$$
#
# $w_t$ is the token at step $t$. (`tf.nn.log_softmax` computes $\ln p$.)
#
# One thing is easily forgotten. A beam consists of its tokens, its score **and its state**: the state
# holds what the decoder knows of its own tokens. If beam 0 is continued twice and beam 1 thrown away,
# then both new beams need the state of the old beam 0.
#
# **On paper.** Three beams with the states A, B, C. The best continuations come from the beams 0, 2
# and 0. In which order do the states stand afterwards?
#
# <details><summary>Compare</summary>
#
# A, C, A. In NumPy that is `state[[0, 2, 0]]`.
#
# </details>
#
# ### Exercise 8: `beam_search`
#
# For one sequence; its state is a single array with one row. The step takes any number of rows, so
# that all beams go through it together.
#
# <details><summary>Stuck on the first step?</summary>
#
# At first there is one beginning (nothing), and not `width` of them. Either begin with one row, or
# with `width` equal rows of which only one has a score that counts: 0, and $-\infty$ for the others.
#
# </details>
#
# <details><summary>Stuck on the best of all?</summary>
#
# Flatten the scores, (beams, V), to one row and sort it. The place in that row, divided by V, tells
# the beam; the remainder tells the token. (`np.divmod`)
#
# </details>


# %% exercise="beam_search"
def beam_search(step, state, width, T, go=0):
    """The likeliest sequences that a search with several beginnings finds.

    step: step(tokens, state) -> (logits, new_state), tokens being (K,), the logits (K, V) and both
          states (K, H), for any K.
    state: the encoder's last state, (1, H).
    width: how many beginnings to keep, at most V.
    T: how many tokens to write.
    go: the token that means "begin".
    Returns (tokens, scores): (width, T) and (width,), the best first; a score is the logarithm of
    the probability of the whole sequence.
    """
    ### BEGIN SOLUTION
    tokens, scores, last = [[]], np.zeros(1), np.array([go])
    for _ in range(T):
        logits, state = step(last, state)
        candidates = scores[:, np.newaxis] + np.asarray(tf.nn.log_softmax(logits))
        best = np.argsort(-candidates, axis=None)[:width]
        beams, last = np.divmod(best, candidates.shape[1])
        scores = candidates.ravel()[best]
        tokens = [[*tokens[beam], token] for beam, token in np.transpose([beams, last])]
        state = np.asarray(state)[beams]
    return tokens, scores
    ### END SOLUTION


# %% check="beam_search"
check("beam_search", beam_search)

# %% [markdown]
# **Predict first.** Does a beam help the teacher-forced sorter from above, which gets some sequences
# wrong? By how much: hardly, or does it sort nearly everything then?

# %% tags=["demo"]
fresh, target = course_lib.token_sorting(300, 12, 20, np.random.default_rng(77))
greedy = course_lib.exact_match(sorters["teacher-forced"].sort(fresh), target)
wide = course_lib.exact_match(sorters["teacher-forced"].sort_by_beam(fresh, 4), target)
gain = wide - greedy
print("four beams:", "a gain of at most ten points" if abs(gain) <= 0.1 else "another ten points")

# %% [markdown]
# Hardly. A beam finds sequences that the *network* holds for likelier. If the network is wrong about
# what is likely, because its state has lost a number, no search brings that number back. Searching
# pays where many answers are nearly equally good, as in translation.
#
# ## The full size
#
# The slides sort 256 tokens out of 128, with 512 units and 4 layers in encoder and decoder each. With a
# projection and a vector for each token that makes 15 million parameters, and an update of only 8
# sequences keeps two ordinary cores busy for several seconds. Learning takes many thousands of them:
# days. Too much for a notebook, so it is a command:
#
# ```text
# python -m course_lib.full_sorter --checkpoint sorter.npz --steps 100000
# ```
#
# Interrupt it whenever you like and run it again: it goes on where it stopped, and computes the very
# numbers that it would have computed without the break. `--attention` and `--growing 5000` (short
# sequences first) may give it a better chance; `--help` lists the rest. Smaller sizes work as well, such
# as the one with 16 tokens from above. It takes a minute or two on two cores:
#
# ```text
# python -m course_lib.full_sorter --length 16 --units 128 --layers 1 --embedding 64 \
#     --batch 64 --learning-rate 0.005 --growing 300 --steps 1500 --fresh 500
# ```
#
# ## Summary
#
# - An encoder turns a sequence into a state, a decoder turns the state into a sequence. What is not in
#   the state is lost. A decoder without it is blind.
# - Taught, the decoder reads GO and the right tokens *before*; alone, GO and its own.
# - Without the shift the loss falls to zero and nothing is learned.
# - GO is none of the tokens. One-hot vectors are made once. A `-1` in a reshape hides mistakes.
# - Judge by whole sequences, fresh ones, written alone.
# - The state is a bottleneck: errors grow towards the end. Looking back relieves it.
# - A beam is tokens, score and state; scores are sums of logarithms. It cannot repair a network.
#
# ### Sources
#
# - I. Sutskever, O. Vinyals, Q. Le, *Sequence to sequence learning with neural networks*, 2014; and
#   K. Cho and others, *Learning phrase representations using RNN encoder-decoder*, 2014.
# - R. Williams, D. Zipser, *A learning algorithm for continually running fully recurrent neural
#   networks*, 1989: teacher forcing.
# - S. Bengio, O. Vinyals, N. Jaitly, N. Shazeer, *Scheduled sampling for sequence prediction*, 2015: on
#   decoders that have never seen a mistake of their own.
# - A. Graves, *Sequence transduction with recurrent neural networks*, 2012, section 2.4: beam search.
# - D. Bahdanau, K. Cho, Y. Bengio, *Neural machine translation by jointly learning to align and
#   translate*, 2015: the bottleneck, and looking back.
# - O. Press, L. Wolf, *Using the output embedding to improve language models*, 2017: the read-out of
#   the four decoders is their embedding once more.
# - The sorter comes from a set of slides on recurrent networks, August 2017.
#
# **Next:** how does a decoder look back, and what does it look at? And if the answer is always one
# of the things that were read: why write at all, when one can *point*?
# [Notebook 13](../13_attention_and_pointers/13_attention_and_pointers.ipynb).
