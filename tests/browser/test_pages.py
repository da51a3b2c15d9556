"""What students and instructors look at: readable by everybody, and deaf to a submission's scripts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import TOKEN, Serve
from tests.examples.classroom import SUBMITTED, environment, new_course

pytestmark = pytest.mark.slow
NAME = "01_unrolling_by_hand"
SCRIPT = """
from IPython.display import HTML, Javascript, display
display(HTML("<script>window.owned = true; document.title = 'owned'</script>"
             "<img src=x onerror='window.owned = true'>"))
display(Javascript("window.owned = true"))
print("</pre><script>window.owned = true</script>")
"""
HOSTILE = "eve"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small class, graded, with feedback and report; eve's notebook is full of scripts."""
    folder = tmp_path_factory.mktemp("pages")
    root = new_course(folder / "course")
    for student in ("amara", "hiroshi", "jamal", HOSTILE):
        target = root / "submitted" / student / NAME / f"{NAME}.ipynb"
        target.parent.mkdir(parents=True)
        source = SUBMITTED / ("hiroshi" if student == HOSTILE else student) / NAME / f"{NAME}.ipynb"
        notebook = nbformat.read(source, as_version=4)
        if student == HOSTILE:
            notebook.cells.append(nbformat.v4.new_code_cell(SCRIPT))
            notebook.cells.append(
                nbformat.v4.new_markdown_cell("<script>window.owned = true</script>")
            )
        nbformat.write(notebook, target)
    for command in (["grade"], ["feedback"], ["report"]):
        done = subprocess.run(
            [sys.executable, "-m", "autograder.cli", *command],
            cwd=root,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return root


def pages(course: Path) -> dict[str, Path]:
    found = {path.parents[1].name: path for path in (course / "feedback").glob("*/*/*.html")}
    return {**found, "report": course / "report.html"}


@pytest.mark.parametrize("name", ["amara", "hiroshi", HOSTILE, "report"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_is_accessible_fits_the_screen_and_runs_no_script(
    page: Page, course: Path, name: str, width: int
) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(pages(course)[name].as_uri())
    assert page.evaluate("window.owned") is None
    assert "owned" not in page.title()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for summary in page.locator("summary").all()[:40]:
        summary.click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert said == []


def test_the_feedback_of_a_wrong_answer_shows_the_difference_and_the_hints(
    page: Page, course: Path
) -> None:
    page.goto(pages(course)["hiroshi"].as_uri())
    result = page.get_by_role("region", name="Result of rnn_step", exact=True)
    expect(result.locator("img")).to_be_visible()
    assert "differ." in (result.locator("img").get_attribute("alt") or "")
    hint = result.get_by_text("Hint 3, the mistake by name")
    hint.click()
    expect(result.locator("details").last.locator("p")).to_be_visible()


def test_formgrader_shows_the_grades_and_a_hostile_submission_runs_nothing(
    page: Page, course: Path, serve: Serve
) -> None:
    address = serve(course, "jupyterlab")
    page.goto(f"{address}/lab?token={TOKEN}")  # signs in
    page.goto(f"{address}/formgrader/manage_submissions/{NAME}")
    for student in ("amara", "hiroshi", "jamal", HOSTILE):
        expect(page.get_by_text(student, exact=True).first).to_be_visible()
    expect(page.get_by_text("22 / 22").first).to_be_visible()
    page.goto(f"{address}/formgrader/gradebook/{NAME}/{NAME}")
    links = page.locator("td a[href*='/formgrader/submissions/']")
    expect(links.first).to_be_visible()
    for href in [link.get_attribute("href") for link in links.all()]:
        page.goto(f"{address}{href}")
        page.wait_for_load_state()
        assert page.evaluate("window.owned") is None
