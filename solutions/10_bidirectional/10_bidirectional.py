# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 10 · Both directions, one answer
#
# "He said: *Teddy …*" Is Teddy a person? You cannot know yet. If it goes on with *Roosevelt*, yes; with
# *bears*, no. Every network so far had to answer on the spot: its output at step $t$ had read the
# steps up to $t$ and nothing else.
#
# Often the whole sequence lies there before anyone wants an answer. Then let a second network read it
# from the end. That is quickly programmed. It is just as quickly programmed *wrongly*, in a way that
# no shape, no loss curve and no accuracy will tell you. This notebook is about how you find out all
# the same.
#
# **Afterwards you will be able to**
#
# - turn sequences of different lengths around, and leave their padding alone;
# - build a bidirectional network from two cells that you have;
# - find out by experiment **which inputs a result depends on**, for any function at all;
# - make one vector of a whole text, and show that both its halves have read all of it;
# - see three projections in a row for the single one that they are;
# - repair a well-known classifier of texts, and judge it on texts that it has not seen.
#
# **Time:** about two hours, six exercises. **You need**
# [notebook 3](../03_dynamic_rnn/03_dynamic_rnn.ipynb) (lengths, padding, `dynamic_rnn`); the last
# exercise is easier after [notebook 9](../09_stacking/09_stacking.ipynb).

# %%
import numpy as np

import course_lib
from autograder import check
from course_lib import dynamic_rnn, tf
from course_lib.plots import new_figure, show
from course_lib.plots.bidirectional import (
    draw_accuracies,
    draw_letters,
    draw_reach,
    draw_reading,
    draw_two_readers,
    reach_slider,
)

# %% [markdown]
# Figures and measurements call the course's own functions (`course_lib.many_to_one` and so on). Try
# each exercise before you look there.
#
# ## Two readers
#
# $$h_t = \text{step}_\text{fw}(x_t,\, h_{t-1}) \qquad\qquad h'_t = \text{step}_\text{bw}(x_t,\, h'_{t+1})$$
#
# $x_t$ is the input at step $t$. $h_t$ is what the **forward** reader remembers when it has read
# $x_0, \dots, x_t$. $h'_t$ is what the **backward** reader remembers when it has read from the last
# step down to $x_t$. They are two cells with weights of their own, and they never speak to each other.

# %% tags=["demo"]
figure, axes = new_figure(width=7.5, height=2.8)
draw_two_readers(axes, ["He", "said", "Teddy", "bears"], step=2)
show(
    figure,
    alt="Two rows of four cells above the words He said Teddy bears. In the lower row, fw, arrows lead "
    "from left to right. In the upper row, bw, they lead from right to left. Every word enters the "
    "cell of each row above it. The two cells above Teddy are filled.",
)

# %% [markdown]
# At *Teddy* (filled), the forward reader has read "He said Teddy", the backward reader "bears Teddy". Both
# together have read everything: $[h_t,\, h'_t]$, the two side by side, is the **bidirectional** output
# at $t$. (Schuster and Paliwal, 1997.)
#
# **What it costs.** Twice the work; and one has to wait. As long as the sequence is not over, the
# backward reader cannot even begin. For subtitles of a live broadcast, or for a network that is to
# *write* the next character (notebook 11), a backward reader is no help: it would read what it is to
# predict.
#
# ## Backwards, but from where?
#
# We have no backward cell, and need none: turn the sequence around, read it forwards. With NumPy that
# is `x[:, ::-1]`. But a batch is a box, and short sequences are padded.
#
# **On paper.** The batch below holds "ABC" in a row of six. What stands in this row after
# `x[:, ::-1]`? What does the backward reader see first?

# %% tags=["demo"]
rows, lengths = ["STREAM", "ABC···", "LOOP··"], [6, 3, 4]
letters = np.array([list(row) for row in rows])
figure, panels = new_figure(columns=3, width=10.0, height=2.1, sharey=True)
turned = ["".join(row) for row in course_lib.reverse_sequences(letters, lengths)]
draw_letters(panels[0], rows, lengths, "the batch")
draw_letters(panels[1], [row[::-1] for row in rows], lengths, "x[:, ::-1]")
draw_letters(panels[2], turned, lengths, "what is wanted")
show(
    figure,
    alt="Three times the same batch. First STREAM, ABC and LOOP, the short ones with padding behind. "
    "Then whole rows turned around: padding stands in front of CBA and POOL. Then as it is wanted: "
    "MAERTS, CBA and POOL, all beginning at step 0, with padding behind.",
)

