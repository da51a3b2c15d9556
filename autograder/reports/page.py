"""What all pages share: templates that escape by default, Markdown with formulas, highlighted code."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markupsafe import Markup, escape
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer

from autograder.card import number
from autograder.term import counted

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("autograder.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, markdown=markdown, python=python, plain=plain_text)
    environment.filters.update(counted=counted)
    return environment


def render(template: str, **values: Any) -> str:
    """The page that a template makes of ``values``; texts among them are escaped."""
    return _environment().get_template(template).render(**values)


@cache
def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")  # HTML in it stays text
    return parser.use(dollarmath_plugin, double_inline=True, renderer=_formula)


def markdown(text: str) -> Markup:
    """Markdown as HTML, with formulas as MathML, which browsers draw without a script."""
    return Markup(_markdown().render(text))  # the parser escapes HTML


def _formula(latex: str, options: dict[str, Any]) -> str:
    try:
        if not options["display_mode"]:
            return convert(latex)
        shown = convert(latex, display="block")  # wide ones scroll, for the keyboard, too
        return f'<span class="formula" tabindex="0">{shown}</span>'
    except Exception:  # a formula that the converter does not know is shown as it was written
        return f"<code>{escape(latex)}</code>"


def python(source: str) -> Markup:
    """Python source as highlighted HTML."""
    shown = highlight(_printable(source), PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return Markup(shown)  # the formatter escapes


def plain_text(text: str, most: int = 4000) -> str:
    """Text that a program printed, without terminal colours, cut where it is very long."""
    clean = _printable(_ANSI.sub("", text))
    return (
        clean if len(clean) <= most else f"{clean[:most]}\n… ({len(clean) - most} more characters)"
    )


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
