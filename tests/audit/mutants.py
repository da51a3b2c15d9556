"""Systematic small changes to a right answer, each of which should make it wrong.

A mutant is one change at one place of a solution's source: an operator, a constant, an argument, an
activation, a transpose, a statement, what is returned, an input that is overwritten. It is described by what
that place was and what it became, so that a list of equivalent ones stays readable and stays valid while
other lines change.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.Pow: (ast.Mult,),
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt,),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt,),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
EXCHANGED = {
    "tanh": ("sin", "arctan"),
    "arctanh": ("arctan",),
    "exp": ("sinh",),
    "log": ("log1p",),
    "sigmoid": ("tanh",),
    "relu": ("tanh",),
    "softmax": ("tanh",),
    "zeros": ("ones",),
    "zeros_like": ("ones_like",),
    "ones": ("zeros",),
    "sum": ("mean",),
    "mean": ("sum",),
    "reduce_sum": ("reduce_mean",),
    "reduce_mean": ("reduce_sum",),
    "max": ("min",),
    "minimum": ("maximum",),
    "maximum": ("minimum",),
    "min": ("max",),
    "argmax": ("argmin",),
    "stack": ("concatenate", "concat"),
    "floor": ("ceil",),
}
"""Functions and what they are mistaken for. A name that the module lacks makes an easy mutant: it raises."""
DEFAULTS = {
    "concatenate": ("axis=0",),
    "stack": ("axis=0",),
    "unstack": ("axis=0",),
    "split": ("axis=0",),
    "enumerate": ("start=0",),
    "lstsq": ("rcond=None",),
    "softmax": ("axis=-1",),
    "log_softmax": ("axis=-1",),
    "TensorSpec": ("tf.float32", "dtype=tf.float32"),
    "zeros": ("tf.float32", "dtype=tf.float32", "dtype=np.float64", "dtype=float", "dtype=bool"),
    "ones": ("tf.float32", "dtype=tf.float32", "dtype=np.float64", "dtype=float"),
    "range": ("0",),
    "integers": ("0",),
    "reverse_sequence": ("batch_axis=0",),
}
"""Arguments that say what holds anyway: without them it is the same program."""
SYMMETRIC = frozenset({"maximum", "minimum", "add", "multiply", "allclose", "array_equal"})
_MIN_MAX = frozenset({"min", "max"})
"""Functions that do not care which argument comes first."""
CONVERSIONS = frozenset({"asarray", "convert_to_tensor"})
"""Calls that do nothing to an array: dropping one changes nothing where arrays are promised."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed source.

    Attributes:
        kind: of change: "operator", "constant", "dropped argument" ...
        change: "`old` → `new`", the smallest piece of source that shows it.
        source: the whole changed cell.
    """

    kind: str
    change: str
    source: str

    @property
    def name(self) -> str:
        """How lists call it."""
        return f"{self.kind}: {self.change}"


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a cell's source, each different from the source and from the others."""
    tree = ast.parse(source)
    original = ast.unparse(tree)
    seen, found = {original}, []
    given, squared, alike = _given(tree), _squared(tree), _alike(tree)
    numbered: dict[str, int] = {}
    for place, node in enumerate(ast.walk(tree)):
        if place in given:
            continue
        for kind, change, label in _changes(node):
            if (kind == "operands exchanged" and place in squared) or (
                kind == "unpacked the other way" and place in alike
            ):
                continue
            mutated = copy.deepcopy(tree)
            target = next(n for i, n in enumerate(ast.walk(mutated)) if i == place)
            before = _shown(target)
            changed = change(target)
            ast.fix_missing_locations(mutated)
            try:
                text = ast.unparse(mutated)
                compile(text, "<mutant>", "exec")
            except (SyntaxError, ValueError):
                continue
            if text in seen:
                continue
            seen.add(text)
            name = label or f"`{before}` → `{_shown(changed)}`"
            numbered[kind + name] = numbered.get(kind + name, 0) + 1
            times = numbered[kind + name]
            found.append(Mutant(kind, name if times == 1 else f"{name} (place {times})", text))
    return found


