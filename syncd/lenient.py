"""JSON that the fast reader refuses, read all the same: a value that none may hold becomes an object no field takes."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any, Final

UNREADABLE: Final = "unreadable"
"""The one key of the object that stands for a value of an answer which can be neither kept nor written."""

READABLE: Final = 300
"""The most characters of a number that are kept."""

_HALF: Final = re.compile("[\ud800-\udfff]")
"""Surrogates, halves of a character that alone are none; also what stands for a byte that is no UTF-8."""


def read_leniently(body: bytes) -> Any:
    """Read JSON that orjson refuses for the sake of single values: half characters, ``NaN``, ``1e999``.

    Each such value becomes ``{"unreadable": "…"}``, which no field of a record takes: whoever reads the record makes it
    a problem that shows the value (U+FFFD for what is no character), and the others of the page go on.
    """
    text = body.decode("utf-8-sig", "surrogateescape")
    if not text.lstrip().startswith(("{", "[")):
        raise ValueError("neither an object nor a list")
    return _mended(json.loads(text, parse_constant=_unreadable, parse_float=_number, parse_int=_whole_number))


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return _unreadable(value) if _HALF.search(value) else value
    if isinstance(value, list):
        return [_mended(each) for each in value]
    if isinstance(value, dict):
        return {_HALF.sub("\ufffd", key): _mended(each) for key, each in value.items()}
    return value


def _unreadable(text: str) -> dict[str, str]:
    return {UNREADABLE: _HALF.sub("\ufffd", text)}


def _number(text: str) -> Any:
    return value if isfinite(value := float(text)) else _unreadable(text[:READABLE])


def _whole_number(text: str) -> Any:
    """Read what 64 bits hold as it is, more as orjson does."""
    return int(text) if len(text) < 21 and -(2**63) <= int(text) < 2**64 else _number(text)
