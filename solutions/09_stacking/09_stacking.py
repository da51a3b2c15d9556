# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 9 · Stacking cells
#
# One recurrent layer turns a sequence into a sequence. So nothing keeps you from putting a second one
# on top, which reads what the first one writes. And a third. That is all there is to a *deep*
# recurrent network, and for years every good translator and speech recogniser was built so.
#
# It is a few lines of code. One of the most copied of these lines, `[cell] * num_layers`, does not do
# what its writers believed. You will find out what it does.
#
# **Afterwards you will be able to**
#
# - run a stack of cells in two ways, layer by layer or step by step, and say why both are the same;
# - count its parameters on paper, and tell by the count when layers share weights;
# - make a stack whose layers really are different layers;
# - name every part of its memory correctly, which a well-known tutorial does not;
# - lead a gradient past twelve layers;
# - train a three-layer network on the echo task until a goal is reached, and judge it on fresh data.
#
# **Time:** about two hours, seven exercises. **You need**
# [notebook 5](../05_lstm_internals/05_lstm_internals.ipynb) (the LSTM and its two-part state) and
# [notebook 8](../08_carrying_state/08_carrying_state.ipynb) (windows, and carrying the state).

# %%
import numpy as np

import course_lib
from autograder import check
from course_lib import INPUT_SEQ, LSTMCell, tf
from course_lib.plots import new_figure, show
from course_lib.plots.stacking import (
    draw_depth,
    draw_losses,
    draw_order,
    draw_owners,
    draw_stack,
    order_of,
    order_slider,
)

# %% [markdown]
# Figures and measurements call the course's own functions (`course_lib.multi_rnn_step` and so on).
# Try each exercise before you look there.
#
# ## Two layers, one after the other
#
# A tutorial on stacking from the time of TensorFlow 1 begins with the smallest example there is: one
# sequence of three steps, two numbers each, and LSTM cells of $H = 10$ units.
#
# First it runs one cell over the sequence. The input has the shape $(B, T, D) = (1, 3, 2)$: batch,
# time, features. The output has the shape $(1, 3, 10)$. It is a sequence again. So it runs a second
# cell, with weights of its own, over *that*.
#
# $$h^1_t,\; s^1_t = \text{cell}_1(x_t,\, s^1_{t-1}) \qquad\qquad
# h^2_t,\; s^2_t = \text{cell}_2(h^1_t,\, s^2_{t-1})$$
#
# $x_t$ is the input at step $t$, $h^k_t$ the output of layer $k$, and $s^k_t$ its state, the pair
# $(c^k_t, h^k_t)$. Layer 1, which reads $x$, is the *bottom*.

# %% tags=["demo"]
figure, axes = new_figure(width=7.0, height=3.2)
draw_stack(axes, layers=2, steps=4)
show(
    figure,
    alt="Two rows of four cells. Inputs x0 to x3 enter the lower row from below. Arrows labelled h "
    "lead from each lower cell to the upper cell of the same step, arrows labelled c, h from each "
    "cell to its right neighbour in the same row. Outputs y0 to y3 leave the upper row.",
)

# %% [markdown]
# Two kinds of arrows. **To the right** goes a layer's own memory, both parts of it, $c$ and $h$; it
# never changes rows. **Upwards** goes the output and nothing else: $c$ is the layer's private
# notebook, which no other layer gets to read.
#
# **On paper.** In the tutorial's example, how many rows has the kernel of $\text{cell}_1$, which is
# multiplied by the input, and how many that of $\text{cell}_2$?
#
# <details><summary>Compare</summary>
#
# 2 and 10: the second layer reads ten numbers a step, not two.
#
# </details>
#
# ### Exercise 1: `stack_two_by_hand`
#
# Run two cells, one on top of the other, over a whole sequence. Each begins with a state of its own.


