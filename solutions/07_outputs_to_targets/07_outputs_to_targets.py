# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 7 · From outputs to targets
#
# A well-known 2017 tutorial builds an LSTM, turns its outputs into predictions, measures how far they
# are off, and prints
#
# > Value of cost: 118.76799774169922
#
# There it ends. Is that a good number? A bad one? What is it compared to? In this notebook you answer
# that, find what went wrong on the way, and then do what the tutorial leaves out: you train the network.
#
# **Afterwards you will be able to**
#
# - read one number off every output of a recurrent network, and lose no axis you still need;
# - tell broadcasting from copying, and say why the shorter way is the better one;
# - measure an error so that two shapes that do not fit are an error and not a number;
# - say what a network must beat before anybody should be impressed;
# - train a network, and tell learning the rule from learning by heart.
#
# **Time:** about 100 minutes, six exercises. **You need** to know what an LSTM takes and gives
# ([notebook 5](../05_lstm_internals/05_lstm_internals.ipynb)) and what TensorFlow can differentiate
# ([notebook 1](../01_unrolling_by_hand/01_unrolling_by_hand.ipynb)).

# %%
import numpy as np

import course_lib
from autograder import check
from course_lib import TRAIN_X, TRAIN_Y, UNTRAINED_COST_PRINTED, tasks, tf
from course_lib.plots import new_figure, show
from course_lib.plots import readout as plots
from course_lib.readout import ReadoutNetwork, Session

# %% [markdown]
# Figures and measurements use the course's own functions, so everything runs from the beginning, and
# nothing waits for you. Try each exercise before you look there.
#
# ## The data, and the rule behind them
#
# The tutorial's inputs are one batch: $B = 3$ sequences of $T = 4$ time steps with $D = 2$ features.
# (The tutorial says "3 batches". It is one batch of three sequences.) At every step there is a number to
# be predicted, the *target* $y$.

# %%
print("inputs", TRAIN_X.shape, "  targets", TRAIN_Y.shape)
for sequence, targets in zip(TRAIN_X, TRAIN_Y, strict=True):
    print("first feature", sequence[:, 0], "  second", sequence[:, 1], "  target", targets)

# %% [markdown]
# **On paper.** The tutorial never says how the targets come about. Find the rule. What does the second
# feature contribute? And what does a network have to *remember* to follow the rule?
#
# <details><summary>Compare</summary>
#
# Each target is this step's number plus the one of the step before: $y_t = x_t + x_{t-1}$, with nothing
# before the first step. For the first sequence: 1, 1 + 2, 2 + 5, 5 + 6. The second feature is always 2 and
# says nothing. A network needs a memory of exactly one step.
#
# </details>

# %% [markdown]
# ## What the cell hands over
#
# An LSTM with $H = 10$ hidden units runs over the batch. Notebook 5 took it apart; here only what comes out
# matters.

# %% tags=["demo"]
cell = course_lib.LSTMCell(10, input_size=2, seed=0)
outputs, state = course_lib.dynamic_rnn(cell, TRAIN_X)
print("outputs       ", outputs.shape, " one vector for each sequence and each step")
print("cell state c  ", state.c.shape, "    after the last step only")
print("hidden state h", state.h.shape, "    after the last step only")
print("h is the last output:", np.array_equal(state.h, outputs[:, -1]))
print("largest output in size below 1:", bool(np.abs(outputs).max() < 1))

# %% [markdown]
# Ten numbers where one is asked for, and all of them between $-1$ and $1$, where the targets go up to 15.
# Something has to stand between the outputs and the targets.
#
# It has to read `outputs`, not the state. The state is what the network would need *to go on*: it exists
# for the last step only, and its part $c$ is not an output at all. There are twelve targets here, and the
# state holds one vector for each of the three sequences.
#
# ## One number for each step
#
# The simplest reader is linear. With $o_{bth}$ the output of unit $h$ for sequence $b$ at step $t$, a
# weight $w_h$ for each unit, and one bias $\beta$, the prediction is
#
# $$\hat y_{bt} = \sum_{h=1}^{H} o_{bth}\, w_h + \beta .$$
#
# This is the **projection**. In code the weights are `W_out` of shape $(H, 1)$ and the bias is `b_out` of
# shape $(1,)$. They are the same at every step and for every sequence: $H + 1 = 11$ numbers to learn. No
# tanh stands around the sum: the projection is what leads out of the range between $-1$ and $1$.
#
# **On paper.** $H = 2$, one sequence of two steps, outputs $(1, 2)$ and $(0, -1)$, weights $3$ and $1$,
# bias $0.5$. What are the two predictions?
#
# <details><summary>Compare</summary>
#
# $3 + 2 + 0.5 = 5.5$ and $0 - 1 + 0.5 = -0.5$. Five and minus one without the bias; and a bias added once
# for *each unit* would have given $6$ and $0$.
#
# </details>

# %% tags=["demo"]
figure, axes = new_figure(width=9, height=3.2)
plots.shape_route(axes)
show(
    figure,
    alt="Three blue sheets of 4 by 10 squares, the outputs, times one orange column of 10 squares, W_out, "
    "give three green columns of 4 squares, the product of shape (3, 4, 1). An arrow, labelled: remove "
    "the axis of size 1, leads to one green sheet of 3 by 4 squares, the prediction.",
)

