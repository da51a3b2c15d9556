# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 4 · Backpropagation through time
#
# A network has read fifty words and then makes a mistake. Whose fault is it? The last weight that touched
# the answer, or something that happened forty steps ago? *Backpropagation through time* answers this for
# every weight and every moment. Here you write it by hand, in NumPy, and never have to trust a framework
# again. Then you measure how far back the answer reaches, which is the reason why LSTMs were invented.
#
# **After this notebook you can**
#
# - check any gradient numerically, and say from the error whether it is right;
# - go back through one recurrent step, and through a whole sequence, by hand;
# - find the bug in a wrong backward pass from *which* gradients are off;
# - predict from the recurrent weights whether gradients vanish or explode, and measure it;
# - clip gradients without turning them, and say what clipping cures and what not;
# - train a recurrent network on a task that needs memory with nothing but your own functions.
#
# **Time**: about two hours, six exercises. **You need**: the basic step of
# [notebook 1](../01_unrolling_by_hand/01_unrolling_by_hand.ipynb), the unrolling of
# [notebook 2](../02_static_unrolling/02_static_unrolling.ipynb), NumPy, and the chain rule.

# %%
import numpy as np

import course_lib as library
from autograder import check
from course_lib.plots import new_figure, show
from course_lib.plots.gradients import (
    LiveCurves,
    cliff,
    lines,
    radius_picture,
    radius_slider,
    step_graph,
    through_time,
    two_tasks,
)

# %% [markdown]
# ## What a gradient says
#
# Let $L$ be the loss, one number that says how bad the network's answer was. The gradient of a weight $w$,
# $\partial L / \partial w$, answers a plain question: *if I nudge $w$ by a little, by how many times as
# much does the loss change?* A gradient of 3 means: add 0.001 to $w$, and the loss grows by about 0.003.
#
# In a recurrent network there is a twist. One weight is used at *every* time step. A nudge of it acts
# everywhere at once.
#
# **On paper.** Take the smallest recurrent network there is, one number and no tanh:
#
# $$h_t = w\, h_{t-1} + x_t, \qquad h_0 = 0, \qquad x = (1, 0, 0), \qquad w = 0.5, \qquad L = h_3.$$
#
# 1. Compute $h_1, h_2, h_3$, first with $w = 0.5$, then as formulas in $w$. What is $dL/dw$?
# 2. $w$ is used three times: in step 1, in step 2 and in step 3. Pretend that these are three different
#    weights $w_1, w_2, w_3$. What is $\partial L / \partial w_t$ for each? What have the three to do with
#    your first answer?
#
# <details><summary>Compare</summary>
#
# 1. $h_1 = 1$, $h_2 = w = 0.5$, $h_3 = w^2 = 0.25$. So $dL/dw = 2w = 1$.
# 2. $h_3 = w_3 h_2$, so $\partial L/\partial w_3 = h_2 = 0.5$. And $h_2 = w_2 h_1$, so
#    $\partial L/\partial w_2 = w_3 h_1 = 0.5$: the nudge enters at step 2 and still has to travel through
#    step 3. And $\partial L/\partial w_1 = 0$, because $w_1$ multiplies $h_0 = 0$. The sum is
#    $0 + 0.5 + 0.5 = 1$: the gradient of a shared weight is the **sum** over all its uses.
#
# </details>
#
# You have just done backpropagation through time. The rest of this notebook does it for matrices.

# %% [markdown]
# ## The dumb baseline: nudge every number
#
# The definition is also a method. Take one number, nudge it, run the whole network again, see what the loss
# does. Put it back; take the next one. No mathematics, no chain rule, it works for any function, and it is
# hopelessly slow. So it is the perfect referee for the clever method that you write afterwards.
#
# There are two formulas. With $f$ the function, $x$ one number and $h$ the size of the nudge:
#
# $$\text{one-sided:}\;\; \frac{f(x + h) - f(x)}{h} \qquad\qquad
# \text{central:}\;\; \frac{f(x + h) - f(x - h)}{2h}$$
#
# **On paper.** Let $f(x) = x^3$, whose slope at $x = 2$ is 12. What do the two formulas give for $h = 0.1$?
# ($2.1^3 = 9.261$ and $1.9^3 = 6.859$.)
#
# <details><summary>Compare</summary>
#
# One-sided: $(9.261 - 8) / 0.1 = 12.61$. Central: $(9.261 - 6.859) / 0.2 = 12.01$. Same nudge, sixty times
# nearer.
#
# </details>
#
# **Predict first.** So make $h$ smaller! Both errors fall, until … what happens at $h = 10^{-12}$? Sketch
# the error against $h$ before you look. Then a third curve: the central formula in float32, the number type
# that networks are usually trained in.

# %% tags=["demo"]
nudges = 10.0 ** -np.arange(1, 14)
exact = np.exp(1.0)
small = np.float32
errors = {
    "one-sided": [(np.exp(1 + h) - np.exp(1.0)) / h for h in nudges],
    "central": [(np.exp(1 + h) - np.exp(1 - h)) / (2 * h) for h in nudges],
    "central, float32": [
        (np.exp(small(1 + h)) - np.exp(small(1 - h))) / small(2 * h) for h in nudges[:7]
    ],
}
errors = {name: np.abs(np.array(found) / exact - 1) for name, found in errors.items()}
errors = {name: np.where(error > 0, error, np.nan) for name, error in errors.items()}

figure, axes = new_figure(width=6.6, height=3.2)
lines(axes, nudges, errors, xlabel="size of the nudge h", ylabel="relative error")
axes.set(xscale="log", xlim=(0.3, 3e-14), ylim=(1e-12, 10))
axes.set_title("The slope of exp at 1, by nudging")
axes.legend(loc="lower right", fontsize=9)
show(
    figure,
    alt="Relative error against the size of the nudge, falling from left to right, both logarithmic. "
    "One-sided falls to about 1e-8 at h = 1e-8, then rises. Central falls twice as steeply, to about "
    "1e-11 near h = 1e-5, then rises. Central in float32 never gets below about 1e-5 and is useless "
    "for small nudges.",
)

# %% [markdown]
# Each curve is a valley. On the left the formula is to blame: its error falls with $h$ (one-sided) or with
# $h^2$ (central). On the right the *computer* is: two nearly equal numbers are subtracted, and what is left
# is their rounding. The central formula has its valley near $h = 10^{-5}$, with ten right digits. That
# is the usual choice.
#
# The float32 curve is a warning: **gradient checks are done in float64**.
#
# **A function with many results.** A layer does not return one number but an array $y = f(x)$. To say what
# is good for the loss, each result $y_k$ comes with a weight $df_k = \partial L / \partial y_k$: how
# much the loss cares about it. What you differentiate is then the number
#
# $$L = \sum_k df_k \cdot f(x)_k.$$
#
# For a function that returns one number, $df$ is one number too.
#
# **Why one at a time.** $x$ may be a number, a vector, a matrix or have any number of axes. The result has
# its shape: one slope for *each* number in it, found while all the others stand still. Nudge a whole row at
# once, and nobody can say which of its numbers did it.
#
# **What h is for.** The check will use large nudges (0.05 to 0.2) on purpose: there the formulas give
# visibly different numbers, as on your sheet.
#
# **Three traps.**
#
# 1. *Put it back*, exactly. `x + h - 2*h + h` is not always `x`: each operation rounds. Keep the old number.
# 2. *Whole numbers.* An integer array cannot hold 2.00001. NumPy cuts the decimals off without a word.
# 3. *Whose array is it?* The caller still needs `x` as it was. Work on a copy of your own.
#
# ### Exercise 1: `numerical_gradient`
#
# `np.ndindex(x.shape)` goes through the places of an array, however many axes it has:

