# %% [markdown]
# # 2 · Static unrolling: one step, written out T times
#
# In the last notebook you unrolled a recurrent network by hand, for two time steps. Nobody writes out two
# hundred. Here you write the function that does it, for any step and any number of steps. Then you measure
# what this costs, and see why people invented something else.
#
# **After this notebook you can**
#
# - cut a batch of sequences into time steps and put it together again, without mixing up batch and time,
# - write `static_rnn`, which turns *one step* into *a sequence of steps*,
# - say what TensorFlow's graph of an unrolled network looks like, and count its nodes,
# - decide from measurements when unrolling pays and when it does not.
#
# **Time**: about 75 minutes. **You need**: notebook 1 (the basic step, shapes), some NumPy.

# %%
import time

import numpy as np

import course_lib as library
from autograder import check
from course_lib import tf
from course_lib.plots import new_figure, show
from course_lib.plots.static_unrolling import (
    against_length,
    cut_by_time,
    loop_graph,
    stack_back,
    unrolled_graph,
)

# %% [markdown]
# ## One step, two results
#
# Everything in this notebook is built on one agreement. A **step** is anything that you can call like this:
#
# ```python
# output, new_state = step(x, state)
# ```
#
# `x` is the input at one moment, `(B, D)`: one row for each of the $B$ sequences, $D$ features. The `state`
# is what the network remembers so far, `(B, H)`: $H$ numbers for each sequence. The step returns **two**
# things: the output of this moment, and the state to remember from now on.
#
# Why two? In the basic cell of notebook 1 they are the same numbers, so one would do. In most other
# networks they are not. Here is a step that is no neural network at all, and has two different results: a
# wallet with 10 coins in it.


# %%
def wallet(price, spent):
    """Buy something. The output is what is left of 10 coins, the state is what was spent so far."""
    spent = spent + price
    return 10 - spent, spent


wallet(price=3, spent=2)

# %% [markdown]
# **On paper.** You buy things for 1, 2 and 4 coins, starting with nothing spent. Write down the three
# outputs and the state at the end. Then do it again, starting with 3 coins spent already.
#
# Keep the paper: it will test your code.
#
# <details><summary>Compare</summary>
#
# From 0: outputs 9, 7, 3; final state 7. From 3: outputs 6, 4, 0; final state 10.
#
# Look at the ends: the last output (3) is not the final state (7). And the state that you start from
# changes *every* output.
#
# </details>

# %% [markdown]
# ## Where copy and paste ends
#
# The simplest way to take four steps is to write the line four times. That is our baseline: no idea, no
# loop, and it works.
#
# Does it? The next cell was written by hand in a minute. It runs without an error and everything has the
# right shape.
#
# **Find the bug** before you run it. (Prices 1, 2, 4, 2 should leave 9, 7, 3 and 1 coins.)


# %%
def four_steps(step, x0, x1, x2, x3, h0):
    y0, h1 = step(x0, h0)
    y1, h2 = step(x1, h1)
    y2, h3 = step(x1, h2)
    y3, h4 = step(x3, h3)
    return [y0, y1, y2, y3], h4


four_steps(wallet, 1, 2, 4, 2, h0=0)

# %% [markdown]
# <details><summary>The bug</summary>
#
# The third line was copied from the second and not changed everywhere: it reads `x1` where `x2` belongs.
# You buy the thing for 2 coins twice and never the one for 4, so there is more money left than there should
# be.
#
# In a real network such a slip raises nothing either: all inputs have one shape, and all states have one.
# The network just learns badly.
#
# </details>
#
# A well-known tutorial of 2017 builds its first network in this way, for two steps, and then notes that
# fifty steps would need fifty inputs and fifty outputs, each with a name of its own. It takes three moves
# to get away from that:
#
# 1. **cut** one array `(B, T, D)` into a list of $T$ arrays `(B, D)`,
# 2. **loop** over the list with one step,
# 3. **stack** the list of outputs into one array `(B, T, H)` again.
#
# You will write each of them.

# %% [markdown]
# ## Cut the array: swap axes, unstack
#
# A batch of sequences is one array `x` of shape `(B, T, D)`: $B$ sequences, $T$ time steps, $D$ features. A
# step wants something else: *one moment of all sequences*, `(B, D)`.
#
# In the figure each card is one row of $D$ features. The letter names the sequence, the digit the moment:
# B2 is sequence B at time 2.