# %% exercise="stack_two_by_hand"
def stack_two_by_hand(x, cell1, state1, cell2, state2):
    """Two recurrent layers, the second on top of the first.

    x: (B, T, D).
    cell1, cell2: called as cell(x_t, state) -> (output, new_state), x_t being (B, features).
    state1, state2: what each cell remembers before the first step, LSTMStateTuple(c, h).
    Returns (outputs, (last_state1, last_state2)): the outputs of the upper layer, (B, T, H), and
    the states of both layers after the last step, the lower one first.
    """
    ### BEGIN SOLUTION
    outputs = []
    for t in range(x.shape[1]):
        middle, state1 = cell1(x[:, t], state1)
        output, state2 = cell2(middle, state2)
        outputs.append(output)
    return np.stack(outputs, axis=1), (state1, state2)
    ### END SOLUTION


# %% check="stack_two_by_hand"
check("stack_two_by_hand", stack_two_by_hand)

# %% [markdown]
# ## The other way round: one step, all layers
#
# You can fill the grid of cells row by row: the whole first layer, then the whole second one. (This
# is what the tutorial's first program does.) Or column by column: at each step all layers, from the
# bottom to the top, then the next step.
#
# **On paper.** Number the twelve cells of a stack of 3 layers and 4 steps in both orders. Then: which
# cells could be computed *at the same time*, if you had enough processors?

# %% tags=["demo"]
figure, panels = new_figure(columns=3, width=9.5, height=2.4)
for axes, way in zip(panels, ("layer by layer", "step by step", "diagonal"), strict=True):
    draw_order(axes, order_of(3, 4, way))
    axes.set_title(way)
show(
    figure,
    alt="Three grids of 3 layers and 4 steps with the turn of each cell. Layer by layer: rows are "
    "numbered 1 to 4, 5 to 8, 9 to 12. Step by step: columns are numbered 1 to 3, 4 to 6 and so on. "
    "Diagonal: all cells of a diagonal have one number, from 1 to 6.",
)

# %% [markdown]
# Every cell needs its left neighbour and the one below. All three orders respect that, so all three
# compute **the same numbers**. The third is what fast libraries do: cells of one diagonal do not need
# each other. Twelve cells take six turns.

# %% tags=["demo", "nbval-ignore-output"]
order_slider(3, 4)

# %% [markdown]
# The second order has a charm of its own. Look at a column: it takes an input and the memories of all
# layers, and gives an output and new memories. That is just what a *cell* does! So a stack of cells
# **is a cell**, whose state is a tuple of states, and whatever can unroll a cell can unroll a stack.
# TensorFlow 1 called it `MultiRNNCell`, Keras calls it `StackedRNNCells`.
#
# ### Exercise 2: `multi_rnn_step`
#
# One column of the grid. From here on cells are of any kind: hand up what a cell calls its *output*,
# and treat its state as a sealed box.
#
# <details><summary>Stuck? Two questions</summary>
#
# 1. One variable changes its meaning on the way up. What does it hold before the first cell, and what
#    after it?
# 2. Each cell gives you two things. Where does each of them go?
#
# </details>


# %% exercise="multi_rnn_step"
def multi_rnn_step(cells, x, states):
    """One time step through all layers.

    cells: a list of L cells, called as cell(x, state) -> (output, new_state); the bottom first.
    x: (B, D), read by the bottom layer.
    states: a list of L states of the step before, one for each cell.
    Returns (output, new_states): the top layer's output, and L new states, the bottom first.
    The list `states` is left as it is: somebody may still need the old ones.
    """
    ### BEGIN SOLUTION
    new_states = []
    for cell, state in zip(cells, states, strict=True):
        x, state = cell(x, state)
        new_states.append(state)
    return x, tuple(new_states)
    ### END SOLUTION


# %% check="multi_rnn_step"
check("multi_rnn_step", multi_rnn_step)

# %% [markdown]
# Here are both of your functions on the tutorial's sequence, with two cells of 10 units. (As long as
# they are not written, this cell says so.)

# %% tags=["demo"]
x = np.array([INPUT_SEQ], dtype=np.float32)
cell1, cell2 = LSTMCell(10, input_size=2, seed=1), LSTMCell(10, input_size=10, seed=2)
states = [cell1.zero_state(1), cell2.zero_state(1)]
print("input: ", x.shape)
try:
    by_layer, _ = stack_two_by_hand(x, cell1, states[0], cell2, states[1])
    by_step = []
    for step in range(3):
        output, states = multi_rnn_step([cell1, cell2], x[:, step], states)
        by_step.append(output)
    print("output:", np.shape(by_layer))
    print("largest difference:", f"{np.abs(by_layer - np.stack(by_step, axis=1)).max():.4f}")
