"""What a student's cells showed, made harmless before anybody's browser opens it.

Instructors look at graded notebooks in formgrader, students at their feedback; both are web pages. So of
every output only text and pixel pictures are kept, put together anew field by field. HTML, SVG, JavaScript and
widgets are dropped; what stands in their place is the text that every such output carries beside it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

_SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def harmless(output: NotebookNode) -> NotebookNode | None:
    """``output`` with nothing in it that a browser could run; ``None`` when nothing is left."""
    match output.get("output_type"):
        case "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            return new_output("stream", name=name, text=_text(output.get("text")))
        case "error":
            lines = output.get("traceback")
            return new_output(
                "error",
                ename=_text(output.get("ename"))[:200],
                evalue=_text(output.get("evalue")),
                traceback=[_text(line) for line in lines] if isinstance(lines, list) else [],
            )
        case "display_data" | "execute_result" as kind:
            shown = dict(_kept(output.get("data")))
            if not shown:
                return None
            count = {"execution_count": None} if kind == "execute_result" else {}
            return new_output(kind, data=shown, **count)
    return None


def _kept(data: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(data, dict):
        return
    for kind, content in data.items():
        if kind == "text/plain":
            yield kind, _text(content)
        elif kind in _SIGNATURES and _is_picture(kind, content):
            yield kind, content


def _is_picture(kind: str, content: Any) -> bool:
    if not isinstance(content, str):
        return False
    try:
        start = base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return start.startswith(_SIGNATURES[kind])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def clean(notebook: NotebookNode) -> None:
    """Make every output in ``notebook`` harmless."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            kept = [harmless(output) for output in cell.get("outputs", [])]
            cell.outputs = [output for output in kept if output is not None]
