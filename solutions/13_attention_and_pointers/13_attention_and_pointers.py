# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 13 · Looking back, and pointing
#
# Imagine that somebody reads you a long list of numbers, once, and then asks you to say them in rising
# order. You would not try to remember it. You would ask for the sheet of paper.
#
# The decoder of notebook 12 has no such sheet: whatever it is to know must pass through one state of
# fixed size. **Attention** gives it the sheet. At every step it looks back at *all* outputs of the
# encoder and takes from each as much as it needs. That one idea made neural translation work in 2014,
# and it is what the large language models of today are built of.
#
# Then you go one step further. If the answer is always one of the things that were read, why write it
# at all? A decoder can simply **point**.
#
# **Afterwards you will be able to**
#
# - turn scores into weights that leave out padding and survive any size of numbers;
# - write the two classic kinds of attention, and say why one of them has a root in it;
# - find the silent bugs in a decoder that looks back;
# - teach a network to sort by pointing, and let it point alone;
# - compare it with a published table, and tell how much of a success is the network's own.
#
# **Time:** about two and a half hours, eight exercises. **You need**
# [notebook 12](../12_sorting/12_sorting.ipynb) (encoder, decoder, teacher forcing, exact match) and
# [notebook 3](../03_dynamic_rnn/03_dynamic_rnn.ipynb) (lengths and padding).

# %%
import numpy as np

import course_lib
from autograder import check
from course_lib.plots import new_figure, show
from course_lib.plots.pointing import (
    draw_fits,
    draw_lessons,
    draw_look_back,
    draw_masking,
    draw_pointing,
    draw_scale,
    draw_tempers,
    draw_yardstick,
    pointing_box,
)

# %% [markdown]
# The exercises are plain NumPy. Figures and measurements call the course's own functions, so everything
# runs from the beginning. Try each exercise before you look there.
#
# ## Looking back
#
# The encoder has read four words, and each step has left an output. The decoder is about to write. It
# asks a question, the **query**, and every output answers with how well it fits: its **score**. From
# the scores come **weights**, which sum to 1; and the outputs, mixed by these weights, are the
# **context** that the decoder works with.

# %% tags=["demo"]
figure, axes = new_figure(width=7.5, height=3.4)
draw_look_back(axes, ["the", "black", "cat", "sleeps"], [0.05, 0.15, 0.7, 0.1])
show(
    figure,
    alt="Four encoder boxes above the words the, black, cat, sleeps, and a decoder box to their right. "
    "A dashed arrow labelled query leads from the decoder to a box called context, which is joined to "
    "the four encoder boxes by lines as thick as their weights: 5, 15, 70 and 10 percent. An arrow "
    "labelled 'what is taken' leads from the context back to the decoder.",
)

# %% [markdown]
# Nothing has to fit into one state any more. And since everything on the way is a smooth function,
# gradients flow along all these lines: from the decoder straight to each step of the encoder, past the
# whole recurrent chain. Nobody has to tell the network where to look; it learns that as well.
#
# ## From scores to weights
#
# Let one query have the scores $s_0, \dots, s_{K-1}$, one for each of $K$ keys (here: outputs of the
# encoder). The **softmax** makes weights of them:
#
# $$w_k = \frac{e^{s_k}}{\sum_{j} e^{s_j}}.$$
#
# All weights are positive and each query's sum to 1. Keys are on the **last** axis of the scores,
# whatever stands before it: (rows, keys), or (batch, queries, keys).
#
# **On paper.** The scores are $\ln 1$, $\ln 2$ and $\ln 5$. What are the weights? What do they become
# if you add 100 to all three scores?
#
# <details><summary>Compare</summary>
#
# 1/8, 2/8 and 5/8. They stay the same: $e^{s+100} = e^{100} e^{s}$, and the factor cancels. Remember
# this; you will need it in a moment.
#
# </details>
#
# ## Keys that are not there
#
# In a batch short sequences are padded, and nobody should attend to padding. A **mask** says which keys
# there are: True where one may look, False elsewhere. (Some libraries mean the reverse. Always check.)
#
# **Predict first.** Three real keys with the scores 1, 0 and -1, and two of padding, which have scores,
# too: 2 and 0. Three programmers mask them. One multiplies the finished weights with the mask. One
# multiplies the *scores* with the mask. One leaves the padding out of the sum. What do the three real
# keys get in all?

# %% tags=["demo"]
scores = np.array([1.0, 0.0, -1.0, 2.0, 0.0])
there = np.array([True, True, True, False, False])
ways = {
    "weights times mask": course_lib.masked_softmax(scores).numpy() * there,
    "scores times mask": course_lib.masked_softmax(scores * there).numpy(),
    "left out of the sum": course_lib.masked_softmax(scores, there).numpy(),
}
figure, panels = new_figure(columns=3, width=10.0, height=2.9, sharey=True)
draw_masking(panels, ["a", "b", "c", "pad", "pad"], ways, there)
show(
    figure,
    alt="Three bar charts over the keys a, b, c and two of padding. Weights times mask: 0.22, 0.08, "
    "0.03 and zeros, so the real keys get 0.33 in all. Scores times mask: the padding keeps 0.16 each, "
    "as much as b. Left out of the sum: 0.67, 0.24, 0.09 and zeros, 1.00 in all.",
)

