# %% [markdown]
# # 1 · Unrolling by hand
#
# A recurrent network is one small computation, repeated. In this notebook you write that computation
# yourself, run it for two time steps, and then use what you have understood to solve a small case: a
# well-known 2017 tutorial printed the outputs of such a network without saying which weights made them. You
# will get the weights back.
#
# **What you will be able to do**
#
# - write one step of a recurrent network, first in NumPy, then in TensorFlow;
# - unroll it over two steps, and say what the steps share and what they hand on;
# - read one weight matrix in place of two, as TensorFlow once stored it;
# - tell what TensorFlow can trace and differentiate, and what it cannot follow;
# - recover weights from outputs, and say where that must fail.
#
# **Time** about 75 minutes. **You need** NumPy arrays, the matrix product, and what a dense layer is. You
# need no TensorFlow yet.
#
# **How it works** Below every exercise is a cell with `check(...)`. It runs your function on small cases and
# shows a card: what is right, what is not, and up to three hints that you open one at a time. Checks can be
# run as often as you like.

# %%
import math

import numpy as np

from autograder import check
from course_lib import Y0_PRINTED, Y1_PRINTED, tf
from course_lib.plots import new_figure, show
from course_lib.plots import unrolling as plots

np.set_printoptions(precision=3, suppress=True)

# %% [markdown]
# ## A sequence, and the simplest way to read it
#
# Here is the tutorial's data: a *batch* of four instances. Each is a sequence of two *time steps*, and at
# each step three numbers (*features*) arrive. `X0` holds what arrives at $t = 0$, `X1` what arrives at
# $t = 1$.

# %%
X0 = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 0, 1]], dtype=float)  # t = 0
X1 = np.array([[9, 8, 7], [0, 0, 0], [6, 5, 4], [3, 2, 1]], dtype=float)  # t = 1

print("instance 0 reads", X0[0], "and then", X1[0])
print("instance 1 reads", X0[1], "and then", X1[1])

# %% [markdown]
# Before anything clever, the simplest thing that could work: glue the two steps together and feed all six
# numbers to one dense layer of five neurons.

# %%
rng = np.random.default_rng(4)
glued = np.hstack([X0, X1])
W_glued = rng.normal(size=(6, 5))
print("inputs", glued.shape, "-> outputs", np.tanh(glued @ W_glued).shape)

# %% [markdown]
# **Pen and paper.** The layer has $6 \cdot 5$ weights and 5 biases. How many numbers would it have for
# sequences of 100 steps? And what happens on the day when a sequence of *three* steps arrives?
#
# <details><summary>Answer</summary>
#
# $100 \cdot 3 \cdot 5 + 5 = 1505$. And a third step has nowhere to go: nine numbers do not fit a matrix with
# six rows. A layer for three steps is another layer, with weights that were never trained.
#
# There is a quieter loss. What the layer learns about the number at $t = 0$ says nothing about the same
# number at $t = 1$: other weights meet it there. It has to learn everything once for every position.
# </details>
#
# This is our baseline. Whatever we build must read sequences of any length with the same weights.

# %% [markdown]
# ## The idea: one step, used again
#
# Read the sequence as you read this sentence: one item at a time, keeping something in mind. What the network
# keeps in mind is its **state** $h$. At every step it combines the new input with the old state:
#
# $$y_t = \tanh\left(x_t W_x + h_{t-1} W_h + b\right), \qquad h_t = y_t$$
#
# - $x_t$ is the input at time step $t$;
# - $h_{t-1}$ is the state that the step before left behind, and $h_t$ the one that this step leaves;
# - $W_x$ weighs the input, $W_h$ weighs the state, $b$ is the bias;
# - $\tanh$ squashes the sum into the range from $-1$ to $1$;
# - $y_t$ is the output. In this simplest of cells the output *is* the new state.
#
# Look at which letters carry a $t$ and which do not. Inputs, states and outputs change from step to step. The
# weights $W_x$, $W_h$ and $b$ do not: **they are the same at every time step**. That is all that "recurrent"
# means.

# %% tags=["demo"]
figure, (left, right) = new_figure(columns=2, width=8, height=2.9, width_ratios=[1, 2.6])
plots.folded_network(left)
plots.unrolled_network(right, steps=2)
show(
    figure,
    alt="Left: a box called step, with input x_t from below through W_x and b, output y_t above, and "
    "the output led back into the box through W_h. Right: the same box drawn twice, side by side, "
    "each with its own input and output and the same W_x, W_h and b; the first starts from h = 0 and "
    "hands its output to the second.",
)

