"""Everything that a notebook does in an ordinary kernel it does in a confined one, to the last bit.

One notebook runs in both; for each of its cells the outputs must be equal.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from . import driver

SHOWS = {
    "imports": """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from course_lib.quiet import tf
import hashlib, keras, numpy as np, matplotlib, matplotlib.pyplot as plt
from IPython.display import HTML, Markdown, clear_output, display
digest = lambda a: hashlib.sha1(np.ascontiguousarray(a).tobytes()).hexdigest()
""",
    "the figure backend": "matplotlib.get_backend()",
    "an inline figure": "fig, ax = plt.subplots(); _ = ax.plot([1, 3, 2]); _ = ax.set_title('loss')",
    "a figure that is shown": "plt.imshow(np.eye(4)); plt.show()",
    "top-level await": "import asyncio\nawait asyncio.sleep(0, 'awaited')",
    "rich display": "display(HTML('<b>b</b>'), Markdown('*m*'))",
    "an updated display": """
handle = display(Markdown('before'), display_id='one')
handle.update(Markdown('after'))
""",
    "a cleared output": "print('gone'); clear_output(); print('kept')",
    "a widget": "import ipywidgets\ns = ipywidgets.IntSlider(value=3); display(s); s.value = 5; s.value",
    "an output widget": "o = ipywidgets.Output()\nwith o: print('inside')\nlen(o.outputs)",
    "Keras training with its progress bar": """
keras.utils.set_random_seed(7)
model = keras.Sequential(
    [keras.layers.Input((5, 3)), keras.layers.LSTM(8), keras.layers.Dense(1)])
model.compile('adam', 'mse')
r = np.random.default_rng(0)
x, y = r.normal(size=(256, 5, 3)).astype('f4'), r.normal(size=(256, 1)).astype('f4')
history = model.fit(x, y, epochs=3, verbose=0)
history.history['loss']
""",
    "weights after training": "[digest(w) for w in model.get_weights()]",
    "a progress bar that ends": """
import io, contextlib, re
with contextlib.redirect_stdout(io.StringIO()) as text:
    _ = model.fit(x, y, epochs=1)
re.findall(r'8/8|loss: [0-9.]+', text.getvalue())[-2:]
""",
    "predictions, saved and loaded": """
model.save('m.keras')
same = keras.saving.load_model('m.keras')
digest(same.predict(x, verbose=0)), digest(model.predict(x, verbose=0)), sorted(os.listdir('.'))
""",
    "seeded NumPy": """
np.random.seed(3); digest(np.random.normal(size=9)), digest(np.random.default_rng(3).random(9))
""",
    "seeded TensorFlow": "tf.random.set_seed(3); digest(tf.random.normal((9,)).numpy())",
    "a product of matrices": "a = r.normal(size=(300, 300)); digest(a @ a @ a)",
    "a convolution": """
digest(tf.nn.conv2d(x[:, :, :, None], np.ones((3, 3, 1, 4), 'f4'), 1, 'SAME').numpy())
""",
    "a traced loop": """
@tf.function
def total(n):
    s = tf.constant(0.)
    for i in tf.range(n): s += tf.cast(i, tf.float32)
    return s
print(total(tf.constant(10)))
""",
    "a compiled function": """
digest(tf.function(lambda v: tf.tanh(v) * 2 + 1, jit_compile=True)(x).numpy())
""",
    "a data set": """
d = tf.data.Dataset.from_tensor_slices(x).map(lambda v: v * 2, num_parallel_calls=2)
len(list(d.batch(32).prefetch(2)))
""",
    "a generator as a data set": """
d = tf.data.Dataset.from_generator(lambda: range(5), output_signature=tf.TensorSpec((), tf.int32))
[int(v) for v in d]
""",
    "the number of threads": """
from concurrent.futures import ThreadPoolExecutor
os.cpu_count(), len(os.sched_getaffinity(0)), list(ThreadPoolExecutor(2).map(abs, [-1, 2]))
""",
    "processes of its own": """
import multiprocessing as mp
with mp.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, 2]))
""",
    "a shell line": "!echo from the shell",
    "a command": """
import subprocess
print(subprocess.run(['echo', 'sub'], capture_output=True, text=True).stdout)
""",
    "a cell magic": "%%capture held\nprint('held')",
    "bare file descriptors": """
import sys, threading
_ = os.write(1, b'bare\\n')
threading.Event().wait(0.5)  # it takes a way of its own
_ = sys.stderr.write('err\\n')
""",
    "a warning": "import warnings; warnings.warn('careful')",
    "an exception": "1 / 0",
    "input where there is nobody": "input('name?')",
    "data beside the notebook": "open('data.txt').read()",
    "a temporary file": """
