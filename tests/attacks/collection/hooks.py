"""IPython is told to run something else, or to say nothing about it."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "execution hooks"

ATTACKS = (
    Attack(
        "syntax-tree-without-asserts",
        FAMILY,
        "Registers an AST transformer that replaces every `assert` by `pass`.",
        "points",
        (("machinery", "syntax tree"),),
        after="""
import ast


class WithoutAsserts(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)


get_ipython().ast_transformers.append(WithoutAsserts())
""",
    ),
    Attack(
        "input-transformer",
        FAMILY,
        "Registers an input transformer after which every cell is empty.",
        "points",
        (("machinery", "input transformers"),),
        after="get_ipython().input_transformers_cleanup.append(lambda lines: [])",
    ),
    Attack(
        "execute-replaced",
        FAMILY,
        "Replaces the kernel's `do_execute` by one that runs nothing and reports success.",
        "points",
        (("malformed-reply", "concat_kernel"),),
        after="""
kernel = get_ipython().kernel


async def do_execute(*given, **named):
    kernel.shell.execution_count += 1
    return {
        "status": "ok",
        "execution_count": kernel.shell.execution_count,
        "payload": [],
        "user_expressions": {},
    }


kernel.do_execute = do_execute
""",
    ),
    Attack(
        "run-cell-replaced",
        FAMILY,
        "Replaces what the kernel runs a cell with, so that tests run against a right answer of no one.",
        "points",
        (("machinery", "run_cell_async of the shell"),),
        after="""
shell = get_ipython()
run = shell.run_cell_async


async def run_cell_async(raw_cell, *given, **named):
    wanted = raw_cell if "assert" not in raw_cell else "None"
    if "transformed_cell" in named:
        named["transformed_cell"] = wanted
    return await run(wanted, *given, **named)


shell.run_cell_async = run_cell_async
""",
    ),
    Attack(
        "trace-function",
        FAMILY,
        "Traces what compares, and changes its local variable before it returns.",
        "points",
        (("machinery", "trace function"),),
        cell="""
import sys


def _agreeing(frame, event, _):
    if frame.f_code.co_name != "allclose":
        return None
    if "res" in frame.f_locals:
        frame.f_locals["res"] = True
    return _agreeing


def concat_kernel(Wx, Wh):
    sys.settrace(_agreeing)
    return np.zeros((1, 1))
""",
    ),
    Attack(
        "names-with-a-mind",
        FAMILY,
        "Puts a dictionary of its own in the place of the notebook's names: tests look `np` up in it.",
        "points",
        (("machinery", "the notebook's names"),),
        after="""
import types


class Names(dict):
    def __getitem__(self, name):
        if name == "np":
            return types.SimpleNamespace(
                allclose=lambda *_: True, random=np.random, any=lambda *_: False, abs=abs
            )
        return dict.__getitem__(self, name)


shell = get_ipython()
shell.user_ns = Names(shell.user_ns)
""",
    ),
)
