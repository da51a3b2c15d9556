# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 5 · The LSTM, gate by gate
#
# A basic recurrent cell overwrites everything it knows at every step. The **long short-term memory**
# (LSTM) does not: it has a place where a number can stay, and small networks that decide when to
# write to it, when to clear it and when to show it. In this notebook you build one in NumPy, forwards
# and backwards, look at its gates while they work, and repair a cell from a well-known set of lecture
# slides that cannot remember anything.
#
# **What you will be able to do**
#
# - say why a basic cell cannot hold a number, and what an LSTM does instead;
# - write a step of an LSTM, run it over a sequence, and send gradients back through it;
# - tell $c$ from $h$, and a gate from a weight, where tutorials mix them up;
# - count an LSTM's parameters, and move its weights between libraries;
# - say what the forget bias does, and see what happens without it.
#
# **Time:** about two hours, six exercises. **You need**
# [notebook 1](../01_unrolling_by_hand/01_unrolling_by_hand.ipynb) (a step of a basic cell) and, for the
# backward pass, [notebook 4](../04_backprop_through_time/04_backprop_through_time.ipynb). All that you write
# here is NumPy.

# %%
import numpy as np

import course_lib
from autograder import check
from course_lib.plots import lstm_internals as plots
from course_lib.plots import new_figure, show
from course_lib.recall import recall_batch, train_recall

np.set_printoptions(precision=3, suppress=True)

# %% [markdown]
# Figures and measurements use the course's own functions where they need an LSTM, so everything runs
# from the beginning and nothing waits for you.
#
# ## Hold one number
#
# Here is the smallest task that needs memory: keep the number 0.3 for sixty steps. Nothing else
# arrives. No training either: you may choose the weights yourself.
#
# The dumb baseline is the cell of notebook 1 with one hidden unit. Without an input its step is
# $h_t = \tanh(w\,h_{t-1})$, where $h_t$ is its state at step $t$ and $w$ its only weight.
#
# **Predict first.** With $w = 1$ the cell passes its state on unchanged, but for the tanh. What will be
# left of 0.3 after sixty steps? And can a larger $w$ save it?

# %%
for w in [0.5, 1.0, 1.5]:
    held = {}
    for start in [0.3, 0.6]:
        h = start
        for _ in range(60):
            h = np.tanh(w * h)
        held[start] = h
    print(f"w = {w}:  0.3 became {held[0.3]:.2g},  0.6 became {held[0.6]:.2g}")

# %% [markdown]
# With $w = 0.5$ the number is gone. With $w = 1$ every tanh shaves a little off: half is lost, and 0.6
# ends so close to where 0.3 ends that you can hardly tell them apart. With $w = 1.5$ the state runs away
# to the same value from wherever it starts. That cell remembers a *sign*, no more.
#
# There is no good $w$. The cell computes its state anew at every step, so whatever it knows has to
# survive sixty multiplications and sixty tanhs. On the way back gradients meet the same obstacles: that
# is why they vanished in notebook 4.
#
# ## Add, do not overwrite
#
# The cure is as old as an adding machine: keep a running sum. Call it the **cell state** $c_t$, and let
# nothing happen to it on its way but an addition:
#
# $$c_t = c_{t-1} + \text{something new}$$
#
# If nothing is added, 0.3 stays 0.3, for sixty steps or for sixty thousand. Sepp Hochreiter and Jürgen
# Schmidhuber called this the *constant error carousel*, because a gradient on its way back stays as it is
# too: the derivative of $c_t$ with respect to $c_{t-1}$ is 1.
#
# But a sum that takes in everything remembers nothing in particular. Three decisions are missing:
#
# - **Is this worth keeping?** What is added should be let in or kept out.
# - **Is the old still needed?** The sum has to be cleared at times.
# - **Is it wanted now?** The network's output should show the memory only when it is of use.
#
# A decision is a number between 0 and 1 that something is multiplied by. That is all a **gate** is. It
# has to come out of a network that can learn, so it is a sigmoid, $\sigma(z) = 1 / (1 + e^{-z})$, of a
# weighted sum $z$: nearly 0 if $z$ is very negative, nearly 1 if it is very positive, and smooth in
# between, so that gradients can pass.
#
# One state has become two. $c_t$ is the memory, which stays inside. What the cell shows, the **hidden
# state** $h_t$, is its output. Both have to be handed on to the next step.

# %% [markdown]
# ## Four small networks
#
# An LSTM has four little networks. Each is a dense layer that looks at the same two things, the input
# $x_t$ and the last hidden state $h_{t-1}$:
#
# $$
# \begin{aligned}
# i_t &= \sigma(x_t W_i + h_{t-1} U_i + b_i) && \text{input gate: how much is written} \\
# f_t &= \sigma(x_t W_f + h_{t-1} U_f + b_f) && \text{forget gate: how much of the old is kept} \\
# g_t &= \tanh(x_t W_g + h_{t-1} U_g + b_g) && \text{candidate: what would be written} \\
# o_t &= \sigma(x_t W_o + h_{t-1} U_o + b_o) && \text{output gate: how much is shown}
# \end{aligned}
# $$
#
# $W$ weighs the input, $U$ the hidden state, $b$ is a bias; each network has its own, which the small
# letter tells. Then, with $\odot$ for multiplying entry by entry,
#
# $$
# \begin{aligned}
# c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
# h_t &= o_t \odot \tanh(c_t)
# \end{aligned}
# $$
#
# So $f_t = 1$ and $i_t = 0$ is the adding machine at rest. The candidate is no gate: it is *what* may be
# written, so it must be able to be negative, and has a tanh. "Forget gate" is an unlucky name: it is
# open, at 1, when nothing is forgotten.

