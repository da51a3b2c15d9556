"""An ordinary nbgrader course, in which the attacks succeed: their controls.

Nothing of ours takes part: nbgrader's own preprocessors, an ordinary ipykernel, hidden tests that compare
with a reference in the kernel, as nbgrader's documentation shows them.

As a program it grades the submissions that it is told, one line of JSON each. An attack may end the program;
then it is started again with what is left.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from tests.attacks.attack import EXERCISE, sleeping
from tests.attacks.collection import FAMILIES

NAME = "attacked"
REPOSITORY = Path(__file__).resolve().parents[2]

TESTS = {
    "check-concat_kernel": """
    ### BEGIN HIDDEN TESTS
    def _reference(Wx, Wh):
        return np.concatenate([Wx, Wh], axis=0)


    rng = np.random.default_rng(1)
    Wx, Wh = rng.normal(size=(3, 5)), rng.normal(size=(5, 5))
    assert np.allclose(concat_kernel(Wx, Wh), _reference(Wx, Wh))
    ### END HIDDEN TESTS
    """,
    "check-closely": """
    ### BEGIN HIDDEN TESTS
    from numpy.testing import assert_allclose

    assert_allclose(concat_kernel(Wx, Wh), _reference(Wx, Wh))
    ### END HIDDEN TESTS
    """,
    "check-shape": """
    ### BEGIN HIDDEN TESTS
    assert concat_kernel(Wx, Wh).shape == (8, 5)
    ### END HIDDEN TESTS
    """,
    "check-for-credit": """
    ### BEGIN HIDDEN TESTS
    right = sum(np.allclose(concat_kernel(Wx, a * Wh), _reference(Wx, a * Wh)) for a in (1, 2))
    ### END HIDDEN TESTS
    right / 2
    """,
}
WITH_FEEDBACK = frozenset(attack.name for attack in FAMILIES["scripts in feedback"])
RIGHT = "def concat_kernel(Wx, Wh):\n    return np.concatenate([Wx, Wh], axis=0)"


@dataclass(frozen=True)
class Control:
    """What became of one submission there."""

    student: str
    graded: bool = False
    score: float = 0.0
    log: str = ""
    scripts: bool = False
    killed: bool = False
    left: int = 0
    megabytes: float = 0.0
    seconds: float = 0.0


def make_course(root: Path) -> Path:
    """The course with its assignment, released. Returns the released notebook."""
    source = root / "source" / NAME / f"{NAME}.ipynb"
    source.parent.mkdir(parents=True)
    nbformat.write(_source(), source)
    (root / "nbgrader_config.py").write_text("c = get_config()\n")
    done = subprocess.run(
        [sys.executable, "-m", "tests.attacks.stock", str(root), "--release"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        env=_environment(root),
    )
    release = root / "release" / NAME / f"{NAME}.ipynb"
    assert release.is_file(), done.stdout + done.stderr
    return release


def _source() -> nbformat.NotebookNode:
    def marked(text: str, grade_id: str, **marks: Any) -> nbformat.NotebookNode:
        lines = [line.removeprefix("    ") for line in text.strip("\n").splitlines()]
        cell = new_code_cell("\n".join(lines).rstrip(), id=grade_id)
        cell.metadata.nbgrader = {
            **{"schema_version": 3, "grade_id": grade_id, "grade": False, "solution": False},
            **{"locked": False, "task": False, **marks},
        }
        return cell

    given = "def concat_kernel(Wx, Wh):\n    ### BEGIN SOLUTION\n    ### END SOLUTION"
    solution = marked("", EXERCISE, solution=True)
    solution.source = given
    cells = [new_code_cell("import numpy as np", id="imports"), solution]
    cells += [marked(t, name, grade=True, locked=True, points=1.0) for name, t in TESTS.items()]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def grade(root: Path, students: Sequence[str]) -> dict[str, Control]:
    """Grade everybody, whatever it takes."""
    found: dict[str, Control] = {}
    waiting = list(students)
    while waiting:
        with subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.stock", str(root), *waiting],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=_environment(root),
            start_new_session=True,
        ) as program:
            assert program.stdout is not None
            for line in program.stdout:
                control = Control(**json.loads(line))
                found[control.student] = control
                waiting.remove(control.student)
        if waiting:
            assert program.returncode, "the program ended and said nothing"
            victim = waiting.pop(0)
            found[victim] = Control(victim, killed=True)
    return found


def _environment(root: Path) -> dict[str, str]:
    home = root.parent / "home"
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("UNROLLED_")}
    return {
        **kept,
        "HOME": str(home),
        "IPYTHONDIR": str(home / ".ipython"),
        "JUPYTER_NO_CONFIG": "1",
        "A_SECRET_OF_THE_GRADER": "secret",
        "PYTHONPATH": str(REPOSITORY),
    }


# ---- the program


def main(root: Path, students: Sequence[str]) -> None:
    """Release the assignment, or grade these students."""
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    if students[0] == "--release":
        print(api.generate_assignment(NAME))
        return
    for student in students:
        print(json.dumps(vars(_grade(api, root, student))), flush=True)


def _grade(api: Any, root: Path, student: str) -> Control:
    started = time.monotonic()
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        outcome = api.autograde(NAME, student)
        html = ""
        if outcome["success"] and student in WITH_FEEDBACK:
            api.generate_feedback(NAME, student)
            pages = (root / "feedback" / student / NAME).glob("*.html")
            html = "".join(path.read_text(encoding="utf-8") for path in pages)
    left = sleeping(str(root.parent / "evidence"), student)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return Control(
        student,
        graded=bool(outcome["success"]),
        score=_score(api, student) if outcome["success"] else 0.0,
        log=str(outcome.get("log"))[-1500:],
        scripts=runs_or_loads(html, f"mark-{student}"),
        megabytes=sum(path.stat().st_size for path in _autograded(root, student)) / 1e6,
        left=len(left),
        seconds=round(time.monotonic() - started, 2),
    )


def _autograded(root: Path, student: str) -> list[Path]:
    return [*(root / "autograded" / student).rglob("*.ipynb")]


def _score(api: Any, student: str) -> float:
    with api.gradebook as gradebook:
        return float(gradebook.find_submission(NAME, student).score)


class _Live(HTMLParser):
    """Finds a mark where a browser would run or load it."""

    def __init__(self, mark: str) -> None:
        super().__init__(convert_charrefs=True)
        self.mark, self.found, self._inside = mark, False, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag if tag in ("script", "style") else ""
        for name, value in attrs:
            runs = name.startswith("on") or name in ("srcdoc", "action", "formaction")
            loads = name in ("href", "src") and str(value).strip().startswith("javascript:")
            turns = tag == "meta" and name == "content"
            if self.mark in str(value) and (runs or loads or turns):
                self.found = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside and self.mark in data:
            self.found = True


def runs_or_loads(html: str, mark: str) -> bool:
    """Whether a page runs or loads something that holds ``mark``."""
    parser = _Live(mark)
    parser.feed(html)
    return parser.found


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
