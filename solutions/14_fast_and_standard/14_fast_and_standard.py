# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 14 · Fast and standard
#
# You have written it all: the step, the loop, the gradient, the gates, the stack. Out in the world
# nobody will ask you to. They will hand you `keras.layers.LSTM`, eleven milliseconds of budget, and a
# network that does not work.
#
# So this last notebook is about three things. How your code and the standard library's come to compute
# **the same numbers**. What makes one program **faster** than another that computes the same. And how
# you find out what is **wrong** with a network whose program you cannot read: ten broken ones wait for
# you at the end.
#
# **Afterwards you will be able to**
#
# - move weights between a cell of your own and a Keras layer, both ways, and prove that nothing changed;
# - say which part of a recurrent step need not wait for the step before, and do it for all steps at once;
# - measure six ways to write one LSTM on your own machine, fairly, and read the graph behind each;
# - rebuild a deep network that carries its memory from window to window out of standard layers;
# - diagnose a broken network by experiment.
#
# **Time:** about two and a half hours, five exercises. **You need**
# [notebook 9](../09_stacking/09_stacking.ipynb) (the deep echo); for the clinic at the end all notebooks
# before it, at least in outline.

# %%
import numpy as np

import course_lib
from autograder import check
from course_lib import BasicRNNCell, GRUCell, LSTMCell, LSTMStateTuple, tf
from course_lib.patients import HEALTHY, NAMES, admit
from course_lib.plots import new_figure, show
from course_lib.plots.speed import (
    draw_confusion,
    draw_map,
    draw_nodes,
    draw_race,
    draw_schedule,
    draw_signs,
    patient_chooser,
)

# %% [markdown]
# Figures and measurements call the course's own functions. Try each exercise before you look there.
#
# ## The same cell, in Keras
#
# A cell of this course owns three arrays and knows one step. A Keras *layer* owns three arrays, too, and
# knows the loop as well. A new layer is empty until it has been **built**, that is, until it has been
# told how many features it will read; then it draws random weights.

# %% tags=["demo"]
layer = tf.keras.layers.LSTM(4, return_sequences=True, return_state=True)
print("arrays before it is built:", len(layer.get_weights()))
layer.build((None, None, 2))  # batch and time may be anything; two features
for name, array in zip(("kernel", "recurrent kernel", "bias"), layer.get_weights(), strict=True):
    print(f"{name:17} {array.shape}")
outputs, *state = layer(np.zeros((3, 7, 2), np.float32))
print("outputs", tuple(outputs.shape), "and a state of", len(state), "arrays")

# %% [markdown]
# `layer.get_weights()` gives NumPy arrays, `layer.set_weights(arrays)` takes them back, in this order.
# So all that can go wrong is in the conventions.
#
# ### What is the same, and what is not
#
# | | this course | Keras | what happens if you miss it |
# |---|---|---|---|
# | kernels | `(D, kH)`, `(H, kH)` | the same | |
# | gates of an LSTM | i, f, g, o | the same | another network; no error |
# | gates of a GRU | z, r, h | the same | another network; no error |
# | forget bias | 1, written into the bias | the same | |
# | where a GRU resets | `reset_after`, as you say | after, unless you say no | error: another shape of bias |
# | its bias | `(2, 3H)`, or `(3H,)` if it resets before | the same | |
# | **state of an LSTM** | `LSTMStateTuple(c, h)` | a list `[h, c]` | another network; no error |
# | **outputs** | all | the last one, unless `return_sequences=True` | error, or a broadcast |
# | **past a sequence's end** | 0 | the last output again | a sum or a mean that is wrong |
#
# The first rows are no accident: the course chose Keras' layout, so that you may rely on it here.
# TensorFlow 1 had i, g, f, o, and added the forget bias while it ran; PyTorch has a GRU's gates in
# the order r, z, n, everything transposed, and always two biases. (`course_lib.layouts` holds
# converters to and from both.)
#
# **On paper.** A `GRUCell` of $H = 5$ units reads $D = 4$ features. Which shapes have its three
# arrays if it resets *after* the product, which if *before*? How many numbers is that?
#
# <details><summary>Compare</summary>
#
# $(4, 15)$ and $(5, 15)$ both times. The bias is $(2, 15)$ or $(15,)$. 165 or 150 numbers: notebook 6.
#
# </details>
#
# ### Exercise 1: `to_keras`
#
# The cells' arrays are called `cell.Wx`, `cell.Wh`, `cell.b` (basic cell) or `cell.kernel`,
# `cell.recurrent_kernel`, `cell.bias` (the gated ones). Sizes: `cell.input_size`, `cell.units`.
#
# <details><summary>Two errors that you may meet, and what they mean</summary>
#
# *"the layer was expecting 0 weights"*: it has not been built, so it owns no arrays yet. *"weight
# shape (3, 5) is not compatible with provided weight shape (4, 5)"*: it was built for another number of
# features than the cell reads.
#
# </details>