# %%
for place in np.ndindex((2, 3)):
    print(place, end=" ")


# %% exercise="numerical_gradient"
def numerical_gradient(f, x, df, h=1e-5):
    """The gradient of sum(df * f(x)) with respect to x, by central differences.

    f: function of one array of the shape of x; it returns an array, or a number.
    x: array of any shape, of floats or of whole numbers; it stays as it is.
    df: how much the loss cares about each result: of the shape of f(x).
    h: the size of a nudge.
    Returns: array of the shape of x.
    """
    ### BEGIN SOLUTION
    x = np.array(x, dtype=np.float64)  # a copy that can be nudged
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        old = x[place]
        x[place] = old + h
        above = f(x)
        x[place] = old - h
        below = f(x)
        x[place] = old
        gradient[place] = np.sum(df * (above - below)) / (2 * h)
    return gradient
    ### END SOLUTION


# %% check="numerical_gradient"
check("numerical_gradient", numerical_gradient)

# %% [markdown]
# ### What the baseline costs
#
# Two runs of the whole network for every single weight. A basic cell has $D H + H H + H$ of them.

# %% tags=["demo"]
print("  D    H   weights   runs of the network for one gradient")
for D, H in [(3, 5), (2, 32), (128, 512)]:
    weights = D * H + H * H + H
    print(f"{D:3d}  {H:3d}  {weights:8,d}   {2 * weights:8,d}")

# %% [markdown]
# The last row is an everyday network. Backpropagation finds all of its 328,192 gradients on *one* way
# there and back, which costs about as much as three runs. That is why it is worth the trouble.
#
# ### When is a gradient right?
#
# Two arrays are compared by their **relative error**: the largest difference, divided by the largest number
# in either.