# %% [markdown]
# In the middle picture, the backward reader wades through three steps of padding before it meets the
# C. And a function that is told "length 3" will read *only* padding. Each sequence has to be turned
# **within its own length**.
#
# ### Exercise 1: `reverse_sequences`
#
# <details><summary>Stuck? Two questions</summary>
#
# 1. A sequence has length 4. Step 0 of the result comes from step 3, step 1 from step 2. From which
#    step does step $t$ come, if the length is $n$?
# 2. And from which step does step $t$ come if $t \ge n$?
#
# </details>


# %% exercise="reverse_sequences"
def reverse_sequences(x, lengths):
    """Turn every sequence around within its own length.

    x: (B, T, D), a NumPy array. It is left as it is.
    lengths: (B,), whole numbers from 0 to T.
    Returns (B, T, D): the first lengths[b] steps of sequence b in reverse order; behind them the
    padding, step by step what and where it was (it need not be zeros).
    """
    ### BEGIN SOLUTION
    turned = np.array(x)
    for b, length in enumerate(lengths):
        turned[b, :length] = x[b, :length][::-1]
    return turned
    ### END SOLUTION


# %% check="reverse_sequences"
check("reverse_sequences", reverse_sequences)

# %% [markdown]
# ## Turned twice
#
# Let the backward reader read "ABC" turned around, and write down what each of its outputs has read:
#
# | step of the turned sequence | 0 | 1 | 2 |
# |---|---|---|---|
# | it reads | C | B | A |
# | so its output has read | C | C B | C B A |
#
# **On paper.** The forward output at step 0 belongs to the A. Which letter does the first output
# of this table belong to? What would $[h_0, h'_0]$ be if you simply put these side by side?
#
# <details><summary>Compare</summary>
#
# To the C. Side by side with the forward output of the A, it would make a pair that has read A and C
# and no B. The outputs come in the order of *reading*; they have to be turned around as well, to come
# back into the order of *time*. And within each length, once again.
#
# </details>
#
# ### Exercise 2: `bidirectional`
#
# From here on we use TensorFlow. `dynamic_rnn` is notebook 3's: it runs a cell from `cell.zero_state(B)`
# over a batch, gives zeros past each sequence's end, and freezes the state there:
#
# ```python
# outputs, last_state = dynamic_rnn(cell, x, sequence_length=lengths)
# ```
#
# What you have just written for NumPy, TensorFlow has as `tf.reverse_sequence`. Besides `x` and the
# lengths it wants to know `seq_axis` (along which axis to turn) and `batch_axis` (which one counts the
# sequences). `dynamic_rnn` gives two things, and you need the first. The check hands in NumPy arrays; the
# last exercise will hand in tensors, which these functions take as well.


# %% exercise="bidirectional"
def bidirectional(fw, bw, x, lengths):
    """Read every sequence in both directions.

    fw, bw: two cells, called as cell(x_t, state) -> (output, new_state), with cell.zero_state(B).
            fw reads from the first step on, bw from each sequence's own last step down.
    x: (B, T, D), a NumPy array or a tensor; lengths: (B,), whole numbers from 1 to T, of the same kind.
    Returns (outputs_fw, outputs_bw), each (B, T, units of its cell), both in the order of time:
    step t of both belongs to x[:, t]. Past a sequence's end both are zero.
    """

    ### BEGIN SOLUTION
    def turn(sequences):
        return tf.reverse_sequence(sequences, lengths, seq_axis=1, batch_axis=0)

    outputs_fw, _ = dynamic_rnn(fw, x, sequence_length=lengths)
    outputs_bw, _ = dynamic_rnn(bw, turn(x), sequence_length=lengths)
    return outputs_fw, turn(outputs_bw)
    ### END SOLUTION


# %% check="bidirectional"
check("bidirectional", bidirectional)