# %% exercise="to_keras"
def to_keras(cell):
    """A Keras layer that computes over whole sequences what the cell computes step by step.

    cell: a BasicRNNCell, LSTMCell or GRUCell (which has cell.reset_after, True or False).
    Returns a built tf.keras.layers.SimpleRNN, LSTM or GRU with the cell's weights. It returns all
    outputs and its last state: return_sequences=True, return_state=True.
    """
    ### BEGIN SOLUTION
    layers = tf.keras.layers
    options = {"return_sequences": True, "return_state": True}
    if isinstance(cell, BasicRNNCell):
        layer = layers.SimpleRNN(cell.units, **options)
        weights = [cell.Wx, cell.Wh, cell.b]
    else:
        weights = [cell.kernel, cell.recurrent_kernel, cell.bias]
        if isinstance(cell, LSTMCell):
            layer = layers.LSTM(cell.units, **options)
        else:
            layer = layers.GRU(cell.units, reset_after=cell.reset_after, **options)
    layer.build((None, None, cell.input_size))
    layer.set_weights([w.numpy() for w in weights])
    return layer
    ### END SOLUTION


# %% check="to_keras"
check("to_keras", to_keras)

# %% [markdown]
# The check ran both on the same input and allowed a difference of 0.00001. Not zero: a sum in another
# order has another last digit.
#
# ## And back
#
# Somebody gives you a trained layer. As a cell of your own you can look into each gate, stop at each
# step, write its gradient by hand. Each kind of cell has
#
# ```python
# LSTMCell.from_weights(kernel, recurrent_kernel, bias)    # likewise BasicRNNCell
# GRUCell.from_weights(kernel, recurrent_kernel, bias, reset_after=...)
# ```
#
# **The last thing that can go wrong** is new in this direction. A Keras layer may be something that
# no cell of ours is: `SimpleRNN(5, activation="relu")` has three arrays of just the shapes you
# expect. So has an LSTM whose gates use `hard_sigmoid`. A converter that looks at arrays only makes a
# cell that computes *something else*, without a word. So **refuse**: raise an error if
# `layer.activation` is not `tf.keras.activations.tanh`, or if the `layer.recurrent_activation` of a
# gated layer is not `tf.keras.activations.sigmoid`. (A SimpleRNN has no `recurrent_activation`.)
#
# ### Exercise 2: `from_keras`


# %% exercise="from_keras"
def from_keras(layer):
    """A cell of the course with the weights of a Keras layer.

    layer: a built tf.keras.layers.SimpleRNN, LSTM or GRU, with biases.
    Returns a BasicRNNCell, LSTMCell or GRUCell that computes step by step what the layer computes.
    Raises an error (ValueError, say) if the layer's activations are not the usual ones.
    """
    ### BEGIN SOLUTION
    usual = tf.keras.activations
    if layer.activation is not usual.tanh:
        raise ValueError(f"activation is {layer.activation.__name__}, expected tanh")
    if getattr(layer, "recurrent_activation", usual.sigmoid) is not usual.sigmoid:
        raise ValueError(f"gates have {layer.recurrent_activation.__name__}, expected sigmoid")
    weights = layer.get_weights()
    if isinstance(layer, tf.keras.layers.SimpleRNN):
        return BasicRNNCell.from_weights(*weights)
    if isinstance(layer, tf.keras.layers.LSTM):
        return LSTMCell.from_weights(*weights)
    return GRUCell.from_weights(*weights, reset_after=layer.reset_after)
    ### END SOLUTION


# %% check="from_keras"
check("from_keras", from_keras)

# %% [markdown]
# ## What need not wait
#
# A recurrent network is slow for a reason that no library can remove: step $t$ needs $h_{t-1}$. But *how
# much* of step $t$ needs it?
#
# $$z_t = x_t K + h_{t-1} R + b$$
#
# $K$ is the kernel $(D, 4H)$, $R$ the recurrent kernel $(H, 4H)$, $b$ the bias, and $z_t$ what all
# four gates are made of. Only one of the three terms knows $h$. The whole input is there from the
# beginning, so the first and the last can be computed for all steps at once, before the loop begins:
# a single product of a matrix with $B\,T$ rows. What is the same in every turn of a loop, or at least
# does not depend on the turns before, is **hoisted** out of it.