# %%
def relative_error(a, b):
    """The largest difference of two arrays, relative to the largest number in them."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    scale = max(np.abs(a).max(), np.abs(b).max())
    return np.abs(a - b).max() / scale if scale else 0.0


def in_words(error):
    """An error as a word: below 1e-8 it is rounding, which differs from machine to machine."""
    return "below 1e-8" if error < 1e-8 else f"{error:.2g}"


# %% [markdown]
# In float64, with $h = 10^{-5}$, expect this:
#
# | relative error | what it means |
# |---|---|
# | below 1e-7 | right |
# | 1e-7 to 1e-4 | look again: float32 somewhere, or a kink (like that of relu) within the nudge |
# | above 1e-4 | wrong, and above 1e-2 badly so |
#
# A wrong gradient is not just a little off. A forgotten term changes the second digit or the first one.
# Nothing sits in the middle, which makes this check so useful.

# %% [markdown]
# ## One step, and what it leaves behind
#
# The step you know. With $x_t$ `(B, D)` the inputs at time $t$, $h_{t-1}$ `(B, H)` the state before,
# $W_x$ `(D, H)`, $W_h$ `(H, H)` and $b$ `(H,)` the weights:
#
# $$a_t = x_t W_x + h_{t-1} W_h + b, \qquad h_t = \tanh(a_t).$$
#
# The way back will need numbers from the way there. So the step packs them into a **cache**: what went
# in (`x` and `h_prev`), what came out (`h`), and the weights that it used. This function is given.


# %%
def rnn_step_forward(x, h_prev, Wx, Wh, b):
    """One basic step (B, H), and its cache for the way back."""
    h = np.tanh(x @ Wx + h_prev @ Wh + b)
    cache = (x, h_prev, h, Wx, Wh)
    return h, cache


# %% tags=["demo"]
figure, axes = new_figure(width=7.4, height=2.9)
step_graph(axes)
show(
    figure,
    alt="The operations of one step. Solid arrows: x_t times Wx, h_(t-1) times Wh and b go into a sum, "
    "which is a_t; tanh makes h_t of it. Dashed arrows run the other way: dh_t through tanh becomes da_t, "
    "which goes through the sum to all three inputs as dx_t, dh_(t-1) and db.",
)

# %% [markdown]
# Solid arrows go forward. Dashed arrows are the way back: the same path, from the end to the beginning.
# Each carries the gradient of the loss with respect to what flows there. The usual shorthand, from here on:
#
# $$d\text{something} \;\text{ stands for }\; \partial L / \partial\, \text{something},$$
#
# and has the same shape as something. So $dh_t$ says how much the loss cares about each number in $h_t$.
# It is *given* to you from the right. All else follows.
#
# Look at the cache once more. Which of its entries is $a_t$? None: it is not needed, as you will see.

# %% [markdown]
# ## Three small rules
#
# On the way back you pass three kinds of operation, one after the other: first the tanh, which turns $dh_t$
# into $da_t$; then the sum, which hands $da_t$ to all three of its inputs as it is; then the products. So
# $da_t$ is the one quantity from which everything else is made.
#
# ### The rule for tanh
#
# tanh acts on each number by itself, so each gradient is multiplied by the slope at that place.
#
# **On paper.** The slope of tanh at $a = 2$: estimate it by nudging ($\tanh 2.1 = 0.9705$,
# $\tanh 1.9 = 0.9562$). Then find a formula for the slope in terms of $h = \tanh(a)$ alone
# ($\tanh 2 = 0.9640$), from $\tanh = \sinh / \cosh$ and $\cosh^2 - \sinh^2 = 1$. Do the two agree?
#
# <details><summary>Compare</summary>
#
# Nudging: $0.0143 / 0.2 = 0.0715$. The quotient rule gives $(\cosh^2 - \sinh^2) / \cosh^2 = 1 - \tanh^2$,
# which is $1 - h^2 = 1 - 0.9293 = 0.0707$. The slope is known from the *result* alone. That is why the
# cache holds $h$ and no $a$.
#
# </details>
#
# ### The rule for a product
#
# Let $Y = A W$ with $A$ `(B, D)` and $W$ `(D, H)`, and let $dY$ `(B, H)` be given. Which products give $dA$
# and $dW$? You could write out sums. Or you let the shapes tell you.
#
# **On paper.** $dA$ is made of $dY$ `(B, H)` and $W$ `(D, H)`, and must be `(B, D)`. There is only one way
# to multiply them that fits. The same for $dW$ `(D, H)`, made of $A$ and $dY$. Over which axis does each
# product sum, and does that make sense?
#
# <details><summary>Compare</summary>
#
# $dA = dY\, W^\top$ sums over the $H$ results that an input had a part in. $dW = A^\top dY$ sums over the
# $B$ instances of the batch, all of which used the same weights.
#
# One caution: when a matrix is square, as $W_h$ is, a wrong product has the right shape too. Then only the
# gradient check tells you.
#
# </details>
#
# ### The rule for what was broadcast
#
# $b$ has shape `(H,)` but was added to every row of a `(B, H)` array: one number, used $B$ times. You have
# met that on your first sheet: a weight that is used several times adds up what *all* its uses say. No
# mean: if the loss is a mean over the batch, its $1/B$ is in $dh$ already.
#
# ### Exercise 2: `rnn_step_backward`
#
# One more thing. The arrays that you are given belong to the caller. `dh *= something` would change *their*
# array, and in the next exercise the caller is you. Make new arrays.


# %% exercise="rnn_step_backward"
def rnn_step_backward(dh, cache):
    """Back through one step.

    dh: (B, H), gradient of the loss with respect to the new state h.
    cache: (x, h_prev, h, Wx, Wh), as rnn_step_forward packs it.
    Returns: (dx, dh_prev, dWx, dWh, db), shapes (B, D), (B, H), (D, H), (H, H), (H,).
    """
    ### BEGIN SOLUTION
    x, h_prev, h, Wx, Wh = cache
    da = dh * (1 - h**2)
    dx = da @ Wx.T
    dh_prev = da @ Wh.T
    dWx = x.T @ da
    dWh = h_prev.T @ da
    db = da.sum(axis=0)
    return dx, dh_prev, dWx, dWh, db
    ### END SOLUTION


# %% check="rnn_step_backward"
check("rnn_step_backward", rnn_step_backward)

# %% [markdown]
# Here is the gradient check by itself: your clever method against the dumb one. (The dumb one is the
# course's, so that it works even if you skipped the first exercise.) Come here when a gradient is wrong: it
# says *which*.

# %% tags=["demo"]
rng = np.random.default_rng(0)
B, D, H = 4, 3, 5
x, h_prev, dh = rng.normal(size=(B, D)), rng.normal(size=(B, H)), rng.normal(size=(B, H))
Wx, Wh, b = rng.normal(0, 0.5, (D, H)), rng.normal(0, 0.5, (H, H)), rng.normal(0, 0.5, H)
inputs = [x, h_prev, Wx, Wh, b]


def step_with(position):
    """The step as a function of one of its five inputs."""

    def f(value):
        changed = [*inputs[:position], value, *inputs[position + 1 :]]
        return rnn_step_forward(*changed)[0]

    return f


try:
    gradients = rnn_step_backward(dh, rnn_step_forward(*inputs)[1])
    print("          expected      found")
    for position, name in enumerate(["dx", "dh_prev", "dWx", "dWh", "db"]):
        numerical = library.numerical_gradient(step_with(position), inputs[position], dh)
        print(
            f"{name:8s}  below 1e-7    {in_words(relative_error(gradients[position], numerical))}"
        )
except Exception as problem:
    print("not yet:", type(problem).__name__, problem)

# %% [markdown]
# ## Through time: two gradients meet
#
# Forward, a sequence is a loop over the step. Each state is also the output $y_t$ of its moment, and every
# output may enter the loss. This is given as well. It returns all states and one cache for each step, in the
# order of time.


# %%
def rnn_forward(x, h0, Wx, Wh, b):
    """A whole sequence x (B, T, D): the states (B, T, H), and the list of the T caches."""
    h, states, caches = h0, [], []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches


# %% tags=["demo"]
figure, axes = new_figure(width=7.6, height=3.1)
through_time(axes)
show(
    figure,
    alt="Three unrolled steps from h0 to h3, with inputs x1 to x3 below and the loss L above each state. "
    "Dashed arrows run back: dy_t comes down from the loss into each state. States h1 and h2 receive a "
    "second dashed arrow from the step to their right. The leftmost dashed arrow is dh0; dx_t leaves each "
    "step downwards.",
)

# %% [markdown]
# Begin at the right end. $h_3$ is used once: for its own output. So its gradient is $dy_3$. Nothing comes
# from the right, where the sequence has ended.
#
# Now $h_2$. It was used **twice**: for its own output, and by step 3. So two dashed arrows arrive, and what
# is used twice adds up what both uses say:
#
# $$dh_t \;=\; \underbrace{dy_t}_{\text{from its own output}} \;+\;
# \underbrace{dh^{\text{next}}_t}_{\text{back from step } t + 1}, \qquad dh^{\text{next}}_T = 0,$$
#
# where $dh^{\text{next}}_t$ is the `dh_prev` that going back through step $t + 1$ gave you. Both arrive at
# the *state*, so both go through the tanh of step $t$.
#
# And the left end: what comes out of step 1 belongs to $h_0$. The state before the first step has a gradient
# like all the others. (You will want it in notebook 8.)
#
# **The weights are the same at every step.** Each step gives a $dW_x$, a $dW_h$ and a $db$. Your first sheet
# says what to do with $T$ of them.
#
# **A word on order.** You walk from the last step to the first, so the pieces of $dx$ are made in that
# order. They are wanted in the order of time.
#
# **On paper.** Take the linear network of the first sheet once more, $h_t = w h_{t-1} + x_t$ with $w = 0.5$.
# This time every state is in the loss: $L = h_1 + h_2 + h_3$, so all $dy_t = 1$. What are $dh_3$, $dh_2$ and
# $dh_1$?
#
# <details><summary>Compare</summary>
#
# $dh_3 = 1$. $dh_2 = 1 + 0.5 \cdot 1 = 1.5$. $dh_1 = 1 + 0.5 \cdot 1.5 = 1.75$. The earlier a state, the
# more it has to answer for.
#
# </details>
#
# ### Exercise 3: `rnn_backward`
#
# Use your `rnn_step_backward`.
#
# <details><summary>Stuck? An order of work</summary>
#
# Before the loop: what is `dh_next`? And three sums that begin at zero. In the loop, from the last step to
# the first: what arrives at this state, back through the step, keep the piece of dx, add to the sums, and
# remember what goes on to the left. After the loop: bring dx in order, `(B, T, D)`; what is left over is
# `dh0`.
#
# </details>


# %% exercise="rnn_backward"
def rnn_backward(dy, cache):
    """Back through a whole sequence.

    dy: (B, T, H), gradient of the loss with respect to the output of every step.
    cache: list of the T caches, in the order of time, each (x, h_prev, h, Wx, Wh).
    Returns: (dx, dh0, dWx, dWh, db), shapes (B, T, D), (B, H), (D, H), (H, H), (H,).
    """
    ### BEGIN SOLUTION
    T = len(cache)
    dh_next = np.zeros_like(dy[:, 0])
    dx, dWx, dWh, db = [None] * T, 0, 0, 0
    for t in reversed(range(T)):
        dx[t], dh_next, dWx_t, dWh_t, db_t = rnn_step_backward(dy[:, t] + dh_next, cache[t])
        dWx, dWh, db = dWx + dWx_t, dWh + dWh_t, db + db_t
    return np.stack(dx, axis=1), dh_next, dWx, dWh, db
    ### END SOLUTION


# %% check="rnn_backward"
check("rnn_backward", rnn_backward)

# %% tags=["demo"]
B, T, D, H = 2, 6, 3, 4
rng = np.random.default_rng(1)
x, h0, dy = rng.normal(size=(B, T, D)), rng.normal(size=(B, H)), rng.normal(size=(B, T, H))
Wx, Wh, b = rng.normal(0, 0.5, (D, H)), rng.normal(0, 0.5, (H, H)), rng.normal(0, 0.5, H)
inputs = [x, h0, Wx, Wh, b]


def sequence_with(position):
    """The sequence as a function of one of its five inputs."""

    def f(value):
        changed = [*inputs[:position], value, *inputs[position + 1 :]]
        return rnn_forward(*changed)[0]

    return f


try:
    gradients = rnn_backward(dy, rnn_forward(*inputs)[1])
    print("          expected      found")
    for position, name in enumerate(["dx", "dh0", "dWx", "dWh", "db"]):
        numerical = library.numerical_gradient(sequence_with(position), inputs[position], dy)
        print(
            f"{name:8s}  below 1e-7    {in_words(relative_error(gradients[position], numerical))}"
        )
except Exception as problem:
    print("not yet:", type(problem).__name__, problem)

# %% [markdown]
# That is backpropagation through time, and all of it. Every framework does this when you call `fit`.

# %% [markdown]
# ## Find the bug from the pattern
#
# A gradient check does more than say "wrong". *Which* gradients are wrong, and for which $T$, tells you
# where to look. Five people wrote `rnn_backward`, each with one mistake. Here are their gradient checks, for
# one time step and for six:
#
# | | $T = 1$: dx | dh0 | dWx | dWh | db | $T = 6$: dx | dh0 | dWx | dWh | db |
# |---|---|---|---|---|---|---|---|---|---|---|
# | Ana | ok | ok | ok | ok | ok | ok | ok | **off** | **off** | **off** |
# | Ben | ok | ok | ok | ok | ok | **off** | **off** | **off** | **off** | **off** |
# | Cleo | ok | ok | ok | **off** | ok | ok | ok | ok | **off** | ok |
# | Dan | ok | **off** | ok | ok | ok | **off** | **off** | **off** | **off** | **off** |
# | Eva | ok | ok | ok | ok | ok | **off** | ok | ok | ok | ok |
#
# And here are the mistakes, in another order. Who made which?
#
# 1. `dh_prev = da @ Wh`, without the transposition
# 2. `dWx = dWx_t` in place of a sum over the steps
# 3. the pieces of dx in the order in which the way back makes them
# 4. `dWh = h.T @ da`, with the state after the step
# 5. what comes back from the next step is never added
#
# <details><summary>Compare</summary>
#
# *Ana: 2.* With one step there is nothing to add up. With six, only the sums over steps are off; what
# travels through time is fine. *Ben: 5.* With one step there is no next one. With six, nothing travels, and
# everything is off. *Cleo: 4.* Only one gradient is off, whatever $T$: the mistake is in that one line.
# *Dan: 1.* With one step only dh0 is off. With six, each step hands a wrong dh0 to the one before, and all
# is lost. *Eva: 3.* All values are right, one of them in the wrong order; with one step there is none.
#
# </details>
#
# Two rules of thumb: **check $T = 1$ first**, then $T = 2$. And when one gradient alone is off, its own line
# is to blame; when all are off, look at what they have in common.

# %% [markdown]
# ## Find the bug: the cell of the slides
#
# A well-known set of slides of 2017 has a basic cell with a *separate* output. With $s$ `(B, H)` the state
# before the step and four matrices, $A_u$ `(D, O)`, $B_u$ `(H, O)`, $A_v$ `(D, H)`, $B_v$ `(H, H)`:
#
# $$\text{output} = \mathrm{relu}(x A_u + s B_u), \qquad \text{new state} = \tanh(x A_v + s B_v).$$
#
# The slides rely on TensorFlow for the gradients. Somebody wrote the backward pass by hand, in a hurry. It
# runs, all shapes are right, and a network trained with it even gets a little better.
#
# **Relu** has not come up yet: $\mathrm{relu}(u)$ is $u$ where $u > 0$, and 0 elsewhere. Think about its
# slope left and right of zero before you read on.
#
# There are **four mistakes** in here, each of a kind that people really make.


# %%
def broken_slide_backward(d_output, d_new_state, cache):
    x, state, output, new_state, Au, Bu, Av, Bv = cache
    du = d_output * output  # back through relu
    dv = d_new_state * (1 - state**2)  # back through tanh
    dx = du @ Au.T + dv @ Av.T
    dstate = du @ Bu.T
    dstate = dv @ Bv.T
    dAu = x.T @ du
    dBu = state.T @ du
    dAv = x.T @ dv
    dBv = new_state.T @ dv
    return dx, dstate, dAu, dBu, dAv, dBv


# %% [markdown]
# What does the gradient check say of it? **Predict first**: go through the code and name the gradients that
# you suspect. When the table marks a gradient, remember that its own line may be innocent.

# %% tags=["demo"]
rng = np.random.default_rng(2)
B, D, H, O = 3, 2, 4, 5  # noqa: E741
slide_names = ["x", "state", "Au", "Bu", "Av", "Bv"]
shapes = [(B, D), (B, H), (D, O), (H, O), (D, H), (H, H)]
slide_inputs = [rng.uniform(-1, 1, shape) for shape in shapes]
d_output, d_new_state = rng.normal(size=(B, O)), rng.normal(size=(B, H))


def slide_step(x, state, Au, Bu, Av, Bv):
    return np.maximum(x @ Au + state @ Bu, 0), np.tanh(x @ Av + state @ Bv)


def check_slide_gradients(backward):
    """The relative error of each of the six gradients."""
    x, state, *weights = slide_inputs
    gradients = backward(d_output, d_new_state, (x, state, *slide_step(*slide_inputs), *weights))
    for position, name in enumerate(slide_names):

        def loss(value, position=position):
            changed = [*slide_inputs[:position], value, *slide_inputs[position + 1 :]]
            output, new_state = slide_step(*changed)
            return (d_output * output).sum() + (d_new_state * new_state).sum()

        numerical = library.numerical_gradient(loss, slide_inputs[position], 1.0)
        print(f"  d{name:6s} {in_words(relative_error(gradients[position], numerical))}")


print("broken:")
check_slide_gradients(broken_slide_backward)

# %% [markdown]
# Everything is off, so begin where the rest comes from.
#
# ### Exercise 4: `repair_slide_backward`
#
# Copy the code from above, keep its results in their order, and repair it. Points come for each
# part, so check after every repair. Below the check stands the gradient check for your version.
#
# <details><summary>Stuck? Where to look, without what to find</summary>
#
# One mistake is in the way back through relu, one in the way back through tanh. One gradient forgets that
# something was used twice. One product takes the wrong state.
#
# </details>


# %% exercise="repair_slide_backward"
def repair_slide_backward(d_output, d_new_state, cache):
    """Back through one step of the slides' cell, repaired.

    d_output: (B, O), d_new_state: (B, H): how much the loss cares about the two results.
    cache: (x, state, output, new_state, Au, Bu, Av, Bv).
    Returns: (dx, dstate, dAu, dBu, dAv, dBv), each of the shape of what it belongs to.
    """
    ### BEGIN SOLUTION
    x, s, output, new, Au, Bu, Av, Bv = cache
    through_relu = d_output * (output > 0)
    through_tanh = d_new_state * (1 - new**2)
    to_x = through_relu @ Au.T + through_tanh @ Av.T
    to_state = through_relu @ Bu.T + through_tanh @ Bv.T
    to_output_weights = x.T @ through_relu, s.T @ through_relu
    to_state_weights = x.T @ through_tanh, s.T @ through_tanh
    return to_x, to_state, *to_output_weights, *to_state_weights
    ### END SOLUTION


# %% check="repair_slide_backward"
check("repair_slide_backward", repair_slide_backward)

# %% tags=["demo"]
try:
    print("repaired:")
    check_slide_gradients(repair_slide_backward)
except Exception as problem:
    print("not yet:", type(problem).__name__, problem)

# %% [markdown]
# <details><summary>The four mistakes</summary>
#
# 1. *Relu.* Its slope is 0 or 1, not its value. The gradient passes where the output is positive, and stops
#    where it is 0. Multiplied by the output, big outputs get big gradients for no reason.
# 2. *The wrong state in the slope.* tanh made the *new* state.
# 3. *One way lost.* The old state went into two products, and the second line overwrites the first. The sum
#    for dx, just above, was right.
# 4. *The wrong state in the product.* $B_v$ was multiplied by the old state.
#
# And a network with this gradient "even gets a little better"? On random examples the broken gradient and the
# right one lie some 60 degrees apart. Whatever is less than 90 degrees off still leads downhill, at first.
# A falling loss proves nothing. A gradient check does.
#
# </details>
#
# There is something else in those slides. All four matrices are drawn evenly from $-1$ to $1$, whatever
# their size. Keep that in mind.

# %% [markdown]
# ## How far does a gradient travel?
#
# Your backward pass is exact. So how much blame arrives at a state fifty steps back? Each step back
# multiplies the gradient by something. Fifty steps, fifty factors.
#
# **On paper.** One unit, $h_t = \tanh(w h_{t-1})$, and a state so near to 0 that the slope of tanh is 1.
# Each step back multiplies by $w$. What is left after 50 steps for $w = 0.9$, $w = 1$ and $w = 1.1$? After
# how many steps has $0.9$ halved the gradient?
#
# <details><summary>Compare</summary>
#
# $0.9^{50} = 0.005$, $1^{50} = 1$, $1.1^{50} = 117$. And $0.9^{6.6} = 0.5$: it halves every six or seven
# steps. There is a knife's edge at 1, and neither side of it is good.
#
# </details>

# %% [markdown]
# ## A product of Jacobians
#
# With $H$ units the factor of one step is a matrix: how each unit of $h_t$ reacts to each unit of
# $h_{t-1}$. It is called the **Jacobian** $J_t$. Its rows $j$ stand for the units of $h_t$ (what comes
# out), its columns $i$ for those of $h_{t-1}$ (what goes in). Write $h_t^{(j)}$ for unit $j$ at time $t$;
# then each entry is a slope times a weight:
#
# $$(J_t)_{ji} = \frac{\partial h_t^{(j)}}{\partial h_{t-1}^{(i)}}
# = \left(1 - \big(h_t^{(j)}\big)^2\right) \cdot (W_h)_{ij}.$$
#
# The slope belongs to the unit that comes *out*. And look at the indices of $W_h$: they stand the other way
# round than those of $J_t$.
#
# **From $h_t$ to $h_T$.** A small nudge $\delta$ of $h_0$, as a column, arrives at $h_1$ as $J_1 \delta$. At
# $h_2$ it arrives as $J_2 (J_1 \delta)$. What acts first stands next to $\delta$, on the right. So
#
# $$\frac{\partial h_T}{\partial h_t} = J_T\, J_{T-1} \cdots J_{t+2}\, J_{t+1},$$
#
# which is $T - t$ factors. Matrices do not commute: the order matters. If you grow the product from the
# end, longer and longer ways back, each new factor is appended at the *right*.
#
# **How long is a matrix?** What counts is by how much it can stretch a vector at most: its largest singular
# value, called the *spectral norm*. `np.linalg.norm` computes several norms, and for a matrix the one that
# you get without asking is not this one; read what its argument `ord` does.
#
# Beware of eigenvalues here. $\begin{pmatrix} 0 & 10 \\ 0 & 0 \end{pmatrix}$ has only the eigenvalue 0,
# and stretches a vector tenfold.
#
# **Why the product comes before the norm.** One step may stretch one direction and the next step squeeze
# just that one. The product of the norms is only an upper bound.
#
# **On paper.** One unit, $w = 0.5$, states $h_1 = 0$ and $h_2 = 0.6$. What are $\partial h_2/\partial h_1$
# and $\partial h_2/\partial h_0$?
#
# <details><summary>Compare</summary>
#
# $J_1 = (1 - 0) \cdot 0.5 = 0.5$ and $J_2 = (1 - 0.36) \cdot 0.5 = 0.32$. So
# $\partial h_2/\partial h_1 = 0.32$ and $\partial h_2/\partial h_0 = 0.32 \cdot 0.5 = 0.16$. Your function
# should return `[0.16, 0.32]`.
#
# </details>
#
# ### Exercise 5: `gradient_norms`
#
# `h` holds $h_1$ to $h_T$: Python's `h[0]` is $h_1$.


# %% exercise="gradient_norms"
def gradient_norms(Wh, h, T):
    """How much the last state of a sequence still feels each state before it.

    Wh: (H, H), recurrent weights, used as h @ Wh.
    h: (T, H), the states h_1 to h_T of one sequence, results of tanh.
    T: the number of steps.
    Returns: (T,): entry t is the spectral norm of dh_T / dh_t, for t = 0 (the longest way), ..., T - 1.
    """
    ### BEGIN SOLUTION
    norms = np.empty(T)
    product = np.eye(len(Wh))
    for t in reversed(range(T)):
        product = product @ ((1 - h[t] ** 2)[:, np.newaxis] * Wh.T)
        norms[t] = np.linalg.norm(product, ord=2)
    return norms
    ### END SOLUTION


# %% check="gradient_norms"
check("gradient_norms", gradient_norms)

# %% [markdown]
# ## What decides: the spectral radius
#
# In a long product of the *same* matrix, one number takes over: the largest magnitude among its
# eigenvalues, the **spectral radius** $\rho$. In the long run, $k$ steps multiply by about $\rho^k$. (On the
# way there anything can happen, as the matrix above shows.)
#
# The next cell follows one gradient, $dL/dh_t$, sixty steps back, through networks of 64 units with
# different recurrent weights: random ones scaled to a spectral radius from 0.5 to 1.1, an orthogonal matrix
# (a rotation, whose eigenvalues all have magnitude 1), and the identity. The last one is the initialiser of
# those slides, $U(-1, 1)$, at the 512 units that they use.
#
# Twice: in a *quiet* network, whose states are all 0, and in a *busy* one with random inputs.
#
# **Predict first.** In the quiet network, which curves fall, which rise, which stay? In the busy network
# the slopes of tanh are below 1. What will become of the curves that stayed?


# %% tags=["demo"]
def random_weights(radius, units, rng):
    """Normal weights, scaled to a spectral radius."""
    weights = rng.normal(size=(units, units))
    return weights * radius / np.abs(np.linalg.eigvals(weights)).max()


def norms_back(Wh, inputs, steps=60, seed=0):
    """The norm of dL/dh_t after 0, 1, 2, ... steps back, for inputs of a given size."""
    rng = np.random.default_rng(seed)
    units = len(Wh)
    Wx, b = np.eye(units), np.zeros(units)
    h, caches = np.zeros((1, units)), []
    for _ in range(steps):
        h, cache = rnn_step_forward(inputs * rng.normal(size=(1, units)), h, Wx, Wh, b)
        caches.append(cache)
    dh = rng.normal(size=(1, units))
    norms = [1.0]
    dh /= np.linalg.norm(dh)
    for cache in reversed(caches):
        dh = library.rnn_step_backward(dh, cache)[1]
        norms.append(np.linalg.norm(dh))
    return np.array(norms)


rng = np.random.default_rng(4)
matrices = {f"radius {radius}": random_weights(radius, 64, rng) for radius in (0.5, 0.7, 0.9, 1.1)}
matrices["orthogonal"] = np.linalg.qr(rng.normal(size=(64, 64)))[0]
matrices["identity"] = np.eye(64)
matrices["U(-1, 1), 512 units"] = rng.uniform(-1, 1, (512, 512))

figure, (quiet, busy) = new_figure(columns=2, width=9.2, height=3.4, sharey=True)
for axes, size, title in [(quiet, 0.0, "Quiet: all states 0"), (busy, 0.5, "Busy: random inputs")]:
    curves = {name: norms_back(Wh, size) for name, Wh in matrices.items()}
    lines(axes, np.arange(61), curves, every=6, xlabel="steps back", title=title)
    axes.set(ylim=(1e-12, 1e12), xlim=(0, 60))
quiet.set_ylabel("norm of $dL/dh_t$")
busy.legend(fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
show(
    figure,
    alt="Norm of the gradient against steps back, two panels. Quiet: radius 0.5, 0.7 and 0.9 fall on "
    "straight lines, 1.1 rises slowly, orthogonal and identity stay at 1, U(-1, 1) leaves the top "
    "within 12 steps. Busy: all but U(-1, 1) fall, even radius 1.1; U(-1, 1) still rises out of the panel.",
)

# %% [markdown]
# The quiet panel is the textbook: straight lines on a logarithmic axis, down below 1, up above it, and
# level for rotations.
#
# The busy panel is real life. A state that carries information is not 0, its slope is below 1, and each
# step takes its toll: with these inputs even radius 1.1 vanishes, and the rotation too. This is no accident:
# to keep something safely, a basic network needs states that small disturbances do not move, and what
# disturbances do not move, no gradient passes (Bengio, Simard and Frasconi, 1994). Notebook 5 is about the
# way out.
#
# One thing is certain in advance. No slope of tanh is above 1. So if the largest singular value of $W_h$ is
# $\sigma < 1$, then $k$ steps leave at most $\sigma^k$, whatever the inputs: the gradient *must* vanish. For
# it to explode, $\sigma > 1$ is necessary, and not enough. (Pascanu, Mikolov and Bengio, 2013.)
#
# **Try it yourself.** Run the next cell in Jupyter and move the sliders. Questions to play with: for inputs
# of 0, where is the edge? With inputs of 0.5, which radius keeps the gradient alive for 60 steps? How is an
# orthogonal matrix different from a random one of the same radius at the very beginning of the curve?


# %% tags=["demo", "nbval-ignore-output"]
def measure(radius, kind, inputs):
    rng = np.random.default_rng(7)
    if kind == "orthogonal":
        Wh = radius * np.linalg.qr(rng.normal(size=(48, 48)))[0]
    else:
        Wh = random_weights(radius, 48, rng)
    return Wh, norms_back(Wh, inputs)


radius_slider(measure)

# %% [markdown]
# Where sliders do not run, here is one of their pictures: radius 1.2, with inputs of size 0.5. A quarter of the
# eigenvalues lie outside the circle, and still the gradient shrinks.

# %% tags=["demo"]
Wh, norms = measure(1.2, "random", 0.5)
outside = int((np.abs(np.linalg.eigvals(Wh)) > 1).sum())
print(f"eigenvalues outside the circle: {outside} of {len(Wh)}")
show(
    radius_picture(Wh, norms, "radius 1.2, inputs of size 0.5"),
    alt="Left: the eigenvalues of a random matrix of radius 1.2 in the complex plane; most lie inside the "
    "dashed circle of radius 1, some outside. Right: the norm of the gradient falls steadily with the "
    "steps back in spite of that.",
)

# %% [markdown]
# ## The initialiser of the slides
#
# Why is $U(-1, 1)$ so bad? A number drawn evenly from $-1$ to $1$ has variance $1/3$. The eigenvalues of an
# $H \times H$ matrix of independent numbers with variance $v$ fill a disc of radius about $\sqrt{v H}$ (the
# *circular law*). So the spectral radius grows with the *size* of the network:
#
# $$\rho \approx \sqrt{H / 3}.$$
#
# **Predict first.** What is it for the 5 units of a slide? For 512?


# %% tags=["demo"]
def growth(matrix, steps=400):
    """By how much a vector grows in one step, on average over a long way: the spectral radius."""
    vector, logarithms = np.ones(len(matrix)), []
    for _ in range(steps):
        vector = vector @ matrix
        logarithms.append(np.log(np.linalg.norm(vector)))
        vector /= np.linalg.norm(vector)
    return np.exp(np.mean(logarithms[100:]))  # the beginning depends on the vector


print("units   sqrt(H / 3)   measured")
for units in (5, 64, 512):
    Wh = np.random.default_rng(units).uniform(-1, 1, (units, units))
    print(f"{units:5d}   {np.sqrt(units / 3):11.1f}   {growth(Wh):8.1f}")

# %% [markdown]
# On a slide with five units nobody notices. With the 512 units that the same slides train in the end, a
# quiet network multiplies the gradient by 13 at each step.
#
# And a busy one? With sums that large nearly all units are **saturated**: $h$ is almost exactly 1 or $-1$,
# and the slope almost 0. You might expect that to kill the gradient. The figure says otherwise. Few units
# have a slope to speak of at any moment, but those pass it on with weights whose sum is huge.
#
# So the same network does both of the bad things: its units are stuck at their limits, and a tiny nudge of
# an early state sends the last one somewhere else altogether. It is *chaotic*, and a gradient of $10^{20}$
# says so.
#
# The repair is one line: make the variance shrink with the size. Glorot's limits do that for $W_x$; for
# $W_h$ an orthogonal matrix is the usual choice, and Keras' default.

# %% [markdown]
# ## Clipping: a leash for the step
#
# What does an exploding gradient do to training? Here is the loss of one unit, $h_t = \tanh(w h_{t-1} + b)$,
# run for 40 steps, as a function of its only weight $w$. Left of $w = 1.36$ the state ends below zero, right
# of it above: there is a **cliff**. On the cliff the slope is enormous. The black dot stands on it and takes
# one step of gradient descent, $w \leftarrow w - 0.05\, dL/dw$.


# %% tags=["demo"]
def loss_of(w):
    h = 0.4
    for _ in range(40):
        h = np.tanh(w * h - 0.12)
    return (h - 0.8) ** 2


start, rate, limit = 1.3585, 0.05, 5.0
slope = float(library.numerical_gradient(loss_of, np.array(start), 1.0, h=1e-7))
clipped = float(np.clip(slope, -limit, limit))
print(f"slope at the dot: about {round(slope, -2):,.0f}")
print(f"one step leads to w = {start - rate * slope:.0f}; clipped at {limit:g}, to w = ", end="")
print(f"{start - rate * clipped:.2f}")

weights = np.linspace(0.6, 3.0, 1200)
figure, axes = new_figure(width=6.8, height=3.0)
cliff(
    axes,
    weights,
    np.array([loss_of(w) for w in weights]),
    {
        "the step as it is (leaves the picture)": (start, start - rate * slope),
        "the step clipped": (start, start - rate * clipped),
    },
)
axes.set_title("A cliff in the loss of one unit over 40 steps")
show(
    figure,
    alt="The loss against the weight w. It rises to 2.7 at w = 1.36, drops there as steep as a wall to nearly "
    "0, and stays there. From a dot on the wall one arrow, the step as it is, leaves the picture to the right; "
    "the other, the clipped step, ends close by at the foot of the wall.",
)

# %% [markdown]
# The direction was right: downhill. The *length* was absurd. A slope holds for a tiny neighbourhood, and
# the step went far beyond: to a weight so large that tanh is saturated for good. There the gradient is 0,
# and the network never comes back. One such step ruins a week of training.
#
# The remedy is a leash. Let $g_1, \dots, g_n$ be the gradients of all weights (arrays of any shapes). Their
# **global norm** is the length of the vector that holds *all* their numbers:
#
# $$\lVert g \rVert = \sqrt{\sum_i \sum_k g_{i,k}^2}\,,$$
#
# where $k$ runs through all entries of array $i$. Two cases:
#
# - It is at most the limit: every gradient stays as it is. A leash that is not tight does not pull.
# - It is longer: *all* gradients are multiplied by **one** factor, the one that makes the global norm equal
#   to the limit.
#
# **On paper.** Two gradients, $g_1 = (3)$ and $g_2 = (4)$, and the limit 1. What comes out? Somebody clips
# each gradient by itself to length 1: what comes out then, and in which direction does that step go?
#
# <details><summary>Compare</summary>
#
# The global norm is $\sqrt{9 + 16} = 5$, so the factor is $1/5$: $(0.6)$ and $(0.8)$. Clipped one by one:
# $(1)$ and $(1)$. That is 45 degrees, where the gradient pointed at 53: another direction, and longer than
# the limit, $\sqrt 2$. With hundreds of weight matrices the turn can be much worse.
#
# </details>
#
# ### Exercise 6: `clip_by_global_norm`
#
# Return **two** things: the list of the gradients, clipped, and the norm *before* clipping. The norm is what
# you want to plot during training: it shows the explosions that the leash has caught.


# %% exercise="clip_by_global_norm"
def clip_by_global_norm(grads, limit):
    """Shrink all gradients by one factor, if together they are longer than limit.

    grads: list of arrays of any shapes; list and arrays stay as they are. All may be zero.
    limit: the greatest norm allowed, positive.
    Returns: (clipped, norm): the list of the gradients, and their global norm before clipping.
    """
    ### BEGIN SOLUTION
    norm = np.sqrt(sum(np.sum(grad**2) for grad in grads))
    factor = limit / norm if norm > limit else 1.0
    return [grad * factor for grad in grads], norm
    ### END SOLUTION


# %% check="clip_by_global_norm"
check("clip_by_global_norm", clip_by_global_norm)

# %% [markdown]
# Clipping is a cure for explosions. It is none for vanishing: you can shorten a gradient of $10^{20}$, whose
# direction at least is right, but from one that is lost among rounding errors there is nothing to be had by
# stretching it.

# %% [markdown]
# ## Two tasks that need memory
#
# Time to train with what you wrote. Two tasks are used everywhere to measure memory, because without it they
# cannot be solved, and because you can make them as long as you like.
#
# - **The adding problem** (Hochreiter and Schmidhuber, 1997): a sequence of numbers between 0 and 1. Two are
#   marked, one in each half. At the end, say their sum.
# - **Copy memory**: read a few symbols, wait through many blanks, and write the symbols down when a question
#   mark comes.

# %% tags=["demo"]
rng = np.random.default_rng(3)
numbers, sums = library.adding_problem(1, 16, rng)
asked, wanted = library.copy_memory(1, 10, rng, length=4)
figure, (above, below) = new_figure(rows=2, width=7.2, height=4.6, height_ratios=[3, 2])
two_tasks(above, below, (numbers[0], float(sums[0])), (asked[0], wanted[0]))
show(
    figure,
    alt="Above: sixteen bars of numbers between 0 and 1; two of them, 0.80 at step 5 and 0.48 at step 13, are "
    "hatched as marked, and the answer is 1.28. Below, copy memory: the input row holds 1, 1, 4, 4, then nine "
    "blanks, a question mark and blanks; the target row is blank until its last four squares, 1, 1, 4, 4.",
)

# %% [markdown]
# ### The baseline first
#
# **On paper.** What is the best answer to the adding problem for somebody who has not looked at the
# sequence, and how large is the mean squared error? (A number drawn evenly from 0 to 1 has mean 1/2 and
# variance 1/12.)
#
# <details><summary>Compare</summary>
#
# Always say the mean of the sum, 1. The mean squared error is then the variance of the sum,
# $1/12 + 1/12 = 1/6 \approx 0.167$.
#
# </details>
#
# A network whose error is 1/6 has learned nothing but to say 1. Below that, it remembers.
#
# The training below uses *your* functions: `rnn_backward` for the gradients and `clip_by_global_norm` for
# the leash. (Each is tried on an example first; if it is not right yet, the course's own takes its
# place.) The only new thing is *Adam*, a refined gradient descent which gives each weight a step size
# of its own.


# %% tags=["demo"]
def pick(name, yours, ours, *arguments):
    """Your function if it is right on an example, else the course's."""

    def flat(result):
        return np.concatenate([np.ravel(part) for part in result[:-1]] + [np.ravel(result[-1])])

    try:
        right = np.allclose(flat(yours(*arguments)), flat(ours(*arguments)))
    except Exception:
        right = False
    print(f"{name}: {'yours' if right else 'the course’s'}")
    return yours if right else ours


