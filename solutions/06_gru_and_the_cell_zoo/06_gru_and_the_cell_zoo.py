# %% [markdown]
# # 6 · The GRU and the cell zoo
#
# The LSTM of the last notebook remembers well, and has a lot of parts: four blocks of weights, two states,
# three gates. In 2014 people asked what could be left out. Their answer, the **gated recurrent unit** or
# GRU, has two gates and one state, and is about as good. Here you build it, take it apart down to a single
# unit, and meet some of its relatives.
#
# **What you will be able to do**
#
# - write a GRU in both of its forms, and say which one you have in front of you;
# - count its parameters, and explain why one library says 150 where another says 165;
# - read in a picture what a single unit can remember, and why a GRU cannot count where an LSTM can;
# - find three bugs in a published GRU by *testing* it, not by staring at it;
# - give an LSTM peepholes, and normalise a layer along the right axis.
#
# **Time** about 100 minutes, six exercises. **You need** [notebook
# 1](../01_unrolling_by_hand/01_unrolling_by_hand.ipynb) (the basic cell, shapes) and [notebook
# 5](../05_lstm_internals/05_lstm_internals.ipynb) (gates, the LSTM). Everything is NumPy by hand;
# TensorFlow appears once, as a witness.

# %%
from functools import partial

import numpy as np

import course_lib as library
from autograder import check
from course_lib.plots import new_figure, show
from course_lib.plots import cell_zoo as plots

np.set_printoptions(precision=3, suppress=True)


def sigmoid(a):
    """Any number to a share between 0 and 1, as in notebook 5."""
    return 0.5 * (1 + np.tanh(0.5 * a))


# %% [markdown]
# Figures and measurements use the course's own functions, so everything below runs before you have written
# a line.
#
# ## A memory that has to decide
#
# A small task first, which will stay with us to the end. Numbers stream by. Now and then one of them is
# **marked**. At every step, say the last marked number.
#
# | step | 0 | 1 | 2 | 3 | 4 | 5 |
# |---|---|---|---|---|---|---|
# | number | 0.7 | −0.2 | 0.1 | −0.9 | 0.4 | 0.3 |
# | marked | ● | | | ● | | |
# | answer | 0.7 | 0.7 | 0.7 | −0.9 | −0.9 | −0.9 |
#
# The simplest memory that there is has one knob, $k$, the share that it *keeps* at each step:
#
# $$h_t = k\, h_{t-1} + (1 - k)\, v_t$$
#
# with $v_t$ the number that arrives and $h_t$ what the memory holds after step $t$. It is an average that
# leaks. No weights, nothing to learn: a dumb baseline.
#
# **On paper.** It holds $h = 0.7$ and keeps the share $k = 0.9$. What is left of the 0.7 after ten steps?
# What does the memory hold of a new number right after it came in? Which $k$ is good at both?
#
# <details><summary>Compare</summary>
#
# $0.9^{10} = 0.35$ of it is left: 0.24. Of a new number it takes in $1 - k$, a tenth. To hold long you need
# $k$ near 1, to take in you need $k$ near 0. No single $k$ does both.
#
# </details>
#
# **Predict first.** The numbers lie evenly between −1 and 1, so always answering 0 has a mean squared error
# of 1/3. How much better is the best leaky memory? And one whose knob is turned at each step: $k = 0$ when
# the number is marked, $k = 1$ otherwise?

# %% tags=["demo"]
from course_lib.latch import leaky_memory, make_latch

x_test, y_test = make_latch(batch=500, time=20, rng=np.random.default_rng(99))


def error(answers):
    return ((answers - y_test) ** 2).mean()


knobs = np.linspace(0, 1, 101)
best = min(knobs, key=lambda k: error(leaky_memory(x_test, k)))
print(f"always 0:               {error(0 * y_test):.2f}")
print(f"leaky memory, k = {best:.2f}:  {error(leaky_memory(x_test, best)):.2f}")
print(f"a knob that is turned:  {error(leaky_memory(x_test, 1 - x_test[:, :, 1])):.2f}")

# %% tags=["demo"]
one = x_test[26:27]
figure, axes = new_figure(width=8.5, height=3.0)
plots.draw_stream(
    axes,
    one[0],
    {
        "k = 0.9, always": leaky_memory(one, 0.9)[0],
        "k = 0.5, always": leaky_memory(one, 0.5)[0],
        "k is turned": leaky_memory(one, 1 - one[:, :, 1])[0],
    },
    title="Three memories of one stream",
)
show(
    figure,
    alt="Numbers over 20 steps, a few of them marked by squares. The memory with k = 0.9 crawls near zero, "
    "the one with k = 0.5 follows every number; the one whose k is turned jumps onto each marked number and "
    "stays exactly there until the next.",
)

# %% [markdown]
# The best leaky memory is hardly better than always saying 0. A knob that is turned at the right moments is
# perfect. That is the whole idea of a **gate**: a share between 0 and 1 that the network computes anew, at
# each step, from what it sees.
#
# ## Four lines
#
# A GRU is the leaky memory above, made of $H$ units, with the knob turned by the network itself and with
# something better to take in than the raw number. It has two gates, a candidate and a mixture:
#
# $$\begin{aligned}
# z_t &= \sigma\!\left(x_t K_z + h_{t-1} R_z + b_z\right) \\
# r_t &= \sigma\!\left(x_t K_r + h_{t-1} R_r + b_r\right) \\
# g_t &= \tanh\!\left(x_t K_h + (r_t \odot h_{t-1})\, R_h + b_h\right) \\
# h_t &= z_t \odot h_{t-1} + (1 - z_t) \odot g_t
# \end{aligned}$$
#
# - $x_t$ is the input, $(B, D)$, and $h_t$ the state, $(B, H)$: it is the output too;
# - $z_t$ is the **update gate**: how much of the old state *stays*;
# - $r_t$ is the **reset gate**: how much of the old state the candidate gets to see;
# - $g_t$ is the **candidate**: what could come in;
# - each $K$, $(D, H)$, weighs the input, each $R$, $(H, H)$, the old state, each $b$ is a bias;
# - $\sigma$ is the sigmoid, which gives shares from 0 to 1, and $\odot$ multiplies entry by entry.
#
# Compare with the LSTM: there, one gate forgets and another lets in, each as it likes. Here *one* gate does
# both: what stays and what comes in always add up to one. And there is no second state: everybody sees all
# of $h$.
#
# **On paper.** Put the gates into their corners. What kind of unit is left?
#
# | $z$ | $r$ | the unit … |
# |---|---|---|
# | 1 | anything | ? |
# | 0 | 1 | ? |
# | 0 | 0 | ? |
#
# <details><summary>Compare</summary>
#
# - $z = 1$: $h_t = h_{t-1}$. It holds, whatever comes.
# - $z = 0$, $r = 1$: $h_t = \tanh(x_t K_h + h_{t-1} R_h + b_h)$: the basic cell of notebook 1.
# - $z = 0$, $r = 0$: $h_t = \tanh(x_t K_h + b_h)$: a dense layer. It starts afresh, as if $x_t$ were the
#   first input of all.
#
# A GRU moves between these three, unit by unit and step by step.
#
# </details>

