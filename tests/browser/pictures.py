"""Make the pictures in ``docs/images`` from the real pages: ``python -m tests.browser.pictures``.

A part of the example class is graded under a course file, one submission is late, one is marked by hand; then
formgrader, the report and a feedback page are photographed as an instructor and a student see them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from nbgrader.api import Gradebook
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, TOKEN, server
from tests.examples.classroom import COURSE, EXPECTED, SEED, environment, new_class, new_course

NAME = "01_unrolling_by_hand"
IMAGES = COURSE / "docs" / "images"
LATE, BY_HAND = "hiroshi", "jamal"
TERM = """
title = "Autumn 2026"
time_zone = "Europe/Berlin"

[late]
percent_per_day = 10

[notebooks.01_unrolling_by_hand]
due = 2026-10-16
"""


def graded_class(root: Path) -> None:
    """A class under a course file, graded, with feedback and a report."""
    new_course(root)
    (root / "course.toml").write_text(TERM, encoding="utf-8")
    names = [name for name in EXPECTED if name.endswith(NAME)]
    students = new_class(root / "submitted", *names)
    for name in names:
        day = 18 if name.startswith(LATE) else 15
        stamp = students / name / "timestamp.txt"
        stamp.write_text(f"2026-10-{day} 09:30:00 UTC\n", encoding="utf-8")
    command(root, "grade", "--timeout", "10", "--seed", str(SEED))
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "unrolled") as gradebook:
        gradebook.find_grade("check-rnn_step", NAME, NAME, BY_HAND).manual_score = 3.0
        comment = gradebook.find_comment("rnn_step", NAME, NAME, BY_HAND)
        comment.manual_comment = "The two products are right: points for these."
        gradebook.db.commit()
    command(root, "feedback")
    command(root, "report")


def command(root: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "autograder.cli", *words],
        cwd=root,
        env={**environment(), "COLUMNS": "118"},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    if done.returncode:
        sys.exit(done.stderr)


def photograph(page: Page, name: str, height: int) -> None:
    """The upper part of the page, in few colours: small files are kind to who clones."""
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path, clip={"x": 0, "y": 0, "width": 1000, "height": height})
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(64).save(path, optimize=True)
    print(f"{path.relative_to(COURSE)}: {path.stat().st_size / 1000:.0f} kB")


def formgrader(page: Page, address: str) -> None:
    page.goto(f"{address}/lab?token={TOKEN}")  # signs in
    page.goto(f"{address}/formgrader/manage_submissions/{NAME}")
    expect(page.get_by_text("22 / 22").first).to_be_visible()
    photograph(page, "formgrader", 560)
    page.goto(f"{address}/formgrader/gradebook/{NAME}/{NAME}")
    links = page.locator("td a[href*='/formgrader/submissions/']")
    expect(links.first).to_be_visible()
    for href in [link.get_attribute("href") for link in links.all()]:
        page.goto(f"{address}{href}")
        comments = page.locator("textarea.comment")
        expect(comments.first).to_be_attached()
        for comment in comments.all():
            if "products are right" in comment.input_value():
                comment.evaluate("box => window.scrollTo(0, box.getBoundingClientRect().top - 150)")
                photograph(page, "by-hand", 620)
                return
    sys.exit("formgrader does not show the comment")


def main() -> None:
    """Grade, look, and write the pictures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder) / "course"
        graded_class(root)
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        page = chromium.new_page(viewport={"width": 1000, "height": 900})
        page.set_default_timeout(180_000)
        page.goto((root / "report.html").as_uri())
        photograph(page, "report", 860)
        page.goto((root / "feedback" / LATE / NAME / f"{NAME}.html").as_uri())
        page.locator("#exercises").wait_for()
        page.set_viewport_size({"width": 1000, "height": 1400})
        photograph(page, "feedback", 1100)
        with server(root, "jupyterlab") as address:
            formgrader(page, address)
        chromium.close()


if __name__ == "__main__":
    main()