example = rnn_forward(*inputs)[1]
backward = pick("rnn_backward", rnn_backward, library.rnn_backward, dy, example)
clip = pick(
    "clip_by_global_norm",
    clip_by_global_norm,
    library.clip_by_global_norm,
    [np.array([3.0]), np.array([4.0])],
    2.0,
)


def adam(weights, gradients, memory, update, rate=3e-3):
    """One step of Adam (Kingma and Ba, 2015), in place; memory holds the two running means."""
    for weight, gradient, (mean, square) in zip(weights, gradients, memory, strict=True):
        mean += 0.1 * (gradient - mean)
        square += 0.001 * (gradient**2 - square)
        step = (mean / (1 - 0.9**update)) / (np.sqrt(square / (1 - 0.999**update)) + 1e-8)
        weight -= rate * step


def train_adding(T, Wh, Wx, updates, watch, rng):
    """Train on fresh sequences of T steps; returns the error on 2,000 new ones."""
    H = len(Wh)
    weights = [Wx.copy(), Wh.copy(), np.zeros(H), np.zeros((H, 1)), np.zeros(1)]
    memory = [(np.zeros_like(w), np.zeros_like(w)) for w in weights]
    recent = []
    for update in range(1, updates + 1):
        x, target = library.adding_problem(32, T, rng)
        states, caches = rnn_forward(x.astype(float), np.zeros((32, H)), *weights[:3])
        wrong = (states[:, -1] @ weights[3] + weights[4])[:, 0] - target
        recent.append(np.mean(wrong**2))
        d_answer = (2 * wrong / len(wrong))[:, np.newaxis]
        dy = np.zeros_like(states)  # only the last state is asked
        dy[:, -1] = d_answer @ weights[3].T
        _, _, dWx, dWh, db = backward(dy, caches)
        read_out = [states[:, -1].T @ d_answer, d_answer.sum(axis=0)]
        adam(weights, clip([dWx, dWh, db, *read_out], 1.0)[0], memory, update)
        if update % 50 == 0:
            watch(update, np.mean(recent[-50:]))
    x, target = library.adding_problem(2000, T, rng)
    states, _ = rnn_forward(x.astype(float), np.zeros((2000, H)), *weights[:3])
    return np.mean(((states[:, -1] @ weights[3] + weights[4])[:, 0] - target) ** 2)