except Exception as problem:
    print("not yet:", type(problem).__name__)

# %% [markdown]
# ## What a stack owns
#
# An LSTM layer that reads $n$ features and has $H$ units owns three arrays (notebook 5): the kernel
# $(n, 4H)$, the recurrent kernel $(H, 4H)$ and the bias $(4H,)$. In a stack of $L$ layers of the same
# $H$, only the bottom one reads the $D$ features of $x$.
#
# **On paper.** The tutorial goes on to *five* layers of 10 units on two features. How many
# parameters has the bottom layer? How many has each of the others? (The total is a number between
# 3,000 and 5,000.)
#
# <details><summary>Compare the bottom layer</summary>
#
# $2 \cdot 40 + 10 \cdot 40 + 40 = 520$. Now the second one: what does it read?
#
# </details>
#
# ### Exercise 3: `stack_parameter_count`


# %% exercise="stack_parameter_count"
def stack_parameter_count(D, H, L):
    """How many parameters a stack of LSTM layers has.

    D: features of the input. H: units of every layer. L: layers, 1 or more.
    Returns a whole number.
    """
    ### BEGIN SOLUTION
    bottom = 4 * H * (D + H + 1)
    other = 4 * H * (H + H + 1)
    return bottom + (L - 1) * other
    ### END SOLUTION


# %% check="stack_parameter_count"
check("stack_parameter_count", stack_parameter_count)

# %% [markdown]
# ## One line from 2016
#
# Another tutorial, the one with the echo task of notebook 8, makes its three layers like this:
#
# ```python
# cell = LSTMCell(state_size)
# cell = MultiRNNCell([cell] * num_layers)
# ```
#
# "… by first making a single LSTM cell, and then duplicating this cell in an array", it explains.
# In the TensorFlow of 2016 this worked: a cell was only a recipe, and each layer made variables of its
# own from it. Then cells began to own their variables. The line is still being copied.
#
# **Predict first.** What does `[cell] * 3` hold: three cells? In Keras of today, three layers of
# $H = 4$, which read $D = 4$ features, should have $3 \cdot 144 = 432$ parameters. How many will the
# tutorial's line have? And what if $D = 2$?

# %% tags=["demo"]
layers = tf.keras.layers
for D in (4, 2):
    cell = layers.LSTMCell(4)
    stack = layers.RNN(layers.StackedRNNCells([cell] * 3))
    try:
        stack(np.ones((1, 3, D), dtype=np.float32))
        print(f"D = {D}: {stack.count_params()} parameters, and no complaint")
    except Exception as problem:
        print(f"D = {D}: {type(problem).__name__}")

# %% [markdown]
# A list times three is a list with the *same object* three times. `[0] * 3` is harmless, because
# nobody can change a 0. `[cell] * 3` is one cell with three names.
#
# - If $D \ne H$, you are lucky: the cell has made its kernel for $D$ features, and the second layer
#   hands it $H$ of them. An error, even if one that says nothing about the cause.
# - If $D = H$, everything fits. The network trains, its loss falls, and your three-layer network is
#   **one layer, applied three times**, with a third of the parameters.
#
# Here is the difference in a picture. Left, three recurrent kernels as they should be; right, those
# of the tutorial's line.

# %% tags=["demo"]
fresh = [np.asarray(LSTMCell(4, 4, seed=seed).recurrent_kernel) for seed in (1, 2, 3)]
figure, panels = new_figure(rows=3, columns=2, width=8.0, height=3.0)
draw_owners(panels[:, 0], fresh)
draw_owners(panels[:, 1], [fresh[0]] * 3)
panels[0, 0].set_title("a cell for each layer: 432 parameters")
panels[0, 1].set_title("one cell in three places: 144")
show(
    figure,
    alt="Recurrent kernels of three layers as coloured grids. In the left column all three differ. "
    "In the right column all three are the same.",
)

