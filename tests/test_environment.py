"""One locked set of packages, however somebody installs the course."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_conda_users_get_the_lock_that_ci_installs() -> None:
    listed = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert re.findall(r"^ {6}- (-.*)$", listed, re.MULTILINE) == ["-r requirements.lock", "-e ."]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "install -q --disable-pip-version-check -r requirements.lock" in makefile
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_lock_pins_every_package_and_holds_no_address() -> None:
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .*)?", line), line
        assert "//" not in line


def test_the_readme_names_only_commands_that_the_makefile_has() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"\bmake ([a-z]+)\b", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert {"lab", "grade", "test"} <= set(named)
    for target in set(named):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
