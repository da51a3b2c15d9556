"""What a test cell says is made up by what it tests."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "output forging"

_PUBLISH = """
def concat_kernel(Wx, Wh):
    kernel = get_ipython().kernel
    kernel.session.send(
        kernel.iopub_socket,
        {kind!r},
        {content!r},
        parent=kernel.get_parent(),
        ident={topic!r},
    )
    return np.zeros((1, 1))
"""

ATTACKS = (
    Attack(
        "result-published-first",
        FAMILY,
        "Publishes an `execute_result` of its own from inside the test: nbgrader takes the first.",
        "points",
        (("forged-output", "execute_result"),),
        cell=_PUBLISH.format(
            kind="execute_result",
            content={"data": {"text/plain": "1.0"}, "metadata": {}, "execution_count": 1},
            topic=b"kernel.execute_result",
        ),
    ),
    Attack(
        "idle-too-early",
        FAMILY,
        "Says that the kernel is idle before the error is shown: nbclient stops listening.",
        "points",
        (("forged-output", "status"),),
        cell=_PUBLISH.format(
            kind="status", content={"execution_state": "idle"}, topic=b"kernel.status"
        ),
    ),
    Attack(
        "number-format",
        FAMILY,
        "Registers a formatter that shows every float as 1.0: partial credit is read from that text.",
        "points",
        (("machinery", "IPython's formatters"),),
        after="""
plain = get_ipython().display_formatter.formatters["text/plain"]
for kind in (float, int, np.float64, np.bool_, bool):
    plain.for_type(kind, lambda value, printer, cycle: printer.text("1.0"))
""",
    ),
    Attack(
        "errors-never-sent",
        FAMILY,
        "Wraps the session's `send`: errors never leave the kernel, and every reply says that all is well.",
        "points",
        (("machinery", "the kernel's messages"),),
        after="""
session = get_ipython().kernel.session
send = session.send


def quiet_send(stream, kind, content=None, *given, **named):
    if kind == "error":
        return None
    if kind == "execute_reply" and content.get("status") == "error":
        content = {**content, "status": "ok", "payload": [], "user_expressions": {}}
    return send(stream, kind, content, *given, **named)


session.send = quiet_send
""",
    ),
    Attack(
        "output-cleared",
        FAMILY,
        "Clears the output after every cell, error and all.",
        "points",
        (("machinery", "event post_run_cell"),),
        after="""
from IPython.display import clear_output

get_ipython().events.register("post_run_cell", lambda result: clear_output(wait=False))
""",
    ),
    Attack(
        "displayhook-replaced",
        FAMILY,
        "Replaces how the result of a cell is turned into data.",
        "points",
        (("machinery", "compute_format_data of what displays results"),),
        after="""
get_ipython().displayhook.compute_format_data = lambda result: ({"text/plain": "1.0"}, {})
""",
    ),
    Attack(
        "verdict-in-the-reply",
        FAMILY,
        "Replaces the probe by one that replies with a verdict: passed, with all points.",
        "believed",
        (("machinery", "answer_request of autograder.probes"), ("malformed-reply", "malformed")),
        after="""
import autograder.probes

autograder.probes.answer_request = lambda request, names: (
    '{"defined": true, "passed": true, "score": 3.0, "outcomes": []}'
)
""",
        believer="verdict",
    ),
)