# %% [markdown]
# How do you notice? Not by a shape, and not by a loss curve. **Count the parameters**, and compare
# with what you have worked out on paper. It takes ten seconds.
#
# (Sharing a layer on purpose is a respectable idea. There are networks that apply one layer many
# times. It should be a decision, though.)
#
# ### Exercise 4: `make_multi_cell`
#
# Find the bug, and write the factory as it was meant. Use `tf.keras.layers.LSTMCell(units)` and
# `tf.keras.layers.StackedRNNCells(cells)`. These cells make their weights when they meet their first
# input, so the factory need not know $D$.


# %% exercise="make_multi_cell"
def make_multi_cell(state_dim, num_layers):
    """A stack of LSTM cells for Keras.

    state_dim: units of every layer.
    num_layers: how many layers.
    Returns one tf.keras.layers.StackedRNNCells with num_layers keras LSTMCells in it.
    No two layers share weights or begin with equal ones; nor do two stacks of two calls.
    """
    ### BEGIN SOLUTION
    cells = [tf.keras.layers.LSTMCell(state_dim) for _ in range(num_layers)]
    return tf.keras.layers.StackedRNNCells(cells)
    ### END SOLUTION


# %% check="make_multi_cell"
check("make_multi_cell", make_multi_cell)

# %% [markdown]
# ## Which is which
#
# The first tutorial ends by printing the states of its five layers:
#
# ```text
# Layer 1 of hidden state shape = (1, 10)
# Layer 1 of activation state shape = (1, 10)
# Layer 2 of hidden state shape = (1, 10)
# ...
# ```
#
# It prints `state[0]` as "hidden state" and `state[1]` as "activation state". But an `LSTMStateTuple`
# is $(c, h)$, in this order:
#
# | place | field | name | who sees it |
# |---|---|---|---|
# | `state[0]` | `state.c` | **cell state** | the layer itself, at its next step |
# | `state[1]` | `state.h` | **hidden state** | the layer itself, *and* whoever is above: it is the output |
#
# So what it calls hidden state is the cell state, and what it calls activation state is what everyone
# else calls hidden state. Both have the same shape, so nothing ever contradicts a wrong name, until
# somebody carries the wrong half.
#
# There are LSTMs where the shapes differ. With a *projection* (Sak and others, 2014) a layer keeps a
# large $c$ and puts out a small $h$. And cells with a single state, such as a GRU, have no $c$ at all.
#
# ### Exercise 5: `describe_states`
#
# Make the tutorial's table with the right names. The check uses such unequal shapes, too.


# %% exercise="describe_states"
def describe_states(states):
    """A table of what each layer remembers.

    states: one for each layer, the bottom first: an LSTMStateTuple(c, h), or, for a cell without c,
            a plain array, which counts as its hidden state h. (hasattr(state, "c") tells them apart.)
    Returns text, a line for each part of each state, layers counted from 1:

        layer 1  cell state c    (1, 10)
        layer 1  hidden state h  (1, 10)
        layer 2  cell state c    (1, 10)

    How many spaces there are between the columns does not matter.
    """
    ### BEGIN SOLUTION
    lines = []
    for number, state in enumerate(states, start=1):
        if hasattr(state, "c"):
            lines.append(f"layer {number}  cell state c    {tuple(state.c.shape)}")
            state = state.h
        lines.append(f"layer {number}  hidden state h  {tuple(state.shape)}")
    return "\n".join(lines)
    ### END SOLUTION


# %% check="describe_states"
check("describe_states", describe_states)

# %% tags=["demo"]
tower = course_lib.make_multi_cell(10, 5, input_size=2)
_, tower_states = tower(x[:, 0], tower.zero_state(1))
print(course_lib.describe_states(tower_states))
print(f"\n{tower.parameter_count:,} parameters")

# %% [markdown]
# ## A way past each layer
#
# Why not twelve layers? Let us look at what reaches the bottom. Below is the size of the gradient at
# the bottom layer's kernel, in untrained stacks of 1 to 12 layers of 16 units.
#
# **Predict first.** The gradient has to pass the $\tanh$ and the output gate of every layer. An
# untrained output gate stands at about ½, and at first $c$ is small. By which factor will the gradient
# shrink with each layer: a tenth, a half, hardly at all?