# %% [markdown]
# The figure shows it as shapes: $(B, T, H)$ times $(H, 1)$ is $(B, T, 1)$. The matrix product works on the
# last axis and leaves all others alone, so time and batch need no loop.
#
# ## Which axis goes?
#
# The targets are $(B, T)$, so the axis of size 1 at the end has to go. The tutorial uses `tf.squeeze`, which
# is NumPy's `np.squeeze`. Without further arguments it does what its name says.
#
# **Predict first.** What are the shapes after a squeeze of arrays of shape (3, 4, 1), (3, 1, 1), (1, 4, 1)
# and (1, 1, 1)? Write them down before you run the cell.

# %%
for shape in [(3, 4, 1), (3, 1, 1), (1, 4, 1), (1, 1, 1)]:
    print(shape, "->", np.squeeze(np.zeros(shape)).shape)

# %% [markdown]
# Three sequences of a single step: wanted is (3, 1), and (3,) comes out. One sequence: wanted is (1, 4),
# and (4,) comes out. In the tutorial neither size is ever 1, so nobody notices. The day on which somebody
# tries a single sequence is the day on which it breaks, or worse, does not break.
#
# So say *which* axis you mean. There is more than one way; the documentation of `np.squeeze` has one, and
# an index is another.
#
# ### Exercise 1: `project`


# %% exercise="project"
def project(outputs, W_out, b_out):
    """Read one number off the outputs of every step.

    outputs: (B, T, H) = batch, time, hidden.
    W_out: (H, 1).  b_out: (1,).
    Returns the predictions (B, T), also where B or T is 1.
    """
    ### BEGIN SOLUTION
    return (outputs @ W_out + b_out)[:, :, 0]
    ### END SOLUTION


# %% check="project"
check("project", project)

# %% [markdown]
# ## Tiling is not broadcasting
#
# The tutorial takes a longer way. It says that each example of the batch has to be multiplied by itself,
# and that this goes for the whole batch at once "using smart broadcasting", in five steps:
#
# 1. start with `W_out`, as it is;
# 2. put a new axis in front of it;
# 3. repeat it along the new axis, one copy for each sequence of the batch;
# 4. multiply the outputs by the copies, sequence by sequence, and add the bias;
# 5. remove the axis of size 1.
#
# **On paper.** The tutorial prints the shapes on this way, for $B = 3$, $T = 4$, $H = 10$. Write down all
# five.
#
# <details><summary>Compare</summary>
#
# (10, 1), (1, 10, 1), (3, 10, 1), (3, 4, 1), (3, 4). In the print the third one appears as (?, 10, 1), for
# TensorFlow 1 did not know the size of the batch while it made the graph.
#
# </details>
#
# The numbers come out right. The name is wrong. **Broadcasting** means that an array is used again and
# again *without* being copied; that is what happened in your `project`. **Tiling** makes the copies.

# %% tags=["demo"]
figure, (left, right) = new_figure(columns=2, width=9.5, height=3.6)
plots.one_or_copies(left, right)
show(
    figure,
    alt="Left, broadcasting: three blue sheets, one a sequence, are all connected to a single orange "
    "column of weights; 10 numbers held. Right, tiling: every sheet has an orange column of its own; "
    "30 numbers held.",
)
for batch, hidden in [(3, 10), (256, 512)]:
    print(f"batch {batch}, {hidden} units: {hidden} numbers held, or {batch * hidden} when tiled")

# %% [markdown]
# On the tutorial's scale nobody cares. But the copies also cost on the way back: the gradient arrives once
# for each copy, and all of them have to be added up again. And code that copies where it need not makes its
# reader look for a reason.
#
# Walk the detour once, with open eyes, and note the shape at every stage. It is the best way to see what
# the short way does.
#
# ### Exercise 2: `project_tiled`


# %% exercise="project_tiled"
def project_tiled(outputs, W_out, b_out):
    """The same predictions by the tutorial's detour, with the shapes on the way.

    outputs: (B, T, H).  W_out: (H, 1).  b_out: (1,).
    Returns two things: the predictions (B, T), and a list of the five shapes after steps 1 to 5 above,
    each a tuple. Right where B or T is 1, too.
    """
    ### BEGIN SOLUTION
    expanded = np.expand_dims(W_out, 0)
    tiled = np.tile(expanded, [len(outputs), 1, 1])
    product = outputs @ tiled + b_out
    pred = np.squeeze(product, axis=2)
    return pred, [W_out.shape, expanded.shape, tiled.shape, product.shape, pred.shape]
    ### END SOLUTION


# %% check="project_tiled"
check("project_tiled", project_tiled)