# %% [markdown]
# **Predict first.** 32 units, orthogonal recurrent weights, 800 updates. For sequences of 5, 10 and 40 steps:
# which will get below 1/6? And one more at 10 steps that starts from the slides' $U(-1, 1)$?
#
# (In Jupyter the curves grow while you watch; it takes about ten seconds.)

# %% tags=["demo"]
view = LiveCurves(
    alt="Mean squared error on the adding problem against updates, with a dotted line at 1/6. For 5 steps it "
    "falls towards 0 at once, for 10 steps a little later. For 40 steps it falls to the line and stays there. "
    "For 10 steps from U(-1, 1) it comes down a little below the line and hangs there.",
    level=("always say 1: error 1/6", 1 / 6),
    total=800,
    ylabel="mean squared error",
)
H, results = 32, {}
for T, kind in [(5, "orthogonal"), (10, "orthogonal"), (40, "orthogonal"), (10, "U(-1, 1)")]:
    rng = np.random.default_rng(0)
    if kind == "orthogonal":
        Wh, Wx = np.linalg.qr(rng.normal(size=(H, H)))[0], rng.uniform(-0.4, 0.4, (2, H))
    else:
        Wh, Wx = rng.uniform(-1, 1, (H, H)), rng.uniform(-1, 1, (2, H))
    label = f"{T} steps, {kind}"
    results[label] = train_adding(
        T, Wh, Wx, 800, lambda u, e, name=label: view.add(name, u, e), rng
    )