# %% [markdown]
# Only the last one distributes a whole 1 over what is there. In the first, two thirds have gone to
# padding and are lost. The second is worse: a score of **0 is no small score**. $e^0 = 1$ is more
# than any key with a negative score gets.
#
# So: no share for what is masked, and the others share among themselves.
#
# And if the mask of a row allows *nothing*, say for a sequence of length 0? Then there is nothing to
# share: all its weights are to be 0. A careless program divides 0 by 0 there. The result, "not a
# number", goes into the loss, from the loss into every gradient, and after one update all weights of
# the network are gone.
#
# ## Huge scores
#
# $e^{1000}$ is too large for a computer; NumPy makes infinity of it, and infinity by infinity is not
# a number. $e^{-1000}$ is 0, and if all scores are like that you divide 0 by 0. Real scores do get
# large: nothing keeps a network's weights small.
#
# The way out is what you found on paper: subtract the same number from all scores of a row, and the
# weights stay the same. Subtract the **largest**. Then the largest power is $e^0 = 1$, nothing can
# overflow, and the sum is at least 1.
#
# The largest of what? Of each **row**, for a start: with one number for all, a row whose scores lie far
# below it would become all zeros. And of what is **allowed**: if a masked score is the largest by far,
# all real powers are 0 after the subtraction. Padding must not even have a say in this.
#
# ### Exercise 1: `masked_softmax`
#
# <details><summary>Stuck? A plan</summary>
#
# Put a very low number where the mask is False (`np.where`). Take the largest of each row
# (`axis=-1, keepdims=True`), subtract it, take the powers. What the mask forbids gets 0 in the end, and
# in a row that allows nothing that is all there is.
#
# </details>


# %% exercise="masked_softmax"
def masked_softmax(scores, mask):
    """Softmax over the last axis, among the keys that the mask allows.

    scores: (..., K), of any size.
    mask: booleans that broadcast to the scores; True where there is a key.
    Returns weights like the scores: 0 where the mask is False, the rest of each row sums to 1. A row
    whose mask allows nothing is all zeros.
    """
    ### BEGIN SOLUTION
    low = np.where(mask, scores, -1e9)
    powers = np.exp(low - low.max(axis=-1, keepdims=True))
    weights = powers / powers.sum(axis=-1, keepdims=True)
    return np.where(mask, weights, 0.0)
    ### END SOLUTION


# %% check="masked_softmax"
check("masked_softmax", masked_softmax)

# %% [markdown]
# ## A context is a weighted mean
#
# Think of a cabinet of drawers. Each drawer has a label, the **key**, and something in it, the
# **value**. You come with a **query**, compare it with all labels, and take from each drawer the more,
# the better its label fits. In a decoder keys and values are often both the encoder's outputs; but they
# play different parts, so they get different names.
#
# How well a query $q$ fits a key $k$ can be told by their dot product $q \cdot k = \sum_d q_d k_d$: it
# is large if both point in the same direction. With $D$ features:
#
# $$s_k = \frac{q \cdot k_k}{\sqrt{D}}, \qquad w = \text{softmax}(s), \qquad
# \text{context} = \sum_k w_k \, v_k.$$
#
# Here $k_k$ and $v_k$ are the $k$-th key and value. For a batch, with many queries at once:
#
# | | shape |
# |---|---|
# | queries `q` | (B, Q, D) |
# | keys `k` | (B, K, D) |
# | values `v` | (B, K, V) |
# | `mask`: which keys are there | (B, K) |
# | scores, weights | (B, Q, K) |
# | context | (B, Q, V) |
#
# Each *query* distributes a 1 over the keys. The mask knows nothing of queries: all queries of a
# sequence share it, so it needs an axis of size 1 in its middle.
#
# ## Why the root
#
# If the features of query and key are random numbers with spread 1, the dot product is a sum of $D$
# products. Such a sum has the spread $\sqrt D$.
#
# **Predict first.** A softmax over 8 keys, $D$ from 4 to 1024. How large is the largest weight, with
# and without the root? And how much gradient gets through? (If the largest weight is $w$, the share of
# a change of its score that reaches it is $w (1 - w)$.)

# %% tags=["demo"]
sizes = [4, 16, 64, 256, 1024]
rng = np.random.default_rng(0)
curves = {name: {"largest weight": [], "gradient, w (1 - w)": []} for name in ("q·k", "q·k / root")}
for D in sizes:
    q, k = rng.normal(size=(500, 1, D)), rng.normal(size=(500, 8, D))
    dots = (q * k).sum(axis=2)
    for name, scale in (("q·k", 1.0), ("q·k / root", D**-0.5)):
        w = course_lib.masked_softmax(dots * scale).numpy().max(axis=1)
        curves[name]["largest weight"].append(w.mean())
        curves[name]["gradient, w (1 - w)"].append((w * (1 - w)).mean())