# %% [markdown]
# ## One number for the whole batch
#
# How far off are the predictions? The tutorial's *cost* is the **mean squared error**: the differences,
# squared, averaged over all $B \cdot T$ steps,
#
# $$\mathrm{mse} = \frac{1}{B\,T} \sum_{b=1}^{B} \sum_{t=1}^{T} \left(\hat y_{bt} - y_{bt}\right)^2 .$$
#
# **On paper.** Predictions 1 and 5, targets 2 and 2. What is the mean squared error? What would it be if
# both stood in the batch twice?
#
# <details><summary>Compare</summary>
#
# $(1 + 9) / 2 = 5$, and 5 again: a mean does not grow with the batch. The sum of the squares would.
#
# </details>
#
# ## An error that raises nothing
#
# Now the trap. Six sequences of one step: the targets are a column, (6, 1). Somebody squeezed the
# predictions, so they are (6,). And the predictions are *perfect*.
#
# **Predict first.** What is the mean squared error?

# %%
targets = np.array([[1.0], [3.0], [7.0], [11.0], [12.0], [15.0]])
predictions = np.squeeze(targets)
difference = predictions - targets
print("the difference has shape", difference.shape)
print("mean of its squares, predictions perfect: ", round(float((difference**2).mean()), 1))
always_the_mean = np.full(6, targets.mean())
print(
    "mean of the squares, always the mean:     ",
    round(float(((always_the_mean - targets) ** 2).mean()), 1),
)

# %% tags=["demo"]
figure, axes = new_figure(width=5.2, height=3.9)
plots.all_pairs(axes, predictions, targets)
show(
    figure,
    alt="A table of 6 by 6 differences: every prediction minus every target. Only the six framed squares "
    "on the diagonal, all 0, were wanted. The other thirty lie between -14 and 14.",
)

# %% [markdown]
# Both arrays were stretched to fit: a row of six and a column of six make a table of 36 differences, each
# prediction against *every* target. Only the six framed ones were meant.
#
# No error, no warning, and a number that looks like any other. But see what that number rewards: perfect
# predictions cost *twice* as much as always saying the mean. A network trained on it learns to say the mean,
# and you will blame the network.
#
# With an axis of size 1 left at the end it is the same story. (4, 4, 1) against (4, 4) gives (4, 4, 4). Where
# sizes differ you are lucky and NumPy complains: (3, 4, 1) against (3, 4) is an error. So the bug hides in a
# test and strikes when a batch happens to have as many sequences as steps.
#
# The remedy is a line: **refuse**. Your `mse` shall raise an error (`ValueError`, say, or by an `assert`)
# whenever the two shapes are not exactly the same.
#
# ### Exercise 3: `mse`


# %% exercise="mse"
def mse(pred, target):
    """The mean squared error over all entries.

    pred, target: two arrays of one shape, such as (B, T).
    Returns a single number. Raises an error if the shapes are not the same.
    """
    ### BEGIN SOLUTION
    if pred.shape != target.shape:
        raise ValueError(f"pred is {pred.shape}, target is {target.shape}")
    return np.mean((pred - target) ** 2)
    ### END SOLUTION


# %% check="mse"
check("mse", mse)

# %% [markdown]
# ## Three predictors without a network
#
# Back to 118.768. A cost by itself says nothing. It has to be compared with somebody who does not try, or
# not much. Here are three, each a little less lazy than the one before:
#
# - **zero** predicts 0 at every step of every sequence;
# - **mean** predicts always the same number, the best there is: the mean of all targets in the data;
# - **memoryless** may look at the features of the *present step*, $x_{bt}$, and at nothing else. It predicts
#   the best linear function of them.
#
# For each of them you compute the mean squared error on the data.
#
# **Predict first.** The targets are 1, 3, 7, 11, 5, 12, 14, 15, 3, 7, 9, 12. Roughly what does *zero* cost?
# More or less than the tutorial's network?
#
# ## The best one without a memory
#
# A linear function of the features is a weight for each feature plus a constant. To find the best one, make
# a table with **one row for each step of each sequence**, $B \cdot T$ rows, and one column for each feature.
# A last column of ones makes room for the constant. Then ask for the weights that leave the smallest sum of
# squared errors: *least squares*. One function for all steps and all sequences.
#
# Here is least squares on a table that has nothing to do with ours: the heights of a candle as it burns.

# %%
hours = np.array([0.0, 1.0, 2.0, 3.0])
height = np.array([20.1, 17.9, 16.1, 13.9])
table = np.stack([hours, np.ones(4)], axis=1)
weights, *_ = np.linalg.lstsq(table, height, rcond=None)
print("table", table.shape, " centimetres an hour and at the start:", np.round(weights, 2))
print("what the line says:", np.round(table @ weights, 2))

# %% [markdown]
# Two traps:
#
# - Without the column of ones the function has to be 0 where all features are 0. On the tutorial's data you
#   would not notice, because the second feature is always 2 and does the same service.
# - For the same reason the tutorial's table has two columns that say the same. There is then not *one* best
#   set of weights but many, with the same error. `lstsq` picks one. Solving the normal equations
#   (`np.linalg.solve`, `np.linalg.inv`) breaks down or gives nonsense.
#
# ### Exercise 4: `baseline_errors`
#
# <details><summary>Stuck? Do it in this order</summary>
#
# 1. What does *zero* predict at each step? How far is that off, squared, averaged?
# 2. The same for *mean*: one number, computed from all targets.
# 3. For *memoryless*, first get the table: how many rows, how many columns? A reshape is right here, since
#    each row keeps its features together. The targets have to be put into one column in the same order.
# 4. Fit, predict, and measure as before.
#
# </details>


