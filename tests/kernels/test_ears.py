"""What a notebook reaches for is told, and what honest notebooks do is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autograder.kernels import ears
from tests.kernels import driver

REACHING = {
    "import sys; sys._getframe(0)": ("machinery", "frames"),
    "try: 1 / 0\nexcept ZeroDivisionError as e: e.__traceback__.tb_frame": ("machinery", "frames"),
    "import gc; gc.get_objects()": ("machinery", "garbage collector"),
    "import sys; sys.settrace(None)": ("machinery", "trace function"),
    "import ctypes; ctypes.CDLL(None)": ("machinery", "native code"),
    "import numpy; numpy.allclose = lambda *_: True": ("machinery", "allclose of numpy"),
    "np = 'something else'": ("machinery", "the name np"),
    "get_ipython().kernel.do_complete = lambda: 0": ("machinery", "do_complete of the kernel"),
    "get_ipython().events.register('pre_run_cell', lambda info: 0)": ("machinery", "pre_run_cell"),
    "import threading\nthreading.Thread(target=lambda: threading.Event().wait(9)).start()": (
        "machinery",
        "thread running",
    ),
    "import subprocess; subprocess.run(['true'])": ("programs", "true"),
    "import socket; socket.socket(socket.AF_UNIX)": ("network", "unix"),
    "open('/srv/class/gradebook.db')": ("files", "asked for /srv/class/gradebook.db"),
    "import numpy; numpy.load('/srv/class/answers.npy')": ("files", "answers.npy"),
    "from pathlib import Path; Path('../bob/nb.ipynb').read_text()": ("files", "bob/nb.ipynb"),
    "open('/usr/planted', 'w')": ("files", "wanted to write /usr/planted"),
    "import autograder.exercises": ("modules", "autograder.exercises"),
    "import sys, types; sys.modules['json'] = types.ModuleType('json')": ("modules", "json"),
}

HONEST = """
import collections, contextlib, dataclasses, functools, inspect, io, json, logging, math, os
import pathlib, random, sys, tempfile, threading, time, typing, warnings
import matplotlib.pyplot as plt
import numpy as np
--
Point = collections.namedtuple("Point", "x y")
@dataclasses.dataclass
class Cell:
    size: int = 3
class Wrong(ValueError): pass
@functools.lru_cache
def square(x): return x * x
warnings.warn("mind the gap")
logging.getLogger("rnn").warning("a warning")
print(inspect.signature(square), inspect.getsource(square), square(3))
--
raise Wrong("a mistake")
--
with open("notes.txt", "w") as file: file.write("mine")
np.save("weights.npy", np.eye(3)); np.load("weights.npy")
print(os.listdir("."), pathlib.Path("notes.txt").read_text())
with tempfile.TemporaryDirectory() as there: pathlib.Path(there, "a").write_text("a")
with contextlib.suppress(FileNotFoundError): open("data/that/is/at/home.csv")
--
plt.plot([1, 2, 3]); plt.show()
--
%timeit -n 1 -r 1 square(2)
--
!ls
--
%matplotlib inline
np.set_printoptions(precision=3)
np.float = float
--
with contextlib.redirect_stdout(io.StringIO()): print("quiet")
worker = threading.Thread(target=print, args=("hello",)); worker.start(); worker.join()
--
import traceback
try: int("three")
except ValueError: traceback.print_exc()
--
eval("1 + 1"); exec("x = 3")
"""


@pytest.mark.parametrize("source", REACHING)
def test_what_a_cell_reaches_for_is_told(source: str, run: Callable[..., driver.Run]) -> None:
    kind, part = REACHING[source]
    result = run(driver.NUMPY, "import numpy as np", source, "0")
    assert result.account is not None
    told = [one.detail for one in result.account.incidents if one.kind == kind]
    assert any(part in detail for detail in told), result.account.incidents


def test_what_honest_notebooks_do_is_not(run: Callable[..., driver.Run]) -> None:
    result = run(driver.NUMPY, *HONEST.strip().split("\n--\n"), "print('at the end')")
    assert result.texts[-1] == "at the end\n"
    assert result.account is not None
    assert result.account.incidents == ()


def test_what_was_told_cannot_be_taken_back(run: Callable[..., driver.Run]) -> None:
    result = run(
        driver.NUMPY,
        "import numpy as np\nkept = np.allclose\nnp.allclose = lambda *_: True",
        "np.allclose = kept",
        "0",
    )
    assert result.account is not None
    assert [one.kind for one in result.account.incidents] == ["machinery"]


def _words(text: bytes) -> list[int]:
    padded = text.ljust(40, b"\0")
    return [int.from_bytes(padded[at : at + 8], "little") for at in range(0, 40, 8)]


def test_a_sentence_travels_in_pieces_and_threads_do_not_mix() -> None:
    hearsay = ears.Hearsay()
    long = b"asked for /a/very/long/name/that/needs/two/calls"
    assert hearsay.hear(1, [2, *_words(long[:40])]) is None
    assert hearsay.hear(2, [1, *_words(b"peeked")]) == ("machinery", "peeked")
    assert hearsay.hear(1, [3, *_words(long[40:])]) == ("files", long.decode())


def test_tales_are_cut_cleaned_and_counted() -> None:
    hearsay = ears.Hearsay()
    assert hearsay.hear(1, [99, 0, 0, 0, 0, 0]) is None
    assert hearsay.hear(1, [1, *_words(b"\x1b[31mred\n\xff")]) == ("machinery", "?[31mred??")
    tales = [f"tale {number}".encode() for number in range(200)]
    told = {hearsay.hear(1, [1, *_words(tale)]) for tale in tales} - {None}
    assert 1 < len(told) < 30
    endless = ears.Hearsay()
    pieces = [endless.hear(1, [0, *_words(b"x" * 40)]) for _ in range(4)]
    assert pieces[-1] == ("machinery", "x" * 160)