# %% [markdown]
# Both drawings are the same network. Writing the loop on the left out in time, as on the right, is called
# **unrolling**. The right one looks like a feed-forward network with two layers, with two twists: both layers
# have the same weights, and each layer gets an input of its own.

# %% [markdown]
# ## Shapes first
#
# Most bugs in recurrent networks are bugs of shape, so we agree on shapes before we write code. The course
# uses these letters everywhere:
#
# | letter | what it counts | here |
# |---|---|---|
# | $B$ | batch: how many sequences side by side | 4 |
# | $T$ | time steps | 2 |
# | $D$ | features of one input | 3 |
# | $H$ | hidden units (neurons) | 5 |
#
# | array | shape | read it as |
# |---|---|---|
# | $x_t$ | $(B, D)$ | one row an instance |
# | $h_t$, $y_t$ | $(B, H)$ | one row an instance |
# | $W_x$ | $(D, H)$ | from feature (row) to neuron (column) |
# | $W_h$ | $(H, H)$ | from neuron (row) to neuron (column) |
# | $b$ | $(H,)$ | one a neuron, the same for every instance |
#
# The batch is the rows, so weights stand on the *right* of what they multiply: $(B, D)$ times $(D, H)$ is
# $(B, H)$.
#
# One trap: $W_h$ is square, so no shape error will ever tell you that you used it the wrong way round. The
# entry in row $i$ and column $j$ is how strongly neuron $j$ hears what neuron $i$ said one step ago.

# %% [markdown]
# ## One step
#
# **Pen and paper.** One instance ($B = 1$), two features, two neurons:
#
# $$x = \begin{pmatrix} 1 & 2 \end{pmatrix}, \quad
# h = \begin{pmatrix} 0.5 & -0.5 \end{pmatrix}, \quad
# W_x = \begin{pmatrix} 0.5 & 0 \\ 0.25 & -0.5 \end{pmatrix}, \quad
# W_h = \begin{pmatrix} 0 & 1 \\ 0 & 0 \end{pmatrix}, \quad
# b = \begin{pmatrix} 0 & 0.5 \end{pmatrix}$$
#
# Which neuron listens to which, according to $W_h$? Work out the new state
#
# $$\tanh\left(x W_x + h W_h + b\right)$$
#
# on paper ($\tanh 1 \approx 0.762$). Then write the function, and try it on these numbers in a cell of your
# own.
#
# <details><summary>Answer</summary>
#
# $x W_x = (1, -1)$. The only entry of $W_h$ stands in row 0 and column 1: neuron 1 hears neuron 0, and nobody
# hears neuron 1. So $h W_h = (0, 0.5)$. The sum is $(1 + 0 + 0,\ -1 + 0.5 + 0.5) = (1, 0)$, and the new state
# is $(0.762, 0)$. Had you got $(0.462, -0.462)$, you would have used $W_h$ the wrong way round.
# </details>


# %% exercise="rnn_step"
def rnn_step(x, h, Wx, Wh, b):
    """One step of the basic recurrent network.

    x   (B, D)  the input of this step
    h   (B, H)  the state before this step
    Wx  (D, H)  weights of the input
    Wh  (H, H)  weights of the state
    b   (H,)    bias

    Returns a new array (B, H): the state after this step, which is also the output.
    The arrays that you are given stay as they are.
    """
    ### BEGIN SOLUTION
    return np.tanh(x @ Wx + h @ Wh + b)
    ### END SOLUTION


# %% check="rnn_step"
check("rnn_step", rnn_step)

# %% [markdown]
# ## Two steps
#
# Two arrows arrive at every step in the drawing above: the input from below, the state from the left. At
# $t = 1$ the arrow from the left comes out of $t = 0$. And at $t = 0$? Nothing has been read yet, so there is
# nothing to remember: **the state before the first step is zero**, for every instance.
#
# **Pen and paper.** Which of $x_0$, $x_1$ does $y_0$ depend on? Which does $y_1$ depend on? Could you compute
# $y_0$ before $x_1$ has arrived?
#
# Now unroll the network yourself. You may use your `rnn_step`.