figure, panels = new_figure(columns=2, width=9.0, height=3.0)
draw_scale(panels, sizes, curves)
show(
    figure,
    alt="Two panels against the number of features, 4 to 1024. Without the root the largest of eight "
    "weights rises from about 0.6 to nearly 1, and the gradient falls towards zero. With the root both "
    "stay where they are, near 0.4 and 0.2.",
)

# %% [markdown]
# Without the root, a network with many features begins its life with its mind made up: nearly all
# weight on one random key, and hardly any gradient to change that. The root makes the beginning fair,
# whatever the size. (Later the network may make its scores as large as it likes.)
#
# ### Exercise 2: `dot_attention`
#
# Your `masked_softmax` may be used, and should.
#
# <details><summary>Stuck on the scores?</summary>
#
# `q @ k` multiplies the last axis of `q` with the last but one of `k`. Which two axes of `k` have to
# change places? (`np.swapaxes`, or `np.einsum`, where you name the axes.)
#
# </details>


# %% exercise="dot_attention"
def dot_attention(q, k, v, mask):
    """Scaled dot-product attention.

    q: (B, Q, D).  k: (B, K, D).  v: (B, K, V).
    mask: (B, K) booleans; True where there is a key.
    Returns (context, weights), (B, Q, V) and (B, Q, K).
    """
    ### BEGIN SOLUTION
    scores = np.einsum("bqd,bkd->bqk", q, k) / np.sqrt(q.shape[2])
    weights = masked_softmax(scores, mask[:, np.newaxis])
    return weights @ v, weights
    ### END SOLUTION


# %% check="dot_attention"
check("dot_attention", dot_attention)

# %% [markdown]
# ## A small network as a score
#
# The first attention of all (Bahdanau, Cho and Bengio, 2014) used no dot product, but a small network
# with one layer of $A$ units, which is trained with the rest:
#
# $$s_k = v_a \cdot \tanh(q\, W_q + k_k\, W_k).$$
#
# $W_q$ has the shape $(D, A)$ and $W_k$ the shape $(E, A)$, so queries and keys may differ in size;
# $v_a$ has $A$ entries. Query and key are *added* inside the tanh: hence **additive** attention. There
# is no root: each entry of the tanh lies between -1 and 1, and $v_a$ is learned.
#
# Every query meets every key before the tanh, so there is an array of shape (B, Q, K, A) on the way.
# That costs memory, and is why the dot product, a single matrix product, has won in large networks.
#
# Does the tanh matter? **On paper:** leave it away. Then $s_k = v_a \cdot (q W_q) + v_a \cdot (k_k W_k)$.
# What does the softmax over $k$ make of the first term?
#
# <details><summary>Compare</summary>
#
# It is the same for all keys, so it cancels. The weights would not depend on the query at all!
# Everybody would get the same answer, whatever he asks.
#
# </details>
#
# There is something that this score can do and a dot product cannot. Let a key hold a single number
# $x$, and let the query ask for "the smallest number *above* 0.3".
#
# **On paper.** A dot product with a key of one feature is $q\,x$. Among the numbers 0.1, 0.4, 0.5 and
# 0.9, which ones can have the largest score, for any $q$ at all?
#
# <details><summary>Compare</summary>
#
# 0.9 if $q > 0$, 0.1 if $q < 0$. Never 0.4 or 0.5: a straight line has its highest point at one of
# its ends.
#
# </details>

# %% tags=["demo"]
numbers = np.linspace(0, 1, 201)
straight = {f"{q:+g}": q * numbers for q in (2.0, -1.0, -3.0)}
bumps = {
    f"above {last:g}": np.tanh(25 * (numbers - last) - 1) - np.tanh(6 * (numbers - last) - 1)
    for last in (0.1, 0.3, 0.6)
}
figure, panels = new_figure(columns=2, width=9.0, height=3.2)
draw_fits(panels, numbers, {"dot product, one feature": straight, "additive, two units": bumps})
panels[1].legend(fontsize=8, title="query", title_fontsize=8, loc="upper right")
panels[1].set_ylim(-0.2, 2.2)
show(
    figure,
    alt="Left: three straight lines, scores of a dot product, with their highest points at 0 or 1. "
    "Right: three curves of an additive score with two units. Each rises steeply just above the number "
    "that the query names, 0.1, 0.3 or 0.6, and falls slowly from there.",
)

# %% [markdown]
# Two units of tanh make a bump, and the query moves it. (With more features per key, made by an encoder
# that has already combined $x$ with itself, a dot product can do it as well. It has to be learned there.)
#
# Keep this picture in mind. It comes back when a network has to sort.
#
# ### Exercise 3: `additive_attention`


# %% exercise="additive_attention"
def additive_attention(q, k, v, W_q, W_k, v_a, mask):
    """Attention with a small network as the score.

    q: (B, Q, D).  k: (B, K, E).  v: (B, K, V).
    W_q: (D, A).  W_k: (E, A).  v_a: (A,).
    mask: (B, K) booleans; True where there is a key.
    Returns (context, weights), (B, Q, V) and (B, Q, K).
    """
    ### BEGIN SOLUTION
    pairs = np.tanh((q @ W_q)[:, :, np.newaxis] + (k @ W_k)[:, np.newaxis])
    weights = masked_softmax(pairs @ v_a, mask[:, np.newaxis])
    return weights @ v, weights
    ### END SOLUTION


