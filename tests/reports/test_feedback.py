"""Feedback: what a student gets to read, whatever somebody handed in, by each road that makes it."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.exercises import assignments
from tests.examples.classroom import SEED, SUBMITTED, Graded, environment, grade, new_course

pytestmark = pytest.mark.slow
NAME = "01_unrolling_by_hand"
SCRIPTS = """
from IPython.display import HTML, Javascript, Markdown, SVG, display
display(HTML("<script>document.title = 'owned'</script><img src=x onerror=alert(1)>"))
display(Javascript("alert(1)"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>"))
display(Markdown("<script>alert(1)</script>"))
print("</pre><script>alert(1)</script>")
raise ValueError("</pre><script>alert(1)</script>")
"""


class Tags(HTMLParser):
    """What elements, attributes and addresses a page has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attributes}
        self.addresses |= {str(v) for name, v in attributes if name in ("src", "href", "action")}


def hostile_copy(source: Path, target: Path) -> None:
    notebook = nbformat.read(source, as_version=4)
    cells = notebook.cells
    cells.append(nbformat.v4.new_code_cell(SCRIPTS))
    cells.append(nbformat.v4.new_code_cell("x = '</code></pre><script>alert(1)</script>'"))
    cells.append(nbformat.v4.new_markdown_cell("<script>alert(1)</script>"))
    notebook.metadata.title = "<script>alert(1)</script>"
    target.parent.mkdir(parents=True)
    nbformat.write(notebook, target)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """Five submissions to one notebook, graded by the real command; one of them hostile."""
    folder = tmp_path_factory.mktemp("feedback")
    students = folder / "students"
    for student in ("amara", "hiroshi", "fatima", "sione"):
        target = students / student / NAME / f"{NAME}.ipynb"
        target.parent.mkdir(parents=True)
        target.write_bytes((SUBMITTED / student / NAME / f"{NAME}.ipynb").read_bytes())
    hostile_copy(
        SUBMITTED / "hiroshi" / NAME / f"{NAME}.ipynb",
        students / "<img src=x>" / NAME / f"{NAME}.ipynb",
    )
    (students / "tomasz" / NAME).mkdir(parents=True)
    return grade(new_course(folder / "course"), students, "--seed", str(SEED))


def run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def pages(graded: Graded) -> dict[str, str]:
    """The pages that `course feedback` makes, by student."""
    done = run(graded.root, "autograder.cli", "feedback")
    assert done.returncode == 0, done.stderr
    assert "6 pages" in done.stdout
    found = sorted((graded.root / "feedback").glob(f"*/{NAME}/{NAME}.html"))
    return {path.parents[1].name: path.read_text(encoding="utf-8") for path in found}


def test_every_submission_has_a_page_also_one_without_a_notebook(pages: dict[str, str]) -> None:
    assert sorted(pages) == ["<img src=x>", "amara", "fatima", "hiroshi", "sione", "tomasz"]
    assert "could not be graded: the folder holds no" in pages["tomasz"]
    assert "could not be graded: the file is no notebook" in pages["sione"]


def test_a_page_says_what_each_exercise_earned_and_why(
    graded: Graded, pages: dict[str, str]
) -> None:
    result = graded.submissions[f"hiroshi/{NAME}"]
    page = pages["hiroshi"]
    assert f"<strong>{result['score']:g}</strong> of {result['max_score']:g} points" in page
    for item in result["exercises"]:
        assert f'id="check-{item["id"]}"' in page
        assert f"{item['id']}: {item['score']:g} of {item['max_score']:g} points" in page
    assert "Hint 3, the mistake by name" in page
    assert '<span class="nf">rnn_step</span>' in page  # the student's own code


def test_a_difference_of_arrays_is_a_picture_that_words_describe(pages: dict[str, str]) -> None:
    assert 'src="data:image/svg+xml;base64,' in pages["hiroshi"]
    assert "shown differ." in pages["hiroshi"]
    assert "data:image/svg" not in pages["amara"]


def test_no_page_holds_anything_that_a_browser_could_run_or_load(pages: dict[str, str]) -> None:
    for page in pages.values():
        tags = Tags(page)
        assert not tags.elements & {"script", "iframe", "object", "embed", "link", "form", "base"}
        assert not any(name.startswith("on") for name in tags.attributes)
        assert all(a.startswith(("data:image/", "#", "https://")) for a in tags.addresses)
        assert "default-src 'none'" in page
    hostile = pages["<img src=x>"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in hostile
    assert "Feedback for <strong>&lt;img src=x&gt;</strong>" in hostile


def test_the_hostile_outputs_are_told_and_are_not_kept_for_formgrader(graded: Graded) -> None:
    kinds = {seen["kind"] for seen in graded.submissions[f"<img src=x>/{NAME}"]["incidents"]}
    assert "active-content" in kinds
    path = graded.root / "autograded" / "<img src=x>" / NAME / f"{NAME}.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        if "grade_id" in cell.metadata.get("nbgrader", {}):
            continue
        for output in cell.get("outputs", []):
            assert set(output.get("data", {})) <= {"text/plain", "image/png", "image/jpeg"}


def test_no_page_shows_a_reference_or_the_inputs_of_a_check(pages: dict[str, str]) -> None:
    definitions = Path(__file__).parents[2] / "autograder" / "exercises" / f"n{NAME}.py"
    lines = {line.strip() for line in definitions.read_text(encoding="utf-8").splitlines()}
    hints = {
        text
        for exercise in assignments()[NAME]
        for known in exercise.misconceptions
        for text in (known.nudge, known.pointer, known.explanation)
    }
    telling = {line for line in lines if len(line) > 30 and not any(line in h for h in hints)}
    shown = pages["fatima"]
    assert [
        line for line in telling if line.startswith(("return", "lambda")) and line in shown
    ] == []


def test_stock_nbgrader_makes_the_same_pages(graded: Graded, pages: dict[str, str]) -> None:
    path = graded.root / "feedback" / "hiroshi" / NAME / f"{NAME}.html"
    path.unlink()
    done = run(
        graded.root, "nbgrader", "generate_feedback", NAME, "--student", "hiroshi", "--force"
    )
    assert done.returncode == 0, done.stderr
    assert path.read_text(encoding="utf-8") == pages["hiroshi"]


def test_points_and_comments_by_hand_and_a_late_penalty_are_on_the_page(
    graded: Graded, pages: dict[str, str]
) -> None:
    with Gradebook(graded.url, "unrolled") as gradebook:
        gradebook.find_grade("check-rnn_step", NAME, NAME, "hiroshi").manual_score = 3.25
        comment = gradebook.find_comment("rnn_step", NAME, NAME, "hiroshi")
        comment.manual_comment = "Well argued <b>in the text</b>."
        notebook = gradebook.find_submission_notebook(NAME, NAME, "hiroshi")
        notebook.late_submission_penalty = 2.0
        gradebook.db.commit()
    done = run(graded.root, "autograder.cli", "feedback", "--assignment", NAME)
    assert done.returncode == 0, done.stderr
    page = (graded.root / "feedback" / "hiroshi" / NAME / f"{NAME}.html").read_text(
        encoding="utf-8"
    )
    assert "Well argued &lt;b&gt;in the text&lt;/b&gt;." in page
    assert "set the points by hand: 3.25 of" in page
    assert "2 points are taken off" in page
    assert page != pages["hiroshi"]


def test_before_anything_is_graded_a_sentence_says_what_to_do(tmp_path: Path) -> None:
    root = new_course(tmp_path / "course")
    done = run(root, "autograder.cli", "feedback")
    assert done.returncode == 2
    assert done.stderr.strip() == "course feedback: nothing has been graded yet. Run: course grade"
    done = run(root, "autograder.cli", "feedback", "--assignment", "01_nothing")
    assert done.returncode == 2
    assert "there is no assignment '01_nothing'" in done.stderr


def test_pictures_survive_the_json_of_a_run(graded: Graded) -> None:
    def pictures(submission: dict[str, Any]) -> list[Any]:
        return [item["picture"] for item in submission["exercises"] if item["picture"]]

    assert pictures(graded.submissions[f"hiroshi/{NAME}"])
    assert not pictures(graded.submissions[f"amara/{NAME}"])
    json.dumps(graded.written, allow_nan=False)
