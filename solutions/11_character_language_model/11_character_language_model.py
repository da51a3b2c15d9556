# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 11 · A model that writes
#
# Every character that a computer can show has an official name. Three of the following six stand in
# the Unicode standard. The other three were made up by the network of this notebook, after seconds of
# training. Which are which?
#
# 1. HEAVY TEARDROP-SPOKED PINWHEEL ASTERISK
# 2. HEAVY BLACK LESS-THAN AND RIGHT HARN
# 3. CANADIAN SYLLABICS CARRIER THEE
# 4. REVERSED ROTATED FLORAL HEART BULLET
# 5. MONGOLIAN LETTER ALUNG WITH DOUBLE LEFT SOX
# 6. GREEK SMALL LETTER E WITH DASE
#
# <details><summary>Compare</summary>
#
# 1, 3 and 4 exist: ❃, ᗟ and ☙. There is no left sox, let alone a double one.
#
# </details>
#
# A network that can do this is a **language model**. All that it learns is to say, after each
# character, what may come next. Large ones made of the same idea hold conversations. This one invents
# letters that nobody has drawn yet.
#
# **Afterwards you will be able to**
#
# - turn a text into batches for a many-to-many network, so that a state can be carried through it;
# - measure a model in *bits per character*, and say which dumb baselines it has to beat;
# - draw from a model's predictions, and explain what *temperature* does to them;
# - let a model write, character by character, and find the mistakes in a program that does it wrong.
#
# **Time:** about two hours, seven exercises. **You need**
# [notebook 3](../03_dynamic_rnn/03_dynamic_rnn.ipynb) (a loop in the graph) and
# [notebook 8](../08_carrying_state/08_carrying_state.ipynb) (windows, carried state). The exercises are
# plain NumPy.

# %%
import string

import numpy as np

from autograder import check
from course_lib.corpus import unicode_names
from course_lib.plots import new_figure, show
from course_lib.plots.writing import (
    LearningView,
    draw_baselines,
    draw_entropy,
    draw_lines,
    draw_loop,
    draw_quality,
    draw_shares,
    draw_surprise,
    draw_windows,
    temperature_slider,
    visible,
)

# %% [markdown]
# ## The text
#
# The names of 10,744 characters of Unicode 3.2, one a line. They come with the course, in a file that
# never changes, so that your numbers can be compared with those printed here.

# %%
text = unicode_names()
vocab = "".join(sorted(set(text)))

print(f"{len(text):,} characters, {len(vocab)} different ones: {visible(vocab)}")
print(*text.splitlines()[3000:3006], sep="\n")

# %% [markdown]
# The ⏎ is the **line end**, a character like the others. The model needs it: it is how it says "this
# name is finished", and how it is told "now a new one".
#
# ## A character is a row with a single 1
#
# A network multiplies its input with weights, so it needs numbers. The obvious number for a character
# is its place in the **vocabulary** `vocab`, its *id*: A is 13, B is 14. But to a network that would
# say that B is a little more than A, and that C lies between B and D. Neither means anything.
#
# So each character gets an input of its own: a row of zeros with a single 1 in the place of its id, a
# **one-hot** row. With $V$ characters in the vocabulary, a text of $T$ characters becomes an array of
# shape $(T, V)$. And what is a one-hot row times a weight matrix? It picks one row of the matrix: every
# character has its own weights.
#
# The tutorial that this notebook follows (slides of 2017) one-hot encodes bytes with $V = 128$. A
# byte over 127, which any é brings along, becomes a row of *zeros* there, without a word. You would
# never notice: the model merely reads nothing in that place. So your function should **refuse** what
# it does not know. Any `ValueError`, `KeyError` or `IndexError` will do, whether you raise it yourself
# or whether it comes from an honest look-up. (An `assert` will not do: `python -O` leaves it out.)
#
# ### Exercise 1: `one_hot_text`


# %% exercise="one_hot_text"
def one_hot_text(text, vocab):
    """Encode a text as rows with a single 1.

    text: T characters.
    vocab: V characters, each once; a character's place in it is its id.
    Returns (T, V). A character that is not in the vocabulary raises an error.
    """
    ### BEGIN SOLUTION
    places = [vocab.index(character) for character in text]
    return np.eye(len(vocab))[places]
    ### END SOLUTION


# %% check="one_hot_text"
check("one_hot_text", one_hot_text)