# %% tags=["demo"]
figure, axes = new_figure(columns=4, width=9, height=3.2)
cut_by_time(axes)
show(
    figure,
    alt="Four panels of labelled cards. 1: the array, rows A, B, C, columns times 0 to 3. 2: batch and "
    "time swapped: each row is one time, A0 B0 C0 first. 3: the same rows pulled apart into a list of "
    "four pieces. 4: only reshaped: the first row reads A0 A1 A2, so moments and sequences are mixed.",
)

# %% [markdown]
# Two moves lead from the array to the list.
#
# - **Swap axes** (panel 2): batch and time change places; the features stay where they are. Now the first
#   axis is time.
# - **Unstack** (panel 3): take the array apart along its first axis. That axis is *gone* afterwards: what
#   was one array with three axes is a list of $T$ arrays with two.
#
# Panel 4 has the same shape as panel 2, and it is wrong. `reshape` never moves a number. It reads them in
# the order in which they lie in memory (A0, A1, A2, A3, B0, …) and deals them out into the new rows. The
# first "moment" now holds three moments of sequence A.
#
# No error will tell you. This is one of the most common bugs in code for sequences, and a network trained
# on such data still learns a little, which makes it hard to find.

# %% [markdown]
# **Predict first.** Two sequences, three steps, one feature. The numbers are chosen so that you can see
# where they come from: sequence 0 holds 0, 1, 2 and sequence 1 holds 10, 11, 12.
#
# What does the reshaped array hold at its first "moment"? What should it hold?

# %%
x_small = np.array([[[0], [1], [2]], [[10], [11], [12]]])
print("shape of x_small:", x_small.shape)
print("reshaped to (T, B, D), first moment:", x_small.reshape(3, 2, 1)[0].ravel())

# %% [markdown]
# It should hold 0 and 10: time 0 of both sequences.
#
# Your turn. There are several good ways: do the two moves of the figure, or go straight for the piece of
# moment $t$. What counts is which numbers end up in which piece.
#
# <details><summary>Stuck? Try it on the small array</summary>
#
# Make a new cell and play with `x_small` until you see 0 and 10. `x_small[0]` is sequence 0 at all times. Which
# of the three places between the brackets stands for time, and how do you say "all of them" for the batch?
# Then: the same for every moment.
#
# </details>


# %% exercise="to_time_list"
def to_time_list(x):
    """Cut a batch of sequences into its time steps.

    x: array (B, T, D).
    Returns: a list of T arrays (B, D). The first one holds the first moment of every sequence.
    """
    ### BEGIN SOLUTION
    return [x[:, t] for t in range(x.shape[1])]
    ### END SOLUTION


# %% check="to_time_list"
check("to_time_list", to_time_list)

# %% [markdown]
# ## The loop
#
# Now the heart of it. With $x_1, \dots, x_T$ the inputs, $h_0$ the state before the first step, and $y_t$
# and $h_t$ the output and the state after step $t$, unrolling means
#
# $$y_t,\; h_t = \mathrm{step}(x_t,\; h_{t-1}) \qquad t = 1, \dots, T.$$
#
# Read the subscripts: step $t$ gets *its own* input and the state that the step *before* left behind. The
# first step has none before it, and gets $h_0$, which need not be zero: a sequence may go on where another
# one ended.
#
# (The mathematics counts from 1, so that $h_0$ can be the state before everything. Python counts from 0.)
#
# What comes out is the list of all outputs $y_1, \dots, y_T$, one for each input, and **one** state: the
# last one, $h_T$.

# %% [markdown]
# ## One cell, called T times
#
# A *cell* is a step that owns its weights. The tutorial mentioned above calls the cell "a factory that
# creates copies of the cell", one for each time step. Take that word by word and you write a loop that
# makes a new cell at each step. It even runs.
#
# **Predict first.** A basic cell with $D = 3$ features and $H = 5$ units has $D H + H H + H = 45$ weights.
# How many weights does a network of 200 steps have? How many if each step had a copy of its own?

# %% tags=["demo"]
cell = library.BasicRNNCell(units=5, input_size=3)
print(" T   one cell   a copy each step")
for T in (2, 50, 200):
    print(f"{T:3d} {cell.parameter_count:10d} {T * cell.parameter_count:18d}")

