# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 3 · Sequences of different lengths
#
# Sentences, melodies and patients' histories do not come in one size. A batch does: it is a box,
# and what is too short is padded. In this notebook you write the function that gets the right
# answer out of such a box: `dynamic_rnn`, a loop *inside* the graph that knows where each sequence
# ends.
#
# **Afterwards you will be able to**
#
# - say what padding does to a recurrent network that does not know about it, and measure it;
# - build masks from lengths, pick each sequence's last output, and average a loss over real steps
#   only;
# - write a recurrent network as one loop in a TensorFlow graph, for any number of time steps;
# - say what TensorFlow 1 and Keras do past the end of a sequence, and where they differ;
# - tell the cell state $c$ of an LSTM from its hidden state $h$, which well-known tutorials mix up.
#
# **Time:** about 90 minutes, five exercises. **You need**
# [notebook 1](../01_unrolling_by_hand/01_unrolling_by_hand.ipynb) (a step) and
# [notebook 2](../02_static_unrolling/02_static_unrolling.ipynb) (a step unrolled, and the size of
# its graph).

# %%
import numpy as np

import course_lib
from autograder import check
from course_lib import TRAIN_X, BasicRNNCell, tf
from course_lib.plots import new_figure, show
from course_lib.plots.padding import draw_batch, draw_lines, draw_states, draw_totals

# %% [markdown]
# Figures and measurements use the course's own functions (`course_lib.dynamic_rnn` and so on). So
# everything runs from the beginning, and nothing waits for you. Try each exercise before you look
# there.
#
# ## A batch has to be a box
#
# Here are four melodies, written as degrees of a scale. They have 6, 3, 4 and 1 notes. To make one
# array of them, the shorter ones are filled up with zeros: *padding*. The lengths travel beside the
# array.

# %%
melodies = np.array(
    [
        [1, 2, 3, 1, 3, 4],
        [5, 3, 1, 0, 0, 0],
        [3, 2, 1, 2, 0, 0],
        [6, 0, 0, 0, 0, 0],
    ],
    dtype=np.float32,
)
lengths = np.array([6, 3, 4, 1], dtype=np.int32)

# %% tags=["demo"]
figure, axes = new_figure(height=2.5)
draw_batch(axes, melodies, lengths, title="Four melodies in one batch; hatched: padding")
show(
    figure,
    alt="A table of four rows and six columns. The rows hold 6, 3, 4 and 1 notes from the left; the"
    " squares after the last note hold a grey zero and are hatched.",
)

# %% [markdown]
# **On paper.** How many of the squares are real notes? What share of the work would a network do
# for nothing?
#
# <details><summary>Compare</summary>
#
# 6 + 3 + 4 + 1 = 14 of 24 squares are real. 10 of 24, or 42 %, are padding.
#
# </details>
#
# In this course $B$ is the number of sequences in a batch, $T$ the number of time steps, $D$ the
# number of features and $H$ the number of hidden units. The length of sequence $b$ is $n_b$, with
# $0 \le n_b \le T$. The melodies have $B = 4$, $T = 6$ and, with one number a note, $D = 1$.
#
# ## The dumb baseline: ignore the lengths
#
# The padding is zeros. Is zero not as good as nothing? Then no mask would be needed, and this
# notebook would end here. So try it: run the second melody (three notes) through a small network,
# alone and with more and more padding behind it.
#
# **Predict first.** The network has a bias of zero, and the padding is zero. Will the final state
# change with the padding?

# %% tags=["demo"]
cell = BasicRNNCell(3, input_size=1, seed=1)
for padding in [0, 1, 3, 10]:
    padded = np.zeros((1, 3 + padding, 1), np.float32)
    padded[0, :3, 0] = melodies[1, :3] / 6
    _, final_state = course_lib.dynamic_rnn(cell, padded, tf.zeros([1, 3]))
    print(f"{padding:2} steps of padding: final state {np.round(final_state[0], 2) + 0.0}")

# %% [markdown]
# It does. A step of padding has no input, but it still multiplies the state with the recurrent
# weights and bends it with tanh. So what the network "knows" about a melody depends on the longest
# melody that happens to be in the same batch. Change the batch, and the answer changes.
#
# How bad is that? Here is a measurement. 3,000 random sequences have between 1 and 12 steps; the
# task is to name *the last real input* from the final state. The network's weights are random and
# stay fixed. Only a linear read-out is fitted, to half of the sequences, by least squares; the
# other half is the test.
#
# The baseline for any such number is the best constant guess, whose squared error is the variance.
#
# **Predict first.** The constant guess scores 0.97. What will a network score that ignores the
# lengths, and what the same network if it stops at each sequence's own end?

