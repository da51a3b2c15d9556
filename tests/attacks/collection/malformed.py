"""No notebook at all, under the name of one."""

from __future__ import annotations

import json

from tests.attacks.attack import Attack

FAMILY = "malformed files"

_DEEP = 100_000


def _cells_are_a_record(text: str) -> str:
    return json.dumps({**json.loads(text), "cells": {"0": "def concat_kernel(Wx, Wh): ..."}})


def _of_the_future(text: str) -> str:
    return json.dumps({**json.loads(text), "nbformat": 99})


def _half_a_character(text: str) -> str:
    return text.replace("np.zeros((1, 1))", "'\\ud800'")


def _attack(name: str, tries: str, part: str, raw: object) -> Attack:
    return Attack(
        name, FAMILY, tries, "ungraded", (("unreadable", part),), raw=raw, status="rejected"
    )


ATTACKS = (
    _attack("empty-file", "Hands in nothing, under a name.", "empty", lambda text: ""),
    _attack(
        "no-text",
        "Hands in bytes that are no text.",
        "not text",
        lambda _: b"\xff\xfe\x00\xd8" * 99,
    ),
    _attack(
        "cut-off", "Hands in the first half of the file.", "no notebook", lambda text: text[:999]
    ),
    _attack(
        "nested-without-end",
        "Hands in brackets in brackets, for a parser that calls itself.",
        "nested too deep",
        lambda _: "[" * _DEEP + "]" * _DEEP,
    ),
    _attack(
        "cells-are-a-record",
        "Has a record where the list of cells should be.",
        "no notebook",
        _cells_are_a_record,
    ),
    _attack(
        "format-of-the-future", "Claims a format that there is not yet.", "read", _of_the_future
    ),
    _attack(
        "half-a-character",
        "Holds half a character: fine in JSON, in no other place.",
        "surrogate",
        _half_a_character,
    ),
)