# %% tags=["demo"]
figure, axes = new_figure(width=7.5, height=3.7)
plots.cell_diagram(axes)
show(
    figure,
    alt="One step of an LSTM. A thick belt at the top leads from c at t-1 to c at t; on it lie a "
    "multiplication by the forget gate f and then an addition. A wire at the bottom brings h at t-1 and "
    "x to four boxes: f, i and o with a sigmoid, g with a tanh. i times g goes up to the addition. "
    "Behind the addition the belt branches down through a tanh to a multiplication by o, which gives h.",
)

# %% [markdown]
# Follow the thick belt at the top: from the old cell state to the new one there is one product, one
# sum, and nothing else. No matrix, no tanh. The two ends of the memory are connected by a straight line.
#
# **Pen and paper.** One unit. The old cell state is $c_{t-1} = 2$, and the four networks say $i = 0.5$,
# $f = 0.75$, $g = -0.6$, $o = 0.5$. What are $c_t$ and $h_t$? ($\tanh 1.2 \approx 0.83$.) And which of
# all these numbers can be larger than 1?
#
# <details><summary>Compare</summary>
#
# $c_t = 0.75 \cdot 2 + 0.5 \cdot (-0.6) = 1.2$ and $h_t = 0.5 \cdot 0.83 \approx 0.42$. Only the
# cell states: $c$ is a sum and may grow; the tanh on the way to $h$ brings it back into range, and all
# the others come out of a sigmoid or a tanh.
#
# </details>
#
# **Which is which.** People confuse the two parts of the state so often that a rule is worth having.
# $c$ is the *cell* state: it stays inside. $h$ is the *hidden* state: it is the output. Functions take
# and return them as `(h, c)`, as Keras does. Only the state *tuple* of TensorFlow 1, and of this course,
# is `LSTMStateTuple(c, h)`. (The tutorials of notebook 3 called $c$ the hidden state.)

# %% [markdown]
# ## Play with the gates
#
# In a real LSTM the gates move at every step. To get a feeling for them, nail them down: the same $i$,
# $f$ and $o$ all the time. The candidates are given.
#
# **Predict first.** What does the cell state do for $i = 1$ and $f = 0$? For $i = 1$ and $f = 1$? For
# $i = 0.2$ and $f = 0.8$?

# %%
candidates = np.array([0.9, 0.2, 0.8, 0.4, 0.6, 0.1, 0.8, 0.5, -0.5, -0.1, -0.8, -0.3, -0.7, -0.2])

# %% tags=["demo"]
figure, panels = new_figure(columns=3, width=9, height=2.9, sharey=True)
for axes, (i, f) in zip(panels, [(1, 0), (1, 1), (0.2, 0.8)], strict=True):
    plots.draw_constant_gates(axes, i, f, 1, candidates)
panels[0].legend(loc="upper left", fontsize=9)
show(
    figure,
    alt="Three panels with the same bars for the candidates, eight positive ones and then six negative "
    "ones. For f = 0 the cell state sits on the tops of the bars. For i = f = 1 it climbs to 4.3 "
    "and comes down again, while the output saturates just below 1. For i = 0.2, f = 0.8 it rises "
    "slowly to about 0.5 and sinks below zero at the end.",
)

# %% [markdown]
# - With $f = 0$ the cell copies the candidate and forgets it at once: no memory.
# - With $i = f = 1$ it adds everything up. The output cannot follow: its tanh is flat up there.
# - With $i = 0.2$ and $f = 0.8$ it is a moving average that forgets a fifth at every step.
#
# A copy, a sum, an average: with gates that do not even move. Try others. With which setting does the
# cell ignore everything after the first few steps?

# %% tags=["demo", "nbval-ignore-output"]
plots.gate_sliders(candidates)

# %% [markdown]
# ## Side by side
#
# Four networks with the same inputs are computed in one go if their weights lie side by side. This
# course, like Keras, keeps three arrays:
#
# | array | shape | multiplies |
# |---|---|---|
# | `kernel` | $(D, 4H)$ | the input $x_t$, $(B, D)$ |
# | `recurrent_kernel` | $(H, 4H)$ | the hidden state $h_{t-1}$, $(B, H)$ |
# | `bias` | $(4H,)$ | nothing: it is added |
#
# $B$ is the batch, $D$ the number of features, $H$ the number of hidden units. The columns come in four
# blocks of $H$, in the order **i, f, g, o**.

# %% tags=["demo"]
figure, axes = new_figure(height=3.0)
plots.layout_blocks(axes, features=2, hidden=3)
show(
    figure,
    alt="Three arrays drawn above each other: kernel with D rows, recurrent kernel with H rows, bias "
    "with one number a column. Each consists of four blocks of H columns, labelled i, f, g and o from "
    "left to right.",
)

# %% [markdown]
# So one sum of shape $(B, 4H)$ holds what goes into all four activations. `np.split` cuts it. On a toy
# array with two rows and blocks of two columns:

# %%
toy = np.arange(16).reshape(2, 8)
first, second, third, fourth = np.split(toy, 4, axis=1)
print("first block:\n", first)
print("third block:\n", third)

# %% [markdown]
# One more tool: the sigmoid, written with tanh. It is the same curve, and it does not overflow for
# large negative numbers, as $e^{-z}$ does.