# %% tags=["demo"]
from course_lib.depth import gradient_at_the_bottom

depths = [1, 2, 4, 6, 8, 12]
sizes = {
    "plain stack": gradient_at_the_bottom(depths, residual=False),
    "with a way past": gradient_at_the_bottom(depths, residual=True),
}
figure, axes = new_figure(height=3.2)
draw_depth(axes, depths, sizes)
axes.set(ylabel="norm of the gradient", title="What reaches the bottom layer's kernel")
show(
    figure,
    alt="Norm of the gradient against the number of layers, logarithmic. For the plain stack it falls "
    "from 0.2 with one layer to about one ten-millionth with twelve. With a way past each layer it "
    "stays between 0.2 and 0.4.",
)

# %% [markdown]
# About a quarter is left at each layer, and after twelve of them one ten-millionth. It is notebook 4
# again, turned by 90 degrees: there gradients vanished over *time*, here over *depth*.
#
# The remedy is the same, too: a way past, on which nothing is multiplied. A **residual connection**
# adds a layer's input to its output:
#
# $$u_k = u_{k-1} + \text{output}_k(u_{k-1}), \qquad u_1 = \text{output}_1(x),$$
#
# where $u_k$ is what goes up from layer $k$. The derivative of $u_k$ by $u_{k-1}$ is 1 plus something,
# and a product of such factors does not vanish. The upper curve shows it.
#
# Two details:
#
# - The bottom layer has no way past: it reads $D$ features and puts out $H$, and the two cannot be
#   added. The sum begins with the second layer.
# - The sum goes *up*. To the *right*, through time, goes what the cell has made, untouched. A state
#   that was added to at each step would grow for ever.
#
# **On paper.** Three layers. The cells put out $a$, $b$ and $d$. What are $u_1$, $u_2$ and $u_3$?
# What does the third cell read?
#
# <details><summary>Compare</summary>
#
# $u_1 = a$, $u_2 = a + b$, $u_3 = a + b + d$. The third cell reads $a + b$.
#
# </details>
#
# ### Exercise 6: `residual_rnn_step`
#
# Your `multi_rnn_step` with a way past each layer but the bottom one.


# %% exercise="residual_rnn_step"
def residual_rnn_step(cells, x, states):
    """One time step through a stack with residual connections.

    cells, x, states: as for multi_rnn_step; all layers have the same number of units.
    Every layer but the bottom one adds what it has read to its output before it goes up.
    Returns (output, new_states): what goes up from the top layer, and the states as the cells made
    them.
    """
    ### BEGIN SOLUTION
    new_states = []
    for layer, (cell, state) in enumerate(zip(cells, states, strict=True)):
        output, state = cell(x, state)
        x = x + output if layer else output
        new_states.append(state)
    return x, tuple(new_states)
    ### END SOLUTION


# %% check="residual_rnn_step"
check("residual_rnn_step", residual_rnn_step)

# %% [markdown]
# ### Dropout goes up, never to the right
#
# A deep stack has many weights and learns small data sets by heart. *Dropout* is a common cure: while
# training, each number of a layer's output is set to 0 with a probability $r$, and divided by $1 - r$
# otherwise, so that its mean stays.
#
# Where in the grid may one do that? On the arrows that go **up**. A number on its way up passes $L$
# such places, however long the sequence is. On an arrow to the **right** it would pass one at every
# step.
#
# **On paper.** $r = 0.2$, 15 steps. With which probability does a memory survive untouched if dropout
# strikes on the way to the right?
#
# <details><summary>Compare</summary>
#
# $0.8^{15} \approx 0.035$. Whatever the cell has learned to keep is destroyed 28 times of 29. That is
# why Zaremba and others (2014) put it between layers only. `course_lib.DropoutWrapper` does the same.
#
# </details>