# %% [markdown]
# ## Who has read what?
#
# The check did not only compare numbers. It also reported which steps of the input each output
# *depends on*. How can it know? It does not read your program. It **changes one step of the input,
# calls your function again, and looks which outputs have moved**.
#
# This is the most useful tool of the notebook, because a network that does not read what you think it
# reads rarely looks broken. It works for anything: a layer, a trained model, somebody else's code. And
# it is a few lines. For each step $t$:
#
# 1. take a fresh copy of $x$, and change step $t$ of it, *all* its features;
# 2. compute $f$ of it;
# 3. row $b$ depends on step $t$ if **any** of its numbers has moved, up or down.
#
# **On paper.** Why "a fresh copy"? Let $f$ depend on step 1 of 4 alone. What would you find if each
# change stayed where it is while you try the next step?
#
# <details><summary>Compare</summary>
#
# Steps 1, 2 **and** 3: once step 1 has been changed, the result is another one, whatever you do
# afterwards.
#
# </details>
#
# (A gradient answers a similar question: if it is not zero, there is an influence, and its size says
# how strong. But it needs a function that TensorFlow can differentiate, and a zero may only mean that a
# relu is shut just here.)
#
# ### Exercise 3: `depends_on`


# %% exercise="depends_on"
def depends_on(f, x):
    """Find out by experiment which steps of each sequence a result depends on.

    f: a function of a NumPy array of the shape of x, which gives (B, H). Row b of what it gives
       depends on sequence b only. Call it with whole batches.
    x: (B, T, D), a NumPy array of floats. It is left as it is.
    Returns (B, T), True or False: whether row b of f(x) depends on x[b, t].
    A change of 1 in each feature is large enough (in a step of zeros, too). What moves by more than
    1e-9 has moved, what moves by less has not.
    """
    ### BEGIN SOLUTION
    before = np.asarray(f(x))
    found = np.zeros(x.shape[:2], dtype=bool)
    for t in range(x.shape[1]):
        changed = x.copy()
        changed[:, t] += 1.0
        found[:, t] = (np.abs(np.asarray(f(changed)) - before) > 1e-9).any(axis=1)
    return found
    ### END SOLUTION


# %% check="depends_on"
check("depends_on", depends_on)

# %% [markdown]
# Here is what the tool shows of a bidirectional network, on one sequence of length 5 in a row of 6. A
# blue square says: this output (row) depends on this input (column).
#
# **Predict first.** Which triangle is blue for the forward outputs, and which for the backward ones?
# What is the row of the last step, the padding, like? And what will the right-hand picture be, where
# somebody forgot to turn the outputs back?

# %% tags=["demo"]
from course_lib import bidirectional_dynamic_rnn

cells = [course_lib.GRUCell(4, 2, seed=seed) for seed in (1, 2)]
sequence = np.random.default_rng(0).normal(size=(1, 6, 2)).astype(np.float32)


def outputs_of(x):
    """Both outputs of a network, one of them once more without the second turn."""
    (outputs_fw, outputs_bw), _ = bidirectional_dynamic_rnn(*cells, x, sequence_length=[5])
    return {
        "forward": outputs_fw,
        "backward": outputs_bw,
        "backward, not turned back": course_lib.reverse_sequences(outputs_bw, [5]),
    }


reaches = {
    name: course_lib.reach(lambda x, name=name: outputs_of(x)[name], sequence)
    for name in ("forward", "backward", "backward, not turned back")
}
figure, panels = new_figure(columns=3, width=10.0, height=3.5)
for axes, (name, reach) in zip(panels, reaches.items(), strict=True):
    draw_reach(axes, reach, name)
show(
    figure,
    alt="Three grids, outputs against inputs. Forward: each output depends on its own step and all "
    "before it, a lower triangle. Backward: on its own step and all after it up to step 4, an upper "
    "triangle. Not turned back: output 0 depends on step 4 only, output 4 on all. Row and column 5, "
    "the padding, are empty everywhere.",
)

# %% tags=["demo", "nbval-ignore-output"]
reach_slider(reaches)