# %% exercise="unroll_two_steps"
def unroll_two_steps(x0, x1, Wx, Wh, b):
    """The basic network on sequences of two time steps, from a state of zeros.

    x0, x1  (B, D) each: the inputs at t = 0 and at t = 1
    Wx, Wh, b: the weights, as in rnn_step

    Returns two arrays (y0, y1), (B, H) each: the outputs at t = 0 and at t = 1.
    """
    ### BEGIN SOLUTION
    nothing_read = np.zeros((len(x0), Wh.shape[0]))
    y0 = rnn_step(x0, nothing_read, Wx, Wh, b)
    y1 = rnn_step(x1, y0, Wx, Wh, b)
    return y0, y1
    ### END SOLUTION


# %% check="unroll_two_steps"
check("unroll_two_steps", unroll_two_steps)

# %% [markdown]
# ## Where tanh runs out of room
#
# The tutorial draws all weights from the normal distribution with mean 0 and spread 1, and sets the bias to
# zero. We do the same, with one difference: our random generator has a fixed seed, so you and I see the same
# numbers.

# %%
Wx = rng.normal(size=(3, 5))
Wh = rng.normal(size=(5, 5))
b = np.zeros(5)

# %% [markdown]
# **Predict first.** The inputs go up to 9 and a neuron adds up three of them. The network makes 40 outputs
# (four instances, five neurons, two steps). How many of them will lie within 0.01 of $-1$ or $+1$? And in the
# row of an instance whose input is all zeros?
#
# (Figures are drawn with the course's own library, so they are right even while your exercises are not done.)

# %% tags=["demo"]
(sums_0, y0), (sums_1, y1) = plots.two_steps_by_hand(Wx, Wh, b, X0, X1)

figure, axes = new_figure(
    rows=2, columns=2, width=9, height=3.6, sharex=True, sharey="row", height_ratios=[1, 1.5]
)
for t, sums in enumerate((sums_0, sums_1)):
    plots.tanh_curve(axes[0, t]).set_title(f"t = {t}")
    plots.sums_by_instance(axes[1, t], sums, highlight=1 if t == 1 else None)
axes[0, 1].set_ylabel("")
show(
    figure,
    alt="Above, the curve of tanh, flat beyond about plus and minus 2.6. Below, for both time steps, "
    "the sums of the five neurons for each instance, between -21 and 18: most lie where tanh is flat. "
    "At t = 1 the sums of instance 1, whose input is all zeros, lie close together, from -5 to 3.",
)
saturated = sum(int((np.abs(y) > 0.99).sum()) for y in (y0, y1))
print(f"{saturated} of 40 outputs lie within 0.01 of -1 or +1")

# %% [markdown]
# More than half. A neuron in the shaded region is **saturated**: it says "very much yes" or "very much no",
# and a change of its input hardly changes what it says. Information is lost there, and (you will see it in
# notebook 4) so is the gradient.
#
# Look at instance 1 at $t = 1$. Its input is $(0, 0, 0)$, so $x_1 W_x$ vanishes and only $y_0 W_h$ is left:
# this one row shows **what the network remembers and nothing else**. States are never larger than 1, so its
# sums stay closer to the middle. Remember this instance: it returns as a witness at the end.
#
# Was our draw unlucky? Let us draw a thousand networks, and compare with the 40 outputs that the tutorial
# printed.

# %% tags=["demo"]
draws = np.random.default_rng(0)


def normal_weights():
    return draws.normal(size=(3, 5)), draws.normal(size=(5, 5)), np.zeros(5)


counts = plots.count_saturated(normal_weights, X0, X1, times=1000)
printed = sum(int((np.abs(y) > 0.99).sum()) for y in (Y0_PRINTED, Y1_PRINTED))
print(f"networks drawn as the tutorial's code draws them: {counts.mean():.0f} of 40, on average")
print(f"the outputs that the tutorial printed:            {printed} of 40")
print(f"networks with {printed} or fewer: {int((counts <= printed).sum())} of 1000")

# %% [markdown]
# That is odd. Printed outputs as little saturated as these come up less than once in a hundred times. Keep it
# in mind as our first clue that something about these numbers is not as it seems.

# %% [markdown]
# ## What sharing buys
#
# There are three ways to read a sequence of $T$ steps: the glued layer of the beginning; a network with
# separate weights at every step; and one step that is shared by all.
#
# **Pen and paper.** With $D = 3$ and $H = 5$, how many numbers must the shared step learn? How many the
# separate ones, at $T = 20$?

