"""Whatever a student's cell displays, a browser that opens it later runs nothing."""

from __future__ import annotations

import base64

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from autograder.notices import of_run
from autograder.outputs import clean, harmless

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()


def shown(**data: object) -> NotebookNode:
    return NotebookNode(
        new_output("display_data", data={k.replace("_", "/"): v for k, v in data.items()})
    )


def test_text_and_pixel_pictures_stay() -> None:
    kept = harmless(shown(text_plain="<Figure>", image_png=PIXEL))
    assert kept is not None
    assert kept.data == {"text/plain": "<Figure>", "image/png": PIXEL}


@pytest.mark.parametrize(
    "data",
    [
        {"text_html": "<b>bold</b>"},
        {"image_svg+xml": "<svg onload='alert(1)'/>"},
        {"application_javascript": "alert(1)"},
        {"text_latex": "\\href{javascript:alert(1)}{x}"},
        {"text_markdown": "[x](javascript:alert(1))"},
        {"application_vnd.jupyter.widget-view+json": {"model_id": "x"}},
        {"image_png": '"><script>alert(1)</script>'},
        {"image_png": base64.b64encode(b"<svg onload='alert(1)'/>").decode()},
        {"image_png": ["not", "text"]},
    ],
)
def test_everything_else_is_dropped(data: dict[str, object]) -> None:
    assert harmless(shown(**data)) is None
    kept = harmless(shown(text_plain="a table", **data))
    assert kept is not None
    assert kept.data == {"text/plain": "a table"}


def test_fields_of_an_output_that_are_not_what_they_should_be_are_put_right() -> None:
    stream = NotebookNode(output_type="stream", name='"><script>', text="hi", extra="<script>")
    assert harmless(stream) == {"output_type": "stream", "name": "stdout", "text": "hi"}
    error = NotebookNode(output_type="error", ename=3, evalue=None, traceback="<script>")
    assert harmless(error) == {"output_type": "error", "ename": "", "evalue": "", "traceback": []}
    assert harmless(NotebookNode(output_type="<script>")) is None


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ("<table><tr><td>1</td></tr></table>", False),
        ("<script>alert(1)</script>", True),
        ("<img src=x onerror=alert(1)>", True),
        ("<a href='javascript:alert(1)'>x</a>", True),
        ("<iframe src='//x'></iframe>", True),
        ("<meta http-equiv=refresh content=0>", True),
    ],
)
def test_an_output_that_could_run_something_is_told_and_a_plain_table_is_not(
    html: str, told: bool
) -> None:
    cell = new_code_cell("x", id="c", outputs=[shown(text_plain="x", text_html=html)])
    notebook = new_notebook(cells=[cell])
    assert [seen.kind for seen in of_run(notebook.cells)] == ["active-content"] * told
    clean(notebook)
    assert notebook.cells[0].outputs[0].data == {"text/plain": "x"}