def _given(tree: ast.Module) -> set[int]:
    """The places that stay as they are.

    The headings of the cell's own functions are given to the student, what an error says is free, every
    negative number means the same to ``reshape``, ``zip``'s strictness matters for no right input, and one
    seed is as good as another.
    """
    parts: list[ast.AST] = []
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() if node in tree.body:
                parts += [node.args, *filter(None, [node.returns])]
            case ast.Raise(exc=ast.AST() as error):
                parts.append(error)
            case ast.keyword(arg="strict", value=value):
                parts.append(value)
            case ast.Call(func=ast.Attribute(attr="default_rng"), args=[ast.Constant() as seed]):
                parts.append(seed)
            case ast.Call(func=ast.Attribute(attr="reshape")):
                rest = [part for part in ast.walk(node) if ast.unparse(part) == "-1"]
                parts += [part.operand for part in rest if isinstance(part, ast.UnaryOp)]
    return _places(tree, parts)


def _squared(tree: ast.Module) -> set[int]:
    """The places of differences whose sign does not matter: squared, or made positive."""
    parts: list[ast.AST] = []
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(left=inner, op=ast.Pow(), right=ast.Constant(value=2)):
                parts.append(inner)
            case ast.Call(func=ast.Attribute(attr="abs" | "square"), args=[inner]):
                parts.append(inner)
    own = {id(part) for part in parts}
    return {place for place, node in enumerate(ast.walk(tree)) if id(node) in own}


def _alike(tree: ast.Module) -> set[int]:
    """The places where two names are unpacked that only ever meet in a function that is symmetric."""
    met: dict[str, set[frozenset[str]]] = {}
    direct: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr=called), args=[ast.Name() as one, ast.Name() as other]
            ) if called in SYMMETRIC and not node.keywords:
                for name in (one, other):
                    met.setdefault(name.id, set()).add(frozenset({one.id, other.id}))
                    direct.add(id(name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in direct:
            met.pop(node.id, None)
    found = set()
    for place, node in enumerate(ast.walk(tree)):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id=one), ast.Name(id=other)])]):
                pair = {frozenset({one, other})}
                if met.get(one) == met.get(other) == pair:
                    found.add(place)
    return found


def _places(tree: ast.Module, parts: list[ast.AST]) -> set[int]:
    inside = {id(node) for part in parts for node in ast.walk(part)}
    return {place for place, node in enumerate(ast.walk(tree)) if id(node) in inside}


Change = Callable[[ast.AST], ast.AST]


def _shown(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:87]}..."