# %% [markdown]
# ## One vector for a whole text
#
# Now the task of this notebook: **many to one**. A text goes in, a class comes out: which language is
# it, is it spam, who wrote it? We need *one* vector that has read the whole text. Each of the two
# readers has such a vector. The question is where.
#
# **On paper.** A text of length $n$. How many of its characters have gone into each of these?
#
# | | at step 0 | at step $n - 1$ |
# |---|---|---|
# | forward output | … | … |
# | backward output | … | … |
#
# <details><summary>Compare</summary>
#
# Forward: 1 and $n$. Backward: $n$ and 1. A reader has read everything at the place where it *ends*,
# and the two end at different places.
#
# </details>
#
# The most common mistake in all of bidirectional networks is to take both at the same place:
#
# ```python
# both = tf.concat([outputs_fw, outputs_bw], axis=2)
# vector = both[:, -1]                # "the last output"
# ```
#
# The backward half of this vector has read a single character. In Keras you get it by
# `Bidirectional(LSTM(…, return_sequences=True))` followed by `[:, -1]`, in PyTorch by `output[:, -1]`.
# (Keras' `return_sequences=False` and PyTorch's `h_n` do the right thing.)
#
# ### Exercise 4: `many_to_one`
#
# The check asks what each half of your vector has read. Use TensorFlow's functions, as the last
# exercise will hand you tensors: `tf.gather(values, indices, axis=1, batch_dims=1)` picks one step a
# sequence, `tf.concat` joins.


# %% exercise="many_to_one"
def many_to_one(outputs_fw, outputs_bw, lengths):
    """One vector a sequence, from the place where each direction has read all of it.

    outputs_fw: (B, T, H_fw), outputs_bw: (B, T, H_bw), both in the order of time, zero in the padding.
    H_fw and H_bw may differ.
    lengths: (B,), whole numbers from 1 to T.
    Returns (B, H_fw + H_bw): the forward direction's numbers first.
    """
    ### BEGIN SOLUTION
    last_fw = tf.gather(outputs_fw, lengths - 1, axis=1, batch_dims=1)
    return tf.concat([last_fw, outputs_bw[:, 0]], axis=1)
    ### END SOLUTION


# %% check="many_to_one"
check("many_to_one", many_to_one)

# %% [markdown]
# Your own tools on your own functions: a network of yours, and the steps that its vector depends on.
# `#` is a step that was read. (As long as something is not written, this cell says so.)

# %% tags=["demo"]
x = np.random.default_rng(1).normal(size=(3, 8, 2)).astype(np.float32)
lengths = np.array([8, 3, 5], dtype=np.int32)
try:
    for name, half in (("forward", np.s_[:, :4]), ("backward", np.s_[:, 4:])):

        def vector(x, half=half):
            return np.asarray(many_to_one(*bidirectional(*cells, x, lengths), lengths))[half]

        rows = ["".join("#" if read else "." for read in row) for row in depends_on(vector, x)]
        print(f"{name:9}", "   ".join(rows))
except Exception as problem:
    print("not yet:", type(problem).__name__)

# %% [markdown]
# ## Accuracy cannot tell
#
# How much does the wrong slice cost? We need texts with classes. These come from four made-up
# languages of 26 letters and the space. In each language, every character has nine successors of its
# own. All characters are equally frequent, so what tells the languages apart is only *what follows
# what*.
#
# **The dumb baseline** counts letters. **Predict first:** how many of a hundred texts will it get
# right?

# %% tags=["demo"]
from course_lib.whole_texts import headed_texts, letter_count_accuracy, read_texts


def plain(batch, rng):
    return course_lib.byte_classes(batch, 48, rng)


samples, languages = course_lib.byte_classes(4, 48, np.random.default_rng(5))
for text, language in zip(samples, languages, strict=True):
    print(language, text.tobytes().decode())
share = letter_count_accuracy(plain, np.random.default_rng(3))
print(f"counting letters: about {round(share * 20) * 5} % right")

# %% [markdown]
# One in four: guessing. Now two bidirectional networks of 16 units each way, equal but for one index:
#
# - **right**: the backward half is `outputs_bw[:, 0]`;
# - **wrong**: the backward half is `outputs_bw[:, -1]`.
#
# All texts have 48 characters, so there is no padding to confuse us. Each network is trained on fresh
# texts, and measured on 200 others that it never trains on.
#
# **Predict first.** How far will each of them get?

# %% tags=["demo"]
right, wrong = (read_texts(plain, column, updates=180, units=16, every=30) for column in (0, -1))