# %% [markdown]
# ## The dumb baseline: how often each symbol occurs
#
# How good is a prediction? Imagine that you pay for each character that comes: the less likely you
# thought it was, the more. If you gave it the probability $p$, you pay $-\log_2 p$ **bits**.
#
# - Who knew it for certain ($p = 1$) pays nothing.
# - Who thought it was a coin toss ($p = \tfrac12$) pays 1 bit; one of four equal chances costs 2 bits.
# - Who said "impossible" ($p = 0$), and is proved wrong, is ruined.
#
# Whoever knows nothing but the size of our vocabulary gives each character $p = 1/39$ and pays
# $\log_2 39 = 5.29$ bits, each time.
#
# The dumbest way to be better: count. A space is frequent, a Q is rare; let $p$ be each character's
# *share* of the text. Then frequent characters are cheap, rare ones dear, and what counts is the mean
# over the text.
#
# **On paper.** The text is AAAB. What does an A cost, what does B, and what does a character cost on
# average?
#
# <details><summary>Compare the first half of the answer</summary>
#
# An A costs $-\log_2 \tfrac34 = 0.415$ bits and is paid three times, the B costs 2 bits, once. Now take
# the mean over the *four characters of the text*, not over the two letters.
#
# </details>
#
# ### Exercise 2: `unigram_bits`


# %% exercise="unigram_bits"
def unigram_bits(text):
    """What a character of this text costs if only the share of each symbol is known.

    text: at least one character.
    Returns bits per character, one number; 0 if there is only one symbol.
    """
    ### BEGIN SOLUTION
    _, counts = np.unique(list(text), return_counts=True)
    share = counts / len(text)
    return -np.sum(share * np.log2(share))
    ### END SOLUTION


# %% check="unigram_bits"
check("unigram_bits", unigram_bits)

# %% [markdown]
# Still dumb, but far better: count what follows each *pair*, each *three* characters, and so on. After
# LETTE there nearly always comes an R. Such a table is called an *n-gram model*. For it to be fair, it
# counts in one part of the names and pays for another: 744 names, drawn at random, are **held back**
# from now on and from everything that learns.
#
# **Predict first.** The share of each symbol costs 4.3 bits. How far down does a table of five
# characters of context get?

# %% tags=["demo"]
import course_lib
from course_lib import tf
from course_lib.writing import (
    after,
    context_bits,
    entropy_bits,
    heated,
    invent,
    judge_lines,
    surprise,
)

names = text.splitlines()
names = [names[k] for k in np.random.default_rng(0).permutation(len(names))]
held_back = "\n".join(names[:744]) + "\n"
training = "\n".join(names[744:]) + "\n"

by_context = context_bits(training, held_back, 8)
table_bits = {
    "knowing nothing": np.log2(len(vocab)),
    "share of each symbol": by_context[0],
    "1 character of context": by_context[1],
    **{f"{length} characters": by_context[length] for length in (2, 3, 5, 8)},
}

figure, axes = new_figure(height=2.6)
draw_baselines(axes, table_bits)
show(
    figure,
    alt="Bars: knowing nothing costs 5.29 bits a character, the share of each symbol 4.33, one "
    "character of context 3.44, two 2.29, three 1.40, five 1.09, eight a little more than five.",
)

# %% [markdown]
# Down to 1.09 bits: the names are a language of set phrases (CANADIAN SYLLABICS, YI SYLLABLE, LATIN
# SMALL LETTER), and a table learns phrases by heart.
#
# Note where it ends. More context makes the table *worse*: most stretches of eight characters have
# never been seen before, and a table knows nothing about what it has not seen. A network has no table.
# It has a state, in which it may keep whatever turns out to be useful, from as far back as it likes.
#
# You have seen a strong opponent. Do not despise baselines.

# %% [markdown]
# ## Rows that go on, targets that look ahead
#
# A language model is **many-to-many**: it reads a character at each step, and at each step it predicts
# the next one. So every character is a training example, and the targets cost nothing: they are the
# same text, *one character further on*.
#
# As in notebook 8, the text is cut into $B$ **rows**, each a piece of the text, and the rows are cut
# into **windows** of $T$ characters. Row $b$ of a window goes on where row $b$ of the window before
# ended, so that the state can be carried across (the blue arrows).