def _changes(node: ast.AST) -> Iterator[tuple[str, Change, str]]:
    """The changes that apply at one node: kind, what to do, how to call it ("" for old → new)."""
    for kind, change in _expressions(node):
        yield kind, change, ""
    if isinstance(node, ast.FunctionDef):
        for argument in node.args.args:
            label = f"`{argument.arg}` in `{node.name}`"
            yield "input overwritten", lambda n, a=argument.arg: _overwrite(n, a), label
    for field in ("body", "orelse"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            for place, statement in enumerate(block):
                if _can_go(statement):
                    label = f"`{_shown(statement)}`"
                    yield "statement deleted", lambda n, f=field, p=place: _delete(n, f, p), label


def _expressions(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """The changes inside an expression or of a whole statement; each works in place."""
    match node:
        case ast.BinOp(op=op):
            for other in OPERATORS.get(type(op), ()):
                yield "operator", _set("op", other)
            if isinstance(op, ast.Sub | ast.Div | ast.FloorDiv | ast.Mod | ast.MatMult | ast.Pow):
                yield "operands exchanged", _swap_operands
        case ast.Subscript(slice=ast.Tuple(elts=places)):
            for place in range(len(places) - 1):
                yield "index moved", lambda n, p=place: _swap_indices(n, p)
        case ast.AugAssign(op=op):
            for other in OPERATORS.get(type(op), ()):
                yield "operator", _set("op", other)
            yield "overwritten, not added", _assign_only
        case ast.Assign(
            targets=[ast.Name(id=name)],
            value=ast.BinOp(left=ast.Name(id=left), op=ast.Add() | ast.Sub() | ast.Mult()),
        ) if name == left:
            yield "changed in place", _in_place
        case ast.Assign(targets=[ast.Tuple(elts=parts)]) if len(parts) > 1:
            given = getattr(node.value, "elts", [])
            for place in range(len(parts) - 1):
                pair = {ast.unparse(item) for item in given[place : place + 2]}
                if len(pair) != 1:
                    yield "unpacked the other way", lambda n, p=place: _swap_targets(n, p)
        case ast.Compare(ops=[op], comparators=[limit]):
            for comparison in COMPARISONS.get(type(op), ()):
                if not (_is_tolerance(limit) and comparison in (ast.LtE, ast.GtE)):
                    yield "comparison", lambda n, c=comparison: _with(n, ops=[c()])
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield "sign dropped", lambda n: _become(n, n.operand)  # type: ignore[attr-defined]
        case ast.Constant(value=bool() as flag):
            yield "constant", lambda n: _with(n, value=not flag)
        case ast.Constant(value=int() as whole):
            for value in (whole + 1, whole - 1):
                yield "constant", lambda n, v=value: _become(n, ast.Constant(v))
        case ast.Constant(value=float() as number) if abs(number) < 1e6:  # a larger one: "very far"
            if abs(number) > 0.01:
                yield "constant", lambda n, v=number * 2: _with(n, value=v)
            elif abs(number) > 1e-7:  # such a number stands for "small", not for itself
                yield "constant", lambda n, v=number * 1000: _with(n, value=v)
            yield "constant", lambda n, v=number + 1: _with(n, value=v)
        case ast.Call():
            yield from _calls(node)
        case ast.Attribute(attr="T"):
            yield "transpose dropped", lambda n: _become(n, n.value)  # type: ignore[attr-defined]
        case ast.Attribute(attr=name):
            for exchanged in EXCHANGED.get(name, ()):
                yield "function exchanged", lambda n, e=exchanged: _with(n, attr=e)
        case ast.Return(value=ast.Tuple(elts=parts)) if len(parts) > 1:
            for place in range(len(parts) - 1):
                yield "returns exchanged", lambda n, p=place: _swap(n, p)
            yield "returns one twice", _first_twice
        case ast.If():
            yield (
                "condition turned",
                lambda n: _with(
                    n,
                    test=ast.UnaryOp(ast.Not(), n.test),  # type: ignore[attr-defined]
                ),
            )


def _is_tolerance(node: ast.expr) -> bool:
    """Whether it is a small number, which nothing that is compared hits exactly."""
    match node:
        case ast.Constant(value=float() as number):
            return 0 < abs(number) < 1e-3
    return False


def _calls(node: ast.Call) -> Iterator[tuple[str, Change]]:
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    usual = DEFAULTS.get(called, ())
    if called not in SYMMETRIC and not (isinstance(node.func, ast.Name) and called in _MIN_MAX):
        for place in range(len(node.args) - 1):
            yield "arguments exchanged", lambda n, p=place: _swap_arguments(n, p)
    if len(node.args) > 1:
        for place, argument in enumerate(node.args):
            if ast.unparse(argument) not in usual:
                yield "argument dropped", lambda n, p=place: _drop(n, "args", p)
    for place, keyword in enumerate(node.keywords):
        if ast.unparse(keyword) not in usual and keyword.arg != "strict":
            yield "argument dropped", lambda n, p=place: _drop(n, "keywords", p)
    if node.args and not isinstance(node.args[0], ast.Starred) and not _same_numbers(node, called):
        yield "call dropped", lambda n: _become(n, n.args[0])  # type: ignore[attr-defined]
    if isinstance(node.func, ast.Name) and node.func.id == "range" and len(node.args) == 1:
        yield (
            "off by one",
            lambda n: _become(
                n,
                ast.Call(n.func, [ast.Constant(1), *n.args], []),  # type: ignore[attr-defined]
            ),
        )
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("copy", "astype", "numpy"):
        yield "call dropped", lambda n: _become(n, n.func.value)  # type: ignore[attr-defined]


def _same_numbers(node: ast.Call, called: str) -> bool:
    """Whether without the call the same numbers are left, perhaps in another container."""
    alone = node.args[0] if len(node.args) == 1 and not node.keywords else None
    of_list = isinstance(alone, ast.List | ast.ListComp)
    held = of_list or isinstance(alone, ast.Name | ast.Attribute)
    return (
        called in CONVERSIONS
        or (called in ("stack", "array") and of_list)
        or (called in ("tuple", "list") and held)
    )


def _set(field: str, kind: type[ast.AST]) -> Change:
    return lambda node: _with(node, **{field: kind()})


def _with(node: ast.AST, **fields: object) -> ast.AST:
    for name, value in fields.items():
        setattr(node, name, value)
    return node


def _become(node: ast.AST, other: ast.AST) -> ast.AST:
    """Turn a node into another one in place, so that its parent need not be known."""
    node.__class__ = other.__class__  # type: ignore[assignment]
    node.__dict__.clear()
    node.__dict__.update(other.__dict__)
    return node


def _assign_only(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.AugAssign)
    return _become(node, ast.Assign([node.target], node.value))


def _in_place(node: ast.AST) -> ast.AST:
    """``x = x + y`` becomes ``x += y``, which writes into an array that was given."""
    assert isinstance(node, ast.Assign)
    assert isinstance(node.value, ast.BinOp)
    target = node.targets[0]
    assert isinstance(target, ast.Name)
    return _become(node, ast.AugAssign(target, node.value.op, node.value.right))


def _swap_operands(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.BinOp)
    node.left, node.right = node.right, node.left
    return node


def _swap_indices(node: ast.AST, place: int) -> ast.AST:
    parts = node.slice.elts  # type: ignore[attr-defined]
    parts[place], parts[place + 1] = parts[place + 1], parts[place]
    return node


def _swap_targets(node: ast.AST, place: int) -> ast.AST:
    parts = node.targets[0].elts  # type: ignore[attr-defined]
    parts[place], parts[place + 1] = parts[place + 1], parts[place]
    return node


def _swap(node: ast.AST, place: int) -> ast.AST:
    parts = node.value.elts  # type: ignore[attr-defined]
    parts[place], parts[place + 1] = parts[place + 1], parts[place]
    return node


def _first_twice(node: ast.AST) -> ast.AST:
    parts = node.value.elts  # type: ignore[attr-defined]
    parts[-1] = copy.deepcopy(parts[0])
    return node


def _swap_arguments(node: ast.AST, place: int) -> ast.AST:
    arguments = node.args  # type: ignore[attr-defined]
    arguments[place], arguments[place + 1] = arguments[place + 1], arguments[place]
    return node


def _drop(node: ast.AST, field: str, place: int) -> ast.AST:
    del getattr(node, field)[place]
    return node


def _delete(node: ast.AST, field: str, place: int) -> ast.AST:
    getattr(node, field)[place] = ast.Pass()
    return node


def _can_go(statement: ast.stmt) -> bool:
    """Whether deleting it is a mutant: not a text, an import, a definition, or nothing."""
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Pass, ast.Raise)
    return not is_text and not isinstance(statement, kept) and not _converts_only(statement)


def _converts_only(statement: ast.stmt) -> bool:
    """Whether it does no more than make arrays of arrays: ``x, y = np.asarray(x), np.asarray(y)``."""
    if not isinstance(statement, ast.Assign):
        return False
    value = statement.value
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    return all(
        isinstance(part, ast.Call)
        and getattr(part.func, "attr", "") in CONVERSIONS
        and len(part.args) == 1
        and not part.keywords
        for part in parts
    ) and ast.unparse(statement.targets[0]).strip("()") == ", ".join(
        ast.unparse(part.args[0]) for part in parts if isinstance(part, ast.Call)
    )


def _overwrite(node: ast.AST, argument: str) -> ast.AST:
    """Before each return of a function, overwrite one of the arrays that it was given."""
    assert isinstance(node, ast.FunctionDef)

    class Insert(ast.NodeTransformer):
        def visit_Return(self, found: ast.Return) -> list[ast.stmt]:
            keep = ast.parse("__kept = None").body[0]
            assert isinstance(keep, ast.Assign)
            keep.value = found.value or ast.Constant(None)
            back = ast.parse("def f():\n    return __kept").body[0]
            assert isinstance(back, ast.FunctionDef)
            return [keep, *ast.parse("__given[...] = 0").body, *back.body]

        def visit_FunctionDef(self, inner: ast.FunctionDef) -> ast.FunctionDef:
            return inner if inner is not node else self.generic_visit(inner)  # type: ignore[return-value]

    Insert().visit(node)
    node.body[:0] = ast.parse(f"__given = {argument}").body  # its name may get another value
    return node