# %% check="additive_attention"
check("additive_attention", additive_attention)

# %% [markdown]
# ## Find the bugs
#
# A decoder's step with attention, as of Luong, Pham and Manning (2015). The cell reads its input, and
# its output is the query. Keys and values are the encoder's outputs, here called `memory`; the score
# is a dot product (unscaled, as in their paper). Context and output side by side go through one more
# layer:
#
# $$\text{attended} = \tanh([\text{context},\ \text{output}]\; W + b).$$
#
# The following program runs without a complaint on any batch. The inputs have as many features as the
# cell has units. It has **six** mistakes, each of the kind that is found in real programs.


# %%
def attention_step(x, state, memory, lengths, cell, W, b):
    output, _ = cell(x, state)
    scores = np.einsum("bh,bkh->bk", output, memory)
    powers = np.exp(scores)
    powers = powers * (np.arange(memory.shape[1]) <= lengths[:, np.newaxis])
    weights = powers / powers.sum(axis=0)
    context = (weights[:, :, np.newaxis] * memory).mean(axis=1)
    attended = np.tanh(np.concatenate([context, x], axis=1) @ W + b)
    return attended, state


# %% [markdown]
# ### Exercise 4: `repair_attention_step`
#
# Copy it into the cell below and mend it.
#
# <details><summary>Stuck? One question for each line</summary>
#
# 1. The powers: what if a score is 2000? And what if that one stands on padding?
# 2. The mask: a sequence has length 2. Which places are allowed?
# 3. The weights: whose sum is 1?
# 4. The context: all weight is on one place. What comes out?
# 5. The last layer: which two things does the formula put side by side?
# 6. The return: which of the two states?
#
# </details>


# %% exercise="repair_attention_step"
def repair_attention_step(x, state, memory, lengths, cell, W, b):
    """One step of a decoder that looks back.

    x: (B, H), the step's input.
    state: the cell's.
    memory: (B, K, H), the encoder's outputs.
    lengths: (B,), from 1 to K: how many of them are there.
    cell: cell(x, state) -> (output, new_state), the output (B, H).
    W: (2H, A).  b: (A,).
    Returns (attended, new_state), attended being (B, A).
    """
    ### BEGIN SOLUTION
    output, new_state = cell(x, state)
    there = np.arange(memory.shape[1]) < lengths[:, np.newaxis]
    weights = masked_softmax(np.einsum("bh,bkh->bk", output, memory), there)
    context = (weights[:, :, np.newaxis] * memory).sum(axis=1)
    attended = np.tanh(np.concatenate([context, output], axis=1) @ W + b)
    return attended, new_state
    ### END SOLUTION


# %% check="repair_attention_step"
check("repair_attention_step", repair_attention_step)

# %% [markdown]
# ## The weights are the answer
#
# So far the weights were a means: they mixed values, and from the mixture a layer wrote a token out of
# a fixed vocabulary. But now let the numbers to be sorted be *any* numbers between 0 and 1. There is no
# vocabulary of those.
#
# What there is: the **places** of the input. Sorting means to say, at each step, at which place the
# next number stands. And one weight for each place is just what attention computes! So drop context,
# values and the last layer. The scores themselves are the **logits** over the places, and the answer is
# the place with the largest one. This is a **pointer network** (Vinyals, Fortunato and Jaitly, 2015).
# It has another advantage: it works for any number of places, because it has no layer with a unit for
# each.
#
# Some places may be forbidden: padding, or such as have been used. So there is a mask again. But this
# time *logits* are wanted, for a loss that takes the softmax itself (`..._with_logits`). So:
#
# - allowed places keep their scores, unchanged;
# - forbidden ones get a logit so low that nothing is left of it after any softmax, even if their score
#   was the best of all.
#
# How low? Minus infinity seems honest. But if ever a *target* stands on a forbidden place (one mistake
# in the data is enough), then the loss is infinite, its gradient is not a number, and the network is
# gone. A very negative finite number, a thousand million say, gives a huge loss, which you will notice,
# and survive.
#
# ### Exercise 5: `pointer_logits`


# %% exercise="pointer_logits"
def pointer_logits(scores, mask):
    """Scores as logits over the places of the input.

    scores: (..., K). They are left as they are.
    mask: booleans that broadcast to the scores; False where nobody may point.
    Returns logits like the scores.
    """
    ### BEGIN SOLUTION
    return np.where(mask, scores, -1e9)
    ### END SOLUTION


# %% check="pointer_logits"
check("pointer_logits", pointer_logits)

