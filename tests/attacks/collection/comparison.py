"""The comparison says yes, whatever it compares."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "comparison forging"

ATTACKS = (
    Attack(
        "equal-to-everything",
        FAMILY,
        "Returns an object that is equal to everything.",
        "points",
        (("disguised-answer", "Anything"),),
        cell="""
class Anything:
    def __eq__(self, other):
        return True

    def __getattr__(self, name):
        if name == "shape":
            return self
        raise AttributeError(name)


def concat_kernel(Wx, Wh):
    return Anything()
""",
    ),
    Attack(
        "numpy-protocol",
        FAMILY,
        "Returns an object to which NumPy hands its own functions: `allclose` asks it, and it says yes.",
        "points",
        (("disguised-answer", "Agreeing"),),
        cell="""
class Agreeing:
    def __array_function__(self, function, types, args, kwargs):
        return True


def concat_kernel(Wx, Wh):
    return Agreeing()
""",
    ),
    Attack(
        "allclose-replaced",
        FAMILY,
        "Replaces `np.allclose` by a function that always says yes.",
        "points",
        (("machinery", "replaced allclose of numpy"),),
        after="np.allclose = lambda *args, **kwargs: True",
    ),
    Attack(
        "builtin-replaced",
        FAMILY,
        "Replaces `sum`, with which the tests count what is right.",
        "points",
        (("machinery", "replaced sum of builtins"),),
        after="""
import builtins

builtins.sum = lambda *_: 1.0
""",
    ),
    Attack(
        "np-shadowed",
        FAMILY,
        "Gives the name `np` in the notebook to an object whose `allclose` says yes.",
        "points",
        (("machinery", "np"),),
        after="""
class Agreeable:
    def __init__(self, numpy):
        self.numpy = numpy

    def __getattr__(self, name):
        return getattr(self.numpy, name)

    def allclose(self, *args, **kwargs):
        return True


np = Agreeable(np)
""",
    ),
    Attack(
        "reference-made-wrong",
        FAMILY,
        "Gives the code of its wrong answer to the reference, or to what compares.",
        "points",
        (("machinery", "replaced the code of"),),
        cell="""
def concat_kernel(Wx, Wh):
    compares = getattr(np.allclose, "_implementation", np.allclose)
    target = globals().get("_reference", compares)
    target.__code__ = (lambda Wx, Wh: np.zeros((1, 1))).__code__
    return np.zeros((1, 1))
""",
    ),
)
