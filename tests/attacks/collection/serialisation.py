"""What comes back does something when it is read."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "serialisation"

_PAYLOAD = """
import autograder.probes


class Payload:
    def __reduce__(self):
        return __import__("io").open, ("@EVIDENCE@/@ATTACK@", "w")


"""
_MACHINERY = ("machinery", "answer_request of autograder.probes")

ATTACKS = (
    Attack(
        "pickle",
        FAMILY,
        "Replies with a pickle that does something when it is loaded.",
        "believed",
        (_MACHINERY, ("malformed-reply", "malformed")),
        after=_PAYLOAD
        + """
import pickle

autograder.probes.answer_request = lambda request, names: pickle.dumps(Payload(), 0).decode("latin-1")
""",
        believer="pickle",
    ),
    Attack(
        "array-of-objects",
        FAMILY,
        "Replies with an .npy file that holds objects, and so a pickle.",
        "believed",
        (_MACHINERY, ("malformed-reply", "malformed")),
        after=_PAYLOAD
        + """
import base64
import io

file = io.BytesIO()
np.save(file, np.array([Payload()], dtype=object), allow_pickle=True)
text = base64.b64encode(file.getvalue()).decode()
autograder.probes.answer_request = lambda request, names: text
""",
        believer="npy",
    ),
    Attack(
        "expression",
        FAMILY,
        "Replies with an expression in place of a literal.",
        "believed",
        (_MACHINERY, ("malformed-reply", "malformed")),
        after=_PAYLOAD
        + """
autograder.probes.answer_request = lambda request, names: "open('@EVIDENCE@/@ATTACK@', 'w')"
""",
        believer="eval",
    ),
    Attack(
        "nested-too-deep",
        FAMILY,
        "Replies with brackets in brackets, until a parser that calls itself has no stack left.",
        "believed",
        (_MACHINERY, ("malformed-reply", "malformed")),
        after="""
import autograder.probes

autograder.probes.answer_request = lambda request, names: "[" * 200_000 + "]" * 200_000
""",
        believer="recursion",
    ),
    Attack(
        "array-that-lies",
        FAMILY,
        "Replies with an array that claims more numbers than came, for whose who make room first.",
        "believed",
        (_MACHINERY, ("malformed-reply", "array")),
        after="""
import autograder.probes

autograder.probes.answer_request = lambda request, names: (
    '{"dict": [["defined", true], ["outcomes", {"array": ["<f8", [2000000000, 2000000000], "AAAA"]}]]}'
)
""",
        believer="shape",
    ),
)