# %% [markdown]
# ## Two places for the reset
#
# Look at the third line again: the gate scales the state *before* the product with $R_h$. There is another
# form, with the gate *after* the product:
#
# $$g_t = \tanh\!\left(x_t K_h + b_h + r_t \odot \left(h_{t-1} R_h + b'_h\right)\right)$$
#
# Both are called GRU, and both are in the literature of 2014: Keras' documentation traces them to two
# versions of one and the same paper. `keras.layers.GRU` has an argument for it: `reset_after`.

# %% tags=["demo"]
figure, axes = new_figure(rows=2, width=8, height=3.4)
plots.two_resets(axes)
show(
    figure,
    alt="Two chains of boxes from the old state to the candidate g. Upper chain: times r, times the matrix "
    "R_h, plus, tanh. Lower chain: times the matrix R_h plus a bias b'_h, times r, plus, tanh. In both the "
    "input's term x K_h + b_h comes in at the plus.",
)

# %% [markdown]
# **On paper.** Two units, $h = (1, 1)$ and $r = (0, 1)$: unit 0 is reset, unit 1 is not. Unit 1 listens to
# unit 0, and nobody else listens to anyone:
#
# $$R_h = \begin{pmatrix} 0 & 1 \\ 0 & 0 \end{pmatrix}$$
#
# What reaches the two candidates from the old state, with the reset before, and with the reset after the
# product (and $b'_h = 0$)? Whose gate decides whether unit 1 hears unit 0?
#
# Second question: can the two forms differ in a GRU with a *single* unit?
#
# <details><summary>Compare</summary>
#
# Before: $(r \odot h) R_h = (0, 1) R_h = (0, 0)$. After: $r \odot (h R_h) = (0, 1) \odot (0, 1) = (0, 1)$.
#
# Before the product, a gate silences the unit that *speaks*. After it, a gate silences the unit that
# *listens*. Same weights, another network: weights trained in one form are of no use in the other.
#
# With one unit, $(r h) R = r (h R)$: the order makes no difference, unless there is a bias $b'_h$.
#
# </details>
#
# Why would anyone move it? For speed. After the product, $h_{t-1}$ meets all three matrices as it is, so
# they can stand side by side and be *one* product. Before it, $R_h$ has to wait until $r_t$ is known: two
# products, one after the other. The libraries for graphics cards chose the single product, and Keras and
# PyTorch followed.

# %% [markdown]
# ## Two rows of biases
#
# The form with the reset *after* has a bias $b'_h$ inside the gate's bracket. It cannot be merged with
# $b_h$: the gate scales one of them and not the other. So the layout keeps **two rows** of biases, for all
# three blocks alike: one goes with the input, one with the state,
#
# $$z_t = \sigma\!\left(x_t K_z + b_z + h_{t-1} R_z + b'_z\right) \quad\text{and likewise } r_t.$$
#
# In the gates the two are simply added, so there the second row is of no use. It is stored all the same.
#
# ## What the layout is
#
# As in notebook 5, the blocks stand side by side in one array, in the order **z, r, h** (the third block,
# which makes the candidate, is called *h* by Keras, so we do, too):
#
# | array | shape | holds |
# |---|---|---|
# | `kernel` | $(D, 3H)$ | $K_z$, $K_r$, $K_h$ side by side |
# | `recurrent_kernel` | $(H, 3H)$ | $R_z$, $R_r$, $R_h$ side by side |
# | `bias`, reset before | $(3H,)$ | $b_z$, $b_r$, $b_h$ |
# | `bias`, reset after | $(2, 3H)$ | first row $b$, second row $b'$ |
#
# `np.split(kernel, 3, axis=1)` takes such an array apart.
#
# **On paper**, to have something to test with: one instance, one feature, one unit, $x = 1$, $h = 0.5$. All
# weights of the two gates are 0, so both gates are 0.5. The candidate's are $K_h = 1$, $R_h = 2$, $b_h =
# 0$. What is $h_t$ with the reset before? And with the reset after, if $b'_h = 1$?
#
# <details><summary>Compare</summary>
#
# Before: $g = \tanh(1 + 0.25 \cdot 2) = \tanh(1.5) = 0.905$ and $h_t = 0.25 + 0.453 = 0.703$.
#
# After: $g = \tanh(1 + 0.5 \cdot (0.5 \cdot 2 + 1)) = \tanh(2) = 0.964$ and $h_t = 0.25 + 0.482 = 0.732$.
#
# </details>
#
# ### Exercise 1: `gru_step`
#
# Both forms, in one function. `sigmoid` is defined at the top of the notebook.
#
# <details><summary>Stuck? In which order to work</summary>
#
# First the form with the reset before: split the three arrays, then write the four lines as they stand.
# Check it: the card tells you which form is right. Then the other one: two rows of biases, and one line
# that differs.
#
# </details>


# %% exercise="gru_step"
def gru_step(x, h, kernel, recurrent_kernel, bias, reset_after):
    """One step of a GRU.

    x: inputs (B, D). h: state before the step (B, H).
    kernel: (D, 3H) and recurrent_kernel: (H, 3H), blocks in the order z, r, h.
    bias: (3H,), or (2, 3H) with reset_after: a row for the input, a row for the state.
    reset_after: whether the reset gate acts after the product with the recurrent kernel.
    Returns: the state after the step (B, H). The arrays that you are given stay as they are.
    """
    ### BEGIN SOLUTION
    K_z, K_r, K_h = np.split(kernel, 3, axis=1)
    R_z, R_r, R_h = np.split(recurrent_kernel, 3, axis=1)
    first, second = bias if reset_after else (bias, np.zeros_like(bias))
    b_z, b_r, b_h = np.split(first, 3)
    c_z, c_r, c_h = np.split(second, 3)

    z = sigmoid(x @ K_z + b_z + h @ R_z + c_z)
    r = sigmoid(x @ K_r + b_r + h @ R_r + c_r)
    from_state = r * (h @ R_h + c_h) if reset_after else (r * h) @ R_h
    g = np.tanh(x @ K_h + b_h + from_state)
    return z * h + (1 - z) * g
    ### END SOLUTION


# %% check="gru_step"
check("gru_step", gru_step)

# %% [markdown]
# The check compares you with the course. Who checks the course? Keras: the next cell hands the same random
# weights to `keras.layers.GRU`, in both forms. (It uses your function if you have written it, and the
# course's if not.)

