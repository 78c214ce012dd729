"""Odoo's search domains, as far as the connector writes them: conditions in Polish notation, and the few operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.odoo.standin.wire import Unsupported

Get = Callable[[str], Any]
"""Gives the value of a field, or of a field of a linked record (``move_id.state``)."""


def _any(value: Any, wanted: Sequence[Any]) -> bool:
    return any(one in wanted for one in value) if isinstance(value, list) else value in wanted


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, wanted: bool(value == wanted),
    "!=": lambda value, wanted: bool(value != wanted),
    "in": _any,
    "parent_of": lambda value, wanted: bool(value == wanted),
    "not in": lambda value, wanted: not _any(value, wanted),
    ">": lambda value, wanted: bool(value) and value > wanted,
    ">=": lambda value, wanted: bool(value) and value >= wanted,
    "<=": lambda value, wanted: bool(value) and value <= wanted,
    "not like": lambda value, wanted: wanted not in (value or ""),
    "=like": lambda value, wanted: wanted.endswith("%") and (value or "").startswith(wanted[:-1]),
}


def meets(domain: Sequence[Any], get: Get) -> bool:
    """Tell whether a record meets a domain; conditions that stand side by side must all hold."""
    rest = list(domain)
    holds = True
    while rest:
        holds = _next(rest, get) and holds
    return holds


def _next(rest: list[Any], get: Get) -> bool:
    first = rest.pop(0)
    if first in ("|", "&"):
        one, other = _next(rest, get), _next(rest, get)
        return (one or other) if first == "|" else (one and other)
    if isinstance(first, str) or len(first) != 3 or first[1] not in OPERATORS:
        raise Unsupported(f"the condition {first}")
    name, operator, wanted = first
    return OPERATORS[operator](get(name), wanted)