# %% tags=["demo"]
figure, axes = new_figure()
plots.parameter_growth(axes, features=3, hidden=5, steps=20)
show(
    figure,
    alt="Numbers to learn against the number of time steps. Separate weights grow to 900 at 20 steps, "
    "one dense layer on the glued sequence to 305. One shared step stays at 45.",
)

# %% [markdown]
# The shared step has $D \cdot H + H \cdot H + H = 45$ numbers whatever the length. Fewer numbers is not the
# point, though. The point is what happens when the *same thing* appears at *another time*.
#
# **Predict first.** We send one short pulse (a single step of ones, zeros otherwise) into a network, once at
# $t = 2$ and once at $t = 9$, and watch neuron 0. How will its two answers differ with shared weights? With
# separate ones?

# %% tags=["demo"]
figure, (above, below) = new_figure(rows=2, width=7, height=4.8, sharex=True)
for axes, shared, title in (
    (above, True, "The same weights at every step"),
    (below, False, "Separate weights at every step"),
):
    weights = np.random.default_rng(1)
    answers = plots.pulse_responses((2, 9), steps=18, shared=shared, rng=weights)
    plots.pulse_response(axes, answers, title)
below.set_xlabel("time step t")
show(
    figure,
    alt="Output of one neuron over 18 steps for a pulse at t = 2 and for a pulse at t = 9. With shared "
    "weights the second answer is the first one, seven steps later. With separate weights the two "
    "answers have nothing in common.",
)

# %% [markdown]
# With shared weights the answer to the later pulse is the answer to the earlier one, moved by seven steps.
# What such a network learns about one moment it knows about every moment. With separate weights it would have
# to learn the same thing eighteen times over.

# %% [markdown]
# ## One matrix instead of two
#
# A step has two matrix products, $x W_x$ and $h W_h$, and adds them. One product can do both. Put input and
# state side by side into one long row $[x, h]$ of $D + H$ numbers: which matrix $W$ (the **kernel**) makes
#
# $$[x, h]\, W = x W_x + h W_h$$
#
# for every $x$ and every $h$? TensorFlow 1 stored the weights of its cells in this way, and the LSTM of
# notebook 5 will profit from it.
#
# **Pen and paper.** Take two features, one neuron, $x = (1, 2)$, $h = (3)$, and $W_x$ with the entries 10 and
# 20, $W_h$ with the single entry 30. What is $x W_x + h W_h$? Which column of three numbers gives the same
# result for $(1, 2, 3)$? Why can it be no other, if it has to be right for *every* $x$ and $h$?


# %% exercise="concat_kernel"
def concat_kernel(Wx, Wh):
    """The kernel of the basic network: one matrix W with [x, h] @ W equal to x @ Wx + h @ Wh.

    Wx  (D, H)
    Wh  (H, H)

    Returns a new array (D + H, H).
    """
    ### BEGIN SOLUTION
    return np.concatenate([Wx, Wh], axis=0)
    ### END SOLUTION


# %% check="concat_kernel"
check("concat_kernel", concat_kernel)

# %% [markdown]
# ### Same kernel, other first weights
#
# A kernel in place of two matrices computes the same thing. But it may well *start* from other weights.
# Unless told otherwise, TensorFlow's ready-made cells draw it from **Glorot's uniform distribution**: all
# values between $-\ell$ and $+\ell$ are equally likely, and the limit $\ell$ depends on the shape of the
# matrix,
#
# $$\ell = \sqrt{\frac{6}{\text{rows} + \text{columns}}}$$
#
# **Pen and paper.** What is $\ell$ for a separate $W_x$ of shape $(3, 5)$? And for the kernel, of shape
# $(8, 5)$, in which the same weights are the first three rows? Write both down; they are suspects later on.

# %% tags=["demo"]
for rows in (3, 8):
    print(f"a matrix ({rows}, 5): limit {math.sqrt(6 / (rows + 5)):.3f}")

# %% [markdown]
# ## What TensorFlow can follow
#
# To train a network we need the gradient of a loss with respect to its weights. TensorFlow finds it by
# watching: it notes every operation *of its own* between the weights and the loss, and goes back along its
# notes. What happens outside TensorFlow, it does not see.
#
# **Predict first.** Two experiments with the square of 3. Its slope there is $2 \cdot 3 = 6$. What does
# TensorFlow say when NumPy does the squaring?

# %% tags=["demo"]
x = tf.constant(3.0)
with tf.GradientTape(persistent=True) as tape:
    tape.watch(x)
    by_tensorflow = tf.square(x)
    by_numpy = tf.constant(np.square(x))  # the number is right ...