# %% [markdown]
# There is one cell. It is called $T$ times, and nothing is copied. That is not thrift; it is what makes the
# network recurrent:
#
# - what it learns at one moment holds at every other moment,
# - it can run on sequences longer than any that it has seen: there is no step number 201 without weights.
#
# The cell that the check hands to your function has a method `fresh()`, which returns a new cell with new
# weights. It stands there for those who believe in factories. You do not need it.

# %% [markdown]
# Write `static_rnn`. It should work with *any* step: the check uses one whose output is not its state and
# does not even have the same size. So use nothing of the step but the call. And leave `xs` and `h0` as they
# are: whoever handed them to you may need them again.
#
# <details><summary>Stuck? Try it with the wallet first</summary>
#
# Take your sheet of paper. You wrote down two things in each line: an output, which you then left alone,
# and a state, which you carried down to the next line. Which of the two needs a list, and which only needs
# one variable? What was in that variable before the first line?
#
# </details>


# %% exercise="static_rnn"
def static_rnn(step, xs, h0):
    """Apply one step to every input of a sequence, handing the state on.

    step: step(x, state) -> (output, new_state); x is (B, D), a state is (B, H).
    xs: list of T inputs (B, D). h0: state before the first step (B, H).
    Returns: (outputs, h_T): the list of the T outputs, and the state after the last step.
    """
    ### BEGIN SOLUTION
    outputs, state = [], h0
    for x in xs:
        output, state = step(x, state)
        outputs.append(output)
    return outputs, state
    ### END SOLUTION


# %% check="static_rnn"
check("static_rnn", static_rnn)

# %% [markdown]
# Does it agree with your sheet of paper? (Your function does not care that prices are plain numbers and
# not arrays.)

# %% tags=["demo"]
for spent in (0, 3):
    try:
        print(f"starting with {spent} spent:", static_rnn(wallet, [1, 2, 4], spent))
    except Exception as problem:
        print("not yet:", type(problem).__name__, problem)

# %% [markdown]
# ## Put it back: stack
#
# The way back is the way there, read from the end: **stack** the $T$ pieces on top of each other, which
# makes a *new* first axis (time), then **swap** batch and time.

# %% tags=["demo"]
figure, axes = new_figure(columns=4, width=9, height=3.2)
stack_back(axes)
show(
    figure,
    alt="Four panels of labelled cards. 1: a list of four outputs, A0 B0 C0 first. 2: stacked into one "
    "array with time down and batch across. 3: axes swapped: batch down, time across. 4: concatenated: "
    "all twelve cards in a single column, so batch and time have become one axis.",
)

# %% [markdown]
# To **stack** is to make a new axis; to **concatenate** is to make an existing axis longer. With a
# list of twelve outputs of shape `(B, H)`:
#
# | | shape of the result |
# |---|---|
# | stacked | three axes; one of them has length 12 |
# | concatenated | two axes, as before; one of them 12 times as long |
#
# After concatenating (panel 4) nobody can tell batch from time any more. And `reshape` waits on this way,
# too.


# %% exercise="stack_outputs"
def stack_outputs(ys):
    """Put the outputs of T steps together.

    ys: list of T arrays (B, H).
    Returns: array (B, T, H).
    """
    ### BEGIN SOLUTION
    return np.stack(ys, axis=1)
    ### END SOLUTION


# %% check="stack_outputs"
check("stack_outputs", stack_outputs)

# %% [markdown]
# Now all three together, on the tutorial's own batch: four sequences, two steps, three features. For
# comparison the cell also runs Keras' layer with the same weights; its argument `unroll=True` asks for just
# what you have written.

# %% tags=["demo"]
x = np.array(
    [
        [[0, 1, 2], [9, 8, 7]],
        [[3, 4, 5], [0, 0, 0]],
        [[6, 7, 8], [6, 5, 4]],
        [[9, 0, 1], [3, 2, 1]],
    ],
    dtype=np.float32,
)
cell = library.BasicRNNCell(units=5, input_size=3, seed=1)
h0 = np.full((4, 5), 0.1, np.float32)

layer = tf.keras.layers.SimpleRNN(5, return_sequences=True, return_state=True, unroll=True)
layer.build(x.shape)
layer.set_weights([cell.Wx, cell.Wh, cell.b])
keras_outputs, keras_state = layer(x, initial_state=h0)
try:
    ys, last_state = static_rnn(cell, to_time_list(x), h0)
    outputs = np.asarray(stack_outputs(ys))
    print("shape of the outputs:", outputs.shape)
    print("same outputs as Keras:", np.allclose(outputs, keras_outputs, atol=1e-5))
    print("same final state:     ", np.allclose(last_state, keras_state, atol=1e-5))