# %% tags=["demo"]
from course_lib import tf

rng = np.random.default_rng(6)
x, h = rng.normal(size=(2, 4)), rng.uniform(-0.9, 0.9, (2, 5))
for reset_after in (False, True):
    layer = tf.keras.layers.GRU(5, reset_after=reset_after)
    layer.build((None, None, 4))
    weights = [rng.normal(0, 0.7, w.shape) for w in layer.get_weights()]
    layer.set_weights(weights)
    try:
        whose, state = "yours", gru_step(x, h, *weights, reset_after)
    except Exception:
        whose, state = "the course's", library.gru_step(x, h, *weights, reset_after)
    keras_state = layer(x[:, np.newaxis], initial_state=h.astype(np.float32))
    same = np.allclose(state, keras_state, atol=1e-5)
    print(f"reset_after={reset_after!s:5}  {whose} equals Keras: {same}")

# %% [markdown]
# ### Who writes what
#
# Before you compare weights or equations with somebody else's, find out which of these they mean:
#
# | | $z = 1$ means | order of blocks | reset |
# |---|---|---|---|
# | Cho et al. 2014; Keras; this course | keep the old | z, r, h | both (Keras: after, unless told) |
# | Chung et al. 2014, many textbooks | take the new | | before |
# | TensorFlow 1 (`GRUCell`, $z$ is called u) | keep the old | r, u, and the candidate apart | before |
# | PyTorch (the candidate is called n) | keep the old | r, z, n | after |
#
# None of them is wrong. Mixing two of them is, and no shape will tell you.

# %% [markdown]
# ## 150 or 165?
#
# Two colleagues build "a GRU with 4 features and 5 units" and compare. One says that it has 150 parameters,
# the other says 165. Both are right.
#
# **On paper.** Where do the two counts come from? And how many of the 15 extra numbers can make the network
# do something that it could not do without them?
#
# <details><summary>A hint for the second question</summary>
#
# “Two rows of biases” says what becomes of the second row in a gate, and what in the candidate.
#
# </details>
#
# ### Exercise 2: `gru_parameter_count`
#
# For any $D$ and $H$. Count what the layout stores, useful or not.


# %% exercise="gru_parameter_count"
def gru_parameter_count(D, H, reset_after):
    """How many numbers the three arrays of a GRU hold.

    D: features. H: hidden units.
    reset_after: which of the two forms.
    Returns: a whole number.
    """
    ### BEGIN SOLUTION
    rows = 2 if reset_after else 1
    return D * 3 * H + H * 3 * H + rows * 3 * H
    ### END SOLUTION


# %% check="gru_parameter_count"
check("gru_parameter_count", gru_parameter_count)

# %% [markdown]
# Only 5 of the 15 do anything new: $b'_h$, one for each unit. The other 10 are added to a bias that is
# there already.
#
# Here are the cells of this course side by side, with 4 features and 5 units each. The two at the bottom
# come at the end of this notebook.
#
# **Predict first.** How much of each bar is biases? Which part grows fastest if you double $H$?

# %% tags=["demo"]
figure, axes = new_figure(width=8.5, height=3.2)
plots.parameter_bars(axes, plots.parameter_parts(4, 5), title="4 features, 5 units")
show(
    figure,
    alt="Horizontal bars of parameter counts, cut into kernel, recurrent kernel, biases and extras. Basic 50, "
    "GRU with reset before 150, GRU with reset after 165, LSTM 200, peephole LSTM 215, layer-normalised LSTM "
    "250.",
)

# %% [markdown]
# Three blocks against four: a GRU costs three quarters of an LSTM with as many units. Of a doubled $H$ the
# recurrent kernel feels most: it grows fourfold. With 512 units it is nearly everything, and the famous 150
# against 165 has become a difference of a fraction of one per cent.

# %% [markdown]
# ## One unit, drawn
#
# What can a single unit remember? With one unit, the state is one number, and a step turns one number into
# one number. That fits into a picture: the state *before* the step across, the state *after* it up.
#
# How to read it: start at a diamond on the dashed diagonal. Go up (or down) to the curve: that is the next
# state. Go across to the diagonal, where "after" becomes the next "before". Repeat. Where the curve crosses
# the diagonal the state **rests**: nothing changes any more. A filled circle attracts, an open one repels.
#
# **Predict first.** Four units, with the input held still:
#
# 1. a basic unit with a small recurrent weight, $\tanh(0.5\, h)$;
# 2. one with a large weight, $\tanh(2.5\, h)$;
# 3. a GRU unit with its update gate nearly at 1;
# 4. a GRU unit with both gates at 0, and an input.
#
# Where does each curve cross the diagonal? Which unit can remember a *yes or no*, which one a *number*,
# which one nothing?

# %% tags=["demo"]
units = {
    "1  basic, w = 0.5:\n    forgets": {"z": 0.0, "r": 1.0, "w": 0.5, "x": 0.0},
    "2  basic, w = 2.5:\n    keeps yes or no": {"z": 0.0, "r": 1.0, "w": 2.5, "x": 0.0},
    "3  GRU, z = 0.98:\n    keeps a number": {"z": 0.98, "r": 1.0, "w": 1.0, "x": 0.5},
    "4  GRU, z = 0, r = 0:\n    overwrites": {"z": 0.0, "r": 0.0, "w": 1.0, "x": 0.5},
}
figure, axes = new_figure(columns=4, width=10, height=3.5, sharey=True)
for axis, (title, values) in zip(axes, units.items(), strict=True):
    plots.one_unit_map(axis, partial(plots.one_unit, **values), title=title)
for axis in axes[1:]:
    axis.set_ylabel("")
show(
    figure,
    alt="State after a step against state before it, four times, with the diagonal. 1: a flat S crosses the "
    "diagonal once, at zero, which attracts. 2: a steep S crosses three times: zero repels, two points near "
    "plus and minus one attract. 3: a line almost on the diagonal; paths hardly move. 4: a horizontal line; "
    "every path is at the same point after one step.",
)

# %% [markdown]
# - **1** has one resting point. Wherever it starts, a few steps later it is at 0, and nothing of the start
#   is left.
# - **2** has two that attract. It falls into one or the other and stays: one *bit*, yes or no. But only the
#   bit: from 0.3 and from 0.8 it ends in the same place.
# - **3** lies almost *on* the diagonal. There, every point rests, or very nearly. The unit holds any
#   number, for as long as $z$ stays near 1. No basic unit can do this with its bent curve.
# - **4** is flat: whatever was there is gone after one step, and the input stands in its place. Note that
#   this can be the very same unit as 3, one step later, with other gates.
#
# The basic unit has to choose its curve once and for all. A GRU chooses it anew at each step: on the
# diagonal to hold, flat to overwrite. That is what the marked numbers need.
#
# There is more in the picture. The **slope** of the curve is $\partial h_t / \partial h_{t-1}$: the factor
# by which a gradient is multiplied on its way back through this step (notebook 4). Below 1 in size it
# shrinks, above 1 it grows. On the diagonal the slope is 1: what is remembered for long can also be
# *learned* over long times. It is the same fact, seen from both sides.
#
# If you run this notebook yourself, move the sliders. Try to find a unit that (a) swings to and fro without
# end, (b) keeps a bit in spite of an input, (c) keeps a bit with $z = 0.8$.