# %% tags=["demo"]
phrase = "GREEK SMALL LETTER ALPHA\nA"
coded = course_lib.text_to_ids(phrase, vocab)
shown_windows = [
    tuple([course_lib.ids_to_text(row, vocab) for row in part] for part in window)
    for window in course_lib.language_model_batches(coded, 2, 4)
]
figure, axes = new_figure(height=2.1, width=9.4)
draw_windows(axes, shown_windows)
show(
    figure,
    alt="The text GREEK SMALL LETTER ALPHA in two rows of twelve characters and three windows of "
    "four. Below each character, in small, stands the next one: its target. At the end of a window "
    "the target is the first character of the next window; at the end of row 0 it is the first of "
    "row 1.",
)

# %% [markdown]
# The orange characters are the targets. Look at the edges. The last target of a window is the *first
# input of the next window*. The last target of row 0 is the first character of row 1. And the last
# target of row 1 is the 25th character, the line end: it is read by nobody, but needed as a target.
# So 25 characters make 24 columns.
#
# **On paper.** 32 characters, 3 rows, $T = 4$. How many columns has each row? How many windows are
# there, how wide is the last, and how many characters are left over?
#
# <details><summary>Compare</summary>
#
# One character is kept as the last target: 31 are to be read. Three rows of ten columns use 30 of them.
# Windows of 4, 4 and 2 columns. The targets reach one further, to the 31st character, and the 32nd is
# left over.
#
# </details>
#
# ### Exercise 3: `language_model_batches`
#
# The text comes as ids, an array of whole numbers. Make rows as long as possible; the last window is
# narrower if $T$ does not divide them.


# %% exercise="language_model_batches"
def language_model_batches(ids, batch, T):
    """Cut a text into rows, and the rows into windows; the target is the next character.

    ids: (length,), the ids of the text; length is at least batch + 1.
    batch: B rows, each one piece of the text; the few characters at the end that fill no column are
        not used.
    T: columns of a window.
    Returns a list of pairs (inputs, targets), in the order of the text, (B, T) each; the last
    pair is narrower if T does not divide the columns.
    """
    ### BEGIN SOLUTION
    columns = (len(ids) - 1) // batch
    x = ids[: batch * columns].reshape(batch, columns)
    y = ids[1 : batch * columns + 1].reshape(batch, columns)
    return [(x[:, t : t + T], y[:, t : t + T]) for t in range(0, columns, T)]
    ### END SOLUTION


# %% check="language_model_batches"
check("language_model_batches", language_model_batches)

# %% [markdown]
# ## Bits: what a text costs
#
# At each step the network gives $V$ numbers, the **logits** $z_1, \dots, z_V$: any numbers, large for
# what it thinks likely. The **softmax** makes probabilities of them:
#
# $$p_k = \frac{e^{z_k}}{\sum_{j=1}^{V} e^{z_j}}.$$
#
# Then the character that really comes is paid for with $-\log_2 p$, and the mean over all characters
# that were predicted is the model's score: **bits per character**. It is comparable with everything
# above.
#
# (Frameworks compute with natural logarithms. Their unit, the *nat*, is larger: 1 nat is
# $1 / \ln 2 = 1.44$ bits.)
#
# The unit is meant literally. With a good code, a text takes as many bits on a disk as your model has
# to pay for it. A language model *is* a compressor: bzip2 gets this text down to 1.1 bits per
# character.
#
# ## Which prediction belongs to which character?
#
# `logits[b, t]` comes out of the network when it has read `ids[b, t]`. It is about what comes *next*.
#
# **On paper.** A row reads C, A, T. The network gives three predictions. Which character is each of
# them about? Which of the three characters has been predicted by nobody, and which prediction can you
# not judge?
#
# <details><summary>Compare</summary>
#
# The first prediction is about A, the second about T. The third one is about what comes after T: we do
# not know it. And C was predicted by nobody. $T$ characters, $T$ predictions, $T - 1$ pairs.
#
# </details>
#
# **A note on huge numbers.** $e^{z}$ overflows for $z > 710$, and then the softmax is `inf / inf`,
# which is not a number. It does not change a softmax when the same number is subtracted from all
# logits of a step (try it on paper: it cancels). Subtract the largest, and nothing can overflow.
#
# ### Exercise 4: `bits_per_character`
#
# The check also hands in logits of a few thousand, and a prediction that is very wrong: whatever that
# costs, the model has to pay it in full.