except Exception as problem:
    print("not yet:", type(problem).__name__, problem)

# %% [markdown]
# That is the whole of static unrolling: three functions, a handful of lines between them. So why is there
# anything else? The rest of this notebook is about the price.

# %% [markdown]
# ## A graph is written once
#
# TensorFlow can run your code line by line, as NumPy does. It is faster when it knows the whole computation
# in advance, as a **graph**: a list of *nodes*, each of them one operation, an input or a constant.
# `tf.function` makes the graph. It calls your Python function **once**, with stand-ins in place of numbers,
# and writes down every operation that it meets. That is *tracing*. From then on only the graph runs, and
# Python is out of the game.
#
# **Predict first.** The function below is called four times. How often does it print?


# %% tags=["demo"]
@tf.function
def total(x):
    print("Python is running: tracing for shape", x.shape)
    return tf.reduce_sum(x)


for T in (2, 2, 3, 2):
    total(tf.zeros([1, T, 3]))

# %% [markdown]
# Twice: once for each *shape*. The second and the fourth call found a graph that fits and ran it.
#
# Now what becomes of a Python loop? It runs while tracing. The graph never hears of it: what is written
# down is what the loop *did*. Here is how to look at the list.


# %% tags=["demo"]
def double_twice(x):
    for _ in range(2):
        x = x + x
    return x


example = tf.TensorSpec([4], tf.float32)  # stands for any float32 array of shape (4,)
graph_def = tf.function(double_twice).get_concrete_function(example).graph.as_graph_def()
for node in graph_def.node:
    print(f"{node.op:12s} {node.name:10s} from {list(node.input)}")

# %% [markdown]
# Four lines, so four nodes: the input (a *Placeholder*), the two additions, the result (*Identity*). There
# is no loop; there are two additions.
#
# Here are all nodes of an unrolled basic network with two time steps (left), drawn from its graph. The
# small grey squares are constants: where each slice begins, where it ends, and how far it goes at a time.
# On the right, simplified, the same network with a loop *inside* the graph, which is the subject of the
# next notebook.


# %% tags=["demo"]
def network(x, h0, Wx, Wh, b):
    def step(x_t, h):
        h = tf.tanh(x_t @ Wx + h @ Wh + b)
        return h, h

    ys, _ = library.static_rnn(step, library.to_time_list(x), h0)
    return library.stack_outputs(ys)


def network_graph(T, B=4, D=3, H=5):
    shapes = [B, T, D], [B, H], [D, H], [H, H], [H]
    return tf.function(network).get_concrete_function(*map(tf.TensorSpec, shapes)).graph


figure, axes = new_figure(columns=2, width=9, height=4.4, width_ratios=[5, 3])
unrolled_graph(axes[0], network_graph(T=2).as_graph_def().node)
axes[0].set_title("static, T = 2", loc="left")
loop_graph(axes[1])
axes[1].set_title("loop, any T", loc="left")
show(
    figure,
    alt="Left: the graph of two unrolled steps. Five inputs x, h0, Wx, Wh, b stand at the left and feed "
    "two equal columns: slice, two matmuls, two adds, tanh. The first tanh feeds the second column's "
    "matmul. Both tanhs go into stack, then result. Right: a dashed box, body, written once, with read, two "
    "matmuls, two adds and tanh; an arrow from tanh back to a matmul is labelled next turn.",
)

# %% [markdown]
# Follow the arrows on the left. The weights `Wx`, `Wh` and `b` stand there **once** and feed both columns.
# The only arrow from one column to the next is the state.
#
# **On paper.** Count the nodes of the left figure, squares included. Which of them are there once, whatever
# $T$ is, and which come back with each step? How many nodes are there for $T = 3$?

# %% tags=["demo"]
for T in (2, 3, 4):
    print("T =", T, " nodes:", len(network_graph(T).as_graph_def().node))

# %% [markdown]
# <details><summary>The count</summary>
#
# Once: five inputs, *stack* and *result*, 7 nodes. In each step: a slice with its three constants, two
# products, two sums, one tanh, 9 nodes. So $7 + 9 T$.
#
# Had the array been cut with *swap* and *unstack*, the slices and their constants would be a few nodes in
# all, and a step would cost 5 in place of 9. Two answers to the first exercise, both right, and one makes a
# graph nearly twice as large.
#
# </details>