# %% tags=["demo", "nbval-ignore-output"]
plots.one_unit_explorer()

# %% [markdown]
# <details><summary>Where to look</summary>
#
# (a) $w$ below −1 and $z = 0$: the curve falls through the diagonal steeper than −1, and the path goes
# round in a square. (b) $w = 3$ with $x = 0.3$: the three crossings are still there. At $x = 1.6$ two of
# them are gone, and the input decides. (c) Any $z$: it pulls the curve towards the diagonal, but moves no
# crossing (where $g = h$, the mixture is $h$ for every $z$). So $w$ above 1 is all you need.
#
# </details>
#
# ### What a GRU cannot do
#
# The state of a GRU is a mixture of its old state and a tanh. A mixture never leaves the range of what is
# mixed: starting within ±1, it stays within ±1 for ever. The cell state of an LSTM may *add*: forget gate
# at 1, input gate at 1.
#
# **Predict first.** Both get the same signal thirty times. What will each hold? Could you tell from the
# state whether there were 20 signals or 25?

# %% tags=["demo"]
no_input, zero = np.zeros((1, 1)), np.zeros((1, 1))
c, hidden, state, cells, states = zero, zero, zero, [], []
for _ in range(30):
    hidden, c = library.lstm_step(
        no_input, hidden, c, np.zeros((1, 4)), np.zeros((1, 4)), np.array([20.0, 20, 20, 20])
    )
    state = library.gru_step(
        no_input, state, np.zeros((1, 3)), np.zeros((1, 3)), np.array([1.0, 0, 20]), False
    )
    cells.append(c.item())
    states.append(state.item())

figure, (left, right) = new_figure(columns=2, width=8.5, height=2.8)
steps = np.arange(1, 31)
plots.draw_curves(left, steps, {"LSTM, cell state c": cells}, xlabel="signals so far", ylabel="c")
plots.draw_curves(right, steps, {"GRU, state h": states}, xlabel="signals so far", ylabel="h")
right.set_ylim(0, 1.1)
show(
    figure,
    alt="Left: the cell state of an LSTM against the number of signals, a straight line up to 30. Right: the "
    "state of a GRU, which rises quickly and flattens just under 1.",
)
print(f"LSTM: c after 20 signals {cells[19]:.2f}, after 25 signals {cells[24]:.2f}")
print(f"GRU:  h after 20 signals {states[19]:.2f}, after 25 signals {states[24]:.2f}")

# %% [markdown]
# The LSTM counts. The GRU saturates: 20 and 25 look the same. This difference is real, and it is not about
# training: Weiss, Goldberg and Yahav showed in 2018 that on counting tasks LSTMs do what GRUs cannot. For
# most other tasks it matters little.

# %% [markdown]
# ## A race, with a baseline
#
# Back to the marked numbers. Three networks learn the task: a basic cell, a GRU (reset before) and an LSTM,
# each with one linear output. To be fair they get not as many units, but about as many *parameters*: 15, 8
# and 7 units make 286, 273 and 288. Training is NumPy with the backward passes of notebooks 4 and 5, 300
# updates on fresh sequences.
#
# **Predict first.** The baseline stands at 0.30. Who ends where? Will the extra state of the LSTM help
# here?

# %% tags=["demo", "nbval-ignore-output"]
from course_lib.latch import count_parameters, predict, training

sizes = {"basic": 15, "GRU": 8, "LSTM": 7}
trainers = {kind: training(kind, units, seed=0) for kind, units in sizes.items()}
losses, trained = {kind: [] for kind in sizes}, {}
live = plots.LiveFigure(
    alt="Mean squared error over 300 updates, logarithmic. All three networks fall below the baseline of "
    "0.30 within a few dozen updates. GRU and LSTM fall together to a few thousandths; the basic network is "
    "several times worse."
)
for update in range(300):
    for kind, trainer in trainers.items():
        loss, trained[kind] = next(trainer)
        losses[kind].append(loss)
    if (update + 1) % 50 == 0:
        smooth = {k: np.convolve(v, np.ones(10) / 10, "valid") for k, v in losses.items()}
        figure, axes = new_figure(width=7.5, height=3.0)
        plots.draw_curves(
            axes, np.arange(10, 301), smooth, xlabel="updates", ylabel="mean squared error",
            levels={"best leaky memory": 0.30},
        )  # fmt: skip
        axes.set(yscale="log", xlim=(0, 300))
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9)
        live.update(figure)

# %% [markdown]
# Now the test: the 500 sequences from the beginning, which none of them has seen, and 500 sequences that
# are five times as long as anything in training.

# %% tags=["demo"]
x_long, y_long = make_latch(batch=500, time=100, rng=np.random.default_rng(100))
print("mean squared error          parameters   20 steps   100 steps")
for kind, weights in trained.items():
    short = error(predict(kind, weights, x_test))
    long = ((predict(kind, weights, x_long) - y_long) ** 2).mean()
    print(f"{kind:27s} {count_parameters(weights):10d} {short:10.3f} {long:11.3f}")

# %% [markdown]
# All of them beat the baseline. The two gated cells are far ahead, and close together. That is the usual
# picture, and more than a toy's: large comparisons (Chung et al. 2014, Jozefowicz et al. 2015, Greff et al.
# 2017) find gates worth a lot, and GRU and LSTM ahead of each other in turns. Do not read a ranking into
# one run with one seed, ours included.
#
# ### Gates over a sequence
#
# What did the GRU learn? In a network of 8 units the work is spread over all of them, and hard to read. So
# let us look at the smallest GRU that there is: **one unit**, 14 parameters with its output. Nobody tells
# it what its gates are for.
#
# **Predict first.** What should $z$ do at a marked number, and what between two of them? What would $r$
# have to do?

# %% tags=["demo"]
from itertools import islice

from course_lib.backprop import gru_forward

*_, (_, w) = islice(training("GRU", 1, seed=1, rate=0.05), 300)


def gates_of(x):
    """z, r and the answer at every step, (B, T) each."""
    start = np.zeros((len(x), 1))
    _, caches = gru_forward(x, start, w["kernel"], w["recurrent_kernel"], w["bias"], False)
    z, r = (np.stack([getattr(c, name)[:, 0] for c in caches], axis=1) for name in "zr")
    return z, r, predict("GRU", w, x)