# %% exercise="baseline_errors"
def baseline_errors(x, y):
    """What a network has to beat: the mean squared errors of three predictors without one.

    x: (B, T, D) = batch, time, features.
    y: (B, T), the targets.
    Returns a dict with three numbers, under the keys "zero", "mean" and "memoryless".
    """
    ### BEGIN SOLUTION
    batch, time, features = x.shape
    table = np.concatenate([x.reshape(-1, features), np.ones((batch * time, 1))], axis=1)
    wanted = y.reshape(-1)
    weights, *_ = np.linalg.lstsq(table, wanted, rcond=None)
    return {
        "zero": np.mean(y**2),
        "mean": np.mean((y - y.mean()) ** 2),
        "memoryless": np.mean((table @ weights - wanted) ** 2),
    }
    ### END SOLUTION


# %% check="baseline_errors"
check("baseline_errors", baseline_errors)

# %% tags=["demo"]
baselines = course_lib.baseline_errors(TRAIN_X, TRAIN_Y)
figure, axes = new_figure(height=2.4)
plots.error_bars(
    axes,
    {"the tutorial's network": UNTRAINED_COST_PRINTED, **baselines},
    own=["the tutorial's network"],
)
show(
    figure,
    alt="Mean squared errors on the tutorial's data, as bars: the tutorial's network 119, zero 87.8, mean "
    "19.7, memoryless 1.68.",
)
for name, error in baselines.items():
    print(f"{name:10} {error:7.3f}")

# %% [markdown]
# The tutorial's network is worse than saying 0, whatever comes. That is nobody's bad luck, and no verdict on
# LSTMs: the network has **never been trained**. Its weights are dice.
#
# How bad can dice be? Here are 500 networks like the tutorial's, each with weights of its own.

# %% tags=["demo"]
untrained = []
for seed in range(500):
    network = ReadoutNetwork(seed=seed)
    pred = course_lib.project(network.outputs(TRAIN_X), network.W_out, network.b_out)
    untrained.append(float(course_lib.mse(pred, TRAIN_Y)))
untrained = np.array(untrained)

figure, axes = new_figure(height=3.0)
plots.untrained_costs(
    axes,
    untrained,
    {
        "always the mean": baselines["mean"],
        "always 0": baselines["zero"],
        "printed": UNTRAINED_COST_PRINTED,
    },
)
show(
    figure,
    alt="Histogram of the costs of 500 untrained networks, from 20 to 170, with most between 60 and "
    "120. Lines mark always the mean at 19.7, always 0 at 87.8, and the printed cost, 118.8.",
)
print(f"worse than always 0:      {100 * np.mean(untrained > baselines['zero']):.0f} %")
print(f"better than always the mean: {100 * np.mean(untrained < baselines['mean']):.0f} %")

# %% [markdown]
# About half of them are worse than always 0, and hardly any beats always the mean. 118.768 is just one throw
# out of this heap. The tutorial sets no random seed, so nobody will ever see that
# very number again.
#
# ## A baseline belongs to its data
#
# One thing should bother you. *Memoryless* reaches 1.68, though the rule needs a memory. How can a predictor
# know $x_{t-1}$ that it never sees?
#
# **Predict first.** Here is the same rule on 2,000 sequences of random whole numbers from 1 to 8. Will the
# memoryless error be smaller or larger than 1.68?

# %% tags=["demo"]
fresh_x, fresh_y = tasks.two_step_sum(2000, 4, np.random.default_rng(2017))
fresh_baselines = course_lib.baseline_errors(fresh_x, fresh_y)
for name, error in fresh_baselines.items():
    print(f"{name:10}  the tutorial's data {baselines[name]:6.2f}   random sequences {error:6.2f}")

# %% [markdown]
# More than four times as large. In the tutorial's three sequences the numbers *rise slowly*: whoever sees a
# 7 may guess that a 5 or a 6 came before. Random sequences give nothing away.
#
# The next figure shows all predictors that are made of two weights, one for this step and one for the step
# before (and the best constant). Dark is a small error. On the dashed line the weight of the step before is
# zero: there live those without a memory.

# %% tags=["demo"]
figure, (left, right) = new_figure(columns=2, width=9, height=3.9, sharey=True)
plots.valley(left, TRAIN_X, TRAIN_Y).set_title("The tutorial's three sequences", loc="left")
plots.valley(right, fresh_x, fresh_y).set_title("Random sequences", loc="left")
right.set_ylabel("")
show(
    figure,
    alt="Contours of the error against two weights. On the tutorial's data a long narrow valley runs from "
    "the rule at (1, 1) down to the line without a memory, which it meets at about (2, 0) with an error "
    "near 2. On random sequences the contours are nearly round about (1, 1), and the line passes far up "
    "the slope.",
)