# %% [markdown]
# ## What does one more step cost?
#
# The graph of a network that is to *learn* is larger: the gradient of each operation has to be computed
# too, which takes more operations. Someone counted the nodes for another basic network:
#
# | | forward | with the gradient |
# |---|---|---|
# | T = 2 | 33 | 78 |
# | T = 200 | 1,617 | 5,028 |
#
# **On paper.** The count is a straight line $N(T) = a + b\,T$, with $a$ the nodes that are there once and
# $b$ the nodes of a step. Two points are enough for a line: how many nodes does one more step cost, forward
# and with the gradient? How many nodes will there be at $T = 1000$?
#
# <details><summary>Compare</summary>
#
# Forward: $b = (1617 - 33) / 198 = 8$ and $a = 33 - 16 = 17$, so 8,017 nodes at $T = 1000$. With the
# gradient: $b = (5028 - 78) / 198 = 25$ and $a = 28$, so 25,028 nodes.
#
# The line does not start at zero, so "nodes of one step times T" is not the answer.
#
# </details>

# %% [markdown]
# ## Where a loop hides its body
#
# You want to compare such a graph with one that holds a loop. So you need to count the nodes of a loop as
# well, and there is a trap in it. Here is `double_twice` again, with the loop *in the graph*.
# `tf.while_loop` takes a condition, a body, and the variables to start from.
#
# **Predict first.** Which of the printed nodes will be the addition `x + x`?


# %% tags=["demo"]
def double_in_a_loop(x):
    def not_done(turn, x):
        return turn < 2

    def body(turn, x):
        return turn + 1, x + x

    return tf.while_loop(not_done, body, (tf.constant(0), x))[1]


graph_def = tf.function(double_in_a_loop).get_concrete_function(example).graph.as_graph_def()
print("nodes:", [node.op for node in graph_def.node])

# %% [markdown]
# None of them is the addition. The whole loop is one node, *StatelessWhile*. What it repeats stands
# elsewhere: in the graph's **library**, as functions that the node refers to by name. One is the condition,
# one the body. A function of the library holds its nodes in a list called `node_def`.

# %% tags=["demo"]
for function in sorted(graph_def.library.function, key=lambda f: "cond" in f.signature.name):
    kind = "condition" if "cond" in function.signature.name else "body"
    print(f"{kind:10s}", [node.op for node in function.node_def])

# %% [markdown]
# There it is: one of the three `AddV2` is `x + x`. (One counts the turns, and one is a counter of
# TensorFlow's own.) Bodies are *written* once and *run* as often as the loop turns. The library keeps the
# functions of the whole graph, also those that are called from inside another function, all in one list.
#
# A node count that is to be fair includes both places. Write it.
#
# `fn` is an ordinary Python function of one array. To trace it you need an example of what it will get: a
# float32 array of shape `(batch, T, features)`, or a `tf.TensorSpec` of that shape as above.


# %% exercise="count_graph_nodes"
def count_graph_nodes(fn, T, batch=2, features=3):
    """Count the nodes of the graph that tf.function makes of fn, for sequences of T steps.

    fn: Python function of one float32 array (batch, T, features), not traced yet.
    Returns: int, the nodes of the graph itself and of all functions in its library.
    """
    ### BEGIN SOLUTION
    example = tf.TensorSpec([batch, T, features], tf.float32)
    graph_def = tf.function(fn).get_concrete_function(example).graph.as_graph_def()
    bodies = sum(len(function.node_def) for function in graph_def.library.function)
    return len(graph_def.node) + bodies
    ### END SOLUTION


# %% check="count_graph_nodes"
check("count_graph_nodes", count_graph_nodes)

# %% [markdown]
# ## What it costs: nodes
#
# Now the measurement. One basic cell ($D = 16$ features, $H = 64$ units), a batch of 32, unrolled in two
# ways: *static*, as you wrote it, and as a *loop* in the graph, with the library's `dynamic_rnn` that you
# will write in the next notebook. Both forward only and with the gradient of a loss.
#
# **Predict first.** Sketch four curves over $T$, from 2 to 200: nodes of static and loop, forward and
# gradient. Which of them cross?