figure, axes = new_figure(width=7.0, height=3.0)
curves = {
    "right: outputs_bw[:, 0]": (right.steps, right.accuracies),
    "wrong: outputs_bw[:, -1]": (wrong.steps, wrong.accuracies),
}
draw_accuracies(axes, curves, "Four languages, 48 characters")
show(
    figure,
    alt="Accuracy against updates. Both curves begin at about a quarter and climb to nearly 100 per "
    "cent; they end at the same place.",
)
for name, reading in (("right", right), ("wrong", wrong)):
    print(f"{name}: {'over' if reading.accuracies[-1] > 0.9 else 'under'} 90 % in the end")

# %% [markdown]
# No difference worth the name. The forward reader alone can tell the languages apart, so nobody notices
# that the backward one has nothing to say. You could ship the wrong one. Its tests would be green. You
# would pay for twice the computation, and half of it would read one character.
#
# **An accuracy tells you that what a network has read was enough. It does not tell you what it has
# read.** So ask. Here is how strongly each half of both trained networks' vectors reacts to each
# character (gradients, the mean over 50 texts).

# %% tags=["demo"]
figure, panels = new_figure(columns=2, width=10.0, height=3.0, sharey=True)
draw_reading(panels[0], {"right": right.reads_fw, "wrong": wrong.reads_fw}, "forward half")
draw_reading(panels[1], {"right": right.reads_bw, "wrong": wrong.reads_bw}, "backward half")
panels[1].set_ylabel("")
show(
    figure,
    alt="Influence of each of 48 characters. Forward half: both networks react to all characters, most "
    "to the last ones. Backward half: the right network reacts to all, most to the first ones; the "
    "wrong one to the last character only and to no other.",
)

# %% [markdown]
# In the right-hand picture the orange curve is *exactly* zero, for all characters but the last.
#
# ### The same networks, other texts
#
# When does it come out? Take texts whose language shows in the *first 20 characters* only, as it might
# in a letter that begins with "Dear Sir" and goes on in formulas. The other 28 are noise.
#
# **Predict first.** For which reader is that easy, and for which is it hard? What will the two networks
# reach now?


# %% tags=["demo"]
def headed(batch, rng):
    return headed_texts(batch, 48, 20, rng)


headed_right, headed_wrong = (
    read_texts(headed, column, updates=240, units=16, every=30) for column in (0, -1)
)
figure, axes = new_figure(width=7.0, height=3.0)
curves = {
    "right: outputs_bw[:, 0]": (headed_right.steps, headed_right.accuracies),
    "wrong: outputs_bw[:, -1]": (headed_wrong.steps, headed_wrong.accuracies),
}
draw_accuracies(axes, curves, "The language shows in the first 20 of 48 characters")
show(
    figure,
    alt="Accuracy against updates. The right network climbs to about 90 per cent. The wrong one stays "
    "at a quarter, guessing, for all of the training.",
)
for name, reading in (("right", headed_right), ("wrong", headed_wrong)):
    share = reading.accuracies[-1]
    print(f"{name}: {'over 75 %' if share > 0.75 else 'guessing' if share < 0.4 else 'between'}")

# %% [markdown]
# The backward reader comes to the important part last, and has it fresh in its mind. The forward reader
# would have to carry it through 28 characters of noise, and gradients would have to come back all that
# way (notebook 4). In this training it never finds out that there is anything to carry.
#
# The wrong network fails now; but you would hardly suspect its backward slice, which has "always
# worked". Whoever has asked *what has been read* knew it before the first update.
#
# ## Added, or side by side?
#
# A lecture of 2017 joins the two directions like this (`project` is a matrix product and a bias):
#
# ```python
# f = project(fw_output, E_DIM)            # W_fw, b_fw
# b = project(bw_output, E_DIM)            # W_bw, b_bw
# e = tf.add(f, b)
# model_output = project(e, NUM_CLASSES)   # W_out, b_out
# ```
#
# Others put the two side by side, and project once. Which of the two can say more? Neither: it is **the
# same**. Two numbers suffice to see it. If $f$ and $b$ are single numbers, then
#
# $$f\,w_\text{fw} + b\,w_\text{bw} \;=\; \begin{bmatrix} f & b \end{bmatrix}
# \begin{bmatrix} w_\text{fw} \\ w_\text{bw} \end{bmatrix}.$$
#
# The two matrices stand *below* each other, since the two vectors stand *beside* each other. And a
# projection of a projection, with nothing in between that bends it, is again a projection.
#
# **On paper.** $f = 2$, $b = 5$; $w_\text{fw} = 3$ with bias 1, $w_\text{bw} = -1$ with bias 0;
# $w_\text{out} = 10$ with bias 4. What comes out of the lecture's three projections? Which $W$ and which
# bias give the same in one step, for *every* $f$ and $b$?
#
# <details><summary>Compare the result</summary>
#
# $(2 \cdot 3 + 1 + 5 \cdot (-1) + 0) \cdot 10 + 4 = 24$. For the bias, ask what comes out for
# $f = b = 0$.
#
# </details>
#
# ### Exercise 5: `add_equals_concat`