print("values:   ", float(by_tensorflow), float(by_numpy))
print("gradients:", float(tape.gradient(by_tensorflow, x)), tape.gradient(by_numpy, x))

# %% [markdown]
# The values are equal. But through NumPy no gradient arrives: `None`. Turning the result back into a tensor
# does not help; the trail is cold. A network with such a line in it computes perfectly well and never learns.
#
# The second thing that TensorFlow does with your function is **tracing**. `tf.function` runs the Python code
# once, with stand-ins that have a shape but no numbers, notes the operations as a *graph*, and from then on
# runs the graph without Python.


# %% tags=["demo"]
@tf.function
def halve(x):
    print("  Python runs, and x is a", type(x).__name__)
    return 0.5 * x


print("first call")
print("  result", float(halve(tf.constant(4.0))))
print("second call")
print("  result", float(halve(tf.constant(6.0))))

try:
    tf.function(lambda x: np.square(x))(tf.constant(3.0))
except NotImplementedError as problem:
    print("np.square inside tf.function:", type(problem).__name__)
    print("  " + str(problem).strip().splitlines()[-1].split(". ")[0].strip())

# %% [markdown]
# At the second call Python did not run at all. So two things follow. NumPy inside `tf.function` fails,
# because a stand-in has no numbers to give. And whatever Python *remembers* beside the tensors is written
# into the graph once, and stays as it was:

# %% tags=["demo"]
calls = []


@tf.function
def add_number_of_calls(x):
    calls.append("one more")
    return x + len(calls)


print([float(add_number_of_calls(tf.constant(0.0))) for _ in range(4)])

# %% [markdown]
# You might have expected 1, 2, 3, 4.
#
# **What a step does not own.** A step must therefore keep nothing to itself. Its state comes in as an
# argument and goes out as the result; its weights belong to whoever calls it. It makes no variables and no
# copies of them.
#
# **Which arguments need a gradient.** All five. $W_x$, $W_h$ and $b$, because they are trained; $x$, because
# another layer may stand below; and $h$, because an earlier step made it. Learning from the past flows
# through $h$, step by step backwards.

# %% [markdown]
# ## The same step in TensorFlow
#
# Write your step once more, now for tensors of `float32`. It is the same equation. `@` multiplies tensors
# too, and most NumPy functions have a namesake: `tf.exp`, `tf.concat`, `tf.reduce_sum`, ...
#
# The check calls your function directly, then inside `tf.function` with two different inputs, and asks for
# the gradient with respect to each of the five arguments.


# %% exercise="rnn_step_tf"
def rnn_step_tf(x, h, Wx, Wh, b):
    """One step of the basic recurrent network, in TensorFlow.

    Arguments and result are float32 tensors with the shapes of rnn_step.
    It works inside tf.function, and gradients reach all five arguments.
    """
    ### BEGIN SOLUTION
    return tf.tanh(x @ Wx + h @ Wh + b)
    ### END SOLUTION


# %% check="rnn_step_tf"
check("rnn_step_tf", rnn_step_tf)

# %% [markdown]
# ## Detective work
#
# Here is what the tutorial prints for `X0`, just below code that draws $W_x$ from the normal distribution
# with spread 1.

# %%
with np.printoptions(precision=8):
    print(Y0_PRINTED)

# %% [markdown]
# The tutorial sets no random seed, so whoever runs its code sees other numbers: you, I, and its author a
# minute later. And the weights were never printed. Are they lost?
#
# They are not. Outputs testify.

# %% [markdown]
# ### Undoing the tanh
#
# At $t = 0$ there is no state yet. The bias starts at zero, and nothing was trained. So all that happened is
#
# $$y_0 = \tanh(x_0 W_x)$$
#
# with $x_0$ and $y_0$ known and $W_x$ wanted. The $\tanh$ is in the way: $y_0$ is not linear in $W_x$. But
# $\tanh$ loses nothing, on paper: it has an inverse, the *area hyperbolic tangent*,
#
# $$\operatorname{artanh}(y) = \tfrac{1}{2} \ln \frac{1 + y}{1 - y}$$
#
# which NumPy calls `np.arctanh`. It gives back the sum that went into the $\tanh$, and that sum *is* linear
# in the weights.
#
# **Pen and paper.** Look at the first three rows of `X0`: row 1 is exactly halfway between row 0 and row 2.
# What must then be true of the *sums* of these three instances, whatever the weights?