# %% tags=["demo"]
B, D, H = 32, 16, 64
LENGTHS = (2, 5, 10, 20, 50, 100, 200)
big_cell = library.BasicRNNCell(units=H, input_size=D)
inputs = {
    T: tf.constant(np.random.default_rng(T).normal(size=(B, T, D)), tf.float32) for T in LENGTHS
}


def static(x):
    ys, _ = library.static_rnn(big_cell, library.to_time_list(x), tf.zeros([B, H]))
    return library.stack_outputs(ys)


def loop(x):
    return library.dynamic_rnn(big_cell, x, tf.zeros([B, H]))[0]


def gradient_of(forward):
    def gradient(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(forward(x) ** 2)
        return tape.gradient(loss, big_cell.trainable_variables)

    return gradient


ways = {
    "static, forward": static,
    "static, gradient": gradient_of(static),
    "loop, forward": loop,
    "loop, gradient": gradient_of(loop),
}


# %% tags=["demo", "nbval-ignore-output"]
def milliseconds(run, x, repeats=7):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run(x)
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times))


nodes, first_call, later_calls = {}, {}, {}
for name, function in ways.items():
    traced = {T: tf.function(function, autograph=False) for T in LENGTHS}  # a new graph for each T
    first_call[name] = [milliseconds(traced[T], inputs[T], 1) for T in LENGTHS]
    later_calls[name] = [milliseconds(traced[T], inputs[T]) for T in LENGTHS]
    nodes[name] = [library.count_graph_nodes(traced[T], inputs[T]) for T in LENGTHS]

print("nodes at T =     " + "".join(f"{T:6d}" for T in LENGTHS))
for name, counts in nodes.items():
    print(f"{name:17s}" + "".join(f"{count:6d}" for count in counts))

# %% tags=["demo", "nbval-ignore-output"]
figure, axes = new_figure(width=6.5, height=3.4)
against_length(axes, LENGTHS, nodes)
axes.set_ylabel("nodes in the graph")
axes.legend(fontsize=9, frameon=False)
show(
    figure,
    alt="Nodes against time steps, both axes logarithmic. The two static curves rise steadily, from a few "
    "dozen at T = 2 to a few thousand at T = 200. The two loop curves are flat, one near 50, one below 200.",
)

# %% [markdown]
# The static graph grows by the same number of nodes with every step (about 12 forward, about 18 with the
# gradient). The graph of the loop does not grow at all.
#
# But look at the left edge. For two steps the *static* graph is the smaller one: a loop brings its own
# machinery, a counter, a condition, a place to collect the outputs. The curves cross at a handful of steps
# forward, and before ten with the gradient.
#
# Is a large graph bad? Nodes cost nothing to look at. What they cost is time.

# %% [markdown]
# ## What it costs: time
#
# Two times matter. The **first call** traces the function, prepares the graph and runs it. **Later calls**
# only run it.
#
# We add the dumb baseline: no graph at all, your Python loop, line by line.
#
# **Predict first.** Which way has the fastest *later* calls at $T = 200$: static, loop, or no graph?

# %% tags=["demo", "nbval-ignore-output"]
no_graph = "no graph, forward"
later_calls[no_graph] = [milliseconds(static, inputs[T], 3) for T in LENGTHS]