# %% [markdown]
# ## The deep echo
#
# Now everything together, with the numbers of the tutorial with the famous line: the echo of notebook
# 8 ($y_t = x_{t-3}$ on random bits), rows of $B = 5$, windows of 15 columns, **three** LSTM layers of
# 4 units each, a read-out to two classes, Adagrad with a learning rate of 0.3.
#
# **The dumb baseline** is a coin: $\ln 2 \approx 0.693$ nats a label. And a network whose memories are
# wiped at each window's edge cannot get below $\tfrac{3}{15} \ln 2 \approx 0.139$. Whoever is well
# below that has carried something across the edges.
#
# What has to be carried? The picture of the grid tells: **all arrows to the right** that cross the
# edge. Three layers, two parts each, six arrays. And of course each layer gets its own back.
#
# **When to stop?** The tutorial trains 100 epochs, come what may. Better: until a goal is reached. But
# a single window has only 75 labels; by luck its loss can be low long before the network is good. So
# ask for the mean over the last 20 windows. And since a goal may never be reached, there is a limit.
#
# This is the model (`course_lib.EchoNetwork`), as your function sees it:
#
# | | |
# |---|---|
# | `model.zero_state(B)` | empty memories of all layers, a tuple with one state a layer |
# | `model.train_window(x, y, states)` | one update; gives `(loss, states)`, see below |
#
# The loss is the one before the update, the states are the memories after the window.
#
# For the windows you may use the function of notebook 8:

# %%
WINDOW = 15


def windows(x, y, T):
    """Both series in windows of T columns, in order; the last one may be shorter."""
    return [(x[:, t : t + T], y[:, t : t + T]) for t in range(0, x.shape[1], T)]


# %% [markdown]
# ### Exercise 7: `train_deep_echo`
#
# The check first rehearses: it lets your function train a model that only writes down what it is
# given. If memory and number of windows are right, it trains the tutorial's network on series drawn
# for you (a few seconds), until the mean of 20 losses is under 0.03, and then measures its loss on a
# series that neither you nor the network has seen. It has to be under **0.1**. Why 0.1? An honest
# training ends near 0.03, and one without memory cannot get below 0.139, however long it takes: luck
# bridges neither gap.
#
# <details><summary>Stuck? Three questions</summary>
#
# 1. You have two loops, one inside the other. What does each of them run over?
# 2. When are memories emptied: before each window, before each series, or once?
# 3. In the inner loop, two things can end the training. What does your function return then?
#
# </details>


# %% exercise="train_deep_echo"
def train_deep_echo(model, draw, goal, most):
    """Train on one series after the other, until the goal is reached.

    model: has zero_state(B) and train_window(x, y, states) -> (loss, states); see above.
    draw: draw() gives a new series (x, y), both (B, length), at each call.
    goal: stop after the first window at which the mean of the last 20 losses is below it (not
          before there are 20).
    most: stop after so many windows at the latest.
    Each series begins with empty memories; from then on each window begins with the memories that
    the one before has left. Windows have WINDOW columns, the last one of a series the rest.
    Returns the list of the losses of all windows.
    """
    ### BEGIN SOLUTION
    losses = []
    while True:
        x, y = draw()
        states = model.zero_state(len(x))
        for x_window, y_window in windows(x, y, WINDOW):
            loss, states = model.train_window(x_window, y_window, states)
            losses.append(float(loss))
            if len(losses) >= 20 and np.mean(losses[-20:]) < goal:
                return losses
            if len(losses) >= most:
                return losses
    ### END SOLUTION


# %% check="train_deep_echo"
check("train_deep_echo", train_deep_echo)

# %% [markdown]
# ## Does depth help?
#
# Three trainings on 50,000 bits: the three-layer network (by your function, once it is written); a
# network of a single layer of 4 units; and the three-layer network once more, with a mistake that no
# shape reveals: **only the top layer's memory** crosses the edges, as if the top layer were "the"
# network.
#
# **Predict first.** Which one learns fastest? And how far does the third one get?

# %% tags=["demo"]
from course_lib.depth import train_carrying

x, y = course_lib.make_echo(50_000, 5, 3, np.random.default_rng(0))
x_fresh, y_fresh = course_lib.make_echo(6_000, 5, 3, np.random.default_rng(1))

deep = course_lib.EchoNetwork(units=4, layers=3, seed=1)
try:
    deep_losses = list(train_deep_echo(deep, lambda: (x, y), goal=0.0, most=667))