# %% tags=["demo"]
print("                    neuron 0, 1, 2, 3, 4")
sums = np.arctanh(Y0_PRINTED)
print("instance 1         ", sums[1])
print("halfway, 0 and 2   ", (sums[0] + sums[2]) / 2)

# %% [markdown]
# The witnesses agree, nearly to the last digit shown. Except for one. **Neuron 1 says 4.652 in one place and
# 4.576 in the other.** Somebody is not telling the truth.

# %% [markdown]
# ### Where float32 runs out of digits
#
# Neuron 1's output for instance 2 is printed as 0.99999976. The network computed in `float32`, and between 0
# and 1 there are only so many `float32` numbers. Here are the last ones before 1, and the sums that they
# stand for:

# %% tags=["demo"]
y = np.float32(1)
for _ in range(5):
    y = np.nextafter(y, np.float32(0))
    print(f"output {y:.8f}   sum {np.arctanh(float(y)):.2f}")

# %% [markdown]
# Between one number and the next the sum jumps by a tenth and more. An output so near to 1 has been rounded,
# and the rounding is magnified without mercy when the $\tanh$ is undone. For an output of exactly 1 nothing
# is left to go by: $\operatorname{artanh}(1) = \infty$.
#
# How near is too near?

# %% tags=["demo"]
figure, axes = new_figure(width=7, height=3.3)
plots.precision_of_arctanh(axes)
show(
    figure,
    alt="Uncertainty of the sum that went into tanh, on a logarithmic axis, against the sum. It grows "
    "from 1e-7 at an output of 0.9 to 0.001 at a sum of 6 and 0.06 for the output 0.99999976. The "
    "region in which the output is nearer than 1e-5 to 1 is shaded.",
)

# %% [markdown]
# Outputs of 0.999 or 0.9999 are still good witnesses: their sums are known to three decimals and better. From
# about $1 - |y| < 10^{-5}$ on (shaded), testimony is worthless. Such entries are **saturated**, and the
# honest thing to do is not to repair them but to *leave them out*.

# %% [markdown]
# ### Solving for the weights
#
# Take one neuron, $j$. It has three unknown weights, column $j$ of $W_x$. Every instance gives one equation:
#
# $$x_{n,0}\, w_0 + x_{n,1}\, w_1 + x_{n,2}\, w_2 = \operatorname{artanh}(y_{n,j})
# \qquad \text{for instance } n$$
#
# Four instances, so four equations for three unknowns (as one row of `X0` lies halfway between two others,
# three of them are independent: `X0` has rank 3, just enough). More equations than unknowns call for **least
# squares**: `np.linalg.lstsq(A, B, rcond=None)` finds the $w$ for which $A w$ comes nearest to $B$. For
# example, two unknowns and three equations that do not quite agree:

# %%
A = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
solution, residuals, rank, singular_values = np.linalg.lstsq(
    A, np.array([2.0, 3.0, 5.3]), rcond=None
)
print("solution", solution, "rank", rank)

# %% [markdown]
# Leaving an equation out is simple: take its row out of both sides. Which equations share an unknown? Only
# those of the *same neuron*. If neuron 1 is saturated in instance 2, that says nothing about what neuron 0
# has to tell about it.
#
# Your turn. The check uses other sizes and other networks as well as the tutorial's numbers.
#
# <details><summary>Where to begin, if you are stuck</summary>
#
# Forget the saturation for a moment, and the other neurons. Recover the weights of neuron 0 of the tutorial,
# in a cell of your own: three numbers. Put them back: is $\tanh$ of `X0` times your three numbers the first
# column of what was printed?
# </details>
#
# <details><summary>One more step</summary>
#
# Now one neuron that saturates. A comparison such as `a < 3` gives an array of True and False; used as an
# index, it selects rows. Which comparison tells good witnesses from bad ones? Both sides of the system need
# the same selection.
# </details>
#
# <details><summary>And the last one</summary>
#
# Which entries are left out differs from neuron to neuron, so each neuron needs its own small system. A loop
# is fine.
# </details>