# %% exercise="add_equals_concat"
def add_equals_concat(W_fw, b_fw, W_bw, b_bw, W_out, b_out):
    """The lecture's three projections as a single one.

    W_fw (H_fw, E), b_fw (E,); W_bw (H_bw, E), b_bw (E,); W_out (E, C), b_out (C,): NumPy arrays,
    which are left as they are.
    Returns (W, b), of the shapes (H_fw + H_bw, C) and (C,), such that for all vectors fw and bw

        [fw, bw] @ W + b  ==  ((fw @ W_fw + b_fw) + (bw @ W_bw + b_bw)) @ W_out + b_out
    """
    ### BEGIN SOLUTION
    W = np.concatenate([W_fw, W_bw], axis=0) @ W_out
    return W, (b_fw + b_bw) @ W_out + b_out
    ### END SOLUTION


# %% check="add_equals_concat"
check("add_equals_concat", add_equals_concat)

# %% [markdown]
# **On paper.** The lecture has 512 units in each direction, $E = 128$ and 4 classes. How many numbers
# are in its three projections, and how many in the one that does the same?
#
# <details><summary>Compare</summary>
#
# $2 \cdot (512 \cdot 128 + 128) + 128 \cdot 4 + 4 = 131{,}844$, against $1024 \cdot 4 + 4 = 4{,}100$.
#
# </details>
#
# So the three can say nothing that the one cannot. (The other way round it holds as long as $E$ is not
# smaller than the number of classes: what has passed through a narrow middle has lost something. And while
# they *learn* they differ: gradient descent takes another way through three matrices than through one.)
#
# ## The slide's classifier
#
# Now to the whole of it. In today's words, the lecture's slide says:
#
# ```python
# SEQ_LENGTH, E_DIM, STATE_DIM, NUM_CLASSES = 256, 128, 512, 4
#
# def inference(texts):                               # bytes, (B, 256)
#     x = tf.one_hot(texts, depth=E_DIM)              # each character a row with a single 1
#     fw = multi_layer_rnn(N_LAYERS, STATE_DIM)
#     bw = multi_layer_rnn(N_LAYERS, STATE_DIM)
#     output, _ = bidirectional_dynamic_rnn(fw, bw, x)
#     fw_output = output[0][:, -1]
#     bw_output = output[1][:, 0]
#     f, b = project(fw_output, E_DIM), project(bw_output, E_DIM)
#     return project(tf.add(f, b), NUM_CLASSES)
# ```
#
# **Find the bugs.** Read it line by line before you go on. One slice is right, against all
# temptation. What is the matter with the rest?
#
# <details><summary>First: a name</summary>
#
# `N_LAYERS` is used, and defined nowhere. The program cannot have run as printed.
#
# </details>
#
# <details><summary>Second: a text in German</summary>
#
# In UTF-8, "ü" is the bytes 195 and 188. What does `tf.one_hot(195, depth=128)` give? A row of
# **zeros**, without a word. The network reads "Mller". Whoever has 128 places should refuse byte 128.
#
# </details>
#
# <details><summary>Third: a text of 100 characters</summary>
#
# There are no lengths. A short text is read with 156 characters of padding, and `[:, -1]` is the last
# column of the box, not of the text. For texts of exactly 256 characters, the slide is right.
#
# </details>
#
# <details><summary>Fourth: a projection with a bend</summary>
#
# What `project` is, the slides do not show. Their basic cell puts a relu on its output (notebook 6). If
# `project` does so too, then the last line puts one on the **logits**. Then a class can only be *more*
# likely than nothing, never less; all classes at 0 look alike, and no gradient reaches them.
#
# </details>

