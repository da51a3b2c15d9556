"""The README's table, from the collection: ``python -m tests.attacks.table`` writes it."""

from __future__ import annotations

from pathlib import Path

from tests.attacks.attack import PROOFS
from tests.attacks.collection import FAMILIES

README = Path(__file__).parent / "README.md"
START, END = "<!-- table -->", "<!-- end of the table -->"


def table() -> str:
    """One row an attack."""
    lines = [
        "| family | attack | what it does | where nothing stops it | named here |",
        "|---|---|---|---|---|",
    ]
    for family, several in FAMILIES.items():
        for attack in several:
            named = ", ".join(dict.fromkeys(f"`{kind}`" for kind, _ in attack.named))
            cells = (family, f"`{attack.name}`", attack.tries, PROOFS[attack.proof], named)
            lines.append("| " + " | ".join(cells) + " |")
            family = ""
    return "\n".join(lines)


def write() -> None:
    """Put the table where it belongs."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{START}\n{table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write()