# %% exercise="recover_wx"
def recover_wx(x0, y0):
    """The weights of a network without bias, from the inputs and outputs of its first step.

    x0  (B, D)  inputs
    y0  (B, H)  outputs tanh(x0 @ Wx), computed in float32

    Entries of y0 nearer than 1e-5 to -1 or +1 are saturated: they say nothing reliable.
    Every neuron has enough entries that are not.

    Returns Wx (D, H).
    """
    ### BEGIN SOLUTION
    columns = []
    for y in y0.T:
        reliable = 1 - np.abs(y) > 1e-5
        w, *_ = np.linalg.lstsq(x0[reliable], np.arctanh(y[reliable]), rcond=None)
        columns.append(w)
    return np.stack(columns, axis=1)
    ### END SOLUTION


# %% check="recover_wx"
check("recover_wx", recover_wx)

# %% [markdown]
# ## The line-up
#
# (From here on we use the library's weights. Once your check has passed, they are yours.)
#
# **Predict first.** If fifteen numbers are drawn from the normal distribution with spread 1, about how large
# will the largest be?

# %% tags=["demo"]
from course_lib import recover_wx as library_recover_wx

Wx_found = library_recover_wx(X0, Y0_PRINTED)
print(Wx_found)
print(f"largest weight: {np.abs(Wx_found).max():.3f}")
print(
    f"largest error when they are put back: {np.abs(np.tanh(X0 @ Wx_found) - Y0_PRINTED).max():.0e}"
)

# %% [markdown]
# These weights reproduce all twenty printed outputs to four decimals. But the largest of fifteen normal
# numbers is typically around 2. Ours is 0.57. Three suspects could have drawn these weights:
#
# 1. the normal distribution, as in the code that stands above the numbers;
# 2. Glorot's distribution for a separate $W_x$, a matrix $(3, 5)$;
# 3. Glorot's distribution for one kernel $(8, 5)$, of which $W_x$ is the first three rows.

# %% tags=["demo"]
suspects = {
    "1. normal, spread 1\n(the code above the numbers)": math.inf,
    "2. Glorot, matrix (3, 5)": math.sqrt(6 / 8),
    "3. Glorot, kernel (8, 5)": math.sqrt(6 / 13),
}
figure, axes = new_figure(width=8, height=2.9)
plots.line_up(axes, Wx_found, suspects)
show(
    figure,
    alt="The fifteen recovered weights as dots, three times, over the range in which each suspect "
    "draws. All lie between -0.42 and 0.57: within Glorot's limits of 0.87 and 0.68, the latter "
    "nearly filled, and only in the middle of the normal distribution, which reaches past 2.",
)

largest = np.abs(Wx_found).max()
for name, limit in suspects.items():
    each = math.erf(largest / math.sqrt(2)) if math.isinf(limit) else largest / limit
    odds = float(f"{1 / each**15:.2g}")
    first_line = name.split("\n")[0]
    print(f"{first_line:25} all fifteen this small: about 1 in {odds:,.0f}")

# %% [markdown]
# The printed code is all but ruled out: one run in three hundred thousand would give weights this small. The
# third suspect explains them without any luck. And it has a name. A page later the tutorial builds "the exact
# same model" with the framework's ready-made cell. That cell keeps **one kernel** $(8, 5)$ and draws it from
# **Glorot's** distribution. The numbers printed under the first program seem to come from the second. Our
# clue from the saturated outputs points the same way.
#
# (It is evidence, not proof: any other way of drawing small weights would explain them too.)

# %% [markdown]
# ### The one that got away
#
# Can we have $W_h$ as well? At $t = 1$, for neuron $j$, the unknowns are the five entries of column $j$ of
# $W_h$:
#
# $$y_0 W_h = \operatorname{artanh}(y_1) - x_1 W_x$$
#
# Instance 1 is the best witness: its $x_1$ is zero. But **pen and paper**: how many equations are there for
# each neuron, and how many unknowns?

# %% tags=["demo"]
print("independent equations:", np.linalg.matrix_rank(Y0_PRINTED), "for 5 unknowns a neuron")
print("neuron 1, instance 0 printed as", Y1_PRINTED[0, 1])

Wh_one, Wh_other = plots.two_recurrent_matrices(Wx_found, X1, Y0_PRINTED, Y1_PRINTED)
figure, (left, right) = new_figure(columns=2, width=8, height=3.7)
plots.matrix(left, Wh_one, "One Wh ...")
plots.matrix(right, Wh_other, "... and another")
show(
    figure,
    alt="Two 5 by 5 matrices with quite different entries. The entries of the first lie between -0.55 "
    "and 0.54, those of the second between -1 and 1.",
)
for name, Wh_found in (("one", Wh_one), ("another", Wh_other)):
    error = np.abs(np.tanh(X1 @ Wx_found + Y0_PRINTED @ Wh_found) - Y1_PRINTED).max()
    print(f"{name + ':':9} reproduces Y1 to 6 decimals: {bool(error < 5e-7)}")