# %% [markdown]
# ## What a pointer is taught
#
# The sorter has an encoder, which reads the $N$ numbers of $x$ and leaves a key at each place, and a
# decoder. As in notebook 12 the decoder is taught with the right answers: at step $t$ it is told three
# things.
#
# - **`inputs`**: the *number* that should have been pointed at one step before; before the first step
#   `START`, which is -1 and therefore none of the numbers.
# - **`places`**: where it should point now. This is the target.
# - **`used`**: for each place, 1 if it should have been pointed at *before* step $t$, and 0 if not. At
#   the first step that is nothing.
#
# For the batch of one sequence $x = [0.5,\ 0.1,\ 0.3]$:
#
# | step | input | used | place |
# |---|---|---|---|
# | 0 | -1 | 0 0 0 | 1 |
# | 1 | 0.1 | 0 1 0 | 2 |
# | 2 | 0.3 | 0 1 1 | 0 |
#
# The column "used" is not in the paper. It is help, called **coverage** (Tu and others, 2016). What
# this help is worth you will see below. It is more than you think.
#
# ## Places, not ranks
#
# `np.argsort(x)` gives the places: first the place of the smallest number, then that of the next. There
# is another list that looks quite like it, the *ranks*: for each number of $x$, the how-manieth it is.
#
# **On paper.** Write both down for $[0.5, 0.1, 0.3]$ and for $[0.5, 0.1]$. Why does a test with two
# numbers never find the mistake?
#
# <details><summary>Compare</summary>
#
# Places 1 2 0, ranks 2 0 1. For two numbers places and ranks are the same list: 1 0. They are each
# other's inverse, and swapping two things is its own inverse. (`argsort` of `argsort` gives the ranks.)
#
# </details>
#
# ### Exercise 6: `pointer_lesson`
#
# <details><summary>Stuck on <code>used</code>?</summary>
#
# One row of zeros with a single 1 for each place (`np.eye(N)[places]`, of shape (B, N, N)) says what is
# pointed at in each step. `used` is what all steps *before* have added up to: a running sum
# (`np.cumsum`) along the steps, and one thing subtracted.
#
# </details>

# %%
START = -1.0


# %% exercise="pointer_lesson"
def pointer_lesson(x):
    """What a pointer reads, knows and should do while it is taught to sort.

    x: (B, N), numbers between 0 and 1, all different.
    Returns (inputs, used, places): (B, N), (B, N, N) and (B, N). used[b, t, k] is 1.0 if place k of
    sequence b has been pointed at before step t, else 0.0.
    """
    ### BEGIN SOLUTION
    places = np.argsort(x, axis=1)
    rising = np.take_along_axis(x, places, axis=1)
    inputs = np.concatenate([np.full((len(x), 1), START), rising[:, :-1]], axis=1)
    hot = np.eye(x.shape[1])[places]
    return inputs, np.cumsum(hot, axis=1) - hot, places
    ### END SOLUTION


# %% check="pointer_lesson"
check("pointer_lesson", pointer_lesson)

# %% [markdown]
# ## Pointing alone
#
# Alone, the decoder lives on its own answers. At each of $N$ steps:
#
# 1. `step(values, used, state)` is told the numbers that were pointed at one step before, (B,), at first
#    `START`; and `used`, (B, N), with a 1.0 wherever a place has been pointed at so far. It gives
#    scores, (B, N), and a new state, which belongs to the next step.
# 2. In each sequence the place with the largest score is pointed at. If **`once`** is True, used places
#    are forbidden (you have a function for that). If it is False, the network may point where it wants,
#    twice at the same place if it is so foolish.
# 3. The numbers at the chosen places are looked up, each in its own sequence, and the places are
#    marked as used.
#
# ### Exercise 7: `point_alone`
#
# <details><summary>Stuck on looking up one number in each sequence?</summary>
#
# `x[np.arange(B), chosen]` takes from row $b$ the entry `chosen[b]`. The same brackets on the left-hand
# side of an assignment mark them.
#
# </details>


# %% exercise="point_alone"
def point_alone(step, state, x, once):
    """Let a pointer point.

    step: step(values, used, state) -> (scores, new_state); values (B,), used and scores (B, N).
    state: before the first step. A sealed box.
    x: (B, N), the numbers.
    once: whether no place may be pointed at twice.
    Returns places, (B, N): where it points at each step.
    """
    ### BEGIN SOLUTION
    rows = np.arange(len(x))
    values, used, places = np.full(len(x), START), np.zeros(x.shape), []
    for _ in range(x.shape[1]):
        scores, state = step(values, used, state)
        logits = pointer_logits(scores, (used == 0) | (not once))
        places.append(np.argmax(logits, axis=1))
        values = x[rows, places[-1]]
        used[rows, places[-1]] = 1.0
    return np.stack(places, axis=1)
    ### END SOLUTION


# %% check="point_alone"
check("point_alone", point_alone)