# %% exercise="bits_per_character"
def bits_per_character(logits, ids):
    """How many bits a character costs with a model's predictions.

    logits: (B, T, V); logits[b, t] is the prediction after ids[b, t] has been read.
    ids: (B, T), what was read; T is 2 or more.
    Returns the mean over the characters that were predicted, one number.
    """
    ### BEGIN SOLUTION
    z = logits - logits.max(axis=2, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=2, keepdims=True))
    came = np.take_along_axis(log_p[:, :-1], ids[:, 1:, np.newaxis], axis=2)
    return -came.mean() / np.log(2)
    ### END SOLUTION


# %% check="bits_per_character"
check("bits_per_character", bits_per_character)

# %% [markdown]
# ## Training
#
# The slides' network has three layers of 512 units over 128 one-hot bytes, in windows of 256. Ours is
# the same thing for people without a data centre: one GRU layer of 128 units over 39 characters, in
# windows of 40, and a projection to 39 logits. It is called `CharacterModel`; with `layers=3` it has
# the slides' shape.
#
# The loop below holds nothing new. Windows in order, the state carried, one update each; in the next
# epoch the text begins again, with an empty state. The learning rate falls to zero along the way.
#
# **Predict first.** What will it write after 30 updates? What comes first: words, letters in plausible
# order, or the length of words? Watch it.

# %% tags=["demo", "nbval-ignore-output"]
EPOCHS = 3  # 12 take four times as long and write better names

model = course_lib.CharacterModel(len(vocab), units=128)
ids = course_lib.text_to_ids(training, vocab)
windows = course_lib.language_model_batches(ids, 32, 40)[:-1]  # all of them 40 wide: one graph
updates = EPOCHS * len(windows)
optimizer = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(0.01, updates))
optimizer.build(model.trainable_variables)


@tf.function
def update(inputs, targets, state):
    with tf.GradientTape() as tape:
        logits, state = model(inputs, state)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
        loss = tf.reduce_mean(nats)
    gradients = tape.gradient(loss, model.trainable_variables)
    gradients, _ = tf.clip_by_global_norm(gradients, 1.0)
    optimizer.apply(gradients, model.trainable_variables)
    return loss / np.log(2), state


step = tf.function(model.step, reduce_retracing=True)
view = LearningView(
    {
        "share of each symbol": table_bits["share of each symbol"],
        "table, 5 characters": table_bits["5 characters"],
    },
    expected=updates,
    every=100,
)
for _ in range(EPOCHS):
    state = model.zero_state(32)
    for inputs, targets in windows:
        if len(view.losses) in (0, 10, 30, 60, 100, 200, 400, 800, 1600):
            view.sample(invent(step, model.zero_state, 4, np.random.default_rng(1), vocab=vocab)[0])
        loss, state = update(inputs, targets, state)
        view.add(float(loss))
view.sample(invent(step, model.zero_state, 4, np.random.default_rng(1), vocab=vocab)[0])
view.draw()

# %% [markdown]
# (The picture is redrawn while the network learns.) First it learns which characters are frequent, then
# how long words are and where vowels go, then whole words, then phrases.
#
# The blue curve was measured on names that the model trains on. What counts is what it pays for names
# that it has never seen:

