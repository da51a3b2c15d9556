"""The mutation itself: every mutant is a program, differs from the original, and says how."""

from __future__ import annotations

import ast

import pytest

from tests.audit.mutants import mutants

STEP = '''
def rnn_step(x, h, Wx, Wh, b):
    """One step."""
    total = x @ Wx + h @ Wh
    total += b
    return np.tanh(total), h
'''


def kinds(source: str) -> set[str]:
    return {mutant.kind for mutant in mutants(source)}


def test_each_mutant_compiles_and_differs_from_the_original_and_the_others() -> None:
    found = mutants(STEP)
    texts = [mutant.source for mutant in found]
    assert len(set(texts)) == len(texts)
    assert ast.unparse(ast.parse(STEP)) not in texts
    for text in texts:
        compile(text, "<mutant>", "exec")
    names = [mutant.name for mutant in found]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("y = a - b", "operator"),
        ("y = a @ b", "operator"),
        ("y = a @ b", "operands exchanged"),
        ("y = a[:, 0]", "index moved"),
        ("y = a < b", "comparison"),
        ("y = -a", "sign dropped"),
        ("y = 3", "constant"),
        ("y = 0.5", "constant"),
        ("y = f(a, axis=1)", "argument dropped"),
        ("y = f(a, b)", "arguments exchanged"),
        ("y = a.T", "transpose dropped"),
        ("y = np.tanh(a)", "function exchanged"),
        ("y = np.tanh(a)", "call dropped"),
        ("for t in range(T):\n    y += t", "off by one"),
        ("y += 1", "overwritten, not added"),
        ("y += 1", "statement deleted"),
        ("if a:\n    y = 1", "condition turned"),
        ("def f():\n    return a, b", "returns exchanged"),
        ("def f():\n    return a, b", "returns one twice"),
        ("def f(x):\n    return x + 1", "input overwritten"),
        ("x = x + y", "changed in place"),
        ("h, c = cell(x)", "unpacked the other way"),
    ],
)
def test_every_kind_of_change_is_made(source: str, kind: str) -> None:
    assert kind in kinds(source)


def test_an_input_is_overwritten_after_the_result_was_computed() -> None:
    import numpy as np

    (mutant,) = (m for m in mutants("def f(x):\n    return x + 1") if m.kind == "input overwritten")
    namespace: dict[str, object] = {}
    exec(mutant.source, namespace)
    x = np.ones(3)
    assert namespace["f"](x).tolist() == [2, 2, 2]  # type: ignore[operator]
    assert x.tolist() == [0, 0, 0]


def test_docstrings_imports_and_definitions_are_left_alone() -> None:
    source = 'import os\ndef f():\n    """Text."""\n    return 1'
    assert not [m for m in mutants(source) if m.kind == "statement deleted" and "Text" in m.change]
    assert all("import os" in m.source for m in mutants(source))


def test_an_input_whose_name_got_another_value_is_overwritten_all_the_same() -> None:
    import numpy as np

    source = "def f(x):\n    x = x + 1\n    return x"
    (mutant,) = (m for m in mutants(source) if m.kind == "input overwritten")
    namespace: dict[str, object] = {}
    exec(mutant.source, namespace)
    x = np.ones(3)
    assert namespace["f"](x).tolist() == [2, 2, 2]  # type: ignore[operator]
    assert x.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("source", "change"),
    [
        ("y = np.stack(a, axis=0)", "np.stack(a)"),
        ("y = np.linalg.lstsq(a, b, rcond=None)", "np.linalg.lstsq(a, b)"),
        ("y = np.maximum(a, 0)", "np.maximum(0, a)"),
        ("y = np.asarray(a)", "→ `a`"),
        ("a, b = 0, 0", "b, a = "),
        ("y = np.stack([a, b])", "→ `[a, b]`"),
        ("y = min(a, b)", "min(b, a)"),
        ("y = a > 1e-9", "a >= 1e-09"),
        ("y = a - 1e9", "1000000000.0 →"),
        ("rng = np.random.default_rng(14)", "`14` → "),
        ("a, b = pair\ny = np.allclose(a, b)", "b, a = "),
        ("y = tuple(a)", "→ `a`"),
        ("y = zip(a, b, strict=True)", "`zip(a, b)`"),
        ("y = (a - b) ** 2", "`b - a`"),
        ("y = a.reshape(-1, 4)", "→ `2`"),
        ("raise ValueError('no')", "→ `'no'`"),
        ("x = np.asarray(x)\ny = x", "`x = np.asarray(x)`"),
        ("for t in range(0, T):\n    y += t", "→ `range(T)`"),
    ],
)
def test_what_changes_no_program_is_no_mutant(source: str, change: str) -> None:
    assert not [mutant.name for mutant in mutants(source) if change in mutant.name]


def test_the_heading_that_the_student_is_given_is_left_alone() -> None:
    source = "def f(x, h=3):\n    def g(y, k=5):\n        return y\n    return g(x, h)"
    changed = {mutant.change for mutant in mutants(source) if mutant.kind == "constant"}
    assert changed == {"`5` → `6`", "`5` → `4`"}