except Exception:
    deep = course_lib.EchoNetwork(units=4, layers=3, seed=1)
    deep_losses = train_carrying(deep, x, y, lambda layer: True)
flat = course_lib.EchoNetwork(units=4, layers=1, seed=1)
flat_losses = train_carrying(flat, x, y, lambda layer: True)
top = course_lib.EchoNetwork(units=4, layers=3, seed=1)
top_losses = train_carrying(top, x, y, lambda layer: layer == 2)

# %% tags=["demo"]
curves = {
    "three layers": deep_losses,
    "one layer": flat_losses,
    "three, only the top carried": top_losses,
}
figure, axes = new_figure(height=3.8, width=8.0)
draw_losses(axes, curves, levels={"a coin: 0.693": np.log(2), "wiped: 0.139": np.log(2) / 5})
axes.set_title("Echo of three steps, 667 windows")
show(
    figure,
    alt="Loss against windows on a logarithmic axis. One layer falls below a hundredth first. Three "
    "layers stay near 0.5 for longer, then fall to a hundredth, too. With only the top layer's memory "
    "carried the loss comes down to between 0.1 and 0.2 at the end, about where wiped memories end.",
)

# %% tags=["demo"]
fresh_loss, by_place = course_lib.evaluate(deep, x_fresh, y_fresh, carry=True)
for name, losses in curves.items():
    verdict = "under" if np.mean(losses[-20:]) < 0.03 else "still over"
    print(f"{name:28}  the mean of the last 20 losses is {verdict} 0.03")
print(f"three layers on a fresh series: {'under 0.1' if fresh_loss < 0.1 else 'not under 0.1'}")
print(f"right answers there: {by_place.mean():.0%}")

# %% [markdown]
# The single layer wins. Four units can hold three bits, so there is nothing here that a second layer
# could add; the deep network only has more to coordinate before anything works. **Depth is no
# virtue in itself**: it pays where features have to be built from features, as in speech or language.
# Compare with one layer first, always.
#
# The third network is the one to remember. It looks as if it learned, and gets most answers right, but
# it comes down to about where wiped memories end, and hardly further. Could the top layer not hold all
# three bits by itself? It could, and given very long a training may find that out. But what training
# finds first is to spread the memory over all layers, and what lies in the lower two is lost at each
# edge. Carry *every* layer.
#
# ## Summary
#
# - In a stack, a layer's output goes up and its own state goes to the right. Nothing else crosses.
# - Layer by layer, step by step or along diagonals: the same numbers.
# - A stack is a cell whose state is a tuple of states.
# - `[cell] * L` is one cell with $L$ names: a third of the parameters in a three-layer network, silently
#   if $D = H$. Count parameters.
# - `LSTMStateTuple` is $(c, h)$: cell state first, then the hidden state, which is the output.
# - Gradients fade with depth as they do with time; a residual connection leads past each layer. It adds
#   to what goes up, never to the state. Dropout likewise.
# - A training ends at a goal, measured over enough windows, and is judged on data that it has not seen.
#
# ### Sources
#
# - J. Schmidhuber, *Learning complex, extended sequences using the principle of history compression*,
#   Neural Computation 1992: an early stack of recurrent networks.
# - A. Graves, A. Mohamed, G. Hinton, *Speech recognition with deep recurrent neural networks*, 2013:
#   where depth made the difference.
# - W. Zaremba, I. Sutskever, O. Vinyals, *Recurrent neural network regularization*, 2014: dropout
#   between layers only.
# - H. Sak, A. Senior, F. Beaufays, *Long short-term memory recurrent neural network architectures for
#   large scale acoustic modeling*, 2014: LSTMs that put out less than they keep.
# - Y. Wu and others, *Google's neural machine translation system*, 2016, section 3.1: eight layers, with
#   residual connections.
# - J. Appleyard, T. Kocisky, P. Blunsom, *Optimizing performance of recurrent neural networks on GPUs*,
#   2016: the diagonal order.
# - The examples come from two tutorials of 2016 and 2017 on multi-layer LSTMs in TensorFlow 1.
#
# **Next:** so far, every layer reads from the left to the right. In
# [notebook 10](../10_bidirectional/10_bidirectional.ipynb) one of them reads backwards.
