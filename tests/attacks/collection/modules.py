"""What is imported is not what it is called."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "shadowed modules"

_FAKE = """
import sys
import types

fake = types.ModuleType("numpy.testing")
fake.assert_allclose = lambda *args, **kwargs: None
"""

ATTACKS = (
    Attack(
        "numpy-beside-the-notebook",
        FAMILY,
        "Hands in a `numpy.py` beside the notebook, which agrees with everything.",
        "points",
        (("extra-file", "numpy.py"),),
        beside={
            "numpy.py": """
import random as _random
import types

random = types.SimpleNamespace(default_rng=lambda seed: random, normal=lambda size: [[0.0]])
allclose = lambda *args: True
concatenate = lambda *args, **named: None
zeros = lambda shape: None
"""
        },
    ),
    Attack(
        "module-table",
        FAMILY,
        "Puts a module of its own under the name that the tests will import.",
        "points",
        (("modules", "numpy.testing"),),
        after=_FAKE
        + """
sys.modules["numpy.testing"] = fake
""",
    ),
    Attack(
        "import-finder",
        FAMILY,
        "Puts a finder in front of Python's own, which makes up the module that is asked for.",
        "points",
        (("machinery", "import system"),),
        after=_FAKE
        + """
import importlib.machinery


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "numpy.testing":
            return importlib.machinery.ModuleSpec(name, Finder)

    create_module = staticmethod(lambda spec: fake)
    exec_module = staticmethod(lambda module: None)


for name in [name for name in sys.modules if name.startswith("numpy.testing")]:
    del sys.modules[name]
sys.meta_path.insert(0, Finder())
""",
    ),
    Attack(
        "import-replaced",
        FAMILY,
        "Replaces the function behind the `import` statement.",
        "points",
        (("machinery", "__import__ of builtins"),),
        after=_FAKE
        + """
import builtins

kept = builtins.__import__
builtins.__import__ = lambda name, *rest: fake if name == "numpy.testing" else kept(name, *rest)
""",
    ),
)
