"""The pages for people: every link leads somewhere, and every picture says what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "examples" / "README.md"])
LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<to>[^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """What a link into a page may name, as code hosts derive it from headings."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE):
        found.add(re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere_and_pictures_are_described(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in LINK.finditer(text):
        if link["picture"]:
            assert len(link["text"]) > 30, link["to"]
        if link["to"].startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = link["to"].partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link["to"]
        if anchor:
            assert anchor in anchors(target), link["to"]