view.finish()

print("error on 2,000 new sequences (always saying 1: 0.17)")
for label, error in results.items():
    print(f"  {label:22s} {error:.2f}")

# %% [markdown]
# Five and ten steps: solved, by gradients that you computed by hand. Forty: after the same training the
# network still says 1. Look at the curve: it drops to the baseline quickly, which looks like learning, and
# then nothing happens. The first marked number is thirty steps back on average, and what arrives there is too
# faint to be told from noise.
#
# The slides' initialiser at the same ten steps: several times worse. And that is with 32 units, a spectral
# radius of about 3, not 13.

# %% [markdown]
# ### Copy memory, and a loss that looks good
#
# Copy memory has a trap of its own. Let there be $n$ symbols to remember out of $k$, and $d$ steps to wait
# (in the last of them stands the question mark).
# The network writes $d + 2n$ tokens, of which $d + n$ are blanks that anybody can predict.
#
# **On paper.** Somebody writes the blanks correctly and guesses the $n$ symbols evenly among $k$. What is
# the mean cross-entropy per token, for $n = 5$, $k = 8$, $d = 20$? ($\ln 8 = 2.08$.) And what share of all
# tokens is right?
#
# <details><summary>Compare</summary>
#
# $n \ln k / (d + 2n) = 5 \cdot 2.08 / 30 = 0.35$. Right: 25 blanks and 1/8 of 5 symbols, 25.6 of 30, or 85 %.
# A network with an accuracy of 85 % may remember nothing at all. The longer the wait, the better it looks.
#
# </details>
#
# Same network, same training; the loss is now the cross-entropy of all tokens, so every output has a
# gradient. Watch where it goes for $d = 2$ (3 symbols of 4) and for $d = 20$ (5 symbols of 8).