z, r, answers = gates_of(one)
figure, axes = new_figure(rows=2, width=8.5, height=4.4, sharex=True)
plots.draw_stream(axes[0], one[0], {"answer of one unit": answers[0]})
axes[0].set_xlabel("")
plots.draw_gates(axes[1], one[0], {"z (1: keep)": z[0], "r (1: see the old state)": r[0]})
show(
    figure,
    alt="Above: a stream of 20 numbers, four of them marked, and the answer of a GRU with one unit, which "
    "jumps to each marked number and stays there. Below: its gates. z is near 1 between the marks and drops "
    "to near 0 at each mark; r is near 0 at each mark.",
)
z, r, answers = gates_of(x_test)
marked = x_test[:, :, 1] > 0
print(f"mean squared error on the test: {error(answers):.3f} (baseline 0.30)")
print(f"mean of z at marked numbers {z[marked].mean():.1f}, elsewhere {z[~marked].mean():.1f}")
print(f"mean of r at marked numbers {r[marked].mean():.1f}")

# %% [markdown]
# It has found, by itself, the knob of the first figure: $z$ near 0 at a mark, near 1 in between. And at a
# mark $r$ closes too, so that the new number is not coloured by the old one: "start afresh".
#
# Now draw the trained unit as you drew units above: once while an unmarked 0.5 arrives, and once while a
# *marked* 0.5 arrives.
#
# **Predict first.** Which two of the four pictures will you see?

# %% tags=["demo"]
figure, axes = new_figure(columns=2, width=6.4, height=3.3, sharey=True)
before = np.linspace(-1, 1, 801)


def trained_step(h, mark):
    x = np.tile([0.5, mark], (len(h), 1))
    weights = w["kernel"], w["recurrent_kernel"], w["bias"]
    return library.gru_step(x, np.reshape(h, (-1, 1)), *weights, False)[:, 0]


for axis, mark, title in zip(
    axes, (0, 1), ("unmarked 0.5 arrives", "marked 0.5 arrives"), strict=True
):
    plots.one_unit_map(axis, partial(trained_step, mark=mark), steps=3, title=title)
axes[1].set_ylabel("")
show(
    figure,
    alt="State after against state before for the trained unit. Left, unmarked input: the curve runs close to "
    "the diagonal. Right, marked input: the curve is almost flat, whatever the state before.",
)

# %% [markdown]
# Pictures 3 and 4: the same unit, with other gates. The state is not 0.5 but a multiple of it; the output's
# weight turns it back.
#
# To be honest about it: this was the second seed that we tried. From other starts the single unit gets
# stuck at an error of 0.20, with gates that hardly move. A network with more units has more tries at once,
# which is one reason why we train eight where one would do.
#
# ## A cell whose output is not its state
#
# Now into the zoo. The first animal comes from a set of slides of 2017. Its basic cell is not the one of
# notebook 1. It keeps apart what it *says* and what it *remembers*:
#
# $$\begin{aligned}
# u_t &= \mathrm{relu}\left(x_t A_u + s_{t-1} B_u\right) \\
# s_t &= \tanh\left(x_t A_v + s_{t-1} B_v\right)
# \end{aligned}$$
#
# - $u_t$ is the output, $(B, O)$, with $O$ as large as you like; $s_t$ is the state, $(B, H)$;
# - $A_u$ $(D, O)$ and $B_u$ $(H, O)$ make the output, $A_v$ $(D, H)$ and $B_v$ $(H, H)$ the state;
# - $\mathrm{relu}(a)$ is $a$ where $a$ is positive and 0 elsewhere (`np.maximum` compares a whole array
#   entry by entry; Python's own `max` cannot).
#
# Both lines look at the **old** state $s_{t-1}$. As ever, the batch is the rows, so weights stand on the
# right, and a step is `step(x, state) -> (output, state)`, in this order. The slides go without biases.
#
# **On paper.** A sequence of one step, starting from $s_0 = 0$: how much of the output comes from memory?
# And $x_1$: at which step can it first reach an output by way of the *state*?
#
# <details><summary>Compare</summary>
#
# None of it: $u_1 = \mathrm{relu}(x_1 A_u)$. The first input goes into $s_1$, which the output sees at step
# 2. With an output that looks at the *new* state it would be a step earlier. So here the direct way through
# $A_u$ is the only way in which an input reaches its own output.
#
# </details>
#
# *A story from the slides.* There, the function makes its four variables **inside**. Each call makes new
# ones, with new random values. Unroll it over 256 steps and you have 256 cells that know nothing of each
# other: the "factory" that you met in notebook 2, this time built in earnest. Below, the weights are
# arguments: made once, used at every step. (The slides also draw each weight evenly from −1 to 1. With
# their 512 units that is the explosion of notebook 4.)
#
# ### Exercise 3: `slide_rnn_cell`


# %% exercise="slide_rnn_cell"
def slide_rnn_cell(x, state, Au, Bu, Av, Bv):
    """One step of the slides' basic cell.

    x: inputs (B, D). state: the state before the step (B, H).
    Au: (D, O), Bu: (H, O), weights of the output. Av: (D, H), Bv: (H, H), weights of the state.
    Returns: (output, new_state), (B, O) and (B, H).
    """
    ### BEGIN SOLUTION
    output = np.maximum(x @ Au + state @ Bu, 0)
    new_state = np.tanh(x @ Av + state @ Bv)
    return output, new_state
    ### END SOLUTION


# %% check="slide_rnn_cell"
check("slide_rnn_cell", slide_rnn_cell)

# %% [markdown]
# ## Find the bugs: a GRU from slides
#
# The same slides also have a GRU. Here it is in NumPy, line by line as it was printed, with two changes so
# that it runs at all: the weights are arguments, and `squash` has a default (the slides call `gate` for `O`
# without the argument that it demands). Their names: U updates, R resets, O is the candidate. `port`
# collects the three, and `output` is the state, and each gate has its own `A` $(D, H)$, `B` $(H, H)$ and
# `b` $(H,)$.


# %%
def gate(x, output, weights, squash=lambda a: a):
    w = dict(zip("ABb", weights, strict=True))
    return squash(x @ w["A"] + output @ w["B"])


def slide_gru(x, output, gates):
    port = {}
    port["U"] = gate(x, output, gates["U"], sigmoid)
    port["R"] = gate(x, output, gates["R"], sigmoid)
    port["O"] = gate(x, port["R"] * output, gates["O"])
    return port["R"] * output + (1 - port["R"]) * port["O"]


# %% [markdown]
# Do not read it too closely yet. Published code deserves a *test*, and there are tests that need no right
# answer to compare with. One is a law that every GRU obeys, and you know it already: a state that starts
# within ±1 stays within ±1.