# %%
def sigmoid(z):
    """1 / (1 + exp(-z)), entry by entry."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


print(sigmoid(np.array([-1000.0, -1.0, 0.0, 1.0, 1000.0])))

# %% [markdown]
# ### Exercise 1: `lstm_step`
#
# Write the six equations. Mind the order of the blocks, of the arguments and of the results.
#
# <details><summary>Where to begin</summary>
#
# With one line for the sum of shape $(B, 4H)$. Then cut, then squash, then one line for $c$ and one for
# $h$. Give the new state new names, or at least new arrays: `c *= f` would write into the caller's.
#
# </details>


# %% exercise="lstm_step"
def lstm_step(x, h, c, kernel, recurrent_kernel, bias):
    """One step of an LSTM.

    x: inputs (B, D).
    h: hidden state before the step (B, H). c: cell state before the step (B, H).
    kernel: (D, 4H). recurrent_kernel: (H, 4H). bias: (4H,). Gates in the order i, f, g, o.
    Returns (h, c), the hidden and the cell state after the step, (B, H) each, as new arrays.
    """
    ### BEGIN SOLUTION
    sums = x @ kernel + h @ recurrent_kernel + bias
    i, f, g, o = np.split(sums, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, c
    ### END SOLUTION


# %% check="lstm_step"
check("lstm_step", lstm_step)

# %% [markdown]
# ## How many numbers are learned?
#
# A **parameter** is a number that training changes and that stays for all sequences. Everything else is a
# **value**: computed anew for each sequence and each step.
#
# **Pen and paper.** Sort these into parameters and values: $W_f$, $f_t$, $c_t$, $b_o$, $h_t$, $U_g$,
# $g_t$.
#
# <details><summary>Compare</summary>
#
# Parameters: $W_f$, $b_o$, $U_g$. Values: $f_t$, $c_t$, $h_t$, $g_t$. A gate is a value. It is *made* by
# parameters and moves at every step.
#
# </details>
#
# A well-known tutorial explains the LSTM step by step, with $D = 2$ features and $H = 10$ units. It says: the
# shape of each of the four $W$ is "hidden × features", and the four biases are vectors of hidden size. It
# has no $U$.
#
# **Predict first.** By the tutorial's account, how many numbers does this LSTM learn? Then count the
# numbers in the drawing of “Side by side”, for the same $D$ and $H$. The two differ by more than a
# factor of four.
#
# ### Exercise 2: `lstm_parameter_count`


# %% exercise="lstm_parameter_count"
def lstm_parameter_count(D, H):
    """How many parameters an LSTM has.

    D: number of features of the input. H: number of hidden units.
    Returns a whole number.
    """
    ### BEGIN SOLUTION
    gates = 4
    return gates * (D * H + H * H + H)
    ### END SOLUTION


# %% check="lstm_parameter_count"
check("lstm_parameter_count", lstm_parameter_count)

# %% [markdown]
# ### Find the mistakes
#
# Three sentences of that tutorial, in our words:
#
# > 1. All four matrices have the shape hidden × features.
# > 2. The gates are *weights*, which are applied to the elements of $c$.
# > 3. $c$ is the hidden state.
#
# <details><summary>What is wrong with them</summary>
#
# 1. Each network listens to the hidden state too. The tutorial's own cell shows it: TensorFlow 1 keeps
#    one kernel that acts on $x_t$ and $h_{t-1}$ glued together. Its shape is (12, 40), that is
#    $(D + H, 4H)$, and there are 40 biases: 520 numbers, not 120.
# 2. A gate is a value, not a weight. It is computed from $x_t$ and $h_{t-1}$, and the next step has
#    another one. If it were a weight it would be nailed down, as in “Play with the gates”, and the cell
#    could not choose.
# 3. $c$ is the cell state. The hidden state is $h$, which the tutorial calls the activation $a$.
#
# </details>

# %% [markdown]
# ## From a step to a sequence
#
# Over a sequence, two things are handed from step to step, and one of them is collected as well:
#
# | step | takes | hands on | the world sees |
# |---|---|---|---|
# | 1 | $x_1$, $h_0$, $c_0$ | $h_1$, $c_1$ | $h_1$ |
# | 2 | $x_2$, $h_1$, $c_1$ | $h_2$, $c_2$ | $h_2$ |
# | ⋮ | | | |
# | $T$ | $x_T$, $h_{T-1}$, $c_{T-1}$ | $h_T$, $c_T$ | $h_T$ |
#
# The inputs are $(B, T, D)$: `x[:, t]` is all sequences at one time. The outputs have the shape
# $(B, T, H)$. The last $c_T$ is in none of them, which is why the state is returned too: who wants to go
# on where this sequence stopped needs both parts.
#
# **Predict first.** What would an LSTM still be able to do if someone set $c$ back to $c_0$ at each step,
# but handed $h$ on?
#
# <details><summary>Compare</summary>
#
# It would run without any error, and its outputs would look reasonable. It would be a basic cell with an
# odd activation: everything that it knows passes through $h$ and the matrix $U$ at every step. The belt
# would be cut.
#
# </details>
#
# ### Exercise 3: `lstm_sequence`
#
# Use your `lstm_step`.


# %% exercise="lstm_sequence"
def lstm_sequence(x, h0, c0, kernel, recurrent_kernel, bias):
    """An LSTM over a whole sequence.

    x: (B, T, D).
    h0: hidden state before the first step (B, H). c0: cell state before the first step (B, H).
    kernel, recurrent_kernel, bias: as in lstm_step.
    Returns (outputs, h, c): the outputs (B, T, H), and the state after the last step, (B, H) each.
    The arrays that come in stay as they are.
    """
    ### BEGIN SOLUTION
    h, c, outputs = h0, c0, []
    for t in range(x.shape[1]):
        h, c = lstm_step(x[:, t], h, c, kernel, recurrent_kernel, bias)
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c
    ### END SOLUTION


# %% check="lstm_sequence"
check("lstm_sequence", lstm_sequence)

# %% [markdown]
# ### A witness
#
# Your weights have Keras' layout, so Keras can be asked. The next cell makes a `keras.layers.LSTM`,
# takes its three arrays, and runs your function on them (the course's, if yours is not written yet).

# %% tags=["demo"]
layer = course_lib.tf.keras.layers.LSTM(5, return_sequences=True, return_state=True, seed=1)
rng = np.random.default_rng(0)
x = rng.normal(size=(3, 7, 2)).astype(np.float32)
h0, c0 = rng.normal(size=(2, 3, 5)).astype(np.float32)
theirs = [part.numpy() for part in layer(x, initial_state=[h0, c0])]
arrays = layer.get_weights()


def agreement(answer):
    ours = answer(x, h0, c0, *arrays)
    return [
        f"  {name:8} agree: {np.allclose(a, b, atol=1e-5)}"
        for name, a, b in zip(["outputs", "h", "c"], ours, theirs, strict=True)
    ]


try:
    lines = ["your lstm_sequence against Keras:", *agreement(lstm_sequence)]
except Exception:  # not written yet, or not running yet
    lines = ["the course's lstm_sequence against Keras:", *agreement(course_lib.lstm_sequence)]
print(*lines, sep="\n")
print("shapes of the three arrays:", [array.shape for array in arrays])

# %% [markdown]
# ## Watch the gates work
#
# Now build a memory by hand, without any training. It has one unit and reads three features: a *value*,
# and two switches, *write* and *read*.
#
# **Pen and paper.** Which gate should listen to which feature, and what should each bias be, so that
#
# - nothing is written, and nothing shown, unless a switch is on;
# - *write* clears the memory and takes in the value;
# - *read* shows the memory and leaves it as it is?
#
# Find it out before you read on. Weights of ±20 and biases of ±10 make a gate nearly shut or open.

# %%
#                        i    f   g    o
memory_kernel = np.array(
    [
        [0.0, 0.0, 1.0, 0.0],  # value
        [20.0, -20.0, 0.0, 0.0],  # write
        [0.0, 0.0, 0.0, 20.0],  # read
    ]
)
memory_recurrent_kernel = np.zeros((1, 4))
memory_bias = np.array([-10.0, 10.0, 0.0, -10.0])

signal = np.zeros((20, 3))  # one sequence of 20 steps
signal[:, 0] = [0.3, -0.7, 0.9, 0.5, -0.2, 0.8, -0.9, 0.1, 0.6, -0.4,
                0.7, -0.6, 0.2, 0.9, -0.1, 0.4, -0.8, 0.3, 0.5, -0.5]  # fmt: skip
signal[[2, 11], 1] = 1.0  # write
signal[[5, 8, 16], 2] = 1.0  # read

# %% [markdown]
# The values change all the time: they are there to distract. *Write* is on at the steps 2 and 11, *read*
# at 5, 8 and 16.
#
# **Predict first.** What will $c$ hold at step 10, and what at step 19? At which steps is $h$ not zero?

# %% tags=["demo"]
seen = plots.record_gates(signal, memory_kernel, memory_recurrent_kernel, memory_bias)
rows = dict(zip(["value", "write", "read"], signal.T, strict=True))
rows |= {name: part[:, 0] for name, part in seen.items()}
figure, axes = new_figure(width=8.6, height=3.7)
plots.draw_gates(axes, rows, title="A memory built by hand: inputs, gates, state")
show(
    figure,
    alt="A table over 20 time steps with the rows value, write, read, i, f, g, o, c and h. i is 1 only "
    "where write is on, and f is 0 only there. c is 0 at first, 0.7 from step 2 to 10 and -0.5 from "
    "step 11 to the end. o is 1 only where read is on, and h is zero everywhere else.",
)

# %% [markdown]
# Read it column by column. At step 2 the input gate opens and the forget gate shuts, for this one step:
# tanh 0.9 ≈ 0.7 goes in. For nine steps nothing moves $c$, whatever the values do. At step 11 it is
# replaced. Showing it, at 5, 8 and 16, does not wear it out. (What is shown is $\tanh c$, which is why
# 0.7 reads 0.6.)
#
# Nobody will set your gates by hand. But *could* a cell be set this way? That decides what training can
# find. The basic cell of the beginning cannot do this with any weights.

# %% [markdown]
# ## Find the bug: a cell that could not remember
#
# The LSTM of a set of lecture slides from 2017 runs, and it can even be trained on easy tasks. It has one
# serious bug, and some more. Here it is in NumPy. The slides have other letters:
#
# | slide | $F$ | $I$ | $O$ | $S$ | `output` | `state` | $A$ | $B$ | $b$ |
# |---|---|---|---|---|---|---|---|---|---|
# | here | $f$ | $i$ | $o$ | $g$ | $h$ | $c$ | $W$, $(D, H)$ | $U$, $(H, H)$ | $b$, $(H,)$ |
#
# Each gate has its own three arrays: `gates["F"]` is `(A, B, b)`, and so on.


# %%
def slide_gate(x, output, weights, activation):
    A, B, b = weights  # noqa: RUF059
    return activation(x @ A + output @ B)


def slide_lstm(x, output, state, gates):
    F = slide_gate(x, output, gates["F"], sigmoid)
    I = slide_gate(x, output, gates["I"], sigmoid)  # noqa: E741
    O = slide_gate(x, output, gates["O"], sigmoid)  # noqa: E741
    S = slide_gate(x, output, gates["S"], np.tanh)
    new_state = output * F + I * S
    output = O * np.tanh(new_state)
    return output, new_state


# %% [markdown]
# **Predict first.** Both parts of the state start at 0.3. The input is always 1, and the weights are
# such that the forget gate is open, the input gate shut and the output gate half open. What is the
# state after sixty steps?

# %%
one_unit = {
    "F": (np.array([[10.0]]), np.array([[0.5]]), np.array([0.0])),
    "I": (np.array([[-10.0]]), np.array([[0.5]]), np.array([0.0])),
    "O": (np.array([[0.0]]), np.array([[0.5]]), np.array([0.0])),
    "S": (np.array([[0.0]]), np.array([[0.5]]), np.array([0.0])),
}
output, state = np.array([[0.3]]), np.array([[0.3]])
for _ in range(60):
    output, state = slide_lstm(np.array([[1.0]]), output, state, one_unit)
print(f"the slide's cell after 60 steps: {state[0, 0]:.0e}")

# %% [markdown]
# Nothing is forgotten and nothing is written, and yet the number is gone: as it was with the basic cell
# of the beginning for $w = 0.5$.
#
# **Pen and paper.**
#
# 1. Which argument of `slide_lstm` has no influence on its results? Where should it have been used?
# 2. Which member of each gate has no influence? In the slides it is declared with the shape
#    $(H, H)$. Which shape must a bias have that is added to $(B, H)$, and what would happen with theirs?
# 3. In the slides, `slide_gate` makes its variables itself, anew at *each call*. What becomes of "one
#    set of weights, used at every time step"?
#
# <details><summary>About the third question</summary>
#
# Each time step gets weights of its own, drawn at random, and a second call of the cell on the same
# input gives another result. Here the weights are arguments, so that bug is already gone. The other two
# are yours.
#
# </details>
#
# ### Exercise 4: `repair_slide_lstm`
#
# Write the cell as it was meant. Copy what you need from above; keep the slide's order of arguments and
# results. The check runs single steps, and then sixty in a row.


# %% exercise="repair_slide_lstm"
def repair_slide_lstm(x, output, state, gates):
    """The slide's LSTM, repaired.

    x: (B, D).
    output: the output before the step (B, H). state: the state before the step (B, H).
    gates: {"F": (A, B, b), "I": (A, B, b), "O": (A, B, b), "S": (A, B, b)},
        with A (D, H), B (H, H) and b (H,).
    Returns (output, new_state) after the step, (B, H) each.
    """

    ### BEGIN SOLUTION
    def gate(name, activation):
        A, B, b = gates[name]
        return activation(x @ A + output @ B + b)

    new_state = state * gate("F", sigmoid) + gate("I", sigmoid) * gate("S", np.tanh)
    return gate("O", sigmoid) * np.tanh(new_state), new_state
    ### END SOLUTION


# %% check="repair_slide_lstm"
check("repair_slide_lstm", repair_slide_lstm)

# %% [markdown]
# Here are the three cells side by side, each with 0.3 to hold. (The repaired one is yours if it is
# written, and the course's if not.)


# %% tags=["demo"]
def hold(step):
    output, state = np.array([[0.3]]), np.array([[0.3]])
    kept = [0.3]
    for _ in range(60):
        output, state = step(np.array([[1.0]]), output, state, one_unit)
        kept.append(float(np.asarray(state)[0, 0]))
    return np.array(kept)


try:
    repaired = hold(repair_slide_lstm)
except Exception:  # not written yet, or not running yet
    repaired = hold(course_lib.repair_slide_lstm)
basic = [0.3]
for _ in range(60):
    basic.append(float(np.tanh(0.5 * basic[-1])))

curves = {
    "LSTM, repaired": repaired,
    "LSTM of the slide": hold(slide_lstm),
    "basic cell, w = 0.5": np.array(basic),
}
for name, kept in curves.items():
    print(f"{name:20} {kept[-1]:.2f}" if kept[-1] > 0.01 else f"{name:20} {kept[-1]:.0e}")
figure, axes = new_figure(height=3.2)
plots.draw_curves(axes, curves, ylabel="what is left of 0.3 (log scale)", title="Hold one number")
axes.set_yscale("log")
show(
    figure,
    alt="What is left of 0.3 over 60 steps, on a logarithmic scale. The repaired LSTM stays at 0.3. "
    "The slide's LSTM and the basic cell with w = 0.5 fall along nearly the same straight line to "
    "below 1e-18.",
)

# %% [markdown]
# With one wrong letter the LSTM is no LSTM. Its memory is $h$, which goes through the output gate and
# tanh at each step, so it decays like the basic cell's. No error, no warning, all shapes right.
#
# How would you have noticed? By a test that does not look at a loss: change `state` alone, and see whether
# anything comes out differently.

# %% [markdown]
# ## Two roads lead to c
#
# Now backwards. As in notebook 4, $dv$ is short for the gradient of the loss with respect to $v$. One
# step is given two gradients by whatever comes after it:
#
# - $dh_t$, with respect to the new hidden state, and
# - $dc_t$, with respect to the new cell state, from the *belt*: from later steps.
#
# But the belt is not the only way in which $c_t$ is felt. It also shows through $h_t = o_t \odot
# \tanh(c_t)$. When a value is used in two places, its gradients add up.
#
# **Pen and paper.** Write down the part of the gradient of $c_t$ that arrives on the road through $h_t$.
# You need the derivative of tanh: $\tanh'(z) = 1 - \tanh^2(z)$.
#
# <details><summary>A hint</summary>
#
# On the way forward, $c_t$ passes first the tanh and then the output gate. On the way back, $dh_t$ passes
# the same two in the other order. Passing a product means multiplying by the other factor; passing a
# function means multiplying by its derivative.
#
# </details>
#
# <details><summary>Compare</summary>
#
# $dc^{\text{all}}_t = dc_t + dh_t \odot o_t \odot (1 - \tanh^2(c_t))$. Everything on the belt's side of
# the cell goes on from $dc^{\text{all}}_t$. Only the output gate starts from $dh_t$.
#
# </details>
#
# ## The way back
#
# From there each of the four networks gets its share, through a product. Then through its activation,
# whose derivative is told by what came out: $\sigma' = \sigma (1 - \sigma)$, and $\tanh' = 1 - \tanh^2$.
#
# **Pen and paper.** Complete the table. One line is done.
#
# | | multiplied | so its gradient is | and that of its sum |
# |---|---|---|---|
# | $i$ | ? | ? | ? |
# | $f$ | the old $c_{t-1}$ | $dc^{\text{all}} \odot c_{t-1}$ | times $f (1 - f)$ |
# | $g$ | ? | ? | ? |
# | $o$ | ? | ? | ? |
# | the old $c_{t-1}$ | ? | ? | (no activation) |
#
# The rest is what you know from notebook 4. Glue the four gradients of the sums together, in the order
# of the blocks, to one $dz$ of shape $(B, 4H)$. From the sums to the weights: a matrix that was
# multiplied from the right by `kernel` gets its gradient by multiplying with the transpose, and `kernel`
# gets its own from the input that it met:
#
# $$dx = dz\, W^\top, \qquad dW = x^\top dz, \qquad db = \sum_{\text{batch}} dz$$
#
# and likewise for $h_{t-1}$ and $U$ (`recurrent_kernel`).
#
# ### The cache
#
# What the way back needs, the step keeps on the way forward, as a tuple of ten arrays:
#
# ```python
# cache = (x, h_prev, c_prev, i, f, g, o, c, kernel, recurrent_kernel)
# ```
#
# `h_prev` and `c_prev` are the state *before* the step, `c` is the cell state *after* it. The gates `i`,
# `f`, `g`, `o`, $(B, H)$ each, are kept after their activation, so no sigmoid has to be computed again.
#
# ### Exercise 5: `lstm_step_backward`
#
# The longest one: about a dozen lines. The card tells the gates apart, so you can write it piece by
# piece. (Until a gradient is there, return zeros of its shape for it.)
#
# <details><summary>The order of work</summary>
#
# Unpack the cache. First $dc^{\text{all}}$, in a new array (`dc += ...` would write into the caller's).
# `dc_prev` follows from it in one product: check that one. Then the four gradients of the sums, glued to
# $dz$. The other five results are one line each.
#
# </details>
#
# <details><summary>Which is transposed?</summary>
#
# Shapes tell. $dz$ is $(B, 4H)$, and `dx` must be $(B, D)$: which way round does `kernel`, $(D, 4H)$, fit?
# `dkernel` must be $(D, 4H)$: which way round does `x`, $(B, D)$, fit in front of $dz$?
#
# </details>


# %% exercise="lstm_step_backward"
def lstm_step_backward(dh, dc, cache):
    """Back through one step of an LSTM.

    dh: gradient with respect to the new hidden state (B, H).
    dc: gradient with respect to the new cell state that comes from later steps (B, H).
    cache: (x, h_prev, c_prev, i, f, g, o, c, kernel, recurrent_kernel) of the step.
    Returns (dx, dh_prev, dc_prev, dkernel, drecurrent_kernel, dbias), each of the shape of what it
    belongs to. The arrays that come in stay as they are.
    """
    ### BEGIN SOLUTION
    x, h_prev, c_prev, i, f, g, o, c, kernel, recurrent_kernel = cache
    shown = np.tanh(c)
    dc = dc + dh * o * (1 - shown**2)
    dz = np.concatenate(
        [
            dc * g * i * (1 - i),
            dc * c_prev * f * (1 - f),
            dc * i * (1 - g**2),
            dh * shown * o * (1 - o),
        ],
        axis=1,
    )
    dx, dh_prev = dz @ kernel.T, dz @ recurrent_kernel.T
    return dx, dh_prev, dc * f, x.T @ dz, h_prev.T @ dz, dz.sum(axis=0)
    ### END SOLUTION


# %% check="lstm_step_backward"
check("lstm_step_backward", lstm_step_backward)

# %% [markdown]
# As in notebook 4, numbers are the best witness. The next cell compares with central differences. An
# error below 1e-7 means that the formulas are right; a wrong formula gives 1e-2 or more.

# %% tags=["demo"]
rng = np.random.default_rng(5)
B, D, H = 3, 2, 4
arguments = [
    rng.normal(size=shape) for shape in [(B, D), (B, H), (B, H), (D, 4 * H), (H, 4 * H), (4 * H,)]
]
dh, dc = rng.normal(size=(2, B, H))
cache = course_lib.lstm_step_forward(*arguments)[2]


def errors(backward):
    gradients, found = backward(dh, dc, tuple(cache)), {}
    for place, name in enumerate(["x", "h", "c", "kernel", "recurrent_kernel", "bias"]):

        def loss(value, place=place):
            changed = [*arguments[:place], value, *arguments[place + 1 :]]
            h, c, _ = course_lib.lstm_step_forward(*changed)
            return np.sum(h * dh) + np.sum(c * dc)

        numerical = course_lib.numerical_gradient(loss, arguments[place])
        found[f"d{name}"] = course_lib.relative_error(gradients[place], numerical)
    return found


try:
    found, whose = errors(lstm_step_backward), "your"
except Exception:  # not written yet, or not running yet
    found, whose = errors(course_lib.lstm_step_backward), "the course's"
print(f"{whose} lstm_step_backward against central differences:")
for name, error in found.items():
    print(f"  {name:18} error below 1e-7: {error < 1e-7}")

# %% [markdown]
# ## A road without a matrix
#
# On its way back from step to step, a gradient on the belt is multiplied by $f$, number by number. In the
# basic cell it is multiplied by a matrix and by the derivative of tanh. Does that make a difference?
#
# Below, random inputs go through cells of 16 units with ordinary random first weights. A gradient of
# length 1 starts at the last state and goes back 60 steps.
#
# **Predict first.** The biases are zero at first, so the forget gates are about $\sigma(0) = 0.5$. What
# is $0.5^{60}$, roughly? And where would $\sigma(1) \approx 0.73$ or $\sigma(3) \approx 0.95$ take it?

# %% tags=["demo"]
curves = {
    f"LSTM, forget bias {forget_bias}": plots.gradient_norms_back(16, 60, forget_bias)
    for forget_bias in [0, 1, 3]
}
curves["basic cell"] = plots.rnn_gradient_norms_back(16, 60)
for name, norms in curves.items():
    print(f"{name:19} after 60 steps: 10 to the power of {np.log10(norms[-1]):.0f}")
figure, axes = new_figure(height=3.3)
plots.draw_curves(
    axes, curves, xlabel="steps back from the end", ylabel="length of the gradient (log scale)"
)
axes.set_yscale("log")
show(
    figure,
    alt="Length of the gradient against steps back, on a logarithmic scale. The basic cell and the LSTM "
    "with forget bias 0 fall to about 1e-9 or less after 60 steps. With forget bias 1 it falls to about "
    "0.004, with forget bias 3 it stays near 1.",
)

# %% [markdown]
# An LSTM does not keep gradients alive by itself. With its forget gates half shut it is hardly better than
# the basic cell (the measured value is above $0.5^{60} \approx 10^{-18}$, since a part comes back through
# $h$ and the gates). *Open* the gates, and the gradient arrives.
#
# So the first weights matter, and one bias above all others. To it we come now, by way of a very practical
# question.

# %% [markdown]
# ## Same boxes, another order
#
# You have weights from somewhere else, and want to use them here. The four boxes are the same everywhere.
# Their order is not:

# %% tags=["demo"]
figure, axes = new_figure(width=6.5, height=2.2)
plots.gate_orders(
    axes, {"Keras, PyTorch, this course": "ifgo", "TensorFlow 1": "ijfo", "ONNX": "iofc"}
)
show(
    figure,
    alt="The order of the gates: i f g o in Keras, PyTorch and this course, i j f o in TensorFlow 1, "
    "i o f c in ONNX. The candidate, called g, j and c, is hatched.",
)

# %% [markdown]
# One gate has three names: the candidate is `g` here, `j` in TensorFlow 1 and `c` in ONNX (where it is
# *not* the cell state). An order is written as a string, such as `"ijfo"`; `"ijfo".index("f")` is 2.
#
# **Pen and paper.** $H = 2$, and a bias from ONNX holds `10 11 20 21 30 31 40 41`. Where do these numbers
# stand in the order of this course? Then go from this course to ONNX. Is it the same shuffle?
#
# <details><summary>Compare</summary>
#
# `i o f c` to `i f g o`: `10 11 30 31 40 41 20 21`. Back again it is another one: `1 2 3 4` (blocks) from
# `i f g o` to `i o f c` gives `1 4 2 3`, while from ONNX to here it gave `1 3 4 2`. For TensorFlow 1 both
# ways are alike, because only two blocks change places. So a mistake in the direction does not show
# there.
#
# </details>
#
# ## The bias that is added twice
#
# There is one more difference, and it hides. TensorFlow 1's cell adds a constant, `forget_bias=1.0`, to
# the forget gate's sum *at run time*, in each step. The stored bias does not contain it. Keras has no
# such constant: it *starts* the stored bias of the forget gates from 1 (`unit_forget_bias=True`).
#
# So who moves weights from TensorFlow 1 to Keras has to add 1 to the forget block of the bias: once.
# Forgotten, it is missing; done in two places, it is there twice. Keep the two jobs apart: reordering moves
# numbers and adds nothing.
#
# **Predict first.** A cell whose forget gate rests at $\sigma(b)$ keeps $\sigma(b)^{20}$ of its memory
# over twenty steps. How much is that for $b = 0$, 1 and 2?

# %%
for b in [0.0, 1.0, 2.0]:
    print(
        f"forget bias {b:g}: gate at {sigmoid(b):.2f}, left after 20 steps: {sigmoid(b) ** 20:.1g}"
    )

# %% [markdown]
# Forget to add it, and two thousand times less is left; add it twice, and it is forty times more. All
# shapes are right in any case.
#
# ### Exercise 6: `reorder_gates`
#
# It should serve a kernel, a recurrent kernel and a bias alike: the gates are always on the *last* axis,
# `axis=-1`.


# %% exercise="reorder_gates"
def reorder_gates(w, order_from, order_to):
    """Put the gates' blocks of columns into another order.

    w: (rows, 4H), a kernel, or (4H,), a bias.
    order_from: the order in w, a string such as "ijfo". order_to: the order wanted.
        The letters g, j and c all mean the candidate.
    Returns a new array of the shape of w.
    """
    ### BEGIN SOLUTION
    order_from, order_to = (
        order.replace("j", "g").replace("c", "g") for order in (order_from, order_to)
    )
    blocks = np.split(w, 4, axis=-1)
    return np.concatenate([blocks[order_from.index(gate)] for gate in order_to], axis=-1)
    ### END SOLUTION


# %% check="reorder_gates"
check("reorder_gates", reorder_gates)

# %% [markdown]
# ## Does the forget bias matter?
#
# Time for training. The task, **recall**: a sequence of 20 random numbers between −1 and 1, the first of
# which is marked. After the last step, say the marked one. The other nineteen only distract.
#
# The dumb baseline is to say 0, always. Its mean squared error is the variance of such a number, $1/3$.
#
# Two LSTMs of 8 units learn it, each three times from other first weights. They differ in one thing: the
# bias of the forget gates *starts* from 0 or from 1. It is trained like every other weight, so nothing
# keeps the first one from finding 1, or 5, by itself.
#
# **Predict first.** After 200 updates, where will each of them be?

# %% tags=["demo"]
runs = {}
for forget_bias in [0.0, 1.0]:
    runs[forget_bias] = [train_recall(forget_bias, seed) for seed in range(3)]
    last = np.mean([run.losses[-20:] for run in runs[forget_bias]])
    print(f"forget bias {forget_bias:g}: mean squared error of the last 20 updates {last:.2f}")
print(f"always saying 0:                                              {1 / 3:.2f}")

# %% tags=["demo"]
figure, (left, right) = new_figure(columns=2, width=9, height=3.3)
plots.draw_curves(
    left,
    {f"forget bias {b}": (1 / (1 + np.exp(-b))) ** np.arange(21) for b in [0, 1, 2]},
    xlabel="steps",
    ylabel="share of c that is left",
    title="Before training",
)
plots.draw_training(
    right,
    {f"forget bias {b:g}": [run.losses for run in several] for b, several in runs.items()},
    baseline=1 / 3,
)
right.set_title("Learning to recall", loc="left")
left.set_xticks(range(0, 21, 5))
show(
    figure,
    alt="Left: the share of the cell state that is left over 20 steps, which falls at once for forget "
    "bias 0, more slowly for 1 and 2. Right: mean squared error over 200 updates. With forget bias 0 "
    "all three runs stay at the baseline of one third; with forget bias 1 all three fall to nearly zero.",
)

# %% [markdown]
# With 1 it learns the task. With 0 it does not get better than the dumb baseline in this time. It *could*:
# the same weights are within reach. But of what is written at step 1, a millionth is left at step 20, and
# as little of the gradient finds its way back. It cannot see that remembering would help.
#
# That is why Keras starts this bias from 1, and why TensorFlow 1 added it. The trick is from 2000, was
# forgotten (no pun intended), and was found again in 2015.
#
# What did the successful one learn? Ask it as you would ask any black box: change one thing. Below, one
# sequence is fed twice, with 0.8 and with −0.8 as the marked number and the same nineteen distractions.
# Wherever the two cell states differ, the cell remembers.
#
# **Predict first.** Will it look like the memory built by hand: written once, held still by a forget gate
# at 1, with the input gate shut?

# %% tags=["demo"]
learned = runs[1.0][0]
x, _ = recall_batch(1, 20, np.random.default_rng(99))
plus, minus = x[0].copy(), x[0].copy()
plus[0, 0], minus[0, 0] = 0.8, -0.8
seen, other = (plots.record_gates(sequence, *learned.weights) for sequence in (plus, minus))
print(f"forget gates, mean over steps and units: {seen['f'].mean():.1f}")
print(f"input gates, likewise:                   {seen['i'].mean():.1f}")
difference = seen["c"] - other["c"]
print(f"largest difference of c at the end:      {np.abs(difference[-1]).max():.1f}")
kernel, recurrent_kernel, bias = learned.weights
cut = [
    plots.record_gates(sequence, kernel, np.zeros_like(recurrent_kernel), bias)["c"][-1]
    for sequence in (plus, minus)
]
print(f"  if the recurrent weights are zeroed:   {np.abs(cut[0] - cut[1]).max():.1f}")
rows = {f"c, unit {k}": trace for k, trace in enumerate(difference.T)}
figure, axes = new_figure(width=8.6, height=3.4)
plots.draw_gates(axes, rows, title="What a trained cell remembers: difference of c", limit=2.4)
show(
    figure,
    alt="A table of eight units over 20 time steps with the difference between the two cell states. At "
    "step 0 all are small, at most 0.4 in size. Five units grow steadily to about 2 in size by step 19, "
    "two of them positive and three negative.",
)

# %% [markdown]
# Nothing like it. The gates stay about where they started, at 0.7 and 0.5. A cell that leaks a quarter
# per step should have lost the number; instead its trace *grows*. The units tell each other: what one
# forgets, the others write back through $h$ and the recurrent weights, a little louder at each step. The
# last line of the printout confirms it: without these weights nothing is left.
#
# It solves the task all the same. An open forget gate gave training a trace to work with, and training
# took the first way it found. That is worth remembering when you read what gates "mean": it is what they
# can do, not what they must do.

# %% [markdown]
# ## What you have learned
#
# - A basic cell computes its state anew at each step, so it cannot hold a number. An LSTM adds to a cell
#   state $c$, along a belt without matrix or tanh.
# - Gates are *values* between 0 and 1, made by small networks at each step: $i$ writes, $f$ keeps, $o$
#   shows. The candidate $g$ is what may be written.
# - $c$ stays inside; $h$ is the output. Both are handed on. Functions say `(h, c)`, the state tuple says
#   `(c, h)`.
# - Each of the four networks listens to $x$ *and* $h$. The tutorial's cell has 520 parameters.
# - Backwards, two roads lead to $c$, and on the belt the gradient is multiplied by $f$ alone.
# - A forget gate on the wrong letter turned an LSTM into a basic cell, without any error. Test memory
#   directly.
# - Libraries order the gates differently, and treat the forget bias differently. It decides whether there
#   is anything to learn from.
#
# ### Try more
#
# - Give the memory of “Watch the gates work” a second unit that *counts* how often *write* was on.
# - In `train_recall`, set `time=40, updates=300`. Which forget bias do you need now? (Try 1, 2 and 3,
#   with several seeds.)
# - Start all forget biases from values spread between 1 and 4, so that units remember for different
#   times.
#
# ### Sources
#
# - S. Hochreiter and J. Schmidhuber, *Long Short-Term Memory*, Neural Computation 9(8), 1997: the carousel,
#   input and output gates.
# - F. Gers, J. Schmidhuber and F. Cummins, *Learning to Forget: Continual Prediction with LSTM*, Neural
#   Computation 12(10), 2000: the forget gate, and a positive bias for it.
# - R. Jozefowicz, W. Zaremba and I. Sutskever, *An Empirical Exploration of Recurrent Network
#   Architectures*, ICML 2015: the forget bias of 1, found again.
# - K. Greff, R. Srivastava, J. Koutník, B. Steunebrink and J. Schmidhuber, *LSTM: A Search Space Odyssey*,
#   2015 ([arXiv:1503.04069](https://arxiv.org/abs/1503.04069)): which parts of the cell matter.
# - A. Graves, *Supervised Sequence Labelling with Recurrent Neural Networks*, 2012, section 4.6: the
#   backward pass.
# - C. Olah, [*Understanding LSTM Networks*](https://colah.github.io/posts/2015-08-Understanding-LSTMs/),
#   2015: the drawings that most people have in mind.
# - The layouts: [Keras](https://keras.io/api/layers/recurrent_layers/lstm/),
#   [PyTorch](https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html) and
#   [ONNX](https://onnx.ai/onnx/operators/onnx__LSTM.html).
#
# ### What comes next
#
# Are four networks and two states necessary?
# [Notebook 6](../06_gru_and_the_cell_zoo/06_gru_and_the_cell_zoo.ipynb) takes the cell apart: the GRU
# gets by with one state and three networks, and the same slides have a GRU with bugs of its own.