# %% tags=["demo"]
def train_copy(d, n, k, updates, H=32):
    """Train on fresh sequences; returns the mean loss of every 25 updates."""
    rng = np.random.default_rng(0)
    V = k + 2
    weights = [
        rng.uniform(-0.4, 0.4, (V, H)),
        np.linalg.qr(rng.normal(size=(H, H)))[0],
        np.zeros(H),
    ]
    weights += [rng.uniform(-0.4, 0.4, (H, V)), np.zeros(V)]
    memory = [(np.zeros_like(w), np.zeros_like(w)) for w in weights]
    losses = []
    for update in range(1, updates + 1):
        x, target = library.copy_memory(32, d, rng, length=n, symbols=k)
        states, caches = rnn_forward(np.eye(V)[x], np.zeros((32, H)), *weights[:3])
        logits = states @ weights[3] + weights[4]
        p = np.exp(logits - logits.max(axis=-1, keepdims=True))
        p /= p.sum(axis=-1, keepdims=True)
        losses.append(-np.log(np.take_along_axis(p, target[..., np.newaxis], -1)).mean())
        d_logits = (p - np.eye(V)[target]) / target.size
        _, _, dWx, dWh, db = backward(d_logits @ weights[3].T, caches)
        read_out = [np.einsum("bth,btv->hv", states, d_logits), d_logits.sum(axis=(0, 1))]
        adam(weights, clip([dWx, dWh, db, *read_out], 1.0)[0], memory, update)
    return np.array(losses).reshape(-1, 25).mean(axis=1)


