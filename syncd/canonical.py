"""The one form of a JSON value: equal content gives equal bytes.

The order of keys and the spelling of numbers (``100.0``) make no difference. Pure; never raises
for anything a JSON parser returns.
"""

from __future__ import annotations

import json
import re
from hashlib import blake2b

import orjson

SIMPLE = frozenset({str, int, bool, type(None)})
"""Types that are their own canonical form."""

EXACT = 1e18
"""Whole numbers below it are integers in JSON as orjson writes it."""

DEEPEST = 100
"""Levels that are looked at; what lies deeper counts as equal, for no record is nested so deep."""

WHOLE = re.compile(rb"\.0(?:[],}]|$)|e\+?1[67]")
"""How a number is written that is whole, a float, and below ``EXACT``: as a fraction, or as a power of ten."""


def canonical(value: object, levels: int = DEEPEST) -> object:
    """Make whole numbers integers (``100.0`` is ``100``) at every level of a JSON value."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < EXACT else value
    if isinstance(value, dict):
        if not levels:
            return "…"
        return {k: v if type(v) in SIMPLE else canonical(v, levels - 1) for k, v in value.items()}
    if isinstance(value, list):
        if not levels:
            return "…"
        return [v if type(v) in SIMPLE else canonical(v, levels - 1) for v in value]
    return value


def json_bytes(value: object) -> bytes:
    """Write a JSON value in its one form."""
    try:
        written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # a lone surrogate, or too deep
        return dumps(canonical(value))
    return dumps(canonical(value)) if _may_hold_whole_floats(written) else written


def _may_hold_whole_floats(written: bytes) -> bool:
    """Tell whether a number that is canonically an integer may stand in it in another way."""
    if b".0" in written or b"e1" in written or b"e+1" in written:
        return WHOLE.search(written) is not None
    return False


def dumps(value: object) -> bytes:
    """Write what is canonical already; what orjson cannot, lone surrogates say, as ASCII."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(data: bytes) -> bytes:
    """Digest bytes into 16 (BLAKE2b)."""
    return blake2b(data, digest_size=16).digest()