# %% [markdown]
# ## Training it
#
# Now the whole thing: five numbers, whole sequences. This is the model as your function sees it. Inside
# are two LSTMs of 24 units, and a dot product as the score, to which something learned is added
# wherever `used` is 1.
#
# | | |
# |---|---|
# | `model.update(x, inputs, used, places)` | an update with what `pointer_lesson` prepares. Returns the loss |
# | `model.read(x)` | numbers (B, N) to the decoder's first state |
# | `model.step(values, used, state)` | a step as your `point_alone` takes it |
#
# `draw()` gives a new batch of numbers at each call. **Look once in 10 updates:** draw a batch that is
# *not* trained on, let the model point alone (with `once=False`: you want to see what it has learned),
# and take the share of sequences that are right **from the first number to the last**. Compare places;
# the right ones are the `argsort`.
#
# **The dumb baseline.** Whoever points at random, each place once, is right in one of
# $5! = 120$ cases: 0.8 %.
#
# The check rehearses with a model that only notes what it is given. If all is well it trains the real
# one until 90 % of a fresh batch are sorted (some seconds), and lets it sort 500 sequences that nobody
# has seen. **Over 60 %** of them have to be right. An honest training ends far above that, and a
# network that has learned nothing far below.
#
# ### Exercise 8: `train_pointer_sorter`

# %%
LOOK = 10


# %% exercise="train_pointer_sorter"
def train_pointer_sorter(model, draw, goal, most):
    """Teach a model to sort by pointing.

    model: has update, read and step; see above.
    draw: draw() gives a new batch of numbers, (B, N), at each call.
    goal: stop after the first look whose score is at least this.
    most: stop after so many updates at the latest.
    Each update takes one new batch. After every LOOK updates, one more is drawn to look at.
    Returns (losses, scores): the loss of each update, and the score of each look.
    """
    ### BEGIN SOLUTION
    losses, scores = [], []
    while len(losses) < most:
        x = draw()
        losses.append(float(model.update(x, *pointer_lesson(x))))
        if len(losses) % LOOK == 0:
            x = draw()
            places = point_alone(model.step, model.read(x), x, once=False)
            scores.append(np.mean(np.all(places == np.argsort(x, axis=1), axis=1)))
            if scores[-1] >= goal:
                break
    return losses, scores
    ### END SOLUTION


# %% check="train_pointer_sorter"
check("train_pointer_sorter", train_pointer_sorter)

# %% [markdown]
# ## Attention against argsort
#
# Here is such a network of the course, with 32 units, which learns to sort eight numbers: 300 updates,
# a few seconds. Each row of the picture is a step, the darker a cell, the larger the weight on that
# place. The rings show where the `argsort` points.

# %% tags=["demo"]
from course_lib.pointing import (
    MEASURED,
    PAPER,
    follow_pointer,
    scores_alone,
    share_sorted,
    step_of,
)

eight = course_lib.PointerSorter(units=32)
lessons = follow_pointer(eight, 8, updates=300, every=100)


def weights_of(numbers):
    """The weights of every step of the trained network, (N, N)."""
    x = np.array([numbers], np.float32)
    return course_lib.masked_softmax(scores_alone(eight, x))[0].numpy()


x = [0.62, 0.07, 0.93, 0.38, 0.21, 0.80, 0.45, 0.46]
figure, axes = new_figure(width=7.0, height=3.8)
draw_pointing(axes, x, weights_of(x))
axes.set_title("Weights of the pointer (blue) and the argsort (rings)")
show(
    figure,
    alt="A grid of eight steps and eight numbers in the order of the input. In every step nearly all "
    "weight lies on one number, the smallest that is left, and a ring lies around it. "
    "Only 0.45 and 0.46, the closest two, share the weight of their step.",
)
print("sorted of 1,000 fresh sequences:", "over 90 %" if lessons.exact[-1] > 0.9 else "under 90 %")

# %% [markdown]
# The weights *are* the argsort, softened: a sorting that has a gradient.
#
# Type numbers of your own, between 0 and 1, and press Enter. Try close ones (0.500 and 0.501), equal
# ones, two, and sixteen: it has seen nothing but eight.

# %% tags=["demo", "nbval-ignore-output"]
pointing_box(weights_of, "0.62 0.07 0.93 0.38 0.21 0.80 0.45 0.46")

# %% [markdown]
# ## What coverage gives away
#
# 300 updates, a few seconds, over 90 %. Remarkable? Let us be suspicious. How much of this is the
# network's achievement, and how much was in what we told it?
#
# **On paper.** You may use $x$ and `used`, and no learning at all. Write down a score for which
# `point_alone` sorts *everything*.
#
# <details><summary>Compare</summary>
#
# $s_k = -x_k - 9\,\text{used}_k$: the smaller the better, and what is used is out of the race. Two
# numbers, and no memory! That is *selection sort*: point at the smallest that is left, again and again.
#
# </details>

# %% tags=["demo"]
from course_lib.pointing import point_alone as course_point_alone

fresh = np.random.default_rng(1).random((1000, 15)).astype(np.float32)


def by_hand(values, used, state):
    """A score with two numbers in it. It takes no notice of values and state."""
    return -fresh - 9 * used, state


places = course_point_alone(by_hand, None, fresh)
print(f"15 numbers, two weights set by hand, no training: {share_sorted(places, fresh):.0%} sorted")

# %% [markdown]
# So this is what coverage gives away: **the whole memory**. Who is told what has been used needs one
# score that falls with $x$, the same at all steps. It need not know where it is, nor what it has done.
# All that 300 updates have to find is "the smaller the better, and used is bad".
#
# Forbidding used places (`once=True`) gives away the same, without any learning.
#
# **Predict first.** Twenty networks *without* coverage and *without any training*, random weights
# throughout, five numbers. `once=True`. How many of them sort (in rising or in falling order) ten times
# as many sequences as chance does?