# %% tags=["demo"]
figure, panels = new_figure(rows=2, width=9.0, height=3.6)
draw_schedule(panels[0], 5, hoisted=False)
draw_schedule(panels[1], 5, hoisted=True)
panels[0].set_title("step by step: two small products each", loc="left")
panels[1].set_title("hoisted: one large product, then one small one a step", loc="left")
show(
    figure,
    alt="Above, five columns with two boxes each, x times K and h times R, joined by arrows between the "
    "lower boxes. Below, one large box X times K for all steps at once on the left, then five boxes "
    "h times R joined by arrows.",
)

# %% [markdown]
# **On paper.** $B = 16$ sequences, $T = 25$ steps, $D = 32$ features, $H = 64$ units. How many
# multiplications are there in all the products with $K$, how many in those with $R$? Which share of the
# work can be hoisted? Does hoisting make the work *less*?
#
# <details><summary>Compare</summary>
#
# $B\,T \cdot D \cdot 4H = 3.3$ million and $B\,T \cdot H \cdot 4H = 6.6$ million. A third can be
# hoisted. It is not a single multiplication less; they are only done in one piece instead of 25.
#
# </details>
#
# ### Exercise 3: `hoist_input_projection`
#
# A whole LSTM over whole sequences, in TensorFlow. The part after $z_t$ you have written in notebook 5;
# here it is, ready for use:


# %%
def gates(z, c):
    """From z_t (B, 4H) and the old c to the new h and c."""
    i, f, g, o = tf.split(z, 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


# %% [markdown]
# The check runs your function inside `tf.function` and looks at the *graph* that it leaves: how many
# products with the input are there, and does one of them stand inside a loop? Right numbers earn a part
# of the points, the single product the rest. Any loop will do, a Python loop over $T$ as well.
#
# <details><summary>Stuck? How to multiply three axes with two</summary>
#
# `x @ kernel` works for `(B, T, D)` and `(D, 4H)`: TensorFlow takes the last two axes as matrices. To
# make it one single matrix, reshape to `(B * T, D)` first, and back to `(B, T, 4H)`. Do not swap axes
# with a reshape on the way (notebook 2).
#
# </details>


# %% exercise="hoist_input_projection"
def hoist_input_projection(x, state, kernel, recurrent_kernel, bias):
    """An LSTM whose input is projected for all steps at once.

    x: (B, T, D). state: LSTMStateTuple(c, h) before the first step, (B, H) each.
    kernel: (D, 4H), recurrent_kernel: (H, 4H), bias: (4H,); gates in the order i, f, g, o.
    Returns (outputs, last_state): (B, T, H), and an LSTMStateTuple(c, h).
    There is one product with the input for all time steps.
    """
    ### BEGIN SOLUTION
    projected = x @ kernel + bias
    c, h = state
    outputs = []
    for z in tf.unstack(projected, axis=1):
        h, c = gates(z + h @ recurrent_kernel, c)
        outputs.append(h)
    return tf.stack(outputs, axis=1), LSTMStateTuple(c=c, h=h)
    ### END SOLUTION


# %% check="hoist_input_projection"
check("hoist_input_projection", hoist_input_projection)

# %% [markdown]
# ## A race on your machine
#
# One LSTM, six ways to write it, all with the same weights and the same outputs:
#
# | name | what it is |
# |---|---|
# | readable | a Python loop, run line by line: the code of notebook 5 |
# | unrolled | the same loop, traced into a graph: each step is written out (notebook 2) |
# | looped | one `tf.while_loop` in a graph (notebook 3) |
# | hoisted | a loop in a graph, the input projected before it |
# | by hand + XLA | a loop with the gradient of notebook 4 written by hand, compiled for this very machine |
# | Keras | `keras.layers.LSTM` in a graph |
#
# XLA is TensorFlow's compiler (`tf.function(..., jit_compile=True)`). It melts many small operations
# into few machine programs; the price is compiling, anew for each $B$ and $T$.
#
# How does one measure so that the result means something?
#
# - First run everybody once: the first run traces and compiles.
# - Then in **rounds**, each of them once a round. If the machine is busy for a moment, it hurts all
#   alike.
# - Compare **medians**: one bad round does not move them.
# - Say which machine it was, and at which size.
#
# **Predict first.** Put the six in order, for the forward pass. Then: who loses most when gradients
# are added?

# %% tags=["demo", "nbval-ignore-output"]
from course_lib.speed import contestants, machine, middle, race

size = {"batch": 16, "time": 25, "features": 32, "units": 64}
field = contestants(**size)
runs = {("forward", one.name): one.forward for one in field}
runs |= {("training", one.name): one.train for one in field}
times = middle(race(runs, seconds=3.0))
forward, training = (
    {one.name: times[kind, one.name] for one in field} for kind in ("forward", "training")
)
print("this machine:", machine())

figure, panels = new_figure(columns=2, width=9.5, height=2.9, sharey=True)
draw_race(panels[0], forward)
draw_race(panels[1], training)
panels[0].set_title("forward")
panels[1].set_title("forward and gradients")
figure.suptitle(", ".join(f"{name} {value}" for name, value in size.items()), fontsize=9)
show(
    figure,
    alt="Two bar charts of milliseconds, logarithmic: six ways to write an LSTM, forward and with "
    "gradients, on the machine named above. Running line by line takes longest by far where this was "
    "written.",
)

# %% [markdown]
# Read *your* bars; other machines have others. Three questions to put to them:
#
# 1. **What did the graph buy?** Compare *readable* with *unrolled*. It is the same Python function.
#    Run line by line, Python has to start every little operation.
# 2. **What did hoisting buy?** Compare *hoisted* with *looped*. Where this notebook was written: next
#    to nothing on a processor. The graph's executor had already noticed that $x_t K$ waits for
#    nobody, and did it on the side while the loop was busy with $h$. Good ideas have to be measured.
# 3. **What did compiling and a gradient by hand buy?** Compare the last but one with *looped*, on
#    both sides.
#
# And the most important question cannot be seen in the figure: *does it matter?* If reading your data
# takes ten times as long, take the readable one. A program that is measured to be fast enough **is**
# fast enough.
#
# Other sizes turn the order around. On large ones everything is one thing, the product $h_{t-1} R$.
# Try it: change `size`, run the cell again. `python benchmarks/cells.py` measures more kinds and
# sizes.
#
# ## What the graph looks like
#
# A graph is a program as data: nodes are operations. `count_graph_nodes` of notebook 2 counts them,
# loops' bodies included, once each.
#
# **Predict first.** The sequence has 25 steps. Who has most nodes? How many times as many as the loop?

# %% tags=["demo", "nbval-ignore-output"]
figure, axes = new_figure(height=3.0, width=8.0)
draw_nodes(axes, {one.name: one.nodes for one in field if one.nodes})
show(
    figure,
    alt="Nodes in the graphs of five contestants, forward and with gradients. Unrolled has by far the "
    "most, several hundred and about a thousand; the others have about a hundred, and two to three "
    "hundred with gradients.",
)

# %% [markdown]
# The unrolled graph grows with every step, the others do not know how long the sequence is. Hoisting
# changes *where* nodes stand, not how many there are. And the number of nodes says little about the
# time: what counts is how often each runs, and on what.
#
# ### Fast and wrong
#
# TensorFlow has a fused LSTM, a whole sequence in a single node: `tf.raw_ops.BlockLSTMV2`. It was
# made to be fast, and its outputs are right. Let us see its gradient (gates in the order i, f, g, o,
# as ours):

# %% tags=["demo"]
rng = np.random.default_rng(0)
B, T, D, H = 3, 6, 4, 5
x = tf.constant(rng.normal(size=(T, B, D)), tf.float32)  # time first
cell = LSTMCell(H, D, seed=1)
joined = tf.Variable(tf.concat([cell.kernel, cell.recurrent_kernel], axis=0))
nothing, unused = tf.zeros([B, H]), tf.zeros([H])


def fused(joined):
    """The outputs of one node that holds the whole loop."""
    return tf.raw_ops.BlockLSTMV2(
        seq_len_max=T, x=x, cs_prev=nothing, h_prev=nothing, w=joined, wci=unused, wcf=unused,
        wco=unused, b=cell.bias, cell_clip=0.0,
    ).h  # fmt: skip


def looped(joined):
    """The same, by the course."""
    outputs, _ = course_lib.hoist_input_projection(
        tf.transpose(x, [1, 0, 2]),
        LSTMStateTuple(nothing, nothing),
        joined[:D],
        joined[D:],
        cell.bias,
    )
    return tf.transpose(outputs, [1, 0, 2])


found = {}
for name, run in (("fused", fused), ("looped", looped)):
    with tf.GradientTape() as tape:
        outputs = run(joined)
        loss = tf.reduce_sum(outputs**2)
    found[name] = outputs.numpy(), tf.convert_to_tensor(tape.gradient(loss, joined)).numpy()
outputs_off = np.abs(found["fused"][0] - found["looped"][0]).max()
(wrong, right) = (found[name][1] for name in ("fused", "looped"))
print(f"outputs differ by          {outputs_off:.5f}")
off = np.linalg.norm(wrong - right) / np.linalg.norm(right)
print(f"gradients differ by more than a tenth: {off > 0.1}")

# %% [markdown]
# The outputs are equal to the last digit, and the gradient is *wrong*: this version of the op was
# registered with the gradient of its predecessor, which kept its gates in another order. A network
# trained with it would still learn something. Nobody would get an error.
#
# What would have shown it is in your hands since notebook 4: **a numerical gradient**. Fast code is
# checked against readable code, outputs *and* gradients, before it is used. That is what the readable
# code is for.

# %% [markdown]
# ## The deep echo in six lines
#
# Notebook 9 trained three LSTM layers of four units to echo bits, in windows of 15, carrying the
# memory of every layer from window to window. Out of standard layers it is six lines. What are they?
#
# - `tf.keras.Input(batch_shape=(B, None, 1))` says what comes in: bits, with a last axis of one
#   feature. The time is open, the batch is not, because of the next point.
# - `stateful=True` tells an LSTM layer to begin each call with the state in which it ended the last
#   one. So it needs a memory for $B$ sequences. (`layer.reset_state()` empties it.)
# - Each layer but the last feeds the next one with *all* of its outputs; and the read-out wants an
#   answer at each step, too.
# - `tf.keras.layers.Dense(2)` is the read-out: logits, without an activation.
#
# **On paper.** How many parameters has it? (Notebook 9, exercise 3, plus the read-out.) You will compare.
#
# <details><summary>Compare</summary>
#
# $96 + 144 + 144$ in the layers, $4 \cdot 2 + 2$ in the read-out: 394.
#
# </details>
#
# ### Exercise 4: `same_model_in_keras`
#
# `network` is an `EchoNetwork` of notebook 9. Its cells stand in the list `network.cell.cells`, the
# bottom first; its read-out has `network.W_out` $(H, 2)$ and `network.b_out` $(2,)$.
#
# <details><summary>Two errors that you may meet, and what they mean</summary>
#
# *"expected ndim=3, found ndim=2"*: a layer below hands up its last output only. *"the batch size must be
# static"*: a layer that is to keep a memory was not told for how many sequences.
#
# </details>


# %% exercise="same_model_in_keras"
def same_model_in_keras(network, batch):
    """The deep echo network out of Keras layers, with the same weights.

    network: has cell.cells, a list of LSTMCells from the bottom to the top, W_out and b_out.
    batch: B.
    Returns a tf.keras.Model (Sequential, functional, or a class of your own) from bits (B, T, 1) to
    logits (B, T, 2) that carries the state of all its layers from one call to the next.
    """
    ### BEGIN SOLUTION
    layers = tf.keras.layers
    model = tf.keras.Sequential([tf.keras.Input(batch_shape=(batch, None, 1))])
    for cell in network.cell.cells:
        model.add(layers.LSTM(cell.units, return_sequences=True, stateful=True))
        weights = [cell.kernel, cell.recurrent_kernel, cell.bias]
        model.layers[-1].set_weights([w.numpy() for w in weights])
    model.add(layers.Dense(2))
    model.layers[-1].set_weights([network.W_out.numpy(), network.b_out.numpy()])
    return model
    ### END SOLUTION


# %% check="same_model_in_keras"
check("same_model_in_keras", same_model_in_keras)

# %% [markdown]
# Train the course's network, move it to Keras, and let both answer a series that neither has seen.
# And a third one: the Keras model whose memory is emptied before every window.
#
# **Predict first.** Three of the fifteen labels in a window lie in the window before. How many right
# answers has the third one, if it guesses these?

# %% tags=["demo"]
network = course_lib.EchoNetwork(units=4, layers=3, seed=1)
x, y = course_lib.make_echo(50_000, 5, 3, np.random.default_rng(0))
course_lib.run_epoch(network, x, y, carry=True)

try:
    model = same_model_in_keras(network, 5)
    assert model(np.zeros((5, 15, 1))).shape == (5, 15, 2)
except Exception:  # not written, or not right yet
    model = course_lib.same_model_in_keras(network, 5)
x, y = course_lib.make_echo(3_000, 5, 3, np.random.default_rng(1))
_, by_place = course_lib.evaluate(network, x, y, carry=True)
right = {"the course's network": by_place.mean()}
for name, carry in (("the Keras model", True), ("the same, emptied each time", False)):
    hits = []
    for start in range(0, x.shape[1], 15):
        if start == 0 or not carry:
            for layer in model.layers:
                if hasattr(layer, "reset_state"):
                    layer.reset_state()
        logits = model(x[:, start : start + 15, None].astype(np.float32))
        hits.append(np.argmax(logits, axis=2) == y[:, start : start + 15])
    right[name] = np.mean(hits)
for name, share in right.items():
    print(f"{name:28} {'over 98 %' if share > 0.98 else 'under 90 %' if share < 0.9 else '?'}")

# %% [markdown]
# Guessing three of fifteen would leave nine of ten right. It is less than that, 87 % where this notebook
# was written: zeros are not *no* memory. The network takes them for bits that it has read, and goes wrong
# for some steps more. And still: `stateful=True` is one word among many, and forgetting it gives no error,
# no warning and a B+.
#
# ## The clinic
#
# That is the trouble with this whole field. A recurrent network that is wrong still runs, still
# learns, and is right nine times of ten. In thirteen notebooks you have met these mistakes one by
# one, each in its own chapter. In life they come without a heading.
#
# So here are networks without a program to read. Each **patient** is a reader of sequences: a stack
# of three LSTM layers, one LSTM that reads from the end, an attention that says how much each step
# counts. It is healthy, or it has **one** of ten troubles. You may try anything on it:
#
# | | |
# |---|---|
# | `patient.features`, `patient.units` | $D$ and $H$ |
# | `patient.read(x, lengths, states)` | reads `x` $(B, T, D)$. Without the other two: full length, zeros |
# | `patient.weights()` | three dicts, the bottom layer first: `kernel`, `recurrent_kernel`, `bias`; copies |
# | `patient.gradient(x)` | $(B, T, D)$: how the sum of the last outputs changes with `x`, as it is trained |
# | `patient.lesson(ids)` | `(inputs, targets)` that its maker makes of a text, a series of whole numbers |
#
# `states` are three `LSTMStateTuple(c, h)` of $(B, H)$ each, the bottom layer first. The gates in its weights
# are said to stand in the order i, f, g, o, as everywhere.
# What it has read comes with
#
# | | if the patient is healthy |
# |---|---|
# | `.outputs` $(B, T, H)$ | of the top layer; zero past a sequence's end |
# | `.states` | three `LSTMStateTuple(c, h)`, the bottom first: at each sequence's own end |
# | `.backward` $(B, T, H)$ | the reader from the end, in the order of time: step $t$ has read $t$ to the end |
# | `.attention` $(B, T)$ | adds up to 1 over the steps of each sequence |
#
# And these are the ten:
#
# | name | what is wrong |
# |---|---|
# | `forget-gate-on-h` | $c_t = f\,h_{t-1} + i\,g$ in place of $f\,c_{t-1} + i\,g$, in every LSTM (notebook 5) |
# | `gates-in-another-order` | it takes the blocks of its weights for i, g, f, o (notebook 5) |
# | `no-bias` | there are biases, but they are not added (notebook 1) |
# | `gradient-cut` | the gradient reaches the last step only (notebooks 4 and 8) |
# | `shared-layers` | two of the three layers are one (notebook 9) |
# | `state-not-carried` | whatever states it is given, it begins with zeros (notebook 8) |
# | `padding-read` | it does not care for lengths (notebook 3) |
# | `not-turned-back` | the backward outputs come in the order of reading (notebook 10) |
# | `softmax-over-the-wrong-axis` | the attention adds up to 1 over the batch (notebook 13) |
# | `targets-not-shifted` | the targets are the inputs (notebook 11) |
#
# To practise, `admit(name, seed)` lets in a patient with a trouble of your choice, with sizes and
# weights drawn from the seed. Its source stands in `course_lib/patients.py`; you learn more if you do
# not look.
#
# Below you see four experiments on three of them, with two sequences of lengths 5 and 3. A blue
# square says: this output depends on this input (of the second sequence, the padded one).
#
# **Predict first.** The top row is healthy. Which troubles have the other two?

# %% tags=["demo"]
figure, rows = new_figure(rows=3, columns=4, width=11.0, height=7.2)
for panels, name in zip(rows, (HEALTHY, "padding-read", "not-turned-back"), strict=True):
    draw_signs(panels, admit(name, seed=4))
for row, letter in zip(rows, "ABC", strict=True):
    row[0].set_ylabel(f"patient {letter}\noutput step")
show(
    figure,
    alt="Three rows of four pictures. Patient A: outputs read a lower triangle of the first three steps, "
    "backward an upper one; nothing reads the padding; attention adds up to one in each row; the gradient "
    "reaches every step. Patient B: the triangles have five steps, and attention falls on padding, "
    "too. Patient C: as A, but the backward picture is turned around.",
)

# %% [markdown]
# <details><summary>Compare</summary>
#
# B reads padding: steps 3 and 4 do not exist in this sequence, and yet they move everything. In C the
# backward output of step 0 has read step 2 only: it was not turned back.
#
# </details>

# %% tags=["demo", "nbval-ignore-output"]
patient_chooser(admit, [HEALTHY, *NAMES])

# %% [markdown]
# ### Which question first?
#
# A symptom is not a diagnosis. "Its first step is not what I compute from its weights" may mean
# another order of the gates. It may also mean that a bias was not added; or, if you began with a
# memory, that the forget gate keeps the wrong thing, or that the memory never arrived. Doctors call
# it *differential* diagnosis, and it consists of asking in the right order:
#
# - **Look first.** What can be seen without any experiment? Sums, targets, weights. (Two layers are
#   the same if their *kernels* hold the same numbers. Biases may be equal by right: that is how
#   layers begin.)
# - **Rule things out by the choice of the input.** From empty memories, a first step has no use for
#   the forget gate. With an input of zeros, only biases can make a sound.
# - **Change one thing at a time.** c alone, h alone, both. One step of the input, or one step of
#   padding. And look at something that *can* know of it: an output before the end cannot know what
#   comes behind it.
# - **Beware of round numbers.** A batch of one, as many sequences as steps, a constant series, a
#   single step: in such a case many a mistake makes no difference.
#
# **On paper.** Write down the ten, and for each one experiment whose outcome differs from a healthy
# patient's. Then go through the list: which *other* troubles would give the same outcome? Those have
# to be asked for before.
#
# <details><summary>A hint for c and h</summary>
#
# Let a patient read one step from states of zeros, and again from states in which only c is 1. In a
# healthy one, c of the bottom layer after the step differs. In two of the ten troubles it does not. A
# third reading tells which.
#
# </details>
#
# ### Exercise 5: `diagnose`
#
# The check admits 28 new patients, sick and healthy ones, in four wards. A ward counts if everybody in it
# gets the right name: who calls all of them sick helps nobody.
#
# These patients lie in a room that your code cannot enter: each question is carried in, the answer is
# carried out, as plain numbers. A question may hold up to 100 steps and 20 000 numbers, for a gradient
# 2 000. That is far more than any experiment needs.


# %% exercise="diagnose"
def diagnose(patient):
    """Find out by experiment what is wrong with a network.

    patient: see the tables above.
    Returns one of the ten names (they are listed in NAMES), or "healthy".
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(14)
    B, T, D, H = 2, 4, patient.features, patient.units
    x = rng.normal(size=(B, T, D))
    seen = patient.read(x)

    def first_c(c, h):
        """c of the bottom layer after one step that begins with so much in every c and h."""
        memory = LSTMStateTuple(c=np.full((B, H), c), h=np.full((B, H), h))
        return patient.read(x[:, :1], states=[memory] * 3).states[0].c

    # What can be seen at once.
    inputs, targets = patient.lesson(np.arange(T))
    if np.array_equal(inputs, targets):
        return "targets-not-shifted"
    if not np.allclose(seen.attention.sum(axis=1), 1):
        return "softmax-over-the-wrong-axis"
    kernels = {layer["recurrent_kernel"].tobytes() for layer in patient.weights()}
    if len(kernels) < 3:
        return "shared-layers"

    # One step from nothing: no forgetting, no memory.
    if not patient.read(np.zeros_like(x)).outputs.any():
        return "no-bias"
    bottom = patient.weights()[0]
    i, _, g, _ = np.split(x[:, 0] @ bottom["kernel"] + bottom["bias"], 4, axis=1)
    if not np.allclose(first_c(0.0, 0.0), np.tanh(g) / (1 + np.exp(-i))):
        return "gates-in-another-order"

    # One step from something.
    if np.allclose(first_c(0.0, 0.0), first_c(1.0, 1.0)):
        return "state-not-carried"
    if np.allclose(first_c(0.0, 0.0), first_c(1.0, 0.0)):
        return "forget-gate-on-h"

    # Several steps: who has read what?
    other_end, other_start = x.copy(), x.copy()
    other_end[:, -1] += 1
    other_start[:, 0] += 1
    short = [T - 1] * B
    before, after = (patient.read(series, short).states[0].h for series in (x, other_end))
    if not np.allclose(before, after):
        return "padding-read"
    if not np.allclose(patient.read(other_start).backward[:, -1], seen.backward[:, -1]):
        return "not-turned-back"
    if not patient.gradient(x)[:, 0].any():
        return "gradient-cut"
    return "healthy"
    ### END SOLUTION


# %% check="diagnose"
check("diagnose", diagnose)

# %% [markdown]
# Here is your record over 110 fresh patients, ten of each kind: a row for each trouble, a column for
# what your function said. (As long as it is not written, the course's own is used.) On the diagonal
# you were right; a number beside it tells which two you mix up.

# %% tags=["demo"]
doctor = diagnose
try:
    diagnose(admit(HEALTHY))
except NotImplementedError:
    doctor = course_lib.diagnose
except Exception:
    print("it ends with an error; the figure counts that as “another word”")
words = [HEALTHY, *NAMES]
said = np.zeros((11, 12), dtype=int)
for row, name in enumerate(words):
    for seed in range(100, 110):
        try:
            answer = doctor(admit(name, seed))
        except Exception:
            answer = None
        said[row, words.index(answer) if answer in words else 11] += 1
figure, axes = new_figure(width=7.5, height=5.2)
draw_confusion(axes, said if said[:, 11].any() else said[:, :11], words)
show(
    figure,
    alt="A table of eleven troubles and eleven diagnoses; if all are right, there is a ten in each place of "
    "the diagonal and nothing beside it.",
)

# %% [markdown]
# ## Where to go from here
#
# Recurrent networks are not the end of the story; they may be its most instructive part. What you
# know about memory, gradients through time, and the price of doing one thing after the other is what
# every later idea answers to.

# %% tags=["demo"]
figure, axes = new_figure(width=10.0, height=5.4)
draw_map(axes)
show(
    figure,
    alt="A map. In the middle: gates, loops, gradients, states, attention. Six roads lead away. Other data: "
    "speech, time series, music, handwriting. Longer memories: state space models, linear recurrences, "
    "parallel scans. Attention alone: transformers. The brain and the chip: reservoirs, spiking networks, "
    "online learning. Doubt: ensembles, ablations, reproducing papers. Faster: GPU layers, JAX, mixed "
    "precision.",
)

# %% [markdown]
# Three of them, in a sentence each:
#
# - **Attention alone** drops the loop: every step looks at all others at once, so that nothing waits,
#   and pays with work that grows with $T^2$. You have built the attention already, in notebook 13.
# - **Longer memories** keep the loop, and make it linear. Then $h_t = a\,h_{t-1} + b\,x_t$ can be
#   computed for all $t$ in $\log T$ rounds, the same trick as hoisting, carried to its end. What is
#   lost by leaving out the $\tanh$?
# - **Doubt** is the road that is least travelled. Take a paper, rebuild its smallest table, and see.
#
# ## How far you have come

# %% tags=["demo", "nbval-ignore-output"]
from autograder.progress import show_progress

show_progress()

# %% [markdown]
# ## Summary
#
# - A cell and a Keras layer are the same three arrays. What differs is convention: the order in a
#   state, where a GRU resets, what comes back by default, what stands past a sequence's end.
# - Prove that two programs are the same: same weights, same input, compare outputs, *and* gradients.
# - Of $z_t = x_t K + h_{t-1} R + b$ only the middle term has to wait. Whether doing the rest
#   beforehand is faster is for a measurement to say.
# - Measure in rounds, after a warm-up, by medians, and name the machine and the size.
# - `stateful=True`, and a batch of fixed size, carries memory from call to call.
# - A network that is wrong still learns. Look, rule out, change one thing, beware of round numbers.
#
# ### Sources
#
# - J. Appleyard, T. Kocisky, P. Blunsom, *Optimizing performance of recurrent neural networks on
#   GPUs*, 2016: hoisting and other ways to keep a machine busy.
# - S. Chetlur and others, *cuDNN: efficient primitives for deep learning*, 2014: what stands behind
#   Keras on a GPU.
# - A. Sabne, *XLA: compiling machine learning for peak performance*, 2020.
# - A. Vaswani and others, *Attention is all you need*, 2017.
# - A. Gu, T. Dao, *Mamba: linear-time sequence modeling with selective state spaces*, 2023; M. Beck
#   and others, *xLSTM: extended long short-term memory*, 2024.
# - J. Pineau and others, *Improving reproducibility in machine learning research*, 2021.
#
# **Next:** something of your own. Begin with a dumb baseline.