figure, panels = new_figure(columns=2, width=8.0, height=2.8, sharey=True)
for axes, (d, n, k) in zip(panels, [(2, 3, 4), (20, 5, 8)], strict=True):
    losses = train_copy(d, n, k, 400)
    baseline = n * np.log(k) / (d + 2 * n)
    updates = np.arange(25, 401, 25)
    remembers_nothing = (f"remembers nothing: {baseline:.2f}", baseline)
    lines(axes, updates, {"loss": losses}, log=False, level=remembers_nothing, xlabel="updates")
    axes.set_title(f"{n} symbols of {k}, then {d} blanks")
    axes.set_ylim(0, 1.45)
    axes.legend()
    print(
        f"{d:2d} blanks: loss after 400 updates {losses[-1]:.2f}, remembering nothing {baseline:.2f}"
    )
panels[0].set_ylabel("cross-entropy")
show(
    figure,
    alt="Cross-entropy against updates for copy memory, two panels. With 2 blanks it falls through the dotted "
    "line of a network that remembers nothing, to about 0. With 20 blanks it falls to the dotted line at 0.35 "
    "and stays on it.",
)

# %% [markdown]
# On the right the loss falls from more than 1 to 0.35, a fine-looking curve. It ends exactly on the line of
# a network that remembers *nothing*. Without the baseline you would have reported success.

# %% [markdown]
# ## Summary
#
# - A gradient says what a nudge does. Central differences with $h = 10^{-5}$ in float64 measure it to ten
#   digits, at two runs a weight: the referee for everything else.
# - One step back: through tanh ($da$), then to all that went into the sum. Shapes tell you the products; what
#   was used several times adds up what all its uses say.
# - Through time: from the last step to the first. Two gradients meet at each state, *before* the tanh. Weights
#   add up over the steps.
# - A falling loss proves nothing. A gradient check, at $T = 1$ first, does; and the pattern of its errors
#   names the culprit.
# - Far back, a gradient is a product of Jacobians. A spectral radius below 1 makes it vanish, above 1 it can
#   explode, and the slopes of tanh make it vanish even so.
# - $U(-1, 1)$ has radius $\sqrt{H/3}$: harmless on a slide, 13 for 512 units.
# - Clipping by the global norm shortens the step and keeps its direction. It cures explosions, not vanishing.
# - The adding problem (baseline 1/6) and copy memory measure what a network remembers. A basic network gets
#   about ten steps far.
#
# ### Sources
#
# - P. Werbos, *Backpropagation through time: what it does and how to do it*, 1990.
# - S. Hochreiter, *Untersuchungen zu dynamischen neuronalen Netzen*, 1991; Y. Bengio, P. Simard and
#   P. Frasconi, *Learning long-term dependencies with gradient descent is difficult*, 1994.
# - S. Hochreiter and J. Schmidhuber, *Long short-term memory*, 1997 (the adding problem is its experiment 4).
# - R. Pascanu, T. Mikolov and Y. Bengio, *On the difficulty of training recurrent neural networks*, 2013
#   (clipping, the cliff, and the conditions on singular values).
# - A. Saxe, J. McClelland and S. Ganguli, *Exact solutions to the nonlinear dynamics of learning in deep linear
#   neural networks*, 2014 (orthogonal weights); Q. Le, N. Jaitly and G. Hinton, *A simple way to initialize
#   recurrent networks of rectified linear units*, 2015 (the identity).
# - M. Arjovsky, A. Shah and Y. Bengio, *Unitary evolution recurrent neural networks*, 2016 (copy memory in this
#   form, and matrices that stay rotations during training).
# - The ladder of this notebook, step forward, step backward, sequence forward, sequence backward, each with
#   its relative error, follows Stanford's course CS231n.
#
# ### What comes next
#
# The trouble is the product: each step multiplies, and a tanh sits in every factor. In
# [notebook 5](../05_lstm_internals/05_lstm_internals.ipynb) you build a cell with a second state that is
# carried along by *adding*, and guarded by gates. Its way back has a lane without a tanh.