# %% tags=["demo"]
fresh = np.random.default_rng(0).random((300, 5)).astype(np.float32)
chance, found = 1 / 120, []
for seed in range(20):
    untrained = course_lib.PointerSorter(units=32, coverage=False, seed=seed)
    places = course_point_alone(*step_of(untrained, fresh), fresh, once=True)
    found.append(max(share_sorted(places, fresh), share_sorted(places, -fresh)))
print(f"chance sorts {chance:.1%}")
print(f"untrained networks above ten times as much: {sum(f > 10 * chance for f in found)} of 20")
print("the best of them sorts", "over 80 %" if max(found) > 0.8 else "under 80 %")

# %% [markdown]
# A random network is usually a monotone function of its input, more or less; with used places forbidden
# that is a sorting program. If you ever read that "our network sorts with 95 %", ask what was masked.
#
# ## Without help
#
# The paper's network is told nothing, and may point wherever it wants. It has to keep in its state
# where it is, and at each step find the smallest number *above the last one*: that was the bump, in the
# picture on additive scores. One straight line will not do.
#
# Here are both, on five numbers, and the share of sequences that they sort alone. For the one without
# help there is a third curve: the same network, but with used places forbidden when it is looked at.
#
# **Predict first.** Where does the third curve begin, before the first update? Does it rise from there?

# %% tags=["demo"]
told = course_lib.PointerSorter(units=32)
alone = course_lib.PointerSorter(units=32, coverage=False)
with_help = follow_pointer(told, 5, updates=600, every=60)
without = follow_pointer(alone, 5, updates=600, every=60, learning_rate=2e-2)
figure, axes = new_figure(width=8.0, height=3.5)
draw_lessons(
    axes,
    {
        "with coverage": (with_help.updates, with_help.exact),
        "without": (without.updates, without.exact),
        "without, used places forbidden": (without.updates, without.once),
    },
)
show(
    figure,
    alt="Whole sequences sorted against updates, up to 600. With coverage: above 0.8 after 60 updates "
    "and close to 1 in the end. Without: 0 for the first 60, then slowly up to about 0.8. The same "
    "network with used places forbidden starts at about 0.77 before any training, falls to 0, and "
    "climbs to a little above the curve without.",
)
for name, share in (("with coverage", with_help.exact[-1]), ("without", without.exact[-1])):
    print(
        f"{name:15}", "over 95 %" if share > 0.95 else "between 50 and 95 %" if share > 0.5 else "?"
    )

# %% [markdown]
# The third curve begins near 77 %, untrained (this seed is one of the lucky ones), and *falls to
# nothing* with the first lessons. The loss asks for the small numbers at the first step and for the large
# ones at the last, and one straight line cannot serve both. The network has to give its lucky line
# up. Only when it has found something else the curve climbs again.
#
# You can see what the two have learned. In the picture below each line is one sequence: its five numbers
# from left to right, and their scores at this step. The dot is the number that is due; all scores are
# told from its own, so what lies above the zero line would be preferred to it. Squares are numbers
# that are used already. For the network with coverage, these are its scores *before* anything is added
# for being used.

# %% tags=["demo"]
fresh = np.random.default_rng(3).random((12, 5)).astype(np.float32)
figure, panels = new_figure(2, 3, width=10.0, height=5.6)
for row, sorter, name in zip(panels, (told, alone), ("with coverage", "without"), strict=True):
    titles = [f"{name}, step {t}" for t in (1, 3, 5)]
    draw_tempers(row, fresh, scores_alone(sorter, fresh, bare=True), (0, 2, 4), titles)
show(
    figure,
    alt="Scores against numbers at steps 1, 3 and 5, twelve sequences each. With coverage, in the upper "
    "row, all lines fall at every step, and used numbers lie above the one that is due. Without, in the "
    "lower row, lines fall at step 1, have their peak at the number that is due at step 3, and rise at "
    "step 5.",
)

# %% [markdown]
# Above: the same falling line at each step. The smallest number always has the best score, used or not,
# and only what is *added* for being used keeps it from being chosen again and again. Below: nothing is
# added, so the shape itself has to change. Small numbers win at first, large ones in the end, and in
# between the line has a peak at what is due: the bump of the additive score, bent out of what the
# encoder's LSTM offers.
#
# ## The yardstick
#
# *Order Matters* (Vinyals, Bengio and Kudlur, 2015) reports in its Table 1 how pointer networks sort $N$
# numbers between 0 and 1: whole sequences, 10,000 iterations, the best of each row of their variants. Ours
# were measured by a command of this course,
#
# ```text
# python benchmarks/learning.py floats 10 --steps 10000 --no-coverage
# ```
#
# and likewise for the other lengths, and without `--no-coverage` for the row with help: 10,000 updates of
# 128 sequences, one seed, judged on 10,000 fresh sequences. One to five minutes each.
#
# One row is new. With `--waves 10` a number is shown to the network not as one input but as twenty-one:
# itself, and sines and cosines of it, from half a wave between 0 and 1 up to 256 waves. It is told
# nothing else.
#
# **Predict.** What was the network without coverage short of: memory for what it has used, or eyes to tell
# 0.512 from 0.513? Which of the two would waves help?