# %% [markdown]
# Four instances give four equations for five unknowns, and one neuron loses another equation, because an
# output prints as exactly 1. Two matrices that look nothing like each other reproduce everything that was
# printed at $t = 1$, and so do infinitely many more. **A perfect fit is no proof that you have found the
# truth**: count equations and unknowns first.
#
# Still, one thing can be said: the smallest solution (left) lies within $\pm 0.68$ too. Nothing at $t = 1$
# contradicts our suspect.

# %% [markdown]
# ## Find the mistakes
#
# Four claims in the spirit of that tutorial. What is wrong with each? Decide before you open the answers.
#
# **A.** "The cell is a factory: for two time steps it is called twice, and so makes two copies of the cell."
#
# **B.** "Building the network with the ready-made cell gives exactly the same model as writing out the two
# equations."
#
# **C.** "Running this code prints the following outputs."
#
# **D.** The recurrent weights are called `Wy`.

# %% tags=["demo"]
cell = tf.keras.layers.SimpleRNNCell(5)
state = tf.zeros([4, 5])
cell(tf.constant(X0, tf.float32), [state])
cell(tf.constant(X1, tf.float32), [state])
for variable in cell.trainable_variables:
    print(f"{variable.name:17} {tuple(variable.shape)}")
print("numbers to learn after two calls:", sum(int(tf.size(v)) for v in cell.trainable_variables))

# %% [markdown]
# <details><summary>Answers</summary>
#
# **A.** There is one cell, and it is *called* twice. Two copies would be two sets of weights, 90 numbers; the
# ready-made cell above has 45 after two calls. What exists twice is only the *operations* in the graph. If
# you ever train "copies" apart, you no longer have a recurrent network.
#
# **B.** The same equation, but not the same model to start with: one concatenated kernel in place of two
# matrices, and Glorot's distribution in place of the normal one. Training starts from another place, and
# fewer neurons start out saturated. (Keras today is different again: it keeps the two matrices apart, and
# starts $W_h$ as an orthogonal matrix.)
#
# **C.** Without a fixed seed nobody can check that, and as you found out, it is most probably not true.
#
# **D.** Not wrong, but misleading: $W_y$ usually means the weights that turn a state into a prediction. This
# matrix multiplies the *state*. That state and output are the same thing is a peculiarity of this simplest
# cell; in the LSTM of notebook 5 they differ.
# </details>

# %% [markdown]
# ## Summary
#
# - A recurrent network is **one step, used at every time step**: $y_t = \tanh(x_t W_x + h_{t-1} W_h + b)$,
#   and $h_t = y_t$ in the basic cell.
# - Unrolling writes the loop out in time. The weights are shared; the state is handed on; before the first
#   step it is zero.
# - Sharing makes the number of weights independent of the length, and what is learnt at one time holds at
#   all.
# - Two products can be one: $[x, h]\,W$ with one kernel. Same computation, but not the same first weights.
# - TensorFlow traces and differentiates what is made of its own operations. NumPy inside, variables inside
#   and memory on the Python side break that.
# - Large sums saturate $\tanh$. A saturated output has forgotten what went in; the others still know it to
#   many decimals.
# - Fix your seeds, and count your equations.
#
# **If you want more.** Feed the network `X1` before `X0`: do the final outputs change? Would they with
# $W_h = 0$? What is the smallest batch from which `recover_wx` can work, and which inputs would you choose,
# if you could ask the network five questions, to learn both of its matrices?

# %% [markdown]
# ## Sources
#
# - J. L. Elman, *Finding structure in time*, Cognitive Science 14, 1990: the network of this notebook.
# - P. J. Werbos, *Backpropagation through time: what it does and how to do it*, Proceedings of the IEEE 78,
#   1990: unrolling, and why.
# - X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*,
#   AISTATS 2010: saturation, and the limits that gave the suspect away.
# - I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning*, MIT Press 2016, chapter 10: unfolding
#   computational graphs.
#
# **What comes next.** Two steps were easy to write by hand. In notebook 2 you unroll twenty, two hundred, as
# many as you like, and measure what it costs to write every one of them into the graph.