# %% [markdown]
# On the left a long valley leads from the rule, at (1, 1), down to the dashed line: with these data "twice
# this step" is nearly as good as "this step and the one before". On the right there is no valley, and
# no way around remembering.
#
# **A baseline tells you how hard *these data* are.** When you draw other data, measure it again.
#
# Be the network for a moment: turn the two weights yourself, and watch error and predictions on the
# tutorial's data.

# %% tags=["demo", "nbval-ignore-output"]
plots.weight_sliders(TRAIN_X, TRAIN_Y)

# %% tags=["demo"]
figure, axes = new_figure(rows=2, width=8, height=4.8, sharex=True)
for row, (now, before) in zip(axes, [(2.0, 0.0), (1.0, 1.0)], strict=True):
    error = plots.hand_made_against(row, TRAIN_X, TRAIN_Y, now, before)
    row.set_title(f"weights {now:g} and {before:g}: mean squared error {error:.2f}", loc="left")
axes[0].set_xlabel("")
show(
    figure,
    alt="Targets and predictions of two hand-set predictors on the three sequences. With weights 2 and 0 "
    "the predictions miss several targets by one to three, error 1.69. With weights 1 and 1 they hit "
    "all of them.",
)

# %% [markdown]
# ## Find the bug: four draws
#
# The tutorial has a stranger mistake in its middle. In TensorFlow 1 variables have no values until a
# *session* runs the initialiser. The tutorial runs it **four times**: before the network, after it, after
# the tiling, and once more just before the cost.
#
# `initialise` does not ask whether a weight has a value already. It draws *all* weights anew: those of the
# LSTM, `W_out` and `b_out`. Every number that was looked at in between belongs to a network that no longer
# exists. (In TensorFlow 1 at least the last number is one network's, as a session computes everything that
# it needs again. And had there been a training before the last call, it would have been wiped out.)
#
# Today code runs line by line, and the same mistake bites harder. Here is the tutorial's session, line by
# line (only the detour of exercise 2 is cut short), on an object of the same manners. A `Session` has
# `initialise()`; `run(x)`, which returns the outputs and the state `(c, h)`; the arrays `W_out` and
# `b_out`; and `draws`, which counts.


# %%
def session_as_printed(session, x, y):
    session.initialise()
    outputs, _ = session.run(x)
    session.initialise()
    weights = session.W_out
    session.initialise()
    pred = np.squeeze(outputs @ weights + session.b_out)
    session.initialise()
    cost = np.mean((pred - y) ** 2)
    return session.W_out, pred, cost


session = Session(units=10, input_size=2, seed=0)
W_out, pred, cost = session_as_printed(session, TRAIN_X, TRAIN_Y)
print("weights drawn", session.draws, "times;  pred", pred.shape, " W_out", W_out.shape)

# %% [markdown]
# It runs, and all shapes are right.
#
# **On paper.** Number the four draws. From which draw are the outputs, the weights that they are multiplied by,
# the bias, and the `W_out` that is returned?
#
# Then repair it, so that everything which is returned belongs to **one** network, the first that is
# drawn. There is a second, smaller bug in it that you have met before. The session arrives without
# values, and the check looks at cases where it matters.
#
# ### Exercise 5: `repair_session`


# %% exercise="repair_session"
def repair_session(session, x, y):
    """The tutorial's session, repaired: weights, predictions and cost of one and the same network.

    session: a Session that has no values yet.
    x: (B, T, D).  y: (B, T), the targets.
    Returns three things: W_out (H, 1), the predictions (B, T), and their mean squared error.
    """
    ### BEGIN SOLUTION
    session.initialise()  # once, before anything else
    outputs = session.run(x)[0]
    pred = (outputs @ session.W_out + session.b_out)[:, :, 0]
    return session.W_out, pred, np.mean((pred - y) ** 2)
    ### END SOLUTION


# %% check="repair_session"
check("repair_session", repair_session)

# %% [markdown]
# A test that finds such mistakes anywhere: **compute the result again from what was handed over.** If the
# predictions cannot be had from the outputs and the weights that are supposed to have made them, something
# changed in between.

# %% tags=["demo"]
for name, run in [("as printed", session_as_printed), ("repaired", repair_session)]:
    session = Session(units=10, input_size=2, seed=0)
    try:
        W_out, pred, _ = run(session, TRAIN_X, TRAIN_Y)
        outputs, _ = session.run(TRAIN_X)
        again = course_lib.project(outputs, W_out, session.b_out)
        print(
            f"{name}: drawn {session.draws} times, predictions found again: {np.allclose(pred, again)}"
        )
    except Exception as problem:
        print(f"{name}: not yet ({type(problem).__name__})")

# %% [markdown]
# ## One update, in slow motion
#
# Now the part that the tutorial leaves out. To train is to repeat one small thing, the **update**:
#
# 1. take some sequences and compute the predictions;
# 2. compute the cost;
# 3. ask for the **gradient** of the cost: for each weight, how fast the cost rises when that weight rises;
# 4. move every weight a little in the *opposite* direction.
#
# Here it is on the smallest thing that can learn: a single weight $a$ that is to turn 1, 2, 3 into 3, 6, 9.
# A **tape** records what TensorFlow computes inside its `with` block, and gives the gradient afterwards. The
# fourth move is the work of an **optimizer**.
#
# **On paper.** With $a = 0$ the cost is $(9 + 36 + 81)/3 = 42$. Will the gradient be positive or negative?