# %% tags=["demo"]
print("one-hot rows of 'ü', added up:", tf.one_hot(list("ü".encode()), 128).numpy().sum(axis=1))
logits = np.array([[-3.0, -1.0, -2.0, -4.0]])
print("four logits:           ", np.round(tf.nn.softmax(logits).numpy()[0], 2))
print("the same after a relu: ", np.round(tf.nn.softmax(tf.nn.relu(logits)).numpy()[0], 2))

# %% [markdown]
# ### Exercise 6: `classify_bytes`
#
# Write the classifier as it was meant, for texts of any length up to T, with the single projection of
# exercise 5 and the functions of exercises 2 and 4.
#
# The check calls it on a few small texts first: are the logits right, and what has each half read? Then
# it hands in a byte over 127, and expects an error. An `if` cannot look at the numbers of a tensor while
# a graph is being traced; TensorFlow's way is `tf.debugging.assert_less(values, limit)`. It compares like
# with like only, and bytes come as `uint8`: `tf.cast` them to `tf.int32` first.
#
# At last it **trains** a network whose logits come from your function (a few seconds): four languages,
# texts of 16 to 24 characters. Then it draws 200 texts that the network has never seen, of 100 to 256
# characters, the length of the slide. **At least 80 %** must be recognised. Why 80? Honest trainings
# ended between 98 and 100 %, and letters counted give 25. Luck bridges neither gap. But you know by now
# that this number alone would prove little, which is why it comes last.


# %% exercise="classify_bytes"
def classify_bytes(texts, lengths, fw, bw, W, b):
    """Say of each text which class it belongs to.

    texts: (B, T), a tensor of bytes. Every one under 128 is allowed; anything else is an error.
    lengths: (B,), a tensor of whole numbers from 1 to T. What stands past a text's end does not
             count; it is under 128, too.
    fw, bw: two cells, as for `bidirectional`; they read one-hot vectors of 128.
    W: (H_fw + H_bw, C), the forward direction's rows first. b: (C,).
    Returns logits, (B, C): any real numbers, before a softmax.
    """
    ### BEGIN SOLUTION
    texts = tf.cast(texts, tf.int32)
    tf.debugging.assert_less(texts, 128)
    outputs_fw, outputs_bw = bidirectional(fw, bw, tf.one_hot(texts, 128), lengths)
    return many_to_one(outputs_fw, outputs_bw, lengths) @ W + b
    ### END SOLUTION


# %% check="classify_bytes"
check("classify_bytes", classify_bytes)

# %% [markdown]
# ## Summary
#
# - A bidirectional network is two cells with weights of their own. One reads forwards, one backwards;
#   their outputs are put side by side.
# - Backwards means: turned within each sequence's own length, and the outputs turned back.
# - A reader has read everything at the place where it ends: forwards at the last real step, backwards at
#   step 0. `outputs[:, -1]` of both is the classic mistake.
# - **Accuracy does not show it.** A half that reads nothing is carried by the other one, until the
#   data change. Change one input and see what moves: then you know.
# - Two projections added are one projection of both vectors side by side; linear layers in a row are one
#   linear layer.
# - Silent faults: bytes that become zeros, logits behind a relu, padding that is read like text.
# - Both directions need the whole sequence. Whoever has to answer on the way, or to write, has only one.
#
# ### Sources
#
# - M. Schuster, K. Paliwal, *Bidirectional recurrent neural networks*, IEEE Transactions on Signal
#   Processing 1997.
# - A. Graves, J. Schmidhuber, *Framewise phoneme classification with bidirectional LSTM and other
#   neural network architectures*, Neural Networks 2005.
# - I. Sutskever, O. Vinyals, Q. Le, *Sequence to sequence learning with neural networks*, 2014: they
#   reverse their inputs, and it helps, for the reason that you have seen with the headed texts.
# - The classifier comes from slides of a lecture on recurrent networks of August 2017.
#
# **Next:** in [notebook 11](../11_character_language_model/11_character_language_model.ipynb) a network
# reads a text in one direction only, for a good reason: it is going to write the rest.