# %% tags=["demo"]
guess = {5: 1 / 120, 10: 1 / 3_628_800, 15: 1 / 1_307_674_368_000}
rows = {
    "the paper, best of each row": PAPER,
    "this course, told nothing": MEASURED["without coverage"],
    "told nothing, shown waves": MEASURED["without coverage, waves"],
    "this course, told what is used": MEASURED["with coverage"],
    "two numbers by hand, told the same": {},
}
for n in PAPER:
    fresh = np.random.default_rng(n).random((1000, n)).astype(np.float32)
    places = course_point_alone(by_hand, None, fresh)
    rows["two numbers by hand, told the same"][n] = share_sorted(places, fresh)

print(f"{'whole sequences sorted':34}" + "".join(f"{f'N = {n}':>9}" for n in PAPER))
for name, row in {"guessing, each place once": guess, **rows}.items():
    shares = (f"{row[n]:.0%}" if row is PAPER else f"{row[n]:.2%}" for n in PAPER)
    print(f"{name:34}" + "".join(f"{share:>9}" for share in shares))
figure, axes = new_figure(width=8.0, height=3.6)
draw_yardstick(axes, list(PAPER), {name: list(row.values()) for name, row in rows.items()})
show(
    figure,
    alt="Bars for 5, 10 and 15 numbers. The paper: 94, 57 and 10 percent. This course without coverage: "
    "96, 68 and 27 percent. Without coverage, but shown waves: 100, 99 and 97 percent. "
    "This course with coverage: over 99.9 percent for all three. "
    "Two numbers set by hand, with the same help: 100 percent for all three.",
)

# %% [markdown]
# Read the rows for what they are.
#
# - **Told nothing** is the paper's task. There our small network does about as well as the paper's best on
#   five numbers and better on more, which is a fair reproduction and no triumph: other sizes, another
#   optimizer, scores with a learned factor in front that lets them grow steep, one seed.
# - **Shown waves** is the paper's task still: the network is told no more, it only *sees* better. So memory
#   is not what it was short of. It has to find the smallest number above the last one, and among
#   fifteen numbers the next one is often less than 0.01 away. As one input of an LSTM the two are all but
#   the same; a wave that goes up and down 256 times tells them apart, and the slow waves say where
#   on the whole they are. The field calls this *Fourier features*; for places in a sequence it is the
#   position code of the transformer. Before you give a network help, look at what you show it.
# - **Told what is used** is *another task*: two numbers set by hand solve it as well as the network that had
#   to learn them. To print this row beside the paper's and call it "ours: better" would be a lie with
#   true numbers. It belongs into the table all the same, with its name: for whoever wants to *use* a
#   sorter, help is welcome.
#
# The paper's authors knew this task's difficulty well. What they were after was another question: whether
# the *order* in which a set is read matters. Their remedy was to let the network look at the numbers
# several times before it answers.
#
# ## Summary
#
# - Attention: scores, weights, context. A query distributes a 1 over the keys, and takes that much of
#   the values.
# - Masked keys are left out *before* the softmax. Zero is no small score. Subtract the largest of what
#   is allowed; rows that allow nothing get zeros.
# - Dot products grow like $\sqrt D$, so divide by it. An additive score needs its tanh, or the query
#   cancels.
# - A pointer's weights are the answer: logits over places. Very negative is better than infinite.
# - Places are the argsort; ranks are its inverse. Two numbers cannot tell them apart.
# - Coverage turns sorting into selection: it gives the memory away. Say what you mask and what you tell
#   before you say what you reach, and keep the baselines in the table, the one by hand included.
#
# ### Sources
#
# - D. Bahdanau, K. Cho, Y. Bengio, *Neural machine translation by jointly learning to align and
#   translate*, 2014 (ICLR 2015): additive attention.
# - M.-T. Luong, H. Pham, C. Manning, *Effective approaches to attention-based neural machine
#   translation*, 2015: dot products; the step of exercise 4.
# - O. Vinyals, M. Fortunato, N. Jaitly, *Pointer networks*, 2015.
# - O. Vinyals, S. Bengio, M. Kudlur, *Order matters: sequence to sequence for sets*, 2015 (ICLR 2016):
#   the table.
# - M. Tancik and others, *Fourier features let networks learn high frequency functions in low dimensional
#   domains*, 2020: waves for numbers.
# - Z. Tu, Z. Lu, Y. Liu, X. Liu, H. Li, *Modeling coverage for neural machine translation*, 2016.
# - A. Vaswani and others, *Attention is all you need*, 2017: the root, and what becomes of it all when
#   the recurrence is left away.
#
# **Next:** everything that you have built is slow, because it is readable. How fast can it be, what does
# Keras make of it, and can you tell what is wrong with ten broken networks?
# [Notebook 14](../14_fast_and_standard/14_fast_and_standard.ipynb).