# %% tags=["demo"]
numbers, wanted = tf.constant([1.0, 2.0, 3.0]), tf.constant([3.0, 6.0, 9.0])
a = tf.Variable(0.0, name="a")
optimizer = tf.keras.optimizers.Adam(learning_rate=0.5)

for _ in range(3):
    with tf.GradientTape() as tape:
        cost = tf.reduce_mean((a * numbers - wanted) ** 2)
    gradients = tape.gradient(cost, [a])
    optimizer.apply(gradients, [a])
    print(
        f"cost {float(cost):5.2f}   gradient {float(gradients[0]):6.2f}   a is now {float(a):.2f}"
    )

# %% [markdown]
# The gradient is negative: the cost falls when $a$ rises. So $a$ rises. **Adam** is an optimizer that makes
# its first steps about as long as its `learning_rate`, however steep the slope, and adapts later: a good
# first choice. It keeps notes from update to update, so it is made once, before the loop.
#
# **Two ways to lose the trail.** TensorFlow only follows its own operations, and only inside the block.
#
# - A function of NumPy between the weights and the cost ends the trail. Operators and indexing (`@`, `+`, `-`,
#   `**`, `[...]`) are fine: on tensors they are TensorFlow's. `np.mean`, `np.squeeze` or `np.asarray` are not;
#   use `tf.reduce_mean`, `tf.squeeze` and so on.
# - What is computed before the block begins was not recorded.
#
# In both cases the gradient is `None`, and the optimizer says that no gradients are provided. (If the cost
# itself comes from NumPy, the tape does not even know what it is, and complains about an `_id`.)
#
# Your `project` and `mse` serve here too if they are made of operators and TensorFlow's functions. If not,
# write the two lines again.
#
# The network to be trained is the tutorial's:

# %% tags=["demo"]
network = ReadoutNetwork(seed=1)
for variable in network.trainable_variables:
    print(
        f"{variable.name.split(':')[0]:17} {tuple(variable.shape)!s:9} {tf.size(variable):4} numbers"
    )
print("outputs for the tutorial's batch:", network.outputs(TRAIN_X).shape)

# %% [markdown]
# `network.outputs(x)` runs the LSTM. `network.W_out` and `network.b_out` are variables and go into the
# projection as they are. Five variables, 531 numbers, and the optimizer moves all of them:
# `network.trainable_variables` is the list.
#
# ## Learned, or learned by heart?
#
# On which sequences? The tutorial has three. Let us train on these, again and again, until they are
# predicted nearly perfectly.
#
# **Predict first.** 531 weights, 12 targets. How small can the cost become on the three sequences? And what
# will the same network score on 2,000 sequences that it has never seen, where *memoryless* scores 7.8?

# %% tags=["demo"]
from course_lib.fitting import fit_two_step_sum as course_fit


def error_on(network, x, y):
    return float(
        course_lib.mse(course_lib.project(network.outputs(x), network.W_out, network.b_out), y)
    )


parrot = ReadoutNetwork(seed=1)
course_fit(parrot, lambda: (TRAIN_X, TRAIN_Y), goal=0.01, most=400)
print(f"on the three sequences:     {error_on(parrot, TRAIN_X, TRAIN_Y):.2f}")
print(f"on 2,000 fresh sequences:   {error_on(parrot, fresh_x, fresh_y):.0f}")
print(f"memoryless, on these 2,000: {fresh_baselines['memoryless']:.1f}")

# %% [markdown]
# On what it has seen it is nearly perfect. On fresh sequences its error is hundreds of times as large. It
# learned twelve answers *by heart*; how they came about it never had to find out. It does beat the memoryless
# predictor by something, and in a moment you will see how little that proves.
#
# So there are two rules for what follows:
#
# - **Train on new sequences at each update.** Here that is easy: we know the rule and can draw as many as we
#   like.
# - **Judge on fresh ones**, which the training has never seen.
#
# ### Where to put the bar
#
# "Better than memoryless" is too low a bar, and it is worth a minute to see why. Think of a predictor with no
# memory but a *clock*. It knows when the first step is, where nothing comes before; at all other steps it adds
# 4.5, the mean of the numbers from 1 to 8.
#
# **On paper.** At the first step it is always right. At the other three it is off by how much $x_{t-1}$
# differs from 4.5, and the variance of a whole number from 1 to 8 is $(8^2 - 1)/12 = 5.25$. What is its mean
# squared error?
#
# <details><summary>Compare</summary>
#
# $\tfrac14 \cdot 0 + \tfrac34 \cdot 5.25 = 3.94$: half of the memoryless error, without remembering a single
# number. It is also about where those end up who learn the three sequences by heart.
#
# </details>
#
# So the check asks for **less than a quarter of the memoryless error** (about 1.9), measured on 500 fresh
# sequences. That is half of what the clock has. In our trials an LSTM of which only the projection is trained
# stayed above a third, and one that learns three sequences by heart above a half.
#
# The check's `goal` for your training is lower still, a **tenth**. An honest run arrives there after about a
# hundred updates. Between a tenth and a quarter there is room for a lucky last batch.
#
# ## The loop
#
# Your function gets the network and three more things. `draw()` returns a new batch `x, y` of the rule's
# sequences at each call. Stop when the cost of a batch is under `goal`, and in any case after `most` updates:
# a loop that ends only on success does not end when there is a bug in it.
#
# Choose the optimizer yourself; Adam with a learning rate of 0.03 does well.
#
# ### Exercise 6: `fit_two_step_sum`
#
# The check trains a network (twice: the course's way and yours), which takes some seconds. A line tells you
# how far it is.
#
# <details><summary>Stuck? Three steps</summary>
#
# 1. In a cell of your own: make a `ReadoutNetwork`, and compute one cost on `TRAIN_X` with it. A single
#    number near 100 should come out.
# 2. Put the tape around that, ask for the gradient with respect to all trainable variables, and let an
#    optimizer apply it. Compute the cost again: is it smaller?
# 3. Put the loop around it. What has to be made before the loop, and what in each round?
#
# </details>


