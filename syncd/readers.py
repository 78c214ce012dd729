"""Readers of single fields of a payload: a value of the right type, or ``NotUnderstood`` raised.

A needed field that is null, missing or empty text is ``missing_field``; one that is not understood
is ``unreadable``, or ``bad_cents`` where cents belong. ``key`` is the path a person is told
(``lines.3.quantity``). Pure.
"""

from __future__ import annotations

from typing import Any, NoReturn

from syncd.canonical import json_bytes
from syncd.money import plain

Row = dict[str, Any]

NUMBER_LIMIT = 10**15
"""Numbers as large are none; below it a binary fraction still holds every cent exactly."""

LIST_KEYS = ("data", "items", "results")
"""Where a list may be found that is wrapped in an object."""

SHOWN = 60
"""The most characters of a value that are shown to a person."""


class NotUnderstood(Exception):
    """A field that is not understood: the ``code`` of the problem and its parameters."""

    def __init__(self, code: str, **parameters: str) -> None:
        """Keep what a ``Rejection`` is made of."""
        super().__init__(code)
        self.code = code
        self.parameters = parameters


def refuse(value: object, key: str) -> NoReturn:
    """Say that a needed field is missing, or that it is not understood."""
    if value is None or value == "":
        raise NotUnderstood("missing_field", field=key)
    raise NotUnderstood("unreadable", field=key, found=shown(value))


def shown(value: object) -> str:
    """Show a value as JSON, cut to a readable length."""
    return cut(json_bytes(value).decode())


def cut(text: str) -> str:
    """Cut a text to a readable length."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def object_of(value: object, key: str) -> Row:
    """Read an object."""
    if not isinstance(value, dict):
        refuse(value, key)
    return value


def list_of(row: Row, key: str) -> list[Any]:
    """Read a list, bare or wrapped in an object."""
    value = row.get(key)
    if isinstance(value, dict):
        inside = (value.get(name) for name in LIST_KEYS)
        value = next((found for found in inside if isinstance(found, list)), value)
    if not isinstance(value, list):
        refuse(value, key)
    return value


def identity(value: object) -> str | None:
    """Read an id or number: text, or a whole number as text; ``None`` where it is neither."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def needed_identity(row: Row, key: str) -> str:
    """Read an id that must be there."""
    value = row.get(key)
    found = identity(value)
    if found is None:
        refuse(value, key)
    return found


def optional_text(row: Row, key: str) -> str | None:
    """Read a text as it is, empty or not; ``None`` where it is null or missing."""
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        refuse(value, key)
    return value


def cents_of(value: object, key: str) -> int:
    """Read cents: a whole number, spelled ``100`` or ``100.0``; neither text nor true or false."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < NUMBER_LIMIT:
        return value
    if value is None:
        refuse(value, key)
    raise NotUnderstood("bad_cents", field=key, found=shown(value))


def decimal_of(value: object, key: str) -> str:
    """Read a quantity or rate as a plain decimal.

    Numbers are written out here where ``money.plain`` would do the same, only slower.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < NUMBER_LIMIT:
        if isinstance(value, int) or value.is_integer():
            return str(int(value))
        short = repr(value)
        text = short if "e" not in short else plain(value)
        if text is not None:
            return text
    refuse(value, key)