# %% tags=["demo"]
rng = np.random.default_rng(0)
D, H, T = 3, 32, 60


def random_gate():
    return rng.uniform(-1, 1, (D, H)), rng.uniform(-1, 1, (H, H)), rng.normal(size=H)


gates = {name: random_gate() for name in "URO"}
stream = rng.normal(size=(T, 1, D))
state, printed = np.zeros((1, H)), []
for x in stream:
    state = slide_gru(x, state, gates)
    printed.append(np.abs(state).max())

figure, axes = new_figure(width=7.5, height=2.8)
plots.draw_curves(
    axes,
    np.arange(1, T + 1),
    {"the slides' GRU": printed},
    ylabel="largest |output|",
    levels={"no GRU goes above 1": 1.0},
)
axes.set_yscale("log")
show(
    figure,
    alt="The largest absolute output of the slides' GRU over 60 steps, logarithmic. It is above the line at 1 "
    "from the first steps on and stays far above it.",
)

# %% [markdown]
# Far outside. So at least one thing is wrong. A second kind of test: **shake every input, and see whether
# anything happens**. What a function is given and does not use is suspicious.

# %%
some_x, some_output = np.array([[0.3, -0.4, 0.5]]), np.array([[0.2, -0.6]])
some_rng = np.random.default_rng(1)
some_gates = {
    name: (some_rng.normal(size=(3, 2)), some_rng.normal(size=(2, 2)), some_rng.normal(size=2))
    for name in "URO"
}
before = slide_gru(some_x, some_output, some_gates)
for name in "URO":
    for place, letter in enumerate("ABb"):
        shaken = {key: list(arrays) for key, arrays in some_gates.items()}
        shaken[name][place] = shaken[name][place] + 1.0
        moved = not np.allclose(slide_gru(some_x, some_output, shaken), before)
        print(f"{letter} of {name}: {'matters' if moved else 'does not matter'}", end="   ")
    print()

# %% [markdown]
# Three questions, then, one for each bug:
#
# 1. What bounds the candidate, in a GRU? And here?
# 2. Why does nothing that belongs to U matter?
# 3. Why does no `b` matter?
#
# (What the code gets *right*: R scales the old output before the product. That is one of the two forms, and
# no mistake.)
#
# A fourth oddity needs no test. On the slide the function also takes a `state`, never looks at it, and
# returns one thing where the loop around it wants two. And its biases were made with the shape $(L, L)$,
# $L$ being the number of units, as if they were matrices: nobody noticed, because nobody added them. A bug
# can hide another one for years.
#
# ### Exercise 4: `repair_slide_gru`
#
# Copy the code into the cell below, `gate` included if you like, and repair it. The card tells you which of
# the repairs has arrived.


# %% exercise="repair_slide_gru"
def repair_slide_gru(x, output, gates):
    """One step of the slides' GRU, repaired.

    x: inputs (B, D). output: the output before the step, which is also the state (B, H).
    gates: {"U": (A, B, b), "R": (A, B, b), "O": (A, B, b)}, A (D, H), B (H, H), b (H,).
    Returns: the new output (B, H).
    """

    ### BEGIN SOLUTION
    def gate(name, h, squash):
        A, B, b = gates[name]
        return squash(x @ A + h @ B + b)

    U = gate("U", output, sigmoid)
    R = gate("R", output, sigmoid)
    new = gate("O", R * output, np.tanh)
    return U * output + (1 - U) * new
    ### END SOLUTION


# %% check="repair_slide_gru"
check("repair_slide_gru", repair_slide_gru)

# %% [markdown]
# Shake it again. Everything should matter now, and the largest output should stay under 1.

# %% tags=["demo"]
try:
    before = repair_slide_gru(some_x, some_output, some_gates)
    matters = []
    for name in "URO":
        for place in range(3):
            shaken = {key: list(arrays) for key, arrays in some_gates.items()}
            shaken[name][place] = shaken[name][place] + 1.0
            after = repair_slide_gru(some_x, some_output, shaken)
            matters.append(not np.allclose(after, before))
    state, largest = np.zeros((1, H)), 0.0
    for x in stream:
        state = repair_slide_gru(x, state, gates)
        largest = max(largest, np.abs(state).max())
    print("inputs that matter:", sum(matters), "of", len(matters))
    print("stays within ±1:   ", bool(largest <= 1))
except Exception as problem:
    print("not yet:", type(problem).__name__, problem)

# %% [markdown]
# ## Peepholes
#
# The next animal is an LSTM again. Recall from notebook 5: the gates are computed from $x_t$ and $h_{t-1}$,
# and $h = o \odot \tanh(c)$.
#
# **On paper.** The output gate was closed at the last step, $o = 0$. What do the gates of this step know
# about the cell state $c$? What would they know if $c$ were ten times as large?
#
# <details><summary>Compare</summary>
#
# Nothing, both times: $h = 0 \cdot \tanh(c) = 0$ for every $c$. An ordinary gate is **blind** to a cell
# whose output gate is closed. It cannot wait until $c$ has reached some value, unless it shows $c$ to the
# whole network at the same time.
#
# </details>
#
# In 2000 Gers and Schmidhuber gave the gates a hole to peep through: each sees the cell state of *its own
# unit*, directly.
#
# $$\begin{aligned}
# i_t &= \sigma\!\left(a^i_t + p_i \odot c_{t-1}\right) \\
# f_t &= \sigma\!\left(a^f_t + p_f \odot c_{t-1}\right) \\
# c_t &= f_t \odot c_{t-1} + i_t \odot \tanh\!\left(a^g_t\right) \\
# o_t &= \sigma\!\left(a^o_t + p_o \odot c_t\right) \\
# h_t &= o_t \odot \tanh(c_t)
# \end{aligned}$$
#
# - $a_t = x_t K + h_{t-1} R + b$ is the sum of notebook 5, $(B, 4H)$: $K$ is `kernel` $(D, 4H)$, $R$
#   `recurrent_kernel` $(H, 4H)$, $b$ `bias` $(4H,)$, with the blocks i, f, g, o side by side;
# - $p_i$, $p_f$, $p_o$ are the peepholes, $(H,)$ each. They are the rows of one array, $(3, H)$, in the
#   order **i, f, o**. They multiply entry by entry: a unit peeps at itself only. The candidate has none.
#
# Read the indices of $c$. Two gates see the old cell state, one the new one. There is no choice: the first
# two have to be known to *make* $c_t$, while the output gate decides what of the finished $c_t$ is shown.
#
# ### What it is good for
#
# Here is one unit, set by hand. Its input is always 0. The input gate is open and lets in 0.1 at each step.
# The output gate opens when $c$ is above 0.95. The forget gate closes when $c$ *was* above 0.95.
#
# **Predict first.** Sketch $c$ and $h$ over 40 steps.