# %% tags=["demo"]
held_ids = course_lib.text_to_ids(held_back, vocab)
rows = held_ids[: len(held_ids) // 40 * 40].reshape(40, -1)
held_logits, _ = model(rows, model.zero_state(40))
network_bits = course_lib.bits_per_character(held_logits.numpy(), rows)
print(f"the network, names held back: {network_bits:.1f} bits per character")
print(f"a table of five characters:   {table_bits['5 characters']:.1f}")
stretches = len({training[k : k + 6] for k in range(len(training) - 5)})
weights = sum(int(tf.size(v)) for v in model.trainable_variables)
print(
    f"the table counts {stretches:,} stretches of six characters; the network has {weights:,} weights"
)

# %% [markdown]
# The table wins. Be honest in such a moment: seconds of training have brought the network close to
# counting, not past it. Set `EPOCHS` to 12 and run the two cells again, and it gets to about 1.0. The
# table has no such knob: it has reached its end at five characters.
#
# ## Where is it unsure?
#
# What does each single character of a name cost? Here is one that the model knows how to say, and one
# of its own kind of surprise.
#
# **Predict first.** LATIN SMALL LETTER E WITH ACUTE: at which characters does the model pay?

# %% tags=["demo"]
examples = ["LATIN SMALL LETTER E WITH ACUTE", "SKULL AND CROSSBONES"]
figure, both = new_figure(2, width=9.4, height=4.2)
for axes, line in zip(both, examples, strict=True):
    draw_surprise(axes, line, surprise(step, model.zero_state(1), line, vocab))
show(
    figure,
    alt="Bars: what each character costs. In LATIN SMALL LETTER E WITH ACUTE only the first L, the E "
    "and the A of ACUTE cost more than two bits, the rest almost nothing. In SKULL AND CROSSBONES "
    "many letters cost several bits.",
)

# %% [markdown]
# Within a phrase everything is free: after LAT there is nothing to decide. The model pays where a
# person would have to think, too: at the beginning of a word, and for the one letter that makes the
# name this name. A skull is bad news throughout.
#
# So the *predictions* of a language model are not one number but a whole distribution, wide in some
# places and narrow in others. Writing means to draw from it.

# %% [markdown]
# ## How the slides draw
#
# Now to the generator. This is how the slides choose the next character, shortened:
#
# ```python
# next_char = np.asarray(next_char).astype('float32')    # probabilities
# next_char = next_char / next_char.sum()
# next_char_id = np.random.multinomial(1, next_char.squeeze(), 1).astype(int)
# ```
#
# Two traps in three lines. Look at what NumPy's `multinomial` really returns:

# %%
rng = np.random.default_rng(3)
print("drawn from four:", rng.multinomial(1, [0.1, 0.2, 0.3, 0.4]))

thirds = np.array([1, 1, 1, 0], np.float32) / np.float32(3)
print(f"three float32 thirds: {np.sum(thirds, dtype=np.float64):.9f}")
try:
    rng.multinomial(1, thirds)
except ValueError:
    print("multinomial: ValueError")

# %% [markdown]
# First trap: these are **counts**, how often each of the four came up in one draw. The slides use
# them as if they were the number of the character. Where is the id? In the *place* of the 1.
#
# Second trap: float32. Three thirds of it, added up exactly, are a hair more than 1. `multinomial`
# minds, and raises `ValueError`, after some hundred characters that went well. Compute probabilities
# in float64 before you draw. (`rng.choice(n, p=...)` draws an id right away, if you like that better.)
#
# ## Temperature
#
# Before you draw, you may bend the distribution. Divide all logits by a number $\tau$, the
# **temperature**, and take the softmax then:
#
# $$p_k = \frac{e^{z_k / \tau}}{\sum_j e^{z_j / \tau}}, \qquad \tau > 0.$$
#
# The formula, and the name, come from physics: this is how likely a molecule is to sit on a ledge in a
# heat of $\tau$. In the cold everything lies on the lowest ledge. In the heat it is everywhere.
#
# **On paper.** Three logits, $\ln 1$, $\ln 4$ and $\ln 9$. What are the probabilities at $\tau = 1$?
# At $\tau = 2$? At $\tau = \tfrac12$? Towards 0, and towards infinity?
#
# <details><summary>Compare</summary>
#
# At $\tau = 1$ they are 1, 4 and 9 of 14. At $\tau = 2$ square roots are taken: 1, 2 and 3 of 6, which
# is more even. At $\tau = \tfrac12$ squares: 1, 16 and 81 of 98, which is more decided. Towards 0 only
# the last one is left, the *argmax*. Towards infinity all are equally likely.
#
# </details>
#
# Here is our model, after LATIN SMALL LETTER E WITH and a space, at three temperatures:

# %% tags=["demo"]
place = after(step, model.zero_state(1), "LATIN SMALL LETTER E WITH ", vocab)
likely = np.sort(np.argsort(place)[-12:])
figure, panels = new_figure(columns=3, width=9.4, height=2.5, sharey=True)
draw_shares(
    panels,
    course_lib.ids_to_text(likely, vocab),
    {tau: heated(place, tau)[likely] for tau in (0.3, 1.0, 3.0)},
)
show(
    figure,
    alt="The probabilities of twelve letters at temperatures 0.3, 1 and 3: at 0.3 one or two letters "
    "have nearly all, at 1 there are a few likely ones, at 3 all are nearly alike.",
)

# %% [markdown]
# How unsure a distribution is as a whole is measured by its **entropy**, the bits that a character
# costs on average if it is really drawn from there. (You have computed one: `unigram_bits`.) It grows
# with the temperature, up to $\log_2 39$. But not everywhere at the same heat:

# %% tags=["demo"]
taus = np.geomspace(0.1, 10, 49)
beginnings = ["", "LATIN SMALL LETTER ", "LATIN SMALL LET"]
curves = {}
for line in beginnings:
    z = after(step, model.zero_state(1), line, vocab)
    curves[f"after {visible(line) or 'a line end'}"] = np.array(
        [entropy_bits(heated(z, tau)) for tau in taus]
    )
figure, axes = new_figure(height=3.2)
draw_entropy(axes, taus, curves, np.log2(len(vocab)))
show(
    figure,
    alt="Entropy in bits against temperature for three beginnings. After a line end and after LATIN "
    "SMALL LETTER it is about four bits at temperature 1; after LATIN SMALL LET it stays "
    "at zero until the temperature is above 1. All rise to 5.3 bits.",
)

# %% [markdown]
# At $\tau = 1$ the model is quite open about which letter it will be, and quite sure that after LET
# comes a T. Heat up a little, and choices get wilder while words stay intact; heat up more, and the
# spelling melts.
#
# ### Exercise 5: `sample`
#
# Draw one id. All chance comes from `rng`. The check draws thousands of times and looks at
# frequencies, so use any method you like. It also tries a temperature close to zero, huge logits, and
# logits in float32.


# %% exercise="sample"
def sample(logits, temperature, rng):
    """Draw one id from the softmax of logits / temperature.

    logits: (V,).
    temperature: more than 0.
    rng: np.random.Generator, from which all chance comes.
    Returns one whole number, 0 to V - 1.
    """
    ### BEGIN SOLUTION
    z = np.asarray(logits, np.float64) / temperature
    weights = np.exp(z - z.max())
    return rng.choice(len(z), p=weights / weights.sum())
    ### END SOLUTION


# %% check="sample"
check("sample", sample)

# %% [markdown]
# ## A model that reads what it writes
#
# To write, the model has to read: what it drew is its next input. So writing is a loop around `step`,
# which reads one character and gives logits and a new state:

# %% tags=["demo"]
figure, axes = new_figure(height=3.0, width=9.0)
draw_loop(axes, "LAT", "IN S")
show(
    figure,
    alt="Six steps from left to right, joined by arrows labelled state. The first three read L, A and "
    "T, the prime; the logits of the first two are not used. From the third on, a character is drawn "
    "from the logits of each step, and a dashed arrow leads from it to the input of the next step.",
)

# %% [markdown]
# It begins with a **prime**, some characters that are given. They are read one after the other, for the
# state's sake: after LAT the model knows where it is. Their predictions are thrown away, except for the
# last: after the T has been read, its logits are the ones that the *first* new character is drawn from.
#
# From then on every drawn character goes two ways: into the text, and back into the model. Both get
# the same character, whatever it is. The slides put "_" in the place of what cannot be printed, and so
# hide from the reader, and from the model, what the model really said. For us the line end is the most
# important character of all.
#
# **On paper.** The prime is `"AB"`, two characters are to be written. Write down the calls of `step` in
# order: what does each one read? After which of them is each character drawn? Is there a step whose
# result nobody needs?
#
# <details><summary>Compare</summary>
#
# Step 1 reads A. Step 2 reads B, and the first new character is drawn. Step 3 reads that one, and the
# second is drawn. Done: to read the second one, too, would be of no use (and does no harm).
#
# </details>
#
# ### Exercise 6: `generate_text`
#
# `step` takes a batch of one: ids of shape (1,), such as `np.array([5])`, and gives logits of shape
# (1, V). Your `sample` from above may be used.
#
# <details><summary>Stuck on where to draw?</summary>
#
# Write two loops. The first one only reads; when it has ended, some logits are left in your hands. The
# second one begins with a draw, not with a step.
#
# </details>


# %% exercise="generate_text"
def generate_text(step, state, prime, length, rng, *, vocab, temperature=1.0):
    """Let a model write.

    step: step(ids, state) -> (logits, state), ids (1,), logits (1, V).
    state: before the first character of the prime.
    prime: one or more characters, to be read before the first one is drawn.
    length: how many characters to draw.
    rng: np.random.Generator, from which all chance comes.
    vocab: V characters; a character's place in it is its id.
    temperature: of all draws.
    Returns the drawn characters, without the prime, as text; line ends and others just as drawn.
    """
    ### BEGIN SOLUTION
    for character in prime:
        logits, state = step(np.array([vocab.index(character)]), state)
    written = ""
    for _ in range(length):
        k = sample(np.asarray(logits)[0], temperature, rng)
        written += vocab[k]
        logits, state = step(np.array([k]), state)
    return written
    ### END SOLUTION


# %% check="generate_text"
check("generate_text", generate_text)

# %% [markdown]
# Does it work on the real model? This cell uses your function, or the course's as long as you have
# none. What comes out differs a little from machine to machine: a last bit in a logit is enough to
# draw another character, and from there on another name.

# %% tags=["demo", "nbval-ignore-output"]
options = {"vocab": vocab, "temperature": 0.7}
prime = "\nGREEK SMALL LETTER "
try:
    told = generate_text(step, model.zero_state(1), prime, 200, np.random.default_rng(5), **options)
except Exception as problem:
    print(f"(written by the course's function; yours raised {type(problem).__name__})\n")
    told = course_lib.generate_text(
        step, model.zero_state(1), prime, 200, np.random.default_rng(5), **options
    )
print(prime.lstrip() + told.rsplit("\n", 1)[0])

# %% [markdown]
# ## Play
#
# Names from cold to hot. A ✓ marks those that really exist: the model has found its way back to a name
# of the standard, by heart or by luck.

# %% tags=["demo", "nbval-ignore-output"]
known = set(names)


def names_at(temperature, prime="", seed=1, count=14):
    rng, options = np.random.default_rng(seed), {"temperature": temperature, "prime": prime}
    return invent(step, model.zero_state, count, rng, vocab=vocab, **options)


figure, axes = new_figure(height=3.3, width=10.0)
columns = {f"τ = {tau:g}": names_at(tau, seed=7) for tau in (0.3, 0.7, 1.0, 1.8)}
draw_lines(axes, columns, known)
show(
    figure,
    alt="Four columns of invented names, at temperatures 0.3, 0.7, 1 and 1.8. On the left most of them "
    "exist and many repeat; in the middle they are new but pronounceable; on the right they are "
    "heaps of letters.",
)

# %% [markdown]
# Now you. Move the temperature, give it a beginning (try `SNOW`, `SMILING`, `HEAVY BLACK`, your own
# name), change the seed for another set.

# %% tags=["demo", "nbval-ignore-output"]
temperature_slider(names_at, known)

# %% [markdown]
# Which temperature is best? That depends on what you want. Measure three things on 200 names at each:
# how many exist already, how many are repetitions of another one, and how many of the *words* in them
# are real.
#
# **Predict first.** Which of the three curves rises with the temperature, and which fall?

# %% tags=["demo"]
heats = [0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0]
judged = [judge_lines(names_at(tau, seed=11, count=200), names) for tau in heats]
figure, axes = new_figure(height=3.1)
draw_quality(
    axes,
    heats,
    {
        "words that are real": np.array([found["real words"] for found in judged]),
        "names that exist": np.array([found["exist"] for found in judged]),
        "names that repeat another": np.array([found["repeated"] for found in judged]),
    },
)
show(
    figure,
    alt="Shares against temperature, all of them falling. Real words: near 1 in the cold, about 0.6 "
    "at 1, below 0.2 at 2. Names that exist: about 0.9, 0.2, 0. Repetitions: most in the cold, none "
    "from 0.8 on.",
)

# %% [markdown]
# None rises: what is correct, what is known and what is repeated are the same thing seen from three
# sides. In the cold you get the standard back, over and over. In the heat nothing repeats, and nothing
# is a word. In between, around 0.6 to 0.8, there is a stretch where most words are real and most
# *names* are new. That is where it is fun, and why this knob is found on every text generator today.

# %% [markdown]
# ## Find the bug
#
# Here is the slides' generator as a whole, in NumPy. It writes bytes: an id is the code of a character
# (`ord` and `chr` lead from one to the other), and there are 128. It knows no prime; the text begins as
# if a "_" had just been read. `string.printable` holds the hundred characters that can be printed.
#
# Three of its mistakes are those of the slides. One has been added. Two stop the program, one of them
# only now and then; the other two are silent.


# %%
def slide_writer(step, state, length, rng):
    text = ""
    character = ord("_")
    istate = state
    while len(text) < length:
        probabilities, state = step(character, istate)
        probabilities = np.asarray(probabilities).astype("float32")
        probabilities = probabilities / probabilities.sum()
        character = rng.multinomial(1, probabilities).astype(int)
        character = character if chr(character) == string.printable else ord("_")
        text += chr(character)
    return text


# %% [markdown]
# ### Exercise 7: `repair_slide_writer`
#
# Copy it into the cell below and mend it. What cannot be printed stays replaced by "_", in the text and
# in what the model reads next: that is what the slides want, and with 128 bytes there is something to
# be said for it.
#
# <details><summary>Stuck? Where to look</summary>
#
# Go through the lines with one question each. What kind of thing is it (one number, or many)? Of which
# precision? What is compared with what? And which of the two states goes in?
#
# </details>


# %% exercise="repair_slide_writer"
def repair_slide_writer(step, state, length, rng):
    """Write with a model of bytes.

    step: step(character, state) -> (probabilities, state): one id, an int, to (128,) float32.
    state: before the first character that is read, which is ord("_").
    length: how many characters to write.
    rng: np.random.Generator, from which all chance comes.
    Returns the text. What is not in string.printable is replaced by "_", in the text and for step.
    """
    ### BEGIN SOLUTION
    written, last = "", ord("_")
    while len(written) < length:
        given, state = step(last, state)
        p = np.asarray(given, np.float64)
        last = int(rng.choice(len(p), p=p / p.sum()))
        if chr(last) not in string.printable:
            last = ord("_")
        written += chr(last)
    return written
    ### END SOLUTION


# %% check="repair_slide_writer"
check("repair_slide_writer", repair_slide_writer)

# %% [markdown]
# How long would the mistakes have lived? The counts crash at the first character. The float32 sum
# waits for an unlucky one, and the `==` (the slides have no operator there at all: a small `in` got
# lost on the way) would fill the page with underscores, which is at least visible. The state that is
# never passed on is the dangerous one: the model still writes, only worse, as if it had not been
# trained enough. You can see what it is worth:

# %% tags=["demo", "nbval-ignore-output"]
forgetful = [
    heated(after(lambda k, _: step(k, model.zero_state(1)), model.zero_state(1), line, vocab), 1.0)
    for line in names[:40]
]
mindful = [heated(after(step, model.zero_state(1), line, vocab), 1.0) for line in names[:40]]
end = vocab.index("\n")
print("probability of a line end where a name of the standard ends, mean of 40 names held back:")
print(f"    with the state     {np.mean([p[end] for p in mindful]):.2f}")
print(f"    state never passed {np.mean([p[end] for p in forgetful]):.2f}")

# %% [markdown]
# A model without its state does not even know when to stop.
#
# ## Summary
#
# - A language model is a many-to-many network whose targets are its inputs, one character further on.
#   Rows go on from window to window, so that the state can.
# - Its score is bits per character: the mean of $-\log_2 p$ of what came. Knowing nothing costs
#   $\log_2 V$. Count before you train: tables are strong baselines.
# - To write: read the prime, draw, feed back what was drawn, carry the state.
# - Temperature divides *logits*, before the softmax. Below 1: safer and repetitive. Above 1: wilder,
#   until the spelling melts.
# - `multinomial` gives counts; probabilities belong in float64; the character that the text shows is the
#   one that the model reads next.
#
# ### Sources
#
# - C. E. Shannon, *Prediction and Entropy of Printed English*, Bell System Technical Journal 1951: the
#   entropy of English, measured by letting people guess the next letter.
# - I. Sutskever, J. Martens and G. Hinton, *Generating Text with Recurrent Neural Networks*, ICML 2011.
# - A. Graves, *Generating Sequences With Recurrent Neural Networks*, 2013.
# - A. Karpathy, *The Unreasonable Effectiveness of Recurrent Neural Networks*, 2015: Shakespeare, C
#   code and algebra, one character at a time.
# - A. Holtzman and others, *The Curious Case of Neural Text Degeneration*, ICLR 2020: why neither the
#   likeliest text nor plain draws read well, and what to do.
# - The many-to-many example, its sizes and its generator come from slides of 2017 on recurrent networks
#   in TensorFlow 1. The names are data of the Unicode Character Database, version 3.2.
#
# **Next:** this model reads and writes the same text. What if it should read *one* sequence and write
# *another*? In [notebook 12](../12_sorting/12_sorting.ipynb) an encoder reads numbers in any order, and
# a decoder writes them sorted.