import tempfile
with tempfile.TemporaryFile() as f: print(f.write(b'abc'))
""",
    "history": "In[2], len(In) > 9",
    "who I am": "import getpass; len(getpass.getuser()) > 0, len(os.path.expanduser('~')) > 1",
    "a module beside the notebook": "import helper; helper.VALUE",
    "the course library": """
import course_lib, autograder, autograder.probes
digest(course_lib.rnn_step(np.ones((2, 3)), np.ones((2, 4)), np.ones((3, 4)), np.ones((4, 4)),
    np.ones(4)))
""",
}


@pytest.fixture(scope="module")
def notebook_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("notebook")
    (directory / "data.txt").write_text("1, 2, 3")
    (directory / "helper.py").write_text("VALUE = 7")
    return directory


def _run(kernel: str, directory: Path) -> dict[str, list[Any]]:
    run = driver.run_cells(kernel, list(SHOWS.values()), cwd=directory, timeout=120)
    (directory / "m.keras").unlink(missing_ok=True)
    return dict(zip(SHOWS, map(_comparable, run.outputs), strict=True))


def _comparable(outputs: list[Any]) -> list[Any]:
    """Outputs without what differs from one run to the next: counters and identifiers."""
    kept = []
    for output in outputs:
        output = {k: v for k, v in output.items() if k not in ("execution_count", "transient")}
        output.pop("traceback", None)
        data = dict(output.get("data", {}))
        if "application/vnd.jupyter.widget-view+json" in data:
            data["application/vnd.jupyter.widget-view+json"] = "a widget"
        if data:
            output["data"] = data
        if output["output_type"] == "stream":
            lines = output["text"].splitlines()
            # the first line of a warning names a file by the process's number
            output["text"] = [line.partition("UserWarning")[2] or line for line in lines]
        kept.append(output)
    return kept


@pytest.fixture(scope="module")
def ordinary(known_kernels: dict[str, str], notebook_directory: Path) -> dict[str, list[Any]]:
    return _run(driver.ORDINARY, notebook_directory)


@pytest.fixture(scope="module")
def confined(known_kernels: dict[str, str], notebook_directory: Path) -> dict[str, list[Any]]:
    return _run(driver.TENSORFLOW, notebook_directory)


@pytest.mark.parametrize("what", SHOWS)
def test_the_same_outputs_as_in_an_ordinary_kernel(
    what: str, ordinary: dict[str, list[Any]], confined: dict[str, list[Any]]
) -> None:
    assert confined[what] == ordinary[what]


def test_the_cells_do_something(ordinary: dict[str, list[Any]]) -> None:
    silent = {what for what, outputs in ordinary.items() if not outputs}
    assert silent == {"imports", "a cell magic"}


def test_files_written_by_a_notebook_do_not_appear_outside(
    run: Callable[..., driver.Run], tmp_path: Path
) -> None:
    result = run(driver.NUMPY, "open('made.txt', 'w').write('x'); print(open('made.txt').read())")
    assert result.texts == ["x\n"]
    assert list((tmp_path / "work").iterdir()) == []


UNSEEDED = """
import random, numpy as np, tensorflow as tf, keras
print(random.random(), np.random.random(), np.random.default_rng().random())
print(tf.random.normal(()).numpy(), keras.initializers.GlorotUniform()((2, 2)).numpy())
"""


def test_two_kernels_draw_different_unseeded_numbers(run: Callable[..., driver.Run]) -> None:
    first, second = (
        run(driver.TENSORFLOW, UNSEEDED).texts[0].replace("[", "").replace("]", "").split()
        for _ in range(2)
    )
    assert len(first) == len(second) == 8
    assert not set(first) & set(second)


def test_an_honest_notebook_causes_no_incident(run: Callable[..., driver.Run]) -> None:
    train = "\n".join(SHOWS[what] for what in ("imports", "Keras training with its progress bar"))
    result = run(driver.TENSORFLOW, train, SHOWS["a shell line"], SHOWS["who I am"])
    assert result.account is not None
    assert result.account.incidents == ()
    assert result.account.reason.kind == "killed"


def test_an_ordinary_user_trains_as_root_does(
    run: Callable[..., driver.Run], run_as_ordinary_user: Callable[..., dict[str, Any]]
) -> None:
    cells = [SHOWS["imports"], SHOWS["Keras training with its progress bar"]]
    job = {"kernel": driver.TENSORFLOW, "sources": cells}
    [result] = run_as_ordinary_user([job])["runs"]
    assert result["texts"] == run(driver.TENSORFLOW, *cells).texts
    assert result["account"]["incidents"] == []