# %% tags=["demo"]
sharp = 200.0
bias = np.array([20.0, 0.95 * sharp, np.arctanh(0.1), -0.95 * sharp])  # i, f, g, o
peepholes = np.array([[0.0], [-sharp], [sharp]])  # i, f, o
no_weights = np.zeros((1, 4))
h, c, cells, spikes = zero, zero, [], []
for _ in range(40):
    h, c = library.peephole_step(no_input, h, c, no_weights, no_weights, bias, peepholes)
    cells.append(c.item())
    spikes.append(h.item())

figure, axes = new_figure(width=8, height=2.8)
plots.draw_curves(
    axes,
    np.arange(1, 41),
    {"c, which nobody sees": cells, "h, what is shown": spikes},
    levels={"0.95": 0.95},
)
axes.set_ylim(-0.05, 1.35)
axes.legend(ncols=3, loc="upper left", fontsize=9)
show(
    figure,
    alt="Over 40 steps the cell state climbs in steps of 0.1 to 1 and falls back to 0.1, four times. The "
    "hidden state is zero except for a spike at every tenth step.",
)

# %% [markdown]
# A metronome: it counts to ten in silence, ticks and starts again, without any input. While it counts, $h$
# is 0, so an LSTM without peepholes would sit there and see nothing. This kind of task (fire every so many
# steps) is what peepholes were invented for. On most others they make no difference that could be measured
# (Greff et al. 2017), and Keras and PyTorch leave them out.
#
# ### Exercise 5: `peephole_step`


# %% exercise="peephole_step"
def peephole_step(x, h, c, kernel, recurrent_kernel, bias, peepholes):
    """One step of an LSTM with peepholes.

    x: inputs (B, D). h, c: hidden state and cell state before the step, (B, H) each.
    kernel: (D, 4H), recurrent_kernel: (H, 4H), bias: (4H,), blocks in the order i, f, g, o.
    peepholes: (3, H), rows in the order i, f, o.
    Returns: (h, c) after the step, (B, H) each, in this order.
    """
    ### BEGIN SOLUTION
    a_i, a_f, a_g, a_o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
    p_i, p_f, p_o = peepholes
    i = sigmoid(a_i + p_i * c)
    f = sigmoid(a_f + p_f * c)
    c = f * c + i * np.tanh(a_g)
    o = sigmoid(a_o + p_o * c)
    return o * np.tanh(c), c
    ### END SOLUTION


# %% check="peephole_step"
check("peephole_step", peephole_step)

# %% [markdown]
# ## Layer normalisation
#
# The last one is no cell but a part that can be put into any. Gates work where the sigmoid bends. When the
# sums in front of them grow too large, all gates stick at 0 or 1, all candidates at ±1, and nothing can be
# learned any more (notebook 4: a saturated unit passes no gradient).
#
# The remedy: before the squashing, give each **instance** a mean of 0 and a variance of 1 over its
# features. For one instance with the sums $a_1, \dots, a_H$:
#
# $$\mathrm{LN}(a)_j = \frac{a_j - \mu}{\sqrt{s^2 + \epsilon}} \qquad
# \mu = \frac1H \sum_{j=1}^{H} a_j \qquad s^2 = \frac1H \sum_{j=1}^{H} (a_j - \mu)^2$$
#
# - $\mu$ is the mean of the instance's features, $s^2$ their variance: the plain mean of the squares, over
#   $H$, not over $H - 1$;
# - $\epsilon$ is a small number that keeps the division finite where all features are equal.
#
# The network then scales and shifts each feature with two learned vectors, gain and shift, so that it can
# undo what it does not like. We leave them out here.
#
# **On paper.** Normalise the row $(1, 3, 5, 7)$, with $\epsilon = 0$. What becomes of the row $(10, 30, 50,
# 70)$?
#
# <details><summary>Compare</summary>
#
# $\mu = 4$, $s^2 = (9 + 1 + 1 + 9) / 4 = 5$, so $(-3, -1, 1, 3) / \sqrt5 = (-1.34, -0.45, 0.45, 1.34)$. The
# row that is ten times as large gives the very same. The size of the weights no longer matters.
#
# </details>
#
# Everything depends on *which way* you average. Along the features, as above, no instance ever sees
# another. Down the batch, as **batch normalisation** does, each feature is compared with the same feature
# of its neighbours.

# %% tags=["demo"]
table = np.array([[1.0, 3.0, 5.0, 7.0], [10.0, 30.0, 50.0, 70.0], [-2.0, 2.0, -2.0, 2.0]])
figure, axes = new_figure(columns=3, width=10, height=2.5)
plots.which_way(
    axes,
    {
        "sums of three instances": table,
        "along the features (layer)": library.layer_norm(table),
        "down the batch (batch)": plots.batch_norm(table),
    },
)
show(
    figure,
    alt="Three tables of three instances by four features, with the means of rows and columns at the edges. "
    "First the sums. Second, normalised along the features: all row means are 0, and instances A and B have "
    "become equal. Third, normalised down the batch: all column means are 0, row means are not.",
)

# %% [markdown]
# In the middle table the means at the *right* are 0, in the right table the means at the *bottom*. A and B,
# which differed only in size, have become equal in the middle one.
#
# **Predict first.** Instance A stays as it is, and its two neighbours are exchanged for others. Which of
# the two results for A changes? And what does normalising down the batch make of a batch of *one*?

# %% tags=["demo"]
others = np.array([[1.0, 3.0, 5.0, 7.0], [0.0, 9.0, 4.0, -5.0], [8.0, 1.0, 6.0, 2.0]])
for way, normalise in [
    ("along the features", library.layer_norm),
    ("down the batch", plots.batch_norm),
]:
    print(f"A, {way}")
    print("  among its neighbours:", normalise(table)[0])
    print("  among others:        ", normalise(others)[0])
    print("  alone:               ", normalise(table[:1])[0])

# %% [markdown]
# Down the batch, a sequence's result depends on its neighbours, and a batch of one becomes all zeros. For
# recurrent networks there is a third trouble: each time step has its own mean and variance, and at step 201
# of a long sequence there may be none to go by. Along the features nothing of this happens, whatever the
# batch and the step. That is why recurrent networks use layer normalisation.
#
# **What `keepdims` is for.** One thing before you write it. A mean along an axis *removes* that axis, and
# what NumPy then does with the result is worth a look. Here are two rows, to be divided by their own sums.
#
# **Predict first.** Which of the two prints shares that add up to 1 in each row?

# %%
rows = np.array([[1.0, 3.0], [10.0, 10.0]])
print("without:", (rows / rows.sum(axis=1)).tolist())
print("with:   ", (rows / rows.sum(axis=1, keepdims=True)).tolist())

