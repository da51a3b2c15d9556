"""A student in JupyterLab: the course opens, a wrong answer shows its hint, the right one passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from autograder.kernels import install_kernelspecs
from tests.browser.conftest import TOKEN, Serve
from tests.examples.classroom import new_course

pytestmark = pytest.mark.slow
NAME = "01_unrolling_by_hand"
WRONG = "def rnn_step(x, h, Wx, Wh, b):\n    return np.tanh(x @ Wx + h @ Wh.T + b)"
RIGHT = WRONG.replace("Wh.T", "Wh")

RUN = """async ([grade_id, source]) => {
  const content = window.jupyterapp.shell.currentWidget.content;
  const place = content.widgets.findIndex(
    (w) => (w.model.getMetadata("nbgrader") || {}).grade_id === grade_id);
  content.activeCellIndex = place;
  if (source) content.widgets[place].model.sharedModel.setSource(source);
  await window.jupyterapp.commands.execute("notebook:run-cell");
}"""


OPEN = """path => {
  const shown = window.jupyterapp?.shell.currentWidget;  // at first another one, of last time
  return shown?.context?.path === path && shown.context.isReady
    && shown.sessionContext?.session?.kernel?.status === "idle";
}"""


def run_cell(page: Page, grade_id: str, source: str = "") -> None:
    page.evaluate(RUN, [grade_id, source])


def open_notebook(page: Page, address: str, path: str) -> None:
    page.goto(f"{address}/lab/tree/{path}?token={TOKEN}")
    page.wait_for_function(OPEN, arg=path)


def test_a_student_opens_the_course_and_solves_an_exercise(
    page: Page, serve: Serve, tmp_path: Path
) -> None:
    root = new_course(tmp_path / "course")
    address = serve(root, "autograder.cli", "lab", "--")
    page.goto(f"{address}/lab/tree/index.ipynb?token={TOKEN}")
    expect(page.get_by_role("heading", name="Unrolled: recurrent networks")).to_be_visible()
    expect(page.get_by_text("0 of ", exact=False).first).to_be_visible()

    install_kernelspecs()
    kernels = page.request.get(f"{address}/api/kernelspecs?token={TOKEN}").json()
    assert list(kernels["kernelspecs"]) == ["python3"]  # not those that submissions are graded in

    open_notebook(page, address, f"{NAME}/{NAME}.ipynb")
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    expect(page.get_by_text("✗ recover_wx: 0 of", exact=False)).to_be_attached()

    run_cell(page, "rnn_step", WRONG)
    run_cell(page, "check-rnn_step")
    card = page.get_by_role("status").filter(has_text="✗ rnn_step:")
    expect(card).to_be_attached()
    card.scroll_into_view_if_needed()
    card.get_by_text("Hint 3, the mistake by name").click()
    expect(card.get_by_text("transpose", exact=False).last).to_be_visible()
    assert "differ." in (card.get_by_role("img").last.get_attribute("alt") or "")

    run_cell(page, "rnn_step", RIGHT)
    run_cell(page, "check-rnn_step")
    expect(page.get_by_text("✓ rnn_step: 4 of 4 points").last).to_be_attached()
    record = root / "work" / ".course" / "progress.json"
    solved = json.loads(record.read_text(encoding="utf-8"))["exercises"]
    assert solved["rnn_step"]["passed"]