figure, axes = new_figure(columns=2, width=9, height=3.6, sharey=True)
against_length(axes[0], LENGTHS, first_call)
axes[0].set_title("first call: trace, prepare, run", loc="left")
axes[0].set_ylabel("milliseconds")
against_length(axes[1], LENGTHS, later_calls)
axes[1].set_title("later calls: run", loc="left")
axes[1].legend(fontsize=9, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
show(
    figure,
    alt="Milliseconds against time steps, logarithmic. First call: static rises to a second or more, the "
    "loop stays flat near a tenth of a second. Later calls: all rise with T and are close together at a few "
    "milliseconds; the Python loop without a graph takes several times to tens of times as long.",
)

# %% tags=["demo", "nbval-ignore-output"]
print("milliseconds at T = 200   first call   later calls")
for name in ways:
    print(f"{name:25s} {first_call[name][-1]:10.0f} {later_calls[name][-1]:13.1f}")
print(f"{no_graph:25s} {'':10s} {later_calls[no_graph][-1]:13.1f}")

# %% [markdown]
# Timings differ from machine to machine, and yours are above. What you will find on nearly all of them:
#
# - **First call.** Static unrolling pays for every node: at 200 steps it takes about a second, ten or more
#   times as long as the loop, whose first call is always the same.
# - **Later calls.** Here the static graph is *not* slower. Often it is faster than the loop, which has its
#   bookkeeping to do at each turn.
# - **No graph** loses by far in later calls: it pays for Python at each operation.
#
# So static unrolling is not a beginner's mistake. It is a trade: a price at the start for a little speed
# later.
#
# **On paper.** Take your own numbers at $T = 200$ with the gradient. How many calls does it take until the
# static graph has earned its first call back?
#
# <details><summary>How</summary>
#
# (static first call − loop first call) / (loop later call − static later call). With 1500 and 130
# milliseconds for the first calls, 10 and 7 for the later ones: 1370 / 3, more than 450 calls. If the lower
# number is negative on your machine, it never does.
#
# </details>

# %% [markdown]
# ## What a static graph cannot do
#
# There is a second price, and it is not measured in milliseconds. A graph that was written out for 200
# steps *has* 200 steps. What if sequences have 5, 6 and 7?
#
# **Predict first.** We call one `tf.function` on five sequences with 5, 6, 7, 5 and 6 steps. How many
# graphs are traced? How many if it holds a loop, and we tell it that $T$ may vary?

# %% tags=["demo"]
any_length = [tf.TensorSpec([B, None, D], tf.float32)]  # None: not known when the graph is made
unrolled, looped = tf.function(static), tf.function(loop, input_signature=any_length)
for T in (5, 6, 7, 5, 6):
    unrolled(tf.zeros([B, T, D]))
    looped(tf.zeros([B, T, D]))
print("graphs, static:", unrolled.experimental_get_tracing_count())
print("graphs, loop:  ", looped.experimental_get_tracing_count())
try:
    tf.function(static, input_signature=any_length).get_concrete_function()
except ValueError as problem:
    print("static with T unknown:", str(problem).strip().splitlines()[-1].strip())

# %% [markdown]
# A graph for each length, and a first call for each of them. If $T$ is unknown there is no graph at all:
# how often should the Python loop run?
#
# One way out is to fill up all sequences with zeros to the same length. That is called *padding*, it is
# done everywhere, and it brings a problem of its own: the network goes on running over the zeros. The other
# way out is a loop in the graph. Both are the subject of the next notebook.
#
# What a loop does **not** save is memory for the states: the gradient needs every $h_t$ again, so they are
# kept for all $T$ steps, whichever way you unroll.

# %% [markdown]
# ## Summary
#
# - A **step** returns two things: an output for now, a state for later. They are the same only in the
#   simplest cell.
# - **Cut**, **loop**, **stack**: `(B, T, D)` → $T$ × `(B, D)` → $T$ × `(B, H)` → `(B, T, H)`. To exchange
#   axes is not to reshape. To stack is not to concatenate.
# - One cell is called $T$ times. Nothing is copied, and the number of weights does not depend on $T$.
# - Tracing runs Python once and writes down what happens. A Python loop becomes $T$ copies of its body; a
#   loop in the graph is one node, with its body in the library.
# - A static graph grows in a straight line with $T$, and so does its first call. Its later calls are fast.
#   It needs to know $T$.
#
# | use | when |
# |---|---|
# | static unrolling (Keras: `unroll=True`) | few steps, always as many, many calls |
# | a loop in the graph (Keras' default) | many steps, or a number that varies |
# | no graph | you want to look inside, step by step |
#
# **If you want more**: write `to_time_list` in a second way and count the nodes of both. Or give
# `static_rnn` a state that is a pair of arrays. Does anything have to change?

# %% [markdown]
# ## Sources and what comes next
#
# - J. Elman, *Finding Structure in Time*, Cognitive Science 14, 1990: the basic network, one copy of the
#   state at a time.
# - P. Werbos, *Backpropagation Through Time: What It Does and How to Do It*, Proceedings of the IEEE 78,
#   1990: unrolling, and why it gives gradients.
# - Y. Yu et al., *Dynamic Control Flow in Large-Scale Machine Learning*, EuroSys 2018: how `tf.while_loop`
#   works and why it was needed.
# - A. Agrawal et al., *TensorFlow Eager: A Multi-Stage, Python-Embedded DSL for Machine Learning*, MLSys
#   2019: tracing, and what `tf.function` is.
#
# **Next**: notebook 3 puts the loop into the graph, and lets every sequence have its own length.