# %% tags=["demo"]
rng = np.random.default_rng(3)
count, time_steps, hidden = 3000, 12, 16
inputs = np.zeros((count, time_steps, 1), np.float32)
ends = rng.integers(1, time_steps + 1, count).astype(np.int32)
last_input = np.zeros(count)
for number, length in enumerate(ends):
    sequence = rng.normal(size=length)
    inputs[number, :length, 0] = sequence
    last_input[number] = sequence[-1]

cell = BasicRNNCell(hidden, input_size=1, seed=1)
train, test = slice(0, count // 2), slice(count // 2, count)
padding = time_steps - ends[test]
errors_by_padding = {}
for label, known in [("lengths ignored", None), ("lengths known", ends)]:
    _, final_state = course_lib.dynamic_rnn(cell, inputs, tf.zeros([count, hidden]), known)
    features = np.concatenate([final_state, np.ones((count, 1))], axis=1)
    readout = np.linalg.lstsq(features[train], last_input[train], rcond=None)[0]
    errors = (features[test] @ readout - last_input[test]) ** 2
    errors_by_padding[label] = [errors[padding == steps].mean() for steps in range(time_steps)]
    print(f"{label}: mean squared error {errors.mean():.2f}")
guess = last_input[test].var()
print(f"best constant guess: {guess:.2f}")

# %% tags=["demo"]
figure, axes = new_figure(height=3.0)
draw_lines(
    axes,
    range(time_steps),
    errors_by_padding,
    xlabel="steps of padding after the sequence",
    ylabel="mean squared error",
    title="Naming the last input",
    level=("best constant guess", float(guess)),
)
axes.set_ylim(0, 1.5)
show(
    figure,
    alt="Mean squared error against steps of padding. With lengths ignored it lies between 0.5 and "
    "0.8 everywhere, below the constant guess at 0.97. With lengths known it is close "
    "to zero everywhere.",
)

# %% [markdown]
# Same weights, same sequences. Without the lengths the network is a third better than guessing;
# with them it is nearly exact.
#
# Look at the left end of the upper curve: even sequences *without* any padding suffer. One read-out
# has to serve states that have drifted by 0, 1, …, 11 steps, and serves none of them well.
#
# ## Time first
#
# A loop over time wants, at step $t$, the inputs of all sequences at that step. The cheapest way to
# get them is an array whose *first* axis is time. So the axes (batch, time, features) are to become
# (time, batch, features): **time-major** in place of **batch-major**. TensorFlow's tool for loops,
# which you meet below, cuts along the first axis and nowhere else.
#
# **On paper.** Two sequences of three steps, one feature: $A = 1, 2, 3$ and $B = 7, 8, 9$.
# Batch-major, the numbers lie in memory as `1 2 3 7 8 9`. In which order do they lie once the array
# is time-major? What would `reshape(3, 2, 1)` of the batch-major array give?
#
# <details><summary>Compare</summary>
#
# Time-major: `1 7 2 8 3 9`, both sequences' first step, then both second steps, then both third
# ones. A reshape leaves the numbers where they are and only cuts the row differently:
# `[1 2] [3 7] [8 9]`. Its shape is right, and its second "time step" holds the end of $A$ beside
# the beginning of $B$.
#
# </details>
#
# ### Exercise 1: `batch_to_time_major`
#
# In this exercise and the next three, NumPy and TensorFlow are both fine. Your function gets NumPy
# arrays.


# %% exercise="batch_to_time_major"
def batch_to_time_major(x):
    """Exchange the first two axes.

    x: (B, T, D) = batch, time, features.
    Returns an array or tensor (T, B, D) = time, batch, features.
    """
    ### BEGIN SOLUTION
    return tf.transpose(x, [1, 0, 2])
    ### END SOLUTION


# %% check="batch_to_time_major"
check("batch_to_time_major", batch_to_time_major)

# %% [markdown]
# ## Which entries are real?
#
# A **mask** says of each square in the box whether it belongs to its sequence. Call it $m$, a table
# of truth values with $B$ rows and $T$ columns: $m_{bt}$ is true if step $t$ of sequence $b$ is
# real.
#
# Steps are numbered as Python counts: a sequence of length $n_b$ has the steps
# $0, 1, \dots, n_b - 1$. And $T$ is the width of the box. It may be larger than the longest length:
# somebody may have padded all batches to the same width.
#
# **On paper.** Write down the mask of the melodies. Then one column of it by itself, say $t = 3$:
# which number do you compare with which, four times?
#
# The trick that saves the loops is **broadcasting**: NumPy and TensorFlow stretch an axis of size 1
# to fit. A column of shape (3, 1) with a row of shape (4,) makes a table of shape (3, 4):

# %%
column = np.array([[10], [20], [30]])
row = np.array([1, 2, 3, 4])
column + row

# %% [markdown]
# Any operation of two numbers broadcasts like `+` does: a comparison, too. A vector becomes a
# column by `vector[:, np.newaxis]` (or `tf.newaxis`, which is the same thing: `None`).
#
# ### Exercise 2: `sequence_mask`


# %% exercise="sequence_mask"
def sequence_mask(lengths, T):
    """Say which steps of a padded batch are real.

    lengths: (B,) whole numbers from 0 to T (int32).
    T: the width of the batch, a whole number.
    Returns (B, T): True (or 1) where a step belongs to its sequence, False (or 0) in the padding.
    """
    ### BEGIN SOLUTION
    return np.arange(T) < np.asarray(lengths)[:, np.newaxis]
    ### END SOLUTION


# %% check="sequence_mask"
check("sequence_mask", sequence_mask)

# %% [markdown]
# ## Which output is the last?
#
# You have the outputs of all steps, (B, T, H), and want one vector for each sequence: the output at
# its last real step. A classifier of melodies would read that one.
#
# **On paper.** Fill in the table, counting steps from 0. (An empty sequence has no last step, so
# lengths start at 1 here.)
#
# | length $n_b$ | 1 | 3 | 4 | 6 |
# |---|---|---|---|---|
# | number of its last step | ? | ? | ? | ? |
#
# The result takes another column from each row, and indexing can do that in more than one way.
# Compare:

# %%
table = np.array([[10, 11, 12], [20, 21, 22]])
print("a slice and a list:\n", table[:, [2, 0]])
print("two lists:\n", table[[0, 1], [2, 0]])

# %% [markdown]
# A slice beside a list takes *both* columns from *every* row. Two lists are read in pairs: row 0
# with column 2, row 1 with column 0. `np.arange(n)` makes the list of all rows.
#
# In TensorFlow, `tf.gather(..., axis=1, batch_dims=1)` takes from each row by an index of its own.
#
# ### Exercise 3: `last_relevant`


# %% exercise="last_relevant"
def last_relevant(outputs, lengths):
    """Pick the output at each sequence's own last step.

    outputs: (B, T, H) = batch, time, hidden.
    lengths: (B,) whole numbers from 1 to T (int32).
    Returns (B, H).
    """
    ### BEGIN SOLUTION
    outputs, lengths = np.asarray(outputs), np.asarray(lengths)
    return outputs[np.arange(len(lengths)), lengths - 1]
    ### END SOLUTION


# %% check="last_relevant"
check("last_relevant", last_relevant)

# %% [markdown]
# ## A mean that counts only real steps
#
# Where a network gives an answer at each step, each step has a loss $L_{bt}$. Training needs one
# number for the batch. The one you want is the mean over the real steps,
#
# $$\bar L = \frac{\sum_b \sum_{t \text{ real}} L_{bt}}{\sum_b n_b},$$
#
# where "$t$ real" are the steps of sequence $b$ that are not padding, and $\sum_b n_b$ is how many
# real steps the batch holds.
#
# **On paper.** Two sequences, padded to $T = 4$: one real step with loss 9, and three real steps
# with loss 1 each. The loss in the padding is 0. Compute the formula above; the mean over all
# $B \cdot T$ entries; and the mean of the two sequences' own means.
#
# <details><summary>Compare</summary>
#
# $\bar L = (9 + 1 + 1 + 1) / 4 = 3$. Over all entries: $12 / 8 = 1.5$. Mean of means:
# $(9 + 1) / 2 = 5$: here the single step of the short sequence has half of all the weight, though
# it is one step of four.
#
# </details>
#
# **Predict first.** Someone pads the same batch to $T = 5, 6, \dots, 12$. Which of the three
# numbers change?

# %% tags=["demo"]
widths = np.arange(3, 13)
figure, axes = new_figure(height=3.0)
draw_lines(
    axes,
    widths,
    {
        "mean over the real steps": np.full(widths.shape, 3.0),
        "mean over all entries": 12 / (2 * widths),
        "mean of the sequences' means": np.full(widths.shape, 5.0),
    },
    xlabel="T, the width that the batch is padded to",
    ylabel="loss",
    title="The same two sequences, more and more padding",
)
axes.set_ylim(0, 6.9)
axes.legend(loc="upper right", ncols=2)
show(
    figure,
    alt="Loss against padded width. The mean over real steps stays at 3 and the mean of means at 5."
    " The mean over all entries falls from 2 to 0.5 although nothing is learned.",
)

# %% [markdown]
# The mean over all entries falls and falls, and nothing was learned. If you watch that curve, a
# batch with one very long sequence in it looks like progress. And the learning rate shrinks with
# the padding, unnoticed.
#
# The mean of means is steady, but it answers another question: it gives each *sequence* the same
# weight, not each step. Sometimes that is what you want. It is not what "loss per step" means.
#
# ### Select, do not multiply
#
# What stands in the padding? Zeros, as long as nobody has computed anything with them. A loss at a
# step of padding is computed like all others: from outputs and targets that mean nothing. A
# logarithm of 0 in it gives infinity, and infinity minus infinity gives NaN, "not a number". So be
# ready for anything there.
#
# **Predict first.** A popular way to mask is to multiply by 0 or 1. What will the first line print?

# %%
losses, real = np.array([1.0, 2.0, np.nan]), np.array([True, True, False])
print("multiplied:", (losses * real).sum())
print("selected:  ", np.where(real, losses, 0.0).sum())

# %% [markdown]
# NaN times zero is NaN, and one of them is enough to spoil the sum of the batch.
# `np.where(condition, a, b)` does not compute with what it leaves out: it *selects*. So does an
# index of truth values, `losses[real]`. TensorFlow has `tf.where` and `tf.boolean_mask`.
#
# ### Exercise 4: `masked_mean`


# %% exercise="masked_mean"
def masked_mean(loss, lengths):
    """Average a loss over the real steps of a batch.

    loss: (B, T), one number a step. What stands in the padding has no influence, whatever it is.
    lengths: (B,) whole numbers from 1 to T (int32).
    Returns one number.
    """
    ### BEGIN SOLUTION
    real = sequence_mask(lengths, loss.shape[1])
    return np.where(real, loss, 0.0).sum() / np.sum(lengths)
    ### END SOLUTION


# %% check="masked_mean"
check("masked_mean", masked_mean)

# %% [markdown]
# ## A loop that lives in the graph
#
# In notebook 2, a Python loop wrote each step into the graph. The graph was as long as the
# sequence, and $T$ had to be known while it was made.
#
# With batches of all widths that hurts. Twelve batches, of different $T$, as they come from a real
# data set:

# %% tags=["demo"]
widths = [12, 7, 15, 7, 9, 20, 12, 5, 18, 9, 15, 11]
cell = BasicRNNCell(3, input_size=1)
traced_before, unrolled, looped = set(), [], []
for width in widths:
    batch, state = np.zeros((4, width, 1), np.float32), tf.zeros([4, 3])
    nodes = 0
    if width not in traced_before:  # tf.function keeps one graph for each width that it has met
        nodes = course_lib.count_graph_nodes(
            lambda x, h: course_lib.static_rnn(cell, course_lib.to_time_list(x), h), batch, state
        )
        traced_before.add(width)
    unrolled.append(nodes)
    looped.append(0)
looped[0] = course_lib.count_graph_nodes(
    lambda x, h, n: course_lib.dynamic_rnn(cell, x, h, n), batch, state, lengths
)

figure, axes = new_figure(height=3.0)
draw_totals(
    axes,
    {"unrolled by Python": np.cumsum(unrolled), "a loop in the graph": np.cumsum(looped)},
    widths,
    title="Nodes in all graphs that were made so far",
)
show(
    figure,
    alt="Total number of graph nodes after each of twelve batches, labelled with their widths. "
    "Unrolled by Python it climbs with every new width to about 1,300; with a loop in the graph"
    " it stays at about 60.",
)

# %% [markdown]
# Unrolled, every new width needs another graph. A loop *in* the graph is made once, for a time axis
# of unknown size: its body stands there one time, and how often it runs is decided when it runs.
# (Measured without the gradients, which triple the numbers.)
#
# Such a loop is `tf.while_loop(condition, body, loop_vars)`. Three rules:
#
# 1. What changes from one iteration to the next is a **loop variable**. Both functions get all of
#    them as arguments, and `body` returns all of them, in the same order, with the same types and
#    shapes.
# 2. Neither function may rely on Python to remember anything: in a graph, both are called only
#    once, while it is made.
# 3. A Python list cannot grow in there. A **`tf.TensorArray`** can: `array = array.write(t, value)`
#    puts a tensor at place `t`, and `array.stack()` makes one tensor of all places, *along a new
#    first axis*.
#
# Here is one that has nothing to do with networks: the first Fibonacci numbers. Each is the sum of
# the two before.


# %% tags=["demo"]
def fibonacci(count):
    """The first `count` Fibonacci numbers; `count` may be a tensor."""

    def condition(t, a, b, numbers):
        return t < count

    def body(t, a, b, numbers):
        return t + 1, b, a + b, numbers.write(t, a)

    start = (tf.constant(0), tf.constant(0), tf.constant(1), tf.TensorArray(tf.int32, size=count))
    _, _, _, numbers = tf.while_loop(condition, body, start)
    return numbers.stack()


in_a_graph = tf.function(fibonacci, input_signature=[tf.TensorSpec([], tf.int32)])
print(in_a_graph(8).numpy())
print(in_a_graph(12).numpy())
print("graphs made:", in_a_graph.experimental_get_tracing_count())

# %% [markdown]
# Forget the `array =` in `array = array.write(...)`, and in a graph nothing is written: a
# TensorArray does not change there, any more than a tensor does. (Outside of a graph it happens to
# work, which makes the mistake hard to see.)
#
# To *read* in a loop, fill an array from a tensor first:
# `tf.TensorArray(tf.float32, size=n).unstack(tensor)` cuts along the **first** axis, and
# `array.read(t)` gives the piece at place `t`.
#
# **How long is it?** While a graph is made for any width, `x.shape[1]` is `None`: Python does not
# know. The graph will, when it runs: `tf.shape(x)[1]` is a tensor that holds the size.


# %% tags=["demo"]
@tf.function(input_signature=[tf.TensorSpec([4, None, 1], tf.float32)])
def width_of(x):
    print("while the graph is made, x.shape[1] is", x.shape[1])
    return tf.shape(x)[1]


print("when it runs, tf.shape(x)[1] is", width_of(tf.zeros([4, 6, 1])).numpy())

# %% [markdown]
# **Stay in TensorFlow.** A NumPy function needs numbers, and while the graph is made there are
# none. It also cuts the path on which gradients travel back. So inside such a loop, and on the way
# into it: no `np.` and no `.numpy()`.
#
# (There is a second way to write the same loop. Inside a `tf.function`, a Python
# `for t in tf.range(n):` is translated to a `tf.while_loop`; this is called *AutoGraph*. The
# variables that the body assigns become the loop variables. Both ways pass here. A
# `for t in range(...)` over a Python number is not translated: it unrolls.)
#
# ## What you are given
#
# As in notebook 2, one step of some network, and you do not know which:
#
# `step(x_t, h) -> (output, new_h)`
#
# It takes the inputs of all sequences at one time, (B, D), and the state (B, H). It gives back
# **two** things: the output, (B, H), which goes out, and the new state, (B, H), which goes into the
# next step. In a basic cell they are the same tensor. In an LSTM, and in the check, they are not:
# keep them apart.
#
# ## What happens past the end
#
# Every sequence runs through all $T$ steps of the loop. For a sequence that has ended, this rule
# holds (it is the rule of `tf.nn.dynamic_rnn`, for which a generation of tutorials was written):
#
# | | while the sequence lasts | past its end |
# |---|---|---|
# | output | what the step gives | zeros |
# | state | what the step gives | frozen: stays what it was before this step |
#
# *Why freeze the state?* So that the state after the loop is, for each sequence, the state at its
# own end. *Why zero the outputs?* There is nothing to say. Zeros are easy to spot, and add nothing
# to a sum.
#
# The step itself knows nothing about lengths. It computes something for the padding too, and you
# throw that away.
#
# **On paper.** Let the step be a running sum (output = new state = state + input), and start from
# 0. Follow the melody 5 3 1 and suppose that its padding holds 9 9 9 in place of zeros. What are
#    the six outputs and the final state by this rule? What are they if nobody looks at the lengths?
#
# <details><summary>Compare</summary>
#
# By the rule: 5 8 9 0 0 0 and the state 9. Without it: 5 8 9 18 27 36, and the state 36.
#
# </details>
#
# Here is a network with three units and a bias, on a sequence of 5 steps padded to 14:

# %% tags=["demo"]
rng = np.random.default_rng(8)
cell = BasicRNNCell.from_weights(
    rng.normal(0, 0.8, (1, 3)), rng.normal(0, 0.8, (3, 3)), [0.5, -0.4, 0.3]
)
sequence = np.zeros((1, 14, 1))
sequence[0, :5, 0] = rng.normal(size=5)
drifting, _ = course_lib.dynamic_rnn(cell, sequence, np.zeros((1, 3)))
drifting = drifting.numpy()[0]
frozen = drifting[np.minimum(np.arange(14), 4)]

figure, (left, right) = new_figure(columns=2, height=3.0, sharey=True)
draw_states(left, drifting, 5, title="Lengths ignored: the state drifts")
draw_states(right, frozen, 5, title="Lengths known: the state is frozen")
left.set_ylabel("state")
right.set_ylim(-1.6, 1.4)
right.legend(loc="lower center", ncols=3, fontsize=9)
show(
    figure,
    alt="The three units of a state over 14 time steps, of which the last nine are padding. On the "
    "left they keep moving through the padding; on the right they stay where they were after "
    "step 4.",
)

# %% [markdown]
# On the left, after nine steps of padding, the network has forgotten what it read: the curves go
# where they would go from anywhere.
#
# ## Choosing row by row
#
# "New state for the sequences that are alive, old state for the others" is a choice between two
# tensors of shape (B, H), row by row. `tf.where(condition, a, b)` makes it. But look at the shapes.
#
# **Predict first.** Three sequences, three hidden units; only the first sequence is alive. Which of
# these two tables has `1`s in its first *row*?

# %% tags=["demo"]
alive = tf.constant([True, False, False])
new, old = tf.ones([3, 3], tf.int32), tf.zeros([3, 3], tf.int32)
print("condition (3,):\n", tf.where(alive, new, old).numpy())
print("condition (3, 1):\n", tf.where(alive[:, tf.newaxis], new, old).numpy())

# %% [markdown]
# Broadcasting lines shapes up from the *right*. A condition of shape (B,) meets the last axis, the
# hidden units; only as a column, (B, 1), does it choose whole rows. With $B \ne H$ you get an
# error, and you are lucky. With $B = H$ you get a wrong number.
#
# ### Exercise 5: `dynamic_rnn`
#
# Now put it together. The check runs your function on plain tensors first; then inside a
# `tf.function` for which the size of the time axis is unknown; then it asks for gradients. You see
# for each of these whether it worked.
#
# All numbers are float32, lengths are int32. Your own `sequence_mask` and `batch_to_time_major`
# will do here only if they are made of TensorFlow operations.
#
# It is the longest function so far, about a dozen lines. If you do not know where to begin, open
# these one after the other.
#
# <details><summary>Where to begin</summary>
#
# With a plan of the loop variables. Which three things change from one step to the next?
#
# </details>
#
# <details><summary>The loop variables</summary>
#
# The number of the step, the state, and the TensorArray that collects the outputs. The inputs do
# not change: the body just reads them.
#
# </details>
#
# <details><summary>The order of work</summary>
#
# Before the loop: make `x` time-major, fill an array to read from, make an empty one to write to.
# In the body: read, step, decide who is alive, choose the output, choose the state, write. After
# the loop: stack, and bring the axes back in order.
#
# </details>


# %% exercise="dynamic_rnn"
def dynamic_rnn(step, x, h0, lengths):
    """Run a step over a batch of sequences of different lengths, as one loop in the graph.

    step: step(x_t, h) -> (output, new_h), with x_t (B, D), h, output and new_h (B, H).
    x: (B, T, D), a float32 tensor; in a graph the size of its time axis may be unknown.
    h0: (B, H), the state before the first step.
    lengths: (B,) whole numbers from 0 to T (int32).
    Returns (outputs, h_last): outputs (B, T, H), zero past each sequence's end, and the state
    (B, H) at each sequence's own end.
    """
    ### BEGIN SOLUTION
    T = tf.shape(x)[1]
    inputs = tf.TensorArray(tf.float32, size=T).unstack(tf.transpose(x, [1, 0, 2]))

    def body(t, h, outputs):
        output, new_h = step(inputs.read(t), h)
        alive = (t < lengths)[:, tf.newaxis]
        output = tf.where(alive, output, tf.zeros_like(output))
        return t + 1, tf.where(alive, new_h, h), outputs.write(t, output)

    start = (tf.constant(0), h0, tf.TensorArray(tf.float32, size=T))
    _, h_last, outputs = tf.while_loop(lambda t, *_: t < T, body, start)
    return tf.transpose(outputs.stack(), [1, 0, 2]), h_last
    ### END SOLUTION


# %% check="dynamic_rnn"
check("dynamic_rnn", dynamic_rnn)

# %% [markdown]
# ## A witness
#
# The check compares you with the course's function. Who checks that one? The function that the old
# tutorials call,
# `outputs, states = tf.nn.dynamic_rnn(cell, x, sequence_length=lengths, dtype=tf.float32)`, is
# still there, in TensorFlow's museum `tf.compat.v1`. The next cell runs both, on the melodies and
# with an empty sequence among them. (It uses your function if you have written it, and the course's
# if not.)

# %% tags=["demo"]
cell = BasicRNNCell(3, input_size=1, seed=1)
notes = tf.constant(melodies[:, :, np.newaxis] / 6)
start = tf.constant(np.random.default_rng(5).normal(size=(4, 3)), tf.float32)
some_empty = tf.constant([6, 3, 0, 1], tf.int32)

try:
    outputs, h_last = dynamic_rnn(cell, notes, start, some_empty)
    print("your dynamic_rnn against TensorFlow 1's:")
except NotImplementedError:
    outputs, h_last = course_lib.dynamic_rnn(cell, notes, start, some_empty)
    print("the course's dynamic_rnn against TensorFlow 1's:")
old_outputs, old_state = tf.compat.v1.nn.dynamic_rnn(
    cell, notes, sequence_length=some_empty, initial_state=start
)
print("  outputs agree:    ", np.allclose(outputs, old_outputs, atol=1e-6))
print("  final state agrees:", np.allclose(h_last, old_state, atol=1e-6))
print("  the empty sequence keeps its initial state:", np.allclose(h_last[2], start[2]))

# %% [markdown]
# ## Keras has another rule
#
# Today you would write `keras.layers.SimpleRNN` and hand it a mask. Give it the same weights and
# the same melodies.
#
# **Predict first.** Keras freezes the state too. What will its outputs hold past the end?

# %% tags=["demo"]
layer = tf.keras.layers.SimpleRNN(3, return_sequences=True, return_state=True)
layer.build((4, 6, 1))
layer.set_weights([cell.Wx.numpy(), cell.Wh.numpy(), cell.b.numpy()])
real = course_lib.sequence_mask(lengths, 6)
keras_outputs, keras_state = layer(notes, mask=real, initial_state=tf.zeros([4, 3]))
outputs, h_last = course_lib.dynamic_rnn(cell, notes, tf.zeros([4, 3]), lengths)

figure, (left, right) = new_figure(columns=2, height=2.6, width=8.0)
for axes, shown, title in [
    (left, outputs, "tf.nn.dynamic_rnn: zeros"),
    (right, keras_outputs, "Keras: the last output, repeated"),
]:
    draw_batch(axes, shown[:, :, 1], lengths, title=title, text="{:.2f}", limit=1.0)
right.set_ylabel("")
show(
    figure,
    alt="Outputs of one unit for the four melodies, twice, as tables with the padding hatched. On "
    "the left the padding holds 0.00. On the right it holds the last real output of each row.",
)
print("final states are equal:", np.allclose(h_last, keras_state, atol=1e-6))

# %% [markdown]
# Keras repeats the last real output to the end of the row (unless you ask for
# `zero_output_for_mask=True`). Neither rule is wrong, but mix them up and things break quietly:
#
# - a sum over time counts Keras' last output many times, and the zeros never;
# - `outputs[:, -1]` is each sequence's last output in Keras, and a row of zeros in the older
#   function for every sequence that is shorter than $T$.
#
# ## Find the bug: what is a state called?
#
# Two well-known tutorials from the days of TensorFlow 1 run `tf.nn.dynamic_rnn` with an LSTM. An
# LSTM (notebook 5) has a state of two parts: the **cell state** $c$, a memory that stays inside,
# and the **hidden state** $h$, which is also the output. TensorFlow 1 returns the pair as
# `LSTMStateTuple(c, h)`. Here is what the tutorials say about it:
#
# > 1. One prints the shape of `states[0]` under the title "hidden state", and that of `states[1]`
# >    under "activation state".
# > 2. The other explains that the output at the last time step, `outputs[:, -1]`, is one part of
# >    the state, and that the other part, the *hidden state* $c$, cannot be seen in the outputs.
# > 3. It adds no condition to the claim about `outputs[:, -1]`.
# > 4. Its data, an array of shape (3, 4, 2), are described as "3 batches, 4 time steps per batch".
#
# Each has one mistake. Find all four before you open this.
#
# <details><summary>The four mistakes</summary>
#
# 1. `states[0]` is $c$, the *cell* state. The hidden state is the other one, `states[1]`.
#    ("Activation" is an older name for it, and no third thing.)
# 2. What cannot be seen in the outputs is $c$: right. But $c$ is the cell state, not the hidden
#    state. The *hidden* state is just what can be seen: it is the output.
# 3. `outputs[:, -1]` equals the final $h$ only if no sequence is padded. With lengths, the last
#    column holds zeros for all shorter sequences. The state that the function returns is right in
#    any case.
# 4. It is *one* batch of 3 sequences, with 4 time steps each.
#
# </details>
#
# All shapes are (3, 10) for either part, so no error tells you. Numbers do. Here is an LSTM of
# Keras on that tutorial's data. It returns three things: the outputs, and the two parts of the
# state.
#
# **Predict first.** Keras returns the two parts in the *other* order than TensorFlow 1. Which one
# equals the last output?

# %% tags=["demo"]
lstm = tf.keras.layers.LSTM(10, return_sequences=True, return_state=True, seed=4)
lstm_outputs, first, second = lstm(TRAIN_X)
for name, part in [("second thing returned", first), ("third thing returned", second)]:
    same = np.allclose(lstm_outputs[:, -1], part)
    inside = float(np.abs(part).max()) < 1
    print(
        f"{name}: shape {tuple(part.shape)}, equals outputs[:, -1]: {same}, all within ±1: {inside}"
    )

# %% [markdown]
# The one that equals the last output is $h$. It lies within ±1, as it has passed through a tanh.
# The other one is $c$: it adds up over time and may grow beyond.
#
# So Keras says $(h, c)$ where TensorFlow 1 says $(c, h)$. In this course the state of an LSTM is
# `LSTMStateTuple(c, h)`, with names, so that you need not remember an order.
#
# ## What padding costs
#
# Masks make the result right. They do not make it cheap: the steps of padding are computed and
# thrown away. How many are there?
#
# Here are the lengths of 4,096 imaginary sentences (log-normal, median 20 words, at most 100). They
# are cut into batches in two ways: as they come, and sorted by length first. Each batch is as wide
# as its longest sentence.
#
# **Predict first.** With batches of 64 as they come, which share of all steps is padding?

# %% tags=["demo"]
rng = np.random.default_rng(2)
sentences = np.clip(rng.lognormal(np.log(20), 0.5, 4096).round(), 1, 100).astype(int)
sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
wasted = {"as they come": [], "sorted by length": []}
for size in sizes:
    for label, order in [("as they come", sentences), ("sorted by length", np.sort(sentences))]:
        batches = order.reshape(-1, size)
        computed = size * batches.max(axis=1).sum()
        wasted[label].append(100 * (1 - sentences.sum() / computed))
for label, shares in wasted.items():
    print(f"batches of 64, {label}: {shares[sizes.index(64)]:.0f} % padding")

figure, axes = new_figure(height=3.0)
draw_lines(
    axes,
    sizes,
    wasted,
    xlabel="sequences in a batch",
    ylabel="steps wasted, %",
    title="What padding costs",
)
axes.set_xscale("log", base=2)
axes.set_xticks(sizes, [str(size) for size in sizes])
axes.set_ylim(0, 80)
show(
    figure,
    alt="Share of steps that are padding against batch size. As they come it climbs from 0 to over "
    "70 per cent at 256 sequences in a batch. Sorted by length it stays under 5 per cent up to "
    "64, and reaches 15 per cent at 256.",
)

# %% [markdown]
# With batches of 64 as they come, most of the work is for nothing. Sorting removes nearly all of
# it, at a price: a batch then holds only short or only long sentences, always the same ones
# together, and training likes its batches mixed. The usual compromise is **bucketing**: shuffle,
# take a few thousand sequences, sort those, cut them into batches, and shuffle the batches.
#
# ## What you have learned
#
# - Padding is not harmless, not even zeros: the state drifts, and a sequence's result comes to
#   depend on its neighbours in the batch.
# - A mask compares the number of each step with the lengths; counting from 0 makes it easy to be
#   off by one.
# - `outputs[:, -1]` is the last output only where nothing is padded. Select each sequence's own
#   last step, or use the final state.
# - A loss is averaged over real steps: their sum by their number. Select them; multiplying by 0
#   lets NaN through.
# - A loop in the graph is made once and serves all widths. What changes is a loop variable; what is
#   collected goes into a TensorArray.
# - Past the end, `tf.nn.dynamic_rnn` gives zeros and Keras repeats; both freeze the state.
# - The state of an LSTM is $(c, h)$: $c$ the cell state, $h$ the hidden state, which is the output.
#
# ### Try more
#
# Let your `dynamic_rnn` take a state of several parts, such as `(c, h)`: `tf.nest.map_structure`
# applies a function to each part. Then let the loop stop at the longest sequence of the batch, and
# still return outputs of width $T$. TensorFlow 1's function does both.
#
# ### Sources
#
# - Y. Yu, M. Abadi, P. Barham and others, *Dynamic Control Flow in Large-Scale Machine Learning*,
#   EuroSys 2018 ([arXiv:1805.01772](https://arxiv.org/abs/1805.01772)): how `tf.while_loop` and its
#   gradient work, with `dynamic_rnn` as the example.
# - D. Moldovan, J. Decker, F. Wang and others, *AutoGraph: Imperative-style Coding with Graph-based
#   Performance*, SysML 2019 ([arXiv:1810.08061](https://arxiv.org/abs/1810.08061)).
# - S. Hochreiter and J. Schmidhuber, *Long Short-Term Memory*, Neural Computation 9(8), 1997: the
#   cell and its state.
# - V. Khomenko, O. Shyshkov, O. Radyvonenko and K. Bokhan, *Accelerating Recurrent Neural Network
#   Training Using Sequence Bucketing and Multi-GPU Data Parallelization*, 2016
#   ([arXiv:1708.05604](https://arxiv.org/abs/1708.05604)).
# - The
#   [API of `tf.compat.v1.nn.dynamic_rnn`](https://www.tensorflow.org/api_docs/python/tf/compat/v1/nn/dynamic_rnn),
#   and Keras' guide to
#   [masking and padding](https://keras.io/guides/understanding_masking_and_padding/).
#
# ### What comes next
#
# You asked TensorFlow for gradients through your loop and got them. In
# [notebook 4](../04_backprop_through_time/04_backprop_through_time.ipynb) you compute them by hand,
# in NumPy, and see why they vanish and explode.