# %% [markdown]
# Without it, the two sums $(4, 20)$ become a *row* and meet the columns: broadcasting lines shapes up from
# the right. `keepdims=True` keeps them a column, one sum beside each row. A table that is not square raises
# an error. A square one gives wrong numbers in silence.
#
# ### Exercise 6: `layer_norm`


# %% exercise="layer_norm"
def layer_norm(a, epsilon=1e-5):
    """Give every instance mean 0 and variance 1 over its features.

    a: (..., H): the features are the last axis. There may be any number of axes before it:
       (H,), (B, H), (B, T, H).
    epsilon: added to the variance.
    Returns: a new array of the same shape.
    """
    ### BEGIN SOLUTION
    mean = a.mean(axis=-1, keepdims=True)
    variance = a.var(axis=-1, keepdims=True)
    return (a - mean) / np.sqrt(variance + epsilon)
    ### END SOLUTION


# %% check="layer_norm"
check("layer_norm", layer_norm)

# %% [markdown]
# And what does it do for a network? Take a basic network of 64 units with random weights, multiply the
# recurrent ones by 1/4 up to 8, and run it for 30 steps. Count the units that are stuck near ±1.
#
# **Predict first.** With $\tanh(\mathrm{LN}(\dots))$ in place of $\tanh(\dots)$: what will the curve look
# like?

# %% tags=["demo"]
rng = np.random.default_rng(2)
Wx, Wh = rng.normal(0, 0.3, (4, 64)), rng.normal(0, 1 / 8, (64, 64))
stream = rng.normal(size=(30, 20, 4))
scales = [0.25, 0.5, 1, 2, 4, 8]
stuck = {"plain": [], "layer-normalised": []}
for scale in scales:
    for label, normalise in [("plain", lambda a: a), ("layer-normalised", library.layer_norm)]:
        state = np.zeros((20, 64))
        for x in stream:
            state = np.tanh(normalise(x @ Wx + state @ (scale * Wh)))
        stuck[label].append((np.abs(state) > 0.95).mean())
figure, axes = new_figure(width=6.5, height=2.8)
plots.saturation(axes, stuck, scales)
show(
    figure,
    alt="Share of units beyond 0.95 against the size of the recurrent weights. Plain it climbs from almost "
    "nothing at small weights to more than half at 8 times. Layer-normalised it stays below 10 per cent "
    "throughout.",
)
print(f"weights times 8: plain {100 * stuck['plain'][-1]:.0f} % stuck,", end=" ")
print(f"layer-normalised {100 * stuck['layer-normalised'][-1]:.0f} %")

# %% [markdown]
# In an LSTM it is applied in three places: to the product with $x_t$, to the product with $h_{t-1}$, and to
# the cell state on its way to $h$ (never to $c$ itself, or it could not hold anything).
# `course_lib.layer_norm_lstm_step` is written to be read. Its 50 extra parameters, the gains and shifts,
# are in the bar chart above.
#
# ## Which cell, then?
#
# | cell | blocks | states | choose it when |
# |---|---|---|---|
# | basic | 1 | h | you want to understand, or sequences are short |
# | GRU | 3 | h | in doubt, and with less data or less time |
# | LSTM | 4 | c, h | in doubt, and for counting and for very long sequences |
# | peephole LSTM | 4 + peepholes | c, h | exact timing matters |
# | layer-normalised | 4 + gains | c, h | training is unstable, or batches are small |
#
# "In doubt" stands there twice on purpose. Try both: it is one line of code, and the data decide.
#
# The zoo is still growing. The *minimal gated unit* (2016) makes one gate of two. The *minGRU* (2024) lets
# the gates look at the input only, not at the state. Then all time steps can be computed at once. You can
# read both papers now: they are variations on your four lines.
#
# ## Summary
#
# - A gate is a knob that the network turns at each step. A memory with a fixed knob cannot both hold and
#   take in.
# - GRU: $z$ says how much stays, $r$ how much of the old state the candidate sees. $z$ and $1 - z$ always
#   add up to 1, so the state stays within ±1, and it cannot count.
# - The reset acts before the product (it silences who speaks) or after it (it silences who listens). The
#   second form has two rows of biases: 165 in place of 150.
# - Drawn in the plane, a unit holds a number where its curve lies on the diagonal, and the slope there is
#   what gradients are multiplied by.
# - Code can be tested without knowing the right answer: by a law that it must obey, and by shaking its
#   inputs.
# - Peepholes show the gates the cell state: the old one to i and f, the new one to o. Layer normalisation
#   averages along the features, never over the batch.
#
# **If you want more**: repack the slides' `gates` into `kernel`, `recurrent_kernel` and `bias`, and show
# that your repaired GRU *is* your `gru_step`. Or give your `gru_step` layer normalisation: where would you
# put it, and where not?

# %% [markdown]
# ## Sources and what comes next
#
# - K. Cho et al., *Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine
#   Translation*, 2014 ([arXiv:1406.1078](https://arxiv.org/abs/1406.1078)): the GRU.
# - J. Chung et al., *Empirical Evaluation of Gated Recurrent Neural Networks on Sequence Modeling*, 2014
#   ([arXiv:1412.3555](https://arxiv.org/abs/1412.3555)): with $z$ the other way round.
# - R. Jozefowicz, W. Zaremba and I. Sutskever, *An Empirical Exploration of Recurrent Network
#   Architectures*, ICML 2015; K. Greff et al., *LSTM: A Search Space Odyssey*, 2017
#   ([arXiv:1503.04069](https://arxiv.org/abs/1503.04069)): which parts matter.
# - G. Weiss, Y. Goldberg and E. Yahav, *On the Practical Computational Power of Finite Precision RNNs for
#   Language Recognition*, ACL 2018 ([arXiv:1805.04908](https://arxiv.org/abs/1805.04908)): counting.
# - F. Gers and J. Schmidhuber, *Recurrent Nets that Time and Count*, IJCNN 2000; F. Gers, N. Schraudolph
#   and J. Schmidhuber, *Learning Precise Timing with LSTM Recurrent Networks*, JMLR 3, 2002: peepholes.
# - J. L. Ba, J. R. Kiros and G. E. Hinton, *Layer Normalization*, 2016
#   ([arXiv:1607.06450](https://arxiv.org/abs/1607.06450)).
# - G.-B. Zhou et al., *Minimal Gated Unit for Recurrent Neural Networks*, 2016
#   ([arXiv:1603.09420](https://arxiv.org/abs/1603.09420)); L. Feng et al., *Were RNNs All We Needed?*, 2024
#   ([arXiv:2410.01201](https://arxiv.org/abs/2410.01201)).
#
# **Next**: cells end in states of $H$ numbers, and tasks ask for something else. [Notebook
# 7](../07_outputs_to_targets/07_outputs_to_targets.ipynb) turns outputs into targets.