# %% exercise="fit_two_step_sum"
def fit_two_step_sum(network, draw, goal, most=400):
    """Train all weights of the network, in place.

    network: a ReadoutNetwork, with outputs(x) -> (B, T, H), W_out, b_out and trainable_variables.
    draw: draw() -> (x, y), new sequences (B, T, 2) and their targets (B, T) at each call.
    goal: stop when the mean squared error of a batch is under it.
    most: never make more updates than this.
    Returns the list of the costs: for each update, the error of its batch before the weights moved.
    """
    ### BEGIN SOLUTION
    optimizer = tf.keras.optimizers.Adam(learning_rate=0.03)
    variables = network.trainable_variables
    costs = []
    for _ in range(most):
        x, y = draw()
        with tf.GradientTape() as recorded:
            pred = (network.outputs(x) @ network.W_out + network.b_out)[:, :, 0]
            cost = tf.reduce_mean((pred - y) ** 2)
        optimizer.apply(recorded.gradient(cost, variables), variables)
        costs.append(float(cost))
        if costs[-1] < goal:
            break
    return costs
    ### END SOLUTION


# %% check="fit_two_step_sum"
check("fit_two_step_sum", fit_two_step_sum)

# %% [markdown]
# ## Watch it learn
#
# Here a network is trained by *your* function (or by the course's, as long as yours is not there). Every few
# updates its error on the fresh sequences is measured; the picture grows while you watch. It goes on for 250
# updates, whatever the cost, so that you see more than the check asks for.

# %% tags=["demo"]
clock_error = 0.75 * 5.25
levels = {"zero": fresh_baselines["zero"], "mean": fresh_baselines["mean"]}
levels |= {"memoryless": fresh_baselines["memoryless"], "clock": clock_error}
levels["the check's bar"] = fresh_baselines["memoryless"] / 4


def watched(fit):
    network, rng = ReadoutNetwork(seed=1), np.random.default_rng(1)
    view = plots.TrainingView(lambda: error_on(network, fresh_x, fresh_y), levels)

    def draw():
        view.before_update()
        return tasks.two_step_sum(32, 4, rng)

    fit(network, draw, 0.0, 250)
    return network, view


try:
    network, view = watched(fit_two_step_sum)
except Exception as problem:
    print(f"your function is not there yet ({type(problem).__name__}): this is the course's")
    network, view = watched(course_fit)
view.end(
    "Error on fresh sequences against updates, logarithmic, with the baselines as lines. It starts "
    "below zero, falls below mean, memoryless and clock in turn, below the check's bar after about 90 "
    "updates, and to about 0.1 in the end."
)

# %% tags=["demo"]
before = ReadoutNetwork(seed=1)
print("mean squared error on 2,000 fresh sequences")
print(f"  zero          {fresh_baselines['zero']:6.1f}")
print(f"  untrained     {error_on(before, fresh_x, fresh_y):6.1f}")
print(f"  mean          {fresh_baselines['mean']:6.1f}")
print(f"  memoryless    {fresh_baselines['memoryless']:6.1f}")
print(f"  clock         {clock_error:6.1f}")
print(
    f"  trained, below the clock by a factor of ten: {error_on(network, fresh_x, fresh_y) < clock_error / 10}"
)

# %% [markdown]
# The curve passes the baselines one after the other. Each of them is a stage of knowledge: first the level
# of the targets, then their dependence on this step, then the difference of the first step; only then
# the memory.
#
# **Predict first.** Back to the tutorial's three sequences, which *this* network has never been trained on.
# How will it do?

# %% tags=["demo"]
readings = {}
for name, net in [("untrained", before), ("trained", network)]:
    readings[name] = course_lib.project(net.outputs(TRAIN_X), net.W_out, net.b_out).numpy()
figure, axes = new_figure(width=8, height=3.2)
plots.targets_and_predictions(axes, TRAIN_Y, readings)
show(
    figure,
    alt="Targets of the tutorial's three sequences as circles, rising to 15. The predictions of the "
    "untrained network lie near 0 everywhere. Those of the trained network lie inside the circles.",
)

# %% [markdown]
# ## What did it learn?
#
# A small error is good news, but is it the *rule*? Ask the network: when the input at step $s$ rises a
# little, by how much does the prediction at step $t$ rise? The rule says: by 1 for $s = t$ and for
# $s = t - 1$, else not at all.
#
# **Predict first.** Draw the table that the rule asks for, with $t$ down and $s$ across. Which half of it must
# be empty for any network that reads from left to right?

# %% tags=["demo"]


def influence_of(network, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        pred = course_lib.project(network.outputs(x), network.W_out, network.b_out)
    # Sequences do not see each other: one Jacobian a sequence, then the mean over all of them.
    return tape.batch_jacobian(pred, x)[:, :, :, 0].numpy().mean(axis=0)


sample = fresh_x[:200]
figure, axes = new_figure(columns=3, width=9, height=3.3)
for place, (title, net) in enumerate(
    [("untrained", before), ("three by heart", parrot), ("trained on the rule", network)]
):
    plots.influence(axes[place], influence_of(net, sample), title)
    if place:
        axes[place].set_ylabel("")
show(
    figure,
    alt="Three tables of 4 by 4: influence of the input at each step on the prediction at each step. "
    "Untrained: all near 0. Three sequences by heart: the lower rows have middling values "
    "everywhere. Trained on the rule: close to 1 on "
    "the diagonal and just below it, close to 0 elsewhere; above the diagonal all are empty.",
)

# %% [markdown]
# Two stripes near one, this step and the step before: you can *see* the memory of one step. The network that
# learned by heart found another way to its twelve answers: its later predictions lean a little on everything
# that has come so far.
#
# A last question, and an honest one. The network has only seen sequences of four steps. Its weights are the
# same at every step, so it can read longer ones. Does the rule hold there?

# %% tags=["demo"]
long_x, long_y = tasks.two_step_sum(2000, 12, np.random.default_rng(12))
pred = course_lib.project(network.outputs(long_x), network.W_out, network.b_out).numpy()
by_step = ((pred - long_y) ** 2).mean(axis=0)
figure, axes = new_figure(height=3.0)
plots.error_by_step(axes, by_step, trained=4, levels={"variance of one number, 5.25": 5.25})
axes.set_ylim(0, 6.2)
show(
    figure,
    alt="Mean squared error at each of 12 time steps. In the first four, which the network was trained on, "
    "it is close to 0. Beyond, on the shaded part, it grows but stays far below 5.25, the error of one who "
    "does not remember.",
)

# %% [markdown]
# Beyond the trained length it gets worse, though it still remembers. During training the fifth step never came,
# so nobody cared what became of the cell state by then, and it slowly drifts to places that the network
# does not know. The cure is easy: train on longer sequences.
#
# ## What you have learned
#
# - The outputs of a network are read by a projection: one matrix product over the last axis, the same weights
#   at every step. The state is for going on, not for reading.
# - Say which axis you remove. A bare squeeze also takes a batch of one and a single time step.
# - Broadcasting uses one array many times; tiling copies it. The tutorial tiles and calls it broadcasting.
# - Shapes that do not fit may broadcast into a number. Refuse them: on that number a network learns the mean.
# - A cost means nothing without a baseline *on the same data*. 118.768 is worse than zero's 87.75, mean's 19.69
#   and memoryless' 1.68: the tutorial's network was never trained.
# - Draw weights once. Whatever was computed before a second draw belongs to another network.
# - An update: predictions, cost, gradient, a small move against it. Train on new data, judge on fresh ones;
#   twelve answers are soon learned by heart.
#
# ### Try more
#
# Train on sequences of 12 steps and draw the last figure again. Then change the rule to $y_t = x_t + x_{t-3}$:
# what are the baselines now, and how many updates does it take? And train `W_out` and `b_out` alone: how far
# does an LSTM with random weights get you? (Further than you think. See Jaeger, below.)
#
# ### Sources
#
# - S. Hochreiter and J. Schmidhuber, *Long Short-Term Memory*, Neural Computation 9(8), 1997.
# - D. Kingma and J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015
#   ([arXiv:1412.6980](https://arxiv.org/abs/1412.6980)).
# - C. Zhang, S. Bengio, M. Hardt, B. Recht and O. Vinyals, *Understanding Deep Learning Requires
#   Rethinking Generalization*, ICLR 2017 ([arXiv:1611.03530](https://arxiv.org/abs/1611.03530)): networks
#   learn even random answers by heart.
# - H. Jaeger, *The "Echo State" Approach to Analysing and Training Recurrent Neural Networks*, GMD Report 148,
#   2001: random recurrent weights, and a trained projection.
# - C. Harris and others, *Array Programming with NumPy*, Nature 585, 2020
#   ([arXiv:2006.10256](https://arxiv.org/abs/2006.10256)): broadcasting, among other things.
#
# ### What comes next
#
# Four steps fit into memory; a text or a recording does not. In
# [notebook 8](../08_carrying_state/08_carrying_state.ipynb) a series of 50,000 steps is cut into windows, and
# what has to cross from one window to the next is just the state that you left aside here.
